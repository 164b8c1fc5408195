//! Leaving: by the link at the end of a mail its reader gets no more of them. A mail program may do it
//! for them with one click (RFC 8058), so the form takes what comes and wants neither a session nor a page of
//! ours before it; whatever only looks at links turns nothing off. Whoever has the link has the mail.

use std::borrow::Cow;

use askama::Template;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use domain::ids::AccountId;
use service::Error;
use service::mail::Leaver;

use super::frame::Bare;
use super::handoff::Shut;
use super::reply::Reply;
use super::tongue::Tongue;
use crate::api::House;
use crate::api::call::{self, Body, Call, NoQuery, One};
use crate::api::door::Anyone;
use crate::api::shape::Shape;
use crate::api::table::Table;
use crate::json;
use crate::problem::Problem;

pub(crate) fn routes(table: &mut Table) {
    // An account's id has no underscore, so no account is in the way.
    const PATH: &str = "/console/_leave/{secret}";
    table.page(PATH, show);
    table.form(PATH, leave);
}

#[derive(Template)]
#[template(path = "door/leave.html")]
struct Page<'a> {
    frame: Bare<'a>,
    account: &'a AccountId,
    account_name: &'a str,
    /// Nothing is mailed to them any more.
    done: bool,
}

impl Page<'_> {
    fn say(&self, name: &str) -> Cow<'static, str> {
        self.frame.say_of(name, "account", self.account_name)
    }
}

/// Whatever a mail program sends with its click: it says nothing that the address does not.
struct Click;

impl Body for Click {
    fn shape() -> Option<Shape> {
        Some(Shape { also: &["multipart/form-data"], required: false, ..Shape::text(call::FORM) })
    }

    async fn read(_: &House, headers: &HeaderMap, body: axum::body::Body) -> Result<(Click, Bytes), Problem> {
        let raw = json::collect_body(headers, body, json::MAX_BODY).await?;
        Ok((Click, raw))
    }
}

async fn show(call: Call<Anyone, One<String>>) -> Result<Reply, Problem> {
    match call.desk().way_out(&call.at.0).await? {
        Some(leaver) => {
            let done = leaver.member.mail == Some(false);
            page(&call, &leaver, done)
        }
        None => dead(&call),
    }
}

async fn leave(call: Call<Anyone, One<String>, NoQuery, Click>) -> Result<Reply, Problem> {
    match call.desk().leave(&call.at.0).await {
        Ok(leaver) => page(&call, &leaver, true),
        Err(Error::Unauthenticated) => dead(&call),
        Err(error) => Err(error.into()),
    }
}

fn page<B>(
    call: &Call<Anyone, One<String>, NoQuery, B>,
    leaver: &Leaver,
    done: bool,
) -> Result<Reply, Problem> {
    let frame = Bare::of(&call.house, Tongue::of(&call.house.look, &call.parts.headers));
    let (account, account_name) = (&leaver.account.id, leaver.account.name.as_str());
    Reply::page(&call.house.look, &Page { frame, account, account_name, done })
}

/// Wrong, or of a mail that was forgotten since.
fn dead<B>(call: &Call<Anyone, One<String>, NoQuery, B>) -> Result<Reply, Problem> {
    let look = &call.house.look;
    let frame = Bare::of(&call.house, Tongue::of(look, &call.parts.headers));
    Ok(Reply::page(look, &Shut { frame, why: "leave-dead" })?.with_status(StatusCode::NOT_FOUND))
}
