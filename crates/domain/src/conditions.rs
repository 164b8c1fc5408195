//! What must be true of the ask itself for a token to be good, whatever its state: from which
//! addresses it may be shown, and until when its text is taken.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::{Timestamp, shortened};

/// What a token's owner tied it to. The default ties it to nothing.
///
/// A condition that this version does not know is an error when a row is read: a token that was
/// tied to something is never good because a reader did not understand to what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conditions {
    /// Where the token may be shown from; anywhere if empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<AddressRange>,
    /// Its text is good until just before, where that is sooner than its life: a login goes on as long as it
    /// can be refreshed, with another text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// For whoever must point to conditions and has none.
pub static NONE: Conditions = Conditions { addresses: Vec::new(), until: None };

impl Conditions {
    pub fn is_empty(&self) -> bool {
        let Self { addresses, until } = self;
        addresses.is_empty() && until.is_none()
    }

    /// Whether the text is over, though the token may live on.
    pub fn are_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| now >= until)
    }

    /// Whether a token with these conditions may be shown from there. An ask that names no address
    /// is no exception: what a service leaves out must not open what a wrong answer would not.
    pub fn allow_address(&self, address: Option<IpAddr>) -> bool {
        self.addresses.is_empty()
            || address.is_some_and(|address| self.addresses.iter().any(|range| range.contains(address)))
    }
}

/// Addresses with the same first bits: CIDR, RFC 4632 section 3.1 and RFC 4291 section 2.3.
///
/// An IPv4 address that is written as IPv6 (`::ffff:192.0.2.1`, RFC 4291 section 2.5.5.2) is that
/// IPv4 address, here and where it is looked for. So `::/0` is every address of IPv6 and none of IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressRange {
    first: IpAddr,
    /// Leading bits that all have in common.
    prefix: u8,
}

impl AddressRange {
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                beyond(u128::from(first.to_bits() ^ address.to_bits()), 32 - self.prefix)
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                beyond(first.to_bits() ^ address.to_bits(), 128 - self.prefix)
            }
            _ => false,
        }
    }
}

/// Whether two addresses that differ in `difference` agree in all but their last `bits`.
fn beyond(difference: u128, bits: u8) -> bool {
    // Shifting by all of 128 bits leaves nothing that could differ.
    difference.checked_shr(bits.into()).unwrap_or(0) == 0
}

/// The text is no range of addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressRangeError {
    #[error("`{0}` is not a range of addresses; expected one such as 10.0.0.0/8, 2001:db8::/32 or 192.0.2.1")]
    Unreadable(String),
    /// Perhaps the prefix is mistyped, perhaps the address: a guess would let in too many.
    #[error("`{0}` has bits set after its first {1}; the range that holds it is {2}")]
    HostBits(String, u8, AddressRange),
}

impl FromStr for AddressRange {
    type Err = AddressRangeError;

    /// `10.0.0.0/8` or `2001:db8::/32`; an address alone is a range of one.
    fn from_str(text: &str) -> Result<Self, AddressRangeError> {
        let unreadable = || AddressRangeError::Unreadable(shortened(text));
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(number(prefix).ok_or_else(unreadable)?)),
            None => (text, None),
        };
        let given: IpAddr = address.parse().map_err(|_| unreadable())?;
        let longest = if given.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(longest);
        if prefix > longest {
            return Err(unreadable());
        }
        let first = match given {
            IpAddr::V4(given) => {
                IpAddr::V4((given.to_bits() & u32::MAX.checked_shl((32 - prefix).into()).unwrap_or(0)).into())
            }
            IpAddr::V6(given) => {
                let mask = u128::MAX.checked_shl((128 - prefix).into()).unwrap_or(0);
                IpAddr::V6((given.to_bits() & mask).into())
            }
        };
        let range = Self { first, prefix }.canonical();
        if first != given {
            return Err(AddressRangeError::HostBits(shortened(text), prefix, range));
        }
        Ok(range)
    }
}

impl AddressRange {
    /// The same range, of IPv4 where it was that written as IPv6. One that begins with a mapped
    /// address holds nothing else: its prefix is 96 at least, or it would begin earlier.
    fn canonical(self) -> Self {
        match self.first.to_canonical() {
            IpAddr::V4(first) if self.first.is_ipv6() => {
                Self { first: first.into(), prefix: self.prefix.saturating_sub(96) }
            }
            first => Self { first, ..self },
        }
    }
}

/// Digits alone: `+8` and `08` are not how a prefix is written.
fn number(text: &str) -> Option<u8> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

impl Serialize for AddressRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AddressRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn range(text: &str) -> AddressRange {
        text.parse().unwrap()
    }

    #[rstest]
    #[case("10.0.0.0/8", "10.255.0.1", true)]
    #[case("10.0.0.0/8", "11.0.0.0", false)]
    #[case("10.0.0.0/8", "::ffff:10.1.2.3", true)]
    #[case("10.0.0.0/8", "::10.1.2.3", false)]
    #[case("10.0.0.0/8", "64:ff9b::10.1.2.3", false)]
    #[case("192.0.2.1", "192.0.2.1", true)]
    #[case("192.0.2.1", "192.0.2.2", false)]
    #[case("::ffff:192.0.2.0/120", "192.0.2.77", true)]
    #[case("::ffff:192.0.2.0/120", "192.0.3.0", false)]
    #[case("::ffff:0:0/96", "8.8.8.8", true)]
    #[case("2001:db8::/32", "2001:db8:ffff::1", true)]
    #[case("2001:db8::/32", "2001:db9::", false)]
    #[case("2001:db8::1", "2001:db8::1", true)]
    #[case("2001:db8::1", "2001:db8::2", false)]
    #[case("0.0.0.0/0", "255.255.255.255", true)]
    #[case("0.0.0.0/0", "::1", false)]
    #[case("::/0", "2001:db8::1", true)]
    #[case("::/0", "::ffff:10.1.2.3", false)]
    fn a_range_holds_the_addresses_that_begin_as_it_does(
        #[case] text: &str,
        #[case] address: &str,
        #[case] holds: bool,
    ) {
        assert_eq!(range(text).contains(address.parse().unwrap()), holds);
    }

    #[rstest]
    #[case("10.0.0.1/8", "10.0.0.0/8")]
    #[case("192.0.2.1/0", "0.0.0.0/0")]
    #[case("2001:db8::1/64", "2001:db8::/64")]
    #[case("::ffff:10.0.0.0/90", "::ffc0:0:0/90")]
    #[case("::ffff:10.0.0.1/104", "10.0.0.0/8")]
    fn bits_beyond_the_prefix_are_refused_with_the_range_that_was_meant(
        #[case] text: &str,
        #[case] meant: &str,
    ) {
        let refusal = text.parse::<AddressRange>().unwrap_err().to_string();
        assert!(refusal.starts_with(&format!("`{text}`")) && refusal.ends_with(meant), "{refusal}");
    }

    #[rstest]
    #[case("")]
    #[case("/8")]
    #[case("10.0.0.0/")]
    #[case("10.0.0.0/33")]
    #[case("10.0.0.0/+8")]
    #[case("10.0.0.0/08")]
    #[case("10.0.0.0/8/8")]
    #[case("10.0.0.0/255.0.0.0")]
    #[case("10.0.0/8")]
    #[case("010.0.0.0/8")]
    #[case(" 10.0.0.0/8")]
    #[case("2001:db8::/129")]
    #[case("fe80::1%eth0")]
    #[case("example.com")]
    fn what_is_no_range_is_refused_with_examples(#[case] text: &str) {
        let refusal = text.parse::<AddressRange>().unwrap_err().to_string();
        assert!(refusal.contains("10.0.0.0/8") && refusal.contains("2001:db8::/32"), "{refusal}");
    }

    #[test]
    fn conditions_are_json_that_names_only_what_was_set() {
        let json = r#"{"addresses":["10.0.0.0/8","192.0.2.1/32","2001:db8::/32"]}"#;
        let conditions: Conditions = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&conditions).unwrap(), json);
        assert!(!conditions.is_empty());
        assert_eq!(serde_json::to_string(&Conditions::default()).unwrap(), "{}");
        assert_eq!(serde_json::from_str::<Conditions>("{}").unwrap(), NONE);
        assert!(NONE.is_empty());
    }

    #[test]
    fn a_condition_that_is_not_known_is_never_taken_for_none() {
        assert!(serde_json::from_str::<Conditions>(r#"{"methods":["GET"]}"#).is_err());
        assert!(serde_json::from_str::<Conditions>(r#"{"addresses":["10.0.0.1/8"]}"#).is_err());
    }

    fn any_address() -> impl Strategy<Value = IpAddr> {
        prop_oneof![
            any::<u32>().prop_map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))),
            any::<u32>().prop_map(|bits| IpAddr::V6(Ipv4Addr::from_bits(bits).to_ipv6_mapped())),
            any::<u128>().prop_map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits))),
        ]
    }

    /// As a range from its first address to its last.
    fn lies_between(first: IpAddr, prefix: u8, address: IpAddr) -> bool {
        match (first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                let size = 1u64 << (32 - prefix);
                let first = u64::from(first.to_bits());
                (first..first + size).contains(&u64::from(address.to_bits()))
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                let others = if prefix == 0 { u128::MAX } else { (1u128 << (128 - u32::from(prefix))) - 1 };
                (first.to_bits()..=first.to_bits() + others).contains(&address.to_bits())
            }
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn every_address_is_in_the_range_of_each_length_that_is_proposed_for_it(
            address in any_address(),
            prefix in 0u8..=128,
            other in any_address(),
        ) {
            let longest = if address.is_ipv4() { 32 } else { 128 };
            let text = format!("{address}/{}", prefix.min(longest));
            let range = match text.parse::<AddressRange>() {
                Ok(range) => range,
                Err(AddressRangeError::HostBits(_, _, range)) => range,
                Err(error) => return Err(TestCaseError::fail(error.to_string())),
            };
            // Fewer than 96 bits of a mapped address are a range of IPv6, which holds no IPv4.
            if range.first.is_ipv4() == address.to_canonical().is_ipv4() {
                prop_assert!(range.contains(address));
            }
            prop_assert_eq!(range.contains(other), lies_between(range.first, range.prefix, other));
            prop_assert_eq!(range.to_string().parse(), Ok(range));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,40}|[0-9a-f:./]{0,40}") {
            let _ = text.parse::<AddressRange>();
        }
    }
}
