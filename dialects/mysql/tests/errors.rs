//! Each failure has its class, and names what the server names.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{exec, on_each, one, open, options, run, try_open, with_database};
use relata_core::{
    Error, ErrorClass,
    driver::{Connection, Driver, Mode},
    value::Value,
};
use relata_mysql::MysqlDriver;

async fn failing(connection: &mut dyn Connection, sql: &str) -> Error {
    let error = exec(connection, sql, &[]).await.unwrap_err();
    assert_eq!(error.statement(), Some(sql));
    assert!(error.code().is_some(), "{error:?}");
    error
}

async fn schema(connection: &mut dyn Connection) {
    run(
        connection,
        "CREATE TABLE users (id BIGINT AUTO_INCREMENT PRIMARY KEY, email VARCHAR(99) NOT NULL, age TINYINT UNSIGNED, \
         CONSTRAINT users_email_key UNIQUE (email), CONSTRAINT age_check CHECK (age < 200))",
    )
    .await
    .unwrap();
    run(
        connection,
        "CREATE TABLE posts (id BIGINT AUTO_INCREMENT PRIMARY KEY, author_id BIGINT NOT NULL, \
         CONSTRAINT posts_author_fkey FOREIGN KEY (author_id) REFERENCES users (id))",
    )
    .await
    .unwrap();
    run(connection, "INSERT INTO users (email) VALUES ('secret@example.com')").await.unwrap();
}

#[test]
fn constraints() {
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        schema(connection).await;

        let sql = "INSERT INTO users (email) VALUES (?)";
        let error = exec(connection, sql, &[Value::Text("secret@example.com".into())]).await.unwrap_err();
        assert!(error.is_unique_violation());
        assert_eq!((error.constraint(), error.code()), (Some("users_email_key"), Some("1062")));
        assert!(!format!("{error:?} {error}").contains("secret"), "{error:?}");
        let error = failing(connection, "INSERT INTO users (id, email) VALUES (1, 'x')").await;
        assert_eq!(error.constraint(), Some("PRIMARY"));

        let error = failing(connection, "INSERT INTO posts (author_id) VALUES (77)").await;
        assert!(error.is_foreign_key_violation());
        assert_eq!((error.constraint(), error.table()), (Some("posts_author_fkey"), Some("posts")));
        assert_eq!(error.columns(), ["author_id"]);
        run(connection, "INSERT INTO posts (author_id) VALUES (1)").await.unwrap();
        let error = failing(connection, "DELETE FROM users").await;
        assert_eq!((error.class(), error.constraint()), (ErrorClass::ForeignKey, Some("posts_author_fkey")));

        for sql in ["INSERT INTO users (email) VALUES (NULL)", "INSERT INTO users (age) VALUES (1)"] {
            let error = failing(connection, sql).await;
            assert!(error.is_not_null_violation());
            assert_eq!(error.columns(), ["email"]);
        }

        let error = failing(connection, "UPDATE users SET age = 250").await;
        assert!(error.is_check_violation());
        assert_eq!(error.constraint(), Some("age_check"));
    });
}

/// Names may hold what the server writes between them.
#[test]
fn names_that_cannot_be_told_apart() {
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        let is_mariadb =
            one::<String>(connection, "SELECT VERSION()", &[]).await.unwrap().contains("MariaDB");
        run(
            connection,
            "CREATE TABLE `par.ent` (id INT PRIMARY KEY, a INT, b INT NOT NULL, CONSTRAINT `u.name` UNIQUE (a), CONSTRAINT `che'ck` CHECK (b > 0))",
        )
        .await
        .unwrap();
        run(connection, "CREATE TABLE `it's` (id INT PRIMARY KEY, `o'k` INT NOT NULL, `a``b` VARCHAR(1), CONSTRAINT `x, (y` FOREIGN KEY (id) REFERENCES `par.ent` (id), CONSTRAINT `o'k` CHECK (`o'k` > 0))")
            .await
            .unwrap();
        run(connection, "INSERT INTO `par.ent` VALUES (1, 1, 1)").await.unwrap();

        let error = failing(connection, "INSERT INTO `par.ent` VALUES (2, 1, 1)").await;
        let expected = if is_mariadb { Some("u.name") } else { None };
        assert_eq!((error.constraint(), error.table()), (expected, None), "{error}");
        let error = failing(connection, "INSERT INTO `par.ent` VALUES (1, 2, 1)").await;
        let expected = if is_mariadb { Some("PRIMARY") } else { None };
        assert_eq!((error.constraint(), error.table()), (expected, None), "{error}");
        let error = failing(connection, "INSERT INTO `par.ent` VALUES (2, 2, 0)").await;
        let table = if is_mariadb { Some("par.ent") } else { None };
        assert_eq!((error.constraint(), error.table()), (Some("che'ck"), table), "{error}");
        let error = failing(connection, "INSERT INTO `it's` VALUES (1, 0, '')").await;
        let table = if is_mariadb { Some("it's") } else { None };
        assert_eq!((error.constraint(), error.table()), (Some("o'k"), table), "{error}");
        let error = failing(connection, "INSERT INTO `it's` VALUES (1, NULL, '')").await;
        assert_eq!(
            (error.class(), error.columns()),
            (ErrorClass::NotNull, &["o'k".to_owned()][..]),
            "{error}"
        );
        let error = failing(connection, "INSERT INTO `it's` VALUES (1, 1, 'xy')").await;
        assert_eq!((error.class(), error.columns()), (ErrorClass::Data, &["a`b".to_owned()][..]), "{error}");
        let error = failing(connection, "INSERT INTO `it's` VALUES (3, 1, '')").await;
        assert_eq!((error.constraint(), error.table()), (Some("x, (y"), Some("it's")), "{error}");
        assert_eq!(error.columns(), ["id"]);
        run(connection, "INSERT INTO `it's` VALUES (1, 1, '')").await.unwrap();
        let error = failing(connection, "DROP TABLE `par.ent`").await;
        assert!(error.is_foreign_key_violation() && error.to_string().contains("refer"), "{error}");
        assert!(!error.to_string().contains("does not exist"), "{error}");
    });
}

#[test]
fn classes_of_what_is_rare() {
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        run(connection, "CREATE TABLE t (id INT PRIMARY KEY, v TEXT)").await.unwrap();
        for (sql, class) in [
            ("CREATE TABLE x (e ENUM('a', 'a'))", ErrorClass::Statement),
            ("CREATE TABLE x (id INT AUTO_INCREMENT PRIMARY KEY CHECK (id > 0))", ErrorClass::Statement),
            (
                "CREATE TABLE x (id INT, CONSTRAINT c CHECK (id > 0), CONSTRAINT c CHECK (id > 1))",
                ErrorClass::Statement,
            ),
            ("SELECT id FROM t WHERE MATCH (v) AGAINST ('x')", ErrorClass::Statement),
            ("SELECT 'x' REGEXP '('", ErrorClass::Data),
            ("SELECT ST_GEOMFROMTEXT('x')", ErrorClass::Data),
            ("SET sql_mode = 'x'", ErrorClass::Statement),
            ("SET time_zone = 'x'", ErrorClass::Statement),
            ("SET character_set_results = 'x'", ErrorClass::Statement),
        ] {
            if let Err(error) = run(connection, sql).await {
                assert_eq!(error.class(), class, "{error:?}");
            }
        }
    });
}

#[test]
fn values_that_do_not_fit() {
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        schema(connection).await;
        for (sql, value) in [
            ("UPDATE users SET age = ?", Value::I32(256)),
            ("UPDATE users SET age = ?", Value::Text("hunter2".into())),
            ("UPDATE users SET email = ?", Value::Text("hunter2".repeat(20))),
            ("UPDATE users SET age = DATE ?", Value::Text("hunter2".into())),
        ] {
            let Err(error) = exec(connection, sql, &[value]).await else { panic!("{sql}") };
            if error.class() != ErrorClass::Statement {
                assert_eq!(error.class(), ErrorClass::Data, "{error:?}");
            }
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
        let error = failing(connection, "UPDATE users SET age = 1 / 0").await;
        assert_eq!(error.class(), ErrorClass::Data, "{error:?}");
    });
}

#[test]
fn binds_that_are_too_large_for_the_server() {
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        let limit = one::<u64>(connection, "SELECT @@max_allowed_packet", &[]).await.unwrap() as usize;
        run(connection, "CREATE TABLE t (v LONGTEXT)").await.unwrap();
        let insert = "INSERT INTO t VALUES (?)";
        let error = exec(connection, insert, &[Value::Text("x".repeat(limit))]).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Data, "{error:?}");
        assert!(error.to_string().contains("max_allowed_packet"), "{error}");
        exec(connection, insert, &[Value::Text("x".repeat(limit.min(1 << 24) - 4096))]).await.unwrap();
        exec(connection, insert, &[Value::Text("x".repeat(limit.min(1 << 26) - 4096))]).await.unwrap();
    });
}

#[test]
fn statements_that_make_no_sense() {
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        schema(connection).await;
        for sql in [
            "SELECT * FROM nowhere",
            "SELECT nothing FROM users",
            "SELECT no_such_function(1)",
            "SELEKT 1",
            "SELECT id, id FROM users, posts WHERE id = 1",
        ] {
            assert_eq!(failing(connection, sql).await.class(), ErrorClass::Statement, "{sql}");
        }
        // A bind is missing.
        let error = exec(connection, "SELECT ?", &[]).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Statement, "{error:?}");
        // Colons are no parameters.
        for sql in ["SELECT :name", "SELECT 1 /* :name */", "SELECT 1 -'a :b'"] {
            let error = exec(connection, sql, &[]).await.unwrap_err();
            assert_eq!(error.class(), ErrorClass::Statement, "{error:?}");
        }
        let text = one::<String>(connection, "SELECT ':x `' AS `a:b ''`", &[]).await.unwrap();
        assert_eq!(text, ":x `");
        assert_eq!(one::<i64>(connection, "SELECT @n:=1", &[]).await.unwrap(), 1);
    });
}

#[test]
fn who_may_not_in() {
    on_each(|db| async move {
        let options = options(&db.url).password("hunter2");
        let error = MysqlDriver::new(options).unwrap().connect().await.err().unwrap();
        assert_eq!(error.class(), ErrorClass::Authentication, "{error:?}");
        assert!(!format!("{error:?}").contains("hunter2"));
        let error = try_open(&with_database(&db.url, "nowhere_at_all")).await.err().unwrap();
        assert_eq!((error.class(), error.code()), (ErrorClass::Connect, Some("1049")), "{error:?}");
        let options = common::options(&db.url).user("nobody_known");
        let error = MysqlDriver::new(options).unwrap().connect().await.err().unwrap();
        assert_eq!(error.class(), ErrorClass::Authentication, "{error:?}");
        for (option, value) in
            [("sql_mode", "x"), ("time_zone", "x"), ("collation", "x"), ("collation", "latin1_bin")]
        {
            let separator = if db.url.contains('?') { '&' } else { '?' };
            let error = try_open(&format!("{}{separator}{option}={value}", db.url)).await.err().unwrap();
            assert_eq!(error.class(), ErrorClass::Configuration, "{error:?}");
            assert!(error.to_string().contains(&format!("the option {option}")), "{error:?}");
        }
        let error = try_open("mysql://u:hunter2@127.0.0.1:1/x").await.err().unwrap();
        assert_eq!(error.class(), ErrorClass::Connect, "{error:?}");
        assert!(!format!("{error:?}").contains("hunter2"));
        let error = try_open("mysql://u:hunter2@no-such-host.invalid/x").await.err().unwrap();
        assert_eq!(error.class(), ErrorClass::Connect, "{error:?}");
    });
}

#[test]
fn options_of_the_url() {
    for (url, words) in [
        ("mysql://u:hunter2@h/d?sslmode=x", "VERIFY_IDENTITY"),
        (
            "mysql://u:hunter2@h/d?speling=x",
            "unknown option \"speling\"; known are collation, socket, sql_mode, ssl-ca",
        ),
        ("postgres://u:hunter2@h/d", "mysql or mariadb"),
        ("mysql:u:hunter2@h/d", "write `//` behind the scheme: mysql://user:password@host/database"),
        ("mariadb:///u:hunter2@h/d", "percent-encoded"),
        ("mysql://u:hunter2@h/d?ssl-cert=x", "a certificate needs its key"),
        ("mysql://u:hunter2@h/d?sslmode=DISABLED&ssl-mode=DISABLED", "the same option"),
        ("mysql://u:hunter2@h/d?statement_cache=many", "a number"),
        ("mysql://u:hunter2@h/d?sql_mode=x'", "sql_mode cannot be"),
        ("mysql://u:hunter2@h/d?time_zone=%5C", "time_zone cannot be"),
        ("mysql://u:hunter2@h/d?collation=a;b", "collation cannot be"),
    ] {
        let url = relata_core::url::DatabaseUrl::parse(url).unwrap();
        let error = MysqlDriver::from_url(url).unwrap_err();
        assert_eq!(error.class(), ErrorClass::Configuration);
        assert!(error.to_string().contains(words), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"));
    }
    let url = "mysql://u:hunter2@h/d?sslmode=disabled&socket=/tmp/s&statement_cache=0";
    let driver = MysqlDriver::from_url(relata_core::url::DatabaseUrl::parse(url).unwrap()).unwrap();
    assert!(!format!("{driver:?}").contains("hunter2"), "{driver:?}");
}

#[test]
fn locks_and_deadlocks() {
    on_each(|mut db| async move {
        let mut other = open(&db.url).await;
        let (one, two) = (&mut *db.connection, &mut *other);
        run(one, "CREATE TABLE t (id INT PRIMARY KEY, n INT)").await.unwrap();
        run(one, "INSERT INTO t VALUES (1, 0), (2, 0)").await.unwrap();
        for connection in [&mut *one, &mut *two] {
            run(connection, "SET SESSION innodb_lock_wait_timeout = 1").await.unwrap();
            run(connection, "START TRANSACTION").await.unwrap();
        }
        run(one, "UPDATE t SET n = 1 WHERE id = 1").await.unwrap();
        let error = run(two, "UPDATE t SET n = 2 WHERE id = 1").await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::LockTimeout, "{error:?}");
        let error = run(two, "SELECT * FROM t WHERE id = 1 FOR UPDATE NOWAIT").await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::LockTimeout, "{error:?}");

        run(two, "SET SESSION innodb_lock_wait_timeout = 50").await.unwrap();
        run(two, "UPDATE t SET n = 2 WHERE id = 2").await.unwrap();
        let (first, second) = tokio::join!(
            run(one, "UPDATE t SET n = 1 WHERE id = 2"),
            run(two, "UPDATE t SET n = 2 WHERE id = 1")
        );
        let error = first.and(second).unwrap_err();
        assert_eq!(error.class(), ErrorClass::Deadlock, "{error:?}");
        assert!(error.is_retryable());
    });
}

#[test]
fn time_limits_and_read_only_transactions() {
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        run(connection, "CREATE TABLE t (id INT)").await.unwrap();
        run(connection, "START TRANSACTION READ ONLY").await.unwrap();
        assert_eq!(failing(connection, "INSERT INTO t VALUES (1)").await.class(), ErrorClass::ReadOnly);
        run(connection, "ROLLBACK").await.unwrap();
        let (limit, sql) = match connection.dialect().name() {
            "MariaDB" => {
                ("SET SESSION max_statement_time = 0.1", "SELECT COUNT(*) FROM t, t AS u WHERE SLEEP(1)")
            }
            _ => ("SET SESSION max_execution_time = 100", "SELECT COUNT(*) FROM t, t AS u WHERE SLEEP(1)"),
        };
        run(connection, "INSERT INTO t VALUES (1), (2), (3), (4)").await.unwrap();
        run(connection, limit).await.unwrap();
        // MySQL counts rows no further than where it was stopped, where SLEEP itself was.
        match exec(connection, sql, &[]).await {
            Err(error) => assert_eq!(error.class(), ErrorClass::Timeout, "{error:?}"),
            Ok(_) => assert_eq!(connection.dialect().name(), "MySQL"),
        }
    });
}

#[test]
fn the_server_hangs_up() {
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        let id = one::<i64>(connection, "SELECT CONNECTION_ID()", &[]).await.unwrap();
        let mut admin = open(&db.url).await;
        run(&mut *admin, &format!("KILL {id}")).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        let error = common::rows(connection, Mode::Cached, "SELECT 1", &[], |_| Ok(())).await.unwrap_err();
        assert!(error.is_disconnect(), "{error:?}");
        assert_eq!(error.statement(), Some("SELECT 1"));
        assert!(connection.is_closed());
        assert!(connection.ping().await.unwrap_err().is_disconnect());
        assert!(connection.reset().await.unwrap_err().is_disconnect());
    });
}
