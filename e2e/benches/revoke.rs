//! How soon a revoke on one peer is one on the others: three peers over one PostgreSQL, a client who
//! revokes at the first, and one each who asks the second and the third about that token, over and
//! over, from before the revoke until well after it.
//!
//! `cargo bench -p e2e --bench revoke [-- REVOKES]`. All times count from the moment at which the
//! revoker had read the whole answer; one below nothing was sooner than that.
//!
//! - *refused*: until the first answer that was not `valid` had been read. Nobody who waits this
//!   long is told otherwise, and whatever the answer took on its way is part of it.
//! - *last valid*: until the last ask that was still answered `valid` was sent. Somebody did ask so
//!   late and was told that a revoked token is good.
//!
//! Once with nothing else to do, and once while tokens are made and verified at a steady rate on
//! all three; then both over a pooler that swallows the hints between peers, where it is installed.
#![allow(clippy::disallowed_methods)] // A benchmark reads a clock, and waits for its turn.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Scope, scope, sleep};
use std::time::{Duration, Instant};

use e2e::{ACCOUNT, Begin, PATIENCE, Place, Postgres, Server, text};

use support::CALLERS;
use support::pooler::Pooler;
use support::wire::Wire;

/// What goes on besides, on all peers together and each second.
const CREATES: usize = 200;
const VERIFIES: usize = 2_000;
/// Connections to each peer that do it. One that makes tokens waits for the disk.
const MAKERS: usize = 4;
/// How often a token is found good at each peer before it is revoked, and refused afterwards.
const BEFORE: usize = 3;
const AFTER: usize = 20;

fn main() {
    let revokes = support::argument(500);
    let cluster = support::postgres::cluster();
    let pooler = Pooler::before(&cluster.url());
    println!("\n{revokes} revokes each; milliseconds");
    println!("{:<44} {:>8} {:>8} {:>8} {:>8}", "", "p50", "p90", "p99", "most");
    let database = Postgres::create_on(&cluster.url());
    let mut results = over(database, "", revokes);
    if let Some(pooler) = &pooler {
        let mut database = Postgres::create_on(&cluster.url());
        database.store = pooler.through(&database.store);
        results.extend(over(database, ", no hints", revokes));
    } else {
        println!("without hints it is not measured: pgbouncer is not installed");
    }
    println!();
    for (what, refused) in results {
        println!("revoke, {what}: {}, goal p50 at most 30, p99 at most 100", refused.last_line());
    }
}

/// Three peers over a database, quiet and then busy: until a revoke is one on the others.
fn over(database: Postgres, how: &str, revokes: usize) -> Vec<(String, Quantiles)> {
    let server = support::unlimited(Begin::preset("default").on(Arc::new(database)).at(Place::Peers));
    let series = |what: &str, busy| {
        let what = format!("{what}{how}");
        let refused = series(&server, &what, revokes, busy);
        (what, refused)
    };
    vec![series("quiet", false), series("busy", true)]
}

/// Between two asks of a watcher. Without it the two watchers and those who answer them take all of
/// two cores, and what is measured is who else is let run.
const PAUSE: Duration = Duration::from_micros(500);

/// A token to revoke.
struct Doomed {
    id: String,
    secret: String,
}

/// What a watcher saw of one revoke.
struct Watched {
    last_valid_sent: Instant,
    refused: Instant,
}

/// Revokes so many tokens, one after the other, and prints what was measured; returns after how long
/// they were refused by the others.
fn series(server: &Server, what: &str, revokes: usize, busy: bool) -> Quantiles {
    let doomed = doomed(server, revokes);
    let peers = server.urls();
    let mut revoker = Wire::open(&peers[0], 1);
    let ended = AtomicBool::new(false);
    let made = AtomicUsize::new(0);
    let verified = AtomicUsize::new(0);
    let began = Instant::now();
    let mut failed = 0;
    let mut answered = Vec::with_capacity(revokes);
    let mut refused = Vec::with_capacity(2 * revokes);
    let mut valid = Vec::with_capacity(2 * revokes);
    scope(|scope| {
        let _end = AtEnd(&ended);
        if busy {
            load(scope, server, &ended, &made, &verified);
        }
        let watchers: Vec<Watcher> =
            peers[1..].iter().map(|peer| Watcher::start(scope, peer, &server.service_key)).collect();
        for (number, token) in doomed.iter().enumerate() {
            // Not in step with what the peers do at intervals.
            sleep(Duration::from_micros(1_000 + (number as u64 * 7_919) % 40_000));
            for watcher in &watchers {
                watcher.tokens.send(token.secret.clone()).expect("it watches");
            }
            for watcher in &watchers {
                watcher.ready.recv().expect("it watches");
            }
            let path = format!("/v1/accounts/{ACCOUNT}/tokens/{}/revoke", token.id);
            let asked = Instant::now();
            let first = revoker.ask(|request| support::post(request, &path, &server.admin_token, "{}"));
            let done = Instant::now();
            if first.0 != 200 {
                // A machine that stands still for seconds says nothing about peers, but shows.
                failed += 1;
                insist(&mut revoker, &path, &server.admin_token);
            }
            for watcher in &watchers {
                let seen = watcher.seen.recv().expect("it watches");
                if first.0 == 200 {
                    refused.push(millis(done, seen.refused));
                    valid.push(millis(done, seen.last_valid_sent));
                }
            }
            if first.0 == 200 {
                answered.push(millis(asked, done));
            }
        }
    });
    let seconds = began.elapsed().as_secs_f64();
    let refused = Quantiles::of(refused);
    Quantiles::of(answered).row(&format!("{what}: the revoke itself, until answered"));
    refused.row(&format!("{what}: refused by the others after"));
    Quantiles::of(valid).row(&format!("{what}: last valid asked after"));
    if failed > 0 {
        println!("{what}: {failed} revokes were not answered, and are left out");
    }
    if busy {
        let rate = |count: &AtomicUsize| count.load(Ordering::Relaxed) as f64 / seconds;
        println!(
            "meanwhile a second {:.0} tokens were made and {:.0} verified",
            rate(&made),
            rate(&verified)
        );
    }
    refused
}

/// Revokes after a try that failed, until that is answered.
fn insist(revoker: &mut Wire, path: &str, caller: &str) {
    e2e::until("a revoke is answered", || {
        revoker.ask(|request| support::post(request, path, caller, "{}")).0 == 200
    });
}

/// Makes tokens and has each peer verify each, so that all have them in memory.
fn doomed(server: &Server, number: usize) -> Vec<Doomed> {
    let peers = server.urls();
    let mut doomed = Vec::with_capacity(number);
    support::create(
        &mut Wire::open(&peers[0], CALLERS),
        &server.admin_token,
        |made, _| made == number,
        |made| doomed.push(Doomed { id: text(made, "id"), secret: text(made, "secret") }),
    );
    for peer in &peers {
        Wire::open(peer, 8).drive(
            |number, _, request| match doomed.get(number) {
                Some(token) => {
                    support::verify(request, &server.service_key, &token.secret);
                    true
                }
                None => false,
            },
            |heard| assert!(support::good(heard.status, heard.body), "{}", heard.text()),
        );
    }
    doomed
}

// Those who ask

/// A thread with a connection of its own that asks one peer about one token after another.
struct Watcher {
    tokens: Sender<String>,
    /// It has found the token good, and goes on asking.
    ready: Receiver<()>,
    seen: Receiver<Watched>,
}

impl Watcher {
    /// It ends when nobody hands it tokens any more.
    fn start<'s>(scope: &'s Scope<'s, '_>, peer: &str, key: &'s str) -> Watcher {
        let (tokens, inbox) = channel::<String>();
        let (tell_ready, ready) = channel();
        let (tell_seen, seen) = channel();
        let mut wire = Wire::open(peer, 1);
        scope.spawn(move || {
            for secret in inbox {
                let told = watch(&mut wire, key, &secret, &tell_ready);
                if tell_seen.send(told).is_err() {
                    return;
                }
            }
        });
        Watcher { tokens, ready, seen }
    }
}

fn watch(wire: &mut Wire, key: &str, secret: &str, ready: &Sender<()>) -> Watched {
    let began = Instant::now();
    let mut last_valid_sent = began;
    let mut asked = 0;
    loop {
        let sent = Instant::now();
        let (status, body) = wire.ask(|request| support::verify(request, key, secret));
        let refused = Instant::now();
        let answer = || String::from_utf8_lossy(&body).into_owned();
        if status == 503 {
            // Not answered: neither one nor the other.
            continue;
        }
        if !support::good(status, &body) {
            assert!(asked >= BEFORE && answer().contains("revoked"), "{}", answer());
            for _ in 0..AFTER {
                let (_, body) = wire.ask(|request| support::verify(request, key, secret));
                assert!(!support::good(200, &body), "a token came back: {}", String::from_utf8_lossy(&body));
            }
            return Watched { last_valid_sent, refused };
        }
        assert!(began.elapsed() < 3 * PATIENCE, "a revoke was never heard of");
        sleep(PAUSE);
        last_valid_sent = sent;
        asked += 1;
        if asked == BEFORE {
            // Whoever revokes is gone only when it has failed, and says so.
            let _ = ready.send(());
        }
    }
}

// What goes on besides

/// Makes and verifies tokens on all peers at a steady rate, until it is ended.
fn load<'s>(
    scope: &'s Scope<'s, '_>,
    server: &'s Server,
    ended: &'s AtomicBool,
    made: &'s AtomicUsize,
    verified: &'s AtomicUsize,
) {
    let (peers, caller, key) = (server.urls(), server.admin_token.as_str(), server.service_key.as_str());
    let each = Duration::from_secs_f64((peers.len() * MAKERS) as f64 / CREATES as f64);
    for number in 0..peers.len() * MAKERS {
        let mut wire = Wire::open(&peers[number % peers.len()], 1);
        scope.spawn(move || {
            steadily(each, ended, || {
                let name = format!("besides {number} {}", made.load(Ordering::Relaxed));
                let (status, _) = wire.ask(|request| support::make(request, caller, &name));
                made.fetch_add(usize::from(status == 201), Ordering::Relaxed);
            });
        });
    }
    let each = Duration::from_secs_f64(peers.len() as f64 / VERIFIES as f64);
    for peer in &peers {
        let secret = doomed(server, 1).remove(0).secret;
        let mut wire = Wire::open(peer, 1);
        scope.spawn(move || {
            steadily(each, ended, || {
                let (status, body) = wire.ask(|request| support::verify(request, key, &secret));
                verified.fetch_add(usize::from(support::good(status, &body)), Ordering::Relaxed);
            });
        });
    }
}

/// Does something once in each interval; what could not be done in time is made up for.
fn steadily(interval: Duration, ended: &AtomicBool, mut work: impl FnMut()) {
    let mut due = Instant::now();
    while !ended.load(Ordering::Relaxed) {
        work();
        due += interval;
        sleep(due.saturating_duration_since(Instant::now()));
    }
}

/// Ends the load, also when a series fails.
struct AtEnd<'a>(&'a AtomicBool);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

// Numbers

/// Milliseconds from one moment to the other, below zero if the other was first.
fn millis(from: Instant, to: Instant) -> f64 {
    match to.checked_duration_since(from) {
        Some(after) => after.as_secs_f64() * 1e3,
        None => -(from.duration_since(to).as_secs_f64() * 1e3),
    }
}

/// A series of times, sorted.
struct Quantiles(Vec<f64>);

impl Quantiles {
    fn of(mut times: Vec<f64>) -> Quantiles {
        times.sort_by(f64::total_cmp);
        Quantiles(times)
    }

    /// The least time that this share of all did not pass.
    fn at(&self, share: f64) -> f64 {
        let rank = (share * self.0.len() as f64).ceil() as usize;
        self.0[rank.clamp(1, self.0.len()) - 1]
    }

    fn row(&self, what: &str) {
        let [half, most_of, nearly_all, all] = [0.5, 0.9, 0.99, 1.0].map(|share| self.at(share));
        println!("{what:<44} {half:>8.1} {most_of:>8.1} {nearly_all:>8.1} {all:>8.1}");
    }

    fn last_line(&self) -> String {
        format!("p50 {:.1} ms, p99 {:.1} ms, most {:.1} ms", self.at(0.5), self.at(0.99), self.at(1.0))
    }
}
