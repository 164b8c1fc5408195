//! What a development server begins with, and the generator that makes it the same each time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::accounts::Found;
use domain::facts::Scope;
use domain::ids::AccountId;
use domain::lifecycle::Create;
use domain::members::Join;
use domain::preset::Preset;
use domain::who::Caller;
use service::founding::Founding;
use service::sessions::Login;
use service::{Desk, Error, Password};
use sha2::{Digest, Sha256};
use token::{Entropy, SystemEntropy, TokenText};

/// Everybody's.
pub(super) const PASSWORD: &str = "development-only";

/// Who has which role, the strongest first.
const PEOPLE: [&str; 12] =
    ["Ada", "Bela", "Cleo", "Dora", "Emil", "Fay", "Gus", "Hana", "Ivan", "Jana", "Karl", "Lena"];

/// What there is, as it is printed.
pub(super) struct Seeded {
    pub(super) people: Vec<Person>,
    pub(super) verify_key: String,
    pub(super) backend_key: String,
}

pub(super) struct Person {
    pub(super) account: String,
    pub(super) email: String,
    pub(super) role: String,
    pub(super) member: String,
    /// The token's text, or why this role has none.
    pub(super) token: Result<String, String>,
}

/// A generator that is the system's, except while something is made that must be the same each time.
#[derive(Default)]
pub(super) struct Seeds(Mutex<Option<Stream>>);

/// SHA-256 over a name and a counter: even and independent bytes, and no secret at all.
struct Stream {
    name: String,
    counter: u64,
}

impl Seeds {
    /// What is drawn from now on follows from this name alone.
    fn fix(&self, name: &str) {
        *self.stream() = Some(Stream { name: name.to_owned(), counter: 0 });
    }

    /// What is drawn from now on is the system's.
    fn release(&self) {
        *self.stream() = None;
    }

    fn stream(&self) -> MutexGuard<'_, Option<Stream>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entropy for Seeds {
    fn fill(&self, bytes: &mut [u8]) {
        match &mut *self.stream() {
            None => SystemEntropy.fill(bytes),
            Some(stream) => {
                for part in bytes.chunks_mut(32) {
                    let text = format!("jeton dev, for development only: {} {}", stream.name, stream.counter);
                    stream.counter += 1;
                    part.copy_from_slice(&Sha256::digest(text.as_bytes())[..part.len()]);
                }
            }
        }
    }
}

/// Makes two accounts of the preset: `acme` with somebody in each role, `globex` with somebody in the
/// strongest, so that there is a stranger to try things with; and two services.
pub(super) async fn plant(desk: &Desk, seeds: &Seeds, preset: &str) -> Result<Seeded, Error> {
    let planted = planted(desk, seeds, preset).await;
    seeds.release();
    planted
}

async fn planted(desk: &Desk, seeds: &Seeds, preset: &str) -> Result<Seeded, Error> {
    let [acme, globex]: [AccountId; 2] = ["acme", "globex"].map(|id| id.parse().expect("a slug"));
    let roles = Preset::named(preset).map(|preset| preset.role_names()).unwrap_or_default();
    seeds.fix("acme");
    let founding = Founding {
        account: acme.clone(),
        name: "Acme".to_owned(),
        admin_name: PEOPLE[0].to_owned(),
        admin_email: email(PEOPLE[0]),
        preset: preset.to_owned(),
    };
    let begun = desk.begin(founding, password(), None).await?;
    let mut people = vec![Person {
        account: acme.to_string(),
        email: email(PEOPLE[0]),
        role: roles.first().copied().unwrap_or_default().to_owned(),
        member: begun.member.id.to_string(),
        token: Ok(begun.token.expose().to_owned()),
    }];
    let admin = async || caller(desk, &begun.token).await;
    for (name, role) in PEOPLE.iter().zip(&roles).skip(1) {
        people.push(person(desk, seeds, admin().await?, &acme, name, role).await?);
    }
    seeds.fix("globex");
    let order = Found { id: globex.clone(), name: "Globex".to_owned(), external_id: None, metadata: None };
    desk.found_account(admin().await?, order, preset, None).await?;
    if let Some(strongest) = roles.first() {
        people.push(person(desk, seeds, admin().await?, &globex, "Greta", strongest).await?);
    }
    seeds.fix("backend");
    let scopes = vec![Scope::Verify, Scope::Provision, Scope::ActAs];
    let backend = desk.create_service(admin().await?, "backend".to_owned(), scopes, None, None).await?;
    Ok(Seeded {
        people,
        verify_key: begun.service_key.expose().to_owned(),
        backend_key: backend.text.expose().to_owned(),
    })
}

/// Adds somebody, and lets them make a token if their role may.
async fn person(
    desk: &Desk,
    seeds: &Seeds,
    admin: Caller,
    account: &AccountId,
    name: &str,
    role: &str,
) -> Result<Person, Error> {
    let email = email(name);
    seeds.fix(&email);
    let join = Join {
        name: name.to_owned(),
        email: Some(email.clone()),
        external_id: Some(name.to_lowercase()),
        role: Some(role.to_owned()),
        ..Join::default()
    };
    let member = desk.add_member(admin, account, join, Some(password()), None).await?;
    let login = Login { email: email.clone(), account: Some(account.clone()), ..Login::default() };
    let session = desk.log_in(login, password()).await?;
    // The name stands in every verdict, and every preset lets one be chosen. In some no two of an account
    // have the same.
    let order = Create { name: format!("{name}, for development only"), ..Create::default() };
    seeds.fix(&format!("{email} token"));
    let made = match caller(desk, &session.text).await {
        Ok(caller) => desk.create_token(caller, account, order, Some(password()), None).await,
        Err(error) => Err(error),
    };
    let token = match made {
        Ok(issued) => Ok(issued.text.expose().to_owned()),
        Err(Error::Refused(refusal)) => Err(refusal.detail),
        Err(error) => return Err(error),
    };
    let (account, role, member) = (account.to_string(), role.to_owned(), member.id.to_string());
    Ok(Person { account, email, role, member, token })
}

async fn caller(desk: &Desk, token: &Arc<TokenText>) -> Result<Caller, Error> {
    desk.visitor(token.expose().as_bytes()).await?.holder()
}

fn email(name: &str) -> String {
    format!("{}@example.com", name.to_lowercase())
}

fn password() -> Password {
    Password::new(PASSWORD.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_draws_the_same_each_time_and_another_name_something_else() {
        let seeds = Seeds::default();
        let draw = |name: &str| {
            seeds.fix(name);
            let text = TokenText::issue("jtn".parse().unwrap(), token::Kind::Pat, &seeds);
            seeds.release();
            text.digest()
        };
        let first = draw("ada");
        assert!(first == draw("ada") && first != draw("bela"));
        let (mut one, mut two) = ([0; 32], [0; 32]);
        seeds.fill(&mut one);
        seeds.fill(&mut two);
        assert_ne!(one, two, "released, it is the system's");
    }
}
