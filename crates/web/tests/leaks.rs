//! Texts that turned up: whoever shows one ends it, and learns nothing else.
#![allow(clippy::disallowed_methods)] // The floor under an answer's time is measured by a clock.

mod common;

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Request;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use common::{Reply, World};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use web::GitHubKeys;

const UNKNOWN: &str = "jtn_pat_0123456789ab_0000000000000000000000000000000000000";

async fn token(world: &World, name: &str) -> (String, String) {
    let made = world.post(&world.admin, "/v1/accounts/acme/tokens", json!({ "name": name })).await.ok(201);
    let text = |field: &str| made[field].as_str().unwrap().to_owned();
    (text("id"), text("secret"))
}

async fn status(world: &World, id: &str) -> Value {
    world.get(&world.admin, &format!("/v1/accounts/acme/tokens/{id}")).await.ok(200)["status"].clone()
}

async fn revoke(world: &World, texts: &[&str]) -> Reply {
    world.post("", "/v1/credentials/revoke", json!({ "credentials": texts })).await
}

#[tokio::test]
async fn whoever_has_a_text_ends_its_token_for_good_and_hears_the_same_as_with_any_other() {
    let world = World::of("default").await;
    let (id, text) = token(&world, "lost").await;
    let (kept, kept_text) = token(&world, "kept").await;
    let begun = Instant::now();
    let known = revoke(&world, &[&text]).await;
    assert!(begun.elapsed() >= Duration::from_millis(250));
    let mut last = text.clone().into_bytes();
    let end = last.len() - 1;
    last[end] = if last[end] == b'0' { b'1' } else { b'0' };
    for unknown in [UNKNOWN, "nothing of ours", "", std::str::from_utf8(&last).unwrap()] {
        let begun = Instant::now();
        let answer = revoke(&world, &[unknown]).await;
        assert!(begun.elapsed() >= Duration::from_millis(250));
        assert_eq!((answer.status, &answer.text), (known.status, &known.text), "{unknown}");
    }
    assert_eq!(known.ok(202), json!({ "received": 1 }));
    assert_eq!(status(&world, &id).await, "leaked");
    world.get(&text, "/v1/tokens/self").await.refused(401, "unauthenticated");
    assert_eq!(status(&world, &kept).await, "active");
    world.get(&kept_text, "/v1/tokens/self").await.ok(200);
    let approve = format!("/v1/accounts/acme/tokens/{id}/approve");
    world.post(&world.admin, &approve, json!({})).await.refused(409, "wrong_state");
    let path = format!("/v1/accounts/acme/journal?subject={id}&action=token.leaked");
    let told = world.get(&world.session().await, &path).await.ok(200);
    let [entry] = told["items"].as_array().unwrap().as_slice() else { panic!("{told}") };
    assert_eq!(entry["actor"], "nobody");
    assert!(!told.to_string().contains(&text));
    // Again it changes nothing.
    assert_eq!(revoke(&world, &[&text]).await.ok(202), json!({ "received": 1 }));
    assert_eq!(world.get(&world.session().await, &path).await.ok(200)["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn sessions_and_services_keys_end_by_their_texts_as_well() {
    let world = World::of("default").await;
    let session = world.session().await;
    assert_eq!(revoke(&world, &[&session, &world.key]).await.ok(202), json!({ "received": 2 }));
    world.get(&session, "/v1/tokens/self").await.refused(401, "unauthenticated");
    world.post(&world.key, "/v1/verify", json!({ "token": UNKNOWN })).await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn the_token_before_a_rotation_ends_with_the_one_that_was_found() {
    let world = World::of("default").await;
    let (old, _) = token(&world, "nightly").await;
    let path = format!("/v1/accounts/acme/tokens/{old}/rotate");
    let session = world.session().await;
    let new = world.post(&session, &path, json!({ "grace": "1 day" })).await.ok(201);
    assert_eq!(status(&world, &old).await, "grace");
    revoke(&world, &[new["secret"].as_str().unwrap()]).await.ok(202);
    assert_eq!(status(&world, new["id"].as_str().unwrap()).await, "leaked");
    assert_eq!(status(&world, &old).await, "revoked");
}

#[tokio::test]
async fn none_and_more_than_a_hundred_texts_are_refused_before_any_is_looked_at() {
    let world = World::of("default").await;
    let (id, text) = token(&world, "kept").await;
    revoke(&world, &[]).await.refused(422, "invalid_field");
    revoke(&world, &vec![text.as_str(); 101]).await.refused(422, "invalid_field");
    assert_eq!(status(&world, &id).await, "active");
}

/// A key as GitHub has them, and how it is published.
struct Key(EcdsaKeyPair, SystemRandom);

impl Key {
    fn new() -> Self {
        let random = SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der.as_ref(), &random).unwrap();
        Self(pair, random)
    }

    fn published(&self, identifier: &str, current: bool) -> Value {
        let head = BASE64_STANDARD.decode("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgA=").unwrap();
        let spki = BASE64_STANDARD.encode([&head, self.0.public_key().as_ref()].concat());
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{spki}\n-----END PUBLIC KEY-----\n");
        json!({ "key_identifier": identifier, "key": pem, "is_current": current })
    }

    fn sign(&self, body: &str) -> String {
        BASE64_STANDARD.encode(self.0.sign(&self.1, body.as_bytes()).unwrap())
    }
}

async fn report(world: &World, identifier: &str, signature: &str, body: &str) -> Reply {
    let request = Request::post("/v1/leaks/github")
        .header("x-request-id", "r")
        .header("content-type", "application/json")
        .header("github-public-key-identifier", identifier)
        .header("github-public-key-signature", signature)
        .body(Body::from(body.to_owned()));
    world.send(request.unwrap()).await
}

#[tokio::test]
async fn githubs_scanner_is_believed_by_the_raw_body_and_a_current_key_only() {
    let world = World::of("default").await;
    let (current, old, other) = (Key::new(), Key::new(), Key::new());
    let (id, text) = token(&world, "committed").await;
    let place = "https://github.com/octo-org/octo-repo/blob/main/deploy.sh";
    let found = json!([
        { "token": text, "type": "jeton_token", "url": place, "source": "content" },
        { "token": UNKNOWN, "type": "jeton_token", "url": "", "source": "commit", "more": 1 },
    ]);
    let body = found.to_string();
    let none = report(&world, "k1", &current.sign(&body), &body).await;
    let refusal = (none.status, none.text.clone());
    none.refused(401, "unauthenticated");
    let published = json!({ "public_keys": [current.published("k1", true), old.published("k0", false)] });
    world.github.replace(&GitHubKeys::read(&published.to_string()).unwrap());
    let reserialised = format!(" {body}");
    for (identifier, signature, body, why) in [
        ("k1", other.sign(&body), &body, "another's signature"),
        ("k0", old.sign(&body), &body, "a key that is not current any more"),
        ("k2", other.sign(&body), &body, "a key that nobody published"),
        ("k1", current.sign(&body), &reserialised, "the same in other bytes"),
        ("k1", current.sign(""), &body, "a signature of something else"),
        ("k1", "?".to_owned(), &body, "no signature"),
        ("k1", current.sign("nonsense"), &"{".to_owned(), "nonsense that is not signed"),
    ] {
        let refused = report(&world, identifier, &signature, body).await;
        assert_eq!((refused.status, refused.text), refusal, "{why}");
    }
    assert_eq!(status(&world, &id).await, "active");

    let labels = report(&world, "k1", &current.sign(&body), &body).await.ok(200);
    let label = |at: usize| labels[at]["label"].as_str().unwrap();
    assert_eq!((label(0), label(1)), ("true_positive", "false_positive"));
    assert!(!labels.to_string().contains(&text));
    assert_eq!(labels[0]["token_hash"].as_str().unwrap().len(), 64);
    let shown = world.get(&world.admin, &format!("/v1/accounts/acme/tokens/{id}")).await.ok(200);
    assert_eq!(shown["status"], "leaked");
    let path = format!("/v1/accounts/acme/journal?subject={id}&action=token.leaked");
    let told = world.get(&world.session().await, &path).await.ok(200);
    let entry = &told["items"][0];
    assert_eq!((&entry["actor"], &entry["payload"]["place"]), (&json!("github"), &json!(place)));
    assert_eq!(entry["payload"]["reason"], format!("GitHub found it at {place}"));
    // It may say it again.
    let again = report(&world, "k1", &current.sign(&body), &body).await.ok(200);
    assert_eq!(again[0]["label"], "true_positive");
}

#[tokio::test]
async fn a_place_that_cannot_be_kept_keeps_no_token_alive() {
    let world = World::of("default").await;
    let key = Key::new();
    let published = json!({ "public_keys": [key.published("k1", true)] });
    world.github.replace(&GitHubKeys::read(&published.to_string()).unwrap());
    for (name, place) in [("long", "x".repeat(600)), ("turned", "https://example.com/\u{202e}x".to_owned())] {
        let (id, text) = token(&world, name).await;
        let body = json!([{ "token": text, "type": "jeton_token", "url": place }]).to_string();
        report(&world, "k1", &key.sign(&body), &body).await.ok(200);
        assert_eq!(status(&world, &id).await, "leaked", "{name}");
    }
}
