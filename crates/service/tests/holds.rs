//! What must hold when people, programs and time get in each other's way.

mod common;

use std::sync::Arc;
use std::task::Poll;

use common::{World, named, refused};
use domain::accounts::Found;
use domain::admit::{Ask, Code};
use domain::change::{Action, Actor, Change, Entry, Write};
use domain::ids::{AccountId, HolderId};
use domain::lifecycle::{AskedEnd, AskedGrant, Create, Edit};
use domain::members::Join;
use domain::node::NodePath;
use domain::policy::{ExpiryMode, FormField, HolderChoice};
use domain::refusal;
use service::links::{Guest, Invited};
use service::sessions::Login;
use service::{Error, Password};

#[tokio::test(flavor = "multi_thread")]
async fn a_revoke_whose_caller_went_away_holds_all_the_same() {
    let world = World::of("default").await;
    world.change_policy(|policy| policy.limit = None).await;
    for round in 0..20 {
        let issued = world.token(&format!("token {round}")).await;
        let id = issued.shown.token.id;
        assert_eq!(world.verdict(&issued.text).await.unwrap(), Code::Valid);

        // The request is dropped after a number of steps, wherever that leaves it.
        let mut steps = round;
        let mut revoke = Box::pin(world.desk.revoke_token(world.admin().await, &world.account, id, None));
        std::future::poll_fn(|context| match revoke.as_mut().poll(context) {
            Poll::Pending if steps > 0 => {
                steps -= 1;
                Poll::Pending
            }
            _ => Poll::Ready(()),
        })
        .await;
        drop(revoke);

        // A change that waits behind it in the writer's queue has it settled, either way.
        world.token(&format!("after {round}")).await;
        let (row, _) = world.desk.store().token(&world.account, id).await.unwrap().unwrap();
        let told = world.verdict(&issued.text).await.unwrap();
        let expected = if row.life.revoked_at.is_some() { Code::Revoked } else { Code::Valid };
        assert_eq!(told, expected, "memory says what the store says, after {round} steps");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_revoke_and_a_rotation_at_once_no_live_token_remains() {
    let world = Arc::new(World::of("default").await);
    for round in 0..20 {
        let issued = world.token(&format!("token {round}")).await;
        let id = issued.shown.token.id;
        let (revoker, rotator) = (world.admin().await, world.admin().await);
        let account = &world.account;
        let (revoked, rotated) = tokio::join!(
            world.desk.revoke_token(revoker, account, id, None),
            world.desk.rotate_token(rotator, account, id, None, None),
        );
        revoked.unwrap();
        assert_ne!(world.verdict(&issued.text).await.unwrap(), Code::Valid);
        match rotated {
            Ok(rotated) => assert_eq!(world.verdict(&rotated.text).await.unwrap(), Code::Revoked),
            Err(error) => assert_eq!(refused::<()>(Err(error)), refusal::Code::WrongState),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_revoked_between_being_let_in_and_the_commit_mints_no_last_one() {
    let world = World::of("cockpit").await;
    // Under this preset tokens reach the desk.
    let issued = world.token("minter").await;
    let let_in = world.caller(&issued.text).await.unwrap();
    let id = issued.shown.token.id;
    world.desk.delete_token(world.admin().await, &world.account, id, Some("minter".into())).await.unwrap();
    let minted = world.create(let_in, named("last")).await;
    assert!(matches!(minted, Err(Error::Unauthenticated)), "{minted:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_decided_again_is_bound_by_the_end_that_its_maker_has_now() {
    let world = World::of("cockpit").await;
    world
        .change_policy(|policy| {
            policy.edit = true;
            policy.fields.push(FormField::Expiry);
            policy.expiry.modes = vec![ExpiryMode::Never, ExpiryMode::Period];
        })
        .await;
    let issued = world.token("maker").await;
    let let_in = world.caller(&issued.text).await.unwrap();
    assert_eq!(let_in.outlived_by_none(), None, "it never ends, when it is let in");
    let edit = Edit { end: Some(AskedEnd::In("1 hour".parse().unwrap())), ..Edit::default() };
    let id = issued.shown.token.id;
    let edited = world.desk.edit_token(world.admin().await, &world.account, id, None, edit).await.unwrap();
    let made = world.create(let_in, named("late")).await.unwrap();
    assert!(edited.token.life.expires_at.is_some());
    assert_eq!(made.shown.token.life.expires_at, edited.token.life.expires_at);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_for_a_part_of_the_tree_does_not_run_the_server() {
    let world = World::of("default").await;
    let sales: NodePath = "/sales".parse().unwrap();
    let admin = world.admin().await;
    world.desk.add_node(admin, &world.account, sales.clone(), "Sales".into(), None).await.unwrap();
    let login = Login { email: "ada@example.com".into(), node: Some(sales), ..Login::default() };
    let started = world.desk.log_in(login, Password::new(common::PASSWORD.into())).await.unwrap();
    let part = world.caller(&started.text).await.unwrap();
    assert_eq!(refused(world.desk.services(part).await), refusal::Code::Forbidden);
    assert!(world.desk.services(world.admin().await).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_rotations_at_once_one_wins() {
    let world = World::of("default").await;
    let issued = world.token("one").await;
    let id = issued.shown.token.id;
    let caller = world.caller(&issued.text).await.unwrap();
    let mut rotations = Vec::new();
    for _ in 0..50 {
        let (desk, account, caller) = (world.desk.clone(), world.account.clone(), caller.clone());
        rotations
            .push(tokio::spawn(async move { desk.rotate_token(caller, &account, id, None, None).await }));
    }
    let mut won = Vec::new();
    for rotation in rotations {
        if let Ok(issued) = rotation.await.unwrap() {
            won.push(issued);
        }
    }
    assert_eq!(won.len(), 1);
    assert_eq!(world.verdict(&won[0].text).await.unwrap(), Code::Valid);
    assert_eq!(world.verdict(&issued.text).await.unwrap(), Code::Revoked);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_creations_for_the_last_place_one_wins() {
    let world = World::of("cockpit").await;
    // `init` has the first of ten places.
    for n in 0..8 {
        world.token(&format!("token {n}")).await;
    }
    let admin = world.admin().await;
    let mut creations = Vec::new();
    for n in 0..20 {
        let (desk, account, caller) = (world.desk.clone(), world.account.clone(), admin.clone());
        creations.push(tokio::spawn(async move {
            desk.create_token(caller, &account, named(&format!("late {n}")), None, None).await
        }));
    }
    let mut created = 0;
    for creation in creations {
        match creation.await.unwrap() {
            Ok(_) => created += 1,
            Err(error) => assert_eq!(refused::<()>(Err(error)), refusal::Code::LimitReached),
        }
    }
    assert_eq!(created, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_holder_stops_at_once_and_mints_nothing_more() {
    let world = World::of("default").await;
    let member = world.member("Member", "bob@example.com").await;
    let robot = world.service_account("Member").await;
    let bob = world.signed_in("bob@example.com").await;
    let own = world.create(bob.clone(), named("bob's")).await.unwrap();
    let order = Create { holder: Some(robot.id), ..named("robot's") };
    let robots = world.create(world.admin().await, order).await.unwrap();

    for (holder, text) in [(member.id, &own.text), (robot.id, &robots.text)] {
        let let_in = world.caller(text).await.unwrap();
        let id = text.id();
        world.desk.deactivate_holder(world.admin().await, &world.account, holder).await.unwrap();
        assert_eq!(world.verdict(text).await.unwrap(), Code::Suspended);
        assert!(matches!(world.caller(text).await, Err(Error::Unauthenticated)));
        let rotated = world.desk.rotate_token(let_in, &world.account, id, None, None).await;
        assert!(matches!(rotated, Err(Error::Unauthenticated)), "{rotated:?}");

        world.desk.reactivate_holder(world.admin().await, &world.account, holder).await.unwrap();
        assert_eq!(world.verdict(text).await.unwrap(), Code::Valid);
        world.desk.remove_holder(world.admin().await, &world.account, holder).await.unwrap();
        assert_eq!(world.verdict(text).await.unwrap(), Code::Revoked);
    }
    // The session that Bob had is gone with him.
    assert!(matches!(world.create(bob, named("late")).await, Err(Error::Unauthenticated)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_gone_is_no_wider_role() {
    let world = World::of("default").await;
    let robot = world.service_account("Viewer").await;
    let order = Create { holder: Some(robot.id), ..named("robot's") };
    let issued = world.create(world.admin().await, order).await.unwrap();
    let viewer = world.admin().await.account.role_named("Viewer").unwrap().id;
    // As long as somebody has it, it stays; the refusal says so.
    let kept = world.desk.delete_role(world.admin().await, &world.account, viewer).await;
    assert_eq!(refused(kept), refusal::Code::WrongState);
    let HolderId::ServiceAccount(_) = robot.id else { panic!("a service account was added") };
    world.desk.remove_holder(world.admin().await, &world.account, robot.id).await.unwrap();
    assert_eq!(world.verdict(&issued.text).await.unwrap(), Code::Revoked);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_decided_by_time_needs_nobody_to_run() {
    let world = World::of("default").await;
    let issued = world.token("ninety days").await;
    const DAY: i64 = 24 * 3600 * 1_000_000;
    world.clock.forward(90 * DAY - 1);
    assert_eq!(world.verdict(&issued.text).await.unwrap(), Code::Valid);
    world.clock.forward(1);
    assert_eq!(world.verdict(&issued.text).await.unwrap(), Code::Expired);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shorter_longest_life_applies_to_tokens_that_are_there() {
    let world = World::of("default").await;
    let issued = world.token("ninety days").await;
    world.clock.forward(31 * 24 * 3600 * 1_000_000);
    assert_eq!(world.verdict(&issued.text).await.unwrap(), Code::Valid);
    world
        .change_policy(|policy| {
            policy.expiry.default = Some("10 days".parse().unwrap());
            policy.expiry.max = Some("30 days".parse().unwrap());
        })
        .await;
    assert_eq!(world.verdict(&issued.text).await.unwrap(), Code::Expired);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_ended_stays_ended_after_a_restart() {
    let world = World::of("default").await;
    let old = world.token("rotated").await;
    let admin = world.admin().await;
    let new = world.desk.rotate_token(admin, &world.account, old.text.id(), None, None).await.unwrap();
    let gone = world.token("revoked").await;
    world.desk.revoke_token(world.admin().await, &world.account, gone.text.id(), None).await.unwrap();
    let world = world.restarted().await;
    assert_eq!(world.verdict(&old.text).await.unwrap(), Code::Revoked);
    assert_eq!(world.verdict(&gone.text).await.unwrap(), Code::Revoked);
    assert_eq!(world.verdict(&new.text).await.unwrap(), Code::Valid);
    assert_eq!(
        world.desk.load().await.unwrap(),
        world.desk.load().await.unwrap(),
        "loading twice adds nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_store_there_is_no_verdict_on_what_is_not_in_memory() {
    let world = World::of("default").await.restarted().await;
    let text = world.begun.token.clone();
    world.desk.store().close().await;
    let verdict = world.verdict(&text).await;
    assert!(matches!(verdict, Err(Error::Undetermined)), "{verdict:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_gives_the_same_secret_and_another_request_under_it_is_refused() {
    let world = World::of("default").await;
    let key = "0123456789012345678901";
    let create = async |body: &str| {
        let admin = world.admin().await;
        let replay = world.desk.replay(&admin, "create", key, body.as_bytes()).unwrap();
        world.desk.create_token(admin, &world.account, named("once"), None, Some(replay)).await
    };
    let (first, again) = (create("body").await.unwrap(), create("body").await.unwrap());
    assert_eq!(first.text.expose(), again.text.expose());
    assert_eq!(first.shown.token.number, again.shown.token.number);
    assert!(matches!(create("another").await, Err(Error::IdempotencyMismatch)));

    // Of many at once, each gets the one token.
    let admin = world.admin().await;
    let mut creations = Vec::new();
    for _ in 0..20 {
        let (desk, account, caller) = (world.desk.clone(), world.account.clone(), admin.clone());
        creations.push(tokio::spawn(async move {
            let replay = desk.replay(&caller, "create", "another-key-of-22-chars", b"body").unwrap();
            desk.create_token(caller, &account, named("many"), None, Some(replay)).await.unwrap().text.id()
        }));
    }
    let mut ids = Vec::new();
    for creation in creations {
        ids.push(creation.await.unwrap());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_manages_an_account_does_not_come_to_run_the_server() {
    let world = World::of("default").await;
    world
        .change_policy(|policy| policy.create.holder = vec![HolderChoice::Caller, HolderChoice::Member])
        .await;
    world.member("Owner", "eve@example.com").await;
    let eve = async || world.signed_in("eve@example.com").await;

    // Not by a token that she makes for the operator, and which reaches the desk.
    let desk = AskedGrant::List(vec!["tokens:read".into()]);
    let order =
        Create { holder: Some(world.begun.member.id), permission: Some(desk), ..named("for the operator") };
    let made = world.create(eve().await, order).await.unwrap();
    let as_operator = world.caller(&made.text).await.unwrap();
    assert_eq!(refused(world.desk.services(as_operator).await), refusal::Code::Forbidden);

    // Nor by a new secret for the operator's own, whatever the policy says of caps.
    let init = world.begun.token.id();
    for cap in [true, false] {
        world.change_policy(|policy| policy.permission.cap = cap).await;
        let rotated = world.desk.rotate_token(eve().await, &world.account, init, None, None).await;
        assert_eq!(refused(rotated), refusal::Code::Forbidden);
    }
    let operator = world.caller(&world.begun.token).await.unwrap();
    assert!(world.desk.services(operator).await.is_ok());
    let rotated =
        world.desk.rotate_token(world.admin().await, &world.account, init, None, None).await.unwrap();
    let operator = world.caller(&rotated.text).await.unwrap();
    assert!(world.desk.services(operator).await.is_ok(), "its holder rotates it");
    let id = rotated.text.id();
    world.desk.revoke_token(eve().await, &world.account, id, None).await.unwrap();
    assert_eq!(world.verdict(&rotated.text).await.unwrap(), Code::Revoked, "a manager may end it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_made_by_one_accounts_administrator_does_not_open_another_account() {
    let world = World::of("default").await;
    let globex: AccountId = "globex".parse().unwrap();
    let found = Found { id: globex.clone(), name: "Globex".into(), external_id: None, metadata: None };
    world.desk.found_account(world.admin().await, found, "default", None).await.unwrap();
    let join = |email: &str| Join {
        name: email.into(),
        email: Some(email.into()),
        role: Some("Owner".into()),
        ..Join::default()
    };
    let password = || Some(Password::new(common::PASSWORD.into()));
    let gus = join("gus@example.com");
    world.desk.add_member(world.admin().await, &globex, gus, password(), None).await.unwrap();
    let gus = async || world.signed_in("gus@example.com").await;
    world.member("Owner", "eve@example.com").await;
    let eve = async || world.signed_in("eve@example.com").await;

    // Eve chooses a password for somebody whom Globex will want.
    let vic = join("vic@example.com");
    world.desk.add_member(eve().await, &world.account, vic.clone(), password(), None).await.unwrap();
    // Added there by their address they have no login, whoever adds them.
    for by in [gus().await, world.admin().await] {
        let added = world.desk.add_member(by, &globex, vic.clone(), None, None).await.unwrap();
        assert_eq!((added.person, added.email.as_deref()), (None, Some("vic@example.com")));
        let into =
            Login { email: "vic@example.com".into(), account: Some(globex.clone()), ..Login::default() };
        let entered = world.desk.log_in(into, Password::new(common::PASSWORD.into())).await;
        assert!(matches!(entered, Err(Error::Unauthenticated)), "{entered:?}");
    }
    let known = world.desk.add_member(gus().await, &globex, vic.clone(), password(), None).await;
    assert_eq!(refused(known), refusal::Code::InvalidField, "nor is a password chosen a second time");

    // Who was invited comes in as the one with that login, and nobody else does.
    let Invited::Now(invited, link) =
        world.desk.invite_new(gus().await, &globex, vic.clone(), None).await.unwrap()
    else {
        panic!("it was not invited before")
    };
    assert_eq!(invited.person, None);
    let accept = async |guest| world.desk.accept(link.expose(), guest, None).await;
    assert_eq!(refused(accept(Guest::New(password().unwrap())).await), refusal::Code::NameTaken);
    let as_eve = Guest::SignedIn(Box::new(eve().await));
    assert_eq!(refused(accept(as_eve).await), refusal::Code::Forbidden);
    let a_token = world.caller(&world.begun.token).await.unwrap();
    assert!(matches!(accept(Guest::SignedIn(Box::new(a_token))).await, Err(Error::Unauthenticated)));
    let as_vic = async || Guest::SignedIn(Box::new(world.signed_in("vic@example.com").await));
    let started = accept(as_vic().await).await.unwrap();
    assert_eq!((started.account.id.clone(), started.holder.person.is_some()), (globex.clone(), true));
    let again = accept(Guest::New(password().unwrap())).await;
    assert!(matches!(again, Err(Error::Unauthenticated)), "once: {again:?}");
    let twice = world.desk.invite_new(gus().await, &globex, vic, None).await;
    assert_eq!(refused(twice.map(drop)), refusal::Code::NameTaken);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_open_an_invitation_or_a_hand_off_at_once_one_is_let_in() {
    let world = World::of("default").await;
    let order = Join {
        name: "Eve".into(),
        email: Some("eve@example.com".into()),
        role: Some("Viewer".into()),
        ..Join::default()
    };
    let invited = world.desk.invite_new(world.admin().await, &world.account, order, None).await.unwrap();
    let Invited::Now(eve, link) = invited else { panic!("it was not invited before") };
    let accept = || {
        let guest = Guest::New(Password::new(common::PASSWORD.into()));
        world.desk.accept(link.expose(), guest, None)
    };
    let (one, other) = tokio::join!(accept(), accept());
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");

    let scopes = vec![domain::facts::Scope::ActAs];
    let admin = world.admin().await;
    let keyed = world.desk.create_service(admin, "backend".into(), scopes, None, None).await.unwrap();
    let (link, member) =
        world.desk.hand_off(&keyed.service, &world.account, &eve.id.to_string(), None).await.unwrap();
    assert_eq!(member, eve.id);
    let (one, other) =
        tokio::join!(world.desk.arrive(link.expose(), None), world.desk.arrive(link.expose(), None));
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    assert_eq!(world.desk.handed_over(link.expose()).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_does_not_reach_the_desk_neither_sees_nor_ends_its_holders_sessions() {
    let world = World::of("default").await;
    let issued = world.token("stolen").await;
    let thief = async || world.caller(&issued.text).await.unwrap();
    let signed_in = world.admin().await;
    let session = signed_in.token().unwrap().id;
    assert_eq!(refused(world.desk.sessions(&thief().await).await), refusal::Code::Forbidden);
    assert_eq!(refused(world.desk.end_session(thief().await, session).await), refusal::Code::Forbidden);
    assert!(world.desk.sessions(&signed_in).await.unwrap().iter().any(|each| each.token.id == session));
    world.desk.end_session(world.admin().await, session).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_only_write_policies_does_not_write_themselves_an_owners_token() {
    let world = World::of("default").await;
    let permissions = ["policy:read", "policy:update", "tokens:create"].map(String::from).to_vec();
    let admin = world.admin().await;
    world.desk.create_role(admin, &world.account, "Clerk".into(), permissions, None).await.unwrap();
    world.member("Clerk", "cy@example.com").await;
    let clerk = world.signed_in("cy@example.com").await;
    let mut policy = clerk.account.policy.clone();
    policy.permission.cap = false;
    let changed = world.desk.change_policy(clerk, &world.account, policy, None, None).await;
    assert_eq!(refused(changed), refusal::Code::Forbidden);

    // Nor where the cap is off already; a policy that has it is theirs to write.
    world.change_policy(|policy| policy.permission.cap = false).await;
    let clerk = async || world.signed_in("cy@example.com").await;
    let mut policy = clerk().await.account.policy.clone();
    policy.permission.ceiling = domain::policy::Ceiling::Frozen;
    let changed = world.desk.change_policy(clerk().await, &world.account, policy.clone(), None, None).await;
    assert_eq!(refused(changed), refusal::Code::Forbidden);
    policy.permission.cap = true;
    world.desk.change_policy(clerk().await, &world.account, policy, None, None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_owner_who_can_log_in_does_not_leave_the_account_to_one_who_cannot() {
    let world = World::of("default").await;
    let ghost = Join {
        name: "u-1".into(),
        external_id: Some("u-1".into()),
        role: Some("Owner".into()),
        ..Join::default()
    };
    let ghost = world.desk.add_member(world.admin().await, &world.account, ghost, None, None).await.unwrap();
    let me = world.begun.member.id;
    let left = world.desk.remove_holder(world.admin().await, &world.account, me).await;
    assert_eq!(refused(left), refusal::Code::WrongState);
    world.desk.remove_holder(world.admin().await, &world.account, ghost.id).await.expect("she stays");
    world.member("Owner", "bo@example.com").await;
    world.desk.remove_holder(world.admin().await, &world.account, me).await.expect("Bo stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_tied_to_addresses_stays_tied_through_edit_rotation_and_restart() {
    let world = World::of("default").await;
    let issued = world.token("ci").await;
    let id = issued.shown.token.id;
    // Nothing asks for conditions yet, so that the row is written by hand.
    let (mut row, _) = world.desk.store().token(&world.account, id).await.unwrap().unwrap();
    row.conditions.addresses = vec!["10.0.0.0/8".parse().unwrap()];
    let entry = Entry {
        at: world.desk.now(),
        actor: Actor::Operator,
        account: Some(world.account.clone()),
        action: Action::TokenEdited,
        subject: id.to_string(),
        payload: serde_json::json!({}),
    };
    let change = Change::default().write(Write::UpdateToken(Box::new(row))).entry(entry);
    world.desk.store().commit(change).await.unwrap();

    let edit = Edit { name: Some("deploy".into()), ..Edit::default() };
    world.desk.edit_token(world.admin().await, &world.account, id, None, edit).await.unwrap();
    let new = world.desk.rotate_token(world.admin().await, &world.account, id, None, None).await.unwrap();
    let from = async |world: &World, address: Option<&str>| {
        let ask = Ask { address: address.map(|address| address.parse().unwrap()), ..Ask::default() };
        world.verdict_on(&new.text, ask).await.unwrap()
    };
    let told = async |world: &World| {
        assert_eq!(from(world, Some("10.1.2.3")).await, Code::Valid);
        assert_eq!(from(world, Some("::ffff:10.1.2.3")).await, Code::Valid);
        assert_eq!(from(world, Some("192.0.2.1")).await, Code::AddressNotAllowed);
        assert_eq!(from(world, None).await, Code::AddressNotAllowed);
        assert!(matches!(world.caller(&new.text).await, Err(Error::Unauthenticated)), "nor at the desk");
    };
    told(&world).await;
    told(&world.restarted().await).await;
}
