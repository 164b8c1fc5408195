//! Letting a pending token begin, and bringing a revoked one back.

use super::{
    Decided, gone, has_ended, must_be_active, must_not_be_login, resting_on, state, update,
    where_there_is_room,
};
use crate::change::Action;
use crate::facts::{Holder, Token};
use crate::grant;
use crate::life::State;
use crate::permission::{PermissionSet, TOKENS_UPDATE};
use crate::policy::Removal;
use crate::refusal::{Code, Refusal};
use crate::who::{Caller, spell};

/// Decides on an approval: by a manager, before the token ends, with its holder active, within
/// the limit, and under `cap` only while whoever issued it may still do all of it. A leak is
/// final, and so is a rotation.
pub fn approve(caller: &Caller, token: Token, holder: &Holder, issuer: &Holder) -> Result<Decided, Refusal> {
    let account = &*caller.account;
    caller.may_change(&token)?;
    caller.needs_reach(TOKENS_UPDATE)?;
    if !caller.manages_at(&token.node) {
        return Err(Refusal::forbidden("Only those who manage this account's tokens approve them."));
    }
    must_not_be_login(&token, "approved")?;
    let state = state(account, holder, &token, caller.now);
    if state == State::Revoked && !account.policy.removal.contains(&Removal::Approve) {
        return Err(Refusal::new(
            Code::NotAllowedByPolicy,
            "A revocation is final in this account; create another token.",
        ));
    }
    match state {
        State::Deleted | State::Leaked => return Err(gone(state, "approved")),
        _ if has_ended(account, &token, caller.now) => return Err(gone(State::Expired, "approved")),
        _ if token.life.rotated_to.is_some() => return Err(gone(State::Rotated, "approved")),
        State::Suspended => {
            must_be_active(holder)?;
            return Err(gone(state, "approved"));
        }
        State::Revoked | State::Pending => {}
        _ => return Err(gone(state, "approved")),
    }
    must_be_active(&caller.holder)?;
    must_be_active(holder)?;
    if account.policy.permission.cap {
        let may = |at| grant::of_holder(issuer, account, at);
        let does = |at| grant::of_token(&token.grant, token.desk, &token.node, holder, account, at);
        let places = grant::places(holder, &token.node);
        let beyond: PermissionSet = places.map(|at| does(at) - may(at)).collect();
        if !beyond.is_empty() {
            return Err(Refusal::forbidden(format!(
                "{}, who issued this token, may no longer {}; create another token.",
                issuer.name,
                spell(&caller.registry, beyond)
            )));
        }
    }

    let mut next = token;
    // Strictly after whatever stopped it, so that it is not stopped by the same again.
    let clear = holder.standing.clear_of_stops(caller.now);
    next.life.approved_at = Some(next.life.revoked_at.map_or(clear, |stop| clear.max(stop.next())));
    next.life.revoked_at = None;
    next.reason = None;
    let change = where_there_is_room(update(&next), account, &next, caller.now).entry(caller.entry(
        Action::TokenApproved,
        next.id,
        serde_json::json!({}),
    ));
    // The same holder may be expected twice; that is true twice.
    Ok(Decided { change: resting_on(change, caller, &[holder, issuer]), token: next })
}
