//! Another name or other metadata for somebody.

use askama::Template;
use axum::http::StatusCode;
use domain::facts::Holder;
use domain::members::{self, Edit};
use domain::who::Caller;
use service::Error;

use super::{Noun, One, Sent, closed, find};
use crate::api::House;
use crate::console::fields::Fields;
use crate::console::frame::Frame;
use crate::console::people::{self, Filled};
use crate::console::reply::Reply;
use crate::console::session::Signed;
use crate::console::tokens::form::Wrong;
use crate::console::tongue::Tongue;
use crate::problem::Problem;

const SHOWN: &[&str] = &["name", "metadata"];

#[derive(Template)]
#[template(path = "members/edit.html")]
struct Page<'a> {
    frame: Frame<'a>,
    noun: Noun,
    form: Filled,
    id: String,
    name: String,
}

pub(super) async fn show(call: One, noun: Noun) -> Result<Reply, Problem> {
    let (house, Signed(caller), id) = (&*call.house, &call.who, call.at.1);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let holder = find(house, caller, noun, id).await?;
    if !members::actions(caller, &holder).edit {
        return Err(closed(tongue));
    }
    let mut fields = Fields::default();
    fields.put("name", holder.name.as_str());
    fields.put("metadata", holder.metadata.as_deref().filter(|text| *text != "{}").unwrap_or_default());
    fields.put("version", holder.version.to_string());
    page(house, tongue, caller, noun, &holder, Filled::new(SHOWN, fields)).await
}

async fn page(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    noun: Noun,
    holder: &Holder,
    form: Filled,
) -> Result<Reply, Problem> {
    let frame = Frame::of(house, tongue, caller, noun.section()).await?;
    let (id, name) = (holder.id.to_string(), holder.name.clone());
    Reply::page(&house.look, &Page { noun, form, id, name, frame })
}

pub(super) async fn edit(mut call: Sent, noun: Noun) -> Result<Reply, Problem> {
    let (house, Signed(caller), id) = (&*call.house, &call.who, call.at.1);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let holder = find(house, caller, noun, id).await?;
    let fields = std::mem::take(&mut call.body);
    let version = fields.text("version").parse().ok();
    let wrong = match Filled::metadata(&fields, tongue) {
        Err(wrong) => wrong,
        Ok(metadata) => {
            let edit = Edit {
                name: Some(fields.text("name").to_owned()),
                metadata: Some(metadata.unwrap_or(serde_json::Value::Null)),
                ..Edit::default()
            };
            let (who, account) = (caller.clone(), &caller.account.id);
            match house.desk.edit_holder(who, account, id, version, edit).await {
                Ok(_) => {
                    return Ok(Reply::to(&house.look, &noun.done(&noun.path(caller, id), "edited")));
                }
                Err(Error::Conflict) => Wrong::new("", tongue.say("holders-conflict")),
                Err(error) => people::again(tongue, "holders", error)?,
            }
        }
    };
    let form = Filled::new(SHOWN, fields).but(wrong);
    let page = page(house, tongue, caller, noun, &holder, form).await?;
    Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY))
}
