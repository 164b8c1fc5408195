//! `/` and `/console`: nothing by themselves, they lead on. To the account one is signed in to, to
//! signing in, and while nobody has begun to the set-up.

use super::frame::Bare;
use super::reply::Reply;
use super::session::{self, Guest};
use super::tongue::Tongue;
use super::{ROOT, sign_in};
use crate::api::call::Call;
use crate::api::table::Table;
use crate::problem::Problem;

pub(crate) fn routes(table: &mut Table) {
    table.page("/", lead);
    table.page(ROOT, lead);
}

/// What an empty server shows.
#[derive(askama::Template)]
#[template(path = "empty.html")]
struct Empty<'a> {
    frame: Bare<'a>,
}

async fn lead(call: Call<Guest>) -> Result<Reply, Problem> {
    let (house, headers) = (&*call.house, &call.parts.headers);
    if house.desk.is_empty().await? {
        let frame = Bare::of(house, Tongue::of(&house.look, headers));
        return Reply::page(&house.look, &Empty { frame });
    }
    match session::accounts(headers, &house.look).first() {
        // Where that session has ended, the page itself leads to signing in.
        Some(account) => Ok(Reply::to(&house.look, &format!("/{account}/tokens"))),
        None => Ok(Reply::to(&house.look, &sign_in::link(""))),
    }
}
