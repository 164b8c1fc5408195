//! What members and service accounts have in common as commands show and change them.

use std::marker::PhantomData;

use api::members::{Binding, EditMember};
use api::service_accounts::EditServiceAccount;
use api::{Maybe, Metadata};
use clap::Args;

use super::noun::{Noun, metadata, verbs};
use super::{ServerArgs, output};
use crate::exit::Failure;

/// What can be changed of a holder.
#[derive(Debug, Args)]
pub struct EditArgs<T: Noun> {
    #[arg(value_name = T::VALUE, help = T::ID)]
    id: String,
    /// What it is called from now on.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The role that it has everywhere from now on; those at nodes stay.
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// A role that it has at a node and below from now on, as in `Viewer@/sales`, instead of all that
    /// it has now; repeatable.
    #[arg(long, value_name = "ROLE@NODE", value_parser = binding, conflicts_with = "role")]
    binding: Vec<Binding>,
    /// What to keep with it, as a JSON object, instead of what is kept now; `{}` for nothing.
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
            bindings: (!self.binding.is_empty()).then_some(self.binding),
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
            bindings: (!self.binding.is_empty()).then_some(self.binding),
            metadata: self.metadata.map_or(Maybe::Absent, Maybe::Value),
            version: self.version_is,
            ..EditServiceAccount::default()
        };
        verbs::edit::<T, _>(&self.server, &self.id, &body)
    }
}

/// The roles of somebody new: everywhere, or at nodes.
#[derive(Debug, Args)]
pub struct RolesArgs {
    /// The role, as `jeton role list` names it; it holds everywhere.
    #[arg(long, value_name = "ROLE", required_unless_present = "binding")]
    pub(super) role: Option<String>,
    /// A role that holds at a node and below, as in `Viewer@/sales`; repeatable.
    #[arg(long, value_name = "ROLE@NODE", value_parser = binding)]
    pub(super) binding: Vec<Binding>,
}

/// Reads `ROLE@NODE`; a node's path has no `@`.
fn binding(text: &str) -> Result<Binding, String> {
    match text.rsplit_once('@') {
        Some((role, node)) if !role.is_empty() && node.starts_with('/') => {
            Ok(Binding { role: role.to_owned(), node: node.to_owned() })
        }
        _ => Err("expected a role and the path of a node, as in `Viewer@/sales`".to_owned()),
    }
}

/// Every role, with its place where that is not everywhere.
pub(super) fn roles(bindings: &[Binding]) -> String {
    let said = |binding: &Binding| match binding.node.as_str() {
        "/" => binding.role.clone(),
        node => format!("{}@{node}", binding.role),
    };
    bindings.iter().map(said).collect::<Vec<_>>().join(", ")
}

/// Whether something works, and since when it does not.
pub(super) fn status(inactive_since: Option<&str>, time: fn(&str) -> String) -> String {
    inactive_since.map_or_else(|| "active".to_owned(), |since| format!("inactive since {}", time(since)))
}

/// The same where there is room.
pub(super) fn status_at_length(inactive_since: Option<&str>) -> String {
    status(inactive_since, output::time)
}
