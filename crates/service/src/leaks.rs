//! Texts of tokens that turned up where they should not be: whoever shows one ends it.
//!
//! Having the text is the proof, so nobody needs to say who they are. What a text was worth is told to
//! nobody but a scanner that signs its reports.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Duration;

use domain::change::Actor;
use domain::lifecycle::{self, Found};
use domain::time::Timestamp;

use crate::rotations::Hearing;
use crate::{ATTEMPTS, Desk, Error};

/// For so long reports are counted together, in µs: an hour.
const SPAN: i64 = 3_600 * 1_000_000;
/// Reports in a span from one address.
const FROM_ONE: u32 = 60;
/// The same from all whose addresses are not known.
const FROM_UNKNOWN: u32 = 600;
/// Addresses that are counted at a time. Beyond it new ones are counted together.
const MOST: usize = 30_000;

/// How often somebody reported, by address. In memory and by each peer for itself: what is bounded is work.
#[derive(Default)]
pub(crate) struct Reports(Mutex<HashMap<Option<IpAddr>, Span>>);

struct Span {
    began: Timestamp,
    reports: u32,
}

impl Reports {
    /// Counts a report.
    ///
    /// # Errors
    /// How long to wait.
    fn count(&self, from: Option<IpAddr>, now: Timestamp) -> Result<(), Duration> {
        let mut all = self.0.lock().expect("nothing panics while it is held");
        if all.len() >= MOST {
            all.retain(|_, span| span.began.micros_until(now) < SPAN);
        }
        let from = from.filter(|from| all.len() < MOST || all.contains_key(&Some(*from)));
        let span = all.entry(from).or_insert(Span { began: now, reports: 0 });
        if span.began.micros_until(now) >= SPAN {
            *span = Span { began: now, reports: 0 };
        }
        if span.reports >= if from.is_some() { FROM_ONE } else { FROM_UNKNOWN } {
            let wait = now.micros_until(span.began.plus_micros(SPAN));
            return Err(Duration::from_micros(wait.max(1).unsigned_abs()));
        }
        span.reports += 1;
        Ok(())
    }
}

impl Desk {
    /// Lets whoever comes from there report once more.
    ///
    /// # Errors
    /// `Slowed` where they have often.
    pub fn take_report(&self, from: Option<IpAddr>) -> Result<(), Error> {
        self.reports.count(from, self.now()).map_err(Error::Slowed)
    }

    /// Ends whatever has this text, for good. `by` says so, and where they saw it. Whether there is or was
    /// such a token or key.
    ///
    /// # Errors
    /// The facts could not be had or written; nothing is known then, and it is to be reported again.
    pub async fn found(&self, text: &[u8], by: Actor, place: Option<String>) -> Result<bool, Error> {
        let Some(presented) = self.read(text) else { return Ok(false) };
        self.meet(text, &presented).await?;
        let found = Found { by, place, at: self.now() };
        let mut hearing = Hearing::at(found.at);
        for _ in 0..ATTEMPTS {
            let mut rows = self.store.snapshot(&[presented.digest()]).await?;
            let change = match (rows.tokens.pop(), rows.services.pop()) {
                (Some(token), _) => {
                    let line = self.line(&token, found.at, &mut hearing).await?;
                    let account = self.store.account(&token.account).await?.ok_or(Error::Undetermined)?;
                    let managers = self.managers_to_tell(&account).await?;
                    lifecycle::found(token, line, &found, &managers)
                }
                (None, Some(service)) => lifecycle::found_key(service, &found),
                (None, None) => return Ok(false),
            };
            if change.writes.is_empty() || self.commit_alone(change).await? {
                return Ok(true);
            }
        }
        Err(Error::Conflict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reports_sixty_times_an_hour_and_the_unknown_together_ten_times_that() {
        let (reports, began) = (Reports::default(), Timestamp::EPOCH);
        let from = |last: u8| Some(IpAddr::from([203, 0, 113, last]));
        let taken = |from, now, tries: u32| (0..tries).filter(|_| reports.count(from, now).is_ok()).count();
        assert_eq!(taken(from(7), began, 100), 60);
        assert_eq!(taken(from(8), began, 100), 60);
        assert_eq!(taken(None, began, 1_000), 600);
        let later = began.plus_micros(SPAN - 1_000_000);
        assert_eq!(reports.count(from(7), later), Err(Duration::from_secs(1)));
        assert_eq!(taken(from(7), began.plus_micros(SPAN), 100), 60);
    }

    #[test]
    fn there_is_an_end_to_the_addresses_that_are_counted() {
        let reports = Reports::default();
        for n in 0..40_000_u32 {
            let _ = reports.count(Some(IpAddr::from(n.to_be_bytes())), Timestamp::EPOCH);
        }
        assert!(reports.0.lock().unwrap().len() <= MOST + 1);
        let next = Timestamp::EPOCH.plus_micros(SPAN);
        assert_eq!(reports.count(Some(IpAddr::from([1, 2, 3, 4])), next), Ok(()));
        assert_eq!(reports.0.lock().unwrap().len(), 1);
    }
}
