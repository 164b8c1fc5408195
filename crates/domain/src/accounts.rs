//! Accounts: founding one from a preset, editing it, changing its policy, closing and reopening it.
//!
//! An account is never removed: tokens and the journal name it, and its slug must never come to mean
//! somebody else. Closing it stops everything in it at once, by one row.

use crate::change::{Action, Actor, Change, Condition, Entry, Write};
use crate::facts::{Account, Entity, Role};
use crate::ids::{AccountId, ExternalId, RoleId};
use crate::permission::{POLICY_UPDATE, PermissionSet, Registry, RegistryFull};
use crate::policy::Policy;
use crate::preset::Preset;
use crate::refusal::{Code, Refusal};
use crate::text;
use crate::time::Timestamp;
use crate::who::Caller;

pub(crate) const NAME: usize = 100;

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
    draw: impl FnMut() -> RoleId,
    actor: Actor,
    now: Timestamp,
) -> Result<Founded, Refusal> {
    let founded = found_unguarded(order, preset, registry, draw, actor, now)?;
    let id = &founded.account.id;
    let taken = Refusal::of_field(Code::NameTaken, "id", format!("There is an account {id} already."));
    let change = founded.change.guard(Condition::AccountFree { account: id.clone() }, taken);
    let change = external_id_free(change, &founded.account, None);
    Ok(Founded { change, ..founded })
}

/// The same, for whoever looked beforehand whether the names are free.
pub(crate) fn found_unguarded(
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
            .map(|external_id| ExternalId::parse(external_id).map(ExternalId::into_string))
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
    let entry = Entry {
        at: now,
        actor,
        account: Some(account.id.clone()),
        action: Action::AccountCreated,
        subject: account.id.to_string(),
        payload: serde_json::json!({ "name": account.name, "preset": account.preset }),
    };
    let mut change = Change::default().entry(entry);
    for (bit, name) in added {
        change = change.write(Write::InsertPermission { bit, name });
    }
    let change = change.write(Write::InsertAccount(Box::new(account.clone())));
    Ok(Founded { account, registry, change })
}

/// What a request wants changed on an account. Absent fields stay.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    pub name: Option<String>,
    pub metadata: Option<serde_json::Value>,
    pub external_id: Option<Option<String>>,
}

/// Who changes an account: somebody at work in it, or an operator from wherever they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum As {
    Member,
    Operator,
}

/// Decides on another name, metadata or `external_id`. Whoever may change the account's policy may
/// rename it; by `external_id` the product finds it again, so that is for operators.
pub fn edit(caller: &Caller, who: As, account: Account, edit: &Edit) -> Result<(Account, Change), Refusal> {
    if who == As::Member {
        caller.needs(POLICY_UPDATE)?;
        if edit.external_id.is_some() {
            let sentence = "By its `external_id` the product knows this account; only an operator of this \
                            server changes it.";
            return Err(Refusal::of_field(Code::Forbidden, "external_id", sentence));
        }
    }
    let mut next = account.clone();
    if let Some(name) = &edit.name {
        next.name = text::name("name", name, NAME)?;
    }
    if let Some(metadata) = &edit.metadata {
        next.metadata = text::metadata(metadata)?;
    }
    if let Some(external_id) = &edit.external_id {
        let named = |text: &String| ExternalId::parse(text).map(ExternalId::into_string);
        next.external_id = external_id.as_ref().map(named).transpose()?;
    }
    if next == account {
        return Ok((account, Change::default()));
    }
    let told = serde_json::json!({ "was": shown(&account), "is": shown(&next) });
    let mut change = changed(caller, &next, Action::AccountEdited, told);
    if next.external_id != account.external_id {
        change = external_id_free(change, &next, Some(&account.id));
    }
    Ok((next, change))
}

/// Decides that an account shall stop for now: all tokens and sessions in it stop at once. For
/// operators.
pub fn deactivate(caller: &Caller, account: Account) -> Result<(Account, Change), Refusal> {
    if caller.account.id == account.id {
        return Err(Refusal::wrong_state(
            "You are at work in this account and could not reopen it; come from another account.",
        ));
    }
    if account.inactive_since.is_some() {
        return Ok((account, Change::default()));
    }
    let next = Account { inactive_since: Some(caller.now), ..account };
    let change = changed(caller, &next, Action::AccountDeactivated, serde_json::json!({}));
    Ok((next, change.ending()))
}

/// Decides that an account goes on: what was good when it stopped, and has not ended since, is good
/// again. For operators.
pub fn reactivate(caller: &Caller, account: Account) -> Result<(Account, Change), Refusal> {
    if account.inactive_since.is_none() {
        return Ok((account, Change::default()));
    }
    let told = serde_json::json!({ "inactive_since": account.inactive_since });
    let next = Account { inactive_since: None, ..account };
    let change = changed(caller, &next, Action::AccountReactivated, told);
    Ok((next, change))
}

/// What the journal says of what an account is called.
pub(crate) fn shown(account: &Account) -> serde_json::Value {
    serde_json::json!({
        "name": account.name,
        "external_id": account.external_id,
        "metadata": account.metadata,
    })
}

/// In that account's journal, wherever the caller is at work.
fn changed(caller: &Caller, account: &Account, action: Action, told: serde_json::Value) -> Change {
    let entry = Entry { account: Some(account.id.clone()), ..caller.entry(action, &account.id, told) };
    Change::default().write(Write::UpdateAccount(Box::new(account.clone()))).entry(entry)
}

fn external_id_free(change: Change, account: &Account, besides: Option<&AccountId>) -> Change {
    let Some(external_id) = account.external_id.clone() else { return change };
    let sentence = "Another account has this `external_id` already.";
    let taken = Refusal::of_field(Code::NameTaken, "external_id", sentence);
    change.guard(Condition::AccountExternalIdFree { external_id, besides: besides.cloned() }, taken)
}

/// A built-in preset.
pub fn preset_named(name: &str) -> Result<&'static Preset, Refusal> {
    Preset::named(name).ok_or_else(|| {
        let known: Vec<&str> = Preset::all().iter().map(|preset| preset.name.as_str()).collect();
        Refusal::invalid("preset", format!("There is no preset {name}; there are {}.", known.join(", ")))
    })
}

/// Whether this policy may be put in place of the account's, freshness apart.
pub fn may_change_policy(caller: &Caller, policy: &Policy) -> Result<(), Refusal> {
    caller.needs(POLICY_UPDATE)?;
    let account = &*caller.account;
    let roles: Vec<&str> = account.roles.iter().map(|role| role.name.as_str()).collect();
    if let Err(faults) = policy.check(&roles) {
        let each: Vec<String> =
            faults.iter().map(|fault| format!("{}: {}", fault.field, fault.detail)).collect();
        return Err(Refusal::invalid("policy", each.join("; ")));
    }
    // Without the cap whoever creates tokens comes by more than they have, and so would whoever
    // may only write policies.
    if !policy.permission.cap && *policy != account.policy {
        let beyond = caller.lacks();
        if !beyond.is_empty() {
            let sentence = format!(
                "Where `permission.cap` is off tokens can do more than their makers, so the policy takes \
                 somebody who may do everything here; you may not {}.",
                caller.spell(beyond)
            );
            return Err(Refusal::of_field(Code::Forbidden, "permission.cap", sentence));
        }
    }
    Ok(())
}

/// Decides on another policy. It applies to every token at once; [`crate::outlook`] says beforehand
/// what becomes of them.
pub fn change_policy(caller: &Caller, policy: Policy) -> Result<(Account, Change), Refusal> {
    caller.needs(POLICY_UPDATE)?;
    caller.needs_fresh()?;
    may_change_policy(caller, &policy)?;
    let mut account = (*caller.account).clone();
    let told = serde_json::json!({ "was": account.policy, "is": policy });
    account.policy = policy;
    let change = Change::default()
        .write(Write::UpdateAccount(Box::new(account.clone())))
        .entry(caller.entry(Action::PolicyChanged, &account.id, told))
        .narrowing();
    Ok((account, change))
}
