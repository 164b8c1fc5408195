//! `admit`: every code that it gives, in which situation, and which of two objections counts.

use domain::admit::{self, Ask, Code};
use domain::facts::Binding;
use domain::grant::Grant;
use domain::ids::AccountId;
use domain::lifecycle::{AskedGrant, Create};
use domain::node::NodePath;
use domain::permission::{PermissionSet, Requirement};
use domain::policy::{Ceiling, OnInactive};
use proptest::prelude::*;
use rstest::rstest;
use token::TokenId;

use crate::world::{World, named, node, period};

/// A token of a member at `/sales` that may read devices there, good for 90 days.
fn stage() -> (World, TokenId) {
    let mut world = World::of("default");
    world.add_node("/sales");
    world.add_node("/lab");
    let member = world.join("Cy", "Member");
    let by = world.session(member);
    let order = Create {
        node: Some(node("/sales")),
        permission: Some(AskedGrant::List(vec!["devices:read".into()])),
        ..named("reader")
    };
    let id = world.create(&by, &order).unwrap();
    (world, id)
}

fn one(name: &str) -> Requirement {
    Requirement::One(name.into())
}

type Situation = fn(&mut World, TokenId);

fn nothing(_: &mut World, _: TokenId) {}
fn deleted(world: &mut World, id: TokenId) {
    world.set_token(id, |token| token.life.deleted_at = Some(token.life.created_at));
}
fn deleted_with_its_holder(world: &mut World, id: TokenId) {
    let (by, holder) = (world.session(world.owner), world.token(id).holder);
    world.remove(&by, holder).unwrap();
}
fn leaked(world: &mut World, id: TokenId) {
    let by = world.session(world.owner);
    world.leak(&by, id).unwrap();
}
fn revoked(world: &mut World, id: TokenId) {
    let by = world.session(world.owner);
    world.revoke(&by, id).unwrap();
}
fn revoked_by_one_row(world: &mut World, id: TokenId) {
    let now = world.now;
    world.set_holder(world.token(id).holder, |holder| holder.standing.revoked_before = Some(now));
}
fn rotated(world: &mut World, id: TokenId) {
    let by = world.session(world.token(id).holder);
    world.rotate(&by, id, "0 days").unwrap();
}
fn in_grace(world: &mut World, id: TokenId) {
    let by = world.session(world.token(id).holder);
    world.rotate(&by, id, "1 day").unwrap();
}
fn holder_inactive(world: &mut World, id: TokenId) {
    let (by, holder) = (world.session(world.owner), world.token(id).holder);
    world.deactivate(&by, holder).unwrap();
}
fn account_closed(world: &mut World, _: TokenId) {
    let now = world.now;
    world.set_account(|account| account.inactive_since = Some(now));
}
fn expired(world: &mut World, id: TokenId) {
    world.now = world.token(id).life.expires_at.unwrap();
}
fn outlived(world: &mut World, _: TokenId) {
    world.set_policy(|policy| policy.expiry.max = Some(period("1 day")));
    world.wait("1 day");
}
fn pending(world: &mut World, id: TokenId) {
    world.set_token(id, |token| token.life.approved_at = None);
}
fn pending_after_a_return(world: &mut World, id: TokenId) {
    world.set_policy(|policy| policy.on_return = domain::policy::OnReturn::Approve);
    holder_inactive(world, id);
    world.wait("1 hour");
    let (by, holder) = (world.session(world.owner), world.token(id).holder);
    world.reactivate(&by, holder).unwrap();
}
fn not_yet(world: &mut World, id: TokenId) {
    let start = world.now.next();
    world.set_token(id, |token| token.life.not_before = Some(start));
}
fn demoted(world: &mut World, id: TokenId) {
    let role = world.role("Viewer");
    world.set_account(|account| {
        account.roles.iter_mut().find(|found| found.id == role).unwrap().permissions = PermissionSet::EMPTY;
    });
    let (by, holder) = (world.session(world.owner), world.token(id).holder);
    world.give_role(&by, holder, "Viewer").unwrap();
}
fn role_gone(world: &mut World, _: TokenId) {
    world.set_account(|account| account.roles.retain(|role| role.name != "Member"));
}
fn elsewhere_only(world: &mut World, id: TokenId) {
    let role = world.role("Owner");
    world.set_holder(world.token(id).holder, |holder| {
        holder.bindings = vec![Binding { role, node: node("/lab") }];
    });
}

#[rstest]
#[case(nothing, Code::Valid)]
#[case(in_grace, Code::Valid)]
#[case(deleted, Code::Revoked)]
#[case(deleted_with_its_holder, Code::Revoked)]
#[case(leaked, Code::Revoked)]
#[case(revoked, Code::Revoked)]
#[case(revoked_by_one_row, Code::Revoked)]
#[case(rotated, Code::Revoked)]
#[case(holder_inactive, Code::Suspended)]
#[case(account_closed, Code::Suspended)]
#[case(expired, Code::Expired)]
#[case(outlived, Code::Expired)]
#[case(pending, Code::Pending)]
#[case(pending_after_a_return, Code::Pending)]
#[case(not_yet, Code::NotYetValid)]
#[case(demoted, Code::InsufficientPermission)]
#[case(role_gone, Code::InsufficientPermission)]
#[case(elsewhere_only, Code::InsufficientPermission)]
fn each_situation_has_its_code(#[case] situation: Situation, #[case] code: Code) {
    let (mut world, id) = stage();
    situation(&mut world, id);
    let requirement = one("devices:read");
    let ask = Ask { requirement: Some(&requirement), ..Ask::default() };
    let verdict = admit::admit(world.facts(id), &ask, world.now);
    assert_eq!(verdict.code, code);
    assert_eq!(verdict.is_valid(), code == Code::Valid);
    assert_eq!(verdict.rights.is_empty(), code != Code::Valid, "rights are told of a good token alone");
    assert_eq!(verdict.facts.map(|facts| facts.token.id), Some(id));
}

#[rstest]
#[case::what_it_may("devices:read", "/sales", Code::Valid)]
#[case::below_its_node("devices:read", "/sales/prod", Code::Valid)]
#[case::another_action("devices:update", "/sales", Code::InsufficientPermission)]
#[case::another_entity("files:read", "/sales", Code::InsufficientPermission)]
#[case::a_name_that_nobody_knows("rockets:launch", "/sales", Code::InsufficientPermission)]
#[case::an_empty_name("", "/sales", Code::InsufficientPermission)]
#[case::part_of_a_name("devices", "/sales", Code::InsufficientPermission)]
#[case::beside_its_node("devices:read", "/lab", Code::OutOfScope)]
#[case::above_its_node("devices:read", "/", Code::OutOfScope)]
#[case::a_namesake_of_its_node("devices:read", "/salesforce", Code::OutOfScope)]
fn a_token_may_do_what_it_was_given_where_it_was_given(
    #[case] name: &str,
    #[case] place: &str,
    #[case] code: Code,
) {
    let (world, id) = stage();
    let (requirement, place) = (one(name), node(place));
    let ask = Ask { requirement: Some(&requirement), node: Some(&place), ..Ask::default() };
    assert_eq!(admit::admit(world.facts(id), &ask, world.now).code, code);
}

#[rstest]
#[case::all_of_nothing(Requirement::All(vec![]))]
#[case::any_of_nothing(Requirement::Any(vec![]))]
#[case::all_with_one_unknown(Requirement::All(vec![one("devices:read"), one("rockets:launch")]))]
#[case::nested_nothing(Requirement::Any(vec![Requirement::All(vec![])]))]
fn what_asks_for_nothing_or_for_the_unknown_is_not_met(#[case] requirement: Requirement) {
    let (world, id) = stage();
    let ask = Ask { requirement: Some(&requirement), ..Ask::default() };
    assert_eq!(admit::admit(world.facts(id), &ask, world.now).code, Code::InsufficientPermission);
}

#[test]
fn a_role_that_is_gone_allows_nothing_even_to_a_frozen_token() {
    let (mut world, id) = stage();
    world.set_policy(|policy| policy.permission.ceiling = Ceiling::Frozen);
    let role = world.role("Member");
    world.set_token(id, |token| token.grant = Grant::Role(role));
    assert!(world.may(id, "devices:read", &node("/sales")));
    role_gone(&mut world, id);
    assert!(!world.may(id, "devices:read", &node("/sales")));
    assert!(world.facts(id).rights(&node("/sales")).is_empty());
}

/// The objections from the first that counts to the last, without what time does.
const OBJECTIONS: [(Situation, Code); 7] = [
    (deleted, Code::Revoked),
    (leaked, Code::Revoked),
    (revoked, Code::Revoked),
    (account_closed, Code::Suspended),
    (outlived, Code::Expired),
    (pending, Code::Pending),
    (not_yet, Code::NotYetValid),
];

#[test]
fn of_two_objections_to_its_state_the_first_counts() {
    for (first, (earlier, code)) in OBJECTIONS.iter().enumerate() {
        for (later, other) in &OBJECTIONS[first + 1..] {
            let (mut world, id) = stage();
            // The later one first, because nothing happens any more in an account that is closed.
            later(&mut world, id);
            if *other == Code::Suspended {
                world.set_account(|account| account.inactive_since = None);
            }
            earlier(&mut world, id);
            if *other == Code::Suspended {
                account_closed(&mut world, id);
            }
            assert_eq!(world.verify(id), *code, "{code:?} before {other:?}");
        }
    }
}

#[test]
fn its_state_comes_before_the_place_and_the_place_before_the_permission() {
    let (mut world, id) = stage();
    let (requirement, place) = (one("billing:read"), node("/lab"));
    let ask = Ask { requirement: Some(&requirement), node: Some(&place), ..Ask::default() };
    assert_eq!(admit::admit(world.facts(id), &ask, world.now).code, Code::OutOfScope);
    not_yet(&mut world, id);
    assert_eq!(admit::admit(world.facts(id), &ask, world.now).code, Code::NotYetValid);
    revoked(&mut world, id);
    assert_eq!(admit::admit(world.facts(id), &ask, world.now).code, Code::Revoked);
}

#[test]
fn whoever_names_the_wrong_account_or_may_not_know_of_it_learns_nothing() {
    let (mut world, id) = stage();
    revoked(&mut world, id);
    let own = world.account().id.clone();
    let other: AccountId = "rival".parse().unwrap();
    let others = [other.clone()];
    let cases = [
        (Ask { account: Some(&other), ..Ask::default() }, Code::WrongAccount),
        (Ask { horizon: Some(&others), ..Ask::default() }, Code::NotFound),
        (Ask { horizon: Some(&[]), ..Ask::default() }, Code::NotFound),
        // Whoever may not know of the account is not told that it is the wrong one either.
        (Ask { horizon: Some(&others), account: Some(&other), ..Ask::default() }, Code::NotFound),
        (Ask { horizon: Some(&others), account: Some(&own), ..Ask::default() }, Code::NotFound),
    ];
    for (ask, code) in cases {
        let verdict = admit::admit(world.facts(id), &ask, world.now);
        assert_eq!(verdict.code, code, "{ask:?}");
        assert!(verdict.facts.is_none() && verdict.rights.is_empty() && verdict.cacheable_for_ms == 0);
    }
    let known = [other, own.clone()];
    let ask = Ask { horizon: Some(&known), account: Some(&own), ..Ask::default() };
    assert_eq!(admit::admit(world.facts(id), &ask, world.now).code, Code::Revoked);
}

#[test]
fn a_refresh_token_is_nothing_that_a_service_accepts() {
    let (world, id) = stage();
    let mut facts = world.facts(id);
    facts.token.id.kind = token::Kind::Rft;
    let verdict = admit::admit(facts, &Ask::default(), world.now);
    assert_eq!(verdict.code, Code::NotFound);
    assert!(verdict.facts.is_none());
}

#[test]
fn a_verdict_without_a_node_speaks_of_the_tokens_own() {
    let (mut world, id) = stage();
    let role = world.role("Owner");
    let holder = world.token(id).holder;
    world.bind(holder, role, &node("/sales"));
    world.set_token(id, |token| token.grant = Grant::Inherit);
    let verdict = admit::admit(world.facts(id), &Ask::default(), world.now);
    assert!(verdict.rights.contains(world.permissions(&["billing:update"])));
    assert!((verdict.rights & PermissionSet::DESK).is_empty(), "reach is resources");
}

#[rstest]
#[case::suspended(OnInactive::Suspend, Code::Suspended)]
#[case::kept(OnInactive::Keep, Code::Valid)]
fn a_deactivated_service_account_stops_its_tokens_where_the_policy_suspends(
    #[case] on_inactive: OnInactive,
    #[case] code: Code,
) {
    let mut world = World::of("default");
    world.set_policy(|policy| policy.on_inactive = on_inactive);
    let robot = world.service_account("Deployer", "Member");
    let by = world.session(world.owner);
    let id = world.create(&by, &Create { holder: Some(robot), ..named("ci") }).unwrap();
    assert_eq!((id.kind, world.verify(id)), (token::Kind::Sat, Code::Valid));
    world.deactivate(&by, robot).unwrap();
    assert_eq!(world.verify(id), code);
    world.reactivate(&by, robot).unwrap();
    assert_eq!(world.verify(id), Code::Valid);
    world.remove(&by, robot).unwrap();
    assert_eq!(world.verify(id), Code::Revoked, "on_remove is delete");
}

#[test]
fn a_login_stops_with_its_member_whatever_on_inactive_says() {
    let mut world = World::of("default");
    world.set_policy(|policy| {
        policy.on_inactive = OnInactive::Keep;
        policy.on_remove = domain::policy::OnRemove::Keep;
    });
    let member = world.join("Cy", "Member");
    let session = world.session(member);
    let id = world.create(&session, &named("script")).unwrap();
    let by = world.session(world.owner);
    world.deactivate(&by, member).unwrap();
    assert_eq!(world.verify(session.credential.id), Code::Suspended);
    assert_eq!(world.verify(id), Code::Valid);
    world.remove(&by, member).unwrap();
    assert_eq!(world.verify(session.credential.id), Code::Suspended);
    assert_eq!(world.verify(id), Code::Valid);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_verdict_is_valid_only_for_a_good_state_in_scope(hours in 0u32..4000, depth in 0usize..3) {
        let (mut world, id) = stage();
        world.wait(&format!("{hours} hours"));
        let at: NodePath = node(["/sales", "/sales/a", "/"][depth]);
        let ask = Ask { node: Some(&at), ..Ask::default() };
        let verdict = admit::admit(world.facts(id), &ask, world.now);
        let expected = world.state(id).is_good() && world.token(id).node.covers(&at);
        prop_assert_eq!(verdict.is_valid(), expected);
    }
}
