//! A generator that draws the same bytes for the same seed.

use std::sync::atomic::{AtomicU64, Ordering};

use token::{Digest, Entropy};

/// SHA-256 of a seed and a counter: uniform enough to judge the drawing by, and the same every run.
pub(crate) struct Seeded {
    seed: u64,
    drawn: AtomicU64,
}

impl Seeded {
    pub(crate) fn new(seed: u64) -> Seeded {
        Seeded { seed, drawn: AtomicU64::new(0) }
    }
}

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(Digest::LEN) {
            let block = [self.seed, self.drawn.fetch_add(1, Ordering::Relaxed)].map(u64::to_be_bytes);
            chunk.copy_from_slice(&Digest::of(block.as_flattened()).as_bytes()[..chunk.len()]);
        }
    }
}
