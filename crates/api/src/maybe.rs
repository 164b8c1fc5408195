use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A field of a PATCH: absent leaves the value as it is, null clears it, a value replaces it.
///
/// Such a field carries `#[serde(default, skip_serializing_if = "Maybe::is_absent")]`; without the
/// `default` an absent field would be refused, without the `skip` it would be sent as null.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Maybe<T> {
    #[default]
    Absent,
    Null,
    Value(T),
}

impl<T> Maybe<T> {
    pub fn is_absent(&self) -> bool {
        matches!(self, Maybe::Absent)
    }

    /// `None`: leave it. `Some(None)`: clear it. `Some(Some(value))`: replace it.
    pub fn into_option(self) -> Option<Option<T>> {
        match self {
            Maybe::Absent => None,
            Maybe::Null => Some(None),
            Maybe::Value(value) => Some(Some(value)),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Maybe<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Maybe<T>, D::Error> {
        Ok(match Option::deserialize(from)? {
            None => Maybe::Null,
            Some(value) => Maybe::Value(value),
        })
    }
}

impl<T: Serialize> Serialize for Maybe<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Maybe::Absent | Maybe::Null => to.serialize_none(),
            Maybe::Value(value) => value.serialize(to),
        }
    }
}
