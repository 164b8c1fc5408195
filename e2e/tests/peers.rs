//! Three processes over one database: what one is told, the others know.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use e2e::history::{Evidence, faults};
use e2e::journal::{Database, Head, chain_faults};
use e2e::load::{Chance, Changer, Then, World, look};
use e2e::{ADMIN, Client, PASSWORD, Place, Server, only_on, text};
use serde_json::{Value, json};

const WHY: &str = "is about several processes over one database";

/// The verdict of one peer, by whoever asks it.
fn verdict(peer: &Client, token: &str) -> Value {
    peer.post("/v1/verify", json!({ "token": token })).ok(200).clone()
}

/// One client for each peer, which waits for none of the others.
fn each(server: &Server, credential: &str) -> Vec<Client> {
    server.each().iter().map(|peer| peer.bearer(credential)).collect()
}

#[test]
fn a_token_made_on_one_peer_is_good_on_every_other_at_once() {
    if !only_on(&[Place::Peers], WHY) {
        return;
    }
    let server = Server::start("default");
    let holder =
        server.admin().post(&server.path("service-accounts"), json!({ "name": "x", "role": "Viewer" }));
    let holder = holder.text_at("id");
    let (desks, services) = (each(&server, &server.admin_token), each(&server, &server.service_key));
    for round in 0..18 {
        let made = desks[round % 3].post(
            &server.path("tokens"),
            json!({ "name": format!("token {round}"), "holder": holder, "expires_in": "30d" }),
        );
        made.ok(201);
        for (number, service) in services.iter().enumerate() {
            let verdict = verdict(service, &made.text_at("secret"));
            assert_eq!(verdict["code"], "valid", "round {round} at peer {number}: {verdict:#}");
        }
    }
    // A login too, and at the desk.
    let login = json!({ "email": ADMIN, "password": PASSWORD, "account": e2e::ACCOUNT });
    let session = server.each()[0].post("/v1/sessions", login).text_at("token");
    for desk in each(&server, &session) {
        desk.get(&server.path("tokens")).ok(200);
    }
}

#[test]
fn a_revocation_on_one_peer_reaches_the_others_in_milliseconds() {
    if !only_on(&[Place::Peers], WHY) {
        return;
    }
    let server = Server::start("default");
    let (desks, services) = (each(&server, &server.admin_token), each(&server, &server.service_key));
    let mut took = Vec::new();
    for round in 0..40 {
        let made = server.create_named(&server.admin_token, &format!("token {round}"));
        let (id, secret) = (text(&made, "id"), text(&made, "secret"));
        for service in &services {
            assert_eq!(verdict(service, &secret)["code"], "valid");
        }
        desks[round % 3].post(&server.path(&format!("tokens/{id}/revoke")), json!({})).ok(200);
        let answered = e2e::now();
        for service in &services {
            // As fast as it can be asked: the time is what is measured.
            while verdict(service, &secret)["valid"] == true {
                assert!(e2e::now().duration_since(answered).as_secs() < 5, "round {round}: it is still good");
            }
        }
        took.push(e2e::now().duration_since(answered));
    }
    took.sort();
    let at = |percent: usize| took[(took.len() * percent).div_ceil(100) - 1];
    println!("a revocation was known everywhere after {:.1?} (p50), {:.1?} (p99)", at(50), at(99));
    // Both cores are busy with other tests, so this shows no more than that the others are told and do
    // not only look every quarter of a second; the numbers are the benchmark's.
    assert!(at(50) <= jiff::SignedDuration::from_millis(200), "p50 is {:?}", at(50));
}

#[test]
fn whatever_ends_or_narrows_authority_on_one_peer_does_so_on_all() {
    if !only_on(&[Place::Peers], WHY) {
        return;
    }
    let server = Server::start("default");
    let desk = &each(&server, &server.admin_token)[0];
    let services = each(&server, &server.service_key);
    let everywhere = |what: &str, token: &str, code: &str| {
        for (number, service) in services.iter().enumerate() {
            let mut last = Value::Null;
            e2e::until(&format!("peer {number} hears: {what}"), || {
                last = verdict(service, token);
                last["code"] == code
            });
        }
    };
    let member = server.member("Member");
    let token = text(&server.create_named(&member.session, "ci"), "secret");
    everywhere("made", &token, "valid");
    let of_member = |action: &str| server.path(&format!("members/{}/{action}", member.id));
    desk.post(&of_member("deactivate"), json!({})).ok(200);
    everywhere("the member is deactivated", &token, "suspended");
    desk.post(&of_member("reactivate"), json!({})).ok(200);
    everywhere("the member is back", &token, "valid");

    // A login, which every peer has seen.
    for peer in each(&server, &member.session) {
        peer.get("/v1/tokens/self").ok(200);
    }
    desk.delete(&server.path(&format!("members/{}", member.id))).ok(200);
    for peer in each(&server, &member.session) {
        e2e::until("the session of a removed member ends", || peer.get("/v1/tokens/self").status == 401);
    }

    // A service's key.
    let made = server.admin().post("/v1/services", json!({ "name": "billing", "scopes": ["verify"] }));
    let (id, key) = (made.text_at("id"), made.text_at("secret"));
    for peer in each(&server, &key) {
        peer.post("/v1/verify", json!({ "token": token })).ok(200);
    }
    desk.delete(&format!("/v1/services/{id}")).ok(200);
    for peer in each(&server, &key) {
        e2e::until("a service's key ends", || {
            peer.post("/v1/verify", json!({ "token": token })).status == 401
        });
    }
}

#[test]
fn a_peer_with_other_keys_is_refused_at_its_start() {
    if !only_on(&[Place::Peers, Place::Postgres], WHY) {
        return;
    }
    let server = Server::start("default");
    let other = server.directory().join("other");
    std::fs::create_dir(&other).expect("it is new");
    std::fs::write(other.join("keys"), format!("{}\n", "ab".repeat(32))).expect("it takes a file");
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(other.join("keys"), private).expect("it is ours");
    let mut arguments = server.installation();
    let data = arguments.iter().position(|argument| argument == "--data").expect("it has data") + 1;
    arguments[data] = other.display().to_string();
    let mut serve = vec!["serve", "--listen", "127.0.0.1:0"];
    serve.extend(arguments.iter().map(String::as_str));
    let refused = server.jeton(&serve);
    assert_eq!(refused.code, 1, "{refused:#?}");
    assert!(refused.stderr.contains("the key file is not the one that"), "{refused:#?}");
    server.accepts(&server.admin_token);
}

#[test]
fn peers_that_are_killed_one_after_the_other_take_nothing_with_them() {
    if !only_on(&[Place::Peers], WHY) {
        return;
    }
    let seed = e2e::now().as_nanosecond() as u64;
    let mut server = Server::start("default");
    let mut changers: Vec<Changer> = (0..4).map(|number| Changer::new(&server, number, seed)).collect();
    let world = World::default();
    let clients = [server.admin(), server.service()];
    let verifiers = (1..=2).map(|number| Chance::new(seed + 17 * number));
    let mut chance = Chance::new(seed);
    world.load(clients, &mut changers, verifiers, Then::GoOn, || {
        for _ in 0..6 {
            // Not waits for anything: the moments are the point of the test.
            std::thread::sleep(Duration::from_millis(50 + chance.below(400)));
            let number = server.kill9_one();
            std::thread::sleep(Duration::from_millis(50 + chance.below(400)));
            server.start_one(number);
        }
    });
    let mut proof = Evidence { operations: world.history.operations(), several: true, ..Evidence::default() };
    proof.seen = look(&server, &world, true);
    assert_eq!(server.stop(), 0);
    let database = Database::of(&server);
    proof.journal = database.entries_after(0);
    assert_eq!(chain_faults(&Head::genesis(), &proof.journal, &database.head()), Vec::<String>::new());
    assert_eq!(faults(&proof), Vec::<String>::new());
    println!("{} operations, {} journal entries", proof.operations.len(), proof.journal.len());
    assert!(proof.journal.len() >= 50, "the load was none");
}

#[test]
fn an_account_with_permissions_that_nobody_knew_is_understood_by_every_peer_at_once() {
    if !only_on(&[Place::Peers], WHY) {
        return;
    }
    let server = Server::start("default");
    let each = each(&server, &server.admin_token);
    for (n, preset) in ["gcore", "tagoio", "qovery"].into_iter().enumerate() {
        let account = format!("other-{n}");
        each[n].post("/v1/accounts", json!({ "id": account, "name": account, "preset": preset })).ok(201);
        for peer in &each {
            let seen = peer.get(&format!("/v1/accounts/{account}"));
            assert_eq!(text(seen.ok(200), "id"), account);
        }
    }
}

#[test]
fn a_request_may_go_on_at_another_peer() {
    if !only_on(&[Place::Peers], WHY) {
        return;
    }
    let server = Server::start("default");
    let each = each(&server, &server.admin_token);

    // A page of a list.
    for n in 0..5 {
        each[n % 3].post(&server.path("tokens"), json!({ "name": format!("page {n}") })).ok(201);
    }
    let first = each[0].get(&format!("{}?limit=2", server.path("tokens"))).ok(200).clone();
    let cursor = text(&first, "next_cursor");
    let second = each[1].get(&format!("{}?limit=2&cursor={cursor}", server.path("tokens"))).ok(200).clone();
    let ids = |page: &Value| -> BTreeSet<String> {
        page["items"].as_array().expect("a list").iter().map(|item| text(item, "id")).collect()
    };
    let (first, second) = (ids(&first), ids(&second));
    assert_eq!((first.len(), second.len()), (2, 2));
    assert!(first.is_disjoint(&second), "{first:?} {second:?}");

    // An answer that was lost on the way.
    let key = "9f2b7c1d-4e80-4d52-8f4e-3c1c6a7d8e90";
    let asked = |peer: &Client| {
        peer.header("Idempotency-Key", key)
            .post(&server.path("tokens"), json!({ "name": "once" }))
            .ok(201)
            .clone()
    };
    let made = asked(&each[0]);
    assert_eq!(asked(&each[2]), made, "the same answer, secret and all");
    let named = each[1].get(&format!("{}?limit=100", server.path("tokens"))).ok(200).clone();
    let named = named["items"].as_array().expect("a list").iter().filter(|item| item["name"] == "once");
    assert_eq!(named.count(), 1);
}

#[test]
fn of_rotations_at_once_on_several_peers_one_wins() {
    if !only_on(&[Place::Peers], WHY) {
        return;
    }
    let server = Server::start("default");
    let services = each(&server, &server.service_key);
    let each = each(&server, &server.admin_token);
    for _ in 0..5 {
        let made = each[0].post(&server.path("tokens"), json!({ "name": "turned" })).ok(201).clone();
        let path = format!("{}/{}/rotate", server.path("tokens"), text(&made, "id"));
        let answers: Vec<_> = std::thread::scope(|scope| {
            let asking: Vec<_> = (0..9)
                .map(|n| {
                    let (peer, path) = (&each[n % 3], &path);
                    scope.spawn(move || peer.post(path, json!({})))
                })
                .collect();
            asking.into_iter().map(|asked| asked.join().expect("it does not panic")).collect()
        });
        let won: Vec<_> =
            answers.iter().filter(|answer| answer.status == 200 || answer.status == 201).collect();
        assert_eq!(won.len(), 1, "{answers:#?}");
        let secret = won[0].text_at("secret");
        services.iter().for_each(|peer| assert_eq!(verdict(peer, &secret)["code"], "valid"));
        each[0].delete(&format!("{}/{}", server.path("tokens"), won[0].text_at("id")));
    }
}
