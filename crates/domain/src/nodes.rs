//! Places in an account's tree: making and renaming them, and who may do something anywhere at all.
//!
//! A node's path never changes and no node is ever removed, so that what was bound to one never comes
//! to mean another place, or a wider one. What may be done at a place is said by [`grant`].

use crate::change::{Action, Change, Condition, Counting, Expect, Write};
use crate::facts::{Account, Node};
use crate::grant;
use crate::node::NodePath;
use crate::permission::{NODES_CREATE, NODES_UPDATE, PermissionSet};
use crate::refusal::{Code, Refusal};
use crate::text;
use crate::who::Caller;

const NAME: usize = 100;
/// Nodes of one account, at most.
const MOST: u32 = 10_000;

/// Decides on a new node below one that exists.
pub fn add(caller: &Caller, path: &NodePath, name: &str) -> Result<(Node, Change), Refusal> {
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
        let count = match levels {
            0 => "no level".to_owned(),
            1 => "one level".to_owned(),
            levels => format!("{levels} levels"),
        };
        let names = account.levels.join(" > ");
        let sentence = format!("This account's tree has {count} below the account ({names}).");
        return Err(Refusal::invalid("path", sentence));
    }
    let node = Node {
        account: account.id.clone(),
        path: path.clone(),
        name: text::name("name", name, NAME)?,
        created_at: caller.now,
        version: 0,
    };
    let taken = Refusal::of_field(Code::NameTaken, "path", format!("There is a node {path} already."));
    let free = Condition::NodeFree { account: account.id.clone(), path: path.clone() };
    let full = format!("An account has {MOST} nodes at most, and nodes are never removed.");
    let room = Condition::Room { account: account.id.clone(), of: Counting::Nodes, max: MOST };
    let mut change = Change::default()
        .guard(free, taken)
        .guard(room, Refusal::new(Code::LimitReached, full))
        .write(Write::InsertNode(node.clone()))
        .entry(caller.entry(Action::NodeCreated, path, serde_json::json!({ "name": node.name })));
    if !parent.is_root() {
        change = change.expect(Expect::Node(account.id.clone(), parent));
    }
    Ok((node, change))
}

/// Decides on another name.
pub fn rename(caller: &Caller, node: Node, name: &str) -> Result<(Node, Change), Refusal> {
    caller.needs_at(NODES_UPDATE, &node.path)?;
    if node.path.is_root() {
        return Err(Refusal::wrong_state("The root has the account's name; rename the account."));
    }
    let name = text::name("name", name, NAME)?;
    if name == node.name {
        return Ok((node, Change::default()));
    }
    let told = serde_json::json!({ "name": name, "was": node.name });
    let next = Node { name, ..node };
    let change = Change::default().write(Write::UpdateNode(next.clone())).entry(caller.entry(
        Action::NodeEdited,
        &next.path,
        told,
    ));
    Ok((next, change))
}

/// Whether a caller may make nodes below this one, and the account's tree has a level there.
pub fn may_add_below(caller: &Caller, node: &NodePath) -> bool {
    node.depth() + 1 < caller.account.levels.len() && caller.rights(node).contains(NODES_CREATE)
}

/// The root as a node: no row of its own, because it is the account.
pub fn root(account: &Account) -> Node {
    Node {
        account: account.id.clone(),
        path: NodePath::root(),
        name: account.name.clone(),
        created_at: account.created_at,
        version: account.version,
    }
}

impl Caller {
    /// Whether the caller may do this at one node at least. Rights only grow on the way down, and
    /// only where a role is bound.
    pub fn has_somewhere(&self, permission: PermissionSet) -> bool {
        let root = NodePath::root();
        let mut places = grant::places(&self.holder, self.token().map_or(&root, |by| &by.node));
        places.any(|at| self.rights(at).contains(permission))
    }

    /// Needs a permission at one node at least; where it counts is then for what is found to say.
    pub fn needs_somewhere(&self, permission: PermissionSet) -> Result<(), Refusal> {
        if self.has_somewhere(permission) { Ok(()) } else { self.needs(permission) }
    }
}
