//! Use cases: what happens when somebody asks for something.
//!
//! Each reads the same way: find out who calls, load the rows, let `domain` decide, commit the
//! change. The store tells the verifier of every commit before anyone is answered, so a use
//! case never has to. One file a family; no HTTP and no SQL.

pub mod accounts;
mod answers;
mod auth;
mod cursors;
mod error;
pub mod founding;
pub mod members;
mod passwords;
pub mod services;
pub mod sessions;
pub mod tokens;
pub mod verify;
mod workers;

use std::sync::Arc;

use domain::change::Change;
use domain::permission::Registry;
use domain::time::Timestamp;
use domain::who::Caller;
use store::{CommitError, Store};
use token::{Brand, Entropy, Kind, Parser, TokenText};
use verifier::Verifier;

pub use answers::Replay;
pub use auth::{Visitor, scope};
pub use cursors::Page;
pub use error::Error;
pub use passwords::{Password, PasswordHash};
pub use workers::Workers;

/// How often a decision is taken again when its rows have moved on. Callers that lose as often
/// as this hear `conflict`.
const ATTEMPTS: usize = 16;

/// The desk: where everything but a verification is asked for. Cheap to share.
pub struct Desk {
    store: Store,
    verifier: Arc<Verifier>,
    entropy: Arc<dyn Entropy>,
    passwords: passwords::Passwords,
    cursors: cursors::Cursors,
    answers: answers::Answers,
    parser: Parser,
}

impl Desk {
    /// `foreign`: texts that jeton did not make may be looked up.
    pub fn new(store: Store, verifier: Arc<Verifier>, entropy: Arc<dyn Entropy>, foreign: bool) -> Arc<Self> {
        Arc::new(Self {
            passwords: passwords::Passwords::new(entropy.clone()),
            cursors: cursors::Cursors::new(store.keys()),
            answers: answers::Answers::new(store.keys(), entropy.clone()),
            parser: Parser::new([Brand::default()], foreign),
            store,
            verifier,
            entropy,
        })
    }

    pub fn now(&self) -> Timestamp {
        self.store.now()
    }

    pub fn registry(&self) -> Arc<Registry> {
        self.verifier.registry()
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    pub fn entropy(&self) -> &Arc<dyn Entropy> {
        &self.entropy
    }

    fn draw(&self, brand: &str, kind: Kind) -> Result<Arc<TokenText>, Error> {
        // A policy's brand was checked when it was set.
        let brand: Brand = brand.parse().map_err(|_| Error::Undetermined)?;
        Ok(Arc::new(TokenText::issue(brand, kind, &*self.entropy)))
    }

    /// Carries out what a caller decided, and returns the number of a token that it made. Takes the decision again, on fresh rows, while
    /// others are faster.
    async fn settle<T>(
        &self,
        caller: Caller,
        mut decide: impl AsyncFnMut(&Caller) -> Result<(T, Change), Error>,
    ) -> Result<(T, Option<i64>), Error> {
        let mut caller = caller;
        for _ in 0..ATTEMPTS {
            let (outcome, change) = decide(&caller).await?;
            if change.writes.is_empty() && change.entries.is_empty() {
                return Ok((outcome, None));
            }
            match self.store.commit(caller.stands_behind(change)).await {
                Ok(committed) => return Ok((outcome, committed.number)),
                Err(CommitError::Conflict) => caller = self.again(caller).await?,
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Conflict)
    }

    /// The same for decisions that no member makes.
    async fn settle_alone<T>(
        &self,
        mut decide: impl AsyncFnMut() -> Result<(T, Change), Error>,
    ) -> Result<(T, Option<i64>), Error> {
        for _ in 0..ATTEMPTS {
            let (outcome, change) = decide().await?;
            match self.store.commit(change).await {
                Ok(committed) => return Ok((outcome, committed.number)),
                Err(CommitError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Conflict)
    }
}
