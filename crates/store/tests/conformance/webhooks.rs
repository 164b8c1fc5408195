//! Webhooks: their places in the journal, and what is delivered to them.

use std::sync::Arc;

use domain::change::{Change, Condition, Counting, Entry};
use domain::facts::Account;
use domain::ids::WebhookId;
use domain::refusal::{Code, Refusal};
use domain::webhooks::target::Target;
use domain::webhooks::{
    Delivery, Effect, Fate, KEPT, Outcome, Progress, SHOWN, SigningSecret, TURN, TakenUp, Trouble, Webhook,
    Write, write,
};
use store::CommitError;
use token::SystemEntropy;

use crate::world::{Backend, DAY, World, at, change, entry};

fn webhook(account: &Account) -> Webhook {
    Webhook {
        id: WebhookId::draw(&SystemEntropy),
        account: account.id.clone(),
        name: "Zoë's".into(),
        target: Target::parse("https://example.com/hook?key=a").unwrap(),
        actions: vec!["member.removed".into(), "token".into()],
        enabled: true,
        created_at: at(0),
        older_until: None,
        progress: Progress::default(),
        version: 0,
    }
}

fn secret(byte: u8) -> Arc<SigningSecret> {
    Arc::new(SigningSecret::from_bytes([byte; 32]))
}

/// A webhook that was written.
async fn written<B: Backend>(world: &World<B>, account: &Account) -> Webhook {
    let row = webhook(account);
    world.write([write(Write::Insert { webhook: row.clone(), secret: secret(1) })]).await;
    read(world, &row).await
}

async fn read<B: Backend>(world: &World<B>, row: &Webhook) -> Webhook {
    world.store.webhook(&row.account, row.id).await.unwrap().unwrap()
}

/// Entries of the account about these subjects.
async fn told<B: Backend>(world: &World<B>, account: &Account, subjects: &[&str]) {
    let entries = subjects.iter().map(|&subject| Entry {
        account: Some(account.id.clone()),
        subject: subject.into(),
        ..entry()
    });
    world.store.commit(Change { entries: entries.collect(), ..Change::default() }).await.unwrap();
}

/// Takes up all that is after its place; entries without a webhook's account are nobody's.
async fn take_up<B: Backend>(world: &World<B>, row: &Webhook, subjects: &[&str]) -> Webhook {
    let from = row.progress.through;
    let first = from + 1;
    let deliveries = subjects
        .iter()
        .zip(first..)
        .map(|(subject, seq)| Delivery::new(row, seq, "token.edited".into(), (*subject).into(), at(0)));
    let deliveries: Vec<Delivery> = deliveries.collect();
    let through = from + deliveries.len() as i64;
    let (account, webhook) = (row.account.clone(), row.id);
    let taken = TakenUp { account, webhook, from, through, missed: 0, deliveries, now: at(0) };
    world.store.commit(Change::default().write(write(Write::TakeUp(taken)))).await.unwrap();
    read(world, row).await
}

async fn deliver<B: Backend>(world: &World<B>, delivery: &Delivery, effect: Effect) {
    let row = Write::Deliver { delivery: delivery.clone(), effect, now: at(9) };
    world.store.commit(Change::default().write(write(row))).await.unwrap();
}

async fn due<B: Backend>(world: &World<B>, row: &Webhook, now: i64) -> Vec<i64> {
    let due = world.store.deliveries_due(row.id, at(now), 100).await.unwrap();
    due.iter().map(|delivery| delivery.seq - row.progress.through).collect()
}

pub(crate) async fn a_webhook_and_its_secrets_read_back<B: Backend>(world: World<B>) {
    let (account, _) = world.family().await;
    let before = world.store.health().position;
    let row = written(&world, &account).await;
    let progress = Progress { through: before, ..Progress::default() };
    let wanted = Webhook { version: 1, progress, created_at: at(0), id: row.id, ..webhook(&account) };
    assert_eq!(row, wanted);
    assert_eq!(world.store.webhooks(&account.id).await.unwrap(), std::slice::from_ref(&row));
    let elsewhere = "another".parse().unwrap();
    assert_eq!(world.store.webhook(&elsewhere, row.id).await.unwrap(), None);
    assert!(world.store.signing_secrets(&elsewhere, row.id, at(0)).await.unwrap().is_empty());

    let rotated = Webhook { older_until: Some(at(DAY)), ..row.clone() };
    world.write([write(Write::Rotate { webhook: rotated, secret: secret(2) })]).await;
    let signs = async |now| {
        let secrets = world.store.signing_secrets(&account.id, row.id, now).await.unwrap();
        secrets.iter().map(|secret| secret.expose()[0]).collect::<Vec<_>>()
    };
    assert_eq!(signs(at(DAY - 1)).await, [2, 1]);
    assert_eq!(signs(at(DAY)).await, [2]);

    let off = Webhook { name: "off".into(), enabled: false, actions: vec![], ..read(&world, &row).await };
    let update = |row: &Webhook, resumed| {
        write(Write::Update { webhook: row.clone(), afresh: resumed, resumed, now: at(5) })
    };
    world.write([update(&off, false)]).await;
    assert_eq!(read(&world, &row).await, Webhook { version: 3, ..off.clone() });
    let stale = change([update(&off, false)]);
    assert!(matches!(world.store.commit(stale).await, Err(CommitError::Conflict)));
    let untold = Change::default().write(update(&off, false));
    assert!(world.store.commit(untold).await.is_err(), "the journal must say so");
    // What happened while it was off it is not told.
    let end = world.store.health().position;
    world.write([update(&Webhook { enabled: true, version: 3, ..off }, true)]).await;
    assert_eq!(read(&world, &row).await.progress.through, end);

    let room = Condition::Room { account: account.id.clone(), of: Counting::Webhooks, max: 1 };
    let full = Refusal::new(Code::LimitReached, "full");
    let more = change([]).guard(room, full.clone());
    assert!(matches!(world.store.commit(more).await, Err(CommitError::Refused(why)) if why == full));
    let last = read(&world, &row).await;
    take_up(&world, &last, &["a"]).await;
    world.write([write(Write::Delete(last))]).await;
    assert_eq!(world.store.webhooks(&account.id).await.unwrap(), []);
    assert_eq!(world.store.deliveries(row.id, i64::MAX, 9).await.unwrap(), []);
}

pub(crate) async fn a_webhook_is_behind_while_the_journal_says_more_of_its_account<B: Backend>(
    world: World<B>,
) {
    let (account, _) = world.family().await;
    let row = written(&world, &account).await;
    let behind = async || world.store.webhooks_behind().await.unwrap().len();
    assert_eq!(behind().await, 0, "entries of others are not told to it");
    told(&world, &account, &["a", "b"]).await;
    assert_eq!(behind().await, 1);
    let first = row.progress.through + 2;
    let (account_id, webhook, from) = (row.account.clone(), row.id, row.progress.through);
    let taken = |from, through| TakenUp {
        account: account_id.clone(),
        webhook,
        from,
        through,
        missed: 3,
        deliveries: Vec::new(),
        now: at(0),
    };
    let commit = async |taken| world.store.commit(Change::default().write(write(Write::TakeUp(taken)))).await;
    commit(taken(from, first)).await.unwrap();
    assert!(matches!(commit(taken(from, first)).await, Err(CommitError::Conflict)), "somebody was there");
    assert_eq!(behind().await, 1);
    commit(taken(first, first + 1)).await.unwrap();
    assert_eq!((behind().await, read(&world, &row).await.progress.missed), (0, 6));
    assert_eq!(world.store.entry(first).await.unwrap().unwrap().subject, "a");
    assert!(world.store.entry(first + 5).await.unwrap().is_none());
}

pub(crate) async fn deliveries_about_one_subject_go_one_after_the_other<B: Backend>(world: World<B>) {
    let (account, _) = world.family().await;
    let row = written(&world, &account).await;
    let row_now = take_up(&world, &row, &["a", "b", "a", "a", "c"]).await;
    assert_eq!(row_now.progress.through, row.progress.through + 5);
    assert_eq!(due(&world, &row, 0).await, [1, 2, 5]);
    assert_eq!(world.store.webhooks_with_due(at(0)).await.unwrap(), std::slice::from_ref(&row_now));
    let first = world.store.delivery(row.id, row.progress.through + 1).await.unwrap().unwrap();

    // Whoever begins has it for a while, and of many one begins.
    let begun = first.clone().begun(at(0));
    deliver(&world, &begun, Effect::Nothing).await;
    let again = Write::Deliver { delivery: begun.clone(), effect: Effect::Nothing, now: at(0) };
    let again = world.store.commit(Change::default().write(write(again))).await;
    assert!(matches!(again, Err(CommitError::Conflict)));
    assert_eq!(due(&world, &row, TURN - 1).await, [2, 5]);
    assert_eq!(world.store.deliveries_begun().await.unwrap().len(), 1);

    // A failure lets the later ones wait; the end of it lets the next one go, and only that.
    let begun = Delivery { version: first.version + 1, ..begun };
    let failed = begun.clone().tried(Outcome::Answered(500), at(1));
    deliver(&world, &failed, Effect::Fails { paused_until: None, hopeless: false }).await;
    assert_eq!(due(&world, &row, DAY).await, [2, 5, 1]);
    let failed = Delivery { version: begun.version + 1, ..failed };
    assert_eq!(world.store.delivery(row.id, failed.seq).await.unwrap(), Some(failed.clone()));
    assert_eq!(read(&world, &row).await.progress.failing_since, Some(at(9)));
    let done = failed.begun(at(2)).tried(Outcome::Answered(200), at(2));
    deliver(&world, &done, Effect::Works).await;
    assert_eq!(read(&world, &row).await.progress, row_now.progress);
    assert_eq!(due(&world, &row, 0).await, [2, 5]);
    assert_eq!(due(&world, &row, 9).await, [2, 5, 3]);

    // One that is sent again lets those that come later wait, as any other.
    let done = world.store.delivery(row.id, done.seq).await.unwrap().unwrap();
    deliver(&world, &done.again(at(3)), Effect::Nothing).await;
    let third = world.store.delivery(row.id, row.progress.through + 3).await.unwrap().unwrap();
    deliver(&world, &third.begun(at(4)).tried(Outcome::Answered(410), at(4)), Effect::Nothing).await;
    assert_eq!(due(&world, &row, 9).await, [2, 5, 1]);
    assert_eq!(world.store.deliveries_open(row.id).await.unwrap(), 4);
    assert_eq!(world.store.oldest_delivery().await.unwrap(), Some(at(0)));
    let newest = world.store.deliveries(row.id, row.progress.through + 5, 2).await.unwrap();
    assert_eq!(newest.iter().map(|each| each.seq - row.progress.through).collect::<Vec<_>>(), [4, 3]);
    assert!(matches!(newest[1].fate, Fate::GivenUp(_)));
}

pub(crate) async fn a_receiver_that_is_away_is_left_alone_and_given_up_with_all_that_waited<B: Backend>(
    world: World<B>,
) {
    let (account, _) = world.family().await;
    let row = written(&world, &account).await;
    take_up(&world, &row, &["a", "b", "a"]).await;
    let first = world.store.delivery(row.id, row.progress.through + 1).await.unwrap().unwrap();
    let outcome = Outcome::Failed(Trouble::TimedOut);
    let failed = first.begun(at(0)).tried(outcome, at(1));
    deliver(&world, &failed, Effect::Fails { paused_until: Some(at(50)), hopeless: false }).await;
    let with_due = async |now| world.store.webhooks_with_due(at(now)).await.unwrap().len();
    assert_eq!((with_due(49).await, with_due(50).await), (0, 1));

    let row_now = read(&world, &row).await;
    let moved = Webhook { target: Target::parse("https://example.org/").unwrap(), ..row_now };
    world.write([write(Write::Update { webhook: moved, afresh: true, resumed: false, now: at(2) })]).await;
    assert_eq!(
        (with_due(2).await, due(&world, &row, 2).await),
        (1, vec![2, 1]),
        "another receiver, tried at once"
    );

    let late = at(2 * DAY);
    let failed = world.store.delivery(row.id, failed.seq).await.unwrap().unwrap();
    assert_eq!(failed.outcome, Some(outcome));
    let gone = failed.begun(late).tried(outcome, late);
    assert!(gone.is_ended());
    let effect = Effect::Fails { paused_until: Some(late), hopeless: true };
    let last = Write::Deliver { delivery: gone, effect, now: late };
    world.store.commit(Change::default().write(write(last))).await.unwrap();
    let all = world.store.deliveries(row.id, i64::MAX, 9).await.unwrap();
    assert!(
        all.iter().all(|each| each.fate == Fate::GivenUp(late) && each.outcome == Some(outcome)),
        "{all:#?}"
    );
    assert_eq!(world.store.oldest_delivery().await.unwrap(), None);
}

pub(crate) async fn what_was_delivered_is_shown_for_a_while_and_takes_no_more_room_than_that<B: Backend>(
    world: World<B>,
) {
    let (account, _) = world.family().await;
    let mut row = written(&world, &account).await;
    let many: Vec<String> = (0..600).map(|n| n.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for _ in 0..3 {
        row = take_up(&world, &row, &many).await;
        for delivery in world.store.deliveries_due(row.id, at(0), 1_000).await.unwrap() {
            deliver(&world, &delivery.tried(Outcome::Answered(200), at(1)), Effect::Works).await;
        }
    }
    row = take_up(&world, &row, &["last"]).await;
    assert_eq!(world.store.deliveries(row.id, i64::MAX, 5_000).await.unwrap().len(), SHOWN + 1);
    world.store.purge(at(KEPT)).await.unwrap();
    assert_eq!(world.store.deliveries(row.id, i64::MAX, 5_000).await.unwrap().len(), SHOWN + 1);
    world.store.purge(at(KEPT + 1)).await.unwrap();
    assert_eq!(world.store.deliveries(row.id, i64::MAX, 5_000).await.unwrap().len(), 1);
}
