//! Whether an answer is one that the description of its route has: its status, type, headers and, where it
//! is JSON, every key of its body. What no route answers is not described.

use std::collections::BTreeMap;

use axum::http::Method;
use serde_json::Value;

use super::Reply;

/// `/openapi.json`, which is the same in every world.
pub struct Described(pub Value);

impl Described {
    /// Panics where the description has no such answer.
    #[track_caller]
    pub fn agrees(&self, method: &Method, path: &str, reply: &Reply) {
        let Some((template, operation)) = self.operation(method, path) else { return };
        let status = reply.status.as_str();
        let here = format!("{method} {template} answered {status}");
        let answer = self.followed(&operation["responses"][status]);
        assert!(!answer.is_null(), "{here}, which is not described: {}", reply.text);
        let kind = reply.head("content-type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default();
        let content = &answer["content"][kind];
        assert!(!content.is_null(), "{here} as {kind:?}, which is not described: {}", reply.text);
        for header in answer["headers"].as_object().into_iter().flat_map(serde_json::Map::keys) {
            assert!(reply.head(header).is_some(), "{here} without {header}");
        }
        if kind.ends_with("json")
            && let Err(fault) = self.fits(&content["schema"], &reply.json, "")
        {
            panic!("{here} with a body that is not described: {fault}\n{}", reply.text);
        }
    }

    /// The operation and its path, as the description has them.
    fn operation(&self, method: &Method, path: &str) -> Option<(&str, &Value)> {
        let paths = self.0["paths"].as_object()?.iter();
        // A name that stands there comes before a place for one.
        let (template, operations) = paths
            .filter(|(template, _)| matches(template, path))
            .min_by_key(|(template, _)| template.matches('{').count())?;
        Some((template, operations.get(method.as_str().to_lowercase())?))
    }

    /// What stands where a reference points to.
    fn followed<'a>(&'a self, value: &'a Value) -> &'a Value {
        let Some(reference) = value["$ref"].as_str() else { return value };
        self.0.pointer(reference.trim_start_matches('#')).expect("references lead somewhere")
    }

    /// As JSON Schema says it, as far as our schemas use its words; and nothing else may be there.
    fn fits(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        let schema = self.followed(schema);
        if let Some(forms) = schema["oneOf"].as_array() {
            let faults: Vec<String> =
                forms.iter().filter_map(|form| self.fits(form, value, at).err()).collect();
            return if faults.len() + 1 == forms.len() { Ok(()) } else { Err(faults.join(", or ")) };
        }
        let kinds = match &schema["type"] {
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            kind => Vec::from_iter(kind.as_str()),
        };
        if !kinds.is_empty() && !kinds.iter().any(|kind| is(kind, value)) {
            return Err(format!("{at} is no {}", kinds.join(" or ")));
        }
        if let Some(values) = schema["enum"].as_array()
            && !values.contains(value)
        {
            return Err(format!("{at} is {value}, which is not among {values:?}"));
        }
        match value {
            Value::Object(fields) => {
                let (mut known, mut always) = (BTreeMap::new(), Vec::new());
                self.gather(schema, &mut known, &mut always);
                if let Some(key) = always.iter().find(|key| !fields.contains_key(**key)) {
                    return Err(format!("{at}.{key} is not there"));
                }
                // One of which nothing is said is somebody else's: metadata, a policy.
                let fields = fields.iter().filter(|_| !known.is_empty());
                fields.map(|(key, value)| (format!("{at}.{key}"), key, value)).try_for_each(
                    |(at, key, value)| match known.get(key.as_str()) {
                        Some(schema) => self.fits(schema, value, &at),
                        None => Err(format!("{at} is not described")),
                    },
                )
            }
            Value::Array(items) => items
                .iter()
                .enumerate()
                .try_for_each(|(index, item)| self.fits(&schema["items"], item, &format!("{at}[{index}]"))),
            Value::String(text) if schema["format"] == "date-time" => {
                let whole = text.len() == "2030-01-01T00:00:00.000000Z".len() && text.ends_with('Z');
                if whole { Ok(()) } else { Err(format!("{at} is no time with six decimals")) }
            }
            _ => Ok(()),
        }
    }

    /// The keys of an object and of what it includes, and those that are always there.
    fn gather<'a>(
        &'a self,
        schema: &'a Value,
        known: &mut BTreeMap<&'a str, &'a Value>,
        always: &mut Vec<&'a str>,
    ) {
        let schema = self.followed(schema);
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.gather(part, known, always);
        }
        let properties = schema["properties"].as_object().into_iter().flatten();
        known.extend(properties.map(|(key, schema)| (key.as_str(), schema)));
        always.extend(schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str));
    }
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

fn matches(template: &str, path: &str) -> bool {
    let (mut names, mut parts) = (template.split('/'), path.split('/'));
    loop {
        match (names.next(), parts.next()) {
            (None, None) => return true,
            // The path of a node, with its slashes.
            (Some("{path}"), Some(_)) => return true,
            (Some(name), Some(part)) if name == part || (name.starts_with('{') && !part.is_empty()) => {}
            _ => return false,
        }
    }
}
