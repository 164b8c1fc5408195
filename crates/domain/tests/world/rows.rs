//! The rows of the tests' store: what a version, a guard and a write mean for them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::change::{Condition, Counting, Expect, Write};
use domain::facts::{Account, Holder, Person, Token};
use domain::ids::{ExternalId, HolderId, PersonId, ServiceId};
use domain::life::State;
use domain::lifecycle;
use domain::node::NodePath;
use domain::permission::Registry;
use domain::policy::Counted;
use token::{Kind, TokenId};

#[derive(Clone)]
pub(super) struct Rows {
    pub(super) account: Option<Arc<Account>>,
    pub(super) registry: Arc<Registry>,
    pub(super) holders: BTreeMap<HolderId, Holder>,
    pub(super) tokens: BTreeMap<TokenId, Token>,
    pub(super) persons: BTreeMap<PersonId, Person>,
    pub(super) nodes: BTreeSet<NodePath>,
    /// The versions of services.
    pub(super) services: BTreeMap<ServiceId, i64>,
}

impl Rows {
    pub(super) fn account(&self) -> &Account {
        self.account.as_ref().expect("founded at the start")
    }

    pub(super) fn stands(&self, expect: &Expect) -> bool {
        match expect {
            Expect::Account(_, version) => self.account().version == *version,
            Expect::Holder(_, id, version) => self.holders.get(id).is_some_and(|row| row.version == *version),
            Expect::Token(_, id, version) => self.tokens.get(id).is_some_and(|row| row.version == *version),
            Expect::Person(id, version) => self.persons.get(id).is_some_and(|row| row.version == *version),
            Expect::NobodyNamed(_, names) => !self.holders.values().any(|holder| {
                let named = |name: &ExternalId| holder.external_id.as_deref() == Some(name.as_str());
                holder.standing.removed_at.is_none() && names.iter().any(named)
            }),
            Expect::NoAccount(_) | Expect::NoAccountNamed(_) => self.account.is_none(),
            Expect::Service(id, version) => self.services.get(id) == Some(version),
            Expect::Node(_, path) => self.nodes.contains(path),
        }
    }

    pub(super) fn holds(&self, condition: &Condition) -> bool {
        let listed = |token: &&Token| matches!(token.id.kind, Kind::Pat | Kind::Sat);
        let state =
            |token: &Token, now| lifecycle::state(self.account(), &self.holders[&token.holder], token, now);
        match condition {
            Condition::Fewer { holder, counted, max, besides, lens, .. } => {
                let taken = self.tokens.values().filter(listed).filter(|token| {
                    holder.is_none_or(|holder| holder == token.holder)
                        && Some(token.id) != *besides
                        && token.life.rotated_to.is_none()
                        && counted_as(state(token, lens.now)).is_some_and(|as_| counted.contains(&as_))
                });
                taken.count() < *max as usize
            }
            Condition::TokenNameFree { name, besides, lens, .. } => {
                !self.tokens.values().filter(listed).any(|token| {
                    token.name == *name
                        && Some(token.id) != *besides
                        && token.life.rotated_to.is_none()
                        && state(token, lens.now) != State::Deleted
                })
            }
            Condition::AnotherMemberHas { role, besides, person, .. } => {
                self.holders.values().any(|holder| {
                    holder.id != *besides
                        && holder.id.kind() == "member"
                        && holder.is_active()
                        && (holder.person.is_some() || !person)
                        && holder.role() == Some(*role)
                })
            }
            Condition::RoleUnused { role, .. } => {
                let held = |holder: &Holder| {
                    holder.standing.tokens_deleted_at.is_none()
                        && holder.bindings.iter().any(|binding| binding.role == *role)
                };
                let given = |token: &Token| {
                    token.grant == domain::grant::Grant::Role(*role) && token.life.deleted_at.is_none()
                };
                !self.holders.values().any(held) && !self.tokens.values().any(given)
            }
            Condition::NotAMember { person, .. } => !self
                .holders
                .values()
                .any(|holder| holder.person == Some(*person) && holder.standing.removed_at.is_none()),
            Condition::EmailFree { email } => !self.persons.values().any(|person| person.email == *email),
            Condition::ExternalIdFree { external_id, .. } => {
                !self.holders.values().any(|holder| holder.external_id.as_ref() == Some(external_id))
            }
            Condition::AccountFree { .. } | Condition::NoAccountYet => self.account.is_none(),
            // This world has one account.
            Condition::AccountExternalIdFree { .. } => true,
            Condition::NodeFree { path, .. } => !self.nodes.contains(path),
            Condition::Room { of: Counting::Nodes, max, .. } => self.nodes.len() < *max as usize,
            // This world keeps none.
            Condition::Room { of: Counting::Installations | Counting::Webhooks, .. } => true,
        }
    }

    /// None where the row has moved on.
    pub(super) fn write(&mut self, write: Write) -> Option<()> {
        match write {
            Write::InsertAccount(row) => self.account = Some(Arc::new(*row)),
            Write::UpdateAccount(mut row) => {
                (self.account().version == row.version).then_some(())?;
                row.version += 1;
                self.account = Some(Arc::new(*row));
            }
            Write::InsertHolder(row) => self.holders.insert(row.id, row).is_none().then_some(())?,
            Write::UpdateHolder(mut row) => {
                (self.holders.get(&row.id)?.version == row.version).then_some(())?;
                row.version += 1;
                self.holders.insert(row.id, row);
            }
            Write::InsertToken { mut token, .. } => {
                token.number = self.tokens.len() as i64 + 1;
                self.tokens.insert(token.id, *token).is_none().then_some(())?;
            }
            Write::UpdateToken(mut row) => {
                (self.tokens.get(&row.id)?.version == row.version).then_some(())?;
                row.version += 1;
                self.tokens.insert(row.id, *row);
            }
            Write::InsertPerson(row) => self.persons.insert(row.id, row).is_none().then_some(())?,
            Write::InsertNode(row) => self.nodes.insert(row.path).then_some(())?,
            Write::UpdateNode(row) => self.nodes.contains(&row.path).then_some(())?,
            Write::InsertPermission { bit, name } => {
                (Arc::make_mut(&mut self.registry).extend([name.clone()]).ok()? == [(bit, name)])
                    .then_some(())?;
            }
            Write::ForgetSecret(_) => {}
            other => panic!("the world keeps no such row: {other:?}"),
        }
        Some(())
    }
}

fn counted_as(state: State) -> Option<Counted> {
    match state {
        State::Active | State::Expiring => Some(Counted::Active),
        State::Pending => Some(Counted::Pending),
        State::Suspended => Some(Counted::Suspended),
        State::Revoked => Some(Counted::Revoked),
        State::Expired => Some(Counted::Expired),
        State::Deleted | State::Leaked | State::Rotated | State::Grace => None,
    }
}
