//! `/v1/accounts/{account}/roles`, strongest first.

use api::ListQuery;
use api::roles::{CreateRole, EditRole, Role as Shown};
use domain::facts::Role;
use domain::ids::RoleId;

use super::call::{Account, Call, NoQuery, Within};
use super::door::{Holder, Reader};
use super::limit;
use super::shape::{Created, Listed};
use super::table::Table;
use crate::json::Json;
use crate::map;
use crate::problem::Problem;

pub(crate) fn routes(table: &mut Table) {
    const ALL: &str = "/v1/accounts/{account}/roles";
    const ONE: &str = "/v1/accounts/{account}/roles/{id}";
    table.get(ALL, "list_roles", "Lists the roles of an account, strongest first.", list);
    table.post(ALL, "create_role", "Creates a role, the weakest in order.", create);
    table.patch(ONE, "edit_role", "Edits a role; members and tokens that have it follow.", edit);
    table.delete(ONE, "delete_role", "Deletes a role that nobody has.", delete);
}

async fn list(call: Call<Reader, Account, ListQuery>) -> Result<Listed<Shown>, Problem> {
    let limit = limit(call.query.limit)?;
    let desk = &call.house.desk;
    let account = desk.roles(&call.who.0, &call.at.0).await?;
    let ranked: Vec<(usize, &Role)> = account.roles.iter().enumerate().collect();
    let place = |(_, role): &(usize, &Role)| role.id.to_string();
    let list = format!("roles {}", account.id);
    let page = desk.page(&list, ranked, place, limit, call.query.cursor.as_deref())?;
    let registry = desk.registry();
    Ok(Listed(map::page(page, |(rank, role)| map::role(role, rank, &account.id, &registry))))
}

async fn create(call: Call<Holder, Account, NoQuery, Json<CreateRole>>) -> Result<Created<Shown>, Problem> {
    let replay = call.replay()?;
    let Json(body) = call.body;
    let desk = &call.house.desk;
    let ranked = desk.create_role(call.who.0, &call.at.0, body.name, body.permissions, replay).await?;
    let location = format!("/v1/accounts/{}/roles/{}", call.at.0, ranked.role.id);
    Ok(Created { location, body: map::role(&ranked.role, ranked.rank, &call.at.0, &desk.registry()) })
}

async fn edit(call: Call<Holder, Within<RoleId>, NoQuery, Json<EditRole>>) -> Result<Json<Shown>, Problem> {
    let Json(body) = call.body;
    let desk = &call.house.desk;
    let Within(account, id) = &call.at;
    let ranked = desk.edit_role(call.who.0, account, *id, body.name, body.permissions).await?;
    Ok(Json(map::role(&ranked.role, ranked.rank, account, &desk.registry())))
}

async fn delete(call: Call<Holder, Within<RoleId>>) -> Result<Json<Shown>, Problem> {
    let desk = &call.house.desk;
    let Within(account, id) = &call.at;
    let ranked = desk.delete_role(call.who.0, account, *id).await?;
    Ok(Json(map::role(&ranked.role, ranked.rank, account, &desk.registry())))
}
