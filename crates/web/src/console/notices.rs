//! Notices: what ends soon that the reader may see, whether they hear of it by mail, and what the account
//! says of it, which is changed with the policy.

use askama::Template;
use axum::http::StatusCode;
use domain::permission::{POLICY_READ, POLICY_UPDATE};
use domain::policy::Visibility;
use domain::refusal::Refusal;
use domain::time::Timestamp;
use domain::who::Caller;
use serde::Deserialize;
use service::Error;
use service::notices::Falling;
use utoipa::IntoParams;

use super::fields::Fields;
use super::frame::{self, Frame, Section, told};
use super::policy::switches;
use super::reply::Reply;
use super::session::Signed;
use super::tokens::{Wrong, again};
use super::tongue::Tongue;
use crate::api::House;
use crate::api::call::{Account, Call, NoQuery};
use crate::api::table::Table;
use crate::problem::Problem;

pub(crate) fn routes(table: &mut Table) {
    const NOTICES: &str = "/console/{account}/notices";
    table.page(NOTICES, show);
    table.form(NOTICES, choose);
}

#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
struct After {
    done: String,
}

#[derive(Template)]
#[template(path = "notices.html")]
struct Page<'a> {
    frame: Frame<'a>,
    /// As they chose: `yes`, `no` or nothing.
    chosen: &'static str,
    /// What the account says where they did not choose.
    usual: bool,
    /// Mails are sent from here at all.
    mails: bool,
    /// They are there themselves, so they may choose.
    may_choose: bool,
    due: Vec<Due>,
    more: bool,
    /// The account's switches: what each is called, set to and means.
    switches: Vec<(String, String, String)>,
    may_read: bool,
    may_change: bool,
    wrong: Option<Wrong>,
}

struct Due {
    id: String,
    name: String,
    holder: String,
    ends: Timestamp,
    /// The section is marked for it.
    marked: bool,
}

/// Those for whom there are no tokens to see have no notices either.
fn open_to(tongue: Tongue, caller: &Caller) -> Result<(), Problem> {
    if caller.manages() || caller.account.policy.visibility != Visibility::None {
        return Ok(());
    }
    Err(Error::from(Refusal::forbidden(tongue.say("notices-closed"))).into())
}

async fn show(call: Call<Signed, Account, After>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    open_to(tongue, caller)?;
    page(house, tongue, caller, &call.query.done, None).await
}

async fn page(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    done: &str,
    wrong: Option<Wrong>,
) -> Result<Reply, Problem> {
    let account = &*caller.account;
    let notices = house.desk.notices(caller.clone(), &account.id).await?;
    let mut frame = Frame::of(house, tongue, caller, Section::Notices).await?;
    frame.said = frame::said(tongue, Some(done));
    let document = switches::document(&account.policy);
    let own = switches::all().filter(|switch| switch.path.starts_with("notices."));
    let said = own.map(|switch| {
        let value = switch.said(tongue, switches::at(&document, switch.path));
        (switch.name(tongue).into_owned(), value, switch.means(tongue).into_owned())
    });
    let due = |falling: Falling| Due {
        id: falling.token.id.to_string(),
        name: falling.token.name,
        holder: falling.holder_name,
        ends: falling.due.ends_at,
        marked: falling.due.marked,
    };
    let page = Page {
        chosen: match caller.holder.mail {
            Some(true) => "yes",
            Some(false) => "no",
            None => "",
        },
        usual: notices.policy.mail,
        mails: house.desk.mails(),
        may_choose: caller.holder.id.kind() == "member",
        due: notices.due.into_iter().map(due).collect(),
        more: notices.more,
        switches: said.collect(),
        may_read: caller.needs(POLICY_READ).is_ok(),
        may_change: caller.needs(POLICY_UPDATE).is_ok(),
        wrong,
        frame,
    };
    Reply::page(&house.look, &page)
}

async fn choose(call: Call<Signed, Account, NoQuery, Fields>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    open_to(tongue, caller)?;
    let mail = match call.body.text("mail") {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    };
    let account = &caller.account.id;
    match house.desk.choose_notices(caller.clone(), account, mail).await {
        Ok(_) => Ok(Reply::to(&house.look, &told(&format!("/{account}/notices"), "notices"))),
        Err(error) => {
            let wrong = again(tongue, error)?;
            let page = page(house, tongue, caller, "", Some(wrong)).await?;
            Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY))
        }
    }
}
