//! What must hold when an operator ends everything that a filter finds, and somebody who has one of
//! the secrets does something about it.

mod common;

use common::{World, named, refused};
use domain::admit::Code;
use domain::life::State;
use domain::refusal;
use domain::time::{Period, Timestamp};
use serde_json::json;
use service::Error;
use service::inventory::{Filter, Receipt, Span, Want};
use service::tokens::Issued;
use token::TokenText;

const MINUTE: i64 = 60_000_000;

/// Everything of `ci` that was made before that.
fn made_before(to: Timestamp, states: &[State]) -> Filter {
    let created = Span { from: None, to: Some(to) };
    let want = Want { text: Some("ci".into()), created, states: states.to_vec(), ..Want::default() };
    Filter { want, permission: None }
}

/// What the operator was shown and gives back.
async fn look(world: &World, filter: &Filter) -> (usize, String) {
    let preview = world.desk.preview_revocation(world.admin().await, filter.clone()).await.unwrap();
    (preview.matching.count, preview.confirm.unwrap())
}

async fn revoke(world: &World, filter: &Filter, confirm: &str) -> Result<Receipt, Error> {
    let told = json!({ "q": "ci" });
    world.desk.revoke_matching(world.admin().await, filter.clone(), told, confirm, None).await
}

/// The token rotates itself, as whoever has its secret may.
async fn rotate_itself(world: &World, text: &TokenText, grace: Option<&str>) -> Issued {
    let grace: Option<Period> = grace.map(|grace| grace.parse().unwrap());
    let caller = world.caller(text).await.unwrap();
    world.desk.rotate_token(caller, &world.account, text.id(), grace, None).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_rotates_between_the_look_and_the_revocation_keeps_nothing() {
    let good = [State::Active, State::Expiring, State::Grace];
    for (states, grace) in [(&[][..], None), (&[], Some("2 hours")), (&good, None), (&good, Some("2 hours"))]
    {
        let world = World::of("default").await;
        let stolen = world.token("ci stolen").await;
        let other = world.token("ci other").await;
        world.clock.forward(60 * MINUTE);
        let filter = made_before(world.desk.now(), states);
        let (count, confirm) = look(&world, &filter).await;
        assert_eq!(count, 2);
        world.clock.forward(5 * MINUTE);
        let second = rotate_itself(&world, &stolen.text, grace).await;
        world.clock.forward(MINUTE);
        let third = rotate_itself(&world, &second.text, grace).await;

        let receipt = revoke(&world, &filter, &confirm).await.unwrap();
        for text in [&stolen.text, &second.text, &third.text, &other.text] {
            let code = world.verdict(text).await.unwrap();
            assert_eq!(code, Code::Revoked, "{} {states:?} {grace:?}", text.id());
        }
        assert_eq!(receipt.matching.count, 4, "and the receipt has all of them");
        let entry = world.desk.store().journal(receipt.journal.unwrap() - 2, 1).await.unwrap().remove(0);
        let told = entry.payload.unwrap()["tokens"].to_string();
        assert!(told.contains(&third.text.id().to_string()), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_bulk_revocation_and_a_rotation_at_once_no_live_token_remains() {
    let world = World::of("default").await;
    for round in 0..20 {
        let stolen = world.token(&format!("ci {round}")).await;
        world.clock.forward(MINUTE);
        let filter = made_before(world.desk.now(), &[]);
        let (_, confirm) = look(&world, &filter).await;
        let caller = world.caller(&stolen.text).await.unwrap();
        let (revoked, rotated) = tokio::join!(
            revoke(&world, &filter, &confirm),
            world.desk.rotate_token(caller, &world.account, stolen.text.id(), None, None),
        );
        revoked.unwrap();
        assert_ne!(world.verdict(&stolen.text).await.unwrap(), Code::Valid);
        if let Ok(rotated) = rotated {
            assert_eq!(world.verdict(&rotated.text).await.unwrap(), Code::Revoked);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_renewed_before_the_look_is_judged_by_the_filter_alone() {
    let world = World::of("default").await;
    let old = world.token("ci old").await;
    let replaced = world.token("ci replaced").await;
    world.clock.forward(10 * MINUTE);
    let renewed = rotate_itself(&world, &replaced.text, None).await;
    world.clock.forward(10 * MINUTE);
    let filter = made_before(renewed.shown.token.life.created_at, &[]);
    let (count, confirm) = look(&world, &filter).await;
    assert_eq!(count, 2, "the two that were made before");
    assert_eq!(revoke(&world, &filter, &confirm).await.unwrap().matching.count, 2);
    assert_eq!(world.verdict(&old.text).await.unwrap(), Code::Revoked);
    assert_eq!(world.verdict(&renewed.text).await.unwrap(), Code::Valid);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_otherwise_than_by_a_rotation_was_not_looked_at() {
    let world = World::of("default").await;
    let first = world.token("ci first").await;
    world.clock.forward(10 * MINUTE);
    let filter = made_before(world.desk.now().plus_micros(60 * MINUTE), &[]);
    let (_, confirm) = look(&world, &filter).await;
    world.clock.forward(MINUTE);
    let second = world.create(world.admin().await, named("ci second")).await.unwrap();
    let answer = revoke(&world, &filter, &confirm).await;
    assert_eq!(refused(answer), refusal::Code::ConfirmationRequired);
    for text in [&first.text, &second.text] {
        assert_eq!(world.verdict(text).await.unwrap(), Code::Valid);
    }
}
