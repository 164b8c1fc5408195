//! An installation that is moved arrives whole, or not at all.

#[path = "conformance/place.rs"]
mod place;
#[path = "transfer/rich.rs"]
mod rich;
#[path = "conformance/world.rs"]
mod world;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use place::{Postgres, execute, query};
use rich::{Rich, behind, database, directory, open};
use store::place::{Access, Place};
use store::{MoveError, Moved, OpenError, transfer};
use tempfile::TempDir;
use world::{Backend, DAY, Sqlite, World, at};

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(test);
}

/// Tables that stay behind, each for its reason.
const STAY: [&str; 3] = ["migration", "narrowing", "peer"];

/// Microseconds since 1970, by the database's clock.
const NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

/// A statement of any form in a database.
async fn tell(there: &Postgres, sql: &str) {
    let Place::Postgres(place) = there.access().place else { panic!("it is a database") };
    let (client, connection) = place.config(None).connect(tokio_postgres::NoTls).await.unwrap();
    let driver = tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
    drop(client);
    driver.await.unwrap().unwrap();
}

/// Does this to each row that comes into a table.
async fn meddle(there: &Postgres, table: &str, what: &str) {
    let sql = format!(
        "CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN {what}; RETURN NEW; END';
         CREATE TRIGGER meddle BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION meddle()"
    );
    tell(there, &sql).await;
}

async fn seen(rich: &Rich, access: &Access) -> Vec<String> {
    let store = open(access).await;
    let seen = rich.picture(&store).await;
    store.close().await;
    seen
}

/// That both are the same; says only what is not.
fn assert_same(here: &[String], there: &[String], what: &str) {
    for (n, one) in here.iter().enumerate() {
        assert_eq!(Some(one), there.get(n), "{what}");
    }
    assert_eq!(here.len(), there.len(), "{what}");
}

fn rows(moved: &Moved, table: &str) -> i64 {
    moved.rows.iter().find(|(name, _)| *name == table).expect("every table is counted").1
}

/// How many rows each table of a directory has.
fn counts(home: &Path) -> Vec<(String, i64)> {
    let db = behind(home);
    let mut statement =
        db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").unwrap();
    let tables: Vec<String> =
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    let count = |table: String| {
        let sql = format!("SELECT count(*) FROM {table}");
        let count = db.query_row(&sql, [], |row| row.get(0)).unwrap();
        (table, count)
    };
    tables.into_iter().map(count).collect()
}

/// That a database has what a new one has, and nothing else.
async fn assert_empty(there: &Postgres) {
    for table in [
        "account",
        "person",
        "holder",
        "token",
        "sealed",
        "journal",
        "remembered",
        "setup_link",
        "link",
        "notice",
    ] {
        let found = query(there.name(), &format!("SELECT count(*)::text FROM {table}")).await;
        assert_eq!(found, ["0"], "{table}");
    }
    assert_eq!(query(there.name(), "SELECT seq::text FROM head").await, ["0"]);
    assert!(!there.access().keys.exists(), "a key file without the rows");
    // A server can begin in it.
    open(&there.access()).await.close().await;
}

#[test]
fn an_installation_moves_there_and_back_with_everything_in_it() {
    run(async {
        let mut rich = Rich::new().await;
        let (there, elsewhere) = (Postgres::new().await, Postgres::new().await);
        let (back, twin) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let route = [rich.access(), there.access(), directory(back.path()), directory(twin.path())];
        for (leg, pair) in route.windows(2).enumerate() {
            let [from, to] = pair else { panic!("windows of two") };
            let before = rich.looked_at_and_added_to(from).await;
            let after = seen(&rich, from).await;
            assert_eq!(after.len(), before.len() + 5, "a token in three lines and two entries");
            let moved = transfer(from, to).await.unwrap();
            for (table, count) in &moved.rows {
                assert!(*count > 0, "{table} is tried with rows");
            }
            assert_eq!(rows(&moved, "token"), rich.tokens.len() as i64, "leg {leg}");
            assert_eq!((rows(&moved, "journal"), rows(&moved, "head")), (moved.entries, 1));
            assert_same(&seen(&rich, to).await, &after, &format!("leg {leg}"));
            assert_same(&seen(&rich, from).await, &after, "it was only read there");
        }
        let moved = transfer(&route[1], &elsewhere.access()).await.unwrap();
        let head = query(elsewhere.name(), "SELECT encode(hash, 'hex') FROM head").await;
        assert_eq!([moved.head], head[..]);
        let (one, other) = (seen(&rich, &elsewhere.access()).await, seen(&rich, &route[1]).await);
        assert_same(&one, &other, "between two databases");
    });
}

#[test]
fn the_key_file_goes_along_for_its_owner_alone_and_the_log_of_narrowings_begins_empty() {
    run(async {
        let rich = Rich::new().await;
        let home = TempDir::new().unwrap();
        let to = Access { keys: home.path().join("apart/key"), ..directory(home.path()) };
        transfer(&rich.access(), &to).await.unwrap();
        assert_eq!(fs::read(&to.keys).unwrap(), fs::read(rich.access().keys).unwrap());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&to.keys), 0o600);
        assert_eq!(mode(&home.path().join("apart")), 0o700);
        assert_eq!(mode(&database(home.path())), 0o600);
        assert_eq!(fs::read(home.path().join("data/narrowings.log")).unwrap(), b"");
        assert!(fs::metadata(rich.home.path().join("data/narrowings.log")).unwrap().len() > 0);
    });
}

#[test]
fn every_table_of_either_schema_is_moved_or_known_to_stay() {
    run(async {
        let rich = Rich::new().await;
        let there = Postgres::new().await;
        let moved = transfer(&rich.access(), &there.access()).await.unwrap();
        let mut known: Vec<&str> = moved.rows.iter().map(|(table, _)| *table).chain(STAY).collect();
        known.sort_unstable();
        let sql = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'";
        let mut all = query(there.name(), sql).await;
        all.extend(counts(rich.home.path()).into_iter().map(|(table, _)| table));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all, known);
    });
}

#[test]
fn a_store_that_has_something_is_not_moved_into_and_stays_as_it_is() {
    run(async {
        let (rich, other) = (Rich::new().await, Rich::new().await);
        let full = Access { keys: rich.access().keys, ..other.access() };
        let before = counts(other.home.path());
        let refused = transfer(&rich.access(), &full).await.unwrap_err();
        assert!(matches!(refused, MoveError::NotEmpty { .. }), "{refused}");
        assert_eq!(counts(other.home.path()), before);
        seen(&other, &other.access()).await;

        let there = Postgres::new().await;
        transfer(&rich.access(), &there.access()).await.unwrap();
        let before = seen(&rich, &there.access()).await;
        let refused = transfer(&rich.access(), &there.access()).await.unwrap_err();
        assert!(refused.to_string().contains("(rows in the table "), "{refused}");
        assert_same(&seen(&rich, &there.access()).await, &before, "it was full");
        let by_another_name = there.access().place.to_string() + "?application_name=another";
        let itself = Access { place: by_another_name.parse().unwrap(), ..there.access() };
        let refused = transfer(&there.access(), &itself).await.unwrap_err();
        assert!(matches!(refused, MoveError::NotEmpty { .. }), "{refused}");
        let refused = transfer(&there.access(), &there.access()).await.unwrap_err();
        assert!(matches!(refused, MoveError::Same { .. }), "{refused}");

        let home = TempDir::new().unwrap();
        fs::create_dir(home.path().join("data")).unwrap();
        fs::write(home.path().join("data/narrowings.log"), "{}\n").unwrap();
        let refused = transfer(&rich.access(), &directory(home.path())).await.unwrap_err();
        assert!(refused.to_string().contains("narrowings.log"), "{refused}");
        assert!(!database(home.path()).exists());
    });
}

#[test]
fn a_store_that_was_opened_and_never_used_takes_an_installation_in() {
    run(async {
        let rich = Rich::new().await;
        let (home, there) = (TempDir::new().unwrap(), Postgres::new().await);
        for to in [directory(home.path()), there.access()] {
            fs::copy(rich.access().keys, &to.keys).unwrap();
            let store = open(&to).await;
            store.put_setup_link([7; 32], at(3000 * DAY)).await.unwrap();
            store.close().await;
            transfer(&rich.access(), &to).await.unwrap();
            assert_same(&seen(&rich, &to).await, &seen(&rich, &rich.access()).await, "where nothing was");
            assert!(
                !open(&to).await.setup_link_open([7; 32]).await.unwrap(),
                "the way in of another beginning"
            );
        }
    });
}

#[test]
fn a_journal_that_is_not_whole_is_not_moved() {
    for (breakage, seq) in [
        ("UPDATE journal SET actor = 'somebody else' WHERE seq = 2", 2),
        ("DELETE FROM journal WHERE seq = 3", 3),
        ("UPDATE head SET hash = zeroblob(32)", 7),
    ] {
        run(async {
            let rich = Rich::new().await;
            behind(rich.home.path()).execute(breakage, []).unwrap();
            let home = TempDir::new().unwrap();
            let refused = transfer(&rich.access(), &directory(home.path())).await.unwrap_err();
            match &refused {
                MoveError::Broken { broken, .. } => assert_eq!(broken.seq, seq, "{breakage}"),
                other => panic!("{breakage}: {other}"),
            }
            assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "nothing was begun");
        });
    }
}

#[test]
fn a_row_that_arrives_differently_is_found_and_nothing_stays() {
    run(async {
        let rich = Rich::new().await;
        let there = Postgres::new().await;
        store::migrate(&there.access(), false).await.unwrap();
        meddle(&there, "token_use", "NEW.at = NEW.at + 1").await;
        let refused = transfer(&rich.access(), &there.access()).await.unwrap_err();
        assert!(matches!(refused, MoveError::Differs { table: "token_use" }), "{refused}");
        assert_empty(&there).await;

        let home = TempDir::new().unwrap();
        store::migrate(&directory(home.path()), false).await.unwrap();
        let before = counts(home.path());
        let meddling = "CREATE TRIGGER meddle AFTER INSERT ON journal WHEN NEW.seq = 2
                        BEGIN UPDATE journal SET touched = 'all' WHERE seq = 2; END";
        behind(home.path()).execute_batch(meddling).unwrap();
        let refused = transfer(&rich.access(), &directory(home.path())).await.unwrap_err();
        assert!(matches!(refused, MoveError::Differs { table: "journal" }), "{refused}");
        assert_eq!(counts(home.path()), before);
    });
}

#[test]
fn a_move_that_fails_midway_leaves_nothing_behind() {
    run(async {
        let rich = Rich::new().await;
        let there = Postgres::new().await;
        store::migrate(&there.access(), false).await.unwrap();
        // Rows that do not fit, then a server that goes away, both after most tables have arrived.
        for (what, why) in [
            ("RAISE ''no more''", "no more"),
            ("PERFORM pg_terminate_backend(pg_backend_pid())", "terminating connection"),
        ] {
            meddle(&there, "remembered", what).await;
            let refused = transfer(&rich.access(), &there.access()).await.unwrap_err();
            let MoveError::Unavailable { place, source } = &refused else { panic!("{refused}") };
            assert_eq!(*place, there.access().place.to_string());
            assert!(source.0.to_string().contains(why), "{:?}", source.0);
            execute(there.name(), "DROP TRIGGER meddle ON remembered; DROP FUNCTION meddle").await;
        }
        assert_empty(&there).await;

        // A directory that was there, and one that was not.
        let home = TempDir::new().unwrap();
        store::migrate(&directory(home.path()), false).await.unwrap();
        let before = counts(home.path());
        let full =
            "CREATE TRIGGER full BEFORE INSERT ON remembered BEGIN SELECT RAISE(ABORT, 'no more'); END";
        behind(home.path()).execute_batch(full).unwrap();
        transfer(&rich.access(), &directory(home.path())).await.unwrap_err();
        assert_eq!(counts(home.path()), before);
        assert!(!directory(home.path()).keys.exists());

        let home = TempDir::new().unwrap();
        let blocked = Access { keys: home.path().join("file/key"), ..directory(home.path()) };
        fs::write(home.path().join("file"), "no directory").unwrap();
        let refused = transfer(&rich.access(), &blocked).await.unwrap_err();
        assert!(matches!(refused, MoveError::Keys(_)), "{refused}");
        assert!(!database(home.path()).exists());
        transfer(&rich.access(), &directory(home.path())).await.unwrap();
    });
}

#[test]
fn a_commit_without_an_answer_is_said_to_be_one_and_can_be_tried_again() {
    run(async {
        let rich = Rich::new().await;
        let there = Postgres::new().await;
        store::migrate(&there.access(), false).await.unwrap();
        let cut = "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS
                   'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';
                   CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON account DEFERRABLE INITIALLY DEFERRED
                   FOR EACH ROW EXECUTE FUNCTION cut()";
        tell(&there, cut).await;
        let refused = transfer(&rich.access(), &there.access()).await.unwrap_err();
        assert!(matches!(refused, MoveError::Unknown { .. }), "{refused}");
        execute(there.name(), "DROP TRIGGER cut ON account").await;
        transfer(&rich.access(), &there.access()).await.unwrap();
        assert_same(&seen(&rich, &there.access()).await, &seen(&rich, &rich.access()).await, "again");
    });
}

#[test]
fn a_store_that_is_served_is_neither_moved_nor_moved_into() {
    run(async {
        let world = World::<Sqlite>::open().await;
        let options = world.backend.options();
        let here = Access { place: Place::Sqlite(options.data), password: None, keys: options.keys };
        let there = Postgres::new().await;
        let refused = transfer(&here, &there.access()).await.unwrap_err();
        assert!(matches!(refused, MoveError::Open(OpenError::Locked { .. })), "{refused}");
        world.store.close().await;
        fs::copy(&here.keys, there.access().keys).unwrap();

        let peers = [open(&there.access()).await, open(&there.access()).await];
        let mut named = query(there.name(), "SELECT id FROM peer").await;
        named.sort_unstable();
        let home = TempDir::new().unwrap();
        for (from, to) in [(&here, &there.access()), (&there.access(), &directory(home.path()))] {
            match transfer(from, to).await.unwrap_err() {
                MoveError::Served { peers, .. } => assert_eq!(peers, named),
                other => panic!("{other}"),
            }
        }
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "nothing was begun");
        for peer in &peers {
            peer.close().await;
        }
        transfer(&here, &there.access()).await.unwrap();

        // One that was killed takes no row of its own away, and is waited for as long as it may
        // believe itself current.
        let beat =
            |ago| format!("INSERT INTO peer VALUES ('peer_{ago}', 1, 0, {NOW} - {ago}::bigint * 1000000, 1)");
        execute(there.name(), &beat(13)).await;
        transfer(&there.access(), &directory(home.path())).await.unwrap();
        execute(there.name(), &beat(5)).await;
        let refused = transfer(&there.access(), &directory(home.path())).await.unwrap_err();
        assert!(refused.to_string().starts_with("peer_5 serve from "), "{refused}");
    });
}

#[test]
fn what_belongs_to_another_key_file_or_version_is_not_moved() {
    run(async {
        let rich = Rich::new().await;
        let (home, there) = (TempDir::new().unwrap(), Postgres::new().await);
        let keys = home.path().join("another");
        fs::write(&keys, "7".repeat(64)).unwrap();
        fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).unwrap();
        let another = |access: Access| Access { keys: keys.clone(), ..access };
        let refused = transfer(&rich.access(), &another(there.access())).await.unwrap_err();
        assert!(matches!(refused, MoveError::OtherKeys { .. }), "{refused}");
        let refused = transfer(&another(rich.access()), &another(there.access())).await.unwrap_err();
        assert!(matches!(refused, MoveError::Open(OpenError::OtherKeys { .. })), "{refused}");
        let missing = Access { keys: home.path().join("nowhere"), ..rich.access() };
        let refused = transfer(&missing, &there.access()).await.unwrap_err();
        assert!(refused.to_string().contains("is missing"), "{refused}");
        let refused = transfer(&directory(home.path()), &there.access()).await.unwrap_err();
        assert!(matches!(refused, MoveError::Absent { .. }), "{refused}");
        let refused = transfer(&there.access(), &directory(home.path())).await.unwrap_err();
        assert!(matches!(refused, MoveError::Absent { .. }), "{refused}");

        store::migrate(&there.access(), false).await.unwrap();
        execute(there.name(), "ALTER TABLE node ADD COLUMN more TEXT").await;
        let refused = transfer(&rich.access(), &there.access()).await.unwrap_err();
        assert!(matches!(refused, MoveError::OtherColumns { table: "node", .. }), "{refused}");
        // Even where it only added something: that would not be moved.
        execute(there.name(), "INSERT INTO migration VALUES (99, '0099_more', 'expand', 'later')").await;
        for (from, to) in [(rich.access(), there.access()), (there.access(), directory(home.path()))] {
            let refused = transfer(&from, &to).await.unwrap_err();
            assert!(
                matches!(refused, MoveError::Open(OpenError::NewerSchema { found: 99, .. })),
                "{refused}"
            );
        }
    });
}
