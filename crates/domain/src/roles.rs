//! Roles of an account: making, editing and deleting them.
//!
//! A role is part of its account's row. Whoever edits one may do all of it, before and after; what an
//! edit would take from whom is told beforehand by [`Shift`].

use crate::change::{Action, Change, Condition, Write};
use crate::facts::{Account, Holder, Role};
use crate::grant::{self, Grant};
use crate::ids::RoleId;
use crate::node::NodePath;
use crate::permission::{PermissionSet, ROLES_CREATE, ROLES_DELETE, ROLES_UPDATE};
use crate::refusal::{Code, Refusal};
use crate::text;
use crate::who::Caller;

const NAME: usize = 60;
/// Roles of one account, at most: they are part of its row, which every decision needs.
const MOST: usize = 200;

/// A decision on an account: the row as it will stand, and the change that makes it so.
#[derive(Debug)]
pub struct Decided {
    pub account: Account,
    pub role: Role,
    pub change: Change,
}

/// Decides on a new role, the weakest in order.
pub fn create(caller: &Caller, name: &str, permissions: &[String], id: RoleId) -> Result<Decided, Refusal> {
    caller.needs(ROLES_CREATE)?;
    if caller.account.roles.len() >= MOST {
        let sentence = format!("An account has {MOST} roles at most; delete one that nobody has any more.");
        return Err(Refusal::new(Code::LimitReached, sentence));
    }
    let role = Role { id, name: free_name(caller, name, None)?, permissions: own(caller, permissions)? };
    let mut account = (*caller.account).clone();
    account.roles.push(role.clone());
    Ok(decided(caller, account, role, Action::RoleCreated))
}

/// Decides on another name or other permissions. Tokens and members with the role follow.
pub fn edit(
    caller: &Caller,
    id: RoleId,
    name: Option<&str>,
    permissions: Option<&[String]>,
) -> Result<Decided, Refusal> {
    caller.needs(ROLES_UPDATE)?;
    let mut account = (*caller.account).clone();
    let index = index(&account, id)?;
    within(caller, account.roles[index].permissions)?;
    if let Some(name) = name {
        let name = free_name(caller, name, Some(id))?;
        let was = std::mem::replace(&mut account.roles[index].name, name.clone());
        if was != name && named_in_policy(&account, &was) {
            return Err(Refusal::wrong_state(format!(
                "The policy names the role {was}; change the policy first."
            )));
        }
    }
    if let Some(permissions) = permissions {
        let strongest = index == 0;
        let permissions = own(caller, permissions)?;
        if strongest && permissions != account.roles[0].permissions {
            return Err(Refusal::wrong_state(
                "The strongest role keeps all its permissions, so that somebody can always set things right.",
            ));
        }
        account.roles[index].permissions = permissions;
    }
    let role = account.roles[index].clone();
    let Decided { account, role, change } = decided(caller, account, role, Action::RoleEdited);
    Ok(Decided { account, role, change: change.narrowing() })
}

/// Decides on a role's end: nobody may have it any more.
pub fn delete(caller: &Caller, id: RoleId) -> Result<Decided, Refusal> {
    caller.needs(ROLES_DELETE)?;
    let mut account = (*caller.account).clone();
    let index = index(&account, id)?;
    within(caller, account.roles[index].permissions)?;
    let name = account.roles[index].name.clone();
    if index == 0 || named_in_policy(&account, &name) {
        let why = if index == 0 { "it is the account's strongest" } else { "the policy names it" };
        return Err(Refusal::wrong_state(format!("The role {name} cannot be deleted: {why}.")));
    }
    let role = account.roles.remove(index);
    let sentence = format!("The role {name} is still held by members, service accounts or tokens.");
    let Decided { account, role, change } = decided(caller, account, role, Action::RoleDeleted);
    let unused = Condition::RoleUnused { account: account.id.clone(), role: id };
    Ok(Decided { account, role, change: change.guard(unused, Refusal::wrong_state(sentence)).narrowing() })
}

/// What a caller may do with a role as it is now, for a page to offer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Actions {
    pub rename: bool,
    /// Choose other permissions: the strongest role keeps its own.
    pub permit: bool,
    pub delete: bool,
}

pub fn actions(caller: &Caller, id: RoleId) -> Actions {
    let rename = edit(caller, id, None, None).is_ok();
    let strongest = caller.account.roles.first().is_some_and(|role| role.id == id);
    Actions { rename, permit: rename && !strongest, delete: delete(caller, id).is_ok() }
}

/// What another version of an account takes from somebody, or from a token, and what it gives them: in
/// one place or another. What they lose by one role and keep by another is not lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shift {
    pub lost: PermissionSet,
    pub gained: PermissionSet,
}

impl Shift {
    pub fn is_none(self) -> bool {
        self == Shift::default()
    }

    /// Of what a holder may do.
    pub fn of_holder(holder: &Holder, before: &Account, after: &Account) -> Shift {
        let does = |account: &Account, at: &NodePath| grant::of_holder(holder, account, at);
        Self::over(holder, &NodePath::root(), |at| (does(before, at), does(after, at)))
    }

    /// Of what a token may do that was given this.
    pub fn of_token(
        grant: &Grant,
        desk: bool,
        node: &NodePath,
        holder: &Holder,
        before: &Account,
        after: &Account,
    ) -> Shift {
        let does = |account: &Account, at: &NodePath| grant::of_token(grant, desk, node, holder, account, at);
        Self::over(holder, node, |at| (does(before, at), does(after, at)))
    }

    fn over(
        holder: &Holder,
        node: &NodePath,
        does: impl Fn(&NodePath) -> (PermissionSet, PermissionSet),
    ) -> Shift {
        grant::places(holder, node).map(does).fold(Shift::default(), |shift, (was, is)| Shift {
            lost: shift.lost | (was - is),
            gained: shift.gained | (is - was),
        })
    }
}

fn decided(caller: &Caller, account: Account, role: Role, action: Action) -> Decided {
    let names: Vec<&str> = caller.registry.spell(role.permissions).collect();
    let told = serde_json::json!({ "name": role.name, "permissions": names });
    let change = Change::default()
        .write(Write::UpdateAccount(Box::new(account.clone())))
        .entry(caller.entry(action, role.id, told))
        .of_recent_login();
    Decided { account, role, change }
}

fn index(account: &Account, id: RoleId) -> Result<usize, Refusal> {
    account.roles.iter().position(|role| role.id == id).ok_or_else(|| Refusal::not_found("role"))
}

fn free_name(caller: &Caller, name: &str, besides: Option<RoleId>) -> Result<String, Refusal> {
    let name = text::name("name", name, NAME)?;
    let taken = caller.account.roles.iter().any(|role| role.name == name && Some(role.id) != besides);
    // The policy's lists take `all` for everybody.
    if taken || name == "all" {
        let sentence = format!("This account has a role {name} already; choose another name.");
        return Err(Refusal::of_field(Code::NameTaken, "name", sentence));
    }
    Ok(name)
}

fn own(caller: &Caller, names: &[String]) -> Result<PermissionSet, Refusal> {
    let set = if names.is_empty() {
        PermissionSet::EMPTY
    } else {
        grant::named("permissions", &caller.account, &caller.registry, names)?
    };
    within(caller, set)?;
    Ok(set)
}

fn within(caller: &Caller, set: PermissionSet) -> Result<(), Refusal> {
    let beyond = set - caller.rights(&NodePath::root());
    if beyond.is_empty() {
        return Ok(());
    }
    Err(Refusal::of_field(
        Code::Forbidden,
        "permissions",
        format!("Nobody gives or takes more than they may do themselves: {}.", caller.spell(beyond)),
    ))
}

fn named_in_policy(account: &Account, name: &str) -> bool {
    let names: Vec<&str> =
        account.roles.iter().map(|role| role.name.as_str()).filter(|role| *role != name).collect();
    account.policy.check(&names).is_err()
}
