//! The rooms below, put together: clock, generator, store, verifier, desk.

use std::sync::Arc;

use anyhow::Context;
use service::{Desk, Setup};
use store::{Clock, Options, Store};
use token::SystemEntropy;

use crate::clock::SystemClock;
use crate::config::Config;
use crate::exit::Failure;

impl Clock for SystemClock {
    fn wall(&self) -> i64 {
        SystemClock::wall(self)
    }

    fn boot(&self) -> i64 {
        SystemClock::boot(self)
    }
}

/// Opens the data that the configuration names. Nothing else may have it open.
pub(crate) async fn open(config: &Config) -> anyhow::Result<Arc<Desk>> {
    let options = Options {
        data: config.data.clone(),
        keys: config.keys_file.clone(),
        readers: usize::try_from(config.store_readers.get())?,
        ballast_bytes: config.store_ballast_bytes,
        watermark_bytes: config.store_free_space_watermark_bytes,
    };
    let setup = Setup {
        entropy: Arc::new(SystemEntropy),
        verifier: verifier::Options {
            max_tokens: usize::try_from(config.verifier_max_tokens.get())?,
            ..verifier::Options::default()
        },
        foreign_tokens: config.server_foreign_tokens,
    };
    Desk::open(setup, async |listener| {
        let store = Store::open_sqlite(options, Arc::new(SystemClock), Arc::new(SystemEntropy), listener);
        store.map_err(anyhow::Error::from)
    })
    .await
    .with_context(|| format!("could not open the data in {}", config.data.display()))
}

/// Runs a command that works on the data itself on a runtime of its own.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("could not start the runtime")?.block_on(work)
}
