//! Mixed load whose every step is written into a [`History`]: clients that create, edit, rotate and
//! revoke tokens, and clients that verify them. For tests that make the server's life hard meanwhile.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, RwLock};
use std::time::Duration;

use serde_json::{Value, json};

use crate::history::{Ask, History, Outcome, Seen};
use crate::{ACCOUNT, Answer, Client, Server, text};

/// Live tokens that a changer keeps; a holder may have 20.
const STOCK: usize = 6;

/// How long a client that got no answer pauses, so that a server in trouble is asked and not flooded.
const PAUSE: Duration = Duration::from_millis(20);

/// What all clients share.
#[derive(Default)]
pub struct World {
    pub history: History,
    /// Id and secret of every token that anybody was told of.
    known: RwLock<Vec<(String, String)>>,
    stop: AtomicBool,
    /// The longest that anybody waited for an answer, and for which.
    slowest: Mutex<(Duration, String)>,
    /// Requests that got none.
    unanswered: AtomicUsize,
}

/// What a client does when nobody answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It ends: the server is dead.
    End,
    /// It goes on: the server is there, and something else is not.
    GoOn,
}

impl World {
    /// Puts load on the server: each changer and so many verifiers in a thread of its own, until
    /// `meanwhile` has ended.
    pub fn load(
        &self,
        [admin, service]: [Client; 2],
        changers: &mut [Changer],
        chances: impl IntoIterator<Item = Chance>,
        then: Then,
        meanwhile: impl FnOnce(),
    ) {
        self.stop.store(false, Ordering::SeqCst);
        std::thread::scope(|scope| {
            for changer in changers {
                let admin = &admin;
                scope.spawn(move || self.until_stopped(then, || changer.step(admin, self)));
            }
            for mut chance in chances {
                let service = &service;
                scope.spawn(move || self.until_stopped(then, || verify_one(service, self, &mut chance)));
            }
            let stop = Stop(&self.stop);
            meanwhile();
            drop(stop);
        });
    }

    /// The longest that anybody waited for an answer since the last call, and for which.
    pub fn slowest(&self) -> (Duration, String) {
        std::mem::take(&mut *self.slowest.lock().expect("no client panics with it"))
    }

    /// Requests that got no answer at all.
    pub fn unanswered(&self) -> usize {
        self.unanswered.load(Ordering::SeqCst)
    }

    /// How many changes were acknowledged.
    pub fn acknowledged(&self) -> usize {
        let done = |outcome: &Outcome| matches!(outcome, Outcome::Made(_) | Outcome::Done);
        let operations = self.history.operations();
        operations.iter().filter(|one| one.ended.as_ref().is_some_and(|(_, outcome)| done(outcome))).count()
    }

    /// An answer, or none: the server died, or had died.
    pub fn send(&self, client: &Client, method: &str, path: &str, body: Value) -> Option<Answer> {
        let method = method.parse().expect("a method");
        let answer = client.try_raw(method, path, &[("Content-Type", "application/json")], &body.to_string());
        match &answer {
            Ok(answer) => {
                let mut slowest = self.slowest.lock().expect("no client panics with it");
                if answer.took > slowest.0 {
                    let said = format!("{} to {}, heard at {}", answer.status, answer.asked, answer.heard);
                    *slowest = (answer.took, said);
                }
            }
            Err(_) => {
                self.unanswered.fetch_add(1, Ordering::SeqCst);
            }
        }
        answer.ok()
    }

    /// Again and again. The step is false when nobody answered.
    fn until_stopped(&self, then: Then, mut step: impl FnMut() -> bool) {
        while !self.stop.load(Ordering::SeqCst) {
            if !step() {
                if then == Then::End {
                    break;
                }
                std::thread::sleep(PAUSE);
            }
        }
    }
}

/// Stops the clients also where a test fails in the meantime.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Verifies a token, mostly a young one. False: nobody answers any more.
fn verify_one(service: &Client, world: &World, chance: &mut Chance) -> bool {
    verify_some(service, world, chance).is_none_or(|(_, answered)| answered)
}

/// The same; returns the operation's place in the history too. None: there is no token yet.
pub fn verify_some(service: &Client, world: &World, chance: &mut Chance) -> Option<(usize, bool)> {
    let (id, secret) = {
        let known = world.known.read().expect("no client panics while it writes");
        let last = known.len().checked_sub(1)?;
        let back = if chance.below(4) == 0 { chance.below(known.len() as u64) } else { chance.below(24) };
        known[last.saturating_sub(back as usize)].clone()
    };
    let place = world.history.invoke(Ask::Verify { token: id });
    let answer = world.send(service, "POST", "/v1/verify", json!({ "token": secret }));
    let outcome = match answer {
        Some(answer) if answer.status == 200 => Outcome::Verdict(answer.text_at("code")),
        Some(answer) => {
            answer.refused(503, "undetermined");
            Outcome::Unknown
        }
        None => Outcome::Unknown,
    };
    let answered = outcome != Outcome::Unknown;
    world.history.answer(place, outcome);
    Some((place, answered))
}

/// One who creates, edits, rotates and revokes the tokens of one holder.
pub struct Changer {
    name: String,
    holder: String,
    stock: Vec<String>,
    made: usize,
    chance: Chance,
    /// Something may have happened that it was not told.
    unsure: bool,
}

impl Changer {
    pub fn new(server: &Server, number: usize, seed: u64) -> Changer {
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
        outcome != Outcome::Unknown
    }

    fn carry_out(&self, admin: &Client, world: &World, ask: Ask) -> Outcome {
        let token = |id: &str, action: &str| format!("/v1/accounts/{}/tokens/{id}{action}", ACCOUNT);
        let (method, path, body) = match &ask {
            Ask::Create { name } => {
                let body = json!({ "name": name, "holder": self.holder, "expires_in": "30d" });
                ("POST", format!("/v1/accounts/{}/tokens", ACCOUNT), body)
            }
            Ask::Edit { token: id, description } => {
                ("PATCH", token(id, ""), json!({ "description": description }))
            }
            Ask::Rotate { token: id } => ("POST", token(id, "/rotate"), json!({})),
            Ask::Revoke { token: id } => ("POST", token(id, "/revoke"), json!({})),
            Ask::Verify { .. } => unreachable!("changers change"),
        };
        let place = world.history.invoke(ask);
        let outcome = match world.send(admin, method, &path, body) {
            None => Outcome::Unknown,
            Some(answer) if answer.status == 503 => {
                answer.refused(503, "undetermined");
                Outcome::Unknown
            }
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

    /// Once the server is well: whoever does not know what it has ends it all and begins anew.
    pub fn tidy(&mut self, server: &Server, world: &World) {
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

/// What the server says now of every token that anybody was told of; descriptions of the live ones,
/// or of all.
pub fn look(server: &Server, world: &World, at_all: bool) -> BTreeMap<String, Seen> {
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
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Chance {
        Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) % bound.max(1)
    }
}
