//! One operation: what it takes, how it answers, and every refusal that can answer it.
//!
//! The refusals follow from what the route is: who may call it, whether its path names something, what
//! it takes and writes.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::{Named, examples, families, reference};
use crate::api::door::Who;
use crate::api::shape::{JsonShape, Shape};
use crate::api::table::Route;
use crate::github;
use crate::problem::Code;

pub(super) fn operation(route: &Route, schemas: &Named) -> Value {
    let mut operation = json!({
        "operationId": route.id,
        "tags": [families::of(route.path)],
        "summary": route.summary,
        "description": for_whom(route),
        // Who may call it: anyone, service:<scope>, holder, operator, or several of them.
        "x-jeton-who": route.who.to_string(),
        "security": security(route),
        "parameters": parameters(route),
        "responses": responses(route, schemas),
    });
    if let Some(body) = &route.body {
        operation["requestBody"] = json!({ "required": body.required, "content": content(body, schemas) });
    }
    operation
}

fn doors(route: &Route) -> Vec<String> {
    route.who.to_string().split(", ").map(str::to_owned).collect()
}

fn for_whom(route: &Route) -> String {
    let each = doors(route).into_iter().map(|door| match door.as_str() {
        "anyone" => "Needs no credential.".to_owned(),
        "github" => "For GitHub's secret scanner, which signs the body.".to_owned(),
        "holder" => "For members and service accounts, as far as their permissions reach. What belongs to \
             another account behaves as if it were not there."
            .to_owned(),
        "operator" => "For operators of the server, who stand for themselves: by a session, or by the first \
             token of the installation."
            .to_owned(),
        service => {
            let scope = service.trim_start_matches("service:");
            format!("For services with the scope `{scope}`.")
        }
    });
    each.collect::<Vec<_>>().join(" ")
}

fn security(route: &Route) -> Value {
    let doors = doors(route);
    if needs_none(route) {
        return json!([]);
    }
    let by_service = doors.iter().any(|door| door.starts_with("service:")) || takes_actor(route);
    let token = json!({ "token": [] });
    if by_service { json!([token, { "service_key": [] }]) } else { json!([token]) }
}

/// Whether it takes no token and no key.
fn needs_none(route: &Route) -> bool {
    matches!(route.who, Who::Anyone | Who::GitHub)
}

/// Whether a service may call it for a member.
fn takes_actor(route: &Route) -> bool {
    needs_actor(route)
        || (route.path.contains("{account}") && doors(route).iter().any(|door| door == "holder"))
}

/// Whether nobody else calls it.
fn needs_actor(route: &Route) -> bool {
    route.who == Who::Acting
}

/// Whether its answer can be a stream. Only so many follow at once.
fn can_be_followed(route: &Route) -> bool {
    route.answer.also.contains(&"text/event-stream")
}

/// Whether it honours an `Idempotency-Key`: all do that create something for a caller. Of a link one
/// makes another, which leaves nothing behind. A refresh creates the next pair, and is asked for by whoever has
/// the refresh token.
fn may_come_again(route: &Route) -> bool {
    if route.path == "/v1/sessions/refresh" {
        return true;
    }
    let link = ["/handoff", "/invite"].iter().any(|end| route.path.ends_with(end));
    route.status == StatusCode::CREATED && route.who.to_string() != "anyone" && !link
}

fn parameters(route: &Route) -> Vec<Value> {
    let mut parameters: Vec<Value> = named_in(route.path).map(|name| named(route.path, name)).collect();
    parameters.extend(route.query.iter().map(|parameter| examples::parameter(json!(parameter))));
    if takes_actor(route) {
        parameters.push(json!({
            "name": "Jeton-Actor",
            "in": "header",
            "required": needs_actor(route),
            "description": "The id or `external_id` of the member for whom a service with the scope `act_as` \
                makes this call. Beside a token of one's own it is refused.",
            "schema": { "type": "string" },
            "example": "mem_0123456789ab",
        }));
    }
    if route.who == Who::GitHub {
        parameters.push(signed(
            github::IDENTIFIER,
            "Which of GitHub's public keys it is signed with.",
            "f9525b",
        ));
        let signature = "ECDSA over NIST P-256 with SHA-256, of the body as it comes, in base64.";
        parameters.push(signed(github::SIGNATURE, signature, "MEUCIFLZzeK++IhS+y276SRk2Pe5LfDrfvTX"));
    }
    if can_be_followed(route) {
        parameters.push(json!({
            "name": "Last-Event-ID",
            "in": "header",
            "required": false,
            "description": "With `follow`: the `id` of the last event that arrived; what came after it follows.",
            "schema": { "type": "string" },
            "example": "42",
        }));
    }
    if may_come_again(route) {
        parameters.push(json!({
            "name": "Idempotency-Key",
            "in": "header",
            "required": false,
            "description": "Makes it safe to send this again: the same key brings the same answer for 10 \
                minutes. With another body it is refused as `idempotency_mismatch`.",
            "schema": { "type": "string", "minLength": 22, "maxLength": 255, "pattern": "^[!-~]+$" },
            "example": "6f1c7a52-3f0e-4b52-9d1c-2a7b8f4f9c10",
        }));
    }
    parameters
}

fn signed(name: &str, description: &str, example: &str) -> Value {
    json!({
        "name": name,
        "in": "header",
        "required": true,
        "description": description,
        "schema": { "type": "string" },
        "example": example,
    })
}

/// The names in braces.
fn named_in(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name)
}

fn named(path: &str, name: &str) -> Value {
    let (name, description, example) = match name.trim_start_matches('*') {
        "account" => ("account", "The id of an account.", "acme"),
        "id" => ("id", "The id of the thing; a malformed one is that of nothing.", examples::id_in(path)),
        // OpenAPI has no word for parameters with slashes in them, and clients encode those.
        "path" => (
            "path",
            "The path of a node, `/` for the root. Its slashes may stand as they are, without the first, or be encoded.",
            "sales",
        ),
        "seq" => ("seq", "The number of the journal's entry, by which the delivery goes.", "42"),
        "external_id" => ("external_id", "What the product calls it.", "u-7"),
        "secret" => ("secret", "The secret of the link that the server prints.", "fr8LJ0sXo4mPZ1aC7dVq2w"),
        other => (other, "Names what it is about.", "x"),
    };
    json!({
        "name": name,
        "in": "path",
        "required": true,
        "description": description,
        "schema": { "type": "string" },
        "example": example,
    })
}

fn responses(route: &Route, schemas: &Named) -> Value {
    let mut responses = Map::new();
    for status in [Some(route.status), route.also].into_iter().flatten() {
        let mut answer = json!({
            "description": route.summary,
            "headers": { "X-Request-Id": header("X-Request-Id") },
            "content": content(&route.answer, schemas),
        });
        if status == StatusCode::CREATED && route.answer.schema.is_some() {
            answer["headers"]["Location"] = header("Location");
        }
        responses.insert(status.as_str().into(), answer);
    }
    for code in possible(route) {
        let status = code.status();
        let mut refusal = json!({ "$ref": format!("#/components/responses/{}", name(status)) });
        let page = route.answer.content_type == "text/html";
        if page && matches!(status.as_u16(), 403 | 404 | 409 | 422) {
            // A page is refused with a page, where the form stands again.
            refusal = refusal_of(status);
            refusal["content"][route.answer.content_type] = json!({ "schema": { "type": "string" } });
        }
        responses.insert(status.as_str().into(), refusal);
    }
    Value::Object(responses)
}

/// A code of each status by which the route can refuse.
fn possible(route: &Route) -> Vec<Code> {
    let anyone = needs_none(route);
    // A question is a POST because of what it carries.
    let writes = route.method != Method::GET && !route.path.starts_with("/v1/verify");
    // A body that a route does not take is not read.
    let reads_body = route.body.is_some();
    // What proves a password waits its turn, and there are only so many places to wait.
    let takes_password = route.body.as_ref().is_some_and(takes_password);
    // A filter can name what nobody knows.
    let names_rights = route.query.iter().any(|one| matches!(one.name.as_str(), "role" | "permission"));
    // Whoever goes on reading can have come from another journal.
    let goes_on = can_be_followed(route);
    // Anybody may report, but not as often as they like.
    let is_report = route.path == "/v1/credentials/revoke";
    // Reading the whole journal again is done for one at a time.
    let reads_all = route.path == "/v1/journal/verify";
    // What ends a token, a session or a holder needs no room.
    let ends = route.method == Method::DELETE
        && !["/roles/", "/installations/", "/webhooks/"].iter().any(|things| route.path.contains(things));
    let rules = [
        // An unknown parameter, on whichever route.
        (true, Code::BadRequest),
        // A token in the query, on whichever route.
        (true, Code::Unauthenticated),
        (!anyone || route.path.starts_with("/setup/"), Code::Forbidden),
        (route.path.contains('{') || (writes && !anyone), Code::NotFound),
        (reads_body, Code::RequestTimeout),
        (reads_body, Code::BodyTooLarge),
        (reads_body, Code::UnsupportedMediaType),
        (writes || goes_on, Code::Conflict),
        (reads_body || writes || names_rights, Code::InvalidField),
        (takes_password || goes_on || is_report || reads_all, Code::RateLimited),
        (true, Code::InternalError),
        (true, Code::Undetermined),
        (writes && !ends, Code::StorageFull),
    ];
    rules.into_iter().filter_map(|(can_be, code)| can_be.then_some(code)).collect()
}

fn takes_password(body: &Shape) -> bool {
    let Some(json) = &body.schema else { return true };
    let mut schemas = vec![(String::new(), (json.schema)())];
    (json.collect)(&mut schemas);
    (json.name)() == "Policy" || json!(schemas).to_string().contains("\"password\":")
}

fn content(shape: &Shape, schemas: &Named) -> Value {
    // Text; of this very document nothing more is promised than that it is JSON.
    let plain = |content_type: &str| match content_type {
        "application/json" => json!({}),
        _ => json!({ "schema": { "type": "string" } }),
    };
    let described = match &shape.schema {
        None => plain(shape.content_type),
        Some(JsonShape { name, .. }) => {
            let schema = reference(&name());
            json!({ "example": examples::of(&schema, schemas), "schema": schema })
        }
    };
    let mut content = Map::from_iter([(shape.content_type.to_owned(), described)]);
    content.extend(shape.also.iter().map(|other| ((*other).to_owned(), plain(other))));
    Value::Object(content)
}

/// Every refusal, by its status, for `components`.
pub(super) fn refusals() -> BTreeMap<String, Value> {
    let statuses = Code::ALL.into_iter().map(Code::status);
    // The one that no route gives: a method that a path does not have.
    let statuses = statuses.filter(|status| *status != StatusCode::METHOD_NOT_ALLOWED);
    statuses.map(|status| (name(status), refusal_of(status))).collect()
}

fn refusal_of(status: StatusCode) -> Value {
    let codes: Vec<Code> = Code::ALL.into_iter().filter(|code| code.status() == status).collect();
    let named: Vec<String> =
        codes.iter().map(|code| format!("`{}`: {}.", code.as_str(), code.title())).collect();
    let each = codes.iter().map(|code| (code.as_str(), json!({ "value": examples::problem(*code) })));
    let each: BTreeMap<&str, Value> = each.collect();
    let mut response = json!({
        "description": named.join(" "),
        "headers": { "X-Request-Id": header("X-Request-Id") },
        "content": { "application/problem+json": { "schema": reference("Problem"), "examples": each } },
    });
    match status {
        StatusCode::UNAUTHORIZED => response["headers"]["WWW-Authenticate"] = header("WWW-Authenticate"),
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            response["headers"]["Retry-After"] = header("Retry-After");
        }
        _ => {}
    }
    response
}

/// `Bad Request` as `BadRequest`.
fn name(status: StatusCode) -> String {
    status.canonical_reason().unwrap_or(status.as_str()).replace(' ', "")
}

fn header(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

pub(super) fn headers() -> Value {
    json!({
        "X-Request-Id": {
            "description": "Names the request in the server's log: what the caller sent, or one of the server's own.",
            "required": true,
            "schema": { "type": "string" },
            "example": "0198c9f2a1b37c44",
        },
        "Location": {
            "description": "The path of what was made.",
            "required": true,
            "schema": { "type": "string" },
            "example": "/v1/accounts/acme/tokens/pat_0123456789ab",
        },
        "WWW-Authenticate": {
            "description": "RFC 6750, section 3.",
            "required": true,
            "schema": { "type": "string" },
            "example": "Bearer error=\"invalid_token\"",
        },
        "Retry-After": {
            "description": "After how many seconds to ask again.",
            "required": true,
            "schema": { "type": "string", "pattern": "^[0-9]+$" },
            "example": "1",
        },
    })
}
