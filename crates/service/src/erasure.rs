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
use store::{Broken, ChainError};

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
        let (erased, through) = loop {
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
            let store::Said { entries, remains, through } = match self.store.said_of(account, id).await {
                Ok(said) => said,
                Err(ChainError::Unavailable(cause)) => return Err(cause.into()),
                Err(ChainError::Broken(broken)) => return Err(wrong(&broken)),
            };
            let said = erasure::Said { entries, remains };
            let Decided { mut holder, change } =
                erasure::erase(caller, holder, person.as_ref(), elsewhere, &said)?;
            holder.version += i64::from(!change.writes.is_empty());
            if tries.commit(change).await?.is_some() {
                break (holder, through);
            }
        };
        self.store.erase_holder(account, id, through).await?;
        Ok(erased)
    }

    /// Erases what the journal has said for longer than that, and says so in the journal. How many
    /// entries it were; peers that do the same at once do it once.
    pub async fn erase_journal(&self, keep: &Period) -> Result<usize, Error> {
        let now = self.now();
        let before = now.minus(keep);
        let done = self.store.finish_erasing().await?;
        let erased = match self.store.erasable(before).await {
            Ok(Some(erased)) => erased,
            Ok(None) => return Ok(done),
            Err(ChainError::Unavailable(cause)) => return Err(cause.into()),
            Err(ChainError::Broken(broken)) => return Err(wrong(&broken)),
        };
        // First it is told, with a digest of what will remain: whoever checks the journal must know why a
        // text is gone, at any moment.
        let mut told = erased.told();
        told["before"] = serde_json::json!(before);
        let entry = Entry {
            at: now,
            actor: Actor::Operator,
            account: None,
            action: Action::JournalErased,
            subject: erased.through.to_string(),
            payload: told,
        };
        let mark = Write::MarkErased { from: erased.from, through: erased.through };
        self.commit_alone(Change::default().write(mark).entry(entry)).await?;
        Ok(done + self.store.finish_erasing().await?)
    }
}

/// Nothing is erased over what is wrong: it is evidence.
fn wrong(broken: &Broken) -> Error {
    tracing::error!("nothing is erased, because the journal is not what was written: {broken}");
    Error::Undetermined
}
