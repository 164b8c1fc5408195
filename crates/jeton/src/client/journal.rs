//! `jeton journal …`: what happened, to whom, and by whose hand. Looking stands here, following in
//! [`follow`], checking in [`verify`].

mod follow;
mod verify;

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::http::{Request, path};
use super::noun::{self, PageArgs};
use super::output::{self, Sink};
use super::{Desk, ServerArgs, moment};
use crate::exit::{Exit, Failure};
use api::journal::Entry;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};

/// Shows what happened: lists, follows, exports and checks the journal.
///
/// Without a subcommand it lists the newest entries.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(before_help = "\
Examples:
  jeton journal
  jeton journal --about pat_0123456789ab --oldest-first
  jeton journal --follow
  jeton journal export --format csv --to journal.csv
  jeton journal verify --checkpoints checkpoints.log")]
pub struct JournalArgs {
    #[command(subcommand)]
    command: Option<JournalCommand>,
    /// Go on with what comes, until it is interrupted.
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Subcommand)]
enum JournalCommand {
    List(ListArgs),
    Follow(follow::FollowArgs),
    Export(ExportArgs),
    Verify(verify::VerifyArgs),
    Checkpoint(verify::CheckpointArgs),
}

/// Runs a command about the journal.
///
/// # Errors
/// Whatever kept it from being done.
pub fn run(args: JournalArgs) -> Result<Exit, Failure> {
    match args.command {
        None if args.follow => follow::instead_of_a_list(args.list)?,
        None => list(args.list)?,
        Some(JournalCommand::List(args)) => list(args)?,
        Some(JournalCommand::Follow(args)) => follow::follow(args)?,
        Some(JournalCommand::Export(args)) => export(args)?,
        Some(JournalCommand::Verify(args)) => return verify::verify(args),
        Some(JournalCommand::Checkpoint(args)) => verify::checkpoint(args)?,
    }
    Ok(Exit::Done)
}

/// Which entries.
#[derive(Debug, Args)]
struct Filters {
    /// The whole server's journal, for operators.
    #[arg(long)]
    everywhere: bool,
    /// Only what happened so: `token.revoked`, or `token` for all that happens to tokens.
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Only what this member, service account or token did; `operator` or `nobody`.
    #[arg(long, value_name = "ID")]
    by: Option<String>,
    /// Only what happened to this.
    #[arg(long, value_name = "ID")]
    about: Option<String>,
    /// Not before: a time, a day, or a period before now, as in '2 hours'.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Before: a time, a day, or a period before now.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only entries with a greater number.
    #[arg(long, value_name = "NUMBER")]
    after: Option<u64>,
}

impl Filters {
    fn request(&self, desk: &mut Desk, server: &ServerArgs) -> Result<Request, Failure> {
        let (route, account) = match self.everywhere {
            // An account that was named narrows it down.
            true => ("/v1/journal".to_owned(), super::filled(server.account.as_ref())),
            false => (path(&["v1", "accounts", &desk.account()?, "journal"]), None),
        };
        Ok(Request::get(route)
            .query("account", account)
            .query("action", self.action.as_ref())
            .query("actor", self.by.as_ref())
            .query("subject", self.about.as_ref())
            .query("since", moment::passed("--since", self.since.as_deref())?)
            .query("until", moment::passed("--until", self.until.as_deref())?)
            .query("after", self.after))
    }
}

/// Lists entries, the newest first.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton journal list
  jeton journal list --action token.revoked --since '7 days'
  jeton journal list --by mem_0123456789ab --all --json | jq -r '.items[].action'
  jeton journal list --everywhere --oldest-first --after 1200")]
struct ListArgs {
    #[command(flatten)]
    filters: Filters,
    /// In the order in which it happened.
    #[arg(long)]
    oldest_first: bool,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    server: ServerArgs,
}

fn list(args: ListArgs) -> Result<(), Failure> {
    let mut desk = Desk::open(&args.server)?;
    let sort = args.oldest_first.then_some("seq");
    let request = args.filters.request(&mut desk, &args.server)?.query("sort", sort);
    let head = if args.filters.everywhere { &HEAD[..] } else { &HEAD[..5] };
    noun::listed(&mut desk, &request, &args.page, args.server.json(), "entries", |entries: &[Entry]| {
        // The hour of an entry is worth more than who did it.
        let rows = |_| entries.iter().map(|entry| row(entry)[..head.len()].to_vec()).collect();
        noun::print_table(head, &["ACCOUNT", "ACTOR", "SEQ"], rows)
    })
}

fn unexpected(cause: serde_json::Error) -> Failure {
    Failure::failed(format!("the server's journal is not what this version expects: {cause}"))
}

const HEAD: [&str; 6] = ["SEQ", "AT", "ACTION", "SUBJECT", "ACTOR", "ACCOUNT"];

fn row(entry: &Entry) -> [String; 6] {
    let called = |id: &str, name: &Option<String>| match name {
        Some(name) => format!("{name} ({id})"),
        None => id.to_owned(),
    };
    [
        entry.seq.to_string(),
        output::time(&entry.at),
        entry.action.clone(),
        called(&entry.subject, &entry.subject_name),
        called(&entry.actor, &entry.actor_name),
        entry.account.clone().unwrap_or_default(),
    ]
}

/// Writes the whole journal, or what the filters leave of it, in the order in which it happened.
///
/// JSON lines of the whole server (`--everywhere`, without other filters) can be checked anywhere
/// with `jeton journal verify --file`.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton journal export > journal.jsonl
  jeton journal export --format csv --since '1 year' --to journal.csv
  jeton journal export --everywhere --to whole.jsonl")]
struct ExportArgs {
    #[command(flatten)]
    filters: Filters,
    /// JSON lines, or RFC 4180 for spreadsheets, in which no cell is a formula.
    #[arg(long, default_value = "jsonl", value_parser = PossibleValuesParser::new(["jsonl", "csv"]))]
    format: String,
    /// The file to write, which must not be there yet [default: standard output].
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArgs,
}

fn export(args: ExportArgs) -> Result<(), Failure> {
    if args.server.json() && args.format == "csv" {
        return Err(Failure::usage("--json is `--format jsonl`, and --format says csv"));
    }
    let mut desk = Desk::open(&args.server)?;
    let request = args.filters.request(&mut desk, &args.server)?.query("format", Some(&args.format));
    let mut answer = desk.stream(&request)?;
    let mut sink = Sink::open(args.to.as_deref().unwrap_or(Path::new("-")))?;
    let copied = copy(&mut answer, &mut sink).map_err(|failed| match failed {
        Copying::Read(cause) => {
            Failure::new(Exit::Unreachable, format!("the journal broke off: {cause}")).help("begin again")
        }
        Copying::Write(cause) => sink.failed(&cause),
    });
    sink.close(copied).map(drop)
}

/// Which end of a copy failed.
enum Copying {
    Read(io::Error),
    Write(io::Error),
}

fn copy(from: &mut dyn Read, to: &mut dyn Write) -> Result<(), Copying> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match from.read(&mut buffer).map_err(Copying::Read)? {
            0 => return Ok(()),
            read => to.write_all(&buffer[..read]).map_err(Copying::Write)?,
        }
    }
}
