//! From the end that was asked for to the end that is given.

use crate::policy::{Expiry, ExpiryMode, FormField, Policy};
use crate::refusal::Refusal;
use crate::time::{Period, Timestamp};
use crate::who::Caller;

/// When a token shall end, as a request says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskedEnd {
    /// `expires_at: null`.
    Never,
    At(Timestamp),
    In(Period),
}

/// The end of a token created now; none is never.
pub(super) fn of_new(caller: &Caller, asked: Option<&AskedEnd>) -> Result<Option<Timestamp>, Refusal> {
    let policy = &caller.account.policy;
    let end = usual_or(policy, asked, caller.now)?;
    match bound(caller) {
        // What a token makes does not outlive it.
        Some(parent) if end.is_none_or(|end| end > parent) => match asked {
            Some(_) => Err(Refusal::of_field(
                crate::refusal::Code::Forbidden,
                "expires_at",
                format!("A token made with a token ends with it at the latest, at {parent}."),
            )),
            None => Ok(Some(parent)),
        },
        _ => Ok(end),
    }
}

/// The end that what a caller makes, edits or is handed the secret of does not outlive, under `cap`.
pub(super) fn bound(caller: &Caller) -> Option<Timestamp> {
    caller.outlived_by_none().filter(|_| caller.account.policy.permission.cap)
}

/// The policy's fixed life; else what was asked; else the policy's default.
pub(super) fn usual_or(
    policy: &Policy,
    asked: Option<&AskedEnd>,
    now: Timestamp,
) -> Result<Option<Timestamp>, Refusal> {
    let expiry = &policy.expiry;
    match (asked, &expiry.fixed, &expiry.default) {
        (Some(_), Some(fixed), _) => Err(Refusal::not_allowed(
            "expires_at",
            format!("Every token of this account lives {fixed}; leave `expires_at` and `expires_in` out."),
        )),
        (None, Some(fixed), _) => Ok(Some(now.plus(fixed))),
        (Some(asked), None, _) => end(expiry, asked, now, now),
        (None, None, Some(usual)) => Ok(Some(now.plus(usual))),
        (None, None, None) if expiry.modes.contains(&ExpiryMode::Never) => Ok(None),
        (None, None, None) => Err(Refusal::invalid(
            "expires_at",
            "This account's tokens end; say when, with `expires_at` or `expires_in`.",
        )),
    }
}

/// Checks an asked end for a token created at `created`, which may lie before `now`.
pub(super) fn end(
    expiry: &Expiry,
    asked: &AskedEnd,
    created: Timestamp,
    now: Timestamp,
) -> Result<Option<Timestamp>, Refusal> {
    let (mode, field, at) = match asked {
        AskedEnd::Never => (ExpiryMode::Never, "expires_at", None),
        AskedEnd::At(at) => (ExpiryMode::Date, "expires_at", Some(*at)),
        AskedEnd::In(period) => (ExpiryMode::Period, "expires_in", Some(now.plus(period))),
    };
    if !expiry.modes.contains(&mode) {
        let sentence = match mode {
            ExpiryMode::Never => "A token of this account cannot live for ever; give it an end.",
            ExpiryMode::Date => {
                "This account's policy does not know an end by date; use `expires_in` or `expires_at: null` where it allows them."
            }
            ExpiryMode::Period => "This account's policy does not know an end by period; use `expires_at`.",
        };
        return Err(Refusal::not_allowed(field, sentence));
    }
    if at.is_some_and(|at| at <= now) {
        return Err(Refusal::invalid(field, format!("The end must lie in the future; it is {now} now.")));
    }
    let Some(longest) = &expiry.max else { return Ok(at) };
    let latest = created.plus(longest);
    match at {
        None => Err(Refusal::not_allowed(
            field,
            format!("A token of this account lives {longest} at most; give it an end."),
        )),
        Some(at) if at > latest => Err(Refusal::not_allowed(
            field,
            format!("A token of this account lives {longest} at most; this one until {latest}."),
        )),
        Some(at) => Ok(Some(at)),
    }
}

/// Refuses a field that the policy's form does not have, by its name.
pub(super) fn allowed(policy: &Policy, field: FormField, name: &'static str) -> Result<(), Refusal> {
    if policy.fields.contains(&field) {
        return Ok(());
    }
    Err(Refusal::not_allowed(
        name,
        format!("This account's policy does not let a token's `{name}` be chosen; leave it out."),
    ))
}
