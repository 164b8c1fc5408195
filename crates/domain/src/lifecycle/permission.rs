//! From the permission that was asked for to the grant that is given.

use crate::facts::{Account, Holder};
use crate::grant::{self, Grant, Level};
use crate::node::NodePath;
use crate::permission::{PermissionSet, Registry};
use crate::policy::{Ceiling, PermissionMode, Reach};
use crate::refusal::Refusal;
use crate::who::{Caller, spell};

/// What a token shall be able to do, as a request says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskedGrant {
    Inherit,
    Role(String),
    Access { level: Level, entities: Option<Vec<String>> },
    List(Vec<String>),
}

/// A grant, and whether it reaches the desk whatever the policy's `reach` says.
pub(super) struct Granted {
    pub(super) grant: Grant,
    pub(super) desk: bool,
}

const FIELD: &str = "permission";

/// Gives what was asked for, within what policy, holder and caller allow at `node`.
pub(super) fn grant(
    caller: &Caller,
    holder: &Holder,
    node: &NodePath,
    asked: Option<&AskedGrant>,
) -> Result<Granted, Refusal> {
    let account = &*caller.account;
    let grant = match asked {
        Some(asked) => chosen(caller, asked)?,
        None => usual(account, &caller.registry, &caller.holder, caller.rights(node), node)?,
    };
    let desk = reaches_desk(caller, &grant, node)?;
    let grant = freeze(grant, holder, account, node);
    if account.policy.permission.cap {
        if grant.growth() > caller.growth() {
            let sentence = match grant {
                Grant::Inherit => {
                    "A token that does not inherit itself cannot make one that does, which would grow with \
                     its holder; name what the new one shall do."
                }
                _ => {
                    "A token with permissions of its own cannot make one with a role, which would grow with \
                     the role; give it a list of permissions, or a level of access."
                }
            };
            return Err(Refusal::of_field(crate::refusal::Code::Forbidden, FIELD, sentence));
        }
        // All of the grant, the desk as well: `reach` may be opened one day.
        for at in grant::places(holder, node) {
            let whole = grant::of_grant(&grant, holder, account, at);
            within(caller.rights(at), whole, &caller.registry, "you may")?;
        }
    }
    if account.policy.permission.ceiling == Ceiling::Live {
        // Met at each use anyway; said here, so that nobody is given a token that does less
        // than it reads.
        let whole = grant::of_grant(&grant, holder, account, node);
        within(grant::of_holder(holder, account, node), whole, &caller.registry, "its holder may")?;
    }
    Ok(Granted { grant, desk })
}

/// A grant for an edit: within what the token has and what the editor may, at its node and
/// everywhere below.
pub(super) fn narrower(
    caller: &Caller,
    holder: &Holder,
    token: &crate::facts::Token,
    asked: &AskedGrant,
) -> Result<Grant, Refusal> {
    let account = &*caller.account;
    let grant = freeze(chosen(caller, asked)?, holder, account, &token.node);
    if grant.growth() > token.grant.growth() {
        // Not more at this moment perhaps, but whenever its holder, or the role, is given more.
        let sentence = match grant {
            Grant::Inherit => {
                "Permissions can only become fewer, and a token that inherits grows with its holder; name \
                 what it shall do instead."
            }
            _ => {
                "Permissions can only become fewer, and a token with a role grows with the role; give it a \
                 list of permissions, or a level of access."
            }
        };
        return Err(Refusal::of_field(crate::refusal::Code::Forbidden, FIELD, sentence));
    }
    for at in grant::places(holder, &token.node) {
        let whole = grant::of_grant(&grant, holder, account, at);
        let had = grant::of_grant(&token.grant, holder, account, at);
        within(had, whole, &caller.registry, "it may already, since permissions only become fewer")?;
        let new = grant::of_token(&grant, token.desk, &token.node, holder, account, at);
        within(caller.rights(at), new, &caller.registry, "you may")?;
    }
    Ok(grant)
}

fn within(
    allowed: PermissionSet,
    wanted: PermissionSet,
    registry: &Registry,
    who: &str,
) -> Result<(), Refusal> {
    if allowed.contains(wanted) {
        return Ok(());
    }
    Err(Refusal::of_field(
        crate::refusal::Code::Forbidden,
        FIELD,
        format!("A token cannot do more than {who}; too much here: {}.", spell(registry, wanted - allowed)),
    ))
}

/// What a token gets when nothing is asked: the policy's fixed role; else inherit; else the
/// creator's role; else full access within the creator's rights.
pub(super) fn usual(
    account: &Account,
    registry: &Registry,
    creator: &Holder,
    rights: PermissionSet,
    node: &NodePath,
) -> Result<Grant, Refusal> {
    let policy = &account.policy.permission;
    if let Some(fixed) = &policy.fixed {
        let role = account.role_named(fixed).ok_or_else(|| {
            Refusal::not_allowed(
                FIELD,
                format!("The policy gives every token the role {fixed}, which this account no longer has."),
            )
        })?;
        return Ok(Grant::Role(role.id));
    }
    let own = creator.bindings.iter().find(|binding| binding.node.covers(node));
    match own {
        _ if policy.modes.contains(&PermissionMode::Inherit) => Ok(Grant::Inherit),
        Some(own) if policy.modes.contains(&PermissionMode::Role) => Ok(Grant::Role(own.role)),
        _ => {
            let set = access(account, registry, Level::Full, None)? & rights;
            Ok(Grant::Access { level: Level::Full, entities: None, set })
        }
    }
}

fn chosen(caller: &Caller, asked: &AskedGrant) -> Result<Grant, Refusal> {
    let account = &*caller.account;
    let policy = &account.policy;
    let mode = match asked {
        AskedGrant::Inherit => PermissionMode::Inherit,
        AskedGrant::Role(_) => PermissionMode::Role,
        AskedGrant::Access { .. } => PermissionMode::Access,
        AskedGrant::List(_) => PermissionMode::List,
    };
    if !policy.permission.modes.contains(&mode) {
        let modes: Vec<&str> = policy.permission.modes.iter().map(|mode| mode_name(*mode)).collect();
        return Err(Refusal::not_allowed(
            FIELD,
            match (&policy.permission.fixed, modes.as_slice()) {
                (Some(fixed), _) => {
                    format!("Every token of this account has the role {fixed}; leave `permission` out.")
                }
                (None, modes) => format!(
                    "This account's policy does not give permissions by `{}`; it knows {}.",
                    mode_name(mode),
                    modes.join(", ")
                ),
            },
        ));
    }
    named(account, &caller.registry, asked)
}

/// What is asked for, whatever the policy says of it.
pub(super) fn named(account: &Account, registry: &Registry, asked: &AskedGrant) -> Result<Grant, Refusal> {
    match asked {
        AskedGrant::Inherit => Ok(Grant::Inherit),
        AskedGrant::Role(name) => {
            account.role_named(name).map(|role| Grant::Role(role.id)).ok_or_else(|| {
                let roles: Vec<&str> = account.roles.iter().map(|role| role.name.as_str()).collect();
                Refusal::invalid(
                    FIELD,
                    format!("This account has no role {name}; it has {}.", roles.join(", ")),
                )
            })
        }
        AskedGrant::Access { level, entities } => {
            let set = access(account, registry, *level, entities.as_deref())?;
            Ok(Grant::Access { level: *level, entities: entities.clone(), set })
        }
        AskedGrant::List(names) => grant::named(FIELD, account, registry, names).map(Grant::List),
    }
}

fn mode_name(mode: PermissionMode) -> &'static str {
    match mode {
        PermissionMode::Inherit => "inherit",
        PermissionMode::Role => "role",
        PermissionMode::Access => "access",
        PermissionMode::List => "list",
    }
}

/// A level of access over the account's entities, or over some of them.
fn access(
    account: &Account,
    registry: &Registry,
    level: Level,
    entities: Option<&[String]>,
) -> Result<PermissionSet, Refusal> {
    let own = || account.entities.iter().map(|entity| entity.name.as_str());
    if let Some(stranger) = entities.into_iter().flatten().find(|name| !own().any(|own| own == **name)) {
        let known: Vec<&str> = own().collect();
        return Err(Refusal::invalid(
            FIELD,
            format!("This account has no entity {stranger}; it has {}.", known.join(", ")),
        ));
    }
    let wanted = account
        .entities
        .iter()
        .filter(|entity| entities.is_none_or(|chosen| chosen.contains(&entity.name)))
        .flat_map(|entity| entity.actions.iter().map(move |action| (entity, action)))
        .filter(|(_, action)| level.includes(action));
    Ok(wanted.filter_map(|(entity, action)| registry.find(&format!("{}:{action}", entity.name))).collect())
}

/// Under `ceiling = frozen` an inherited grant is a copy of what the holder may do now.
pub(super) fn freeze(grant: Grant, holder: &Holder, account: &Account, node: &NodePath) -> Grant {
    match (grant, account.policy.permission.ceiling) {
        (Grant::Inherit, Ceiling::Frozen) => Grant::List(grant::of_holder(holder, account, node)),
        (grant, _) => grant,
    }
}

/// Under `reach = resources` a token has permissions of the desk only by name, and only from
/// an administrator's session.
fn reaches_desk(caller: &Caller, grant: &Grant, node: &NodePath) -> Result<bool, Refusal> {
    let Grant::List(set) = grant else { return Ok(false) };
    let desk = *set & PermissionSet::DESK;
    if desk.is_empty() || caller.account.policy.reach == Reach::Everything {
        return Ok(false);
    }
    if caller.is_in_person() && caller.manages_at(node) {
        return Ok(true);
    }
    Err(Refusal::of_field(
        crate::refusal::Code::Forbidden,
        FIELD,
        format!(
            "Tokens of this account do not reach {}; only somebody who manages its tokens, signed in, can give that.",
            spell(&caller.registry, desk)
        ),
    ))
}
