//! What is PostgreSQL's alone: peers, the schema beside SQLite's, faults of the database.

#[path = "conformance/place.rs"]
mod place;
#[path = "conformance/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use domain::change::Write;
use domain::facts::Token;
use store::place::{Access, Place};
use store::{Heard, Listener, OpenError, Store};
use token::SystemEntropy;
use world::{Backend, Driven, World, at};

use place::{Postgres, execute, query};

/// Runs a behaviour to its end.
fn run(behaviour: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(behaviour);
}

/// Waits until it holds; a minute is for a machine that is busy.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    #[allow(clippy::disallowed_methods)] // It bounds a wait and measures nothing.
    let end = Instant::now() + Duration::from_secs(60);
    while !holds().await {
        #[allow(clippy::disallowed_methods)] // As above.
        let now = Instant::now();
        assert!(now < end, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Another process over the same database, and what its memory was told.
struct Peer {
    store: Store,
    told: Arc<Mutex<Told>>,
}

#[derive(Default)]
struct Told {
    tokens: BTreeMap<String, Token>,
    lost: usize,
}

impl Peer {
    async fn join(backend: &Postgres) -> Self {
        let told: Arc<Mutex<Told>> = Arc::default();
        let listener: Listener = {
            let told = told.clone();
            Arc::new(move |heard| {
                let mut told = told.lock().unwrap();
                match heard {
                    Heard::Rows(rows) => {
                        told.tokens.extend(rows.tokens.into_iter().map(|row| (row.id.to_string(), row)));
                    }
                    Heard::Lost => told.lost += 1,
                }
            })
        };
        let store = backend.open(Arc::new(Driven::default()), listener).await.unwrap();
        Self { store, told }
    }

    fn knows(&self, token: &Token) -> bool {
        let told = self.told.lock().unwrap();
        told.tokens.get(&token.id.to_string()).is_some_and(|known| known.version >= token.version)
    }

    fn lost(&self) -> usize {
        self.told.lock().unwrap().lost
    }
}

#[test]
fn both_schemas_have_the_same_tables_and_columns() {
    run(async {
        let world = World::<Postgres>::open().await;
        let theirs = query(
            world.backend.name(),
            "SELECT table_name || '.' || column_name || ' ' ||
                    CASE data_type WHEN 'bigint' THEN 'INTEGER' WHEN 'boolean' THEN 'INTEGER'
                                   WHEN 'bytea' THEN 'BLOB' ELSE upper(data_type) END ||
                    CASE WHEN is_nullable = 'NO' THEN ' NOT NULL' ELSE '' END
             FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name <> 'peer'
             ORDER BY 1",
        )
        .await;
        let sqlite = World::<world::Sqlite>::open().await;
        let db = rusqlite::Connection::open(sqlite.backend.data().join("jeton.db")).unwrap();
        // A primary key is never empty, though SQLite does not say so of each.
        let sql = "
            SELECT t.name || '.' || c.name || ' ' || c.type ||
                   CASE WHEN c.\"notnull\" OR c.pk > 0 THEN ' NOT NULL' ELSE '' END
            FROM sqlite_schema AS t JOIN pragma_table_xinfo(t.name) AS c
            WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name <> 'narrowing'
            ORDER BY 1";
        let mut statement = db.prepare(sql).unwrap();
        let ours: Vec<String> =
            statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
        assert!(ours.len() > 80, "{ours:?}");
        assert_eq!(theirs, ours);
    });
}

#[test]
fn what_one_peer_commits_the_others_hear_of() {
    run(async {
        let world = World::<Postgres>::open().await;
        let (_, holder) = world.family().await;
        let peers = [Peer::join(&world.backend).await, Peer::join(&world.backend).await];
        let token = world.token(&holder).await;
        let mut revoked = token.clone();
        revoked.life.revoked_at = Some(at(1));
        world.write([Write::UpdateToken(Box::new(revoked.clone()))]).await;
        let revoked = Token { version: 2, ..revoked };
        for peer in &peers {
            until("a peer hears of a revocation", async || peer.knows(&revoked)).await;
            let told = peer.told.lock().unwrap();
            assert_eq!(told.tokens[&token.id.to_string()], revoked);
        }
        // Those who only listen say so: it is what a barrier will wait for.
        let head = world.store.health().position;
        let behind = format!("SELECT id FROM peer WHERE applied < {head}");
        until("every peer says how far it is", async || {
            query(world.backend.name(), &behind).await.is_empty()
        })
        .await;
        // And it goes both ways, in one order.
        let other = world::token(&holder, token::Kind::Pat);
        peers[0].store.commit(world::change([world::insert(&other)])).await.unwrap();
        let other = Token { version: 1, ..other };
        until("the first hears of the second", async || {
            world.heard.lock().unwrap().iter().any(|rows| rows.tokens.iter().any(|row| row.id == other.id))
        })
        .await;
        assert_eq!(world.store.verify_journal().await.unwrap().entries, head + 1);
    });
}

#[test]
fn tokens_revoked_together_end_on_every_peer() {
    run(async {
        let world = World::<Postgres>::open().await;
        let (_, holder) = world.family().await;
        let tokens: Vec<Token> = (0..300).map(|_| world::token(&holder, token::Kind::Pat)).collect();
        world.write(tokens.iter().map(world::insert)).await;
        let peers = [Peer::join(&world.backend).await, Peer::join(&world.backend).await];
        let tokens: Vec<Token> = tokens.into_iter().map(|token| Token { version: 1, ..token }).collect();
        world.write([Write::RevokeTokens { tokens: tokens.clone(), at: at(1), reason: None }]).await;
        for peer in &peers {
            for token in &tokens {
                let ended = Token { version: 2, ..token.clone() };
                until("a peer hears of each", async || peer.knows(&ended)).await;
                let told = peer.told.lock().unwrap();
                assert_eq!(told.tokens[&token.id.to_string()].life.revoked_at, Some(at(1)));
            }
        }
    });
}

#[test]
fn peers_that_write_at_once_leave_one_order_without_gaps() {
    run(async {
        let world = World::<Postgres>::open().await;
        let (_, holder) = world.family().await;
        let peers = [Peer::join(&world.backend).await, Peer::join(&world.backend).await];
        let stores = [world.store.clone(), peers[0].store.clone(), peers[1].store.clone()];
        let writers: Vec<_> = (0..48)
            .map(|n| {
                let (store, holder) = (stores[n % 3].clone(), holder.clone());
                tokio::spawn(async move {
                    let mut made = Vec::new();
                    for _ in 0..10 {
                        let token = world::token(&holder, token::Kind::Pat);
                        let change = world::change([world::insert(&token)]);
                        let committed = store.commit(change).await.unwrap();
                        made.push(Token { number: committed.number.unwrap(), version: 1, ..token });
                    }
                    made
                })
            })
            .collect();
        let mut made = Vec::new();
        for writer in writers {
            made.extend(writer.await.unwrap());
        }
        assert_eq!(world.store.verify_journal().await.unwrap().entries, 1 + 480);
        let mut numbers: Vec<i64> = made.iter().map(|token| token.number).collect();
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(1..=480), "each number of the account once");
        for peer in &peers {
            until("each peer hears of all", async || made.iter().all(|token| peer.knows(token))).await;
            assert_eq!(peer.lost(), 0);
        }
    });
}

#[test]
fn a_peer_whose_row_or_history_is_not_what_it_was_forgets_everything_and_joins_anew() {
    run(async {
        let world = World::<Postgres>::open().await;
        let (_, holder) = world.family().await;
        let peer = Peer::join(&world.backend).await;
        let name = world.backend.name();
        let own = query(name, "SELECT id FROM peer ORDER BY applied, id").await;
        assert_eq!(own.len(), 2);

        // Its row is gone: others stopped waiting for it.
        execute(name, "DELETE FROM peer WHERE applied IS NOT NULL").await;
        until("it joins again", async || peer.lost() > 0).await;
        until("both are there again", async || query(name, "SELECT id FROM peer").await == own).await;

        // What it has applied is not in the journal any more, as after a restore.
        let before = peer.lost();
        execute(name, "UPDATE journal SET hash = decode(repeat('ab', 32), 'hex')").await;
        execute(name, "UPDATE head SET hash = decode(repeat('ab', 32), 'hex')").await;
        until("it notices another history", async || peer.lost() > before).await;
        let token = world.token(&holder).await;
        until("and goes on from there", async || peer.knows(&token)).await;
    });
}

#[test]
fn a_peer_that_closes_takes_its_row_away() {
    run(async {
        let world = World::<Postgres>::open().await;
        let peer = Peer::join(&world.backend).await;
        assert_eq!(query(world.backend.name(), "SELECT id FROM peer").await.len(), 2);
        peer.store.close().await;
        assert_eq!(query(world.backend.name(), "SELECT id FROM peer").await.len(), 1);
    });
}

#[test]
fn who_else_is_there_is_known_as_soon_as_a_peer_has_joined_and_left() {
    run(async {
        let world = World::<Postgres>::open().await;
        assert_eq!(world.store.others().await.unwrap(), Vec::<String>::new());
        let peer = Peer::join(&world.backend).await;
        let (one, other) = (world.store.others().await.unwrap(), peer.store.others().await.unwrap());
        assert!(one.len() == 1 && other.len() == 1 && one != other, "{one:?} {other:?}");
        peer.store.close().await;
        assert_eq!(world.store.others().await.unwrap(), Vec::<String>::new());
    });
}

#[test]
fn each_peer_tells_of_all_and_which_of_them_it_is() {
    run(async {
        let world = World::<Postgres>::open().await;
        let peer = Peer::join(&world.backend).await;
        let (one, other) = (world.store.peers().await.unwrap(), peer.store.peers().await.unwrap());
        let ids = |peers: &[store::Peer]| peers.iter().map(|peer| peer.id.clone()).collect::<Vec<_>>();
        assert_eq!((one.len(), ids(&one)), (2, ids(&other)));
        let own = |peers: &[store::Peer]| peers.iter().position(|peer| peer.own);
        assert!(own(&one).is_some() && own(&other).is_some() && own(&one) != own(&other));
        assert!(one.iter().all(|peer| peer.known > 0 && peer.silent < 10_000_000), "{one:?}");
        peer.store.close().await;
        assert_eq!(world.store.peers().await.unwrap().len(), 1);
    });
}

#[test]
fn a_peer_that_was_killed_is_taken_away_by_the_others() {
    run(async {
        let world = World::<Postgres>::open().await;
        let name = world.backend.name();
        execute(name, "INSERT INTO peer VALUES ('peer_killed', 1, 0, 0, 1)").await;
        // Seen once, and then for longer than anybody may believe itself current.
        let own = "SELECT beat::text FROM peer WHERE id <> 'peer_killed'";
        let first = query(name, own).await;
        until("a beat", async || query(name, own).await != first).await;
        assert_eq!(query(name, "SELECT id FROM peer").await.len(), 2);
        world.clock.boot.fetch_add(11_000_000, Ordering::SeqCst);
        until("it is taken away", async || query(name, "SELECT id FROM peer").await.len() == 1).await;
    });
}

#[test]
fn another_key_file_is_refused() {
    run(async {
        let world = World::<Postgres>::open().await;
        let elsewhere = tempfile::tempdir().unwrap();
        let Access { place, password, .. } = world.backend.access();
        let open = async |keys: std::path::PathBuf| {
            let access = Access { place: place.clone(), password: password.clone(), keys };
            let Place::Postgres(there) = &access.place else { unreachable!("it was made for PostgreSQL") };
            let clock = Arc::new(Driven::default());
            let listener: Listener = Arc::new(|_| {});
            Store::open_postgres(there, &access, 1, clock, Arc::new(SystemEntropy), listener).await.err()
        };
        let missing = open(elsewhere.path().join("none")).await.unwrap();
        assert!(matches!(missing, OpenError::Keys(_)), "{missing}");
        let other = elsewhere.path().join("other");
        std::fs::write(&other, format!("{}\n", "ab".repeat(32))).unwrap();
        std::fs::set_permissions(&other, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let refused = open(other).await.unwrap();
        assert!(matches!(refused, OpenError::OtherKeys { .. }), "{refused}");
        assert!(open(world.backend.access().keys).await.is_none());
    });
}

#[test]
fn an_older_schema_waits_for_its_migration_and_a_newer_one_only_if_it_took_something_away() {
    run(async {
        let world = World::<Postgres>::open().await;
        let name = world.backend.name();
        let access = world.backend.access();
        let open = async || {
            let listener: Listener = Arc::new(|_| {});
            world.backend.open(Arc::new(Driven::default()), listener).await
        };
        let done = store::migrate(&access, false).await.unwrap();
        assert_eq!((done.from, done.to, done.waiting.len()), (1, 1, 0));

        execute(name, "INSERT INTO migration VALUES (90, '0090_more', 'expand', '?')").await;
        open().await.unwrap().close().await;
        let refused = store::migrate(&access, false).await.unwrap_err();
        assert!(matches!(refused, OpenError::NewerSchema { found: 90, known: 1, .. }), "{refused}");
        execute(name, "UPDATE migration SET kind = 'contract' WHERE number = 90").await;
        let refused = open().await.err().unwrap();
        assert!(matches!(refused, OpenError::NewerSchema { found: 90, known: 1, .. }), "{refused}");
        execute(name, "DELETE FROM migration").await;
        let refused = open().await.err().unwrap();
        assert!(matches!(refused, OpenError::OlderSchema { found: 0, needed: 1, .. }), "{refused}");
    });
}

#[test]
fn of_many_that_fill_an_empty_database_at_once_each_finds_it_whole() {
    run(async {
        let backend = Postgres::new().await;
        let access = backend.access();
        let fill = async || store::migrate(&access, false).await.map(|done| (done.from, done.to));
        let (one, two, three) = tokio::join!(fill(), fill(), fill());
        let mut filled = [one.unwrap(), two.unwrap(), three.unwrap()];
        filled.sort_unstable();
        assert_eq!(filled, [(0, 1), (1, 1), (1, 1)]);

        // The same of those that come to serve; whoever starts several hands them their key file.
        let backend = Postgres::new().await;
        let keys = backend.access().keys;
        std::fs::write(&keys, format!("{}\n", "ab".repeat(32))).unwrap();
        std::fs::set_permissions(&keys, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let serve = async || {
            let listener: Listener = Arc::new(|_| {});
            backend.open(Arc::new(Driven::default()), listener).await
        };
        let (one, two, three) = tokio::join!(serve(), serve(), serve());
        for store in [one.unwrap(), two.unwrap(), three.unwrap()] {
            store.close().await;
        }
    });
}
