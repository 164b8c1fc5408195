//! The journal as people look for something in it.

use domain::change::{Action, Actor, Change, Entry};
use domain::ids::AccountId;
use serde_json::json;
use store::{EntryPage, EntryQuery, Store};

use crate::world::*;

fn said(seq: i64, account: Option<&str>, action: Action, actor: Actor, subject: &str) -> Entry {
    Entry {
        at: at(seq * MINUTE),
        actor,
        account: account.map(|id| id.parse().unwrap()),
        action,
        subject: subject.into(),
        payload: json!({}),
    }
}

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;

fn by(member: &str, token: &str) -> Actor {
    Actor::Holder { id: member.parse().unwrap(), via: token.parse().unwrap() }
}

fn of(account: &str) -> EntryQuery {
    EntryQuery::all(Some(account.parse().unwrap()), 100)
}

async fn found(store: &Store, query: EntryQuery) -> Vec<i64> {
    let page = store.entries(query).await.unwrap();
    assert_eq!(page.next, None);
    page.entries.iter().map(|entry| entry.seq).collect()
}

pub(crate) async fn entries_are_found_by_what_was_asked_for_in_either_order<B: Backend>(world: World<B>) {
    use Action::*;
    let ada = || by("mem_00000000000a", "pat_00000000000a");
    let bob = || by("mem_00000000000b", "pat_00000000000b");
    let change = [
        said(1, Some("acme"), TokenCreated, ada(), "pat_000000000001"),
        said(2, Some("beta"), TokenCreated, bob(), "pat_000000000002"),
        said(3, None, ServiceCreated, Actor::Operator, "svc_000000000003"),
        said(4, Some("acme"), TokenRevoked, bob(), "pat_000000000001"),
        said(5, Some("acme"), MemberEdited, ada(), "mem_00000000000b"),
        said(6, Some("acme"), SessionStarted, Actor::Nobody, "ses_000000000006"),
    ];
    world.store.commit(change.into_iter().fold(Change::default(), Change::entry)).await.unwrap();
    let store = &world.store;

    assert_eq!(found(store, of("acme")).await, [6, 5, 4, 1]);
    assert_eq!(found(store, EntryQuery { descending: false, ..of("acme") }).await, [1, 4, 5, 6]);
    assert_eq!(found(store, EntryQuery::all(None, 100)).await, [6, 5, 4, 3, 2, 1]);
    assert_eq!(found(store, of("nobody-here")).await, [0; 0]);
    assert_eq!(found(store, EntryQuery { above: 1, below: 6, ..of("acme") }).await, [5, 4]);

    let acme = |change: fn(&mut EntryQuery)| {
        let mut query = of("acme");
        change(&mut query);
        found(store, query)
    };
    assert_eq!(acme(|query| query.action = Some("token.created".into())).await, [1]);
    assert_eq!(acme(|query| query.action = Some("token".into())).await, [4, 1]);
    assert_eq!(acme(|query| query.action = Some("tok".into())).await, [0; 0]);
    assert_eq!(acme(|query| query.action = Some("token_".into())).await, [0; 0]);
    assert_eq!(acme(|query| query.subject = Some("pat_000000000001".into())).await, [4, 1]);
    for (actor, expected) in [
        ("mem_00000000000a", &[5, 1][..]),
        ("pat_00000000000b", &[4]),
        ("nobody", &[6]),
        ("mem_0000000000", &[]),
        ("%", &[]),
    ] {
        assert_eq!(found(store, EntryQuery { actor: Some(actor.into()), ..of("acme") }).await, expected);
    }
    for (since, until, expected) in [
        (Some(4), None, &[6, 5, 4][..]),
        (None, Some(4), &[1]),
        (Some(2), Some(6), &[5, 4]),
        (Some(-9), Some(99), &[6, 5, 4, 1]),
        (Some(99), None, &[]),
    ] {
        let time = |minute: Option<i64>| minute.map(|minute| at(minute * MINUTE));
        let query = EntryQuery { since: time(since), until: time(until), ..of("acme") };
        assert_eq!(found(store, query.clone()).await, expected, "{query:?}");
    }
}

/// All of a query, page by page; how many pages it took.
async fn all(store: &Store, mut query: EntryQuery) -> (Vec<i64>, usize) {
    let (mut seen, mut pages) = (Vec::new(), 0);
    loop {
        let EntryPage { entries, next } = store.entries(query.clone()).await.unwrap();
        assert!(entries.len() <= query.limit);
        seen.extend(entries.iter().map(|entry| entry.seq));
        pages += 1;
        match (next, query.descending) {
            (None, _) => return (seen, pages),
            (Some(next), true) => query.below = next,
            (Some(next), false) => query.above = next,
        }
    }
}

pub(crate) async fn pages_of_the_journal_are_bounded_and_lose_nothing<B: Backend>(world: World<B>) {
    // More than is looked at for a page; a few entries among them are looked for.
    const ALL: i64 = 10_500;
    let mut seq = 0;
    while seq < ALL {
        let mut change = Change::default();
        for _ in 0..500 {
            seq += 1;
            let account = if seq % 10 == 0 { "beta" } else { "acme" };
            let action = if seq % 5_000 == 1 { Action::TokenLeaked } else { Action::TokenCreated };
            let mut entry = said(seq, Some(account), action, Actor::Operator, "pat_000000000001");
            // Times stand in another order than numbers now and then.
            entry.at = at(seq * HOUR / 100 - seq % 3 * 10_000_000);
            change = change.entry(entry);
        }
        world.store.commit(change).await.unwrap();
    }
    let store = &world.store;
    let (seen, pages) = all(store, EntryQuery::all(None, 4_000)).await;
    assert_eq!(seen, (1..=ALL).rev().collect::<Vec<_>>());
    assert_eq!(pages, 3);

    for descending in [true, false] {
        let rare =
            EntryQuery { action: Some("token.leaked".into()), descending, ..EntryQuery::all(None, 10) };
        let (mut seen, pages) = all(store, rare.clone()).await;
        if descending {
            seen.reverse();
        }
        assert_eq!(seen, [1, 5_001, 10_001]);
        assert_eq!(pages, 2, "no page looks at more than 10,000 entries");
        let (mut seen, _) = all(store, EntryQuery { account: acme(), limit: 1, ..rare }).await;
        seen.sort_unstable();
        assert_eq!(seen, [1, 5_001, 10_001], "they are not the account's tenth");
    }
    // A time is found without looking at what lies before or after it.
    let (since, until) = (at(9_000 * HOUR / 100), at(9_100 * HOUR / 100));
    for descending in [true, false] {
        let query =
            EntryQuery { since: Some(since), until: Some(until), descending, ..EntryQuery::all(None, 1_000) };
        let page = store.entries(query).await.unwrap();
        assert_eq!(page.next, None);
        assert!((99..=101).contains(&page.entries.len()), "{}", page.entries.len());
        assert!(page.entries.iter().all(|entry| since <= entry.at && entry.at < until));
        assert!(page.entries.iter().any(|entry| entry.seq == 9_051));
    }
}

fn acme() -> Option<AccountId> {
    Some("acme".parse().unwrap())
}

pub(crate) async fn news_tell_of_entries_that_can_be_read<B: Backend>(world: World<B>) {
    let mut news = world.store.news();
    assert_eq!(*news.borrow_and_update(), 0);
    for seq in 1..=3 {
        world.write([]).await;
        let told = *news.wait_for(|told| *told >= seq).await.unwrap();
        assert_eq!(told, seq);
        assert_eq!(world.store.journal_end().await.unwrap(), seq);
        assert_eq!(world.store.journal(seq - 1, 10).await.unwrap().len(), 1);
    }
}
