//! What bodies look like, for the description of the API, and how answers are written.

use api::Page;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use crate::json::Json;

/// Schemas by name.
pub(crate) type Schemas = Vec<(String, RefOr<Schema>)>;

/// What a body looks like.
pub(crate) struct Shape {
    pub(crate) content_type: &'static str,
    /// Other types that the same may come in.
    pub(crate) also: &'static [&'static str],
    pub(crate) required: bool,
    /// None where it is text of its type and nothing more is promised.
    pub(crate) schema: Option<JsonShape>,
}

pub(crate) struct JsonShape {
    pub(crate) schema: fn() -> RefOr<Schema>,
    /// Its name and those of everything that it refers to.
    pub(crate) collect: fn(&mut Schemas),
    pub(crate) name: fn() -> String,
}

impl Shape {
    pub(crate) fn json<T: ToSchema>() -> Shape {
        let schema = JsonShape { schema: T::schema, collect: T::schemas, name: || T::name().into_owned() };
        Shape { content_type: "application/json", also: &[], required: true, schema: Some(schema) }
    }

    pub(crate) fn text(content_type: &'static str) -> Shape {
        Shape { content_type, also: &[], required: true, schema: None }
    }
}

/// How a route answers when it does what was asked.
pub(crate) trait Answer: IntoResponse {
    const STATUS: StatusCode;
    /// Another status, where what was asked for can come about in two ways.
    const ALSO: Option<StatusCode> = None;

    fn shape() -> Shape;
}

impl<T: Serialize + ToSchema> Answer for Json<T> {
    const STATUS: StatusCode = StatusCode::OK;

    fn shape() -> Shape {
        Shape::json::<T>()
    }
}

/// A page of a list.
pub(crate) struct Listed<T>(pub(crate) Page<T>);

impl<T: Serialize> IntoResponse for Listed<T> {
    fn into_response(self) -> Response {
        Json(self.0).into_response()
    }
}

impl<T: Serialize + ToSchema> Answer for Listed<T> {
    const STATUS: StatusCode = StatusCode::OK;

    fn shape() -> Shape {
        let collect = |schemas: &mut Schemas| {
            schemas.push((T::name().into_owned(), T::schema()));
            T::schemas(schemas);
        };
        // Pages of different things are different things.
        let name = || format!("{}Page", T::name());
        let schema = JsonShape { schema: Page::<T>::schema, collect, name };
        Shape { schema: Some(schema), ..Shape::text("application/json") }
    }
}

/// 201, with the path of what was made.
pub(crate) struct Created<T> {
    pub(crate) location: String,
    pub(crate) body: T,
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.body).into_response();
        *response.status_mut() = StatusCode::CREATED;
        // Paths are made of slugs and ids, which are ASCII.
        if let Ok(location) = HeaderValue::try_from(self.location) {
            response.headers_mut().insert(LOCATION, location);
        }
        response
    }
}

impl<T: Serialize + ToSchema> Answer for Created<T> {
    const STATUS: StatusCode = StatusCode::CREATED;

    fn shape() -> Shape {
        Shape::json::<T>()
    }
}

/// 202: what came is taken, and nothing is said of what it was worth.
pub(crate) struct Accepted<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Accepted<T> {
    fn into_response(self) -> Response {
        (StatusCode::ACCEPTED, Json(self.0)).into_response()
    }
}

impl<T: Serialize + ToSchema> Answer for Accepted<T> {
    const STATUS: StatusCode = StatusCode::ACCEPTED;

    fn shape() -> Shape {
        Shape::json::<T>()
    }
}

/// 201 with the path of what was made, or 200 where it was there before.
pub(crate) enum Put<T> {
    Made(Created<T>),
    There(T),
}

impl<T: Serialize> IntoResponse for Put<T> {
    fn into_response(self) -> Response {
        match self {
            Put::Made(created) => created.into_response(),
            Put::There(body) => Json(body).into_response(),
        }
    }
}

impl<T: Serialize + ToSchema> Answer for Put<T> {
    const STATUS: StatusCode = StatusCode::OK;
    const ALSO: Option<StatusCode> = Some(StatusCode::CREATED);

    fn shape() -> Shape {
        Shape::json::<T>()
    }
}

/// JSON that was written already and looks like a `T`.
pub(crate) struct Written<T> {
    pub(crate) body: Vec<u8>,
    pub(crate) like: std::marker::PhantomData<fn() -> T>,
}

impl<T> IntoResponse for Written<T> {
    fn into_response(self) -> Response {
        const JSON: (HeaderName, HeaderValue) = (CONTENT_TYPE, HeaderValue::from_static("application/json"));
        ([JSON], self.body).into_response()
    }
}

impl<T: ToSchema> Answer for Written<T> {
    const STATUS: StatusCode = StatusCode::OK;

    fn shape() -> Shape {
        Shape::json::<T>()
    }
}
