//! Crockford's base32 in lower case, at one fixed length: 12 digits, 60 bits, big-endian.
//!
//! Source: <https://www.crockford.com/base32.html>. Its upper case and look-alikes (`o` for `0`,
//! `i` and `l` for `1`) are not read: a public id has exactly one spelling.

pub(crate) const LEN: usize = 12;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Of each byte its value, or `NONE`.
const VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut value = 0;
    while value < ALPHABET.len() {
        values[ALPHABET[value] as usize] = value as u8;
        value += 1;
    }
    values
};
const NONE: u8 = u8::MAX;

/// Bits above the sixtieth are ignored.
pub(crate) fn encode(mut number: u64) -> [u8; LEN] {
    let mut text = [0; LEN];
    for digit in text.iter_mut().rev() {
        *digit = ALPHABET[(number & 31) as usize];
        number >>= 5;
    }
    text
}

/// The number, below 2^60; none where a character is not of the alphabet.
pub(crate) fn decode(text: &[u8; LEN]) -> Option<u64> {
    text.iter().try_fold(0, |number, &byte| {
        let value = VALUES[usize::from(byte)];
        (value != NONE).then(|| number << 5 | u64::from(value))
    })
}

/// Whether the byte is a digit of the alphabet.
pub(crate) fn is_digit(byte: u8) -> bool {
    VALUES[usize::from(byte)] != NONE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_big_endian_and_zero_padded() {
        assert_eq!(&encode(0), b"000000000000");
        assert_eq!(&encode(1), b"000000000001");
        assert_eq!(&encode(32), b"000000000010");
        assert_eq!(&encode((1 << 60) - 1), b"zzzzzzzzzzzz");
    }

    #[test]
    fn the_alphabet_is_the_designs_character_class() {
        let class: Vec<u8> = (0..=255).filter(|&byte| is_digit(byte)).collect();
        let expected: Vec<u8> =
            (b'0'..=b'9').chain(b'a'..=b'h').chain(*b"jkmn").chain(b'p'..=b't').chain(b'v'..=b'z').collect();
        assert_eq!(class, expected);
    }

    #[test]
    fn upper_case_and_look_alikes_are_not_read() {
        for stranger in *b"ABZilou_-" {
            let mut text = encode(12345);
            text[11] = stranger;
            assert_eq!(decode(&text), None, "{}", stranger as char);
        }
    }
}
