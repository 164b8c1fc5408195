//! Who may call a route. Each handler's first word is a door, so that no route can be written
//! that does not declare one; opening it is the only way to learn who asks.

use std::fmt;
use std::sync::Arc;

use axum::http::HeaderMap;
use domain::facts::{Scope, Service};
use domain::who::Caller;
use service::verify::Asker;
use service::{Desk, Visitor};

use crate::credentials::bearer;
use crate::problem::Problem;

/// Who may call a route, as it is declared, tested and documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Anyone,
    /// A service with this scope, or an operator at work.
    Service(Scope),
    /// A member or service account, through a session or a token of theirs.
    Holder,
    /// A holder who runs the server.
    Operator,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Anyone => f.write_str("anyone"),
            Who::Service(scope) => write!(f, "service:{}", scope.as_str()),
            Who::Holder => f.write_str("holder"),
            Who::Operator => f.write_str("operator"),
        }
    }
}

/// A way in. What a holder may do beyond being one is for the use case to say.
pub(crate) trait Door: Sized + Send {
    const WHO: Who;

    fn open(desk: &Desk, headers: &HeaderMap) -> impl Future<Output = Result<Self, Problem>> + Send;
}

/// Whoever comes; a credential is not looked at.
pub(crate) struct Anyone;

pub(crate) struct Holder(pub(crate) Caller);

pub(crate) struct Operator(pub(crate) Caller);

/// A door through which somebody comes to work at the desk.
pub(crate) trait AtDesk {
    fn caller(&self) -> &Caller;
}

impl AtDesk for Holder {
    fn caller(&self) -> &Caller {
        &self.0
    }
}

impl AtDesk for Operator {
    fn caller(&self) -> &Caller {
        &self.0
    }
}

/// Who asks for verdicts.
pub(crate) enum Asking {
    Service(Arc<Service>),
    Operator,
}

impl Asking {
    pub(crate) fn asker(&self) -> Asker<'_> {
        match self {
            Asking::Service(service) => Asker::Service(service),
            Asking::Operator => Asker::Operator,
        }
    }
}

impl Door for Anyone {
    const WHO: Who = Who::Anyone;

    async fn open(_: &Desk, _: &HeaderMap) -> Result<Anyone, Problem> {
        Ok(Anyone)
    }
}

impl Door for Holder {
    const WHO: Who = Who::Holder;

    async fn open(desk: &Desk, headers: &HeaderMap) -> Result<Holder, Problem> {
        Ok(Holder(visitor(desk, headers).await?.holder()?))
    }
}

impl Door for Operator {
    const WHO: Who = Who::Operator;

    async fn open(desk: &Desk, headers: &HeaderMap) -> Result<Operator, Problem> {
        let Holder(caller) = Holder::open(desk, headers).await?;
        desk.operator(&caller).await?;
        Ok(Operator(caller))
    }
}

impl Door for Asking {
    const WHO: Who = Who::Service(Scope::Verify);

    async fn open(desk: &Desk, headers: &HeaderMap) -> Result<Asking, Problem> {
        match visitor(desk, headers).await? {
            Visitor::Service(service) => {
                service::scope(&service, Scope::Verify).map_err(service::Error::from)?;
                Ok(Asking::Service(service))
            }
            Visitor::Holder(caller) => {
                desk.operator(&caller).await?;
                Ok(Asking::Operator)
            }
        }
    }
}

async fn visitor(desk: &Desk, headers: &HeaderMap) -> Result<Visitor, Problem> {
    let bearer = bearer(headers)?.ok_or_else(Problem::unauthenticated)?;
    Ok(desk.visitor(bearer.as_bytes()).await?)
}
