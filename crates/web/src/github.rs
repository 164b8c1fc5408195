//! Whether it is GitHub's secret scanner that speaks: its public keys, and the signature of what it says.
//!
//! Source: GitHub, "Secret scanning partner program": ECDSA over NIST P-256 with SHA-256, of the body as it
//! came; the key is named by a header and published with the word whether it is the current one.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use axum::http::HeaderMap;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use serde::Deserialize;

pub(crate) const IDENTIFIER: &str = "Github-Public-Key-Identifier";
pub(crate) const SIGNATURE: &str = "Github-Public-Key-Signature";

/// The keys that are current, by their identifiers. Clones are the same keys.
#[derive(Clone, Default)]
pub struct GitHubKeys(Arc<RwLock<Vec<(String, PublicKey)>>>);

/// A point of P-256, uncompressed.
type PublicKey = [u8; 65];

/// What stands before the point in the key of that curve (RFC 5480, section 2).
const SPKI: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// As GitHub publishes them.
#[derive(Deserialize)]
struct Published {
    public_keys: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    key_identifier: String,
    key: String,
    is_current: bool,
}

impl GitHubKeys {
    /// Reads what `https://api.github.com/meta/public_keys/secret_scanning` answers. Keys that are not current
    /// any more are left out.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn read(text: &str) -> Result<Self, String> {
        let published: Published = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let current = published.public_keys.into_iter().filter(|entry| entry.is_current);
        let keys: Vec<_> = current
            .map(|entry| {
                let key = point(&entry.key).ok_or_else(|| {
                    format!("the key {} is none of NIST P-256 in PEM", entry.key_identifier)
                })?;
                Ok((entry.key_identifier, key))
            })
            .collect::<Result<_, String>>()?;
        if keys.is_empty() {
            return Err("it has no key that is current".to_owned());
        }
        Ok(Self(Arc::new(RwLock::new(keys))))
    }

    /// Puts others in their place, for all clones.
    pub fn replace(&self, others: &Self) {
        let others = others.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        // They are replaced whole, so they are right even after a panic.
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = others;
    }

    fn find(&self, identifier: &str) -> Option<PublicKey> {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        keys.iter().find(|(known, _)| known == identifier).map(|(_, key)| *key)
    }
}

impl fmt::Debug for GitHubKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GitHubKeys(…)")
    }
}

fn point(pem: &str) -> Option<PublicKey> {
    let (_, rest) = pem.split_once("-----BEGIN PUBLIC KEY-----")?;
    let (body, _) = rest.split_once("-----END PUBLIC KEY-----")?;
    let body: String = body.split_whitespace().collect();
    let der = BASE64_STANDARD.decode(body).ok()?;
    der.strip_prefix(&SPKI)?.try_into().ok()
}

/// What was signed with a key that is current, or so it is said.
pub(crate) struct Signed {
    key: PublicKey,
    signature: Vec<u8>,
}

impl Signed {
    /// None where a header is missing, there twice or no signature, or the key is unknown or an old one.
    pub(crate) fn by(headers: &HeaderMap, keys: &GitHubKeys) -> Option<Self> {
        let only = |name: &str| {
            let mut values = headers.get_all(name).iter();
            values.next().filter(|_| values.next().is_none())?.to_str().ok()
        };
        let key = keys.find(only(IDENTIFIER)?)?;
        Some(Self { key, signature: BASE64_STANDARD.decode(only(SIGNATURE)?).ok()? })
    }

    /// Whether it is these bytes that were signed.
    pub(crate) fn are(&self, body: &[u8]) -> bool {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.key).verify(body, &self.signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key, message and signature that GitHub's page gives as an example.
    const PEM: &str = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEsz9ugWDj5jK5ELBK42ynytbo38gP\n\
                       HzZFI03Exwz8Lh/tCfL3YxwMdLjB+bMznsanlhK0RwcGP3IDb34kQDIo3Q==\n-----END PUBLIC KEY-----\n";

    fn published(key: &str, current: bool) -> String {
        serde_json::json!({ "public_keys": [
            { "key_identifier": "k1", "key": key, "is_current": current },
            { "key_identifier": "k0", "key": PEM, "is_current": true },
        ] })
        .to_string()
    }

    #[test]
    fn keys_are_read_as_they_are_published_and_only_current_ones_are_kept() {
        let keys = GitHubKeys::read(&published(PEM, false)).unwrap();
        assert!(keys.find("k0").is_some() && keys.find("k1").is_none() && keys.find("k2").is_none());
        let next = GitHubKeys::read(&published(PEM, true)).unwrap();
        let same = keys.clone();
        keys.replace(&next);
        assert!(same.find("k1").is_some());
    }

    #[test]
    fn what_is_no_list_of_keys_is_refused_with_the_reason() {
        let none = r#"{"public_keys":[]}"#;
        assert_eq!(GitHubKeys::read(none).unwrap_err(), "it has no key that is current");
        let other = published("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", true);
        assert_eq!(GitHubKeys::read(&other).unwrap_err(), "the key k1 is none of NIST P-256 in PEM");
        assert!(GitHubKeys::read("<html>").is_err());
    }
}
