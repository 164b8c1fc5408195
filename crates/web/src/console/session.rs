//! Who is signed in: a session of one account, in a cookie of its own, and that a form was sent by one
//! of our own pages.
//!
//! The cookie's text is the session's token, found and judged like any other. It is for the
//! console alone: the API does not look at it, and here no `Authorization` is looked at.

use std::net::IpAddr;

use axum::http::header::{COOKIE, FORWARDED, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, Method, Uri};
use domain::ids::{AccountId, PersonId};
use domain::node::NodePath;
use domain::who::Caller;
use service::{Desk, Visitor};
use token::TokenText;

use super::look::Look;
use crate::api::door::{AtDesk, Door, Knock, Who};
use crate::problem::{Code, Problem};

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
        let text = find(knock.headers, &knock.house.look, &account).ok_or_else(Problem::unauthenticated)?;
        Ok(Signed(signed_in(desk, text, &account, knock.from).await?))
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

/// Whether what is typed and kept here stays between the two: over https, as far as the operator says,
/// or on this machine. Elsewhere a password or a cookie is anybody's who listens, and nobody is signed in.
pub(crate) fn is_safe(look: &Look, headers: &HeaderMap, uri: &Uri) -> bool {
    let host = host(headers, uri);
    let here = is_of_this_machine(host);
    match look.authority() {
        // Browsers say where a request comes from to trustworthy addresses alone (W3C, Fetch Metadata), so
        // whoever does not, at another name than the operator's, came round the proxy.
        Some(ours) if look.is_secure() => {
            let says = |name: &str, value: &str| headers.get(name).is_some_and(|said| said == value);
            host == ours
                || here
                || headers.contains_key("sec-fetch-site")
                || says("x-forwarded-proto", "https")
        }
        Some(ours) if is_of_this_machine(ours) => here,
        // A proxy in front that is on this machine makes nobody else's line safe.
        _ => here && !was_forwarded(headers),
    }
}

/// Where browsers reach this server, such as `https://tokens.example.com`, for a link that lets somebody in.
pub(crate) fn address(look: &Look, headers: &HeaderMap, uri: &Uri) -> Result<String, Problem> {
    let safe = match (&look.public_url, look.authority()) {
        (Some(url), Some(ours)) if look.is_secure() || is_of_this_machine(ours) => Some(url.clone()),
        (None, _) if is_safe(look, headers, uri) => Some(format!("http://{}", host(headers, uri))),
        _ => None,
    };
    safe.ok_or_else(|| {
        Problem::new(
            Code::WrongState,
            "No link is made to an address that is neither https nor this machine: whoever listens would be \
             let in with it. Set `server.public_url` to this server's https address.",
        )
    })
}

fn host<'r>(headers: &'r HeaderMap, uri: &'r Uri) -> &'r str {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    host.or(uri.authority().map(|authority| authority.as_str())).unwrap_or("")
}

fn is_of_this_machine(authority: &str) -> bool {
    let name =
        authority.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned)).unwrap_or_default();
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    name == "localhost" || name.ends_with(".localhost") || address.is_ok_and(|address| address.is_loopback())
}

fn was_forwarded(headers: &HeaderMap) -> bool {
    let names = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"];
    headers.contains_key(FORWARDED) || names.iter().any(|name| headers.contains_key(*name))
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

/// Whoever is signed in here as this person, in whichever account.
pub(crate) async fn of_person(
    desk: &Desk,
    headers: &HeaderMap,
    look: &Look,
    person: PersonId,
) -> Option<Caller> {
    // A browser has few; somebody who sends a thousand has the first looked at.
    const MOST: usize = 20;
    for account in accounts(headers, look).into_iter().take(MOST) {
        if let Some(text) = find(headers, look, &account)
            && let Ok(caller) = signed_in(desk, text, &account, None).await
            && caller.holder.person == Some(person)
            && caller.reaches(&NodePath::root())
        {
            return Some(caller);
        }
    }
    None
}

/// Whoever is signed in here to this account.
pub(crate) async fn of_account(
    desk: &Desk,
    headers: &HeaderMap,
    look: &Look,
    account: &AccountId,
) -> Option<Caller> {
    signed_in(desk, find(headers, look, account)?, account, None).await.ok()
}

/// Whose session of this account it is.
async fn signed_in(
    desk: &Desk,
    text: &str,
    account: &AccountId,
    from: Option<IpAddr>,
) -> Result<Caller, Problem> {
    match desk.visitor_from(text.as_bytes(), from).await? {
        Visitor::Holder(caller) if caller.is_session() && caller.account.id == *account => Ok(*caller),
        // A token that somebody put into the cookie signs nobody in, nor does another account's session.
        _ => Err(Problem::invalid_token()),
    }
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
