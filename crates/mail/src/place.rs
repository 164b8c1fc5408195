//! Where mails go and whom they come from, as an operator writes it: `smtp://relay.example.com:587`,
//! `smtps://…`, and `jeton <jeton@example.com>`.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use lettre::message::Mailbox;

/// A mail server. Prints without the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) line: Line,
    /// Certificates of an authority that is not a public one, in PEM.
    pub(crate) authority: Option<PathBuf>,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
}

/// How the line to it is kept from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// TLS from the first byte (RFC 8314, section 3).
    Tls,
    /// STARTTLS (RFC 3207), or nothing is sent.
    StartTls,
    /// STARTTLS where the server offers it.
    Offered,
    /// Not at all.
    Plain,
}

/// Why a text is no place. Never says what stands in it, which may be a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPlace {
    #[error("it must begin with `smtp://` or `smtps://`")]
    Scheme,
    #[error("it names no host, as in `smtp://relay.example.com:587`")]
    Host,
    #[error("its port is no number from 1 to 65535")]
    Port,
    #[error("after `?` it takes `starttls=required`, `starttls=none` and `ca=FILE`, with `&` between them")]
    Query,
    #[error("`smtps://` is TLS from the first byte, so `starttls` says nothing there")]
    Both,
    #[error("`%` in it must be followed by two hexadecimal digits, and text be UTF-8")]
    Percent,
    #[error(
        "a password would go to another machine as it is; write `smtps://`, or leave `starttls=none` out"
    )]
    Exposed,
    #[error("there is a password, but no user before it")]
    NoUser,
}

impl Place {
    /// The same with a password that was kept elsewhere, in place of any other.
    ///
    /// # Errors
    /// A password without a user, or over a line that others can read.
    pub fn with_password(mut self, password: Option<&str>) -> Result<Self, NoPlace> {
        if let Some(password) = password {
            self.password = Some(password.to_owned());
        }
        if self.password.is_some() && self.user.is_none() {
            return Err(NoPlace::NoUser);
        }
        if self.user.is_some() && !self.is_here() {
            match self.line {
                Line::Plain => return Err(NoPlace::Exposed),
                // Somebody in between could say that the server offers none.
                Line::Offered => self.line = Line::StartTls,
                Line::StartTls | Line::Tls => {}
            }
        }
        Ok(self)
    }

    /// The file of certificates that the server's is checked by, besides the public ones.
    pub fn authority(&self) -> Option<&Path> {
        self.authority.as_deref()
    }

    fn is_here(&self) -> bool {
        let address = self.host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        self.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let (mut line, rest) = match text.split_once("://") {
            Some(("smtp", rest)) => (Line::Offered, rest),
            Some(("smtps", rest)) => (Line::Tls, rest),
            _ => return Err(NoPlace::Scheme),
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (userinfo, authority) = match rest.rsplit_once('@') {
            Some((userinfo, authority)) => (Some(userinfo), authority),
            None => (None, rest),
        };
        let (host, port) = match authority.rsplit_once(':') {
            // The colons of an IPv6 address stand in brackets.
            Some((host, port)) if !port.contains(']') => {
                (host, Some(port.parse::<u16>().ok().filter(|port| *port > 0).ok_or(NoPlace::Port)?))
            }
            _ => (authority, None),
        };
        let known = |c: char| c.is_ascii_alphanumeric() || ".-_:[]".contains(c);
        if host.is_empty() || !host.chars().all(known) {
            return Err(NoPlace::Host);
        }
        let mut ca = None;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("starttls", _)) if line == Line::Tls => return Err(NoPlace::Both),
                Some(("starttls", "required")) => line = Line::StartTls,
                Some(("starttls", "none")) => line = Line::Plain,
                Some(("ca", file)) if !file.is_empty() => ca = Some(plain(file)?.into()),
                _ => return Err(NoPlace::Query),
            }
        }
        let (user, password) =
            match userinfo.map(|userinfo| userinfo.split_once(':').unwrap_or((userinfo, ""))) {
                None => (None, None),
                Some((user, password)) => {
                    (Some(plain(user)?), Some(plain(password)?).filter(|it| !it.is_empty()))
                }
            };
        let usual = if line == Line::Tls { 465 } else { 587 };
        let place = Self {
            host: host.to_owned(),
            port: port.unwrap_or(if line == Line::Plain { 25 } else { usual }),
            line,
            authority: ca,
            user: user.filter(|user| !user.is_empty()),
            password,
        };
        // What is wrong with it is said now; whether a password comes from elsewhere, later.
        place.clone().with_password(None)?;
        Ok(place)
    }
}

/// The text of a place, or of what was meant as one, without the password.
pub fn redacted(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").map_or(("", text), |(scheme, rest)| (scheme, rest));
    let Some((userinfo, rest)) = rest.rsplit_once('@') else { return text.to_owned() };
    let user = userinfo.split_once(':').map_or(userinfo, |(user, _)| user);
    let ends = if scheme.is_empty() { "" } else { "://" };
    // What has no scheme may have anything before its `@`.
    let user = if scheme.is_empty() { "" } else { user };
    let password = if user == userinfo { "" } else { ":…" };
    format!("{scheme}{ends}{user}{password}@{rest}")
}

/// A text without its percents (RFC 3986, section 2.1).
fn plain(text: &str) -> Result<String, NoPlace> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    bytes.extend(parts.next().unwrap_or_default().bytes());
    for part in parts {
        let digits = part.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).ok_or(NoPlace::Percent)?;
        bytes.push(byte);
        bytes.extend(part[2..].bytes());
    }
    String::from_utf8(bytes).map_err(|_| NoPlace::Percent)
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.line == Line::Tls { "smtps" } else { "smtp" };
        let user = if self.user.is_some() { "…@" } else { "" };
        write!(f, "{scheme}://{user}{}:{}", self.host, self.port)?;
        match self.line {
            Line::StartTls => f.write_str("?starttls=required"),
            Line::Plain => f.write_str("?starttls=none"),
            Line::Tls | Line::Offered => Ok(()),
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whom mails come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender(pub(crate) Mailbox);

impl FromStr for Sender {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text.chars().any(char::is_control) {
            return Err(());
        }
        text.parse().map(Self).map_err(|_| ())
    }
}

impl Sender {
    /// What the ids of mails end with.
    pub(crate) fn domain(&self) -> &str {
        self.0.email.domain()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_and_printed_without_what_is_secret() {
        for (text, shown) in [
            ("smtp://relay.example.com", "smtp://relay.example.com:587"),
            ("smtp://relay.example.com:25?starttls=none", "smtp://relay.example.com:25?starttls=none"),
            ("smtps://relay.example.com", "smtps://relay.example.com:465"),
            ("smtp://[::1]:2525/", "smtp://[::1]:2525"),
            ("smtp://ada%40x:p%3Aw@relay:587?starttls=required", "smtp://…@relay:587?starttls=required"),
            ("smtps://ada@relay?ca=/etc/our%20ca.pem", "smtps://…@relay:465"),
        ] {
            let place: Place = text.parse().unwrap();
            assert_eq!(
                (format!("{place}"), format!("{place:?}")),
                (shown.to_owned(), shown.to_owned()),
                "{text}"
            );
        }
        let place: Place = "smtp://ada%40x:p%3A%40w@relay?ca=/our%20ca".parse().unwrap();
        assert_eq!((place.user.as_deref(), place.password.as_deref()), (Some("ada@x"), Some("p:@w")));
        assert_eq!(place.authority(), Some(Path::new("/our ca")));
    }

    #[test]
    fn what_is_no_place_is_refused_with_the_reason() {
        for (text, why) in [
            ("http://relay", NoPlace::Scheme),
            ("relay:25", NoPlace::Scheme),
            ("smtp://", NoPlace::Host),
            ("smtp://a b", NoPlace::Host),
            ("smtp://relay:0", NoPlace::Port),
            ("smtp://relay:x", NoPlace::Port),
            ("smtp://relay?tls=no", NoPlace::Query),
            ("smtp://relay?starttls=maybe", NoPlace::Query),
            ("smtps://relay?starttls=none", NoPlace::Both),
            ("smtp://a%4:b@relay", NoPlace::Percent),
            ("smtp://a:b@relay?starttls=none", NoPlace::Exposed),
            ("smtp://:b@relay", NoPlace::NoUser),
        ] {
            assert_eq!(text.parse::<Place>(), Err(why), "{text}");
        }
        assert!(
            "smtp://a:b@127.0.0.1?starttls=none".parse::<Place>().is_ok(),
            "on this machine nobody listens"
        );
    }

    #[test]
    fn what_is_shown_of_a_text_has_no_password() {
        for (text, shown) in [
            ("smtp://relay:25", "smtp://relay:25"),
            ("smtp://ada@relay", "smtp://ada@relay"),
            ("smtp://ada:hun:t@er2@relay?ca=x", "smtp://ada:…@relay?ca=x"),
            ("smtpx://ada:hunter2@relay", "smtpx://ada:…@relay"),
            ("ada:hunter2@relay", ":…@relay"),
        ] {
            assert_eq!(redacted(text), shown);
        }
    }

    #[test]
    fn a_password_makes_encryption_necessary() {
        let place: Place = "smtp://ada@relay".parse().unwrap();
        assert_eq!(place.clone().with_password(Some("pw")).unwrap().line, Line::StartTls);
        let nobody: Place = "smtp://relay".parse().unwrap();
        assert_eq!(nobody.clone().with_password(Some("pw")), Err(NoPlace::NoUser));
        assert_eq!(nobody.with_password(None).unwrap().line, Line::Offered);
    }

    #[test]
    fn a_sender_is_an_address_with_or_without_a_name() {
        for good in
            ["jeton@example.com", "jeton <jeton@example.com>", "\"Acme, Inc.\" <no-reply@example.com>"]
        {
            assert!(good.parse::<Sender>().is_ok(), "{good}");
        }
        for bad in ["", "jeton", "jeton@", "a@b.c\r\nBcc: x@y.z", "a@b.c, d@e.f"] {
            assert!(bad.parse::<Sender>().is_err(), "{bad}");
        }
    }
}
