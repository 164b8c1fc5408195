//! A part of a name or of an id, and how it is found without looking at most of them.
//!
//! A full block knows which pieces of up to four letters its names and its ids have, and so whether a
//! text can be there at all. Of each name there is a sketch of its letters and of its pieces of three. What
//! both let pass is looked at itself, letter case of ASCII apart.

use std::fmt::Write;

use memchr::memmem::Finder;

use super::block::Block;
use super::mask::Mask;
use super::shelf::{CODE, CODE_BITS, KINDS, pack, unpack};

/// A text to be found in names and ids.
pub(super) struct Text {
    text: Vec<u8>,
    finder: Finder<'static>,
    id: InId,
    /// Pieces that whatever has the text has, too, with their lengths.
    pieces: Vec<(usize, u32)>,
    sketch: Sketch,
}

/// Where in a block a text may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct May {
    names: bool,
    ids: bool,
}

impl May {
    pub(super) fn is_nowhere(self) -> bool {
        !self.names && !self.ids
    }

    /// What it takes to look at a row, in a nanosecond or a few.
    pub(super) fn effort(self) -> u32 {
        if self.names { 10 } else { 1 }
    }
}

impl Text {
    pub(super) fn new(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        let longest = text.len().min(PIECE);
        // A short text has so few of the longest that chance would let pass a block in five.
        let shortest = if text.len() < 2 * PIECE { longest.saturating_sub(1) } else { longest };
        let mut all = Vec::new();
        pieces(text.as_bytes(), shortest, |length, piece| all.push((length, piece)));
        // What is typed last is what tells most.
        all.reverse();
        Self {
            id: InId::of(&text),
            finder: Finder::new(text.as_bytes()).into_owned(),
            pieces: all,
            sketch: Sketch::of(text.as_bytes()),
            text: text.into_bytes(),
        }
    }

    /// Where in a block it may be.
    pub(super) fn may_be_in(&self, block: &Block) -> May {
        let ids = self.id.is_possible();
        let Some(there) = &block.pieces else { return May { names: true, ids } };
        let all = |kept: usize, is_there: &dyn Fn(u32) -> bool| {
            self.pieces.iter().all(|(length, piece)| *length < kept || is_there(*piece))
        };
        May {
            names: all(NAME_PIECE, &|piece| there.in_names(piece)),
            ids: ids && all(ID_PIECE, &|piece| there.in_ids(piece)),
        }
    }

    /// Leaves the rows that may have it.
    pub(super) fn narrow(&self, block: &Block, rows: &mut Mask, may: May) {
        let mut found = Mask::NONE;
        if may.names {
            found = Mask::first(block.len());
            if self.text.len() < 3 {
                let letters = self.sketch.letters;
                found.keep(&block.letters, |there| there & letters == letters);
            } else {
                let threes = self.sketch.threes;
                found.keep(&block.threes, |there| there & threes == threes);
            }
        }
        if may.ids {
            found.or(&self.ids(block));
        }
        rows.and(&found);
    }

    /// Whether a row has it.
    pub(super) fn is_in(&self, block: &Block, row: usize, may: May) -> bool {
        may.ids && self.id.is_in(block.ids[row])
            || may.names
                && block.letters[row] & self.sketch.letters == self.sketch.letters
                && block.threes[row] & self.sketch.threes == self.sketch.threes
                && block.name(row).windows(self.text.len()).any(|part| part.eq_ignore_ascii_case(&self.text))
    }

    /// The rows that have it. `lower` is a place to write to.
    pub(super) fn rows(&self, block: &Block, may: May, lower: &mut Vec<u8>) -> Mask {
        let mut rows = if may.ids { self.ids(block) } else { Mask::NONE };
        if may.names {
            self.find_names(block, &mut rows, lower);
        }
        rows
    }

    fn ids(&self, block: &Block) -> Mask {
        let mut rows = Mask::first(block.len());
        match self.id.digits {
            Some(digits) if self.id.kinds == 0 && digits.anywhere => {
                let begins = digits.begins();
                rows.keep(&block.ids, |id| begins.may_be_in(id & CODE));
                if digits.count > 3 {
                    for row in rows.rows().filter(|row| !digits.are_in(block.ids[*row] & CODE)) {
                        rows.remove(row);
                    }
                }
            }
            _ => rows.keep(&block.ids, |id| self.id.is_in(id)),
        }
        rows
    }

    /// All names at once. What is found across the end of a name is none.
    fn find_names(&self, block: &Block, rows: &mut Mask, lower: &mut Vec<u8>) {
        lower.clear();
        lower.extend_from_slice(&block.names);
        lower.make_ascii_lowercase();
        let (mut row, mut from) = (0, 0);
        while let Some(found) = self.finder.find(&lower[from..]) {
            let at = from + found;
            while block.ends[row] as usize <= at {
                row += 1;
            }
            let end = block.ends[row] as usize;
            if at + self.text.len() <= end {
                rows.add(row);
                // One find a name will do.
                from = end;
            } else {
                from = at + 1;
            }
        }
    }
}

/// Letters of the longest pieces, and of the shortest that are kept of names and of ids: almost every block
/// has all shorter ones.
const PIECE: usize = 4;
const NAME_PIECE: usize = 2;
const ID_PIECE: usize = 3;

/// All pieces from so many letters up to four, in lower case, with their lengths. No text has a NUL, so no
/// two are the same number.
fn pieces(text: &[u8], shortest: usize, mut each: impl FnMut(usize, u32)) {
    for at in 0..text.len() {
        let mut piece = 0;
        for (n, letter) in text[at..].iter().take(PIECE).enumerate() {
            piece |= u32::from(letter.to_ascii_lowercase()) << (8 * n);
            if n + 1 >= shortest {
                each(n + 1, piece);
            }
        }
    }
}

/// Which letters a text has and which pieces of three, some of which share a bit. Whatever has a text has
/// its bits.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sketch {
    pub(super) letters: u64,
    pub(super) threes: u64,
}

impl Sketch {
    pub(super) fn of(text: &[u8]) -> Self {
        // Letters, and what stands in their places beyond ASCII, then digits and signs.
        let letter = |byte: u8| match byte.to_ascii_lowercase() {
            byte @ 0..0x40 => 1_u64 << byte,
            byte => 1_u64 << (byte & 0x1f),
        };
        let lower = |byte: u8, n: u32| u32::from(byte.to_ascii_lowercase()) << (8 * n);
        let three = |a: &[u8]| 1_u64 << (mixed(lower(a[0], 0) | lower(a[1], 1) | lower(a[2], 2)) >> 58);
        Self {
            letters: text.iter().fold(0, |bits, byte| bits | letter(*byte)),
            threes: text.windows(3).fold(0, |bits, some| bits | three(some)),
        }
    }
}

/// Which pieces there are, and some more by chance.
#[derive(Debug)]
pub(super) struct Pieces {
    names: Box<[u64; 1 << (NAME_BITS - 6)]>,
    ids: Box<[u64; 1 << (ID_BITS - 6)]>,
}

/// So that of the names and ids that people and chance make up about one in eight is set.
const NAME_BITS: u32 = 16;
const ID_BITS: u32 = 17;

impl Pieces {
    pub(super) fn of(block: &Block) -> Self {
        let mut all = Self { names: Box::new([0; _]), ids: Box::new([0; _]) };
        let mut text = String::new();
        for row in 0..block.len() {
            all.add_name(block.name(row));
            if let Some(id) = unpack(block.ids[row]) {
                text.clear();
                write!(text, "{id}").expect("a string takes what is written");
                pieces(text.as_bytes(), ID_PIECE, |_, piece| set(&mut *all.ids, ID_BITS, piece));
            }
        }
        all
    }

    pub(super) fn add_name(&mut self, name: &[u8]) {
        pieces(name, NAME_PIECE, |_, piece| set(&mut *self.names, NAME_BITS, piece));
    }

    fn in_names(&self, piece: u32) -> bool {
        is_set(&*self.names, NAME_BITS, piece)
    }

    fn in_ids(&self, piece: u32) -> bool {
        is_set(&*self.ids, ID_BITS, piece)
    }
}

fn set(words: &mut [u64], bits: u32, piece: u32) {
    let at = mixed(piece) >> (64 - bits);
    words[at as usize / 64] |= 1 << (at % 64);
}

fn is_set(words: &[u64], bits: u32, piece: u32) -> bool {
    let at = mixed(piece) >> (64 - bits);
    words[at as usize / 64] >> (at % 64) & 1 == 1
}

/// The highest bits depend on all.
fn mixed(piece: u32) -> u64 {
    u64::from(piece).wrapping_mul(0x9e37_79b9_7f4a_7c15)
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

    /// Whether any id has it.
    fn is_possible(&self) -> bool {
        self.kinds != 0 || self.digits.is_some()
    }

    fn is_in(&self, id: u64) -> bool {
        let kind = id >> CODE_BITS;
        if self.kinds >> kind & 1 == 1 {
            return true;
        }
        match self.digits {
            Some(digits) if digits.anywhere => digits.are_in(id & CODE),
            Some(Digits { value, count, .. }) => {
                self.begins >> kind & 1 == 1 && (id & CODE) >> (5 * (12 - count)) == value
            }
            None => false,
        }
    }
}

impl Digits {
    /// Whether they stand anywhere in a code.
    fn are_in(&self, code: u64) -> bool {
        let Self { value, count, .. } = *self;
        let mask = (1 << (5 * count)) - 1;
        self.begins().may_be_in(code)
            && (count <= 3 || (0..=12 - count).any(|shift| code >> (5 * shift) & mask == value))
    }

    fn begins(&self) -> Begins {
        let Self { value, count, .. } = *self;
        Begins(std::array::from_fn(|nth| {
            let nth = nth as u32;
            (nth < count).then(|| (value >> (5 * (count - 1 - nth)) & 31) * ONES)
        }))
    }
}

/// The first three of some digits, each at all places of a code; none where there are fewer.
struct Begins([Option<u64>; 3]);

impl Begins {
    /// Whether those stand anywhere in a code, looked for at all places at once and without a branch.
    fn may_be_in(&self, code: u64) -> bool {
        // The highest bit of each digit that is this one: those that equal it are zero once it is taken away.
        let places = |digit: Option<u64>| match digit {
            Some(all) => {
                let apart = code ^ all;
                !(((apart & LOW) + LOW) | apart) & HIGH
            }
            None => HIGH,
        };
        let [first, second, third] = self.0.map(places);
        // What is not asked for is everywhere, past the last place as well.
        let past = |bits: u64, shift: u32, asked: bool| if asked { bits << shift } else { HIGH };
        first & past(second, 5, self.0[1].is_some()) & past(third, 10, self.0[2].is_some()) != 0
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
