//! Queries, and what they read from.

use relata::{
    clause::{IntoSource, OrderItem, Source},
    expr::{Expression, dense_rank, rank},
    prelude::*,
};
use rust_decimal::Decimal;

use crate::{
    data::{Person, Pet, lines, person, pet},
    expressions::Maker,
    sorts::{Items, Leaves, Line, Scope, Sort, any_sort},
};

impl Maker {
    /// A select of one column.
    pub fn column<T: Sort>(&mut self, outer: &Leaves, depth: usize) -> Select<Option<T>> {
        if self.chance(4) {
            let rows = self.rows(&Leaves::default(), depth).subquery(self.name());
            let mut columns = lines(rows.columns());
            return select(T::leaves(&mut columns)[0].clone()).from(rows);
        }
        let (source, leaves) = self.source(depth);
        let sets = depth > 0 && self.chance(4);
        let nothing = Leaves::default();
        let outer = if sets { &nothing } else { outer };
        let scope = Scope::of(&leaves, outer);
        let item = self.expr::<T>(&scope, depth);
        let mut select = select(item).from(source).filter(self.truth(&scope, depth));
        if self.chance(4) {
            select = select.distinct();
        }
        if sets {
            let other = self.column::<T>(outer, depth - 1);
            select = self.together(select, other);
        }
        select
    }

    /// A select of one value.
    pub fn single<T: Sort>(&mut self, scope: &Scope, depth: usize) -> Select<Option<T>> {
        let (source, leaves) = self.source(depth);
        let inner = Scope::of(&leaves, &scope.below);
        let of = Scope::of(&leaves, &Leaves::default());
        let plain = self.chance(2);
        let item = self.expr::<T>(if plain { &inner } else { &of }, depth.min(1));
        let filter = self.truth(&inner, depth);
        if plain {
            select(item.clone()).from(source).filter(filter).order_by(item.asc().nulls_first()).limit(1)
        } else if self.chance(2) {
            select(max(item)).from(source).filter(filter)
        } else {
            select(min(item)).from(source).filter(filter)
        }
    }

    pub fn source(&mut self, depth: usize) -> (Source, Leaves) {
        let roll = if depth == 0 { self.dice.roll(2) } else { self.dice.roll(5) };
        let name = self.name();
        match roll {
            roll if roll == 0 || self.changes && roll == 1 => {
                let alias = Person::alias(name);
                (alias.clone().into_source(), person(&alias))
            }
            1 => {
                let alias = Pet::alias(name);
                (alias.clone().into_source(), pet(&alias))
            }
            2 | 3 => {
                let rows = self.rows(&Leaves::default(), depth - 1).subquery(name);
                let leaves = lines(rows.columns());
                (rows.into_source(), leaves)
            }
            _ => {
                let rows = self.rows(&Leaves::default(), depth - 1).cte(name);
                let leaves = lines(rows.columns());
                (rows.into_source(), leaves)
            }
        }
    }

    pub fn together<R>(&mut self, a: Select<R>, b: Select<R>) -> Select<R> {
        match self.dice.roll(6) {
            0 | 1 => a.union(b),
            2 | 3 => a.union_all(b),
            4 => a.intersect(b),
            _ => a.except(b),
        }
    }

    pub fn items(&mut self, scope: &Scope, depth: usize) -> Items {
        let deep = [self.dice.roll(10), self.dice.roll(10)];
        let mut at = 0;
        let mut depth = || {
            at += 1;
            if deep.contains(&(at - 1)) { depth } else { 0 }
        };
        (
            self.expr(scope, depth()),
            self.expr(scope, depth()),
            self.expr(scope, depth()),
            self.expr(scope, depth()),
            self.expr(scope, depth()),
            self.expr(scope, depth()),
            self.expr(scope, depth()),
            self.expr(scope, depth()),
            self.expr(scope, depth()),
            self.expr(scope, depth()),
        )
    }

    /// Rows, in an order of their own only with a limit.
    pub fn rows(&mut self, outer: &Leaves, depth: usize) -> Select<Line> {
        let sets = [0, 0, 0, 0, 0, 1, 1, 2][self.dice.roll(8)];
        let nothing = Leaves::default();
        let outer = if sets > 0 { &nothing } else { outer };
        let mut rows = self.select(outer, depth);
        for at in 0..sets {
            let other = self.select(outer, depth.saturating_sub(1));
            // MySQL may end where an operand of INTERSECT or EXCEPT is a set operation.
            rows = if at == 0 { self.together(rows, other) } else { rows.union(other) };
        }
        rows
    }

    pub fn select(&mut self, outer: &Leaves, depth: usize) -> Select<Line> {
        let (source, mut leaves) = self.source(depth);
        // MySQL takes a constant of a subquery for a value where an outer join found no row.
        let plain = matches!(source, Source::Alias(..));
        let mut query = select(count_all()).from(source);
        for _ in 0..[0, 0, 1, 1, 2][self.dice.roll(5)] {
            let kind = self.dice.roll(9);
            let (source, more) = self.source(if kind > 2 { 0 } else { depth.saturating_sub(1) });
            if self.full && kind == 8 && self.chance(2) {
                query = query.full_join_on(source, self.equal(&leaves, &more));
                leaves = leaves.with(&more);
                continue;
            }
            leaves = leaves.with(&more);
            let on = self.truth(&Scope::of(&leaves, outer), depth.min(1));
            query = match kind {
                3..=5 => query.left_join_on(source, on),
                6 | 7 if plain => query.right_join_on(source, on),
                8 => query.cross_join(source),
                _ => query.join_on(source, on),
            };
        }
        let scope = Scope::of(&leaves, outer);
        if !self.chance(3) {
            query = query.filter(self.truth(&scope, depth));
        }
        let kind = self.dice.roll(4);
        let (query, items) = match kind {
            0 => self.grouped(query, &leaves, outer, depth),
            1 => {
                let mut scope = scope;
                scope.here = scope.here.with(&self.windows(&Scope::of(&leaves, &Leaves::default())));
                (query, self.items(&scope, depth))
            }
            _ => (query, self.items(&scope, depth)),
        };
        let name = self.name();
        let mut query = project(query, &name, items.clone());
        // MariaDB leaves out groups that are distinct, ordered and limited.
        if kind > 0 && self.chance(4) {
            query = query.distinct();
        }
        if self.chance(4) {
            query = self.ordered(query, &items).limit(self.dice.roll(8) as u64);
            // MariaDB: docs/src/errors/statement.md.
            if outer.ints.is_empty() && self.chance(2) {
                query = query.offset(self.dice.roll(3) as u64);
            }
        }
        query
    }

    /// A column of one side equals one of the other: PostgreSQL has no full joins but such.
    fn equal(&mut self, one: &Leaves, other: &Leaves) -> Expr<Option<bool>> {
        any_sort!(self.dice, T => self.column_of::<T>(one).eq(self.column_of::<T>(other)))
    }

    pub fn ordered(&mut self, query: Select<Line>, items: &Items) -> Select<Line> {
        let mut item = |item: OrderItem, desc: OrderItem| {
            let item = if self.chance(2) { item } else { desc };
            if self.chance(2) { item.nulls_first() } else { item.nulls_last() }
        };
        let (a, b, c, d, e, f, g, h, i, j) = items;
        let mut order = vec![
            item(a.asc(), a.desc()),
            item(b.asc(), b.desc()),
            item(c.asc(), c.desc()),
            item(d.asc(), d.desc()),
            item(e.asc(), e.desc()),
            item(f.asc(), f.desc()),
            item(g.asc(), g.desc()),
            item(h.asc(), h.desc()),
            item(i.asc(), i.desc()),
            item(j.asc(), j.desc()),
        ];
        let first = self.dice.roll(10);
        order.rotate_left(first);
        order.into_iter().fold(query, Select::order_by)
    }

    pub fn grouped(
        &mut self,
        mut query: Select<i64>,
        leaves: &Leaves,
        outer: &Leaves,
        depth: usize,
    ) -> (Select<i64>, Items) {
        let inner = Scope::of(leaves, &Leaves::default());
        let mut here = Leaves::default();
        let mut below = outer.clone();
        for _ in 0..self.dice.roll(3) {
            any_sort!(self.dice, T => {
                let depth = depth.min(self.dice.roll(2));
                let key = self.expr::<T>(&inner, depth);
                query = query.group_by(&key);
                T::leaves(&mut here).push(key.clone());
                if matches!(key.node(), Expression::Column(_) | Expression::AliasColumn(_)) {
                    T::leaves(&mut below).push(key);
                }
            });
        }
        let rows = self.dice.roll(2);
        let filter = |maker: &mut Maker| {
            if maker.chance(4) {
                Some(maker.truth(&Scope { below: Leaves::default(), ..inner.clone() }, 0))
            } else {
                None
            }
        };
        macro_rules! aggregate {
            ($leaves:ident, $of:expr) => {{
                let of = $of;
                here.$leaves.push(match filter(self) {
                    Some(filter) => of.filter_where(filter).optional(),
                    None => of.optional(),
                });
            }};
        }
        aggregate!(ints, count_all());
        self.flat = true;
        for _ in 0..=rows {
            any_sort!(self.dice, T => aggregate!(ints, count(self.expr::<T>(&inner, 1))));
            any_sort!(self.dice, T => aggregate!(ints, count_distinct(self.column_of::<T>(leaves))));
            any_sort!(self.dice, T => {
                let of = self.expr::<T>(&inner, 1);
                let of = if self.chance(2) { max(of) } else { min(of) };
                let of = match filter(self) { Some(filter) => of.filter_where(filter), None => of };
                T::leaves(&mut here).push(of);
            });
            aggregate!(ints, sum(self.expr::<i64>(&inner, 1)));
            aggregate!(decimals, sum(self.expr::<Decimal>(&inner, 1)));
            aggregate!(floats, avg(self.expr::<i64>(&inner, 1)));
            aggregate!(floats, sum(self.column_of::<f64>(leaves) + self.expr::<f64>(&inner, 1)));
        }
        self.flat = false;
        let scope = Scope { here: here.with(&here).with(outer), below };
        if self.chance(3) {
            query = query.having(self.truth(&scope, depth));
        }
        (query, self.items(&scope, depth))
    }

    pub fn windows(&mut self, scope: &Scope) -> Leaves {
        let mut leaves = Leaves::default();
        for _ in 0..=self.dice.roll(2) {
            let mut by = window();
            if self.chance(2) {
                any_sort!(self.dice, T => by = by.partition_by(self.expr::<T>(scope, 1)));
            }
            let by = by;
            let mut order = by.clone();
            any_sort!(self.dice, T => {
                let key = self.expr::<T>(scope, 1);
                let item = if self.chance(2) { key.asc() } else { key.desc() };
                order = order.order_by(if self.chance(2) { item.nulls_first() } else { item.nulls_last() });
            });
            let either = if self.chance(2) { by } else { order.clone() };
            match self.dice.roll(6) {
                0 => leaves.ints.push(over(rank(), order).optional()),
                1 => leaves.ints.push(over(dense_rank(), order).optional()),
                2 => leaves.ints.push(over(sum(self.expr::<i64>(scope, 1)), either)),
                3 => leaves.ints.push(over(count_all(), either).optional()),
                4 => leaves.decimals.push(over(sum(self.expr::<Decimal>(scope, 1)), either)),
                _ => any_sort!(self.dice, T => {
                    let of = self.expr::<T>(scope, 1);
                    T::leaves(&mut leaves).push(over(max(of), either));
                }),
            }
        }
        leaves
    }
}

pub fn project(query: Select<i64>, name: &str, (a, b, c, d, e, f, g, h, i, j): Items) -> Select<Line> {
    let l = |at: &str| format!("{name}{at}");
    query.project((
        a.label(l("a")),
        b.label(l("b")),
        c.label(l("c")),
        d.label(l("d")),
        e.label(l("e")),
        f.label(l("f")),
        g.label(l("g")),
        h.label(l("h")),
        i.label(l("i")),
        j.label(l("j")),
    ))
}
