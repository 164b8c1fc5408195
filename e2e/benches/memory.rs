//! What a million tokens cost: resident memory once they are loaded, and the time from the start of
//! the process to the first good verdict.
//!
//! `cargo bench -p e2e --bench memory [-- TOKENS]`. The server makes ten thousand tokens; the rest
//! are copies of their rows with names of their own, written while it is stopped, for making a
//! million is not what is measured. Columns are copied whatever they are called, so that this
//! survives a migration.
#![allow(clippy::disallowed_methods)] // A benchmark reads a clock.

mod support;

use std::time::{Duration, Instant};

use e2e::{ACCOUNT, Begin, Place, Server};
use rusqlite::Connection;
use serde_json::json;

use support::wire::Wire;
use support::{CALLERS, ROUNDS, Spread};

const MADE: usize = 10_000;
/// Tokens are spread over this many holders.
const HOLDERS: usize = 10_000;
const CROCKFORD: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

fn main() {
    let tokens = support::argument(1_000_000);
    let mut server = support::unlimited(Begin::preset("default").at(Place::Sqlite));
    let mut secrets = Vec::with_capacity(MADE);
    let mut wire = Wire::open(&server.url, CALLERS);
    support::create(
        &mut wire,
        &server.admin_token,
        |made, _| made == MADE,
        |made| secrets.push(e2e::text(made, "secret")),
    );
    drop(wire);
    let empty = memory(&server, "VmRSS");
    assert_eq!(server.stop(), 0, "{}", server.output());
    multiply(&server, tokens);

    let mut times = Vec::new();
    let mut all = Vec::new();
    let mut loaded = Vec::new();
    let mut peaks = Vec::new();
    for round in 0..ROUNDS {
        let began = Instant::now();
        server.restart();
        first_verdict(&server, &secrets[round]);
        times.push(began.elapsed().as_secs_f64());
        let said = |server: &Server| server.output().matches(" in memory").count();
        // Each process says it once.
        e2e::until("all tokens are in memory", || said(&server) == round + 2);
        all.push(began.elapsed().as_secs_f64());
        verify_all(&server, &secrets);
        loaded.push(memory(&server, "VmRSS"));
        peaks.push(memory(&server, "VmHWM"));
        server.stop();
    }
    Spread::heading(&format!("{tokens} tokens of {HOLDERS} holders"));
    println!("{:<44} {empty:>10.0}", "resident with what was made, MB");
    let (times, loaded) = (Spread::of(&times), Spread::of(&loaded));
    loaded.row("resident after loading and verifying, MB", 0);
    Spread::of(&peaks).row("resident at most, MB", 0);
    times.row("start to first good verdict, s", 2);
    Spread::of(&all).row("start to all tokens in memory, s", 2);
    support::conclude("memory, MB resident", &loaded, "at most 200 at a million");
    support::conclude("start, s to the first good verdict", &times, "at most 2 at a million");
}

/// Asks until the token is known to be good; before that the server may not listen or not know.
fn first_verdict(server: &Server, secret: &str) {
    e2e::until("a good verdict", || {
        let answer = server.service().post("/v1/verify", json!({ "token": secret }));
        answer.status == 200 && answer.json["valid"] == true
    });
}

fn verify_all(server: &Server, secrets: &[String]) {
    let mut wire = Wire::open(&server.url, CALLERS);
    wire.drive(
        |number, _, request| {
            let Some(secret) = secrets.get(number) else { return false };
            support::post(request, "/v1/verify", &server.service_key, &format!(r#"{{"token":"{secret}"}}"#));
            true
        },
        |heard| assert!(heard.body.starts_with(br#"{"valid":true,"#), "{}", heard.text()),
    );
}

/// A figure of `/proc/PID/status`, in megabytes of a million bytes.
fn memory(server: &Server, name: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    kibibytes.expect("the kernel says it in kB") * 1024.0 / 1e6
}

// Making many rows of few

fn multiply(server: &Server, tokens: usize) {
    let began = Instant::now();
    let mut db = Connection::open(server.data().join("jeton.db")).expect("the server has stopped");
    db.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000;").expect("pragmas");
    let transaction = db.transaction().expect("nobody else is there");
    let mut codes = Codes(1);
    let holders: Vec<String> = (0..HOLDERS).map(|_| format!("mem_{}", codes.draw())).collect();

    let sql = copy(
        &transaction,
        "holder",
        &[
            ("id", "?1"),
            ("person", "NULL"),
            ("email", "NULL"),
            ("external_id", "NULL"),
            ("name", "'holder ' || ?1"),
        ],
        "id = ?2",
    );
    for holder in &holders {
        transaction.execute(&sql, (holder, &server.admin_id)).expect("a copy of a holder");
    }

    let (first, last): (i64, i64) = transaction
        .query_row(
            "SELECT min(number), max(number) FROM token WHERE account = ?1 AND name LIKE 'number %'",
            [ACCOUNT],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .expect("the tokens that were made");
    let sql = copy(
        &transaction,
        "token",
        &[
            ("number", "?1"),
            ("id", "?2"),
            ("holder", "?3"),
            ("issued_by", "?3"),
            ("name", "'number ' || ?1"),
            ("digest", "randomblob(32)"),
        ],
        "account = 'acme' AND number = ?4",
    );
    let mut insert = transaction.prepare(&sql).expect("our own statement");
    for copied in 0..tokens.saturating_sub(MADE) {
        let holder = &holders[copied % HOLDERS];
        let source = first + copied as i64 % (last - first + 1);
        let id = format!("pat_{}", codes.draw());
        insert.execute((last + 1 + copied as i64, &id, holder, source)).expect("a copy of a token");
    }
    drop(insert);
    let sql =
        "UPDATE account SET last_number = (SELECT max(number) FROM token WHERE account = ?1) WHERE id = ?1";
    transaction.execute(sql, [ACCOUNT]).expect("the account");
    transaction.commit().expect("room on the disk");
    let sql = "SELECT count(*) FROM token";
    let rows: i64 = db.query_row(sql, [], |row| row.get(0)).expect("the table");
    println!("{rows} rows of tokens after {:.0} s", began.elapsed().max(Duration::ZERO).as_secs_f64());
}

/// A statement that copies rows of a table, with these columns made anew.
fn copy(db: &Connection, table: &str, anew: &[(&str, &str)], rows: &str) -> String {
    // Generated columns are hidden, and make themselves.
    let sql = format!("SELECT name FROM pragma_table_xinfo('{table}') WHERE hidden = 0");
    let mut statement = db.prepare(&sql).expect("SQLite knows its tables");
    let columns: Vec<String> =
        statement.query_map([], |row| row.get(0)).and_then(Iterator::collect).expect("names are text");
    let value = |column: &String| {
        let made = anew.iter().find(|(name, _)| name == column);
        made.map_or(column.clone(), |(_, expression)| (*expression).to_owned())
    };
    let values: Vec<String> = columns.iter().map(value).collect();
    format!(
        "INSERT INTO {table} ({}) SELECT {} FROM {table} WHERE {rows}",
        columns.join(", "),
        values.join(", ")
    )
}

/// Codes as ids have them, of a sequence that does not repeat.
struct Codes(u64);

impl Codes {
    fn draw(&mut self) -> String {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (0..12).map(|digit| char::from(CROCKFORD[(self.0 >> (4 + 5 * digit)) as usize & 31])).collect()
    }
}
