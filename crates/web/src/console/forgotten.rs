//! A forgotten password: the page on which somebody asks for a mail, which says the same to everybody, and what
//! the link in that mail opens. It signs nobody in, so that a second factor is asked for as always.

use askama::Template;
use axum::http::StatusCode;
use service::{Error, Password};

use super::fields::Fields;
use super::frame::Bare;
use super::handoff::Shut;
use super::reply::Reply;
use super::session::{self, Guest};
use super::sign_in;
use super::tokens::again;
use super::tongue::Tongue;
use crate::api::House;
use crate::api::call::{Call, NoQuery, One};
use crate::api::table::Table;
use crate::problem::Problem;
use crate::server;

pub(crate) fn routes(table: &mut Table) {
    // An account's id has no underscore, so no account is in the way.
    const ASK: &str = "/console/_forgotten";
    const OPEN: &str = "/console/_reset/{secret}";
    table.page(ASK, show);
    table.form(ASK, ask);
    table.page(OPEN, open);
    table.form(OPEN, reset);
}

#[derive(Template)]
#[template(path = "door/forgotten.html")]
struct Page<'a> {
    frame: Bare<'a>,
    stage: Stage<'a>,
}

enum Stage<'a> {
    /// No mails are sent from here: whom to ask instead.
    Without,
    /// For an address, with what was wrong the last time.
    Asking { email: &'a str, wrong: Option<String> },
    /// If there is somebody with it.
    Asked,
}

#[derive(Template)]
#[template(path = "door/reset.html")]
struct Opened<'a> {
    frame: Bare<'a>,
    email: &'a str,
    everything: bool,
    wrong: Option<String>,
}

/// It is done.
#[derive(Template)]
#[template(path = "door/reset_done.html")]
struct Done<'a> {
    frame: Bare<'a>,
    everything: bool,
    sign_in: String,
}

async fn show(call: Call<Guest, ()>) -> Result<Reply, Problem> {
    let look = &call.house.look;
    let frame = Bare::of(&call.house, Tongue::of(look, &call.parts.headers));
    let stage = match call.house.desk.mails() {
        true => Stage::Asking { email: "", wrong: None },
        false => Stage::Without,
    };
    Reply::page(look, &Page { frame, stage })
}

async fn ask(call: Call<Guest, (), NoQuery, Fields>) -> Result<Reply, Problem> {
    let house = &*call.house;
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let page = |stage: Stage<'_>| Reply::page(&house.look, &Page { frame: Bare::of(house, tongue), stage });
    if !house.desk.mails() {
        return Ok(page(Stage::Without)?.with_status(StatusCode::NOT_FOUND));
    }
    let email = call.body.text("email");
    match house.desk.forgot_password(email, server::from(&call.parts)).await {
        Ok(()) => page(Stage::Asked),
        Err(Error::Slowed(wait)) => {
            let wrong = Some(sign_in::slowed(tongue, wait));
            let page = page(Stage::Asking { email, wrong })?;
            Ok(page.with_status(StatusCode::TOO_MANY_REQUESTS))
        }
        Err(other) => Err(other.into()),
    }
}

async fn open(call: Call<Guest, One<String>>) -> Result<Reply, Problem> {
    if !session::is_safe(&call.house.look, &call.parts.headers, &call.parts.uri) {
        return shut(&call, "door-unsafe", StatusCode::FORBIDDEN);
    }
    let tongue = Tongue::of(&call.house.look, &call.parts.headers);
    opened(&call.house, tongue, &call.at.0, false, None).await
}

async fn reset(mut call: Call<Guest, One<String>, NoQuery, Fields>) -> Result<Reply, Problem> {
    let (house, headers) = (&*call.house, &call.parts.headers);
    if !session::is_safe(&house.look, headers, &call.parts.uri) {
        return shut(&call, "door-unsafe", StatusCode::FORBIDDEN);
    }
    let tongue = Tongue::of(&house.look, headers);
    let password = Password::new(call.body.take("password"));
    let everything = call.body.given("everything").is_some();
    match house.desk.reset_password(&call.at.0, password, everything).await {
        Ok(()) => {
            let sign_in = format!("{}{}", house.look.base, sign_in::link(""));
            Reply::page(&house.look, &Done { frame: Bare::of(house, tongue), everything, sign_in })
        }
        Err(Error::Unauthenticated) => shut(&call, "reset-dead", StatusCode::NOT_FOUND),
        Err(error) => {
            let wrong = again(tongue, error)?;
            opened(house, tongue, &call.at.0, everything, Some(wrong.text)).await
        }
    }
}

/// The page of a link as it stands; with what is wrong, if somebody tried to use it.
async fn opened(
    house: &House,
    tongue: Tongue,
    secret: &str,
    everything: bool,
    wrong: Option<String>,
) -> Result<Reply, Problem> {
    let (look, frame) = (&house.look, Bare::of(house, tongue));
    let Some(forgetful) = house.desk.forgetful(secret).await? else {
        let page = Shut { frame, why: "reset-dead" };
        return Ok(Reply::page(look, &page)?.with_status(StatusCode::NOT_FOUND));
    };
    let refused = wrong.is_some();
    let reply = Reply::page(look, &Opened { frame, email: &forgetful.email, everything, wrong })?;
    Ok(if refused { reply.with_status(StatusCode::UNPROCESSABLE_ENTITY) } else { reply })
}

fn shut<Q, B>(
    call: &Call<Guest, One<String>, Q, B>,
    why: &str,
    status: StatusCode,
) -> Result<Reply, Problem> {
    let look = &call.house.look;
    let frame = Bare::of(&call.house, Tongue::of(look, &call.parts.headers));
    Ok(Reply::page(look, &Shut { frame, why })?.with_status(status))
}
