//! `/v1/accounts/{account}/installations`: customers' running copies of the product.

use api::ListQuery;
use api::installations::{CreateInstallation, EditInstallation, Installation as Shown};
use domain::ids::InstallationId;
use domain::installations::Edit;

use super::call::{Account, Call, NoQuery, Within};
use super::door::Holder;
use super::limit;
use super::shape::{Created, Listed};
use super::table::Table;
use crate::json::Json;
use crate::map;
use crate::problem::Problem;

type At = Within<InstallationId>;
type Answer = Result<Json<Shown>, Problem>;

pub(crate) fn routes(table: &mut Table) {
    const ALL: &str = "/v1/accounts/{account}/installations";
    const ONE: &str = "/v1/accounts/{account}/installations/{id}";
    table.get(ALL, "list_installations", "Lists the installations of an account.", list);
    table.post(ALL, "create_installation", "Makes an installation known, linked to nodes.", create);
    table.get(ONE, "show_installation", "Shows an installation.", show);
    table.patch(ONE, "edit_installation", "Renames an installation, or links it to other nodes.", edit);
    table.delete(ONE, "delete_installation", "Forgets an installation.", delete);
}

async fn list(call: Call<Holder, Account, ListQuery>) -> Result<Listed<Shown>, Problem> {
    let limit = limit(call.query.limit)?;
    let page = call.house.desk.installations(call.who.0, &call.at.0, limit, call.query.cursor).await?;
    Ok(Listed(map::page(page, map::installation)))
}

async fn create(
    call: Call<Holder, Account, NoQuery, Json<CreateInstallation>>,
) -> Result<Created<Shown>, Problem> {
    let replay = call.replay()?;
    let Json(body) = call.body;
    let nodes = map::nodes("nodes", &body.nodes)?;
    let made = call.house.desk.add_installation(call.who.0, &call.at.0, body.name, nodes, replay).await?;
    let location = format!("/v1/accounts/{}/installations/{}", made.account, made.id);
    Ok(Created { location, body: map::installation(made) })
}

async fn show(call: Call<Holder, At>) -> Answer {
    let Within(account, id) = &call.at;
    let found = call.house.desk.installation(call.who.0, account, *id).await?;
    Ok(Json(map::installation(found)))
}

async fn edit(call: Call<Holder, At, NoQuery, Json<EditInstallation>>) -> Answer {
    let Json(body) = call.body;
    let nodes = body.nodes.map(|nodes| map::nodes("nodes", &nodes)).transpose()?;
    let Within(account, id) = &call.at;
    let edit = Edit { name: body.name, nodes };
    let desk = &call.house.desk;
    let edited = desk.edit_installation(call.who.0, account, *id, body.version, edit).await?;
    Ok(Json(map::installation(edited)))
}

async fn delete(call: Call<Holder, At>) -> Answer {
    let Within(account, id) = &call.at;
    let gone = call.house.desk.delete_installation(call.who.0, account, *id).await?;
    Ok(Json(map::installation(gone)))
}
