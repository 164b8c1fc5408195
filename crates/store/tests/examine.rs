//! What a look at a store finds: nothing bad in one that is well, and each thing that went wrong by
//! its name.

#[path = "conformance/place.rs"]
mod place;
#[path = "conformance/world.rs"]
mod world;

use std::path::Path;

use domain::change::Write;
use domain::facts::Token;
use place::{Postgres, execute};
use rusqlite::Connection;
use store::place::{Access, Place};
use store::{Configured, Finding, Verdict, examine};
use world::{Driven, Sqlite, World, at, change};

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

/// Goes by no file, on a disk of which nothing has to stay free.
const PLAIN: Configured<'static> = Configured { checkpoints: None, watermark_bytes: 0, named: false };

async fn look(access: &Access) -> Vec<Finding> {
    examine(access, &Driven::default(), PLAIN).await
}

fn revoked(token: &Token) -> Write {
    let mut next = token.clone();
    next.life.revoked_at = Some(at(1));
    Write::UpdateToken(Box::new(next))
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
        assert_eq!(again.store.verify_journal().await.unwrap().entries, head);
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

        // A directory that is not there is one that has not begun, unless somebody named it.
        let nowhere = Access { place: Place::Sqlite(home.path().join("nowhere")), ..access };
        assert_eq!(bad(&look(&nowhere).await), Vec::<&str>::new());
        let by = Configured { named: true, ..PLAIN };
        let found = examine(&nowhere, &Driven::default(), by).await;
        assert_eq!(bad(&found), ["file system"], "{found:#?}");
    });
}

#[test]
fn what_a_restore_leaves_for_the_next_start_is_a_note() {
    run(async {
        let world = settled().await;
        let access = access(&world);
        world.store.close().await;
        // A copy in its place, as a restore puts one there.
        let (data, copy) = (world.backend.data(), world.backend.data().join("copy"));
        behind(&data).execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
        for beside in ["jeton.db-wal", "jeton.db-shm"] {
            std::fs::remove_file(data.join(beside)).ok();
        }
        std::fs::rename(copy, data.join("jeton.db")).unwrap();
        let found = look(&access).await;
        assert_eq!(bad(&found), Vec::<&str>::new(), "{found:#?}");
        assert_eq!(named(&found, "journal_mode").verdict, Verdict::Note);
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
fn a_log_of_narrowings_that_was_altered_or_cut_off_is_found() {
    run(async {
        let world = settled().await;
        let (_, holder) = world.family().await;
        let (access, log) = (access(&world), world.backend.data().join("narrowings.log"));
        let said = async || {
            let found = look(&access).await;
            let finding = named(&found, "narrowings.log").clone();
            assert_eq!(finding.verdict == Verdict::Bad, bad(&found) == ["narrowings.log"], "{found:#?}");
            (finding.verdict, finding.value)
        };
        assert_eq!(said().await, (Verdict::Good, "0 lines, each as it was written".to_owned()));
        for _ in 0..3 {
            let token = world.token(&holder).await;
            world.store.commit(change([revoked(&token)]).narrowing()).await.unwrap();
        }
        world.token(&holder).await;
        let whole = std::fs::read_to_string(&log).unwrap();
        let good = (Verdict::Good, "3 lines, each as it was written".to_owned());
        assert_eq!(said().await, good, "while it runs");
        world.store.close().await;
        assert_eq!(said().await, good, "and when it does not");

        let lines: Vec<&str> = whole.split_inclusive('\n').collect();
        let altered = whole.replacen("\"version\":2", "\"version\":1", 1);
        let swapped = lines[1].replace("\"version\":2", "\"version\":3");
        for (text, what) in [
            (altered, "line 1 was not written with this key file"),
            (format!("{}{swapped}{}", lines[0], lines[2]), "line 2 was not written with this key file"),
            (lines[..1].concat(), "lacks lines"),
            (String::new(), "lacks lines"),
            (lines[1..].concat(), "lacks lines"),
            (format!("{}{}", lines[0], lines[2]), "lacks lines"),
        ] {
            std::fs::write(&log, &text).unwrap();
            let (verdict, value) = said().await;
            assert_eq!(verdict, Verdict::Bad, "{text}");
            assert!(value.contains(what), "{value}, not {what}");
        }
        std::fs::remove_file(&log).unwrap();
        assert_eq!(said().await.0, Verdict::Bad, "all of it is gone");
        std::fs::write(&log, lines[..2].concat()).unwrap();
        assert_eq!(said().await.0, Verdict::Good, "the last one the database still has");
        std::fs::write(&log, &whole).unwrap();
        assert_eq!(said().await, good, "put back");

        std::fs::write(&access.keys, "7".repeat(64)).unwrap();
        let (verdict, value) = said().await;
        assert_eq!((verdict, value.as_str()), (Verdict::Note, "3 lines"), "with another key file");
    });
}

/// A journal whose last entries are gone, with a head that says so: a chain that holds.
const CUT: &str = "DELETE FROM journal WHERE seq > 2;
     UPDATE head SET seq = 2, hash = (SELECT hash FROM journal WHERE seq = 2)";

/// Looks by a checkpoint of an entry that comes after the one of `settled`.
async fn look_by_checkpoint(
    access: &Access,
    store: &store::Store,
    break_it: impl AsyncFnOnce(),
) -> Vec<Finding> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("checkpoints.log");
    let configured = Configured { checkpoints: Some(&path), ..PLAIN };
    let by = async || examine(access, &Driven::default(), configured).await;
    assert_eq!(named(&by().await, "checkpoints").verdict, Verdict::Note, "none was kept yet");
    store::CheckpointFile::open(&path).unwrap().extend(store).await.unwrap().unwrap();
    store.commit(world::change([])).await.unwrap();
    store::CheckpointFile::open(&path).unwrap().extend(store).await.unwrap().unwrap();
    let found = by().await;
    assert_eq!(bad(&found), Vec::<&str>::new(), "{found:#?}");
    assert!(named(&found, "checkpoints").value.starts_with("the journal agrees with all 2 of "));
    break_it().await;
    let again = store::CheckpointFile::open(&path).unwrap().extend(store).await;
    let refused = again.unwrap_err().to_string();
    assert!(refused.contains("was cut back") || refused.contains("was rewritten"), "{refused}");
    by().await
}

#[test]
fn a_journal_that_was_cut_back_or_rewritten_is_found_by_its_checkpoints() {
    run(async {
        let world = settled().await;
        let access = access(&world);
        let cut = async || behind(&world.backend.data()).execute_batch(CUT).unwrap();
        let found = look_by_checkpoint(&access, &world.store, cut).await;
        assert_eq!(bad(&found), ["checkpoints"], "the chain itself holds: {found:#?}");
        let told = &named(&found, "checkpoints").value;
        assert!(
            told.starts_with("the journal ends at entry 2, and entry 3 was signed at 2026-01-01T"),
            "{told}"
        );
        assert!(told.ends_with("it was cut back; the last checkpoint that agrees is of entry 2"), "{told}");

        let world = settled_database().await;
        let access = world.backend.access();
        let cut = async || execute(world.backend.name(), CUT).await;
        let found = look_by_checkpoint(&access, &world.store, cut).await;
        assert_eq!(bad(&found), ["checkpoints"], "{found:#?}");
        assert!(named(&found, "checkpoints").value.contains("ends at entry 2, and entry 3 was signed at"));
    });
}

#[test]
fn with_another_key_file_nobody_says_that_the_checkpoints_were_altered() {
    run(async {
        let world = settled().await;
        let access = access(&world);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("checkpoints.log");
        store::CheckpointFile::open(&path).unwrap().extend(&world.store).await.unwrap().unwrap();
        world.store.close().await;
        std::fs::write(&access.keys, "7".repeat(64)).unwrap();
        let by = Configured { checkpoints: Some(&path), ..PLAIN };
        let found = examine(&access, &Driven::default(), by).await;
        assert_eq!(bad(&found), ["key file"], "{found:#?}");
        assert_eq!(named(&found, "checkpoints").verdict, Verdict::Note);
    });
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

/// A database with a few entries.
async fn settled_database() -> World<Postgres> {
    let world = World::<Postgres>::open().await;
    let (_, holder) = world.family().await;
    world.token(&holder).await;
    world
}

#[test]
fn a_database_that_is_well_has_nothing_bad_while_peers_serve_it_and_after() {
    run(async {
        let world = settled_database().await;
        let access = world.backend.access();
        let head = world.store.health().position;
        let found = look(&access).await;
        assert_eq!(bad(&found), Vec::<&str>::new(), "{found:#?}");
        assert_eq!(named(&found, "connection").value, "in the clear, within this machine");
        assert_eq!(named(&found, "schema").value, "1");
        assert_eq!(named(&found, "key file").verdict, Verdict::Good);
        assert!(named(&found, "journal").value.starts_with(&format!("{head} entries, the chain holds")));
        assert!(named(&found, "peer").value.contains("knows schema 1"), "{found:#?}");
        assert!(found.iter().all(|finding| (finding.verdict == Verdict::Good) == finding.help.is_none()));

        world.store.close().await;
        let found = look(&access).await;
        assert_eq!(bad(&found), Vec::<&str>::new(), "{found:#?}");
        assert_eq!(named(&found, "peers").value, "none runs");
    });
}

#[test]
fn each_thing_that_is_wrong_with_a_database_is_found_by_its_name() {
    for (name, what, breakage) in [
        (
            "journal",
            "entry 2 does not have the text that was written",
            "UPDATE journal SET payload = '{}' WHERE seq = 2",
        ),
        ("journal", "entry 2 is missing", "DELETE FROM journal WHERE seq = 2"),
        ("journal", "is not the end that was written", "DELETE FROM head"),
        (
            "schema",
            "99; this jeton knows",
            "INSERT INTO migration VALUES (99, '0099_more', 'contract', 'from the future')",
        ),
        (
            "key file",
            "is not the one that the store was written with",
            "UPDATE key_check SET fingerprint = decode(repeat('ab', 32), 'hex')",
        ),
    ] {
        run(async {
            let world = settled_database().await;
            world.store.close().await;
            execute(world.backend.name(), breakage).await;
            let found = look(&world.backend.access()).await;
            assert_eq!(bad(&found), [name], "{what}: {found:#?}");
            let finding = named(&found, name);
            assert!(finding.value.contains(what), "{finding:?}");
            assert!(finding.help.is_some());
        });
    }
}

#[test]
fn a_database_without_tables_is_said_to_have_none_and_is_left_alone() {
    run(async {
        let backend = <Postgres as world::Backend>::new().await;
        for _ in 0..2 {
            let found = look(&backend.access()).await;
            assert_eq!(bad(&found), Vec::<&str>::new(), "{found:#?}");
            assert_eq!(named(&found, "schema").value, "none yet");
        }
    });
}

#[test]
fn a_peer_that_lags_or_is_silent_or_older_is_worth_knowing() {
    run(async {
        let world = settled_database().await;
        let name = world.backend.name();
        let head = world.store.health().position;
        world.store.close().await;
        let now = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
        let silent = format!("INSERT INTO peer VALUES ('peer_gone', 1, 1, {now} - 60000000, 1)");
        execute(name, &silent).await;
        let found = look(&world.backend.access()).await;
        let finding = named(&found, "peer");
        assert_eq!(finding.verdict, Verdict::Note);
        let lag = format!("peer_gone has applied 1, {} behind; beat 6", head - 1);
        assert!(finding.value.starts_with(&lag), "{finding:?}");
        assert!(finding.help.as_ref().is_some_and(|help| help.contains("it was killed")), "{finding:?}");

        execute(name, &format!("UPDATE peer SET known = 0, beat = {now}")).await;
        let found = look(&world.backend.access()).await;
        assert!(
            named(&found, "peer").help.as_ref().is_some_and(|help| help.contains("--contract")),
            "{found:?}"
        );
        assert_eq!(bad(&found), Vec::<&str>::new(), "{found:#?}");
    });
}

#[test]
fn a_server_that_commits_without_waiting_for_its_disk_is_worth_knowing_and_not_bad() {
    run(async {
        let world = settled_database().await;
        let name = world.backend.name();
        execute(name, &format!("ALTER DATABASE {name} SET synchronous_commit = off")).await;
        let found = look(&world.backend.access()).await;
        let finding = named(&found, "synchronous_commit");
        assert_eq!((finding.value.as_str(), finding.verdict), ("off", Verdict::Note));
        assert_eq!(bad(&found), Vec::<&str>::new(), "{found:#?}");
    });
}
