//! What is at the end of a relationship, for many keys at once.

use std::collections::{HashMap, hash_map::Entry};

use relata_core::{
    Error, ErrorClass, Result,
    clause::{Direction, Join, JoinKind, Limit, OrderItem, Source},
    dialect::{Dialect, Feature},
    driver::BoxFuture,
    entity::Entity,
    expr::{Connective, Expression, In, InList, Infix, Logical, TableColumn},
    relationship::Relationship,
    render::{Compile, Statement},
    schema::Table,
    statement::{Core, Query, SelectBody},
    value::{Kind, Value},
};

use super::{
    edge::To,
    loader::{Loader, together},
    rows::{Group, Keys, Load, load_grouped},
};
use crate::key::Key;

impl<R: Relationship, L: Load<Entity = R::Target>> To<R, L> {
    /// What is at the end for these keys, of keys that are wanted more than once as often: in parts, each with the numbers of the keys
    /// that its outputs belong to.
    async fn fetch(
        &self,
        wanted: &Distinct<'_>,
        order: Order,
        loader: &Loader,
    ) -> Result<Vec<(Vec<usize>, Vec<L::Output>)>> {
        let (table, columns) = match self.relationship.through() {
            Some(through) => (through.table, through.source_columns),
            None => (R::Target::TABLE, self.relationship.target_columns()),
        };
        let dialect = loader.dialect();
        let keys = &wanted.keys;
        // A list that travels as one parameter may be as long as it likes.
        let chunk = match columns.len() {
            1 if dialect.supports(Feature::ArrayBind) => keys.len(),
            1 => (dialect.max_binds() / 2).min(10_000),
            // A condition for each: SQLite takes up to a thousand, and PostgreSQL would compile thousands for minutes.
            _ => 500,
        };
        let sort = order == Order::Here;
        let parts = keys.chunks(chunk.max(1)).zip(wanted.counts.chunks(chunk.max(1)));
        let loads = parts.map(|(part, counts)| {
            let body = self.select(Some(among(table, columns, part)), order);
            let copies = part.iter().zip(counts).filter(|(_, count)| **count > 1);
            let copies = copies.map(|(key, count)| ((*key).clone(), *count)).collect();
            let group = Group { table, columns, sort, copies };
            let load: BoxFuture<'_, _> = Box::pin(load_grouped(&self.load, body, Some(group), loader));
            load
        });
        let parts = together(loads.collect()).await?.into_iter();
        parts.map(|(outputs, found)| Ok((self.numbers(wanted, &found)?, outputs))).collect()
    }

    /// The numbers of these keys.
    fn numbers(&self, wanted: &Distinct<'_>, found: &Keys) -> Result<Vec<usize>> {
        let mut numbers = Vec::with_capacity(found.0.len());
        let mut last: Option<(&Key, usize)> = None;
        for key in &found.0 {
            // Rows of one key often come one after the other.
            let number = match last {
                Some((same, number)) if same == key => number,
                _ => wanted.numbers.get(key).copied().ok_or_else(|| self.unequal())?,
            };
            last = Some((key, number));
            numbers.push(number);
        }
        Ok(numbers)
    }

    /// Compiles its statement, without keys, if something was added to it; and those behind it.
    pub(super) fn check_all(&self, dialect: &dyn Dialect) -> Compile {
        if !self.filter.is_empty() || !self.order_by.is_empty() {
            self.select(None, Order::None).compile(dialect)?;
        }
        self.load.check(dialect)
    }

    /// `SELECT … FROM target [JOIN association] WHERE column IN (keys) [ORDER BY …]`, whose items are still to be chosen.
    fn select(&self, among: Option<Expression>, order: Order) -> SelectBody {
        let target = R::Target::TABLE;
        let mut query = Query::default();
        query.from = Some(Source::Table(target));
        if let Some(through) = self.relationship.through() {
            let table = through.table;
            let pairs = through.target_columns.iter().zip(self.relationship.target_columns());
            let on =
                pairs.map(|(own, other)| Infix::equals(column_of(table, *own), column_of(target, *other)));
            query.joins.push(Join {
                kind: JoinKind::Inner,
                source: Source::Table(table),
                on: Some(Logical::joined(Connective::And, on.collect())),
            });
        }
        query.filter.extend(among.into_iter().chain(self.filter.iter().cloned()));
        let mut order_by = self.order_by.clone();
        if order == Order::There && order_by.is_empty() {
            order_by.extend(target.primary_key.iter().map(|key| ascending(column_of(target, *key))));
        }
        SelectBody { core: Core::Query(query), order_by, limit: Limit::default(), lock: None }
    }

    pub(super) async fn many(&self, keys: Keys, loader: &Loader) -> Result<Vec<Vec<L::Output>>> {
        let mut outputs: Vec<Vec<L::Output>> = keys.0.iter().map(|_| Vec::new()).collect();
        let order = match self.order_by[..] {
            [] if has_number_for_key(R::Target::TABLE) => Order::Here,
            _ => Order::There,
        };
        let mut wanted = Distinct::with_capacity(keys.0.len());
        // Those who want the same rows, in a circle: the next, and whose turn it is for a number.
        let mut next: Vec<usize> = (0..keys.0.len()).collect();
        let mut turn: Vec<usize> = Vec::with_capacity(keys.0.len());
        for (at, key) in keys.0.iter().enumerate().filter(|(_, key)| !key.has_null()) {
            match wanted.want(key) {
                None => turn.push(at),
                Some(number) => next.swap(at, turn[number]),
            }
        }
        let found = self.fetch(&wanted, order, loader).await?;
        let mut rows = vec![0; wanted.keys.len()];
        for (numbers, _) in &found {
            numbers.iter().for_each(|number| rows[*number] += 1);
        }
        for (numbers, part) in found {
            for (number, output) in numbers.into_iter().zip(part) {
                let at = turn[number];
                if outputs[at].is_empty() {
                    outputs[at].reserve_exact(rows[number] / wanted.counts[number]);
                }
                outputs[at].push(output);
                turn[number] = next[at];
            }
        }
        Ok(outputs)
    }

    /// What is said when the database takes a key for equal that is not.
    #[cold]
    fn unequal(&self) -> Error {
        Error::new(
            ErrorClass::Decode,
            format!(
                "{}::{} leads to a row of {} whose key is equal in the database only, as by a collation that ignores case: give \
                 the columns the same values",
                R::Source::TABLE.entity,
                self.relationship.name(),
                R::Target::TABLE.name
            ),
        )
        .with_table(R::Target::TABLE.name)
    }

    pub(super) async fn one(&self, keys: Keys, loader: &Loader) -> Result<Vec<Option<L::Output>>>
    where
        L::Output: Clone,
    {
        let mut wanted = Distinct::with_capacity(keys.0.len());
        for key in keys.0.iter().filter(|key| !key.has_null()) {
            wanted.add(key);
        }
        let mut found: Vec<Option<L::Output>> = wanted.keys.iter().map(|_| None).collect();
        for (numbers, outputs) in self.fetch(&wanted, Order::None, loader).await? {
            numbers.into_iter().zip(outputs).for_each(|(number, output)| found[number] = Some(output));
        }
        Ok(keys
            .0
            .iter()
            .map(|key| wanted.numbers.get(key).and_then(|number| found[*number].clone()))
            .collect())
    }
}

/// Different keys, with their numbers. In the order in which they came, not of a hash map: the same statement has the same binds
/// each time.
struct Distinct<'k> {
    keys: Vec<&'k Key>,
    numbers: HashMap<&'k Key, usize>,
    /// How often each is wanted.
    counts: Vec<usize>,
}

impl<'k> Distinct<'k> {
    fn with_capacity(keys: usize) -> Self {
        Distinct {
            keys: Vec::with_capacity(keys),
            numbers: HashMap::with_capacity(keys),
            counts: Vec::with_capacity(keys),
        }
    }

    /// Wants what is at the end of a key, once more; the number of the key, if it is known already.
    fn want(&mut self, key: &'k Key) -> Option<usize> {
        let known = self.add(key)?;
        self.counts[known] += 1;
        Some(known)
    }

    /// Adds a key; its number, if it is known already.
    fn add(&mut self, key: &'k Key) -> Option<usize> {
        match self.numbers.entry(key) {
            Entry::Occupied(number) => Some(*number.get()),
            Entry::Vacant(number) => {
                number.insert(self.keys.len());
                self.keys.push(key);
                self.counts.push(1);
                None
            }
        }
    }
}

fn column_of(table: &'static Table, column: usize) -> Expression {
    Expression::Column(TableColumn::at(table, column))
}

/// Who puts rows into order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// There is one for each key at most.
    None,
    /// The database.
    There,
    /// Relata, by their primary keys, where numbers are compared as everywhere. What the database gives is mostly in that order
    /// already, but it would collect all rows and sort them before it sends the first.
    Here,
}

/// Whether the primary key is one integer, which is read as an `i64`.
fn has_number_for_key(table: &Table) -> bool {
    let [key] = table.primary_key else { return false };
    let kind = table.columns[*key].ty.kind;
    kind.is_integer() && kind != Kind::U64
}

fn ascending(expression: Expression) -> OrderItem {
    OrderItem { expression, direction: Direction::Ascending, nulls: None }
}

/// Whether columns have one of these values.
fn among(table: &'static Table, columns: &[usize], wanted: &[&Key]) -> Expression {
    if let [column] = columns {
        let kind = table.columns[*column].ty.kind;
        let values = wanted.iter().flat_map(|key| key.parts()).map(|part| part.to_value(kind)).collect();
        let list = InList::Values(Value::Array(kind, values));
        return Expression::In(Box::new(In { operand: column_of(table, *column), list, negated: false }));
    }
    let is = |key: &&Key| {
        let pairs = columns.iter().zip(key.parts()).map(|(column, part)| {
            let value = part.to_value(table.columns[*column].ty.kind);
            Infix::equals(column_of(table, *column), Expression::Bind(value))
        });
        Logical::joined(Connective::And, pairs.collect())
    };
    Logical::joined(Connective::Or, wanted.iter().map(is).collect())
}
