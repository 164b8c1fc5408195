//! The journal: what happened in the account, each entry in words, with filters; all of it as a file;
//! and for operators the server's, and whether its chain holds.

mod entry;

use std::borrow::Cow;

use askama::Template;
use domain::time::{DAY, Timestamp};
use domain::who::Caller;
use serde::Deserialize;
use service::journal::{Look, Of};
use service::members::HolderKind;
use utoipa::IntoParams;

use super::fields::Fields;
use super::frame::{self, Frame, Section};
use super::reply::Reply;
use super::session::Signed;
use super::sign_in::encoded;
use super::tokens::{holders_of, number};
use super::tongue::Tongue;
use crate::api::House;
use crate::api::call::{Account, Call, NoQuery};
use crate::api::journal::{Form, Journal};
use crate::api::table::Table;
use crate::problem::Problem;
use entry::{Part, Said};

pub(crate) fn routes(table: &mut Table) {
    table.page("/console/{account}/journal", show);
    table.page("/console/{account}/journal/export", export);
    table.form("/console/{account}/journal/verify", verify);
}

/// Entries on a page.
const PAGE: usize = 50;

/// What entries are about, as the first part of their actions says.
const FAMILIES: [&str; 18] = [
    "token",
    "tokens",
    "session",
    "password",
    "second_factor",
    "member",
    "service_account",
    "person",
    "role",
    "policy",
    "account",
    "node",
    "installation",
    "notices",
    "webhook",
    "service",
    "journal",
    "server",
];

/// Which entries; as for `GET /v1/accounts/{account}/journal`, but that days are days.
#[derive(Clone, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
struct Asked {
    /// `server`: the whole server's, for operators.
    of: String,
    action: String,
    actor: String,
    subject: String,
    since: String,
    until: String,
    cursor: String,
    done: String,
}

/// The same with how it is written.
#[derive(Clone, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
struct Exported {
    of: String,
    action: String,
    actor: String,
    subject: String,
    since: String,
    until: String,
    format: String,
}

#[derive(Template)]
#[template(path = "journal.html")]
struct Page<'a> {
    frame: Frame<'a>,
    asked: &'a Asked,
    entries: Vec<Said>,
    families: Vec<(String, Cow<'static, str>)>,
    /// By id and name: who may have done it.
    actors: Vec<(String, String)>,
    of_server: bool,
    filtered: bool,
    /// What a check of the chain came to: whether it holds, and a sentence.
    checked: Option<(bool, String)>,
    /// The same as files, and the other journal.
    lines: String,
    table: String,
    first: String,
    next: Option<String>,
}

async fn show(call: Call<Signed, Account, Asked>) -> Result<Reply, Problem> {
    let tongue = Tongue::of(&call.house.look, &call.parts.headers);
    page(&call.house, tongue, &call.who.0, &call.query, None).await
}

async fn page(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    asked: &Asked,
    checked: Option<(bool, String)>,
) -> Result<Reply, Problem> {
    let look = asked.look(tongue, caller)?;
    let cursor = Some(asked.cursor.as_str()).filter(|cursor| !cursor.is_empty());
    let page = house.desk.journal(caller, &look, PAGE, cursor).await?;
    let mut frame = Frame::of(house, tongue, caller, Section::Journal).await?;
    frame.said = frame::said(tongue, Some(asked.done.as_str()));
    let of_server = matches!(look.of, Of::Server(_));
    let entries = page.items.into_iter().map(|told| entry::said(&frame, told, of_server)).collect();
    let family = |name: &str| tongue.say(&format!("family-{}", name.replace('_', "-")));
    let mut families: Vec<(String, Cow<'static, str>)> =
        FAMILIES.iter().map(|name| ((*name).to_owned(), family(name))).collect();
    if !asked.action.is_empty() && !FAMILIES.contains(&asked.action.as_str()) {
        families.push((asked.action.clone(), asked.action.clone().into()));
    }
    let mut actors: Vec<(String, String)> = Vec::new();
    for kind in [HolderKind::Member, HolderKind::ServiceAccount] {
        let holders = holders_of(house, caller, kind).await?;
        actors.extend(holders.into_iter().map(|holder| (holder.id.to_string(), holder.name)));
    }
    actors.sort_by(|(_, a), (_, b)| a.cmp(b));
    for id in ["operator", "nobody"] {
        actors.push((id.to_owned(), tongue.say(&format!("actor-{id}")).into_owned()));
    }
    if !asked.actor.is_empty() && !actors.iter().any(|(id, _)| *id == asked.actor) {
        actors.push((asked.actor.clone(), asked.actor.clone()));
    }
    let at = |more: &[(&str, &str)]| format!("{}{}", frame.path("journal"), asked.query(more));
    let file = |form: &str| format!("{}{}", frame.path("journal/export"), asked.query(&[("format", form)]));
    let page = Page {
        next: page.next_cursor.map(|cursor| at(&[("cursor", &cursor)])),
        first: at(&[]),
        lines: file("jsonl"),
        table: file("csv"),
        filtered: asked.is_filtered(),
        asked,
        entries,
        families,
        actors,
        of_server,
        checked,
        frame,
    };
    Ok(Reply::page(&house.look, &page)?.packable())
}

async fn export(call: Call<Signed, Account, Exported>) -> Result<Journal, Problem> {
    let tongue = Tongue::of(&call.house.look, &call.parts.headers);
    let Exported { of, action, actor, subject, since, until, format } = call.query;
    let form = match format.as_str() {
        "csv" => Form::Table,
        "jsonl" => Form::Lines,
        _ => return Err(Problem::not_found()),
    };
    let asked = Asked { of, action, actor, subject, since, until, ..Asked::default() };
    let look = asked.look(tongue, &call.who.0)?;
    crate::api::journal::export(call.house, call.who.0, look, form).await
}

/// Recomputes the chain, which reads every entry of the server.
async fn verify(call: Call<Signed, Account, NoQuery, Fields>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let checked = match house.desk.verify_journal(caller).await? {
        Ok(verified) => {
            let entries = number(verified.entries.unsigned_abs());
            let about = [("count", verified.entries.into()), ("entries", entries.as_str().into())];
            let mut sentence = tongue.say_of("journal-valid", &about).into_owned();
            if verified.erased > 0 {
                sentence.push(' ');
                sentence
                    .push_str(&tongue.say_of("journal-valid-erased", &[("count", verified.erased.into())]));
            }
            (true, sentence)
        }
        Err(broken) => {
            let about = [("seq", broken.seq.into()), ("what", broken.what.into())];
            (false, tongue.say_of("journal-broken", &about).into_owned())
        }
    };
    let asked = Asked { of: "server".to_owned(), ..Asked::default() };
    page(house, tongue, caller, &asked, Some(checked)).await
}

impl Asked {
    fn look(&self, tongue: Tongue, caller: &Caller) -> Result<Look, Problem> {
        let given = |text: &str| -> Result<Option<String>, Problem> {
            match text.trim() {
                "" => Ok(None),
                text if text.len() > 512 || text.contains(['\0', ' ']) => {
                    Err(Problem::bad_request(tongue.say("wrong-id")))
                }
                text => Ok(Some(text.to_owned())),
            }
        };
        let wrong = || Problem::bad_request(tongue.say("wrong-date"));
        Ok(Look {
            of: match self.of.as_str() {
                "server" => Of::Server(None),
                _ => Of::Account(caller.account.id.clone()),
            },
            action: given(&self.action)?,
            actor: given(&self.actor)?,
            subject: given(&self.subject)?,
            since: day(&self.since).map_err(|()| wrong())?,
            // Through its end.
            until: day(&self.until).map_err(|()| wrong())?.map(|midnight| midnight.plus_micros(DAY)),
            after: None,
            newest_first: true,
        })
    }

    fn is_filtered(&self) -> bool {
        [&self.action, &self.actor, &self.subject, &self.since, &self.until]
            .iter()
            .any(|text| !text.is_empty())
    }

    /// The same by its address, with this besides.
    fn query(&self, more: &[(&str, &str)]) -> String {
        let own = [
            ("of", self.of.as_str()),
            ("action", &self.action),
            ("actor", &self.actor),
            ("subject", &self.subject),
            ("since", &self.since),
            ("until", &self.until),
        ];
        let all = own.iter().chain(more).filter(|(_, value)| !value.is_empty());
        let said: Vec<String> = all.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        if said.is_empty() { String::new() } else { format!("?{}", said.join("&")) }
    }
}

/// Midnight, UTC, of a day as `<input type="date">` sends it.
fn day(text: &str) -> Result<Option<Timestamp>, ()> {
    match text.trim() {
        "" => Ok(None),
        day => format!("{day}T00:00:00Z").parse().map(Some).map_err(|_| ()),
    }
}

#[cfg(test)]
mod tests {
    use domain::change::Action;

    use super::FAMILIES;
    use crate::console::look::{Locale, Look};
    use crate::console::tongue::Tongue;

    #[test]
    fn every_entry_is_a_sentence_in_every_language_and_can_be_filtered_for() {
        for locale in Locale::ALL {
            let look = Look { locale: Some(locale), ..Look::default() };
            let tongue = Tongue::of(&look, &axum::http::HeaderMap::new());
            for action in Action::ALL.iter().map(|action| action.as_str()) {
                let name = format!("told-{}", action.replace(['.', '_'], "-"));
                assert!(tongue.knows(&name), "{name}");
                let family = action.split('.').next().unwrap();
                assert!(FAMILIES.contains(&family), "{family}");
                assert!(tongue.knows(&format!("family-{}", family.replace('_', "-"))), "{family}");
            }
        }
    }
}
