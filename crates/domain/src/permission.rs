//! Permissions: `entity:action`, numbered once for the whole server.
//!
//! A set is four machine words and a check is an AND. The numbers come from the server's
//! [`Registry`], which only grows: a bit that was given out never means anything else.

use std::collections::HashMap;
use std::fmt;
use std::ops::{BitAnd, BitOr, Sub};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a set can hold.
pub const MOST: usize = 256;

/// The entities of jeton itself, with [`CRUD`] as their actions. They hold the registry's
/// first bits on every server.
pub const DESK: [&str; 7] = ["tokens", "members", "roles", "policy", "journal", "nodes", "installations"];

pub const CRUD: [&str; 4] = ["create", "read", "update", "delete"];

/// Names a permission of the desk by its bit, for checks that need no registry.
pub const fn desk(entity: usize, action: usize) -> PermissionSet {
    let mut set = PermissionSet::EMPTY;
    let bit = entity * CRUD.len() + action;
    set.0[bit / 64] = 1 << (bit % 64);
    set
}

pub const TOKENS_CREATE: PermissionSet = desk(0, 0);
pub const TOKENS_READ: PermissionSet = desk(0, 1);
pub const TOKENS_UPDATE: PermissionSet = desk(0, 2);
pub const TOKENS_DELETE: PermissionSet = desk(0, 3);
pub const MEMBERS_CREATE: PermissionSet = desk(1, 0);
pub const MEMBERS_READ: PermissionSet = desk(1, 1);
pub const MEMBERS_UPDATE: PermissionSet = desk(1, 2);
pub const MEMBERS_DELETE: PermissionSet = desk(1, 3);
pub const ROLES_CREATE: PermissionSet = desk(2, 0);
pub const ROLES_READ: PermissionSet = desk(2, 1);
pub const ROLES_UPDATE: PermissionSet = desk(2, 2);
pub const ROLES_DELETE: PermissionSet = desk(2, 3);
pub const POLICY_READ: PermissionSet = desk(3, 1);
pub const POLICY_UPDATE: PermissionSet = desk(3, 2);
pub const JOURNAL_READ: PermissionSet = desk(4, 1);
pub const NODES_CREATE: PermissionSet = desk(5, 0);
pub const NODES_READ: PermissionSet = desk(5, 1);
pub const NODES_UPDATE: PermissionSet = desk(5, 2);
pub const INSTALLATIONS_CREATE: PermissionSet = desk(6, 0);
pub const INSTALLATIONS_READ: PermissionSet = desk(6, 1);
pub const INSTALLATIONS_UPDATE: PermissionSet = desk(6, 2);
pub const INSTALLATIONS_DELETE: PermissionSet = desk(6, 3);

/// A set of permissions, by the registry's bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PermissionSet([u64; 4]);

impl PermissionSet {
    pub const EMPTY: Self = Self([0; 4]);

    /// Every permission of the desk: the first 28 bits.
    pub const DESK: Self = Self([(1 << (DESK.len() * CRUD.len())) - 1, 0, 0, 0]);

    pub fn of(bit: u8) -> Self {
        let mut set = Self::EMPTY;
        set.0[usize::from(bit) / 64] = 1 << (bit % 64);
        set
    }

    pub fn is_empty(self) -> bool {
        self == Self::EMPTY
    }

    /// `other ≤ self`: whether everything of `other` is here.
    pub fn contains(self, other: Self) -> bool {
        (other - self).is_empty()
    }

    /// The bits set, lowest first.
    pub fn bits(self) -> impl Iterator<Item = u8> {
        (0..=u8::MAX).filter(move |bit| self.0[usize::from(*bit) / 64] >> (bit % 64) & 1 == 1)
    }
}

impl BitOr for PermissionSet {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] | other.0[i]))
    }
}

impl BitAnd for PermissionSet {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] & other.0[i]))
    }
}

impl Sub for PermissionSet {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] & !other.0[i]))
    }
}

impl FromIterator<PermissionSet> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = PermissionSet>>(sets: I) -> Self {
        sets.into_iter().fold(Self::EMPTY, BitOr::bitor)
    }
}

/// 64 hexadecimal digits, the highest word first. This is how rows keep a set.
impl fmt::Display for PermissionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().rev().try_for_each(|word| write!(f, "{word:016x}"))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a set of permissions is 64 hexadecimal digits")]
pub struct NotASet;

impl FromStr for PermissionSet {
    type Err = NotASet;
    fn from_str(text: &str) -> Result<Self, NotASet> {
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(NotASet);
        }
        let mut words = [0; 4];
        for (word, digits) in words.iter_mut().rev().zip(text.as_bytes().chunks(16)) {
            let digits = std::str::from_utf8(digits).map_err(|_| NotASet)?;
            *word = u64::from_str_radix(digits, 16).map_err(|_| NotASet)?;
        }
        Ok(Self(words))
    }
}

impl Serialize for PermissionSet {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PermissionSet {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Which bit means what on this server. Positions are given out in order and never again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    names: Vec<String>,
    bits: HashMap<String, u8>,
}

/// The 256 permissions are given out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this server knows {MOST} permissions already, and `{name}` would be one more; \
     use entities and actions that other accounts have too"
)]
pub struct RegistryFull {
    pub name: String,
}

impl Default for Registry {
    /// The desk's permissions alone.
    fn default() -> Self {
        let names = DESK.iter().flat_map(|entity| CRUD.map(|action| format!("{entity}:{action}")));
        Self::from_names(names.collect()).expect("the desk has 28 permissions, fewer than 256")
    }
}

impl Registry {
    /// The registry whose bit `n` is `names[n]`.
    pub fn from_names(names: Vec<String>) -> Result<Self, RegistryFull> {
        let mut registry = Self { names: Vec::new(), bits: HashMap::new() };
        registry.extend(names)?;
        Ok(registry)
    }

    /// Gives a bit to each name that has none, and returns those, in order.
    pub fn extend(
        &mut self,
        names: impl IntoIterator<Item = String>,
    ) -> Result<Vec<(u8, String)>, RegistryFull> {
        let mut added = Vec::new();
        for name in names {
            if self.bits.contains_key(&name) {
                continue;
            }
            let Ok(bit) = u8::try_from(self.names.len()) else {
                return Err(RegistryFull { name });
            };
            self.names.push(name.clone());
            self.bits.insert(name.clone(), bit);
            added.push((bit, name));
        }
        Ok(added)
    }

    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The permission of that name, where this server knows it.
    pub fn find(&self, name: &str) -> Option<PermissionSet> {
        self.bits.get(name).copied().map(PermissionSet::of)
    }

    /// The set of these names, or the first that this server does not know.
    pub fn set<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Result<PermissionSet, &'a str> {
        names.into_iter().map(|name| self.find(name).ok_or(name)).collect()
    }

    /// The names of a set, in the registry's order.
    pub fn spell(&self, set: PermissionSet) -> impl Iterator<Item = &str> {
        set.bits().filter_map(|bit| self.names.get(usize::from(bit)).map(String::as_str))
    }
}

/// What an ask needs: one permission, all of several, or any of several, nested at most
/// [`Requirement::DEEPEST`] deep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requirement {
    One(String),
    All(Vec<Requirement>),
    Any(Vec<Requirement>),
}

impl Requirement {
    pub const DEEPEST: usize = 3;

    /// Whether `held` is enough. A name that this server does not know is held by nobody, and
    /// an empty list asks for nothing that could be shown: it is not met.
    pub fn met_by(&self, held: PermissionSet, registry: &Registry) -> bool {
        match self {
            Self::One(name) => registry.find(name).is_some_and(|one| held.contains(one)),
            Self::All(each) => !each.is_empty() && each.iter().all(|one| one.met_by(held, registry)),
            Self::Any(each) => each.iter().any(|one| one.met_by(held, registry)),
        }
    }

    /// How deep `all` and `any` are nested: 0 for a single permission.
    pub fn depth(&self) -> usize {
        match self {
            Self::One(_) => 0,
            Self::All(each) | Self::Any(each) => {
                1 + each.iter().map(Requirement::depth).max().unwrap_or_default()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_set() -> impl Strategy<Value = PermissionSet> {
        any::<[u64; 4]>().prop_map(PermissionSet)
    }

    proptest! {
        #[test]
        fn a_set_reads_back_from_its_digits(set in any_set()) {
            prop_assert_eq!(set.to_string().parse(), Ok(set));
            prop_assert_eq!(set.bits().map(PermissionSet::of).collect::<PermissionSet>(), set);
        }

        #[test]
        fn containing_is_the_order_of_sets(a in any_set(), b in any_set()) {
            prop_assert!((a | b).contains(a));
            prop_assert!(a.contains(a & b));
            prop_assert_eq!(a.contains(b), a | b == a);
        }
    }

    #[test]
    fn the_desk_holds_the_first_bits_of_every_registry() {
        let registry = Registry::default();
        assert_eq!(registry.set(registry.names().iter().map(String::as_str)), Ok(PermissionSet::DESK));
        assert_eq!(registry.find("tokens:create"), Some(TOKENS_CREATE));
        assert_eq!(registry.find("members:update"), Some(MEMBERS_UPDATE));
        assert_eq!(registry.find("roles:delete"), Some(ROLES_DELETE));
        assert_eq!(registry.find("policy:update"), Some(POLICY_UPDATE));
        assert_eq!(registry.find("nodes:create"), Some(NODES_CREATE));
    }

    #[test]
    fn the_registry_gives_out_256_bits_and_then_says_so() {
        let mut registry = Registry::default();
        let added = registry.extend((28..256).map(|n| format!("thing:{n}"))).unwrap();
        assert_eq!(added.len(), 228);
        assert_eq!(registry.extend(["thing:28".into()]), Ok(vec![]), "a known name needs no bit");
        assert_eq!(registry.extend(["one:more".into()]), Err(RegistryFull { name: "one:more".into() }));
    }

    #[test]
    fn depth_counts_the_nesting_of_all_and_any() {
        let one = Requirement::One("a:read".into());
        let all = |inner: &Requirement| Requirement::All(vec![inner.clone()]);
        assert_eq!(one.depth(), 0);
        assert_eq!(all(&one).depth(), 1);
        assert_eq!(all(&all(&all(&one))).depth(), Requirement::DEEPEST);
    }

    #[test]
    fn a_requirement_is_met_as_it_reads() {
        let mut registry = Registry::default();
        registry.extend(["a:read".into(), "b:read".into()]).unwrap();
        let held = registry.find("a:read").unwrap();
        let one = |name: &str| Requirement::One(name.into());
        assert!(one("a:read").met_by(held, &registry));
        assert!(!one("nobody:knows").met_by(held, &registry));
        assert!(!Requirement::All(vec![one("a:read"), one("b:read")]).met_by(held, &registry));
        assert!(Requirement::Any(vec![one("a:read"), one("b:read")]).met_by(held, &registry));
    }
}
