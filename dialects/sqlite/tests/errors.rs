//! What goes wrong, by class, with what SQLite tells of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails loudly, and so do its helpers

mod common;

use common::{Folder, driver, execute, memory, one, texts};
use relata_core::{
    Error, ErrorClass,
    driver::{Connection, Driver},
    value::Value,
};

const SCHEMA: &str = r#"
    CREATE TABLE users (
        id INTEGER PRIMARY KEY,
        email TEXT NOT NULL,
        org INTEGER,
        nick TEXT,
        age INTEGER CONSTRAINT grown_up CHECK (age > 17),
        UNIQUE (org, email)
    );
    CREATE TABLE posts (id TEXT PRIMARY KEY, author INTEGER REFERENCES users (id)) WITHOUT ROWID;
    CREATE UNIQUE INDEX lower_nick ON users (LOWER(nick));
    CREATE TABLE strict_one (n INTEGER) STRICT;
    INSERT INTO users (id, email, org, nick) VALUES (1, 'ann', 1, 'Ann');
    INSERT INTO posts VALUES ('a', 1);
"#;

async fn database() -> Box<dyn Connection> {
    let mut connection = memory().await;
    texts(&mut *connection, &[SCHEMA]).await.unwrap();
    connection
}

async fn failure(sql: &str) -> Error {
    execute(&mut *database().await, sql, &[]).await.unwrap_err()
}

#[tokio::test]
async fn unique() {
    let error = failure("INSERT INTO users (id, email) VALUES (1, 'x')").await;
    assert!(error.is_unique_violation());
    assert_eq!((error.table(), error.columns()), (Some("users"), &["id".to_owned()][..]));
    assert_eq!(error.code(), Some("1555"));
    assert_eq!(
        error.to_string(),
        "UNIQUE constraint failed: users.id (table users, column id, code 1555) in: INSERT INTO users (id, email) VALUES (1, 'x')"
    );

    let error = failure("INSERT INTO users (email, org) VALUES ('ann', 1)").await;
    assert!(error.is_unique_violation());
    assert_eq!(error.columns(), ["org", "email"]);

    let error = failure("INSERT INTO users (email, nick) VALUES ('x', 'ANN')").await;
    assert!(error.is_unique_violation());
    assert_eq!(error.constraint(), Some("lower_nick"));

    assert!(failure("INSERT INTO posts VALUES ('a', 1)").await.is_unique_violation());
}

/// Names may hold what SQLite writes between them.
#[tokio::test]
async fn names_that_cannot_be_told_apart() {
    let mut connection = memory().await;
    let schema = r#"
        CREATE TABLE "par.ent" (a INTEGER NOT NULL, b INTEGER, UNIQUE (a, b));
        CREATE TABLE "it's" (a INTEGER CHECK (a > 0), "b.c" INTEGER UNIQUE, d INTEGER CONSTRAINT "o'k" CHECK (d > 0));
        CREATE UNIQUE INDEX "x'.y" ON "it's" (LOWER(a));
        INSERT INTO "par.ent" VALUES (1, 1);
        INSERT INTO "it's" VALUES (1, 1, 1);
    "#;
    texts(&mut *connection, &[schema]).await.unwrap();
    for (sql, class, constraint) in [
        (r#"INSERT INTO "par.ent" VALUES (1, 1)"#, ErrorClass::Unique, None),
        (r#"INSERT INTO "par.ent" VALUES (NULL, 1)"#, ErrorClass::NotNull, None),
        (r#"INSERT INTO "it's" VALUES (2, 1, 1)"#, ErrorClass::Unique, None),
        (r#"INSERT INTO "it's" VALUES (1, 2, 1)"#, ErrorClass::Unique, Some("x'.y")),
        (r#"INSERT INTO "it's" VALUES (0, 2, 1)"#, ErrorClass::Check, None),
        (r#"INSERT INTO "it's" VALUES (2, 2, 0)"#, ErrorClass::Check, None),
    ] {
        let error = execute(&mut *connection, sql, &[]).await.unwrap_err();
        assert_eq!((error.class(), error.constraint()), (class, constraint), "{error}");
        assert_eq!((error.table(), error.columns()), (None, &[][..]), "{error}");
    }
}

#[tokio::test]
async fn foreign_key() {
    assert!(failure("INSERT INTO posts VALUES ('b', 2)").await.is_foreign_key_violation());
    assert!(failure("DELETE FROM users").await.is_foreign_key_violation());
}

#[tokio::test]
async fn not_null_and_check() {
    let error = failure("INSERT INTO users (email) VALUES (NULL)").await;
    assert!(error.is_not_null_violation());
    assert_eq!((error.table(), error.columns()), (Some("users"), &["email".to_owned()][..]));

    let error = failure("INSERT INTO users (email, age) VALUES ('x', 3)").await;
    assert!(error.is_check_violation());
    assert_eq!(error.constraint(), Some("grown_up"));

    assert_eq!(failure("INSERT INTO strict_one VALUES ('x')").await.class(), ErrorClass::Data);
}

#[tokio::test]
async fn statements_that_make_no_sense() {
    for sql in
        ["SELEC 1", "SELECT * FROM nowhere", "SELECT nothing FROM users", "SELECT \"nothing\"", "SELECT f(1)"]
    {
        let error = failure(sql).await;
        assert_eq!(error.class(), ErrorClass::Statement, "{error}");
        assert_eq!(error.statement(), Some(sql));
    }
}

#[tokio::test]
async fn values_that_do_not_fit() {
    let mut connection = database().await;
    let max = Value::I64(i64::MAX);
    let sql = "SELECT SUM(n) FROM (SELECT ? AS n UNION ALL SELECT 1)";
    let error = one::<i64>(&mut *connection, sql, &[max]).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Data, "{error}");
    let error =
        execute(&mut *connection, "INSERT INTO users (id, email) VALUES ('x', 'y')", &[]).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Data, "{error}");
}

#[tokio::test]
async fn a_parameter_is_no_part_of_an_error() {
    let mut connection = database().await;
    let secret = Value::Text("hunter2".into());
    let insert = "INSERT INTO users (id, email) VALUES (1, ?)";
    let error = execute(&mut *connection, insert, &[secret]).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_lock_that_is_not_granted_in_time() {
    let folder = Folder::new();
    let driver = folder.driver("busy_timeout=20ms");
    let mut first = driver.connect().await.unwrap();
    let mut second = driver.connect().await.unwrap();
    texts(&mut *first, &[SCHEMA, "BEGIN IMMEDIATE"]).await.unwrap();
    let began = std::time::Instant::now();
    let error = texts(&mut *second, &["BEGIN IMMEDIATE"]).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::LockTimeout, "{error}");
    assert!(began.elapsed() >= std::time::Duration::from_millis(20));
    assert!(error.to_string().contains("keep write transactions short"), "{error}");
    texts(&mut *first, &["COMMIT"]).await.unwrap();
    texts(&mut *second, &["BEGIN IMMEDIATE", "COMMIT"]).await.unwrap();
}

/// The one that waits leaves the thread to the one that has the lock.
#[tokio::test]
async fn a_lock_that_another_task_of_the_thread_holds() {
    for blocking in ["auto", "inline", "thread"] {
        let folder = Folder::new();
        let driver = folder.driver(&format!("busy_timeout=10s&blocking={blocking}"));
        let mut first = driver.connect().await.unwrap();
        let mut second = driver.connect().await.unwrap();
        texts(&mut *first, &[SCHEMA, "BEGIN IMMEDIATE"]).await.unwrap();
        let began = std::time::Instant::now();
        let (waits, ends) = tokio::join!(
            texts(&mut *second, &["BEGIN IMMEDIATE", "COMMIT"]),
            texts(&mut *first, &["COMMIT"])
        );
        waits.unwrap();
        ends.unwrap();
        assert!(began.elapsed() < std::time::Duration::from_secs(5), "{blocking}");
    }
}

#[tokio::test]
async fn a_write_after_reading_what_is_no_longer_there() {
    let folder = Folder::new();
    let driver = folder.driver("begin=deferred");
    let mut first = driver.connect().await.unwrap();
    let mut second = driver.connect().await.unwrap();
    texts(&mut *first, &[SCHEMA, "BEGIN DEFERRED"]).await.unwrap();
    one::<i64>(&mut *first, "SELECT COUNT(*) FROM users", &[]).await.unwrap();
    execute(&mut *second, "UPDATE users SET age = 30", &[]).await.unwrap();
    let error = execute(&mut *first, "UPDATE users SET age = 40", &[]).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Serialization, "{error}");
    assert!(error.is_retryable());
}

#[tokio::test]
async fn a_write_after_reading_while_another_writes() {
    let folder = Folder::new();
    let driver = folder.driver("begin=deferred");
    let mut first = driver.connect().await.unwrap();
    let mut second = driver.connect().await.unwrap();
    texts(&mut *first, &[SCHEMA, "BEGIN DEFERRED"]).await.unwrap();
    one::<i64>(&mut *first, "SELECT COUNT(*) FROM users", &[]).await.unwrap();
    texts(&mut *second, &["BEGIN IMMEDIATE"]).await.unwrap();
    // Waiting would not help: it fails at once, and may be run again.
    let error = execute(&mut *first, "UPDATE users SET age = 40", &[]).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Serialization, "{error}");
}

#[tokio::test]
async fn what_cannot_be_opened() {
    let folder = Folder::new();
    let path = folder.path().display();
    std::fs::write(folder.path().join("no.db"), "this is no database, but quite long for a text of its kind")
        .unwrap();
    for url in [
        format!("sqlite:{path}/nowhere/app.db"),
        format!("sqlite:{path}/missing.db?mode=rw"),
        format!("sqlite:{path}/missing.db?mode=ro"),
        format!("sqlite:{path}/no.db"),
        format!("sqlite:{path}"),
    ] {
        let error = driver(&url).unwrap().connect().await.map(drop).unwrap_err();
        assert_eq!(error.class(), ErrorClass::Connect, "{url}: {error}");
        assert!(error.to_string().starts_with("opening the SQLite database: "), "{error}");
    }
    assert!(!folder.path().join("missing.db").exists());
}

#[tokio::test]
async fn a_file_that_is_only_read() {
    let folder = Folder::new();
    let mut writer = folder.driver("").connect().await.unwrap();
    texts(&mut *writer, &[SCHEMA]).await.unwrap();
    let mut reader = folder.driver("mode=ro").connect().await.unwrap();
    assert_eq!(one::<i64>(&mut *reader, "SELECT COUNT(*) FROM users", &[]).await.unwrap(), 1);
    let error = execute(&mut *reader, "DELETE FROM posts", &[]).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::ReadOnly, "{error}");
    // Nor after a transaction that said so by itself.
    texts(&mut *reader, &["PRAGMA query_only = ON", "BEGIN DEFERRED", "COMMIT"]).await.unwrap();
    let error = execute(&mut *reader, "CREATE TEMPORARY TABLE t (a)", &[]).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::ReadOnly, "{error}");
}
