//! What becomes of an account's tokens under another policy: a walk along all of them, each asked of
//! `domain::outlook`.

use std::collections::HashMap;

use domain::outlook::{Outlook, Shift, Turn};
use domain::policy::Policy;
use domain::time::Timestamp;
use token::Kind;

use super::block::flag;
use super::shelf::{CODE_BITS, KINDS, Shelf};

/// How many tokens change, and how. Logins are not among them: they are no tokens to those who change
/// a policy, and none of its switches reaches one that has begun.
pub(super) fn outlook(shelf: &Shelf, next: &Policy, now: Timestamp) -> Outlook {
    let turn = Turn::of(&shelf.account, next, now);
    let mut outlook = Outlook::default();
    // Most tokens share a grant, a place and their holder's roles.
    let mut known: HashMap<(u32, u32, u32, bool), Shift> = HashMap::new();
    for (number, block) in shelf.blocks.iter().enumerate() {
        for row in 0..block.len() {
            let kind = KINDS[(block.ids[row] >> CODE_BITS) as usize];
            if !matches!(kind, Kind::Pat | Kind::Sat) {
                continue;
            }
            let standing = shelf.standing(number, row).copied().unwrap_or_default();
            let fate = turn.fate(kind, &shelf.life(number, row), &standing);
            outlook.add(fate, || {
                let bindings = shelf.holders[block.holders[row] as usize].bindings;
                let desk = block.flags[row] & flag::DESK != 0;
                let key = (block.grants[row], block.nodes[row], bindings, desk);
                *known.entry(key).or_insert_with(|| {
                    let Some(holder) = &shelf.like[bindings as usize] else { return Shift::Same };
                    let (grant, node) = (&shelf.grants.all[key.0 as usize], &shelf.nodes.all[key.1 as usize]);
                    turn.rights(grant, desk, node, holder)
                })
            });
        }
    }
    outlook
}
