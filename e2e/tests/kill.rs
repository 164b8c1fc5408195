//! `kill -9` under mixed load, again and again: what was acknowledged is there, what was revoked
//! stays refused, and the journal's chain holds. `JETON_KILL_ROUNDS` says how often;
//! `JETON_KILL_SEED` repeats the moments of a run.

use std::time::Duration;

use e2e::history::{Evidence, Outcome, faults};
use e2e::journal::{Database, Head, chain_faults};
use e2e::load::{Chance, Changer, Then, World, look};
use e2e::{Place, Server};

/// How often, when nobody says.
const ROUNDS: usize = 50;
/// Clients that change things, each with a holder of its own, and clients that only verify.
const CHANGERS: usize = 4;
const VERIFIERS: u64 = 2;

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
    let mut proof = Evidence { several: Place::chosen().peers() > 1, ..Evidence::default() };
    let mut head = Head::genesis();

    for round in 1..=rounds {
        let delay = Duration::from_millis(20 + chance.below(600));
        let clients = [server.admin(), server.service()];
        let verifiers = (1..=VERIFIERS).map(|number| Chance::new((seed ^ round as u64) + 17 * number));
        world.load(clients, &mut changers, verifiers, Then::End, || {
            // Not a wait for anything: the moment of the crash is the point of the test.
            std::thread::sleep(delay);
            server.kill9();
        });

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

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}
