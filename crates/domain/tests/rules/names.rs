//! Authority that comes by a name: a role's in the policy, and a user's in the product.

use domain::bindings::Bound;
use domain::lifecycle::{AskedGrant, Create};
use domain::members::{self, Join, Login};
use domain::policy::{Reach, RoleNames};
use domain::refusal::{Code, Refusal};
use domain::roles;
use domain::who::{By, Caller};

use crate::world::{World, named, node};

fn member(by: &Caller, order: &Join) -> Result<(), Refusal> {
    members::join(by, order, "mem_0123456789ab".parse().unwrap(), Login::None).map(drop)
}

fn service_account(by: &Caller, order: &Join) -> Result<(), Refusal> {
    members::join_service_account(by, order, "sac_0123456789ab".parse().unwrap()).map(drop)
}

#[test]
fn a_users_name_in_the_product_is_given_by_whoever_may_do_everything_here() {
    let mut world = World::of("default");
    world.add_node("/sales");
    let admin = world.join("Abe", "Admin");
    let (admin, mut owner) = (world.session(admin), world.session(world.owner));
    let u8 = Join {
        name: "Boss".into(),
        role: Some("Viewer".into()),
        external_id: Some("u-8".into()),
        ..Join::default()
    };
    for join in [member, service_account] {
        let refusal = join(&admin, &u8).unwrap_err();
        assert_eq!((refusal.code, refusal.field), (Code::Forbidden, Some("external_id")), "{refusal}");
        join(&admin, &Join { external_id: None, ..u8.clone() }).unwrap();
        join(&owner, &u8).unwrap();
    }
    // Who came for a part of the tree may not do everything, whoever they are.
    let By::Token(session) = &mut owner.by else { panic!("a session is a token") };
    session.node = node("/sales");
    let there = vec![Bound { role: "Viewer".into(), node: node("/sales") }];
    let below = Join { role: None, bindings: there, ..u8 };
    assert_eq!(member(&owner, &below).unwrap_err().field, Some("external_id"));
    member(&owner, &Join { external_id: None, ..below }).unwrap();
}

/// Owners made a role that may do little and manages everybody's tokens, or makes tokens.
fn with_a_key_desk(managers: bool) -> World {
    let mut world = World::of("default");
    world.set_policy(|policy| policy.reach = Reach::Everything);
    let owner = world.session(world.owner);
    let permissions = ["tokens:read", "members:read"].map(String::from);
    let role = roles::create(&owner, "Key desk", &permissions, "rol_0123456789ab".parse().unwrap()).unwrap();
    world.carry_out_for(&owner, role.change).unwrap();
    let names = RoleNames::Named(vec!["Owner".into(), "Key desk".into()]);
    world.set_policy(|policy| {
        if managers {
            policy.managers = names;
        } else {
            policy.create.roles = names;
        }
    });
    world
}

#[test]
fn a_role_that_the_policy_names_is_given_by_those_who_do_what_it_is_named_for() {
    for (managers, word) in [(true, "manages everybody's tokens"), (false, "creates tokens")] {
        let mut world = with_a_key_desk(managers);
        let admin = world.join("Abe", "Admin");
        let by = world.session(admin);
        assert!(!by.manages() || !managers);
        let order = Join { name: "x".into(), role: Some("Key desk".into()), ..Join::default() };
        for join in [member, service_account] {
            let refusal = join(&by, &order).unwrap_err();
            assert_eq!((refusal.code, refusal.field), (Code::Forbidden, Some("role")));
            assert!(refusal.detail.contains(word), "{refusal}");
        }
        // Nor to oneself.
        crate::world::refused(world.give_role(&by, admin, "Key desk"), Code::Forbidden, word);
        let owner = world.session(world.owner);
        member(&owner, &order).unwrap();

        // Whoever could write it into the policy may; they could have it so in another way.
        world.set_account(|account| {
            let policy = domain::permission::POLICY_UPDATE;
            let admin = account.roles.iter_mut().find(|role| role.name == "Admin").unwrap();
            admin.permissions = admin.permissions | policy;
        });
        let by = world.session(admin);
        member(&by, &order).unwrap();
    }
}

#[test]
fn a_role_named_for_making_tokens_is_bound_nowhere_by_those_who_make_none_there() {
    let mut world = with_a_key_desk(false);
    world.add_node("/sales");
    let admin = world.join("Abe", "Admin");
    let by = world.session(admin);
    let bound = Bound { role: "Key desk".into(), node: node("/sales") };
    let order = Join { name: "x".into(), bindings: vec![bound], ..Join::default() };
    let refusal = member(&by, &order).unwrap_err();
    assert_eq!((refusal.code, refusal.field), (Code::Forbidden, Some("bindings")));
    let desk = world.role("Key desk");
    world.bind(admin, desk, &node("/sales"));
    let by = world.session(admin);
    member(&by, &order).unwrap();
}

#[test]
fn a_managers_token_that_manages_no_tokens_names_no_managers() {
    let mut world = with_a_key_desk(true);
    let owner = world.session(world.owner);
    let list = |names: &[&str]| Create {
        permission: Some(AskedGrant::List(names.iter().map(|&name| name.into()).collect())),
        ..named("inviter")
    };
    let order = Join { name: "x".into(), role: Some("Key desk".into()), ..Join::default() };
    let few = world.create(&owner, &list(&["members:create", "members:read", "tokens:read"])).unwrap();
    let by = world.bearer(few);
    assert!(member(&by, &order).unwrap_err().detail.contains("manages everybody's tokens"));
    let all = ["create", "read", "update", "delete"].map(|action| format!("tokens:{action}"));
    let all: Vec<&str> = all.iter().map(String::as_str).chain(["members:create", "members:read"]).collect();
    let all = world.create(&owner, &list(&all)).unwrap();
    member(&world.bearer(all), &order).unwrap();
}

#[test]
fn every_preset_lets_its_managers_give_every_role_that_they_gave_before() {
    for preset in domain::preset::Preset::all() {
        let mut world = World::of(&preset.name);
        let roles: Vec<String> = world.account().roles.iter().map(|role| role.name.clone()).collect();
        for giver in &roles {
            let id = world.join("Giver", giver);
            let by = world.session(id);
            let root = node("/");
            if !by.rights(&root).contains(domain::permission::MEMBERS_CREATE) {
                continue;
            }
            for given in &roles {
                let within =
                    by.rights(&root).contains(world.account().role_named(given).unwrap().permissions);
                let order = Join { name: "x".into(), role: Some(given.clone()), ..Join::default() };
                let joined = member(&by, &order);
                assert_eq!(joined.is_ok(), within, "{}: {giver} gives {given}: {joined:?}", preset.name);
            }
        }
    }
}
