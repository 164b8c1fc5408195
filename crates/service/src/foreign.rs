//! Texts of another make, known by what was imported of them: a digest that is not ours, or a slow hash
//! and the prefix that leads to it. The first text that fits gets our digest, and from then on is
//! found as any other.
//!
//! Nothing here is looked at for texts of our own brand, nor for any that is in memory. What is left
//! is bounded: so many look-ups at once, so many hashes at once and waiting; beyond that the facts
//! are undetermined. A text whose prefix leads nowhere costs no hash.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash as Phc;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use domain::change::{Action, Actor, Change, Entry, Make, Write};
use domain::facts::Token;
use hmac::{Hmac, Mac};
use sha2::{Digest as _, Sha256, Sha512};
use store::{ForeignToken, Keys};
use token::{Digest, Entropy, Presented};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::{ATTEMPTS, Desk, Error};

/// Look-ups at once; each is a few reads.
const LOOKING: usize = 64;
/// Slow hashes at once, and waiting.
const HASHING: usize = 2;
const WAITING: usize = 16;

/// The prefixes that slow hashes are looked up by: long enough that few share one.
pub(crate) const PREFIX: std::ops::RangeInclusive<usize> = 4..=64;
/// Slow hashes that one prefix may lead to: what a wrong text of it costs at most.
pub(crate) const CROWD: i64 = 4;

pub(crate) struct Foreign {
    recipes: Vec<(i64, Recipe)>,
    looking: Semaphore,
    hashing: Arc<Semaphore>,
    waiting: Semaphore,
}

/// How a text of a make is looked up.
pub(crate) enum Recipe {
    Sha512,
    Hmac(Zeroizing<Vec<u8>>),
    /// By so many characters at its beginning.
    Bcrypt(usize),
    Argon2(usize),
}

impl Recipe {
    pub(crate) fn of(make: &Make, keys: &Keys) -> Option<Self> {
        let prefix = || make.prefix.and_then(|prefix| usize::try_from(prefix).ok());
        match make.kind.as_str() {
            "sha512" => Some(Self::Sha512),
            "hmac-sha256" => open(keys, make.id, make.sealed.as_deref()?).map(Self::Hmac),
            "bcrypt" => prefix().map(Self::Bcrypt),
            "argon2" => prefix().map(Self::Argon2),
            _ => None,
        }
    }

    /// A make of this recipe, for the database.
    pub(crate) fn make(&self, id: i64, keys: &Keys, entropy: &dyn Entropy) -> Make {
        let (kind, prefix, sealed) = match self {
            Self::Sha512 => ("sha512", None, None),
            Self::Hmac(key) => ("hmac-sha256", None, Some(seal(keys, id, key, entropy))),
            Self::Bcrypt(prefix) => ("bcrypt", Some(*prefix as i64), None),
            Self::Argon2(prefix) => ("argon2", Some(*prefix as i64), None),
        };
        Make { id, kind: kind.to_owned(), prefix, sealed }
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Sha512, Self::Sha512) => true,
            (Self::Hmac(one), Self::Hmac(other)) => one == other,
            (Self::Bcrypt(one), Self::Bcrypt(other)) | (Self::Argon2(one), Self::Argon2(other)) => {
                one == other
            }
            _ => false,
        }
    }

    /// None where the text is too short for any.
    fn lookup(&self, text: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Sha512 => Some(Sha512::digest(text).to_vec()),
            Self::Hmac(key) => {
                let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
                mac.update(text);
                Some(mac.finalize().into_bytes().to_vec())
            }
            Self::Bcrypt(prefix) | Self::Argon2(prefix) => text.get(..*prefix).map(<[u8]>::to_vec),
        }
    }
}

fn cipher(keys: &Keys) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(keys.derive(b"jeton foreign make 1").as_bytes().into())
}

fn seal(keys: &Keys, id: i64, key: &[u8], entropy: &dyn Entropy) -> Vec<u8> {
    let mut nonce = [0; 24];
    entropy.fill(&mut nonce);
    let payload = Payload { msg: key, aad: &id.to_be_bytes() };
    let sealed = cipher(keys).encrypt(&XNonce::from(nonce), payload).expect("a key is far below 256 GiB");
    [nonce.as_slice(), &sealed].concat()
}

fn open(keys: &Keys, id: i64, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, sealed) = sealed.split_at_checked(24)?;
    let payload = Payload { msg: sealed, aad: &id.to_be_bytes() };
    cipher(keys).decrypt(&XNonce::try_from(nonce).ok()?, payload).ok().map(Zeroizing::new)
}

impl Foreign {
    pub(crate) fn new(makes: &[Make], keys: &Keys) -> Self {
        let recipe = |make: &Make| {
            let recipe = Recipe::of(make, keys);
            if recipe.is_none() {
                tracing::error!(make.id, "imported tokens of the kind {} cannot be looked up", make.kind);
            }
            Some((make.id, recipe?))
        };
        Self {
            recipes: makes.iter().filter_map(recipe).collect(),
            looking: Semaphore::new(LOOKING),
            hashing: Arc::new(Semaphore::new(HASHING)),
            waiting: Semaphore::new(WAITING),
        }
    }
}

impl Desk {
    /// Has a text of another make found as ours, if it is of a token that was imported and this is
    /// its first use.
    ///
    /// # Errors
    /// More look-ups or hashes are under way than may be, or the facts could not be had.
    pub(crate) async fn meet(&self, text: &[u8], presented: &Presented) -> Result<(), Error> {
        let Presented::Foreign { digest } = *presented else { return Ok(()) };
        let foreign = &self.foreign;
        if foreign.recipes.is_empty() || self.verifier.knows(&digest) {
            return Ok(());
        }
        let _looking = foreign.looking.try_acquire().map_err(|_| Error::Undetermined)?;
        let lookups = foreign.recipes.iter().filter_map(|(make, recipe)| Some((*make, recipe.lookup(text)?)));
        for found in self.store.foreign(lookups.collect()).await? {
            if self.fits(text, &found).await? {
                return self.replace(digest, &found).await;
            }
        }
        Ok(())
    }

    async fn fits(&self, text: &[u8], found: &ForeignToken) -> Result<bool, Error> {
        let Some(phc) = found.phc.clone() else { return Ok(true) };
        let _waiting = self.foreign.waiting.try_acquire().map_err(|_| Error::Undetermined)?;
        let hashing = self.foreign.hashing.clone().acquire_owned().await;
        let hashing = hashing.expect("nobody closes the semaphore");
        let text = Zeroizing::new(text.to_vec());
        let done = tokio::task::spawn_blocking(move || {
            let _hashing = hashing;
            is_hash_of(&phc, &text)
        });
        done.await.map_err(|_| Error::Undetermined)
    }

    async fn replace(&self, digest: Digest, found: &ForeignToken) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let (token, _) =
                self.store.token(&found.account, found.token).await?.ok_or(Error::Undetermined)?;
            if token.digest == digest {
                // Somebody else came with the same text.
                return Ok(());
            }
            let now = self.now();
            let entry = Entry {
                at: now,
                actor: Actor::Nobody,
                account: Some(token.account.clone()),
                action: Action::TokenReplaced,
                subject: token.id.to_string(),
                payload: serde_json::json!({ "hash": "SHA-256" }),
            };
            let token = Box::new(Token { digest, ..token });
            let change =
                Change::default().write(Write::ReplaceMark { token, mark: found.mark, at: now }).entry(entry);
            if self.commit_alone(change).await? || !self.store.there(&[digest]).await?.is_empty() {
                return Ok(());
            }
        }
        Err(Error::Conflict)
    }
}

/// Whether a text has this slow hash. What cannot be read has none.
pub(crate) fn is_hash_of(phc: &str, text: &[u8]) -> bool {
    if phc.starts_with("$argon2") {
        return Phc::new(phc).is_ok_and(|hash| Argon2::default().verify_password(text, &hash).is_ok());
    }
    // As everywhere, bcrypt looks at the first 72 bytes.
    bcrypt::verify(text, phc).unwrap_or(false)
}
