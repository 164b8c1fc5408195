//! The server as raw bytes see it. Nothing here sleeps: a test waits for the server to close.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use api::tokens::RevokeToken;
use axum::Router;
use axum::body::Bytes;
use axum::extract::Extension;
use axum::http::{HeaderMap, HeaderValue, Request};
use axum::routing::{get, post};
use token::SystemEntropy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{Drained, Limits, Peer, Tracker, from, serve};
use crate::credentials::bearer;
use crate::json::Json;
use crate::layers::dress;
use crate::traffic::Traffic;

/// Far more than anything here takes; a test that gets there has failed.
const EVER: Duration = Duration::from_secs(20);

struct Server {
    address: SocketAddr,
    tracker: Tracker,
    /// `/gate` tells `entered` of each request and answers when there is a permit in `gate`.
    entered: Arc<Semaphore>,
    gate: Arc<Semaphore>,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Drained>,
}

/// Times that a test can wait for. Tests of anything else take the default, so that a busy machine
/// does not end their connections.
fn short() -> Limits {
    let short = Duration::from_millis(200);
    Limits { head: short, body: short, write: short, ..Limits::default() }
}

async fn start(limits: Limits) -> Server {
    let (entered, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (tells, waits) = (entered.clone(), gate.clone());
    let routes = Router::new()
        .route("/", get(async || "hello"))
        .route("/peer", get(async |Extension(Peer(peer)): Extension<Peer>| peer.to_string()))
        .route("/echo", post(async |body: String| body))
        .route("/body", post(async |Json(body): Json<RevokeToken>| body.reason.unwrap_or_default()))
        .route("/self", get(async |headers: HeaderMap| bearer(&headers).map(|_| "one")))
        .route("/large", get(async || vec![b'x'; 64 * 1024 * 1024]))
        .route(
            "/gate",
            get(async move || {
                tells.add_permits(1);
                waits.acquire().await.unwrap().forget();
                "open"
            }),
        );
    let traffic = Traffic::new(Vec::new(), limits.request);
    let service = dress(routes, &SystemEntropy, limits.request, traffic, Arc::new(|_, _| None));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tracker = Tracker::new();
    let (stop, stopped) = oneshot::channel();
    let stopped = async move {
        let _ = stopped.await;
    };
    let ended = tokio::spawn(serve(listener, service, limits, stopped, tracker.clone()));
    Server { address, tracker, entered, gate, stop, ended }
}

impl Server {
    async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.address).await.unwrap())
    }

    /// All that comes back to these bytes until the server closes.
    async fn answer_to(&self, request: &str) -> String {
        let mut client = self.connect().await;
        client.send(request).await;
        client.rest().await
    }

    /// Waits until `requests` are inside `/gate`.
    async fn entered(&self, requests: u32) {
        timeout(EVER, self.entered.acquire_many(requests)).await.unwrap().unwrap().forget();
    }
}

struct Client(TcpStream);

impl Client {
    async fn send(&mut self, bytes: &str) {
        self.0.write_all(bytes.as_bytes()).await.unwrap();
    }

    /// Everything until the server closes; a test that waits for ever fails here. A reset after the
    /// answer is a close too.
    async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        let _ = timeout(EVER, self.0.read_to_end(&mut bytes)).await.expect("the server closes");
        String::from_utf8(bytes).unwrap()
    }

    /// The head of one answer and as much of its body as has come with `end`.
    async fn until(&mut self, end: &str) -> String {
        let mut text = String::new();
        while !text.ends_with(end) {
            let mut byte = [0];
            let read = timeout(EVER, self.0.read(&mut byte)).await.unwrap().unwrap();
            assert_ne!(read, 0, "closed after {text}");
            text.push(char::from(byte[0]));
        }
        text
    }
}

fn status_of(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

fn post_of(headers: &str, body: &str) -> String {
    format!(
        "POST /body HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n{headers}\r\n{body}"
    )
}

#[tokio::test]
async fn a_request_is_answered_with_its_peer_and_the_connection_kept() {
    let server = start(Limits::default()).await;
    let mut client = server.connect().await;
    let peer = client.0.local_addr().unwrap();
    for _ in 0..2 {
        client.send("GET /peer HTTP/1.1\r\nHost: x\r\n\r\n").await;
        let answer = client.until(&peer.to_string()).await;
        assert!(answer.to_lowercase().contains("\r\ncache-control: no-store\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn a_slow_head_is_closed_whether_it_is_the_first_or_a_later_one() {
    let server = start(short()).await;
    assert_eq!(server.answer_to("").await, "");
    assert_eq!(server.answer_to("P").await, "");
    assert_eq!(server.answer_to("PRI * HTTP/2.0\r\n").await, "");
    assert_eq!(server.answer_to("GET / HTTP/1.1\r\nHost: x\r\n").await, "");

    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    client.until("hello").await;
    client.send("GET / HT").await;
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn a_head_that_drips_is_closed_as_one_that_stands_still() {
    let server = start(short()).await;
    let (mut read, mut write) = server.connect().await.0.into_split();
    let dripping = tokio::spawn(async move {
        let mut every = tokio::time::interval(Duration::from_millis(20));
        write.write_all(b"GET / HTTP/1.1\r\nX: ").await?;
        loop {
            every.tick().await;
            write.write_all(b"y").await?;
        }
        #[allow(unreachable_code)] // names the error of the `?`s above
        std::io::Result::Ok(())
    });
    let mut answer = Vec::new();
    let _ = timeout(EVER, read.read_to_end(&mut answer)).await.expect("the server closes");
    assert!(answer.is_empty());
    dripping.abort();
}

#[tokio::test]
async fn an_idle_connection_outlives_the_time_of_a_head_and_is_closed_after_its_own() {
    let limits = Limits { idle: Duration::from_millis(500), ..short() };
    let server = start(limits).await;
    let mut client = server.connect().await;
    let before = tokio::time::Instant::now();
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    client.until("hello").await;
    assert_eq!(client.rest().await, "");
    assert!(before.elapsed() >= Duration::from_millis(500));
}

#[tokio::test]
async fn a_slow_body_is_answered_with_408_and_closed() {
    let server = start(short()).await;
    let answer = server.answer_to(&post_of("Content-Length: 20\r\n", "{\"reason\":")).await;
    assert_eq!(status_of(&answer), "408", "{answer}");
    assert!(answer.contains("urn:jeton:problem:request_timeout"), "{answer}");
    let chunked = post_of("Transfer-Encoding: chunked\r\n", "1\r\n{\r\n");
    assert_eq!(status_of(&server.answer_to(&chunked).await), "408");
    let plain = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nslow";
    assert_eq!(status_of(&server.answer_to(plain).await), "400", "a reader of another kind closes too");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_closed() {
    let server = start(short()).await;
    let mut client = server.connect().await;
    client.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n").await;
    // The buffers of both ends are full long before 64 MiB; nothing is read until the server is gone.
    client.0.peek(&mut [0]).await.unwrap();
    timeout(EVER, async {
        while server.tracker.connections() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the server closes");
    assert!(client.rest().await.len() < 64 * 1024 * 1024);
}

#[tokio::test]
async fn a_head_of_64_fields_is_read_and_one_of_65_is_431() {
    let server = start(Limits::default()).await;
    let head = |fields: usize| {
        let more: String = (2..fields).map(|n| format!("X-{n}: y\r\n")).collect();
        format!("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{more}\r\n")
    };
    assert_eq!(status_of(&server.answer_to(&head(64)).await), "200");
    assert_eq!(status_of(&server.answer_to(&head(65)).await), "431");
}

#[tokio::test]
async fn a_head_of_15_kib_is_read_and_one_of_17_is_431() {
    let server = start(Limits::default()).await;
    let head = |size: usize| {
        format!("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: {}\r\n\r\n", "y".repeat(size))
    };
    assert_eq!(status_of(&server.answer_to(&head(15 * 1024)).await), "200");
    assert_eq!(status_of(&server.answer_to(&head(17 * 1024)).await), "431");
    assert_eq!(status_of(&server.answer_to(&head(1024 * 1024)).await), "431");
}

#[tokio::test]
async fn a_client_that_is_still_sending_is_not_reset_before_it_has_read_why() {
    let server = start(Limits::default()).await;
    let mut client = server.connect().await;
    // More than is read, so that closing at once would reset the connection.
    client.send(&format!("GET / HTTP/1.1\r\nX: {}", "y".repeat(40 * 1024))).await;
    let answer = client.until("\r\n\r\n").await;
    assert_eq!(status_of(&answer), "431");
    client.send(&"y".repeat(4 * 1024)).await;
    client.0.shutdown().await.unwrap();
    let mut rest = Vec::new();
    let ended = timeout(EVER, client.0.read_to_end(&mut rest)).await.expect("the server closes");
    assert!(ended.is_ok(), "{ended:?}");
}

#[tokio::test]
async fn a_body_of_more_than_64_kib_is_413_announced_or_not() {
    let server = start(Limits::default()).await;
    let body = format!("{{\"reason\":\"r\"}}{}", " ".repeat(64 * 1024 - 13));
    assert_eq!(body.len(), 64 * 1024 + 1);
    let announced = post_of(&format!("Content-Length: {}\r\n", body.len()), &body);
    assert_eq!(status_of(&server.answer_to(&announced).await), "413");
    let chunk = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let chunked = post_of("Transfer-Encoding: chunked\r\n", &chunk);
    assert_eq!(status_of(&server.answer_to(&chunked).await), "413");
    let only_announced = post_of("Content-Length: 9999999999\r\n", "");
    assert_eq!(status_of(&server.answer_to(&only_announced).await), "413");
}

#[tokio::test]
async fn both_framings_at_once_are_answered_once_by_the_chunks_and_closed() {
    let server = start(Limits::default()).await;
    let body = "e\r\n{\"reason\":\"r\"}\r\n0\r\n\r\n";
    let smuggled = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    for framing in
        ["Content-Length: 5\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 5"]
    {
        let request = format!(
            "POST /body HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{framing}\r\n\r\n{body}{smuggled}"
        );
        let answer = server.answer_to(&request).await;
        assert_eq!(status_of(&answer), "200", "{answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    }
}

#[tokio::test]
async fn ambiguous_framing_is_400_and_closed() {
    let server = start(Limits::default()).await;
    for head in [
        "Content-Length: 2\r\nContent-Length: 3",
        "Content-Length: 2, 3",
        "Content-Length: +2",
        "Content-Length: -2",
        "Content-Length: 0x2",
        "Content-Length: 99999999999999999999",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked, identity",
        "X: a\r\n b",
        "X : a",
        "X\0: a",
    ] {
        let request =
            format!("POST /echo HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n{{}}GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        let answer = server.answer_to(&request).await;
        assert_eq!(status_of(&answer), "400", "{head}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{head}: {answer}");
    }
}

#[tokio::test]
async fn a_head_names_one_host() {
    let server = start(Limits::default()).await;
    let smuggled = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    for hosts in ["", "Host: x\r\nHost: x\r\n"] {
        let answer = server.answer_to(&format!("GET / HTTP/1.1\r\n{hosts}\r\n{smuggled}")).await;
        assert_eq!(status_of(&answer), "400", "{hosts}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    }
    assert_eq!(status_of(&server.answer_to("GET / HTTP/1.0\r\n\r\n").await), "200", "HTTP/1.0 had no hosts");
}

#[tokio::test]
async fn bad_bodies_and_two_credentials_are_refused_over_the_wire() {
    let server = start(Limits::default()).await;
    let body = |body: &str| post_of(&format!("Content-Length: {}\r\n", body.len()), body);
    let deep = format!("{{\"reason\":{}{}}}", "[".repeat(16), "]".repeat(16));
    let two = "GET /self HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer a\r\nAuthorization: Bearer a\r\n\r\n";
    for (request, status) in [
        (body("{\"reason\":\"r\"}"), "200"),
        (body("{\"reason\":\"r\",\"reason\":\"r\"}"), "400"),
        (body(&deep), "400"),
        (post_of("Content-Encoding: gzip\r\nContent-Length: 4\r\n", "\x1f\x08\x08\x00"), "415"),
        (two.to_owned(), "400"),
    ] {
        let answer = server.answer_to(&request).await;
        assert_eq!(status_of(&answer), status, "{request}\n{answer}");
    }
}

#[tokio::test]
async fn draining_finishes_what_is_in_flight_and_takes_nothing_new() {
    let server = start(Limits::default()).await;
    let mut in_flight = server.connect().await;
    in_flight.send("GET /gate HTTP/1.1\r\nHost: x\r\n\r\n").await;
    server.entered(1).await;
    let mut idle = server.connect().await;
    idle.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    idle.until("hello").await;

    server.stop.send(()).unwrap();
    assert_eq!(idle.rest().await, "", "an idle connection is closed at once");
    assert!(server.tracker.is_draining());
    assert!(TcpStream::connect(server.address).await.is_err(), "nobody listens any more");

    server.gate.add_permits(1);
    let answer = in_flight.rest().await;
    assert!(status_of(&answer) == "200" && answer.ends_with("open"), "{answer}");
    assert_eq!(timeout(EVER, server.ended).await.unwrap().unwrap(), Drained { cut: 0 });
    assert_eq!(server.tracker.connections(), 0);
}

#[tokio::test]
async fn draining_ends_in_time_even_if_a_request_does_not() {
    let server = start(Limits { drain: Duration::from_millis(50), ..Limits::default() }).await;
    let mut stuck = server.connect().await;
    stuck.send("GET /gate HTTP/1.1\r\nHost: x\r\n\r\n").await;
    server.entered(1).await;
    server.stop.send(()).unwrap();
    assert_eq!(stuck.rest().await, "");
    assert_eq!(timeout(EVER, server.ended).await.unwrap().unwrap(), Drained { cut: 1 });
}

#[tokio::test]
async fn a_full_address_is_refused_only_while_all_its_connections_are_busy() {
    let server = start(Limits { per_address: 2, ..Limits::default() }).await;
    let mut busy = server.connect().await;
    busy.send("GET /gate HTTP/1.1\r\nHost: x\r\n\r\n").await;
    server.entered(1).await;
    let mut idle = server.connect().await;
    idle.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    idle.until("hello").await;

    let mut third = server.connect().await;
    third.send("GET /gate HTTP/1.1\r\nHost: x\r\n\r\n").await;
    server.entered(1).await;
    assert_eq!(idle.rest().await, "", "the idle one made room");

    assert_eq!(server.connect().await.rest().await, "", "nobody is idle now");
    server.gate.add_permits(2);
    assert!(busy.until("open").await.contains("200 OK"));
    assert!(third.until("open").await.contains("200 OK"));
}

/// An HTTP/2 client, and the end of its connection.
async fn h2(server: &Server) -> (h2::client::SendRequest<Bytes>, JoinHandle<Result<(), h2::Error>>) {
    let io = TcpStream::connect(server.address).await.unwrap();
    let (client, connection) = h2::client::handshake(io).await.unwrap();
    (client.ready().await.unwrap(), tokio::spawn(connection))
}

fn get_of(path: &str) -> axum::http::request::Builder {
    axum::http::Request::get(format!("http://x{path}"))
}

#[tokio::test]
async fn http2_is_spoken_with_the_same_routes_and_limits() {
    let server = start(Limits { idle: Duration::from_millis(500), ..Limits::default() }).await;
    let (mut client, connection) = h2(&server).await;

    let (answer, _) = client.send_request(get_of("/").body(()).unwrap(), true).unwrap();
    let mut body = answer.await.unwrap().into_body();
    assert_eq!(body.data().await.unwrap().unwrap(), "hello");

    let many = (0..65).fold(get_of("/"), |request, n| request.header(format!("x-{n}"), "y"));
    let (answer, _) = client.send_request(many.body(()).unwrap(), true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 431);

    let large = get_of("/").header("x", "y".repeat(17 * 1024)).body(()).unwrap();
    let (answer, _) = client.send_request(large, true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 431);

    // With no request in flight the server ends the connection, and this task with it.
    drop(client);
    let _ = timeout(EVER, connection).await.expect("an idle connection is closed").unwrap();
}

#[tokio::test]
async fn an_idle_http2_connection_is_closed_though_its_client_keeps_it() {
    let server = start(Limits { idle: Duration::from_millis(500), ..Limits::default() }).await;
    let (mut client, connection) = h2(&server).await;
    let (answer, _) = client.send_request(get_of("/").body(()).unwrap(), true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 200);
    let _ = timeout(EVER, connection).await.expect("an idle connection is closed").unwrap();
    assert!(client.ready().await.is_err());
}

#[tokio::test]
async fn rapid_resets_end_in_goaway() {
    let server = start(Limits::default()).await;
    let (mut client, connection) = h2(&server).await;
    let resetting = async {
        loop {
            let Ok(ready) = client.ready().await else { return };
            client = ready;
            let Ok((_, mut stream)) = client.send_request(get_of("/gate").body(()).unwrap(), true) else {
                return;
            };
            stream.send_reset(h2::Reason::CANCEL);
            tokio::task::yield_now().await;
        }
    };
    timeout(EVER, resetting).await.expect("the server has enough");
    let error = timeout(EVER, connection).await.unwrap().unwrap().unwrap_err();
    assert!(error.is_go_away() || error.is_io(), "{error:?}");
}

#[tokio::test]
async fn draining_lets_an_http2_request_finish() {
    let server = start(Limits::default()).await;
    let (mut client, connection) = h2(&server).await;
    let (answer, _) = client.send_request(get_of("/gate").body(()).unwrap(), true).unwrap();
    server.entered(1).await;
    server.stop.send(()).unwrap();
    server.gate.add_permits(1);
    let mut body = answer.await.unwrap().into_body();
    assert_eq!(body.data().await.unwrap().unwrap(), "open");
    timeout(EVER, connection).await.unwrap().unwrap().unwrap();
    assert_eq!(timeout(EVER, server.ended).await.unwrap().unwrap(), Drained { cut: 0 });
}

#[test]
fn only_a_proxy_on_this_machine_is_believed_for_whom_it_asks() {
    let asked = |peer: &str, forwarded: &[&str]| {
        let mut request = Request::new(());
        request.extensions_mut().insert(Peer(SocketAddr::new(peer.parse().unwrap(), 1)));
        for said in forwarded {
            request.headers_mut().append("x-forwarded-for", HeaderValue::from_str(said).unwrap());
        }
        from(&request.into_parts().0).map(|address| address.to_string())
    };
    let is = |text: &str| Some(text.to_owned());
    // What the one before it wrote is whatever the client liked.
    assert_eq!(asked("127.0.0.1", &["1.2.3.4, 203.0.113.7"]), is("203.0.113.7"));
    assert_eq!(asked("::1", &["1.2.3.4", "2001:db8::7"]), is("2001:db8::7"));
    assert_eq!(asked("127.0.0.1", &["unknown"]), None);
    assert_eq!(asked("::ffff:127.0.0.1", &["203.0.113.7"]), is("203.0.113.7"));
    // It may be a proxy that says nothing, behind which everybody is.
    assert_eq!(asked("127.0.0.1", &[]), None);
    assert_eq!(asked("198.51.100.1", &[]), None);
    assert_eq!(asked("198.51.100.1", &["203.0.113.7"]), None);
}
