//! Expressions of each type.

use jiff::{Timestamp, civil::Date};
use relata::prelude::*;
use relata_tests::Dice;
use rust_decimal::Decimal;

use crate::sorts::{Leaves, Of, Scope, Sort, any_sort, decimal};

pub struct Maker {
    pub dice: Dice,
    pub names: usize,
    /// Whether expressions have no subqueries: MySQL counts a distinct NULL of one.
    pub flat: bool,
    /// Whether pets are changed: MySQL does not read what it changes (docs/src/errors/statement.md).
    pub changes: bool,
    /// Whether there are full joins.
    pub full: bool,
}

impl Maker {
    pub fn new(seed: u64, full: bool) -> Maker {
        Maker { dice: Dice(seed), names: 0, flat: false, changes: false, full }
    }

    pub fn chance(&mut self, of: usize) -> bool {
        self.dice.roll(of) == 0
    }

    pub fn name(&mut self) -> String {
        self.names += 1;
        format!("t{}", self.names)
    }

    pub fn val<T: Sort>(&mut self) -> Option<T> {
        if self.chance(6) { None } else { Some(T::value(&mut self.dice)) }
    }

    pub fn leaf<T: Sort>(&mut self, scope: &Scope) -> Of<T> {
        let mut here = scope.here.clone();
        let leaves = T::leaves(&mut here);
        if leaves.is_empty() || self.chance(6) {
            return val(self.val::<T>());
        }
        leaves[self.dice.roll(leaves.len())].clone()
    }

    pub fn column_of<T: Sort>(&mut self, leaves: &Leaves) -> Of<T> {
        let mut leaves = leaves.clone();
        let leaves = T::leaves(&mut leaves);
        leaves[self.dice.roll(leaves.len())].clone()
    }

    pub fn expr<T: Sort>(&mut self, scope: &Scope, depth: usize) -> Of<T> {
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
    pub fn plain<T: Sort>(&mut self, scope: &Scope, depth: usize) -> Of<T> {
        match self.dice.roll(3) {
            0 => coalesce(self.expr::<T>(scope, depth), Some(T::value(&mut self.dice))),
            1 => nullif(self.leaf::<T>(scope), T::value(&mut self.dice)),
            _ => self.leaf(scope),
        }
    }

    pub fn int(&mut self, scope: &Scope, depth: usize) -> Of<i64> {
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

    pub fn text(&mut self, scope: &Scope, depth: usize) -> Of<String> {
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

    pub fn decimal(&mut self, scope: &Scope, depth: usize) -> Of<Decimal> {
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

    pub fn float(&mut self, scope: &Scope, depth: usize) -> Of<f64> {
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

    pub fn date(&mut self, scope: &Scope, depth: usize) -> Of<Date> {
        match self.dice.roll(3) {
            0 => cast::<Date, _>(self.expr::<Timestamp>(scope, depth)),
            1 => cast::<Date, _>(cast::<String, _>(self.expr::<Date>(scope, depth))),
            _ => self.plain(scope, depth),
        }
    }

    pub fn truth(&mut self, scope: &Scope, depth: usize) -> Of<bool> {
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

    pub fn mixed(&mut self, scope: &Scope, depth: usize) -> Of<bool> {
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

    pub fn likeness(&mut self, scope: &Scope, depth: usize) -> Of<bool> {
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

    pub fn truth_of<T: Sort>(&mut self, scope: &Scope, depth: usize) -> Of<bool> {
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
}
