//! Time: when a token ends, and that lists and counts by plain comparisons tell the same states.

use domain::admit::{self, Ask, Code};
use domain::facts::Standing;
use domain::life::{self, Lens, Life, State, Surroundings};
use domain::lifecycle::{AskedEnd, Create};
use domain::policy::{ExpiryMode, OnInactive};
use domain::refusal;
use domain::time::{Period, Timestamp};
use proptest::prelude::*;
use rstest::rstest;
use token::{Kind, TokenId};

use crate::world::{World, at, named, period, refused};

fn with(end: Option<AskedEnd>) -> (World, TokenId) {
    let mut world = World::of("default");
    world.set_policy(|policy| {
        policy.expiry.modes = vec![ExpiryMode::Never, ExpiryMode::Date, ExpiryMode::Period];
        policy.expiry.max = None;
    });
    let owner = world.session(world.owner);
    let id = world.create(&owner, &Create { end, ..named("timed") }).unwrap();
    (world, id)
}

#[test]
fn a_token_that_never_expires_is_good_at_the_end_of_the_year_9999() {
    let (mut world, id) = with(Some(AskedEnd::Never));
    world.now = Timestamp::MAX;
    assert_eq!((world.state(id), world.verify(id)), (State::Active, Code::Valid));
}

#[rstest]
#[case::at_once(AskedEnd::In(Period::ZERO))]
#[case::now(AskedEnd::At(at("2026-06-01T12:00:00Z")))]
#[case::a_microsecond_ago(AskedEnd::At(at("2026-06-01T11:59:59.999999Z")))]
#[case::long_ago(AskedEnd::At(Timestamp::MIN))]
fn an_end_that_is_not_in_the_future_is_refused(#[case] end: AskedEnd) {
    let mut world = World::of("default");
    let owner = world.session(world.owner);
    let made = world.create(&owner, &Create { end: Some(end), ..named("timed") });
    refused(made, refusal::Code::InvalidField, "future");
}

#[test]
fn a_lower_maximum_applies_to_tokens_that_exist_at_once() {
    let (mut world, id) = with(Some(AskedEnd::Never));
    let born = world.now;
    world.wait("30 days");
    world.set_policy(|policy| policy.expiry.max = Some(period("40 days")));
    assert_eq!(world.state(id), State::Expiring);
    world.set_policy(|policy| policy.expiry.max = Some(period("30 days")));
    assert_eq!((world.state(id), world.verify(id)), (State::Expired, Code::Expired));
    world.now = born.plus(&period("30 days")).plus_micros(-1);
    assert_eq!(world.verify(id), Code::Valid);
}

#[test]
fn a_maximum_for_tokens_does_not_shorten_a_login() {
    let mut world = World::of("default");
    world.set_policy(|policy| policy.expiry.max = Some(period("1 hour")));
    let session = world.log_in(world.owner).unwrap();
    world.wait("2 hours");
    assert_eq!(world.verify(session), Code::Valid);
    world.wait("7 days");
    assert_eq!(world.verify(session), Code::Expired);
}

#[test]
fn an_expired_login_and_an_expired_token_make_nothing() {
    let (mut world, id) = with(Some(AskedEnd::In(period("1 day"))));
    world.wait("1 day");
    let owner = world.session(world.owner);
    refused(world.rotate(&owner, id, "0 days"), refusal::Code::WrongState, "expired");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_token_is_good_until_just_before_its_end(micros in 1u64..4_000_000_000_000) {
        let (mut world, id) = with(Some(AskedEnd::In(Period::micros(micros))));
        let end = world.token(id).life.expires_at.unwrap();
        prop_assert_eq!(world.now.micros_until(end), i64::try_from(micros).unwrap());
        for (off, code) in [(-1, Code::Valid), (0, Code::Expired), (1, Code::Expired)] {
            world.now = end.plus_micros(off);
            prop_assert_eq!(world.verify(id), code);
        }
    }

    #[test]
    fn a_verdict_is_never_kept_beyond_the_next_change_of_state(
        life in 1u64..20_000, grace in 0u64..20_000, rotated: bool, cache in 0u64..20_000, max in 1u64..20_000,
    ) {
        let ms = |n: u64| Period::micros(n * 1000 + 500);
        let (mut world, id) = with(Some(AskedEnd::In(ms(life))));
        world.set_policy(|policy| {
            policy.cache_ms = cache;
            policy.expiry.max = Some(ms(max));
        });
        let until = world.now.plus(&ms(grace));
        world.set_token(id, |token| {
            token.life.rotated_to = rotated.then_some(token.id);
            token.life.grace_until = Some(until);
        });
        let verdict = admit::admit(world.facts(id), &Ask::default(), world.now.into());
        prop_assert!(verdict.is_valid());
        let kept = verdict.cacheable_for_ms;
        prop_assert!(kept <= cache);
        world.now = world.now.plus_micros(i64::try_from(kept).unwrap() * 1000);
        prop_assert_eq!(world.verify(id), Code::Valid, "kept for {} ms", kept);
    }
}

/// The state as a store tells it: the comparisons of a query over columns that may be null, a
/// comparison with null being false.
fn by_comparison(life: &Life, standing: &Standing, kind: Kind, lens: &Lens) -> State {
    fn le(a: impl Into<Option<Timestamp>>, b: impl Into<Option<Timestamp>>) -> bool {
        matches!((a.into(), b.into()), (Some(a), Some(b)) if a <= b)
    }
    let login = kind == Kind::Ses;
    let time_of_day = |at: Timestamp| at.as_micros() % 86_400_000_000;
    let outlived = |last: Option<Timestamp>, all: Option<Timestamp>| {
        let by_time = |last| time_of_day(life.created_at) <= time_of_day(last);
        !login && le(life.created_at, last) && (le(life.created_at, all) || last.is_some_and(by_time))
    };
    let approved = life.approved_at.unwrap_or(life.created_at);
    if life.deleted_at.is_some() || standing.tokens_deleted_at.is_some() {
        State::Deleted
    } else if life.leaked_at.is_some() {
        State::Leaked
    } else if life.revoked_at.is_some() || le(approved, standing.revoked_before) {
        State::Revoked
    } else if lens.closed
        || ((lens.suspends || login) && standing.inactive_since.is_some())
        || (login && standing.removed_at.is_some())
    {
        State::Suspended
    } else if le(life.expires_at, lens.now) || outlived(lens.outlived, lens.outlived_all) {
        State::Expired
    } else if life.approved_at.is_none() || (life.approved_at < standing.approve_after) {
        State::Pending
    } else if life.rotated_to.is_some() {
        if life.grace_until.is_some() && !le(life.grace_until, lens.now) {
            State::Grace
        } else {
            State::Rotated
        }
    } else if le(life.expires_at, lens.soon) || outlived(lens.soon_outlived, lens.soon_outlived_all) {
        State::Expiring
    } else {
        State::Active
    }
}

/// Around the ends of months, where calendar arithmetic clamps days.
fn a_time() -> impl Strategy<Value = Timestamp> {
    let ends = ["2027-01-31", "2027-02-28", "2028-02-29", "2027-03-01", "2027-04-30", "2027-12-31"];
    let near = (prop::sample::select(ends.to_vec()), -3i64..4, -1i64..2).prop_map(|(day, days, micros)| {
        at(&format!("{day}T00:00:00Z")).plus_micros(days * 86_400_000_000 + micros)
    });
    prop_oneof![2 => near, 1 => (1_780_000_000_000_000i64..1_850_000_000_000_000).prop_map(Timestamp::from_micros)]
}

fn a_length() -> impl Strategy<Value = Period> {
    (0u32..26, 0u32..70, 0u32..30)
        .prop_map(|(months, days, hours)| period(&format!("{months} months {days} days {hours} hours 1 s")))
}

prop_compose! {
    fn a_life()(
        created_at in a_time(),
        expires_at in prop::option::of(a_time()),
        approved_at in prop::option::weighted(0.8, a_time()),
        revoked_at in prop::option::weighted(0.15, a_time()),
        leaked_at in prop::option::weighted(0.05, a_time()),
        deleted_at in prop::option::weighted(0.05, a_time()),
        grace_until in prop::option::of(a_time()),
        rotated in prop::bool::weighted(0.3),
    ) -> Life {
        let heir: TokenId = "pat_0123456789ab".parse().unwrap();
        Life {
            expires_at, approved_at, revoked_at, leaked_at, deleted_at, grace_until,
            rotated_to: rotated.then_some(heir),
            ..Life::from(created_at, None)
        }
    }
}

prop_compose! {
    fn a_standing()(
        inactive_since in prop::option::weighted(0.2, a_time()),
        approve_after in prop::option::weighted(0.3, a_time()),
        revoked_before in prop::option::weighted(0.2, a_time()),
        removed_at in prop::option::weighted(0.1, a_time()),
        tokens_deleted_at in prop::option::weighted(0.05, a_time()),
    ) -> Standing {
        Standing { inactive_since, approve_after, revoked_before, removed_at, tokens_deleted_at }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_store_that_compares_columns_tells_the_same_states(
        lives in prop::collection::vec((a_life(), a_standing(), any::<bool>()), 40),
        max in prop::option::weighted(0.8, a_length()),
        notices in prop::collection::vec(1u32..40, 0..3),
        closed in prop::bool::weighted(0.1),
        suspends: bool,
        micros in -1i64..2,
    ) {
        let world = World::of("default");
        let mut account = world.account().clone();
        account.inactive_since = closed.then_some(world.now);
        account.policy.expiry.max = max;
        account.policy.notices.days = notices;
        account.policy.on_inactive = if suspends { OnInactive::Suspend } else { OnInactive::Keep };
        for (life, standing, login) in &lives {
            let kind = if *login { Kind::Ses } else { Kind::Pat };
            let mut holder = world.holder(world.owner).clone();
            holder.standing = *standing;
            let around = Surroundings::of(&account, &holder, kind);
            // At the very end, and within the first notice of it, as well as anywhere else.
            let end = life.ends_at(max.as_ref());
            let soon = end.map(|end| end.plus_micros(-account.policy.first_notice().unwrap_or(0) * 86_400_000_000));
            for now in [end, soon, life.expires_at, life.grace_until, Some(life.created_at)].into_iter().flatten() {
                let now = now.plus_micros(micros);
                let lens = Lens::of(&account, now);
                prop_assert_eq!(
                    by_comparison(life, standing, kind, &lens),
                    life::state(life, &around, now),
                    "{:?} at {} with {:?} under {:?}", life, now, standing, max
                );
            }
        }
    }
}
