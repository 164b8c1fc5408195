//! What people may write: names, descriptions, metadata.

use unicode_normalization::UnicodeNormalization;

use crate::refusal::Refusal;

/// Bytes of metadata on an account, a holder or a token.
pub const METADATA_BYTES: usize = 4096;

/// Normalises a name to NFC and refuses what cannot be read aloud: empty text, more than
/// `most` characters, controls, and the marks that turn or hide text (bidi, zero width).
pub fn name(field: &'static str, text: &str, most: usize) -> Result<String, Refusal> {
    let text: String = text.trim().nfc().collect();
    if text.is_empty() {
        let a = if field.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
        return Err(Refusal::invalid(field, format!("Give {a} {field} of 1 to {most} characters.")));
    }
    line(field, text, most)
}

/// Like [`name`], but may be empty, and may break lines.
pub fn description(field: &'static str, text: &str, most: usize) -> Result<String, Refusal> {
    line(field, text.trim().nfc().collect(), most)
}

fn line(field: &'static str, text: String, most: usize) -> Result<String, Refusal> {
    if text.chars().count() > most {
        return Err(Refusal::invalid(field, format!("Keep the {field} within {most} characters.")));
    }
    let breaks = |c: char| field == "description" && c == '\n';
    match text.chars().find(|&c| !breaks(c) && (c.is_control() || hides(c))) {
        Some(c) => Err(Refusal::invalid(
            field,
            format!(
                "The {field} contains the invisible character U+{:04X}; remove it and send the {field} again.",
                u32::from(c)
            ),
        )),
        None => Ok(text),
    }
}

/// Marks that turn or hide text, so that a name would not read as it is (Unicode TR 36).
fn hides(c: char) -> bool {
    matches!(
        c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E0FFF}'
    )
}

/// An e-mail address, lower-cased, of a shape that a mail server could deliver to.
pub fn email(text: &str) -> Result<String, Refusal> {
    let text = text.trim().to_lowercase();
    let plain =
        |c: char| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '(' | ')' | ',' | ';' | ':' | '"' | '\\');
    let good = text.len() <= 254
        && text.chars().all(plain)
        && text.split_once('@').is_some_and(|(who, host)| {
            !who.is_empty()
                && !host.is_empty()
                && !host.contains('@')
                && !host.starts_with('.')
                && !host.ends_with('.')
        });
    good.then_some(text).ok_or_else(|| {
        Refusal::invalid(
            "email",
            "Give an address such as ada@example.com, in ASCII, of at most 254 characters.",
        )
    })
}

/// Metadata: a JSON object of at most [`METADATA_BYTES`], kept as it will be served.
pub fn metadata(value: &serde_json::Value) -> Result<Option<String>, Refusal> {
    match value {
        serde_json::Value::Null => Ok(None),
        serde_json::Value::Object(fields) if fields.is_empty() => Ok(None),
        serde_json::Value::Object(_) => {
            let text = value.to_string();
            if text.contains("\\u0000") {
                return Err(Refusal::invalid(
                    "metadata",
                    "The metadata contains U+0000, which cannot be kept; remove it.",
                ));
            }
            if text.len() > METADATA_BYTES {
                return Err(Refusal::invalid(
                    "metadata",
                    format!("The metadata has {} bytes; at most {METADATA_BYTES} are kept.", text.len()),
                ));
            }
            Ok(Some(text))
        }
        _ => {
            Err(Refusal::invalid("metadata", "Metadata is a JSON object, such as {\"team\": \"payments\"}."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_normalised_and_measured_in_characters() {
        assert_eq!(name("name", " e\u{301}te\u{301} ", 100).unwrap(), "été");
        assert!(name("name", &"ü".repeat(100), 100).is_ok());
        assert!(name("name", &"ü".repeat(101), 100).is_err());
        let empty = |field| name(field, "  ", 100).unwrap_err().detail;
        assert_eq!(empty("name"), "Give a name of 1 to 100 characters.");
        assert_eq!(empty("external_id"), "Give an external_id of 1 to 100 characters.");
    }

    #[test]
    fn marks_that_hide_or_turn_text_are_refused_by_their_number() {
        for hidden in
            ["a\0b", "a\u{202E}b", "a\u{200B}b", "a\u{2066}b", "a\rb", "a\nb", "\u{FEFF}a", "a\u{1b}[31m"]
        {
            let refusal = name("name", hidden, 100).unwrap_err();
            assert!(refusal.detail.contains("U+"), "{refusal}");
        }
        assert!(description("description", "two\nlines", 500).is_ok());
        assert!(description("description", "a\u{202E}b", 500).is_err());
    }

    #[test]
    fn an_address_with_a_line_break_is_refused() {
        assert_eq!(email(" Ada@Example.com ").unwrap(), "ada@example.com");
        for bad in ["", "ada", "@x", "ada@", "a@b@c", "a b@c", "a@b\r\nBcc: x@y", "ä@b.de", "<a@b>"] {
            assert!(email(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn metadata_is_a_small_object() {
        assert_eq!(metadata(&serde_json::json!({"a": 1})).unwrap().as_deref(), Some(r#"{"a":1}"#));
        assert_eq!(metadata(&serde_json::json!({})), Ok(None));
        assert!(metadata(&serde_json::json!([1])).is_err());
        assert!(metadata(&serde_json::json!({"a": "x".repeat(5000)})).is_err());
        assert!(metadata(&serde_json::json!({"a": "\0"})).is_err());
    }
}
