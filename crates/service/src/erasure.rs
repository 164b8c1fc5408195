//! Forgetting: members who left and want nothing kept of them, and what the journal has said for long
//! enough. What happened stays: ids, actions, times, and a chain that holds.

use domain::bindings;
use domain::change::{Action, Actor, Change, Entry, Write};
use domain::erasure;
use domain::facts::Holder;
use domain::ids::{AccountId, HolderId};
use domain::members::Decided;
use domain::permission::MEMBERS_DELETE;
use domain::refusal::Refusal;
use domain::time::Period;

use domain::who::Caller;

use crate::{Desk, Error, Visitor};

impl Desk {
    /// Erases what is personal of a member who has left: for administrators of the account, and for
    /// operators. Asked again, it goes on where it was broken off.
    pub async fn erase_holder(
        &self,
        caller: Caller,
        account: &AccountId,
        id: HolderId,
    ) -> Result<Holder, Error> {
        let mut tries = self.tries(caller);
        let erased = loop {
            let caller = &tries.caller;
            if caller.account.id != *account {
                // For those who are neither, it does not exist.
                self.account(&Visitor::Holder(caller.clone().into()), account).await?;
            }
            let found = self.store.holder(account, id).await?;
            let holder = found.ok_or_else(|| Refusal::not_found("member"))?;
            if caller.account.id == *account {
                bindings::may_change(caller, MEMBERS_DELETE, &holder)?;
            }
            let (mut person, mut elsewhere) = (None, false);
            if let Some(id) = holder.person {
                person = self.store.person(id).await?;
                let all = self.store.memberships_ever(id).await?;
                elsewhere = all.iter().any(|other| (&other.account, other.id) != (account, holder.id));
            }
            let Decided { mut holder, change } = erasure::erase(caller, holder, person.as_ref(), elsewhere)?;
            holder.version += i64::from(!change.writes.is_empty());
            if tries.commit(change).await?.is_some() {
                break holder;
            }
        };
        self.store.erase_holder(account, id).await?;
        Ok(erased)
    }

    /// Erases what the journal has said for longer than that, and says so in the journal. How many
    /// entries it were; peers that do the same at once do it once.
    pub async fn erase_journal(&self, keep: &Period) -> Result<usize, Error> {
        let now = self.now();
        let before = now.minus(keep);
        let Some(erased) = self.store.erase_before(before).await? else { return Ok(0) };
        let entry = Entry {
            at: now,
            actor: Actor::Operator,
            account: None,
            action: Action::JournalErased,
            subject: erased.through.to_string(),
            payload: serde_json::json!({ "payloads": erased.payloads, "before": before }),
        };
        let mark = Write::MarkErased { from: erased.from, through: erased.through };
        self.commit_alone(Change::default().write(mark).entry(entry)).await?;
        Ok(erased.payloads)
    }
}
