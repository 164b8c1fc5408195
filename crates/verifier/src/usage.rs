//! Uses, counted in memory until somebody writes them down.
//!
//! A verify adds to a few numbers under one of 64 locks. How much is kept is bounded: for one
//! token on one day so many addresses and services, and so many tokens in such detail; what
//! goes beyond is counted as [`OTHER`], so that nothing is lost. Every token that was used has
//! its totals, and there are no more of those than tokens in memory.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::ids::ServiceId;
use domain::time::Timestamp;
use domain::usage::{By, Count, OTHER, TOLD_APART, Usage, day};
use token::TokenId;

use crate::Origin;

const SHARDS: usize = 64;

/// An IPv6 address with a scope takes fewer characters; longer text is no address.
const LONGEST_ADDRESS: usize = 64;

pub(crate) struct Counters {
    shards: Box<[Mutex<Shard>]>,
    /// Tokens counted in detail.
    detailed: AtomicUsize,
    max_detailed: usize,
}

type Shard = HashMap<TokenId, Tally, BuildHasherDefault<CodeHasher>>;

/// One token's uses.
#[derive(Default)]
struct Tally {
    last: Option<(Timestamp, Option<Arc<str>>)>,
    /// Seldom more than one: they are taken every few seconds.
    days: Few<Day>,
    detailed: bool,
}

struct Day {
    day: i32,
    all: Uses,
    addresses: Apart<Arc<str>>,
    services: Apart<ServiceId>,
}

#[derive(Clone, Copy, Default)]
struct Uses {
    admitted: u64,
    refused: u64,
}

/// Mostly one, which is kept in place: a use then touches a line of memory less for each.
struct Few<T> {
    first: Option<T>,
    more: Vec<T>,
}

/// Uses by who it was, as far as they are told apart.
struct Apart<K> {
    told: Few<(K, Uses)>,
    other: Uses,
}

impl Counters {
    pub(crate) fn new(max_detailed: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { shards, detailed: AtomicUsize::new(0), max_detailed }
    }

    pub(crate) fn count(&self, token: TokenId, admitted: bool, at: Timestamp, origin: &Origin<'_>) {
        let uses = if admitted { Uses { admitted: 1, refused: 0 } } else { Uses { admitted: 0, refused: 1 } };
        let mut shard = self.shard(token);
        let tally = shard.entry(token).or_default();
        self.give_detail(tally);
        let detailed = tally.detailed;
        let day = tally.on(day(at));
        day.all.add(uses);
        if let Some(address) = origin.address {
            let known = detailed && address.len() <= LONGEST_ADDRESS;
            day.addresses.add(address, |address| address.into(), known, uses);
        }
        if let Some(service) = &origin.service {
            day.services.add(service, |service| *service, detailed, uses);
        }
        if admitted {
            tally.used(at, origin.address);
        }
    }

    pub(crate) fn take(&self) -> Vec<Usage> {
        let mut taken = Vec::new();
        for shard in &self.shards {
            let tallies = std::mem::take(&mut *lock(shard));
            let detailed = tallies.values().filter(|tally| tally.detailed).count();
            self.detailed.fetch_sub(detailed, Ordering::Relaxed);
            taken.extend(tallies.into_iter().map(|(token, tally)| tally.told(token)));
        }
        taken
    }

    /// The same for these tokens alone.
    pub(crate) fn take_of(&self, tokens: &[TokenId]) -> Vec<Usage> {
        let mut taken = Vec::new();
        for &token in tokens {
            if let Some(tally) = self.shard(token).remove(&token) {
                self.detailed.fetch_sub(usize::from(tally.detailed), Ordering::Relaxed);
                taken.push(tally.told(token));
            }
        }
        taken
    }

    /// Every token's last use that was not taken yet.
    pub(crate) fn last(&self) -> Vec<(TokenId, Timestamp)> {
        let mut all = Vec::new();
        for shard in &self.shards {
            let shard = lock(shard);
            all.extend(shard.iter().filter_map(|(token, tally)| Some((*token, tally.last.as_ref()?.0))));
        }
        all
    }

    /// The same of one, with the address that was named.
    pub(crate) fn last_of(&self, token: TokenId) -> Option<(Timestamp, Option<String>)> {
        let (at, address) = self.shard(token).get(&token)?.last.clone()?;
        Some((at, address.map(|address| address.as_ref().to_owned())))
    }

    pub(crate) fn give_back(&self, usage: Vec<Usage>) {
        for Usage { token, last, counts } in usage {
            let mut shard = self.shard(token);
            let tally = shard.entry(token).or_default();
            self.give_detail(tally);
            let detailed = tally.detailed;
            for Count { day, by, admitted, refused } in counts {
                let uses = Uses { admitted, refused };
                let day = tally.on(day);
                match by {
                    By::All => day.all.add(uses),
                    By::Address(address) => {
                        let known = detailed && address != OTHER;
                        day.addresses.add(address.as_str(), |address| address.into(), known, uses);
                    }
                    By::Service(service) => match service.parse::<ServiceId>() {
                        Ok(service) => day.services.add(&service, |service| *service, detailed, uses),
                        Err(_) => day.services.other.add(uses),
                    },
                }
            }
            if let Some((at, address)) = last {
                tally.used(at, address.as_deref());
            }
        }
    }

    /// Lets a tally be detailed while there is room for one more.
    fn give_detail(&self, tally: &mut Tally) {
        let next = |detailed| (detailed < self.max_detailed).then_some(detailed + 1);
        // Looked at first, because the bound is reached once and then asked about again and again.
        if !tally.detailed && self.detailed.load(Ordering::Relaxed) < self.max_detailed {
            let given = self.detailed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
            tally.detailed = given.is_ok();
        }
    }

    fn shard(&self, token: TokenId) -> MutexGuard<'_, Shard> {
        lock(&self.shards[token.code.as_u64() as usize % SHARDS])
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    // A panic in between two additions leaves numbers that are off by one, and still numbers.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tally {
    /// Notes an admitted use, if it is the last so far.
    fn used(&mut self, at: Timestamp, from: Option<&str>) {
        match &mut self.last {
            Some((last, _)) if *last > at => {}
            Some((last, known)) if known.as_deref() == from => *last = at,
            _ => self.last = Some((at, from.map(|from| self.address(from)))),
        }
    }

    /// An address as it is kept already, where it is told apart.
    fn address(&self, address: &str) -> Arc<str> {
        let mut told = self.days.iter().flat_map(|day| day.addresses.told.iter());
        told.find(|(known, _)| **known == *address)
            .map_or_else(|| address.into(), |(known, _)| Arc::clone(known))
    }

    fn on(&mut self, day: i32) -> &mut Day {
        // Two walks, because the borrow of a day that is found would outlive the one that adds it.
        if self.days.iter().all(|known| known.day != day) {
            let (addresses, services) = (Apart::default(), Apart::default());
            self.days.push(Day { day, all: Uses::default(), addresses, services });
        }
        self.days.iter_mut().find(|known| known.day == day).expect("pushed above if it was not there")
    }

    fn told(self, token: TokenId) -> Usage {
        let mut counts = Vec::new();
        for Day { day, all, addresses, services } in self.days {
            let mut tell = |by, uses: Uses| {
                if uses.admitted + uses.refused > 0 {
                    counts.push(Count { day, by, admitted: uses.admitted, refused: uses.refused });
                }
            };
            tell(By::All, all);
            tell(By::Address(OTHER.into()), addresses.other);
            for (address, uses) in addresses.told {
                tell(By::Address(address.as_ref().to_owned()), uses);
            }
            tell(By::Service(OTHER.into()), services.other);
            for (service, uses) in services.told {
                tell(By::Service(service.to_string()), uses);
            }
        }
        let last = self.last.map(|(at, address)| (at, address.map(|address| address.as_ref().to_owned())));
        Usage { token, last, counts }
    }
}

impl Uses {
    fn add(&mut self, more: Self) {
        self.admitted += more.admitted;
        self.refused += more.refused;
    }
}

impl<K> Default for Apart<K> {
    fn default() -> Self {
        Self { told: Few::default(), other: Uses::default() }
    }
}

impl<K> Apart<K> {
    /// Adds to whoever it is, told apart if there is room and `detailed`.
    fn add<Q: PartialEq + ?Sized>(&mut self, who: &Q, own: impl Fn(&Q) -> K, detailed: bool, uses: Uses)
    where
        K: Borrow<Q>,
    {
        if let Some((_, known)) = self.told.iter_mut().find(|(known, _)| (*known).borrow() == who) {
            return known.add(uses);
        }
        if detailed && self.told.len() < TOLD_APART {
            self.told.push((own(who), uses));
        } else {
            self.other.add(uses);
        }
    }
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self { first: None, more: Vec::new() }
    }
}

impl<T> Few<T> {
    fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.more.len()
    }

    fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(&self.more)
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.first.iter_mut().chain(&mut self.more)
    }

    fn push(&mut self, value: T) {
        match self.first {
            None => self.first = Some(value),
            Some(_) => self.more.push(value),
        }
    }
}

impl<T> IntoIterator for Few<T> {
    type Item = T;
    type IntoIter = std::iter::Chain<std::option::IntoIter<T>, std::vec::IntoIter<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.first.into_iter().chain(self.more)
    }
}

/// Hashes an id by its code, whose 60 bits were drawn at random by the server: nobody who asks
/// can make two of them meet.
#[derive(Default)]
struct CodeHasher(u64);

impl Hasher for CodeHasher {
    fn finish(&self) -> u64 {
        // The map looks at the highest bits, which a code leaves zero.
        self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, code: u64) {
        self.0 ^= code;
    }

    fn write_isize(&mut self, kind: isize) {
        self.0 = self.0.rotate_left(8) ^ kind as u64;
    }
}
