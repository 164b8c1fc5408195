//! What a token may do: its grant, met with what its holder may do.

use crate::facts::{Account, Holder};
use crate::node::NodePath;
use crate::permission::{DESK, PermissionSet, Registry};
use crate::policy::{Ceiling, Reach};
use crate::refusal::Refusal;

pub use crate::facts::{Grant, Level};

impl Level {
    /// Whether the level includes an action of the product's.
    pub fn includes(self, action: &str) -> bool {
        match self {
            Self::Full => true,
            Self::Write => matches!(action, "create" | "update"),
            Self::Read => action == "read",
        }
    }
}

/// How what a grant allows can come to be more, without anybody giving more by it. In order: what grows
/// in one way is no wider than what grows in a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Growth {
    Never,
    /// When the role that it names is edited.
    WithItsRole,
    /// Whenever its holder is given more.
    WithItsHolder,
}

impl Grant {
    pub fn growth(&self) -> Growth {
        match self {
            Self::Inherit => Growth::WithItsHolder,
            Self::Role(_) => Growth::WithItsRole,
            Self::Access { .. } | Self::List(_) => Growth::Never,
        }
    }
}

/// What a holder may do at a node: the union of its roles bound there or above. A role that
/// no longer exists allows nothing.
pub fn of_holder(holder: &Holder, account: &Account, at: &NodePath) -> PermissionSet {
    let holds = holder.bindings.iter().filter(|binding| binding.node.covers(at));
    holds.filter_map(|binding| account.role(binding.role)).map(|role| role.permissions).collect()
}

/// The nodes at and below `node` from which on a holder may do more than above: `node` itself,
/// and wherever a role is bound. Sets that only grow on the way down and that are within each
/// other at all of these are so everywhere below `node`.
pub fn places<'a>(holder: &'a Holder, node: &'a NodePath) -> impl Iterator<Item = &'a NodePath> {
    let bound = holder.bindings.iter().map(|binding| &binding.node);
    std::iter::once(node).chain(bound.filter(move |at| node.covers(at)))
}

/// What the grant alone allows at a node, before the ceiling.
pub fn of_grant(grant: &Grant, holder: &Holder, account: &Account, at: &NodePath) -> PermissionSet {
    match grant {
        Grant::Inherit => of_holder(holder, account, at),
        Grant::Role(role) => account.role(*role).map_or(PermissionSet::EMPTY, |role| role.permissions),
        Grant::Access { set, .. } | Grant::List(set) => *set,
    }
}

/// What a token may do at `at`: nothing outside its node; its grant, under `ceiling = live`
/// met with what its holder may do there now; the desk only where `reach` or the token's own
/// `desk` says so.
pub fn of_token(
    grant: &Grant,
    desk: bool,
    node: &NodePath,
    holder: &Holder,
    account: &Account,
    at: &NodePath,
) -> PermissionSet {
    if !node.covers(at) {
        return PermissionSet::EMPTY;
    }
    let mut rights = of_grant(grant, holder, account, at);
    if account.policy.permission.ceiling == Ceiling::Live {
        rights = rights & of_holder(holder, account, at);
    }
    if !desk && account.policy.reach == Reach::Resources {
        rights = rights - PermissionSet::DESK;
    }
    rights
}

/// Permissions by name: the account's own entities', and the desk's.
pub fn named(
    field: &'static str,
    account: &Account,
    registry: &Registry,
    names: &[String],
) -> Result<PermissionSet, Refusal> {
    let known = |name: &str| {
        let (entity, action) = name.split_once(':')?;
        let own =
            account.entities.iter().any(|own| own.name == entity && own.actions.iter().any(|a| a == action));
        let desk = DESK.contains(&entity);
        (own || desk).then(|| registry.find(name)).flatten()
    };
    if names.is_empty() {
        return Err(Refusal::invalid(field, "Name at least one permission, such as `devices:read`."));
    }
    names
        .iter()
        .map(|name| {
            known(name).ok_or_else(|| {
                Refusal::invalid(
                    field,
                    format!("This account knows no permission {name}; one reads `entity:action`, of its own entities or of the desk."),
                )
            })
        })
        .collect()
}
