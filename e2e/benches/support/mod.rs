//! What the benchmarks share: connections that stay open, tokens to ask about, and how a series of
//! rounds is told.

// Each benchmark is a program of its own and uses a part of this.
#![allow(dead_code)]

pub(crate) mod many;
pub(crate) mod pooler;
pub(crate) mod postgres;
pub(crate) mod wire;

use std::time::Duration;

use e2e::{ACCOUNT, Begin, Server};
use serde_json::Value;

use wire::Wire;

/// Rounds of each side, taken in turns, so that a busy neighbour meets both.
pub(crate) const ROUNDS: usize = 9;
/// Callers at once, each with a connection that it keeps.
pub(crate) const CALLERS: usize = 64;

/// Seconds that a process has worked so far, threads that ended included (proc(5), `stat`).
pub(crate) fn cpu_seconds(process: u32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    let (_, rest) = text.rsplit_once(") ").expect("the name stands in brackets");
    let fields: Vec<&str> = rest.split(' ').collect();
    let ticks = |at: usize| fields[at].parse::<f64>().expect("a number");
    // Of user and system time, in ticks of 10 ms.
    (ticks(11) + ticks(12)) / 100.0
}

/// A server whose account may have any number of tokens.
pub(crate) fn unlimited(begin: Begin) -> Server {
    let server = begin.start();
    let mut policy = server.policy();
    policy["limit"] = Value::Null;
    server.admin().put(&server.path("policy"), policy).ok(200);
    server
}

/// Asks for a token that may do a few things, until `enough` says so; hands each answer on.
/// Returns how many were made and how long that took.
pub(crate) fn create(
    wire: &mut Wire,
    caller: &str,
    mut enough: impl FnMut(usize, Duration) -> bool,
    mut answer: impl FnMut(&Value),
) -> (usize, Duration) {
    wire.drive(
        |number, elapsed, request| {
            if enough(number, elapsed) {
                return false;
            }
            make(request, caller, &format!("number {number}"));
            true
        },
        |heard| {
            assert_eq!(heard.status, 201, "{}", heard.text());
            answer(&serde_json::from_slice(heard.body).expect("a created token is JSON"));
        },
    )
}

/// The ask for a new token.
pub(crate) fn make(request: &mut Vec<u8>, caller: &str, name: &str) {
    let body = format!(
        r#"{{"name":"{name}","permission":{{"list":["devices:read","devices:update","data:read"]}}}}"#
    );
    post(request, &format!("/v1/accounts/{ACCOUNT}/tokens"), caller, &body);
}

/// The ask about a token: with a permission and a place, as a gateway would put it.
pub(crate) fn verify(request: &mut Vec<u8>, key: &str, secret: &str) {
    let body = format!(r#"{{"token":"{secret}","permission":"devices:read","node":"/"}}"#);
    post(request, "/v1/verify", key, &body);
}

/// Whether the answer to that says that the token is good.
pub(crate) fn good(status: u16, body: &[u8]) -> bool {
    status == 200 && body.starts_with(br#"{"valid":true,"#)
}

/// Writes a POST with a JSON body, as most HTTP clients would.
pub(crate) fn post(request: &mut Vec<u8>, path: &str, token: &str, body: &str) {
    use std::io::Write;
    write!(
        request,
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nAccept: */*\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("memory takes what is written");
}

/// Every number of a series, told by its middle and its ends.
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    pub(crate) fn of(numbers: &[f64]) -> Spread {
        let mut sorted = numbers.to_vec();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median = match sorted.len() % 2 {
            0 => (sorted[middle - 1] + sorted[middle]) / 2.0,
            _ => sorted[middle],
        };
        Spread { median, least: sorted[0], most: sorted[sorted.len() - 1] }
    }

    /// One row of a table: what, the median, the least and the most.
    pub(crate) fn row(&self, what: &str, digits: usize) {
        let Spread { median, least, most } = self;
        println!("{what:<44} {median:>10.digits$} {least:>10.digits$} {most:>10.digits$}");
    }

    pub(crate) fn heading(what: &str) {
        println!("\n{what:<44} {:>10} {:>10} {:>10}", "median", "least", "most");
    }
}

/// The last line of a benchmark: the goal is printed, never asserted, for what else the machine
/// does is not the program's fault.
pub(crate) fn conclude(what: &str, spread: &Spread, goal: &str) {
    println!("\n{what}: {:.2} ({:.2}-{:.2}), goal {goal}", spread.median, spread.least, spread.most);
}

/// The number on the command line, which cargo mixes with options of its own.
pub(crate) fn argument(usual: usize) -> usize {
    std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(usual)
}
