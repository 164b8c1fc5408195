//! Signing in with a password, signing out, and seeing where one is signed in.

use std::net::IpAddr;
use std::sync::Arc;

use domain::change::{Actor, Expect};
use domain::facts::{Account, Holder, Person, Token};
use domain::ids::AccountId;
use domain::life::{Lens, State};
use domain::news;
use domain::node::NodePath;
use domain::permission::{TOKENS_READ, TOKENS_UPDATE};
use domain::proofs;
use domain::refusal::Refusal;
use domain::sessions::{self, Beginning};
use domain::text;
use domain::who::Caller;
use store::{LastUse, TokenQuery};
use token::{Kind, TokenId, TokenText};

use crate::guesses::Guess;
use crate::passwords::By;
use crate::second_factor::Looked;
use crate::{ATTEMPTS, Desk, Error, OneTimeCode, Password};

/// Sessions that a person's list shows at most, the newest first.
const LISTED: usize = 100;
/// Of each membership of somebody who signs in, the sessions that are looked at, the newest first.
const LOOKED_AT: usize = 200;

/// What a login gives.
#[derive(Debug)]
pub struct Started {
    pub token: Token,
    pub text: Arc<TokenText>,
    /// For a program, under a policy of pairs.
    pub refresh: Option<Arc<TokenText>>,
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
    /// Where the person uses them besides the password.
    pub code: Option<OneTimeCode>,
    /// Where they are, as far as it is known.
    pub address: Option<IpAddr>,
    /// It is a program that keeps what it gets, and can refresh it; a browser has its cookie.
    pub program: bool,
}

impl Desk {
    /// Signs in. An unknown person, a wrong password, a wrong code and a membership that ended are
    /// answered alike, after the same work. Whoever knows the password is told that a code is missing.
    pub async fn log_in(&self, login: Login, password: Password) -> Result<Started, Error> {
        let email = text::email(&login.email).unwrap_or_default();
        let guess = self.guess(&email, login.address)?;
        let entered = async {
            let person = self.store.person_by_email(&email).await?;
            let hash = person.as_ref().and_then(|person| person.password.clone());
            let right = self.passwords.check(By::Stranger, password, hash).await?;
            let looked = self.factors.look(person.as_ref(), login.code.as_ref(), self.now());
            let person = person.ok_or(Error::Unauthenticated)?;
            if !right {
                self.tell_of_guess(&person, login.address);
                return Err(Error::Unauthenticated);
            }
            self.enter(person, looked, login).await
        };
        guess.settle(entered.await)
    }

    /// A guess at somebody's password or code, if it is looked at by now.
    pub(crate) fn guess(&self, email: &str, from: Option<IpAddr>) -> Result<Guess<'_>, Error> {
        self.guesses.begin(email, from, self.now()).map_err(Error::Slowed)
    }

    /// Journals a wrong password apart from the answer, which takes as long for somebody whom nobody knows.
    fn tell_of_guess(&self, person: &Person, from: Option<IpAddr>) {
        let change = proofs::password_refused(person, Actor::Nobody, from, self.now());
        let store = self.store.clone();
        tokio::spawn(async move {
            if let Err(error) = store.commit(change).await {
                tracing::warn!(?error, "a wrong password could not be journalled");
            }
        });
    }

    /// Signs in whoever gave the password a moment ago, as the ticket says, and now gives the code.
    ///
    /// # Errors
    /// As for [`Desk::log_in`]. None where the ticket is too old, or the password was changed: then one
    /// begins anew.
    pub async fn log_in_with_code(&self, ticket: &str, login: Login) -> Result<Option<Started>, Error> {
        let known = self.factors.whose(ticket, self.now());
        let person = match known {
            Some((id, version)) => self.store.person(id).await?.filter(|person| person.version == version),
            None => None,
        };
        // A guess at a code costs what one at a password does.
        let Some(person) = person else {
            self.passwords.check(By::Stranger, Password::new(String::new()), None).await?;
            return Ok(None);
        };
        let guess = self.guess(&person.email, login.address)?;
        let entered = async {
            self.passwords.check(By::Stranger, Password::new(String::new()), None).await?;
            let looked = self.factors.look(Some(&person), login.code.as_ref(), self.now());
            self.enter(person.clone(), looked, login).await.map(Some)
        };
        guess.settle(entered.await)
    }

    /// The rest of signing in, once the password was right.
    async fn enter(&self, person: Person, looked: Looked, login: Login) -> Result<Started, Error> {
        let shown = match looked {
            Looked::NotAsked => None,
            Looked::Right(shown) if proofs::taken(&person, shown).is_some() => Some(shown),
            Looked::Missing => {
                let ticket = self.factors.password_was_right(&person, self.now(), &*self.entropy);
                return Err(Error::CodeNeeded(ticket));
            }
            Looked::Right(_) | Looked::Wrong => {
                self.commit_alone(proofs::refused(&person, Actor::Nobody, self.now())).await?;
                return Err(Error::Unauthenticated);
            }
        };
        for _ in 0..ATTEMPTS {
            let mut memberships = self.store.memberships(person.id).await?;
            let everywhere = memberships.clone();
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
            let refresh = self.refresh_token(&account, login.program)?;
            let node = login.node.clone().unwrap_or_else(NodePath::root);
            self.must_be_there(&account.id, "node", &node).await?;
            let agent = login.agent.as_deref();
            let beginning = Beginning { node, agent, text: &text, refresh: refresh.as_deref() };
            // A closed account is as silent as a wrong password.
            let started = sessions::start(&account, &holder, beginning, self.now())
                .and_then(|started| proofs::sign_in(&person, shown, started));
            let (token, mut change) = started.map_err(|_| Error::Unauthenticated)?;
            if !self.has_seen(&everywhere, agent).await? {
                change.outbox.extend(news::signed_in(&holder, &token, token.life.created_at));
            }
            if self.commit_alone(change).await? {
                return Ok(Started { token, text, refresh, account, holder });
            }
            let now = self.store.person(person.id).await?;
            if now.is_none_or(|now| now.version != person.version) {
                return Err(Error::Unauthenticated);
            }
        }
        Err(Error::Conflict)
    }

    /// Whether one of a person's sessions was begun in a browser or program like this one, or they had none
    /// before. Asked only where they would be told.
    async fn has_seen(&self, memberships: &[Holder], agent: Option<&str>) -> Result<bool, Error> {
        if !self.mails {
            return Ok(true);
        }
        let mut first = true;
        for member in memberships {
            let account = self.store.account(&member.account).await?.ok_or(Error::Undetermined)?;
            let query = TokenQuery {
                holder: Some(member.id),
                kinds: vec![Kind::Ses],
                descending: true,
                ..TokenQuery::all(Lens::of(&account, self.now()), LOOKED_AT)
            };
            let rows = self.store.tokens(&member.account, query).await?;
            if rows.iter().any(|(session, _)| sessions::is_like(session, agent)) {
                return Ok(true);
            }
            first &= rows.is_empty();
        }
        Ok(first)
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

    /// Ends the session that asks, and what the policy's `logout` ends with it. A login that is refreshed
    /// meanwhile ends as well: whoever signs out must not be outrun by whoever has the refresh token.
    pub async fn log_out(&self, caller: Caller) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let id = caller.own_token()?.id;
            let (own, _) = self.store.token(&caller.account.id, id).await?.ok_or(Error::Unauthenticated)?;
            let session = self.newest(&own).await?;
            if sessions::is_closed(&session) {
                return Err(Error::Unauthenticated);
            }
            // As the rows are now. The session was good when this was asked, and ending it takes no more.
            let rows = self.store.household(&caller.account.id, caller.holder.id).await?;
            let (account, holder) = rows.ok_or(Error::Unauthenticated)?;
            let caller = Caller { account, holder, now: self.now(), ..caller.clone() };
            let change = sessions::log_out(&caller, session)?;
            let rests = Expect::Account(caller.account.id.clone(), caller.account.version);
            if self.commit_alone(change.expect(rests)).await? {
                return Ok(());
            }
        }
        Err(Error::Conflict)
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
        let mut rows = self.store.tokens(&caller.account.id, query).await?;
        self.used_since(&mut rows);
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
            let missing = || Refusal::not_found("session");
            let found = self.store.token(&caller.account.id, id).await?;
            let theirs = found.map(|(token, _)| token);
            let theirs = theirs.filter(|token| id.kind == Kind::Ses && caller.is(token.holder));
            // It may have been refreshed since it was listed.
            let session = self.newest(&theirs.ok_or_else(missing)?).await?;
            if sessions::is_closed(&session) {
                return Err(missing().into());
            }
            let change = if caller.comes_with(session.id) {
                sessions::log_out(caller, session)?
            } else {
                let own = self.own_session(caller).await?;
                sessions::end(caller, session, own)
            };
            if tries.commit(change).await?.is_some() {
                return Ok(());
            }
        }
    }
}

impl Desk {
    /// The session that asks, where one does.
    async fn own_session(&self, caller: &Caller) -> Result<Option<Token>, Error> {
        let Some(credential) = caller.token().filter(|_| caller.is_session()) else { return Ok(None) };
        let found = self.store.token(&caller.account.id, credential.id).await?;
        Ok(Some(found.ok_or(Error::Unauthenticated)?.0))
    }
}

/// Told only to somebody whose password was right.
fn which(memberships: &[Holder]) -> Refusal {
    let accounts: Vec<&str> = memberships.iter().map(|holder| holder.account.as_str()).collect();
    let sentence = format!("You are a member of {}; say which one, as `account`.", accounts.join(", "));
    Refusal::invalid("account", sentence)
}
