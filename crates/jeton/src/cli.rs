//! The command line: `jeton <noun> <verb>`. Examples stand first in every `--help`. Data goes to
//! standard output, everything else to standard error.
//!
//! Commands that act on an installation itself stand here with their arguments; those that speak
//! HTTP to a server keep their arguments beside what they do, in [`crate::client`]. What is made of
//! the tree of commands, completions and manual pages, stands in [`pages`].

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use ::token::redact;
use clap::{Args, CommandFactory, Parser, Subcommand};
use domain::ids::AccountId;

use crate::client::account::{self, AccountCommand};
use crate::client::installation::{self, InstallationCommand};
use crate::client::journal::{self, JournalArgs};
use crate::client::login::{self, LoginArgs, LogoutArgs, WhoamiArgs};
use crate::client::member::{self, MemberCommand};
use crate::client::node::{self, NodeCommand};
use crate::client::notice::{self, NoticeCommand};
use crate::client::output;
use crate::client::policy::{self, PolicyCommand};
use crate::client::role::{self, RoleCommand};
use crate::client::service::{self, ServiceCommand};
use crate::client::service_account::{self, ServiceAccountCommand};
use crate::client::session::{self, SessionCommand};
use crate::client::token::{self, TokenCommand};
use crate::client::webhook::{self, WebhookCommand};
use crate::config::{Config, ConfigError, Flag, Resolved, Sources, show};
use crate::dev::{self, DevArgs};
use crate::exit::{Exit, Failure};
use crate::operations::admin::{self, AdminCommand};
use crate::operations::backup::{self, BackupArgs};
use crate::operations::doctor::{self, DoctorArgs};
use crate::operations::export::{self, ExportArgs};
use crate::operations::import::{self, ImportArgs};
use crate::operations::migrate::{self, MigrateArgs};
use crate::operations::restore::{self, RestoreArgs};
use crate::operations::transfer::{self, MoveArgs};
use crate::reload::Reloader;
use crate::{access, init, serve, telemetry};
use pages::{CompletionsArgs, ManArgs};

mod pages;

/// Issues, verifies, rotates and revokes API tokens.
#[derive(Debug, Parser)]
#[command(name = "jeton", version, subcommand_required = true, arg_required_else_help = true)]
#[command(before_help = "\
Examples:
  jeton serve
  jeton login --server https://tokens.example.com --email ada@example.com
  jeton token create ci --role Viewer --expires-in 90d > token
  jeton token verify < token")]
#[command(after_help = "\
Commands that speak to a server use the token of JETON_TOKEN_FILE or JETON_TOKEN, else the login.
Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 denied, 5 unreachable.")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(ServeArgs),
    Dev(DevArgs),
    Init(InitArgs),
    SetupLink(SetupLinkArgs),
    Migrate(MigrateArgs),
    Doctor(DoctorArgs),
    Move(MoveArgs),
    Backup(BackupArgs),
    Restore(RestoreArgs),
    Export(ExportArgs),
    Import(ImportArgs),
    #[command(subcommand)]
    Admin(AdminCommand),
    Login(LoginArgs),
    Logout(LogoutArgs),
    Whoami(WhoamiArgs),
    #[command(subcommand)]
    Token(TokenCommand),
    Journal(JournalArgs),
    #[command(subcommand)]
    Account(AccountCommand),
    #[command(subcommand)]
    Member(MemberCommand),
    #[command(subcommand)]
    ServiceAccount(ServiceAccountCommand),
    #[command(subcommand)]
    Role(RoleCommand),
    #[command(subcommand)]
    Node(NodeCommand),
    #[command(subcommand)]
    Installation(InstallationCommand),
    #[command(subcommand)]
    Policy(PolicyCommand),
    #[command(subcommand)]
    Service(ServiceCommand),
    #[command(subcommand)]
    Session(SessionCommand),
    #[command(subcommand)]
    Notice(NoticeCommand),
    #[command(subcommand)]
    Webhook(WebhookCommand),
    #[command(subcommand)]
    Config(ConfigCommand),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// Whose data and configuration a command acts on.
#[derive(Debug, Args)]
pub struct Installation {
    /// The data directory [default: /var/lib/jeton where that is writable, else ./jeton-data].
    #[arg(long, value_name = "DIR")]
    pub data: Option<String>,
    /// Where the facts are: sqlite:DIR or postgres://USER@HOST/DATABASE [default: SQLite in the
    /// data directory].
    #[arg(long, value_name = "URL")]
    pub store: Option<String>,
    #[command(flatten)]
    pub file: ConfigFile,
}

/// The flag of [`Installation::store`].
pub(crate) const STORE: &str = "--store";

impl Installation {
    /// The configuration with these flags on top, and `more` that a command has of its own.
    ///
    /// # Errors
    /// A password in a flag, and everything that is wrong with the configuration.
    pub fn load(&self, more: Vec<Flag>) -> Result<(Config, Resolved), Failure> {
        Ok(self.file.load(self.flags(more)?)?)
    }

    fn flags(&self, more: Vec<Flag>) -> Result<Vec<Flag>, Failure> {
        let data = self.data.clone().map(|text| Flag { key: "data", flag: "--data", text });
        let store = self.store.as_deref().map(access::flag).transpose()?;
        Ok(data.into_iter().chain(store).chain(more).collect())
    }
}

/// The account that a flag of a command on the data names.
///
/// # Errors
/// Usage, when it is no name of one.
pub(crate) fn account(text: &str) -> Result<AccountId, Failure> {
    let why = "--account takes 2 to 40 of a-z, 0-9 and the hyphen, such as `acme`";
    text.parse().map_err(|_| Failure::usage(why))
}

/// Which configuration file a command reads.
#[derive(Debug, Args)]
pub struct ConfigFile {
    /// The configuration file [default: /etc/jeton/jeton.toml, else ./jeton.toml].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl ConfigFile {
    /// The configuration with these flags on top.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(&self, flags: Vec<Flag>) -> Result<(Config, Resolved), ConfigError> {
        Config::load(&Sources::gather(flags, self.config.as_deref())?)
    }
}

/// Runs the server.
///
/// Without an account it prints a link, good for 30 minutes and once, to set the first one up.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton serve
  jeton serve --data /srv/jeton --listen 127.0.0.1:8080
  jeton serve --store postgres://jeton@db.example.com/jeton
  jeton serve --preset gcore")]
pub struct ServeArgs {
    #[command(flatten)]
    pub installation: Installation,
    /// The address and port to answer on [default: 127.0.0.1:7070].
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// The preset of accounts that name none, the first among them [default: default].
    #[arg(long, value_name = "NAME")]
    pub preset: Option<String>,
}

impl ServeArgs {
    fn flags(&self) -> Vec<Flag> {
        let listen = self.listen.clone().map(|text| Flag { key: "server.listen", flag: "--listen", text });
        listen.into_iter().chain(preset(self.preset.as_ref())).collect()
    }
}

fn preset(name: Option<&String>) -> Option<Flag> {
    name.cloned().map(|text| Flag { key: "server.preset", flag: "--preset", text })
}

/// Makes the first account and its administrator, without a browser.
///
/// Prints, once, the account, the member, a token of that member and a service's key that may verify.
/// Refused once there is an account, and on SQLite while the server runs.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton init --account acme --admin ada@example.com --password-file password
  pass show jeton | jeton init --account acme --admin ada@example.com --password-file - --json")]
pub struct InitArgs {
    /// The account's name in URLs: 2 to 40 of a-z, 0-9 and the hyphen; it never changes.
    #[arg(long, value_name = "SLUG")]
    pub account: String,
    /// The e-mail address of the first administrator, who is also an operator.
    #[arg(long, value_name = "EMAIL")]
    pub admin: String,
    /// The file that holds the administrator's password, `-` for standard input.
    #[arg(long, value_name = "FILE")]
    pub password_file: PathBuf,
    /// The preset of the account [default: the server's].
    #[arg(long, value_name = "NAME")]
    pub preset: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub installation: Installation,
}

/// Prints a fresh set-up link of a server that has no account yet.
///
/// The link is good for 30 minutes and once; the one before it stops working. On SQLite it is
/// refused while the server runs, which prints a link itself when it starts.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton setup-link
  jeton setup-link --data /srv/jeton --json")]
pub struct SetupLinkArgs {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub installation: Installation,
}

/// Shows or checks the configuration.
#[derive(Debug, Subcommand)]
#[command(before_help = "\
Examples:
  jeton config show --origin
  jeton config check --config /etc/jeton/jeton.toml")]
enum ConfigCommand {
    /// Prints every key with its value, as TOML; never a secret.
    #[command(before_help = "\
Examples:
  jeton config show
  jeton config show --origin
  jeton config show --json")]
    Show {
        /// Say where each value came from.
        #[arg(long)]
        origin: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        installation: Installation,
    },
    /// Names everything that is wrong, and ends with 1 if anything is.
    #[command(before_help = "\
Examples:
  jeton config check
  jeton config check --config new.toml && mv new.toml /etc/jeton/jeton.toml")]
    Check {
        /// Print JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        installation: Installation,
    },
}

/// Runs the command that the arguments of this process name. Says on standard error what went
/// wrong, without a token: people paste one as an argument, and what we say ends up in logs.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) if usage.use_stderr() => {
            let colour = io::stderr().is_terminal() && telemetry::colour_wanted();
            let said = usage.render();
            let said = if colour { said.ansi().to_string() } else { said.to_string() };
            output::say(redact(&said).trim_end());
            return Exit::Usage.into();
        }
        // The help and the version, which clap prints itself.
        Err(asked) => asked.exit(),
    };
    let exit = dispatch(cli.command).unwrap_or_else(|failure| {
        output::say(&redact(&format!("error: {failure}")));
        failure.exit
    });
    exit.into()
}

fn dispatch(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Serve(args) => {
            let again = move || args.installation.load(args.flags());
            let (config, resolved) = again()?;
            let volume = telemetry::start(&config.log_level, config.log_format)?;
            serve::serve(config, Reloader::new(&resolved, Box::new(again)), volume)?;
        }
        Command::Init(args) => {
            let (config, _) = args.installation.load(preset(args.preset.as_ref()).into_iter().collect())?;
            init::init(&args, config)?;
        }
        Command::SetupLink(args) => {
            let (config, _) = args.installation.load(Vec::new())?;
            init::setup_link(&args, config)?;
        }
        Command::Migrate(args) => migrate::migrate(&args)?,
        Command::Dev(args) => dev::dev(&args)?,
        Command::Doctor(args) => return doctor::doctor(&args),
        Command::Move(args) => transfer::move_store(&args)?,
        Command::Backup(args) => backup::backup(&args)?,
        Command::Export(args) => export::export(&args)?,
        Command::Import(args) => return import::import(&args),
        Command::Restore(args) => restore::restore(&args)?,
        Command::Admin(command) => admin::run(command)?,
        Command::Login(args) => login::login(args)?,
        Command::Logout(args) => login::logout(args)?,
        Command::Whoami(args) => login::whoami(args)?,
        Command::Token(command) => return token::run(command),
        Command::Account(command) => return account::run(command),
        Command::Member(command) => return member::run(command),
        Command::ServiceAccount(command) => service_account::run(command)?,
        Command::Role(command) => role::run(command)?,
        Command::Node(command) => node::run(command)?,
        Command::Installation(command) => installation::run(command)?,
        Command::Policy(command) => policy::run(command)?,
        Command::Service(command) => service::run(command)?,
        Command::Session(command) => session::run(command)?,
        Command::Notice(command) => notice::run(command)?,
        Command::Webhook(command) => webhook::run(command)?,
        Command::Completions(args) => pages::completions(&args, tree())?,
        Command::Man(args) => pages::man(&args, tree())?,
        Command::Journal(args) => return journal::run(args),
        Command::Config(ConfigCommand::Show { origin, json, installation }) => {
            let (_, resolved) = installation.load(Vec::new())?;
            match json {
                true => output::data(&show::as_json(&resolved, origin).to_string())?,
                false => output::data(show::as_toml(&resolved, origin).trim_end())?,
            }
        }
        Command::Config(ConfigCommand::Check { json, installation }) => return check(&installation, json),
    }
    Ok(Exit::Done)
}

fn check(installation: &Installation, json: bool) -> Result<Exit, Failure> {
    let checked = installation.file.load(installation.flags(Vec::new())?);
    let unknown = checked.as_ref().ok().and_then(|(config, _)| serve::must_know(config).err());
    if json {
        let problems: Vec<String> = match &checked {
            Ok(_) => unknown.iter().map(|failure| failure.sentence.clone()).collect(),
            Err(wrong) => wrong.0.iter().map(|problem| problem.0.clone()).collect(),
        };
        output::data(&serde_json::json!({"valid": problems.is_empty(), "problems": problems}).to_string())?;
        return Ok(if problems.is_empty() { Exit::Done } else { Exit::Failed });
    }
    let (_, resolved) = checked?;
    if let Some(unknown) = unknown {
        return Err(unknown);
    }
    let file = resolved.file.map_or_else(|| "no file".to_owned(), |path| path.display().to_string());
    output::say(&format!("the configuration is in order ({file})"));
    Ok(Exit::Done)
}

/// The whole tree of commands, for completions and manual pages.
pub fn tree() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests;
