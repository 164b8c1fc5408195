//! How fast a product's backend brings its users here: batches of a thousand members, one after the
//! other by one caller, then the same again, which must write nothing. By a server on SQLite and by one
//! on PostgreSQL.
//!
//! `cargo bench -p e2e --bench provision [-- MEMBERS]`. Needs PostgreSQL's programs, found by `PG_BIN` or
//! in Debian's place; `script/bench` installs them.
#![allow(clippy::disallowed_methods)] // A benchmark reads a clock.

mod support;

use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use e2e::journal::Database;
use e2e::{ACCOUNT, Begin, Place, Postgres, Server};
use serde_json::json;

use support::cpu_seconds;
use support::postgres::cluster;
use support::wire::Wire;

/// Members in one request.
const BATCH: usize = 1_000;

fn main() {
    let members = support::argument(100_000);
    let cluster = cluster();
    let database = Arc::new(Postgres::create_on(&cluster.url()));
    println!("\n{members} members in batches of {BATCH}, by one caller");
    println!("{:<28} {:>10} {:>16} {:>10}", "", "seconds", "of server's CPU", "journal");
    sync("SQLite", Begin::preset("default").at(Place::Sqlite), members);
    sync("PostgreSQL", Begin::preset("default").on(database), members);
    println!("\ngoal for 100000: at most 60 s, again at most 20 s and no entry in the journal");
}

fn sync(place: &str, begin: Begin, members: usize) {
    let mut server = begin.start();
    let asked = json!({ "name": "backend", "scopes": ["provision"] });
    let key = server.admin().post("/v1/services", asked).text_at("secret");
    for (run, outcome) in [("first", "created"), ("again", "unchanged")] {
        let before = end(&mut server);
        let (seconds, cpu) = run_once(&server, &key, members, outcome);
        let entries = end(&mut server) - before;
        println!("{:<28} {seconds:>10.1} {cpu:>16.1} {entries:>10}", format!("{place}, {run}"));
        assert_eq!(entries, if outcome == "created" { members as i64 } else { 0 });
    }
}

/// Sends everybody once. Returns how long that took, and how much of it the server worked.
fn run_once(server: &Server, key: &str, members: usize, outcome: &str) -> (f64, f64) {
    let mut wire = Wire::open(&server.url, 1);
    let (began, worked) = (Instant::now(), cpu_seconds(server.pid()));
    for first in (0..members).step_by(BATCH) {
        let body = batch(first..members.min(first + BATCH));
        let (status, answer) = wire.ask(|request| put(request, key, &body));
        let answer = String::from_utf8_lossy(&answer);
        assert_eq!(status, 200, "{answer}");
        let came = answer.matches(&format!(r#""outcome":"{outcome}""#)).count();
        assert_eq!(came, members.min(first + BATCH) - first, "{answer:.500}");
    }
    (began.elapsed().as_secs_f64(), cpu_seconds(server.pid()) - worked)
}

/// Users as products have them: a name, an address, and something to remember.
fn batch(numbers: std::ops::Range<usize>) -> String {
    let one = |n: usize| {
        json!({
            "external_id": format!("user-{n:07}"),
            "name": format!("Number {n}"),
            "email": format!("number{n}@example.com"),
            "role": if n.is_multiple_of(10) { "Admin" } else { "Member" },
            "metadata": { "plan": "team", "locale": "en" },
        })
    };
    json!({ "members": numbers.map(one).collect::<Vec<_>>() }).to_string()
}

fn put(request: &mut Vec<u8>, key: &str, body: &str) {
    let path = format!("/v1/accounts/{ACCOUNT}/members/by-external-id");
    write!(
        request,
        "PUT {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nAccept: */*\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("memory takes what is written");
}

/// The number of the last entry of the journal, read while nobody works on it.
fn end(server: &mut Server) -> i64 {
    server.stop();
    let end = Database::of(server).head().seq;
    server.restart();
    end
}
