//! What is read because it was not here: once for all, one read at a time, for whoever stays.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use domain::admit::Code;
use domain::facts::Snapshot;
use domain::permission::Registry;
use tokio::task::JoinSet;

use super::sample::*;
use crate::{Fetch, Options, Undetermined, Verifier};

/// Asks about each token, all at once, and returns when every ask waits.
async fn ask_all(
    verifier: &Arc<Verifier>,
    tokens: impl Iterator<Item = u64>,
) -> JoinSet<Result<Code, Undetermined>> {
    let mut asks = JoinSet::new();
    for n in tokens {
        let verifier = Arc::clone(verifier);
        asks.spawn(async move { ask(&verifier, &presented(n)).await });
    }
    // On this one thread each ask runs until it waits before this task has its turn again.
    tokio::task::yield_now().await;
    asks
}

fn all(codes: &[Result<Code, Undetermined>], expected: Result<Code, Undetermined>) -> bool {
    codes.iter().all(|code| *code == expected)
}

#[tokio::test]
async fn a_thousand_misses_on_one_token_cost_one_read() {
    let shelf = Shelf::closed(snapshot(1, 0..1));
    let verifier = verifier(&shelf, Options::default());
    let asks = ask_all(&verifier, (0..1_000).map(|_| 0)).await;
    shelf.begun(1).await;
    shelf.open();
    assert!(all(&asks.join_all().await, Ok(Code::Valid)));
    assert_eq!(shelf.reads(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_misses_on_one_token_from_many_threads_cost_one_read() {
    for _ in 0..20 {
        let shelf = Shelf::new(snapshot(1, 0..1));
        let verifier = verifier(&shelf, Options::default());
        let asks = ask_all(&verifier, (0..1_000).map(|_| 0)).await;
        assert!(all(&asks.join_all().await, Ok(Code::Valid)));
        assert_eq!(shelf.reads(), 1);
    }
}

#[tokio::test]
async fn absence_is_not_remembered_and_a_waiter_is_never_answered_by_a_read_that_began_before_it() {
    let shelf = Shelf::closed(snapshot(1, 0..0));
    let verifier = verifier(&shelf, Options::default());
    let early = ask_all(&verifier, [5].into_iter()).await;
    shelf.begun(1).await;
    // Created on another peer: in the store, not told to this one, while the first read is under way.
    *shelf.rows.lock().unwrap() = Ok(snapshot(2, 5..6));
    let late = ask_all(&verifier, [5].into_iter()).await;
    shelf.open();
    assert_eq!(early.join_all().await, [Ok(Code::NotFound)]);
    assert_eq!(late.join_all().await, [Ok(Code::Valid)]);
    assert_eq!(shelf.reads(), 2);

    *shelf.rows.lock().unwrap() = Ok(snapshot(3, 6..7));
    assert_eq!(ask(&verifier, &presented(7)).await, Ok(Code::NotFound));
    *shelf.rows.lock().unwrap() = Ok(snapshot(4, 7..8));
    assert_eq!(ask(&verifier, &presented(7)).await, Ok(Code::Valid));
}

#[tokio::test]
async fn a_flood_of_fakes_is_one_read_at_a_time_and_undetermined_beyond_the_queue() {
    let shelf = Shelf::closed(snapshot(1, 0..0));
    let verifier = verifier(&shelf, Options::default());
    let first = ask_all(&verifier, 0..1).await;
    shelf.begun(1).await;
    let flood = ask_all(&verifier, 1..10_001).await;
    shelf.open();
    assert!(all(&first.join_all().await, Ok(Code::NotFound)));
    let codes = flood.join_all().await;
    let count = |expected| codes.iter().filter(|code| **code == expected).count();
    assert_eq!(count(Ok(Code::NotFound)), 4_096);
    assert_eq!(count(Err(Undetermined)), 10_000 - 4_096);
    assert_eq!(shelf.most_underway.load(Ordering::SeqCst), 1);
    assert_eq!(shelf.reads(), 1 + 4_096 / 256);
    assert!(shelf.asked.lock().unwrap().iter().all(|digests| *digests <= 256));
    assert_eq!(verifier.resident(), 0);
}

#[tokio::test]
async fn a_token_in_memory_is_answered_during_a_flood() {
    let shelf = Shelf::closed(snapshot(1, 0..0));
    let verifier = verifier(&shelf, Options::default());
    load(&verifier, snapshot(1, 0..1));
    let flood = ask_all(&verifier, 1..10_001).await;
    assert_eq!(ask(&verifier, &presented(0)).await, Ok(Code::Valid));
    shelf.open();
    flood.join_all().await;
}

#[tokio::test]
async fn a_store_that_fails_is_undetermined_for_who_waited_and_asked_again_by_the_next() {
    let shelf = Shelf::new(snapshot(1, 0..1));
    *shelf.rows.lock().unwrap() = Err(Undetermined);
    let verifier = verifier(&shelf, Options::default());
    let asks = ask_all(&verifier, (0..10).map(|_| 0)).await;
    assert!(all(&asks.join_all().await, Err(Undetermined)));
    *shelf.rows.lock().unwrap() = Ok(snapshot(1, 0..1));
    assert_eq!(ask(&verifier, &presented(0)).await, Ok(Code::Valid));
}

#[tokio::test]
async fn waiters_that_hang_up_strand_nobody_and_their_tokens_are_not_read() {
    let shelf = Shelf::closed(snapshot(1, 0..100));
    let verifier = verifier(&shelf, Options::default());
    // The one that started the read hangs up, and so do half of those behind it.
    let mut starter = ask_all(&verifier, 0..1).await;
    shelf.begun(1).await;
    let mut quitters = ask_all(&verifier, 0..50).await;
    let stayers = ask_all(&verifier, (0..10).chain(50..100)).await;
    starter.shutdown().await;
    quitters.shutdown().await;
    shelf.open();
    assert!(all(&stayers.join_all().await, Ok(Code::Valid)));
    // Token 0 in the first read, which told those who came later; 1 to 9 and 50 to 99 in the second.
    assert_eq!(*shelf.asked.lock().unwrap(), [1, 59]);
}

#[tokio::test]
async fn everybody_hanging_up_leaves_the_next_miss_answered() {
    let shelf = Shelf::closed(snapshot(1, 0..10));
    let verifier = verifier(&shelf, Options::default());
    let mut asks = ask_all(&verifier, 0..10).await;
    shelf.begun(1).await;
    asks.shutdown().await;
    shelf.open();
    assert_eq!(ask(&verifier, &presented(3)).await, Ok(Code::Valid));
}

#[test]
fn a_runtime_that_stops_in_the_middle_of_a_read_leaves_the_next_one_answered() {
    let shelf = Shelf::closed(snapshot(1, 0..10));
    let verifier = verifier(&shelf, Options::default());
    let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    let first = runtime();
    first.block_on(async {
        let asks = ask_all(&verifier, 0..10).await;
        shelf.begun(1).await;
        drop(asks);
    });
    drop(first);
    shelf.open();
    assert_eq!(runtime().block_on(ask(&verifier, &presented(3))), Ok(Code::Valid));
}

#[tokio::test]
async fn a_read_that_panics_is_undetermined_for_all_who_wait() {
    let shelf = Shelf::closed(snapshot(1, 0..2));
    let (fetch, first) = (shelf.fetch(), std::sync::atomic::AtomicBool::new(true));
    let fetch: Fetch = Box::new(move |digests| {
        let read = fetch(digests);
        let panics = first.swap(false, Ordering::SeqCst);
        Box::pin(async move {
            let rows = read.await;
            assert!(!panics, "the first read panics");
            rows
        })
    });
    let verifier = Verifier::new(Options::default(), Registry::default(), fetch);
    let first = ask_all(&verifier, 0..1).await;
    shelf.begun(1).await;
    let second = ask_all(&verifier, 1..2).await;
    shelf.open();
    assert_eq!(first.join_all().await, [Err(Undetermined)]);
    assert_eq!(second.join_all().await, [Err(Undetermined)]);
    assert_eq!(ask(&verifier, &presented(1)).await, Ok(Code::Valid));
}

#[tokio::test]
async fn a_commit_during_a_read_wins_over_what_was_read() {
    let shelf = Shelf::closed(snapshot(1, 0..1));
    let verifier = verifier(&shelf, Options::default());
    let asks = ask_all(&verifier, 0..1).await;
    shelf.begun(1).await;
    let before = snapshot(1, 0..1);
    verifier.apply(Snapshot {
        position: 2,
        tokens: vec![revoked(before.tokens[0].clone())],
        ..Snapshot::default()
    });
    shelf.open();
    assert_eq!(asks.join_all().await, [Ok(Code::Revoked)]);
    assert_eq!(ask(&verifier, &presented(0)).await, Ok(Code::Revoked));
}

#[tokio::test]
async fn misses_are_answered_while_loading_and_chunks_come_in_any_order() {
    let shelf = Shelf::new(snapshot(1, 0..100));
    let verifier = verifier(&shelf, Options::default());
    let whole = snapshot(1, 0..100);
    let tokens_first = Snapshot { position: 1, tokens: whole.tokens[..50].to_vec(), ..Snapshot::default() };
    load(&verifier, tokens_first);
    assert_eq!(ask(&verifier, &presented(0)).await, Ok(Code::Valid), "its holder was read for it");
    assert_eq!(ask(&verifier, &presented(80)).await, Ok(Code::Valid));
    verifier.apply(Snapshot {
        position: 2,
        tokens: vec![revoked(whole.tokens[90].clone()), revoked(whole.tokens[10].clone())],
        ..Snapshot::default()
    });
    load(&verifier, Snapshot { position: 1, tokens: whole.tokens[50..].to_vec(), ..Snapshot::default() });
    load(&verifier, Snapshot { accounts: whole.accounts, holders: whole.holders, ..Snapshot::default() });
    for n in 0..100 {
        let expected = if n == 90 || n == 10 { Code::Revoked } else { Code::Valid };
        assert_eq!(ask(&verifier, &presented(n)).await, Ok(expected), "{n}");
    }
    assert_eq!(shelf.reads(), 2);
    assert_eq!(verifier.resident(), 100);
}

#[tokio::test]
async fn a_full_table_answers_for_every_token_all_the_same() {
    let shelf = Shelf::new(snapshot(1, 0..200));
    let verifier = verifier(&shelf, Options { max_tokens: 20, batch: 4, ..Options::default() });
    load(&verifier, snapshot(1, 0..200));
    assert_eq!(verifier.resident(), 20);
    for n in 0..200 {
        assert_eq!(ask(&verifier, &presented(n)).await, Ok(Code::Valid));
    }
    assert_eq!(verifier.resident(), 20);
}

#[tokio::test]
async fn a_store_that_never_catches_up_is_undetermined() {
    let shelf = Shelf::new(snapshot(1, 0..2));
    let verifier = verifier(&shelf, Options { max_tokens: 1, ..Options::default() });
    verifier.apply(snapshot(5, 0..1));
    verifier.apply(Snapshot { position: 6, tokens: snapshot(6, 1..2).tokens, ..Snapshot::default() });
    assert_eq!(ask(&verifier, &presented(0)).await, Err(Undetermined), "read at 1, let go at 6");
    *shelf.rows.lock().unwrap() = Ok(snapshot(6, 0..2));
    assert_eq!(ask(&verifier, &presented(0)).await, Ok(Code::Valid));
}

#[tokio::test]
async fn a_cleared_memory_reads_again_and_a_read_that_began_before_is_repeated() {
    let shelf = Shelf::closed(snapshot(1, 0..2));
    let verifier = verifier(&shelf, Options::default());
    load(&verifier, Snapshot { tokens: vec![], ..snapshot(1, 0..0) });
    let (kept, stale) = (verifier.generation(), snapshot(1, 0..2));
    let asks = ask_all(&verifier, 0..1).await;
    shelf.begun(1).await;
    // Revoked on another peer, of which this one missed every word.
    let mut rows = snapshot(9, 0..2);
    rows.tokens = rows.tokens.into_iter().map(revoked).collect();
    *shelf.rows.lock().unwrap() = Ok(rows);
    verifier.clear();
    verifier.load(stale, kept);
    assert_eq!(verifier.resident(), 0, "nor does a chunk that was read before come in");
    shelf.open();
    assert_eq!(asks.join_all().await, [Ok(Code::Revoked)]);
    assert_eq!(ask(&verifier, &presented(1)).await, Ok(Code::Revoked));
    assert_eq!(shelf.reads(), 3);

    // A store that was set back: its positions are lower than those that were applied.
    verifier.apply(snapshot(20, 2..3));
    verifier.forget(&[token_id(2)]);
    verifier.clear();
    *shelf.rows.lock().unwrap() = Ok(snapshot(5, 0..3));
    assert_eq!(ask(&verifier, &presented(2)).await, Ok(Code::Valid));
}

#[tokio::test]
async fn a_cleared_memory_knows_neither_services_nor_holders_nor_names_and_keeps_counts() {
    let shelf = Shelf::new(snapshot(1, 0..1));
    let verifier = verifier(&shelf, Options::default());
    let names = domain::permission::Registry::default();
    let next = (u8::try_from(names.names().len()).unwrap(), "devices:read".to_owned());
    load(&verifier, Snapshot { permissions: vec![next], ..snapshot(1, 0..1) });
    assert!(verifier.service(&service_key(0)).await.unwrap().is_some());
    let origin = crate::Origin { counted: true, ..crate::Origin::default() };
    let code = |verdict: &domain::admit::Verdict<'_>, _| verdict.code;
    let used = verifier.verify(&presented(0), &Default::default(), origin, || NOW.into(), code).await;
    assert_eq!(used, Ok(Code::Valid));
    assert_eq!(shelf.reads(), 0);

    verifier.clear();
    assert_eq!(verifier.resident(), 0);
    let bare = Snapshot { accounts: vec![], holders: vec![], services: vec![], ..snapshot(2, 0..1) };
    *shelf.rows.lock().unwrap() = Ok(bare);
    assert!(verifier.service(&service_key(0)).await.unwrap().is_none(), "it is gone from the store");
    assert!(verifier.registry().names().iter().all(|name| name != "devices:read"), "a bit may mean more");
    assert_eq!(verifier.take_usage().len(), 1);
    assert_eq!(
        ask(&verifier, &presented(0)).await,
        Err(Undetermined),
        "a token without its holder tells nothing"
    );
}
