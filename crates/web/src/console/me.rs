//! One's own page: who one is here, where one is signed in, and what signs one in. Changing that stands
//! in a file each below.

mod agent;
mod password;
mod second_factor;

use std::borrow::Cow;

use askama::Template;
use axum::http::header::USER_AGENT;
use axum::http::{HeaderMap, HeaderValue};
use domain::facts::Person;
use domain::ids::AccountId;
use domain::time::Timestamp;
use serde::Deserialize;
use service::Renewing;
use service::sessions::Started;
use token::TokenId;
use utoipa::IntoParams;

use super::fields::Fields;
use super::frame::{self, Frame, Section, told};
use super::reply::Reply;
use super::session::{self, Signed};
use super::sign_in;
use super::tongue::Tongue;
use crate::api::House;
use crate::api::call::{Account, Call, NoQuery, Within};
use crate::api::table::Table;
use crate::problem::Problem;

pub(crate) fn routes(table: &mut Table) {
    const PASSWORD: &str = "/console/{account}/me/password";
    const CODES: &str = "/console/{account}/me/one-time-codes";
    const OFF: &str = "/console/{account}/me/one-time-codes/off";
    table.page("/console/{account}/me", show);
    table.form("/console/{account}/me/sessions/{id}/end", end);
    table.page(PASSWORD, password::show);
    table.form(PASSWORD, password::change);
    table.page(CODES, second_factor::show);
    table.form(CODES, second_factor::enrol);
    table.page(OFF, second_factor::ask_off);
    table.form(OFF, second_factor::switch_off);
}

/// Where one is led after something was changed.
fn path(account: &AccountId, done: &str) -> String {
    told(&format!("/{account}/me"), done)
}

/// What a form says of the rest: whether it ends with what is changed.
fn renewing<'h>(fields: &Fields, headers: &'h HeaderMap) -> Renewing<'h> {
    let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    Renewing { everything: fields.ticked("everything"), agent, program: false }
}

/// The session in the place of the one that asked.
fn begin(house: &House, started: &Started) -> HeaderValue {
    session::begin(&house.look, &started.account.id, &started.text)
}

#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
struct After {
    done: Option<String>,
}

#[derive(Template)]
#[template(path = "me.html")]
struct Page<'a> {
    frame: Frame<'a>,
    /// None for a user of the product who comes by its links alone.
    person: Option<Person>,
    role: Option<&'a str>,
    sessions: Vec<Row>,
}

impl Page<'_> {
    /// How many recovery codes are left, in words, where one-time codes are in use.
    fn codes_left(&self) -> Option<Cow<'static, str>> {
        let left = self.person.as_ref()?.second_factor.as_ref()?.recovery.len();
        Some(self.frame.say_of("me-codes-left", "count", left))
    }

    fn has_password(&self) -> bool {
        self.person.as_ref().is_some_and(|person| person.password.is_some())
    }
}

/// Where one is signed in.
struct Row {
    id: String,
    agent: String,
    since: Timestamp,
    until: Option<Timestamp>,
    used: Option<(Timestamp, Option<String>)>,
    /// It is this one.
    current: bool,
}

async fn show(call: Call<Signed, Account, After>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let mut sessions: Vec<Row> = house
        .desk
        .sessions(caller)
        .await?
        .into_iter()
        .map(|listed| {
            let service::sessions::Session { token, last_use, current } = listed;
            Row {
                id: token.id.to_string(),
                agent: agent::words(tongue, domain::sessions::agent(&token)),
                since: token.life.created_at,
                until: token.life.expires_at,
                // What is under way is counted a moment later.
                used: if current { Some(caller.now) } else { last_use.at }.map(|at| (at, last_use.address)),
                current,
            }
        })
        .collect();
    // This one first; the others stay, the newest first.
    sessions.sort_by_key(|row| !row.current);
    let mut frame = Frame::of(house, tongue, caller, Section::Me).await?;
    frame.said = frame::said(tongue, call.query.done.as_deref());
    let role = caller.holder.role().and_then(|role| caller.account.role(role));
    let page = Page {
        person: house.desk.person_behind(caller).await?,
        role: role.map(|role| role.name.as_str()),
        sessions,
        frame,
    };
    Reply::page(&house.look, &page)
}

/// Ends a session of one's own; the one that asks is signed out.
async fn end(call: Call<Signed, Within<TokenId>, NoQuery, Fields>) -> Result<Reply, Problem> {
    let (house, Signed(caller), id) = (&*call.house, call.who, call.at.1);
    let account = caller.account.id.clone();
    if caller.comes_with(id) {
        house.desk.log_out(caller).await?;
        let out = Reply::to(&house.look, &sign_in::link(""));
        return Ok(out.cookie(session::end(&house.look, &account)));
    }
    house.desk.end_session(caller, id).await?;
    Ok(Reply::to(&house.look, &path(&account, "session-ended")))
}
