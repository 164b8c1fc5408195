//! What a browser is made of: Chromium with a profile of its own in a temporary directory, and its driver.
//! To start the two takes longer than most of what is done with them, so a test takes what another has done
//! with. What a page or a person does there is in [`super`].

use std::io::{BufRead, BufReader};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};

use fantoccini::{Client, ClientBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::PATIENCE;

pub(super) struct Engine {
    pub(super) runtime: Runtime,
    pub(super) client: Client,
    driver: Child,
    _profile: TempDir,
}

/// Those that nobody uses, kept for as long as any is used: nothing outlives the last test, because what
/// a process has at its end it does not put away.
struct Kept {
    used: usize,
    idle: Vec<Engine>,
}

static KEPT: Mutex<Kept> = Mutex::new(Kept { used: 0, idle: Vec::new() });

fn kept() -> MutexGuard<'static, Kept> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One for as long as a test wants it.
pub(super) struct Lent(Option<Engine>);

impl Lent {
    pub(super) fn new() -> Lent {
        let idle = kept().idle.pop();
        let engine = idle.unwrap_or_else(Engine::start);
        kept().used += 1;
        Lent(Some(engine))
    }
}

impl Deref for Lent {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        self.0.as_ref().expect("there until it is given back")
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut kept = kept();
        kept.used -= 1;
        // Who knows what a test that failed left behind.
        let over: Vec<Engine> = match (std::thread::panicking(), kept.used) {
            (_, 0) => kept.idle.drain(..).chain(self.0.take()).collect(),
            (true, _) => self.0.take().into_iter().collect(),
            (false, _) => {
                kept.idle.extend(self.0.take());
                Vec::new()
            }
        };
        drop(kept);
        drop(over);
    }
}

impl Engine {
    fn start() -> Engine {
        let profile = TempDir::new().expect("a temporary directory");
        let (driver, port) = start_driver(profile.path());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let capabilities = capabilities(profile.path());
        let client = runtime.block_on(async {
            let mut builder = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new());
            let capabilities = capabilities.as_object().expect("an object").clone();
            builder.capabilities(capabilities).connect(&format!("http://127.0.0.1:{port}")).await
        });
        let client = client.expect("the driver opens a browser");
        Engine { runtime, client, driver, _profile: profile }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Closing the session ends Chromium; where that fails, the end of its pipe to the driver does.
        let closed = async { tokio::time::timeout(PATIENCE, self.client.clone().close()).await };
        let _ = self.runtime.block_on(closed);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Starts the driver on a port that the system chose, which it says.
fn start_driver(home: &Path) -> (Child, u16) {
    let program = program("chromedriver");
    let mut command = Command::new(&program);
    command.arg("--port=0").env_clear().env("HOME", home).env("TZ", "UTC").env("LANG", "C.UTF-8");
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut driver = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let (found, port) = mpsc::channel();
    let output = driver.stdout.take().expect("piped");
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let said = line.rsplit_once("started successfully on port ").map(|(_, rest)| rest);
            if let Some(port) = said.and_then(|rest| rest.trim_end_matches('.').parse::<u16>().ok()) {
                // Nobody listens any more where the one line was enough.
                let _ = found.send(port);
            }
        }
    });
    let Ok(port) = port.recv_timeout(PATIENCE) else {
        let _ = driver.kill();
        panic!("{} did not say where it listens", program.display());
    };
    (driver, port)
}

fn capabilities(profile: &Path) -> Value {
    let mut arguments = vec![
        "--headless=new".to_owned(),
        // Ends with the driver, however that ends.
        "--remote-debugging-pipe".to_owned(),
        format!("--user-data-dir={}", profile.join("profile").display()),
        // Nobody but this machine is asked anything.
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost".to_owned(),
        "--no-proxy-server".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--disable-default-apps".to_owned(),
        "--disable-domain-reliability".to_owned(),
        "--disable-sync".to_owned(),
        "--no-first-run".to_owned(),
        "--no-default-browser-check".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--disable-gpu".to_owned(),
        "--hide-scrollbars".to_owned(),
        "--force-color-profile=srgb".to_owned(),
        "--lang=en".to_owned(),
    ];
    // Chromium's sandbox cannot be set up by root.
    if rustix::process::geteuid().is_root() {
        arguments.push("--no-sandbox".to_owned());
    }
    json!({
        "browserName": "chrome",
        "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        "goog:chromeOptions": {
            "binary": program("chromium"),
            "args": arguments,
            "prefs": {
                "intl.accept_languages": "en",
                "credentials_enable_service": false,
                "profile.password_manager_enabled": false,
            },
        },
    })
}

/// A program of the search path.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|place| place.join(name)).find(|place| place.is_file());
    found.unwrap_or_else(|| panic!("no {name} on the search path: `script/browser` installs it"))
}
