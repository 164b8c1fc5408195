//! The console opened from within the product: the link that its backend asked for, once.
//!
//! A browser that somebody leads there is let in at once, and says so itself: it navigates, into a page
//! or a frame (W3C, Fetch Metadata). Whatever only looks at links (a scanner, a prefetch, a preview in a
//! chat) does not say that, and gets a page with a button, which leaves the link as it is. So does a
//! browser that says nothing, and one in which somebody else is signed in to that account: by a link of
//! their own anybody could lead them into a session that is not theirs. A form that a script sent off by
//! itself would spend it no later and cost everybody a page more.

use askama::Template;
use axum::http::header::USER_AGENT;
use axum::http::{HeaderMap, Method, StatusCode};
use domain::ids::HolderId;
use service::Error;

use super::fields::Fields;
use super::frame::Bare;
use super::look::Look;
use super::reply::Reply;
use super::session::{self, Guest};
use super::tongue::Tongue;
use crate::api::call::{Call, NoQuery, One};
use crate::api::table::Table;
use crate::problem::Problem;

/// An account's id has no underscore, so no account is in the way.
const HAND_OFF: &str = "/_handoff/";

pub(crate) fn routes(table: &mut Table) {
    const PATH: &str = "/console/_handoff/{secret}";
    table.page(PATH, show);
    table.form(PATH, open);
}

/// The path of a link, from the outside.
pub(crate) fn path(look: &Look, secret: &str) -> String {
    format!("{}{HAND_OFF}{secret}", look.base)
}

#[derive(Template)]
#[template(path = "door/handoff.html")]
struct Page<'a> {
    frame: Bare<'a>,
    /// Who is signed in to the account by now, and is somebody else.
    instead_of: Option<&'a str>,
}

/// What a link that lets nobody in says instead, and what to do.
#[derive(Template)]
#[template(path = "door/shut.html")]
pub(crate) struct Shut<'a> {
    pub(crate) frame: Bare<'a>,
    /// Names the sentences: `<why>-title` and `<why>-how`.
    pub(crate) why: &'a str,
}

impl Shut<'_> {
    fn title(&self) -> std::borrow::Cow<'static, str> {
        self.frame.say(&format!("{}-title", self.why))
    }

    fn how(&self) -> std::borrow::Cow<'static, str> {
        self.frame.say(&format!("{}-how", self.why))
    }
}

async fn show(call: Call<Guest, One<String>>) -> Result<Reply, Problem> {
    let (headers, look) = (&call.parts.headers, &call.house.look);
    if !session::is_safe(look, headers, &call.parts.uri) {
        return shut(&call, "door-unsafe", StatusCode::FORBIDDEN);
    }
    let Some((account, member)) = call.desk().handed_over(&call.at.0).await? else {
        return shut(&call, "handoff-dead", StatusCode::NOT_FOUND);
    };
    let here = session::of_account(call.desk(), headers, look, &account).await;
    let other = here.filter(|caller| caller.holder.id != HolderId::Member(member));
    if other.is_none() && call.parts.method == Method::GET && is_somebody_s(headers) {
        return arrive(&call).await;
    }
    let frame = Bare::of(&call.house, Tongue::of(look, headers));
    let instead_of = other.as_ref().map(|caller| caller.holder.name.as_str());
    Reply::page(look, &Page { frame, instead_of })
}

async fn open(call: Call<Guest, One<String>, NoQuery, Fields>) -> Result<Reply, Problem> {
    arrive(&call).await
}

async fn arrive<B>(call: &Call<Guest, One<String>, NoQuery, B>) -> Result<Reply, Problem> {
    let (house, headers) = (&*call.house, &call.parts.headers);
    if !session::is_safe(&house.look, headers, &call.parts.uri) {
        return shut(call, "door-unsafe", StatusCode::FORBIDDEN);
    }
    let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    match house.desk.arrive(&call.at.0, agent).await {
        Ok((started, place)) => {
            let account = &started.account.id;
            let reply = Reply::to(&house.look, &format!("/{account}{place}"));
            Ok(reply.cookie(session::begin(&house.look, account, &started.text)))
        }
        // Used, run out, never there; or its service's key was revoked.
        Err(Error::Unauthenticated) => shut(call, "handoff-dead", StatusCode::NOT_FOUND),
        Err(Error::Refused(_)) => shut(call, "handoff-closed", StatusCode::FORBIDDEN),
        Err(other) => Err(other.into()),
    }
}

pub(super) fn shut<B>(
    call: &Call<Guest, One<String>, NoQuery, B>,
    why: &str,
    status: StatusCode,
) -> Result<Reply, Problem> {
    let look = &call.house.look;
    let frame = Bare::of(&call.house, Tongue::of(look, &call.parts.headers));
    Ok(Reply::page(look, &Shut { frame, why })?.with_status(status))
}

/// Whether a browser says that it was led here, to show what comes to somebody.
fn is_somebody_s(headers: &HeaderMap) -> bool {
    let says = |name: &str, values: &[&str]| {
        headers.get(name).is_some_and(|said| values.iter().any(|value| said == value))
    };
    let beforehand =
        ["sec-purpose", "purpose", "x-purpose", "x-moz"].iter().any(|name| headers.contains_key(*name));
    says("sec-fetch-mode", &["navigate"])
        && says("sec-fetch-dest", &["document", "iframe", "frame"])
        && !beforehand
}
