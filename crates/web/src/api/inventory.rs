//! `/v1/tokens`: every token of the server, for operators.

use api::inventory::{
    Buckets, CountByAccount, CountByKind, CountByRole, CountByStatus, InventoryQuery, Revocation,
    RevokeMatching, Summary, TokenFilter,
};
use api::tokens::Token;
use domain::life::State;
use domain::refusal::Refusal;
use domain::time::Timestamp;
use service::inventory::{self, Filter, Matching, Preview, Receipt, Sheet, Span, Tally, Want};

use super::call::{Call, NoQuery};
use super::door::Operator;
use super::shape::Listed;
use super::table::Table;
use super::{bad_parameter, limit, tokens};
use crate::json::Json;
use crate::map;
use crate::problem::Problem;

pub(crate) fn routes(table: &mut Table) {
    table.get("/v1/tokens", "list_every_token", "Lists tokens of every account.", list);
    table.get(
        "/v1/tokens/summary",
        "summarize_tokens",
        "Counts tokens of every account by status, kind, role, age, end and last use.",
        summary,
    );
    table.post(
        "/v1/tokens/revoke",
        "revoke_tokens",
        "Revokes every token that a filter finds, as a preview showed it: in one change, told in one answer.",
        revoke,
    );
}

async fn list(call: Call<Operator, (), InventoryQuery>) -> Result<Listed<Token>, Problem> {
    let sheet = Sheet {
        filter: filter(call.query.filter(), bad_parameter)?,
        sort: call.query.sort.map(tokens::order),
        limit: limit(call.query.limit)?,
        cursor: call.query.cursor.clone(),
    };
    let page = call.house.desk.inventory(call.who.0, sheet).await?;
    Ok(Listed(map::page(page, map::shown)))
}

async fn summary(call: Call<Operator, (), TokenFilter>) -> Result<Json<Summary>, Problem> {
    let filter = filter(call.query.clone(), bad_parameter)?;
    let tally = call.house.desk.inventory_summary(call.who.0, filter).await?;
    Ok(Json(shown(tally)))
}

async fn revoke(
    call: Call<Operator, (), NoQuery, Json<RevokeMatching>>,
) -> Result<Json<Revocation>, Problem> {
    let Json(RevokeMatching { filter: asked, preview, confirm, reason }) = call.body;
    let told = serde_json::to_value(&asked).expect("a filter is texts and truth values");
    let filter = filter(asked, |name, detail| {
        Problem::invalid_field(format!("filter.{name}"), format!("{}.", detail.replacen('e', "E", 1)))
    })?;
    let desk = &call.house.desk;
    let revocation = match (preview.unwrap_or(false), confirm) {
        (true, None) => previewed(desk.preview_revocation(call.who.0, filter).await?),
        (false, Some(confirm)) => {
            let receipt = desk.revoke_matching(call.who.0, filter, told, &confirm, reason.as_deref());
            revoked(receipt.await?)
        }
        (true, Some(_)) => {
            return Err(Problem::invalid_field("confirm", "Give `preview` or `confirm`, not both."));
        }
        (false, None) => {
            let sentence =
                "Look first: send the filter with `preview`, then again with the `confirm` of the answer.";
            let code = domain::refusal::Code::ConfirmationRequired;
            return Err(service::Error::from(Refusal::of_field(code, "confirm", sentence)).into());
        }
    };
    Ok(Json(revocation))
}

fn previewed(preview: Preview) -> Revocation {
    Revocation {
        examples: preview.examples.into_iter().map(map::shown).collect(),
        confirm: preview.confirm,
        ..matching(preview.matching)
    }
}

fn revoked(receipt: Receipt) -> Revocation {
    Revocation {
        revoked: true,
        revoked_at: Some(receipt.revoked_at.to_string()),
        journal: receipt.journal,
        ..matching(receipt.matching)
    }
}

fn matching(matching: Matching) -> Revocation {
    let accounts = matching.accounts.into_iter();
    Revocation {
        revoked: false,
        count: matching.count as u64,
        accounts: accounts
            .map(|(account, count)| CountByAccount { account: account.to_string(), count })
            .collect(),
        includes_yours: matching.includes_yours,
        examples: Vec::new(),
        confirm: None,
        revoked_at: None,
        journal: None,
    }
}

/// The filter as the service takes it; `refuse` says what is wrong with a field.
pub(crate) fn filter(
    asked: TokenFilter,
    refuse: impl Fn(&'static str, &'static str) -> Problem,
) -> Result<Filter, Problem> {
    fn parse<T: std::str::FromStr>(
        text: Option<String>,
        refusal: impl FnOnce() -> Problem,
    ) -> Result<Option<T>, Problem> {
        text.map(|text| text.parse()).transpose().map_err(|_| refusal())
    }
    let holder = |name, id| parse(id, || refuse(name, "expected the id of a member or service account"));
    let time = |name, at: Option<String>| -> Result<Option<Timestamp>, Problem> {
        parse(at, || refuse(name, "expected a time in RFC 3339 with an offset, such as 2026-07-28T09:30:00Z"))
    };
    let want = Want {
        account: parse(asked.account, || refuse("account", "expected the id of an account"))?,
        holder: holder("holder", asked.holder)?,
        issued_by: holder("issued_by", asked.issued_by)?,
        role: asked.role,
        states: match asked.status.map(map::state) {
            None => Vec::new(),
            Some(State::Active) => vec![State::Active, State::Expiring, State::Grace],
            Some(state) => vec![state],
        },
        though_rotated: false,
        kinds: asked.kind.map(map::kind).into_iter().collect(),
        node: parse(asked.node, || refuse("node", "expected a path such as /sales"))?,
        permission: None,
        text: asked.q.filter(|text| !text.is_empty()),
        created: Span {
            from: time("created_after", asked.created_after)?,
            to: time("created_before", asked.created_before)?,
        },
        expires: Span {
            from: time("expires_after", asked.expires_after)?,
            to: time("expires_before", asked.expires_before)?,
        },
        never_expires: asked.never_expires,
        used: Span {
            from: time("last_used_after", asked.last_used_after)?,
            to: time("last_used_before", asked.last_used_before)?,
        },
        never_used: asked.never_used,
    };
    Ok(Filter { want, permission: asked.permission })
}

fn shown(tally: Tally) -> Summary {
    let buckets = |buckets: inventory::Buckets| Buckets {
        past: buckets.past,
        within_7_days: buckets.days_7,
        within_30_days: buckets.days_30,
        within_90_days: buckets.days_90,
        within_365_days: buckets.days_365,
        longer: buckets.longer,
        never: buckets.never,
    };
    let statuses = tally.by_status.into_iter();
    let kinds = tally.by_kind.into_iter();
    Summary {
        count: tally.count,
        accounts: tally.accounts,
        by_status: statuses
            .map(|(state, count)| CountByStatus { status: map::status(state), count })
            .collect(),
        by_kind: kinds.map(|(kind, count)| CountByKind { kind: map::kind_shown(kind), count }).collect(),
        by_role: tally.by_role.into_iter().map(|(role, count)| CountByRole { role, count }).collect(),
        by_age: buckets(tally.by_age),
        by_expiry: buckets(tally.by_expiry),
        by_last_use: buckets(tally.by_last_use),
    }
}
