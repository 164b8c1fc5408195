//! Times in words: "3 minutes ago", "in 6 days", "21 Nov 2026". In UTC, which the page says; a script
//! puts them into the reader's zone.

use std::borrow::Cow;

use domain::time::{DAY, Timestamp};

use super::tongue::Tongue;

const MINUTE: i64 = 60 * 1_000_000;
const HOUR: i64 = 60 * MINUTE;

/// How far from now, in the coarsest unit that says something.
pub(crate) fn relative(tongue: Tongue, at: Timestamp, now: Timestamp) -> Cow<'static, str> {
    let distance = at.as_micros() - now.as_micros();
    let (unit, count) = match distance.abs() {
        0..MINUTE => return tongue.say(if distance <= 0 { "ago-moments" } else { "in-moments" }),
        span @ MINUTE..HOUR => ("minutes", span / MINUTE),
        span @ HOUR..DAY => ("hours", span / HOUR),
        span => ("days", span / DAY),
    };
    let name = format!("{}-{unit}", if distance < 0 { "ago" } else { "in" });
    tongue.say_of(&name, &[("count", count.into())])
}

/// The day, such as "21 Nov 2026".
pub(crate) fn day(tongue: Tongue, at: Timestamp) -> String {
    let text = at.to_string();
    // RFC 3339, always in UTC and with four digits of the year: `2026-11-21T…`.
    let mut parts = text.split(['-', 'T']);
    let (year, month, day) = (parts.next(), parts.next(), parts.next());
    let month = tongue.say(&format!("month-{}", month.unwrap_or("01")));
    tongue
        .say_of(
            "date",
            &[
                ("day", day.unwrap_or("").trim_start_matches('0').into()),
                ("month", (&*month).into()),
                ("year", year.unwrap_or("").into()),
            ],
        )
        .into_owned()
}

/// The day and the minute, with the zone.
pub(crate) fn moment(tongue: Tongue, at: Timestamp) -> String {
    let text = at.to_string();
    let time = text.split('T').nth(1).and_then(|time| time.get(..5)).unwrap_or("");
    format!("{}, {time} UTC", day(tongue, at))
}

#[cfg(test)]
mod tests {
    use super::{day, moment, relative};
    use crate::console::look::Look;
    use crate::console::tongue::Tongue;

    #[test]
    fn times_are_said_in_the_coarsest_unit() {
        let tongue = Tongue::of(&Look::default(), &axum::http::HeaderMap::new());
        let now: domain::time::Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        for (at, expected) in [
            ("2026-11-21T11:59:30Z", "a moment ago"),
            ("2026-11-21T11:57:00Z", "3 minutes ago"),
            ("2026-11-21T11:58:30Z", "1 minute ago"),
            ("2026-11-21T01:00:00Z", "11 hours ago"),
            ("2026-11-27T12:00:00Z", "in 6 days"),
            ("2026-11-22T12:00:00Z", "in 1 day"),
        ] {
            assert_eq!(relative(tongue, at.parse().unwrap(), now), expected);
        }
        assert_eq!(day(tongue, now), "21 Nov 2026");
        assert_eq!(moment(tongue, "2026-01-05T07:08:09Z".parse().unwrap()), "5 Jan 2026, 07:08 UTC");
    }
}
