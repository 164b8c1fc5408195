//! One-time codes: putting the secret into an app, the first code, the recovery codes, and switching off.

use askama::Template;
use axum::http::StatusCode;
use domain::refusal::Refusal;
use domain::who::Caller;
use qrcodegen::{QrCode, QrCodeEcc};
use service::{Error, Offer, OneTimeCode, Password};

use crate::api::House;
use crate::api::call::{Account, Call, NoQuery};
use crate::console::fields::Fields;
use crate::console::frame::{Frame, Section};
use crate::console::reauth::{self, Reauth};
use crate::console::reply::Reply;
use crate::console::session::Signed;
use crate::console::sign_in::encoded;
use crate::console::tokens::form::{self, Wrong};
use crate::console::tongue::Tongue;
use crate::problem::Problem;

/// The secret, and the first code made with it.
#[derive(Template)]
#[template(path = "me/enrol.html")]
struct EnrolPage<'a> {
    frame: Frame<'a>,
    reauth: Reauth,
    ticket: &'a str,
    /// In fours, for whoever types it.
    secret: String,
    /// Squares of a side.
    size: i32,
    /// The dark ones, as the path of an SVG.
    squares: String,
    /// All tokens and other sessions end with it.
    everything: bool,
    wrong: Option<Wrong>,
}

impl EnrolPage<'_> {
    fn wrong(&self, field: &str) -> Option<&str> {
        let wrong = self.wrong.as_ref()?;
        let here = if field.is_empty() { !reauth::is_about(wrong) } else { wrong.is_of(field) };
        here.then_some(wrong.text.as_str())
    }
}

/// The recovery codes, which nobody sees again.
#[derive(Template)]
#[template(path = "me/recovery.html")]
struct RecoveryPage<'a> {
    frame: Frame<'a>,
    codes: Vec<&'a str>,
}

#[derive(Template)]
#[template(path = "me/off.html")]
struct OffPage<'a> {
    frame: Frame<'a>,
    reauth: Reauth,
    everything: bool,
    wrong: Option<Wrong>,
}

impl OffPage<'_> {
    fn wrong(&self) -> Option<&str> {
        self.wrong.as_ref().filter(|wrong| !reauth::is_about(wrong)).map(|wrong| wrong.text.as_str())
    }
}

pub(super) async fn show(call: Call<Signed, Account>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    if uses_codes(house, caller).await? {
        return Err(Error::from(Refusal::wrong_state(tongue.say("codes-on-already"))).into());
    }
    let offer = house.desk.offer_second_factor(caller)?;
    page(house, tongue, caller, offer, false, None).await
}

async fn uses_codes(house: &House, caller: &Caller) -> Result<bool, Problem> {
    let person = house.desk.person_behind(caller).await?;
    Ok(person.is_some_and(|person| person.second_factor.is_some()))
}

async fn page(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    offer: Offer,
    everything: bool,
    wrong: Option<Wrong>,
) -> Result<Reply, Problem> {
    let address = address(
        &house.look.name,
        caller.holder.email.as_deref().unwrap_or(&caller.holder.name),
        &offer.secret,
    );
    let code = QrCode::encode_text(&address, QrCodeEcc::Medium).map_err(|_| Problem::internal())?;
    let fours: Vec<&str> =
        offer.secret.as_bytes().chunks(4).filter_map(|four| std::str::from_utf8(four).ok()).collect();
    let page = EnrolPage {
        frame: Frame::of(house, tongue, caller, Section::Me).await?,
        reauth: Reauth::always(house, caller).await?.but(wrong.as_ref()),
        ticket: offer.ticket.expose(),
        secret: fours.join(" "),
        size: code.size(),
        squares: squares(&code),
        everything,
        wrong,
    };
    Reply::page(&house.look, &page)
}

/// What apps read of the secret (Google Authenticator's "Key Uri Format"; what is not said is usual).
fn address(issuer: &str, name: &str, secret: &str) -> String {
    // A colon would end the issuer.
    let part = |text: &str| encoded(&text.replace(':', " ")).replace('/', "%2F");
    let (issuer, name) = (part(issuer), part(name));
    format!("otpauth://totp/{issuer}:{name}?secret={secret}&issuer={issuer}")
}

/// Each run of dark squares of a row as one rectangle.
fn squares(code: &QrCode) -> String {
    use std::fmt::Write;
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let run = (x..code.size()).take_while(|x| code.get_module(*x, y)).count() as i32;
            if run > 0 {
                write!(path, "M{x} {y}h{run}v1h-{run}z").expect("writing to memory does not fail");
            }
            x += run.max(1);
        }
    }
    path
}

pub(super) async fn enrol(mut call: Call<Signed, Account, NoQuery, Fields>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let mut fields = std::mem::take(&mut call.body);
    let password = Some(fields.take("password")).filter(|text| !text.is_empty()).map(Password::new);
    let code = OneTimeCode::new(fields.take("code"));
    let ticket = fields.take("ticket");
    let renewing = super::renewing(&fields, &call.parts.headers);
    let done = house.desk.enrol_second_factor(caller.clone(), password, &ticket, &code, renewing).await;
    let wrong = match done {
        Ok(Some(enrolled)) => {
            let page = RecoveryPage {
                frame: Frame::of(house, tongue, caller, Section::Me).await?,
                codes: enrolled.recovery.iter().map(|code| code.as_str()).collect(),
            };
            return Ok(Reply::page(&house.look, &page)?.cookie(super::begin(house, &enrolled.started)));
        }
        Ok(None) => Wrong::new("", tongue.say("codes-late")),
        Err(error) => match form::again(tongue, error)? {
            // The first code has a field of its own.
            wrong if wrong.is_of("one_time_code") => Wrong::new("code", tongue.say("codes-first-wrong")),
            wrong => wrong,
        },
    };
    // The same secret again: it may be in the app already.
    let offer = house.desk.offered_second_factor(caller, &ticket);
    let offer = offer.map_or_else(|| house.desk.offer_second_factor(caller), Ok)?;
    let page = page(house, tongue, caller, offer, renewing.everything, Some(wrong)).await?;
    Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY))
}

pub(super) async fn ask_off(call: Call<Signed, Account>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    if !uses_codes(house, caller).await? {
        return Err(Error::from(Refusal::wrong_state(tongue.say("codes-off-already"))).into());
    }
    off_page(house, tongue, caller, false, None).await
}

async fn off_page(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    everything: bool,
    wrong: Option<Wrong>,
) -> Result<Reply, Problem> {
    let page = OffPage {
        frame: Frame::of(house, tongue, caller, Section::Me).await?,
        reauth: Reauth::always(house, caller).await?.but(wrong.as_ref()),
        everything,
        wrong,
    };
    Reply::page(&house.look, &page)
}

pub(super) async fn switch_off(mut call: Call<Signed, Account, NoQuery, Fields>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let proof = reauth::proof(&mut call.body);
    let renewing = super::renewing(&call.body, &call.parts.headers);
    match house.desk.switch_off_second_factor(caller.clone(), proof, renewing).await {
        Ok(started) => {
            let reply = Reply::to(&house.look, &super::path(&caller.account.id, "codes-off"));
            Ok(reply.cookie(super::begin(house, &started)))
        }
        Err(error) => {
            let wrong = form::again(tongue, error)?;
            let page = off_page(house, tongue, caller, renewing.everything, Some(wrong)).await?;
            Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn the_address_names_issuer_and_person_and_nothing_breaks_out_of_its_part() {
        assert_eq!(
            address("Tokens: a/b", "ada+x@example.com", "JBSWY3DP"),
            "otpauth://totp/Tokens%20%20a%2Fb:ada%2Bx%40example.com?secret=JBSWY3DP&issuer=Tokens%20%20a%2Fb"
        );
    }
}
