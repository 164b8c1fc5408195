//! One account of the server: what it is, how many of its tokens work, its first member, and closing and
//! reopening it.

use std::sync::Arc;

use askama::Template;
use axum::http::StatusCode;
use domain::facts;
use domain::ids::AccountId;
use domain::members::Join;
use domain::time::Timestamp;
use domain::who::Caller;
use serde::Deserialize;
use service::inventory::{Filter, Want};
use service::members::HolderKind;
use service::{Password, Visitor};
use utoipa::IntoParams;

use super::wrong_of;
use crate::api::House;
use crate::api::call::{Call, NoQuery, Within};
use crate::api::table::Table;
use crate::console::fields::Fields;
use crate::console::frame::{self, Frame, Section, told};
use crate::console::reply::Reply;
use crate::console::session::Signed;
use crate::console::tokens::{Wrong, again, number};
use crate::console::tongue::Tongue;
use crate::problem::Problem;

pub(super) fn routes(table: &mut Table) {
    const CLOSE: &str = "/console/{account}/accounts/{id}/close";
    const OPEN: &str = "/console/{account}/accounts/{id}/open";
    table.page("/console/{account}/accounts/{id}", show);
    table.form("/console/{account}/accounts/{id}/members", add);
    table.page(CLOSE, |call: Call<Signed, Within<AccountId>>| ask(call, Act::Close));
    table.form(CLOSE, |call: Call<Signed, Within<AccountId>, NoQuery, Fields>| carry_out(call, Act::Close));
    table.page(OPEN, |call: Call<Signed, Within<AccountId>>| ask(call, Act::Open));
    table.form(OPEN, |call: Call<Signed, Within<AccountId>, NoQuery, Fields>| carry_out(call, Act::Open));
}

#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
struct After {
    done: String,
}

#[derive(Template)]
#[template(path = "accounts/one.html")]
struct Page<'a> {
    frame: Frame<'a>,
    account: &'a facts::Account,
    id: String,
    closed: Option<Timestamp>,
    own: bool,
    /// Tokens that work, and all of them.
    good: String,
    tokens: String,
    /// Nobody is in it yet: the form for the first.
    empty: bool,
    roles: Vec<&'a str>,
    fields: Fields,
    wrong: Option<Wrong>,
}

impl Page<'_> {
    fn wrong(&self, field: &str) -> Option<&str> {
        wrong_of(self.wrong.as_ref(), &["name", "email", "role", "password"], field)
    }
}

async fn found(house: &House, caller: &Caller, id: &AccountId) -> Result<Arc<facts::Account>, Problem> {
    house.desk.operator(caller).await?;
    Ok(house.desk.account(&Visitor::Holder(Box::new(caller.clone())), id).await?)
}

/// Tokens of the account that work, and all that are not deleted.
async fn tokens(house: &House, caller: &Caller, id: &AccountId) -> Result<(u64, u64), Problem> {
    let want = Want { account: Some(id.clone()), ..Want::default() };
    let tally = house.desk.inventory_summary(caller.clone(), Filter { want, permission: None }).await?;
    let good = tally.by_status.iter().filter(|(state, _)| state.is_good()).map(|(_, count)| count).sum();
    Ok((good, tally.count))
}

async fn show(call: Call<Signed, Within<AccountId>, After>) -> Result<Reply, Problem> {
    let (house, Signed(caller), id) = (&*call.house, &call.who, &call.at.1);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let account = found(house, caller, id).await?;
    page(house, tongue, caller, &account, Fields::default(), None, &call.query.done).await
}

async fn page(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    account: &facts::Account,
    fields: Fields,
    wrong: Option<Wrong>,
    done: &str,
) -> Result<Reply, Problem> {
    let visitor = Visitor::Holder(Box::new(caller.clone()));
    let own = account.id == caller.account.id;
    let empty = !own && {
        let (_, first) = house.desk.holders(&visitor, &account.id, HolderKind::Member, 1, None).await?;
        first.items.is_empty()
    };
    let (good, all) = tokens(house, caller, &account.id).await?;
    let mut frame = Frame::of(house, tongue, caller, Section::Accounts).await?;
    frame.said = frame::said(tongue, Some(done));
    let page = Page {
        id: account.id.to_string(),
        closed: account.inactive_since,
        good: number(good),
        tokens: number(all),
        roles: account.roles.iter().map(|role| role.name.as_str()).collect(),
        own,
        empty,
        account,
        fields,
        wrong,
        frame,
    };
    Reply::page(&house.look, &page)
}

/// Adds a member from outside, as a new account needs for its first.
async fn add(mut call: Call<Signed, Within<AccountId>, NoQuery, Fields>) -> Result<Reply, Problem> {
    let (house, Signed(caller), id) = (&*call.house, &call.who, &call.at.1);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let account = found(house, caller, id).await?;
    let mut fields = std::mem::take(&mut call.body);
    let password = Some(fields.take("password")).filter(|text| !text.is_empty()).map(Password::new);
    let order = Join {
        name: fields.text("name").to_owned(),
        email: fields.given("email"),
        role: fields.given("role"),
        ..Join::default()
    };
    match house.desk.add_member(caller.clone(), id, order, password, None).await {
        Ok(_) => {
            let one = format!("/{}/accounts/{id}", caller.account.id);
            Ok(Reply::to(&house.look, &told(&one, "account-member")))
        }
        Err(error) => {
            let wrong = again(tongue, error)?;
            let page = page(house, tongue, caller, &account, fields, Some(wrong), "").await?;
            Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY))
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Close,
    Open,
}

#[derive(Template)]
#[template(path = "accounts/act.html")]
struct ActPage<'a> {
    frame: Frame<'a>,
    id: String,
    act: &'static str,
    title: String,
    sentences: Vec<String>,
    button: String,
    danger: bool,
    wrong: Option<String>,
}

async fn ask(call: Call<Signed, Within<AccountId>>, act: Act) -> Result<Reply, Problem> {
    let (house, Signed(caller), id) = (&*call.house, &call.who, &call.at.1);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let account = found(house, caller, id).await?;
    act_page(house, tongue, caller, &account, act, None).await
}

async fn act_page(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    account: &facts::Account,
    act: Act,
    wrong: Option<String>,
) -> Result<Reply, Problem> {
    let frame = Frame::of(house, tongue, caller, Section::Accounts).await?;
    let about = |count: u64| {
        let text = number(count);
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        move |name: &str| {
            let about = [
                ("count", count.into()),
                ("tokens", text.as_str().into()),
                ("name", account.name.as_str().into()),
            ];
            tongue.say_of(name, &about).into_owned()
        }
    };
    let (word, sentence) = match act {
        Act::Close => ("close", about(tokens(house, caller, &account.id).await?.0)("account-close-sentence")),
        Act::Open => ("open", tongue.say("account-open-sentence").into_owned()),
    };
    let say = about(0);
    let page = ActPage {
        id: account.id.to_string(),
        act: word,
        title: say(&format!("account-{word}-title")),
        sentences: vec![sentence],
        button: tongue.say(&format!("account-{word}-button")).into_owned(),
        danger: act == Act::Close,
        wrong,
        frame,
    };
    Reply::page(&house.look, &page)
}

async fn carry_out(
    call: Call<Signed, Within<AccountId>, NoQuery, Fields>,
    act: Act,
) -> Result<Reply, Problem> {
    let (house, Signed(caller), id) = (&*call.house, &call.who, &call.at.1);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let account = found(house, caller, id).await?;
    let (done, said) = match act {
        Act::Close => (house.desk.deactivate_account(caller.clone(), id).await, "account-closed"),
        Act::Open => (house.desk.reactivate_account(caller.clone(), id).await, "account-opened"),
    };
    match done {
        Ok(_) => {
            let one = format!("/{}/accounts/{id}", caller.account.id);
            Ok(Reply::to(&house.look, &told(&one, said)))
        }
        Err(error) => {
            let wrong = again(tongue, error)?;
            let page = act_page(house, tongue, caller, &account, act, Some(wrong.text)).await?;
            Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY))
        }
    }
}
