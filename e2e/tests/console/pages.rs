//! Every page that there is, as people with their own ways of reading meet it: nothing for axe-core to
//! find in either theme, nothing for the browser's console to complain of, nothing asked of anybody else,
//! small, and never wider than its window.

use e2e::{Browser, PASSWORD, Server, Theme};
use serde_json::{Value, json};

use super::{named, overflows, server, signed_in, token};

/// The pages of an account, below `/console/acme/`. `{…}` stands for a token of the stage.
const PAGES: &[&str] = &[
    "tokens",
    "tokens?status=active&sort=name",
    "tokens?q=there+is+none",
    "tokens?done=created",
    "tokens/new",
    "tokens/{used}",
    "tokens/{used}?done=edited",
    "tokens/{used}/edit",
    "tokens/{used}/rotate",
    "tokens/{used}/revoke",
    "tokens/{used}/report-leak",
    "tokens/{used}/delete",
    "tokens/{revoked}",
    "tokens/{revoked}?done=revoked",
    "tokens/{revoked}/approve",
    "tokens/{leaked}",
    "tokens/{grace}",
];

/// Bytes over the wire of a page with all that it loads, by a browser that has nothing kept.
const MOST: u64 = 60_000;

/// Tokens in every state that an hour can bring about, by the names that the table has for them.
struct Stage {
    server: Server,
    ids: Vec<(&'static str, String)>,
}

impl Stage {
    fn set() -> Stage {
        let server = server("default");
        let ids = vec![
            ("used", used(&server)),
            ("revoked", after(&server, "old laptop", "revoke")),
            ("leaked", after(&server, "in a chat", "report-leak")),
            ("grace", in_grace(&server)),
        ];
        token(&server, json!({ "name": "soon over", "expires_in": "3 days" }));
        token(&server, json!({ "name": "reader", "permission": { "list": ["files:read", "devices:read"] } }));
        Stage { server, ids }
    }

    fn path(&self, page: &str) -> String {
        let mut path = format!("/console/acme/{page}");
        for (name, id) in &self.ids {
            path = path.replace(&format!("{{{name}}}"), id);
        }
        path
    }
}

fn used(server: &Server) -> String {
    let ask = json!({
        "name": "nightly backup",
        "description": "copies the devices' files to the archive",
        "permission": { "access": "read", "entities": ["files"] },
        "metadata": { "team": "data" },
    });
    let (id, secret) = token(server, ask);
    for address in ["203.0.113.7", "203.0.113.7", "198.51.100.20"] {
        server.verify_with(json!({ "token": secret, "address": address }));
    }
    server.verify_with(json!({ "token": secret, "permission": "devices:delete" }));
    id
}

fn after(server: &Server, name: &str, act: &str) -> String {
    let (id, _) = named(server, name);
    server.act(&server.admin_token, &id, act).ok(200);
    id
}

fn in_grace(server: &Server) -> String {
    let (id, _) = named(server, "rotated");
    let path = server.path(&format!("tokens/{id}/rotate"));
    server.admin().post(&path, json!({ "grace": "1 day" })).ok(201);
    id
}

#[test]
fn every_page_can_be_read_in_both_themes_and_asks_nobody_else() {
    let stage = Stage::set();
    let browser = signed_in(&stage.server);
    let mut faults = Vec::new();
    for page in PAGES {
        open(&browser, &stage.path(page));
        look(&browser, &stage.server, page, &mut faults);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The other sections are found by their entries, and what they lead to by its links, so that a page is
/// looked at as soon as it is there.
#[test]
fn whatever_the_navigation_leads_to_can_be_read() {
    const MOST: usize = 60;
    let stage = Stage::set();
    peopled(&stage.server);
    let browser = signed_in(&stage.server);
    let mut known: Vec<String> = Vec::new();
    let mut waiting = links(&browser, "nav a[href], .person a[href]");
    let mut faults = Vec::new();
    while let Some(path) = waiting.pop() {
        let shape = shape(&path);
        // The pages of tokens have a table of their own; files to be kept are no pages.
        let passed = known.contains(&shape)
            || !shape.starts_with("/console/acme/")
            || shape.starts_with("/console/acme/tokens")
            || shape.ends_with("/export");
        if passed {
            continue;
        }
        open(&browser, &path);
        waiting.extend(links(&browser, "main a[href]"));
        look(&browser, &stage.server, &shape, &mut faults);
        known.push(shape);
        assert!(known.len() < MOST, "more pages than there can be: {known:#?}");
    }
    println!("{known:#?}");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(known.iter().any(|shape| shape == "/console/acme/me"), "{known:#?}");
}

/// Something of everything that a section can list.
fn peopled(server: &Server) {
    server.member("Member");
    let program = json!({ "name": "pipeline", "role": "Viewer" });
    server.admin().post(&server.path("service-accounts"), program).ok(201);
    server.admin().post(&server.path("nodes"), json!({ "path": "/website" })).ok(201);
    server.admin().post(&server.path("installations"), json!({ "name": "gateway" })).ok(201);
    server.account("globex", "default");
}

fn links(browser: &Browser, css: &str) -> Vec<String> {
    let script = "return [...document.querySelectorAll(arguments[0])].map((a) => a.pathname + a.search)";
    let links = browser.run(script, json!([css]));
    links.as_array().expect("a list").iter().filter_map(|link| link.as_str().map(str::to_owned)).collect()
}

/// A path without what differs from one thing to the next of its kind.
fn shape(path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let is_id = |part: &str| part.split_once('_').is_some_and(|(_, id)| id.len() == 12);
    let parts = path.split('/').map(|part| if is_id(part) { "{id}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[test]
fn what_opens_over_a_page_can_be_read_too() {
    let stage = Stage::set();
    let browser = signed_in(&stage.server);
    let mut faults = Vec::new();

    // Dialogs, of the list and of one token.
    browser.press("Actions for nightly backup");
    browser.wait(".actions-menu:popover-open");
    look(&browser, &stage.server, "a row's menu", &mut faults);
    browser.goto(&stage.path("tokens/{used}"));
    for (link, title) in [("Rotate", "Rotate nightly backup?"), ("Delete", "Delete nightly backup?")] {
        browser.press(link);
        browser.says(title);
        look(&browser, &stage.server, title, &mut faults);
        browser.press("Cancel");
        browser.wait_without("dialog");
    }

    // The menu of a phone.
    browser.size(390, 800);
    browser.press("Menu");
    browser.wait("#menu:popover-open");
    read(&browser, "a phone's menu", &mut faults);
    browser.size(1280, 800);

    // A form that was refused, what it made, and what it says when it is sent again.
    browser.goto("/console/acme/tokens/new");
    browser.press("Create");
    browser.wait("[aria-invalid=true]");
    // That it was refused stands in the browser's own log, too.
    browser.complaints();
    look(&browser, &stage.server, "a refused form", &mut faults);
    browser.fill("Name", "made by hand");
    browser.press("Create");
    browser.wait("#secret");
    look(&browser, &stage.server, "the secret", &mut faults);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn pages_before_one_is_signed_in_can_be_read_and_so_can_refusals() {
    let server = server("default");
    let browser = Browser::at(&server.url);
    let mut faults = Vec::new();
    open(&browser, "/console/sign-in?next=/acme/tokens");
    look(&browser, &server, "sign-in", &mut faults);
    browser.fill("E-mail address", e2e::ADMIN);
    browser.fill("Password", "another");
    browser.press("Sign in");
    browser.says("The e-mail address or the password is wrong.");
    browser.complaints();
    look(&browser, &server, "sign-in, refused", &mut faults);
    browser.fill("Password", PASSWORD);
    browser.press("Sign in");
    open(&browser, "/console/acme/tokens?q=nothing");
    browser.goto("/console/acme/tokens/pat_0123456789ab");
    browser.complaints();
    look(&browser, &server, "a token that is not there", &mut faults);

    let empty = e2e::Begin::preset("default").at(e2e::Place::Sqlite).empty().start();
    let browser = Browser::at(&empty.url);
    open(&browser, "/");
    look(&browser, &empty, "an empty server", &mut faults);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn under_each_preset_the_pages_of_a_token_can_be_read() {
    let mut faults = Vec::new();
    for preset in ["cockpit", "qovery", "tagoio", "arm", "gcore"] {
        let server = server(preset);
        let browser = signed_in(&server);
        // What a policy makes most of; the rest differs by words and by entries that are missing.
        let one = format!("tokens/{}", token_of(&server));
        for page in ["tokens/new", &one] {
            open(&browser, &format!("/console/acme/{page}"));
            look(&browser, &server, &format!("{preset}: {page}"), &mut faults);
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn token_of(server: &Server) -> String {
    let items = server.tokens(&server.admin_token, "");
    e2e::text(&items[0], "id")
}

#[test]
fn a_page_is_small_even_with_fifty_tokens_on_it() {
    let server = server("default");
    let mut policy = server.policy();
    policy["limit"] = Value::Null;
    server.admin().put(&server.path("policy"), policy).ok(200);
    for number in 1..=50 {
        named(&server, &format!("number {number} of them all"));
    }
    let browser = signed_in(&server);
    open(&browser, "/console/acme/tokens");
    assert_eq!(browser.count("tbody tr"), 50);
    let mut faults = Vec::new();
    weigh(&browser, &server, "fifty tokens", &mut faults);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn nothing_moves_for_those_who_do_not_want_it() {
    let server = server("default");
    let browser = signed_in(&server);
    let longest = || {
        let script = "return Math.max(...[...document.querySelectorAll('*')].flatMap((e) => {
            const style = getComputedStyle(e);
            return [style.transitionDuration, style.animationDuration].flatMap((times) =>
              times.split(',').map((time) => parseFloat(time) * (time.trim().endsWith('ms') ? 1 : 1000)));
          }))";
        browser.run(script, json!([])).as_f64().expect("a number of milliseconds")
    };
    assert!((1.0..=120.0).contains(&longest()), "{}", longest());
    browser.wishes(Theme::Light, true);
    assert_eq!(longest(), 0.0);
}

/// Goes there, with only what that page does in the browser's records.
fn open(browser: &Browser, path: &str) {
    browser.complaints();
    browser.fetched();
    browser.goto(path);
}

/// Finds what is wrong with the page that is before us.
fn look(browser: &Browser, server: &Server, place: &str, faults: &mut Vec<String>) {
    faults.extend(browser.complaints().into_iter().map(|said| format!("{place}: {said}")));
    weigh(browser, server, place, faults);
    read(browser, place, faults);
    faults.extend(overflows(browser).into_iter().map(|window| format!("{place} is too wide at {window}")));
}

/// What axe-core finds in either theme. What it finds apart from colours is the same in both.
fn read(browser: &Browser, place: &str, faults: &mut Vec<String>) {
    faults.extend(browser.axe().into_iter().map(|fault| format!("{place}, light: {fault}")));
    browser.theme(Theme::Dark);
    faults.extend(browser.axe_colours().into_iter().map(|fault| format!("{place}, dark: {fault}")));
    browser.theme(Theme::Light);
}

/// What the page loaded, and from where.
fn weigh(browser: &Browser, server: &Server, place: &str, faults: &mut Vec<String>) {
    let mut fetched = browser.fetched();
    // A page that was refused or led elsewhere came before; what is weighed begins with the last one.
    let last = fetched.iter().rposition(|one| one.kind == "Document").unwrap_or(0);
    for one in fetched.iter().filter(|one| !one.url.starts_with(&server.url)) {
        faults.push(format!("{place} asks {} for a {}", one.url, one.kind));
    }
    fetched.drain(..last);
    let bytes: u64 = fetched.iter().map(|one| one.bytes).sum();
    if bytes > MOST {
        faults.push(format!("{place} has {bytes} bytes: {fetched:#?}"));
    }
    for (css, most) in [("link[rel=stylesheet]", 1), ("script", 1), ("[style], style, main img", 0)] {
        if browser.count(css) > most {
            faults.push(format!("{place} has {} of {css}", browser.count(css)));
        }
    }
}
