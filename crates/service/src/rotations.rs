//! Which rotations were answered when, so that a revocation can tell those that nobody had heard of
//! when it was asked for. A rotation is decided, written and answered at three different times, and
//! whoever revokes must not be outrun by whoever holds the secret, between any two of them.
//!
//! One process remembers it, for as long as a request may last. Peers tell each other: before a
//! secret leaves for the first time, a note of it is written, if nobody has ended the old token by
//! then. Whoever ends the old token replaces its row, so one of the two comes first: either the
//! note finds the token ended and no secret leaves, or the revocation comes after. If that saw no
//! note when it first looked, it ends the new token as well.
//!
//! What is left: the note is written a moment before the answer leaves, and a revocation is asked
//! for a moment before it first looks; and the clocks of two peers differ a little.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use domain::change::{Remembered, Write};
use domain::facts::Token;
use domain::ids::AccountId;
use domain::lifecycle;
use domain::refusal::Refusal;
use domain::time::{Moment, Timestamp};
use sha2::{Digest, Sha256};
use store::CommitError;
use token::TokenId;

use crate::{ATTEMPTS, Desk, Error, answers};

/// How long a rotation is remembered, in microseconds: longer than any request is under way.
const KEPT: i64 = 120 * 1_000_000;

/// How long the note of a handing out is kept, in µs: for longer than the answer is, which could
/// otherwise be taken for one that nobody was given.
const NOTED: i64 = 2 * answers::KEPT;

/// What those who asked at some time for the end of a token can have heard of its rotations.
pub(crate) struct Hearing {
    asked_at: Timestamp,
    /// Of which they had heard, as it stood when it was first looked for: one that was not there
    /// then was not answered when they asked, whatever the clocks say.
    first: Option<Option<TokenId>>,
}

impl Hearing {
    pub(crate) fn at(asked_at: Timestamp) -> Self {
        Self { asked_at, first: None }
    }
}

impl Desk {
    /// Before the secret of `new`, by which `old` was replaced, leaves for the first time.
    ///
    /// # Errors
    /// Refused where somebody has ended the old token meanwhile, and with it the new one.
    pub(crate) async fn hand_out(
        &self,
        account: &AccountId,
        old: TokenId,
        new: TokenId,
    ) -> Result<(), Error> {
        if self.store.has_peers() {
            self.note(account, old, new).await?;
        }
        self.rotations.answered(new, self.now());
        Ok(())
    }

    async fn note(&self, account: &AccountId, old: TokenId, new: TokenId) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let found = self.store.token(account, old).await?;
            let (old, _) = found.ok_or_else(|| Refusal::not_found("token"))?;
            // The earliest that it can be, held against the latest at which somebody can have asked:
            // whoever was answered and then ends the old token never loses the new one.
            let Moment { latest, earliest } = self.moment();
            let note = Remembered {
                key: note_of(account, new),
                request: [0; 32],
                sealed: earliest.as_micros().to_be_bytes().into(),
                until: latest.plus_micros(NOTED),
            };
            let refused = match lifecycle::hand_out(&old) {
                Ok(change) => match self.store.commit(change.write(Write::Remember(note))).await {
                    Ok(_) => return Ok(()),
                    Err(CommitError::Conflict) => None,
                    Err(error) => return Err(error.into()),
                },
                Err(refusal) => Some(refusal),
            };
            // What was handed out before may be handed out again, whatever became of the old one.
            if self.noted(account, new).await?.is_some() {
                return Ok(());
            }
            if let Some(refusal) = refused {
                return Err(refusal.into());
            }
        }
        Err(Error::Conflict)
    }

    /// When a peer was about to hand out the secret of `new`, if one was lately.
    async fn noted(&self, account: &AccountId, new: TokenId) -> Result<Option<Timestamp>, Error> {
        let Some(note) = self.store.remembered(&note_of(account, new)).await? else { return Ok(None) };
        let at = note.sealed.try_into().map_err(|_| Error::Undetermined)?;
        Ok(Some(Timestamp::from_micros(i64::from_be_bytes(at))))
    }

    /// The newer tokens that end with this one, though a rotation stands between them: of which
    /// those who asked cannot have heard.
    pub(crate) async fn unheard(&self, token: &Token, hearing: &mut Hearing) -> Result<Vec<Token>, Error> {
        let mut unheard = Vec::new();
        let mut next = token.life.rotated_to;
        let mut heard = None;
        while let Some(id) = next {
            let Some((newer, _)) = self.store.token(&token.account, id).await? else { break };
            let known = match hearing.first {
                Some(first) => first == Some(id),
                None => self.heard(&newer, hearing.asked_at).await?,
            };
            if known {
                heard = Some(id);
                break;
            }
            next = newer.life.rotated_to;
            unheard.push(newer);
        }
        hearing.first.get_or_insert(heard);
        Ok(unheard)
    }

    /// Whether somebody who spoke at `then` can have heard of the rotation that made `new`.
    async fn heard(&self, new: &Token, then: Timestamp) -> Result<bool, Error> {
        if let Some(heard) = self.rotations.heard(new.id, then) {
            return Ok(heard);
        }
        let born = new.life.created_at;
        if !self.store.has_peers() {
            return Ok(born < then);
        }
        // Without a note nobody was given the secret, or it was so long ago that the note is gone.
        let noted = self.noted(&new.account, new.id).await?;
        Ok(noted.map_or(born.plus_micros(answers::KEPT) < then, |at| at < then))
    }
}

/// Where the note of a handing out is kept.
fn note_of(account: &AccountId, new: TokenId) -> [u8; 32] {
    Sha256::digest(format!("handed out {account} {new}")).into()
}

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

    /// Once its answer is ready, for the first time.
    fn answered(&self, new: TokenId, now: Timestamp) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, answered)) = seen.get_mut(&new) {
            answered.get_or_insert(now);
        }
    }

    /// Whether somebody who spoke at `then` can have heard of the rotation that made `new`. None:
    /// it was answered long ago, or another peer decided it.
    fn heard(&self, new: TokenId, then: Timestamp) -> Option<bool> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(&new).map(|(_, answered)| answered.is_some_and(|answered| answered < then))
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
        assert_eq!(rotations.heard(id, at(20)), Some(false), "under way");
        rotations.answered(id, at(30));
        rotations.answered(id, at(40));
        assert_eq!(rotations.heard(id, at(30)), Some(false));
        assert_eq!(rotations.heard(id, at(31)), Some(true), "the second time does not count");
        let other: TokenId = "pat_0123456789ac".parse().unwrap();
        rotations.begin(other, at(10 + KEPT));
        assert_eq!(rotations.heard(id, at(20)), None, "forgotten");
        assert_eq!(rotations.seen.lock().unwrap().len(), 1);
    }
}
