//! Revoking many tokens at once, of whichever accounts: an operator's answer to an emergency.

use std::collections::BTreeMap;

use super::end::REASON;
use crate::change::{Action, Change, Entry, Write};
use crate::facts::Token;
use crate::ids::AccountId;
use crate::news;
use crate::refusal::Refusal;
use crate::text;
use crate::who::Caller;

/// Decides on revoking all of these tokens, in one change. None of them is deleted, leaked or revoked.
///
/// An operator stops tokens whatever the accounts' policies say of removing them: those rule what
/// their own people may do. The journal of each account tells which of its tokens it were, and one entry
/// of the server tells of all, by the `filter` that found them; it comes last.
pub fn revoke_many(
    caller: &Caller,
    tokens: Vec<Token>,
    filter: serde_json::Value,
    reason: Option<&str>,
) -> Result<Change, Refusal> {
    let reason = reason.map(|reason| text::description("reason", reason, REASON)).transpose()?;
    if tokens.is_empty() {
        return Ok(Change::default());
    }
    let mut by_account: BTreeMap<&AccountId, Vec<String>> = BTreeMap::new();
    for token in &tokens {
        by_account.entry(&token.account).or_default().push(token.id.to_string());
    }
    let mut counts = BTreeMap::new();
    let mut change = Change { outbox: news::ended_all(caller, &tokens), ..Change::default().ending() };
    for (account, ids) in by_account {
        counts.insert(account.to_string(), ids.len());
        let told = serde_json::json!({ "count": ids.len(), "reason": reason, "tokens": ids });
        let account = Some(account.clone());
        change = change.entry(Entry { account, ..caller.entry(Action::TokensRevoked, "tokens", told) });
    }
    let told = serde_json::json!({
        "accounts": counts, "count": tokens.len(), "filter": filter, "reason": reason,
    });
    let all = Entry { account: None, ..caller.entry(Action::TokensRevoked, "tokens", told) };
    Ok(change.entry(all).write(Write::RevokeTokens { tokens, at: caller.now, reason }))
}
