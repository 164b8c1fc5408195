//! The one moment at which a secret is seen: after it was made, and for recoverable ones whenever
//! somebody asks for it.

use askama::Template;
use axum::http::HeaderMap;
use axum::http::header::HOST;
use domain::policy::{Example, Scheme};
use domain::who::Caller;
use service::tokens::Issued;
use token::{TokenId, TokenText};

use crate::api::House;
use crate::console::frame::{Frame, Section, told};
use crate::console::look::Look;
use crate::console::reply::Reply;
use crate::console::tongue::Tongue;
use crate::problem::Problem;

#[derive(Template)]
#[template(path = "tokens/once.html")]
struct Page<'a> {
    frame: Frame<'a>,
    title: String,
    id: String,
    name: &'a str,
    secret: &'a str,
    /// Lines to paste, with what they are.
    examples: Vec<String>,
    /// It cannot be seen again.
    once: bool,
    /// Where the button leads.
    done: String,
}

/// What a form that was sent a second time is answered.
#[derive(Template)]
#[template(path = "tokens/made.html")]
struct Made<'a> {
    frame: Frame<'a>,
    id: String,
}

pub(super) async fn page(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    headers: &HeaderMap,
    issued: Issued,
) -> Result<Reply, Problem> {
    let frame = Frame::of(house, tongue, caller, Section::Tokens).await?;
    let secret = issued.text.expose();
    let page = Page {
        title: frame.word("created_title").into_owned(),
        id: issued.shown.token.id.to_string(),
        name: &issued.shown.token.name,
        secret,
        examples: examples(caller, &address(&house.look, headers), secret),
        once: true,
        done: told(&frame.path("tokens"), "created"),
        frame,
    };
    Reply::page(&house.look, &page)
}

/// A secret that the policy keeps, seen again.
pub(super) async fn revealed(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    name: &str,
    text: &TokenText,
) -> Result<Reply, Problem> {
    let frame = Frame::of(house, tongue, caller, Section::Tokens).await?;
    let id = text.id().to_string();
    let page = Page {
        title: name.to_owned(),
        done: frame.path(&format!("tokens/{id}")),
        id,
        name,
        secret: text.expose(),
        examples: Vec::new(),
        once: false,
        frame,
    };
    Reply::page(&house.look, &page)
}

pub(super) async fn made_before(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    id: TokenId,
) -> Result<Reply, Problem> {
    let frame = Frame::of(house, tongue, caller, Section::Tokens).await?;
    Reply::page(&house.look, &Made { frame, id: id.to_string() })
}

/// The first of the lines that go with a new token, without one.
pub(super) fn sample(caller: &Caller, look: &Look, headers: &HeaderMap) -> Option<String> {
    let secret = format!("{}_pat_…", caller.account.policy.brand);
    examples(caller, &address(look, headers), &secret).into_iter().next()
}

/// The server as whoever reads this reaches it.
fn address(look: &Look, headers: &HeaderMap) -> String {
    if let Some(url) = &look.public_url {
        return url.trim_end_matches('/').to_owned();
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    format!("http://{host}")
}

/// How it is used, as the policy shows it: whole lines that work when they are pasted.
fn examples(caller: &Caller, address: &str, secret: &str) -> Vec<String> {
    let policy = &caller.account.policy;
    let usual = Scheme::Authorization("Bearer".to_owned());
    let scheme = policy.schemes.first().unwrap_or(&usual);
    let header = match scheme {
        Scheme::Authorization(word) => format!("Authorization: {word} {secret}"),
        Scheme::Basic => format!("Authorization: Basic {}", base64(format!("{secret}:").as_bytes())),
        Scheme::Header(name) => format!("{name}: {secret}"),
    };
    // jeton's own routes take `Bearer`; any token may ask what it is.
    let curl = format!("curl -H \"Authorization: Bearer {secret}\" {address}/v1/tokens/self");
    match policy.example {
        Example::None => Vec::new(),
        Example::Curl => vec![curl],
        Example::Header => vec![header],
        Example::Both => vec![curl, header],
    }
}

/// RFC 4648 section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for part in bytes.chunks(3) {
        let word =
            part.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - part.len()));
        for place in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= part.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (text, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(text.as_bytes()), expected);
        }
    }
}
