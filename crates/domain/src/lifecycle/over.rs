//! What goes when its time is over: a login's listed token, and any token where the policy says so.
//!
//! That it is over follows from the time, and nothing has to run for it; this takes it off the lists.

use token::Kind;

use crate::change::{Action, Actor, Change, Entry, Write};
use crate::facts::{Account, Token};
use crate::policy::{LoginMode, OnExpire, Policy};
use crate::time::Moment;

/// The kinds of tokens that are deleted at their end; none where all are kept.
pub fn cleared(policy: &Policy) -> Vec<Kind> {
    let mut kinds = match policy.on_expire {
        OnExpire::Keep => Vec::new(),
        OnExpire::Delete => vec![Kind::Pat, Kind::Sat],
    };
    if policy.login.mode == LoginMode::Token {
        kinds.push(Kind::Ses);
    }
    kinds
}

/// Decides on the deletion of those that have reached the end they were given. One that only the policy's
/// `expiry.max` has ended stays: another policy would bring it back. What is deleted stays deleted, so the
/// end is judged by the earliest time that it can be.
pub fn clear(account: &Account, tokens: Vec<Token>, moment: Moment) -> Change {
    let kinds = cleared(&account.policy);
    let over = |token: &Token| {
        kinds.contains(&token.id.kind)
            && token.life.deleted_at.is_none()
            && token.life.expires_at.is_some_and(|end| moment.earliest >= end)
    };
    let mut change = Change::default();
    for mut token in tokens.into_iter().filter(over) {
        token.life.deleted_at = Some(moment.latest);
        let entry = Entry {
            at: moment.latest,
            actor: Actor::Nobody,
            account: Some(account.id.clone()),
            action: Action::TokenExpired,
            subject: token.id.to_string(),
            payload: serde_json::json!({ "name": token.name, "expired_at": token.life.expires_at }),
        };
        change = change
            .write(Write::ForgetSecret(token.id))
            .write(Write::UpdateToken(Box::new(token)))
            .entry(entry)
            .ending();
    }
    change
}
