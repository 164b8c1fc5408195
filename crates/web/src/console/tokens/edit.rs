//! Editing a token: the same fields as a new one's, with what it is.

use askama::Template;
use axum::http::StatusCode;
use domain::facts::Token;
use domain::who::Caller;
use service::tokens::Offered;
use token::TokenId;

use super::act::{self, Act};
use super::form::{self, Form, Wrong};
use crate::api::House;
use crate::api::call::{Call, NoQuery, Within};
use crate::console::fields::Fields;
use crate::console::frame::{Frame, Section};
use crate::console::reply::Reply;
use crate::console::session::Signed;
use crate::console::tongue::Tongue;
use crate::problem::Problem;

#[derive(Template)]
#[template(path = "tokens/edit.html")]
struct Page<'a> {
    frame: Frame<'a>,
    form: Form<'a>,
    id: String,
    name: String,
    /// Of the row that the form was written from: somebody else's edit is not overwritten.
    version: String,
    longest: Option<String>,
    /// The same template says these of a new token.
    permission: String,
    life: Option<String>,
}

pub(super) async fn show(call: Call<Signed, Within<TokenId>>) -> Result<Reply, Problem> {
    let (house, Signed(caller), id) = (&*call.house, &call.who, call.at.1);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let offered = house.desk.offered_token(caller, &caller.account.id, id).await?;
    if !offered.actions.edit {
        return Err(act::closed(tongue, caller, Act::Edit));
    }
    let token = &offered.shown.token;
    let form = Form::editing(caller, as_it_is(token));
    page(house, tongue, caller, form, token).await
}

/// What the token is now.
fn as_it_is(token: &Token) -> Fields {
    let mut fields = Fields::default();
    fields.put("name", token.name.as_str());
    fields.put("description", token.description.as_deref().unwrap_or_default());
    fields.put("metadata", token.metadata.as_deref().filter(|text| *text != "{}").unwrap_or_default());
    fields.put("access", "read");
    if let Some(end) = token.life.expires_at {
        fields.put("date", end.to_string().split('T').next().unwrap_or_default());
    }
    fields.put("version", token.version.to_string());
    form::put_period(&mut fields, None);
    fields
}

async fn page(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    form: Form<'_>,
    token: &Token,
) -> Result<Reply, Problem> {
    let frame = Frame::of(house, tongue, caller, Section::Tokens).await?;
    let longest = form.longest().map(|longest| {
        frame.say_of("life-longest", "period", &*super::period_words(tongue, longest)).into_owned()
    });
    let page = Page {
        id: token.id.to_string(),
        name: token.name.clone(),
        version: form.typed("version").to_owned(),
        permission: tongue.say("edit-permission").into_owned(),
        life: None,
        longest,
        form,
        frame,
    };
    Reply::page(&house.look, &page)
}

pub(super) async fn edit(mut call: Call<Signed, Within<TokenId>, NoQuery, Fields>) -> Result<Reply, Problem> {
    let (house, Signed(caller), id) = (&*call.house, &call.who, call.at.1);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let account = &caller.account.id;
    let Offered { shown, .. } = house.desk.offered_token(caller, account, id).await?;
    let form = Form::editing(caller, std::mem::take(&mut call.body));
    let version = form.typed("version").parse().ok();
    let wrong = match form.edit(tongue) {
        Err(wrong) => wrong,
        Ok(edit) => match house.desk.edit_token(caller.clone(), account, id, version, edit).await {
            Ok(_) => return Ok(Reply::to(&house.look, &act::path(caller, id, "edited"))),
            Err(service::Error::Conflict) => Wrong::new("", tongue.say("edit-conflict")),
            Err(error) => form::again(tongue, error)?,
        },
    };
    let page = page(house, tongue, caller, form.but(wrong), &shown.token).await?;
    Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY))
}
