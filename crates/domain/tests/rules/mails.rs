//! Who is told of which end, and when: exactly once for each token, lead and reader, whatever happens to
//! tokens, people and clocks meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use domain::facts::{Account, Grant, Holder, Life, Token};
use domain::ids::{HolderId, MemberId};
use domain::life::State;
use domain::mail::Notice;
use domain::notices::{self, Audience, Told};
use domain::policy::{self, OnInactive};
use domain::time::{DAY, Timestamp};
use proptest::prelude::*;
use token::{Brand, Kind, TokenId, TokenText};

use super::world::{World, at, named, period, seeded};

const HOUR: i64 = 3600 * 1_000_000;

/// An outbox that keeps what was told, as the store does, run by hand.
#[derive(Default)]
struct Outbox {
    told: Told,
    /// Every notice as it was given, in order.
    given: Vec<(Timestamp, MemberId, Notice)>,
    /// How many mails each run sent to each reader.
    mails: BTreeMap<(Timestamp, MemberId), usize>,
}

impl Outbox {
    /// One run of the work that looks for what is due.
    fn run<'a>(
        &mut self,
        account: &Account,
        holders: &BTreeMap<HolderId, Holder>,
        tokens: impl Iterator<Item = &'a Token>,
        now: Timestamp,
    ) {
        let Some(lens) = notices::lens_of_mail(account, now) else { return };
        let mut due = Vec::new();
        for token in tokens {
            let holder = &holders[&token.holder];
            let found = lens.state(token.id.kind, &token.life, &holder.standing) == State::Expiring;
            let notice = notices::notice(account, holder, token, now);
            assert!(found || notice.is_none(), "the lens does not find {token:?}");
            due.extend(notice.map(|notice| (token, notice)));
        }
        let audience = Audience::of(account, holders.values());
        for (member, all) in notices::to_tell(&audience, due, &self.told) {
            *self.mails.entry((now, member)).or_default() += 1;
            for notice in all {
                assert!(self.told.insert((member, notice)), "told twice: {notice:?}");
                self.given.push((now, member, notice));
            }
        }
    }
}

/// A world whose members have addresses, and their ids.
fn world() -> World {
    let mut world = World::of("default");
    let owner = world.owner;
    world.set_holder(owner, |holder| holder.email = Some("ada@acme.test".into()));
    world
}

fn join(world: &mut World, name: &str, role: &str) -> HolderId {
    let id = world.join(name, role);
    world.set_holder(id, |holder| {
        holder.email = Some(format!("{name}@acme.test"));
        holder.external_id = Some(name.to_owned());
    });
    id
}

fn member(id: HolderId) -> MemberId {
    match id {
        HolderId::Member(id) => id,
        HolderId::ServiceAccount(_) => panic!("not a member"),
    }
}

fn holders(world: &World) -> BTreeMap<HolderId, Holder> {
    world.holders().map(|holder| (holder.id, holder.clone())).collect()
}

fn run(world: &World, outbox: &mut Outbox) {
    outbox.run(world.account(), &holders(world), world.tokens(), world.now);
}

/// What was told of a token, as days and names.
fn told(world: &World, outbox: &Outbox, token: TokenId) -> BTreeSet<(u32, String)> {
    let of = outbox.given.iter().filter(|(_, _, notice)| notice.token == token);
    of.map(|(_, id, notice)| (notice.days, world.holder(HolderId::Member(*id)).name.clone())).collect()
}

fn set(all: &[(u32, &str)]) -> BTreeSet<(u32, String)> {
    all.iter().map(|(days, name)| (*days, (*name).to_owned())).collect()
}

/// Runs daily for that many days.
fn days(world: &mut World, outbox: &mut Outbox, count: i64) {
    for _ in 0..count {
        world.now = world.now.plus_micros(DAY);
        run(world, outbox);
    }
}

fn token(world: &mut World, holder: HolderId, name: &str, expires_in: &str) -> TokenId {
    let by = world.session(holder);
    let order = domain::lifecycle::Create {
        end: Some(domain::lifecycle::AskedEnd::In(period(expires_in))),
        ..named(name)
    };
    world.create(&by, &order).unwrap()
}

#[test]
fn holder_and_managers_are_told_at_each_lead_and_nobody_twice() {
    let mut world = world();
    let (eve, _) = (join(&mut world, "eve", "Member"), join(&mut world, "uma", "Viewer"));
    let id = token(&mut world, eve, "deploy", "90 days");
    let mut outbox = Outbox::default();
    days(&mut world, &mut outbox, 120);
    let expected = [30, 7, 1].map(|days| [(days, "Ada"), (days, "eve")]).concat();
    assert_eq!(told(&world, &outbox, id), set(&expected));
    assert_eq!(outbox.given.len(), 6);
}

#[test]
fn a_lead_comes_with_the_day_whatever_the_hour_of_the_end() {
    let mut world = world();
    let (early, late) = ("2026-08-30T00:00:00Z", "2026-08-30T23:59:59.999999Z");
    for end in [early, late] {
        let owner = world.owner;
        let id = token(&mut world, owner, end, "80 days");
        world.set_token(id, |token| token.life.expires_at = Some(at(end)));
    }
    let mut outbox = Outbox::default();
    world.now = at("2026-07-30T23:59:59.999999Z");
    run(&world, &mut outbox);
    assert!(outbox.given.is_empty());
    world.now = at("2026-07-31T00:00:00Z");
    run(&world, &mut outbox);
    assert_eq!((outbox.given.len(), outbox.mails.len()), (2, 1), "both in one mail");
}

#[test]
fn leads_that_passed_while_nothing_ran_are_told_once_by_the_nearest() {
    let mut world = world();
    let owner = world.owner;
    let id = token(&mut world, owner, "deploy", "90 days");
    let mut outbox = Outbox::default();
    world.wait("86 days");
    run(&world, &mut outbox);
    assert_eq!(told(&world, &outbox, id), set(&[(7, "Ada")]));
    // A clock that goes back does not bring the lead that nobody was told of.
    world.now = world.now.plus_micros(-20 * DAY);
    days(&mut world, &mut outbox, 60);
    assert_eq!(told(&world, &outbox, id), set(&[(7, "Ada"), (1, "Ada")]));
}

#[test]
fn nothing_is_told_of_what_was_stopped_and_an_end_that_moved_is_told_anew() {
    let mut world = world();
    let owner = world.owner;
    let ids = ["revoked", "deleted", "leaked", "rotated", "extended"]
        .map(|name| token(&mut world, owner, name, "40 days"));
    let mut outbox = Outbox::default();
    days(&mut world, &mut outbox, 12);
    assert_eq!(outbox.given.len(), 5, "30 days before");
    let now = world.now;
    world.set_token(ids[0], |token| token.life.revoked_at = Some(now));
    world.set_token(ids[1], |token| token.life.deleted_at = Some(now));
    world.set_token(ids[2], |token| token.life.leaked_at = Some(now));
    let another = ids[0];
    world.set_token(ids[3], |token| {
        token.life.rotated_to = Some(another);
        token.life.grace_until = Some(now.plus_micros(25 * DAY));
    });
    world.set_token(ids[4], |token| {
        token.life.expires_at = token.life.expires_at.map(|end| end.plus_micros(60 * DAY));
    });
    days(&mut world, &mut outbox, 120);
    for id in &ids[..4] {
        assert_eq!(told(&world, &outbox, *id), set(&[(30, "Ada")]));
    }
    assert_eq!(outbox.given.len(), 5 + 3, "and three of the new end");
    let of_it = outbox.given.iter().filter(|given| given.2.token == ids[4]);
    assert_eq!(of_it.map(|given| given.2.ends_at).collect::<BTreeSet<_>>().len(), 2);
}

#[test]
fn whoever_cannot_or_does_not_want_to_read_is_told_nothing() {
    let mut world = world();
    let names = ["off", "inactive", "removed", "addressless", "invited", "on"];
    let all = names.map(|name| join(&mut world, name, "Admin"));
    let now = world.now;
    world.set_holder(all[0], |holder| holder.mail = Some(false));
    world.set_holder(all[1], |holder| holder.standing.inactive_since = Some(now));
    world.set_holder(all[2], |holder| holder.standing.removed_at = Some(now));
    world.set_holder(all[3], |holder| holder.email = None);
    world.set_holder(all[4], |holder| holder.external_id = None);
    let robot = world.service_account("robot", "Member");
    let by = world.session(world.owner);
    let order = domain::lifecycle::Create { holder: Some(robot), ..named("deploy") };
    let id = world.create(&by, &order).unwrap();
    let end = world.now.plus_micros(6 * DAY);
    world.set_token(id, |token| token.life.expires_at = Some(end));
    let mut outbox = Outbox::default();
    run(&world, &mut outbox);
    assert_eq!(told(&world, &outbox, id), set(&[(7, "Ada"), (7, "on")]));
    // The account's own switch is for those who chose nothing.
    let mut outbox = Outbox::default();
    world.set_holder(all[5], |holder| holder.mail = Some(true));
    world.set_policy(|policy| policy.notices.mail = false);
    run(&world, &mut outbox);
    assert_eq!(told(&world, &outbox, id), set(&[(7, "on")]));
}

#[test]
fn the_issuer_and_a_role_are_told_where_the_policy_says_so() {
    let mut world = world();
    let (eve, uma) = (join(&mut world, "eve", "Member"), join(&mut world, "uma", "Viewer"));
    let id = token(&mut world, eve, "deploy", "6 days");
    world.set_token(id, |token| token.issued_by = uma);
    world.set_policy(|policy| {
        policy.notices.to = vec![policy::Audience::Issuer, policy::Audience::Role("Viewer".into())];
    });
    let mut outbox = Outbox::default();
    run(&world, &mut outbox);
    assert_eq!(told(&world, &outbox, id), set(&[(7, "uma")]));
}

#[test]
fn what_lives_shorter_than_every_lead_is_told_to_nobody() {
    let mut world = world();
    let owner = world.owner;
    let short = token(&mut world, owner, "an hour", "20 hours");
    let day = token(&mut world, owner, "a day", "1 day");
    let mut outbox = Outbox::default();
    run(&world, &mut outbox);
    assert_eq!(told(&world, &outbox, short), set(&[]));
    assert_eq!(told(&world, &outbox, day), set(&[(1, "Ada")]));
}

#[test]
fn a_notice_that_waited_is_sent_only_while_it_is_so() {
    let mut world = world();
    let (eve, now) = (join(&mut world, "eve", "Member"), world.now);
    let id = token(&mut world, eve, "deploy", "6 days");
    let audience_of =
        |world: &World| Audience::of(world.account(), world.holders()).of_token(world.token(id));
    let notice = notices::notice(world.account(), world.holder(eve), world.token(id), now).unwrap();
    let so = |world: &World, now: Timestamp| {
        let audience = Audience::of(world.account(), world.holders());
        notices::still_so(&audience, member(eve), world.holder(eve), world.token(id), &notice, now)
    };
    assert!(audience_of(&world).contains(&member(eve)) && so(&world, now));
    assert!(!so(&world, now.plus_micros(6 * DAY)), "it has ended");
    world.set_token(id, |token| token.life.expires_at = Some(now.plus_micros(60 * DAY)));
    assert!(!so(&world, now), "it was extended");
    world.set_token(id, |token| token.life.expires_at = Some(notice.ends_at));
    assert!(so(&world, now));
    world.set_holder(eve, |holder| holder.mail = Some(false));
    assert!(!so(&world, now), "they want no mail");
    world.set_holder(eve, |holder| {
        holder.mail = None;
        holder.standing.inactive_since = Some(now);
    });
    assert!(!so(&world, now), "they were deactivated");
}

#[test]
fn the_way_out_turns_the_switch_off_once_and_says_so() {
    let world = world();
    let letter = "let_0123456789ab".parse().unwrap();
    let change = notices::leave(world.holder(world.owner), letter, world.now).unwrap();
    assert_eq!(change.entries[0].action.as_str(), "notices.chosen");
    let off = Holder { mail: Some(false), ..world.holder(world.owner).clone() };
    assert!(notices::leave(&off, letter, world.now).is_none());
}

/// A token that was made at one time and ends at another, with what else happened to it.
fn row(sample: &Token, number: u64, holder: HolderId, made: Timestamp, end: Option<Timestamp>) -> Token {
    let text = TokenText::issue(Brand::default(), Kind::Pat, &seeded(number));
    Token {
        id: text.id(),
        holder,
        issued_by: holder,
        grant: Grant::Inherit,
        life: Life::from(made, end),
        ..sample.clone()
    }
}

#[test]
fn a_year_of_daily_runs_over_10_000_tokens_tells_exactly_what_is_expected() {
    let mut world = world();
    let eve = join(&mut world, "eve", "Member");
    world.set_policy(|policy| policy.expiry.max = None);
    let owner = world.owner;
    let sample = token(&mut world, owner, "sample", "1 day");
    let sample = world.token(sample).clone();
    let begin = at("2027-01-01T06:00:00Z");
    let mut tokens = Vec::new();
    let mut expected = Told::new();
    for n in 0..10_000_u64 {
        // Ends are spread over two years by a stride that is prime to them; a fifth never end.
        let end = begin.plus_micros(i64::try_from(n).unwrap() * 7_919 % (730 * 24) * HOUR - 100 * DAY);
        let holder = if n % 2 == 0 { owner } else { eve };
        let made = begin.plus_micros(-400 * DAY);
        let mut token = row(&sample, n, holder, made, (n % 5 != 0).then_some(end));
        match n % 7 {
            3 => token.life.revoked_at = Some(begin),
            4 => token.life.deleted_at = Some(begin),
            _ => {}
        }
        if n % 5 != 0 && !matches!(n % 7, 3 | 4) {
            // By the calendar alone: one run a day at six, so the first at or after the lead's day.
            for (days, nearer) in [(30, Some(7)), (7, Some(1)), (1, None)] {
                let day = |days: i64| (end.as_micros() - end.as_micros().rem_euclid(DAY)) - days * DAY;
                let last = begin.as_micros() + 364 * DAY;
                let from = (day(days) + 6 * HOUR).max(begin.as_micros());
                let until = nearer.map_or(end.as_micros(), |nearer: i64| day(nearer).min(end.as_micros()));
                if from < until && from <= last {
                    let days = u32::try_from(days).unwrap();
                    let notice = Notice { token: token.id, ends_at: end, days };
                    expected.insert((member(owner), notice));
                    if holder == eve {
                        expected.insert((member(eve), notice));
                    }
                }
            }
        }
        tokens.push(token);
    }
    let (holders, mut outbox) = (holders(&world), Outbox::default());
    for day in 0..365 {
        outbox.run(world.account(), &holders, tokens.iter(), begin.plus_micros(day * DAY));
    }
    let given: Told = outbox.given.iter().map(|(_, member, notice)| (*member, *notice)).collect();
    assert_eq!(given.len(), outbox.given.len());
    assert!(given == expected, "{} and {}", given.len(), expected.len());
    assert!(outbox.mails.values().all(|mails| *mails == 1), "one mail a run");
    assert!(given.len() > 10_000, "{}", given.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// However the clock jumps, and whatever ran in between: nobody hears the same twice, nothing of what
    /// has ended, and nothing further away than what they heard before.
    #[test]
    fn jumps_of_the_clock_tell_nothing_twice(
        jumps in proptest::collection::vec(-40_i64..60, 1..60),
        ends in proptest::collection::vec(1_i64..200, 1..20),
        longest in proptest::option::of(20_i64..120),
    ) {
        let mut world = world();
        let owner = world.owner;
        let sample = token(&mut world, owner, "sample", "1 day");
        let sample = world.token(sample).clone();
        let begin = world.now;
        world.set_policy(|policy| {
            policy.expiry.max = longest.map(|days| period(&format!("{days} days")));
            policy.on_inactive = OnInactive::Suspend;
        });
        let tokens: Vec<Token> = (0..)
            .zip(&ends)
            .map(|(n, days)| row(&sample, n, owner, begin, Some(begin.plus_micros(days * DAY + 5 * HOUR))))
            .collect();
        let (holders, mut outbox) = (holders(&world), Outbox::default());
        let mut now = begin;
        for jump in jumps {
            now = now.plus_micros(jump * 7 * HOUR);
            outbox.run(world.account(), &holders, tokens.iter(), now);
        }
        for token in &tokens {
            let mut nearest = u32::MAX;
            for (when, _, notice) in outbox.given.iter().filter(|given| given.2.token == token.id) {
                prop_assert!(*when < notice.ends_at);
                prop_assert!(notice.days < nearest, "further away than before");
                nearest = notice.days;
            }
        }
    }
}
