//! The tree in use: who may do what at a place, give roles there, link installations, and close the
//! whole account.

use domain::accounts::{self, As};
use domain::bindings::Bound;
use domain::change::{Action, Change, Condition, Expect, Write};
use domain::facts::Installation;
use domain::ids::{HolderId, InstallationId};
use domain::installations::{self, Edit};
use domain::lifecycle::Create;
use domain::members::{self, Join, Login};
use domain::node::NodePath;
use domain::nodes;
use domain::permission::{NODES_CREATE, NODES_READ};
use domain::policy::{Ceiling, HolderChoice};
use domain::refusal::{Code, Refusal};
use domain::who::{By, Caller};

use crate::world::{Failed, World, named, node, refused};

/// Cockpit's tree with two organizations, and an environment in the first.
fn cockpit() -> World {
    let mut world = World::of("cockpit");
    for path in ["/sales", "/sales/prod", "/lab"] {
        world.add_node(path);
    }
    world
}

fn bound(role: &str, at: &str) -> Bound {
    Bound { role: role.into(), node: node(at) }
}

/// A member with a role at one place alone.
fn at(world: &mut World, name: &str, role: &str, place: &str) -> HolderId {
    let id = world.join(name, "ACCOUNT_USER");
    let role = world.role(role);
    world.set_holder(id, |holder| holder.bindings.clear());
    world.bind(id, role, &node(place));
    id
}

fn bind(world: &mut World, by: HolderId, whom: HolderId, roles: Vec<Bound>) -> Result<(), Failed> {
    let by = world.session(by);
    let edit = members::Edit { bindings: Some(roles), ..members::Edit::default() };
    world.member(&by, |holder| members::edit(&by, holder.clone(), &edit), whom)
}

#[test]
fn whoever_runs_a_part_of_the_tree_says_who_may_do_what_in_it() {
    let mut world = cockpit();
    let ola = at(&mut world, "Ola", "ORGANIZATION_PRIMARY_OWNER", "/sales");
    let uma = at(&mut world, "Uma", "ENVIRONMENT_USER", "/sales/prod");
    bind(&mut world, ola, uma, vec![bound("ORGANIZATION_OWNER", "/sales")]).unwrap();
    assert_eq!(world.holder(uma).bindings[0].node, node("/sales"));
    let entry = world.journal().last().unwrap();
    assert_eq!(entry.action, Action::MemberEdited);
    assert_eq!(
        entry.payload["bindings"],
        serde_json::json!([{ "role": "ORGANIZATION_OWNER", "node": "/sales" }])
    );
    assert_eq!(entry.payload["was"]["bindings"][0]["node"], "/sales/prod");

    let refuse = |world: &mut World, roles, code, word| {
        refused(bind(world, ola, uma, roles), code, word);
    };
    // Not beside it, not above it, not more than they have, and not what does not exist.
    refuse(&mut world, vec![bound("ORGANIZATION_USER", "/lab")], Code::Forbidden, "does not have here");
    refuse(&mut world, vec![bound("ORGANIZATION_USER", "/")], Code::Forbidden, "does not have here");
    refuse(
        &mut world,
        vec![bound("ACCOUNT_PRIMARY_OWNER", "/sales")],
        Code::Forbidden,
        "may do more than you",
    );
    refuse(&mut world, vec![bound("EMPEROR", "/sales")], Code::InvalidField, "no role EMPEROR");
    refuse(&mut world, vec![], Code::InvalidField, "Name a role");
    let twice = vec![bound("ORGANIZATION_USER", "/sales"), bound("ORGANIZATION_OWNER", "/sales")];
    refuse(&mut world, twice, Code::InvalidField, "one role at a node");
}

#[test]
fn nobody_changes_somebody_who_may_do_more_where_the_change_reaches() {
    let mut world = cockpit();
    let ola = at(&mut world, "Ola", "ORGANIZATION_OWNER", "/sales");
    // The account's owner has a role down there, too.
    let owner = world.owner;
    let user = world.role("ENVIRONMENT_USER");
    world.bind(owner, user, &node("/sales/prod"));
    let primary = bound("ACCOUNT_PRIMARY_OWNER", "/");
    refused(bind(&mut world, ola, owner, vec![primary]), Code::Forbidden, "may do more than you");
    // And somebody whose roles are elsewhere keeps those: what is not changed is not asked about.
    let mia = at(&mut world, "Mia", "ENVIRONMENT_USER", "/sales/prod");
    world.bind(mia, user, &node("/lab"));
    let lab = bound("ENVIRONMENT_USER", "/lab");
    bind(&mut world, ola, mia, vec![lab.clone(), bound("ENVIRONMENT_OWNER", "/sales/prod")]).unwrap();
    bind(&mut world, ola, mia, vec![lab]).unwrap();
    refused(
        bind(&mut world, ola, mia, vec![bound("ENVIRONMENT_USER", "/sales/prod")]),
        Code::Forbidden,
        "does not have here",
    );
}

#[test]
fn a_part_of_the_tree_stops_its_own_people_and_no_others() {
    let mut world = cockpit();
    let ola = at(&mut world, "Ola", "ORGANIZATION_OWNER", "/sales");
    let own = at(&mut world, "Uma", "ENVIRONMENT_USER", "/sales/prod");
    let other = at(&mut world, "Leo", "ENVIRONMENT_USER", "/lab");
    let both = at(&mut world, "Bea", "ENVIRONMENT_USER", "/lab");
    let user = world.role("ENVIRONMENT_USER");
    world.bind(both, user, &node("/sales/prod"));
    let by = world.session(ola);
    world.deactivate(&by, own).unwrap();
    world.reactivate(&by, own).unwrap();
    for whom in [other, both] {
        refused(world.deactivate(&by, whom), Code::Forbidden, "does not have here");
    }
    // Where tokens keep what they were given once, only the whole account is enough.
    world.set_policy(|policy| policy.permission.ceiling = Ceiling::Frozen);
    let by = world.session(ola);
    refused(world.deactivate(&by, own), Code::Forbidden, "does not have here");
}

#[test]
fn somebody_joins_where_whoever_adds_them_may_add_somebody() {
    let mut world = cockpit();
    let ola = at(&mut world, "Ola", "ORGANIZATION_OWNER", "/sales");
    let by = world.session(ola);
    let join = |order: Join| members::join(&by, &order, "mem_0123456789ab".parse().unwrap(), Login::None);
    let named = |bindings: Vec<Bound>| Join { name: "Uma".into(), bindings, ..Join::default() };
    let joined = join(named(vec![bound("ENVIRONMENT_USER", "/sales/prod")])).unwrap();
    assert_eq!(joined.holder.role(), None);
    assert!(joined.change.expects.contains(&Expect::Node(by.account.id.clone(), node("/sales/prod"))));
    let no = |order: Join| join(order).unwrap_err().code;
    assert_eq!(no(named(vec![bound("ENVIRONMENT_USER", "/lab")])), Code::Forbidden);
    assert_eq!(no(Join { role: Some("ENVIRONMENT_USER".into()), ..named(vec![]) }), Code::Forbidden);
    assert_eq!(no(named(vec![])), Code::InvalidField);
}

#[test]
fn the_last_owner_keeps_the_strongest_role_whichever_way_it_is_taken() {
    let mut world = cockpit();
    let owner = world.owner;
    let roles = vec![bound("ACCOUNT_PRIMARY_OWNER", "/sales")];
    refused(bind(&mut world, owner, owner, roles), Code::WrongState, "last active member");
}

#[test]
fn a_token_for_one_place_does_nothing_beside_it() {
    let mut world = cockpit();
    let mut by = world.session(world.owner);
    let By::Token(session) = &mut by.by else { panic!("a session is a token") };
    session.node = node("/sales");
    let add = |path: &str| nodes::add(&by, &node(path), "New").map(|(node, _)| node.path);
    assert_eq!(add("/sales/test").unwrap(), node("/sales/test"));
    for path in ["/lab/test", "/west"] {
        assert_eq!(add(path).unwrap_err().code, Code::Forbidden, "{path}");
    }
    assert!(by.has_somewhere(NODES_CREATE) && by.needs_somewhere(NODES_READ).is_ok());
    let lab = world.add_node("/lab/prod");
    let row = |path: &NodePath| domain::facts::Node { path: path.clone(), ..nodes::root(world.account()) };
    assert_eq!(nodes::rename(&by, row(&lab), "Ours").unwrap_err().code, Code::Forbidden);
    let (renamed, change) = nodes::rename(&by, row(&node("/sales/prod")), "Ours").unwrap();
    assert_eq!((renamed.name.as_str(), change.entries[0].action), ("Ours", Action::NodeEdited));
    let whole = world.session(world.owner);
    let root = nodes::rename(&whole, nodes::root(&whole.account), "Ours").unwrap_err();
    assert_eq!(root.code, Code::WrongState);
}

#[test]
fn a_manager_who_signed_in_for_a_part_of_the_tree_manages_the_tokens_of_that_part() {
    let mut world = World::of("default");
    world.set_policy(|policy| policy.create.holder.push(HolderChoice::Member));
    world.add_node("/sales");
    let cy = world.join("Cy", "Member");
    let session = world.session(cy);
    let at = |place: &str| Create { node: Some(node(place)), ..named(place) };
    let here = world.create(&session, &at("/sales")).unwrap();
    let there = world.create(&session, &at("/")).unwrap();
    let mut by = world.session(world.owner);
    let own = world.create(&by, &at("/")).unwrap();
    let By::Token(credential) = &mut by.by else { panic!("a session is a token") };
    credential.node = node("/sales");
    assert!(!by.manages() && by.manages_at(&node("/sales")));
    assert!(by.sees(world.token(here)));
    for hidden in [there, own] {
        assert!(!by.sees(world.token(hidden)));
        refused(world.revoke(&by, hidden), Code::NotFound, "no such token");
    }
    let for_cy = |place: &str| Create { holder: Some(cy), ..at(place) };
    refused(world.create(&by, &for_cy("/")), Code::Forbidden, "reaches /sales");
    world.create(&by, &for_cy("/sales")).unwrap();
    world.revoke(&by, here).unwrap();
    world.approve(&by, here).unwrap();
    let whole = world.session(world.owner);
    assert!([here, there, own].into_iter().all(|id| whole.sees(world.token(id))));
}

const INSTALLATION: &str = "ins_0123456789ab";

fn made(by: &Caller, at: &[&str]) -> Result<(Installation, Change), Refusal> {
    let id: InstallationId = INSTALLATION.parse().unwrap();
    let at: Vec<NodePath> = at.iter().map(|at| node(at)).collect();
    let decided = installations::create(by, id, "Gateway", &at)?;
    Ok((decided.installation, decided.change))
}

fn linked(by: &Caller, installation: &Installation, to: &[&str]) -> Result<Installation, Refusal> {
    let nodes = Some(to.iter().map(|at| node(at)).collect());
    let edit = Edit { nodes, ..Edit::default() };
    installations::edit(by, installation.clone(), &edit).map(|decided| decided.installation)
}

#[test]
fn an_installation_is_linked_to_nodes_that_exist_by_whoever_has_the_permission() {
    let mut world = cockpit();
    let owner = world.session(world.owner);
    let (gateway, change) = made(&owner, &["/sales/prod", "/sales"]).unwrap();
    assert_eq!(gateway.nodes, [node("/sales"), node("/sales/prod")], "in the order of the tree");
    assert!(change.expects.contains(&Expect::Node(owner.account.id.clone(), node("/sales/prod"))));
    assert_eq!(change.entries[0].action, Action::InstallationCreated);
    assert_eq!(made(&owner, &["/sales", "/sales"]).unwrap_err().field, Some("nodes"));

    let decided = installations::edit(
        &owner,
        gateway.clone(),
        &Edit { name: Some("Edge".into()), nodes: Some(vec![NodePath::root()]) },
    )
    .unwrap();
    assert!(decided.change.expects.is_empty(), "the root is always there");
    assert_eq!(decided.change.entries[0].action, Action::InstallationEdited);
    let same = installations::edit(&owner, gateway.clone(), &Edit::default()).unwrap();
    assert!(same.change.writes.is_empty() && same.change.entries.is_empty());

    let uma = world.join("Uma", "ACCOUNT_USER");
    let user = world.session(uma);
    assert_eq!(made(&user, &[]).unwrap_err().code, Code::Forbidden);
    assert_eq!(linked(&user, &gateway, &[]).unwrap_err().code, Code::Forbidden);
    assert!(installations::reads(&user, &gateway));
    let gone = installations::delete(&owner, gateway).unwrap();
    assert!(matches!(gone.change.writes[..], [Write::DeleteInstallation(_)]));
}

#[test]
fn an_installation_is_linked_and_let_go_where_one_may_and_nowhere_else() {
    let mut world = cockpit();
    let whole = world.session(world.owner);
    let ola = at(&mut world, "Ola", "ORGANIZATION_PRIMARY_OWNER", "/sales");
    let ola = world.session(ola);
    let (both, _) = made(&whole, &["/sales", "/lab"]).unwrap();
    let (theirs, _) = made(&whole, &["/lab"]).unwrap();
    let (nowhere, _) = made(&whole, &[]).unwrap();
    for hidden in [&theirs, &nowhere] {
        assert!(!installations::knows(&ola, hidden), "{hidden:?}");
    }
    assert!(installations::reads(&ola, &both));
    assert_eq!(
        linked(&ola, &both, &["/lab", "/sales/prod"]).unwrap().nodes,
        [node("/lab"), node("/sales/prod")]
    );
    assert_eq!(linked(&ola, &both, &["/lab"]).unwrap().nodes, [node("/lab")], "lets go of its own");
    assert_eq!(linked(&ola, &both, &["/sales"]).unwrap_err().code, Code::Forbidden, "not of another's");
    let (own, _) = made(&ola, &["/sales"]).unwrap();
    assert_eq!(linked(&ola, &own, &[]).unwrap_err().code, Code::Forbidden, "nor hands it to the account");
    let rename = Edit { name: Some("Mine".into()), ..Edit::default() };
    assert_eq!(installations::edit(&ola, both.clone(), &rename).unwrap_err().code, Code::Forbidden);
    assert_eq!(installations::delete(&ola, both).unwrap_err().code, Code::Forbidden);
    assert!(installations::edit(&ola, own.clone(), &rename).is_ok());
    assert!(installations::delete(&ola, own).is_ok());
}

#[test]
fn an_account_is_renamed_by_whoever_may_change_its_policy_and_found_as_an_operator_says() {
    let mut world = World::of("default");
    let owner = world.session(world.owner);
    let account = world.account().clone();
    let rename = accounts::Edit { name: Some("Acme 2".into()), ..accounts::Edit::default() };
    let (renamed, change) = accounts::edit(&owner, As::Member, account.clone(), &rename).unwrap();
    assert_eq!((renamed.name.as_str(), change.entries[0].action), ("Acme 2", Action::AccountEdited));
    let found = accounts::Edit { external_id: Some(Some("c-1".into())), ..accounts::Edit::default() };
    let refusal = accounts::edit(&owner, As::Member, account.clone(), &found).unwrap_err();
    assert_eq!((refusal.code, refusal.field), (Code::Forbidden, Some("external_id")));
    let (found, change) = accounts::edit(&owner, As::Operator, account.clone(), &found).unwrap();
    assert_eq!(found.external_id.as_deref(), Some("c-1"));
    let besides = Some(account.id.clone());
    let free = Condition::AccountExternalIdFree { external_id: "c-1".into(), besides };
    assert!(change.guards.iter().any(|guard| guard.holds == free && guard.otherwise.code == Code::NameTaken));
    let admin = world.join("Abe", "Admin");
    let admin = world.session(admin);
    assert_eq!(
        accounts::edit(&admin, As::Member, account.clone(), &rename).unwrap_err().code,
        Code::Forbidden
    );

    let none = accounts::edit(&owner, As::Member, account.clone(), &accounts::Edit::default()).unwrap();
    assert!(none.1.writes.is_empty() && none.1.entries.is_empty());
    // Nobody locks the door behind themselves.
    assert_eq!(accounts::deactivate(&owner, account).unwrap_err().code, Code::WrongState);
}

#[test]
fn closing_an_account_narrows_and_opening_it_brings_back_what_was_good() {
    let mut world = World::of("default");
    let owner = world.session(world.owner);
    let token = world.create(&owner, &crate::world::named("ci")).unwrap();
    let mut elsewhere = owner.clone();
    let mut other = world.account().clone();
    other.id = "umbra".parse().unwrap();
    elsewhere.account = other.into();
    let account = world.account().clone();
    let (closed, change) = accounts::deactivate(&elsewhere, account).unwrap();
    assert!(change.narrows);
    assert_eq!(change.entries[0].account, Some(closed.id.clone()), "in its own journal");
    world.carry_out(change).unwrap();
    assert_eq!(world.state(token).as_str(), "suspended");
    let again = accounts::deactivate(&elsewhere, world.account().clone()).unwrap().1;
    assert!(again.writes.is_empty());
    let (_, change) = accounts::reactivate(&elsewhere, world.account().clone()).unwrap();
    world.carry_out(change).unwrap();
    assert!(world.state(token).is_good());
}
