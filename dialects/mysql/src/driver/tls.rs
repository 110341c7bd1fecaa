//! TLS, by rustls inside of mysql_async.

use mysql_async::SslOpts;
use relata_core::Result;

use super::{MysqlOptions, SslMode, configuration};

#[cfg(not(feature = "tls"))]
pub(super) fn options(_: &MysqlOptions, mode: SslMode) -> Result<Option<SslOpts>> {
    match mode {
        SslMode::Disabled | SslMode::Preferred => Ok(None),
        _ => Err(configuration("TLS needs the feature `tls`")),
    }
}

/// A name that no certificate is valid for. mysql_async lets pass an error of the verification whose text holds
/// `NotValidForName`, but rustls words it otherwise by now, quoting the name that it looked for: this one. The name is the
/// last thing to be verified, so that the authority is all the same.
#[cfg(feature = "tls")]
const ANY_HOST: &str = "NotValidForName.invalid";

/// The options for TLS; `None` if there is to be none.
#[cfg(feature = "tls")]
pub(super) fn options(options: &MysqlOptions, mode: SslMode) -> Result<Option<SslOpts>> {
    use mysql_async::ClientIdentity;

    if mode == SslMode::Disabled {
        return Ok(None);
    }
    install_provider();
    let mut tls = SslOpts::default();
    match mode {
        SslMode::VerifyCa => {
            tls = tls
                .with_danger_skip_domain_validation(true)
                .with_danger_tls_hostname_override(Some(ANY_HOST));
        }
        SslMode::VerifyIdentity => {}
        _ => tls = tls.with_danger_accept_invalid_certs(true),
    }
    if let Some(path) = &options.ssl_ca {
        let authorities = read(path, "ssl-ca")?;
        if !contains_pem(&authorities) {
            return Err(configuration(format!("ssl-ca {} holds no PEM certificate", path.display())));
        }
        tls = tls.with_root_certs(vec![authorities.into()]);
        // Where nothing is verified, rustls wants an authority all the same.
        tls = tls.with_disable_built_in_roots(true);
    }
    if let (Some(certificate), Some(key)) = (&options.ssl_cert, &options.ssl_key) {
        let identity =
            ClientIdentity::new(read(certificate, "ssl-cert")?.into(), read(key, "ssl-key")?.into());
        tls = tls.with_client_identity(Some(identity));
    }
    Ok(Some(tls))
}

#[cfg(feature = "tls")]
fn contains_pem(text: &[u8]) -> bool {
    String::from_utf8_lossy(text).contains("-----BEGIN CERTIFICATE-----")
}

#[cfg(feature = "tls")]
fn read(path: &std::path::Path, option: &str) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| configuration(format!("{option} {}: {error}", path.display())))
}

/// mysql_async takes the provider of the process. With several compiled in and none chosen, rustls would panic.
#[cfg(feature = "tls")]
fn install_provider() {
    use rustls::crypto::{CryptoProvider, ring};
    if CryptoProvider::get_default().is_none() {
        // If somebody was faster, theirs is as good.
        let _ = ring::default_provider().install_default();
    }
}
