//! What falls due, and who hears of it.

use domain::facts::Token;
use domain::notices::{self, Due};
use domain::policy::{Audience, ExpiryMode};
use domain::refusal::Code;
use token::TokenId;

use crate::world::{World, at, named, period};

fn due(world: &World, id: TokenId) -> Option<Due> {
    let token: &Token = world.token(id);
    notices::due(world.account(), world.holder(token.holder), token, world.now)
}

#[test]
fn a_token_falls_due_by_the_last_notice_before_its_end_and_by_the_badge() {
    let mut world = World::of("default");
    let by = world.session(world.owner);
    let mut order = named("ci");
    order.end = Some(domain::lifecycle::AskedEnd::In(period("90 days")));
    let id = world.create(&by, &order).unwrap();
    let ends_at = world.token(id).life.expires_at.unwrap();
    for (days_left, expected) in [
        (31, None),
        (30, Some((Some(30), false))),
        (8, Some((Some(30), false))),
        (7, Some((Some(7), true))),
        (1, Some((Some(1), true))),
    ] {
        world.now = ends_at.minus(&period(&format!("{days_left} days")));
        let told = due(&world, id).map(|due| (due.notice, due.marked));
        assert_eq!(told, expected, "{days_left} days before");
        // The lens finds what the rule tells, no more and no less.
        let lens = notices::lens(world.account(), world.now).unwrap();
        assert_eq!(lens.soon.is_some_and(|soon| ends_at <= soon), expected.is_some());
    }
    world.now = ends_at;
    assert_eq!(due(&world, id), None, "what has ended does not fall due");
}

#[test]
fn a_badge_counts_from_further_away_than_any_notice_and_a_longest_life_ends_like_an_end() {
    let mut world = World::of("default");
    world.set_policy(|policy| {
        policy.notices.badge = Some(period("3 months"));
        policy.notices.days = vec![7];
        policy.expiry.modes = vec![ExpiryMode::Never];
        policy.expiry.default = None;
        policy.expiry.max = None;
    });
    let by = world.session(world.owner);
    let id = world.create(&by, &named("for ever")).unwrap();
    world.now = at("2027-03-02T12:00:00Z");
    assert_eq!(due(&world, id), None);
    world.set_policy(|policy| policy.expiry.max = Some(period("1 year")));
    let told = due(&world, id).unwrap();
    assert_eq!((told.ends_at, told.notice, told.marked), (at("2027-06-01T12:00:00Z"), None, true));
    world.set_policy(|policy| policy.notices.badge = None);
    assert_eq!(due(&world, id), None);
    world.set_policy(|policy| {
        policy.notices.days.clear();
        policy.notices.to = Vec::<Audience>::new();
    });
    assert!(notices::lens(world.account(), world.now).is_none(), "nothing ever falls due");
}

#[test]
fn people_choose_their_own_mails_in_person_and_service_accounts_get_none() {
    let mut world = World::of("default");
    let vic = world.join("Vic", "Viewer");
    let in_person = world.session(vic);
    assert!(notices::mails(world.account(), world.holder(vic)), "as the policy says");
    let (chosen, change) = notices::choose(&in_person, Some(false)).unwrap();
    assert!(!notices::mails(world.account(), &chosen));
    world.carry_out_for(&in_person, change).unwrap();
    let again = world.session(vic);
    assert!(notices::choose(&again, Some(false)).unwrap().1.writes.is_empty());
    let (chosen, _) = notices::choose(&again, None).unwrap();
    assert!(notices::mails(world.account(), &chosen));

    let id = world.create(&again, &named("ci")).unwrap();
    let by_token = world.bearer(id);
    assert_eq!(notices::choose(&by_token, Some(false)).unwrap_err().code, Code::Forbidden);
    let robot = world.service_account("robot", "Member");
    assert!(!notices::mails(world.account(), world.holder(robot)));
}
