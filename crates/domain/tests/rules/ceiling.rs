//! `ceiling = live`: a token may never do what its holder may not do now.

use domain::grant;
use domain::policy::{Ceiling, Reach};
use proptest::prelude::*;

use crate::world::steps::{self, NAMES, Stage, Step};

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let reach = prop::sample::select(vec![Reach::Resources, Reach::Everything]);
    let other = prop_oneof![
        12 => steps::step(),
        1 => reach.prop_map(|reach| Step::Policy(steps::Switch::Reach(reach))),
    ];
    prop::collection::vec(other, 1..60)
}

fn nobody_outranks_their_holder(stage: &Stage) -> Result<(), TestCaseError> {
    let world = &stage.world;
    for token in world.tokens() {
        let (holder, facts) = (world.holder(token.holder), world.facts(token.id));
        for at in &stage.nodes {
            let may = grant::of_holder(holder, world.account(), at);
            let beyond = facts.rights(at) - may;
            prop_assert!(beyond.is_empty(), "{} at {at}: {:?}", token.id, steps::spelled(stage, beyond));
            for name in NAMES {
                if world.may(token.id, name, at) {
                    prop_assert!(may.contains(world.permissions(&[name])), "{name} at {at}");
                    prop_assert!(
                        token.node.covers(at),
                        "{name} at {at}, but the token is for {}",
                        token.node
                    );
                }
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_token_never_outranks_its_holder_whatever_happens(steps in steps()) {
        let mut stage = Stage::new();
        prop_assert_eq!(stage.world.account().policy.permission.ceiling, Ceiling::Live);
        for step in &steps {
            if stage.take(step).is_some() {
                nobody_outranks_their_holder(&stage)?;
            }
        }
    }

    #[test]
    fn nobody_is_given_a_token_that_reads_as_more_than_its_holder_may(steps in steps()) {
        let mut stage = Stage::new();
        for step in &steps {
            let Some(steps::Done::Created(_, id)) = stage.take(step) else { continue };
            let (world, token) = (&stage.world, stage.world.token(id));
            let holder = world.holder(token.holder);
            for at in stage.nodes.iter().filter(|at| token.node.covers(at)) {
                let whole = grant::of_grant(&token.grant, holder, world.account(), at);
                prop_assert!(grant::of_holder(holder, world.account(), at).contains(whole));
            }
        }
    }
}
