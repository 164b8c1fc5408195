//! `/v1/accounts/{account}/notices`: what falls due, and the caller's own mail switch.

use api::notices::{EditNotices, Notices as Shown};

use super::call::{Account, Call, NoQuery};
use super::door::Holder;
use super::table::Table;
use crate::json::Json;
use crate::map;
use crate::problem::Problem;

pub(crate) fn routes(table: &mut Table) {
    const ONE: &str = "/v1/accounts/{account}/notices";
    table.get(ONE, "show_notices", "Shows which tokens end soon, and whether the caller hears of it.", show);
    table.patch(ONE, "edit_notices", "Turns the caller's own mails of notices on or off.", edit);
}

async fn show(call: Call<Holder, Account>) -> Result<Json<Shown>, Problem> {
    let notices = call.house.desk.notices(call.who.0, &call.at.0).await?;
    Ok(Json(map::notices(notices, &call.at.0)))
}

async fn edit(call: Call<Holder, Account, NoQuery, Json<EditNotices>>) -> Result<Json<Shown>, Problem> {
    let desk = &call.house.desk;
    let notices = match call.body.0.mail.into_option() {
        Some(mail) => desk.choose_notices(call.who.0, &call.at.0, mail).await?,
        None => desk.notices(call.who.0, &call.at.0).await?,
    };
    Ok(Json(map::notices(notices, &call.at.0)))
}
