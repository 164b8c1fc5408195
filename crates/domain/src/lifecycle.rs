//! Every change that a token can go through.
//!
//! A decision takes the rows, the caller and the time, and returns what is to be written, or
//! why not. It consumes the row that it replaces. Nothing here knows how rows are kept.
//!
//! Who may do what: the holder and managers, as the policy's `removal`, `edit` and `rotate`
//! allow; approving is for managers alone. A token that asks needs the desk permission as well
//! ([`Caller::needs_reach`](crate::who::Caller::needs_reach)), except on itself.

mod actions;
mod approve;
mod create;
mod edit;
mod end;
mod expiry;
mod import;
mod over;
mod permission;
mod reveal;
mod rotate;
mod sweep;

pub use actions::{Actions, actions, confirmation, may_create};
pub use approve::approve;
pub use create::{Create, create, first_token};
pub use edit::{Edit, edit};
pub use end::{Found, delete, found, found_key, report_leak, revoke};
pub use expiry::AskedEnd;
pub use import::{Import, import};
pub use over::{clear, cleared};
pub use permission::AskedGrant;
pub use reveal::reveal;
pub use rotate::{hand_out, rotate};
pub use sweep::revoke_many;

use std::sync::Arc;

use token::{Kind, TokenText};

use crate::change::{Change, Condition, Expect, Write};
use crate::facts::{Account, Holder, Token};
use crate::grant::{self, Grant};
use crate::life::{self, Lens, State, Surroundings};
use crate::permission::PermissionSet;
use crate::policy::{LimitPer, Names, SecretKept};
use crate::refusal::{Code, Refusal};
use crate::time::Timestamp;
use crate::who::Caller;

/// A decision: the token as it will stand, and the change that makes it so.
#[derive(Debug)]
pub struct Decided {
    pub token: Token,
    pub change: Change,
}

/// The state of a token of this account.
pub fn state(account: &Account, holder: &Holder, token: &Token, now: Timestamp) -> State {
    life::state(&token.life, &Surroundings::of(account, holder, token.id.kind), now)
}

/// Whether a token's life is over, whatever else its state says of it: what is revoked or
/// suspended may have ended as well.
fn has_ended(account: &Account, token: &Token, now: Timestamp) -> bool {
    token.life.ends_at(account.policy.expiry.max.as_ref()).is_some_and(|end| now >= end)
}

/// Writes a new token, with its text where the policy keeps that.
fn insert(account: &Account, token: &Token, text: Arc<TokenText>) -> Write {
    let keep = (account.policy.secret == SecretKept::Recoverable).then_some(text);
    Write::InsertToken { token: Box::new(token.clone()), keep }
}

/// A change that replaces a token's row.
fn update(token: &Token) -> Change {
    Change::default().write(Write::UpdateToken(Box::new(token.clone())))
}

/// Rests a change on the holders that it was decided by; the caller's own rows are added for
/// all changes alike, by [`Caller::stands_behind`].
fn resting_on(change: Change, caller: &Caller, holders: &[&Holder]) -> Change {
    let others = holders.iter().filter(|holder| !caller.is(holder.id));
    others.fold(change, |change, holder| {
        change.expect(Expect::Holder(holder.account.clone(), holder.id, holder.version))
    })
}

/// Lets a change through only where the policy's limit and names leave room for the token.
fn where_there_is_room(change: Change, account: &Account, token: &Token, now: Timestamp) -> Change {
    let mut change = change;
    if let Some(limit) = &account.policy.limit {
        let (holder, of_whom) = match limit.per {
            LimitPer::Account => (None, "this account"),
            LimitPer::Holder => (Some(token.holder), "its holder"),
        };
        let condition = Condition::Fewer {
            account: account.id.clone(),
            holder,
            counted: limit.counts.clone(),
            max: limit.max,
            besides: Some(token.id),
            lens: Lens::of(account, now),
        };
        let full = format!(
            "The limit of {} tokens for {of_whom} is reached; delete or revoke one that is not needed any more.",
            limit.max
        );
        change = change.guard(condition, Refusal::new(Code::LimitReached, full));
    }
    where_the_name_is_free(change, account, token, now)
}

/// Lets a change through only where the policy's names leave the token its name.
fn where_the_name_is_free(change: Change, account: &Account, token: &Token, now: Timestamp) -> Change {
    if account.policy.names != Names::Unique {
        return change;
    }
    let condition = Condition::TokenNameFree {
        account: account.id.clone(),
        name: token.name.clone(),
        besides: Some(token.id),
        lens: Lens::of(account, now),
    };
    let taken = format!("Another token of this account is named {}; choose another name.", token.name);
    change.guard(condition, Refusal::of_field(Code::NameTaken, "name", taken))
}

/// How a grant reads in the journal and in the API: the shape that asks for it.
pub fn grant_as_asked(
    grant: &Grant,
    account: &Account,
    registry: &crate::permission::Registry,
) -> serde_json::Value {
    match grant {
        Grant::Inherit => serde_json::json!({ "inherit": true }),
        Grant::Role(role) => serde_json::json!({ "role": account.role(*role).map(|role| &role.name) }),
        Grant::Access { level, entities: None, .. } => serde_json::json!({ "access": level.as_str() }),
        Grant::Access { level, entities: Some(entities), .. } => {
            serde_json::json!({ "access": level.as_str(), "entities": entities })
        }
        Grant::List(set) => serde_json::json!({ "list": registry.spell(*set).collect::<Vec<_>>() }),
    }
}

/// What no state but a living one allows.
fn gone(state: State, what: &str) -> Refusal {
    let why = match state {
        State::Deleted => return Refusal::not_found("token"),
        State::Leaked => "was reported leaked, which is final",
        State::Expired => "has expired",
        State::Revoked => "is revoked",
        State::Suspended => "is suspended with its holder or account",
        State::Pending => "waits for approval",
        State::Rotated | State::Grace => "was replaced by a newer one",
        State::Expiring | State::Active => "is in use",
    };
    Refusal::wrong_state(format!("This token {why}, so it cannot be {what}."))
}

/// A login is made by signing in, and only ends: otherwise it could be kept alive for ever, or
/// come back after its person signed out.
fn must_not_be_login(token: &Token, what: &str) -> Result<(), Refusal> {
    if !matches!(token.id.kind, Kind::Ses | Kind::Rft) {
        return Ok(());
    }
    Err(Refusal::wrong_state(format!("This is a login, which is not {what}; sign in again instead.")))
}

/// Deactivated people can neither make, renew nor approve tokens, whatever `on_inactive` says.
fn must_be_active(holder: &Holder) -> Result<(), Refusal> {
    if holder.is_active() {
        return Ok(());
    }
    Err(Refusal::wrong_state(format!(
        "{} is deactivated or was removed; reactivate the holder first.",
        holder.name
    )))
}

/// Whoever is handed a token's secret can do what it can: under `cap` no more than they may.
fn within_own_rights(caller: &Caller, token: &Token, holder: &Holder) -> Result<(), Refusal> {
    let account = &*caller.account;
    // It may more than its permissions say, where its holder runs the server.
    let stands_for_its_holder = token.desk && token.grant == Grant::Inherit;
    if stands_for_its_holder && !(caller.is(holder.id) && caller.stands_for_the_holder()) {
        return Err(Refusal::forbidden(format!(
            "This token stands for {}, and nobody else is handed it; it can be ended instead.",
            holder.name
        )));
    }
    if !account.policy.permission.cap {
        return Ok(());
    }
    if token.grant.growth() > caller.growth() {
        let with = if token.grant == Grant::Inherit { "holder" } else { "role" };
        return Err(Refusal::forbidden(format!(
            "This token grows with its {with}, and the one that you come with does not; sign in for this.",
        )));
    }
    // All of the grant, as at its creation: its holder or `reach` may be given more one day.
    let whole = |at| grant::of_grant(&token.grant, holder, account, at);
    let beyond: PermissionSet =
        grant::places(holder, &token.node).map(|at| whole(at) - caller.rights(at)).collect();
    if beyond.is_empty() {
        return Ok(());
    }
    Err(Refusal::forbidden(format!("This token can do more than you may here: {}.", caller.spell(beyond))))
}
