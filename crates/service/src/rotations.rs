//! Which rotations were answered when, so that a revocation can tell those that nobody had heard of
//! when it was asked for. A rotation is decided, written and answered at three different times, and
//! whoever revokes must not be outrun by whoever holds the secret, between any two of them.
//!
//! Kept in memory for as long as a request may last. A rotation that is not here was answered long
//! ago, or another peer decided it: then no more is known than when that was, by that peer's clock,
//! and before it nobody can have heard.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use domain::time::Timestamp;
use token::TokenId;

/// How long a rotation is remembered, in microseconds: longer than any request is under way.
const KEPT: i64 = 120 * 1_000_000;

#[derive(Default)]
pub(crate) struct Rotations {
    /// By the new token's id: when its rotation began, and when it was answered.
    seen: Mutex<HashMap<TokenId, (Timestamp, Option<Timestamp>)>>,
}

impl Rotations {
    /// Before the rotation that makes `new` is written.
    pub(crate) fn begin(&self, new: TokenId, now: Timestamp) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|_, (begun, _)| begun.micros_until(now) < KEPT);
        seen.insert(new, (now, None));
    }

    /// Once its answer is ready.
    pub(crate) fn answered(&self, new: TokenId, now: Timestamp) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, answered)) = seen.get_mut(&new) {
            *answered = Some(now);
        }
    }

    /// Whether somebody who spoke at `then` can have heard of the rotation that made `new` at
    /// `created_at`.
    pub(crate) fn heard(&self, new: TokenId, created_at: Timestamp, then: Timestamp) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.get(&new) {
            Some((_, answered)) => answered.is_some_and(|answered| answered < then),
            None => created_at < then,
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::time::Timestamp;
    use token::{Kind, TokenId};

    use super::{KEPT, Rotations};

    #[test]
    fn a_rotation_is_heard_of_once_it_was_answered() {
        let rotations = Rotations::default();
        let id: TokenId = "pat_0123456789ab".parse().unwrap();
        assert_eq!(id.kind, Kind::Pat);
        let at = Timestamp::from_micros;
        rotations.begin(id, at(10));
        assert!(!rotations.heard(id, at(10), at(20)), "under way");
        rotations.answered(id, at(30));
        assert!(!rotations.heard(id, at(10), at(30)));
        assert!(rotations.heard(id, at(10), at(31)));
        let other: TokenId = "pat_0123456789ac".parse().unwrap();
        rotations.begin(other, at(10 + KEPT));
        assert!(rotations.heard(id, at(10), at(20)), "forgotten");
        assert_eq!(rotations.seen.lock().unwrap().len(), 1);
    }

    #[test]
    fn of_a_rotation_on_another_peer_nobody_has_heard_before_it_was_decided() {
        let rotations = Rotations::default();
        let id: TokenId = "pat_0123456789ab".parse().unwrap();
        let at = Timestamp::from_micros;
        assert!(!rotations.heard(id, at(10), at(9)));
        assert!(!rotations.heard(id, at(10), at(10)));
        assert!(rotations.heard(id, at(10), at(11)), "it may have been answered by then");
    }
}
