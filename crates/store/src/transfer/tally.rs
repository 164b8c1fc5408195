//! What travels, and what was seen of it on the way.

use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use crate::contract::Unavailable;
use crate::journal::{GENESIS, Head, Walk};
use crate::sql::query::{Row, Unreadable};
use crate::sql::rows::{self, ENTRY};

/// A value on its way. A truth travels as 0 or 1.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Null,
    Number(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// Rows that travel together.
pub(crate) type Batch = Vec<Vec<Cell>>;

/// How many those are.
pub(super) const BATCH: usize = 500;

/// What was seen of a table.
pub(super) struct Tally {
    pub(super) rows: i64,
    /// The sum of the rows' hashes: the same for the same rows in any order.
    pub(super) sum: u128,
    /// Along the journal, whose rows come in their order.
    pub(super) walk: Walk,
    pub(super) head: Head,
    /// What tells the key file from others.
    pub(super) fingerprint: Option<[u8; 32]>,
    table: &'static str,
    /// Where the columns are that a row of this table is read by.
    read_by: Vec<usize>,
}

impl Tally {
    pub(super) fn of(table: &'static str, columns: &[String]) -> Self {
        let names = match table {
            "journal" => ENTRY,
            "head" => "seq, at, hash",
            "key_check" => "fingerprint",
            _ => "",
        };
        let at = |name: &str| columns.iter().position(|column| column == name);
        let read_by = names.split(", ").filter_map(at).collect();
        let walk = Walk::after(0, GENESIS);
        Self { rows: 0, sum: 0, walk, head: Head::START, fingerprint: None, table, read_by }
    }

    /// Counts what comes in, and passes it on. Ends early where nobody takes it.
    pub(super) async fn watch(
        &mut self,
        mut from: mpsc::Receiver<Batch>,
        to: Option<mpsc::Sender<Batch>>,
    ) -> Result<(), Unavailable> {
        while let Some(batch) = from.recv().await {
            for row in &batch {
                self.count(row)?;
            }
            if let Some(to) = &to
                && to.send(batch).await.is_err()
            {
                break;
            }
        }
        Ok(())
    }

    fn count(&mut self, row: &[Cell]) -> Result<(), Unreadable> {
        self.rows += 1;
        self.sum = self.sum.wrapping_add(hash_of(row));
        let row = Picked { row, at: &self.read_by };
        match self.table {
            "journal" => self.walk.step(&rows::link(&row)?),
            "head" => self.head = rows::head(&row)?,
            "key_check" => self.fingerprint = Some(rows::bytes(&row, 0)?),
            _ => {}
        }
        Ok(())
    }
}

/// Of all cells with their kinds and lengths, so that no two rows read alike.
fn hash_of(row: &[Cell]) -> u128 {
    let mut hash = Sha256::new();
    for cell in row {
        let number;
        let (kind, bytes): (u8, &[u8]) = match cell {
            Cell::Null => (0, &[]),
            Cell::Number(value) => {
                number = value.to_be_bytes();
                (1, &number)
            }
            Cell::Text(text) => (2, text.as_bytes()),
            Cell::Bytes(bytes) => (3, bytes),
        };
        hash.update([kind]);
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    }
    let digest: [u8; 32] = hash.finalize().into();
    u128::from_be_bytes(*digest.first_chunk().expect("32 bytes begin with 16"))
}

/// Some columns of a row, in another order.
struct Picked<'a> {
    row: &'a [Cell],
    at: &'a [usize],
}

impl<'a> Picked<'a> {
    fn cell(&self, column: usize) -> Result<&'a Cell, Unreadable> {
        let cell = self.at.get(column).and_then(|at| self.row.get(*at));
        cell.ok_or_else(|| Unreadable::new(column, "there is no such column"))
    }
}

fn of_another_kind<T>(column: usize) -> Result<T, Unreadable> {
    Err(Unreadable::new(column, "the value is of another kind"))
}

impl Row for Picked<'_> {
    fn int_or_none(&self, column: usize) -> Result<Option<i64>, Unreadable> {
        match self.cell(column)? {
            Cell::Number(number) => Ok(Some(*number)),
            Cell::Null => Ok(None),
            _ => of_another_kind(column),
        }
    }

    fn str_or_none(&self, column: usize) -> Result<Option<&str>, Unreadable> {
        match self.cell(column)? {
            Cell::Text(text) => Ok(Some(text)),
            Cell::Null => Ok(None),
            _ => of_another_kind(column),
        }
    }

    fn bytes_or_none(&self, column: usize) -> Result<Option<&[u8]>, Unreadable> {
        match self.cell(column)? {
            Cell::Bytes(bytes) => Ok(Some(bytes)),
            Cell::Null => Ok(None),
            _ => of_another_kind(column),
        }
    }

    fn flag(&self, column: usize) -> Result<bool, Unreadable> {
        match self.cell(column)? {
            Cell::Number(number) => Ok(*number != 0),
            _ => of_another_kind(column),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_tells_rows_apart_and_not_their_order() {
        let text = |text: &str| Cell::Text(text.into());
        let sum = |rows: &[Vec<Cell>]| {
            let mut tally = Tally::of("account", &[]);
            rows.iter().for_each(|row| tally.count(row).unwrap());
            tally.sum
        };
        let (a, b) = (vec![text("a"), Cell::Null], vec![text("b"), Cell::Number(0)]);
        assert_eq!(sum(&[a.clone(), b.clone()]), sum(&[b.clone(), a.clone()]));
        let all = [
            sum(&[a.clone(), b]),
            sum(&[a.clone(), a]),
            sum(&[vec![text("ab"), text("c")]]),
            sum(&[vec![text("a"), text("bc")]]),
            sum(&[vec![Cell::Bytes(b"ab".into()), text("c")]]),
            sum(&[vec![Cell::Number(0)]]),
            sum(&[vec![Cell::Null]]),
            sum(&[vec![Cell::Bytes(vec![0; 8])]]),
        ];
        let distinct: std::collections::BTreeSet<u128> = all.into();
        assert_eq!(distinct.len(), all.len());
    }
}
