//! Any query gives the same on every database: random ones, beside SQLite.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Debug;

use jiff::{Timestamp, civil::Date};
use relata::{
    clause::{IntoSource, OrderItem, Source},
    expr::{Comparable, Expression, Nothing, dense_rank, rank},
    prelude::*,
};
use relata_tests::{Database, Dice, Server, on_every_database};
use rust_decimal::Decimal;
use uuid::Uuid;

#[derive(Enum, Debug, Clone, Copy, PartialEq)]
enum Mood {
    Glad,
    Sad,
    Odd,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "people", has_many(pets: Pet), belongs_to(boss: Person, key = boss_id))]
struct Person {
    #[column(primary_key, generated = false)]
    id: i64,
    boss_id: Option<i64>,
    age: i32,
    name: String,
    active: bool,
    pay: Option<Decimal>,
    height: Option<f64>,
    born: Option<Date>,
    seen: Timestamp,
    mood: Option<Mood>,
    token: Option<Vec<u8>>,
    code: Uuid,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "pets", belongs_to(owner: Person, key = owner_id))]
struct Pet {
    #[column(primary_key, generated = false)]
    id: i64,
    owner_id: Option<i64>,
    count: u32,
    name: Option<String>,
    tame: Option<bool>,
    #[column(precision(12, 2))]
    price: Decimal,
    weight: f64,
    born: Date,
    seen: Option<Timestamp>,
    mood: Mood,
    token: Vec<u8>,
    code: Option<Uuid>,
}

type Line = (
    Option<i64>,
    Option<String>,
    Option<bool>,
    Option<Decimal>,
    Option<f64>,
    Option<Date>,
    Option<Timestamp>,
    Option<Mood>,
    Option<Vec<u8>>,
    Option<Uuid>,
);
type Of<T> = Expr<Option<T>>;

/// What an expression can name, and what its subqueries can.
#[derive(Clone, Default)]
struct Scope {
    here: Leaves,
    below: Leaves,
}

impl Scope {
    fn of(here: &Leaves, outer: &Leaves) -> Scope {
        // What is near is named more often.
        let below = here.with(outer);
        Scope { here: here.with(&below), below }
    }
}

trait Sort:
    Type<Nullable = Option<Self>, Base = Self>
    + Comparable<Self, Common = Self>
    + Comparable<Nothing>
    + Debug
    + Clone
    + relata::expr::BranchOf<Self>
{
    fn leaves(leaves: &mut Leaves) -> &mut Vec<Of<Self>>;
    fn value(dice: &mut Dice) -> Self;
    fn more(maker: &mut Maker, scope: &Scope, depth: usize) -> Of<Self>;
}

/// The types, with the name of what can be named of each, how more of it is made, and some values.
macro_rules! sorts {
    ($($ty:ty, $leaves:ident, $more:ident, [$($value:expr),+];)*) => {
        /// What can be named.
        #[derive(Clone, Default)]
        struct Leaves {
            $($leaves: Vec<Of<$ty>>,)*
        }

        impl Leaves {
            fn with(&self, other: &Leaves) -> Leaves {
                Leaves { $($leaves: self.$leaves.iter().chain(&other.$leaves).cloned().collect(),)* }
            }
        }

        $(impl Sort for $ty {
            fn leaves(leaves: &mut Leaves) -> &mut Vec<Of<Self>> {
                &mut leaves.$leaves
            }

            fn value(dice: &mut Dice) -> Self {
                let values: Vec<$ty> = vec![$($value),+];
                values[dice.roll(values.len())].clone()
            }

            fn more(maker: &mut Maker, scope: &Scope, depth: usize) -> Of<Self> {
                maker.$more(scope, depth)
            }
        })*
    };
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}
fn date(text: &str) -> Date {
    text.parse().unwrap()
}
fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

sorts! {
    i64, ints, int, [-3, -1, 0, 1, 2, 3, 7, 20];
    String, texts, text, ["".into(), "a".into(), "A".into(), "a ".into(), " b".into(), "É".into(), "é".into(), "a_b%".into(), "日本".into(), "x!y\\".into(), "7".into(), "Sad".into(), "it's".into()];
    bool, truths, truth, [true, false];
    Decimal, decimals, decimal, [decimal("0"), decimal("1.00"), decimal("-2.5"), decimal("10.25"), decimal("9"), decimal("7")];
    f64, floats, float, [0.0, 1.0, -2.5, 0.25, 7.0];
    Date, dates, date, [date("2024-02-29"), date("1969-12-31"), date("2024-03-01")];
    Timestamp, times, plain, [time("2024-02-29T12:00:00Z"), time("2024-02-29T00:00:00Z"), time("1999-12-31T23:59:59.999999Z")];
    Mood, moods, plain, [Mood::Glad, Mood::Sad, Mood::Odd];
    Vec<u8>, bytes, plain, [vec![], vec![0], vec![97], vec![0, 255], vec![255]];
    Uuid, codes, plain, [Uuid::from_u128(0), Uuid::from_u128(7), Uuid::from_u128(7 << 120), Uuid::max()];
}

/// Runs something for one of the types.
macro_rules! any_sort {
    ($dice:expr, $ty:ident => $body:expr) => {
        match $dice.roll(13) {
            0..=2 => {
                type $ty = i64;
                $body
            }
            3 | 4 => {
                type $ty = String;
                $body
            }
            5 => {
                type $ty = bool;
                $body
            }
            6 => {
                type $ty = Decimal;
                $body
            }
            7 => {
                type $ty = f64;
                $body
            }
            8 => {
                type $ty = Date;
                $body
            }
            9 => {
                type $ty = Timestamp;
                $body
            }
            10 => {
                type $ty = Mood;
                $body
            }
            11 => {
                type $ty = Vec<u8>;
                $body
            }
            _ => {
                type $ty = Uuid;
                $body
            }
        }
    };
}

fn wide(of: impl relata::expr::IntoExpr<Sql = i32>) -> Of<i64> {
    cast::<i64, _>(of.into_expr()).optional()
}

struct Maker {
    dice: Dice,
    names: usize,
    /// Whether expressions have no subqueries: MySQL counts a distinct NULL of one.
    flat: bool,
}

impl Maker {
    fn chance(&mut self, of: usize) -> bool {
        self.dice.roll(of) == 0
    }

    fn name(&mut self) -> String {
        self.names += 1;
        format!("t{}", self.names)
    }

    fn val<T: Sort>(&mut self) -> Option<T> {
        if self.chance(6) { None } else { Some(T::value(&mut self.dice)) }
    }

    fn leaf<T: Sort>(&mut self, scope: &Scope) -> Of<T> {
        let mut here = scope.here.clone();
        let leaves = T::leaves(&mut here);
        if leaves.is_empty() || self.chance(6) {
            return val(self.val::<T>());
        }
        leaves[self.dice.roll(leaves.len())].clone()
    }

    fn column_of<T: Sort>(&mut self, leaves: &Leaves) -> Of<T> {
        let mut leaves = leaves.clone();
        let leaves = T::leaves(&mut leaves);
        leaves[self.dice.roll(leaves.len())].clone()
    }

    fn expr<T: Sort>(&mut self, scope: &Scope, depth: usize) -> Of<T> {
        if depth == 0 || self.chance(4) {
            return self.leaf(scope);
        }
        let depth = depth - 1;
        match self.dice.roll(11) {
            0 => coalesce(self.expr::<T>(scope, depth), self.expr::<T>(scope, depth)),
            1 => nullif(self.expr::<T>(scope, depth), self.expr::<T>(scope, depth)),
            2 => case()
                .when(self.truth(scope, depth), self.expr::<T>(scope, depth))
                .otherwise(self.expr::<T>(scope, depth)),
            3 => case()
                .when(self.truth(scope, depth), self.expr::<T>(scope, depth))
                .when(self.truth(scope, depth), self.expr::<T>(scope, depth))
                .end(),
            4 if !self.flat => scalar(self.single::<T>(scope, depth)),
            _ => T::more(self, scope, depth),
        }
    }

    /// More of a type that has no operators of its own.
    fn plain<T: Sort>(&mut self, scope: &Scope, depth: usize) -> Of<T> {
        match self.dice.roll(3) {
            0 => coalesce(self.expr::<T>(scope, depth), Some(T::value(&mut self.dice))),
            1 => nullif(self.leaf::<T>(scope), T::value(&mut self.dice)),
            _ => self.leaf(scope),
        }
    }

    fn int(&mut self, scope: &Scope, depth: usize) -> Of<i64> {
        let a = self.expr::<i64>(scope, depth);
        match self.dice.roll(13) {
            0 => a + self.expr::<i64>(scope, depth),
            1 => a - self.expr::<i64>(scope, depth),
            2 => a * self.dice.pick(&[-2, 0, 1, 3]),
            3 => a / nullif(self.expr::<i64>(scope, depth), 0),
            4 => a % nullif(self.expr::<i64>(scope, depth), 0),
            5 => a / self.dice.pick(&[-2, 3, 1]),
            6 => a.negative(),
            7 => abs(a),
            8 => coalesce(char_length(self.expr::<String>(scope, depth)), None::<i64>),
            9 => cast::<i64, _>(self.truth(scope, depth)),
            10 => cast::<i64, _>(self.expr::<Decimal>(scope, depth)),
            11 if !self.flat => {
                let (source, leaves) = self.source(depth);
                let filter = self.truth(&Scope::of(&leaves, &scope.below), depth);
                scalar(select(count_all()).from(source).filter(filter))
            }
            _ => coalesce(a, self.dice.pick(&[0_i32, 5])).optional(),
        }
    }

    fn text(&mut self, scope: &Scope, depth: usize) -> Of<String> {
        let a = self.expr::<String>(scope, depth);
        match self.dice.roll(9) {
            0 | 1 => a.concat(self.expr::<String>(scope, depth)),
            2 => lower(a),
            3 => upper(a),
            4 => trim(a),
            5 => cast::<String, _>(self.expr::<i64>(scope, depth)),
            6 => cast::<String, _>(self.truth(scope, depth)),
            7 => cast::<String, _>(self.expr::<Date>(scope, depth)),
            _ => coalesce(a, "none").optional(),
        }
    }

    fn decimal(&mut self, scope: &Scope, depth: usize) -> Of<Decimal> {
        let a = self.expr::<Decimal>(scope, depth);
        match self.dice.roll(9) {
            0 => a + self.expr::<Decimal>(scope, depth),
            1 => a - self.expr::<Decimal>(scope, depth),
            2 => a * self.dice.pick(&[decimal("0.5"), decimal("-2")]),
            3 => a + self.expr::<i64>(scope, depth),
            4 => a.negative(),
            5 => abs(a),
            6 => cast::<Decimal, _>(self.expr::<i64>(scope, depth)),
            7 => self.expr::<i64>(scope, depth) * a,
            _ => coalesce(a, 0).optional(),
        }
    }

    fn float(&mut self, scope: &Scope, depth: usize) -> Of<f64> {
        let a = self.expr::<f64>(scope, depth);
        match self.dice.roll(7) {
            0 => a + self.expr::<f64>(scope, depth),
            1 => a - self.expr::<f64>(scope, depth),
            2 => a * self.dice.pick(&[0.5, -2.0]),
            3 => a / self.dice.pick(&[4.0, -0.5]),
            4 => abs(a),
            5 => cast::<f64, _>(self.expr::<i64>(scope, depth)),
            _ => cast::<f64, _>(self.expr::<Decimal>(scope, depth)),
        }
    }

    fn date(&mut self, scope: &Scope, depth: usize) -> Of<Date> {
        match self.dice.roll(3) {
            0 => cast::<Date, _>(self.expr::<Timestamp>(scope, depth)),
            1 => cast::<Date, _>(cast::<String, _>(self.expr::<Date>(scope, depth))),
            _ => self.plain(scope, depth),
        }
    }

    fn truth(&mut self, scope: &Scope, depth: usize) -> Of<bool> {
        if depth == 0 {
            return match self.dice.roll(5) {
                0 => self.leaf(scope),
                1 => self.truth_of::<i64>(scope, 0),
                2 => self.truth_of::<String>(scope, 0),
                _ => any_sort!(self.dice, T => self.truth_of::<T>(scope, 0)),
            };
        }
        let depth = depth - 1;
        match if self.flat { 4 + self.dice.roll(3) } else { self.dice.roll(17) } {
            0 | 1 => self.truth(scope, depth).and(self.truth(scope, depth)),
            2 | 3 => self.truth(scope, depth).or(self.truth(scope, depth)),
            4 => not(self.truth(scope, depth)),
            5 => all_of((0..self.dice.roll(4)).map(|_| self.truth(scope, depth)).collect::<Vec<_>>()),
            6 => any_of((0..self.dice.roll(4)).map(|_| self.truth(scope, depth)).collect::<Vec<_>>()),
            7 => exists(self.rows(&scope.below, depth)).optional(),
            8 => not_exists(self.rows(&scope.below, depth)).optional(),
            9 | 10 => self.likeness(scope, depth),
            11 => self.mixed(scope, depth),
            12 => cast::<bool, _>(self.expr::<i64>(scope, depth)),
            _ => any_sort!(self.dice, T => self.truth_of::<T>(scope, depth)),
        }
    }

    fn mixed(&mut self, scope: &Scope, depth: usize) -> Of<bool> {
        let a = self.expr::<i64>(scope, depth);
        match self.dice.roll(7) {
            0 => a.lt(self.expr::<Decimal>(scope, depth)),
            1 => self.expr::<Decimal>(scope, depth).eq(a),
            2 => a.ge(self.expr::<f64>(scope, depth)),
            3 => a.is_distinct_from(self.expr::<Decimal>(scope, depth)).optional(),
            4 => a.in_list((0..self.dice.roll(4)).map(|_| self.val::<Decimal>()).collect::<Vec<_>>()),
            5 => a.between(self.expr::<Decimal>(scope, depth), self.expr::<i64>(scope, depth)),
            _ => self.expr::<Decimal>(scope, depth).in_select(self.column::<i64>(&scope.below, depth)),
        }
    }

    fn likeness(&mut self, scope: &Scope, depth: usize) -> Of<bool> {
        let a = self.expr::<String>(scope, depth);
        let part = String::value(&mut self.dice);
        let pattern = self
            .dice
            .pick(&["a%", "%", "_", "%!_%", "%!%", "É", "%b", "", "%!!%", "%\\%", "__", "%_"])
            .unwrap();
        match self.dice.roll(9) {
            0 => a.like(pattern),
            1 => a.ilike(pattern),
            2 => a.contains(part),
            3 => a.icontains(part),
            4 => a.starts_with(part),
            5 => a.ends_with(part),
            6 => not(a.like(pattern)),
            7 => not(a.icontains(part)),
            _ => a.like(self.expr::<String>(scope, depth)),
        }
    }

    fn truth_of<T: Sort>(&mut self, scope: &Scope, depth: usize) -> Of<bool> {
        let a = self.expr::<T>(scope, depth);
        let sides = if depth == 0 || self.flat { 14 } else { 16 };
        match self.dice.roll(sides) {
            0 => a.eq(self.expr::<T>(scope, depth)),
            1 => a.ne(self.expr::<T>(scope, depth)),
            2 => a.lt(self.expr::<T>(scope, depth)),
            3 => a.le(self.expr::<T>(scope, depth)),
            4 => a.gt(self.expr::<T>(scope, depth)),
            5 => a.ge(self.expr::<T>(scope, depth)),
            6 => a.is_null().optional(),
            7 => a.is_not_null().optional(),
            8 => a.is_distinct_from(self.expr::<T>(scope, depth)).optional(),
            9 => a.is_not_distinct_from(self.expr::<T>(scope, depth)).optional(),
            10 => a.between(self.expr::<T>(scope, depth), self.expr::<T>(scope, depth)),
            11 => not(a.between(self.expr::<T>(scope, depth), Some(T::value(&mut self.dice)))),
            12 => a.in_list((0..self.dice.roll(5)).map(|_| self.val::<T>()).collect::<Vec<_>>()),
            13 => a.not_in_list((0..self.dice.roll(5)).map(|_| self.val::<T>()).collect::<Vec<_>>()),
            14 => a.in_select(self.column::<T>(&scope.below, depth)),
            _ => a.not_in_select(self.column::<T>(&scope.below, depth)),
        }
    }

    /// A select of one column.
    fn column<T: Sort>(&mut self, outer: &Leaves, depth: usize) -> Select<Option<T>> {
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
    fn single<T: Sort>(&mut self, scope: &Scope, depth: usize) -> Select<Option<T>> {
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

    fn source(&mut self, depth: usize) -> (Source, Leaves) {
        let roll = if depth == 0 { self.dice.roll(2) } else { self.dice.roll(5) };
        let name = self.name();
        match roll {
            0 => {
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

    fn together<R>(&mut self, a: Select<R>, b: Select<R>) -> Select<R> {
        match self.dice.roll(6) {
            0 | 1 => a.union(b),
            2 | 3 => a.union_all(b),
            4 => a.intersect(b),
            _ => a.except(b),
        }
    }

    fn items(&mut self, scope: &Scope, depth: usize) -> Items {
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
    fn rows(&mut self, outer: &Leaves, depth: usize) -> Select<Line> {
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

    fn select(&mut self, outer: &Leaves, depth: usize) -> Select<Line> {
        let (source, mut leaves) = self.source(depth);
        // MySQL takes a constant of a subquery for a value where an outer join found no row.
        let plain = matches!(source, Source::Alias(..));
        let mut query = select(count_all()).from(source);
        for _ in 0..[0, 0, 1, 1, 2][self.dice.roll(5)] {
            let kind = self.dice.roll(9);
            let (source, more) = self.source(if kind > 2 { 0 } else { depth.saturating_sub(1) });
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

    fn ordered(&mut self, query: Select<Line>, items: &Items) -> Select<Line> {
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

    fn grouped(
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

    fn windows(&mut self, scope: &Scope) -> Leaves {
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

type Items = (
    Of<i64>,
    Of<String>,
    Of<bool>,
    Of<Decimal>,
    Of<f64>,
    Of<Date>,
    Of<Timestamp>,
    Of<Mood>,
    Of<Vec<u8>>,
    Of<Uuid>,
);

fn project(query: Select<i64>, name: &str, (a, b, c, d, e, f, g, h, i, j): Items) -> Select<Line> {
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

fn person(of: &Alias<Person>) -> Leaves {
    Leaves {
        ints: vec![
            of.column(Person::id).optional(),
            of.column(Person::boss_id),
            wide(of.column(Person::age)),
        ],
        texts: vec![of.column(Person::name).optional()],
        truths: vec![of.column(Person::active).optional()],
        decimals: vec![of.column(Person::pay)],
        floats: vec![of.column(Person::height)],
        dates: vec![of.column(Person::born)],
        times: vec![of.column(Person::seen).optional()],
        moods: vec![of.column(Person::mood)],
        bytes: vec![of.column(Person::token)],
        codes: vec![of.column(Person::code).optional()],
    }
}

fn pet(of: &Alias<Pet>) -> Leaves {
    Leaves {
        ints: vec![
            of.column(Pet::id).optional(),
            of.column(Pet::owner_id),
            cast::<i64, _>(of.column(Pet::count)).optional(),
        ],
        texts: vec![of.column(Pet::name)],
        truths: vec![of.column(Pet::tame)],
        decimals: vec![of.column(Pet::price).optional()],
        floats: vec![of.column(Pet::weight).optional()],
        dates: vec![of.column(Pet::born).optional()],
        times: vec![of.column(Pet::seen)],
        moods: vec![of.column(Pet::mood).optional()],
        bytes: vec![of.column(Pet::token).optional()],
        codes: vec![of.column(Pet::code)],
    }
}

fn lines((a, b, c, d, e, f, g, h, i, j): Items) -> Leaves {
    Leaves {
        ints: vec![a],
        texts: vec![b],
        truths: vec![c],
        decimals: vec![d],
        floats: vec![e],
        dates: vec![f],
        times: vec![g],
        moods: vec![h],
        bytes: vec![i],
        codes: vec![j],
    }
}

/// The same rows on every database.
async fn fill(db: &Engine) {
    Schema::new().with::<Person>().with::<Pet>().create(db).await.unwrap();
    let mut maker = Maker { dice: Dice(0xF111), names: 0, flat: false };
    let m = &mut maker;
    let people: Vec<NewPerson> = (1..=6)
        .map(|id| NewPerson {
            id,
            boss_id: m.val::<i64>().map(|boss| boss.rem_euclid(7).into()),
            age: m.dice.roll(4) as i32 * 10,
            name: String::value(&mut m.dice),
            active: m.chance(2),
            pay: m.val(),
            height: m.val(),
            born: m.val(),
            seen: Timestamp::value(&mut m.dice),
            mood: m.val(),
            token: m.val(),
            code: Uuid::value(&mut m.dice),
        })
        .collect();
    insert_many(people).execute(db).await.unwrap();
    let pets: Vec<NewPet> = (1..=8)
        .map(|id| NewPet {
            id,
            owner_id: m.val::<i64>().map(|boss| boss.rem_euclid(7).into()),
            count: m.dice.roll(4) as u32,
            name: m.val(),
            tame: m.val(),
            price: Decimal::value(&mut m.dice),
            weight: f64::value(&mut m.dice),
            born: Date::value(&mut m.dice),
            seen: m.val(),
            mood: Mood::value(&mut m.dice),
            token: Vec::value(&mut m.dice),
            code: m.val(),
        })
        .collect();
    insert_many(pets).execute(db).await.unwrap();
}

fn told(rows: Vec<Line>) -> Vec<String> {
    rows.into_iter()
        .map(|(a, b, c, d, e, f, g, h, i, j)| {
            let d = d.map(|d| d.normalize() + Decimal::ZERO);
            let e = e.map(|e| format!("{:.6}", e + 0.0));
            format!("{:?}", (a, b, c, d.map(|d| d.to_string()), e, f, g, h, i, j))
        })
        .collect()
}

/// The rows, in no order.
async fn answer(db: &Engine, query: Select<Line>) -> relata::Result<Vec<String>> {
    let mut rows = told(query.all(db).await?);
    rows.sort();
    Ok(rows)
}

/// How many queries are asked. `RELATA_TEST_QUERIES` asks more, from the seed `RELATA_TEST_SEED` on.
fn queries(db: &Database) -> u64 {
    match std::env::var("RELATA_TEST_QUERIES").ok().and_then(|queries| queries.parse().ok()) {
        Some(queries) => queries,
        None if db.server() == Server::Sqlite => 50,
        None => 300,
    }
}

on_every_database! {
    async fn any_query_gives_the_same(db: Database) {
        let lite = Engine::connect("sqlite::memory:").await.unwrap();
        fill(&lite).await;
        fill(&db).await;
        if db.server() == Server::Postgres {
            // Else it takes the tables for large ones, and its time for planning.
            sql("ANALYZE").execute(&*db).await.unwrap();
        }
        let first = std::env::var("RELATA_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
        for seed in first..first + queries(&db) {
            let mut maker = Maker { dice: Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)), names: 0, flat: false };
            let query = maker.rows(&Leaves::default(), 1);
            let (one, other) = tokio::join!(answer(&lite, query.clone()), answer(&db, query));
            match (one, other) {
                (Ok(one), Ok(other)) => assert_eq!(other, one, "seed {seed}"),
                (Err(one), Err(other)) => assert_eq!(other.class(), one.class(), "seed {seed}: {one}, {other}"),
                // SQLite has no HAVING of its own.
                (Err(one), Ok(_)) => assert_eq!(one.class(), ErrorClass::Compile, "seed {seed}: {one}"),
                (Ok(_), Err(other)) => panic!("seed {seed}: {other}"),
            }
        }
    }
}
