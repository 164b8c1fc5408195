//! What the nouns of the command line share: how a thing of the API is listed, shown and changed.
//!
//! A noun says what its things are called and look like ([`Noun`]); the verbs that all have stand
//! in [`verbs`], lists in [`list`](fn@list). Nothing here knows a noun by name.

mod list;
pub mod verbs;

pub use list::{PageArgs, gathered, list, listed, print_table};

use std::fmt;

use api::permission::{Access, Permission};
use api::{Maybe, Metadata, Secret};
use clap::Args;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::http::{Answer, path};
use super::{Desk, ServerArgs, WholeServerArgs, output};
use crate::exit::Failure;

/// A thing of the API as commands show it.
pub trait Noun: DeserializeOwned {
    /// One, as in "no member".
    const ONE: &'static str;
    /// Several, as in "no members".
    const MANY: &'static str;
    /// How an argument that names one is described, and called.
    const ID: &'static str;
    const VALUE: &'static str = "ID";
    /// The part of the route under which they are.
    const ROUTE: &'static str;
    /// The columns of a list.
    const HEAD: &'static [&'static str];
    /// Those that go first where the terminal is too narrow.
    const DISPENSABLE: &'static [&'static str];
    /// Where they are: in an account, or on the server as a whole.
    type Place: Place;

    /// The cells of a line; `time` writes a time, as long as there is room for.
    fn row(&self, time: fn(&str) -> String) -> Vec<String>;

    /// All of it, for whoever asks for this one.
    fn facts(&self) -> Facts;

    /// As a sentence names it.
    fn called(&self) -> String;

    /// The same where its secret was just handed over.
    fn called_at_length(&self) -> String {
        self.called()
    }
}

/// What a command takes to find the things of a noun.
pub trait Place: Args + fmt::Debug {
    /// # Errors
    /// As [`Desk::open`] says.
    fn open(&self) -> Result<Desk, Failure>;

    fn json(&self) -> bool;

    /// The route of these parts below the place.
    ///
    /// # Errors
    /// When the account had to be asked for and that failed.
    fn route(desk: &mut Desk, parts: &[&str]) -> Result<String, Failure>;
}

impl Place for ServerArgs {
    fn open(&self) -> Result<Desk, Failure> {
        Desk::open(self)
    }

    fn json(&self) -> bool {
        ServerArgs::json(self)
    }

    fn route(desk: &mut Desk, parts: &[&str]) -> Result<String, Failure> {
        let account = desk.account()?;
        Ok(path(&[&["v1", "accounts", account.as_str()], parts].concat()))
    }
}

impl Place for WholeServerArgs {
    fn open(&self) -> Result<Desk, Failure> {
        Desk::of_server(self)
    }

    fn json(&self) -> bool {
        WholeServerArgs::json(self)
    }

    fn route(_: &mut Desk, parts: &[&str]) -> Result<String, Failure> {
        Ok(path(&[&["v1"], parts].concat()))
    }
}

/// Prints one thing.
///
/// # Errors
/// When the answer is something else.
pub fn show<T: Noun>(answer: &Answer, json: bool) -> Result<(), Failure> {
    if json {
        return output::data(&answer.text);
    }
    answer.read::<T>()?.facts().print()
}

/// Prints what became of a thing: all of it as JSON, or one sentence beside the data.
///
/// # Errors
/// When it cannot be written.
pub fn report<T: Noun>(answer: &Answer, json: bool, verb: &str, id: &str) -> Result<(), Failure> {
    if json {
        return output::data(&answer.text);
    }
    // An answer without the thing in it is as good; the change is done.
    match answer.read::<T>() {
        Ok(thing) => output::say(&format!("{verb} {}", thing.called())),
        Err(_) => output::say(&format!("{verb} {id}")),
    }
    Ok(())
}

/// Prints an answer that carries a secret: all of it as JSON, or the secret alone on standard
/// output and what is worth knowing beside it.
///
/// # Errors
/// When there is none in it, or it cannot be written.
pub fn hand_over<T: Noun>(answer: &Answer, json: bool, verb: &str) -> Result<(), Failure> {
    #[derive(Deserialize)]
    struct Issued<T> {
        #[serde(flatten)]
        thing: T,
        secret: Secret,
    }
    if json {
        return output::data(&answer.text);
    }
    let issued: Issued<T> = answer.read()?;
    output::data(issued.secret.expose())?;
    output::say(&format!("{verb} {}; the secret is shown only now", issued.thing.called_at_length()));
    Ok(())
}

/// Names and values of a thing, in the order in which they are shown.
#[derive(Default)]
pub struct Facts(Vec<(&'static str, String)>);

impl Facts {
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.0.push((name, value.into()));
        self
    }

    /// What is not always there.
    #[must_use]
    pub fn with_any<V: Into<String>>(self, name: &'static str, value: Option<V>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// A time, where there is one.
    #[must_use]
    pub fn at(self, name: &'static str, time: Option<&str>) -> Self {
        self.with_any(name, time.map(output::time))
    }

    #[must_use]
    pub fn metadata(self, metadata: &Metadata) -> Self {
        self.with_any("metadata", (!metadata.is_empty()).then(|| as_json(metadata)))
    }

    /// # Errors
    /// When they cannot be written.
    pub fn print(&self) -> Result<(), Failure> {
        output::data(&output::facts(&self.0))
    }
}

/// An id and a name as a sentence has them.
pub fn named(id: &str, name: &str) -> String {
    format!("{id} {name:?}")
}

pub fn as_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("the API's types have string keys and no failing parts")
}

/// The word that stands for one of the API's enumerations in JSON.
pub fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// A grant in a few words.
pub fn grant(permission: &Permission) -> String {
    match permission {
        Permission::Inherit => "inherits".to_owned(),
        Permission::Role(role) => format!("role {role}"),
        Permission::Access { access, entities } => {
            let access = match access {
                Access::Full => "full",
                Access::Write => "write",
                Access::Read => "read",
            };
            match entities {
                None => access.to_owned(),
                Some(entities) => format!("{access} {}", entities.join(" ")),
            }
        }
        Permission::List(list) => list.join(" "),
    }
}

/// A field of an edit: not named, named with nothing in it, or with something.
pub fn or_nothing(text: Option<String>) -> Maybe<String> {
    match text {
        None => Maybe::Absent,
        Some(text) if text.is_empty() => Maybe::Null,
        Some(text) => Maybe::Value(text),
    }
}

/// Reads the JSON object of `--metadata`.
pub fn metadata(text: &str) -> Result<Metadata, String> {
    serde_json::from_str(text).map_err(|cause| format!("not a JSON object: {cause}"))
}
