//! Webhooks, on a clock that the test drives and with receivers that do as they are told.

mod common;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use common::{World, named, refused};
use domain::ids::WebhookId;
use domain::refusal::Code;
use domain::time::DAY;
use domain::webhooks::{Edit, Fate, OVERLAP, Order, Outcome, TURN, Trouble, Webhook};
use service::webhooks::{Bringing, Keyed, Messenger, Parcel};
use token::TokenId;

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;

/// What a receiver does with an entry about a subject.
#[derive(Clone, Copy)]
enum Does {
    Answers(u16),
    IsAway,
    Hangs,
}

/// The host, the id, how many signatures, action and subject.
type Came = (String, String, usize, String, String);

#[derive(Default)]
struct Receivers {
    /// By the subject, or else by `*`; 200 otherwise.
    do_: Mutex<HashMap<String, Does>>,
    /// What came.
    came: Mutex<Vec<Came>>,
}

impl Messenger for Receivers {
    fn bring<'a>(&'a self, parcel: &'a Parcel) -> Bringing<'a> {
        Box::pin(async move {
            let entry = &parcel.told.entry;
            let (action, subject) = (entry.action.clone(), entry.subject.clone());
            let does = {
                let plan = self.do_.lock().unwrap();
                plan.get(&subject).or(plan.get("*")).copied().unwrap_or(Does::Answers(200))
            };
            let host = parcel.target.authority().to_owned();
            self.came.lock().unwrap().push((host, parcel.id.clone(), parcel.secrets.len(), action, subject));
            match does {
                Does::Answers(status) => Outcome::Answered(status),
                Does::IsAway => Outcome::Failed(Trouble::NoConnection),
                Does::Hangs => std::future::pending().await,
            }
        })
    }
}

struct Post {
    receivers: Arc<Receivers>,
    messenger: Arc<dyn Messenger>,
}

impl Post {
    fn new() -> Self {
        let receivers = Arc::<Receivers>::default();
        Self { messenger: receivers.clone(), receivers }
    }

    fn does(&self, subject: &str, does: Does) {
        self.receivers.do_.lock().unwrap().insert(subject.to_owned(), does);
    }

    /// All that is due, as the worker sends it. What came: actions and subjects.
    async fn runs(&self, world: &World) -> Vec<(String, String)> {
        world.desk.tell_webhooks(&self.messenger).await.unwrap();
        let came = std::mem::take(&mut *self.receivers.came.lock().unwrap());
        came.into_iter().map(|(_, _, _, action, subject)| (action, subject)).collect()
    }
}

fn order(actions: &[&str]) -> Order {
    Order {
        name: "ops".into(),
        url: "https://hooks.example.com/jeton".into(),
        actions: actions.iter().map(|&action| action.to_owned()).collect(),
        enabled: true,
    }
}

async fn webhook(world: &World, actions: &[&str]) -> Keyed {
    world.desk.add_webhook(world.admin().await, &world.account, order(actions), None).await.unwrap()
}

async fn read(world: &World, id: WebhookId) -> Webhook {
    world.desk.webhook(&world.admin().await, &world.account, id).await.unwrap()
}

async fn rename(world: &World, token: TokenId, name: &str) {
    let edit = domain::lifecycle::Edit { name: Some(name.into()), ..Default::default() };
    world.desk.edit_token(world.admin().await, &world.account, token, None, edit).await.unwrap();
}

fn told(action: &str, subject: impl ToString) -> (String, String) {
    (action.to_owned(), subject.to_string())
}

#[tokio::test]
async fn a_webhook_is_told_what_it_picked_from_its_own_making_on_and_once() {
    let (world, post) = (World::of("default").await, Post::new());
    world.token("before").await;
    let keyed = webhook(&world, &["token", "webhook"]).await;
    let id = keyed.webhook.id;
    let token = world.token("deploy").await.shown.token.id;
    world.service_account("Viewer").await;
    rename(&world, token, "deploy 2").await;
    assert_eq!(
        post.runs(&world).await,
        [told("webhook.created", id), told("token.created", token), told("token.edited", token)]
    );
    assert_eq!(post.runs(&world).await, []);
    assert_eq!(world.desk.delivered(), [("delivered", 3), ("failed", 0), ("given_up", 0)]);
    let world = world.restarted().await;
    assert_eq!(post.runs(&world).await, []);
    let admin = world.admin().await;
    let page = world.desk.deliveries(&admin, &world.account, id, 2, None).await.unwrap();
    assert_eq!(page.items[0].action, "token.edited");
    let cursor = page.next_cursor.unwrap();
    let page = world.desk.deliveries(&admin, &world.account, id, 2, Some(&cursor)).await.unwrap();
    assert_eq!(
        (page.items.len(), page.items[0].action.as_str(), page.next_cursor),
        (1, "webhook.created", None)
    );
}

#[tokio::test]
async fn of_one_token_the_later_waits_for_the_earlier_and_others_go_on() {
    let (world, post) = (World::of("default").await, Post::new());
    webhook(&world, &["token"]).await;
    let (one, other) = (world.token("one").await.shown.token.id, world.token("other").await.shown.token.id);
    post.does(&one.to_string(), Does::Answers(500));
    assert_eq!(post.runs(&world).await.len(), 2);
    rename(&world, one, "one 2").await;
    rename(&world, other, "other 2").await;
    assert_eq!(post.runs(&world).await, [told("token.edited", other)]);
    world.clock.forward(6 * SECOND);
    assert_eq!(post.runs(&world).await, [told("token.created", one)]);
    post.does(&one.to_string(), Does::Answers(204));
    world.clock.forward(11 * SECOND);
    assert_eq!(post.runs(&world).await, [told("token.created", one), told("token.edited", one)]);
}

#[tokio::test]
async fn a_receiver_that_is_away_for_a_day_is_left_alone_and_then_shown_what_it_missed() {
    let (world, post) = (World::of("default").await, Post::new());
    let id = webhook(&world, &["token"]).await.webhook.id;
    post.does("*", Does::IsAway);
    let begun = world.desk.now();
    for name in ["one", "two", "three"] {
        world.token(name).await;
    }
    let mut tries = 0;
    while world.desk.now() < begun.plus_micros(DAY - HOUR) {
        tries += post.runs(&world).await.len();
        world.clock.forward(60 * SECOND);
    }
    assert!((60..300).contains(&tries), "{tries} tries of three in 23 hours");
    let failing = read(&world, id).await;
    assert_eq!(failing.progress.failing_since, Some(begun));
    assert!(failing.enabled, "nobody has turned it off");
    world.clock.forward(2 * HOUR);
    post.runs(&world).await;
    world.clock.forward(HOUR);
    post.runs(&world).await;
    let admin = world.admin().await;
    let all = world.desk.deliveries(&admin, &world.account, id, 9, None).await.unwrap().items;
    assert!(all.iter().all(|each| matches!(each.fate, Fate::GivenUp(_))), "{all:#?}");
    // It comes back: what is new it is told, and what was given up where somebody asks for it.
    post.does("*", Does::Answers(200));
    let new = world.token("new").await.shown.token.id;
    world.clock.forward(HOUR);
    assert_eq!(post.runs(&world).await, [told("token.created", new)]);
    assert_eq!(read(&world, id).await.progress.failing_since, None);
    let seq = all[0].seq;
    world.desk.redeliver(admin, &world.account, id, seq).await.unwrap();
    assert_eq!(post.runs(&world).await, [told("token.created", &all[0].subject)]);
}

#[tokio::test]
async fn whoever_was_away_is_not_told_what_happened_the_day_before() {
    let (world, post) = (World::of("default").await, Post::new());
    let id = webhook(&world, &["token"]).await.webhook.id;
    post.does("*", Does::IsAway);
    world.token("one").await;
    post.runs(&world).await;
    // No room and no process: nothing is taken up for more than a day.
    world.token("two").await;
    world.clock.forward(DAY + HOUR);
    post.runs(&world).await;
    assert_eq!(read(&world, id).await.progress.missed, 1);
}

#[tokio::test]
async fn who_dies_while_sending_leaves_it_to_the_next_and_it_has_the_same_id() {
    let (world, post) = (World::of("default").await, Post::new());
    let id = webhook(&world, &["token"]).await.webhook.id;
    world.token("deploy").await;
    post.does("*", Does::Hangs);
    let (desk, messenger) = (world.desk.clone(), post.messenger.clone());
    let dies = tokio::spawn(async move { desk.tell_webhooks(&messenger).await });
    while post.receivers.came.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    dies.abort();
    assert!(dies.await.unwrap_err().is_cancelled());
    post.does("*", Does::Answers(200));
    let first = post.receivers.came.lock().unwrap().pop().unwrap();
    assert_eq!(post.runs(&world).await, [], "it is still somebody's turn");
    let (now, store) = (world.desk.now(), world.desk.store());
    assert_eq!(store.deliveries_due(id, now.plus_micros(TURN), 9).await.unwrap().len(), 1);
    // Nobody else has this store, so that a new process need not wait.
    assert_eq!(world.desk.put_deliveries_back().await.unwrap(), 1);
    world.desk.tell_webhooks(&post.messenger).await.unwrap();
    assert_eq!(*post.receivers.came.lock().unwrap(), [first]);
}

#[tokio::test]
async fn a_webhook_that_is_turned_off_rests_and_goes_on_with_what_is_new() {
    let (world, post) = (World::of("default").await, Post::new());
    let id = webhook(&world, &["token"]).await.webhook.id;
    let turn = async |enabled| {
        let edit = Edit { enabled: Some(enabled), ..Edit::default() };
        world.desk.edit_webhook(world.admin().await, &world.account, id, None, edit).await.unwrap()
    };
    assert_eq!(turn(false).await.version, 2);
    let off = world.token("while it is off").await.shown.token.id;
    assert_eq!(post.runs(&world).await, []);
    turn(true).await;
    let on = world.token("while it is on").await.shown.token.id;
    assert_ne!(on, off);
    assert_eq!(post.runs(&world).await, [told("token.created", on)]);
    world.desk.delete_webhook(world.admin().await, &world.account, id).await.unwrap();
    world.token("late").await;
    assert_eq!(post.runs(&world).await, []);
}

#[tokio::test]
async fn a_rotated_secret_signs_beside_the_new_one_for_a_day() {
    let (world, post) = (World::of("default").await, Post::new());
    let first = webhook(&world, &["token"]).await;
    let id = first.webhook.id;
    let second = world.desk.rotate_webhook(world.admin().await, &world.account, id, None).await.unwrap();
    assert_ne!(first.secret.unwrap().text(), second.secret.as_ref().unwrap().text());
    let signatures = async || {
        world.token("deploy").await;
        world.desk.tell_webhooks(&post.messenger).await.unwrap();
        post.receivers.came.lock().unwrap().pop().unwrap().2
    };
    assert_eq!(signatures().await, 2);
    world.clock.forward(OVERLAP);
    assert_eq!(signatures().await, 1);
}

#[tokio::test]
async fn a_lost_answer_brings_the_same_secret_back() {
    let world = World::of("default").await;
    let admin = world.admin().await;
    let replay = || world.desk.replay(&admin, "POST /x", "0123456789012345678901", b"{}").unwrap();
    let make = async || {
        let made = world.desk.add_webhook(admin.clone(), &world.account, order(&[]), Some(replay()));
        let keyed = made.await.unwrap();
        (keyed.webhook.id, keyed.secret.unwrap().text().to_string())
    };
    assert_eq!(make().await, make().await);
    assert_eq!(world.desk.webhooks(&admin, &world.account).await.unwrap().len(), 1);
}

#[tokio::test]
async fn webhooks_are_for_those_who_may_change_the_policy_and_read_the_journal() {
    let world = World::of("default").await;
    let id = webhook(&world, &[]).await.webhook.id;
    world.member("Member", "bob@example.com").await;
    let bob = async || world.signed_in("bob@example.com").await;
    let account = &world.account;
    let (desk, edit) = (&world.desk, Edit::default());
    assert_eq!(refused(desk.webhooks(&bob().await, account).await), Code::Forbidden);
    assert_eq!(refused(desk.add_webhook(bob().await, account, order(&[]), None).await), Code::Forbidden);
    assert_eq!(refused(desk.edit_webhook(bob().await, account, id, None, edit).await), Code::Forbidden);
    assert_eq!(refused(desk.delete_webhook(bob().await, account, id).await), Code::Forbidden);
    assert_eq!(refused(desk.redeliver(bob().await, account, id, 1).await), Code::Forbidden);
    // A token that does not reach the desk is nobody here, whatever its holder may do.
    let token = world.create(world.admin().await, named("deploy")).await.unwrap();
    let by_token = world.caller(&token.text).await.unwrap();
    assert_eq!(refused(desk.webhooks(&by_token, account).await), Code::Forbidden);
    for (url, code) in [
        ("https://10.0.0.1/", Code::InvalidField),
        ("http://hooks.example.com@127.0.0.1/", Code::InvalidField),
        ("http://8.8.8.8/", Code::InvalidField),
    ] {
        let order = Order { url: url.into(), ..order(&[]) };
        assert_eq!(refused(desk.add_webhook(world.admin().await, account, order, None).await), code, "{url}");
    }
    for _ in 1..20 {
        webhook(&world, &[]).await;
    }
    let more = desk.add_webhook(world.admin().await, account, order(&[]), None).await;
    assert_eq!(refused(more), Code::LimitReached);
}
