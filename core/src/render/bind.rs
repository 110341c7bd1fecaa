//! What the placeholders of a statement stand for.

use std::{borrow::Cow, fmt};

use crate::{
    clause::Values,
    value::{Kind, Value},
};

/// What a placeholder stands for. It is lent by the statement where it stands in it.
#[derive(Clone, PartialEq)]
pub enum Bind<'s> {
    /// A value.
    Value(Cow<'s, Value>),
    /// One column of the rows of an INSERT, as a list.
    Column(InputColumn<'s>),
}

impl<'s> Bind<'s> {
    /// The SQL type of the value.
    pub fn kind(&self) -> Kind {
        match self {
            Bind::Value(value) => value.kind(),
            Bind::Column(column) => column.kind().array().unwrap_or(column.kind()),
        }
    }

    /// The value. A column becomes a [`Value::Array`], with a copy of each of its values.
    #[inline]
    pub fn value(&self) -> Cow<'_, Value> {
        match self {
            Bind::Value(value) => Cow::Borrowed(&**value),
            Bind::Column(column) => Cow::Owned(column.to_array()),
        }
    }

    /// The same with nothing that is lent.
    pub fn into_owned(self) -> Bind<'static> {
        match self {
            Bind::Value(value) => Bind::Value(Cow::Owned(value.into_owned())),
            Bind::Column(column) => Bind::Value(Cow::Owned(column.to_array())),
        }
    }
}

impl From<Value> for Bind<'_> {
    fn from(value: Value) -> Self {
        Bind::Value(Cow::Owned(value))
    }
}

impl<'s> From<&'s Value> for Bind<'s> {
    fn from(value: &'s Value) -> Self {
        Bind::Value(Cow::Borrowed(value))
    }
}

impl fmt::Debug for Bind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bind::Value(value) => value.fmt(f),
            Bind::Column(column) => f.debug_list().entries(column.values()).finish(),
        }
    }
}

/// One column of the rows of an INSERT.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InputColumn<'s> {
    column: usize,
    rows: Values<'s>,
}

impl<'s> InputColumn<'s> {
    /// The column at a place of the table.
    pub fn new(rows: Values<'s>, column: usize) -> Self {
        InputColumn { column, rows }
    }

    /// The name of the column.
    pub fn name(&self) -> &'static str {
        self.rows.table.columns[self.column].name
    }

    /// The type of each value.
    pub fn kind(&self) -> Kind {
        self.rows.table.columns[self.column].ty.kind
    }

    /// The values, row by row. What is no value is NULL.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &'s Value> + Clone + use<'s> {
        static NULL: Value = Value::Null(Kind::Text);
        let column = self.column;
        self.rows.rows().map(move |row| row[column].value().unwrap_or(&NULL))
    }

    fn to_array(self) -> Value {
        Value::Array(self.kind(), self.values().cloned().collect())
    }
}
