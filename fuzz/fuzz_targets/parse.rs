//! Any bytes at the door: the parser answers, what it takes for ours is whole, and nothing that
//! it would take for ours survives a redaction.

#![no_main]

use std::hint::black_box;

use libfuzzer_sys::fuzz_target;
use token::{Brand, Digest, Malformed, Parser, Presented, TokenText, redact};

fuzz_target!(|bytes: &[u8]| {
    parse(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        read_back(text);
        hide(text);
    }
});

fn brands() -> [Brand; 2] {
    [Brand::default(), "q9".parse().expect("a letter and a digit make a brand")]
}

fn parse(bytes: &[u8]) {
    let ours_only = Parser::new(brands(), false).parse(bytes);
    let foreign_too = Parser::new(brands(), true).parse(bytes);
    match ours_only {
        Ok(Presented::Ours { id, digest }) => {
            let text = std::str::from_utf8(bytes).expect("a token is ASCII");
            let (brand, rest) = text.split_once('_').expect("a token has a brand");
            // A whole token of any brand is ours; those of our own must be whole.
            assert!(brand.parse::<Brand>().is_ok());
            assert!(rest.starts_with(&format!("{id}_")));
            assert_eq!(id.to_string().parse(), Ok(id));
            assert_eq!(text.len(), brand.len() + 50);
            assert_eq!(digest, Digest::of(bytes));
            // It must not depend on the setting for others whether a token is ours.
            assert_eq!(foreign_too, ours_only);
        }
        Ok(Presented::Foreign { .. }) => panic!("foreign tokens were not asked for"),
        Err(Malformed::Foreign) => match foreign_too {
            Ok(Presented::Foreign { digest }) => {
                assert!(Parser::FOREIGN.contains(&bytes.len()));
                assert_eq!(digest, Digest::of(bytes));
            }
            Ok(Presented::Ours { .. }) => panic!("a text is ours or not"),
            Err(refusal) => assert!(matches!(refusal, Malformed::Length | Malformed::Shape)),
        },
        Err(refusal) => assert_eq!(foreign_too, Err(refusal)),
    }
}

fn read_back(text: &str) {
    let Ok(token) = TokenText::parse(text) else { return };
    assert_eq!(token.expose(), text);
    assert_eq!(token.digest(), Digest::of(text.as_bytes()));
    assert_eq!(redact(text), token.redacted());
    assert!(!format!("{token:?}").contains(&text[text.len() - 32..]));
}

fn hide(text: &str) {
    let shown = redact(text);
    assert_eq!(redact(&shown), shown, "redacting twice is redacting once");
    // Every place where a whole token could begin, of the five lengths a token can have.
    for start in shown.char_indices().map(|(start, _)| start) {
        for length in 52..=55 {
            if let Some(part) = shown.get(start..start + length) {
                assert!(TokenText::parse(part).is_err(), "a token survived its redaction");
            }
        }
    }
    black_box(shown);
}
