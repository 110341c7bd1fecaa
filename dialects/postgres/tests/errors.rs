//! What goes wrong while running statements has a class, names what it is about, and shows no value.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use relata_core::{
    Error, ErrorClass,
    driver::{Job, Mode},
    statement::sql_unchecked,
};
use support::Db;

/// The error of SQL text, which must not show the secret in any way.
async fn error(db: &mut Db, text: &str) -> Error {
    let statement = sql_unchecked(text.into()).columns::<i64>();
    let error = match db.query(statement).await {
        Err(error) => error,
        Ok(_) => panic!("no error: {text}"),
    };
    assert_eq!(error.statement(), Some(text));
    let without_statement = |shown: String| shown.replace(text, "");
    let mut shown = without_statement(format!("{error} {error:?}"));
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        shown.push_str(&format!("{inner} {inner:?}"));
        source = inner.source();
    }
    assert!(!shown.contains("secret"), "{shown}");
    error
}

async fn tables(db: &mut Db) {
    for text in [
        "CREATE TABLE parent (id int PRIMARY KEY, email text CONSTRAINT one_email UNIQUE, \"b \"\"c\" int, short varchar(3),
            CONSTRAINT two UNIQUE (email, \"b \"\"c\"))",
        "CREATE TABLE child (id int PRIMARY KEY, parent int NOT NULL CONSTRAINT of_parent REFERENCES parent,
            age int CONSTRAINT adult CHECK (age > 17))",
        "INSERT INTO parent VALUES (1, 'secret', 1)",
        "INSERT INTO child VALUES (1, 1, 18)",
    ] {
        db.text(text).await.unwrap();
    }
}

#[tokio::test]
async fn constraints() {
    let Some(mut db) = Db::open("").await else { return };
    tables(&mut db).await;
    use ErrorClass::*;
    for (text, class, code, constraint, table, columns) in [
        (
            "INSERT INTO parent VALUES (2, 'secret')",
            Unique,
            "23505",
            Some("one_email"),
            "parent",
            &["email"][..],
        ),
        ("INSERT INTO parent VALUES (1)", Unique, "23505", Some("parent_pkey"), "parent", &["id"]),
        ("INSERT INTO child VALUES (2, 9)", ForeignKey, "23503", Some("of_parent"), "child", &["parent"]),
        ("DELETE FROM parent", ForeignKey, "23503", Some("of_parent"), "child", &[]),
        ("INSERT INTO child VALUES (2)", NotNull, "23502", None, "child", &["parent"]),
        ("INSERT INTO child VALUES (2, 1, 3)", Check, "23514", Some("adult"), "child", &[]),
    ] {
        let error = error(&mut db, text).await;
        assert_eq!(
            (error.class(), error.code(), error.constraint()),
            (class, Some(code), constraint),
            "{error}"
        );
        assert_eq!(
            (error.table(), error.columns()),
            (Some(table), &columns.iter().map(|c| c.to_string()).collect::<Vec<_>>()[..])
        );
    }
    db.text("ALTER TABLE parent DROP CONSTRAINT one_email").await.unwrap();
    let two = error(&mut db, "INSERT INTO parent VALUES (2, 'secret', 1)").await;
    assert_eq!(two.columns(), ["email", "b \"c"]);
    db.close().await;
}

#[tokio::test]
async fn what_others_need() {
    let Some(mut db) = Db::open("").await else { return };
    tables(&mut db).await;
    for text in [
        "CREATE TYPE mood AS ENUM ('good')",
        "CREATE TABLE moods (mood mood)",
        "CREATE VIEW ages AS SELECT age FROM child",
    ] {
        db.text(text).await.unwrap();
    }
    for (text, class) in [
        ("DROP TABLE parent", ErrorClass::ForeignKey),
        ("ALTER TABLE parent DROP CONSTRAINT parent_pkey", ErrorClass::ForeignKey),
        ("DROP TYPE mood", ErrorClass::Statement),
        ("DROP TABLE child", ErrorClass::Statement),
    ] {
        let error = error(&mut db, text).await;
        assert_eq!((error.class(), error.code()), (class, Some("2BP01")), "{error}");
    }
    db.close().await;
}

#[tokio::test]
async fn statements_and_values() {
    let Some(mut db) = Db::open("").await else { return };
    tables(&mut db).await;
    use ErrorClass::*;
    for (text, class, words) in [
        ("SELECT * FROM missing", Statement, "\"missing\" does not exist"),
        (
            "SELECT parent.emial FROM parent",
            Statement,
            "Perhaps you meant to reference the column \"parent.email\"",
        ),
        ("SELEC 1", Statement, "syntax error"),
        ("SELECT 'secret'::int", Data, "invalid input syntax for type integer: …"),
        ("SELECT 1 / 0", Data, "division by zero"),
        (
            "INSERT INTO parent VALUES (2, '', 2, 'secret')",
            Data,
            "value too long for type character varying(3)",
        ),
        ("SELECT pg_read_file('/etc/passwd')", Permission, "permission denied"),
        (
            "SELECT id FROM parent, pg_sleep(CASE WHEN id = 1 THEN (SELECT 1 FROM (VALUES (1), (2)) v) END)",
            Statement,
            "more than one row",
        ),
    ] {
        let error = error(&mut db, text).await;
        assert_eq!(error.class(), class, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    db.text("BEGIN READ ONLY").await.unwrap();
    assert_eq!(error(&mut db, "INSERT INTO parent VALUES (7)").await.class(), ReadOnly);
    assert_eq!(error(&mut db, "SELECT 1").await.class(), Poisoned);
    db.text("ROLLBACK").await.unwrap();
    let error = db.text("SELECT 1\0").await.unwrap_err();
    assert_eq!(error.class(), Statement, "{error:?}");
    let mut jobs = [Job::new("SELECT $1", &[], Mode::Cached)];
    let error = db.connection.run(&mut jobs).await.unwrap_err();
    assert_eq!(error.class(), Statement, "{error:?}");
    assert!(error.to_string().contains("1 placeholders for 0 binds"), "{error}");
    db.close().await;
}

#[tokio::test]
async fn waiting() {
    let Some(mut db) = Db::open("&statement_timeout=300ms&lock_timeout=50ms").await else { return };
    db.text("CREATE TABLE t (id int PRIMARY KEY, n int)").await.unwrap();
    db.text("INSERT INTO t VALUES (1, 1), (2, 1)").await.unwrap();
    assert_eq!(error(&mut db, "SELECT 1 FROM pg_sleep(5)").await.class(), ErrorClass::Timeout);
    let mut other = db.another().await;
    db.text("BEGIN; UPDATE t SET n = 2 WHERE id = 1").await.unwrap();
    assert_eq!(error(&mut other, "UPDATE t SET n = 3 WHERE id = 1").await.class(), ErrorClass::LockTimeout);
    let nowait = error(&mut other, "SELECT n FROM t FOR UPDATE NOWAIT").await;
    assert_eq!(nowait.class(), ErrorClass::LockTimeout);
    db.text("ROLLBACK").await.unwrap();
    other.connection.close().await;
    db.close().await;
}

#[tokio::test]
async fn deadlocks_and_serialization_can_be_retried() {
    let Some(mut db) = Db::open("").await else { return };
    db.text("CREATE TABLE t (id int PRIMARY KEY, n int)").await.unwrap();
    db.text("INSERT INTO t VALUES (1, 1), (2, 1)").await.unwrap();
    let mut other = db.another().await;
    db.text("BEGIN; UPDATE t SET n = 2 WHERE id = 1").await.unwrap();
    other.text("BEGIN; UPDATE t SET n = 2 WHERE id = 2").await.unwrap();
    let (one, two) = futures_util::future::join(
        db.text("UPDATE t SET n = 2 WHERE id = 2"),
        other.text("UPDATE t SET n = 2 WHERE id = 1"),
    )
    .await;
    let victim = one.and(two).unwrap_err();
    assert_eq!((victim.class(), victim.is_retryable()), (ErrorClass::Deadlock, true), "{victim}");
    db.text("ROLLBACK").await.unwrap();
    other.text("ROLLBACK").await.unwrap();

    db.text("BEGIN ISOLATION LEVEL SERIALIZABLE; UPDATE t SET n = 3 WHERE id = 1").await.unwrap();
    other.text("BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT * FROM t").await.unwrap();
    db.text("COMMIT").await.unwrap();
    let late = other.text("UPDATE t SET n = 4 WHERE id = 1").await.unwrap_err();
    assert_eq!((late.class(), late.is_retryable()), (ErrorClass::Serialization, true), "{late}");
    other.connection.close().await;
    db.close().await;
}
