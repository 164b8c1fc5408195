//! HTTP by hand, for requests that no client would send: bytes in, bytes out.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::PATIENCE;

/// One connection.
pub struct Raw {
    stream: TcpStream,
}

/// An answer as it came.
#[derive(Debug)]
pub struct RawAnswer {
    pub status: u16,
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl RawAnswer {
    pub fn head(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(had, _)| had == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON, null when it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Raw {
    /// Connects to `http://host:port`.
    pub fn connect(url: &str) -> Raw {
        let address = url.strip_prefix("http://").expect("a plain URL");
        let stream = TcpStream::connect(address).expect("the server takes connections");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time above zero");
        stream.set_nodelay(true).expect("a TCP stream");
        Raw { stream }
    }

    /// Sends; a server that has hung up already is no failure here, for its answer is still to read.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// Everything until the server closes, at most `within`. None: it did not close.
    pub fn rest(&mut self, within: Duration) -> Option<Vec<u8>> {
        self.stream.set_read_timeout(Some(within)).expect("a time above zero");
        let mut bytes = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Some(bytes),
                Ok(read) => bytes.extend_from_slice(&buffer[..read]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    return None;
                }
                // A reset is a close too.
                Err(_) => return Some(bytes),
            }
        }
    }

    /// Everything until the server closes, as answers; panics if it does not close.
    #[track_caller]
    pub fn answers_to_the_end(&mut self) -> Vec<RawAnswer> {
        let bytes = self.rest(PATIENCE).expect("the server closes the connection");
        parse_all(&bytes)
    }

    /// One request that ends with its connection, and its one answer. `head` is the request line
    /// and headers without `Host`, each ended by CRLF.
    #[track_caller]
    pub fn exchange(url: &str, head: impl AsRef<[u8]>, body: impl AsRef<[u8]>) -> RawAnswer {
        let mut raw = Raw::connect(url);
        let mut bytes = head.as_ref().to_vec();
        bytes.extend_from_slice(b"Host: jeton.test\r\nConnection: close\r\n\r\n");
        bytes.extend_from_slice(body.as_ref());
        raw.send(&bytes);
        let mut answers = raw.answers_to_the_end();
        assert_eq!(answers.len(), 1, "one answer to one request: {answers:#?}");
        answers.remove(0)
    }
}

/// Answers one after the other, framed by `Content-Length` or chunks.
#[track_caller]
fn parse_all(mut bytes: &[u8]) -> Vec<RawAnswer> {
    let mut answers = Vec::new();
    while !bytes.is_empty() {
        let shown = || String::from_utf8_lossy(bytes).into_owned();
        let end = find(bytes, b"\r\n\r\n").unwrap_or_else(|| panic!("half a head: {}", shown()));
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status line: {}", shown()));
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut answer = RawAnswer { status, headers, body: Vec::new() };
        bytes = &bytes[end + 4..];
        if answer.head("transfer-encoding").is_some() {
            bytes = chunks(bytes, &mut answer.body);
        } else {
            let length = answer.head("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
            assert!(length <= bytes.len(), "half a body: {}", String::from_utf8_lossy(bytes));
            answer.body = bytes[..length].to_vec();
            bytes = &bytes[length..];
        }
        answers.push(answer);
    }
    answers
}

fn chunks<'b>(mut bytes: &'b [u8], into: &mut Vec<u8>) -> &'b [u8] {
    loop {
        let end = find(bytes, b"\r\n").expect("a chunk has a size");
        let size =
            std::str::from_utf8(&bytes[..end]).ok().and_then(|size| usize::from_str_radix(size, 16).ok());
        let size = size.expect("a size is hexadecimal");
        let from = end + 2;
        into.extend_from_slice(&bytes[from..from + size]);
        bytes = &bytes[from + size + 2..];
        if size == 0 {
            return bytes;
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
