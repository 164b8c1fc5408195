//! From the machine itself: letting somebody in again when nobody can get in any more, and taking the
//! server out of somebody's hands.

use domain::facts::{Person, Token};
use domain::ids::{AccountId, MemberId, PersonId};
use domain::life::{Lens, State};
use domain::recovery::{self, Lead, Reset};
use domain::refusal::{Code, Refusal};
use domain::text;
use store::{After, LastUse, TokenQuery};
use token::Kind;

use crate::{ATTEMPTS, Desk, Error, Password};

/// Sessions read at a time.
const PAGE: usize = 500;

/// Somebody who can get in again.
#[derive(Debug)]
pub struct PersonReset {
    pub person: Person,
    /// How many sessions were ended.
    pub sessions: usize,
}

impl Desk {
    /// Gives the person with this address another password and ends their sessions; see
    /// [`recovery::reset`] for the rest. `lead` names an account that they shall lead.
    ///
    /// # Errors
    /// Refused for a password that is none, and where there is no such person or account.
    pub async fn reset_person(
        &self,
        email: &str,
        password: Password,
        operator: bool,
        lead: Option<AccountId>,
    ) -> Result<PersonReset, Error> {
        password.acceptable()?;
        let order =
            Reset { email: text::email(email)?, password: self.passwords.hash(password).await?.0, operator };
        for _ in 0..ATTEMPTS {
            let known = self.store.person_by_email(&order.email).await?;
            let account = match &lead {
                Some(id) => Some(self.store.account(id).await?.ok_or_else(|| {
                    Refusal::of_field(Code::NotFound, "account", format!("There is no account {id}."))
                })?),
                None => None,
            };
            let memberships = match &known {
                Some(person) => self.store.memberships(person.id).await?,
                None => Vec::new(),
            };
            let mut sessions = Vec::new();
            for member in &memberships {
                self.sessions_of(&member.account, member.id, &mut sessions).await?;
            }
            let count = sessions.len();
            let lead = account.as_deref().map(|account| Lead {
                account,
                member: memberships.into_iter().find(|member| member.account == account.id),
                id: MemberId::draw(&*self.entropy),
            });
            let id = PersonId::draw(&*self.entropy);
            let (person, change) = recovery::reset(&order, known, id, lead, sessions, self.now())?;
            if self.commit_alone(change).await? {
                return Ok(PersonReset { person, sessions: count });
            }
        }
        Err(Error::Conflict)
    }

    /// Makes the person with this address an operator no more.
    ///
    /// # Errors
    /// Refused where there is no such person, or they are none.
    pub async fn retire(&self, email: &str) -> Result<Person, Error> {
        let email = text::email(email)?;
        for _ in 0..ATTEMPTS {
            let known = self.store.person_by_email(&email).await?;
            let known = known.ok_or_else(|| {
                Refusal::of_field(Code::NotFound, "email", format!("Nobody here has the address {email}."))
            })?;
            let (person, change) = recovery::retire(known, self.now())?;
            if self.commit_alone(change).await? {
                return Ok(person);
            }
        }
        Err(Error::Conflict)
    }

    /// Whether anybody runs the server.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn has_operator(&self) -> Result<bool, Error> {
        Ok(self.store.an_operator().await?.is_some())
    }

    /// Every session of a member that opens anything.
    pub(crate) async fn sessions_of(
        &self,
        account: &AccountId,
        holder: domain::ids::HolderId,
        to: &mut Vec<Token>,
    ) -> Result<(), Error> {
        let account = self.store.account(account).await?.ok_or(Error::Undetermined)?;
        let mut query = TokenQuery {
            holder: Some(holder),
            kinds: vec![Kind::Ses],
            states: vec![State::Active, State::Expiring, State::Suspended, State::Pending],
            ..TokenQuery::all(Lens::of(&account, self.now()), PAGE)
        };
        loop {
            let page = self.store.tokens(&account.id, query.clone()).await?;
            let last =
                page.last().map(|(token, used): &(Token, LastUse)| After::row(query.sort, token, used));
            let full = page.len() == PAGE;
            to.extend(page.into_iter().map(|(token, _)| token));
            if !full {
                return Ok(());
            }
            query.after = last;
        }
    }
}
