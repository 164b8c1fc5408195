//! Somebody's browser, as far as the server can tell: it keeps cookies and says where its requests
//! come from.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::body::Body;
use axum::http::{Method, Request};
use web::server::Peer;

use crate::common::{ADMIN, PASSWORD, Reply, World};

pub(crate) struct Browser<'w> {
    world: &'w World,
    cookies: BTreeMap<String, String>,
    pub(crate) language: &'static str,
    /// The other end of its connections.
    pub(crate) from: Option<SocketAddr>,
}

/// A token that was made on a page.
pub(crate) struct Made {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) page: String,
}

impl<'w> Browser<'w> {
    pub(crate) fn new(world: &'w World) -> Browser<'w> {
        Browser { world, cookies: BTreeMap::new(), language: "en", from: None }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Reply {
        self.send(Method::GET, path, &[("sec-fetch-site", "same-origin")], None).await
    }

    pub(crate) async fn get_with(&mut self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.send(Method::GET, path, headers, None).await
    }

    /// Somebody follows a link, typed in or on another site.
    pub(crate) async fn follow(&mut self, path: &str) -> Reply {
        let navigates = [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ];
        self.get_with(path, &navigates).await
    }

    /// Puts a cookie where it was not set.
    pub(crate) fn hold(&mut self, name: &str, text: &str) {
        self.cookies.insert(name.to_owned(), text.to_owned());
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        self.post_with(path, &[("sec-fetch-site", "same-origin")], fields).await
    }

    pub(crate) async fn post_with(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        fields: &[(&str, &str)],
    ) -> Reply {
        let pairs = fields.iter().map(|(name, text)| format!("{}={}", encoded(name), encoded(text)));
        let body = pairs.collect::<Vec<_>>().join("&");
        self.send(Method::POST, path, headers, Some(body)).await
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Reply {
        let mut request =
            Request::builder().method(method).uri(path).header("accept-language", self.language);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "localhost");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let cookies: Vec<String> = self.cookies.iter().map(|(name, text)| format!("{name}={text}")).collect();
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        if body.is_some() {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        if let Some(from) = self.from {
            request = request.extension(Peer(from));
        }
        let reply = self.world.send(request.body(body.map_or_else(Body::empty, Body::from)).unwrap()).await;
        for cookie in reply.headers.get_all("set-cookie") {
            let (pair, attributes) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, text) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), text.to_owned());
            }
        }
        reply
    }

    pub(crate) async fn sign_in(&mut self) -> Reply {
        self.sign_in_as(ADMIN).await
    }

    pub(crate) async fn sign_in_as(&mut self, email: &str) -> Reply {
        let reply = self.post("/console/sign-in", &[("email", email), ("password", PASSWORD)]).await;
        assert_eq!(reply.status, 303, "{}", reply.text);
        reply
    }

    /// Opens a form that makes something once, fills it and sends it.
    pub(crate) async fn fill(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let nonce = self.get(path).await.hidden("form");
        self.post(path, &[&[("form", nonce.as_str())], fields].concat()).await
    }

    /// Fills the form for a new token and sends it.
    pub(crate) async fn make(&mut self, fields: &[(&str, &str)]) -> Made {
        let page = self.fill("/console/acme/tokens/new", fields).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let secret = page.secret();
        let mut parts = secret.splitn(4, '_').skip(1);
        let id = format!("{}_{}", parts.next().unwrap(), parts.next().unwrap());
        Made { id, secret, page: page.text }
    }
}

impl Reply {
    /// The value of a hidden field.
    #[track_caller]
    pub(crate) fn hidden(&self, name: &str) -> String {
        between(&self.text, &format!("<input type=\"hidden\" name=\"{name}\" value=\""), "\"")
    }

    /// The secret that the page shows.
    #[track_caller]
    pub(crate) fn secret(&self) -> String {
        let element = between(&self.text, "<code id=\"secret\"", "</code>");
        element.rsplit('>').next().unwrap().to_owned()
    }
}

#[track_caller]
fn between(text: &str, start: &str, end: &str) -> String {
    let rest = text.split_once(start).unwrap_or_else(|| panic!("no {start} in {text}")).1;
    rest.split_once(end).unwrap().0.to_owned()
}

fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
