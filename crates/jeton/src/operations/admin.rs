//! `jeton admin reset`: lets somebody in again when nobody can get in any more.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use domain::refusal::{Code, Refusal};
use serde_json::json;
use service::{Error, Password};

use crate::cli::Installation;
use crate::client::{input, output};
use crate::exit::{Exit, Failure};
use crate::wiring;

/// Helps whoever has the machine when nobody can get in any more.
#[derive(Debug, Subcommand)]
#[command(before_help = "\
Examples:
  jeton admin reset --email ada@example.com --password-file -")]
pub(crate) enum AdminCommand {
    Reset(ResetArgs),
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

pub(crate) fn run(command: AdminCommand) -> Result<(), Failure> {
    match command {
        AdminCommand::Reset(args) => reset(&args),
    }
}

fn reset(args: &ResetArgs) -> Result<(), Failure> {
    let (config, _) = args.installation.load(Vec::new())?;
    let account = args.account.as_deref().map(str::parse).transpose();
    let account =
        account.map_err(|_| Failure::usage("--account takes the name of an account, such as `acme`"))?;
    let password = input::secret(&args.password_file, "password")?;
    wiring::block_on(async {
        let desk = wiring::open(&config).await?;
        let password = Password::new(password.expose().to_owned());
        let done = desk.let_in(&args.email, password, args.operator, account).await;
        desk.store().close().await;
        let done = done.map_err(sentence)?;
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
            "{} ({}) can sign in with the new password; {} sessions were ended.",
            done.person.email, done.person.id, done.sessions
        ))?;
        output::say("Tokens that they made still work. Look through them if somebody else had the password.");
        Ok(())
    })
}

/// A refusal is a sentence for the person at the terminal; whatever is missing has an exit code of
/// its own.
fn sentence(error: Error) -> Failure {
    match error {
        Error::Refused(Refusal { code: Code::NotFound, detail, .. }) => Failure::new(Exit::NotFound, detail),
        Error::Refused(Refusal { detail, .. }) => Failure::failed(detail),
        other => anyhow::Error::from(other).into(),
    }
}
