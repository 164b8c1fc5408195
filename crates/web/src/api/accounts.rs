//! `/v1/accounts` and the policy of each.

use api::ListQuery;
use api::accounts::{Account as Shown, CreateAccount, Policy as Document};
use domain::accounts::Found;
use domain::policy::Policy;
use serde_json::Value;
use service::Password;

use super::call::{Account, Call, NoQuery};
use super::door::{Holder, Operator};
use super::limit;
use super::shape::{Created, Listed};
use super::table::Table;
use crate::json::{self, Json};
use crate::map;
use crate::problem::Problem;

pub(crate) fn routes(table: &mut Table) {
    const ALL: &str = "/v1/accounts";
    const ONE: &str = "/v1/accounts/{account}";
    const POLICY: &str = "/v1/accounts/{account}/policy";
    table.get(ALL, "list_accounts", "Lists all accounts to an operator, and to others their own.", list);
    table.post(
        ALL,
        "create_account",
        "Creates an account with copies of a preset's policy and roles.",
        create,
    );
    table.get(ONE, "show_account", "Shows an account.", show);
    table.get(POLICY, "show_policy", "Shows an account's policy as one document.", policy);
    table.put(
        POLICY,
        "change_policy",
        "Replaces an account's policy. `password` may stand beside the switches, to prove oneself again.",
        change_policy,
    );
}

async fn list(call: Call<Holder, (), ListQuery>) -> Result<Listed<Shown>, Problem> {
    let limit = limit(call.query.limit)?;
    let page = call.house.desk.accounts(call.who.0, limit, call.query.cursor).await?;
    Ok(Listed(map::page(page, |account| map::account(&account))))
}

async fn create(call: Call<Operator, (), NoQuery, Json<CreateAccount>>) -> Result<Created<Shown>, Problem> {
    let replay = call.replay()?;
    let Json(body) = call.body;
    let id = body.id.parse().map_err(|_| {
        Problem::invalid_field("id", "Choose 2 to 40 characters from a-z, 0-9 and -; it never changes.")
    })?;
    let order = Found {
        id,
        name: body.name,
        external_id: body.external_id,
        metadata: body.metadata.map(map::object),
    };
    let preset = body.preset.as_deref().unwrap_or(&call.house.preset);
    let account = call.house.desk.found_account(call.who.0, order, preset, replay).await?;
    Ok(Created { location: format!("/v1/accounts/{}", account.id), body: map::account(&account) })
}

async fn show(call: Call<Holder, Account>) -> Result<Json<Shown>, Problem> {
    let account = call.house.desk.account(call.who.0, &call.at.0).await?;
    Ok(Json(map::account(&account)))
}

async fn policy(call: Call<Holder, Account>) -> Result<Json<Document>, Problem> {
    let account = call.house.desk.policy(call.who.0, &call.at.0).await?;
    document(&account.policy)
}

async fn change_policy(
    call: Call<Holder, Account, NoQuery, Json<Document>>,
) -> Result<Json<Document>, Problem> {
    let (policy, password) = asked(call.body.0)?;
    let account = call.house.desk.change_policy(call.who.0, &call.at.0, policy, password).await?;
    document(&account.policy)
}

/// The switches, and the password that may stand beside them.
fn asked(document: Document) -> Result<(Policy, Option<Password>), Problem> {
    let Value::Object(mut switches) = document.0 else {
        return Err(Problem::new(crate::problem::Code::InvalidField, "A policy is a JSON object."));
    };
    let password = match switches.remove("password") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(Password::new(text)),
        Some(_) => return Err(Problem::invalid_field("password", "Expected text.")),
    };
    switches.remove("one_time_code");
    // Through its text, because that way a fault is told with the switch's place.
    let policy = json::from_slice(Value::Object(switches).to_string().as_bytes())?;
    Ok((policy, password))
}

fn document(policy: &Policy) -> Result<Json<Document>, Problem> {
    serde_json::to_value(policy).map(|value| Json(Document(value))).map_err(|error| {
        tracing::error!(%error, "could not write a policy as JSON");
        Problem::internal()
    })
}
