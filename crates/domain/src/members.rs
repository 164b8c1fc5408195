//! Members and service accounts: joining, changing role, leaving and coming back.
//!
//! One row stops any number of tokens: these decisions write the holder, never its tokens.
//! Who may do it is said by permissions of the desk (`members:…`), and nobody gives, or takes
//! from, more than they have themselves. A role holds at a node and below, so each of these is asked
//! where the role is: whoever runs a part of the tree looks after who may do what in it.

use crate::bindings::{self, Bound};
use crate::change::{Action, Actor, Change, Condition, Entry, Expect, Write};
use crate::facts::{Account, Binding, Holder, Person, Standing};
use crate::ids::{ExternalId, HolderId, MemberId, PersonId, ServiceAccountId};
use crate::life::Lens;
use crate::node::NodePath;
use crate::permission::{MEMBERS_CREATE, MEMBERS_DELETE, MEMBERS_UPDATE};
use crate::policy::{Counted, OnInactive, OnRemove, OnReturn};
use crate::refusal::{Code, Refusal};
use crate::text;
use crate::time::Timestamp;
use crate::who::Caller;

/// Characters of a holder's name.
pub(crate) const NAME: usize = 100;

/// A decision on a holder: the row as it will stand, and the change that makes it so.
#[derive(Debug)]
pub struct Decided {
    pub holder: Holder,
    pub change: Change,
}

/// What a request says of a new member or service account.
#[derive(Clone, Debug, Default)]
pub struct Join {
    pub name: String,
    pub email: Option<String>,
    pub external_id: Option<String>,
    /// The one at the root.
    pub role: Option<String>,
    /// The others, or all of them.
    pub bindings: Vec<Bound>,
    pub metadata: Option<serde_json::Value>,
}

/// Who can sign in as a new member.
#[derive(Debug)]
pub enum Login {
    /// Nobody, until an invitation is accepted: an address alone is nobody's login.
    None,
    /// Somebody new; the password is a PHC string.
    New { id: PersonId, password: String },
}

/// Decides on a new member.
pub fn join(caller: &Caller, order: &Join, id: MemberId, login: Login) -> Result<Decided, Refusal> {
    let bindings = roles_of(&caller.account, order)?;
    bindings::may_give(caller, MEMBERS_CREATE, &bindings)?;
    may_name(caller, order)?;
    let into = Joining { account: &caller.account, actor: caller.actor(), now: caller.now };
    into.member(order, bindings, id, login)
}

/// Decides on a new member of an account that the operator is not at work in: so an account that
/// was just founded gets its first ones. Any role may be given, by its name.
pub fn place(
    account: &Account,
    order: &Join,
    id: MemberId,
    login: Login,
    operator: Actor,
    now: Timestamp,
) -> Result<Decided, Refusal> {
    let decided =
        Joining { account, actor: operator, now }.member(order, roles_of(account, order)?, id, login)?;
    let change = decided.change.expect(Expect::Account(account.id.clone(), account.version));
    Ok(Decided { change, ..decided })
}

/// Decides on a new service account.
pub fn join_service_account(caller: &Caller, order: &Join, id: ServiceAccountId) -> Result<Decided, Refusal> {
    let bindings = roles_of(&caller.account, order)?;
    bindings::may_give(caller, MEMBERS_CREATE, &bindings)?;
    may_name(caller, order)?;
    let into = Joining { account: &caller.account, actor: caller.actor(), now: caller.now };
    let holder = into.holder(order, bindings, HolderId::ServiceAccount(id))?;
    Ok(into.joined(holder, Change::default(), Action::ServiceAccountCreated))
}

/// Where somebody joins, by whose doing, and when.
pub(crate) struct Joining<'a> {
    pub(crate) account: &'a Account,
    pub(crate) actor: Actor,
    pub(crate) now: Timestamp,
}

impl Joining<'_> {
    fn member(
        &self,
        order: &Join,
        bindings: Vec<Binding>,
        id: MemberId,
        login: Login,
    ) -> Result<Decided, Refusal> {
        let email = order.email.as_deref().map(text::email).transpose()?;
        let mut holder = self.holder(order, bindings, HolderId::Member(id))?;
        let mut change = Change::default();
        match (login, &email) {
            (Login::None, _) => {}
            (Login::New { .. }, None) => {
                return Err(Refusal::invalid("email", "Whoever shall sign in needs an `email`."));
            }
            (Login::New { id, password }, Some(email)) => {
                let person = Person {
                    id,
                    email: email.clone(),
                    password: Some(password),
                    second_factor: None,
                    operator: false,
                    created_at: self.now,
                    version: 0,
                };
                let otherwise =
                    Refusal::of_field(Code::NameTaken, "email", "This address is taken; try again.");
                change = change
                    .guard(Condition::EmailFree { email: email.clone() }, otherwise)
                    .entry(self.entry(Action::PersonCreated, id, serde_json::json!({})))
                    .write(Write::InsertPerson(person));
                holder.person = Some(id);
            }
        }
        holder.email = email;
        Ok(self.joined(holder, change, Action::MemberCreated))
    }

    pub(crate) fn holder(
        &self,
        order: &Join,
        bindings: Vec<Binding>,
        id: HolderId,
    ) -> Result<Holder, Refusal> {
        let external_id = order
            .external_id
            .as_deref()
            .map(|external_id| ExternalId::parse(external_id).map(ExternalId::into_string))
            .transpose()?;
        Ok(Holder {
            id,
            account: self.account.id.clone(),
            name: text::name("name", &order.name, NAME)?,
            person: None,
            email: None,
            external_id,
            metadata: order.metadata.as_ref().map(text::metadata).transpose()?.flatten(),
            bindings,
            standing: Standing::default(),
            mail: None,
            created_at: self.now,
            version: 0,
        })
    }

    fn joined(&self, holder: Holder, change: Change, action: Action) -> Decided {
        let mut change = bindings::resting(change, self.account, &holder.bindings);
        if let Some(external_id) = &holder.external_id {
            let condition = Condition::ExternalIdFree {
                account: self.account.id.clone(),
                external_id: external_id.clone(),
            };
            let taken = format!("Another member of this account has the external id {external_id}.");
            change = change.guard(condition, Refusal::of_field(Code::NameTaken, "external_id", taken));
        }
        let roles = bindings::told(self.account, &holder.bindings);
        let told = serde_json::json!({ "name": holder.name, "bindings": roles });
        let change =
            change.write(Write::InsertHolder(holder.clone())).entry(self.entry(action, holder.id, told));
        Decided { holder, change: change.of_recent_login() }
    }

    fn entry(&self, action: Action, subject: impl ToString, payload: serde_json::Value) -> Entry {
        Entry {
            at: self.now,
            actor: self.actor.clone(),
            account: Some(self.account.id.clone()),
            action,
            subject: subject.to_string(),
            payload,
        }
    }
}

/// By its `external_id` the product finds somebody, gives them any role and acts for them. So that name
/// is for the product to give, and here for nobody to whom it could give more than they have: they might
/// have chosen the password.
fn may_name(caller: &Caller, order: &Join) -> Result<(), Refusal> {
    if order.external_id.is_none() { Ok(()) } else { may_name_users(caller) }
}

/// Whoever may give somebody whom the product knows by name a login, or somebody with a login such a name.
pub(crate) fn may_name_users(caller: &Caller) -> Result<(), Refusal> {
    if caller.lacks().is_empty() {
        return Ok(());
    }
    let sentence = "By an `external_id` the product knows its users, and may give them any role; here it is \
                    for those who may do everything in this account. Leave it out, or have the product add \
                    its user.";
    Err(Refusal::of_field(Code::Forbidden, "external_id", sentence))
}

fn roles_of(account: &Account, order: &Join) -> Result<Vec<Binding>, Refusal> {
    bindings::named(account, order.role.as_deref(), &order.bindings)
}

/// What a request wants changed on a member or service account. Absent fields stay.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    pub name: Option<String>,
    /// The one at the root; the others stay.
    pub role: Option<String>,
    /// All roles from then on.
    pub bindings: Option<Vec<Bound>>,
    pub metadata: Option<serde_json::Value>,
}

/// Decides on another name or other roles.
pub fn edit(caller: &Caller, holder: Holder, edit: &Edit) -> Result<Decided, Refusal> {
    must_be_here(&holder)?;
    let account = &*caller.account;
    let mut next = holder.clone();
    if let Some(name) = &edit.name {
        next.name = text::name("name", name, NAME)?;
    }
    if let Some(metadata) = &edit.metadata {
        next.metadata = text::metadata(metadata)?;
    }
    next.bindings = match (&edit.role, &edit.bindings) {
        (None, None) => next.bindings,
        (Some(_), Some(_)) => {
            return Err(Refusal::invalid("bindings", "Send `role` or `bindings`; the latter are all roles."));
        }
        (None, Some(all)) => bindings::named(account, None, all)?,
        (Some(role), None) => {
            let mut all = bindings::named(account, Some(role), &[])?;
            all.extend(next.bindings.into_iter().filter(|binding| !binding.node.is_root()));
            all
        }
    };
    let exchanged = edit.role.is_some() || edit.bindings.is_some();
    if exchanged {
        bindings::may_exchange(caller, MEMBERS_UPDATE, &holder, &next.bindings)?;
    }
    if !exchanged || edit.name.is_some() || edit.metadata.is_some() || next.bindings == holder.bindings {
        bindings::may_change(caller, MEMBERS_UPDATE, &holder)?;
    }
    let mut change = Change::default();
    if exchanged {
        if holder.role() != next.role() {
            change = still_led(change, account, &holder);
        }
        // Whether the new roles do less is nothing to rely on: a narrowing costs little.
        change = bindings::resting(change, account, &next.bindings).narrowing().of_recent_login();
    }
    let told = serde_json::json!({
        "name": next.name,
        "bindings": bindings::told(account, &next.bindings),
        "was": { "name": holder.name, "bindings": bindings::told(account, &holder.bindings) },
    });
    Ok(decided(caller, next, change, Action::MemberEdited, told))
}

/// Decides that a holder shall stop for now, and its tokens with it where the policy suspends.
pub fn deactivate(caller: &Caller, holder: Holder) -> Result<Decided, Refusal> {
    bindings::may_change(caller, MEMBERS_UPDATE, &holder)?;
    must_be_here(&holder)?;
    if holder.standing.inactive_since.is_some() {
        return Ok(Decided { holder, change: Change::default() });
    }
    let change = still_led(Change::default(), &caller.account, &holder).ending();
    let mut next = holder;
    next.standing.inactive_since = Some(caller.now);
    Ok(decided(caller, next, change, Action::MemberDeactivated, serde_json::json!({})))
}

/// Decides on a return: tokens come back, or wait for approval, as the policy says.
pub fn reactivate(caller: &Caller, holder: Holder) -> Result<Decided, Refusal> {
    bindings::may_change(caller, MEMBERS_UPDATE, &holder)?;
    must_be_here(&holder)?;
    if holder.standing.inactive_since.is_none() {
        return Ok(Decided { holder, change: Change::default() });
    }
    if caller.is(holder.id) {
        // Possible where the policy lets tokens of deactivated people work on.
        return Err(Refusal::forbidden("Nobody reactivates themselves; ask another administrator."));
    }
    let mut next = holder;
    come_back(&caller.account, &mut next.standing, caller.now);
    let told = serde_json::json!({ "approve_after": next.standing.approve_after });
    Ok(decided(caller, next, Change::default(), Action::MemberReactivated, told))
}

/// What a return makes of a holder's standing, as the policy says.
pub(crate) fn come_back(account: &Account, standing: &mut Standing, now: Timestamp) {
    standing.inactive_since = None;
    if account.policy.on_inactive == OnInactive::Suspend && account.policy.on_return == OnReturn::Approve {
        standing.approve_after = standing.approve_after.max(Some(now));
    }
}

/// Decides that a holder leaves the account. The row stays, because tokens and the journal
/// name it.
pub fn remove(caller: &Caller, holder: Holder) -> Result<Decided, Refusal> {
    bindings::may_change(caller, MEMBERS_DELETE, &holder)?;
    must_be_here(&holder)?;
    let account = &*caller.account;
    let led = still_led(Change::default(), account, &holder);
    let (next, change) = leave(account, holder, caller.now);
    Ok(decided(caller, next, led.and(change), Action::MemberRemoved, serde_json::json!({})))
}

/// What leaving makes of a holder and of their tokens, as the policy says.
pub(crate) fn leave(account: &Account, holder: Holder, now: Timestamp) -> (Holder, Change) {
    let mut change = Change::default().ending();
    let mut next = holder;
    next.standing.removed_at = Some(now);
    match account.policy.on_remove {
        OnRemove::Keep => {}
        OnRemove::Delete => next.standing.tokens_deleted_at = Some(now),
        OnRemove::Refuse => {
            let condition = Condition::Fewer {
                account: account.id.clone(),
                holder: Some(next.id),
                counted: vec![Counted::Active, Counted::Pending, Counted::Suspended],
                max: 1,
                besides: None,
                lens: Lens::of(account, now),
            };
            let sentence = format!("{} still has active tokens; delete them first.", next.name);
            change = change.guard(condition, Refusal::wrong_state(sentence));
        }
    }
    (next, change)
}

/// Decides on the first member of an account, with its strongest role.
pub fn first(
    account: &Account,
    id: MemberId,
    person: PersonId,
    name: &str,
    email: &str,
    actor: Actor,
    now: Timestamp,
) -> Result<Decided, Refusal> {
    let strongest = account
        .roles
        .first()
        .ok_or_else(|| Refusal::invalid("preset", "An account needs at least one role."))?;
    let holder = Holder {
        id: HolderId::Member(id),
        account: account.id.clone(),
        name: text::name("name", name, NAME)?,
        person: Some(person),
        email: Some(text::email(email)?),
        external_id: None,
        metadata: None,
        bindings: vec![Binding { role: strongest.id, node: NodePath::root() }],
        standing: Standing::default(),
        mail: None,
        created_at: now,
        version: 0,
    };
    let entry = Entry {
        at: now,
        actor,
        account: Some(account.id.clone()),
        action: Action::MemberCreated,
        subject: holder.id.to_string(),
        payload: serde_json::json!({ "name": holder.name, "role": strongest.name }),
    };
    let change = Change::default().write(Write::InsertHolder(holder.clone())).entry(entry);
    Ok(Decided { holder, change })
}

/// What a caller may do with a member or service account as it is now, for a page to offer. Each is
/// tried on the row; what only a commit can tell, such as who is the last, is left to the trying.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Actions {
    pub edit: bool,
    /// Give roles, or take them, in one place or another.
    pub roles: bool,
    pub deactivate: bool,
    pub reactivate: bool,
    pub remove: bool,
}

pub fn actions(caller: &Caller, holder: &Holder) -> Actions {
    let active = holder.is_active();
    Actions {
        edit: edit(caller, holder.clone(), &Edit::default()).is_ok(),
        roles: bindings::may_change_somewhere(caller, MEMBERS_UPDATE, holder),
        deactivate: active && deactivate(caller, holder.clone()).is_ok(),
        reactivate: !active && reactivate(caller, holder.clone()).is_ok(),
        remove: remove(caller, holder.clone()).is_ok(),
    }
}

fn decided(
    caller: &Caller,
    holder: Holder,
    change: Change,
    action: Action,
    told: serde_json::Value,
) -> Decided {
    let change =
        change.write(Write::UpdateHolder(holder.clone())).entry(caller.entry(action, holder.id, told));
    Decided { holder, change }
}

fn must_be_here(holder: &Holder) -> Result<(), Refusal> {
    if holder.standing.removed_at.is_some() { Err(Refusal::not_found("member")) } else { Ok(()) }
}

/// The last active member with the strongest role stays: somebody must be able to let the
/// others back in. One who can sign in does not leave it to those who cannot.
fn still_led(change: Change, account: &Account, holder: &Holder) -> Change {
    match account.roles.first() {
        Some(strongest) if holder.role() == Some(strongest.id) && holder.is_active() => {
            let condition = Condition::AnotherMemberHas {
                account: account.id.clone(),
                role: strongest.id,
                besides: holder.id,
                person: holder.person.is_some(),
            };
            let sentence = format!(
                "{} is the last active member{} with the role {}; give it to somebody else first.",
                holder.name,
                if holder.person.is_some() { " who can sign in" } else { "" },
                strongest.name
            );
            change.guard(condition, Refusal::wrong_state(sentence))
        }
        _ => change,
    }
}
