//! What a list asks for, and which rows of a shelf that is.

use std::cell::RefCell;
use std::collections::HashMap;

use domain::facts::Standing;
use domain::grant::{self, Grant};
use domain::ids::{AccountId, HolderId};
use domain::life::{Lens, Life, State};
use domain::node::NodePath;
use domain::permission::PermissionSet;
use domain::policy::LoginMode;
use domain::time::{Period, Timestamp};
use memchr::memmem::Finder;
use token::{Kind, TokenId};

use super::shelf::{BLOCK, CODE, CODE_BITS, KINDS, NEVER_ENDS, NEVER_USED, Shelf, flag, pack, unpack};

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
    /// Of each grant, whether it is of the role.
    grants: Option<Vec<bool>>,
    nodes: Option<Vec<bool>>,
    kinds: u8,
    states: u16,
    though_rotated: bool,
    created: (i64, i64),
    expires: (i64, i64),
    used: (i64, i64),
    permission: Option<Rights>,
    text: Option<&'t Text>,
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
        let grants = match &want.role {
            Some(name) => {
                let role = Grant::Role(account.role_named(name)?.id);
                Some(shelf.grants.all.iter().map(|grant| *grant == role).collect())
            }
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
            grants,
            nodes,
            kinds: kinds(want, shelf),
            states: states(want, shelf),
            though_rotated: want.though_rotated,
            created: want.created.bounds(),
            expires,
            used,
            permission: want.permission.map(|wanted| Rights { wanted, known: RefCell::default() }),
            text,
        })
        .filter(|bound| bound.kinds != 0 && bound.states != 0)
    }

    pub(super) fn shelf(&self) -> &'a Shelf {
        self.shelf
    }

    /// Whether a row is wanted. `hits` are those of the block whose names have the text.
    pub(super) fn wants(&self, block: usize, row: usize, hits: &Hits) -> bool {
        let columns = &self.shelf.blocks[block];
        let is = |wanted: Option<u32>, column: &[u32]| wanted.is_none_or(|wanted| column[row] == wanted);
        let among = |wanted: &Option<Vec<bool>>, column: &[u32]| {
            wanted.as_ref().is_none_or(|wanted| wanted[column[row] as usize])
        };
        let lies = |(from, to): (i64, i64), column: &[i64]| from <= column[row] && column[row] <= to;
        self.kinds >> (columns.ids[row] >> CODE_BITS) & 1 == 1
            && is(self.holder, &columns.holders)
            && is(self.issuer, &columns.issuers)
            && among(&self.grants, &columns.grants)
            && among(&self.nodes, &columns.nodes)
            && lies(self.created, &columns.created)
            && lies(self.expires, &columns.expires)
            && lies(self.used, &columns.used)
            && self.text.is_none_or(|text| hits.has(row) || text.id.is_in(columns.ids[row]))
            && self.is_in_state(block, row)
            && self.permission.as_ref().is_none_or(|rights| rights.are_had(self.shelf, block, row))
    }

    fn is_in_state(&self, block: usize, row: usize) -> bool {
        let wanted = |state: State| self.states >> (state as u16) & 1 == 1;
        let state = self.state(block, row);
        wanted(state)
            || (self.though_rotated
                && matches!(state, State::Rotated | State::Grace)
                && wanted(self.state_before_rotation(block, row)))
    }

    fn state_before_rotation(&self, block: usize, row: usize) -> State {
        let columns = &self.shelf.blocks[block];
        let kind = KINDS[(columns.ids[row] >> CODE_BITS) as usize];
        let life = Life { rotated_to: None, grace_until: None, ..self.shelf.life(block, row) };
        self.lens.state(kind, &life, &self.standing(block, row).copied().unwrap_or_default())
    }

    fn standing(&self, block: usize, row: usize) -> Option<&'a Standing> {
        if !self.shelf.stops {
            return None;
        }
        let holder = self.shelf.blocks[block].holders[row];
        self.shelf.holders[holder as usize].standing.as_deref()
    }

    pub(super) fn state(&self, block: usize, row: usize) -> State {
        let columns = &self.shelf.blocks[block];
        let standing = self.standing(block, row);
        let kind = KINDS[(columns.ids[row] >> CODE_BITS) as usize];
        if columns.flags[row] & !flag::DESK == 0 && standing.is_none() {
            let expires = columns.expires[row];
            let expires = (expires != NEVER_ENDS).then(|| Timestamp::from_micros(expires));
            return self.lens.by_time(kind, Timestamp::from_micros(columns.created[row]), expires);
        }
        self.lens.state(kind, &self.shelf.life(block, row), &standing.copied().unwrap_or_default())
    }

    /// The rows of a block whose names have the text.
    pub(super) fn hits(&self, block: usize, to: &mut Hits) {
        if let Some(text) = self.text {
            to.find(text, &self.shelf.blocks[block].names, &self.shelf.blocks[block].ends);
        }
    }
}

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

/// A text to be found in names and ids.
pub(super) struct Text {
    finder: Finder<'static>,
    id: InId,
}

impl Text {
    pub(super) fn new(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        Self { id: InId::of(&text), finder: Finder::new(text.as_bytes()).into_owned() }
    }
}

/// Rows of a block, and where its names are read in lower case.
pub(super) struct Hits {
    rows: [u64; BLOCK / 64],
    lower: Vec<u8>,
}

impl Hits {
    pub(super) fn new() -> Self {
        Self { rows: [0; BLOCK / 64], lower: Vec::new() }
    }

    fn has(&self, row: usize) -> bool {
        self.rows[row / 64] >> (row % 64) & 1 == 1
    }

    /// What is found across the end of a name is none.
    fn find(&mut self, text: &Text, names: &[u8], ends: &[u32]) {
        self.rows = [0; BLOCK / 64];
        self.lower.clear();
        self.lower.extend_from_slice(names);
        self.lower.make_ascii_lowercase();
        let length = text.finder.needle().len();
        let mut from = 0;
        while let Some(found) = text.finder.find(&self.lower[from..]) {
            let at = from + found;
            let row = ends.partition_point(|end| (*end as usize) <= at);
            let end = ends[row] as usize;
            if at + length <= end {
                self.rows[row / 64] |= 1 << (row % 64);
                // One find a name will do.
                from = end;
            } else {
                from = at + 1;
            }
        }
    }
}

/// How a text can stand in an id: `pat_` and twelve digits.
struct InId {
    /// Kinds, by their rank, whose ids have it whatever their digits are.
    kinds: u8,
    /// Kinds whose ids have it if their digits begin with these.
    begins: u8,
    digits: Option<Digits>,
}

#[derive(Clone, Copy)]
struct Digits {
    value: u64,
    count: u32,
    /// Where they may stand: anywhere, or only first.
    anywhere: bool,
}

impl InId {
    fn of(text: &str) -> Self {
        let of_kinds = |is: &dyn Fn(&str) -> bool| -> u8 {
            (0..KINDS.len()).filter(|rank| is(KINDS[*rank].as_str())).map(|rank| 1 << rank).sum()
        };
        let kinds = of_kinds(&|kind| format!("{kind}_").contains(text));
        match text.split_once('_') {
            Some((kind, code)) => Self {
                kinds,
                begins: of_kinds(&|name| name.ends_with(kind)),
                digits: digits(code, false).filter(|digits| digits.count > 0),
            },
            None => {
                Self { kinds, begins: u8::MAX, digits: digits(text, true).filter(|digits| digits.count > 0) }
            }
        }
    }

    fn is_in(&self, id: u64) -> bool {
        let kind = id >> CODE_BITS;
        if self.kinds >> kind & 1 == 1 {
            return true;
        }
        let Some(Digits { value, count, anywhere }) = self.digits.filter(|_| self.begins >> kind & 1 == 1)
        else {
            return false;
        };
        let code = id & CODE;
        let mask = (1 << (5 * count)) - 1;
        let last = 12 - count;
        if !anywhere {
            return code >> (5 * last) == value;
        }
        // Twelve digits whose last bits are where the first digit of the value may end: those that
        // equal it are zero once it is taken away.
        let first = value >> (5 * (count - 1));
        let apart = code ^ (first * ONES);
        let zeros = !(((apart & LOW) + LOW) | apart) & HIGH;
        zeros != 0 && (0..=last).any(|shift| code >> (5 * shift) & mask == value)
    }
}

/// One in each of twelve digits of five bits, and the lowest four and the highest bits of each.
const ONES: u64 = 0x0084_2108_4210_8421;
const LOW: u64 = ONES * 15;
const HIGH: u64 = ONES * 16;

/// The number of up to twelve digits; none where a character is no digit of an id.
fn digits(text: &str, anywhere: bool) -> Option<Digits> {
    if text.len() > 12 {
        return None;
    }
    // Padded to an id, which is parsed where ids are.
    let padded = format!("pat_{text}{}", "1".repeat(12 - text.len()));
    let code = pack(padded.parse().ok()?) & CODE;
    let value = if text.is_empty() { 0 } else { code >> (5 * (12 - text.len())) };
    Some(Digits { value, count: text.len() as u32, anywhere })
}

/// The id of a packed row.
pub(super) fn id(packed: u64) -> Option<TokenId> {
    unpack(packed)
}
