//! `jeton service-account …`: holders of tokens that are nobody in particular.

use api::Metadata;
use api::service_accounts::{CreateServiceAccount, ServiceAccount};
use clap::{Args, Subcommand};

use super::holder::{EditArgs, RolesArgs, roles, status, status_at_length};
use super::noun::verbs::{self, EndArgs, ListArgs, OneArgs};
use super::noun::{Facts, Noun, metadata, named};
use super::{ServerArgs, output};
use crate::exit::Failure;

/// Lists, makes and changes service accounts, which hold tokens for programs.
///
/// What holds its own tokens does not stop when the person leaves who made it.
#[derive(Debug, Subcommand)]
#[command(before_help = "\
Examples:
  jeton service-account list
  jeton service-account create deployer --role Member
  jeton token create deploy --holder sac_0123456789ab > token
  jeton service-account deactivate sac_0123456789ab")]
pub enum ServiceAccountCommand {
    /// Lists the service accounts of an account.
    #[command(before_help = "\
Examples:
  jeton service-account list
  jeton service-account list --all --json | jq -r '.items[].id'")]
    List(ListArgs<ServiceAccount>),
    /// Shows one service account.
    #[command(before_help = "\
Examples:
  jeton service-account show sac_0123456789ab
  jeton service-account show sac_0123456789ab --json")]
    Show(OneArgs<ServiceAccount>),
    #[command(alias = "add")]
    Create(CreateArgs),
    /// Changes a service account's name, roles or metadata.
    #[command(before_help = "\
Examples:
  jeton service-account edit sac_0123456789ab --role Viewer
  jeton service-account edit sac_0123456789ab --name 'nightly build'")]
    Edit(EditArgs<ServiceAccount>),
    /// Stops a service account; the account's policy says what becomes of its tokens.
    ///
    /// `jeton service-account reactivate` undoes it.
    #[command(before_help = "\
Examples:
  jeton service-account deactivate sac_0123456789ab
  jeton service-account deactivate sac_0123456789ab --yes --json")]
    Deactivate(EndArgs<ServiceAccount>),
    /// Lets a service account that was deactivated go on.
    #[command(before_help = "\
Examples:
  jeton service-account reactivate sac_0123456789ab
  jeton service-account reactivate sac_0123456789ab --json")]
    Reactivate(OneArgs<ServiceAccount>),
    /// Removes a service account for good; the account's policy says what becomes of its tokens.
    #[command(alias = "delete")]
    #[command(before_help = "\
Examples:
  jeton service-account remove sac_0123456789ab
  jeton service-account remove sac_0123456789ab --yes")]
    Remove(EndArgs<ServiceAccount>),
}

/// # Errors
/// Whatever kept it from being done.
pub fn run(command: ServiceAccountCommand) -> Result<(), Failure> {
    match command {
        ServiceAccountCommand::List(args) => verbs::list(&args),
        ServiceAccountCommand::Show(args) => verbs::show(&args),
        ServiceAccountCommand::Create(args) => create(args),
        ServiceAccountCommand::Edit(args) => args.service_account(),
        ServiceAccountCommand::Deactivate(args) => verbs::deactivate(&args),
        ServiceAccountCommand::Reactivate(args) => verbs::reactivate(&args),
        ServiceAccountCommand::Remove(args) => verbs::remove(&args, "remove", "removed"),
    }
}

/// Makes a service account.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton service-account create deployer --role Member
  jeton service-account create releaser --binding Member@/sales
  jeton service-account create sensors --role Viewer --metadata '{\"team\":\"a\"}' --json")]
pub struct CreateArgs {
    /// What it is called.
    name: String,
    #[command(flatten)]
    roles: RolesArgs,
    /// The id that the product itself has for it.
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
    /// What to keep with it, as a JSON object.
    #[arg(long, value_name = "JSON", value_parser = metadata)]
    metadata: Option<Metadata>,
    #[command(flatten)]
    server: ServerArgs,
}

fn create(args: CreateArgs) -> Result<(), Failure> {
    let body = CreateServiceAccount {
        name: args.name,
        role: args.roles.role,
        bindings: args.roles.binding,
        active: None,
        external_id: args.external_id,
        metadata: args.metadata,
    };
    verbs::create::<ServiceAccount>(&args.server, &body)
}

impl Noun for ServiceAccount {
    const ONE: &'static str = "service account";
    const MANY: &'static str = "service accounts";
    const ID: &'static str = "The service account, as in `sac_0123456789ab`";
    const ROUTE: &'static str = "service-accounts";
    const HEAD: &'static [&'static str] = &["ID", "NAME", "ROLE", "STATUS", "EXTERNAL ID"];
    const DISPENSABLE: &'static [&'static str] = &["EXTERNAL ID", "STATUS"];
    type Place = ServerArgs;

    fn row(&self, time: fn(&str) -> String) -> Vec<String> {
        vec![
            self.id.clone(),
            self.name.clone(),
            roles(&self.bindings),
            status(self.inactive_since.as_deref(), time),
            self.external_id.clone().unwrap_or_default(),
        ]
    }

    fn facts(&self) -> Facts {
        Facts::default()
            .with("id", &self.id)
            .with("name", &self.name)
            .with("account", &self.account)
            .with("role", roles(&self.bindings))
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
