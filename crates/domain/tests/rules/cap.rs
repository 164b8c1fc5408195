//! `permission.cap`: nobody makes, widens, brings back or is handed a token that may do more
//! than they may, at any node.

use domain::facts::Token;
use domain::grant::{self, Grant};
use domain::lifecycle::{AskedEnd, AskedGrant, Create, Edit};
use domain::permission::PermissionSet;
use domain::policy::{Ceiling, Reach};
use domain::refusal::Code;
use domain::roles;
use domain::who::Caller;
use proptest::prelude::*;
use token::TokenId;

use crate::world::steps::{self, Done, Stage, Step};
use crate::world::{World, named, node, period, refused};

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(steps::step(), 1..60)
}

fn stage(ceiling: Ceiling, reach: Reach) -> Stage {
    let mut stage = Stage::new();
    stage.world.set_policy(|policy| {
        policy.permission.ceiling = ceiling;
        policy.reach = reach;
    });
    stage
}

fn rights(stage: &Stage, token: &Token, at: &domain::node::NodePath) -> PermissionSet {
    stage.world.facts(token.id).rights(at)
}

fn within_the_caller(stage: &Stage, by: &Caller, token: &Token) -> Result<(), TestCaseError> {
    for at in &stage.nodes {
        let beyond = rights(stage, token, at) - by.rights(at);
        prop_assert!(beyond.is_empty(), "at {at}: {:?}, by {by:?}", steps::spelled(stage, beyond));
    }
    Ok(())
}

/// What a token makes has no more than it: nor a wider place, nor a longer life, nor a way to
/// grow that it has not itself.
fn within_the_parent(by: &Caller, token: &Token) -> Result<(), TestCaseError> {
    prop_assert!(by.token().unwrap().node.covers(&token.node));
    // The first token of an installation stands for its administrator.
    let first = by.token().unwrap().desk && by.token().unwrap().grant == Grant::Inherit;
    if let Some(bound) = by.token().unwrap().ends_at.filter(|_| !first) {
        prop_assert!(token.life.expires_at.is_some_and(|end| end <= bound));
    }
    prop_assert!(token.grant.growth() <= by.growth());
    Ok(())
}

fn walk(mut stage: Stage, steps: &[Step]) -> Result<(), TestCaseError> {
    for step in steps {
        let before: Vec<Token> = stage.world.tokens().cloned().collect();
        match stage.take(step) {
            Some(Done::Created(by, id)) => {
                let token = stage.world.token(id);
                within_the_caller(&stage, &by, token)?;
                prop_assert!(by.token().unwrap().node.covers(&token.node));
                if !by.is_session() {
                    within_the_parent(&by, token)?;
                }
            }
            Some(Done::Rotated(by, id)) => {
                let token = stage.world.token(id);
                let old = before.iter().find(|old| stage.world.token(old.id).life.rotated_to == Some(id));
                let old = old.expect("what was rotated was there");
                prop_assert_eq!(&token.grant, &old.grant);
                prop_assert_eq!((&token.node, token.desk, token.holder), (&old.node, old.desk, old.holder));
                if by.token().unwrap().id != old.id {
                    within_the_caller(&stage, &by, token)?;
                    if !by.is_session() {
                        within_the_parent(&by, token)?;
                    }
                }
            }
            Some(Done::Edited(id)) => {
                let token = stage.world.token(id);
                let old = before.iter().find(|old| old.id == id).expect("what was edited was there");
                prop_assert!(token.grant.growth() <= old.grant.growth());
                for at in stage.nodes.iter().filter(|at| token.node.covers(at)) {
                    let before = grant::of_grant(
                        &old.grant,
                        stage.world.holder(old.holder),
                        stage.world.account(),
                        at,
                    );
                    let after = grant::of_grant(
                        &token.grant,
                        stage.world.holder(old.holder),
                        stage.world.account(),
                        at,
                    );
                    prop_assert!(before.contains(after), "an edit widened a token at {at}");
                }
            }
            Some(Done::Approved(by, id)) => {
                let token = stage.world.token(id);
                prop_assert!(by.manages());
                let issuer = stage.world.holder(token.issued_by);
                for at in &stage.nodes {
                    let may = grant::of_holder(issuer, stage.world.account(), at);
                    prop_assert!(may.contains(rights(&stage, token, at)), "at {at}");
                }
            }
            Some(Done::Other) | None => {}
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn under_a_live_ceiling_nobody_hands_out_more_than_they_have(steps in steps()) {
        walk(stage(Ceiling::Live, Reach::Everything), &steps)?;
    }

    #[test]
    fn under_a_frozen_ceiling_nobody_hands_out_more_than_they_have(steps in steps()) {
        walk(stage(Ceiling::Frozen, Reach::Everything), &steps)?;
    }

    #[test]
    fn with_tokens_kept_from_the_desk_nobody_hands_out_more_than_they_have(steps in steps()) {
        walk(stage(Ceiling::Frozen, Reach::Resources), &steps)?;
    }
}

/// Bob may do less than an owner; the robot may do little at the root, and all in `/sales`.
fn a_strong_branch() -> (World, Caller, domain::ids::HolderId) {
    let mut world = World::of("default");
    world.add_node("/sales");
    let bob = world.join("Bob", "Admin");
    let robot = world.service_account("Deployer", "Viewer");
    let owner = world.role("Owner");
    world.bind(robot, owner, &node("/sales"));
    let by = world.session(bob);
    (world, by, robot)
}

#[test]
fn a_role_bound_further_down_counts_as_well() {
    let (mut world, bob, robot) = a_strong_branch();
    let inherits = Create { holder: Some(robot), ..named("robot's") };
    refused(world.create(&bob, &inherits), Code::Forbidden, "than you may");
    let weak = Create { permission: Some(AskedGrant::Role("Viewer".into())), ..inherits.clone() };
    world.create(&bob, &weak).unwrap();

    let owner = world.session(world.owner);
    let id = world.create(&owner, &inherits).unwrap();
    assert!(world.may(id, "billing:update", &node("/sales")) && !world.may(id, "billing:update", &node("/")));
    refused(world.rotate(&bob, id, "0 days"), Code::Forbidden, "more than you may here");
}

#[test]
fn nobody_changes_a_holder_who_may_do_more_further_down() {
    let (mut world, bob, robot) = a_strong_branch();
    refused(world.deactivate(&bob, robot), Code::Forbidden, "may do more than you");
    refused(world.remove(&bob, robot), Code::Forbidden, "may do more than you");
    refused(world.give_role(&bob, robot, "Viewer"), Code::Forbidden, "may do more than you");
    let owner = world.session(world.owner);
    world.deactivate(&owner, robot).unwrap();
}

fn list(names: &[&str]) -> Option<AskedGrant> {
    Some(AskedGrant::List(names.iter().map(|&name| name.into()).collect()))
}

/// A token of Cy's with a list, which makes and changes tokens, while Cy may do no more than it.
fn a_narrow_token_of_somebody_low() -> (World, domain::ids::HolderId, TokenId) {
    let mut world = World::of("default");
    world.set_policy(|policy| policy.reach = Reach::Everything);
    let cy = world.join("Cy", "Admin");
    let all: Vec<String> = world
        .registry()
        .spell(world.account().role_named("Viewer").unwrap().permissions)
        .map(str::to_owned)
        .collect();
    let by = world.session(cy);
    let order = Create { permission: Some(AskedGrant::List(all)), ..named("narrow") };
    let narrow = world.create(&by, &order).unwrap();
    let owner = world.session(world.owner);
    world.give_role(&owner, cy, "Viewer").unwrap();
    (world, cy, narrow)
}

#[test]
fn a_token_with_a_list_makes_none_that_grows_with_its_holder() {
    let (mut world, cy, narrow) = a_narrow_token_of_somebody_low();
    let through = world.bearer(narrow);
    refused(world.create(&through, &named("x")), Code::Forbidden, "grow with its holder");
    let made = world.create(&through, &Create { permission: list(&["devices:read"]), ..named("x") }).unwrap();
    let owner = world.session(world.owner);
    world.give_role(&owner, cy, "Owner").unwrap();
    assert!(!world.may(made, "devices:update", &node("/")));
}

#[test]
fn a_token_with_a_list_gets_no_secret_of_one_that_grows() {
    let (mut world, cy, narrow) = a_narrow_token_of_somebody_low();
    let session = world.session(cy);
    let inherits = world.create(&session, &named("inherits")).unwrap();
    let through = world.bearer(narrow);
    refused(world.rotate(&through, inherits, "0 days"), Code::Forbidden, "sign in");
    world.rotate(&session, inherits, "0 days").unwrap();
}

#[test]
fn no_edit_makes_a_token_grow_with_its_holder() {
    let (mut world, cy, narrow) = a_narrow_token_of_somebody_low();
    let by = world.session(cy);
    let edit = |permission| Edit { permission, ..Edit::default() };
    refused(
        world.edit(&by, narrow, &edit(Some(AskedGrant::Inherit))),
        Code::Forbidden,
        "grows with its holder",
    );
    world.edit(&by, narrow, &edit(list(&["devices:read"]))).unwrap();
    refused(world.edit(&by, narrow, &edit(list(&["devices:read", "files:read"]))), Code::Forbidden, "fewer");
}

#[test]
fn what_a_token_makes_stays_within_its_place_and_its_time() {
    let mut world = World::of("default");
    world.set_policy(|policy| policy.reach = Reach::Everything);
    world.add_node("/sales");
    let by = world.session(world.owner);
    let days = |days: &str| Some(AskedEnd::In(period(days)));
    let parent = world.create(&by, &Create { end: days("10 days"), ..named("parent") }).unwrap();
    let end = world.token(parent).life.expires_at;
    world.wait("1 day");
    let through = world.bearer(parent);
    let child = world.create(&through, &named("child")).unwrap();
    assert_eq!(world.token(child).life.expires_at, end, "the usual 90 days, cut to its parent's end");
    let longer = Create { end: days("10 days"), ..named("longer") };
    refused(world.create(&through, &longer), Code::Forbidden, "ends with it at the latest");
    let edit = Edit { end: days("10 days"), ..Edit::default() };
    refused(world.edit(&through, child, &edit), Code::Forbidden, "longer life than its own");

    // A policy that shortens every life shortens what it makes.
    world.set_policy(|policy| policy.expiry.max = Some(period("5 days")));
    let through = world.bearer(parent);
    let shorter = world.create(&through, &named("shorter")).unwrap();
    assert_eq!(
        world.token(shorter).life.expires_at,
        Some(world.token(parent).life.created_at.plus(&period("5 days")))
    );

    let by = world.session(world.owner);
    let below = world.create(&by, &Create { node: Some(node("/sales")), ..named("below") }).unwrap();
    let through = world.bearer(below);
    refused(world.create(&through, &named("above")), Code::Forbidden, "`tokens:create`");
}

#[test]
fn a_secret_that_a_token_is_handed_ends_with_it() {
    let mut world = World::of("default");
    world.set_policy(|policy| policy.reach = Reach::Everything);
    let by = world.session(world.owner);
    let days = |days: &str| Some(AskedEnd::In(period(days)));
    let narrow = Create {
        permission: list(&["tokens:update", "devices:read"]),
        end: days("1 day"),
        ..named("a key for a day")
    };
    let key = world.create(&by, &narrow).unwrap();
    let year =
        || Create { permission: list(&["devices:read"]), end: days("366 days"), ..named("for a year") };
    let long = world.create(&by, &year()).unwrap();
    let length = world.token(long).life.created_at.micros_until(world.token(long).life.expires_at.unwrap());
    world.wait("1 hour");
    let through = world.bearer(key);
    let handed = world.rotate(&through, long, "0 days").unwrap();
    assert_eq!(world.token(handed).life.expires_at, world.token(key).life.expires_at);

    // By its holder, and by itself, it lives as long as it was made for.
    let lives = |world: &World, id| {
        world.token(id).life.created_at.micros_until(world.token(id).life.expires_at.unwrap())
    };
    let by = world.session(world.owner);
    let long = world.create(&by, &year()).unwrap();
    world.wait("1 hour");
    let own = world.rotate(&world.bearer(long), long, "0 days").unwrap();
    assert_eq!(lives(&world, own), length);
    let by = world.session(world.owner);
    let own = world.rotate(&by, own, "0 days").unwrap();
    assert_eq!(lives(&world, own), length);

    // Nor is one handed over that would begin after the end.
    let later = Create { not_before: Some(world.now.plus(&period("30 days"))), ..year() };
    let later = world.create(&by, &later).unwrap();
    refused(world.rotate(&world.bearer(key), later, "0 days"), Code::Forbidden, "begins only after");
    // Without the cap tokens come by more than their makers have, time as well.
    world.set_policy(|policy| policy.permission.cap = false);
    let by = world.session(world.owner);
    let long = world.create(&by, &year()).unwrap();
    let handed = world.rotate(&world.bearer(key), long, "0 days").unwrap();
    assert_eq!(lives(&world, handed), length);
}

#[test]
fn what_has_permissions_of_its_own_gives_and_gets_no_role_which_would_grow() {
    let mut world = World::of("default");
    world.set_policy(|policy| policy.reach = Reach::Everything);
    let by = world.session(world.owner);
    let made = roles::create(&by, "Reader", &["devices:read".into()], "rol_0123456789ab".parse().unwrap());
    world.carry_out_for(&by, made.unwrap().change).unwrap();
    let (by, role) = (world.session(world.owner), || Some(AskedGrant::Role("Reader".into())));
    let names = ["tokens:create", "tokens:update", "devices:read"];
    let narrow = world.create(&by, &Create { permission: list(&names), ..named("narrow") }).unwrap();
    let through = world.bearer(narrow);
    let child = Create { permission: role(), ..named("child") };
    refused(world.create(&through, &child), Code::Forbidden, "grow with the role");
    let edit = Edit { permission: role(), ..Edit::default() };
    refused(world.edit(&by, narrow, &edit), Code::Forbidden, "grows with the role");
    // Nor does it get the secret of one that has a role.
    let readers = world.create(&by, &child).unwrap();
    refused(world.rotate(&through, readers, "0 days"), Code::Forbidden, "grows with its role");

    // A token with a role hands on roles within it.
    let names = [&names[..], &["devices:update"]].concat();
    let names: Vec<String> = names.iter().map(|&name| name.into()).collect();
    let made = roles::create(&by, "Keeper", &names, "rol_0123456789ac".parse().unwrap());
    world.carry_out_for(&by, made.unwrap().change).unwrap();
    let by = world.session(world.owner);
    let keeper = Create { permission: Some(AskedGrant::Role("Keeper".into())), ..named("keeper") };
    let keeper = world.create(&by, &keeper).unwrap();
    world.create(&world.bearer(keeper), &child).unwrap();
    world.edit(&by, keeper, &edit).unwrap();
}
