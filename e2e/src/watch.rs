//! Watches every peer of a server while its database is in trouble: what each answers, how long that
//! takes, and how soon it works again once the database is back.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use crate::history::{Evidence, Operation};
use crate::load::{Chance, World, verify_some};
use crate::{ACCOUNT, Client, Server};

/// Between two questions of one watcher.
const PAUSE: Duration = Duration::from_millis(50);

/// A server of one process or several, each of them spoken to by itself.
pub struct Watch<'a> {
    world: &'a World,
    peers: Vec<Peer>,
    /// Makes the text of a token that nobody ever issued: to learn that, a peer has to ask the database.
    stranger: fn() -> String,
    ended: AtomicBool,
}

struct Peer {
    admin: Client,
    service: Client,
    /// Who holds what is made here by way of trial.
    holder: String,
    /// The places in the history of what was verified here.
    verified: Mutex<BTreeSet<usize>>,
    /// Trials that worked, and trials that got 503 `undetermined`: creations, tokens unknown to memory.
    created: Trials,
    looked_up: Trials,
    /// Whether it last said that it was ready.
    ready: AtomicBool,
}

#[derive(Default)]
struct Trials {
    done: AtomicUsize,
    undetermined: AtomicUsize,
}

impl Trials {
    /// The answer where it worked. Anything but `status` has to be 503 `undetermined`.
    fn count(&self, answer: Option<crate::Answer>, status: u16) -> Option<crate::Answer> {
        let answer = answer?;
        if answer.status == status {
            self.done.fetch_add(1, Ordering::SeqCst);
            return Some(answer);
        }
        answer.refused(503, "undetermined");
        self.undetermined.fetch_add(1, Ordering::SeqCst);
        None
    }
}

impl<'a> Watch<'a> {
    /// Of the processes that run now.
    pub fn over(server: &Server, world: &'a World, stranger: fn() -> String) -> Watch<'a> {
        let peer = |(number, client): (usize, Client)| {
            let account = json!({ "name": format!("watcher {number}"), "role": "Viewer" });
            let made = server.admin().post(&server.path("service-accounts"), account);
            made.ok(201);
            Peer {
                admin: client.bearer(&server.admin_token),
                service: client.bearer(&server.service_key),
                holder: made.text_at("id"),
                verified: Mutex::default(),
                created: Trials::default(),
                looked_up: Trials::default(),
                ready: AtomicBool::new(true),
            }
        };
        let peers = server.each().into_iter().enumerate().map(peer).collect();
        Watch { world, peers, stranger, ended: AtomicBool::new(false) }
    }

    /// Watches all peers until `meanwhile` has ended.
    pub fn during(&self, meanwhile: impl FnOnce()) {
        self.ended.store(false, Ordering::SeqCst);
        std::thread::scope(|scope| {
            for (number, peer) in (1..).zip(&self.peers) {
                scope.spawn(move || {
                    let mut chance = Chance::new(number);
                    self.until_ended(|| {
                        if let Some((place, _)) = verify_some(&peer.service, self.world, &mut chance) {
                            peer.verified.lock().expect("no watcher panics with it").insert(place);
                        }
                    });
                });
                scope.spawn(move || self.until_ended(|| _ = self.look_up(peer)));
                scope.spawn(move || self.until_ended(|| _ = self.create(peer)));
                scope.spawn(move || self.until_ended(|| self.health(peer)));
            }
            let end = End(&self.ended);
            meanwhile();
            drop(end);
        });
    }

    fn until_ended(&self, mut step: impl FnMut()) {
        while !self.ended.load(Ordering::SeqCst) {
            step();
            std::thread::sleep(PAUSE);
        }
    }

    /// Waits until each peer has said 503 `undetermined` to a creation and to a token that its memory
    /// does not know: until all have noticed.
    pub fn until_noticed(&self) {
        let counts = || self.peers.iter().flat_map(|peer| [&peer.created, &peer.looked_up]);
        let count = |trials: &Trials| trials.undetermined.load(Ordering::SeqCst);
        let before: Vec<usize> = counts().map(count).collect();
        crate::until("every peer notices that its database is away", || {
            counts().map(count).zip(&before).all(|(now, before)| now > *before)
        });
    }

    /// Waits until every peer says this of itself.
    pub fn until_ready(&self, ready: bool) {
        crate::until(&format!("each `readyz` says {ready}"), || {
            self.peers.iter().all(|peer| peer.ready.load(Ordering::SeqCst) == ready)
        });
    }

    /// Asks every peer anew, without a pause to speak of, until it has created a token and looked one
    /// up. Returns how long after `since` the last one had done both.
    pub fn back(&self, since: Timestamp) -> Duration {
        std::thread::scope(|scope| {
            for peer in &self.peers {
                scope.spawn(|| crate::until("a token is looked up", || self.look_up(peer)));
                scope.spawn(|| crate::until("a token is created", || self.create(peer)));
            }
        });
        crate::now().duration_since(since).try_into().unwrap_or_default()
    }

    fn look_up(&self, peer: &Peer) -> bool {
        let ask = json!({ "token": (self.stranger)() });
        let answer = self.world.send(&peer.service, "POST", "/v1/verify", ask);
        let Some(verdict) = peer.looked_up.count(answer, 200) else { return false };
        assert_eq!(verdict.json["code"], "not_found", "nobody issued it:\n{verdict:?}");
        true
    }

    fn create(&self, peer: &Peer) -> bool {
        let path = format!("/v1/accounts/{ACCOUNT}/tokens");
        let ask = json!({ "name": "trial", "holder": peer.holder, "expires_in": "30d" });
        let answer = self.world.send(&peer.admin, "POST", &path, ask);
        let Some(made) = peer.created.count(answer, 201) else { return false };
        // A holder may not have many. One of which we were not told stays.
        let revoke = format!("{path}/{}/revoke", made.text_at("id"));
        if let Some(revoked) = self.world.send(&peer.admin, "POST", &revoke, json!({}))
            && revoked.status != 200
        {
            revoked.refused(503, "undetermined");
        }
        true
    }

    /// The process lives whatever becomes of its database.
    fn health(&self, peer: &Peer) {
        peer.admin.get("/livez").ok(200);
        let ready = peer.admin.get("/readyz");
        if ready.status != 200 {
            ready.refused(503, "undetermined");
        }
        peer.ready.store(ready.status == 200, Ordering::SeqCst);
    }

    /// The evidence by which each peer is judged: what it said itself, and what was changed anywhere.
    ///
    /// What one peer has refused another may still accept for a moment, where nobody was told yet that
    /// it ended; so each is held to its own word, and all of them to what was acknowledged.
    pub fn by_peer(&self, evidence: &Evidence) -> Vec<Evidence> {
        let verified = |peer: &Peer| peer.verified.lock().expect("no watcher panics with it").clone();
        let verified: Vec<BTreeSet<usize>> = self.peers.iter().map(verified).collect();
        let others = |own: usize, place: &usize| {
            verified.iter().enumerate().any(|(peer, places)| peer != own && places.contains(place))
        };
        let of = |own: usize| {
            let operations = evidence.operations.iter().enumerate();
            let operations: Vec<Operation> = operations
                .filter(|(place, _)| !others(own, place))
                .map(|(_, operation)| operation.clone())
                .collect();
            Evidence { operations, ..evidence.clone() }
        };
        (0..self.peers.len()).map(of).collect()
    }

    /// Trials that worked and those that had no answer but 503, in words.
    pub fn summary(&self) -> String {
        let count = |number: &AtomicUsize| number.load(Ordering::SeqCst);
        let told = |peer: &Peer| {
            let (made, found) = (&peer.created, &peer.looked_up);
            format!(
                "created {} ({} undetermined), looked up {} ({} undetermined), verified {}",
                count(&made.done),
                count(&made.undetermined),
                count(&found.done),
                count(&found.undetermined),
                peer.verified.lock().expect("no watcher panics with it").len()
            )
        };
        self.peers.iter().map(told).collect::<Vec<_>>().join("; ")
    }
}

/// Ends the watch also where a test fails in the meantime.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
