//! What comes of a call, by receivers on loopback that do as the test says.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::mpsc;
use std::thread;

use courier::{Courier, Parcel, sign};
use domain::time::Timestamp;
use domain::webhooks::target::{Allowed, Target};
use domain::webhooks::{Outcome, SigningSecret, Trouble};

const BODY: &str = "{\"type\":\"token.created\"}";

/// Takes one connection, answers with this, and says what came.
fn receiver(answer: &str) -> (u16, mpsc::Receiver<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (came, told) = mpsc::channel();
    let answer = answer.to_owned();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut text = Vec::new();
        let mut part = [0; 4096];
        while !String::from_utf8_lossy(&text).contains(BODY) {
            match stream.read(&mut part) {
                Ok(0) | Err(_) => break,
                Ok(read) => text.extend_from_slice(&part[..read]),
            }
        }
        // Whoever was asked for nothing answers nobody.
        let _ = stream.write_all(answer.as_bytes());
        came.send(String::from_utf8_lossy(&text).into_owned()).unwrap();
    });
    (port, told)
}

async fn call(allowed: &str, url: &str) -> Outcome {
    let courier = Courier::new(Allowed::parse(allowed).unwrap(), None).unwrap();
    let target = Target::parse(url).unwrap();
    let secrets = [SigningSecret::from_bytes([1; 32])];
    let now = Timestamp::from_micros(1_614_265_330_999_999);
    courier.call(Parcel { target: &target, id: "evt_1_00", now, secrets: &secrets, body: BODY.into() }).await
}

#[tokio::test]
async fn a_receiver_gets_it_signed_and_its_status_is_what_counts() {
    for (answer, status) in [
        ("HTTP/1.1 204 No Content\r\n\r\n", 204),
        ("HTTP/1.1 500 Oh\r\ncontent-length: 2\r\n\r\nno", 500),
        ("HTTP/1.1 200 OK\r\n\r\nuntil the end", 200),
        ("HTTP/1.1 410 Gone\r\ncontent-length: 100\r\n\r\nless", 410),
    ] {
        let (port, came) = receiver(answer);
        let outcome = call("127.0.0.0/8", &format!("http://localhost:{port}/hook?key=a")).await;
        assert_eq!(outcome, Outcome::Answered(status), "{answer}");
        let came = came.recv().unwrap();
        let signed = sign(&[SigningSecret::from_bytes([1; 32])], "evt_1_00", 1_614_265_330, BODY.as_bytes());
        assert!(came.starts_with("POST /hook?key=a HTTP/1.1\r\n"), "{came}");
        for head in [
            format!("host: localhost:{port}"),
            "content-type: application/json".into(),
            format!("content-length: {}", BODY.len()),
            "webhook-id: evt_1_00".into(),
            "webhook-timestamp: 1614265330".into(),
            format!("webhook-signature: {}", signed.signature),
        ] {
            assert!(came.contains(&format!("\r\n{head}\r\n")), "{head} in {came}");
        }
        assert!(came.ends_with(BODY));
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (there, nobody) = receiver("HTTP/1.1 200 OK\r\n\r\n");
    let answer =
        format!("HTTP/1.1 307 There\r\nlocation: http://127.0.0.1:{there}/\r\ncontent-length: 0\r\n\r\n");
    let (port, _came) = receiver(&answer);
    assert_eq!(call("127.0.0.0/8", &format!("http://127.0.0.1:{port}/")).await, Outcome::Answered(307));
    assert!(nobody.try_recv().is_err(), "somebody called there");
}

#[tokio::test]
async fn nobody_is_called_where_that_is_not_allowed_whatever_the_name() {
    let (port, nobody) = receiver("HTTP/1.1 200 OK\r\n\r\n");
    for (allowed, url) in [
        ("", format!("https://127.0.0.1:{port}/")),
        ("", format!("https://localhost:{port}/")),
        ("", format!("https://[::ffff:127.0.0.1]:{port}/")),
        ("", format!("https://0.0.0.0:{port}/")),
        ("10.0.0.0/8", format!("https://localhost:{port}/")),
        ("10.0.0.0/8", format!("http://localhost:{port}/")),
        ("127.0.0.2/32", format!("http://127.0.0.1:{port}/")),
    ] {
        assert_eq!(call(allowed, &url).await, Outcome::Failed(Trouble::NotAllowed), "{url}");
    }
    assert!(nobody.try_recv().is_err(), "somebody called there");
}

#[tokio::test]
async fn what_goes_wrong_on_the_way_is_told_apart() {
    let local = |port: u16, scheme| format!("{scheme}://127.0.0.1:{port}/");
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    assert_eq!(call("127.0.0.0/8", &local(free, "http")).await, Outcome::Failed(Trouble::NoConnection));
    let (port, _came) = receiver("220 mail.example.com ESMTP\r\n");
    assert_eq!(call("127.0.0.0/8", &local(port, "http")).await, Outcome::Failed(Trouble::NoAnswer));
    let (port, _came) = receiver("");
    assert_eq!(call("127.0.0.0/8", &local(port, "http")).await, Outcome::Failed(Trouble::NoAnswer));
    let endless = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "x".repeat(64 << 10));
    let (port, _came) = receiver(&endless);
    assert_eq!(call("127.0.0.0/8", &local(port, "http")).await, Outcome::Failed(Trouble::NoAnswer));
}
