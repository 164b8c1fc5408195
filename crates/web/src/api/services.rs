//! `/v1/services`: keys of the product's programs, for operators.

use api::services::{CreateService, IssuedService, Service as Shown};
use api::{ListQuery, Secret};
use domain::facts::Service;
use domain::ids::ServiceId;

use super::call::{Call, NoQuery, One};
use super::door::Operator;
use super::limit;
use super::shape::{Created, Listed};
use super::table::Table;
use crate::json::Json;
use crate::map;
use crate::problem::Problem;

pub(crate) fn routes(table: &mut Table) {
    const ALL: &str = "/v1/services";
    table.get(ALL, "list_services", "Lists the services.", list);
    table.post(ALL, "create_service", "Creates a service; its key is in this answer alone.", create);
    table.delete("/v1/services/{id}", "revoke_service", "Ends a service's key at once.", revoke);
}

async fn list(call: Call<Operator, (), ListQuery>) -> Result<Listed<Shown>, Problem> {
    let limit = limit(call.query.limit)?;
    let desk = &call.house.desk;
    let services = desk.services(call.who.0).await?;
    let place = |service: &Service| service.id.to_string();
    let page = desk.page("services", services, place, limit, call.query.cursor.as_deref())?;
    Ok(Listed(map::page(page, map::service)))
}

async fn create(
    call: Call<Operator, (), NoQuery, Json<CreateService>>,
) -> Result<Created<IssuedService>, Problem> {
    let replay = call.replay()?;
    let Json(body) = call.body;
    let scopes = body.scopes.into_iter().map(map::scope).collect();
    let accounts = body.accounts.map(|ids| ids.iter().map(|id| id.parse()).collect()).transpose();
    let accounts =
        accounts.map_err(|_| Problem::invalid_field("accounts", "Expected the ids of accounts."))?;
    let keyed = call.house.desk.create_service(call.who.0, body.name, scopes, accounts, replay).await?;
    let secret = Secret::new(keyed.text.expose());
    let service = map::service(keyed.service);
    let location = format!("/v1/services/{}", service.id);
    Ok(Created { location, body: IssuedService { service, secret } })
}

async fn revoke(call: Call<Operator, One<ServiceId>>) -> Result<Json<Shown>, Problem> {
    let service = call.house.desk.revoke_service(call.who.0, call.at.0).await?;
    Ok(Json(map::service(service)))
}
