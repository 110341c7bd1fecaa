//! Statements that databases would answer differently, or not at all, as they are written: they give the same everywhere.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use relata::{
    expr::{IntoExpr, concat, func, rank},
    prelude::*,
};
use relata_tests::{Server, on_every_database};
use rust_decimal::Decimal;

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "things")]
struct Thing {
    #[column(primary_key, generated = false)]
    id: i64,
    group: i64,
    name: String,
    size: Option<i32>,
    price: Option<Decimal>,
    weight: Option<f64>,
    count: u32,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "stocks", unique(sku, site))]
struct Stock {
    #[column(primary_key)]
    id: i64,
    #[column(length = 20)]
    sku: String,
    site: i32,
}

/// Four things, with the number of each as its group.
async fn create(db: &Engine) {
    Schema::new().with::<Thing>().with::<Stock>().create(db).await.unwrap();
    let thing = |id| NewThing {
        id,
        group: id,
        name: format!("w{id}"),
        size: None,
        price: None,
        weight: None,
        count: 1,
    };
    insert_many((1..=4).map(thing)).execute(db).await.unwrap();
}

on_every_database! {
    async fn an_update_reads_its_table_as_it_was(db: Database) {
        create(&db).await;
        // MySQL reads it only with one more SELECT around it.
        let s = select((Thing::id, Thing::name)).subquery("s");
        let (id, name) = s.columns();
        let before = scalar(select(name).from(s).filter(id.eq(Thing::id - 1_i64)));
        update::<Thing>().set(Thing::name, coalesce(before, "first")).execute(&*db).await.unwrap();
        let names = select(Thing::name).order_by(Thing::id).all(&*db).await.unwrap();
        assert_eq!(names, ["first", "w1", "w2", "w3"]);
        let s = select((Thing::id, Thing::group)).subquery("s");
        let (id, group) = s.columns();
        let sum = scalar(select(sum(group)).from(s).filter(id.le(Thing::id)));
        let filter = Thing::id.gt(1);
        let update = update::<Thing>().set(Thing::group, coalesce(sum, 0)).filter(filter);
        assert_eq!(update.execute(&*db).await.unwrap(), 3);
        assert_eq!(select(Thing::group).order_by(Thing::id).all(&*db).await.unwrap(), [1, 3, 6, 10]);
    }

    /// Each value is set from the row as it was, also by subqueries, which MySQL runs when those before it are set.
    async fn subqueries_read_the_row_as_it_was(db: Database) {
        create(&db).await;
        insert_many((1..=3).map(|site| NewStock { sku: "a".into(), site })).execute(&*db).await.unwrap();
        let further = || cast::<i64, _>(Stock::site).gt(Thing::group);
        let update = update::<Thing>()
            .set(Thing::group, coalesce(scalar(select(max(cast::<i64, _>(Stock::site)))), 0_i64))
            .set(Thing::price, cast::<Decimal, _>(scalar(select(count_all()).from(Stock::entity()).filter(further()))))
            .set(Thing::name, case().when(exists(select(Stock::id).filter(further())), "before").otherwise("behind"))
            .set(Thing::count, case().when(val(2).in_select(select(Stock::site).filter(further())), 5_u32).otherwise(6_u32));
        assert_eq!(update.execute(&*db).await.unwrap(), 4);
        let rows = select((Thing::group, Thing::price, Thing::name, Thing::count)).order_by(Thing::id).all(&*db).await.unwrap();
        let row = |price: i64, name: &str, count| (3, Some(price.into()), name.to_owned(), count);
        assert_eq!(rows, [row(2, "before", 5), row(1, "before", 6), row(0, "behind", 6), row(0, "behind", 6)]);
        // MariaDB, which sets all at once, shows some subqueries what is set before them.
        let more = scalar(select(max(cast::<i64, _>(Stock::site)) + Thing::group));
        let first = relata::prelude::update::<Thing>().set(Thing::group, 100).set(Thing::size, cast::<i32, _>(more));
        assert_eq!(first.filter(Thing::id.eq(1)).execute(&*db).await.unwrap(), 1);
        let first = select((Thing::group, Thing::size)).filter(Thing::id.eq(1)).one(&*db).await.unwrap();
        assert_eq!(first, (100, Some(6)));
    }

    async fn a_sum_of_integers_is_an_integer(db: Database) {
        create(&db).await;
        let sums = select((Thing::group % 2, sum(Thing::id))).group_by(Thing::group % 2).subquery("s");
        let (_, total) = sums.columns();
        let quarters = select(total.clone() / 4).from(sums).order_by(total);
        assert_eq!(quarters.all(&*db).await.unwrap(), [Some(1_i64); 2]);
        let running = over(sum(Thing::id), window().order_by(Thing::id)) / 3;
        let running = select(running).order_by(Thing::id).all(&*db).await.unwrap();
        assert_eq!(running, [0_i64, 1, 2, 3].map(Some));
        let some = select(sum(Thing::id).filter_where(Thing::id.gt(1)) / 2).one(&*db).await.unwrap();
        assert_eq!(some, Some(4_i64));
    }

    async fn what_stands_in_for_null_may_be_narrower(db: Database) {
        create(&db).await;
        update::<Thing>().set(Thing::group, 5_000_000_000_i64).filter(Thing::id.eq(1)).execute(&*db).await.unwrap();
        let total: i64 = select(coalesce(sum(Thing::group), 0)).one(&*db).await.unwrap();
        assert_eq!(total, 5_000_000_009);
        let first = || Thing::id.eq(1);
        let (price, weight): (Decimal, f64) =
            select((coalesce(Thing::price, 0), coalesce(Thing::weight, 0))).filter(first()).one(&*db).await.unwrap();
        assert_eq!((price, weight), (Decimal::ZERO, 0.0));
        let values = update::<Thing>().set(Thing::price, Decimal::new(250, 2)).set(Thing::weight, 2.5);
        values.filter(first()).execute(&*db).await.unwrap();
        let (price, half): (Decimal, Option<f64>) =
            select((coalesce(Thing::price, 0), coalesce(Thing::weight, 0) / 2)).filter(first()).one(&*db).await.unwrap();
        assert_eq!((price, half), (Decimal::new(25, 1), Some(1.25)));
    }

    async fn the_largest_of_texts_that_are_bound(db: Database) {
        create(&db).await;
        let word = || case().when(Thing::group.gt(2), "hi").otherwise("lo");
        assert_eq!(select(max(word())).one(&*db).await.unwrap().as_deref(), Some("lo"));
        let groups = select(Thing::group).group_by(Thing::group).having(max(word()).eq("hi")).order_by(Thing::group);
        assert_eq!(groups.all(&*db).await.unwrap(), [3, 4]);
        let over = select(over(max(word()), window())).limit(1).one(&*db).await.unwrap();
        assert_eq!(over.as_deref(), Some("lo"));
        let none = select(min(coalesce(val(None::<String>), "z"))).one(&*db).await.unwrap();
        assert_eq!(none.as_deref(), Some("z"));
    }

    async fn among_the_rows_of_a_set_operation(db: Database) {
        create(&db).await;
        let group = |id: i64| id % 3 + 1;
        for id in 1..=4 {
            update::<Thing>().set(Thing::group, group(id)).filter(Thing::id.eq(id)).execute(&*db).await.unwrap();
        }
        let rest = select(Thing::group).distinct().except_all(select(Thing::id).filter(Thing::id.lt(3)));
        if db.server() != Server::Sqlite {
            let ids = select(Thing::id).filter(Thing::id.in_select(rest)).all(&*db).await.unwrap();
            assert_eq!(ids, [3]);
        }
        let least = select(Thing::group).order_by(Thing::group).limit(1);
        let most = select(Thing::group).order_by(Thing::group.desc()).limit(1);
        let ends = Thing::id.in_select(least.union_all(most));
        assert_eq!(select(Thing::id).filter(ends).order_by(Thing::id).all(&*db).await.unwrap(), [1, 3]);
    }

    async fn do_nothing_about_a_row_of_the_same_list(db: Database) {
        create(&db).await;
        let stock = || NewStock { sku: "a".into(), site: 1 };
        let insert = insert_many([stock(), stock()]).on_conflict((Stock::sku, Stock::site)).do_nothing();
        assert_eq!(insert.execute(&*db).await.unwrap(), 1);
    }

    async fn labels_that_differ_in_case_only(db: Database) {
        create(&db).await;
        let s = select((Thing::id.label("a"), (Thing::id * -1).label("A"))).subquery("s");
        let (a, b) = s.columns();
        let rows: Vec<(i64, i64)> = select((a, b)).from(s).all(&*db).await.unwrap();
        assert!(rows.iter().all(|(a, b)| *a == -*b), "{rows:?}");
    }

    async fn a_remainder_of_floats_is_refused(db: Database) {
        create(&db).await;
        let refused = select(Thing::weight.modulo(2.0)).all(&*db).await.unwrap_err();
        assert_eq!(refused.class(), ErrorClass::Compile);
        assert!(refused.to_string().contains("no remainder of floats"), "{refused}");
    }

    async fn the_present_as_a_day(db: Database) {
        let (day, now) = select((now::<jiff::civil::Date>(), now::<jiff::Timestamp>())).one(&*db).await.unwrap();
        let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
        assert!(day == today || day == today.yesterday().unwrap());
    }

    async fn a_sum_beyond_its_type_is_an_error(db: Database) {
        create(&db).await;
        update::<Thing>().set(Thing::group, i64::MAX).execute(&*db).await.unwrap();
        let error = select(sum(Thing::group)).one(&*db).await.unwrap_err();
        assert!(matches!(error.class(), ErrorClass::Data | ErrorClass::Decode), "{error}");
    }

    async fn an_unsigned_number_less_a_larger_one(db: Database) {
        create(&db).await;
        assert_eq!(select(Thing::count - 300_i64).filter(Thing::id.eq(1)).one(&*db).await.unwrap(), -299);
    }
}

on_every_database! {
    /// A server cannot know that two placeholders stand for the same, unless they have one number.
    async fn what_is_grouped_by_with_a_bind(db: Database) {
        create(&db).await;
        if matches!(db.server(), Server::MySql | Server::MariaDb) {
            return;
        }
        let band = || case().when(Thing::group.gt(2), "high").otherwise("low");
        let bands = select((band(), count_all())).group_by(band()).having(band().ne("low"));
        assert_eq!(bands.all(&*db).await.unwrap(), [("high".to_owned(), 2)]);
        let odd = || Thing::group % 2;
        let counts = select(count_all()).group_by(odd()).order_by(odd());
        assert_eq!(counts.all(&*db).await.unwrap(), [2, 2]);
        let doubled = select((odd() * 2, count_all())).group_by(odd()).order_by(odd().desc());
        assert_eq!(doubled.all(&*db).await.unwrap(), [(Some(2_i64), 2_i64), (Some(0), 2)]);
        let less = || nullif(Thing::size + 1, 1);
        let distinct = select((less(),)).distinct().order_by(less().asc().nulls_last());
        assert_eq!(distinct.all(&*db).await.unwrap(), [(None,)]);
    }

    async fn a_null_first_in_a_union(db: Database) {
        create(&db).await;
        let all = select(val(None::<i64>)).union_all(select(Thing::id.optional()).filter(Thing::id.eq(2)));
        assert_eq!(all.all(&*db).await.unwrap(), [None, Some(2)]);
        let all = select(val(None::<u32>)).union_all(select(Thing::count.optional()).filter(Thing::id.eq(2)));
        assert_eq!(all.all(&*db).await.unwrap(), [None, Some(1)]);
        let all = select(val(None::<f64>)).union_all(select(val(0.5).optional()));
        assert_eq!(all.all(&*db).await.unwrap(), [None, Some(0.5)]);
        let all = select(val(None::<bool>)).union_all(select(val(true).optional()));
        assert_eq!(all.all(&*db).await.unwrap(), [None, Some(true)]);
        let price = Decimal::new(15, 1);
        let all = select(val(None::<Decimal>)).union_all(select(val(price).optional()));
        assert_eq!(all.all(&*db).await.unwrap(), [None, Some(price)]);
        let bytes = vec![1_u8, 255];
        let all = select(val(None::<Vec<u8>>)).union_all(select(val(bytes.clone()).optional()));
        assert_eq!(all.all(&*db).await.unwrap(), [None, Some(bytes)]);
        let all = select(val(None::<String>)).union_all(select(Thing::name.optional()).filter(Thing::id.eq(2)));
        assert_eq!(all.all(&*db).await.unwrap(), [None, Some("w2".to_owned())]);
    }

    async fn a_number_below_zero_in_the_row_of_a_key(db: Database) {
        create(&db).await;
        update::<Thing>().set(Thing::group, -5_i64).set(Thing::size, -5).filter(Thing::id.eq(1)).execute(&*db).await.unwrap();
        let first = || Thing::id.eq(1);
        let (groups, sizes) = (|| select(Thing::group).filter(first()), || select(Thing::size).filter(first()));
        let found = select((
            val(-5_i64).in_select(groups()),
            val(-5_i64).not_in_select(groups()),
            val(-5_i64).in_select(select(val(1_i64)).union(groups())),
            val(-5_i64).in_select(groups().limit(1)),
            val(-5).in_select(sizes()),
        ));
        assert_eq!(found.one(&*db).await.unwrap(), (true, false, true, true, Some(true)));
    }

    /// On MariaDB its type is that of the NULL, if that is none.
    async fn what_stands_in_for_a_null_of_a_subquery(db: Database) {
        macro_rules! stands_in {
            ($($value:expr),+) => {$({
                let both = || select((val($value), val(Some($value).filter(|_| false))));
                let (part, named) = (both().subquery("part"), both().cte("named"));
                let ((value, none), (other, no_other)) = (part.columns(), named.columns());
                let rows = select((coalesce(none, value), coalesce(no_other, other))).from(part).cross_join(named);
                assert_eq!(rows.one(&*db).await.unwrap(), ($value, $value));
            })+};
        }
        stands_in!(true, 7_i16, -7_i64, 7_u8, u32::MAX, 0.5_f64, f32::MAX, Decimal::new(15, 1), "w".to_owned(), vec![255_u8]);
    }

    async fn an_integer_among_decimals(db: Database) {
        create(&db).await;
        let two = Decimal::new(200, 2);
        let of = |condition: Expr<bool>| select(Thing::id).filter(condition).order_by(Thing::id).all(&*db);
        assert_eq!(of(Thing::id.in_list([two])).await.unwrap(), [2]);
        assert_eq!(of((Thing::id + 1_i64).in_list([two, Decimal::new(35, 1)])).await.unwrap(), [1]);
        assert_eq!(of((Thing::id + 1_i64).not_in_list([two])).await.unwrap(), [2, 3, 4]);
        assert!(of(Thing::id.in_list(Vec::<Decimal>::new())).await.unwrap().is_empty());
        let near = Decimal::from(i64::MAX) + Decimal::new(4, 1);
        assert!(of(val(i64::MAX).in_list([near])).await.unwrap().is_empty());
        update::<Thing>().set(Thing::price, two).filter(Thing::id.eq(4)).execute(&*db).await.unwrap();
        let prices = || select(Thing::price).filter(Thing::price.is_not_null());
        let among = select(Thing::id).filter((Thing::id - 1_i64).in_select(prices()));
        assert_eq!(among.all(&*db).await.unwrap(), [3]);
        let rows = select((nullif(Thing::id, two), nullif(two, Thing::id))).order_by(Thing::id);
        let rows = rows.limit(2).all(&*db).await.unwrap();
        assert_eq!(rows, [(Some(1), Some(two)), (None, None)]);
    }

    async fn a_decimal_beside_an_integer_is_no_float(db: Database) {
        create(&db).await;
        let (even, below) = (9_007_199_254_740_994_i64, Decimal::new(90_071_992_547_409_935, 1));
        let first = update::<Thing>().set(Thing::group, even).set(Thing::price, below).filter(Thing::id.eq(1));
        first.execute(&*db).await.unwrap();
        let count = async |condition: Expr<Option<bool>>| {
            select(count_all()).filter(Thing::id.eq(1)).filter(condition).one(&*db).await.unwrap()
        };
        assert_eq!(count(Thing::price.eq(Thing::group)).await, 0);
        assert_eq!(count(Thing::group.eq(Thing::price)).await, 0);
        assert_eq!(count(Thing::price.lt(Thing::group)).await, 1);
        assert_eq!(count(Thing::group.gt(Thing::price)).await, 1);
        assert_eq!(count(Thing::group.between(Thing::price, Thing::price)).await, 0);
        assert_eq!(count(Thing::price.between(Thing::group, Thing::group)).await, 0);
        assert_eq!(count(Thing::price.is_distinct_from(Thing::group).optional()).await, 1);
        assert_eq!(count(nullif(Thing::price, Thing::group).is_null().optional()).await, 0);
        let other = Thing::alias("other");
        let same = || select(Thing::group.of(&other)).from(&other).filter(Thing::id.of(&other).eq(1));
        assert_eq!(count(Thing::price.eq(scalar(same()))).await, 0);
        assert_eq!(count(Thing::price.ge(cast::<i64, _>(Thing::group))).await, 0);
    }

    async fn texts_that_decimals_choose_are_texts(db: Database) {
        create(&db).await;
        update::<Thing>().set(Thing::price, Decimal::new(20, 1)).execute(&*db).await.unwrap();
        for (id, name) in [(1, "02"), (2, "2.0"), (3, "10"), (4, "9")] {
            update::<Thing>().set(Thing::name, name).filter(Thing::id.eq(id)).execute(&*db).await.unwrap();
        }
        let chosen = || case().when(Thing::price.gt(Decimal::ONE), Thing::name).otherwise("none");
        let same = select(Thing::id).filter(chosen().eq("2"));
        assert!(same.all(&*db).await.unwrap().is_empty());
        let ordered = select(Thing::id).order_by(chosen()).all(&*db).await.unwrap();
        assert_eq!(ordered, [1, 3, 2, 4]);
        let groups = select(count_all()).group_by(chosen()).order_by(chosen()).all(&*db).await.unwrap();
        assert_eq!(groups, [1; 4]);
        assert_eq!(select(min(concat(chosen(), ""))).one(&*db).await.unwrap().as_deref(), Some("02"));
        let of = select((Thing::id, chosen())).subquery("of");
        let (id, text) = of.columns();
        assert_eq!(select(id).from(of).order_by(text).all(&*db).await.unwrap(), [1, 3, 2, 4]);
        let written = || cast::<String, _>(Thing::price);
        assert_eq!(select(count_all()).filter(written().eq("02")).one(&*db).await.unwrap(), 0);
        assert_eq!(select(count_all()).filter(concat(written(), "").eq("02")).one(&*db).await.unwrap(), 0);
    }

    async fn casts_to_integers_of_any_size_round(db: Database) {
        create(&db).await;
        macro_rules! rounds {
            ($($ty:ty)+) => {
                $(
                    let of_float = select(cast::<$ty, _>(val(2.7_f64))).one(&*db).await.unwrap();
                    let of_decimal = select(cast::<$ty, _>(val(Decimal::new(27, 1)))).one(&*db).await.unwrap();
                    assert_eq!((of_float, of_decimal), (3, 3), stringify!($ty));
                )+
            };
        }
        rounds!(i8 i16 i32 i64 u8 u16 u32 u64);
    }

    async fn long_lists_of_integers_of_any_size(db: Database) {
        create(&db).await;
        let all = Thing::count.in_list(0..70_000_u32);
        assert_eq!(Thing::select().filter(all).count(&*db).await.unwrap(), 4);
        let none = Thing::count.not_in_list((2..70_000_u32).chain(0..1));
        assert_eq!(Thing::select().filter(none).count(&*db).await.unwrap(), 4);
    }

    async fn floats_of_either_sign(db: Database) {
        let zeros = select((val(0.0_f64), val(-0.0_f64))).distinct().one(&*db).await.unwrap();
        assert_eq!((zeros.0.is_sign_negative(), zeros.1.is_sign_negative()), (false, true));
    }
}

on_every_database! {
    async fn whether_a_set_operation_has_rows(db: Database) {
        create(&db).await;
        let all = || select(Thing::id);
        let first = || all().order_by(Thing::id).limit(2);
        let last = || all().filter(Thing::id.gt(2));
        assert!(!first().intersect(last()).exists(&*db).await.unwrap());
        assert!(!all().except(all().union(last())).exists(&*db).await.unwrap());
        assert!(!all().limit(0).except(last()).exists(&*db).await.unwrap());
        let without = all().filter(not_exists(first().intersect(last())));
        assert_eq!(without.count(&*db).await.unwrap(), 4);
        let pairs = || select((Thing::id, Thing::id));
        let some = pairs().union(pairs()).except(pairs().filter(Thing::id.gt(2)));
        assert!(some.exists(&*db).await.unwrap());
        let value = select(scalar(all().limit(0).except(last()))).one(&*db).await.unwrap();
        assert_eq!(value, None);
        let other = Thing::alias("other");
        let same = || select(Thing::id.of(&other)).filter(Thing::id.of(&other).eq(Thing::id));
        let plain = all().filter(exists(same().union(same()))).count(&*db).await.unwrap();
        assert_eq!(plain, 4);
        let limited = all().filter(exists(same().limit(1).except(select(val(2_i64))))).count(&*db).await;
        match db.server() {
            // It sees no columns of the statement around it there.
            Server::MariaDb => assert_eq!(limited.unwrap_err().class(), ErrorClass::Statement),
            _ => assert_eq!(limited.unwrap(), 3),
        }
    }

    async fn whether_there_are_more_distinct_rows(db: Database) {
        create(&db).await;
        let counts = || select(Thing::count).distinct().order_by(Thing::count);
        assert!(!counts().offset(1).exists(&*db).await.unwrap());
        assert!(counts().limit(1).offset(0).exists(&*db).await.unwrap());
        let without = select(Thing::id).filter(not_exists(counts().limit(5).offset(1)));
        assert_eq!(without.count(&*db).await.unwrap(), 4);
    }

    async fn whether_there_are_more_groups(db: Database) {
        create(&db).await;
        update::<Thing>().set(Thing::group, 1).filter(Thing::id.lt(3)).execute(&*db).await.unwrap();
        update::<Thing>().set(Thing::group, 2).filter(Thing::id.gt(2)).execute(&*db).await.unwrap();
        let groups = || select(Thing::group).group_by(Thing::group);
        assert!(!groups().offset(2).exists(&*db).await.unwrap());
        assert!(groups().offset(1).exists(&*db).await.unwrap());
        assert!(!select((Thing::group, count_all())).group_by(Thing::group).limit(1).offset(2).exists(&*db).await.unwrap());
        let third = groups().having(count_all().gt(1)).order_by(max(Thing::id)).limit(5).offset(2);
        assert_eq!(select(Thing::id).filter(not_exists(third)).count(&*db).await.unwrap(), 4);
        let all = || select(count_all()).from(Thing::entity());
        assert!(all().exists(&*db).await.unwrap());
        assert!(!all().offset(1).exists(&*db).await.unwrap());
    }

    async fn a_union_of_columns_of_one_name(db: Database) {
        create(&db).await;
        insert_many([1, 2].map(|site| NewStock { sku: "a".into(), site })).execute(&*db).await.unwrap();
        let pairs = || select((Thing::id, Stock::id)).from(Thing::entity()).cross_join(Stock::entity());
        let rows = pairs().union(pairs()).order_by((Stock::id.desc(), Thing::id)).limit(2);
        let rows = rows.all(&*db).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.0).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(rows[0].1, rows[1].1);
        let two = || select((Thing::entity(), Stock::entity())).from(Thing::entity()).cross_join(Stock::entity());
        let least = two().union_all(two()).order_by((Thing::id.desc(), Stock::id)).limit(1).one(&*db).await;
        assert_eq!(least.unwrap().0.id, 4);
        let signed = || select(((Thing::id * -1_i64).label("ID"), Thing::id));
        let last = signed().union(signed()).order_by(Thing::id.desc()).limit(1).one(&*db).await.unwrap();
        assert_eq!(last, (-4, 4));
    }

    /// In an expression, MySQL and MariaDB take the column of a table for what is meant by a name, and not the label.
    async fn the_order_of_a_label_with_a_bind(db: Database) {
        create(&db).await;
        let less = || nullif(Thing::group, 2_i64);
        let named = |name| select((less().label(name), Thing::id)).distinct();
        let nulls_last = [(Some(1), 1), (Some(3), 3), (Some(4), 4), (None, 2)];
        let order = || (less().asc().nulls_last(), Thing::id);
        assert_eq!(named("less").order_by(order()).all(&*db).await.unwrap(), nulls_last);
        let of_column = named("size").order_by(order()).all(&*db).await;
        match db.server() {
            // With DISTINCT it orders by what is selected, and cannot know that this is.
            Server::MySql => assert_eq!(of_column.unwrap_err().class(), ErrorClass::Statement),
            _ => assert_eq!(of_column.unwrap(), nulls_last),
        }
        let mut reversed = nulls_last;
        reversed[..3].reverse();
        let rows = named("id").order_by(less().desc().nulls_last()).all(&*db).await.unwrap();
        assert_eq!(rows, reversed);
        let unnamed = select((less(), Thing::id)).distinct().order_by(less().desc().nulls_last());
        assert_eq!(unnamed.all(&*db).await.unwrap(), reversed);
        let few = || sum(Thing::id).filter_where(Thing::id.lt(2));
        let groups = select((Thing::id, few().label("few"))).group_by(Thing::id);
        let groups = groups.order_by((few().asc().nulls_last(), Thing::id)).limit(2);
        assert_eq!(groups.all(&*db).await.unwrap(), [(1, Some(1)), (2, None)]);
        // Without a bind as well.
        let twice = || Thing::group + Thing::group;
        let groups = select((twice().label("twice"), count_all())).group_by(twice()).order_by(twice().desc().nulls_first());
        let distinct = select((twice().label("twice"),)).distinct().order_by(twice().asc().nulls_last());
        assert_eq!(groups.all(&*db).await.unwrap(), [(8, 1), (6, 1), (4, 1), (2, 1)]);
        assert_eq!(distinct.all(&*db).await.unwrap(), [(2,), (4,), (6,), (8,)]);
    }

    async fn a_constant_is_no_place(db: Database) {
        create(&db).await;
        let rows = || select((Thing::id, Thing::id * -1_i64));
        let ids = [(1, -1), (2, -2), (3, -3), (4, -4)];
        assert_eq!(rows().order_by((val(2_i64), Thing::id)).all(&*db).await.unwrap(), ids);
        assert_eq!(rows().order_by((val(2_i32).desc(), Thing::id)).all(&*db).await.unwrap(), ids);
        assert_eq!(rows().order_by((val(9_i64), Thing::id)).all(&*db).await.unwrap(), ids);
        let groups = select(count_all()).from(Thing::entity()).group_by(val(9_i64));
        assert_eq!(groups.all(&*db).await.unwrap(), [4]);
        let groups = select((val(2_i64), count_all())).from(Thing::entity()).group_by(val(2_i64));
        assert_eq!(groups.all(&*db).await.unwrap(), [(2, 4)]);
    }

    async fn a_union_from_its_second_row_on(db: Database) {
        create(&db).await;
        let ids = |from: i64| select(Thing::id).filter(Thing::id.between(from, from + 1));
        assert_eq!(ids(1).union(ids(3)).offset(1).all(&*db).await.unwrap().len(), 3);
        assert_eq!(ids(1).union_all(ids(3)).offset(3).all(&*db).await.unwrap().len(), 1);
    }

    /// Where its rows are looked up.
    async fn a_page_of_a_set_operation_within_another_query(db: Database) {
        create(&db).await;
        let ids = |from: i64| select(Thing::id).filter(Thing::id.between(from, from + 1));
        for set in [ids(1).union(ids(3)), ids(1).union_all(ids(3)), ids(1).union(ids(3)).except(ids(9)), ids(1).union(ids(3)).intersect(ids(1).union(ids(3)))] {
            for (page, rows) in [(set.clone().offset(1), 3), (set.clone().limit(2).offset(2), 2), (set.clone().limit(3), 3), (set.clone().limit(9).offset(4), 0)] {
                let within = select(Thing::id).filter(Thing::id.in_select(page.clone()));
                assert_eq!(within.all(&*db).await.unwrap().len(), rows);
                let without = select(Thing::id).filter(Thing::id.not_in_select(page.clone()));
                assert_eq!(without.all(&*db).await.unwrap().len(), 4 - rows);
                let derived = page.clone().subquery("page");
                let joined = select(Thing::id).join_on(&derived, derived.columns().eq(Thing::id));
                assert_eq!(joined.all(&*db).await.unwrap().len(), rows);
                let named = page.clone().cte("page");
                let joined = select(Thing::id).join_on(&named, named.columns().eq(Thing::id));
                assert_eq!(joined.all(&*db).await.unwrap().len(), rows);
                assert_eq!(page.count(&*db).await.unwrap(), rows as i64);
            }
        }
    }

    async fn in_a_union_that_names_what_is_around_it(db: Database) {
        create(&db).await;
        let other = Thing::alias("other");
        let same = || select(Thing::id.of(&other)).from(&other).filter(Thing::id.of(&other).eq(Thing::id));
        let found = select(Thing::id).filter(val(2_i64).in_select(same().union(same())));
        assert_eq!(found.all(&*db).await.unwrap(), [2]);
    }

    async fn do_nothing_returns_no_row_that_was_there(db: Database) {
        create(&db).await;
        let stock = |site| NewStock { sku: "a".into(), site };
        insert(stock(1)).execute(&*db).await.unwrap();
        let insert = insert_many([1, 1, 2, 1, 2].map(stock)).on_conflict((Stock::sku, Stock::site)).do_nothing();
        assert_eq!(insert.returning(Stock::site).all(&*db).await.unwrap(), [2]);
    }

    async fn a_null_of_a_subquery_has_its_type(db: Database) {
        create(&db).await;
        let none = select((Thing::id, val(None::<i64>), val(None::<bool>), val(None::<f64>))).subquery("none");
        let (id, whole, truth, part) = none.columns();
        let yes = || Thing::id.gt(0).optional();
        let filled = select((whole % 2, coalesce(truth, yes()), coalesce(part, 0.5))).from(none);
        let filled = filled.join_on(Thing::entity(), Thing::id.eq(id)).limit(1).one(&*db).await.unwrap();
        assert_eq!(filled, (None::<i64>, Some(true), 0.5));
        let unknown = select(max(nullif(None::<bool>, Thing::id.gt(0)))).subquery("unknown");
        let truths = select(unknown.columns()).from(unknown).union_all(select(val(Some(true))));
        assert_eq!(truths.all(&*db).await.unwrap(), [None, Some(true)]);
    }

    async fn an_integer_of_a_subquery_beside_decimals(db: Database) {
        create(&db).await;
        update::<Thing>().set(Thing::price, Decimal::new(200, 2)).execute(&*db).await.unwrap();
        let ids = || select(Thing::id).filter(Thing::id.lt(3));
        let numbers = ids().union(select(Thing::group).filter(Thing::id.gt(2))).subquery("numbers");
        let n = || numbers.columns();
        let found = async |condition: Expr<Option<bool>>| {
            let rows = select(n()).from(&numbers).join_on(Thing::entity(), condition).filter(Thing::id.eq(1));
            rows.order_by(n()).all(&*db).await.unwrap()
        };
        assert_eq!(found(n().eq(Thing::price)).await, [2]);
        assert_eq!(found(n().is_distinct_from(Thing::price).optional()).await, [1, 3, 4]);
        assert_eq!(found(n().between(Thing::price, 3_i64)).await, [2, 3]);
        // Of a column and of a result, whose types SQLite does not tell alike.
        let numbers = ids().union(select(count_all()).filter(Thing::id.gt(0))).subquery("numbers");
        let n = || numbers.columns();
        let found = async |condition: Expr<Option<bool>>| {
            let rows = select(n()).from(&numbers).join_on(Thing::entity(), condition).filter(Thing::id.eq(1));
            rows.order_by(n()).all(&*db).await.unwrap()
        };
        assert_eq!(found(n().eq(Thing::price)).await, [2]);
        assert_eq!(found(n().between(Thing::price, n())).await, [2, 4]);
        assert_eq!(found(Thing::price.eq(n())).await, [2]);
        assert_eq!(found(Thing::price.ge(n())).await, [1, 2]);
        assert_eq!(found(Thing::price.between(n(), n())).await, [2]);
        assert_eq!(found(Thing::price.is_distinct_from(n()).optional()).await, [1, 4]);
        assert_eq!(found(nullif(Thing::price, n()).is_null().optional()).await, [2]);
        let unions = [select(n()).from(&numbers), ids().union(select(count_all()).filter(Thing::id.gt(0)))];
        for numbers in unions {
            let among = select(count_all()).filter(Thing::price.in_select(numbers)).one(&*db).await;
            match db.server() {
                Server::Sqlite => {
                    let error = among.unwrap_err().to_string();
                    assert!(error.contains("SQLite looks for a decimal among decimals only"), "{error}");
                }
                _ => assert_eq!(among.unwrap(), 4),
            }
        }
        let decimals = select(cast::<Decimal, _>(n())).from(&numbers);
        let among = select(count_all()).filter(Thing::price.in_select(decimals));
        assert_eq!(among.one(&*db).await.unwrap(), 4);
        let nothing = select(sum(nullif(None::<i64>, Thing::id))).one(&*db).await.unwrap();
        assert_eq!(nothing, None);
    }

    async fn groups_by_whether_something_is_in_a_list(db: Database) {
        create(&db).await;
        let listed = || case().when(Thing::name.in_list(["w1", "w2"]), Thing::group % 2).end();
        let groups = select((listed(), count_all())).group_by(listed()).having(listed().is_not_null());
        assert_eq!(groups.order_by(listed()).all(&*db).await.unwrap(), [(Some(0_i64), 1_i64), (Some(1), 1)]);
    }

    /// With NULL where MySQL and MariaDB do not have it.
    async fn the_order_of_what_holds_a_part_of_the_groups(db: Database) {
        create(&db).await;
        let doubled = || Thing::group + Thing::group;
        let more = || nullif(doubled() * 10_i64, 40_i64);
        let groups = select((more().label("more"), count_all())).group_by(doubled());
        let groups = groups.order_by(more().asc().nulls_last()).all(&*db).await.unwrap();
        assert_eq!(groups, [(Some(20), 1), (Some(60), 1), (Some(80), 1), (None, 1)]);
    }

    async fn an_aggregate_of_what_is_around_its_subquery_is_refused(db: Database) {
        create(&db).await;
        let other = Thing::alias("other");
        let refused = async |select: Select<i64>| {
            let error = select.all(&*db).await.unwrap_err();
            assert_eq!(error.class(), ErrorClass::Compile);
            assert!(error.to_string().contains("in a subquery aggregates only what the statement around it reads"), "{error}");
        };
        refused(select(Thing::id).filter(scalar(select(max(Thing::group)).from(&other)).gt(1))).await;
        refused(select(Thing::id).filter(scalar(select(sum(Thing::price)).from(&other)).gt(Decimal::ONE))).await;
    }

    async fn an_unsigned_number_and_one_below_zero(db: Database) {
        create(&db).await;
        let counts = select((Thing::count + -300_i64, Thing::count * -2_i64, Thing::count / -1_i64, val(-7_i64) % Thing::count));
        assert_eq!(counts.filter(Thing::id.eq(1)).one(&*db).await.unwrap(), (-299, -2, Some(-1), Some(0)));
        let negative = || val(-5_i64) * Thing::id;
        let of_columns = select((Thing::count + negative(), negative() * Thing::count, Thing::count / negative(), negative() % Thing::count));
        assert_eq!(of_columns.filter(Thing::id.eq(1)).one(&*db).await.unwrap(), (-4, -5, Some(0), Some(0)));
        let wide = coalesce(Thing::count, None::<i64>);
        let few = select((wide / -1_i64, max(Thing::count) * -2_i64)).group_by((Thing::id, Thing::count));
        assert_eq!(few.order_by(Thing::id).limit(1).one(&*db).await.unwrap(), (Some(-1), Some(-2_i64)));
        // What is made of one is no integer for that.
        update::<Thing>().set(Thing::count, 2_u32).execute(&*db).await.unwrap();
        let fraction = coalesce(nullif(Thing::count, 2_u32), 0.5_f64) + 0.25_f64;
        assert_eq!(select(fraction).limit(1).one(&*db).await.unwrap(), 0.75);
        // SQLite has no such function.
        if db.server() != Server::Sqlite {
            let root = func::<f64, _>("sqrt", [Thing::count.into_expr()]) + 0.5_f64;
            assert!(select(root.gt(1.9_f64)).limit(1).one(&*db).await.unwrap());
        }
        let counts = select(Thing::count).subquery("counts");
        let of = counts.columns();
        assert_eq!(select(of * -2_i64).from(counts).limit(1).one(&*db).await.unwrap(), -4);
    }

    async fn a_place_in_a_window_is_signed(db: Database) {
        create(&db).await;
        let back = || window().order_by(Thing::id.desc());
        let places = select((Thing::id, over(row_number(), back()), over(rank(), back()))).subquery("places");
        let (id, number, rank) = places.columns();
        let rows = select((number.clone() - id.clone(), rank * -1_i64)).from(places).order_by(number);
        assert_eq!(rows.all(&*db).await.unwrap(), [(-3, -1), (-1, -2), (1, -3), (3, -4)]);
    }

    async fn a_subquery_in_what_an_upsert_sets(db: Database) {
        create(&db).await;
        insert(NewStock { sku: "a".into(), site: 1 }).execute(&*db).await.unwrap();
        let thing =
            NewThing { id: 3, group: 0, name: "w".into(), size: None, price: None, weight: None, count: 1 };
        let stocks = || select(count_all()).from(Stock::entity());
        let upsert = insert(thing).on_conflict(Thing::id).do_update(|set| {
            set.set(Thing::group, coalesce(scalar(stocks().filter(Stock::id.le(excluded(Thing::id)))), 0))
        });
        let done = upsert.execute(&*db).await;
        if matches!(db.server(), Server::MySql | Server::MariaDb) {
            let refused = done.unwrap_err();
            assert_eq!(refused.class(), ErrorClass::Compile);
            assert!(refused.to_string().contains("in a subquery"), "{refused}");
            return;
        }
        done.unwrap();
        assert_eq!(select(Thing::group).filter(Thing::id.eq(3)).one(&*db).await.unwrap(), 1);
    }

    async fn a_cte_that_is_read_twice(db: Database) {
        create(&db).await;
        let steps = select((Thing::id, Thing::name)).filter(Thing::id.le(3)).cte("steps");
        let next = steps.alias("next");
        let ((id, name), (next_id, next_name)) = (steps.columns(), next.columns());
        let pairs = select((name, next_name)).from(steps).join_on(next, next_id.eq(id.clone() + 1_i64)).order_by(id);
        let expected = [("w1", "w2"), ("w2", "w3")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(pairs.all(&*db).await.unwrap(), expected);
        let part = select((Thing::id, Thing::name)).filter(Thing::id.gt(2)).subquery("part");
        let other = part.alias("other");
        let ((id, _), other_id) = (part.columns(), other.column(Thing::id));
        let pairs = select((id.clone(), other_id.clone())).from(part).join_on(other, other_id.gt(id));
        assert_eq!(pairs.all(&*db).await.unwrap(), [(3, 4)]);
    }
}

#[derive(Enum, Debug, Clone, Copy, PartialEq)]
#[enumeration(native, name = "feel")]
enum Feel {
    Good,
    Bad,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "moods")]
struct Mood {
    #[column(primary_key, generated = false)]
    id: i64,
    feel: Feel,
}

on_every_database! {
    async fn a_word_of_a_native_enum_in_a_subquery(db: Database) {
        Schema::new().with::<Mood>().create(&*db).await.unwrap();
        insert_many([NewMood { id: 1, feel: Feel::Good }, NewMood { id: 2, feel: Feel::Bad }]).execute(&*db).await.unwrap();
        let words = select((val(Feel::Bad), val(None::<Feel>))).subquery("words");
        let (word, none) = words.columns();
        let moods = select((Mood::id, none)).from(Mood::entity()).join_on(words, word.eq(Mood::feel));
        assert_eq!(moods.all(&*db).await.unwrap(), [(2, None)]);
        let union = select(val(Feel::Bad)).union(select(Mood::feel)).count(&*db).await.unwrap();
        assert_eq!(union, 2);
    }
}
