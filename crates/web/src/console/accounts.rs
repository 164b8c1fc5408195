//! The server's accounts, for operators: the list, a new one, and one with what can be done with it.

mod one;

use askama::Template;
use axum::http::StatusCode;
use domain::accounts::Found;
use domain::facts;
use domain::preset::Preset;
use domain::time::Timestamp;
use domain::who::Caller;
use serde::Deserialize;
use service::Visitor;
use utoipa::IntoParams;

use super::fields::Fields;
use super::frame::{self, Frame, Section, told};
use super::reply::Reply;
use super::session::Signed;
use super::sign_in::encoded;
use super::tokens::{Wrong, again};
use super::tongue::Tongue;
use crate::api::House;
use crate::api::call::{Account, Call, NoQuery};
use crate::api::table::Table;
use crate::problem::Problem;

pub(crate) fn routes(table: &mut Table) {
    const NEW: &str = "/console/{account}/accounts/new";
    table.page("/console/{account}/accounts", list);
    table.page(NEW, new);
    table.form(NEW, create);
    one::routes(table);
}

/// Accounts on a page.
const PAGE: usize = 50;

#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
struct Asked {
    cursor: String,
    done: String,
}

#[derive(Template)]
#[template(path = "accounts.html")]
struct Page<'a> {
    frame: Frame<'a>,
    rows: Vec<Row>,
    begun: bool,
    next: Option<String>,
}

struct Row {
    id: String,
    name: String,
    external_id: Option<String>,
    preset: String,
    created: Timestamp,
    closed: bool,
    /// The one that one is at work in.
    own: bool,
}

fn row(account: &facts::Account, caller: &Caller) -> Row {
    Row {
        id: account.id.to_string(),
        name: account.name.clone(),
        external_id: account.external_id.clone(),
        preset: account.preset.clone(),
        created: account.created_at,
        closed: account.inactive_since.is_some(),
        own: account.id == caller.account.id,
    }
}

async fn list(call: Call<Signed, Account, Asked>) -> Result<Reply, Problem> {
    let (house, Signed(caller), asked) = (&*call.house, &call.who, &call.query);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    house.desk.operator(caller).await?;
    let visitor = Visitor::Holder(Box::new(caller.clone()));
    let cursor = Some(asked.cursor.clone()).filter(|cursor| !cursor.is_empty());
    let page = house.desk.accounts(visitor, PAGE, cursor).await?;
    let mut frame = Frame::of(house, tongue, caller, Section::Accounts).await?;
    frame.said = frame::said(tongue, Some(asked.done.as_str()));
    let next =
        page.next_cursor.map(|cursor| format!("{}?cursor={}", frame.path("accounts"), encoded(&cursor)));
    let rows = page.items.iter().map(|account| row(account, caller)).collect();
    Reply::page(&house.look, &Page { rows, begun: !asked.cursor.is_empty(), next, frame })
}

#[derive(Template)]
#[template(path = "accounts/new.html")]
struct NewPage<'a> {
    frame: Frame<'a>,
    fields: Fields,
    presets: Vec<&'static str>,
    wrong: Option<Wrong>,
}

impl NewPage<'_> {
    /// What is wrong with a field; with the empty name, with all of it.
    fn wrong(&self, field: &str) -> Option<&str> {
        wrong_of(self.wrong.as_ref(), &["id", "name", "external_id", "preset"], field)
    }
}

/// What is wrong with a field of a form that has these; what is beside none of them is wrong with all.
fn wrong_of<'w>(wrong: Option<&'w Wrong>, shown: &[&str], field: &str) -> Option<&'w str> {
    let wrong = wrong?;
    let here = match field {
        "" => !shown.iter().any(|name| wrong.is_of(name)),
        field => wrong.is_of(field),
    };
    here.then_some(wrong.text.as_str())
}

async fn new(call: Call<Signed, Account>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    house.desk.operator(caller).await?;
    let mut fields = Fields::default();
    fields.put("preset", house.preset.get());
    new_page(house, tongue, caller, fields, None).await
}

async fn new_page(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    fields: Fields,
    wrong: Option<Wrong>,
) -> Result<Reply, Problem> {
    let frame = Frame::of(house, tongue, caller, Section::Accounts).await?;
    let presets = Preset::all().iter().map(|preset| preset.name.as_str()).collect();
    Reply::page(&house.look, &NewPage { frame, fields, presets, wrong })
}

async fn create(mut call: Call<Signed, Account, NoQuery, Fields>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    house.desk.operator(caller).await?;
    let fields = std::mem::take(&mut call.body);
    let wrong = match fields.text("id").parse() {
        Err(_) => Wrong::new("id", tongue.say("account-wrong-id")),
        Ok(id) => {
            let order = Found {
                id,
                name: fields.text("name").to_owned(),
                external_id: fields.given("external_id"),
                metadata: None,
            };
            // Reloading the form makes no second one: the id is taken then.
            match house.desk.found_account(caller.clone(), order, fields.text("preset"), None).await {
                Ok(account) => {
                    let one = format!("/{}/accounts/{}", caller.account.id, account.id);
                    return Ok(Reply::to(&house.look, &told(&one, "account-created")));
                }
                Err(error) => again(tongue, error)?,
            }
        }
    };
    let page = new_page(house, tongue, caller, fields, Some(wrong)).await?;
    Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY))
}
