//! `jeton session …`: where somebody is signed in. Signing in and out stands in [`super::login`].

use api::sessions::Session;
use clap::{Args, Subcommand};

use super::http::Request;
use super::noun::verbs::{self, ListArgs};
use super::noun::{self, Facts, Noun, Place};
use super::{WholeServerArgs, output};
use crate::exit::Failure;

/// Lists and ends your sessions.
///
/// `jeton logout` ends the one in use.
#[derive(Debug, Subcommand)]
#[command(before_help = "\
Examples:
  jeton session list
  jeton session end ses_0123456789ab")]
pub enum SessionCommand {
    /// Lists where you are signed in, the newest first.
    #[command(before_help = "\
Examples:
  jeton session list
  jeton session list --json | jq -r '.items[] | select(.current | not).id'")]
    List(ListArgs<Session>),
    End(EndArgs),
}

/// # Errors
/// Whatever kept it from being done.
pub fn run(command: SessionCommand) -> Result<(), Failure> {
    match command {
        SessionCommand::List(args) => verbs::list(&args),
        SessionCommand::End(args) => end(&args),
    }
}

/// Ends another session of yours at once, as on a laptop that was lost.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton session end ses_0123456789ab
  jeton session end ses_0123456789ab --json")]
pub struct EndArgs {
    #[arg(value_name = "ID", help = Session::ID)]
    id: String,
    #[command(flatten)]
    server: WholeServerArgs,
}

fn end(args: &EndArgs) -> Result<(), Failure> {
    let mut desk = args.server.open()?;
    let route = WholeServerArgs::route(&mut desk, &[Session::ROUTE, &args.id])?;
    let answer = desk.send(&Request::delete(route))?;
    noun::report::<Session>(&answer, args.server.json(), "ended", &args.id)
}

impl Noun for Session {
    const ONE: &'static str = "session";
    const MANY: &'static str = "sessions";
    const ID: &'static str = "The session, as in `ses_0123456789ab`";
    const ROUTE: &'static str = "sessions";
    const HEAD: &'static [&'static str] =
        &["ID", "ACCOUNT", "NODE", "SINCE", "EXPIRES", "LAST USED", "FROM", "THIS ONE"];
    const DISPENSABLE: &'static [&'static str] = &["NODE", "ACCOUNT", "EXPIRES", "FROM", "LAST USED"];
    type Place = WholeServerArgs;

    fn row(&self, time: fn(&str) -> String) -> Vec<String> {
        vec![
            self.id.clone(),
            self.account.clone(),
            self.node.clone(),
            time(&self.created_at),
            self.expires_at.as_deref().map_or_else(|| "never".to_owned(), time),
            self.last_used_at.as_deref().map_or_else(|| "not yet".to_owned(), time),
            self.last_used_from.clone().unwrap_or_default(),
            if self.current { "yes" } else { "" }.to_owned(),
        ]
    }

    fn facts(&self) -> Facts {
        Facts::default()
            .with("id", &self.id)
            .with("account", &self.account)
            .with("node", &self.node)
            .with("since", output::time(&self.created_at))
            .at("expires", self.expires_at.as_deref())
            .at("last used", self.last_used_at.as_deref())
            .with_any("from", self.last_used_from.as_ref())
    }

    fn called(&self) -> String {
        self.id.clone()
    }
}
