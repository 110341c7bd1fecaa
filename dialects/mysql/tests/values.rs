//! Values go in and come back as they were.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{exec, on_each, one, rows, run};
use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
};
use relata_core::{
    ErrorClass,
    driver::{Connection, Mode},
    expr::{Expr, Expression, In, InList, val},
    projection::RowReader,
    render::{Renderer, Statement},
    schema::ColumnType,
    statement::select,
    types::{Json, Type},
    value::{DecimalValue, EnumType, Kind, Value},
};
use rust_decimal::Decimal;
use std::fmt::Debug;
use uuid::Uuid;

/// Stores each value in a column of its type, reads it back, and finds the row by it.
async fn round_trip<T: Type + Clone + PartialEq + Debug>(connection: &mut dyn Connection, values: Vec<T>) {
    let dialect = connection.dialect();
    let mut out = Renderer::new(&*dialect);
    dialect.render_type(&ColumnType::new(T::KIND), &mut out).unwrap();
    let ty = out.finish().sql;
    run(connection, "DROP TABLE IF EXISTS t").await.unwrap();
    run(connection, &format!("CREATE TABLE t (v {ty} NULL) CHARACTER SET utf8mb4")).await.unwrap();
    for value in values {
        exec(connection, "DELETE FROM t", &[]).await.unwrap();
        exec(connection, "INSERT INTO t (v) VALUES (?)", &[value.to_value()]).await.unwrap();
        assert_eq!(one::<T>(connection, "SELECT v FROM t", &[]).await.unwrap(), value, "{ty}");
        // In an expression, and compared with the column.
        let bind = value.to_value();
        let statement = select(val(value.clone()));
        let expression = statement.compile(&*dialect).unwrap().sql.replace("SELECT ", "");
        let sql = format!("SELECT COUNT(*) FROM t WHERE v = {expression}");
        assert_eq!(
            one::<i64>(connection, &sql, std::slice::from_ref(&bind)).await.unwrap(),
            1,
            "{ty}: {sql} {bind:?}"
        );
        // In a list.
        let (operand, list) = (Expression::Bind(Value::I32(0)), InList::values([value.clone()]));
        let among = Expression::In(Box::new(In { operand, list, negated: false }));
        let statement = select(Expr::<bool>::new(among));
        let among = statement.compile(&*dialect).unwrap().sql.replace("SELECT ?", "");
        let sql = format!("SELECT COUNT(*) FROM t WHERE v{among}");
        let found = one::<i64>(connection, &sql, std::slice::from_ref(&bind)).await.unwrap();
        assert_eq!(found, 1, "{ty}: {sql} {bind:?}");
        let back =
            one::<T>(connection, &format!("SELECT {expression}"), std::slice::from_ref(&bind)).await.unwrap();
        assert_eq!(back, value, "{ty}: {expression}");
    }
    exec(connection, "DELETE FROM t", &[]).await.unwrap();
    exec(connection, "INSERT INTO t (v) VALUES (?)", &[Value::Null(T::KIND)]).await.unwrap();
    let null = rows(connection, Mode::Cached, "SELECT v FROM t", &[], |row| {
        RowReader::new(row).read::<T::Nullable>().map(|value| value.to_value().is_null())
    });
    assert_eq!(null.await.unwrap(), [true], "{ty}");
}

#[test]
fn numbers() {
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        round_trip(connection, vec![true, false]).await;
        round_trip(connection, vec![i8::MIN, 0, i8::MAX]).await;
        round_trip(connection, vec![i16::MIN, 0, i16::MAX]).await;
        round_trip(connection, vec![i32::MIN, 0, i32::MAX]).await;
        round_trip(connection, vec![i64::MIN, -1, 0, i64::MAX]).await;
        round_trip(connection, vec![0, u8::MAX]).await;
        round_trip(connection, vec![0, u16::MAX]).await;
        round_trip(connection, vec![0, u32::MAX]).await;
        round_trip(connection, vec![0, 1 << 63, u64::MAX]).await;
        round_trip(connection, vec![0.0, -0.0, 0.1_f32, f32::MIN, f32::MAX, f32::MIN_POSITIVE, 16_777_217.0])
            .await;
        round_trip(connection, vec![0.0, 0.1, f64::MIN, f64::MAX, f64::MIN_POSITIVE, 1e-300, 5e-324]).await;
    });
}

#[test]
fn decimals() {
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        let decimals =
            ["0", "12.5", "-0.0000000000000000000000000001", "79228162514264337593543950335", "100"];
        round_trip(connection, decimals.map(|text| text.parse::<Decimal>().unwrap()).to_vec()).await;
        // As many digits as the wire form has, where the column has them.
        run(connection, "CREATE TABLE wide (v DECIMAL(38, 0), w DECIMAL(12, 2))").await.unwrap();
        let widest = DecimalValue::parse("99999999999999999999999999999999999999").unwrap();
        let two = DecimalValue::parse("12.50").unwrap();
        let values = [Value::Decimal(widest), Value::Decimal(two)];
        exec(connection, "INSERT INTO wide VALUES (?, ?)", &values).await.unwrap();
        let read = rows(connection, Mode::Cached, "SELECT v, w FROM wide", &[], |row| {
            Ok(format!("{:?} {:?}", row.cell(0)?, row.cell(1)?))
        });
        assert_eq!(read.await.unwrap(), ["Decimal(99999999999999999999999999999999999999) Decimal(12.50)"]);
        let statement = select(relata_core::expr::Expr::<Decimal>::new(relata_core::expr::Expression::Bind(
            Value::Decimal(widest),
        )));
        let dialect = connection.dialect();
        let sql = statement
            .compile(&*dialect)
            .unwrap()
            .sql
            .replace("SELECT", "SELECT COUNT(*) FROM wide WHERE v =");
        assert_eq!(one::<i64>(connection, &sql, &values[..1]).await.unwrap(), 1);
        let less = [Value::Decimal(DecimalValue::new(widest.mantissa() - 1, 0))];
        assert_eq!(one::<i64>(connection, &sql, &less).await.unwrap(), 0, "compared as floats");
        let [wide, two] = values;
        let error = exec(connection, "INSERT INTO wide VALUES (?, ?)", &[two, wide]).await;
        assert_eq!(error.unwrap_err().class(), ErrorClass::Data);
    });
}

#[test]
fn texts_and_bytes() {
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        let planes = "aß漢\u{1F600}\u{2FA1D}\u{E0001}\u{10FFFF}";
        let texts = ["", "a'b\\\"c", "trailing  ", "nul\0inside", planes, "; DROP TABLE t; --"];
        round_trip(connection, texts.map(str::to_owned).to_vec()).await;
        round_trip(connection, vec!["x".repeat(1 << 20)]).await;
        round_trip(connection, vec![vec![], vec![0], (0..=255).collect::<Vec<u8>>(), vec![0xff; 1 << 20]])
            .await;
        round_trip(connection, vec![Uuid::nil(), Uuid::max(), Uuid::from_u128(0x0102_0304_0506_0708)]).await;
    });
}

#[test]
fn documents() {
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        let documents =
            [r#"{"a": [1, 2.5, null, true, "x\"y"]}"#, "[]", "null", "\"text\"", "9007199254740993"];
        let documents = documents.map(|text| serde_json::from_str::<serde_json::Value>(text).unwrap());
        round_trip(connection, documents.to_vec()).await;
        round_trip(connection, vec![Json(vec!["a".to_owned()])]).await;
        let error =
            exec(connection, "INSERT INTO t VALUES (?)", &[Value::Json("{no".into())]).await.unwrap_err();
        assert!(matches!(error.class(), ErrorClass::Data | ErrorClass::Check), "{error:?}");
    });
}

#[test]
fn dates_and_times() {
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        round_trip::<Date>(
            connection,
            ["0001-01-01", "1582-10-10", "2024-02-29", "9999-12-31"].map(parse).to_vec(),
        )
        .await;
        round_trip::<Time>(
            connection,
            ["00:00:00", "13:05:09.000001", "23:59:59.999999"].map(parse).to_vec(),
        )
        .await;
        let moments = ["0001-01-01T00:00:00", "1969-12-31T23:59:59.999999", "9999-12-31T23:59:59.999999"];
        round_trip::<DateTime>(connection, moments.map(parse).to_vec()).await;
        let instants = [
            "0001-01-01T00:00:00Z",
            "1901-12-13T20:45:51Z",
            "2038-01-19T03:14:08.000001Z",
            "2026-11-21T12:00:00Z",
        ];
        round_trip::<Timestamp>(connection, instants.map(parse).to_vec()).await;
    });
}

fn parse<T: std::str::FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

static COLOUR: EnumType = EnumType {
    name: "colour",
    variants: &["red", "it's green"],
    native: true,
    as_kind: &Kind::Enum(&COLOUR),
};

#[test]
fn enums() {
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        let dialect = connection.dialect();
        let mut out = Renderer::new(&*dialect);
        dialect.render_type(&ColumnType::new(Kind::Enum(&COLOUR)), &mut out).unwrap();
        let ty = out.finish().sql;
        assert_eq!(ty, "ENUM('red', 'it''s green')");
        run(connection, &format!("CREATE TABLE t (v {ty})")).await.unwrap();
        for word in COLOUR.variants {
            exec(connection, "INSERT INTO t VALUES (?)", &[Value::Enum(&COLOUR, word)]).await.unwrap();
        }
        let words = common::column::<String>(connection, "SELECT v FROM t ORDER BY v", &[]).await.unwrap();
        assert_eq!(words, COLOUR.variants);
        let error =
            exec(connection, "INSERT INTO t VALUES (?)", &[Value::Text("blue".into())]).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Data, "{error:?}");
    });
}

#[test]
fn what_the_database_cannot_hold_is_refused() {
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        run(connection, "CREATE TABLE t (v DOUBLE)").await.unwrap();
        for value in [
            Value::F64(f64::NAN),
            Value::F64(f64::INFINITY),
            Value::Date(i32::MAX),
            Value::TimestampTz(i64::MIN),
        ] {
            let error = exec(connection, "INSERT INTO t VALUES (?)", &[value]).await.unwrap_err();
            assert_eq!(error.class(), ErrorClass::Data);
            assert!(error.statement().is_some());
        }
        // The connection has not even noticed.
        connection.ping().await.unwrap();
    });
}

#[test]
fn what_rust_cannot_hold_is_refused() {
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        for sql in ["SELECT TIME '-01:00:00'", "SELECT TIME '30:00:00'", "SELECT CAST('2001-02-00' AS DATE)"]
        {
            run(connection, "SET SESSION sql_mode = ''").await.unwrap();
            let read =
                rows(connection, Mode::Cached, sql, &[], |row| row.cell(0).map(|cell| format!("{cell:?}")));
            match read.await {
                Ok(cells) => assert_eq!(cells, ["Null"], "{sql}"),
                Err(error) => assert_eq!(error.class(), ErrorClass::Decode, "{error:?}"),
            }
        }
    });
}

#[test]
fn other_columns_can_be_read() {
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        run(
            connection,
            "CREATE TABLE t (y YEAR, b BIT(9), s SET('a', 'b'), m MEDIUMINT, c CHAR(3), f BINARY(2))",
        )
        .await
        .unwrap();
        run(connection, "INSERT INTO t VALUES (2026, b'100000001', 'a,b', -7, 'x', 'y')").await.unwrap();
        let expected = r#"I64(2026) I64(257) Text("a,b") I64(-7) Text("x") Bytes([121, 0])"#;
        for mode in [Mode::Cached, Mode::Once, Mode::Text, Mode::Stream] {
            let read = rows(connection, mode, "SELECT * FROM t", &[], |row| {
                let cells: Result<Vec<String>, _> =
                    (0..row.width()).map(|i| row.cell(i).map(|c| format!("{c:?}"))).collect();
                assert_eq!(row.name(0), "y");
                assert!(row.cell(6).is_err());
                Ok(cells?.join(" "))
            });
            assert_eq!(read.await.unwrap(), [expected], "{mode:?}");
        }
    });
}

#[test]
fn the_text_protocol_gives_the_same() {
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        let sql = "SELECT 1, -1.5, 2.5e0, 18446744073709551615, 'x', DATE '2020-01-02', TIME '01:02:03', \
            TIMESTAMP '2020-01-02 03:04:05.000006', NULL, X'00FF'";
        let mut read = Vec::new();
        for mode in [Mode::Cached, Mode::Text] {
            read.push(
                rows(connection, mode, sql, &[], |row| {
                    let cells: Result<Vec<String>, _> =
                        (0..row.width()).map(|i| row.cell(i).map(|c| format!("{c:?}"))).collect();
                    cells
                })
                .await
                .unwrap(),
            );
        }
        assert_eq!(read[0], read[1]);
    });
}

#[test]
fn a_parameter_without_context_takes_values_of_any_type_in_turn() {
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        let mut values = vec![
            (Value::Null(Kind::I64), "Null"),
            (Value::I64(7), "I64(7)"),
            (Value::Text("x".into()), "Text(\"x\")"),
            (Value::F64(0.5), "F64(0.5)"),
            (Value::I64(i64::MIN), "I64(-9223372036854775808)"),
            (Value::U64(u64::MAX), "U64(18446744073709551615)"),
            (Value::Null(Kind::Text), "Null"),
            (Value::Text("漢".into()), "Text(\"漢\")"),
            (
                Value::Text("yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy".into()),
                "Text(\"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\")",
            ),
            (Value::F64(0.1), "F64(0.1)"),
            (Value::I64(1), "I64(1)"),
        ];
        for _ in 0..2 {
            for (value, cell) in &values {
                let read = rows(connection, Mode::Cached, "SELECT ?", std::slice::from_ref(value), |row| {
                    row.cell(0).map(|cell| format!("{cell:?}"))
                });
                assert_eq!(read.await.unwrap(), [*cell]);
            }
            values.reverse();
        }
    });
}
