//! Notices: which tokens fall due, and whether somebody wants to hear of it by mail.
//!
//! Nothing is sent from here. What falls due is derived from the tokens' ends whenever somebody asks,
//! as every state is.

use crate::change::{Action, Change, Write};
use crate::facts::{Account, Holder, Token};
use crate::life::{self, Lens, Surroundings};
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::time::{DAY, Timestamp};
use crate::who::Caller;

/// A token that ends soon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    pub ends_at: Timestamp,
    /// Of the policy's days, the last at which notice was due: 7 where four days are left of 30, 7, 1.
    pub notice: Option<u32>,
    /// It is among those for which the section is marked.
    pub marked: bool,
}

/// By this lens the tokens that fall due are those expiring: by a notice or the mark, whichever is
/// earlier. None where the policy has neither.
pub fn lens(account: &Account, now: Timestamp) -> Option<Lens> {
    let policy = &account.policy;
    let notice = policy.first_notice().map(|days| now.plus_micros(days * DAY));
    let soon = notice.into_iter().chain(marked_until(policy, now)).max()?;
    Some(Lens::until(account, now, Some(soon)))
}

/// What is due of a token that the lens found; none if it ends later, or never.
pub fn due(account: &Account, holder: &Holder, token: &Token, now: Timestamp) -> Option<Due> {
    let around = Surroundings::of(account, holder, token.id.kind);
    let ends_at = life::good_until(&token.life, &around).filter(|end| now < *end)?;
    let within = |days: &u32| ends_at <= now.plus_micros(i64::from(*days) * DAY);
    let notice = account.policy.notices.days.iter().copied().filter(within).min();
    let marked = marked_until(&account.policy, now).is_some_and(|until| ends_at <= until);
    (notice.is_some() || marked).then_some(Due { ends_at, notice, marked })
}

fn marked_until(policy: &Policy, now: Timestamp) -> Option<Timestamp> {
    policy.notices.badge.as_ref().map(|badge| now.plus(badge))
}

/// Whether notices are mailed to a holder: as they chose, or else as the policy says. Nobody reads a
/// service account's mail.
pub fn mails(account: &Account, holder: &Holder) -> bool {
    holder.id.kind() == "member" && holder.mail.unwrap_or(account.policy.notices.mail)
}

/// Decides on the caller's own switch; none: as the policy says. It is a person's own, so a token that
/// some program holds does not turn it.
pub fn choose(caller: &Caller, mail: Option<bool>) -> Result<(Holder, Change), Refusal> {
    let holder = caller.holder.clone();
    if holder.id.kind() != "member" {
        return Err(Refusal::forbidden("A service account gets no mail; its managers do."));
    }
    if !(caller.stands_for_the_holder() || caller.is_in_person()) {
        return Err(Refusal::forbidden("Sign in to choose what is mailed to you; a token does not."));
    }
    if holder.mail == mail {
        return Ok((holder, Change::default()));
    }
    let told = serde_json::json!({ "mail": mail, "was": holder.mail });
    let next = Holder { mail, ..holder };
    let change = Change::default().write(Write::UpdateHolder(next.clone())).entry(caller.entry(
        Action::NoticesChosen,
        next.id,
        told,
    ));
    Ok((next, change))
}
