//! `jeton admin`: what whoever has the machine does about people. `reset` lets somebody in again when
//! nobody can get in any more, `retire` takes the server out of somebody's hands.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;
use service::Password;

use crate::cli::{self, Installation};
use crate::client::{input, output};
use crate::exit::Failure;
use crate::wiring;

/// Helps whoever has the machine: lets somebody in again, or takes an operator's rights away.
#[derive(Debug, Subcommand)]
#[command(before_help = "\
Examples:
  jeton admin reset --email ada@example.com --password-file -
  jeton admin retire --email ada@example.com")]
pub(crate) enum AdminCommand {
    Reset(ResetArgs),
    Retire(RetireArgs),
}

pub(crate) fn run(command: AdminCommand) -> Result<(), Failure> {
    match command {
        AdminCommand::Reset(args) => reset(&args),
        AdminCommand::Retire(args) => retire(&args),
    }
}

/// Gives a person a new password and ends their sessions.
///
/// With --account they lead that account afterwards: an active member with its strongest role, made
/// anew if nobody has the address. With --operator they run the server. On SQLite it is refused while
/// the server runs. Tokens of theirs stay as they are. The journal says that the operator did it.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton admin reset --email ada@example.com --password-file new-password
  pass show jeton | jeton admin reset --email ada@example.com --password-file -
  jeton admin reset --email new@example.com --account acme --operator --password-file -")]
pub(crate) struct ResetArgs {
    /// The person's e-mail address.
    #[arg(long, value_name = "EMAIL")]
    pub(crate) email: String,
    /// The file that holds the new password, `-` for standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: PathBuf,
    /// The account that they shall lead.
    #[arg(long, value_name = "SLUG")]
    pub(crate) account: Option<String>,
    /// Let them run the server.
    #[arg(long)]
    pub(crate) operator: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) installation: Installation,
}

fn reset(args: &ResetArgs) -> Result<(), Failure> {
    let (config, _) = args.installation.load(Vec::new())?;
    let account = args.account.as_deref().map(cli::account).transpose()?;
    let password = input::secret(&args.password_file, "password")?;
    wiring::block_on(async {
        let desk = wiring::open(&config).await?;
        let password = Password::new(password.expose().to_owned());
        let done = desk.reset_person(&args.email, password, args.operator, account).await;
        desk.store().close().await;
        let done = done?;
        if args.json {
            return output::data(
                &json!({
                    "person": done.person.id, "email": done.person.email, "operator": done.person.operator,
                    "account": args.account, "sessions_ended": done.sessions,
                })
                .to_string(),
            );
        }
        output::data(&format!(
            "{} ({}) can sign in with the new password; {} ended.",
            done.person.email,
            done.person.id,
            output::many(done.sessions as u64, "session")
        ))?;
        if let Some(became) = became(args.account.as_deref(), done.person.operator) {
            output::data(&became)?;
        }
        output::say("Tokens that they made still work. Look through them if somebody else had the password.");
        Ok(())
    })
}

/// What they are now beyond somebody who signs in.
fn became(account: Option<&str>, operator: bool) -> Option<String> {
    match (account, operator) {
        (Some(account), true) => {
            Some(format!("They lead {account}, with its strongest role, and run the server."))
        }
        (Some(account), false) => Some(format!("They lead {account}, with its strongest role.")),
        (None, true) => Some("They run the server.".to_owned()),
        (None, false) => None,
    }
}

/// Takes the rights of an operator away from a person.
///
/// They stay a member where they are; `jeton member remove` ends that. `jeton admin reset --operator`
/// makes somebody an operator. On SQLite it is refused while the server runs. The journal says that the
/// operator did it.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton admin retire --email ada@example.com
  jeton admin retire --email ada@example.com --json")]
pub(crate) struct RetireArgs {
    /// The person's e-mail address.
    #[arg(long, value_name = "EMAIL")]
    pub(crate) email: String,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) installation: Installation,
}

fn retire(args: &RetireArgs) -> Result<(), Failure> {
    let (config, _) = args.installation.load(Vec::new())?;
    wiring::block_on(async {
        let desk = wiring::open(&config).await?;
        let done = desk.retire(&args.email).await;
        let left = desk.has_operator().await;
        desk.store().close().await;
        let person = done?;
        // It is done, so not to know this is no failure.
        if matches!(left, Ok(false)) {
            output::say("Nobody runs the server now; `jeton admin reset --operator` makes somebody.");
        }
        if args.json {
            let printed = json!({"person": person.id, "email": person.email, "operator": person.operator});
            return output::data(&printed.to_string());
        }
        output::data(&format!("{} ({}) is no operator any more.", person.email, person.id))
    })
}
