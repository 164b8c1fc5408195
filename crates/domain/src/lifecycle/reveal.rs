//! Giving a kept secret out again.

use super::{gone, must_be_active, resting_on, state, within_own_rights};
use crate::change::{Action, Change};
use crate::facts::{Holder, Token};
use crate::life::State;
use crate::permission::{TOKENS_READ, TOKENS_UPDATE};
use crate::policy::SecretKept;
use crate::refusal::{Code, Refusal};
use crate::who::Caller;

/// Decides whether a kept secret may be given out, which the journal will tell.
pub fn reveal(caller: &Caller, token: &Token, holder: &Holder) -> Result<Change, Refusal> {
    let account = &*caller.account;
    if account.policy.secret != SecretKept::Recoverable {
        return Err(Refusal::new(
            Code::NotAllowedByPolicy,
            "The secrets of this account's tokens are not kept. Whoever lost one makes a new token.",
        ));
    }
    caller.may_change(token)?;
    caller.needs_reach(TOKENS_READ | TOKENS_UPDATE)?;
    must_be_active(&caller.holder)?;
    if account.policy.reveal_reauth {
        caller.needs_fresh()?;
    }
    within_own_rights(caller, token, holder)?;
    match state(account, holder, token, caller.now) {
        state @ (State::Deleted | State::Leaked) => Err(gone(state, "revealed")),
        _ => {
            let entry = caller.entry(Action::TokenRevealed, token.id, serde_json::json!({}));
            Ok(resting_on(Change::default().entry(entry), caller, &[holder]))
        }
    }
}
