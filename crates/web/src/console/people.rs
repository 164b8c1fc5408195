//! What the pages about people and places share: a form as it was filled in, what was refused in words
//! that fit the page, the small page that asks before something is done, and the places of the account's
//! tree. No family's own page stands here.

use askama::Template;
use domain::facts::Account;
use domain::node::NodePath;
use domain::who::Caller;
use serde::Deserialize;
use service::Error;
use utoipa::IntoParams;

use super::fields::Fields;
use super::frame::Frame;
use super::look::Locale;
use super::tokens::form::{self, Wrong};
use super::tongue::Tongue;
use crate::api::House;
use crate::problem::Problem;

/// Rows on a page of a list.
pub(super) const PAGE: usize = 50;

/// Which page of a list, and what was just done.
#[derive(Clone, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Asked {
    pub(super) cursor: Option<String>,
    pub(super) done: Option<String>,
}

/// What was just done with the one thing that a page is about.
#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
pub(super) struct After {
    pub(super) done: Option<String>,
}

/// A small page that says what follows from something and asks; opened over the page that leads to it,
/// where scripts run.
#[derive(Template)]
#[template(path = "people/act.html")]
pub(super) struct Asking<'a> {
    pub(super) frame: Frame<'a>,
    /// The id of what it is about.
    pub(super) id: String,
    /// Where the form is sent, and where one goes without sending it.
    pub(super) action: String,
    pub(super) back: String,
    pub(super) title: String,
    pub(super) sentences: Vec<String>,
    /// None where it would be refused as things are, which the sentences say.
    pub(super) button: Option<String>,
    pub(super) danger: bool,
    /// Where to look instead of doing it.
    pub(super) look: Option<(String, String)>,
    pub(super) wrong: Option<String>,
}

/// What was typed into a form, and what is wrong with it.
pub(super) struct Filled {
    fields: Fields,
    wrong: Option<Wrong>,
    /// The fields that say beside them what is wrong; the rest is said above all of them.
    shown: &'static [&'static str],
}

impl Filled {
    pub(super) fn new(shown: &'static [&'static str], fields: Fields) -> Filled {
        Filled { fields, wrong: None, shown }
    }

    pub(super) fn but(mut self, wrong: Wrong) -> Filled {
        self.wrong = Some(wrong);
        self
    }

    pub(super) fn typed(&self, name: &str) -> &str {
        self.fields.text(name)
    }

    pub(super) fn is(&self, name: &str, value: &str) -> bool {
        self.fields.is(name, value)
    }

    pub(super) fn ticked(&self, kind: &str, name: &str) -> bool {
        self.fields.ticked(&format!("{kind}.{name}"))
    }

    /// What is wrong with a field; with the empty name, with all of it.
    pub(super) fn wrong(&self, field: &str) -> Option<&str> {
        let wrong = self.wrong.as_ref()?;
        let here = match field {
            "" => !self.shown.iter().any(|shown| wrong.is_of(shown)),
            field => wrong.is_of(field),
        };
        here.then_some(wrong.text.as_str())
    }

    /// A JSON object, where there is one.
    pub(super) fn metadata(fields: &Fields, tongue: Tongue) -> Result<Option<serde_json::Value>, Wrong> {
        let value = fields.given("metadata").map(|text| serde_json::from_str(&text)).transpose();
        value.map_err(|_| Wrong::new("metadata", tongue.say("wrong-metadata")))
    }
}

/// What becomes of an error: the form again where that helps, else a page of its own. In other languages
/// than English `noun` finds the sentence that fits the page.
pub(super) fn again(tongue: Tongue, noun: &str, error: Error) -> Result<Wrong, Problem> {
    if let Error::Refused(refusal) = &error
        && tongue.locale() != Locale::English
    {
        let (code, field) = (refusal.code.as_str().replace('_', "-"), refusal.field.unwrap_or_default());
        let names = [format!("refused-{noun}-{code}-{field}"), format!("refused-{noun}-{code}")];
        let found = names.iter().map(|name| name.replace('_', "-")).find(|name| tongue.knows(name));
        if let Some(name) = found {
            return Ok(Wrong::new(field, tongue.say(&name)));
        }
    }
    form::again(tongue, error)
}

/// Places that a form shows as a choice, at most; where there are more their paths are typed.
const CHOICES: usize = 100;

/// The places of the account's tree that the caller may read.
pub(super) struct Places {
    pub(super) all: Vec<Place>,
    /// They are all here.
    pub(super) whole: bool,
}

/// A place below the root.
pub(super) struct Place {
    pub(super) path: NodePath,
    pub(super) name: String,
}

impl Places {
    /// # Errors
    /// When they cannot be had; whoever may not read any hears of none.
    pub(super) async fn of(house: &House, caller: &Caller) -> Result<Places, Problem> {
        if !has_levels(&caller.account) {
            return Ok(Places { all: Vec::new(), whole: true });
        }
        let page = match house.desk.nodes(caller.clone(), &caller.account.id, CHOICES, None).await {
            Ok(page) => page,
            Err(Error::Refused(_)) => return Ok(Places { all: Vec::new(), whole: false }),
            Err(error) => return Err(error.into()),
        };
        let place = |node: domain::facts::Node| Place { path: node.path, name: node.name };
        let mut all: Vec<Place> = page.items.into_iter().map(place).collect();
        all.sort_by(|a, b| in_tree(&a.path).cmp(in_tree(&b.path)));
        Ok(Places { all, whole: page.next_cursor.is_none() })
    }

    /// Whether a choice shows this path.
    pub(super) fn has(&self, path: &str) -> bool {
        self.all.iter().any(|place| place.path.as_str() == path)
    }
}

/// What a path is sorted by, so that what lies below a place follows it: `-` comes before `/`.
pub(super) fn in_tree(path: &NodePath) -> impl Iterator<Item = &str> {
    path.as_str().split('/')
}

/// Whether anything can lie below the root.
pub(super) fn has_levels(account: &Account) -> bool {
    account.levels.len() > 1
}

/// The product's word for a place at this depth.
pub(super) fn level(account: &Account, depth: usize) -> &str {
    account.levels.get(depth).map_or("", String::as_str)
}
