//! Whole lives: what ended stays ended, and no more tokens are good than the policy says.

use std::collections::{BTreeMap, BTreeSet};

use domain::life::State;
use domain::policy::Reach;
use proptest::prelude::*;
use token::TokenId;

use crate::world::steps::{self, Done, Stage, Step, Switch};

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![8 => steps::step(), 1 => steps::switch().prop_map(Step::Policy)];
    prop::collection::vec(step, 1..80)
}

fn stage() -> Stage {
    let mut stage = Stage::new();
    stage.world.set_policy(|policy| policy.reach = Reach::Everything);
    stage
}

/// Deleted, leaked or past the end that it was given: nothing may ever bring it back.
fn is_over(stage: &Stage, id: TokenId) -> bool {
    let life = &stage.world.token(id).life;
    matches!(stage.world.state(id), State::Deleted | State::Leaked | State::Rotated)
        || life.expires_at.is_some_and(|end| stage.world.now >= end)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_revives_a_token_that_was_deleted_leaked_replaced_or_has_expired(steps in steps()) {
        let mut stage = stage();
        let mut over = BTreeSet::new();
        for step in &steps {
            stage.take(step);
            for &id in &stage.tokens {
                let good = stage.world.verify(id).as_str() == "valid";
                prop_assert!(!(good && over.contains(&id)), "{id} came back by {step:?}");
                if is_over(&stage, id) {
                    prop_assert!(!good);
                    over.insert(id);
                }
            }
        }
    }

    #[test]
    fn a_revoked_token_comes_back_only_when_a_manager_approves_it(steps in steps()) {
        let mut stage = stage();
        for step in &steps {
            let revoked: Vec<TokenId> =
                stage.tokens.iter().copied().filter(|id| stage.world.state(*id) == State::Revoked).collect();
            let done = stage.take(step);
            for id in revoked {
                if matches!(stage.world.state(id), State::Revoked | State::Deleted | State::Leaked) {
                    continue;
                }
                match &done {
                    Some(Done::Approved(by, approved)) => {
                        prop_assert_eq!(*approved, id);
                        prop_assert!(by.manages() && by.holder.is_active());
                        prop_assert!(stage.world.token(id).life.expires_at.is_none_or(|end| stage.world.now < end));
                        prop_assert!(stage.world.holder(stage.world.token(id).holder).is_active());
                    }
                    _ => prop_assert!(false, "{id} came back by {step:?}"),
                }
            }
        }
    }

    #[test]
    fn a_pending_token_becomes_good_only_when_a_manager_approves_it(steps in steps()) {
        let mut stage = stage();
        for step in &steps {
            let pending: Vec<TokenId> =
                stage.tokens.iter().copied().filter(|id| stage.world.state(*id) == State::Pending).collect();
            let done = stage.take(step);
            for id in pending {
                if stage.world.state(id).is_good() {
                    prop_assert!(matches!(&done, Some(Done::Approved(by, _)) if by.manages()), "{step:?}");
                }
            }
        }
    }

    #[test]
    fn no_more_tokens_take_a_place_than_the_limit_has(steps in steps()) {
        const MAX: u32 = 3;
        let mut stage = stage();
        stage.world.set_policy(|policy| policy.limit.as_mut().expect("the default has one").max = MAX);
        for step in &steps {
            // A longer `max` makes room in time that people had used already; it is the policy's doing.
            if matches!(step, Step::Policy(Switch::Max(_))) {
                continue;
            }
            stage.take(step);
            let mut taken: BTreeMap<_, u32> = BTreeMap::new();
            for &id in &stage.tokens {
                let counts = matches!(
                    stage.world.state(id),
                    State::Active | State::Expiring | State::Pending | State::Suspended
                );
                let token = stage.world.token(id);
                if counts && token.life.rotated_to.is_none() {
                    *taken.entry(token.holder).or_default() += 1;
                }
            }
            prop_assert!(taken.values().all(|taken| *taken <= MAX), "{taken:?} after {step:?}");
        }
    }

    #[test]
    fn whoever_is_gone_has_no_login_and_no_good_token(steps in steps()) {
        let mut stage = stage();
        for step in &steps {
            stage.take(step);
            for token in stage.world.tokens() {
                let standing = stage.world.holder(token.holder).standing;
                if standing.removed_at.is_some() {
                    prop_assert!(!stage.world.state(token.id).is_good(), "on_remove is delete");
                }
                if token.id.kind == token::Kind::Ses && standing.inactive_since.is_some() {
                    prop_assert!(!stage.world.state(token.id).is_good(), "whatever on_inactive says");
                }
            }
        }
    }
}
