//! What lists cost among a million tokens: a page of 50 of one account for every filter and order, by the API
//! and in the console, the server's inventory over 5,000 accounts, and one change that revokes 100,000 tokens.
//!
//! `cargo bench -p e2e --bench lists [-- TOKENS]`. The server makes a few thousand tokens; the rest are
//! copies of their rows with names and dates of their own, written while it is stopped. CPU is what
//! `/proc/PID/stat` counts for the process, in ticks of 10 ms, over many asks.
//!
//! JETON_TEST_STORE=postgres measures over PostgreSQL; the database's own CPU is not counted.
#![allow(clippy::disallowed_methods)] // A benchmark reads a clock.

mod support;

use std::time::Instant;

use e2e::{ACCOUNT, ADMIN, Begin, PASSWORD, Place, Server};
use serde_json::{Value, json};

use support::many::{Many, Spec};
use support::wire::Wire;
use support::{CALLERS, Spread};

/// Tokens whose secrets are known: revoked with the others, none of them may verify.
const MADE: usize = 4_000;
/// Asks of each filter and order.
const ASKS: usize = 80;
const ACCOUNTS: usize = 5_000;
/// Revoked by one change.
const SWEPT: usize = 100_000;

/// A filter and an order that is dearer than this is counted.
const GOAL: f64 = 5.0;
const GOAL_OF_PAGES: f64 = 10.0;

const SORTS: [&str; 5] = ["created_at", "expires_at", "name", "id", "last_used_at"];

fn main() {
    let tokens = support::argument(1_000_000);
    one_account(tokens);
    whole_server(tokens);
}

/// A server with so many tokens, of which the first have these secrets.
fn filled(spec: &Spec) -> (Server, Vec<String>, Many) {
    let mut server = support::unlimited(Begin::preset("default").at(Place::chosen()));
    let mut secrets = Vec::with_capacity(MADE);
    let mut wire = Wire::open(&server.url, CALLERS);
    support::create(
        &mut wire,
        &server.admin_token,
        |made, _| made == MADE,
        |made| secrets.push(e2e::text(made, "secret")),
    );
    drop(wire);
    let viewer = server.admin().get(&server.path("roles")).ok(200)["items"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|role| role["name"] == "Viewer")
        .map(|role| e2e::text(role, "id"))
        .expect("the preset has it");
    assert_eq!(server.stop(), 0, "{}", server.output());
    let many = Many::write(&server, spec, &viewer);
    server.restart();
    let said = |server: &Server| server.output().matches(" in memory").count();
    e2e::until("all tokens are in memory", || said(&server) == 2);
    (server, secrets, many)
}

fn one_account(tokens: usize) {
    let spec = Spec { tokens, accounts: 0, holders: 10_000 };
    let (server, _, many) = filled(&spec);
    let path = server.path("tokens");
    let (began, cpu) = (Instant::now(), cpu_ms(&server));
    ask(&server, &format!("{path}?sort=expires_at"));
    let (seconds, cpu) = (began.elapsed().as_secs_f64(), (cpu_ms(&server) - cpu) / 1e3);
    println!("\nfirst list that has to search, {tokens} tokens: {seconds:.2} s, CPU {cpu:.2} s");
    let filters = [
        String::new(),
        "status=active".into(),
        "status=expired".into(),
        "status=expiring".into(),
        "status=revoked".into(),
        "status=leaked".into(),
        "status=pending".into(),
        "role=Viewer".into(),
        "role=Owner".into(),
        format!("issued_by={}", many.holder),
        "kind=pat".into(),
        "kind=sat".into(),
        "kind=ses".into(),
        "q=deploy".into(),
        "q=12345".into(),
        "q=deploy%20of%20999".into(),
        "q=no%20such%20name".into(),
        "q=abcd".into(),
        format!("q={}", many.id),
        format!("issued_by={}&status=revoked&role=Viewer", many.holder),
        "status=active&role=Viewer&q=9".into(),
    ];
    let authorization = format!("Authorization: Bearer {}", server.admin_token);
    let most = table(&server, &Asker { path: &path, head: &authorization, goal: GOAL }, &filters);
    println!("\nlist of 50 among {tokens}, ms of CPU: at most {most:.2}, goal at most {GOAL} for any");
    // The console filters by no kind.
    let filters: Vec<String> = filters.into_iter().filter(|filter| !filter.starts_with("kind=")).collect();
    let head = format!("Accept: text/html\r\nAccept-Encoding: gzip\r\nCookie: {}", signed_in(&server));
    let path_of_page = format!("/console/{ACCOUNT}/tokens");
    let most = table(&server, &Asker { path: &path_of_page, head: &head, goal: GOAL_OF_PAGES }, &filters);
    println!(
        "\nthe console's page of 50 among {tokens}, ms of CPU: at most {most:.2}, goal at most {GOAL_OF_PAGES}"
    );
    // Deep in the list it is the same.
    let mut page = ask(&server, &format!("{path}?sort=name&limit=100"));
    for _ in 0..50 {
        let cursor = page["next_cursor"].as_str().expect("there are more").to_owned();
        page = ask(&server, &format!("{path}?sort=name&limit=100&cursor={cursor}"));
    }
    println!("resident with the catalogue, MB: {:.0}", memory(&server));
}

fn whole_server(tokens: usize) {
    let spec = Spec { tokens, accounts: ACCOUNTS, holders: 10_000 };
    let (server, secrets, many) = filled(&spec);
    let timed = |what: &str, path: &str| {
        let began = Instant::now();
        let answer = ask(&server, path);
        println!("{what:<52} {:>8.3} s", began.elapsed().as_secs_f64());
        answer
    };
    println!("\n{tokens} tokens in {ACCOUNTS} accounts, a page of 50");
    timed("first ask after the start", "/v1/tokens?status=active&sort=expires_at");
    let summary = timed("summary", "/v1/tokens/summary");
    println!("{} tokens in {} accounts", summary["count"], summary["accounts"]);
    for path in
        ["/v1/tokens", "/v1/tokens?status=expired&sort=name", "/v1/tokens?permission=devices:read&sort=id"]
    {
        timed(path, path);
    }
    let filters = [
        String::new(),
        "status=active".into(),
        "status=leaked".into(),
        "role=Viewer".into(),
        "permission=devices:read".into(),
        "permission=policy:read".into(),
        "account=acme".into(),
        "never_used=true".into(),
        "last_used_before=2026-01-01T00:00:00Z".into(),
        "expires_before=2027-01-01T00:00:00Z&created_before=2026-06-01T00:00:00Z".into(),
        "q=deploy%20of%20999".into(),
        format!("holder={}", many.holder),
    ];
    let authorization = format!("Authorization: Bearer {}", server.admin_token);
    let most = table(&server, &Asker { path: "/v1/tokens", head: &authorization, goal: 1000.0 }, &filters);
    println!("\ninventory over {tokens}, ms of CPU: at most {most:.2}, goal at most 1000");
    sweep(&server, &secrets);
}

/// Revokes what the first account has, and as much of the others as makes it [`SWEPT`].
fn sweep(server: &Server, secrets: &[String]) {
    // By creation, which the copies have an order of.
    let all = ask(server, "/v1/tokens/summary")["count"].as_u64().expect("a number") as usize;
    let wanted = SWEPT.min(all / 2);
    let filter = json!({ "q": "swept" });
    let admin = server.admin();
    let began = Instant::now();
    let looked = admin.post("/v1/tokens/revoke", json!({ "filter": filter, "preview": true }));
    let count = looked.ok(200)["count"].as_u64().expect("a number");
    println!("\npreview of {count} (of {wanted} wanted): {:.2} s", began.elapsed().as_secs_f64());
    let (began, cpu) = (Instant::now(), cpu_ms(server));
    let body = json!({ "filter": filter, "confirm": looked.json["confirm"], "reason": "a benchmark" });
    let receipt = admin.post("/v1/tokens/revoke", body);
    let seconds = began.elapsed().as_secs_f64();
    let cpu = (cpu_ms(server) - cpu) / 1e3;
    assert_eq!(receipt.ok(200)["count"].as_u64(), Some(count));
    let mut good = 0;
    Wire::open(&server.url, CALLERS).drive(
        |number, _, request| {
            let Some(secret) = secrets.get(number) else { return false };
            support::verify(request, &server.service_key, secret);
            true
        },
        |heard| good += usize::from(support::good(heard.status, heard.body)),
    );
    assert_eq!(good, 0, "of those whose secrets are known");
    println!(
        "{count} revoked by one change: {seconds:.2} s, CPU {cpu:.2} s; of {} asked about none verifies",
        secrets.len()
    );
    println!("revoked by one change, s: {seconds:.2}, goal at most 5 for 100,000");
}

/// Which list is asked for, with which lines in the head of the request.
struct Asker<'a> {
    path: &'a str,
    head: &'a str,
    goal: f64,
}

/// CPU of each filter and order, the dearer of downwards and upwards; the most of all.
fn table(server: &Server, asker: &Asker<'_>, filters: &[String]) -> f64 {
    let Asker { path, head, goal } = *asker;
    print!("\n{:<48}", format!("{path}, ms of CPU a page of 50"));
    SORTS.iter().for_each(|sort| print!("{sort:>14}"));
    println!();
    let mut all = Vec::new();
    for filter in filters {
        print!("{:<48}", if filter.is_empty() { "no filter" } else { filter });
        for sort in SORTS {
            let mut worst: f64 = 0.0;
            for sort in [sort.to_owned(), format!("-{sort}")] {
                let path = format!("{path}?{filter}{}sort={sort}", if filter.is_empty() { "" } else { "&" });
                let mut wire = Wire::open(&server.url, 1);
                let mut ask = || {
                    let (status, _) = wire.ask(|request| get(request, &path, head));
                    assert_eq!(status, 200, "{path}");
                };
                // The first of a kind works out what the others find.
                ask();
                let before = cpu_ms(server);
                (0..ASKS).for_each(|_| ask());
                worst = worst.max((cpu_ms(server) - before) / ASKS as f64);
            }
            all.push(worst);
            print!("{worst:>14.2}");
        }
        println!();
    }
    let spread = Spread::of(&all);
    let above = all.iter().filter(|worst| **worst > goal).count();
    println!(
        "median {:.2}, least {:.2}, most {:.2}; {above} of {} above {goal}",
        spread.median,
        spread.least,
        spread.most,
        all.len()
    );
    spread.most
}

fn get(request: &mut Vec<u8>, path: &str, head: &str) {
    use std::io::Write;
    write!(request, "GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n{head}\r\n\r\n")
        .expect("memory takes what is written");
}

/// The cookie of the administrator's session in the console.
fn signed_in(server: &Server) -> String {
    let form = format!("email={}&password={PASSWORD}&account={ACCOUNT}", ADMIN.replace('@', "%40"));
    let head = [("Content-Type", "application/x-www-form-urlencoded"), ("Sec-Fetch-Site", "same-origin")];
    let answer = server.anonymous().raw(ureq::http::Method::POST, "/console/sign-in", &head, &form);
    let cookie = answer.head("set-cookie").and_then(|cookie| cookie.split(';').next());
    cookie.expect("signing in sets a cookie").to_owned()
}

fn ask(server: &Server, path: &str) -> Value {
    server.admin().get(path).ok(200).clone()
}

/// User and system time of the process so far, threads that ended included (proc(5), `stat`).
fn cpu_ms(server: &Server) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{}/stat", server.pid())).expect("it runs");
    let (_, rest) = text.rsplit_once(") ").expect("the name stands in brackets");
    let fields: Vec<&str> = rest.split(' ').collect();
    let ticks = |at: usize| fields[at].parse::<f64>().expect("a number");
    (ticks(11) + ticks(12)) * 10.0
}

fn memory(server: &Server) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    kibibytes.expect("the kernel says it in kB") * 1024.0 / 1e6
}
