//! Revoking, deleting, and reporting a leak.

use super::{Decided, confirmation, gone, state};
use crate::change::{Action, Actor, Change, Entry, Write};
use crate::facts::{Holder, Service, Token};
use crate::ids::MemberId;
use crate::life::State;
use crate::news;
use crate::permission::{PermissionSet, TOKENS_DELETE, TOKENS_UPDATE};
use crate::policy::{ConfirmMode, Removal};
use crate::refusal::{Code, Refusal};
use crate::text;
use crate::time::Timestamp;
use crate::who::Caller;

/// Characters of a reason.
pub(super) const REASON: usize = 500;

/// The other tokens that end with this one: those which it replaced and which are in grace.
///
/// A rotation that happened after the revocation was asked for loses too, so its new token
/// belongs here as well: whoever revokes must not be outrun by whoever holds the secret.
type Line = Vec<Token>;

/// Decides on a revocation. `line` ends with it. Revoking what is revoked changes nothing.
pub fn revoke(
    caller: &Caller,
    token: Token,
    holder: &Holder,
    line: Line,
    reason: Option<&str>,
) -> Result<Decided, Refusal> {
    may_end(caller, &token, Removal::Revoke, TOKENS_UPDATE)?;
    let reason = reason.map(|reason| text::description("reason", reason, REASON)).transpose()?;
    match state(&caller.account, holder, &token, caller.now) {
        state @ (State::Deleted | State::Leaked) => return Err(gone(state, "revoked")),
        _ if token.life.revoked_at.is_some() => return Ok(Decided { token, change: Change::default() }),
        _ => {}
    }
    let told = serde_json::json!({ "reason": reason });
    let mut next = token;
    next.life.revoked_at = Some(caller.now);
    next.reason = reason;
    let Decided { token, mut change } = ended(caller, next, line, Action::TokenRevoked, told);
    change.outbox.extend(news::ended(caller, &token));
    Ok(Decided { token, change })
}

/// Decides on a report that somebody else knows the token. Final, whatever its state was. `managers` are told
/// besides its holder.
pub fn report_leak(
    caller: &Caller,
    token: Token,
    line: Line,
    reason: Option<&str>,
    managers: &[MemberId],
) -> Result<Decided, Refusal> {
    let by_itself = caller.comes_with(token.id);
    if !by_itself {
        caller.may_change(&token)?;
        caller.needs_reach(TOKENS_UPDATE)?;
    }
    let reason = reason.map(|reason| text::description("reason", reason, REASON)).transpose()?;
    if token.life.deleted_at.is_some() {
        return Err(Refusal::not_found("token"));
    }
    if token.life.leaked_at.is_some() {
        return Ok(Decided { token, change: Change::default() });
    }
    let told = serde_json::json!({ "reason": reason });
    let mut next = token;
    next.life.leaked_at = Some(caller.now);
    next.reason = reason;
    let id = next.id;
    let Decided { token, mut change } = ended(caller, next, line, Action::TokenLeaked, told);
    change.outbox.extend(news::leaked(&caller.actor(), &token, managers, caller.now));
    Ok(Decided { token, change: change.write(Write::ForgetSecret(id)) })
}

/// A text that somebody has whose it is not, or who gives it up.
#[derive(Clone, Debug)]
pub struct Found {
    /// Who says so: nobody in particular, or a scanner.
    pub by: Actor,
    /// Where it was seen, as they say.
    pub place: Option<String>,
    pub at: Timestamp,
}

impl Found {
    /// As it stands with the token.
    fn reason(&self) -> String {
        let said = match (&self.by, self.place.as_deref()) {
            (Actor::GitHub, Some(place)) => format!("GitHub found it at {place}"),
            (Actor::GitHub, None) => "GitHub found it.".to_owned(),
            _ => "Somebody who had its text reported it.".to_owned(),
        };
        // What cannot be kept is left out, and the report counts all the same.
        text::description("reason", &said, REASON).unwrap_or_else(|_| "Its text was found.".to_owned())
    }
}

/// Decides on the leak of a token whose text somebody showed, which is proof enough. It is final,
/// whatever the token's state was; where it has ended for good already nothing changes. `managers` are told
/// besides its holder.
pub fn found(token: Token, line: Line, found: &Found, managers: &[MemberId]) -> Change {
    if token.life.deleted_at.is_some() || token.life.leaked_at.is_some() {
        return Change::default();
    }
    let reason = found.reason();
    let told = serde_json::json!({ "reason": reason, "place": found.place });
    let mut next = token;
    next.life.leaked_at = Some(found.at);
    next.reason = Some(reason);
    let (id, account) = (next.id, Some(next.account.clone()));
    let entry = |action, id: token::TokenId, payload| Entry {
        at: found.at,
        actor: found.by.clone(),
        account: account.clone(),
        action,
        subject: id.to_string(),
        payload,
    };
    let Decided { token, mut change } = ended_by(next, line, Action::TokenLeaked, told, found.at, entry);
    change.outbox.extend(news::leaked(&found.by, &token, managers, found.at));
    change.write(Write::ForgetSecret(id))
}

/// The same of a service's key: it ends.
pub fn found_key(service: Service, found: &Found) -> Change {
    if service.revoked_at.is_some() {
        return Change::default();
    }
    let entry = Entry {
        at: found.at,
        actor: found.by.clone(),
        account: None,
        action: Action::ServiceRevoked,
        subject: service.id.to_string(),
        payload: serde_json::json!({
            "name": service.name, "reason": found.reason(), "place": found.place,
        }),
    };
    let ended = Service { revoked_at: Some(found.at), ..service };
    Change::default().write(Write::UpdateService(ended)).entry(entry).ending()
}

/// Decides on a deletion, confirmed as the policy asks. The row stays as a tombstone.
pub fn delete(caller: &Caller, token: Token, line: Line, confirm: Option<&str>) -> Result<Decided, Refusal> {
    may_end(caller, &token, Removal::Delete, TOKENS_DELETE)?;
    if token.life.deleted_at.is_some() {
        return Err(Refusal::not_found("token"));
    }
    let by_itself = caller.comes_with(token.id);
    if !by_itself {
        confirmed(caller, &token, confirm)?;
    }
    let told = serde_json::json!({ "name": token.name });
    let mut next = token;
    next.life.deleted_at = Some(caller.now);
    let id = next.id;
    let Decided { token, mut change } = ended(caller, next, line, Action::TokenDeleted, told);
    change.outbox.extend(news::ended(caller, &token));
    Ok(Decided { token, change: change.write(Write::ForgetSecret(id)) })
}

fn may_end(caller: &Caller, token: &Token, how: Removal, permission: PermissionSet) -> Result<(), Refusal> {
    let by_itself = caller.comes_with(token.id);
    if !by_itself {
        caller.may_change(token)?;
        caller.needs_reach(permission)?;
    }
    let removal = &caller.account.policy.removal;
    // A login ends by logging out, whatever the policy says of tokens.
    if removal.contains(&how) || token.id.kind == token::Kind::Ses {
        return Ok(());
    }
    let (what, instead) = match how {
        Removal::Revoke => ("revoked", "delete it instead"),
        Removal::Delete => ("deleted", "revoke it instead"),
        Removal::Approve => ("approved", "create another one"),
    };
    Err(Refusal::new(Code::NotAllowedByPolicy, format!("Tokens of this account are not {what}; {instead}.")))
}

fn confirmed(caller: &Caller, token: &Token, confirm: Option<&str>) -> Result<(), Refusal> {
    let policy = &caller.account.policy;
    let Some(expected) = confirmation(policy, token) else { return Ok(()) };
    let what = match policy.confirm.mode {
        ConfirmMode::Word => format!("the word {expected}"),
        _ => "the token's name".to_owned(),
    };
    if confirm == Some(expected) {
        return Ok(());
    }
    Err(Refusal::of_field(
        Code::ConfirmationRequired,
        "confirm",
        format!("Deleting cannot be undone; confirm it with {what}, as `?confirm=…`."),
    ))
}

/// Writes the ended token, and ends its line with it.
fn ended(caller: &Caller, token: Token, line: Line, action: Action, told: serde_json::Value) -> Decided {
    ended_by(token, line, action, told, caller.now, |action, id, told| caller.entry(action, id, told))
}

fn ended_by(
    token: Token,
    line: Line,
    action: Action,
    told: serde_json::Value,
    at: Timestamp,
    entry: impl Fn(Action, token::TokenId, serde_json::Value) -> Entry,
) -> Decided {
    let mut change = Change::default()
        .write(Write::UpdateToken(Box::new(token.clone())))
        .entry(entry(action, token.id, told))
        .ending();
    for mut other in line {
        other.life.revoked_at = Some(at);
        let told = serde_json::json!({ "with": token.id.to_string() });
        let entry = entry(Action::TokenRevoked, other.id, told);
        change = change.write(Write::UpdateToken(Box::new(other))).entry(entry);
    }
    Decided { token, change }
}
