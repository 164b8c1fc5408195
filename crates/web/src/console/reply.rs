//! How a page leaves: its HTML with the headers that every page has, or the way to another page; and
//! how a refusal becomes a page.

use std::borrow::Cow;

use askama::Template;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};

use super::frame::Bare;
use super::look::Look;
use super::packed::Packable;
use super::tongue::Tongue;
use super::{ROOT, sign_in};
use crate::api::House;
use crate::api::shape::{Answer, Shape};
use crate::problem::{Code, Problem};

/// A page, or where to go instead.
pub(crate) struct Reply {
    what: What,
    cookies: Vec<HeaderValue>,
}

enum What {
    Page {
        status: StatusCode,
        html: String,
        policy: HeaderValue,
        /// It shows no secret and can be long.
        packable: bool,
    },
    /// 303: to be read with GET, wherever it came from.
    Elsewhere(HeaderValue),
}

impl Reply {
    pub(crate) fn page(look: &Look, page: &impl Template) -> Result<Reply, Problem> {
        let html = page.render().map_err(|error| {
            tracing::error!(%error, "a page could not be written");
            Problem::internal()
        })?;
        let policy = HeaderValue::try_from(look.content_policy())
            .expect("origins were checked when the configuration was read");
        Ok(Reply {
            what: What::Page { status: StatusCode::OK, html, policy, packable: false },
            cookies: Vec::new(),
        })
    }

    /// The same page for what was refused: a form with what was typed and what is wrong with it.
    pub(crate) fn with_status(mut self, new: StatusCode) -> Reply {
        if let What::Page { status, .. } = &mut self.what {
            *status = new;
        }
        self
    }

    /// The same in fewer bytes, for lists. Never for a page that shows a secret; see [`packed`](super::packed).
    pub(crate) fn packable(mut self) -> Reply {
        if let What::Page { packable, .. } = &mut self.what {
            *packable = true;
        }
        self
    }

    /// `path` is below the console's root and begins with `/`; names in it are slugs, ids or were
    /// percent-encoded.
    pub(crate) fn to(look: &Look, path: &str) -> Reply {
        let place = HeaderValue::try_from(format!("{}{path}", look.base));
        let place = place.unwrap_or(HeaderValue::from_static(ROOT));
        Reply { what: What::Elsewhere(place), cookies: Vec::new() }
    }

    pub(crate) fn cookie(mut self, cookie: HeaderValue) -> Reply {
        self.cookies.push(cookie);
        self
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = match self.what {
            What::Page { status, html, policy, packable } => {
                let html = Bytes::from(html);
                let mut response = (status, headers(policy), html.clone()).into_response();
                if packable {
                    response.extensions_mut().insert(Packable(html));
                }
                response
            }
            What::Elsewhere(place) => (StatusCode::SEE_OTHER, [(LOCATION, place)]).into_response(),
        };
        for cookie in self.cookies {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response
    }
}

/// Nobody else's window has a hand on it, nobody is told its address, nothing is guessed.
fn headers(policy: HeaderValue) -> [(HeaderName, HeaderValue); 5] {
    [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, policy),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    ]
}

impl Answer for Reply {
    const STATUS: StatusCode = StatusCode::OK;
    const ALSO: Option<StatusCode> = Some(StatusCode::SEE_OTHER);

    fn shape() -> Shape {
        Shape::text("text/html")
    }
}

/// What stands where a page would, when there is none to show.
#[derive(Template)]
#[template(path = "refused.html")]
struct Refused<'a> {
    frame: Bare<'a>,
    title: &'a str,
    detail: &'a str,
}

/// What is kept of a request, so that a refusal of it can be a page.
pub(crate) struct Asked {
    tongue: Tongue,
    /// Where to come back to; a form cannot be sent again from an address.
    back: String,
}

impl Asked {
    pub(crate) fn of(house: &House, request: &Request) -> Asked {
        let at = request.uri().path_and_query().filter(|_| *request.method() == Method::GET);
        let back = at.and_then(|at| at.as_str().strip_prefix(ROOT)).unwrap_or("");
        Asked { tongue: Tongue::of(&house.look, request.headers()), back: back.to_owned() }
    }

    /// A refusal as a page. Whoever is not signed in is led there, and back afterwards.
    pub(crate) fn refused(self, house: &House, problem: Problem) -> Response {
        let look = &house.look;
        if problem.code() == Code::Unauthenticated {
            return Reply::to(look, &sign_in::link(&self.back)).into_response();
        }
        let frame = Bare::of(house, self.tongue);
        let (title, detail) = words(self.tongue, &problem);
        let page = Refused { frame, title: &title, detail: &detail };
        match Reply::page(look, &page) {
            Ok(reply) => reply.with_status(problem.status()).into_response(),
            Err(problem) => problem.into_response(),
        }
    }
}

/// A problem's title and detail for somebody who reads a page: where we have sentences for it, those. Of most
/// the rules say more, in English.
fn words(tongue: Tongue, problem: &Problem) -> (Cow<'static, str>, Cow<'_, str>) {
    let code = problem.code().as_str().replace('_', "-");
    let ours = |name: String| tongue.knows(&name).then(|| tongue.say(&name));
    let title = ours(format!("refused-title-{code}")).unwrap_or(problem.code().title().into());
    (title, ours(format!("refused-{code}")).unwrap_or(problem.detail().into()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::{Look, Problem, words};
    use crate::console::look::Locale;
    use crate::console::tongue::Tongue;
    use crate::problem::Code;

    /// A page of another language that answers in English in the middle of it looks broken.
    #[test]
    fn whatever_is_refused_is_refused_in_the_reader_s_language() {
        let look = Look { locale: Some(Locale::German), ..Look::default() };
        let german = Tongue::of(&look, &HeaderMap::new());
        for code in Code::ALL {
            let problem = Problem::new(code, "A sentence of the rules.");
            let (title, detail) = words(german, &problem);
            assert_ne!(title, code.title(), "{code:?}");
            // Whoever is not signed in is led to signing in.
            assert!(code == Code::Unauthenticated || detail != "A sentence of the rules.", "{code:?}");
        }
    }
}
