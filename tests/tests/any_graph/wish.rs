//! What is wished of the rows at an end: as SQL, and as a loop finds it.

use std::{cmp::Ordering, fmt::Debug, ops::Range};

use relata::{clause::OrderItem, expr::IntoExpr, prelude::*};
use relata_tests::Dice;

use crate::tables::{Book, Card, Person, Tag};

/// What all of them have: a key, a level, and perhaps a text.
pub trait Thing: Entity + Clone + PartialEq + Debug {
    fn order_of_keys(&self, other: &Self) -> Ordering;
    fn level(&self) -> i32;
    fn text(&self) -> Option<&str>;
    fn level_column() -> Expr<i32>;
    fn text_column() -> Expr<Option<String>>;
    fn keys() -> Vec<OrderItem>;
}

macro_rules! thing {
    ($ty:ident, [$($key:ident),+], $text:ident $(, $optional:ident)?) => {
        impl Thing for $ty {
            fn order_of_keys(&self, other: &Self) -> Ordering {
                ($(&self.$key,)+).cmp(&($(&other.$key,)+))
            }

            fn level(&self) -> i32 {
                self.level
            }

            fn text(&self) -> Option<&str> {
                thing!(@text self.$text $(, $optional)?)
            }

            fn level_column() -> Expr<i32> {
                $ty::level.into_expr()
            }

            fn text_column() -> Expr<Option<String>> {
                thing!(@column $ty::$text $(, $optional)?)
            }

            fn keys() -> Vec<OrderItem> {
                vec![$($ty::$key.asc()),+]
            }
        }
    };
    (@text $text:expr) => { Some(&$text) };
    (@text $text:expr, optional) => { $text.as_deref() };
    (@column $text:expr) => { $text.into_expr().optional() };
    (@column $text:expr, optional) => { $text.into_expr() };
}

thing!(Person, [id], name, optional);
thing!(Card, [code], code);
thing!(Book, [author_id, number], title, optional);
thing!(Tag, [name], name);

/// A filter, an order: as SQL and as they are.
#[derive(Clone, Debug)]
pub struct Wish {
    levels: Range<i32>,
    text: Option<&'static str>,
    by: By,
}

#[derive(Clone, Copy, Debug)]
enum By {
    Key,
    Level,
    LevelDown,
    TextNullsFirst,
    TextDownNullsLast,
}

pub const TEXTS: [&str; 4] = ["a", "b", "c", "dd"];

impl Wish {
    pub fn any(dice: &mut Dice) -> Self {
        let low = [0, 0, 1, 3][dice.roll(4)];
        let high = [4, 4, 3, 1][dice.roll(4)];
        Wish {
            levels: low..high,
            text: if dice.roll(4) == 0 { dice.pick(&TEXTS) } else { None },
            by: [By::Key, By::Level, By::LevelDown, By::TextNullsFirst, By::TextDownNullsLast][dice.roll(5)],
        }
    }

    /// Whatever there is, in the order of the keys.
    pub fn all() -> Self {
        Wish { levels: 0..4, text: None, by: By::Key }
    }

    pub fn filter<T: Thing>(&self) -> Expr<Option<bool>> {
        let levels = T::level_column().between(self.levels.start, self.levels.end - 1).optional();
        match self.text {
            None => levels,
            Some(text) => levels.and(T::text_column().ne(text)),
        }
    }

    pub fn order<T: Thing>(&self) -> Vec<OrderItem> {
        let first = match self.by {
            By::Key => None,
            By::Level => Some(T::level_column().asc()),
            By::LevelDown => Some(T::level_column().desc()),
            By::TextNullsFirst => Some(T::text_column().asc().nulls_first()),
            By::TextDownNullsLast => Some(T::text_column().desc().nulls_last()),
        };
        first.into_iter().chain(T::keys()).collect()
    }

    pub fn keeps<T: Thing>(&self, thing: &T) -> bool {
        self.levels.contains(&thing.level())
            && self.text.is_none_or(|text| thing.text().is_some_and(|own| own != text))
    }

    fn compare<T: Thing>(&self, a: &T, b: &T) -> Ordering {
        let first = match self.by {
            By::Key => Ordering::Equal,
            By::Level => a.level().cmp(&b.level()),
            By::LevelDown => b.level().cmp(&a.level()),
            By::TextNullsFirst => a.text().cmp(&b.text()),
            By::TextDownNullsLast => b.text().cmp(&a.text()),
        };
        first.then_with(|| a.order_of_keys(b))
    }

    /// Those that are kept, in order.
    pub fn of<'t, T: Thing>(&self, things: impl IntoIterator<Item = &'t T>) -> Vec<T> {
        let mut kept: Vec<T> = things.into_iter().filter(|thing| self.keeps(*thing)).cloned().collect();
        kept.sort_by(|a, b| self.compare(a, b));
        kept
    }
}
