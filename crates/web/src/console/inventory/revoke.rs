//! Ending whatever a filter finds: a page that says how many tokens that is and of whom, and the form
//! that ends exactly those. If others match by then, nothing is revoked and one looks again.

use api::inventory::TokenFilter;
use askama::Template;
use axum::http::StatusCode;
use domain::who::Caller;
use service::inventory::{Filter, Preview};
use service::tokens::Shown;

use super::Asked;
use crate::api::House;
use crate::api::call::{Account, Call, NoQuery};
use crate::api::inventory as doors;
use crate::api::table::Table;
use crate::console::fields::Fields;
use crate::console::frame::{Frame, Section, told};
use crate::console::reply::Reply;
use crate::console::session::Signed;
use crate::console::tokens::{Wrong, again, number};
use crate::console::tongue::Tongue;
use crate::problem::Problem;

pub(super) fn routes(table: &mut Table) {
    const REVOKE: &str = "/console/{account}/inventory/revoke";
    table.page(REVOKE, ask);
    table.form(REVOKE, carry_out);
}

/// Accounts that the page names, those with most of the tokens.
const NAMED: usize = 20;

#[derive(Template)]
#[template(path = "inventory/revoke.html")]
struct Page<'a> {
    frame: Frame<'a>,
    title: String,
    button: String,
    accounts: Vec<(String, String)>,
    /// That there are more of them.
    more_accounts: Option<String>,
    includes_yours: bool,
    /// Name, id, account and holder of some.
    examples: Vec<(String, String, String, String)>,
    /// What is sent back: the filter as the API says it, and what confirms it.
    filter: String,
    confirm: Option<String>,
    back: String,
    reason: String,
    wrong: Option<Wrong>,
}

impl Page<'_> {
    fn wrong(&self, field: &str) -> Option<&str> {
        let wrong = self.wrong.as_ref()?;
        let beside = wrong.is_of("reason");
        let here = if field.is_empty() { !beside } else { beside };
        here.then_some(wrong.text.as_str())
    }
}

async fn ask(call: Call<Signed, Account, Asked>) -> Result<Reply, Problem> {
    let (house, Signed(caller), asked) = (&*call.house, &call.who, &call.query);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    house.desk.operator(caller).await?;
    let wrong = || Problem::bad_request(tongue.say("inventory-wrong"));
    let filter = asked.asked().map_err(|()| wrong())?;
    if filter == TokenFilter::default() {
        return Err(Problem::bad_request(tongue.say("inventory-revoke-all")));
    }
    page(house, tongue, caller, filter, String::new(), None).await
}

/// The filter as the desk takes it.
fn taken(tongue: Tongue, filter: &TokenFilter) -> Result<Filter, Problem> {
    doors::filter(filter.clone(), |_, _| Problem::bad_request(tongue.say("inventory-wrong")))
}

async fn page(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    filter: TokenFilter,
    reason: String,
    wrong: Option<Wrong>,
) -> Result<Reply, Problem> {
    let preview = house.desk.preview_revocation(caller.clone(), taken(tongue, &filter)?).await;
    let preview = match preview {
        Ok(preview) => preview,
        // Too many for one change, or a permission that nobody knows.
        Err(error) => return Err(Problem::bad_request(again(tongue, error)?.text)),
    };
    let Preview { matching, examples, confirm } = preview;
    let count = i64::try_from(matching.count).unwrap_or(i64::MAX);
    let tokens = number(matching.count as u64);
    let about = [("count", count.into()), ("tokens", tokens.as_str().into())];
    let mut accounts: Vec<(String, u64)> =
        matching.accounts.iter().map(|(account, count)| (account.to_string(), *count)).collect();
    accounts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let example = |shown: Shown| {
        (shown.token.name, shown.token.id.to_string(), shown.token.account.to_string(), shown.holder_name)
    };
    let frame = Frame::of(house, tongue, caller, Section::Inventory).await?;
    let page = Page {
        title: tongue.say_of("inventory-revoke-title", &about).into_owned(),
        button: tongue.say_of("inventory-revoke-button", &about).into_owned(),
        more_accounts: (accounts.len() > NAMED).then(|| {
            let more = [("count", (accounts.len() - NAMED).into())];
            tongue.say_of("inventory-more-accounts", &more).into_owned()
        }),
        accounts: accounts.into_iter().take(NAMED).map(|(id, count)| (id, number(count))).collect(),
        includes_yours: matching.includes_yours,
        examples: examples.into_iter().map(example).collect(),
        back: format!("{}{}", frame.path("inventory"), Asked::of(&filter).query()),
        filter: serde_json::to_string(&filter).unwrap_or_default(),
        confirm,
        reason,
        wrong,
        frame,
    };
    Reply::page(&house.look, &page)
}

async fn carry_out(mut call: Call<Signed, Account, NoQuery, Fields>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    house.desk.operator(caller).await?;
    let fields = std::mem::take(&mut call.body);
    let wrong = || Problem::bad_request(tongue.say("inventory-wrong"));
    let filter: TokenFilter = serde_json::from_str(fields.text("filter")).map_err(|_| wrong())?;
    let said = serde_json::to_value(&filter).unwrap_or_default();
    let (confirm, reason) = (fields.text("confirm"), fields.given("reason"));
    let asked = taken(tongue, &filter)?;
    let revoked = house.desk.revoke_matching(caller.clone(), asked, said, confirm, reason.as_deref()).await;
    match revoked {
        Ok(_) => {
            let list = format!("/{}/inventory{}", caller.account.id, Asked::of(&filter).query());
            Ok(Reply::to(&house.look, &told(&list, "inventory")))
        }
        Err(error) => {
            let mut wrong = again(tongue, error)?;
            if wrong.is_of("confirm") {
                wrong.text = tongue.say("inventory-changed").into_owned();
            }
            let page = page(house, tongue, caller, filter, reason.unwrap_or_default(), Some(wrong)).await?;
            Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY))
        }
    }
}

impl Asked {
    /// The filter as the page has it.
    fn of(filter: &TokenFilter) -> Asked {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let day = |at: &Option<String>| text(at).split('T').next().unwrap_or_default().to_owned();
        let spelled = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let either = |value: Option<bool>| value.map(|value| value.to_string()).unwrap_or_default();
        Asked {
            q: text(&filter.q),
            account: text(&filter.account),
            holder: text(&filter.holder),
            issued_by: text(&filter.issued_by),
            role: text(&filter.role),
            status: spelled(serde_json::to_value(filter.status).unwrap_or_default()),
            kind: spelled(serde_json::to_value(filter.kind).unwrap_or_default()),
            node: text(&filter.node),
            permission: text(&filter.permission),
            created_after: day(&filter.created_after),
            created_before: day(&filter.created_before),
            expires_after: day(&filter.expires_after),
            expires_before: day(&filter.expires_before),
            never_expires: either(filter.never_expires),
            last_used_after: day(&filter.last_used_after),
            last_used_before: day(&filter.last_used_before),
            never_used: either(filter.never_used),
            ..Asked::default()
        }
    }
}
