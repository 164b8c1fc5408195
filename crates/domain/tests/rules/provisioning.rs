//! The product says who its users and customers are; what it says twice changes nothing.

use std::collections::HashSet;

use domain::change::{Action, Actor, Expect};
use domain::facts::{Account, Holder};
use domain::ids::{ExternalId, HolderId, MemberId, RoleId};
use domain::permission::Registry;
use domain::policy::{OnRemove, OnReturn};
use domain::preset::Preset;
use domain::provision::{self, Founding, Hand, Outcome, Put, PutAccount, PutMember};
use domain::refusal::{Code, Refusal};
use proptest::prelude::*;
use token::SystemEntropy;

use crate::world::{Failed, World, named, refused};

fn hand(world: &World) -> Hand {
    Hand { actor: Actor::Service("svc_0123456789ab".parse().unwrap()), now: world.now }
}

fn vic() -> PutMember {
    PutMember {
        external_id: ExternalId::parse("u-7").unwrap(),
        name: "Vic".into(),
        email: None,
        role: "Member".into(),
        active: None,
        metadata: None,
    }
}

/// Who has that name now.
fn found(world: &World, name: &str) -> Option<Holder> {
    world
        .holders()
        .find(|holder| holder.external_id.as_deref() == Some(name) && holder.standing.removed_at.is_none())
        .cloned()
}

fn decide(world: &World, order: &PutMember) -> Result<Put<Holder>, Refusal> {
    let before = found(world, order.external_id.as_str());
    provision::put_member(&hand(world), world.account(), before, order, || MemberId::draw(&SystemEntropy))
}

fn put(world: &mut World, order: &PutMember) -> Result<(Outcome, HolderId), Failed> {
    let put = decide(world, order)?;
    world.carry_out(put.change)?;
    // Versions are the store's to count.
    let row = Holder { version: put.row.version, ..world.holder(put.row.id).clone() };
    assert_eq!(row, put.row, "the row is answered as it stands");
    Ok((put.outcome, put.row.id))
}

fn remove(world: &mut World, name: &str) -> Result<(), Failed> {
    let holder = found(world, name).expect("they are here");
    let (_, change) = provision::remove_member(&hand(world), world.account(), holder);
    world.carry_out(change)
}

fn order() -> impl Strategy<Value = PutMember> {
    let role = prop::sample::select(vec!["Owner", "Admin", "Member", "Viewer"]);
    let email = prop::option::of(prop::sample::select(vec!["vic@example.com", "VIC@example.com"]));
    let metadata = prop::option::of(prop::sample::select(vec![r#"{}"#, r#"{"a":1}"#]));
    let name = prop::sample::select(vec!["Vic", " Vic ", "Victor"]);
    (name, role, email, prop::option::of(any::<bool>()), metadata).prop_map(
        |(name, role, email, active, metadata)| PutMember {
            name: name.into(),
            role: role.into(),
            email: email.map(Into::into),
            active,
            metadata: metadata.map(|text| serde_json::from_str(text).unwrap()),
            ..vic()
        },
    )
}

proptest! {
    #[test]
    fn the_same_again_is_no_change(orders in prop::collection::vec(order(), 1..8)) {
        let mut world = World::of("default");
        for order in &orders {
            let before = found(&world, "u-7");
            let (outcome, id) = put(&mut world, order).unwrap();
            prop_assert_eq!(outcome == Outcome::Created, before.is_none());
            let holder = world.holder(id);
            prop_assert_eq!(holder.is_active(), order.active.unwrap_or(before.is_none_or(|was| was.is_active())));
            let journal = world.journal().len();
            let again = decide(&world, order).unwrap();
            prop_assert_eq!(again.outcome, Outcome::Unchanged);
            prop_assert!(again.change.writes.is_empty() && again.change.entries.is_empty());
            prop_assert!(world.journal().len() == journal);
        }
    }

    #[test]
    fn another_role_or_a_stop_narrows(first in order(), second in order()) {
        let mut world = World::of("default");
        put(&mut world, &first).unwrap();
        let was = found(&world, "u-7").unwrap();
        let put = decide(&world, &second).unwrap();
        let stops = was.is_active() && !put.row.is_active();
        prop_assert_eq!(put.change.narrows, stops || was.role() != put.row.role());
    }
}

#[test]
fn roles_bound_elsewhere_stay() {
    let mut world = World::of("default");
    let (_, id) = put(&mut world, &vic()).unwrap();
    let (role, sales) = (world.role("Admin"), world.add_node("/sales"));
    world.bind(id, role, &sales);
    put(&mut world, &PutMember { role: "Viewer".into(), ..vic() }).unwrap();
    let bindings = &world.holder(id).bindings;
    assert_eq!((bindings.len(), bindings[1].role, &bindings[1].node), (2, role, &sales));
}

#[test]
fn a_return_is_as_the_policy_says() {
    let mut world = World::of("default");
    world.set_policy(|policy| policy.on_return = OnReturn::Approve);
    let (_, id) = put(&mut world, &vic()).unwrap();
    let by = world.session(id);
    let token = world.create(&by, &named("CI")).unwrap();
    put(&mut world, &PutMember { active: Some(false), ..vic() }).unwrap();
    world.wait("1 hour");
    put(&mut world, &PutMember { active: Some(true), ..vic() }).unwrap();
    assert_eq!(world.state(token), domain::life::State::Pending);
}

#[test]
fn whoever_was_removed_comes_again_as_somebody_else() {
    let mut world = World::of("default");
    let (_, first) = put(&mut world, &vic()).unwrap();
    remove(&mut world, "u-7").unwrap();
    let (outcome, second) = put(&mut world, &vic()).unwrap();
    assert!(outcome == Outcome::Created && first != second);
    assert!(world.holder(first).standing.removed_at.is_some());
}

#[test]
fn a_removal_is_as_the_policy_says() {
    let mut world = World::of("default");
    world.set_policy(|policy| policy.on_remove = OnRemove::Refuse);
    let (_, id) = put(&mut world, &vic()).unwrap();
    let by = world.session(id);
    world.create(&by, &named("CI")).unwrap();
    refused(remove(&mut world, "u-7"), Code::WrongState, "active tokens");
    world.set_policy(|policy| policy.on_remove = OnRemove::Delete);
    remove(&mut world, "u-7").unwrap();
}

#[test]
fn a_creation_rests_on_the_name_being_nobodys() {
    let mut world = World::of("default");
    let slow = decide(&world, &vic()).unwrap();
    put(&mut world, &vic()).unwrap();
    assert_eq!(world.carry_out(slow.change), Err(Failed::Conflict));
}

#[test]
fn many_decisions_are_one_change_that_asks_once() {
    let world = World::of("default");
    let orders = ["u-1", "u-2", "u-3"].map(|name| PutMember {
        external_id: ExternalId::parse(name).unwrap(),
        active: Some(name != "u-2"),
        ..vic()
    });
    let all = provision::together(orders.iter().map(|order| decide(&world, order).unwrap().change));
    assert_eq!((all.writes.len(), all.entries.len()), (3, 4));
    let names = orders.map(|order| order.external_id).to_vec();
    let (id, version) = (world.account().id.clone(), world.account().version);
    assert_eq!(all.expects, [Expect::Account(id.clone(), version), Expect::NobodyNamed(id, names)]);
}

fn customer(name: &str) -> PutAccount {
    PutAccount {
        external_id: ExternalId::parse("c-1").unwrap(),
        id: None,
        name: name.into(),
        preset: None,
        metadata: None,
    }
}

fn put_account(
    founding: &mut Founding<'_>,
    found: Option<&Account>,
    order: &PutAccount,
) -> Result<Put<Account>, Refusal> {
    let hand = Hand { actor: Actor::Operator, now: crate::world::at("2026-06-01T12:00:00Z") };
    let draw = || RoleId::draw(&SystemEntropy);
    provision::put_account(&hand, founding, found, order, draw, || "abc123".into())
}

#[test]
fn an_id_is_made_of_the_name() {
    for (name, id) in [
        ("Acme", "acme"),
        ("  Müller & Söhne ", "muller-sohne"),
        ("A.B.C. 2000", "a-b-c-2000"),
        ("東京", "account"),
        ("x", "account"),
        ("by external id", "account"),
    ] {
        assert_eq!(customer(name).wanted().as_str(), id, "{name}");
    }
    assert!(customer(&"long name ".repeat(9)).wanted().as_str().len() <= 40);
}

#[test]
fn an_id_that_is_taken_gets_a_few_characters_more() {
    let preset = Preset::named("default").unwrap();
    let mut founding =
        Founding { preset, registry: Registry::default(), taken: HashSet::from(["acme".parse().unwrap()]) };
    let made = put_account(&mut founding, None, &customer("Acme")).unwrap();
    assert_eq!(made.row.id.as_str(), "acme-abc123");
    let long = customer(&"a".repeat(50));
    founding.taken.insert(long.wanted());
    assert_eq!(put_account(&mut founding, None, &long).unwrap().row.id.as_str().len(), 40);
    let asked = PutAccount { id: Some("acme".parse().unwrap()), ..customer("Acme") };
    assert_eq!(put_account(&mut founding, None, &asked).unwrap_err().code, Code::NameTaken);
}

#[test]
fn permissions_are_named_once_however_many_accounts_bring_them() {
    let preset = Preset::named("tagoio").unwrap();
    let mut founding = Founding { preset, registry: Registry::default(), taken: HashSet::new() };
    let first = put_account(&mut founding, None, &customer("One")).unwrap();
    let second = put_account(&mut founding, None, &customer("Two")).unwrap();
    assert!(first.change.writes.len() > 1);
    assert_eq!(second.change.writes.len(), 1);
    let again = put_account(&mut founding, Some(&first.row), &customer("One")).unwrap();
    assert_eq!(again.outcome, Outcome::Unchanged);
    let renamed = put_account(&mut founding, Some(&first.row), &customer("Uno")).unwrap();
    assert_eq!(renamed.change.entries[0].action, Action::AccountEdited);
}
