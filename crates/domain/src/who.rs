//! Who asks, by what credential, and what that lets them do.

use std::sync::Arc;

use token::{Kind, TokenId};

use crate::change::{Actor, Change, Entry, Expect};
use crate::facts::{Account, Holder, Token};
use crate::grant::{self, Grant};
use crate::ids::HolderId;
use crate::node::NodePath;
use crate::permission::{PermissionSet, Registry};
use crate::policy::Visibility;
use crate::refusal::{Code, Refusal};
use crate::time::Timestamp;

/// How long a session counts as fresh after the password was given: 5 minutes, in µs.
pub const FRESH: i64 = 5 * 60 * 1_000_000;

/// A member or service account at work in its account, through a token or a session that was
/// found good. Everything is as of `now`, which every rule takes for the present.
#[derive(Clone, Debug)]
pub struct Caller {
    pub account: Arc<Account>,
    pub holder: Holder,
    pub credential: Credential,
    pub registry: Arc<Registry>,
    pub now: Timestamp,
    /// The password came with this request, and was right.
    pub reauthenticated: bool,
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
    /// What the credential may do at a node.
    pub fn rights(&self, at: &NodePath) -> PermissionSet {
        let by = &self.credential;
        grant::of_token(&by.grant, by.desk, &by.node, &self.holder, &self.account, at)
    }

    pub fn is_session(&self) -> bool {
        self.credential.id.kind == Kind::Ses
    }

    /// The end that nothing made with this credential outlives; none for sessions, and for the
    /// first token of an installation, which stands for its administrator as a session does.
    pub fn outlived_by_none(&self) -> Option<Timestamp> {
        self.credential.ends_at.filter(|_| !self.stands_for_the_holder())
    }

    /// Whether this is the person at work, whatever they may do: a session, or the first token of
    /// an installation. Tokens that reach some of the desk by name are not.
    pub fn stands_for_the_holder(&self) -> bool {
        self.is_session() || (self.credential.desk && self.credential.grant == Grant::Inherit)
    }

    pub fn is(&self, holder: HolderId) -> bool {
        self.holder.id == holder
    }

    /// Whether one of the holder's roles at the root or above `at` is among `roles`.
    pub fn has_role_in(&self, roles: &crate::policy::RoleNames, at: &NodePath) -> bool {
        let mut held = self.holder.bindings.iter().filter(|binding| binding.node.covers(at));
        held.any(|binding| self.account.role(binding.role).is_some_and(|role| roles.contains(&role.name)))
    }

    /// Whether the caller lists and manages everybody's tokens.
    pub fn manages(&self) -> bool {
        self.has_role_in(&self.account.policy.managers, &NodePath::root())
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
            if self.is_session() { "your role" } else { "this token" },
        )))
    }

    /// What people may do with tokens is for the policy to say; a token needs the permission
    /// as well, so that by default tokens do not make tokens.
    pub fn needs_reach(&self, permission: PermissionSet) -> Result<(), Refusal> {
        if self.is_session() { Ok(()) } else { self.needs(permission) }
    }

    /// Rests a change on the rows that let the caller make it: whoever is stopped meanwhile
    /// stops here too.
    pub fn stands_behind(&self, change: Change) -> Change {
        let account = &self.account.id;
        change
            .expect(Expect::Account(account.clone(), self.account.version))
            .expect(Expect::Holder(account.clone(), self.holder.id, self.holder.version))
            .expect(Expect::Token(account.clone(), self.credential.id, self.credential.version))
    }

    /// Who may know of a token: its holder and whoever issued it, managers, and all where the
    /// policy shows all. Where it shows nothing, those who do not manage have no tokens to see,
    /// not even their own.
    pub fn sees(&self, token: &Token) -> bool {
        if token.account != self.account.id {
            return false;
        }
        self.manages()
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
        if !self.credential.node.covers(&token.node) {
            let sentence = format!(
                "You come with what reaches {} and below; this token is not there.",
                self.credential.node
            );
            return Err(Refusal::forbidden(sentence));
        }
        if self.is(token.holder) || self.manages() {
            return Ok(());
        }
        Err(Refusal::forbidden(
            "Only its holder and those who manage this account's tokens may change this token.",
        ))
    }

    /// Needs the password again, if the session is older than [`FRESH`].
    pub fn needs_fresh(&self) -> Result<(), Refusal> {
        let age = self.credential.created_at.micros_until(self.now);
        if !self.is_session() || self.reauthenticated || age <= FRESH {
            return Ok(());
        }
        Err(Refusal::new(
            Code::ReauthenticationRequired,
            "You signed in more than 5 minutes ago; send your password with the request, as `password`.",
        ))
    }

    pub fn actor(&self) -> Actor {
        Actor::Holder { id: self.holder.id, via: self.credential.id }
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
