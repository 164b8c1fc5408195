//! What an account may have many of, and which changes are taken where the disk has hardly any room.

use domain::accounts;
use domain::change::{Change, Condition, Counting};
use domain::facts::Role;
use domain::installations;
use domain::lifecycle::{self, AskedEnd, Edit};
use domain::members;
use domain::nodes;
use domain::permission::PermissionSet;
use domain::provision::{self, Hand, PutMember};
use domain::refusal::Code;
use domain::roles;
use domain::sessions;
use token::Kind;

use crate::world::{World, named, node, period};

#[test]
fn nodes_and_installations_are_counted_where_they_are_made() {
    let mut world = World::of("default");
    let owner = world.session(world.owner);
    let account = world.account().id.clone();
    let (_, node) = nodes::add(&owner, &node("/sales"), "Sales").unwrap();
    let made = installations::create(&owner, "ins_0123456789ab".parse().unwrap(), "eu-1", &[]).unwrap();
    for (of, change) in [(Counting::Nodes, node), (Counting::Installations, made.change)] {
        let room = Condition::Room { account: account.clone(), of, max: 10_000 };
        let guard = change.guards.iter().find(|guard| guard.holds == room).expect("it is counted");
        assert_eq!(guard.otherwise.code, Code::LimitReached);
    }
}

#[test]
fn an_account_has_two_hundred_roles_at_most() {
    let mut world = World::of("default");
    world.set_account(|account| {
        for n in account.roles.len()..199 {
            let id = format!("rol_{n:012}").parse().unwrap();
            account.roles.push(Role { id, name: format!("Role {n}"), permissions: PermissionSet::EMPTY });
        }
    });
    let make = |world: &mut World, name: &str| {
        let owner = world.session(world.owner);
        let made = roles::create(&owner, name, &[], "rol_0123456789ab".parse().unwrap())?;
        world.carry_out_for(&owner, made.change)
    };
    make(&mut world, "The last").unwrap();
    crate::world::refused(make(&mut world, "One more"), Code::LimitReached, "200 roles");
}

fn hand(world: &World) -> Hand {
    Hand { actor: domain::change::Actor::Operator, now: world.now }
}

/// Nothing else is left of it to do again.
fn ends(what: &str, change: &Change) {
    assert!(change.ends && change.narrows, "{what}");
}

/// It may take something away, and give something in its place.
fn goes_on(what: &str, change: &Change) {
    assert!(change.narrows && !change.ends, "{what}");
}

#[test]
fn what_ends_something_is_taken_where_there_is_no_room() {
    let mut world = World::of("default");
    let cy = world.join("Cy", "Member");
    let owner = world.session(world.owner);
    let session = world.log_in(cy).unwrap();
    let id = world.create(&owner, &named("ci")).unwrap();
    let token = world.token(id).clone();
    let holder = owner.holder.clone();
    let revoked = lifecycle::revoke(&owner, token.clone(), &holder, vec![token.clone()], None).unwrap();
    ends("a revocation", &revoked.change);
    ends("a deletion", &lifecycle::delete(&owner, token.clone(), vec![], Some("ci")).unwrap().change);
    ends("a leak", &lifecycle::report_leak(&owner, token, vec![], None, &[]).unwrap().change);
    ends("a logout", &sessions::log_out(&world.bearer(session), world.token(session).clone()).unwrap());
    let cy = world.holder(cy).clone();
    ends("a deactivation", &members::deactivate(&owner, cy.clone()).unwrap().change);
    ends("a removal", &members::remove(&owner, cy.clone()).unwrap().change);
    ends("the product's removal", &provision::remove_member(&hand(&world), world.account(), cy.clone()).1);
    let mut stopped = PutMember {
        external_id: domain::ids::ExternalId::parse("u-1").unwrap(),
        name: "Cyrus".into(),
        email: None,
        role: "Member".into(),
        active: Some(false),
        metadata: None,
    };
    let put = |order: &PutMember| {
        let draw = || unreachable!("they are here");
        provision::put_member(&hand(&world), world.account(), Some(cy.clone()), order, draw).unwrap().change
    };
    ends("the product's deactivation", &put(&stopped));
    stopped.role = "Owner".into();
    goes_on("with another role", &put(&stopped));
    let mut elsewhere = owner.clone();
    elsewhere.account =
        domain::facts::Account { id: "umbra".parse().unwrap(), ..world.account().clone() }.into();
    ends("a closed account", &accounts::deactivate(&elsewhere, world.account().clone()).unwrap().1);
}

#[test]
fn what_may_be_done_again_and_again_waits_for_room() {
    let mut world = World::of("default");
    let cy = world.join("Cy", "Member");
    let owner = world.session(world.owner);
    let id = world.create(&owner, &named("ci")).unwrap();
    let token = world.token(id).clone();
    let mut policy = world.account().policy.clone();
    policy.words.insert("name_field".into(), "x".repeat(900));
    goes_on("a policy", &accounts::change_policy(&owner, policy).unwrap().1);
    let viewer = world.role("Viewer");
    goes_on("a role", &roles::edit(&owner, viewer, None, Some(&[])).unwrap().change);
    let lesser = members::Edit { role: Some("Viewer".into()), ..members::Edit::default() };
    goes_on("another role", &members::edit(&owner, world.holder(cy).clone(), &lesser).unwrap().change);
    let text = world.text(Kind::Pat);
    let rotated = lifecycle::rotate(&owner, token.clone(), &owner.holder, None, &text).unwrap();
    goes_on("a rotation", &rotated.change);
    let sooner = Edit { end: Some(AskedEnd::In(period("1 day"))), ..Edit::default() };
    goes_on("an earlier end", &lifecycle::edit(&owner, token, &owner.holder, &sooner).unwrap().change);
}

#[test]
fn an_end_together_with_something_else_is_no_end() {
    let mut world = World::of("default");
    let (cy, di) = (world.join("Cy", "Member"), world.join("Di", "Member"));
    let owner = world.session(world.owner);
    let stop = |who| members::deactivate(&owner, world.holder(who).clone()).unwrap().change;
    let role = members::Edit { role: Some("Viewer".into()), ..members::Edit::default() };
    let other = members::edit(&owner, world.holder(di).clone(), &role).unwrap().change;
    ends("two ends", &stop(cy).and(stop(di)));
    ends("an end and nothing", &Change::default().and(stop(cy)).and(Change::default()));
    goes_on("an end and a role", &stop(cy).and(other));
}
