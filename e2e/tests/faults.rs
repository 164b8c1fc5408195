//! The database killed, frozen, restarted and cut off under mixed load: what was acknowledged is
//! there, every answer meanwhile is a verdict or 503 `undetermined`, and soon after the database is
//! back so is the server, without having been started again. On one process, and on three peers.

use std::sync::Arc;
use std::time::Duration;

use e2e::history::{Evidence, Outcome, faults};
use e2e::journal::{Database, Head, chain_faults};
use e2e::load::{Changer, Then, World, look};
use e2e::{Begin, Cluster, Place, Postgres, Watch, now, only_on, until};
use token::{Brand, Kind, SystemEntropy, TokenText};

/// Clients that change things, each with a holder of its own.
const CHANGERS: usize = 3;

/// No answer takes longer, whatever becomes of the database, beyond what two busy cores add by themselves.
const BOUND: Duration = Duration::from_secs(10);

/// From the moment when the database takes connections to a creation and to a look into it on every
/// peer, beyond what these take at other times: two busy cores are slow by themselves.
const BACK: Duration = Duration::from_secs(2);

/// How long the database stands still: longer than a server is willing to wait for it.
const FROZEN: Duration = Duration::from_secs(8);

/// How often all of its connections are cut.
const CUTS: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Killed,
    Frozen,
    Restarted,
    CutOff,
}

#[test]
fn nothing_acknowledged_is_lost_and_no_answer_is_wrong_whatever_becomes_of_the_database() {
    if !only_on(&[Place::Postgres, Place::Peers], "the faults are those of PostgreSQL") {
        return;
    }
    let mut cluster = Cluster::start();
    let database = Arc::new(Postgres::create_on(&cluster.url()));
    let mut server = Begin::preset("default").on(database.clone()).at(Place::chosen()).start();
    let mut changers: Vec<Changer> = (0..CHANGERS).map(|number| Changer::new(&server, number, 7)).collect();
    let world = World::default();
    let watch = Watch::over(&server, &world, stranger);
    let mut proof = Evidence::default();
    let mut head = Head::genesis();

    for fault in [Fault::Killed, Fault::Frozen, Fault::Restarted, Fault::CutOff] {
        let (mut usual, mut back) = (Duration::ZERO, Duration::ZERO);
        world.load([server.admin(), server.service()], &mut changers, None, Then::GoOn, || {
            watch.during(|| {
                goes_on(&world);
                usual = watch.back(now());
                let since = befalls(fault, &mut cluster, &database, &watch);
                back = watch.back(since);
                goes_on(&world);
                watch.until_ready(true);
            });
        });
        let (slowest, said) = world.slowest();
        println!("{fault:?}: back after {back:.1?}, which takes {usual:.1?} at other times");
        println!("  the slowest answer came after {slowest:.1?}: {said}");
        println!("  {}", watch.summary());
        assert!(back <= BACK + usual, "{fault:?}: back only after {back:?}");
        assert!(slowest <= BOUND + usual, "{fault:?}: an answer took {slowest:?}: {said}");
        assert_eq!(world.unanswered(), 0, "{fault:?}: the server answers");

        let beside = Database::beside(&database);
        let end = beside.head();
        let new = beside.entries_after(head.seq);
        assert_eq!(chain_faults(&head, &new, &end), Vec::<String>::new(), "{fault:?}");
        proof.journal.extend(new);
        head = end;
        proof.operations = world.history.operations();
        proof.seen = look(&server, &world, fault == Fault::CutOff);
        for (peer, evidence) in watch.by_peer(&proof).iter().enumerate() {
            assert_eq!(faults(evidence), Vec::<String>::new(), "{fault:?}, peer {peer}");
        }
        for changer in &mut changers {
            changer.tidy(&server, &world);
        }
    }
    let unknown = |done: &&e2e::history::Operation| matches!(done.ended, Some((_, Outcome::Unknown)));
    println!(
        "{} operations, {} acknowledged, {} fates unknown, {} journal entries",
        proof.operations.len(),
        world.acknowledged(),
        proof.operations.iter().filter(unknown).count(),
        proof.journal.len()
    );
    assert_eq!(server.stop(), 0, "it ends in peace:\n{}", server.output());
}

/// Waits until so many more changes were acknowledged that the load is one.
fn goes_on(world: &World) {
    let before = world.acknowledged();
    until("changes are acknowledged", || world.acknowledged() >= before + 10);
}

/// Lets it happen. Returns when the database took connections again.
fn befalls(fault: Fault, cluster: &mut Cluster, database: &Postgres, watch: &Watch<'_>) -> jiff::Timestamp {
    match fault {
        Fault::Killed => {
            cluster.kill9();
            watch.until_noticed();
            cluster.start_again();
        }
        Fault::Frozen => {
            cluster.freeze();
            // Not a wait for anything: how long it lasts is what makes this fault.
            std::thread::sleep(FROZEN);
            cluster.thaw();
        }
        Fault::Restarted => {
            cluster.stop();
            cluster.start_again();
        }
        Fault::CutOff => {
            for _ in 1..CUTS {
                cut(database);
                watch.back(now());
            }
            cut(database);
        }
    }
    now()
}

/// Ends all sessions of the server.
fn cut(database: &Postgres) {
    let sessions = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                    WHERE datname = current_database() AND application_name = 'jeton'";
    assert!(database.number(sessions, &[]) > 0, "there were sessions");
}

/// A token that nobody issued.
fn stranger() -> String {
    TokenText::issue(Brand::default(), Kind::Pat, &SystemEntropy).expose().to_owned()
}
