//! One pass over a JSON text: its syntax, its depth and its keys, and the tree it stands for.
//!
//! serde's derive would let a later duplicate of an unknown key pass, and serde_json's `Value`
//! keeps the last of two; RFC 8259 section 4 leaves open what a duplicate means, so we refuse it.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// How many objects and lists may stand inside each other.
pub(crate) const MAX_DEPTH: usize = 16;

/// How many values may stand in one text, of whatever kind. Each costs some hundred bytes of memory here
/// and a few in the text, so the length of the text says little of what it costs.
pub(crate) const MAX_VALUES: usize = 50_000;

/// A JSON value that borrows what it can from its text.
#[derive(Debug)]
pub(crate) enum Tree<'a> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(Cow<'a, str>),
    List(Vec<Tree<'a>>),
    Object(Vec<(Cow<'a, str>, Tree<'a>)>),
    /// A value of a query string, which is a number or a word as its reader likes. Never in JSON.
    Word(Cow<'a, str>),
}

/// What is wrong with a text as JSON.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The reason in serde_json's words, which never quote the text, with line and column.
    Syntax(String),
    /// The same key twice in one object.
    DuplicateKey(String),
    TooDeep,
    TooMany,
}

pub(crate) fn parse(text: &str) -> Result<Tree<'_>, Fault> {
    // serde_json's errors are text; what we find ourselves is kept beside them.
    let found = RefCell::new(None);
    let left = Cell::new(MAX_VALUES);
    let mut json = serde_json::Deserializer::from_str(text);
    let tree = Seed { found: &found, left: &left, depth: 0 }.deserialize(&mut json);
    match tree.and_then(|tree| json.end().map(|()| tree)) {
        Ok(tree) => Ok(tree),
        Err(error) => Err(found.into_inner().unwrap_or_else(|| Fault::Syntax(error.to_string()))),
    }
}

#[derive(Clone, Copy)]
struct Seed<'f> {
    found: &'f RefCell<Option<Fault>>,
    /// Values that may still come.
    left: &'f Cell<usize>,
    depth: usize,
}

impl Seed<'_> {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(self.refuse(Fault::TooDeep));
        }
        Ok(Seed { depth: self.depth + 1, ..self })
    }

    fn refuse<E: Error>(self, fault: Fault) -> E {
        self.found.replace(Some(fault));
        E::custom("refused")
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Tree<'de>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Tree<'de>, D::Error> {
        match self.left.get().checked_sub(1) {
            Some(left) => self.left.set(left),
            None => return Err(self.refuse(Fault::TooMany)),
        }
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Tree<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Tree<'de>, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree<'de>, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree<'de>, E> {
        Ok(Tree::Unsigned(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree<'de>, E> {
        Ok(Tree::Signed(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree<'de>, E> {
        Ok(Tree::Float(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Tree<'de>, E> {
        Ok(Tree::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree<'de>, E> {
        Ok(Tree::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree<'de>, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Tree<'de>, A::Error> {
        let inner = self.deeper()?;
        let mut object: Vec<(Cow<'de, str>, Tree<'de>)> = Vec::new();
        let mut keys = Keys::Few;
        while let Some(key) = fields.next_key_seed(Key)? {
            if keys.has(&object, &key) {
                return Err(self.refuse(Fault::DuplicateKey(key.into_owned())));
            }
            object.push((key, fields.next_value_seed(inner)?));
        }
        Ok(Tree::Object(object))
    }
}

/// The keys an object has had. Few are compared one by one; many go into a set, or an object of
/// 64 KiB would cost the square of its keys.
enum Keys {
    Few,
    Many(HashSet<String>),
}

impl Keys {
    const FEW: usize = 16;

    fn has(&mut self, object: &[(Cow<'_, str>, Tree<'_>)], key: &str) -> bool {
        if let Keys::Few = self {
            if object.len() < Self::FEW {
                return object.iter().any(|(had, _)| had == key);
            }
            *self = Keys::Many(object.iter().map(|(had, _)| had.to_string()).collect());
        }
        match self {
            Keys::Few => false,
            Keys::Many(set) => !set.insert(key.to_owned()),
        }
    }
}

struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Cow<'de, str>, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}
