//! `/v1/accounts/{account}/members/{id}/erase`

use api::Empty;
use api::members::Member;
use domain::ids::{HolderId, MemberId};
use service::Visitor;

use super::call::{Call, NoQuery, Within};
use super::door::Holder;
use super::table::Table;
use crate::json::{EmptyOrJson, Json};
use crate::map;
use crate::problem::Problem;

pub(crate) fn routes(table: &mut Table) {
    table.post(
        "/v1/accounts/{account}/members/{id}/erase",
        "erase_member",
        "Erases what is personal of a member who was removed, also in the journal.",
        erase,
    );
}

async fn erase(
    call: Call<Holder, Within<MemberId>, NoQuery, EmptyOrJson<Empty>>,
) -> Result<Json<Member>, Problem> {
    let Within(at, id) = &call.at;
    // Not always the caller's own: operators erase anywhere.
    let visitor = Visitor::Holder(call.who.0.clone().into());
    let account = call.house.desk.account(&visitor, at).await?;
    let holder = call.house.desk.erase_holder(call.who.0, at, HolderId::Member(*id)).await?;
    Ok(Json(map::member(holder, &account)))
}
