//! The first minutes of an installation: its first account, administrator and keys.
//!
//! Nothing is minted before somebody who has the machine, or a link printed on it, asks.

use std::sync::Arc;

use domain::accounts::{self, Found};
use domain::change::{Action, Change, Condition, Entry, Write};
use domain::facts::{Account, Holder, Person, Scope};
use domain::ids::{AccountId, MemberId, PersonId, RoleId};
use domain::lifecycle;
use domain::members;
use domain::refusal::{Code, Refusal};
use domain::text;
use token::{Kind, TokenText};

use crate::accounts::FOUNDER;
use crate::links::link_hash;
use crate::services::service;
use crate::{ATTEMPTS, Desk, Error, Password};

/// How long a set-up link opens: 30 minutes, in µs.
const LINK: i64 = 30 * 60 * 1_000_000;

/// What an installation begins with.
#[derive(Clone, Debug)]
pub struct Founding {
    pub account: AccountId,
    pub name: String,
    pub admin_name: String,
    pub admin_email: String,
    pub preset: String,
}

/// What the first administrator gets, once.
#[derive(Debug)]
pub struct Begun {
    pub account: Account,
    pub member: Holder,
    pub token: Arc<TokenText>,
    pub service_key: Arc<TokenText>,
}

impl Desk {
    /// Begins the installation. Refused as soon as it has ever had an account; with a link's
    /// secret, that link is used up by it.
    pub async fn begin(
        &self,
        founding: Founding,
        password: Password,
        link: Option<&str>,
    ) -> Result<Begun, Error> {
        password.acceptable()?;
        let email = text::email(&founding.admin_email)?;
        let preset = accounts::preset_named(&founding.preset)?;
        let hash = link.map(link_hash);
        if let Some(hash) = hash
            && !self.store.setup_link_open(hash).await?
        {
            return Err(Error::Unauthenticated);
        }
        let password = self.passwords.hash(password).await?.0;

        for _ in 0..ATTEMPTS {
            let now = self.now();
            let registry = self.registry();
            let order = Found {
                id: founding.account.clone(),
                name: founding.name.clone(),
                external_id: None,
                metadata: None,
            };
            let draw = || RoleId::draw(&*self.entropy);
            let founded = accounts::found(&order, preset, &registry, draw, FOUNDER, now)?;
            let (account, registry) = (founded.account, founded.registry);

            let person = Person {
                id: PersonId::draw(&*self.entropy),
                email: email.clone(),
                password: Some(password.clone()),
                second_factor: None,
                operator: true,
                created_at: now,
                version: 0,
            };
            let entry = Entry {
                at: now,
                actor: FOUNDER,
                account: None,
                action: Action::PersonCreated,
                subject: person.id.to_string(),
                payload: serde_json::json!({ "operator": true }),
            };
            let id = MemberId::draw(&*self.entropy);
            let first = members::first(&account, id, person.id, &founding.admin_name, &email, FOUNDER, now)?;
            let token = self.draw(&account.policy.brand, Kind::Pat)?;
            let init = lifecycle::first_token(&account, &first.holder, &registry, &token, now)?;
            let service_key = self.draw("jtn", Kind::Svc)?;
            let (_, keyed) = service("init", vec![Scope::Verify], None, &service_key, FOUNDER, now)?;

            let begun =
                Refusal::new(Code::WrongState, "This installation has begun already; sign in instead.");
            let mut change = Change::default()
                .guard(Condition::NoAccountYet, begun)
                .and(founded.change)
                .write(Write::InsertPerson(person))
                .entry(entry)
                .and(first.change)
                .and(init.change)
                .and(keyed);
            if let Some(hash) = hash {
                change = change.write(Write::UseSetupLink { hash });
            }
            if self.commit_alone(change).await? {
                return Ok(Begun { account, member: first.holder, token, service_key });
            }
        }
        Err(Error::Conflict)
    }

    /// Whether nobody has begun yet.
    pub async fn is_empty(&self) -> Result<bool, Error> {
        Ok(self.store.is_empty().await?)
    }

    /// Makes the secret of a new set-up link, which replaces any older one. None once the
    /// installation has begun.
    pub async fn setup_link(&self) -> Result<Option<String>, Error> {
        if !self.store.is_empty().await? {
            return Ok(None);
        }
        let (secret, hash) = self.link_secret();
        self.store.put_setup_link(hash, self.now().plus_micros(LINK)).await?;
        Ok(Some(secret.to_string()))
    }

    /// Whether the secret of a set-up link opens anything.
    pub async fn setup_link_opens(&self, secret: &str) -> Result<bool, Error> {
        Ok(self.store.setup_link_open(link_hash(secret)).await?)
    }
}
