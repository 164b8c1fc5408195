//! `/setup/{secret}`: the page behind the link that an empty server prints. It begins the installation,
//! signs its first administrator in, and shows once what nobody keeps.
//!
//! The link's secret is what opens it: whoever does not know it can neither see the form nor have
//! somebody's browser send it.

use std::borrow::Cow;

use askama::Template;
use axum::http::header::{HOST, ORIGIN, USER_AGENT};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::ids::AccountId;
use domain::preset::Preset;
use serde::Deserialize;
use service::founding::{Begun, Founding};
use service::sessions::Login;
use service::{Error, Password};
use utoipa::ToSchema;

use crate::api::call::{Call, Form, NoQuery, One};
use crate::api::door::Anyone;
use crate::api::shape::{Answer, Shape};
use crate::api::table::Table;
use crate::console::Wrong;
use crate::console::frame::Bare;
use crate::console::handoff::Shut;
use crate::console::reply::Reply;
use crate::console::session;
use crate::console::tongue::Tongue;
use crate::problem::Problem;
use crate::query;

pub(crate) fn routes(table: &mut Table) {
    const PAGE: &str = "/setup/{secret}";
    table.get(PAGE, "show_set_up", "The form that begins an installation.", show);
    table.post(PAGE, "set_up", "Begins the installation, once.", begin);
}

/// The form of the set-up page.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SetUp)]
struct Filled {
    /// The id of the first account, which never changes.
    #[schema(example = "acme")]
    account: String,
    #[schema(example = "Acme")]
    account_name: String,
    /// The name of the first administrator.
    #[schema(example = "Ada Lovelace")]
    admin: String,
    /// What they sign in with.
    email: String,
    /// 12 characters or more.
    #[schema(format = Password, example = "seven green bottles")]
    password: String,
    /// What the account's policy and roles are copied from.
    preset: String,
}

#[derive(Template)]
#[template(path = "door/setup.html")]
struct Page<'a> {
    frame: Bare<'a>,
    filled: &'a Filled,
    /// The field, if one is to blame, and what to do.
    wrong: Option<(&'static str, Cow<'a, str>)>,
}

impl Page<'_> {
    /// What is wrong with a field; with none in particular for an empty name.
    fn wrong(&self, field: &str) -> Option<&str> {
        self.wrong.as_ref().filter(|(name, _)| *name == field).map(|(_, text)| &**text)
    }

    /// The presets, ours first, each with a sentence where we have one.
    fn presets(&self) -> Vec<(&str, Cow<'static, str>)> {
        let mut all: Vec<&Preset> = Preset::all().iter().collect();
        all.sort_by_key(|preset| preset.name != Preset::default_preset().name);
        let sentence = |name: &str| match format!("preset-{name}") {
            known if self.frame.tongue.knows(&known) => self.frame.say(&known),
            _ => Cow::Borrowed(""),
        };
        all.into_iter().map(|preset| (&*preset.name, sentence(&preset.name))).collect()
    }
}

/// What was made, once.
#[derive(Template)]
#[template(path = "door/begun.html")]
struct Done<'a> {
    frame: Bare<'a>,
    account: &'a str,
    sentence: Cow<'static, str>,
    token: &'a str,
    key: &'a str,
    /// Whether the browser was signed in as well.
    signed_in: bool,
}

async fn show(call: Call<Anyone, One<String>>) -> Result<Sheet, Problem> {
    let (look, headers) = (&call.house.look, &call.parts.headers);
    let frame = Bare::of(&call.house, Tongue::of(look, headers));
    if !call.desk().setup_link_opens(&call.at.0).await? {
        return shut(frame, "setup-dead", StatusCode::NOT_FOUND);
    }
    if !session::is_safe(look, headers, &call.parts.uri) {
        return shut(frame, "setup-unsafe", StatusCode::FORBIDDEN);
    }
    let filled = Filled { preset: call.house.preset.get(), ..Filled::default() };
    Ok(Sheet(Reply::page(look, &Page { frame, filled: &filled, wrong: None })?))
}

async fn begin(call: Call<Anyone, One<String>, NoQuery, Form<Filled>>) -> Result<Begin, Problem> {
    let (house, headers) = (&*call.house, &call.parts.headers);
    let frame = Bare::of(house, Tongue::of(&house.look, headers));
    if from_elsewhere(headers) {
        return Err(Problem::forbidden("The form was sent by another site."));
    }
    if !session::is_safe(&house.look, headers, &call.parts.uri) {
        return Ok(Begin(shut(frame, "setup-unsafe", StatusCode::FORBIDDEN)?));
    }
    let mut filled: Filled = query::read(&call.body.text)?;
    let typed = std::mem::take(&mut filled.password);
    let again = |frame, status, field, text: Cow<'_, str>| {
        let page = Page { frame, filled: &filled, wrong: Some((field, text)) };
        Ok(Begin(Sheet(Reply::page(&house.look, &page)?.with_status(status))))
    };
    let Ok(account) = filled.account.parse::<AccountId>() else {
        let why = frame.say("setup-wrong-account");
        return again(frame, StatusCode::UNPROCESSABLE_ENTITY, "account", why);
    };
    let founding = Founding {
        account: account.clone(),
        name: filled.account_name.clone(),
        admin_name: filled.admin.clone(),
        admin_email: filled.email.clone(),
        preset: filled.preset.clone(),
    };
    match house.desk.begin(founding, Password::new(typed.clone()), Some(&call.at.0)).await {
        Ok(begun) => {
            let login = Login {
                email: filled.email.clone(),
                account: Some(account),
                agent: headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).map(str::to_owned),
                ..Login::default()
            };
            // What was made is shown whatever becomes of this: nobody could see it again.
            let started = house.desk.log_in(login, Password::new(typed)).await.ok();
            let reply = Reply::page(&house.look, &done(frame, &begun, started.is_some()))?;
            let reply = reply.with_status(StatusCode::CREATED);
            Ok(Begin(Sheet(match started {
                Some(started) => {
                    reply.cookie(session::begin(&house.look, &started.account.id, &started.text))
                }
                None => reply,
            })))
        }
        // The link was used or has run out meanwhile.
        Err(Error::Unauthenticated) => Ok(Begin(shut(frame, "setup-dead", StatusCode::NOT_FOUND)?)),
        Err(Error::Refused(refusal)) => {
            let status = Problem::from(Error::Refused(refusal.clone())).status();
            // Two things here have a name.
            let field = refusal.field.filter(|field| matches!(*field, "email" | "password" | "preset"));
            let said = Wrong::of(frame.tongue, &refusal).text;
            again(frame, status, field.unwrap_or_default(), said.into())
        }
        Err(error) => Err(error.into()),
    }
}

fn done<'a>(frame: Bare<'a>, begun: &'a Begun, signed_in: bool) -> Done<'a> {
    let account = begun.account.id.as_str();
    Done {
        sentence: frame.tongue.say_of("begun-sentence", &[("account", account.into())]),
        frame,
        account,
        token: begun.token.expose(),
        key: begun.service_key.expose(),
        signed_in,
    }
}

fn shut(frame: Bare<'_>, why: &str, status: StatusCode) -> Result<Sheet, Problem> {
    let look = frame.look;
    Ok(Sheet(Reply::page(look, &Shut { frame, why })?.with_status(status)))
}

/// Whether a browser says that another site sent this. One that says nothing is no browser, or
/// one before 2023; the secret in the address is asked of both. `Origin: null` is what our own
/// `Referrer-Policy` makes of this very form, where `Sec-Fetch-Site` is not sent.
fn from_elsewhere(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return !matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    match (headers.get(ORIGIN), headers.get(HOST)) {
        (None, _) => false,
        (Some(origin), _) if origin.as_bytes() == b"null" => false,
        (Some(origin), Some(host)) => {
            let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
            !authority
                .is_some_and(|(_, authority)| authority.as_bytes().eq_ignore_ascii_case(host.as_bytes()))
        }
        (Some(_), None) => true,
    }
}

/// A page of the set-up, in the console's clothes. It belongs to the API's table, because clients of the
/// API can send its form.
struct Sheet(Reply);

impl IntoResponse for Sheet {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl Answer for Sheet {
    const STATUS: StatusCode = StatusCode::OK;

    fn shape() -> Shape {
        Shape::text("text/html")
    }
}

/// The page that says what was made, or the form again.
struct Begin(Sheet);

impl IntoResponse for Begin {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl Answer for Begin {
    const STATUS: StatusCode = StatusCode::CREATED;

    fn shape() -> Shape {
        Sheet::shape()
    }
}
