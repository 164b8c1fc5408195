//! What a verification costs the server: CPU time per `POST /v1/verify`, against an axum server
//! that reads the same bytes as JSON and answers the same bytes without knowing anything.
//!
//! `cargo bench -p e2e --bench verify [-- REQUESTS_PER_ROUND]`. A second row asks about tokens that
//! may do everything, whose answers are several times as long.
#![allow(clippy::disallowed_methods)] // A benchmark reads a clock.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use axum::Router;
use axum::body::Bytes;
use axum::extract::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::routing::post;
use axum::serve::ListenerExt;
use e2e::{Begin, Place, Server};
use serde::Deserialize;
use serde_json::{Value, json};

use support::wire::{Heard, Wire};
use support::{CALLERS, ROUNDS, Spread, verify};

/// The mode of this program in which it is the other server.
const NOTHING: &str = "answer-the-same-without-knowing";
const TOKENS: usize = 10_000;

fn main() {
    if std::env::args().nth(1).as_deref() == Some(NOTHING) {
        return answer_the_same();
    }
    let requests = support::argument(100_000);
    let server = support::unlimited(Begin::preset("default").at(Place::Sqlite));
    pin(server.pid(), 0);
    pin(std::process::id(), 1);

    let mut usual = Vec::with_capacity(TOKENS);
    let mut wire = Wire::open(&server.url, CALLERS);
    support::create(
        &mut wire,
        &server.admin_token,
        |made, _| made == TOKENS,
        |made| usual.push(e2e::text(made, "secret")),
    );
    let ratio = compare(&server, &usual, "a few permissions", requests);
    let everything = server
        .create(&server.admin_token, json!({ "name": "everything", "permission": { "inherit": true } }));
    let everything = vec![e2e::text(&everything, "secret")];
    compare(&server, &everything, "every permission", requests);
    support::conclude("verify, CPU per request against a no-op", &ratio, "at most 1.6");
}

/// Measures both servers in turns and prints a table; returns the ratio.
fn compare(server: &Server, secrets: &[String], what: &str, requests: usize) -> Spread {
    let (head, body) = sample(server, &secrets[0]);
    let nothing = Nothing::start(&head, &body);
    pin(nothing.child.id(), 0);

    let mut wires = [Wire::open(&server.url, CALLERS), Wire::open(&nothing.url, CALLERS)];
    let processes = [server.pid(), nothing.child.id()];
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut round = |side: usize, requests: usize| {
        let cpu = cpu_micros(processes[side]);
        let (count, elapsed) = wires[side].drive(
            |number, _, request| {
                if number == requests {
                    return false;
                }
                verify(request, &server.service_key, &secrets[dice.below(secrets.len())]);
                true
            },
            |heard| assert!(good(&heard), "{}", heard.text()),
        );
        let cpu = cpu_micros(processes[side]) - cpu;
        [cpu / count as f64, count as f64 / elapsed.as_secs_f64(), cpu / 1e6 / elapsed.as_secs_f64()]
    };

    // The first requests grow buffers and warm what will be warm.
    let _ = (round(0, requests / 4), round(1, requests / 4));
    let before = processes.map(cpu_micros);
    let mut ours = Vec::new();
    let mut theirs = Vec::new();
    for number in 0..ROUNDS {
        // Who is first changes, so that a slow drift of the machine meets both.
        if number % 2 == 0 {
            ours.push(round(0, requests));
            theirs.push(round(1, requests));
        } else {
            theirs.push(round(1, requests));
            ours.push(round(0, requests));
        }
    }
    let all = processes.map(cpu_micros);
    let column = |rows: &[[f64; 3]], index: usize| rows.iter().map(|row| row[index]).collect::<Vec<f64>>();
    let ratio: Vec<f64> = ours.iter().zip(&theirs).map(|(ours, theirs)| ours[0] / theirs[0]).collect();
    let ratio = Spread::of(&ratio);

    println!("\n{what}: answers of {} + {} bytes, {requests} requests a round", head.len() + 4, body.len());
    Spread::heading("");
    for (name, rows) in [("jeton", &ours), ("no-op", &theirs)] {
        Spread::of(&column(rows, 0)).row(&format!("{name}, CPU µs per request"), 2);
        Spread::of(&column(rows, 1)).row(&format!("{name}, requests per second"), 0);
        Spread::of(&column(rows, 2)).row(&format!("{name}, share of a core"), 2);
    }
    ratio.row("ratio of CPU per request", 2);
    // Counters are written between rounds too; here nothing is left out.
    let with_background = (all[0] - before[0]) / (all[1] - before[1]);
    println!("{:<44} {with_background:>10.2}", "ratio with all background work");
    ratio
}

/// One answer for the other server to repeat: its head and its body.
fn sample(server: &Server, secret: &str) -> (String, String) {
    let mut wire = Wire::open(&server.url, 1);
    let mut sample = None;
    wire.drive(
        |number, _, request| {
            verify(request, &server.service_key, secret);
            number == 0
        },
        |heard| {
            assert!(good(&heard), "{}", heard.text());
            sample = Some((heard.head.to_owned(), String::from_utf8_lossy(heard.body).into_owned()));
        },
    );
    sample.expect("there was an answer")
}

fn good(heard: &Heard<'_>) -> bool {
    support::good(heard.status, heard.body)
}

/// A generator of numbers that are not asked to be good, only cheap.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

// The machine

/// Puts a process on one core: servers on the first and the client on the second, where there are
/// two. Without `taskset` they stay where the system puts them.
fn pin(process: u32, core: usize) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if cores < 2 && core == 1 {
        return;
    }
    let mut command = Command::new("taskset");
    command.args(["-a", "-c", "-p", &core.to_string(), &process.to_string()]).stdout(Stdio::null());
    if !command.status().is_ok_and(|status| status.success()) {
        eprintln!("process {process} is not bound to core {core}: `taskset` did not do it");
    }
}

/// CPU time of a process so far, user and system: the sum over its threads, which the scheduler
/// counts in nanoseconds (`schedstat`, Documentation/scheduler/sched-stats.rst of the kernel).
fn cpu_micros(process: u32) -> f64 {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).expect("it runs");
    let nanos = |thread: std::io::Result<std::fs::DirEntry>| {
        // A thread that ended while we looked has nothing to add.
        let text = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    };
    threads.filter_map(nanos).sum::<f64>() / 1e3
}

// The other server

/// The no-op in a process of its own.
struct Nothing {
    child: Child,
    url: String,
}

impl Nothing {
    /// Starts it; it learns what to answer on its standard input.
    fn start(head: &str, body: &str) -> Nothing {
        let mut child = Command::new(std::env::current_exe().expect("a program knows where it runs"))
            .arg(NOTHING)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it is this program");
        let lines: Vec<&str> = head.lines().skip(1).collect();
        let learn = json!({ "headers": lines, "body": body });
        writeln!(child.stdin.as_mut().expect("piped"), "{learn}").expect("it listens");
        let mut url = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut url).expect("it says where");
        Nothing { child, url: url.trim().to_owned() }
    }
}

impl Drop for Nothing {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What it reads. The names are read and the values are made, as any server must.
#[derive(Deserialize)]
struct Ask {
    token: String,
    permission: Option<String>,
    node: Option<String>,
}

/// An axum server as its first page shows it, on a runtime like jeton's.
fn answer_the_same() {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("it was told what to answer");
    let told: Value = serde_json::from_str(&line).expect("in JSON");
    let mut headers = HeaderMap::new();
    for header in told["headers"].as_array().expect("a list") {
        let (name, value) = header.as_str().and_then(|line| line.split_once(": ")).expect("a header");
        let name: HeaderName = name.parse().expect("it was a header before");
        // These two hyper writes by itself.
        if name != "content-length" && name != "date" {
            headers.append(name, HeaderValue::from_str(value).expect("it was a header before"));
        }
    }
    let body = Bytes::from(told["body"].as_str().expect("text").to_owned());
    let answer = async move |Json(ask): Json<Ask>| {
        std::hint::black_box((ask.token, ask.permission, ask.node));
        (headers.clone(), body.clone())
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        println!("http://{}", listener.local_addr().expect("it is bound"));
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).expect("a TCP socket"));
        let routes = Router::new().route("/v1/verify", post(answer));
        axum::serve(listener, routes).await.expect("it serves until it is killed");
    });
}
