//! Where random bytes come from.

/// Where random bytes come from; handed in by the wiring.
///
/// The bytes must be uniform and independent. Drawing rejects what would bias a secret and draws
/// again, so a source that repeats one byte for ever keeps [`crate::Code::draw`] and
/// [`crate::TokenText::issue`] from returning.
pub trait Entropy: Send + Sync {
    /// Fills `bytes` completely.
    fn fill(&self, bytes: &mut [u8]);
}

/// The system's generator.
///
/// # Panics
/// `fill` panics where the operating system has no generator to offer: nothing secret can be
/// made on such a machine, and nothing else should be.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    // The one door through which randomness enters; everybody else takes an `Entropy`.
    #[allow(clippy::disallowed_methods)]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system has a random generator");
    }
}
