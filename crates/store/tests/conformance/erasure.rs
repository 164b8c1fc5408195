//! What is erased, what stays, and checkpoints that tell whether it is still the same journal.

use domain::change::{Action, Actor, Change, Entry, Write};
use domain::facts::Holder;
use domain::time::Timestamp;
use domain::usage::{By, Count, Usage};
use serde_json::json;
use store::{Audit, CheckpointFile, CommitError, Erased, JournalRow, read_checkpoints};

use crate::world::*;

const HOUR: i64 = 3_600_000_000;

/// So many entries, an hour apart.
async fn said<B: Backend>(world: &World<B>, count: i64) {
    let entries = (1..=count).map(|n| Entry { at: at(n * HOUR), ..entry() });
    world.store.commit(entries.fold(Change::default(), Change::entry)).await.unwrap();
}

/// Tells of what is older than that, and then erases it, as the use case does. How many payloads.
async fn erase<B: Backend>(world: &World<B>, before: Timestamp) -> Option<usize> {
    let erased = world.store.erasable(before).await.unwrap()?;
    let mark = Write::MarkErased { from: erased.from, through: erased.through };
    world.store.commit(told_of(&erased).write(mark)).await.unwrap();
    let payloads = world.store.finish_erasing().await.unwrap();
    assert_eq!(payloads, erased.payloads);
    Some(payloads)
}

fn told_of(erased: &Erased) -> Change {
    let tells = Entry { action: Action::JournalErased, payload: erased.told(), ..entry() };
    Change::default().entry(Entry { at: at(200 * HOUR), ..tells })
}

pub(crate) async fn old_payloads_are_erased_once_and_the_chain_holds<B: Backend>(world: World<B>) {
    said(&world, 10).await;
    assert_eq!(world.store.erasable(at(HOUR)).await.unwrap(), None);
    let before = world.store.journal(0, 100).await.unwrap();
    let erased = world.store.erasable(at(4 * HOUR + HOUR / 2)).await.unwrap().unwrap();
    assert_eq!((erased.from, erased.through, erased.payloads), (0, 4, 4));
    // Nothing is erased before it is told.
    assert_eq!(world.store.finish_erasing().await.unwrap(), 0);
    assert_eq!(world.store.journal(0, 100).await.unwrap(), before);
    let mark = || told_of(&erased).write(Write::MarkErased { from: 0, through: 4 });
    world.store.commit(mark()).await.unwrap();
    // Of two who tell it, one does.
    assert!(matches!(world.store.commit(mark()).await, Err(CommitError::Conflict)));
    // Where it is broken off now, nothing is wrong, and it is gone on with.
    assert_eq!(world.store.verify_journal().await.unwrap().erased, 0);
    assert_eq!(world.store.finish_erasing().await.unwrap(), 4);
    assert_eq!(world.store.finish_erasing().await.unwrap(), 0);
    for (was, is) in before.iter().zip(world.store.journal(0, 100).await.unwrap()) {
        assert_eq!((was.entry_hash, was.hash, was.at), (is.entry_hash, is.hash, is.at));
        assert_eq!((&was.actor, &was.action, &was.subject), (&is.actor, &is.action, &is.subject));
        assert_eq!((is.payload.is_none(), is.salt.is_none()), (is.seq <= 4, is.seq <= 4));
    }
    let verified = world.store.verify_journal().await.unwrap();
    assert_eq!((verified.entries, verified.erased), (11, 4));
    assert_eq!(world.store.erasable(at(5 * HOUR)).await.unwrap(), None, "it is over");

    // Entries that tell of erasures stay, however old they are.
    assert_eq!(erase(&world, at(999 * HOUR)).await, Some(6));
    assert_eq!(erase(&world, at(999 * HOUR)).await, Some(0));
    let world = world.reopen().await;
    let verified = world.store.verify_journal().await.unwrap();
    assert_eq!((verified.entries, verified.erased), (13, 10));
}

pub(crate) async fn what_is_left_of_erased_entries_is_vouched_for<B: Backend>(world: World<B>) {
    let (account, gone) = world.family().await;
    let first = world.store.journal_end().await.unwrap();
    said(&world, 6).await;
    let about = Entry { account: Some(account.id.clone()), subject: gone.id.to_string(), ..entry() };
    let about =
        (0..2).fold(Change::default(), |change, _| change.entry(Entry { at: at(9 * HOUR), ..about.clone() }));
    world.store.commit(about).await.unwrap();
    let end = world.store.journal_end().await.unwrap();
    // The two last ones go with the member, those of the first four hours by their age.
    let said = world.store.said_of(&account.id, gone.id).await.unwrap();
    assert_eq!((&said.entries[..], said.through), (&[end - 1, end][..], end));
    let told = json!({ "entries": said.entries, "remains": said.remains });
    let tells = Entry { action: Action::MemberErased, payload: told, at: at(9 * HOUR), ..entry() };
    world.store.commit(Change::default().entry(tells)).await.unwrap();
    world.store.erase_holder(&account.id, gone.id, said.through).await.unwrap();
    erase(&world, at(4 * HOUR + HOUR / 2)).await.unwrap();
    let verified = world.store.verify_journal().await.unwrap();
    assert_eq!((verified.entries, verified.erased), (end + 2, first + 4 + 2));

    // As somebody would forge it who can write to the database: no hash is of what is left.
    let rows = world.store.journal(0, 1_000).await.unwrap();
    let audited = |rows: &[JournalRow]| {
        let erasures: Vec<JournalRow> =
            rows.iter().filter(|row| Audit::needs(&row.action)).cloned().collect();
        let mut audit = Audit::new(Vec::new(), &erasures);
        rows.iter().for_each(|row| audit.step(row));
        audit.end()
    };
    assert_eq!(audited(&rows).unwrap(), verified);
    let blank = |row: &mut JournalRow| (row.payload, row.salt) = (None, None);
    let blame = |row: &mut JournalRow| row.actor = "mem_00000000000z via pat_00000000000z".into();
    let (of_member, of_age) = (end + 1, end + 2);
    type Forge<'a> = &'a dyn Fn(&mut JournalRow);
    let forgeries: [(i64, Forge<'_>, i64); 10] = [
        (first + 5, &blank, first + 5),
        (
            first + 5,
            &|row| {
                blank(row);
                blame(row);
            },
            first + 5,
        ),
        (first + 2, &blame, of_age),
        (1, &|row| row.at = row.at.next(), of_age),
        (first + 4, &|row| row.subject = "pat_00000000000z".into(), of_age),
        (first + 4, &|row| row.action = "token.created".into(), of_age),
        // Not even as another entry that tells of erasures.
        (first + 3, &|row| row.action = "member.erased".into(), first + 3),
        (end, &blame, of_member),
        (of_member, &blank, end - 1),
        (of_age, &blank, 1),
    ];
    for (n, (seq, forge, broken)) in forgeries.into_iter().enumerate() {
        let mut forged = rows.clone();
        forge(&mut forged[seq as usize - 1]);
        assert_eq!(audited(&forged).unwrap_err().seq, broken, "forgery {n}");
    }
}

pub(crate) async fn what_was_said_of_a_member_is_erased_and_nothing_else<B: Backend>(world: World<B>) {
    let (account, gone) = world.family().await;
    let other = member(&account);
    world.write([Write::InsertHolder(other.clone())]).await;
    let (theirs, others) = (world.token(&gone).await, world.token(&other).await);
    let say = |account: &str, action, subject: String| Entry {
        account: Some(account.parse().unwrap()),
        action,
        subject,
        actor: Actor::Operator,
        payload: json!({ "name": "Ada" }),
        ..entry()
    };
    let id = account.id.as_str();
    let first = world.store.journal_end().await.unwrap() + 1;
    let told = [
        say(id, Action::MemberCreated, gone.id.to_string()),
        say(id, Action::TokenCreated, theirs.id.to_string()),
        say(id, Action::MemberCreated, other.id.to_string()),
        say(id, Action::TokenCreated, others.id.to_string()),
        say("elsewhere", Action::MemberCreated, gone.id.to_string()),
        say(id, Action::MemberErased, gone.id.to_string()),
    ];
    world.store.commit(told.into_iter().fold(Change::default(), Change::entry)).await.unwrap();
    let used = |token| Usage {
        token,
        last: Some((at(1), Some("192.0.2.1".into()))),
        counts: vec![Count { day: 20_454, by: By::Address("192.0.2.1".into()), admitted: 1, refused: 0 }],
    };
    world.store.record_usage(vec![used(theirs.id), used(others.id)]).await.unwrap();

    let said = world.store.said_of(&account.id, gone.id).await.unwrap();
    assert_eq!(said.entries, [first, first + 1]);
    world.store.erase_holder(&account.id, gone.id, said.through).await.unwrap();
    let rows = world.store.journal(first - 1, 10).await.unwrap();
    let kept: Vec<bool> = rows.iter().map(|row| row.payload.is_some()).collect();
    assert_eq!(kept, [false, false, true, true, true, true]);
    assert_eq!(world.store.said_of(&account.id, gone.id).await.unwrap().entries, [0; 0], "nothing is left");
    for (token, address) in [(theirs.id, None), (others.id, Some("192.0.2.1"))] {
        let usage = world.store.usage(&account.id, token, 0).await.unwrap().unwrap();
        assert_eq!(usage.last.address.as_deref(), address);
        assert_eq!(usage.last.at, Some(at(1)), "that it was used stays");
        assert_eq!(usage.counts.len(), usize::from(address.is_some()));
    }
}

pub(crate) async fn a_person_goes_when_no_member_is_that_person<B: Backend>(world: World<B>) {
    let (account, _) = world.family().await;
    let person = person("gone@example.com");
    let holder = Holder { person: Some(person.id), ..member(&account) };
    world.write([Write::InsertPerson(person.clone()), Write::InsertHolder(holder.clone())]).await;
    let delete = |version| Write::DeletePerson { id: person.id, version };
    let refused = world.store.commit(change([delete(1)])).await;
    assert!(matches!(refused, Err(CommitError::Conflict)), "a member is that person");
    assert_eq!(world.store.memberships_ever(person.id).await.unwrap().len(), 1);
    let nobody = Holder { person: None, version: 1, ..holder };
    let refused = world.store.commit(change([Write::UpdateHolder(nobody.clone()), delete(7)])).await;
    assert!(matches!(refused, Err(CommitError::Conflict)), "at another version");
    world.write([Write::UpdateHolder(nobody), delete(1)]).await;
    assert_eq!(world.store.person(person.id).await.unwrap(), None);
}

pub(crate) async fn checkpoints_grow_with_the_journal_and_vouch_for_it<B: Backend>(world: World<B>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("checkpoints.log");
    let sign = async |world: &World<B>| {
        CheckpointFile::open(&path).unwrap().extend(&world.store).await.unwrap().map(|signed| signed.seq)
    };
    assert_eq!(sign(&world).await, None, "there is nothing to sign yet");
    said(&world, 3).await;
    assert_eq!(sign(&world).await, Some(3));
    assert_eq!(sign(&world).await, None, "nothing has come since");
    said(&world, 2).await;
    assert_eq!(sign(&world).await, Some(5));
    // A crash tore the last line.
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{text}{{\"origin\":")).unwrap();
    let world = world.reopen().await;
    said(&world, 1).await;
    assert_eq!(sign(&world).await, Some(6));

    let checkpoints = read_checkpoints(&path, Some(&world.store.checkpoint_key())).unwrap();
    assert_eq!(checkpoints.iter().map(|signed| signed.seq).collect::<Vec<_>>(), [3, 5, 6]);
    let verified = world.store.verify_journal_by(checkpoints).await.unwrap();
    assert_eq!((verified.entries, verified.disagreement), (6, None));
    // Erasing changes no hash.
    erase(&world, at(99 * HOUR)).await.unwrap();
    let checkpoints = read_checkpoints(&path, None).unwrap();
    let verified = world.store.verify_journal_by(checkpoints).await.unwrap();
    assert_eq!((verified.erased, verified.disagreement), (6, None));
    let other = "0".repeat(64);
    assert!(read_checkpoints(&path, Some(&other)).unwrap_err().to_string().contains("line 1 of"));
}
