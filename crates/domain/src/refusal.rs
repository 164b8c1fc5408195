//! Why a change is refused: a code for programs and a sentence for the person who must act.

use std::fmt;

/// The stable code of a refusal, as the API names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// The caller may not do this; somebody else may.
    Forbidden,
    /// The session is older than the policy allows for this; the password opens it.
    ReauthenticationRequired,
    /// There is no such thing in this account, or the caller may not know of it.
    NotFound,
    NameTaken,
    LimitReached,
    /// The thing is in a state in which this cannot be done.
    WrongState,
    /// A value that nobody could use.
    InvalidField,
    /// A value or an action that this account's policy does not know.
    NotAllowedByPolicy,
    ConfirmationRequired,
}

impl Code {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Forbidden => "forbidden",
            Self::ReauthenticationRequired => "reauthentication_required",
            Self::NotFound => "not_found",
            Self::NameTaken => "name_taken",
            Self::LimitReached => "limit_reached",
            Self::WrongState => "wrong_state",
            Self::InvalidField => "invalid_field",
            Self::NotAllowedByPolicy => "not_allowed_by_policy",
            Self::ConfirmationRequired => "confirmation_required",
        }
    }
}

/// A refused change. `field` names what to mend in the request, where one field is to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: Code,
    pub field: Option<&'static str>,
    /// A whole sentence, for the person who must act.
    pub detail: String,
}

impl Refusal {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, field: None, detail: detail.into() }
    }

    pub fn of_field(code: Code, field: &'static str, detail: impl Into<String>) -> Self {
        Self { code, field: Some(field), detail: detail.into() }
    }

    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(Code::Forbidden, detail)
    }

    pub fn invalid(field: &'static str, detail: impl Into<String>) -> Self {
        Self::of_field(Code::InvalidField, field, detail)
    }

    pub fn not_allowed(field: &'static str, detail: impl Into<String>) -> Self {
        Self::of_field(Code::NotAllowedByPolicy, field, detail)
    }

    pub fn wrong_state(detail: impl Into<String>) -> Self {
        Self::new(Code::WrongState, detail)
    }

    /// What a missing thing and another account's thing look like alike.
    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("There is no such {what} in this account."))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}

impl std::error::Error for Refusal {}
