//! One query of a SELECT: SELECT … FROM … WHERE … GROUP BY … HAVING, with the ORDER BY that belongs to it.

use crate::{
    clause::{Clause, Conditions, Join, JoinKind, OrderItem, SelectedOrder, Source, SourceRef, render_items},
    expr::{Expression, Node},
    projection::Item,
    render::{CacheKey, Compile, CompileError, Renderer, Scope},
};

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
    /// What is said or looked for when it is compiled.
    pub(crate) check: Option<Box<Check>>,
}

/// What a query is checked for besides what it holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Check {
    /// Something was asked for that cannot be.
    Refused(CompileError),
    /// A relationship compares it with this of the statement around it, which it must not read itself.
    Around(Source),
}

impl Query {
    /// It cannot be, which is said when it is compiled. Of several reasons the first.
    pub(super) fn refuse(&mut self, error: CompileError) {
        if !matches!(self.check.as_deref(), Some(Check::Refused(_))) {
            self.check = Some(Box::new(Check::Refused(error)));
        }
    }

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

    pub(super) fn for_each_expression<'s>(&'s self, visit: &mut dyn FnMut(&'s Expression)) {
        self.items.iter().for_each(|item| visit(&item.expression));
        for source in self.from.iter().chain(self.joins.iter().map(|join| &join.source)) {
            if let Source::Subquery(derived) = source {
                derived.select.for_each_expression(visit);
            }
        }
        self.joins.iter().filter_map(|join| join.on.as_ref()).for_each(&mut *visit);
        self.filter.as_expression().into_iter().for_each(&mut *visit);
        self.group_by.iter().for_each(&mut *visit);
        self.having.as_expression().into_iter().for_each(visit);
    }

    /// Whether what is grouped or ordered by is looked for in what is selected, where it is the same only with the same values.
    pub(super) fn compares_values(&self) -> bool {
        self.distinct || !self.group_by.is_empty()
    }

    pub(super) fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        let Query { distinct, items, from, joins, filter, group_by, having, check } = self;
        key.part(distinct).list(items, Item::cache_key);
        key.list(from, Source::cache_key).list(joins, Join::cache_key);
        filter.cache_key(key);
        having.cache_key(key.expressions(group_by));
        match check.as_deref() {
            None => drop(key.part(&false)),
            Some(Check::Around(source)) => source.cache_key(key.part(&true)),
            Some(Check::Refused(_)) => key.refuse(),
        }
    }

    pub(super) fn render<'s>(&'s self, order_by: &'s [OrderItem], out: &mut Renderer<'s>) -> Compile {
        if let Some(Check::Refused(error)) = self.check.as_deref() {
            return Err(error.clone());
        }
        match self.compares_values() {
            true => out.with_shared_binds(|out| self.render_clauses(order_by, out)),
            false => self.render_clauses(order_by, out),
        }
    }

    fn render_clauses<'s>(&'s self, order_by: &'s [OrderItem], out: &mut Renderer<'s>) -> Compile {
        let source = self.source();
        let scope = self.scope(source)?;
        out.enter(scope);
        self.check_nullness(out)?;
        let of_groups = scope.of_groups(self.check_groups(order_by, out)?);
        out.change_scope(Some(of_groups.of_items(true)));
        out.sql(if self.distinct { "SELECT DISTINCT " } else { "SELECT " });
        render_items(&self.items, out)?;
        out.change_scope(Some(scope));
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
                match holds_bind(expression).then(|| self.place_of(expression)).flatten() {
                    Some(place) => out.number(place),
                    None => out.clause(Clause::GroupItem(expression))?,
                };
                Ok(())
            })?;
        }
        out.change_scope(Some(of_groups.of_having()));
        self.having.render(" HAVING ", out)?;
        out.change_scope(Some(of_groups));
        if !order_by.is_empty() {
            out.sql(" ORDER BY ").list(order_by, ", ", |out, item| self.render_order(item, out))?;
        }
        out.leave();
        Ok(())
    }

    fn render_order<'s>(&'s self, item: &'s OrderItem, out: &mut Renderer<'s>) -> Compile {
        let expression = &item.expression;
        let is_of_selected = self.distinct || !self.group_by.is_empty();
        // MySQL tests for NULL first, and does not know what is computed twice.
        let is_once = holds_bind(expression) || item.nulls.is_some() && is_computed(expression);
        let Some(position) = (is_of_selected && is_once).then(|| self.place_of(expression)).flatten() else {
            return out.clause(Clause::OrderItem(item)).map(drop);
        };
        // In an expression, a column that is read from has precedence.
        let name = own_name(&self.items, position as usize - 1)
            .filter(|name| !self.sources().any(|source| source.has_column(name)));
        out.clause(Clause::SelectedOrder(SelectedOrder { name, position, item, of_set: false })).map(drop)
    }

    /// The place, counted from 1, of the item that is this expression.
    fn place_of(&self, expression: &Expression) -> Option<u64> {
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
        if let Some(Check::Around(around)) = self.check.as_deref()
            && let around = around.as_ref()
            && self.sources().any(|own| own == around)
        {
            return Err(CompileError::invalid(format!(
                "{} is read in the subquery, too, which a relationship compares with that of the statement around it: give one of them another name, {}",
                around.name(),
                around.how_to_alias()
            )));
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

    pub(crate) fn sources(&self) -> impl Iterator<Item = SourceRef<'_>> {
        self.source().into_iter().chain(self.joins.iter().map(|join| join.source.as_ref()))
    }
}

fn first_source<'s>(expression: &'s Expression, joins: &[Join], found: &mut Option<SourceRef<'s>>) {
    if found.is_some() {
        return;
    }
    let Some(candidate) = SourceRef::of_column(expression) else {
        expression.for_each_child(&mut |child| first_source(child, joins, found));
        return;
    };
    if !joins.iter().any(|join| join.source.as_ref() == candidate) {
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

fn is_computed(expression: &Expression) -> bool {
    !matches!(expression, Expression::Column(_) | Expression::AliasColumn(_))
}

/// Whether there may be a bind in it, be it in a subquery. Written twice, such an expression would have two placeholders, and the
/// database could not know that both are the same.
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
