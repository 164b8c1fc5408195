//! What proves who somebody is, and changing it: their password, and one-time codes besides.
//!
//! Working out codes and hashing passwords is for `service`; here stands what follows from them.

use std::net::IpAddr;
use std::sync::Arc;

use token::TokenText;

use crate::change::{Action, Actor, Change, Entry, Expect, Write};
use crate::facts::{Holder, Person, SecondFactor, Token};
use crate::refusal::{Code, Refusal};
use crate::sessions::{self, Beginning};
use crate::time::Timestamp;
use crate::who::Caller;

/// What was shown besides the password, and was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A one-time code of this time step.
    Code(i64),
    /// A recovery code, by its digest.
    Recovery([u8; 32]),
}

impl Shown {
    fn as_str(self) -> &'static str {
        match self {
            Self::Code(_) => "one_time_code",
            Self::Recovery(_) => "recovery_code",
        }
    }
}

/// Takes a code, which is good once: the person's row as it will stand. None where the code, or a
/// later one, was taken already.
pub fn taken(person: &Person, shown: Shown) -> Option<Person> {
    let mut person = person.clone();
    let factor = person.second_factor.as_mut()?;
    match shown {
        Shown::Code(step) if step > factor.last_step => factor.last_step = step,
        Shown::Code(_) => return None,
        Shown::Recovery(digest) => {
            let place = factor.recovery.iter().position(|left| *left == digest)?;
            factor.recovery.remove(place);
        }
    }
    Some(person)
}

/// Decides on a session for a member whose password was right, and the code where they use one: as
/// [`sessions::start`], with the code taken. A password that was changed meanwhile opens nothing, and a
/// code opens nothing twice.
pub fn sign_in(
    person: &Person,
    shown: Option<Shown>,
    (session, mut change): (Token, Change),
) -> Result<(Token, Change), Refusal> {
    let Some(shown) = shown else {
        return Ok((session, change.expect(Expect::Person(person.id, person.version))));
    };
    for entry in &mut change.entries {
        entry.payload["second_factor"] = shown.as_str().into();
    }
    Ok((session, change.and(take(person, shown)?)))
}

/// Decides that somebody who is signed in showed a code again.
pub fn show_again(caller: &Caller, person: &Person, shown: Shown) -> Result<Change, Refusal> {
    let told = serde_json::json!({ "by": shown.as_str() });
    Ok(take(person, shown)?.entry(caller.entry(Action::SecondFactorUsed, person.id, told)))
}

fn take(person: &Person, shown: Shown) -> Result<Change, Refusal> {
    let change = Change::default().write(Write::UpdatePerson(taken(person, shown).ok_or_else(spent)?));
    // A backup must not bring a recovery code back; a code of an app's is over in a minute anyway.
    Ok(if matches!(shown, Shown::Recovery(_)) { change.narrowing() } else { change })
}

fn spent() -> Refusal {
    Refusal::of_field(
        Code::ReauthenticationRequired,
        "one_time_code",
        "The code is not right; each works once.",
    )
}

/// What the journal says of a code that was wrong, beside a password that was right.
pub fn refused(person: &Person, actor: Actor, now: Timestamp) -> Change {
    Change::default().entry(Entry {
        at: now,
        actor,
        account: None,
        action: Action::SecondFactorRefused,
        subject: person.id.to_string(),
        payload: serde_json::json!({}),
    })
}

/// What the journal says of a wrong password, from where it came, and who gave it beside a session.
pub fn password_refused(person: &Person, actor: Actor, from: Option<IpAddr>, now: Timestamp) -> Change {
    Change::default().entry(Entry {
        at: now,
        actor,
        account: None,
        action: Action::PasswordRefused,
        subject: person.id.to_string(),
        payload: serde_json::json!({ "address": from }),
    })
}

/// Who may change what signs them in: a person who is signed in, and shows who they are in the very
/// request. A young session is not enough: it may have been handed over by the product.
pub fn may_change(caller: &Caller) -> Result<(), Refusal> {
    if !caller.is_session() || caller.holder.person.is_none() {
        return Err(Refusal::forbidden(
            "Only somebody who signs in with a password changes what signs them in; come with a session of \
             theirs.",
        ));
    }
    if caller.reauthenticated {
        return Ok(());
    }
    Err(Refusal::new(
        Code::ReauthenticationRequired,
        "Send your password with the request, as `password`, and a code of your second factor, if you use \
         one, as `one_time_code`.",
    ))
}

/// What comes with any change of what signs somebody in: a new session in the place of the one that asks,
/// so that whoever may have that one stays out; and, where it is asked for, the end of everything else.
#[derive(Debug)]
pub struct Renewal<'a> {
    /// The one that asks.
    pub session: Token,
    /// What the browser or program calls itself.
    pub agent: Option<&'a str>,
    pub text: &'a Arc<TokenText>,
    /// As in [`sessions::Beginning`].
    pub refresh: Option<&'a TokenText>,
    /// All that the person ever was in any account, where every token and session of theirs shall end: by one
    /// row of each, which nothing that is made meanwhile escapes.
    pub everything: Option<Vec<Holder>>,
}

/// Decides on another password.
pub fn change_password(
    caller: &Caller,
    person: Person,
    password: String,
    renewal: Renewal<'_>,
) -> Result<(Token, Change), Refusal> {
    let next = Person { password: Some(password), ..person };
    renew(caller, next, Action::PasswordChanged, renewal)
}

/// A second factor as it was set up and shown to work.
#[derive(Clone, Debug)]
pub struct Enrolment {
    pub sealed: Vec<u8>,
    /// The step of the code that showed it.
    pub step: i64,
    pub recovery: Vec<[u8; 32]>,
}

/// Decides that from now on signing in takes a code besides the password.
pub fn enrol(
    caller: &Caller,
    person: Person,
    enrolment: Enrolment,
    renewal: Renewal<'_>,
) -> Result<(Token, Change), Refusal> {
    if person.second_factor.is_some() {
        return Err(Refusal::wrong_state("You use one-time codes already; switch them off first."));
    }
    let Enrolment { sealed, step, recovery } = enrolment;
    let factor = SecondFactor { since: caller.now, sealed, last_step: step, recovery };
    let next = Person { second_factor: Some(factor), ..person };
    renew(caller, next, Action::SecondFactorEnabled, renewal)
}

/// Decides that the password is enough again.
pub fn switch_off(caller: &Caller, person: Person, renewal: Renewal<'_>) -> Result<(Token, Change), Refusal> {
    if person.second_factor.is_none() {
        return Err(Refusal::wrong_state("You use no one-time codes."));
    }
    let next = Person { second_factor: None, ..person };
    renew(caller, next, Action::SecondFactorDisabled, renewal)
}

/// Writes the person, and what comes with it. The journal of each account that it touches tells of it.
fn renew(
    caller: &Caller,
    person: Person,
    action: Action,
    renewal: Renewal<'_>,
) -> Result<(Token, Change), Refusal> {
    may_change(caller)?;
    let Renewal { session, agent, text, refresh, everything } = renewal;
    let node = session.node.clone();
    let told = |member: &Holder, everything: bool| {
        let told = serde_json::json!({ "tokens_revoked": everything, "sessions_ended": everything });
        let entry = caller.entry(action, member.id, told);
        Entry { account: Some(member.account.clone()), ..entry }
    };
    // What was mailed to choose another password by is older than this.
    let forgets = Write::ForgetResets(person.id);
    let mut change = Change::default().write(Write::UpdatePerson(person)).write(forgets);
    let mut holder = caller.holder.clone();
    match everything {
        None => change = change.entry(told(&holder, false)),
        Some(memberships) => {
            for mut membership in memberships {
                let standing = &mut membership.standing;
                // Never earlier than it was, whatever the clocks of two peers say.
                standing.revoked_before = standing.revoked_before.max(Some(caller.now));
                if (&membership.account, membership.id) == (&holder.account, holder.id) {
                    // At the version that the caller was seen at: the row has to be that one.
                    holder.standing = *standing;
                    membership.version = holder.version;
                }
                change = change.entry(told(&membership, true)).write(Write::UpdateHolder(membership));
            }
        }
    }
    let change = change.and(sessions::close(caller, session));
    let beginning = Beginning { node, agent, text, refresh };
    let (next, started) = sessions::start(&caller.account, &holder, beginning, caller.now)?;
    // A backup from before would open to what opens nothing now.
    Ok((next, change.and(started).narrowing()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(last_step: i64, recovery: &[u8]) -> Person {
        let factor = SecondFactor {
            since: Timestamp::EPOCH,
            sealed: vec![1],
            last_step,
            recovery: recovery.iter().map(|n| [*n; 32]).collect(),
        };
        Person {
            id: "per_0123456789ab".parse().expect("an id"),
            email: "ada@example.com".into(),
            password: None,
            second_factor: Some(factor),
            operator: false,
            created_at: Timestamp::EPOCH,
            version: 1,
        }
    }

    #[test]
    fn a_code_is_taken_once_and_none_before_it_any_more() {
        let next = taken(&person(10, &[]), Shown::Code(12)).unwrap();
        for step in [10, 11, 12] {
            assert_eq!(taken(&next, Shown::Code(step)), None, "{step}");
        }
        assert!(taken(&next, Shown::Code(13)).is_some());
        let plain = Person { second_factor: None, ..next };
        assert_eq!(taken(&plain, Shown::Code(13)), None);
    }

    #[test]
    fn a_recovery_code_is_used_up_and_the_others_stay() {
        let next = taken(&person(10, &[1, 2, 3]), Shown::Recovery([2; 32])).unwrap();
        assert_eq!(next, person(10, &[1, 3]));
        assert_eq!(taken(&next, Shown::Recovery([2; 32])), None);
        let used = show(&next, Shown::Recovery([1; 32]));
        assert!(used.narrows, "a backup shall not bring it back");
        assert!(!show(&next, Shown::Code(11)).narrows);
    }

    fn show(person: &Person, shown: Shown) -> Change {
        take(person, shown).unwrap()
    }
}
