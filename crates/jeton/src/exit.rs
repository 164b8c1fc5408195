//! How a command ends: its exit code, and what it says on standard error when it could not do what
//! it was asked.

use std::fmt;
use std::process::ExitCode;

use api::problem::Problem;
use domain::refusal::{Code, Refusal};

/// The exit codes that scripts rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    NotFound = 3,
    Denied = 4,
    Unreachable = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// Why a command did not do what it was asked, for the person at the keyboard.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    /// One sentence or several lines, without a secret.
    pub sentence: String,
    /// What to do about it.
    pub help: Option<String>,
    /// What the server answered, for a command that can react to it.
    pub problem: Option<Box<Problem>>,
}

impl Failure {
    pub fn new(exit: Exit, sentence: impl Into<String>) -> Self {
        Self { exit, sentence: sentence.into(), help: None, problem: None }
    }

    pub fn usage(sentence: impl Into<String>) -> Self {
        Self::new(Exit::Usage, sentence)
    }

    pub fn failed(sentence: impl Into<String>) -> Self {
        Self::new(Exit::Failed, sentence)
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Whether the server found fault with this field.
    pub fn is_about(&self, field: &str) -> bool {
        let errors = self.problem.iter().flat_map(|problem| &problem.errors);
        errors.into_iter().any(|error| error.field == field)
    }

    /// Whether the server refused with this code.
    pub fn is(&self, code: &str) -> bool {
        self.problem.as_ref().is_some_and(|problem| problem.code == code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.sentence)?;
        self.help.iter().try_for_each(|help| write!(out, "\nhelp: {help}"))
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::failed(format!("{error:#}"))
    }
}

/// A refusal is a sentence for the person at the terminal; its code is for programs. What is missing has
/// an exit code of its own.
impl From<service::Error> for Failure {
    fn from(error: service::Error) -> Self {
        match error {
            service::Error::Refused(Refusal { code: Code::NotFound, detail, .. }) => {
                Self::new(Exit::NotFound, detail)
            }
            service::Error::Refused(Refusal { detail, .. }) => Self::failed(detail),
            other => anyhow::Error::from(other).into(),
        }
    }
}

impl From<crate::config::ConfigError> for Failure {
    fn from(error: crate::config::ConfigError) -> Self {
        Self::failed(error.to_string())
    }
}
