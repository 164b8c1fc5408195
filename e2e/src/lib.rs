//! Black-box tests of the running binary: a server in a process of its own, spoken to as its
//! users speak to it, over HTTP and by command.
//!
//! What lives here is the harness: starting, stopping and killing a [`Server`], a [`Client`]
//! that shows the whole answer when an assertion fails, the [`Pages`] of the console with
//! and without a [`Browser`], and the [`Walk`] through a product's document. The tests are in `tests/`. Nothing here links a
//! room of the server: what the tests know of jeton is what its documentation promises.
//!
//! The same tests run over SQLite, over PostgreSQL and over three peers: see [`Place`].
//!
//! The harness builds nothing. `cargo build -p jeton` comes first, or `JETON_BIN` names a binary.

mod authority;
mod begin;
mod bouncer;
mod browser;
mod client;
mod cluster;
mod desk;
mod dev;
pub mod history;
pub mod journal;
pub mod load;
mod page;
mod place;
mod postgres;
mod process;
mod raw;
mod round_robin;
mod server;
mod smtp;
mod tour;
mod tree;
mod walk;
mod watch;

pub use authority::Authority;
pub use begin::Begin;
pub use bouncer::Bouncer;
pub use browser::{Browser, Fetched, Theme, key};
pub use client::{Answer, Client};
pub use cluster::{Cluster, free_port, postgres_user, programs};
pub use desk::{strings, text};
pub use dev::Dev;
pub use page::Pages;
pub use place::{Place, only_on};
pub use postgres::Postgres;
pub use process::binary;
pub use raw::{Raw, RawAnswer};
pub use server::{ACCOUNT, ADMIN, Finished, Member, PASSWORD, Server};
pub use smtp::MailServer;
pub use tour::{READER, Tour, blocks};
pub use tree::{repository, tracked_files};
pub use walk::{Needs, Walk};
pub use watch::Watch;

use std::time::Duration;

/// How long the harness waits for something that a healthy server does at once. Generous, because
/// two busy cores are all that the tests may count on; reached only when something is wrong.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The time by this machine's clock, which is the server's too.
#[allow(clippy::disallowed_methods)] // A black-box test stands where a user stands: beside a clock.
pub fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// An RFC 3339 time this many seconds from now, as the API takes it.
pub fn in_seconds(seconds: i64) -> String {
    (now() + jiff::SignedDuration::from_secs(seconds)).to_string()
}

/// Asks again and again until the answer is yes, at most [`PATIENCE`] long; panics with `what`.
/// For states that only the passing of time brings about, such as an expiry.
pub fn until(what: &str, asked: impl FnMut() -> bool) {
    until_within(Duration::from_millis(20), what, asked);
}

/// The same for what comes soon and is cheap to ask: `pause` is the time from one question to the next.
fn until_within(pause: Duration, what: &str, mut asked: impl FnMut() -> bool) {
    let deadline = now() + jiff::SignedDuration::try_from(PATIENCE).expect("a minute fits");
    while !asked() {
        assert!(now() < deadline, "waited {PATIENCE:?} in vain: {what}");
        std::thread::sleep(pause);
    }
}
