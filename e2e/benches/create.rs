//! How fast tokens are made: 64 callers over HTTP, each answer durable, all in one account, by a
//! server on SQLite and by one on PostgreSQL, against 64 clients of that PostgreSQL that insert a
//! similar row each.
//!
//! `cargo bench -p e2e --bench create [-- SECONDS_PER_ROUND]`. Needs PostgreSQL's programs, found by
//! `PG_BIN` or in Debian's place; `script/bench` installs them.
#![allow(clippy::disallowed_methods)] // A benchmark reads a clock.

mod support;

use std::sync::Arc;

use e2e::{Begin, Place, Postgres, Server};

use support::postgres::{Pgbench, cluster};
use support::wire::Wire;
use support::{CALLERS, ROUNDS, Spread};

fn main() {
    let seconds = support::argument(5);
    let cluster = cluster();
    let pgbench = Pgbench::on(&cluster);
    let database = Arc::new(Postgres::create_on(&cluster.url()));
    let mut on_sqlite = Maker::over(Begin::preset("default").at(Place::Sqlite));
    let mut on_postgres = Maker::over(Begin::preset("default").on(database));

    let mut rates: [Vec<f64>; 3] = Default::default();
    // The first turn of each warms what will be warm.
    for number in 0..=ROUNDS {
        // Who is first changes, so that a slow drift of the machine meets all.
        for turn in 0..rates.len() {
            let side = (number + turn) % rates.len();
            let rate = match side {
                0 => on_sqlite.make(seconds),
                1 => on_postgres.make(seconds),
                _ => pgbench.insert(seconds),
            };
            if number > 0 {
                rates[side].push(rate);
            }
        }
    }

    let [sqlite, postgres, inserted] = &rates;
    let against = |ours: &[f64]| {
        Spread::of(&ours.iter().zip(inserted).map(|(ours, theirs)| ours / theirs).collect::<Vec<f64>>())
    };
    Spread::heading(&format!("{CALLERS} callers, {seconds} s a round"));
    Spread::of(sqlite).row("jeton on SQLite, tokens created per second", 0);
    Spread::of(postgres).row("jeton on PostgreSQL, tokens per second", 0);
    Spread::of(inserted).row("pgbench, rows inserted per second", 0);
    against(sqlite).row("ratio, on SQLite", 2);
    against(postgres).row("ratio, on PostgreSQL", 2);
    let what = |place| format!("create on {place}, per second against pgbench's INSERT");
    support::conclude(&what("SQLite"), &against(sqlite), "at least 0.3");
    support::conclude(&what("PostgreSQL"), &against(postgres), "at least 0.5");
}

/// A server, and those who ask it for tokens.
struct Maker {
    server: Server,
    wire: Wire,
}

impl Maker {
    fn over(begin: Begin) -> Maker {
        let server = support::unlimited(begin);
        let wire = Wire::open(&server.url, CALLERS);
        Maker { server, wire }
    }

    /// Tokens made per second.
    fn make(&mut self, seconds: usize) -> f64 {
        let enough = |_, elapsed: std::time::Duration| elapsed.as_secs_f64() >= seconds as f64;
        let (made, elapsed) = support::create(&mut self.wire, &self.server.admin_token, enough, |_| ());
        made as f64 / elapsed.as_secs_f64()
    }
}
