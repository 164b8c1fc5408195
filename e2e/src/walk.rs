//! A walk through the document that a product publishes about its tokens, top to bottom: each
//! sentence that states behaviour is a step with an assertion, or stands owed under the name of
//! what it waits for.

use std::io::Write;

/// What an owed step waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// A page of the console.
    Page,
    /// A mail that is sent.
    Mail,
    /// The policies of login and logout: tokens made by a login, pairs, revocation by logout.
    LoginPolicy,
    /// The wire format of the product's own clients.
    Dialect,
    /// An identity provider to sign in through.
    IdentityProvider,
}

/// The walk through one document.
pub struct Walk {
    preset: &'static str,
    line: u32,
    walked: usize,
    owed: Vec<(u32, Needs)>,
}

impl Walk {
    /// Begins at the first line of the document behind this preset.
    pub fn through(preset: &'static str) -> Walk {
        Walk { preset, line: 0, walked: 0, owed: Vec::new() }
    }

    /// Walks one step: `line` of the document says `sentence`, and `holds` asserts it.
    pub fn step<T>(&mut self, line: u32, sentence: &str, holds: impl FnOnce() -> T) -> T {
        self.arrive(line, sentence);
        let outcome = holds();
        self.walked += 1;
        outcome
    }

    /// Leaves one step owed.
    pub fn owed(&mut self, line: u32, sentence: &str, needs: Needs) {
        self.arrive(line, sentence);
        self.owed.push((line, needs));
    }

    /// Ends the walk: says how far it came, and holds the debt to exactly what is declared, so
    /// that it can neither grow nor be paid unnoticed.
    #[track_caller]
    pub fn finish(self, declared: &[(u32, Needs)]) {
        let mut kinds: Vec<Needs> = self.owed.iter().map(|(_, needs)| *needs).collect();
        kinds.sort();
        kinds.dedup();
        let count = |kind: Needs| self.owed.iter().filter(|(_, needs)| *needs == kind).count();
        let parts: Vec<String> =
            kinds.iter().map(|kind| format!("{} {}", count(*kind), name(*kind))).collect();
        let owed = if parts.is_empty() { "nothing owed".to_owned() } else { parts.join(", ") };
        // Written past the capture of the test runner: the debt is part of every run's output.
        let line =
            format!("{}: {} steps walked, {} owed: {owed}\n", self.preset, self.walked, self.owed.len());
        std::io::stderr().write_all(line.as_bytes()).expect("standard error is open");
        assert_eq!(self.owed, declared, "{}: what is owed is not what is declared", self.preset);
    }

    fn arrive(&mut self, line: u32, sentence: &str) {
        assert!(line >= self.line, "{}: line {line} is walked after line {}", self.preset, self.line);
        assert!(!sentence.trim().is_empty(), "{}: line {line} quotes nothing", self.preset);
        self.line = line;
        // Shown by the test runner when the step fails.
        println!("{}, line {line}: {sentence}", self.preset);
    }
}

fn name(needs: Needs) -> &'static str {
    match needs {
        Needs::Page => "page",
        Needs::Mail => "mail",
        Needs::LoginPolicy => "login policy",
        Needs::Dialect => "dialect",
        Needs::IdentityProvider => "identity provider",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_that_owes_what_it_declares_ends_well() {
        let mut walk = Walk::through("a document");
        assert_eq!(walk.step(3, "One and one is two.", || 1 + 1), 2);
        walk.owed(5, "It is drawn on a page.", Needs::Page);
        walk.finish(&[(5, Needs::Page)]);
    }

    #[test]
    #[should_panic(expected = "not what is declared")]
    fn a_debt_cannot_grow_unnoticed() {
        let mut walk = Walk::through("a document");
        walk.owed(5, "It is drawn on a page.", Needs::Page);
        walk.owed(6, "And mailed.", Needs::Mail);
        walk.finish(&[(5, Needs::Page)]);
    }

    #[test]
    #[should_panic(expected = "walked after")]
    fn a_document_is_walked_from_top_to_bottom() {
        let mut walk = Walk::through("a document");
        walk.owed(6, "Last.", Needs::Page);
        walk.owed(5, "First.", Needs::Page);
    }
}
