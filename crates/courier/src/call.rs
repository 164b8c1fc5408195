//! One call of a receiver: resolve, judge, connect, send, read the status.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use domain::time::Timestamp;
use domain::webhooks::target::{Allowed, Host, Target};
use domain::webhooks::{Outcome, SigningSecret, Trouble};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;

use crate::sign;

/// How long all of a call may take.
const WHOLE: Duration = Duration::from_secs(10);
/// Bytes of an answer's head that are taken, at most.
const HEAD: usize = 16 << 10;
/// Bytes of an answer's body that are read, at most; they say nothing to us, but a receiver that is cut off while
/// it answers may think that it failed.
const BODY: usize = 16 << 10;
/// Addresses of a name that are tried.
const TRIED: usize = 4;

/// Calls receivers.
pub struct Courier {
    allowed: Allowed,
    tls: TlsConnector,
}

/// What is sent once.
pub struct Parcel<'a> {
    pub target: &'a Target,
    /// Names what is told: the same at each try.
    pub id: &'a str,
    pub now: Timestamp,
    pub secrets: &'a [SigningSecret],
    /// JSON.
    pub body: Vec<u8>,
}

/// Why nobody can be called at all.
#[derive(Debug, thiserror::Error)]
pub enum CourierError {
    #[error("could not read the certificates of {}", path.display())]
    Unreadable { path: PathBuf, source: rustls::pki_types::pem::Error },
    #[error("{} has no certificate of an authority in PEM", path.display())]
    Empty { path: PathBuf },
    #[error("could not prepare TLS")]
    Tls(#[from] rustls::Error),
}

impl Courier {
    /// `authorities`: a file of certificates that are trusted besides the public ones (Mozilla's list).
    ///
    /// # Errors
    /// Where that file cannot be used.
    pub fn new(allowed: Allowed, authorities: Option<&Path>) -> Result<Self, CourierError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(path) = authorities {
            let unreadable = |source| CourierError::Unreadable { path: path.to_owned(), source };
            let found = CertificateDer::pem_file_iter(path).map_err(unreadable)?;
            let found: Vec<CertificateDer<'_>> = found.collect::<Result<_, _>>().map_err(unreadable)?;
            if roots.add_parsable_certificates(found).0 == 0 {
                return Err(CourierError::Empty { path: path.to_owned() });
            }
        }
        let provider = Arc::new(ring::default_provider());
        let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let client = client.with_root_certificates(roots).with_no_client_auth();
        Ok(Self { allowed, tls: TlsConnector::from(Arc::new(client)) })
    }

    /// Sends it, and says what came of that within ten seconds.
    pub async fn call(&self, parcel: Parcel<'_>) -> Outcome {
        match tokio::time::timeout(WHOLE, self.sent(parcel)).await {
            Ok(Ok(status)) => Outcome::Answered(status),
            Ok(Err(trouble)) => Outcome::Failed(trouble),
            Err(_) => Outcome::Failed(Trouble::TimedOut),
        }
    }

    async fn sent(&self, parcel: Parcel<'_>) -> Result<u16, Trouble> {
        let target = parcel.target;
        let line = connected(&self.addresses(target).await?).await?;
        if !target.is_secure() {
            return spoken(line, parcel).await;
        }
        let name = match target.host() {
            Host::Name(name) => ServerName::try_from(name.clone()).map_err(|_| Trouble::Tls)?,
            Host::Address(address) => ServerName::IpAddress((*address).into()),
        };
        let line = self.tls.connect(name, line).await.map_err(|_| Trouble::Tls)?;
        spoken(line, parcel).await
    }

    /// Where to connect to. One address that is not to be called is enough to refuse them all: whose name leads
    /// there and elsewhere means no good, or does not know.
    async fn addresses(&self, target: &Target) -> Result<Vec<SocketAddr>, Trouble> {
        let found: Vec<SocketAddr> = match target.host() {
            Host::Address(address) => vec![(*address, target.port()).into()],
            Host::Name(name) => {
                let found = lookup_host((name.as_str(), target.port())).await;
                found.map_err(|_| Trouble::NoAddress)?.collect()
            }
        };
        if found.is_empty() {
            return Err(Trouble::NoAddress);
        }
        let judged = found.iter().try_for_each(|to| self.allowed.judge(to.ip(), target.is_secure()));
        judged.map(|()| found).map_err(|_| Trouble::NotAllowed)
    }
}

async fn connected(addresses: &[SocketAddr]) -> Result<TcpStream, Trouble> {
    for address in addresses.iter().take(TRIED) {
        // An address within is one that was judged: nothing is resolved any more.
        if let Ok(stream) = TcpStream::connect(address).await {
            let quick: io::Result<()> = stream.set_nodelay(true);
            return quick.map(|()| stream).map_err(|_| Trouble::NoConnection);
        }
    }
    Err(Trouble::NoConnection)
}

/// RFC 9112, over a line that is used once.
async fn spoken(
    line: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    parcel: Parcel<'_>,
) -> Result<u16, Trouble> {
    let Parcel { target, id, now, secrets, body } = parcel;
    let signed = sign(secrets, id, now.as_micros().div_euclid(1_000_000), &body);
    let request = Request::builder()
        .method(Method::POST)
        .uri(target.path())
        .header(HOST, target.authority())
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, concat!("jeton/", env!("CARGO_PKG_VERSION")))
        .header("webhook-id", id)
        .header("webhook-timestamp", signed.timestamp)
        .header("webhook-signature", signed.signature)
        .header("connection", "close")
        .body(Full::new(Bytes::from(body)))
        // A path that hyper does not take: nothing else here comes from outside.
        .map_err(|_| Trouble::NoAnswer)?;
    let begun = http1::Builder::new().max_buf_size(HEAD).handshake(TokioIo::new(line)).await;
    let (mut sender, connection) = begun.map_err(|_| Trouble::NoAnswer)?;
    let talk = async {
        let answer = sender.send_request(request).await.map_err(|_| Trouble::NoAnswer)?;
        let status = answer.status().as_u16();
        let (mut body, mut read) = (answer.into_body(), 0);
        while read < BODY
            && let Some(Ok(frame)) = body.frame().await
        {
            read += frame.data_ref().map_or(0, Bytes::len);
        }
        Ok(status)
    };
    // Both in this task, so that whoever gives up waiting closes the line.
    tokio::pin!(talk, connection);
    tokio::select! {
        biased;
        told = &mut talk => told,
        _ = &mut connection => talk.await,
    }
}
