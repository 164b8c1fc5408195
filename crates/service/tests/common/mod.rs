//! A desk on a real SQLite store, with a clock that the test drives.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::admit::{Ask, Code};
use domain::facts::{Holder, Scope, Service};
use domain::ids::AccountId;
use domain::lifecycle::Create;
use domain::members::Join;
use domain::policy::Policy;
use domain::time::Timestamp;
use domain::webhooks::target::Allowed;
use domain::who::Caller;
use service::founding::{Begun, Founding};
use service::sessions::Login;
use service::tokens::Issued;
use service::verify::Asker;
use service::{Desk, Error, Password, Setup, Visitor};
use store::{Clock, Options, Store, Unavailable};
use token::{Digest, SystemEntropy, TokenText};

pub const PASSWORD: &str = "seven green bottles";

/// A clock that stands still until it is moved. It begins in 2030.
pub struct Driven(AtomicI64);

impl Driven {
    pub fn forward(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for Driven {
    fn wall(&self) -> i64 {
        1_893_456_000_000_000 + self.0.load(Ordering::SeqCst)
    }

    fn boot(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Why an installation could not be opened.
#[derive(Debug)]
pub struct NotOpened;

impl From<Unavailable> for NotOpened {
    fn from(_: Unavailable) -> Self {
        Self
    }
}

pub struct World {
    pub desk: Arc<Desk>,
    pub clock: Arc<Driven>,
    pub begun: Begun,
    pub account: AccountId,
    asker: Service,
    directory: tempfile::TempDir,
}

impl World {
    /// An installation with one account of that preset and its first administrator.
    pub async fn of(preset: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(Driven(AtomicI64::new(1)));
        let desk = open(directory.path(), clock.clone()).await;
        let account: AccountId = "acme".parse().unwrap();
        let founding = Founding {
            account: account.clone(),
            name: "Acme".into(),
            admin_name: "Ada".into(),
            admin_email: "ada@example.com".into(),
            preset: preset.into(),
        };
        let begun = desk.begin(founding, Password::new(PASSWORD.into()), None).await.unwrap();
        let asker = Service {
            id: "svc_0123456789ab".parse().unwrap(),
            name: "api".into(),
            scopes: vec![Scope::Verify],
            accounts: None,
            digest: Digest::of(b"nobody's"),
            created_at: Timestamp::EPOCH,
            revoked_at: None,
            version: 1,
        };
        Self { desk, clock, begun, account, asker, directory }
    }

    /// The first administrator, just signed in.
    pub async fn admin(&self) -> Caller {
        self.signed_in("ada@example.com").await
    }

    pub async fn signed_in(&self, email: &str) -> Caller {
        let login = Login { email: email.into(), ..Login::default() };
        let started = self.desk.log_in(login, Password::new(PASSWORD.into())).await.unwrap();
        self.caller(&started.text).await.unwrap()
    }

    pub async fn caller(&self, text: &TokenText) -> Result<Caller, Error> {
        self.desk.visitor(text.expose().as_bytes()).await.and_then(Visitor::holder)
    }

    /// A member with a password and that role.
    pub async fn member(&self, role: &str, email: &str) -> Holder {
        let order = Join {
            name: email.into(),
            email: Some(email.into()),
            role: Some(role.into()),
            ..Join::default()
        };
        let password = Some(Password::new(PASSWORD.into()));
        self.desk.add_member(self.admin().await, &self.account, order, password, None).await.unwrap()
    }

    pub async fn service_account(&self, role: &str) -> Holder {
        let order = Join { name: "robot".into(), role: Some(role.into()), ..Join::default() };
        self.desk.add_service_account(self.admin().await, &self.account, order, None).await.unwrap()
    }

    pub async fn create(&self, caller: Caller, order: Create) -> Result<Issued, Error> {
        self.desk.create_token(caller, &self.account, order, None, None).await
    }

    /// A token of the administrator's.
    pub async fn token(&self, name: &str) -> Issued {
        self.create(self.admin().await, named(name)).await.unwrap()
    }

    pub async fn change_policy(&self, change: impl FnOnce(&mut Policy)) {
        let admin = self.admin().await;
        let mut policy = admin.account.policy.clone();
        change(&mut policy);
        self.desk.change_policy(admin, &self.account, policy, None, None).await.unwrap();
    }

    pub async fn verdict(&self, text: &TokenText) -> Result<Code, Error> {
        self.verdict_on(text, Ask::default()).await
    }

    pub async fn verdict_on(&self, text: &TokenText, ask: Ask<'_>) -> Result<Code, Error> {
        let asker = Asker::Service(&self.asker);
        self.desk.verify(&asker, text.expose().as_bytes(), ask, None, |verdict, _| verdict.code).await
    }

    /// The same installation in a new process, so to speak.
    pub async fn restarted(self) -> Self {
        self.desk.store().close().await;
        let Self { desk, clock, begun, account, asker, directory } = self;
        drop(desk);
        let desk = open(directory.path(), clock.clone()).await;
        Self { desk, clock, begun, account, asker, directory }
    }
}

async fn open(data: &std::path::Path, clock: Arc<Driven>) -> Arc<Desk> {
    let options = Options {
        data: data.to_owned(),
        keys: data.join("keys"),
        readers: 2,
        ballast_bytes: 1 << 16,
        watermark_bytes: 0,
    };
    let setup = Setup {
        entropy: Arc::new(SystemEntropy),
        verifier: verifier::Options::default(),
        foreign_tokens: false,
        mails: true,
        webhooks: Allowed::parse("127.0.0.0/8").unwrap(),
    };
    let opened: Result<_, NotOpened> = Desk::open(setup, async |listener| {
        Ok(Store::open_sqlite(options, clock, Arc::new(SystemEntropy), listener).unwrap())
    })
    .await;
    opened.unwrap()
}

pub fn named(name: &str) -> Create {
    Create { name: name.into(), ..Create::default() }
}

/// The code of a refusal, for comparison.
#[track_caller]
pub fn refused<T>(result: Result<T, Error>) -> domain::refusal::Code {
    match result.err().expect("it should be refused") {
        Error::Refused(refusal) => refusal.code,
        other => panic!("not a refusal: {other:?}"),
    }
}
