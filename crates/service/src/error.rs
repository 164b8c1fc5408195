//! Why a use case could not be served: one variant for each different answer.

use domain::refusal::Refusal;
use store::{CommitError, Unavailable};
use verifier::Undetermined;

use crate::second_factor::Ticket;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody that we know, whatever the cause.
    #[error("the caller is not known")]
    Unauthenticated,
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Others were faster, time and again.
    #[error("others changed the same thing at the same time")]
    Conflict,
    /// The Idempotency-Key belongs to another request.
    #[error("the idempotency key was used with another request")]
    IdempotencyMismatch,
    /// The password was right, and a one-time code is needed besides. With the ticket it can be given
    /// without the password.
    #[error("a one-time code is needed")]
    CodeNeeded(Ticket),
    /// Somebody guessed wrongly too often; not before this long is the next guess looked at.
    #[error("too many wrong guesses")]
    Slowed(std::time::Duration),
    /// More password checks are waiting than can be made soon.
    #[error("too many attempts at once")]
    Busy,
    /// No room to keep more; what takes authority away still works.
    #[error("the disk is full")]
    Full,
    /// Facts could not be had, or it is not known whether the change was made.
    #[error("the facts could not be had")]
    Undetermined,
}

impl From<CommitError> for Error {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict => Self::Conflict,
            CommitError::Refused(refusal) => Self::Refused(refusal),
            CommitError::Full => Self::Full,
            CommitError::Unavailable(cause) => {
                tracing::error!(%cause, "a change could not be committed: {cause}");
                Self::Undetermined
            }
        }
    }
}

impl From<Unavailable> for Error {
    fn from(cause: Unavailable) -> Self {
        tracing::error!(%cause, "rows could not be read: {cause}");
        Self::Undetermined
    }
}

impl From<Undetermined> for Error {
    fn from(_: Undetermined) -> Self {
        Self::Undetermined
    }
}
