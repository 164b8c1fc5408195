//! A store of maps for the rules' tests: it carries a change out as a database would, checks
//! versions, counts guards, all or nothing. Its time is driven and its chance seeded.
//!
//! It holds one account. Whatever a rule does not decide (time, roles bound at nodes, another
//! policy) is set by hand.

mod rows;
pub(crate) mod steps;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::accounts::{self, Found};
use domain::admit::{self, Ask, Facts, Subject};
use domain::change::{Actor, Change, Entry};
use domain::facts::{Account, Binding, Holder, Token};
use domain::ids::{HolderId, MemberId, PersonId, RoleId, ServiceAccountId, ServiceId};
use domain::life::State;
use domain::lifecycle::{self, Create, Edit};
use domain::members::{self, Join, Login};
use domain::node::NodePath;
use domain::nodes;
use domain::permission::{PermissionSet, Registry};
use domain::policy::Policy;
use domain::preset::Preset;
use domain::refusal::{Code, Refusal};
use domain::sessions::{self, Beginning};
use domain::time::{Period, Timestamp};
use domain::who::{By, Caller, Credential};
use token::{Brand, Digest, Entropy, Kind, TokenId, TokenText};

use rows::Rows;

/// Why nothing was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failed {
    Refused(Refusal),
    /// Something that the decision rested on has moved on.
    Conflict,
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// The refusal of what must not have worked.
pub(crate) fn refusal<T: std::fmt::Debug>(result: Result<T, Failed>) -> Refusal {
    match result {
        Err(Failed::Refused(refusal)) => refusal,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// SHA-256 of a seed and a counter: the same draws every run.
pub(crate) struct Seeded(AtomicU64);

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(Digest::LEN) {
            let block = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
            chunk.copy_from_slice(&Digest::of(&block).as_bytes()[..chunk.len()]);
        }
    }
}

pub(crate) struct World {
    pub(crate) now: Timestamp,
    /// The first member, with the strongest role.
    pub(crate) owner: HolderId,
    rows: Rows,
    journal: Vec<Entry>,
    entropy: Seeded,
}

/// Draws that no other seed makes.
pub(crate) fn seeded(seed: u64) -> Seeded {
    Seeded(AtomicU64::new(seed << 16))
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

pub(crate) fn period(text: &str) -> Period {
    text.parse().expect("a period")
}

pub(crate) fn node(text: &str) -> NodePath {
    text.parse().expect("a node")
}

pub(crate) fn named(name: &str) -> Create {
    Create { name: name.into(), ..Create::default() }
}

impl World {
    /// An account `acme` as the preset makes it, with its first member, on 1 June 2026.
    pub(crate) fn of(preset: &str) -> World {
        let entropy = Seeded(AtomicU64::new(1));
        let rows = Rows {
            account: None,
            registry: Arc::default(),
            holders: BTreeMap::new(),
            tokens: BTreeMap::new(),
            persons: BTreeMap::new(),
            nodes: BTreeSet::new(),
            services: BTreeMap::new(),
        };
        let owner = MemberId::draw(&entropy);
        let mut world = World {
            now: at("2026-06-01T12:00:00Z"),
            owner: HolderId::Member(owner),
            rows,
            journal: Vec::new(),
            entropy,
        };
        let order =
            Found { id: "acme".parse().unwrap(), name: "Acme".into(), external_id: None, metadata: None };
        let preset = Preset::named(preset).expect("a built-in preset");
        let draw = || RoleId::draw(&world.entropy);
        let founded =
            accounts::found(&order, preset, &Registry::default(), draw, Actor::Operator, world.now).unwrap();
        world.carry_out(founded.change).unwrap();
        assert_eq!(*world.rows.registry, founded.registry);
        let person = PersonId::draw(&world.entropy);
        let first = members::first(
            world.account(),
            owner,
            person,
            "Ada",
            "ada@acme.test",
            Actor::Operator,
            world.now,
        )
        .unwrap();
        world.carry_out(first.change).unwrap();
        world
    }

    pub(crate) fn account(&self) -> &Account {
        self.rows.account.as_deref().expect("founded at the start")
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.rows.registry
    }

    pub(crate) fn holder(&self, id: HolderId) -> &Holder {
        &self.rows.holders[&id]
    }

    pub(crate) fn holders(&self) -> impl Iterator<Item = &Holder> {
        self.rows.holders.values()
    }

    pub(crate) fn token(&self, id: TokenId) -> &Token {
        &self.rows.tokens[&id]
    }

    pub(crate) fn tokens(&self) -> impl Iterator<Item = &Token> {
        self.rows.tokens.values()
    }

    pub(crate) fn journal(&self) -> &[Entry] {
        &self.journal
    }

    pub(crate) fn permissions(&self, names: &[&str]) -> PermissionSet {
        self.rows.registry.set(names.iter().copied()).expect("known permissions")
    }

    /// The role of that name.
    pub(crate) fn role(&self, name: &str) -> RoleId {
        self.account().role_named(name).expect("a role of the account").id
    }

    // What no rule decides.

    pub(crate) fn wait(&mut self, length: &str) {
        self.now = self.now.plus(&period(length));
    }

    pub(crate) fn set_policy(&mut self, change: impl FnOnce(&mut Policy)) {
        self.set_account(|account| change(&mut account.policy));
    }

    pub(crate) fn set_account(&mut self, change: impl FnOnce(&mut Account)) {
        let account = self.rows.account.as_mut().map(Arc::make_mut).expect("founded at the start");
        change(account);
        account.version += 1;
    }

    pub(crate) fn set_token(&mut self, id: TokenId, change: impl FnOnce(&mut Token)) {
        let token = self.rows.tokens.get_mut(&id).expect("a token of the world");
        change(token);
        token.version += 1;
    }

    pub(crate) fn set_holder(&mut self, id: HolderId, change: impl FnOnce(&mut Holder)) {
        let holder = self.rows.holders.get_mut(&id).expect("a holder of the world");
        change(holder);
        holder.version += 1;
    }

    pub(crate) fn bind(&mut self, id: HolderId, role: RoleId, node: &NodePath) {
        self.set_holder(id, |holder| {
            holder.bindings.retain(|binding| binding.node != *node);
            holder.bindings.push(Binding { role, node: node.clone() });
        });
    }

    pub(crate) fn add_node(&mut self, path: &str) -> NodePath {
        let by = self.session(self.owner);
        let (row, change) = nodes::add(&by, &node(path), "A node").unwrap();
        self.carry_out_for(&by, change).unwrap();
        row.path
    }

    // Who comes.

    pub(crate) fn join(&mut self, name: &str, role: &str) -> HolderId {
        let id = MemberId::draw(&self.entropy);
        let order = Join { name: name.into(), role: Some(role.into()), ..Join::default() };
        let by = self.session(self.owner);
        let joined = members::join(&by, &order, id, Login::None).unwrap();
        self.carry_out_for(&by, joined.change).unwrap();
        joined.holder.id
    }

    pub(crate) fn service_account(&mut self, name: &str, role: &str) -> HolderId {
        let id = ServiceAccountId::draw(&self.entropy);
        let order = Join { name: name.into(), role: Some(role.into()), ..Join::default() };
        let by = self.session(self.owner);
        let joined = members::join_service_account(&by, &order, id).unwrap();
        self.carry_out_for(&by, joined.change).unwrap();
        joined.holder.id
    }

    /// A holder who signed in just now.
    pub(crate) fn session(&mut self, id: HolderId) -> Caller {
        let session = self.log_in(id).expect("an active member may sign in");
        self.bearer(session)
    }

    /// A member through a service that acts for them.
    pub(crate) fn through(&mut self, service: ServiceId, id: HolderId) -> Caller {
        let version = *self.rows.services.entry(service).or_insert(1);
        let mut caller = self.session(id);
        caller.by = By::Service { id: service, version };
        caller
    }

    /// Ends a service's key, as an operator does.
    pub(crate) fn end_service(&mut self, service: ServiceId) {
        *self.rows.services.get_mut(&service).expect("it acted before") += 1;
    }

    /// Whoever comes with this token or session.
    pub(crate) fn bearer(&self, id: TokenId) -> Caller {
        let token = self.token(id);
        let longest = self.account().policy.expiry.max.as_ref().filter(|_| id.kind != Kind::Ses);
        let credential = Credential {
            id,
            version: token.version,
            grant: token.grant.clone(),
            desk: token.desk,
            node: token.node.clone(),
            created_at: token.life.created_at,
            ends_at: token.life.ends_at(longest),
        };
        Caller {
            account: self.rows.account.clone().expect("founded at the start"),
            holder: self.holder(token.holder).clone(),
            by: By::Token(credential),
            registry: self.rows.registry.clone(),
            now: self.now,
            reauthenticated: false,
        }
    }

    // What they do: decided by the rules, carried out here.

    pub(crate) fn text(&self, kind: Kind) -> Arc<TokenText> {
        Arc::new(TokenText::issue(Brand::default(), kind, &self.entropy))
    }

    pub(crate) fn create(&mut self, by: &Caller, order: &Create) -> Result<TokenId, Failed> {
        let holder = self.holder(order.holder.unwrap_or(by.holder.id));
        let kind = if holder.id.kind() == "member" { Kind::Pat } else { Kind::Sat };
        let decided = lifecycle::create(by, order, holder, &self.text(kind))?;
        self.decided(by, decided)
    }

    pub(crate) fn edit(&mut self, by: &Caller, id: TokenId, edit: &Edit) -> Result<TokenId, Failed> {
        let token = self.token(id).clone();
        let decided = lifecycle::edit(by, token.clone(), self.holder(token.holder), edit)?;
        self.decided(by, decided)
    }

    pub(crate) fn rotate(&mut self, by: &Caller, id: TokenId, grace: &str) -> Result<TokenId, Failed> {
        let token = self.token(id).clone();
        let text = self.text(id.kind);
        let grace = period(grace);
        let decided = lifecycle::rotate(by, token.clone(), self.holder(token.holder), Some(&grace), &text)?;
        self.decided(by, decided)
    }

    pub(crate) fn revoke(&mut self, by: &Caller, id: TokenId) -> Result<TokenId, Failed> {
        let token = self.token(id).clone();
        let holder = self.holder(token.holder);
        let decided = lifecycle::revoke(by, token.clone(), holder, self.line(id), Some("a mistake"))?;
        self.decided(by, decided)
    }

    pub(crate) fn approve(&mut self, by: &Caller, id: TokenId) -> Result<TokenId, Failed> {
        let token = self.token(id).clone();
        let (holder, issuer) = (self.holder(token.holder), self.holder(token.issued_by));
        let decided = lifecycle::approve(by, token.clone(), holder, issuer)?;
        self.decided(by, decided)
    }

    pub(crate) fn leak(&mut self, by: &Caller, id: TokenId) -> Result<TokenId, Failed> {
        let decided = lifecycle::report_leak(by, self.token(id).clone(), self.line(id), None, &[])?;
        self.decided(by, decided)
    }

    pub(crate) fn delete(
        &mut self,
        by: &Caller,
        id: TokenId,
        confirm: Option<&str>,
    ) -> Result<TokenId, Failed> {
        let decided = lifecycle::delete(by, self.token(id).clone(), self.line(id), confirm)?;
        self.decided(by, decided)
    }

    pub(crate) fn reveal(&mut self, by: &Caller, id: TokenId) -> Result<(), Failed> {
        let token = self.token(id);
        let change = lifecycle::reveal(by, token, self.holder(token.holder))?;
        self.carry_out_for(by, change)
    }

    pub(crate) fn log_in(&mut self, id: HolderId) -> Result<TokenId, Failed> {
        let text = self.text(Kind::Ses);
        let beginning = Beginning { node: NodePath::root(), agent: None, text: &text, refresh: None };
        let (token, change) = sessions::start(self.account(), self.holder(id), beginning, self.now)?;
        self.carry_out(change)?;
        Ok(token.id)
    }

    pub(crate) fn log_out(&mut self, session: TokenId) -> Result<(), Failed> {
        let by = self.bearer(session);
        let change = sessions::log_out(&by, self.token(session).clone())?;
        self.carry_out_for(&by, change)
    }

    pub(crate) fn member(
        &mut self,
        by: &Caller,
        decision: impl FnOnce(&Holder) -> Result<members::Decided, Refusal>,
        id: HolderId,
    ) -> Result<(), Failed> {
        let decided = decision(self.holder(id))?;
        self.carry_out_for(by, decided.change)
    }

    pub(crate) fn deactivate(&mut self, by: &Caller, id: HolderId) -> Result<(), Failed> {
        self.member(by, |holder| members::deactivate(by, holder.clone()), id)
    }

    pub(crate) fn reactivate(&mut self, by: &Caller, id: HolderId) -> Result<(), Failed> {
        self.member(by, |holder| members::reactivate(by, holder.clone()), id)
    }

    pub(crate) fn remove(&mut self, by: &Caller, id: HolderId) -> Result<(), Failed> {
        self.member(by, |holder| members::remove(by, holder.clone()), id)
    }

    pub(crate) fn give_role(&mut self, by: &Caller, id: HolderId, role: &str) -> Result<(), Failed> {
        let edit = members::Edit { role: Some(role.into()), ..members::Edit::default() };
        self.member(by, |holder| members::edit(by, holder.clone(), &edit), id)
    }

    fn decided(&mut self, by: &Caller, decided: lifecycle::Decided) -> Result<TokenId, Failed> {
        self.carry_out_for(by, decided.change)?;
        Ok(decided.token.id)
    }

    /// The tokens that this one replaced, directly or not, and that are in grace.
    fn line(&self, id: TokenId) -> Vec<Token> {
        let mut line = Vec::new();
        let mut heir = id;
        while let Some(old) = self.tokens().find(|token| token.life.rotated_to == Some(heir)) {
            if self.state(old.id) == State::Grace {
                line.push(old.clone());
            }
            heir = old.id;
        }
        line
    }

    // What is true now.

    pub(crate) fn state(&self, id: TokenId) -> State {
        let token = self.token(id);
        lifecycle::state(self.account(), self.holder(token.holder), token, self.now)
    }

    pub(crate) fn facts(&self, id: TokenId) -> Facts<'_> {
        let token = self.token(id);
        Facts {
            token: Subject {
                id,
                version: token.version,
                name: &token.name,
                metadata: token.metadata.as_deref(),
                life: token.life,
                conditions: &token.conditions,
                grant: &token.grant,
                desk: token.desk,
                node: &token.node,
            },
            holder: self.holder(token.holder),
            account: self.account(),
            registry: &self.rows.registry,
        }
    }

    pub(crate) fn verify(&self, id: TokenId) -> admit::Code {
        admit::admit(self.facts(id), &Ask::default(), self.now.into()).code
    }

    /// Whether the token may do that at a node, as a verdict says it.
    pub(crate) fn may(&self, id: TokenId, permission: &str, at: &NodePath) -> bool {
        let requirement = domain::permission::Requirement::One(permission.into());
        let ask = Ask { requirement: Some(&requirement), node: Some(at), ..Ask::default() };
        admit::admit(self.facts(id), &ask, self.now.into()).is_valid()
    }

    // What a store does.

    /// Carries out what somebody decided, who must still be who they were.
    pub(crate) fn carry_out_for(&mut self, by: &Caller, change: Change) -> Result<(), Failed> {
        self.carry_out(by.stands_behind(change))
    }

    /// Carries a change out, all of it or nothing.
    pub(crate) fn carry_out(&mut self, change: Change) -> Result<(), Failed> {
        for expect in &change.expects {
            if !self.rows.stands(expect) {
                return Err(Failed::Conflict);
            }
        }
        for guard in &change.guards {
            if !self.rows.holds(&guard.holds) {
                return Err(Failed::Refused(guard.otherwise.clone()));
            }
        }
        let mut rows = self.rows.clone();
        for write in change.writes {
            rows.write(write).ok_or(Failed::Conflict)?;
        }
        assert!(
            change.entries.iter().all(|entry| entry.at == self.now),
            "the journal tells the time of the change"
        );
        self.rows = rows;
        self.journal.extend(change.entries);
        Ok(())
    }
}

/// A refusal must be of this code, and its sentence must say what to do: it names `word`.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, Failed>, code: Code, word: &str) {
    let refusal = refusal(result);
    assert_eq!(refusal.code, code, "{refusal}");
    assert!(refusal.detail.contains(word), "{word:?} is not in {:?}", refusal.detail);
    assert!(refusal.detail.ends_with('.'), "not a whole sentence: {:?}", refusal.detail);
}
