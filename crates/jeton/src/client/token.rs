//! `jeton token …`: the tokens of an account. Making stands in [`create`], changing in [`change`],
//! looking in [`look`]; every token of the server is in [`inventory`].

mod change;
mod create;
mod inventory;
mod look;

use api::tokens::Token;
use clap::Subcommand;

use super::http::{Answer, Request, path};
use super::noun::{Facts, Noun, Place, as_json, grant, named, word};
use super::{Desk, ServerArgs, output};
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
    ReportLeak(change::ReportLeakArgs),
    Reveal(create::RevealArgs),
    Delete(change::DeleteArgs),
    Verify(look::VerifyArgs),
    Usage(look::UsageArgs),
    Inventory(inventory::InventoryArgs),
    Summary(inventory::SummaryArgs),
    RevokeMatching(inventory::RevokeMatchingArgs),
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
        TokenCommand::Inventory(args) => inventory::inventory(args),
        TokenCommand::Summary(args) => inventory::summary(args),
        TokenCommand::RevokeMatching(args) => inventory::revoke_matching(args),
        TokenCommand::Edit(args) => change::edit(args),
        TokenCommand::Revoke(args) => change::revoke(args),
        TokenCommand::Approve(args) => change::approve(&args),
        TokenCommand::ReportLeak(args) => change::report_leak(&args),
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
    ServerArgs::route(desk, &[&[Token::ROUTE, id], verb].concat())
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

impl Noun for Token {
    const ONE: &'static str = "token";
    const MANY: &'static str = "tokens";
    const ID: &'static str = "The token, as in `pat_0123456789ab`";
    const ROUTE: &'static str = "tokens";
    const HEAD: &'static [&'static str] =
        &["ID", "NAME", "STATUS", "HOLDER", "GRANT", "NODE", "EXPIRES", "LAST USED"];
    const DISPENSABLE: &'static [&'static str] = &["NODE", "HOLDER", "LAST USED", "GRANT"];
    type Place = ServerArgs;

    fn row(&self, time: fn(&str) -> String) -> Vec<String> {
        vec![
            self.id.clone(),
            self.name.clone(),
            word(&self.status),
            self.holder.name.clone(),
            grant(&self.permission),
            self.node.clone(),
            self.expires_at.as_deref().map_or_else(|| "never".to_owned(), time),
            self.last_used_at.as_deref().map_or_else(|| "not yet".to_owned(), time),
        ]
    }

    fn facts(&self) -> Facts {
        let when = |time: &Option<String>, otherwise: &str| {
            time.as_deref().map_or_else(|| otherwise.to_owned(), output::time)
        };
        let issuer = self.issued_by.as_ref().map(|issuer| format!("{} ({})", issuer.name, issuer.id));
        Facts::default()
            .with("id", &self.id)
            .with("name", &self.name)
            .with("status", word(&self.status))
            .with("kind", word(&self.kind))
            .with("account", &self.account)
            .with("holder", format!("{} ({})", self.holder.name, self.holder.id))
            .with("grant", grant(&self.permission))
            .with("node", &self.node)
            .with("created", output::time(&self.created_at))
            .with("expires", when(&self.expires_at, "never"))
            .with("last used", when(&self.last_used_at, "not yet"))
            .with("version", self.version.to_string())
            .with_any("description", self.description.as_ref())
            .with_any("issued by", issuer)
            .at("not before", self.not_before.as_deref())
            .with_any("used from", self.last_used_from.as_ref())
            .metadata(&self.metadata)
            .with_any("conditions", self.conditions.as_ref().map(as_json))
            .with_any("limits", self.limits.as_ref().map(as_json))
    }

    fn called(&self) -> String {
        named(&self.id, &self.name)
    }

    fn called_at_length(&self) -> String {
        let until = match self.expires_at.as_deref() {
            Some(at) => format!("expires {}", output::time(at)),
            None => "never expires".to_owned(),
        };
        let granted = grant(&self.permission);
        format!("{} in {} at {}: {granted}, {until}", self.called(), self.account, self.node)
    }
}
