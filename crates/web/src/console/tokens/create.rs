//! Making a token: the form with the policy's fields, and what became of it.

use std::borrow::Cow;

use askama::Template;
use axum::http::StatusCode;
use domain::lifecycle::may_create;
use domain::refusal::Refusal;
use domain::time::Timestamp;
use domain::who::Caller;
use service::{Desk, Error, Replay};
use token::TokenId;

use super::form::{self, Form, Wrong};
use super::once;
use crate::api::House;
use crate::api::call::{Account, Call, NoQuery};
use crate::console::fields::Fields;
use crate::console::frame::{Frame, Section};
use crate::console::reauth::{self, Reauth};
use crate::console::reply::Reply;
use crate::console::session::Signed;
use crate::console::tongue::Tongue;
use crate::problem::Problem;

#[derive(Template)]
#[template(path = "tokens/new.html")]
struct Page<'a> {
    frame: Frame<'a>,
    form: Form<'a>,
    /// Drawn for this form, so that it makes one token and no second.
    nonce: String,
    limit: String,
    permission: String,
    life: Option<String>,
    longest: Option<String>,
}

pub(super) async fn show(call: Call<Signed, Account>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    if !may_create(caller) {
        return Err(Error::from(Refusal::forbidden(tongue.say("create-closed"))).into());
    }
    let form = Form::new(house, tongue, caller, form::usual(caller)).await?;
    page(house, tongue, caller, form).await
}

async fn page(house: &House, tongue: Tongue, caller: &Caller, form: Form<'_>) -> Result<Reply, Problem> {
    let policy = &caller.account.policy;
    let frame = Frame::of(house, tongue, caller, Section::Tokens).await?;
    let limit = policy.limit.as_ref().map(|limit| limit.max.to_string());
    let limit = match (&limit, frame.word("limit_sentence")) {
        (Some(max), sentence) => sentence.replace("{max}", max),
        (None, sentence) if sentence.contains("{max}") => String::new(),
        (None, sentence) => sentence.into_owned(),
    };
    let role = policy.permission.fixed.as_deref().unwrap_or_default();
    let permission = frame.word("permission_sentence").replace("{role}", role);
    let span = |period| super::period_words(tongue, period);
    let life = form.fixed_life().map(|fixed| {
        let day = frame.day(&caller.now.plus(fixed));
        tongue.say_of("life-fixed", &[("day", day.as_str().into()), ("period", (&*span(fixed)).into())])
    });
    let longest = form.longest().map(|longest| frame.say_of("life-longest", "period", &*span(longest)));
    let page = Page {
        life: life.map(Cow::into_owned),
        longest: longest.map(Cow::into_owned),
        nonce: nonce(&house.desk, caller.now),
        limit,
        permission,
        form,
        frame,
    };
    Reply::page(&house.look, &page)
}

pub(super) async fn create(mut call: Call<Signed, Account, NoQuery, Fields>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let mut fields = std::mem::take(&mut call.body);
    let proof = reauth::proof(&mut fields);
    let sent = Once::read(&house.desk, caller, "tokens/new", fields.text("form"));
    let form = Form::new(house, tongue, caller, fields).await?;
    let refused = async |mut form: Form<'_>, wrong: Wrong| {
        if reauth::is_about(&wrong) {
            // What was typed was wrong, though it need not have been typed.
            form.reauth = Reauth::always(house, caller).await?;
        }
        let page = page(house, tongue, caller, form.but(wrong)).await?;
        Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY))
    };
    let Some(sent) = sent else {
        return refused(form, Wrong::new("", tongue.say("form-old"))).await;
    };
    if let Some(id) = sent.made(&house.desk).await? {
        return once::made_before(house, tongue, caller, id).await;
    }
    let order = match form.order(tongue) {
        Ok(order) => order,
        Err(wrong) => return refused(form, wrong).await,
    };
    let account = &caller.account.id;
    match house.desk.create_token(caller.clone(), account, order, proof, Some(sent.replay)).await {
        Ok(issued) => once::page(house, tongue, caller, &call.parts.headers, issued).await,
        Err(error) => {
            // The same form, sent twice at once.
            if let Some(sent) = Once::read(&house.desk, caller, "tokens/new", form.typed("form"))
                && let Some(id) = sent.made(&house.desk).await?
            {
                return once::made_before(house, tongue, caller, id).await;
            }
            let wrong = form::again(tongue, error)?;
            refused(form, wrong).await
        }
    }
}

/// A form that makes something once.
pub(in crate::console) struct Once {
    pub(in crate::console) replay: Replay,
}

impl Once {
    /// None: the form is older than a day, or none of ours.
    pub(in crate::console) fn read(desk: &Desk, caller: &Caller, route: &str, nonce: &str) -> Option<Once> {
        const DAY: i64 = domain::time::DAY;
        let written = i64::from_str_radix(nonce.split_once('-')?.0, 16).ok()?;
        let age = caller.now.as_micros().checked_sub(written)?;
        if !(-DAY..DAY).contains(&age) {
            return None;
        }
        desk.once(caller, route, nonce).ok().map(|replay| Once { replay })
    }

    /// What it made already.
    pub(super) async fn made(&self, desk: &Desk) -> Result<Option<TokenId>, Problem> {
        Ok(desk.made_by(&self.replay).await?)
    }
}

/// When the form was written, and chance.
pub(in crate::console) fn nonce(desk: &Desk, now: Timestamp) -> String {
    let mut bytes = [0; 16];
    desk.entropy().fill(&mut bytes);
    format!("{:x}-{}", now.as_micros(), crate::map::hex(&bytes))
}
