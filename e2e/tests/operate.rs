//! What an operator relies on: metrics, a reload, a restart that nobody notices, and what a service
//! manager hears.

use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use e2e::{ADMIN, Begin, Client, PATIENCE, Place, Raw, Server, only_on, repository, text, until};
use serde_json::json;

/// A server with metrics, and where they are.
fn measured(begin: Begin) -> (Server, Client) {
    let server = begin.variable("JETON_METRICS__LISTEN", "127.0.0.1:0").start();
    let metrics = where_metrics_are(&server);
    (server, metrics)
}

fn where_metrics_are(server: &Server) -> Client {
    let line = server.line_with("metrics are on http://");
    let url = line.split("metrics are on ").nth(1).and_then(|rest| rest.split("/metrics").next());
    Client::anonymous(url.expect("the line names the address"))
}

/// The value of one series, as it is written.
fn value(page: &str, series: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in:\n{page}")).trim().parse().expect("a number")
}

#[test]
fn metrics_say_what_was_asked_and_answered() {
    if !only_on(&[Place::Sqlite, Place::Postgres], "one process is asked for its own numbers") {
        return;
    }
    let (server, metrics) = measured(Begin::preset("default"));
    let session = server.log_in(ADMIN).text_at("token");
    let token = server.create_named(&session, "ci");
    let secret = text(&token, "secret");
    for _ in 0..3 {
        server.accepts(&secret);
    }
    server.rejects("jtn_pat_nonsense", "malformed");
    server.as_("nobody").get("/v1/tokens/self").refused(401, "unauthenticated");
    server.anonymous().get("/nowhere").refused(404, "not_found");
    let answer = metrics.get("/metrics");
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.head("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    let page = answer.text;
    let number = |series: &str| value(&page, series);
    assert_eq!(number("jeton_verdicts_total{code=\"valid\"}"), 3.0);
    assert_eq!(number("jeton_verdicts_total{code=\"malformed\"}"), 1.0);
    assert_eq!(number("jeton_undetermined_total"), 0.0);
    let verify = "method=\"POST\",route=\"/v1/verify\"";
    assert_eq!(number(&format!("jeton_requests_total{{{verify},status=\"2xx\"}}")), 4.0);
    assert_eq!(number(&format!("jeton_request_seconds_count{{{verify}}}")), 4.0);
    assert!(number(&format!("jeton_request_seconds_sum{{{verify}}}")) > 0.0);
    let myself = "method=\"GET\",route=\"/v1/tokens/self\"";
    assert_eq!(number(&format!("jeton_requests_total{{{myself},status=\"4xx\"}}")), 1.0);
    assert_eq!(number("jeton_requests_total{method=\"none\",route=\"none\",status=\"4xx\"}"), 1.0);
    assert!(number("jeton_changes_total{outcome=\"committed\"}") >= 2.0, "a login and a token");
    assert_eq!(number("jeton_commit_seconds_count"), number("jeton_commit_seconds_bucket{le=\"+Inf\"}"));
    assert!(number("jeton_journal_position") >= 2.0);
    assert!(number("jeton_verifier_tokens") >= 1.0);
    assert_eq!(number("jeton_store_up"), 1.0);
    assert!(number("process_resident_memory_bytes") > 1e6);
    // Nothing that could name somebody.
    for name in ["acme", ADMIN, "pat_", "mem_", "svc_", &text(&token, "id"), &secret] {
        assert!(!page.contains(name), "{name} stands in the metrics");
    }
    metrics.get("/v1/tokens/self").refused(404, "not_found");
    server.anonymous().get("/metrics").refused(404, "not_found");
}

#[test]
fn the_page_of_metrics_is_the_scrape() {
    let (_server, metrics) = measured(Begin::preset("default"));
    let page = metrics.get("/metrics").text;
    let documented = std::fs::read_to_string(repository().join("docs/operate.md")).expect("the page");
    let rows: Vec<Vec<&str>> = documented
        .lines()
        .filter(|line| line.starts_with("| `jeton_") || line.starts_with("| `process_"))
        .map(|line| line.split('|').map(str::trim).collect::<Vec<_>>())
        .filter(|row| row.len() == 6 && ["counter", "gauge", "histogram", "info"].contains(&row[2]))
        .collect();
    let mut scraped = 0;
    for line in page.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').expect("a name and a type");
        let series = match kind {
            "counter" => format!("`{name}_total`"),
            "info" => format!("`{name}_info`"),
            _ => format!("`{name}`"),
        };
        let row = rows.iter().find(|row| row[1] == series);
        let row = row.unwrap_or_else(|| panic!("{series} stands not in docs/operate.md"));
        assert_eq!(row[2], kind, "{series}");
        assert!(page.contains(&format!("# HELP {name} {}", row[4])), "{series} is explained otherwise");
        scraped += 1;
    }
    let elsewhere = |row: &&Vec<&str>| match Place::chosen() {
        Place::Sqlite => row[4].ends_with("PostgreSQL only."),
        _ => row[4].ends_with("SQLite only."),
    };
    assert_eq!(scraped + rows.iter().filter(elsewhere).count(), rows.len(), "a metric was never scraped");
    assert!(page.ends_with("# EOF\n"));
}

#[test]
fn a_reload_changes_what_can_change_and_names_what_waits() {
    let usual = "[log]\nlevel = \"info\"\n";
    let (server, metrics) = measured(Begin::preset("default").configuration(usual));
    server.anonymous().get("/livez").ok(200);
    assert!(!server.output().contains("GET /livez 200"), "{}", server.output());
    server.reload("[log]\nlevel = \"info,access=debug\"\n[verifier]\nmax_tokens = 1000\n");
    server.line_with("reloaded the configuration; changed: log.level");
    server.line_with("these keys have changed and need a restart: verifier.max_tokens");
    server.anonymous().get("/livez").ok(200);
    server.line_with("GET /livez 200");

    server.reload("[log]\nlevel = \"lots\"\n[sever]\nlisten = \"127.0.0.1:1\"\n");
    let line = server.line_with("the configuration was not reloaded");
    assert!(line.contains("log.level is `lots`") && line.contains("did you mean server.listen"), "{line}");
    server.anonymous().get("/livez").ok(200);
    if Place::chosen() != Place::Peers {
        let page = metrics.get("/metrics").text;
        assert_eq!(value(&page, "jeton_config_reloads_total{outcome=\"applied\"}"), 1.0);
        assert_eq!(value(&page, "jeton_config_reloads_total{outcome=\"refused\"}"), 1.0);
    }
    // A preset is for accounts that name none.
    server.reload("[server]\npreset = \"gcore\"\n");
    server.line_with("changed: server.preset, log.level");
    server.admin().post("/v1/accounts", json!({ "id": "next", "name": "Next" })).ok(201);
    let made = server.admin().get("/v1/accounts/next");
    assert_eq!(made.ok(200)["preset"], "gcore");
}

#[test]
fn a_restart_refuses_no_connection_and_answers_what_it_took() {
    if !only_on(&[Place::Sqlite, Place::Postgres], "one socket is handed to one process") {
        return;
    }
    let socket = Arc::new(TcpListener::bind("127.0.0.1:0").expect("a port"));
    let address = socket.local_addr().expect("a bound socket");
    let mut server = Begin::preset("default").listening_on(socket).start();
    assert_eq!(server.url, format!("http://{address}"), "it serves on the socket that it was given");
    let secret = server.admin_token.clone();
    let body = json!({ "token": secret }).to_string();
    let head = format!(
        "POST /v1/verify HTTP/1.1\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
        server.service_key,
        body.len()
    );
    let (ended, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !ended.load(Ordering::SeqCst) {
                    // Panics where the connection is refused, reset, or closed without an answer.
                    let answer = Raw::exchange(&format!("http://{address}"), &head, &body);
                    assert_eq!((answer.status, &answer.json()["valid"]), (200, &json!(true)));
                    answered.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        for _ in 0..3 {
            let before = answered.load(Ordering::SeqCst);
            until("they are answered", || answered.load(Ordering::SeqCst) > before + 20);
            assert_eq!(server.stop(), 0);
            server.restart();
        }
        ended.store(true, Ordering::SeqCst);
    });
}

#[test]
fn a_service_manager_hears_how_the_server_is() {
    if !only_on(&[Place::Sqlite, Place::Postgres], "one process speaks") {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("notify");
    let manager = UnixDatagram::bind(&path).expect("a socket");
    manager.set_read_timeout(Some(PATIENCE)).expect("above zero");
    let hear = || {
        let mut said = [0; 512];
        let read = manager.recv(&mut said).expect("the server says something");
        String::from_utf8_lossy(&said[..read]).into_owned()
    };
    let hear_of = |word: &str| loop {
        let said = hear();
        if said.lines().any(|line| line.starts_with(word)) {
            return said;
        }
    };
    let mut server = Begin::preset("default")
        .variable("NOTIFY_SOCKET", path.to_str().expect("UTF-8"))
        .variable("WATCHDOG_USEC", "200000")
        .configuration("[log]\nlevel = \"info\"\n")
        .start();
    hear_of("READY=1");
    hear_of("WATCHDOG=1");
    hear_of("WATCHDOG=1");
    server.reload("[log]\nlevel = \"debug\"\n");
    let said = hear_of("RELOADING=1");
    let monotonic = said.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC="));
    assert!(monotonic.expect("a time").parse::<u64>().expect("a number") > 0);
    hear_of("READY=1");
    assert_eq!(server.stop(), 0);
    hear_of("STOPPING=1");
}

#[test]
fn who_connected_before_the_stop_is_answered_after_it() {
    if !only_on(&[Place::Sqlite], "the server below the routes is the same everywhere") {
        return;
    }
    let mut server = Server::start("default");
    let mut silent = Raw::connect(&server.url);
    server.anonymous().get("/livez").ok(200);
    server.tell_to_stop();
    server.line_with("told to stop");
    // The connection was accepted before that; it asks only now.
    silent.send("GET /livez HTTP/1.1\r\nHost: jeton.test\r\n\r\n");
    let answers = silent.answers_to_the_end();
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].status, 200);
    assert_eq!(server.stop(), 0);
}
