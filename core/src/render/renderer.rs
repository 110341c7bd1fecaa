//! The writer of SQL text.

use super::{
    bind::Bind,
    cache_key::CacheKey,
    error::{Compile, CompileError},
    identifier::Identifiers,
    number::write_number,
    precedence::Precedence,
    scope::Scope,
};
use crate::{
    clause::{Clause, CteDefinition, SourceRef},
    dialect::{Dialect, Feature},
    expr::{Expression, Node},
    schema::{ColumnDef, Table},
    value::{Kind, Value},
};

/// Something that can be compiled to one SQL text with binds.
pub trait Statement {
    /// Writes the statement.
    ///
    /// # Errors
    ///
    /// If the dialect lacks what it needs, or a column is not in scope.
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile;

    /// Says what tells its text, for those that are alike to be [written once](super::Compiler). By default nothing does.
    fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        key.refuse();
    }

    /// Compiles the statement for a dialect.
    ///
    /// # Errors
    ///
    /// If the dialect lacks what it needs, a column is not in scope, or there are more binds than the database takes.
    fn compile<'s>(&'s self, dialect: &'s dyn Dialect) -> Compile<Compiled<'s>> {
        let mut out = Renderer::new(dialect);
        self.render(&mut out)?;
        let (binds, most) = (out.binds.len(), dialect.max_binds());
        if binds > most {
            let database = dialect.name();
            return Err(CompileError::invalid(format!(
                "the statement has {binds} binds, and {database} takes {most}: ask in parts"
            )));
        }
        Ok(out.finish())
    }
}

/// A compiled statement: text, and the binds that its placeholders name, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Compiled<'s> {
    /// The SQL text.
    pub sql: String,
    /// The binds.
    pub binds: Vec<Bind<'s>>,
}

/// Writes SQL text: what every construct and dialect renders with.
#[derive(Debug)]
pub struct Renderer<'s> {
    dialect: &'s dyn Dialect,
    identifiers: Identifiers,
    sql: String,
    binds: Vec<Bind<'s>>,
    /// The innermost level. Most statements have no other.
    scope: Option<Scope<'s>>,
    /// The levels around it, outermost first.
    outer: Vec<Scope<'s>>,
    /// The CTEs that can be read from here.
    ctes: Vec<&'s CteDefinition>,
    /// The levels of which columns were named, a bit each, the outermost first.
    named: u64,
    /// From which bind on one may stand for another that is equal.
    shared_from: Option<usize>,
    /// In what an upsert sets, the table of the row that could not be inserted, and how many levels of scope are around.
    excluded: Option<(&'static Table, usize)>,
}

/// A place in what is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    text: usize,
    bind: usize,
}

/// A bit for a level of scope; the same for all that are deeper than anybody nests.
fn level_bit(level: usize) -> u64 {
    1 << level.min(63)
}

impl<'s> Renderer<'s> {
    /// A renderer for a dialect.
    pub fn new(dialect: &'s dyn Dialect) -> Self {
        Renderer {
            dialect,
            identifiers: Identifiers::of(dialect),
            sql: String::with_capacity(512),
            binds: Vec::with_capacity(8),
            scope: None,
            outer: Vec::new(),
            ctes: Vec::new(),
            named: 0,
            shared_from: None,
            excluded: None,
        }
    }

    /// The text and binds written so far.
    pub fn finish(self) -> Compiled<'s> {
        Compiled { sql: self.sql, binds: self.binds }
    }

    /// The dialect that is written.
    pub fn dialect(&self) -> &'s dyn Dialect {
        self.dialect
    }

    /// Writes SQL text as it is. Never pass anything that comes from outside.
    pub fn sql(&mut self, text: &str) -> &mut Self {
        self.sql.push_str(text);
        self
    }

    /// Writes a number, such as that of LIMIT: digits cannot carry SQL.
    pub fn number(&mut self, number: u64) -> &mut Self {
        write_number(&mut self.sql, number);
        self
    }

    /// Writes an identifier, quoted.
    ///
    /// # Errors
    ///
    /// If the database cannot hold such a name.
    pub fn identifier(&mut self, name: &str) -> Compile<&mut Self> {
        self.identifiers.write(&mut self.sql, name)?;
        Ok(self)
    }

    /// Writes the name of a table, with its schema if it has one.
    ///
    /// # Errors
    ///
    /// If the database cannot hold such a name.
    pub fn table(&mut self, table: &Table) -> Compile<&mut Self> {
        if let Some(schema) = table.schema {
            self.require(Feature::Schemas)?;
            self.identifier(schema)?.sql(".");
        }
        self.identifier(table.name)
    }

    /// Writes the name of a table that is read from.
    ///
    /// # Errors
    ///
    /// If the database cannot hold such a name, or a CTE has it, which would be read instead.
    pub(crate) fn source_table(&mut self, table: &Table) -> Compile<&mut Self> {
        if table.schema.is_none()
            && self.ctes.iter().any(|cte| cte.name.to_lowercase() == table.name.to_lowercase())
        {
            return Err(CompileError::invalid(format!(
                "{} is read as a table where a CTE has that name: rename the CTE",
                table.name
            )));
        }
        self.table(table)
    }

    /// Writes a literal text through the dialect's one function for it. Only where a bind is not allowed, as in DDL.
    pub fn literal(&mut self, text: &str) -> &mut Self {
        self.dialect.write_literal(&mut self.sql, text);
        self
    }

    /// Writes a placeholder and keeps what it stands for: a value that is lent (`&value`) or was made while rendering.
    pub fn bind(&mut self, value: impl Into<Bind<'s>>) -> &mut Self {
        self.push_bind(value.into())
    }

    fn push_bind(&mut self, bind: Bind<'s>) -> &mut Self {
        let kind = bind.kind();
        let place = self.shared_place(&bind, kind).unwrap_or_else(|| {
            self.binds.push(bind);
            self.binds.len()
        });
        self.dialect.write_placeholder(&mut self.sql, place, kind);
        self
    }

    /// Where it writes, for [`repeat`](Renderer::repeat).
    pub(crate) fn mark(&self) -> Mark {
        Mark { text: self.sql.len(), bind: self.binds.len() }
    }

    /// Writes what was written from a mark on so many times more, with other values of the same types in the places of its binds.
    /// Only where placeholders are not numbered.
    pub(crate) fn repeat(&mut self, start: Mark, times: usize, values: impl Iterator<Item = &'s Value>) {
        let more = self.sql[start.text..].repeat(times);
        self.sql.push_str(&more);
        self.binds.reserve((self.binds.len() - start.bind) * times);
        // Not `extend`, which asks for one after another: those of nested iterators are given faster.
        values.for_each(|value| self.binds.push(value.into()));
    }

    /// The place, counted from 1, of a bind that may stand for this one.
    fn shared_place(&self, bind: &Bind<'s>, kind: Kind) -> Option<usize> {
        let from = self.shared_from?;
        // Nothing but where it stands tells the type of these.
        let element = if let Kind::Array(element) = kind { *element } else { kind };
        if matches!(element, Kind::Enum(ty) if ty.native) {
            return None;
        }
        let Bind::Value(value) = bind else { return None };
        let is_same = |known: &Bind<'_>| matches!(known, Bind::Value(known) if known.kind() == kind && known.same(value));
        let found = self.binds[from..].iter().position(is_same)?;
        Some(from + found + 1)
    }

    /// Writes something in which equal binds have one placeholder, where the database numbers them: it then knows that expressions
    /// with binds are the same.
    pub(crate) fn with_shared_binds(&mut self, write: impl FnOnce(&mut Self) -> Compile) -> Compile {
        let around = self.shared_from;
        if self.dialect.numbers_binds() {
            self.shared_from = around.or(Some(self.binds.len()));
        }
        let written = write(self);
        self.shared_from = around;
        written
    }

    /// Writes an expression as the dialect spells it.
    ///
    /// # Errors
    ///
    /// If the dialect lacks what it needs, or a column is not in scope.
    pub fn expression(&mut self, expression: &'s Expression) -> Compile<&mut Self> {
        match &self.scope {
            Some(scope) if scope.has_groups() => self.expression_of_groups(*scope, expression)?,
            _ => self.dialect.render_expression(expression, self)?,
        }
        Ok(self)
    }

    // Apart, so that the others take no copy of the scope.
    #[inline(never)]
    fn expression_of_groups(&mut self, scope: Scope<'s>, expression: &'s Expression) -> Compile {
        if scope.is_of_group(expression) {
            self.scope = Some(scope.of_groups(None));
            let wrapped = scope.is_part(expression) && !self.dialect.supports(Feature::GroupedParts);
            self.sql(if wrapped { "MAX(" } else { "" });
            self.dialect.render_expression(expression, self)?;
            self.sql(if wrapped { ")" } else { "" });
        } else {
            self.scope = Some(scope.of_items(false));
            self.dialect.render_expression(expression, self)?;
        }
        self.scope = Some(scope);
        Ok(())
    }

    /// Whether an aggregate is written for an expression or for a part of it, be it only as some dialects take no other part of a
    /// grouped statement.
    pub fn writes_aggregate(&self, expression: &Expression) -> bool {
        let mut found = matches!(expression, Expression::Aggregate(_));
        expression.for_each_child(&mut |child| {
            let part = |scope: Scope<'s>| scope.is_of_group(child) && scope.of_items(false).is_part(child);
            found |= self.scope.is_some_and(part) || self.writes_aggregate(child);
        });
        found
    }

    /// Writes a clause as the dialect spells it.
    ///
    /// # Errors
    ///
    /// If the dialect lacks what it needs, or a column is not in scope.
    pub fn clause(&mut self, clause: Clause<'s>) -> Compile<&mut Self> {
        self.dialect.render_clause(clause, self)?;
        Ok(self)
    }

    /// Writes an operand: in parentheses unless it binds tighter than `than`.
    ///
    /// # Errors
    ///
    /// As [`Renderer::expression`].
    pub fn operand(&mut self, expression: &'s Expression, than: Precedence) -> Compile<&mut Self> {
        if expression.precedence() > than {
            self.expression(expression)
        } else {
            self.sql("(").expression(expression)?;
            Ok(self.sql(")"))
        }
    }

    /// Writes `left operator right`, left-associative above comparison: `a - b - c` needs no parentheses, `a - (b - c)` does.
    ///
    /// # Errors
    ///
    /// As [`Renderer::expression`].
    pub fn infix(
        &mut self,
        left: &'s Expression,
        operator: &str,
        right: &'s Expression,
        precedence: Precedence,
    ) -> Compile<&mut Self> {
        if left.precedence() == precedence && precedence > Precedence::Other {
            self.expression(left)?;
        } else {
            self.operand(left, precedence)?;
        }
        self.sql(operator).operand(right, precedence)
    }

    /// Writes items with a separator between them.
    ///
    /// # Errors
    ///
    /// Whatever `write` returns.
    pub fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        separator: &str,
        mut write: impl FnMut(&mut Self, T) -> Compile,
    ) -> Compile<&mut Self> {
        for (at, item) in items.into_iter().enumerate() {
            if at > 0 {
                self.sql(separator);
            }
            write(self, item)?;
        }
        Ok(self)
    }

    /// Goes on only if the dialect claims a feature.
    ///
    /// # Errors
    ///
    /// [`CompileError::unsupported`] otherwise.
    pub fn require(&mut self, feature: Feature) -> Compile<&mut Self> {
        if self.dialect.supports(feature) {
            Ok(self)
        } else {
            Err(CompileError::unsupported(self.dialect.name(), feature))
        }
    }

    /// Writes what may name the row that could not be inserted into a table.
    pub(crate) fn with_excluded(
        &mut self,
        table: &'static Table,
        write: impl FnOnce(&mut Self) -> Compile,
    ) -> Compile {
        let around = self.excluded.replace((table, self.outer.len()));
        let written = write(self);
        self.excluded = around;
        written
    }

    /// Goes on only where a column of the row that could not be inserted can be named.
    ///
    /// # Errors
    ///
    /// Outside of what an upsert sets, and for a column of another table.
    pub fn require_excluded(&mut self, column: &'static ColumnDef) -> Compile<&mut Self> {
        match self.excluded {
            Some((table, _)) if table.columns.iter().any(|own| std::ptr::eq(own, column)) => Ok(self),
            Some((table, _)) => Err(CompileError::invalid(format!(
                "the row that could not be inserted is one of {}, which {} is no column of",
                table.name, column.name
            ))),
            None => Err(CompileError::invalid(format!(
                "only what an upsert sets can name {} of the row that could not be inserted: `.on_conflict(…).do_update(…)`",
                column.name
            ))),
        }
    }

    /// Whether what is written is in what an upsert sets, and there in a subquery.
    pub fn is_in_subquery_of_upsert(&self) -> bool {
        self.excluded.is_some_and(|(_, levels)| self.outer.len() > levels)
    }

    /// Opens a level of scope: what [`Renderer::column`] may name until [`Renderer::leave`].
    pub fn enter(&mut self, scope: Scope<'s>) {
        self.outer.extend(self.scope.replace(scope));
    }

    /// Changes what the innermost level lets be named. Gives back what it was.
    pub(crate) fn change_scope(&mut self, scope: Option<Scope<'s>>) -> Option<Scope<'s>> {
        std::mem::replace(&mut self.scope, scope)
    }

    /// Closes the innermost level of scope and gives it back.
    pub fn leave(&mut self) -> Option<Scope<'s>> {
        let outer = self.outer.pop();
        self.change_scope(outer)
    }

    /// Writes `WITH …` for those CTEs that no statement around this one has written. Gives back what
    /// [`close_ctes`](Renderer::close_ctes) wants.
    pub(crate) fn open_ctes(&mut self, ctes: Vec<&'s CteDefinition>) -> Compile<usize> {
        let outer = self.ctes.len();
        let recursive = ctes.iter().any(|cte| cte.recursive);
        for cte in ctes {
            if let Some(known) = self.ctes.iter().find(|known| known.name == cte.name) {
                if !known.is(cte) {
                    return Err(CompileError::invalid(format!(
                        "two CTEs are named {}: rename one",
                        cte.name
                    )));
                }
                continue;
            }
            self.sql(match (self.ctes.len() > outer, recursive) {
                (true, _) => ", ",
                (false, true) => "WITH RECURSIVE ",
                (false, false) => "WITH ",
            });
            self.ctes.push(cte);
            cte.render(self)?;
        }
        if self.ctes.len() > outer {
            self.sql(" ");
        }
        Ok(outer)
    }

    /// Ends what [`open_ctes`](Renderer::open_ctes) began.
    pub(crate) fn close_ctes(&mut self, outer: usize) {
        self.ctes.truncate(outer);
    }

    /// Writes a column of a table.
    ///
    /// # Errors
    ///
    /// If the table is not in scope, or the column has no one value for a group.
    pub fn column(&mut self, table: &'static Table, column: &'static ColumnDef) -> Compile<&mut Self> {
        // With a schema before it, the name is no other's.
        let name = if table.schema.is_none() { table.name } else { "" };
        if !self.sees(name, column.name, |source| source.is_table(table))? {
            return Err(self.out_of_scope(table.name, column.name, Some(table)));
        }
        if self.scope.is_some_and(|scope| scope.bare) {
            return self.identifier(column.name);
        }
        if let Some(schema) = table.schema {
            self.identifier(schema)?.sql(".");
        }
        self.identifier(table.name)?.sql(".").identifier(column.name)
    }

    /// Writes a column of an alias, a subquery or a CTE.
    ///
    /// # Errors
    ///
    /// If the alias is not in scope, or the column has no one value for a group.
    pub fn alias_column(&mut self, alias: &str, column: &str) -> Compile<&mut Self> {
        if !self.sees(alias, column, |source| source.is_alias(alias))? {
            return Err(self.out_of_scope(alias, column, None));
        }
        self.identifier(alias)?.sql(".").identifier(column)
    }

    /// Writes something: whether the columns that it names are all of statements around this one, and it names some.
    pub(crate) fn names_only_outer(&mut self, write: impl FnOnce(&mut Self) -> Compile) -> Compile<bool> {
        let before = std::mem::take(&mut self.named);
        write(self)?;
        let own = level_bit(self.outer.len());
        let (named_here, named_around) = (self.named & own != 0, self.named & (own - 1) != 0);
        self.named |= before;
        Ok(named_around && !named_here)
    }

    /// Whether a column of this table may be NULL because of an outer join of the innermost level.
    pub(crate) fn table_is_optional(&self, table: &'static Table) -> bool {
        self.scope.is_some_and(|scope| scope.is_optional(|source| source.is_table(table)))
    }

    /// Whether a column of this alias may be NULL because of an outer join of the innermost level.
    pub(crate) fn alias_is_optional(&self, alias: &str) -> bool {
        self.scope.is_some_and(|scope| scope.is_optional(|source| source.is_alias(alias)))
    }

    /// Whether a column of a source can be named from here. One of a level around this one cannot be where another of its name is nearer.
    fn sees(&mut self, name: &str, column: &str, is: impl Fn(SourceRef<'s>) -> bool) -> Compile<bool> {
        let (mut hidden, mut found) = (false, None);
        for (up, scope) in self.levels().enumerate() {
            if !scope.reads(&is) {
                hidden |= scope.hides(name);
                continue;
            }
            if hidden {
                return Err(CompileError::invalid(format!(
                    "{name} of the statement around this one is hidden by another of that name: give one an alias"
                )));
            }
            if scope.has_groups() {
                scope.check_group(column, &is)?;
            }
            found = Some(up);
            break;
        }
        let Some(up) = found else { return Ok(false) };
        self.named |= level_bit(self.outer.len() - up);
        Ok(true)
    }

    /// The levels of scope, innermost first.
    fn levels(&self) -> impl Iterator<Item = &Scope<'s>> {
        self.scope.iter().chain(self.outer.iter().rev())
    }

    fn out_of_scope(&self, source: &str, column: &str, table: Option<&'static Table>) -> CompileError {
        let sources = || self.levels().flat_map(|scope| scope.sources());
        let visible: Vec<String> = sources().map(|shown| shown.name().to_owned()).collect();
        let alias = sources().find_map(|shown| match shown {
            SourceRef::Alias(own, alias) if table.is_some_and(|table| std::ptr::eq(own, table)) => {
                Some(alias)
            }
            _ => None,
        });
        let fix = if let Some(alias) = alias {
            format!("{source} is read as {alias}: take the column, or the relationship, `.of(…)` that alias")
        } else if table.is_some() && visible.iter().any(|name| name == source) {
            format!(
                "{source} is the name of something else here: take the column from that, or give it another name"
            )
        } else {
            let inside = sources().find_map(|shown| shown.remedy(source));
            inside.unwrap_or_else(|| format!("join {source}, or leave the column out"))
        };
        CompileError::scope(source, column, visible, fix)
    }
}
