//! TLS by rustls, with its ring provider.

use std::{error::Error as StdError, fmt::Display, io, path::Path, pin::Pin, sync::Arc};

use relata_core::{Error, ErrorClass, Result};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{login::Lent, wire::Stream};
use crate::{PostgresOptions, SslMode};

fn configuration(what: impl Display, why: impl Display) -> Error {
    Error::new(ErrorClass::Configuration, format!("{what}: {why}"))
}

/// What encrypts connections as the options say.
///
/// The provider is named here, so that an application which never chose one for its process needs not.
pub(super) fn connector(options: &PostgresOptions) -> Result<MakeRustlsConnect> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| configuration("TLS cannot be set up", error))?
        .dangerous()
        .with_custom_certificate_verifier(verifier(options, provider)?);
    let config = match &options.ssl_client {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = certificates(certificate)?;
            let file = key.display();
            let key = PrivateKeyDer::from_pem_file(key).map_err(|error| {
                configuration(format!("cannot read the key in {file}"), error.to_string())
            })?;
            builder.with_client_auth_cert(chain, key).map_err(|error| {
                configuration("sslcert and sslkey do not make a client certificate", error)
            })?
        }
    };
    Ok(MakeRustlsConnect::new(config))
}

/// Encrypts the stream of a login.
pub(super) struct Encryption(<MakeRustlsConnect as MakeTlsConnect<Stream>>::TlsConnect);

impl Encryption {
    /// With a host of this name.
    pub(super) fn new(connector: &MakeRustlsConnect, host: &str) -> Self {
        let Ok(connect) = MakeTlsConnect::<Stream>::make_tls_connect(&mut connector.clone(), host);
        Encryption(connect)
    }
}

impl TlsConnect<Lent> for Encryption {
    type Stream = Lent;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Lent>> + Send>>;

    fn connect(self, lent: Lent) -> Self::Future {
        Box::pin(async move {
            let encrypted = TlsConnect::<Stream>::connect(self.0, lent.take_out()?).await?;
            let binding = encrypted.channel_binding();
            lent.put_back(Box::new(encrypted), binding);
            Ok(lent)
        })
    }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let unreadable = |error: rustls::pki_types::pem::Error| {
        configuration(format!("cannot read the certificates in {}", file.display()), error.to_string())
    };
    let certificates: Vec<_> = CertificateDer::pem_file_iter(file)
        .map_err(unreadable)?
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    if certificates.is_empty() {
        return Err(configuration(
            "TLS cannot be set up",
            format!("there is no certificate in {}", file.display()),
        ));
    }
    Ok(certificates)
}

fn roots(options: &PostgresOptions) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    match &options.ssl_root_cert {
        Some(file) => {
            for certificate in certificates(file)? {
                roots.add(certificate).map_err(|error| {
                    configuration(format!("a certificate in {} is no authority", file.display()), error)
                })?;
            }
        }
        None => {
            // Systems have certificates that nobody can read; one good one is enough.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    Ok(roots)
}

fn verifier(options: &PostgresOptions, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>> {
    let check_name = match options.ssl_mode {
        SslMode::VerifyFull => true,
        SslMode::VerifyCa => false,
        // Whoever names an authority wants it asked (PostgreSQL manual, 32.19.3, the note on compatibility).
        SslMode::Require if options.ssl_root_cert.is_some() => false,
        _ => return Ok(Arc::new(Lenient { authorities: None, provider })),
    };
    let strict = WebPkiServerVerifier::builder_with_provider(Arc::new(roots(options)?), provider.clone())
        .build()
        .map_err(|error| {
            configuration("no authority to verify the server by; name one with sslrootcert", error)
        })?;
    Ok(if check_name { strict } else { Arc::new(Lenient { authorities: Some(strict), provider }) })
}

/// What usually helps after a handshake has failed.
pub(crate) fn remedy(
    source: &(dyn StdError + Send + Sync + 'static),
    options: &PostgresOptions,
) -> &'static str {
    use CertificateError::*;
    let error = source.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    match error.and_then(|error| error.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(UnknownIssuer | BadSignature)) => {
            match options.ssl_root_cert {
                Some(_) => "the server's certificate is not signed by an authority in sslrootcert",
                None => "name the authority that signed the server's certificate with sslrootcert",
            }
        }
        Some(rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. })) => {
            "connect by a name that is in the server's certificate, or use sslmode=verify-ca"
        }
        Some(rustls::Error::InvalidCertificate(
            Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. },
        )) => "the server's certificate is out of date, or the clock of this machine is wrong",
        Some(_) => "see the log of the server",
        None => "turn TLS on in the server, or use sslmode=disable where the network is safe",
    }
}

/// Asks less than `verify-full`.
#[derive(Debug)]
struct Lenient {
    /// Who asks for everything, the name of the server included, which `verify-ca` does not need. `allow`, `prefer` and `require`
    /// ask for nothing: encryption with whoever answers.
    authorities: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(authorities) = &self.authorities else { return Ok(ServerCertVerified::assertion()) };
        // The name is what webpki looks at last, so that all the rest is right when it complains of that.
        match authorities.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
