//! How a token was used, as a page shows it: a chart of days, and in a sentence what would break.

use domain::time::{DAY, Timestamp};
use domain::usage::{By, OTHER};
use service::tokens::Used;

use crate::console::tongue::Tongue;
use crate::console::when;

/// Days that a chart shows, today the last of them.
pub(super) const DAYS: i32 = 90;

/// Of the chart, in its own units.
const WIDTH: f64 = 10.0;
pub(super) const HEIGHT: f64 = 96.0;

/// One bar: what was let in, and above it what was refused.
pub(super) struct Day {
    pub(super) label: String,
    pub(super) date: String,
    pub(super) admitted: String,
    pub(super) refused: String,
    /// Something happened.
    pub(super) any: bool,
    pub(super) x: f64,
    pub(super) good_y: f64,
    pub(super) good_height: f64,
    pub(super) bad_y: f64,
    pub(super) bad_height: f64,
}

/// A bar a day, the oldest first.
pub(super) fn days(tongue: Tongue, used: &Used, now: Timestamp) -> Vec<Day> {
    let today = domain::usage::day(now);
    let counted: Vec<(i32, u64, u64)> = (today - DAYS + 1..=today)
        .map(|day| {
            let of_day = used.report.counts.iter().filter(|count| count.day == day && count.by == By::All);
            of_day.fold((day, 0, 0), |(day, good, bad), count| {
                (day, good + count.admitted, bad + count.refused)
            })
        })
        .collect();
    let most = counted.iter().map(|(_, good, bad)| good + bad).max().unwrap_or_default().max(1);
    // What happened at all is seen, however little it was.
    let tall = |count: u64| match count {
        0 => 0.0,
        count => (count as f64 / most as f64 * (HEIGHT - 6.0)).max(2.0).round(),
    };
    let day = |(place, (day, good, bad)): (usize, (i32, u64, u64))| {
        let midnight = Timestamp::from_micros(i64::from(day) * DAY);
        let date = when::day(tongue, midnight);
        let (admitted, refused) = (number(good), number(bad));
        let (good_height, bad_height) = (tall(good), tall(bad));
        let name = if bad > 0 { "chart-day-refused" } else { "chart-day" };
        let about = [
            ("day", date.as_str().into()),
            ("count", admitted.as_str().into()),
            ("refused", refused.as_str().into()),
        ];
        Day {
            label: tongue.say_of(name, &about).into_owned(),
            any: good + bad > 0,
            x: place as f64 * WIDTH,
            good_y: HEIGHT - good_height,
            bad_y: HEIGHT - good_height - bad_height,
            date,
            admitted,
            refused,
            good_height,
            bad_height,
        }
    };
    counted.into_iter().enumerate().map(day).collect()
}

/// The calls of the last days, those admitted and those refused.
pub(super) fn sums(used: &Used) -> (u64, u64) {
    let all = used.report.counts.iter().filter(|count| count.by == By::All);
    all.fold((0, 0), |(good, bad), count| (good + count.admitted, bad + count.refused))
}

/// What would break: calls in the last 30 days, from how many addresses, the latest and by whom.
pub(super) fn consequence(tongue: Tongue, used: &Used, now: Timestamp) -> String {
    const MONTH: i32 = 30;
    let since = domain::usage::day(now) - MONTH;
    let recent = || used.report.counts.iter().filter(|count| count.day > since && count.admitted > 0);
    let calls: u64 = recent().filter(|count| count.by == By::All).map(|count| count.admitted).sum();
    if calls == 0 {
        return tongue.say("break-nothing").into_owned();
    }
    let mut addresses: Vec<&str> = recent()
        .filter_map(|count| match &count.by {
            By::Address(address) => Some(address.as_str()),
            _ => None,
        })
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    let latest = recent()
        .filter_map(|count| match &count.by {
            By::Service(service) if service != OTHER => Some((count.day, count.admitted, service)),
            _ => None,
        })
        .max();
    let calls_text = number(calls);
    // A service need not tell from where it was called.
    let name = if addresses.is_empty() { "break-calls" } else { "break-calls-from" };
    let mut said = tongue
        .say_of(
            name,
            &[
                ("count", i64::try_from(calls).unwrap_or(i64::MAX).into()),
                ("calls", calls_text.as_str().into()),
                ("addresses", addresses.len().into()),
            ],
        )
        .into_owned();
    if let Some(at) = used.report.last.at {
        let ago = when::relative(tongue, at, now);
        let by = latest.map(|(_, _, id)| used.services.get(id).unwrap_or(id).as_str());
        let name = if by.is_some() { "break-latest-by" } else { "break-latest" };
        let about = [("when", (&*ago).into()), ("service", by.unwrap_or_default().into())];
        said.push(' ');
        said.push_str(&tongue.say_of(name, &about));
    }
    said
}

/// With thin spaces between its thousands.
pub(crate) fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(number(7), "7");
        assert_eq!(number(1_204), "1\u{202f}204");
        assert_eq!(number(1_234_567), "1\u{202f}234\u{202f}567");
    }
}
