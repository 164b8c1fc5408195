//! TLS to the database: what `sslmode` and `sslrootcert` mean here, and the connector.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Postgres, Reach};

/// How the connection is protected. Where the URL says nothing: not at all to the same machine
/// (a socket, `localhost`, a loopback address), and [`Tls::Verify`] to any other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// `sslmode=disable`: in the clear. Also every socket, as with libpq.
    Off,
    /// `sslmode=require`: encrypted, but whoever answers is believed, as with libpq.
    Encrypt,
    /// `sslmode=verify-full`: the certificate is for the host's name and comes from an authority
    /// of that file, or from one of the public ones (Mozilla's list) where there is no file.
    Verify { ca: Option<PathBuf> },
}

impl Tls {
    /// The error is a sentence for the operator.
    pub(super) fn of(sslmode: Option<&str>, sslrootcert: Option<&str>, reach: Reach) -> Result<Self, String> {
        let ca = sslrootcert.filter(|file| *file != "system").map(PathBuf::from);
        let tls = match sslmode {
            None if reach == Reach::Network || sslrootcert.is_some() => Self::Verify { ca },
            None | Some("disable") => Self::Off,
            Some("require") => Self::Encrypt,
            Some("verify-full") => Self::Verify { ca },
            Some("verify-ca") => {
                return Err(
                    "its sslmode=verify-ca takes the certificate of any host that the authority knows; \
                            write sslmode=verify-full"
                        .to_owned(),
                );
            }
            Some("allow" | "prefer") => {
                return Err("its sslmode falls back to plain text when somebody in between asks for it; \
                            write sslmode=verify-full, require or disable"
                    .to_owned());
            }
            Some(_) => return Err("its sslmode is none of verify-full, require and disable".to_owned()),
        };
        match tls {
            _ if reach == Reach::Socket => Ok(Self::Off),
            Self::Off | Self::Encrypt if sslrootcert.is_some() => {
                Err("its sslmode checks no certificate; write sslmode=verify-full beside sslrootcert"
                    .to_owned())
            }
            tls => Ok(tls),
        }
    }
}

/// Why there can be no connector.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("could not read the certificates of {} (sslrootcert)", path.display())]
    Unreadable { path: PathBuf, source: rustls::pki_types::pem::Error },
    #[error("{} (sslrootcert) has no certificate of an authority in PEM", path.display())]
    Empty { path: PathBuf },
    #[error("could not set TLS up")]
    Tls(#[from] rustls::Error),
}

impl Postgres {
    /// What encrypts a connection that [`Postgres::config`] asks for. Reads the file of
    /// `sslrootcert`, so an authority that was renewed is known after the next call.
    ///
    /// # Errors
    /// When that file cannot be used.
    pub fn connector(&self) -> Result<MakeRustlsConnect, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let client =
            ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
        let mut client = match &self.tls {
            Tls::Encrypt => client
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
                .with_no_client_auth(),
            Tls::Off => client.with_root_certificates(RootCertStore::empty()).with_no_client_auth(),
            Tls::Verify { ca } => {
                client.with_root_certificates(authorities(ca.as_ref())?).with_no_client_auth()
            }
        };
        // PostgreSQL 17 asks for it where TLS is not negotiated first; others pass over it.
        client.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(MakeRustlsConnect::new(client))
    }
}

fn authorities(file: Option<&PathBuf>) -> Result<RootCertStore, TlsError> {
    let Some(path) = file else {
        return Ok(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() });
    };
    let unreadable = |source| TlsError::Unreadable { path: path.clone(), source };
    let found: Vec<CertificateDer<'_>> = CertificateDer::pem_file_iter(path)
        .map_err(unreadable)?
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    let mut roots = RootCertStore::empty();
    match roots.add_parsable_certificates(found) {
        (0, _) => Err(TlsError::Empty { path: path.clone() }),
        _ => Ok(roots),
    }
}

/// Believes whoever answers, and still holds them to their own key: so what is said stays
/// between the two, whoever the other is.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
