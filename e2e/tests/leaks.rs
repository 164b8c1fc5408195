//! What GitHub's secret scanner says, as it says it: signed, with keys that it publishes and changes.

use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use e2e::{Answer, Begin, Place, Server, only_on, text};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

struct Scanner(EcdsaKeyPair, SystemRandom);

impl Scanner {
    fn new() -> Self {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).expect("a key");
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key.as_ref(), &random);
        Self(key.expect("it was just made"), random)
    }

    /// As GitHub publishes it.
    fn published(&self, identifier: &str, current: bool) -> Value {
        let curve = BASE64_STANDARD.decode("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgA=").expect("it is base64");
        let key = BASE64_STANDARD.encode([&curve, self.0.public_key().as_ref()].concat());
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{key}\n-----END PUBLIC KEY-----\n");
        json!({ "key_identifier": identifier, "key": pem, "is_current": current })
    }

    fn report(&self, server: &Server, identifier: &str, secret: &str) -> Answer {
        let body = json!([{ "token": secret, "type": "jeton", "url": "https://github.com/o/r", "source": "commit" }]);
        let body = body.to_string();
        let signature = BASE64_STANDARD.encode(self.0.sign(&self.1, body.as_bytes()).expect("it is signed"));
        let headers = [
            ("content-type", "application/json"),
            ("github-public-key-identifier", identifier),
            ("github-public-key-signature", &signature),
        ];
        server.anonymous().raw("POST".parse().expect("a method"), "/v1/leaks/github", &headers, &body)
    }
}

fn publish(file: &Path, keys: &[Value]) {
    std::fs::write(file, json!({ "public_keys": keys }).to_string()).expect("our own file");
}

#[test]
fn githubs_keys_are_read_again_on_a_reload_and_old_ones_are_believed_no_more() {
    if !only_on(&[Place::Sqlite, Place::Postgres], "each peer has a configuration of its own") {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("github.json");
    let (first, second) = (Scanner::new(), Scanner::new());
    publish(&file, &[first.published("one", true)]);
    let configuration = format!("[leaks]\ngithub_keys = \"{}\"\n", file.display());
    let server = Begin::preset("default").configuration(&configuration).start();
    let secrets: Vec<String> =
        ["a", "b"].map(|name| text(&server.create_named(&server.admin_token, name), "secret")).into();

    assert_eq!(first.report(&server, "one", &secrets[0]).ok(200)[0]["label"], "true_positive");
    server.rejects(&secrets[0], "revoked");
    second.report(&server, "two", &secrets[1]).refused(401, "unauthenticated");
    server.accepts(&secrets[1]);

    publish(&file, &[first.published("one", false), second.published("two", true)]);
    server.reload(&configuration);
    server.line_with("reloaded the configuration");
    first.report(&server, "one", &secrets[1]).refused(401, "unauthenticated");
    server.accepts(&secrets[1]);
    assert_eq!(second.report(&server, "two", &secrets[1]).ok(200)[0]["label"], "true_positive");
    server.rejects(&secrets[1], "revoked");

    // What is no list of keys leaves those that are in force.
    std::fs::write(&file, "<html>").expect("our own file");
    server.reload(&configuration);
    let line = server.line_with("the configuration was not reloaded");
    assert!(line.contains("leaks.github_keys is ") && line.contains("fetch it again"), "{line}");
    assert_eq!(second.report(&server, "two", &secrets[0]).ok(200)[0]["label"], "true_positive");
}
