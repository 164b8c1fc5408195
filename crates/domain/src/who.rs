//! Who asks, by what they came with, and what that lets them do.

use std::sync::Arc;

use token::{Kind, TokenId};

use crate::change::{Actor, Change, Entry, Expect};
use crate::facts::{Account, Holder, Token};
use crate::grant::{self, Grant, Growth};
use crate::ids::{HolderId, ServiceId};
use crate::node::NodePath;
use crate::permission::{PermissionSet, Registry};
use crate::policy::Visibility;
use crate::refusal::{Code, Refusal};
use crate::time::Timestamp;

/// How long a session counts as fresh after the password was given: 5 minutes, in µs.
pub const FRESH: i64 = 5 * 60 * 1_000_000;

/// A member or service account at work in its account, through a token or a session that was
/// found good, or a member through a service that acts for them. Everything is as of `now`, which
/// every rule takes for the present.
#[derive(Clone, Debug)]
pub struct Caller {
    pub account: Arc<Account>,
    pub holder: Holder,
    pub by: By,
    pub registry: Arc<Registry>,
    pub now: Timestamp,
    /// The password came with this request, and was right.
    pub reauthenticated: bool,
}

/// By what a caller is at work.
#[derive(Clone, Debug)]
pub enum By {
    /// A token or session of their own.
    Token(Credential),
    /// A service of the product, which has them in front of it and may act for them. They may do
    /// what they may do signed in, and are never the operator: the service's key would be one.
    Service { id: ServiceId, version: i64 },
}

/// The token or session that a caller came with.
#[derive(Clone, Debug)]
pub struct Credential {
    pub id: TokenId,
    pub version: i64,
    pub grant: Grant,
    pub desk: bool,
    pub node: NodePath,
    pub created_at: Timestamp,
    pub ends_at: Option<Timestamp>,
}

impl Caller {
    /// What the caller may do at a node.
    pub fn rights(&self, at: &NodePath) -> PermissionSet {
        match &self.by {
            By::Token(by) => grant::of_token(&by.grant, by.desk, &by.node, &self.holder, &self.account, at),
            By::Service { .. } => grant::of_holder(&self.holder, &self.account, at),
        }
    }

    /// The token or session that the caller came with.
    pub fn token(&self) -> Option<&Credential> {
        match &self.by {
            By::Token(credential) => Some(credential),
            By::Service { .. } => None,
        }
    }

    /// The same for what only a token or session can ask about itself.
    pub fn own_token(&self) -> Result<&Credential, Refusal> {
        self.token().ok_or_else(|| {
            Refusal::wrong_state("A service that acts for a member comes with no token of theirs.")
        })
    }

    /// Whether it is this token itself that asks.
    pub fn comes_with(&self, token: TokenId) -> bool {
        self.token().is_some_and(|by| by.id == token)
    }

    pub fn is_session(&self) -> bool {
        self.token().is_some_and(|by| by.id.kind == Kind::Ses)
    }

    /// Whether the holder is there: signed in, or before a service that acts for them. What the
    /// policy lets people do is theirs to do, and no permission of a token's is asked for.
    pub fn is_in_person(&self) -> bool {
        self.is_session() || self.token().is_none()
    }

    /// How what the caller may do can come to be more; they hand on nothing that grows otherwise.
    pub fn growth(&self) -> Growth {
        self.token().map_or(Growth::WithItsHolder, |by| by.grant.growth())
    }

    /// Whether what the caller comes with reaches a place.
    pub fn reaches(&self, node: &NodePath) -> bool {
        self.token().is_none_or(|by| by.node.covers(node))
    }

    /// The end that nothing made by this caller outlives; none for whoever is there in person, and
    /// for the first token of an installation, which stands for its administrator as a session does.
    pub fn outlived_by_none(&self) -> Option<Timestamp> {
        self.token()?.ends_at.filter(|_| !self.stands_for_the_holder())
    }

    /// Whether this is the person at work by their own doing, whatever they may do: a session, or
    /// the first token of an installation. Tokens that reach some of the desk by name are not, and
    /// neither is a service, which knows people by the product's word alone.
    pub fn stands_for_the_holder(&self) -> bool {
        self.is_session() || self.token().is_some_and(|by| by.desk && by.grant == Grant::Inherit)
    }

    pub fn is(&self, holder: HolderId) -> bool {
        self.holder.id == holder
    }

    /// Whether one of the holder's roles at the root or above `at` is among `roles`.
    pub fn has_role_in(&self, roles: &crate::policy::RoleNames, at: &NodePath) -> bool {
        let mut held = self.holder.bindings.iter().filter(|binding| binding.node.covers(at));
        held.any(|binding| self.account.role(binding.role).is_some_and(|role| roles.contains(&role.name)))
    }

    /// Whether the caller lists and manages everybody's tokens, in the whole account.
    pub fn manages(&self) -> bool {
        self.manages_at(&NodePath::root())
    }

    /// The same of the tokens at a node and below: a manager who signed in for a part of the tree manages
    /// that part.
    pub fn manages_at(&self, node: &NodePath) -> bool {
        self.reaches(node) && self.has_role_in(&self.account.policy.managers, &NodePath::root())
    }

    /// What some role of the account may do and the caller may not, at the root: nothing for whoever
    /// may do everything there.
    pub fn lacks(&self) -> PermissionSet {
        let everything: PermissionSet = self.account.roles.iter().map(|role| role.permissions).collect();
        everything - self.rights(&NodePath::root())
    }

    /// Needs a permission of the desk, anywhere but with tokens: there the policy's switches
    /// decide, see [`Caller::needs_reach`].
    pub fn needs(&self, permission: PermissionSet) -> Result<(), Refusal> {
        self.needs_at(permission, &NodePath::root())
    }

    /// As [`Caller::needs`], at a node.
    pub fn needs_at(&self, permission: PermissionSet, node: &NodePath) -> Result<(), Refusal> {
        if self.rights(node).contains(permission) {
            return Ok(());
        }
        Err(Refusal::forbidden(format!(
            "This needs the permission {}, which {} does not have here.",
            self.spell(permission),
            if self.is_in_person() { "your role" } else { "this token" },
        )))
    }

    /// What people may do with tokens is for the policy to say; a token needs the permission
    /// as well, so that by default tokens do not make tokens.
    pub fn needs_reach(&self, permission: PermissionSet) -> Result<(), Refusal> {
        if self.is_in_person() { Ok(()) } else { self.needs(permission) }
    }

    /// Rests a change on the rows that let the caller make it: whoever is stopped meanwhile
    /// stops here too.
    pub fn stands_behind(&self, change: Change) -> Change {
        let account = &self.account.id;
        change
            .expect(Expect::Account(account.clone(), self.account.version))
            .expect(Expect::Holder(account.clone(), self.holder.id, self.holder.version))
            .expect(match &self.by {
                By::Token(by) => Expect::Token(account.clone(), by.id, by.version),
                By::Service { id, version } => Expect::Service(*id, *version),
            })
    }

    /// Who may know of a token: its holder and whoever issued it, managers, and all where the
    /// policy shows all. Where it shows nothing, those who do not manage have no tokens to see,
    /// not even their own. Whoever comes for a part of the tree knows of the tokens there.
    pub fn sees(&self, token: &Token) -> bool {
        if token.account != self.account.id || !self.reaches(&token.node) {
            return false;
        }
        self.manages_at(&token.node)
            || match self.account.policy.visibility {
                Visibility::None => false,
                Visibility::Own => self.is(token.holder) || self.is(token.issued_by),
                Visibility::All => true,
            }
    }

    /// Who may change a token: its holder and managers. Whoever issued it for somebody else was
    /// a manager then, and has no say once they are not. For those who do not see it, it does
    /// not exist.
    pub fn may_change(&self, token: &Token) -> Result<(), Refusal> {
        if !self.sees(token) {
            return Err(Refusal::not_found("token"));
        }
        if self.is(token.holder) || self.manages_at(&token.node) {
            return Ok(());
        }
        Err(Refusal::forbidden(
            "Only its holder and those who manage this account's tokens may change this token.",
        ))
    }

    /// Whether it is not a session, or one that is at most as old as [`FRESH`], or the password came again.
    fn is_fresh(&self) -> bool {
        let session = self.token().filter(|by| by.id.kind == Kind::Ses && !self.reauthenticated);
        session.is_none_or(|by| by.created_at.micros_until(self.now) <= FRESH)
    }

    /// Needs the password again, if the session is older than [`FRESH`].
    pub fn needs_fresh(&self) -> Result<(), Refusal> {
        self.fresh_or(
            "You signed in more than 5 minutes ago; send your password with the request, as `password`.",
        )
    }

    /// The same for a request that has no place for a password: a change that says so needs this, see
    /// [`Change::recent`].
    pub fn needs_recent_login(&self) -> Result<(), Refusal> {
        self.fresh_or("You signed in more than 5 minutes ago; sign in again, and come with the new session.")
    }

    fn fresh_or(&self, sentence: &str) -> Result<(), Refusal> {
        if self.is_fresh() { Ok(()) } else { Err(Refusal::new(Code::ReauthenticationRequired, sentence)) }
    }

    pub fn actor(&self) -> Actor {
        match &self.by {
            By::Token(by) => Actor::Holder { id: self.holder.id, via: by.id },
            By::Service { id, .. } => Actor::Acted { holder: self.holder.id, by: *id },
        }
    }

    /// An entry in the journal of the caller's account, by the caller, now.
    pub fn entry(
        &self,
        action: crate::change::Action,
        subject: impl ToString,
        payload: serde_json::Value,
    ) -> Entry {
        Entry {
            at: self.now,
            actor: self.actor(),
            account: Some(self.account.id.clone()),
            action,
            subject: subject.to_string(),
            payload,
        }
    }

    /// The names of a set, for a sentence: `devices:read and devices:update`.
    pub fn spell(&self, set: PermissionSet) -> String {
        spell(&self.registry, set)
    }
}

/// The names of a set, for a sentence; of a large one the first four and how many more.
pub fn spell(registry: &Registry, set: PermissionSet) -> String {
    let names: Vec<String> = registry.spell(set).map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => "nothing".into(),
        [one] => one.clone(),
        [few @ .., last] if names.len() <= 5 => format!("{} and {last}", few.join(", ")),
        many => format!("{} and {} more", many[..4].join(", "), many.len() - 4),
    }
}
