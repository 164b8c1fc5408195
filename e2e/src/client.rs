//! A caller of the HTTP API: one credential, one server, no opinion about status codes.

use std::time::Duration;

use serde_json::Value;
use ureq::http::{HeaderMap, Method, Request};

use crate::PATIENCE;
use crate::postgres::Peers;

/// Speaks to one server with one credential, or with none.
///
/// Every call opens a connection of its own, so that a restarted server is never met through a
/// connection to the one before, and every call to peers behind a round-robin meets the next.
#[derive(Clone)]
pub struct Client {
    url: String,
    headers: Vec<(String, String)>,
    /// Who else must have heard of a change before we go on.
    peers: Option<Peers>,
}

impl Client {
    /// A client without a credential.
    pub fn anonymous(url: &str) -> Client {
        Client::over(url, None)
    }

    /// The same, speaking to peers: whatever it changes is known to all of them once it has the answer.
    pub(crate) fn over(url: &str, peers: Option<Peers>) -> Client {
        Client { url: url.to_owned(), headers: Vec::new(), peers }
    }

    /// The same client, sending this header too.
    pub fn header(&self, name: &str, value: &str) -> Client {
        let mut client = self.clone();
        client.headers.push((name.to_owned(), value.to_owned()));
        client
    }

    /// The same client with `Authorization: Bearer <token>`.
    pub fn bearer(&self, token: &str) -> Client {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None)
    }

    pub fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body))
    }

    pub fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, Some(body))
    }

    pub fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, Some(body))
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None)
    }

    fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        match body {
            Some(body) => self.raw(method, path, &[("Content-Type", "application/json")], &body.to_string()),
            None => self.raw(method, path, &[], ""),
        }
    }

    /// Any method, any headers, any bytes that are text. An empty body sends none.
    pub fn raw(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.try_raw(method.clone(), path, headers, body)
            .unwrap_or_else(|error| panic!("{method} {path} at {} got no answer: {error}", self.url))
    }

    /// The same, for a server that may be dead or dying: no answer is an outcome, not a failure.
    pub fn try_raw(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Answer, ureq::Error> {
        let mut request = Request::builder().method(method.clone()).uri(format!("{}{path}", self.url));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let sent = crate::now();
        let takes_a_body = matches!(method, Method::POST | Method::PUT | Method::PATCH);
        let mut response = if body.is_empty() && !takes_a_body {
            agent().run(request.body(()).expect("a test sends well-formed headers"))?
        } else {
            agent().run(request.body(body.to_owned()).expect("a test sends well-formed headers"))?
        };
        let text = response.body_mut().read_to_string()?;
        let heard = crate::now();
        let took = heard.duration_since(sent).try_into().unwrap_or_default();
        let asks_only = method == Method::GET || path.starts_with("/v1/verify");
        // Where the answer is unknown, nothing was said that others must have heard of.
        let told = !asks_only && response.status().as_u16() != 503;
        if let Some(peers) = self.peers.as_ref().filter(|_| told) {
            peers.settle();
        }
        Ok(Answer {
            asked: format!("{method} {path}"),
            took,
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            heard,
            json: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
        })
    }
}

/// One agent a call: no pool, no proxy of the environment, no redirect followed.
fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .max_idle_connections(0)
        .max_redirects(0)
        .proxy(None)
        .timeout_global(Some(PATIENCE))
        .build()
        .new_agent()
}

/// What the server answered, kept whole so that a failing assertion can show it.
pub struct Answer {
    pub(crate) asked: String,
    /// From the sending to the last byte of the answer.
    pub took: Duration,
    pub status: u16,
    pub headers: HeaderMap,
    /// When it had come, which is before anybody waited for other peers.
    pub heard: jiff::Timestamp,
    /// The body, or null when it is not JSON.
    pub json: Value,
    pub text: String,
}

impl Answer {
    /// Asserts the status of a success and hands out the body.
    #[track_caller]
    pub fn ok(&self, status: u16) -> &Value {
        assert!(self.status == status, "expected {status}:\n{self:?}");
        &self.json
    }

    /// Asserts that this is the problem document for `code`, with its status, type and a sentence.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> &Answer {
        assert!(
            self.status == status && self.json["code"] == code,
            "expected a refusal, {status} `{code}`:\n{self:?}"
        );
        assert_eq!(self.json["type"], format!("urn:jeton:problem:{code}"), "{self:?}");
        assert_eq!(self.json["status"], status, "{self:?}");
        let media = self.head("content-type").unwrap_or_default();
        assert!(media.starts_with("application/problem+json"), "a problem has its media type:\n{self:?}");
        self
    }

    /// A header as text, when there is one.
    pub fn head(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// A string in the body, by JSON pointer without its first slash: `member/id`.
    #[track_caller]
    pub fn text_at(&self, pointer: &str) -> String {
        match self.json.pointer(&format!("/{pointer}")) {
            Some(Value::String(text)) => text.clone(),
            _ => panic!("expected a string at `{pointer}`:\n{self:?}"),
        }
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} -> {}", self.asked, self.status)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {}", value.to_str().unwrap_or("(not text)"))?;
        }
        write!(f, "\n{}", self.text)
    }
}
