//! Where secrets may be and where never: shown once, matched whole, and in no file, log or answer
//! after that. The rows that these tests hold stand in docs/security.md.

use e2e::{ADMIN, Answer, Begin, Client, PASSWORD, Place, Raw, Server, in_seconds, text, until};
use rstest::rstest;
use serde_json::{Value, json};

/// Every text under which a secret could hide in bytes: itself, in hexadecimal, and in base64 at
/// each of the three places where a longer text could have begun.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![secret.as_bytes().to_vec(), hex.to_uppercase().into_bytes(), hex.into_bytes()];
    for lead in 0..3 {
        let mut bytes = vec![0; lead];
        bytes.extend_from_slice(secret.as_bytes());
        bytes.truncate(bytes.len() / 3 * 3);
        let whole = base64(&bytes);
        forms.push(whole.as_bytes()[if lead == 0 { 0 } else { 4 }..].to_vec());
        forms.push(forms[forms.len() - 1].iter().map(|&c| if c == b'+' { b'-' } else { c }).collect());
    }
    forms
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = bytes.chunks_exact(3).flat_map(|three| {
        let number = u32::from(three[0]) << 16 | u32::from(three[1]) << 8 | u32::from(three[2]);
        [18, 12, 6, 0].map(|shift| char::from(DIGITS[(number >> shift & 63) as usize]))
    });
    digits.collect()
}

fn holds(bytes: &[u8], form: &[u8]) -> bool {
    // Most bytes are not the first of it, and a whole database is looked through many times.
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| *byte == form[0]) {
        if bytes[from + at..].starts_with(form) {
            return true;
        }
        from += at + 1;
    }
    false
}

/// Where one of the secrets stands in what the server keeps or has said.
fn leaks(server: &Server, secrets: &[String]) -> Vec<String> {
    let mut places = vec![("the output".to_owned(), server.output().into_bytes())];
    places.extend(server.kept());
    let tables = b"journal";
    assert!(places.iter().any(|(_, bytes)| holds(bytes, tables)), "the database was not found");
    assert!(places.iter().any(|(place, _)| place.ends_with("/keys")), "the keys were not found");
    found_in(&places, secrets)
}

fn found_in(places: &[(String, Vec<u8>)], secrets: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for secret in secrets {
        // The part that is secret; the id before it is public.
        let secret = secret.splitn(4, '_').nth(3).unwrap_or(secret);
        let forms = forms(secret);
        for (place, bytes) in places {
            if let Some(form) = forms.iter().find(|form| holds(bytes, form)) {
                found.push(format!("{place} holds {}", String::from_utf8_lossy(form)));
            }
        }
    }
    found
}

#[test]
fn the_search_for_secrets_finds_them_in_every_form() {
    let secret = "jtn_pat_0123456789ab_Zq3kT9vXw1LrB7nY5cP0dFgH2jKmQsUaaa111".to_owned();
    let part = "Zq3kT9vXw1LrB7nY5cP0dFgH2jKmQsUaaa111";
    let hex: String = part.bytes().map(|byte| format!("{byte:02X}")).collect();
    let carried = |text: String| {
        let bytes = text.into_bytes();
        base64(&bytes[..bytes.len() / 3 * 3])
    };
    for hidden in [
        secret.clone(),
        part.to_owned(),
        hex,
        carried(format!("{part}...")),
        carried(format!("x{part}...")),
        carried(format!("xy{part}...")),
    ] {
        let places = [("a file".to_owned(), format!("…{hidden}…").into_bytes())];
        assert_eq!(found_in(&places, std::slice::from_ref(&secret)).len(), 1, "{hidden}");
    }
    let places = [("a file".to_owned(), b"jtn_pat_0123456789ab_...".to_vec())];
    assert_eq!(found_in(&places, &[secret]), Vec::<String>::new());
}

/// Everything that people do with secrets, and every wrong place where they put them.
fn busy(server: &Server) -> Vec<String> {
    let mut secrets = vec![server.admin_token.clone(), server.service_key.clone(), PASSWORD.to_owned()];
    let session = server.log_in(ADMIN).text_at("token");
    secrets.push(session.clone());
    let admin = server.as_(&session);

    let service = admin.post("/v1/services", json!({ "name": "billing", "scopes": ["verify"] }));
    service.ok(201);
    secrets.push(service.text_at("secret"));

    let once = admin.header("Idempotency-Key", "a-key-of-22-characters-or-more");
    let mut ids = Vec::new();
    for number in 0..6 {
        let ask = json!({ "name": format!("token {number}"), "password": PASSWORD });
        let client = if number == 0 { &once } else { &admin };
        let made = client.post(&server.path("tokens"), ask);
        made.ok(201);
        ids.push(made.text_at("id"));
        secrets.push(made.text_at("secret"));
    }
    let rotated = admin.post(&server.path(&format!("tokens/{}/rotate", ids[1])), json!({}));
    if rotated.status == 201 {
        secrets.push(rotated.text_at("secret"));
    }
    for action in ["revoke", "report-leak", "reveal"] {
        server.as_(&session).post(&server.path(&format!("tokens/{}/{action}", ids[2])), json!({}));
    }
    server.delete(&session, &ids[3], "?confirm=token%203");

    // Wrong places, wrong forms, failures.
    let wrong = "wrong-Password-of-length-20";
    secrets.push(wrong.to_owned());
    let login = json!({ "email": ADMIN, "password": wrong });
    server.anonymous().post("/v1/sessions", login).refused(401, "unauthenticated");
    for secret in secrets.clone() {
        server.service().post("/v1/verify", json!({ "token": secret }));
        let mistyped = format!("{}0", &secret[..secret.len() - 1]);
        server.service().post("/v1/verify", json!({ "token": mistyped }));
        server.as_(&secret).get("/v1/tokens/self");
        server.anonymous().get(&format!("/v1/tokens/self?access_token={secret}"));
        server.anonymous().get(&format!("/nowhere/{secret}"));
        admin.get(&server.path(&format!("tokens/{secret}")));
        admin.get(&server.path(&format!("tokens?q={secret}")));
        admin.post(&server.path("tokens"), json!({ "name": "x", secret.as_str(): 1 }));
        admin.post(&server.path("tokens"), json!({ "name": "x", "holder": secret }));
        admin.post(&server.path("tokens"), json!({ "name": "x", "permission": { "role": secret } }));
        admin.post(&server.path("tokens"), json!({ "name": "x", "expires_at": secret }));
        admin.header("Idempotency-Key", &secret).post(&server.path("tokens"), json!({ "name": 1 }));
        admin.header("X-Request-Id", &secret).header("Cookie", &format!("session={secret}")).get("/livez");
        let broken = format!("{{\"token\": \"{secret}\"");
        server.service().raw(method("POST"), "/v1/verify", &[("Content-Type", "application/json")], &broken);
        Raw::exchange(&server.url, format!("GET /livez HTTP/1.1\r\nAuthorization: Basic {secret}\r\n"), "");
        // What cannot be read at all is what servers like to log.
        let mut raw = Raw::connect(&server.url);
        raw.send(format!("{secret} {secret} HTTP/{secret}\r\n{secret}\r\n\r\n"));
        raw.rest(e2e::PATIENCE);
    }
    secrets
}

fn method(name: &str) -> ureq::http::Method {
    name.parse().expect("a method")
}

/// What others on the machine, and whoever scrapes, can see of the running server.
fn seen_from_outside(server: &Server) -> Vec<(String, Vec<u8>)> {
    let process = |name: &str| {
        let path = format!("/proc/{}/{name}", server.pid());
        let bytes = std::fs::read(&path).expect("our own child");
        (path, bytes)
    };
    let (_, limits) = process("limits");
    let limits = String::from_utf8_lossy(&limits).into_owned();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a limit");
    assert!(core.split_whitespace().filter(|word| *word == "0").count() == 2, "no dump of memory: {core}");
    let line = server.line_with("metrics are on http://");
    let url = line.split("metrics are on ").nth(1).and_then(|rest| rest.split("/metrics").next());
    let page = Client::anonymous(url.expect("the line names the address")).get("/metrics");
    assert_eq!(page.status, 200);
    vec![process("cmdline"), process("environ"), ("the metrics".to_owned(), page.text.into_bytes())]
}

#[rstest]
#[case::kept_nowhere("default")]
#[case::sealed("tagoio")]
fn no_secret_is_in_any_file_or_any_line_of_the_log(#[case] preset: &str) {
    let mut server = Begin::preset(preset)
        .variable("JETON_LOG__LEVEL", "trace")
        .variable("JETON_METRICS__LISTEN", "127.0.0.1:0")
        .start();
    let secrets = busy(&server);
    assert!(secrets.len() >= 12, "the run was busy");
    assert_eq!(found_in(&seen_from_outside(&server), &secrets), Vec::<String>::new());
    if Place::chosen() == Place::Sqlite {
        // Among the commands' own files, which are looked through with the rest.
        let to = server.directory().join("home/backup.db").display().to_string();
        let installation = server.installation();
        let mut arguments = vec!["backup", "--to", &to];
        arguments.extend(installation.iter().map(String::as_str));
        server.jeton(&arguments).done();
    }
    assert_eq!(leaks(&server, &secrets), Vec::<String>::new(), "while it runs");
    server.kill9();
    assert_eq!(leaks(&server, &secrets), Vec::<String>::new(), "after a crash");
    server.restart();
    server.accepts(&secrets[0]);
    assert_eq!(server.stop(), 0);
    assert_eq!(leaks(&server, &secrets), Vec::<String>::new(), "after it ended");
    assert!(server.output().contains("DEBUG"), "the log was talkative: {}", server.output());
    assert!(!server.output().contains("panicked"), "{}", server.output());
}

#[rstest]
#[case("default")]
#[case("tagoio")]
fn no_answer_but_the_one_that_made_it_holds_a_secret(#[case] preset: &str) {
    let server = Server::start(preset);
    let session = server.log_in(ADMIN).text_at("token");
    let made = server.ask_for_token(&session, json!({ "name": "ci", "password": PASSWORD }));
    let token = made.ok(201).clone();
    assert_eq!(made.head("cache-control"), Some("no-store"));
    let (id, secret) = (text(&token, "id"), text(&token, "secret"));
    server.accepts(&secret);
    let admin = server.as_(&session);
    let member = format!("members/{}", server.admin_id);
    let mut answers: Vec<Answer> =
        ["tokens", &member, "members", "service-accounts", "roles", "nodes", "policy"]
            .iter()
            .map(|path| admin.get(&server.path(path)))
            .collect();
    answers.push(admin.get(&server.path(&format!("tokens/{id}"))));
    answers.push(admin.get(&server.path(&format!("tokens/{id}/usage"))));
    for path in ["/v1/accounts", "/v1/accounts/acme", "/v1/services", "/v1/sessions", "/v1/tokens/self"] {
        answers.push(admin.get(path));
    }
    answers.push(server.as_(&secret).get("/v1/tokens/self"));
    answers.push(server.service().post("/v1/verify", json!({ "token": secret })));
    answers.push(server.act(&session, &id, "revoke"));
    let stored =
        [secret, session, server.admin_token.clone(), server.service_key.clone(), PASSWORD.to_owned()];
    for answer in answers {
        assert!(answer.status < 500, "{answer:?}");
        let place = [("the answer".to_owned(), answer.text.clone().into_bytes())];
        assert_eq!(found_in(&place, &stored), Vec::<String>::new(), "{answer:?}");
        for word in ["\"secret\"", "password", "digest", "$argon2"] {
            assert!(
                !answer.text.contains(&format!("{word}\":")) && !answer.text.contains("$argon2"),
                "{word}: {answer:?}"
            );
        }
        assert_eq!(answer.head("cache-control"), Some("no-store"), "{answer:?}");
    }
}

/// The checksum of a token's text, made here anew: CRC-32 (IEEE) in six digits of base62.
fn checksummed(body: &str) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut crc = u32::MAX;
    for byte in body.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    let mut rest = !crc;
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(rest % 62) as usize];
        rest /= 62;
    }
    format!("{body}{}", String::from_utf8_lossy(&digits))
}

#[test]
fn every_character_of_a_token_counts() {
    let server = Server::start("default");
    let secret = text(&server.create_named(&server.log_in(ADMIN).text_at("token"), "ci"), "secret");
    let body = &secret[..secret.len() - 6];
    assert_eq!(checksummed(body), secret, "the checksum is worked out here as it is there");
    let changed = |at: usize| {
        let mut bytes = body.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'7' { b'8' } else { b'7' };
        String::from_utf8(bytes).expect("ASCII")
    };
    for at in 0..secret.len() {
        let mut bytes = secret.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'7' { b'8' } else { b'7' };
        let mistyped = String::from_utf8(bytes).expect("ASCII");
        assert_eq!(server.verify(&mistyped)["valid"], false, "{at}");
        server.as_(&mistyped).get("/v1/tokens/self").refused(401, "unauthenticated");
    }
    // With a checksum that fits, only the comparison itself can tell. Eight characters of brand and
    // kind, then the id, an underscore, the secret.
    for at in (8..body.len()).filter(|at| body.as_bytes()[*at] != b'_') {
        let forged = checksummed(&changed(at));
        server.rejects(&forged, "not_found");
        server.as_(&forged).get("/v1/tokens/self").refused(401, "unauthenticated");
    }
    server.accepts(&secret);
}

#[test]
fn a_token_in_a_query_is_refused_whatever_stands_beside_it() {
    let server = Server::start("default");
    let session = server.log_in(ADMIN).text_at("token");
    for path in ["/v1/tokens/self", "/v1/accounts/acme/tokens", "/v1/accounts", "/v1/sessions"] {
        for query in ["access_token", "token", "q"] {
            let asked = format!("{path}?{query}={session}");
            server.anonymous().get(&asked).refused(401, "unauthenticated");
            server.as_(&session).get(&asked).refused(401, "unauthenticated");
        }
        server.as_(&session).get(path).ok(200);
    }
    let verify = format!("/v1/verify?access_token={}", server.service_key);
    server.anonymous().post(&verify, json!({ "token": session })).refused(401, "unauthenticated");
}

#[test]
fn two_credentials_in_one_request_are_refused() {
    let server = Server::start("default");
    let (one, two) = (&server.admin_token, server.log_in(ADMIN).text_at("token"));
    for (first, second) in [
        (format!("Bearer {one}"), format!("Bearer {two}")),
        (format!("Bearer {one}"), format!("Bearer {one}")),
        (format!("Bearer {one}"), "Basic YTpi".to_owned()),
        ("Basic YTpi".to_owned(), format!("Bearer {one}")),
    ] {
        let head =
            format!("GET /v1/tokens/self HTTP/1.1\r\nAuthorization: {first}\r\nauthorization: {second}\r\n");
        let answer = Raw::exchange(&server.url, head, "");
        assert_eq!(answer.status, 400, "{answer:?}");
    }
    // Other headers and cookies are no credentials at all.
    let head = format!("GET /v1/tokens/self HTTP/1.1\r\nX-Api-Key: {one}\r\nCookie: token={one}\r\n");
    assert_eq!(Raw::exchange(&server.url, head, "").status, 401);
}

/// The body with the request's own id taken out.
fn bare(answer: &Answer) -> String {
    let id = answer.text_at("request_id");
    answer.text.replace(&id, "")
}

#[test]
fn a_401_has_the_same_bytes_for_every_cause() {
    let server = Server::start("default");
    let session = server.log_in(ADMIN).text_at("token");
    let new = |name: &str| server.create(&session, json!({ "name": name, "expires_in": "30d" }));
    let ended = |name: &str, end: &dyn Fn(&Value)| {
        let token = new(name);
        end(&token);
        text(&token, "secret")
    };
    let act = |action: &'static str| {
        let (server, session) = (&server, &session);
        move |token: &Value| {
            let answer = server.act(session, &text(token, "id"), action);
            assert!(matches!(answer.status, 200 | 201), "{answer:?}");
        }
    };
    let revoked = ended("revoked", &act("revoke"));
    let leaked = ended("leaked", &act("report-leak"));
    let rotated = ended("rotated", &act("rotate"));
    let deleted = ended("deleted", &|token| {
        server.delete(&session, &text(token, "id"), "?confirm=deleted").ok(200);
    });
    let expired = server.create(&session, json!({ "name": "expired", "expires_at": in_seconds(1) }));
    let later = json!({ "name": "later", "not_before": in_seconds(3600), "expires_in": "30d" });
    let later = text(&server.create(&session, later), "secret");
    let member = server.member("Member");
    let suspended = text(&server.create_named(&member.session, "suspended"), "secret");
    server.admin().post(&server.path(&format!("members/{}/deactivate", member.id)), json!({})).ok(200);
    let expired = text(&expired, "secret");
    until("the token expires", || server.verify(&expired)["code"] == "expired");
    let ended_session = server.log_in(ADMIN).text_at("token");
    server.as_(&ended_session).delete("/v1/sessions/self").ok(200);

    let unknown = checksummed("jtn_pat_0123456789ab_ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    let causes = [
        ("unknown", unknown),
        ("revoked", revoked),
        ("leaked", leaked),
        ("rotated", rotated),
        ("deleted", deleted),
        ("expired", expired),
        ("not yet valid", later),
        ("suspended", suspended),
        ("a suspended member's session", member.session),
        ("logged out", ended_session),
        ("malformed", "jtn_pat_nonsense".to_owned()),
        ("foreign", "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".to_owned()),
        ("empty", String::new()),
        ("long", "x".repeat(4000)),
    ];
    let paths =
        ["/v1/tokens/self", "/v1/accounts/acme/tokens", "/v1/accounts/nowhere/tokens", "/v1/services"];
    for path in paths {
        let none = server.anonymous().get(path);
        none.refused(401, "unauthenticated");
        let mut heads: Vec<(&str, Vec<String>)> = Vec::new();
        for (cause, token) in &causes {
            let answer = server.as_(token).get(path);
            answer.refused(401, "unauthenticated");
            assert_eq!(bare(&answer), bare(&none), "{cause} at {path}");
            let names = answer.headers.iter().filter(|(name, _)| {
                !matches!(name.as_str(), "date" | "x-request-id" | "request-id" | "content-length")
            });
            heads.push((cause, names.map(|(name, value)| format!("{name}: {value:?}")).collect()));
        }
        for (cause, head) in &heads {
            assert_eq!(head, &heads[0].1, "the headers of {cause} at {path}");
        }
    }
}
