//! What is answered from rows that are here.

use std::sync::Arc;

use domain::admit::{Ask, Code};
use domain::facts::{Scope, Snapshot};
use domain::grant::Grant;
use domain::permission::{PermissionSet, Requirement};
use domain::time::{Moment, Timestamp};
use token::Presented;

use super::sample::*;
use crate::{Options, Origin, Undetermined};

#[tokio::test]
async fn a_hit_answers_without_reading_with_all_that_the_row_says() {
    let shelf = Shelf::new(Snapshot::default());
    let verifier = verifier(&shelf, Options::default());
    let mut rows = snapshot(1, 0..3);
    rows.tokens[1].name = "a name of more than 22 bytes".into();
    rows.tokens[1].metadata = Some(r#"{"team":"edge"}"#.into());
    rows.tokens[1].grant = Grant::List(PermissionSet::of(200));
    rows.tokens[1].node = "/sales".parse().unwrap();
    rows.tokens[1].life.expires_at = Some(NOW.plus_micros(1));
    let expected = rows.tokens[1].clone();
    load(&verifier, rows);

    let at = |now: Timestamp| {
        let (verifier, expected) = (Arc::clone(&verifier), expected.clone());
        async move {
            let render = |verdict: &domain::admit::Verdict<'_>, _| {
                let facts = verdict.facts.unwrap();
                assert_eq!(facts.token.id, expected.id);
                assert_eq!(facts.token.name, expected.name);
                assert_eq!(facts.token.metadata, expected.metadata.as_deref());
                assert_eq!(facts.token.life, expected.life);
                assert_eq!(*facts.token.grant, expected.grant);
                assert_eq!(*facts.token.node, expected.node);
                assert!(facts.token.desk);
                assert_eq!(facts.holder.id, expected.holder);
                assert_eq!(facts.account.id, expected.account);
                verdict.code
            };
            verifier.verify(&presented(1), &Ask::default(), Origin::LOOK, || now.into(), render).await
        }
    };
    assert_eq!(at(NOW).await, Ok(Code::Valid));
    assert_eq!(at(NOW.plus_micros(1)).await, Ok(Code::Expired), "facts are kept, verdicts are not");
    assert_eq!(shelf.reads(), 0);
    assert_eq!(verifier.resident(), 3);
}

#[tokio::test]
async fn a_disabled_holder_stops_all_of_its_tokens_with_one_row() {
    let shelf = Shelf::new(Snapshot::default());
    let verifier = verifier(&shelf, Options::default());
    let rows = snapshot(1, 0..500);
    let mut gone = rows.holders[0].clone();
    load(&verifier, rows);
    assert_eq!(ask(&verifier, &presented(7)).await, Ok(Code::Valid));

    gone.standing.inactive_since = Some(NOW);
    gone.version += 1;
    verifier.apply(Snapshot { position: 2, holders: vec![gone], ..Snapshot::default() });
    for n in 0..500 {
        assert_eq!(ask(&verifier, &presented(n)).await, Ok(Code::Suspended));
    }
}

#[tokio::test]
async fn a_token_with_addresses_is_good_from_them_alone_until_a_newer_row_says_otherwise() {
    let shelf = Shelf::new(Snapshot::default());
    let verifier = verifier(&shelf, Options::default());
    let mut rows = snapshot(1, 0..2);
    rows.tokens[1].conditions.addresses = vec!["10.0.0.0/8".parse().unwrap()];
    let mut freed = rows.tokens[1].clone();
    load(&verifier, rows);
    let from = async |n, address: Option<&str>| {
        let ask = Ask { address: address.map(|address| address.parse().unwrap()), ..Ask::default() };
        let code = |verdict: &domain::admit::Verdict<'_>, _| verdict.code;
        verifier.verify(&presented(n), &ask, Origin::LOOK, || NOW.into(), code).await
    };
    for address in [None, Some("11.0.0.1"), Some("10.0.0.1")] {
        assert_eq!(from(0, address).await, Ok(Code::Valid));
    }
    assert_eq!(from(1, None).await, Ok(Code::AddressNotAllowed));
    assert_eq!(from(1, Some("11.0.0.1")).await, Ok(Code::AddressNotAllowed));
    assert_eq!(from(1, Some("::ffff:10.0.0.1")).await, Ok(Code::Valid));

    freed.conditions.addresses.clear();
    freed.version += 1;
    verifier.apply(Snapshot { position: 2, tokens: vec![freed], ..Snapshot::default() });
    assert_eq!(from(1, None).await, Ok(Code::Valid));
    assert_eq!(shelf.reads(), 0);
}

#[tokio::test]
async fn a_verdict_is_of_the_latest_time_that_it_may_be_and_a_beginning_of_the_earliest() {
    let shelf = Shelf::new(Snapshot::default());
    let verifier = verifier(&shelf, Options::default());
    let (later, end) = (NOW.plus_micros(5), NOW.plus_micros(9));
    let mut rows = snapshot(1, 0..1);
    rows.tokens[0].life.not_before = Some(later);
    rows.tokens[0].life.expires_at = Some(end);
    load(&verifier, rows);
    let within = async |earliest, latest| {
        let now = || Moment { earliest, latest };
        let told = |verdict: &domain::admit::Verdict<'_>, at| (verdict.code, at);
        verifier.verify(&presented(0), &Ask::default(), Origin::LOOK, now, told).await.unwrap()
    };
    assert_eq!(within(NOW, later).await, (Code::NotYetValid, later));
    assert_eq!(within(later, later.next()).await, (Code::Valid, later.next()));
    assert_eq!(within(later, end).await, (Code::Expired, end));
}

#[tokio::test]
async fn a_text_whose_id_is_not_the_rows_is_no_token() {
    let shelf = Shelf::new(Snapshot::default());
    let verifier = verifier(&shelf, Options::default());
    load(&verifier, snapshot(1, 0..2));
    let forged = Presented::Ours { id: token_id(1), digest: digest(0) };
    assert_eq!(ask(&verifier, &forged).await, Ok(Code::NotFound));
    let foreign = Presented::Foreign { digest: digest(0) };
    assert_eq!(ask(&verifier, &foreign).await, Ok(Code::Valid), "a foreign text names no id");
}

#[tokio::test]
async fn a_service_key_is_known_to_services_and_nobodys_token() {
    let shelf = Shelf::new(snapshot(1, 0..1));
    let verifier = verifier(&shelf, Options::default());
    assert_eq!(ask(&verifier, &service_key(0)).await, Ok(Code::NotFound));
    assert_eq!(shelf.reads(), 0, "nothing is read for it");

    let known = verifier.service(&service_key(0)).await.unwrap().unwrap();
    assert_eq!(known.scopes, [Scope::Verify]);
    assert_eq!(verifier.service(&service_key(1)).await, Ok(None));
    assert_eq!(verifier.service(&presented(0)).await, Ok(None), "a token is no service key");
    assert_eq!(shelf.reads(), 2);

    let mut revoked = service(0);
    revoked.revoked_at = Some(NOW);
    revoked.version = 2;
    verifier.apply(Snapshot { position: 2, services: vec![revoked], ..Snapshot::default() });
    assert_eq!(verifier.service(&service_key(0)).await, Ok(None));
    load(&verifier, snapshot(1, 0..0));
    assert_eq!(verifier.service(&service_key(0)).await, Ok(None), "an older row changes nothing");
}

#[tokio::test]
async fn a_service_that_got_a_new_key_is_not_found_by_the_old_one() {
    let shelf = Shelf::new(Snapshot { position: 2, ..Snapshot::default() });
    let verifier = verifier(&shelf, Options::default());
    load(&verifier, snapshot(1, 0..0));
    let mut rekeyed = service(0);
    rekeyed.digest = service(1).digest;
    rekeyed.version = 2;
    verifier.apply(Snapshot { position: 2, services: vec![rekeyed], ..Snapshot::default() });
    assert_eq!(verifier.service(&service_key(0)).await, Ok(None));
}

#[tokio::test]
async fn a_permission_that_a_commit_added_is_known_with_it() {
    let shelf = Shelf::new(Snapshot::default());
    let verifier = verifier(&shelf, Options::default());
    let before = verifier.registry();
    let mut rows = snapshot(1, 0..1);
    rows.tokens[0].grant = Grant::List(PermissionSet::of(28));
    rows.accounts[0].roles[0].permissions = PermissionSet::of(28);
    rows.permissions = vec![(28, "devices:read".into())];
    verifier.apply(rows);

    let needed = Requirement::One("devices:read".into());
    let demand = Ask { requirement: Some(&needed), ..Ask::default() };
    let code =
        verifier.verify(&presented(0), &demand, Origin::LOOK, || NOW.into(), |verdict, _| verdict.code).await;
    assert_eq!(code, Ok(Code::Valid));
    assert!(verifier.registry().find("devices:read").is_some());
    assert!(before.find("devices:read").is_none(), "who holds the old registry keeps it");

    let told_again = (0..).zip(verifier.registry().names().to_vec()).collect();
    load(&verifier, Snapshot { permissions: told_again, ..Snapshot::default() });
    assert_eq!(verifier.registry().names().len(), 29);
    verifier.apply(Snapshot { permissions: vec![(40, "gap:read".into())], ..Snapshot::default() });
    assert!(verifier.registry().find("gap:read").is_none());
}

#[tokio::test]
async fn a_purged_token_leaves_and_is_read_for_afresh() {
    let shelf = Shelf::new(Snapshot { position: 2, ..Snapshot::default() });
    let verifier = verifier(&shelf, Options::default());
    load(&verifier, snapshot(1, 0..100));
    let purged: Vec<_> = (0..50).map(token_id).collect();
    verifier.forget(&purged);
    assert_eq!(verifier.resident(), 50);
    assert_eq!(ask(&verifier, &presented(3)).await, Ok(Code::NotFound));
    assert_eq!(ask(&verifier, &presented(70)).await, Ok(Code::Valid));
}

#[tokio::test]
async fn a_verdict_after_a_panic_in_a_change_is_undetermined() {
    let shelf = Shelf::new(snapshot(1, 0..1));
    let verifier = verifier(&shelf, Options::default());
    load(&verifier, snapshot(1, 0..1));
    let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        verifier.change(|_| panic!("half-way"));
    }));
    assert!(broken.is_err());
    verifier.apply(Snapshot::default());
    assert_eq!(ask(&verifier, &presented(0)).await, Err(Undetermined));
    assert_eq!(ask(&verifier, &presented(1)).await, Err(Undetermined));
    assert_eq!(verifier.service(&service_key(0)).await, Err(Undetermined));
    assert_eq!(verifier.registry().names().len(), 28);
}

#[tokio::test]
async fn a_render_that_panics_spoils_nothing_for_others() {
    let shelf = Shelf::new(Snapshot::default());
    let verifier = verifier(&shelf, Options::default());
    load(&verifier, snapshot(1, 0..1));
    let panicking = Arc::clone(&verifier);
    let task = tokio::spawn(async move {
        let render = |_: &domain::admit::Verdict<'_>, _| panic!("cannot render");
        panicking.verify(&presented(0), &Ask::default(), Origin::LOOK, || NOW.into(), render).await
    });
    assert!(task.await.is_err());
    verifier.apply(snapshot(2, 1..2));
    assert_eq!(ask(&verifier, &presented(1)).await, Ok(Code::Valid));
}
