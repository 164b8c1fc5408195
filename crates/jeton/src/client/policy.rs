//! `jeton policy …`: what an account allows, as one document that is read and written whole.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use api::accounts::Policy;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::http::Request;
use super::noun::Place;
use super::{ReauthArgs, ServerArgs, output};
use crate::exit::Failure;

/// Shows or sets the policy of an account.
///
/// It says which tokens there may be, what they may do, and who may do what with them.
#[derive(Debug, Subcommand)]
#[command(before_help = "\
Examples:
  jeton policy show > policy.toml
  jeton policy set policy.toml")]
pub enum PolicyCommand {
    Show(ShowArgs),
    Set(SetArgs),
}

/// # Errors
/// Whatever kept it from being done.
pub fn run(command: PolicyCommand) -> Result<(), Failure> {
    match command {
        PolicyCommand::Show(args) => show(&args),
        PolicyCommand::Set(args) => set(&args),
    }
}

/// Prints an account's policy as TOML, or as JSON.
///
/// A switch that is not printed is off; `jeton policy set` takes what this prints.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton policy show > policy.toml
  jeton policy show --account acme --json | jq .expiry")]
pub struct ShowArgs {
    #[command(flatten)]
    server: ServerArgs,
}

fn show(args: &ShowArgs) -> Result<(), Failure> {
    let mut desk = args.server.open()?;
    let route = ServerArgs::route(&mut desk, &["policy"])?;
    let answer = desk.send(&Request::get(route))?;
    if args.server.json() {
        return output::data(&answer.text);
    }
    let Policy(document) = answer.read()?;
    output::data(as_toml(document)?.trim_end())
}

/// Replaces an account's policy by a document in TOML or JSON.
///
/// The document holds all switches, as `jeton policy show` prints them. One that is left out is off,
/// and where it cannot be off the server says so.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton policy set policy.toml
  jeton policy set policy.json --account acme --password-file password
  jeton policy show --json | jq '.rotate.allowed = true' | jeton policy set -")]
pub struct SetArgs {
    /// The file with the policy, `-` for standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    reauth: ReauthArgs,
    #[command(flatten)]
    server: ServerArgs,
}

fn set(args: &SetArgs) -> Result<(), Failure> {
    if args.file == Path::new("-") && args.reauth.reads_standard_input() {
        return Err(Failure::usage("only one of the policy and the password can come from standard input"));
    }
    let (text, place) = read(&args.file)?;
    let document = parsed(&text, &place)?;
    let mut desk = args.server.open()?;
    let route = ServerArgs::route(&mut desk, &["policy"])?;
    let answer = args.reauth.send(&mut desk, |proof| {
        let mut switches = document.clone();
        // They stand beside the switches.
        for (field, secret) in [("password", &proof.password), ("one_time_code", &proof.one_time_code)] {
            if let Some(secret) = secret {
                switches.insert(field.to_owned(), Value::String(secret.expose().to_owned()));
            }
        }
        Request::put(route.as_str(), &switches)
    })?;
    match args.server.json() {
        true => output::data(&answer.text),
        false => {
            output::say(&format!("the policy of {} is what {place} says", desk.account()?));
            Ok(())
        }
    }
}

/// No policy is longer.
const LONGEST: u64 = 1 << 20;

/// The text of a file, and how a sentence calls the place.
fn read(file: &Path) -> Result<(String, String), Failure> {
    let standard = file == Path::new("-");
    let place = if standard { "standard input".to_owned() } else { file.display().to_string() };
    let mut text = String::new();
    let source: io::Result<Box<dyn Read>> =
        if standard { Ok(Box::new(io::stdin())) } else { File::open(file).map(|file| Box::new(file) as _) };
    match source.and_then(|source| source.take(LONGEST + 1).read_to_string(&mut text)) {
        Err(cause) => Err(Failure::failed(format!("could not read the policy from {place}: {cause}"))),
        Ok(_) if text.len() as u64 > LONGEST => {
            Err(Failure::failed(format!("could not read the policy from {place}: it is longer than 1 MiB")))
        }
        Ok(_) => Ok((text, place)),
    }
}

/// A document in JSON, which begins with a brace, or in TOML, which cannot.
fn parsed(text: &str, place: &str) -> Result<serde_json::Map<String, Value>, Failure> {
    let wrong = |cause: &dyn std::fmt::Display| {
        Failure::failed(format!("{place} is not a policy: {}", cause.to_string().trim_end()))
    };
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|cause| wrong(&cause));
    }
    let switches: serde_json::Map<String, Value> = toml::from_str(text).map_err(|cause| wrong(&cause))?;
    match switches.is_empty() {
        true => Err(wrong(&"it is empty")),
        false => Ok(switches),
    }
}

/// The document without what is null: TOML has no word for that, and absent says the same.
fn as_toml(mut document: Value) -> Result<String, Failure> {
    drop_nulls(&mut document);
    toml::to_string_pretty(&document).map_err(|cause| {
        Failure::failed(format!("could not write the policy as TOML: {cause}")).help("see --json")
    })
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
