//! Hands mails to a mail server, over SMTP (RFC 5321).

use std::path::Path;
use std::time::Duration;

use domain::mail::{Mail, Trouble};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::{Error, PoolConfig};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use crate::place::{Line, Place};
use crate::writer::Writer;

/// How long each step of a conversation may take. Patience costs nothing here, and whoever gives up while the
/// server takes a mail in sends it twice (RFC 5321, section 4.5.3.2.6).
const STEP: Duration = Duration::from_secs(60);
/// How long all of it may: less than a letter's turn, so that nobody else begins meanwhile.
const WHOLE: Duration = Duration::from_secs(240);
/// How long a connection that nobody uses stays open.
const IDLE: Duration = Duration::from_secs(20);
/// Connections that are open side by side.
const CONNECTIONS: u32 = 4;

/// A way to a mail server.
pub struct Post {
    writer: Writer,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

/// A mail that was not taken.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct Undelivered {
    pub trouble: Trouble,
    /// It is about the mail server and not about this mail.
    pub unreachable: bool,
    /// Without what the server said, which may name the reader.
    pub why: String,
}

/// Why mails cannot be sent at all.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    #[error("could not read the certificates in {path}")]
    Authority { path: String, source: std::io::Error },
    #[error("there are no certificates in PEM in {path}")]
    NoCertificates { path: String },
    #[error("could not prepare TLS: {0}")]
    Tls(String),
}

impl Post {
    pub fn new(place: &Place, writer: Writer) -> Result<Self, PostError> {
        let host = place.host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let tls = || parameters(&host, place.authority());
        let tls = match place.line {
            Line::Plain => Tls::None,
            Line::Offered => Tls::Opportunistic(tls()?),
            Line::StartTls => Tls::Required(tls()?),
            Line::Tls => Tls::Wrapper(tls()?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(place.port)
            .tls(tls)
            .timeout(Some(STEP))
            .pool_config(PoolConfig::new().max_size(CONNECTIONS).idle_timeout(IDLE));
        if let Some(user) = &place.user {
            let password = place.password.clone().unwrap_or_default();
            builder = builder.credentials(Credentials::new(user.clone(), password));
        }
        Ok(Self { writer, transport: builder.build() })
    }

    /// Ok: the mail server has taken it.
    pub async fn send(&self, mail: &Mail) -> Result<(), Undelivered> {
        let message = self.writer.message(mail).map_err(|why| Undelivered {
            trouble: Trouble::Refused,
            unreachable: false,
            why: why.to_string(),
        })?;
        match tokio::time::timeout(WHOLE, self.transport.send(message)).await {
            Ok(sent) => sent.map(drop).map_err(|cause| undelivered(&cause)),
            Err(_) => Err(unreachable("the mail server took too long".to_owned())),
        }
    }

    /// Whether the mail server answers, lets us in and is spoken to as was asked for; nothing is sent.
    pub async fn look(&self) -> Result<(), Undelivered> {
        let asked = tokio::time::timeout(WHOLE, self.transport.test_connection()).await;
        match asked.map_err(|_| unreachable("the mail server took too long".to_owned()))? {
            Ok(true) => Ok(()),
            Ok(false) => Err(unreachable("the mail server answers, but not as one does".to_owned())),
            Err(cause) => Err(undelivered(&cause)),
        }
    }
}

fn parameters(host: &str, authority: Option<&Path>) -> Result<TlsParameters, PostError> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(path) = authority {
        let shown = path.display().to_string();
        let pem =
            std::fs::read(path).map_err(|source| PostError::Authority { path: shown.clone(), source })?;
        let certificates = Certificate::from_pem(&pem).ok();
        let certificate = certificates.ok_or(PostError::NoCertificates { path: shown })?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build().map_err(|cause| PostError::Tls(cause.to_string()))
}

/// RFC 5321, section 4.2.1: 4yz is passing, 5yz stays. What is about who we are and not about the mail (a
/// service that is closing, 421, or credentials, RFC 4954, section 6) is the server's.
fn undelivered(cause: &Error) -> Undelivered {
    let Some(status) = cause.status() else {
        let first = first(cause);
        return unreachable(match (first.contains("certificate"), cause.is_timeout()) {
            (true, _) => format!("the mail server's certificate is not trusted ({first})"),
            (_, true) => "the mail server did not answer in time".to_owned(),
            _ => format!("could not talk to the mail server: {first}"),
        });
    };
    let code = u16::from(status);
    let why = format!("the mail server answered {code}");
    match code {
        421 | 454 | 530 | 534 | 535 | 538 => unreachable(why),
        500.. => Undelivered { trouble: Trouble::Refused, unreachable: false, why },
        _ => Undelivered { trouble: Trouble::Passing, unreachable: false, why },
    }
}

/// What caused it in the first place.
fn first(cause: &Error) -> String {
    let mut first: &dyn std::error::Error = cause;
    while let Some(next) = first.source() {
        first = next;
    }
    first.to_string()
}

fn unreachable(why: String) -> Undelivered {
    Undelivered { trouble: Trouble::Passing, unreachable: true, why }
}
