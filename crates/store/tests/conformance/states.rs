//! The states that SQL tells apart are the states of `domain::life`.

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

/// 2027-02-05T00:00:00Z: the ends of February, March and April are ahead.
const BASE: i64 = 400 * DAY;

#[derive(Clone, Debug)]
struct Case {
    on_inactive: OnInactive,
    longest: Option<&'static str>,
    notices: Vec<u32>,
    closed: bool,
    /// After [`BASE`].
    now: i64,
    standings: Vec<Standing>,
    tokens: Vec<(usize, Kind, Life)>,
    counted: Vec<Counted>,
}

/// Days that are edges of what the rules compare, at some time of day or a microsecond beside.
fn moment() -> impl Strategy<Value = Timestamp> {
    let edges = vec![-365, -90, -31, -30, -29, -28, -7, -1, 0, 1, 7, 14, 28, 29, 30, 31, 365];
    (select(edges), 0i64..60, select(vec![0, DAY / 3, DAY / 2]), -1i64..=1)
        .prop_map(|(edge, day, hour, beside)| at(BASE + (edge + day) * DAY + hour + beside))
}

fn maybe() -> impl Strategy<Value = Option<Timestamp>> {
    prop::option::weighted(0.35, moment())
}

fn life() -> impl Strategy<Value = Life> {
    let rare = || prop::option::weighted(0.1, moment());
    let rotated = prop::bool::weighted(0.2);
    let approved = prop::option::weighted(0.8, moment());
    (moment(), maybe(), approved, rare(), rare(), (rotated, maybe()), rare()).prop_map(
        |(created_at, expires_at, approved_at, revoked_at, leaked_at, (rotated, grace_until), deleted_at)| {
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

fn standing() -> impl Strategy<Value = Standing> {
    let rare = || prop::option::weighted(0.15, moment());
    (maybe(), maybe(), maybe(), rare(), rare()).prop_map(
        |(inactive_since, approve_after, revoked_before, removed_at, tokens_deleted_at)| Standing {
            inactive_since,
            approve_after,
            revoked_before,
            removed_at,
            tokens_deleted_at,
        },
    )
}

fn case() -> impl Strategy<Value = Case> {
    let every =
        vec![Counted::Active, Counted::Pending, Counted::Suspended, Counted::Revoked, Counted::Expired];
    (
        select(vec![OnInactive::Keep, OnInactive::Suspend]),
        select(vec![None, Some("30 days"), Some("1 month"), Some("1 year")]),
        subsequence(vec![1, 7, 14, 30], 0..=2),
        prop::bool::weighted(0.1),
        (0i64..60, select(vec![0, DAY / 3, DAY / 2])).prop_map(|(day, hour)| day * DAY + hour),
        vec(prop_oneof![Just(Standing::default()), standing()], 3),
        vec((0usize..3, select(vec![Kind::Pat, Kind::Pat, Kind::Sat, Kind::Ses, Kind::Rft]), life()), 1..12),
        subsequence(every, 1..=5),
    )
        .prop_map(|(on_inactive, longest, notices, closed, now, standings, tokens, counted)| Case {
            on_inactive,
            longest,
            notices,
            closed,
            now,
            standings,
            tokens,
            counted,
        })
}

pub(crate) async fn lists_and_counts_see_the_states_that_the_rules_see<B: Backend>(world: World<B>) {
    let cases = Config { cases: 200, failure_persistence: None, ..Config::default() };
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

    let now = at(BASE + case.now);
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
