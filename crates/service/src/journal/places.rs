//! The places of those who read the journal for long. There are only so many, because each asks the
//! database now and then; and nobody may take them all: an account has a share, and operators have
//! places of their own, because they are the ones who look when something is wrong.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::ids::AccountId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Of;

/// Readers of one sort.
pub(super) struct Room {
    accounts: Arc<Semaphore>,
    operators: Arc<Semaphore>,
    /// Of one account, at most.
    share: usize,
    taken: Arc<Mutex<HashMap<AccountId, usize>>>,
}

/// A reader's place, which is free again when this is dropped.
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
    _share: Option<Share>,
}

struct Share {
    of: AccountId,
    taken: Arc<Mutex<HashMap<AccountId, usize>>>,
}

impl Room {
    pub(super) fn new(accounts: usize, share: usize, operators: usize) -> Self {
        let places = |count| Arc::new(Semaphore::new(count));
        Self { accounts: places(accounts), operators: places(operators), share, taken: Arc::default() }
    }

    /// None where there is no place for this one.
    pub(super) fn take(&self, of: &Of) -> Option<Place> {
        let Of::Account(account) = of else {
            let permit = self.operators.clone().try_acquire_owned().ok()?;
            return Some(Place { _permit: permit, _share: None });
        };
        let permit = self.accounts.clone().try_acquire_owned().ok()?;
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(account.clone()).or_default();
        if *count >= self.share {
            return None;
        }
        *count += 1;
        let share = Share { of: account.clone(), taken: self.taken.clone() };
        Some(Place { _permit: permit, _share: Some(share) })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.of);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_its_share_and_operators_have_places_of_their_own() {
        let room = Room::new(5, 2, 1);
        let of = |name: &str| Of::Account(name.parse().unwrap());
        let mut acme: Vec<Place> = (0..2).map(|_| room.take(&of("acme")).unwrap()).collect();
        assert!(room.take(&of("acme")).is_none(), "its share");
        let _beta: Vec<Place> = (0..2).map(|_| room.take(&of("beta")).unwrap()).collect();
        let last = room.take(&of("gamma")).unwrap();
        assert!(room.take(&of("delta")).is_none(), "the room is full");
        let operator = room.take(&Of::Server(None)).unwrap();
        assert!(room.take(&Of::Server(Some("acme".parse().unwrap()))).is_none());
        drop(operator);
        assert!(room.take(&Of::Server(None)).is_some());
        acme.pop();
        drop(last);
        let again = room.take(&of("acme")).unwrap();
        assert!(room.take(&of("acme")).is_none());
        drop((acme, again));
        assert!(!room.taken.lock().unwrap().contains_key(&"acme".parse::<AccountId>().unwrap()));
    }
}
