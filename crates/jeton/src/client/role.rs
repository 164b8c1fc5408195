//! `jeton role …`: named sets of permissions. People know roles by name and routes by id; the
//! account's list leads from one to the other.

use api::roles::{CreateRole, EditRole, Role};
use clap::{Args, Subcommand};

use super::http::Request;
use super::noun::verbs::{self, ListArgs, YesArgs};
use super::noun::{self, Facts, Noun, PageArgs, Place, named};
use super::{Desk, ServerArgs, output};
use crate::exit::{Exit, Failure};
use crate::nearest::nearest;

/// Lists, makes and changes roles, which are named sets of permissions.
///
/// Members and service accounts have roles; tokens may have one too. All follow its changes.
#[derive(Debug, Subcommand)]
#[command(before_help = "\
Examples:
  jeton role list
  jeton role show Viewer
  jeton role create Deployer --permission deploy:trigger --permission projects:read
  jeton role edit Deployer --permission deploy:trigger")]
pub enum RoleCommand {
    /// Lists the roles of an account, the strongest first.
    #[command(before_help = "\
Examples:
  jeton role list
  jeton role list --json | jq -r '.items[].name'")]
    List(ListArgs<Role>),
    Show(ShowArgs),
    Create(CreateArgs),
    Edit(EditArgs),
    #[command(alias = "remove")]
    Delete(DeleteArgs),
}

/// # Errors
/// Whatever kept it from being done.
pub fn run(command: RoleCommand) -> Result<(), Failure> {
    match command {
        RoleCommand::List(args) => verbs::list(&args),
        RoleCommand::Show(args) => show(&args),
        RoleCommand::Create(args) => create(args),
        RoleCommand::Edit(args) => edit(args),
        RoleCommand::Delete(args) => delete(&args),
    }
}

/// Shows what a role may do.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton role show Viewer
  jeton role show Viewer --json | jq -r '.permissions[]'")]
pub struct ShowArgs {
    /// The role, by its name or id.
    role: String,
    #[command(flatten)]
    server: ServerArgs,
}

fn show(args: &ShowArgs) -> Result<(), Failure> {
    let found = find(&mut args.server.open()?, &args.role)?;
    match args.server.json() {
        true => output::data(&noun::as_json(&found)),
        false => found.facts().print(),
    }
}

/// Makes a role, the weakest in order.
///
/// `jeton role show` of the strongest role names all permissions that there are. Nobody gives more
/// than they may do themselves.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton role create Deployer --permission deploy:trigger --permission projects:read
  jeton role create Auditor --permission journal:read,tokens:read --json")]
pub struct CreateArgs {
    /// What the role is called.
    name: String,
    /// What it may do, as in `devices:read`; repeatable, or several with commas.
    #[arg(long, value_name = "PERMISSION", required = true, value_delimiter = ',')]
    permission: Vec<String>,
    #[command(flatten)]
    server: ServerArgs,
}

fn create(args: CreateArgs) -> Result<(), Failure> {
    verbs::create::<Role>(&args.server, &CreateRole { name: args.name, permissions: args.permission })
}

/// Changes a role's name or permissions; whoever has it follows at once.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton role edit Deployer --permission deploy:trigger
  jeton role edit Deployer --name Releaser")]
pub struct EditArgs {
    /// The role, by its name or id.
    role: String,
    /// What it is called from now on.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What it may do from now on, instead of all that it may now; repeatable, or several with commas.
    #[arg(long, value_name = "PERMISSION", value_delimiter = ',')]
    permission: Vec<String>,
    #[command(flatten)]
    server: ServerArgs,
}

fn edit(args: EditArgs) -> Result<(), Failure> {
    let permissions = (!args.permission.is_empty()).then_some(args.permission);
    let body = EditRole { name: args.name, permissions };
    verbs::must_change(&body)?;
    let mut desk = args.server.open()?;
    let role = find(&mut desk, &args.role)?;
    let route = ServerArgs::route(&mut desk, &[Role::ROUTE, &role.id])?;
    let answer = desk.send(&Request::patch(route, &body))?;
    noun::report::<Role>(&answer, args.server.json(), "changed", &role.id)
}

/// Deletes a role that nobody has.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton role delete Deployer
  jeton role delete Deployer --yes --json")]
pub struct DeleteArgs {
    /// The role, by its name or id.
    role: String,
    #[command(flatten)]
    yes: YesArgs,
    #[command(flatten)]
    server: ServerArgs,
}

fn delete(args: &DeleteArgs) -> Result<(), Failure> {
    args.yes.insist(&format!("delete the role {}?", args.role))?;
    let mut desk = args.server.open()?;
    let role = find(&mut desk, &args.role)?;
    let route = ServerArgs::route(&mut desk, &[Role::ROUTE, &role.id])?;
    let answer = desk.send(&Request::delete(route))?;
    noun::report::<Role>(&answer, args.server.json(), "deleted", &role.id)
}

/// The role of this name or id.
fn find(desk: &mut Desk, wanted: &str) -> Result<Role, Failure> {
    let route = ServerArgs::route(desk, &[Role::ROUTE])?;
    let every = PageArgs { limit: None, cursor: None, all: true };
    let roles = noun::gathered::<Role>(desk, &Request::get(route), &every)?.items;
    if let Some(found) = roles.iter().find(|role| role.name == wanted || role.id == wanted) {
        return Ok(found.clone());
    }
    let account = desk.account()?;
    let failure = Failure::new(Exit::NotFound, format!("the account {account} has no role {wanted:?}"));
    Err(match nearest(wanted, roles.iter().map(|role| role.name.as_str())) {
        Some(meant) => failure.help(format!("did you mean {meant:?}? `jeton role list` names all")),
        None => failure,
    })
}

impl Noun for Role {
    const ONE: &'static str = "role";
    const MANY: &'static str = "roles";
    const ID: &'static str = "The role, by its name or id";
    const ROUTE: &'static str = "roles";
    const HEAD: &'static [&'static str] = &["ID", "NAME", "RANK", "PERMISSIONS"];
    const DISPENSABLE: &'static [&'static str] = &["RANK"];
    type Place = ServerArgs;

    fn row(&self, _: fn(&str) -> String) -> Vec<String> {
        // Fifty of them are no cell of a table.
        vec![
            self.id.clone(),
            self.name.clone(),
            (self.rank + 1).to_string(),
            self.permissions.len().to_string(),
        ]
    }

    fn facts(&self) -> Facts {
        Facts::default()
            .with("id", &self.id)
            .with("name", &self.name)
            .with("account", &self.account)
            .with("permissions", self.permissions.join(" "))
    }

    fn called(&self) -> String {
        named(&self.id, &self.name)
    }
}
