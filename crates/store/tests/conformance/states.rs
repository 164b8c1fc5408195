//! The states that SQL tells apart, and those that a lens does, are the states of `domain::life`.

use std::collections::BTreeSet;

use domain::change::{Change, Condition, Write};
use domain::facts::{Holder, Standing, Token};
use domain::life::{Lens, Life, State, Surroundings, state};
use domain::policy::{Counted, OnInactive};
use domain::refusal::{Code, Refusal};
use domain::time::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, TestRunner};
use store::{CommitError, TokenQuery};
use token::{Kind, TokenId};

use crate::world::*;

/// 2027-02-05T00:00:00Z.
const BASE: i64 = 400 * DAY;

#[derive(Clone, Debug)]
struct Case {
    on_inactive: OnInactive,
    longest: Option<&'static str>,
    notices: Vec<u32>,
    closed: bool,
    now: i64,
    standings: Vec<Standing>,
    tokens: Vec<(usize, Kind, Life)>,
    counted: Vec<Counted>,
}

/// Moments on the edges of what the rules compare with `now` and with one another: few enough
/// that two of them are often the same, or a microsecond apart.
fn moment(now: i64) -> impl Strategy<Value = Timestamp> {
    let days = vec![-365, -31, -30, -29, -28, -7, -1, 0, 0, 1, 7, 14, 30];
    let hours = vec![0, 0, 0, -8, 8, 20];
    let beside = vec![0, 0, 0, -1, 1];
    (select(days), select(hours), select(beside))
        .prop_map(move |(day, hour, beside)| at(now + day * DAY + hour * DAY / 24 + beside))
}

fn perhaps(now: i64, often: f64) -> impl Strategy<Value = Option<Timestamp>> {
    prop::option::weighted(often, moment(now))
}

fn life(now: i64) -> impl Strategy<Value = Life> {
    let rotated = (prop::bool::weighted(0.25), perhaps(now, 0.8));
    let times = (moment(now), perhaps(now, 0.4), perhaps(now, 0.85));
    let ends = (perhaps(now, 0.05), perhaps(now, 0.05), perhaps(now, 0.05));
    (times, rotated, ends).prop_map(
        |(
            (created_at, expires_at, approved_at),
            (rotated, grace_until),
            (revoked_at, leaked_at, deleted_at),
        )| {
            let rotated_to = rotated.then(|| text(Kind::Pat).id());
            Life {
                created_at,
                not_before: None,
                expires_at,
                approved_at,
                revoked_at,
                leaked_at,
                rotated_to,
                grace_until,
                deleted_at,
            }
        },
    )
}

/// Mostly one thing has happened to a holder; several at once hide one another.
fn standing(now: i64) -> impl Strategy<Value = Standing> {
    let none = Standing::default();
    prop_oneof![
        2 => Just(none),
        2 => moment(now).prop_map(move |at| Standing { inactive_since: Some(at), ..none }),
        3 => moment(now).prop_map(move |at| Standing { approve_after: Some(at), ..none }),
        2 => moment(now).prop_map(move |at| Standing { revoked_before: Some(at), ..none }),
        1 => moment(now).prop_map(move |at| Standing { removed_at: Some(at), ..none }),
        1 => moment(now).prop_map(move |at| Standing { tokens_deleted_at: Some(at), ..none }),
        1 => [perhaps(now, 0.5), perhaps(now, 0.5), perhaps(now, 0.5)].prop_map(
            move |[inactive_since, approve_after, revoked_before]| {
                Standing { inactive_since, approve_after, revoked_before, ..none }
            }
        ),
    ]
}

/// Around the ends of February, March and April 2027, where a month is not a month.
fn present() -> impl Strategy<Value = i64> {
    (select(vec![0, 22, 23, 24, 25, 53, 54, 55, 84]), select(vec![0, DAY / 3, DAY / 2]))
        .prop_map(|(day, hour)| BASE + day * DAY + hour)
}

fn case() -> impl Strategy<Value = Case> {
    let every =
        vec![Counted::Active, Counted::Pending, Counted::Suspended, Counted::Revoked, Counted::Expired];
    let usual = vec![Counted::Active, Counted::Pending, Counted::Suspended];
    let policy = (
        select(vec![OnInactive::Keep, OnInactive::Suspend]),
        select(vec![None, Some("30 days"), Some("1 month"), Some("1 month"), Some("1 year")]),
        subsequence(vec![1, 7, 14, 30], 0..=2),
        prop::bool::weighted(0.05),
        prop_oneof![Just(usual), subsequence(every, 1..=5)],
    );
    (present(), policy).prop_flat_map(|(now, (on_inactive, longest, notices, closed, counted))| {
        let kinds = select(vec![Kind::Pat, Kind::Pat, Kind::Sat, Kind::Ses, Kind::Rft]);
        let tokens = vec((0usize..3, kinds, life(now)), 1..40);
        (vec(standing(now), 3), tokens).prop_map(move |(standings, tokens)| Case {
            on_inactive,
            longest,
            notices: notices.clone(),
            closed,
            now,
            standings,
            tokens,
            counted: counted.clone(),
        })
    })
}

pub(crate) async fn lists_and_counts_see_the_states_that_the_rules_see<B: Backend>(world: World<B>) {
    let cases = Config { cases: 160, failure_persistence: None, ..Config::default() };
    // The runner is not async; the runtime has a thread to spare for it.
    tokio::task::block_in_place(|| {
        let runtime = tokio::runtime::Handle::current();
        let tried = TestRunner::new(cases).run(&case(), |case| runtime.block_on(check(&world, case)));
        tried.unwrap_or_else(|failure| panic!("{failure}"));
    });
}

async fn check<B: Backend>(world: &World<B>, case: Case) -> Result<(), TestCaseError> {
    let mut account = account();
    account.policy.on_inactive = case.on_inactive;
    account.policy.expiry.max = case.longest.map(|text| text.parse().unwrap());
    account.policy.notices.days = case.notices.clone();
    account.inactive_since = case.closed.then(|| at(0));
    let holders: Vec<Holder> =
        case.standings.iter().map(|standing| Holder { standing: *standing, ..member(&account) }).collect();
    let tokens: Vec<Token> = case
        .tokens
        .iter()
        .map(|(holder, kind, life)| Token { life: *life, ..token(&holders[*holder], *kind) })
        .collect();
    let mut writes = vec![Write::InsertAccount(Box::new(account.clone()))];
    writes.extend(holders.iter().cloned().map(Write::InsertHolder));
    writes.extend(tokens.iter().map(insert));
    world.write(writes).await;

    let now = at(case.now);
    let lens = Lens::of(&account, now);
    let holder = |id| holders.iter().find(|holder| holder.id == id).unwrap();
    let seen = |token: &Token| {
        state(&token.life, &Surroundings::of(&account, holder(token.holder), token.id.kind), now)
    };
    for wanted in State::ALL {
        let query = TokenQuery { states: vec![wanted], ..TokenQuery::all(lens, 100) };
        let listed = world.store.tokens(&account.id, query).await.unwrap();
        let listed: BTreeSet<TokenId> = listed.iter().map(|(token, _)| token.id).collect();
        let ruled = tokens.iter().filter(|token| seen(token) == wanted).map(|token| token.id).collect();
        prop_assert_eq!(listed, ruled, "{:?}", wanted);
    }
    for token in &tokens {
        let by_comparing = lens.state(token.id.kind, &token.life, &holder(token.holder).standing);
        prop_assert_eq!(by_comparing, seen(token), "{:?}", token.life);
    }

    for whose in std::iter::once(None).chain(holders.iter().map(|holder| Some(holder.id))) {
        let due = world.store.due(&account.id, whose, &lens, 100).await.unwrap();
        let due: BTreeSet<TokenId> = due.iter().map(|token| token.id).collect();
        let falls_due = |token: &&Token| {
            matches!(token.id.kind, Kind::Pat | Kind::Sat)
                && seen(token) == State::Expiring
                && whose.is_none_or(|whose| whose == token.holder)
        };
        let ruled: BTreeSet<TokenId> = tokens.iter().filter(falls_due).map(|token| token.id).collect();
        prop_assert_eq!(&due, &ruled, "what falls due of {:?}", whose);
        for limit in [1, 100] {
            let count = world.store.count_due(&account.id, whose, &lens, limit).await.unwrap();
            prop_assert_eq!(count, ruled.len().min(limit), "how many fall due of {:?}", whose);
        }
    }

    let takes_a_place = |token: &&Token| {
        matches!(token.id.kind, Kind::Pat | Kind::Sat)
            && token.life.rotated_to.is_none()
            && case.counted.iter().any(|counted| match counted {
                Counted::Active => matches!(seen(token), State::Active | State::Expiring),
                Counted::Pending => seen(token) == State::Pending,
                Counted::Suspended => seen(token) == State::Suspended,
                Counted::Revoked => seen(token) == State::Revoked,
                Counted::Expired => seen(token) == State::Expired,
            })
    };
    let mut scopes = vec![(None, None), (None, tokens.first().map(|token| token.id))];
    scopes.extend(holders.iter().map(|holder| (Some(holder.id), None)));
    for (of, besides) in scopes {
        let counted = tokens
            .iter()
            .filter(takes_a_place)
            .filter(|token| of.is_none_or(|of| token.holder == of) && besides != Some(token.id))
            .count() as u32;
        let fewer = |max| Condition::Fewer {
            account: account.id.clone(),
            holder: of,
            counted: case.counted.clone(),
            max,
            besides,
            lens,
        };
        prop_assert!(!holds(world, fewer(counted)).await, "{counted} are not fewer than {counted}");
        prop_assert!(holds(world, fewer(counted + 1)).await, "{counted} are fewer than one more");
    }
    Ok(())
}

async fn holds<B: Backend>(world: &World<B>, condition: Condition) -> bool {
    let refusal = Refusal::new(Code::LimitReached, "No more.");
    match world.store.commit(Change::default().guard(condition, refusal)).await {
        Ok(_) => true,
        Err(CommitError::Refused(_)) => false,
        Err(other) => panic!("{other:?}"),
    }
}
