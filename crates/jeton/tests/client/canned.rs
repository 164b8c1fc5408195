//! A server that answers what a test says and remembers what it was asked, and a home in which the
//! program runs without anything of the machine's environment.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A problem as the server writes it.
pub(crate) fn problem(status: u16, code: &str) -> (u16, Value) {
    let body = json!({
        "type": format!("urn:jeton:problem:{code}"), "title": code, "status": status,
        "detail": format!("what happened with {code}"), "code": code, "request_id": "req_1"
    });
    (status, body)
}

/// What the server was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// The request line.
    pub(crate) line: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Asked {
    /// The value of a header, empty without it.
    pub(crate) fn header(&self, name: &str) -> String {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("the program sends JSON")
    }
}

/// A server on a port of its own. It ends with the test's process.
pub(crate) struct Canned {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Canned {
    /// Gives these answers in turn, and none after them.
    pub(crate) fn answering(answers: Vec<(u16, Value)>) -> Self {
        Self::start(answers.into_iter().map(whole).collect())
    }

    /// Loses its first answer, then gives these.
    pub(crate) fn hanging_up_then(answers: Vec<(u16, Value)>) -> Self {
        Self::start(std::iter::once(String::new()).chain(answers.into_iter().map(whole)).collect())
    }

    /// Sends whoever asks to another URL.
    pub(crate) fn redirecting(to: &str) -> Self {
        Self::start(vec![format!(
            "HTTP/1.1 307 X\r\nlocation: {to}/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        )])
    }

    fn start(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let remembered = asked.clone();
        std::thread::spawn(move || {
            let mut answers = answers.into_iter();
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                remembered.lock().unwrap().push(read(&connection));
                // A request beyond the script finds its connection closed, and the test fails on that.
                let answer = answers.next().unwrap_or_default();
                connection.write_all(answer.as_bytes()).unwrap();
            }
        });
        Self { url, asked }
    }

    /// The URL of a port on which nobody listens.
    pub(crate) fn nobody() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Everything that was asked so far, in order.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// An answer as it goes over the wire.
fn whole((status, body): (u16, Value)) -> String {
    let kind = if status < 400 { "application/json" } else { "application/problem+json" };
    let body = body.to_string();
    let length = body.len();
    let head = format!("HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {length}");
    format!("{head}\r\nconnection: close\r\n\r\n{body}")
}

fn read(connection: &TcpStream) -> Asked {
    let mut reader = BufReader::new(connection);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim_end() {
            "" => break,
            text => lines.push(text.to_owned()),
        }
    }
    let headers: Vec<(String, String)> = lines[1..]
        .iter()
        .map(|line| line.split_once(": ").expect("a header has a colon"))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    Asked { line: lines[0].clone(), headers, body: String::from_utf8(body).unwrap() }
}

/// A directory of its own and an environment of its own.
#[derive(Clone)]
pub(crate) struct Home {
    directory: Arc<TempDir>,
    variables: Vec<(String, String)>,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) exit: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { directory: Arc::new(TempDir::new().unwrap()), variables: Vec::new() }
    }

    /// The same home with one more variable.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut variables = self.variables.clone();
        variables.push((name.to_owned(), value.to_owned()));
        Self { directory: self.directory.clone(), variables }
    }

    /// The same home with a token for this server in the account `acme`.
    pub(crate) fn with_token(&self, server: &Canned, token: &str) -> Self {
        self.with("JETON_SERVER", server.url()).with("JETON_TOKEN", token).with("JETON_ACCOUNT", "acme")
    }

    pub(crate) fn credentials(&self) -> PathBuf {
        self.directory.path().join("config/jeton/credentials.toml")
    }

    /// Writes a file and returns its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.feed(arguments, "")
    }

    /// Runs `jeton` with this on its standard input.
    pub(crate) fn feed(&self, arguments: &[&str], input: &str) -> Ran {
        self.start(arguments, input, Stdio::piped())
    }

    pub(crate) fn start(&self, arguments: &[&str], input: &str, out: Stdio) -> Ran {
        let mut child = Command::new(env!("CARGO_BIN_EXE_jeton"))
            .args(arguments)
            .env_clear()
            .env("XDG_CONFIG_HOME", self.directory.path().join("config"))
            .envs(self.variables.iter().cloned())
            .current_dir(self.directory.path())
            .stdin(Stdio::piped())
            .stdout(out)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that reads nothing may have ended before.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Ran {
            exit: output.status.code().expect("the program ends by itself"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
