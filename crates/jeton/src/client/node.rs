//! `jeton node …`: the places in an account's tree, which are organizations, environments, projects
//! or profiles as the preset names them.

use api::nodes::{CreateNode, Node};
use clap::{Args, Subcommand};

use super::noun::verbs::{self, ListArgs};
use super::noun::{Facts, Noun, named};
use super::{ServerArgs, output};
use crate::exit::Failure;

/// Lists and makes the places in an account's tree: what its preset calls projects, environments
/// and the like.
#[derive(Debug, Subcommand)]
#[command(before_help = "\
Examples:
  jeton node list
  jeton node create /sales --name 'Sales department'")]
pub enum NodeCommand {
    /// Lists the places below the root of an account, by path.
    #[command(before_help = "\
Examples:
  jeton node list
  jeton node list --all --json | jq -r '.items[].path'")]
    List(ListArgs<Node>),
    Create(CreateArgs),
}

/// # Errors
/// Whatever kept it from being done.
pub fn run(command: NodeCommand) -> Result<(), Failure> {
    match command {
        NodeCommand::List(args) => verbs::list(&args),
        NodeCommand::Create(args) => create(args),
    }
}

/// Makes a place below one that exists.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton node create /sales
  jeton node create /sales/prod --name Production --json")]
pub struct CreateArgs {
    /// Its path, as in `/sales/prod`; it never changes.
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

impl Noun for Node {
    const ONE: &'static str = "node";
    const MANY: &'static str = "nodes below the root";
    const ID: &'static str = "The node, as in `/sales/prod`";
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
    }

    fn called(&self) -> String {
        named(&self.path, &self.name)
    }
}
