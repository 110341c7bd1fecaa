//! Connecting and running.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{column, exec, on_each, one, open, run};
use relata_core::{ErrorClass, value::Value};

#[test]
fn a_session_is_strict_and_in_utc() {
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        assert_eq!(one::<String>(connection, "SELECT @@time_zone", &[]).await.unwrap(), "+00:00");
        assert_eq!(
            one::<String>(connection, "SELECT @@character_set_connection", &[]).await.unwrap(),
            "utf8mb4"
        );
        let collation = one::<String>(connection, "SELECT @@collation_connection", &[]).await.unwrap();
        assert!(collation == "utf8mb4_0900_bin" || collation == "utf8mb4_nopad_bin", "{collation}");
        let mode = one::<String>(connection, "SELECT @@sql_mode", &[]).await.unwrap();
        for part in ["STRICT_TRANS_TABLES", "STRICT_ALL_TABLES", "NO_ZERO_DATE", "ERROR_FOR_DIVISION_BY_ZERO"]
        {
            assert!(mode.contains(part), "{mode}");
        }
        run(connection, "CREATE TABLE t (n TINYINT)").await.unwrap();
        let error = exec(connection, "INSERT INTO t VALUES (?)", &[Value::I32(1000)]).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Data, "{error:?}");
    });
}

#[test]
fn a_session_is_as_it_is_wanted() {
    on_each(|db| async move {
        let with =
            |options: &str| format!("{}{}{options}", db.url, if db.url.contains('?') { '&' } else { '?' });
        let given = with(
            "sql_mode=PIPES_AS_CONCAT,no_backslash_escapes&time_zone=%2B02:00&collation=utf8mb4_unicode_ci",
        );
        let mut connection = open(&given).await;
        let ask = "SELECT CONCAT_WS(' ', @@time_zone, @@collation_connection, @@sql_mode)";
        let session: String = one(&mut *connection, ask, &[]).await.unwrap();
        let (start, end) = ("+02:00 utf8mb4_unicode_ci ", "PIPES_AS_CONCAT");
        assert!(session.starts_with(start) && session.contains(end), "{session}");
        assert!(!session.contains("STRICT") && !session.contains("BACKSLASH"), "{session}");

        let mut connection = open(&with("sql_mode=server&time_zone=server&collation=server")).await;
        let ask = "SELECT @@time_zone = @@global.time_zone \
                   AND REPLACE(@@sql_mode, 'NO_AUTO_VALUE_ON_ZERO,', '') LIKE CONCAT('%', @@global.sql_mode, '%') \
                   AND @@character_set_connection = 'utf8mb4'";
        assert_eq!(one::<i64>(&mut *connection, ask, &[]).await.unwrap(), 1);
    });
}

#[test]
fn rows_that_match_count_also_where_nothing_changes() {
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        run(connection, "CREATE TABLE t (id BIGINT AUTO_INCREMENT PRIMARY KEY, n INT)").await.unwrap();
        let done = exec(connection, "INSERT INTO t (n) VALUES (?), (?)", &[Value::I32(1), Value::I32(1)])
            .await
            .unwrap();
        assert_eq!((done.rows_affected, done.last_insert_id), (2, Some(1)));
        for _ in 0..2 {
            let done = exec(connection, "UPDATE t SET n = ?", &[Value::I32(5)]).await.unwrap();
            assert_eq!(done.rows_affected, 2);
        }
        assert_eq!(column::<i32>(connection, "SELECT n FROM t", &[]).await.unwrap(), [5, 5]);
        assert_eq!(run(connection, "DELETE FROM t").await.unwrap().rows_affected, 2);
    });
}
