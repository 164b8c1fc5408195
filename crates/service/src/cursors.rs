//! Cursors of lists: sealed places, so that none can be forged, read, or carried to another
//! account or list.
//!
//! A cursor is authenticated with the server's key over the list that it belongs to. It may
//! show a name or a date in base64, which its reader could see in the list anyway.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use store::{Key, Keys};

use domain::refusal::Refusal;

use crate::{Desk, Error};

/// One page of a list, and where the next begins.
#[derive(Clone, Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next_cursor: Option<String>,
}

pub(crate) struct Cursors {
    key: Key,
}

const TAG: usize = 16;

impl Cursors {
    pub(crate) fn new(keys: &Keys) -> Self {
        Self { key: keys.derive(b"cursors") }
    }

    /// Writes a place in the list named `list`, which tells the account, the filters and the
    /// order.
    pub(crate) fn write(&self, list: &str, place: &str) -> String {
        let mut bytes = self.tag(list, place).to_vec();
        bytes.extend(place.as_bytes());
        hex(&bytes)
    }

    /// Reads a place back. A cursor of another list is no cursor.
    pub(crate) fn read(&self, list: &str, cursor: &str) -> Result<String, Refusal> {
        let refusal =
            || Refusal::invalid("cursor", "This is not a cursor of this list; begin again without one.");
        let bytes = unhex(cursor).ok_or_else(refusal)?;
        let (tag, place) = bytes.split_at_checked(TAG).ok_or_else(refusal)?;
        let place = std::str::from_utf8(place).map_err(|_| refusal())?;
        let mut mac = self.mac(list);
        mac.update(place.as_bytes());
        mac.verify_truncated_left(tag).map_err(|_| refusal())?;
        Ok(place.to_owned())
    }

    fn tag(&self, list: &str, place: &str) -> [u8; TAG] {
        let mut mac = self.mac(list);
        mac.update(place.as_bytes());
        let tag = mac.finalize().into_bytes();
        std::array::from_fn(|i| tag[i])
    }

    fn mac(&self, list: &str) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.key.as_bytes()).expect("HMAC takes a key of any length");
        // The length goes first, so that no part of the place can pass for the list's name.
        mac.update(&(list.len() as u64).to_be_bytes());
        mac.update(list.as_bytes());
        mac
    }
}

impl Desk {
    /// One page of a list that is short enough to be in memory whole. `place` names an item
    /// within the list named `list`; an item that is gone leaves no place to go on from.
    pub fn page<T>(
        &self,
        list: &str,
        items: Vec<T>,
        place: impl Fn(&T) -> String,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<T>, Error> {
        let limit = limit.clamp(1, 100);
        let start = match cursor {
            None => 0,
            Some(cursor) => {
                let last = self.cursors.read(list, cursor)?;
                let at = items.iter().position(|item| place(item) == last);
                1 + at.ok_or_else(|| {
                    Refusal::invalid(
                        "cursor",
                        "The list has changed meanwhile; begin again without a cursor.",
                    )
                })?
            }
        };
        let more = items.len() > start + limit;
        let items: Vec<T> = items.into_iter().skip(start).take(limit).collect();
        let next_cursor = items.last().filter(|_| more).map(|item| self.cursors.write(list, &place(item)));
        Ok(Page { items, next_cursor })
    }
}

/// A page of rows of which its reader may not know all: how many are shown, and how many are looked at
/// for it. So a page may be short, and empty, though others follow.
pub(crate) struct Sieve {
    shown: usize,
    looked_at: usize,
}

impl Sieve {
    /// `whole`: the reader may know of every row.
    pub(crate) fn new(limit: usize, whole: bool) -> Self {
        const LOOKED_AT: usize = 500;
        let shown = limit.clamp(1, 100);
        Self { shown, looked_at: if whole { shown } else { LOOKED_AT } }
    }

    /// How many rows to read.
    pub(crate) fn rows(&self) -> usize {
        self.looked_at + 1
    }

    /// What of these rows is shown, and the last that was looked at, where there are more.
    pub(crate) fn sift<T, P>(
        &self,
        mut rows: Vec<T>,
        sees: impl Fn(&T) -> bool,
        place: impl Fn(&T) -> P,
    ) -> (Vec<T>, Option<P>) {
        let mut more = rows.len() > self.looked_at;
        rows.truncate(self.looked_at);
        let (mut items, mut last) = (Vec::with_capacity(self.shown), None);
        for row in rows {
            if items.len() == self.shown {
                more = true;
                break;
            }
            last = Some(place(&row));
            if sees(&row) {
                items.push(row);
            }
        }
        (items, last.filter(|_| more))
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() > 4096 || !text.len().is_multiple_of(2) || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let digits = text.as_bytes().chunks(2);
    digits.map(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok()).collect()
}
