//! Rows for tests, by number, and a store of them that remembers every position.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use domain::admit::{Ask, Code};
use domain::conditions::Conditions;
use domain::facts::{Account, Binding, Holder, Role, Scope, Service, Snapshot, Standing, Token};
use domain::grant::Grant;
use domain::ids::{HolderId, MemberId, RoleId, ServiceId};
use domain::life::Life;
use domain::node::NodePath;
use domain::permission::{Registry, TOKENS_READ};
use domain::preset::Preset;
use domain::time::Timestamp;
use token::{Digest, Kind, Presented, TokenId};

use crate::{Fetch, Options, Origin, Undetermined, Verifier};

pub(super) const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

fn code(n: u64) -> token::Code {
    token::Code::from_u64(n + 1).unwrap()
}

fn role() -> RoleId {
    RoleId(code(0))
}

pub(super) fn account(n: u64, version: i64) -> Account {
    let preset = Preset::named("default").unwrap();
    let mut policy = preset.policy.clone();
    // Nothing here shows words, and tests copy accounts by the thousand.
    policy.words.clear();
    Account {
        id: format!("account-{n}").parse().unwrap(),
        name: "Acme".into(),
        external_id: None,
        metadata: None,
        preset: preset.name.clone(),
        created_at: NOW,
        inactive_since: None,
        policy,
        levels: vec![],
        entities: vec![],
        roles: vec![Role { id: role(), name: "Reader".into(), permissions: TOKENS_READ }],
        version,
    }
}

pub(super) fn holder(n: u64, account: &Account, version: i64) -> Holder {
    Holder {
        id: HolderId::Member(MemberId(code(n))),
        account: account.id.clone(),
        name: format!("holder {n}"),
        person: None,
        email: None,
        external_id: None,
        metadata: None,
        bindings: vec![Binding { role: role(), node: NodePath::root() }],
        standing: Standing::default(),
        mail: None,
        created_at: NOW,
        version,
    }
}

pub(super) fn token_id(n: u64) -> TokenId {
    TokenId { kind: Kind::Pat, code: code(n) }
}

pub(super) fn digest(n: u64) -> Digest {
    Digest::of(&n.to_le_bytes())
}

pub(super) fn presented(n: u64) -> Presented {
    Presented::Ours { id: token_id(n), digest: digest(n) }
}

pub(super) fn token(n: u64, holder: &Holder, version: i64) -> Token {
    Token {
        id: token_id(n),
        number: n as i64,
        account: holder.account.clone(),
        holder: holder.id,
        issued_by: holder.id,
        name: format!("token {n}"),
        description: None,
        metadata: None,
        grant: Grant::Inherit,
        node: NodePath::root(),
        desk: true,
        life: Life::from(NOW, None),
        conditions: Conditions::default(),
        reason: None,
        digest: digest(n),
        version,
    }
}

pub(super) fn revoked(mut token: Token) -> Token {
    token.life.revoked_at = Some(NOW);
    token.version += 1;
    token
}

pub(super) fn service(n: u64) -> Service {
    Service {
        id: ServiceId(code(n)),
        name: "gateway".into(),
        scopes: vec![Scope::Verify],
        accounts: None,
        digest: service_digest(n),
        created_at: NOW,
        revoked_at: None,
        version: 1,
    }
}

fn service_digest(n: u64) -> Digest {
    Digest::of(format!("service {n}").as_bytes())
}

pub(super) fn service_key(n: u64) -> Presented {
    Presented::Ours { id: TokenId { kind: Kind::Svc, code: code(n) }, digest: service_digest(n) }
}

/// An account with a holder and these tokens, all at version 1.
pub(super) fn snapshot(position: i64, tokens: std::ops::Range<u64>) -> Snapshot {
    let account = account(0, 1);
    let holder = holder(0, &account, 1);
    let tokens = tokens.map(|n| token(n, &holder, 1)).collect();
    Snapshot {
        position,
        accounts: vec![account],
        holders: vec![holder],
        tokens,
        services: vec![service(0)],
        permissions: vec![],
    }
}

/// Rows that are read as a store's would be, the reads counted, each held until it is let go.
pub(super) struct Shelf {
    pub(super) rows: Mutex<Result<Snapshot, Undetermined>>,
    pub(super) reads: AtomicUsize,
    /// The digests of each read.
    pub(super) asked: Mutex<Vec<usize>>,
    pub(super) underway: AtomicUsize,
    pub(super) most_underway: AtomicUsize,
    /// One permit a read.
    pub(super) gate: tokio::sync::Semaphore,
}

impl Shelf {
    /// Open: nothing is held.
    pub(super) fn new(rows: Snapshot) -> Arc<Self> {
        let shelf = Self::closed(rows);
        shelf.open();
        shelf
    }

    pub(super) fn closed(rows: Snapshot) -> Arc<Self> {
        Arc::new(Self {
            rows: Mutex::new(Ok(rows)),
            reads: AtomicUsize::new(0),
            asked: Mutex::default(),
            underway: AtomicUsize::new(0),
            most_underway: AtomicUsize::new(0),
            gate: tokio::sync::Semaphore::new(0),
        })
    }

    pub(super) fn open(&self) {
        self.gate.add_permits(1 << 20);
    }

    pub(super) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    /// Waits, by giving way, until this many reads have begun.
    pub(super) async fn begun(&self, reads: usize) {
        while self.reads() < reads {
            tokio::task::yield_now().await;
        }
    }

    pub(super) fn fetch(self: &Arc<Self>) -> Fetch {
        let shelf = Arc::clone(self);
        Box::new(move |digests| {
            let shelf = Arc::clone(&shelf);
            Box::pin(async move { shelf.read(&digests).await })
        })
    }

    /// The rows as they are when the read begins, told when it is let go.
    async fn read(&self, digests: &[Digest]) -> Result<Snapshot, Undetermined> {
        let rows = self.rows.lock().unwrap().clone();
        let underway = self.underway.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_underway.fetch_max(underway, Ordering::SeqCst);
        self.asked.lock().unwrap().push(digests.len());
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.gate.acquire().await.unwrap().forget();
        self.underway.fetch_sub(1, Ordering::SeqCst);
        let mut rows = rows?;
        let wanted: HashSet<Digest> = digests.iter().copied().collect();
        rows.tokens.retain(|token| wanted.contains(&token.digest));
        rows.services.retain(|service| wanted.contains(&service.digest));
        Ok(rows)
    }
}

pub(super) fn verifier(shelf: &Arc<Shelf>, options: Options) -> Arc<Verifier> {
    Verifier::new(options, Registry::default(), shelf.fetch())
}

/// A chunk of a bulk load, read just now.
pub(super) fn load(verifier: &Verifier, chunk: Snapshot) {
    verifier.load(chunk, verifier.generation());
}

/// A verdict's code, without counting.
pub(super) async fn ask(verifier: &Verifier, presented: &Presented) -> Result<Code, Undetermined> {
    verifier.verify(presented, &Ask::default(), Origin::LOOK, || NOW.into(), |verdict, _| verdict.code).await
}
