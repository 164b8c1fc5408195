//! `jeton dev` in a process of its own: a server with people and tokens in it, whose clock can be moved on.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Client, binary, text};

/// One that runs, and what it printed.
pub struct Dev {
    child: Child,
    pub printed: Value,
    runtime: TempDir,
}

impl Dev {
    pub fn start(preset: &str) -> Dev {
        let runtime = tempfile::tempdir().expect("a directory");
        let mut child = Dev::command(runtime.path())
            .args(["dev", "--preset", preset, "--listen", "127.0.0.1:0", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary was found");
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("piped"));
        out.read_line(&mut line).expect("a line");
        let printed = serde_json::from_str(&line).unwrap_or_else(|error| {
            let mut said = String::new();
            child.stderr.take().expect("piped").read_to_string(&mut said).expect("text");
            panic!("no JSON, {error}: {line}{said}")
        });
        Dev { child, printed, runtime }
    }

    /// The binary with nothing in its environment but a place for what it keeps while it runs.
    pub fn command(runtime: &Path) -> Command {
        let mut command = Command::new(binary());
        command.env_clear().current_dir(runtime).env("XDG_RUNTIME_DIR", runtime).env("NO_COLOR", "1");
        command
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        text(&self.printed, "url")
    }

    /// A client with this token.
    pub fn as_(&self, secret: &str) -> Client {
        Client::anonymous(&self.url()).bearer(secret)
    }

    pub fn verify(&self, token: &str) -> Value {
        self.service().post("/v1/verify", json!({ "token": token })).ok(200).clone()
    }

    /// A client with the key of the service that verifies.
    pub fn service(&self) -> Client {
        self.as_(&text(&self.printed, "service_key"))
    }

    pub fn people(&self) -> Vec<Value> {
        self.printed["people"].as_array().expect("a list").clone()
    }

    /// Moves its clock on by a period, such as `3 days`.
    #[track_caller]
    pub fn advance(&self, by: &str) {
        Client::anonymous(&self.url()).post("/dev/clock", json!({ "advance": by })).ok(200);
    }

    /// Ends it, and tells whether it left anything.
    pub fn stop(mut self) -> Vec<String> {
        self.terminate();
        assert!(self.child.wait().expect("our own child").success());
        let left = std::fs::read_dir(self.runtime.path()).expect("our own directory");
        left.map(|entry| entry.expect("readable").path().display().to_string()).collect()
    }

    fn terminate(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("our own child");
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // One that was stopped, or that ended by itself, is known to be gone.
        if matches!(self.child.try_wait(), Ok(None)) {
            self.terminate();
            let _ = self.child.wait();
        }
    }
}
