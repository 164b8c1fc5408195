//! Arrays that rows are kept in: by place, each value once, and by place with gaps.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::{Index, IndexMut};
use std::sync::Arc;

/// An array that grows by whole pieces: nothing is ever moved, and hardly any room is unused.
#[derive(Debug)]
pub(crate) struct Chunks<T> {
    chunks: Vec<Vec<T>>,
}

const BITS: u32 = 12;
const SIZE: usize = 1 << BITS;

impl<T> Chunks<T> {
    pub(crate) fn new() -> Self {
        Self { chunks: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.chunks.last().map_or(0, |last| (self.chunks.len() - 1) * SIZE + last.len())
    }

    /// Bytes taken, whether used yet or not; without what the values point to.
    pub(crate) fn bytes(&self) -> usize {
        self.chunks.len() * SIZE * size_of::<T>()
    }

    pub(crate) fn push(&mut self, value: T) {
        match self.chunks.last_mut() {
            Some(last) if last.len() < SIZE => last.push(value),
            _ => {
                let mut chunk = Vec::with_capacity(SIZE);
                chunk.push(value);
                self.chunks.push(chunk);
            }
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flatten()
    }
}

impl<T> Index<u32> for Chunks<T> {
    type Output = T;
    fn index(&self, place: u32) -> &T {
        &self.chunks[place as usize >> BITS][place as usize & (SIZE - 1)]
    }
}

impl<T> IndexMut<u32> for Chunks<T> {
    fn index_mut(&mut self, place: u32) -> &mut T {
        &mut self.chunks[place as usize >> BITS][place as usize & (SIZE - 1)]
    }
}

/// Keeps each value once, for as long as somebody uses it.
#[derive(Debug)]
pub(crate) struct Interned<T> {
    values: Vec<Option<(Arc<T>, u32)>>,
    places: HashMap<Arc<T>, u32>,
    free: Vec<u32>,
}

impl<T: Hash + Eq> Interned<T> {
    pub(crate) fn new() -> Self {
        Self { values: Vec::new(), places: HashMap::new(), free: Vec::new() }
    }

    /// The place of this value, which has one user more now.
    pub(crate) fn take(&mut self, value: T) -> u32 {
        if let Some(&place) = self.places.get(&value) {
            if let Some((_, users)) = &mut self.values[place as usize] {
                *users += 1;
            }
            return place;
        }
        let value = Arc::new(value);
        let kept = Some((Arc::clone(&value), 1));
        let place = match self.free.pop() {
            Some(place) => {
                self.values[place as usize] = kept;
                place
            }
            None => {
                self.values.push(kept);
                self.values.len() as u32 - 1
            }
        };
        self.places.insert(value, place);
        place
    }

    /// One user less; the last one takes the value along.
    pub(crate) fn release(&mut self, place: u32) {
        let kept = &mut self.values[place as usize];
        match kept {
            Some((_, users)) if *users > 1 => *users -= 1,
            _ => {
                if let Some((value, _)) = kept.take() {
                    self.places.remove(&value);
                    self.free.push(place);
                }
            }
        }
    }

    /// The value at a place that is in use.
    pub(crate) fn at(&self, place: u32) -> Option<&T> {
        self.values[place as usize].as_ref().map(|(value, _)| &**value)
    }
}

/// Values by place, where a place that became free is given out again.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    values: Vec<T>,
    free: Vec<u32>,
}

impl<T> Slab<T> {
    pub(crate) fn new() -> Self {
        Self { values: Vec::new(), free: Vec::new() }
    }

    pub(crate) fn put(&mut self, value: T) -> u32 {
        match self.free.pop() {
            Some(place) => {
                self.values[place as usize] = value;
                place
            }
            None => {
                self.values.push(value);
                self.values.len() as u32 - 1
            }
        }
    }

    pub(crate) fn release(&mut self, place: u32) {
        self.free.push(place);
    }

    pub(crate) fn at(&self, place: u32) -> &T {
        &self.values[place as usize]
    }
}

/// Rows by id, each at a place of its own that never changes. A place can be known before its
/// row is: those who refer to it may come first.
#[derive(Debug)]
pub(crate) struct Rows<K, T> {
    rows: Vec<Option<T>>,
    places: HashMap<K, u32>,
}

impl<K: Hash + Eq, T> Rows<K, T> {
    pub(crate) fn new() -> Self {
        Self { rows: Vec::new(), places: HashMap::new() }
    }

    pub(crate) fn place(&mut self, id: K) -> u32 {
        let rows = &mut self.rows;
        *self.places.entry(id).or_insert_with(|| {
            rows.push(None);
            rows.len() as u32 - 1
        })
    }

    pub(crate) fn at(&self, place: u32) -> Option<&T> {
        self.rows[place as usize].as_ref()
    }

    /// Keeps the row unless the one that is here is as new.
    pub(crate) fn offer(&mut self, id: K, row: T, version: impl Fn(&T) -> i64) {
        let place = self.place(id);
        let here = &mut self.rows[place as usize];
        if here.as_ref().is_none_or(|here| version(here) < version(&row)) {
            *here = Some(row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interned_value_leaves_with_its_last_user_and_its_place_is_used_again() {
        let mut names = Interned::new();
        let a = names.take("a".to_owned());
        assert_eq!(names.take("a".to_owned()), a);
        names.release(a);
        assert_eq!(names.at(a).map(String::as_str), Some("a"));
        names.release(a);
        assert_eq!(names.at(a), None);
        assert_eq!(names.take("b".to_owned()), a);
        assert_eq!(names.values.len(), 1);
    }

    #[test]
    fn chunks_are_read_where_they_were_written_across_pieces() {
        let mut chunks = Chunks::new();
        for n in 0..10_000u32 {
            chunks.push(n);
        }
        assert_eq!(chunks.len(), 10_000);
        assert!((0..10_000).all(|n| chunks[n] == n));
        assert!(chunks.iter().copied().eq(0..10_000));
    }
}
