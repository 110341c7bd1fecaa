//! `SELECT` (SQL:2016 Foundation 7.16).

use std::{borrow::Cow, fmt, sync::Arc};

use super::{Query, ReadRow, SetOperation, query::Check};
use crate::{
    clause::{
        Clause, CteDefinition, Derived, IntoGroup, IntoJoin, IntoOrder, IntoSource, Join, JoinKind, Limit,
        Lock, LockStrength, LockWait, OrderItem, Source, SourceRef,
    },
    expr::{AliasColumn, Condition, Expression, Infix, IntoExpr, TableColumn},
    projection::{Item, NamedRow, Projection},
    render::{CacheKey, Compile, CompileError, Renderer, Statement},
    schema::Table,
    value::Value,
};

/// A SELECT whose rows become an `R`.
pub struct Select<R> {
    body: SelectBody,
    read: ReadRow<R>,
}

/// A SELECT without the type of its rows.
#[derive(Debug, Clone, PartialEq)]
pub struct SelectBody {
    /// What is read: one query, or several joined by set operators.
    pub core: Core,
    /// ORDER BY.
    pub order_by: Vec<OrderItem>,
    /// LIMIT and OFFSET.
    pub limit: Limit,
    /// FOR UPDATE and its kin.
    pub lock: Option<Lock>,
}

/// What a SELECT reads.
#[derive(Debug, Clone, PartialEq)]
pub enum Core {
    /// One query.
    Query(Query),
    /// Two, joined by UNION, INTERSECT or EXCEPT.
    Set(Box<SetOperation>),
}

/// Begins a SELECT: of a column, an expression, an entity, or a tuple of them.
///
/// The first table that is named and not joined is read from; [`from`](Select::from) says it explicitly.
///
/// ```
/// use relata_core::{dialect::Standard, expr::{val, Operators}, render::Statement, statement::select};
///
/// let statement = select((val(1), val("x".to_string()).label("word")));
/// assert_eq!(statement.compile(&Standard)?.sql, r#"SELECT ?, ? AS "word""#);
/// # Ok::<(), relata_core::Error>(())
/// ```
pub fn select<P: Projection>(projection: P) -> Select<P::Row> {
    let mut items = Vec::new();
    projection.items(&mut items);
    let query = Query { items, ..Query::default() };
    Select { body: SelectBody::of(Core::Query(query)), read: P::read }
}

impl<R> Select<R> {
    /// The tree.
    pub fn body(&self) -> &SelectBody {
        &self.body
    }

    /// The tree, taken out.
    pub fn into_body(self) -> SelectBody {
        self.body
    }

    /// How a row becomes an `R`.
    pub fn reader(&self) -> ReadRow<R> {
        self.read
    }

    /// A SELECT of a tree, promised to give rows that `read` can read.
    pub fn from_parts(body: SelectBody, read: ReadRow<R>) -> Self {
        Select { body, read }
    }

    fn query(&mut self) -> &mut Query {
        // A set operation is read as a subquery when more is asked of it: `SELECT … FROM (a UNION b)`.
        if matches!(self.body.core, Core::Set(_)) {
            self.body = SelectBody::over(self.body.clone());
        }
        self.body.leftmost_mut()
    }

    /// `SELECT DISTINCT`: equal rows come once.
    #[must_use]
    pub fn distinct(mut self) -> Self {
        self.query().distinct = true;
        self
    }

    /// `FROM source`.
    #[must_use]
    pub fn from(mut self, source: impl IntoSource) -> Self {
        self.query().from = Some(source.into_source());
        self
    }

    /// `JOIN … ON …` along a relationship: rows without a match are left out.
    ///
    /// ```
    /// use relata_core::{dialect::Standard, render::Statement, statement::{Select, select}};
    /// # use relata_core::{entity::*, expr::Column, projection::RowReader, schema::*, types::Mismatch, value::*, Result};
    /// # use relata_core::relationship::{HasMany, Link};
    /// # macro_rules! entity { ($entity:ident, $table:literal, $($column:literal: $kind:ident),*) => {
    /// #     struct $entity;
    /// #     impl Entity for $entity {
    /// #         const TABLE: &'static Table = {
    /// #             const COLUMNS: &[ColumnDef] = &[$(ColumnDef::new($column, $column, ColumnType::new(Kind::$kind), false)),*];
    /// #             static TABLE: Table = Table::new(stringify!($entity), $table, COLUMNS, &[0]); &TABLE
    /// #         };
    /// #         type Key = i64; type New = Self;
    /// #         fn read(_: &mut RowReader<'_>) -> Result<Self> { unreachable!() } fn key(&self) -> i64 { unreachable!() }
    /// #         fn key_values(_: &i64) -> Vec<Value> { unreachable!() } fn value(&self, _: usize) -> Value { unreachable!() }
    /// #         fn assign(&mut self, _: usize, _: Cell<'_>) -> Result<(), Mismatch> { unreachable!() }
    /// #     }
    /// #     impl Insertable for $entity {
    /// #         type Entity = Self; fn into_inputs(self, _: &mut [Input]) {} fn inputs(&self, _: &mut [Input]) {}
    /// #     }
    /// # } }
    /// # entity!(User, "users", "id": I64, "email": Text);
    /// # entity!(Post, "posts", "author_id": I64, "title": Text);
    /// # static AUTHOR: Link = Link { columns: &[0], target: User::TABLE, references: &[0] };
    /// # impl User { const email: Column<User, String> = Column::new(1); }
    /// # impl User { const posts: HasMany<User, Post> = HasMany::new("posts", &AUTHOR); }
    /// # impl Post { const title: Column<Post, String> = Column::new(1); }
    ///
    /// let statement: Select<(String, String)> = select((User::email, Post::title)).join(User::posts);
    /// assert_eq!(
    ///     statement.compile(&Standard)?.sql,
    ///     r#"SELECT "users"."email", "posts"."title" FROM "users" JOIN "posts" ON "posts"."author_id" = "users"."id""#,
    /// );
    /// // With a left join also users without a post, who have no title.
    /// let statement: Select<(String, Option<String>)> = select((User::email, Post::title.optional())).left_join(User::posts);
    /// assert!(statement.compile(&Standard)?.sql.ends_with(r#"LEFT JOIN "posts" ON "posts"."author_id" = "users"."id""#));
    /// # Ok::<(), relata_core::Error>(())
    /// ```
    #[must_use]
    pub fn join(self, relationship: impl IntoJoin) -> Self {
        self.joined_along(relationship, JoinKind::Inner)
    }

    /// `LEFT JOIN … ON …` along a relationship: rows without a match are kept. What is joined is then optional, and is read
    /// as an `Option`: `Post::title.optional()`, `Post::entity().optional()`. [`join`](Select::join) has an example.
    #[must_use]
    pub fn left_join(self, relationship: impl IntoJoin) -> Self {
        self.joined_along(relationship, JoinKind::Left)
    }

    /// `RIGHT JOIN … ON …` along a relationship: rows of what is joined are kept; what stands before is then optional.
    #[must_use]
    pub fn right_join(self, relationship: impl IntoJoin) -> Self {
        self.joined_along(relationship, JoinKind::Right)
    }

    /// `FULL JOIN … ON …` along a relationship: all rows are kept, both sides are optional.
    #[must_use]
    pub fn full_join(self, relationship: impl IntoJoin) -> Self {
        self.joined_along(relationship, JoinKind::Full)
    }

    /// `JOIN source ON condition`.
    #[must_use]
    pub fn join_on(self, source: impl IntoSource, condition: impl IntoExpr<Sql: Condition>) -> Self {
        self.joined_on(JoinKind::Inner, source, condition)
    }

    /// `LEFT JOIN source ON condition`.
    #[must_use]
    pub fn left_join_on(self, source: impl IntoSource, condition: impl IntoExpr<Sql: Condition>) -> Self {
        self.joined_on(JoinKind::Left, source, condition)
    }

    /// `RIGHT JOIN source ON condition`.
    #[must_use]
    pub fn right_join_on(self, source: impl IntoSource, condition: impl IntoExpr<Sql: Condition>) -> Self {
        self.joined_on(JoinKind::Right, source, condition)
    }

    /// `FULL JOIN source ON condition`.
    #[must_use]
    pub fn full_join_on(self, source: impl IntoSource, condition: impl IntoExpr<Sql: Condition>) -> Self {
        self.joined_on(JoinKind::Full, source, condition)
    }

    /// `CROSS JOIN source`: each row with each.
    #[must_use]
    pub fn cross_join(self, source: impl IntoSource) -> Self {
        self.joined(Join { kind: JoinKind::Cross, source: source.into_source(), on: None })
    }

    fn joined_along(mut self, relationship: impl IntoJoin, kind: JoinKind) -> Self {
        let query = self.query();
        match relationship.into_joins(kind, query.from.as_ref(), &mut query.joins) {
            Ok(()) => self,
            Err(error) => self.refused(error),
        }
    }

    /// One that a condition compares with this of the statement around it, which it must not read itself.
    pub(crate) fn around(mut self, source: Source, condition: Option<Expression>) -> Self {
        let query = self.query();
        query.filter.extend(condition);
        query.check = Some(Box::new(Check::Around(source)));
        self
    }

    /// One that cannot be, which is said when it is compiled.
    pub(crate) fn refused(mut self, error: CompileError) -> Self {
        self.query().refuse(error);
        self
    }

    fn joined_on(
        self,
        kind: JoinKind,
        source: impl IntoSource,
        condition: impl IntoExpr<Sql: Condition>,
    ) -> Self {
        let on = Some(condition.into_expr().into_node());
        self.joined(Join { kind, source: source.into_source(), on })
    }

    pub(crate) fn joined(mut self, join: Join) -> Self {
        self.query().joins.push(join);
        self
    }

    /// `WHERE condition`. Called again, both conditions hold.
    #[must_use]
    pub fn filter(mut self, condition: impl IntoExpr<Sql: Condition>) -> Self {
        self.query().filter.push(condition.into_expr().into_node());
        self
    }

    /// The row whose primary key has these values.
    pub(crate) fn filter_key(mut self, table: &'static Table, values: Vec<Value>) -> Self {
        let filter = &mut self.query().filter;
        for (value, column) in values.into_iter().zip(table.primary_key) {
            let column = Expression::Column(TableColumn::at(table, *column));
            filter.push(Infix::equals(column, Expression::Bind(value)));
        }
        self
    }

    /// `GROUP BY expression`, or several in a tuple: `.group_by((Flight::origin, Flight::dest))`. May be called again.
    ///
    /// An expression with a value in it that is selected as well is written by its place, for the database could not know that
    /// both placeholders get the same value.
    ///
    /// ```
    /// use relata_core::{dialect::Standard, expr::{count_all, val, Operators}, render::Statement, statement::select};
    ///
    /// let remainder = val(17).modulo(5);
    /// let statement = select((&remainder, count_all())).group_by(&remainder);
    /// assert_eq!(statement.compile(&Standard)?.sql, "SELECT ? % ?, COUNT(*) GROUP BY 1");
    /// # Ok::<(), relata_core::Error>(())
    /// ```
    #[must_use]
    pub fn group_by(mut self, expression: impl IntoGroup) -> Self {
        expression.into_group(&mut self.query().group_by);
        self
    }

    /// `HAVING condition`: which groups stay. Called again, both conditions hold.
    ///
    /// ```
    /// use relata_core::{dialect::Standard, expr::{count_all, max, val, Operators}, render::Statement, statement::select};
    ///
    /// let statement = select(count_all()).having(count_all().gt(1)).having(max(val(5)).lt(9));
    /// assert_eq!(statement.compile(&Standard)?.sql, "SELECT COUNT(*) HAVING COUNT(*) > ? AND MAX(?) < ?");
    /// # Ok::<(), relata_core::Error>(())
    /// ```
    #[must_use]
    pub fn having(mut self, condition: impl IntoExpr<Sql: Condition>) -> Self {
        self.query().having.push(condition.into_expr().into_node());
        self
    }

    /// `ORDER BY expression`, smallest first unless `.desc()`, or several in a tuple:
    /// `.order_by((Post::title, Post::id.desc()))`. May be called again.
    #[must_use]
    pub fn order_by(mut self, order: impl IntoOrder) -> Self {
        order.into_order(&mut self.body.order_by);
        self
    }

    /// `LIMIT rows`: at most so many rows.
    #[must_use]
    pub fn limit(mut self, rows: u64) -> Self {
        self.body.limit.limit = Some(rows);
        self
    }

    /// `OFFSET rows`: without the first so many rows.
    #[must_use]
    pub fn offset(mut self, rows: u64) -> Self {
        self.body.limit.offset = Some(rows);
        self
    }

    /// `FOR UPDATE`: the rows are locked until the transaction ends.
    ///
    /// ```
    /// use relata_core::{dialect::Standard, expr::val, render::Statement, statement::select};
    ///
    /// let next_job = select(val(1)).limit(1).for_update().skip_locked();
    /// assert_eq!(next_job.compile(&Standard)?.sql, "SELECT ? LIMIT 1 FOR UPDATE SKIP LOCKED");
    /// # Ok::<(), relata_core::Error>(())
    /// ```
    #[must_use]
    pub fn for_update(mut self) -> Self {
        self.body.lock = Some(Lock { strength: LockStrength::Update, wait: LockWait::Wait });
        self
    }

    /// `FOR SHARE`: the rows are kept from being changed until the transaction ends.
    #[must_use]
    pub fn for_share(mut self) -> Self {
        self.body.lock = Some(Lock { strength: LockStrength::Share, wait: LockWait::Wait });
        self
    }

    /// `SKIP LOCKED`: rows that somebody else has locked are left out. Implies `FOR UPDATE`.
    #[must_use]
    pub fn skip_locked(self) -> Self {
        self.wait(LockWait::SkipLocked)
    }

    /// `NOWAIT`: fails if somebody else has locked a row. Implies `FOR UPDATE`.
    #[must_use]
    pub fn no_wait(self) -> Self {
        self.wait(LockWait::NoWait)
    }

    fn wait(mut self, wait: LockWait) -> Self {
        let strength = self.body.lock.map_or(LockStrength::Update, |lock| lock.strength);
        self.body.lock = Some(Lock { strength, wait });
        self
    }

    /// Selects something else from the same rows; DISTINCT, the order and the limit stay as they are.
    pub fn project<P: Projection>(mut self, projection: P) -> Select<P::Row> {
        let mut items = Vec::new();
        projection.items(&mut items);
        let query = self.query();
        if query.from.is_none() {
            query.from = query.source().map(SourceRef::to_source);
        }
        query.items = items;
        Select { body: self.body, read: P::read }
    }

    /// Reads rows into a struct by the names of its fields: `#[derive(Row)]`.
    ///
    /// Each field takes the item with its name, be it a label or a column's. A field without an item, and one that cannot
    /// hold NULL where the item may be NULL, are errors when the statement is compiled. An item that no field takes is left out,
    /// which is an error with DISTINCT, as that compares all items.
    pub fn rows<T: NamedRow>(mut self) -> Select<T> {
        let query = self.query();
        let mut rest: Vec<Item> = std::mem::take(&mut query.items);
        for (name, nullable) in T::FIELDS {
            match rest.iter().position(|item| item.name() == Some(name)) {
                Some(at) => {
                    let mut item = rest.remove(at);
                    if item.nullable && !nullable {
                        let why =
                            format!("field {name} cannot hold NULL, but the column it reads may be NULL");
                        query.refuse(CompileError::invalid(why));
                    }
                    item.nullable |= nullable;
                    query.items.push(item);
                }
                None => {
                    let names: Vec<_> = rest.iter().filter_map(Item::name).collect();
                    let why = format!(
                        "no item is named {name}, as a field is; there are {}: label one, or rename the field",
                        if names.is_empty() { "none with a name".to_owned() } else { names.join(", ") }
                    );
                    query.refuse(CompileError::invalid(why));
                }
            }
        }
        if query.distinct && !rest.is_empty() {
            let why = "DISTINCT compares all items, and some are read by no field: leave them out, or give each a field";
            query.refuse(CompileError::invalid(why));
        }
        Select { body: self.body, read: T::read }
    }
}

impl<R> Clone for Select<R> {
    fn clone(&self) -> Self {
        Select { body: self.body.clone(), read: self.read }
    }
}

impl<R> fmt::Debug for Select<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.body.fmt(f)
    }
}

impl<R> Statement for Select<R> {
    fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        self.body.cache_key(key);
    }

    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        self.body.render(out)
    }
}

impl SelectBody {
    /// With nothing around it.
    pub(crate) fn of(core: Core) -> SelectBody {
        SelectBody { core, order_by: Vec::new(), limit: Limit::default(), lock: None }
    }

    /// `SELECT * FROM (body)`, with each column by name, in the same order.
    pub(crate) fn over(body: SelectBody) -> SelectBody {
        SelectBody::over_as(body, "rows")
    }

    /// The same, of rows that are called something else.
    pub(crate) fn over_as(mut body: SelectBody, name: &'static str) -> SelectBody {
        let inside = body.leftmost().items.clone();
        let columns = body.name_columns();
        let name = Cow::Borrowed(name);
        let column = |at: usize| {
            let column = columns[at].clone();
            Expression::AliasColumn(Box::new(AliasColumn {
                alias: name.clone(),
                column,
                table: None,
                kind: None,
            }))
        };
        let items =
            inside.iter().enumerate().map(|(at, item)| Item::new(column(at), item.nullable)).collect();
        let order_by = body.order_by.iter().filter_map(|order| {
            let at = inside.iter().position(|item| item.expression == order.expression)?;
            Some(OrderItem { expression: column(at), ..order.clone() })
        });
        let order_by = order_by.collect();
        let from = Some(Source::Subquery(Arc::new(Derived { name, select: body, columns })));
        SelectBody { order_by, ..SelectBody::of(Core::Query(Query { items, from, ..Query::default() })) }
    }

    /// Visits each expression in it, without what these are made of, also those of set operations and of the subqueries that it reads
    /// from. CTEs are left out: what is around them cannot be named there.
    pub fn for_each_expression<'s>(&'s self, visit: &mut dyn FnMut(&'s Expression)) {
        match &self.core {
            Core::Query(query) => query.for_each_expression(visit),
            Core::Set(set) => {
                set.left.for_each_expression(visit);
                set.right.for_each_expression(visit);
            }
        }
        self.order_by.iter().for_each(|item| visit(&item.expression));
    }

    /// The query whose columns name those of the whole.
    pub fn leftmost(&self) -> &Query {
        match &self.core {
            Core::Query(query) => query,
            Core::Set(set) => set.left.leftmost(),
        }
    }

    fn leftmost_mut(&mut self) -> &mut Query {
        match &mut self.core {
            Core::Query(query) => query,
            Core::Set(set) => set.left.leftmost_mut(),
        }
    }

    /// Gives each column a name of its own, and says which.
    pub(crate) fn name_columns(&mut self) -> Vec<Cow<'static, str>> {
        let items = &mut self.leftmost_mut().items;
        let mut names: Vec<Cow<'static, str>> = Vec::with_capacity(items.len());
        for (at, item) in items.iter_mut().enumerate() {
            let name: Cow<'static, str> = match (&item.label, &item.expression) {
                (Some(label), _) => label.clone(),
                (None, Expression::Column(column)) => Cow::Borrowed(column.column.name),
                (None, Expression::AliasColumn(column)) => column.column.clone(),
                _ => Cow::Owned(format!("column_{}", at + 1)),
            };
            let mut unique = name.clone();
            let mut number = 2;
            // Some databases take them for the same in either case.
            while names.iter().any(|known| known.to_lowercase() == unique.to_lowercase()) {
                unique = Cow::Owned(format!("{name}_{number}"));
                number += 1;
            }
            if item.name() != Some(&unique) {
                item.label = Some(unique.clone());
            }
            names.push(unique);
        }
        names
    }

    /// As an operand of a set operator that is more than [a plain query](SelectBody::is_plain_query): in parentheses.
    pub(crate) fn render_operand<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        out.sql("(");
        self.render(out)?;
        out.sql(")");
        Ok(())
    }

    /// Whether it needs nothing around it as an operand of a set operator.
    pub(crate) fn is_plain_query(&self) -> bool {
        matches!(self.core, Core::Query(_))
            && self.order_by.is_empty()
            && self.limit == Limit::default()
            && self.lock.is_none()
            && self.ctes().is_empty()
    }

    fn ctes(&self) -> Vec<&CteDefinition> {
        let mut ctes = Vec::new();
        collect_ctes(self, &mut ctes);
        ctes
    }
}

/// The CTEs that a statement reads from, each after those that it reads from itself.
fn collect_ctes<'s>(body: &'s SelectBody, ctes: &mut Vec<&'s CteDefinition>) {
    match &body.core {
        Core::Set(set) => {
            collect_ctes(&set.left, ctes);
            collect_ctes(&set.right, ctes);
        }
        Core::Query(query) => {
            for source in query.from.iter().chain(query.joins.iter().map(|join| &join.source)) {
                match source {
                    Source::Subquery(derived) => collect_ctes(&derived.select, ctes),
                    Source::Cte(cte) | Source::CteAlias(cte, _)
                        if !cte.inside && !ctes.iter().any(|known| known.is(cte)) =>
                    {
                        collect_ctes(&cte.select, ctes);
                        ctes.push(cte);
                    }
                    _ => {}
                }
            }
        }
    }
}

impl Statement for SelectBody {
    fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        let SelectBody { core, order_by, limit, lock } = self;
        let Core::Query(query) = core else { return key.refuse() };
        let before = key.values();
        query.cache_key(key.part(&b'S'));
        key.list(order_by, OrderItem::cache_key).part(limit).part(lock);
        if query.compares_values() && key.values() > before {
            key.refuse();
        }
    }

    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        let outer = out.open_ctes(self.ctes())?;
        match &self.core {
            Core::Query(query) => query.render(&self.order_by, out)?,
            Core::Set(set) => {
                set.render(out)?;
                set.render_order(&self.order_by, out)?;
            }
        }
        if self.limit != Limit::default() {
            if self.order_by.is_empty() {
                out.clause(Clause::Unordered {
                    limit: &self.limit,
                    of_set: matches!(self.core, Core::Set(_)),
                })?;
            }
            out.clause(Clause::Limit(&self.limit))?;
        }
        if let Some(lock) = &self.lock {
            out.clause(Clause::Lock(lock))?;
        }
        out.close_ctes(outer);
        Ok(())
    }
}
