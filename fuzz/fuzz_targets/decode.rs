//! No cell makes a type panic, and what a type writes it reads back.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use relata::{
    types::Type,
    value::{Cell, DecimalValue},
};

#[derive(Debug, Arbitrary)]
enum Input<'a> {
    Null,
    Bool(bool),
    I64(i64),
    U64(u64),
    F32(f32),
    F64(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    Decimal(i128, u8),
    Uuid([u8; 16]),
    Date(i32),
    Time(i64),
    Timestamp(i64),
    TimestampTz(i64),
    Json(&'a str),
}

fuzz_target!(|input: Input<'_>| {
    let cell = match input {
        Input::Null => Cell::Null,
        Input::Bool(value) => Cell::Bool(value),
        Input::I64(value) => Cell::I64(value),
        Input::U64(value) => Cell::U64(value),
        Input::F32(value) => Cell::F32(value),
        Input::F64(value) => Cell::F64(value),
        Input::Text(value) => Cell::Text(value),
        Input::Bytes(value) => Cell::Bytes(value),
        Input::Decimal(mantissa, scale) => Cell::Decimal(DecimalValue::new(mantissa, scale)),
        Input::Uuid(value) => Cell::Uuid(value),
        Input::Date(value) => Cell::Date(value),
        Input::Time(value) => Cell::Time(value),
        Input::Timestamp(value) => Cell::Timestamp(value),
        Input::TimestampTz(value) => Cell::TimestampTz(value),
        Input::Json(value) => Cell::Json(value),
    };
    round_trip::<bool>(cell);
    round_trip::<i16>(cell);
    round_trip::<i64>(cell);
    round_trip::<u8>(cell);
    round_trip::<u64>(cell);
    round_trip::<f32>(cell);
    round_trip::<f64>(cell);
    round_trip::<String>(cell);
    round_trip::<Vec<u8>>(cell);
    round_trip::<rust_decimal::Decimal>(cell);
    round_trip::<uuid::Uuid>(cell);
    round_trip::<serde_json::Value>(cell);
    round_trip::<jiff::civil::Date>(cell);
    round_trip::<jiff::civil::Time>(cell);
    round_trip::<jiff::civil::DateTime>(cell);
    round_trip::<jiff::Timestamp>(cell);
    round_trip::<Option<i32>>(cell);
});

fn round_trip<T: Type>(cell: Cell<'_>) {
    if let Ok(value) = T::decode(cell) {
        let bound = value.to_value();
        let again = T::decode(bound.as_cell().expect("no list")).expect("a type reads what it writes");
        assert!(again.into_value().same(&bound), "{bound:?}");
    }
}
