//! Inviting somebody to an account: a link to copy, shown once; and what they meet who open it. Only when
//! it is accepted does an address become somebody's login.

use askama::Template;
use axum::http::header::USER_AGENT;
use axum::http::{HeaderMap, StatusCode, Uri};
use domain::bindings::may_give;
use domain::facts::{Binding, Holder, Role};
use domain::ids::{HolderId, MemberId};
use domain::members::Join;
use domain::node::NodePath;
use domain::permission::MEMBERS_CREATE;
use domain::refusal::Refusal;
use domain::who::Caller;
use service::links::{self, Fresh, Invitation, Invited};
use service::{Error, Password};

use super::fields::Fields;
use super::frame::{Bare, Frame, Section, told};
use super::handoff::{Shut, shut};
use super::look::Look;
use super::reauth;
use super::reply::Reply;
use super::session::{self, Guest, Signed};
use super::sign_in;
use super::tokens::{Once, Wrong, again, nonce};
use super::tongue::Tongue;
use crate::api::House;
use crate::api::call::{Account, Call, NoQuery, One, Within};
use crate::api::table::Table;
use crate::problem::Problem;

/// An account's id has no underscore, so no account is in the way.
const INVITATION: &str = "/_invitation/";

pub(crate) fn routes(table: &mut Table) {
    const NEW: &str = "/console/{account}/members/invite";
    const AGAIN: &str = "/console/{account}/members/{id}/invite";
    const OPEN: &str = "/console/_invitation/{secret}";
    table.page(NEW, show);
    table.form(NEW, invite);
    table.page(AGAIN, ask);
    table.form(AGAIN, invite_again);
    table.page(OPEN, open);
    table.form(OPEN, accept);
}

/// The path of an invitation, from the outside.
pub(crate) fn path(look: &Look, secret: &str) -> String {
    format!("{}{INVITATION}{secret}", look.base)
}

#[derive(Template)]
#[template(path = "door/invite.html")]
struct Page<'a> {
    frame: Frame<'a>,
    fields: &'a Fields,
    /// Those that the caller may give.
    roles: Vec<&'a str>,
    wrong: Option<Wrong>,
}

impl Page<'_> {
    fn wrong(&self, field: &str) -> Option<&str> {
        const FIELDS: [&str; 3] = ["name", "email", "role"];
        // What is about no field of this form is said above it.
        let is_here = |wrong: &&Wrong| {
            wrong.is_of(field) || (field.is_empty() && !FIELDS.iter().any(|name| wrong.is_of(name)))
        };
        self.wrong.as_ref().filter(is_here).map(|wrong| wrong.text.as_str())
    }
}

/// Whether to invite somebody who is there.
#[derive(Template)]
#[template(path = "door/invite_again.html")]
struct Ask<'a> {
    frame: Frame<'a>,
    id: MemberId,
    name: &'a str,
    email: &'a str,
}

/// The link, once.
#[derive(Template)]
#[template(path = "door/invited.html")]
struct Made<'a> {
    frame: Frame<'a>,
    name: &'a str,
    /// None where the form was sent before.
    link: Option<String>,
    until: String,
    /// They are mailed one of their own too.
    mails: bool,
    done: String,
}

/// What somebody meets who was invited.
#[derive(Template)]
#[template(path = "door/invitation.html")]
struct Opened<'a> {
    frame: Bare<'a>,
    account: &'a str,
    email: &'a str,
    how: How<'a>,
    wrong: Option<String>,
    /// The way to signing in, and back here.
    sign_in: String,
}

/// How somebody accepts.
enum How<'a> {
    /// Somebody new here chooses a password.
    New,
    /// Somebody who is signed in elsewhere, by this name there.
    SignedIn(&'a str),
    /// Somebody who has a login, and shall use it first.
    Known,
}

impl Opened<'_> {
    fn title(&self) -> String {
        self.frame.tongue.say_of("invitation-title", &[("account", self.account.into())]).into_owned()
    }

    fn sentence(&self) -> String {
        let (name, about) = match self.how {
            How::New => ("invitation-new", self.email),
            How::SignedIn(name) => ("invitation-signed-in", name),
            How::Known => ("invitation-known", self.email),
        };
        self.frame.tongue.say_of(name, &[("who", about.into())]).into_owned()
    }
}

async fn show(call: Call<Signed, Account>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let mut fields = Fields::default();
    fields.put("form", nonce(&house.desk, caller.now));
    page(house, tongue, caller, &fields, None).await
}

async fn page(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    fields: &Fields,
    wrong: Option<Wrong>,
) -> Result<Reply, Problem> {
    let gives = |role: &Role| {
        let bound = Binding { role: role.id, node: NodePath::root() };
        may_give(caller, MEMBERS_CREATE, &[bound]).is_ok()
    };
    let roles: Vec<&str> =
        caller.account.roles.iter().filter(|role| gives(role)).map(|role| role.name.as_str()).collect();
    if roles.is_empty() {
        return Err(Error::from(Refusal::forbidden(tongue.say("invite-closed"))).into());
    }
    let frame = Frame::of(house, tongue, caller, Section::Members).await?;
    Reply::page(&house.look, &Page { frame, fields, roles, wrong })
}

async fn invite(mut call: Call<Signed, Account, NoQuery, Fields>) -> Result<Reply, Problem> {
    let mut fields = std::mem::take(&mut call.body);
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let refused = async |fields: &Fields, wrong: Wrong| {
        let page = page(house, tongue, caller, fields, Some(wrong)).await?;
        Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY))
    };
    let Some(sent) = Once::read(&house.desk, caller, "members/invite", fields.text("form")) else {
        return refused(&fields, Wrong::new("", tongue.say("form-old"))).await;
    };
    let address = session::address(&house.look, &call.parts.headers, &call.parts.uri);
    let address = match address {
        Ok(address) => address,
        Err(unsafe_one) => return refused(&fields, Wrong::new("", unsafe_one.detail())).await,
    };
    let order = Join {
        name: fields.text("name").to_owned(),
        email: Some(fields.text("email").to_owned()),
        role: fields.given("role"),
        ..Join::default()
    };
    let account = &caller.account.id;
    let invited = async {
        let who = reauth::shown(house, caller, &mut fields).await?;
        house.desk.invite_new(who, account, order, Some(&sent.replay)).await
    };
    match invited.await {
        Ok(Invited::Now(holder, fresh)) => {
            made(house, tongue, caller, &holder, Some((&address, &fresh))).await
        }
        Ok(Invited::Before(id)) => {
            let holder = holder(&call, id).await?;
            made(house, tongue, caller, &holder, None).await
        }
        Err(error) if reauth::is_needed(&error) => {
            reauth::ask(house, tongue, caller, (Section::Members, "members/invite"), fields, error).await
        }
        Err(error) => refused(&fields, again(tongue, error)?).await,
    }
}

async fn ask(call: Call<Signed, Within<MemberId>>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let holder = holder(&call, call.at.1).await?;
    let frame = Frame::of(house, tongue, caller, Section::Members).await?;
    let email = holder.email.as_deref().unwrap_or_default();
    Reply::page(&house.look, &Ask { frame, id: call.at.1, name: &holder.name, email })
}

async fn invite_again(mut call: Call<Signed, Within<MemberId>, NoQuery, Fields>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let address = session::address(&house.look, &call.parts.headers, &call.parts.uri)?;
    let Within(account, id) = &call.at;
    let invited = async {
        let who = reauth::shown(house, caller, &mut call.body).await?;
        house.desk.invite(who, account, *id).await
    };
    match invited.await {
        Ok(fresh) => {
            let holder = holder(&call, *id).await?;
            made(house, tongue, caller, &holder, Some((&address, &fresh))).await
        }
        Err(error) if reauth::is_needed(&error) => {
            let place = (Section::Members, &*format!("members/{id}/invite"));
            reauth::ask(house, tongue, caller, place, call.body, error).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn holder<P, B>(call: &Call<Signed, P, NoQuery, B>, id: MemberId) -> Result<Holder, Problem> {
    let Signed(caller) = &call.who;
    let visitor = service::Visitor::Holder(Box::new(caller.clone()));
    let (_, holder) = call.house.desk.holder(&visitor, &caller.account.id, HolderId::Member(id)).await?;
    Ok(holder)
}

async fn made(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    holder: &Holder,
    link: Option<(&str, &Fresh)>,
) -> Result<Reply, Problem> {
    let frame = Frame::of(house, tongue, caller, Section::Members).await?;
    let page = Made {
        name: &holder.name,
        until: link.map(|(_, fresh)| frame.moment(&fresh.until)).unwrap_or_default(),
        link: link.map(|(address, fresh)| format!("{address}{}", path(&house.look, fresh.expose()))),
        mails: house.desk.mails(),
        done: told(&frame.path("members"), "invited"),
        frame,
    };
    Reply::page(&house.look, &page)
}

async fn open(call: Call<Guest, One<String>>) -> Result<Reply, Problem> {
    if !session::is_safe(&call.house.look, &call.parts.headers, &call.parts.uri) {
        return shut(&call, "door-unsafe", StatusCode::FORBIDDEN);
    }
    opened(&call.house, &call.parts.headers, &call.at.0, None).await
}

async fn accept(mut call: Call<Guest, One<String>, NoQuery, Fields>) -> Result<Reply, Problem> {
    let typed = call.body.take("password");
    let (house, headers) = (&*call.house, &call.parts.headers);
    let uri: &Uri = &call.parts.uri;
    if !session::is_safe(&house.look, headers, uri) {
        return shut(&call, "door-unsafe", StatusCode::FORBIDDEN);
    }
    let Some(invitation) = house.desk.invitation(&call.at.0).await? else {
        return shut(&call, "invitation-dead", StatusCode::NOT_FOUND);
    };
    let guest = match invitation.known {
        None => links::Guest::New(Password::new(typed)),
        Some(person) => match session::of_person(&house.desk, headers, &house.look, person).await {
            Some(caller) => links::Guest::SignedIn(Box::new(caller)),
            None => return opened(house, headers, &call.at.0, None).await,
        },
    };
    let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    match house.desk.accept(&call.at.0, guest, agent).await {
        Ok(started) => {
            let account = &started.account.id;
            let reply = Reply::to(&house.look, &told(&format!("/{account}/tokens"), "joined"));
            Ok(reply.cookie(session::begin(&house.look, account, &started.text)))
        }
        Err(Error::Unauthenticated) => shut(&call, "invitation-dead", StatusCode::NOT_FOUND),
        Err(error) => {
            let wrong = again(Tongue::of(&house.look, headers), error)?;
            opened(house, headers, &call.at.0, Some(wrong.text)).await
        }
    }
}

/// The page of an invitation as it stands; with what is wrong, if somebody tried to accept it.
async fn opened(
    house: &House,
    headers: &HeaderMap,
    secret: &str,
    wrong: Option<String>,
) -> Result<Reply, Problem> {
    let look = &house.look;
    let frame = Bare::of(house, Tongue::of(look, headers));
    let Some(invitation) = house.desk.invitation(secret).await? else {
        let page = Shut { frame, why: "invitation-dead" };
        return Ok(Reply::page(look, &page)?.with_status(StatusCode::NOT_FOUND));
    };
    let Invitation { account, holder, known } = &invitation;
    let signed_in = match known {
        Some(person) => session::of_person(&house.desk, headers, look, *person).await,
        None => None,
    };
    let how = match (&signed_in, known) {
        (Some(caller), _) => How::SignedIn(&caller.holder.name),
        (None, Some(_)) => How::Known,
        (None, None) => How::New,
    };
    let refused = wrong.is_some();
    let page = Opened {
        frame,
        account: &account.name,
        email: holder.email.as_deref().unwrap_or_default(),
        how,
        wrong,
        sign_in: format!("{}{}", look.base, sign_in::link(&format!("{INVITATION}{secret}"))),
    };
    let reply = Reply::page(look, &page)?;
    Ok(if refused { reply.with_status(StatusCode::UNPROCESSABLE_ENTITY) } else { reply })
}
