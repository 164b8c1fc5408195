//! One-time codes: HMAC-SHA-1 over 30-second steps, six digits (RFC 6238, RFC 4226), and recovery codes
//! for whoever lost what shows them.
//!
//! Working out and comparing only. What a code opens, and that it opens it once, is `domain::proofs`'.

use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use domain::facts::Person;
use domain::ids::PersonId;
use domain::proofs::Shown;
use domain::time::Timestamp;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use store::Keys;
use token::Entropy;
use totp_rs::{Builder, Secret, Totp};
use zeroize::Zeroizing;

/// Bytes of a secret: what RFC 4226 section 4 recommends.
const SECRET: usize = 20;
/// Recovery codes that are given out.
pub(crate) const RECOVERY: usize = 10;
/// Letters of one, five bits each; shown in fours.
const LETTERS: usize = 16;
/// Without letters that look like others (Crockford's base32).
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// How long what was begun can be gone on with: an enrolment, or signing in once the password was right.
const PATIENCE: i64 = 15 * 60 * 1_000_000;

/// A one-time or recovery code as somebody typed it. Does not print, and is wiped when dropped.
pub struct OneTimeCode(Zeroizing<String>);

impl OneTimeCode {
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Without what people put between its parts, and with letters for which others were read.
    fn read(&self) -> Zeroizing<String> {
        let kept = self.0.chars().filter(|c| !c.is_whitespace() && *c != '-');
        let read = |c: char| match c.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            c => c,
        };
        Zeroizing::new(kept.map(read).collect())
    }
}

impl fmt::Debug for OneTimeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeCode(…)")
    }
}

/// A text that says what was begun, for whoever goes on with it: sealed, bound to one person and one
/// purpose. Shown to nobody but the page that sends it back.
pub struct Ticket(String);

impl Ticket {
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket(…)")
    }
}

/// What a person puts into their app.
#[derive(Debug)]
pub struct Offer {
    /// To be sent back with the first code.
    pub ticket: Ticket,
    /// Of the secret: RFC 4648 base32 without padding.
    pub secret: Zeroizing<String>,
}

/// What was besides the password.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Looked {
    /// The person uses no codes.
    NotAsked,
    Missing,
    Wrong,
    Right(Shown),
}

pub(crate) struct Factors {
    seal: XChaCha20Poly1305,
    recovery: Zeroizing<[u8; 32]>,
}

/// What a sealed text is for; each is bound to it.
#[derive(Clone, Copy)]
enum Purpose {
    /// Kept in the person's row.
    Kept,
    /// An enrolment that was begun.
    Enrolment,
    /// A password that was right, at this version of the person's row.
    SignIn,
}

impl Purpose {
    fn bound_to(self, person: PersonId) -> Vec<u8> {
        let purpose = match self {
            Self::Kept => "kept",
            Self::Enrolment => "enrolment",
            Self::SignIn => "sign-in",
        };
        format!("{purpose}\0{person}").into_bytes()
    }
}

impl Factors {
    pub(crate) fn new(keys: &Keys) -> Self {
        let recovery = keys.derive(b"jeton recovery codes 1");
        Self::under(keys.derive(b"jeton second factor 1").as_bytes(), recovery.as_bytes())
    }

    fn under(seal: &[u8; 32], recovery: &[u8; 32]) -> Self {
        Self { seal: XChaCha20Poly1305::new(seal.into()), recovery: Zeroizing::new(*recovery) }
    }

    /// Looks at what came besides the password. The work is the same whatever the row says.
    pub(crate) fn look(&self, person: Option<&Person>, code: Option<&OneTimeCode>, now: Timestamp) -> Looked {
        let factor = person.and_then(|person| Some((person.id, person.second_factor.as_ref()?)));
        let typed = code.map(OneTimeCode::read).unwrap_or_default();
        let secret = factor.and_then(|(id, factor)| self.open(Purpose::Kept, id, &factor.sealed));
        let known = secret.is_some();
        let secret = secret.unwrap_or_else(|| Zeroizing::new(vec![0; SECRET]));
        let step = step(&secret, &typed, now);
        let digest = self.digest(&factor.map(|(id, _)| id.to_string()).unwrap_or_default(), &typed);
        match factor {
            None => Looked::NotAsked,
            Some(_) if typed.is_empty() => Looked::Missing,
            Some((_, factor)) => match step.filter(|_| known) {
                Some(step) => Looked::Right(Shown::Code(step)),
                // Digests under a key: what comparing them takes tells nothing of the codes.
                None if factor.recovery.contains(&digest) => Looked::Right(Shown::Recovery(digest)),
                None => Looked::Wrong,
            },
        }
    }

    /// Begins an enrolment: nothing is kept of it but what the person sends back.
    pub(crate) fn offer(&self, person: PersonId, now: Timestamp, entropy: &dyn Entropy) -> Offer {
        let mut secret = Zeroizing::new(vec![0; SECRET]);
        entropy.fill(&mut secret);
        let ticket = self.ticket(Purpose::Enrolment, person, now, &secret, entropy);
        Offer { ticket, secret: shown(&secret) }
    }

    /// The same offer again, for the page that is shown once more.
    pub(crate) fn offered(&self, person: PersonId, ticket: &str, now: Timestamp) -> Option<Offer> {
        let secret = self.read(Purpose::Enrolment, person, ticket, now)?;
        Some(Offer { ticket: Ticket(ticket.to_owned()), secret: shown(&secret) })
    }

    /// The secret of an enrolment as it is kept, and the step of the code that shows that it works.
    pub(crate) fn enrolled(
        &self,
        person: PersonId,
        ticket: &str,
        code: &OneTimeCode,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Option<(Vec<u8>, i64)> {
        let secret = self.read(Purpose::Enrolment, person, ticket, now)?;
        let step = step(&secret, &code.read(), now)?;
        Some((self.sealed(Purpose::Kept, person, &secret, entropy), step))
    }

    /// New recovery codes, as they are shown, and their digests.
    pub(crate) fn recovery_codes(
        &self,
        person: PersonId,
        entropy: &dyn Entropy,
    ) -> Vec<(Zeroizing<String>, [u8; 32])> {
        let one = |_| {
            let mut bits = Zeroizing::new([0; LETTERS]);
            entropy.fill(&mut *bits);
            let letters: Zeroizing<String> = Zeroizing::new(
                bits.iter().map(|bits| char::from(ALPHABET[usize::from(bits & 31)])).collect(),
            );
            let digest = self.digest(&person.to_string(), &letters);
            let fours: Vec<&str> = (0..LETTERS).step_by(4).map(|at| &letters[at..at + 4]).collect();
            (Zeroizing::new(fours.join("-")), digest)
        };
        (0..RECOVERY).map(one).collect()
    }

    /// That a password was right, for the page that asks for the code next.
    pub(crate) fn password_was_right(
        &self,
        person: &Person,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Ticket {
        let told = format!("{} {}", person.version, person.id);
        // The person is named inside as well: whoever reads the ticket does not know yet whose it is.
        let ticket = self.ticket(Purpose::SignIn, person.id, now, told.as_bytes(), entropy);
        Ticket(format!("{}.{}", person.id, ticket.0))
    }

    /// Whose password was right, and at which version of their row.
    pub(crate) fn whose(&self, ticket: &str, now: Timestamp) -> Option<(PersonId, i64)> {
        let (person, ticket) = ticket.split_once('.')?;
        let person: PersonId = person.parse().ok()?;
        let told = self.read(Purpose::SignIn, person, ticket, now)?;
        let version = std::str::from_utf8(&told).ok()?.split(' ').next()?.parse().ok()?;
        Some((person, version))
    }

    fn digest(&self, person: &str, letters: &str) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.recovery).expect("HMAC takes keys of any length");
        mac.update(format!("{person}\0").as_bytes());
        mac.update(letters.as_bytes());
        mac.finalize().into_bytes().into()
    }

    fn ticket(
        &self,
        purpose: Purpose,
        person: PersonId,
        now: Timestamp,
        told: &[u8],
        entropy: &dyn Entropy,
    ) -> Ticket {
        let told = Zeroizing::new([&now.as_micros().to_be_bytes()[..], told].concat());
        let sealed = self.sealed(purpose, person, &told, entropy);
        Ticket(sealed.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// What a ticket says, if it is one of ours, for this, and not too old.
    fn read(
        &self,
        purpose: Purpose,
        person: PersonId,
        ticket: &str,
        now: Timestamp,
    ) -> Option<Zeroizing<Vec<u8>>> {
        let digits = ticket.as_bytes();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let sealed: Option<Vec<u8>> =
            if digits.len().is_multiple_of(2) { digits.chunks(2).map(byte).collect() } else { None };
        let told = self.open(purpose, person, &sealed?)?;
        let (at, told) = told.split_first_chunk::<8>()?;
        let age = now.as_micros().checked_sub(i64::from_be_bytes(*at))?;
        (-PATIENCE..PATIENCE).contains(&age).then(|| Zeroizing::new(told.to_vec()))
    }

    fn sealed(&self, purpose: Purpose, person: PersonId, text: &[u8], entropy: &dyn Entropy) -> Vec<u8> {
        // 192 random bits do not repeat (draft-irtf-cfrg-xchacha-03, section 3.1).
        let mut nonce = [0; 24];
        entropy.fill(&mut nonce);
        let payload = Payload { msg: text, aad: &purpose.bound_to(person) };
        let sealed = self.seal.encrypt(&XNonce::from(nonce), payload).expect("it is far below 256 GiB");
        [&nonce[..], &sealed].concat()
    }

    fn open(&self, purpose: Purpose, person: PersonId, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = sealed.split_first_chunk::<24>()?;
        let payload = Payload { msg: sealed, aad: &purpose.bound_to(person) };
        let text = self.seal.decrypt(&XNonce::from(*nonce), payload).ok()?;
        Some(Zeroizing::new(text))
    }
}

/// Six digits, steps of 30 seconds, one step of drift either way: RFC 6238 section 5.2.
fn totp(secret: &[u8]) -> Totp {
    Builder::new().with_secret(secret.to_vec()).build().expect("160 bits are enough and the rest is usual")
}

/// The step whose code was typed, about now.
fn step(secret: &[u8], typed: &str, now: Timestamp) -> Option<i64> {
    let seconds = u64::try_from(now.as_micros() / 1_000_000).ok()?;
    let step = totp(secret).check(typed, seconds)?;
    i64::try_from(step).ok()
}

fn shown(secret: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(Secret::from(secret).to_base32())
}

#[cfg(test)]
mod tests {
    use domain::facts::SecondFactor;
    use token::SystemEntropy;

    use super::*;

    /// The secret of RFC 6238's test vectors.
    const RFC: &[u8] = b"12345678901234567890";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    /// What the app shows.
    fn code(secret: &[u8], seconds: i64) -> String {
        totp(secret).generate(seconds as u64).to_string()
    }

    fn factors() -> Factors {
        Factors::under(&[7; 32], &[8; 32])
    }

    /// Who uses codes with that secret.
    fn somebody(factors: &Factors, recovery: Vec<[u8; 32]>) -> Person {
        let id: PersonId = "per_0123456789ab".parse().unwrap();
        let sealed = factors.sealed(Purpose::Kept, id, RFC, &SystemEntropy);
        let factor = SecondFactor { since: at(0), sealed, last_step: 0, recovery };
        Person {
            id,
            email: "ada@example.com".into(),
            password: None,
            second_factor: Some(factor),
            operator: false,
            created_at: at(0),
            version: 3,
        }
    }

    fn typed(text: &str) -> OneTimeCode {
        OneTimeCode::new(text.into())
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        // RFC 6238 appendix B, the last six of its eight digits.
        for (seconds, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(RFC, seconds), expected);
            assert_eq!(step(RFC, expected, at(seconds)), Some(seconds / 30));
        }
    }

    #[test]
    fn a_clock_may_be_off_by_one_step_and_no_more() {
        let now = 2_000_000_010;
        for (drift, taken) in [(-60, false), (-30, true), (0, true), (30, true), (60, false)] {
            assert_eq!(step(RFC, &code(RFC, now + drift), at(now)).is_some(), taken, "{drift}");
        }
        for nothing in ["", "12345", "1234567", "+12345", "abcdef", "٠١٢٣٤٥"] {
            assert_eq!(step(RFC, nothing, at(now)), None, "{nothing:?}");
        }
    }

    #[test]
    fn what_was_typed_is_read_as_people_type_it() {
        let factors = factors();
        let id = "per_0123456789ab".parse().unwrap();
        let codes = factors.recovery_codes(id, &SystemEntropy);
        assert_eq!(codes.len(), RECOVERY);
        let person = somebody(&factors, codes.iter().map(|(_, digest)| *digest).collect());
        let now = 2_000_000_010;
        let look = |text: &str| factors.look(Some(&person), Some(&typed(text)), at(now));
        let shown = code(RFC, now);
        assert_eq!(look(&format!(" {} {} ", &shown[..3], &shown[3..])), Looked::Right(Shown::Code(now / 30)));
        let (text, digest) = &codes[0];
        assert_eq!(text.len(), 19, "four fours");
        for spelled in [text.to_string(), text.to_uppercase(), text.replace('-', " "), text.replace('0', "O")]
        {
            assert_eq!(look(&spelled), Looked::Right(Shown::Recovery(*digest)), "{spelled}");
        }
        assert_eq!(look(&text[..18]), Looked::Wrong);
        assert_eq!(look("000000"), Looked::Wrong);
        for nothing in ["", " - "] {
            assert_eq!(look(nothing), Looked::Missing);
        }
        assert_eq!(factors.look(Some(&person), None, at(now)), Looked::Missing);
        let plain = Person { second_factor: None, ..person.clone() };
        assert_eq!(factors.look(Some(&plain), Some(&typed(&shown)), at(now)), Looked::NotAsked);
        assert_eq!(factors.look(None, Some(&typed(&shown)), at(now)), Looked::NotAsked);
    }

    #[test]
    fn a_secret_or_a_recovery_code_is_of_nobody_else() {
        let factors = factors();
        let ada = "per_0123456789ab".parse().unwrap();
        let eve: PersonId = "per_0123456789ac".parse().unwrap();
        let (text, digest) = factors.recovery_codes(ada, &SystemEntropy).remove(0);
        let person = Person { id: eve, ..somebody(&factors, vec![digest]) };
        let now = at(2_000_000_010);
        // The row of one, put under the name of another.
        for moved in [code(RFC, 2_000_000_010), text.to_string()] {
            assert_eq!(factors.look(Some(&person), Some(&typed(&moved)), now), Looked::Wrong);
        }
    }

    #[test]
    fn a_ticket_is_good_for_its_purpose_its_person_and_a_quarter_of_an_hour() {
        let factors = factors();
        let person = somebody(&factors, Vec::new());
        let now = at(2_000_000_010);
        let ticket = factors.password_was_right(&person, now, &SystemEntropy);
        assert!(!format!("{ticket:?}").contains(ticket.expose()));
        assert_eq!(factors.whose(ticket.expose(), now), Some((person.id, 3)));
        assert_eq!(factors.whose(ticket.expose(), now.plus_micros(PATIENCE)), None);
        for bent in
            [ticket.expose().replace("per_0123456789ab", "per_0123456789ac"), format!("{}0", ticket.expose())]
        {
            assert_eq!(factors.whose(&bent, now), None);
        }
        for nothing in ["", ".", "per_0123456789ab.", "per_0123456789ab.zz", "per_0123456789ab.é"] {
            assert_eq!(factors.whose(nothing, now), None, "{nothing}");
        }
        let offer = factors.offer(person.id, now, &SystemEntropy);
        assert_eq!(factors.whose(&format!("{}.{}", person.id, offer.ticket.expose()), now), None);
        let again = factors.offered(person.id, offer.ticket.expose(), now).unwrap();
        assert_eq!(again.secret, offer.secret);
        assert!(factors.offered("per_0123456789ac".parse().unwrap(), offer.ticket.expose(), now).is_none());
        assert_eq!(offer.secret.len(), 32, "160 bits in base32");
    }
}
