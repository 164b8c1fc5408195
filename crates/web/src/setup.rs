use crate::api::table::Table;
pub(crate) fn routes(_: &mut Table) {}
