//! Rust types as SQL types: one file per type, both directions.

mod boolean;
mod bytes;
#[cfg(feature = "chrono")]
mod chrono;
pub mod civil;
#[cfg(feature = "decimal")]
mod decimal;
#[cfg(feature = "json")]
mod finite;
mod float;
mod integer;
#[cfg(feature = "jiff")]
mod jiff;
#[cfg(feature = "json")]
mod json;
mod option;
#[cfg(any(feature = "chrono", feature = "jiff"))]
mod temporal;
mod text;
#[cfg(feature = "uuid")]
mod uuid;

#[cfg(feature = "json")]
pub use json::Json;
#[cfg(feature = "json")]
pub(crate) use json::compact as compact_json;

use crate::{
    driver::Row,
    error::{Error, ErrorClass},
    value::{Cell, Kind, Value},
};

/// A Rust type that a column can hold.
///
/// `#[derive(Type)]` writes it for a newtype, `#[derive(Enum)]` for an enum.
///
/// ```
/// use relata_core::types::Type;
/// use relata_core::value::{Cell, Kind, Value};
///
/// assert_eq!(i32::KIND, Kind::I32);
/// assert_eq!("x".to_string().into_value(), Value::Text("x".into()));
/// assert_eq!(<Option<i32>>::decode(Cell::Null)?, None);
/// # Ok::<(), relata_core::types::Mismatch>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored in a column",
    note = "columns hold numbers, text, dates, …: see the types page of the guide; dates, decimals, UUIDs and JSON need a feature of `relata`: `chrono`, `jiff`, `decimal`, `uuid`, `json`",
    note = "they own their values, which are as wide everywhere: `String`, not `&str`; `i64`, not `usize`",
    note = "`#[derive(Type)]` makes a newtype of one of them, `#[derive(Enum)]` stores an enum; other entities are no columns: `#[entity(has_many(posts: Post))]`"
)]
pub trait Type: Sized + Send + Sync + 'static {
    /// The SQL type.
    const KIND: Kind;

    /// Whether NULL is among the values.
    const NULLABLE: bool = false;

    /// This type, with NULL among its values.
    type Nullable: Type;

    /// This type without NULL: what an `Option` holds.
    type Base: Type;

    /// `U`, nullable if this type is: what becomes of `U` in an expression that is NULL when an operand is.
    type With<U: Type>: Type;

    /// Reads a cell.
    ///
    /// # Errors
    ///
    /// If the cell holds something else, or a value that does not fit.
    fn decode(cell: Cell<'_>) -> Result<Self, Mismatch>;

    /// Takes the value out of a row, where the driver has it as it is wanted and can give it away. Else `None`, and the row is
    /// as it was: the cell is [decoded](Type::decode) then.
    #[inline]
    fn take(row: &mut dyn Row, index: usize) -> Option<Self> {
        let _ = (row, index);
        None
    }

    /// The value to bind.
    fn to_value(&self) -> Value;

    /// The value to bind, without a copy where one can be avoided.
    fn into_value(self) -> Value {
        self.to_value()
    }
}

/// A cell that does not fit the Rust type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Mismatch(String);

impl Mismatch {
    /// The cell holds another type.
    pub fn wrong(expected: &str, cell: &Cell<'_>) -> Self {
        Mismatch(match cell {
            Cell::Null => format!("expected {expected}, found NULL; read it as an Option"),
            other => format!("expected {expected}, found {}", other.describe()),
        })
    }

    /// The cell holds a value that the Rust type cannot, in words: without the value, which may be nobody's to see.
    pub fn out_of_range(why: impl Into<String>) -> Self {
        Mismatch(why.into())
    }

    /// As an error, saying which column.
    pub fn at(self, name: &str, index: usize) -> Error {
        Error::new(ErrorClass::Decode, format!("column {index} ({name}): {self}"))
    }
}

/// Writes what is the same in every type that is not an `Option`.
macro_rules! plain_type {
    () => {
        type Nullable = Option<Self>;
        type Base = Self;
        type With<U: $crate::types::Type> = U;
    };
}
pub(crate) use plain_type;
