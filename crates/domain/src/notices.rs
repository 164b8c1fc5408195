//! Notices: which tokens fall due, who is told of it by mail, and which of that is still to be told.
//!
//! Nothing is sent from here. What falls due is derived from the tokens' ends whenever somebody asks,
//! as every state is; what was told already is a row for each token, end, lead and reader.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use token::Kind;

use crate::change::{Action, Actor, Change, Entry, Write};
use crate::facts::{Account, Holder, Token};
use crate::ids::{HolderId, LetterId, MemberId};
use crate::life::{self, Lens, State, Surroundings};
use crate::mail::Notice;
use crate::policy::{self, Policy};
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

/// By this lens those tokens are expiring for which the section is marked. None where the policy has no mark.
pub fn lens_of_mark(account: &Account, now: Timestamp) -> Option<Lens> {
    marked_until(&account.policy, now).map(|until| Lens::until(account, now, Some(until)))
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

/// Those members of an account who are told of tokens' ends by mail.
pub struct Audience<'a> {
    account: &'a Account,
    /// All who get mail.
    readers: HashSet<MemberId>,
    /// Those of them who are told of every token, by their role.
    of_all: Vec<MemberId>,
}

impl<'a> Audience<'a> {
    /// `members`: all of the account, or those that are asked about.
    pub fn of<'m>(account: &'a Account, members: impl IntoIterator<Item = &'m Holder>) -> Self {
        let policy = &account.policy;
        let hears_of_all = |role: &str| {
            policy.notices.to.iter().any(|audience| match audience {
                policy::Audience::Managers => policy.managers.contains(role),
                policy::Audience::Role(name) => name == role,
                policy::Audience::Holder | policy::Audience::Issuer => false,
            })
        };
        let (mut readers, mut of_all) = (HashSet::new(), Vec::new());
        for member in members {
            let HolderId::Member(id) = member.id else { continue };
            if !reads_mail(account, member) {
                continue;
            }
            readers.insert(id);
            let mut held = member.bindings.iter().filter(|binding| binding.node.is_root());
            if held.any(|held| account.role(held.role).is_some_and(|role| hears_of_all(&role.name))) {
                of_all.push(id);
            }
        }
        Self { account, readers, of_all }
    }

    /// Who is told that this token ends, each once.
    pub fn of_token(&self, token: &Token) -> BTreeSet<MemberId> {
        let mut told: BTreeSet<MemberId> = self.of_all.iter().copied().collect();
        for audience in &self.account.policy.notices.to {
            let one = match audience {
                policy::Audience::Holder => token.holder,
                policy::Audience::Issuer => token.issued_by,
                policy::Audience::Managers | policy::Audience::Role(_) => continue,
            };
            if let HolderId::Member(id) = one
                && self.readers.contains(&id)
            {
                told.insert(id);
            }
        }
        told
    }
}

/// Whether a member is told of ends by mail: they can be written to, and want to be.
fn reads_mail(account: &Account, member: &Holder) -> bool {
    is_reachable(member) && mails(account, member)
}

/// Whether a member can be written to at all: they are at work here, and have an address that is theirs.
/// One that somebody was only invited at is not yet.
pub fn is_reachable(member: &Holder) -> bool {
    let theirs = member.person.is_some() || member.external_id.is_some();
    member.is_active() && member.email.is_some() && theirs
}

/// By this lens those tokens are expiring of whose end notice may have to be given: up to the end of the
/// last day on which one that is told of today can end. None where no notice is given by mail.
pub fn lens_of_mail(account: &Account, now: Timestamp) -> Option<Lens> {
    let first = account.policy.first_notice()?;
    let soon = midnight(now).plus_micros((first + 1) * DAY - 1);
    Some(Lens::until(account, now, Some(soon)))
}

/// The notice that is to be given of a token's end at a time: of the policy's leads that have come, the
/// nearest, so that of several that passed unseen one is told. A lead comes with the day (UTC) that lies
/// so many days before the day of the end, so that whatever falls due in a day is told together. None
/// for sessions, and for what has ended, is stopped, or lived shorter than the shortest lead from the start: whoever made
/// that knows.
pub fn notice(account: &Account, holder: &Holder, token: &Token, now: Timestamp) -> Option<Notice> {
    if !matches!(token.id.kind, Kind::Pat | Kind::Sat) {
        return None;
    }
    let around = Surroundings::of(account, holder, token.id.kind);
    let lives = matches!(life::state(&token.life, &around, now), State::Active | State::Expiring);
    let ends_at = life::good_until(&token.life, &around).filter(|end| lives && now < *end)?;
    let leads = || account.policy.notices.days.iter().copied();
    let shortest = i64::from(leads().min()?) * DAY;
    let days = leads().filter(|days| comes(ends_at, *days) <= now).min()?;
    let long_enough = token.life.created_at.micros_until(ends_at) >= shortest;
    long_enough.then_some(Notice { token: token.id, ends_at, days })
}

/// From when on notice is given so many days before an end.
fn comes(ends_at: Timestamp, days: u32) -> Timestamp {
    midnight(ends_at).plus_micros(-i64::from(days) * DAY)
}

fn midnight(at: Timestamp) -> Timestamp {
    at.plus_micros(-at.as_micros().rem_euclid(DAY))
}

/// What was told, and to whom.
pub type Told = HashSet<(MemberId, Notice)>;

/// Which notices are to be given now, and to whom: none that somebody heard before, or heard a nearer
/// one of.
pub fn to_tell<'a>(
    audience: &Audience<'_>,
    tokens: impl IntoIterator<Item = (&'a Token, Notice)>,
    told: &Told,
) -> BTreeMap<MemberId, Vec<Notice>> {
    let days = &audience.account.policy.notices.days;
    let mut all: BTreeMap<MemberId, Vec<Notice>> = BTreeMap::new();
    for (token, notice) in tokens {
        for member in audience.of_token(token) {
            let heard = |days: &u32| told.contains(&(member, Notice { days: *days, ..notice }));
            if !days.iter().filter(|days| **days <= notice.days).any(heard) {
                all.entry(member).or_default().push(notice);
            }
        }
    }
    all
}

/// Whether a notice that waited to be sent is still so, and still for this reader.
pub fn still_so(
    audience: &Audience<'_>,
    to: MemberId,
    holder: &Holder,
    token: &Token,
    notice: &Notice,
    now: Timestamp,
) -> bool {
    let now = self::notice(audience.account, holder, token, now);
    now.is_some_and(|now| now.ends_at == notice.ends_at) && audience.of_token(token).contains(&to)
}

/// Decides on the switch of whoever followed the way out that stands in a mail. It is for whoever has
/// that mail; none where it is off already.
pub fn leave(member: &Holder, letter: LetterId, now: Timestamp) -> Option<Change> {
    if member.mail == Some(false) || member.standing.removed_at.is_some() {
        return None;
    }
    let told = serde_json::json!({ "mail": false, "was": member.mail, "letter": letter.to_string() });
    let entry = Entry {
        at: now,
        actor: Actor::Nobody,
        account: Some(member.account.clone()),
        action: Action::NoticesChosen,
        subject: member.id.to_string(),
        payload: told,
    };
    let next = Holder { mail: Some(false), ..member.clone() };
    Some(Change::default().write(Write::UpdateHolder(next)).entry(entry))
}
