//! A change of policy is told before it happens, rests on what was seen, and takes somebody who has just
//! shown who they are.

mod common;

use common::{PASSWORD, World, refused};
use domain::admit::Code as Verdict;
use domain::members::Join;
use domain::policy::{ExpiryMode, OnInactive};
use domain::refusal::Code;
use service::inventory::{Filter, Want};
use service::{Error, Password};

const DAY: i64 = 24 * 60 * 60 * 1_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn what_a_policy_would_change_is_counted_and_then_comes() {
    let world = World::of("default").await;
    world
        .change_policy(|policy| {
            policy.expiry.modes = vec![ExpiryMode::Never];
            policy.expiry.default = None;
            policy.expiry.max = None;
        })
        .await;
    let old = [world.token("old").await, world.token("older").await];
    world.clock.forward(40 * DAY);
    let young = world.token("young").await;
    let admin = world.admin().await;
    let mut next = admin.account.policy.clone();
    next.expiry.modes = vec![ExpiryMode::Period];
    next.expiry.default = Some("30 days".parse().unwrap());
    next.expiry.max = Some("31 days".parse().unwrap());
    let foreseen = world.desk.foresee_policy(&admin, &world.account, next.clone()).await.unwrap();
    let changed: Vec<&str> = foreseen.changed.iter().map(|changed| changed.switch.as_str()).collect();
    assert_eq!(changed, ["expiry.default", "expiry.max", "expiry.modes"]);
    let told = foreseen.outlook.unwrap();
    // And the first one of the installation, which ends after 90 days by itself.
    assert_eq!((told.tokens, told.expire, told.end_sooner), (4, 3, 1));
    for issued in old.iter().chain([&young]) {
        assert_eq!(world.verdict(&issued.text).await.unwrap(), Verdict::Valid, "nothing has happened yet");
    }
    let seen = Some(foreseen.version);
    world.desk.change_policy(admin, &world.account, next, None, seen).await.unwrap();
    for issued in &old {
        assert_eq!(world.verdict(&issued.text).await.unwrap(), Verdict::Expired);
    }
    assert_eq!(world.verdict(&young.text).await.unwrap(), Verdict::Valid);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_changed_as_it_was_seen_by_somebody_who_has_just_shown_who_they_are() {
    let world = World::of("default").await;
    let admin = world.admin().await;
    let mut next = admin.account.policy.clone();
    next.on_inactive = OnInactive::Keep;
    let seen = Some(admin.account.version);
    let foreseen = world.desk.foresee_policy(&admin, &world.account, next.clone()).await.unwrap();
    assert!(foreseen.outlook.unwrap().is_calm());

    world.clock.forward(6 * 60 * 1_000_000);
    let stale = domain::who::Caller { now: world.desk.now(), ..admin };
    let change = |version, password: Option<&str>| {
        let (caller, next) = (stale.clone(), next.clone());
        let password = password.map(|text| Password::new(text.into()));
        let (desk, account) = (&world.desk, &world.account);
        async move { desk.change_policy(caller, account, next, password, version).await }
    };
    assert_eq!(refused(change(seen, None).await), Code::ReauthenticationRequired);
    assert_eq!(refused(change(seen, Some("wrong")).await), Code::ReauthenticationRequired);
    // Looking takes nothing that one has to show.
    world.desk.foresee_policy(&stale, &world.account, next.clone()).await.unwrap();

    world.change_policy(|policy| policy.edit = false).await;
    let late = change(seen, Some(PASSWORD)).await;
    assert!(matches!(late, Err(Error::Conflict)), "{late:?}");
    change(None, Some(PASSWORD)).await.unwrap();

    world.member("Admin", "zoe@example.com").await;
    let zoe = world.signed_in("zoe@example.com").await;
    assert_eq!(refused(world.desk.foresee_policy(&zoe, &world.account, next).await), Code::Forbidden);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_with_most_tokens_come_first_in_the_inventory() {
    let world = World::of("default").await;
    let robot = world.service_account("Member").await;
    for name in ["one", "two", "three"] {
        let order = domain::lifecycle::Create { holder: Some(robot.id), ..common::named(name) };
        world.desk.create_token(world.admin().await, &world.account, order, None, None).await.unwrap();
    }
    let admin = world.admin().await;
    let filter = Filter { want: Want::default(), permission: None };
    let keepers = world.desk.inventory_holders(&admin, filter.clone(), 10).await.unwrap();
    let told: Vec<(&str, u64)> = keepers.iter().map(|keeper| (keeper.name.as_str(), keeper.count)).collect();
    assert_eq!(told, [("robot", 3), ("Ada", 1)]);
    assert_eq!(world.desk.inventory_holders(&admin, filter.clone(), 1).await.unwrap().len(), 1);
    let order = Join {
        name: "Zoe".into(),
        role: Some("Admin".into()),
        email: Some("zoe@example.com".into()),
        ..Join::default()
    };
    let password = Some(Password::new(PASSWORD.into()));
    world.desk.add_member(admin, &world.account, order, password, None).await.unwrap();
    let zoe = world.signed_in("zoe@example.com").await;
    assert_eq!(refused(world.desk.inventory_holders(&zoe, filter, 1).await), Code::Forbidden);
    assert_eq!(refused(world.desk.cluster(&zoe).await), Code::Forbidden);
}
