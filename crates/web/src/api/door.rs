//! Who may call a route. Each handler's first word is a door, so that no route can be written
//! that does not declare one; opening it is the only way to learn who asks.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use axum::http::{HeaderMap, Method};
use domain::facts::{Scope, Service};
use domain::who::Caller;
use service::provision::Provisioner;
use service::verify::Asker;
use service::{Desk, Visitor};

use super::House;
use crate::credentials::bearer;
use crate::github::Signed;
use crate::problem::Problem;

/// Who may call a route, as it is declared, tested and documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Anyone,
    /// A service with this scope, or an operator at work.
    Service(Scope),
    /// A member or service account, through a session or a token of theirs; or a member for whom a
    /// service acts, which names them in the header `Jeton-Actor`.
    Holder,
    /// A holder, or a service with this scope.
    HolderOr(Scope),
    /// A service that acts for a member, whom it names in the header `Jeton-Actor`, where no path names
    /// the account.
    Acting,
    /// A holder who runs the server.
    Operator,
    /// Whoever is signed in to the console, by its cookie.
    Session,
    /// GitHub's secret scanner, by its signature of the body.
    GitHub,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Anyone => f.write_str("anyone"),
            Who::Service(scope) => write!(f, "service:{}, operator", scope.as_str()),
            Who::Holder => f.write_str("holder"),
            Who::HolderOr(scope) => write!(f, "holder, service:{}", scope.as_str()),
            Who::Acting => write!(f, "service:{}", Scope::ActAs.as_str()),
            Who::Operator => f.write_str("operator"),
            Who::Session => f.write_str("session"),
            Who::GitHub => f.write_str("github"),
        }
    }
}

/// A way in. What a holder may do beyond being one is for the use case to say.
pub(crate) trait Door: Sized + Send {
    const WHO: Who;

    fn open(desk: &Desk, knock: Knock<'_>) -> impl Future<Output = Result<Self, Problem>> + Send;
}

/// What somebody shows who wants in.
#[derive(Clone, Copy)]
pub(crate) struct Knock<'r> {
    pub(crate) method: &'r Method,
    pub(crate) headers: &'r HeaderMap,
    pub(crate) house: &'r House,
    /// The account that the path names, not read yet.
    pub(crate) account: Option<&'r str>,
    /// Where they are, for the list of where a token was used.
    pub(crate) from: Option<IpAddr>,
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

/// Whoever says that GitHub signed the body, with a key that is one of GitHub's. Whether that is so is known
/// once the body is there.
pub(crate) struct GitHub(pub(crate) Signed);

/// Who reads of accounts: their holders, and who provisions them.
pub(crate) struct Reader(pub(crate) Visitor);

/// Who keeps accounts and members in step with the product's: a service, or an operator.
pub(crate) struct Provisioning(pub(crate) Provisioner);

/// A service, and for whom it acts. Which account that is in, the body says.
pub(crate) struct Acting {
    pub(crate) service: Arc<Service>,
    pub(crate) actor: String,
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

    async fn open(_: &Desk, _: Knock<'_>) -> Result<Anyone, Problem> {
        Ok(Anyone)
    }
}

impl Door for GitHub {
    const WHO: Who = Who::GitHub;

    async fn open(_: &Desk, knock: Knock<'_>) -> Result<GitHub, Problem> {
        Signed::by(knock.headers, &knock.house.github).map(GitHub).ok_or_else(Problem::unauthenticated)
    }
}

impl Door for Holder {
    const WHO: Who = Who::Holder;

    async fn open(desk: &Desk, knock: Knock<'_>) -> Result<Holder, Problem> {
        Ok(Holder(visitor(desk, knock).await?.holder()?))
    }
}

impl Door for Operator {
    const WHO: Who = Who::Operator;

    async fn open(desk: &Desk, knock: Knock<'_>) -> Result<Operator, Problem> {
        let Holder(caller) = Holder::open(desk, knock).await?;
        desk.operator(&caller).await?;
        Ok(Operator(caller))
    }
}

impl Door for Reader {
    const WHO: Who = Who::HolderOr(Scope::Provision);

    async fn open(desk: &Desk, knock: Knock<'_>) -> Result<Reader, Problem> {
        let visitor = visitor(desk, knock).await?;
        if let Visitor::Service(service) = &visitor {
            service::scope(service, Scope::Provision).map_err(service::Error::from)?;
        }
        Ok(Reader(visitor))
    }
}

impl Door for Provisioning {
    const WHO: Who = Who::Service(Scope::Provision);

    async fn open(desk: &Desk, knock: Knock<'_>) -> Result<Provisioning, Problem> {
        let visitor = visitor(desk, knock).await?;
        Ok(Provisioning(desk.provisioner(visitor).await?))
    }
}

impl Door for Acting {
    const WHO: Who = Who::Acting;

    async fn open(desk: &Desk, knock: Knock<'_>) -> Result<Acting, Problem> {
        let bearer = bearer(knock.headers)?.ok_or_else(Problem::unauthenticated)?;
        let Visitor::Service(service) = desk.visitor_from(bearer.as_bytes(), knock.from).await? else {
            return Err(Problem::forbidden(
                "This is for services that act for a member; whoever has a session opens the console with it.",
            ));
        };
        service::scope(&service, Scope::ActAs).map_err(service::Error::from)?;
        let Some(actor) = actor(knock.headers)? else {
            return Err(Problem::bad_request("Name the member as `Jeton-Actor`."));
        };
        Ok(Acting { service, actor: actor.to_owned() })
    }
}

impl Door for Asking {
    const WHO: Who = Who::Service(Scope::Verify);

    async fn open(desk: &Desk, knock: Knock<'_>) -> Result<Asking, Problem> {
        match visitor(desk, knock).await? {
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

/// Who asks. A service that names an actor is that member, at whichever door.
async fn visitor(desk: &Desk, knock: Knock<'_>) -> Result<Visitor, Problem> {
    let bearer = bearer(knock.headers)?.ok_or_else(Problem::unauthenticated)?;
    let visitor = desk.visitor_from(bearer.as_bytes(), knock.from).await?;
    let Some(actor) = actor(knock.headers)? else { return Ok(visitor) };
    let Visitor::Service(service) = visitor else {
        return Err(Problem::forbidden(
            "`Jeton-Actor` is for services that act for a member; leave it out beside a token of your own.",
        ));
    };
    service::scope(&service, Scope::ActAs).map_err(service::Error::from)?;
    let Some(account) = knock.account else {
        return Err(Problem::bad_request(
            "`Jeton-Actor` names a member of the account in the path, and this path has none; leave it out.",
        ));
    };
    let account = account.parse().map_err(|_| Problem::not_found())?;
    Ok(Visitor::Holder(Box::new(desk.act_as(&service, &account, actor).await?)))
}

/// Whom the header names, if it is there. Names in other letters than ASCII come as UTF-8; what is
/// none names nobody.
fn actor(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut actors = headers.get_all(ACTOR).iter();
    let actor = actors.next();
    if actors.next().is_some() {
        return Err(Problem::bad_request("Send one `Jeton-Actor` header."));
    }
    Ok(actor.map(|actor| std::str::from_utf8(actor.as_bytes()).unwrap_or_default()))
}

/// By which a service says for whom it acts.
const ACTOR: &str = "jeton-actor";
