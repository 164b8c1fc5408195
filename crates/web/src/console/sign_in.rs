//! Signing in and out.

use std::time::Duration;

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::USER_AGENT;
use domain::ids::AccountId;
use serde::Deserialize;
use service::sessions::Login;
use service::{Error, OneTimeCode, Password};
use utoipa::IntoParams;

use super::fields::Fields;
use super::frame::Bare;
use super::reply::Reply;
use super::session::{self, Guest, Signed};
use super::tongue::Tongue;
use crate::api::call::{Account, Call, NoQuery};
use crate::api::table::Table;
use crate::problem::Problem;
use crate::server;

pub(crate) fn routes(table: &mut Table) {
    const SIGN_IN: &str = "/console/sign-in";
    table.page(SIGN_IN, show);
    table.form(SIGN_IN, sign_in);
    table.form("/console/{account}/sign-out", sign_out);
}

/// Where to go afterwards.
#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Onward {
    #[serde(default)]
    next: String,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Page<'a> {
    frame: Bare<'a>,
    email: &'a str,
    /// The account to sign in to; a person with one can leave it out.
    account: &'a str,
    next: &'a str,
    wrong: Option<String>,
    /// Passwords are not sent over this address.
    unsafe_address: bool,
    /// Whoever forgot theirs is mailed a way to another one.
    mails: bool,
}

/// The second step, for whoever uses one-time codes: the password was right.
#[derive(Template)]
#[template(path = "sign_in_code.html")]
struct CodePage<'a> {
    frame: Bare<'a>,
    /// Says that the password was right, for the form to send back.
    ticket: &'a str,
    account: &'a str,
    /// The account is asked for: they are in several.
    several: bool,
    next: &'a str,
    wrong: Option<String>,
}

/// The path of the page, for whoever should come back to `next` afterwards.
pub(crate) fn link(next: &str) -> String {
    match next {
        "" => "/sign-in".to_owned(),
        next => format!("/sign-in?next={}", encoded(next)),
    }
}

async fn show(call: Call<Guest, (), Onward>) -> Result<Reply, Problem> {
    let frame = Bare::of(&call.house, Tongue::of(&call.house.look, &call.parts.headers));
    let unsafe_address = !is_safe(&call);
    let next = &call.query.next;
    let account = account_of(next);
    let mails = call.house.desk.mails();
    let page = Page { frame, email: "", account, next, wrong: None, unsafe_address, mails };
    Reply::page(&call.house.look, &page)
}

async fn sign_in(mut call: Call<Guest, (), NoQuery, Fields>) -> Result<Reply, Problem> {
    let house = &*call.house;
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    if !is_safe(&call) {
        return Err(Problem::forbidden(tongue.say("sign-in-unsafe")));
    }
    let mut fields = std::mem::take(&mut call.body);
    let password = Password::new(fields.take("password"));
    let code = fields.take("one_time_code");
    let ticket = fields.given("ticket");
    let agent = call.parts.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    let account = fields.given("account").map(|account| account.parse()).transpose();
    let login = Login {
        email: fields.text("email").to_owned(),
        // What is no account is nobody's.
        account: account.map_err(|_| Problem::not_found())?,
        node: None,
        agent: agent.map(str::to_owned),
        code: Some(OneTimeCode::new(code)),
        address: server::from(&call.parts),
        program: false,
    };
    let next = fields.text("next");
    let answer = match &ticket {
        Some(ticket) => match house.desk.log_in_with_code(ticket, login).await {
            Ok(started) => started.ok_or(None),
            Err(error) => Err(Some(error)),
        },
        None => house.desk.log_in(login, password).await.map_err(Some),
    };
    let code_page = |ticket: &str, wrong: Option<String>, several: bool| {
        let page = CodePage {
            frame: Bare::of(house, tongue),
            ticket,
            account: fields.text("account"),
            several,
            next,
            wrong,
        };
        Reply::page(&house.look, &page)
    };
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    let wrong = match answer {
        Ok(started) => {
            let account = &started.account.id;
            let tokens = format!("/{account}/tokens");
            let onward = if is_within(next) { next } else { &tokens };
            return Ok(Reply::to(&house.look, onward).cookie(session::begin(
                &house.look,
                account,
                &started.text,
            )));
        }
        Err(None) => tongue.say("sign-in-late").into_owned(),
        Err(Some(Error::CodeNeeded(ticket))) => {
            let again = fields.given("ticket").map(|_| tongue.say("refused-code").into_owned());
            let status = if again.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
            return Ok(code_page(ticket.expose(), again, false)?.with_status(status));
        }
        Err(Some(error @ (Error::Unauthenticated | Error::Refused(_) | Error::Slowed(_)))) => {
            let (text, several) = match error {
                Error::Refused(refusal) => (refusal.detail, true),
                Error::Slowed(wait) => {
                    status = StatusCode::TOO_MANY_REQUESTS;
                    (slowed(tongue, wait), false)
                }
                _ if ticket.is_some() => (tongue.say("refused-code").into_owned(), false),
                _ => (tongue.say("sign-in-wrong").into_owned(), false),
            };
            if let Some(ticket) = &ticket {
                let page = code_page(ticket, Some(text), several || !fields.text("account").is_empty())?;
                return Ok(page.with_status(status));
            }
            text
        }
        Err(Some(other)) => return Err(other.into()),
    };
    let page = Page {
        frame: Bare::of(house, tongue),
        email: fields.text("email"),
        account: fields.text("account"),
        next,
        wrong: Some(wrong),
        unsafe_address: false,
        mails: house.desk.mails(),
    };
    Ok(Reply::page(&house.look, &page)?.with_status(status))
}

/// How long whoever was wrong too often has to wait, in whole seconds or minutes.
pub(crate) fn slowed(tongue: Tongue, wait: Duration) -> String {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let (name, count) = match seconds {
        ..=90 => ("sign-in-slowed-seconds", seconds),
        _ => ("sign-in-slowed-minutes", seconds.div_ceil(60)),
    };
    tongue.say_of(name, &[("count", i64::try_from(count).unwrap_or(i64::MAX).into())]).into_owned()
}

async fn sign_out(call: Call<Signed, Account, NoQuery, Fields>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, call.who);
    let account = caller.account.id.clone();
    house.desk.log_out(caller).await?;
    Ok(Reply::to(&house.look, &link("")).cookie(session::end(&house.look, &account)))
}

fn is_safe<P, Q, B>(call: &Call<Guest, P, Q, B>) -> bool {
    session::is_safe(&call.house.look, &call.parts.headers, &call.parts.uri)
}

/// A path of ours: nobody is led elsewhere by a link that begins here.
fn is_within(next: &str) -> bool {
    next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains(['\\', '\r', '\n'])
        && next.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The account that a path within the console is about: whoever is led there signs in to that one.
fn account_of(next: &str) -> &str {
    let first = next.strip_prefix('/').and_then(|rest| rest.split('/').next()).unwrap_or("");
    if first.parse::<AccountId>().is_ok() { first } else { "" }
}

/// Percent-encoded for a value in a query (WHATWG URL, application/x-www-form-urlencoded).
pub(crate) fn encoded(text: &str) -> String {
    use std::fmt::Write;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                encoded.push(char::from(byte));
            }
            byte => write!(encoded, "%{byte:02X}").expect("writing to memory does not fail"),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::{is_within, link};

    #[test]
    fn one_is_led_on_within_the_console_only() {
        assert!(is_within("/acme/tokens?q=a%20b"));
        for next in ["", "//evil.example", "/\\evil.example", "https://evil.example", "acme", "/a\r\nb"] {
            assert!(!is_within(next), "{next:?}");
        }
        assert_eq!(link("/acme/tokens?q=a&sort=name"), "/sign-in?next=/acme/tokens%3Fq%3Da%26sort%3Dname");
    }
}
