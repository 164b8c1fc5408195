//! `/v1/tokens/self`: what a token may ask about itself, whatever else it may do.

use api::tokens::{IssuedToken, RotateToken, SelfToken, Token};
use service::tokens::Myself;

use super::call::{Call, NoQuery};
use super::door::Holder;
use super::shape::Created;
use super::table::Table;
use super::tokens;
use crate::json::{EmptyOrJson, Json};
use crate::map;
use crate::problem::Problem;

pub(crate) fn routes(table: &mut Table) {
    const SELF: &str = "/v1/tokens/self";
    table.get(SELF, "show_self", "Shows the token that asks, and what it may do now.", show);
    table.delete(SELF, "end_self", "Ends the token that asks.", end);
    table.post("/v1/tokens/self/rotate", "rotate_self", "Replaces the token that asks.", rotate);
}

async fn show(call: Call<Holder>) -> Result<Json<SelfToken>, Problem> {
    let Myself { shown, role, permissions } = call.house.desk.myself(call.who.0).await?;
    Ok(Json(SelfToken { token: map::shown(shown), role, permissions }))
}

async fn end(call: Call<Holder>) -> Result<Json<Token>, Problem> {
    let shown = call.house.desk.end_self(call.who.0).await?;
    Ok(Json(map::shown(shown)))
}

async fn rotate(
    call: Call<Holder, (), NoQuery, EmptyOrJson<RotateToken>>,
) -> Result<Created<IssuedToken>, Problem> {
    let replay = call.replay()?;
    let RotateToken { grace, password, one_time_code } = call.body.0;
    let grace = grace.map(|grace| map::period("grace", &grace)).transpose()?;
    let proof = tokens::proof(password, one_time_code);
    let caller = call.house.desk.reauthenticate(call.who.0, proof).await?;
    let id = caller.own_token().map_err(service::Error::from)?.id;
    let account = caller.account.id.clone();
    let issued = call.house.desk.rotate_token(caller, &account, id, grace, replay).await?;
    Ok(tokens::answer(issued))
}
