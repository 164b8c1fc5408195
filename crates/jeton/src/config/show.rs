//! Writes the configuration out: `jeton config show`, and the page `docs/configuration.md`. A
//! secret's value is never written, only that it is set.

use serde_json::json;

use super::LIVE;
use super::key::{Key, Kind, Unset};
use super::resolve::{Resolved, Value};

/// The configuration in force as TOML that `jeton.toml` could hold; with `origin`, each line ends
/// with where its value came from.
pub fn as_toml(resolved: &Resolved, origin: bool) -> String {
    let lines: Vec<(String, String)> =
        resolved.values.iter().map(|value| (line(value), value.origin.to_string())).collect();
    let width = lines.iter().map(|(line, _)| line.chars().count()).max().unwrap_or(0);
    lines
        .into_iter()
        .map(|(line, from)| if origin { format!("{line:width$}  # {from}\n") } else { format!("{line}\n") })
        .collect()
}

fn line(value: &Value) -> String {
    let name = value.key.name;
    match &value.text {
        None => format!("# {name} is not set"),
        Some(_) if value.key.secret => format!("# {name} is set and secret"),
        Some(text) => match value.key.kind {
            Kind::Text => format!("{name} = {}", toml::Value::from((value.key.shown)(text))),
            Kind::Number | Kind::Truth => format!("{name} = {text}"),
        },
    }
}

/// The same as one JSON object: `{"server.listen": "127.0.0.1:7070", …}`, or with `origin`
/// `{"server.listen": {"value": …, "origin": …}, …}`. A secret that is set shows as `"(secret)"`.
pub fn as_json(resolved: &Resolved, origin: bool) -> serde_json::Value {
    let entry = |value: &Value| {
        let shown = json_value(value);
        let shown = if origin { json!({"value": shown, "origin": value.origin.to_string()}) } else { shown };
        (value.key.name.to_owned(), shown)
    };
    resolved.values.iter().map(entry).collect::<serde_json::Map<_, _>>().into()
}

fn json_value(value: &Value) -> serde_json::Value {
    match &value.text {
        None => serde_json::Value::Null,
        Some(_) if value.key.secret => json!("(secret)"),
        Some(text) => match value.key.kind {
            Kind::Text => json!((value.key.shown)(text)),
            Kind::Number => text.parse::<u64>().map_or_else(|_| json!(text), |number| json!(number)),
            Kind::Truth => json!(text == "true"),
        },
    }
}

/// The page of the documentation that lists every key.
pub fn as_markdown(keys: &[Key]) -> String {
    let mut page = String::from(PREAMBLE);
    for key in keys {
        let unset = match key.unset {
            Unset::Nothing => "none".to_owned(),
            Unset::Is(text) => format!("`{text}`"),
            Unset::Otherwise(how) | Unset::Computed(how, _) => how.to_owned(),
        };
        let variable = key.variable();
        let file = if key.secret { format!(" or `{variable}_FILE`") } else { String::new() };
        let secret = match key.of_file() {
            Some(name) => {
                format!("- secret: never shown or logged; `{name}` in the file names a file that holds it\n")
            }
            None => String::new(),
        };
        let live = if LIVE.contains(&key.name) { "- changed by a reload\n" } else { "" };
        page += &format!(
            "\n## `{}`\n\n{}\n\n- accepts {}\n- default: {unset}\n- environment: `{variable}`{file}\n{live}{secret}",
            key.name,
            key.doc.trim(),
            key.accepts,
        );
    }
    page
}

const PREAMBLE: &str = "\
# Configuration

<!-- Rendered from the table of keys in crates/jeton/src/config.rs; a test compares the two.
     After a change: UPDATE_DOCS=1 cargo test -p jeton configuration_page -->

A value comes from the first of these that sets it:

1. a flag of the command (`--data`, `--store`, `--listen`, `--preset`),
2. the environment: `JETON_` and the key in capitals, with two underscores for the point;
   each secret also as `…_FILE`, the path of a file that holds it,
3. the file: the one that `--config FILE` names, otherwise `/etc/jeton/jeton.toml`, otherwise
   `jeton.toml` in the working directory; each secret also as `…_file`,
4. the default.

In the file a key stands in the table of its section:

```toml
data = \"/var/lib/jeton\"

[server]
listen = \"127.0.0.1:7070\"
```

A key or a `JETON_` variable that jeton does not know is refused, with the nearest one that it
knows. `jeton config show --origin` prints every value and where it came from; `jeton config check`
names everything that is wrong. A server reads it again on SIGHUP (`systemctl reload jeton`): keys
that say so below change at once, others at the next start, and the log says which. What accounts may do is not configuration but policy, and is
changed while the server runs.
";
