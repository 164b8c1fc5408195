//! Where a store is: a directory, or a database on a PostgreSQL server, as one text that an
//! operator writes.
//!
//! `sqlite:DIR` is the data directory of an SQLite store. `postgres://user@host:port/database`
//! (also `postgresql://`) is a database on PostgreSQL; a host that begins with a slash (written
//! `?host=/run/postgresql`) is the directory of a socket, and several hosts stand with commas
//! between them. What follows the `?` are libpq's options, of which `sslmode` and `sslrootcert`
//! are ours to carry out; see [`Tls`].
//!
//! Nothing here prints a password, and nothing reads the environment: which file holds the
//! passwords is for the caller to say. [`passfile`] reads such a file, [`tls`] makes the
//! connector.

mod passfile;
mod tls;

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, SslNegotiation, TargetSessionAttrs};
use zeroize::Zeroizing;

pub use passfile::{PassfileError, password_from};
pub use tls::{Tls, TlsError};

/// Where a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The data directory.
    Sqlite(PathBuf),
    Postgres(Postgres),
}

/// A place, the password for it, and the key file: what opening a store needs to find it.
#[derive(Clone, Debug)]
pub struct Access {
    pub place: Place,
    /// None where the server asks for none, or where the place carries its own.
    pub password: Option<Secret>,
    /// The key file.
    pub keys: PathBuf,
}

/// A database on a PostgreSQL server.
#[derive(Clone, PartialEq, Eq)]
pub struct Postgres {
    /// Without the password.
    config: Box<Config>,
    tls: Tls,
    /// The one that stood in the URL.
    password: Option<Secret>,
    /// The URL as it was written, without the password.
    shown: String,
}

/// How long one host may take to accept a connection, where the URL says nothing
/// (`connect_timeout`): long enough for one packet that is lost.
const CONNECT: Duration = Duration::from_secs(2);

/// How long connecting may take, logging in included: each host has its `connect_timeout`, and the
/// one that accepts has 2 s to answer. A database that was stopped accepts connections and answers
/// none.
pub(crate) fn patience(config: &Config) -> Duration {
    let hosts = config.get_hosts().len().max(config.get_hostaddrs().len()).max(1);
    let each = config.get_connect_timeout().copied().unwrap_or(CONNECT);
    each.saturating_mul(u32::try_from(hosts).unwrap_or(u32::MAX)).saturating_add(Duration::from_secs(2))
}

impl Postgres {
    /// What `tokio_postgres` connects with. `password` goes before the one of the URL.
    pub fn config(&self, password: Option<&Secret>) -> Config {
        let mut config = Config::clone(&self.config);
        if let Some(password) = password.or(self.password.as_ref()) {
            config.password(password.expose());
        }
        config
    }

    /// How the connection is protected.
    pub fn tls(&self) -> &Tls {
        &self.tls
    }

    /// Whether what is said to it travels over a network.
    pub fn leaves_the_machine(&self) -> bool {
        reach(&self.config) == Reach::Network
    }

    /// The password that stood in the URL.
    pub fn password(&self) -> Option<&Secret> {
        self.password.as_ref()
    }

    /// The password for this database in a password file (libpq's format: one line an entry,
    /// `hostname:port:database:username:password`). None where no entry fits.
    ///
    /// # Errors
    /// When the file cannot be read, or when others than its owner may read it.
    pub fn password_in(&self, passfile: &Path) -> Result<Option<Secret>, PassfileError> {
        let text = passfile::read(passfile)?;
        let database = self.config.get_dbname().unwrap_or_default();
        let user = self.config.get_user().unwrap_or_default();
        let found = self.addresses().find_map(|(host, port)| {
            // libpq finds the usual socket under `localhost` and any other under its directory.
            let names = match host {
                Host::Tcp(name) => [Some(name.clone()), None],
                Host::Unix(directory) => {
                    [directory.to_str().map(str::to_owned), Some("localhost".to_owned())]
                }
            };
            let mut names = names.into_iter().flatten();
            names.find_map(|name| password_from(&text, &name, port, database, user))
        });
        Ok(found)
    }

    fn addresses(&self) -> impl Iterator<Item = (&Host, u16)> {
        let ports = self.config.get_ports();
        let port = move |at: usize| ports.get(at).or(ports.first()).copied().unwrap_or(5432);
        self.config.get_hosts().iter().enumerate().map(move |(at, host)| (host, port(at)))
    }
}

/// A password. Does not print; overwritten with zeros when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(…)")
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Postgres({})", self.shown)
    }
}

impl fmt::Display for Postgres {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.shown)
    }
}

/// As it was written, without a password.
impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(data) => write!(out, "sqlite:{}", data.display()),
            Self::Postgres(postgres) => postgres.fmt(out),
        }
    }
}

/// Why a text is no place. A sentence for the operator, which never repeats the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoPlace(String);

fn refused<T>(why: impl Into<String>) -> Result<T, NoPlace> {
    Err(NoPlace(why.into()))
}

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        if let Some(directory) = text.strip_prefix("sqlite:") {
            // `sqlite:///srv/jeton` is how some write a path that begins at the root.
            let directory = match directory.strip_prefix("//") {
                Some(path) if path.starts_with('/') => path,
                Some(_) => {
                    return refused(
                        "it has two slashes; a directory is written as in sqlite:/srv/jeton or sqlite:jeton-data",
                    );
                }
                None => directory,
            };
            if directory.is_empty() || directory.contains('\0') {
                return refused("it names no directory, as sqlite:/srv/jeton does");
            }
            return Ok(Self::Sqlite(directory.into()));
        }
        match ["postgres://", "postgresql://"].iter().find_map(|scheme| text.strip_prefix(scheme)) {
            Some(rest) => Postgres::parse(rest).map(Self::Postgres),
            None => refused("it begins with neither sqlite: nor postgres://"),
        }
    }
}

impl Postgres {
    /// Takes apart what follows the scheme. The options for TLS and the passwords are taken out;
    /// the rest is `tokio_postgres`'s to read.
    fn parse(rest: &str) -> Result<Self, NoPlace> {
        let (login, behind) = rest.split_once('@').map_or((None, rest), |(login, rest)| (Some(login), rest));
        if behind.contains('@') {
            return refused("it has more than one @; write an @ within a name or a password as %40");
        }
        let (address, query) = behind.split_once('?').unwrap_or((behind, ""));
        let (user, mut password) = match login.map(|login| login.split_once(':').unwrap_or((login, ""))) {
            Some((user, "")) => (user, None),
            Some((user, password)) => (user, Some(secret(password)?)),
            None => ("", None),
        };

        let (mut sslmode, mut sslrootcert) = (None, None);
        let mut options: Vec<&str> = Vec::new();
        for option in query.split('&').filter(|option| !option.is_empty()) {
            let Some((name, value)) = option.split_once('=') else {
                return refused("an option after its ? lacks the value; write it as name=value");
            };
            match decoded(name)?.as_str() {
                "password" if password.is_some() => return refused("it names two passwords"),
                "password" => password = Some(secret(value)?),
                "sslmode" => sslmode = Some(decoded(value)?),
                "sslrootcert" => sslrootcert = Some(decoded(value)?),
                "sslcert" | "sslkey" | "sslcrl" | "sslpassword" | "passfile" | "service" => {
                    return refused(format!("jeton does not carry out its option {name}"));
                }
                _ => options.push(option),
            }
        }

        let login = if user.is_empty() { String::new() } else { format!("{user}@") };
        let bare = |options: &[&str]| match options {
            [] => format!("postgres://{login}{address}"),
            options => format!("postgres://{login}{address}?{}", options.join("&")),
        };
        let mut config: Config = bare(&options).parse().map_err(|cause: tokio_postgres::Error| {
            let why =
                std::error::Error::source(&cause).map_or_else(|| cause.to_string(), ToString::to_string);
            NoPlace(format!("it is no URL of a database: {why}"))
        })?;
        named(&config)?;

        let tls = Tls::of(sslmode.as_deref(), sslrootcert.as_deref(), reach(&config)).map_err(NoPlace)?;
        if config.get_ssl_negotiation() == SslNegotiation::Direct && tls == Tls::Off {
            return refused("its sslnegotiation=direct asks for encryption, and its sslmode for none");
        }
        config.ssl_mode(if tls == Tls::Off { SslMode::Disable } else { SslMode::Require });
        // A standby takes no writes, and what it answers may be old.
        if config.get_target_session_attrs() == TargetSessionAttrs::ReadOnly {
            return refused("its target_session_attrs asks for a server that takes no writes");
        }
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        if config.get_application_name().is_none() {
            config.application_name("jeton");
        }

        let own = [("sslmode", sslmode), ("sslrootcert", sslrootcert)];
        let own: Vec<String> = own
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", encoded(&value?))))
            .collect();
        let shown: Vec<&str> = options.into_iter().chain(own.iter().map(String::as_str)).collect();
        Ok(Self { shown: bare(&shown), config: Box::new(config), tls, password })
    }
}

/// Who, where and which database: what libpq would guess from the environment is named here.
fn named(config: &Config) -> Result<(), NoPlace> {
    if config.get_hosts().is_empty() {
        return refused("it names no host, as postgres://jeton@db.example.com/jeton does");
    }
    if config.get_user().is_none_or(str::is_empty) {
        return refused("it names no user, as postgres://jeton@db.example.com/jeton does");
    }
    if config.get_dbname().is_none_or(str::is_empty) {
        return refused("it names no database, as postgres://jeton@db.example.com/jeton does");
    }
    Ok(())
}

/// How far what is said to a database travels.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// A socket: there is nothing to listen in on.
    Socket,
    Loopback,
    Network,
}

/// The furthest of the hosts.
fn reach(config: &Config) -> Reach {
    let addresses = config.get_hostaddrs();
    let of = |(at, host): (usize, &Host)| match host {
        Host::Unix(_) => Reach::Socket,
        Host::Tcp(name) => {
            let address = addresses.get(at).copied().or_else(|| name.parse().ok());
            match address.map_or(name == "localhost", |address: IpAddr| address.is_loopback()) {
                true => Reach::Loopback,
                false => Reach::Network,
            }
        }
    };
    config.get_hosts().iter().enumerate().map(of).max().unwrap_or(Reach::Network)
}

fn secret(encoded: &str) -> Result<Secret, NoPlace> {
    decoded(encoded).map(Secret::new)
}

/// Percent-decoding (RFC 3986 section 2.1).
fn decoded(text: &str) -> Result<String, NoPlace> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let digit = |at: usize| after.get(at).and_then(|digit| char::from(*digit).to_digit(16));
        match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).expect("two hexadecimal digits fit a byte"));
                rest = &after[2..];
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).or_else(|_| refused("what is written with % is not UTF-8"))
}

/// Percent-encoding of what would end an option.
fn encoded(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '%' | '&' | '#' | '?' | '@' | ' ' => format!("%{:02X}", u32::from(letter)),
            other => other.to_string(),
        })
        .collect()
}

/// A text that was meant to be a place, for a message: what may be a password is left out, also
/// where the text is no place.
pub fn redacted(text: &str) -> String {
    if let Ok(place) = text.parse::<Place>() {
        return place.to_string();
    }
    let (before, query) = text.split_once('?').map_or((text, ""), |(before, query)| (before, query));
    // The last @ of all, as one in the password may be the reason why this is no place.
    let (scheme, behind) = match (text.split_once("//"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, behind))) => (format!("{scheme}//…@"), behind),
        (None, Some((_, behind))) => ("…@".to_owned(), behind),
        (_, None) => (String::new(), before),
    };
    let behind = behind.split('?').next().unwrap_or_default();
    let query = if query.is_empty() { "" } else { "?…" };
    format!("{scheme}{behind}{query}")
}

#[cfg(test)]
mod tests;
