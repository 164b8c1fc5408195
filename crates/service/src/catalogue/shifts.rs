//! Whose tokens would do less, or more, in another version of their account: what a role's edit would
//! change is told before it is made.

use std::collections::HashMap;

use domain::facts::Account;
use domain::ids::HolderId;
use domain::roles::Shift;
use domain::time::Timestamp;

use super::block::flag;
use super::scan;
use super::shelf::Shelf;
use super::want::Want;

/// Tokens of one holder that would do less, and those that would do more. One may be among both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shifted {
    pub losing: u64,
    pub gaining: u64,
}

/// By holder, of the tokens that are wanted. Most share a grant, a place and their holder's roles, so the
/// rules are asked once for all of those.
pub(super) fn shifts(
    shelves: &[&Shelf],
    want: &Want,
    before: &Account,
    after: &Account,
    now: Timestamp,
) -> HashMap<HolderId, Shifted> {
    let mut known: HashMap<(u32, u32, u32, bool), Shift> = HashMap::new();
    // By the holder's number; a scan of one account stays on one shelf.
    let mut found: HashMap<u32, Shifted> = HashMap::new();
    scan::every(shelves, want, now, |shelf, _, block, row| {
        let columns = &shelf.blocks[block];
        let number = columns.holders[row];
        let bindings = shelf.holders[number as usize].bindings;
        let desk = columns.flags[row] & flag::DESK != 0;
        let key = (columns.grants[row], columns.nodes[row], bindings, desk);
        let shift = *known.entry(key).or_insert_with(|| {
            let Some(holder) = &shelf.like[bindings as usize] else { return Shift::default() };
            let (grant, node) = (&shelf.grants.all[key.0 as usize], &shelf.nodes.all[key.1 as usize]);
            Shift::of_token(grant, desk, node, holder, before, after)
        });
        if !shift.is_none() {
            let shifted = found.entry(number).or_default();
            shifted.losing += u64::from(!shift.lost.is_empty());
            shifted.gaining += u64::from(!shift.gained.is_empty());
        }
    });
    let named = shelves.iter().flat_map(|shelf| shelf.numbered());
    named.filter_map(|(id, number)| Some((id, found.remove(&number)?))).collect()
}
