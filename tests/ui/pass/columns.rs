//! Everything that can be said about a column.

#![deny(warnings)]
#![allow(unreachable_pub, clippy::duplicated_attributes)]

use relata::{
    ddl::{CreateTable, Ddl},
    dialect::Standard,
    prelude::*,
    render::Statement,
    table::{DefaultValue, ReferentialAction},
};

#[derive(Enum, Debug, Clone, PartialEq)]
pub enum State {
    Open,
    InTransit,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(
    schema = "sales",
    unique(number, year),
    unique(name = "one_per_customer", customer, number),
    index(year),
    unique_index(name = "by_year", year, number),
    check("\"price\" > 0"),
    check(name = "has_year", "\"year\" > 1900")
)]
pub struct OrderLine {
    #[column(primary_key)]
    pub id: i32,
    #[column(name = "type", index)]
    pub r#type: String,
    pub number: i64,
    #[column(default = 2000)]
    pub year: i16,
    #[column(references = OrderLine::id, on_delete = "set null", on_update = "cascade")]
    pub customer: Option<i32>,
    #[column(precision(12, 2), default = 1.5)]
    pub price: rust_decimal::Decimal,
    #[column(length = 20, default = "it's")]
    pub note: Option<String>,
    #[column(default = now)]
    pub at: jiff::Timestamp,
    #[column(default_sql = "1 + 1")]
    pub two: i64,
    #[column(default = -1)]
    pub minus: i32,
    #[column(default = true)]
    pub done: bool,
    #[column(default = "open")]
    pub state: State,
    #[column(default = 18446744073709551615)]
    pub most: u64,
    #[column(default = -0x80i8)]
    pub least: i8,
    #[column(default = 1.5f32)]
    pub half: f32,
    #[column(version)]
    pub version: i64,
}

/// A column in capitals is a column, too.
#[derive(Entity)]
#[allow(non_snake_case)]
pub struct Capitals {
    #[column(primary_key)]
    pub ID: i64,
    #[column(references = Capitals::ID)]
    pub other: i64,
}

pub(crate) fn main() {
    assert_eq!(Capitals::TABLE.foreign_keys[0].references, [0]);
    let table = OrderLine::TABLE;
    assert_eq!((table.schema, table.name, table.entity), (Some("sales"), "order_line", "OrderLine"));
    assert_eq!(table.primary_key, [0]);
    assert_eq!((table.generated(), table.version()), (Some(0), Some(15)));

    let ty = OrderLine::r#type.def();
    assert_eq!((ty.name, ty.field, ty.nullable), ("type", "type", false));
    assert!(ty.ty.keyed && !OrderLine::two.def().ty.keyed);
    assert!(OrderLine::note.def().nullable);
    // The column says what they are options of.
    let _ = update::<OrderLine>().set(OrderLine::note, None).set(OrderLine::note, Some("a".into()));
    assert_eq!(OrderLine::note.def().ty.length, Some(20));
    assert_eq!(OrderLine::price.def().ty.precision, Some((12, 2)));
    assert_eq!(OrderLine::state.def().ty.kind, State::KIND);
    let defaults: Vec<DefaultValue> = table.columns.iter().filter_map(|column| column.default).collect();
    assert_eq!(
        defaults,
        [
            DefaultValue::Integer(2000),
            DefaultValue::Float(1.5),
            DefaultValue::Text("it's"),
            DefaultValue::Now,
            DefaultValue::Sql("1 + 1"),
            DefaultValue::Integer(-1),
            DefaultValue::Bool(true),
            DefaultValue::Text("open"),
            DefaultValue::Integer(u64::MAX.into()),
            DefaultValue::Integer(-128),
            DefaultValue::Float(1.5),
        ]
    );

    let key = &table.foreign_keys[0];
    assert_eq!((key.columns, key.references), (&[4][..], &[0][..]));
    assert_eq!((key.table)(), table);
    assert_eq!((key.on_delete, key.on_update), (ReferentialAction::SetNull, ReferentialAction::Cascade));

    let uniques: Vec<_> = table.uniques.iter().map(|unique| (unique.name, unique.columns)).collect();
    assert_eq!(uniques, [(None, &[2, 3][..]), (Some("one_per_customer"), &[4, 2][..])]);
    let indexes: Vec<_> = table.indexes.iter().map(|i| (i.name, i.columns, i.unique)).collect();
    assert_eq!(
        indexes,
        [(None, &[1][..], false), (None, &[3][..], false), (Some("by_year"), &[3, 2][..], true)]
    );

    let create = Ddl::CreateTable(CreateTable { table, if_not_exists: false, without_keys: vec![] });
    let sql = create.compile(&Standard).unwrap().sql;
    assert!(sql.contains(r#"CONSTRAINT "one_per_customer" UNIQUE ("customer", "number")"#), "{sql}");
    assert!(sql.contains(r#"CONSTRAINT "has_year" CHECK ("year" > 1900)"#), "{sql}");
}
