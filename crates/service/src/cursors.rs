//! Cursors of lists: sealed places, so that none can be forged, read, or carried to another
//! account or list.
//!
//! The place is sealed under a key of the server's and bound to the list: it can be that of a row
//! which was looked at and may not be shown. What it is sealed with follows from list and place, so
//! the same place has the same cursor.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
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
    sealing: Key,
    /// What nonces are made with.
    mixing: Key,
}

const NONCE: usize = 24;

impl Cursors {
    pub(crate) fn new(keys: &Keys) -> Self {
        Self { sealing: keys.derive(b"cursors"), mixing: keys.derive(b"nonces of cursors") }
    }

    /// Writes a place in the list named `list`, which tells the account, the filters and the
    /// order.
    pub(crate) fn write(&self, list: &str, place: &str) -> String {
        let nonce = self.nonce(list, place);
        let payload = Payload { msg: place.as_bytes(), aad: list.as_bytes() };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.expect("a place is far shorter than the cipher's bound");
        hex(&[nonce.as_slice(), &sealed].concat())
    }

    /// Reads a place back. A cursor of another list is no cursor.
    pub(crate) fn read(&self, list: &str, cursor: &str) -> Result<String, Refusal> {
        let place = || {
            let bytes = unhex(cursor)?;
            let (nonce, sealed) = bytes.split_at_checked(NONCE)?;
            let payload = Payload { msg: sealed, aad: list.as_bytes() };
            let place = self.cipher().decrypt(&XNonce::try_from(nonce).ok()?, payload).ok()?;
            String::from_utf8(place).ok()
        };
        place().ok_or_else(|| {
            Refusal::invalid("cursor", "This is not a cursor of this list; begin again without one.")
        })
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&(*self.sealing.as_bytes()).into())
    }

    /// Different for each list and place, so that none is used for two texts.
    fn nonce(&self, list: &str, place: &str) -> [u8; NONCE] {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.mixing.as_bytes()).expect("HMAC takes a key of any length");
        // The length goes first, so that no part of the place can pass for the list's name.
        mac.update(&(list.len() as u64).to_be_bytes());
        mac.update(list.as_bytes());
        mac.update(place.as_bytes());
        let tag = mac.finalize().into_bytes();
        std::array::from_fn(|i| tag[i])
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
