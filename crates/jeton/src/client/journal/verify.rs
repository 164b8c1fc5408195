//! `jeton journal verify` and `checkpoint`: whether the journal is what was written.
//!
//! The server can be asked to recompute its chain. Whoever does not want to take its word reads the
//! whole journal, recomputes every hash here, and compares signed checkpoints that were kept elsewhere.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use api::Empty;
use api::journal::{Entry, Verification};
use clap::Args;
use serde_json::json;
use store::{Audit, Checkpoint, JournalRow, read_checkpoints};

use super::super::http::Request;
use super::super::{Desk, WholeServerArgs, output};
use crate::exit::{Exit, Failure};

/// Checks that the journal is what was written, and ends with 1 where it is not.
///
/// The server recomputes its chain. With `--checkpoints` all of the journal is read and recomputed
/// here instead, and compared with what was signed. With `--file` an export is checked instead, and no
/// server is needed.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton journal verify
  jeton journal verify --checkpoints kept.log
  jeton journal verify --file whole.jsonl --checkpoints kept.log")]
pub(super) struct VerifyArgs {
    /// A file of signed checkpoints, such as the server writes, that was kept where nobody could change
    /// it.
    #[arg(long, value_name = "FILE")]
    checkpoints: Option<PathBuf>,
    /// The public key under which they must be signed, in hexadecimal [default: the first one's].
    #[arg(long, value_name = "KEY", requires = "checkpoints")]
    key: Option<String>,
    /// An export of the whole server's journal, as JSON lines.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    server: WholeServerArgs,
}

pub(super) fn verify(args: VerifyArgs) -> Result<Exit, Failure> {
    let checkpoints = match &args.checkpoints {
        None => Vec::new(),
        Some(path) => read_checkpoints(path, args.key.as_deref()).map_err(|cause| {
            Failure::failed(cause.to_string()).help("`jeton journal checkpoint` shows the server's key")
        })?,
    };
    let outcome = match (&args.file, checkpoints.is_empty()) {
        (Some(path), _) => {
            let erasures = entries(open(path)?)
                .filter(|entry| entry.as_ref().map_or(true, |entry| Audit::needs(&entry.action)));
            let erasures: Vec<JournalRow> = erasures.collect::<Result<_, _>>()?;
            audit(entries(open(path)?), &erasures, checkpoints)?
        }
        (None, false) => {
            let mut desk = Desk::of_server(&args.server)?;
            let request = || Request::get("/v1/journal").query("format", Some("jsonl"));
            let mut erasures = Vec::new();
            for action in ["journal.erased", "member.erased"] {
                for entry in entries(desk.stream(&request().query("action", Some(action)))?) {
                    erasures.push(entry?);
                }
            }
            erasures.sort_by_key(|entry: &JournalRow| entry.seq);
            audit(entries(desk.stream(&request())?), &erasures, checkpoints)?
        }
        (None, true) => asked(&mut Desk::of_server(&args.server)?)?,
    };
    match args.server.json() {
        true => output::data(&outcome.json.to_string())?,
        false => output::data(&outcome.sentence)?,
    }
    Ok(if outcome.valid { Exit::Done } else { Exit::Failed })
}

/// What was found, for people and for programs.
struct Outcome {
    valid: bool,
    sentence: String,
    json: serde_json::Value,
}

fn holds(entries: i64, erased: i64) -> String {
    let erased = match erased {
        0 => String::new(),
        erased => format!("; {erased} have no payload any more"),
    };
    format!("{}, the chain holds{erased}", output::entries(entries))
}

/// What the server says.
fn asked(desk: &mut Desk) -> Result<Outcome, Failure> {
    let answer = desk.send(&Request::post("/v1/journal/verify", &Empty {}))?;
    let said: Verification = answer.read()?;
    let json: serde_json::Value = answer.read()?;
    let sentence = match &said.broken {
        None => holds(said.entries.unwrap_or_default(), said.erased.unwrap_or_default()),
        Some(broken) => format!("entry {} {}", broken.seq, broken.what),
    };
    Ok(Outcome { valid: said.valid, sentence, json })
}

/// What the entries themselves say.
fn audit(
    entries: impl Iterator<Item = Result<JournalRow, Failure>>,
    erasures: &[JournalRow],
    checkpoints: Vec<Checkpoint>,
) -> Result<Outcome, Failure> {
    let count = checkpoints.len();
    let mut audit = Audit::new(checkpoints, erasures);
    for entry in entries {
        audit.step(&entry?);
    }
    Ok(match audit.end() {
        Err(broken) => Outcome {
            valid: false,
            sentence: broken.to_string(),
            json: json!({ "valid": false, "broken": { "seq": broken.seq, "what": broken.what } }),
        },
        Ok(found) => match found.disagreement {
            Some(disagreement) => Outcome {
                valid: false,
                sentence: disagreement.to_string(),
                json: json!({ "valid": false, "disagrees": disagreement.checkpoint, "agreed": disagreement.agreed }),
            },
            None => {
                let agrees = match count {
                    0 => String::new(),
                    1 => "; the checkpoint agrees".to_owned(),
                    count => format!("; all {count} checkpoints agree"),
                };
                Outcome {
                    valid: true,
                    sentence: holds(found.entries, found.erased) + &agrees,
                    json: json!({
                        "valid": true, "entries": found.entries, "erased": found.erased, "checkpoints": count,
                    }),
                }
            }
        },
    })
}

/// The entries of a journal as it was exported.
fn entries(lines: impl BufRead) -> impl Iterator<Item = Result<JournalRow, Failure>> {
    lines.lines().enumerate().map(|(n, line)| {
        let line = line.map_err(|cause| {
            Failure::new(Exit::Unreachable, format!("the journal broke off: {cause}")).help("begin again")
        })?;
        let entry = serde_json::from_str(&line).ok().and_then(entry);
        entry.ok_or_else(|| {
            Failure::failed(format!("line {} is no entry of a journal", n + 1))
                .help("export it with `jeton journal export --everywhere`")
        })
    })
}

fn open(path: &Path) -> Result<BufReader<File>, Failure> {
    let opened = File::open(path);
    opened
        .map(BufReader::new)
        .map_err(|cause| Failure::failed(format!("could not read {}: {cause}", path.display())))
}

/// An entry of the API as the chain is made of.
fn entry(entry: Entry) -> Option<JournalRow> {
    Some(JournalRow {
        seq: entry.seq,
        at: entry.at.parse().ok()?,
        actor: entry.actor,
        account: entry.account.map(|account| account.parse()).transpose().ok()?,
        action: entry.action,
        subject: entry.subject,
        payload: entry.payload,
        salt: match entry.salt {
            Some(salt) => Some(bytes(&salt)?),
            None => None,
        },
        entry_hash: bytes(&entry.entry_hash)?,
        hash: bytes(&entry.hash)?,
    })
}

fn bytes<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let pairs = digits.as_bytes().chunks(2);
    let bytes: Option<Vec<u8>> =
        pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect();
    bytes?.try_into().ok()
}

/// Prints what the journal is now, signed by the server, for a file that is kept elsewhere.
///
/// `key` in it is the server's public key.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton journal checkpoint >> kept.log
  jeton journal checkpoint | jq -r .key")]
pub(super) struct CheckpointArgs {
    #[command(flatten)]
    server: WholeServerArgs,
}

pub(super) fn checkpoint(args: CheckpointArgs) -> Result<(), Failure> {
    let mut desk = Desk::of_server(&args.server)?;
    // A line of JSON, whether asked for it or not: that is what such a file has.
    output::data(&desk.send(&Request::get("/v1/journal/checkpoint"))?.text)
}
