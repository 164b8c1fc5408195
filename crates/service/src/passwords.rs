//! Passwords: Argon2id (RFC 9106), a few at a time, on threads of their own.
//!
//! A check takes tens of milliseconds and 19 MiB on purpose; without a bound, logins would take
//! the server from everybody else.

use std::fmt;
use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use domain::refusal::Refusal;
use token::Entropy;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::Error;

/// Checks running at once, and waiting at most: strangers' and those of people already let in,
/// apart, so that a flood of guesses keeps nobody at work from proving themselves again.
const AT_ONCE: usize = 2;
const WAITING: usize = 64;

/// A password as somebody typed it. Does not print, and is wiped when dropped.
pub struct Password(Zeroizing<String>);

impl Password {
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// What a new password must be: 12 to 256 characters (OWASP ASVS 5.0, 6.2.1 asks for 8 at
    /// least and recommends 15), and no rule about which.
    pub fn acceptable(&self) -> Result<(), Refusal> {
        match self.0.chars().count() {
            12..=256 => Ok(()),
            _ => Err(Refusal::invalid("password", "Choose a password of 12 to 256 characters.")),
        }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// A password hash in PHC form.
pub struct PasswordHash(pub String);

pub(crate) struct Passwords {
    entropy: Arc<dyn Entropy>,
    running: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
    let_in: Arc<Semaphore>,
}

/// Who gave the password.
#[derive(Clone, Copy)]
pub(crate) enum By {
    Stranger,
    LetIn,
}

impl Passwords {
    pub(crate) fn new(entropy: Arc<dyn Entropy>) -> Self {
        Self {
            entropy,
            running: Arc::new(Semaphore::new(AT_ONCE)),
            strangers: Arc::new(Semaphore::new(WAITING)),
            let_in: Arc::new(Semaphore::new(WAITING)),
        }
    }

    /// Of a new password, which somebody gave who was let in.
    pub(crate) async fn hash(&self, password: Password) -> Result<PasswordHash, Error> {
        let mut salt = [0; 16];
        self.entropy.fill(&mut salt);
        self.work(By::LetIn, move || {
            let hash: Phc = argon2()
                .hash_password_with_salt(password.0.as_bytes(), &salt)
                .expect("16 bytes are a good salt and the parameters are constants");
            PasswordHash(hash.to_string())
        })
        .await
    }

    /// Whether the password is the one that was hashed. Where there is no hash the same work
    /// is done, so that the time tells nobody who exists.
    pub(crate) async fn check(
        &self,
        by: By,
        password: Password,
        hash: Option<String>,
    ) -> Result<bool, Error> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODYS.to_owned());
        self.work(by, move || {
            let same = Phc::new(&hash)
                .is_ok_and(|hash| argon2().verify_password(password.0.as_bytes(), &hash).is_ok());
            known && same
        })
        .await
    }

    async fn work<T: Send + 'static>(
        &self,
        by: By,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let waiting = match by {
            By::Stranger => &self.strangers,
            By::LetIn => &self.let_in,
        };
        let _waiting = waiting.clone().try_acquire_owned().map_err(|_| Error::Busy)?;
        let running = self.running.clone().acquire_owned().await;
        let running = running.expect("nobody closes the semaphore");
        let done = tokio::task::spawn_blocking(move || {
            let _running = running;
            job()
        });
        done.await.map_err(|_| Error::Undetermined)
    }
}

/// Argon2id with OWASP's parameters: 19 MiB, two passes, one lane.
fn argon2() -> Argon2<'static> {
    let params = Params::new(19 * 1024, 2, 1, None).expect("these are within Argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// The hash of a password that nobody has, with the parameters of everybody's.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Password {
        Password::new(text.into())
    }

    #[tokio::test]
    async fn a_password_opens_its_own_hash_and_no_other() {
        let passwords = Passwords::new(Arc::new(token::SystemEntropy));
        let hash = passwords.hash(typed("correct horse battery")).await.unwrap().0;
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(
            passwords.check(By::Stranger, typed("correct horse battery"), Some(hash.clone())).await.unwrap()
        );
        assert!(!passwords.check(By::Stranger, typed("correct horse batterY"), Some(hash)).await.unwrap());
    }

    #[tokio::test]
    async fn nobody_has_the_password_of_nobody() {
        assert!(Phc::new(NOBODYS).is_ok(), "so that the same work is done");
        let passwords = Passwords::new(Arc::new(token::SystemEntropy));
        for guess in ["", "password", "\0\0\0\0"] {
            assert!(!passwords.check(By::Stranger, typed(guess), None).await.unwrap());
        }
    }

    #[tokio::test]
    async fn a_flood_of_guesses_keeps_nobody_who_was_let_in_waiting_outside() {
        let passwords = Passwords::new(Arc::new(token::SystemEntropy));
        let _flood = passwords.strangers.clone().acquire_many_owned(WAITING as u32).await.unwrap();
        let guess = passwords.check(By::Stranger, typed("guess"), None).await;
        assert!(matches!(guess, Err(Error::Busy)), "{guess:?}");
        assert!(!passwords.check(By::LetIn, typed("not mine"), None).await.unwrap());
        assert!(passwords.hash(typed("correct horse battery")).await.is_ok());
    }

    #[test]
    fn a_short_password_is_refused_and_none_prints() {
        assert!(typed("eleven char").acceptable().is_err());
        assert!(typed("twelve chars").acceptable().is_ok());
        assert!(!format!("{:?}", typed("twelve chars")).contains("twelve"));
    }
}
