//! A forgotten password in a browser: whoever asks hears the same, and the link of the mail works once.

#[path = "console/browser.rs"]
mod browser;
mod common;
#[path = "console/page.rs"]
mod page;

use std::sync::{Arc, Mutex};

use browser::Browser;
use common::{ADMIN, PASSWORD, World};
use domain::mail::{Mail, Topic};
use page::words;
use serde_json::json;
use service::mail::{Carrier, Carrying};

const BOB: &str = "bob@example.com";
const NEW: &str = "eight green bottles";

#[derive(Default)]
struct Taken(Mutex<Vec<Mail>>);

impl Carrier for Taken {
    fn carry<'a>(&'a self, mail: &'a Mail) -> Carrying<'a> {
        self.0.lock().unwrap().push(mail.clone());
        Box::pin(async { Ok(()) })
    }
}

/// The path in the mail about this topic, which is kept apart from the answer, so it may take a moment.
async fn mailed(world: &World, topic: Topic) -> String {
    let taken = Arc::<Taken>::default();
    let carrier: Arc<dyn Carrier> = taken.clone();
    loop {
        world.desk.send_letters(&carrier).await.unwrap();
        let found = taken.0.lock().unwrap().iter().find(|mail| mail.topic == topic).map(|mail| {
            assert_eq!(mail.address, BOB);
            mail.way_in.as_ref().unwrap().0.expose().to_owned()
        });
        if let Some(way_in) = found {
            let page = if topic == Topic::Reset { "_reset" } else { "_invitation" };
            return format!("/console/{page}/{way_in}");
        }
        tokio::task::yield_now().await;
    }
}

async fn with_bob() -> World {
    let world = World::mailing("default").await;
    let bob = json!({ "name": "Bob", "email": BOB, "role": "Member", "password": PASSWORD });
    world.post(&world.admin, "/v1/accounts/acme/members", bob).await.ok(201);
    world
}

#[tokio::test]
async fn a_link_of_a_mail_sets_another_password_once() {
    let world = with_bob().await;
    let mut browser = Browser::new(&world);
    let page = browser.get("/console/sign-in").await;
    assert!(page.text.contains("href=\"/console/_forgotten\""), "{}", page.text);
    assert_eq!(browser.get("/console/_forgotten").await.status, 200);

    let asked = browser.post("/console/_forgotten", &[("email", BOB)]).await;
    assert_eq!(asked.status, 200);
    for (email, what) in
        [("nobody@example.com", "nobody"), (ADMIN, "who runs the server"), ("x", "no address")]
    {
        let other = Browser::new(&world).post("/console/_forgotten", &[("email", email)]).await;
        assert_eq!((other.status.as_u16(), words(&other)), (200, words(&asked)), "{what}");
    }

    let path = mailed(&world, Topic::Reset).await;
    let opened = browser.get(&path).await;
    assert!(words(&opened).contains("For bob@example.com."), "{}", words(&opened));
    let short = browser.post(&path, &[("password", "short"), ("everything", "on")]).await;
    assert_eq!(short.status, 422);
    assert!(short.text.contains("name=\"everything\" checked"), "what was chosen stays: {}", short.text);
    let done = browser.post(&path, &[("password", NEW)]).await;
    assert_eq!(done.status, 200);
    assert!(words(&done).contains("Your password is set"), "{}", words(&done));
    assert!(done.head("set-cookie").is_none(), "it signs nobody in");

    for again in [browser.get(&path).await, browser.post(&path, &[("password", NEW)]).await] {
        assert_eq!(again.status, 404);
        assert!(words(&again).contains("This link opens nothing"), "{}", words(&again));
    }
    for (password, status) in [(PASSWORD, 422), (NEW, 303)] {
        let sign_in = [("email", BOB), ("password", password)];
        assert_eq!(Browser::new(&world).post("/console/sign-in", &sign_in).await.status, status);
    }
}

#[tokio::test]
async fn who_asks_too_often_waits_and_the_page_is_in_the_reader_s_language() {
    let world = with_bob().await;
    let mut browser = Browser::new(&world);
    browser.language = "de";
    let waits = loop {
        let page = browser.post("/console/_forgotten", &[("email", "nobody@example.com")]).await;
        if page.status != 200 {
            break page;
        }
    };
    assert_eq!(waits.status, 429);
    assert!(words(&waits).contains("Passwort vergessen?"), "{}", words(&waits));
}

#[tokio::test]
async fn without_mails_nobody_is_promised_one() {
    let world = World::of("default").await;
    let mut browser = Browser::new(&world);
    let page = browser.get("/console/sign-in").await;
    assert!(!page.text.contains("_forgotten"));
    let page = browser.get("/console/_forgotten").await;
    assert!(words(&page).contains("This server sends no mails."), "{}", words(&page));
    assert_eq!(browser.post("/console/_forgotten", &[("email", BOB)]).await.status, 404);
}

#[tokio::test]
async fn an_invitation_is_mailed_beside_the_link_to_copy() {
    let world = World::mailing("default").await;
    let mut browser = Browser::new(&world);
    browser.sign_in().await;
    let fields = [("name", "Bob"), ("email", BOB), ("role", "Member")];
    let made = browser.fill("/console/acme/members/invite", &fields).await;
    assert!(words(&made).contains("They are also mailed a link of their own"), "{}", words(&made));
    let path = mailed(&world, Topic::Invitation).await;
    assert!(!made.text.contains(&path), "it is another one");
    let mut guest = Browser::new(&world);
    assert!(words(&guest.get(&path).await).contains("Join Acme"));
    assert_eq!(guest.post(&path, &[("password", NEW)]).await.status, 303);
}
