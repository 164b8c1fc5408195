//! Guessing at somebody's password and codes: slowed by person and address, journalled, and no telling whether
//! there is anybody.

mod common;

use std::net::IpAddr;
use std::time::Duration;

use common::{PASSWORD, World, named};
use domain::who::FRESH;
use service::sessions::{Login, Started};
use service::{Error, Password};

const ADA: &str = "ada@example.com";
const SECOND: i64 = 1_000_000;

async fn log_in(world: &World, email: &str, password: &str, from: u8) -> Result<Started, Error> {
    let address: IpAddr = [203, 0, 113, from].into();
    let login = Login { email: email.into(), address: Some(address), ..Login::default() };
    world.desk.log_in(login, Password::new(password.into())).await
}

/// How often somebody is wrong before they are told to wait.
async fn tries(world: &World, email: &str, from: u8) -> (u32, Duration) {
    for times in 0..30 {
        match log_in(world, email, "wrong", from).await {
            Err(Error::Unauthenticated) => {}
            Err(Error::Slowed(wait)) => return (times, wait),
            other => panic!("{other:?}"),
        }
    }
    panic!("nobody is slowed");
}

#[tokio::test]
async fn wrong_passwords_are_slowed_alike_for_whom_there_is_and_whom_there_is_not() {
    let world = World::of("default").await;
    let known = tries(&world, ADA, 1).await;
    assert_eq!(known, (6, Duration::from_secs(1)));
    assert_eq!(tries(&world, "nobody@example.com", 1).await, known);
    // Nobody signs in meanwhile, with whatever password; a second later the right one does.
    assert!(matches!(log_in(&world, ADA, PASSWORD, 1).await, Err(Error::Slowed(_))));
    // Where they did not guess, nobody waits for it.
    log_in(&world, ADA, PASSWORD, 2).await.unwrap();
    for _ in 0..5 {
        log_in(&world, ADA, "wrong", 1).await.expect_err("it is slowed, or wrong");
    }
    world.clock.forward(SECOND * 2);
    log_in(&world, ADA, PASSWORD, 1).await.unwrap();
    assert_eq!(tries(&world, ADA, 1).await, known, "whoever was right begins anew");
}

#[tokio::test]
async fn a_stolen_session_guesses_no_faster_at_the_password() {
    let world = World::of("default").await;
    let session = log_in(&world, ADA, PASSWORD, 1).await.unwrap();
    world.clock.forward(FRESH * 2);
    let mut wrong = 0;
    let slowed = loop {
        let caller = world.caller(&session.text).await.unwrap();
        let guess = Some(Password::new("wrong".into()));
        match world.desk.create_token(caller, &world.account, named("mine"), guess, None).await {
            Err(Error::Refused(_)) => wrong += 1,
            Err(Error::Slowed(wait)) => break wait,
            other => panic!("{other:?}"),
        }
        assert!(wrong < 30, "nobody is slowed");
    };
    assert_eq!((wrong, slowed), (6, Duration::from_secs(1)));
}

#[tokio::test]
async fn a_wrong_password_beside_a_session_is_in_the_journal_with_who_has_the_session() {
    let world = World::of("default").await;
    let session = log_in(&world, ADA, PASSWORD, 1).await.unwrap();
    world.clock.forward(FRESH * 2);
    let before = world.desk.store().journal_end().await.unwrap();
    let caller = world.caller(&session.text).await.unwrap();
    let actor = caller.actor().to_string();
    let guess = Some(Password::new("wrong".into()));
    world
        .desk
        .create_token(caller, &world.account, named("mine"), guess, None)
        .await
        .expect_err("it is wrong");
    let entries = world.desk.store().journal(before, 10).await.unwrap();
    let told: Vec<_> = entries.iter().map(|entry| (entry.action.as_str(), entry.actor.as_str())).collect();
    assert_eq!(told, [("password.refused", actor.as_str())]);
}

/// Loosely, because machines are busy: what would tell is a password that is not looked at, which is a
/// thousand times as fast.
#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::disallowed_methods)] // How long an answer takes is what this is about.
async fn a_wrong_login_takes_as_long_for_nobody_as_for_somebody() {
    let world = World::of("default").await;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for round in 0..5 {
        for (email, times) in [(ADA, &mut known), ("nobody@example.com", &mut unknown)] {
            let begun = std::time::Instant::now();
            log_in(&world, email, "wrong", round).await.expect_err("it is wrong");
            times.push(begun.elapsed());
        }
    }
    known.sort_unstable();
    unknown.sort_unstable();
    let (known, unknown) = (known[2], unknown[2]);
    assert!(known < unknown * 3 && unknown < known * 3, "{known:?} and {unknown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_in_the_journal_with_its_address_and_one_for_nobody_is_not() {
    let world = World::of("default").await;
    let before = world.desk.store().journal_end().await.unwrap();
    log_in(&world, "nobody@example.com", "wrong", 1).await.expect_err("there is nobody");
    log_in(&world, ADA, "wrong", 7).await.expect_err("it is wrong");
    // It is written beside the answer.
    let entries = loop {
        let entries = world.desk.store().journal(before, 10).await.unwrap();
        if !entries.is_empty() {
            break entries;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].action, "password.refused");
    assert_eq!(entries[0].payload, Some(serde_json::json!({ "address": "203.0.113.7" })));
}
