//! The seal on what is kept under a key that is not in the database: a token's text that a policy says can be
//! had again, and the secrets of webhooks.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use domain::ids::{AccountId, WebhookId};
use domain::webhooks::SigningSecret;
use token::{Entropy, TokenId, TokenText};
use zeroize::Zeroizing;

use crate::keys::Keys;

/// A text under seal, and the nonce it was sealed with.
pub(crate) struct Sealed {
    pub(crate) nonce: [u8; 24],
    pub(crate) text: Vec<u8>,
}

/// Seals and opens texts, each bound to its account and token: a sealed text that was moved to
/// another row does not open.
pub(crate) struct Sealer {
    texts: XChaCha20Poly1305,
    secrets: XChaCha20Poly1305,
}

/// The sealed text, its row or the key is not what it was.
#[derive(Debug, thiserror::Error)]
#[error("the sealed text of {0} does not open; it was altered, or the key file is another one")]
pub(crate) struct Closed(String);

impl Sealer {
    pub(crate) fn new(keys: &Keys) -> Self {
        let cipher = |label| XChaCha20Poly1305::new(keys.derive(label).as_bytes().into());
        Self { texts: cipher(b"jeton token text 1"), secrets: cipher(b"jeton webhook secret 1") }
    }

    pub(crate) fn seal(&self, account: &AccountId, text: &TokenText, entropy: &dyn Entropy) -> Sealed {
        seal(&self.texts, &row(account, text.id()), text.expose().as_bytes(), entropy)
    }

    pub(crate) fn open(
        &self,
        account: &AccountId,
        token: TokenId,
        sealed: &Sealed,
    ) -> Result<TokenText, Closed> {
        let closed = || Closed(token.to_string());
        let bytes = open(&self.texts, &row(account, token), sealed).ok_or_else(closed)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| closed())?;
        TokenText::parse(text).map_err(|_| closed())
    }

    pub(crate) fn seal_secret(
        &self,
        account: &AccountId,
        webhook: WebhookId,
        secret: &SigningSecret,
        entropy: &dyn Entropy,
    ) -> Sealed {
        seal(&self.secrets, &row(account, webhook), secret.expose(), entropy)
    }

    pub(crate) fn open_secret(
        &self,
        account: &AccountId,
        webhook: WebhookId,
        sealed: &Sealed,
    ) -> Result<SigningSecret, Closed> {
        let bytes = open(&self.secrets, &row(account, webhook), sealed);
        let bytes = bytes.and_then(|bytes| bytes.as_slice().try_into().ok());
        bytes.map(SigningSecret::from_bytes).ok_or_else(|| Closed(webhook.to_string()))
    }
}

fn seal(cipher: &XChaCha20Poly1305, row: &[u8], plain: &[u8], entropy: &dyn Entropy) -> Sealed {
    // 192 random bits do not repeat (draft-irtf-cfrg-xchacha-03, section 3.1).
    let mut nonce = [0; 24];
    entropy.fill(&mut nonce);
    let sealed = Payload { msg: plain, aad: row };
    let text = cipher.encrypt(&XNonce::from(nonce), sealed).expect("what is sealed is far below 256 GiB");
    Sealed { nonce, text }
}

fn open(cipher: &XChaCha20Poly1305, row: &[u8], sealed: &Sealed) -> Option<Zeroizing<Vec<u8>>> {
    let payload = Payload { msg: &sealed.text, aad: row };
    cipher.decrypt(&XNonce::from(sealed.nonce), payload).ok().map(Zeroizing::new)
}

/// What the seal is bound to. An account's id has no zero byte, so no two rows read alike.
fn row(account: &AccountId, id: impl std::fmt::Display) -> Vec<u8> {
    format!("{account}\0{id}").into_bytes()
}
