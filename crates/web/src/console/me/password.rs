//! Another password, and with it, unless one says otherwise, the end of all that was made under the old
//! one.

use askama::Template;
use axum::http::StatusCode;
use domain::who::Caller;
use service::Password;

use crate::api::House;
use crate::api::call::{Account, Call, NoQuery};
use crate::console::fields::Fields;
use crate::console::frame::{Frame, Section};
use crate::console::reauth::{self, Reauth};
use crate::console::reply::Reply;
use crate::console::session::Signed;
use crate::console::tokens::form::{self, Wrong};
use crate::console::tongue::Tongue;
use crate::problem::Problem;

#[derive(Template)]
#[template(path = "me/password.html")]
struct Page<'a> {
    frame: Frame<'a>,
    reauth: Reauth,
    /// Whose password it is, for the browser that keeps it.
    email: &'a str,
    /// All tokens and sessions end with it.
    everything: bool,
    wrong: Option<Wrong>,
}

impl Page<'_> {
    fn wrong(&self, field: &str) -> Option<&str> {
        let wrong = self.wrong.as_ref()?;
        let beside = wrong.is_of("new_password") || (reauth::is_about(wrong) && !self.reauth.impossible);
        let here = if field.is_empty() { !beside } else { wrong.is_of(field) };
        here.then_some(wrong.text.as_str())
    }
}

async fn page(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    everything: bool,
    wrong: Option<Wrong>,
) -> Result<Reply, Problem> {
    let page = Page {
        frame: Frame::of(house, tongue, caller, Section::Me).await?,
        reauth: Reauth::always(house, caller).await?.called("me-present-password").but(wrong.as_ref()),
        email: caller.holder.email.as_deref().unwrap_or_default(),
        everything,
        wrong,
    };
    Reply::page(&house.look, &page)
}

pub(super) async fn show(call: Call<Signed, Account>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    page(house, tongue, caller, true, None).await
}

pub(super) async fn change(mut call: Call<Signed, Account, NoQuery, Fields>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let mut fields = std::mem::take(&mut call.body);
    let proof = reauth::proof(&mut fields);
    let new = Password::new(fields.take("new_password"));
    let renewing = super::renewing(&fields, &call.parts.headers);
    let everything = renewing.everything;
    match house.desk.change_password(caller.clone(), proof, new, renewing).await {
        Ok(started) => {
            let done = if everything { "password-everything" } else { "password" };
            let reply = Reply::to(&house.look, &super::path(&caller.account.id, done));
            Ok(reply.cookie(super::begin(house, &started)))
        }
        Err(error) => {
            let wrong = form::again(tongue, error)?;
            let page = page(house, tongue, caller, everything, Some(wrong)).await?;
            Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY))
        }
    }
}
