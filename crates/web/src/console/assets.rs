//! The one style sheet, the one script, the logo: built in, named after what they hold, kept by browsers
//! for a year.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::look::Look;
use super::packed::{self, pack};
use crate::api::call::{Call, One};
use crate::api::shape::{Answer, Shape};
use crate::api::table::Table;
use crate::problem::Problem;
use axum::body::Bytes;
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use flate2::Compression;

use super::session::Guest;

pub(crate) fn routes(table: &mut Table) {
    table.page("/console/assets/{name}", show);
}

/// What is sent beside the pages.
pub(crate) struct Assets {
    pub(crate) style: File,
    ours: File,
    pub(crate) script: File,
    pub(crate) logo: Option<File>,
    /// In the browser's tab: the operator's logo, or ours.
    pub(crate) icon: String,
}

pub(crate) struct File {
    /// From the outside.
    pub(crate) path: String,
    name: String,
    kind: &'static str,
    body: Bytes,
    /// The same for whoever takes gzip.
    packed: Bytes,
}

impl Assets {
    pub(crate) fn of(look: &Look) -> Assets {
        let style = format!("{}{}", include_str!("../../assets/console.css"), look.accent.css());
        let script = include_str!("../../assets/console.js");
        let logo = look.logo.as_ref().map(|(body, kind)| {
            let ending = if *kind == "image/svg+xml" { "svg" } else { "png" };
            File::of(look, "logo", ending, kind, body.clone().into())
        });
        const OURS: &[u8] = include_bytes!("../../assets/icon.svg");
        let ours = File::of(look, "icon", "svg", "image/svg+xml", Bytes::from_static(OURS));
        let icon = logo.as_ref().unwrap_or(&ours).path.clone();
        Assets {
            ours,
            icon,
            style: File::of(look, "console", "css", "text/css; charset=utf-8", style.into()),
            script: File::of(look, "console", "js", "text/javascript; charset=utf-8", script.into()),
            logo,
        }
    }
}

impl File {
    fn of(look: &Look, stem: &str, ending: &str, kind: &'static str, body: Bytes) -> File {
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        let name = format!("{stem}-{:016x}.{ending}", hasher.finish());
        let packed = pack(&body, Compression::best());
        File { path: format!("{}/assets/{name}", look.base), name, kind, body, packed }
    }
}

/// A file that never changes under its name.
struct Sent {
    kind: &'static str,
    body: Bytes,
    coding: Option<HeaderValue>,
}

async fn show(call: Call<Guest, One<String>>) -> Result<Sent, Problem> {
    let assets = &call.house.assets;
    let files = [Some(&assets.style), Some(&assets.script), Some(&assets.ours), assets.logo.as_ref()];
    let file = files.into_iter().flatten().find(|file| file.name == call.at.0);
    let file = file.ok_or_else(Problem::not_found)?;
    let (body, coding) = match packed::is_taken(&call.parts.headers) {
        true => (&file.packed, Some(HeaderValue::from_static("gzip"))),
        false => (&file.body, None),
    };
    Ok(Sent { kind: file.kind, body: body.clone(), coding })
}

impl IntoResponse for Sent {
    fn into_response(self) -> Response {
        // A logo that is opened by itself runs nothing either.
        const NOTHING: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static(self.kind)),
            (CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (VARY, HeaderValue::from_static("accept-encoding")),
            (HeaderName::from_static("content-security-policy"), HeaderValue::from_static(NOTHING)),
        ];
        let coding = self.coding.map(|coding| [(CONTENT_ENCODING, coding)]);
        (headers, coding, self.body).into_response()
    }
}

impl Answer for Sent {
    const STATUS: StatusCode = StatusCode::OK;

    fn shape() -> Shape {
        Shape::text("text/css")
    }
}
