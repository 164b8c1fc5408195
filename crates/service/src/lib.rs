//! Use cases: what happens when somebody asks for something.
//!
//! Each reads the same way: find out who calls, load the rows, let `domain` decide, commit the
//! change. The store tells the verifier of every commit before anyone is answered, so a use
//! case never has to. One file a family; no HTTP and no SQL.

pub mod accounts;
mod answers;
mod auth;
mod catalogue;
mod checkpoints;
pub mod cluster;
mod cursors;
mod erasure;
mod error;
mod foreign;
pub mod forgotten;
pub mod founding;
mod guesses;
pub mod import;
pub mod installations;
pub mod inventory;
pub mod journal;
pub mod leaks;
pub mod links;
pub mod mail;
pub mod members;
pub mod nodes;
pub mod notices;
mod over;
mod passwords;
mod proofs;
pub mod provision;
pub mod recovery;
mod refreshing;
mod rotations;
mod second_factor;
pub mod services;
pub mod sessions;
pub mod stakes;
pub mod tokens;
pub mod verify;
pub mod webhooks;
mod workers;

use std::sync::atomic::AtomicI64;
use std::sync::{Arc, OnceLock, Weak};

use domain::change::Change;
use domain::facts::Snapshot;
use domain::permission::Registry;
use domain::time::{Moment, Timestamp};
use domain::webhooks::target::Allowed;
use domain::who::Caller;
use store::{CommitError, Committed, Heard, Store, Unavailable};
use token::{Brand, Entropy, Kind, Parser, TokenText};
use tokio::sync::{Notify, Semaphore};
use verifier::{Undetermined, Verifier};

use catalogue::Catalogue;

pub use answers::Replay;
pub use auth::{Visitor, scope};
pub use checkpoints::Care;
pub use cursors::Page;
pub use error::Error;
pub use passwords::{Password, PasswordHash};
pub use proofs::{Enrolled, Proof, Renewing};
pub use second_factor::{Offer, OneTimeCode, Ticket};
pub use workers::Workers;

/// How often a decision is taken again when its rows have moved on. Callers that lose as often
/// as this hear `conflict`.
const ATTEMPTS: usize = 16;

/// The desk: where everything but a verification is asked for. Cheap to share.
pub struct Desk {
    store: Store,
    verifier: Arc<Verifier>,
    catalogue: Arc<Catalogue>,
    entropy: Arc<dyn Entropy>,
    passwords: passwords::Passwords,
    factors: second_factor::Factors,
    guesses: guesses::Guesses,
    reports: leaks::Reports,
    /// Of those who say that they forgot their password.
    forgetful: guesses::Guesses,
    cursors: cursors::Cursors,
    answers: answers::Answers,
    rotations: rotations::Rotations,
    places: journal::Places,
    parser: Parser,
    verdicts: meter::Tally,
    /// Turns for batches, which are much work each.
    batches: Semaphore,
    foreign: foreign::Foreign,
    /// Told when memory was emptied and has to be filled again.
    reload: Arc<Notify>,
    mails: bool,
    letters: meter::Tally,
    ways: mail::Ways,
    /// Told when facts have changed by which somebody may have to be told of an end.
    stirred: Arc<Notify>,
    /// Told when letters were kept.
    posted: Notify,
    /// What webhooks may call.
    allowed: Allowed,
    deliveries: (meter::Tally, AtomicI64),
    /// Told when something is to be brought to a webhook that no entry of the journal tells of.
    errands: Notify,
}

/// What a desk is made of.
pub struct Setup {
    pub entropy: Arc<dyn Entropy>,
    /// Bounds of the memory.
    pub verifier: verifier::Options,
    /// Texts that jeton did not make may be looked up.
    pub foreign_tokens: bool,
    /// Mails are sent from here; without it none are kept, and nobody is promised any.
    pub mails: bool,
    /// Networks that webhooks may call besides the public ones.
    pub webhooks: Allowed,
}

impl Desk {
    /// Opens the store and makes it and the verifier known to each other: the verifier reads
    /// what it misses, and the store tells it of every commit. `open` is given the listener.
    pub async fn open<E>(
        setup: Setup,
        open: impl AsyncFnOnce(store::Listener) -> Result<Store, E>,
    ) -> Result<Arc<Self>, E>
    where
        E: From<Unavailable>,
    {
        // The store holds the verifier weakly: the verifier holds the store to read from it.
        let hearing: Arc<OnceLock<Weak<Verifier>>> = Arc::default();
        let (reload, stirred) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let catalogue = Arc::new(Catalogue::new(setup.verifier.max_tokens));
        let listener: store::Listener = {
            let (hearing, reload, catalogue) = (hearing.clone(), reload.clone(), catalogue.clone());
            let stirred = stirred.clone();
            Arc::new(move |heard| match (hearing.get().and_then(Weak::upgrade), heard) {
                (Some(verifier), Heard::Rows(rows)) => {
                    catalogue.apply(&rows);
                    if workers::stirs(&rows) {
                        stirred.notify_one();
                    }
                    apply(&verifier, rows);
                }
                (Some(verifier), Heard::Lost) => {
                    catalogue.clear();
                    verifier.clear();
                    reload.notify_one();
                }
                // Nothing is remembered yet, so there is nothing to be wrong.
                (None, _) => {}
            })
        };
        let store = open(listener).await?;
        let registry = store.registry().await?;
        let reader = store.clone();
        let fetch: verifier::Fetch = Box::new(move |digests| {
            let reader = reader.clone();
            Box::pin(async move {
                reader.snapshot(&digests).await.map_err(|cause| {
                    tracing::error!(%cause, "facts could not be read: {cause}");
                    Undetermined
                })
            })
        });
        let verifier = Verifier::new(setup.verifier, (*registry).clone(), fetch);
        hearing.set(Arc::downgrade(&verifier)).expect("it is set nowhere else");
        let makes = if setup.foreign_tokens { store.makes().await? } else { Vec::new() };
        let foreign = foreign::Foreign::new(&makes, store.keys());
        let parser = Parser::new([Brand::default()], setup.foreign_tokens);
        let entropy = setup.entropy;
        Ok(Arc::new(Self {
            passwords: passwords::Passwords::new(entropy.clone()),
            factors: second_factor::Factors::new(store.keys()),
            guesses: guesses::Guesses::default(),
            reports: leaks::Reports::default(),
            forgetful: guesses::Guesses::default(),
            cursors: cursors::Cursors::new(store.keys()),
            answers: answers::Answers::new(store.keys(), entropy.clone()),
            rotations: rotations::Rotations::default(),
            places: journal::Places::default(),
            parser,
            foreign,
            verdicts: verify::counters(),
            batches: Semaphore::new(provision::AT_ONCE),
            reload,
            mails: setup.mails,
            letters: mail::counters(),
            ways: mail::Ways::new(store.keys()),
            stirred,
            posted: Notify::new(),
            allowed: setup.webhooks,
            deliveries: webhooks::counters(),
            errands: Notify::new(),
            store,
            verifier,
            catalogue,
            entropy,
        }))
    }

    pub fn now(&self) -> Timestamp {
        self.store.now()
    }

    /// The time for verdicts, as far as it is known.
    fn moment(&self) -> Moment {
        self.store.moment()
    }

    pub fn registry(&self) -> Arc<Registry> {
        self.verifier.registry()
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What memory holds and had to read.
    pub fn memory(&self) -> verifier::Figures {
        self.verifier.figures()
    }

    pub fn entropy(&self) -> &Arc<dyn Entropy> {
        &self.entropy
    }

    fn draw(&self, brand: &str, kind: Kind) -> Result<Arc<TokenText>, Error> {
        // A policy's brand was checked when it was set.
        let brand: Brand = brand.parse().map_err(|_| Error::Undetermined)?;
        Ok(Arc::new(TokenText::issue(brand, kind, &*self.entropy)))
    }

    /// Begins a caller's tries at a change that rests on rows which must be read first.
    fn tries(&self, caller: Caller) -> Tries<'_> {
        Tries { desk: self, caller, left: ATTEMPTS }
    }

    /// Carries out what a caller decides by its own rows alone.
    async fn settle<T>(
        &self,
        caller: Caller,
        decide: impl Fn(&Caller) -> Result<(T, Change), Error>,
    ) -> Result<T, Error> {
        let mut tries = self.tries(caller);
        loop {
            let (outcome, change) = decide(&tries.caller)?;
            if tries.commit(change).await?.is_some() {
                return Ok(outcome);
            }
        }
    }

    /// Commits a change that no member makes; false where its rows have moved on.
    async fn commit_alone(&self, change: Change) -> Result<bool, Error> {
        match self.commit_and_post(change).await {
            Ok(_) => Ok(true),
            Err(CommitError::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Commits, with the mails that follow where any are sent from here.
    async fn commit_and_post(&self, mut change: Change) -> Result<Committed, CommitError> {
        if !self.mails {
            change.outbox.clear();
        }
        let follows = !change.outbox.is_empty();
        let committed = self.store.commit(change).await?;
        if follows {
            self.posted.notify_one();
        }
        Ok(committed)
    }
}

/// Tells the verifier of rows, in parts of which each is taken in within a millisecond or so: verifications
/// wait for no more than one of them.
fn apply(verifier: &Verifier, mut rows: Snapshot) {
    const PART: usize = 2_000;
    let mut tokens = std::mem::take(&mut rows.tokens).into_iter();
    let position = rows.position;
    loop {
        rows.tokens = tokens.by_ref().take(PART).collect();
        let last = tokens.len() == 0;
        verifier.apply(std::mem::take(&mut rows));
        if last {
            return;
        }
        rows.position = position;
    }
}

/// A caller's tries at one change: read, decide, commit; and from the start where others were
/// faster, with the caller's own rows read again.
struct Tries<'a> {
    desk: &'a Desk,
    caller: Caller,
    left: usize,
}

/// A change that was carried out, or that had nothing to do.
struct Settled {
    /// Of the token that it made.
    number: Option<i64>,
    /// The change's last journal entry; none where there was nothing to do.
    position: Option<i64>,
}

impl Tries<'_> {
    /// None: the rows have moved on, so decide again, for [`Tries::caller`] as it is now.
    async fn commit(&mut self, change: Change) -> Result<Option<Settled>, Error> {
        if change.writes.is_empty() && change.entries.is_empty() && change.outbox.is_empty() {
            return Ok(Some(Settled { number: None, position: None }));
        }
        if change.recent {
            // Last of all, so that nobody shows who they are for something they may not do anyway.
            self.caller.needs_recent_login()?;
        }
        match self.desk.commit_and_post(self.caller.stands_behind(change)).await {
            Ok(Committed { position, number }) => Ok(Some(Settled { number, position: Some(position) })),
            Err(CommitError::Conflict) if self.left > 1 => {
                self.left -= 1;
                self.caller = self.desk.again(self.caller.clone()).await?;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }
}
