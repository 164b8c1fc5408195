//! `/v1/accounts` and the policy of each.

use api::accounts::{Account as Shown, CreateAccount, EditAccount, Policy as Document};
use api::{Empty, ListQuery};
use domain::accounts::{Edit, Found};
use domain::ids::AccountId;
use domain::policy::Policy;
use serde_json::Value;
use service::{OneTimeCode, Password, Proof};

use super::call::{Account, Call, NoQuery};
use super::door::{Holder, Operator, Reader};
use super::limit;
use super::shape::{Created, Listed};
use super::table::Table;
use crate::json::{self, EmptyOrJson, Json};
use crate::map;
use crate::problem::Problem;

pub(crate) fn routes(table: &mut Table) {
    const ALL: &str = "/v1/accounts";
    const ONE: &str = "/v1/accounts/{account}";
    const POLICY: &str = "/v1/accounts/{account}/policy";
    table.get(
        ALL,
        "list_accounts",
        "Lists all accounts to an operator and to a service that is limited to none, and to others theirs.",
        list,
    );
    table.post(
        ALL,
        "create_account",
        "Creates an account with copies of a preset's policy and roles.",
        create,
    );
    table.get(ONE, "show_account", "Shows an account.", show);
    table.patch(ONE, "edit_account", "Edits an account.", edit);
    table.post(
        "/v1/accounts/{account}/deactivate",
        "deactivate_account",
        "Closes an account: its tokens and sessions stop at once.",
        deactivate,
    );
    table.post(
        "/v1/accounts/{account}/reactivate",
        "reactivate_account",
        "Reopens an account: what was good, and has not ended meanwhile, is good again.",
        reactivate,
    );
    table.get(POLICY, "show_policy", "Shows an account's policy as one document.", policy);
    table.put(
        POLICY,
        "change_policy",
        "Replaces an account's policy. `password` may stand beside the switches, to prove oneself again.",
        change_policy,
    );
}

async fn list(call: Call<Reader, (), ListQuery>) -> Result<Listed<Shown>, Problem> {
    let limit = limit(call.query.limit)?;
    let page = call.house.desk.accounts(call.who.0, limit, call.query.cursor).await?;
    Ok(Listed(map::page(page, |account| map::account(&account))))
}

async fn create(call: Call<Operator, (), NoQuery, Json<CreateAccount>>) -> Result<Created<Shown>, Problem> {
    let replay = call.replay()?;
    let Json(body) = call.body;
    let order = Found {
        id: slug(&body.id)?,
        name: body.name,
        external_id: body.external_id,
        metadata: body.metadata.map(map::object),
    };
    let preset = body.preset.unwrap_or_else(|| call.house.preset.get());
    let account = call.house.desk.found_account(call.who.0, order, &preset, replay).await?;
    Ok(Created { location: format!("/v1/accounts/{}", account.id), body: map::account(&account) })
}

pub(super) fn slug(id: &str) -> Result<AccountId, Problem> {
    const CHOOSE: &str =
        "Choose 2 to 40 characters from a-z, 0-9 and -, other than `by-external-id`; it never changes.";
    id.parse().map_err(|_| Problem::invalid_field("id", CHOOSE))
}

async fn show(call: Call<Reader, Account>) -> Result<Json<Shown>, Problem> {
    let account = call.house.desk.account(&call.who.0, &call.at.0).await?;
    Ok(Json(map::account(&account)))
}

async fn edit(call: Call<Holder, Account, NoQuery, Json<EditAccount>>) -> Result<Json<Shown>, Problem> {
    let Json(body) = call.body;
    let (desk, at) = (&call.house.desk, &call.at.0);
    let edit = Edit {
        name: body.name,
        metadata: map::metadata_asked(body.metadata),
        external_id: body.external_id.into_option(),
    };
    let Some(active) = body.active else {
        let account = desk.edit_account(call.who.0, at, body.version, edit).await?;
        return Ok(Json(map::account(&account)));
    };
    let edits = edit.name.is_some() || edit.metadata.is_some() || edit.external_id.is_some();
    if edits || body.version.is_some() {
        // They are decided, journalled and refused apart.
        return Err(Problem::invalid_field("active", "Send `active` alone."));
    }
    let account = match active {
        true => desk.reactivate_account(call.who.0, at).await?,
        false => desk.deactivate_account(call.who.0, at).await?,
    };
    Ok(Json(map::account(&account)))
}

async fn deactivate(
    call: Call<Operator, Account, NoQuery, EmptyOrJson<Empty>>,
) -> Result<Json<Shown>, Problem> {
    let account = call.house.desk.deactivate_account(call.who.0, &call.at.0).await?;
    Ok(Json(map::account(&account)))
}

async fn reactivate(
    call: Call<Operator, Account, NoQuery, EmptyOrJson<Empty>>,
) -> Result<Json<Shown>, Problem> {
    let account = call.house.desk.reactivate_account(call.who.0, &call.at.0).await?;
    Ok(Json(map::account(&account)))
}

async fn policy(call: Call<Holder, Account>) -> Result<Json<Document>, Problem> {
    let account = call.house.desk.policy(call.who.0, &call.at.0).await?;
    document(&account.policy)
}

async fn change_policy(
    call: Call<Holder, Account, NoQuery, Json<Document>>,
) -> Result<Json<Document>, Problem> {
    let (policy, proof) = asked(call.body.0)?;
    let account = call.house.desk.change_policy(call.who.0, &call.at.0, policy, proof, None).await?;
    document(&account.policy)
}

/// The switches, and what may stand beside them to show who asks.
fn asked(document: Document) -> Result<(Policy, Proof), Problem> {
    let Value::Object(mut switches) = document.0 else {
        return Err(Problem::new(crate::problem::Code::InvalidField, "A policy is a JSON object."));
    };
    let mut beside = |field| match switches.remove(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Problem::invalid_field(field, "Expected text.")),
    };
    let password = beside("password")?.map(Password::new);
    let proof = Proof { password, code: beside("one_time_code")?.map(OneTimeCode::new) };
    // Through its text, because that way a fault is told with the switch's place.
    let policy = json::from_slice(Value::Object(switches).to_string().as_bytes())?;
    Ok((policy, proof))
}

fn document(policy: &Policy) -> Result<Json<Document>, Problem> {
    serde_json::to_value(policy).map(|value| Json(Document(value))).map_err(|error| {
        tracing::error!(%error, "could not write a policy as JSON");
        Problem::internal()
    })
}
