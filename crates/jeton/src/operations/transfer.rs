//! `jeton move`: moves an installation into another store. (`move` is a word of the language, which no
//! module may be called.)

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use store::Moved;
use store::place::{Access, Place};

use crate::access::{self, Passfile};
use crate::cli::ConfigFile;
use crate::client::output;
use crate::config::resolve::Origin;
use crate::config::{Config, Flag, Resolved};
use crate::exit::Failure;
use crate::{owner, wiring};

/// Moves an installation into an empty store, with its journal, and verifies it there.
///
/// Between SQLite and PostgreSQL, in both directions. Stop every peer first. The store that it is
/// moved from stays as it is; do not serve from it again. The key file goes along where there is
/// none yet; every peer over PostgreSQL needs it. For a database it is the one that `keys.file` or
/// --data names, else the one of the SQLite store.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton move --from sqlite:/var/lib/jeton --to postgres://jeton@db.example.com/jeton
  jeton move --from postgres://jeton@db.example.com/jeton --to sqlite:/srv/jeton --json")]
pub(crate) struct MoveArgs {
    /// The store to move from.
    #[arg(long, value_name = "URL")]
    pub(crate) from: String,
    /// The store to move to, which must be empty.
    #[arg(long, value_name = "URL")]
    pub(crate) to: String,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Where the key file is, for a store on PostgreSQL [default: as for `jeton serve`].
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<String>,
    #[command(flatten)]
    pub(crate) file: ConfigFile,
}

pub(crate) fn move_store(args: &MoveArgs) -> Result<(), Failure> {
    let data = args.data.clone().map(|text| Flag { key: "data", flag: "--data", text });
    let (config, resolved) = args.file.load(data.into_iter().collect())?;
    let (from, to) = ends(args, &config, &resolved, Passfile::usual().as_ref())?;
    owner::must_not_own(&from.place, &config.data)?;
    owner::must_not_own(&to.place, &config.data)?;
    let moved = wiring::block_on(async {
        store::transfer(&from, &to).await.map_err(|why| anyhow::Error::from(why).into())
    })?;
    if args.json {
        return output::data(&as_json(&from, &to, &moved).to_string());
    }
    let rows = moved.rows.iter().map(|(table, count)| vec![(*table).to_owned(), count.to_string()]);
    output::data(&output::table(&["TABLE", "ROWS"], rows))?;
    output::data(&format!(
        "\nThe journal's {} arrived whole; the last has the hash {}.",
        output::entries(moved.entries),
        moved.head
    ))?;
    output::say(&format!(
        "Start the server with --store {} and the key file {}{}. Do not serve {} again: it stays as it is, \
         and what is changed there from now on is not moved.",
        to.place,
        to.keys.display(),
        found_by(&to),
        from.place
    ));
    Ok(())
}

/// How a server is told of the key file. SQLite's lies where it looks by itself.
fn found_by(to: &Access) -> &'static str {
    match to.place {
        Place::Sqlite(_) => "",
        Place::Postgres(_) => " (a copy for every peer; set keys.file to it, or --data to its directory)",
    }
}

fn as_json(from: &Access, to: &Access, moved: &Moved) -> serde_json::Value {
    let rows: serde_json::Map<_, _> =
        moved.rows.iter().map(|(table, count)| ((*table).to_owned(), json!(count))).collect();
    json!({
        "from": from.place.to_string(), "to": to.place.to_string(), "keys": to.keys.display().to_string(),
        "rows": rows, "entries": moved.entries, "head": moved.head,
    })
}

/// Both stores, with the password and the key file of each. A password that the configuration
/// gives is for one database; for two, each has its own in the password file.
fn ends(
    args: &MoveArgs,
    config: &Config,
    resolved: &Resolved,
    passfile: Option<&Passfile>,
) -> Result<(Access, Access), Failure> {
    let from = access::named("--from", &args.from)?;
    let to = access::named("--to", &args.to)?;
    if from == to {
        return Err(Failure::usage("--from and --to are the same store"));
    }
    let both = matches!((&from, &to), (Place::Postgres(_), Place::Postgres(_)));
    if both && config.store_password.is_some() {
        return Err(Failure::failed("store.password is for one database, and this is about two")
            .help("put both passwords into the file that PGPASSFILE names"));
    }
    let password = |place: &Place| match place {
        Place::Sqlite(_) => Ok(None),
        Place::Postgres(there) => access::password(config.store_password.as_ref(), there, passfile),
    };
    let named =
        resolved.values.iter().any(|value| value.key.name == "keys.file" && value.origin != Origin::Default);
    let keys = |place: &Place, otherwise: &Path| -> PathBuf {
        match place {
            Place::Sqlite(data) if !named => data.join("keys"),
            _ => otherwise.to_owned(),
        }
    };
    let (from_password, to_password) = (password(&from)?, password(&to)?);
    let from_keys = keys(&from, &config.keys_file);
    let to_keys = keys(&to, &from_keys);
    Ok((
        Access { place: from, password: from_password, keys: from_keys },
        Access { place: to, password: to_password, keys: to_keys },
    ))
}

#[cfg(test)]
mod tests;
