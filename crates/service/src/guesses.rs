//! Guesses at somebody's password or code: after some that were wrong the next has to wait, twice as long
//! each time. Unknown people are slowed as known ones are, so that nothing is learnt from it.
//!
//! Counted in memory, by each peer for itself: what is lost with a restart is a few minutes of waiting.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Duration;

use domain::time::Timestamp;

use crate::Error;

const SECOND: i64 = 1_000_000;

/// After this long without another, wrong guesses are forgotten: an hour, in µs.
const FORGOTTEN: i64 = 3600 * SECOND;

/// Whose guesses are remembered, at most. Beyond it those that were longest ago are forgotten.
const MOST: usize = 30_000;

/// What guesses are counted by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum By {
    /// At one person from one address, or from those that are not known: who guesses there keeps nobody
    /// else waiting.
    Both(String, Option<IpAddr>),
    Person(String),
    Address(IpAddr),
}

impl By {
    /// How many may be wrong before anybody waits, and how long the wait becomes. A day has 1,440 minutes,
    /// so nobody is guessed at more often by however many addresses (NIST SP 800-63B section 3.2.2 asks
    /// for a limit, and that its harm to the person be small).
    fn limits(&self) -> (u32, i64) {
        match self {
            By::Both(..) => (5, 15 * 60 * SECOND),
            By::Person(_) => (20, 60 * SECOND),
            By::Address(_) => (50, 60 * SECOND),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Wrong {
    times: u32,
    last: Timestamp,
    /// When the next is looked at.
    next: Timestamp,
}

#[derive(Default)]
pub(crate) struct Guesses(Mutex<HashMap<By, Wrong>>);

/// A guess that may be looked at. It counts as a wrong one until it is known to be none, so that many at
/// once are counted before any is answered.
pub(crate) struct Guess<'a> {
    guesses: &'a Guesses,
    counted: Vec<By>,
}

impl Guesses {
    /// Begins a guess at whoever has this address of mail.
    ///
    /// # Errors
    /// How long to wait.
    pub(crate) fn begin(
        &self,
        email: &str,
        from: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Guess<'_>, Duration> {
        let email = email.to_owned();
        let mut counted = vec![By::Both(email.clone(), from), By::Person(email)];
        counted.extend(from.map(By::Address));
        let mut all = self.0.lock().expect("nothing panics while it is held");
        let waits = counted.iter().filter_map(|by| all.get(by)).map(|wrong| now.micros_until(wrong.next));
        if let Some(wait) = waits.max().filter(|wait| *wait > 0) {
            return Err(Duration::from_micros(wait.unsigned_abs()));
        }
        if all.len() + counted.len() > MOST {
            forget(&mut all, now);
        }
        for by in &counted {
            let (free, longest) = by.limits();
            let none = Wrong { times: 0, last: now, next: now };
            let wrong = all.entry(by.clone()).or_insert(none);
            if wrong.last.micros_until(now) > FORGOTTEN {
                *wrong = none;
            }
            wrong.times += 1;
            wrong.last = now;
            wrong.next = now.plus_micros(wait(wrong.times.saturating_sub(free), longest));
        }
        Ok(Guess { guesses: self, counted })
    }
}

impl Guess<'_> {
    /// Takes it for what came of it.
    pub(crate) fn settle<T>(self, came: Result<T, Error>) -> Result<T, Error> {
        match came {
            Ok(_) => self.right(),
            Err(Error::Unauthenticated) => {}
            Err(_) => self.undecided(),
        }
        came
    }

    /// It was right: the person is who they say they are, and begins anew. Their address may still be one
    /// from where others are guessed at.
    fn right(self) {
        let mut all = self.guesses.0.lock().expect("nothing panics while it is held");
        for by in &self.counted {
            match by {
                By::Address(_) => uncount(&mut all, by),
                _ => drop(all.remove(by)),
            }
        }
    }

    /// Nothing was learnt from it: more is asked for, or it could not be looked at.
    fn undecided(self) {
        let mut all = self.guesses.0.lock().expect("nothing panics while it is held");
        for by in &self.counted {
            uncount(&mut all, by);
        }
    }
}

fn uncount(all: &mut HashMap<By, Wrong>, by: &By) {
    if let Some(wrong) = all.get_mut(by) {
        wrong.times = wrong.times.saturating_sub(1);
        wrong.next = wrong.last;
    }
}

/// In µs: a second after the first that is not free, and twice as long after each further one.
fn wait(beyond: u32, longest: i64) -> i64 {
    match beyond {
        0 => 0,
        beyond => (SECOND << (beyond - 1).min(30)).min(longest),
    }
}

/// Makes room: for what is over, and else for half of all.
fn forget(all: &mut HashMap<By, Wrong>, now: Timestamp) {
    all.retain(|_, wrong| wrong.last.micros_until(now) <= FORGOTTEN);
    if all.len() > MOST / 2 {
        let mut times: Vec<Timestamp> = all.values().map(|wrong| wrong.last).collect();
        let (_, middle, _) = times.select_nth_unstable(all.len() / 2);
        let middle = *middle;
        all.retain(|_, wrong| wrong.last > middle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: &str = "ada@example.com";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::EPOCH.plus_micros(seconds * SECOND)
    }

    fn from(last: u8) -> Option<IpAddr> {
        Some([203, 0, 113, last].into())
    }

    /// Guesses wrongly as often as it is let, a second at a time.
    fn wrong(guesses: &Guesses, email: &str, from: Option<IpAddr>, now: i64) -> Result<(), u64> {
        guesses.begin(email, from, at(now)).map(drop).map_err(|wait| wait.as_secs())
    }

    #[test]
    fn five_are_free_and_then_each_waits_twice_as_long_for_a_quarter_of_an_hour_at_most() {
        let guesses = Guesses::default();
        for _ in 0..5 {
            assert_eq!(wrong(&guesses, ADA, from(7), 0), Ok(()));
        }
        let (mut now, mut waits) = (0, Vec::new());
        for _ in 0..14 {
            assert_eq!(wrong(&guesses, ADA, from(7), now), Ok(()), "{now}");
            let wait = wrong(&guesses, ADA, from(7), now).expect_err("it waits");
            waits.push(wait);
            now += wait as i64;
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]);
        // Elsewhere the person waits a minute at most, whoever guesses.
        assert_eq!(wrong(&guesses, ADA, from(8), now), Ok(()));
        assert_eq!(wrong(&guesses, "bob@example.com", from(8), now), Ok(()));
        assert_eq!(wrong(&guesses, ADA, from(7), now + 3_601), Ok(()));
        assert_eq!(wrong(&guesses, ADA, from(7), now + 3_601), Ok(()), "an hour later it is forgotten");
    }

    #[test]
    fn from_many_addresses_a_person_is_guessed_at_once_a_minute() {
        let guesses = Guesses::default();
        let tried = (0..3_600).filter(|now| wrong(&guesses, ADA, from((now % 250) as u8), *now).is_ok());
        let tried = tried.count();
        assert!((70..=90).contains(&tried), "{tried}");
    }

    #[test]
    fn from_one_address_many_are_not_guessed_at_and_who_is_right_keeps_nobody_waiting() {
        let guesses = Guesses::default();
        let email = |n: i64| format!("{n}@example.com");
        for n in 0..200 {
            guesses.begin(&email(n), from(7), at(0)).unwrap_or_else(|_| panic!("{n}")).right();
        }
        let tried = (0..200).filter(|n| wrong(&guesses, &email(*n), from(7), 0).is_ok()).count();
        assert_eq!(tried, 51);
    }

    #[test]
    fn who_is_right_begins_anew_and_who_is_asked_for_more_does_not() {
        let guesses = Guesses::default();
        for _ in 0..4 {
            wrong(&guesses, ADA, None, 0).expect("it is free");
        }
        for _ in 0..20 {
            guesses.begin(ADA, None, at(0)).unwrap_or_else(|_| panic!("it is free")).undecided();
        }
        wrong(&guesses, ADA, None, 0).expect("it is free");
        wrong(&guesses, ADA, None, 0).expect("it is the last");
        assert_eq!(wrong(&guesses, ADA, None, 0), Err(1));
        guesses.begin(ADA, None, at(1)).unwrap_or_else(|_| panic!("a second is over")).right();
        for _ in 0..5 {
            assert_eq!(wrong(&guesses, ADA, None, 1), Ok(()));
        }
    }

    #[test]
    fn there_is_an_end_to_what_is_remembered() {
        let guesses = Guesses::default();
        for n in 0..40_000 {
            wrong(&guesses, &format!("{n}@example.com"), None, n).expect("each is somebody else");
        }
        assert!(guesses.0.lock().unwrap().len() <= MOST);
        assert!(guesses.0.lock().unwrap().contains_key(&By::Person("39999@example.com".into())));
    }
}
