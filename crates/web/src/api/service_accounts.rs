//! `/v1/accounts/{account}/service-accounts`

use api::service_accounts::{CreateServiceAccount, EditServiceAccount, ServiceAccount};
use api::{Empty, ListQuery};
use domain::ids::{HolderId, ServiceAccountId};
use domain::members::Join;
use service::Visitor;
use service::members::HolderKind;

use super::call::{Account, Call, NoQuery, Within};
use super::door::Holder;
use super::limit;
use super::members::{Change, born_active};
use super::shape::{Created, Listed};
use super::table::Table;
use crate::json::{EmptyOrJson, Json};
use crate::map;
use crate::problem::Problem;

type Answer = Result<Json<ServiceAccount>, Problem>;
type At = Within<ServiceAccountId>;

pub(crate) fn routes(table: &mut Table) {
    const ALL: &str = "/v1/accounts/{account}/service-accounts";
    const ONE: &str = "/v1/accounts/{account}/service-accounts/{id}";
    table.get(ALL, "list_service_accounts", "Lists the service accounts of an account.", list);
    table.post(
        ALL,
        "create_service_account",
        "Adds a holder of tokens that is nobody in particular.",
        create,
    );
    table.get(ONE, "show_service_account", "Shows a service account.", show);
    table.patch(ONE, "edit_service_account", "Edits a service account.", edit);
    table.delete(ONE, "remove_service_account", "Removes a service account.", remove);
    table.post(
        "/v1/accounts/{account}/service-accounts/{id}/deactivate",
        "deactivate_service_account",
        "Deactivates a service account.",
        deactivate,
    );
    table.post(
        "/v1/accounts/{account}/service-accounts/{id}/reactivate",
        "reactivate_service_account",
        "Activates a service account again.",
        reactivate,
    );
}

async fn list(call: Call<Holder, Account, ListQuery>) -> Result<Listed<ServiceAccount>, Problem> {
    let limit = limit(call.query.limit)?;
    let (desk, kind) = (&call.house.desk, HolderKind::ServiceAccount);
    let (account, page) =
        desk.holders(&Visitor::Holder(call.who.0.into()), &call.at.0, kind, limit, call.query.cursor).await?;
    Ok(Listed(map::page(page, |holder| map::service_account(holder, &account))))
}

async fn create(
    call: Call<Holder, Account, NoQuery, Json<CreateServiceAccount>>,
) -> Result<Created<ServiceAccount>, Problem> {
    let replay = call.replay()?;
    let Json(body) = call.body;
    born_active(body.active)?;
    let order = Join {
        name: body.name,
        email: None,
        external_id: body.external_id,
        role: body.role,
        bindings: map::bound(&body.bindings)?,
        metadata: body.metadata.map(map::object),
    };
    let account = call.who.0.account.clone();
    let holder = call.house.desk.add_service_account(call.who.0, &call.at.0, order, replay).await?;
    let location = format!("/v1/accounts/{}/service-accounts/{}", holder.account, holder.id);
    Ok(Created { location, body: map::service_account(holder, &account) })
}

async fn show(call: Call<Holder, At>) -> Answer {
    let Within(at, id) = &call.at;
    let visitor = Visitor::Holder(call.who.0.into());
    let (account, holder) = call.house.desk.holder(&visitor, at, HolderId::ServiceAccount(*id)).await?;
    Ok(Json(map::service_account(holder, &account)))
}

async fn edit(call: Call<Holder, At, NoQuery, Json<EditServiceAccount>>) -> Answer {
    let Json(body) = call.body;
    let change = Change {
        name: body.name,
        role: body.role,
        bindings: body.bindings,
        active: body.active,
        metadata: body.metadata,
        version: body.version,
    };
    let account = call.who.0.account.clone();
    let Within(at, id) = &call.at;
    let holder = change.make(&call.house.desk, call.who.0, at, HolderId::ServiceAccount(*id)).await?;
    Ok(Json(map::service_account(holder, &account)))
}

async fn remove(call: Call<Holder, At>) -> Answer {
    let account = call.who.0.account.clone();
    let Within(at, id) = &call.at;
    let holder = call.house.desk.remove_holder(call.who.0, at, HolderId::ServiceAccount(*id)).await?;
    Ok(Json(map::service_account(holder, &account)))
}

async fn deactivate(call: Call<Holder, At, NoQuery, EmptyOrJson<Empty>>) -> Answer {
    let account = call.who.0.account.clone();
    let Within(at, id) = &call.at;
    let holder = call.house.desk.deactivate_holder(call.who.0, at, HolderId::ServiceAccount(*id)).await?;
    Ok(Json(map::service_account(holder, &account)))
}

async fn reactivate(call: Call<Holder, At, NoQuery, EmptyOrJson<Empty>>) -> Answer {
    let account = call.who.0.account.clone();
    let Within(at, id) = &call.at;
    let holder = call.house.desk.reactivate_holder(call.who.0, at, HolderId::ServiceAccount(*id)).await?;
    Ok(Json(map::service_account(holder, &account)))
}
