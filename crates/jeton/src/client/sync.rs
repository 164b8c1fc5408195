//! `jeton account sync` and `jeton member sync`: the product's own customers and users, put by its ids
//! for them. What each becomes is the server's to say; the same file again changes nothing.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use api::provision::{Outcome, PutOutcome, PutOutcomes};
use clap::Args;
use serde_json::{Deserializer, Value, json};

use super::http::Request;
use super::noun::Place;
use super::output::{self, many};
use crate::exit::{Exit, Failure};

/// As many as the server takes in one request.
const MOST: usize = 1000;
/// Refused ones that are told one by one.
const TOLD: usize = 20;

/// What is put, and where.
#[derive(Debug, Args)]
pub struct SyncArgs<P: Place> {
    /// The file of JSON objects, one after the other, as on lines of their own; `-` for standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    place: P,
}

/// Puts all of a file, and ends with 1 where one was refused. `noun` is the part of the route, and the
/// name under which a request has them; `one` is what one is called.
///
/// # Errors
/// A file that is not what it should be, and what the server says of a whole request.
pub fn sync<P: Place>(args: &SyncArgs<P>, noun: &'static str, one: &str) -> Result<Exit, Failure> {
    let mut items = items(&args.file)?;
    let mut desk = args.place.open()?;
    let route = P::route(&mut desk, &[noun, "by-external-id"])?;
    let mut outcomes: Vec<PutOutcome> = Vec::new();
    loop {
        let batch: Vec<Value> = items.by_ref().take(MOST).collect::<Result<_, _>>()?;
        if batch.is_empty() {
            break;
        }
        let answer = desk.send(&Request::put(route.as_str(), &json!({ noun: batch }))).map_err(|failed| {
            let done = many(outcomes.len() as u64, one);
            let again =
                format!("before that, {done} went in; run it again: what is so already is passed over");
            if outcomes.is_empty() { failed } else { failed.help(again) }
        })?;
        outcomes.extend(answer.read::<PutOutcomes>()?.outcomes);
    }
    let refused = outcomes.iter().filter(|each| each.outcome == Outcome::Refused).count();
    if args.place.json() {
        let whole = PutOutcomes { outcomes };
        output::data(&serde_json::to_string(&whole).expect("the API's types have no failing parts"))?;
    } else {
        tell(&outcomes, refused, one)?;
    }
    Ok(if refused == 0 { Exit::Done } else { Exit::Failed })
}

fn tell(outcomes: &[PutOutcome], refused: usize, one: &str) -> Result<(), Failure> {
    let problems = outcomes.iter().zip(1..).filter_map(|(each, n)| Some((each, n, each.problem.as_ref()?)));
    for (each, number, problem) in problems.take(TOLD) {
        let fields: Vec<_> = problem.errors.iter().map(|error| error.detail.as_str()).collect();
        let why = if fields.is_empty() { problem.detail.clone() } else { fields.join(" ") };
        // One without an id is found by its place in the file.
        let called = each.external_id.clone().filter(|id| !id.trim().is_empty());
        output::say(&format!("{}: {why}", called.unwrap_or_else(|| format!("number {number}"))));
    }
    if refused > TOLD {
        output::say(&format!("and {} more; --json names them all", refused - TOLD));
    }
    let of = |outcome| outcomes.iter().filter(|each| each.outcome == outcome).count();
    output::data(&format!(
        "{}: {} created, {} updated, {} unchanged, {refused} refused.",
        many(outcomes.len() as u64, one),
        of(Outcome::Created),
        of(Outcome::Updated),
        of(Outcome::Unchanged),
    ))
}

type Items = Box<dyn Iterator<Item = Result<Value, Failure>>>;

/// The objects of a file, read as they are asked for.
fn items(file: &Path) -> Result<Items, Failure> {
    let standard = file == Path::new("-");
    let place = if standard { "standard input".to_owned() } else { file.display().to_string() };
    let source: io::Result<Box<dyn Read>> =
        if standard { Ok(Box::new(io::stdin())) } else { File::open(file).map(|file| Box::new(file) as _) };
    let source = source.map_err(|cause| Failure::failed(format!("could not read {place}: {cause}")))?;
    let values = Deserializer::from_reader(BufReader::new(source)).into_iter::<Value>();
    let mut number = 0;
    let read = values.map(move |value| {
        number += 1;
        match value {
            Ok(value) if value.is_object() => Ok(value),
            Ok(_) => Err(Failure::failed(format!(
                "{place}: number {number} is no JSON object such as {{\"external_id\": \"4711\", \"name\": \"Ada\"}}"
            ))),
            Err(cause) => Err(Failure::failed(format!("{place}: number {number} is not JSON: {cause}"))),
        }
    });
    Ok(Box::new(read))
}
