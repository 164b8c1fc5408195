//! `…/by-external-id`: accounts and members by the product's own names, one or a thousand at a time.

use api::accounts::Account as ShownAccount;
use api::members::Member;
use api::provision::{
    Outcome as ShownOutcome, PutAccount, PutAccountItem, PutAccounts, PutMember, PutMemberItem, PutMembers,
    PutOutcome, PutOutcomes,
};
use domain::ids::ExternalId;
use domain::provision::{self, MOST, Outcome};
use domain::refusal::Refusal;
use serde::de::DeserializeOwned;
use serde_json::Value;
use service::provision::Done;

use super::call::{Account, Call, Many, NoQuery, One, Within};
use super::door::{Provisioning, Reader};
use super::shape::{Created, Put};
use super::table::Table;
use crate::json::{self, Json};
use crate::map;
use crate::problem::Problem;

pub(crate) fn routes(table: &mut Table) {
    const ACCOUNTS: &str = "/v1/accounts/by-external-id";
    const ACCOUNT: &str = "/v1/accounts/by-external-id/{external_id}";
    const MEMBERS: &str = "/v1/accounts/{account}/members/by-external-id";
    const MEMBER: &str = "/v1/accounts/{account}/members/by-external-id/{external_id}";
    table.put(
        ACCOUNTS,
        "put_accounts",
        "Creates or updates up to 1,000 accounts; one that is refused keeps no other from being done.",
        put_accounts,
    );
    table.get(
        ACCOUNT,
        "show_account_by_external_id",
        "Shows the account that the product calls so.",
        account,
    );
    table.put(
        ACCOUNT,
        "put_account",
        "Creates or updates the account that the product calls so; the same again changes nothing.",
        put_account,
    );
    table.put(
        MEMBERS,
        "put_members",
        "Creates or updates up to 1,000 members; one that is refused keeps no other from being done.",
        put_members,
    );
    table.get(MEMBER, "show_member_by_external_id", "Shows the member whom the product calls so.", member);
    table.put(
        MEMBER,
        "put_member",
        "Creates or updates the member whom the product calls so; the same again changes nothing.",
        put_member,
    );
    table.delete(
        MEMBER,
        "remove_member_by_external_id",
        "Removes the member whom the product calls so; the policy says what becomes of the tokens.",
        remove_member,
    );
}

async fn member(call: Call<Reader, Within<String>>) -> Result<Json<Member>, Problem> {
    let Within(at, name) = &call.at;
    let (account, holder) = call.house.desk.member_named(&call.who.0, at, name).await?;
    Ok(Json(map::member(holder, &account)))
}

async fn put_member(
    call: Call<Provisioning, Within<String>, NoQuery, Json<PutMember>>,
) -> Result<Put<Member>, Problem> {
    let Within(at, name) = &call.at;
    let Json(body) = call.body;
    let order = provision::PutMember {
        external_id: external_id(name)?,
        name: body.name,
        email: body.email,
        role: body.role,
        active: body.active,
        metadata: body.metadata.map(map::object),
    };
    let (account, put) = call.house.desk.put_member(call.who.0, at, order).await?;
    let location = format!("/v1/accounts/{}/members/{}", account.id, put.row.id);
    Ok(answer(put.outcome, location, map::member(put.row, &account)))
}

async fn remove_member(call: Call<Provisioning, Within<String>>) -> Result<Json<Member>, Problem> {
    let Within(at, name) = &call.at;
    let (account, holder) = call.house.desk.remove_member_named(call.who.0, at, name).await?;
    Ok(Json(map::member(holder, &account)))
}

async fn put_members(
    call: Call<Provisioning, Account, NoQuery, Many<PutMembers>>,
) -> Result<Json<PutOutcomes>, Problem> {
    let read = read("members", call.body.items.members, |item: PutMemberItem| {
        Ok(provision::PutMember {
            external_id: external_id(&item.external_id)?,
            name: item.name,
            email: item.email,
            role: item.role,
            active: item.active,
            metadata: item.metadata.map(map::object),
        })
    })?;
    let done = call.house.desk.put_members(call.who.0, &call.at.0, &read.orders).await?;
    Ok(Json(read.outcomes(done, |holder| holder.id.to_string())))
}

async fn account(call: Call<Provisioning, One<String>>) -> Result<Json<ShownAccount>, Problem> {
    let account = call.house.desk.account_named(&call.who.0, &call.at.0).await?;
    Ok(Json(map::account(&account)))
}

async fn put_account(
    call: Call<Provisioning, One<String>, NoQuery, Json<PutAccount>>,
) -> Result<Put<ShownAccount>, Problem> {
    let Json(PutAccount { id, name, preset, metadata }) = call.body;
    let item = PutAccountItem { external_id: call.at.0, id, name, preset, metadata };
    let put = call.house.desk.put_account(call.who.0, account_order(item)?, &call.house.preset.get()).await?;
    let location = format!("/v1/accounts/{}", put.row.id);
    Ok(answer(put.outcome, location, map::account(&put.row)))
}

async fn put_accounts(
    call: Call<Provisioning, (), NoQuery, Many<PutAccounts>>,
) -> Result<Json<PutOutcomes>, Problem> {
    let read = read("accounts", call.body.items.accounts, account_order)?;
    let done = call.house.desk.put_accounts(call.who.0, &read.orders, &call.house.preset.get()).await?;
    Ok(Json(read.outcomes(done, |account| account.id.to_string())))
}

fn account_order(item: PutAccountItem) -> Result<provision::PutAccount, Problem> {
    Ok(provision::PutAccount {
        external_id: external_id(&item.external_id)?,
        id: item.id.as_deref().map(super::accounts::slug).transpose()?,
        name: item.name,
        preset: item.preset,
        metadata: item.metadata.map(map::object),
    })
}

fn external_id(text: &str) -> Result<ExternalId, Problem> {
    Ok(ExternalId::parse(text).map_err(service::Error::from)?)
}

fn answer<T>(outcome: Outcome, location: String, body: T) -> Put<T> {
    match outcome {
        Outcome::Created => Put::Made(Created { location, body }),
        Outcome::Updated | Outcome::Unchanged => Put::There(body),
    }
}

/// A batch that was read: what can be asked for, and for each item its name and what was wrong with it.
struct Read<O> {
    orders: Vec<O>,
    items: Vec<(Option<String>, Option<Problem>)>,
}

/// Reads each item by itself, so that a bad one is refused alone.
fn read<T: DeserializeOwned, O>(
    field: &'static str,
    items: Vec<Value>,
    order: impl Fn(T) -> Result<O, Problem>,
) -> Result<Read<O>, Problem> {
    if items.len() > MOST {
        let detail = format!("A batch has at most {MOST} {field}; send the others in another.");
        return Err(Problem::invalid_field(field, detail));
    }
    let mut read = Read { orders: Vec::with_capacity(items.len()), items: Vec::with_capacity(items.len()) };
    for item in items {
        let name = item["external_id"].as_str().map(str::to_owned);
        // Through its text, because that way a fault is told with its place.
        let problem = match json::from_slice(item.to_string().as_bytes()).and_then(&order) {
            Ok(order) => {
                read.orders.push(order);
                None
            }
            Err(problem) => Some(problem),
        };
        read.items.push((name, problem));
    }
    Ok(read)
}

impl<O> Read<O> {
    /// Each item's answer in its place. `done` has those of the orders, in theirs.
    fn outcomes<T>(self, done: Vec<Done<T>>, id: impl Fn(&T) -> String) -> PutOutcomes {
        let refused = |problem: Problem| (None, ShownOutcome::Refused, Some(problem.of_one()));
        let mut done = done.into_iter();
        let answers = self.items.into_iter().map(|(external_id, problem)| {
            let (id, outcome, problem) = match problem {
                Some(problem) => refused(problem),
                None => match done.next() {
                    Some(Ok(put)) => (Some(id(&put.row)), outcome(put.outcome), None),
                    Some(Err(refusal)) => refused(of_refusal(refusal)),
                    None => refused(Problem::internal()),
                },
            };
            PutOutcome { external_id, id, outcome, problem }
        });
        PutOutcomes { outcomes: answers.collect() }
    }
}

fn of_refusal(refusal: Refusal) -> Problem {
    service::Error::from(refusal).into()
}

fn outcome(outcome: Outcome) -> ShownOutcome {
    match outcome {
        Outcome::Created => ShownOutcome::Created,
        Outcome::Updated => ShownOutcome::Updated,
        Outcome::Unchanged => ShownOutcome::Unchanged,
    }
}
