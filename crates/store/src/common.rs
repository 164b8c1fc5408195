//! What both backends keep beside their database: the keys, the seal, and rows that need not be
//! read again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::facts::Account;
use domain::ids::AccountId;
use domain::permission::Registry;

use crate::checkpoints::Signer;
use crate::figures::Meter;
use crate::keys::Keys;
use crate::sealing::Sealer;

/// Accounts remembered, at most; beyond that the memory starts anew.
const REMEMBERED: usize = 10_000;

pub(crate) struct Common {
    pub(crate) keys: Keys,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) signer: Signer,
    pub(crate) meter: Arc<Meter>,
    /// Accounts as they were last read. A row of one version is the same for ever, so that what
    /// is read again need not be parsed again.
    accounts: Mutex<HashMap<AccountId, Arc<Account>>>,
    registry: Mutex<Arc<Registry>>,
}

impl Common {
    pub(crate) fn new(keys: Keys) -> Self {
        let sealer = Arc::new(Sealer::new(&keys));
        let signer = Signer::new(&keys);
        let meter = Arc::default();
        Self { keys, sealer, signer, meter, accounts: Mutex::default(), registry: Mutex::default() }
    }

    pub(crate) fn known(&self, id: &AccountId) -> Option<Arc<Account>> {
        locked(&self.accounts).get(id).cloned()
    }

    pub(crate) fn remember(&self, account: &Arc<Account>) {
        let mut accounts = locked(&self.accounts);
        if accounts.len() >= REMEMBERED {
            accounts.clear();
        }
        accounts.insert(account.id.clone(), account.clone());
    }

    /// What was remembered is of another history.
    pub(crate) fn forget(&self) {
        locked(&self.accounts).clear();
        *locked(&self.registry) = Arc::default();
    }

    pub(crate) fn registry(&self) -> Arc<Registry> {
        locked(&self.registry).clone()
    }

    pub(crate) fn remember_registry(&self, registry: &Arc<Registry>) {
        let mut known = locked(&self.registry);
        if registry.names().len() > known.names().len() {
            *known = registry.clone();
        }
    }
}

/// What these locks hold is replaced whole, so it is right even after a panic.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
