//! Reading the configuration again while the server runs (SIGHUP). What is wrong is refused whole,
//! and what was in force stays. Of what is right, [`LIVE`] takes effect at once; the rest is named
//! in the log and waits for a restart.

use ::meter::Count;
use tracing::{error, info, warn};
use web::server::Tracker;
use web::{Changing, GitHubKeys};

use crate::config::resolve::Value;
use crate::config::{Config, LIVE, Resolved};
use crate::exit::Failure;
use crate::scanner;
use crate::serve;
use crate::telemetry::{Volume, one_line};

/// How often it was tried, for the metrics.
#[derive(Debug, Default)]
pub struct Reloads {
    pub applied: Count,
    pub refused: Count,
}

/// Reads the configuration again, from where it was read at the start.
pub(crate) type Again = Box<dyn Fn() -> Result<(Config, Resolved), Failure> + Send>;

/// What of a running server can be changed.
pub(crate) struct Live {
    pub(crate) volume: Volume,
    pub(crate) tracker: Tracker,
    pub(crate) preset: Changing,
    pub(crate) github: GitHubKeys,
}

/// What is in force, and how to read it again.
pub(crate) struct Reloader {
    again: Again,
    /// Each key as the server runs with it.
    running: Vec<Value>,
}

impl Reloader {
    pub(crate) fn new(resolved: &Resolved, again: Again) -> Self {
        Self { again, running: resolved.values.clone() }
    }

    /// Reads again and applies what can be applied; says in the log what became of it.
    pub(crate) fn reload(&mut self, live: &Live, reloads: &Reloads) {
        let read = (self.again)().and_then(|(config, resolved)| {
            serve::must_know(&config)?;
            let github = scanner::keys(&config)?;
            Ok((config, resolved, github))
        });
        let (config, resolved, github) = match read {
            Ok(read) => read,
            Err(failure) => {
                reloads.refused.add(1);
                let why = one_line(&failure.to_string());
                error!("the configuration was not reloaded, what was in force stays: {why}");
                return;
            }
        };
        reloads.applied.add(1);
        let mut changed = Vec::new();
        let mut waiting = Vec::new();
        // Both have every key, in the order of the table.
        for (running, read) in self.running.iter_mut().zip(resolved.values) {
            if running.says_as(&read) {
                continue;
            }
            let key = read.key.name;
            if LIVE.contains(&key) {
                changed.push(key);
                *running = read;
            } else {
                waiting.push(key);
            }
        }
        live.volume.set(&config.log_level);
        live.tracker.set_limits(serve::limits(&config));
        live.preset.set(&config.server_preset.0);
        live.github.replace(&github);
        let changed = if changed.is_empty() { "nothing".to_owned() } else { changed.join(", ") };
        info!(changed, "reloaded the configuration; changed: {changed}");
        if !waiting.is_empty() {
            let waiting = waiting.join(", ");
            warn!(waiting, "these keys have changed and need a restart: {waiting}");
        }
    }
}
