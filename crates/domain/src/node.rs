//! Places in an account's tree: `/`, `/sales`, `/sales/prod`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Levels below the root, at most.
pub const DEEPEST: usize = 8;

/// A path of slugs within one account, without the account. Immutable, cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodePath(Arc<str>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a node is `/` or a path such as `/sales/prod`: at most {DEEPEST} slugs of 1 to 40 characters from a-z, 0-9 and -"
)]
pub struct NotANode;

impl NodePath {
    pub fn root() -> Self {
        Self("/".into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_root(&self) -> bool {
        &*self.0 == "/"
    }

    /// Whether `other` is this node or lies below it.
    pub fn covers(&self, other: &NodePath) -> bool {
        self.is_root()
            || other.0.strip_prefix(&*self.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The node above, none for the root.
    pub fn parent(&self) -> Option<NodePath> {
        match self.0.rsplit_once('/')? {
            _ if self.is_root() => None,
            ("", _) => Some(Self::root()),
            (above, _) => Some(Self(above.into())),
        }
    }

    /// 0 for the root, 1 for what lies directly below, and so on.
    pub fn depth(&self) -> usize {
        if self.is_root() { 0 } else { self.0.matches('/').count() }
    }
}

impl fmt::Display for NodePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for NodePath {
    type Err = NotANode;
    fn from_str(text: &str) -> Result<Self, NotANode> {
        if text == "/" {
            return Ok(Self::root());
        }
        let slugs = text.strip_prefix('/').ok_or(NotANode)?;
        let slug = |s: &str| {
            (1..=40).contains(&s.len())
                && s.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        let good = slugs.split('/').count() <= DEEPEST && slugs.split('/').all(slug);
        good.then(|| Self(text.into())).ok_or(NotANode)
    }
}

impl Serialize for NodePath {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for NodePath {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(text: &str) -> NodePath {
        text.parse().unwrap()
    }

    #[test]
    fn a_node_covers_itself_and_what_lies_below_but_no_namesake() {
        assert!(node("/").covers(&node("/sales")));
        assert!(node("/sales").covers(&node("/sales")));
        assert!(node("/sales").covers(&node("/sales/prod")));
        assert!(!node("/sales").covers(&node("/salesforce")));
        assert!(!node("/sales/prod").covers(&node("/sales")));
        assert!(!node("/sales").covers(&node("/")));
    }

    #[test]
    fn parents_lead_to_the_root() {
        assert_eq!(node("/a/b").parent(), Some(node("/a")));
        assert_eq!(node("/a").parent(), Some(NodePath::root()));
        assert_eq!(NodePath::root().parent(), None);
        assert_eq!((node("/").depth(), node("/a").depth(), node("/a/b").depth()), (0, 1, 2));
    }

    #[test]
    fn what_is_not_a_path_of_slugs_is_refused() {
        for bad in ["", "sales", "//", "/sales/", "/Sales", "/a b", "/../x", "/a/b/c/d/e/f/g/h/i"] {
            assert_eq!(bad.parse::<NodePath>(), Err(NotANode), "{bad}");
        }
    }
}
