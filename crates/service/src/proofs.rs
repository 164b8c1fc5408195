//! What proves who somebody is: showing it again, and changing it: the password, and one-time codes
//! besides.

use std::sync::Arc;

use domain::change::Change;
use domain::facts::{Holder, Person, Token};
use domain::proofs::{self, Enrolment, Renewal};
use domain::refusal::{Code, Refusal};
use domain::time::Timestamp;
use domain::who::Caller;
use token::Kind;
use zeroize::Zeroizing;

use crate::passwords::By;
use crate::second_factor::Looked;
use crate::sessions::Started;
use crate::{ATTEMPTS, Desk, Error, Offer, OneTimeCode, Password};

/// What somebody who is signed in shows again. With a password alone it is complete for whoever uses no
/// codes; with nothing it changes nothing.
#[derive(Debug, Default)]
pub struct Proof {
    pub password: Option<Password>,
    pub code: Option<OneTimeCode>,
}

impl From<Option<Password>> for Proof {
    fn from(password: Option<Password>) -> Self {
        Self { password, code: None }
    }
}

/// What comes with a change of what signs somebody in. Their session is replaced in any case.
#[derive(Clone, Copy, Debug, Default)]
pub struct Renewing<'a> {
    /// All their tokens and sessions end in the same change, in every account.
    pub everything: bool,
    /// What the browser or program calls itself.
    pub agent: Option<&'a str>,
    /// As in [`Login::program`](crate::sessions::Login::program).
    pub program: bool,
}

/// Codes are needed from now on. The recovery codes are seen this once.
#[derive(Debug)]
pub struct Enrolled {
    pub started: Started,
    pub recovery: Vec<Zeroizing<String>>,
}

impl Desk {
    /// Gives the caller the freshness that what they show earns. What is wrong is refused even where
    /// nothing was needed; what is absent changes nothing. Who uses codes shows one as well, unless the
    /// session is young enough by itself.
    pub async fn reauthenticate(&self, caller: Caller, proof: impl Into<Proof>) -> Result<Caller, Error> {
        let proof = proof.into();
        // A token has no password to prove, and none is asked of it.
        if proof.password.is_none() || !caller.is_session() {
            return Ok(caller);
        }
        let fresh = caller.needs_fresh().is_ok();
        match self.show_again(caller.clone(), proof).await {
            Err(Error::Refused(refusal)) if fresh && refusal == code_missing() => Ok(caller),
            shown => shown,
        }
    }

    /// The same where nothing but the whole proof will do.
    async fn show_again(&self, caller: Caller, proof: Proof) -> Result<Caller, Error> {
        let Proof { password, code } = proof;
        let password = password.ok_or_else(password_missing)?;
        let person = self.person_behind(&caller).await?.ok_or_else(password_wrong)?;
        let guess = self.guess(&person.email, None)?;
        match self.look_again(caller, person, password, code).await {
            // Whoever has the session, and nothing else, guesses like a stranger.
            Err(Error::Refused(refusal)) if [password_wrong(), code_wrong()].contains(&refusal) => {
                Err(refusal.into())
            }
            shown => guess.settle(shown),
        }
    }

    async fn look_again(
        &self,
        caller: Caller,
        mut person: Person,
        password: Password,
        code: Option<OneTimeCode>,
    ) -> Result<Caller, Error> {
        if !self.passwords.check(By::LetIn, password, person.password.clone()).await? {
            let change = proofs::password_refused(&person, caller.actor(), None, self.now());
            self.commit_alone(change).await?;
            return Err(password_wrong().into());
        }
        for _ in 0..ATTEMPTS {
            let shown = match self.factors.look(Some(&person), code.as_ref(), self.now()) {
                Looked::NotAsked => return Ok(Caller { reauthenticated: true, ..caller }),
                Looked::Missing => return Err(code_missing().into()),
                Looked::Right(shown) if proofs::taken(&person, shown).is_some() => shown,
                Looked::Right(_) | Looked::Wrong => {
                    self.commit_alone(proofs::refused(&person, caller.actor(), self.now())).await?;
                    return Err(code_wrong().into());
                }
            };
            if self.commit_alone(proofs::show_again(&caller, &person, shown)?).await? {
                return Ok(Caller { reauthenticated: true, ..caller });
            }
            let now = self.store.person(person.id).await?;
            // Another password than the one that was looked at proves nothing here.
            person = now.filter(|now| now.password == person.password).ok_or_else(password_wrong)?;
        }
        Err(Error::Conflict)
    }

    /// The person behind the caller.
    pub async fn person_behind(&self, caller: &Caller) -> Result<Option<Person>, Error> {
        match caller.holder.person {
            Some(person) => Ok(self.store.person(person).await?),
            None => Ok(None),
        }
    }

    /// Changes the caller's password.
    ///
    /// # Errors
    /// Refused where the present password, or a code where they use them, is missing or wrong, and where
    /// the new one cannot be used.
    pub async fn change_password(
        &self,
        caller: Caller,
        proof: Proof,
        new: Password,
        renewing: Renewing<'_>,
    ) -> Result<Started, Error> {
        new.acceptable().map_err(|refusal| Refusal::invalid("new_password", refusal.detail))?;
        let proven = self.in_person(caller, proof).await?;
        let hash = self.passwords.hash(new).await?.0;
        self.renew(proven, renewing, |caller, person, renewal| {
            proofs::change_password(caller, person, hash.clone(), renewal)
        })
        .await
    }

    /// Carries out a change of what signs the caller in, with the session that takes the old one's place.
    async fn renew(
        &self,
        Proven { caller, by }: Proven,
        renewing: Renewing<'_>,
        decide: impl Fn(&Caller, Person, Renewal<'_>) -> Result<(Token, Change), Refusal>,
    ) -> Result<Started, Error> {
        let mut tries = self.tries(caller);
        loop {
            let caller = &tries.caller;
            let person = self.person_behind(caller).await?.ok_or(Error::Unauthenticated)?;
            if Ways::of(&person) != by {
                // Somebody changed that meanwhile, who may have done so to shut this one out.
                return Err(password_wrong().into());
            }
            let found = self.store.token(&caller.account.id, caller.own_token()?.id).await?;
            let (session, _) = found.ok_or(Error::Unauthenticated)?;
            let everything: Option<Vec<Holder>> = match renewing.everything {
                // Tokens of somebody who left may have been kept.
                true => Some(self.store.memberships_ever(person.id).await?),
                false => None,
            };
            let text = self.draw(&caller.account.policy.brand, Kind::Ses)?;
            let refresh = self.refresh_token(&caller.account, renewing.program)?;
            let renewal = Renewal {
                session,
                agent: renewing.agent,
                text: &text,
                refresh: refresh.as_deref(),
                everything,
            };
            let (token, change) = decide(caller, person, renewal)?;
            let (account, holder) = (Arc::clone(&caller.account), caller.holder.clone());
            if tries.commit(change).await?.is_some() {
                return Ok(Started { token, text, refresh, account, holder });
            }
        }
    }

    /// What the caller puts into their app to use one-time codes. Nothing is kept of it yet.
    pub fn offer_second_factor(&self, caller: &Caller) -> Result<Offer, Error> {
        let person = caller.holder.person.ok_or_else(no_person)?;
        Ok(self.factors.offer(person, self.now(), &*self.entropy))
    }

    /// The same offer once more, as its ticket says; none where that is too old.
    pub fn offered_second_factor(&self, caller: &Caller, ticket: &str) -> Option<Offer> {
        self.factors.offered(caller.holder.person?, ticket, self.now())
    }

    /// Takes one-time codes into use, once the first of them shows that the app has the secret.
    ///
    /// # Errors
    /// Refused where the password or the code is wrong, and where codes are in use already. None where the
    /// ticket is too old.
    pub async fn enrol_second_factor(
        &self,
        caller: Caller,
        password: Option<Password>,
        ticket: &str,
        code: &OneTimeCode,
        renewing: Renewing<'_>,
    ) -> Result<Option<Enrolled>, Error> {
        let proven = self.in_person(caller, password.into()).await?;
        let person = proven.caller.holder.person.ok_or_else(no_person)?;
        if self.factors.offered(person, ticket, self.now()).is_none() {
            return Ok(None);
        }
        let shown = self.factors.enrolled(person, ticket, code, self.now(), &*self.entropy);
        let (sealed, step) = shown.ok_or_else(code_wrong)?;
        let codes = self.factors.recovery_codes(person, &*self.entropy);
        let enrolment =
            Enrolment { sealed, step, recovery: codes.iter().map(|(_, digest)| *digest).collect() };
        let decide = |caller: &Caller, person, renewal: Renewal<'_>| {
            proofs::enrol(caller, person, enrolment.clone(), renewal)
        };
        let started = self.renew(proven, renewing, decide).await?;
        Ok(Some(Enrolled { started, recovery: codes.into_iter().map(|(text, _)| text).collect() }))
    }

    /// Lets the password be enough again, for whoever shows it and a code.
    pub async fn switch_off_second_factor(
        &self,
        caller: Caller,
        proof: Proof,
        renewing: Renewing<'_>,
    ) -> Result<Started, Error> {
        let proven = self.in_person(caller, proof).await?;
        self.renew(proven, renewing, proofs::switch_off).await
    }

    /// Whoever changes what signs them in, once they showed all of it.
    async fn in_person(&self, caller: Caller, proof: Proof) -> Result<Proven, Error> {
        let shown = Caller { reauthenticated: true, ..caller };
        // Who may not at all is not asked for a password first.
        proofs::may_change(&shown)?;
        // Read before it is shown: what is shown is this, or later, and then not the same.
        let person = self.person_behind(&shown).await?.ok_or_else(no_person)?;
        let caller = self.show_again(Caller { reauthenticated: false, ..shown }, proof).await?;
        Ok(Proven { caller, by: Ways::of(&person) })
    }
}

/// Somebody who showed who they are. Where it takes something else meanwhile, they did not.
struct Proven {
    caller: Caller,
    by: Ways,
}

/// What it takes to be somebody: their password (a PHC string), and a code of what they have been using
/// since then.
#[derive(PartialEq)]
struct Ways {
    password: Option<String>,
    codes_since: Option<Timestamp>,
}

impl Ways {
    fn of(person: &Person) -> Ways {
        Ways {
            password: person.password.clone(),
            codes_since: person.second_factor.as_ref().map(|factor| factor.since),
        }
    }
}

fn password_missing() -> Refusal {
    of("password", "Send your password with the request, as `password`.")
}

fn password_wrong() -> Refusal {
    of("password", "The password is not right.")
}

fn code_missing() -> Refusal {
    of("one_time_code", "Send a code of your second factor with the request, as `one_time_code`.")
}

fn code_wrong() -> Refusal {
    of("one_time_code", "The code is not right; each works once.")
}

fn of(field: &'static str, sentence: &str) -> Refusal {
    Refusal::of_field(Code::ReauthenticationRequired, field, sentence)
}

fn no_person() -> Refusal {
    Refusal::forbidden("Only somebody who signs in with a password uses one-time codes.")
}
