//! The journal's order and chain, and the time that rests on it.

use std::sync::atomic::Ordering;

use domain::change::{Actor, Entry};
use domain::ids::HolderId;
use serde_json::json;
use store::{canonical, chain, entry_hash, entry_text};
use token::Kind;

use crate::world::*;

pub(crate) async fn the_journal_has_no_gaps_under_64_writers_and_after_reopening<B: Backend>(
    world: World<B>,
) {
    let (account, holder) = world.family().await;
    let via = token(&holder, Kind::Pat).id;
    let writers: Vec<_> = (0..64)
        .map(|writer| {
            let (store, account, holder) = (world.store.clone(), account.id.clone(), holder.clone());
            tokio::spawn(async move {
                let mut last = 0;
                for n in 0..8 {
                    let said = Entry {
                        at: at(n),
                        actor: Actor::Holder { id: holder.id, via },
                        account: Some(account.clone()),
                        payload: json!({"writer": writer, "n": n, "a \"quote\"": "é\u{7}"}),
                        ..entry()
                    };
                    // Some say two things, and a refused one says nothing.
                    let mut change = change([insert(&token(&holder, Kind::Pat))]).entry(said);
                    if n % 3 == 2 {
                        change = change.expect(domain::change::Expect::Account(account.clone(), 99));
                    }
                    if let Ok(committed) = store.commit(change).await {
                        assert!(committed.position > last, "a writer sees its own changes in order");
                        last = committed.position;
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let entries = 1 + 64 * 6 * 2;
    check(&world, entries, holder.id).await;
    let world = world.reopen().await;
    check(&world, entries, holder.id).await;
    world.token(&holder).await;
    check(&world, entries + 1, holder.id).await;
}

/// Numbers without gaps, and a chain that anyone can recompute from what is handed out.
async fn check<B: Backend>(world: &World<B>, entries: i64, holder: HolderId) {
    assert_eq!(world.store.verify_journal().await.unwrap().entries, entries);
    let mut prev = [0; 32];
    let mut after = 0;
    loop {
        let page = world.store.journal(after, 100).await.unwrap();
        let Some(last) = page.last() else { break };
        for row in &page {
            after += 1;
            assert_eq!(row.seq, after);
            prev = chain(&prev, row.seq, &row.entry_hash);
            assert_eq!(row.hash, prev);
            let payload = row.payload.as_ref().unwrap();
            assert!(row.actor == "operator" || row.actor.starts_with(&format!("{holder} via pat_")));
            let account = row.account.as_ref().map(|id| id.as_str());
            let payload = canonical(payload);
            let salt = row.salt.as_ref().unwrap();
            let text = entry_text(row.at, &row.actor, account, &row.action, &row.subject, &payload, salt);
            assert_eq!(entry_hash(&text), row.entry_hash);
        }
        assert_eq!(last.seq, after);
    }
    assert_eq!(after, entries);
}

pub(crate) async fn time_does_not_go_back_when_the_wall_clock_does<B: Backend>(world: World<B>) {
    world.family().await;
    let early = world.now();
    world.clock.pass(10 * DAY);
    let late = world.now();
    assert!(late >= early.plus_micros(10 * DAY));
    world.store.commit(change([]).entry(Entry { at: late, ..entry() })).await.unwrap();

    // Within a process.
    world.clock.wall.store(START - 100 * DAY, Ordering::SeqCst);
    assert!(world.now() >= late);
    world.clock.boot.fetch_add(DAY, Ordering::SeqCst);
    let later = world.now();
    assert!(later >= late.plus_micros(DAY), "time passes as the machine counts it");
    world.store.commit(change([]).entry(Entry { at: later, ..entry() })).await.unwrap();

    // And across a restart, from the journal: what had expired stays so.
    let world = world.reopen().await;
    assert!(world.now() >= later);
    world.clock.boot.fetch_add(7, Ordering::SeqCst);
    assert!(world.now() >= later.plus_micros(7));
    assert!(world.store.moment().earliest <= world.now());
}
