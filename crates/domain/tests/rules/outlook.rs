//! What is said of a change of policy beforehand is what comes of it.

use domain::grant;
use domain::life::State;
use domain::outlook::{Fate, Outlook, Shift, Turn};
use domain::policy::{Ceiling, ExpiryMode, OnInactive, Policy, Reach};
use proptest::prelude::*;

use crate::world::steps::{self, Stage};
use crate::world::{World, named, period};

fn outlook(world: &World, next: &Policy) -> Outlook {
    let turn = Turn::of(world.account(), next, world.now);
    let mut outlook = Outlook::default();
    for token in world.tokens() {
        let holder = world.holder(token.holder);
        let fate = turn.fate(token.id.kind, &token.life, &holder.standing);
        outlook.add(fate, || turn.rights(&token.grant, token.desk, &token.node, holder));
    }
    outlook
}

#[test]
fn a_lower_maximum_is_told_as_what_expires_at_once_and_what_ends_sooner() {
    let mut world = World::of("default");
    world.set_policy(|policy| {
        policy.expiry.modes = vec![ExpiryMode::Never];
        policy.expiry.default = None;
        policy.expiry.max = None;
    });
    let owner = world.session(world.owner);
    for name in ["old", "older"] {
        world.create(&owner, &named(name)).unwrap();
    }
    world.wait("40 days");
    let owner = world.session(world.owner);
    world.create(&owner, &named("young")).unwrap();
    let mut next = world.account().policy.clone();
    next.expiry.modes = vec![ExpiryMode::Period];
    next.expiry.max = Some(period("31 days"));
    let told = outlook(&world, &next);
    assert_eq!((told.expire, told.end_sooner, told.revive), (2, 1, 0));
    assert!(told.stops_some() && !told.is_calm());

    // And back: what had expired by it alone is good again.
    let back = world.account().policy.clone();
    world.set_policy(|policy| *policy = next);
    let told = outlook(&world, &back);
    assert_eq!((told.expire, told.revive, told.end_later), (0, 2, 1));
}

#[test]
fn those_who_are_deactivated_have_their_tokens_stopped_or_brought_back() {
    let mut world = World::of("default");
    let bob = world.join("Bob", "Member");
    let own = world.session(bob);
    world.create(&own, &named("ci")).unwrap();
    let owner = world.session(world.owner);
    world.deactivate(&owner, bob).unwrap();
    let mut next = world.account().policy.clone();
    next.on_inactive = OnInactive::Keep;
    let told = outlook(&world, &next);
    assert_eq!((told.resume, told.suspend), (1, 0));
    let back = world.account().policy.clone();
    world.set_policy(|policy| *policy = next);
    assert_eq!(outlook(&world, &back).suspend, 1);
}

#[test]
fn a_policy_that_says_the_same_of_tokens_changes_none() {
    let mut world = World::of("default");
    let owner = world.session(world.owner);
    world.create(&owner, &named("ci")).unwrap();
    let mut next = world.account().policy.clone();
    next.brand = "acme".into();
    next.edit = false;
    let told = outlook(&world, &next);
    assert!(told.is_calm());
    assert!(told.tokens >= 1);
}

fn switched() -> impl Strategy<Value = (Option<u32>, bool, bool, bool)> {
    (prop::option::of(1_u32..200), any::<bool>(), any::<bool>(), any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_foretold_is_what_comes(
        steps in prop::collection::vec(steps::step(), 1..40),
        (max, keeps, frozen, everything) in switched(),
    ) {
        let mut stage = Stage::new();
        for step in &steps {
            stage.take(step);
        }
        let world = &mut stage.world;
        let mut next = world.account().policy.clone();
        next.expiry.max = max.map(domain::time::Period::days);
        next.on_inactive = if keeps { OnInactive::Keep } else { OnInactive::Suspend };
        next.permission.ceiling = if frozen { Ceiling::Frozen } else { Ceiling::Live };
        next.reach = if everything { Reach::Everything } else { Reach::Resources };

        let account = world.account().clone();
        let turn = Turn::of(&account, &next, world.now);
        let mut told = Vec::new();
        for token in world.tokens() {
            let holder = world.holder(token.holder).clone();
            let fate = turn.fate(token.id.kind, &token.life, &holder.standing);
            let rights = turn.rights(&token.grant, token.desk, &token.node, &holder);
            let places: Vec<_> = grant::places(&holder, &token.node).cloned().collect();
            let had: Vec<_> = places.iter().map(|at| world.facts(token.id).rights(at)).collect();
            told.push((token.id, fate, rights, places, had, world.state(token.id)));
        }
        world.set_policy(|policy| *policy = next);
        for (id, Fate { was, is, .. }, rights, places, had, state) in told {
            prop_assert_eq!(was, state);
            prop_assert_eq!(is, world.state(id), "{}", id);
            let has: Vec<_> = places.iter().map(|at| world.facts(id).rights(at)).collect();
            let within = |a: &[domain::permission::PermissionSet], b: &[domain::permission::PermissionSet]| {
                a.iter().zip(b).all(|(a, b)| b.contains(*a))
            };
            let expected = match (within(&has, &had), within(&had, &has)) {
                (true, true) => Shift::Same,
                (true, false) => Shift::Less,
                (false, true) => Shift::More,
                (false, false) => Shift::Other,
            };
            prop_assert_eq!(rights, expected);
            prop_assert!(is != State::Deleted || was == State::Deleted);
        }
    }
}
