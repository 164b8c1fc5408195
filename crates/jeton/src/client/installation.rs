//! `jeton installation …`: customers' running copies of the product, linked to nodes.

use api::installations::{CreateInstallation, EditInstallation, Installation};
use clap::{Args, Subcommand};

use super::noun::verbs::{self, EndArgs, ListArgs, OneArgs};
use super::noun::{Facts, Noun, named};
use super::{ServerArgs, output};
use crate::exit::Failure;

/// Lists, registers and links installations, the running copies of the product at customers.
///
/// An installation is linked to nodes of the account's tree; without a link it is at the root.
#[derive(Debug, Subcommand)]
#[command(before_help = "\
Examples:
  jeton installation list
  jeton installation create frankfurt --node /sales
  jeton installation edit ins_0123456789ab --node /sales --node /support")]
pub enum InstallationCommand {
    /// Lists the installations of an account.
    #[command(before_help = "\
Examples:
  jeton installation list
  jeton installation list --all --json | jq -r '.items[].id'")]
    List(ListArgs<Installation>),
    /// Shows one installation.
    #[command(before_help = "\
Examples:
  jeton installation show ins_0123456789ab
  jeton installation show ins_0123456789ab --json")]
    Show(OneArgs<Installation>),
    Create(CreateArgs),
    Edit(EditArgs),
    /// Forgets an installation; the copy itself goes on.
    #[command(alias = "remove")]
    #[command(before_help = "\
Examples:
  jeton installation delete ins_0123456789ab
  jeton installation delete ins_0123456789ab --yes")]
    Delete(EndArgs<Installation>),
}

/// # Errors
/// Whatever kept it from being done.
pub fn run(command: InstallationCommand) -> Result<(), Failure> {
    match command {
        InstallationCommand::List(args) => verbs::list(&args),
        InstallationCommand::Show(args) => verbs::show(&args),
        InstallationCommand::Create(args) => {
            let body = CreateInstallation { name: args.name, nodes: args.node };
            verbs::create::<Installation>(&args.server, &body)
        }
        InstallationCommand::Edit(args) => edit(args),
        InstallationCommand::Delete(args) => verbs::remove(&args, "delete", "deleted"),
    }
}

/// Registers an installation.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton installation create frankfurt
  jeton installation create frankfurt --node /sales --node /support --json")]
pub struct CreateArgs {
    /// What it is called.
    name: String,
    /// A node that it is linked to; repeatable [default: none, it is at the root].
    #[arg(long, value_name = "PATH")]
    node: Vec<String>,
    #[command(flatten)]
    server: ServerArgs,
}

/// Renames an installation, or links it to other nodes.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton installation edit ins_0123456789ab --node /sales --node /support
  jeton installation edit ins_0123456789ab --unlink
  jeton installation edit ins_0123456789ab --name frankfurt-2")]
pub struct EditArgs {
    #[arg(value_name = Installation::VALUE, help = Installation::ID)]
    id: String,
    /// What it is called from now on.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A node that it is linked to from now on, instead of those that it is linked to now; repeatable.
    #[arg(long, value_name = "PATH")]
    node: Vec<String>,
    /// Link it to no node.
    #[arg(long, conflicts_with = "node")]
    unlink: bool,
    /// Refuse if it changed since it had this version.
    #[arg(long, value_name = "NUMBER")]
    version_is: Option<i64>,
    #[command(flatten)]
    server: ServerArgs,
}

fn edit(args: EditArgs) -> Result<(), Failure> {
    let nodes = (args.unlink || !args.node.is_empty()).then_some(args.node);
    let body = EditInstallation { name: args.name, nodes, version: args.version_is };
    verbs::edit::<Installation, _>(&args.server, &args.id, &body)
}

impl Noun for Installation {
    const ONE: &'static str = "installation";
    const MANY: &'static str = "installations";
    const ID: &'static str = "The installation, as in `ins_0123456789ab`";
    const ROUTE: &'static str = "installations";
    const HEAD: &'static [&'static str] = &["ID", "NAME", "NODES", "CREATED"];
    const DISPENSABLE: &'static [&'static str] = &["CREATED", "NODES"];
    type Place = ServerArgs;

    fn row(&self, time: fn(&str) -> String) -> Vec<String> {
        vec![self.id.clone(), self.name.clone(), self.nodes.join(" "), time(&self.created_at)]
    }

    fn facts(&self) -> Facts {
        Facts::default()
            .with("id", &self.id)
            .with("name", &self.name)
            .with("account", &self.account)
            .with_any("nodes", (!self.nodes.is_empty()).then(|| self.nodes.join(" ")))
            .with("created", output::time(&self.created_at))
            .with("version", self.version.to_string())
    }

    fn called(&self) -> String {
        named(&self.id, &self.name)
    }
}
