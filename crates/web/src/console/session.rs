//! Who is signed in: a session of one account, in a cookie of its own, and that a form was sent by one
//! of our own pages.
//!
//! The cookie's text is the session's token, found and judged like any other. It is for the
//! console alone: the API does not look at it, and here no `Authorization` is looked at.

use axum::http::header::{COOKIE, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, Method};
use domain::ids::AccountId;
use domain::who::Caller;
use service::Desk;
use token::TokenText;

use super::look::Look;
use crate::api::door::{AtDesk, Door, Knock, Who};
use crate::problem::Problem;

/// Whoever is signed in to the account that the path names.
pub(crate) struct Signed(pub(crate) Caller);

impl AtDesk for Signed {
    fn caller(&self) -> &Caller {
        &self.0
    }
}

impl Door for Signed {
    const WHO: Who = Who::Session;

    async fn open(desk: &Desk, knock: Knock<'_>) -> Result<Signed, Problem> {
        from_our_pages(knock)?;
        let account = knock.account.and_then(|account| account.parse::<AccountId>().ok());
        let account = account.ok_or_else(Problem::not_found)?;
        let text = find(knock.headers, knock.look, &account).ok_or_else(Problem::unauthenticated)?;
        let caller = desk.visitor(text.as_bytes()).await?.holder()?;
        // A token that somebody put into the cookie signs nobody in, nor does another account's session.
        if !caller.is_session() || caller.account.id != account {
            return Err(Problem::invalid_token());
        }
        Ok(Signed(caller))
    }
}

/// Whoever comes to a page that nobody has to be signed in for. Their forms, too, are only ours.
pub(crate) struct Guest;

impl Door for Guest {
    const WHO: Who = Who::Anyone;

    async fn open(_: &Desk, knock: Knock<'_>) -> Result<Guest, Problem> {
        from_our_pages(knock)?;
        Ok(Guest)
    }
}

/// Refuses what another site had somebody's browser send. Fetch Metadata says where a request comes
/// from (W3C, `Sec-Fetch-Site`); a browser that does not send it, because the address is no trustworthy
/// one, sends `Origin` with every form (RFC 6454 section 7). What has neither is not a page of ours.
fn from_our_pages(knock: Knock<'_>) -> Result<(), Problem> {
    if matches!(*knock.method, Method::GET | Method::HEAD) || is_ours(knock.headers) {
        return Ok(());
    }
    Err(Problem::forbidden("This was sent by another site. Open the page here and send it again."))
}

pub(crate) fn is_ours(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    let (Some(origin), Some(host)) = (headers.get(ORIGIN), headers.get(HOST)) else { return false };
    let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    authority.is_some_and(|(_, authority)| authority.as_bytes().eq_ignore_ascii_case(host.as_bytes()))
}

/// The name of an account's cookie. Where the console is served over https it is bound to the very
/// host (RFC 6265bis section 4.1.3.2, `__Host-`); on loopback without TLS not every browser takes
/// such a one.
fn name(look: &Look, account: &AccountId) -> String {
    let prefix = if look.is_secure() { "__Host-" } else { "" };
    format!("{prefix}jeton.{account}")
}

/// The accounts that this browser has a cookie for, whether it is still good or not.
pub(crate) fn accounts(headers: &HeaderMap, look: &Look) -> Vec<AccountId> {
    let prefix = if look.is_secure() { "__Host-jeton." } else { "jeton." };
    let named = cookies(headers).filter_map(|(name, _)| name.strip_prefix(prefix)?.parse().ok());
    named.collect()
}

fn find<'h>(headers: &'h HeaderMap, look: &Look, account: &AccountId) -> Option<&'h str> {
    let wanted = name(look, account);
    cookies(headers).find(|(name, _)| *name == wanted).map(|(_, text)| text)
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let texts = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split("; ")).filter_map(|pair| pair.split_once('='))
}

/// The cookie that signs a browser in, for as long as it is open or the session lives.
pub(crate) fn begin(look: &Look, account: &AccountId, text: &TokenText) -> HeaderValue {
    let mut value =
        HeaderValue::try_from(format!("{}={}; {}", name(look, account), text.expose(), attributes(look)))
            .expect("an account's id and a token's text are ASCII without controls");
    value.set_sensitive(true);
    value
}

/// The cookie that signs a browser out.
pub(crate) fn end(look: &Look, account: &AccountId) -> HeaderValue {
    HeaderValue::try_from(format!("{}=; Max-Age=0; {}", name(look, account), attributes(look)))
        .expect("an account's id is ASCII without controls")
}

/// Lax, so that a link from the product's own site finds its reader signed in. Where other sites may
/// frame the console the browser sends the cookie to it there too, kept apart for each of them.
fn attributes(look: &Look) -> &'static str {
    match (look.is_secure(), look.may_be_framed()) {
        (true, true) => "Path=/; HttpOnly; Secure; SameSite=None; Partitioned",
        (true, false) => "Path=/; HttpOnly; Secure; SameSite=Lax",
        (false, _) => "Path=/; HttpOnly; SameSite=Lax",
    }
}
