//! `SELECT` (SQL:2016 Foundation 7.16).

use std::{borrow::Cow, fmt, sync::Arc};

use super::{
    ReadRow, SetOperation,
    placement::{Contents, check_rows},
};
use crate::{
    clause::{
        Clause, Conditions, CteDefinition, IntoGroup, IntoJoin, IntoOrder, IntoSource, Join, JoinKind, Limit,
        Lock, LockStrength, LockWait, OrderItem, SelectedOrder, Source, SourceRef, render_items,
    },
    dialect::Feature,
    expr::{AliasColumn, Condition, Expression, Infix, IntoExpr, Node, TableColumn},
    projection::{Item, NamedRow, Projection},
    render::{Compile, CompileError, Renderer, Scope, Statement},
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

/// SELECT … FROM … WHERE … GROUP BY … HAVING.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// Whether equal rows come once.
    pub distinct: bool,
    /// What comes back.
    pub items: Vec<Item>,
    /// What is read from, if said; otherwise the first table that the items name.
    pub from: Option<Source>,
    /// The joins.
    pub joins: Vec<Join>,
    /// WHERE: all of them hold.
    pub filter: Conditions,
    /// GROUP BY.
    pub group_by: Vec<Expression>,
    /// HAVING: all of them hold.
    pub having: Conditions,
    /// What was asked for and cannot be: said when it is compiled.
    pub(crate) invalid: Option<CompileError>,
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
    Select {
        body: SelectBody {
            core: Core::Query(query),
            order_by: Vec::new(),
            limit: Limit::default(),
            lock: None,
        },
        read: P::read,
    }
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
    #[must_use]
    pub fn join(self, relationship: impl IntoJoin) -> Self {
        self.joined_along(relationship, JoinKind::Inner)
    }

    /// `LEFT JOIN … ON …` along a relationship: rows without a match are kept. What is joined is then optional, and is read
    /// as an `Option`: `Post::title.optional()`, `Post::entity().optional()`.
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
        if let Err(error) = relationship.into_joins(kind, query.from.as_ref(), &mut query.joins) {
            query.invalid.get_or_insert(error);
        }
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

    fn joined(mut self, join: Join) -> Self {
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
    #[must_use]
    pub fn group_by(mut self, expression: impl IntoGroup) -> Self {
        expression.into_group(&mut self.query().group_by);
        self
    }

    /// `HAVING condition`: which groups stay. Called again, both conditions hold.
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

    /// Selects something else from the same rows.
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
    /// hold NULL where the item may be NULL, are errors when the statement is compiled.
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
                        query.invalid.get_or_insert(CompileError::invalid(why));
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
                    query.invalid.get_or_insert(CompileError::invalid(why));
                }
            }
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
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        self.body.render(out)
    }
}

impl Query {
    /// What is read from: what was said, or the first table that is named and not joined.
    pub fn source(&self) -> Option<SourceRef<'_>> {
        if let Some(source) = &self.from {
            return Some(source.as_ref());
        }
        let mut found = None;
        let mut look = |expression| first_source(expression, &self.joins, &mut found);
        self.items.iter().for_each(|item| look(&item.expression));
        self.filter.as_expression().into_iter().for_each(&mut look);
        self.group_by.iter().for_each(&mut look);
        found
    }

    fn render<'s>(&'s self, order_by: &'s [OrderItem], out: &mut Renderer<'s>) -> Compile {
        if let Some(error) = &self.invalid {
            return Err(error.clone());
        }
        // What is grouped or ordered by is looked for in what is selected.
        match self.distinct || !self.group_by.is_empty() {
            true => out.with_shared_binds(|out| self.render_clauses(order_by, out)),
            false => self.render_clauses(order_by, out),
        }
    }

    fn render_clauses<'s>(&'s self, order_by: &'s [OrderItem], out: &mut Renderer<'s>) -> Compile {
        let source = self.source();
        out.enter(self.scope(source)?);
        self.check_nullness(out)?;
        self.check_groups(order_by, out)?;
        out.sql(if self.distinct { "SELECT DISTINCT " } else { "SELECT " });
        render_items(&self.items, out)?;
        if let Some(source) = source {
            out.sql(" FROM ").clause(Clause::Source(source))?;
        }
        for (at, join) in self.joins.iter().enumerate() {
            out.change_scope(Some(Scope::of_join(source, &self.joins, at)));
            out.clause(Clause::Join(join))?;
        }
        self.filter.render(" WHERE ", out)?;
        if !self.group_by.is_empty() {
            out.sql(" GROUP BY ").list(&self.group_by, ", ", |out, expression| {
                match self.place_of(expression) {
                    Some(place) => out.number(place),
                    None => out.clause(Clause::GroupItem(expression))?,
                };
                Ok(())
            })?;
        }
        self.having.render(" HAVING ", out)?;
        if !order_by.is_empty() {
            let by_place = self.distinct || !self.group_by.is_empty();
            out.sql(" ORDER BY ").list(order_by, ", ", |out, item| {
                match self.place_of(&item.expression).filter(|_| by_place) {
                    Some(position) => {
                        // In an expression, a column that is read from has precedence.
                        let name = own_name(&self.items, position as usize - 1)
                            .filter(|name| !self.sources().any(|source| source.has_column(name)));
                        out.clause(Clause::SelectedOrder(SelectedOrder {
                            name,
                            position,
                            item,
                            of_set: false,
                        }))
                    }
                    None => out.clause(Clause::OrderItem(item)),
                }
                .map(drop)
            })?;
        }
        out.leave();
        Ok(())
    }

    /// The place, counted from 1, of the item that is this expression with a bind in it. Written twice, it would have two
    /// placeholders, and the database could not know that both are the same.
    fn place_of(&self, expression: &Expression) -> Option<u64> {
        if !holds_bind(expression) {
            return None;
        }
        let at = self.items.iter().position(|item| item.expression == *expression)?;
        Some(at as u64 + 1)
    }

    fn scope<'s>(&'s self, source: Option<SourceRef<'s>>) -> Compile<Scope<'s>> {
        if let (None, Some(join)) = (source, self.joins.first()) {
            return Err(CompileError::invalid(format!(
                "{} is joined to nothing: say with `.from(…)` what is read from; to join it to itself, give one of the two another name, {}",
                join.source.as_ref().name(),
                join.source.as_ref().how_to_alias()
            )));
        }
        for (at, join) in self.joins.iter().enumerate() {
            let joined = join.source.as_ref();
            let name = joined.name();
            if Scope::new(source, &self.joins[..at]).contains(name) {
                return Err(CompileError::invalid(format!(
                    "{name} is read from twice: give one of them another name, {}",
                    joined.how_to_alias()
                )));
            }
        }
        Ok(Scope::new(source, &self.joins))
    }

    /// NULL never arrives where the Rust type says it cannot.
    fn check_nullness(&self, out: &Renderer<'_>) -> Compile {
        let outer = self.joins.iter().any(|join| !matches!(join.kind, JoinKind::Inner | JoinKind::Cross));
        if !outer {
            return Ok(());
        }
        match self.items.iter().find(|item| !item.nullable && item.expression.may_be_null(out)) {
            None => Ok(()),
            Some(item) => {
                let what = match &item.expression {
                    Expression::Column(c) => format!("{}.{}", c.table.name, c.column.name),
                    Expression::AliasColumn(c) => format!("{}.{}", c.alias, c.column),
                    _ => item.name().unwrap_or("an expression").to_owned(),
                };
                Err(CompileError::invalid(format!(
                    "{what} is on the side of an outer join that may have no row: read it as an `Option`, with `.optional()` on the column or the entity"
                )))
            }
        }
    }

    /// In a grouped query, what is not aggregated must be the same for the whole group.
    fn check_groups(&self, order_by: &[OrderItem], out: &mut Renderer<'_>) -> Compile {
        check_rows(self.filter.as_expression(), "a filter")?;
        check_rows(self.joins.iter().filter_map(|join| join.on.as_ref()), "the condition of a join")?;
        check_rows(&self.group_by, "GROUP BY")?;
        let mut in_having = false;
        if let Some(having) = self.having.as_expression() {
            let contents = Contents::of(having).check_nesting()?;
            in_having = contents.aggregate;
            if contents.window {
                return Err(CompileError::invalid(
                    "a window function cannot be in HAVING: select it in a subquery, and filter that",
                ));
            }
        }
        let (mut selected, mut selected_plainly) = (false, false);
        for item in &self.items {
            let contents = Contents::of(&item.expression).check_nesting()?;
            selected |= contents.aggregate;
            selected_plainly |= contents.plain_aggregate;
        }
        let mut grouped = !self.group_by.is_empty() || in_having || selected;
        for item in order_by {
            grouped |= Contents::of(&item.expression).check_nesting()?.aggregate;
        }
        if !grouped {
            // The standard takes all rows for one group then; SQLite does not.
            return match self.having.as_expression() {
                None => Ok(()),
                Some(_) => {
                    Err(CompileError::invalid("HAVING without GROUP BY or an aggregate: a filter is meant"))
                }
            };
        }
        if self.group_by.is_empty() {
            if !selected && !in_having {
                return Err(CompileError::invalid(
                    "an aggregate in ORDER BY only, without GROUP BY: there is one row, which needs no order",
                ));
            }
            if !selected_plainly && self.having.as_expression().is_some() {
                out.require(Feature::HavingAlone)?;
            }
        }
        let parts = self.items.iter().map(|item| &item.expression).chain(self.having.as_expression());
        for expression in parts.chain(order_by.iter().map(|item| &item.expression)) {
            if let Some(column) = self.ungrouped(expression) {
                return Err(CompileError::invalid(format!(
                    "{column} is neither aggregated nor in GROUP BY, so it has no one value for a group: add `.group_by(…)` for it or its table's primary key"
                )));
            }
        }
        Ok(())
    }

    /// The first column in the expression that has no one value for a group.
    fn ungrouped(&self, expression: &Expression) -> Option<String> {
        if self.group_by.contains(expression) {
            return None;
        }
        match expression {
            Expression::Aggregate(_) | Expression::Bind(_) => None,
            // It is over the groups, and its function is no aggregate of one: what that is of has one value for each.
            Expression::Window(window) => {
                let mut operands = Vec::new();
                window.function.for_each_child(&mut |operand| operands.push(operand));
                if let Some(definition) = &window.definition {
                    operands.extend(&definition.partition_by);
                    operands.extend(definition.order_by.iter().map(|item| &item.expression));
                }
                operands.into_iter().find_map(|operand| self.ungrouped(operand))
            }
            Expression::Column(c) => {
                let keyed = !c.table.primary_key.is_empty()
                    && c.table.primary_key.iter().all(|key| {
                        self.group_by.iter().any(
                            |g| matches!(g, Expression::Column(g) if std::ptr::eq(g.column, &c.table.columns[*key])),
                        )
                    });
                // A column of the statement around this one is the same for every row.
                let own = self.reads_table(c.table);
                (own && !keyed).then(|| format!("{}.{}", c.table.name, c.column.name))
            }
            Expression::AliasColumn(c) => {
                let keyed = c.table.is_some_and(|table| {
                    table.primary_key.iter().all(|key| {
                        self.group_by.iter().any(|g| {
                            matches!(g, Expression::AliasColumn(g)
                                if g.alias == c.alias && g.column == table.columns[*key].name)
                        })
                    })
                });
                let own = self.sources().any(|source| source.name() == c.alias);
                (own && !keyed).then(|| format!("{}.{}", c.alias, c.column))
            }
            other => {
                let mut found = None;
                other.for_each_child(&mut |child| {
                    if found.is_none() {
                        found = self.ungrouped(child);
                    }
                });
                found
            }
        }
    }

    fn reads_table(&self, table: &'static Table) -> bool {
        self.sources().any(|source| source.is_table(table))
    }

    pub(crate) fn sources(&self) -> impl Iterator<Item = SourceRef<'_>> {
        self.source().into_iter().chain(self.joins.iter().map(|join| join.source.as_ref()))
    }
}

fn first_source<'s>(expression: &'s Expression, joins: &[Join], found: &mut Option<SourceRef<'s>>) {
    if found.is_some() {
        return;
    }
    let candidate = match expression {
        Expression::Column(column) => SourceRef::Table(column.table),
        Expression::AliasColumn(column) => match column.table {
            Some(table) => SourceRef::Alias(table, &column.alias),
            None => return,
        },
        other => {
            other.for_each_child(&mut |child| first_source(child, joins, found));
            return;
        }
    };
    if !joins.iter().any(|join| join.source.as_ref().name() == candidate.name()) {
        *found = Some(candidate);
    }
}

/// The name of an item, if no other has it. Some databases take names for the same in either case.
pub(super) fn own_name(items: &[Item], at: usize) -> Option<&str> {
    let name = items.get(at)?.name()?;
    let lower = name.to_lowercase();
    let same = items.iter().filter_map(Item::name).filter(|other| other.to_lowercase() == lower);
    (same.count() == 1).then_some(name)
}

/// Whether there may be a bind in it, be it in a subquery.
fn holds_bind(expression: &Expression) -> bool {
    match expression {
        Expression::Bind(_) | Expression::In(_) | Expression::Exists(_) | Expression::Subquery(_) => true,
        other => {
            let mut found = false;
            other.for_each_child(&mut |child| found |= holds_bind(child));
            found
        }
    }
}

impl SelectBody {
    /// `SELECT * FROM (body)`, with each column by name, in the same order.
    pub(crate) fn over(mut body: SelectBody) -> SelectBody {
        let inside = body.leftmost().items.clone();
        let columns = body.name_columns();
        let name = Cow::Borrowed("rows");
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
        let from = Some(Source::Subquery(Arc::new(crate::clause::Derived { name, select: body, columns })));
        SelectBody {
            core: Core::Query(Query { items, from, ..Query::default() }),
            order_by,
            limit: Limit::default(),
            lock: None,
        }
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
                        if !ctes.iter().any(|known| known.is(cte)) =>
                    {
                        if let Some(select) = &cte.select {
                            collect_ctes(select, ctes);
                            ctes.push(cte);
                        }
                    }
                    _ => {}
                }
            }
        }
    }
}

impl Statement for SelectBody {
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
            out.clause(Clause::Limit(&self.limit))?;
        }
        if let Some(lock) = &self.lock {
            out.clause(Clause::Lock(lock))?;
        }
        out.close_ctes(outer);
        Ok(())
    }
}
