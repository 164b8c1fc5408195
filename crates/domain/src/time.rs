//! Points in time and calendar periods, as rows, rules and JSON speak of them.
//!
//! No clock is read here, nor anywhere else in this crate: `now` comes in as an argument.

use std::fmt;
use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::{SignedDuration, Span};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Microseconds since 1970-01-01T00:00:00Z, within the years 0 to 9999 that RFC 3339 can write.
///
/// As text it is RFC 3339 in UTC with six decimals and `Z`, so that text sorts as time does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A calendar period as people write it: `90 days`, `3 months`, `1 hour 30 minutes`, `1y`, `2w`.
///
/// Months and days are kept as such and follow the UTC calendar; 12 months are a year and 7 days a
/// week, but 30 days are not a month and 24 hours not a day. It is never negative.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Period {
    months: u32,
    days: u32,
    micros: u64,
}

/// The text is no RFC 3339 time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time; expected RFC 3339 with an offset, such as 2026-07-28T09:30:00Z")]
pub struct TimestampError(String);

/// The text is no period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    #[error(
        "`{0}` is not a period; expected whole numbers with units, such as `90 days`, `3 months` or `1h30m`"
    )]
    Malformed(String),
    #[error("`{0}` is negative; a period runs forward")]
    Negative(String),
    #[error("`{0}` is too long; a period is at most 9999 years")]
    TooLong(String),
}

const MICROS_PER_SECOND: u64 = 1_000_000;
const MICROS_PER_MINUTE: u64 = 60 * MICROS_PER_SECOND;
const MICROS_PER_HOUR: u64 = 60 * MICROS_PER_MINUTE;
const MAX_MONTHS: u32 = 9_999 * 12;
const MAX_DAYS: u32 = 9_999 * 366;
const MAX_MICROS: u64 = MAX_DAYS as u64 * 24 * MICROS_PER_HOUR;

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

fn from_civil(at: DateTime) -> Timestamp {
    let micros = at.duration_since(UNIX_EPOCH).as_micros();
    Timestamp::from_micros(i64::try_from(micros).unwrap_or(if micros < 0 { i64::MIN } else { i64::MAX }))
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.civil();
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
            at.year(),
            at.month(),
            at.day(),
            at.hour(),
            at.minute(),
            at.second(),
            at.subsec_nanosecond() / 1_000
        )
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
    let utc = from_civil(civil).0 - offset_minutes * MICROS_PER_MINUTE as i64;
    (Timestamp::MIN.0..=Timestamp::MAX.0).contains(&utc).then_some(Timestamp(utc))
}

/// What an error quotes of a text that a stranger may have sent.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl Period {
    pub const ZERO: Period = Period { months: 0, days: 0, micros: 0 };

    /// At most 9999 years, like every constructor here.
    pub const fn months(months: u32) -> Period {
        Period { months: if months > MAX_MONTHS { MAX_MONTHS } else { months }, ..Period::ZERO }
    }

    pub const fn days(days: u32) -> Period {
        Period { days: if days > MAX_DAYS { MAX_DAYS } else { days }, ..Period::ZERO }
    }

    pub const fn micros(micros: u64) -> Period {
        Period { micros: if micros > MAX_MICROS { MAX_MICROS } else { micros }, ..Period::ZERO }
    }

    pub const fn seconds(seconds: u64) -> Period {
        Period::micros(seconds.saturating_mul(MICROS_PER_SECOND))
    }

    pub const fn hours(hours: u64) -> Period {
        Period::micros(hours.saturating_mul(MICROS_PER_HOUR))
    }

    /// Text may say `0 days`; the rules that need a real period refuse it in their own words.
    pub const fn is_zero(&self) -> bool {
        self.months == 0 && self.days == 0 && self.micros == 0
    }

    /// Whether some day of the calendar makes this period end after `max`: `1 month` may exceed
    /// `30 days`, but never `31 days`.
    pub fn may_exceed(&self, max: &Period) -> bool {
        // Four years from here hold every length that a month or a year has.
        let start = Timestamp::from_micros(1_704_067_200_000_000);
        (0..1_461).any(|day| {
            let from = start.plus(&Period::days(day));
            from.plus(self) > from.plus(max)
        })
    }

    fn span(&self) -> Span {
        // The constructors and the parser keep each part within what a span holds.
        Span::new().months(i64::from(self.months)).days(i64::from(self.days)).microseconds(self.micros as i64)
    }
}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Period, PeriodError> {
        let malformed = || PeriodError::Malformed(shortened(text));
        let too_long = || PeriodError::TooLong(shortened(text));
        let mut rest = text.trim();
        if rest.starts_with(['-', '−']) {
            return Err(PeriodError::Negative(shortened(text)));
        }
        if rest.is_empty() {
            return Err(malformed());
        }
        let (mut months, mut days, mut micros) = (0u64, 0u64, 0u64);
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(malformed)?;
            if digits == 0 {
                return Err(malformed());
            }
            let count: u64 = rest[..digits].parse().map_err(|_| too_long())?;
            let after = rest[digits..].trim_start();
            let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
            let (sum, size) = match after[..letters].to_ascii_lowercase().as_str() {
                "y" | "yr" | "yrs" | "year" | "years" => (&mut months, 12),
                "mo" | "mon" | "month" | "months" => (&mut months, 1),
                "w" | "wk" | "wks" | "week" | "weeks" => (&mut days, 7),
                "d" | "day" | "days" => (&mut days, 1),
                "h" | "hr" | "hrs" | "hour" | "hours" => (&mut micros, MICROS_PER_HOUR),
                "m" | "min" | "mins" | "minute" | "minutes" => (&mut micros, MICROS_PER_MINUTE),
                "s" | "sec" | "secs" | "second" | "seconds" => (&mut micros, MICROS_PER_SECOND),
                "ms" | "millisecond" | "milliseconds" => (&mut micros, 1_000),
                "us" | "microsecond" | "microseconds" => (&mut micros, 1),
                _ => return Err(malformed()),
            };
            *sum = count.checked_mul(size).and_then(|n| sum.checked_add(n)).ok_or_else(too_long)?;
            rest = after[letters..].trim_start();
        }
        if months > u64::from(MAX_MONTHS) || days > u64::from(MAX_DAYS) || micros > MAX_MICROS {
            return Err(too_long());
        }
        Ok(Period { months: months as u32, days: days as u32, micros })
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut micros = self.micros;
        let mut take = |unit: u64| {
            let count = micros / unit;
            micros %= unit;
            count
        };
        let parts = [
            (u64::from(self.months / 12), "year"),
            (u64::from(self.months % 12), "month"),
            (u64::from(self.days), "day"),
            (take(MICROS_PER_HOUR), "hour"),
            (take(MICROS_PER_MINUTE), "minute"),
            (take(MICROS_PER_SECOND), "second"),
            (take(1_000), "millisecond"),
            (take(1), "microsecond"),
        ];
        if self.is_zero() {
            return f.write_str("0 days");
        }
        let mut space = "";
        for (count, unit) in parts.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, "{space}{count} {unit}{}", if count == 1 { "" } else { "s" })?;
            space = " ";
        }
        Ok(())
    }
}

impl fmt::Debug for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
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
