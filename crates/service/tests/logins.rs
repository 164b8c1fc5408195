//! What a login makes under each policy: a pair that is refreshed, a token that is listed, and what a logout
//! takes along.

mod common;

use std::sync::Arc;

use common::{World, named};
use domain::admit::Code;
use domain::facts::Token;
use domain::life::State;
use domain::time::DAY;
use domain::who::Caller;
use service::sessions::{Login, Started};
use service::tokens::List;
use service::{Error, Password};
use token::{Kind, TokenId, TokenText};

const ADA: &str = "ada@example.com";
const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3600 * SECOND;
/// Longer than a second use counts as one at the same moment.
const LATER: i64 = 11 * SECOND;
const KEY: &str = "6f1c7a52-3f0e-4b52-9d1c-2a7b8f4f9c10";

async fn log_in(world: &World, email: &str, program: bool) -> Started {
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
    let login = Login { email: email.into(), program, agent: Some(firefox.into()), ..Login::default() };
    world.desk.log_in(login, Password::new(common::PASSWORD.into())).await.unwrap()
}

/// A login of a program's, which keeps a pair.
async fn pair(world: &World) -> (Started, Arc<TokenText>) {
    let started = log_in(world, ADA, true).await;
    let refresh = started.refresh.clone().expect("the policy makes pairs");
    (started, refresh)
}

async fn refresh(world: &World, refresh: &TokenText, key: Option<&str>) -> Result<Started, Error> {
    world.desk.refresh(refresh.expose().as_bytes(), key).await
}

async fn refreshed(world: &World, used: &TokenText) -> (Started, Arc<TokenText>) {
    let started = refresh(world, used, None).await.unwrap();
    let next = started.refresh.clone().expect("a pair brings a pair");
    (started, next)
}

#[track_caller]
fn nobody<T>(result: Result<T, Error>) {
    assert!(matches!(result, Err(Error::Unauthenticated)), "{:?}", result.err());
}

async fn token(world: &World, id: TokenId) -> Token {
    world.desk.store().token(&world.account, id).await.unwrap().unwrap().0
}

/// The actions of the journal, with actor and subject, since the test began that counts.
async fn told(world: &World, since: i64, action: &str) -> Vec<(String, String)> {
    let entries = world.desk.store().journal(since, 1_000).await.unwrap();
    let of = entries.into_iter().filter(|entry| entry.action == action);
    of.map(|entry| (entry.actor, entry.subject)).collect()
}

async fn sessions(world: &World, caller: &Caller) -> Vec<TokenId> {
    let listed = world.desk.sessions(caller).await.unwrap();
    listed.into_iter().map(|listed| listed.token.id).collect()
}

#[tokio::test]
async fn a_pair_is_an_hours_token_and_a_days_refresh_token() {
    let world = World::of("gcore").await;
    let before = world.desk.store().journal_end().await.unwrap();
    let (first, one) = pair(&world).await;
    let begun = world.desk.now();
    assert_eq!(first.token.text_expires_at(), Some(begun.plus_micros(HOUR)));
    assert_eq!(first.token.life.expires_at, Some(begun.plus_micros(DAY)));
    world.clock.forward(HOUR - 1);
    assert_eq!(world.verdict(&first.text).await.unwrap(), Code::Valid);
    world.clock.forward(1);
    assert_eq!(world.verdict(&first.text).await.unwrap(), Code::Expired);
    nobody(world.caller(&first.text).await);

    let (second, two) = refreshed(&world, &one).await;
    assert_eq!(world.verdict(&second.text).await.unwrap(), Code::Valid);
    assert_eq!(second.token.text_expires_at(), Some(world.desk.now().plus_micros(HOUR)));
    assert_eq!(world.verdict(&first.text).await.unwrap(), Code::Revoked, "and it was over before");
    let caller = world.caller(&second.text).await.unwrap();
    assert_eq!(sessions(&world, &caller).await, [second.token.id], "a login is one line");
    assert!(caller.needs_fresh().is_err(), "to go on is not to sign in");
    let ada = caller.holder.id;
    let via = format!("{ada} via {}", first.token.id);
    assert_eq!(told(&world, before, "session.refreshed").await, [(via, first.token.id.to_string())]);

    world.clock.forward(DAY - 1);
    let (_, three) = refreshed(&world, &two).await;
    world.clock.forward(DAY);
    nobody(refresh(&world, &three, None).await);
}

#[tokio::test]
async fn a_refreshed_session_ends_the_one_before_though_its_hour_is_not_over() {
    let world = World::of("gcore").await;
    let (first, one) = pair(&world).await;
    let (second, _) = refreshed(&world, &one).await;
    assert_eq!(world.verdict(&first.text).await.unwrap(), Code::Revoked);
    nobody(world.caller(&first.text).await);
    assert_eq!(world.verdict(&second.text).await.unwrap(), Code::Valid);
}

#[tokio::test]
async fn a_refresh_token_opens_nothing_and_showing_it_elsewhere_alarms_nobody() {
    let world = World::of("gcore").await;
    let (first, one) = pair(&world).await;
    let (second, two) = refreshed(&world, &one).await;
    world.clock.forward(LATER);
    for text in [&one, &two] {
        assert_eq!(world.verdict(text).await.unwrap(), Code::NotFound);
        nobody(world.caller(text).await);
    }
    // Nor does the old session, and nothing that is no refresh token.
    nobody(world.caller(&first.text).await);
    nobody(refresh(&world, &second.text, None).await);
    nobody(world.desk.refresh(b"jtn_rft_0123456789ab_AAAAAAAAAAAAAAAAAAAAAAAAAA000000", None).await);
    assert_eq!(world.verdict(&second.text).await.unwrap(), Code::Valid);
    refreshed(&world, &two).await;
}

#[tokio::test]
async fn a_replayed_refresh_token_ends_the_login_and_no_other() {
    let world = World::of("gcore").await;
    let (other, _) = pair(&world).await;
    let (first, one) = pair(&world).await;
    let (_, two) = refreshed(&world, &one).await;
    let (third, three) = refreshed(&world, &two).await;
    let before = world.desk.store().journal_end().await.unwrap();
    // In the same moment it may be the same program.
    assert!(matches!(refresh(&world, &one, None).await, Err(Error::Conflict)));
    assert_eq!(world.verdict(&third.text).await.unwrap(), Code::Valid);
    world.clock.forward(LATER);
    nobody(refresh(&world, &one, None).await);
    assert_eq!(world.verdict(&third.text).await.unwrap(), Code::Revoked);
    nobody(refresh(&world, &three, None).await);
    nobody(refresh(&world, &two, None).await);
    assert_eq!(world.verdict(&other.text).await.unwrap(), Code::Valid);
    let via = format!("{} via {}", first.holder.id, first.token.id);
    assert_eq!(
        told(&world, before, "session.replayed").await,
        [(via, third.token.id.to_string())],
        "once, and it says whose refresh token it was"
    );
}

#[tokio::test]
async fn a_lost_answer_is_given_again_for_the_same_key() {
    let world = World::of("gcore").await;
    let (_, one) = pair(&world).await;
    let first = refresh(&world, &one, Some(KEY)).await.unwrap();
    world.clock.forward(LATER);
    let again = refresh(&world, &one, Some(KEY)).await.unwrap();
    assert_eq!(first.text.expose(), again.text.expose());
    let (two, same) = (first.refresh.clone().unwrap(), again.refresh.clone().unwrap());
    assert_eq!(two.expose(), same.expose());
    assert_eq!(world.verdict(&first.text).await.unwrap(), Code::Valid);
    // Somebody else's token does not bring it, whatever key they know.
    let (_, others) = pair(&world).await;
    let theirs = refresh(&world, &others, Some(KEY)).await.unwrap();
    assert_ne!(theirs.text.expose(), first.text.expose());
    // What was given before is over with its login.
    world.desk.log_out(world.caller(&first.text).await.unwrap()).await.unwrap();
    nobody(refresh(&world, &one, Some(KEY)).await);
    assert!(matches!(refresh(&world, &two, Some("short")).await, Err(Error::Refused(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_refreshes_at_once_one_wins_and_the_login_goes_on() {
    let world = Arc::new(World::of("gcore").await);
    let (_, one) = pair(&world).await;
    let all: Vec<_> = (0..50)
        .map(|_| {
            let (world, one) = (world.clone(), one.clone());
            tokio::spawn(async move { refresh(&world, &one, None).await })
        })
        .collect();
    let mut won = Vec::new();
    for one in all {
        match one.await.unwrap() {
            Ok(started) => won.push(started),
            Err(Error::Conflict) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(won.len(), 1);
    assert_eq!(world.verdict(&won[0].text).await.unwrap(), Code::Valid);
    refreshed(&world, won[0].refresh.as_ref().unwrap()).await;
}

#[tokio::test]
async fn what_was_refreshed_is_known_after_a_restart() {
    let world = World::of("gcore").await;
    let (first, one) = pair(&world).await;
    let (_, two) = refreshed(&world, &one).await;
    let world = world.restarted().await;
    assert_eq!(world.verdict(&first.text).await.unwrap(), Code::Revoked);
    let (third, three) = refreshed(&world, &two).await;
    let world = world.restarted().await;
    world.clock.forward(LATER);
    nobody(refresh(&world, &one, None).await);
    assert_eq!(world.verdict(&third.text).await.unwrap(), Code::Revoked);
    nobody(refresh(&world, &three, None).await);
}

#[tokio::test]
async fn whoever_is_deactivated_refreshes_nothing_and_a_stop_reaches_what_was_refreshed() {
    let world = World::of("gcore").await;
    let user = world.member("Users", "ulla@example.com").await;
    let started = log_in(&world, "ulla@example.com", true).await;
    let one = started.refresh.unwrap();
    world.desk.deactivate_holder(world.admin().await, &world.account, user.id).await.unwrap();
    nobody(refresh(&world, &one, None).await);
    world.desk.reactivate_holder(world.admin().await, &world.account, user.id).await.unwrap();
    let (second, two) = refreshed(&world, &one).await;
    // Ending everything is one row, and a refresh does not outrun it.
    let caller = world.caller(&second.text).await.unwrap();
    let proof = service::Proof::from(Some(Password::new(common::PASSWORD.into())));
    let all = service::Renewing { everything: true, agent: None, program: true };
    let new = Password::new("twelve green bottles".into());
    let renewed = world.desk.change_password(caller, proof, new, all).await.unwrap();
    nobody(refresh(&world, &two, None).await);
    refreshed(&world, &renewed.refresh.expect("a program has a pair")).await;
}

#[tokio::test]
async fn a_logout_ends_the_login_however_it_is_refreshed_meanwhile() {
    let world = World::of("gcore").await;
    let (first, one) = pair(&world).await;
    let caller = world.caller(&first.text).await.unwrap();
    let (second, two) = refreshed(&world, &one).await;
    world.desk.log_out(caller).await.unwrap();
    assert_eq!(world.verdict(&second.text).await.unwrap(), Code::Revoked);
    nobody(refresh(&world, &two, None).await);

    // The same from a list that is older than the refresh.
    let (elsewhere, one) = pair(&world).await;
    let (gone_on, two) = refreshed(&world, &one).await;
    let admin = world.admin().await;
    world.desk.end_session(admin.clone(), elsewhere.token.id).await.unwrap();
    assert_eq!(world.verdict(&gone_on.text).await.unwrap(), Code::Revoked);
    nobody(refresh(&world, &two, None).await);
    assert!(world.desk.end_session(admin, gone_on.token.id).await.is_err());
}

#[tokio::test]
async fn a_browser_is_signed_in_for_the_whole_day_and_has_no_refresh_token() {
    let world = World::of("gcore").await;
    let started = log_in(&world, ADA, false).await;
    assert!(started.refresh.is_none());
    world.clock.forward(DAY - 1);
    assert_eq!(world.verdict(&started.text).await.unwrap(), Code::Valid);
    world.clock.forward(1);
    assert_eq!(world.verdict(&started.text).await.unwrap(), Code::Expired);
}

async fn listed(world: &World, caller: &Caller) -> Vec<(String, State)> {
    let list = List { limit: 100, ..List::default() };
    let page = world.desk.list_tokens(caller.clone(), &world.account, list).await.unwrap();
    page.items.into_iter().map(|shown| (shown.token.name, shown.state)).collect()
}

#[tokio::test]
async fn a_login_token_is_listed_by_a_calm_name_for_three_months_and_then_goes() {
    const NAME: &str = "Signed in with Firefox on Linux";
    let world = World::of("tagoio").await;
    let member =
        world.desk.store().account(&world.account).await.unwrap().unwrap().roles.last().unwrap().name.clone();
    world.member(&member, "tom@example.com").await;
    let before = world.desk.store().journal_end().await.unwrap();
    let own = log_in(&world, ADA, true).await;
    let toms = log_in(&world, "tom@example.com", false).await;
    assert!(own.refresh.is_none());
    let three_months = own.token.life.created_at.plus(&"3 months".parse().unwrap());
    assert_eq!(own.token.life.expires_at, Some(three_months));
    let admin = world.caller(&own.text).await.unwrap();
    let mine = listed(&world, &admin).await.into_iter().filter(|(name, _)| name == NAME).count();
    assert_eq!(mine, 2, "the team member's too");
    assert!(own.token.description.as_deref().unwrap().starts_with("Mozilla/5.0"));

    // A logout deletes it.
    world.desk.log_out(world.caller(&toms.text).await.unwrap()).await.unwrap();
    assert!(token(&world, toms.token.id).await.life.deleted_at.is_some());

    // And so does its end. What never ends, and what has not ended, stays.
    world.clock.forward(91 * DAY);
    let late = world.admin().await;
    world.clock.forward(2 * DAY);
    assert_eq!(world.verdict(&own.text).await.unwrap(), Code::Expired, "which takes no sweep");
    assert!(listed(&world, &late).await.contains(&(NAME.to_owned(), State::Expired)));
    let kept = listed(&world, &late).await.into_iter().filter(|(_, state)| *state != State::Expired).count();
    assert!(world.desk.clear_what_is_over().await.unwrap() > 0);
    assert_eq!(world.desk.clear_what_is_over().await.unwrap(), 0);
    let left = listed(&world, &late).await;
    assert_eq!(left.len(), kept, "{left:?}");
    assert!(token(&world, own.token.id).await.life.deleted_at.is_some());
    let expired = told(&world, before, "token.expired").await;
    assert!(expired.contains(&("nobody".to_owned(), own.token.id.to_string())), "{expired:?}");
}

#[tokio::test]
async fn where_all_that_ends_is_deleted_what_only_a_policy_ended_stays() {
    let world = World::of("default").await;
    let order = |name: &str, end: &str| domain::lifecycle::Create {
        end: Some(domain::lifecycle::AskedEnd::In(end.parse().unwrap())),
        ..named(name)
    };
    let brief = world.create(world.admin().await, order("brief", "1 day")).await.unwrap().shown.token.id;
    let long = world.create(world.admin().await, order("long", "90 days")).await.unwrap();
    world
        .change_policy(|policy| {
            policy.expiry.max = Some("2 days".parse().unwrap());
            policy.expiry.default = Some("1 day".parse().unwrap());
        })
        .await;
    world.clock.forward(3 * DAY);
    assert_eq!(world.desk.clear_what_is_over().await.unwrap(), 0, "by default all is kept");
    world.change_policy(|policy| policy.on_expire = domain::policy::OnExpire::Delete).await;
    assert_eq!(world.verdict(&long.text).await.unwrap(), Code::Expired);
    assert_eq!(world.desk.clear_what_is_over().await.unwrap(), 1);
    assert!(token(&world, brief).await.life.deleted_at.is_some());
    assert!(token(&world, long.shown.token.id).await.life.deleted_at.is_none());
}

#[tokio::test]
async fn signing_out_anywhere_revokes_the_tokens_where_the_policy_says_so_and_each_may_be_approved_again() {
    let world = World::of("arm").await;
    let kept = world.token("kept").await;
    let forgotten = world.token("forgotten").await;
    let elsewhere = log_in(&world, ADA, true).await;
    let here = log_in(&world, ADA, false).await;
    let caller = world.caller(&here.text).await.unwrap();
    assert!(elsewhere.refresh.is_none());

    world.desk.end_session(caller, elsewhere.token.id).await.unwrap();
    assert_eq!(world.verdict(&kept.text).await.unwrap(), Code::Revoked);
    assert_eq!(world.verdict(&forgotten.text).await.unwrap(), Code::Revoked);
    assert_eq!(world.verdict(&elsewhere.text).await.unwrap(), Code::Revoked);
    // Whoever signed the other one out is still here.
    let caller = world.caller(&here.text).await.unwrap();
    let approved = world.desk.approve_token(caller.clone(), &world.account, kept.shown.token.id).await;
    assert_eq!(approved.unwrap().state, State::Active);
    assert_eq!(world.verdict(&kept.text).await.unwrap(), Code::Valid);
    assert_eq!(world.verdict(&forgotten.text).await.unwrap(), Code::Revoked, "each by itself");
    assert_eq!(world.verdict(&elsewhere.text).await.unwrap(), Code::Revoked, "and a login never");

    // As whatever else a token may end itself by.
    world.desk.end_self(caller).await.unwrap();
    assert_eq!(world.verdict(&kept.text).await.unwrap(), Code::Revoked);
    nobody(world.caller(&here.text).await);
    let again = world.admin().await;
    world.desk.approve_token(again.clone(), &world.account, kept.shown.token.id).await.unwrap();
    assert_eq!(world.verdict(&kept.text).await.unwrap(), Code::Valid);
    nobody(world.caller(&here.text).await);
    let login = world.desk.approve_token(again, &world.account, here.token.id).await;
    assert!(login.is_err(), "a login is not approved");
    assert_eq!(here.token.id.kind, Kind::Ses);
}
