//! One request on its way to its handler, read strictly and in one order: who asks, what about,
//! the query, the body. So nobody without a credential learns whether a path or a body was right.

use std::marker::PhantomData;
use std::str::FromStr;
use std::sync::Arc;

use axum::RequestExt;
use axum::body::Bytes;
use axum::extract::{RawPathParams, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, request::Parts};
use domain::ids::AccountId;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use service::{Desk, Replay};
use tokio::sync::OwnedSemaphorePermit;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::{IntoParams, ToSchema};

use super::House;
use super::door::{AtDesk, Door, Knock};
use super::shape::Shape;
use crate::json::{self, EmptyOrJson, Json};
use crate::problem::{Code, Problem};
use crate::{query, server};

/// What a handler gets: `W` who asks, `P` the place that the path names, `Q` the query, `B` the
/// body. The types say all that the route takes; nothing else is accepted.
pub(crate) struct Call<W, P = (), Q = NoQuery, B = NoBody> {
    pub(crate) house: Arc<House>,
    pub(crate) who: W,
    pub(crate) at: P,
    pub(crate) query: Q,
    pub(crate) body: B,
    /// The body as it came.
    pub(crate) raw: Bytes,
    pub(crate) parts: Parts,
}

impl<W: Door, P: Place, Q: DeserializeOwned, B: Body> Call<W, P, Q, B> {
    pub(crate) async fn read(house: Arc<House>, request: Request) -> Result<Self, Problem> {
        let mut request = request;
        // A path that is not text in UTF-8 names nothing.
        let names = match P::NAMED {
            0 => None,
            _ => request.extract_parts::<RawPathParams>().await.ok(),
        };
        let names: Vec<(&str, &str)> = names.iter().flatten().collect();
        let account = names.iter().find(|(name, _)| *name == "account").map(|(_, value)| *value);
        let knock = Knock {
            method: request.method(),
            headers: request.headers(),
            house: &house,
            account,
            from: server::whence(request.extensions(), request.headers()),
        };
        let who = W::open(&house.desk, knock).await?;
        let names: Vec<&str> = names.into_iter().map(|(_, value)| value).collect();
        let at = P::find(&names).ok_or_else(Problem::not_found)?;
        let query = query::read(request.uri().query().unwrap_or(""))?;
        let (parts, body) = request.into_parts();
        let (body, raw) = B::read(&house, &parts.headers, body).await?;
        Ok(Call { house, who, at, query, body, raw, parts })
    }

    pub(crate) fn desk(&self) -> &Desk {
        &self.house.desk
    }
}

impl<W, P, Q, B> Call<W, P, Q, B> {
    /// Under which the same may be asked again, if the request says so.
    pub(crate) fn idempotency_key(&self) -> Result<Option<&str>, Problem> {
        let mut keys = self.parts.headers.get_all("idempotency-key").iter();
        let Some(key) = keys.next() else { return Ok(None) };
        if keys.next().is_some() {
            return Err(Problem::bad_request("Send one `Idempotency-Key` header."));
        }
        // What is no text is refused like other keys of a wrong form.
        Ok(Some(key.to_str().unwrap_or_default()))
    }
}

impl<W: AtDesk, P, Q, B> Call<W, P, Q, B> {
    /// How this request may come again, if it says so.
    pub(crate) fn replay(&self) -> Result<Option<Replay>, Problem> {
        let Some(key) = self.idempotency_key()? else { return Ok(None) };
        let route = format!("{} {}", self.parts.method, self.parts.uri.path());
        Ok(Some(self.house.desk.replay(self.who.caller(), &route, key, &self.raw)?))
    }
}

/// What a path names. A malformed id names nothing.
pub(crate) trait Place: Sized + Send {
    /// How many parameters the path has.
    const NAMED: usize;

    fn find(names: &[&str]) -> Option<Self>;
}

/// `{account}`
pub(crate) struct Account(pub(crate) AccountId);

/// `{account}/…/{id}`
pub(crate) struct Within<T>(pub(crate) AccountId, pub(crate) T);

/// `{account}/…/{id}/…/{…}`
pub(crate) struct Deep<T, U>(pub(crate) AccountId, pub(crate) T, pub(crate) U);

/// `{id}`, outside any account.
pub(crate) struct One<T>(pub(crate) T);

impl Place for () {
    const NAMED: usize = 0;

    fn find(_: &[&str]) -> Option<()> {
        Some(())
    }
}

impl Place for Account {
    const NAMED: usize = 1;

    fn find(names: &[&str]) -> Option<Account> {
        names.first()?.parse().ok().map(Account)
    }
}

impl<T: FromStr + Send> Place for Within<T> {
    const NAMED: usize = 2;

    fn find(names: &[&str]) -> Option<Within<T>> {
        let [account, id] = names else { return None };
        Some(Within(account.parse().ok()?, id.parse().ok()?))
    }
}

impl<T: FromStr + Send, U: FromStr + Send> Place for Deep<T, U> {
    const NAMED: usize = 3;

    fn find(names: &[&str]) -> Option<Deep<T, U>> {
        let [account, id, last] = names else { return None };
        Some(Deep(account.parse().ok()?, id.parse().ok()?, last.parse().ok()?))
    }
}

impl<T: FromStr + Send> Place for One<T> {
    const NAMED: usize = 1;

    fn find(names: &[&str]) -> Option<One<T>> {
        names.first()?.parse().ok().map(One)
    }
}

/// A route that takes no query: any parameter is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoQuery {}

impl IntoParams for NoQuery {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        Vec::new()
    }
}

/// How a route takes its body.
pub(crate) trait Body: Sized + Send {
    /// None for a route that takes none.
    fn shape() -> Option<Shape>;

    /// The body read, and as it came.
    fn read(
        house: &House,
        headers: &HeaderMap,
        body: axum::body::Body,
    ) -> impl Future<Output = Result<(Self, Bytes), Problem>> + Send;
}

/// A route that takes no body, and reads none.
pub(crate) struct NoBody;

impl Body for NoBody {
    fn shape() -> Option<Shape> {
        None
    }

    async fn read(_: &House, _: &HeaderMap, _: axum::body::Body) -> Result<(NoBody, Bytes), Problem> {
        Ok((NoBody, Bytes::new()))
    }
}

impl<T: DeserializeOwned + ToSchema + Send> Body for Json<T> {
    fn shape() -> Option<Shape> {
        Some(Shape::json::<T>())
    }

    async fn read(
        _: &House,
        headers: &HeaderMap,
        body: axum::body::Body,
    ) -> Result<(Json<T>, Bytes), Problem> {
        json::check_headers(headers)?;
        let raw = json::collect_body(headers, body, json::MAX_BODY).await?;
        Ok((Json(json::from_slice(&raw)?), raw))
    }
}

/// A JSON body that is not read before it is known who wrote it: as it came, it is in `Call::raw`, and it
/// looks like a `T`.
pub(crate) struct Unread<T>(PhantomData<fn() -> T>);

impl<T: ToSchema> Body for Unread<T> {
    fn shape() -> Option<Shape> {
        Some(Shape::json::<T>())
    }

    async fn read(
        _: &House,
        headers: &HeaderMap,
        body: axum::body::Body,
    ) -> Result<(Unread<T>, Bytes), Problem> {
        json::check_headers(headers)?;
        Ok((Unread(PhantomData), json::collect_body(headers, body, json::MAX_BODY).await?))
    }
}

/// A JSON body of many items, which may be longer than others. Only so many are in memory at a time:
/// whoever brings one more waits with it before it is read.
pub(crate) struct Many<T> {
    pub(crate) items: T,
    _turn: OwnedSemaphorePermit,
}

/// Bodies of many items in memory at a time.
pub(crate) const BATCHES: usize = 4;

impl<T: DeserializeOwned + ToSchema + Send> Body for Many<T> {
    fn shape() -> Option<Shape> {
        Some(Shape::json::<T>())
    }

    async fn read(
        house: &House,
        headers: &HeaderMap,
        body: axum::body::Body,
    ) -> Result<(Many<T>, Bytes), Problem> {
        json::check_headers(headers)?;
        let turn = house.batches.clone().acquire_owned().await.map_err(|_| Problem::undetermined())?;
        let raw = json::collect_body(headers, body, json::MAX_BATCH).await?;
        Ok((Many { items: json::from_slice(&raw)?, _turn: turn }, raw))
    }
}

impl<T: DeserializeOwned + Default + ToSchema + Send> Body for EmptyOrJson<T> {
    fn shape() -> Option<Shape> {
        Some(Shape { required: false, ..Shape::json::<T>() })
    }

    async fn read(
        _: &House,
        headers: &HeaderMap,
        body: axum::body::Body,
    ) -> Result<(EmptyOrJson<T>, Bytes), Problem> {
        json::check_encoding(headers)?;
        let raw = json::collect_body(headers, body, json::MAX_BODY).await?;
        if raw.is_empty() {
            return Ok((EmptyOrJson(T::default()), raw));
        }
        json::check_headers(headers)?;
        Ok((EmptyOrJson(json::from_slice(&raw)?), raw))
    }
}

/// A form as a page without scripts sends it, not read yet: its fields are those of a `T`.
pub(crate) struct Form<T> {
    pub(crate) text: String,
    like: PhantomData<fn() -> T>,
}

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

impl<T: ToSchema> Body for Form<T> {
    fn shape() -> Option<Shape> {
        Some(Shape { content_type: FORM, ..Shape::json::<T>() })
    }

    async fn read(
        _: &House,
        headers: &HeaderMap,
        body: axum::body::Body,
    ) -> Result<(Form<T>, Bytes), Problem> {
        let (text, raw) = form(headers, body).await?;
        Ok((Form { text, like: PhantomData }, raw))
    }
}

/// The text of a form, and the same as it came.
pub(crate) async fn form(headers: &HeaderMap, body: axum::body::Body) -> Result<(String, Bytes), Problem> {
    json::check_encoding(headers)?;
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let is_form = types.next().is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(FORM.as_bytes()));
    if !is_form || types.next().is_some() {
        return Err(Problem::new(Code::UnsupportedMediaType, "Send the form as the page does."));
    }
    let raw = json::collect_body(headers, body, json::MAX_BODY).await?;
    let text =
        std::str::from_utf8(&raw).map_err(|_| Problem::bad_request("The form is not text in UTF-8."))?;
    Ok((text.to_owned(), raw))
}
