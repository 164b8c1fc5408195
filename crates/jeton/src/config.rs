//! What an operator can set: every key of jeton's configuration, declared once in the table
//! below. Parsing, `jeton config show`, `jeton config check` and `docs/configuration.md` follow
//! from that table, so a new key is one entry here.
//!
//! A value comes from the first of: a flag, the environment (`JETON_SECTION__KEY`, and for a
//! secret also `…_FILE`), the file `jeton.toml`, the default. What accounts may do is policy and
//! lives in the database, never here.
//!
//! [`key`] says what a key is and which values it takes, [`sources`] gathers what was set,
//! [`resolve`] decides, [`show`] writes it out.

mod console;
mod hooks;
pub mod key;
mod mails;
pub mod resolve;
pub mod show;
pub mod sources;

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::{Path, PathBuf};

use domain::webhooks::target::Allowed;

use console::{ConsoleName, ConsolePath, Origins, ReturnUrl};
use key::{Base, Keep, Key, LogFilter, LogFormat, Period, PresetName, PublicUrl, Unset};
pub use resolve::{ConfigError, Resolved};
pub use sources::{Flag, Sources};
use store::place::{Place, Secret};
use web::console::{Accent, Locale};

/// Declares the keys: the field of [`Config`], its type, the name, and where the value comes from
/// when nobody sets it. The doc comment becomes the sentence in `docs/configuration.md`; `secret`
/// at the end of an entry keeps its value out of every output.
macro_rules! keys {
    ($($(#[doc = $doc:literal])+ $field:ident: $type:ty = $name:literal, $unset:expr $(, $secret:ident)?;)+) => {
        /// The configuration in force, one field a key.
        #[derive(Debug)]
        pub struct Config {
            $($(#[doc = $doc])+ pub $field: $type,)+
        }

        /// Every key, in the order of the documentation.
        pub const KEYS: &[Key] = &[
            $(Key::of::<$type>($name, concat!($($doc),+), $unset, !matches!(stringify!($($secret)?).as_bytes(), b"")),)+
        ];

        impl Config {
            /// The typed values of a resolution of [`KEYS`].
            fn of(resolved: &Resolved) -> Self {
                Self { $($field: resolved.typed::<$type>($name),)+ }
            }
        }
    };
}

keys! {
    /// The directory of everything this server keeps: its database, its lock, its keys; with a
    /// database on PostgreSQL, only its keys and its `checkpoints.log`. A relative path counts from the
    /// working directory.
    data: PathBuf = "data", Unset::Computed("/var/lib/jeton where that is a writable directory, otherwise ./jeton-data", default_data);

    /// Where the facts are: SQLite in a directory, which one process has to itself, or a database on
    /// PostgreSQL, which several may share. A connection to another machine is encrypted and the
    /// certificate checked (`sslmode=verify-full`, with `sslrootcert=FILE` where the authority is
    /// not a public one), unless the URL says `sslmode=require` (encrypted, whoever answers) or
    /// `sslmode=disable`; one to this machine is not. A password is better kept in
    /// `store.password` or in a password file, and may not stand in `--store` at all.
    store_url: Option<Place> = "store.url", Unset::Otherwise("SQLite in `data`");

    /// The password for the database of `store.url`. Without one, the entry for it in the file that
    /// `PGPASSFILE` names, or in `~/.pgpass`, as for PostgreSQL's own programs.
    store_password: Option<Secret> = "store.password", Unset::Nothing, secret;

    /// How many connections read from the database side by side. On PostgreSQL up to four more
    /// write, listen, hint, and read what memory misses.
    store_readers: NonZeroU32 = "store.readers", Unset::Is("4");

    /// The size of a file that is given up when the disk is full, so that a revocation can still be
    /// written. 0 keeps none. SQLite only.
    store_ballast_bytes: u64 = "store.ballast_bytes", Unset::Is("1048576");

    /// The free space on the disk below which everything but what ends something is refused with 507.
    /// 0 never refuses. SQLite only.
    store_free_space_watermark_bytes: u64 = "store.free_space_watermark_bytes", Unset::Is("16777216");

    /// The file of the server's own keys, the same for all processes that share a database. Whoever
    /// reads it can open what is sealed in the database, so a backup should not hold both.
    keys_file: PathBuf = "keys.file", Unset::Computed("keys, in the directory of an SQLite store, otherwise in `data`", default_keys);

    /// The address and port on which the server answers HTTP.
    server_listen: SocketAddr = "server.listen", Unset::Is("127.0.0.1:7070");

    /// The URL under which people reach this server, without a path; it stands in the set-up link.
    server_public_url: Option<PublicUrl> = "server.public_url", Unset::Nothing;

    /// The preset of accounts that are made without naming one, the first among them.
    server_preset: PresetName = "server.preset", Unset::Is("default");

    /// Whether text that is not of our own form (16 to 255 printable ASCII characters, imported) is
    /// looked up instead of refused.
    server_foreign_tokens: bool = "server.foreign_tokens", Unset::Is("false");

    /// How many connections are open at once before a new one is closed.
    server_max_connections: NonZeroU32 = "server.max_connections", Unset::Is("8192");

    /// How many of them may come from one address. A gateway in front of jeton is one address.
    server_max_connections_per_ip: NonZeroU32 = "server.max_connections_per_ip", Unset::Is("2048");

    /// How long requests under way may take to end once the server was told to stop.
    server_drain: Period = "server.drain", Unset::Is("30 s");

    /// The path of the console as browsers see it. A proxy may pass it on as it is, or put `/console` in its
    /// place; links are made with it either way.
    console_base: ConsolePath = "console.base", Unset::Is("/console");

    /// What the console calls itself.
    console_name: ConsoleName = "console.name", Unset::Is("jeton");

    /// A file with a logo, SVG or PNG, of at most 200 KiB, which stands where the name would.
    console_logo: Option<PathBuf> = "console.logo", Unset::Nothing;

    /// The one colour of the console. Where it could not be read it is made darker, or lighter.
    console_accent: Accent = "console.accent", Unset::Is("#2f5bd0");

    /// Where the console's way back to the product leads.
    console_return_url: Option<ReturnUrl> = "console.return_url", Unset::Nothing;

    /// The language of the console.
    console_locale: Option<Locale> = "console.locale", Unset::Otherwise("what the reader's browser asks for");

    /// The sites that may show the console in a frame. It needs https, because a browser gives a frame on
    /// another site no other cookie.
    console_framed_by: Option<Origins> = "console.framed_by", Unset::Nothing;

    /// A file with the public keys of GitHub's secret scanner, as
    /// `https://api.github.com/meta/public_keys/secret_scanning` answers them; it is read again on a reload.
    /// Without one, what GitHub finds is not taken.
    leaks_github_keys: Option<PathBuf> = "leaks.github_keys", Unset::Nothing;

    /// The mail server, as in `smtp://relay.example.com:587` (STARTTLS where it is offered; with
    /// `?starttls=required` or with a user always, with `?starttls=none` never) or `smtps://relay.example.com`
    /// (TLS from the first byte). A user, and a password that is better kept in `mail.password`, stand before
    /// the host; `ca=FILE` names the certificates of an authority that is not a public one. Without a mail
    /// server nothing is mailed, and nothing is kept to be mailed.
    mail_url: Option<mail::Place> = "mail.url", Unset::Nothing;

    /// The password for the mail server.
    mail_password: Option<Secret> = "mail.password", Unset::Nothing, secret;

    /// Whom mails come from; needed with `mail.url`.
    mail_from: Option<mail::Sender> = "mail.from", Unset::Nothing;

    /// A directory with `mail.txt` and `mail.html` for all mails, and others such as `created.html` for those about
    /// one thing, in place of our own. They are checked at the start.
    mail_templates: Option<PathBuf> = "mail.templates", Unset::Nothing;

    /// Networks that webhooks may call besides the public ones, with spaces between them, as in
    /// `127.0.0.0/8 10.20.0.0/16`. Without it none is called that is private, local or reserved, and nothing
    /// without TLS; `http://` reaches only what is named here. Whoever may change an account's policy can
    /// have any address in them called from this machine.
    webhooks_allow: Option<Allowed> = "webhooks.allow", Unset::Nothing;

    /// A file with the certificates (PEM) of authorities that webhooks' receivers may have theirs from besides the
    /// public ones.
    webhooks_ca: Option<PathBuf> = "webhooks.ca", Unset::Nothing;

    /// The file that gets a signed checkpoint of the journal every `journal.checkpoint_interval`, by which
    /// `jeton doctor` and `jeton journal verify` find a journal that was rewritten or cut back. Best on
    /// another disk than the database, or copied away; each of several peers writes its own.
    journal_checkpoints: PathBuf = "journal.checkpoints", Unset::Computed("checkpoints.log, in the directory of an SQLite store, otherwise in `data`", default_checkpoints);

    /// How often that file gets a checkpoint, if there is anything new, besides at the start and the end
    /// of each process.
    journal_checkpoint_interval: Period = "journal.checkpoint_interval", Unset::Is("5 min");

    /// How long the journal keeps what its entries say. After that their payloads are erased, and what
    /// remains is who did what to what, and when; the chain still checks. Without it they are kept for
    /// ever.
    journal_keep: Option<Keep> = "journal.keep", Unset::Nothing;

    /// What is logged: a level, and levels by module, as in `info,store=debug`.
    log_level: LogFilter = "log.level", Unset::Is("info");

    /// The form of a log line; `auto` is text on a terminal and JSON elsewhere.
    log_format: LogFormat = "log.format", Unset::Is("auto");

    /// The address and port on which metrics are served, at `/metrics` and to whoever asks; none
    /// are without one. Not an address that others than the scraper can reach.
    metrics_listen: Option<SocketAddr> = "metrics.listen", Unset::Nothing;

    /// How many tokens are kept in memory, about 130 bytes each. Beyond it a new one takes the
    /// place of any other, which is read from the database when it is asked for.
    verifier_max_tokens: NonZeroU64 = "verifier.max_tokens", Unset::Is("10000000");
}

/// The keys that a reload changes while the server runs; the others wait for a restart.
pub const LIVE: &[&str] = &[
    "server.preset",
    "server.max_connections",
    "server.max_connections_per_ip",
    "server.drain",
    "leaks.github_keys",
    "log.level",
];

impl Config {
    /// Resolves [`KEYS`] from what was set.
    ///
    /// # Errors
    /// Names everything that is wrong, not only the first.
    pub fn load(sources: &Sources) -> Result<(Self, Resolved), ConfigError> {
        let resolved = resolve::resolve(KEYS, sources)?;
        Ok((Self::of(&resolved), resolved))
    }
}

fn default_data(_: &Base<'_>) -> String {
    let packaged = "/var/lib/jeton";
    let writable = rustix::fs::access(packaged, rustix::fs::Access::WRITE_OK).is_ok();
    let chosen = if writable && Path::new(packaged).is_dir() { packaged } else { "./jeton-data" };
    chosen.to_owned()
}

fn default_keys(base: &Base<'_>) -> String {
    beside_the_facts(base, "keys")
}

fn default_checkpoints(base: &Base<'_>) -> String {
    beside_the_facts(base, "checkpoints.log")
}

fn beside_the_facts(base: &Base<'_>, name: &str) -> String {
    let data = match base.text("store.url").and_then(|url| url.parse().ok()) {
        Some(Place::Sqlite(data)) => data,
        _ => base.text("data").unwrap_or("./jeton-data").into(),
    };
    data.join(name).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;
