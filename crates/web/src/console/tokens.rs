//! The list of tokens: what each is, who made it, when it was used and when it ends. What is done with
//! one of them, and making one, stands in a file each below.

mod act;
mod create;
mod edit;
pub(super) mod form;
mod once;
mod one;
mod usage;

pub(super) use create::{Once, nonce};
pub(super) use form::{Wrong, again, holders_of};
pub(super) use usage::number;

use std::borrow::Cow;

use askama::Template;
use domain::life::State;
use domain::lifecycle::{Actions, may_create};
use domain::policy::{OnReturn, PermissionMode, Policy, SecretKept, Visibility};
use domain::refusal::Refusal;
use domain::time::{Period, Timestamp};
use domain::who::Caller;
use serde::Deserialize;
use service::members::HolderKind;
use service::tokens::{List, Offered, Shown};
use utoipa::IntoParams;

use super::frame::{self, Frame, Section};
use super::reply::Reply;
use super::session::Signed;
use super::sign_in::encoded;
use super::tongue::Tongue;
use crate::api::House;
use crate::api::call::{Account, Call};
use crate::api::table::Table;
use crate::api::tokens::order;
use crate::map;
use crate::problem::Problem;

pub(crate) fn routes(table: &mut Table) {
    const NEW: &str = "/console/{account}/tokens/new";
    const EDIT: &str = "/console/{account}/tokens/{id}/edit";
    table.page("/console/{account}/tokens", list);
    table.page(NEW, create::show);
    table.form(NEW, create::create);
    table.page("/console/{account}/tokens/{id}", one::show);
    table.page(EDIT, edit::show);
    table.form(EDIT, edit::edit);
    act::routes(table);
}

/// Tokens on a page.
const PAGE: usize = 50;

/// Which tokens, and in what order; as for `GET /v1/accounts/{account}/tokens`.
#[derive(Clone, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
struct Asked {
    q: Option<String>,
    #[serde(deserialize_with = "unless_empty")]
    status: Option<api::tokens::TokenStatus>,
    role: Option<String>,
    issued_by: Option<String>,
    sort: Option<api::tokens::TokenSort>,
    cursor: Option<String>,
    done: Option<String>,
}

/// A form without scripts sends what nobody chose, too: as nothing.
fn unless_empty<'de, D, T>(value: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    let text = String::deserialize(value)?;
    if text.is_empty() {
        return Ok(None);
    }
    T::deserialize(serde::de::value::StringDeserializer::new(text)).map(Some)
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
    /// By id and name; none for those who see their own alone.
    issuers: Vec<(String, String)>,
    /// Where a row offers deletion: `button`, `trash` or `menu`.
    delete_place: String,
    /// A kept secret is copied from its row.
    copies: bool,
    /// Only some were asked for.
    filtered: bool,
    may_create: bool,
    /// How a token is used, for those who have none yet.
    sample: Option<String>,
    next: Option<String>,
    first: String,
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
    actions: Actions,
    /// There is something in its menu.
    menu: bool,
}

/// A column's head: the product's word for what it filters by, or ours.
fn column(frame: &Frame<'_>, word: &'static str) -> String {
    let theirs = match word {
        "column-issued-by" => frame.word("issued_by_filter"),
        "column-permission" => frame.word("permission_field"),
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
    let issued_by = asked.issued_by.as_deref().filter(|id| !id.is_empty()).map(str::parse).transpose();
    let wanted = List {
        issued_by: issued_by.map_err(|_| Problem::not_found())?,
        role: asked.role.clone().filter(|role| !role.is_empty()),
        status: asked.status.map(map::state),
        text: asked.q.clone(),
        sort: asked.sort.map(order),
        limit: PAGE,
        cursor: asked.cursor.clone(),
        ..List::default()
    };
    let page = house.desk.offered_tokens(caller, &caller.account.id, wanted).await?;
    let mut frame = Frame::of(house, tongue, caller, Section::Tokens).await?;
    frame.said = frame::said(tongue, asked.done.as_deref());
    let delete_place = policy.word("delete_place").to_owned();
    let in_menu = delete_place != "button" && delete_place != "trash";
    let rows = page.items.into_iter().map(|offered| row(policy, tongue, offered, in_menu)).collect();
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
    let chosen = asked.status.map(map::state);
    let statuses =
        State::ALL.into_iter().rev().filter(|state| Some(*state) == chosen || occurs(policy, *state));
    let statuses = statuses.map(|state| {
        let name = state.as_str();
        // As a filter it means whatever works.
        let wide = state == State::Active && (occurs(policy, State::Expiring) || policy.rotate.allowed);
        let word = if wide { "status-filter-active".to_owned() } else { format!("status-{name}") };
        (name, tongue.say(&word), Some(state) == chosen)
    });
    let next =
        page.next_cursor.map(|cursor| link(Asked { cursor: Some(cursor), done: None, ..asked.clone() }));
    let sample = once::sample(caller, &house.look, &call.parts.headers);
    let first = link(Asked { cursor: None, done: None, ..asked.clone() });
    let page = Page {
        asked,
        first,
        sort: asked.sort.map(word_of),
        rows,
        columns: columns.into(),
        issuers: issuers(house, caller, asked).await?,
        delete_place,
        copies: policy.secret == SecretKept::Recoverable,
        roles: caller.account.roles.iter().map(|role| role.name.as_str()).collect(),
        statuses: statuses.collect(),
        filtered: asked.q.is_some()
            || asked.status.is_some()
            || asked.role.is_some()
            || asked.issued_by.is_some(),
        may_create: may_create(caller),
        sample,
        next,
        frame,
    };
    Ok(Reply::page(&house.look, &page)?.packable())
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

/// Who may have issued what the caller sees; with whom was asked for among them, still there or not.
async fn issuers(house: &House, caller: &Caller, asked: &Asked) -> Result<Vec<(String, String)>, Problem> {
    if !caller.manages() && caller.account.policy.visibility != Visibility::All {
        return Ok(Vec::new());
    }
    let members = form::holders_of(house, caller, HolderKind::Member).await?;
    let named = members.into_iter().map(|holder| (holder.id.to_string(), holder.name));
    let mut issuers: Vec<(String, String)> = named.collect();
    issuers.sort_by(|(_, a), (_, b)| a.cmp(b));
    let stranger = asked.issued_by.as_ref().filter(|id| !issuers.iter().any(|(known, _)| known == *id));
    if let Some(id) = stranger.filter(|id| !id.is_empty()) {
        issuers.push((id.clone(), id.clone()));
    }
    Ok(issuers)
}

/// Whether tokens of an account with this policy come into a state, as far as the policy says.
fn occurs(policy: &Policy, state: State) -> bool {
    use domain::policy::{Logout, OnInactive, Removal};
    match state {
        State::Expiring => policy.first_notice().is_some(),
        State::Expired => {
            let expiry = &policy.expiry;
            expiry.fixed.is_some()
                || expiry.modes.iter().any(|mode| *mode != domain::policy::ExpiryMode::Never)
        }
        State::Pending => policy.create.approval || policy.on_return == OnReturn::Approve,
        State::Rotated | State::Grace => policy.rotate.allowed,
        State::Revoked => policy.removal.contains(&Removal::Revoke) || policy.logout == Logout::Revoke,
        State::Suspended => policy.on_inactive == OnInactive::Suspend,
        State::Deleted => policy.tombstones.listed,
        State::Active | State::Leaked => true,
    }
}

fn row(policy: &Policy, tongue: Tongue, offered: Offered, delete_in_menu: bool) -> Row {
    let Offered { shown, actions, issuer_gone, .. } = offered;
    let Shown { token, last_use, state, ends_at, holder_name, issuer_name, permission } = shown;
    let Actions { edit, rotate, revoke, approve, report_leak, delete, .. } = actions;
    Row {
        id: token.id.to_string(),
        may: may(policy, tongue, &permission, &holder_name),
        name: token.name,
        description: token.description,
        issuer: issuer_name,
        issuer_gone,
        state,
        shape: shape(state),
        status: tongue.say(&format!("status-{}", state.as_str())),
        used: last_use.at.map(|at| (at, last_use.address)),
        expires: ends_at,
        created: token.life.created_at,
        menu: edit || rotate || revoke || approve || report_leak || (delete && delete_in_menu),
        actions,
    }
}

/// A period in the reader's words.
pub(super) fn period_words(tongue: Tongue, period: &Period) -> String {
    let text = period.to_string();
    let parts: Vec<&str> = text.split(' ').collect();
    let said = parts.chunks(2).filter_map(|part| {
        let [count, unit] = part else { return None };
        let name = format!("span-{}", unit.trim_end_matches('s'));
        let count: i64 = count.parse().ok()?;
        tongue.knows(&name).then(|| tongue.say_of(&name, &[("count", count.into())]).into_owned())
    });
    said.collect::<Vec<_>>().join(" ")
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

/// What a token may do, in words: from its permission as it was asked for. Where tokens can have nothing
/// but a role, what stands before it says that it is one.
pub(super) fn may(policy: &Policy, tongue: Tongue, permission: &serde_json::Value, holder: &str) -> String {
    const LISTED: usize = 3;
    if let Some(role) = permission["role"].as_str()
        && policy.permission.modes == [PermissionMode::Role]
    {
        return role.to_owned();
    }
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
