//! `jeton export`: everything but secrets, for other programs.
//!
//! Like a backup it reads the database itself: it is all accounts' data at once, which no route hands
//! out, and takes one moment for however long it writes.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::Installation;
use crate::client::output;
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
  jeton export --to - | jq -c 'select(.kind == \"token\") | .row'")]
pub(crate) struct ExportArgs {
    /// The file to write, which must not be there yet; `-` for standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) to: PathBuf,
    #[command(flatten)]
    pub(crate) installation: Installation,
}

pub(crate) fn export(args: &ExportArgs) -> Result<(), Failure> {
    let (config, _) = args.installation.load(Vec::new())?;
    let access = access::of(&config)?;
    let failed =
        |cause: io::Error| Failure::failed(format!("could not write {}: {cause}", args.to.display()));
    let mut to: BufWriter<Box<dyn Write>> = BufWriter::new(match args.to == Path::new("-") {
        true => Box::new(io::stdout().lock()),
        false => {
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&args.to);
            Box::new(file.map_err(failed)?)
        }
    });
    let counts = wiring::block_on(async {
        store::export(&access, |line| writeln!(to, "{line}"))
            .await
            .map_err(|why| anyhow::Error::from(why).into())
    })?;
    to.flush().map_err(failed)?;
    let all: Vec<String> = counts.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    output::say(&all.join(", "));
    Ok(())
}
