//! Every kind of value goes there and back, at its extremes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use relata_core::{
    ErrorClass,
    ddl::{CreateTable, Ddl},
    driver::{Flow, Job, Mode, Row, Sink},
    entity::Input,
    render::Statement,
    schema::{ColumnDef, ColumnType, Table},
    statement::{Insert, sql},
    types::civil::{DAY, days_from_civil},
    value::{Cell, DecimalValue, EnumType, Kind, Value},
};
use relata_postgres::Postgres;
use support::Db;

static TEXT_ENUM: EnumType =
    EnumType { name: "colour", variants: &["red", "it's"], native: false, as_kind: &Kind::Enum(&TEXT_ENUM) };
static NATIVE_ENUM: EnumType = EnumType {
    name: "the mood",
    variants: &["sad", "o\"k\\", "häppy"],
    native: true,
    as_kind: &Kind::Enum(&NATIVE_ENUM),
};

macro_rules! columns {
    ($($name:literal $kind:expr),* $(,)?) => {
        &[
            ColumnDef::new("id", "id", ColumnType::new(Kind::I64), false).generated(),
            $(ColumnDef::new($name, $name, ColumnType::new($kind), true),)*
        ]
    };
}

static EVERYTHING: Table = Table::new(
    "Everything",
    "everything",
    columns![
        "bool" Kind::Bool, "i8" Kind::I8, "i16" Kind::I16, "i32" Kind::I32, "i64" Kind::I64, "u8" Kind::U8,
        "u16" Kind::U16, "u32" Kind::U32, "u64" Kind::U64, "f32" Kind::F32, "f64" Kind::F64, "text" Kind::Text,
        "bytes" Kind::Bytes, "decimal" Kind::Decimal, "uuid" Kind::Uuid, "date" Kind::Date, "time" Kind::Time,
        "timestamp" Kind::Timestamp, "timestamptz" Kind::TimestampTz, "json" Kind::Json,
        "colour" Kind::Enum(&TEXT_ENUM), "mood" Kind::Enum(&NATIVE_ENUM),
    ],
    &[0],
);

fn extremes() -> Vec<Value> {
    let text = |s: &str| Value::Text(s.into());
    let decimal = |s: &str| Value::Decimal(DecimalValue::parse(s).unwrap());
    let micros = |year, month, day, time: i64| i64::from(days_from_civil(year, month, day)) * DAY + time;
    let planes: String = (0..=16_u32).filter_map(|plane| char::from_u32(plane * 0x1_0000 + 0xABCD)).collect();
    let mut values = vec![
        Value::Bool(true),
        Value::Bool(false),
        Value::I16(i16::MIN),
        Value::I16(i16::MAX),
        Value::I32(i32::MIN),
        Value::I32(i32::MAX),
        Value::I64(i64::MIN),
        Value::I64(i64::MAX),
        Value::U64(0),
        Value::U64(i64::MAX as u64),
        Value::Uuid([0; 16]),
        Value::Uuid([0xFF; 16]),
        Value::Bytes(vec![]),
        Value::Bytes((0..=255).collect()),
        text(""),
        text("'; DROP TABLE users; --"),
        text(&planes),
        text("\u{10FFFF}\u{1}\u{7F}\\"),
        text(&"x".repeat(1 << 20)),
        Value::Time(0),
        Value::Time(DAY - 1),
        Value::Enum(&TEXT_ENUM, "it's"),
        Value::Enum(&NATIVE_ENUM, "o\"k\\"),
        Value::Enum(&NATIVE_ENUM, "häppy"),
        Value::Json("{\"a\": [1, null, \"ü\"]}".into()),
        Value::Json("null".into()),
    ];
    for f in
        [0.0, -0.0, f32::MIN, f32::MAX, f32::MIN_POSITIVE, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.1]
    {
        values.push(Value::F32(f));
    }
    for f in [0.0, -0.0, f64::MIN, f64::MAX, 5e-324, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.1] {
        values.push(Value::F64(f));
    }
    let digits = "12345678901234567890123456789012345678";
    for d in ["0", "0.00", "-0.5", "10000", "0.0001", digits, &format!("-0.{digits}"), "99999.99999"] {
        values.push(decimal(d));
    }
    for (year, month, day) in [(1, 1, 1), (1969, 12, 31), (2000, 2, 29), (9999, 12, 31), (-4712, 1, 1)] {
        values.push(Value::Date(days_from_civil(year, month, day)));
        for time in [0, 1, DAY - 1] {
            values.push(Value::Timestamp(micros(year, month, day, time)));
            values.push(Value::TimestampTz(micros(year, month, day, time)));
        }
    }
    values
}

/// The columns that a value can stand in.
fn columns_for(value: &Value) -> Vec<usize> {
    let names: &[&str] = match value.kind() {
        Kind::Bool => &["bool"],
        Kind::I16 => &["i8", "i16", "u8"],
        Kind::I32 => &["i32", "u16"],
        Kind::I64 => &["i64", "u32"],
        Kind::U64 => &["u64"],
        Kind::F32 => &["f32"],
        Kind::F64 => &["f64"],
        Kind::Text => &["text"],
        Kind::Bytes => &["bytes"],
        Kind::Decimal => &["decimal"],
        Kind::Uuid => &["uuid"],
        Kind::Date => &["date"],
        Kind::Time => &["time"],
        Kind::Timestamp => &["timestamp"],
        Kind::TimestampTz => &["timestamptz"],
        Kind::Json => &["json"],
        Kind::Enum(ty) if ty.native => &["mood"],
        Kind::Enum(_) => &["colour"],
        kind => panic!("{kind:?}"),
    };
    names.iter().map(|name| EVERYTHING.position(name).unwrap()).collect()
}

/// Each value in each of its columns, all others NULL: row after row.
fn rows() -> Vec<(usize, Value)> {
    let pairs = |value: Value| columns_for(&value).into_iter().map(move |column| (column, value.clone()));
    extremes().into_iter().flat_map(pairs).collect()
}

fn inputs(rows: &[(usize, Value)]) -> Vec<Input> {
    let null = |column: &ColumnDef| Input::Value(Value::Null(column.ty.kind));
    let mut inputs = Vec::new();
    for (number, (column, value)) in rows.iter().enumerate() {
        let start = inputs.len();
        inputs.extend(EVERYTHING.columns.iter().map(null));
        inputs[start] = Input::Value(Value::I64(number as i64));
        inputs[start + column] = Input::Value(value.clone());
    }
    inputs
}

/// Compares each row with the value that was put into it.
struct Compare {
    rows: Vec<(usize, Value)>,
    seen: usize,
}

impl Sink for Compare {
    fn row(&mut self, row: &mut dyn Row) -> relata_core::Result<Flow> {
        let (column, value) = &self.rows[self.seen];
        self.seen += 1;
        for at in 1..row.width() {
            let cell = row.cell(at)?;
            if at != *column {
                assert_eq!(cell, Cell::Null, "{value:?} in {}, but {}", row.name(*column), row.name(at));
                continue;
            }
            let same = match (value, cell) {
                (Value::Bool(a), Cell::Bool(b)) => *a == b,
                (Value::I16(a), Cell::I64(b)) => i64::from(*a) == b,
                (Value::I32(a), Cell::I64(b)) => i64::from(*a) == b,
                (Value::I64(a), Cell::I64(b)) => *a == b,
                (Value::U64(a), Cell::I64(b)) => i64::try_from(*a) == Ok(b),
                (Value::F32(a), Cell::F32(b)) => Value::F32(*a).same(&Value::F32(b)),
                (Value::F64(a), Cell::F64(b)) => Value::F64(*a).same(&Value::F64(b)),
                (Value::Text(a), Cell::Text(b)) => a == b,
                (Value::Enum(_, a), Cell::Text(b)) => *a == b,
                (Value::Bytes(a), Cell::Bytes(b)) => a == b,
                (Value::Decimal(a), Cell::Decimal(b)) => *a == b,
                (Value::Uuid(a), Cell::Uuid(b)) => *a == b,
                (Value::Date(a), Cell::Date(b)) => *a == b,
                (Value::Time(a), Cell::Time(b)) => *a == b,
                (Value::Timestamp(a), Cell::Timestamp(b)) => *a == b,
                (Value::TimestampTz(a), Cell::TimestampTz(b)) => *a == b,
                (Value::Json(a), Cell::Json(b)) => a == b,
                _ => false,
            };
            assert!(same, "{value:?} came back as {cell:?} from {}", row.name(at));
        }
        Ok(Flow::Continue)
    }
}

async fn create_everything(db: &mut Db) {
    let create_enum = Ddl::CreateEnum(relata_core::ddl::CreateEnum { ty: &NATIVE_ENUM, if_not_exists: true });
    let create =
        Ddl::CreateTable(CreateTable { table: &EVERYTHING, if_not_exists: false, without_keys: vec![] });
    db.run(&create_enum).await.unwrap();
    db.run(&create_enum).await.expect("a second time it is left alone");
    db.run(&create).await.unwrap();
}

async fn compare(db: &mut Db, rows: &[(usize, Value)], mode: Mode) {
    let mut sink = Compare { rows: rows.to_vec(), seen: 0 };
    let job = Job::new("SELECT * FROM everything ORDER BY id", &[], mode).with_sink(&mut sink);
    db.connection.run(&mut [job]).await.unwrap();
    assert_eq!(sink.seen, rows.len());
}

#[tokio::test]
async fn every_value_comes_back_as_it_was() {
    let Some(mut db) = Db::open("").await else { return };
    create_everything(&mut db).await;
    let rows = rows();
    for (number, row) in rows.iter().enumerate() {
        let mut inputs = inputs(std::slice::from_ref(row));
        inputs[0] = Input::Value(Value::I64(number as i64));
        db.run(&Insert::from_inputs(&EVERYTHING, inputs))
            .await
            .unwrap_or_else(|error| panic!("{row:?}: {error}"));
    }
    compare(&mut db, &rows, Mode::Cached).await;
    compare(&mut db, &rows, Mode::Once).await;
    compare(&mut db, &rows, Mode::Stream).await;
    db.close().await;
}

#[tokio::test]
async fn so_does_every_value_in_arrays() {
    let Some(mut db) = Db::open("").await else { return };
    create_everything(&mut db).await;
    // More than a hundred rows: one array per column.
    let rows: Vec<_> = rows().into_iter().cycle().take(300).collect();
    let insert = Insert::from_inputs(&EVERYTHING, inputs(&rows));
    assert!(insert.compile(&Postgres).unwrap().sql.contains("UNNEST"));
    assert_eq!(db.run(&insert).await.unwrap(), 300);
    compare(&mut db, &rows, Mode::Cached).await;
    db.close().await;
}

#[tokio::test]
async fn and_without_prepared_statements() {
    let Some(mut db) = Db::open("&statement_cache=0").await else { return };
    create_everything(&mut db).await;
    let rows: Vec<_> =
        rows().into_iter().filter(|(_, value)| !matches!(value, Value::Text(t) if t.len() > 9999)).collect();
    let part = &rows[..40];
    db.run(&Insert::from_inputs(&EVERYTHING, inputs(part))).await.unwrap();
    compare(&mut db, part, Mode::Cached).await;
    db.text("DELETE FROM everything").await.unwrap();
    let many: Vec<_> = rows.iter().cloned().cycle().take(100).collect();
    db.run(&Insert::from_inputs(&EVERYTHING, inputs(&many))).await.unwrap();
    compare(&mut db, &many, Mode::Cached).await;
    db.close().await;
}

#[tokio::test]
async fn what_does_not_fit_is_refused_by_name() {
    let Some(mut db) = Db::open("").await else { return };
    for (statement, words) in [
        (sql("SELECT ?, ?").bind(1).bind("a\0b"), "bind $2 holds a NUL"),
        (sql("SELECT ?").bind(u64::MAX), "bind $1 is above i64::MAX"),
        (sql("SELECT ?").bind(serde_json::json!({"a": "b\u{0}"})), "bind $1 holds a NUL"),
    ] {
        let error = db.run(&statement).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Data, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.statement().is_some());
    }
    for text in [
        "'infinity'::timestamptz",
        "'-infinity'::date",
        "'NaN'::numeric",
        "10::numeric ^ 40",
        "'1.1.1.1'::inet",
    ] {
        let sql_text = format!("SELECT 1, {text} AS it");
        let statement = relata_core::statement::sql_unchecked(sql_text).columns::<(i32, Option<String>)>();
        let error = db.query(statement).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Decode, "{error}");
        assert!(error.to_string().contains("column 1 (it), of type"), "{error}");
    }
    db.close().await;
}

#[tokio::test]
async fn averages_and_sums_are_exact() {
    let Some(mut db) = Db::open("").await else { return };
    let statement = sql(
        "SELECT SUM(x), AVG(x)::text, 1::numeric / 3, '1e-30'::numeric FROM generate_series(1::bigint, 4) x",
    )
    .columns::<(i64, String, rust_decimal::Decimal, String)>();
    let error = db.query(statement).await.unwrap_err();
    assert!(error.to_string().contains("expected text, found a decimal"), "{error}");
    let statement = sql("SELECT SUM(x), 1::numeric / 3 FROM generate_series(1::bigint, 4) x")
        .columns::<(i64, rust_decimal::Decimal)>();
    assert_eq!(db.one(statement).await, (10, "0.33333333333333333333".parse().unwrap()));
    db.close().await;
}
