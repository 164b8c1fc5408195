//! Logins: what a password opens, and what closes it again.
//!
//! A session is a token of kind `ses`: found, admitted and stopped like any other, with all
//! that its member may do, the desk included.

use std::sync::Arc;

use token::{TokenId, TokenText};

use crate::change::{Action, Actor, Change, Entry, Expect, Write};
use crate::conditions::Conditions;
use crate::facts::{Account, Holder, Token};
use crate::grant::Grant;
use crate::life::Life;
use crate::node::NodePath;
use crate::policy::Logout;
use crate::refusal::Refusal;
use crate::time::Timestamp;
use crate::who::Caller;

/// Characters kept of what a browser or program calls itself: browsers say at the end what they are.
const AGENT: usize = 200;
/// How the name of a session begins; after it stands who began it.
const NAMED: &str = "Signed in with ";

/// What the browser or program called itself that began a session.
pub fn agent(session: &Token) -> &str {
    session.name.strip_prefix(NAMED).unwrap_or(&session.name)
}

/// Decides on a session for a member whose password was right.
pub fn start(
    account: &Account,
    holder: &Holder,
    node: NodePath,
    agent: Option<&str>,
    text: &Arc<TokenText>,
    now: Timestamp,
) -> Result<(Token, Change), Refusal> {
    let themselves = |via| Actor::Holder { id: holder.id, via };
    start_by(account, holder, node, agent, text, now, themselves)
}

/// The same for a member whom somebody else vouches for: by whom, the journal is told.
pub(crate) fn start_by(
    account: &Account,
    holder: &Holder,
    node: NodePath,
    agent: Option<&str>,
    text: &Arc<TokenText>,
    now: Timestamp,
    by: impl FnOnce(TokenId) -> Actor,
) -> Result<(Token, Change), Refusal> {
    if account.inactive_since.is_some() || !holder.is_active() {
        return Err(Refusal::forbidden(
            "This membership is deactivated; ask an administrator of the account.",
        ));
    }
    let agent: String = agent
        .unwrap_or("a program that does not say its name")
        .chars()
        .filter(|c| !c.is_control())
        .take(AGENT)
        .collect();
    let born = holder.standing.clear_of_stops(now);
    let token = Token {
        id: text.id(),
        number: 0,
        account: account.id.clone(),
        holder: holder.id,
        issued_by: holder.id,
        name: format!("{NAMED}{agent}"),
        description: None,
        metadata: None,
        grant: Grant::Inherit,
        node,
        desk: true,
        life: Life::from(born, Some(born.plus(&account.policy.login.life))),
        conditions: Conditions::default(),
        reason: None,
        digest: text.digest(),
        version: 0,
    };
    let entry = Entry {
        at: now,
        actor: by(token.id),
        account: Some(account.id.clone()),
        action: Action::SessionStarted,
        subject: token.id.to_string(),
        payload: serde_json::json!({ "agent": agent, "expires_at": token.life.expires_at }),
    };
    let mut change = Change::default()
        .expect(Expect::Account(account.id.clone(), account.version))
        .expect(Expect::Holder(account.id.clone(), holder.id, holder.version))
        .write(Write::InsertToken { token: Box::new(token.clone()), keep: None })
        .entry(entry);
    if !token.node.is_root() {
        change = change.expect(Expect::Node(account.id.clone(), token.node.clone()));
    }
    Ok((token, change))
}

/// Decides on a logout, by the caller's own session: it ends, and where the policy says so the
/// member's tokens are revoked with it, by one row.
pub fn log_out(caller: &Caller, session: Token) -> Result<Change, Refusal> {
    if !caller.is_session() {
        return Err(Refusal::wrong_state(
            "This is a token, not a session; end it as `DELETE /v1/tokens/self`.",
        ));
    }
    let change = end(caller, session);
    if caller.account.policy.logout != Logout::Revoke {
        return Ok(change);
    }
    let mut holder = caller.holder.clone();
    // Never earlier than it was, whatever the clocks of two peers say: that would bring back
    // what an earlier logout revoked.
    holder.standing.revoked_before = holder.standing.revoked_before.max(Some(caller.now));
    Ok(change.write(Write::UpdateHolder(holder)))
}

/// Decides on the end of another session of the same person.
pub fn end(caller: &Caller, session: Token) -> Change {
    let mut next = session;
    match caller.account.policy.logout {
        Logout::Delete => next.life.deleted_at = Some(caller.now),
        Logout::End | Logout::Revoke => next.life.revoked_at = Some(caller.now),
    }
    let entry = caller.entry(Action::SessionEnded, next.id, serde_json::json!({}));
    Change::default().write(Write::UpdateToken(Box::new(next))).entry(entry).ending()
}
