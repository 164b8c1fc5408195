//! `jeton migrate`: brings the store's schema up to this version.

use clap::Args;
use serde_json::json;

use crate::cli::Installation;
use crate::client::output;
use crate::exit::Failure;
use crate::{access, owner, wiring};

/// Brings the store's schema up to this version of jeton.
///
/// Without --contract it only adds, so that peers of the version before go on beside this one.
/// With it, what no peer of this version uses any more is taken away: run it when none of an
/// older version is left. Refused for a schema that is newer than this jeton, and on SQLite while
/// the server runs.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton migrate
  jeton migrate --store postgres://jeton@db.example.com/jeton
  jeton migrate --contract --json")]
pub(crate) struct MigrateArgs {
    /// Also take away what only older versions use.
    #[arg(long)]
    pub(crate) contract: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) installation: Installation,
}

pub(crate) fn migrate(args: &MigrateArgs) -> Result<(), Failure> {
    let (config, _) = args.installation.load(Vec::new())?;
    let access = access::of(&config)?;
    owner::must_not_own(&access.place, &config.data)?;
    let done = wiring::block_on(async {
        store::migrate(&access, args.contract).await.map_err(|why| anyhow::Error::from(why).into())
    })?;
    if args.json {
        let printed = json!({"from": done.from, "to": done.to, "waiting": done.waiting});
        return output::data(&printed.to_string());
    }
    output::data(&match done.from == done.to {
        true => format!("schema {}, as before", done.to),
        false => format!("schema {}, from {}", done.to, done.from),
    })?;
    if !done.waiting.is_empty() {
        output::say(&format!(
            "Left to do with --contract, once no older version runs: {}",
            done.waiting.join(", ")
        ));
    }
    Ok(())
}
