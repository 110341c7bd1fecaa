//! What a statement gives back: the items of a row, and how a row becomes a Rust value.

use std::{borrow::Cow, marker::PhantomData};

use crate::{
    driver::Row,
    entity::Entity,
    error::{Error, ErrorClass, Result},
    expr::{Alias, AliasColumn, Column, Expr, Expression, TableColumn},
    render::CacheKey,
    types::{Mismatch, Type},
    value::Cell,
};

/// What can be selected or returned: a column, an expression, an entity, a tuple of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be selected",
    note = "columns, expressions, entities (`User::entity()`) and tuples of up to 16 of them can"
)]
pub trait Projection {
    /// What a row becomes.
    type Row: Send + 'static;

    /// Appends its items.
    fn items(self, items: &mut Vec<Item>);

    /// Reads its items from a row, in the same order.
    ///
    /// # Errors
    ///
    /// If a cell does not fit.
    fn read(row: &mut RowReader<'_>) -> Result<Self::Row>;
}

/// One column of what a statement gives back.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// What it is.
    pub expression: Expression,
    /// The name that the statement gives it.
    pub label: Option<Cow<'static, str>>,
    /// Whether the Rust type can hold NULL.
    pub nullable: bool,
}

impl Item {
    /// An item without a label.
    pub fn new(expression: Expression, nullable: bool) -> Self {
        Item { expression, label: None, nullable }
    }

    pub(crate) fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        let Item { expression, label, nullable } = self;
        key.part(label).part(nullable).expression(expression);
    }

    /// The name it has in the result: its label, or that of the column it is.
    pub fn name(&self) -> Option<&str> {
        match (&self.label, &self.expression) {
            (Some(label), _) => Some(label),
            (None, Expression::Column(column)) => Some(column.column.name),
            (None, Expression::AliasColumn(column)) => Some(&column.column),
            _ => None,
        }
    }
}

/// Reads a row from left to right.
pub struct RowReader<'r> {
    row: &'r mut dyn Row,
    at: usize,
}

impl<'r> RowReader<'r> {
    /// A reader that stands before the first cell.
    pub fn new(row: &'r mut dyn Row) -> Self {
        RowReader { row, at: 0 }
    }

    /// The row itself.
    pub(crate) fn row(&mut self) -> &mut dyn Row {
        self.row
    }

    /// Reads the next cell.
    ///
    /// # Errors
    ///
    /// If there is none, or it does not fit.
    #[inline]
    pub fn read<T: Type>(&mut self) -> Result<T> {
        self.read_with(T::take, T::decode)
    }

    /// Reads the next cell by functions: [`Type::take`] and [`Type::decode`] of a type.
    ///
    /// # Errors
    ///
    /// If there is none, or it does not fit.
    // Always, for a value that is returned from here comes through memory, which takes a twentieth of the time of a row.
    #[inline(always)]
    pub fn read_with<T>(
        &mut self,
        take: impl FnOnce(&mut dyn Row, usize) -> Option<T>,
        decode: impl FnOnce(Cell<'_>) -> Result<T, Mismatch>,
    ) -> Result<T> {
        let at = self.at;
        self.at += 1;
        if let Some(value) = take(self.row, at) {
            return Ok(value);
        }
        let cell = self.row.cell(at)?;
        decode(cell).map_err(|mismatch| misfit(self.row, at, mismatch))
    }

    /// Nothing more is to be read.
    ///
    /// # Errors
    ///
    /// If there is more.
    pub fn end(&self) -> Result<()> {
        match self.row.width() {
            width if width > self.at => Err(Error::new(
                ErrorClass::Decode,
                format!("the row has {}, and what reads it takes {}", columns(width), self.at),
            )),
            _ => Ok(()),
        }
    }

    /// The cell at an offset from where the reader stands, without moving.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn peek(&self, offset: usize) -> Result<Cell<'_>> {
        self.row.cell(self.at + offset)
    }

    /// Moves on over cells.
    pub fn skip(&mut self, cells: usize) {
        self.at += cells;
    }
}

#[cold]
fn misfit(row: &dyn Row, at: usize, mismatch: Mismatch) -> Error {
    mismatch.at(row.name(at), at)
}

impl std::fmt::Debug for RowReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RowReader(at {} of {})", self.at, self.row.width())
    }
}

impl<T: Type> Projection for Expr<T> {
    type Row = T;

    fn items(self, items: &mut Vec<Item>) {
        items.push(Item::new(self.into_node(), T::NULLABLE));
    }

    fn read(row: &mut RowReader<'_>) -> Result<T> {
        row.read()
    }
}

impl<T: Type> Projection for &Expr<T> {
    type Row = T;

    fn items(self, items: &mut Vec<Item>) {
        self.clone().items(items);
    }

    fn read(row: &mut RowReader<'_>) -> Result<T> {
        row.read()
    }
}

impl<E: Entity, T: Type> Projection for Column<E, T> {
    type Row = T;

    fn items(self, items: &mut Vec<Item>) {
        items.push(Item::new(self.node(), T::NULLABLE));
    }

    fn read(row: &mut RowReader<'_>) -> Result<T> {
        row.read()
    }
}

/// An expression with a name in the row: `expression AS name`.
#[derive(Debug, Clone)]
pub struct Labelled<T> {
    expr: Expr<T>,
    label: Cow<'static, str>,
}

impl<T: Type> Labelled<T> {
    pub(crate) fn new(expr: Expr<T>, label: Cow<'static, str>) -> Self {
        Labelled { expr, label }
    }
}

impl<T: Type> Projection for Labelled<T> {
    type Row = T;

    fn items(self, items: &mut Vec<Item>) {
        items.push(Item { label: Some(self.label), ..Item::new(self.expr.into_node(), T::NULLABLE) });
    }

    fn read(row: &mut RowReader<'_>) -> Result<T> {
        row.read()
    }
}

/// All columns of an entity, as part of a row. [`Entity::entity`] makes it.
#[derive(Debug, Clone)]
pub struct EntityProjection<E> {
    pub(crate) alias: Option<Cow<'static, str>>,
    entity: PhantomData<fn() -> E>,
}

impl<E: Entity> EntityProjection<E> {
    pub(crate) fn new(alias: Option<Cow<'static, str>>) -> Self {
        EntityProjection { alias, entity: PhantomData }
    }

    /// The entity as an `Option`: `None` where an outer join found no row.
    pub fn optional(self) -> OptionalEntity<E> {
        OptionalEntity(self)
    }

    fn push(self, items: &mut Vec<Item>, optional: bool) {
        items.reserve(E::TABLE.columns.len());
        for column in E::TABLE.columns {
            let expression = match &self.alias {
                None => Expression::Column(TableColumn { table: E::TABLE, column }),
                Some(alias) => Expression::AliasColumn(Box::new(AliasColumn {
                    alias: alias.clone(),
                    column: Cow::Borrowed(column.name),
                    table: Some(E::TABLE),
                    kind: Some(column.ty.kind),
                })),
            };
            items.push(Item::new(expression, optional || column.nullable));
        }
    }
}

impl<E: Entity> Alias<E> {
    /// All columns of the alias, as part of a row.
    pub fn entity(&self) -> EntityProjection<E> {
        EntityProjection::new(Some(self.name().clone()))
    }
}

impl<E: Entity> Projection for EntityProjection<E> {
    type Row = E;

    fn items(self, items: &mut Vec<Item>) {
        self.push(items, false);
    }

    fn read(row: &mut RowReader<'_>) -> Result<E> {
        E::read(row)
    }
}

/// All columns of an entity that may be missing. [`EntityProjection::optional`] makes it.
#[derive(Debug, Clone)]
pub struct OptionalEntity<E>(EntityProjection<E>);

impl<E: Entity> Projection for OptionalEntity<E> {
    type Row = Option<E>;

    fn items(self, items: &mut Vec<Item>) {
        self.0.push(items, true);
    }

    fn read(row: &mut RowReader<'_>) -> Result<Option<E>> {
        // A row that exists has a key, and no part of a key is NULL.
        let missing = match E::TABLE.primary_key.first() {
            Some(key) => row.peek(*key)? == Cell::Null,
            None => (0..E::TABLE.columns.len())
                .try_fold(true, |all, i| Ok::<_, Error>(all && row.peek(i)? == Cell::Null))?,
        };
        if missing {
            row.skip(E::TABLE.columns.len());
            Ok(None)
        } else {
            E::read(row).map(Some)
        }
    }
}

macro_rules! tuples {
    ($($($name:ident)+;)*) => {
        $(impl<$($name: Projection),+> Projection for ($($name,)+) {
            type Row = ($($name::Row,)+);

            #[allow(non_snake_case)]
            fn items(self, items: &mut Vec<Item>) {
                let ($($name,)+) = self;
                $($name.items(items);)+
            }

            fn read(row: &mut RowReader<'_>) -> Result<Self::Row> {
                Ok(($($name::read(row)?,)+))
            }
        })*
    };
}

tuples! {
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
    A B C D E F G;
    A B C D E F G H;
    A B C D E F G H I;
    A B C D E F G H I J;
    A B C D E F G H I J K;
    A B C D E F G H I J K L;
    A B C D E F G H I J K L M;
    A B C D E F G H I J K L M N;
    A B C D E F G H I J K L M N O;
    A B C D E F G H I J K L M N O P;
}

/// A struct whose fields are read by name: what `#[derive(Row)]` implements.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a row",
    note = "`#[derive(Row)]` reads a struct by the names of its fields",
    note = "a select gives tuples and entities by itself: leave `.rows()` out"
)]
pub trait NamedRow: Sized + Send + 'static {
    /// The names of the fields, and whether each can hold NULL.
    const FIELDS: &'static [(&'static str, bool)];

    /// Reads the fields, in the order of [`FIELDS`](NamedRow::FIELDS).
    ///
    /// # Errors
    ///
    /// If a cell does not fit.
    fn read(row: &mut RowReader<'_>) -> Result<Self>;
}

/// Says that a row has no cell at a place: for drivers.
pub fn no_such_cell(index: usize, width: usize) -> Error {
    let why = format!("the row has {}, and none at {index}: the first is at 0", columns(width));
    Error::new(ErrorClass::Decode, why)
}

fn columns(count: usize) -> String {
    if count == 1 { "1 column".to_owned() } else { format!("{count} columns") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts, which can be taken; `None` is NULL, and what was taken as well.
    struct Texts(Vec<Option<String>>);

    impl Row for Texts {
        fn width(&self) -> usize {
            self.0.len()
        }

        fn cell(&self, index: usize) -> Result<Cell<'_>> {
            let text = self.0.get(index).ok_or_else(|| no_such_cell(index, self.0.len()))?;
            Ok(text.as_deref().map_or(Cell::Null, Cell::Text))
        }

        fn take_text(&mut self, index: usize) -> Option<String> {
            self.0.get_mut(index)?.take()
        }

        fn name(&self, _: usize) -> &str {
            "text"
        }
    }

    #[test]
    fn a_text_is_taken_and_no_null() {
        let mut row = Texts(vec![Some("a".into()), Some("b".into()), None, None]);
        let mut reader = RowReader::new(&mut row);
        assert_eq!(reader.read::<String>().unwrap(), "a");
        assert_eq!(reader.read::<Option<String>>().unwrap().as_deref(), Some("b"));
        assert_eq!(reader.read::<Option<String>>().unwrap(), None);
        assert_eq!(reader.read::<String>().unwrap_err().class(), ErrorClass::Decode);
        assert_eq!(row.0, [const { None }; 4]);
    }

    #[test]
    fn an_integer_comes_the_short_way_only_if_it_fits() {
        struct Number(i64);

        impl Row for Number {
            fn width(&self) -> usize {
                1
            }

            fn cell(&self, _: usize) -> Result<Cell<'_>> {
                Ok(Cell::Bool(true))
            }

            fn integer(&self, _: usize) -> Option<i64> {
                Some(self.0)
            }

            fn name(&self, _: usize) -> &str {
                "number"
            }
        }

        fn read<T: Type>(number: i64) -> Result<T> {
            RowReader::new(&mut Number(number)).read()
        }
        assert_eq!(read::<i64>(i64::MIN).unwrap(), i64::MIN);
        assert_eq!(read::<Option<u8>>(255).unwrap(), Some(255));
        // What else it is, the cell has to say.
        for error in [read::<u8>(256).unwrap_err(), read::<Option<u64>>(-1).unwrap_err()] {
            assert_eq!(error.to_string(), "column 0 (number): expected an integer, found a boolean");
        }
    }

    #[test]
    fn a_row_of_another_width_is_refused() {
        let mut row = Texts(vec![Some("a".into())]);
        let mut reader = RowReader::new(&mut row);
        assert_eq!(reader.end().unwrap_err().to_string(), "the row has 1 column, and what reads it takes 0");
        reader.read::<String>().unwrap();
        reader.end().unwrap();
        let error = reader.read::<String>().unwrap_err();
        assert_eq!(error.to_string(), "the row has 1 column, and none at 1: the first is at 0");
    }
}
