//! PostgreSQL killed, restarted and stopped in its tracks under load, while the server goes on: what was
//! acknowledged is there, what was revoked stays refused, and whoever asks meanwhile hears a verdict or
//! 503 `undetermined`. `JETON_FAULT_ROUNDS` says how often; `JETON_FAULT_SEED` repeats the moments of a run.

use std::sync::Arc;
use std::time::Duration;

use e2e::history::{Evidence, Outcome, faults};
use e2e::journal::{Database, Head, chain_faults};
use e2e::load::{Chance, Changer, Then, World, look};
use e2e::{Begin, Cluster, Place, Postgres, Server, only_on, text};
use serde_json::json;

const WHY: &str = "is about failures of PostgreSQL";
/// How often, when nobody says: each of the three faults as often as the others.
const ROUNDS: usize = 9;
const CHANGERS: usize = 4;
const VERIFIERS: u64 = 2;
/// The database is back; from then on changes are taken again within this time.
const RECOVERY: Duration = Duration::from_secs(2);

/// A server on a cluster of its own. The cluster is dropped last.
fn begin() -> (Server, Arc<Postgres>, Cluster) {
    let cluster = Cluster::start();
    let database = Arc::new(Postgres::create_on(&cluster.url()));
    (Begin::preset("default").on(database.clone()).start(), database, cluster)
}

#[test]
fn what_was_acknowledged_survives_every_end_of_the_database() {
    if !only_on(&[Place::Postgres], WHY) {
        return;
    }
    let rounds =
        number("JETON_FAULT_ROUNDS").map_or(ROUNDS, |rounds| usize::try_from(rounds).expect("a count"));
    let seed = number("JETON_FAULT_SEED").unwrap_or_else(|| e2e::now().as_nanosecond() as u64);
    println!("{rounds} rounds, JETON_FAULT_SEED={seed}");
    let (server, database, mut cluster) = begin();
    let mut chance = Chance::new(seed);
    let mut changers: Vec<Changer> =
        (0..CHANGERS).map(|number| Changer::new(&server, number, seed)).collect();
    let world = World::default();
    let (mut proof, mut head) = (Evidence::default(), Head::genesis());
    // Nobody else's: its edits say whether changes are taken.
    let probe = text(&server.create_named(&server.admin_token, "probe"), "id");

    for round in 1..=rounds {
        let mut pause = |longest: u64| Duration::from_millis(50 + chance.below(longest));
        let (before, during, after) = (pause(400), pause(1500), pause(300));
        let clients = [server.admin(), server.service()];
        let verifiers = (1..=VERIFIERS).map(|number| Chance::new((seed ^ round as u64) + 17 * number));
        world.load(clients, &mut changers, verifiers, Then::GoOn, || {
            // Not waits for anything: the moments of the fault and of its end are the point of the test.
            std::thread::sleep(before);
            let fault = match round % 3 {
                0 => "killed",
                1 => "frozen",
                _ => "restarted",
            };
            match fault {
                "killed" => cluster.kill9(),
                "frozen" => cluster.freeze(),
                _ => cluster.stop(),
            }
            std::thread::sleep(during);
            match fault {
                "frozen" => cluster.thaw(),
                _ => cluster.start_again(),
            }
            let back = e2e::now();
            let edit = json!({ "description": format!("round {round}") });
            e2e::until("changes are taken again", || {
                let answer = server.admin().patch(&server.path(&format!("tokens/{probe}")), edit.clone());
                if answer.status != 200 {
                    answer.refused(503, "undetermined");
                }
                answer.status == 200
            });
            let took = e2e::now().duration_since(back);
            println!("round {round}: {fault} for {during:?}, back after {took:.3?}");
            assert!(
                took <= RECOVERY.try_into().expect("short"),
                "round {round}: {fault}, back after {took:?}"
            );
            std::thread::sleep(after);
        });

        let database = Database::beside(&database);
        let end = database.head();
        let mut new = database.entries_after(head.seq);
        new.retain(|entry| entry.seq <= end.seq);
        assert_eq!(chain_faults(&head, &new, &end), Vec::<String>::new(), "round {round}");
        proof.journal.extend(new);
        head = end;
        proof.operations = world.history.operations();
        proof.seen = look(&server, &world, round == rounds);
        assert_eq!(faults(&proof), Vec::<String>::new(), "round {round}, JETON_FAULT_SEED={seed}");
        for changer in &mut changers {
            changer.tidy(&server, &world);
        }
    }
    let count = |wanted: fn(&Outcome) -> bool| {
        proof
            .operations
            .iter()
            .filter(|done| done.ended.as_ref().is_some_and(|(_, outcome)| wanted(outcome)))
            .count()
    };
    let (made, unknown) = (
        count(|outcome| matches!(outcome, Outcome::Made(_))),
        count(|outcome| matches!(outcome, Outcome::Unknown)),
    );
    println!("{} operations, {made} tokens made, {unknown} fates unknown", proof.operations.len());
    assert!(made >= rounds && unknown >= rounds, "no load, or no faults: {made} made, {unknown} unknown");
    assert!(!server.output().contains("panicked"), "{}", server.output());
}

#[test]
fn without_a_database_changes_are_undetermined_and_known_tokens_get_verdicts() {
    if !only_on(&[Place::Postgres], WHY) {
        return;
    }
    let (server, _database, mut cluster) = begin();
    let known = text(&server.create_named(&server.admin_token, "known"), "secret");
    server.accepts(&known);
    let nobody = "jtn_pat_0123456789ab_ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for frozen in [false, true] {
        if frozen {
            cluster.freeze()
        } else {
            cluster.stop()
        }
        let began = e2e::now();
        // First, because memory is believed only for some seconds and the change below may take as many.
        let verdict = server.service().post("/v1/verify", json!({ "token": known }));
        assert_eq!(verdict.ok(200)["code"], "valid", "{verdict:?}");
        server.ask_for_token(&server.admin_token, json!({ "name": "never" })).refused(503, "undetermined");
        // Text that cannot be a token needs no database.
        server.rejects(nobody, "malformed");
        let login = json!({ "email": e2e::ADMIN, "password": e2e::PASSWORD, "account": e2e::ACCOUNT });
        server.anonymous().post("/v1/sessions", login).refused(503, "undetermined");
        server.anonymous().get("/livez").ok(200);
        println!("frozen: {frozen}, all of it answered within {:.1?}", e2e::now().duration_since(began));
        if frozen {
            cluster.thaw()
        } else {
            cluster.start_again()
        }
        e2e::until("its rows are read again", || {
            server.as_(&server.admin_token).get(&server.path("tokens")).status == 200
        });
        server.accepts(&known);
        // What was on its way into a frozen database may arrive there yet; into none it may not.
        let names = server.token_names(&server.admin_token, "?limit=100");
        assert!(frozen || !names.contains(&"never".to_owned()), "{names:?}");
    }
}

#[test]
fn a_server_whose_database_is_away_says_that_it_is_not_ready() {
    if !only_on(&[Place::Postgres], WHY) {
        return;
    }
    let (server, _database, mut cluster) = begin();
    server.anonymous().get("/readyz").ok(200);
    cluster.stop();
    e2e::until("it says that it is not ready", || server.anonymous().get("/readyz").status == 503);
    server.anonymous().get("/livez").ok(200);
    cluster.start_again();
    e2e::until("it is ready again", || server.anonymous().get("/readyz").status == 200);
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}
