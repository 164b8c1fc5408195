//! Takes off the lists what reached its end, where the policy has it go with that.

use domain::facts::Account;
use domain::ids::AccountId;
use domain::life::{Lens, State};
use domain::lifecycle;
use store::{After, CommitError, TokenQuery};

use crate::{Desk, Error};

/// Accounts read at a time, and tokens of one change.
const ACCOUNTS: usize = 1_000;
const TOKENS: usize = 200;

impl Desk {
    /// Deletes what is over by now; returns how many tokens.
    pub async fn clear_what_is_over(&self) -> Result<usize, Error> {
        let (mut cleared, mut after) = (0, None::<AccountId>);
        loop {
            let accounts = self.store.accounts(after.as_ref(), ACCOUNTS).await?;
            for account in &accounts {
                cleared += self.clear_account(account).await?;
            }
            match accounts.last() {
                Some(last) if accounts.len() == ACCOUNTS => after = Some(last.id.clone()),
                _ => return Ok(cleared),
            }
        }
    }

    async fn clear_account(&self, account: &Account) -> Result<usize, Error> {
        let kinds = lifecycle::cleared(&account.policy);
        if kinds.is_empty() {
            return Ok(0);
        }
        let mut query = TokenQuery {
            kinds,
            states: vec![State::Expired],
            ..TokenQuery::all(Lens::of(account, self.now()), TOKENS)
        };
        let mut cleared = 0;
        loop {
            let page = self.store.tokens(&account.id, query.clone()).await?;
            let full = page.len() == TOKENS;
            query.after = page.last().map(|(token, used)| After::row(query.sort, token, used));
            let tokens = page.into_iter().map(|(token, _)| token).collect();
            let change = lifecycle::clear(account, tokens, self.moment());
            let over = change.entries.len();
            if over > 0 {
                match self.store.commit(change).await {
                    Ok(_) => cleared += over,
                    // Somebody else was faster, perhaps another peer at the same; the next round tells.
                    Err(CommitError::Conflict) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            if !full {
                return Ok(cleared);
            }
        }
    }
}
