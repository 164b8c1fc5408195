//! What a key of the configuration is: its name, its sentence, the values it takes. The types of
//! values that are no one else's (a period, a log filter) live here too. Nothing here reads a file
//! or the environment.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;
use std::time::Duration;

use domain::time::{DAY, Timestamp};
use store::place::{self, Place, Secret};
use tracing_subscriber::filter::Targets;

/// One key of the configuration.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// `section.key`, as it stands in `jeton.toml`.
    pub name: &'static str,
    /// One or two sentences for the operator.
    pub doc: &'static str,
    /// What the value may be, as it completes "accepts …".
    pub accepts: &'static str,
    /// How the value is written in TOML.
    pub kind: Kind,
    /// The value when nobody sets one.
    pub unset: Unset,
    /// Whether the value stays out of every output.
    pub secret: bool,
    /// Whether a text is a value of this key.
    pub takes: fn(&str) -> bool,
    /// What is wrong with a text that is none, where that says more than `accepts`.
    pub why_not: fn(&str) -> Option<String>,
    /// A text as it may be shown.
    pub shown: fn(&str) -> String,
}

/// How a value is written in TOML and JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Number,
    Truth,
}

/// Where a value comes from when nobody sets it.
#[derive(Debug, Clone, Copy)]
pub enum Unset {
    /// There is none.
    Nothing,
    /// There is none; the text describes what is done without one.
    Otherwise(&'static str),
    /// This text.
    Is(&'static str),
    /// Worked out from the machine or from keys earlier in the table; the text describes how.
    Computed(&'static str, fn(&Base<'_>) -> String),
}

/// The keys that were resolved before, for a default that depends on them.
pub struct Base<'a>(pub(super) &'a BTreeMap<&'static str, String>);

impl Base<'_> {
    /// The value of an earlier key.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl Key {
    /// A key whose values are of type `T`.
    pub const fn of<T: Setting>(name: &'static str, doc: &'static str, unset: Unset, secret: bool) -> Self {
        Self {
            name,
            doc,
            accepts: T::ACCEPTS,
            kind: T::KIND,
            unset,
            secret,
            takes: |text| T::parse(text).is_some(),
            why_not: T::why_not,
            shown: T::shown,
        }
    }

    /// The environment variable of this key: `server.listen` is `JETON_SERVER__LISTEN`.
    pub fn variable(&self) -> String {
        format!("JETON_{}", self.name.replace('.', "__").to_ascii_uppercase())
    }

    /// The key of `jeton.toml` under which the path of a file with this secret stands.
    pub fn of_file(&self) -> Option<String> {
        self.secret.then(|| format!("{}_file", self.name))
    }
}

/// A type that a value of the configuration can have.
pub trait Setting: Sized {
    /// Completes the sentence "accepts …".
    const ACCEPTS: &'static str;
    /// How it is written in TOML.
    const KIND: Kind = Kind::Text;

    /// The value that this text stands for, if any.
    fn parse(text: &str) -> Option<Self>;

    /// The value of a key that nobody set and that has no default.
    fn nothing() -> Option<Self> {
        None
    }

    /// What is wrong with a text that is no value, where that says more than
    /// [`Setting::ACCEPTS`]; completes the sentence "it is …, but".
    fn why_not(_: &str) -> Option<String> {
        None
    }

    /// A text as it may be shown, also one that is no value: without what in it is secret.
    fn shown(text: &str) -> String {
        text.to_owned()
    }
}

impl<T: Setting> Setting for Option<T> {
    const ACCEPTS: &'static str = T::ACCEPTS;
    const KIND: Kind = T::KIND;

    fn parse(text: &str) -> Option<Self> {
        T::parse(text).map(Some)
    }

    fn nothing() -> Option<Self> {
        Some(None)
    }

    fn why_not(text: &str) -> Option<String> {
        T::why_not(text)
    }

    fn shown(text: &str) -> String {
        T::shown(text)
    }
}

impl Setting for PathBuf {
    const ACCEPTS: &'static str = "a path";

    fn parse(text: &str) -> Option<Self> {
        (!text.is_empty() && !text.contains('\0')).then(|| text.into())
    }
}

impl Setting for SocketAddr {
    const ACCEPTS: &'static str = "an IP address and a port, as in `127.0.0.1:7070` or `[::1]:7070`";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Setting for bool {
    const ACCEPTS: &'static str = "`true` or `false`";
    const KIND: Kind = Kind::Truth;

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Setting for NonZeroU32 {
    const ACCEPTS: &'static str = "a whole number from 1 to 4294967295";
    const KIND: Kind = Kind::Number;

    fn parse(text: &str) -> Option<Self> {
        whole(text)?.parse().ok()
    }
}

impl Setting for NonZeroU64 {
    const ACCEPTS: &'static str = "a whole number from 1 to 9223372036854775807";
    const KIND: Kind = Kind::Number;

    fn parse(text: &str) -> Option<Self> {
        u64::parse(text).and_then(Self::new)
    }
}

impl Setting for u64 {
    const ACCEPTS: &'static str = "a whole number from 0 to 9223372036854775807";
    const KIND: Kind = Kind::Number;

    fn parse(text: &str) -> Option<Self> {
        // TOML's integers have 63 bits and a sign.
        whole(text)?.parse().ok().filter(|number| *number <= i64::MAX.unsigned_abs())
    }
}

/// Rust reads `+7` as a number; the configuration does not.
fn whole(text: &str) -> Option<&str> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then_some(text)
}

/// A length of time with its unit, such as `30 s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period(pub Duration);

impl Setting for Period {
    const ACCEPTS: &'static str = "a number and a unit (ms, s, min or h), as in `30 s`";

    fn parse(text: &str) -> Option<Self> {
        let digits = text.len() - text.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().ok()?;
        let milliseconds = match unit.trim_start() {
            "ms" => 1,
            "s" => 1_000,
            "min" => 60_000,
            "h" => 3_600_000,
            _ => return None,
        };
        Some(Self(Duration::from_millis(number.checked_mul(milliseconds)?)))
    }
}

/// How long something is kept, by the calendar, such as `400 days`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep(pub domain::time::Period);

impl Setting for Keep {
    const ACCEPTS: &'static str = "a period of a day or more, as in `400 days` or `3 years`";

    fn parse(text: &str) -> Option<Self> {
        let period = text.parse().ok()?;
        let day = Timestamp::EPOCH.plus_micros(DAY);
        (Timestamp::EPOCH.plus(&period) >= day).then_some(Self(period))
    }
}

/// The name of a preset: lower-case letters, digits and hyphens. Whether there is such a preset
/// is for the server to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresetName(pub String);

impl Setting for PresetName {
    const ACCEPTS: &'static str = "the name of a preset, as in `default` or `gcore`";

    fn parse(text: &str) -> Option<Self> {
        let letter = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let named = (1..=40).contains(&text.len()) && text.bytes().all(letter);
        named.then(|| Self(text.to_owned()))
    }
}

/// `https://host[:port]`, without a path and without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(pub String);

impl Setting for PublicUrl {
    const ACCEPTS: &'static str =
        "a URL of scheme http or https without path, query or user, as in `https://tokens.example.com`";

    fn parse(text: &str) -> Option<Self> {
        let url: ureq::http::Uri = text.parse().ok()?;
        let authority = url.authority()?;
        let plain = matches!(url.scheme_str(), Some("http" | "https"))
            && url.path() == "/"
            && url.query().is_none()
            && !authority.as_str().contains('@')
            && !authority.host().is_empty();
        plain.then(|| Self(text.trim_end_matches('/').to_owned()))
    }
}

/// Where the facts are. The place may carry a password, which is not shown.
impl Setting for Place {
    const ACCEPTS: &'static str =
        "`sqlite:DIR`, or the URL of a database, as in `postgres://jeton@db.example.com/jeton`";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn why_not(text: &str) -> Option<String> {
        text.parse::<Self>().err().map(|why| why.to_string())
    }

    fn shown(text: &str) -> String {
        place::redacted(text)
    }
}

/// A password.
impl Setting for Secret {
    const ACCEPTS: &'static str = "a password";

    fn parse(text: &str) -> Option<Self> {
        (!text.is_empty() && !text.contains('\0')).then(|| Self::new(text))
    }
}

/// Which log lines are written.
#[derive(Debug, Clone, PartialEq)]
pub struct LogFilter(pub Targets);

impl Setting for LogFilter {
    const ACCEPTS: &'static str =
        "off, error, warn, info, debug or trace, and the same by module, as in `info,store=debug`";

    fn parse(text: &str) -> Option<Self> {
        // `Targets` takes a lone unknown word for the name of a module at level trace; that is how
        // a typing error in the level would turn everything on.
        let level = |word: &str| {
            let known = ["off", "error", "warn", "info", "debug", "trace"];
            known.iter().any(|level| level.eq_ignore_ascii_case(word))
        };
        let named = |part: &str| match part.rsplit_once('=') {
            Some((module, word)) => !module.is_empty() && level(word),
            None => level(part),
        };
        text.split(',').all(|part| named(part.trim())).then(|| text.parse().ok().map(Self))?
    }
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    Text,
    Json,
}

impl Setting for LogFormat {
    const ACCEPTS: &'static str = "`auto`, `text` or `json`";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "auto" => Some(Self::Auto),
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}
