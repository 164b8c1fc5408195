//! Links that let a member in, once: a service of the product hands somebody over to the console, and
//! somebody is invited to a login of their own.
//!
//! Only whoever was given the link knows its secret. What it opens is decided when it is opened, on the
//! rows as they are then: a link is no right, it only leads to one.

use std::sync::Arc;

use token::TokenText;

use crate::bindings;
use crate::change::{Action, Actor, Change, Condition, Entry, Expect, Write};
use crate::facts::{Account, Holder, Link, Opens, Person, Token};
use crate::ids::{HolderId, MemberId, PersonId};
use crate::mail::Topic;
use crate::members;
use crate::news;
use crate::node::NodePath;
use crate::permission::MEMBERS_CREATE;
use crate::refusal::{Code, Refusal};
use crate::sessions::{self, Beginning};
use crate::time::{DAY, Timestamp};
use crate::who::{By, Caller};

/// How long a hand-off opens the console: 60 seconds, in µs.
pub const HAND_OFF: i64 = 60 * 1_000_000;
/// How long an invitation opens: 7 days, in µs.
pub const INVITATION: i64 = 7 * DAY;
/// How long a way to another password opens: 30 minutes, in µs.
pub const RESET: i64 = 30 * 60 * 1_000_000;

/// Where a hand-off leads when nobody says.
pub const USUAL_PLACE: &str = "/tokens";
/// Characters of a place.
const PLACE: usize = 500;

/// Decides on a link to the console for the member that a service acts for. `place` is a path below
/// the account's own, such as `/tokens/new`.
pub fn hand_off(
    caller: &Caller,
    person: Option<&Person>,
    place: Option<&str>,
    hash: [u8; 32],
) -> Result<Link, Refusal> {
    let service = acts_for(caller, person)?;
    let place = place.unwrap_or(USUAL_PLACE);
    if !is_below(place) {
        let sentence = format!(
            "Give a path below the account's in the console, such as `/tokens/new`, of at most {PLACE} characters."
        );
        return Err(Refusal::invalid("path", sentence));
    }
    Ok(Link {
        hash,
        account: caller.account.id.clone(),
        member: member(&caller.holder)?,
        opens: Opens::Console { service, place: place.to_owned() },
        until: caller.now.plus_micros(HAND_OFF),
    })
}

/// Decides on the session of whoever opened that link: `caller` is the member through the same service,
/// as both are now.
pub fn arrive(
    caller: &Caller,
    person: Option<&Person>,
    link: &Link,
    agent: Option<&str>,
    text: &Arc<TokenText>,
) -> Result<(Token, Change), Refusal> {
    acts_for(caller, person)?;
    let (account, holder) = (&caller.account, &caller.holder);
    let by = |_| caller.actor();
    let (token, change) = sessions::start_by(account, holder, console(agent, text), caller.now, by)?;
    let change = change.write(Write::UseLink { hash: link.hash });
    // Nobody comes to run the server in between.
    let change = match person {
        Some(person) => change.expect(Expect::Person(person.id, person.version)),
        None => change,
    };
    Ok((token, change))
}

/// Links lead to the console, in a browser.
fn console<'a>(agent: Option<&'a str>, text: &'a Arc<TokenText>) -> Beginning<'a> {
    Beginning { node: NodePath::root(), agent, text, refresh: None }
}

/// The service, which hands over everybody but those who run the server: a session stands for its holder,
/// and so the service's key would be the operator's.
fn acts_for(caller: &Caller, person: Option<&Person>) -> Result<crate::ids::ServiceId, Refusal> {
    let By::Service { id, .. } = &caller.by else {
        return Err(Refusal::forbidden("Only a service that acts for a member hands them over."));
    };
    if person.is_some_and(|person| person.operator) {
        return Err(Refusal::forbidden(
            "This member runs the server, and signs in to the console with their own password only.",
        ));
    }
    Ok(*id)
}

fn member(holder: &Holder) -> Result<MemberId, Refusal> {
    match holder.id {
        HolderId::Member(id) => Ok(id),
        HolderId::ServiceAccount(_) => Err(Refusal::not_found("member")),
    }
}

/// Whether a path stays below where it begins, however a browser reads it (WHATWG URL: `\` is a `/`,
/// and dots may be encoded).
fn is_below(place: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%?=&+:,@".contains(&byte);
    let path = place.split('?').next().unwrap_or_default().to_ascii_lowercase().replace("%2e", ".");
    place.len() <= PLACE
        && place.starts_with('/')
        && place.bytes().all(plain)
        && !path.contains("//")
        && !path.contains("%2f")
        && !path.contains("%5c")
        && !path.split('/').any(|part| part == "." || part == "..")
}

/// Decides on an invitation of a member who is there, by an address, and has no login. One link at a
/// time is good: a new one replaces the one before.
pub fn invite(caller: &Caller, holder: &Holder, hash: [u8; 32]) -> Result<(Link, Change), Refusal> {
    // Whoever is given a login does what their roles let them.
    bindings::may_change(caller, MEMBERS_CREATE, holder)?;
    bindings::may_give(caller, MEMBERS_CREATE, &holder.bindings)?;
    if holder.external_id.is_some() {
        members::may_name_users(caller)?;
    }
    invitation(&caller.account, holder, hash, caller.actor(), caller.now)
}

/// The same into an account that the operator is not at work in.
pub fn invite_into(
    account: &Account,
    holder: &Holder,
    hash: [u8; 32],
    operator: Actor,
    now: Timestamp,
) -> Result<(Link, Change), Refusal> {
    let (link, change) = invitation(account, holder, hash, operator, now)?;
    let change = change.expect(Expect::Account(account.id.clone(), account.version)).expect(Expect::Holder(
        account.id.clone(),
        holder.id,
        holder.version,
    ));
    Ok((link, change))
}

fn invitation(
    account: &Account,
    holder: &Holder,
    hash: [u8; 32],
    actor: Actor,
    now: Timestamp,
) -> Result<(Link, Change), Refusal> {
    if !holder.is_active() {
        return Err(Refusal::wrong_state(
            "This member is deactivated or has left; nobody is let in as them.",
        ));
    }
    if holder.person.is_some() {
        return Err(Refusal::wrong_state(format!("{} can sign in already.", holder.name)));
    }
    if holder.email.is_none() {
        let sentence = "This member has no address to sign in with; invite somebody with one.";
        return Err(Refusal::invalid("email", sentence));
    }
    let link = Link {
        hash,
        account: account.id.clone(),
        member: member(holder)?,
        opens: Opens::Login,
        until: now.plus_micros(INVITATION),
    };
    let entry = Entry {
        at: now,
        actor,
        account: Some(account.id.clone()),
        action: Action::MemberInvited,
        subject: holder.id.to_string(),
        payload: serde_json::json!({ "until": link.until }),
    };
    let mut change = Change::default().write(Write::InsertInvitation(link.clone())).entry(entry);
    change.outbox.extend(news::way_in(Topic::Invitation, holder, now));
    Ok((link, change.of_recent_login()))
}

/// Who accepts an invitation.
#[derive(Debug)]
pub enum Accepting {
    /// Somebody new here, who has chosen a password (a PHC string).
    New { id: PersonId, password: String },
    /// Somebody who is signed in as the one with the address.
    Known(Person),
}

/// Decides that the invited person is this one, who is signed in from then on. Only now does the address
/// become somebody's login.
pub fn accept(
    account: &Account,
    holder: &Holder,
    link: &Link,
    who: Accepting,
    agent: Option<&str>,
    text: &Arc<TokenText>,
    now: Timestamp,
) -> Result<(Holder, Token, Change), Refusal> {
    let Some(email) = holder.email.clone().filter(|_| holder.person.is_none()) else {
        return Err(Refusal::wrong_state("This invitation was accepted already; sign in instead."));
    };
    let entry = |action, account, subject: String| Entry {
        at: now,
        actor: Actor::Nobody,
        account,
        action,
        subject,
        payload: serde_json::json!({}),
    };
    let (person, change) = match who {
        Accepting::New { id, password } => {
            let taken = "Somebody signs in with this address already; sign in, then open the link again.";
            let taken = Refusal::of_field(Code::NameTaken, "email", taken);
            let person = Person {
                id,
                email: email.clone(),
                password: Some(password),
                second_factor: None,
                operator: false,
                created_at: now,
                version: 0,
            };
            let change = Change::default()
                .guard(Condition::EmailFree { email }, taken)
                .entry(entry(Action::PersonCreated, Some(account.id.clone()), id.to_string()))
                .write(Write::InsertPerson(person));
            (id, change)
        }
        // Whoever came in as this member before, from the product, would run the server with them.
        Accepting::Known(person) if person.email == email && person.operator => {
            let sentence =
                "You run this server, and join an account by `jeton admin reset --account`, not by a link.";
            return Err(Refusal::forbidden(sentence));
        }
        Accepting::Known(person) if person.email == email => {
            let twice =
                Refusal::of_field(Code::NameTaken, "email", "You are a member of this account already.");
            let nobody = Condition::NotAMember { account: account.id.clone(), person: person.id };
            let change =
                Change::default().guard(nobody, twice).expect(Expect::Person(person.id, person.version));
            (person.id, change)
        }
        Accepting::Known(_) => {
            return Err(Refusal::forbidden("This invitation is for somebody with another address."));
        }
    };
    let (token, begun) = sessions::start(account, holder, console(agent, text), now)?;
    let holder = Holder { person: Some(person), ..holder.clone() };
    let change = change
        .write(Write::UseLink { hash: link.hash })
        .write(Write::UpdateHolder(holder.clone()))
        .entry(entry(Action::MemberAccepted, Some(account.id.clone()), holder.id.to_string()))
        .and(begun);
    Ok((holder, token, change))
}

#[cfg(test)]
mod tests {
    use super::is_below;

    #[test]
    fn a_place_stays_below_the_account_however_a_browser_reads_it() {
        for place in
            ["/tokens", "/tokens/new?name=ci&expires=period", "/tokens/pat_0123456789ab/edit", "/a/.b"]
        {
            assert!(is_below(place), "{place}");
        }
        for place in [
            "",
            "tokens",
            "//evil.example",
            "/..",
            "/tokens/../../other",
            "/%2e%2e/other",
            "/.%2E/x",
            "/a/./b",
            "/\\evil.example",
            "/a//b",
            "/a%2f..",
            "/a%5cb",
            "/a#b",
            "/a b",
            "/é",
            "/a\r\nb",
            "https://evil.example",
        ] {
            assert!(!is_below(place), "{place}");
        }
        assert!(!is_below(&format!("/{}", "a".repeat(500))));
    }
}
