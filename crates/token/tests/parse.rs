//! What is refused at the door, and why.

mod common;

use common::Seeded;
use proptest::prelude::*;
use token::{Brand, Digest, Kind, Malformed, Parser, Presented, TokenText};

fn ours_only() -> Parser {
    Parser::new([Brand::default()], false)
}

fn foreign_too() -> Parser {
    Parser::new([Brand::default()], true)
}

fn issued(seed: u64) -> TokenText {
    TokenText::issue(Brand::default(), Kind::Pat, &Seeded::new(seed))
}

/// Characters from elsewhere that look like some of ours, some twice as wide, and controls.
const LOOK_ALIKES: [char; 16] =
    ['а', 'е', 'о', 'р', 'с', 'ο', 'ѕ', 'ј', 'ｊ', 'ａ', '０', '＿', '\u{ad}', '\u{200b}', '\u{feff}', '𝟎'];

/// Every text that differs from `text` in one place only.
fn one_character_changed(text: &str) -> impl Iterator<Item = Vec<u8>> {
    let ascii = (0u8..=127).map(|byte| vec![byte]);
    let bare = (128u8..=255).map(|byte| vec![byte]);
    let wide = LOOK_ALIKES.map(|letter| letter.to_string().into_bytes());
    let replacements: Vec<Vec<u8>> = ascii.chain(bare).chain(wide).collect();
    (0..text.len()).flat_map(move |place| {
        let (before, rest) = text.as_bytes().split_at(place);
        let replacements: Vec<_> = replacements.iter().filter(|new| ***new != rest[..1]).cloned().collect();
        replacements.into_iter().map(move |new| [before, &new, &rest[1..]].concat())
    })
}

#[test]
fn every_change_of_one_character_is_refused() {
    let token = issued(1);
    let mut tried = 0;
    for changed in one_character_changed(token.expose()) {
        assert!(ours_only().parse(&changed).is_err(), "{}", changed.escape_ascii());
        tried += 1;
    }
    assert_eq!(tried, 53 * (255 + LOOK_ALIKES.len()));
}

#[test]
fn with_foreign_tokens_a_mistyped_token_of_ours_never_becomes_another_of_ours() {
    let token = issued(1);
    for changed in one_character_changed(token.expose()) {
        match foreign_too().parse(&changed) {
            Err(_) => {}
            // Its head changed so that it is no longer of our brand: looked up by its own digest.
            Ok(presented) => {
                assert_eq!(presented, Presented::Foreign { digest: Digest::of(&changed) });
                assert!(changed[..8] != token.expose().as_bytes()[..8]);
            }
        }
    }
}

proptest! {
    #[test]
    fn a_changed_character_is_refused(seed: u64, place in 0..53usize, new: u8) {
        let token = issued(seed);
        let mut changed = token.expose().as_bytes().to_vec();
        prop_assume!(changed[place] != new);
        changed[place] = new;
        prop_assert!(ours_only().parse(&changed).is_err());
    }

    #[test]
    fn two_characters_exchanged_are_refused(seed: u64, place in 0..52usize) {
        let token = issued(seed);
        let mut changed = token.expose().as_bytes().to_vec();
        prop_assume!(changed[place] != changed[place + 1]);
        changed.swap(place, place + 1);
        prop_assert!(ours_only().parse(&changed).is_err());
    }

    #[test]
    fn a_token_cut_off_or_run_on_is_refused(seed: u64, length in 0..53usize, more in prop::collection::vec(any::<u8>(), 1..300)) {
        let token = issued(seed);
        let text = token.expose().as_bytes();
        prop_assert!(ours_only().parse(&text[..length]).is_err());
        for parser in [ours_only(), foreign_too()] {
            prop_assert_eq!(parser.parse(&[text, &more].concat()), Err(Malformed::Length));
        }
    }

    #[test]
    fn any_bytes_have_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = ours_only().parse(&bytes);
        let _ = foreign_too().parse(&bytes);
    }

    #[test]
    fn any_bytes_under_our_head_have_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let text = [b"jtn_pat_", &bytes[..]].concat();
        prop_assert!(ours_only().parse(&text).is_err());
        prop_assert!(foreign_too().parse(&text).is_err());
    }

    #[test]
    fn any_text_has_an_answer(text in ".*") {
        let _ = foreign_too().parse(text.as_bytes());
        let _ = TokenText::parse(&text);
    }
}

#[test]
fn each_cause_has_its_name() {
    let token = issued(1);
    let good = token.expose();
    let cases: [(&str, Malformed); 8] = [
        ("", Malformed::Foreign),
        ("hello", Malformed::Foreign),
        ("xyz_pat_", Malformed::Foreign),
        ("jtn_pat_", Malformed::Length),
        (&good[..52], Malformed::Length),
        (&good.replace('_', "-"), Malformed::Foreign),
        (&format!("{}!", &good[..52]), Malformed::Shape),
        (&format!("jtn_sat_{}", &good[8..]), Malformed::Checksum),
    ];
    for (text, cause) in cases {
        assert_eq!(ours_only().parse(text.as_bytes()), Err(cause), "{text}");
    }
}

/// Completes a text with the checksum it should have, as anybody can.
fn with_checksum(body: &str) -> String {
    let digits = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest = crc32fast::hash(body.as_bytes()) as usize;
    let mut crc = [0; 6];
    for digit in crc.iter_mut().rev() {
        *digit = digits[rest % 62];
        rest /= 62;
    }
    format!("{body}{}", String::from_utf8_lossy(&crc))
}

#[test]
fn a_right_checksum_does_not_excuse_a_wrong_shape() {
    let secret = "EXAMPLEexampleEXAMPLEexamp";
    let good = with_checksum(&format!("jtn_pat_0123456789ab_{secret}"));
    assert!(ours_only().parse(good.as_bytes()).is_ok());
    for (body, cause) in [
        (format!("jtn_pat_000000000000_{secret}"), Malformed::Shape),
        (format!("jtn_pat_0123456789aB_{secret}"), Malformed::Shape),
        (format!("jtn_pat_0123456789al_{secret}"), Malformed::Shape),
        (format!("jtn_pat_0123456789ab-{secret}"), Malformed::Shape),
        (format!("jtn_pat_0123456789abX{secret}"), Malformed::Shape),
        (format!("jtn_pat_0123456789ab_-{}", &secret[1..]), Malformed::Shape),
        (format!("jtn_pat_0123456789ab_{}_", &secret[1..]), Malformed::Shape),
        (format!("jtn_pat_0123456789ab_{}", &secret[1..]), Malformed::Length),
        (format!("jtn_pat_0123456789ab_X{secret}"), Malformed::Length),
        (format!("jtn_pat-0123456789ab_{secret}"), Malformed::Foreign),
        (format!("jtn-pat_0123456789ab_{secret}"), Malformed::Foreign),
        (format!("jtn_tok_0123456789ab_{secret}"), Malformed::Foreign),
        (format!("JTN_pat_0123456789ab_{secret}"), Malformed::Foreign),
    ] {
        let text = with_checksum(&body);
        assert_eq!(ours_only().parse(text.as_bytes()), Err(cause), "{text}");
        assert!(TokenText::parse(&text).is_err(), "{text}");
    }
}

#[test]
fn a_refusal_never_repeats_the_text() {
    let token = issued(1);
    for changed in one_character_changed(token.expose()) {
        let refusal = ours_only().parse(&changed).unwrap_err();
        for shown in [refusal.to_string(), format!("{refusal:?}")] {
            let letters = String::from_utf8_lossy(&changed);
            assert!(
                !letters.as_bytes().windows(6).any(|part| shown.as_bytes().windows(6).any(|s| s == part))
            );
        }
    }
}

#[test]
fn a_whole_token_of_any_brand_is_ours_and_a_mistyped_one_is_not() {
    let brand = "qov".parse().unwrap();
    let token = TokenText::issue(brand, Kind::Pat, &Seeded::new(1));
    let text = token.expose().as_bytes();
    for parser in [ours_only(), foreign_too()] {
        assert_eq!(parser.parse(text).unwrap().id(), Some(token.id()));
    }
    let mistyped = [&text[..52], b"!"].concat();
    assert_eq!(ours_only().parse(&mistyped), Err(Malformed::Foreign));
    // Nobody here can say whether its checksum should hold.
    assert!(matches!(foreign_too().parse(&mistyped), Ok(Presented::Foreign { .. })));
}

#[test]
fn a_brand_that_begins_another_is_not_taken_for_it() {
    let short: Brand = "jt".parse().unwrap();
    let token = issued(1);
    let parser = Parser::new([short, Brand::default()], false);
    assert_eq!(parser.parse(token.expose().as_bytes()).unwrap().id(), Some(token.id()));
    let parser = Parser::new([short], false);
    assert_eq!(parser.parse(token.expose().as_bytes()).unwrap().id(), Some(token.id()));
}

#[test]
fn foreign_text_has_16_to_255_printable_ascii_characters() {
    let foreign = |text: &[u8]| foreign_too().parse(text);
    for length in [16, 17, 64, 255] {
        let text = vec![b'x'; length];
        assert_eq!(foreign(&text), Ok(Presented::Foreign { digest: Digest::of(&text) }));
    }
    for length in [0, 1, 15, 256, 257, 1 << 20] {
        assert_eq!(foreign(&vec![b'x'; length]), Err(Malformed::Length));
    }
    for byte in 0..=255u8 {
        let text = [b"0123456789abcdef", &[byte][..]].concat();
        let printable = byte == b' ' || byte.is_ascii_graphic();
        assert_eq!(foreign(&text).is_ok(), printable, "{byte}");
    }
    for letter in LOOK_ALIKES {
        assert_eq!(foreign(format!("0123456789abcdef{letter}").as_bytes()), Err(Malformed::Shape));
    }
}

#[test]
fn text_of_our_own_brand_never_passes_as_foreign() {
    for kind in Kind::ALL {
        let made_up = format!("jtn_{kind}_some-older-system's-token");
        assert!(foreign_too().parse(made_up.as_bytes()).is_err());
    }
}
