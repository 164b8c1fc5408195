//! The seal on a token's text that a policy says can be had again.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use domain::ids::AccountId;
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
pub(crate) struct Sealer(XChaCha20Poly1305);

/// The sealed text, its row or the key is not what it was.
#[derive(Debug, thiserror::Error)]
#[error("the sealed text of {0} does not open; it was altered, or the key file is another one")]
pub(crate) struct Closed(TokenId);

impl Sealer {
    pub(crate) fn new(keys: &Keys) -> Self {
        let key = keys.derive(b"jeton token text 1");
        Self(XChaCha20Poly1305::new(key.as_bytes().into()))
    }

    pub(crate) fn seal(&self, account: &AccountId, text: &TokenText, entropy: &dyn Entropy) -> Sealed {
        // 192 random bits do not repeat (draft-irtf-cfrg-xchacha-03, section 3.1).
        let mut nonce = [0; 24];
        entropy.fill(&mut nonce);
        let row = row(account, text.id());
        let sealed = Payload { msg: text.expose().as_bytes(), aad: &row };
        let text = self.0.encrypt(&XNonce::from(nonce), sealed).expect("a token is far below 256 GiB");
        Sealed { nonce, text }
    }

    pub(crate) fn open(
        &self,
        account: &AccountId,
        token: TokenId,
        sealed: &Sealed,
    ) -> Result<TokenText, Closed> {
        let row = row(account, token);
        let payload = Payload { msg: &sealed.text, aad: &row };
        let bytes = self.0.decrypt(&XNonce::from(sealed.nonce), payload).map_err(|_| Closed(token))?;
        let bytes = Zeroizing::new(bytes);
        let text = std::str::from_utf8(&bytes).map_err(|_| Closed(token))?;
        TokenText::parse(text).map_err(|_| Closed(token))
    }
}

/// What the seal is bound to. An account's id has no zero byte, so no two rows read alike.
fn row(account: &AccountId, token: TokenId) -> Vec<u8> {
    format!("{account}\0{token}").into_bytes()
}
