//! An example of each body and answer, put together from the types.
//!
//! A type or a field that carries an example of its own (`#[schema(example = …)]` in `api`) is shown by
//! it. Anything else is spelled from [`WORDS`], because the same word means the same thing everywhere.
//! Of what comes in, fields that may be absent are absent unless the type says otherwise: a body with all of them would be
//! refused more often than not.

use serde_json::{Map, Value, json};

use super::Named;
use crate::problem::Code;

/// What a text of this name looks like, wherever it stands.
const WORDS: &[(&str, &str)] = &[
    ("account", "acme"),
    ("action", "token.created"),
    ("actor", "mem_0123456789ab"),
    ("actor_name", "Ada Lovelace"),
    ("address", "203.0.113.7"),
    ("as_of", "2026-08-21T10:00:00.000000Z"),
    ("at", "2026-08-21T09:30:00.000000Z"),
    ("code", "invalid_field"),
    ("confirm", "3-5feceb66ffc86f38"),
    ("created_at", "2026-08-21T09:30:00.000000Z"),
    ("cursor", "MDEyMzQ1Njc4OWFi"),
    ("day", "2026-08-21"),
    ("detail", "Expected a period such as `90d`, `2 hours` or `3 months`."),
    ("email", "ada@example.com"),
    ("ends_at", "2026-09-20T09:30:00.000000Z"),
    ("entry_hash", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
    ("expires_at", "2026-11-19T09:30:00.000000Z"),
    ("external_id", "u-7"),
    ("field", "expires_in"),
    ("hash", "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"),
    ("id", "mem_0123456789ab"),
    ("issued_by", "mem_0123456789ab"),
    ("key", "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="),
    ("last_used_at", "2026-08-21T09:59:30.000000Z"),
    ("last_used_from", "203.0.113.7"),
    ("level", "project"),
    ("levels", "account"),
    ("name", "Ada Lovelace"),
    ("next_cursor", "MDEyMzQ1Njc4OWFi"),
    ("node", "/"),
    ("nodes", "/sales"),
    ("accounts", "acme"),
    ("origin", "d1e8a70b5ccab1dc"),
    ("parent", "/"),
    ("path", "/sales"),
    ("permission", "devices:read"),
    ("permissions", "devices:read"),
    ("preset", "default"),
    ("reason", "its holder has left"),
    ("refresh_token", "jtn_rft_0123456789ab_<secret>"),
    ("request_id", "0198c9f2a1b37c44"),
    ("role", "Owner"),
    ("salt", "0f1e2d3c4b5a69788796a5b4c3d2e1f0"),
    ("secret", "jtn_pat_0123456789ab_<secret>"),
    ("service", "svc_0123456789ab"),
    ("signature", "wRVfLh9TgMrTv8wZ0xPd0oq5dXvJ3Ls2y0sV2c4p8mE="),
    ("since", "2026-08-01T00:00:00.000000Z"),
    ("subject", "pat_0123456789ab"),
    ("subject_name", "deploy"),
    ("title", "A value cannot be used"),
    ("token", "jtn_pat_0123456789ab_<secret>"),
    ("type", "urn:jeton:problem:invalid_field"),
    ("until", "2026-09-01T00:00:00.000000Z"),
    ("url", "<address of the server>/console/_handoff/<secret>"),
];

/// What is null in an example: it belongs to another case.
const NOT_HERE: [&str; 8] = [
    "broken",
    "inactive_since",
    "revoked_at",
    "not_before",
    "conditions",
    "limits",
    "description",
    "refresh_token",
];

/// An example of the schema.
pub(super) fn of(schema: &Value, schemas: &Named) -> Value {
    spell(schema, schemas, "")
}

fn spell(schema: &Value, schemas: &Named, word: &str) -> Value {
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return schemas.get(name).map_or(Value::Null, |schema| spell(schema, schemas, word));
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let parts = parts.iter().map(|part| spell(part, schemas, word));
        return Value::Object(parts.filter_map(|part| part.as_object().cloned()).flatten().collect());
    }
    if NOT_HERE.contains(&word) && takes_null(schema) {
        return Value::Null;
    }
    if let Some(forms) = schema["oneOf"].as_array() {
        let form = forms.iter().find(|form| form["type"] != "null");
        return form.map_or(Value::Null, |form| spell(form, schemas, word));
    }
    if let Some(values) = schema["enum"].as_array() {
        // States are told worst first, and everything else usual first.
        let usual = if word == "status" { values.last() } else { values.first() };
        return usual.cloned().unwrap_or_default();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find(|kind| *kind != "null").cloned().unwrap_or_default(),
        kind => kind.clone(),
    };
    match kind.as_str() {
        Some("object") => object(schema, schemas),
        Some("array") => json!([spell(&schema["items"], schemas, word)]),
        Some("integer" | "number") => json!(if word == "status" { 422 } else { 1 }),
        Some("boolean") => json!(true),
        Some("string") => text(word),
        _ => json!({}),
    }
}

fn takes_null(schema: &Value) -> bool {
    let listed =
        |list: &Value, is: fn(&Value) -> bool| list.as_array().is_some_and(|list| list.iter().any(is));
    listed(&schema["type"], |kind| kind == "null") || listed(&schema["oneOf"], |form| form["type"] == "null")
}

fn object(schema: &Value, schemas: &Named) -> Value {
    let comes_in = schema["additionalProperties"] == false;
    let Some(properties) = schema["properties"].as_object() else {
        return if comes_in { json!({}) } else { json!({ "team": "field" }) };
    };
    let needed =
        |key: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|name| name == key));
    let shown = properties
        .iter()
        .filter(|(key, property)| !comes_in || needed(key) || property.get("example").is_some());
    let shown: Map<String, Value> =
        shown.map(|(key, property)| (key.clone(), spell(property, schemas, key))).collect();
    Value::Object(shown)
}

fn text(word: &str) -> Value {
    let known = WORDS.iter().find(|(name, _)| *name == word);
    // The snapshot's test refuses a document with this in it.
    json!(known.map_or("no example", |(_, text)| text))
}

/// The query's parameters have examples by name, too, and are described by their type where nothing else
/// describes them.
pub(super) fn parameter(mut parameter: Value) -> Value {
    if parameter.get("description").is_none() {
        let schema = parameter["schema"].as_object_mut();
        parameter["description"] = schema.and_then(|schema| schema.remove("description")).unwrap_or_default();
    }
    let name = parameter["name"].as_str().unwrap_or_default().to_owned();
    let known = WORDS.iter().find(|(word, _)| *word == name);
    // A cursor that was not given would be refused.
    if let Some((_, text)) = known
        && name != "cursor"
        && parameter.get("example").is_none()
    {
        parameter["example"] = json!(text);
    }
    parameter
}

/// An id of the kind that a path names.
pub(super) fn id_in(path: &str) -> &'static str {
    match path {
        path if path.contains("/members/") => "mem_0123456789ab",
        path if path.contains("/service-accounts/") => "sac_0123456789ab",
        path if path.contains("/roles/") => "rol_0123456789ab",
        path if path.contains("/services/") => "svc_0123456789ab",
        path if path.contains("/sessions/") => "ses_0123456789ab",
        path if path.contains("/installations/") => "ins_0123456789ab",
        path if path.contains("/webhooks/") => "whk_0123456789ab",
        _ => "pat_0123456789ab",
    }
}

pub(super) fn problem(code: Code) -> Value {
    json!({
        "type": format!("urn:jeton:problem:{}", code.as_str()),
        "title": code.title(),
        "status": code.status().as_u16(),
        "detail": "What happened this time, and what would help.",
        "code": code.as_str(),
        "request_id": "0198c9f2a1b37c44",
    })
}
