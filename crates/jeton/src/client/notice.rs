//! `jeton notice …`: which tokens end soon, and whether that is mailed to you.

use api::Maybe;
use api::notices::{EditNotices, Notices};
use clap::{Args, Subcommand, ValueEnum};

use super::http::{Answer, Request};
use super::noun::{Place, print_table};
use super::{ServerArgs, output};
use crate::exit::Failure;

/// Lists the tokens that end soon, and says whether that is mailed to you.
///
/// The account's policy says how long before the end, and to whom.
#[derive(Debug, Subcommand)]
#[command(before_help = "\
Examples:
  jeton notice list
  jeton notice mail off")]
pub enum NoticeCommand {
    List(ListArgs),
    Mail(MailArgs),
}

/// # Errors
/// Whatever kept it from being done.
pub fn run(command: NoticeCommand) -> Result<(), Failure> {
    match command {
        NoticeCommand::List(args) => list(&args),
        NoticeCommand::Mail(args) => mail(&args),
    }
}

/// Lists the tokens that end soon, the nearest end first.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton notice list
  jeton notice list --account acme --json | jq -r '.due[].id'")]
pub struct ListArgs {
    #[command(flatten)]
    server: ServerArgs,
}

fn list(args: &ListArgs) -> Result<(), Failure> {
    const HEAD: [&str; 5] = ["ID", "NAME", "HOLDER", "NODE", "ENDS"];
    let mut desk = args.server.open()?;
    let route = ServerArgs::route(&mut desk, &["notices"])?;
    let answer = desk.send(&Request::get(route))?;
    if args.server.json() {
        return output::data(&answer.text);
    }
    let notices: Notices = answer.read()?;
    print_table(&HEAD, &["NODE", "HOLDER"], |time| {
        let row = |due: &api::notices::DueToken| {
            vec![
                due.id.clone(),
                due.name.clone(),
                due.holder.name.clone(),
                due.node.clone(),
                time(&due.ends_at),
            ]
        };
        notices.due.iter().map(row).collect()
    })?;
    if notices.due.is_empty() {
        output::say("no token ends soon");
    }
    if notices.more {
        output::say("there are more; `jeton token list --sort expires_at` has all");
    }
    output::say(switch(&notices));
    Ok(())
}

/// Turns your own mails of notices on or off.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton notice mail off
  jeton notice mail policy --json")]
pub struct MailArgs {
    /// Whether you want them.
    #[arg(value_enum)]
    wanted: Wanted,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Wanted {
    /// Mail them.
    On,
    /// Do not.
    Off,
    /// As the account's policy says.
    Policy,
}

fn mail(args: &MailArgs) -> Result<(), Failure> {
    let mail = match args.wanted {
        Wanted::On => Maybe::Value(true),
        Wanted::Off => Maybe::Value(false),
        Wanted::Policy => Maybe::Null,
    };
    let mut desk = args.server.open()?;
    let route = ServerArgs::route(&mut desk, &["notices"])?;
    let answer: Answer = desk.send(&Request::patch(route, &EditNotices { mail }))?;
    if args.server.json() {
        return output::data(&answer.text);
    }
    output::say(switch(&answer.read()?));
    Ok(())
}

fn switch(notices: &Notices) -> &'static str {
    match notices.mail {
        true => "notices are mailed to you",
        false => "notices are not mailed to you",
    }
}
