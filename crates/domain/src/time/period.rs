//! Calendar periods, as people write them.

use std::fmt;
use std::str::FromStr;

use jiff::Span;

use super::{Timestamp, shortened};

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
        // Four years have every month and a leap day; the one that 2100 leaves out is too far to matter.
        let start = Timestamp::from_micros(1_704_067_200_000_000);
        (0..1_461).any(|day| {
            let from = start.plus(&Period::days(day));
            from.plus(self) > from.plus(max)
        })
    }

    /// Microseconds, where the calendar does not matter: in UTC a day has 24 hours, but months
    /// differ.
    pub(super) const fn fixed(&self) -> Option<i64> {
        if self.months > 0 {
            return None;
        }
        // 9999 years twice over are far within 64 bits.
        Some((self.days as u64 * 24 * MICROS_PER_HOUR + self.micros) as i64)
    }

    pub(super) fn span(&self) -> Span {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn period(text: &str) -> Period {
        text.parse().unwrap()
    }

    #[rstest]
    #[case("90d", "90 days")]
    #[case("90 days", "90 days")]
    #[case("1 day", "1 day")]
    #[case("2 weeks", "14 days")]
    #[case("3 months", "3 months")]
    #[case("1y", "1 year")]
    #[case("12 months", "1 year")]
    #[case("15mo", "1 year 3 months")]
    #[case("24 hours", "24 hours")]
    #[case("1h30m", "1 hour 30 minutes")]
    #[case(" 90 Minutes ", "1 hour 30 minutes")]
    #[case("1 day 1 day", "2 days")]
    #[case("0s", "0 days")]
    fn a_period_is_read_as_people_write_it(#[case] text: &str, #[case] canonical: &str) {
        assert_eq!(period(text).to_string(), canonical);
        assert_eq!(period(canonical), period(text));
        assert_eq!(period(text).is_zero(), canonical == "0 days");
    }

    #[test]
    fn a_bad_period_is_refused_with_what_to_do() {
        let refusal = |text: &str| text.parse::<Period>().unwrap_err();
        for text in ["", "90", "days", "1.5 hours", "d90", "90 dayz", "1 hour and", "٣ days", "+3 days"] {
            assert!(matches!(refusal(text), PeriodError::Malformed(_)), "{text}");
        }
        for text in ["-1 day", "−1 day", "-90d"] {
            assert!(matches!(refusal(text), PeriodError::Negative(_)), "{text}");
        }
        for text in ["10000 years", "99999999999999999999 s", "18446744073709551615w"] {
            assert!(matches!(refusal(text), PeriodError::TooLong(_)), "{text}");
        }
        assert!(refusal(&"9".repeat(1_000)).to_string().len() < 200);
    }

    #[test]
    fn days_and_months_compare_in_the_worst_case() {
        assert!(period("1 month").may_exceed(&period("30 days")));
        assert!(!period("1 month").may_exceed(&period("31 days")));
        assert!(period("30 days").may_exceed(&period("1 month")));
        assert!(!period("28 days").may_exceed(&period("1 month")));
        assert!(period("1 year").may_exceed(&period("365 days")));
        assert!(!period("1 year").may_exceed(&period("366 days")));
        assert!(!period("1 day").may_exceed(&period("24 hours")));
    }

    fn any_period() -> impl Strategy<Value = Period> {
        let part = (0..=600u32, 0..=40_000u32, 0..=MAX_MICROS / 100_000);
        part.prop_map(|(months, days, micros)| Period { months, days, micros })
    }

    proptest! {
        #[test]
        fn a_period_survives_its_text(length in any_period()) {
            prop_assert_eq!(period(&length.to_string()), length);
        }

        #[test]
        fn without_months_the_calendar_and_plain_addition_agree(
            start in -62_167_219_200_000_000_i64..253_402_300_799_999_999,
            days in 0_u32..1_000_000,
            micros in 0_u64..10_000_000_000_000,
        ) {
            let length = Period { months: 0, days, micros };
            let start = Timestamp::from_micros(start);
            let by_calendar = start.plus_by_calendar(&length);
            prop_assert_eq!(start.plus(&length), by_calendar);
        }
    }
}
