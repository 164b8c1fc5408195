//! What watches over the server asks: is the process alive, does it serve, what does it serve?

use api::Empty;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::call::Call;
use super::door::Anyone;
use super::shape::{self, Shape};
use super::table::Table;
use crate::html;
use crate::json::Json;
use crate::problem::Problem;

pub(crate) fn routes(table: &mut Table) {
    table.get("/livez", "live", "Answers while the process runs.", live);
    table.get(
        "/readyz",
        "ready",
        "Answers while changes are taken; 503 otherwise and while stopping.",
        ready,
    );
    table.get("/openapi.json", "describe", "This document.", describe);
    table.get("/docs", "show_docs", "This document as a page for people.", docs);
}

async fn live(_: Call<Anyone>) -> Result<Json<Empty>, Problem> {
    Ok(Json(Empty {}))
}

async fn ready(call: Call<Anyone>) -> Result<Json<Empty>, Problem> {
    if call.house.tracker.is_draining() || !call.desk().store().health().writer_alive {
        return Err(Problem::undetermined());
    }
    Ok(Json(Empty {}))
}

async fn describe(call: Call<Anyone>) -> Result<Description, Problem> {
    Ok(Description(call.house.openapi.clone()))
}

struct Description(Bytes);

impl IntoResponse for Description {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}

impl shape::Answer for Description {
    const STATUS: StatusCode = StatusCode::OK;

    fn shape() -> Shape {
        Shape::text("application/json")
    }
}

async fn docs(call: Call<Anyone>) -> Result<Docs, Problem> {
    Ok(Docs(call.house.docs.clone()))
}

struct Docs(Bytes);

impl IntoResponse for Docs {
    fn into_response(self) -> Response {
        // The style stands in the page, and nothing that anybody sent does.
        const POLICY: &str =
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";
        (html::headers(POLICY), self.0).into_response()
    }
}

impl shape::Answer for Docs {
    const STATUS: StatusCode = StatusCode::OK;

    fn shape() -> Shape {
        Shape::text("text/html")
    }
}
