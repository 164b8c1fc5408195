//! Signing in with a password, signing out, and seeing where one is signed in.

use std::sync::Arc;

use domain::change::Expect;
use domain::facts::{Account, Holder, Token};
use domain::ids::AccountId;
use domain::life::{Lens, State};
use domain::node::NodePath;
use domain::permission::{TOKENS_READ, TOKENS_UPDATE};
use domain::refusal::Refusal;
use domain::sessions;
use domain::text;
use domain::who::Caller;
use store::{LastUse, TokenQuery};
use token::{Kind, TokenId, TokenText};

use crate::passwords::By;
use crate::{ATTEMPTS, Desk, Error, Password};

/// Sessions that a person's list shows at most, the newest first.
const LISTED: usize = 100;

/// What a login gives.
#[derive(Debug)]
pub struct Started {
    pub token: Token,
    pub text: Arc<TokenText>,
    pub account: Arc<Account>,
    pub holder: Holder,
}

/// A session as its person sees it.
#[derive(Debug)]
pub struct Session {
    pub token: Token,
    pub last_use: LastUse,
    /// The one that asks.
    pub current: bool,
}

/// Who wants in, and where.
#[derive(Debug, Default)]
pub struct Login {
    pub email: String,
    /// Which account; may be left out by a person with one.
    pub account: Option<AccountId>,
    pub node: Option<NodePath>,
    /// What the program calls itself, for the person's own list.
    pub agent: Option<String>,
}

impl Desk {
    /// Signs in. An unknown person, a wrong password and a membership that ended are answered
    /// alike, after the same work.
    pub async fn log_in(&self, login: Login, password: Password) -> Result<Started, Error> {
        let email = text::email(&login.email).unwrap_or_default();
        let person = self.store.person_by_email(&email).await?;
        let hash = person.as_ref().and_then(|person| person.password.clone());
        let right = self.passwords.check(By::Stranger, password, hash).await?;
        let person = person.filter(|_| right).ok_or(Error::Unauthenticated)?;

        for _ in 0..ATTEMPTS {
            let mut memberships = self.store.memberships(person.id).await?;
            memberships.retain(|holder| {
                holder.is_active() && login.account.as_ref().is_none_or(|account| *account == holder.account)
            });
            let holder = match memberships.len() {
                0 => return Err(Error::Unauthenticated),
                1 => memberships.remove(0),
                _ => return Err(which(&memberships).into()),
            };
            let account = self.store.account(&holder.account).await?.ok_or(Error::Undetermined)?;
            let text = self.draw(&account.policy.brand, Kind::Ses)?;
            let node = login.node.clone().unwrap_or_else(NodePath::root);
            self.must_be_there(&account.id, "node", &node).await?;
            let agent = login.agent.as_deref();
            // A closed account is as silent as a wrong password.
            let (token, change) = sessions::start(&account, &holder, node, agent, &text, self.now())
                .map_err(|_| Error::Unauthenticated)?;
            // A password that was changed meanwhile opens nothing.
            let change = change.expect(Expect::Person(person.id, person.version));
            if self.commit_alone(change).await? {
                return Ok(Started { token, text, account, holder });
            }
            let now = self.store.person(person.id).await?;
            if now.is_none_or(|now| now.version != person.version) {
                return Err(Error::Unauthenticated);
            }
        }
        Err(Error::Conflict)
    }

    /// The accounts where the person behind the caller may work, by name; their own among them.
    pub async fn places(&self, caller: &Caller) -> Result<Vec<(AccountId, String)>, Error> {
        let Some(person) = caller.holder.person else { return Ok(Vec::new()) };
        let mut places = Vec::new();
        for holder in self.store.memberships(person).await? {
            if !holder.is_active() {
                continue;
            }
            let account = self.store.account(&holder.account).await?.ok_or(Error::Undetermined)?;
            if account.inactive_since.is_none() {
                places.push((account.id.clone(), account.name.clone()));
            }
        }
        places.sort_by(|(a, an), (b, bn)| (an, a).cmp(&(bn, b)));
        Ok(places)
    }

    /// Ends the session that asks, and what the policy's `logout` ends with it.
    pub async fn log_out(&self, caller: Caller) -> Result<(), Error> {
        let mut tries = self.tries(caller);
        loop {
            let caller = &tries.caller;
            let found = self.store.token(&caller.account.id, caller.own_token()?.id).await?;
            let (session, _) = found.ok_or(Error::Unauthenticated)?;
            let change = sessions::log_out(caller, session)?;
            if tries.commit(change).await?.is_some() {
                return Ok(());
            }
        }
    }

    /// Where the caller is signed in, in this account. For a token it takes the permission that
    /// reading tokens takes.
    pub async fn sessions(&self, caller: &Caller) -> Result<Vec<Session>, Error> {
        caller.needs_reach(TOKENS_READ)?;
        let lens = Lens::of(&caller.account, caller.now);
        let query = TokenQuery {
            holder: Some(caller.holder.id),
            kinds: vec![Kind::Ses],
            states: vec![State::Active, State::Expiring],
            ..TokenQuery::all(lens, LISTED)
        };
        let rows = self.store.tokens(&caller.account.id, query).await?;
        let current = |token: &Token| caller.comes_with(token.id);
        Ok(rows
            .into_iter()
            .map(|(token, last_use)| Session { current: current(&token), token, last_use })
            .collect())
    }

    /// Ends another session of the same person. A token needs the permission to end tokens: one
    /// that was stolen shall not keep its holder from signing in to revoke it.
    pub async fn end_session(&self, caller: Caller, id: TokenId) -> Result<(), Error> {
        caller.needs_reach(TOKENS_UPDATE)?;
        let mut tries = self.tries(caller);
        loop {
            let caller = &tries.caller;
            let found = self.store.token(&caller.account.id, id).await?;
            let own = found.map(|(token, _)| token).filter(|token| {
                id.kind == Kind::Ses
                    && caller.is(token.holder)
                    && token.life.revoked_at.is_none()
                    && token.life.deleted_at.is_none()
            });
            let session = own.ok_or_else(|| Refusal::not_found("session"))?;
            let change = sessions::end(caller, session);
            if tries.commit(change).await?.is_some() {
                return Ok(());
            }
        }
    }
}

/// Told only to somebody whose password was right.
fn which(memberships: &[Holder]) -> Refusal {
    let accounts: Vec<&str> = memberships.iter().map(|holder| holder.account.as_str()).collect();
    let sentence = format!("You are a member of {}; say which one, as `account`.", accounts.join(", "));
    Refusal::invalid("account", sentence)
}
