//! Notices by mail, on a clock that the test drives and with a mail server that does as it is told.

mod common;

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use common::{World, named};
use domain::change::{Action, Actor, Change, Entry, Write};
use domain::facts::Token;
use domain::lifecycle::{self, AskedEnd, Create, Decided, Edit};
use domain::mail::{Mail, TURN, Trouble};
use domain::time::DAY;
use service::Error;
use service::mail::{Carrier, Carrying, Queued, Round, Undelivered};
use token::{Brand, Kind, SystemEntropy, TokenText};

const HOUR: i64 = 3600 * 1_000_000;
const MINUTE: i64 = 60 * 1_000_000;

/// What the mail server does next.
const TAKES: u8 = 0;
const IS_DOWN: u8 = 1;
const REFUSES: u8 = 2;
const HANGS: u8 = 3;

#[derive(Default)]
struct Server {
    does: AtomicU8,
    taken: Mutex<Vec<Mail>>,
}

impl Carrier for Server {
    fn carry<'a>(&'a self, mail: &'a Mail) -> Carrying<'a> {
        let failed = |trouble, unreachable| {
            let why = "as the test says".to_owned();
            Err(Undelivered { trouble, unreachable, why })
        };
        Box::pin(async move {
            match self.does.load(Ordering::SeqCst) {
                IS_DOWN => return failed(Trouble::Passing, true),
                REFUSES => return failed(Trouble::Refused, false),
                HANGS => std::future::pending().await,
                _ => {}
            }
            self.taken.lock().unwrap().push(mail.clone());
            Ok(())
        })
    }
}

struct Post {
    server: Arc<Server>,
    carrier: Arc<dyn Carrier>,
}

impl Post {
    fn new() -> Self {
        let server = Arc::<Server>::default();
        Self { carrier: server.clone(), server }
    }

    fn does(&self, what: u8) {
        self.server.does.store(what, Ordering::SeqCst);
    }

    /// Everything that is due now, as the worker does it.
    async fn sends(&self, world: &World) -> Round {
        let mut all = Round::default();
        loop {
            let round = world.desk.send_letters(&self.carrier).await.unwrap();
            all.sent += round.sent;
            all.dropped += round.dropped;
            all.failed += round.failed;
            if !round.more {
                return all;
            }
        }
    }

    /// Who was told of which tokens, in the order of arrival.
    fn taken(&self) -> Vec<(String, Vec<String>)> {
        let taken = std::mem::take(&mut *self.server.taken.lock().unwrap());
        let names = |mail: &Mail| mail.items.iter().map(|token| token.name.clone()).collect();
        taken.iter().map(|mail| (mail.address.clone(), names(mail))).collect()
    }

    /// One run of everything.
    async fn runs(&self, world: &World) -> Vec<(String, Vec<String>)> {
        world.desk.queue_notices().await.unwrap();
        self.sends(world).await;
        self.taken()
    }
}

/// A token of Ada's that ends, of whose creation nobody is told.
async fn token(world: &World, name: &str, days: i64) -> Token {
    let caller = world.admin().await;
    let end = AskedEnd::At(caller.now.plus_micros(days * DAY));
    let text = Arc::new(TokenText::issue(Brand::default(), Kind::Pat, &SystemEntropy));
    let order = Create { end: Some(end), ..named(name) };
    let Decided { token, mut change } = lifecycle::create(&caller, &order, &caller.holder, &text).unwrap();
    change.outbox.clear();
    world.desk.store().commit(change).await.unwrap();
    token
}

fn told(who: &str, what: &[&str]) -> Vec<(String, Vec<String>)> {
    vec![(who.to_owned(), what.iter().map(|&name| name.to_owned()).collect())]
}

const ADA: &str = "ada@example.com";

#[tokio::test]
async fn many_ends_of_a_day_are_one_mail_and_neither_a_second_look_nor_a_restart_tells_again() {
    let (world, post) = (World::of("default").await, Post::new());
    for name in ["one", "two", "three"] {
        token(&world, name, 40).await;
    }
    assert_eq!(post.runs(&world).await, []);
    world.clock.forward(10 * DAY);
    assert_eq!(world.desk.queue_notices().await.unwrap(), Queued { letters: 1, notices: 3 });
    assert_eq!(world.desk.queue_notices().await.unwrap(), Queued::default());
    let world = world.restarted().await;
    assert_eq!(world.desk.queue_notices().await.unwrap(), Queued::default());
    assert_eq!(post.sends(&world).await, Round { sent: 1, ..Round::default() });
    let mail = post.server.taken.lock().unwrap()[0].clone();
    assert_eq!((mail.address.as_str(), mail.account.as_str(), mail.items.len()), (ADA, "acme", 3));
    post.taken();
    let world = world.restarted().await;
    assert_eq!(post.runs(&world).await, []);
}

#[tokio::test]
async fn each_lead_is_told_once_whenever_it_is_looked() {
    let (world, post) = (World::of("default").await, Post::new());
    world.change_policy(|policy| policy.notices.days = vec![7, 1]).await;
    token(&world, "deploy", 10).await;
    let mut all = Vec::new();
    for _ in 0..12 * 4 {
        world.clock.forward(6 * HOUR);
        all.extend(post.runs(&world).await);
    }
    assert_eq!(all, [told(ADA, &["deploy"]), told(ADA, &["deploy"])].concat());
}

#[tokio::test]
async fn a_mail_server_that_is_down_for_a_day_loses_nothing_and_gets_nothing_twice() {
    let (world, post) = (World::of("default").await, Post::new());
    token(&world, "deploy", 30).await;
    world.member("Admin", "eve@example.com").await;
    post.does(IS_DOWN);
    assert_eq!(world.desk.queue_notices().await.unwrap().letters, 2);
    let mut failed = 0;
    for _ in 0..24 * 4 {
        failed += post.sends(&world).await.failed;
        world.clock.forward(15 * MINUTE);
        world.desk.queue_notices().await.unwrap();
    }
    assert!((2 * 24..2 * 32).contains(&failed), "{failed} tries");
    post.does(TAKES);
    world.clock.forward(HOUR);
    let mut taken = post.runs(&world).await;
    taken.sort();
    assert_eq!(taken, [told(ADA, &["deploy"]), told("eve@example.com", &["deploy"])].concat());
    world.clock.forward(HOUR);
    assert_eq!(post.runs(&world).await, []);
}

#[tokio::test]
async fn a_reader_whom_the_mail_server_refuses_keeps_nobody_else_waiting_and_is_given_up() {
    let (world, post) = (World::of("default").await, Post::new());
    token(&world, "deploy", 30).await;
    post.does(REFUSES);
    world.desk.queue_notices().await.unwrap();
    let mut failed = 0;
    for _ in 0..72 {
        failed += post.sends(&world).await.failed;
        world.clock.forward(HOUR);
    }
    assert_eq!(failed, 6);
    let ever = domain::time::Timestamp::from_micros(i64::MAX);
    assert_eq!(world.desk.store().letters_due(ever, 9).await.unwrap(), [], "it waits for nothing any more");
}

#[tokio::test]
async fn what_was_stopped_or_extended_while_its_notice_waited_is_not_told() {
    let (world, post) = (World::of("default").await, Post::new());
    let (revoked, extended) = (token(&world, "revoked", 30).await, token(&world, "extended", 30).await);
    world.desk.queue_notices().await.unwrap();
    let admin = world.admin().await;
    world.desk.revoke_token(admin.clone(), &world.account, revoked.id, None).await.unwrap();
    let later = Edit { end: Some(AskedEnd::At(admin.now.plus_micros(90 * DAY))), ..Edit::default() };
    world.desk.edit_token(admin, &world.account, extended.id, None, later).await.unwrap();
    assert_eq!(post.sends(&world).await, Round { dropped: 1, ..Round::default() });
    world.clock.forward(60 * DAY + HOUR);
    let taken = post.runs(&world).await;
    assert!(taken.iter().all(|(_, names)| names.contains(&"extended".to_owned())), "{taken:?}");
    assert_eq!(taken.len(), 1, "its new end is told");
    assert_eq!(world.desk.letters(), [("sent", 1), ("dropped", 1), ("failed", 0)]);
}

#[tokio::test]
async fn who_dies_while_sending_leaves_the_letter_to_the_next_and_it_is_the_same_letter() {
    let (world, post) = (World::of("default").await, Post::new());
    token(&world, "deploy", 30).await;
    world.desk.queue_notices().await.unwrap();
    let waiting = world.desk.store().letters_due(world.desk.now(), 9).await.unwrap();
    post.does(HANGS);
    let (desk, carrier) = (world.desk.clone(), post.carrier.clone());
    let dies = tokio::spawn(async move { desk.send_letters(&carrier).await });
    while world.desk.store().letter(waiting[0].id).await.unwrap().unwrap().tries == 0 {
        tokio::task::yield_now().await;
    }
    dies.abort();
    assert!(dies.await.unwrap_err().is_cancelled());
    post.does(TAKES);
    assert_eq!(post.sends(&world).await, Round::default(), "it is still somebody's turn");
    let (now, store) = (world.desk.now(), world.desk.store());
    assert_eq!(store.letters_due(now.plus_micros(TURN - 1), 9).await.unwrap(), []);
    assert_eq!(store.letters_due(now.plus_micros(TURN), 9).await.unwrap().len(), 1);
    // Nobody else has this store, so that a new process need not wait.
    assert_eq!(world.desk.put_letters_back().await.unwrap(), 1);
    assert_eq!(post.sends(&world).await.sent, 1);
    assert_eq!(post.server.taken.lock().unwrap()[0].id, waiting[0].id);
}

#[tokio::test]
async fn the_way_out_turns_further_mails_off_and_leads_nobody_else_anywhere() {
    let (world, post) = (World::of("default").await, Post::new());
    token(&world, "deploy", 30).await;
    world.desk.queue_notices().await.unwrap();
    post.sends(&world).await;
    let way = post.server.taken.lock().unwrap()[0].way_out.as_ref().unwrap().expose().to_owned();
    post.taken();
    assert_eq!(way.len(), 12 + 32);
    for wrong in ["", "é", &way[1..], &way[..12], &format!("{way}0"), &way.to_uppercase()] {
        assert!(world.desk.way_out(wrong).await.unwrap().is_none(), "{wrong}");
        assert!(matches!(world.desk.leave(wrong).await, Err(Error::Unauthenticated)), "{wrong}");
    }
    for _ in 0..2 {
        let leaver = world.desk.leave(&way).await.unwrap();
        assert_eq!((leaver.account.name.as_str(), leaver.member.name.as_str()), ("Acme", "Ada"));
    }
    let said = world.desk.store().journal(0, 1000).await.unwrap();
    assert_eq!(said.iter().filter(|entry| entry.action == "notices.chosen").count(), 1);
    token(&world, "another", 20).await;
    world.clock.forward(24 * DAY);
    assert_eq!(post.runs(&world).await, []);
}

/// So many more tokens like one, written as rows.
async fn copies(world: &World, sample: &Token, count: usize) {
    let copy = |_| {
        let text = TokenText::issue(Brand::default(), Kind::Pat, &SystemEntropy);
        Token { id: text.id(), digest: text.digest(), version: 0, ..sample.clone() }
    };
    let all: Vec<Token> = (0..count).map(copy).collect();
    for some in all.chunks(500) {
        let entry = Entry {
            at: world.desk.now(),
            actor: Actor::Operator,
            account: Some(world.account.clone()),
            action: Action::TokenCreated,
            subject: sample.id.to_string(),
            payload: serde_json::json!({}),
        };
        let insert = |token: &Token| Write::InsertToken { token: Box::new(token.clone()), keep: None };
        let change = some.iter().map(insert).fold(Change::default().entry(entry), Change::write);
        world.desk.store().commit(change).await.unwrap();
    }
}

#[tokio::test]
async fn ten_thousand_ends_of_a_day_are_kept_at_once_and_told_in_one_mail() {
    let (world, post) = (World::of("default").await, Post::new());
    let sample = token(&world, "deploy", 30).await;
    copies(&world, &sample, 9_999).await;
    world.member("Admin", "eve@example.com").await;
    let begun = tokio::time::Instant::now();
    let queued = world.desk.queue_notices().await.unwrap();
    println!("{} notices of 10,000 ends were kept in {:?}", queued.notices, begun.elapsed());
    assert_eq!(queued, Queued { letters: 2, notices: 20_000 });
    let begun = tokio::time::Instant::now();
    assert_eq!(world.desk.queue_notices().await.unwrap(), Queued::default());
    println!("and nothing was found again in {:?}", begun.elapsed());
    assert_eq!(post.sends(&world).await.sent, 2);
    let taken = post.taken();
    assert!(taken.iter().all(|(_, names)| names.len() == 10_000), "{}", taken.len());
}
