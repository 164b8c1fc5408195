//! A backup is taken beside whoever writes, whole or not at all; a backup that is taken back brings
//! nothing back that was taken away since.

mod restoring;
mod taking;
#[path = "../conformance/world.rs"]
mod world;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::change::Write;
use domain::facts::{Holder, Token};
use store::{Log, Order, RestoreError, Restored, backup, restore};
use tempfile::TempDir;
use token::SystemEntropy;
use world::{Driven, Sqlite, World, at, change};

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(test);
}

/// A store, and a directory for what is taken from it.
struct Kept {
    world: World<Sqlite>,
    shelf: TempDir,
}

impl Kept {
    async fn open() -> Self {
        Self { world: World::open().await, shelf: TempDir::new().unwrap() }
    }

    fn data(&self) -> PathBuf {
        self.world.backend.data()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.shelf.path().join(name)
    }

    fn backup(&self, name: &str) -> PathBuf {
        let file = self.file(name);
        backup(&self.data(), &file).unwrap();
        file
    }

    fn order(&self, from: &Path) -> Order {
        Order {
            data: self.data(),
            keys: self.world.backend.options().keys,
            from: from.to_owned(),
            replace: true,
            log: Log::Beside,
        }
    }

    /// Closes the store, takes the backup back, and opens it again.
    async fn restored(self, from: &Path) -> (Self, Restored) {
        self.world.store.close().await;
        let order = self.order(from);
        let done = restore(&order, self.world.clock.clone(), &SystemEntropy).unwrap();
        let world = self.world.reopen().await;
        world.store.verify_journal().await.unwrap();
        (Self { world, shelf: self.shelf }, done)
    }

    async fn narrow(&self, writes: impl IntoIterator<Item = Write>) {
        self.world.store.commit(change(writes).narrowing()).await.unwrap();
    }

    async fn token(&self, of: &Token) -> Token {
        self.world.store.token(&of.account, of.id).await.unwrap().expect("it is in the backup").0
    }

    async fn holder(&self, of: &Holder) -> Holder {
        self.world.store.holder(&of.account, of.id).await.unwrap().expect("it is in the backup")
    }
}

fn refused(order: &Order) -> RestoreError {
    restore(order, Arc::new(Driven::default()), &SystemEntropy).unwrap_err()
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn revoked(token: &Token) -> Write {
    let mut next = token.clone();
    next.life.revoked_at = Some(at(1));
    Write::UpdateToken(Box::new(next))
}
