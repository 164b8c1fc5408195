//! Installations: customers' running copies of the product, and the nodes that they are linked to.
//!
//! An installation is at its nodes, and one without any at the root. Whoever changes it needs the
//! permission wherever it is, and to link it, at the nodes that are added and those that are taken
//! away: so nobody takes over, or lets go of, what is somebody else's.

use std::collections::BTreeSet;

use crate::change::{Action, Change, Condition, Counting, Expect, Write};
use crate::facts::Installation;
use crate::ids::InstallationId;
use crate::node::NodePath;
use crate::permission::{
    INSTALLATIONS_CREATE, INSTALLATIONS_DELETE, INSTALLATIONS_READ, INSTALLATIONS_UPDATE, PermissionSet,
};
use crate::refusal::{Code, Refusal};
use crate::text;
use crate::who::Caller;

const NAME: usize = 100;
/// Nodes that one installation is linked to, at most.
const MOST_NODES: usize = 100;
/// Installations of one account, at most.
const MOST: u32 = 10_000;

/// A decision on an installation: the row as it will stand, and the change that makes it so.
#[derive(Debug)]
pub struct Decided {
    pub installation: Installation,
    pub change: Change,
}

/// What a request wants changed. Absent fields stay.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    pub name: Option<String>,
    /// All of its nodes from then on.
    pub nodes: Option<Vec<NodePath>>,
}

/// Decides on a new installation, linked to nodes that exist.
pub fn create(
    caller: &Caller,
    id: InstallationId,
    name: &str,
    nodes: &[NodePath],
) -> Result<Decided, Refusal> {
    let installation = Installation {
        id,
        account: caller.account.id.clone(),
        name: text::name("name", name, NAME)?,
        nodes: each_once(nodes)?,
        created_at: caller.now,
        version: 0,
    };
    needs_wherever_it_is(caller, &installation, INSTALLATIONS_CREATE)?;
    let told = serde_json::json!({ "name": installation.name, "nodes": installation.nodes });
    let full =
        format!("An account has {MOST} installations at most; delete those that are not there any more.");
    let room =
        Condition::Room { account: installation.account.clone(), of: Counting::Installations, max: MOST };
    let change = linked(caller, &installation)
        .guard(room, Refusal::new(Code::LimitReached, full))
        .write(Write::InsertInstallation(installation.clone()))
        .entry(caller.entry(Action::InstallationCreated, id, told));
    Ok(Decided { installation, change })
}

/// Decides on another name, or other nodes.
pub fn edit(caller: &Caller, installation: Installation, edit: &Edit) -> Result<Decided, Refusal> {
    let mut next = installation.clone();
    if let Some(name) = &edit.name {
        needs_wherever_it_is(caller, &installation, INSTALLATIONS_UPDATE)?;
        next.name = text::name("name", name, NAME)?;
    }
    if let Some(nodes) = &edit.nodes {
        next.nodes = each_once(nodes)?;
        let (was, is) = (places(&installation), places(&next));
        for node in was.symmetric_difference(&is) {
            caller.needs_at(INSTALLATIONS_UPDATE, node)?;
        }
    }
    if next == installation {
        caller.needs_somewhere(INSTALLATIONS_UPDATE)?;
        return Ok(Decided { installation, change: Change::default() });
    }
    let told = serde_json::json!({
        "name": next.name,
        "nodes": next.nodes,
        "was": { "name": installation.name, "nodes": installation.nodes },
    });
    let change = linked(caller, &next).write(Write::UpdateInstallation(next.clone())).entry(caller.entry(
        Action::InstallationEdited,
        next.id,
        told,
    ));
    Ok(Decided { installation: next, change })
}

/// Decides on an installation's end. The row goes: nothing hangs on it, and the journal tells what
/// it was.
pub fn delete(caller: &Caller, installation: Installation) -> Result<Decided, Refusal> {
    needs_wherever_it_is(caller, &installation, INSTALLATIONS_DELETE)?;
    let told = serde_json::json!({ "name": installation.name, "nodes": installation.nodes });
    let change = Change::default()
        .write(Write::DeleteInstallation(installation.clone()))
        .entry(caller.entry(Action::InstallationDeleted, installation.id, told));
    Ok(Decided { installation, change })
}

/// Whether the caller may read it: it is somewhere where they read installations.
pub fn reads(caller: &Caller, installation: &Installation) -> bool {
    places(installation).into_iter().any(|at| caller.rights(at).contains(INSTALLATIONS_READ))
}

/// Whether the caller may know of it: it is somewhere where they may do anything with installations.
/// For everybody else it does not exist.
pub fn knows(caller: &Caller, installation: &Installation) -> bool {
    const ANY: [PermissionSet; 4] =
        [INSTALLATIONS_CREATE, INSTALLATIONS_READ, INSTALLATIONS_UPDATE, INSTALLATIONS_DELETE];
    places(installation).into_iter().any(|at| ANY.iter().any(|one| caller.rights(at).contains(*one)))
}

/// What a caller may do with an installation that they know of, for a page to offer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Actions {
    pub edit: bool,
    pub delete: bool,
}

pub fn actions(caller: &Caller, installation: &Installation) -> Actions {
    Actions {
        edit: edit(caller, installation.clone(), &Edit::default()).is_ok(),
        delete: delete(caller, installation.clone()).is_ok(),
    }
}

fn needs_wherever_it_is(
    caller: &Caller,
    installation: &Installation,
    permission: PermissionSet,
) -> Result<(), Refusal> {
    places(installation).into_iter().try_for_each(|at| caller.needs_at(permission, at))
}

fn places(installation: &Installation) -> BTreeSet<&NodePath> {
    static ROOT: std::sync::LazyLock<NodePath> = std::sync::LazyLock::new(NodePath::root);
    if installation.nodes.is_empty() { BTreeSet::from([&*ROOT]) } else { installation.nodes.iter().collect() }
}

/// In order, so that the same nodes are the same row.
fn each_once(nodes: &[NodePath]) -> Result<Vec<NodePath>, Refusal> {
    let each: BTreeSet<&NodePath> = nodes.iter().collect();
    if each.len() < nodes.len() {
        return Err(Refusal::invalid("nodes", "Name each node once."));
    }
    if each.len() > MOST_NODES {
        return Err(Refusal::invalid("nodes", format!("Name at most {MOST_NODES} nodes.")));
    }
    Ok(each.into_iter().cloned().collect())
}

fn linked(caller: &Caller, installation: &Installation) -> Change {
    let below = installation.nodes.iter().filter(|node| !node.is_root());
    let account = &caller.account.id;
    below.fold(Change::default(), |change, node| change.expect(Expect::Node(account.clone(), node.clone())))
}
