//! `jeton service …`: the programs of the product that ask jeton, and their keys. For operators.

use api::services::{CreateService, Scope, Service};
use clap::{Args, Subcommand, ValueEnum};

use super::http::Request;
use super::noun::verbs::{self, EndArgs, ListArgs};
use super::noun::{self, Facts, Noun, Place, named, word};
use super::{WholeServerArgs, output};
use crate::exit::Failure;

/// Lists, makes and revokes services, the programs of the product that ask jeton with a key.
///
/// Only operators may.
#[derive(Debug, Subcommand)]
#[command(before_help = "\
Examples:
  jeton service create gateway --scope verify > service-key
  jeton service list
  jeton service revoke svc_0123456789ab")]
pub enum ServiceCommand {
    /// Lists the services of the server.
    #[command(before_help = "\
Examples:
  jeton service list
  jeton service list --all --json | jq -r '.items[].name'")]
    List(ListArgs<Service>),
    Create(CreateArgs),
    /// Ends a service's key at once and for good.
    #[command(alias = "delete")]
    #[command(before_help = "\
Examples:
  jeton service revoke svc_0123456789ab
  jeton service revoke svc_0123456789ab --yes --json")]
    Revoke(EndArgs<Service>),
}

/// # Errors
/// Whatever kept it from being done.
pub fn run(command: ServiceCommand) -> Result<(), Failure> {
    match command {
        ServiceCommand::List(args) => verbs::list(&args),
        ServiceCommand::Create(args) => create(args),
        ServiceCommand::Revoke(args) => verbs::remove(&args, "revoke", "revoked"),
    }
}

/// Makes a service and prints its key, once, alone on standard output.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton service create gateway --scope verify > service-key
  jeton service create backend --scope provision,act_as --account acme --json")]
pub struct CreateArgs {
    /// What the service is called.
    name: String,
    /// What it may do; repeatable, or several with commas.
    #[arg(long, value_enum, required = true, value_delimiter = ',')]
    scope: Vec<Asks>,
    /// The account that it is limited to; repeatable [default: all].
    #[arg(long, value_name = "SLUG")]
    account: Vec<String>,
    #[command(flatten)]
    server: WholeServerArgs,
}

/// The scopes as the API spells them.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Asks {
    /// Ask whether tokens are good.
    Verify,
    /// The same in the form of OAuth (RFC 7662); no route takes it yet.
    Introspect,
    /// Create and update accounts and members.
    Provision,
    /// Make calls in the name of a member.
    ActAs,
}

fn create(args: CreateArgs) -> Result<(), Failure> {
    let scope = |asks: &Asks| match asks {
        Asks::Verify => Scope::Verify,
        Asks::Introspect => Scope::Introspect,
        Asks::Provision => Scope::Provision,
        Asks::ActAs => Scope::ActAs,
    };
    let body = CreateService {
        name: args.name,
        scopes: args.scope.iter().map(scope).collect(),
        accounts: (!args.account.is_empty()).then_some(args.account),
    };
    let mut desk = args.server.open()?;
    let route = WholeServerArgs::route(&mut desk, &[Service::ROUTE])?;
    let answer = desk.send(&Request::post(route, &body).once())?;
    noun::hand_over::<Service>(&answer, args.server.json(), "created")
}

impl Noun for Service {
    const ONE: &'static str = "service";
    const MANY: &'static str = "services";
    const ID: &'static str = "The service, as in `svc_0123456789ab`";
    const ROUTE: &'static str = "services";
    const HEAD: &'static [&'static str] = &["ID", "NAME", "SCOPES", "ACCOUNTS", "STATUS", "CREATED"];
    const DISPENSABLE: &'static [&'static str] = &["CREATED", "ACCOUNTS", "SCOPES"];
    type Place = WholeServerArgs;

    fn row(&self, time: fn(&str) -> String) -> Vec<String> {
        let status = match self.revoked_at.as_deref() {
            Some(at) => format!("revoked {}", time(at)),
            None => "active".to_owned(),
        };
        vec![
            self.id.clone(),
            self.name.clone(),
            self.scopes.iter().map(word).collect::<Vec<_>>().join(" "),
            self.accounts.as_ref().map_or_else(|| "all".to_owned(), |accounts| accounts.join(" ")),
            status,
            time(&self.created_at),
        ]
    }

    fn facts(&self) -> Facts {
        let names = ["id", "name", "scopes", "accounts", "status", "created"];
        names.into_iter().zip(self.row(output::time)).fold(Facts::default(), |facts, (n, v)| facts.with(n, v))
    }

    fn called(&self) -> String {
        named(&self.id, &self.name)
    }
}
