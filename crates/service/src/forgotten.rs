//! A forgotten password: asking for a mail with a way to another one, and what that opens.

use std::net::IpAddr;
use std::sync::Arc;

use domain::facts::{Account, Holder, Link, Opens, Person};
use domain::forgotten;
use domain::ids::HolderId;
use domain::text;

use crate::links::link_hash;
use crate::{ATTEMPTS, Desk, Error, Password};

/// Whose password a link changes.
#[derive(Debug)]
pub struct Forgetful {
    pub email: String,
    pub account: Arc<Account>,
}

impl Desk {
    /// Mails a way to another password to whoever signs in with this address. The answer, and how long it
    /// takes, is the same where nobody does: what is found and kept is found and kept apart from it.
    ///
    /// # Errors
    /// `Slowed` for whoever asks too often, of anybody.
    pub async fn forgot_password(
        self: &Arc<Self>,
        email: &str,
        address: Option<IpAddr>,
    ) -> Result<(), Error> {
        let email = text::email(email).unwrap_or_default();
        // Asking counts as a wrong guess does, and nothing makes up for it.
        let asked = self.forgetful.begin(&email, address, self.now()).map_err(Error::Slowed)?;
        asked.settle(Err::<(), _>(Error::Unauthenticated)).ok();
        let desk = self.clone();
        tokio::spawn(async move {
            if let Err(error) = desk.mail_way_in(&email).await {
                tracing::warn!(?error, "a mail with a way to another password could not be kept");
            }
        });
        Ok(())
    }

    async fn mail_way_in(&self, email: &str) -> Result<(), Error> {
        let Some(person) = self.store.person_by_email(email).await? else { return Ok(()) };
        for member in self.store.memberships(person.id).await? {
            let account = self.store.account(&member.account).await?.ok_or(Error::Undetermined)?;
            if account.inactive_since.is_some() {
                continue;
            }
            if let Some(change) = forgotten::forgotten(&person, &member, self.now()) {
                // Nothing that it rests on could have moved on.
                self.commit_alone(change).await?;
                return Ok(());
            }
        }
        Ok(())
    }

    /// Whose password a link changes; none where it opens nothing.
    pub async fn forgetful(&self, secret: &str) -> Result<Option<Forgetful>, Error> {
        let found = self.way_to_password(link_hash(secret)).await?;
        Ok(found.map(|(_, person, account, _)| Forgetful { email: person.email, account }))
    }

    /// Gives whoever opened the link another password, and ends their sessions; with `everything` their tokens
    /// too, in every account. It signs nobody in: a second factor is asked for then.
    ///
    /// # Errors
    /// `Unauthenticated` for a link that opens nothing; refused for a password that is none.
    pub async fn reset_password(&self, secret: &str, new: Password, everything: bool) -> Result<(), Error> {
        let hash = link_hash(secret);
        // Before the work of hashing, which is worth guarding.
        self.way_to_password(hash).await?.ok_or(Error::Unauthenticated)?;
        new.acceptable()?;
        let password = self.passwords.hash(new).await?.0;
        for _ in 0..ATTEMPTS {
            let found = self.way_to_password(hash).await?;
            let (link, person, _, memberships) = found.ok_or(Error::Unauthenticated)?;
            let mut sessions = Vec::new();
            for member in &memberships {
                self.sessions_of(&member.account, member.id, &mut sessions).await?;
            }
            let all = match everything {
                // Tokens of somebody who left may have been kept.
                true => Some(self.store.memberships_ever(person.id).await?),
                false => None,
            };
            let change = forgotten::reset(person, &link, password.clone(), sessions, all, self.now())?;
            if self.commit_alone(change).await? {
                return Ok(());
            }
        }
        Err(Error::Conflict)
    }

    /// The open link with this hash, and whose password it changes: somebody who is a member still, in an account
    /// that is open.
    async fn way_to_password(
        &self,
        hash: [u8; 32],
    ) -> Result<Option<(Link, Person, Arc<Account>, Vec<Holder>)>, Error> {
        let Some(link) = self.store.link(hash).await? else { return Ok(None) };
        let Opens::Password { person } = link.opens else { return Ok(None) };
        let Some(person) = self.store.person(person).await?.filter(|person| !person.operator) else {
            return Ok(None);
        };
        let account = self.store.account(&link.account).await?.filter(|it| it.inactive_since.is_none());
        let memberships = self.store.memberships(person.id).await?;
        let theirs = memberships.iter().any(|member| {
            member.account == link.account && member.id == HolderId::Member(link.member) && member.is_active()
        });
        Ok(account.filter(|_| theirs).map(|account| (link, person, account, memberships)))
    }
}
