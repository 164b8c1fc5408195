//! `jeton node …`: the nodes of an account's tree, which are organizations, environments, projects
//! or profiles as the preset names them.

use api::nodes::{CreateNode, EditNode, Node};
use clap::{Args, Subcommand};

use super::noun::verbs::{self, ListArgs, OneArgs};
use super::noun::{Facts, Noun, named};
use super::{ServerArgs, output};
use crate::exit::Failure;

/// Lists, makes and renames the nodes of an account's tree.
///
/// They are what the account's preset calls organizations, environments, projects or profiles. A
/// role or a token that holds at one holds at all below it.
#[derive(Debug, Subcommand)]
#[command(before_help = "\
Examples:
  jeton node list
  jeton node create /sales --name 'Sales department'")]
pub enum NodeCommand {
    /// Lists the nodes below the root of an account, by path.
    #[command(before_help = "\
Examples:
  jeton node list
  jeton node list --all --json | jq -r '.items[].path'")]
    List(ListArgs<Node>),
    /// Shows one node.
    #[command(before_help = "\
Examples:
  jeton node show /sales
  jeton node show /sales --json")]
    Show(OneArgs<Node>),
    Create(CreateArgs),
    Edit(EditArgs),
}

/// # Errors
/// Whatever kept it from being done.
pub fn run(command: NodeCommand) -> Result<(), Failure> {
    match command {
        NodeCommand::List(args) => verbs::list(&args),
        NodeCommand::Show(args) => verbs::show(&args),
        NodeCommand::Create(args) => create(args),
        NodeCommand::Edit(args) => edit(args),
    }
}

/// Makes a node below one that exists.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton node create /sales
  jeton node create /sales --name 'Sales department' --json")]
pub struct CreateArgs {
    /// The path, as in `/sales`; it never changes.
    path: String,
    /// What it is called [default: the last part of the path].
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
}

fn create(args: CreateArgs) -> Result<(), Failure> {
    verbs::create::<Node>(&args.server, &CreateNode { path: args.path, name: args.name })
}

/// Renames a node; its path never changes.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton node edit /sales --name 'Sales department'")]
pub struct EditArgs {
    #[arg(value_name = Node::VALUE, help = Node::ID)]
    path: String,
    /// What it is called from now on.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Refuse if it changed since it had this version.
    #[arg(long, value_name = "NUMBER")]
    version_is: Option<i64>,
    #[command(flatten)]
    server: ServerArgs,
}

fn edit(args: EditArgs) -> Result<(), Failure> {
    verbs::edit::<Node, _>(&args.server, &args.path, &EditNode { name: args.name, version: args.version_is })
}

impl Noun for Node {
    const ONE: &'static str = "node";
    const MANY: &'static str = "nodes below the root";
    const ID: &'static str = "The node, as in `/sales`";
    const VALUE: &'static str = "PATH";
    const ROUTE: &'static str = "nodes";
    const HEAD: &'static [&'static str] = &["PATH", "NAME", "LEVEL", "CREATED"];
    const DISPENSABLE: &'static [&'static str] = &["CREATED", "LEVEL"];
    type Place = ServerArgs;

    fn row(&self, time: fn(&str) -> String) -> Vec<String> {
        vec![self.path.clone(), self.name.clone(), self.level.clone(), time(&self.created_at)]
    }

    fn facts(&self) -> Facts {
        Facts::default()
            .with("path", &self.path)
            .with("name", &self.name)
            .with("level", &self.level)
            .with_any("parent", self.parent.as_ref())
            .with("created", output::time(&self.created_at))
            .with("version", self.version.to_string())
    }

    fn called(&self) -> String {
        named(&self.path, &self.name)
    }
}
