//! Accounts: founding one from a preset, changing its policy, growing its tree.

use crate::change::{Action, Actor, Change, Condition, Entry, Expect, Write};
use crate::facts::{Account, Entity, Installation, Node, Role};
use crate::ids::{AccountId, InstallationId, RoleId};
use crate::node::NodePath;
use crate::permission::{
    INSTALLATIONS_CREATE, INSTALLATIONS_UPDATE, NODES_CREATE, POLICY_UPDATE, PermissionSet, Registry,
    RegistryFull,
};
use crate::policy::Policy;
use crate::preset::Preset;
use crate::refusal::{Code, Refusal};
use crate::text;
use crate::time::Timestamp;
use crate::who::Caller;

const NAME: usize = 100;

/// What a request says of a new account.
#[derive(Clone, Debug)]
pub struct Found {
    pub id: AccountId,
    pub name: String,
    pub external_id: Option<String>,
    pub metadata: Option<serde_json::Value>,
}

/// A founded account, and the registry with its permissions.
#[derive(Debug)]
pub struct Founded {
    pub account: Account,
    pub registry: Registry,
    pub change: Change,
}

/// Decides on a new account with copies of the preset's policy, entities and roles.
/// `draw` gives each role its id.
pub fn found(
    order: &Found,
    preset: &Preset,
    registry: &Registry,
    mut draw: impl FnMut() -> RoleId,
    actor: Actor,
    now: Timestamp,
) -> Result<Founded, Refusal> {
    let mut registry = registry.clone();
    let names = crate::preset::every_permission(&preset.entities)
        .map(|(entity, action)| format!("{entity}:{action}"));
    let full = |full: RegistryFull| Refusal::new(Code::LimitReached, format!("{full}."));
    let added = registry.extend(names).map_err(full)?;

    let role = |def: &crate::preset::RoleDef| {
        let names = def.expand(&preset.entities);
        let permissions: PermissionSet = names.iter().filter_map(|name| registry.find(name)).collect();
        Role { id: draw(), name: def.name.clone(), permissions }
    };
    let account = Account {
        id: order.id.clone(),
        name: text::name("name", &order.name, NAME)?,
        external_id: order
            .external_id
            .as_deref()
            .map(|external_id| text::name("external_id", external_id, 255))
            .transpose()?,
        metadata: order.metadata.as_ref().map(text::metadata).transpose()?.flatten(),
        preset: preset.name.clone(),
        created_at: now,
        inactive_since: None,
        policy: preset.policy.clone(),
        levels: preset.levels.clone(),
        entities: preset
            .entities
            .iter()
            .map(|entity| Entity { name: entity.name.clone(), actions: entity.actions.clone() })
            .collect(),
        roles: preset.roles.iter().map(role).collect(),
        version: 0,
    };
    let taken =
        Refusal::of_field(Code::NameTaken, "id", format!("There is an account {} already.", account.id));
    let entry = Entry {
        at: now,
        actor,
        account: Some(account.id.clone()),
        action: Action::AccountCreated,
        subject: account.id.to_string(),
        payload: serde_json::json!({ "name": account.name, "preset": account.preset }),
    };
    let free = Condition::AccountFree { account: account.id.clone() };
    let mut change = Change::default().guard(free, taken).entry(entry);
    for (bit, name) in added {
        change = change.write(Write::InsertPermission { bit, name });
    }
    let change = change.write(Write::InsertAccount(Box::new(account.clone())));
    Ok(Founded { account, registry, change })
}

/// Decides on another policy. It applies to every token at once.
pub fn change_policy(caller: &Caller, policy: Policy) -> Result<(Account, Change), Refusal> {
    caller.needs(POLICY_UPDATE)?;
    caller.needs_fresh()?;
    let mut account = (*caller.account).clone();
    let roles: Vec<&str> = account.roles.iter().map(|role| role.name.as_str()).collect();
    if let Err(faults) = policy.check(&roles) {
        let each: Vec<String> =
            faults.iter().map(|fault| format!("{}: {}", fault.field, fault.detail)).collect();
        return Err(Refusal::invalid("policy", each.join("; ")));
    }
    // Without the cap whoever creates tokens comes by more than they have, and so would whoever
    // may only write policies.
    if !policy.permission.cap && policy != account.policy {
        let everything: PermissionSet = account.roles.iter().map(|role| role.permissions).collect();
        let beyond = everything - caller.rights(&NodePath::root());
        if !beyond.is_empty() {
            let sentence = format!(
                "Where `permission.cap` is off tokens can do more than their makers, so the policy takes \
                 somebody who may do everything here; you may not {}.",
                caller.spell(beyond)
            );
            return Err(Refusal::of_field(Code::Forbidden, "permission.cap", sentence));
        }
    }
    let told = serde_json::json!({ "was": account.policy, "is": policy });
    account.policy = policy;
    let change = Change::default()
        .write(Write::UpdateAccount(Box::new(account.clone())))
        .entry(caller.entry(Action::PolicyChanged, &account.id, told))
        .narrowing();
    Ok((account, change))
}

/// Decides on a new node below one that exists.
pub fn add_node(caller: &Caller, path: &NodePath, name: &str) -> Result<(Node, Change), Refusal> {
    caller.needs_at(NODES_CREATE, path)?;
    let account = &caller.account;
    let Some(parent) = path.parent() else {
        return Err(Refusal::invalid(
            "path",
            "The root is there already; name a path below it, such as `/sales`.",
        ));
    };
    let levels = account.levels.len().saturating_sub(1);
    if path.depth() > levels {
        let sentence = format!(
            "This account's tree has {levels} levels below the account ({}).",
            account.levels.join(" > ")
        );
        return Err(Refusal::invalid("path", sentence));
    }
    let node = Node {
        account: account.id.clone(),
        path: path.clone(),
        name: text::name("name", name, NAME)?,
        created_at: caller.now,
    };
    let taken = Refusal::of_field(Code::NameTaken, "path", format!("There is a node {path} already."));
    let free = Condition::NodeFree { account: account.id.clone(), path: path.clone() };
    let mut change = Change::default()
        .guard(free, taken)
        .write(Write::InsertNode(node.clone()))
        .entry(caller.entry(Action::NodeCreated, path, serde_json::json!({ "name": node.name })));
    if !parent.is_root() {
        change = change.expect(Expect::Node(account.id.clone(), parent));
    }
    Ok((node, change))
}

/// Decides on a new installation, linked to nodes that exist.
pub fn add_installation(
    caller: &Caller,
    id: InstallationId,
    name: &str,
    nodes: Vec<NodePath>,
) -> Result<(Installation, Change), Refusal> {
    caller.needs(INSTALLATIONS_CREATE)?;
    let installation = Installation {
        id,
        account: caller.account.id.clone(),
        name: text::name("name", name, NAME)?,
        nodes,
        created_at: caller.now,
        version: 0,
    };
    let told = serde_json::json!({ "name": installation.name, "nodes": installation.nodes });
    let change = linked(caller, &installation)
        .write(Write::InsertInstallation(installation.clone()))
        .entry(caller.entry(Action::InstallationCreated, id, told));
    Ok((installation, change))
}

/// Decides on the nodes that an installation is linked to.
pub fn link_installation(
    caller: &Caller,
    installation: Installation,
    nodes: Vec<NodePath>,
) -> Result<(Installation, Change), Refusal> {
    caller.needs(INSTALLATIONS_UPDATE)?;
    let told = serde_json::json!({ "was": installation.nodes, "is": nodes });
    let next = Installation { nodes, ..installation };
    let change = linked(caller, &next).write(Write::UpdateInstallation(next.clone())).entry(caller.entry(
        Action::InstallationEdited,
        next.id,
        told,
    ));
    Ok((next, change))
}

fn linked(caller: &Caller, installation: &Installation) -> Change {
    let below = installation.nodes.iter().filter(|node| !node.is_root());
    let account = &caller.account.id;
    below.fold(Change::default(), |change, node| change.expect(Expect::Node(account.clone(), node.clone())))
}
