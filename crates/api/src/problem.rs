//! How a request is refused: RFC 9457, `application/problem+json`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A refusal. `code` is what programs should look at; it never changes its meaning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `urn:jeton:problem:<code>`
    #[serde(rename = "type")]
    #[schema(example = "urn:jeton:problem:not_found")]
    pub type_: String,
    /// The same sentence for every problem of this code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time, and what would help.
    pub detail: String,
    #[schema(example = "not_found")]
    pub code: String,
    /// The fields at fault, where it is about fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Names this request in the server's log.
    pub request_id: String,
}

/// One field at fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// The path of the field in the body, such as `holder` or `asks[3].permission`.
    pub field: String,
    pub code: String,
    pub detail: String,
}
