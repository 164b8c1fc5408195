//! The checksum at the end of a token: CRC-32 (IEEE 802.3) as six digits of base62.
//!
//! It refuses typing errors without a look-up and spares scanners false alarms. Anyone can
//! compute it: it proves nothing.

use crate::base62;

pub(crate) const LEN: usize = 6;

pub(crate) fn of(text: &[u8]) -> [u8; LEN] {
    base62::encode_u32(crc32fast::hash(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    // GitHub's published example of the same scheme.
    #[test]
    fn the_published_vector_holds() {
        assert_eq!(&of(b"zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ"), b"0mLq17");
    }
}
