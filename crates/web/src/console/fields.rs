//! What a form sent: each field once, read as text, and kept to be shown again where something was wrong.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::http::HeaderMap;

use crate::api::House;
use crate::api::call::{self, Body};
use crate::api::shape::Shape;
use crate::problem::Problem;
use crate::query;

/// The fields of a form by name, as they were typed. A password may be among them, so it does not print.
#[derive(Clone, Default)]
pub(crate) struct Fields(BTreeMap<String, String>);

impl Body for Fields {
    fn shape() -> Option<Shape> {
        Some(Shape::text(call::FORM))
    }

    async fn read(
        _: &House,
        headers: &HeaderMap,
        body: axum::body::Body,
    ) -> Result<(Fields, Bytes), Problem> {
        let (text, raw) = call::form(headers, body).await?;
        Ok((Fields(query::read_form(&text)?), raw))
    }
}

impl Fields {
    /// What was typed, without space around it; empty where nothing was sent.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |text| text.trim())
    }

    /// None where nothing was typed.
    pub(crate) fn given(&self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    pub(crate) fn is(&self, name: &str, value: &str) -> bool {
        self.text(name) == value
    }

    /// Whether a box was ticked.
    pub(crate) fn ticked(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The fields whose names begin so, with the rest of their names.
    pub(crate) fn under<'f>(&'f self, prefix: &'f str) -> impl Iterator<Item = (&'f str, &'f str)> {
        self.0.iter().filter_map(move |(name, text)| Some((name.strip_prefix(prefix)?, text.as_str())))
    }

    /// Every field that was sent, with its text.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.under("")
    }

    /// What a form begins with.
    pub(crate) fn put(&mut self, name: &str, text: impl Into<String>) {
        self.0.insert(name.to_owned(), text.into());
    }

    /// Takes a secret out, so that no page shows it again.
    pub(crate) fn take(&mut self, name: &str) -> String {
        self.0.remove(name).unwrap_or_default()
    }
}
