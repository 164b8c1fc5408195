//! The link at the end of a mail, as a browser, a mail program and whoever guesses at it meet it.

#[path = "console/browser.rs"]
mod browser;
mod common;
#[path = "console/page.rs"]
mod page;

use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::Request;
use browser::Browser;
use common::World;
use domain::mail::Mail;
use page::{token, words};
use serde_json::json;
use service::mail::{Carrier, Carrying};

#[derive(Default)]
struct Taken(Mutex<Vec<Mail>>);

impl Carrier for Taken {
    fn carry<'a>(&'a self, mail: &'a Mail) -> Carrying<'a> {
        self.0.lock().unwrap().push(mail.clone());
        Box::pin(async { Ok(()) })
    }
}

/// The path at the end of the mail that the administrator gets.
async fn mailed(world: &World) -> String {
    token(world, json!({ "name": "deploy", "expires_in": "5 days" })).await;
    assert_eq!(world.desk.queue_notices().await.unwrap().letters, 1);
    let taken = Arc::<Taken>::default();
    let carrier: Arc<dyn Carrier> = taken.clone();
    assert_eq!(world.desk.send_letters(&carrier).await.unwrap().sent, 1);
    let mails = taken.0.lock().unwrap();
    format!("/console/_leave/{}", mails[0].way_out.as_ref().unwrap().expose())
}

#[tokio::test]
async fn a_look_asks_a_click_leaves_and_the_way_back_is_shown() {
    let world = World::of("default").await;
    let path = mailed(&world).await;
    let mut browser = Browser::new(&world);
    let asked = browser.get(&path).await;
    assert_eq!(asked.status, 200);
    assert!(
        words(&asked).contains("You are told by mail when tokens in Acme are about to end."),
        "{}",
        words(&asked)
    );
    let notices = async || world.get(&world.admin, "/v1/accounts/acme/notices").await.ok(200)["mail"].clone();
    assert_eq!(notices().await, true, "a look turns nothing off");
    let left = browser.post(&path, &[]).await;
    assert_eq!(left.status, 200, "RFC 8058, section 3.1: no redirect");
    assert!(words(&left).contains("You get no more of these mails"), "{}", words(&left));
    assert_eq!(notices().await, false);
    assert!(words(&browser.get(&path).await).contains("You get no more of these mails"));
    browser.language = "de";
    assert!(words(&browser.get(&path).await).contains("Sie bekommen keine solchen Mails mehr"));
}

#[tokio::test]
async fn a_mail_program_needs_no_cookie_no_page_and_no_certain_form() {
    let world = World::of("default").await;
    let path = mailed(&world).await;
    for (kind, body) in [
        ("multipart/form-data; boundary=x", "--x\r\n\r\nList-Unsubscribe=One-Click\r\n--x--"),
        ("application/x-www-form-urlencoded; charset=utf-8", "List-Unsubscribe=One-Click"),
    ] {
        let request = Request::post(&path).header("host", "localhost").header("content-type", kind);
        let reply = world.send(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    assert_eq!(world.get(&world.admin, "/v1/accounts/acme/notices").await.ok(200)["mail"], false);
}

#[tokio::test]
async fn whoever_guesses_finds_nothing_and_hears_the_same_of_everything() {
    let world = World::of("default").await;
    let path = mailed(&world).await;
    let mut browser = Browser::new(&world);
    let mut heard = Vec::new();
    for wrong in [format!("{path}0"), path[..path.len() - 1].to_owned(), "/console/_leave/x".to_owned()] {
        for reply in [browser.get(&wrong).await, browser.post(&wrong, &[]).await] {
            assert_eq!(reply.status, 404);
            heard.push(words(&reply));
        }
    }
    heard.dedup();
    assert_eq!(heard.len(), 1, "{heard:#?}");
    assert!(heard[0].contains("This link leads nowhere any more"));
}

#[tokio::test]
async fn the_page_of_notices_promises_no_mails_where_nobody_sends_any() {
    let world = World::of("default").await;
    let mut browser = Browser::new(&world);
    browser.sign_in().await;
    let said = words(&browser.get("/console/acme/notices").await);
    assert!(said.contains("This server sends no mails"), "{said}");
}
