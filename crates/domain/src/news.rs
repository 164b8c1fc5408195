//! News: what people are told by mail that happened, and whom. That tokens will end is for
//! [`notices`](crate::notices).
//!
//! Each of these goes into the outbox with the change that it tells of. Whether its reader still has an
//! address, and whether it is still so, is looked at when it is sent.

use std::collections::{BTreeMap, BTreeSet};

use token::{Kind, TokenId};

use crate::change::Actor;
use crate::facts::{Account, Holder, Token};
use crate::ids::{AccountId, HolderId, MemberId};
use crate::life::{self, State, Surroundings};
use crate::mail::{Letter, Matter, News, Outgoing, Topic};
use crate::notices;
use crate::time::Timestamp;
use crate::who::Caller;

/// That a token was made: its holder is told, by themselves too, since that is how one learns of a token
/// that a thief made. A service account reads no mail, so whoever made the token is told instead.
pub fn created(caller: &Caller, holder: &Holder, token: &Token) -> Option<Outgoing> {
    let reader = match holder.id {
        HolderId::Member(_) => holder,
        HolderId::ServiceAccount(_) => &caller.holder,
    };
    let HolderId::Member(to) = reader.id else { return None };
    notices::is_reachable(reader).then(|| about(Topic::Created, to, caller, [token]))
}

/// That somebody else revoked or deleted a token.
pub fn ended(caller: &Caller, token: &Token) -> Option<Outgoing> {
    ended_all(caller, [token]).pop()
}

/// The same of many, of whichever accounts.
pub fn ended_all<'a>(caller: &Caller, tokens: impl IntoIterator<Item = &'a Token>) -> Vec<Outgoing> {
    let mut by_reader: BTreeMap<(&AccountId, MemberId), Vec<&Token>> = BTreeMap::new();
    for token in tokens {
        // A session's end is seen where it was.
        if let Some(to) = reader(token).filter(|to| token.id.kind != Kind::Ses && !is(caller, token, *to)) {
            by_reader.entry((&token.account, to)).or_default().push(token);
        }
    }
    by_reader.into_iter().map(|((_, to), tokens)| about(Topic::Revoked, to, caller, tokens)).collect()
}

/// That a token is known to somebody else: its reader is told, and those who manage tokens. `by` said so.
pub fn leaked(by: &Actor, token: &Token, managers: &[MemberId], at: Timestamp) -> Vec<Outgoing> {
    let readers: BTreeSet<MemberId> = managers.iter().copied().chain(reader(token)).collect();
    let matter = Matter { token: token.id, at, actor: Some(by.to_string()) };
    let tell = |to| news(&token.account, to, Topic::Leaked, at, vec![matter.clone()]);
    readers.into_iter().map(tell).collect()
}

/// That a new token waits for one of those who manage tokens. Whoever asked for it knows.
pub fn waiting(caller: &Caller, token: &Token, managers: &[MemberId]) -> Vec<Outgoing> {
    let others = managers.iter().filter(|to| !caller.is(HolderId::Member(**to)));
    others.map(|to| about(Topic::Waiting, *to, caller, [token])).collect()
}

/// That a session began in a browser or program that its person was not seen with.
pub fn signed_in(member: &Holder, session: &Token, now: Timestamp) -> Option<Outgoing> {
    let HolderId::Member(to) = member.id else { return None };
    let matter = Matter { token: session.id, at: now, actor: None };
    notices::is_reachable(member).then(|| news(&member.account, to, Topic::SignIn, now, vec![matter]))
}

/// A way in, for its reader alone.
pub fn way_in(topic: Topic, member: &Holder, now: Timestamp) -> Option<Outgoing> {
    let HolderId::Member(to) = member.id else { return None };
    Some(news(&member.account, to, topic, now, Vec::new()))
}

/// Whether a letter's reader can still be told of it at all. Of what is theirs they are told as long as they
/// are at work here; an invitation is for somebody who is not yet.
pub fn is_for(topic: Topic, account: &Account, reader: &Holder) -> bool {
    match topic {
        Topic::Invitation => reader.is_active() && reader.person.is_none() && reader.email.is_some(),
        Topic::Waiting => notices::is_reachable(reader) && notices::mails(account, reader),
        _ => notices::is_reachable(reader),
    }
}

/// Whether what a letter tells of a token is still so, and still for this reader.
pub fn still_so(
    letter: &Letter,
    account: &Account,
    reader: &Holder,
    holder: &Holder,
    token: &Token,
    now: Timestamp,
) -> bool {
    let theirs = || [token.holder, token.issued_by].contains(&HolderId::Member(letter.to));
    let manages = || manages(account, reader);
    match letter.topic {
        Topic::Created | Topic::SignIn => theirs(),
        // What was approved again since works.
        Topic::Revoked => theirs() && (token.life.revoked_at.is_some() || token.life.deleted_at.is_some()),
        Topic::Leaked => theirs() || manages(),
        Topic::Waiting => {
            let state = life::state(&token.life, &Surroundings::of(account, holder, token.id.kind), now);
            manages() && state == State::Pending
        }
        Topic::Ending | Topic::Invitation | Topic::Reset => false,
    }
}

/// Whether a member manages all tokens of an account, by their role.
pub fn manages(account: &Account, member: &Holder) -> bool {
    let mut held = member.bindings.iter().filter(|binding| binding.node.is_root());
    member.is_active()
        && held.any(|held| {
            account.role(held.role).is_some_and(|role| account.policy.managers.contains(&role.name))
        })
}

/// Who reads what is told of a token: its holder, and of a service account's whoever issued it.
fn reader(token: &Token) -> Option<MemberId> {
    match (token.holder, token.issued_by) {
        (HolderId::Member(id), _) | (HolderId::ServiceAccount(_), HolderId::Member(id)) => Some(id),
        _ => None,
    }
}

/// Whether the caller is this member, or comes with the token itself.
fn is(caller: &Caller, token: &Token, member: MemberId) -> bool {
    let here = caller.account.id == token.account;
    here && (caller.is(HolderId::Member(member)) || caller.comes_with(token.id))
}

fn about<'a>(
    topic: Topic,
    to: MemberId,
    caller: &Caller,
    tokens: impl IntoIterator<Item = &'a Token>,
) -> Outgoing {
    let mut tokens = tokens.into_iter().peekable();
    let account = tokens.peek().map_or(&caller.account.id, |token| &token.account).clone();
    let actor = caller.actor().to_string();
    let matter = |token: TokenId| Matter { token, at: caller.now, actor: Some(actor.clone()) };
    let matters = tokens.map(|token| matter(token.id)).collect();
    news(&account, to, topic, caller.now, matters)
}

fn news(account: &AccountId, to: MemberId, topic: Topic, at: Timestamp, matters: Vec<Matter>) -> Outgoing {
    Outgoing::News(News { account: account.clone(), to, topic, at, matters })
}
