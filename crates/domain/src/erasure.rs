//! Forgetting people: what is personal of a member who has left goes, and what happened stays.

use crate::change::{Action, Change, Entry, Write};
use crate::facts::{Holder, Person};
use crate::members::Decided;
use crate::refusal::Refusal;
use crate::who::Caller;

/// What an erased member is called.
pub const ERASED: &str = "erased";

/// Entries of the journal about a member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Their numbers.
    pub entries: Vec<i64>,
    /// A digest of what remains of them, as the journal's format has it.
    pub remains: String,
}

/// Decides that nothing personal is kept of a member who has left: name, address, id in the product
/// and metadata; and of the person behind it nothing either, if it is nobody `elsewhere`. The ids stay,
/// because tokens and the journal name them.
///
/// What the journal `said` of them is erased once this is written; its entry tells of that, and is kept.
///
/// Who may do it is for the caller of this to say: an operator need not be in the account.
pub fn erase(
    caller: &Caller,
    holder: Holder,
    person: Option<&Person>,
    elsewhere: bool,
    said: &Said,
) -> Result<Decided, Refusal> {
    if holder.standing.removed_at.is_none() {
        let sentence = format!("{} is still a member of this account; remove them first.", holder.name);
        return Err(Refusal::wrong_state(sentence));
    }
    if person.is_some_and(|person| person.operator) {
        return Err(Refusal::wrong_state("This person runs the server, and is not gone."));
    }
    let next = Holder {
        name: ERASED.to_owned(),
        person: None,
        email: None,
        external_id: None,
        metadata: None,
        ..holder.clone()
    };
    if next == holder && said.entries.is_empty() {
        return Ok(Decided { holder, change: Change::default() });
    }
    let mut change = Change::default();
    if next != holder {
        // The person after the member, whose row names it.
        change = change.write(Write::UpdateHolder(next.clone()));
    }
    let gone = person.filter(|_| !elsewhere);
    if let Some(person) = gone {
        change = change.write(Write::DeletePerson { id: person.id, version: person.version });
    }
    let told = serde_json::json!({
        "person": gone.is_some(), "entries": said.entries, "remains": said.remains,
    });
    let entry = caller.entry(Action::MemberErased, next.id, told);
    let change = change.entry(Entry { account: Some(next.account.clone()), ..entry });
    Ok(Decided { holder: next, change })
}
