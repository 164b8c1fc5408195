//! Services: the product's own programs, with keys of their own.

use std::sync::Arc;

use domain::change::{Action, Actor, Change, Entry, Write};
use domain::facts::{Scope, Service};
use domain::ids::{AccountId, ServiceId};
use domain::refusal::Refusal;
use domain::text;
use domain::time::Timestamp;
use domain::who::Caller;
use token::{Kind, TokenText};

use crate::answers::{Kept, Made};
use crate::{Desk, Error, Replay};

/// A service with its key: the one answer that has it.
#[derive(Debug)]
pub struct Keyed {
    pub service: Service,
    pub text: Arc<TokenText>,
}

impl Desk {
    pub async fn create_service(
        &self,
        caller: Caller,
        name: String,
        scopes: Vec<Scope>,
        accounts: Option<Vec<AccountId>>,
        replay: Option<Replay>,
    ) -> Result<Keyed, Error> {
        self.operator(&caller).await?;
        if scopes.is_empty() {
            return Err(Refusal::invalid(
                "scopes",
                "Give at least one of verify, introspect, provision, act_as.",
            )
            .into());
        }
        for account in accounts.iter().flatten() {
            if self.store.account(account).await?.is_none() {
                return Err(Refusal::invalid("accounts", format!("There is no account {account}.")).into());
            }
        }
        let decide = |caller: &Caller| {
            let text = self.draw("jtn", Kind::Svc)?;
            let (service, change) =
                service(&name, scopes.clone(), accounts.clone(), &text, caller.actor(), caller.now)?;
            let kept = Kept::secret(&text);
            Ok((Keyed { service: Service { version: 1, ..service }, text }, kept, change))
        };
        match self.settle_once(caller, replay.as_ref(), decide).await? {
            Made::Now(keyed) => Ok(keyed),
            Made::Before(kept) => {
                let service = self.store.service(kept.named()?).await?;
                let service = service.ok_or_else(|| Refusal::not_found("service"))?;
                Ok(Keyed { service, text: kept.text()? })
            }
        }
    }

    pub async fn services(&self, caller: Caller) -> Result<Vec<Service>, Error> {
        self.operator(&caller).await?;
        Ok(self.store.services().await?)
    }

    /// Ends a service's key. Ending it again changes nothing.
    pub async fn revoke_service(&self, caller: Caller, id: ServiceId) -> Result<Service, Error> {
        self.operator(&caller).await?;
        let mut tries = self.tries(caller);
        loop {
            let caller = &tries.caller;
            let found = self.store.service(id).await?;
            let mut service = found.ok_or_else(|| Refusal::not_found("service"))?;
            let mut change = Change::default();
            if service.revoked_at.is_none() {
                service.revoked_at = Some(caller.now);
                let told = serde_json::json!({ "name": service.name });
                let entry = Entry { account: None, ..caller.entry(Action::ServiceRevoked, id, told) };
                change = change.write(Write::UpdateService(service.clone())).entry(entry).ending();
            }
            if tries.commit(change).await?.is_some() {
                return Ok(service);
            }
        }
    }
}

pub(crate) fn service(
    name: &str,
    scopes: Vec<Scope>,
    accounts: Option<Vec<AccountId>>,
    text: &TokenText,
    actor: Actor,
    now: Timestamp,
) -> Result<(Service, Change), Refusal> {
    let service = Service {
        id: ServiceId(text.id().code),
        name: text::name("name", name, 100)?,
        scopes,
        accounts,
        digest: text.digest(),
        created_at: now,
        revoked_at: None,
        version: 0,
    };
    let scopes: Vec<&str> = service.scopes.iter().map(|scope| scope.as_str()).collect();
    let entry = Entry {
        at: now,
        actor,
        account: None,
        action: Action::ServiceCreated,
        subject: service.id.to_string(),
        payload: serde_json::json!({ "name": service.name, "scopes": scopes, "accounts": service.accounts }),
    };
    let change = Change::default().write(Write::InsertService(service.clone())).entry(entry);
    Ok((service, change.of_recent_login()))
}
