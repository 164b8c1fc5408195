//! Who calls: the same facts and the same verdict as for anybody else's tokens.

use std::net::IpAddr;
use std::sync::Arc;

use domain::admit::Ask;
use domain::facts::{Account, Holder, Person, Scope, Service};
use domain::ids::{AccountId, ExternalId, HolderId, MemberId, ServiceId};
use domain::life::{self, Surroundings};
use domain::node::NodePath;
use domain::refusal::{Code, Refusal};
use domain::who::{By, Caller, Credential};
use token::{Kind, Presented};
use verifier::Origin;

use crate::{Desk, Error};

/// Whoever came with a good credential.
pub enum Visitor {
    /// A member or service account, through a token or a session, or a member through a service.
    Holder(Box<Caller>),
    /// A program of the product.
    Service(Arc<Service>),
}

impl Visitor {
    /// The holder; a service is nobody on the desk of an account.
    pub fn holder(self) -> Result<Caller, Error> {
        match self {
            Self::Holder(caller) => Ok(*caller),
            Self::Service(_) => Err(Refusal::forbidden(
                "This is a service's key; an account's routes need a member's session or token, or a service \
                 that may act for one, named by `Jeton-Actor`.",
            )
            .into()),
        }
    }
}

/// Whom a verdict was about, as memory has it.
struct Household {
    account: AccountId,
    /// Of the account's row.
    version: i64,
    holder: Holder,
}

impl Desk {
    /// Finds out who presents `text`. Every cause of a no is the same `Unauthenticated`.
    pub async fn visitor(&self, text: &[u8]) -> Result<Visitor, Error> {
        self.visitor_from(text, None).await
    }

    /// The same, telling their person from where, as far as that is known.
    pub async fn visitor_from(&self, text: &[u8], from: Option<IpAddr>) -> Result<Visitor, Error> {
        let presented = self.read(text).ok_or(Error::Unauthenticated)?;
        if presented.id().is_some_and(|id| id.kind == Kind::Svc) {
            let service = self.verifier.service(&presented).await?;
            return service.map(Visitor::Service).ok_or(Error::Unauthenticated);
        }
        self.meet(text, &presented).await?;
        let address = from.map(|from| from.to_string());
        let seen = self
            .verifier
            .verify(
                &presented,
                &Ask::default(),
                // Work at the desk is use too: it would break with the token.
                Origin { counted: true, address: address.as_deref(), ..Origin::default() },
                || self.moment(),
                |verdict, now| {
                    let facts = verdict.facts.filter(|_| verdict.is_valid())?;
                    let credential = Credential {
                        id: facts.token.id,
                        version: facts.token.version,
                        grant: facts.token.grant.clone(),
                        desk: facts.token.desk,
                        node: facts.token.node.clone(),
                        created_at: facts.token.life.created_at,
                        ends_at: facts.good_until(),
                    };
                    let household = Household {
                        account: facts.account.id.clone(),
                        version: facts.account.version,
                        holder: facts.holder.clone(),
                    };
                    Some((household, credential, now))
                },
            )
            .await?;
        let (household, credential, now) = seen.ok_or(Error::Unauthenticated)?;
        let (account, holder) = self.at_hand(household).await?.ok_or(Error::Unauthenticated)?;
        // `on_inactive = keep` lets a token go on reading the product, but nobody who is
        // deactivated works at the desk.
        if !holder.is_active() {
            return Err(Error::Unauthenticated);
        }
        let registry = self.registry();
        Ok(Visitor::Holder(Box::new(Caller {
            account,
            holder,
            by: By::Token(credential),
            registry,
            now,
            reauthenticated: false,
        })))
    }

    /// The account and the holder of a verdict. Where nobody else writes, memory has what the store
    /// has; another peer may have changed them meanwhile.
    async fn at_hand(&self, seen: Household) -> Result<Option<(Arc<Account>, Holder)>, Error> {
        let Household { account, version, holder } = seen;
        if let Some(account) = self.store.known(&account, version).filter(|_| self.store.is_alone()) {
            return Ok(Some((account, holder)));
        }
        Ok(self.store.household(&account, holder.id).await?)
    }

    /// The same caller on fresh rows, if what it came by is still good.
    pub(crate) async fn again(&self, caller: Caller) -> Result<Caller, Error> {
        let id = caller.account.id.clone();
        let rows = self.store.household(&id, caller.holder.id).await?;
        let (account, holder) = rows.ok_or(Error::Unauthenticated)?;
        let by = match caller.by {
            By::Token(credential) => {
                let (token, _) = self.store.token(&id, credential.id).await?.ok_or(Error::Unauthenticated)?;
                let around = Surroundings::of(&account, &holder, token.id.kind);
                let now = self.now();
                let good =
                    life::state(&token.life, &around, now).is_good() && !token.conditions.are_over(now);
                if !good || !holder.is_active() {
                    return Err(Error::Unauthenticated);
                }
                let ends_at = life::good_until(&token.life, &around);
                By::Token(Credential { version: token.version, grant: token.grant, ends_at, ..credential })
            }
            By::Service { id, .. } => {
                let service = self.still(id).await?;
                acts(&account, &holder)?;
                By::Service { id, version: service.version }
            }
        };
        Ok(Caller { account, holder, by, registry: self.registry(), ..caller })
    }

    /// The member that a service acts for, at work in this account. `actor` is their id, or their
    /// `external_id` in the product.
    ///
    /// # Errors
    /// A service without the scope, or a name that is nobody's or of somebody who may not work here,
    /// is refused; an account that the service is not for does not exist for it.
    pub async fn act_as(&self, service: &Service, account: &AccountId, actor: &str) -> Result<Caller, Error> {
        scope(service, Scope::ActAs)?;
        within(service, account)?;
        let account = self.store.account(account).await?.ok_or_else(|| Refusal::not_found("account"))?;
        // Nobody can choose an id, so what has the form of one is never taken for anything else.
        let holder = match actor.parse::<MemberId>() {
            Ok(id) => self.store.holder(&account.id, HolderId::Member(id)).await?,
            Err(_) => match ExternalId::parse(actor) {
                Ok(external_id) => {
                    self.store.holder_by_external_id(&account.id, external_id.as_str()).await?
                }
                Err(_) => None,
            },
        };
        let holder = holder.ok_or_else(nobody)?;
        acts(&account, &holder)?;
        Ok(Caller {
            account,
            holder,
            by: By::Service { id: service.id, version: service.version },
            registry: self.registry(),
            now: self.now(),
            reauthenticated: false,
        })
    }

    /// A service as it is now, if its key was not revoked.
    pub(crate) async fn still(&self, id: ServiceId) -> Result<Service, Error> {
        let service = self.store.service(id).await?.filter(|service| service.revoked_at.is_none());
        service.ok_or(Error::Unauthenticated)
    }

    /// What was presented, if it can be a token at all.
    pub(crate) fn read(&self, text: &[u8]) -> Option<Presented> {
        self.parser.parse(text).ok()
    }

    /// The person who runs the server, through a session or the token named `init`. No other
    /// token will do: whoever manages an account makes tokens for its other members. Nor will a
    /// session for a part of an account's tree.
    pub async fn operator(&self, caller: &Caller) -> Result<Person, Error> {
        let person = match caller.holder.person {
            Some(person) if caller.stands_for_the_holder() && caller.reaches(&NodePath::root()) => {
                self.store.person(person).await?
            }
            _ => None,
        };
        person
            .filter(|person| person.operator)
            .ok_or_else(|| Refusal::forbidden("Only an operator of this server may do this.").into())
    }
}

/// An account's routes serve its own members and tokens; for others it does not exist.
pub(crate) fn at_home(caller: &Caller, account: &AccountId) -> Result<(), Refusal> {
    if caller.account.id == *account { Ok(()) } else { Err(Refusal::not_found("thing")) }
}

/// A service limited to some accounts knows of no others.
pub(crate) fn within(service: &Service, account: &AccountId) -> Result<(), Refusal> {
    match &service.accounts {
        Some(accounts) if !accounts.contains(account) => Err(Refusal::not_found("account")),
        _ => Ok(()),
    }
}

/// Members work through a service as they would through a session.
fn acts(account: &Account, holder: &Holder) -> Result<(), Refusal> {
    let is_member = matches!(holder.id, HolderId::Member(_));
    if is_member && holder.is_active() && account.inactive_since.is_none() { Ok(()) } else { Err(nobody()) }
}

/// The same for whoever is not there, has left or is deactivated.
fn nobody() -> Refusal {
    Refusal::of_field(
        Code::Forbidden,
        "Jeton-Actor",
        "`Jeton-Actor` names nobody who can work in this account; send the id or the `external_id` of one \
         of its active members.",
    )
}

/// Whether a service may do this at all.
pub fn scope(service: &Service, needed: Scope) -> Result<(), Refusal> {
    if service.scopes.contains(&needed) {
        return Ok(());
    }
    Err(Refusal::forbidden(format!("This service's key does not have the scope `{}`.", needed.as_str())))
}
