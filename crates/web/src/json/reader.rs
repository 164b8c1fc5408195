//! Reads a type from a [`Tree`], and says of a misfit where it is and what was expected there,
//! never what stood there: that could be a secret. serde_json's own errors quote values.

use std::borrow::Cow;
use std::fmt;

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, Expected, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::tree::Tree;

/// A place in a tree at which the type did not fit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Misfit {
    /// From the inside outwards; see [`Misfit::path`].
    path: Vec<Step>,
    pub(crate) kind: Kind,
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A key that the type does not know; `known` are those it does.
    UnknownField { known: &'static [&'static str] },
    /// A key that the type needs. The path ends in it.
    Missing,
    /// Another kind of value than the type has, or one out of its range.
    Expected(String),
}

impl Misfit {
    fn new(kind: Kind) -> Misfit {
        Misfit { path: Vec::new(), kind }
    }

    fn at(mut self, step: Step) -> Misfit {
        self.path.push(step);
        self
    }

    /// The misfit of a query, whose fields are called parameters.
    pub(crate) fn of_parameter(&self) -> String {
        match &self.kind {
            Kind::UnknownField { known: [] } => "there is no such parameter".to_owned(),
            Kind::UnknownField { known } => {
                format!("there is no such parameter; there are {}", known.join(", "))
            }
            Kind::Missing => "this parameter is needed".to_owned(),
            Kind::Expected(_) => self.to_string(),
        }
    }

    /// Such as `asks[3].permission`; empty for the whole body.
    pub(crate) fn path(&self) -> String {
        let mut path = String::new();
        for step in self.path.iter().rev() {
            match step {
                Step::Index(index) => path.push_str(&format!("[{index}]")),
                Step::Key(key) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(&super::shown(key));
                }
            }
        }
        path
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::UnknownField { known: [] } => f.write_str("there is no such field"),
            Kind::UnknownField { known } => {
                write!(f, "there is no such field; the fields are {}", known.join(", "))
            }
            Kind::Missing => f.write_str("this field is needed"),
            Kind::Expected(expected) => write!(f, "expected {expected}"),
        }
    }
}

impl std::error::Error for Misfit {}

impl de::Error for Misfit {
    fn custom<T: fmt::Display>(message: T) -> Misfit {
        Misfit::new(Kind::Expected(message.to_string()))
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Misfit {
        Misfit::new(Kind::Expected(in_words(expected)))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Misfit {
        Misfit::new(Kind::Expected(in_words(expected)))
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Misfit {
        Misfit::new(Kind::Expected(in_words(expected)))
    }

    fn unknown_variant(_: &str, known: &'static [&'static str]) -> Misfit {
        Misfit::new(Kind::Expected(format!("one of {}", known.join(", "))))
    }

    fn unknown_field(_: &str, known: &'static [&'static str]) -> Misfit {
        // The path names it: it is raised while the key is read.
        Misfit::new(Kind::UnknownField { known })
    }

    fn missing_field(field: &'static str) -> Misfit {
        Misfit::new(Kind::Missing).at(Step::Key(field.to_owned()))
    }
}

/// What serde expects, without the names that Rust and serde have for it.
fn in_words(expected: &dyn Expected) -> String {
    let said = expected.to_string();
    match said.as_str() {
        "u8" => "a whole number from 0 to 255".to_owned(),
        "u16" => "a whole number from 0 to 65535".to_owned(),
        "u32" | "u64" | "usize" => "a whole number from 0".to_owned(),
        "i8" | "i16" | "i32" | "i64" => "a whole number".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "an object".to_owned(),
        "a boolean" => "true or false".to_owned(),
        other if other.starts_with("enum ") => "a string".to_owned(),
        _ => said,
    }
}

/// Numbers and truth values of a query string are words until a type asks for them.
macro_rules! words {
    ($($method:ident $type:ty => $visit:ident,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
            match self {
                Tree::Word(word) => match word.parse::<$type>() {
                    Ok(value) => visitor.$visit(value),
                    Err(_) => Err(de::Error::invalid_value(Unexpected::Str(""), &visitor)),
                },
                other => other.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Tree<'_> {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self {
            Tree::Null => visitor.visit_unit(),
            Tree::Bool(value) => visitor.visit_bool(value),
            Tree::Unsigned(value) => visitor.visit_u64(value),
            Tree::Signed(value) => visitor.visit_i64(value),
            Tree::Float(value) => visitor.visit_f64(value),
            Tree::Text(Cow::Borrowed(text)) | Tree::Word(Cow::Borrowed(text)) => visitor.visit_str(text),
            Tree::Text(Cow::Owned(text)) | Tree::Word(Cow::Owned(text)) => visitor.visit_string(text),
            Tree::List(items) => visitor.visit_seq(Items { items: items.into_iter().enumerate(), at: 0 }),
            Tree::Object(fields) => visitor.visit_map(Fields { fields: fields.into_iter(), at: None }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self {
            Tree::Null => visitor.visit_none(),
            other => visitor.visit_some(other),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    /// An object only. serde's derive would take a list of the fields in their order as well.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        match self {
            object @ Tree::Object(_) => object.deserialize_any(visitor),
            _ => Err(Misfit::new(Kind::Expected("an object".to_owned()))),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        match self {
            Tree::Text(name) | Tree::Word(name) => visitor.visit_enum(Variant { name, value: None }),
            Tree::Object(fields) => {
                let mut fields = fields.into_iter();
                match (fields.next(), fields.next()) {
                    (Some((name, value)), None) => visitor.visit_enum(Variant { name, value: Some(value) }),
                    _ => Err(Misfit::new(Kind::Expected("an object of one field".to_owned()))),
                }
            }
            _ => Err(de::Error::invalid_type(Unexpected::Other("value"), &visitor)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_unit()
    }

    words! {
        deserialize_bool bool => visit_bool,
        deserialize_i8 i8 => visit_i8,
        deserialize_i16 i16 => visit_i16,
        deserialize_i32 i32 => visit_i32,
        deserialize_i64 i64 => visit_i64,
        deserialize_u8 u8 => visit_u8,
        deserialize_u16 u16 => visit_u16,
        deserialize_u32 u32 => visit_u32,
        deserialize_u64 u64 => visit_u64,
    }

    forward_to_deserialize_any! {
        i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map
        identifier
    }
}

impl<'de> IntoDeserializer<'de, Misfit> for Tree<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

struct Items<'t> {
    items: std::iter::Enumerate<std::vec::IntoIter<Tree<'t>>>,
    at: usize,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misfit> {
        match self.items.next() {
            None => Ok(None),
            Some((index, item)) => {
                self.at = index;
                seed.deserialize(item).map(Some).map_err(|misfit| misfit.at(Step::Index(self.at)))
            }
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Fields<'t> {
    fields: std::vec::IntoIter<(Cow<'t, str>, Tree<'t>)>,
    /// The field whose key was read and whose value is next.
    at: Option<(Cow<'t, str>, Tree<'t>)>,
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Misfit> {
        self.at = self.fields.next();
        match &self.at {
            None => Ok(None),
            Some((key, _)) => seed
                .deserialize(de::value::StrDeserializer::<Misfit>::new(key))
                .map(Some)
                .map_err(|misfit| misfit.at(Step::Key(key.to_string()))),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misfit> {
        let (key, value) = self.at.take().expect("serde reads a value only after its key");
        seed.deserialize(value).map_err(|misfit| misfit.at(Step::Key(key.into_owned())))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.fields.len())
    }
}

struct Variant<'t> {
    name: Cow<'t, str>,
    value: Option<Tree<'t>>,
}

impl<'de, 't> EnumAccess<'de> for Variant<'t> {
    type Error = Misfit;
    type Variant = Content<'t>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Content<'t>), Misfit> {
        let variant = seed.deserialize(de::value::StrDeserializer::<Misfit>::new(&self.name))?;
        Ok((variant, Content(self.value)))
    }
}

struct Content<'t>(Option<Tree<'t>>);

impl Content<'_> {
    fn none() -> Misfit {
        Misfit::new(Kind::Expected("an object of one field".to_owned()))
    }
}

impl<'de> VariantAccess<'de> for Content<'_> {
    type Error = Misfit;

    fn unit_variant(self) -> Result<(), Misfit> {
        match self.0 {
            None => Ok(()),
            Some(_) => Err(Misfit::new(Kind::Expected("a string".to_owned()))),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Misfit> {
        seed.deserialize(self.0.ok_or_else(Content::none)?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Misfit> {
        self.0.ok_or_else(Content::none)?.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.0.ok_or_else(Content::none)?.deserialize_struct("", fields, visitor)
    }
}
