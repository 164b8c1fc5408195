//! What signs people in: changing it after somebody else had it, and one-time codes besides.

mod common;

use common::{PASSWORD, World, named, refused};
use domain::admit::Code;
use domain::change::Action;
use domain::refusal;
use domain::who::{Caller, FRESH};
use service::sessions::{Login, Started};
use service::{Enrolled, Error, OneTimeCode, Password, Proof, Renewing};
use token::TokenText;
use totp_rs::{Builder, Secret, Totp};

const NEW: &str = "eight green bottles";
const ALL: Renewing<'_> = Renewing { everything: true, agent: Some("Firefox/1"), program: false };
const STEP: i64 = 30 * 1_000_000;

fn typed(text: &str) -> Password {
    Password::new(text.into())
}

fn proof(password: &str, code: Option<&str>) -> Proof {
    Proof { password: Some(typed(password)), code: code.map(|code| OneTimeCode::new(code.into())) }
}

async fn log_in(world: &World, password: &str, code: Option<&str>) -> Result<Started, Error> {
    let code = code.map(|code| OneTimeCode::new(code.into()));
    let login = Login {
        email: "ada@example.com".into(),
        account: Some(world.account.clone()),
        code,
        ..Login::default()
    };
    world.desk.log_in(login, typed(password)).await
}

/// The app that shows the codes.
struct App(Totp);

impl App {
    fn code(&self, world: &World) -> String {
        let seconds = world.desk.now().as_micros() / 1_000_000;
        self.0.generate(seconds as u64).to_string()
    }

    /// A code that was not shown before.
    fn next(&self, world: &World) -> String {
        world.clock.forward(STEP);
        self.code(world)
    }
}

/// Takes codes into use for the administrator.
async fn enrol(world: &World) -> (App, Enrolled) {
    let admin = world.admin().await;
    let offer = world.desk.offer_second_factor(&admin).unwrap();
    let secret = Secret::try_from_base32(offer.secret.as_str()).unwrap();
    let app = App(Builder::new().with_secret(secret).build().unwrap());
    let ticket = offer.ticket.expose();
    let code = OneTimeCode::new(app.code(world));
    let enrolled = world
        .desk
        .enrol_second_factor(admin, Some(typed(PASSWORD)), ticket, &code, Renewing::default())
        .await;
    (app, enrolled.unwrap().unwrap())
}

async fn is_dead(world: &World, text: &TokenText) {
    assert!(matches!(world.caller(text).await, Err(Error::Unauthenticated)));
}

/// What the journal says, the newest last.
async fn said(world: &World, from: i64) -> Vec<(String, Option<String>)> {
    let entries = world.desk.store().journal(from, 100).await.unwrap();
    entries.into_iter().map(|entry| (entry.action, entry.account.map(|id| id.to_string()))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_password_was_changed_because_it_was_stolen_nothing_old_works() {
    let world = World::of("default").await;
    // Ada is in two accounts; the thief signed in to both, and made a token in each.
    let other = domain::accounts::Found {
        id: "umbra".parse().unwrap(),
        name: "Umbra".into(),
        external_id: None,
        metadata: None,
    };
    world.desk.found_account(world.admin().await, other, "default", None).await.unwrap();
    let umbra: domain::ids::AccountId = "umbra".parse().unwrap();
    let there = Some(umbra.clone());
    world.desk.reset_person("ada@example.com", typed(PASSWORD), true, there).await.unwrap();
    let here = log_in(&world, PASSWORD, None).await.unwrap();
    let thief = log_in(&world, PASSWORD, None).await.unwrap();
    let login = Login { email: "ada@example.com".into(), account: Some(umbra.clone()), ..Login::default() };
    let there = world.desk.log_in(login, typed(PASSWORD)).await.unwrap();
    let mut stolen = Vec::new();
    for session in [&thief.text, &there.text] {
        let caller = world.caller(session).await.unwrap();
        let account = caller.account.id.clone();
        stolen.push(world.desk.create_token(caller, &account, named("x"), None, None).await.unwrap().text);
    }
    let before = world.desk.store().journal_end().await.unwrap();

    world.clock.forward(FRESH * 2);
    let ada = world.caller(&here.text).await.unwrap();
    let thiefs = world.caller(&thief.text).await.unwrap();
    let changed = world.desk.change_password(ada, proof(PASSWORD, None), typed(NEW), ALL);
    let changed = changed.await.unwrap();

    for dead in [&here.text, &thief.text, &there.text, &world.begun.token].into_iter().chain(&stolen) {
        is_dead(&world, dead).await;
    }
    for token in &stolen {
        assert_eq!(world.verdict(token).await.unwrap(), Code::Revoked);
    }
    // Nor does what was let in before, nor the old password, at any door.
    let late = world
        .desk
        .create_token(thiefs.clone(), &world.account, named("last"), Some(typed(PASSWORD)), None)
        .await;
    assert!(late.is_err());
    let back = world
        .desk
        .change_password(thiefs, proof(PASSWORD, None), typed("mine from now on"), Renewing::default())
        .await;
    assert!(back.is_err());
    assert!(matches!(log_in(&world, PASSWORD, None).await, Err(Error::Unauthenticated)));

    let ada = world.caller(&changed.text).await.unwrap();
    assert_eq!(
        world.desk.sessions(&ada).await.unwrap().len(),
        1,
        "a session of its own took the old one's place"
    );
    log_in(&world, NEW, None).await.unwrap();
    let trail = said(&world, before).await;
    let of = |action: Action, account: &str| {
        trail.iter().filter(|(a, of)| a == action.as_str() && of.as_deref() == Some(account)).count()
    };
    assert_eq!(
        (of(Action::PasswordChanged, "acme"), of(Action::PasswordChanged, "umbra")),
        (1, 1),
        "{trail:?}"
    );
    assert_eq!(of(Action::SessionEnded, "acme"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_changed_for_its_own_sake_leaves_the_rest_as_it_is() {
    let world = World::of("default").await;
    let token = world.token("ci").await;
    let other = log_in(&world, PASSWORD, None).await.unwrap();
    let here = log_in(&world, PASSWORD, None).await.unwrap();
    let ada = world.caller(&here.text).await.unwrap();
    for (given, new, code, field) in [
        (None, NEW, refusal::Code::ReauthenticationRequired, "password"),
        (Some("wrong"), NEW, refusal::Code::ReauthenticationRequired, "password"),
        (Some(PASSWORD), "too short", refusal::Code::InvalidField, "new_password"),
    ] {
        let proof = Proof { password: given.map(typed), code: None };
        match world.desk.change_password(ada.clone(), proof, typed(new), Renewing::default()).await {
            Err(Error::Refused(refused)) => assert_eq!((refused.code, refused.field), (code, Some(field))),
            other => panic!("{other:?}"),
        }
    }
    let next = world
        .desk
        .change_password(ada, proof(PASSWORD, None), typed(NEW), Renewing::default())
        .await
        .unwrap();
    is_dead(&world, &here.text).await;
    for alive in [&next.text, &other.text] {
        world.caller(alive).await.unwrap();
    }
    assert_eq!(world.verdict(&token.text).await.unwrap(), Code::Valid);
    // Tokens have no password to change, whatever they may do otherwise.
    let init = world.caller(&world.begun.token).await.unwrap();
    assert_eq!(
        refused(world.desk.change_password(init, proof(NEW, None), typed(PASSWORD), ALL).await),
        refusal::Code::Forbidden
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_takes_a_code_after_the_password_and_each_code_once() {
    let world = World::of("default").await;
    let (app, enrolled) = enrol(&world).await;
    assert_eq!(enrolled.recovery.len(), 10);
    let before = world.desk.store().journal_end().await.unwrap();

    // The one that enrolled was taken by that.
    assert!(matches!(log_in(&world, PASSWORD, Some(&app.code(&world))).await, Err(Error::Unauthenticated)));
    let code = app.next(&world);
    log_in(&world, PASSWORD, Some(&code)).await.unwrap();
    for again in [&code, "000000"] {
        assert!(matches!(log_in(&world, PASSWORD, Some(again)).await, Err(Error::Unauthenticated)));
    }
    // Without the password nobody hears whether there are codes, or of this one.
    for code in [None, Some(app.next(&world))] {
        assert!(matches!(log_in(&world, "wrong", code.as_deref()).await, Err(Error::Unauthenticated)));
    }
    let recovery = enrolled.recovery[3].as_str();
    log_in(&world, PASSWORD, Some(recovery)).await.unwrap();
    assert!(matches!(log_in(&world, PASSWORD, Some(recovery)).await, Err(Error::Unauthenticated)));

    let trail = said(&world, before).await;
    let count = |action: Action| trail.iter().filter(|(said, _)| said == action.as_str()).count();
    assert_eq!((count(Action::SessionStarted), count(Action::SecondFactorRefused)), (2, 4), "{trail:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_gave_the_password_gives_the_code_on_its_own_for_a_while() {
    let world = World::of("default").await;
    let (app, _) = enrol(&world).await;
    let ticket = async || match log_in(&world, PASSWORD, None).await {
        Err(Error::CodeNeeded(ticket)) => ticket,
        other => panic!("{other:?}"),
    };
    let with = async |ticket: &str, code: &str| {
        let login = Login { code: Some(OneTimeCode::new(code.into())), ..Login::default() };
        world.desk.log_in_with_code(ticket, login).await
    };
    let first = ticket().await;
    assert!(matches!(with(first.expose(), "000000").await, Err(Error::Unauthenticated)));
    assert!(with("per_0123456789ab.00", &app.next(&world)).await.unwrap().is_none());
    let started = with(first.expose(), &app.next(&world)).await.unwrap().unwrap();
    world.caller(&started.text).await.unwrap();
    // The row moved on: that ticket is of before.
    assert!(with(first.expose(), &app.next(&world)).await.unwrap().is_none());
    let second = ticket().await;
    world.clock.forward(15 * 60 * 1_000_000);
    assert!(with(second.expose(), &app.next(&world)).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn showing_again_who_one_is_takes_a_code_too_and_so_does_doing_without_codes() {
    let world = World::of("default").await;
    let (app, enrolled) = enrol(&world).await;
    let started = log_in(&world, PASSWORD, Some(&app.next(&world))).await.unwrap();
    let make = async |caller: Caller, proof: Proof| {
        world.desk.create_token(caller, &world.account, named("x"), proof, None).await.map(drop)
    };
    let field = |result: Result<(), Error>| match result {
        Err(Error::Refused(refusal)) if refusal.code == refusal::Code::ReauthenticationRequired => {
            refusal.field
        }
        other => panic!("{other:?}"),
    };
    // A young session need not.
    let fresh = world.caller(&started.text).await.unwrap();
    make(fresh.clone(), Proof::default()).await.unwrap();
    make(fresh.clone(), proof(PASSWORD, None)).await.unwrap();

    world.clock.forward(FRESH * 2);
    let ada = async || world.caller(&started.text).await.unwrap();
    assert_eq!(field(make(ada().await, Proof::default()).await), None);
    assert_eq!(field(make(ada().await, proof("wrong", Some(&app.code(&world)))).await), Some("password"));
    assert_eq!(field(make(ada().await, proof(PASSWORD, None)).await), Some("one_time_code"));
    assert_eq!(field(make(ada().await, proof(PASSWORD, Some("000000"))).await), Some("one_time_code"));
    let code = app.next(&world);
    make(ada().await, proof(PASSWORD, Some(&code))).await.unwrap();
    assert_eq!(field(make(ada().await, proof(PASSWORD, Some(&code))).await), Some("one_time_code"));

    // What signs one in is changed by all of it, however young the session is.
    let young = log_in(&world, PASSWORD, Some(&app.next(&world))).await.unwrap();
    let young = world.caller(&young.text).await.unwrap();
    let off =
        async |proof: Proof| world.desk.switch_off_second_factor(young.clone(), proof, ALL).await.map(drop);
    assert_eq!(field(off(Proof::default()).await), Some("password"));
    assert_eq!(field(off(proof(PASSWORD, None)).await), Some("one_time_code"));
    off(proof(PASSWORD, Some(enrolled.recovery[0].as_str()))).await.unwrap();
    is_dead(&world, &started.text).await;
    log_in(&world, PASSWORD, None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_of_the_machine_lets_in_again_whoever_lost_their_codes() {
    let world = World::of("default").await;
    enrol(&world).await;
    world.desk.reset_person("ada@example.com", typed(NEW), false, None).await.unwrap();
    log_in(&world, NEW, None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_another_password_and_codes_asked_for_at_once_one_comes_about() {
    for _ in 0..5 {
        let world = World::of("default").await;
        let (ada, thief) = (log_in(&world, PASSWORD, None).await, log_in(&world, PASSWORD, None).await);
        let ada = world.caller(&ada.unwrap().text).await.unwrap();
        let thief = world.caller(&thief.unwrap().text).await.unwrap();
        let offer = world.desk.offer_second_factor(&thief).unwrap();
        let secret = Secret::try_from_base32(offer.secret.as_str()).unwrap();
        let code = App(Builder::new().with_secret(secret).build().unwrap()).code(&world);
        let (ticket, code) = (offer.ticket.expose().to_owned(), OneTimeCode::new(code));
        let (none, password) = (Renewing::default(), Some(typed(PASSWORD)));
        let (changed, enrolled) = tokio::join!(
            world.desk.change_password(ada, proof(PASSWORD, None), typed(NEW), none),
            world.desk.enrol_second_factor(thief, password, &ticket, &code, none),
        );
        // Whoever comes second showed what proves nothing any more.
        assert!(changed.is_ok() != enrolled.is_ok(), "{:?} {:?}", changed.err(), enrolled.err());
    }
}
