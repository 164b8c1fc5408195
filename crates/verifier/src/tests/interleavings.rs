//! A read, a revocation and a verify in every order that the locks allow. Each takes the lock
//! around the real table as [`crate::Verifier`] does.

use std::panic::{AssertUnwindSafe, catch_unwind};

use domain::facts::{Snapshot, Token};
use domain::permission::Registry;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Arc, Mutex, RwLock};
use loom::thread;

use super::sample::*;
use crate::table::{Generation, Table};

struct World {
    /// The database: what a read sees.
    store: Mutex<Snapshot>,
    table: RwLock<Table>,
    /// The revocation was answered 200.
    answered: AtomicBool,
}

impl World {
    /// `since` none: as if there were no generations.
    fn read(&self, disguise: fn(&mut Snapshot), since: Option<Generation>) {
        let mut rows = self.store.lock().unwrap().clone();
        disguise(&mut rows);
        let mut table = self.table.write().unwrap();
        let since = since.unwrap_or(table.generation());
        table.fill(rows, &[digest(0)], since);
    }

    /// Commits a row, then applies it, as the store's writer does.
    fn commit(&self, row: &Token) {
        let applied = {
            let mut store = self.store.lock().unwrap();
            store.position += 1;
            store.tokens.retain(|token| token.id != row.id);
            store.tokens.push(row.clone());
            only(row, store.position)
        };
        self.table.write().unwrap().apply(applied);
    }

    /// Another peer commits a row, of which this one does not hear; it learns only that it missed
    /// something.
    fn miss(&self, row: &Token) {
        {
            let mut store = self.store.lock().unwrap();
            store.position += 1;
            store.tokens = vec![row.clone()];
        }
        self.table.write().unwrap().clear();
    }

    /// Has no room for the token any more. What the store holds of the other one is of no matter
    /// to the read, and leaving it out spares orders to explore.
    fn push_out(&self, other: &Token, position: i64) {
        self.table.write().unwrap().apply(only(other, position));
    }

    fn verify(&self) {
        let answered = self.answered.load(Ordering::SeqCst);
        let table = self.table.read().unwrap();
        let good = table.facts(&digest(0)).is_some_and(|facts| facts.state(NOW).is_good());
        assert!(!(answered && good), "a verify after the answer says valid");
    }
}

fn only(row: &Token, position: i64) -> Snapshot {
    Snapshot { position, tokens: vec![row.clone()], ..Snapshot::default() }
}

/// Every order of: a read, a revocation followed by what may push the token out, a verify.
fn explore(pushed_out: bool, disguise: fn(&mut Snapshot)) {
    // Built once, because reading a preset takes longer than all the orders.
    let before = snapshot(1, 0..1);
    let after = revoked(before.tokens[0].clone());
    let other = token(1, &before.holders[0], 1);
    loom::model(move || {
        let world = Arc::new(World {
            store: Mutex::new(before.clone()),
            table: RwLock::new(Table::new(1, Registry::default())),
            answered: AtomicBool::new(false),
        });
        let reader = thread::spawn({
            let world = Arc::clone(&world);
            move || world.read(disguise, None)
        });
        let revoker = thread::spawn({
            let (world, after, other) = (Arc::clone(&world), after.clone(), other.clone());
            let later = before.position + 2;
            move || {
                world.commit(&after);
                world.answered.store(true, Ordering::SeqCst);
                if pushed_out {
                    world.push_out(&other, later);
                }
            }
        });
        world.verify();
        reader.join().unwrap();
        revoker.join().unwrap();
        world.verify();
    });
}

/// Every order of: a read, a revocation that was missed. What the read brings back would stay, so
/// that one verify at the end sees it.
fn explore_a_miss(lasting: bool) {
    let before = snapshot(1, 0..1);
    let after = revoked(before.tokens[0].clone());
    loom::model(move || {
        let mut table = Table::new(1, Registry::default());
        let since = table.generation();
        table.load(before.clone(), since);
        let world = Arc::new(World {
            store: Mutex::new(before.clone()),
            table: RwLock::new(table),
            answered: AtomicBool::new(false),
        });
        let reader = thread::spawn({
            let world = Arc::clone(&world);
            move || {
                let since = (!lasting).then(|| world.table.read().unwrap().generation());
                world.read(honest, since);
            }
        });
        let follower = thread::spawn({
            let (world, after) = (Arc::clone(&world), after.clone());
            move || {
                world.miss(&after);
                world.answered.store(true, Ordering::SeqCst);
            }
        });
        reader.join().unwrap();
        follower.join().unwrap();
        world.verify();
    });
}

fn honest(_: &mut Snapshot) {}

/// As if there were no floors.
fn claims_to_be_fresh(rows: &mut Snapshot) {
    rows.position = i64::MAX;
}

/// As if there were no versions.
fn claims_to_be_newer(rows: &mut Snapshot) {
    rows.tokens.iter_mut().for_each(|token| token.version = i64::MAX);
}

#[test]
fn a_read_never_undoes_a_revocation_in_any_order() {
    explore(false, honest);
    explore(true, honest);
}

#[test]
fn without_either_rule_some_order_undoes_a_revocation() {
    let caught =
        |pushed_out, disguise| catch_unwind(AssertUnwindSafe(|| explore(pushed_out, disguise))).is_err();
    assert!(caught(false, claims_to_be_newer));
    assert!(caught(true, claims_to_be_fresh));
    assert!(!caught(false, claims_to_be_fresh), "a token that stays needs no floor");
}

#[test]
fn a_read_never_brings_back_what_was_cleared_in_any_order() {
    explore_a_miss(false);
    let without_generations = catch_unwind(AssertUnwindSafe(|| explore_a_miss(true)));
    assert!(without_generations.is_err());
}
