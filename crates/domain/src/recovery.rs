//! What whoever has the machine decides about people: somebody is let in again when nobody can get in
//! any more, and somebody runs the server no more.

use crate::change::{Action, Actor, Change, Condition, Entry, Expect, Write};
use crate::facts::{Account, Binding, Holder, Person, Token};
use crate::ids::{MemberId, PersonId};
use crate::members;
use crate::node::NodePath;
use crate::refusal::{Code, Refusal};
use crate::time::Timestamp;

/// Who does this: nobody who came with a credential.
const OPERATOR: Actor = Actor::Operator;

/// Somebody who is to get in again, and with what.
#[derive(Clone, Debug)]
pub struct Reset {
    /// In lower case.
    pub email: String,
    /// A PHC string.
    pub password: String,
    /// Makes the person one who runs the server; never the contrary.
    pub operator: bool,
}

/// The account that the person shall lead, and who they are in it now.
#[derive(Debug)]
pub struct Lead<'a> {
    pub account: &'a Account,
    pub member: Option<Holder>,
    /// For a new member.
    pub id: MemberId,
}

/// Gives a person another password, takes their second factor away (whoever is let in again may have lost
/// it), ends their sessions, and where it is asked makes them lead an
/// account: an active member with its strongest role. `id` is for somebody who is not known yet, who
/// must lead something, or would be nobody anywhere.
pub fn reset(
    order: &Reset,
    known: Option<Person>,
    id: PersonId,
    lead: Option<Lead<'_>>,
    sessions: Vec<Token>,
    now: Timestamp,
) -> Result<(Person, Change), Refusal> {
    let mut change = Change::default();
    let was = known.clone();
    let person = match known {
        Some(person) => {
            let operator = person.operator || order.operator;
            Person { password: Some(order.password.clone()), second_factor: None, operator, ..person }
        }
        None if lead.is_none() => {
            let sentence =
                format!("Nobody here has the address {}; name an account that they shall lead.", order.email);
            return Err(Refusal::of_field(Code::NotFound, "email", sentence));
        }
        None => Person {
            id,
            email: order.email.clone(),
            password: Some(order.password.clone()),
            second_factor: None,
            operator: order.operator,
            created_at: now,
            version: 0,
        },
    };
    let told = serde_json::json!({
        "password": true, "sessions_ended": sessions.len(),
        "second_factor_removed": was.as_ref().is_some_and(|was| was.second_factor.is_some()),
        "operator": { "was": was.as_ref().is_some_and(|was| was.operator), "is": person.operator },
    });
    let entry = |action, account, subject: String, payload| Entry {
        at: now,
        actor: OPERATOR,
        account,
        action,
        subject,
        payload,
    };
    change = change.entry(entry(Action::PersonReset, None, person.id.to_string(), told));
    change = match was {
        Some(_) => change.write(Write::UpdatePerson(person.clone())).write(Write::ForgetResets(person.id)),
        None => {
            let taken = Refusal::of_field(Code::NameTaken, "email", "This address is taken; try again.");
            change
                .guard(Condition::EmailFree { email: order.email.clone() }, taken)
                .write(Write::InsertPerson(person.clone()))
        }
    };
    for mut session in sessions {
        session.life.revoked_at = Some(now);
        let account = Some(session.account.clone());
        change = change
            .entry(entry(Action::SessionEnded, account, session.id.to_string(), serde_json::json!({})))
            .write(Write::UpdateToken(Box::new(session)));
    }
    if let Some(lead) = lead {
        change = change.and(leading(lead, &person, now)?);
    }
    Ok((person, change.narrowing()))
}

/// Makes a person an operator no more. Whether somebody is one is asked at every request, so nothing else
/// has to end; they stay a member wherever they are.
pub fn retire(person: Person, now: Timestamp) -> Result<(Person, Change), Refusal> {
    if !person.operator {
        return Err(Refusal::wrong_state(format!("{} is no operator.", person.email)));
    }
    let person = Person { operator: false, ..person };
    let entry = Entry {
        at: now,
        actor: OPERATOR,
        account: None,
        action: Action::PersonRetired,
        subject: person.id.to_string(),
        payload: serde_json::json!({}),
    };
    let change = Change::default().entry(entry).write(Write::UpdatePerson(person.clone()));
    Ok((person, change.narrowing()))
}

/// An active member with the strongest role.
fn leading(lead: Lead<'_>, person: &Person, now: Timestamp) -> Result<Change, Refusal> {
    let Lead { account, member, id } = lead;
    let rests = Change::default().expect(Expect::Account(account.id.clone(), account.version));
    let Some(mut member) = member else {
        let name = person.email.split('@').next().unwrap_or_default();
        let first = members::first(account, id, person.id, name, &person.email, OPERATOR, now)?;
        let taken =
            Refusal::of_field(Code::NameTaken, "email", "This person is a member already; try again.");
        let nobody = Condition::NotAMember { account: account.id.clone(), person: person.id };
        return Ok(rests.and(first.change).guard(nobody, taken));
    };
    let strongest =
        account.roles.first().ok_or_else(|| Refusal::wrong_state("This account has no role to give."))?;
    let was = serde_json::json!({ "role": member.role().and_then(|id| account.role(id)).map(|role| &role.name), "active": member.is_active() });
    if member.role() == Some(strongest.id) && member.is_active() {
        return Ok(rests);
    }
    member.bindings.retain(|binding| !binding.node.is_root());
    member.bindings.insert(0, Binding { role: strongest.id, node: NodePath::root() });
    member.standing.inactive_since = None;
    let entry = Entry {
        at: now,
        actor: OPERATOR,
        account: Some(account.id.clone()),
        action: Action::MemberEdited,
        subject: member.id.to_string(),
        payload: serde_json::json!({ "role": strongest.name, "active": true, "was": was }),
    };
    Ok(rests.write(Write::UpdateHolder(member)).entry(entry))
}
