//! Showing once more who one is: what a form asks for, and what was typed.
//!
//! A page keeps a [`Reauth`] by the name `reauth` and includes `reauth.html` in its form, which shows
//! nothing while the session is younger than five minutes. What was sent is either read by [`proof`] and
//! given to a use case that takes it, or goes through [`proved`], whose caller any use case takes for
//! fresh.
//!
//! Where a form does not ask by itself, [`shown`] reads what was typed, and [`ask`] answers for what was
//! refused without it: a page of its own, which holds all that the form had and sends it once more.

use askama::Template;
use axum::http::StatusCode;
use domain::refusal::Code;
use domain::who::Caller;
use service::{Error, OneTimeCode, Password, Proof};

use super::fields::Fields;
use super::frame::{Frame, Section};
use super::reply::Reply;
use super::tokens::form::{self, Wrong};
use super::tongue::Tongue;
use crate::api::House;
use crate::problem::Problem;

/// What a form asks for besides what it is about.
#[derive(Default)]
pub(crate) struct Reauth {
    /// It asks at all.
    pub(crate) asks: bool,
    /// A one-time code besides the password: this person uses them.
    pub(crate) code: bool,
    /// There is no password that could be asked for: they came by a link of the product's.
    pub(crate) impossible: bool,
    /// What the password's field is called, where not as usual.
    label: Option<&'static str>,
    wrong: Option<Wrong>,
    /// The page is about nothing else: typing begins here.
    pub(crate) first: bool,
}

/// The fields of `reauth.html`.
const FIELDS: [&str; 2] = ["password", "one_time_code"];

impl Reauth {
    /// For a form that wants a young session, or wants one if `wanted`.
    pub(crate) async fn of(house: &House, caller: &Caller, wanted: bool) -> Result<Reauth, Problem> {
        if wanted && caller.needs_fresh().is_err() {
            Reauth::always(house, caller).await
        } else {
            Ok(Reauth::default())
        }
    }

    /// For a form that asks however young the session is: the person changes what signs them in.
    pub(crate) async fn always(house: &House, caller: &Caller) -> Result<Reauth, Problem> {
        let person = house.desk.person_behind(caller).await?;
        let impossible = person.as_ref().is_none_or(|person| person.password.is_none());
        let code = person.is_some_and(|person| person.second_factor.is_some());
        let code = code && !impossible;
        Ok(Reauth { asks: true, code, impossible, label: None, wrong: None, first: false })
    }

    /// The same with what was wrong, where that is about these fields.
    pub(crate) fn but(mut self, wrong: Option<&Wrong>) -> Reauth {
        self.wrong = wrong.filter(|wrong| is_about(wrong)).cloned();
        self
    }

    /// The same where the password's field is called otherwise.
    pub(crate) fn called(self, label: &'static str) -> Reauth {
        Reauth { label: Some(label), ..self }
    }

    /// The name of the sentence beside the password's field.
    pub(crate) fn label(&self) -> &'static str {
        self.label.unwrap_or("password-again")
    }

    pub(crate) fn wrong(&self, field: &str) -> Option<&str> {
        self.wrong.as_ref().filter(|wrong| wrong.is_of(field)).map(|wrong| wrong.text.as_str())
    }
}

/// Whether it stands beside a field of `reauth.html`, which then has to be asked for.
pub(crate) fn is_about(wrong: &Wrong) -> bool {
    FIELDS.iter().any(|field| wrong.is_of(field))
}

/// Takes what was typed out of the form, so that no page shows it again.
pub(crate) fn proof(fields: &mut Fields) -> Proof {
    let mut taken = |name| Some(fields.take(name)).filter(|text| !text.trim().is_empty());
    Proof {
        password: taken("password").map(Password::new),
        code: taken("one_time_code").map(OneTimeCode::new),
    }
}

/// The caller as somebody whose session is young, by its age or by what was typed; or what is wrong.
pub(crate) async fn proved(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    fields: &mut Fields,
) -> Result<Result<Caller, Wrong>, Problem> {
    let proven = match house.desk.reauthenticate(caller.clone(), proof(fields)).await {
        Ok(proven) => proven,
        Err(error) => return form::again(tongue, error).map(Err),
    };
    Ok(match proven.needs_fresh() {
        Ok(()) => Ok(proven),
        Err(refusal) => Err(Wrong::of(tongue, &refusal)),
    })
}

/// The caller as what was typed makes them; whoever typed nothing stays as they came.
pub(crate) async fn shown(house: &House, caller: &Caller, fields: &mut Fields) -> Result<Caller, Error> {
    house.desk.reauthenticate(caller.clone(), proof(fields)).await
}

/// Whether somebody has to show who they are for it.
pub(crate) fn is_needed(error: &Error) -> bool {
    matches!(error, Error::Refused(refusal) if refusal.code == Code::ReauthenticationRequired)
}

/// A form that waits for its sender to show who they are.
#[derive(Template)]
#[template(path = "again.html")]
struct Again<'a> {
    frame: Frame<'a>,
    reauth: Reauth,
    /// Where the form is sent, and where one goes without sending it.
    path: String,
    fields: &'a Fields,
    /// No page holds a password, so this one is typed again as well.
    first_password: bool,
}

/// The page for what was refused because somebody has to show who they are. `place` is the form's path,
/// below the account's.
pub(crate) async fn ask(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    (section, place): (Section, &str),
    mut fields: Fields,
    error: Error,
) -> Result<Reply, Problem> {
    // Nothing typed is nothing wrong: the page's first sentence asks already.
    let typed = matches!(&error, Error::Refused(refusal) if refusal.field.is_some());
    let wrong = Some(form::again(tongue, error)?).filter(|_| typed);
    let first_password = !fields.take(FIRST_PASSWORD).is_empty();
    let frame = Frame::of(house, tongue, caller, section).await?;
    let reauth = Reauth::always(house, caller).await?.but(wrong.as_ref());
    let reauth = Reauth { first: wrong.is_none(), ..reauth };
    let page = Again { path: frame.path(place), frame, reauth, fields: &fields, first_password };
    Ok(Reply::page(&house.look, &page)?.with_status(StatusCode::UNPROCESSABLE_ENTITY))
}

/// The field for the password of somebody new, which is not the one of whoever adds them.
pub(crate) const FIRST_PASSWORD: &str = "first_password";
