//! The judges of `kill.rs` are judged themselves: a truthful history passes, and each lie is caught.

use std::collections::BTreeMap;

use e2e::history::{Ask, Evidence, Operation, Outcome, Seen, faults};
use e2e::journal::{Head, chain_faults, forge};

const A: &str = "pat_aaaaaaaaaaaa";
const B: &str = "pat_bbbbbbbbbbbb";

/// Alpha is created, edited, verified, rotated into beta; beta is revoked, and refused.
fn truth() -> Evidence {
    let create = Ask::Create { name: "alpha".into() };
    let edit = Ask::Edit { token: A.into(), description: "first".into() };
    let operations = vec![
        done(create, 1, 2, Outcome::Made(A.into())),
        done(edit, 3, 4, Outcome::Done),
        done(verify(A), 5, 6, Outcome::Verdict("valid".into())),
        done(Ask::Rotate { token: A.into() }, 7, 8, Outcome::Made(B.into())),
        done(verify(B), 9, 10, Outcome::Verdict("valid".into())),
        done(Ask::Revoke { token: B.into() }, 11, 13, Outcome::Done),
        // It began before the revocation was answered: either verdict is true.
        done(verify(B), 12, 14, Outcome::Verdict("valid".into())),
        done(verify(B), 15, 16, Outcome::Verdict("revoked".into())),
        done(Ask::Create { name: "lost".into() }, 17, 18, Outcome::Unknown),
    ];
    let seen = |code: &str| Seen { code: code.into(), description: Some(Some("first".into())) };
    // It was given the description of the one before it.
    let beta = seen("revoked");
    let (journal, _) = forge(&[
        ("token.created", A, r#"{"name":"alpha"}"#),
        ("token.edited", A, "{}"),
        ("token.rotated", A, "{}"),
        ("token.revoked", B, "{}"),
        ("token.created", "pat_cccccccccccc", r#"{"name":"lost"}"#),
    ]);
    Evidence {
        operations,
        seen: BTreeMap::from([(A.into(), seen("revoked")), (B.into(), beta)]),
        journal,
        several: false,
    }
}

fn verify(token: &str) -> Ask {
    Ask::Verify { token: token.into() }
}

fn done(ask: Ask, begun: usize, ended: usize, outcome: Outcome) -> Operation {
    Operation { ask, begun, ended: Some((ended, outcome)) }
}

#[track_caller]
fn caught(lie: impl FnOnce(&mut Evidence), by: &str) {
    let mut evidence = truth();
    lie(&mut evidence);
    let found = faults(&evidence);
    assert!(found.iter().any(|fault| fault.contains(by)), "expected `{by}` among {found:#?}");
}

#[test]
fn a_truthful_history_is_believed() {
    assert_eq!(faults(&truth()), Vec::<String>::new());
}

#[test]
fn an_acknowledged_token_that_is_gone_is_caught() {
    caught(|it| it.seen.get_mut(A).unwrap().code = "not_found".into(), "is gone");
    caught(|it| drop(it.seen.remove(A)), "nobody looked for it");
    caught(|it| drop(it.journal.remove(0)), "does not hold this once");
}

#[test]
fn a_revoked_token_that_verifies_is_caught() {
    caught(|it| it.seen.get_mut(B).unwrap().code = "valid".into(), "was revoked at 13 and verified");
    caught(|it| it.operations[7].ended = Some((16, Outcome::Verdict("valid".into()))), "verified at 15");
    caught(|it| it.seen.get_mut(A).unwrap().code = "valid".into(), "was rotated at 8 and verified");
}

#[test]
fn of_several_processes_one_may_be_ahead_until_somebody_is_told_or_all_have_heard() {
    let mut ahead = truth();
    ahead.several = true;
    // Refused by one and good at another, while the revocation was not answered.
    ahead.operations[5].ended = Some((40, Outcome::Done));
    ahead.operations.push(done(verify(B), 17, 19, Outcome::Verdict("valid".into())));
    assert_eq!(faults(&ahead), Vec::<String>::new());
    ahead.several = false;
    assert_eq!(faults(&ahead).len(), 1, "one process never takes it back: {:#?}", faults(&ahead));

    let several = |forge: &dyn Fn(&mut Evidence)| {
        let forge = |it: &mut Evidence| {
            it.several = true;
            forge(it);
        };
        caught(forge, "verified");
    };
    several(&|it| it.operations[7].ended = Some((16, Outcome::Verdict("valid".into()))));
    several(&|it| it.seen.get_mut(B).unwrap().code = "valid".into());
}

#[test]
fn a_revocation_of_which_nobody_heard_counts_once_the_journal_has_it_or_a_verdict_told_of_it() {
    let silent = |it: &mut Evidence| {
        it.operations[5].ended = Some((13, Outcome::Unknown));
        it.seen.get_mut(B).unwrap().code = "valid".into();
    };
    caught(silent, "the journal says");
    caught(silent, "was refused at 16 and verified again");
    // Without either it may as well not have happened.
    let mut evidence = truth();
    silent(&mut evidence);
    evidence.operations.remove(7);
    evidence.journal.remove(3);
    assert_eq!(faults(&evidence), Vec::<String>::new());
}

#[test]
fn a_good_token_that_is_refused_is_caught() {
    caught(|it| it.operations[2].ended = Some((6, Outcome::Verdict("revoked".into()))), "was good");
    caught(|it| it.operations[4].ended = Some((10, Outcome::Verdict("not_found".into()))), "was good");
}

#[test]
fn an_edit_that_is_lost_or_made_up_is_caught() {
    let described = |it: &mut Evidence, text: Option<&str>| {
        it.seen.get_mut(A).unwrap().description = Some(text.map(str::to_owned));
    };
    caught(|it| described(it, None), "which is none of");
    caught(|it| described(it, Some("never said")), "which is none of");
    caught(|it| drop(it.journal.remove(1)), "journalled 0 times");
    caught(|it| it.seen.get_mut(B).unwrap().description = Some(None), "which is none of");
    // An edit of unknown fate may show or not.
    for shown in ["first", "second"] {
        let mut evidence = truth();
        let edit = Ask::Edit { token: A.into(), description: "second".into() };
        evidence.operations.insert(2, Operation { ask: edit, begun: 5, ended: Some((6, Outcome::Unknown)) });
        described(&mut evidence, Some(shown));
        evidence.seen.get_mut(B).unwrap().description = Some(Some(shown.into()));
        assert_eq!(faults(&evidence), Vec::<String>::new(), "{shown}");
    }
}

#[test]
fn an_effect_that_happened_twice_or_was_refused_or_never_asked_for_is_caught() {
    caught(|it| it.journal.push(it.journal[4].clone()), "journalled 2 times");
    caught(
        |it| it.operations[8].ended = Some((18, Outcome::Refused("conflict".into()))),
        "refused and journalled",
    );
    caught(|it| drop(it.operations.remove(5)), "nobody asked for that");
}

#[test]
fn a_chain_that_was_tampered_with_is_caught() {
    let said = [
        ("token.created", A, r#"{"name":"alpha"}"#),
        ("token.edited", A, "{}"),
        ("token.revoked", A, r#"{"reason":null}"#),
    ];
    let (entries, head) = forge(&said);
    assert_eq!(chain_faults(&Head::genesis(), &entries, &head), Vec::<String>::new());
    let broken = |lie: &dyn Fn(&mut Vec<e2e::journal::Entry>, &mut Head)| {
        let (mut entries, mut head) = (entries.clone(), head.clone());
        lie(&mut entries, &mut head);
        assert_ne!(chain_faults(&Head::genesis(), &entries, &head), Vec::<String>::new());
    };
    broken(&|entries, _| drop(entries.remove(1)));
    broken(&|entries, _| entries.swap(0, 1));
    broken(&|entries, _| entries[1].payload = Some(r#"{"name":"mallory"}"#.into()));
    broken(&|entries, _| entries[1].actor = "mem_zzzzzzzzzzzz".into());
    broken(&|entries, _| entries[1].account = None);
    broken(&|entries, _| entries[1].at += 1);
    broken(&|entries, _| entries[1].salt = None);
    broken(&|entries, _| entries[1].entry_hash[0] ^= 1);
    broken(&|entries, _| entries[1].hash[31] ^= 1);
    broken(&|entries, _| drop(entries.pop()));
    broken(&|_, head| head.hash[0] ^= 1);
    // Rewritten from here to the end, as somebody could who holds the file: the end gives it away to
    // whoever remembers it.
    let (rewritten, other) = forge(&[said[0], ("token.edited", A, r#"{"x":1}"#), said[2]]);
    assert_eq!(chain_faults(&Head::genesis(), &rewritten, &other), Vec::<String>::new());
    assert_ne!(chain_faults(&Head::genesis(), &rewritten, &head), Vec::<String>::new());
    // A payload may be erased with its salt, and the chain still holds.
    let mut erased = entries.clone();
    (erased[1].payload, erased[1].salt) = (None, None);
    assert_eq!(chain_faults(&Head::genesis(), &erased, &head), Vec::<String>::new());
}
