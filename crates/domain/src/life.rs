//! What happened to a token, and the state that follows from it at a moment.
//!
//! No state is stored anywhere: rows keep what happened and when, and [`state`] says what that
//! means now. So nothing has to run for a token to expire.

use std::fmt;

use token::Kind;

use crate::facts::{Account, Holder, Standing};
use crate::policy::OnInactive;
use crate::time::{DAY, Period, Timestamp};

pub use crate::facts::Life;

impl Life {
    /// When life ends, under a policy that lets none be longer than `longest`.
    pub fn ends_at(&self, longest: Option<&Period>) -> Option<Timestamp> {
        let bound = longest.map(|longest| self.created_at.plus(longest));
        self.expires_at.into_iter().chain(bound).min()
    }

    fn is_revoked(&self, standing: &Standing) -> bool {
        let approved = self.approved_at.unwrap_or(self.created_at);
        self.revoked_at.is_some() || standing.revoked_before.is_some_and(|before| before >= approved)
    }

    fn is_pending(&self, standing: &Standing) -> bool {
        match (self.approved_at, standing.approve_after) {
            (None, _) => true,
            (Some(approved), Some(after)) => approved < after,
            (Some(_), None) => false,
        }
    }
}

impl Standing {
    /// `now`, or just past whatever stops this holder's tokens where that is not earlier: when a token
    /// is approved that these stops do not mean. They may have been decided on a peer whose clock is
    /// ahead of this one's.
    pub fn clear_of_stops(&self, now: Timestamp) -> Timestamp {
        let stops = [self.revoked_before, self.approve_after];
        stops.into_iter().flatten().map(Timestamp::next).fold(now, Timestamp::max)
    }
}

/// The state that people see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    Deleted,
    Leaked,
    Revoked,
    Suspended,
    Expired,
    Pending,
    Rotated,
    Grace,
    Expiring,
    Active,
}

impl State {
    pub const ALL: [Self; 10] = [
        Self::Deleted,
        Self::Leaked,
        Self::Revoked,
        Self::Suspended,
        Self::Expired,
        Self::Pending,
        Self::Rotated,
        Self::Grace,
        Self::Expiring,
        Self::Active,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Leaked => "leaked",
            Self::Revoked => "revoked",
            Self::Suspended => "suspended",
            Self::Expired => "expired",
            Self::Pending => "pending",
            Self::Rotated => "rotated",
            Self::Grace => "grace",
            Self::Expiring => "expiring",
            Self::Active => "active",
        }
    }

    /// Whether a token in this state opens anything.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Active | Self::Expiring | Self::Grace)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What an account and a holder say about the lives of their tokens.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    pub standing: Standing,
    /// The account is closed, or the holder is deactivated and the policy suspends.
    pub suspended: bool,
    /// `expiry.max`: at use, life ends at `created_at` + this.
    pub longest: Option<&'a Period>,
    /// The first notice, in days before the end.
    pub first_notice: Option<i64>,
}

impl<'a> Surroundings<'a> {
    pub fn of(account: &'a Account, holder: &Holder, kind: Kind) -> Self {
        // A login is the person at work: it stops with the member, and the length of a login
        // is a switch of its own, so neither `on_inactive = keep` nor `expiry.max` touch it.
        let login = kind == Kind::Ses;
        let suspends = login || account.policy.on_inactive == OnInactive::Suspend;
        Self {
            standing: holder.standing,
            suspended: account.inactive_since.is_some()
                || (suspends && holder.standing.inactive_since.is_some())
                || (login && holder.standing.removed_at.is_some()),
            longest: if login { None } else { account.policy.expiry.max.as_ref() },
            first_notice: account.policy.first_notice(),
        }
    }
}

/// The state of a token at a moment: the first that applies, in the order of [`State::ALL`].
pub fn state(life: &Life, around: &Surroundings<'_>, now: Timestamp) -> State {
    let ends_at = life.ends_at(around.longest);
    let notice = around.first_notice.map(|days| now.plus_micros(days * DAY));
    if life.deleted_at.is_some() || around.standing.tokens_deleted_at.is_some() {
        State::Deleted
    } else if life.leaked_at.is_some() {
        State::Leaked
    } else if life.is_revoked(&around.standing) {
        State::Revoked
    } else if around.suspended {
        State::Suspended
    } else if ends_at.is_some_and(|end| now >= end) {
        State::Expired
    } else if life.is_pending(&around.standing) {
        State::Pending
    } else if life.rotated_to.is_some() {
        if life.grace_until.is_some_and(|until| now < until) { State::Grace } else { State::Rotated }
    } else if ends_at.zip(notice).is_some_and(|(end, notice)| end <= notice) {
        State::Expiring
    } else {
        State::Active
    }
}

/// The next moment at which time alone makes a good token bad, none if nothing will.
pub fn good_until(life: &Life, around: &Surroundings<'_>) -> Option<Timestamp> {
    let grace = life.rotated_to.and(life.grace_until);
    life.ends_at(around.longest).into_iter().chain(grace).min()
}

/// The instants by which a store can tell states apart with plain comparisons, for lists and
/// counts: the same rules as [`state`], calendar arithmetic done beforehand. The conformance
/// suite holds the two to one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lens {
    pub now: Timestamp,
    /// The account is closed.
    pub closed: bool,
    /// Deactivated holders suspend their tokens.
    pub suspends: bool,
    /// Tokens created at this moment or before have outlived `expiry.max`; after
    /// `outlived_all` only those that were created no later in their day (UTC) than this is in
    /// its own. Clamped days make it so: a month from 29 January at noon ends after a month from
    /// 30 January at dawn.
    pub outlived: Option<Timestamp>,
    /// Tokens created at this moment or before have outlived `expiry.max`, all of them.
    pub outlived_all: Option<Timestamp>,
    /// Tokens that expire at this moment or before are within the first notice.
    pub soon: Option<Timestamp>,
    /// Tokens created at this moment or before are within the first notice of `expiry.max`, in
    /// the same sense as `outlived`.
    pub soon_outlived: Option<Timestamp>,
    pub soon_outlived_all: Option<Timestamp>,
}

impl Lens {
    pub fn of(account: &Account, now: Timestamp) -> Self {
        let soon = account.policy.first_notice().map(|days| now.plus_micros(days * DAY));
        Self::until(account, now, soon)
    }

    /// The same, where what ends by `soon` is expiring, whatever notice the policy gives.
    pub fn until(account: &Account, now: Timestamp, soon: Option<Timestamp>) -> Self {
        let policy = &account.policy;
        let longest = policy.expiry.max.as_ref();
        let (outlived_all, outlived) = longest.map(|longest| latest_starts(now, longest)).unzip();
        let (soon_outlived_all, soon_outlived) =
            soon.zip(longest).map(|(soon, longest)| latest_starts(soon, longest)).unzip();
        Self {
            now,
            closed: account.inactive_since.is_some(),
            suspends: policy.on_inactive == OnInactive::Suspend,
            outlived,
            outlived_all,
            soon,
            soon_outlived,
            soon_outlived_all,
        }
    }
}

impl Lens {
    /// What [`state`] says of a token of the account that this lens was made for, by comparisons alone.
    pub fn state(&self, kind: Kind, life: &Life, standing: &Standing) -> State {
        let login = kind == Kind::Ses;
        let suspended = self.closed
            || (standing.inactive_since.is_some() && (self.suspends || login))
            || (standing.removed_at.is_some() && login);
        if life.deleted_at.is_some() || standing.tokens_deleted_at.is_some() {
            State::Deleted
        } else if life.leaked_at.is_some() {
            State::Leaked
        } else if life.is_revoked(standing) {
            State::Revoked
        } else if suspended {
            State::Suspended
        } else {
            match self.by_time(kind, life.created_at, life.expires_at) {
                State::Expired => State::Expired,
                _ if life.is_pending(standing) => State::Pending,
                _ if life.rotated_to.is_some() => match life.grace_until {
                    Some(until) if self.now < until => State::Grace,
                    _ => State::Rotated,
                },
                seen => seen,
            }
        }
    }

    /// The same of a token to which nothing happened but time, and whose holder is in good standing.
    pub fn by_time(&self, kind: Kind, created_at: Timestamp, expires_at: Option<Timestamp>) -> State {
        let login = kind == Kind::Ses;
        let outlived = |some: Option<Timestamp>, all: Option<Timestamp>| {
            let in_its_day = |at: Timestamp| at.as_micros().rem_euclid(DAY);
            all.is_some_and(|all| created_at <= all)
                || some.is_some_and(|some| created_at <= some && in_its_day(created_at) <= in_its_day(some))
        };
        if self.closed {
            State::Suspended
        } else if expires_at.is_some_and(|end| end <= self.now)
            || (!login && outlived(self.outlived, self.outlived_all))
        {
            State::Expired
        } else if self.soon.is_some_and(|soon| expires_at.is_some_and(|end| end <= soon))
            || (!login && outlived(self.soon_outlived, self.soon_outlived_all))
        {
            State::Expiring
        } else {
            State::Active
        }
    }
}

/// The last moment up to which `length` has passed at `end` from every start, and the last from
/// which it has. They differ by up to three days, each as far into its day, where the end of
/// `length` falls on the last day of a month shorter than the one it began in. Searched for,
/// because clamped days make subtraction inexact.
fn latest_starts(end: Timestamp, length: &Period) -> (Timestamp, Timestamp) {
    let passed_from = |start: Timestamp| start.plus(length) <= end;
    // What was clamped stands at most three days after the day it was clamped to.
    let passed_from_all_before = |start: Timestamp| {
        let midnight = start.plus_micros(-start.as_micros().rem_euclid(DAY));
        (0..3).all(|days| passed_from(midnight.plus_micros(-days * DAY - 1)))
    };
    let guess = end.minus(length);
    let (mut passed, mut open) = (guess.plus_micros(-5 * DAY), guess.plus_micros(5 * DAY));
    while open.as_micros() - passed.as_micros() > 1 {
        let middle = passed.plus_micros((open.as_micros() - passed.as_micros()) / 2);
        if passed_from(middle) && passed_from_all_before(middle) { passed = middle } else { open = middle }
    }
    let later = (0..=3).map(|days| passed.plus_micros(days * DAY)).rfind(|start| passed_from(*start));
    (passed, later.unwrap_or(passed))
}
