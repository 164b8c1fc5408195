//! A store to try, and rows to try it with. One helper does the talking for every test.
#![allow(dead_code, reason = "several test programs share this; each uses its part")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use domain::change::{Action, Actor, Change, Entry, Write};
use domain::conditions::Conditions;
use domain::facts::{
    Account, Binding, Entity, Holder, Node, Person, Role, SecondFactor, Service, Snapshot, Standing, Token,
};
use domain::grant::Grant;
use domain::ids::{AccountId, HolderId, MemberId, PersonId, RoleId, ServiceAccountId, ServiceId};
use domain::life::Life;
use domain::node::NodePath;
use domain::permission::PermissionSet;
use domain::preset::Preset;
use domain::time::Timestamp;
use store::{Clock, Committed, Heard, Listener, OpenError, Options, Store};
use token::{Brand, Kind, SystemEntropy, TokenText};

pub(crate) const DAY: i64 = 24 * 3600 * 1_000_000;

/// 2026-01-01T00:00:00Z, where the driven clock starts.
pub(crate) const START: i64 = 1_767_225_600_000_000;

/// A clock that stands still until it is moved.
pub(crate) struct Driven {
    pub(crate) wall: AtomicI64,
    pub(crate) boot: AtomicI64,
}

impl Default for Driven {
    fn default() -> Self {
        Self { wall: START.into(), boot: 0.into() }
    }
}

impl Driven {
    /// Time passes, as both clocks see it.
    pub(crate) fn pass(&self, micros: i64) {
        self.wall.fetch_add(micros, Ordering::SeqCst);
        self.boot.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for Driven {
    fn wall(&self) -> i64 {
        self.wall.load(Ordering::SeqCst)
    }
    fn boot(&self) -> i64 {
        self.boot.load(Ordering::SeqCst)
    }
}

/// Where a backend keeps a store, and how it opens it.
pub(crate) trait Backend {
    fn new() -> impl Future<Output = Self>
    where
        Self: Sized;
    fn open(&self, clock: Arc<Driven>, listener: Listener) -> impl Future<Output = Result<Store, OpenError>>;
}

/// SQLite in a directory of its own.
pub(crate) struct Sqlite(tempfile::TempDir);

impl Sqlite {
    pub(crate) fn options(&self) -> Options {
        options(self.0.path())
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.options().data
    }
}

pub(crate) fn options(directory: &Path) -> Options {
    Options {
        data: directory.join("data"),
        keys: directory.join("key"),
        readers: 2,
        ballast_bytes: 64 << 10,
        watermark_bytes: 0,
    }
}

impl Backend for Sqlite {
    async fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    async fn open(&self, clock: Arc<Driven>, listener: Listener) -> Result<Store, OpenError> {
        Store::open_sqlite(self.options(), clock, Arc::new(SystemEntropy), listener)
    }
}

/// A store that is open, its clock, and what its listener heard.
pub(crate) struct World<B> {
    pub(crate) backend: B,
    pub(crate) clock: Arc<Driven>,
    pub(crate) heard: Arc<Mutex<Vec<Snapshot>>>,
    pub(crate) store: Store,
}

impl<B: Backend> World<B> {
    pub(crate) async fn open() -> Self {
        let backend = B::new().await;
        let clock = Arc::new(Driven::default());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let store = backend.open(clock.clone(), listener(&heard)).await.unwrap();
        Self { backend, clock, heard, store }
    }

    /// The same store, closed and opened again.
    pub(crate) async fn reopen(self) -> Self {
        self.store.close().await;
        let Self { backend, clock, heard, store } = self;
        drop(store);
        let store = backend.open(clock.clone(), listener(&heard)).await.unwrap();
        Self { backend, clock, heard, store }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.store.now()
    }

    /// Commits these writes with an entry, and expects nothing to be in the way.
    pub(crate) async fn write(&self, writes: impl IntoIterator<Item = Write>) -> Committed {
        self.store.commit(change(writes)).await.unwrap()
    }

    /// An account with one member; both are written.
    pub(crate) async fn family(&self) -> (Account, Holder) {
        let account = account();
        let holder = member(&account);
        self.write([Write::InsertAccount(Box::new(account.clone())), Write::InsertHolder(holder.clone())])
            .await;
        (Account { version: 1, ..account }, Holder { version: 1, ..holder })
    }

    /// A token of that holder, written.
    pub(crate) async fn token(&self, holder: &Holder) -> Token {
        let token = token(holder, Kind::Pat);
        let committed = self.write([insert(&token)]).await;
        Token { number: committed.number.unwrap(), version: 1, ..token }
    }
}

pub(crate) fn listener(heard: &Arc<Mutex<Vec<Snapshot>>>) -> Listener {
    let heard = heard.clone();
    Arc::new(move |told| match told {
        Heard::Rows(rows) => heard.lock().unwrap().push(rows),
        Heard::Lost => heard.lock().unwrap().clear(),
    })
}

/// These writes, with an entry for the journal.
pub(crate) fn change(writes: impl IntoIterator<Item = Write>) -> Change {
    writes.into_iter().fold(Change::default(), Change::write).entry(entry())
}

pub(crate) fn entry() -> Entry {
    Entry {
        at: at(0),
        actor: Actor::Operator,
        account: None,
        action: Action::TokenEdited,
        subject: "somebody".into(),
        payload: serde_json::json!({"why": "a test", "and": [1, null]}),
    }
}

/// So many microseconds after [`START`].
pub(crate) fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(START + micros)
}

pub(crate) fn insert(token: &Token) -> Write {
    Write::InsertToken { token: Box::new(token.clone()), keep: None }
}

pub(crate) fn account() -> Account {
    let preset = Preset::default_preset();
    let entities = preset.entities.iter();
    let code = RoleId::draw(&SystemEntropy).0;
    Account {
        id: format!("acme-{code}").parse().unwrap(),
        name: "Acme & Söhne".into(),
        external_id: Some(format!("ext-{code}")),
        metadata: Some(r#"{"plan":"gold"}"#.into()),
        preset: preset.name.clone(),
        created_at: at(0),
        inactive_since: None,
        policy: preset.policy.clone(),
        levels: preset.levels.clone(),
        entities: entities.map(|e| Entity { name: e.name.clone(), actions: e.actions.clone() }).collect(),
        roles: vec![
            Role { id: RoleId::draw(&SystemEntropy), name: "Owner".into(), permissions: PermissionSet::DESK },
            Role {
                id: RoleId::draw(&SystemEntropy),
                name: "Viewer".into(),
                permissions: PermissionSet::of(200),
            },
        ],
        version: 0,
    }
}

pub(crate) fn member(account: &Account) -> Holder {
    Holder {
        id: HolderId::Member(MemberId::draw(&SystemEntropy)),
        account: account.id.clone(),
        name: "Ada".into(),
        person: None,
        email: Some("ada@example.com".into()),
        external_id: None,
        metadata: None,
        bindings: vec![
            Binding { role: account.roles[0].id, node: NodePath::root() },
            Binding { role: account.roles[1].id, node: "/sales".parse().unwrap() },
        ],
        standing: Standing::default(),
        mail: None,
        created_at: at(0),
        version: 0,
    }
}

pub(crate) fn service_account(account: &Account) -> Holder {
    Holder { id: HolderId::ServiceAccount(ServiceAccountId::draw(&SystemEntropy)), ..member(account) }
}

pub(crate) fn person(email: &str) -> Person {
    Person {
        id: PersonId::draw(&SystemEntropy),
        email: email.into(),
        password: Some("$argon2id$…".into()),
        second_factor: Some(second_factor()),
        operator: true,
        created_at: at(0),
        version: 0,
    }
}

pub(crate) fn second_factor() -> SecondFactor {
    SecondFactor {
        since: at(7),
        sealed: vec![0, 159, 255],
        last_step: 60_000_000,
        recovery: vec![[3; 32], [4; 32]],
    }
}

pub(crate) fn service() -> Service {
    let text = text(Kind::Svc);
    Service {
        id: ServiceId(text.id().code),
        name: "gateway".into(),
        scopes: vec![domain::facts::Scope::Verify, domain::facts::Scope::ActAs],
        accounts: None,
        digest: text.digest(),
        created_at: at(0),
        revoked_at: None,
        version: 0,
    }
}

pub(crate) fn node(account: &AccountId, path: &str) -> Node {
    Node {
        account: account.clone(),
        path: path.parse().unwrap(),
        name: "Sales".into(),
        created_at: at(0),
        version: 0,
    }
}

pub(crate) fn text(kind: Kind) -> TokenText {
    TokenText::issue("jtn".parse::<Brand>().unwrap(), kind, &SystemEntropy)
}

pub(crate) fn token(holder: &Holder, kind: Kind) -> Token {
    token_of_text(holder, &text(kind))
}

pub(crate) fn token_of_text(holder: &Holder, text: &TokenText) -> Token {
    Token {
        id: text.id(),
        number: 0,
        account: holder.account.clone(),
        holder: holder.id,
        issued_by: holder.id,
        name: format!("deploy {}", text.id().code),
        description: Some("what for".into()),
        metadata: None,
        grant: Grant::List(PermissionSet::of(3) | PermissionSet::of(255)),
        node: "/sales".parse().unwrap(),
        desk: false,
        life: Life::from(at(0), Some(at(30 * DAY))),
        conditions: Conditions::default(),
        reason: None,
        digest: text.digest(),
        version: 0,
    }
}
