//! Reads of people, who can sign in; what they are in an account are holders.

use domain::facts::{Holder, Person};
use domain::ids::{AccountId, PersonId, RoleId};

use crate::sql::reads;
use crate::{Store, Unavailable};

impl Store {
    /// Members who have one of these roles for all of the account.
    pub async fn holders_by_role(
        &self,
        account: &AccountId,
        roles: &[RoleId],
    ) -> Result<Vec<Holder>, Unavailable> {
        self.read(reads::holders_by_role(account, roles, self.dialect())).await
    }

    pub async fn person(&self, id: PersonId) -> Result<Option<Person>, Unavailable> {
        self.read(reads::person(id)).await
    }

    /// `email` in lower case, as rows keep it.
    pub async fn person_by_email(&self, email: &str) -> Result<Option<Person>, Unavailable> {
        self.read(reads::person_by_email(email)).await
    }

    /// One of those who run the server, if anybody does.
    pub async fn an_operator(&self) -> Result<Option<Person>, Unavailable> {
        self.read(reads::an_operator()).await
    }
}
