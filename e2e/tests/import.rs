//! Tokens that were made elsewhere: whoever has one goes on with it, whatever the table had of it.

use argon2::Argon2;
use argon2::password_hash::PasswordHasher;
use e2e::{Begin, Finished, Place, Server, only_on, text as text_at};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha512};

const FAILED: i32 = 1;
const NOT_FOUND: i32 = 3;

/// A server that takes texts of another make, with a member known as `u-1`.
fn server() -> Server {
    let server = Begin::preset("default").configuration("[server]\nforeign_tokens = true\n").start();
    let member = json!({ "name": "Zoë", "external_id": "u-1", "role": "Member" });
    server.admin().post("/v1/accounts/acme/members", member).ok(201);
    server
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Imports a table of JSON lines.
fn import(server: &Server, rows: &[Value], more: &[&str]) -> Finished {
    let table: String = rows.iter().map(|row| format!("{row}\n")).collect();
    run(server, &table, more)
}

fn run(server: &Server, table: &str, more: &[&str]) -> Finished {
    let installation = server.installation();
    let mut arguments = vec!["import", "--account", "acme", "--from", "-", "--json"];
    arguments.extend(more);
    arguments.extend(installation.iter().map(String::as_str));
    server.jeton_with_input(&arguments, table)
}

fn import_as_text(server: &Server, rows: &[Value]) -> Finished {
    let table: String = rows.iter().map(|row| format!("{row}\n")).collect();
    let installation = server.installation();
    let mut arguments = vec!["import", "--account", "acme", "--from", "-"];
    arguments.extend(installation.iter().map(String::as_str));
    server.jeton_with_input(&arguments, &table)
}

fn counts(done: &Finished) -> [Value; 3] {
    let printed: Value =
        serde_json::from_str(&done.stdout).unwrap_or_else(|error| panic!("{error}: {done:#?}"));
    ["imported", "already", "refused"].map(|name| printed[name].clone())
}

fn reasons(done: &Finished) -> Vec<(u64, String)> {
    let printed: Value =
        serde_json::from_str(&done.stdout).unwrap_or_else(|error| panic!("{error}: {done:#?}"));
    let all = printed["first_refused"].as_array().expect("a list");
    all.iter()
        .map(|row| (row["line"].as_u64().expect("a line"), row["why"].as_str().expect("a reason").to_owned()))
        .collect()
}

/// One text for each way in which a table may know it, with the row that knows it.
fn texts() -> Vec<(&'static str, String, Value)> {
    let text = |kind: &str| format!("sk_live_{kind}_0123456789abcdef");
    let mut mac = Hmac::<Sha256>::new_from_slice(b"a key of theirs").expect("any length");
    mac.update(text("hmac").as_bytes());
    let argon2 = Argon2::default()
        .hash_password_with_salt(text("argon2").as_bytes(), b"sixteen bytes of")
        .expect("a hash");
    let bcrypt = bcrypt::hash(text("bcrypt"), 4).expect("a hash");
    let row = |kind: &str, value: String| json!({ "name": kind, "holder": "u-1", kind: value });
    let prefixed = |kind: &str, value: String, prefix: &str| {
        let mut row = row(kind, value);
        row["prefix"] = prefix.into();
        row
    };
    vec![
        ("token", text("plain"), row("token", text("plain"))),
        ("sha256", text("sha256"), row("sha256", hex(Sha256::digest(text("sha256"))))),
        ("sha512", text("sha512"), row("sha512", hex(Sha512::digest(text("sha512"))))),
        ("hmac_sha256", text("hmac"), row("hmac_sha256", hex(mac.finalize().into_bytes()))),
        ("bcrypt", text("bcrypt"), prefixed("bcrypt", bcrypt, "sk_live_bcrypt_")),
        ("argon2", text("argon2"), prefixed("argon2", argon2.to_string(), "sk_live_argon2_")),
    ]
}

fn key_file(server: &Server) -> String {
    let path = server.directory().join("hmac.key");
    std::fs::write(&path, "a key of theirs").expect("our directory");
    path.display().to_string()
}

#[test]
fn whoever_has_a_token_goes_on_with_it_whatever_the_table_had_of_it() {
    let mut server = server();
    let texts = texts();
    server.rejects(&texts[0].1, "not_found");
    let rows: Vec<Value> = texts.iter().map(|(_, _, row)| row.clone()).collect();
    let key = key_file(&server);
    let more = ["--hmac-key", key.as_str()];
    let running = import(&server, &rows, &more);
    assert_eq!(running.code, FAILED, "refused while it is served: {running:#?}");
    server.stop();
    let tried = import(&server, &rows, &[&more[..], &["--dry-run"]].concat());
    assert_eq!(counts(&tried), [json!(6), json!(0), json!(0)], "{tried:#?}");
    let done = import(&server, &rows, &more);
    assert_eq!(counts(&done), [json!(6), json!(0), json!(0)], "the dry run wrote nothing: {done:#?}");
    let again = import(&server, &rows, &more);
    assert_eq!(counts(&again), [json!(0), json!(6), json!(0)], "{again:#?}");

    server.restart();
    for (kind, text, _) in &texts {
        let verdict = server.verify(text);
        assert_eq!(
            (&verdict["valid"], &verdict["token"]["name"]),
            (&json!(true), &json!(kind)),
            "{verdict:#}"
        );
        assert_eq!(verdict["holder"]["external_id"], "u-1");
        server.accepts(text);
        // A letter more or less is another text.
        server.rejects(&format!("{text}f"), "not_found");
        server.rejects(&text[..text.len() - 1], "not_found");
    }
    let journal = server.output();
    assert!(!texts.iter().any(|(_, text, _)| journal.contains(text)), "no text in the log");

    // What was seen is found as any other, also by a run that comes again.
    server.stop();
    assert_eq!(counts(&import(&server, &rows, &more)), [json!(0), json!(6), json!(0)]);
    let kept = server.kept();
    for (kind, text, row) in &texts {
        let found = |what: &str| {
            kept.iter().any(|(_, bytes)| bytes.windows(what.len()).any(|part| part == what.as_bytes()))
        };
        assert!(!found(text), "the text by {kind}");
        if let Some(hash) = row.get("bcrypt").or(row.get("argon2")).and_then(Value::as_str) {
            let freed = server.postgres().is_none();
            assert!(freed || !found(hash), "the slow hash is gone");
        }
    }
    assert!(!kept.iter().any(|(_, bytes)| bytes.windows(15).any(|part| part == b"a key of theirs")));
    server.restart();
    for (_, text, _) in &texts {
        server.accepts(text);
    }
}

#[test]
fn an_imported_token_is_revoked_as_any_other_before_and_after_its_first_use() {
    let mut server = server();
    let texts = texts();
    server.stop();
    let key = key_file(&server);
    let rows: Vec<Value> = texts.iter().map(|(_, _, row)| row.clone()).collect();
    import(&server, &rows, &["--hmac-key", &key]).done();
    server.restart();
    for (number, (kind, text, _)) in texts.iter().enumerate() {
        if number % 2 == 0 {
            server.accepts(text);
        }
        let list = server.admin().get(&format!("/v1/accounts/acme/tokens?q={kind}"));
        let items = list.ok(200)["items"].as_array().expect("items").clone();
        let item = items.iter().find(|item| item["name"] == *kind).expect("it is listed");
        let id = text_at(item, "id");
        server.admin().post(&format!("/v1/accounts/acme/tokens/{id}/revoke"), json!({})).ok(200);
        server.rejects(text, "revoked");
    }
}

#[test]
fn rows_that_cannot_be_taken_are_told_by_line_and_do_not_stop_the_others() {
    let mut server = server();
    server.stop();
    let digest = |number: u32| hex(Sha256::digest(number.to_be_bytes()));
    let slow = bcrypt::hash("x", 4).expect("a hash");
    let dear = slow.replacen("$04$", "$15$", 1);
    let row = |number: u32, more: Value| {
        let mut row = json!({ "name": format!("n{number}"), "holder": "u-1", "sha256": digest(number) });
        row.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        row
    };
    let by_hash = |hash: &str, prefix: &str| json!({ "name": "slow", "holder": "u-1", "bcrypt": hash, "prefix": prefix });
    let rows = [
        row(1, json!({})),
        row(1, json!({})),
        row(2, json!({ "holder": "nobody" })),
        row(3, json!({ "expires_at": "2020-01-01T00:00:00Z" })),
        row(4, json!({ "created_at": "2020-01-01T00:00:00Z" })),
        row(5, json!({ "created_at": "2999-01-01T00:00:00Z" })),
        row(6, json!({ "permission": { "role": "Emperor" } })),
        json!({ "name": "ours", "holder": "u-1", "token": server.admin_token }),
        json!({ "name": "short", "holder": "u-1", "token": "fifteen letters" }),
        json!({ "name": "mac", "holder": "u-1", "hmac_sha256": digest(7) }),
        by_hash(&dear, "sk_a"),
        by_hash(&slow, "abc"),
        row(8, json!({ "name": "x\u{202e}y" })),
        row(9, json!({})),
    ];
    let done = import(&server, &rows, &[]);
    assert_eq!(done.code, FAILED, "some were refused");
    assert_eq!(counts(&done), [json!(2), json!(0), json!(12)], "{done:#?}");
    let told = reasons(&done);
    let expected = [
        (2, "Line 1 has the same text"),
        (3, "`nobody`"),
        (4, "It expired at 2020"),
        (5, "Under this account's policy it expired"),
        (6, "lies in the future"),
        (7, "no role Emperor"),
        (8, "jeton's own form"),
        (9, "16 to 255"),
        (10, "--hmac-key"),
        (11, "takes too long"),
        (12, "4 to 64"),
        (13, "U+202E"),
    ];
    for ((line, why), (expected_line, part)) in told.iter().zip(expected) {
        assert!(
            *line == expected_line && why.contains(part),
            "{line}: {why}; expected {expected_line}: {part}"
        );
    }
    assert!(!done.stdout.contains(&server.admin_token) && !done.stderr.contains(&server.admin_token));
    // One prefix leads to four slow hashes at most.
    let crowd: Vec<Value> =
        (0..6).map(|_| by_hash(&bcrypt::hash("x", 4).expect("a hash"), "sk_crowd")).collect();
    let crowded = import(&server, &crowd, &[]);
    assert_eq!(counts(&crowded), [json!(4), json!(0), json!(2)], "{crowded:#?}");
    assert!(reasons(&crowded).iter().all(|(_, why)| why.contains("longer prefix")));
    let nobody = import(&server, &rows[..1], &["--holder", "nobody"]);
    assert_eq!(nobody.code, NOT_FOUND, "{nobody:#?}");
    server.restart();
}

#[test]
fn for_whom_the_tokens_of_a_table_act_is_told_and_can_be_forbidden() {
    let mut server = server();
    let robot = json!({ "name": "robot", "external_id": "r-1", "role": "Viewer" });
    let robot = server.admin().post("/v1/accounts/acme/service-accounts", robot).text_at("id");
    let owner = server.admin().get("/v1/tokens/self").ok(200)["holder"].clone();
    server.stop();
    let digest = |number: u32| hex(Sha256::digest(format!("sk_test_of_theirs_{number}")));
    let row = |number: u32, more: Value| {
        let mut row = json!({ "name": format!("n{number}"), "sha256": digest(number) });
        row.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        row
    };
    let rows = [
        row(1, json!({ "holder": "r-1" })),
        row(2, json!({ "permission": "role:Viewer" })),
        row(3, json!({ "holder": robot, "permission": { "list": ["members:read"] } })),
        // What somebody slipped in: one of theirs that acts for the owner.
        row(4, json!({ "holder": owner["id"] })),
    ];
    let given = |done: &Finished| {
        let printed: Value = serde_json::from_str(&done.stdout).expect("JSON");
        let all = printed["given"].as_array().expect("a list").clone();
        all.iter()
            .map(|one| (text_at(one, "holder"), text_at(one, "permission"), one["count"].clone()))
            .collect::<Vec<_>>()
    };
    let tried = import(&server, &rows, &["--dry-run"]);
    assert_eq!(counts(&tried), [json!(3), json!(0), json!(1)], "{tried:#?}");
    assert!(given(&tried).contains(&(text_at(&owner, "id"), "inherit".into(), json!(1))), "{tried:#?}");

    let done = import(&server, &rows, &["--holder", "r-1"]);
    assert_eq!(counts(&done), [json!(3), json!(0), json!(1)], "{done:#?}");
    let told = reasons(&done);
    assert!(told[0].0 == 4 && told[0].1.contains("--holder says"), "{told:?}");
    let expected = ["inherit", "list:members:read", "role:Viewer"];
    assert_eq!(given(&done), expected.map(|permission| (robot.clone(), permission.to_owned(), json!(1))));
    let text = import_as_text(&server, &rows[..1]);
    assert!(text.stdout.contains("1 in already"), "{text:#?}");
    server.restart();
    server.rejects("sk_test_of_theirs_4", "not_found");
    server.accepts("sk_test_of_theirs_2");
    let entries = server.admin().get("/v1/accounts/acme/journal?action=tokens.imported");
    let payload = entries.ok(200)["items"][0]["payload"].clone();
    assert_eq!(payload["holders"], json!({ robot: 3 }));
    assert_eq!(payload["permissions"], json!({ "inherit": 1, "list:members:read": 1, "role:Viewer": 1 }));
}

#[test]
fn where_nothing_is_said_of_a_permission_the_policy_says_it() {
    let mut server = Begin::preset("gcore").configuration("[server]\nforeign_tokens = true\n").start();
    let member = json!({ "name": "Zoë", "external_id": "u-1", "role": "Users" });
    server.admin().post("/v1/accounts/acme/members", member).ok(201);
    server.stop();
    let row = json!({ "name": "a", "holder": "u-1", "token": "sk_test_of_another_make" });
    import(&server, &[row], &[]).done();
    server.restart();
    let verdict = server.verify("sk_test_of_another_make");
    assert_eq!((&verdict["valid"], &verdict["role"]), (&json!(true), &json!("Users")), "{verdict:#}");
    let page = server.admin().get("/v1/accounts/acme/tokens?q=a&limit=100");
    let items = page.ok(200)["items"].as_array().expect("items").clone();
    let item = items.iter().find(|item| item["name"] == "a").expect("it is listed");
    assert_eq!(
        item["permission"],
        json!({ "role": "Users" }),
        "as if Zoë had made it, and nothing that grows"
    );
}

#[test]
fn a_run_that_was_cut_off_is_run_again_and_csv_says_the_same() {
    let mut server = server();
    server.stop();
    let digest = |number: u32| hex(Sha256::digest(format!("sk_test_of_another_{number}")));
    let line = |number: u32| format!("\"n, {number}\",u-1,{}\n", digest(number));
    let head = "name,holder,sha256\n";
    let some: String = (0..500).map(line).collect();
    let all: String = (0..1200).map(line).collect();
    assert_eq!(
        counts(&run(&server, &format!("{head}{some}"), &["--format", "csv"])),
        [json!(500), json!(0), json!(0)]
    );
    assert_eq!(
        counts(&run(&server, &format!("{head}{all}"), &["--format", "csv"])),
        [json!(700), json!(500), json!(0)]
    );
    server.restart();
    for number in [0, 499, 500, 1199] {
        server.accepts(&format!("sk_test_of_another_{number}"));
    }
    let shown = server.admin().get("/v1/accounts/acme/tokens?limit=1&q=n,%201199");
    assert_eq!(shown.ok(200)["items"][0]["name"], "n, 1199");
}

#[test]
fn without_the_switch_nothing_is_imported_and_the_switch_is_named() {
    let mut server = Server::start("default");
    server.stop();
    let row = json!({ "name": "a", "token": "sixteen-letters-or-more" });
    let refused = import(&server, &[row], &[]);
    assert_eq!(refused.code, FAILED);
    assert!(refused.stderr.contains("server.foreign_tokens"), "{refused:#?}");
    server.restart();
}

#[test]
fn a_flood_of_texts_that_begin_alike_costs_a_few_hashes_at_a_time_and_keeps_nobody_else_waiting() {
    if !only_on(&[Place::Sqlite], "the bound is of one process") {
        return;
    }
    let mut server = server();
    server.stop();
    // Long enough that the flood is felt.
    let slow = bcrypt::hash("sk_flood_0123456789", 11).expect("a hash");
    let known = "sk_known_0123456789";
    let rows = [
        json!({ "name": "slow", "holder": "u-1", "bcrypt": slow, "prefix": "sk_flood" }),
        json!({ "name": "known", "holder": "u-1", "token": known }),
    ];
    import(&server, &rows, &[]).done();
    server.restart();
    server.accepts(known);
    let server = &server;
    std::thread::scope(|scope| {
        let flood: Vec<_> = (0..80)
            .map(|number| {
                let ask = json!({ "token": format!("sk_flood_{number:020}") });
                let service = server.service();
                scope.spawn(move || service.post("/v1/verify", ask).status)
            })
            .collect();
        for _ in 0..10 {
            server.accepts(known);
            server.rejects("sk_other_0123456789abc", "not_found");
        }
        let mut statuses: Vec<u16> = flood.into_iter().map(|one| one.join().expect("it answers")).collect();
        statuses.sort_unstable();
        statuses.dedup();
        assert_eq!(statuses, [200, 503], "some were tried, the rest is undetermined");
    });
    server.accepts("sk_flood_0123456789");
}
