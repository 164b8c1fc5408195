//! What must hold when a product's backend, its operator and time get in each other's way.

mod common;

use std::collections::HashSet;
use std::sync::Arc;

use common::{World, named, refused};
use domain::facts::{Scope, Service};
use domain::ids::{AccountId, ExternalId, HolderId};
use domain::provision::{Outcome, PutAccount, PutMember};
use domain::refusal::Code;
use service::provision::Provisioner;
use service::{Error, Visitor};

/// A service of these scopes, let in by its key.
async fn service(world: &World, scopes: &[Scope]) -> Arc<Service> {
    let admin = world.admin().await;
    let keyed =
        world.desk.create_service(admin, "backend".into(), scopes.to_vec(), None, None).await.unwrap();
    match world.desk.visitor(keyed.text.expose().as_bytes()).await.unwrap() {
        Visitor::Service(service) => service,
        Visitor::Holder(_) => panic!("a service's key is a service's"),
    }
}

fn user(n: usize, role: &str) -> PutMember {
    PutMember {
        external_id: ExternalId::parse(&format!("u-{n}")).unwrap(),
        name: format!("User {n}"),
        email: None,
        role: role.into(),
        active: None,
        metadata: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_ended_between_being_let_in_and_the_commit_makes_nothing_more() {
    let world = World::of("default").await;
    let service = service(&world, &[Scope::Provision, Scope::ActAs]).await;
    let ada = world.admin().await.holder.id.to_string();
    let acting = world.desk.act_as(&service, &world.account, &ada).await.unwrap();
    world.desk.revoke_service(world.admin().await, service.id).await.unwrap();
    let head = world.desk.store().health().position;

    let minted = world.create(acting, named("last")).await;
    assert!(matches!(minted, Err(Error::Unauthenticated)), "{minted:?}");
    let by = || Provisioner::Service(service.clone());
    let put = world.desk.put_member(by(), &world.account, user(1, "Owner")).await;
    assert!(matches!(put, Err(Error::Unauthenticated)), "{put:?}");
    let many: Vec<PutMember> = (0..600).map(|n| user(n, "Member")).collect();
    let put = world.desk.put_members(by(), &world.account, &many).await;
    assert!(matches!(put, Err(Error::Unauthenticated)), "{put:?}");
    assert_eq!(world.desk.store().health().position, head);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_deactivated_meanwhile_does_nothing_more_through_a_service() {
    let world = World::of("default").await;
    let service = service(&world, &[Scope::ActAs]).await;
    let bo = world.member("Member", "bo@example.com").await;
    let acting = world.desk.act_as(&service, &world.account, &bo.id.to_string()).await.unwrap();
    world.desk.deactivate_holder(world.admin().await, &world.account, bo.id).await.unwrap();
    assert_eq!(refused(world.create(acting, named("last")).await), Code::Forbidden);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_puts_at_once_one_creates() {
    let world = Arc::new(World::of("default").await);
    let service = service(&world, &[Scope::Provision]).await;
    let mut puts = Vec::new();
    for _ in 0..20 {
        let (world, service) = (world.clone(), service.clone());
        puts.push(tokio::spawn(async move {
            let by = Provisioner::Service(service);
            world.desk.put_member(by, &world.account, user(1, "Member")).await.unwrap().1
        }));
    }
    let (mut created, mut ids) = (0, HashSet::new());
    for put in puts {
        let put = put.await.unwrap();
        created += usize::from(put.outcome == Outcome::Created);
        ids.insert(put.row.id);
    }
    assert_eq!((created, ids.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_that_overlap_all_come_to_their_end() {
    let world = Arc::new(World::of("default").await);
    let service = service(&world, &[Scope::Provision]).await;
    let mut batches = Vec::new();
    for first in [0, 100, 200, 300] {
        let (world, service) = (world.clone(), service.clone());
        batches.push(tokio::spawn(async move {
            let orders: Vec<PutMember> = (first..first + 600).map(|n| user(n, "Viewer")).collect();
            let by = Provisioner::Service(service);
            world.desk.put_members(by, &world.account, &orders).await.unwrap()
        }));
    }
    let mut created = 0;
    for batch in batches {
        for done in batch.await.unwrap() {
            created += usize::from(done.unwrap().outcome == Outcome::Created);
        }
    }
    assert_eq!(created, 900, "each once, whoever was first");
    assert_eq!(
        world.desk.store().verify_journal().await.unwrap().entries,
        world.desk.store().health().position
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_changes_meanwhile_is_met() {
    let world = Arc::new(World::of("default").await);
    let service = service(&world, &[Scope::Provision]).await;
    let batch = {
        let world = world.clone();
        tokio::spawn(async move {
            let orders: Vec<PutMember> = (0..1_000).map(|n| user(n, "Viewer")).collect();
            world.desk.put_members(Provisioner::Service(service), &world.account, &orders).await.unwrap()
        })
    };
    for n in 0..5 {
        world.change_policy(|policy| policy.cache_ms = n).await;
    }
    let done = batch.await.unwrap();
    assert!(done.into_iter().all(|done| done.unwrap().outcome == Outcome::Created));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_taken_out_of_the_product_stops_in_the_same_moment() {
    let world = World::of("default").await;
    let service = service(&world, &[Scope::Provision, Scope::ActAs]).await;
    let by = || Provisioner::Service(service.clone());
    let mut orders: Vec<PutMember> = (0..300).map(|n| user(n, "Member")).collect();
    world.desk.put_members(by(), &world.account, &orders).await.unwrap();
    let acting = world.desk.act_as(&service, &world.account, "u-7").await.unwrap();
    let issued = world.create(acting, named("CI")).await.unwrap();
    assert_eq!(world.verdict(&issued.text).await.unwrap(), domain::admit::Code::Valid);
    for order in &mut orders {
        order.active = Some(!matches!(order.external_id.as_str(), "u-7" | "u-8"));
    }
    let done = world.desk.put_members(by(), &world.account, &orders).await.unwrap();
    let updated = done.iter().filter(|done| done.as_ref().unwrap().outcome == Outcome::Updated).count();
    assert_eq!(updated, 2);
    assert_eq!(world.verdict(&issued.text).await.unwrap(), domain::admit::Code::Suspended);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_make_the_same_account_one_does() {
    let world = Arc::new(World::of("default").await);
    let service = service(&world, &[Scope::Provision]).await;
    let mut puts = Vec::new();
    for n in 0..8 {
        let (world, service) = (world.clone(), service.clone());
        puts.push(tokio::spawn(async move {
            let order = PutAccount {
                external_id: ExternalId::parse(&format!("c-{}", n % 2)).unwrap(),
                id: None,
                name: "Globex".into(),
                preset: Some("tagoio".into()),
                metadata: None,
            };
            world.desk.put_account(Provisioner::Service(service), order, "default").await.unwrap()
        }));
    }
    let (mut created, mut ids) = (0, HashSet::<AccountId>::new());
    for put in puts {
        let put = put.await.unwrap();
        created += usize::from(put.outcome == Outcome::Created);
        ids.insert(put.row.id);
    }
    assert_eq!((created, ids.len()), (2, 2));
}

#[tokio::test]
async fn a_service_account_is_nobody_to_act_for() {
    let world = World::of("default").await;
    let service = service(&world, &[Scope::ActAs]).await;
    let robot = world.service_account("Viewer").await;
    assert!(matches!(robot.id, HolderId::ServiceAccount(_)));
    assert_eq!(
        refused(world.desk.act_as(&service, &world.account, &robot.id.to_string()).await),
        Code::Forbidden
    );
}
