//! Who is connected: how many in all, how many from one address, and who may be asked to leave.
//!
//! When there are too many, the oldest connection with nothing in flight makes room for the new
//! one. So ten thousand idle connections cost memory and nothing else; refusing the newcomer would
//! let them lock out everybody behind the same address.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Limits;

#[derive(Debug, Default)]
pub(super) struct Crowd(Mutex<Places>);

#[derive(Debug, Default)]
struct Places {
    /// The connections of each address, in the order of their arrival.
    of: HashMap<IpAddr, BTreeMap<u64, Arc<Meter>>>,
    taken: usize,
    /// Also how many were let in.
    next: u64,
    refused: u64,
    evicted: u64,
}

/// Connections since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Visitors {
    /// Let in.
    pub accepted: u64,
    /// Closed at once, because there were too many and none was idle.
    pub refused: u64,
    /// Idle ones that were closed to make room.
    pub evicted: u64,
}

/// A connection's place in the crowd, given back when it is dropped.
pub(super) struct Place {
    crowd: Arc<Crowd>,
    address: IpAddr,
    number: u64,
    meter: Arc<Meter>,
}

/// What one connection is doing, seen by its wire, its requests and the crowd.
#[derive(Debug, Default)]
pub(super) struct Meter {
    begun: AtomicU64,
    in_flight: AtomicU32,
    leave: Notify,
    first: Notify,
}

/// A request in flight.
pub(super) struct Busy(Arc<Meter>);

impl Crowd {
    pub(super) fn len(&self) -> usize {
        self.places().taken
    }

    pub(super) fn visitors(&self) -> Visitors {
        let places = self.places();
        Visitors { accepted: places.next, refused: places.refused, evicted: places.evicted }
    }

    /// A place for a connection from there, if there is one or one can be made.
    pub(super) fn admit(self: &Arc<Self>, from: IpAddr, limits: &Limits) -> Option<Place> {
        let address = neighbourhood(from);
        let mut places = self.places();
        if places.of.get(&address).is_some_and(|there| there.len() >= limits.per_address)
            && !places.evict_from(address)
        {
            places.refused += 1;
            return None;
        }
        if places.taken >= limits.connections && !places.evict_from_the_largest() {
            places.refused += 1;
            return None;
        }
        let number = places.next;
        let meter = Arc::new(Meter::default());
        places.next += 1;
        places.taken += 1;
        places.of.entry(address).or_default().insert(number, meter.clone());
        Some(Place { crowd: self.clone(), address, number, meter })
    }

    /// Asks an idle connection to leave, of the address that has most.
    pub(super) fn make_room(&self) {
        self.places().evict_from_the_largest();
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        // Nothing in here panics between two changes that belong together.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    fn evict_from_the_largest(&mut self) -> bool {
        let largest = self.of.iter().max_by_key(|(_, there)| there.len()).map(|(address, _)| *address);
        largest.is_some_and(|address| self.evict_from(address))
    }

    fn evict_from(&mut self, address: IpAddr) -> bool {
        let oldest_idle = self
            .of
            .get(&address)
            .and_then(|there| there.iter().find(|(_, meter)| meter.is_idle()))
            .map(|(number, meter)| (*number, meter.clone()));
        let Some((number, meter)) = oldest_idle else { return false };
        meter.leave.notify_one();
        self.evicted += 1;
        self.remove(address, number);
        true
    }

    fn remove(&mut self, address: IpAddr, number: u64) {
        let Some(there) = self.of.get_mut(&address) else { return };
        if there.remove(&number).is_some() {
            self.taken -= 1;
        }
        if there.is_empty() {
            self.of.remove(&address);
        }
    }
}

impl Place {
    pub(super) fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.crowd.places().remove(self.address, self.number);
    }
}

impl Meter {
    /// Counts a request in until the result is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Busy {
        if self.begun.fetch_add(1, Ordering::Relaxed) == 0 {
            self.first.notify_one();
        }
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Busy(self.clone())
    }

    /// How many requests have begun.
    pub(super) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// Waits for the first request; for one waiter.
    pub(super) async fn asked(&self) {
        if self.begun() == 0 {
            self.first.notified().await;
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) == 0
    }

    /// Waits until the connection is asked to make room.
    pub(super) async fn evicted(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Who counts as one: an IPv4 address, also in its IPv6 form, or the /64 that one IPv6 customer has.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::Arc;

    use super::super::Limits;
    use super::{Crowd, neighbourhood};

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn limits(connections: usize, per_address: usize) -> Limits {
        Limits { connections, per_address, ..Limits::default() }
    }

    #[test]
    fn a_full_address_gives_the_place_of_its_oldest_idle_connection_away() {
        let (crowd, limits) = (Arc::new(Crowd::default()), limits(10, 2));
        let first = crowd.admit(ip("192.0.2.1"), &limits).unwrap();
        let _busy = first.meter().begin();
        let second = crowd.admit(ip("192.0.2.1"), &limits).unwrap();
        let third = crowd.admit(ip("192.0.2.1"), &limits).unwrap();
        assert_eq!(crowd.len(), 2);
        drop(second);
        assert_eq!(crowd.len(), 2, "an evicted connection's place is given back once");
        let _busy = third.meter().begin();
        assert!(crowd.admit(ip("192.0.2.1"), &limits).is_none(), "nobody is idle");
        assert!(crowd.admit(ip("192.0.2.2"), &limits).is_some(), "another address is free");
    }

    #[test]
    fn a_full_house_takes_the_place_from_whoever_has_most() {
        let (crowd, limits) = (Arc::new(Crowd::default()), limits(3, 3));
        let many = [crowd.admit(ip("192.0.2.1"), &limits), crowd.admit(ip("192.0.2.1"), &limits)];
        let one = crowd.admit(ip("192.0.2.2"), &limits);
        let newcomer = crowd.admit(ip("192.0.2.3"), &limits);
        assert!(newcomer.is_some() && one.is_some() && many.iter().all(Option::is_some));
        assert_eq!(crowd.places().of[&ip("192.0.2.1")].len(), 1);
        drop((many, one, newcomer));
        assert_eq!(crowd.len(), 0);
    }

    #[test]
    fn one_customer_counts_once_in_either_family() {
        assert_eq!(neighbourhood(ip("::ffff:192.0.2.1")), ip("192.0.2.1"));
        assert_eq!(neighbourhood(ip("2001:db8:1:2:3::4")), neighbourhood(ip("2001:db8:1:2:9::9")));
        assert_ne!(neighbourhood(ip("2001:db8:1:2::")), neighbourhood(ip("2001:db8:1:3::")));
    }
}
