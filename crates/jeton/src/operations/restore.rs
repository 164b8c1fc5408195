//! `jeton restore`: takes a backup back, and away again what was taken away since.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::json;
use store::place::Place;
use store::{Log, Order, Restored};
use token::SystemEntropy;

use super::backup::on_postgres;
use crate::cli::Installation;
use crate::client::output;
use crate::exit::Failure;
use crate::{access, owner, wiring};

/// Puts a backup in the database's place, without bringing back what was revoked since.
///
/// Refused while the server runs. The backup is checked first, and needs the key file it was written
/// with. What narrowings.log says of later changes (revocations, deactivations, narrower roles and
/// policies) holds again afterwards, and is printed; everything else that was made since is gone. A
/// database that is there is kept aside.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton restore --from /backup/jeton-monday.db --replace
  jeton restore --from jeton.db --narrowings /backup/narrowings.log --data /srv/jeton")]
pub(crate) struct RestoreArgs {
    /// The backup.
    #[arg(long, value_name = "FILE")]
    pub(crate) from: PathBuf,
    /// Replace the database that is there, and keep it aside.
    #[arg(long)]
    pub(crate) replace: bool,
    /// A copy of narrowings.log, where the data directory has none of this installation.
    #[arg(long, value_name = "FILE")]
    pub(crate) narrowings: Option<PathBuf>,
    /// Restore though narrowings.log is lost: what was revoked since is good again.
    #[arg(long, conflicts_with = "narrowings")]
    pub(crate) without_narrowings: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) installation: Installation,
}

pub(crate) fn restore(args: &RestoreArgs) -> Result<(), Failure> {
    let (config, _) = args.installation.load(Vec::new())?;
    let Place::Sqlite(data) = access::place(&config) else {
        return Err(on_postgres("`pg_restore`, or recovery to a point in time, restores the database"));
    };
    owner::must_not_be_another(&data)?;
    must_be_a_database(&args.from)?;
    let log = match &args.narrowings {
        Some(path) => Log::File(path.clone()),
        None if args.without_narrowings => Log::Lost,
        None => Log::Beside,
    };
    let order = Order { data, keys: config.keys_file, from: args.from.clone(), replace: args.replace, log };
    let done =
        store::restore(&order, Arc::new(wiring::clock()), &SystemEntropy).map_err(anyhow::Error::from)?;
    if args.json {
        return output::data(&as_json(&done).to_string());
    }
    if !done.reasserted.is_empty() {
        let rows = done.reasserted.iter().map(|row| {
            let account = row.account.as_ref().map(ToString::to_string).unwrap_or_default();
            vec![row.table.to_owned(), account, row.id.clone(), row.columns.join(", ")]
        });
        output::data(&output::table(&["TAKEN AWAY AGAIN", "ACCOUNT", "ID", "WHAT"], rows))?;
        output::data("")?;
    }
    output::data(&format!(
        "The server is as it was at entry {} of {}, but for {} from which something was taken away since.",
        done.position,
        output::time(&done.at.to_string()),
        output::many(done.reasserted.len() as u64, "row")
    ))?;
    for (table, count) in &done.absent {
        output::data(&format!(
            "Not in the backup, so they do not exist: {} of the table {table}, narrowed since.",
            output::many(*count as u64, "row")
        ))?;
    }
    if let Some(aside) = &done.aside {
        output::say(&format!(
            "The database that was there is in {}; remove it when you no longer need it.",
            aside.display()
        ));
    }
    if let Some(why) = &done.unread {
        output::say(&format!(
            "It could not be read ({why}); what was revoked in the moment before it broke may be missing from narrowings.log."
        ));
    }
    if args.without_narrowings {
        output::say(&match done.lines {
            0 => "Nothing is known of what was revoked since: look through what people reported.".to_owned(),
            lines => format!(
                "What narrowings.log still had, {} later than the backup, was applied; of what was revoked beyond \
                 nothing is known: look through what people reported.",
                output::many(lines as u64, "line")
            ),
        });
    }
    Ok(())
}

/// Refuses a file that is no database at all, and so was named by mistake rather than damaged. One that
/// cannot be read is for the restore to tell of.
fn must_be_a_database(path: &Path) -> Result<(), Failure> {
    // How every database begins (the file format of SQLite, section 1.3).
    const BEGINNING: &[u8; 16] = b"SQLite format 3\0";
    let mut found = [0; 16];
    let is_none = match File::open(path).and_then(|mut file| file.read_exact(&mut found)) {
        Ok(()) => found != *BEGINNING,
        Err(cause) => cause.kind() == io::ErrorKind::UnexpectedEof,
    };
    match is_none {
        true => Err(Failure::failed(format!("{} is no backup of jeton", path.display()))
            .help("`jeton backup --to FILE` writes one")),
        false => Ok(()),
    }
}

fn as_json(done: &Restored) -> serde_json::Value {
    let reasserted: Vec<_> = done
        .reasserted
        .iter()
        .map(|row| json!({"table": row.table, "account": row.account, "id": row.id, "columns": row.columns}))
        .collect();
    let absent: serde_json::Map<_, _> =
        done.absent.iter().map(|(table, count)| ((*table).to_owned(), json!(count))).collect();
    json!({
        "position": done.position, "at": done.at, "narrowings": done.lines, "reasserted": reasserted,
        "absent": absent, "aside": done.aside.as_ref().map(|aside| aside.display().to_string()),
        "unread": done.unread,
    })
}
