//! `INSERT INTO … SELECT …` (SQL:2016 Foundation 14.11): the rows come from the database.

use std::borrow::Cow;

use super::{Core, Insert, Query, Select, SelectBody};
use crate::{
    entity::Entity,
    expr::{Assignable, Column, Expression, Raw},
    projection::Item,
    render::{Compile, CompileError, Renderer, Statement},
    schema::Table,
    types::Type,
    value::Value,
};

/// `INSERT INTO table (columns) SELECT …`: as many rows as the SELECT has, which never leave the database.
///
/// What is selected goes into the columns in their order. The others get their defaults, and the version of a row begins with 1. What is
/// inserted can be returned where the database has RETURNING: MySQL has none, and MariaDB none that leaves out what `do_nothing` does; there
/// it is an error of class [`Compile`](crate::ErrorClass::Compile).
///
/// ```
/// use relata_core::{dialect::Standard, expr::{val, Operators}, render::Statement, statement::{insert_select, select}};
/// # use relata_core::{entity::*, expr::Column, projection::RowReader, schema::*, types::Mismatch, value::*, Result};
/// # const fn column(name: &'static str, ty: Kind) -> ColumnDef { ColumnDef::new(name, name, ColumnType::new(ty), false) }
/// # const FIELDS: &[ColumnDef] = &[column("id", Kind::I64), column("title", Kind::Text), column("author_id", Kind::I64)];
/// # static TABLE: Table = Table::new("Post", "posts", FIELDS, &[0]);
/// # struct Post;
/// # impl Post { const title: Column<Self, String> = Column::new(1); const author_id: Column<Self, i64> = Column::new(2); }
/// # impl Entity for Post {
/// #     const TABLE: &'static Table = &TABLE; type Key = i64; type New = Self;
/// #     fn read(_: &mut RowReader<'_>) -> Result<Self> { unreachable!() } fn key(&self) -> i64 { unreachable!() }
/// #     fn key_values(_: &i64) -> Vec<Value> { unreachable!() } fn value(&self, _: usize) -> Value { unreachable!() }
/// #     fn assign(&mut self, _: usize, _: Cell<'_>) -> Result<(), Mismatch> { unreachable!() }
/// # }
/// # impl Insertable for Post {
/// #     type Entity = Self; fn into_inputs(self, _: &mut [Input]) {} fn inputs(&self, _: &mut [Input]) {}
/// # }
///
/// let copies = select((Post::title, val(8_i64))).filter(Post::author_id.eq(7));
/// assert_eq!(
///     insert_select((Post::title, Post::author_id), copies).compile(&Standard)?.sql,
///     r#"INSERT INTO "posts" ("title", "author_id") SELECT "posts"."title", ? FROM "posts" WHERE "posts"."author_id" = ?"#,
/// );
/// # Ok::<(), relata_core::Error>(())
/// ```
pub fn insert_select<C: InsertColumns<R>, R>(columns: C, rows: Select<R>) -> Insert {
    let table = C::Entity::TABLE;
    let mut rows = SelectedRows { columns: columns.places(), select: rows.into_body() };
    let twice = rows.columns.iter().enumerate().find(|(at, column)| rows.columns[..*at].contains(column));
    let invalid = twice.map(|(_, column)| {
        let name = table.columns[*column].name;
        CompileError::invalid(format!(
            "{name} of {} is inserted into twice: name each column once",
            table.name
        ))
    });
    rows.begin_version(table);
    Insert::from_select(table, rows, invalid)
}

/// Columns that rows of type `R` can be inserted into: one, or a tuple of columns of one entity.
#[diagnostic::on_unimplemented(
    message = "rows of type `{R}` cannot be inserted into the columns `{Self}`",
    note = "select as many expressions as there are columns of one entity, each of its column's type",
    note = "a nullable column takes what is never NULL; `coalesce` makes that of what may be"
)]
pub trait InsertColumns<R> {
    /// The entity whose columns they are.
    type Entity: Entity;

    /// The places of the columns.
    fn places(&self) -> Vec<usize>;
}

#[diagnostic::do_not_recommend]
impl<E: Entity, T: Type + Assignable<R>, R: Type> InsertColumns<R> for Column<E, T> {
    type Entity = E;

    fn places(&self) -> Vec<usize> {
        vec![self.index()]
    }
}

macro_rules! insert_columns {
    ($($($name:ident $row:ident $at:tt)+;)*) => {
        $(#[diagnostic::do_not_recommend]
        impl<EN: Entity, $($name: Type + Assignable<$row>, $row: Type),+> InsertColumns<($($row,)+)> for ($(Column<EN, $name>,)+) {
            type Entity = EN;

            fn places(&self) -> Vec<usize> {
                vec![$(self.$at.index()),+]
            }
        })*
    };
}

insert_columns! {
    A RA 0;
    A RA 0 B RB 1;
    A RA 0 B RB 1 C RC 2;
    A RA 0 B RB 1 C RC 2 D RD 3;
    A RA 0 B RB 1 C RC 2 D RD 3 E RE 4;
    A RA 0 B RB 1 C RC 2 D RD 3 E RE 4 F RF 5;
    A RA 0 B RB 1 C RC 2 D RD 3 E RE 4 F RF 5 G RG 6;
    A RA 0 B RB 1 C RC 2 D RD 3 E RE 4 F RF 5 G RG 6 H RH 7;
    A RA 0 B RB 1 C RC 2 D RD 3 E RE 4 F RF 5 G RG 6 H RH 7 I RI 8;
    A RA 0 B RB 1 C RC 2 D RD 3 E RE 4 F RF 5 G RG 6 H RH 7 I RI 8 J RJ 9;
    A RA 0 B RB 1 C RC 2 D RD 3 E RE 4 F RF 5 G RG 6 H RH 7 I RI 8 J RJ 9 K RK 10;
    A RA 0 B RB 1 C RC 2 D RD 3 E RE 4 F RF 5 G RG 6 H RH 7 I RI 8 J RJ 9 K RK 10 L RL 11;
    A RA 0 B RB 1 C RC 2 D RD 3 E RE 4 F RF 5 G RG 6 H RH 7 I RI 8 J RJ 9 K RK 10 L RL 11 M RM 12;
    A RA 0 B RB 1 C RC 2 D RD 3 E RE 4 F RF 5 G RG 6 H RH 7 I RI 8 J RJ 9 K RK 10 L RL 11 M RM 12 N RN 13;
    A RA 0 B RB 1 C RC 2 D RD 3 E RE 4 F RF 5 G RG 6 H RH 7 I RI 8 J RJ 9 K RK 10 L RL 11 M RM 12 N RN 13 O RO 14;
    A RA 0 B RB 1 C RC 2 D RD 3 E RE 4 F RF 5 G RG 6 H RH 7 I RI 8 J RJ 9 K RK 10 L RL 11 M RM 12 N RN 13 O RO 14 P RP 15;
}

/// The rows of a SELECT, and the columns that they go into.
#[derive(Debug, Clone, PartialEq)]
pub struct SelectedRows {
    /// The places of the columns, in the order in which they are selected.
    pub columns: Vec<usize>,
    /// What gives the rows.
    pub select: SelectBody,
}

impl SelectedRows {
    /// A row begins with its first version, unless it says otherwise.
    fn begin_version(&mut self, table: &'static Table) {
        if let Some(version) = table.version()
            && table.columns[version].default.is_none()
            && !self.columns.contains(&version)
        {
            self.columns.push(version);
            self.change(table, |query| query.items.push(Item::new(Expression::Bind(Value::I32(1)), false)));
        }
    }

    /// Makes that ON CONFLICT can stand behind it: SQLite takes its ON for that of a join where no condition stands between ("UPSERT",
    /// 2.2), and none of the tables that are read is to be taken for the one that is written.
    pub(super) fn close(&mut self, table: &'static Table) {
        let always = Raw { sql: Cow::Borrowed("TRUE"), arguments: Vec::new() };
        self.change(table, |query| query.filter.push(Expression::Raw(Box::new(always))));
    }

    /// Changes a query around the SELECT.
    fn change(&mut self, table: &'static Table, change: impl FnOnce(&mut Query)) {
        let nothing = SelectBody::of(Core::Query(Query::default()));
        let name = if table.name.eq_ignore_ascii_case("rows") { "selected" } else { "rows" };
        self.select = SelectBody::over_as(std::mem::replace(&mut self.select, nothing), name);
        if let Core::Query(query) = &mut self.select.core {
            change(query);
        }
    }

    pub(super) fn render<'s>(&'s self, table: &'static Table, out: &mut Renderer<'s>) -> Compile {
        out.sql(" (");
        out.list(&self.columns, ", ", |out, column| out.identifier(table.columns[*column].name).map(drop))?;
        out.sql(") ");
        self.select.render(out)
    }
}
