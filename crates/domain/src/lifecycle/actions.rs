//! What somebody is offered to do with a token: whatever would not be refused.
//!
//! Each is tried, on the rows as they are, so that no page offers what the rule next door refuses, and no
//! rule is said twice. What is left to find out by trying is what a page then asks for: a password,
//! the confirmation, whether there is room.

use super::{Edit, approve, delete, edit, report_leak, reveal, revoke, rotate};
use crate::facts::{Holder, Token};
use crate::life::State;
use crate::policy::{ConfirmMode, Policy};
use crate::refusal::Code;
use crate::who::Caller;

/// What a caller may do with a token as it is now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Actions {
    pub edit: bool,
    pub rotate: bool,
    pub revoke: bool,
    pub approve: bool,
    pub report_leak: bool,
    pub reveal: bool,
    pub delete: bool,
}

/// What is offered to `caller` of a token that they see.
pub fn actions(caller: &Caller, token: &Token, holder: &Holder, issuer: &Holder) -> Actions {
    let state = super::state(&caller.account, holder, token, caller.now);
    let is_alive = state.is_good() || matches!(state, State::Pending | State::Suspended);
    let revealed = match reveal(caller, token, holder) {
        Ok(_) => true,
        // The page asks for it.
        Err(refusal) => refusal.code == Code::ReauthenticationRequired,
    };
    let confirm = confirmation(&caller.account.policy, token);
    Actions {
        edit: edit(caller, token.clone(), holder, &Edit::default()).is_ok(),
        rotate: rotate::may_rotate(caller, token, holder).is_ok(),
        // Elsewhere it has ended already.
        revoke: is_alive && revoke(caller, token.clone(), holder, Vec::new(), None).is_ok(),
        approve: approve(caller, token.clone(), holder, issuer).is_ok(),
        report_leak: token.life.leaked_at.is_none()
            && report_leak(caller, token.clone(), Vec::new(), None, &[]).is_ok(),
        reveal: revealed,
        delete: delete(caller, token.clone(), Vec::new(), confirm).is_ok(),
    }
}

/// What has to be typed to delete a token; none where the policy asks for nothing.
pub fn confirmation<'a>(policy: &'a Policy, token: &'a Token) -> Option<&'a str> {
    match policy.confirm.mode {
        ConfirmMode::None => None,
        ConfirmMode::Name => Some(&token.name),
        ConfirmMode::Word => Some(policy.confirm.word.as_deref().unwrap_or("delete")),
    }
}

/// Whether a caller may make tokens, here or anywhere below.
pub fn may_create(caller: &Caller) -> bool {
    let roles = &caller.account.policy.create.roles;
    let mut held = caller.holder.bindings.iter().filter_map(|binding| caller.account.role(binding.role));
    held.any(|role| roles.contains(&role.name))
}
