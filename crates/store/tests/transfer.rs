//! An installation that is moved arrives whole, or not at all.

#[path = "conformance/place.rs"]
mod place;
#[path = "conformance/world.rs"]
mod world;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use place::{Postgres, execute, query};
use rusqlite::Connection;
use store::place::{Access, Place};
use store::{JournalRow, MoveError, Moved, OpenError, Store, transfer};
use tempfile::TempDir;
use token::SystemEntropy;
use world::{Backend, Driven, Sqlite, World};

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(test);
}

/// A database with the key file of another store.
fn database(there: &Postgres, keys: &Path) -> Access {
    Access { keys: keys.to_owned(), ..there.access() }
}

fn directory(data: &Path, keys: &Path) -> Access {
    Access { place: Place::Sqlite(data.to_owned()), password: None, keys: keys.to_owned() }
}

/// A store with an account, its holder and tokens, closed.
async fn settled() -> (World<Sqlite>, Access) {
    let world = World::<Sqlite>::open().await;
    let (_, holder) = world.family().await;
    for _ in 0..3 {
        world.token(&holder).await;
    }
    let options = world.backend.options();
    let access = directory(&options.data, &options.keys);
    world.store.close().await;
    (world, access)
}

/// Every entry, after the chain was checked.
async fn journal(data: &Path, keys: &Path) -> Vec<JournalRow> {
    let options = store::Options {
        data: data.to_owned(),
        keys: keys.to_owned(),
        readers: 1,
        ballast_bytes: 0,
        watermark_bytes: 0,
    };
    let (clock, entropy) = (Arc::new(Driven::default()), Arc::new(SystemEntropy));
    let store = Store::open_sqlite(options, clock, entropy, Arc::new(|_| {})).unwrap();
    store.verify_journal().await.unwrap();
    let rows = store.journal(0, 1_000).await.unwrap();
    store.close().await;
    rows
}

fn rows(moved: &Moved, table: &str) -> i64 {
    moved.rows.iter().find(|(name, _)| name == table).expect("every table is counted").1
}

#[test]
fn an_installation_moves_to_postgresql_and_back_with_every_row_and_its_journal() {
    run(async {
        let (world, here) = settled().await;
        let before = journal(&world.backend.data(), &here.keys).await;
        let there = Postgres::new().await;
        let moved = transfer(here.clone(), database(&there, &here.keys)).await.unwrap();
        assert_eq!(moved.entries, before.len() as i64);
        assert_eq!((rows(&moved, "account"), rows(&moved, "token"), rows(&moved, "head")), (1, 3, 1));
        assert_eq!(rows(&moved, "journal"), moved.entries);

        let home = TempDir::new().unwrap();
        let back = directory(home.path(), &here.keys);
        let again = transfer(database(&there, &here.keys), back).await.unwrap();
        assert_eq!(again, moved);
        assert_eq!(journal(home.path(), &here.keys).await, before);
        assert_eq!(journal(&world.backend.data(), &here.keys).await, before, "it was only read there");
    });
}

#[test]
fn every_table_of_either_schema_is_moved_or_known_to_stay() {
    run(async {
        let (_world, here) = settled().await;
        let there = Postgres::new().await;
        let moved = transfer(here.clone(), database(&there, &here.keys)).await.unwrap();
        let moved: Vec<&str> = moved.rows.iter().map(|(table, _)| table.as_str()).collect();
        let sql = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'";
        let Place::Sqlite(data) = &here.place else { panic!("it is a directory") };
        let db = Connection::open(data.join("jeton.db")).unwrap();
        let mut statement = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
        let here: Vec<String> =
            statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
        for table in query(there.name(), sql).await.iter().chain(&here) {
            let stays = ["migration", "peer", "narrowing"].contains(&table.as_str());
            assert!(stays != moved.contains(&table.as_str()), "{table}");
        }
    });
}

#[test]
fn a_store_that_has_something_is_not_moved_into() {
    run(async {
        let (_here, here) = settled().await;
        let (_other, other) = settled().await;
        let other = Access { keys: here.keys.clone(), ..other };
        let refused = transfer(here.clone(), other).await.unwrap_err();
        assert!(matches!(refused, MoveError::NotEmpty { .. }), "{refused}");
        let full = Postgres::new().await;
        transfer(here.clone(), database(&full, &here.keys)).await.unwrap();
        let refused = transfer(here.clone(), database(&full, &here.keys)).await.unwrap_err();
        assert!(matches!(refused, MoveError::NotEmpty { .. }), "{refused}");
    });
}

#[test]
fn what_is_not_whole_is_not_moved_and_leaves_nothing_behind() {
    run(async {
        let (world, here) = settled().await;
        let db = Connection::open(world.backend.data().join("jeton.db")).unwrap();
        db.execute("UPDATE journal SET actor = 'somebody else' WHERE seq = 2", []).unwrap();
        drop(db);
        let there = Postgres::new().await;
        let refused = transfer(here.clone(), database(&there, &here.keys)).await.unwrap_err();
        assert!(matches!(&refused, MoveError::Broken(broken) if broken.seq == 2), "{refused}");
        assert_eq!(query(there.name(), "SELECT count(*)::text FROM account").await, ["0"]);
    });
}

#[test]
fn a_row_that_arrives_differently_is_found() {
    run(async {
        let (_world, here) = settled().await;
        let there = Postgres::new().await;
        store::migrate(&database(&there, &here.keys), false).await.unwrap();
        // A rule of somebody's own in the database.
        let rule = "CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS
                    'BEGIN NEW.name = upper(NEW.name) || ''!''; RETURN NEW; END'";
        let trigger = "CREATE TRIGGER meddle BEFORE INSERT ON holder FOR EACH ROW EXECUTE FUNCTION meddle()";
        let config = match &there.access().place {
            Place::Postgres(there) => there.config(None),
            Place::Sqlite(_) => panic!("it is a database"),
        };
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(rule).await.unwrap();
        client.batch_execute(trigger).await.unwrap();
        let refused = transfer(here.clone(), database(&there, &here.keys)).await.unwrap_err();
        assert!(matches!(refused, MoveError::Differs { table: "holder" }), "{refused}");
    });
}

#[test]
fn a_store_that_is_served_or_has_another_key_file_is_not_moved() {
    run(async {
        let (_world, here) = settled().await;
        let there = Postgres::new().await;
        let other = TempDir::new().unwrap();
        let keys = other.path().join("keys");
        std::fs::write(&keys, "7".repeat(64)).unwrap();
        std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o600)).unwrap();
        let refused = transfer(here.clone(), database(&there, &keys)).await.unwrap_err();
        assert!(matches!(refused, MoveError::Open(OpenError::OtherKeys { .. })), "{refused}");

        let lost = Access { keys: keys.clone(), ..here.clone() };
        let refused = transfer(lost, database(&there, &keys)).await.unwrap_err();
        assert!(
            matches!(refused, MoveError::Open(OpenError::OtherKeys { .. })),
            "not the store's: {refused}"
        );

        transfer(here.clone(), database(&there, &here.keys)).await.unwrap();
        let beat = "INSERT INTO peer (id, incarnation, applied, beat, known)
                    VALUES ('peer_1', 1, 0, (extract(epoch FROM clock_timestamp()) * 1000000)::int8, 1)";
        execute(there.name(), beat).await;
        let home = TempDir::new().unwrap();
        let back = directory(home.path(), &here.keys);
        let refused = transfer(database(&there, &here.keys), back).await.unwrap_err();
        assert!(matches!(refused, MoveError::Served { peers: 1, .. }), "{refused}");

        let open = World::<Sqlite>::open().await;
        let options = open.backend.options();
        let (from, to) = (directory(&options.data, &options.keys), directory(home.path(), &options.keys));
        let refused = transfer(from, to).await.unwrap_err();
        assert!(matches!(refused, MoveError::Open(OpenError::Locked { .. })), "{refused}");
        assert!(!home.path().join("jeton.db").exists(), "nothing was begun");
    });
}
