//! What must hold between two processes over one database on PostgreSQL: each has a desk, a memory
//! and a clock of its own. Needs the server that `JETON_TEST_POSTGRES` names.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Instant;

use domain::facts::Token;
use domain::ids::AccountId;
use domain::lifecycle::Create;
use domain::refusal::Code;
use domain::webhooks::target::Allowed;
use domain::who::Caller;
use service::founding::Founding;
use service::sessions::Login;
use service::tokens::Issued;
use service::{Desk, Error, Password, Replay, Setup, Visitor};
use store::place::{Access, Place};
use store::{Clock, Store, Unavailable};
use token::{SystemEntropy, TokenId};
use tokio_postgres::NoTls;

const PASSWORD: &str = "seven green bottles";
const SECOND: i64 = 1_000_000;

/// Time since the test began. It runs: what peers agree on is the database's time, which does too.
struct Running(Instant);

impl Running {
    #[allow(clippy::disallowed_methods)] // The one clock of these tests.
    fn since_now() -> Self {
        Self(Instant::now())
    }
}

impl Clock for Running {
    fn wall(&self) -> i64 {
        panic!("the wall clock of a peer is nobody's business")
    }

    fn boot(&self) -> i64 {
        i64::try_from(self.0.elapsed().as_micros()).unwrap()
    }
}

/// A database of its own, dropped with it.
struct Database {
    name: String,
    keys: tempfile::TempDir,
}

/// The address of one of the server's databases.
fn url(database: &str) -> String {
    let server = std::env::var("JETON_TEST_POSTGRES")
        .expect("start a PostgreSQL with script/postgres and set JETON_TEST_POSTGRES to what it prints");
    let (server, _) = server.rsplit_once('/').expect("an URL with a database");
    format!("{server}/{database}")
}

async fn execute(sql: &str) {
    let (client, connection) = tokio_postgres::connect(&url("postgres"), NoTls).await.unwrap();
    let driver = tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
    drop(client);
    driver.await.unwrap().unwrap();
}

impl Database {
    async fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("service_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
        execute(&format!("CREATE DATABASE {name}")).await;
        Self { name, keys: tempfile::tempdir().unwrap() }
    }

    async fn desk(&self) -> Arc<Desk> {
        let place: Place = url(&self.name).parse().unwrap();
        let access = Access { place, password: None, keys: self.keys.path().join("key") };
        let Place::Postgres(there) = &access.place else { unreachable!("it was made for PostgreSQL") };
        let setup = Setup {
            entropy: Arc::new(SystemEntropy),
            verifier: verifier::Options::default(),
            foreign_tokens: false,
            mails: false,
            webhooks: Allowed::default(),
        };
        let opened: Result<_, Unavailable> = Desk::open(setup, async |listener| {
            let (clock, entropy) = (Arc::new(Running::since_now()), Arc::new(SystemEntropy));
            Ok(Store::open_postgres(there, &access, 4, clock, entropy, listener).await.unwrap())
        })
        .await;
        opened.unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // From a thread of its own: a runtime may be stopping here. What cannot be dropped goes with
        // the whole server.
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(execute(&drop));
        });
        let _ = dropping.join();
    }
}

/// Two peers: somebody rotates on the one, and somebody revokes on the other.
struct Peers {
    rotating: Arc<Desk>,
    revoking: Arc<Desk>,
    account: AccountId,
    _database: Database,
}

impl Peers {
    async fn new() -> Self {
        let database = Database::new().await;
        let rotating = database.desk().await;
        let account: AccountId = "acme".parse().unwrap();
        let founding = Founding {
            account: account.clone(),
            name: "Acme".into(),
            admin_name: "Ada".into(),
            admin_email: "ada@example.com".into(),
            preset: "default".into(),
        };
        rotating.begin(founding, Password::new(PASSWORD.into()), None).await.unwrap();
        let revoking = database.desk().await;
        Self { rotating, revoking, account, _database: database }
    }

    async fn admin(&self, desk: &Desk) -> Caller {
        let login = Login { email: "ada@example.com".into(), ..Login::default() };
        let started = desk.log_in(login, Password::new(PASSWORD.into())).await.unwrap();
        desk.visitor(started.text.expose().as_bytes()).await.and_then(Visitor::holder).unwrap()
    }

    async fn token(&self) -> TokenId {
        let order = Create { name: "ci".into(), ..Create::default() };
        let admin = self.admin(&self.rotating).await;
        self.rotating.create_token(admin, &self.account, order, None, None).await.unwrap().text.id()
    }

    fn replay(&self, desk: &Desk, caller: &Caller, id: TokenId) -> Replay {
        desk.replay(caller, &format!("rotate {id}"), "0123456789012345678901", b"{}").unwrap()
    }

    async fn rotate(&self, caller: Caller, id: TokenId) -> Result<Issued, Error> {
        let replay = self.replay(&self.rotating, &caller, id);
        self.rotating.rotate_token(caller, &self.account, id, None, Some(replay)).await
    }

    async fn revoke(&self, caller: Caller, id: TokenId) {
        self.revoking.revoke_token(caller, &self.account, id, None).await.unwrap();
    }

    async fn row(&self, id: TokenId) -> Token {
        self.revoking.store().token(&self.account, id).await.unwrap().unwrap().0
    }
}

fn is_gone(result: &Result<Issued, Error>) -> bool {
    matches!(result, Err(Error::Refused(refusal)) if refusal.code == Code::WrongState)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_between_a_rotation_and_its_answer_on_another_peer_ends_both_tokens() {
    let peers = Peers::new().await;
    let id = peers.token().await;
    let (rotator, revoker) = (peers.admin(&peers.rotating).await, peers.admin(&peers.revoking).await);

    // The rotation goes on until it is in the database, and waits there for what it asks next.
    let mut rotation = Box::pin(peers.rotate(rotator.clone(), id));
    let new = loop {
        let answered = poll_fn(|context| Poll::Ready(rotation.as_mut().poll(context).is_ready())).await;
        assert!(!answered, "nothing was seen between the commit and the answer");
        if let Some(new) = peers.row(id).await.life.rotated_to {
            break new;
        }
    };
    // By any clock, it was decided long before this was asked.
    let late = Caller { now: revoker.now.plus_micros(60 * SECOND), ..revoker };
    peers.revoke(late, id).await;
    assert!(peers.row(new).await.life.revoked_at.is_some());

    let answer = rotation.await;
    assert!(is_gone(&answer), "{answer:?}");
    // Nor does the answer that was kept with it leave later, here or there.
    let again = peers.rotate(rotator.clone(), id).await;
    assert!(is_gone(&again), "{again:?}");
    let replay = peers.replay(&peers.revoking, &rotator, id);
    let again = peers.revoking.rotate_token(rotator, &peers.account, id, None, Some(replay)).await;
    assert!(is_gone(&again), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_asked_for_before_a_rotation_was_answered_on_another_peer_ends_both_tokens() {
    let peers = Peers::new().await;
    let id = peers.token().await;
    let revoker = peers.admin(&peers.revoking).await;
    let rotated = peers.rotate(peers.admin(&peers.rotating).await, id).await.unwrap();
    // It was let in, and comes to look only now.
    let asked = Caller { now: rotated.shown.token.life.created_at.plus_micros(-SECOND), ..revoker };
    peers.revoke(asked, id).await;
    assert!(peers.row(rotated.text.id()).await.life.revoked_at.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_answered_on_another_peer_outlives_the_end_of_the_old_token() {
    let peers = Peers::new().await;
    for _ in 0..3 {
        let id = peers.token().await;
        let rotator = peers.admin(&peers.rotating).await;
        let rotated = peers.rotate(rotator.clone(), id).await.unwrap();
        let new = rotated.text.id();
        peers.revoke(peers.admin(&peers.revoking).await, id).await;
        assert!(peers.row(id).await.life.revoked_at.is_some());
        assert_eq!(peers.row(new).await.life.revoked_at, None);
        // Asked for again, the answer that was given is given, though the old token has ended since.
        let again = peers.rotate(rotator, id).await.unwrap();
        assert_eq!(again.text.expose(), rotated.text.expose());
    }
}
