//! `admit`: every code that it gives, in which situation, and which of two objections counts.

use domain::admit::{self, Ask, Code, Verdict};
use domain::conditions::Conditions;
use domain::facts::Binding;
use domain::grant::Grant;
use domain::ids::AccountId;
use domain::lifecycle::{AskedGrant, Create, Edit};
use domain::node::NodePath;
use domain::permission::{PermissionSet, Requirement};
use domain::policy::{Ceiling, OnInactive};
use domain::time::{DAY, Moment, Timestamp};
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

/// Ties the token to these addresses.
fn tie(world: &mut World, id: TokenId, ranges: &[&str]) {
    let addresses = ranges.iter().map(|range| range.parse().unwrap()).collect();
    world.set_token(id, |token| token.conditions = Conditions { addresses, until: None });
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

/// What besides its token an ask for `devices:read` may say.
type Asking = fn(&mut Ask<'_>);

fn plainly(_: &mut Ask<'_>) {}
fn from_inside(ask: &mut Ask<'_>) {
    ask.address = Some("10.1.2.3".parse().unwrap());
}
fn from_outside(ask: &mut Ask<'_>) {
    ask.address = Some("11.1.2.3".parse().unwrap());
}
fn once_too_often(ask: &mut Ask<'_>) {
    ask.spent = true;
}
fn by_who_may_know_of_nobody(ask: &mut Ask<'_>) {
    ask.horizon = Some(&[]);
}

fn tied(world: &mut World, id: TokenId) {
    tie(world, id, &["10.0.0.0/8", "2001:db8::/32"]);
}
fn from_elsewhere(world: &mut World, id: TokenId) {
    world.set_token(id, |token| token.node = node("/sales/prod"));
}
fn of_a_rival(world: &mut World, _: TokenId) {
    world.set_account(|account| account.id = "rival".parse().unwrap());
}

const CASES: [(Situation, Asking, Code); 28] = [
    (nothing, plainly, Code::Valid),
    (nothing, from_outside, Code::Valid),
    (in_grace, plainly, Code::Valid),
    (deleted, plainly, Code::Revoked),
    (deleted_with_its_holder, plainly, Code::Revoked),
    (leaked, plainly, Code::Revoked),
    (revoked, plainly, Code::Revoked),
    (revoked_by_one_row, plainly, Code::Revoked),
    (rotated, plainly, Code::Revoked),
    (holder_inactive, plainly, Code::Suspended),
    (account_closed, plainly, Code::Suspended),
    (expired, plainly, Code::Expired),
    (outlived, plainly, Code::Expired),
    (pending, plainly, Code::Pending),
    (pending_after_a_return, plainly, Code::Pending),
    (not_yet, plainly, Code::NotYetValid),
    (demoted, plainly, Code::InsufficientPermission),
    (role_gone, plainly, Code::InsufficientPermission),
    (elsewhere_only, plainly, Code::InsufficientPermission),
    (from_elsewhere, plainly, Code::OutOfScope),
    (of_a_rival, plainly, Code::WrongAccount),
    (nothing, by_who_may_know_of_nobody, Code::NotFound),
    (tied, from_inside, Code::Valid),
    (tied, from_outside, Code::AddressNotAllowed),
    (tied, plainly, Code::AddressNotAllowed),
    (nothing, once_too_often, Code::RateLimited),
    (tied, once_too_often, Code::AddressNotAllowed),
    (expired, once_too_often, Code::Expired),
];

/// Asks about `devices:read` at `/sales` in the account of the [`stage`].
fn asked<T>(asking: Asking, answer: impl FnOnce(&Ask<'_>) -> T) -> T {
    let (requirement, place, own) =
        (one("devices:read"), node("/sales"), World::of("default").account().id.clone());
    let mut ask =
        Ask { requirement: Some(&requirement), node: Some(&place), account: Some(&own), ..Ask::default() };
    asking(&mut ask);
    answer(&ask)
}

#[test]
fn each_situation_has_its_code() {
    for (nth, (situation, asking, code)) in CASES.into_iter().enumerate() {
        let (mut world, id) = stage();
        situation(&mut world, id);
        asked(asking, |ask| {
            let verdict = admit::admit(world.facts(id), ask, world.now.into());
            assert_eq!(verdict.code, code, "case {nth}");
            assert_eq!(verdict.is_valid(), code == Code::Valid);
            assert_eq!(
                verdict.rights.is_empty(),
                code != Code::Valid,
                "rights are told of a good token alone"
            );
            let told = !matches!(code, Code::NotFound | Code::WrongAccount);
            assert_eq!(verdict.facts.map(|facts| facts.token.id), told.then_some(id), "case {nth}");
        });
    }
}

/// What a door says of a text that the parser refuses: there are no facts to admit.
fn of_mistyped_text() -> Code {
    let parser = token::Parser::new([token::Brand::default()], false);
    assert!(parser.parse(b"jtn_pat_0123456789ab_mistyped").is_err());
    Verdict::unknown(Code::Malformed).code
}

#[test]
fn every_code_is_given_in_some_situation() {
    // A new code does not compile here until it stands in `ALL`, and then wants a case above.
    let place = |code| match code {
        Code::Valid => 0,
        Code::Malformed => 1,
        Code::NotFound => 2,
        Code::Expired => 3,
        Code::NotYetValid => 4,
        Code::Revoked => 5,
        Code::Suspended => 6,
        Code::Pending => 7,
        Code::InsufficientPermission => 8,
        Code::OutOfScope => 9,
        Code::WrongAccount => 10,
        Code::AddressNotAllowed => 11,
        Code::RateLimited => 12,
    };
    // That each of these is given indeed is what `each_situation_has_its_code` shows.
    let given: Vec<Code> = CASES.iter().map(|(.., code)| *code).chain([of_mistyped_text()]).collect();
    for (at, code) in Code::ALL.into_iter().enumerate() {
        assert_eq!(place(code), at);
        assert!(given.contains(&code), "no case gives {}", code.as_str());
    }
    let words: std::collections::BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(words.len(), Code::ALL.len());
}

#[rstest]
#[case::in_one_range("10.255.255.255", Code::Valid)]
#[case::in_the_other("2001:db8::77", Code::Valid)]
#[case::as_ipv6("::ffff:10.1.2.3", Code::Valid)]
#[case::in_none("192.0.2.1", Code::AddressNotAllowed)]
#[case::in_none_as_ipv6("::ffff:192.0.2.1", Code::AddressNotAllowed)]
#[case::of_the_other_family("::1", Code::AddressNotAllowed)]
fn a_token_with_addresses_is_good_from_one_of_them(#[case] address: &str, #[case] code: Code) {
    let (mut world, id) = stage();
    tied(&mut world, id);
    let ask = Ask { address: Some(address.parse().unwrap()), ..Ask::default() };
    assert_eq!(admit::admit(world.facts(id), &ask, world.now.into()).code, code);
}

#[test]
fn the_address_comes_after_the_state_and_before_the_place_and_the_limits_come_last() {
    let (mut world, id) = stage();
    tied(&mut world, id);
    let (requirement, place) = (one("billing:read"), node("/lab"));
    let mut ask = Ask { requirement: Some(&requirement), node: Some(&place), spent: true, ..Ask::default() };
    assert_eq!(admit::admit(world.facts(id), &ask, world.now.into()).code, Code::AddressNotAllowed);
    from_inside(&mut ask);
    assert_eq!(admit::admit(world.facts(id), &ask, world.now.into()).code, Code::OutOfScope);
    ask.node = None;
    assert_eq!(admit::admit(world.facts(id), &ask, world.now.into()).code, Code::InsufficientPermission);
    ask.requirement = None;
    assert_eq!(admit::admit(world.facts(id), &ask, world.now.into()).code, Code::RateLimited);
    ask.spent = false;
    assert_eq!(admit::admit(world.facts(id), &ask, world.now.into()).code, Code::Valid);
    from_outside(&mut ask);
    not_yet(&mut world, id);
    assert_eq!(admit::admit(world.facts(id), &ask, world.now.into()).code, Code::NotYetValid);
    revoked(&mut world, id);
    assert_eq!(admit::admit(world.facts(id), &ask, world.now.into()).code, Code::Revoked);
}

#[test]
fn conditions_outlast_an_edit_and_go_over_to_the_token_that_replaces_it() {
    let (mut world, id) = stage();
    tied(&mut world, id);
    let conditions = world.token(id).conditions.clone();
    let by = world.session(world.token(id).holder);
    world.edit(&by, id, &Edit { name: Some("writer".into()), ..Edit::default() }).unwrap();
    assert_eq!(world.token(id).conditions, conditions);
    let new = world.rotate(&by, id, "1 day").unwrap();
    assert_eq!(world.token(new).conditions, conditions);
    assert_eq!((world.verify(id), world.verify(new)), (Code::AddressNotAllowed, Code::AddressNotAllowed));
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
    assert_eq!(admit::admit(world.facts(id), &ask, world.now.into()).code, code);
}

#[rstest]
#[case::all_of_nothing(Requirement::All(vec![]))]
#[case::any_of_nothing(Requirement::Any(vec![]))]
#[case::all_with_one_unknown(Requirement::All(vec![one("devices:read"), one("rockets:launch")]))]
#[case::nested_nothing(Requirement::Any(vec![Requirement::All(vec![])]))]
fn what_asks_for_nothing_or_for_the_unknown_is_not_met(#[case] requirement: Requirement) {
    let (world, id) = stage();
    let ask = Ask { requirement: Some(&requirement), ..Ask::default() };
    assert_eq!(admit::admit(world.facts(id), &ask, world.now.into()).code, Code::InsufficientPermission);
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
    assert_eq!(admit::admit(world.facts(id), &ask, world.now.into()).code, Code::OutOfScope);
    not_yet(&mut world, id);
    assert_eq!(admit::admit(world.facts(id), &ask, world.now.into()).code, Code::NotYetValid);
    revoked(&mut world, id);
    assert_eq!(admit::admit(world.facts(id), &ask, world.now.into()).code, Code::Revoked);
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
        let verdict = admit::admit(world.facts(id), &ask, world.now.into());
        assert_eq!(verdict.code, code, "{ask:?}");
        assert!(verdict.facts.is_none() && verdict.rights.is_empty() && verdict.cacheable_for_ms == 0);
    }
    let known = [other, own.clone()];
    let ask = Ask { horizon: Some(&known), account: Some(&own), ..Ask::default() };
    assert_eq!(admit::admit(world.facts(id), &ask, world.now.into()).code, Code::Revoked);
}

#[test]
fn a_refresh_token_is_nothing_that_a_service_accepts() {
    let (world, id) = stage();
    let mut facts = world.facts(id);
    facts.token.id.kind = token::Kind::Rft;
    let verdict = admit::admit(facts, &Ask::default(), world.now.into());
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
    let verdict = admit::admit(world.facts(id), &Ask::default(), world.now.into());
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
    assert_eq!(world.verify(session.token().unwrap().id), Code::Suspended);
    assert_eq!(world.verify(id), Code::Valid);
    world.remove(&by, member).unwrap();
    assert_eq!(world.verify(session.token().unwrap().id), Code::Suspended);
    assert_eq!(world.verify(id), Code::Valid);
}

#[test]
fn what_ends_is_over_at_the_latest_time_that_it_can_be_and_what_begins_waits_for_the_earliest() {
    let (mut world, id) = stage();
    let (start, end) = (world.now.plus(&period("1 day")), world.token(id).life.expires_at.unwrap());
    world.set_token(id, |token| token.life.not_before = Some(start));
    let within =
        |a, b| admit::admit(world.facts(id), &Ask::default(), Moment { earliest: a, latest: b }).code;
    let before = |at: Timestamp| at.plus_micros(-1);
    assert_eq!(within(before(start), start.next()), Code::NotYetValid, "it may not have begun");
    assert_eq!(within(start, start.next()), Code::Valid);
    assert_eq!(within(start, before(end)), Code::Valid);
    assert_eq!(within(before(end), end), Code::Expired, "it may have ended");

    world.now = start;
    let by = world.session(world.owner);
    world.rotate(&by, id, "1 day").unwrap();
    let until = world.token(id).life.grace_until.unwrap();
    let within = |a, b| admit::admit(world.facts(id), &Ask::default(), Moment { earliest: a, latest: b });
    assert!(within(start, before(until)).is_valid());
    assert_eq!(within(start, until).code, Code::Revoked, "its grace may be over");
    world.set_policy(|policy| policy.cache_ms = 3_600_000);
    let verdict = admit::admit(
        world.facts(id),
        &Ask::default(),
        Moment { earliest: start, latest: until.plus_micros(-5_000) },
    );
    assert_eq!(verdict.cacheable_for_ms, 5, "nor is it kept beyond the latest");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_condition_or_a_limit_never_makes_an_ask_good_that_was_not(
        case in 0..CASES.len(),
        ranges in prop::collection::vec(prop::sample::select(vec!["10.0.0.0/8", "0.0.0.0/0", "::/0", "192.0.2.1"]), 0..3),
        address in prop::option::of(prop::sample::select(vec!["10.1.2.3", "192.0.2.1", "2001:db8::1", "::ffff:10.0.0.1"])),
        spent: bool,
    ) {
        let (mut world, id) = stage();
        let (situation, asking, _) = CASES[case];
        situation(&mut world, id);
        asked(asking, |ask| {
            world.set_token(id, |token| token.conditions = Conditions::default());
            let mut ask = Ask { address: address.map(|address| address.parse().unwrap()), spent: false, ..*ask };
            let without = admit::admit(world.facts(id), &ask, world.now.into()).code;
            tie(&mut world, id, &ranges);
            ask.spent = spent;
            let with = admit::admit(world.facts(id), &ask, world.now.into()).code;
            let narrower = [Code::AddressNotAllowed, Code::RateLimited];
            prop_assert!(with == without || narrower.contains(&with), "{:?} became {:?}", without, with);
            prop_assert!(without == Code::Valid || with != Code::Valid);
            Ok(())
        })?;
    }

    #[test]
    fn not_knowing_the_time_exactly_never_makes_an_ask_good_that_was_not(
        case in 0..CASES.len(),
        before in 0i64..200 * DAY,
        after in 0i64..200 * DAY,
    ) {
        let (mut world, id) = stage();
        let (situation, asking, _) = CASES[case];
        situation(&mut world, id);
        let (earliest, latest) = (world.now.plus_micros(-before), world.now.plus_micros(after));
        asked(asking, |ask| {
            let within = |moment| admit::admit(world.facts(id), ask, moment).code;
            if within(Moment { earliest, latest }) == Code::Valid {
                for at in [earliest, world.now, latest] {
                    prop_assert_eq!(within(at.into()), Code::Valid);
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_verdict_is_valid_only_for_a_good_state_in_scope(hours in 0u32..4000, depth in 0usize..3) {
        let (mut world, id) = stage();
        world.wait(&format!("{hours} hours"));
        let at: NodePath = node(["/sales", "/sales/a", "/"][depth]);
        let ask = Ask { node: Some(&at), ..Ask::default() };
        let verdict = admit::admit(world.facts(id), &ask, world.now.into());
        let expected = world.state(id).is_good() && world.token(id).node.covers(&at);
        prop_assert_eq!(verdict.is_valid(), expected);
    }
}
