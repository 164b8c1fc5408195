//! The outbox, as whoever fills and empties it reads it. What is written to it comes with a change.

use domain::ids::{AccountId, LetterId};
use domain::mail::{Letter, Matter, Notice};
use domain::notices::Told;
use domain::time::Timestamp;
use token::TokenId;

use crate::Store;
use crate::contract::Unavailable;
use crate::sql::mail;

impl Store {
    /// Letters that somebody may begin to send at `now`, those that wait longest first, at most `limit`.
    pub async fn letters_due(&self, now: Timestamp, limit: usize) -> Result<Vec<Letter>, Unavailable> {
        self.read(mail::due(now, limit)).await
    }

    /// Letters that somebody has begun to send, and has not said how it went.
    pub async fn letters_begun(&self) -> Result<Vec<Letter>, Unavailable> {
        self.read(mail::begun()).await
    }

    pub async fn letter(&self, id: LetterId) -> Result<Option<Letter>, Unavailable> {
        Ok(self.read(mail::letter(id)).await?.pop())
    }

    /// The notices that a letter gives, the nearest end first.
    pub async fn notices_of(&self, letter: LetterId) -> Result<Vec<Notice>, Unavailable> {
        self.read(mail::notices(letter)).await
    }

    /// What a letter tells that happened, the last first. None before it is begun.
    pub async fn matters_of(&self, letter: LetterId) -> Result<Vec<Matter>, Unavailable> {
        self.read(mail::matters(letter)).await
    }

    /// What was told of the ends of these tokens of an account, and to whom.
    pub async fn told(&self, account: &AccountId, tokens: &[TokenId]) -> Result<Told, Unavailable> {
        self.read(mail::told(account, tokens, self.dialect())).await
    }
}
