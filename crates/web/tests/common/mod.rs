//! The routes over a desk on a real SQLite store, asked without a network between.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

pub mod described;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use described::Described;
use domain::webhooks::target::Allowed;
use http_body_util::BodyExt;
use serde_json::Value;
use service::founding::Founding;
use service::{Desk, Password, Setup};
use store::{Clock, Options, Store, Unavailable};
use token::SystemEntropy;
use tower::ServiceExt;
use web::server::Tracker;

pub const PASSWORD: &str = "seven green bottles";
pub const ADMIN: &str = "ada@example.com";

/// Stands still, in 2030, until a test moves it on.
#[derive(Default)]
pub struct Still(AtomicI64);

impl Still {
    pub fn pass(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::Relaxed);
    }
}

impl Clock for Still {
    fn wall(&self) -> i64 {
        1_893_456_000_000_000 + self.0.load(Ordering::Relaxed)
    }

    fn boot(&self) -> i64 {
        1
    }
}

#[derive(Debug)]
struct NotOpened;

impl From<Unavailable> for NotOpened {
    fn from(_: Unavailable) -> Self {
        NotOpened
    }
}

pub struct World {
    pub desk: Arc<Desk>,
    pub router: Router,
    /// The administrator's token and the service's key, once there is an account.
    pub admin: String,
    pub key: String,
    pub clock: Arc<Still>,
    pub github: web::GitHubKeys,
    _directory: tempfile::TempDir,
}

/// What came back.
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    /// Null where the body is not JSON.
    pub json: Value,
}

impl Reply {
    #[track_caller]
    pub fn ok(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json
    }

    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!((self.status.as_u16(), self.json["code"].as_str()), (status, Some(code)), "{}", self.text);
        self.json
    }

    pub fn head(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Asked for once in each program of tests.
static DESCRIBED: tokio::sync::OnceCell<Described> = tokio::sync::OnceCell::const_new();

impl World {
    /// Nothing there yet.
    pub async fn empty() -> World {
        World::empty_as(web::console::Look::default()).await
    }

    /// The same where the console was made the operator's own.
    pub async fn empty_as(look: web::console::Look) -> World {
        World::begun(look, false).await
    }

    async fn begun(look: web::console::Look, mails: bool) -> World {
        let clock = Arc::<Still>::default();
        let directory = tempfile::tempdir().unwrap();
        let options = Options {
            data: directory.path().to_owned(),
            keys: directory.path().join("keys"),
            readers: 2,
            ballast_bytes: 1 << 16,
            watermark_bytes: 0,
        };
        let setup = Setup {
            entropy: Arc::new(SystemEntropy),
            verifier: verifier::Options::default(),
            foreign_tokens: false,
            mails,
            webhooks: Allowed::parse("127.0.0.0/8").unwrap(),
        };
        let opened: Result<_, NotOpened> = Desk::open(setup, async |listener| {
            Ok(Store::open_sqlite(options, clock.clone(), Arc::new(SystemEntropy), listener).unwrap())
        })
        .await;
        let desk = opened.unwrap();
        let github = web::GitHubKeys::default();
        let patience = Duration::from_secs(60);
        let options = web::Options { preset: "default".into(), patience, look, github: github.clone() };
        let router = web::router(desk.clone(), &options, Tracker::new());
        let (admin, key) = (String::new(), String::new());
        World { desk, router, admin, key, clock, github, _directory: directory }
    }

    /// The account `acme` of that preset, and its administrator.
    pub async fn of(preset: &str) -> World {
        World::of_as(preset, web::console::Look::default()).await
    }

    pub async fn of_as(preset: &str, look: web::console::Look) -> World {
        World::empty_as(look).await.founded(preset).await
    }

    /// The same where mails are sent.
    pub async fn mailing(preset: &str) -> World {
        World::begun(web::console::Look::default(), true).await.founded(preset).await
    }

    async fn founded(mut self, preset: &str) -> World {
        let founding = Founding {
            account: "acme".parse().unwrap(),
            name: "Acme".into(),
            admin_name: "Ada".into(),
            admin_email: ADMIN.into(),
            preset: preset.into(),
        };
        let begun = self.desk.begin(founding, Password::new(PASSWORD.into()), None).await.unwrap();
        self.admin = begun.token.expose().to_owned();
        self.key = begun.service_key.expose().to_owned();
        self
    }

    /// Sends it, and holds the answer to what the server says of itself.
    pub async fn send(&self, request: Request<Body>) -> Reply {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let reply = self.sent(request).await;
        let describe = async || {
            let request = Request::get("/openapi.json").body(Body::empty()).unwrap();
            Described(self.sent(request).await.json)
        };
        DESCRIBED.get_or_init(describe).await.agrees(&method, &path, &reply);
        reply
    }

    async fn sent(&self, request: Request<Body>) -> Reply {
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Reply { status: parts.status, headers: parts.headers, text, json }
    }

    pub async fn ask(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> Reply {
        self.ask_with(token, &[], method, path, body).await
    }

    pub async fn ask_with(
        &self,
        token: &str,
        headers: &[(&str, &str)],
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(path).header("x-request-id", "r");
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "localhost");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.send(request.body(body).unwrap()).await
    }

    pub async fn get(&self, token: &str, path: &str) -> Reply {
        self.ask(token, Method::GET, path, None).await
    }

    pub async fn post(&self, token: &str, path: &str, body: Value) -> Reply {
        self.ask(token, Method::POST, path, Some(body)).await
    }

    /// The token of a new login of the administrator's.
    pub async fn session(&self) -> String {
        let login = serde_json::json!({ "email": ADMIN, "password": PASSWORD });
        let started = self.post("", "/v1/sessions", login).await.ok(201);
        started["token"].as_str().unwrap().to_owned()
    }
}
