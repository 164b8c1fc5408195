//! Bodies and queries that nobody should send: each has its answer, and nothing happens.

use std::time::{Duration, Instant};

use e2e::{ADMIN, Answer, PASSWORD, Server, text};
use rstest::rstest;
use serde_json::{Value, json};

fn post_text(server: &Server, path: &str, body: &str) -> Answer {
    let method: ureq::http::Method = "POST".parse().expect("a method");
    server.admin().raw(method, path, &[("Content-Type", "application/json")], body)
}

#[test]
fn what_is_not_plain_json_is_a_400() {
    let server = Server::start("default");
    let deep = |depth: usize| {
        format!(r#"{{"name":"x","metadata":{}1{}}}"#, r#"{"a":"#.repeat(depth), "}".repeat(depth))
    };
    for body in [
        r#"{"name":"x","name":"y"}"#.to_owned(),
        r#"{"name":"x","n\u0061me":"y"}"#.to_owned(),
        r#"{"name":"x","metadata":{"a":1,"a":2}}"#.to_owned(),
        r#"{"name":"x","unknown":1}"#.to_owned(),
        r#"{"name":"x","permission":{"inherit":true,"role":"Owner"}}"#.to_owned(),
        r#"{"name":"x","metadata":{"a":NaN}}"#.to_owned(),
        r#"{"name":"x","metadata":{"a":Infinity}}"#.to_owned(),
        r#"{"name":"x","metadata":{"a":01}}"#.to_owned(),
        r#"{"name":"\ud800"}"#.to_owned(),
        r#"{"name":"\udc00\ud800"}"#.to_owned(),
        r#"{"name":"x",}"#.to_owned(),
        r#"{'name':'x'}"#.to_owned(),
        r#"{"name":"x"} {"name":"y"}"#.to_owned(),
        "{\"name\":\"x\u{1}\"}".to_owned(),
        "\u{feff}{\"name\":\"x\"}".to_owned(),
        "// {}\n{\"name\":\"x\"}".to_owned(),
        deep(17),
        deep(10_000),
        "[".repeat(60_000),
        String::new(),
        "{".to_owned(),
    ] {
        let answer = post_text(&server, &server.path("tokens"), &body);
        let shown: String = body.chars().take(80).collect();
        assert!(
            matches!((answer.status, answer.json["code"].as_str()), (400, Some("bad_request")) | (422, _)),
            "{shown}: {answer:?}"
        );
        // Both forms of a permission at once can be read; it is no sense.
        assert!(answer.status == 400 || body.contains("inherit"), "{shown}: {answer:?}");
    }
    assert_eq!(server.token_names(&server.admin_token, ""), ["init"]);
}

#[test]
fn what_can_be_read_and_makes_no_sense_is_a_422_that_names_the_field() {
    let server = Server::start("default");
    for (body, field) in [
        (json!({}), "name"),
        (json!({ "name": null }), "name"),
        (json!({ "name": 1 }), "name"),
        (json!({ "name": ["x"] }), "name"),
        (json!({ "name": "" }), "name"),
        (json!({ "name": "x".repeat(101) }), "name"),
        (json!({ "name": "x", "description": "x".repeat(501) }), "description"),
        (json!({ "name": "x", "metadata": [] }), "metadata"),
        (json!({ "name": "x", "metadata": { "a": "x".repeat(5000) } }), "metadata"),
        (json!({ "name": "x", "node": "no/slash" }), "node"),
        (json!({ "name": "x", "node": "/../other" }), "node"),
        (json!({ "name": "x", "expires_in": "soon" }), "expires_in"),
        (json!({ "name": "x", "expires_at": "tomorrow" }), "expires_at"),
        (json!({ "name": "x", "not_before": "yesterday" }), "not_before"),
        (json!({ "name": "x", "holder": "mem_0123456789ab" }), "holder"),
        (json!({ "name": "x", "permission": { "role": "Nobody" } }), "permission"),
        (json!({ "name": "x", "permission": { "list": ["nothing:here"] } }), "permission"),
        (json!({ "name": "x", "conditions": { "addresses": ["10.0.0.0/8"] } }), "conditions"),
        (json!({ "name": "x", "limits": { "a": 1 } }), "limits"),
    ] {
        let answer = server.ask_for_token(&server.admin_token, body.clone());
        assert_eq!(answer.status, 422, "{body}: {answer:?}");
        let told = answer.json["errors"][0]["field"].as_str().unwrap_or_default();
        assert!(told.starts_with(field), "{body} names `{told}`: {answer:?}");
    }
    assert_eq!(server.token_names(&server.admin_token, ""), ["init"]);
}

#[rstest]
#[case::text("text/plain")]
#[case::form("application/x-www-form-urlencoded")]
#[case::none("")]
#[case::latin("application/json; charset=latin1")]
#[case::almost("application/jsonp")]
#[case::two("application/json, text/plain")]
fn another_content_type_is_a_415(#[case] media: &str) {
    let server = Server::start("default");
    let method: ureq::http::Method = "POST".parse().expect("a method");
    let answer =
        server.admin().raw(method, &server.path("tokens"), &[("Content-Type", media)], r#"{"name":"x"}"#);
    answer.refused(415, "unsupported_media_type");
}

/// The marks that a name may not have: controls, turners of text, and what cannot be seen.
#[test]
fn names_that_do_not_read_as_they_are_are_refused() {
    let server = Server::start("default");
    for mark in [
        '\0',
        '\u{1}',
        '\t',
        '\n',
        '\r',
        '\u{1b}',
        '\u{7f}',
        '\u{85}',
        '\u{ad}',
        '\u{61c}',
        '\u{200b}',
        '\u{200d}',
        '\u{200e}',
        '\u{200f}',
        '\u{2028}',
        '\u{202a}',
        '\u{202e}',
        '\u{2060}',
        '\u{2066}',
        '\u{2069}',
        '\u{feff}',
        '\u{e0041}',
    ] {
        let name = format!("a{mark}b");
        let marked = format!("U+{:04X}", u32::from(mark));
        server.ask_for_token(&server.admin_token, json!({ "name": name })).refused(422, "invalid_field");
        for (list, more) in [
            ("members", json!({ "role": "Viewer" })),
            ("service-accounts", json!({ "role": "Viewer" })),
            ("roles", json!({ "permissions": [] })),
        ] {
            let mut body = more;
            body["name"] = json!(name);
            let answer = server.admin().post(&server.path(list), body);
            assert_eq!(
                (answer.status, &answer.json["code"]),
                (422, &json!("invalid_field")),
                "{list} {marked}: {answer:?}"
            );
        }
        let account = json!({ "id": "fresh", "name": name });
        assert_eq!(server.admin().post("/v1/accounts", account).status, 422, "{marked}");
        let service = json!({ "name": name, "scopes": ["verify"] });
        assert_eq!(server.admin().post("/v1/services", service).status, 422, "{marked}");
    }
    assert_eq!(server.token_names(&server.admin_token, ""), ["init"]);
}

#[test]
fn a_name_is_kept_in_one_spelling_and_any_script() {
    let server = Server::start("default");
    let token =
        server.create_named(&server.admin_token, "Cafe\u{301} \u{1100}\u{1161} שלום مرحبا 🚀 =1+1 <b>");
    assert_eq!(text(&token, "name"), "Caf\u{e9} \u{ac00} שלום مرحبا 🚀 =1+1 <b>");
    // A hundred characters, whatever they weigh.
    server.create_named(&server.admin_token, &"🚀".repeat(100));
}

#[test]
fn an_address_cannot_carry_another_header() {
    let server = Server::start("default");
    for email in [
        "a@example.com\r\nBcc: b@example.com",
        "a@example.com\nBcc: b@example.com",
        "a@example.com\0",
        "a@exa mple.com",
        "a@@example.com",
        "@example.com",
        "a@",
        "a",
        "",
        "\"a\"@example.com",
        "a@example.com,b@example.com",
        "Ada <a@example.com>",
        "a\u{202e}@example.com",
        "ä@example.com",
    ] {
        let body = json!({ "name": "x", "email": email, "role": "Viewer" });
        server.admin().post(&server.path("members"), body).refused(422, "invalid_field");
    }
    let members = server.admin().get(&server.path("members")).ok(200).clone();
    assert_eq!(members["items"].as_array().map(Vec::len), Some(1), "{members:#}");
}

#[test]
fn paging_takes_only_what_it_gave() {
    let server = Server::start("default");
    for number in 0..4 {
        server.create_named(&server.admin_token, &format!("token {number}"));
        server.member("Member");
    }
    let list = |query: &str| server.admin().get(&server.path(&format!("tokens{query}")));
    for query in [
        "?limit=0",
        "?limit=101",
        "?limit=-1",
        "?limit=1.5",
        "?limit=",
        "?limit=99999999999999999999",
        "?limit=0x10",
        "?limit=1&limit=2",
        "?cursor=x",
        "?cursor=%00",
        "?cursor=0",
        "?cursor=-1",
        "?cursor=../../etc",
        "?cursor=eyJpZCI6MX0=",
        "?cursor=ffffffffffffffffffffffffffffffffffffffff",
        "?offset=1",
        "?page=2",
        "?sort=secret",
        "?sort=name;drop",
        "?status=good",
        "?kind=root",
        "?unknown=1",
    ] {
        list(query).refused(400, "bad_request");
    }
    let first = list("?limit=2&sort=name").ok(200).clone();
    let cursor = text(&first, "next_cursor");
    list(&format!("?limit=2&sort=name&cursor={cursor}")).ok(200);
    // It is good for this list, these filters and this order alone.
    for query in [
        "?sort=-name",
        "?sort=created_at",
        "",
        "?sort=name&status=active",
        "?sort=name&q=token",
        "?sort=name&kind=pat",
    ] {
        let joint = if query.is_empty() { "?" } else { "&" };
        list(&format!("{query}{joint}limit=2&cursor={cursor}")).refused(400, "bad_request");
    }
    for other in ["members", "service-accounts", "roles", "nodes"] {
        let answer = server.admin().get(&server.path(&format!("{other}?limit=2&cursor={cursor}")));
        assert_eq!(answer.status, 400, "{other}: {answer:?}");
    }
    // Nor for another reader, who sees other tokens.
    let member = server.member("Member");
    for number in 0..4 {
        server.create_named(&member.session, &format!("theirs {number}"));
    }
    server
        .as_(&member.session)
        .get(&server.path(&format!("tokens?limit=2&sort=name&cursor={cursor}")))
        .refused(400, "bad_request");
    // Every changed character of it is noticed.
    for at in 0..cursor.len() {
        let mut bytes = cursor.clone().into_bytes();
        bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
        let forged = String::from_utf8(bytes).expect("ASCII");
        list(&format!("?limit=2&sort=name&cursor={forged}")).refused(400, "bad_request");
    }
    for cut in [1, 2, cursor.len() / 2] {
        list(&format!("?limit=2&sort=name&cursor={}", &cursor[..cursor.len() - cut]))
            .refused(400, "bad_request");
    }
}

#[test]
fn an_id_of_a_wrong_form_is_a_missing_thing() {
    let server = Server::start("default");
    for id in [
        "x",
        "pat_",
        "pat_0123456789a",
        "pat_0123456789abc",
        "PAT_0123456789ab",
        "pat_0123456789aI",
        "mem_0123456789ab",
        "svc_0123456789ab",
        "%00",
        "%ff",
        "pat_0123456789ab%00",
        "1",
        "-1",
        "*",
    ] {
        server.admin().get(&server.path(&format!("tokens/{id}"))).refused(404, "not_found");
        server
            .admin()
            .post(&server.path(&format!("tokens/{id}/revoke")), json!({}))
            .refused(404, "not_found");
    }
    for account in ["ACME", "a", "acme%20", "%2e%2e", "acme%00", "acme'--", "*"] {
        server.admin().get(&format!("/v1/accounts/{account}/tokens")).refused(404, "not_found");
    }
}

#[test]
fn text_that_cannot_be_a_token_is_malformed_and_nothing_else() {
    let server = Server::start("default");
    let good = text(&server.create_named(&server.admin_token, "ci"), "secret");
    let texts = [
        String::new(),
        "x".to_owned(),
        " ".to_owned(),
        "\0".to_owned(),
        good[..good.len() - 1].to_owned(),
        format!("{good}0"),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{good}\0"),
        format!("Bearer {good}"),
        good.to_uppercase(),
        good.replacen("pat", "pot", 1),
        good.replacen("jtn", "jtm", 1),
        good.replacen('_', "-", 1),
        // A Cyrillic letter that looks like its neighbour's.
        good.replacen('p', "р", 1),
        good.replacen('_', "＿", 1),
        format!("{}\u{200b}{}", &good[..20], &good[20..]),
        "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".to_owned(),
        "🚀".repeat(100),
        "x".repeat(60_000),
    ];
    for presented in texts {
        let shown: String = presented.chars().take(70).collect();
        let verdict = server.verify(&presented);
        assert_eq!((&verdict["valid"], &verdict["code"]), (&json!(false), &json!("malformed")), "{shown:?}");
        for told in ["token", "account", "holder", "permissions", "expires_at"] {
            assert_eq!(verdict[told], Value::Null, "{shown:?} tells {told}");
        }
    }
    server.accepts(&good);
    // The rest of an ask is as strict as any body.
    let ask = |body: Value| server.service().post("/v1/verify", body);
    ask(json!({ "token": good, "tokens": [] })).refused(400, "bad_request");
    ask(json!({ "token": null })).refused(422, "invalid_field");
    ask(json!({ "token": [good] })).refused(422, "invalid_field");
    let nested = json!({ "all": [{ "any": ["devices:read"] }] });
    ask(json!({ "token": good, "permission": nested })).ok(200);
    let four = json!({ "any": [{ "all": [nested] }] });
    ask(json!({ "token": good, "permission": four })).refused(422, "invalid_field");
    let batch = |number: usize| {
        let asks: Vec<Value> = (0..number).map(|_| json!({ "token": "x" })).collect();
        server.service().post("/v1/verify/batch", json!({ "asks": asks }))
    };
    batch(100).ok(200);
    batch(101).refused(422, "invalid_field");
}

#[test]
#[allow(clippy::disallowed_methods)] // It measures how long an answer takes, as an attacker would.
fn a_login_tells_neither_by_words_nor_by_work_whether_somebody_is_known() {
    let server = Server::start("default");
    let unlogged = server.admin().post(
        &server.path("members"),
        json!({ "name": "No password", "email": "np@example.com", "role": "Viewer" }),
    );
    unlogged.ok(201);
    let try_in = |email: &str| {
        let began = Instant::now();
        let answer = server
            .anonymous()
            .post("/v1/sessions", json!({ "email": email, "password": "wrong-Password-of-length-20" }));
        let took = began.elapsed();
        answer.refused(401, "unauthenticated");
        (answer.text.replace(&answer.text_at("request_id"), ""), took)
    };
    // As often as nobody is slowed down for it.
    let known: Vec<_> = (0..5)
        .map(|_| {
            (try_in(ADMIN), try_in("nobody@example.com"), try_in("np@example.com"), try_in("not an address"))
        })
        .collect();
    for (one, two, three, four) in &known {
        assert!(one.0 == two.0 && two.0 == three.0 && three.0 == four.0, "the same words");
    }
    let median = |mut times: Vec<Duration>| {
        times.sort();
        times[times.len() / 2].as_secs_f64()
    };
    let right = median(known.iter().map(|tries| tries.0.1).collect());
    // Coarse on purpose: a lookup without the hash would be a hundred times faster.
    for other in [
        median(known.iter().map(|t| t.1.1).collect()),
        median(known.iter().map(|t| t.2.1).collect()),
        median(known.iter().map(|t| t.3.1).collect()),
    ] {
        assert!(
            other > right / 3.0 && other < right * 3.0,
            "{right} s for a member and {other} s for nobody"
        );
    }
    let here = json!({ "email": ADMIN, "password": PASSWORD });
    assert!(matches!(server.anonymous().post("/v1/sessions", here).status, 200 | 201));
}
