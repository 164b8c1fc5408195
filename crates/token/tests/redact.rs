//! Finding tokens inside longer texts: the scanner's pattern and the redaction.

mod common;

use std::borrow::Cow;

use common::Seeded;
use proptest::prelude::*;
use regex::Regex;
use token::{Brand, Kind, TokenText, pattern, redact};

fn any_token() -> impl Strategy<Value = TokenText> {
    let brand = "[a-z][a-z0-9]{1,4}".prop_map(|text| text.parse().expect("the expression is a brand's"));
    (brand, prop::sample::select(Kind::ALL.to_vec()), any::<u64>())
        .prop_map(|(brand, kind, seed)| TokenText::issue(brand, kind, &Seeded::new(seed)))
}

fn secret(token: &TokenText) -> &str {
    &token.expose()[token.expose().len() - 32..]
}

fn brand_of(token: &TokenText) -> Brand {
    token.expose().split('_').next().unwrap().parse().unwrap()
}

#[test]
fn the_pattern_is_the_published_one() {
    assert_eq!(
        pattern(Brand::default()),
        r"\bjtn_(pat|sat|ses|rft|svc)_[0-9a-hjkmnp-tv-z]{12}_[0-9A-Za-z]{32}\b"
    );
}

proptest! {
    #[test]
    fn the_pattern_finds_every_token_in_a_line(
        token in any_token(),
        before in "([^\\n]*[^\\w\\n])?",
        after in "([^\\w\\n][^\\n]*)?",
    ) {
        let scanner = Regex::new(&pattern(brand_of(&token))).unwrap();
        let line = format!("{before}{}{after}", token.expose());
        prop_assert!(scanner.find_iter(&line).any(|found| found.as_str() == token.expose()));
    }

    #[test]
    fn the_pattern_does_not_find_a_redacted_token(token in any_token()) {
        let scanner = Regex::new(&pattern(brand_of(&token))).unwrap();
        prop_assert!(!scanner.is_match(&token.redacted()));
    }

    #[test]
    fn a_token_in_a_line_is_shown_as_its_redaction(
        tokens in prop::collection::vec(any_token(), 1..4),
        before in "([^\\n_]*[^\\w\\n])?",
        between in "[^\\w]",
        after in "([^\\w\\n][^\\n_]*)?",
    ) {
        let join = |of: fn(&TokenText) -> String| {
            let shown: Vec<String> = tokens.iter().map(of).collect();
            format!("{before}{}{after}", shown.join(&between))
        };
        let line = join(|token| token.expose().to_owned());
        prop_assert_eq!(redact(&line), join(TokenText::redacted));
    }

    // Whatever stands around it, glued to it too, nothing of the secret is left. The secret of
    // the test is of a letter that the surroundings do not have.
    #[test]
    fn no_character_of_a_secret_is_left(
        brand in "[a-z][a-z0-9]{1,4}",
        kind in prop::sample::select(Kind::ALL.to_vec()),
        code in "[0-9a-hjkmnp-tv-z]{12}",
        length in 1..40usize,
        before in "[^Z]*",
        after in "[^Z]*",
    ) {
        let line = format!("{before}{brand}_{kind}_{code}_{}{after}", "Z".repeat(length));
        let shown = redact(&line);
        prop_assert!(!shown.contains('Z'), "{line} -> {shown}");
    }

    #[test]
    fn a_token_with_a_misspelt_id_is_hidden_too(token in any_token(), place in 0..12usize, new in "[A-Z_ilou]") {
        let mut line = token.expose().to_owned();
        let at = line.len() - 45 + place;
        line.replace_range(at..at + 1, &new);
        let shown = redact(&line).into_owned();
        prop_assert!(!shown.contains(secret(&token)), "{line} -> {shown}");
        prop_assert!(shown.ends_with('…'));
    }

    #[test]
    fn redacting_twice_changes_nothing(text in "([ a-z0-9]{0,3}_(pat|ses)_[0-9a-z]{0,13}_?[0-9A-Za-z_]{0,40}.?){0,4}") {
        let once = redact(&text);
        prop_assert_eq!(redact(&once), once.clone());
    }

    #[test]
    fn any_text_can_be_redacted(text in ".*") {
        let shown = redact(&text);
        prop_assert!(shown.len() <= text.len() || shown.contains('…'));
    }
}

#[test]
fn where_there_is_nothing_to_hide_nothing_is_copied() {
    for text in [
        "",
        "a plain line",
        "_pat_",
        "revoked token pat_0123456789ab",
        "jtn_pat_0123456789ab",
        "jtn_pat_0123456789ab_",
        "jtn_pat_0123456789ab_…",
        "aws_ses_configuration_set_name_of_the_default_region",
        "naïve – ünïcödé_pat_",
    ] {
        assert!(matches!(redact(text), Cow::Borrowed(same) if same == text), "{text}");
    }
}

#[test]
fn overlapping_tokens_are_all_hidden() {
    let token = TokenText::issue(Brand::default(), Kind::Pat, &Seeded::new(1));
    let text = token.expose();
    for line in [
        format!("{text}{text}"),
        format!("{text}_{text}"),
        format!("jtn_pat_0123456789ab_{text}"),
        format!("jtn_pat_{text}"),
        format!("x_ses_{text}"),
        format!("http://127.0.0.1/?token={text}&again={text}"),
        format!("\"{text}\""),
        format!("é{text}é"),
        format!("…{text}…"),
    ] {
        let shown = redact(&line);
        assert!(!shown.contains(secret(&token)), "{shown}");
    }
}

#[test]
fn what_is_nearly_a_token_is_hidden_as_well() {
    let secret = "Z".repeat(32);
    for (line, shown) in [
        (format!("jtn_pat_{secret}"), "jtn_pat_…"),
        (format!("jtn_pat_0123456789aL_{secret}"), "jtn_pat_…"),
        (format!("jtn_pat_0123456789ab_{}", &secret[..3]), "jtn_pat_0123456789ab_…"),
        (format!("jtn_pat_0123456789ab_{secret}{secret}"), "jtn_pat_0123456789ab_…"),
        (format!("/_pat_0123456789ab_{secret} x"), "/_pat_0123456789ab_… x"),
        (format!("{0}_pat_{secret}", "a".repeat(26)), "aaaaaaaaaaaaaaaaaaaaaaaaaa_pat_…"),
    ] {
        assert_eq!(redact(&line), shown);
    }
    // What stands before the kind is no secret of it.
    let line = format!("{}_pat_name", "a".repeat(26));
    assert_eq!(redact(&line), line);
}

// A line of nothing but kinds made every `_pat_` read to the end of the line, once.
#[test]
fn a_line_made_to_be_slow_is_not() {
    let line = "_pat".repeat(1 << 20);
    assert_eq!(redact(&line), line);
    let line = format!("{line}_0123456789ab_{}", "Z".repeat(32));
    assert!(!redact(&line).contains('Z'));
}
