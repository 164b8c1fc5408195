//! The sentences of mails, in the languages that we speak.

use std::sync::LazyLock;

use domain::time::{DAY, Timestamp};
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

/// A language that mails are written in. The operator chooses one: a mail is asked for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    #[default]
    English,
    German,
}

const TEXTS: [(Language, &str); 2] = [
    (Language::English, include_str!("../locales/en.ftl")),
    (Language::German, include_str!("../locales/de.ftl")),
];

type Book = FluentBundle<FluentResource>;

static BOOKS: LazyLock<Vec<(Language, Book)>> =
    LazyLock::new(|| TEXTS.iter().map(|&(language, text)| (language, book(language, text))).collect());

fn book(language: Language, text: &str) -> Book {
    let tag = language.tag().parse().expect("a language tag of ours");
    let mut book = FluentBundle::new_concurrent(vec![tag]);
    // Mail programs show the marks of isolation in subjects as boxes.
    book.set_use_isolating(false);
    let resource = FluentResource::try_new(text.to_owned()).map_err(|(_, errors)| errors);
    let resource = resource.expect("built in, and a test reads each of them");
    book.add_resource(resource).expect("no message stands twice; a test reads each file");
    book
}

impl Language {
    pub const ALL: [Language; 2] = [Language::English, Language::German];

    /// As in `lang` and in BCP 47.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// The language with this tag, if we speak it.
    pub fn of_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag() == tag)
    }

    /// The sentence with this name, of what it is about.
    pub(crate) fn say(self, name: &str, about: &[(&str, &str)]) -> String {
        let (_, book) = BOOKS.iter().find(|(language, _)| *language == self).unwrap_or(&BOOKS[0]);
        let Some(pattern) = book.get_message(name).and_then(|message| message.value()) else {
            debug_assert!(false, "no sentence is called {name}");
            return name.to_owned();
        };
        let about: FluentArgs<'_> =
            about.iter().map(|(name, text)| (*name, FluentValue::from(*text))).collect();
        book.format_pattern(pattern, Some(&about), &mut Vec::new()).into_owned()
    }

    /// A moment, such as `3 June 2026, 12:00 UTC`.
    pub(crate) fn moment(self, at: Timestamp) -> String {
        // RFC 3339, always in UTC and with four digits of the year: `2026-06-03T12:00:…`.
        let text = at.to_string();
        let mut parts = text.split(['-', 'T']);
        let mut next = || parts.next().unwrap_or_default();
        let (year, month, day, time) = (next(), next(), next(), next());
        let month = self.say(&format!("month-{month}"), &[]);
        let (day, time) = (day.trim_start_matches('0'), time.get(..5).unwrap_or_default());
        self.say("date", &[("day", day), ("month", &month), ("year", year), ("time", time)])
    }

    /// How many days away a moment is, by the calendar (UTC).
    pub(crate) fn when(self, at: Timestamp, now: Timestamp) -> String {
        match at.as_micros().div_euclid(DAY) - now.as_micros().div_euclid(DAY) {
            ..=0 => self.say("today", &[]),
            1 => self.say("tomorrow", &[]),
            days => self.say("in-days", &[("count", &days.to_string())]),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_language_says_the_same_things_of_the_same_things() {
        let said = |text: &'static str| -> BTreeSet<(&str, BTreeSet<&str>)> {
            let lines = text.lines().filter_map(|line| line.split_once(" = "));
            lines
                .map(|(name, text)| {
                    let about = text.split('$').skip(1);
                    (name, about.map(|rest| rest.split(' ').next().unwrap_or_default()).collect())
                })
                .collect()
        };
        let [(_, english), (_, german)] = TEXTS;
        assert_eq!(said(english), said(german));
        assert!(said(english).len() > 20);
        for language in Language::ALL {
            assert_eq!(Language::of_tag(language.tag()), Some(language));
        }
    }

    #[test]
    fn moments_and_distances_are_said_in_words() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let end = at("2026-03-02T00:30:00Z");
        assert_eq!(Language::English.moment(end), "2 March 2026, 00:30 UTC");
        assert_eq!(Language::German.moment(end), "2. März 2026, 00:30 UTC");
        for (now, said) in [
            ("2026-03-02T00:00:00Z", "today"),
            ("2026-03-01T00:00:00Z", "tomorrow"),
            ("2026-03-01T23:59:59Z", "tomorrow"),
            ("2026-02-23T12:00:00Z", "in 7 days"),
        ] {
            assert_eq!(Language::English.when(end, at(now)), said, "{now}");
        }
    }
}
