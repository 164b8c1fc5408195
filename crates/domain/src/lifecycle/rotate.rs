//! Replacing a token's secret while programs still use the old one.

use std::sync::Arc;

use token::TokenText;

use super::create::caller_fresh;
use super::{
    Decided, expiry, gone, insert, must_be_active, must_not_be_login, resting_on, state, within_own_rights,
};
use crate::change::{Action, Change, Expect, Write};
use crate::facts::{Holder, Token};
use crate::life::{Life, State};
use crate::permission::TOKENS_UPDATE;
use crate::refusal::{Code, Refusal};
use crate::time::Period;
use crate::who::Caller;

/// Decides on a rotation: `text` becomes the secret of a new token with the same grant and
/// the same length of life, and the old one stays good for `grace`, at most the policy's. The
/// new token takes the old one's place in the limit and its name. Where another token asks, it is
/// handed the secret, and so the new one ends with it at the latest.
///
/// Of any number at once one wins: each replaces the same version of the old row.
pub fn rotate(
    caller: &Caller,
    token: Token,
    holder: &Holder,
    grace: Option<&Period>,
    text: &Arc<TokenText>,
) -> Result<Decided, Refusal> {
    may_rotate(caller, &token, holder)?;
    // A rotation makes a secret, as a creation does.
    caller_fresh(caller)?;

    let account = &*caller.account;
    let now = caller.now;
    let length = |end: crate::time::Timestamp| token.life.created_at.micros_until(end);
    let born = holder.standing.clear_of_stops(now);
    let expires_at = token.life.expires_at.map(|end| born.plus_micros(length(end)));
    let by_itself = caller.comes_with(token.id);
    let bound = if by_itself { None } else { expiry::bound(caller) };
    let expires_at = expires_at.into_iter().chain(bound).min();
    if token.life.not_before.zip(bound).is_some_and(|(start, end)| start >= end) {
        return Err(Refusal::forbidden(
            "This token begins only after the one that you come with has ended; sign in for this.",
        ));
    }
    debug_assert_eq!(text.id().kind, token.id.kind, "a rotation keeps the kind");
    let new = Token {
        id: text.id(),
        number: 0,
        // Whoever waits for a beginning does not come by it earlier.
        life: Life {
            not_before: token.life.not_before.filter(|start| *start > now),
            ..Life::from(born, expires_at)
        },
        reason: None,
        digest: text.digest(),
        version: 0,
        ..token.clone()
    };

    let mut old = token;
    old.life.rotated_to = Some(new.id);
    old.life.grace_until = grace_until(caller, grace)?;
    let told = serde_json::json!({ "new": new.id.to_string(), "grace_until": old.life.grace_until });
    let change = Change::default()
        .write(insert(account, &new, text.clone()))
        .entry(caller.entry(Action::TokenRotated, old.id, told))
        .write(Write::UpdateToken(Box::new(old)))
        .narrowing();
    Ok(Decided { change: resting_on(change, caller, &[holder]), token: new })
}

/// Whether the caller may replace this token as it is now.
pub(super) fn may_rotate(caller: &Caller, token: &Token, holder: &Holder) -> Result<(), Refusal> {
    let account = &*caller.account;
    let by_itself = caller.comes_with(token.id);
    if !by_itself {
        caller.may_change(token)?;
        caller.needs_reach(TOKENS_UPDATE)?;
        within_own_rights(caller, token, holder)?;
    }
    must_not_be_login(token, "rotated")?;
    if !account.policy.rotate.allowed {
        return Err(Refusal::new(
            Code::NotAllowedByPolicy,
            "Tokens of this account are not rotated; create another one and end this.",
        ));
    }
    must_be_active(&caller.holder)?;
    must_be_active(holder)?;
    match state(account, holder, token, caller.now) {
        State::Grace => Err(gone(State::Grace, "rotated again")),
        state if !state.is_good() => Err(gone(state, "rotated")),
        _ => Ok(()),
    }
}

/// What the first handing out of a rotation's secret rests on: the old token, as it is now, that
/// nobody has ended since. Where somebody has, nobody had heard of the new one then, and the
/// rotation is refused as if it had come after.
pub fn hand_out(old: &Token) -> Result<Change, Refusal> {
    let Life { deleted_at, leaked_at, revoked_at, .. } = old.life;
    let ends = [(deleted_at, State::Deleted), (leaked_at, State::Leaked), (revoked_at, State::Revoked)];
    if let Some((_, state)) = ends.into_iter().find(|(at, _)| at.is_some()) {
        return Err(gone(state, "rotated"));
    }
    Ok(Change::default().expect(Expect::Token(old.account.clone(), old.id, old.version)))
}

fn grace_until(caller: &Caller, grace: Option<&Period>) -> Result<Option<crate::time::Timestamp>, Refusal> {
    let Some(grace) = grace.filter(|grace| !grace.is_zero()) else { return Ok(None) };
    let until = caller.now.plus(grace);
    match &caller.account.policy.rotate.grace_max {
        None => Err(Refusal::not_allowed(
            "grace",
            "This account's policy gives a replaced token no grace; leave `grace` out.",
        )),
        Some(longest) if until > caller.now.plus(longest) => {
            Err(Refusal::not_allowed("grace", format!("A replaced token stays good for {longest} at most.")))
        }
        Some(_) => Ok(Some(until)),
    }
}
