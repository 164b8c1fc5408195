//! `/docs`: the description as a page for people. Plain HTML without scripts, which loads nothing.

use std::fmt::Write;

use serde_json::Value;

use crate::html::Escaped;

/// The page of a description that [`super::describe`] made.
pub(crate) fn page(document: &Value) -> String {
    let mut page = String::with_capacity(256 * 1024);
    let info = &document["info"];
    let (title, version) = (text(&info["title"]), text(&info["version"]));
    put(
        &mut page,
        format_args!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title} {version}: the API</title>\n\
             <style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title} {version}</h1>\n",
            title = Escaped(title),
            version = Escaped(version)
        ),
    );
    prose(&mut page, text(&info["description"]));
    page.push_str("<p>The same for programs: <a href=\"openapi.json\"><code>/openapi.json</code></a>.</p>\n");
    contents(&mut page, document);
    for tag in each(&document["tags"]) {
        family(&mut page, document, tag);
    }
    page.push_str("<h2 id=\"bodies\">Bodies and answers</h2>\n");
    for (name, schema) in fields(&document["components"]["schemas"]) {
        put(&mut page, format_args!("<h3 id=\"body-{0}\">{0}</h3>\n", Escaped(name)));
        if let Some(about) = schema["description"].as_str() {
            prose(&mut page, about);
        }
        shape(&mut page, schema);
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:1rem}\
    code,pre{font:14px/1.4 ui-monospace,monospace}pre{overflow:auto;padding:.5rem;border:1px solid}\
    summary{cursor:pointer}details{margin:.5rem 0}table{border-collapse:collapse}\
    td,th{text-align:left;vertical-align:top;padding:.2rem .8rem .2rem 0}";

fn contents(page: &mut String, document: &Value) {
    page.push_str("<nav aria-label=\"Families of routes\">\n<ul>\n");
    for tag in each(&document["tags"]) {
        let (name, about) = (text(&tag["name"]), text(&tag["description"]));
        put(
            page,
            format_args!(
                "<li><a href=\"#{}\">{}</a>: {}</li>\n",
                Escaped(&anchor(name)),
                Escaped(name),
                Escaped(about)
            ),
        );
    }
    page.push_str("<li><a href=\"#bodies\">Bodies and answers</a></li>\n</ul>\n</nav>\n");
}

fn family(page: &mut String, document: &Value, tag: &Value) {
    let name = text(&tag["name"]);
    put(page, format_args!("<h2 id=\"{}\">{}</h2>\n", Escaped(&anchor(name)), Escaped(name)));
    prose(page, text(&tag["description"]));
    for (path, operations) in fields(&document["paths"]) {
        for (method, operation) in fields(operations) {
            if each(&operation["tags"]).any(|tag| tag == name) {
                route(page, path, method, operation);
            }
        }
    }
}

fn route(page: &mut String, path: &str, method: &str, operation: &Value) {
    let id = text(&operation["operationId"]);
    put(
        page,
        format_args!(
            "<details id=\"{}\">\n<summary><code><strong>{}</strong> {}</code> {}</summary>\n",
            Escaped(id),
            Escaped(&method.to_uppercase()),
            Escaped(path),
            Escaped(text(&operation["summary"])),
        ),
    );
    prose(page, text(&operation["description"]));
    let mut parameters = each(&operation["parameters"]).peekable();
    if parameters.peek().is_some() {
        page.push_str("<table>\n<tr><th>Parameter</th><th>In</th><th>What</th></tr>\n");
        for parameter in parameters {
            put(
                page,
                format_args!(
                    "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>\n",
                    Escaped(text(&parameter["name"])),
                    Escaped(text(&parameter["in"])),
                    Escaped(text(&parameter["description"])),
                ),
            );
        }
        page.push_str("</table>\n");
    }
    body(page, "Body", &operation["requestBody"]["content"]);
    let mut refusals = Vec::new();
    for (status, answer) in fields(&operation["responses"]) {
        if status.starts_with('2') {
            body(page, &format!("Answer {status}"), &answer["content"]);
        } else {
            refusals.push(status.as_str());
        }
    }
    put(page, format_args!("<p>Or a problem: {}.</p>\n</details>\n", Escaped(&refusals.join(", "))));
}

fn body(page: &mut String, what: &str, content: &Value) {
    for (kind, body) in fields(content) {
        put(page, format_args!("<p>{}, <code>{}</code>", Escaped(what), Escaped(kind)));
        if let Some(name) = name_of(&body["schema"]) {
            put(page, format_args!(", <a href=\"#body-{0}\">{0}</a>", Escaped(name)));
        }
        page.push_str("</p>\n");
        if let Some(example) = body.get("example") {
            let example = serde_json::to_string_pretty(example).unwrap_or_default();
            put(page, format_args!("<pre>{}</pre>\n", Escaped(&example)));
        }
    }
}

fn shape(page: &mut String, schema: &Value) {
    for part in each(&schema["allOf"]) {
        match name_of(part) {
            Some(name) => {
                put(page, format_args!("<p>All of <a href=\"#body-{0}\">{0}</a>, and:</p>\n", Escaped(name)));
            }
            None => shape(page, part),
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<&str> = values.iter().map(text).collect();
        put(page, format_args!("<p>One of <code>{}</code>.</p>\n", Escaped(&values.join(", "))));
    }
    let mut properties = fields(&schema["properties"]).peekable();
    if properties.peek().is_none() {
        return;
    }
    page.push_str("<table>\n<tr><th>Field</th><th>Type</th><th>What</th></tr>\n");
    for (name, field) in properties {
        let needed = each(&schema["required"]).any(|needed| needed == name);
        put(
            page,
            format_args!(
                "<tr><td><code>{}{}</code></td><td>{}</td><td>{}</td></tr>\n",
                Escaped(name),
                if needed { "" } else { "?" },
                Escaped(&kind(field)),
                Escaped(text(&field["description"])),
            ),
        );
    }
    page.push_str("</table>\n");
}

/// A type in a word or two.
fn kind(schema: &Value) -> String {
    if let Some(name) = name_of(schema) {
        return name.to_owned();
    }
    if let Some(forms) = schema["oneOf"].as_array() {
        return forms.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    match &schema["type"] {
        Value::String(one) if one == "array" => format!("list of {}", kind(&schema["items"])),
        Value::String(one) => one.clone(),
        Value::Array(kinds) => kinds.iter().map(text).collect::<Vec<_>>().join(" or "),
        _ => "anything".to_owned(),
    }
}

fn name_of(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

/// Paragraphs. What stands in backticks is shown as it is, backticks and all.
fn prose(page: &mut String, text: &str) {
    for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.is_empty()) {
        put(page, format_args!("<p>{}</p>\n", Escaped(paragraph)));
    }
}

fn anchor(name: &str) -> String {
    name.replace(' ', "-")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn each(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn put(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text).expect("writing to memory does not fail");
}
