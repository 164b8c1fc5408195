//! A forgotten password: who is mailed a way to another one, and what comes of it.
//!
//! Whoever runs the server is not let in by a mail: their mailbox would be the server's. They have the machine,
//! and [`recovery`](crate::recovery).

use crate::change::{Action, Actor, Change, Entry, Write};
use crate::facts::{Holder, Link, Person, Token};
use crate::ids::HolderId;
use crate::mail::Topic;
use crate::news;
use crate::notices;
use crate::refusal::Refusal;
use crate::time::Timestamp;

/// Decides on the mail to somebody who says that they forgot their password, by one of their memberships.
/// None where there is nobody who may be mailed one; whoever asked hears the same.
pub fn forgotten(person: &Person, member: &Holder, now: Timestamp) -> Option<Change> {
    let may = !person.operator && person.password.is_some() && notices::is_reachable(member);
    let letter = news::way_in(Topic::Reset, member, now).filter(|_| may)?;
    let entry = Entry {
        at: now,
        actor: Actor::Nobody,
        account: None,
        action: Action::PasswordForgotten,
        subject: person.id.to_string(),
        payload: serde_json::json!({}),
    };
    Some(Change { outbox: vec![letter], ..Change::default().entry(entry) })
}

/// Decides on another password (a PHC string) for whoever opened the link. Every session of theirs ends, and so
/// does every other link like it; where `everything` names all that they ever were, their tokens end too. A second
/// factor stays: it is asked for at the next login.
///
/// # Errors
/// Refused for a person who runs the server by now.
pub fn reset(
    person: Person,
    link: &Link,
    password: String,
    sessions: Vec<Token>,
    everything: Option<Vec<Holder>>,
    now: Timestamp,
) -> Result<Change, Refusal> {
    if person.operator {
        return Err(Refusal::forbidden(
            "You run this server, and get another password by `jeton admin reset`, not by a link.",
        ));
    }
    let entry = |action, account, subject, payload| Entry {
        at: now,
        actor: Actor::Nobody,
        account,
        action,
        subject,
        payload,
    };
    let told = serde_json::json!({
        "by": "mail", "sessions_ended": true, "tokens_revoked": everything.is_some(),
    });
    let subject = link.member.to_string();
    let mut change = Change::default()
        .write(Write::UseLink { hash: link.hash })
        .write(Write::ForgetResets(person.id))
        .entry(entry(Action::PasswordReset, Some(link.account.clone()), subject, told));
    for mut session in sessions {
        session.life.revoked_at = Some(now);
        let (account, id) = (Some(session.account.clone()), session.id.to_string());
        change = change
            .entry(entry(Action::SessionEnded, account, id, serde_json::json!({ "with": "password" })))
            .write(Write::UpdateToken(Box::new(session)));
    }
    for mut membership in everything.into_iter().flatten() {
        let standing = &mut membership.standing;
        // Never earlier than it was, whatever the clocks of two peers say.
        standing.revoked_before = standing.revoked_before.max(Some(now));
        if membership.id != HolderId::Member(link.member) || membership.account != link.account {
            let (account, id) = (Some(membership.account.clone()), membership.id.to_string());
            let told = serde_json::json!({ "by": "mail", "sessions_ended": true, "tokens_revoked": true });
            change = change.entry(entry(Action::PasswordReset, account, id, told));
        }
        change = change.write(Write::UpdateHolder(membership));
    }
    let next = Person { password: Some(password), ..person };
    // A backup from before would open to what opens nothing now.
    Ok(change.write(Write::UpdatePerson(next)).narrowing())
}
