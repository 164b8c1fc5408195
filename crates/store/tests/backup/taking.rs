//! Taking a backup beside whoever writes.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use domain::change::Write;
use rusqlite::Connection;
use store::{BackupError, backup};
use token::Kind;

use crate::world::{change, insert};
use crate::{Kept, names, run};

#[test]
fn a_backup_is_taken_while_others_write_and_is_whole_wherever_they_were() {
    run(async {
        let kept = Kept::open().await;
        let (_, holder) = kept.world.family().await;
        let store = kept.world.store.clone();
        let writer = tokio::spawn(async move {
            for _ in 0..600 {
                store.commit(change([insert(&crate::world::token(&holder, Kind::Pat))])).await.unwrap();
            }
        });
        let mut entries = Vec::new();
        while !writer.is_finished() {
            let file = kept.file(&format!("{}.db", entries.len()));
            let data = kept.data();
            let acknowledged = kept.world.store.health().position;
            let done = tokio::task::spawn_blocking(move || backup(&data, &file).unwrap()).await.unwrap();
            let rows = |table: &str| done.rows.iter().find(|(name, _)| name == table).unwrap().1;
            assert!(done.entries >= acknowledged, "what was answered before is in it");
            assert_eq!(
                (rows("journal"), rows("token")),
                (done.entries, done.entries - 1),
                "one moment for all tables"
            );
            entries.push(done.entries);
        }
        writer.await.unwrap();
        assert!(entries.len() > 1 && entries.is_sorted(), "{entries:?}");
        assert_eq!(names(kept.shelf.path()).len(), entries.len(), "nothing else is left");
    });
}

#[test]
fn a_backup_is_for_its_owner_alone_and_takes_nobodys_name() {
    run(async {
        let kept = Kept::open().await;
        kept.world.family().await;
        let file = kept.backup("a.db");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let before = fs::read(&file).unwrap();
        let again = backup(&kept.data(), &file).unwrap_err();
        assert!(matches!(again, BackupError::Exists { .. }), "{again}");
        assert_eq!(fs::read(&file).unwrap(), before);
        std::os::unix::fs::symlink("nowhere", kept.file("link")).unwrap();
        assert!(matches!(backup(&kept.data(), &kept.file("link")), Err(BackupError::Exists { .. })));
        let nowhere = backup(&kept.file("no-such-directory"), &kept.file("b.db")).unwrap_err();
        assert!(matches!(nowhere, BackupError::Absent { .. }), "{nowhere}");
        let unwritable = backup(&kept.data(), &kept.file("no-such-directory/b.db")).unwrap_err();
        assert!(matches!(unwritable, BackupError::Io { .. }), "{unwritable}");
        assert_eq!(names(kept.shelf.path()), ["a.db", "link"]);
    });
}

#[test]
fn a_damaged_database_gives_no_backup() {
    run(async {
        let kept = Kept::open().await;
        let (_, holder) = kept.world.family().await;
        for _ in 0..50 {
            kept.world.token(&holder).await;
        }
        kept.world.store.close().await;
        let db = Connection::open(kept.data().join("jeton.db")).unwrap();
        db.execute("UPDATE journal SET action = 'token.deleted' WHERE seq = 7", []).unwrap();
        let refused = backup(&kept.data(), &kept.file("a.db")).unwrap_err();
        assert!(refused.to_string().contains("journal entry 7"), "{refused}");
        assert_eq!(names(kept.shelf.path()), Vec::<String>::new());
    });
}

#[test]
fn what_was_erased_is_not_in_a_backup() {
    run(async {
        let kept = Kept::open().await;
        let (account, _) = kept.world.family().await;
        let named = |name: &str, version| {
            let account = domain::facts::Account { name: name.into(), version, ..account.clone() };
            change([Write::UpdateAccount(Box::new(account))])
        };
        let secret = "erase-me-".repeat(2_000);
        kept.world.store.commit(named(&secret, 1)).await.unwrap();
        kept.world.store.commit(named("Acme", 2)).await.unwrap();
        let bytes = fs::read(kept.backup("a.db")).unwrap();
        assert!(!bytes.windows(9).any(|part| part == b"erase-me-"));
    });
}
