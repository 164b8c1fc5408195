//! What a look at a store finds: nothing bad in one that is well, and each thing that went wrong by
//! its name.

#[path = "conformance/world.rs"]
mod world;

use std::path::Path;

use rusqlite::Connection;
use store::place::{Access, Place};
use store::{Finding, Verdict, examine};
use world::{Driven, Sqlite, World};

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(test);
}

fn behind(data: &Path) -> Connection {
    Connection::open(data.join("jeton.db")).unwrap()
}

fn access(world: &World<Sqlite>) -> Access {
    let options = world.backend.options();
    Access { place: Place::Sqlite(options.data), password: None, keys: options.keys }
}

async fn look(access: &Access) -> Vec<Finding> {
    examine(access, &Driven::default()).await
}

/// A store with a few entries.
async fn settled() -> World<Sqlite> {
    let world = World::<Sqlite>::open().await;
    let (_, holder) = world.family().await;
    world.token(&holder).await;
    world
}

fn named<'a>(found: &'a [Finding], name: &str) -> &'a Finding {
    found.iter().find(|finding| finding.name == name).unwrap_or_else(|| panic!("no {name} in {found:#?}"))
}

fn bad(found: &[Finding]) -> Vec<&'static str> {
    found.iter().filter(|finding| finding.verdict == Verdict::Bad).map(|finding| finding.name).collect()
}

#[test]
fn a_store_that_is_well_has_nothing_bad_while_it_is_open_and_after() {
    run(async {
        let world = settled().await;
        let access = access(&world);
        let head = world.store.health().position;
        let found = look(&access).await;
        assert_eq!(bad(&found), Vec::<&str>::new(), "{found:#?}");
        let server = format!("process {} has the store open", std::process::id());
        assert_eq!(named(&found, "server").value, server);
        assert!(named(&found, "journal").value.starts_with(&format!("{head} entries, the chain holds")));
        for (name, value) in [("journal_mode", "wal"), ("quick_check", "ok"), ("schema", "1")] {
            assert_eq!(named(&found, name).value, value);
        }
        assert!(named(&found, "synchronous").value.starts_with("FULL"));
        assert!(found.iter().all(|finding| (finding.verdict == Verdict::Good) == finding.help.is_none()));

        world.store.close().await;
        let found = look(&access).await;
        assert_eq!(bad(&found), Vec::<&str>::new(), "{found:#?}");
        assert_eq!(named(&found, "server").value, "none runs");
        // Looking let go of the lock and changed nothing.
        let again = world.reopen().await;
        assert_eq!(again.store.verify_journal().await.unwrap(), head);
    });
}

#[test]
fn a_directory_without_a_store_is_said_to_have_none_and_is_left_alone() {
    run(async {
        let home = tempfile::tempdir().unwrap();
        let access = Access {
            place: Place::Sqlite(home.path().into()),
            password: None,
            keys: home.path().join("keys"),
        };
        let found = look(&access).await;
        assert_eq!(bad(&found), Vec::<&str>::new());
        assert!(named(&found, "database").value.ends_with("is not there yet"));
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
    });
}

#[test]
fn each_thing_that_is_wrong_is_found_by_its_name() {
    type Breakage = fn(&Access, &Connection);
    let breakages: [(&str, &str, Breakage); 5] = [
        ("journal", "entry 2 does not have the text that was written", |_, db| {
            db.execute("UPDATE journal SET payload = '{}' WHERE seq = 2", []).unwrap();
        }),
        ("journal", "entry 2 is missing", |_, db| {
            db.execute("DELETE FROM journal WHERE seq = 2", []).unwrap();
        }),
        ("schema", "99; this jeton knows", |_, db| {
            db.execute("INSERT INTO migration VALUES (99, '0099_more', 'expand', 'from the future')", [])
                .unwrap();
        }),
        ("key file", "is not the one that the store was written with", |access, _| {
            std::fs::write(&access.keys, "7".repeat(64)).unwrap();
        }),
        ("key file", "is missing", |access, _| std::fs::remove_file(&access.keys).unwrap()),
    ];
    for (name, what, break_it) in breakages {
        run(async {
            let world = settled().await;
            let access = access(&world);
            world.store.close().await;
            break_it(&access, &behind(&world.backend.data()));
            let found = look(&access).await;
            assert_eq!(bad(&found), [name], "{what}: {found:#?}");
            let finding = named(&found, name);
            assert!(finding.value.contains(what), "{finding:?}");
            assert!(finding.help.is_some());
        });
    }
}

#[test]
fn a_damaged_file_is_a_finding() {
    run(async {
        let world = settled().await;
        let access = access(&world);
        world.store.close().await;
        std::fs::write(world.backend.data().join("jeton.db"), "no database at all, by any means").unwrap();
        let found = look(&access).await;
        assert_eq!(bad(&found), ["database"], "{found:#?}");
    });
}

#[test]
fn a_database_that_nobody_serves_is_said_to_be_out_of_reach_without_its_password() {
    run(async {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let url = format!("postgres://jeton:s3cret@{free}/jeton");
        let access = Access { place: url.parse().unwrap(), password: None, keys: "keys".into() };
        let found = look(&access).await;
        assert_eq!(bad(&found), ["connection"]);
        assert!(found[0].value.contains("Connection refused"), "{found:?}");
        assert!(!format!("{found:?}").contains("s3cret"));
    });
}
