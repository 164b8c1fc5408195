//! What members and service accounts have in common as commands show and change them.

use std::marker::PhantomData;

use api::members::EditMember;
use api::service_accounts::EditServiceAccount;
use api::{Maybe, Metadata};
use clap::Args;

use super::noun::{Noun, metadata, verbs};
use super::{ServerArgs, output};
use crate::exit::Failure;

/// What can be changed of a holder.
#[derive(Debug, Args)]
pub struct EditArgs<T: Noun> {
    #[arg(value_name = "ID", help = T::ID)]
    id: String,
    /// What it is called from now on.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The role that it has from now on; its tokens follow.
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// What to keep with it, instead of what is kept now; `{}` for nothing.
    #[arg(long, value_name = "JSON", value_parser = metadata)]
    metadata: Option<Metadata>,
    /// Refuse if it changed since it had this version.
    #[arg(long, value_name = "NUMBER")]
    version_is: Option<i64>,
    #[command(flatten)]
    server: ServerArgs,
    #[arg(skip)]
    noun: PhantomData<fn() -> T>,
}

impl<T: Noun<Place = ServerArgs>> EditArgs<T> {
    pub(super) fn member(self) -> Result<(), Failure> {
        let body = EditMember {
            name: self.name,
            role: self.role,
            metadata: self.metadata.map_or(Maybe::Absent, Maybe::Value),
            version: self.version_is,
            ..EditMember::default()
        };
        verbs::edit::<T, _>(&self.server, &self.id, &body)
    }

    pub(super) fn service_account(self) -> Result<(), Failure> {
        let body = EditServiceAccount {
            name: self.name,
            role: self.role,
            metadata: self.metadata.map_or(Maybe::Absent, Maybe::Value),
            version: self.version_is,
            ..EditServiceAccount::default()
        };
        verbs::edit::<T, _>(&self.server, &self.id, &body)
    }
}

/// Whether something works, and since when it does not.
pub(super) fn status(inactive_since: Option<&str>, time: fn(&str) -> String) -> String {
    inactive_since.map_or_else(|| "active".to_owned(), |since| format!("inactive since {}", time(since)))
}

/// The same where there is room.
pub(super) fn status_at_length(inactive_since: Option<&str>) -> String {
    status(inactive_since, output::time)
}
