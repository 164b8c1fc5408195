//! `/setup/{secret}`: the page behind the link that an empty server prints, until there is a
//! console. One form, no script, no style; what it makes is shown once and kept by nobody.
//!
//! The link's secret is what opens it: whoever does not know it can neither see the form nor have
//! somebody's browser send it.

use std::fmt::Write;

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::preset::Preset;
use serde::Deserialize;
use service::founding::{Begun, Founding};
use service::{Error, Password};
use utoipa::ToSchema;

use crate::api::call::{Call, Form, NoQuery, One};
use crate::api::door::Anyone;
use crate::api::shape::{Answer, Shape};
use crate::api::table::Table;
use crate::html::{self, Escaped};
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

async fn show(call: Call<Anyone, One<String>>) -> Result<Page, Problem> {
    if !call.desk().setup_link_opens(&call.at.0).await? {
        return Ok(dead());
    }
    let empty = Filled { preset: call.house.preset.get(), ..Filled::default() };
    Ok(form(StatusCode::OK, &empty, None))
}

async fn begin(call: Call<Anyone, One<String>, NoQuery, Form<Filled>>) -> Result<Begin, Problem> {
    if from_elsewhere(&call.parts.headers) {
        return Err(Problem::forbidden("The form was sent by another site."));
    }
    let mut filled: Filled = query::read(&call.body.text)?;
    let password = Password::new(std::mem::take(&mut filled.password));
    let Ok(account) = filled.account.parse() else {
        let why = "An account's id has 2 to 40 characters from a-z, 0-9 and -.";
        return Ok(Begin(form(StatusCode::UNPROCESSABLE_ENTITY, &filled, Some(why))));
    };
    let founding = Founding {
        account,
        name: filled.account_name.clone(),
        admin_name: filled.admin.clone(),
        admin_email: filled.email.clone(),
        preset: filled.preset.clone(),
    };
    match call.desk().begin(founding, password, Some(&call.at.0)).await {
        Ok(begun) => Ok(Begin(done(&begun))),
        // The link was used or has run out meanwhile.
        Err(Error::Unauthenticated) => Ok(Begin(dead())),
        Err(Error::Refused(refusal)) => {
            let status = Problem::from(Error::Refused(refusal.clone())).status();
            Ok(Begin(form(status, &filled, Some(&refusal.detail))))
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether a browser says that another site sent this. One that says nothing is no browser, or
/// one before 2023; the secret in the address is asked of both. `Origin: null` is what our own
/// `Referrer-Policy` makes of this very form, where `Sec-Fetch-Site` is not sent (plain HTTP).
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

fn dead() -> Page {
    let body = "<h1>This link opens nothing</h1>\n\
        <p>A set-up link works once and for 30 minutes, and each start of the server makes a new one. \
        Run <code>jeton setup-link</code> on the machine while the server is stopped, or start the server \
        again, for another. If the installation has begun already, sign in instead.</p>";
    Page { status: StatusCode::NOT_FOUND, html: page("Set up jeton", body) }
}

fn form(status: StatusCode, filled: &Filled, refusal: Option<&str>) -> Page {
    let mut body = String::from("<h1>Set up jeton</h1>\n");
    if let Some(refusal) = refusal {
        put(&mut body, format_args!("<p role=\"alert\"><strong>{}</strong></p>\n", Escaped(refusal)));
    }
    // Without an action the form goes to its own address, whose secret then stands nowhere else.
    body.push_str("<form method=\"post\">\n");
    let inputs = [
        (
            "account",
            "Id of the first account, such as acme; it never changes",
            "text",
            "off",
            &filled.account,
        ),
        ("account_name", "Name of the account", "text", "organization", &filled.account_name),
        ("admin", "Your name", "text", "name", &filled.admin),
        ("email", "Your e-mail address", "email", "email", &filled.email),
        ("password", "Password, 12 characters or more", "password", "new-password", &String::new()),
    ];
    for (name, label, kind, complete, value) in inputs {
        put(
            &mut body,
            format_args!(
                "<p><label for=\"{name}\">{label}</label><br>\
                 <input id=\"{name}\" name=\"{name}\" type=\"{kind}\" autocomplete=\"{complete}\" value=\"{}\" required></p>\n",
                Escaped(value)
            ),
        );
    }
    body.push_str("<p><label for=\"preset\">Preset</label><br><select id=\"preset\" name=\"preset\">\n");
    for preset in Preset::all() {
        let selected = if preset.name == filled.preset { " selected" } else { "" };
        put(&mut body, format_args!("<option{selected}>{}</option>\n", Escaped(&preset.name)));
    }
    body.push_str("</select></p>\n<p><button>Begin</button></p>\n</form>");
    Page { status, html: page("Set up jeton", &body) }
}

fn done(begun: &Begun) -> Page {
    let mut body = String::from("<h1>The installation has begun</h1>\n");
    put(
        &mut body,
        format_args!(
            "<p>The account <code>{}</code> is there, and you are its administrator. Keep these two now; \
             they are not shown again.</p>\n\
             <dl>\n<dt>Your token, named init</dt>\n<dd><code>{}</code></dd>\n\
             <dt>The key with which your product asks whether a token is good</dt>\n<dd><code>{}</code></dd>\n</dl>",
            Escaped(begun.account.id.as_str()),
            Escaped(begun.token.expose()),
            Escaped(begun.service_key.expose()),
        ),
    );
    Page { status: StatusCode::CREATED, html: page("jeton is set up", &body) }
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n</head>\n\
         <body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )
}

fn put(to: &mut String, text: std::fmt::Arguments<'_>) {
    to.write_fmt(text).expect("writing to memory does not fail");
}

/// A page that loads nothing, runs nothing, is framed by nobody and tells nobody its address.
struct Page {
    status: StatusCode,
    html: String,
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        const POLICY: &str =
            "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
        (self.status, html::headers(POLICY), self.html).into_response()
    }
}

impl Answer for Page {
    const STATUS: StatusCode = StatusCode::OK;

    fn shape() -> Shape {
        Shape::text("text/html")
    }
}

/// The page that says what was made, or the form again.
struct Begin(Page);

impl IntoResponse for Begin {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl Answer for Begin {
    const STATUS: StatusCode = StatusCode::CREATED;

    fn shape() -> Shape {
        Page::shape()
    }
}
