//! An entry of the journal in words: who did what to what, with links where there is a page, and beneath
//! it whatever else it says.

use domain::ids::HolderId;
use domain::policy::differing;
use domain::time::Timestamp;
use serde_json::Value;
use service::journal::Told;

use crate::console::frame::{Frame, Section};

/// An entry as the page shows it.
pub(super) struct Said {
    pub(super) seq: i64,
    pub(super) at: Timestamp,
    pub(super) sentence: Vec<Part>,
    /// By what it was done, where that is worth telling, and the same in words.
    pub(super) via: Option<Thing>,
    pub(super) how: Option<String>,
    /// Where it happened, in the server's journal.
    pub(super) account: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) details: Vec<(String, String)>,
    pub(super) erased: bool,
    pub(super) action: String,
    pub(super) hash: String,
}

/// A piece of a sentence.
pub(super) enum Part {
    Text(String),
    Thing(Thing),
}

/// Somebody or something, by name.
pub(super) struct Thing {
    pub(super) name: String,
    pub(super) link: Option<String>,
}

/// Stand for who and what while a sentence is put together: no text of ours has them, and no name is in
/// it yet.
const WHO: char = '\u{e000}';
const WHAT: char = '\u{e001}';

/// Letters of a detail that are shown.
const SHOWN: usize = 300;

pub(super) fn said(frame: &Frame<'_>, told: Told, of_server: bool) -> Said {
    let Told { entry, actor_name, subject_name } = told;
    let at_home = entry.account.as_ref() == Some(&frame.caller.account.id);
    let payload = entry.payload.clone().unwrap_or_default();
    let (actor, by) = match entry.actor.split_once(" via ") {
        Some((actor, by)) => (actor, Some(by)),
        None => (entry.actor.as_str(), None),
    };
    let who = match actor {
        "operator" | "nobody" | "github" => {
            Thing { name: frame.say(&format!("actor-{actor}")).into_owned(), link: None }
        }
        id => Thing {
            // Whoever is unknown here has no page here either.
            link: page(frame, id, "").filter(|_| at_home && actor_name.is_some()),
            name: actor_name.unwrap_or_else(|| id.to_owned()),
        },
    };
    let name = subject_name.or_else(|| named(&payload)).unwrap_or_else(|| entry.subject.clone());
    let what = Thing { name, link: page(frame, &entry.subject, &entry.action).filter(|_| at_home) };
    let count = payload["count"].as_i64().unwrap_or_default();
    let (who_stands, what_stands) = (WHO.to_string(), WHAT.to_string());
    let about = [
        ("who", who_stands.as_str().into()),
        ("what", what_stands.as_str().into()),
        ("count", count.into()),
        ("action", entry.action.as_str().into()),
    ];
    let tongue = frame.bare.tongue;
    let name = format!("told-{}", entry.action.replace(['.', '_'], "-"));
    let sentence = tongue.say_of(if tongue.knows(&name) { &name } else { "told-other" }, &about);
    Said {
        seq: entry.seq,
        at: entry.at,
        sentence: parts(&sentence, who, what),
        how: by.and_then(|id| how(frame, id)),
        via: by.and_then(|id| via(frame, id, at_home)),
        account: entry.account.map(|account| account.to_string()).filter(|_| of_server),
        reason: payload["reason"].as_str().filter(|reason| !reason.is_empty()).map(str::to_owned),
        details: details(&payload),
        erased: entry.payload.is_none(),
        action: entry.action,
        hash: crate::map::hex(&entry.hash),
    }
}

fn parts(sentence: &str, who: Thing, what: Thing) -> Vec<Part> {
    let (mut who, mut what) = (Some(who), Some(what));
    let mut parts = Vec::new();
    for piece in sentence.split_inclusive([WHO, WHAT]) {
        let text = piece.trim_end_matches([WHO, WHAT]);
        if !text.is_empty() {
            parts.push(Part::Text(text.to_owned()));
        }
        let thing = match piece.chars().next_back() {
            Some(WHO) => who.take(),
            Some(WHAT) => what.take(),
            _ => None,
        };
        parts.extend(thing.map(Part::Thing));
    }
    parts
}

/// A session is how people work, so only a token or a service is told of.
fn via(frame: &Frame<'_>, id: &str, at_home: bool) -> Option<Thing> {
    let link = page(frame, id, "").filter(|_| at_home);
    (!id.starts_with("ses_")).then(|| Thing { name: id.to_owned(), link })
}

fn how(frame: &Frame<'_>, id: &str) -> Option<String> {
    let name = match id.split('_').next()? {
        "ses" => "via-session",
        "svc" => "via-service",
        _ => "via-token",
    };
    Some(frame.say_of(name, "id", id).into_owned())
}

/// What an entry calls its subject.
fn named(payload: &Value) -> Option<String> {
    let places = ["/name", "/name/is", "/is/name", "/was/name", "/name/was"];
    let text = places.iter().find_map(|place| payload.pointer(place)?.as_str());
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The page about an id of this account, where there is one that the reader is shown the way to.
fn page(frame: &Frame<'_>, id: &str, action: &str) -> Option<String> {
    let way = |section: Section, below: String| {
        let there = frame.sections.contains(&section);
        there.then(|| frame.path(&below))
    };
    if action == "policy.changed" {
        return way(Section::Policy, "policy".to_owned());
    }
    if id.starts_with('/') {
        return way(Section::Tree, "tree".to_owned());
    }
    if let Ok(holder) = id.parse::<HolderId>() {
        return match holder {
            HolderId::Member(id) => way(Section::Members, format!("members/{id}")),
            HolderId::ServiceAccount(id) => way(Section::ServiceAccounts, format!("service-accounts/{id}")),
        };
    }
    match id.split('_').next()? {
        "pat" | "sat" => way(Section::Tokens, format!("tokens/{id}")),
        "rol" => way(Section::Roles, "roles".to_owned()),
        "ins" => way(Section::Installations, "installations".to_owned()),
        "whk" => way(Section::Webhooks, format!("webhooks/{id}")),
        _ => None,
    }
}

/// What else an entry says: of what was changed, what it was and is.
fn details(payload: &Value) -> Vec<(String, String)> {
    let Value::Object(fields) = payload else { return Vec::new() };
    if let (Some(was @ Value::Object(_)), Some(is @ Value::Object(_))) = (fields.get("was"), fields.get("is"))
    {
        let changed = differing(was, is).into_iter();
        return changed.map(|c| (c.switch, format!("{} → {}", short(&c.was), short(&c.is)))).collect();
    }
    let told = fields.iter().filter(|(name, value)| *name != "reason" && !value.is_null());
    told.map(|(name, value)| {
        let text = match (value.get("was"), value.get("is")) {
            (Some(was), Some(is)) => format!("{} → {}", short(was), short(is)),
            _ => short(value),
        };
        (name.clone(), text)
    })
    .collect()
}

/// Text as it is, anything else as JSON; the beginning of what is long.
fn short(value: &Value) -> String {
    let text = match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Part, Thing, WHAT, WHO, details, parts, short};

    fn thing(name: &str) -> Thing {
        Thing { name: name.to_owned(), link: None }
    }

    #[test]
    fn a_sentence_has_its_names_in_their_places_whatever_they_are() {
        let sentence = format!("{WHO} gave {WHAT} up.");
        let pieces = parts(&sentence, thing(&format!("{WHAT}")), thing("it"));
        let told: String = pieces
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Thing(thing) => format!("[{}]", thing.name),
            })
            .collect();
        assert_eq!(told, format!("[{WHAT}] gave [it] up."));
    }

    #[test]
    fn what_was_changed_is_told_as_it_was_and_is() {
        let whole = json!({ "was": { "a": 1, "b": { "c": "x", "d": 2 } }, "is": { "a": 1, "b": { "c": "y", "d": 2 } } });
        assert_eq!(details(&whole), [("b.c".to_owned(), "x → y".to_owned())]);
        let fields = json!({ "name": { "was": "a", "is": null }, "reason": "because", "days": [7, 1] });
        let told = [("days", "[7,1]"), ("name", "a → –")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(details(&fields), told);
        assert_eq!(details(&json!(null)), []);
        assert_eq!(short(&json!("x".repeat(400))).chars().count(), 301);
    }
}
