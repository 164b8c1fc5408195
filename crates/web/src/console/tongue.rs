//! The console's own sentences, in the reader's language: Fluent files in `locales/`, built in, one a
//! family of pages and language.
//!
//! What the account's policy calls things (`words`) is said in its words, in whichever language they
//! are; see [`super::frame::Frame::word`].

use std::borrow::Cow;
use std::sync::LazyLock;

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

use super::look::{Locale, Look};

/// A language to speak in.
#[derive(Clone, Copy)]
pub(crate) struct Tongue(Locale);

struct Book {
    locale: Locale,
    messages: FluentBundle<FluentResource>,
}

/// The files of a language, one a family of pages.
macro_rules! files {
    ($($path:literal)*) => { &[$(include_str!(concat!("../../locales/", $path, ".ftl"))),*] };
}

const TEXTS: [(Locale, &[&str]); 2] = [
    (
        Locale::English,
        files!["en/frame" "en/tokens" "en/people" "en/places" "en/rules" "en/policy" "en/operators" "en/door" "en/me" "en/webhooks"],
    ),
    // The rest is said in English by the rules and by the policy's own words.
    (
        Locale::German,
        files!["de/frame" "de/tokens" "de/people" "de/places" "de/rules" "de/policy" "de/operators" "de/door" "de/me" "de/webhooks" "de/refusals" "de/words"],
    ),
];

static BOOKS: LazyLock<Vec<Book>> = LazyLock::new(|| {
    TEXTS.iter().map(|&(locale, texts)| Book { locale, messages: bundle(locale, texts) }).collect()
});

fn bundle(locale: Locale, texts: &[&str]) -> FluentBundle<FluentResource> {
    let tag = locale.tag().parse().expect("a language tag of ours");
    let mut messages = FluentBundle::new_concurrent(vec![tag]);
    // Names are isolated by `<bdi>` where they stand, which also holds in attributes' values.
    messages.set_use_isolating(false);
    for text in texts {
        let resource = FluentResource::try_new((*text).to_owned()).map_err(|(_, errors)| errors);
        let resource = resource.expect("built in, and a test reads each of them");
        messages.add_resource(resource).expect("no message stands twice; a test reads each file");
    }
    messages
}

impl Tongue {
    /// The operator's choice; else the first of the reader's languages that we speak; else English.
    pub(crate) fn of(look: &Look, headers: &HeaderMap) -> Tongue {
        Tongue(look.locale.or_else(|| wished(headers)).unwrap_or(Locale::English))
    }

    pub(crate) fn locale(self) -> Locale {
        self.0
    }

    /// The sentence with this name.
    pub(crate) fn say(self, name: &str) -> Cow<'static, str> {
        self.say_of(name, &[])
    }

    /// The same with what it is about.
    pub(crate) fn say_of(self, name: &str, about: &[(&str, About<'_>)]) -> Cow<'static, str> {
        let book = BOOKS.iter().find(|book| book.locale == self.0).unwrap_or(&BOOKS[0]);
        let Some(pattern) = book.messages.get_message(name).and_then(|message| message.value()) else {
            debug_assert!(false, "no sentence is called {name}");
            return Cow::Owned(name.to_owned());
        };
        let args: FluentArgs<'_> = about.iter().map(|(name, value)| (*name, value.as_fluent())).collect();
        book.messages.format_pattern(pattern, Some(&args), &mut Vec::new()).into_owned().into()
    }

    /// Whether there is a sentence with this name.
    pub(crate) fn knows(self, name: &str) -> bool {
        BOOKS.iter().any(|book| book.locale == self.0 && book.messages.has_message(name))
    }
}

/// What a sentence is about.
#[derive(Clone, Copy)]
pub(crate) enum About<'a> {
    Text(&'a str),
    Count(i64),
}

impl<'a> About<'a> {
    fn as_fluent(&self) -> FluentValue<'a> {
        match *self {
            About::Text(text) => text.into(),
            About::Count(count) => count.into(),
        }
    }
}

impl<'a> From<&'a str> for About<'a> {
    fn from(text: &'a str) -> Self {
        About::Text(text)
    }
}

impl From<usize> for About<'_> {
    fn from(count: usize) -> Self {
        About::Count(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

impl From<i64> for About<'_> {
    fn from(count: i64) -> Self {
        About::Count(count)
    }
}

/// RFC 9110 section 12.5.4, by weight and then by order; only the primary tag is compared.
fn wished(headers: &HeaderMap) -> Option<Locale> {
    let wishes = headers.get(ACCEPT_LANGUAGE)?.to_str().ok()?;
    let mut best: Option<(f32, Locale)> = None;
    for wish in wishes.split(',') {
        let mut parts = wish.split(';');
        let tag = parts.next().unwrap_or("").trim();
        let weight = parts.find_map(|part| part.trim().strip_prefix("q="));
        let weight = weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
        let primary = tag.split('-').next().unwrap_or(tag).to_ascii_lowercase();
        if let Ok(locale) = primary.parse::<Locale>()
            && weight > best.map_or(0.0, |(weight, _)| weight)
        {
            best = Some((weight, locale));
        }
    }
    best.map(|(_, locale)| locale)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use axum::http::HeaderMap;
    use axum::http::header::ACCEPT_LANGUAGE;

    use super::{BOOKS, Locale, TEXTS, Tongue};
    use crate::console::look::Look;

    /// The messages of a language, and the variables of each.
    fn messages(locale: Locale) -> BTreeMap<String, BTreeSet<String>> {
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut current = None;
        let texts = TEXTS.iter().filter(|(of, _)| *of == locale).flat_map(|(_, texts)| *texts);
        for line in texts.flat_map(|text| text.lines()) {
            let begins = line.chars().next().is_some_and(|c| c.is_ascii_lowercase());
            if let Some((name, _)) = line.split_once(" =").filter(|_| begins) {
                assert!(found.insert(name.to_owned(), BTreeSet::new()).is_none(), "{name} stands twice");
                current = Some(name.to_owned());
            }
            if let Some(variables) = current.as_ref().and_then(|name| found.get_mut(name)) {
                let named = line.split('$').skip(1).map(|rest| {
                    rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect::<String>()
                });
                variables.extend(named);
            }
        }
        found
    }

    #[test]
    fn every_language_says_the_same_things_of_the_same_things() {
        let english = messages(Locale::English);
        let german = messages(Locale::German);
        assert!(english.len() > 50, "{}", english.len());
        // What the policy's words say in English is said by a file in other languages.
        // So are the refusals that the rules say in English.
        let in_english = |name: &str| name.starts_with("word-") || name.starts_with("refused-");
        let ours: BTreeMap<_, _> = german
            .iter()
            .filter(|(name, _)| !in_english(name) || english.contains_key(name.as_str()))
            .collect();
        assert_eq!(english.iter().collect::<BTreeMap<_, _>>(), ours);
        assert_eq!(BOOKS.len(), Locale::ALL.len());
    }

    #[test]
    fn the_reader_s_languages_are_asked_in_their_order() {
        for (wishes, expected) in [
            ("de", Locale::German),
            ("de-AT,de;q=0.9,en;q=0.8", Locale::German),
            ("fr,en;q=0.5,de;q=0.7", Locale::German),
            ("en-GB,de;q=0.9", Locale::English),
            ("fr", Locale::English),
            ("de;q=0", Locale::English),
            ("", Locale::English),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_LANGUAGE, wishes.parse().unwrap());
            assert_eq!(Tongue::of(&Look::default(), &headers).locale(), expected, "{wishes}");
        }
    }
}
