//! What becomes of an account's tokens when its policy changes.
//!
//! Nothing is written to a token for it: its state, its end and what it may do are derived from the
//! policy as well, so they change with it, at once. Here it is worked out beforehand, token by token,
//! for whoever is about to change the policy. Nothing is decided here.

use token::Kind;

use crate::facts::{Account, Holder, Standing};
use crate::grant::{self, Grant};
use crate::life::{Lens, Life, State};
use crate::node::NodePath;
use crate::policy::Policy;
use crate::time::Timestamp;

/// An account under the policy that it has, and under another one.
#[derive(Clone, Debug)]
pub struct Turn<'a> {
    was: &'a Account,
    is: Account,
    was_lens: Lens,
    is_lens: Lens,
}

/// How something moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shift {
    Same,
    /// An earlier end; or fewer rights, and none that it did not have.
    Less,
    /// A later end, or none; or more rights, and all that it had.
    More,
    /// Rights that it has not had, and not all that it had.
    Other,
}

/// What becomes of one token's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    pub was: State,
    pub is: State,
    pub end: Shift,
}

/// How many tokens change, and how. One stands in several of these, where several things happen to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    /// All that have not ended by hand.
    pub tokens: u64,
    /// Good until now, and expired by the change.
    pub expire: u64,
    /// Good until now, and suspended by the change.
    pub suspend: u64,
    /// Expired until now, and good by the change.
    pub revive: u64,
    /// Suspended until now, and good by the change.
    pub resume: u64,
    /// Good before and after, but for a shorter time.
    pub end_sooner: u64,
    pub end_later: u64,
    /// Good before and after, and said to be expiring by the change.
    pub soon: u64,
    /// Good after the change, and able to do less than before it.
    pub may_less: u64,
    pub may_more: u64,
    pub may_other: u64,
}

impl<'a> Turn<'a> {
    pub fn of(account: &'a Account, next: &Policy, now: Timestamp) -> Self {
        let is = Account { policy: next.clone(), ..account.clone() };
        Self { was: account, was_lens: Lens::of(account, now), is_lens: Lens::of(&is, now), is }
    }

    /// What becomes of a token with this life, whose holder is in this standing.
    pub fn fate(&self, kind: Kind, life: &Life, standing: &Standing) -> Fate {
        let (was, is) = (&self.was.policy.expiry.max, &self.is.policy.expiry.max);
        // The length of a login is a switch of its own.
        let end = if kind == Kind::Ses || was == is {
            Shift::Same
        } else {
            // What never ends does so after everything else.
            let end = |longest| life.ends_at(longest).map_or(i64::MAX, Timestamp::as_micros);
            match end(is.as_ref()).cmp(&end(was.as_ref())) {
                std::cmp::Ordering::Less => Shift::Less,
                std::cmp::Ordering::Equal => Shift::Same,
                std::cmp::Ordering::Greater => Shift::More,
            }
        };
        Fate {
            was: self.was_lens.state(kind, life, standing),
            is: self.is_lens.state(kind, life, standing),
            end,
        }
    }

    /// Whether any token may come to do something else by this change.
    pub fn touches_rights(&self) -> bool {
        let (was, is) = (&self.was.policy, &self.is.policy);
        was.permission.ceiling != is.permission.ceiling || was.reach != is.reach
    }

    /// What becomes of the rights of a token: at its node, and wherever below it they can differ.
    pub fn rights(&self, grant: &Grant, desk: bool, node: &NodePath, holder: &Holder) -> Shift {
        if !self.touches_rights() {
            return Shift::Same;
        }
        let (mut less, mut more) = (false, false);
        for at in grant::places(holder, node) {
            let was = grant::of_token(grant, desk, node, holder, self.was, at);
            let is = grant::of_token(grant, desk, node, holder, &self.is, at);
            less |= !is.contains(was);
            more |= !was.contains(is);
        }
        match (less, more) {
            (false, false) => Shift::Same,
            (true, false) => Shift::Less,
            (false, true) => Shift::More,
            (true, true) => Shift::Other,
        }
    }
}

impl Outlook {
    /// Counts a token. `rights` is asked only where it matters.
    pub fn add(&mut self, fate: Fate, rights: impl FnOnce() -> Shift) {
        if matches!(fate.was, State::Deleted | State::Leaked | State::Revoked) {
            return;
        }
        self.tokens += 1;
        match (fate.was.is_good(), fate.is.is_good()) {
            (true, false) if fate.is == State::Expired => self.expire += 1,
            (true, false) => self.suspend += 1,
            (false, true) if fate.was == State::Expired => self.revive += 1,
            (false, true) => self.resume += 1,
            (true, true) => {
                match fate.end {
                    Shift::Less => self.end_sooner += 1,
                    Shift::More => self.end_later += 1,
                    Shift::Same | Shift::Other => {}
                }
                self.soon += u64::from(fate.was == State::Active && fate.is == State::Expiring);
            }
            (false, false) => {}
        }
        if fate.is.is_good() {
            match rights() {
                Shift::Same => {}
                Shift::Less => self.may_less += 1,
                Shift::More => self.may_more += 1,
                Shift::Other => self.may_other += 1,
            }
        }
    }

    /// Whether no token changes at all.
    pub fn is_calm(&self) -> bool {
        *self == Outlook { tokens: self.tokens, ..Outlook::default() }
    }

    /// Whether something that works stops working.
    pub fn stops_some(&self) -> bool {
        self.expire + self.suspend > 0
    }
}
