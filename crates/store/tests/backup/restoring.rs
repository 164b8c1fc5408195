//! Taking a backup back: nothing returns that was taken away since.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use domain::change::Write;
use domain::facts::{Holder, Person, SecondFactor, Service, Token};
use domain::grant::Grant;
use domain::permission::PermissionSet;
use domain::policy::OnInactive;
use rusqlite::Connection;
use store::{CheckpointFile, Log, OpenError, Order, RestoreError, Store, restore};
use tempfile::TempDir;
use token::{Kind, SystemEntropy};

use crate::world::{DAY, Driven, Sqlite, World, at, change};
use crate::{Kept, names, refused, revoked, run};

#[test]
fn a_backup_comes_back_as_it_was_with_an_entry_that_says_so() {
    run(async {
        let kept = Kept::open().await;
        let (_, holder) = kept.world.family().await;
        let one = kept.world.token(&holder).await;
        let file = kept.backup("a.db");
        let lost = kept.world.token(&holder).await;
        let checkpoints = kept.data().join("checkpoints.log");
        let signed = async |store: &Store| CheckpointFile::open(&checkpoints).unwrap().extend(store).await;
        signed(&kept.world.store).await.unwrap();
        let (kept, done) = kept.restored(&file).await;
        assert_eq!((done.position, done.lines, done.reasserted.len()), (2, 0, 0));
        assert_eq!(kept.token(&one).await, one);
        assert!(kept.world.store.token(&lost.account, lost.id).await.unwrap().is_none());
        let journal = kept.world.store.journal(2, 10).await.unwrap();
        assert_eq!(journal.len(), 1);
        assert_eq!((journal[0].action.as_str(), journal[0].actor.as_str()), ("server.restored", "operator"));
        assert_eq!(journal[0].payload.as_ref().unwrap()["from"]["seq"], 2);
        let aside = done.aside.unwrap();
        let old = Connection::open(aside.join("jeton.db")).unwrap();
        let tokens: i64 = old.query_row("SELECT count(*) FROM token", [], |row| row.get(0)).unwrap();
        assert_eq!(tokens, 2, "the one that was replaced is kept whole");
        assert_eq!(fs::metadata(kept.data().join("jeton.db")).unwrap().permissions().mode() & 0o777, 0o600);
        // And work goes on, under checkpoints of its own.
        kept.world.token(&holder).await;
        assert!(aside.join("checkpoints.log").exists() && !checkpoints.exists());
        assert_eq!(signed(&kept.world.store).await.unwrap().unwrap().seq, 4);
    });
}

#[test]
fn nothing_that_was_taken_away_after_the_backup_comes_back_with_it() {
    run(async {
        let kept = Kept::open().await;
        let (account, holder) = kept.world.family().await;
        let stopped = Holder { version: 1, ..crate::world::member(&account) };
        let left = Holder { version: 1, ..crate::world::member(&account) };
        let demoted = Holder { version: 1, ..crate::world::member(&account) };
        let person = Person { version: 1, ..crate::world::person("ada@example.com") };
        let other = Person { version: 1, ..crate::world::person("eve@example.com") };
        let service = Service { version: 1, ..crate::world::service() };
        kept.world
            .write([
                Write::InsertHolder(stopped.clone()),
                Write::InsertHolder(left.clone()),
                Write::InsertHolder(demoted.clone()),
                Write::InsertPerson(person.clone()),
                Write::InsertPerson(other.clone()),
                Write::InsertService(service.clone()),
                Write::InsertPermission { bit: 28, name: "devices:read".into() },
            ])
            .await;
        let mut tokens = Vec::new();
        for _ in 0..5 {
            tokens.push(kept.world.token(&holder).await);
        }
        let text = crate::world::text(Kind::Pat);
        let sealed = crate::world::token_of_text(&holder, &text);
        kept.world
            .write([Write::InsertToken { token: Box::new(sealed.clone()), keep: Some(text.into()) }])
            .await;
        let file = kept.backup("a.db");

        let later = kept.world.token(&holder).await;
        let with = |token: &Token, set: fn(&mut Token)| {
            let mut next = token.clone();
            set(&mut next);
            Write::UpdateToken(Box::new(next))
        };
        kept.narrow([revoked(&tokens[0]), revoked(&later)]).await;
        kept.narrow([with(&tokens[1], |token| token.life.leaked_at = Some(at(2)))]).await;
        kept.narrow([with(&tokens[2], |token| token.life.deleted_at = Some(at(3)))]).await;
        kept.narrow([with(&tokens[3], |token| {
            token.life.expires_at = Some(at(4));
            token.grant = Grant::List(PermissionSet::of(3) | PermissionSet::of(28) | PermissionSet::of(29));
        })])
        .await;
        kept.narrow([Write::ForgetSecret(sealed.id)]).await;
        let stand = |holder: &Holder, set: fn(&mut Holder)| {
            let mut next = holder.clone();
            set(&mut next);
            Write::UpdateHolder(next)
        };
        kept.narrow([stand(&stopped, |holder| holder.standing.inactive_since = Some(at(5)))]).await;
        kept.narrow([stand(&left, |holder| {
            holder.standing.removed_at = Some(at(6));
            holder.standing.tokens_deleted_at = Some(at(6));
            holder.standing.revoked_before = Some(at(6));
        })])
        .await;
        kept.narrow([stand(&demoted, |holder| holder.bindings.truncate(0))]).await;
        kept.narrow([
            Write::UpdatePerson(Person { operator: false, ..person.clone() }),
            Write::UpdatePerson(Person { password: Some("$argon2id$another".into()), ..other.clone() }),
        ])
        .await;
        kept.narrow([Write::UpdateService(Service { revoked_at: Some(at(7)), ..service.clone() })]).await;
        let mut narrower = account.clone();
        narrower.roles[0].permissions = PermissionSet::of(1) | PermissionSet::of(99);
        narrower.policy.on_inactive = OnInactive::Suspend;
        narrower.policy.rotate.allowed = !narrower.policy.rotate.allowed;
        kept.narrow([Write::UpdateAccount(Box::new(narrower.clone()))]).await;

        let (kept, done) = kept.restored(&file).await;
        assert_eq!(kept.token(&tokens[0]).await.life.revoked_at, Some(at(1)));
        assert_eq!(kept.token(&tokens[1]).await.life.leaked_at, Some(at(2)));
        assert_eq!(kept.token(&tokens[2]).await.life.deleted_at, Some(at(3)));
        let shorter = kept.token(&tokens[3]).await;
        assert_eq!(shorter.life.expires_at, Some(at(4)));
        let within = PermissionSet::of(3) | PermissionSet::of(28);
        assert_eq!(shorter.grant, Grant::List(within), "bit 29 will be given to another name");
        assert!(shorter.version > 2, "a version that nobody has seen with other contents");
        assert_eq!(kept.token(&tokens[4]).await, tokens[4]);
        assert!(kept.world.store.token(&account.id, later.id).await.unwrap().is_none(), "it does not exist");
        assert!(kept.world.store.reveal(&account.id, sealed.id).await.unwrap().is_none());
        assert_eq!(kept.holder(&stopped).await.standing.inactive_since, Some(at(5)));
        let gone = kept.holder(&left).await.standing;
        assert_eq!([gone.removed_at, gone.tokens_deleted_at, gone.revoked_before], [Some(at(6)); 3]);
        assert!(kept.holder(&demoted).await.bindings.is_empty());
        let store = &kept.world.store;
        let demoted_operator = store.person(person.id).await.unwrap().unwrap();
        assert!(!demoted_operator.operator);
        assert_eq!(demoted_operator.password, person.password, "it was in force");
        assert_eq!(
            store.person(other.id).await.unwrap().unwrap().password,
            None,
            "the old one opens nothing"
        );
        assert_eq!(store.service(service.id).await.unwrap().unwrap().revoked_at, Some(at(7)));
        let account = store.account(&account.id).await.unwrap().unwrap();
        assert_eq!(account.policy, narrower.policy);
        assert_eq!(account.roles[0].permissions, PermissionSet::of(1));

        let mut tables: Vec<&str> = done.reasserted.iter().map(|row| row.table).collect();
        tables.sort();
        tables.dedup();
        assert_eq!(tables, ["account", "holder", "person", "sealed", "service", "token"]);
        assert_eq!(done.reasserted.len(), 12);
        assert_eq!(done.absent, [("token", 1)]);
        let entries = store.journal(done.position, 10).await.unwrap();
        assert_eq!(entries.len(), 2, "one for the server, one for the account");
        assert_eq!(entries[1].account.as_ref(), Some(&account.id));
        assert_eq!(entries[1].payload.as_ref().unwrap()["reasserted"], 8);
    });
}

#[test]
fn a_second_factor_that_a_backup_does_not_have_leaves_no_password_that_opens_without_it() {
    run(async {
        let kept = Kept::open().await;
        kept.world.family().await;
        let plain = |email: &str| Person { second_factor: None, ..crate::world::person(email) };
        let rows = [
            plain("enrolled@example.com"),
            crate::world::person("off@example.com"),
            crate::world::person("spent@example.com"),
            crate::world::person("same@example.com"),
        ];
        kept.world.write(rows.clone().map(Write::InsertPerson)).await;
        let file = kept.backup("a.db");
        let [enrolled, off, spent, same] = rows.map(|row| Person { version: 1, ..row });
        let factor = crate::world::second_factor();
        kept.narrow([
            Write::UpdatePerson(Person { second_factor: Some(factor.clone()), ..enrolled.clone() }),
            Write::UpdatePerson(Person { second_factor: None, ..off.clone() }),
            Write::UpdatePerson(Person {
                second_factor: Some(SecondFactor { recovery: vec![factor.recovery[1]], ..factor.clone() }),
                ..spent.clone()
            }),
            Write::UpdatePerson(Person { operator: false, ..same.clone() }),
        ])
        .await;

        let (kept, _) = kept.restored(&file).await;
        let row = async |person: &Person| kept.world.store.person(person.id).await.unwrap().unwrap();
        let now = row(&enrolled).await;
        assert_eq!(
            (now.password, now.second_factor),
            (None, None),
            "the secret is lost, and so is the way in"
        );
        let now = row(&off).await;
        assert_eq!((now.password, now.second_factor), (off.password, None), "it was in force so");
        let now = row(&spent).await;
        assert_eq!(now.password, spent.password);
        assert_eq!(
            now.second_factor.unwrap().recovery,
            [factor.recovery[1]],
            "a code that was used stays used"
        );
        let now = row(&same).await;
        assert_eq!((now.password, now.second_factor, now.operator), (same.password, Some(factor), false));
    });
}

#[test]
fn the_last_line_of_a_row_counts_and_what_came_back_by_approval_stays_as_it_was_last_narrowed() {
    run(async {
        let kept = Kept::open().await;
        let (_, holder) = kept.world.family().await;
        let (one, two) = (kept.world.token(&holder).await, kept.world.token(&holder).await);
        let file = kept.backup("a.db");
        for token in [&one, &two] {
            kept.narrow([revoked(token)]).await;
            let mut approved = Token { version: 2, ..token.clone() };
            approved.life.approved_at = Some(at(9));
            kept.world.write([Write::UpdateToken(Box::new(approved))]).await;
        }
        let mut shorter = Token { version: 3, ..two.clone() };
        shorter.life.approved_at = Some(at(9));
        shorter.life.expires_at = Some(at(DAY));
        kept.narrow([Write::UpdateToken(Box::new(shorter))]).await;
        let (kept, _) = kept.restored(&file).await;
        assert!(kept.token(&one).await.life.revoked_at.is_some(), "that it was approved again is not known");
        let two = kept.token(&two).await.life;
        assert_eq!((two.revoked_at, two.approved_at, two.expires_at), (None, Some(at(9)), Some(at(DAY))));
    });
}

#[test]
fn restoring_one_after_the_other_never_forgets_what_any_of_their_histories_took_away() {
    run(async {
        let kept = Kept::open().await;
        let (_, holder) = kept.world.family().await;
        let mut tokens = Vec::new();
        for _ in 0..4 {
            tokens.push(kept.world.token(&holder).await);
        }
        let first = kept.backup("first.db");
        kept.narrow([revoked(&tokens[0])]).await;
        let second = kept.backup("second.db");
        kept.narrow([revoked(&tokens[1])]).await;

        let (kept, done) = kept.restored(&first).await;
        assert_eq!(done.reasserted.len(), 2);
        kept.narrow([revoked(&tokens[2])]).await;
        // What was approved again in this history stays approved in it.
        let mut approved = kept.token(&tokens[1]).await;
        approved.life.revoked_at = None;
        kept.world.write([Write::UpdateToken(Box::new(approved))]).await;
        let third = kept.backup("third.db");
        kept.narrow([revoked(&tokens[3])]).await;

        let (kept, done) = kept.restored(&second).await;
        assert_eq!(done.reasserted.len(), 3, "all but the one that it knows of: {done:?}");
        for token in &tokens {
            assert!(kept.token(token).await.life.revoked_at.is_some());
        }
        let (kept, done) = kept.restored(&third).await;
        assert_eq!(
            done.reasserted.iter().map(|row| row.id.clone()).collect::<Vec<_>>(),
            [tokens[3].id.to_string()]
        );
        assert!(kept.token(&tokens[1]).await.life.revoked_at.is_none());
        for token in [&tokens[0], &tokens[2], &tokens[3]] {
            assert!(kept.token(token).await.life.revoked_at.is_some());
        }
        let (kept, done) = kept.restored(&first).await;
        assert!(done.reasserted.len() >= 3, "{done:?}");
        for token in [&tokens[0], &tokens[2], &tokens[3]] {
            assert!(kept.token(token).await.life.revoked_at.is_some());
        }
        assert_eq!(names(&kept.data()).iter().filter(|name| name.starts_with("before-restore-")).count(), 4);
    });
}

#[test]
fn a_restore_elsewhere_wants_the_log_the_key_file_and_nothing_that_is_in_the_way() {
    run(async {
        let kept = Kept::open().await;
        let (_, holder) = kept.world.family().await;
        let token = kept.world.token(&holder).await;
        let file = kept.backup("a.db");
        kept.narrow([revoked(&token)]).await;

        let running = refused(&kept.order(&file));
        assert!(matches!(running, RestoreError::Open(OpenError::Locked { .. })), "{running}");
        kept.world.store.close().await;
        let in_the_way = refused(&Order { replace: false, ..kept.order(&file) });
        assert!(matches!(in_the_way, RestoreError::Exists { .. }), "{in_the_way}");

        let elsewhere = TempDir::new().unwrap();
        let options = crate::world::options(elsewhere.path());
        let order = Order { data: options.data.clone(), ..kept.order(&file) };
        let unlogged = refused(&order);
        assert!(matches!(unlogged, RestoreError::NoLog { .. }), "{unlogged}");
        let keyless =
            refused(&Order { keys: elsewhere.path().join("none"), log: Log::Lost, ..order.clone() });
        assert!(keyless.to_string().contains("is missing"), "{keyless}");
        // Somebody began anew there: other keys, another log.
        let begun = World::<Sqlite>::open().await;
        begun.family().await;
        begun.store.close().await;
        let over = Order { data: begun.backend.data(), ..kept.order(&file) };
        assert!(matches!(refused(&over), RestoreError::NoLog { .. }));
        let other_keys = refused(&Order { keys: begun.backend.options().keys, ..over });
        assert!(matches!(other_keys, RestoreError::Open(OpenError::OtherKeys { .. })), "{other_keys}");

        let log = kept.data().join("narrowings.log");
        let order = Order { log: Log::File(log.clone()), ..order };
        let done = restore(&order, Arc::new(Driven::default()), &SystemEntropy).unwrap();
        assert_eq!(done.reasserted.len(), 1);
        let own = fs::read_to_string(options.data.join("narrowings.log")).unwrap();
        assert!(own.starts_with(&fs::read_to_string(&log).unwrap()), "the next restore needs no copy");
        fs::copy(kept.world.backend.options().keys, &options.keys).unwrap();
        let store = Store::open_sqlite(
            options,
            Arc::new(Driven::default()),
            Arc::new(SystemEntropy),
            Arc::new(|_| {}),
        );
        let kept = store.unwrap().token(&token.account, token.id).await.unwrap().unwrap().0;
        assert!(kept.life.revoked_at.is_some());
    });
}

#[test]
fn what_is_no_backup_is_refused_and_the_database_stays() {
    run(async {
        let kept = Kept::open().await;
        let (_, holder) = kept.world.family().await;
        let token = kept.world.token(&holder).await;
        let file = kept.backup("a.db");
        kept.world.store.close().await;
        let bad = |name: &str, make: &dyn Fn(&Path)| {
            let copy = kept.file(name);
            fs::copy(&file, &copy).unwrap();
            make(&copy);
            refused(&kept.order(&copy))
        };
        let tell = |path: &Path, sql: &str| Connection::open(path).unwrap().execute_batch(sql).unwrap();
        let text = bad("text", &|path| {
            fs::write(path, "not a database, but long enough to be read as one").unwrap()
        });
        assert!(matches!(text, RestoreError::Open(OpenError::Damaged { .. })), "{text}");
        let empty = bad("empty", &|path| fs::write(path, "").unwrap());
        assert!(matches!(empty, RestoreError::Open(OpenError::Damaged { .. })), "{empty}");
        let chain = bad("chain", &|path| tell(path, "UPDATE journal SET subject = 'me' WHERE seq = 1"));
        assert!(chain.to_string().contains("journal entry 1"), "{chain}");
        let trigger = "CREATE TRIGGER t AFTER UPDATE ON token BEGIN DELETE FROM journal; END";
        let altered = bad("trigger", &|path| tell(path, trigger));
        assert!(matches!(altered, RestoreError::Altered { .. }), "{altered}");
        let newer = bad("newer", &|path| tell(path, "INSERT INTO migration VALUES (99, 'x', 'expand', 'x')"));
        assert!(matches!(newer, RestoreError::Open(OpenError::NewerSchema { .. })), "{newer}");
        let log = kept.data().join("narrowings.log");
        fs::write(&log, "{\"seq\":9,\"hash\":\"\",\"at\":null,\"table\":\"moon\",\"row\":{}}\n").unwrap();
        let unknown = refused(&kept.order(&file));
        assert!(
            unknown.to_string().contains("line 1 of") && unknown.to_string().contains("moon"),
            "{unknown}"
        );
        let left: Vec<_> = names(&kept.data()).into_iter().filter(|name| name.contains("arriving")).collect();
        assert!(left.is_empty(), "{left:?}");
        fs::write(&log, "").unwrap();
        let world = kept.world.reopen().await;
        assert!(world.store.token(&token.account, token.id).await.unwrap().is_some());
    });
}

#[test]
fn a_log_that_somebody_wrote_into_is_not_believed() {
    run(async {
        let kept = Kept::open().await;
        let (_, holder) = kept.world.family().await;
        let token = kept.world.token(&holder).await;
        let file = kept.backup("a.db");
        kept.narrow([revoked(&token)]).await;
        kept.world.store.close().await;
        let log = kept.data().join("narrowings.log");
        let written = fs::read_to_string(&log).unwrap();
        let other = {
            let begun = World::<Sqlite>::open().await;
            let (_, holder) = begun.family().await;
            let token = begun.token(&holder).await;
            begun.store.commit(change([revoked(&token)]).narrowing()).await.unwrap();
            begun.store.close().await;
            fs::read_to_string(begun.backend.data().join("narrowings.log")).unwrap()
        };
        // As somebody would who can write to a copy: more than was ever given, or less taken away.
        let made_up = r#"{"seq":99,"hash":"00","at":null,"table":"person","row":{"id":"per_0123456789ab","operator":true,"password":null,"version":9},"mac":"00"}"#;
        let revoked_at = format!("\"revoked_at\":{}", at(1).as_micros());
        assert!(written.contains(&revoked_at));
        for (text, line) in [
            (format!("{written}{made_up}\n"), 2),
            (format!("{made_up}\n{written}"), 1),
            (written.replace(&revoked_at, "\"revoked_at\":null"), 1),
            (written.replace("\"version\":2", "\"version\":1"), 1),
            (format!("{written}{other}"), 2),
        ] {
            let copy = kept.file("copy.log");
            fs::write(&copy, &text).unwrap();
            let named = refused(&Order { log: Log::File(copy.clone()), ..kept.order(&file) });
            assert!(
                matches!(&named, RestoreError::Forged { path, line: n, .. } if *path == copy && *n == line),
                "{named}"
            );
            fs::write(&log, &text).unwrap();
            let beside = refused(&kept.order(&file));
            assert!(matches!(&beside, RestoreError::Forged { line: n, .. } if *n == line), "{beside}");
            fs::write(&log, &written).unwrap();
        }
        let (kept, done) = kept.restored(&file).await;
        assert_eq!(done.reasserted.len(), 1, "the log itself is");
        assert!(kept.token(&token).await.life.revoked_at.is_some());
    });
}

#[test]
fn a_restore_that_was_cut_off_is_finished_or_never_began() {
    run(async {
        let kept = Kept::open().await;
        let (_, holder) = kept.world.family().await;
        let one = kept.world.token(&holder).await;
        let file = kept.backup("a.db");
        let two = kept.world.token(&holder).await;
        kept.world.store.close().await;
        // Cut off while it was copied.
        fs::copy(&file, kept.data().join("jeton.db.arriving")).unwrap();
        let world = kept.world.reopen().await;
        assert!(world.store.token(&two.account, two.id).await.unwrap().is_some());
        world.store.close().await;
        // Cut off after the turning point, with one of the old files moved.
        let data = world.backend.data();
        fs::copy(&file, data.join("jeton.db.restoring")).unwrap();
        fs::create_dir(data.join("before-restore-1")).unwrap();
        fs::write(data.join("before-restore-1/jeton.db-wal"), "").unwrap();
        let world = world.reopen().await;
        assert!(world.store.token(&one.account, one.id).await.unwrap().is_some());
        assert!(world.store.token(&two.account, two.id).await.unwrap().is_none());
        assert_eq!(names(&data.join("before-restore-1")), ["jeton.db", "jeton.db-wal"]);
        assert!(!names(&data).iter().any(|name| name.ends_with("restoring")));
    });
}

#[test]
fn time_goes_on_from_what_was_taken_away_last() {
    run(async {
        let kept = Kept::open().await;
        let (_, holder) = kept.world.family().await;
        let token = kept.world.token(&holder).await;
        let file = kept.backup("a.db");
        let mut change = change([revoked(&token)]).narrowing();
        change.entries[0].at = at(5 * DAY);
        kept.world.store.commit(change).await.unwrap();
        let (kept, _) = kept.restored(&file).await;
        assert!(kept.world.now() >= at(5 * DAY), "whatever ended until then stays ended");
    });
}

#[test]
fn tokens_that_were_revoked_together_stay_revoked() {
    run(async {
        let kept = Kept::open().await;
        let (_, holder) = kept.world.family().await;
        let mut tokens = Vec::new();
        for _ in 0..5 {
            tokens.push(kept.world.token(&holder).await);
        }
        let file = kept.backup("a.db");
        // What one of them was told before, alone, holds as well.
        let mut narrower = tokens[0].clone();
        narrower.grant = Grant::List(PermissionSet::of(3));
        kept.narrow([Write::UpdateToken(Box::new(narrower))]).await;
        let mut now = tokens[..3].to_vec();
        now[0].version += 1;
        now[0].grant = Grant::List(PermissionSet::of(3));
        kept.narrow([Write::RevokeTokens { tokens: now, at: at(7), reason: None }]).await;
        let lines = fs::read_to_string(kept.data().join("narrowings.log")).unwrap();
        assert_eq!(lines.lines().filter(|line| line.contains("\"tokens\"")).count(), 1, "one line for all");

        let (kept, done) = kept.restored(&file).await;
        assert_eq!(done.reasserted.len(), 3);
        for (n, token) in tokens.iter().enumerate() {
            let there = kept.token(token).await;
            assert_eq!(there.life.revoked_at, (n < 3).then(|| at(7)), "{n}");
            assert_eq!(there.grant == token.grant, n > 0, "{n}");
        }
    });
}

#[test]
fn a_log_that_was_cut_off_is_not_taken_for_whole() {
    run(async {
        let kept = Kept::open().await;
        let (_, holder) = kept.world.family().await;
        let (one, two) = (kept.world.token(&holder).await, kept.world.token(&holder).await);
        let file = kept.backup("a.db");
        kept.narrow([revoked(&one)]).await;
        kept.narrow([revoked(&two)]).await;
        kept.world.store.close().await;
        let log = kept.data().join("narrowings.log");
        let whole = fs::read_to_string(&log).unwrap();
        let copy = kept.file("copy.log");
        fs::write(&copy, &whole).unwrap();
        let rest = whole.split_inclusive('\n').nth(1).unwrap();
        for text in ["", rest] {
            fs::write(&log, text).unwrap();
            let cut = refused(&kept.order(&file));
            assert!(matches!(&cut, RestoreError::Cut { path } if *path == log), "{cut}");
        }
        // A server that starts writes what it still knows, and goes on after that.
        let kept = Kept { world: kept.world.reopen().await, ..kept };
        assert_eq!(fs::read_to_string(&log).unwrap(), format!("{rest}{rest}"));
        kept.world.store.close().await;
        let order = Order { log: Log::File(copy), ..kept.order(&file) };
        let done = restore(&order, Arc::new(Driven::default()), &SystemEntropy).unwrap();
        assert_eq!(done.reasserted.len(), 2);
        assert_eq!(fs::read_to_string(&log).unwrap().lines().count(), 3, "both, and the mark");
    });
}

#[test]
fn a_log_that_was_lost_after_a_restore_is_not_taken_for_whole() {
    run(async {
        let kept = Kept::open().await;
        let (_, holder) = kept.world.family().await;
        let token = kept.world.token(&holder).await;
        let file = kept.backup("a.db");
        kept.narrow([revoked(&token)]).await;
        let (kept, done) = kept.restored(&file).await;
        assert_eq!(done.reasserted.len(), 1);
        kept.world.store.close().await;
        let log = kept.data().join("narrowings.log");
        let whole = fs::read_to_string(&log).unwrap();
        let mark = whole.split_inclusive('\n').nth(1).unwrap().to_owned();
        for text in ["", &mark] {
            fs::write(&log, text).unwrap();
            let cut = refused(&kept.order(&file));
            assert!(matches!(&cut, RestoreError::Cut { path } if *path == log), "{cut}");
        }
        fs::remove_file(&log).unwrap();
        assert!(matches!(refused(&kept.order(&file)), RestoreError::Cut { .. }));
        fs::write(&log, &whole).unwrap();
        let (kept, done) = kept.restored(&file).await;
        assert_eq!(done.reasserted.len(), 1);
        assert!(kept.token(&token).await.life.revoked_at.is_some());
    });
}
