//! A moment as somebody at the keyboard names it: a time, a day, or a period from now. What the server is sent
//! is always a time.

use domain::time::{Period, Timestamp};

use crate::exit::Failure;
use crate::wiring;

/// One of what was: a period counts back from now. `flag` is where it was given.
///
/// # Errors
/// Usage, when it is none.
pub(super) fn passed(flag: &str, text: Option<&str>) -> Result<Option<String>, Failure> {
    named(flag, text, "before now", |now, period| now.minus(period))
}

/// One of what is to come: a period counts on from now.
///
/// # Errors
/// Usage, when it is none.
pub(super) fn to_come(flag: &str, text: Option<&str>) -> Result<Option<String>, Failure> {
    named(flag, text, "from now", |now, period| now.plus(period))
}

fn named(
    flag: &str,
    text: Option<&str>,
    way: &str,
    gone: impl Fn(Timestamp, &Period) -> Timestamp,
) -> Result<Option<String>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let now = Timestamp::from_micros(wiring::clock().wall());
    let at = (text.parse::<Timestamp>().ok())
        .or_else(|| format!("{text}T00:00:00Z").parse().ok())
        .or_else(|| text.parse::<Period>().ok().map(|period| gone(now, &period)));
    let at = at.ok_or_else(|| {
        Failure::usage(format!(
            "{flag} takes a time such as 2026-07-28T09:30:00Z, a day such as 2026-07-28, or a period {way} such as '2 hours'"
        ))
    })?;
    Ok(Some(at.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_a_day_or_a_period_from_now() {
        let at = |text| passed("--since", Some(text)).unwrap_or_else(|wrong| panic!("{wrong}")).unwrap();
        assert_eq!(at("2026-07-28T09:30:00Z"), "2026-07-28T09:30:00.000000Z");
        assert_eq!(at("2026-07-28"), "2026-07-28T00:00:00.000000Z");
        let now = Timestamp::from_micros(wiring::clock().wall()).to_string();
        let ahead = to_come("--expires-before", Some("7 days")).ok().flatten().unwrap();
        assert!(at("7 days") < now && now < ahead, "{now}, {ahead}");
        let wrong = to_come("--expires-before", Some("soon")).unwrap_err().to_string();
        assert!(wrong.starts_with("--expires-before takes a time") && wrong.contains("from now"), "{wrong}");
    }
}
