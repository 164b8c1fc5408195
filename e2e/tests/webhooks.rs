//! Webhooks, taken by receivers on loopback that do as a test says: what arrives, in what order, what a receiver that
//! fails and a process that is killed make of it, and where this server does not go.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use e2e::{Authority, Begin, Place, Server, only_on, text, until};
use hmac::{Hmac, KeyInit, Mac};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use sha2::Sha256;

const ALLOWED: &str = "[webhooks]\nallow = \"127.0.0.0/8\"\n";

/// What a receiver does with an entry about a subject.
#[derive(Clone)]
enum Does {
    Answers(u16),
    SendsTo(String),
    Hangs,
}

/// What came: the headers by their names, and the body.
#[derive(Clone)]
struct Came {
    headers: HashMap<String, String>,
    body: Value,
    text: String,
}

impl Came {
    fn subject(&self) -> &str {
        self.body["data"]["subject"].as_str().unwrap()
    }

    fn what(&self) -> (String, String) {
        (self.body["type"].as_str().unwrap().to_owned(), self.subject().to_owned())
    }
}

#[derive(Clone)]
struct Receiver {
    port: u16,
    came: Arc<Mutex<Vec<Came>>>,
    plan: Arc<Mutex<HashMap<String, Does>>>,
}

/// A line, in the clear or not.
trait Line: Read + Write + Send {}
impl<L: Read + Write + Send> Line for L {}

impl Receiver {
    fn start() -> Receiver {
        Receiver::with(|stream| Some(Box::new(stream)))
    }

    /// One that speaks TLS, certified for `localhost` by this authority.
    fn guarded(authority: &Authority) -> Receiver {
        let (certificate, key) = authority.certify("localhost");
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let config = Arc::new(config.with_single_cert(vec![certificate], key).unwrap());
        Receiver::with(move |stream| {
            let session = ServerConnection::new(config.clone()).ok()?;
            Some(Box::new(StreamOwned::new(session, stream)))
        })
    }

    fn with(line: impl Fn(TcpStream) -> Option<Box<dyn Line>> + Send + 'static) -> Receiver {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let receiver = Receiver { port, came: Arc::default(), plan: Arc::default() };
        let all = receiver.clone();
        // It ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (one, line) = (all.clone(), line(stream));
                thread::spawn(move || one.take(line?));
            }
        });
        receiver
    }

    fn take(&self, line: Box<dyn Line>) -> Option<()> {
        let mut reader = BufReader::new(line);
        let mut headers = HashMap::new();
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        loop {
            line.clear();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.insert(name.to_lowercase(), value.to_owned());
        }
        let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
        reader.read_exact(&mut body).ok()?;
        let text = String::from_utf8(body).ok()?;
        let came = Came { headers, body: serde_json::from_str(&text).ok()?, text };
        let does = {
            let plan = self.plan.lock().unwrap();
            plan.get(came.subject()).or(plan.get("*")).cloned().unwrap_or(Does::Answers(204))
        };
        self.came.lock().unwrap().push(came);
        let answer = match does {
            Does::Answers(status) => format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n"),
            Does::SendsTo(url) => format!("HTTP/1.1 307 X\r\nlocation: {url}\r\ncontent-length: 0\r\n\r\n"),
            // As long as whoever asks waits.
            Does::Hangs => {
                let _ = reader.read_exact(&mut [0]);
                return None;
            }
        };
        reader.get_mut().write_all(answer.as_bytes()).ok()?;
        reader.get_mut().flush().ok()
    }

    fn does(&self, subject: &str, does: Does) {
        self.plan.lock().unwrap().insert(subject.to_owned(), does);
    }

    fn came(&self) -> Vec<Came> {
        self.came.lock().unwrap().clone()
    }

    fn whats(&self) -> Vec<(String, String)> {
        self.came().iter().map(Came::what).collect()
    }

    fn comes(&self, count: usize) -> Vec<Came> {
        until("something comes", || self.came.lock().unwrap().len() >= count);
        self.came()
    }
}

/// A webhook that tells a receiver all about tokens: its path, and its secret.
fn webhook(server: &Server, receiver: &Receiver) -> (String, String) {
    let url = format!("http://127.0.0.1:{}/hook?key=a", receiver.port);
    let body = json!({ "name": "ops", "url": url, "actions": ["token"] });
    let made = server.admin().post("/v1/accounts/acme/webhooks", body);
    let id = text(made.ok(201), "id");
    (format!("/v1/accounts/acme/webhooks/{id}"), text(made.ok(201), "secret"))
}

fn token(server: &Server, name: &str) -> String {
    text(server.admin().post("/v1/accounts/acme/tokens", json!({ "name": name })).ok(201), "id")
}

fn rename(server: &Server, id: &str, name: &str) {
    server.admin().patch(&format!("/v1/accounts/acme/tokens/{id}"), json!({ "name": name })).ok(200);
}

fn deliveries(server: &Server, path: &str) -> Vec<Value> {
    let all = server.admin().get(&format!("{path}/deliveries"));
    all.ok(200)["items"].as_array().unwrap().clone()
}

/// As a receiver checks it, by the specification and not by our code.
fn signature(secret: &str, came: &Came) -> String {
    let key = unbase64(secret.strip_prefix("whsec_").unwrap());
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    let (id, at) = (&came.headers["webhook-id"], &came.headers["webhook-timestamp"]);
    mac.update(format!("{id}.{at}.{}", came.text).as_bytes());
    format!("v1,{}", base64(&mac.finalize().into_bytes()))
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn unbase64(text: &str) -> Vec<u8> {
    let digits = text.bytes().filter_map(|byte| DIGITS.iter().position(|digit| *digit == byte));
    let bits: Vec<bool> =
        digits.flat_map(|digit| (0..6).rev().map(move |bit| digit >> bit & 1 == 1)).collect();
    bits.as_chunks::<8>()
        .0
        .iter()
        .map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit)))
        .collect()
}

fn base64(bytes: &[u8]) -> String {
    let part = |part: &[u8]| {
        let bits =
            part.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - part.len()));
        let digit = |at: usize| char::from(DIGITS[(bits >> (18 - 6 * at) & 63) as usize]);
        (0..4).map(|at| if at <= part.len() { digit(at) } else { '=' }).collect::<String>()
    };
    bytes.chunks(3).map(part).collect()
}

#[test]
fn an_entry_arrives_signed_and_as_the_journal_has_it() {
    let receiver = Receiver::start();
    let server = Begin::preset("default").configuration(ALLOWED).start();
    let (path, secret) = webhook(&server, &receiver);
    let id = token(&server, "deploy");
    let first = receiver.comes(1)[0].clone();
    assert_eq!(first.what(), ("token.created".to_owned(), id.clone()));
    let journal =
        server.admin().get("/v1/accounts/acme/journal?action=token.created&limit=1").ok(200).clone();
    assert_eq!(
        (&first.body["data"], &first.body["timestamp"]),
        (&journal["items"][0], &journal["items"][0]["at"])
    );
    assert_eq!(first.headers["webhook-signature"], signature(&secret, &first));
    assert_eq!(first.headers["content-type"], "application/json");

    // A second secret signs beside the first, which a receiver may still have.
    let rotated = server.admin().post(&format!("{path}/rotate-secret"), json!({}));
    let newer = text(rotated.ok(201), "secret");
    rename(&server, &id, "deploy 2");
    let second = receiver.comes(2)[1].clone();
    let both = format!("{} {}", signature(&newer, &second), signature(&secret, &second));
    assert_eq!(second.headers["webhook-signature"], both);

    until("both are done with", || {
        deliveries(&server, &path).iter().all(|delivery| delivery["status"] == "delivered")
    });
    let shown = server.admin().get(&path).ok(200).clone();
    assert_eq!(
        (&shown["status"], &shown["waiting"], &shown["missed"]),
        (&json!("working"), &json!(0), &json!(0))
    );
    let (output, said) = (server.output(), format!("{shown} {}", first.text));
    for it in [&secret, &newer, &server.admin_token] {
        assert!(!output.contains(it.as_str()) && !said.contains(it.as_str()));
    }
    let journal = server.admin().get("/v1/accounts/acme/journal?action=webhook").ok(200).to_string();
    assert!(journal.contains("127.0.0.1") && !journal.contains("key=a"), "{journal}");
    server.admin().delete(&path).ok(200);
    rename(&server, &id, "deploy 3");
    server.admin().get(&path).refused(404, "not_found");
}

#[test]
fn of_one_token_the_later_waits_and_what_was_not_taken_is_told_again() {
    let receiver = Receiver::start();
    let server = Begin::preset("default").configuration(ALLOWED).start();
    let (path, _) = webhook(&server, &receiver);
    receiver.does("*", Does::Answers(500));
    let one = token(&server, "one");
    receiver.comes(1);
    until("the failure is kept", || deliveries(&server, &path)[0]["answer"] == 500);
    receiver.does("*", Does::Answers(204));
    receiver.does(&one, Does::Answers(500));
    rename(&server, &one, "one 2");
    let other = token(&server, "other");
    until("the other went on", || receiver.whats().contains(&("token.created".to_owned(), other.clone())));
    let statuses: Vec<String> = deliveries(&server, &path).iter().map(|each| text(each, "status")).collect();
    assert!(statuses.contains(&"waiting".to_owned()), "{statuses:?}");
    receiver.does(&one, Does::Answers(200));
    until("all is told", || deliveries(&server, &path).iter().all(|each| each["status"] == "delivered"));
    let of_one: Vec<String> = receiver
        .whats()
        .into_iter()
        .filter(|(_, subject)| *subject == one)
        .map(|(action, _)| action)
        .collect();
    assert_eq!(of_one.last().unwrap(), "token.edited");
    assert!(of_one[..of_one.len() - 1].iter().all(|action| action == "token.created"), "{of_one:?}");
    let ids: BTreeSet<String> = receiver
        .came()
        .iter()
        .filter(|came| came.what() == ("token.created".to_owned(), one.clone()))
        .map(|came| came.headers["webhook-id"].clone())
        .collect();
    assert_eq!(ids.len(), 1, "each try has the same id");

    // What was delivered can be had once more.
    let seq = deliveries(&server, &path)[0]["seq"].clone();
    let before = receiver.came().len();
    let again = server.admin().post(&format!("{path}/deliveries/{seq}/redeliver"), json!({}));
    assert_eq!(again.ok(200)["tries"], 0);
    receiver.comes(before + 1);
    server.admin().post(&format!("{path}/deliveries/999999/redeliver"), json!({})).refused(404, "not_found");
}

#[test]
fn a_receiver_is_spoken_to_by_tls_where_somebody_vouches_for_its_name() {
    let authority = Authority::new();
    let receiver = Receiver::guarded(&authority);
    let ca = format!("{ALLOWED}ca = \"{}\"\n", authority.file().display());
    let server = Begin::preset("default").configuration(&ca).start();
    let made = |host: &str| {
        let url = format!("https://{host}:{}/", receiver.port);
        let body = json!({ "name": host, "url": url, "actions": ["token"] });
        let made = server.admin().post("/v1/accounts/acme/webhooks", body);
        format!("/v1/accounts/acme/webhooks/{}", text(made.ok(201), "id"))
    };
    let (named, other) = (made("localhost"), made("127.0.0.1"));
    token(&server, "deploy");
    until("it is taken by its name", || {
        deliveries(&server, &named).first().is_some_and(|each| each["status"] == "delivered")
    });
    until("and by no other", || {
        let all = deliveries(&server, &other);
        all.first().is_some_and(|each| each["error"].as_str().is_some_and(|why| why.contains("certificate")))
    });
    assert_eq!(receiver.came().len(), 1);
    // Whoever trusts the public authorities alone does not trust this one.
    let server = Begin::preset("default").configuration(ALLOWED).start();
    let url = format!("https://localhost:{}/", receiver.port);
    let body = json!({ "name": "x", "url": url, "actions": ["token"] });
    let path = text(server.admin().post("/v1/accounts/acme/webhooks", body).ok(201), "id");
    let path = format!("/v1/accounts/acme/webhooks/{path}");
    token(&server, "deploy");
    until("it is not trusted", || {
        deliveries(&server, &path)
            .first()
            .is_some_and(|each| each["tries"].as_i64() > Some(0) && each["error"].is_string())
    });
    assert_eq!(receiver.came().len(), 1);
}

#[test]
fn what_a_receiver_answers_is_shown_and_nothing_is_followed() {
    let (receiver, elsewhere) = (Receiver::start(), Receiver::start());
    let server = Begin::preset("default").configuration(ALLOWED).start();
    let (path, _) = webhook(&server, &receiver);
    let last = || deliveries(&server, &path).first().cloned().unwrap_or_default();
    receiver.does("*", Does::SendsTo(format!("http://127.0.0.1:{}/", elsewhere.port)));
    token(&server, "redirected");
    until("the redirect is an answer", || last()["answer"] == 307);
    receiver.does("*", Does::Answers(410));
    token(&server, "gone");
    until("gone is for good", || last()["status"] == "given_up" && last()["answer"] == 410);
    assert_eq!(server.admin().get(&path).ok(200)["status"], "failing");
    receiver.does("*", Does::Hangs);
    token(&server, "hangs");
    until("whoever hangs is not waited for", || {
        last()["error"].as_str().is_some_and(|why| why.contains("in time"))
    });
    assert!(elsewhere.came().is_empty(), "somebody followed the redirect");
    // The others of the server's work go on meanwhile.
    assert!(server.admin().get("/v1/accounts/acme/tokens").status == 200);
}

#[test]
fn nothing_private_is_called_unless_the_operator_says_so() {
    let receiver = Receiver::start();
    let server = Server::start("default");
    let make =
        |url: &str| server.admin().post("/v1/accounts/acme/webhooks", json!({ "name": "x", "url": url }));
    let port = receiver.port;
    for host in [
        "127.0.0.1",
        "127.8.8.8",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[fe80::1]",
        "[fd00::1]",
        "[ff02::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "localhost",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "017700000001",
    ] {
        for scheme in ["https", "http"] {
            make(&format!("{scheme}://{host}:{port}/")).refused(422, "invalid_field");
        }
    }
    for url in
        ["https://u:p@hooks.example/", "http://hooks.example/", "ftp://hooks.example/", "https://", "x"]
    {
        make(url).refused(422, "invalid_field");
    }
    assert!(receiver.came().is_empty());
}

/// Where names of this machine lead here whatever they are, the address counts and not the name.
#[test]
fn a_name_that_leads_to_a_private_address_is_not_called_when_it_is_told() {
    let receiver = Receiver::start();
    let server = Begin::preset("default").configuration("[webhooks]\nallow = \"10.0.0.0/8\"\n").start();
    // A name that no rule knows, and that leads to this machine where /etc/hosts says so.
    let Some(name) = name_of_this_machine() else {
        println!("/etc/hosts has no name for this machine but localhost");
        return;
    };
    let body =
        json!({ "name": "x", "url": format!("http://{name}:{}/", receiver.port), "actions": ["token"] });
    let made = server.admin().post("/v1/accounts/acme/webhooks", body);
    let path = format!("/v1/accounts/acme/webhooks/{}", text(made.ok(201), "id"));
    token(&server, "deploy");
    until("it was not called", || {
        let all = deliveries(&server, &path);
        all.first().is_some_and(|each| each["error"].as_str().is_some_and(|why| why.contains("operator")))
    });
    assert!(receiver.came().is_empty());
}

/// A name in /etc/hosts besides `localhost` that leads to a loopback address.
fn name_of_this_machine() -> Option<String> {
    let hosts = std::fs::read_to_string("/etc/hosts").ok()?;
    let mut names = hosts
        .lines()
        .filter(|line| line.starts_with("127.") || line.starts_with("::1"))
        .flat_map(|line| line.split_whitespace().skip(1).map(str::to_owned).collect::<Vec<_>>());
    names.find(|name| !name.ends_with("localhost") && name.is_ascii())
}

/// A process that dies again and again while it tells a receiver of 150 tokens, each of them twice.
#[test]
fn each_entry_arrives_though_the_process_is_killed_in_the_middle() {
    if !only_on(&[Place::Sqlite], "peers wait for a delivery's turn to pass, which takes a minute") {
        return;
    }
    const TOKENS: usize = 150;
    let receiver = Receiver::start();
    let mut server = Begin::preset("default").configuration(ALLOWED).start();
    let mut policy = server.admin().get("/v1/accounts/acme/policy").ok(200).clone();
    policy["limit"] = Value::Null;
    server.admin().put("/v1/accounts/acme/policy", policy).ok(200);
    let (path, _) = webhook(&server, &receiver);
    let ids: Vec<String> = (0..TOKENS).map(|n| token(&server, &format!("token {n}"))).collect();
    let mut kills = 0;
    for at_least in [1, 40, 100] {
        receiver.comes(at_least);
        server.kill9();
        kills += 1;
        server.restart();
    }
    for id in &ids {
        rename(&server, id, "renamed");
    }
    until("each is told of both", || {
        let told: BTreeSet<(String, String)> = receiver.whats().into_iter().collect();
        told.len() == 2 * TOKENS
    });
    let mut by_token: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (action, subject) in receiver.whats() {
        by_token.entry(subject).or_default().push(action);
    }
    for (subject, actions) in &by_token {
        let first_edit = actions.iter().position(|action| action == "token.edited").unwrap();
        assert!(
            first_edit > 0 && actions[..first_edit].iter().all(|it| it == "token.created"),
            "{subject}: {actions:?}"
        );
        assert!(actions[first_edit..].iter().all(|it| it == "token.edited"), "{subject}: {actions:?}");
    }
    let copies = receiver.came().len() - 2 * TOKENS;
    // Between the receiver's answer and our row something can be sent again; it has the same id then.
    assert!(copies <= kills * 8, "{copies} copies");
    let ids: BTreeSet<String> =
        receiver.came().iter().map(|came| came.headers["webhook-id"].clone()).collect();
    assert_eq!(ids.len(), 2 * TOKENS);
    println!("{copies} copies of {} deliveries by {kills} kills", 2 * TOKENS);
    until("all is done with", || server.admin().get(&path).ok(200)["waiting"] == 0);
}
