//! Every token of the server, for operators: who holds what, how old it is, when it ends and when it was
//! last used; and in `inventory/revoke.rs` ending whatever a filter finds.

mod revoke;

use std::borrow::Cow;

use api::inventory::TokenFilter;
use api::tokens::TokenSort;
use askama::Template;
use axum::http::StatusCode;
use domain::life::State;
use domain::preset::Preset;
use domain::time::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use service::inventory::{Buckets, Filter, Keeper, Sheet, Tally};
use service::tokens::Shown;
use utoipa::IntoParams;

use super::frame::{self, Frame, Section};
use super::reply::Reply;
use super::session::Signed;
use super::sign_in::encoded;
use super::tokens::{Wrong, again, may, number, shape};
use super::tongue::Tongue;
use crate::api::call::{Account, Call};
use crate::api::table::Table;
use crate::api::{inventory as doors, tokens::order};
use crate::problem::Problem;

pub(crate) fn routes(table: &mut Table) {
    table.page("/console/{account}/inventory", show);
    revoke::routes(table);
}

/// Tokens on a page.
const PAGE: usize = 50;

/// Holders and roles that the summary shows, those with most tokens.
const MOST: usize = 8;

/// Which tokens, as for `GET /v1/tokens`, but that moments are days; and how they are listed.
#[derive(Clone, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
struct Asked {
    q: String,
    account: String,
    holder: String,
    issued_by: String,
    role: String,
    status: String,
    kind: String,
    node: String,
    permission: String,
    created_after: String,
    created_before: String,
    expires_after: String,
    expires_before: String,
    never_expires: String,
    last_used_after: String,
    last_used_before: String,
    never_used: String,
    sort: String,
    cursor: String,
    done: String,
}

/// The kinds of tokens that can be asked for.
const KINDS: [&str; 3] = ["pat", "sat", "ses"];

#[derive(Template)]
#[template(path = "inventory.html")]
struct Page<'a> {
    frame: Frame<'a>,
    asked: &'a Asked,
    /// Something in the filters is nothing that there could be.
    wrong: Option<String>,
    /// How many there are, in a sentence.
    count: String,
    counts: Vec<Counts>,
    rows: Vec<Row>,
    columns: Vec<Column>,
    statuses: Vec<(&'static str, Cow<'static, str>)>,
    kinds: Vec<(&'static str, Cow<'static, str>)>,
    filtered: bool,
    more_filters: bool,
    /// Where all of these are revoked.
    revoke: Option<String>,
    first: String,
    next: Option<String>,
}

/// One table of the summary.
struct Counts {
    title: Cow<'static, str>,
    rows: Vec<Count>,
}

struct Count {
    name: String,
    link: Option<String>,
    count: String,
}

/// A column, and how to sort by it.
struct Column {
    word: Cow<'static, str>,
    link: Option<String>,
    sorted: Option<&'static str>,
}

/// A token as the list shows it.
struct Row {
    id: String,
    name: String,
    account: String,
    /// It is of the account that one is at work in.
    at_home: bool,
    holder: String,
    /// The same list of this holder's alone.
    of_holder: String,
    may: String,
    state: State,
    shape: &'static str,
    status: Cow<'static, str>,
    used: Option<(Timestamp, Option<String>)>,
    expires: Option<Timestamp>,
    created: Timestamp,
}

async fn show(call: Call<Signed, Account, Asked>) -> Result<Reply, Problem> {
    let (house, Signed(caller), asked) = (&*call.house, &call.who, &call.query);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    house.desk.operator(caller).await?;
    let found = async {
        let filter = asked.filter(tongue)?;
        let sheet = Sheet {
            filter: filter.clone(),
            sort: asked.sort().map(order),
            limit: PAGE,
            cursor: Some(asked.cursor.clone()).filter(|cursor| !cursor.is_empty()),
        };
        let page = house.desk.inventory(caller.clone(), sheet).await.map_err(|error| again(tongue, error))?;
        let tally = house.desk.inventory_summary(caller.clone(), filter.clone()).await;
        let keepers = house.desk.inventory_holders(caller, filter, MOST).await;
        let both = tally.and_then(|tally| Ok((tally, keepers?)));
        let (tally, keepers) = both.map_err(|error| again(tongue, error))?;
        Ok::<_, Result<Wrong, Problem>>((page, tally, keepers))
    };
    let (page, tally, keepers, wrong) = match found.await {
        Ok((page, tally, keepers)) => (page, tally, keepers, None),
        Err(Ok(wrong)) => {
            let nothing = service::Page { items: Vec::new(), next_cursor: None };
            (nothing, Tally::default(), Vec::new(), Some(wrong.text))
        }
        Err(Err(problem)) => return Err(problem),
    };
    let mut frame = Frame::of(house, tongue, caller, Section::Inventory).await?;
    frame.said = frame::said(tongue, Some(asked.done.as_str()));
    let at = |below: &str, changed: &Asked| format!("{}{}", frame.path(below), changed.query());
    let here = |changed: Asked| at("inventory", &changed);
    let own = caller.account.id.to_string();
    let row = |shown: Shown| {
        let holder = shown.token.holder.to_string();
        let of_holder = Asked {
            holder,
            account: shown.token.account.to_string(),
            cursor: String::new(),
            done: String::new(),
            ..asked.clone()
        };
        row(tongue, shown, &own, here(of_holder))
    };
    let rows = page.items.into_iter().map(row).collect();
    let filtered = asked.is_filtered();
    let status = |state: State| (state.as_str(), tongue.say(&format!("status-{}", state.as_str())));
    let is_wrong = wrong.is_some();
    let page = Page {
        count: sum(tongue, &tally),
        counts: counts(tongue, asked, &tally, keepers, &here),
        columns: columns(tongue, asked, &here),
        statuses: State::ALL.into_iter().rev().map(status).collect(),
        kinds: KINDS.map(|kind| (kind, tongue.say(&format!("kind-{kind}")))).into(),
        more_filters: asked.more(),
        revoke: (filtered && tally.count > 0).then(|| {
            at("inventory/revoke", &Asked { cursor: String::new(), sort: String::new(), ..asked.clone() })
        }),
        first: here(Asked { cursor: String::new(), done: String::new(), ..asked.clone() }),
        next: page.next_cursor.map(|cursor| here(Asked { cursor, done: String::new(), ..asked.clone() })),
        filtered,
        wrong,
        rows,
        asked,
        frame,
    };
    let reply = Reply::page(&house.look, &page)?.packable();
    Ok(if is_wrong { reply.with_status(StatusCode::UNPROCESSABLE_ENTITY) } else { reply })
}

fn sum(tongue: Tongue, tally: &Tally) -> String {
    let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let tokens = number(tally.count);
    let about = [("count", whole(tally.count).into()), ("tokens", tokens.as_str().into())];
    let accounts = tongue.say_of("inventory-accounts", &[("count", whole(tally.accounts).into())]);
    format!("{} {accounts}", tongue.say_of("inventory-count", &about))
}

fn row(tongue: Tongue, shown: Shown, own: &str, of_holder: String) -> Row {
    let Shown { token, last_use, state, ends_at, holder_name, permission, .. } = shown;
    let account = token.account.to_string();
    Row {
        id: token.id.to_string(),
        at_home: account == own,
        // In our words: the accounts of a list each have their own.
        may: may(&Preset::default_preset().policy, tongue, &permission, &holder_name),
        shape: shape(state),
        status: tongue.say(&format!("status-{}", state.as_str())),
        used: last_use.at.map(|at| (at, last_use.address)),
        expires: ends_at,
        created: token.life.created_at,
        name: token.name,
        holder: holder_name,
        of_holder,
        account,
        state,
    }
}

fn columns(tongue: Tongue, asked: &Asked, here: &impl Fn(Asked) -> String) -> Vec<Column> {
    let usual = if asked.sort.is_empty() { "-created_at" } else { asked.sort.as_str() };
    let columns = [
        ("column-name", "name"),
        ("column-account", ""),
        ("column-holder", ""),
        ("column-may", ""),
        ("column-status", ""),
        ("column-last-used", "last_used_at"),
        ("column-expires", "expires_at"),
        ("column-created", "created_at"),
    ];
    let column = |(word, sort): (&str, &str)| {
        let down = format!("-{sort}");
        let sorted = match usual {
            usual if usual == sort => Some("ascending"),
            usual if usual == down => Some("descending"),
            _ => None,
        };
        let other = if sorted == Some("ascending") { down } else { sort.to_owned() };
        let link =
            || here(Asked { sort: other, cursor: String::new(), done: String::new(), ..asked.clone() });
        Column { word: tongue.say(word), link: (!sort.is_empty()).then(link), sorted }
    };
    columns.into_iter().map(column).collect()
}

/// The tables of the summary. A number leads to its tokens where a filter says just that.
fn counts(
    tongue: Tongue,
    asked: &Asked,
    tally: &Tally,
    keepers: Vec<Keeper>,
    here: &impl Fn(Asked) -> String,
) -> Vec<Counts> {
    let first = || Asked { cursor: String::new(), done: String::new(), ..asked.clone() };
    let line = |name: Cow<'static, str>, count: u64, changed: Option<Asked>| Count {
        name: name.into_owned(),
        link: changed.map(here),
        count: number(count),
    };
    let statuses = tally.by_status.iter().rev().map(|(state, count)| {
        let word = tongue.say(&format!("status-{}", state.as_str()));
        line(word, *count, Some(Asked { status: state.as_str().to_owned(), ..first() }))
    });
    let kinds = tally.by_kind.iter().map(|(kind, count)| {
        let name = serde_json::to_value(crate::map::kind_shown(*kind)).unwrap_or_default();
        let name = name.as_str().unwrap_or_default().to_owned();
        line(tongue.say(&format!("kind-{name}")), *count, Some(Asked { kind: name, ..first() }))
    });
    let mut roles: Vec<(&Option<String>, &u64)> = tally.by_role.iter().collect();
    roles.sort_by(|a, b| b.1.cmp(a.1));
    let roles = roles.into_iter().take(MOST).map(|(role, count)| match role {
        Some(role) => line(role.clone().into(), *count, Some(Asked { role: role.clone(), ..first() })),
        None => line(tongue.say("inventory-no-role"), *count, None),
    });
    let keepers = keepers.into_iter().map(|keeper| {
        let Keeper { account, id, name, count } = keeper;
        let changed = Asked { holder: id.to_string(), account: account.to_string(), ..first() };
        line(format!("{name} ({account})").into(), count, Some(changed))
    });
    let title = |name: &str| tongue.say(&format!("inventory-by-{name}"));
    let by_time =
        |name: &'static str, buckets: &Buckets, past: Option<&str>, never: Option<(&str, Asked)>| {
            let spans = [
                ("days-7", buckets.days_7),
                ("days-30", buckets.days_30),
                ("days-90", buckets.days_90),
                ("days-365", buckets.days_365),
                ("longer", buckets.longer),
            ];
            let mut rows = Vec::new();
            rows.extend(past.map(|word| line(tongue.say(word), buckets.past, None)));
            rows.extend(spans.map(|(span, count)| line(tongue.say(&format!("bucket-{span}")), count, None)));
            rows.extend(never.map(|(word, changed)| line(tongue.say(word), buckets.never, Some(changed))));
            // What there is none of says nothing.
            rows.retain(|row| row.count != "0");
            Counts { title: title(name), rows }
        };
    let never_ends = Asked { never_expires: "true".to_owned(), ..first() };
    let never_used = Asked { never_used: "true".to_owned(), ..first() };
    vec![
        Counts { title: title("status"), rows: statuses.collect() },
        Counts { title: title("holder"), rows: keepers.collect() },
        Counts { title: title("role"), rows: roles.collect() },
        Counts { title: title("kind"), rows: kinds.collect() },
        by_time("age", &tally.by_age, None, None),
        by_time("expiry", &tally.by_expiry, Some("bucket-past"), Some(("bucket-never-ends", never_ends))),
        by_time("use", &tally.by_last_use, None, Some(("bucket-never-used", never_used))),
    ]
}

/// A word of the API as it reads it; none where it is none.
fn word<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(Value::from(text)).ok()
}

impl Asked {
    /// What is filtered by, each with its name in the address.
    fn filters(&self) -> [(&'static str, &str); 17] {
        [
            ("q", &self.q),
            ("account", &self.account),
            ("holder", &self.holder),
            ("issued_by", &self.issued_by),
            ("role", &self.role),
            ("status", &self.status),
            ("kind", &self.kind),
            ("node", &self.node),
            ("permission", &self.permission),
            ("created_after", &self.created_after),
            ("created_before", &self.created_before),
            ("expires_after", &self.expires_after),
            ("expires_before", &self.expires_before),
            ("never_expires", &self.never_expires),
            ("last_used_after", &self.last_used_after),
            ("last_used_before", &self.last_used_before),
            ("never_used", &self.never_used),
        ]
    }

    fn is_filtered(&self) -> bool {
        self.filters().iter().any(|(_, text)| !text.trim().is_empty())
    }

    /// Whether something is filtered by that is folded away otherwise.
    fn more(&self) -> bool {
        const SHOWN: [&str; 5] = ["q", "account", "status", "role", "kind"];
        self.filters().iter().any(|(name, text)| !SHOWN.contains(name) && !text.trim().is_empty())
    }

    fn sort(&self) -> Option<TokenSort> {
        word(&self.sort)
    }

    /// The same by its address.
    fn query(&self) -> String {
        let order = [("sort", self.sort.as_str()), ("cursor", &self.cursor), ("done", &self.done)];
        let all = self.filters().into_iter().chain(order).filter(|(_, text)| !text.trim().is_empty());
        let said: Vec<String> = all.map(|(name, text)| format!("{name}={}", encoded(text.trim()))).collect();
        if said.is_empty() { String::new() } else { format!("?{}", said.join("&")) }
    }

    /// As the API asks. A day is its midnight, UTC.
    fn asked(&self) -> Result<TokenFilter, ()> {
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        fn one<T: DeserializeOwned>(text: &str) -> Result<Option<T>, ()> {
            match text.trim() {
                "" => Ok(None),
                text => word(text).map(Some).ok_or(()),
            }
        }
        let day = |text: &str| given(text).map(|day| format!("{day}T00:00:00Z"));
        let either = |text: &str| match text.trim() {
            "" => Ok(None),
            "true" => Ok(Some(true)),
            "false" => Ok(Some(false)),
            _ => Err(()),
        };
        Ok(TokenFilter {
            account: given(&self.account),
            holder: given(&self.holder),
            issued_by: given(&self.issued_by),
            role: given(&self.role),
            status: one(&self.status)?,
            kind: one(&self.kind)?,
            node: given(&self.node),
            permission: given(&self.permission),
            q: given(&self.q),
            created_after: day(&self.created_after),
            created_before: day(&self.created_before),
            expires_after: day(&self.expires_after),
            expires_before: day(&self.expires_before),
            never_expires: either(&self.never_expires)?,
            last_used_after: day(&self.last_used_after),
            last_used_before: day(&self.last_used_before),
            never_used: either(&self.never_used)?,
        })
    }

    fn filter(&self, tongue: Tongue) -> Result<Filter, Result<Wrong, Problem>> {
        let wrong = || Ok(Wrong::new("", tongue.say("inventory-wrong")));
        let asked = self.asked().map_err(|()| wrong())?;
        doors::filter(asked, |_, _| Problem::not_found()).map_err(|_| wrong())
    }
}
