//! Every kind of value, at its extremes: what is bound comes back as it was.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails loudly, and so do its helpers

mod common;

use common::{column, execute, memory, one, texts};
use relata_core::{
    ErrorClass,
    dialect::Dialect,
    driver::Connection,
    render::Renderer,
    schema::ColumnType,
    types::{Type, civil},
    value::{Cell, DecimalValue, EnumType, Kind, Value},
};
use relata_sqlite::Sqlite;

/// Days and times, UUIDs and decimals as they travel, without the libraries that users see.
macro_rules! as_it_travels {
    ($($name:ident, $inner:ty, $kind:ident, $cell:pat => $read:expr;)*) => {
        $(#[derive(Debug, Clone, Copy, PartialEq)]
        struct $name($inner);

        impl Type for $name {
            const KIND: Kind = Kind::$kind;
            type Nullable = Option<Self>;
            type Base = Self;
            type With<U: Type> = U;

            fn decode(cell: Cell<'_>) -> Result<Self, relata_core::types::Mismatch> {
                match cell {
                    $cell => $read.map($name).ok_or_else(|| relata_core::types::Mismatch::out_of_range("bad text")),
                    cell => Err(relata_core::types::Mismatch::wrong(stringify!($name), &cell)),
                }
            }

            fn to_value(&self) -> Value {
                Value::$kind(self.0)
            }
        })*
    };
}

as_it_travels! {
    Day, i32, Date, Cell::Text(text) => civil::parse_date(text);
    Clock, i64, Time, Cell::Text(text) => civil::parse_time(text);
    Moment, i64, Timestamp, Cell::Text(text) => civil::parse_timestamp(text);
    Instant, i64, TimestampTz, Cell::Text(text) => civil::parse_timestamp(text);
    Id, [u8; 16], Uuid, Cell::Bytes(bytes) => bytes.try_into().ok();
    Decimal, DecimalValue, Decimal, Cell::Text(text) => DecimalValue::parse(text);
}

/// Stores values in a column of their type and reads them back; also as a bare bind, without a column.
async fn round_trip<T: Type + Clone + std::fmt::Debug>(values: &[T]) {
    let mut connection = memory().await;
    create::<T>(&mut *connection, ColumnType::new(T::KIND)).await;
    for value in values {
        execute(&mut *connection, "DELETE FROM t", &[]).await.unwrap();
        execute(&mut *connection, "INSERT INTO t VALUES (?)", &[value.to_value()]).await.unwrap();
        let back: T = one(&mut *connection, "SELECT x FROM t", &[]).await.unwrap();
        assert_eq!(back.to_value(), value.to_value());
        let bare: T = one(&mut *connection, "SELECT ?", &[value.to_value()]).await.unwrap();
        assert_eq!(bare.to_value(), value.to_value());
        let found: Vec<T> =
            column(&mut *connection, "SELECT x FROM t WHERE x = ?", &[value.to_value()]).await.unwrap();
        assert_eq!(found.len(), 1, "{value:?} equals itself");
    }
    execute(&mut *connection, "DELETE FROM t", &[]).await.unwrap();
    execute(&mut *connection, "INSERT INTO t VALUES (?)", &[Value::Null(T::KIND)]).await.unwrap();
    assert!(one::<T::Nullable>(&mut *connection, "SELECT x FROM t", &[]).await.unwrap().to_value().is_null());
}

/// Makes a table of one column, as the dialect declares it.
async fn create<T: Type>(connection: &mut dyn Connection, ty: ColumnType) {
    let dialect = Sqlite::new();
    let mut out = Renderer::new(&dialect);
    dialect.render_type(&ty, &mut out).unwrap();
    let collation = if T::KIND == Kind::Decimal { " COLLATE decimal" } else { "" };
    let sql = format!("CREATE TABLE t (x {}{collation})", out.finish().sql);
    texts(connection, &[&sql]).await.unwrap();
}

/// Stores values in descending order and expects them sorted.
async fn sorts<T: Type + Clone + PartialEq + std::fmt::Debug>(ascending: &[T]) {
    let mut connection = memory().await;
    create::<T>(&mut *connection, ColumnType::new(T::KIND)).await;
    for value in ascending.iter().rev() {
        execute(&mut *connection, "INSERT INTO t VALUES (?)", &[value.to_value()]).await.unwrap();
    }
    let sorted: Vec<T> = column(&mut *connection, "SELECT x FROM t ORDER BY x", &[]).await.unwrap();
    assert_eq!(sorted, ascending);
    for (at, bound) in ascending.iter().enumerate() {
        let less: Vec<T> =
            column(&mut *connection, "SELECT x FROM t WHERE x < ? ORDER BY x", &[bound.to_value()])
                .await
                .unwrap();
        assert_eq!(less, ascending[..at]);
    }
}

#[tokio::test]
async fn booleans_and_integers() {
    round_trip(&[false, true]).await;
    round_trip(&[i8::MIN, 0, i8::MAX]).await;
    round_trip(&[i16::MIN, 0, i16::MAX]).await;
    round_trip(&[i32::MIN, 0, i32::MAX]).await;
    round_trip(&[i64::MIN, -1, 0, i64::MAX]).await;
    round_trip(&[0, u8::MAX]).await;
    round_trip(&[0, u16::MAX]).await;
    round_trip(&[0, u32::MAX]).await;
    round_trip(&[0, i64::MAX as u64]).await;
}

#[tokio::test]
async fn floats() {
    round_trip(&[
        0.0,
        1.0,
        -1.5,
        f64::MIN,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ])
    .await;
    round_trip(&[1e15, 1e16, 9_007_199_254_740_993.0, 1e300, 0.1]).await;
    round_trip(&[0.0_f32, 1.0, f32::MIN, f32::MAX, f32::MIN_POSITIVE, 0.1, f32::INFINITY]).await;
    // The sign of zero is not kept: SQLite writes it as 0 (SQLite, "Floating point numbers", 3).
    let mut connection = memory().await;
    create::<f64>(&mut *connection, ColumnType::new(Kind::F64)).await;
    execute(&mut *connection, "INSERT INTO t VALUES (?)", &[Value::F64(-0.0)]).await.unwrap();
    assert_eq!(one::<f64>(&mut *connection, "SELECT x FROM t", &[]).await.unwrap().to_bits(), 0);
}

#[tokio::test]
async fn text() {
    let planes =
        "a é ß ж 中 \u{FFFD} 🦀 \u{1F1E9}\u{1F1EA} \u{10FFFF} \u{E000} \u{200D} '\"`\\%_; -- /* \r\n\t";
    round_trip(&[
        String::new(),
        "x".into(),
        planes.into(),
        "1".into(),
        "1e3".into(),
        "0x10".into(),
        "NULL".into(),
    ])
    .await;
    round_trip(&["é".repeat(500_000)]).await;
    // SQLite holds a NUL in text.
    round_trip(&["\0".to_owned(), "a\0b".into(), "\0\0".into()]).await;
}

#[tokio::test]
async fn binary_data() {
    round_trip(&[Vec::new(), vec![0], (0..=255).collect(), vec![7; 1 << 20]]).await;
}

#[tokio::test]
async fn days_and_times() {
    let day = |y, m, d| Day(civil::days_from_civil(y, m, d));
    sorts(&[
        day(0, 1, 1),
        day(1, 1, 1),
        day(1969, 12, 31),
        day(1970, 1, 1),
        day(2024, 2, 29),
        day(9999, 12, 31),
    ])
    .await;
    round_trip(&[day(0, 1, 1), day(9999, 12, 31)]).await;
    sorts(&[Clock(0), Clock(1), Clock(999_999), Clock(1_000_000), Clock(civil::DAY - 1)]).await;
    round_trip(&[Clock(0), Clock(civil::DAY - 1)]).await;
    let (first, last) =
        (i64::from(day(1, 1, 1).0) * civil::DAY, i64::from(day(9999, 12, 31).0 + 1) * civil::DAY - 1);
    sorts(&[Moment(first), Moment(-1), Moment(0), Moment(1), Moment(1_000_000), Moment(last)]).await;
    round_trip(&[Moment(first), Moment(last)]).await;
    sorts(&[Instant(first), Instant(-1), Instant(0), Instant(1), Instant(last)]).await;
    round_trip(&[Instant(first), Instant(last)]).await;
}

#[tokio::test]
async fn uuids() {
    let mut last = [0; 16];
    last[15] = 1;
    sorts(&[Id([0; 16]), Id(last), Id([1; 16]), Id([0xff; 16])]).await;
    round_trip(&[Id([0; 16]), Id([0xff; 16]), Id(*b"1234567890123456")]).await;
}

#[tokio::test]
async fn decimals() {
    let decimals = [
        "-99999999999999999999999999999999999999",
        "-20.5",
        "-0.0000000001",
        "0",
        "0.00000000000000000000000000000000000001",
        "9.50",
        "10",
        "12345678901234567890123456789012345678",
    ]
    .map(|text| Decimal(DecimalValue::parse(text).unwrap()));
    sorts(&decimals).await;
    round_trip(&decimals).await;
    // Equal numbers are equal, whatever their zeros; each is kept as it was written.
    let mut connection = memory().await;
    create::<Decimal>(
        &mut *connection,
        ColumnType { precision: Some((10, 2)), ..ColumnType::new(Kind::Decimal) },
    )
    .await;
    let decimal = |text| Value::Decimal(DecimalValue::parse(text).unwrap());
    execute(&mut *connection, "INSERT INTO t VALUES (?)", &[decimal("1.50")]).await.unwrap();
    let found: Decimal =
        one(&mut *connection, "SELECT x FROM t WHERE x = ?", &[decimal("1.5")]).await.unwrap();
    assert_eq!(found.to_value(), decimal("1.50"));
}

#[tokio::test]
async fn words_and_documents() {
    static KIND: Kind = Kind::Enum(&COLOUR);
    static COLOUR: EnumType =
        EnumType { name: "colour", variants: &["red", "blue"], native: true, as_kind: &KIND };
    let mut connection = memory().await;
    let word: String = one(&mut *connection, "SELECT ?", &[Value::Enum(&COLOUR, "blue")]).await.unwrap();
    assert_eq!(word, "blue");
    create::<String>(&mut *connection, ColumnType::new(Kind::Json)).await;
    for document in [r#"{"a": [1, 2.50, null]}"#, "1", "\"1\"", "null", "1e400"] {
        execute(&mut *connection, "INSERT INTO t VALUES (?)", &[Value::Json(document.into())]).await.unwrap();
        let back: String = one(&mut *connection, "DELETE FROM t RETURNING x", &[]).await.unwrap();
        assert_eq!(back, document, "a document is kept to the letter");
    }
}

#[tokio::test]
async fn lists_are_bound_as_json() {
    let mut connection = memory().await;
    let list = Value::Array(Kind::I64, vec![Value::I64(i64::MAX), Value::Null(Kind::I64), Value::I64(-1)]);
    let sql = "SELECT value FROM json_each(?)";
    let back: Vec<Option<i64>> = column(&mut *connection, sql, &[list]).await.unwrap();
    assert_eq!(back, [Some(i64::MAX), None, Some(-1)]);
    let list = Value::Array(Kind::Text, vec![Value::Text("'\"\\\n\u{1}🦀".into())]);
    assert_eq!(one::<String>(&mut *connection, sql, &[list]).await.unwrap(), "'\"\\\n\u{1}🦀");
}

#[tokio::test]
async fn what_sqlite_cannot_hold_is_refused() {
    let mut connection = memory().await;
    let day_10000 = civil::days_from_civil(10_000, 1, 1);
    for (value, why) in [
        (Value::U64(u64::MAX), "it is larger than 9223372036854775807"),
        (Value::F64(f64::NAN), "SQLite cannot hold NaN"),
        (Value::F32(f32::NAN), "SQLite cannot hold NaN"),
        (Value::Date(day_10000), "a date is outside of the years 0 to 9999"),
        (Value::Date(i32::MIN), "a date is outside of the years 0 to 9999"),
        (Value::Timestamp(i64::MAX), "a date is outside of the years 0 to 9999"),
        (Value::TimestampTz(i64::MIN), "a date is outside of the years 0 to 9999"),
        (Value::Time(civil::DAY), "a time of day is outside of one day"),
        (Value::Time(-1), "a time of day is outside of one day"),
        (Value::Array(Kind::F64, vec![Value::F64(0.1)]), "SQLite has no arrays"),
    ] {
        let error = one::<Option<String>>(&mut *connection, "SELECT ?", &[value]).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Data, "{error}");
        assert!(error.to_string().starts_with(&format!("bind 1: {why}")), "{error}");
        assert_eq!(error.statement(), Some("SELECT ?"));
    }
    // Nothing is left behind of the refused one.
    assert_eq!(one::<i64>(&mut *connection, "SELECT ?", &[Value::I64(1)]).await.unwrap(), 1);
}
