//! A table that is described by hand.

use relata_core::{
    Result,
    entity::{Entity, Input, Insertable},
    expr::Column,
    projection::RowReader,
    schema::{
        Check, ColumnDef, ColumnType, DefaultValue, ForeignKey, Index, ReferentialAction, Table, Unique,
    },
    types::{Mismatch, Type},
    value::{Cell, EnumType, Kind, Value},
};

pub static SIZE: EnumType =
    EnumType { name: "size", variants: &["small", "large"], native: false, as_kind: &Kind::Enum(&SIZE) };

#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub id: i64,
    pub name: String,
    pub note: Option<String>,
    pub amount: i32,
    pub parent_id: Option<i64>,
}

pub static ITEMS: Table = Table::new(
    "Item",
    "items",
    &[
        ColumnDef::new("id", "id", ColumnType::new(Kind::I64), false).generated(),
        ColumnDef::new("name", "na`me", ColumnType::new(Kind::Text), false).keyed(),
        ColumnDef::new("note", "note", ColumnType::new(Kind::Text), true)
            .default_value(DefaultValue::Text("it's \\ new")),
        ColumnDef::new("amount", "a:mount", ColumnType::new(Kind::I32), false)
            .default_value(DefaultValue::Integer(-1)),
        ColumnDef::new("parent_id", "parent_id", ColumnType::new(Kind::I64), true),
        ColumnDef::new("size", "size", ColumnType::new(Kind::Enum(&SIZE)), true),
        ColumnDef::new("created", "created", ColumnType::new(Kind::TimestampTz), false)
            .default_value(DefaultValue::Now),
        ColumnDef::new("day", "day", ColumnType::new(Kind::Date), false).default_value(DefaultValue::Now),
        ColumnDef::new("time", "time", ColumnType::new(Kind::Time), false).default_value(DefaultValue::Now),
        ColumnDef::new("flag", "flag", ColumnType::new(Kind::Bool), false)
            .default_value(DefaultValue::Bool(true)),
    ],
    &[0],
)
.uniques(&[Unique { name: None, columns: &[1] }])
.checks(&[Check { name: Some("amount_check"), condition: "`a:mount` < 1000" }])
.indexes(&[Index { name: None, columns: &[3, 4], unique: false }])
.foreign_keys(&[ForeignKey {
    name: None,
    columns: &[4],
    table: || &ITEMS,
    references: &[0],
    on_delete: ReferentialAction::NoAction,
    on_update: ReferentialAction::NoAction,
}]);

#[allow(non_upper_case_globals)]
impl Item {
    pub const id: Column<Item, i64> = Column::new(0);
    pub const name: Column<Item, String> = Column::new(1);
    pub const note: Column<Item, Option<String>> = Column::new(2);
    pub const amount: Column<Item, i32> = Column::new(3);
    pub const parent_id: Column<Item, Option<i64>> = Column::new(4);
    pub const flag: Column<Item, bool> = Column::new(9);
}

impl Entity for Item {
    const TABLE: &'static Table = &ITEMS;
    type Key = i64;
    type New = NewItem;

    fn read(row: &mut RowReader<'_>) -> Result<Self> {
        let item = Item {
            id: row.read()?,
            name: row.read()?,
            note: row.read()?,
            amount: row.read()?,
            parent_id: row.read()?,
        };
        row.skip(5);
        Ok(item)
    }

    fn key(&self) -> i64 {
        self.id
    }

    fn key_values(key: &i64) -> Vec<Value> {
        vec![key.to_value()]
    }

    fn value(&self, column: usize) -> Value {
        match column {
            0 => self.id.to_value(),
            1 => self.name.to_value(),
            2 => self.note.to_value(),
            3 => self.amount.to_value(),
            _ => self.parent_id.to_value(),
        }
    }

    fn assign(&mut self, column: usize, cell: Cell<'_>) -> std::result::Result<(), Mismatch> {
        match column {
            0 => self.id = Type::decode(cell)?,
            1 => self.name = Type::decode(cell)?,
            2 => self.note = Type::decode(cell)?,
            3 => self.amount = Type::decode(cell)?,
            _ => self.parent_id = Type::decode(cell)?,
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Default)]
pub struct NewItem {
    pub name: Option<String>,
    pub note: Option<String>,
    pub amount: Option<i32>,
    pub parent_id: Option<i64>,
}

/// A row with a name and an amount.
pub fn item(name: &str, amount: i32) -> NewItem {
    NewItem { name: Some(name.into()), amount: Some(amount), ..NewItem::default() }
}

impl Insertable for NewItem {
    type Entity = Item;

    fn into_inputs(self, row: &mut [Input]) {
        self.inputs(row);
    }

    fn inputs(&self, row: &mut [Input]) {
        fn put<T: Type>(place: &mut Input, value: &Option<T>) {
            if let Some(value) = value {
                *place = Input::Value(value.to_value());
            }
        }
        put(&mut row[1], &self.name);
        put(&mut row[2], &self.note);
        put(&mut row[3], &self.amount);
        put(&mut row[4], &self.parent_id);
    }
}
