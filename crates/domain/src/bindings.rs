//! Roles bound at nodes: who may give which one where, and who may change whom.
//!
//! A role holds at its node and below. Nobody gives more than they may do at that node themselves, whether
//! the role's permissions say it or the policy, which names roles; and nobody changes somebody who may do
//! more than they at a place that the change reaches.

use std::collections::BTreeSet;

use crate::change::{Change, Expect};
use crate::facts::{Account, Binding, Holder, Role};
use crate::grant;
use crate::node::NodePath;
use crate::permission::{
    MEMBERS_READ, POLICY_UPDATE, PermissionSet, TOKENS_CREATE, TOKENS_DELETE, TOKENS_READ, TOKENS_UPDATE,
};
use crate::policy::{Ceiling, RoleNames};
use crate::refusal::{Code, Refusal};
use crate::who::Caller;

/// Roles that one holder has, at most.
const MOST: usize = 100;

/// A role, by its name, at a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    pub role: String,
    pub node: NodePath,
}

/// The roles that a request names: `role` is the one at the root, beside `bindings`. At least one,
/// and at each node one at most.
///
/// # Errors
/// Names what cannot be used, as `role` or `bindings`.
pub fn named(account: &Account, role: Option<&str>, bindings: &[Bound]) -> Result<Vec<Binding>, Refusal> {
    let mut all = Vec::with_capacity(1 + bindings.len());
    if let Some(role) = role {
        all.push(Binding { role: role_named(account, "role", role)?.id, node: NodePath::root() });
    }
    for bound in bindings {
        let role = role_named(account, "bindings", &bound.role)?.id;
        all.push(Binding { role, node: bound.node.clone() });
    }
    if all.is_empty() {
        return Err(Refusal::invalid("role", "Name a role, or several as `bindings`."));
    }
    let nodes: BTreeSet<&NodePath> = all.iter().map(|binding| &binding.node).collect();
    if nodes.len() < all.len() {
        let sentence = "Name one role at a node; `role` is the one at the root.";
        return Err(Refusal::invalid("bindings", sentence));
    }
    if all.len() > MOST {
        return Err(Refusal::invalid("bindings", format!("Name at most {MOST} roles.")));
    }
    // In the order of the tree, so that the same roles are the same row.
    all.sort_by(|a, b| a.node.cmp(&b.node));
    Ok(all)
}

/// Refuses what the caller may not give: at each node they need the permission, and all that the role
/// allows, also by being named in the policy.
pub fn may_give(caller: &Caller, permission: PermissionSet, bindings: &[Binding]) -> Result<(), Refusal> {
    for binding in bindings {
        caller.needs_at(permission, &binding.node)?;
        let Some(role) = caller.account.role(binding.role) else { continue };
        let beyond = role.permissions - caller.rights(&binding.node);
        if !beyond.is_empty() {
            let (field, place) = match binding.node.is_root() {
                true => ("role", String::new()),
                false => ("bindings", format!(" at {}", binding.node)),
            };
            let sentence =
                format!("The role {} may do more than you{place}: {}.", role.name, caller.spell(beyond));
            return Err(Refusal::of_field(Code::Forbidden, field, sentence));
        }
        may_give_named(caller, role, &binding.node)?;
    }
    Ok(())
}

/// A role that the policy names manages everybody's tokens, or makes tokens, whatever its permissions
/// say; it is given by those who do so themselves, and by those who could write it into the policy.
fn may_give_named(caller: &Caller, role: &Role, node: &NodePath) -> Result<(), Refusal> {
    if caller.rights(&NodePath::root()).contains(POLICY_UPDATE) {
        return Ok(());
    }
    let policy = &caller.account.policy;
    let is_named = |roles: &RoleNames| matches!(roles, RoleNames::Named(_)) && roles.contains(&role.name);
    let all = TOKENS_CREATE | TOKENS_READ | TOKENS_UPDATE | TOKENS_DELETE;
    let manages = || caller.manages() && caller.needs_reach(all).is_ok();
    let creates =
        || caller.has_role_in(&policy.create.roles, node) && caller.needs_reach(TOKENS_CREATE).is_ok();
    let what = if node.is_root() && is_named(&policy.managers) && !manages() {
        "manages everybody's tokens"
    } else if is_named(&policy.create.roles) && !creates() {
        "creates tokens"
    } else {
        return Ok(());
    };
    let field = if node.is_root() { "role" } else { "bindings" };
    let sentence = format!(
        "By this account's policy the role {} {what}, which you do not; somebody who does can give it, or who \
         may change the policy.",
        role.name
    );
    Err(Refusal::of_field(Code::Forbidden, field, sentence))
}

/// Refuses a change of somebody's roles from what they are, unless the caller may take each one that
/// goes and give each that comes.
pub fn may_exchange(
    caller: &Caller,
    permission: PermissionSet,
    holder: &Holder,
    next: &[Binding],
) -> Result<(), Refusal> {
    for was in holder.bindings.iter().filter(|was| !next.contains(was)) {
        may_change_at(caller, permission, holder, &was.node)?;
    }
    let come: Vec<Binding> = next.iter().filter(|is| !holder.bindings.contains(is)).cloned().collect();
    for is in &come {
        may_change_at(caller, permission, holder, &is.node)?;
    }
    may_give(caller, permission, &come)
}

/// Nobody changes somebody who may do more than they, in any place where they do anything.
pub fn may_change(caller: &Caller, permission: PermissionSet, holder: &Holder) -> Result<(), Refusal> {
    may_change_at(caller, permission, holder, &place(holder, &caller.account))
}

/// Whether there is a place where the caller may give somebody a role, or take one from them.
pub fn may_change_somewhere(caller: &Caller, permission: PermissionSet, holder: &Holder) -> bool {
    let (root, its, own) = (NodePath::root(), &holder.bindings, &caller.holder.bindings);
    let bound = its.iter().chain(own).map(|binding| &binding.node);
    std::iter::once(&root).chain(bound).any(|at| may_change_at(caller, permission, holder, at).is_ok())
}

fn may_change_at(
    caller: &Caller,
    permission: PermissionSet,
    holder: &Holder,
    node: &NodePath,
) -> Result<(), Refusal> {
    caller.needs_at(permission, node)?;
    let does = |at| grant::of_holder(holder, &caller.account, at);
    let beyond: PermissionSet = grant::places(holder, node).map(|at| does(at) - caller.rights(at)).collect();
    if beyond.is_empty() {
        return Ok(());
    }
    Err(Refusal::forbidden(format!("{} may do more than you: {}.", holder.name, caller.spell(beyond))))
}

/// Where a holder is: the deepest node that has all of its roles at it or below. Where tokens keep
/// what they were given once, they may do more than their holder anywhere, so it is the root.
fn place(holder: &Holder, account: &Account) -> NodePath {
    if account.policy.permission.ceiling != Ceiling::Live {
        return NodePath::root();
    }
    let mut nodes = holder.bindings.iter().map(|binding| &binding.node);
    let Some(mut place) = nodes.next().cloned() else { return NodePath::root() };
    for node in nodes {
        while !place.covers(node) {
            place = place.parent().unwrap_or_else(NodePath::root);
        }
    }
    place
}

/// Whether the caller may know of somebody: they may read members where that one has a role.
pub fn reads(caller: &Caller, holder: &Holder) -> bool {
    let reads = |at: &NodePath| caller.rights(at).contains(MEMBERS_READ);
    reads(&NodePath::root()) || holder.bindings.iter().any(|binding| reads(&binding.node))
}

/// Has a change rest on the nodes where roles are given.
pub fn resting(change: Change, account: &Account, bindings: &[Binding]) -> Change {
    let below = bindings.iter().filter(|binding| !binding.node.is_root());
    below
        .fold(change, |change, binding| change.expect(Expect::Node(account.id.clone(), binding.node.clone())))
}

/// What the journal says of somebody's roles.
pub fn told(account: &Account, bindings: &[Binding]) -> serde_json::Value {
    let role = |binding: &Binding| account.role(binding.role).map(|role| role.name.clone());
    let each =
        bindings.iter().map(|binding| serde_json::json!({ "role": role(binding), "node": binding.node }));
    each.collect()
}

fn role_named<'a>(account: &'a Account, field: &'static str, name: &str) -> Result<&'a Role, Refusal> {
    account.role_named(name).ok_or_else(|| {
        let roles: Vec<&str> = account.roles.iter().map(|role| role.name.as_str()).collect();
        Refusal::invalid(field, format!("This account has no role {name}; it has {}.", roles.join(", ")))
    })
}
