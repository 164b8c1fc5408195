//! Making a token.

use std::sync::Arc;

use token::TokenText;

use super::expiry::{self, allowed};
use super::{
    AskedEnd, AskedGrant, Decided, grant_as_asked, insert, must_be_active, resting_on, where_there_is_room,
};
use crate::change::{Action, Actor, Change, Entry, Expect};
use crate::conditions::Conditions;
use crate::facts::{Account, Holder, Token};
use crate::grant::Grant;
use crate::ids::HolderId;
use crate::life::Life;
use crate::news;
use crate::node::NodePath;
use crate::permission::{Registry, TOKENS_CREATE};
use crate::policy::{FormField, HolderChoice};
use crate::refusal::Refusal;
use crate::text;
use crate::time::Timestamp;
use crate::who::Caller;

/// Characters of a name and of a description.
pub(super) const NAME: usize = 100;
pub(super) const DESCRIPTION: usize = 500;

/// What a request says of the token it wants. Absent fields follow the policy.
#[derive(Clone, Debug, Default)]
pub struct Create {
    pub name: String,
    pub description: Option<String>,
    pub permission: Option<AskedGrant>,
    pub node: Option<NodePath>,
    pub end: Option<AskedEnd>,
    pub not_before: Option<Timestamp>,
    pub holder: Option<HolderId>,
    pub metadata: Option<serde_json::Value>,
}

/// Decides on a new token for `holder`, who is the caller unless the order names another.
/// `text` was drawn for it and becomes its secret.
pub fn create(
    caller: &Caller,
    order: &Create,
    holder: &Holder,
    text: &Arc<TokenText>,
) -> Result<Decided, Refusal> {
    let account = &*caller.account;
    let node = order.node.clone().unwrap_or_else(NodePath::root);
    let fields = form(account, order)?;
    may_create(caller, holder, &node)?;
    caller_fresh(caller)?;
    must_be_active(&caller.holder)?;
    must_be_active(holder)?;

    let granted = super::permission::grant(caller, holder, &node, order.permission.as_ref())?;
    let expires_at = expiry::of_new(caller, order.end.as_ref())?;
    if let Some(start) = order.not_before
        && expires_at.is_some_and(|end| start >= end)
    {
        return Err(Refusal::invalid("not_before", "A token must begin before it ends."));
    }

    // What stopped the holder's other tokens was before it.
    let born = holder.standing.clear_of_stops(caller.now);
    let life = Life {
        not_before: order.not_before,
        approved_at: (!account.policy.create.approval).then_some(born),
        ..Life::from(born, expires_at)
    };
    let token = Token {
        id: text.id(),
        number: 0,
        account: account.id.clone(),
        holder: holder.id,
        issued_by: caller.holder.id,
        name: fields.name,
        description: fields.description,
        metadata: fields.metadata,
        grant: granted.grant,
        node,
        desk: granted.desk,
        life,
        conditions: Conditions::default(),
        reason: None,
        digest: text.digest(),
        version: 0,
    };
    let mut change = where_there_is_room(Change::default(), account, &token, caller.now)
        .write(insert(account, &token, text.clone()))
        .entry(caller.entry(Action::TokenCreated, token.id, told(&token, account, &caller.registry)));
    if !token.node.is_root() {
        change = change.expect(Expect::Node(account.id.clone(), token.node.clone()));
    }
    change.outbox.extend(news::created(caller, holder, &token));
    Ok(Decided { change: resting_on(change, caller, &[holder]), token })
}

/// The first token of an installation: named `init`, inheriting, with the desk, whatever
/// `create`, `permission` and `reach` say; its length of life follows the policy.
pub fn first_token(
    account: &Account,
    holder: &Holder,
    registry: &Registry,
    text: &Arc<TokenText>,
    now: Timestamp,
) -> Result<Decided, Refusal> {
    let expires_at = expiry::usual_or(&account.policy, None, now)?;
    let token = Token {
        id: text.id(),
        number: 0,
        account: account.id.clone(),
        holder: holder.id,
        issued_by: holder.id,
        name: "init".into(),
        description: None,
        metadata: None,
        grant: Grant::Inherit,
        node: NodePath::root(),
        desk: true,
        life: Life::from(holder.standing.clear_of_stops(now), expires_at),
        conditions: Conditions::default(),
        reason: None,
        digest: text.digest(),
        version: 0,
    };
    let entry = Entry {
        at: now,
        actor: Actor::Operator,
        account: Some(account.id.clone()),
        action: Action::TokenCreated,
        subject: token.id.to_string(),
        payload: told(&token, account, registry),
    };
    let change = Change::default().write(insert(account, &token, text.clone())).entry(entry);
    Ok(Decided { change, token })
}

/// What the journal says of a new token.
pub(super) fn told(token: &Token, account: &Account, registry: &Registry) -> serde_json::Value {
    serde_json::json!({
        "name": token.name,
        "holder": token.holder.to_string(),
        "permission": grant_as_asked(&token.grant, account, registry),
        "node": token.node.as_str(),
        "expires_at": token.life.expires_at,
        "approved": token.life.approved_at.is_some(),
    })
}

struct Fields {
    name: String,
    description: Option<String>,
    metadata: Option<String>,
}

/// Checks what was written against the policy's form: a field that it does not have is
/// refused by name, never ignored.
fn form(account: &Account, order: &Create) -> Result<Fields, Refusal> {
    let policy = &account.policy;
    let given = [
        (order.description.is_some(), FormField::Description, "description"),
        (order.permission.is_some(), FormField::Permission, "permission"),
        (order.node.is_some(), FormField::Node, "node"),
        (matches!(order.end, Some(AskedEnd::In(_))), FormField::Expiry, "expires_in"),
        (order.end.is_some(), FormField::Expiry, "expires_at"),
        (order.not_before.is_some(), FormField::NotBefore, "not_before"),
        (order.holder.is_some(), FormField::Holder, "holder"),
        (order.metadata.is_some(), FormField::Metadata, "metadata"),
    ];
    for (_, field, name) in given.into_iter().filter(|(given, ..)| *given) {
        allowed(policy, field, name)?;
    }
    Ok(Fields {
        name: text::name("name", &order.name, NAME)?,
        description: order
            .description
            .as_deref()
            .map(|text| text::description("description", text, DESCRIPTION))
            .transpose()?
            .filter(|text| !text.is_empty()),
        metadata: order.metadata.as_ref().map(text::metadata).transpose()?.flatten(),
    })
}

fn may_create(caller: &Caller, holder: &Holder, node: &NodePath) -> Result<(), Refusal> {
    let policy = &caller.account.policy;
    caller.needs_reach(TOKENS_CREATE)?;
    if !caller.has_role_in(&policy.create.roles, node) {
        return Err(Refusal::forbidden(
            "Your role does not create tokens in this account; ask one of its administrators.",
        ));
    }
    if let Some(by) = caller.token().filter(|by| !by.node.covers(node)) {
        return Err(Refusal::of_field(
            crate::refusal::Code::Forbidden,
            "node",
            format!("This token reaches {} and below, not {node}.", by.node),
        ));
    }
    if holder.account != caller.account.id {
        return Err(Refusal::of_field(
            crate::refusal::Code::NotFound,
            "holder",
            "There is no such holder in this account.",
        ));
    }
    if caller.is(holder.id) {
        if policy.create.holder.contains(&HolderChoice::Caller) {
            return Ok(());
        }
        return Err(Refusal::not_allowed(
            "holder",
            "This account's policy gives people no tokens of their own; name another holder, as `holder`.",
        ));
    }
    let choice = match holder.id {
        HolderId::Member(_) => HolderChoice::Member,
        HolderId::ServiceAccount(_) => HolderChoice::ServiceAccount,
    };
    if !caller.manages_at(node) {
        return Err(Refusal::of_field(
            crate::refusal::Code::Forbidden,
            "holder",
            "Only those who manage this account's tokens create them for others; leave `holder` out.",
        ));
    }
    if !policy.create.holder.contains(&choice) {
        let whom = if choice == HolderChoice::Member { "other members" } else { "service accounts" };
        return Err(Refusal::not_allowed(
            "holder",
            format!("This account's policy does not create tokens for {whom}."),
        ));
    }
    Ok(())
}

/// Where the policy asks who one is before a secret is made.
pub(super) fn caller_fresh(caller: &Caller) -> Result<(), Refusal> {
    if caller.account.policy.create.reauth { caller.needs_fresh() } else { Ok(()) }
}
