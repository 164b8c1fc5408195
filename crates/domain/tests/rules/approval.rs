//! Approving: letting a token begin, and bringing a revoked one back, by a manager and in time.

use domain::admit::Code as Verdict;
use domain::facts::Standing;
use domain::life::State;
use domain::lifecycle::{AskedEnd, AskedGrant, Create};
use domain::policy::Ceiling;
use domain::refusal::Code;
use domain::time::Timestamp;
use proptest::prelude::*;

use crate::world::{World, named, node, period, refused};

#[test]
fn a_token_revoked_by_mistake_comes_back_before_its_end() {
    let mut world = World::of("arm");
    let owner = world.session(world.owner);
    let id = world.create(&owner, &named("ci")).unwrap();
    world.revoke(&owner, id).unwrap();
    assert_eq!(world.token(id).reason.as_deref(), Some("a mistake"));
    world.wait("364 days");
    let owner = world.session(world.owner);
    world.approve(&owner, id).unwrap();
    assert_eq!((world.state(id), world.verify(id)), (State::Active, Verdict::Valid));
    assert_eq!(world.token(id).reason, None);
}

#[test]
fn neither_a_leaked_nor_an_expired_nor_a_deactivated_nor_a_token_too_many_is_approved() {
    let revoked = || {
        let mut world = World::of("arm");
        let admin = world.join("Bob", "Org Administrator");
        let by = world.session(admin);
        let id = world.create(&by, &named("ci")).unwrap();
        world.revoke(&by, id).unwrap();
        let owner = world.session(world.owner);
        (world, owner, admin, id)
    };

    let (mut world, owner, _, id) = revoked();
    world.leak(&owner, id).unwrap();
    refused(world.approve(&owner, id), Code::WrongState, "final");

    let (mut world, _, _, id) = revoked();
    world.wait("365 days");
    let owner = world.session(world.owner);
    refused(world.approve(&owner, id), Code::WrongState, "expired");

    let (mut world, owner, admin, id) = revoked();
    world.deactivate(&owner, admin).unwrap();
    refused(world.approve(&owner, id), Code::WrongState, "reactivate the holder first");

    let (mut world, _, admin, id) = revoked();
    let by = world.session(admin);
    for n in 0..10 {
        world.create(&by, &named(&format!("{n}"))).unwrap();
    }
    let owner = world.session(world.owner);
    refused(world.approve(&owner, id), Code::LimitReached, "10 tokens");
}

#[test]
fn under_cap_a_frozen_token_is_not_approved_after_its_issuers_demotion() {
    let mut world = World::of("default");
    world.set_policy(|policy| policy.permission.ceiling = Ceiling::Frozen);
    let admin = world.join("Bob", "Admin");
    let robot = world.service_account("Deployer", "Admin");
    let by = world.session(admin);
    let own = world.create(&by, &named("own")).unwrap();
    let robots = world.create(&by, &Create { holder: Some(robot), ..named("robot's") }).unwrap();
    let owner = world.session(world.owner);
    for id in [own, robots] {
        world.revoke(&owner, id).unwrap();
        world.approve(&owner, id).unwrap();
        world.revoke(&owner, id).unwrap();
    }
    world.give_role(&owner, admin, "Viewer").unwrap();
    let owner = world.session(world.owner);
    for id in [own, robots] {
        refused(world.approve(&owner, id), Code::Forbidden, "Bob, who issued this token");
    }
    world.set_policy(|policy| policy.permission.cap = false);
    let owner = world.session(world.owner);
    world.approve(&owner, own).unwrap();
}

#[test]
fn the_issuers_rights_count_where_the_token_does_more() {
    let mut world = World::of("default");
    world.add_node("/sales");
    let admin = world.join("Bob", "Admin");
    let robot = world.service_account("Deployer", "Viewer");
    let by = world.session(admin);
    let id = world.create(&by, &Create { holder: Some(robot), ..named("robot's") }).unwrap();
    let owner = world.session(world.owner);
    world.revoke(&owner, id).unwrap();
    let role = world.role("Owner");
    world.bind(robot, role, &node("/sales"));
    refused(world.approve(&owner, id), Code::Forbidden, "may no longer");
}

#[test]
fn only_managers_approve_and_not_through_a_token_without_the_desk() {
    let mut world = World::of("default");
    world.set_policy(|policy| policy.create.approval = true);
    let cy = world.join("Cy", "Member");
    let by = world.session(cy);
    let id = world.create(&by, &named("x")).unwrap();
    assert_eq!((world.state(id), world.verify(id)), (State::Pending, Verdict::Pending));
    refused(world.approve(&by, id), Code::Forbidden, "Only those who manage");
    let owner = world.session(world.owner);
    let script = world.create(&owner, &named("script")).unwrap();
    world.approve(&owner, script).unwrap();
    let through = world.bearer(script);
    refused(world.approve(&through, id), Code::Forbidden, "`tokens:update`");
    world.approve(&owner, id).unwrap();
    assert_eq!(world.verify(id), Verdict::Valid);
}

#[test]
fn approval_stands_strictly_after_whatever_stopped_the_token() {
    let mut world = World::of("default");
    let cy = world.join("Cy", "Member");
    let by = world.session(cy);
    let id = world.create(&by, &named("x")).unwrap();
    // A peer whose clock is ahead said so.
    let ahead = world.now.plus_micros(5_000_000);
    world.set_holder(cy, |holder| {
        holder.standing =
            Standing { revoked_before: Some(ahead), approve_after: Some(ahead), ..holder.standing };
    });
    assert_eq!(world.state(id), State::Revoked);
    let owner = world.session(world.owner);
    world.approve(&owner, id).unwrap();
    assert!(world.token(id).life.approved_at > Some(ahead));
    assert_eq!(world.state(id), State::Active);
}

#[test]
fn a_logout_revokes_what_was_approved_before_it_and_managers_bring_it_back() {
    let mut world = World::of("arm");
    let bob = world.join("Bob", "Org Administrator");
    let by = world.session(bob);
    let id = world.create(&by, &named("ci")).unwrap();
    let session = by.token().unwrap().id;
    world.log_out(session).unwrap();
    assert_eq!((world.state(id), world.state(session)), (State::Revoked, State::Revoked));
    let owner = world.session(world.owner);
    world.approve(&owner, id).unwrap();
    assert_eq!(world.verify(id), Verdict::Valid);
    refused(world.approve(&owner, session), Code::WrongState, "sign in again");
}

#[test]
fn a_logout_that_a_slow_clock_tells_late_brings_nothing_back() {
    let mut world = World::of("arm");
    let bob = world.join("Bob", "Org Administrator");
    let (first, second) = (world.session(bob), world.session(bob));
    let id = world.create(&first, &named("ci")).unwrap();
    let late = world.now.next();
    let early = world.now.plus_micros(-1);
    world.set_token(second.token().unwrap().id, |token| token.life.approved_at = Some(Timestamp::MAX));
    world.now = late;
    world.log_out(first.token().unwrap().id).unwrap();
    world.now = early;
    world.log_out(second.token().unwrap().id).unwrap();
    assert_eq!(world.holder(bob).standing.revoked_before, Some(late));
    world.now = late;
    assert_eq!(world.state(id), State::Revoked);
}

#[test]
fn a_login_is_neither_edited_nor_rotated_nor_approved_by_anybody() {
    let mut world = World::of("default");
    let owner = world.session(world.owner);
    let session = owner.token().unwrap().id;
    let edit = domain::lifecycle::Edit { name: Some("x".into()), ..Default::default() };
    refused(world.edit(&owner, session, &edit), Code::WrongState, "sign in again");
    refused(world.rotate(&owner, session, "0 days"), Code::WrongState, "sign in again");
    world.revoke(&owner, session).unwrap();
    let again = world.session(world.owner);
    refused(world.approve(&again, session), Code::WrongState, "sign in again");
}

#[test]
fn tokens_of_whoever_returns_wait_for_approval_where_the_policy_says_so() {
    let mut world = World::of("default");
    world.set_policy(|policy| policy.on_return = domain::policy::OnReturn::Approve);
    let cy = world.join("Cy", "Member");
    let by = world.session(cy);
    let id = world
        .create(&by, &Create { permission: Some(AskedGrant::Role("Viewer".into())), ..named("x") })
        .unwrap();
    let owner = world.session(world.owner);
    world.wait("1 hour");
    let owner = world.bearer(owner.token().unwrap().id);
    world.deactivate(&owner, cy).unwrap();
    world.reactivate(&owner, cy).unwrap();
    assert_eq!(world.state(id), State::Pending);
    world.approve(&owner, id).unwrap();
    assert_eq!(world.state(id), State::Active);
    let by = world.session(cy);
    let newer = world.create(&by, &named("newer")).unwrap();
    assert_eq!(world.state(newer), State::Active, "what is made after the return needs none");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Two peers' clocks may differ by a little, and the one that ends a holder's tokens may be ahead.
    #[test]
    fn what_begins_after_a_holders_tokens_were_stopped_is_not_stopped_whatever_the_clocks_say(
        revoked_before in -3_000i64..3_000,
        approve_after in prop::option::of(-3_000i64..3_000),
        approval: bool,
    ) {
        let mut world = World::of("default");
        world.set_policy(|policy| policy.create.approval = approval);
        let cy = world.join("Cy", "Member");
        let now = world.now;
        let standing = Standing {
            revoked_before: Some(now.plus_micros(revoked_before)),
            approve_after: approve_after.map(|by| now.plus_micros(by)),
            ..Standing::default()
        };
        world.set_holder(cy, |holder| holder.standing = standing);
        let stopped = standing.revoked_before.max(standing.approve_after);
        let owner = world.session(world.owner);

        let session = world.log_in(cy).unwrap();
        prop_assert!(world.state(session).is_good());
        let by = world.bearer(session);
        let order = Create { end: Some(AskedEnd::In(period("1 day"))), ..named("ci") };
        let id = world.create(&by, &order).unwrap();
        if approval {
            prop_assert_eq!(world.state(id), State::Pending, "and not revoked before it began");
            world.approve(&owner, id).unwrap();
        }
        let new = world.rotate(&by, id, "1 hour").unwrap();
        prop_assert_eq!((world.state(id), world.state(new)), (State::Grace, State::Expiring));
        for id in [session, id, new] {
            let life = world.token(id).life;
            prop_assert!(life.created_at > standing.revoked_before.unwrap() && life.approved_at > stopped);
            prop_assert!(life.created_at >= now, "nor is anything older than it is");
        }
        let length = |id| world.token(id).life.created_at.micros_until(world.token(id).life.expires_at.unwrap());
        prop_assert_eq!(length(new), length(id), "a rotation keeps the length of life");

        let last = world.token(new).life.approved_at.max(world.token(id).life.approved_at);
        world.set_holder(cy, |holder| holder.standing.revoked_before = last);
        let states = [session, id, new].map(|id| world.state(id));
        prop_assert_eq!(states, [State::Revoked; 3], "one row stops them all again");
    }
}
