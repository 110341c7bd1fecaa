//! Logging in, in clear and over TLS, and what goes wrong with it. No error shows a password.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use relata_core::{
    Error, ErrorClass, Result,
    driver::{Connection, Job, Mode},
    render::Statement,
    statement::sql,
    url::DatabaseUrl,
};
use relata_postgres::Postgres;
use support::{Collect, try_connect, url, variable};

/// The parts of the server's URL, from which others are made.
struct Server {
    user: String,
    password: String,
    port: u16,
}

impl Server {
    fn new() -> Option<Self> {
        let text = url()?;
        let url = DatabaseUrl::parse(&text).unwrap();
        let password =
            text.split_once("//").unwrap().1.split_once(':').unwrap().1.rsplit_once('@').unwrap().0;
        Some(Server { user: url.user.unwrap(), password: password.into(), port: url.port.unwrap() })
    }

    fn url(&self, host: &str, rest: &str) -> String {
        format!("postgres://{}:{}@{host}:{}/relata{rest}", self.user, self.password, self.port)
    }

    async fn error(&self, url: &str) -> Error {
        match try_connect(url).await {
            Ok(_) => panic!("connected"),
            Err(error) => {
                let shown = format!("{error} {error:?} {:?}", std::error::Error::source(&error));
                let decoded = DatabaseUrl::parse(url).unwrap().password.unwrap();
                assert!(!shown.contains(decoded.reveal()) && !shown.contains(&self.password), "{shown}");
                error
            }
        }
    }
}

/// Whether the connection is encrypted, and the name in the client's certificate.
async fn encryption(connection: &mut Box<dyn Connection>) -> (bool, Option<String>) {
    let statement = sql("SELECT ssl, client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        .columns::<(bool, Option<String>)>();
    let compiled = statement.compile(&Postgres).unwrap();
    let mut sink = Collect::new(statement.reader());
    let job = Job::new(&compiled.sql, &compiled.binds, Mode::Once).with_sink(&mut sink);
    connection.run(&mut [job]).await.unwrap();
    sink.rows.remove(0)
}

async fn is_encrypted(url: &str) -> Result<bool> {
    let mut connection = try_connect(url).await?;
    let (ssl, _) = encryption(&mut connection).await;
    connection.close().await;
    Ok(ssl)
}

#[tokio::test]
async fn what_keeps_one_out() {
    let Some(server) = Server::new() else { return };
    let Server { user, port, .. } = &server;
    for (url, class, words) in [
        (
            format!("postgres://{user}:wrong-one@127.0.0.1:{port}/relata"),
            ErrorClass::Authentication,
            "password authentication failed",
        ),
        (
            format!("postgres://nobody:wrong-one@127.0.0.1:{port}/relata"),
            ErrorClass::Authentication,
            "password authentication failed",
        ),
        (
            server.url("127.0.0.1", "?sslmode=disable").replace("/relata?", "/missing?"),
            ErrorClass::Connect,
            "database \"missing\" does not exist",
        ),
        (server.url("no-such-host.invalid", ""), ErrorClass::Connect, "no-such-host.invalid"),
        (
            "postgres://u:wrong-one@127.0.0.1:1/d".into(),
            ErrorClass::Connect,
            "127.0.0.1:1: Connection refused",
        ),
        (
            server.url("127.0.0.1", "?options=-c no_such_setting=1"),
            ErrorClass::Configuration,
            "no_such_setting",
        ),
        (
            server.url("127.0.0.1", "?target_session_attrs=read-only"),
            ErrorClass::Connect,
            "database is not read only",
        ),
        (server.url("127.0.0.1", "?speling=1"), ErrorClass::Configuration, "unknown option \"speling\""),
    ] {
        let error = server.error(&url).await;
        assert_eq!(error.class(), class, "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
    }
    let writable = server.url("127.0.0.1", "?target_session_attrs=read-write");
    try_connect(&writable).await.unwrap().close().await;
    let error = match try_connect(&format!("postgres://{user}@127.0.0.1:{port}/relata")).await {
        Ok(_) => panic!("connected without a password"),
        Err(error) => error,
    };
    assert_eq!(error.class(), ErrorClass::Authentication, "{error:?}");
}

#[tokio::test]
async fn options_that_are_not_taken_are_named() {
    let Some(server) = Server::new() else { return };
    for (options, name) in [
        ("lock_timeout=18446744073709551615s", "lock_timeout"),
        ("search_path=%22", "search_path"),
        ("time_zone=%27;DROP", "TimeZone"),
        ("options=-c nope=1", "nope"),
        ("keepalives_idle=0s", "keepalives_idle"),
        ("keepalives_interval=0s", "keepalives_interval"),
        ("keepalives_retries=0", "keepalives_retries"),
        #[cfg(target_os = "linux")]
        ("tcp_user_timeout=10000000s", "tcp_user_timeout"),
    ] {
        let error = server.error(&server.url("127.0.0.1", &format!("?{options}"))).await;
        assert_eq!(error.class(), ErrorClass::Configuration, "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_yet_is_tried_again() {
    let started = std::time::Instant::now();
    let error = match try_connect("postgres://u@127.0.0.1:1/d?connect_attempts=3").await {
        Ok(_) => panic!("connected"),
        Err(error) => error,
    };
    assert_eq!(error.class(), ErrorClass::Connect);
    assert!(started.elapsed() >= std::time::Duration::from_millis(300));
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn sslmode_decides_on_encryption() {
    let Some(server) = Server::new() else { return };
    let Some(tls) = variable("RELATA_TEST_TLS_DIR") else { return };
    for (mode, encrypted) in [
        ("", true),
        ("?sslmode=disable", false),
        ("?sslmode=allow", false),
        ("?sslmode=prefer", true),
        ("?sslmode=require", true),
        (&*format!("?sslmode=require&sslrootcert={tls}/ca.crt"), true),
        (&*format!("?sslmode=verify-ca&sslrootcert={tls}/ca.crt"), true),
        (&*format!("?sslmode=verify-full&sslrootcert={tls}/ca.crt"), true),
    ] {
        assert_eq!(is_encrypted(&server.url("127.0.0.1", mode)).await.unwrap(), encrypted, "{mode}");
    }
}

#[cfg(not(feature = "tls"))]
#[tokio::test]
async fn without_the_feature_there_is_no_encryption() {
    let Some(server) = Server::new() else { return };
    assert!(!is_encrypted(&server.url("127.0.0.1", "")).await.unwrap());
    let error = server.error(&server.url("127.0.0.1", "?sslmode=require")).await;
    assert_eq!(error.class(), ErrorClass::Configuration);
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn a_certificate_that_does_not_hold_is_refused() {
    let Some(server) = Server::new() else { return };
    let Some(tls) = variable("RELATA_TEST_TLS_DIR") else { return };
    for (rest, class, words) in [
        (
            format!("?sslmode=verify-full&sslrootcert={tls}/wrong-ca.crt"),
            ErrorClass::Tls,
            "not signed by an authority in sslrootcert",
        ),
        (
            format!("?sslmode=verify-ca&sslrootcert={tls}/wrong-ca.crt"),
            ErrorClass::Tls,
            "not signed by an authority in sslrootcert",
        ),
        (
            format!("?sslmode=require&sslrootcert={tls}/wrong-ca.crt"),
            ErrorClass::Tls,
            "not signed by an authority in sslrootcert",
        ),
        (
            format!("?sslmode=verify-full&sslrootcert={tls}/missing.crt"),
            ErrorClass::Configuration,
            "missing.crt",
        ),
        (
            format!("?sslmode=verify-full&sslrootcert={tls}/client.key"),
            ErrorClass::Configuration,
            "no certificate in",
        ),
        (
            format!("?sslmode=require&sslcert={tls}/client.crt&sslkey={tls}/missing.key"),
            ErrorClass::Configuration,
            "missing.key",
        ),
    ] {
        let error = server.error(&server.url("127.0.0.1", &rest)).await;
        assert_eq!(error.class(), class, "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn the_host_counts_for_verify_full_only() {
    let Some(server) = Server::new() else { return };
    let Some(tls) = variable("RELATA_TEST_TLS_DIR") else { return };
    let Ok(other) = std::env::var("RELATA_TEST_OTHER_HOST") else { return };
    let error =
        server.error(&server.url(&other, &format!("?sslmode=verify-full&sslrootcert={tls}/ca.crt"))).await;
    assert_eq!(error.class(), ErrorClass::Tls, "{error:?}");
    assert!(error.to_string().contains("use sslmode=verify-ca"), "{error}");
    assert!(
        is_encrypted(&server.url(&other, &format!("?sslmode=verify-ca&sslrootcert={tls}/ca.crt")))
            .await
            .unwrap()
    );
    let wrong = server.url(&other, &format!("?sslmode=verify-ca&sslrootcert={tls}/wrong-ca.crt"));
    assert_eq!(server.error(&wrong).await.class(), ErrorClass::Tls);
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn a_client_certificate_logs_in() {
    let Some(server) = Server::new() else { return };
    let Some(tls) = variable("RELATA_TEST_TLS_DIR") else { return };
    let url = format!(
        "postgres://certuser@127.0.0.1:{}/certdb?sslmode=verify-full&sslrootcert={tls}/ca.crt",
        server.port
    );
    let mut connection =
        try_connect(&format!("{url}&sslcert={tls}/client.crt&sslkey={tls}/client.key")).await.unwrap();
    let (ssl, name) = encryption(&mut connection).await;
    assert_eq!((ssl, name.as_deref()), (true, Some("/CN=certuser")));
    connection.close().await;
    let error = match try_connect(&url).await {
        Ok(_) => panic!("connected without a certificate"),
        Err(error) => error,
    };
    assert_eq!(error.class(), ErrorClass::Authentication, "{error:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket() {
    let Some(server) = Server::new() else { return };
    let Some(tls) = variable("RELATA_TEST_TLS_DIR") else { return };
    let folder = std::path::Path::new(&tls).with_file_name("postgres");
    if !folder.join(format!(".s.PGSQL.{}", server.port)).exists() {
        return println!("skipped: the server has no socket in {}", folder.display());
    }
    let Server { user, password, port } = server;
    let url =
        format!("postgres://{user}:{password}@/relata?host={}&port={port}&sslmode=require", folder.display());
    assert!(!is_encrypted(&url).await.unwrap());
}
