//! How fast somebody's table is taken over: so many SHA-256 digests in a CSV, into an account on SQLite
//! that has no token yet, from the command's start to its end.
//!
//! `cargo bench -p e2e --bench import [-- DIGESTS]`. What a neighbour does to the machine moves the
//! rate by the clock; the rate by the processor's time is told too, which it moves less.
#![allow(clippy::disallowed_methods)] // A benchmark reads a clock.

mod support;

use std::fmt::Write as _;
use std::time::Instant;

use e2e::{Begin, Place};
use serde_json::json;
use sha2::{Digest, Sha256};

use support::Spread;

/// Fewer than of the others: each fills a server of its own.
const ROUNDS: usize = 3;

fn main() {
    let digests = support::argument(1_000_000);
    let table = table(digests);
    let (mut by_clock, mut by_processor) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begin =
            Begin::preset("default").at(Place::Sqlite).configuration("[server]\nforeign_tokens = true\n");
        let mut server = begin.start();
        let holder = server.admin().post(
            "/v1/accounts/acme/members",
            json!({ "name": "Zoë", "external_id": "u-1", "role": "Member" }),
        );
        holder.ok(201);
        server.stop();
        let file = server.directory().join("keys.csv");
        std::fs::write(&file, &table).expect("room for the table");
        let file = file.display().to_string();
        let mut arguments = vec!["import", "--account", "acme", "--from", &file, "--holder", "u-1", "--json"];
        let installation = server.installation();
        arguments.extend(installation.iter().map(String::as_str));
        let (begun, used) = (Instant::now(), of_children());
        let done = server.jeton(&arguments);
        let (clock, processor) = (begun.elapsed().as_secs_f64(), of_children() - used);
        assert_eq!(done.json()["imported"], digests);
        by_clock.push(digests as f64 / clock);
        by_processor.push(digests as f64 / processor);
        server.restart();
        server.accepts("sk_live_number_0");
    }
    Spread::heading(&format!("{digests} digests"));
    Spread::of(&by_clock).row("imported per second", 0);
    Spread::of(&by_processor).row("per second of processor", 0);
    support::conclude("import, digests per second", &Spread::of(&by_clock), "at least 300000");
}

fn table(digests: usize) -> String {
    let mut table = String::with_capacity(digests * 120);
    table.push_str("name,sha256,created_at,permission\n");
    for number in 0..digests {
        let digest = Sha256::digest(format!("sk_live_number_{number}"));
        let _ = write!(table, "key {number},");
        for byte in digest {
            let _ = write!(table, "{byte:02x}");
        }
        let _ = writeln!(table, ",{},role:Viewer", 1_780_000_000 + number % 1_000_000);
    }
    table
}

/// Seconds of processor that children took which have ended (proc(5), cutime and cstime).
fn of_children() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux has it");
    let after_name = stat.rsplit_once(')').expect("a name in parentheses").1;
    let ticks: f64 =
        after_name.split_whitespace().skip(13).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    ticks / 100.0
}
