//! `kill -9` under mixed load, again and again: what was acknowledged is there, what was revoked
//! stays refused, and the journal's chain holds. `JETON_KILL_ROUNDS` says how often;
//! `JETON_KILL_SEED` repeats the moments of a run.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, RwLock};
use std::time::Duration;

use e2e::history::{Ask, Evidence, History, Outcome, Seen, faults};
use e2e::journal::{Database, Head, chain_faults};
use e2e::{Answer, Client, Server, text};
use serde_json::{Value, json};

/// How often, when nobody says.
const ROUNDS: usize = 50;
/// Clients that change things, each with a holder of its own, and clients that only verify.
const CHANGERS: usize = 4;
const VERIFIERS: usize = 2;
/// Live tokens that a changer keeps; a holder may have 20.
const STOCK: usize = 6;

#[test]
fn what_was_acknowledged_survives_kill_9_and_what_was_revoked_stays_dead() {
    let rounds =
        number("JETON_KILL_ROUNDS").map_or(ROUNDS, |rounds| usize::try_from(rounds).expect("a count"));
    let seed = number("JETON_KILL_SEED").unwrap_or_else(|| e2e::now().as_nanosecond() as u64);
    println!("{rounds} rounds, JETON_KILL_SEED={seed}");
    let mut chance = Chance::new(seed);
    let mut server = Server::start("default");
    let mut changers: Vec<Changer> =
        (0..CHANGERS).map(|number| Changer::new(&server, number, seed)).collect();
    let world = World::default();
    let mut proof = Evidence::default();
    let mut head = Head::genesis();

    for round in 1..=rounds {
        let delay = Duration::from_millis(20 + chance.below(600));
        load_until_killed(&mut server, &world, &mut changers, delay, seed ^ round as u64);

        let database = Database::of(&server);
        assert_eq!(database.integrity(), "ok", "round {round}");
        let new = database.entries_after(head.seq);
        let end = database.head();
        assert_eq!(chain_faults(&head, &new, &end), Vec::<String>::new(), "round {round}");
        proof.journal.extend(new);
        head = end;

        server.restart();
        proof.operations = world.history.operations();
        proof.seen = look(&server, &world, round == rounds);
        assert_eq!(faults(&proof), Vec::<String>::new(), "round {round}, JETON_KILL_SEED={seed}");
        for changer in &mut changers {
            changer.tidy(&server, &world);
        }
    }
    let made =
        proof.operations.iter().filter(|done| matches!(done.ended, Some((_, Outcome::Made(_))))).count();
    let unknown =
        proof.operations.iter().filter(|done| matches!(done.ended, Some((_, Outcome::Unknown)))).count();
    println!(
        "{} operations, {made} tokens made, {unknown} fates unknown, {} journal entries",
        proof.operations.len(),
        proof.journal.len()
    );
    assert!(made >= rounds, "the load was none: {made} tokens in {rounds} rounds");
}

/// What all clients share.
#[derive(Default)]
struct World {
    history: History,
    /// Id and secret of every token that anybody was told of.
    known: RwLock<Vec<(String, String)>>,
    stop: AtomicBool,
}

fn load_until_killed(
    server: &mut Server,
    world: &World,
    changers: &mut [Changer],
    delay: Duration,
    seed: u64,
) {
    world.stop.store(false, Ordering::SeqCst);
    let (admin, service) = (server.admin(), server.service());
    let server = Mutex::new(server);
    std::thread::scope(|scope| {
        for changer in changers {
            let admin = admin.clone();
            scope.spawn(move || until_stopped(world, || changer.step(&admin, world)));
        }
        for number in 0..VERIFIERS {
            let (service, mut chance) = (service.clone(), Chance::new(seed + 17 * (number as u64 + 1)));
            scope.spawn(move || until_stopped(world, || verify_one(&service, world, &mut chance)));
        }
        // Not a wait for anything: the moment of the crash is the point of the test.
        std::thread::sleep(delay);
        server.lock().expect("nobody else has it").kill9();
        world.stop.store(true, Ordering::SeqCst);
    });
}

/// Again and again, until the server is killed or does not answer.
fn until_stopped(world: &World, mut step: impl FnMut() -> bool) {
    while !world.stop.load(Ordering::SeqCst) {
        if !step() {
            break;
        }
    }
}

/// Verifies a token, mostly a young one. False: nobody answers any more.
fn verify_one(service: &Client, world: &World, chance: &mut Chance) -> bool {
    let (id, secret) = {
        let known = world.known.read().expect("no client panics while it writes");
        let Some(last) = known.len().checked_sub(1) else { return true };
        let back = if chance.below(4) == 0 { chance.below(known.len() as u64) } else { chance.below(24) };
        known[last.saturating_sub(back as usize)].clone()
    };
    let place = world.history.invoke(Ask::Verify { token: id });
    let answer = send(service, "POST", "/v1/verify", json!({ "token": secret }));
    let outcome = match answer {
        Some(answer) if answer.status == 200 => Outcome::Verdict(answer.text_at("code")),
        Some(answer) if answer.status == 503 => Outcome::Unknown,
        Some(answer) => panic!("a verify has a verdict:\n{answer:?}"),
        None => Outcome::Unknown,
    };
    let alive = outcome != Outcome::Unknown;
    world.history.answer(place, outcome);
    alive
}

/// One who creates, edits, rotates and revokes the tokens of one holder.
struct Changer {
    name: String,
    holder: String,
    stock: Vec<String>,
    made: usize,
    chance: Chance,
    /// Something may have happened that it was not told.
    unsure: bool,
}

impl Changer {
    fn new(server: &Server, number: usize, seed: u64) -> Changer {
        let name = format!("changer {number}");
        let account = json!({ "name": name, "role": "Viewer" });
        let made = server.admin().post(&server.path("service-accounts"), account);
        made.ok(201);
        Changer {
            name,
            holder: made.text_at("id"),
            stock: Vec::new(),
            made: 0,
            chance: Chance::new(seed ^ ((number as u64 + 1) << 32)),
            unsure: false,
        }
    }

    /// One operation. False: nobody answers any more.
    fn step(&mut self, admin: &Client, world: &World) -> bool {
        let dice = self.chance.below(10);
        let ask = if self.stock.is_empty() || (dice < 4 && self.stock.len() < STOCK) {
            self.made += 1;
            Ask::Create { name: format!("{} token {}.", self.name, self.made) }
        } else {
            let at = self.chance.below(self.stock.len() as u64) as usize;
            match dice {
                0..6 => {
                    let token = self.stock[at].clone();
                    Ask::Edit { token, description: format!("edited {}", self.chance.below(u64::MAX)) }
                }
                6..8 => Ask::Rotate { token: self.stock.swap_remove(at) },
                _ => Ask::Revoke { token: self.stock.swap_remove(at) },
            }
        };
        let outcome = self.carry_out(admin, world, ask.clone());
        match (&outcome, ask) {
            (Outcome::Made(id), _) => self.stock.push(id.clone()),
            // Nothing happened, so it is there still.
            (Outcome::Refused(_), Ask::Rotate { token } | Ask::Revoke { token }) => self.stock.push(token),
            _ => {}
        }
        self.unsure |= outcome == Outcome::Unknown;
        !self.unsure
    }

    fn carry_out(&self, admin: &Client, world: &World, ask: Ask) -> Outcome {
        let token = |id: &str, action: &str| format!("/v1/accounts/{}/tokens/{id}{action}", e2e::ACCOUNT);
        let (method, path, body) = match &ask {
            Ask::Create { name } => {
                let body = json!({ "name": name, "holder": self.holder, "expires_in": "30d" });
                ("POST", format!("/v1/accounts/{}/tokens", e2e::ACCOUNT), body)
            }
            Ask::Edit { token: id, description } => {
                ("PATCH", token(id, ""), json!({ "description": description }))
            }
            Ask::Rotate { token: id } => ("POST", token(id, "/rotate"), json!({})),
            Ask::Revoke { token: id } => ("POST", token(id, "/revoke"), json!({})),
            Ask::Verify { .. } => unreachable!("changers change"),
        };
        let place = world.history.invoke(ask);
        let outcome = match send(admin, method, &path, body) {
            None => Outcome::Unknown,
            Some(answer) if answer.status == 503 => Outcome::Unknown,
            Some(answer) if answer.status == 201 => {
                let made = (answer.text_at("id"), answer.text_at("secret"));
                let id = made.0.clone();
                // Others verify it only after the log says that it was made.
                world.history.answer(place, Outcome::Made(id.clone()));
                world.known.write().expect("no client panics while it writes").push(made);
                return Outcome::Made(id);
            }
            Some(answer) if answer.status == 200 => Outcome::Done,
            Some(answer) if answer.status == 409 => Outcome::Refused(answer.text_at("code")),
            Some(answer) => panic!("neither done nor refused:\n{answer:?}"),
        };
        world.history.answer(place, outcome.clone());
        outcome
    }

    /// After a restart: whoever does not know what it has ends it all and begins anew.
    fn tidy(&mut self, server: &Server, world: &World) {
        if !std::mem::take(&mut self.unsure) {
            return;
        }
        self.stock.clear();
        let query = format!("?status=active&limit=100&q={}", self.name.replace(' ', "%20"));
        for token in server.tokens(&server.admin_token, &query) {
            let outcome = self.carry_out(&server.admin(), world, Ask::Revoke { token: text(&token, "id") });
            assert_eq!(outcome, Outcome::Done, "a healthy server revokes");
        }
    }
}

/// An answer, or none: the server died, or had died.
fn send(client: &Client, method: &str, path: &str, body: Value) -> Option<Answer> {
    let method = method.parse().expect("a method");
    client.try_raw(method, path, &[("Content-Type", "application/json")], &body.to_string()).ok()
}

/// What the server says now of every token that anybody was told of; descriptions of the live ones,
/// or of all.
fn look(server: &Server, world: &World, at_all: bool) -> BTreeMap<String, Seen> {
    let known = world.known.read().expect("no client panics while it writes").clone();
    let mut seen = BTreeMap::new();
    for some in known.chunks(100) {
        let asks: Vec<Value> = some.iter().map(|(_, secret)| json!({ "token": secret })).collect();
        let answer = server.service().post("/v1/verify/batch", json!({ "asks": asks }));
        let verdicts = answer.ok(200)["verdicts"].as_array().expect("verdicts").clone();
        assert_eq!(verdicts.len(), some.len());
        for ((id, _), verdict) in some.iter().zip(verdicts) {
            seen.insert(id.clone(), Seen { code: text(&verdict, "code"), description: None });
        }
    }
    let filter = if at_all { "" } else { "&status=active" };
    let mut cursor = String::new();
    loop {
        let page =
            server.admin().get(&server.path(&format!("tokens?limit=100{filter}{cursor}"))).ok(200).clone();
        for token in page["items"].as_array().expect("items") {
            if let Some(seen) = seen.get_mut(&text(token, "id")) {
                seen.description = Some(token["description"].as_str().map(str::to_owned));
            }
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return seen,
        }
    }
}

/// A small generator whose runs can be repeated (xorshift64*).
struct Chance(u64);

impl Chance {
    fn new(seed: u64) -> Chance {
        Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) % bound.max(1)
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}
