//! The policy: every switch in words for those who may read it; for those who may change it a form, and
//! before anything is saved a page that says which switches change and what becomes of the tokens.
//!
//! What is wrong with a policy is said by `domain::policy`, what it does to tokens by
//! `domain::outlook`.

mod form;
pub(super) mod switches;

use askama::Template;
use axum::http::StatusCode;
use domain::outlook::Outlook;
use domain::permission::{POLICY_READ, POLICY_UPDATE};
use domain::policy::Policy;
use domain::preset::Preset;
use domain::who::Caller;
use serde::Deserialize;
use serde_json::Value;
use service::Error;
use utoipa::IntoParams;

use super::fields::Fields;
use super::frame::{self, Frame, Section, told};
use super::reauth::{self, Reauth};
use super::reply::Reply;
use super::session::Signed;
use super::tokens::{Wrong, again, number};
use super::tongue::Tongue;
use crate::api::House;
use crate::api::call::{Account, Call, NoQuery};
use crate::api::table::Table;
use crate::problem::Problem;
use form::{Part, Shape, Word, Wrongs};
use switches::{GROUPS, at, document};

pub(crate) fn routes(table: &mut Table) {
    const EDIT: &str = "/console/{account}/policy/edit";
    table.page("/console/{account}/policy", show);
    table.page(EDIT, edit);
    table.form(EDIT, review);
    table.form("/console/{account}/policy/save", save);
}

#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
struct After {
    done: Option<String>,
}

#[derive(Template)]
#[template(path = "policy.html")]
struct Page<'a> {
    frame: Frame<'a>,
    groups: Vec<Group>,
    /// The product's own words, where they are not ours.
    words: Vec<(String, String)>,
    preset: &'a str,
    may_change: bool,
}

/// Switches that belong together, as they are set.
struct Group {
    id: &'static str,
    title: String,
    rows: Vec<Row>,
}

struct Row {
    path: &'static str,
    name: String,
    means: String,
    value: String,
    waits: bool,
}

fn may_change(caller: &Caller) -> bool {
    caller.needs(POLICY_UPDATE).is_ok()
}

async fn show(call: Call<Signed, Account, After>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    caller.needs(POLICY_READ).map_err(Error::from)?;
    let account = &*caller.account;
    let (policy, ours) = (&account.policy, &Preset::default_preset().policy);
    let document = document(policy);
    let row = |switch: &'static switches::Switch| Row {
        path: switch.path,
        name: switch.name(tongue).into_owned(),
        means: switch.means(tongue).into_owned(),
        value: switch.said(tongue, at(&document, switch.path)),
        waits: switch.waits(),
    };
    // What is counted of a limit that is not there says nothing.
    let said = |switch: &&'static switches::Switch| {
        policy.limit.is_some() || !matches!(switch.path, "limit.per" | "limit.counts")
    };
    let group = |group: &'static switches::Group| Group {
        id: group.name,
        title: tongue.say(&format!("policy-group-{}", group.name)).into_owned(),
        rows: group.switches.iter().filter(said).map(row).collect(),
    };
    let words = ours.words.keys().filter(|key| policy.word(key) != ours.word(key));
    let mut frame = Frame::of(house, tongue, caller, Section::Policy).await?;
    frame.said = frame::said(tongue, call.query.done.as_deref());
    let page = Page {
        groups: GROUPS.iter().map(group).collect(),
        words: words.map(|key| (key.clone(), policy.word(key).to_owned())).collect(),
        preset: &account.preset,
        may_change: may_change(caller),
        frame,
    };
    Reply::page(&house.look, &page)
}

/// With which switches the form begins.
#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
struct From {
    /// A preset's; else the account's.
    preset: Option<String>,
}

#[derive(Template)]
#[template(path = "policy/edit.html")]
struct EditPage<'a> {
    frame: Frame<'a>,
    parts: Vec<Part>,
    words: Vec<Word>,
    words_open: bool,
    presets: Vec<&'static str>,
    /// The preset whose switches are shown.
    from: Option<String>,
    /// The switches for which the account's own stayed.
    kept: Vec<String>,
    /// What is wrong beside no field.
    wrongs: Vec<String>,
    any_wrong: bool,
}

async fn edit(call: Call<Signed, Account, From>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    caller.needs(POLICY_UPDATE).map_err(Error::from)?;
    let account = &*caller.account;
    let (policy, kept, from) = match call.query.preset.as_deref().filter(|name| !name.is_empty()) {
        None => (account.policy.clone(), Vec::new(), None),
        Some(name) => {
            let preset = Preset::named(name).ok_or_else(Problem::not_found)?;
            let (policy, kept) = form::of_preset(preset, account);
            (policy, kept, Some(name.to_owned()))
        }
    };
    let fields = form::filled(&policy);
    edit_page(house, tongue, caller, &fields, &Wrongs::new(), (from, kept)).await
}

async fn edit_page(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    fields: &Fields,
    wrongs: &Wrongs,
    (from, kept): (Option<String>, Vec<&'static str>),
) -> Result<Reply, Problem> {
    let frame = Frame::of(house, tongue, caller, Section::Policy).await?;
    let kept = kept.into_iter().filter_map(switches::find);
    let page = EditPage {
        parts: form::parts(tongue, &caller.account, fields, wrongs),
        words: form::own_words(fields, wrongs),
        words_open: wrongs.keys().any(|path| path.starts_with("words.")),
        presets: Preset::all().iter().map(|preset| preset.name.as_str()).collect(),
        kept: kept.map(|switch| switch.name(tongue).into_owned()).collect(),
        wrongs: form::others(wrongs),
        any_wrong: !wrongs.is_empty(),
        from,
        frame,
    };
    Reply::page(&house.look, &page)
}

#[derive(Template)]
#[template(path = "policy/review.html")]
struct ReviewPage<'a> {
    frame: Frame<'a>,
    changes: Vec<Change>,
    /// What becomes of the tokens: whether something stops or grows by it, and a sentence.
    tokens: Vec<(bool, String)>,
    danger: bool,
    /// The policy to be saved, as its document.
    policy: String,
    version: i64,
    reauth: Reauth,
    /// Where it is about no field.
    wrong: Option<String>,
}

/// A switch that changes.
struct Change {
    path: String,
    name: String,
    was: String,
    is: String,
}

/// What was typed: shown again where something is wrong with it, else what it would change.
async fn review(mut call: Call<Signed, Account, NoQuery, Fields>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    caller.needs(POLICY_UPDATE).map_err(Error::from)?;
    let account = &*caller.account;
    let fields = std::mem::take(&mut call.body);
    if let Some(policy) = sent(&fields) {
        // Back from the page that says what changes, to change something else.
        let fields = form::filled(&policy);
        return edit_page(house, tongue, caller, &fields, &Wrongs::new(), (None, Vec::new())).await;
    }
    let refused = async |wrongs: Wrongs| {
        let page = edit_page(house, tongue, caller, &fields, &wrongs, (None, Vec::new())).await?;
        Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY))
    };
    let policy = match form::read(tongue, account, &fields) {
        Ok(policy) => policy,
        Err(wrongs) => return refused(wrongs).await,
    };
    if account.policy.changed_to(&policy).is_empty() {
        let wrong = tongue.say("policy-same").into_owned();
        return refused(Wrongs::from([(String::new(), wrong)])).await;
    }
    match review_page(house, tongue, caller, &policy, None).await? {
        Ok(page) => Ok(page),
        Err(wrong) => {
            let beside = switches::all().find(|switch| wrong.is_of(switch.path));
            let path = beside.map_or(String::new(), |switch| switch.path.to_owned());
            refused(Wrongs::from([(path, wrong.text)])).await
        }
    }
}

/// What would change; or why it cannot.
async fn review_page(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    policy: &Policy,
    wrong: Option<Wrong>,
) -> Result<Result<Reply, Wrong>, Problem> {
    let account = &caller.account.id;
    let foreseen = match house.desk.foresee_policy(caller, account, policy.clone()).await {
        Ok(foreseen) => foreseen,
        Err(error) => return again(tongue, error).map(Err),
    };
    let changes = foreseen.changed.iter().filter_map(|changed| {
        let path = changed.switch.as_str();
        if let Some(key) = path.strip_prefix("words.") {
            let text = |value: &Value| format!("“{}”", value.as_str().unwrap_or_default());
            let name = tongue.say_of("switch-word", &[("key", key.into())]).into_owned();
            return Some(Change {
                path: path.to_owned(),
                name,
                was: text(&changed.was),
                is: text(&changed.is),
            });
        }
        let switch = switches::find(path)?;
        // A limit that comes or goes is told by its number.
        let part = matches!(path, "limit.per" | "limit.counts");
        if part && changed.was.is_null() != changed.is.is_null() && changed.is.is_null() {
            return None;
        }
        let name = switch.name(tongue).into_owned();
        let said = |value| switch.said(tongue, value);
        Some(Change { path: path.to_owned(), name, was: said(&changed.was), is: said(&changed.is) })
    });
    let reauth = match &wrong {
        Some(wrong) if reauth::is_about(wrong) => Reauth::always(house, caller).await?,
        _ => Reauth::of(house, caller, true).await?,
    };
    let page = ReviewPage {
        changes: changes.collect(),
        tokens: outlook(tongue, foreseen.outlook.as_ref()),
        danger: foreseen.outlook.as_ref().is_some_and(Outlook::stops_some),
        policy: document(policy).to_string(),
        version: foreseen.version,
        reauth: reauth.but(wrong.as_ref()),
        wrong: wrong.filter(|wrong| !reauth::is_about(wrong)).map(|wrong| wrong.text),
        frame: Frame::of(house, tongue, caller, Section::Policy).await?,
    };
    Reply::page(&house.look, &page).map(Ok)
}

/// How many tokens change, and how; those first that stop.
fn outlook(tongue: Tongue, outlook: Option<&Outlook>) -> Vec<(bool, String)> {
    let Some(told) = outlook else {
        return vec![(true, tongue.say("outlook-unknown").into_owned())];
    };
    let said = |name: &str, count: u64| {
        let tokens = number(count);
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let about = [("count", count.into()), ("tokens", tokens.as_str().into())];
        tongue.say_of(name, &about).into_owned()
    };
    if told.is_calm() {
        return vec![(false, said("outlook-calm", told.tokens))];
    }
    let all = [
        (true, "outlook-expire", told.expire),
        (true, "outlook-suspend", told.suspend),
        (true, "outlook-revive", told.revive),
        (true, "outlook-resume", told.resume),
        (false, "outlook-sooner", told.end_sooner),
        (false, "outlook-later", told.end_later),
        (false, "outlook-soon", told.soon),
        (false, "outlook-less", told.may_less),
        (true, "outlook-more", told.may_more),
        (true, "outlook-other", told.may_other),
    ];
    let some = all.into_iter().filter(|(_, _, count)| *count > 0);
    some.map(|(loud, name, count)| (loud, said(name, count))).collect()
}

/// The policy that a page of ours sent along.
fn sent(fields: &Fields) -> Option<Policy> {
    serde_json::from_str(fields.text("policy")).ok()
}

async fn save(mut call: Call<Signed, Account, NoQuery, Fields>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    caller.needs(POLICY_UPDATE).map_err(Error::from)?;
    let mut fields = std::mem::take(&mut call.body);
    let proof = reauth::proof(&mut fields);
    let (Some(policy), Ok(version)) = (sent(&fields), fields.text("version").parse()) else {
        return Err(Problem::bad_request(tongue.say("policy-not-sent")));
    };
    let account = &caller.account.id;
    let changed = house.desk.change_policy(caller.clone(), account, policy.clone(), proof, Some(version));
    let wrong = match changed.await {
        Ok(_) => return Ok(Reply::to(&house.look, &told(&format!("/{account}/policy"), "policy"))),
        Err(Error::Conflict) => Wrong::new("", tongue.say("policy-conflict")),
        Err(error) => again(tongue, error)?,
    };
    match review_page(house, tongue, caller, &policy, Some(wrong)).await? {
        Ok(page) => Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY)),
        Err(wrong) => {
            let wrongs = Wrongs::from([(String::new(), wrong.text)]);
            let fields = form::filled(&policy);
            let page = edit_page(house, tongue, caller, &fields, &wrongs, (None, Vec::new())).await?;
            Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY))
        }
    }
}
