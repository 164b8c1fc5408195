//! What the verifier promises, each family in a file.

mod counting;
mod interleavings;
mod reading;
mod sample;
mod truth;
mod verdicts;
