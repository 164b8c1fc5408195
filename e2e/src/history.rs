//! What clients did to a server that was killed again and again, and whether the server may be
//! believed: an append-only log of operations, each invoked and then answered, refused, or left
//! unknown, and the rules that a truthful server never breaks.
//!
//! The rules know nothing of how the log came about, so that forged logs can hold them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use crate::journal::Entry;

/// What was asked. Tokens are named by their id, new ones by a name that nobody else uses.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    Create { name: String },
    Revoke { token: String },
    Rotate { token: String },
    Edit { token: String, description: String },
    Verify { token: String },
}

/// What came back. `Unknown` is a timeout or a broken connection: it may have happened or not.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Created or rotated: the new token's id.
    Made(String),
    Done,
    /// A verdict: its code.
    Verdict(String),
    /// The server said no, and nothing happened.
    Refused(String),
    Unknown,
}

/// One operation; `begun` and `ended` are places in the one order of the log, so that a thing which
/// ended before another began came earlier.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    pub ask: Ask,
    pub begun: usize,
    /// None: nobody ever heard.
    pub ended: Option<(usize, Outcome)>,
}

/// The log, shared by all clients.
#[derive(Debug, Default)]
pub struct History(Mutex<(usize, Vec<Operation>)>);

impl History {
    /// Writes down what is about to be sent; returns the operation's place.
    pub fn invoke(&self, ask: Ask) -> usize {
        let mut log = self.0.lock().expect("no client panics while it writes");
        log.0 += 1;
        let begun = log.0;
        log.1.push(Operation { ask, begun, ended: None });
        log.1.len() - 1
    }

    /// Writes down what came back.
    pub fn answer(&self, place: usize, outcome: Outcome) {
        let mut log = self.0.lock().expect("no client panics while it writes");
        log.0 += 1;
        let ended = log.0;
        let operation = &mut log.1[place];
        assert!(operation.ended.is_none(), "answered twice: {operation:?}");
        operation.ended = Some((ended, outcome));
    }

    pub fn operations(&self) -> Vec<Operation> {
        self.0.lock().expect("no client panics while it writes").1.clone()
    }
}

/// What the server says of a token after it came back.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The verdict's code.
    pub code: String,
    /// The description, for those tokens at which somebody looked this closely.
    pub description: Option<Option<String>>,
}

/// Everything by which a server is judged.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    pub operations: Vec<Operation>,
    /// By token id; every token that anybody was told of.
    pub seen: BTreeMap<String, Seen>,
    /// All of it, from the first entry.
    pub journal: Vec<Entry>,
    /// Whether several processes answered. Then one may refuse what another has not heard of yet, as
    /// long as nobody was told that it ended.
    pub several: bool,
}

/// What happened to one token, as far as clients know.
#[derive(Default)]
struct Line<'a> {
    /// When its maker was told of it.
    made: Option<usize>,
    /// Revoked or rotated for sure: when the client was told.
    ended: Option<(usize, &'static str)>,
    /// When the first attempt to revoke or rotate it began.
    threatened: Option<usize>,
    edits: Vec<&'a Operation>,
    /// The token that was rotated into this one, and whose description it was given.
    before: Option<&'a str>,
    verdicts: Vec<(usize, usize, &'a str)>,
}

/// Each broken promise, in words. Empty: believe the server.
pub fn faults(evidence: &Evidence) -> Vec<String> {
    let lines = lines(&evidence.operations);
    let mut faults = Vec::new();
    for token in lines.keys() {
        judge_token(token, &lines, evidence.seen.get(*token), evidence.several, &mut faults);
    }
    judge_journal(evidence, &lines, &mut faults);
    faults
}

type Lines<'a> = BTreeMap<&'a str, Line<'a>>;

fn lines(operations: &[Operation]) -> Lines<'_> {
    let mut lines = Lines::new();
    for operation in operations {
        let ended = operation.ended.as_ref().map(|(at, outcome)| (*at, outcome));
        if let Some((at, Outcome::Made(id))) = ended {
            let line = lines.entry(id).or_default();
            line.made = Some(at);
            if let Ask::Rotate { token } = &operation.ask {
                line.before = Some(token);
            }
        }
        let refused = matches!(ended, Some((_, Outcome::Refused(_))));
        match &operation.ask {
            Ask::Create { .. } => {}
            Ask::Revoke { token } | Ask::Rotate { token } if !refused => {
                let line = lines.entry(token).or_default();
                line.threatened = Some(line.threatened.map_or(operation.begun, |at| at.min(operation.begun)));
                let how = if matches!(operation.ask, Ask::Revoke { .. }) { "revoked" } else { "rotated" };
                if let Some((at, Outcome::Done | Outcome::Made(_))) = ended
                    && line.ended.is_none_or(|(earlier, _)| at < earlier)
                {
                    line.ended = Some((at, how));
                }
            }
            Ask::Revoke { .. } | Ask::Rotate { .. } => {}
            Ask::Edit { token, .. } if !refused => lines.entry(token).or_default().edits.push(operation),
            Ask::Edit { .. } => {}
            Ask::Verify { token } => {
                if let Some((at, Outcome::Verdict(code))) = ended {
                    lines.entry(token).or_default().verdicts.push((operation.begun, at, code));
                }
            }
        }
    }
    lines
}

fn judge_token(token: &str, lines: &Lines<'_>, seen: Option<&Seen>, several: bool, faults: &mut Vec<String>) {
    let line = &lines[token];
    // The look after the restart comes last of all.
    let last = seen.map(|seen| (usize::MAX - 1, usize::MAX, seen.code.as_str()));
    for (begun, ended, code) in line.verdicts.iter().copied().chain(last) {
        let good = code == "valid";
        if good && let Some((told, how)) = line.ended.filter(|(told, _)| *told < begun) {
            faults.push(format!("{token} was {how} at {told} and verified at {begun}"));
        }
        let made = line.made.is_some_and(|made| made < begun);
        let safe = line.threatened.is_none_or(|threat| ended < threat);
        if !good && made && safe {
            faults.push(format!("{token} was good and answered `{code}` at {begun}"));
        }
    }
    // A token that was refused once for good stays refused, even where nobody knows who ended it.
    let ends = line.verdicts.iter().filter(|(_, _, code)| *code != "valid").map(|(_, ended, _)| *ended).min();
    if let Some(end) = ends {
        let revived = line
            .verdicts
            .iter()
            .copied()
            .filter(|_| !several)
            .chain(last)
            .find(|(begun, _, code)| *begun > end && *code == "valid");
        if let Some((begun, ..)) = revived {
            faults.push(format!("{token} was refused at {end} and verified again at {begun}"));
        }
    }
    let Some(seen) = seen else {
        if line.made.is_some() {
            faults.push(format!("{token} was acknowledged and nobody looked for it"));
        }
        return;
    };
    if line.made.is_some() && seen.code == "not_found" {
        faults.push(format!("{token} was acknowledged and is gone"));
    }
    if let Some(shown) = &seen.description
        && line.made.is_some()
    {
        let possible = descriptions(token, lines);
        if !possible.contains(&shown.as_deref()) {
            faults.push(format!("{token} is described as {shown:?}, which is none of {possible:?}"));
        }
    }
}

/// What a token may be described as: by the last edit that was acknowledged, or by one whose fate is
/// unknown and that was not surely followed by an acknowledged one; without any, as it was made.
fn descriptions<'a>(token: &str, lines: &Lines<'a>) -> Vec<Option<&'a str>> {
    let Some(line) = lines.get(token) else { return vec![None] };
    let done = |edit: &Operation| match edit.ended {
        Some((at, Outcome::Done)) => Some(at),
        _ => None,
    };
    let surely_over = |edit: &Operation| {
        let over = done(edit);
        let later = |later: &&Operation| done(later).is_some() && over.is_some_and(|at| at < later.begun);
        line.edits.iter().any(later)
    };
    let mut possible = Vec::new();
    for edit in line.edits.iter().filter(|edit| !surely_over(edit)) {
        if let Ask::Edit { description, .. } = &edit.ask {
            possible.push(Some(description.as_str()));
        }
    }
    if !line.edits.iter().any(|edit| done(edit).is_some()) {
        possible.extend(line.before.map_or(vec![None], |before| descriptions(before, lines)));
    }
    possible
}

/// Each acknowledged change has one entry, none has two, and none was made up.
fn judge_journal(evidence: &Evidence, lines: &Lines<'_>, faults: &mut Vec<String>) {
    let mut entries: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for entry in &evidence.journal {
        *entries.entry((&entry.action, &entry.subject)).or_default() += 1;
        if entry.action == "token.created" {
            *names.entry(entry.said("name").as_str().unwrap_or_default().to_owned()).or_default() += 1;
        }
    }
    let count = |action: &str, subject: &str| entries.get(&(action, subject)).copied().unwrap_or(0);
    let asked: BTreeSet<&str> = evidence
        .operations
        .iter()
        .filter_map(|operation| match &operation.ask {
            Ask::Create { name } => Some(name.as_str()),
            _ => None,
        })
        .collect();
    for name in asked {
        let times = names.get(name).copied().unwrap_or(0);
        if times > 1 {
            faults.push(format!("`{name}` was asked for once and journalled {times} times"));
        }
    }
    for operation in &evidence.operations {
        let Some((_, outcome)) = &operation.ended else { continue };
        if let (Ask::Create { name }, Outcome::Refused(_)) = (&operation.ask, outcome)
            && names.contains_key(name)
        {
            faults.push(format!("`{name}` was refused and journalled"));
        }
        let missing = match (&operation.ask, outcome) {
            (Ask::Create { .. }, Outcome::Made(id)) => count("token.created", id) != 1,
            (Ask::Rotate { token }, Outcome::Made(_)) => count("token.rotated", token) != 1,
            (Ask::Revoke { token }, Outcome::Done) => count("token.revoked", token) != 1,
            _ => false,
        };
        if missing {
            faults.push(format!("the journal does not hold this once: {operation:?}"));
        }
    }
    for (token, line) in lines {
        let done = line.edits.iter().filter(|edit| matches!(edit.ended, Some((_, Outcome::Done)))).count();
        let times = count("token.edited", token);
        if times < done || times > line.edits.len() {
            faults.push(format!(
                "{token} was edited {done} to {} times and journalled {times} times",
                line.edits.len()
            ));
        }
        let revoked = count("token.revoked", token) > 0 || count("token.rotated", token) > 0;
        if revoked && evidence.seen.get(*token).is_some_and(|seen| seen.code == "valid") {
            faults.push(format!("the journal says that {token} ended, and it verifies"));
        }
        if revoked && line.threatened.is_none() {
            faults.push(format!("the journal says that {token} ended, and nobody asked for that"));
        }
    }
}
