//! One token: what it is, what led to its state, how it was used, and what can be done with it.

use std::borrow::Cow;

use askama::Template;
use domain::facts::{Holder, Token};
use domain::life::State;
use domain::lifecycle::Actions;
use domain::node::NodePath;
use domain::permission::JOURNAL_READ;
use domain::time::Timestamp;
use domain::who::Caller;
use serde::Deserialize;
use service::journal::{Look, Of, Told};
use service::tokens::{Offered, Shown};
use token::TokenId;
use utoipa::IntoParams;

use super::usage::{self, Day, number};
use super::{may, shape};
use crate::api::House;
use crate::api::call::{Call, Within};
use crate::console::frame::{self, Frame, Section};
use crate::console::reply::Reply;
use crate::console::session::Signed;
use crate::console::tongue::Tongue;
use crate::map;
use crate::problem::Problem;

/// Entries of the journal that the page shows, the newest.
const ENTRIES: usize = 20;

#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
pub(super) struct After {
    done: Option<String>,
}

#[derive(Template)]
#[template(path = "tokens/one.html")]
struct Page<'a> {
    frame: Frame<'a>,
    token: Token,
    id: String,
    actions: Actions,
    state: State,
    shape: &'static str,
    status: Cow<'static, str>,
    /// What led to the state.
    why: Option<String>,
    replaced_by: Option<String>,
    may: String,
    holder: String,
    issuer: String,
    issuer_gone: bool,
    ends_at: Option<Timestamp>,
    used: Option<(Timestamp, Option<String>)>,
    days: Vec<Day>,
    /// Of the chart in a sentence.
    sum: String,
    any_use: bool,
    addresses: Vec<(String, String)>,
    services: Vec<(String, String)>,
    entries: Option<Vec<Happened>>,
    /// A kept secret is shown at once, without a password.
    reveals_at_once: bool,
    /// A revocation just made can be undone.
    undo: bool,
    metadata: Option<String>,
}

/// An entry of the journal.
struct Happened {
    at: Timestamp,
    what: String,
    who: String,
    reason: Option<String>,
}

pub(super) async fn show(call: Call<Signed, Within<TokenId>, After>) -> Result<Reply, Problem> {
    let (house, Signed(caller), id) = (&*call.house, &call.who, call.at.1);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let account = &caller.account.id;
    let offered = house.desk.offered_token(caller, account, id).await?;
    let used = house.desk.token_usage(caller.clone(), account, id, usage::DAYS).await?;
    let entries = entries(house, tongue, caller, id).await?;
    let mut frame = Frame::of(house, tongue, caller, Section::Tokens).await?;
    frame.said = frame::said(tongue, call.query.done.as_deref());

    let Offered { shown, actions, holder, issuer_gone } = offered;
    let Shown { token, last_use, state, ends_at, holder_name, issuer_name, permission } = shown;
    let days = usage::days(tongue, &used, caller.now);
    let (good, bad) = usage::sums(&used);
    let (good_text, bad_text) = (number(good), number(bad));
    let sum = [("count", good_text.as_str().into()), ("refused", bad_text.as_str().into())];
    let sum = tongue.say_of("chart-sum", &sum).into_owned();
    let told = map::usage(used);
    let other = |name: String| if name == "other" { tongue.say("other").into_owned() } else { name };
    let page = Page {
        id: id.to_string(),
        why: why(tongue, caller, &token, &holder, state),
        replaced_by: token.life.rotated_to.map(|id| id.to_string()),
        may: may(&caller.account.policy, tongue, &permission, &holder_name),
        shape: shape(state),
        status: tongue.say(&format!("status-{}", state.as_str())),
        ends_at,
        used: last_use.at.map(|at| (at, last_use.address)),
        any_use: good + bad > 0,
        addresses: told.by_address.into_iter().map(|by| (other(by.address), number(by.count))).collect(),
        services: told
            .by_service
            .into_iter()
            .map(|by| (other(by.name.unwrap_or(by.service)), number(by.count)))
            .collect(),
        reveals_at_once: !caller.account.policy.reveal_reauth || caller.needs_fresh().is_ok(),
        undo: actions.approve && call.query.done.as_deref() == Some("revoked"),
        metadata: token.metadata.clone().filter(|text| text != "{}"),
        holder: holder_name,
        issuer: issuer_name,
        issuer_gone,
        actions,
        state,
        days,
        sum,
        entries,
        token,
        frame,
    };
    Reply::page(&house.look, &page)
}

/// What led to a state that is not the usual one, and what follows from it.
fn why(tongue: Tongue, caller: &Caller, token: &Token, holder: &Holder, state: State) -> Option<String> {
    let life = &token.life;
    let said = |name: &str, at: Option<Timestamp>| {
        let at = at.map(|at| crate::console::when::moment(tongue, at)).unwrap_or_default();
        let about = [("when", at.as_str().into()), ("name", holder.name.as_str().into())];
        Some(tongue.say_of(name, &about).into_owned())
    };
    let standing = &holder.standing;
    let longest = caller.account.policy.expiry.max.as_ref();
    match state {
        State::Active => life
            .not_before
            .filter(|start| *start > caller.now)
            .and_then(|start| said("why-not-yet", Some(start))),
        State::Expiring => said("why-expiring", life.ends_at(longest)),
        State::Expired => said("why-expired", life.ends_at(longest)),
        State::Suspended if standing.inactive_since.is_some() => {
            said("why-holder-inactive", standing.inactive_since)
        }
        State::Suspended => said("why-account-inactive", caller.account.inactive_since),
        State::Revoked if life.revoked_at.is_some() => said("why-revoked", life.revoked_at),
        State::Revoked => said("why-all-revoked", standing.revoked_before),
        State::Pending => said("why-pending", None),
        State::Grace => said("why-grace", life.grace_until),
        State::Rotated => said("why-rotated", None),
        State::Leaked => said("why-leaked", life.leaked_at),
        State::Deleted => said("why-deleted", life.deleted_at.or(standing.tokens_deleted_at)),
    }
}

/// What the journal says of the token; none for those who may not read it.
async fn entries(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    id: TokenId,
) -> Result<Option<Vec<Happened>>, Problem> {
    if !caller.rights(&NodePath::root()).contains(JOURNAL_READ) {
        return Ok(None);
    }
    let look = Look {
        of: Of::Account(caller.account.id.clone()),
        action: None,
        actor: None,
        subject: Some(id.to_string()),
        since: None,
        until: None,
        after: None,
        newest_first: true,
    };
    let page = house.desk.journal(caller, &look, ENTRIES, None).await?;
    Ok(Some(page.items.into_iter().map(|told| happened(tongue, told)).collect()))
}

fn happened(tongue: Tongue, told: Told) -> Happened {
    let Told { entry, actor_name, .. } = told;
    let name = format!("did-{}", entry.action.replace(['.', '_'], "-"));
    let what = if tongue.knows(&name) { tongue.say(&name).into_owned() } else { entry.action };
    let payload = entry.payload.unwrap_or_default();
    let reason = payload["reason"].as_str().filter(|reason| !reason.is_empty()).map(str::to_owned);
    Happened { at: entry.at, what, who: actor_name.unwrap_or(entry.actor), reason }
}
