//! Answers kept for whoever asks again: the same Idempotency-Key, the same answer.
//!
//! What is kept is sealed under a key made of the server's and of the Idempotency-Key, and of
//! that only the hash is stored: whoever reads the database cannot read the secrets in it.
//! An answer is kept for ten minutes, for its caller and its route alone.

use std::sync::Arc;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use domain::change::{Change, Remembered, Write};
use domain::refusal::Refusal;
use domain::time::Timestamp;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use store::{Key, Keys, Store};
use token::Entropy;
use zeroize::Zeroizing;

use crate::Error;

/// How long an answer is kept: ten minutes, in µs.
const KEPT: i64 = 10 * 60 * 1_000_000;

/// Characters of an Idempotency-Key.
const LENGTH: std::ops::RangeInclusive<usize> = 22..=255;

pub(crate) struct Answers {
    key: Key,
    entropy: Arc<dyn Entropy>,
}

/// A request that may come again: who sent it where, under which key, and what it said.
pub struct Replay {
    key: Zeroizing<[u8; 32]>,
    place: [u8; 32],
    request: [u8; 32],
}

impl Answers {
    pub(crate) fn new(keys: &Keys, entropy: Arc<dyn Entropy>) -> Self {
        Self { key: keys.derive(b"answers"), entropy }
    }

    /// `caller` and `route` say whose key it is; `request` is the body as it came.
    pub(crate) fn replay(
        &self,
        caller: &str,
        route: &str,
        key: &str,
        request: &[u8],
    ) -> Result<Replay, Refusal> {
        if !LENGTH.contains(&key.len()) || !key.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Refusal::invalid(
                "Idempotency-Key",
                "An Idempotency-Key has 22 to 255 printable characters, such as a random UUID.",
            ));
        }
        let mac = |label: &[u8]| {
            let mut mac =
                Hmac::<Sha256>::new_from_slice(self.key.as_bytes()).expect("HMAC takes a key of any length");
            for part in [label, caller.as_bytes(), route.as_bytes(), key.as_bytes()] {
                mac.update(&(part.len() as u64).to_be_bytes());
                mac.update(part);
            }
            <[u8; 32]>::from(mac.finalize().into_bytes())
        };
        Ok(Replay {
            key: Zeroizing::new(mac(b"seal")),
            place: mac(b"place"),
            request: Sha256::digest(request).into(),
        })
    }

    /// The answer that was given before, if the same was asked.
    pub(crate) async fn recall(
        &self,
        store: &Store,
        replay: &Replay,
        now: Timestamp,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        let Some(kept) = store.remembered(&replay.place).await?.filter(|kept| now < kept.until) else {
            return Ok(None);
        };
        if kept.request != replay.request {
            return Err(Error::IdempotencyMismatch);
        }
        let (nonce, sealed) = kept.sealed.split_at_checked(24).ok_or(Error::Undetermined)?;
        let payload = Payload { msg: sealed, aad: &replay.place };
        let nonce = XNonce::try_from(nonce).map_err(|_| Error::Undetermined)?;
        let open = self.cipher(replay).decrypt(&nonce, payload);
        open.map(|plain| Some(Zeroizing::new(plain))).map_err(|_| Error::Undetermined)
    }

    /// Has the answer kept with the change that makes it true.
    pub(crate) fn keep(&self, change: Change, replay: &Replay, answer: &[u8], now: Timestamp) -> Change {
        let mut nonce = [0; 24];
        self.entropy.fill(&mut nonce);
        let payload = Payload { msg: answer, aad: &replay.place };
        let sealed = self.cipher(replay).encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.expect("an answer is far shorter than the cipher's bound");
        change.write(Write::Remember(Remembered {
            key: replay.place,
            request: replay.request,
            sealed: [nonce.as_slice(), &sealed].concat(),
            until: now.plus_micros(KEPT),
        }))
    }

    fn cipher(&self, replay: &Replay) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&(*replay.key).into())
    }
}
