//! What a list asks for, and which rows of a shelf that is.

use std::cell::RefCell;
use std::collections::HashMap;

use domain::grant::{self, Grant};
use domain::ids::{AccountId, HolderId};
use domain::life::{Lens, State};
use domain::node::NodePath;
use domain::permission::PermissionSet;
use domain::policy::LoginMode;
use domain::time::{Period, Timestamp};
use token::{Kind, TokenId};

use super::block::{NEVER_ENDS, NEVER_USED, flag};
use super::mask::Mask;
use super::shelf::{CODE_BITS, KINDS, Shelf, unpack};
use super::text::{May, Text};

/// Which tokens. Everything that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Want {
    pub account: Option<AccountId>,
    pub holder: Option<HolderId>,
    pub issued_by: Option<HolderId>,
    /// Tokens that were given the role of this name.
    pub role: Option<String>,
    /// Empty: all but deleted ones. Deleted ones are wanted only by name, and only where the account's
    /// policy lists them.
    pub states: Vec<State>,
    /// Also those that would be in such a state if they had not been rotated.
    pub though_rotated: bool,
    /// Empty: those that the account's policy lists among tokens.
    pub kinds: Vec<Kind>,
    /// At this node or below.
    pub node: Option<NodePath>,
    /// Tokens that may do all of this at their node or somewhere below, whatever state they are in.
    pub permission: Option<PermissionSet>,
    /// A part of the name or of the id, letter case of ASCII apart.
    pub text: Option<String>,
    pub created: Span,
    /// What never expires does so after everything else.
    pub expires: Span,
    pub never_expires: Option<bool>,
    /// What was never used was so before everything else.
    pub used: Span,
    pub never_used: Option<bool>,
}

/// From `from` on, and before `to`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
}

impl Span {
    fn bounds(self) -> (i64, i64) {
        let micros = Timestamp::as_micros;
        (self.from.map_or(i64::MIN, micros), self.to.map_or(i64::MAX, |to| micros(to).saturating_sub(1)))
    }
}

/// Lenses of many accounts: most share their policy's rules on time, and working one out takes a search.
#[derive(Default)]
pub(super) struct Lenses(HashMap<(Option<Period>, Option<i64>), Lens>);

impl Lenses {
    pub(super) fn of(&mut self, shelf: &Shelf, now: Timestamp) -> Lens {
        let account = &shelf.account;
        let policy = &account.policy;
        let lens = *self
            .0
            .entry((policy.expiry.max, policy.first_notice()))
            .or_insert_with(|| Lens::of(account, now));
        Lens {
            closed: account.inactive_since.is_some(),
            suspends: policy.on_inactive == domain::policy::OnInactive::Suspend,
            ..lens
        }
    }
}

/// A [`Want`] as it stands to one shelf: names have become the shelf's numbers.
pub(super) struct Bound<'a, 't> {
    shelf: &'a Shelf,
    lens: Lens,
    holder: Option<u32>,
    issuer: Option<u32>,
    grant: Option<u32>,
    /// Of each node, whether it is wanted.
    nodes: Option<Vec<bool>>,
    kinds: u8,
    states: u16,
    though_rotated: bool,
    created: (i64, i64),
    expires: (i64, i64),
    used: (i64, i64),
    permission: Option<Rights>,
    text: Option<&'t Text>,
    /// A place for names in lower case.
    lower: RefCell<Vec<u8>>,
}

impl<'a, 't> Bound<'a, 't> {
    /// None where nothing on the shelf can be wanted.
    pub(super) fn new(want: &Want, text: Option<&'t Text>, shelf: &'a Shelf, lens: Lens) -> Option<Self> {
        let account = &shelf.account;
        if want.account.as_ref().is_some_and(|id| *id != account.id) {
            return None;
        }
        let find = |id: Option<HolderId>| match id {
            Some(id) => shelf.find_holder(id).map(Some),
            None => Some(None),
        };
        let grant = match &want.role {
            Some(name) => Some(shelf.grants.find(&Grant::Role(account.role_named(name)?.id))?),
            None => None,
        };
        let nodes = want.node.as_ref().map(|node| shelf.nodes.all.iter().map(|at| node.covers(at)).collect());
        let (mut expires, mut used) = (want.expires.bounds(), want.used.bounds());
        match want.never_expires {
            Some(true) => expires.0 = NEVER_ENDS,
            Some(false) => expires.1 = expires.1.min(NEVER_ENDS - 1),
            None => {}
        }
        match want.never_used {
            Some(true) => used.1 = NEVER_USED,
            Some(false) => used.0 = used.0.max(NEVER_USED + 1),
            None => {}
        }
        Some(Self {
            shelf,
            lens,
            holder: find(want.holder)?,
            issuer: find(want.issued_by)?,
            grant,
            nodes,
            kinds: kinds(want, shelf),
            states: states(want, shelf),
            though_rotated: want.though_rotated,
            created: want.created.bounds(),
            expires,
            used,
            permission: want.permission.map(|wanted| Rights { wanted, known: RefCell::default() }),
            text,
            lower: RefCell::default(),
        })
        .filter(|bound| bound.kinds != 0 && bound.states != 0)
    }

    pub(super) fn shelf(&self) -> &'a Shelf {
        self.shelf
    }

    /// The rows of a block that may be wanted, by what is known of the block: their states, and whether the text
    /// can be there at all.
    pub(super) fn sift(&self, number: usize) -> Sift {
        let block = &self.shelf.blocks[number];
        let mut rows = Mask::first(block.len());
        if block.kinds & !self.kinds != 0 {
            rows.keep(&block.ids, |id: u64| self.kinds >> (id >> CODE_BITS) & 1 == 1);
        }
        let text = self.text.map(|text| text.may_be_in(block));
        if text.is_some_and(May::is_nowhere) {
            rows = Mask::NONE;
        } else {
            self.keep_states(number, &mut rows);
        }
        Sift { none: rows.is_empty(), rows, text, swept: false, missed: 0 }
    }

    /// Leaves of a block's rows those that fit, column by column, and may have the text.
    fn sweep(&self, number: usize, sift: &mut Sift) {
        let (block, rows) = (&self.shelf.blocks[number], &mut sift.rows);
        let is = |rows: &mut Mask, wanted: Option<u32>, column: &[u32]| {
            if let Some(wanted) = wanted {
                rows.keep(column, |value| value == wanted);
            }
        };
        is(rows, self.holder, &block.holders);
        is(rows, self.issuer, &block.issuers);
        is(rows, self.grant, &block.grants);
        if let Some(nodes) = &self.nodes {
            rows.keep(&block.nodes, |node| nodes.get(node as usize) == Some(&true));
        }
        let lies = |rows: &mut Mask, (from, to): (i64, i64), column: &[i64]| {
            if (from, to) != (i64::MIN, i64::MAX) {
                rows.keep(column, |value| from <= value && value <= to);
            }
        };
        lies(rows, self.created, &block.created);
        lies(rows, self.expires, &block.expires);
        lies(rows, self.used, &block.used);
        if let (Some(text), Some(may)) = (self.text, sift.text)
            && !rows.is_empty()
        {
            text.narrow(block, rows, may);
        }
        sift.swept = true;
    }

    /// The same of one row, but for the text.
    fn fits(&self, number: usize, row: usize) -> bool {
        let block = &self.shelf.blocks[number];
        let is = |wanted: Option<u32>, value: u32| wanted.is_none_or(|wanted| value == wanted);
        let lies = |(from, to): (i64, i64), value: i64| from <= value && value <= to;
        let at = |nodes: &Vec<bool>| nodes.get(block.nodes[row] as usize) == Some(&true);
        is(self.holder, block.holders[row])
            && is(self.issuer, block.issuers[row])
            && is(self.grant, block.grants[row])
            && self.nodes.as_ref().is_none_or(at)
            && lies(self.created, block.created[row])
            && lies(self.expires, block.expires[row])
            && lies(self.used, block.used[row])
    }

    fn keep_states(&self, number: usize, rows: &mut Mask) {
        const ROTATED: u16 = 1 << State::Rotated as u16 | 1 << State::Grace as u16;
        let (shelf, states) = (self.shelf, &self.shelf.blocks[number].states);
        let mut rotated = *rows;
        states.keep(rows, self.states, shelf, number, &self.lens);
        if self.though_rotated {
            states.keep(&mut rotated, ROTATED, shelf, number, &self.lens);
            let before = |row: &usize| shelf.state_before_rotation(&self.lens, number, *row);
            let wanted = rotated.rows().filter(|row| self.states >> (before(row) as u16) & 1 == 1);
            wanted.for_each(|row| rows.add(row));
        }
    }

    /// Whether a row is wanted. Rows are looked at one by one, until all at once takes less.
    pub(super) fn wants(&self, number: usize, row: usize, sift: &mut Sift) -> bool {
        if !sift.rows.has(row) {
            return false;
        }
        if !sift.swept && !self.fits(number, row) {
            self.miss(number, sift, 0);
            return false;
        }
        if let (Some(text), Some(may)) = (self.text, sift.text) {
            let block = &self.shelf.blocks[number];
            if !text.is_in(block, row, may) {
                self.miss(number, sift, may.effort());
                return false;
            }
        }
        self.permission.as_ref().is_none_or(|rights| rights.are_had(self.shelf, number, row))
    }

    /// Counts a row that is not wanted, and what was spent on its text.
    fn miss(&self, number: usize, sift: &mut Sift, effort: u32) {
        sift.missed += if sift.swept { effort } else { 1 };
        if !sift.swept && sift.missed == UNSWEPT {
            self.sweep(number, sift);
            sift.none = sift.rows.is_empty();
            sift.missed = 0;
        } else if sift.missed >= MISSED
            && let (Some(text), Some(may)) = (self.text, sift.text)
        {
            let block = &self.shelf.blocks[number];
            sift.rows.and(&text.rows(block, may, &mut self.lower.borrow_mut()));
            sift.text = None;
            sift.none = sift.rows.is_empty();
        }
    }

    pub(super) fn state(&self, block: usize, row: usize) -> State {
        self.shelf.state(&self.lens, block, row)
    }
}

/// The rows of a block that may be wanted, as far as that is known.
pub(super) struct Sift {
    pub(super) rows: Mask,
    /// That is none.
    pub(super) none: bool,
    /// Where the text may be that each row is still to be asked for.
    text: Option<May>,
    /// Whether the columns were looked through already.
    swept: bool,
    /// How many rows were not wanted; once it is swept, what was spent on their texts.
    missed: u32,
}

/// Rows that may fail one by one before all columns are looked through.
const UNSWEPT: u32 = 8;

/// What may be spent on a text row by row before it is looked for in all names at once, in efforts of [`May`].
const MISSED: u32 = 160;

fn kinds(want: &Want, shelf: &Shelf) -> u8 {
    let usual: &[Kind] = match shelf.account.policy.login.mode {
        LoginMode::Token => &[Kind::Pat, Kind::Sat, Kind::Ses],
        _ => &[Kind::Pat, Kind::Sat],
    };
    let kinds = if want.kinds.is_empty() { usual } else { &want.kinds };
    (0..KINDS.len()).filter(|rank| kinds.contains(&KINDS[*rank])).map(|rank| 1 << rank).sum()
}

fn states(want: &Want, shelf: &Shelf) -> u16 {
    let listed = shelf.account.policy.tombstones.listed;
    let wanted = |state: &State| match (want.states.is_empty(), state) {
        (true, state) => *state != State::Deleted,
        (false, State::Deleted) => listed && want.states.contains(state),
        (false, state) => want.states.contains(state),
    };
    State::ALL.into_iter().filter(wanted).map(|state| 1 << (state as u16)).sum()
}

/// What tokens of a shelf may do; most share a grant, a place and their holder's roles.
struct Rights {
    wanted: PermissionSet,
    known: RefCell<HashMap<(u32, u32, u32, bool), bool>>,
}

impl Rights {
    fn are_had(&self, shelf: &Shelf, block: usize, row: usize) -> bool {
        let columns = &shelf.blocks[block];
        let bindings = shelf.holders[columns.holders[row] as usize].bindings;
        let desk = columns.flags[row] & flag::DESK != 0;
        let key = (columns.grants[row], columns.nodes[row], bindings, desk);
        *self.known.borrow_mut().entry(key).or_insert_with(|| {
            let Some(holder) = &shelf.like[bindings as usize] else { return false };
            let (grant, node) = (&shelf.grants.all[key.0 as usize], &shelf.nodes.all[key.1 as usize]);
            let has =
                |at| grant::of_token(grant, desk, node, holder, &shelf.account, at).contains(self.wanted);
            grant::places(holder, node).any(has)
        })
    }
}

/// The id of a packed row.
pub(super) fn id(packed: u64) -> Option<TokenId> {
    unpack(packed)
}
