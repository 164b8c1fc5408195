//! A mail server under a test's hand: aiosmtpd, on loopback. It writes down what it takes, and stops and
//! starts when it is told.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::{Authority, binary, free_port, now, repository};

/// Longer than a letter that failed once waits to be tried again.
const PATIENCE: Duration = Duration::from_secs(150);

pub struct MailServer {
    pub port: u16,
    directory: TempDir,
    arguments: Vec<String>,
    running: Option<Child>,
}

impl MailServer {
    /// One that takes mails as they come, over a line that others could read.
    pub fn plain() -> MailServer {
        MailServer::with(&[], None)
    }

    /// One that takes nothing before STARTTLS and a login, certified for `localhost` by this authority.
    pub fn guarded(authority: &Authority, login: &str) -> MailServer {
        MailServer::with(&["--starttls", "--login", login], Some(authority))
    }

    /// One that speaks TLS from the first byte.
    pub fn wrapped(authority: &Authority) -> MailServer {
        MailServer::with(&["--tls"], Some(authority))
    }

    fn with(options: &[&str], authority: Option<&Authority>) -> MailServer {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut arguments: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        if let Some(authority) = authority {
            let (certificate, key) = authority.certify("localhost");
            for (name, text) in [("certificate", certificate), ("key", key)] {
                let path = directory.path().join(name);
                std::fs::write(&path, text).expect("our own directory");
                arguments.extend([format!("--{name}"), path.display().to_string()]);
            }
        }
        let mut server = MailServer { port: free_port(), directory, arguments, running: None };
        server.start();
        server
    }

    pub fn start(&mut self) {
        let mut child = Command::new(python())
            .arg(repository().join("e2e/smtp/server.py"))
            .arg(self.port.to_string())
            .arg(self.file())
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // It tells of every connection that ended otherwise than it should, with a trace.
            .stderr(Stdio::null())
            .spawn()
            .expect("Python starts");
        let mut said = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        said.read_line(&mut line).expect("a line");
        assert_eq!(line.trim(), "listening");
        self.running = Some(child);
    }

    pub fn stop(&mut self) {
        if let Some(mut child) = self.running.take() {
            child.kill().expect("it is ours");
            child.wait().expect("it has ended");
        }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("taken")
    }

    /// Every mail so far.
    pub fn taken(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.file()).unwrap_or_default();
        // What is being written has no end of line yet.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(|line| serde_json::from_str(line).expect("a line of ours")).collect()
    }

    /// Waits until there are so many mails, and hands them out.
    #[track_caller]
    pub fn takes(&self, count: usize) -> Vec<Value> {
        let deadline = now() + jiff::SignedDuration::try_from(PATIENCE).expect("minutes fit");
        loop {
            let taken = self.taken();
            if taken.len() >= count {
                return taken;
            }
            assert!(now() < deadline, "{} mails of {count}: {taken:#?}", taken.len());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The Python that has aiosmtpd, beside the binary under test.
fn python() -> PathBuf {
    let target = Path::new(&binary()).ancestors().nth(2).expect("it lies in target/debug").to_owned();
    let python = target.join("smtp/bin/python");
    assert!(python.exists(), "{} is missing; script/smtp installs it", python.display());
    python
}
