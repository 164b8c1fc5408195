//! Where a webhook goes: which URLs are taken, and which addresses may be called.
//!
//! Whoever writes a webhook decides where this server connects to, from where it stands. So an address that
//! only it can reach (its own machine, a private network, a cloud's metadata) is called only where the
//! operator says so. That is judged of the address itself, at each connection: what a name leads to is
//! known only then. Nothing here asks for a name.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::conditions::{AddressRange, AddressRangeError};
use crate::refusal::Refusal;

/// Bytes of a URL at most.
const LONGEST: usize = 2_000;

/// The URL of a webhook, in one spelling. Its path may be a secret of the receiver's, so only
/// [`Target::origin`] goes into the journal and the log.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    text: String,
    secure: bool,
    host: Host,
    port: u16,
    /// Where the path begins in the text.
    path: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// In lower case.
    Name(String),
    Address(IpAddr),
}

impl Target {
    /// `https://host[:port][/path][?query]`, or the same with `http`. Whether it may be called is another
    /// question, see [`Allowed::takes`].
    ///
    /// # Errors
    /// A sentence that says how to write it.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let text = text.trim();
        if text.len() > LONGEST {
            return Err(refused(format!("Keep the URL within {LONGEST} characters.")));
        }
        let (secure, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => {
                return Err(refused(
                    "Give a URL that begins with https://, as in https://example.com/jeton.",
                ));
            }
        };
        // RFC 3986, appendix A: what is in none of its parts is not sent, and `#` names a place within an answer.
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&byte);
        if !rest.bytes().all(plain) {
            return Err(refused(
                "Write the URL in ASCII, without spaces and without #; anything else in a path is written with %.",
            ));
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.contains('@') {
            return Err(refused(
                "Leave the user out of the URL; deliveries are signed, by which a receiver knows them.",
            ));
        }
        let (host, port) = parted(authority)?;
        let port = match port {
            None => {
                if secure {
                    443
                } else {
                    80
                }
            }
            Some(digits) => port_of(digits)?,
        };
        let scheme = if secure { "https" } else { "http" };
        let usual = port == if secure { 443 } else { 80 };
        let port_shown = if usual { String::new() } else { format!(":{port}") };
        let origin = format!("{scheme}://{host}{port_shown}");
        let slash = if path.starts_with('/') { "" } else { "/" };
        Ok(Self { path: origin.len(), text: format!("{origin}{slash}{path}"), secure, host, port })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Without the path.
    pub fn origin(&self) -> &str {
        &self.text[..self.path]
    }

    /// Path and query.
    pub fn path(&self) -> &str {
        &self.text[self.path..]
    }

    /// Host and port, as the header `Host` has them.
    pub fn authority(&self) -> &str {
        let scheme = if self.secure { "https://" } else { "http://" };
        &self.origin()[scheme.len()..]
    }

    /// Whether it is `https`.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    pub fn host(&self) -> &Host {
        &self.host
    }

    pub fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({}…)", self.origin())
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

fn refused(sentence: impl Into<String>) -> Refusal {
    Refusal::invalid("url", sentence)
}

/// The host and the digits of the port.
fn parted(authority: &str) -> Result<(Host, Option<&str>), Refusal> {
    if let Some(rest) = authority.strip_prefix('[') {
        let unreadable = || refused("Write an IPv6 address in brackets, as in https://[2001:db8::1]/jeton.");
        let (address, rest) = rest.split_once(']').ok_or_else(unreadable)?;
        let address: Ipv6Addr = address.parse().map_err(|_| unreadable())?;
        let port = match rest {
            "" => None,
            rest => Some(rest.strip_prefix(':').ok_or_else(unreadable)?),
        };
        return Ok((Host::Address(address.into()), port));
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    Ok((named(&host.to_ascii_lowercase())?, port))
}

/// A name, or an IPv4 address as it is usually written. The other ways to write one (as one number, in octal or
/// hexadecimal, with fewer parts) are taken for addresses by some readers and for names by others.
fn named(host: &str) -> Result<Host, Refusal> {
    let last = host.rsplit('.').next().unwrap_or_default();
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let hexadecimal =
        last.strip_prefix("0x").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if digits(last) || hexadecimal {
        let address: Ipv4Addr = host.parse().map_err(|_| {
            refused("Write an IPv4 address as four decimal numbers without leading zeros, as in 192.0.2.1.")
        })?;
        return Ok(Host::Address(address.into()));
    }
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(letter)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if host.len() > 253 || !host.split('.').all(label) {
        return Err(refused(
            "The URL's host is not a name such as example.com; write one with other letters as xn--….",
        ));
    }
    Ok(Host::Name(host.to_owned()))
}

fn port_of(digits: &str) -> Result<u16, Refusal> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let port = digits.parse().ok().filter(|port: &u16| plain && *port > 0);
    port.ok_or_else(|| refused("The URL's port is a number from 1 to 65535."))
}

/// The networks that the operator lets webhooks call besides the public ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed(Vec<AddressRange>);

/// An address is not to be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAllowed;

impl Allowed {
    /// Ranges with spaces or commas between them; none where there is no text.
    ///
    /// # Errors
    /// The first of them that is none.
    pub fn parse(text: &str) -> Result<Self, AddressRangeError> {
        let parts = text.split([' ', ',']).filter(|part| !part.is_empty());
        parts.map(str::parse).collect::<Result<_, _>>().map(Self)
    }

    /// Whether this may be saved as it stands. What a name leads to is judged when it is called.
    ///
    /// # Errors
    /// A sentence that says what to do.
    pub fn takes(&self, target: &Target) -> Result<(), Refusal> {
        let judged = match target.host() {
            Host::Address(address) => self.judge(*address, target.is_secure()),
            // RFC 6761, section 6.3: it is this machine everywhere.
            Host::Name(name) if name == "localhost" || name.ends_with(".localhost") => {
                self.judge(Ipv4Addr::LOCALHOST.into(), target.is_secure())
            }
            Host::Name(_) if target.is_secure() || !self.0.is_empty() => Ok(()),
            Host::Name(_) => Err(NotAllowed),
        };
        judged.map_err(|NotAllowed| {
            refused(match target.is_secure() {
                true => {
                    "This server does not call private, local and reserved addresses; give a public one, or ask the \
                     operator of this server to add the address to webhooks.allow."
                }
                false => {
                    "Give a URL that begins with https://; with http:// only addresses are called that the operator \
                     of this server has named in webhooks.allow."
                }
            })
        })
    }

    /// Whether this address may be called; without TLS only where it is named.
    pub fn judge(&self, address: IpAddr, secure: bool) -> Result<(), NotAllowed> {
        let named = self.0.iter().any(|range| range.contains(address));
        if named || (secure && is_public(address)) { Ok(()) } else { Err(NotAllowed) }
    }
}

/// Whether an address is one of the public internet, the same machine for everybody: IANA's registries of
/// special-purpose addresses (RFC 6890) as of 2025, and multicast.
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !matches!(
        address.octets(),
        // This network, private, shared (CGNAT, RFC 6598), loopback.
        [0 | 10 | 127, ..] | [100, 64..=127, ..]
        // Link-local, where clouds have their metadata.
        | [169, 254, ..]
        | [172, 16..=31, ..]
        // Protocol assignments, documentation, the former relay of 6to4, private.
        | [192, 0, 0 | 2, _] | [192, 88, 99, _] | [192, 168, ..]
        // Measurements between networks, documentation.
        | [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _]
        // Multicast, reserved, broadcast.
        | [224..=255, ..]
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    match parts {
        // RFC 6052: by way of a translator, the IPv4 address in its last 32 bits.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            is_public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        // Protocol assignments with Teredo among them, documentation, 6to4: these hold other addresses.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // Of the rest only global unicast (2000::/3).
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://example.com", "https://example.com/")]
    #[case(" https://Example.COM:443/Jeton?a=b/c ", "https://example.com/Jeton?a=b/c")]
    #[case("https://example.com?x", "https://example.com/?x")]
    #[case("https://a_b.example:8443/", "https://a_b.example:8443/")]
    #[case("http://127.0.0.1:80/x", "http://127.0.0.1/x")]
    #[case("https://[2001:DB8:0::1]:8443/x", "https://[2001:db8::1]:8443/x")]
    fn a_url_is_kept_in_one_spelling(#[case] given: &str, #[case] kept: &str) {
        let target = Target::parse(given).unwrap();
        assert_eq!(target.as_str(), kept);
        assert_eq!(Target::parse(kept).unwrap(), target);
        assert_eq!(format!("{}{}", target.origin(), target.path()), kept);
        assert!(kept.contains(&format!("//{}/", target.authority())));
    }

    #[rstest]
    #[case("", "https://")]
    #[case("example.com", "https://")]
    #[case("ftp://example.com", "https://")]
    #[case("javascript:alert(1)", "https://")]
    #[case("https://", "name such as")]
    #[case("https://u@example.com/", "user")]
    #[case("https://u:p@example.com/", "user")]
    #[case("https://example.com#@127.0.0.1/", "#")]
    #[case("https://example.com\\@127.0.0.1/", "ASCII")]
    #[case("https://exa mple.com/", "ASCII")]
    #[case("https://example.com/\r\nx: y", "ASCII")]
    #[case("https://münchen.example/", "ASCII")]
    #[case("https://example.com./", "name such as")]
    #[case("https://-a.example/", "name such as")]
    #[case("https://a..example/", "name such as")]
    #[case("https://2130706433/", "four decimal")]
    #[case("https://017700000001/", "four decimal")]
    #[case("https://0x7f000001/", "four decimal")]
    #[case("https://0x7f.0.0.1/", "four decimal")]
    #[case("https://127.1/", "four decimal")]
    #[case("https://0177.0.0.1/", "four decimal")]
    #[case("https://127.0.0.0x1/", "four decimal")]
    #[case("https://[::1%25lo]/", "brackets")]
    #[case("https://[::1/", "brackets")]
    #[case("https://[::1]x/", "brackets")]
    #[case("https://example.com:0/", "port")]
    #[case("https://example.com:65536/", "port")]
    #[case("https://example.com:+1/", "port")]
    #[case("https://example.com:/", "port")]
    fn what_is_no_url_of_a_receiver_is_refused_with_what_to_do(#[case] given: &str, #[case] part: &str) {
        let refusal = Target::parse(given).unwrap_err();
        assert_eq!(refusal.field, Some("url"));
        assert!(refusal.detail.contains(part), "{given}: {refusal}");
    }

    const NOWHERE: [&str; 34] = [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.8.8.8",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::10.0.0.1",
        "2002:7f00:1::",
        "2001::1",
        "fc00::1",
        "fe80::1",
        "ff02::1",
        "fd00:ec2::254",
    ];

    #[test]
    fn an_address_that_is_not_everybodys_is_called_only_where_the_operator_says_so() {
        let (nobody, all) = (Allowed::default(), Allowed::parse("0.0.0.0/0, ::/0").unwrap());
        for text in NOWHERE {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(nobody.judge(address, true), Err(NotAllowed), "{text}");
            assert_eq!(all.judge(address, true), Ok(()), "{text}");
            let host = if address.is_ipv6() { format!("[{text}]") } else { text.to_owned() };
            let target = Target::parse(&format!("https://{host}/")).unwrap();
            assert!(nobody.takes(&target).unwrap_err().detail.contains("webhooks.allow"), "{text}");
        }
        for text in
            ["8.8.8.8", "100.63.255.255", "100.128.0.0", "172.32.0.1", "2606:4700::1111", "64:ff9b::8.8.8.8"]
        {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(nobody.judge(address, true), Ok(()), "{text}");
            assert_eq!(nobody.judge(address, false), Err(NotAllowed), "{text} without TLS");
        }
    }

    #[test]
    fn the_clear_is_for_named_networks_and_a_name_waits_to_be_judged() {
        let takes = |allowed: &str, url: &str| {
            Allowed::parse(allowed).unwrap().takes(&Target::parse(url).unwrap()).is_ok()
        };
        assert!(takes("", "https://example.com/") && !takes("", "http://example.com/"));
        assert!(!takes("", "https://localhost/") && !takes("", "https://a.localhost/"));
        assert!(takes("127.0.0.0/8", "https://localhost/") && takes("127.0.0.0/8", "http://127.0.0.1:8080/"));
        assert!(!takes("127.0.0.0/8", "http://10.0.0.1/") && !takes("127.0.0.0/8", "http://8.8.8.8/"));
        assert!(takes("10.0.0.0/8", "http://hooks.internal/"));
        assert!(Allowed::parse("10.0.0.1/8").is_err() && Allowed::parse("localhost").is_err());
    }
}
