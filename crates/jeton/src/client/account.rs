//! `jeton account …`: the customers of the product.

use api::accounts::{Account, CreateAccount, EditAccount};
use api::{Maybe, Metadata};
use clap::{Args, Subcommand};

use super::holder::{status, status_at_length};
use super::http::{Request, path};
use super::noun::verbs::{self, EndArgs, ListArgs, OneArgs};
use super::noun::{self, Facts, Noun, Place, metadata, named};
use super::sync::{SyncArgs, sync};
use super::{Desk, WholeServerArgs, filled, output};
use crate::exit::{Exit, Failure};

/// Lists, makes and changes accounts, the customers of the product.
#[derive(Debug, Subcommand)]
#[command(before_help = "\
Examples:
  jeton account list
  jeton account show acme
  jeton account create acme --name 'Acme Ltd'")]
pub enum AccountCommand {
    /// Lists the accounts: all of them to an operator, and to others their own.
    #[command(before_help = "\
Examples:
  jeton account list
  jeton account list --all --json | jq -r '.items[].id'")]
    List(ListArgs<Account>),
    Show(ShowArgs),
    Create(CreateArgs),
    Edit(EditArgs),
    /// Closes an account: its tokens and sessions stop at once. Only operators may.
    ///
    /// `jeton account reactivate` undoes it.
    #[command(before_help = "\
Examples:
  jeton account deactivate globex
  jeton account deactivate globex --yes --json")]
    Deactivate(EndArgs<Account>),
    /// Reopens an account: what was good, and has not ended meanwhile, is good again.
    ///
    /// Only operators may.
    #[command(before_help = "\
Examples:
  jeton account reactivate globex
  jeton account reactivate globex --json")]
    Reactivate(OneArgs<Account>),
    /// Makes and changes accounts so that they are as the product has them, by its ids for them.
    ///
    /// Each object has external_id and name, and may have id, preset and metadata; what is not in the
    /// file stays as it is. It ends with 1 if one was refused; the others are done. For operators, and
    /// services that may provision.
    #[command(before_help = "\
Examples:
  jeton account sync customers.jsonl
  psql -At -c 'SELECT to_json(c) FROM customers_for_jeton c' | jeton account sync - --json")]
    Sync(SyncArgs<WholeServerArgs>),
}

/// # Errors
/// Whatever kept it from being done.
pub fn run(command: AccountCommand) -> Result<Exit, Failure> {
    match command {
        AccountCommand::Sync(args) => return sync(&args, Account::ROUTE, Account::ONE),
        AccountCommand::List(args) => verbs::list(&args),
        AccountCommand::Show(args) => show(&args),
        AccountCommand::Create(args) => create(args),
        AccountCommand::Edit(args) => edit(args),
        AccountCommand::Deactivate(args) => verbs::deactivate(&args),
        AccountCommand::Reactivate(args) => verbs::reactivate(&args),
    }?;
    Ok(Exit::Done)
}

/// Which account a command is about.
#[derive(Debug, Args)]
pub struct WhichArgs {
    /// The account [default: the token's].
    #[arg(value_name = "SLUG", env = "JETON_ACCOUNT", hide_env_values = true)]
    account: Option<String>,
    #[command(flatten)]
    server: WholeServerArgs,
}

impl WhichArgs {
    /// The server, and the route of the account there.
    fn find(&self) -> Result<(Desk, String), Failure> {
        let mut desk = self.server.open()?;
        let account = match filled(self.account.as_ref()) {
            Some(named) => named.to_owned(),
            None => desk.account()?,
        };
        Ok((desk, path(&["v1", "accounts", &account])))
    }
}

/// Shows one account.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton account show
  jeton account show acme --json")]
pub struct ShowArgs {
    #[command(flatten)]
    which: WhichArgs,
}

fn show(args: &ShowArgs) -> Result<(), Failure> {
    let (mut desk, route) = args.which.find()?;
    noun::show::<Account>(&desk.send(&Request::get(route))?, args.which.server.json())
}

/// Makes an account with copies of a preset's policy and roles.
///
/// Only operators may. The account is empty: `jeton member create --account SLUG` adds its first
/// member.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton account create acme --name 'Acme Ltd'
  jeton account create globex --preset gcore --external-id customer-4711 --json")]
pub struct CreateArgs {
    /// Its name in URLs: 2 to 40 of a-z, 0-9 and the hyphen; it never changes.
    #[arg(value_name = "SLUG")]
    id: String,
    /// What it is called [default: the name in URLs].
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The preset whose policy and roles it begins with [default: the server's].
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// The id that the product itself has for it.
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
    /// What to keep with it, as a JSON object.
    #[arg(long, value_name = "JSON", value_parser = metadata)]
    metadata: Option<Metadata>,
    #[command(flatten)]
    server: WholeServerArgs,
}

fn create(args: CreateArgs) -> Result<(), Failure> {
    let body = CreateAccount {
        name: args.name.unwrap_or_else(|| args.id.clone()),
        id: args.id,
        preset: args.preset,
        external_id: args.external_id,
        metadata: args.metadata,
    };
    verbs::create::<Account>(&args.server, &body)
}

/// Changes an account's name, metadata or external id.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton account edit --name 'Acme Ltd'
  jeton account edit globex --external-id customer-4711 --metadata '{\"plan\":\"gold\"}'")]
pub struct EditArgs {
    /// What it is called from now on.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The id that the product itself has for it; an empty text removes it. For operators.
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
    /// What to keep with it, as a JSON object, instead of what is kept now; `{}` for nothing.
    #[arg(long, value_name = "JSON", value_parser = metadata)]
    metadata: Option<Metadata>,
    /// Refuse if it changed since it had this version.
    #[arg(long, value_name = "NUMBER")]
    version_is: Option<i64>,
    #[command(flatten)]
    which: WhichArgs,
}

fn edit(args: EditArgs) -> Result<(), Failure> {
    let body = EditAccount {
        name: args.name,
        metadata: args.metadata.map_or(Maybe::Absent, Maybe::Value),
        external_id: noun::or_nothing(args.external_id),
        active: None,
        version: args.version_is,
    };
    verbs::must_change(&body)?;
    let (mut desk, route) = args.which.find()?;
    let answer = desk.send(&Request::patch(route, &body))?;
    noun::report::<Account>(&answer, args.which.server.json(), "changed", Account::ONE)
}

impl Noun for Account {
    const ONE: &'static str = "account";
    const MANY: &'static str = "accounts";
    const ID: &'static str = "The account, as in `acme`";
    const VALUE: &'static str = "SLUG";
    const ROUTE: &'static str = "accounts";
    const HEAD: &'static [&'static str] = &["ID", "NAME", "PRESET", "STATUS", "EXTERNAL ID", "CREATED"];
    const DISPENSABLE: &'static [&'static str] = &["CREATED", "EXTERNAL ID", "STATUS", "PRESET"];
    type Place = WholeServerArgs;

    fn row(&self, time: fn(&str) -> String) -> Vec<String> {
        vec![
            self.id.clone(),
            self.name.clone(),
            self.preset.clone(),
            status(self.inactive_since.as_deref(), time),
            self.external_id.clone().unwrap_or_default(),
            time(&self.created_at),
        ]
    }

    fn facts(&self) -> Facts {
        Facts::default()
            .with("id", &self.id)
            .with("name", &self.name)
            .with("preset", &self.preset)
            .with("levels", self.levels.join(" > "))
            .with("status", status_at_length(self.inactive_since.as_deref()))
            .with_any("external id", self.external_id.as_ref())
            .with("created", output::time(&self.created_at))
            .with("version", self.version.to_string())
            .metadata(&self.metadata)
    }

    fn called(&self) -> String {
        named(&self.id, &self.name)
    }
}
