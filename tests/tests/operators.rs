//! What expressions and clauses give: the same on every database.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{any::Any, fmt::Debug};

use jiff::civil::{Date, date};
use relata::{
    dialect::Standard,
    expr::{
        Construct, Expression, IntoExpr, Node, concat, cume_dist, dense_rank, first_value, func, lag,
        last_value, lead, nth_value, ntile, percent_rank, rank,
    },
    prelude::*,
    render::{Compile, Precedence, Renderer, Statement},
    value::Value,
};
use relata_tests::{Database, on_every_database};
use rust_decimal::Decimal;

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "samples")]
struct Sample {
    #[column(primary_key)]
    id: i64,
    a: i64,
    b: i32,
    n: Option<i64>,
    f: f64,
    d: Decimal,
    t: String,
    u: Option<String>,
    flag: bool,
    day: Date,
}

/// More than a float can hold.
const BIG: i64 = 9_007_199_254_740_993;

/// `CASE WHEN value < least THEN least ELSE value END`: a construct that Relata does not have.
#[derive(Debug, PartialEq)]
struct AtLeast {
    value: Expression,
    least: Expression,
}

impl Node for AtLeast {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        out.sql("CASE WHEN ")
            .infix(&self.value, " < ", &self.least, Precedence::Comparison)?
            .sql(" THEN ")
            .expression(&self.least)?
            .sql(" ELSE ")
            .expression(&self.value)?
            .sql(" END");
        Ok(())
    }

    fn for_each_child<'s>(&'s self, visit: &mut dyn FnMut(&'s Expression)) {
        visit(&self.value);
        visit(&self.least);
    }
}

impl Construct for AtLeast {
    fn same(&self, other: &dyn Construct) -> bool {
        let other: &dyn Any = other;
        other.downcast_ref::<AtLeast>().is_some_and(|other| self == other)
    }
}

fn at_least<T>(value: impl IntoExpr, least: impl IntoExpr) -> Expr<T> {
    Expr::custom(AtLeast { value: value.into_expr().into_node(), least: least.into_expr().into_node() })
}

/// A text that stands alone.
fn text(text: &str) -> Expr<String> {
    val(text.to_owned())
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// Five rows, with keys from 1 to 5.
async fn samples(db: &Database) {
    Schema::new().with::<Sample>().create(&**db).await.unwrap();
    #[rustfmt::skip]
    let rows = [
        (7, 2, None, 1.5, "12.50", "Apple", None, true, date(2024, 2, 29)),
        (-7, 2, Some(1), -2.25, "-0.05", "apple pie", Some("x"), false, date(1969, 12, 31)),
        (7, -2, Some(2), 0.0, "0", "100%_!\\'", Some(""), false, date(2024, 3, 1)),
        (0, 5, Some(2), 1e10, "1000000", "  padded ", Some("Apple"), true, date(2024, 2, 29)),
        (9_007_199_254_740_993, 3, None, 0.1, "0.0001", "", None, true, date(1, 1, 1)),
    ];
    let new = rows.into_iter().enumerate().map(|(at, (a, b, n, f, d, t, u, flag, day))| {
        NewSample { a, b, n, f, d: decimal(d), t: t.into(), u: u.map(Into::into), flag, day }
            .with_key(at as i64 + 1)
    });
    assert_eq!(insert_many(new).execute(&**db).await.unwrap(), 5);
}

/// The value of an expression in each row, in the order of the keys.
async fn each<T: Type + PartialEq + Debug>(db: &Database, expr: Expr<T>) -> Vec<T> {
    select(expr).from(Sample::entity()).order_by(Sample::id).all(&**db).await.unwrap()
}

/// The value of an expression without a table.
async fn one<T: Type>(db: &Database, expr: Expr<T>) -> T {
    select(expr).one(&**db).await.unwrap()
}

/// The keys of the rows for which a condition holds.
async fn keys(
    db: &Database,
    condition: impl relata::expr::IntoExpr<Sql: relata::expr::Condition>,
) -> Vec<i64> {
    select(Sample::id).filter(condition).order_by(Sample::id).all(&**db).await.unwrap()
}

on_every_database! {
    async fn arithmetic(db: Database) {
        samples(&db).await;
        assert_eq!(each(&db, Sample::a + 1).await, [8, -6, 8, 1, BIG + 1]);
        assert_eq!(each(&db, Sample::a - Sample::b).await, [5, -9, 9, -5, BIG - 3]);
        assert_eq!(each(&db, Sample::a * Sample::b).await, [14, -14, -14, 0, BIG * 3]);
        assert_eq!(each(&db, Sample::a.negative()).await, [-7, 7, -7, 0, -BIG]);
        assert_eq!(each(&db, abs(Sample::a)).await, [7, 7, 7, 0, BIG]);
        assert_eq!(each(&db, Sample::n + 1).await, [None, Some(2_i64), Some(3), Some(3), None]);
        assert_eq!(each(&db, Sample::f * 2.0).await, [3.0, -4.5, 0.0, 2e10, 0.2]);
        assert_eq!(each(&db, Sample::f.negative()).await, [-1.5, 2.25, 0.0, -1e10, -0.1]);
        // What is bound alone has no column to tell its type.
        assert_eq!(one(&db, val(2) + 3).await, 5);
        assert_eq!(one(&db, val(2_i64) * 3_i64).await, 6);
        assert_eq!(one(&db, val(0.5) + 0.25).await, 0.75);
        assert_eq!(one(&db, val(decimal("0.1")) + decimal("0.2")).await, decimal("0.3"));
        assert_eq!(one(&db, val(i64::MAX - 1) + 1_i64).await, i64::MAX);
    }

    /// Where floats of 32 bits are calculated with in 64, the result is rounded.
    async fn arithmetic_of_f32(db: Database) {
        #[derive(Entity)]
        #[entity(table = "narrow")]
        struct Narrow {
            #[column(primary_key)]
            id: i64,
            f: f32,
            n: Option<f32>,
        }

        Schema::new().with::<Narrow>().create(&*db).await.unwrap();
        let values = [1.5_f32, -0.1, 16_777_217.0, 1e-38, 3.4e38];
        insert_many(values.map(|f| NewNarrow { f, n: Some(f) })).execute(&*db).await.unwrap();
        let each = async |expr: Expr<f32>| select(expr).from(Narrow::entity()).order_by(Narrow::id).all(&*db).await.unwrap();
        let stored = select(Narrow::f).order_by(Narrow::id).all(&*db).await.unwrap();
        assert_eq!(stored, values, "what is stored comes back as it was");
        assert_eq!(each(Narrow::f * 0.1_f32).await, values.map(|f| f * 0.1));
        assert_eq!(each(Narrow::f + 0.1_f32).await, values.map(|f| f + 0.1));
        assert_eq!(each(Narrow::f - 0.3_f32).await, values.map(|f| f - 0.3));
        assert_eq!(each(coalesce(Narrow::f.divided_by(3.0_f32), 0.0_f32)).await, values.map(|f| f / 3.0));
        assert_eq!(each(coalesce(Narrow::n, 0.1_f32)).await, values);
        assert_eq!(each(case().when(Narrow::f.lt(0.0_f32), 0.1_f32).otherwise(0.7)).await, [0.7, 0.1, 0.7, 0.7, 0.7]);
        assert_eq!(one(&db, val(1.5_f32) * 0.1_f32).await, 1.5 * 0.1);
        // What no f32 can hold is an error.
        let error = select(Narrow::f * 10.0_f32).all(&*db).await.unwrap_err();
        assert!(matches!(error.class(), ErrorClass::Decode | ErrorClass::Data), "{error:?}");
    }

    async fn division(db: Database) {
        samples(&db).await;
        // Integers are divided as in Rust, and the remainder has the sign of what is divided.
        assert_eq!(each(&db, Sample::a.divided_by(Sample::b)).await, [3, -3, -3, 0, 3_002_399_751_580_331].map(Some));
        assert_eq!(each(&db, Sample::a.modulo(Sample::b)).await, [1, -1, 1, 0, 0].map(Some));
        assert_eq!(each(&db, Sample::a % Sample::b).await, [1, -1, 1, 0, 0].map(Some));
        assert_eq!(each(&db, Sample::b / -2).await, [-1, -1, 1, -2, -1].map(Some));
        assert_eq!(each(&db, Sample::n.divided_by(2)).await, [None, Some(0_i64), Some(1), Some(1), None]);
        for (a, b) in [(7_i64, 2_i64), (-7, 2), (7, -2), (-7, -2), (i64::MIN, 3), (i64::MAX, -3)] {
            assert_eq!(one(&db, val(a).divided_by(b)).await, Some(a / b), "{a} / {b}");
            assert_eq!(one(&db, val(a).modulo(b)).await, Some(a % b), "{a} % {b}");
        }
        assert_eq!(each(&db, Sample::f.divided_by(4.0)).await, [0.375, -0.5625, 0.0, 2.5e9, 0.025].map(Some));
        assert_eq!(one(&db, val(1.0).divided_by(4.0)).await, Some(0.25));
        assert_eq!(one(&db, val(7.0).divided_by(2)).await, Some(3.5));
        // Decimals are divided as decimals, or not at all.
        match select(Sample::d.divided_by(4)).order_by(Sample::id).all(&*db).await {
            Ok(values) => assert_eq!(values, ["3.125", "-0.0125", "0", "250000", "0.000025"].map(|d| Some(decimal(d)))),
            Err(error) => assert_eq!(error.class(), ErrorClass::Compile, "{error:?}"),
        }
        // Nothing is divided by zero: it is NULL or an error, as the documentation says.
        match select(val(1).divided_by(0)).one(&*db).await {
            Ok(value) => assert_eq!(value, None),
            Err(error) => assert_eq!(error.class(), ErrorClass::Data, "{error:?}"),
        }
    }

    /// Where decimals are divided, the quotient has digits enough, and not more than a decimal in Rust can hold.
    async fn quotients(db: Database) {
        #[derive(Entity)]
        #[entity(table = "prices")]
        struct Price {
            #[column(primary_key)]
            id: i64,
            d: Decimal,
            #[column(precision(12, 2))]
            money: Decimal,
        }

        Schema::new().with::<Price>().create(&*db).await.unwrap();
        let values = ["0.5", "-10", "12.50", "1000000.01"].map(decimal);
        insert_many(values.map(|d| NewPrice { d, money: d })).execute(&*db).await.unwrap();
        let prices = select((Price::d, Price::money)).from(Price::entity()).subquery("prices");
        let (d, money) = prices.columns();
        let three = Decimal::from(3);
        let third = Price::d.divided_by(three);
        if let Err(error) = select(third.clone()).all(&*db).await {
            assert_eq!(error.class(), ErrorClass::Compile, "{error:?}");
            let error = select(d.divided_by(3)).from(&prices).all(&*db).await.unwrap_err();
            assert_eq!(error.class(), ErrorClass::Compile, "{error:?}");
            return;
        }
        // PostgreSQL gives 16 digits or more, those before the point included.
        let rounded = |values: Vec<Option<Decimal>>| values.into_iter().map(|d| d.unwrap().round_dp(11)).collect::<Vec<_>>();
        let each = async |expr: Expr<Option<Decimal>>| {
            rounded(select(expr).from(Price::entity()).order_by(Price::id).all(&*db).await.unwrap())
        };
        let same = |of: &dyn Fn(Decimal) -> Decimal| values.map(|d| of(d).round_dp(11));
        let (tenth, one) = (decimal("0.1"), Decimal::ONE);
        assert_eq!(each(third.clone()).await, same(&|d| d / three));
        assert_eq!(each(Price::d / 3).await, same(&|d| d / three));
        assert_eq!(each(Price::money.divided_by(three)).await, same(&|d| d / three));
        assert_eq!(each(val(1).divided_by(Price::d)).await, same(&|d| one / d));
        assert_eq!(each(val(tenth).divided_by(Price::money)).await, same(&|d| tenth / d));
        assert_eq!(each(Price::d.divided_by(decimal("0.7")).divided_by(three)).await, same(&|d| d / decimal("0.7") / three));
        assert_eq!(each((Price::d + 1).divided_by(three) * 2 + tenth).await, same(&|d| (d + one) / three * (one + one) + tenth));
        assert_eq!(each(Price::d.divided_by(8)).await, ["0.0625", "-1.25", "1.5625", "125000.00125"].map(decimal));
        assert_eq!(each(coalesce(Price::d.divided_by(None::<Decimal>), tenth).optional()).await, [tenth; 4]);
        let sums = select((sum(third.clone()), sum(Price::money).divided_by(count_all()))).from(Price::entity());
        let (thirds, average) = sums.one(&*db).await.unwrap();
        assert_eq!(rounded(vec![thirds, average]), ["333334.33666666667", "250000.7525"].map(decimal));
        let derived = select(d.divided_by(3)).from(&prices).filter(money.eq(decimal("0.5")));
        assert_eq!(rounded(derived.all(&*db).await.unwrap()), [decimal("0.16666666667")]);
        // What was stored is read again.
        update::<Price>().set(Price::d, coalesce(third, Decimal::ZERO)).execute(&*db).await.unwrap();
        assert_eq!(each(Price::d.optional()).await, same(&|d| d / three));
    }

    async fn decimals(db: Database) {
        samples(&db).await;
        let decimals = |texts: [&str; 5]| texts.map(decimal);
        assert_eq!(each(&db, Sample::d + decimal("0.1")).await, decimals(["12.6", "0.05", "0.1", "1000000.1", "0.1001"]));
        assert_eq!(each(&db, Sample::d * Sample::d).await, decimals(["156.25", "0.0025", "0", "1000000000000", "0.00000001"]));
        assert_eq!(each(&db, Sample::d - 1).await, decimals(["11.5", "-1.05", "-1", "999999", "-0.9999"]));
        assert_eq!(each(&db, Sample::d.negative()).await, decimals(["-12.5", "0.05", "0", "-1000000", "-0.0001"]));
        assert_eq!(each(&db, abs(Sample::d)).await, decimals(["12.5", "0.05", "0", "1000000", "0.0001"]));
        assert_eq!(keys(&db, Sample::d.gt(0)).await, [1, 4, 5]);
        assert_eq!(keys(&db, Sample::d.eq(decimal("12.5"))).await, [1]);
        assert_eq!(keys(&db, Sample::d.between(decimal("-0.05"), decimal("0.0001"))).await, [2, 3, 5]);
        let sorted = select(Sample::id).order_by(Sample::d.desc()).all(&*db).await.unwrap();
        assert_eq!(sorted, [4, 1, 5, 3, 2]);
        let (total, least, most) = select((sum(Sample::d), min(Sample::d), max(Sample::d))).one(&*db).await.unwrap();
        assert_eq!((total, least, most), (Some(decimal("1000012.4501")), Some(decimal("-0.05")), Some(decimal("1000000"))));
    }

    /// Wherever a decimal comes from, it compares as a number.
    async fn decimals_from_anywhere(db: Database) {
        samples(&db).await;
        let d = |text: &str| decimal(text);
        // Values among themselves.
        assert_eq!(one(&db, val(d("10")).between(d("9"), d("11"))).await, true);
        assert_eq!(one(&db, val(d("10")).gt(d("9"))).await, true);
        assert_eq!(one(&db, val(d("1.0")).in_list([d("3"), d("1.00")])).await, true);
        assert_eq!(one(&db, val(d("1.0")).is_distinct_from(d("1.00"))).await, false);
        assert_eq!(one(&db, nullif(val(d("1.0")), val(d("1.00")))).await, None);
        assert_eq!(one(&db, val(d("10.0")).not_in_select(select(val(d("10"))))).await, false);
        let both = select(val(d("9"))).union(select(val(d("9.0")))).all(&*db).await.unwrap();
        assert_eq!(both, [d("9")]);
        // Subqueries as values.
        let most = || scalar(select(max(Sample::d)).from(Sample::entity()));
        assert_eq!(one(&db, most().between(d("9"), d("2000000"))).await, Some(true));
        assert_eq!(one(&db, most().in_list([d("1000000.00")])).await, Some(true));
        // Columns of subqueries that begin with a value, or are nothing else.
        let union = select(val(d("9.0"))).union_all(select(Sample::d)).subquery("together");
        let of = union.columns();
        let sorted = select(of.clone()).from(&union).order_by(of.clone()).all(&*db).await.unwrap();
        assert_eq!(sorted, ["-0.05", "0", "0.0001", "9", "12.5", "1000000"].map(decimal));
        let all = select((sum(of.clone()), max(of.clone()), min(of.clone()), count_distinct(of.clone()))).from(&union);
        let expected = (Some(d("1000021.4501")), Some(d("1000000")), Some(d("-0.05")), 6);
        assert_eq!(all.one(&*db).await.unwrap(), expected);
        let some = select(of.clone()).from(&union).filter(of.clone().between(d("9"), d("13"))).order_by(of.clone());
        assert_eq!(some.all(&*db).await.unwrap(), [d("9"), d("12.5")]);
        let constant = select((Sample::id, val(d("10")).label("ten"))).subquery("constant");
        let (id, ten) = constant.columns();
        let less = select(id).from(&constant).join_on(Sample::entity(), Sample::d.lt(&ten));
        assert_eq!(less.count(&*db).await.unwrap(), 15);
        let same = select(count_all()).from(&constant);
        let same = same.filter(ten.clone().in_list([d("10.0")]).and(ten.is_not_distinct_from(d("10.00"))));
        assert_eq!(same.one(&*db).await.unwrap(), 5);
    }

    /// Running totals, whose first is a value.
    async fn decimals_in_a_recursion(db: Database) {
        samples(&db).await;
        let first = select((Sample::id, val(decimal("9")))).filter(Sample::id.eq(1));
        let totals = recursive("totals", first, |totals| {
            let (id, total) = totals.columns();
            let next = select((Sample::id, total + Sample::d)).from(Sample::entity());
            next.join_on(totals, Sample::id.eq(id + 1))
        });
        let (_, total) = totals.columns();
        let sorted = select(total.clone()).from(&totals).order_by(total.clone()).all(&*db).await.unwrap();
        assert_eq!(sorted, ["8.95", "8.95", "9", "1000008.95", "1000008.9501"].map(decimal));
        let all = select((max(total.clone()), sum(total.clone()))).from(&totals).one(&*db).await.unwrap();
        assert_eq!(all, (Some(decimal("1000008.9501")), Some(decimal("2000044.8001"))));
    }

    /// What stands in parentheses in Rust stands so in SQL.
    async fn precedence(db: Database) {
        for (a, b, c) in [(7_i64, 3_i64, 2_i64), (-5, 4, 3)] {
            let (x, y, z) = (val(a), val(b), val(c));
            assert_eq!(one(&db, (x.clone() + &y) * &z).await, (a + b) * c);
            assert_eq!(one(&db, x.clone() + y.clone() * &z).await, a + b * c);
            assert_eq!(one(&db, x.clone() - &y - &z).await, a - b - c);
            assert_eq!(one(&db, x.clone() - (y.clone() - &z)).await, a - (b - c));
            assert_eq!(one(&db, (x.clone() + &y).negative()).await, -(a + b));
            assert_eq!(one(&db, x.clone().negative().negative()).await, a);
            assert_eq!(one(&db, x.clone() - y.clone().negative()).await, a + b);
            assert_eq!(one(&db, x.clone().times(y.clone().modulo(&z))).await, Some(a * (b % c)));
            assert_eq!(one(&db, x.clone().times(&y).modulo(&z)).await, Some((a * b) % c));
            assert_eq!(one(&db, x.clone().divided_by(y.clone().divided_by(&z))).await, Some(a / (b / c)));
            assert_eq!(one(&db, (x.clone() - &y).gt(&z).eq(x.clone().lt(&y))).await, (a - b > c) == (a < b));
            assert_eq!(one(&db, x.clone().eq(&y).eq(false)).await, a != b);
            assert_eq!(one(&db, x.clone().lt(&y).is_null()).await, false);
        }
        for (p, q, r) in (0..8).map(|bits| (bits & 1 > 0, bits & 2 > 0, bits & 4 > 0)) {
            let (x, y, z) = (val(p), val(q), val(r));
            assert_eq!(one(&db, x.clone().or(&y).and(&z)).await, (p || q) && r);
            assert_eq!(one(&db, x.clone().or(y.clone().and(&z))).await, p || (q && r));
            assert_eq!(one(&db, x.clone().and(&y).not().or(&z)).await, !(p && q) || r);
            assert_eq!(one(&db, not(x.clone().or(&y)).eq(&z)).await, !(p || q) == r);
            assert_eq!(one(&db, x.clone().and(&y).eq(z.clone().or(&x))).await, (p && q) == (r || p));
            assert_eq!(one(&db, (!x.clone()).and(!y.clone())).await, !p && !q);
        }
        assert_eq!(one(&db, text("a").concat("b").eq("ab").and(text("b").concat("c").like("b_"))).await, true);
        assert_eq!(one(&db, val("a").concat("b")).await, "ab");
        assert_eq!(one(&db, (val(1) + 1).between(val(1) + 0, val(1) * 3).and(true)).await, true);
        assert_eq!(one(&db, val(3).between(1, 2).not()).await, true);
        assert_eq!(one(&db, val(3).in_list([1, 2]).not().eq(true)).await, true);
    }

    /// Three-valued logic.
    async fn null(db: Database) {
        let words = [Some(true), Some(false), None];
        for p in words {
            assert_eq!(one(&db, not(val(p))).await, p.map(|p| !p));
            assert_eq!(one(&db, val(p).is_null()).await, p.is_none());
            for q in words {
                let and = if p == Some(false) || q == Some(false) { Some(false) } else { p.zip(q).map(|(p, q)| p && q) };
                let or = if p == Some(true) || q == Some(true) { Some(true) } else { p.zip(q).map(|(p, q)| p || q) };
                assert_eq!(one(&db, val(p).and(q)).await, and, "{p:?} AND {q:?}");
                assert_eq!(one(&db, val(p).or(q)).await, or, "{p:?} OR {q:?}");
                assert_eq!(one(&db, val(p).eq(q)).await, p.zip(q).map(|(p, q)| p == q));
                assert_eq!(one(&db, val(p).is_distinct_from(q)).await, p != q);
                assert_eq!(one(&db, val(p).is_not_distinct_from(q)).await, p == q);
                assert_eq!(one(&db, not(val(p).is_distinct_from(q))).await, p == q);
            }
        }
        samples(&db).await;
        assert_eq!(each(&db, Sample::n.eq(2)).await, [None, Some(false), Some(true), Some(true), None]);
        assert_eq!(each(&db, Sample::n.is_distinct_from(2)).await, [true, true, false, false, true]);
        assert_eq!(keys(&db, Sample::n.ne(2)).await, [2]);
        assert_eq!(keys(&db, Sample::n.is_distinct_from(2)).await, [1, 2, 5]);
        assert_eq!(keys(&db, Sample::n.is_not_distinct_from(None::<i64>)).await, [1, 5]);
        assert_eq!(keys(&db, Sample::n.eq(None::<i64>)).await, [0; 0]);
        assert_eq!(keys(&db, Sample::n.is_not_null().and(Sample::u.is_not_null())).await, [2, 3, 4]);
        assert_eq!(keys(&db, not(Sample::n.is_null())).await, [2, 3, 4]);
    }

    async fn comparison(db: Database) {
        samples(&db).await;
        assert_eq!(keys(&db, Sample::a.eq(7)).await, [1, 3]);
        assert_eq!(keys(&db, Sample::a.ne(7)).await, [2, 4, 5]);
        assert_eq!(keys(&db, Sample::a.lt(Sample::b)).await, [2, 4]);
        assert_eq!(keys(&db, Sample::a.le(0)).await, [2, 4]);
        assert_eq!(keys(&db, Sample::a.gt(9_007_199_254_740_992_i64)).await, [5]);
        assert_eq!(keys(&db, Sample::a.ge(7)).await, [1, 3, 5]);
        assert_eq!(keys(&db, Sample::flag).await, [1, 4, 5]);
        assert_eq!(keys(&db, Sample::flag.not()).await, [2, 3]);
        assert_eq!(keys(&db, Sample::flag.eq(false)).await, [2, 3]);
        assert_eq!(keys(&db, Sample::t.eq("apple")).await, [0; 0]);
        assert_eq!(keys(&db, Sample::t.lt("B")).await, [1, 3, 4, 5]);
        // Spaces at the end count.
        assert_eq!(keys(&db, Sample::t.eq("  padded")).await, [0; 0]);
        assert_eq!(keys(&db, Sample::t.eq("  padded ")).await, [4]);
        assert_eq!(keys(&db, Sample::day.lt(date(2024, 3, 1)).and(Sample::day.ge(date(1969, 12, 31)))).await, [1, 2, 4]);
        assert_eq!(keys(&db, Sample::a.between(-7, 0)).await, [2, 4]);
        assert_eq!(keys(&db, not(Sample::a.between(-7, 0))).await, [1, 3, 5]);
        assert_eq!(keys(&db, Sample::n.between(2, 1)).await, [0; 0]);
        assert_eq!(keys(&db, all_of([Sample::a.eq(7), Sample::b.eq(2)])).await, [1]);
        assert_eq!(keys(&db, any_of([Sample::a.eq(0), Sample::b.eq(2)])).await, [1, 2, 4]);
        assert_eq!(keys(&db, all_of([val(true); 0])).await, [1, 2, 3, 4, 5]);
        assert_eq!(keys(&db, any_of([val(true); 0])).await, [0; 0]);
    }

    async fn lists(db: Database) {
        samples(&db).await;
        assert_eq!(keys(&db, Sample::a.in_list([7, 0])).await, [1, 3, 4]);
        assert_eq!(keys(&db, Sample::a.not_in_list([7_i64, 0])).await, [2, 5]);
        assert_eq!(keys(&db, not(Sample::a.in_list([7_i64, 0]))).await, [2, 5]);
        assert_eq!(keys(&db, Sample::a.in_list([0_i64; 0])).await, [0; 0]);
        assert_eq!(keys(&db, Sample::n.not_in_list([0_i64; 0])).await, [1, 2, 3, 4, 5]);
        assert_eq!(keys(&db, Sample::n.in_list([2_i64])).await, [3, 4]);
        assert_eq!(keys(&db, Sample::n.not_in_list([2_i64])).await, [2]);
        assert_eq!(keys(&db, Sample::t.in_list(["Apple".to_owned(), String::new(), "100%_!\\'".into()])).await, [1, 3, 5]);
        assert_eq!(keys(&db, (Sample::a + Sample::b).in_list([9_i64, 5])).await, [1, 3, 4]);
        assert_eq!(keys(&db, Sample::a.in_list([7_i64, 0]).eq(false)).await, [2, 5]);
        // NULL in a list is neither found nor not found, in a short list as in a long one.
        for length in [1, 3, 10, 100] {
            let list = || std::iter::repeat_n(None, length).chain([Some(2_i64), Some(77)]);
            assert_eq!(keys(&db, Sample::n.in_list(list())).await, [3, 4], "{length}");
            assert_eq!(keys(&db, Sample::n.not_in_list(list())).await, [0; 0], "{length}");
            assert_eq!(each(&db, Sample::n.in_list(list())).await, [None, None, Some(true), Some(true), None], "{length}");
        }
        assert_eq!(keys(&db, Sample::n.in_list([None::<i64>])).await, [0; 0]);
    }

    async fn a_list_of_40_000(db: Database) {
        samples(&db).await;
        let long = || (0..40_000_i64).map(|n| n * 7);
        assert_eq!(keys(&db, Sample::a.in_list(long())).await, [1, 3, 4]);
        assert_eq!(keys(&db, Sample::a.not_in_list(long())).await, [2, 5]);
        let words = (0..40_000).map(|n| format!("{n}'\"")).chain(["Apple".to_owned()]);
        assert_eq!(keys(&db, Sample::t.in_list(words)).await, [1]);
    }

    /// More than there can be binds.
    async fn a_list_of_100_000(db: Database) {
        samples(&db).await;
        let long = || (0..100_000_i64).map(|n| n * 7);
        assert_eq!(keys(&db, Sample::a.in_list(long())).await, [1, 3, 4]);
        assert_eq!(keys(&db, Sample::a.not_in_list(long())).await, [2, 5]);
        assert_eq!(keys(&db, Sample::n.not_in_list(long().map(Some).chain([None]))).await, [0; 0]);
        let ids = || (0..100_000_u128).map(uuid::Uuid::from_u128);
        assert_eq!(one(&db, val(uuid::Uuid::from_u128(77)).in_list(ids())).await, true);
        assert_eq!(one(&db, val(uuid::Uuid::max()).in_list(ids())).await, false);
        // What cannot be sent so is said before anything is sent.
        let words = (0..100_000).map(|n| format!("{n}'\"")).chain(["Apple".to_owned()]);
        match select(Sample::id).filter(Sample::t.in_list(words)).all(&*db).await {
            Ok(found) => assert_eq!(found, [1]),
            Err(error) => {
                assert_eq!(error.class(), ErrorClass::Compile);
                assert!(error.to_string().contains("ask in parts"), "{error}");
            }
        }
    }

    async fn subqueries(db: Database) {
        samples(&db).await;
        let twos = || select(Sample::a).filter(Sample::b.eq(2));
        assert_eq!(keys(&db, Sample::a.in_select(twos())).await, [1, 2, 3]);
        assert_eq!(keys(&db, Sample::a.not_in_select(twos())).await, [4, 5]);
        assert_eq!(keys(&db, Sample::a.in_select(twos().order_by(Sample::id.desc()).limit(1))).await, [2]);
        // A NULL among the rows makes NOT IN unknown.
        assert_eq!(keys(&db, Sample::a.not_in_select(select(Sample::n))).await, [0; 0]);
        let other = Sample::alias("other");
        let same_a = || select(other.column(Sample::id)).filter(other.column(Sample::a).eq(Sample::a)).filter(other.column(Sample::id).ne(Sample::id));
        assert_eq!(keys(&db, exists(same_a())).await, [1, 3]);
        assert_eq!(keys(&db, not_exists(same_a())).await, [2, 4, 5]);
        assert_eq!(keys(&db, not(exists(same_a()))).await, [2, 4, 5]);
        assert_eq!(keys(&db, exists(same_a()).eq(false).and(Sample::flag)).await, [4, 5]);
        let later = || select(min(other.column(Sample::id))).filter(other.column(Sample::id).gt(Sample::id));
        assert_eq!(each(&db, scalar(later())).await, [Some(2), Some(3), Some(4), Some(5), None]);
        assert_eq!(keys(&db, scalar(later()).eq(4)).await, [3]);
        assert_eq!(each(&db, scalar(select(max(other.column(Sample::id)))) - Sample::id).await, [4, 3, 2, 1, 0].map(Some));
    }

    /// The innermost query names columns of both that are around it.
    async fn subqueries_in_subqueries(db: Database) {
        samples(&db).await;
        let (other, between) = (Sample::alias("other"), Sample::alias("between"));
        let id = |alias: &Alias<Sample>| alias.column(Sample::id);
        // The next row with the same flag, where none between has this flag or that b.
        let in_between = || {
            select(id(&between))
                .filter(id(&between).gt(Sample::id).and(id(&between).lt(id(&other))))
                .filter(between.column(Sample::flag).eq(Sample::flag).or(between.column(Sample::b).eq(other.column(Sample::b))))
        };
        let next = || {
            select(id(&other))
                .filter(id(&other).gt(Sample::id))
                .filter(other.column(Sample::flag).eq(Sample::flag))
                .filter(not_exists(in_between()))
        };
        assert_eq!(keys(&db, exists(next())).await, [1, 2, 4]);
        assert_eq!(keys(&db, val(5_i64).in_select(next())).await, [4]);
        assert_eq!(each(&db, scalar(next())).await, [Some(4), Some(3), None, Some(5), None]);
        // How many rows up to this one have none before them with a larger a and the b of this one.
        let larger = || {
            select(id(&between))
                .filter(id(&between).lt(id(&other)))
                .filter(between.column(Sample::a).gt(other.column(Sample::a)))
                .filter(between.column(Sample::b).eq(Sample::b))
        };
        let counted = || select(count(id(&other))).filter(id(&other).le(Sample::id)).filter(not_exists(larger()));
        assert_eq!(each(&db, scalar(counted())).await, [1, 1, 3, 4, 5].map(Some));
    }

    async fn constructs_of_ones_own(db: Database) {
        samples(&db).await;
        assert_eq!(each(&db, at_least::<i64>(Sample::a, 3_i64)).await, [7, 3, 7, 3, 9_007_199_254_740_993]);
        assert_eq!(each(&db, at_least::<i64>(Sample::a + 1_i64, Sample::id * 2_i64) + 1_i64).await, [9, 5, 9, 9, 9_007_199_254_740_995]);
        assert_eq!(keys(&db, at_least::<i64>(Sample::a, 1_i64).between(1, 5).and(Sample::b.eq(2))).await, [2]);
        let sorted = select(Sample::id).order_by(at_least::<i64>(Sample::a, 1_i64)).order_by(Sample::id.desc()).all(&*db).await.unwrap();
        assert_eq!(sorted, [4, 2, 3, 1, 5]);
        assert_eq!(one(&db, at_least::<i64>(val(2_i64), at_least::<i64>(val(3_i64), val(1_i64)))).await, 3);
        assert_eq!(select(sum(at_least::<i64>(Sample::b, 0))).filter(Sample::id.le(3)).one(&*db).await.unwrap().map(|sum| sum.to_string()).as_deref(), Some("4"));
    }

    async fn like(db: Database) {
        samples(&db).await;
        assert_eq!(keys(&db, Sample::t.like("%pie")).await, [2]);
        assert_eq!(keys(&db, Sample::t.like("apple%")).await, [2], "upper and lower case differ");
        assert_eq!(keys(&db, Sample::t.like("_pple")).await, [1]);
        assert_eq!(keys(&db, Sample::t.like("100!%!_!!%")).await, [3]);
        assert_eq!(keys(&db, not(Sample::t.like("%p%"))).await, [3, 5]);
        assert_eq!(keys(&db, Sample::t.like("")).await, [5]);
        assert_eq!(keys(&db, Sample::t.ilike("APPLE%")).await, [1, 2]);
        assert_eq!(keys(&db, not(Sample::t.ilike("APPLE%"))).await, [3, 4, 5]);
        for part in ["%", "_", "!", "\\", "'", "%_!\\'", "100%"] {
            assert_eq!(keys(&db, Sample::t.contains(part)).await, [3], "{part}");
            assert_eq!(keys(&db, Sample::t.icontains(part)).await, [3], "{part}");
        }
        assert_eq!(keys(&db, Sample::t.contains("")).await, [1, 2, 3, 4, 5]);
        assert_eq!(keys(&db, Sample::t.starts_with("apple")).await, [2]);
        assert_eq!(keys(&db, Sample::t.starts_with("100%")).await, [3]);
        assert_eq!(keys(&db, Sample::t.starts_with("1%")).await, [0; 0]);
        assert_eq!(keys(&db, Sample::t.ends_with("\\'")).await, [3]);
        assert_eq!(keys(&db, Sample::t.ends_with("e")).await, [1, 2]);
        assert_eq!(keys(&db, Sample::t.icontains("APP")).await, [1, 2]);
        assert_eq!(keys(&db, Sample::u.contains("p")).await, [4]);
        assert_eq!(each(&db, Sample::u.contains("p")).await, [None, Some(false), Some(false), Some(true), None]);
        assert_eq!(keys(&db, Sample::t.like(Sample::u)).await, [0; 0]);
        assert_eq!(one(&db, text("ЖУК").like("жук")).await, false);
        assert_eq!(one(&db, text("Äpfel").ilike("äPFEL")).await, true, "not only ASCII has upper and lower case");
        assert_eq!(one(&db, text("a\nb").like("a%b")).await, true);
        assert_eq!(one(&db, text("🦀").like("_")).await, true);
    }

    async fn functions(db: Database) {
        samples(&db).await;
        assert_eq!(each(&db, lower(Sample::t)).await, ["apple", "apple pie", "100%_!\\'", "  padded ", ""]);
        assert_eq!(each(&db, upper(Sample::u)).await, [None, Some("X".to_owned()), Some(String::new()), Some("APPLE".into()), None]);
        assert_eq!(each(&db, trim(Sample::t)).await[3], "padded");
        assert_eq!(each(&db, char_length(Sample::t)).await, [5, 9, 8, 9, 0]);
        assert_eq!(one(&db, char_length(text("ключ🦀"))).await, 5);
        assert_eq!(each(&db, Sample::t.concat("!")).await[0], "Apple!");
        assert_eq!(each(&db, concat(Sample::u, Sample::t)).await[..2], [None, Some("xapple pie".to_owned())]);
        assert_eq!(each(&db, coalesce(Sample::n, 0_i64)).await, [0, 1, 2, 2, 0]);
        assert_eq!(each(&db, coalesce(Sample::n, coalesce(Sample::n, Sample::a))).await, [7, 1, 2, 2, 9_007_199_254_740_993]);
        assert_eq!(each(&db, coalesce(Sample::u, "none")).await, ["none", "x", "", "Apple", "none"]);
        assert_eq!(each(&db, nullif(Sample::a, 7_i64)).await, [None, Some(-7), None, Some(0), Some(9_007_199_254_740_993)]);
        assert_eq!(one(&db, coalesce(None::<String>, "x")).await, "x");
        assert_eq!(each(&db, func::<i64, _>("ABS", [Sample::a + 0])).await[1], 7);
        assert_eq!(each(&db, raw::<i64>("? + 1").arg(Sample::a)).await[0], 8);
        let before = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(300);
        let present: jiff::Timestamp = one(&db, now()).await;
        assert!(present > before && present < jiff::Timestamp::now() + jiff::SignedDuration::from_secs(300), "{present}");
    }

    async fn case_and_cast(db: Database) {
        samples(&db).await;
        let size = case().when(Sample::a.gt(100), "large").when(Sample::a.gt(0), "small").otherwise("none");
        assert_eq!(each(&db, size).await, ["small", "none", "small", "none", "large"]);
        let first = case().when(Sample::n.eq(2), Sample::n).end();
        assert_eq!(each(&db, first).await, [None, None, Some(2), Some(2), None]);
        assert_eq!(keys(&db, case().when(Sample::flag, Sample::b).otherwise(0).gt(2)).await, [4, 5]);
        assert_eq!(one(&db, case().when(val(true), 1).otherwise(2)).await, 1);
        assert_eq!(each(&db, cast::<f64, _>(Sample::b)).await, [2.0, 2.0, -2.0, 5.0, 3.0]);
        assert_eq!(each(&db, cast::<String, _>(Sample::a)).await, ["7", "-7", "7", "0", "9007199254740993"]);
        assert_eq!(each(&db, cast::<String, _>(Sample::n)).await[..2], [None, Some("1".to_owned())]);
        assert_eq!(each(&db, cast::<i64, _>(Sample::flag)).await, [1, 0, 0, 1, 1]);
        assert_eq!(each(&db, cast::<Decimal, _>(Sample::b)).await, [2, 2, -2, 5, 3].map(Decimal::from));
        assert_eq!(each(&db, cast::<i32, _>(Sample::a.times(0).plus(5))).await, [5; 5]);
        assert_eq!(one(&db, cast::<i64, _>(text("-42"))).await, -42);
        assert_eq!(one(&db, cast::<Date, _>(text("2024-02-29"))).await, date(2024, 2, 29));
        assert_eq!(one(&db, cast::<f64, _>(text("1.5"))).await, 1.5);
        assert_eq!(one(&db, cast::<bool, _>(val(1))).await, true);
        assert_eq!(each(&db, cast::<bool, _>(Sample::a)).await, [true, true, true, false, true]);
        assert_eq!(one(&db, cast::<bool, _>(val(0.25))).await, true);
        assert_eq!(each(&db, cast::<f64, _>(Sample::flag)).await, [1.0, 0.0, 0.0, 1.0, 1.0]);
        assert_eq!(one(&db, cast::<Decimal, _>(text("12.25"))).await, decimal("12.25"));
        let words = ["true", "false", "false", "true", "true"];
        assert_eq!(each(&db, cast::<String, _>(Sample::flag)).await, words);
        assert_eq!(one(&db, cast::<String, _>(val(None::<bool>))).await, None);
        for (float, whole) in [(3.6, 4), (-2.7, -3), (0.4, 0)] {
            assert_eq!(one(&db, cast::<i32, _>(val(float))).await, whole);
        }
        for (text, whole) in [("0.5", 1), ("-0.5", -1), ("100.4999", 100), ("-7", -7), ("9007199254740992.5", BIG)] {
            assert_eq!(one(&db, cast::<i64, _>(val(decimal(text)))).await, whole);
        }
        // Where a UUID is bytes, no garbage comes of it.
        let id = uuid::Uuid::from_u128(7);
        match select(cast::<String, _>(val(id))).one(&*db).await {
            Ok(text) => assert_eq!(text, id.to_string()),
            Err(error) => assert_eq!(error.class(), ErrorClass::Compile, "{error}"),
        }
    }

    /// What is bound where no column tells its type is calculated with as what it is.
    async fn integers_stay_integers(db: Database) {
        samples(&db).await;
        let sign = || case().when(Sample::a.gt(0), 1_i64).otherwise(-1_i64);
        assert_eq!(each(&db, sign()).await, [1, -1, 1, -1, 1]);
        assert_eq!(each(&db, sign() + 1_i64).await, [2, 0, 2, 0, 2]);
        assert_eq!(each(&db, sign().negative()).await, [-1, 1, -1, 1, -1]);
        assert_eq!(each(&db, abs(sign())).await, [1; 5]);
        assert_eq!(each(&db, (sign() * 7_i64).divided_by(2_i64)).await, [3, -3, 3, -3, 3].map(Some));
        assert_eq!(each(&db, case().when(Sample::flag, BIG).otherwise(0_i64) + 1_i64).await, [BIG + 1, 1, 1, BIG + 1, BIG + 1]);
        assert_eq!(each(&db, case().when(Sample::flag, sign()).otherwise(5_i64) + 1_i64).await, [2, 6, 6, 0, 2]);
        let once = case().when(Sample::flag, None::<i64>).otherwise(Some(1_i64));
        assert_eq!(each(&db, once + 1_i64).await, [None, Some(2), Some(2), None, None]);
        assert_eq!(each(&db, over(sum(sign()), window())).await, [Some(1); 5]);
        assert_eq!(each(&db, over(sum(val(2_i64)), window().order_by(Sample::id))).await, [2, 4, 6, 8, 10].map(Some));
        let sums = select((sum(sign()), sum(val(2_i64)), sum(val(2_i32)), sum(sign()).filter_where(Sample::flag), sum(val(3_i64)).filter_where(Sample::flag)));
        let sums = sums.from(Sample::entity()).one(&*db).await.unwrap();
        assert_eq!(sums, (Some(1), Some(10), Some(10), Some(1), Some(9)));
        let others = select((max(sign()) + 1_i64, max(val(BIG)) + 1_i64, sum(val(BIG)), avg(sign()), count(val(7)), count_where(Sample::flag)));
        let others = others.from(Sample::entity()).one(&*db).await.unwrap();
        assert_eq!(others, (Some(2), Some(BIG + 1), Some(BIG * 5), Some(0.2), 5, 3));
    }

    /// A NULL that is bound is calculated with as a number of its type: what stands in for it is of that type, too.
    async fn null_is_calculated_with(db: Database) {
        samples(&db).await;
        let none = || None::<i64>;
        assert_eq!(each(&db, coalesce(Sample::n + none(), 7_i64)).await, [7; 5]);
        assert_eq!(each(&db, coalesce(none(), Sample::n) + 1_i64).await, [None, Some(2), Some(3), Some(3), None]);
        assert_eq!(each(&db, coalesce(Sample::a - Sample::b * none(), Sample::b)).await, [2, 2, -2, 5, 3]);
        assert_eq!(each(&db, coalesce(val(none()) * Sample::a, 7_i64)).await, [7; 5]);
        assert_eq!(each(&db, coalesce(Sample::a.modulo(none()), 7_i64)).await, [7; 5]);
        assert_eq!(each(&db, coalesce(Sample::a.divided_by(none()), 7_i64)).await, [7; 5]);
        assert_eq!(each(&db, coalesce(val(none()).negative(), 7_i64)).await, [7; 5]);
        assert_eq!(each(&db, coalesce(abs(val(none())), 7_i64)).await, [7; 5]);
        assert_eq!(each(&db, case().when(Sample::flag, Sample::n + None::<i32>).otherwise(Some(7_i64))).await, [None, Some(7), Some(7), None, None]);
        assert_eq!(each(&db, coalesce(case().when(Sample::flag, none()).end() + 1_i64, 7_i64)).await, [7; 5]);
        assert_eq!(each(&db, coalesce(over(sum(val(none())), window()), 7_i64)).await, [7; 5]);
        assert_eq!(each(&db, coalesce(Sample::d + None::<Decimal>, decimal("0.1"))).await, [decimal("0.1"); 5]);
        assert_eq!(each(&db, coalesce(val(None::<Decimal>) * Sample::d, Sample::d)).await, ["12.5", "-0.05", "0", "1000000", "0.0001"].map(decimal));
        assert_eq!(each(&db, coalesce(Sample::f * None::<f64>, 0.5)).await, [0.5; 5]);
        assert_eq!(one(&db, coalesce(val(none()) + 1_i64, 7_i64)).await, 7);
    }

    async fn aggregates(db: Database) {
        samples(&db).await;
        let row = select((count_all(), count(Sample::n), count_distinct(Sample::a), sum(Sample::b), sum(Sample::n))).one(&*db).await.unwrap();
        assert_eq!(row, (5, 3, 4, Some(10), Some(5)));
        let row = select((min(Sample::a), max(Sample::a), min(Sample::day), max(Sample::u), avg(Sample::b), avg(Sample::n))).one(&*db).await.unwrap();
        assert_eq!(row, (Some(-7), Some(9_007_199_254_740_993), Some(date(1, 1, 1)), Some("x".into()), Some(2.0), Some(5.0 / 3.0)));
        assert_eq!(select(sum(Sample::f)).filter(Sample::id.lt(4)).one(&*db).await.unwrap(), Some(-0.75));
        assert_eq!(select(sum(Sample::a)).one(&*db).await.unwrap(), Some(9_007_199_254_741_000));
        // No row: nothing is counted, and there is no sum.
        let none = select((count_all(), count(Sample::a), sum(Sample::a), avg(Sample::a), min(Sample::t), max(Sample::d))).filter(Sample::id.gt(99));
        assert_eq!(none.one(&*db).await.unwrap(), (0, 0, None, None, None, None));
        let filtered = select((count_all().filter_where(Sample::flag), sum(Sample::a).filter_where(Sample::b.eq(2)), count_distinct(Sample::b).filter_where(Sample::a.gt(0))));
        assert_eq!(filtered.one(&*db).await.unwrap(), (3, Some(0), 3));
        let groups = select((Sample::b, count_all(), max(Sample::n))).group_by(Sample::b).order_by(Sample::b);
        assert_eq!(groups.clone().all(&*db).await.unwrap(), [(-2, 1, Some(2)), (2, 2, Some(1)), (3, 1, None), (5, 1, Some(2))]);
        assert_eq!(groups.having(count_all().gt(1)).all(&*db).await.unwrap(), [(2, 2, Some(1))]);
        let parity = Sample::b.modulo(2);
        let groups = select((parity.clone(), count_all())).group_by(parity.clone()).order_by(count_all().desc()).order_by(parity);
        assert_eq!(groups.all(&*db).await.unwrap(), [(Some(0), 3), (Some(1), 2)]);
        // A sum that no i64 can hold is an error, and never another number.
        let large = select(sum(Sample::a * 500)).filter(Sample::id.eq(5)).one(&*db).await.unwrap();
        assert_eq!(large, Some(9_007_199_254_740_993_i64 * 500));
        insert(NewSample { a: i64::MAX, b: 0, n: None, f: 0.0, d: Decimal::ZERO, t: String::new(), u: None, flag: true, day: date(1, 1, 1) }.with_key(6)).execute(&*db).await.unwrap();
        let error = select(sum(Sample::a)).one(&*db).await.unwrap_err();
        assert!(matches!(error.class(), ErrorClass::Decode | ErrorClass::Data), "{error:?}");
    }

    /// Within others, in HAVING and in the order.
    async fn what_groups_are_by(db: Database) {
        samples(&db).await;
        let plain: fn() -> Expr<i32> = || Sample::b * Sample::b;
        let bound: fn() -> Expr<i32> = || Sample::b * Sample::b + 1;
        for (square, more) in [(plain, 0), (bound, 1)] {
            let groups = || select((square(), count_all())).group_by(square());
            let large = groups().having(square().gt(8)).order_by(square().desc()).all(&*db).await.unwrap();
            assert_eq!(large, [(25 + more, 1), (9 + more, 1)]);
            let twice = select((square() * 2, count_all())).group_by(square()).order_by(square());
            assert_eq!(twice.all(&*db).await.unwrap(), [(2 * (4 + more), 3), (2 * (9 + more), 1), (2 * (25 + more), 1)]);
            let counts = select(count_all()).from(Sample::entity()).group_by(square()).order_by(square().desc());
            assert_eq!(counts.all(&*db).await.unwrap(), [1, 1, 3]);
            let places = select((square(), over(row_number(), window().order_by(square().desc())))).group_by(square());
            assert_eq!(places.order_by(square()).all(&*db).await.unwrap(), [(4 + more, 3), (9 + more, 2), (25 + more, 1)]);
        }
        let word = || upper(Sample::t);
        let words = select((word().concat("!"), count_all())).group_by(word()).having(word().starts_with("APPLE")).order_by(word());
        assert_eq!(words.all(&*db).await.unwrap(), [("APPLE!".to_owned(), 1), ("APPLE PIE!".to_owned(), 1)]);
    }

    /// MySQL and MariaDB know some of them only where they are selected.
    async fn what_is_asked_of_groups(db: Database) {
        samples(&db).await;
        let other = Sample::alias("other");
        let n = || Sample::n.of(&other);
        let pairs = select(count_all()).from(Sample::entity()).join_on(&other, Sample::b.eq(Sample::b.of(&other)));
        let pairs = pairs.group_by(Sample::n).group_by(vec![n()]).having(n().is_not_null()).order_by(count_all());
        assert_eq!(pairs.all(&*db).await.unwrap(), [1, 1, 2]);
        let computed = select((Sample::b * Sample::b, val(7_i64))).subquery("computed");
        let (square, seven) = computed.columns();
        let groups = select(count_all()).from(&computed).group_by((square.clone(), seven.clone()));
        let groups = groups.having(square.gt(4).and((seven + 1_i64).eq(8_i64))).order_by(count_all());
        assert_eq!(groups.all(&*db).await.unwrap(), [1, 1]);
    }

    async fn windows(db: Database) {
        samples(&db).await;
        let by_b = || window().partition_by(Sample::b).order_by(Sample::id);
        let rows = select((
            over(row_number(), by_b()),
            over(lag(Sample::a), window().order_by(Sample::id)),
            over(lead(Sample::t), window().order_by(Sample::id)),
            over(sum(Sample::b), window().order_by(Sample::id)),
            over(count_all(), window().partition_by(Sample::b)),
            over(max(Sample::b), window()),
        ));
        let rows = rows.order_by(Sample::id).all(&*db).await.unwrap();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(rows, [
            (1, None, some("apple pie"), Some(2), 2, Some(5)),
            (2, Some(7), some("100%_!\\'"), Some(4), 2, Some(5)),
            (1, Some(-7), some("  padded "), Some(2), 1, Some(5)),
            (1, Some(7), some(""), Some(7), 1, Some(5)),
            (1, Some(0), None, Some(10), 1, Some(5)),
        ]);
        // Alone, as MariaDB 10.11 mistakes the direction of a window for that of another one over the same column.
        let by_size = || window().order_by(Sample::b.desc());
        let ranks = select((over(rank(), by_size()), over(dense_rank(), by_size()))).order_by(Sample::id);
        assert_eq!(ranks.all(&*db).await.unwrap(), [(3, 3), (3, 3), (5, 4), (1, 1), (2, 2)]);
        let shares = select((over(percent_rank(), by_size()), over(cume_dist(), by_size()))).order_by(Sample::id);
        assert_eq!(shares.all(&*db).await.unwrap(), [(0.5, 0.8), (0.5, 0.8), (1.0, 1.0), (0.0, 0.2), (0.25, 0.4)]);
        assert_eq!(each(&db, over(ntile(2), window().order_by(Sample::id)) - 3).await, [-2_i64, -2, -2, -1, -1]);
        // Of each group the newest: a window in a subquery.
        let numbered = select((Sample::id, over(row_number(), window().partition_by(Sample::b).order_by(Sample::id.desc())))).subquery("numbered");
        let (id, number) = numbered.columns();
        let newest = select(id.clone()).from(&numbered).filter(number.eq(1)).order_by(id);
        assert_eq!(newest.all(&*db).await.unwrap(), [2, 3, 4, 5]);
    }

    async fn rows_of_a_window(db: Database) {
        samples(&db).await;
        let by_id = || window().order_by(Sample::id);
        let sums = async |window| each(&db, coalesce(over(sum(Sample::b), window), 0_i64)).await;
        assert_eq!(sums(by_id()).await, [2, 4, 2, 7, 10]);
        assert_eq!(sums(by_id().rows(-1..=1)).await, [4, 2, 5, 6, 8]);
        assert_eq!(sums(by_id().rows(-1..1)).await, [2, 4, 0, 3, 8]);
        assert_eq!(sums(by_id().rows(..=0)).await, [2, 4, 2, 7, 10]);
        assert_eq!(sums(by_id().rows(..)).await, [10; 5]);
        assert_eq!(sums(by_id().rows(1..)).await, [8, 6, 8, 3, 0]);
        assert_eq!(sums(by_id().rows(-3..=-2)).await, [0, 0, 2, 4, 0]);
        assert_eq!(sums(by_id().rows(i64::MIN..=i64::MAX)).await, [10; 5]);
        assert_eq!(sums(window().rows(..)).await, [10; 5]);
        assert_eq!(sums(by_id().partition_by(Sample::flag).rows(-1..=0)).await, [2, 2, 0, 7, 8]);
        assert_eq!(each(&db, over(max(Sample::b), by_id().rows(0..=1))).await, [2, 2, 5, 5, 3].map(Some));
        assert_eq!(each(&db, over(count_all(), by_id().rows(-9..=-3))).await, [0, 0, 0, 1, 2]);
        let sums = each(&db, over(sum(Sample::d), by_id().rows(-1..=0))).await;
        assert_eq!(sums, ["12.50", "12.45", "-0.05", "1000000", "1000000.0001"].map(|sum| Some(decimal(sum))));

        assert_eq!(each(&db, over(first_value(Sample::t), by_id())).await, [(); 5].map(|()| Some("Apple".to_owned())));
        assert_eq!(each(&db, over(first_value(Sample::flag), by_id().rows(-1..=-1))).await, [None, Some(true), Some(false), Some(false), Some(true)]);
        assert_eq!(each(&db, over(first_value(Sample::day), by_id().rows(1..))).await[3..], [Some(date(1, 1, 1)), None]);
        assert_eq!(each(&db, over(last_value(Sample::n), by_id())).await, [None, Some(1), Some(2), Some(2), None]);
        assert_eq!(each(&db, over(last_value(Sample::d), by_id().rows(..))).await, [Some(decimal("0.0001")); 5]);
        assert_eq!(each(&db, over(nth_value(Sample::n, 3), by_id().rows(-2..=0))).await, [None, None, Some(2), Some(2), None]);
        assert_eq!(each(&db, over(last_value(Sample::d), by_id()) + Decimal::ONE).await[0], Some(decimal("13.50")));

        for (wrong, why) in [
            (over(rank(), by_id().rows(..)), "RANK is of its place in the whole partition: leave out `.rows(…)`"),
            (over(ntile(0), by_id()), "NTILE and NTH_VALUE count from 1, not from 0"),
            (over(count_all(), by_id().rows(0..0)), "there are no rows from 0 to -1: the first of a window comes before the last"),
        ] {
            let error = select(wrong).from(Sample::entity()).all(&*db).await.unwrap_err();
            assert_eq!((error.class(), error.to_string().contains(why)), (ErrorClass::Compile, true), "{error}");
        }
        let error = select(over(first_value(Sample::n), window())).all(&*db).await.unwrap_err();
        assert!(error.to_string().contains("FIRST_VALUE means nothing without an order"), "{error}");
    }

    async fn order(db: Database) {
        samples(&db).await;
        let order = async |items: Vec<relata::clause::OrderItem>| {
            let select = items.into_iter().fold(select(Sample::id), |select, item| select.order_by(item));
            select.order_by(Sample::id).all(&*db).await.unwrap()
        };
        assert_eq!(order(vec![Sample::a.asc()]).await, [2, 4, 1, 3, 5]);
        assert_eq!(order(vec![Sample::b.desc(), Sample::a.desc()]).await, [4, 5, 1, 2, 3]);
        assert_eq!(order(vec![Sample::n.asc().nulls_first()]).await, [1, 5, 2, 3, 4]);
        assert_eq!(order(vec![Sample::n.asc().nulls_last()]).await, [2, 3, 4, 1, 5]);
        assert_eq!(order(vec![Sample::n.desc().nulls_first()]).await, [1, 5, 3, 4, 2]);
        assert_eq!(order(vec![Sample::n.desc().nulls_last()]).await, [3, 4, 2, 1, 5]);
        assert_eq!(order(vec![(Sample::n + 1).desc().nulls_last()]).await, [3, 4, 2, 1, 5]);
        assert_eq!(order(vec![Sample::flag.desc()]).await, [1, 4, 5, 2, 3]);
        assert_eq!(order(vec![Sample::day.asc()]).await, [5, 2, 1, 4, 3]);
        assert_eq!(order(vec![Sample::f.desc()]).await, [4, 1, 5, 3, 2]);
        let firsts = over(row_number(), window().order_by(Sample::n.desc().nulls_last()).order_by(Sample::id));
        assert_eq!(each(&db, firsts).await, [4, 3, 1, 2, 5]);
    }

    async fn distinct_and_limit(db: Database) {
        samples(&db).await;
        assert_eq!(select(Sample::b).distinct().order_by(Sample::b).all(&*db).await.unwrap(), [-2, 2, 3, 5]);
        assert_eq!(select(Sample::n).distinct().order_by(Sample::n.asc().nulls_last()).all(&*db).await.unwrap(), [Some(1), Some(2), None]);
        let ids = || select(Sample::id).order_by(Sample::id);
        assert_eq!(ids().limit(2).all(&*db).await.unwrap(), [1, 2]);
        assert_eq!(ids().limit(2).offset(3).all(&*db).await.unwrap(), [4, 5]);
        assert_eq!(ids().offset(4).all(&*db).await.unwrap(), [5]);
        assert_eq!(ids().offset(99).all(&*db).await.unwrap(), [0; 0]);
        assert_eq!(ids().limit(0).all(&*db).await.unwrap(), [0; 0]);
        assert_eq!(ids().limit(i64::MAX as u64).all(&*db).await.unwrap().len(), 5);
        assert_eq!(ids().limit(u64::MAX).all(&*db).await.unwrap().len(), 5);
        assert_eq!(ids().limit(u64::MAX).offset(u64::MAX).all(&*db).await.unwrap().len(), 0);
        assert_eq!(ids().limit(2).offset(1).count(&*db).await.unwrap(), 2);
        assert_eq!(select(Sample::b).distinct().count(&*db).await.unwrap(), 4);
        assert!(ids().filter(Sample::a.eq(0)).exists(&*db).await.unwrap());
        assert!(!ids().filter(Sample::a.eq(1)).exists(&*db).await.unwrap());
        assert_eq!(ids().first(&*db).await.unwrap(), Some(1));
        assert_eq!(ids().one(&*db).await.unwrap_err().class(), ErrorClass::TooManyRows);
        assert_eq!(ids().filter(Sample::id.eq(9)).one(&*db).await.unwrap_err().class(), ErrorClass::NotFound);
    }

    async fn set_operations(db: Database) {
        samples(&db).await;
        let ids = |from: i64, to: i64| select(Sample::id).filter(Sample::id.between(from, to));
        let sorted = async |select: Select<i64>| {
            let mut rows = select.all(&*db).await.unwrap();
            rows.sort();
            rows
        };
        assert_eq!(sorted(ids(1, 2).union(ids(2, 3))).await, [1, 2, 3]);
        assert_eq!(sorted(ids(1, 2).union_all(ids(2, 3))).await, [1, 2, 2, 3]);
        assert_eq!(sorted(ids(1, 4).intersect(ids(3, 5))).await, [3, 4]);
        assert_eq!(sorted(ids(1, 4).except(ids(3, 5))).await, [1, 2]);
        assert_eq!(sorted(ids(1, 1).union(ids(2, 2)).union(ids(3, 3))).await, [1, 2, 3]);
        assert_eq!(sorted(ids(1, 1).union(ids(2, 2).union(ids(3, 3)))).await, [1, 2, 3]);
        assert_eq!(sorted(ids(1, 1).union_all(ids(1, 1)).union(ids(1, 1))).await, [1]);
        assert_eq!(sorted(ids(1, 1).union(ids(1, 1)).union_all(ids(1, 1))).await, [1, 1]);
        // EXCEPT is not associative, and INTERSECT binds tighter than UNION in some databases only.
        assert_eq!(sorted(ids(1, 4).except(ids(2, 3)).except(ids(3, 4))).await, [1]);
        assert_eq!(sorted(ids(1, 4).except(ids(2, 3).except(ids(3, 4)))).await, [1, 3, 4]);
        assert_eq!(sorted(ids(1, 5).except(ids(1, 1).union(ids(5, 5)))).await, [2, 3, 4]);
        assert_eq!(sorted(ids(1, 2).union(ids(4, 5)).intersect(ids(2, 4))).await, [2, 4]);
        assert_eq!(sorted(ids(1, 2).union(ids(4, 5).intersect(ids(2, 4)))).await, [1, 2, 4]);
        assert_eq!(sorted(ids(1, 3).union(ids(5, 5)).except(ids(2, 2).union(ids(3, 3)))).await, [1, 5]);
        // Parts with an order and limit of their own.
        let last = || select(Sample::id).order_by(Sample::id.desc()).limit(1);
        let first = || select(Sample::id).order_by(Sample::id).limit(1);
        assert_eq!(sorted(first().union(last())).await, [1, 5]);
        assert_eq!(sorted(ids(1, 3).except(first().union(last()))).await, [2, 3]);
        // The whole, ordered and cut, filtered, counted, read from.
        let all = ids(1, 2).union(ids(4, 5));
        assert_eq!(all.clone().order_by(Sample::id.desc()).limit(3).offset(1).all(&*db).await.unwrap(), [4, 2, 1]);
        assert_eq!(all.clone().count(&*db).await.unwrap(), 4);
        let part = all.subquery("part");
        let id = part.columns();
        assert_eq!(select(id.clone()).from(&part).filter(id.clone().gt(2)).order_by(id).all(&*db).await.unwrap(), [4, 5]);
        // Rows of several columns, some of them NULL.
        let rows = select((Sample::n, Sample::u)).filter(Sample::id.in_list([1_i64, 5]))
            .union(select((Sample::n, Sample::u)).filter(Sample::id.eq(2)));
        assert_eq!(rows.order_by(Sample::n.asc().nulls_last()).all(&*db).await.unwrap(), [(Some(1), Some("x".into())), (None, None)]);
    }

    async fn ctes(db: Database) {
        samples(&db).await;
        let numbers = recursive("numbers", select(val(1_i64).label("n")), |numbers| {
            let n = numbers.columns();
            select(n.clone() + 1_i64).from(numbers).filter(n.lt(100))
        });
        let n = numbers.columns();
        assert_eq!(select((count_all(), sum(n.clone()), max(n.clone()))).from(&numbers).one(&*db).await.unwrap(), (100, Some(5050), Some(100)));
        let missing = select(n.clone()).from(&numbers).left_join_on(Sample::entity(), Sample::id.eq(&n)).filter(Sample::id.optional().is_null());
        assert_eq!(missing.order_by(n.clone()).limit(2).all(&*db).await.unwrap(), [6, 7]);
        // One that reads from another, and both in one statement.
        let even = select(n.clone()).from(&numbers).filter(n.clone().modulo(2).eq(0)).cte("even");
        let e = even.columns();
        let both = select((n.clone(), e.clone())).from(&numbers).join_on(&even, e.eq(n.clone() * 2)).order_by(n.clone());
        assert_eq!(both.limit(2).all(&*db).await.unwrap(), [(1, 2), (2, 4)]);
        // In a subquery, and in both sides of a union.
        assert_eq!(keys(&db, Sample::id.in_select(select(n.clone()).from(&numbers).filter(n.clone().gt(3)))).await, [4, 5]);
        let small = select(n.clone()).from(&numbers).filter(n.clone().lt(3));
        let large = select(n.clone()).from(&numbers).filter(n.gt(98));
        let mut rows = small.union(large).all(&*db).await.unwrap();
        rows.sort();
        assert_eq!(rows, [1, 2, 99, 100]);
        // Two of one name would be one of them.
        let first = select(Sample::id).cte("same");
        let second = select(Sample::id + 1_i64).cte("same");
        let both = select(first.columns()).from(&first).union(select(second.columns()).from(&second));
        let error = both.all(&*db).await.unwrap_err();
        assert!(error.to_string().contains("two CTEs are named same"), "{error}");
    }

    async fn rows_that_are_there(db: Database) {
        samples(&db).await;
        let pairs = || select((Sample::flag, Sample::a)).distinct();
        let count = pairs().all(&*db).await.unwrap().len() as u64;
        for (offset, there) in [(0, true), (count - 1, true), (count, false)] {
            let rows = pairs().order_by((Sample::flag, Sample::a)).limit(9).offset(offset);
            assert_eq!(one(&db, exists(rows)).await, there, "{offset} of {count}");
        }
    }

    async fn joins(db: Database) {
        samples(&db).await;
        let other = Sample::alias("other");
        // Self-joins by alias.
        let pairs = select((Sample::id, other.column(Sample::id)))
            .join_on(&other, other.column(Sample::a).eq(Sample::a).and(other.column(Sample::id).gt(Sample::id)));
        assert_eq!(pairs.all(&*db).await.unwrap(), [(1, 3)]);
        let condition = || other.column(Sample::id).eq(Sample::n);
        let left = select((Sample::id, other.column(Sample::t).optional())).left_join_on(&other, condition()).order_by(Sample::id);
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(left.all(&*db).await.unwrap(), [(1, None), (2, text("Apple")), (3, text("apple pie")), (4, text("apple pie")), (5, None)]);
        let whole = select((Sample::id, other.entity().optional())).left_join_on(&other, condition()).order_by(Sample::id);
        let found: Vec<_> = whole.all(&*db).await.unwrap().into_iter().map(|(id, other)| (id, other.map(|other| other.id))).collect();
        assert_eq!(found, [(1, None), (2, Some(1)), (3, Some(2)), (4, Some(2)), (5, None)]);
        // What may be missing is no plain value.
        let plain = select((Sample::id, other.column(Sample::t))).left_join_on(&other, condition());
        let error = plain.all(&*db).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Compile);
        assert!(error.to_string().contains("other.t is on the side of an outer join"), "{error}");
        assert_eq!(select(count_all()).from(Sample::entity()).cross_join(&other).one(&*db).await.unwrap(), 25);
        // What is missing is NULL also when it is calculated with or defaulted.
        let length = select((Sample::id, coalesce(char_length(other.column(Sample::t)).optional(), -1))).left_join_on(&other, condition()).order_by(Sample::id);
        assert_eq!(length.all(&*db).await.unwrap(), [(1, -1), (2, 5), (3, 9), (4, 9), (5, -1)]);
        let unmatched = select(Sample::id).left_join_on(&other, condition()).filter(other.column(Sample::id).is_null()).order_by(Sample::id);
        assert_eq!(unmatched.all(&*db).await.unwrap(), [1, 5]);
        // A subquery on the optional side.
        let counted = select((Sample::n, count_all())).filter(Sample::n.is_not_null()).group_by(Sample::n).subquery("counted");
        let (n, rows) = counted.columns();
        let joined = select((Sample::id, rows.clone().optional())).left_join_on(&counted, n.clone().eq(Sample::id)).order_by(Sample::id);
        assert_eq!(joined.all(&*db).await.unwrap(), [(1, Some(1)), (2, Some(2)), (3, None), (4, None), (5, None)]);
        let plain = select((Sample::id, rows)).left_join_on(&counted, n.eq(Sample::id));
        assert_eq!(plain.all(&*db).await.unwrap_err().class(), ErrorClass::Compile);
    }

    /// What is claimed works on the real database; what is not is refused before it is asked.
    async fn every_feature(db: Database) {
        use relata::{ddl, dialect::Feature, render::Statement, transaction::TransactionOptions, types::Type as _};

        #[derive(Enum, Debug, Clone, PartialEq)]
        #[enumeration(native)]
        enum Size { Small }

        samples(&db).await;
        let dialect = db.dialect().clone();
        let other = Sample::alias("other");
        let same = || other.column(Sample::n).eq(Sample::id);
        for feature in Feature::ALL {
            let claimed = dialect.supports(*feature);
            // The statement, and whether it did what it says.
            let outcome: Result<bool, Error> = match feature {
                Feature::InsertReturning => {
                    let new = NewSample { a: 1, b: 1, n: None, f: 1.0, d: Decimal::ONE, t: String::new(), u: None, flag: true, day: date(2000, 1, 1) };
                    let insert = insert(new.with_key(77)).returning(Sample::id);
                    assert_eq!(insert.compile(&*dialect).is_ok(), claimed);
                    // It is there either way.
                    assert_eq!(insert.one(&*db).await.unwrap(), 77);
                    delete::<Sample>().filter(Sample::id.eq(77)).execute(&*db).await.unwrap();
                    continue;
                }
                Feature::UpdateReturning => {
                    let update = update::<Sample>().set(Sample::b, Sample::b).filter(Sample::id.eq(1));
                    update.returning(Sample::t).all(&*db).await.map(|rows| rows == ["Apple"])
                }
                Feature::DeleteReturning => {
                    let delete = delete::<Sample>().filter(Sample::id.eq(99));
                    delete.returning(Sample::t).all(&*db).await.map(|rows| rows.is_empty())
                }
                Feature::FullJoin => {
                    let rows = select((Sample::id.optional(), other.column(Sample::id).optional())).full_join_on(&other, same());
                    rows.all(&*db).await.map(|rows| rows.len() == 8 && rows.contains(&(None, Some(1))) && rows.contains(&(Some(3), None)))
                }
                Feature::RightJoin => {
                    let rows = select((Sample::id.optional(), other.column(Sample::id))).right_join_on(&other, same()).order_by(other.column(Sample::id));
                    rows.all(&*db).await.map(|rows| rows == [(None, 1), (Some(1), 2), (Some(2), 3), (Some(2), 4), (None, 5)])
                }
                Feature::Locking => {
                    let mut tx = db.begin().await.unwrap();
                    let ids = select(Sample::id).filter(Sample::id.eq(1));
                    let shared = ids.clone().for_share().all(&mut tx).await;
                    let rows = ids.for_update().all(&mut tx).await;
                    tx.rollback().await.unwrap();
                    shared.and(rows).map(|rows| rows == [1])
                }
                Feature::SkipLocked => {
                    let mut tx = db.begin().await.unwrap();
                    if dialect.supports(Feature::Locking) {
                        select(Sample::id).filter(Sample::id.eq(1)).for_update().all(&mut tx).await.unwrap();
                    }
                    let rows = select(Sample::id).order_by(Sample::id).skip_locked().all(&*db).await;
                    tx.rollback().await.unwrap();
                    rows.map(|rows| rows == [2, 3, 4, 5])
                }
                Feature::IntersectExcept => {
                    let select = || select(Sample::a);
                    let intersect = select().intersect(select()).all(&*db).await;
                    let except = select().except(select()).all(&*db).await;
                    assert_eq!(intersect.is_ok(), except.is_ok());
                    intersect.map(|rows| rows.len() == 4 && except.is_ok_and(|rows| rows.is_empty()))
                }
                Feature::IntersectExceptAll => {
                    let select = || select(Sample::a);
                    let intersect = select().intersect_all(select()).all(&*db).await;
                    let except = select().except_all(select().filter(Sample::id.eq(1))).all(&*db).await;
                    assert_eq!(intersect.is_ok(), except.is_ok());
                    intersect.map(|rows| rows.len() == 5 && except.is_ok_and(|rows| rows.len() == 4))
                }
                Feature::ArrayBind => {
                    // Lists work either way; only how they are bound differs.
                    let statement = select(Sample::id).filter(Sample::id.in_list([1_i64, 2, 3]));
                    let binds = statement.compile(&*dialect).unwrap().binds.len();
                    assert_eq!(binds, if claimed { 1 } else { 3 });
                    continue;
                }
                Feature::NamedEnum => {
                    let relata::value::Kind::Enum(ty) = Size::KIND else { panic!("no enum") };
                    let create = ddl::Ddl::CreateEnum(ddl::CreateEnum { ty, if_not_exists: false });
                    let created = create.execute(&*db).await;
                    if created.is_ok() {
                        ddl::Ddl::DropEnum(ddl::DropEnum { ty, if_exists: false }).execute(&*db).await.unwrap();
                    }
                    created.map(|_| true)
                }
                Feature::ReadOnlyTransaction => match db.begin_with(TransactionOptions::new().read_only()).await {
                    Err(error) => Err(error),
                    Ok(mut tx) => {
                        let error = delete::<Sample>().execute(&mut tx).await.unwrap_err();
                        assert_eq!(error.class(), ErrorClass::ReadOnly, "{error:?}");
                        tx.rollback().await.unwrap();
                        Ok(true)
                    }
                },
                Feature::AggregateFilter => {
                    let count = select(count_all().filter_where(Sample::flag));
                    count.one(&*db).await.map(|count| count == 3)
                }
                Feature::HavingAlone => {
                    let many = || select(val(7_i64)).from(Sample::entity());
                    let ordered = many().order_by(max(Sample::id)).all(&*db).await.unwrap_err();
                    assert_eq!(ordered.class(), ErrorClass::Compile, "{ordered:?}");
                    let within = select(over(row_number(), window().partition_by(max(Sample::id)))).from(Sample::entity());
                    let within = within.having(count_all().gt(4)).all(&*db).await;
                    let alone = many().having(count_all().gt(4)).order_by(max(Sample::id)).all(&*db).await;
                    assert_eq!(within.is_ok(), alone.is_ok(), "{within:?}");
                    alone.map(|rows| rows == [7] && within.is_ok_and(|rows| rows == [1]))
                }
                Feature::TransactionalDdl => {
                    let mut tx = db.begin().await.unwrap();
                    sql("CREATE TABLE passing (x INT)").execute(&mut tx).await.unwrap();
                    tx.rollback().await.unwrap();
                    let there = sql("SELECT COUNT(*) FROM passing").columns::<i64>().one(&*db).await.is_ok();
                    assert_eq!(there, !claimed);
                    continue;
                }
                Feature::Schemas => {
                    #[derive(Entity, Debug)]
                    #[entity(table = "elsewhere", schema = "no_such_schema")]
                    struct Elsewhere {
                        #[column(primary_key)]
                        id: i64,
                    }
                    match Elsewhere::select().all(&*db).await.unwrap_err() {
                        // It was asked, and the database says that there is none.
                        error if claimed => {
                            assert_ne!(error.class(), ErrorClass::Compile, "{error:?}");
                            Ok(true)
                        }
                        error => Err(error),
                    }
                }
                // Seen by what the pool and the schema do with them; upserts and defaults have tests of their own.
                Feature::GroupedParts | Feature::ConflictTarget | Feature::DefaultInValues | Feature::SetDefault | Feature::AlterForeignKeys | Feature::Pipelining => continue,
                other => panic!("there is no test for the feature {other}"),
            };
            match outcome {
                Ok(right) => assert!(claimed && right, "{} does not claim or do {feature}", dialect.name()),
                Err(error) => {
                    assert!(!claimed, "{} claims {feature}: {error:?}", dialect.name());
                    assert_eq!(error.class(), ErrorClass::Compile, "{feature}: {error:?}");
                    let (text, no) = (error.to_string(), format!("{} has no ", dialect.name()));
                    // Without locks at all, there are none to skip.
                    let none = [*feature, Feature::Locking].map(|feature| format!("{no}{feature}"));
                    assert!(text == none[0] || (*feature == Feature::SkipLocked && text == none[1]), "{feature}: {text}");
                }
            }
        }
    }
}

#[test]
fn a_construct_of_ones_own_is_one_like_others() {
    let construct = || at_least::<i64>(Sample::a + 1_i64, 2_i64);
    let statement = select(construct()).filter(construct().gt(3_i64));
    let compiled = statement.compile(&Standard).unwrap();
    let text = r#"CASE WHEN "samples"."a" + ? < ? THEN ? ELSE "samples"."a" + ? END"#;
    assert_eq!(compiled.sql, format!(r#"SELECT {text} FROM "samples" WHERE {text} > ?"#));
    let binds: Vec<Value> = compiled.binds.iter().map(|bind| bind.value().into_owned()).collect();
    assert_eq!(binds, [1, 2, 2, 1, 1, 2, 2, 1, 3].map(Value::I64));
    assert_eq!(construct().node(), construct().node());
    assert_ne!(construct().node(), at_least::<i64>(Sample::a, 2_i64).node());
    // What is in it is seen: columns that are not read, not grouped, or may not be there.
    let refused = |statement: Select<i64>| statement.compile(&Standard).unwrap_err().to_string();
    let words = refused(select(construct()).from(Sample::alias("other")));
    assert!(words.contains("samples.a is not in scope"), "{words}");
    let words = refused(select(construct()).group_by(Sample::b));
    assert!(words.contains("samples.a is neither"), "{words}");
    let other = Sample::alias("other");
    let outer = at_least::<i64>(val(1_i64), other.column(Sample::a));
    let words =
        refused(select(outer).from(Sample::entity()).left_join_on(&other, other.column(Sample::id).eq(1)));
    assert!(words.contains("on the side of an outer join"), "{words}");
}

/// The operands of a construct are met in the order in which they are written.
#[test]
fn binds_are_met_as_they_are_written() {
    fn collect<'e>(expression: &'e Expression, binds: &mut Vec<&'e Value>) {
        if let Expression::Bind(value) = expression {
            binds.push(value);
        }
        expression.for_each_child(&mut |child| collect(child, binds));
    }
    let v = |at: i64| val(at);
    let t = |at: i64| text(&at.to_string());
    let constructs: Vec<Expression> = vec![
        (v(1) + v(2) * v(3) - v(4)).into_node(),
        v(1).negative().eq(v(2)).into_node(),
        v(1).lt(v(2)).and(v(3).ge(v(4)).or(v(5).ne(v(6)))).into_node(),
        not(v(1).eq(v(2))).into_node(),
        v(1).between(v(2), v(3)).into_node(),
        not(v(1).between(v(2), v(3))).into_node(),
        v(1).is_distinct_from(v(2)).into_node(),
        v(1).is_null().into_node(),
        t(1).like(t(2)).into_node(),
        t(1).concat(t(2)).into_node(),
        cast::<String, _>(v(1)).into_node(),
        case().when(v(1).eq(v(2)), v(3)).when(v(4).gt(v(5)), v(6)).otherwise(v(7)).into_node(),
        coalesce(val(Some(1_i64)), v(2)).into_node(),
        nullif(v(1), v(2)).into_node(),
        func::<i64, _>("f", [v(1), v(2), v(3)]).into_node(),
        raw::<i64>("? + ? - ?").arg(v(1)).arg(v(2)).arg(v(3)).into_node(),
        sum(v(1)).filter_where(v(2).gt(v(3))).into_node(),
        over(sum(v(1)), window().partition_by(v(2)).order_by(v(3)).order_by(v(4))).into_node(),
    ];
    for construct in constructs {
        let mut met = Vec::new();
        collect(&construct, &mut met);
        let statement = select(Expr::<i64>::new(construct.clone()));
        let compiled = statement.compile(&Standard).unwrap();
        let written: Vec<Value> = compiled.binds.iter().map(|bind| bind.value().into_owned()).collect();
        assert_eq!(written.iter().collect::<Vec<_>>(), met, "{}", compiled.sql);
        let numbers = written.iter().map(|value| match value {
            Value::I64(number) => *number,
            Value::Text(number) => number.parse().unwrap(),
            other => panic!("{other:?}"),
        });
        assert!(numbers.eq(1..=met.len() as i64), "{}: {written:?}", compiled.sql);
    }
}
