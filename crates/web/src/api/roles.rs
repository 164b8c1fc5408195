use super::table::Table;
pub(crate) fn routes(_: &mut Table) {}
