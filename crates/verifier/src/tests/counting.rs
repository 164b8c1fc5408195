//! Uses are counted once each, whoever asks, and never lost.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::admit::Ask;
use domain::facts::Snapshot;
use domain::ids::ServiceId;
use domain::time::Timestamp;
use domain::usage::{By, OTHER, TOLD_APART, Usage, day};
use proptest::prelude::*;

use super::sample::*;
use crate::usage::Counters;
use crate::{Options, Origin, Verifier};

/// Admitted and refused by token, day and who it was.
type Sums = BTreeMap<(token::TokenId, i32, By), (u64, u64)>;

fn sums(usage: &[Usage]) -> Sums {
    let mut sums = Sums::new();
    for usage in usage {
        for count in &usage.counts {
            let sum = sums.entry((usage.token, count.day, count.by.clone())).or_default();
            sum.0 += count.admitted;
            sum.1 += count.refused;
        }
    }
    sums
}

fn loaded() -> Arc<Verifier> {
    let verifier = verifier(&Shelf::new(Snapshot::default()), Options::default());
    let mut rows = snapshot(1, 0..4);
    rows.tokens[3] = revoked(rows.tokens[3].clone());
    load(&verifier, rows);
    verifier
}

async fn use_token(verifier: &Verifier, n: u64, origin: Origin<'_>, at: Timestamp) {
    let _ = verifier.verify(&presented(n), &Ask::default(), origin, || at.into(), |_, _| ()).await;
}

#[tokio::test]
async fn a_use_is_told_with_its_day_its_address_and_who_asked() {
    let verifier = loaded();
    let gateway = service(0).id;
    let origin = Origin { service: Some(gateway), address: Some("192.0.2.7"), counted: true };
    use_token(&verifier, 0, origin, NOW).await;
    use_token(&verifier, 3, origin, NOW).await;
    use_token(&verifier, 99, origin, NOW).await;
    use_token(&verifier, 1, Origin { counted: false, ..origin }, NOW).await;

    let mut told = verifier.take_usage();
    told.sort_by_key(|usage| usage.token);
    assert_eq!(told.len(), 2, "what is not there, and a look, are no uses");
    assert_eq!(told[0].last, Some((NOW, Some("192.0.2.7".to_owned()))));
    assert_eq!(told[1].last, None, "a refused use is not the last use");
    let whom = [By::All, By::Address("192.0.2.7".into()), By::Service(gateway.to_string())];
    for (n, expected) in [(0, (1, 0)), (3, (0, 1))] {
        for by in whom.clone() {
            assert_eq!(sums(&told)[&(token_id(n), day(NOW), by)], expected);
        }
    }
    assert_eq!(verifier.take_usage(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn counts_sum_up_to_what_was_done_while_others_take_and_give_back() {
    let verifier = loaded();
    let mut uses = tokio::task::JoinSet::new();
    for user in 0..8u64 {
        let verifier = Arc::clone(&verifier);
        uses.spawn(async move {
            let address = format!("192.0.2.{user}");
            let origin = Origin { service: None, address: Some(&address), counted: true };
            for _ in 0..2_000 {
                use_token(&verifier, user % 4, origin, NOW).await;
            }
        });
    }
    let mut written = Vec::new();
    let mut flush = 0;
    while !uses.is_empty() {
        let taken = verifier.take_usage();
        flush += 1;
        if flush % 2 == 0 {
            written.extend(taken)
        } else {
            verifier.give_back(taken)
        }
        while let Some(done) = uses.try_join_next() {
            done.unwrap();
        }
        tokio::task::yield_now().await;
    }
    written.extend(verifier.take_usage());
    let sums = sums(&written);
    for n in 0..4 {
        let one = |uses| if n == 3 { (0, uses) } else { (uses, 0) };
        assert_eq!(sums[&(token_id(n), day(NOW), By::All)], one(4_000));
        for user in [n, n + 4] {
            let by = By::Address(format!("192.0.2.{user}"));
            assert_eq!(sums[&(token_id(n), day(NOW), by)], one(2_000));
        }
    }
}

#[test]
fn addresses_beyond_the_bound_of_a_token_are_counted_together() {
    let counters = Counters::new(10);
    for n in 0..100 {
        let address = format!("2001:db8::{n}");
        let origin = Origin { service: None, address: Some(&address), counted: true };
        counters.count(token_id(0), true, NOW, &origin);
    }
    let long = "x".repeat(10_000);
    counters.count(token_id(1), true, NOW, &Origin { service: None, address: Some(&long), counted: true });
    let sums = sums(&counters.take());
    assert_eq!(sums[&(token_id(0), day(NOW), By::Address(OTHER.into()))], (100 - TOLD_APART as u64, 0));
    assert_eq!(sums[&(token_id(0), day(NOW), By::All)], (100, 0));
    assert_eq!(sums[&(token_id(1), day(NOW), By::Address(OTHER.into()))], (1, 0));
    assert_eq!(sums.len(), 1 + 1 + TOLD_APART + 2);
}

#[test]
fn tokens_beyond_the_bound_are_counted_without_detail_until_the_next_taking() {
    let counters = Counters::new(2);
    let origin = Origin { service: Some(service(0).id), address: Some("192.0.2.1"), counted: true };
    let detailed = |counters: &Counters| {
        (0..10).for_each(|n| counters.count(token_id(n), true, NOW, &origin));
        let usage = counters.take();
        assert!(usage.iter().all(|usage| usage.last == Some((NOW, Some("192.0.2.1".to_owned())))));
        let sums = sums(&usage);
        assert_eq!(sums.iter().filter(|((_, _, by), _)| *by == By::All).count(), 10);
        sums.keys().filter(|(_, _, by)| *by == By::Address("192.0.2.1".into())).count()
    };
    assert_eq!(detailed(&counters), 2);
    assert_eq!(detailed(&counters), 2);
}

proptest! {
    /// Whatever is done, the addresses of a day add up to the uses that named one, the same for
    /// services, and giving back what was taken changes no sum.
    #[test]
    fn nothing_is_lost_by_bounds_or_by_giving_back(
        uses in prop::collection::vec((0..6u64, any::<bool>(), 0..3i64, 0..40u64, 0..40u64), 0..400),
        bound in 0..8usize,
        back in prop::collection::vec(0..400usize, 0..5),
    ) {
        let counters = Counters::new(bound);
        let mut expected: BTreeMap<(token::TokenId, i32), [(u64, u64); 3]> = BTreeMap::new();
        let mut last: BTreeMap<token::TokenId, Timestamp> = BTreeMap::new();
        for (step, (n, admitted, days, address, asker)) in uses.into_iter().enumerate() {
            let at = NOW.plus_micros(days * 24 * 3_600_000_000);
            let address = (address > 0).then(|| format!("10.0.0.{address}"));
            let asker: Option<ServiceId> = (asker > 0).then(|| service(asker).id);
            counters.count(token_id(n), admitted, at, &Origin { service: asker, address: address.as_deref(), counted: true });
            let sums = expected.entry((token_id(n), day(at))).or_default();
            for (sum, counted) in sums.iter_mut().zip([true, address.is_some(), asker.is_some()]) {
                if counted {
                    if admitted { sum.0 += 1 } else { sum.1 += 1 }
                }
            }
            if admitted {
                let last = last.entry(token_id(n)).or_insert(at);
                *last = at.max(*last);
            }
            if back.contains(&step) {
                counters.give_back(counters.take());
            }
        }
        let usage = counters.take();
        let mut told: BTreeMap<(token::TokenId, i32), [(u64, u64); 3]> = BTreeMap::new();
        for ((token, day, by), (admitted, refused)) in sums(&usage) {
            let place = match by { By::All => 0, By::Address(_) => 1, By::Service(_) => 2 };
            let sum = &mut told.entry((token, day)).or_default()[place];
            *sum = (sum.0 + admitted, sum.1 + refused);
        }
        prop_assert_eq!(told, expected);
        let told: BTreeMap<_, _> = usage.iter().filter_map(|usage| Some((usage.token, usage.last.as_ref()?.0))).collect();
        prop_assert_eq!(told, last);
        for usage in &usage {
            let addresses = usage.counts.iter().filter(|count| matches!(&count.by, By::Address(at) if at != OTHER));
            let mut days: BTreeMap<i32, usize> = BTreeMap::new();
            addresses.for_each(|count| *days.entry(count.day).or_default() += 1);
            prop_assert!(days.values().all(|told| *told <= TOLD_APART));
        }
    }
}
