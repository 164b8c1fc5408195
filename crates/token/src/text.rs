//! The whole text of a token: the secret itself.

use std::fmt;

use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::{Brand, Code, Digest, Entropy, Kind, Malformed, TokenId, base62, checksum, layout};

/// A token's whole text. Never prints; overwritten with zeros when dropped.
///
/// It is made twice in a token's life at most: when it is issued, and where a policy says
/// recoverable, when it is revealed.
#[derive(ZeroizeOnDrop)]
pub struct TokenText {
    /// ASCII, allocated once at its full length, so that no copy is left behind by growing.
    text: String,
    #[zeroize(skip)]
    brand: Brand,
    #[zeroize(skip)]
    id: TokenId,
}

impl TokenText {
    /// Draws a new token with a new id. Whoever stores it issues again where the id is taken.
    pub fn issue(brand: Brand, kind: Kind, entropy: &dyn Entropy) -> TokenText {
        let id = TokenId { kind, code: Code::draw(entropy) };
        let mut secret = Zeroizing::new([0; layout::SECRET]);
        base62::draw(&mut *secret, entropy);

        let mut text = String::with_capacity(layout::LONGEST);
        text.push_str(brand.as_str());
        text.push('_');
        text.push_str(kind.as_str());
        text.push('_');
        text.extend(id.code.to_bytes().map(char::from));
        text.push('_');
        text.extend(secret.iter().copied().map(char::from));
        text.extend(checksum::of(text.as_bytes()).map(char::from));
        TokenText { text, brand, id }
    }

    /// Reads back a text that was issued, of whatever brand: for one that was kept sealed.
    /// What a caller presents goes through [`crate::Parser`], which knows whose brand is ours.
    pub fn parse(text: &str) -> Result<TokenText, Malformed> {
        let (brand, id) = layout::read_any(text.as_bytes())?;
        Ok(TokenText { text: text.to_owned(), brand, id })
    }

    /// The text itself, for the one answer that carries it.
    pub fn expose(&self) -> &str {
        &self.text
    }

    pub fn id(&self) -> TokenId {
        self.id
    }

    /// What to keep instead of the text.
    pub fn digest(&self) -> Digest {
        Digest::of(self.text.as_bytes())
    }

    /// `jtn_pat_<id>_…`: what lists and logs may show.
    pub fn redacted(&self) -> String {
        format!("{}_{}_…", self.brand, self.id)
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenText({})", self.redacted())
    }
}
