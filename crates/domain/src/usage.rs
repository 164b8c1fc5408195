//! How a token was used, as it is counted: never one row a use.

use token::TokenId;

use crate::time::{DAY, Timestamp};

/// What happened with one token since the last time it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    pub token: TokenId,
    /// The last use that was admitted, and the address that the asking service named.
    pub last: Option<(Timestamp, Option<String>)>,
    pub counts: Vec<Count>,
}

/// Uses of one day (UTC), from one address, told by one service.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Count {
    /// Days since 1970-01-01.
    pub day: i32,
    pub by: By,
    pub admitted: u64,
    pub refused: u64,
}

/// What is counted apart. Values beyond the bound of a table are counted as [`OTHER`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum By {
    All,
    Address(String),
    Service(String),
}

/// Where values go that find no place of their own.
pub const OTHER: &str = "other";

/// Addresses, and likewise services, told apart for one token on one day.
pub const TOLD_APART: usize = 16;

/// The day of a moment, counted from 1970-01-01 in UTC.
pub fn day(at: Timestamp) -> i32 {
    // Ten thousand years are 3.65 million days, far within 32 bits.
    at.as_micros().div_euclid(DAY) as i32
}
