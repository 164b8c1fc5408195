//! How many tokens there are of each sort: what a security officer looks at first.

use std::collections::BTreeMap;

use domain::grant::Grant;
use domain::ids::{AccountId, HolderId};
use domain::life::State;
use domain::time::{DAY, Timestamp};
use token::Kind;

use super::block::{NEVER_ENDS, NEVER_USED};
use super::scan;
use super::shelf::{CODE_BITS, KINDS, Shelf};
use super::want::Want;

/// Numbers of tokens, each token once in every one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub count: u64,
    pub accounts: u64,
    pub by_status: BTreeMap<State, u64>,
    pub by_kind: BTreeMap<Kind, u64>,
    /// By the name of the role that was given; none for other permissions.
    pub by_role: BTreeMap<Option<String>, u64>,
    /// Time since they were created.
    pub by_age: Buckets,
    /// Time until they expire; `past` for those that did, `never` for those that do not.
    pub by_expiry: Buckets,
    /// Time since they were last used.
    pub by_last_use: Buckets,
}

/// By how far a moment is from now: within a week, a month of 30 days, three of them, a year of 365.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Buckets {
    pub past: u64,
    pub days_7: u64,
    pub days_30: u64,
    pub days_90: u64,
    pub days_365: u64,
    pub longer: u64,
    pub never: u64,
}

impl Buckets {
    /// `distance` in microseconds.
    fn add(&mut self, distance: i64) {
        let bucket = match distance {
            ..=0 => &mut self.past,
            _ if distance <= 7 * DAY => &mut self.days_7,
            _ if distance <= 30 * DAY => &mut self.days_30,
            _ if distance <= 90 * DAY => &mut self.days_90,
            _ if distance <= 365 * DAY => &mut self.days_365,
            _ => &mut self.longer,
        };
        *bucket += 1;
    }
}

pub(super) fn tally<'a>(shelves: &[&'a Shelf], want: &Want, now: Timestamp) -> Tally {
    let mut tally = Tally::default();
    let (mut states, mut kinds) = ([0; State::ALL.len()], [0; KINDS.len()]);
    // Of the shelf at hand: its grants by number, added up by name once it is done.
    let mut at_hand: Option<&'a Shelf> = None;
    let mut grants: Vec<u64> = Vec::new();
    let micros = now.as_micros();
    scan::every(shelves, want, now, |shelf, state, block, row| {
        if !at_hand.is_some_and(|before| std::ptr::eq(before, shelf)) {
            if let Some(before) = at_hand.replace(shelf) {
                add_roles(&mut tally, before, &grants);
            }
            tally.accounts += 1;
            grants.clear();
            grants.resize(shelf.grants.all.len(), 0);
        }
        let columns = &shelf.blocks[block];
        tally.count += 1;
        states[state as usize] += 1;
        kinds[(columns.ids[row] >> CODE_BITS) as usize] += 1;
        grants[columns.grants[row] as usize] += 1;
        // What was made this very moment is a week old at most, and not past.
        tally.by_age.add((micros - columns.created[row]).max(1));
        match columns.expires[row] {
            NEVER_ENDS => tally.by_expiry.never += 1,
            end => tally.by_expiry.add(end - micros),
        }
        match columns.used[row] {
            NEVER_USED => tally.by_last_use.never += 1,
            used => tally.by_last_use.add((micros - used).max(1)),
        }
    });
    if let Some(last) = at_hand {
        add_roles(&mut tally, last, &grants);
    }
    let counted = |count: &u64| *count > 0;
    tally.by_status = State::ALL.into_iter().zip(states).filter(|(_, count)| counted(count)).collect();
    tally.by_kind = KINDS.into_iter().zip(kinds).filter(|(_, count)| counted(count)).collect();
    tally
}

fn add_roles(tally: &mut Tally, shelf: &Shelf, grants: &[u64]) {
    for (grant, count) in shelf.grants.all.iter().zip(grants).filter(|(_, count)| **count > 0) {
        let role = match grant {
            Grant::Role(id) => shelf.account.role(*id).map(|role| role.name.clone()),
            _ => None,
        };
        *tally.by_role.entry(role).or_default() += count;
    }
}

/// Who has most of the tokens that are wanted, the first of them at most `most`.
pub(super) fn holders(
    shelves: &[&Shelf],
    want: &Want,
    most: usize,
    now: Timestamp,
) -> Vec<(AccountId, HolderId, u64)> {
    let mut found: Vec<(AccountId, HolderId, u64)> = Vec::new();
    for shelf in shelves.iter().copied() {
        let mut counts = vec![0_u64; shelf.holders.len()];
        scan::every(&[shelf], want, now, |shelf, _, block, row| {
            counts[shelf.blocks[block].holders[row] as usize] += 1;
        });
        let mut numbers: Vec<u32> = (0..counts.len() as u32).collect();
        numbers.retain(|number| counts[*number as usize] > 0);
        numbers.sort_by_key(|number| std::cmp::Reverse(counts[*number as usize]));
        numbers.truncate(most);
        let named = shelf.numbered().filter(|(_, number)| numbers.contains(number));
        found.extend(named.map(|(id, number)| (shelf.account.id.clone(), id, counts[number as usize])));
        found.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| (&a.0, a.1).cmp(&(&b.0, b.1))));
        found.truncate(most);
    }
    found
}
