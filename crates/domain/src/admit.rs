//! Whether a token is good: the one place that says so, for every door.
//!
//! [`admit`] looks at facts, an ask and the time, and at nothing else. It never waits, and it
//! remembers nothing: facts may be cached, verdicts are not, so expiry is exact.

use std::net::IpAddr;

use token::{Kind, TokenId};

use crate::conditions::Conditions;
use crate::facts::{Account, Holder};
use crate::grant::{self, Grant};
use crate::ids::AccountId;
use crate::life::{self, Life, State, Surroundings};
use crate::node::NodePath;
use crate::permission::{PermissionSet, Registry, Requirement};
use crate::time::{Moment, Timestamp};

/// What a service wants to know of a token, besides whether it is good at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ask<'a> {
    pub requirement: Option<&'a Requirement>,
    /// Where the token is to be used; its own node when absent.
    pub node: Option<&'a NodePath>,
    /// The account that the token must belong to.
    pub account: Option<&'a AccountId>,
    /// Where the token was shown from.
    pub address: Option<IpAddr>,
    /// The token's limits leave no room for this ask. Counting is a write, which nothing here does:
    /// whoever counts finds it out and says so. Nobody counts yet, so the API refuses `limits` and
    /// `cost`, and this stays false.
    pub spent: bool,
    /// The accounts that the asker may know of; a token of another one does not exist for it.
    pub horizon: Option<&'a [AccountId]>,
}

/// All that is known of a token when it is used.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    pub token: Subject<'a>,
    pub holder: &'a Holder,
    pub account: &'a Account,
    pub registry: &'a Registry,
}

/// A token as a verdict needs it: less than the whole row, so that millions stay in memory.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub id: TokenId,
    /// Of the row, for changes that rest on it.
    pub version: i64,
    pub name: &'a str,
    pub metadata: Option<&'a str>,
    pub life: Life,
    pub conditions: &'a Conditions,
    pub grant: &'a Grant,
    pub desk: bool,
    pub node: &'a NodePath,
}

impl<'a> Facts<'a> {
    pub fn state(&self, now: Timestamp) -> State {
        life::state(&self.token.life, &self.surroundings(), now)
    }

    pub fn surroundings(&self) -> Surroundings<'a> {
        Surroundings::of(self.account, self.holder, self.token.id.kind)
    }

    /// When the token's text ends by time alone; none if nothing will end it.
    pub fn good_until(&self) -> Option<Timestamp> {
        let life = life::good_until(&self.token.life, &self.surroundings());
        life.into_iter().chain(self.token.conditions.until).min()
    }

    /// When the token expires, as whoever asks about its text is told.
    pub fn expires_at(&self) -> Option<Timestamp> {
        let life = self.token.life.ends_at(self.surroundings().longest);
        life.into_iter().chain(self.token.conditions.until).min()
    }

    /// What the token may do at a node now, whatever its state.
    pub fn rights(&self, at: &NodePath) -> PermissionSet {
        let token = &self.token;
        grant::of_token(token.grant, token.desk, token.node, self.holder, self.account, at)
    }
}

/// Why, in one word. [`Code::Valid`] alone means yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    Valid,
    /// Not of a token's form, or mistyped: found by its checksum, without a look-up.
    Malformed,
    NotFound,
    Expired,
    NotYetValid,
    Revoked,
    Suspended,
    Pending,
    InsufficientPermission,
    /// The ask's node is not below the token's.
    OutOfScope,
    WrongAccount,
    /// The token is tied to addresses, and the ask names none of them.
    AddressNotAllowed,
    RateLimited,
}

impl Code {
    pub const ALL: [Self; 13] = [
        Self::Valid,
        Self::Malformed,
        Self::NotFound,
        Self::Expired,
        Self::NotYetValid,
        Self::Revoked,
        Self::Suspended,
        Self::Pending,
        Self::InsufficientPermission,
        Self::OutOfScope,
        Self::WrongAccount,
        Self::AddressNotAllowed,
        Self::RateLimited,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Malformed => "malformed",
            Self::NotFound => "not_found",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Revoked => "revoked",
            Self::Suspended => "suspended",
            Self::Pending => "pending",
            Self::InsufficientPermission => "insufficient_permission",
            Self::OutOfScope => "out_of_scope",
            Self::WrongAccount => "wrong_account",
            Self::AddressNotAllowed => "address_not_allowed",
            Self::RateLimited => "rate_limited",
        }
    }
}

/// The answer to an ask.
#[derive(Clone, Copy, Debug)]
pub struct Verdict<'a> {
    pub code: Code,
    /// What the verdict rests on; none where the asker may learn nothing of the token.
    pub facts: Option<Facts<'a>>,
    /// What the token may do at the ask's node; empty unless it is good.
    pub rights: PermissionSet,
    /// How long the verdict may be trusted, in milliseconds: the policy's `cache_ms`, but never
    /// beyond the token's next change of state. 0 unless valid.
    pub cacheable_for_ms: u64,
}

impl Verdict<'_> {
    /// A verdict about text that leads to no facts.
    pub fn unknown(code: Code) -> Self {
        Self { code, facts: None, rights: PermissionSet::EMPTY, cacheable_for_ms: 0 }
    }

    pub fn is_valid(&self) -> bool {
        self.code == Code::Valid
    }
}

/// Decides. The first objection counts: who may know; the token's state, and its beginning; where it
/// was shown from; where it is to be used; what it may do there; its limits.
///
/// The address comes before place and permission, so that somebody with a stolen token elsewhere
/// learns nothing of what it opens. The limits come last, so that an ask which is refused anyway
/// spends nothing.
///
/// What ends is judged by the latest time that it can be, what begins by the earliest.
pub fn admit<'a>(facts: Facts<'a>, ask: &Ask<'_>, moment: Moment) -> Verdict<'a> {
    let now = moment.latest;
    let within = |horizon: &[AccountId]| horizon.contains(&facts.account.id);
    if facts.token.id.kind == Kind::Rft || !ask.horizon.is_none_or(within) {
        return Verdict::unknown(Code::NotFound);
    }
    if ask.account.is_some_and(|account| *account != facts.account.id) {
        return Verdict::unknown(Code::WrongAccount);
    }
    let no = |code| Verdict { facts: Some(facts), ..Verdict::unknown(code) };
    match facts.state(now) {
        State::Deleted | State::Leaked | State::Revoked | State::Rotated => return no(Code::Revoked),
        State::Suspended => return no(Code::Suspended),
        State::Expired => return no(Code::Expired),
        State::Pending => return no(Code::Pending),
        _ if facts.token.conditions.are_over(now) => return no(Code::Expired),
        State::Grace | State::Expiring | State::Active => {}
    }
    if facts.token.life.not_before.is_some_and(|start| moment.earliest < start) {
        return no(Code::NotYetValid);
    }
    if !facts.token.conditions.allow_address(ask.address) {
        return no(Code::AddressNotAllowed);
    }
    let node = ask.node.unwrap_or(facts.token.node);
    if !facts.token.node.covers(node) {
        return no(Code::OutOfScope);
    }
    let rights = facts.rights(node);
    if !ask.requirement.is_none_or(|needed| needed.met_by(rights, facts.registry)) {
        return no(Code::InsufficientPermission);
    }
    if ask.spent {
        return no(Code::RateLimited);
    }
    Verdict { code: Code::Valid, facts: Some(facts), rights, cacheable_for_ms: cacheable(&facts, now) }
}

fn cacheable(facts: &Facts<'_>, now: Timestamp) -> u64 {
    let policy = facts.account.policy.cache_ms;
    match facts.good_until() {
        Some(end) => policy.min(u64::try_from(now.micros_until(end) / 1000).unwrap_or(0)),
        None => policy,
    }
}
