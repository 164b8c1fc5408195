//! What we sign is what a receiver with the project's own library takes, and nothing else.

use courier::sign;
use domain::webhooks::SigningSecret;
use standardwebhooks::Webhook;

const BODY: &[u8] = br#"{"type":"token.created","timestamp":"2026-01-01T00:00:00.000000Z","data":{}}"#;

/// Whether a receiver with this secret takes it.
fn takes(secret: &SigningSecret, id: &str, timestamp: &str, signature: &str, body: &[u8]) -> bool {
    let receiver = Webhook::new(&secret.text()).unwrap();
    let mut headers = hyper::HeaderMap::new();
    for (name, value) in
        [("webhook-id", id), ("webhook-timestamp", timestamp), ("webhook-signature", signature)]
    {
        headers.insert(name, value.parse().unwrap());
    }
    receiver.verify(body, &headers).is_ok()
}

/// The library compares with the machine's clock.
#[allow(clippy::disallowed_methods, reason = "a receiver has a clock")]
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

#[test]
fn the_library_of_standard_webhooks_takes_what_we_sign() {
    let [newer, older, other] = [1, 2, 3].map(|byte| SigningSecret::from_bytes([byte; 32]));
    let secrets = [newer, older];
    let signed = sign(&secrets, "evt_1_00", now(), BODY);
    for secret in &secrets {
        assert!(takes(secret, "evt_1_00", &signed.timestamp, &signed.signature, BODY));
    }
    let refused = |secret, id, timestamp: &str, body| !takes(secret, id, timestamp, &signed.signature, body);
    assert!(refused(&other, "evt_1_00", &signed.timestamp, BODY));
    assert!(refused(&secrets[0], "evt_2_00", &signed.timestamp, BODY));
    assert!(refused(&secrets[0], "evt_1_00", &(now() - 1).to_string(), BODY));
    assert!(refused(&secrets[0], "evt_1_00", &signed.timestamp, b"{}"));
    let old = sign(&secrets, "evt_1_00", now() - 3600, BODY);
    assert!(!takes(&secrets[0], "evt_1_00", &old.timestamp, &old.signature, BODY));
}

#[test]
fn the_example_of_the_specification_is_what_we_sign() {
    // Standard Webhooks 1.0.0, "Signature scheme", has a secret of 24 bytes; this is the same with one of ours.
    let secret = SigningSecret::from_bytes(*b"0123456789abcdef0123456789abcdef");
    let library = Webhook::new(&secret.text()).unwrap();
    let signed = sign(&[secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b"{\"test\": 2432232314}");
    let theirs =
        library.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b"{\"test\": 2432232314}").unwrap();
    assert_eq!(signed.signature, theirs);
}
