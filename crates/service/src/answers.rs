//! Answers kept for whoever asks again: the same Idempotency-Key, the same answer.
//!
//! What is kept is sealed under a key made of the server's and of the Idempotency-Key, and of
//! that only the hash is stored: whoever reads the database cannot read the secrets in it.
//! An answer is kept for ten minutes, for its caller and its route alone.

use std::str::FromStr;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use domain::change::{Change, Remembered, Write};
use domain::refusal::Refusal;
use domain::time::Timestamp;
use domain::who::{By, Caller};
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use store::{Key, Keys, Store};
use token::{Entropy, TokenText};
use zeroize::{Zeroize, Zeroizing};

use crate::{Desk, Error};

/// How long an answer is kept: ten minutes, in µs.
pub(crate) const KEPT: i64 = 10 * 60 * 1_000_000;

/// Characters of an Idempotency-Key.
const LENGTH: std::ops::RangeInclusive<usize> = 22..=255;

pub(crate) struct Answers {
    key: Key,
    entropy: Arc<dyn Entropy>,
}

/// What an answer to a creation is made of again, for whoever asks again.
#[derive(Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) id: String,
    /// Of a token or a service, whose answer had it.
    pub(crate) secret: Option<String>,
    /// The second of a pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh: Option<String>,
}

impl Kept {
    pub(crate) fn id(id: impl ToString) -> Self {
        Self { id: id.to_string(), secret: None, refresh: None }
    }

    pub(crate) fn secret(text: &TokenText) -> Self {
        Self::of(text.id(), text.expose())
    }

    /// The same of a secret that is no token's.
    pub(crate) fn of(id: impl ToString, secret: &str) -> Self {
        Self { id: id.to_string(), secret: Some(secret.to_owned()), refresh: None }
    }

    pub(crate) fn pair(text: &TokenText, refresh: &TokenText) -> Self {
        let mut kept = Self::secret(text);
        kept.refresh = Some(refresh.expose().to_owned());
        kept
    }

    /// The id again. We wrote it, so one that does not read is a fault of ours.
    pub(crate) fn named<T: FromStr>(&self) -> Result<T, Error> {
        self.id.parse().map_err(|_| Error::Undetermined)
    }

    pub(crate) fn text(&self) -> Result<Arc<TokenText>, Error> {
        parsed(self.secret.as_deref())
    }

    pub(crate) fn refresh(&self) -> Result<Arc<TokenText>, Error> {
        parsed(self.refresh.as_deref())
    }
}

fn parsed(text: Option<&str>) -> Result<Arc<TokenText>, Error> {
    TokenText::parse(text.ok_or(Error::Undetermined)?).map(Arc::new).map_err(|_| Error::Undetermined)
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.secret.zeroize();
        self.refresh.zeroize();
    }
}

/// How long a form is known to have been sent: a day, in µs.
const FORM: i64 = 24 * 3600 * 1_000_000;

/// What became of a request that may have come before.
pub(crate) enum Made<T> {
    Now(T),
    Before(Kept),
}

impl Desk {
    /// A request that may come again, by the caller's own key. Sessions of one holder are one
    /// caller, since they may do the same; each token is another, so that none is handed what a
    /// greater one of its holder made; and so is each service for each member that it acts for.
    pub fn replay(&self, caller: &Caller, route: &str, key: &str, body: &[u8]) -> Result<Replay, Error> {
        let who = match &caller.by {
            By::Token(by) if caller.is_session() => format!("{} {}", caller.holder.id, by.node),
            By::Token(by) => by.id.to_string(),
            By::Service { id, .. } => format!("{} via {id}", caller.holder.id),
        };
        Ok(self.answers.replay(&who, route, key, body)?)
    }

    /// A form that makes something once: sent again, it makes nothing, and what it made is named but its
    /// secret not shown again. `form` was drawn when the form was written, and is good for a day, for
    /// which the caller of this has to see.
    pub fn once(&self, caller: &Caller, route: &str, form: &str) -> Result<Replay, Error> {
        // Whatever else it says the second time, the first counts.
        Ok(Replay { once: true, ..self.replay(caller, route, form, b"")? })
    }

    /// What a form made, if it was sent before.
    pub async fn made_by<T: FromStr>(&self, replay: &Replay) -> Result<Option<T>, Error> {
        let kept = self.recall(Some(replay), self.now()).await?;
        kept.map(|kept| kept.named()).transpose()
    }

    /// The answer that was given before, if the same was asked.
    pub(crate) async fn recall(
        &self,
        replay: Option<&Replay>,
        now: Timestamp,
    ) -> Result<Option<Kept>, Error> {
        let Some(replay) = replay else { return Ok(None) };
        let Some(kept) = self.answers.recall(&self.store, replay, now).await? else { return Ok(None) };
        serde_json::from_slice(&kept).map(Some).map_err(|_| Error::Undetermined)
    }

    /// Has the answer kept with the change that makes it true, where it may be asked for again.
    pub(crate) fn keep(
        &self,
        change: Change,
        replay: Option<&Replay>,
        kept: &Kept,
        now: Timestamp,
    ) -> Change {
        let Some(replay) = replay else { return change };
        let without_secret = Kept::id(&kept.id);
        let kept = if replay.once { &without_secret } else { kept };
        let kept = Zeroizing::new(serde_json::to_vec(kept).expect("two strings are plain data"));
        self.answers.keep(change, replay, &kept, now)
    }

    /// As [`Desk::settle`], once for each Idempotency-Key. `decide` says besides what the answer
    /// can be made of again.
    pub(crate) async fn settle_once<T>(
        &self,
        caller: Caller,
        replay: Option<&Replay>,
        decide: impl Fn(&Caller) -> Result<(T, Kept, Change), Error>,
    ) -> Result<Made<T>, Error> {
        let mut tries = self.tries(caller);
        loop {
            let caller = &tries.caller;
            if let Some(kept) = self.recall(replay, caller.now).await? {
                return Ok(Made::Before(kept));
            }
            let (outcome, kept, change) = decide(caller)?;
            let change = self.keep(change, replay, &kept, caller.now);
            if tries.commit(change).await?.is_some() {
                return Ok(Made::Now(outcome));
            }
        }
    }
}

/// A request that may come again: who sent it where, under which key, and what it said.
pub struct Replay {
    key: Zeroizing<[u8; 32]>,
    place: [u8; 32],
    request: [u8; 32],
    /// Its secret is not given out again, and so not kept.
    once: bool,
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
        // Under the server's key, the request too: it may hold a password, which a plain digest
        // of it would let whoever reads the database guess at.
        let mac = |parts: &[&[u8]]| {
            let mut mac =
                Hmac::<Sha256>::new_from_slice(self.key.as_bytes()).expect("HMAC takes a key of any length");
            for part in parts {
                mac.update(&(part.len() as u64).to_be_bytes());
                mac.update(part);
            }
            <[u8; 32]>::from(mac.finalize().into_bytes())
        };
        let whose = [caller.as_bytes(), route.as_bytes(), key.as_bytes()];
        let labelled = |label| [&[label], whose.as_slice()].concat();
        Ok(Replay {
            key: Zeroizing::new(mac(&labelled(b"seal".as_slice()))),
            place: mac(&labelled(b"place")),
            request: mac(&[b"request", request]),
            once: false,
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
            until: now.plus_micros(if replay.once { FORM } else { KEPT }),
        }))
    }

    fn cipher(&self, replay: &Replay) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&(*replay.key).into())
    }
}
