//! How soon the other peers refuse what one of them revoked: three processes over one database on this
//! machine, the time from the answer that revokes until both others have refused the token.
//!
//! `cargo bench -p e2e --bench peers [-- REVOCATIONS]`. Needs `JETON_TEST_POSTGRES`; `script/bench` sets it.
#![allow(clippy::disallowed_methods)] // A benchmark reads a clock.

mod support;

use std::time::{Duration, Instant};

use e2e::{Begin, text};
use serde_json::{Value, json};

use support::wire::Wire;

fn main() {
    let revocations = support::argument(1_000);
    let server = support::unlimited(Begin::preset("default").peers());
    let urls: Vec<String> = server.each().iter().map(|peer| peer.url().to_owned()).collect();
    // Each with a connection that it keeps.
    let mut peers: Vec<Wire> = urls.iter().map(|url| Wire::open(url, 1)).collect();
    let mut took = Vec::with_capacity(revocations);
    for number in 0..revocations {
        let made = server.create_named(&server.admin_token, &format!("number {number}"));
        let (id, secret) = (text(&made, "id"), text(&made, "secret"));
        let ask = json!({ "token": secret }).to_string();
        for peer in &mut peers {
            assert_eq!(code(peer, "/v1/verify", &server.service_key, &ask), "valid", "every peer knows it");
        }
        let revoke = format!("/v1/accounts/{}/tokens/{id}/revoke", e2e::ACCOUNT);
        let revoking = number % peers.len();
        exchange(&mut peers[revoking], &revoke, &server.admin_token, "{}");
        let answered = Instant::now();
        for (_, peer) in peers.iter_mut().enumerate().filter(|(peer, _)| *peer != revoking) {
            while code(peer, "/v1/verify", &server.service_key, &ask) == "valid" {}
        }
        took.push(answered.elapsed());
    }
    took.sort();
    let at = |percent: usize| took[(took.len() * percent).div_ceil(100) - 1];
    println!("\nrevocations refused by both other peers: {revocations}");
    for (what, time) in [("least", took[0]), ("p50", at(50)), ("p99", at(99)), ("most", at(100))] {
        println!("{what:<44} {:>10.1} ms", milliseconds(time));
    }
    println!(
        "\nrevocation, until two others refuse: p50 {:.1} ms, p99 {:.1} ms, goal at most 30 and 100",
        milliseconds(at(50)),
        milliseconds(at(99))
    );
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// One request over the connection, and its body.
fn exchange(peer: &mut Wire, path: &str, token: &str, body: &str) -> Value {
    let mut answer = Value::Null;
    peer.drive(
        |number, _, request| {
            if number == 0 {
                support::post(request, path, token, body);
            }
            number == 0
        },
        |heard| {
            assert_eq!(heard.status, 200, "{}", heard.text());
            answer = serde_json::from_slice(heard.body).expect("an answer is JSON");
        },
    );
    answer
}

fn code(peer: &mut Wire, path: &str, token: &str, body: &str) -> String {
    text(&exchange(peer, path, token, body), "code")
}
