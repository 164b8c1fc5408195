//! What a catalogue answers is what the store answers, filter by filter and page by page; and it stays
//! so while rows change.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::change::{Action, Actor, Change, Entry, Write};
use domain::conditions::Conditions;
use domain::facts::{Account, Binding, Entity, Holder, Role, Snapshot, Standing, Token};
use domain::grant::Grant;
use domain::ids::{HolderId, MemberId, RoleId, ServiceAccountId};
use domain::life::{Lens, Life, State};
use domain::node::NodePath;
use domain::permission::PermissionSet;
use domain::preset::Preset;
use domain::roles::Shift;
use domain::time::DAY;
use domain::usage::Usage;
use store::{After, Clock, LastUse, Options, Sort, Store, TokenQuery};
use token::{Brand, Code, Kind, SystemEntropy, TokenText};

use super::*;

const START: i64 = 1_767_225_600_000_000;

struct Still(AtomicI64);

impl Clock for Still {
    fn wall(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
    fn boot(&self) -> i64 {
        0
    }
}

/// Chance that is the same each time.
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    pub(super) fn once_in(&mut self, often: u64) -> bool {
        self.below(often) == 0
    }

    pub(super) fn code(&mut self) -> Code {
        let halves = self.below(1 << 30) << 30 | self.below(1 << 30);
        Code::from_u64(halves).unwrap()
    }
}

struct World {
    store: Store,
    catalogue: Arc<Catalogue>,
    account: Account,
    holders: Vec<Holder>,
    _directory: tempfile::TempDir,
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(START + micros)
}

impl World {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = Options {
            data: directory.path().join("data"),
            keys: directory.path().join("key"),
            readers: 2,
            ballast_bytes: 1 << 16,
            watermark_bytes: 0,
        };
        let catalogue = Arc::new(Catalogue::new(1_000_000));
        let hears = catalogue.clone();
        let listener: store::Listener = Arc::new(move |heard| match heard {
            store::Heard::Rows(rows) => hears.apply(&rows),
            store::Heard::Lost => hears.clear(),
        });
        let clock = Arc::new(Still(START.into()));
        let store = Store::open_sqlite(options, clock, Arc::new(SystemEntropy), listener).unwrap();
        let preset = Preset::default_preset();
        let mut account = Account {
            id: "acme".parse().unwrap(),
            name: "Acme".into(),
            external_id: None,
            metadata: None,
            preset: preset.name.clone(),
            created_at: at(0),
            inactive_since: None,
            policy: preset.policy.clone(),
            levels: preset.levels.clone(),
            entities: vec![Entity { name: "devices".into(), actions: vec!["read".into()] }],
            roles: ["Owner", "Viewer"]
                .map(|name| Role {
                    id: RoleId::draw(&SystemEntropy),
                    name: name.into(),
                    permissions: PermissionSet::of(if name == "Owner" { 40 } else { 41 }),
                })
                .to_vec(),
            version: 1,
        };
        account.policy.tombstones.listed = true;
        let mut holders: Vec<Holder> = (0..4)
            .map(|n| Holder {
                id: match n {
                    3 => HolderId::ServiceAccount(ServiceAccountId::draw(&SystemEntropy)),
                    _ => HolderId::Member(MemberId::draw(&SystemEntropy)),
                },
                account: account.id.clone(),
                name: format!("holder {n}"),
                person: None,
                email: None,
                mail: Default::default(),
                external_id: None,
                metadata: None,
                bindings: vec![Binding { role: account.roles[n % 2].id, node: NodePath::root() }],
                standing: Standing::default(),
                created_at: at(0),
                version: 1,
            })
            .collect();
        holders[2].standing.inactive_since = Some(at(5));
        holders[3].standing.revoked_before = Some(at(-200 * DAY));
        let world = Self { store, catalogue, account, holders, _directory: directory };
        let mut writes = vec![Write::InsertAccount(Box::new(world.account.clone()))];
        writes.extend(world.holders.iter().cloned().map(Write::InsertHolder));
        world.write(writes).await;
        world
    }

    async fn write(&self, writes: Vec<Write>) {
        let entry = Entry {
            at: at(0),
            actor: Actor::Operator,
            account: None,
            action: Action::TokenEdited,
            subject: "somebody".into(),
            payload: serde_json::json!({}),
        };
        let change = writes.into_iter().fold(Change::default(), Change::write).entry(entry);
        self.store.commit(change).await.unwrap();
    }

    fn token(&self, chance: &mut Chance, n: i64) -> Token {
        let holder = &self.holders[chance.below(4) as usize];
        let kind = match (holder.id, chance.below(9)) {
            (_, 0) => Kind::Ses,
            (HolderId::Member(_), _) => Kind::Pat,
            (HolderId::ServiceAccount(_), _) => Kind::Sat,
        };
        let text = TokenText::issue("jtn".parse::<Brand>().unwrap(), kind, &SystemEntropy);
        let created_at = at(n * 1_000_000 - 300 * DAY + chance.below(3) as i64);
        let day = |days: u64| at(days as i64 * DAY - 30 * DAY);
        let mut life = Life::from(created_at, (!chance.once_in(4)).then(|| day(chance.below(90))));
        if chance.once_in(8) {
            life.approved_at = (!chance.once_in(2)).then(|| at(-100 * DAY));
        }
        if chance.once_in(8) {
            life.rotated_to = Some(text.id());
            life.grace_until = chance.once_in(2).then(|| day(chance.below(90)));
        }
        for end in [&mut life.revoked_at, &mut life.leaked_at, &mut life.deleted_at] {
            *end = chance.once_in(20).then(|| at(0));
        }
        let words = ["deploy", "Deploy", "ci", "straße", "a_b", "100%", "pat_9"];
        Token {
            id: text.id(),
            number: 0,
            account: self.account.id.clone(),
            holder: holder.id,
            issued_by: self.holders[chance.below(4) as usize].id,
            name: format!("{} {}", words[chance.below(7) as usize], chance.below(300)),
            description: None,
            metadata: None,
            grant: match chance.below(4) {
                0 => Grant::Role(self.account.roles[0].id),
                1 => Grant::Role(self.account.roles[1].id),
                2 => Grant::Inherit,
                _ => Grant::List(PermissionSet::of(40)),
            },
            node: ["/", "/sales", "/sales/prod"][chance.below(3) as usize].parse().unwrap(),
            desk: false,
            life,
            conditions: Conditions::default(),
            reason: None,
            digest: text.digest(),
            version: 1,
        }
    }

    /// Some tokens, written; every third was used.
    async fn tokens(&self, chance: &mut Chance, count: i64) -> Vec<Token> {
        let tokens: Vec<Token> = (0..count).map(|n| self.token(chance, n)).collect();
        let insert = |token: &Token| Write::InsertToken { token: Box::new(token.clone()), keep: None };
        self.write(tokens.iter().map(insert).collect()).await;
        let used =
            |token: &Token, n: i64| Usage { token: token.id, last: Some((at(n / 2), None)), counts: vec![] };
        let uses: Vec<Usage> = tokens.iter().step_by(3).zip(0..).map(|(token, n)| used(token, n)).collect();
        self.store.record_usage(uses.clone()).await.unwrap();
        self.catalogue.used(uses.iter().filter_map(|usage| Some((usage.token, usage.last.as_ref()?.0))));
        tokens
    }

    fn scope(&self) -> Scope {
        Scope::Account(self.account.id.clone())
    }

    /// All pages of both, compared.
    async fn compare(&self, query: TokenQuery, want: &Want, what: &str) -> usize {
        for sort in [Sort::Name, Sort::ExpiresAt, Sort::CreatedAt, Sort::LastUsedAt, Sort::Id] {
            for descending in [false, true] {
                let ordered = TokenQuery { sort, descending, limit: 10_000, ..query.clone() };
                let expected: Vec<(Token, LastUse)> =
                    self.store.tokens(&self.account.id, ordered).await.unwrap();
                let mut paged = Vec::new();
                let mut after = None;
                loop {
                    let order = Order { sort, descending, after, limit: 70 };
                    let now = query.lens.now;
                    let some = self.catalogue.first(&self.scope(), want, &order, now).unwrap();
                    let Some(last) = some.last().and_then(|id| expected.iter().find(|(t, _)| t.id == *id))
                    else {
                        break;
                    };
                    after = Some(After::row(sort, &last.0, &last.1));
                    paged.extend(some);
                }
                let expected: Vec<TokenId> = expected.iter().map(|(token, _)| token.id).collect();
                assert_eq!(paged, expected, "{what} by {sort:?}, descending: {descending}");
            }
        }
        self.catalogue.every(&self.scope(), want, query.lens.now).unwrap().len()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_catalogue_answers_as_the_store_does_for_every_filter_and_order() {
    let world = World::new().await;
    let mut chance = Chance(7);
    let before = world.tokens(&mut chance, 600).await;
    world.catalogue.bring(&world.store, &world.scope()).await.unwrap().unwrap();
    // What comes and changes after it was brought in.
    let later = world.tokens(&mut chance, 600).await;
    let changed = |token: &Token, n: usize| {
        let mut token = token.clone();
        token.name = format!("renamed {}", n % 40);
        token.life.revoked_at = n.is_multiple_of(2).then(|| at(1));
        Write::UpdateToken(Box::new(token))
    };
    let some = before.iter().step_by(9).chain(later.iter().step_by(9)).enumerate();
    world.write(some.map(|(n, token)| changed(token, n)).collect()).await;
    let stopped = Standing { approve_after: Some(at(-250 * DAY)), ..Standing::default() };
    world.write(vec![Write::UpdateHolder(Holder { standing: stopped, ..world.holders[1].clone() })]).await;

    let every = TokenQuery {
        kinds: vec![Kind::Pat, Kind::Sat],
        ..TokenQuery::all(Lens::of(&world.account, at(0)), 10)
    };
    let all_but_deleted: Vec<State> =
        State::ALL.into_iter().filter(|state| *state != State::Deleted).collect();
    let query = || TokenQuery { states: all_but_deleted.clone(), ..every.clone() };
    let found = world.compare(query(), &Want::default(), "everything").await;
    assert!(found > 900, "{found}");
    for state in State::ALL {
        let found = world
            .compare(
                TokenQuery { states: vec![state], ..query() },
                &Want { states: vec![state], ..Want::default() },
                state.as_str(),
            )
            .await;
        assert!(found > 5 || state == State::Suspended && found > 0, "{state}: {found}");
    }
    for kind in [Kind::Pat, Kind::Sat, Kind::Ses, Kind::Rft] {
        let want = Want { kinds: vec![kind], ..Want::default() };
        world.compare(TokenQuery { kinds: vec![kind], ..query() }, &want, kind.as_str()).await;
    }
    for holder in &world.holders {
        let want = Want { holder: Some(holder.id), ..Want::default() };
        world.compare(TokenQuery { holder: Some(holder.id), ..query() }, &want, "holder").await;
        let want = Want { issued_by: Some(holder.id), ..Want::default() };
        world.compare(TokenQuery { issued_by: Some(holder.id), ..query() }, &want, "issuer").await;
    }
    for role in &world.account.roles {
        let want = Want { role: Some(role.name.clone()), states: vec![State::Revoked], ..Want::default() };
        let query = TokenQuery { role: Some(role.id), states: vec![State::Revoked], ..query() };
        world.compare(query, &want, &role.name).await;
    }
    for part in ["/sales", "/sales/prod", "/sal"] {
        let node: Option<NodePath> = Some(part.parse().unwrap());
        let want = Want { node: node.clone(), ..Want::default() };
        world.compare(TokenQuery { node, ..query() }, &want, part).await;
    }
    let an_id = before[0].id.to_string();
    let pieces = [&an_id[..], &an_id[4..9], &an_id[13..], &an_id[2..7], &an_id[..6]];
    let texts = [
        "deploy", "DEPLOY 1", "raße", "a_b", "100%", "7", "pat", "pat_", "t_9", "at_9 1", "_", "zz",
        "no such",
    ];
    for text in texts.into_iter().chain(pieces) {
        let want = Want { text: Some(text.into()), ..Want::default() };
        world.compare(TokenQuery { text: Some(text.into()), ..query() }, &want, text).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_tokens_a_role_s_edit_would_reach_is_what_the_rules_say_of_each_token() {
    let world = World::new().await;
    let mut chance = Chance(13);
    let tokens = world.tokens(&mut chance, 900).await;
    world.catalogue.bring(&world.store, &world.scope()).await.unwrap().unwrap();
    let (before, mut after) = (&world.account, world.account.clone());
    after.roles[1].permissions = PermissionSet::of(42);
    let want = Want { states: vec![State::Active], ..Want::default() };
    let lens = Lens::of(before, at(0));
    let mut expected: HashMap<HolderId, Shifted> = HashMap::new();
    for token in &tokens {
        let holder = world.holders.iter().find(|holder| holder.id == token.holder).unwrap();
        let state = lens.state(token.id.kind, &token.life, &holder.standing);
        if token.id.kind == Kind::Ses || state != State::Active {
            continue;
        }
        let shift = Shift::of_token(&token.grant, token.desk, &token.node, holder, before, &after);
        if !shift.is_none() {
            let of_holder = expected.entry(token.holder).or_default();
            of_holder.losing += u64::from(!shift.lost.is_empty());
            of_holder.gaining += u64::from(!shift.gained.is_empty());
        }
    }
    assert!(!expected.is_empty());
    assert_eq!(world.catalogue.shifts(&want, before, &after, at(0)), Some(expected));
    assert_eq!(world.catalogue.shifts(&want, before, before, at(0)), Some(HashMap::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_store_has_no_filter_for_is_found_too() {
    let world = World::new().await;
    let mut chance = Chance(11);
    let tokens = world.tokens(&mut chance, 1_200).await;
    world.catalogue.bring(&world.store, &Scope::Server).await.unwrap().unwrap();
    let base = Want { kinds: Kind::ALL.to_vec(), states: State::ALL.to_vec(), ..Want::default() };
    let found = |want: Want| {
        let mut ids = world.catalogue.every(&Scope::Server, &want, at(0)).unwrap();
        ids.sort_unstable();
        ids
    };
    let those = |is: &dyn Fn(&Token) -> bool| {
        let mut ids: Vec<TokenId> = tokens.iter().filter(|token| is(token)).map(|token| token.id).collect();
        ids.sort_unstable();
        assert!(!ids.is_empty() && ids.len() < tokens.len(), "{}", ids.len());
        ids
    };
    let span = |from: Option<i64>, to: Option<i64>| Span { from: from.map(at), to: to.map(at) };
    let node: NodePath = "/sales".parse().unwrap();
    assert_eq!(found(Want { node: Some(node.clone()), ..base.clone() }), those(&|t| node.covers(&t.node)));
    let created = span(Some(-300 * DAY + 100_000_000), Some(-300 * DAY + 700_000_001));
    assert_eq!(
        found(Want { created, ..base.clone() }),
        those(&|t| at(-300 * DAY + 100_000_000) <= t.life.created_at
            && t.life.created_at < at(-300 * DAY + 700_000_001))
    );
    assert_eq!(
        found(Want { expires: span(None, Some(DAY)), ..base.clone() }),
        those(&|t| t.life.expires_at.is_some_and(|end| end < at(DAY)))
    );
    assert_eq!(
        found(Want { expires: span(Some(DAY), None), ..base.clone() }),
        those(&|t| t.life.expires_at.is_none_or(|end| end >= at(DAY)))
    );
    assert_eq!(
        found(Want { expires: span(Some(DAY), None), never_expires: Some(false), ..base.clone() }),
        those(&|t| t.life.expires_at.is_some_and(|end| end >= at(DAY)))
    );
    assert_eq!(
        found(Want { never_expires: Some(true), ..base.clone() }),
        those(&|t| t.life.expires_at.is_none())
    );
    let used = |token: &Token| {
        tokens.iter().step_by(3).position(|other| other.id == token.id).map(|n| at(n as i64 / 2))
    };
    assert_eq!(found(Want { never_used: Some(true), ..base.clone() }), those(&|t| used(t).is_none()));
    assert_eq!(
        found(Want { used: span(None, Some(50)), ..base.clone() }),
        those(&|t| used(t).is_none_or(|last| last < at(50)))
    );
    assert_eq!(
        found(Want { used: span(Some(50), None), ..base.clone() }),
        those(&|t| used(t).is_some_and(|last| last >= at(50)))
    );
    // The first role has the permission, and so do a list and those who inherit from that role; under a
    // live ceiling nobody has more than their holder.
    let has = |t: &Token| {
        let of_holder = world.holders.iter().find(|holder| holder.id == t.holder).unwrap().bindings[0].role;
        let strong = of_holder == world.account.roles[0].id;
        let given = match &t.grant {
            Grant::Role(role) => *role == world.account.roles[0].id,
            Grant::Inherit => strong,
            _ => true,
        };
        given && strong
    };
    assert_eq!(found(Want { permission: Some(PermissionSet::of(40)), ..base.clone() }), those(&has));
    assert_eq!(found(Want { permission: Some(PermissionSet::of(99)), ..base.clone() }), []);

    let tally = world.catalogue.tally(&Scope::Server, &base, at(0)).unwrap();
    assert_eq!((tally.count, tally.accounts), (tokens.len() as u64, 1));
    assert_eq!(tally.by_status.values().sum::<u64>(), tally.count);
    let sum = |b: Buckets| b.past + b.days_7 + b.days_30 + b.days_90 + b.days_365 + b.longer + b.never;
    for buckets in [tally.by_age, tally.by_expiry, tally.by_last_use] {
        assert_eq!(sum(buckets), tally.count);
    }
    assert_eq!(tally.by_last_use.never, those(&|t| used(t).is_none()).len() as u64);
    let of_role = tokens.iter().filter(|t| t.grant == Grant::Role(world.account.roles[1].id)).count() as u64;
    assert_eq!(tally.by_role[&Some("Viewer".to_owned())], of_role);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_while_rows_are_read_is_not_missed() {
    let world = World::new().await;
    let mut chance = Chance(3);
    world.tokens(&mut chance, 500).await;
    let writing = async {
        for _ in 0..20 {
            world.tokens(&mut chance, 10).await;
        }
    };
    let bringing = async {
        for _ in 0..10 {
            world.catalogue.clear();
            world.catalogue.bring(&world.store, &Scope::Server).await.unwrap().unwrap();
        }
    };
    tokio::join!(writing, bringing);
    assert_eq!(world.catalogue.len(), 700);
}

#[tokio::test]
async fn it_is_let_go_of_when_nobody_asks_and_refuses_to_grow_too_large() {
    let world = World::new().await;
    world.tokens(&mut Chance(5), 50).await;
    world.catalogue.bring(&world.store, &world.scope()).await.unwrap().unwrap();
    let order = Order { sort: Sort::Id, descending: false, after: None, limit: 5 };
    world.catalogue.first(&world.scope(), &Want::default(), &order, at(0)).unwrap();
    world.catalogue.rest(at(IDLE));
    assert!(world.catalogue.has(&world.scope()));
    world.catalogue.rest(at(IDLE + 1));
    assert!(!world.catalogue.has(&world.scope()));
    assert!(world.catalogue.first(&world.scope(), &Want::default(), &order, at(0)).is_none());
    let small = Catalogue::new(49);
    assert!(small.bring(&world.store, &Scope::Server).await.unwrap().is_err());
    // An account whose rows changed under another history is read again.
    small.apply(&Snapshot::default());
}
