//! What people are told by mail that happened, on a clock that the test drives: whom, once, and not a thousand
//! times; and what the links do that let somebody in.

mod common;

use std::sync::{Arc, Mutex};

use common::{PASSWORD, World, named};
use domain::ids::{HolderId, MemberId};
use domain::lifecycle::Create;
use domain::links::RESET;
use domain::mail::{By, Mail, Topic, Trouble};
use domain::members::Join;
use service::links::{Guest, Invited};
use service::mail::{Carrier, Carrying, Undelivered};
use service::sessions::Login;
use service::{Error, Password};

const MINUTE: i64 = 60 * 1_000_000;
const HOUR: i64 = 60 * MINUTE;
const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";

/// A mail server that takes everything, or nothing after having read it.
#[derive(Default)]
struct Server {
    taken: Mutex<Vec<Mail>>,
    loses_the_answer: std::sync::atomic::AtomicBool,
}

impl Carrier for Server {
    fn carry<'a>(&'a self, mail: &'a Mail) -> Carrying<'a> {
        Box::pin(async move {
            self.taken.lock().unwrap().push(mail.clone());
            if self.loses_the_answer.load(std::sync::atomic::Ordering::SeqCst) {
                let why = "as the test says".to_owned();
                return Err(Undelivered { trouble: Trouble::Passing, unreachable: false, why });
            }
            Ok(())
        })
    }
}

#[derive(Clone, Default)]
struct Post(Arc<Server>);

impl Post {
    /// Sends everything that is due by now: what arrived.
    async fn sends(&self, world: &World) -> Vec<Mail> {
        let carrier: Arc<dyn Carrier> = self.0.clone();
        while world.desk.send_letters(&carrier).await.unwrap().more {}
        std::mem::take(&mut *self.0.taken.lock().unwrap())
    }
}

/// Who was told what, and of which tokens.
fn told(mails: &[Mail]) -> Vec<(&str, Topic, Vec<&str>)> {
    let mut told: Vec<_> = mails
        .iter()
        .map(|mail| {
            let names = mail.items.iter().map(|item| item.name.as_str()).collect();
            (mail.address.as_str(), mail.topic, names)
        })
        .collect();
    told.sort();
    told
}

async fn bob(world: &World) -> HolderId {
    world.member("Member", BOB).await.id
}

#[tokio::test]
async fn a_holder_is_told_of_each_token_of_theirs_and_of_a_thousand_in_two_mails() {
    let (world, post) = (World::of("default").await, Post::default());
    world.change_policy(|policy| policy.limit = None).await;
    bob(&world).await;
    let caller = world.signed_in(BOB).await;
    let first = world.create(caller.clone(), named("deploy")).await.unwrap();
    let mails = post.sends(&world).await;
    assert_eq!(told(&mails), [(BOB, Topic::Created, vec!["deploy"])]);
    assert_eq!(mails[0].items[0].by, By::You, "that is how one learns of a thief");
    assert!(mails[0].way_out.is_none(), "a thief would turn it off");
    assert!(!format!("{mails:?}").contains(first.text.expose()));
    for n in 0..1_000 {
        world.create(caller.clone(), named(&format!("{n}"))).await.unwrap();
    }
    world.clock.forward(HOUR - MINUTE);
    assert_eq!(told(&post.sends(&world).await), []);
    world.clock.forward(2 * MINUTE);
    let mails = post.sends(&world).await;
    assert_eq!((mails.len(), mails[0].items.len()), (1, 1_000));
    world.clock.forward(24 * HOUR);
    assert_eq!(told(&post.sends(&world).await), []);
}

#[tokio::test]
async fn of_a_service_account_s_token_whoever_made_it_is_told() {
    let (world, post) = (World::of("default").await, Post::default());
    let robot = world.service_account("Member").await;
    let order = Create { holder: Some(robot.id), ..named("nightly") };
    let made = world.create(world.admin().await, order).await.unwrap();
    let mails = post.sends(&world).await;
    assert_eq!(told(&mails), [(ADA, Topic::Created, vec!["nightly"])]);
    assert_eq!(mails[0].items[0].holder, "robot");
    // Another administrator ends it.
    world.member("Admin", BOB).await;
    let other = world.signed_in(BOB).await;
    let (account, id) = (&world.account, made.shown.token.id);
    world.desk.revoke_token(other, account, id, Some("not needed".into())).await.unwrap();
    let mails = post.sends(&world).await;
    assert_eq!(told(&mails), [(ADA, Topic::Revoked, vec!["nightly"])]);
    let item = &mails[0].items[0];
    assert_eq!((&item.by, item.said.as_deref()), (&By::Named(BOB.into()), Some("not needed")));
}

#[tokio::test]
async fn who_ends_their_own_is_told_nothing_and_what_works_again_is_no_news() {
    let (world, post) = (World::of("default").await, Post::default());
    bob(&world).await;
    let caller = world.signed_in(BOB).await;
    let mut ids = Vec::new();
    for name in ["mine", "theirs", "mistake", "gone"] {
        ids.push(world.create(caller.clone(), named(name)).await.unwrap().shown.token.id);
    }
    post.sends(&world).await;
    let account = &world.account;
    world.desk.revoke_token(caller.clone(), account, ids[0], None).await.unwrap();
    assert_eq!(told(&post.sends(&world).await), []);
    let admin = world.admin().await;
    for id in &ids[1..3] {
        world.desk.revoke_token(admin.clone(), account, *id, None).await.unwrap();
    }
    world.desk.delete_token(admin.clone(), account, ids[3], Some("gone".into())).await.unwrap();
    world.clock.forward(1);
    world.desk.approve_token(world.admin().await, account, ids[2]).await.unwrap();
    let mails = post.sends(&world).await;
    let mut names: Vec<_> = mails[0].items.iter().map(|item| (item.name.as_str(), item.deleted)).collect();
    names.sort_unstable();
    assert_eq!((mails.len(), names), (1, vec![("gone", true), ("theirs", false)]));
}

#[tokio::test]
async fn of_a_leak_its_holder_and_those_who_manage_tokens_hear_with_where_it_was_found() {
    let (world, post) = (World::of("default").await, Post::default());
    bob(&world).await;
    world.member("Viewer", "eve@example.com").await;
    let caller = world.signed_in(BOB).await;
    let token = world.create(caller.clone(), named("deploy")).await.unwrap().shown.token.id;
    post.sends(&world).await;
    // Neither switch keeps it from anybody.
    world.change_policy(|policy| policy.notices.mail = false).await;
    world.desk.choose_notices(world.signed_in(BOB).await, &world.account, Some(false)).await.unwrap();
    let found = "https://gist.example/7";
    world.desk.report_leak(caller, &world.account, token, Some(found.into())).await.unwrap();
    let mails = post.sends(&world).await;
    let who = [ADA, BOB].map(|who| (who, Topic::Leaked, vec!["deploy"]));
    assert_eq!(told(&mails), who);
    assert!(mails.iter().all(|mail| mail.items[0].said.as_deref() == Some(found) && mail.way_out.is_none()));
}

#[tokio::test]
async fn what_waits_for_approval_is_told_to_those_who_can_give_it_until_one_has() {
    let (world, post) = (World::of("default").await, Post::default());
    world.change_policy(|policy| policy.create.approval = true).await;
    bob(&world).await;
    let ask = async |name: &str| {
        let order = Create { description: Some("for the nightly build".into()), ..named(name) };
        world.create(world.signed_in(BOB).await, order).await.unwrap().shown.token.id
    };
    let first = ask("deploy").await;
    let mails = post.sends(&world).await;
    let expected = [(ADA, Topic::Waiting, vec!["deploy"]), (BOB, Topic::Created, vec!["deploy"])];
    assert_eq!(told(&mails), expected);
    let waiting = mails.iter().find(|mail| mail.topic == Topic::Waiting).unwrap();
    assert_eq!(waiting.items[0].said.as_deref(), Some("for the nightly build"));
    assert!(waiting.way_out.is_some());
    let second = ask("another").await;
    for id in [first, second] {
        world.desk.approve_token(world.admin().await, &world.account, id).await.unwrap();
    }
    world.clock.forward(30 * MINUTE);
    assert_eq!(told(&post.sends(&world).await), [], "it waits no more");
}

fn login(agent: &str) -> Login {
    Login { email: BOB.into(), agent: Some(agent.into()), ..Login::default() }
}

fn password(text: &str) -> Password {
    Password::new(text.into())
}

#[tokio::test]
async fn a_sign_in_is_told_where_it_looks_like_none_before_it() {
    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let (world, post) = (World::of("default").await, Post::default());
    bob(&world).await;
    let newer = FIREFOX.replace("140.0", "141.2");
    for (agent, news) in
        [(FIREFOX, false), (newer.as_str(), false), ("curl/8.5.0", true), ("curl/8.6", false)]
    {
        world.desk.log_in(login(agent), password(PASSWORD)).await.unwrap();
        let mails = post.sends(&world).await;
        match news {
            true => assert_eq!(told(&mails), [(BOB, Topic::SignIn, vec![agent])]),
            false => assert_eq!(told(&mails), [], "{agent}"),
        }
    }
    // Who signs out at once is told of as well, when the pause is over.
    let started = world.desk.log_in(login("wget"), password(PASSWORD)).await.unwrap();
    world.desk.log_out(world.caller(&started.text).await.unwrap()).await.unwrap();
    world.clock.forward(11 * MINUTE);
    assert_eq!(told(&post.sends(&world).await), [(BOB, Topic::SignIn, vec!["wget"])]);
}

fn way_in(mail: &Mail) -> String {
    mail.way_in.as_ref().expect("it lets somebody in").0.expose().to_owned()
}

#[tokio::test]
async fn an_invitation_is_mailed_with_a_link_of_its_own_and_each_try_brings_the_same() {
    let (world, post) = (World::of("default").await, Post::default());
    let order =
        Join { name: "Bob".into(), email: Some(BOB.into()), role: Some("Member".into()), ..Join::default() };
    let invited = world.desk.invite_new(world.admin().await, &world.account, order, None).await.unwrap();
    let Invited::Now(holder, copied) = invited else { panic!("it was made now") };
    post.0.loses_the_answer.store(true, std::sync::atomic::Ordering::SeqCst);
    let first = post.sends(&world).await;
    assert_eq!(told(&first), [(BOB, Topic::Invitation, vec![])]);
    post.0.loses_the_answer.store(false, std::sync::atomic::Ordering::SeqCst);
    world.clock.forward(MINUTE);
    let again = post.sends(&world).await;
    assert_eq!((again[0].id, way_in(&again[0])), (first[0].id, way_in(&first[0])));
    let mailed = way_in(&first[0]);
    assert_ne!(mailed, copied.expose());
    for link in [mailed.as_str(), copied.expose()] {
        assert_eq!(world.desk.invitation(link).await.unwrap().unwrap().holder.id, holder.id);
    }
    world.desk.accept(&mailed, Guest::New(password(PASSWORD)), None).await.unwrap();
    for link in [mailed.as_str(), copied.expose()] {
        assert!(world.desk.invitation(link).await.unwrap().is_none(), "nobody is let in twice");
    }
    world.signed_in(BOB).await;
}

#[tokio::test]
async fn an_invitation_that_was_accepted_before_it_was_sent_is_not_sent() {
    let (world, post) = (World::of("default").await, Post::default());
    let holder = world.desk.add_member(
        world.admin().await,
        &world.account,
        Join { name: "Bob".into(), email: Some(BOB.into()), role: Some("Member".into()), ..Join::default() },
        None,
        None,
    );
    let HolderId::Member(id) = holder.await.unwrap().id else { panic!("a member") };
    let id: MemberId = id;
    let copied = world.desk.invite(world.admin().await, &world.account, id).await.unwrap();
    world.desk.accept(copied.expose(), Guest::New(password(PASSWORD)), None).await.unwrap();
    assert_eq!(told(&post.sends(&world).await), []);
}

/// What is asked for apart from the answer is kept by then.
async fn forgot(world: &World, post: &Post, email: &str) -> Vec<Mail> {
    world.desk.forgot_password(email, None).await.unwrap();
    for _ in 0..1_000 {
        let mails = post.sends(world).await;
        if !mails.is_empty() {
            return mails;
        }
        tokio::task::yield_now().await;
    }
    Vec::new()
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_a_link_that_opens_once_and_for_half_an_hour() {
    const NEW: &str = "eight green bottles";
    let (world, post) = (World::of("default").await, Post::default());
    bob(&world).await;
    let session = world.desk.log_in(login("x"), password(PASSWORD)).await.unwrap();
    let token = world.create(world.caller(&session.text).await.unwrap(), named("deploy")).await.unwrap();
    post.sends(&world).await;
    let still = async |text| world.caller(text).await.is_ok();

    let mails = forgot(&world, &post, "Bob@Example.com").await;
    assert_eq!(told(&mails), [(BOB, Topic::Reset, vec![])]);
    let link = way_in(&mails[0]);
    assert_eq!(world.desk.forgetful(&link).await.unwrap().unwrap().email, BOB);
    let short = world.desk.reset_password(&link, password("short"), false).await;
    assert!(matches!(short, Err(Error::Refused(refusal)) if refusal.field == Some("password")));
    world.desk.reset_password(&link, password(NEW), false).await.unwrap();
    let again = world.desk.reset_password(&link, password(NEW), false).await;
    assert!(matches!(again, Err(Error::Unauthenticated)), "{again:?}");
    assert!(matches!(world.desk.log_in(login("x"), password(PASSWORD)).await, Err(Error::Unauthenticated)));
    let mine = world.desk.log_in(login("x"), password(NEW)).await.unwrap();
    assert!(still(&token.text).await, "tokens stay, unless it is asked for");
    assert!(!still(&session.text).await, "sessions end");

    // A second link: it dies with a change of the password, and after half an hour.
    world.clock.forward(HOUR);
    let first = way_in(&forgot(&world, &post, BOB).await[0]);
    world.clock.forward(RESET + 1);
    assert!(world.desk.forgetful(&first).await.unwrap().is_none());
    let second = way_in(&forgot(&world, &post, BOB).await[0]);
    world.clock.forward(6 * MINUTE);
    let third = way_in(&forgot(&world, &post, BOB).await[0]);
    world.desk.reset_password(&third, password(PASSWORD), true).await.unwrap();
    assert!(world.desk.forgetful(&second).await.unwrap().is_none(), "the other one ends with it");
    assert!(!still(&token.text).await && !still(&mine.text).await);

    let said = world.desk.store().journal(0, 1_000).await.unwrap();
    let count = |action: &str| said.iter().filter(|entry| entry.action == action).count();
    assert_eq!((count("password.forgotten"), count("password.reset")), (4, 2));
}

#[tokio::test]
async fn nobody_learns_who_is_known_and_who_runs_the_server_is_let_in_by_no_mail() {
    let (world, post) = (World::of("default").await, Post::default());
    bob(&world).await;
    for email in ["nobody@example.com", "no address", "", ADA] {
        assert_eq!(told(&forgot(&world, &post, email).await), [], "{email}");
    }
    let mut asked = 0;
    let slowed = loop {
        match world.desk.forgot_password("nobody@example.com", None).await {
            Ok(()) => asked += 1,
            Err(Error::Slowed(wait)) => break wait,
            Err(other) => panic!("{other}"),
        }
    };
    assert!(asked <= 5 && slowed.as_secs() >= 1, "{asked}, {slowed:?}");
    // That somebody asked keeps nobody from signing in.
    world.signed_in(BOB).await;
}
