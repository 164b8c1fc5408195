//! Logins: what a password opens, what carries it on, and what closes it again.
//!
//! A session is a token of kind `ses`: found, admitted and stopped like any other, with all
//! that its member may do, the desk included. Where the policy makes pairs, a program gets a refresh
//! token beside it: its text is over sooner than the login, and the refresh token brings the next one.
//! Each such step is a row of its own, by which the one before is replaced, so a login is as many rows
//! and never more than one that is good.

use std::sync::Arc;

use token::{Digest, Kind, TokenId, TokenText};

use crate::agent::Agent;
use crate::change::{Action, Actor, Change, Entry, Expect, Remembered, Write};
use crate::conditions::Conditions;
use crate::facts::{Account, Holder, Token};
use crate::grant::Grant;
use crate::ids::AccountId;
use crate::life::{self, Life, State, Surroundings};
use crate::node::NodePath;
use crate::policy::{LoginMode, Logout, Policy};
use crate::refusal::Refusal;
use crate::text;
use crate::time::{Moment, Timestamp};
use crate::who::Caller;

/// Characters kept of what a browser or program calls itself: browsers say at the end what they are.
const AGENT: usize = 200;
/// Characters of a name.
const NAME: usize = 100;
/// How the name of a session begins; after it stands who began it.
const NAMED: &str = "Signed in with ";
/// What stands there for who said nothing.
const SILENT: &str = "a program that does not say what it is";

/// How long after it was used a refresh token that comes again is no alarm yet, in µs. Two windows of one
/// program ask at once, and nobody should be thrown out for it. Whoever comes second gets nothing either way,
/// so a thief gains by it only that nobody is warned in these seconds.
const AT_ONCE: i64 = 10 * 1_000_000;

/// What the browser or program called itself that began a session.
pub fn agent(session: &Token) -> &str {
    let name = || session.name.strip_prefix(NAMED).unwrap_or(&session.name);
    session.description.as_deref().unwrap_or_else(name)
}

/// Whether the policy gives a program a refresh token. A browser's cookie is kept from scripts and goes
/// nowhere else, so there a session lasts as long as a refresh token would, and needs none: nobody is thrown
/// out in the middle of their work, and no page has to carry a second secret.
pub fn makes_pairs(policy: &Policy) -> bool {
    policy.login.mode == LoginMode::Pair
}

/// What a session begins with.
#[derive(Clone, Debug)]
pub struct Beginning<'a> {
    pub node: NodePath,
    /// What the browser or program calls itself.
    pub agent: Option<&'a str>,
    pub text: &'a Arc<TokenText>,
    /// For a program under a policy that [makes pairs](makes_pairs).
    pub refresh: Option<&'a TokenText>,
}

/// What a session keeps of it.
fn spoken(agent: Option<&str>) -> String {
    agent.unwrap_or_default().chars().filter(|c| !c.is_control()).take(AGENT).collect()
}

/// Whether a session was begun in a browser or program like this one: but for its versions, which change by
/// themselves.
pub fn is_like(session: &Token, agent: Option<&str>) -> bool {
    let kin = |agent: &str| -> String {
        agent.chars().filter(|c| !c.is_ascii_digit() && !matches!(c, '.' | '_')).collect()
    };
    let spoken = spoken(agent);
    kin(self::agent(session)) == kin(if spoken.is_empty() { SILENT } else { &spoken })
}

/// Decides on a session for a member whose password was right.
pub fn start(
    account: &Account,
    holder: &Holder,
    beginning: Beginning<'_>,
    now: Timestamp,
) -> Result<(Token, Change), Refusal> {
    let themselves = |via| Actor::Holder { id: holder.id, via };
    start_by(account, holder, beginning, now, themselves)
}

/// The same for a member whom somebody else vouches for: by whom, the journal is told.
pub(crate) fn start_by(
    account: &Account,
    holder: &Holder,
    beginning: Beginning<'_>,
    now: Timestamp,
    by: impl FnOnce(TokenId) -> Actor,
) -> Result<(Token, Change), Refusal> {
    if account.inactive_since.is_some() || !holder.is_active() {
        return Err(Refusal::forbidden(
            "This membership is deactivated; ask an administrator of the account.",
        ));
    }
    let Beginning { node, agent, text, refresh } = beginning;
    let agent = spoken(agent);
    let born = holder.standing.clear_of_stops(now);
    let (ends_at, until) = ends(&account.policy, refresh.is_some(), born);
    let token = Token {
        id: text.id(),
        number: 0,
        account: account.id.clone(),
        holder: holder.id,
        issued_by: holder.id,
        name: name(&agent),
        description: text::description("agent", &agent, AGENT).ok().filter(|agent| !agent.is_empty()),
        metadata: None,
        grant: Grant::Inherit,
        node,
        desk: true,
        life: Life::from(born, Some(ends_at)),
        conditions: Conditions { until, ..Conditions::default() },
        reason: None,
        digest: text.digest(),
        version: 0,
    };
    let entry = Entry {
        at: now,
        actor: by(token.id),
        account: Some(account.id.clone()),
        action: Action::SessionStarted,
        subject: token.id.to_string(),
        payload: serde_json::json!({ "agent": agent, "expires_at": token.life.expires_at }),
    };
    let mut change = Change::default()
        .expect(Expect::Account(account.id.clone(), account.version))
        .expect(Expect::Holder(account.id.clone(), holder.id, holder.version))
        .write(Write::InsertToken { token: Box::new(token.clone()), keep: None })
        .entry(entry);
    if let Some(refresh) = refresh {
        change = change.write(Write::Remember(refreshes(refresh, &token, ends_at)));
    }
    if !token.node.is_root() {
        change = change.expect(Expect::Node(account.id.clone(), token.node.clone()));
    }
    Ok((token, change))
}

/// A calm name for lists: what a browser says of itself is the description.
fn name(agent: &str) -> String {
    match Agent::of(agent) {
        Agent::On(program, system) => format!("{NAMED}{program} on {system}"),
        // Their own word, unless it makes no name.
        Agent::Program(program) => {
            text::name("agent", &format!("{NAMED}{program}"), NAME).unwrap_or_else(|_| unnamed())
        }
        Agent::Unknown => unnamed(),
    }
}

fn unnamed() -> String {
    format!("{NAMED}{SILENT}")
}

/// When a login ends that begins or goes on now, and when its text does, where that is sooner.
fn ends(policy: &Policy, paired: bool, now: Timestamp) -> (Timestamp, Option<Timestamp>) {
    let login = &policy.login;
    match (login.mode, &login.refresh) {
        (LoginMode::Pair, Some(refresh)) => (now.plus(refresh), paired.then(|| now.plus(&login.life))),
        _ => (now.plus(&login.life), None),
    }
}

/// Where it is kept what a refresh token refreshes. Of the token only this digest of its digest is kept, and
/// no row of a token has it: it opens nothing but [`refresh`].
pub fn place(refresh: &Digest) -> [u8; 32] {
    *Digest::of(&[b"refreshes ".as_slice(), refresh.as_bytes()].concat()).as_bytes()
}

fn refreshes(refresh: &TokenText, session: &Token, until: Timestamp) -> Remembered {
    Remembered {
        key: place(&refresh.digest()),
        request: [0; 32],
        // Ids are public; there is nothing to seal.
        sealed: format!("{} {}", session.account, session.id).into_bytes(),
        until,
    }
}

/// The session that came with a refresh token; none where somebody wrote there what we did not.
pub fn refreshed_by(kept: &Remembered) -> Option<(AccountId, TokenId)> {
    let (account, session) = std::str::from_utf8(&kept.sealed).ok()?.split_once(' ')?;
    Some((account.parse().ok()?, session.parse().ok().filter(|id: &TokenId| id.kind == Kind::Ses)?))
}

/// Decides on the next pair of a login, for whoever has the refresh token that came with `session`. The
/// session that was is over with that, whatever was left of its hour, so that of a login one text is good.
///
/// When somebody signed in does not change: what takes a recent login asks for the password again, and
/// whatever stops the login stops it however often it was refreshed.
pub fn refresh(
    account: &Account,
    holder: &Holder,
    session: Token,
    text: &TokenText,
    refresh: &TokenText,
    now: Timestamp,
) -> Result<(Token, Change), Refusal> {
    let around = Surroundings::of(account, holder, Kind::Ses);
    let alive = holder.is_active() && life::state(&session.life, &around, now).is_good();
    if !alive || !makes_pairs(&account.policy) {
        return Err(Refusal::forbidden("This login is over; sign in again."));
    }
    let (ends_at, until) = ends(&account.policy, true, now);
    let next = Token {
        id: text.id(),
        number: 0,
        life: Life { expires_at: Some(ends_at), ..session.life },
        conditions: Conditions { until, ..session.conditions.clone() },
        digest: text.digest(),
        version: 0,
        ..session.clone()
    };
    let mut old = session;
    old.life.rotated_to = Some(next.id);
    // No grace; and it says when that was.
    old.life.grace_until = Some(now);
    let entry = Entry {
        at: now,
        actor: Actor::Holder { id: holder.id, via: old.id },
        account: Some(account.id.clone()),
        action: Action::SessionRefreshed,
        subject: old.id.to_string(),
        payload: serde_json::json!({ "new": next.id.to_string(), "expires_at": ends_at }),
    };
    let change = Change::default()
        .expect(Expect::Account(account.id.clone(), account.version))
        .expect(Expect::Holder(account.id.clone(), holder.id, holder.version))
        .write(Write::InsertToken { token: Box::new(next.clone()), keep: None })
        .write(Write::Remember(refreshes(refresh, &next, ends_at)))
        .write(Write::UpdateToken(Box::new(old)))
        .entry(entry)
        .narrowing();
    Ok((next, change))
}

/// What it means that a refresh token came which was used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// It was used in this very moment: the two may well be one program.
    AtOnce,
    /// Two have it who should not, and nobody can tell which of them came first.
    Replayed,
}

/// `used` is the session that came with the refresh token, and was refreshed.
pub fn again(used: &Token, moment: Moment) -> Again {
    match used.life.grace_until {
        Some(at) if moment.earliest > at.plus_micros(AT_ONCE) => Again::Replayed,
        _ => Again::AtOnce,
    }
}

/// Decides on the end of a login of which a refresh token came twice. `newest` is what became of it.
pub fn replayed(account: &Account, used: &Token, newest: Token, now: Timestamp) -> Change {
    let entry = Entry {
        at: now,
        actor: Actor::Holder { id: newest.holder, via: used.id },
        account: Some(account.id.clone()),
        action: Action::SessionReplayed,
        subject: newest.id.to_string(),
        payload: serde_json::json!({ "refreshed_at": used.life.grace_until }),
    };
    Change::default().write(closed(&account.policy, newest, now)).entry(entry).ending()
}

/// Whether a login goes on with this session, or with one by which it was replaced when it was refreshed.
pub fn goes_on(account: &Account, holder: &Holder, session: &Token, now: Timestamp) -> bool {
    let state = life::state(&session.life, &Surroundings::of(account, holder, Kind::Ses), now);
    holder.is_active() && (state.is_good() || state == State::Rotated)
}

/// Whether a login was ended, by whatever but time.
pub fn is_closed(session: &Token) -> bool {
    let life = &session.life;
    life.revoked_at.is_some() || life.deleted_at.is_some() || life.leaked_at.is_some()
}

/// Decides on a logout, by the caller's own session: it ends, and where the policy says so the
/// member's tokens are revoked with it, by one row.
pub fn log_out(caller: &Caller, session: Token) -> Result<Change, Refusal> {
    if !caller.is_session() {
        return Err(Refusal::wrong_state(
            "This is a token, not a session; end it as `DELETE /v1/tokens/self`.",
        ));
    }
    let change = close(caller, session);
    if caller.account.policy.logout != Logout::Revoke {
        return Ok(change);
    }
    Ok(change.write(Write::UpdateHolder(stopped(caller))))
}

/// Decides on the end of another session of the same person, with all that the policy has a logout end.
/// Where it revokes the member's tokens, `own`, the session that asks, goes on: one is not signed out here by
/// signing out elsewhere.
pub fn end(caller: &Caller, session: Token, own: Option<Token>) -> Change {
    let change = close(caller, session);
    if caller.account.policy.logout != Logout::Revoke {
        return change;
    }
    let holder = stopped(caller);
    let change = match own {
        Some(mut own) => {
            own.life.approved_at = Some(holder.standing.clear_of_stops(caller.now));
            change.write(Write::UpdateToken(Box::new(own)))
        }
        None => change,
    };
    change.write(Write::UpdateHolder(holder))
}

/// Ends a session, and nothing with it.
pub(crate) fn close(caller: &Caller, session: Token) -> Change {
    let entry = caller.entry(Action::SessionEnded, session.id, serde_json::json!({}));
    Change::default().write(closed(&caller.account.policy, session, caller.now)).entry(entry).ending()
}

fn closed(policy: &Policy, session: Token, now: Timestamp) -> Write {
    let mut next = session;
    match policy.logout {
        Logout::Delete => next.life.deleted_at = Some(now),
        Logout::End | Logout::Revoke => next.life.revoked_at = Some(now),
    }
    Write::UpdateToken(Box::new(next))
}

/// The caller's row with a stop on all their tokens.
fn stopped(caller: &Caller) -> Holder {
    let mut holder = caller.holder.clone();
    // Never earlier than it was, whatever the clocks of two peers say: that would bring back
    // what an earlier logout revoked.
    holder.standing.revoked_before = holder.standing.revoked_before.max(Some(caller.now));
    holder
}
