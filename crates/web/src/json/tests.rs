use axum::http::StatusCode;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{from_slice, is_json, tree};
use crate::problem::Problem;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    name: String,
    #[serde(default)]
    size: Option<u8>,
    #[serde(default)]
    parts: Vec<Form>,
}

fn read(text: &str) -> Result<Form, Problem> {
    from_slice(text.as_bytes())
}

/// The status and, as the caller sees it, the detail.
fn refused(text: &str) -> (StatusCode, String) {
    let problem = read(text).expect_err(text);
    let body: Value = serde_json::from_slice(&problem.body("")).unwrap();
    (problem.status(), body["detail"].as_str().unwrap().to_owned())
}

#[test]
fn a_body_that_fits_is_read() {
    let form = read(r#" {"name": "a\u00e9\n", "parts": [{"name": "b", "size": 7}], "size": null} "#).unwrap();
    let part = Form { name: "b".into(), size: Some(7), parts: vec![] };
    assert_eq!(form, Form { name: "aé\n".into(), size: None, parts: vec![part] });
}

#[test]
fn what_is_no_json_is_400_with_its_place() {
    for text in [
        "",
        " ",
        "{",
        r#"{"name": }"#,
        r#"{"name": NaN}"#,
        r#"{"name": Infinity}"#,
        r#"{"name": "a",}"#,
        r#"{"name": "a"} {}"#,
        r#"{'name': "a"}"#,
        r#"{"name": "\ud800"}"#,
        r#"{"name": "\udc00\ud800"}"#,
        r#"{"\ud800": 1}"#,
        "{\"name\": \"a\nb\"}",
        r#"{"name": "a", "size": 01}"#,
        r#"{"name": "a", "size": 1e999}"#,
        "\u{feff}{\"name\": \"a\"}",
        "// no\n{\"name\": \"a\"}",
    ] {
        let (status, detail) = refused(text);
        assert_eq!(status, StatusCode::BAD_REQUEST, "{text}");
        assert!(detail.contains(" at line ") && detail.contains(" column "), "{text}: {detail}");
    }
    assert_eq!(from_slice::<Form>(b"{\"name\": \"\xff\"}").unwrap_err().status(), StatusCode::BAD_REQUEST);
}

#[test]
fn an_unknown_field_is_400_and_named_with_its_path() {
    assert_eq!(
        refused(r#"{"name": "a", "parts": [{"name": "b"}, {"name": "c", "org_id": 1}]}"#),
        (
            StatusCode::BAD_REQUEST,
            "The field `parts[1].org_id`: there is no such field; the fields are name, size, parts.".into()
        )
    );
}

#[test]
fn a_duplicate_field_is_400_and_named_at_any_depth_known_or_not_escaped_or_not() {
    for text in [
        r#"{"name": "a", "name": "a"}"#,
        r#"{"name": "a", "n\u0061me": "b"}"#,
        r#"{"other": [{"name": 1, "name": 2}]}"#,
        r#"{"parts": [{"name": "b", "size": {"name": 1, "x": 2, "name": 3}}]}"#,
    ] {
        let (status, detail) = refused(text);
        assert_eq!(status, StatusCode::BAD_REQUEST, "{text}");
        assert_eq!(detail, "The field `name` stands twice in one object.");
    }
}

#[test]
fn sixteen_deep_is_read_and_seventeen_is_400() {
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert!(from_slice::<Value>(nested(16).as_bytes()).is_ok());
    for depth in [17, 30_000] {
        let problem = from_slice::<Value>(nested(depth).as_bytes()).unwrap_err();
        assert_eq!(problem.status(), StatusCode::BAD_REQUEST);
    }
    let objects = format!("{}1{}", "{\"a\":".repeat(17), "}".repeat(17));
    assert_eq!(tree::parse(&objects).unwrap_err(), tree::Fault::TooDeep);
}

#[test]
fn fifty_thousand_values_are_read_and_one_more_is_422_before_the_rest_is() {
    let list = |count: usize| format!("[{}0]", "0,".repeat(count - 2));
    assert!(from_slice::<Value>(list(tree::MAX_VALUES).as_bytes()).is_ok());
    let objects = format!("{{\"parts\":[{}", "{\"\":0},".repeat(tree::MAX_VALUES / 2));
    // The text does not even end: nothing after it was looked at.
    for text in [list(tree::MAX_VALUES + 1), objects] {
        let problem = from_slice::<Value>(text.as_bytes()).unwrap_err();
        assert_eq!(problem.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[test]
fn a_wrong_or_missing_value_is_422_and_says_what_was_expected() {
    for (text, detail) in [
        ("{}", "The field `name`: this field is needed."),
        ("[]", "The body: expected an object."),
        ("7", "The body: expected an object."),
        (r#"["a", 1, []]"#, "The body: expected an object."),
        (r#"{"name": 7}"#, "The field `name`: expected a string."),
        (r#"{"name": "a", "size": 256}"#, "The field `size`: expected a whole number from 0 to 255."),
        (r#"{"name": "a", "size": 1.0}"#, "The field `size`: expected a whole number from 0 to 255."),
        (r#"{"name": "a", "parts": "b"}"#, "The field `parts`: expected a list."),
        (r#"{"name": "a", "parts": [{}]}"#, "The field `parts[0].name`: this field is needed."),
        (r#"{"name": "a", "parts": [["b"]]}"#, "The field `parts[0]`: expected an object."),
    ] {
        assert_eq!(refused(text), (StatusCode::UNPROCESSABLE_ENTITY, detail.to_owned()), "{text}");
    }
}

#[test]
fn a_refusal_never_repeats_a_value() {
    let token = format!("jtn_pat_0123456789ab_{}", "S".repeat(32));
    for text in [
        r#"{"name": "a", "size": "SSSS"}"#.to_owned(),
        r#"{"name": ["SSSS"]}"#.to_owned(),
        r#"{"name": "SSSS"#.to_owned(),
        r#"{"name": "SSSS" "x"}"#.to_owned(),
        r#"{"name": "SSSS", "name": 1}"#.to_owned(),
        // A secret put where a name belongs.
        format!(r#"{{"{token}": 1}}"#),
        format!(r#"{{"{token}": 1, "{token}": 1}}"#),
    ] {
        let body = String::from_utf8(read(&text).unwrap_err().body("")).unwrap();
        assert!(!body.contains("SSSS"), "{text}: {body}");
    }
}

#[test]
fn a_long_unknown_name_is_cut_short() {
    let (_, detail) = refused(&format!(r#"{{"{}": 1}}"#, "n".repeat(60_000)));
    assert!(detail.len() < 300, "{detail}");
}

#[test]
fn the_types_of_the_api_are_read_as_serde_json_reads_them() {
    use api::permission::Permission;
    use api::verify::Expression;

    for text in [r#"{"inherit":true}"#, r#"{"access":"read","entities":["a"]}"#, r#"{"list":["a:b"]}"#] {
        let permission: Permission = from_slice(text.as_bytes()).unwrap();
        assert_eq!(permission, serde_json::from_str::<Permission>(text).unwrap());
    }
    let text = r#"{"any":["a:b",{"all":["c:d"]}]}"#;
    let expression: Expression = from_slice(text.as_bytes()).unwrap();
    assert_eq!(expression, serde_json::from_str::<Expression>(text).unwrap());
    let unknown = from_slice::<Expression>(br#"{"any":[{"none":[]}]}"#).unwrap_err();
    assert_eq!(unknown.status(), StatusCode::BAD_REQUEST);
    let edit: api::tokens::EditToken = from_slice(br#"{"expires_at":null,"name":"n"}"#).unwrap();
    assert_eq!((edit.expires_at, edit.description), (api::Maybe::Null, api::Maybe::Absent));
}

#[test]
fn the_content_type_is_json_and_nothing_beside_it() {
    for good in ["application/json", "Application/JSON", "application/json; charset=utf-8"] {
        assert!(is_json(good), "{good}");
    }
    for bad in [
        "text/json",
        "application/json; charset=latin1",
        "application/jsonp",
        "",
        "application/x-www-form-urlencoded",
    ] {
        assert!(!is_json(bad), "{bad}");
    }
}

/// Any document, at most `MAX_DEPTH` deep.
fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(tree::MAX_DEPTH as u32, 128, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(".{0,6}", inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn objects_in(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(objects_in).sum(),
        Value::Object(fields) => 1 + fields.values().map(objects_in).sum::<usize>(),
        _ => 0,
    }
}

/// Writes a document; the object that `nth` counts down to gets one of its keys a second time, its
/// characters escaped if `escaped`.
fn write_with_a_duplicate(value: &Value, nth: &mut Option<usize>, escaped: bool, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write_with_a_duplicate(item, nth, escaped, out);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            let here = *nth == Some(0);
            *nth = nth.and_then(|left| left.checked_sub(1));
            let mut written = Vec::new();
            for (key, value) in fields {
                let mut field = format!("{}:", serde_json::to_string(key).unwrap());
                write_with_a_duplicate(value, nth, escaped, &mut field);
                written.push(field);
            }
            if here {
                let key = fields.keys().next_back().cloned().unwrap_or_default();
                let again = if escaped {
                    let units = key.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
                    format!("\"{}\"", units.collect::<String>())
                } else {
                    serde_json::to_string(&key).unwrap()
                };
                if fields.is_empty() {
                    written.push("\"\":0".to_owned());
                }
                written.insert(0, format!("{again}:0"));
            }
            out.push_str(&format!("{{{}}}", written.join(",")));
        }
        leaf => out.push_str(&leaf.to_string()),
    }
}

proptest! {
    #[test]
    fn any_document_without_duplicates_reads_as_serde_json_reads_it(value in document()) {
        let text = value.to_string();
        let ours: Value = from_slice(text.as_bytes()).unwrap();
        prop_assert_eq!(ours, serde_json::from_str::<Value>(&text).unwrap());
    }

    #[test]
    fn a_duplicate_key_anywhere_is_refused(
        value in document().prop_filter("needs an object", |value| objects_in(value) > 0),
        at in any::<prop::sample::Index>(),
        escaped in any::<bool>(),
    ) {
        let mut text = String::new();
        let mut nth = Some(at.index(objects_in(&value)));
        write_with_a_duplicate(&value, &mut nth, escaped, &mut text);
        let refused = tree::parse(&text);
        prop_assert!(matches!(refused, Err(tree::Fault::DuplicateKey(_))), "{}: {:?}", text, refused);
    }

    #[test]
    fn an_object_of_many_keys_is_checked_too(keys in 17usize..200, at in any::<prop::sample::Index>()) {
        let mut fields: Vec<_> = (0..keys).map(|key| format!("\"k{key}\":0")).collect();
        let text = format!("{{{}}}", fields.join(","));
        let read = tree::parse(&text);
        prop_assert!(read.is_ok());
        fields.push(fields[at.index(keys)].clone());
        let text = format!("{{{}}}", fields.join(","));
        let refused = tree::parse(&text);
        prop_assert!(matches!(refused, Err(tree::Fault::DuplicateKey(_))));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = from_slice::<Form>(&bytes);
    }
}
