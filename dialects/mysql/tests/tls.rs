//! TLS, and who one is.
#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{one, options, servers, try_open, with_database};
use relata_core::{Error, ErrorClass, driver::Driver};
use relata_mysql::{MysqlDriver, MysqlOptions, SslMode};

fn certificate(name: &str) -> String {
    format!("{}/{name}", std::env::var("RELATA_TEST_TLS_DIR").unwrap())
}

fn on_each<F: Future<Output = ()>>(test: impl Fn(MysqlOptions, String) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for url in servers() {
        if std::env::var("RELATA_TEST_TLS_DIR").is_err() {
            println!("skipped: RELATA_TEST_TLS_DIR is not set");
            return;
        }
        println!("on {}", url.split(':').next().unwrap());
        runtime.block_on(test(options(&url), url));
    }
}

async fn refused(options: MysqlOptions) -> Error {
    match MysqlDriver::new(options).unwrap().connect().await {
        Ok(_) => panic!("connected"),
        Err(error) => error,
    }
}

/// The cipher of a connection; empty without TLS.
async fn cipher(options: MysqlOptions) -> String {
    let mut connection = MysqlDriver::new(options).unwrap().connect().await.unwrap();
    let sql =
        "SELECT variable_value FROM performance_schema.session_status WHERE variable_name = 'Ssl_cipher'";
    let sql = if connection.dialect().name() == "MariaDB" {
        &sql.replace("performance", "information")
    } else {
        sql
    };
    one::<String>(&mut *connection, sql, &[]).await.unwrap()
}

#[test]
fn modes() {
    on_each(|options, _| async move {
        assert_eq!(cipher(options.clone().ssl_mode(SslMode::Disabled)).await, "");
        // Whatever the certificate.
        for mode in [SslMode::Preferred, SslMode::Required] {
            assert_ne!(cipher(options.clone().ssl_mode(mode)).await, "");
            assert_ne!(cipher(options.clone().ssl_mode(mode).ssl_ca(certificate("wrong-ca.crt"))).await, "");
        }
        let known = options.clone().ssl_ca(certificate("ca.crt"));
        for mode in [SslMode::VerifyCa, SslMode::VerifyIdentity] {
            assert_ne!(cipher(known.clone().ssl_mode(mode)).await, "");
        }
    });
}

#[test]
fn a_certificate_of_an_unknown_authority_is_refused() {
    on_each(|options, _| async move {
        for mode in [SslMode::VerifyCa, SslMode::VerifyIdentity] {
            let error = refused(options.clone().ssl_mode(mode).ssl_ca(certificate("wrong-ca.crt"))).await;
            assert_eq!(error.class(), ErrorClass::Tls, "{error:?}");
            // The public authorities did not sign it either.
            let error = refused(options.clone().ssl_mode(mode)).await;
            assert_eq!(error.class(), ErrorClass::Tls, "{error:?}");
        }
    });
}

#[test]
fn a_certificate_of_another_host_is_refused_or_not() {
    let Ok(host) = std::env::var("RELATA_TEST_OTHER_HOST") else {
        println!("skipped: RELATA_TEST_OTHER_HOST is not set");
        return;
    };
    on_each(|_, url| {
        let url = url.replace("127.0.0.1", &host);
        async move {
            let options = options(&url).ssl_ca(certificate("ca.crt"));
            let error = refused(options.clone().ssl_mode(SslMode::VerifyIdentity)).await;
            assert_eq!(error.class(), ErrorClass::Tls, "{error:?}");
            assert_ne!(cipher(options.clone().ssl_mode(SslMode::VerifyCa)).await, "");
            let error =
                refused(options.ssl_mode(SslMode::VerifyCa).ssl_ca(certificate("wrong-ca.crt"))).await;
            assert_eq!(error.class(), ErrorClass::Tls, "{error:?}");
        }
    });
}

#[test]
fn a_client_certificate_lets_in() {
    on_each(|_, url| async move {
        let url = with_database(&url, "certdb");
        let port = url.rsplit_once(':').unwrap().1.split_once('/').unwrap().0;
        let scheme = url.split_once(':').unwrap().0;
        let ca = certificate("ca.crt");
        let url = format!("{scheme}://certuser@127.0.0.1:{port}/certdb?ssl-mode=verify_identity&ssl-ca={ca}");
        let error = try_open(&url).await.err().expect("let in without a certificate");
        assert_eq!(error.class(), ErrorClass::Authentication, "{error:?}");
        let (cert, key) = (certificate("client.crt"), certificate("client.key"));
        let mut connection = try_open(&format!("{url}&ssl-cert={cert}&ssl-key={key}")).await.unwrap();
        connection.ping().await.unwrap();
    });
}

#[test]
fn options_that_contradict_each_other() {
    let options = || MysqlOptions::new("localhost");
    for (options, words) in [
        (options().ssl_ca("/nowhere/ca.crt"), "ssl-ca /nowhere/ca.crt"),
        (options().socket("/tmp/s").ssl_mode(SslMode::Required), "no TLS over a Unix socket"),
    ] {
        let error = MysqlDriver::new(options).unwrap_err();
        assert_eq!(error.class(), ErrorClass::Configuration);
        assert!(error.to_string().contains(words), "{error}");
    }
}
