//! `/openapi.json`, made from the table of routes and the types of `api`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::api::door::Who;
use crate::api::shape::{JsonShape, Schemas, Shape};
use crate::api::table::Route;

/// OpenAPI 3.1.
pub(crate) fn describe(routes: &[Route]) -> Value {
    let mut schemas = Schemas::new();
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for route in routes {
        let operation = operation(route, &mut schemas);
        paths
            .entry(route.path.replace("{*", "{"))
            .or_default()
            .insert(route.method.as_str().to_lowercase(), operation);
    }
    collect(&mut schemas, &Shape::json::<api::problem::Problem>());
    let schemas: BTreeMap<String, Value> =
        schemas.into_iter().map(|(name, schema)| (name, json!(schema))).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "jeton",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Issues, verifies, rotates and revokes API tokens.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token, the token of a session, or the key of a service.",
                },
            },
        },
    })
}

fn operation(route: &Route, schemas: &mut Schemas) -> Value {
    let parameters: Vec<Value> = named_in(route.path)
        .map(|name| match name.strip_prefix('*') {
            None => json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }),
            // OpenAPI has no word for parameters with slashes in them, and clients encode those.
            Some(name) => json!({
                "name": name,
                "in": "path",
                "required": true,
                "description": "The path of a node, `/` for the root. Its slashes may stand as they are, without the first, or be encoded.",
                "schema": { "type": "string" },
                "example": "sales/prod",
            }),
        })
        .chain(route.query.iter().map(|parameter| json!(parameter)))
        .collect();
    let problem = json!({
        "description": "Why not.",
        "content": { "application/problem+json": { "schema": reference("Problem") } },
    });
    let answer = json!({ "description": route.summary, "content": content(&route.answer, schemas) });
    let mut operation = json!({
        "operationId": route.id,
        "summary": route.summary,
        // Who may call it: anyone, service:<scope>, holder, operator, or several of them.
        "x-jeton-who": route.who.to_string(),
        "security": match route.who {
            Who::Anyone => json!([]),
            _ => json!([{ "bearer": [] }]),
        },
        "parameters": parameters,
        "responses": { route.status.as_str(): &answer, "default": problem },
    });
    if let Some(also) = route.also {
        operation["responses"][also.as_str()] = answer;
    }
    if let Some(body) = &route.body {
        operation["requestBody"] = json!({ "required": body.required, "content": content(body, schemas) });
    }
    operation
}

/// The names in braces.
fn named_in(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name)
}

fn content(shape: &Shape, schemas: &mut Schemas) -> Value {
    collect(schemas, shape);
    let schema = match &shape.schema {
        None => json!({}),
        Some(JsonShape { name: Some(name), .. }) => json!({ "schema": reference(&name()) }),
        Some(JsonShape { schema, .. }) => json!({ "schema": schema() }),
    };
    let mut content = Map::from_iter([(shape.content_type.to_owned(), schema)]);
    content.extend(shape.also.iter().map(|other| ((*other).to_owned(), json!({}))));
    Value::Object(content)
}

fn collect(schemas: &mut Schemas, shape: &Shape) {
    let Some(json) = &shape.schema else { return };
    (json.collect)(schemas);
    if let Some(name) = json.name {
        schemas.push((name(), (json.schema)()));
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}
