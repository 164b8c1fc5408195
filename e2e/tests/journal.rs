//! The journal as those use it who audit: by command, as a stream that outlives what breaks it, and by
//! what was kept outside the database.

use std::io::{BufRead, BufReader};

use e2e::{Client, PATIENCE, Server, text};
use serde_json::{Value, json};
use ureq::BodyReader;

/// A stream of events, read as it comes.
struct Following(BufReader<BodyReader<'static>>);

impl Following {
    /// Of the account's journal, on one of the server's processes.
    fn start(server: &Server, peer: usize, token: &str, after: &str, last: Option<i64>) -> Following {
        let agent = ureq::Agent::config_builder()
            .proxy(None)
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .build()
            .new_agent();
        let url = format!("{}{}", server.urls()[peer], server.path(&format!("journal?follow=true{after}")));
        let mut request = agent.get(url).header("authorization", format!("Bearer {token}"));
        if let Some(last) = last {
            request = request.header("last-event-id", last.to_string());
        }
        let response = request.call().expect("an answer");
        assert_eq!(response.status().as_u16(), 200);
        let mut following = Following(BufReader::new(response.into_body().into_reader()));
        let mut first = String::new();
        following.0.read_line(&mut first).expect("the stream says where it begins");
        assert!(first.starts_with(": after "), "{first}");
        following
    }

    /// The next event; none at the end of the stream.
    fn next(&mut self) -> Option<Value> {
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).expect("the stream ends as HTTP says") == 0 {
                return None;
            }
            if let Some(data) = line.strip_prefix("data: ") {
                return Some(serde_json::from_str(data).expect("an event is JSON"));
            }
        }
    }

    /// Events up to the one about this.
    fn until_about(&mut self, subject: &str) -> Value {
        loop {
            let event = self.next().expect("the stream goes on");
            if event["subject"] == subject {
                return event;
            }
        }
    }
}

#[test]
fn a_follower_hears_every_peer_and_goes_on_at_any_other() {
    let server = Server::start("default");
    let peers = server.urls().len();
    let mut following: Vec<Following> =
        (0..peers).map(|peer| Following::start(&server, peer, &server.admin_token, "", None)).collect();
    let desks: Vec<Client> = server.each().iter().map(|desk| desk.bearer(&server.admin_token)).collect();
    let mut told = vec![0; peers];
    for round in 0..2 * peers {
        let ask = json!({ "name": format!("token {round}"), "expires_in": "30d" });
        let made = desks[round % peers].post(&server.path("tokens"), ask).text_at("id");
        for (following, told) in following.iter_mut().zip(&mut told) {
            let event = following.until_about(&made);
            assert_eq!(event["action"], "token.created");
            let seq = event["seq"].as_i64().expect("a number");
            assert!(seq > std::mem::replace(told, seq), "in the journal's order");
        }
    }
    drop(following);
    // What happened meanwhile is not lost, wherever the follower comes back.
    let newest = server.admin().get(&server.path("journal?limit=1")).json["items"][0]["seq"].as_i64();
    let missed = text(&server.create_named(&server.admin_token, "missed"), "id");
    let mut again = Following::start(&server, peers - 1, &server.admin_token, "", newest);
    assert_eq!(again.next().expect("it goes on")["subject"], missed);
}

#[test]
fn a_stream_ends_when_its_token_is_revoked_on_another_peer() {
    let server = Server::start("default");
    let peers = server.urls().len();
    let member = server.member("Admin");
    let mut following = Following::start(&server, 0, &member.session, "", None);
    let desk = server.each()[peers - 1].bearer(&server.admin_token);
    desk.post(&server.path(&format!("members/{}/deactivate", member.id)), json!({})).ok(200);
    let revoked = e2e::now();
    while following.next().is_some() {}
    let took = e2e::now().duration_since(revoked);
    println!("the stream ended after {took:.1?}");
    // A second is the promise; these tests share their machine.
    assert!(took.as_secs() < 5, "{took:.1?}");
}

#[test]
fn a_server_that_stops_ends_its_streams_at_once() {
    let mut server = Server::start("default");
    let mut following = Following::start(&server, 0, &server.admin_token.clone(), "", None);
    let told = e2e::now();
    assert_eq!(server.stop(), 0);
    let took = e2e::now().duration_since(told);
    assert_eq!(following.next(), None, "an end, and no error");
    assert!(took.as_secs() < 20, "it waited for a follower: {took:.1?}");
}

#[test]
fn the_journal_is_listed_exported_and_checked_by_command() {
    let mut server = Server::start("default");
    let id = text(&server.create_named(&server.admin_token, "=1+1"), "id");
    let run = |arguments: &[&str]| server.jeton_as(&server.admin_token, arguments, "");
    let file = |name: &str| server.directory().join(name).display().to_string();

    let listed = run(&["journal", "--about", &id]);
    assert!(listed.done().contains("token.created") && listed.stdout.contains(&id), "{listed:#?}");
    let listed = run(&["journal", "list", "--everywhere", "--oldest-first", "--all", "--json"]).json();
    let seqs: Vec<i64> =
        listed["items"].as_array().expect("items").iter().filter_map(|entry| entry["seq"].as_i64()).collect();
    assert_eq!(seqs, (1..=seqs.len() as i64).collect::<Vec<_>>());
    assert_eq!(run(&["journal", "--since", "tomorrow"]).code, 2);
    assert!(run(&["journal", "--since", "1 hour", "--action", "token"]).done().contains(&id));

    let whole = file("whole.jsonl");
    run(&["journal", "export", "--everywhere", "--to", &whole]).done();
    assert_eq!(run(&["journal", "export", "--to", &whole]).code, 1, "it overwrites nothing");
    let csv = run(&["journal", "export", "--format", "csv", "--about", &id]);
    assert!(csv.done().starts_with("seq,at,account,"), "{csv:#?}");

    let signed = run(&["journal", "checkpoint"]);
    let kept = file("kept.log");
    std::fs::write(&kept, signed.done()).expect("our own directory");
    let key = text(&signed.json(), "key");
    assert!(run(&["journal", "verify"]).done().contains("the chain holds"));
    for more in [&["--file", &whole][..], &[]] {
        let checked = run(&[&["journal", "verify", "--checkpoints", &kept, "--key", &key], more].concat());
        assert!(checked.done().contains("the chain holds; the checkpoint agrees"), "{checked:#?}");
    }
    // Somebody changes a word of an export, cuts it, or comes with a key of their own.
    let text_of = std::fs::read_to_string(&whole).expect("it was written");
    let altered = file("altered.jsonl");
    std::fs::write(&altered, text_of.replacen("token.created", "token.revoked", 1)).expect("written");
    let checked = run(&["journal", "verify", "--file", &altered]);
    assert_eq!(checked.code, 1, "{checked:#?}");
    assert!(checked.stdout.contains("does not have the text that was written"), "{checked:#?}");
    let cut = file("cut.jsonl");
    let lines: Vec<&str> = text_of.lines().collect();
    std::fs::write(&cut, lines[..lines.len() - 1].join("\n") + "\n").expect("written");
    assert_eq!(run(&["journal", "verify", "--file", &cut]).code, 0, "the chain alone cannot tell");
    let checked = run(&["journal", "verify", "--file", &cut, "--checkpoints", &kept]);
    assert_eq!(checked.code, 1);
    assert!(checked.stdout.contains("it was cut back"), "{checked:#?}");
    let other = "0".repeat(64);
    let checked = run(&["journal", "verify", "--checkpoints", &kept, "--key", &other]);
    assert_eq!(checked.code, 1);
    assert!(checked.stderr.contains("was not signed with this"), "{checked:#?}");

    // The server keeps checkpoints itself, the last one when it stops, and doctor knows them.
    server.stop();
    let doctor = server.jeton(&[&["doctor"][..], &installation(&server)].concat());
    assert!(doctor.done().contains("the journal agrees with all"), "{doctor:#?}");
}

/// The flags that name the server's own store.
fn installation(server: &Server) -> Vec<&'static str> {
    server.installation().into_iter().map(|flag| &*flag.leak()).collect()
}

#[test]
fn a_command_that_follows_shows_the_last_entries_and_what_comes() {
    let server = Server::start("default");
    let token = server.directory().join("token");
    std::fs::write(&token, &server.admin_token).expect("our own directory");
    let mut child = std::process::Command::new(e2e::binary())
        .args(["journal", "--follow", "--json", "--account", e2e::ACCOUNT, "--server", &server.url])
        .env_clear()
        .env("JETON_TOKEN_FILE", &token)
        .env("HOME", server.directory())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("the binary runs");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let mut next = || -> Value {
        let line = lines.next().expect("it goes on").expect("text");
        serde_json::from_str(&line).expect("each line is an entry")
    };
    // The newest of before, then what comes.
    let newest = server.admin().get(&server.path("journal?limit=1")).json["items"][0]["seq"].clone();
    while next()["seq"] != newest {}
    let made = text(&server.create_named(&server.admin_token, "while it follows"), "id");
    assert_eq!(next()["subject"], made);
    child.kill().expect("it is ours");
    child.wait().expect("it ends");
}
