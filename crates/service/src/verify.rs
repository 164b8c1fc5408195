//! Whether a token is good, for the service that asks.

use domain::admit::{Ask, Code, Verdict};
use domain::facts::Service;
use domain::time::Timestamp;
use meter::Tally;
use token::Kind;
use verifier::Origin;

use crate::{Desk, Error};

/// Who asks for verdicts: a service, or an operator at work, for whom no use is counted.
pub enum Asker<'a> {
    Service(&'a Service),
    Operator,
}

/// The counter of questions that were not answered, after those of the codes.
const UNDETERMINED: usize = Code::ALL.len();

pub(crate) fn counters() -> Tally {
    Tally::new(UNDETERMINED + 1)
}

/// Verdicts as they were counted.
#[derive(Clone, Copy, Debug)]
pub struct Verdicts {
    pub told: [(&'static str, u64); Code::ALL.len()],
    pub undetermined: u64,
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
        // Counted where it is rendered, so that each answer is counted and each once.
        let render = |verdict: &Verdict<'_>, now| {
            self.verdicts.add(verdict.code as usize, 1);
            render(verdict, now)
        };
        let Some(presented) = self.read(text) else {
            return Ok(render(&Verdict::unknown(Code::Malformed), self.now()));
        };
        if presented.id().is_some_and(|id| id.kind == Kind::Svc) {
            return Ok(render(&Verdict::unknown(Code::NotFound), self.now()));
        }
        self.meet(text, &presented).await?;
        let (ask, origin) = match asker {
            Asker::Service(service) => (
                Ask { horizon: service.accounts.as_deref(), ..ask },
                Origin { service: Some(service.id), address, counted: true },
            ),
            Asker::Operator => (ask, Origin::default()),
        };
        let verdict = self.verifier.verify(&presented, &ask, origin, || self.moment(), render).await;
        if verdict.is_err() {
            self.verdicts.add(UNDETERMINED, 1);
        }
        Ok(verdict?)
    }

    /// How many verdicts there were of each code since the start, and how many questions found none.
    pub fn verdicts(&self) -> Verdicts {
        let told = Code::ALL.map(|code| (code.as_str(), self.verdicts.read(code as usize)));
        Verdicts { told, undetermined: self.verdicts.read(UNDETERMINED) }
    }
}
