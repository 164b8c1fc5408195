//! The commands that look: `list`, `show`, `usage`, `verify`.

use std::path::{Path, PathBuf};

use api::tokens::{Token, Usage};
use api::verify::{Ask, Expression, Verdict};
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};

use super::super::http::Request;
use super::super::noun::{self, Noun, PageArgs, Place, word};
use super::super::{Desk, ServerArgs, WholeServerArgs, filled, input, output};
use super::{get, not_self, route};
use crate::exit::{Exit, Failure};

/// The states, with what `--help` says of each.
pub(super) fn statuses() -> PossibleValuesParser {
    let of = |(name, help): (&'static str, &'static str)| PossibleValue::new(name).help(help);
    PossibleValuesParser::new(STATUSES.map(of))
}

const STATUSES: [(&str, &str); 10] = [
    ("active", "it works; as a filter, whatever works, also what is expiring or in grace"),
    ("expiring", "it works, and ends so soon that the policy has people told (`notices.days`)"),
    ("grace", "it was rotated, and works beside the new one for a while"),
    ("pending", "it does not work before somebody approves it, or approves it again"),
    ("suspended", "its holder or account is deactivated; it works again when they are back"),
    ("rotated", "a new one has taken its place"),
    ("expired", "its time is over"),
    ("revoked", "somebody ended it, by itself or with all of its holder's"),
    ("leaked", "it was reported as leaked, which ended it for good"),
    ("deleted", "it is gone, and listed only where the policy keeps it (`tombstones`)"),
];
pub(super) const KINDS: [&str; 3] = ["pat", "sat", "ses"];
pub(super) const SORTS: [&str; 10] = [
    "id",
    "-id",
    "name",
    "-name",
    "created_at",
    "-created_at",
    "expires_at",
    "-expires_at",
    "last_used_at",
    "-last_used_at",
];

/// Lists the tokens of an account, newest first.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton token list
  jeton token list --status active --role Viewer
  jeton token list --all --json | jq -r '.items[].id'
  jeton token list --search ci --sort expires_at")]
pub struct ListArgs {
    /// Only those in this state; `active` includes expiring and grace.
    #[arg(long, value_parser = statuses())]
    status: Option<String>,
    /// Only those of this kind.
    #[arg(long, value_parser = PossibleValuesParser::new(KINDS))]
    kind: Option<String>,
    /// Only those with this role.
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Only those that this member made.
    #[arg(long, value_name = "ID")]
    issued_by: Option<String>,
    /// Only those with this in their name or id.
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// The order; a minus turns it round [default: -created_at].
    #[arg(long, value_parser = PossibleValuesParser::new(SORTS), allow_hyphen_values = true)]
    sort: Option<String>,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) fn list(args: ListArgs) -> Result<(), Failure> {
    let mut desk = Desk::open(&args.server)?;
    let request = Request::get(ServerArgs::route(&mut desk, &[Token::ROUTE])?)
        .query("status", args.status.as_ref())
        .query("kind", args.kind.as_ref())
        .query("role", args.role.as_ref())
        .query("issued_by", args.issued_by.as_ref())
        .query("q", args.search.as_ref())
        .query("sort", args.sort.as_ref());
    noun::list::<Token>(&mut desk, &request, &args.page, args.server.json()).map_err(|refused| {
        let elsewhere = filled(args.server.account.as_ref()).is_some();
        match elsewhere && (refused.is("forbidden") || refused.is("not_found")) {
            true => refused.help("operators see all tokens with `jeton token inventory`"),
            false => refused,
        }
    })
}

/// Shows one token, never its secret.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton token show pat_0123456789ab
  jeton token show self --json")]
pub struct ShowArgs {
    /// The token, as in `pat_0123456789ab`; `self` is the one that asks.
    id: String,
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) fn show(args: ShowArgs) -> Result<(), Failure> {
    let mut desk = Desk::open(&args.server)?;
    let answer = get(&mut desk, &args.id)?;
    noun::show::<Token>(&answer, args.server.json())
}

/// Shows where a token was used: what would break without it.
///
/// A use is a verification that a service asked for with its key; one that an operator asked for by
/// hand does not count. What other peers counted may be half a minute behind.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton token usage pat_0123456789ab
  jeton token usage pat_0123456789ab --json")]
pub struct UsageArgs {
    /// The token, as in `pat_0123456789ab`.
    id: String,
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) fn usage(args: UsageArgs) -> Result<(), Failure> {
    not_self(&args.id)?;
    let mut desk = Desk::open(&args.server)?;
    let route = route(&mut desk, &args.id, &["usage"])?;
    let answer = desk.send(&Request::get(route))?;
    if args.server.json() {
        return output::data(&answer.text);
    }
    let usage: Usage = answer.read()?;
    let Some(last) = &usage.last_used_at else {
        return output::data("not used yet");
    };
    let from = usage.last_used_from.as_ref().map_or_else(String::new, |address| format!(" from {address}"));
    let days = usage.by_day.iter().map(|use_| ("day", use_.day.clone(), use_.count));
    let addresses = usage.by_address.iter().map(|use_| ("address", use_.address.clone(), use_.count));
    let services = usage.by_service.iter().map(|use_| {
        let service = use_
            .name
            .as_ref()
            .map_or_else(|| use_.service.clone(), |name| format!("{name} ({})", use_.service));
        ("service", service, use_.count)
    });
    let rows = days
        .chain(addresses)
        .chain(services)
        .map(|(by, what, count)| vec![by.to_owned(), what, count.to_string()]);
    output::data(&format!("last used {}{from}\n", output::time(last)))?;
    output::data(&output::table(&["BY", "WHAT", "USES"], rows))
}

/// Asks whether a token is good. Ends with 0 for valid and 1 for any other verdict.
///
/// The token is read from standard input or a file, never from an argument. The credential must be
/// the key of a service that may verify, or an operator's login. When there is no verdict, because the
/// server cannot be reached or cannot tell, it ends with 5.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton token verify < token
  jeton token verify --file token --permission devices:read --node /sales
  JETON_TOKEN_FILE=service-key jeton token verify --file token --json")]
pub struct VerifyArgs {
    /// The file that holds the token's text, `-` for standard input.
    #[arg(long, value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// What it must be allowed to do, as in `devices:read`; of several, all.
    #[arg(long, value_name = "PERMISSION")]
    permission: Vec<String>,
    /// Where in the account's tree [default: /].
    #[arg(long, value_name = "PATH")]
    node: Option<String>,
    /// The address of whoever showed the token.
    #[arg(long, value_name = "IP")]
    address: Option<String>,
    /// The account that it must belong to [default: any].
    #[arg(long, value_name = "SLUG", env = "JETON_ACCOUNT", hide_env_values = true)]
    account: Option<String>,
    #[command(flatten)]
    server: WholeServerArgs,
}

pub(super) fn verify(args: VerifyArgs) -> Result<Exit, Failure> {
    let token = input::secret(Path::new(&args.file), "token")?;
    let mut desk = Desk::of_server(&args.server)?;
    let mut all: Vec<Expression> = args.permission.iter().cloned().map(Expression::One).collect();
    let ask = Ask {
        token,
        permission: if all.len() > 1 { Some(Expression::All { all }) } else { all.pop() },
        node: args.node,
        // Only an account that was asked for: the one of the login is not the token's.
        account: filled(args.account.as_ref()).map(str::to_owned),
        address: args.address,
        user_agent: None,
        method: None,
        cost: None,
        limits: None,
    };
    let answer =
        desk.send(&Request::post("/v1/verify", &ask)).map_err(|refused| match refused.is("forbidden") {
            true => refused.help(
                "verify with a service's key in JETON_TOKEN_FILE; your own token tells you about itself: \
             JETON_TOKEN_FILE=token jeton whoami",
            ),
            false => refused,
        })?;
    let verdict: Verdict = answer.read()?;
    let exit = if verdict.valid { Exit::Done } else { Exit::Failed };
    if args.server.json() {
        output::data(&answer.text)?;
        return Ok(exit);
    }
    let facts = [
        ("verdict", Some(word(&verdict.code))),
        ("token", verdict.token.map(|token| format!("{} {}", token.id, token.name))),
        ("account", verdict.account.map(|account| account.id)),
        ("holder", verdict.holder.map(|holder| holder.id)),
        ("role", verdict.role),
        ("node", verdict.node),
        ("permissions", verdict.permissions.map(|permissions| permissions.join(" "))),
        ("expires", verdict.expires_at.as_deref().map(output::time)),
    ];
    let facts: Vec<_> = facts.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    output::data(&output::facts(&facts))?;
    Ok(exit)
}
