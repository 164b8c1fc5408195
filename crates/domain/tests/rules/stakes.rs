//! What a role's edit would take from whom, told before it is made.

use domain::facts::Account;
use domain::grant::Grant;
use domain::lifecycle::{AskedGrant, Create};
use domain::node::NodePath;
use domain::policy::Ceiling;
use domain::roles::{self, Shift};

use crate::world::{World, named};

/// The account as it would be if a role allowed this alone.
fn if_only(world: &mut World, role: &str, permissions: &[&str]) -> Account {
    let by = world.session(world.owner);
    let permissions: Vec<String> = permissions.iter().map(|&name| name.into()).collect();
    roles::edit(&by, world.role(role), None, Some(&permissions)).unwrap().account
}

#[test]
fn what_somebody_keeps_by_another_role_is_not_lost() {
    let mut world = World::of("default");
    let (bob, eve) = (world.join("Bob", "Viewer"), world.join("Eve", "Member"));
    let site = world.add_node("/site");
    for id in [bob, eve] {
        world.bind(id, world.role("Viewer"), &site);
    }
    let after = if_only(&mut world, "Viewer", &["devices:read", "billing:read"]);
    let before = world.account();
    let bob = Shift::of_holder(world.holder(bob), before, &after);
    assert!(bob.lost.contains(world.permissions(&["files:read"])));
    assert_eq!(bob.gained, world.permissions(&["billing:read"]));
    // A member may do all of that everywhere; what is new holds for her too.
    let eve = Shift::of_holder(world.holder(eve), before, &after);
    assert!(eve.lost.is_empty());
    assert_eq!(eve.gained, world.permissions(&["billing:read"]));
    assert!(Shift::of_holder(world.holder(world.owner), before, &after).is_none());
}

#[test]
fn a_token_loses_what_its_grant_and_its_holder_lose_as_the_ceiling_says() {
    let mut world = World::of("default");
    let bob = world.join("Bob", "Viewer");
    let by = world.session(bob);
    let list = |names: &[&str]| AskedGrant::List(names.iter().map(|&name| name.into()).collect());
    let mut make = |name, permission| {
        let order = Create { permission: Some(permission), ..named(name) };
        world.create(&by, &order).unwrap()
    };
    let inherits = make("inherits", AskedGrant::Inherit);
    let files = make("files", list(&["files:read"]));
    let devices = make("devices", list(&["devices:read"]));
    let after = if_only(&mut world, "Viewer", &["devices:read"]);
    let frozen = |account: &Account| {
        let mut account = account.clone();
        account.policy.permission.ceiling = Ceiling::Frozen;
        account
    };
    let shift = |id, before: &Account, after: &Account| {
        let token = world.token(id);
        Shift::of_token(&token.grant, token.desk, &token.node, world.holder(bob), before, after)
    };
    let before = world.account();
    for (id, loses) in [(inherits, true), (files, true), (devices, false)] {
        let of_it = shift(id, before, &after);
        assert_eq!((of_it.lost.is_empty(), of_it.gained.is_empty()), (!loses, true), "{id}");
        // Where tokens keep what they were given once, a list stays whole.
        let kept = shift(id, &frozen(before), &frozen(&after));
        assert_eq!(kept.lost.is_empty(), id != inherits, "{id}");
    }

    // By a role of its own a token loses, whoever has it, and nothing at the desk that it never reached.
    let grant = Grant::Role(world.role("Viewer"));
    let of_owner =
        Shift::of_token(&grant, false, &NodePath::root(), world.holder(world.owner), before, &after);
    assert!(of_owner.lost.contains(world.permissions(&["files:read"])));
    assert!(!of_owner.lost.contains(world.permissions(&["tokens:read"])));
}
