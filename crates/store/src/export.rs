//! Everything of an installation that is no secret, a JSON object a line, from one moment.
//!
//! Each line is `{"kind": <table>, "row": {…}}`, the first one of the kind `export`: the place in the
//! journal that all others are of. Times are RFC 3339, sets of permissions the names in them. Columns
//! are named one by one, so that a new one is left out until somebody has thought of it; left out for
//! good are hashes of passwords, digests, whatever is sealed, and what is nobody's fact.

use std::io;

use domain::permission::PermissionSet;
use domain::time::Timestamp;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use crate::contract::Unavailable;
use crate::journal::hex;
use crate::place::Access;
use crate::transfer::{Cell, End, MoveError, WAITING};

use As::{Flag, Hex, Json, Plain, Rights, Time};

/// How a column is written.
#[derive(Clone, Copy)]
enum As {
    Plain,
    Time,
    Flag,
    Hex,
    Json,
    /// JSON with sets of permissions in it, which become the names in them. In any other document the
    /// same digits are somebody's text, or a digest.
    Rights,
}

type Columns = &'static [(&'static str, As)];

/// What is exported, what is referred to before what refers to it.
const KINDS: [(&str, Columns); 17] = [
    ("permission", &[("bit", Plain), ("name", Plain)]),
    (
        "account",
        &[
            ("id", Plain),
            ("name", Plain),
            ("external_id", Plain),
            ("metadata", Json),
            ("preset", Plain),
            ("created_at", Time),
            ("inactive_since", Time),
            ("policy", Json),
            ("levels", Json),
            ("entities", Json),
            ("roles", Rights),
            ("last_number", Plain),
            ("version", Plain),
        ],
    ),
    (
        "person",
        &[
            ("id", Plain),
            ("email", Plain),
            ("factor_since", Time),
            ("operator", Flag),
            ("created_at", Time),
            ("version", Plain),
        ],
    ),
    (
        "holder",
        &[
            ("account", Plain),
            ("id", Plain),
            ("name", Plain),
            ("person", Plain),
            ("email", Plain),
            ("external_id", Plain),
            ("metadata", Json),
            ("bindings", Json),
            ("inactive_since", Time),
            ("approve_after", Time),
            ("revoked_before", Time),
            ("removed_at", Time),
            ("tokens_deleted_at", Time),
            ("mail", Flag),
            ("created_at", Time),
            ("version", Plain),
        ],
    ),
    (
        "node",
        &[("account", Plain), ("path", Plain), ("name", Plain), ("created_at", Time), ("version", Plain)],
    ),
    (
        "installation",
        &[
            ("account", Plain),
            ("id", Plain),
            ("name", Plain),
            ("nodes", Json),
            ("created_at", Time),
            ("version", Plain),
        ],
    ),
    (
        "token",
        &[
            ("account", Plain),
            ("number", Plain),
            ("id", Plain),
            ("holder", Plain),
            ("issued_by", Plain),
            ("name", Plain),
            ("description", Plain),
            ("metadata", Json),
            ("granted", Rights),
            ("node", Plain),
            ("desk", Flag),
            ("created_at", Time),
            ("not_before", Time),
            ("expires_at", Time),
            ("approved_at", Time),
            ("revoked_at", Time),
            ("leaked_at", Time),
            ("rotated_to", Plain),
            ("grace_until", Time),
            ("deleted_at", Time),
            ("reason", Plain),
            ("conditions", Json),
            ("version", Plain),
        ],
    ),
    (
        "service",
        &[
            ("id", Plain),
            ("name", Plain),
            ("scopes", Json),
            ("accounts", Json),
            ("created_at", Time),
            ("revoked_at", Time),
            ("version", Plain),
        ],
    ),
    ("token_use", &[("token", Plain), ("at", Time), ("address", Plain)]),
    ("usage_day", &[("token", Plain), ("day", Plain), ("admitted", Plain), ("refused", Plain)]),
    (
        "usage_source",
        &[
            ("token", Plain),
            ("day", Plain),
            ("source", Plain),
            ("name", Plain),
            ("admitted", Plain),
            ("refused", Plain),
        ],
    ),
    (
        "letter",
        &[
            ("id", Plain),
            ("account", Plain),
            ("member", Plain),
            ("topic", Plain),
            ("queued_at", Time),
            ("next_at", Time),
            ("tries", Plain),
            ("outcome", Plain),
            ("ended_at", Time),
            ("version", Plain),
        ],
    ),
    (
        "matter",
        &[
            ("account", Plain),
            ("member", Plain),
            ("topic", Plain),
            ("token", Plain),
            ("at", Time),
            ("actor", Plain),
            ("letter", Plain),
        ],
    ),
    (
        "notice",
        &[
            ("token", Plain),
            ("ends_at", Time),
            ("member", Plain),
            ("days", Plain),
            ("account", Plain),
            ("letter", Plain),
        ],
    ),
    (
        "webhook",
        &[
            ("account", Plain),
            ("id", Plain),
            ("name", Plain),
            ("url", Plain),
            ("actions", Json),
            ("enabled", Flag),
            ("older_until", Time),
            ("created_at", Time),
            ("through", Plain),
            ("failing_since", Time),
            ("paused_until", Time),
            ("missed", Plain),
            ("version", Plain),
        ],
    ),
    (
        "delivery",
        &[
            ("webhook", Plain),
            ("seq", Plain),
            ("account", Plain),
            ("action", Plain),
            ("subject", Plain),
            ("since", Time),
            ("next_at", Time),
            ("tries", Plain),
            ("fate", Plain),
            ("status", Plain),
            ("trouble", Plain),
            ("ended_at", Time),
            ("version", Plain),
        ],
    ),
    (
        "journal",
        &[
            ("seq", Plain),
            ("at", Time),
            ("actor", Plain),
            ("account", Plain),
            ("action", Plain),
            ("subject", Plain),
            ("payload", Json),
            ("salt", Hex),
            ("entry_hash", Hex),
            ("hash", Hex),
        ],
    ),
];

const HEAD: (&str, Columns) = ("head", &[("seq", Plain), ("at", Time), ("hash", Hex)]);

/// Why an export broke off.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error(transparent)]
    Store(#[from] MoveError),
    #[error("could not read {place}")]
    Unavailable { place: String, source: Unavailable },
    #[error("could not write the export")]
    Io(#[source] io::Error),
}

/// Hands each line, without its end, to `take`. Servers may run. Returns how many rows there were of
/// each kind.
///
/// # Errors
/// A store that is not there, is of another version of the schema, or cannot be read; and what
/// `take` says.
pub async fn export(
    access: &Access,
    mut take: impl FnMut(&str) -> io::Result<()>,
) -> Result<Vec<(&'static str, u64)>, ExportError> {
    let mut end = End::look(access).await?;
    let mut names = Vec::new();
    let mut counts = Vec::with_capacity(KINDS.len());
    let first = [HEAD].into_iter().chain(KINDS);
    for (kind, columns) in first {
        let place = end.place();
        let failed = |source| ExportError::Unavailable { place: place.clone(), source };
        let fields: Vec<String> = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
        let (sender, mut receiver) = mpsc::channel(WAITING);
        let mut count = 0;
        let write = async {
            while let Some(batch) = receiver.recv().await {
                for row in batch {
                    let row =
                        object(columns, row, &names).map_err(|cause| failed(Unavailable::because(cause)))?;
                    let shown = if kind == HEAD.0 { "export" } else { kind };
                    take(&json!({"kind": shown, "row": row}).to_string()).map_err(ExportError::Io)?;
                    if kind == "permission" {
                        names.push(row["name"].as_str().unwrap_or_default().to_owned());
                    }
                    count += 1;
                }
            }
            Ok::<(), ExportError>(())
        };
        // Where writing fails, reading ends early and says nothing.
        let (read, written) = tokio::join!(end.send(kind, &fields, sender), write);
        written?;
        read.map_err(failed)?;
        if kind != HEAD.0 {
            counts.push((kind, count));
        }
    }
    end.abandon().await;
    Ok(counts)
}

fn object(columns: Columns, row: Vec<Cell>, names: &[String]) -> serde_json::Result<Map<String, Value>> {
    columns
        .iter()
        .zip(row)
        .map(|((name, how), cell)| Ok(((*name).to_owned(), value(*how, cell, names)?)))
        .collect()
}

fn value(how: As, cell: Cell, names: &[String]) -> serde_json::Result<Value> {
    Ok(match (how, cell) {
        (_, Cell::Null) => Value::Null,
        (Time, Cell::Number(micros)) => json!(Timestamp::from_micros(micros)),
        (Flag, Cell::Number(truth)) => Value::Bool(truth != 0),
        (_, Cell::Number(number)) => json!(number),
        (Json, Cell::Text(text)) => serde_json::from_str(&text)?,
        (Rights, Cell::Text(text)) => {
            let mut document = serde_json::from_str(&text)?;
            spell(&mut document, names);
            document
        }
        (_, Cell::Text(text)) => Value::String(text),
        (_, Cell::Bytes(bytes)) => {
            let mut digits = String::with_capacity(2 * bytes.len());
            hex(&bytes, &mut digits);
            Value::String(digits)
        }
    })
}

/// Sets of permissions in a document become the names in them.
fn spell(document: &mut Value, names: &[String]) {
    match document {
        Value::String(text) => {
            if let Ok(set) = text.parse::<PermissionSet>() {
                *document = set
                    .bits()
                    .map(|bit| names.get(usize::from(bit)).map_or(Value::Null, |name| json!(name)))
                    .collect();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| spell(item, names)),
        Value::Object(fields) => fields.values_mut().for_each(|field| spell(field, names)),
        _ => {}
    }
}
