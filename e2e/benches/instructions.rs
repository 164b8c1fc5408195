//! What a verification costs in instructions, on SQLite and on PostgreSQL, as valgrind's callgrind
//! counts them: a number that no neighbour moves, so a difference shows which no clock would.
//!
//! `cargo bench -p e2e --bench instructions [-- REQUESTS]`. Needs valgrind, which `script/bench`
//! installs. Instructions of the kernel are not counted.
//!
//! Two figures a place: *the process*, every thread of it from the first request to the last, with
//! whatever goes on besides (a peer beats four times a second, and valgrind makes a second hold
//! few requests); and *the request*, what was spent below the function that answers a connection.
//! The first is what a reader can check without knowing the program, the second is exact.
#![allow(clippy::disallowed_methods)] // A benchmark looks into a process from outside.

mod support;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use e2e::{Begin, Place, Postgres, Server, text};

use support::wire::Wire;

/// Tokens to ask about, all of them in memory.
const TOKENS: usize = 100;
/// The function below which requests are answered, by how its name begins: what a connection
/// does, from the bytes that came to those that go.
const REQUEST: &str = "hyper::proto::h1::dispatch::Dispatcher<";

fn main() {
    let requests = support::argument(2_000);
    let cluster = support::postgres::cluster();
    let database = Arc::new(Postgres::create_on(&cluster.url()));
    println!("\n{:<44} {:>12} {:>12}", "instructions per verification", "the process", "the request");
    let sqlite = count("on SQLite", Begin::preset("default").at(Place::Sqlite), requests);
    let postgres = count("on PostgreSQL", Begin::preset("default").on(database), requests);
    let ratio = [postgres[0] / sqlite[0], postgres[1] / sqlite[1]];
    println!("{:<44} {:>12.3} {:>12.3}", "ratio", ratio[0], ratio[1]);
    println!("\ninstructions, a hit on PostgreSQL against SQLite: {:.3}, goal 1", ratio[1]);
}

/// Instructions for each of so many verifications, over one connection: of the whole process, and
/// of the requests alone.
fn count(what: &str, begin: Begin, requests: usize) -> [f64; 2] {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let out = format!("--callgrind-out-file={}/out", directory.path().display());
    let server = support::unlimited(begin.under(&["valgrind", "-q", "--tool=callgrind", &out]));
    let mut secrets = Vec::with_capacity(TOKENS);
    support::create(
        // A server that valgrind runs is slow, and gives up what takes too long.
        &mut Wire::open(&server.url, 4),
        &server.admin_token,
        |made, _| made == TOKENS,
        |made| secrets.push(text(made, "secret")),
    );
    let mut wire = Wire::open(&server.url, 1);
    ask(&mut wire, &server, &secrets, requests);
    control(&["-z"], &server);
    ask(&mut wire, &server, &secrets, requests);
    control(&["-d"], &server);
    let profile = dumped(directory.path());
    let each = [profile.all, profile.request].map(|count| count as f64 / requests as f64);
    println!("{what:<44} {:>12.0} {:>12.0}", each[0], each[1]);
    each
}

fn ask(wire: &mut Wire, server: &Server, secrets: &[String], requests: usize) {
    wire.drive(
        |number, _, request| {
            if number == requests {
                return false;
            }
            support::verify(request, &server.service_key, &secrets[number % secrets.len()]);
            true
        },
        |heard| assert!(support::good(heard.status, heard.body), "{}", heard.text()),
    );
}

/// Tells the valgrind that runs the server to do something, and waits until it is done.
fn control(arguments: &[&str], server: &Server) {
    let output = Command::new("callgrind_control").args(arguments).arg(server.pid().to_string()).output();
    let output = output.expect("valgrind is installed; `script/bench` does it");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("OK"), "callgrind_control {arguments:?}: {said}");
}

/// Instructions between two orders to valgrind.
struct Profile {
    all: u64,
    request: u64,
}

/// Reads what valgrind wrote when it was told to.
fn dumped(directory: &Path) -> Profile {
    let file = directory.join("out.1");
    let output = Command::new("callgrind_annotate")
        .args(["--inclusive=yes", "--threshold=100"])
        .arg(&file)
        .output()
        .expect("it is valgrind's");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "callgrind_annotate: {text}");
    // `12,345 (67.89%)  file:function [object]`
    let rows = || text.lines().filter_map(|line| Some((count_of(line)?, line)));
    let all = rows().find(|(_, line)| line.ends_with("PROGRAM TOTALS")).expect("there is a sum").0;
    let of_requests = rows().filter(|(_, line)| line.contains(REQUEST)).map(|(count, _)| count);
    let request = of_requests.max().unwrap_or_else(|| panic!("nothing is called {REQUEST}:\n{text}"));
    Profile { all, request }
}

/// The number with commas that a line begins with.
fn count_of(line: &str) -> Option<u64> {
    let (number, _) = line.trim_start().split_once(' ')?;
    number.replace(',', "").parse().ok()
}
