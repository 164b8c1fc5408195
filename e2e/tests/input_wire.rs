//! Requests that no client would send, byte by byte: each is answered or closed in time, and the
//! server goes on.

use std::thread;
use std::time::Duration;

use e2e::{Raw, RawAnswer, Server};
use rstest::rstest;
use serde_json::json;

/// The limit that is promised, and room for a busy machine.
const SLOW: Duration = Duration::from_secs(10 + 5);

fn head_of_verify(server: &Server, more: &str) -> String {
    let key = &server.service_key;
    format!(
        "POST /v1/verify HTTP/1.1\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n{more}"
    )
}

fn verify(server: &Server, more: &str, body: impl AsRef<[u8]>) -> RawAnswer {
    Raw::exchange(&server.url, head_of_verify(server, more), body)
}

#[test]
fn a_body_has_64_kib_at_most_announced_or_not() {
    let server = Server::start("default");
    let body = |size: usize| {
        let ask = r#"{"token":"x"}"#;
        format!("{ask}{}", " ".repeat(size - ask.len()))
    };
    let sized = |size: usize| verify(&server, &format!("Content-Length: {size}\r\n"), body(size));
    assert_eq!(sized(64 * 1024).status, 200);
    assert_eq!(sized(64 * 1024 + 1).status, 413);
    let chunked = |size: usize| {
        let chunks = format!("{size:x}\r\n{}\r\n0\r\n\r\n", body(size));
        verify(&server, "Transfer-Encoding: chunked\r\n", chunks)
    };
    assert_eq!(chunked(64 * 1024).status, 200);
    let answer = chunked(64 * 1024 + 1);
    assert_eq!((answer.status, &answer.json()["code"]), (413, &json!("body_too_large")), "{answer:?}");
    // Announced and never sent: refused before it is waited for.
    assert_eq!(verify(&server, "Content-Length: 9999999999\r\n", "").status, 413);
}

#[rstest]
#[case("gzip")]
#[case("br")]
#[case("deflate")]
#[case("identity, gzip")]
#[case("unknown")]
fn a_compressed_body_is_a_415(#[case] encoding: &str) {
    let server = Server::start("default");
    let body = r#"{"token":"x"}"#;
    let more = format!("Content-Encoding: {encoding}\r\nContent-Length: {}\r\n", body.len());
    assert_eq!(verify(&server, &more, body).status, 415);
}

#[test]
fn bodies_that_are_not_text_are_a_400() {
    let server = Server::start("default");
    let bodies: [&[u8]; 4] = [
        b"{\"token\":\"\xff\"}",
        b"{\"token\":\"\xc0\x80\"}",
        b"{\"token\":\"\xed\xa0\x80\"}",
        b"\xff\xfe{\0}\0",
    ];
    for body in bodies {
        let answer = verify(&server, &format!("Content-Length: {}\r\n", body.len()), body);
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (400, &json!("bad_request")),
            "{body:?}: {answer:?}"
        );
    }
}

#[test]
fn a_head_has_64_fields_and_16_kib_at_most() {
    let server = Server::start("default");
    let fields = |number: usize| (0..number).map(|n| format!("X-{n}: y\r\n")).collect::<String>();
    let get = |more: &str| Raw::exchange(&server.url, format!("GET /livez HTTP/1.1\r\n{more}"), "").status;
    // Host and Connection are two more.
    assert_eq!(get(&fields(60)), 200);
    assert_eq!(get(&fields(65)), 431);
    assert_eq!(get(&fields(1000)), 431);
    assert_eq!(get(&format!("X-Long: {}\r\n", "y".repeat(15 * 1024))), 200);
    assert_eq!(get(&format!("X-Long: {}\r\n", "y".repeat(17 * 1024))), 431);
    let long_path = Raw::exchange(&server.url, format!("GET /{} HTTP/1.1\r\n", "y".repeat(17 * 1024)), "");
    assert!(matches!(long_path.status, 414 | 431), "{long_path:?}");
}

#[test]
fn both_framings_are_answered_once_by_the_chunks_and_closed() {
    let server = Server::start("default");
    let mut raw = Raw::connect(&server.url);
    // To whoever believes the length, a second request hides in the body.
    let head = head_of_verify(&server, "Content-Length: 4\r\nTransfer-Encoding: chunked\r\nHost: x\r\n\r\n");
    raw.send(format!("{head}d\r\n{{\"token\":\"x\"}}\r\n0\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n"));
    let answers = raw.answers_to_the_end();
    assert_eq!(answers.len(), 1, "{answers:#?}");
    assert!(matches!(answers[0].status, 200 | 400), "{answers:#?}");
}

#[rstest]
#[case::differing("Content-Length: 13\r\nContent-Length: 14\r\n", r#"{"token":"x"}"#)]
#[case::listed("Content-Length: 13, 14\r\n", r#"{"token":"x"}"#)]
#[case::signed("Content-Length: +13\r\n", r#"{"token":"x"}"#)]
#[case::negative("Content-Length: -1\r\n", "")]
#[case::huge("Content-Length: 99999999999999999999999\r\n", "")]
#[case::hexadecimal("Content-Length: 0xd\r\n", r#"{"token":"x"}"#)]
#[case::folded("X-Folded: a\r\n b\r\nContent-Length: 13\r\n", r#"{"token":"x"}"#)]
#[case::misspelt("Transfer-Encoding: xchunked\r\n", "d\r\n{\"token\":\"x\"}\r\n0\r\n\r\n")]
#[case::not_last("Transfer-Encoding: chunked, gzip\r\n", "d\r\n{\"token\":\"x\"}\r\n0\r\n\r\n")]
#[case::spaced("Content-Length : 13\r\n", r#"{"token":"x"}"#)]
#[case::nul("X-Nul: a\0b\r\nContent-Length: 13\r\n", r#"{"token":"x"}"#)]
fn ambiguous_framing_is_a_400_and_closed(#[case] more: &str, #[case] body: &str) {
    let server = Server::start("default");
    let mut raw = Raw::connect(&server.url);
    raw.send(format!(
        "{}{body}GET /livez HTTP/1.1\r\nHost: x\r\n\r\n",
        head_of_verify(&server, &format!("{more}Host: x\r\n\r\n"))
    ));
    let answers = raw.answers_to_the_end();
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [400], "{answers:#?}");
}

#[test]
fn broken_chunks_are_a_400() {
    let server = Server::start("default");
    for chunks in ["g\r\n", "-1\r\nx", "ffffffffffffffffff\r\nx", "d\r\n{\"token\":\"x\"}X\r\n0\r\n\r\n"] {
        let answer = verify(&server, "Transfer-Encoding: chunked\r\n", chunks);
        assert_eq!(answer.status, 400, "{chunks:?}: {answer:?}");
    }
}

#[test]
fn a_head_or_body_that_does_not_come_is_closed_in_ten_seconds() {
    let server = Server::start("default");
    let url = &server.url;
    let post = head_of_verify(&server, "Content-Length: 13\r\nHost: x\r\n\r\n");
    let slow = |begin: String, drip: &'static str| {
        let mut raw = Raw::connect(url);
        move || {
            raw.send(begin);
            let closed = raw.rest(if drip.is_empty() { SLOW } else { Duration::from_secs(4) });
            if drip.is_empty() || closed.is_some() {
                return closed;
            }
            // One byte each few seconds keeps nobody waiting longer.
            raw.send(drip);
            let closed = raw.rest(Duration::from_secs(4));
            raw.send(drip);
            closed.or_else(|| raw.rest(SLOW - Duration::from_secs(8)))
        }
    };
    thread::scope(|scope| {
        let waiting = [
            ("nothing", scope.spawn(slow(String::new(), ""))),
            ("half a head", scope.spawn(slow("GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow:".into(), ""))),
            ("a dripping head", scope.spawn(slow("GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: ".into(), "y"))),
            ("no body", scope.spawn(slow(post.clone(), ""))),
            ("half a body", scope.spawn(slow(format!("{post}{{\"tok"), ""))),
            ("a dripping body", scope.spawn(slow(post, " "))),
            ("half a preface of HTTP/2", scope.spawn(slow("PRI * HTTP/2.0\r\n\r\n".into(), ""))),
        ];
        for (what, waiting) in waiting {
            let closed = waiting.join().expect("a client does not panic");
            let said = closed.unwrap_or_else(|| panic!("{what} was not closed within {SLOW:?}"));
            let said = String::from_utf8_lossy(&said);
            assert!(
                said.is_empty() || said.starts_with("HTTP/1.1 408") || said.starts_with("HTTP/1.1 400"),
                "{what}: {said}"
            );
        }
    });
    server.anonymous().get("/livez").ok(200);
}

#[test]
fn noise_is_closed_and_hurts_nobody() {
    let mut server = Server::start("default");
    let noises: [&[u8]; 7] = [
        b"\0\0\0\0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /livez HTTP/1.1\r\n\r\n",
        b"GET http://other.test/livez HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
    ];
    for noise in noises {
        let mut raw = Raw::connect(&server.url);
        raw.send(noise);
        let said = raw.rest(SLOW).unwrap_or_else(|| panic!("{noise:?} keeps the connection"));
        let said = String::from_utf8_lossy(&said);
        assert!(
            said.is_empty() || said.starts_with("HTTP/1.1 4") || said.starts_with("HTTP/1.1 505"),
            "{noise:?}: {said}"
        );
    }
    server.anonymous().get("/livez").ok(200);
    assert_eq!(server.stop(), 0);
    assert!(!server.output().contains("panicked"), "{}", server.output());
}
