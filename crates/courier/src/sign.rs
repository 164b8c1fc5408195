//! Signatures after Standard Webhooks 1.0.0: HMAC-SHA-256 over `id.timestamp.body`, in three headers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::webhooks::SigningSecret;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The values of the headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// `webhook-timestamp`: seconds since 1970, by which a receiver refuses what is old.
    pub timestamp: String,
    /// `webhook-signature`: one for each secret, with a space between them.
    pub signature: String,
}

/// `id` names what is told, the same at each try; `seconds` is when it is sent.
pub fn sign(secrets: &[SigningSecret], id: &str, seconds: i64, body: &[u8]) -> Signed {
    let timestamp = seconds.to_string();
    let signatures: Vec<String> = secrets
        .iter()
        .map(|secret| {
            let mut mac =
                Hmac::<Sha256>::new_from_slice(secret.expose()).expect("HMAC takes a key of any length");
            for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
                mac.update(part);
            }
            format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
        })
        .collect();
    Signed { timestamp, signature: signatures.join(" ") }
}
