//! Rotation: a new secret while programs still use the old one, and never one more token.

use domain::admit::Code;
use domain::life::State;
use domain::lifecycle::{self, AskedEnd, Create};
use proptest::prelude::*;
use token::{Kind, TokenId};

use crate::world::{Failed, World, named, node, period};

fn with_token() -> (World, TokenId) {
    let mut world = World::of("default");
    let owner = world.session(world.owner);
    let id = world.create(&owner, &named("deploy")).unwrap();
    (world, id)
}

fn rotate(world: &mut World, id: TokenId, grace: &str) -> TokenId {
    let by = world.session(world.token(id).holder);
    world.rotate(&by, id, grace).unwrap()
}

#[test]
fn a_rotated_token_still_works_during_its_grace_period() {
    let (mut world, old) = with_token();
    let new = rotate(&mut world, old, "2 days");
    assert_eq!((world.state(old), world.verify(old)), (State::Grace, Code::Valid));
    assert_eq!((world.state(new), world.verify(new)), (State::Active, Code::Valid));
    world.now = world.token(old).life.grace_until.unwrap().plus_micros(-1);
    assert_eq!(world.verify(old), Code::Valid);
    world.now = world.now.next();
    assert_eq!((world.state(old), world.verify(old)), (State::Rotated, Code::Revoked));
    assert_eq!(world.verify(new), Code::Valid);
}

#[test]
fn without_grace_the_old_token_stops_at_once() {
    let (mut world, old) = with_token();
    let new = rotate(&mut world, old, "0 days");
    assert_eq!(world.verify(old), Code::Revoked);
    assert_eq!(world.verify(new), Code::Valid);
}

#[test]
fn the_new_token_lives_as_long_as_the_old_one_did() {
    let (mut world, old) = with_token();
    world.wait("80 days");
    let new = rotate(&mut world, old, "0 days");
    let length = |id| {
        let life = &world.token(id).life;
        life.created_at.micros_until(life.expires_at.unwrap())
    };
    assert_eq!(length(new), length(old));
    assert_eq!(world.token(new).life.created_at, world.now);
}

#[test]
fn a_rotation_does_not_bring_the_beginning_forward() {
    let mut world = World::of("default");
    let owner = world.session(world.owner);
    let start = world.now.plus(&period("10 days"));
    let order = Create { not_before: Some(start), ..named("later") };
    let old = world.create(&owner, &order).unwrap();
    let new = world.rotate(&owner, old, "0 days").unwrap();
    assert_eq!(world.verify(new), Code::NotYetValid);
    world.now = start;
    assert_eq!(world.verify(new), Code::Valid);
}

#[test]
fn a_token_rotates_itself_without_the_desk() {
    let (mut world, old) = with_token();
    let itself = world.bearer(old);
    assert!(itself.needs_reach(domain::permission::TOKENS_UPDATE).is_err(), "reach is resources");
    let new = world.rotate(&itself, old, "1 hour").unwrap();
    assert_eq!(world.token(new).grant, world.token(old).grant);
    assert_eq!(world.token(old).life.rotated_to, Some(new));
}

#[test]
fn of_fifty_rotations_at_once_one_wins() {
    let (mut world, old) = with_token();
    let by = world.bearer(old);
    let decide = |_| {
        let token = world.token(old).clone();
        let text = world.text(Kind::Pat);
        lifecycle::rotate(&by, token.clone(), world.holder(token.holder), None, &text).unwrap()
    };
    let decided: Vec<_> = (0..50).map(decide).collect();
    let done: Vec<_> = decided.into_iter().map(|one| world.carry_out_for(&by, one.change)).collect();
    assert_eq!(done.iter().filter(|one| one.is_ok()).count(), 1);
    assert!(done.iter().all(|one| matches!(one, Ok(()) | Err(Failed::Conflict))));
    assert_eq!(world.tokens().filter(|token| token.id.kind == Kind::Pat).count(), 2);
}

#[test]
fn a_rotation_takes_no_place_and_needs_no_other_name() {
    let (mut world, first) = with_token();
    world.set_policy(|policy| {
        policy.limit.as_mut().unwrap().max = 1;
        policy.names = domain::policy::Names::Unique;
    });
    let new = rotate(&mut world, first, "7 days");
    assert_eq!(world.token(new).name, "deploy");
    let owner = world.session(world.owner);
    assert!(world.create(&owner, &named("one more")).is_err(), "the new token has the place");
    world.revoke(&owner, new).unwrap();
    world.create(&owner, &named("one more")).unwrap();
}

#[test]
fn a_revocation_that_was_decided_before_a_rotation_is_decided_again() {
    let (mut world, old) = with_token();
    let owner = world.session(world.owner);
    let revoked = lifecycle::revoke(&owner, world.token(old).clone(), &owner.holder, vec![], None).unwrap();
    let thief = world.bearer(old);
    world.rotate(&thief, old, "0 days").unwrap();
    assert_eq!(world.carry_out_for(&owner, revoked.change), Err(Failed::Conflict));
}

#[derive(Clone, Debug)]
struct Turn {
    grace: u64,
    wait: u64,
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let hours = || prop_oneof![1 => Just(0u64), 4 => 1u64..=168];
    prop::collection::vec((hours(), hours()).prop_map(|(grace, wait)| Turn { grace, wait }), 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_chain_of_rotations_has_one_good_token_besides_those_in_grace(turns in turns(), end in 0u8..3) {
        let mut world = World::of("default");
        let owner = world.session(world.owner);
        let order = Create { end: Some(AskedEnd::In(period("366 days"))), ..named("chain") };
        let mut chain = vec![world.create(&owner, &order).unwrap()];
        for turn in &turns {
            let last = *chain.last().unwrap();
            let until = world.now.plus(&period(&format!("{} hours", turn.grace)));
            chain.push(rotate(&mut world, last, &format!("{} hours", turn.grace)));
            prop_assert_eq!(world.token(last).life.grace_until.unwrap_or(world.now), until);
            world.wait(&format!("{} hours", turn.wait));

            let (head, replaced) = chain.split_last().unwrap();
            prop_assert!(world.state(*head).is_good());
            for old in replaced {
                let in_grace = world.token(*old).life.grace_until.is_some_and(|until| world.now < until);
                prop_assert_eq!(world.verify(*old) == Code::Valid, in_grace);
            }
        }
        // Ending the newest ends the grace of all that it replaced.
        let head = *chain.last().unwrap();
        let by = world.session(world.owner);
        match end {
            0 => world.revoke(&by, head),
            1 => world.leak(&by, head),
            _ => world.delete(&by, head, Some("chain")),
        }.unwrap();
        prop_assert!(chain.iter().all(|id| !world.state(*id).is_good()));
    }

    #[test]
    fn a_rotated_token_may_do_what_the_old_one_may(place in 0usize..3) {
        let mut world = World::of("default");
        world.add_node("/sales");
        let owner = world.session(world.owner);
        let node = node(["/", "/sales", "/"][place]);
        let old = world.create(&owner, &Create { node: Some(node.clone()), ..named("x") }).unwrap();
        let new = world.rotate(&owner, old, "1 day").unwrap();
        prop_assert_eq!(world.facts(new).rights(&node), world.facts(old).rights(&node));
        prop_assert_eq!(&world.token(new).node, &node);
    }
}
