//! The product's backend keeps accounts and members in step with its own: what one PUT by
//! `external_id` comes to.
//!
//! The product is right about who its users are, so nothing here asks for rights: whoever
//! provisions was let in for that, may give any role, and may let go of the last of them, because
//! it can always bring another. A field that is left out stays as it is. What changes nothing is no
//! change: nothing is written and the journal is silent.
//!
//! Nobody signs in by being provisioned: an `email` is where notices go. Logins are for whoever
//! shows that an address is theirs. Who has a name already may have a login; that name was given by
//! somebody who could give any role (`members::join`), so that a role given to it is given to no stranger.

use std::collections::HashSet;

use crate::accounts::{self, Found};
use crate::bindings;
use crate::change::{Action, Actor, Change, Entry, Expect, Write};
use crate::facts::{Account, Holder};
use crate::ids::{AccountId, ExternalId, HolderId, MemberId, RoleId};
use crate::members::{self, Join, Joining};
use crate::permission::Registry;
use crate::preset::Preset;
use crate::refusal::{Code, Refusal};
use crate::text;
use crate::time::Timestamp;

/// Members or accounts in one request, at most.
pub const MOST: usize = 1_000;

/// What became of a PUT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Created,
    Updated,
    Unchanged,
}

/// A decision on one PUT: the row as it will stand, and the change that makes it so.
#[derive(Debug)]
pub struct Put<T> {
    pub row: T,
    pub outcome: Outcome,
    pub change: Change,
}

/// Who provisions, and when.
#[derive(Clone, Debug)]
pub struct Hand {
    pub actor: Actor,
    pub now: Timestamp,
}

impl Hand {
    fn entry(
        &self,
        account: &AccountId,
        action: Action,
        subject: impl ToString,
        payload: serde_json::Value,
    ) -> Entry {
        Entry {
            at: self.now,
            actor: self.actor.clone(),
            account: Some(account.clone()),
            action,
            subject: subject.to_string(),
            payload,
        }
    }
}

/// What the product says of one of its users.
#[derive(Clone, Debug)]
pub struct PutMember {
    pub external_id: ExternalId,
    pub name: String,
    pub email: Option<String>,
    /// By its name.
    pub role: String,
    pub active: Option<bool>,
    pub metadata: Option<serde_json::Value>,
}

/// Decides what a user of the product is here. `found` is who has the `external_id` now; whoever
/// was removed does not have it any more, so who comes again is a new member, and nothing that the
/// removal ended comes back.
pub fn put_member(
    hand: &Hand,
    account: &Account,
    found: Option<Holder>,
    order: &PutMember,
    draw: impl FnOnce() -> MemberId,
) -> Result<Put<Holder>, Refusal> {
    match found {
        None => create_member(hand, account, order, draw()),
        Some(holder) if matches!(holder.id, HolderId::Member(_)) => {
            update_member(hand, account, holder, order)
        }
        Some(_) => Err(Refusal::of_field(
            Code::NameTaken,
            "external_id",
            format!("A service account of this account has the external id {}.", order.external_id),
        )),
    }
}

fn create_member(
    hand: &Hand,
    account: &Account,
    order: &PutMember,
    id: MemberId,
) -> Result<Put<Holder>, Refusal> {
    let join = Join {
        name: order.name.clone(),
        external_id: Some(order.external_id.to_string()),
        metadata: order.metadata.clone(),
        ..Join::default()
    };
    let roles = bindings::named(account, Some(&order.role), &[])?;
    let into = Joining { account, actor: hand.actor.clone(), now: hand.now };
    let mut holder = into.holder(&join, roles, HolderId::Member(id))?;
    holder.email = order.email.as_deref().map(text::email).transpose()?;
    let told =
        serde_json::json!({ "name": holder.name, "bindings": bindings::told(account, &holder.bindings) });
    let mut change = Change::default()
        .expect(Expect::Account(account.id.clone(), account.version))
        .expect(Expect::NobodyNamed(account.id.clone(), vec![order.external_id.clone()]))
        .entry(hand.entry(&account.id, Action::MemberCreated, id, told));
    // Two entries, because they are two things to know of somebody.
    if order.active == Some(false) {
        holder.standing.inactive_since = Some(hand.now);
        change = change.entry(hand.entry(&account.id, Action::MemberDeactivated, id, serde_json::json!({})));
    }
    let change = change.write(Write::InsertHolder(holder.clone()));
    Ok(Put { row: Holder { version: 1, ..holder }, outcome: Outcome::Created, change })
}

fn update_member(
    hand: &Hand,
    account: &Account,
    holder: Holder,
    order: &PutMember,
) -> Result<Put<Holder>, Refusal> {
    let mut next = Holder { name: text::name("name", &order.name, members::NAME)?, ..holder.clone() };
    if let Some(email) = &order.email {
        next.email = Some(text::email(email)?);
    }
    if let Some(metadata) = &order.metadata {
        next.metadata = text::metadata(metadata)?;
    }
    let mut change = Change::default();
    let role = bindings::named(account, Some(&order.role), &[])?;
    // The one at the root is the product's to give; who has others was given them here.
    let others = holder.bindings.iter().filter(|binding| !binding.node.is_root());
    next.bindings = role.into_iter().chain(others.cloned()).collect();
    if next.bindings != holder.bindings {
        // Whether the new role does less is nothing to rely on: a narrowing costs little.
        change = change.narrowing();
    }
    if next != holder {
        let told = serde_json::json!({
            "name": next.name,
            "bindings": bindings::told(account, &next.bindings),
            "was": { "name": holder.name, "bindings": bindings::told(account, &holder.bindings) },
        });
        change = change.entry(hand.entry(&account.id, Action::MemberEdited, next.id, told));
    }
    let deactivated = holder.standing.inactive_since.is_some();
    match order.active {
        Some(false) if !deactivated => {
            let same_roles = next.bindings == holder.bindings;
            next.standing.inactive_since = Some(hand.now);
            let told = serde_json::json!({});
            change = change.entry(hand.entry(&account.id, Action::MemberDeactivated, next.id, told));
            change = if same_roles { change.ending() } else { change.narrowing() };
        }
        Some(true) if deactivated => {
            members::come_back(account, &mut next.standing, hand.now);
            let told = serde_json::json!({ "approve_after": next.standing.approve_after });
            change = change.entry(hand.entry(&account.id, Action::MemberReactivated, next.id, told));
        }
        _ => {}
    }
    if next == holder {
        return Ok(Put { row: holder, outcome: Outcome::Unchanged, change: Change::default() });
    }
    let change = change
        .expect(Expect::Account(account.id.clone(), account.version))
        .write(Write::UpdateHolder(next.clone()));
    Ok(Put { row: Holder { version: next.version + 1, ..next }, outcome: Outcome::Updated, change })
}

/// Decides that a user of the product leaves the account, as its policy says.
pub fn remove_member(hand: &Hand, account: &Account, holder: Holder) -> (Holder, Change) {
    let id = holder.id;
    let (next, change) = members::leave(account, holder, hand.now);
    let change = change
        .expect(Expect::Account(account.id.clone(), account.version))
        .write(Write::UpdateHolder(next.clone()))
        .entry(hand.entry(&account.id, Action::MemberRemoved, id, serde_json::json!({})));
    (Holder { version: next.version + 1, ..next }, change)
}

/// What the product says of one of its customers.
#[derive(Clone, Debug)]
pub struct PutAccount {
    pub external_id: ExternalId,
    /// Made from the name where absent; it never changes afterwards.
    pub id: Option<AccountId>,
    pub name: String,
    /// By its name; the server's usual one where absent.
    pub preset: Option<String>,
    pub metadata: Option<serde_json::Value>,
}

impl PutAccount {
    /// The id that a new account shall have, if it is free.
    pub fn wanted(&self) -> AccountId {
        self.id.clone().unwrap_or_else(|| slug(&self.name))
    }
}

/// What new accounts are made of.
pub struct Founding<'a> {
    /// Of those that name none.
    pub preset: &'a Preset,
    /// Grows with each account that brings permissions of its own.
    pub registry: Registry,
    /// Ids that are taken; grows likewise.
    pub taken: HashSet<AccountId>,
}

/// Decides what a customer of the product is here. `draw` gives each role its id, and `spice` a few
/// characters for an id that would be taken otherwise.
pub fn put_account(
    hand: &Hand,
    founding: &mut Founding<'_>,
    found: Option<&Account>,
    order: &PutAccount,
    draw: impl FnMut() -> RoleId,
    spice: impl FnOnce() -> String,
) -> Result<Put<Account>, Refusal> {
    match found {
        Some(account) => update_account(hand, account, order),
        None => create_account(hand, founding, order, draw, spice),
    }
}

fn create_account(
    hand: &Hand,
    founding: &mut Founding<'_>,
    order: &PutAccount,
    draw: impl FnMut() -> RoleId,
    spice: impl FnOnce() -> String,
) -> Result<Put<Account>, Refusal> {
    let preset = match &order.preset {
        Some(name) => accounts::preset_named(name)?,
        None => founding.preset,
    };
    let mut id = order.wanted();
    if founding.taken.contains(&id) {
        if order.id.is_some() {
            let sentence = format!("There is an account {id} already; leave `id` out, or choose another.");
            return Err(Refusal::of_field(Code::NameTaken, "id", sentence));
        }
        let spice = spice();
        let room = AccountId::MOST - spice.len() - 1;
        let stem = id.as_str();
        let stem = stem[..stem.len().min(room)].trim_end_matches('-');
        id = format!("{stem}-{spice}").parse().map_err(|_| Refusal::invalid("id", "Give an `id`."))?;
    }
    let order = Found {
        id,
        name: order.name.clone(),
        external_id: Some(order.external_id.to_string()),
        metadata: order.metadata.clone(),
    };
    let accounts::Founded { account, registry, change } =
        accounts::found_unguarded(&order, preset, &founding.registry, draw, hand.actor.clone(), hand.now)?;
    let name = ExternalId::parse(order.external_id.as_deref().unwrap_or_default())?;
    let change =
        change.expect(Expect::NoAccount(vec![account.id.clone()])).expect(Expect::NoAccountNamed(vec![name]));
    founding.registry = registry;
    founding.taken.insert(account.id.clone());
    Ok(Put { row: Account { version: 1, ..account }, outcome: Outcome::Created, change })
}

fn update_account(hand: &Hand, account: &Account, order: &PutAccount) -> Result<Put<Account>, Refusal> {
    if order.id.as_ref().is_some_and(|id| *id != account.id) {
        let sentence = format!("This account is {}, and an id never changes; leave `id` out.", account.id);
        return Err(Refusal::invalid("id", sentence));
    }
    if order.preset.as_ref().is_some_and(|preset| *preset != account.preset) {
        let sentence = format!(
            "This account was made with the preset {}, which is copied once; change its policy instead.",
            account.preset
        );
        return Err(Refusal::invalid("preset", sentence));
    }
    let mut next = Account { name: text::name("name", &order.name, accounts::NAME)?, ..account.clone() };
    if let Some(metadata) = &order.metadata {
        next.metadata = text::metadata(metadata)?;
    }
    if next == *account {
        return Ok(Put { row: next, outcome: Outcome::Unchanged, change: Change::default() });
    }
    let told = serde_json::json!({ "was": accounts::shown(account), "is": accounts::shown(&next) });
    let change = Change::default().write(Write::UpdateAccount(Box::new(next.clone()))).entry(hand.entry(
        &account.id,
        Action::AccountEdited,
        &account.id,
        told,
    ));
    Ok(Put { row: Account { version: next.version + 1, ..next }, outcome: Outcome::Updated, change })
}

/// An account's id out of its name: `Müller & Söhne` becomes `muller-sohne`.
fn slug(name: &str) -> AccountId {
    use unicode_normalization::UnicodeNormalization;
    let mut slug = String::with_capacity(AccountId::MOST);
    for c in name.nfkd() {
        let c = c.to_ascii_lowercase();
        match c {
            'a'..='z' | '0'..='9' => slug.push(c),
            // What stands above a letter goes with its decomposition.
            '\u{300}'..='\u{36F}' => {}
            _ if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
        if slug.len() == AccountId::MOST {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    // A name in other letters, or of one.
    slug.parse().unwrap_or_else(|_| "account".parse().expect("it is a slug"))
}

/// Several decisions as one change, all of it or nothing. None of them touches another's row, and
/// what they rest on is asked once.
pub fn together(changes: impl IntoIterator<Item = Change>) -> Change {
    let mut all = Change::default();
    let mut nobody: Option<(AccountId, Vec<ExternalId>)> = None;
    let (mut ids, mut names) = (Vec::new(), Vec::new());
    for change in changes {
        let Change { expects, .. } = &change;
        let mut rest = Vec::new();
        for expect in expects {
            match expect {
                Expect::NobodyNamed(account, named) => {
                    let (of, all) = nobody.get_or_insert_with(|| (account.clone(), Vec::new()));
                    debug_assert_eq!(of, account, "one request is about one account");
                    all.extend_from_slice(named);
                }
                Expect::NoAccount(more) => ids.extend_from_slice(more),
                Expect::NoAccountNamed(more) => names.extend_from_slice(more),
                other if all.expects.contains(other) => {}
                other => rest.push(other.clone()),
            }
        }
        all = all.and(Change { expects: rest, ..change });
    }
    if let Some((account, named)) = nobody {
        all = all.expect(Expect::NobodyNamed(account, named));
    }
    if !ids.is_empty() {
        all = all.expect(Expect::NoAccount(ids)).expect(Expect::NoAccountNamed(names));
    }
    all
}
