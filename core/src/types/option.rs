//! `Option<T>`: a column that may be NULL.

use super::{Mismatch, Type};
use crate::{
    driver::Row,
    value::{Cell, Kind, Value},
};

impl<T: Type> Type for Option<T> {
    const KIND: Kind = T::KIND;
    // Evaluated where a column or the field of a row is described.
    const NULLABLE: bool = {
        assert!(
            !T::NULLABLE,
            "an Option of an Option has two empty values, and a column has one NULL: leave one Option out"
        );
        true
    };
    type Nullable = Self;
    type Base = T::Base;
    type With<U: Type> = U::Nullable;

    fn decode(cell: Cell<'_>) -> Result<Self, Mismatch> {
        match cell {
            Cell::Null => Ok(None),
            cell => T::decode(cell).map(Some),
        }
    }

    #[inline]
    fn take(row: &mut dyn Row, index: usize) -> Option<Self> {
        T::take(row, index).map(Some)
    }

    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null(T::KIND), T::to_value)
    }

    fn into_value(self) -> Value {
        self.map_or(Value::Null(T::KIND), T::into_value)
    }
}
