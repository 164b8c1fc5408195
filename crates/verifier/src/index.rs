//! Finds a token's place by its digest: open addressing over 32-bit entries.
//!
//! An entry is 26 bits of place and 6 bits of digest, so that a probe which meets somebody
//! else's entry turns away without touching their row. Digests are SHA-256, so their bytes
//! serve as the hash. Rows are not known here: whoever calls says where a row's digest is.

use token::Digest;

const PLACE_BITS: u32 = 26;
const PLACE: u32 = (1 << PLACE_BITS) - 1;
const EMPTY: u32 = u32::MAX;

/// Places that an index can tell apart: 67 million. The last is given up, because its entry
/// could look empty.
pub(crate) const MOST: usize = PLACE as usize;

#[derive(Debug)]
pub(crate) struct Index {
    /// A power of two long, at most three quarters full.
    entries: Vec<u32>,
    len: usize,
}

impl Index {
    pub(crate) fn new() -> Self {
        Self { entries: vec![EMPTY; 1024], len: 0 }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.entries.len() * size_of::<u32>()
    }

    /// The place for which `is` says that it holds this digest.
    pub(crate) fn find(&self, digest: &Digest, is: impl Fn(u32) -> bool) -> Option<u32> {
        let hash = hash(digest);
        let mut at = self.home(hash);
        loop {
            match self.entries[at] {
                EMPTY => return None,
                entry if entry >> PLACE_BITS == tag(hash) && is(entry & PLACE) => return Some(entry & PLACE),
                _ => at = self.after(at),
            }
        }
    }

    /// Adds a digest that is not here yet.
    pub(crate) fn insert<'a>(&mut self, digest: &Digest, place: u32, digest_at: impl Fn(u32) -> &'a Digest) {
        if (self.len + 1) * 4 > self.entries.len() * 3 {
            self.grow(digest_at);
        }
        self.len += 1;
        self.put(hash(digest), place);
    }

    /// Removes the entry of a digest that is here. Those behind it close the gap, so that no
    /// probe ends early and no tombstones pile up.
    pub(crate) fn remove<'a>(&mut self, digest: &Digest, place: u32, digest_at: impl Fn(u32) -> &'a Digest) {
        let hash = hash(digest);
        let gone = tag(hash) << PLACE_BITS | place;
        let mut hole = self.home(hash);
        while self.entries[hole] != gone {
            if self.entries[hole] == EMPTY {
                return;
            }
            hole = self.after(hole);
        }
        self.len -= 1;
        let mask = self.entries.len() - 1;
        let mut at = self.after(hole);
        while self.entries[at] != EMPTY {
            let home = self.home(self::hash(digest_at(self.entries[at] & PLACE)));
            // It may move back to the hole unless its home lies behind the hole.
            if at.wrapping_sub(home) & mask >= at.wrapping_sub(hole) & mask {
                self.entries[hole] = self.entries[at];
                hole = at;
            }
            at = self.after(at);
        }
        self.entries[hole] = EMPTY;
    }

    fn grow<'a>(&mut self, digest_at: impl Fn(u32) -> &'a Digest) {
        let longer = vec![EMPTY; self.entries.len() * 2];
        for entry in std::mem::replace(&mut self.entries, longer) {
            if entry != EMPTY {
                self.put(hash(digest_at(entry & PLACE)), entry & PLACE);
            }
        }
    }

    fn put(&mut self, hash: u64, place: u32) {
        let mut at = self.home(hash);
        while self.entries[at] != EMPTY {
            at = self.after(at);
        }
        self.entries[at] = tag(hash) << PLACE_BITS | place;
    }

    fn home(&self, hash: u64) -> usize {
        hash as usize & (self.entries.len() - 1)
    }

    fn after(&self, at: usize) -> usize {
        (at + 1) & (self.entries.len() - 1)
    }
}

fn hash(digest: &Digest) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *digest.as_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// The highest bits, which never take part in choosing the home.
fn tag(hash: u64) -> u32 {
    (hash >> (u64::BITS - (u32::BITS - PLACE_BITS))) as u32
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    /// Digests whose homes are few and whose tags clash, so that probes run into each other.
    fn crowded(n: u8) -> Digest {
        let mut bytes = [0; Digest::LEN];
        bytes[0] = n % 4 * 85; // around the end of the entries, too
        bytes[1] = if n % 4 == 3 { 0xff } else { 0 };
        bytes[31] = n;
        Digest::from_bytes(bytes)
    }

    proptest! {
        #[test]
        fn an_index_finds_what_a_map_finds(steps in prop::collection::vec((any::<u8>(), any::<bool>()), 0..600)) {
            let mut rows: Vec<Digest> = Vec::new();
            let mut model = HashMap::new();
            let mut index = Index::new();
            for (n, insert) in steps {
                let digest = crowded(n);
                match (insert, model.contains_key(&digest)) {
                    (true, false) => {
                        let place = rows.len() as u32;
                        rows.push(digest);
                        index.insert(&digest, place, |place| &rows[place as usize]);
                        model.insert(digest, place);
                    }
                    (false, true) => {
                        let place = model.remove(&digest).unwrap();
                        index.remove(&digest, place, |place| &rows[place as usize]);
                    }
                    _ => {}
                }
                prop_assert_eq!(index.len, model.len());
            }
            for n in 0..=u8::MAX {
                let digest = crowded(n);
                let found = index.find(&digest, |place| rows[place as usize] == digest);
                prop_assert_eq!(found, model.get(&digest).copied());
            }
        }
    }

    #[test]
    fn an_index_keeps_everything_while_it_grows() {
        let rows: Vec<Digest> = (0..5_000u32).map(|n| Digest::of(&n.to_le_bytes())).collect();
        let mut index = Index::new();
        for (place, digest) in rows.iter().enumerate() {
            index.insert(digest, place as u32, |place| &rows[place as usize]);
        }
        for (place, digest) in rows.iter().enumerate() {
            assert_eq!(index.find(digest, |place| rows[place as usize] == *digest), Some(place as u32));
        }
    }
}
