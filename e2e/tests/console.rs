//! The console in a real browser: what axe-core says of each page in both themes, what a page loads, a
//! token's life without scripts and by keyboard alone, names that mean harm, and pictures of it all.
//!
//! `script/browser` installs what the browser needs. What pages say, and to whom, is tested without one
//! in `crates/web/tests`. These start servers on SQLite alone: pages know no store.

#[path = "console/life.rs"]
mod life;
#[path = "console/names.rs"]
mod names;
#[path = "console/pages.rs"]
mod pages;
#[path = "console/pictures.rs"]
mod pictures;

use e2e::{ADMIN, Begin, Browser, Place, Server, text};
use serde_json::{Value, json};

/// A server whose pages are looked at.
fn server(preset: &str) -> Server {
    Begin::preset(preset).at(Place::Sqlite).start()
}

/// Its first administrator's browser, at the list of tokens.
fn signed_in(server: &Server) -> Browser {
    let browser = Browser::at(&server.url);
    browser.sign_in(ADMIN);
    browser
}

/// A token of the administrator's, and its secret.
fn token(server: &Server, ask: Value) -> (String, String) {
    let made = server.create(&server.admin_token, ask);
    (text(&made, "id"), text(&made, "secret"))
}

fn named(server: &Server, name: &str) -> (String, String) {
    token(server, json!({ "name": name }))
}

/// Where a page can be too wide: a wide window, the same at 200%, a phone.
const WINDOWS: [(&str, u32, u32); 3] = [("1280", 1280, 1), ("1280 at 200%", 1280, 2), ("390", 390, 1)];

/// In which of them the page is wider than its window.
fn overflows(browser: &Browser) -> Vec<&'static str> {
    let mut wide = Vec::new();
    for (name, width, times) in WINDOWS {
        browser.zoomed(width, 800, times);
        let script = "const page = document.documentElement; return page.scrollWidth - page.clientWidth";
        if browser.run(script, json!([])).as_i64() != Some(0) {
            wide.push(name);
        }
    }
    browser.size(1280, 800);
    wide
}
