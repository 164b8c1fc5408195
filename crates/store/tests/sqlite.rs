//! What only the SQLite backend promises: its files, its lock, and what happens when the disk
//! does not do as it should.

#[path = "conformance/world.rs"]
mod world;

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use domain::change::{Action, Change, Entry, Write};
use domain::facts::{Account, Holder, Token};
use rusqlite::Connection;
use store::{Broken, ChainError, CommitError, KeyFileError, OpenError, Options, Store};
use token::{Kind, SystemEntropy};
use world::{Backend, DAY, Driven, Sqlite, World, at, change, insert, listener};

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(test);
}

fn open(options: Options) -> Result<Store, OpenError> {
    Store::open_sqlite(options, Arc::new(Driven::default()), Arc::new(SystemEntropy), Arc::new(|_| {}))
}

/// The database itself, behind the store's back.
fn behind(data: &Path) -> Connection {
    Connection::open(data.join("jeton.db")).unwrap()
}

fn revoke(token: &Token) -> domain::change::Change {
    let mut revoked = token.clone();
    revoked.life.revoked_at = Some(at(1));
    change([Write::UpdateToken(Box::new(revoked))]).ending()
}

#[test]
fn a_second_opening_is_refused_and_says_who_has_it() {
    run(async {
        let world = World::<Sqlite>::open().await;
        match open(world.backend.options()) {
            Err(OpenError::Locked { holder, .. }) => {
                assert_eq!(holder, format!("process {}", std::process::id()));
            }
            other => panic!("{:?}", other.err()),
        }
        world.store.close().await;
        open(world.backend.options()).unwrap();
    });
}

#[test]
fn a_newer_schema_is_refused_with_both_numbers() {
    run(async {
        let world = World::<Sqlite>::open().await;
        world.store.close().await;
        let sql = "INSERT INTO migration VALUES (99, '0099_more', 'expand', 'from the future')";
        behind(&world.backend.data()).execute(sql, []).unwrap();
        let refused = open(world.backend.options()).err().unwrap();
        assert!(matches!(refused, OpenError::NewerSchema { found: 99, known: 1, .. }), "{refused}");
    });
}

#[test]
fn an_altered_migration_is_refused() {
    run(async {
        let world = World::<Sqlite>::open().await;
        world.store.close().await;
        behind(&world.backend.data()).execute("UPDATE migration SET checksum = 'other'", []).unwrap();
        let refused = open(world.backend.options()).err().unwrap();
        assert!(matches!(refused, OpenError::AlteredMigration { number: 1, .. }), "{refused}");
    });
}

#[test]
fn a_damaged_database_is_refused() {
    run(async {
        let world = World::<Sqlite>::open().await;
        let (_, holder) = world.family().await;
        for _ in 0..50 {
            world.token(&holder).await;
        }
        world.store.close().await;
        let path = world.backend.data().join("jeton.db");
        let mut bytes = fs::read(&path).unwrap();
        // Every page but the first three; whatever they hold, it no longer reads.
        for byte in &mut bytes[3 * 4096..] {
            *byte ^= 0x5a;
        }
        fs::write(&path, bytes).unwrap();
        let refused = open(world.backend.options()).err().unwrap();
        assert!(matches!(refused, OpenError::Damaged { .. }), "{refused:?}");
    });
}

#[test]
fn what_is_kept_is_kept_for_its_owner_alone() {
    run(async {
        let world = World::<Sqlite>::open().await;
        let data = world.backend.options().data;
        for file in fs::read_dir(&data).unwrap() {
            let file = file.unwrap();
            let mode = file.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{:?}", file.file_name());
        }
    });
}

#[test]
fn the_key_file_is_made_for_its_owner_alone_and_wanted_back() {
    run(async {
        let world = World::<Sqlite>::open().await;
        let options = world.backend.options();
        let mode = |mode| fs::set_permissions(&options.keys, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(fs::metadata(&options.keys).unwrap().permissions().mode() & 0o777, 0o600);
        let (cursor, seal) = (world.store.keys().derive(b"cursor"), world.store.keys().derive(b"seal"));
        assert_ne!(cursor.as_bytes(), seal.as_bytes());
        assert_eq!(format!("{cursor:?}"), "Key(…)");
        world.store.close().await;

        let text = fs::read_to_string(&options.keys).unwrap();
        mode(0o640);
        let exposed = open(options.clone()).err().unwrap();
        assert!(matches!(exposed, OpenError::Keys(KeyFileError::Exposed { mode: 0o640, .. })), "{exposed}");
        mode(0o600);
        let again = open(options.clone()).unwrap();
        assert_eq!(again.keys().derive(b"cursor").as_bytes(), cursor.as_bytes());
        again.close().await;

        fs::write(&options.keys, "# nothing\n").unwrap();
        let malformed = open(options.clone()).err().unwrap();
        assert!(matches!(malformed, OpenError::Keys(KeyFileError::Malformed { .. })), "{malformed}");
        fs::remove_file(&options.keys).unwrap();
        let missing = open(options.clone()).err().unwrap();
        assert!(matches!(missing, OpenError::Keys(KeyFileError::Missing { .. })), "{missing}");
        fs::write(&options.keys, text).unwrap();
        mode(0o600);
        open(options).unwrap();
    });
}

#[test]
fn a_kept_secret_is_nowhere_in_the_files_and_opens_only_in_its_own_row() {
    run(async {
        let world = World::<Sqlite>::open().await;
        let (account, holder) = world.family().await;
        let mut kept = Vec::new();
        for _ in 0..2 {
            let text = world::text(Kind::Pat);
            let secret = text.expose().to_owned();
            let token = world::token_of_text(&holder, &text);
            kept.push((token.id, secret));
            world.write([Write::InsertToken { token: Box::new(token), keep: Some(text.into()) }]).await;
        }
        let data = world.backend.data();
        assert!(data.join("jeton.db-wal").exists(), "the log is there to be searched");
        assert_absent(&data, &kept);

        let swap = "
            UPDATE sealed
            SET nonce = (SELECT nonce FROM sealed AS other WHERE other.token <> sealed.token),
                text = (SELECT text FROM sealed AS other WHERE other.token <> sealed.token)
            WHERE token = ?1";
        behind(&data).execute(swap, [kept[0].0.to_string()]).unwrap();
        assert!(world.store.reveal(&account.id, kept[0].0).await.is_err(), "another row's text");
        let read = world.store.reveal(&account.id, kept[1].0).await.unwrap().unwrap();
        assert_eq!(read.expose(), kept[1].1);

        world.store.close().await;
        assert_absent(&data, &kept);
        // With another key there is nothing to be had, and the start says so.
        fs::write(world.backend.options().keys, format!("{}\n", "ab".repeat(32))).unwrap();
        let refused = open(world.backend.options()).err().unwrap();
        assert!(matches!(refused, OpenError::OtherKeys { .. }), "{refused}");
    });
}

/// The secret part of each text stands in none of the files.
fn assert_absent(data: &Path, kept: &[(token::TokenId, String)]) {
    for file in fs::read_dir(data).unwrap() {
        let path = file.unwrap().path();
        // SQLite takes its log away when the last connection closes, which may be just now.
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            read => read.unwrap(),
        };
        for (_, text) in kept {
            let secret = &text.as_bytes()[text.len() - 32..];
            let found = bytes.windows(secret.len()).any(|window| window == secret);
            assert!(!found, "{} has the text of a token", path.display());
        }
    }
}

#[test]
fn a_broken_chain_names_the_first_entry_that_does_not_fit() {
    let broken = |alter: &'static str, expected: Result<i64, i64>| {
        run(async {
            let world = World::<Sqlite>::open().await;
            let (_, holder) = world.family().await;
            for _ in 0..5 {
                world.token(&holder).await;
            }
            behind(&world.backend.data()).execute_batch(alter).unwrap();
            let found = match world.store.verify_journal().await {
                Ok(verified) => Ok(verified.entries),
                Err(ChainError::Broken(Broken { seq, .. })) => Err(seq),
                Err(other) => panic!("{other}"),
            };
            assert_eq!(found, expected, "{alter}");
            world.store.close().await;
            assert_eq!(open(world.backend.options()).is_ok(), expected.is_ok(), "{alter}");
        });
    };
    broken("SELECT 1", Ok(6));
    broken("UPDATE journal SET actor = 'nobody' WHERE seq = 3", Err(3));
    broken("UPDATE journal SET payload = '{}' WHERE seq = 4", Err(4));
    broken("UPDATE journal SET at = at + 1 WHERE seq = 1", Err(1));
    broken("DELETE FROM journal WHERE seq = 2", Err(2));
    broken("DELETE FROM journal WHERE seq = 6", Err(6));
    broken("UPDATE journal SET entry_hash = zeroblob(32), payload = NULL WHERE seq = 5", Err(5));
    broken("UPDATE head SET hash = zeroblob(32)", Err(6));
}

#[test]
fn a_text_that_somebody_removed_is_told_from_one_that_was_erased_and_who_did_it_stays() {
    run(async {
        let world = World::<Sqlite>::open().await;
        let (_, holder) = world.family().await;
        for _ in 0..5 {
            world.token(&holder).await;
        }
        let blame = "UPDATE journal SET payload = NULL, salt = NULL, actor = 'nobody' WHERE seq = 3";
        behind(&world.backend.data()).execute_batch(blame).unwrap();
        let broken = |found: Result<_, ChainError>| match found {
            Err(ChainError::Broken(Broken { seq, what })) => (seq, what.contains("no erasure tells of that")),
            other => panic!("{other:?}"),
        };
        assert_eq!(broken(world.store.verify_journal().await.map(drop)), (3, true));
        // Nor does an erasure come to vouch for it.
        assert_eq!(broken(world.store.erasable(at(99 * DAY)).await.map(drop)), (3, true));

        // Once an erasure has told of them, nobody is put in another's place.
        let world = World::<Sqlite>::open().await;
        let (_, holder) = world.family().await;
        for _ in 0..5 {
            world.token(&holder).await;
        }
        let erased = world.store.erasable(at(99 * DAY)).await.unwrap().unwrap();
        let mark = Write::MarkErased { from: erased.from, through: erased.through };
        let tells = Entry { action: Action::JournalErased, payload: erased.told(), ..world::entry() };
        let told = world.store.commit(Change::default().write(mark).entry(tells)).await.unwrap().position;
        assert_eq!(world.store.finish_erasing().await.unwrap(), 6);
        assert_eq!(world.store.verify_journal().await.unwrap().erased, 6);
        behind(&world.backend.data()).execute_batch(blame).unwrap();
        assert_eq!(broken(world.store.verify_journal().await.map(drop)), (told, false));
    });
}

#[test]
fn an_acknowledged_narrowing_is_in_the_log_outside_the_database() {
    run(async {
        let world = World::<Sqlite>::open().await;
        let (account, holder) = world.family().await;
        let token = world.token(&holder).await;
        let log = world.backend.data().join("narrowings.log");
        assert_eq!(fs::read_to_string(&log).unwrap(), "", "what widens is not in it");

        let revoked = world.store.commit(revoke(&token)).await.unwrap();
        let mut gone = Holder { version: 1, ..holder.clone() };
        gone.standing.revoked_before = Some(at(9));
        let stopped = world.store.commit(change([Write::UpdateHolder(gone)]).narrowing()).await.unwrap();
        let text = fs::read_to_string(&log).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let [of_token, of_holder] = &lines[..] else { panic!("{text}") };
        assert_eq!((&of_token["seq"], &of_token["table"]), (&revoked.position.into(), &"token".into()));
        assert_eq!(of_token["at"], at(0).to_string());
        assert_eq!(of_token["row"]["id"], token.id.to_string());
        assert_eq!(of_token["row"]["account"], account.id.to_string());
        assert_eq!(of_token["row"]["revoked_at"], at(1).as_micros());
        assert_eq!(of_token["row"]["version"], 2);
        assert_eq!((&of_holder["seq"], &of_holder["table"]), (&stopped.position.into(), &"holder".into()));
        assert_eq!(of_holder["row"]["revoked_before"], at(9).as_micros());
        assert!(!text.contains("Ada") && !text.contains("deploy"), "it keeps no names");

        // A crash between the commit and the log: the line waits in the database.
        world.store.close().await;
        let sql = "INSERT INTO narrowing (seq, part, place, line) VALUES (77, 0, ?1, '{\"seq\":77}')";
        behind(&world.backend.data()).execute(sql, [text.len() as i64]).unwrap();
        let store = open(world.backend.options()).unwrap();
        assert_eq!(fs::read_to_string(&log).unwrap(), format!("{text}{{\"seq\":77}}\n"));
        store.close().await;
        open(world.backend.options()).unwrap().close().await;
        assert_eq!(fs::read_to_string(&log).unwrap().lines().count(), 3, "and is written once");
    });
}

#[test]
fn below_the_watermark_only_what_ends_something_is_taken() {
    run(async {
        let world = World::<Sqlite>::open().await;
        let (account, holder) = world.family().await;
        let token = world.token(&holder).await;
        world.store.close().await;
        // No disk has that much room.
        let options = Options { watermark_bytes: u64::MAX, ..world.backend.options() };
        let store = open(options).unwrap();
        assert!(store.health().below_watermark);
        let made = store.commit(change([insert(&world::token(&holder, Kind::Pat))])).await;
        assert!(matches!(made, Err(CommitError::Full)), "{made:?}");
        assert!(matches!(store.record_usage(vec![]).await, Err(CommitError::Full)));
        // What may take something away could be done again and again, until nothing can be ended.
        let policy = Account { name: "x".repeat(100), ..account.clone() };
        let changed = store.commit(change([Write::UpdateAccount(Box::new(policy))]).narrowing()).await;
        assert!(matches!(changed, Err(CommitError::Full)), "{changed:?}");
        store.commit(revoke(&token)).await.unwrap();
        let (read, _) = store.token(&account.id, token.id).await.unwrap().unwrap();
        assert_eq!(read.life.revoked_at, Some(at(1)));
        store.purge(at(0)).await.unwrap();
    });
}

#[test]
fn a_listener_that_panics_stops_the_store_rather_than_leave_memory_behind() {
    run(async {
        let backend = Sqlite::new().await;
        let stopped = Arc::new(AtomicBool::new(false));
        let store = Store::open_sqlite_with(
            backend.options(),
            Arc::new(Driven::default()),
            Arc::new(SystemEntropy),
            Arc::new(|_| panic!("on purpose")),
            stopper(&stopped),
        )
        .unwrap();
        let result = store.commit(change([Write::InsertAccount(Box::new(world::account()))])).await;
        assert!(matches!(result, Err(CommitError::Unavailable(_))), "{result:?}");
        // Dropping waits for the thread.
        drop(store);
        assert!(stopped.load(Ordering::SeqCst));
    });
}

fn stopper(stopped: &Arc<AtomicBool>) -> store::Stop {
    let stopped = stopped.clone();
    Arc::new(move |_| stopped.store(true, Ordering::SeqCst))
}

/// A real failing write: the process may not make files larger than 1 MiB, and the log grows
/// into that at some COMMIT. The test runs itself again as that process.
#[test]
fn an_io_error_at_commit_stops_the_process_and_loses_nothing_acknowledged() {
    const CHILD: &str = "JETON_STORE_TEST_CHILD";
    const NAME: &str = "an_io_error_at_commit_stops_the_process_and_loses_nothing_acknowledged";
    if let Ok(directory) = std::env::var(CHILD) {
        return commit_until_stopped(Path::new(&directory));
    }
    let directory = tempfile::tempdir().unwrap();
    // Blocks of 512 bytes; without the trap the signal would end the process before SQLite.
    let script = "trap '' XFSZ; ulimit -f 2048; exec \"$0\" \"$@\"";
    let child = Command::new("sh")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .args([NAME, "--exact", "--nocapture"])
        .env(CHILD, directory.path())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let said = String::from_utf8(child.stdout).unwrap();
    assert_eq!(child.status.code(), Some(42), "{said}");
    let acknowledged: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("made ")).collect();
    assert!(acknowledged.len() > 3, "{said}");

    run(async {
        let store = open(world::options(directory.path())).unwrap();
        store.verify_journal().await.unwrap();
        let account = store.accounts(None, 1).await.unwrap().remove(0);
        for id in acknowledged {
            assert!(store.token(&account.id, id.parse().unwrap()).await.unwrap().is_some(), "{id}");
        }
    });
}

fn commit_until_stopped(directory: &Path) {
    run(async {
        let store = Store::open_sqlite_with(
            world::options(directory),
            Arc::new(Driven::default()),
            Arc::new(SystemEntropy),
            Arc::new(|_| {}),
            Arc::new(|_| std::process::exit(42)),
        )
        .unwrap();
        let account = world::account();
        let holder = world::member(&account);
        let first = [Write::InsertAccount(Box::new(account)), Write::InsertHolder(holder.clone())];
        store.commit(change(first)).await.unwrap();
        println!();
        for _ in 0..10_000 {
            let token = world::token(&holder, Kind::Pat);
            store.commit(change([insert(&token)])).await.unwrap();
            println!("made {}", token.id);
            std::io::stdout().flush().unwrap();
        }
    });
}

#[test]
fn on_a_full_disk_a_revocation_still_works_and_creation_says_full() {
    let directory = tempfile::tempdir().unwrap();
    let disk = match Disk::mount(directory.path()) {
        Ok(disk) => disk,
        Err(why) => return println!("skipped: no small disk to fill here ({why})"),
    };
    run(async {
        let clock = Arc::new(Driven::default());
        let options = Options { ballast_bytes: 512 << 10, ..world::options(&disk.0) };
        let heard = Arc::new(Mutex::new(Vec::new()));
        let open =
            || Store::open_sqlite(options.clone(), clock.clone(), Arc::new(SystemEntropy), listener(&heard));
        let store = open().unwrap();
        assert!(store.health().ballast);
        let account = world::account();
        let holder = world::member(&account);
        let family = [Write::InsertAccount(Box::new(account.clone())), Write::InsertHolder(holder.clone())];
        store.commit(change(family)).await.unwrap();
        let mut tokens = Vec::new();
        for _ in 0..3 {
            let token = world::token(&holder, Kind::Pat);
            let number = store.commit(change([insert(&token)])).await.unwrap().number.unwrap();
            tokens.push(Token { number, version: 1, ..token });
        }

        let filler = disk.fill();
        let full = loop {
            // The log still has room in blocks it has taken; use those up.
            match store.commit(change([insert(&world::token(&holder, Kind::Pat))])).await {
                Ok(_) => {}
                Err(why) => break why,
            }
        };
        assert!(matches!(full, CommitError::Full), "{full:?}");
        store.commit(revoke(&tokens[0])).await.unwrap();
        assert!(!store.health().ballast, "what was kept aside was let go");
        store.verify_journal().await.unwrap();

        // Also after a restart on the full disk.
        store.close().await;
        let store = open().unwrap();
        store.commit(revoke(&tokens[1])).await.unwrap();
        for token in &tokens[..2] {
            let (read, _) = store.token(&account.id, token.id).await.unwrap().unwrap();
            assert!(read.life.revoked_at.is_some());
        }
        let log = fs::read_to_string(options.data.join("narrowings.log")).unwrap();
        assert_eq!(log.lines().count(), 2);

        fs::remove_file(filler).unwrap();
        store.commit(change([insert(&world::token(&holder, Kind::Pat))])).await.unwrap();
        assert!(store.health().ballast, "kept aside again once there is room");
        store.close().await;
    });
}

/// A disk of 8 MiB, as only root can make one.
struct Disk(PathBuf);

impl Disk {
    fn mount(directory: &Path) -> Result<Self, String> {
        let (image, at) = (directory.join("image"), directory.join("disk"));
        fs::create_dir(&at).unwrap();
        fs::File::create(&image).unwrap().set_len(8 << 20).unwrap();
        let run = |program: &str, args: &[&std::ffi::OsStr]| {
            let ran = Command::new(program).args(args).output().map_err(|e| format!("{program}: {e}"))?;
            match ran.status.success() {
                true => Ok(()),
                false => Err(format!("{program}: {}", String::from_utf8_lossy(&ran.stderr).trim())),
            }
        };
        run("mkfs.ext4", &["-q".as_ref(), "-m".as_ref(), "0".as_ref(), image.as_ref()])?;
        run("mount", &["-o".as_ref(), "loop".as_ref(), image.as_ref(), at.as_ref()])?;
        Ok(Self(at))
    }

    /// Takes every block that is left.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("filler");
        let mut file = fs::File::create(&path).unwrap();
        for size in [64 << 10, 4096, 512, 1] {
            while file.write_all(&vec![7; size]).and_then(|()| file.sync_data()).is_ok() {}
        }
        path
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}
