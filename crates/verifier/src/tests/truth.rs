//! Whatever happens in whatever order, the table never answers from an older row than the last
//! one that was applied. Without any of its three rules it does, and this test sees it.

use domain::facts::Snapshot;
use domain::permission::Registry;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use token::Digest;

use super::sample::*;
use crate::table::{Found, Generation, Table};

const TOKENS: u64 = 6;
const HOLDERS: u64 = 2;

#[derive(Clone, Debug)]
enum Step {
    CommitToken(u64),
    CommitHolder(u64),
    CommitAccount,
    /// The oldest commit that was not applied yet.
    Apply,
    BeginRead(Vec<u64>),
    /// One of the reads under way, not in the order of their beginning.
    EndRead(usize),
    /// What the store held at some time.
    Load(usize),
    Purge(u64),
    /// The commits that were not applied yet are missed, and the table is cleared for it.
    Miss,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..TOKENS).prop_map(Step::CommitToken),
        1 => (0..HOLDERS).prop_map(Step::CommitHolder),
        1 => Just(Step::CommitAccount),
        5 => Just(Step::Apply),
        3 => prop::collection::vec(0..TOKENS, 1..3).prop_map(Step::BeginRead),
        3 => (0..4usize).prop_map(Step::EndRead),
        1 => any::<usize>().prop_map(Step::Load),
        1 => (0..TOKENS).prop_map(Step::Purge),
        1 => Just(Step::Miss),
    ]
}

/// A rule that is got round: reads that give themselves out for what they are not.
#[derive(Clone, Copy, PartialEq)]
enum Cheat {
    Honest,
    /// Read later than they were, so that no floor keeps them out.
    Fresh,
    /// Of a higher version than they are, so that no version keeps them out.
    Higher,
    /// Begun since the last clearing, so that no generation keeps them out.
    Timeless,
}

/// The store: versions of every row at every position, 0 for a token that is not there yet. Row
/// names carry the versions, so that a row cannot lie about its age.
#[derive(Clone, Default)]
struct Versions {
    tokens: [i64; TOKENS as usize],
    holders: [i64; HOLDERS as usize],
    account: i64,
}

impl Versions {
    fn rows(&self, position: i64, tokens: &[u64], holders: &[u64], with_account: bool) -> Snapshot {
        let mut account = account(0, self.account);
        account.name = self.account.to_string();
        let holder = |n: u64| {
            let version = self.holders[n as usize];
            let mut row = holder(n, &account, version);
            row.name = version.to_string();
            row
        };
        let token = |n: u64| {
            let version = self.tokens[n as usize];
            let mut row = token(n, &holder(n % HOLDERS), version);
            row.name = version.to_string();
            row
        };
        let there = tokens.iter().copied().filter(|n| self.tokens[*n as usize] > 0);
        Snapshot {
            position,
            tokens: there.map(token).collect(),
            holders: holders.iter().copied().map(holder).collect(),
            accounts: with_account.then(|| account.clone()).into_iter().collect(),
            ..Snapshot::default()
        }
    }
}

fn run(steps: &[Step], max_tokens: usize, cheat: Cheat) -> Result<(), TestCaseError> {
    let mut table = Table::new(max_tokens, Registry::default());
    let first = Versions { holders: [1; HOLDERS as usize], account: 1, ..Versions::default() };
    let mut history = vec![first];
    let mut commits: Vec<Snapshot> = Vec::new();
    let mut applied = 0;
    let mut reads: Vec<(Vec<u64>, Snapshot, Generation)> = Vec::new();
    let (first_generation, mut cleared_at) = (table.generation(), 0);
    let mut purged = [false; TOKENS as usize];
    for step in steps {
        let mut now = history.last().unwrap().clone();
        let position = history.len() as i64;
        match step {
            Step::CommitToken(n) if !purged[*n as usize] => {
                now.tokens[*n as usize] += 1;
                commits.push(now.rows(position, &[*n], &[], false));
                history.push(now);
            }
            Step::CommitHolder(n) => {
                now.holders[*n as usize] += 1;
                commits.push(now.rows(position, &[], &[*n], false));
                history.push(now);
            }
            Step::CommitAccount => {
                now.account += 1;
                commits.push(now.rows(position, &[], &[], true));
                history.push(now);
            }
            Step::Apply if applied < commits.len() => {
                table.apply(commits[applied].clone());
                applied += 1;
            }
            Step::BeginRead(tokens) => {
                let holders: Vec<u64> = (0..HOLDERS).collect();
                reads.push((
                    tokens.clone(),
                    now.rows(position - 1, tokens, &holders, true),
                    table.generation(),
                ));
            }
            Step::EndRead(which) if !reads.is_empty() => {
                let (tokens, mut rows, mut since) = reads.remove(which % reads.len());
                match cheat {
                    Cheat::Honest => {}
                    Cheat::Fresh => rows.position = i64::MAX,
                    Cheat::Higher => rows.tokens.iter_mut().for_each(|token| token.version += 100),
                    Cheat::Timeless => since = table.generation(),
                }
                let wanted: Vec<Digest> = tokens.iter().map(|n| digest(*n)).collect();
                for (n, found) in tokens.iter().zip(table.fill(rows, &wanted, since)) {
                    prop_assert_eq!(found == Found::Present, table.knows(&digest(*n)));
                    let created = history[applied].tokens[*n as usize] > 0;
                    prop_assert!(
                        found != Found::Absent || !created || purged[*n as usize],
                        "token {} was created and is called absent",
                        n
                    );
                }
            }
            Step::Load(at) => {
                let at = at % history.len();
                let tokens: Vec<u64> = (0..TOKENS).collect();
                let since = if at < cleared_at { first_generation } else { table.generation() };
                table.load(history[at].rows(at as i64, &tokens, &[0], at % 2 == 0), since);
            }
            // A purge follows what was applied.
            Step::Purge(n) if applied == commits.len() => {
                purged[*n as usize] = true;
                table.forget(&digest(*n));
            }
            Step::Miss => {
                applied = commits.len();
                cleared_at = applied;
                table.clear();
                prop_assert_eq!(table.len(), 0);
            }
            _ => {}
        }
        prop_assert!(table.len() <= max_tokens);
        let truth = &history[applied];
        for n in 0..TOKENS {
            let Some(facts) = table.facts(&digest(n)) else { continue };
            let version = |name: &str| name.parse::<i64>().unwrap();
            prop_assert_eq!(facts.token.id, token_id(n));
            prop_assert!(version(facts.token.name) >= truth.tokens[n as usize], "an old token {}", n);
            prop_assert!(version(&facts.holder.name) >= truth.holders[(n % HOLDERS) as usize]);
            prop_assert!(version(&facts.account.name) >= truth.account);
        }
    }
    Ok(())
}

fn histories() -> impl Strategy<Value = (Vec<Step>, usize)> {
    (prop::collection::vec(step(), 0..80), 1..8usize)
}

proptest! {
    #![proptest_config(Config { cases: 500, ..Config::default() })]
    #[test]
    fn no_history_brings_an_old_row_back((steps, max_tokens) in histories()) {
        run(&steps, max_tokens, Cheat::Honest)?;
    }
}

#[test]
fn without_floors_or_versions_or_generations_an_old_row_comes_back() {
    for cheat in [Cheat::Fresh, Cheat::Higher, Cheat::Timeless] {
        let config =
            Config { cases: 2_000, max_shrink_iters: 0, failure_persistence: None, ..Config::default() };
        let found =
            TestRunner::new(config).run(&histories(), |(steps, max_tokens)| run(&steps, max_tokens, cheat));
        assert!(found.is_err(), "the rule can be left out and nothing is noticed");
    }
}
