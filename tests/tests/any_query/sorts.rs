//! The types, and what can be named of each.

use std::fmt::Debug;

use jiff::{Timestamp, civil::Date};
use relata::{
    expr::{BranchOf, Comparable, Nothing},
    prelude::*,
};
use relata_tests::Dice;
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::{data::Mood, expressions::Maker};

pub type Line = (
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
pub type Of<T> = Expr<Option<T>>;

/// What an expression can name, and what its subqueries can.
#[derive(Clone, Default)]
pub struct Scope {
    pub here: Leaves,
    pub below: Leaves,
}

impl Scope {
    pub fn of(here: &Leaves, outer: &Leaves) -> Scope {
        // What is near is named more often.
        let below = here.with(outer);
        Scope { here: here.with(&below), below }
    }
}

pub trait Sort:
    Type<Nullable = Option<Self>, Base = Self>
    + Comparable<Self, Common = Self>
    + Comparable<Nothing>
    + Debug
    + Clone
    + BranchOf<Self>
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
        pub struct Leaves {
            $(pub $leaves: Vec<Of<$ty>>,)*
        }

        impl Leaves {
            pub fn with(&self, other: &Leaves) -> Leaves {
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

pub fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}
pub fn date(text: &str) -> Date {
    text.parse().unwrap()
}
pub fn time(text: &str) -> Timestamp {
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
        $crate::sorts::any_sort! { $dice, $ty => $body;
            0..=2 => i64, 3 | 4 => String, 5 => bool, 6 => rust_decimal::Decimal, 7 => f64, 8 => jiff::civil::Date,
            9 => jiff::Timestamp, 10 => $crate::data::Mood, 11 => Vec<u8>, _ => uuid::Uuid
        }
    };
    ($dice:expr, $ty:ident => $body:expr; $($at:pat => $sort:ty),*) => {
        match $dice.roll(13) {
            $($at => {
                type $ty = $sort;
                $body
            })*
        }
    };
}
pub(crate) use any_sort;

pub type Items = (
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
