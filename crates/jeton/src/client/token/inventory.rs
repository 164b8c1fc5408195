//! The commands about every token of the server, for operators: `inventory`, `summary`,
//! `revoke-matching`.

use api::inventory::{Buckets, Revocation, RevokeMatching, Summary, TokenFilter};
use api::tokens::{Token, TokenKind, TokenStatus};
use clap::Args;
use clap::builder::PossibleValuesParser;
use serde::Deserialize;

use super::super::http::Request;
use super::super::noun::verbs::YesArgs;
use super::super::noun::{self, Facts, Noun, PageArgs, grant, word};
use super::super::output::many;
use super::super::{Desk, WholeServerArgs, moment, output};
use super::look::{KINDS, SORTS, statuses};
use crate::exit::Failure;

/// Which tokens; everything that is given must hold.
#[derive(Debug, Args)]
pub(super) struct FilterArgs {
    /// Only those of this account.
    #[arg(long, value_name = "SLUG")]
    account: Option<String>,
    /// Only those that act for this member or service account.
    #[arg(long, value_name = "ID")]
    holder: Option<String>,
    /// Only those that this member made.
    #[arg(long, value_name = "ID")]
    issued_by: Option<String>,
    /// Only those that were given a role of this name.
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Only those in this state; `active` includes expiring and grace.
    #[arg(long, value_parser = statuses())]
    status: Option<String>,
    /// Only those of this kind.
    #[arg(long, value_parser = PossibleValuesParser::new(KINDS))]
    kind: Option<String>,
    /// Only those that hold at this node of their account's tree, or below.
    #[arg(long, value_name = "PATH")]
    node: Option<String>,
    /// Only those that may do this, as in `devices:read`.
    #[arg(long, value_name = "PERMISSION")]
    permission: Option<String>,
    /// Only those with this in their name or id.
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    #[arg(
        long,
        value_name = "TIME",
        help = "Only those made at this moment or later: a time, a day, or a period before now, as in '7 days'"
    )]
    created_after: Option<String>,
    #[arg(long, value_name = "TIME", help = "Only those made before")]
    created_before: Option<String>,
    #[arg(
        long,
        value_name = "TIME",
        help = "Only those that end at this moment, later, or never: a time, a day, or a period from now"
    )]
    expires_after: Option<String>,
    #[arg(long, value_name = "TIME", help = "Only those that end before: '7 days' are those from now")]
    expires_before: Option<String>,
    /// Only those that never expire.
    #[arg(long)]
    never_expires: bool,
    #[arg(
        long,
        value_name = "TIME",
        help = "Only those last used at this moment or later: a time, a day, or a period before now"
    )]
    last_used_after: Option<String>,
    #[arg(long, value_name = "TIME", help = "Only those last used before, or never")]
    last_used_before: Option<String>,
    /// Only those that were never used.
    #[arg(long)]
    never_used: bool,
}

impl FilterArgs {
    fn query(&self, request: Request) -> Result<Request, Failure> {
        let times = self.times()?;
        Ok(request
            .query("account", self.account.as_ref())
            .query("holder", self.holder.as_ref())
            .query("issued_by", self.issued_by.as_ref())
            .query("role", self.role.as_ref())
            .query("status", self.status.as_ref())
            .query("kind", self.kind.as_ref())
            .query("node", self.node.as_ref())
            .query("permission", self.permission.as_ref())
            .query("q", self.search.as_ref())
            .query("created_after", times.created_after)
            .query("created_before", times.created_before)
            .query("expires_after", times.expires_after)
            .query("expires_before", times.expires_before)
            .query("never_expires", self.never_expires.then_some(true))
            .query("last_used_after", times.last_used_after)
            .query("last_used_before", times.last_used_before)
            .query("never_used", self.never_used.then_some(true)))
    }

    fn times(&self) -> Result<Times, Failure> {
        let passed = |flag, text: &Option<String>| moment::passed(flag, text.as_deref());
        let to_come = |flag, text: &Option<String>| moment::to_come(flag, text.as_deref());
        Ok(Times {
            created_after: passed("--created-after", &self.created_after)?,
            created_before: passed("--created-before", &self.created_before)?,
            expires_after: to_come("--expires-after", &self.expires_after)?,
            expires_before: to_come("--expires-before", &self.expires_before)?,
            last_used_after: passed("--last-used-after", &self.last_used_after)?,
            last_used_before: passed("--last-used-before", &self.last_used_before)?,
        })
    }

    /// The same as a body has it.
    fn body(self) -> Result<TokenFilter, Failure> {
        /// Of a word that was checked when it was typed.
        fn read<T: for<'de> Deserialize<'de>>(text: Option<String>) -> Option<T> {
            text.and_then(|word| serde_json::from_value(serde_json::Value::String(word)).ok())
        }
        let times = self.times()?;
        Ok(TokenFilter {
            account: self.account,
            holder: self.holder,
            issued_by: self.issued_by,
            role: self.role,
            status: read::<TokenStatus>(self.status),
            kind: read::<TokenKind>(self.kind),
            node: self.node,
            permission: self.permission,
            q: self.search,
            created_after: times.created_after,
            created_before: times.created_before,
            expires_after: times.expires_after,
            expires_before: times.expires_before,
            never_expires: self.never_expires.then_some(true),
            last_used_after: times.last_used_after,
            last_used_before: times.last_used_before,
            never_used: self.never_used.then_some(true),
        })
    }
}

/// The moments of a filter as the server takes them.
struct Times {
    created_after: Option<String>,
    created_before: Option<String>,
    expires_after: Option<String>,
    expires_before: Option<String>,
    last_used_after: Option<String>,
    last_used_before: Option<String>,
}

/// Lists tokens of every account, newest first. Only operators may.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton token inventory --status active --sort last_used_at
  jeton token inventory --never-expires --permission devices:delete
  jeton token inventory --expires-before '7 days' --status active
  jeton token inventory --last-used-before 2026-01-01 --all --json > unused.json")]
pub struct InventoryArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// The order; a minus turns it round [default: -created_at].
    #[arg(long, value_parser = PossibleValuesParser::new(SORTS), allow_hyphen_values = true)]
    sort: Option<String>,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    server: WholeServerArgs,
}

pub(super) fn inventory(args: InventoryArgs) -> Result<(), Failure> {
    let mut desk = Desk::of_server(&args.server)?;
    let request = args.filter.query(Request::get("/v1/tokens"))?.query("sort", args.sort.as_ref());
    noun::list::<TokenAnywhere>(&mut desk, &request, &args.page, args.server.json())
}

/// A token as the server's inventory shows it: whose it is comes first.
#[derive(Deserialize)]
#[serde(transparent)]
struct TokenAnywhere(Token);

impl Noun for TokenAnywhere {
    const ONE: &'static str = Token::ONE;
    const MANY: &'static str = Token::MANY;
    const ID: &'static str = Token::ID;
    const ROUTE: &'static str = Token::ROUTE;
    const HEAD: &'static [&'static str] =
        &["ID", "ACCOUNT", "HOLDER", "NAME", "STATUS", "GRANT", "CREATED", "EXPIRES", "LAST USED"];
    const DISPENSABLE: &'static [&'static str] = &["CREATED", "GRANT", "NAME", "STATUS"];
    type Place = WholeServerArgs;

    fn row(&self, time: fn(&str) -> String) -> Vec<String> {
        let Self(token) = self;
        let or = |at: &Option<String>, never: &str| at.as_deref().map_or_else(|| never.to_owned(), time);
        vec![
            token.id.clone(),
            token.account.clone(),
            token.holder.name.clone(),
            token.name.clone(),
            word(&token.status),
            grant(&token.permission),
            time(&token.created_at),
            or(&token.expires_at, "never"),
            or(&token.last_used_at, "not yet"),
        ]
    }

    fn facts(&self) -> Facts {
        self.0.facts()
    }

    fn called(&self) -> String {
        self.0.called()
    }
}

/// Counts tokens of every account by status, kind, role, age, end and last use. Only operators may.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton token summary
  jeton token summary --status active --account acme
  jeton token summary --json | jq .by_last_use")]
pub struct SummaryArgs {
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    server: WholeServerArgs,
}

pub(super) fn summary(args: SummaryArgs) -> Result<(), Failure> {
    let mut desk = Desk::of_server(&args.server)?;
    let answer = desk.send(&args.filter.query(Request::get("/v1/tokens/summary"))?)?;
    if args.server.json() {
        return output::data(&answer.text);
    }
    let summary: Summary = answer.read()?;
    let mut rows: Vec<[String; 3]> = Vec::new();
    let mut add = |by: &str, what: String, count: u64| {
        if count > 0 {
            rows.push([by.to_owned(), what, count.to_string()]);
        }
    };
    summary.by_status.iter().for_each(|each| add("status", word(&each.status), each.count));
    summary.by_kind.iter().for_each(|each| add("kind", word(&each.kind), each.count));
    for each in &summary.by_role {
        add("role", each.role.clone().unwrap_or_else(|| "(other permissions)".to_owned()), each.count);
    }
    let buckets =
        [("age", summary.by_age), ("expires", summary.by_expiry), ("last used", summary.by_last_use)];
    for (
        by,
        Buckets { past, within_7_days, within_30_days, within_90_days, within_365_days, longer, never },
    ) in buckets
    {
        add(by, "past".to_owned(), past);
        add(by, "within 7 days".to_owned(), within_7_days);
        add(by, "within 30 days".to_owned(), within_30_days);
        add(by, "within 90 days".to_owned(), within_90_days);
        add(by, "within 365 days".to_owned(), within_365_days);
        add(by, "longer".to_owned(), longer);
        add(by, "never".to_owned(), never);
    }
    output::data(&output::table(&["BY", "WHAT", "TOKENS"], rows.into_iter().map(Vec::from)))?;
    output::say(&format!("{} in {}", many(summary.count, "token"), many(summary.accounts, "account")));
    Ok(())
}

/// Revokes every token that a filter finds, in one change. Only operators may.
///
/// First it shows what would end; with --preview that is all. What is then revoked is what was shown:
/// if tokens have come or gone meanwhile, nothing is done.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton token revoke-matching --holder mem_0123456789ab --preview
  jeton token revoke-matching --account acme --role Owner --reason 'key server broken into'
  jeton token revoke-matching --never-used --created-before '1 year' --yes --json")]
pub struct RevokeMatchingArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// Only show what would be revoked.
    #[arg(long, conflicts_with_all = ["yes", "reason"])]
    preview: bool,
    /// Why, for the journal.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    yes: YesArgs,
    #[command(flatten)]
    server: WholeServerArgs,
}

pub(super) fn revoke_matching(args: RevokeMatchingArgs) -> Result<(), Failure> {
    const ROUTE: &str = "/v1/tokens/revoke";
    let mut desk = Desk::of_server(&args.server)?;
    let filter = args.filter.body()?;
    let look = RevokeMatching { filter: filter.clone(), preview: Some(true), ..RevokeMatching::default() };
    let answer = desk.send(&Request::post(ROUTE, &look))?;
    let seen: Revocation = answer.read()?;
    if args.preview {
        if args.server.json() {
            return output::data(&answer.text);
        }
        let rows = seen.examples.iter().map(|token| TokenAnywhere(token.clone()).row(output::time));
        output::data(&output::table(TokenAnywhere::HEAD, rows))?;
        let shown = seen.examples.len() as u64;
        if shown < seen.count {
            output::say(&format!(
                "these are the first {shown} of {}; `jeton token inventory` with the same filter lists all",
                seen.count
            ));
        }
        output::say(&format!("would revoke {}", told(&seen)));
        return Ok(());
    }
    let Some(confirm) = seen.confirm.clone() else {
        output::say("no tokens");
        return if args.server.json() { output::data(&answer.text) } else { Ok(()) };
    };
    args.yes.insist(&format!("revoke {}?", told(&seen)))?;
    let revoke = RevokeMatching { filter, preview: None, confirm: Some(confirm), reason: args.reason };
    let answer = desk.send(&Request::post(ROUTE, &revoke))?;
    if args.server.json() {
        return output::data(&answer.text);
    }
    let done: Revocation = answer.read()?;
    let entry = done.journal.map_or_else(String::new, |seq| format!("; entry {seq} of the journal"));
    output::say(&format!("revoked {}{entry}", told(&done)));
    Ok(())
}

/// How many, and whose, the most of them first.
fn told(revocation: &Revocation) -> String {
    const NAMED: usize = 3;
    let mut accounts: Vec<_> = revocation.accounts.iter().collect();
    accounts.sort_by_key(|each| std::cmp::Reverse(each.count));
    let mut named: Vec<String> =
        accounts.iter().take(NAMED).map(|each| format!("{} of {}", each.count, each.account)).collect();
    if accounts.len() > NAMED {
        named.push(format!("others of {}", many((accounts.len() - NAMED) as u64, "more account")));
    }
    let yours = if revocation.includes_yours { ", your own among them" } else { "" };
    match named.is_empty() {
        true => "no tokens".to_owned(),
        false => format!("{} ({}){yours}", many(revocation.count, "token"), named.join(", ")),
    }
}
