//! The list of tokens: what each is, who made it, when it was used and when it ends.

use std::borrow::Cow;

use askama::Template;
use domain::life::State;
use domain::policy::Visibility;
use domain::refusal::Refusal;
use domain::time::Timestamp;
use serde::Deserialize;
use service::tokens::{List, Shown};
use utoipa::IntoParams;

use super::frame::{self, Frame, Section};
use super::reply::Reply;
use super::session::Signed;
use super::sign_in::encoded;
use super::tongue::Tongue;
use crate::api::call::{Account, Call};
use crate::api::table::Table;
use crate::api::tokens::order;
use crate::map;
use crate::problem::Problem;

pub(crate) fn routes(table: &mut Table) {
    table.page("/console/{account}/tokens", list);
}

/// Tokens on a page.
const PAGE: usize = 50;

/// Which tokens, and in what order; as for `GET /v1/accounts/{account}/tokens`.
#[derive(Clone, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
struct Asked {
    q: Option<String>,
    status: Option<api::tokens::TokenStatus>,
    role: Option<String>,
    issued_by: Option<String>,
    sort: Option<api::tokens::TokenSort>,
    cursor: Option<String>,
    done: Option<String>,
}

#[derive(Template)]
#[template(path = "tokens.html")]
struct Page<'a> {
    frame: Frame<'a>,
    asked: &'a Asked,
    /// The order, as the form must send it along.
    sort: Option<String>,
    rows: Vec<Row>,
    columns: Vec<Column>,
    roles: Vec<&'a str>,
    statuses: Vec<(&'static str, Cow<'static, str>, bool)>,
    /// Only some were asked for.
    filtered: bool,
    may_create: bool,
    next: Option<String>,
}

/// A column, and how to sort by it.
struct Column {
    word: String,
    link: Option<String>,
    /// `ascending` or `descending`, where the list is in its order.
    sorted: Option<&'static str>,
}

/// A token as the list shows it.
struct Row {
    id: String,
    name: String,
    description: Option<String>,
    may: String,
    issuer: String,
    /// They are gone; shown struck through.
    issuer_gone: bool,
    state: State,
    shape: &'static str,
    status: Cow<'static, str>,
    used: Option<(Timestamp, Option<String>)>,
    expires: Option<Timestamp>,
    created: Timestamp,
}

/// A column's head: the product's word for what it filters by, or ours.
fn column(frame: &Frame<'_>, word: &'static str) -> String {
    let theirs = match word {
        "column-issued-by" => frame.word("issued_by_filter"),
        "column-status" => frame.word("status_filter"),
        ours => frame.say(ours),
    };
    theirs.into_owned()
}

async fn list(call: Call<Signed, Account, Asked>) -> Result<Reply, Problem> {
    let (house, Signed(caller), asked) = (&*call.house, &call.who, &call.query);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let policy = &caller.account.policy;
    if !caller.manages() && policy.visibility == Visibility::None {
        return Err(service::Error::from(Refusal::forbidden(tongue.say("tokens-closed"))).into());
    }
    let issued_by = asked.issued_by.as_deref().map(str::parse).transpose();
    let wanted = List {
        issued_by: issued_by.map_err(|_| Problem::not_found())?,
        role: asked.role.clone(),
        status: asked.status.map(map::state),
        text: asked.q.clone(),
        sort: asked.sort.map(order),
        limit: PAGE,
        cursor: asked.cursor.clone(),
        ..List::default()
    };
    let page = house.desk.list_tokens(caller.clone(), &caller.account.id, wanted).await?;
    let mut frame = Frame::of(house, tongue, caller, Section::Tokens).await?;
    frame.said = frame::said(tongue, asked.done.as_deref());
    let rows = page.items.into_iter().map(|shown| row(tongue, shown)).collect();
    let link = |changed: Asked| format!("{}{}", frame.path("tokens"), query(&changed));
    use api::tokens::TokenSort as By;
    let columns = [
        ("column-name", Some((By::Name, By::NameDescending))),
        ("column-permission", None),
        ("column-issued-by", None),
        ("column-status", None),
        ("column-last-used", Some((By::LastUsedAt, By::LastUsedAtDescending))),
        ("column-expires", Some((By::ExpiresAt, By::ExpiresAtDescending))),
        ("column-created", Some((By::CreatedAt, By::CreatedAtDescending))),
    ];
    let usual = asked.sort.unwrap_or(By::CreatedAtDescending);
    let columns = columns.map(|(word, orders)| {
        let sorted = orders.and_then(|(up, down)| match usual {
            sort if sort == up => Some("ascending"),
            sort if sort == down => Some("descending"),
            _ => None,
        });
        let link = orders.map(|(up, down)| {
            let sort = Some(if sorted == Some("ascending") { down } else { up });
            link(Asked { sort, cursor: None, done: None, ..asked.clone() })
        });
        Column { word: column(&frame, word), link, sorted }
    });
    let statuses = State::ALL.into_iter().rev().map(|state| {
        let name = state.as_str();
        (name, tongue.say(&format!("status-{name}")), asked.status.map(map::state) == Some(state))
    });
    let next =
        page.next_cursor.map(|cursor| link(Asked { cursor: Some(cursor), done: None, ..asked.clone() }));
    let page = Page {
        asked,
        sort: asked.sort.map(word_of),
        rows,
        columns: columns.into(),
        roles: caller.account.roles.iter().map(|role| role.name.as_str()).collect(),
        statuses: statuses.collect(),
        filtered: asked.q.is_some()
            || asked.status.is_some()
            || asked.role.is_some()
            || asked.issued_by.is_some(),
        may_create: true,
        next,
        frame,
    };
    Reply::page(&house.look, &page)
}

/// The same list by its address.
fn query(asked: &Asked) -> String {
    let word = |value: Option<String>| value.filter(|value| !value.is_empty());
    let pairs = [
        ("q", word(asked.q.clone())),
        ("status", asked.status.map(|status| map::state(status).as_str().to_owned())),
        ("role", word(asked.role.clone())),
        ("issued_by", word(asked.issued_by.clone())),
        ("sort", asked.sort.map(word_of)),
        ("cursor", asked.cursor.clone()),
    ];
    let said =
        pairs.iter().filter_map(|(name, value)| Some(format!("{name}={}", encoded(value.as_deref()?))));
    let said: Vec<String> = said.collect();
    if said.is_empty() { String::new() } else { format!("?{}", said.join("&")) }
}

/// An order as the query spells it.
fn word_of(sort: api::tokens::TokenSort) -> String {
    serde_json::to_value(sort).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn row(tongue: Tongue, shown: Shown) -> Row {
    let Shown { token, last_use, state, holder_name, issuer_name, permission } = shown;
    Row {
        id: token.id.to_string(),
        may: may(tongue, &permission, &holder_name),
        name: token.name,
        description: token.description,
        issuer: issuer_name,
        issuer_gone: false,
        state,
        shape: shape(state),
        status: tongue.say(&format!("status-{}", state.as_str())),
        used: last_use.at.map(|at| (at, last_use.address)),
        expires: token.life.expires_at,
        created: token.life.created_at,
    }
}

/// The sign beside the word, so that the list can be read at a glance and without colours.
pub(super) fn shape(state: State) -> &'static str {
    match state {
        State::Active | State::Grace => "●",
        State::Expiring => "◐",
        State::Expired => "○",
        State::Suspended => "‖",
        State::Revoked => "✕",
        State::Pending => "…",
        State::Rotated => "↻",
        State::Leaked => "!",
        State::Deleted => "–",
    }
}

/// What a token may do, in words: from its permission as it was asked for.
pub(super) fn may(tongue: Tongue, permission: &serde_json::Value, holder: &str) -> String {
    const LISTED: usize = 3;
    let texts = |value: &serde_json::Value| -> Vec<String> {
        let all = value.as_array().into_iter().flatten();
        all.filter_map(|text| text.as_str().map(str::to_owned)).collect()
    };
    let said = if permission["inherit"] == true {
        tongue.say_of("may-inherit", &[("name", holder.into())])
    } else if let Some(level) = permission["access"].as_str() {
        let level = tongue.say(&format!("may-{level}"));
        match texts(&permission["entities"]) {
            entities if entities.is_empty() => level,
            entities => tongue.say_of(
                "may-entities",
                &[("level", (&*level).into()), ("entities", entities.join(", ").as_str().into())],
            ),
        }
    } else if let Some(role) = permission["role"].as_str() {
        tongue.say_of("may-role", &[("role", role.into())])
    } else if permission["list"].is_array() {
        let all = texts(&permission["list"]);
        let first = all[..all.len().min(LISTED)].join(", ");
        match all.len().saturating_sub(LISTED) {
            0 => tongue.say_of("may-list", &[("permissions", first.as_str().into())]),
            more => tongue
                .say_of("may-list-more", &[("permissions", first.as_str().into()), ("count", more.into())]),
        }
    } else {
        tongue.say("may-nothing")
    };
    said.into_owned()
}
