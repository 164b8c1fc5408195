//! A service that acts for a member: what the member may do, in their name, and never more.

use domain::grant;
use domain::ids::ServiceId;
use domain::policy::{Reach, Visibility};
use domain::refusal::Code;
use domain::who::Caller;

use crate::world::{Failed, World, named, node, refusal, refused};

fn backend() -> ServiceId {
    "svc_0123456789ab".parse().unwrap()
}

/// A world with a member of that role, and the member through the product's backend.
fn world(role: &str) -> (World, Caller) {
    let mut world = World::of("default");
    let cy = world.join("Cy", role);
    let by = world.through(backend(), cy);
    (world, by)
}

#[test]
fn the_members_rights_are_theirs_whatever_tokens_reach() {
    for role in ["Owner", "Admin", "Member", "Viewer"] {
        let (mut world, by) = world(role);
        for reach in [Reach::Resources, Reach::Everything] {
            world.set_policy(|policy| policy.reach = reach);
            for at in ["/", "/sales"] {
                let at = node(at);
                assert_eq!(
                    by.rights(&at),
                    grant::of_holder(&by.holder, world.account(), &at),
                    "{role} at {at}"
                );
            }
        }
    }
}

#[test]
fn a_token_made_so_is_the_members_and_the_journal_names_both() {
    let (mut world, by) = world("Member");
    world.set_policy(|policy| policy.create.reauth = true);
    // No password was ever given: that rule binds sessions.
    let by = world.through(backend(), by.holder.id);
    let id = world.create(&by, &named("CI")).unwrap();
    let token = world.token(id);
    assert_eq!((token.holder, token.issued_by), (by.holder.id, by.holder.id));
    assert_eq!(
        token.life.expires_at,
        Some(world.now.plus(&"90 days".parse().unwrap())),
        "as the policy says"
    );
    let entry = world.journal().last().unwrap();
    assert_eq!(entry.actor.to_string(), format!("{} via {}", by.holder.id, backend()));
}

#[test]
fn what_the_policy_keeps_from_the_member_it_keeps_from_the_service() {
    let (mut world, by) = world("Member");
    let owner = world.session(world.owner);
    let theirs = world.create(&owner, &named("theirs")).unwrap();
    refused(world.revoke(&by, theirs), Code::NotFound, "no such token");
    world.set_policy(|policy| policy.visibility = Visibility::All);
    let by = world.through(backend(), by.holder.id);
    refused(world.revoke(&by, theirs), Code::Forbidden, "holder and those who manage");
    let di = world.join("Di", "Viewer");
    let order = domain::lifecycle::Create { holder: Some(di), ..named("for Di") };
    assert_eq!(refusal(world.create(&by, &order)).code, Code::Forbidden);
}

#[test]
fn nobody_through_a_service_stands_for_the_person() {
    let (_, by) = world("Owner");
    assert!(by.is_in_person() && !by.is_session());
    assert!(!by.stands_for_the_holder(), "which is what an operator has to do");
    assert!(by.own_token().is_err());
}

#[test]
fn the_first_token_is_not_rotated_into_a_services_hands() {
    let mut world = World::of("default");
    let session = world.session(world.owner);
    let first = world.create(&session, &named("init")).unwrap();
    world.set_token(first, |token| token.desk = true);
    let by = world.through(backend(), world.owner);
    refused(world.rotate(&by, first, "0s"), Code::Forbidden, "nobody else is handed it");
    world.revoke(&by, first).unwrap();
}

#[test]
fn a_service_that_was_ended_meanwhile_makes_nothing_more() {
    let (mut world, by) = world("Member");
    world.create(&by, &named("before")).unwrap();
    world.end_service(backend());
    assert_eq!(world.create(&by, &named("after")), Err(Failed::Conflict));
}
