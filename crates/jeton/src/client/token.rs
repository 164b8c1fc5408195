//! `jeton token …`: the tokens of an account. Making stands in [`create`], changing in [`change`],
//! looking in [`look`].

mod change;
mod create;
mod look;

use api::Secret;
use api::tokens::{IssuedToken, Token};
use clap::Subcommand;

use super::http::{Answer, Request, path};
use super::{Desk, output};
use crate::exit::{Exit, Failure};

/// Makes, shows, changes and checks tokens.
#[derive(Debug, Subcommand)]
#[command(before_help = "\
Examples:
  jeton token create ci --role Viewer --expires-in 90d > token
  jeton token list --status active
  jeton token rotate pat_0123456789ab --grace '2 hours' > token
  jeton token revoke pat_0123456789ab --reason 'laptop lost'
  jeton token verify < token")]
pub enum TokenCommand {
    Create(create::CreateArgs),
    List(look::ListArgs),
    Show(look::ShowArgs),
    Edit(change::EditArgs),
    Rotate(create::RotateArgs),
    Revoke(change::RevokeArgs),
    Approve(change::ApproveArgs),
    Reveal(create::RevealArgs),
    Delete(change::DeleteArgs),
    Verify(look::VerifyArgs),
    Usage(look::UsageArgs),
}

/// Runs a command about tokens.
///
/// # Errors
/// Whatever kept it from being done.
pub fn run(command: TokenCommand) -> Result<Exit, Failure> {
    match command {
        TokenCommand::Verify(args) => return look::verify(args),
        TokenCommand::Create(args) => create::create(args),
        TokenCommand::Rotate(args) => create::rotate(args),
        TokenCommand::Reveal(args) => create::reveal(args),
        TokenCommand::List(args) => look::list(args),
        TokenCommand::Show(args) => look::show(args),
        TokenCommand::Usage(args) => look::usage(args),
        TokenCommand::Edit(args) => change::edit(args),
        TokenCommand::Revoke(args) => change::revoke(args),
        TokenCommand::Approve(args) => change::approve(args),
        TokenCommand::Delete(args) => change::delete(args),
    }?;
    Ok(Exit::Done)
}

/// The route of a token, or of what can be done with it. `self` is the credential's own token, for
/// the verbs that a token may use on itself.
fn route(desk: &mut Desk, id: &str, verb: &[&str]) -> Result<String, Failure> {
    if id == "self" {
        return Ok(path(&[&["v1", "tokens", "self"], verb].concat()));
    }
    let account = desk.account()?;
    Ok(path(&[&["v1", "accounts", &account, "tokens", id], verb].concat()))
}

/// Prints an answer that carries a secret: all of it as JSON, or the secret alone on standard
/// output and what is worth knowing beside it.
fn hand_over(answer: &Answer, json: bool, verb: &str) -> Result<(), Failure> {
    if json {
        return output::data(&answer.text);
    }
    let issued: IssuedToken = answer.read()?;
    secret_alone(&issued.secret)?;
    let token = &issued.token;
    let until = token
        .expires_at
        .as_deref()
        .map_or_else(|| "never expires".to_owned(), |at| format!("expires {}", output::time(at)));
    output::say(&format!(
        "{verb} {} {:?} in {} at {}: {}, {until}; the secret is shown only now",
        token.id,
        token.name,
        token.account,
        token.node,
        super::session::permission(&token.permission),
    ));
    Ok(())
}

fn secret_alone(secret: &Secret) -> Result<(), Failure> {
    output::data(secret.expose())
}

/// Prints what became of a token: all of it as JSON, or one sentence beside the data.
fn report(answer: &Answer, json: bool, verb: &str, id: &str) -> Result<(), Failure> {
    if json {
        return output::data(&answer.text);
    }
    // An answer without the token in it is as good; the change is done.
    match answer.read::<Token>() {
        Ok(token) => output::say(&format!("{verb} {} {:?}", token.id, token.name)),
        Err(_) => output::say(&format!("{verb} {id}")),
    }
    Ok(())
}

/// Refuses `self` before anything is sent, where only an id is taken.
fn not_self(id: &str) -> Result<(), Failure> {
    match id {
        "self" => Err(Failure::usage("this takes the id of a token, not `self`").help(
            "`jeton token show self` prints the id of your own; `self` can be shown, rotated and deleted",
        )),
        _ => Ok(()),
    }
}

fn get(desk: &mut Desk, id: &str) -> Result<Answer, Failure> {
    let route = route(desk, id, &[])?;
    desk.send(&Request::get(route))
}
