//! The rooms below, put together: clock, generator, store, verifier, desk.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use service::{Desk, Setup};
use store::{Clock, OpenError, Options, Store};
use token::SystemEntropy;

use store::place::{Access, Place};

use crate::access;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::exit::Failure;
use crate::owner;

impl Clock for SystemClock {
    fn wall(&self) -> i64 {
        SystemClock::wall(self)
    }

    fn boot(&self) -> i64 {
        SystemClock::boot(self)
    }
}

/// The clock of this machine.
pub(crate) fn clock() -> SystemClock {
    SystemClock
}

/// Whether a failure to open says itself which database it is about.
fn names_the_place(failure: &anyhow::Error, place: &Place) -> bool {
    matches!(place, Place::Postgres(_)) && failure.is::<OpenError>()
}

/// A place as a person speaks of it.
pub(crate) fn shown(place: &Place) -> String {
    match place {
        Place::Sqlite(data) => data.display().to_string(),
        Place::Postgres(there) => there.to_string(),
    }
}

/// Opens the store that the configuration names. Nothing else may have an SQLite open.
pub(crate) async fn open(config: &Config) -> Result<Arc<Desk>, Failure> {
    let access = access::of(config)?;
    let place = access.place.clone();
    owner::must_not_own(&place, &config.data)?;
    let desk = opened(config, access).await.map_err(|failure| match names_the_place(&failure, &place) {
        true => failure,
        false => failure.context(format!("could not open the data in {}", shown(&place))),
    })?;
    Ok(desk)
}

async fn opened(config: &Config, access: Access) -> anyhow::Result<Arc<Desk>> {
    let readers = usize::try_from(config.store_readers.get())?;
    let setup = Setup {
        entropy: Arc::new(SystemEntropy),
        verifier: verifier::Options {
            max_tokens: usize::try_from(config.verifier_max_tokens.get())?,
            ..verifier::Options::default()
        },
        foreign_tokens: config.server_foreign_tokens,
        mails: config.mail_url.is_some(),
        webhooks: config.webhooks_allow.clone().unwrap_or_default(),
    };
    Desk::open(setup, async |listener| {
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let store = match &access.place {
            Place::Sqlite(data) => {
                let options = Options {
                    data: data.clone(),
                    keys: access.keys.clone(),
                    readers,
                    ballast_bytes: config.store_ballast_bytes,
                    watermark_bytes: config.store_free_space_watermark_bytes,
                };
                Store::open_sqlite(options, clock, entropy, listener)?
            }
            Place::Postgres(there) => {
                make_private(&config.data)?;
                Store::open_postgres(there, &access, readers, clock, entropy, listener).await?
            }
        };
        Ok(store)
    })
    .await
}

/// The data directory holds the key file also where the facts are elsewhere.
fn make_private(data: &Path) -> anyhow::Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(data);
    made.with_context(|| format!("could not make the directory {}", data.display()))
}

/// Runs a command that works on the data itself on a runtime of its own.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("could not start the runtime")?.block_on(work)
}
