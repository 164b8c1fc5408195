//! Whether a token is good, for the service that asks.

use domain::admit::{Ask, Code, Verdict};
use domain::facts::Service;
use domain::time::Timestamp;
use token::Kind;
use verifier::Origin;

use crate::{Desk, Error};

/// Who asks for verdicts: a service, or an operator at work, for whom no use is counted.
pub enum Asker<'a> {
    Service(&'a Service),
    Operator,
}

impl Desk {
    /// Decides about `text`, and has the verdict rendered while the facts are at hand.
    /// `ask.address` is where the asking service saw it, and `address` the same as it is counted with
    /// the use.
    pub async fn verify<R>(
        &self,
        asker: &Asker<'_>,
        text: &[u8],
        ask: Ask<'_>,
        address: Option<&str>,
        render: impl FnOnce(&Verdict<'_>, Timestamp) -> R,
    ) -> Result<R, Error> {
        let Some(presented) = self.read(text) else {
            return Ok(render(&Verdict::unknown(Code::Malformed), self.now()));
        };
        if presented.id().is_some_and(|id| id.kind == Kind::Svc) {
            return Ok(render(&Verdict::unknown(Code::NotFound), self.now()));
        }
        let (ask, origin) = match asker {
            Asker::Service(service) => (
                Ask { horizon: service.accounts.as_deref(), ..ask },
                Origin { service: Some(service.id), address, counted: true },
            ),
            Asker::Operator => (ask, Origin::default()),
        };
        Ok(self.verifier.verify(&presented, &ask, origin, || self.moment(), render).await?)
    }
}
