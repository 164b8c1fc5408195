//! Links that let a member in: handed over by a service of the product, and invited. The secret of one
//! leaves here once, and only its hash is kept.

use std::fmt;
use std::sync::Arc;

use domain::facts::{Account, Holder, Link, Opens, Person, Service};
use domain::ids::{AccountId, HolderId, MemberId, PersonId};
use domain::links::{self, Accepting};
use domain::members::{self, Join, Login};
use domain::node::NodePath;
use domain::permission::MEMBERS_CREATE;
use domain::refusal::{Code, Refusal};
use domain::text;
use domain::time::Timestamp;
use domain::who::Caller;
use sha2::{Digest, Sha256};
use token::Kind;
use zeroize::Zeroizing;

use crate::answers::{Kept, Made};
use crate::auth::at_home;
use crate::sessions::Started;
use crate::{ATTEMPTS, Desk, Error, Password, Replay};

/// A link that was just made.
pub struct Fresh {
    secret: Zeroizing<String>,
    pub until: Timestamp,
}

impl Fresh {
    /// What stands in the link, for whoever it is for.
    pub fn expose(&self) -> &str {
        &self.secret
    }
}

impl fmt::Debug for Fresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a link until {}", self.until)
    }
}

/// An invitation that is open.
#[derive(Debug)]
pub struct Invitation {
    pub account: Arc<Account>,
    pub holder: Holder,
    /// Who signs in with the address already, in another account.
    pub known: Option<PersonId>,
}

/// Who opens an invitation.
#[derive(Debug)]
pub enum Guest {
    /// Somebody new here, with the password that they chose.
    New(Password),
    /// Somebody who is signed in to another account.
    SignedIn(Box<Caller>),
}

/// A form's invitation: made by it now, or by the same form before.
#[derive(Debug)]
pub enum Invited {
    Now(Box<Holder>, Fresh),
    Before(MemberId),
}

impl Desk {
    /// Makes a link to the console for a member that the service has before it; `actor` as for
    /// [`Desk::act_as`].
    ///
    /// # Errors
    /// Refused as acting for them would be, and for a member who runs the server.
    pub async fn hand_off(
        &self,
        service: &Service,
        account: &AccountId,
        actor: &str,
        place: Option<&str>,
    ) -> Result<(Fresh, HolderId), Error> {
        let caller = self.act_as(service, account, actor).await?;
        let person = self.person_of(&caller.holder).await?;
        let (secret, hash) = self.link_secret();
        let link = links::hand_off(&caller, person.as_ref(), place, hash)?;
        let until = link.until;
        self.store.put_link(link).await?;
        Ok((Fresh { secret, until }, caller.holder.id))
    }

    /// Whom a hand-off lets in, and where; none where it opens nothing.
    pub async fn handed_over(&self, secret: &str) -> Result<Option<(AccountId, MemberId)>, Error> {
        let link = self.store.link(link_hash(secret)).await?;
        let link = link.filter(|link| matches!(link.opens, Opens::Console { .. }));
        Ok(link.map(|link| (link.account, link.member)))
    }

    /// Uses a hand-off up: the session that it begins, and the place where it leads.
    ///
    /// # Errors
    /// `Unauthenticated` for a link that opens nothing; refused where its member may not work there
    /// any more.
    pub async fn arrive(&self, secret: &str, agent: Option<&str>) -> Result<(Started, String), Error> {
        let hash = link_hash(secret);
        for _ in 0..ATTEMPTS {
            let link = self.store.link(hash).await?.ok_or(Error::Unauthenticated)?;
            let Opens::Console { service, place } = &link.opens else { return Err(Error::Unauthenticated) };
            let service = self.still(*service).await?;
            let caller = self.act_as(&service, &link.account, &link.member.to_string()).await?;
            let person = self.person_of(&caller.holder).await?;
            let text = self.draw(&caller.account.policy.brand, Kind::Ses)?;
            let (token, change) = links::arrive(&caller, person.as_ref(), &link, agent, &text)?;
            if self.commit_alone(caller.stands_behind(change)).await? {
                let Caller { account, holder, .. } = caller;
                return Ok((Started { token, text, refresh: None, account, holder }, place.clone()));
            }
        }
        Err(Error::Conflict)
    }

    /// Adds a member by an address, with an invitation to a login of their own. What the form made that
    /// was sent before is named, but its link is not shown again.
    pub async fn invite_new(
        &self,
        caller: Caller,
        account: &AccountId,
        order: Join,
        form: Option<&Replay>,
    ) -> Result<Invited, Error> {
        at_home(&caller, account)?;
        caller.needs_somewhere(MEMBERS_CREATE)?;
        let email = text::email(order.email.as_deref().unwrap_or_default())?;
        self.must_be_no_member(account, &email).await?;
        let (secret, hash) = self.link_secret();
        let decide = |caller: &Caller| {
            let id = MemberId::draw(&**self.entropy());
            let joined = members::join(caller, &order, id, Login::None)?;
            let (link, change) = links::invite(caller, &joined.holder, hash)?;
            Ok(((joined.holder, link.until), Kept::id(id), joined.change.and(change)))
        };
        match self.settle_once(caller, form, decide).await? {
            Made::Now((holder, until)) => {
                Ok(Invited::Now(Box::new(Holder { version: 1, ..holder }), Fresh { secret, until }))
            }
            Made::Before(kept) => Ok(Invited::Before(kept.named()?)),
        }
    }

    /// Makes an invitation for a member who is there and has no login; one that was made before opens
    /// nothing any more. An operator invites members of any account.
    pub async fn invite(&self, caller: Caller, account: &AccountId, id: MemberId) -> Result<Fresh, Error> {
        let (secret, hash) = self.link_secret();
        let mut tries = self.tries(caller);
        loop {
            let caller = &tries.caller;
            let inside = caller.account.id == *account;
            let outside = if inside { None } else { Some(self.elsewhere(caller, account).await?) };
            let holder = self.store.holder(account, HolderId::Member(id)).await?;
            let holder = holder.filter(|holder| holder.standing.removed_at.is_none());
            let holder = holder.ok_or_else(|| Refusal::not_found("member"))?;
            let (link, change) = match &outside {
                None => links::invite(caller, &holder, hash)?,
                Some(account) => links::invite_into(account, &holder, hash, caller.actor(), caller.now)?,
            };
            if let Some(email) = &holder.email {
                self.must_be_no_member(account, email).await?;
            }
            if tries.commit(change).await?.is_some() {
                return Ok(Fresh { secret, until: link.until });
            }
        }
    }

    /// What an invitation is to, and for whom; none where it opens nothing.
    pub async fn invitation(&self, secret: &str) -> Result<Option<Invitation>, Error> {
        Ok(self.invited(link_hash(secret)).await?.map(|(_, invitation)| invitation))
    }

    /// Accepts an invitation, and signs in.
    ///
    /// # Errors
    /// `Unauthenticated` for a link that opens nothing; refused for a password that is none, and for
    /// somebody who is not the one that was invited.
    pub async fn accept(&self, secret: &str, guest: Guest, agent: Option<&str>) -> Result<Started, Error> {
        let hash = link_hash(secret);
        // Before the work of hashing, which is worth guarding.
        self.invited(hash).await?.ok_or(Error::Unauthenticated)?;
        let (password, mut elsewhere) = match guest {
            Guest::New(password) => {
                password.acceptable()?;
                (Some(self.passwords.hash(password).await?.0), None)
            }
            // A login for a part of the tree begins none for all of it.
            Guest::SignedIn(caller) if caller.is_session() && caller.reaches(&NodePath::root()) => {
                (None, Some(*caller))
            }
            Guest::SignedIn(_) => return Err(Error::Unauthenticated),
        };
        for _ in 0..ATTEMPTS {
            let (link, invitation) = self.invited(hash).await?.ok_or(Error::Unauthenticated)?;
            let Invitation { account, holder, .. } = invitation;
            let who = match (&password, &elsewhere) {
                (Some(password), _) => {
                    Accepting::New { id: PersonId::draw(&**self.entropy()), password: password.clone() }
                }
                (None, Some(caller)) => {
                    let person = self.person_behind(caller).await?;
                    Accepting::Known(person.ok_or(Error::Unauthenticated)?)
                }
                (None, None) => return Err(Error::Unauthenticated),
            };
            let text = self.draw(&account.policy.brand, Kind::Ses)?;
            let now = self.now();
            let (mut holder, token, change) =
                links::accept(&account, &holder, &link, who, agent, &text, now)?;
            // A session that ends meanwhile begins no other.
            let change = match &elsewhere {
                Some(caller) => caller.stands_behind(change),
                None => change,
            };
            if self.commit_alone(change).await? {
                holder.version += 1;
                return Ok(Started { token, text, refresh: None, account, holder });
            }
            if let Some(caller) = elsewhere.take() {
                elsewhere = Some(self.again(caller).await?);
            }
        }
        Err(Error::Conflict)
    }

    /// The open invitation with this hash, if its member is still there and still has no login.
    async fn invited(&self, hash: [u8; 32]) -> Result<Option<(Link, Invitation)>, Error> {
        let link = self.store.link(hash).await?.filter(|link| link.opens == Opens::Login);
        let Some(link) = link else { return Ok(None) };
        let rows = self.store.household(&link.account, HolderId::Member(link.member)).await?;
        let open = rows.filter(|(account, holder)| {
            account.inactive_since.is_none() && holder.is_active() && holder.person.is_none()
        });
        let Some((account, holder)) = open else { return Ok(None) };
        let person = match &holder.email {
            Some(email) => self.store.person_by_email(email).await?,
            None => return Ok(None),
        };
        Ok(Some((link, Invitation { account, holder, known: person.map(|person| person.id) })))
    }

    /// Nobody is twice in an account.
    async fn must_be_no_member(&self, account: &AccountId, email: &str) -> Result<(), Error> {
        let Some(person) = self.store.person_by_email(email).await? else { return Ok(()) };
        let member = self.store.memberships(person.id).await?;
        if member.iter().any(|holder| holder.account == *account) {
            let sentence = "Somebody with this address is a member already.";
            return Err(Refusal::of_field(Code::NameTaken, "email", sentence).into());
        }
        Ok(())
    }

    async fn person_of(&self, holder: &Holder) -> Result<Option<Person>, Error> {
        match holder.person {
            Some(person) => Ok(self.store.person(person).await?),
            None => Ok(None),
        }
    }

    /// The secret of a new link, of 192 bits, and its hash.
    pub(crate) fn link_secret(&self) -> (Zeroizing<String>, [u8; 32]) {
        let mut secret = Zeroizing::new([0; 24]);
        self.entropy().fill(&mut *secret);
        let secret = Zeroizing::new(crate::cursors::hex(&*secret));
        let hash = link_hash(&secret);
        (secret, hash)
    }
}

pub(crate) fn link_hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}
