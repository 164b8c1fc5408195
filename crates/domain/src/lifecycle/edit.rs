//! Changing what a token is called, when it ends, and narrowing what it may do.

use super::create::{DESCRIPTION, NAME};
use super::expiry::{self, allowed};
use super::{
    AskedEnd, AskedGrant, Decided, gone, grant_as_asked, has_ended, must_be_active, must_not_be_login,
    resting_on, state, update, where_the_name_is_free,
};
use crate::change::Action;
use crate::facts::{Holder, Token};
use crate::life::State;
use crate::permission::TOKENS_UPDATE;
use crate::policy::FormField;
use crate::refusal::{Code, Refusal};
use crate::text;
use crate::who::Caller;

/// What a request wants changed; absent fields stay as they are.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    pub name: Option<String>,
    /// `Some(None)` removes it.
    pub description: Option<Option<String>>,
    pub end: Option<AskedEnd>,
    pub metadata: Option<serde_json::Value>,
    pub permission: Option<AskedGrant>,
}

/// Decides on an edit. A token that ended, leaked, was deleted or replaced is not edited:
/// a later end would bring it back.
pub fn edit(caller: &Caller, token: Token, holder: &Holder, edit: &Edit) -> Result<Decided, Refusal> {
    let account = &*caller.account;
    let policy = &account.policy;
    caller.may_change(&token)?;
    caller.needs_reach(TOKENS_UPDATE)?;
    must_not_be_login(&token, "edited")?;
    // A later end renews, which those who were deactivated do not.
    must_be_active(&caller.holder)?;
    must_edit(caller, &token, holder)?;

    let mut next = token.clone();
    if let Some(name) = &edit.name {
        next.name = text::name("name", name, NAME)?;
    }
    if let Some(description) = &edit.description {
        allowed(policy, FormField::Description, "description")?;
        next.description = description
            .as_deref()
            .map(|text| text::description("description", text, DESCRIPTION))
            .transpose()?
            .filter(|text| !text.is_empty());
    }
    if let Some(metadata) = &edit.metadata {
        allowed(policy, FormField::Metadata, "metadata")?;
        next.metadata = text::metadata(metadata)?;
    }
    if let Some(end) = &edit.end {
        allowed(policy, FormField::Expiry, "expires_at")?;
        if let Some(fixed) = &policy.expiry.fixed {
            let sentence = format!("Every token of this account lives {fixed}; its end cannot be changed.");
            return Err(Refusal::not_allowed("expires_at", sentence));
        }
        next.life.expires_at = expiry::end(&policy.expiry, end, token.life.created_at, caller.now)?;
        // The rule of creation, at the same depth: what a token touches does not outlive it.
        let bound = expiry::bound(caller);
        let later = |end: Option<_>, than| end.is_none_or(|end| end > than);
        if bound.is_some_and(|bound| {
            later(next.life.expires_at, bound) && next.life.expires_at != token.life.expires_at
        }) {
            return Err(Refusal::of_field(
                Code::Forbidden,
                "expires_at",
                "A token cannot give another a longer life than its own.",
            ));
        }
        if next.life.not_before.zip(next.life.expires_at).is_some_and(|(start, end)| start >= end) {
            return Err(Refusal::invalid("expires_at", "A token must begin before it ends."));
        }
    }
    if let Some(asked) = &edit.permission {
        allowed(policy, FormField::Permission, "permission")?;
        next.grant = super::permission::narrower(caller, holder, &token, asked)?;
    }

    let mut changed = serde_json::Map::new();
    let mut tell = |field: &str, was: serde_json::Value, is: serde_json::Value| {
        if was != is {
            changed.insert(field.into(), serde_json::json!({ "was": was, "is": is }));
        }
    };
    let spelled = |grant| grant_as_asked(grant, account, &caller.registry);
    tell("name", token.name.clone().into(), next.name.clone().into());
    tell("description", token.description.clone().into(), next.description.clone().into());
    tell("expires_at", serde_json::json!(token.life.expires_at), serde_json::json!(next.life.expires_at));
    tell("metadata", token.metadata.clone().into(), next.metadata.clone().into());
    tell("permission", spelled(&token.grant), spelled(&next.grant));

    let mut change = update(&next).entry(caller.entry(Action::TokenEdited, next.id, changed.into()));
    if next.name != token.name {
        change = where_the_name_is_free(change, account, &next, caller.now);
    }
    if next.grant != token.grant || next.life.expires_at != token.life.expires_at {
        change = change.narrowing();
    }
    let change = resting_on(change, caller, &[holder]);
    Ok(Decided { token: next, change })
}

fn must_edit(caller: &Caller, token: &Token, holder: &Holder) -> Result<(), Refusal> {
    let account = &*caller.account;
    if !account.policy.edit {
        return Err(Refusal::new(
            Code::NotAllowedByPolicy,
            "Tokens of this account are not edited; create another one.",
        ));
    }
    let state = state(account, holder, token, caller.now);
    match state {
        State::Deleted | State::Leaked | State::Expired | State::Rotated | State::Grace => {
            Err(gone(state, "edited"))
        }
        _ if has_ended(account, token, caller.now) => Err(gone(State::Expired, "edited")),
        _ => Ok(()),
    }
}
