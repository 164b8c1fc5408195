//! The commands that change a token: `edit`, `revoke`, `approve`, `report-leak`, `delete`.

use api::tokens::{EditToken, RevokeToken, Token, TokenStatus};
use api::{Maybe, Metadata};
use clap::Args;

use super::super::http::Request;
use super::super::noun::verbs::{self, YesArgs};
use super::super::noun::{self, Noun, metadata};
use super::super::{Desk, ServerArgs, input};
use super::create::{ExpiryArgs, GrantArgs};
use super::{get, not_self, route};
use crate::exit::Failure;

/// Changes a token's name, description, expiry, metadata, or narrows its grant.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton token edit pat_0123456789ab --name 'nightly build'
  jeton token edit pat_0123456789ab --expires-in 30d
  jeton token edit pat_0123456789ab --access read --entity devices
  jeton token edit pat_0123456789ab --description ''")]
pub struct EditArgs {
    /// The token, as in `pat_0123456789ab`.
    id: String,
    /// What it is called from now on.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What it is for; an empty text removes the description.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    #[command(flatten)]
    grant: GrantArgs,
    #[command(flatten)]
    expiry: ExpiryArgs,
    /// What to keep with it, as a JSON object, instead of what is kept now; `{}` for nothing.
    #[arg(long, value_name = "JSON", value_parser = metadata)]
    metadata: Option<Metadata>,
    /// Refuse if the token changed since it had this version.
    #[arg(long, value_name = "NUMBER")]
    version_is: Option<i64>,
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) fn edit(args: EditArgs) -> Result<(), Failure> {
    let body = EditToken {
        name: args.name,
        description: noun::or_nothing(args.description),
        expires_at: args.expiry.expires_at(),
        expires_in: args.expiry.expires_in,
        metadata: args.metadata.map_or(Maybe::Absent, Maybe::Value),
        permission: args.grant.permission(),
        version: args.version_is,
    };
    verbs::must_change(&body)?;
    not_self(&args.id)?;
    let mut desk = Desk::open(&args.server)?;
    let route = route(&mut desk, &args.id, &[])?;
    let answer = desk.send(&Request::patch(route, &body))?;
    noun::report::<Token>(&answer, args.server.json(), "changed", &args.id)
}

/// Revokes a token: from the moment this ends, the server that answered calls it valid no more.
///
/// Other peers over one PostgreSQL follow within milliseconds.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton token revoke pat_0123456789ab
  jeton token revoke pat_0123456789ab --reason 'laptop lost' --yes
  jeton token revoke pat_0123456789ab --json")]
pub struct RevokeArgs {
    /// The token, as in `pat_0123456789ab`.
    id: String,
    /// Why, for the journal.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    yes: YesArgs,
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) fn revoke(args: RevokeArgs) -> Result<(), Failure> {
    not_self(&args.id)?;
    let mut desk = Desk::open(&args.server)?;
    let called = called(&mut desk, &args.id, &args.yes)?;
    args.yes.ask(&format!("revoke {called}?"))?;
    let route = route(&mut desk, &args.id, &["revoke"])?;
    let body = RevokeToken { reason: args.reason };
    let answer = desk.send(&Request::post(route, &body))?;
    noun::report::<Token>(&answer, args.server.json(), "revoked", &args.id)
}

/// Approves a token that is pending, or one that was revoked by mistake.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton token approve pat_0123456789ab
  jeton token approve pat_0123456789ab --json")]
pub struct ApproveArgs {
    /// The token, as in `pat_0123456789ab`.
    id: String,
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) fn approve(args: &ApproveArgs) -> Result<(), Failure> {
    not_self(&args.id)?;
    verbs::act::<Token>(&args.server, &args.id, "approve", "approved")
}

/// Reports that somebody else has a token's secret: it stops at once, and for good.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton token report-leak pat_0123456789ab
  jeton token report-leak pat_0123456789ab --yes --json")]
pub struct ReportLeakArgs {
    /// The token, as in `pat_0123456789ab`.
    id: String,
    #[command(flatten)]
    yes: YesArgs,
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) fn report_leak(args: &ReportLeakArgs) -> Result<(), Failure> {
    not_self(&args.id)?;
    args.yes.insist(&format!("report {} as leaked, for good?", args.id))?;
    verbs::act::<Token>(&args.server, &args.id, "report-leak", "reported as leaked, and stopped:")
}

/// Deletes a token for good.
///
/// `self` ends the token that asks: revoked where the policy revokes, else deleted. Where the account's
/// policy wants a confirmation, give the token's name (or the word that the policy asks for) with
/// --confirm; on a terminal it is asked for.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton token delete pat_0123456789ab
  jeton token delete pat_0123456789ab --confirm ci
  jeton token delete self")]
pub struct DeleteArgs {
    /// The token, as in `pat_0123456789ab`; `self` is the one that asks.
    id: String,
    /// The token's name, or the word that the policy asks for.
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,
    #[command(flatten)]
    yes: YesArgs,
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) fn delete(args: DeleteArgs) -> Result<(), Failure> {
    let mut desk = Desk::open(&args.server)?;
    if args.confirm.is_none() {
        let called = called(&mut desk, &args.id, &args.yes)?;
        args.yes.insist(&format!("delete {called}?"))?;
    }
    let route = route(&mut desk, &args.id, &[])?;
    let request = |confirm: Option<&str>| Request::delete(route.as_str()).query("confirm", confirm);
    let answer = match desk.send(&request(args.confirm.as_deref())) {
        Err(mut asked) if asked.is("confirmation_required") => {
            let wanted = wanted(&asked.sentence).map(str::to_owned);
            if args.confirm.is_some() || !input::a_person_is_there() {
                if let Some(wanted) = wanted {
                    asked.sentence = format!("deleting cannot be undone, and is confirmed with {wanted}");
                }
                return Err(asked.help("repeat the command with --confirm NAME"));
            }
            let wanted = wanted.unwrap_or_else(|| "the token's name".to_owned());
            let typed = input::line(&format!("Type {wanted} to confirm.\nconfirm"))?;
            desk.send(&request(Some(&typed)))?
        }
        other => other?,
    };
    // Its own token is ended as the policy ends tokens, and the answer says which it was.
    let done = match answer.read::<Token>().map(|token| token.status) {
        Ok(TokenStatus::Revoked) if args.id == "self" => "revoked",
        _ => "deleted",
    };
    noun::report::<Token>(&answer, args.server.json(), done, &args.id)
}

/// What the server wants to hear as `?confirm=…`, which is for programs, as somebody who types hears it.
fn wanted(sentence: &str) -> Option<&str> {
    let (_, with) = sentence.split_once("confirm it with ")?;
    with.split_once(", as `?confirm=").map(|(wanted, _)| wanted)
}

/// How a question names a token: whoever is asked should see which one it is.
fn called(desk: &mut Desk, id: &str, yes: &YesArgs) -> Result<String, Failure> {
    if yes.yes || !input::a_person_is_there() {
        return Ok(id.to_owned());
    }
    Ok(get(desk, id)?.read::<Token>()?.called())
}
