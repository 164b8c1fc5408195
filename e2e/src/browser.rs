//! A browser: headless Chromium, driven through its driver as a person would use it, by what stands on
//! the page and by keys. With scripts or without.
//!
//! It speaks to this machine alone and goes away with the tests; see [`engine`] for what stands behind it. Nothing that a page forbids its own scripts stands in the way here: what the driver has
//! executed is not subject to the page's `Content-Security-Policy`. What the browser needs is installed by
//! `script/browser`.

mod axe;
mod engine;

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::elements::Element;
use fantoccini::wd::WebDriverCompatibleCommand;
use serde_json::{Value, json};
use ureq::http::Method;
use url::Url;

use self::engine::Lent;
use crate::{PASSWORD, PATIENCE};

/// Keys that type nothing (WebDriver, 17.4.2).
pub mod key {
    pub const TAB: char = '\u{e004}';
    pub const ENTER: char = '\u{e007}';
    pub const SHIFT: char = '\u{e008}';
    pub const ESCAPE: char = '\u{e00c}';
    pub const SPACE: char = ' ';
    pub const DOWN: char = '\u{e015}';
}

/// What the reader's system asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    Light,
    Dark,
}

/// One thing that a page had the browser fetch.
#[derive(Debug, Clone)]
pub struct Fetched {
    pub url: String,
    /// `Document`, `Stylesheet`, `Script`, `Image`, …, as Chromium calls it.
    pub kind: String,
    /// What came over the wire, head and body.
    pub bytes: u64,
}

pub struct Browser {
    engine: Lent,
    /// The server that it looks at.
    base: String,
}

impl Browser {
    /// One that looks at the server at this address, and knows nothing of what was done with it before.
    pub fn at(url: &str) -> Browser {
        let engine = Lent::new();
        let browser = Browser { engine, base: url.to_owned() };
        browser.begin_anew();
        browser.command("Network.setCacheDisabled", json!({ "cacheDisabled": true }));
        browser.command("Emulation.setTimezoneOverride", json!({ "timezoneId": "UTC" }));
        let clipboard = json!({ "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] });
        browser.command("Browser.grantPermissions", clipboard);
        browser.size(1280, 800);
        browser.theme(Theme::Light);
        browser
    }

    /// What another test did with it is gone: where it was, what it was given, what it noted.
    fn begin_anew(&self) {
        self.command("Emulation.setScriptExecutionDisabled", json!({ "value": false }));
        self.command("Network.clearBrowserCookies", json!({}));
        self.goto("about:blank");
        self.command("Page.resetNavigationHistory", json!({}));
        self.complaints();
        self.events();
    }

    /// The same for somebody who runs no scripts. The harness still looks at the page by its own.
    pub fn without_scripts(self) -> Browser {
        self.command("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
        self
    }

    /// Signs in on the page with the password that everybody has here, and lands on the list of tokens.
    #[track_caller]
    pub fn sign_in(&self, email: &str) {
        self.sign_in_with(email, PASSWORD);
    }

    #[track_caller]
    pub fn sign_in_with(&self, email: &str, password: &str) {
        self.goto("/console/sign-in");
        self.fill("E-mail address", email);
        self.fill("Password", password);
        self.press("Sign in");
        self.wait("main .head");
        assert!(self.path().ends_with("/tokens"), "expected the list of tokens, not {}", self.path());
    }

    // Where one is

    pub fn goto(&self, path: &str) {
        let url = if path.starts_with('/') { format!("{}{path}", self.base) } else { path.to_owned() };
        self.wait_for(self.engine.client.goto(&url));
    }

    pub fn back(&self) {
        self.wait_for(self.engine.client.back());
    }

    pub fn reload(&self) {
        self.wait_for(self.engine.client.refresh());
    }

    /// The path and the query of where one is.
    pub fn path(&self) -> String {
        let url = self.wait_for(self.engine.client.current_url());
        url.as_str().strip_prefix(&self.base).unwrap_or(url.as_str()).to_owned()
    }

    // What stands there

    /// The text of the page as it is seen, the dialog's where one is open, with single spaces.
    pub fn text(&self) -> String {
        let text = self.run("return (root === document ? document.body : root).innerText", json!([]));
        words(text.as_str().unwrap_or_default())
    }

    /// Waits until the page says it: what was pressed may still be on its way.
    #[track_caller]
    pub fn says(&self, text: &str) {
        if !soon(|| self.text().contains(text)) {
            panic!("{} does not say \"{text}\":\n{}", self.path(), self.text());
        }
    }

    #[track_caller]
    pub fn does_not_say(&self, text: &str) {
        let all = self.text();
        assert!(!all.contains(text), "{} says \"{text}\":\n{all}", self.path());
    }

    /// All that the page holds, whether it is seen or not.
    pub fn source(&self) -> String {
        self.wait_for(self.engine.client.source())
    }

    /// How many elements there are.
    pub fn count(&self, css: &str) -> usize {
        let count = self.run("return document.querySelectorAll(arguments[0]).length", json!([css]));
        usize::try_from(count.as_u64().expect("a number")).expect("it fits")
    }

    /// Waits until there is one.
    #[track_caller]
    pub fn wait(&self, css: &str) {
        if !soon(|| self.count(css) > 0) {
            panic!("no {css} on {}:\n{}", self.path(), self.text());
        }
    }

    /// Waits until there is none.
    #[track_caller]
    pub fn wait_without(&self, css: &str) {
        if !soon(|| self.count(css) == 0) {
            panic!("{css} stays on {}:\n{}", self.path(), self.text());
        }
    }

    /// The secret that the page shows once.
    #[track_caller]
    pub fn secret(&self) -> String {
        self.wait("#secret");
        let text = self.run("return document.getElementById('secret').textContent", json!([]));
        text.as_str().unwrap_or_default().to_owned()
    }

    // What one does

    /// Clicks what is called so: a link, a button, the head of something folded.
    #[track_caller]
    pub fn press(&self, name: &str) {
        let found = self.find(
            "const all = [...root.querySelectorAll('a[href], button, summary')].filter(seen);
             return all.find((e) => named(e).includes(arguments[0]));",
            name,
        );
        self.wait_for(found.click());
    }

    /// Puts text where a field's is.
    #[track_caller]
    pub fn fill(&self, label: &str, text: &str) {
        let field = self.field(label);
        self.wait_for(field.clear());
        self.wait_for(field.send_keys(text));
    }

    /// Ticks a box or makes a choice.
    #[track_caller]
    pub fn tick(&self, label: &str) {
        let field = self.field(label);
        self.wait_for(field.click());
    }

    /// Chooses from a list by what is read there.
    #[track_caller]
    pub fn choose(&self, label: &str, option: &str) {
        let field = self.field(label);
        self.wait_for(field.select_by_label(option));
    }

    #[track_caller]
    fn field(&self, label: &str) -> Element {
        self.find(
            "const all = [...root.querySelectorAll('input, select, textarea')].filter(seen);
             const called = (e) => [e.ariaLabel, ...[...e.labels].map(words)];
             return all.find((e) => called(e).includes(arguments[0]))
               ?? all.find((e) => called(e).some((name) => name?.startsWith(arguments[0] + ' ')));",
            label,
        )
    }

    #[track_caller]
    fn find(&self, script: &str, name: &str) -> Element {
        // WebDriver, 12.3: how an element is written in JSON.
        const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
        let mut found = None;
        soon(|| {
            found = self.run(script, json!([name]))[ELEMENT].as_str().map(str::to_owned);
            found.is_some()
        });
        let found = found.unwrap_or_else(|| panic!("no \"{name}\" on {}:\n{}", self.path(), self.text()));
        Element::from_element_id(self.engine.client.clone(), found.into())
    }

    /// Presses keys one after another, wherever the focus is; SHIFT is held for the next one.
    pub fn keys(&self, keys: &[char]) {
        let mut actions = KeyActions::new("keyboard".to_owned());
        let mut held = None;
        for &value in keys {
            actions = actions.then(KeyAction::Down { value });
            if value == key::SHIFT {
                held = Some(value);
                continue;
            }
            actions = actions.then(KeyAction::Up { value });
            if let Some(value) = held.take() {
                actions = actions.then(KeyAction::Up { value });
            }
        }
        self.wait_for(self.engine.client.perform_actions(actions));
    }

    /// Goes on with Tab until what is called so has the focus.
    #[track_caller]
    pub fn tab_to(&self, name: &str) {
        const MANY: usize = 80;
        let mut passed = Vec::new();
        for _ in 0..MANY {
            self.keys(&[key::TAB]);
            let focus = self.focus();
            if focus == name {
                return;
            }
            passed.push(focus);
        }
        panic!("Tab does not lead to \"{name}\" on {}, only to {passed:?}", self.path());
    }

    /// What has the focus, by its name.
    pub fn focus(&self) -> String {
        let name = self.run(
            "const e = document.activeElement;
             if (!e || e === document.body) return '';
             return e.ariaLabel ?? (e.labels?.length ? words(e.labels[0]) : words(e)) ?? e.tagName;",
            json!([]),
        );
        name.as_str().unwrap_or_default().to_owned()
    }

    /// What was copied last.
    pub fn clipboard(&self) -> String {
        let script = "navigator.clipboard.readText().then(arguments[0], (e) => arguments[0]('' + e))";
        let read = self.wait_for(self.engine.client.execute_async(script, Vec::new()));
        read.as_str().unwrap_or_default().to_owned()
    }

    // What one's system asks for

    /// In pixels of the page.
    pub fn size(&self, width: u32, height: u32) {
        self.zoomed(width, height, 1);
    }

    /// The same window, everything this many times as large: as many times fewer pixels of the page.
    pub fn zoomed(&self, width: u32, height: u32, times: u32) {
        let (width, height) = (width / times, height / times);
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": times, "mobile": false });
        self.command("Emulation.setDeviceMetricsOverride", metrics);
    }

    pub fn theme(&self, theme: Theme) {
        self.wishes(theme, false);
    }

    pub fn wishes(&self, theme: Theme, still: bool) {
        let scheme = if theme == Theme::Dark { "dark" } else { "light" };
        let motion = if still { "reduce" } else { "no-preference" };
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": motion },
        ]);
        self.command("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    // What the browser knows

    /// Executes a script in the page, which has its arguments in `arguments`, and `root` (the open
    /// dialog, else the page), `words` (an element's text), `named` (what it is called) and `seen`.
    pub fn run(&self, script: &str, arguments: Value) -> Value {
        const HELP: &str = "
            const root = [...document.querySelectorAll('dialog[open]')].pop() ?? document;
            const words = (e) => (e.innerText ?? e.textContent).replace(/\\s+/g, ' ').trim();
            const named = (e) => [words(e), e.ariaLabel, e.title];
            const seen = (e) => e.checkVisibility({ visibilityProperty: true });
        ";
        let arguments = arguments.as_array().expect("a list of arguments").clone();
        self.wait_for(self.engine.client.execute(&format!("{HELP}{script}"), arguments))
    }

    /// What the console of the browser holds against the page since it was last asked: errors, and what
    /// the page's policy refused.
    pub fn complaints(&self) -> Vec<String> {
        let entries = self.log("browser");
        let bad = entries.iter().filter(|entry| entry["level"] == "SEVERE" || entry["level"] == "WARNING");
        bad.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// What was fetched since it was last asked, from anywhere but the browser itself.
    pub fn fetched(&self) -> Vec<Fetched> {
        let mut fetched: Vec<(String, Fetched)> = Vec::new();
        for event in self.events() {
            let parameters = &event["params"];
            let id = parameters["requestId"].as_str().unwrap_or_default();
            let known = fetched.iter().position(|(known, _)| known == id);
            match event["method"].as_str().unwrap_or_default() {
                "Network.requestWillBeSent" => {
                    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                    let (url, kind) = (text(&parameters["request"]["url"]), text(&parameters["type"]));
                    if !url.starts_with("data:") && !url.starts_with("chrome://") {
                        fetched.push((id.to_owned(), Fetched { url, kind, bytes: 0 }));
                    }
                }
                "Network.loadingFinished" => {
                    if let Some((_, fetched)) = known.and_then(|at| fetched.get_mut(at)) {
                        fetched.bytes = parameters["encodedDataLength"].as_f64().unwrap_or_default() as u64;
                    }
                }
                _ => {}
            }
        }
        fetched.into_iter().map(|(_, fetched)| fetched).collect()
    }

    /// Events of the DevTools protocol since they were last asked for: `Network` and `Page`.
    pub fn events(&self) -> Vec<Value> {
        let entries = self.log("performance").into_iter();
        let parsed = entries.filter_map(|entry| serde_json::from_str(entry["message"].as_str()?).ok());
        parsed.map(|message: Value| message["message"].clone()).collect()
    }

    fn log(&self, kind: &str) -> Vec<Value> {
        let entries = self.ask("se/log", json!({ "type": kind }));
        entries.as_array().expect("a log is a list").clone()
    }

    /// A command of the DevTools protocol.
    pub fn command(&self, name: &str, parameters: Value) -> Value {
        self.ask("goog/cdp/execute", json!({ "cmd": name, "params": parameters }))
    }

    /// What the window shows, as a PNG.
    pub fn picture(&self) -> Vec<u8> {
        self.wait_for(self.engine.client.screenshot())
    }

    fn ask(&self, path: &'static str, body: Value) -> Value {
        self.wait_for(self.engine.client.issue_cmd(Ask { path, body }))
    }

    #[track_caller]
    fn wait_for<T>(&self, answer: impl Future<Output = Result<T, fantoccini::error::CmdError>>) -> T {
        let answer = async { tokio::time::timeout(PATIENCE, answer).await };
        let answer = self.engine.runtime.block_on(answer).expect("the browser answers in time");
        answer.unwrap_or_else(|error| panic!("the browser refused: {error}"))
    }
}

/// A command that WebDriver does not know and Chromium's driver does.
#[derive(Debug)]
struct Ask {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Ask {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

/// Whether it comes to be so within a time that is long for a page.
fn soon(mut asked: impl FnMut() -> bool) -> bool {
    const TIMES: u32 = 300;
    (0..TIMES).any(|time| {
        if time > 0 {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        asked()
    })
}

/// With single spaces.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
