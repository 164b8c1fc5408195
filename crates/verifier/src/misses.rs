//! What is not in memory, read in batches: one read at a time, however many ask.
//!
//! A waiter joins the *next* batch, never the one being read: that one may have begun before
//! the token was created, and would call it absent. What a read finds answers later waiters for
//! the same digest too.
//!
//! The read belongs to a task of its own and not to any waiter, so a caller that hangs up
//! strands nobody.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use token::Digest;
use tokio::sync::oneshot;

use crate::Undetermined;

/// What a waiter hears: whether to look again, or that there is nothing to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Present,
    Absent,
}

/// Dropped without a word, it says [`Undetermined`].
type Waiter = oneshot::Sender<Told>;

/// The digests that are waited for, and whether somebody is reading.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    max_waiting: usize,
}

#[derive(Debug, Default)]
struct State {
    waiters: HashMap<Digest, Vec<Waiter>>,
    /// Every digest of `waiters`, first come first read; one that was answered early may stand
    /// here still.
    order: VecDeque<Digest>,
    reading: bool,
}

/// A digest to read, and who waits for it.
pub(crate) struct Wanted {
    pub(crate) digest: Digest,
    waiters: Vec<Waiter>,
    /// Reads that did not settle it.
    pub(crate) tries: u32,
}

pub(crate) enum Joined {
    /// The facts came meanwhile.
    Known,
    /// `read` says that nobody is reading: the caller starts [a reader](Reader).
    Waiting { told: oneshot::Receiver<Told>, read: bool },
}

impl Queue {
    pub(crate) fn new(max_waiting: usize) -> Self {
        Self { state: Mutex::default(), max_waiting }
    }

    /// Waits for a digest, unless `known` says that it is there after all: looked at under the
    /// queue's lock, it cannot miss what a read just brought.
    ///
    /// # Errors
    /// As many digests as may be are waited for already.
    pub(crate) fn join(&self, digest: Digest, known: impl FnOnce() -> bool) -> Result<Joined, Undetermined> {
        let mut state = self.lock();
        if known() {
            return Ok(Joined::Known);
        }
        if state.waiters.len() >= self.max_waiting && !state.waiters.contains_key(&digest) {
            return Err(Undetermined);
        }
        let (waiter, told) = oneshot::channel();
        let State { waiters, order, reading } = &mut *state;
        waiters
            .entry(digest)
            .or_insert_with(|| {
                order.push_back(digest);
                Vec::new()
            })
            .push(waiter);
        Ok(Joined::Waiting { told, read: !std::mem::replace(reading, true) })
    }

    /// How many digests are waited for.
    pub(crate) fn len(&self) -> usize {
        self.lock().waiters.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Whoever panicked here left at worst a digest without its place in the order, whose
        // waiters the reader's end releases.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever reads for all. When it goes for another reason than that nobody waits any more (a
/// read panicked, the runtime stops), those who wait are told [`Undetermined`] and the next
/// miss starts anew.
///
/// It exists from before its task is spawned: a runtime that is stopping drops a task without
/// ever running it.
pub(crate) struct Reader {
    queue: Arc<Queue>,
    done: bool,
}

impl Reader {
    pub(crate) fn new(queue: Arc<Queue>) -> Self {
        Self { queue, done: false }
    }

    /// The next batch in addition to `carried`, at most `max` digests; none when nobody waits,
    /// and then the reader is done. Digests whose waiters all hung up are not read.
    pub(crate) fn next(&mut self, carried: Vec<Wanted>, max: usize) -> Option<Vec<Wanted>> {
        let mut batch = carried;
        let mut state = self.queue.lock();
        while batch.len() < max {
            let Some(digest) = state.order.pop_front() else { break };
            let Some(mut waiters) = state.waiters.remove(&digest) else { continue };
            waiters.retain(|waiter| !waiter.is_closed());
            if !waiters.is_empty() {
                batch.push(Wanted { digest, waiters, tries: 0 });
            }
        }
        if batch.is_empty() {
            state.reading = false;
            self.done = true;
            return None;
        }
        Some(batch)
    }

    /// Tells everybody who waits for this digest, and if it is there, those who came since too.
    pub(crate) fn tell(&self, wanted: Wanted, told: Told) {
        let later = match told {
            Told::Present => self.queue.lock().waiters.remove(&wanted.digest),
            Told::Absent => None,
        };
        for waiter in wanted.waiters.into_iter().chain(later.into_iter().flatten()) {
            // Whoever hung up does not want to know.
            let _ = waiter.send(told);
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if !self.done {
            // Woken when the lock is free again.
            let stranded = std::mem::take(&mut *self.queue.lock());
            drop(stranded);
        }
    }
}
