//! Notices: what falls due that the caller may see, and whether they hear of it by mail. Sending is not
//! done here.

use std::collections::HashMap;

use domain::facts::{Holder, Token};
use domain::ids::{AccountId, HolderId};
use domain::notices::{self, Due};
use domain::permission::TOKENS_READ;
use domain::policy::{self, Visibility};
use domain::who::Caller;

use crate::auth::at_home;
use crate::{Desk, Error};

/// Tokens that are shown, and counted, at most.
const SHOWN: usize = 100;

/// What a caller is told.
#[derive(Debug)]
pub struct Notices {
    pub policy: policy::Notices,
    /// Whether the caller gets mails.
    pub mail: bool,
    /// The nearest end first.
    pub due: Vec<Falling>,
    /// There are more than these.
    pub more: bool,
}

/// A token that falls due.
#[derive(Debug)]
pub struct Falling {
    pub token: Token,
    pub holder_name: String,
    pub due: Due,
}

impl Desk {
    pub async fn notices(&self, caller: Caller, account: &AccountId) -> Result<Notices, Error> {
        at_home(&caller, account)?;
        caller.needs_reach(TOKENS_READ)?;
        let (due, more) = self.falling_due(&caller).await?;
        let policy = caller.account.policy.notices.clone();
        Ok(Notices { policy, mail: notices::mails(&caller.account, &caller.holder), due, more })
    }

    /// How many tokens that the caller may see end so soon that their section is marked; what is
    /// counted ends at [`SHOWN`].
    pub async fn marked(&self, caller: &Caller) -> Result<usize, Error> {
        let account = &*caller.account;
        let (Some(whose), Some(lens)) = (whose(caller), notices::lens_of_mark(account, caller.now)) else {
            return Ok(0);
        };
        // It stands on every page, so that nothing is read that need not be counted.
        Ok(self.store.count_due(&account.id, whose, &lens, SHOWN).await?)
    }

    /// Turns the caller's own switch; none: as the policy says.
    pub async fn choose_notices(
        &self,
        caller: Caller,
        account: &AccountId,
        mail: Option<bool>,
    ) -> Result<Notices, Error> {
        at_home(&caller, account)?;
        let holder = self.settle(caller.clone(), |caller| Ok(notices::choose(caller, mail)?)).await?;
        self.notices(Caller { holder, ..caller }, account).await
    }

    async fn falling_due(&self, caller: &Caller) -> Result<(Vec<Falling>, bool), Error> {
        let account = &*caller.account;
        let (Some(whose), Some(lens)) = (whose(caller), notices::lens(account, caller.now)) else {
            return Ok((Vec::new(), false));
        };
        let tokens = self.store.due(&account.id, whose, &lens, SHOWN + 1).await?;
        let mut ids: Vec<HolderId> = tokens.iter().map(|token| token.holder).collect();
        ids.sort_unstable();
        ids.dedup();
        let holders = self.store.holders_by_id(&account.id, &ids).await?;
        let holders: HashMap<HolderId, Holder> =
            holders.into_iter().map(|holder| (holder.id, holder)).collect();
        let mut all: Vec<Falling> = tokens
            .into_iter()
            .filter_map(|token| {
                let holder = holders.get(&token.holder)?;
                let due = notices::due(account, holder, &token, caller.now)?;
                Some(Falling { holder_name: holder.name.clone(), token, due })
            })
            .collect();
        all.sort_by_key(|falling| (falling.due.ends_at, falling.token.number));
        let more = all.len() > SHOWN;
        all.truncate(SHOWN);
        Ok((all, more))
    }
}

/// Whose tokens the caller is told of: of all (none), or of one holder. None where of nobody's.
fn whose(caller: &Caller) -> Option<Option<HolderId>> {
    match (caller.manages(), caller.account.policy.visibility) {
        (true, _) | (_, Visibility::All) => Some(None),
        (false, Visibility::Own) => Some(Some(caller.holder.id)),
        (false, Visibility::None) => None,
    }
}
