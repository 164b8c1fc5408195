//! `/openapi.json`, made from the table of routes and the types of `api`, and `/docs`, made from that.
//!
//! Nothing is said twice: what a route takes and who may call it is in its types, and which refusals
//! can answer it follows from those ([`operation`]). Only examples are added here ([`examples`]), and
//! the families by which people find a route ([`families`]).

mod examples;
mod families;
mod operation;
mod page;

use std::collections::BTreeMap;

use domain::preset::Preset;
use serde_json::{Map, Value, json};

use crate::api::shape::{Schemas, Shape};
use crate::api::table::Route;
use crate::json::MAX_BODY;

pub(crate) use page::page;

/// Schemas as JSON, by name.
type Named = BTreeMap<String, Value>;

/// OpenAPI 3.1.
pub(crate) fn describe(routes: &[Route]) -> Value {
    let routes: Vec<&Route> = routes.iter().filter(|route| route.is_described()).collect();
    let routes = routes.as_slice();
    let schemas = schemas(routes);
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for route in routes {
        let operation = operation::operation(route, &schemas);
        paths
            .entry(route.path.replace("{*", "{"))
            .or_default()
            .insert(route.method.as_str().to_lowercase(), operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "jeton",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Issues, verifies, rotates and revokes API tokens.",
            "description": introduction(),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "The server that serves this document." }],
        "tags": families::tags(routes),
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": operation::refusals(),
            "headers": operation::headers(),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token, or the token of a session.",
                },
                "service_key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The key of a service. On the routes of an account it acts for the member \
                        named by `Jeton-Actor`, given the scope `act_as`.",
                },
            },
        },
    })
}

/// What holds on every route.
fn introduction() -> String {
    format!(
        "jeton issues, verifies, rotates and revokes API tokens for the accounts of a product.\n\n\
         A credential goes into the header `Authorization: Bearer <token>` and nowhere else: a token in a query is \
         refused (401). Bodies are JSON in UTF-8 of at most {MAX_BODY} bytes where a route says nothing else; an unknown or repeated \
         field is 400, a value that cannot be used 422. Times are RFC 3339 in UTC with six decimals, periods \
         text such as `90d` or `3 months`, and lists are read by `limit` and `cursor`. Every refusal is a problem (RFC 9457) whose `code` never \
         changes its meaning. Every answer names its request in `X-Request-Id`. A head of more than 16 KiB is \
         answered with 431 before any route is looked for.",
    )
}

/// Every schema that a route refers to, with formats, and with the keys that are always there.
fn schemas(routes: &[&Route]) -> Named {
    let mut found = Schemas::new();
    for route in routes {
        collect(&mut found, &route.answer);
        route.body.iter().for_each(|body| collect(&mut found, body));
    }
    collect(&mut found, &Shape::json::<api::problem::Problem>());
    let mut named: Named = found.into_iter().map(|(name, schema)| (name, json!(schema))).collect();
    let mut forms = Named::new();
    for (name, schema) in &mut named {
        finish(name, schema);
        name_forms(name, schema, &mut forms);
    }
    named.extend(forms);
    named.entry("Policy".into()).and_modify(|policy| policy["example"] = usual_policy());
    named
}

/// What an account has that asks for no other policy, with one of its many words.
fn usual_policy() -> Value {
    let mut policy = Preset::default_preset().policy.clone();
    policy.words.retain(|key, _| key == "section");
    json!(policy)
}

/// Gives the forms of a schema, which may refer to it in turn, names of their own: generators of clients cannot
/// follow a circle without one.
fn name_forms(name: &str, schema: &mut Value, forms: &mut Named) {
    for form in schema.get_mut("oneOf").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(key) = form["properties"].as_object().and_then(|all| all.keys().next()) else { continue };
        let own = format!("{name}{}{}", key[..1].to_uppercase(), &key[1..]);
        form["additionalProperties"] = json!(false);
        forms.insert(own.clone(), std::mem::replace(form, reference(&own)));
    }
}

fn collect(schemas: &mut Schemas, shape: &Shape) {
    let Some(json) = &shape.schema else { return };
    (json.collect)(schemas);
    schemas.push(((json.name)(), (json.schema)()));
}

/// Keys of answers that are left out at times; all others are always there, null where they say
/// nothing.
const LEFT_OUT: [(&str, &str); 5] = [
    ("ItemProblem", "errors"),
    ("Problem", "errors"),
    ("PutOutcome", "id"),
    ("PutOutcome", "problem"),
    ("StartedSession", "refresh_token"),
];

/// Says what derives cannot: which text is a time, and which keys an answer always has.
fn finish(name: &str, schema: &mut Value) {
    let Value::Object(schema) = schema else { return };
    for part in schema.get_mut("allOf").and_then(Value::as_array_mut).into_iter().flatten() {
        finish(name, part);
    }
    let comes_in = schema.get("additionalProperties") == Some(&Value::Bool(false));
    let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
    for (key, property) in properties.iter_mut() {
        let time =
            key.ends_with("_at") || matches!(key.as_str(), "at" | "as_of" | "not_before" | "inactive_since");
        if time && is_text(property) {
            property["format"] = json!("date-time");
        }
    }
    if !comes_in {
        let always: Vec<&String> =
            properties.keys().filter(|key| !LEFT_OUT.contains(&(name, key.as_str()))).collect();
        let always = json!(always);
        schema.insert("required".into(), always);
    }
}

fn is_text(schema: &Value) -> bool {
    match &schema["type"] {
        Value::String(kind) => kind == "string",
        Value::Array(kinds) => kinds.iter().any(|kind| kind == "string"),
        _ => false,
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}
