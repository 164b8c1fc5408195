//! Points in time and calendar periods, as rows, rules and JSON speak of them.
//!
//! No clock is read here, nor anywhere else in this crate: `now` comes in as an argument.

mod period;

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use jiff::civil::DateTime;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use period::{Period, PeriodError};

/// Microseconds since 1970-01-01T00:00:00Z, within the years 0 to 9999 that RFC 3339 can write.
///
/// As text it is RFC 3339 in UTC with six decimals and `Z`, so that text sorts as time does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The text is no RFC 3339 time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time; expected RFC 3339 with an offset, such as 2026-07-28T09:30:00Z")]
pub struct TimestampError(String);

/// Microseconds of a day in UTC, which has no leap seconds here.
pub const DAY: i64 = 24 * 3600 * 1_000_000;

const UNIX_EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

impl Timestamp {
    /// 0000-01-01T00:00:00Z.
    pub const MIN: Timestamp = Timestamp(-62_167_219_200_000_000);
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Timestamp = Timestamp(0);
    /// 9999-12-31T23:59:59.999999Z.
    pub const MAX: Timestamp = Timestamp(253_402_300_799_999_999);

    /// Values outside the years 0 to 9999 become [`Timestamp::MIN`] or [`Timestamp::MAX`].
    pub const fn from_micros(micros: i64) -> Timestamp {
        if micros < Timestamp::MIN.0 {
            Timestamp::MIN
        } else if micros > Timestamp::MAX.0 {
            Timestamp::MAX
        } else {
            Timestamp(micros)
        }
    }

    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Months first, the day clamped to the length of the month, then days, then the rest; in UTC.
    /// Stops at [`Timestamp::MAX`].
    pub fn plus(self, period: &Period) -> Timestamp {
        match period.fixed() {
            Some(micros) => self.plus_micros(micros),
            None => self.plus_by_calendar(period),
        }
    }

    fn plus_by_calendar(self, period: &Period) -> Timestamp {
        from_civil(self.civil().saturating_add(period.span()))
    }

    /// As [`Timestamp::plus`], backwards; stops at [`Timestamp::MIN`].
    pub fn minus(self, period: &Period) -> Timestamp {
        from_civil(self.civil().saturating_sub(period.span()))
    }

    /// `micros` may be negative. Stops at either end.
    pub const fn plus_micros(self, micros: i64) -> Timestamp {
        Timestamp::from_micros(self.0.saturating_add(micros))
    }

    /// One microsecond later.
    pub const fn next(self) -> Timestamp {
        self.plus_micros(1)
    }

    /// Negative when `other` lies before. It cannot overflow: both ends are within 10,000 years.
    pub const fn micros_until(self, other: Timestamp) -> i64 {
        other.0 - self.0
    }

    fn civil(self) -> DateTime {
        UNIX_EPOCH.saturating_add(SignedDuration::from_micros(self.0))
    }
}

/// Now, as far as it is known: the true time lies between the two. One instant where the clock is the
/// process's own; an interval where it is a database's, as of an answer that took a while.
///
/// Whoever decides takes the end at which a doubt opens nothing: what ends is over at `latest`, what
/// begins has begun at `earliest`. So every peer has stopped accepting a token when its time comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// By which expiry, states and grace are judged, and which stands for the time everywhere else.
    pub latest: Timestamp,
    /// By which `not_before` is judged.
    pub earliest: Timestamp,
}

impl From<Timestamp> for Moment {
    /// Known exactly.
    fn from(at: Timestamp) -> Self {
        Self { latest: at, earliest: at }
    }
}

fn from_civil(at: DateTime) -> Timestamp {
    let micros = at.duration_since(UNIX_EPOCH).as_micros();
    Timestamp::from_micros(i64::try_from(micros).unwrap_or(if micros < 0 { i64::MIN } else { i64::MAX }))
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.civil();
        // Digits into their places: each verdict shows two times.
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        let mut put = |first: usize, last: usize, mut number: i32| {
            for place in (first..=last).rev() {
                text[place] = b'0' + (number % 10) as u8;
                number /= 10;
            }
        };
        put(0, 3, at.year().into());
        put(5, 6, at.month().into());
        put(8, 9, at.day().into());
        put(11, 12, at.hour().into());
        put(14, 15, at.minute().into());
        put(17, 18, at.second().into());
        put(20, 25, at.subsec_nanosecond() / 1_000);
        f.write_str(std::str::from_utf8(&text).expect("digits between ASCII marks"))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    /// RFC 3339 section 5.6 with any offset. Digits below the microsecond are dropped; a leap second
    /// (`:60`) is read as the second before it, since UTC as computers count it has none.
    fn from_str(text: &str) -> Result<Timestamp, TimestampError> {
        parse_rfc3339(text).ok_or_else(|| TimestampError(shortened(text)))
    }
}

fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let number = |from: usize, digits: usize| -> Option<i16> {
        bytes
            .get(from..from + digits)?
            .iter()
            .try_fold(0i16, |sum, b| b.is_ascii_digit().then(|| sum * 10 + i16::from(b - b'0')))
    };
    let is = |at: usize, any_of: &[u8]| bytes.get(at).is_some_and(|b| any_of.contains(b));
    let separated = is(4, b"-") && is(7, b"-") && is(10, b"Tt ") && is(13, b":") && is(16, b":");
    if !separated || number(17, 2)? > 60 {
        return None;
    }

    let mut rest = 19;
    let mut micros = 0;
    if is(rest, b".") {
        let digits = bytes[rest + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        for place in 0..6 {
            let digit = if place < digits { bytes[rest + 1 + place] - b'0' } else { 0 };
            micros = micros * 10 + i32::from(digit);
        }
        rest += 1 + digits;
    }

    let offset_minutes = if is(rest, b"Zz") {
        rest += 1;
        0
    } else {
        let sign = if is(rest, b"+") {
            1
        } else if is(rest, b"-") {
            -1
        } else {
            return None;
        };
        let (hours, minutes) = (number(rest + 1, 2)?, number(rest + 4, 2)?);
        if !is(rest + 3, b":") || hours > 23 || minutes > 59 {
            return None;
        }
        rest += 6;
        sign * i64::from(hours * 60 + minutes)
    };
    if rest != bytes.len() {
        return None;
    }

    let small = |from| number(from, 2).map(|n| n as i8);
    let second = small(17)?.min(59);
    let civil =
        DateTime::new(number(0, 4)?, small(5)?, small(8)?, small(11)?, small(14)?, second, micros * 1_000)
            .ok()?;
    let utc = from_civil(civil).0 - offset_minutes * 60_000_000;
    (Timestamp::MIN.0..=Timestamp::MAX.0).contains(&utc).then_some(Timestamp(utc))
}

/// What an error quotes of a text that a stranger may have sent.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Both travel as text, in TOML as in JSON.
macro_rules! as_text {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

as_text!(Timestamp);
as_text!(Period);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn period(text: &str) -> Period {
        text.parse().unwrap()
    }

    #[rstest]
    #[case("2026-01-31T10:00:00Z", "1 month", "2026-02-28T10:00:00.000000Z")]
    #[case("2028-01-31T10:00:00Z", "1 month", "2028-02-29T10:00:00.000000Z")]
    #[case("2026-01-31T10:00:00Z", "2 months", "2026-03-31T10:00:00.000000Z")]
    #[case("2028-02-29T00:00:00Z", "1 year", "2029-02-28T00:00:00.000000Z")]
    #[case("2026-11-30T23:59:59.999999Z", "3 months", "2027-02-28T23:59:59.999999Z")]
    #[case("2026-10-03T12:00:00Z", "90d", "2027-01-01T12:00:00.000000Z")]
    #[case("2026-01-31T23:30:00Z", "1 month 1 day 1 hour", "2026-03-02T00:30:00.000000Z")]
    fn a_period_follows_the_calendar_and_clamps_the_day(
        #[case] from: &str,
        #[case] length: &str,
        #[case] to: &str,
    ) {
        assert_eq!(at(from).plus(&period(length)).to_string(), to);
    }

    #[test]
    fn a_period_back_clamps_the_day_too() {
        assert_eq!(at("2026-03-31T00:00:00Z").minus(&period("1 month")), at("2026-02-28T00:00:00Z"));
        assert_eq!(at("2026-01-01T00:00:00Z").minus(&period("90 days")), at("2025-10-03T00:00:00Z"));
    }

    #[test]
    fn arithmetic_stops_at_the_ends_of_time() {
        assert_eq!(Timestamp::MAX.plus(&period("9999 years")), Timestamp::MAX);
        assert_eq!(Timestamp::MIN.minus(&period("9999 years")), Timestamp::MIN);
        assert_eq!(Timestamp::EPOCH.minus(&period("1971 years")), Timestamp::MIN);
        assert_eq!(Timestamp::MAX.next(), Timestamp::MAX);
        assert_eq!(Timestamp::MAX.plus_micros(i64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::from_micros(i64::MIN), Timestamp::MIN);
        assert_eq!(Timestamp::MIN.to_string(), "0000-01-01T00:00:00.000000Z");
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999999Z");
    }

    #[rstest]
    #[case("2026-11-21T09:30:00+05:30", "2026-11-21T04:00:00.000000Z")]
    #[case("2026-11-21T23:30:00-01:00", "2026-11-22T00:30:00.000000Z")]
    #[case("2026-11-21t09:30:00.1z", "2026-11-21T09:30:00.100000Z")]
    #[case("2026-11-21 09:30:00.1234567891234Z", "2026-11-21T09:30:00.123456Z")]
    #[case("2026-11-21T09:30:00-00:00", "2026-11-21T09:30:00.000000Z")]
    #[case("1990-12-31T23:59:60Z", "1990-12-31T23:59:59.000000Z")] // RFC 3339, section 5.8
    #[case("1990-12-31T15:59:60-08:00", "1990-12-31T23:59:59.000000Z")]
    #[case("1937-01-01T12:00:27.87+00:20", "1937-01-01T11:40:27.870000Z")]
    fn rfc_3339_is_read_with_any_offset(#[case] text: &str, #[case] utc: &str) {
        assert_eq!(at(text).to_string(), utc);
    }

    #[rstest]
    #[case("")]
    #[case("2026-11-21")]
    #[case("2026-11-21T09:30Z")]
    #[case("2026-11-21T09:30:00")]
    #[case("2026-11-21T09:30:00.Z")]
    #[case("2026-11-21T09:30:61Z")]
    #[case("2026-11-21T24:00:00Z")]
    #[case("2026-02-29T00:00:00Z")]
    #[case("2026-13-01T00:00:00Z")]
    #[case("2026-11-21T09:30:00+24:00")]
    #[case("2026-11-21T09:30:00+0100")]
    #[case("2026-11-21T09:30:00Z[UTC]")]
    #[case("+2026-11-21T09:30:00Z")]
    #[case("0000-01-01T00:00:00+00:01")]
    #[case("2026-11-21T09:30:00é")]
    #[case("1763717400")]
    fn what_is_not_rfc_3339_is_refused_with_an_example(#[case] text: &str) {
        let refusal = text.parse::<Timestamp>().unwrap_err().to_string();
        assert!(refusal.contains("2026-07-28T09:30:00Z"), "{refusal}");
    }

    #[test]
    fn both_are_strings_in_json() {
        let json = serde_json::to_string(&(Timestamp::EPOCH, period("90d"))).unwrap();
        assert_eq!(json, r#"["1970-01-01T00:00:00.000000Z","90 days"]"#);
        assert_eq!(
            serde_json::from_str::<(Timestamp, Period)>(&json).unwrap(),
            (Timestamp::EPOCH, period("90d"))
        );
    }

    fn any_time() -> impl Strategy<Value = Timestamp> {
        (Timestamp::MIN.0..=Timestamp::MAX.0).prop_map(Timestamp::from_micros)
    }

    fn any_period() -> impl Strategy<Value = Period> {
        (0..=600u32, 0..=40_000u32, 0..=1_000_000_000_000u64).prop_map(|(months, days, micros)| {
            format!("{months} months {days} days {micros} us").parse().expect("well within the bounds")
        })
    }

    proptest! {
        #[test]
        fn a_time_survives_its_text(time in any_time()) {
            prop_assert_eq!(at(&time.to_string()), time);
        }

        #[test]
        fn text_sorts_as_time_does(a in any_time(), b in any_time()) {
            prop_assert_eq!(a.to_string().cmp(&b.to_string()), a.cmp(&b));
        }

        #[test]
        fn text_agrees_with_jiff(micros in -30_000_000_000_000_000i64..200_000_000_000_000_000) {
            let theirs = jiff::Timestamp::from_microsecond(micros).unwrap();
            prop_assert_eq!(Timestamp::from_micros(micros).to_string(), format!("{theirs:.6}"));
        }

        #[test]
        fn no_text_makes_the_parsers_panic(text in "\\PC{0,40}|[0-9TZtz:.+ -]{0,40}|([0-9]{0,20} ?[a-z]{0,8}){0,3}") {
            let _ = (text.parse::<Timestamp>(), text.parse::<Period>());
        }

        // Within a day they may: a month from 29 January at noon ends after one from 30 January.
        #[test]
        fn starts_a_day_later_never_end_earlier(a in any_time(), b in any_time(), length in any_period()) {
            let (first, last) = (a.min(b), a.max(b));
            prop_assert!(first.plus(&length) <= last.plus(&length).plus_micros(24 * 3_600 * 1_000_000));
            prop_assert!(first <= first.plus(&length));
            prop_assert!(first.minus(&length) <= first);
        }

        #[test]
        fn months_keep_the_day_or_take_the_months_last(time in any_time(), months in 1..600u32) {
            let end = time.plus(&Period::months(months));
            prop_assume!(end < Timestamp::MAX);
            let (from, to) = (time.civil(), end.civil());
            prop_assert_eq!(to.day(), from.day().min(to.days_in_month()));
            prop_assert_eq!(to.time(), from.time());
        }

        #[test]
        fn micros_until_undoes_plus_micros(a in any_time(), b in any_time()) {
            prop_assert_eq!(a.plus_micros(a.micros_until(b)), b);
        }
    }
}
