//! `jeton member …`: the people of an account, and the users of the product in it.

use std::path::PathBuf;

use api::Metadata;
use api::members::{CreateMember, Member};
use api::sessions::Link;
use clap::{Args, Subcommand};

use super::holder::{EditArgs, RolesArgs, roles, status, status_at_length};
use super::http::Request;
use super::noun::verbs::{self, EndArgs, ListArgs, OneArgs};
use super::noun::{Facts, Noun, Place, metadata, named};
use super::sync::{SyncArgs, sync};
use super::{ServerArgs, input, output};
use crate::exit::{Exit, Failure};

/// Lists, adds and changes the members of an account.
///
/// A member is a person who signs in, or a user of the product whom it knows by an id of its own.
#[derive(Debug, Subcommand)]
#[command(before_help = "\
Examples:
  jeton member list
  jeton member create 'Ada Lovelace' --email ada@example.com --role Admin
  jeton member edit mem_0123456789ab --role Viewer
  jeton member deactivate mem_0123456789ab")]
pub enum MemberCommand {
    /// Lists the members of an account.
    #[command(before_help = "\
Examples:
  jeton member list
  jeton member list --account acme --all --json | jq -r '.items[].email'
  jeton member list --limit 500")]
    List(ListArgs<Member>),
    /// Shows one member.
    #[command(before_help = "\
Examples:
  jeton member show mem_0123456789ab
  jeton member show mem_0123456789ab --json")]
    Show(OneArgs<Member>),
    #[command(alias = "add")]
    Create(CreateArgs),
    /// Makes a link by which a member with an e-mail address gets a login of their own.
    ///
    /// It is good once and for 7 days, and printed alone on standard output. Whoever opens it chooses a
    /// password; somebody who signs in to another account of this server does so first. One that was made
    /// before opens nothing any more, and none does once the member is removed.
    #[command(before_help = "\
Examples:
  jeton member invite mem_0123456789ab
  jeton member invite mem_0123456789ab --account acme --json | jq -r .url")]
    Invite(OneArgs<Member>),
    /// Changes a member's name, roles or metadata.
    #[command(before_help = "\
Examples:
  jeton member edit mem_0123456789ab --role Viewer
  jeton member edit mem_0123456789ab --binding Viewer@/ --binding Admin@/sales
  jeton member edit mem_0123456789ab --name 'Ada King' --metadata '{\"team\":\"a\"}'")]
    Edit(EditArgs<Member>),
    /// Ends a member's sessions at once; the account's policy says what becomes of their tokens.
    ///
    /// `jeton member reactivate` undoes it.
    #[command(before_help = "\
Examples:
  jeton member deactivate mem_0123456789ab
  jeton member deactivate mem_0123456789ab --yes --json")]
    Deactivate(EndArgs<Member>),
    /// Lets a member who was deactivated go on.
    #[command(before_help = "\
Examples:
  jeton member reactivate mem_0123456789ab
  jeton member reactivate mem_0123456789ab --json")]
    Reactivate(OneArgs<Member>),
    /// Removes a member for good; the account's policy says what becomes of their tokens.
    #[command(alias = "delete")]
    #[command(before_help = "\
Examples:
  jeton member remove mem_0123456789ab
  jeton member remove mem_0123456789ab --yes")]
    Remove(EndArgs<Member>),
    /// Erases what is personal of a member who was removed, also in the journal, for good.
    ///
    /// Name, address, external id and metadata; the person and the password, unless they are a member
    /// anywhere else; what the journal says of them. Ids stay. Backups still have it.
    #[command(before_help = "\
Examples:
  jeton member erase mem_0123456789ab
  jeton member erase mem_0123456789ab --yes --json")]
    Erase(EndArgs<Member>),
    /// Makes and changes members so that they are as the product has them, by its ids for them.
    ///
    /// Each object has external_id, name and role, and may have email, active and metadata; what is not
    /// in the file stays as it is. It ends with 1 if one was refused; the others are done. For operators,
    /// and services that may provision.
    #[command(before_help = "\
Examples:
  jeton member sync users.jsonl --account acme
  psql -At -c 'SELECT to_json(u) FROM users_for_jeton u' | jeton member sync - --account acme --json")]
    Sync(SyncArgs<ServerArgs>),
}

/// # Errors
/// Whatever kept it from being done.
pub fn run(command: MemberCommand) -> Result<Exit, Failure> {
    match command {
        MemberCommand::Sync(args) => return sync(&args, Member::ROUTE, Member::ONE),
        MemberCommand::List(args) => verbs::list(&args),
        MemberCommand::Show(args) => verbs::show(&args),
        MemberCommand::Create(args) => create(args),
        MemberCommand::Invite(args) => invite(&args),
        MemberCommand::Edit(args) => args.member(),
        MemberCommand::Deactivate(args) => verbs::deactivate(&args),
        MemberCommand::Reactivate(args) => verbs::reactivate(&args),
        MemberCommand::Remove(args) => verbs::remove(&args, "remove", "removed"),
        MemberCommand::Erase(args) => erase(&args),
    }?;
    Ok(Exit::Done)
}

/// Adds a member to an account.
///
/// With an e-mail address and a password the member is a person who can sign in; with an address alone they
/// can be invited, by `jeton member invite`. Without one it is a user of the product, whom --external-id
/// names as the product does.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton member create 'Ada Lovelace' --email ada@example.com --role Admin
  pwgen 24 1 | jeton member create Grace --email grace@example.com --role Member --password-file -
  jeton member create 'Customer 4711' --external-id user-4711 --role Viewer --json")]
pub struct CreateArgs {
    /// What the member is called.
    name: String,
    #[command(flatten)]
    roles: RolesArgs,
    /// The e-mail address with which the person signs in, or is invited to.
    #[arg(long, value_name = "EMAIL")]
    email: Option<String>,
    /// The file that holds the password for the first login, `-` for standard input.
    #[arg(long, value_name = "FILE", requires = "email")]
    password_file: Option<PathBuf>,
    /// The id that the product itself has for the member.
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
    /// What to keep with the member, as a JSON object.
    #[arg(long, value_name = "JSON", value_parser = metadata)]
    metadata: Option<Metadata>,
    #[command(flatten)]
    server: ServerArgs,
}

fn create(args: CreateArgs) -> Result<(), Failure> {
    let password = args.password_file.as_deref().map(|file| input::secret(file, "password")).transpose()?;
    let body = CreateMember {
        name: args.name,
        email: args.email,
        role: args.roles.role,
        bindings: args.roles.binding,
        active: None,
        external_id: args.external_id,
        metadata: args.metadata,
        password,
    };
    verbs::create::<Member>(&args.server, &body)
}

fn invite(args: &OneArgs<Member>) -> Result<(), Failure> {
    let mut desk = args.place.open()?;
    let route = ServerArgs::route(&mut desk, &[Member::ROUTE, &args.id, "invite"])?;
    let answer = desk.send(&Request::post(route, &api::Empty {}))?;
    if args.place.json() {
        return output::data(&answer.text);
    }
    let link: Link = answer.read()?;
    output::data(link.url.expose())?;
    let until = output::time(&link.expires_at);
    output::say(&format!("this link lets {} in once, until {until}; it is shown only now", args.id));
    Ok(())
}

fn erase(args: &EndArgs<Member>) -> Result<(), Failure> {
    args.yes.insist(&format!("erase what is personal of {}, for good?", args.id))?;
    verbs::act::<Member>(&args.place, &args.id, "erase", "erased")
}

impl Noun for Member {
    const ONE: &'static str = "member";
    const MANY: &'static str = "members";
    const ID: &'static str = "The member, as in `mem_0123456789ab`";
    const ROUTE: &'static str = "members";
    const HEAD: &'static [&'static str] = &["ID", "NAME", "E-MAIL", "ROLE", "STATUS", "EXTERNAL ID"];
    const DISPENSABLE: &'static [&'static str] = &["EXTERNAL ID", "STATUS", "E-MAIL"];
    type Place = ServerArgs;

    fn row(&self, time: fn(&str) -> String) -> Vec<String> {
        vec![
            self.id.clone(),
            self.name.clone(),
            self.email.clone().unwrap_or_default(),
            roles(&self.bindings),
            status(self.inactive_since.as_deref(), time),
            self.external_id.clone().unwrap_or_default(),
        ]
    }

    fn facts(&self) -> Facts {
        Facts::default()
            .with("id", &self.id)
            .with("name", &self.name)
            .with_any("e-mail", self.email.as_ref())
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
