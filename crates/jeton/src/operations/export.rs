//! `jeton export`: everything but secrets, for other programs.
//!
//! Like a backup it reads the database itself: it is all accounts' data at once, which no route hands
//! out, and takes one moment for however long it writes.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use store::ExportError;

use crate::cli::Installation;
use crate::client::output::{self, Sink};
use crate::exit::Failure;
use crate::{access, wiring};

/// Writes everything but secrets as JSON lines, from one moment; servers may run.
///
/// Accounts with roles and policies, people, members and service accounts, nodes, installations, tokens,
/// services, counts of use, the journal. Not in it are hashes of passwords, digests of tokens and
/// whatever is sealed, so nothing can be restored from it: that is what `jeton backup` is for.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton export --to everything.jsonl
  jeton export --to everything.jsonl --json | jq .rows.token
  jeton export --to - | jq -c 'select(.kind == \"token\") | .row'")]
pub(crate) struct ExportArgs {
    /// The file to write, which must not be there yet; `-` for standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) to: PathBuf,
    /// Print how much there was of each kind as JSON; not beside `--to -`.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) installation: Installation,
}

pub(crate) fn export(args: &ExportArgs) -> Result<(), Failure> {
    let (config, _) = args.installation.load(Vec::new())?;
    let access = access::of(&config)?;
    if args.json && args.to == Path::new("-") {
        return Err(Failure::usage("--json tells of a file; with `--to -` standard output is the export"));
    }
    let mut sink = Sink::open(&args.to)?;
    let written = wiring::block_on(async {
        // A failure of writing is the sink's to tell.
        Ok(store::export(&access, |line| writeln!(sink, "{line}")).await)
    });
    let written = written.and_then(|done| {
        done.map_err(|why| match why {
            ExportError::Io(cause) => sink.failed(&cause),
            why => anyhow::Error::from(why).into(),
        })
    });
    let Some(counts) = sink.close(written)? else { return Ok(()) };
    if args.json {
        let rows: serde_json::Map<_, _> =
            counts.iter().map(|(kind, count)| ((*kind).to_owned(), json!(count))).collect();
        let printed = json!({"file": args.to.display().to_string(), "rows": rows});
        return output::data(&printed.to_string());
    }
    let all: Vec<String> = counts.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    output::say(&all.join(", "));
    Ok(())
}
