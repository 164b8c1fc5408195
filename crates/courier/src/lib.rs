//! The way to a webhook's receiver: one call, signed, over a line of its own.
//!
//! What lives here: the signature ([`sign`]), and [`Courier`], which resolves a name once, has every address
//! judged, connects to one of those and to nothing else, and says what came of it. What never will: what is sent
//! and when, stores, clocks, environment. Redirects are not followed, and of an answer the status alone is kept.

mod call;
mod sign;

pub use call::{Courier, CourierError, Parcel};
pub use sign::{Signed, sign};
