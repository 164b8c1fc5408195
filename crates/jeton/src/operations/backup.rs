//! `jeton backup`: copies the database of a running server, whole and checked.
//!
//! It reads the file beside the server instead of asking it over HTTP: a backup is for whoever has the
//! machine, it must also come off when the server does not answer, and a token that makes a server
//! write files would be a power of its own.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use store::BackedUp;
use store::place::Place;

use crate::access;
use crate::cli::Installation;
use crate::client::output;
use crate::exit::Failure;

/// Writes a backup of the database to a new file, also while the server runs.
///
/// The file is read through before it gets its name: every page, the journal's chain, every table. Not
/// in it are the key file, without which what is sealed in it stays shut (keep a copy of that apart from
/// the backups), and narrowings.log, by which a restore knows what was revoked since (copy that more
/// often). A database on PostgreSQL is backed up with PostgreSQL's own means.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton backup --to /backup/jeton-monday.db
  jeton backup --data /srv/jeton --to /backup/jeton.db --json")]
pub(crate) struct BackupArgs {
    /// The file to write, which must not be there yet.
    #[arg(long, value_name = "FILE")]
    pub(crate) to: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) installation: Installation,
}

pub(crate) fn backup(args: &BackupArgs) -> Result<(), Failure> {
    let (config, _) = args.installation.load(Vec::new())?;
    let Place::Sqlite(data) = access::place(&config) else {
        return Err(on_postgres(
            "`pg_dump --format=custom`, or base backups with archived WAL to reach any moment, back up the database",
        ));
    };
    let done = store::backup(&data, &args.to).map_err(anyhow::Error::from)?;
    if args.json {
        return output::data(&as_json(args, &done).to_string());
    }
    let rows = done.rows.iter().map(|(table, count)| vec![table.clone(), count.to_string()]);
    output::data(&output::table(&["TABLE", "ROWS"], rows))?;
    output::data(&format!(
        "\n{} has {} bytes and the journal's {}; the last is of {} and has the hash {}.",
        args.to.display(),
        done.bytes,
        output::entries(done.entries),
        output::time(&done.at.to_string()),
        done.head
    ))?;
    output::data(&format!(
        "Not in it: the key file {} (keep a copy elsewhere than the backups) and {} (copy it as often as you can: \
         a restore takes away again what it says).",
        config.keys_file.display(),
        data.join("narrowings.log").display()
    ))
}

fn as_json(args: &BackupArgs, done: &BackedUp) -> serde_json::Value {
    let rows: serde_json::Map<_, _> =
        done.rows.iter().map(|(table, count)| (table.clone(), json!(count))).collect();
    json!({
        "file": args.to.display().to_string(), "bytes": done.bytes, "rows": rows, "entries": done.entries,
        "at": done.at, "head": done.head,
    })
}

/// A command that works on SQLite's files, where there are none.
pub(crate) fn on_postgres(instead: &str) -> Failure {
    Failure::usage("the facts are in a database on PostgreSQL, and this is for SQLite")
        .help(format!("{instead}; the section Backup of docs/postgres.md says how"))
}
