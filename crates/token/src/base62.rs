//! Base62 with the alphabet `0-9A-Za-z`: the digits of secrets and of the checksum.

use zeroize::Zeroizing;

use crate::Entropy;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

pub(crate) fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

/// Fills `digits` with characters drawn uniformly.
///
/// Six bits of each random byte name a character; the two of 64 values that name none are thrown
/// away rather than folded back, which would make two characters likelier than the others.
pub(crate) fn draw(digits: &mut [u8], entropy: &dyn Entropy) {
    let mut bytes = Zeroizing::new([0u8; 32]);
    let mut drawn = 0;
    while drawn < digits.len() {
        entropy.fill(&mut *bytes);
        for byte in *bytes {
            if drawn == digits.len() {
                break;
            }
            if let Some(&digit) = ALPHABET.get(usize::from(byte >> 2)) {
                digits[drawn] = digit;
                drawn += 1;
            }
        }
    }
}

/// Six digits, big-endian, zero-padded; 62^6 is above 2^32, so every number has its own six.
pub(crate) fn encode_u32(mut number: u32) -> [u8; 6] {
    let mut text = [0; 6];
    for digit in text.iter_mut().rev() {
        *digit = ALPHABET[(number % 62) as usize];
        number /= 62;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_big_endian_and_zero_padded() {
        assert_eq!(&encode_u32(0), b"000000");
        assert_eq!(&encode_u32(61), b"00000z");
        assert_eq!(&encode_u32(62), b"000010");
        assert_eq!(&encode_u32(u32::MAX), b"4gfFC3");
    }

    #[test]
    fn every_byte_names_its_character_or_is_thrown_away() {
        struct Counting(std::sync::atomic::AtomicU8);
        impl Entropy for Counting {
            fn fill(&self, bytes: &mut [u8]) {
                for byte in bytes {
                    *byte = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
            }
        }
        // All 256 bytes once: four of them for each character, eight thrown away.
        let mut digits = [0; 248];
        draw(&mut digits, &Counting(Default::default()));
        for &letter in ALPHABET {
            assert_eq!(digits.iter().filter(|&&digit| digit == letter).count(), 4);
        }
    }
}
