//! Some rows of a block, a bit each; columns are asked sixty-four rows at a time.

use super::block::BLOCK;

const WORDS: usize = BLOCK / 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mask([u64; WORDS]);

impl Mask {
    pub(super) const NONE: Self = Self([0; WORDS]);

    /// The first rows.
    pub(super) fn first(count: usize) -> Self {
        Self(std::array::from_fn(|word| match count.saturating_sub(word * 64) {
            some @ 0..64 => (1 << some) - 1,
            _ => u64::MAX,
        }))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub(super) fn has(&self, row: usize) -> bool {
        self.0[row / 64 % WORDS] >> (row % 64) & 1 == 1
    }

    pub(super) fn add(&mut self, row: usize) {
        self.0[row / 64] |= 1 << (row % 64);
    }

    pub(super) fn remove(&mut self, row: usize) {
        self.0[row / 64] &= !(1 << (row % 64));
    }

    pub(super) fn and(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word &= other);
    }

    pub(super) fn or(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word |= other);
    }

    /// Leaves the rows whose value in a column is such.
    pub(super) fn keep<T: Copy + Default>(&mut self, column: &[T], is: impl Fn(T) -> bool) {
        let (full, rest) = column.as_chunks::<64>();
        let mut last = [T::default(); 64];
        last[..rest.len()].copy_from_slice(rest);
        for (word, values) in self.0.iter_mut().zip(full.iter().chain([&last])) {
            if *word != 0 {
                // Bytes first, because comparisons into bytes are what a compiler makes vectors of.
                let bytes: [u8; 64] = std::array::from_fn(|n| u8::from(is(values[n])));
                let (eights, _) = bytes.as_chunks::<8>();
                *word &= eights.iter().rev().fold(0, |bits, eight| bits << 8 | gathered(*eight));
            }
        }
    }

    /// Its rows, as they are now, from the first on.
    pub(super) fn rows(&self) -> impl Iterator<Item = usize> + use<> {
        self.0.into_iter().enumerate().flat_map(|(at, word)| {
            std::iter::successors((word != 0).then_some(word), |word| {
                Some(word & (word - 1)).filter(|w| *w != 0)
            })
            .map(move |word| at * 64 + word.trailing_zeros() as usize)
        })
    }
}

/// Eight bytes of 0 or 1 as bits, the first the lowest. Each byte is multiplied to its own bit of the
/// highest eight, and no two products meet.
fn gathered(bytes: [u8; 8]) -> u64 {
    u64::from_le_bytes(bytes).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_keeps_the_rows_that_are_asked_for() {
        for count in [0, 1, 63, 64, 65, 700, BLOCK] {
            let column: Vec<u32> = (0..count as u32).map(|n| n.wrapping_mul(2_654_435_761) >> 7).collect();
            let is = |value: u32| value % 3 == 1;
            let expected: Vec<usize> = (0..count).filter(|row| is(column[*row])).collect();
            let mut kept = Mask::first(count);
            assert_eq!(kept.rows().collect::<Vec<_>>(), (0..count).collect::<Vec<_>>());
            kept.keep(&column, is);
            assert_eq!(kept.rows().collect::<Vec<_>>(), expected);
            assert!((0..count).all(|row| kept.has(row) == is(column[row])));
        }
    }
}
