//! Service accounts: holders of tokens that are nobody in particular. Their pages are those of
//! [`members`](super::members), in other words.

use super::members::{self, Noun};
use crate::api::table::Table;

pub(crate) fn routes(table: &mut Table) {
    members::pages(table, Noun::ServiceAccount);
}
