//! Secrets, tenants, counts, and the end.

use domain::change::Write;
use domain::facts::{Installation, Token};
use domain::ids::InstallationId;
use domain::life::Lens;
use domain::usage::{By, Count, OTHER, TOLD_APART, Usage, day};
use store::{CommitError, HolderQuery, LastUse, TokenQuery};
use token::{Kind, SystemEntropy};

use crate::world::*;

pub(crate) async fn a_kept_secret_reads_back_until_it_is_forgotten<B: Backend>(world: World<B>) {
    let (account, holder) = world.family().await;
    let text = text(Kind::Pat);
    let secret = text.expose().to_owned();
    let token = token_of_text(&holder, &text);
    let keep = Some(text.into());
    world.write([Write::InsertToken { token: Box::new(token.clone()), keep }]).await;
    let world = world.reopen().await;
    let read = world.store.reveal(&account.id, token.id).await.unwrap().unwrap();
    assert_eq!(read.expose(), secret);
    assert_eq!(read.id(), token.id);

    let once = world.token(&holder).await;
    assert!(world.store.reveal(&account.id, once.id).await.unwrap().is_none());
    world.write([Write::ForgetSecret(token.id), Write::ForgetSecret(once.id)]).await;
    assert!(world.store.reveal(&account.id, token.id).await.unwrap().is_none());
}

pub(crate) async fn another_account_reads_nothing<B: Backend>(world: World<B>) {
    let (mine, holder) = world.family().await;
    let (theirs, _) = world.family().await;
    let text = text(Kind::Pat);
    let token = Token { name: "mine".into(), ..token_of_text(&holder, &text) };
    let new = token_of_text(&holder, &self::text(Kind::Pat));
    let mut old = crate::world::token(&holder, Kind::Pat);
    old.life.rotated_to = Some(new.id);
    let installation = Installation {
        id: InstallationId::draw(&SystemEntropy),
        account: mine.id.clone(),
        name: "eu-1".into(),
        nodes: vec![],
        created_at: at(0),
        version: 0,
    };
    let path = "/sales".parse().unwrap();
    world
        .write([
            Write::InsertToken { token: Box::new(token.clone()), keep: Some(text.into()) },
            insert(&new),
            insert(&old),
            Write::InsertNode(node(&mine.id, "/sales")),
            Write::InsertInstallation(installation.clone()),
        ])
        .await;
    let store = &world.store;
    let lens = Lens::of(&theirs, world.now());
    let everyone = HolderQuery { kind: None, after: None, limit: 10, include_removed: true };
    for (account, seen) in [(&mine.id, true), (&theirs.id, false)] {
        assert_eq!(store.holder(account, holder.id).await.unwrap().is_some(), seen);
        assert_eq!(store.household(account, holder.id).await.unwrap().is_some(), seen);
        assert_eq!(!store.holders_by_id(account, &[holder.id]).await.unwrap().is_empty(), seen);
        let listed = store.holders(account, everyone).await.unwrap();
        assert_eq!(listed.iter().any(|listed| listed.id == holder.id), seen);
        assert_eq!(store.token(account, token.id).await.unwrap().is_some(), seen);
        assert_eq!(!store.tokens(account, TokenQuery::all(lens, 10)).await.unwrap().is_empty(), seen);
        assert_eq!(store.rotated_into(account, new.id).await.unwrap().is_some(), seen);
        assert_eq!(store.reveal(account, token.id).await.unwrap().is_some(), seen);
        assert_eq!(store.usage(account, token.id, 0).await.unwrap().is_some(), seen);
        assert_eq!(store.node(account, &path).await.unwrap().is_some(), seen);
        assert_eq!(!store.nodes(account, None, 9).await.unwrap().is_empty(), seen);
        assert_eq!(store.installation(account, installation.id).await.unwrap().is_some(), seen);
        assert_eq!(!store.installations(account, None, 9).await.unwrap().is_empty(), seen);
    }
    // Nor does it write: with the wrong account there is no row to replace.
    let stolen = Token { account: theirs.id.clone(), version: 1, ..token };
    let stolen = store.commit(change([Write::UpdateToken(Box::new(stolen))])).await;
    assert!(matches!(stolen, Err(CommitError::Conflict)));
    let held_elsewhere = domain::facts::Holder { account: theirs.id.clone(), ..holder };
    let foreign = store.commit(change([insert(&crate::world::token(&held_elsewhere, Kind::Pat))])).await;
    assert!(matches!(foreign, Err(CommitError::Conflict)), "a token's holder is of its account");
}

pub(crate) async fn uses_add_up<B: Backend>(world: World<B>) {
    let (account, holder) = world.family().await;
    let token = world.token(&holder).await;
    let today = day(at(0));
    let count = |day, by: By, admitted, refused| Count { day, by, admitted, refused };
    let address = |text: &str| By::Address(text.into());
    let tell = |last: i64, counts| Usage {
        token: token.id,
        last: Some((at(last), Some(format!("10.0.0.{last}")))),
        counts,
    };
    let unknown = Usage { token: crate::world::token(&holder, Kind::Pat).id, last: None, counts: vec![] };
    world
        .store
        .record_usage(vec![
            tell(5, vec![count(today, By::All, 3, 1), count(today, address("10.0.0.5"), 3, 1)]),
            tell(4, vec![count(today, By::All, 1, 0), count(today, By::Service("svc_a".into()), 1, 0)]),
            unknown,
        ])
        .await
        .unwrap();
    let more = vec![count(today, address("10.0.0.5"), 2, 0), count(today + 1, By::All, 7, 0)];
    world.store.record_usage(vec![tell(3, more)]).await.unwrap();

    let report = world.store.usage(&account.id, token.id, today).await.unwrap().unwrap();
    let last = LastUse { at: Some(at(5)), address: Some("10.0.0.5".into()) };
    assert_eq!(report.last, last, "a late report does not set it back");
    assert_eq!(
        report.counts,
        [
            count(today, By::All, 4, 1),
            count(today, address("10.0.0.5"), 5, 1),
            count(today, By::Service("svc_a".into()), 1, 0),
            count(today + 1, By::All, 7, 0),
        ]
    );
    let later = world.store.usage(&account.id, token.id, today + 1).await.unwrap().unwrap();
    assert_eq!(later.counts, [count(today + 1, By::All, 7, 0)]);
    let (read, used) = world.store.token(&account.id, token.id).await.unwrap().unwrap();
    assert_eq!((used, read.version), (last, 1), "being used writes no token");
}

pub(crate) async fn addresses_beyond_a_table_s_bound_are_counted_together<B: Backend>(world: World<B>) {
    let (account, holder) = world.family().await;
    let token = world.token(&holder).await;
    let today = day(at(0));
    for n in 0..2 * TOLD_APART {
        let by = By::Address(format!("10.0.0.{n}"));
        let counts = vec![Count { day: today, by, admitted: 1, refused: 0 }];
        let usage = Usage { token: token.id, last: None, counts };
        world.store.record_usage(vec![usage.clone(), usage]).await.unwrap();
    }
    let report = world.store.usage(&account.id, token.id, today).await.unwrap().unwrap();
    assert_eq!(report.counts.len(), TOLD_APART + 1);
    assert_eq!(report.counts.iter().map(|count| count.admitted).sum::<u64>(), 4 * TOLD_APART as u64);
    let other = report.counts.iter().find(|count| count.by == By::Address(OTHER.into())).unwrap();
    assert_eq!(other.admitted, 2 * TOLD_APART as u64);
}

pub(crate) async fn a_purge_removes_what_has_served_its_time_and_ends_nothing_that_never_ends<B: Backend>(
    world: World<B>,
) {
    let (account, holder) = world.family().await;
    let mut forever = crate::world::token(&holder, Kind::Pat);
    forever.life.expires_at = None;
    world.write([insert(&forever)]).await;
    let today = day(at(0));
    let count = |day| Count { day, by: By::All, admitted: 1, refused: 0 };
    let counts = vec![count(today), count(today + 1000)];
    world.store.record_usage(vec![Usage { token: forever.id, last: None, counts }]).await.unwrap();
    let answer = |key, until| {
        Write::Remember(domain::change::Remembered {
            key: [key; 32],
            request: [0; 32],
            sealed: vec![],
            until,
        })
    };
    world.write([answer(1, at(600)), answer(2, at(2000 * DAY))]).await;

    world.clock.pass(1000 * DAY);
    let purged = world.store.purge(world.now()).await.unwrap();
    assert_eq!((purged.answers, purged.usage_days), (1, 1));
    assert!(world.store.remembered(&[2; 32]).await.unwrap().is_some());
    let report = world.store.usage(&account.id, forever.id, 0).await.unwrap().unwrap();
    assert_eq!(report.counts, [count(today + 1000)]);
    let (read, _) = world.store.token(&account.id, forever.id).await.unwrap().unwrap();
    assert_eq!(read.life.expires_at, None);
}

pub(crate) async fn a_closed_store_is_unavailable_and_opens_again<B: Backend>(world: World<B>) {
    let (account, holder) = world.family().await;
    assert!(world.store.health().writer_alive);
    world.store.close().await;
    assert!(!world.store.health().writer_alive);
    assert!(world.store.account(&account.id).await.is_err());
    let refused = world.store.commit(change([insert(&token(&holder, Kind::Pat))])).await;
    assert!(matches!(refused, Err(CommitError::Unavailable(_))));
    assert!(matches!(world.store.purge(at(0)).await, Err(CommitError::Unavailable(_))));
    let world = world.reopen().await;
    assert_eq!(*world.store.account(&account.id).await.unwrap().unwrap(), account);
    assert_eq!(world.store.health().position, 1);
}
