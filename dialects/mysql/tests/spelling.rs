//! How statements are spelled, and that the server reads them so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{
    all, execute,
    item::{ITEMS, Item, NewItem, item},
    on_each, run,
};
use relata_core::{
    clause::Nulls,
    ddl::{Ddl, create_all, drop_all},
    dialect::{Dialect, Feature},
    driver::Connection,
    entity::Entity,
    expr::{
        Expr, Operators, abs, avg, case, cast, coalesce, concat, count, count_all, exists, max, now, over,
        row_number, sum, val, window,
    },
    render::Statement,
    statement::{delete, insert, insert_many, select, update},
    transaction::{Isolation, TransactionOptions},
    types::Type,
};
use relata_mysql::{Mysql, Server};
use rust_decimal::Decimal;

const MYSQL: Mysql = Mysql::new(Server::MYSQL);
const MARIADB: Mysql = Mysql::new(Server::MARIADB);

/// The text of a statement, which both spell alike.
fn sql(statement: &impl Statement) -> String {
    let mysql = statement.compile(&MYSQL).unwrap().sql;
    assert_eq!(statement.compile(&MARIADB).unwrap().sql, mysql);
    mysql
}

async fn create(connection: &mut dyn Connection) {
    let dialect = connection.dialect();
    for ddl in create_all(&[&ITEMS], true, &*dialect).unwrap() {
        let text = ddl.compile(&*dialect).unwrap().sql;
        run(connection, &text).await.unwrap_or_else(|error| panic!("{error}"));
    }
}

async fn filled(connection: &mut dyn Connection) {
    create(connection).await;
    execute(connection, &insert_many([item("a", 1), item("b", 2), item("c", 3)])).await.unwrap();
}

async fn value<T: Type>(connection: &mut dyn Connection, expr: Expr<T>) -> T {
    all(connection, &select(expr)).await.unwrap().remove(0)
}

#[test]
fn create_table() {
    let ddl = create_all(&[&ITEMS], true, &MYSQL).unwrap();
    let text = |dialect: &Mysql, ddl: &Ddl| ddl.compile(dialect).unwrap().sql;
    let expected = "CREATE TABLE IF NOT EXISTS `items` (`id` BIGINT NOT NULL AUTO_INCREMENT, \
        `na``me` VARCHAR(255) NOT NULL, `note` LONGTEXT DEFAULT ('it''s \\\\ new'), \
        `a:mount` INT NOT NULL DEFAULT -1, `parent_id` BIGINT, `size` VARCHAR(5), \
        `created` DATETIME(6) NOT NULL DEFAULT (UTC_TIMESTAMP(6)), `day` DATE NOT NULL DEFAULT (UTC_DATE()), \
        `time` TIME(6) NOT NULL DEFAULT (UTC_TIME(6)), `flag` BOOLEAN NOT NULL DEFAULT TRUE, \
        PRIMARY KEY (`id`), CONSTRAINT `items_na``me_key` UNIQUE (`na``me`), \
        CONSTRAINT `items_parent_id_fkey` FOREIGN KEY (`parent_id`) REFERENCES `items` (`id`), \
        CONSTRAINT `amount_check` CHECK (`a:mount` < 1000), \
        CONSTRAINT `items_size_enum` CHECK (`size` IN ('small', 'large'))) \
        ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=";
    assert_eq!(text(&MYSQL, &ddl[0]), format!("{expected}utf8mb4_0900_bin"));
    assert_eq!(text(&MARIADB, &ddl[0]), format!("{expected}utf8mb4_nopad_bin"));
    let index = "INDEX IF NOT EXISTS `items_a:mount_parent_id_idx` ON `items` (`a:mount`, `parent_id`)";
    assert_eq!(text(&MARIADB, &ddl[1]), format!("CREATE {index}"));
    assert!(text(&MYSQL, &ddl[1]).starts_with(
        "SET @relata_ddl = (SELECT IF(COUNT(*) = 0, 'CREATE INDEX `items_a:mount_parent_id_idx` ON `items`"
    ));

    on_each(|mut db| async move {
        // Twice: what is there stays.
        create(&mut *db.connection).await;
        create(&mut *db.connection).await;
        let dialect = db.connection.dialect();
        for key in [Ddl::DropForeignKey(drop_key(false)), Ddl::DropForeignKey(drop_key(true))] {
            run(&mut *db.connection, &key.compile(&*dialect).unwrap().sql).await.unwrap();
        }
        for _ in 0..2 {
            for ddl in drop_all(&[&ITEMS], true, &*dialect) {
                run(&mut *db.connection, &ddl.compile(&*dialect).unwrap().sql).await.unwrap();
            }
        }
    });
}

fn drop_key(if_exists: bool) -> relata_core::ddl::DropForeignKey {
    relata_core::ddl::DropForeignKey { table: &ITEMS, key: 0, if_exists }
}

#[test]
fn text_compares_by_code_point() {
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        create(connection).await;
        execute(connection, &insert_many(["b", "B", "b ", "é", "e"].map(|name| item(name, 0))))
            .await
            .unwrap();
        let names = all(connection, &select(Item::name).order_by(Item::name)).await.unwrap();
        assert_eq!(names, ["B", "b", "b ", "e", "é"]);
        let exact = select(Item::name).filter(Item::name.eq("b"));
        assert_eq!(all(connection, &exact).await.unwrap(), ["b"]);
        let like = select(Item::name).filter(Item::name.starts_with("b")).order_by(Item::name);
        assert_eq!(all(connection, &like).await.unwrap(), ["b", "b "]);
        let any_case = select(count_all()).filter(Item::name.icontains("B"));
        assert_eq!(all(connection, &any_case).await.unwrap(), [3]);
        assert!(!value(connection, val("a".to_owned()).eq("A")).await);
    });
}

#[test]
fn literals() {
    for (text, literal) in
        [("it's", "'it''s'"), ("a\\", "'a\\\\'"), ("\\'; DROP", "'\\\\''; DROP'"), ("\0", "'\\0'")]
    {
        let mut out = String::new();
        MYSQL.write_literal(&mut out, text);
        assert_eq!(out, literal);
        on_each(|mut db| {
            let sql = format!("SELECT {literal}");
            async move {
                assert_eq!(common::one::<String>(&mut *db.connection, &sql, &[]).await.unwrap(), text);
            }
        });
    }
}

#[test]
fn identifiers() {
    let long = "ж".repeat(65);
    let table = Item::alias(long.clone());
    let error = select(Item::id.of(&table)).compile(&MYSQL).unwrap_err().to_string();
    assert!(error.contains("longer than the 64 characters"), "{error}");
    on_each(|mut db| async move {
        filled(&mut *db.connection).await;
        let long = "ж".repeat(64);
        for name in ["select", "a\"b", "a`b", "a.b", "ключ", "a:b", "a?b", "a'b", &long] {
            let alias = Item::alias(name.to_owned());
            let statement = select(Item::amount.of(&alias).negative().label(name.to_owned())).limit(1);
            assert_eq!(all(&mut *db.connection, &statement).await.unwrap(), [-1], "{name}");
        }
    });
}

#[test]
fn concatenation_and_division() {
    let statement = select((concat(Item::name, "x"), Item::amount.divided_by(2), Item::amount.negative()));
    assert_eq!(
        sql(&statement),
        "SELECT CONCAT(`items`.`na``me`, ?), `items`.`a:mount` DIV ?, - `items`.`a:mount` FROM `items`"
    );
    let price = || cast::<Decimal, _>(Item::amount);
    assert_eq!(
        sql(&select((price().divided_by(3), val(1).divided_by(price())))),
        "SELECT CAST(CAST(CAST(`items`.`a:mount` AS DECIMAL(65, 30)) AS DECIMAL(65, 30)) / ? AS DECIMAL(65, 16)), \
         CAST(CAST(? AS DECIMAL(65, 30)) / CAST(`items`.`a:mount` AS DECIMAL(65, 30)) AS DECIMAL(65, 16)) FROM `items`"
    );
    assert_eq!(
        sql(&select(cast::<f64, _>(Item::amount).divided_by(0.5))),
        "SELECT CAST(`items`.`a:mount` AS DOUBLE) / ? FROM `items`"
    );
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        filled(connection).await;
        let statement =
            select((concat(Item::name, "x"), Item::amount.divided_by(2), Item::amount.negative()))
                .filter(Item::amount.eq(3));
        assert_eq!(all(connection, &statement).await.unwrap(), [("cx".into(), Some(1), -3)]);
        assert_eq!(value(connection, val(-7).divided_by(2)).await, Some(-3));
        assert_eq!(value(connection, val(-7).modulo(2)).await, Some(-1));
        assert_eq!(value(connection, val(i64::MAX).minus(1_i64)).await, i64::MAX - 1);
        assert_eq!(value(connection, val(7).negative()).await, -7);
        assert_eq!(value(connection, abs(val(-7))).await, 7);
        assert_eq!(value(connection, coalesce(val(None::<i64>), i64::MAX)).await, i64::MAX);
        let half = val(Decimal::new(15, 1)).divided_by(Decimal::new(2, 0));
        assert_eq!(value(connection, half).await, Some(Decimal::new(75, 2)));
        assert_eq!(value(connection, val(1.0).divided_by(4.0)).await, Some(0.25));
        let by_float = select(cast::<f64, _>(Item::amount).times(0.5)).filter(Item::amount.eq(3));
        assert_eq!(all(connection, &by_float).await.unwrap(), [1.5]);
    });
}

#[test]
fn types_of_binds() {
    let flag = || case().when(Item::amount.gt(0), 1_i64).otherwise(0_i64);
    let text = |dialect, expr: Expr<_>| select(expr).compile(dialect).unwrap().sql;
    assert_eq!(
        text(&MYSQL, sum(flag())),
        "SELECT SUM(CASE WHEN `items`.`a:mount` > ? THEN CAST(? AS SIGNED) ELSE ? END) FROM `items`"
    );
    assert_eq!(
        text(&MARIADB, sum(flag())),
        "SELECT SUM(CASE WHEN `items`.`a:mount` > ? THEN ? ELSE ? END) FROM `items`"
    );
    assert_eq!(text(&MYSQL, sum(val(2))), "SELECT SUM(CAST(? AS SIGNED))");
    assert_eq!(text(&MARIADB, sum(val(2))), "SELECT SUM(?)");
    let text = |dialect| select(Item::parent_id + None::<i64>).compile(dialect).unwrap().sql;
    assert_eq!(text(&MYSQL), "SELECT `items`.`parent_id` + ? FROM `items`");
    assert_eq!(text(&MARIADB), "SELECT `items`.`parent_id` + CAST(? AS SIGNED) FROM `items`");
    // Where a column or the value tells the type, nothing else does.
    assert_eq!(sql(&select(Item::parent_id + Some(1_i64))), "SELECT `items`.`parent_id` + ? FROM `items`");
    assert_eq!(
        sql(&select(Item::id).filter(Item::parent_id.eq(None::<i64>))),
        "SELECT `items`.`id` FROM `items` WHERE `items`.`parent_id` = ?"
    );
    assert_eq!(
        sql(&update::<Item>().set(Item::parent_id, None::<i64>)),
        "UPDATE `items` SET `parent_id` = ?"
    );
    let known = case().when(Item::amount.gt(5), Item::amount).otherwise(0).plus(1);
    assert_eq!(
        sql(&update::<Item>().set(Item::amount, known).filter(Item::amount.plus(1).gt(3))),
        "UPDATE `items` SET `a:mount` = CASE WHEN `items`.`a:mount` > ? THEN `items`.`a:mount` ELSE ? END + ? \
         WHERE `items`.`a:mount` + ? > ?"
    );
}

#[test]
fn distinct_from() {
    let statement = select(Item::id).filter(Item::note.is_distinct_from(None::<String>));
    assert_eq!(sql(&statement), "SELECT `items`.`id` FROM `items` WHERE (NOT (`items`.`note` <=> ?))");
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        assert!(!value(connection, val(None::<i32>).is_distinct_from(None::<i32>)).await);
        assert!(value(connection, val(Some(1)).is_distinct_from(None::<i32>)).await);
        assert!(value(connection, val(1).is_not_distinct_from(1)).await);
    });
}

#[test]
fn nulls_first_and_last() {
    let order = |nulls| {
        let order = match nulls {
            Nulls::First => Item::parent_id.desc().nulls_first(),
            Nulls::Last => Item::parent_id.asc().nulls_last(),
        };
        select(Item::id).order_by(order)
    };
    assert_eq!(
        sql(&order(Nulls::Last)),
        "SELECT `items`.`id` FROM `items` ORDER BY `items`.`parent_id` IS NULL, `items`.`parent_id`"
    );
    assert_eq!(
        sql(&order(Nulls::First)),
        "SELECT `items`.`id` FROM `items` ORDER BY `items`.`parent_id` IS NOT NULL, `items`.`parent_id` DESC"
    );
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        filled(connection).await;
        execute(connection, &update::<Item>().set(Item::parent_id, Some(2)).filter(Item::id.eq(1)))
            .await
            .unwrap();
        execute(connection, &update::<Item>().set(Item::parent_id, Some(1)).filter(Item::id.eq(2)))
            .await
            .unwrap();
        let ids = |order: relata_core::clause::OrderItem| select(Item::id).order_by(order);
        assert_eq!(all(connection, &ids(Item::parent_id.asc().nulls_last())).await.unwrap(), [2, 1, 3]);
        assert_eq!(all(connection, &ids(Item::parent_id.asc().nulls_first())).await.unwrap(), [3, 2, 1]);
        assert_eq!(all(connection, &ids(Item::parent_id.desc().nulls_last())).await.unwrap(), [1, 2, 3]);
        assert_eq!(all(connection, &ids(Item::parent_id.desc().nulls_first())).await.unwrap(), [3, 1, 2]);
    });
}

#[test]
fn lists_have_few_lengths() {
    let list = |length: i64| sql(&select(Item::id).filter(Item::id.in_list(0..length)));
    assert_eq!(list(11), list(12));
    assert_ne!(list(12), list(13));
}

#[test]
fn limits() {
    assert_eq!(
        sql(&select(Item::id).offset(1)),
        "SELECT `items`.`id` FROM `items` LIMIT 9223372036854775807 OFFSET 1"
    );
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        filled(connection).await;
        let rest = select(Item::id).order_by(Item::id).offset(1);
        assert_eq!(all(connection, &rest).await.unwrap(), [2, 3]);
        let newest = select(Item::id).order_by(Item::id.desc()).limit(1);
        let within = select(Item::name).filter(Item::id.in_select(newest));
        assert_eq!(all(connection, &within).await.unwrap(), ["c"]);
    });
}

#[test]
fn locks() {
    let share = || select(Item::id).for_share().skip_locked();
    assert!(share().compile(&MYSQL).unwrap().sql.ends_with(" FOR SHARE SKIP LOCKED"));
    assert!(share().compile(&MARIADB).unwrap().sql.ends_with(" LOCK IN SHARE MODE SKIP LOCKED"));
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        filled(connection).await;
        for statement in [
            share(),
            select(Item::id).for_share(),
            select(Item::id).for_share().no_wait(),
            select(Item::id).for_update(),
            select(Item::id).for_update().no_wait(),
            select(Item::id).for_update().skip_locked(),
        ] {
            assert_eq!(all(connection, &statement).await.unwrap().len(), 3);
        }
    });
}

#[test]
fn filtered_aggregates() {
    let large = || Item::amount.gt(1);
    let statement = select((count_all().filter_where(large()), sum(Item::amount).filter_where(large())));
    assert_eq!(
        sql(&statement),
        "SELECT COUNT(CASE WHEN `items`.`a:mount` > ? THEN 1 END), \
         SUM(CASE WHEN `items`.`a:mount` > ? THEN `items`.`a:mount` END) FROM `items`"
    );
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        filled(connection).await;
        let statement = select((
            count_all().filter_where(large()),
            sum(Item::amount).filter_where(large()),
            max(Item::name).filter_where(Item::amount.gt(7)),
            count(Item::name).filter_where(large()),
            avg(Item::amount),
        ));
        assert_eq!(all(connection, &statement).await.unwrap(), [(2, Some(5), None, 2, Some(2.0))]);
        let numbers = select((Item::name, over(row_number(), window().order_by(Item::amount.desc()))));
        let numbers = all(connection, &numbers.order_by(Item::name)).await.unwrap();
        assert_eq!(numbers, [("a".into(), 3), ("b".into(), 2), ("c".into(), 1)]);
    });
}

#[test]
fn casts() {
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        assert_eq!(value(connection, cast::<i64, _>(val("42".to_owned()))).await, 42);
        assert_eq!(value(connection, cast::<String, _>(val(42))).await, "42");
        assert_eq!(value(connection, cast::<f64, _>(val("0.5".to_owned()))).await, 0.5);
        assert_eq!(value(connection, cast::<f32, _>(val("0.5".to_owned()))).await, 0.5);
        assert!(value(connection, cast::<bool, _>(val(5))).await);
        assert_eq!(value(connection, cast::<Decimal, _>(val("1.25".to_owned()))).await, Decimal::new(125, 2));
        assert_eq!(value(connection, cast::<Vec<u8>, _>(val("ab".to_owned()))).await, b"ab");
        let day = cast::<jiff::civil::Date, _>(val("2020-02-29".to_owned()));
        assert_eq!(value(connection, day).await, jiff::civil::date(2020, 2, 29));
        let near = value(connection, now::<jiff::Timestamp>()).await;
        assert!(near.duration_since(jiff::Timestamp::now()).abs().as_secs() < 60, "{near}");
        let size = case().when(val(true), "large").otherwise("small");
        assert_eq!(value(connection, size).await, "large");
    });
}

#[test]
fn set_operators() {
    let ids = |low: i32, high: i32| select(Item::id).filter(Item::amount.between(low, high));
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        filled(connection).await;
        assert_eq!(all(connection, &ids(1, 2).intersect(ids(2, 3))).await.unwrap(), [2]);
        assert_eq!(all(connection, &ids(1, 2).except(ids(2, 3))).await.unwrap(), [1]);
        let twice = ids(1, 2).union_all(ids(1, 2)).except_all(ids(1, 1)).order_by(Item::id);
        assert_eq!(all(connection, &twice).await.unwrap(), [1, 2, 2]);
        let mixed = ids(1, 1).union(ids(2, 3).intersect(ids(3, 3))).order_by(Item::id.desc());
        assert_eq!(all(connection, &mixed).await.unwrap(), [3, 1]);
        let limited = ids(1, 3).order_by(Item::id.desc()).limit(1).union(ids(1, 1));
        assert_eq!(all(connection, &limited).await.unwrap().len(), 2);
    });
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        filled(connection).await;
        execute(connection, &update::<Item>().set(Item::parent_id, Some(1)).filter(Item::id.eq(2)))
            .await
            .unwrap();
        let parents = || select(Item::parent_id);
        let last = parents().union(parents()).order_by(Item::parent_id.asc().nulls_last());
        assert_eq!(all(connection, &last).await.unwrap(), [Some(1), None]);
        let first = parents().union(parents()).order_by(Item::parent_id.desc().nulls_first());
        assert_eq!(all(connection, &first).await.unwrap(), [None, Some(1)]);
    });
    let old = Mysql::new(Server::parse("8.0.30"));
    let error = ids(1, 1).except(ids(1, 1)).compile(&old).unwrap_err();
    assert_eq!(error.feature(), Some(Feature::IntersectExcept));
}

#[test]
fn joins() {
    let full = select(Item::id.optional()).full_join_on(Item::alias("p"), val(true));
    assert_eq!(full.compile(&MYSQL).unwrap_err().feature(), Some(Feature::FullJoin));
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        filled(connection).await;
        let parent = Item::alias("parent");
        let on = Item::parent_id.of(&parent).eq(Item::id);
        let children = select(Item::id).filter(exists(select(Item::id.of(&parent)).filter(on)));
        assert_eq!(all(connection, &children).await.unwrap(), Vec::<i64>::new());
        let on = Item::parent_id.of(&parent).eq(Item::id);
        let right = select((Item::id.optional(), Item::name.of(&parent))).right_join_on(parent.clone(), on);
        assert_eq!(all(connection, &right).await.unwrap().len(), 3);
    });
}

#[test]
fn inserting() {
    let empty = insert(NewItem::default());
    assert_eq!(sql(&empty), "INSERT INTO `items` () VALUES ()");
    let mixed = insert_many([item("a", 1), NewItem { name: Some("b".into()), ..NewItem::default() }]);
    assert_eq!(sql(&mixed), "INSERT INTO `items` (`na``me`, `a:mount`) VALUES (?, ?), (?, DEFAULT)");
    let weightless = || NewItem { name: Some("b".into()), ..NewItem::default() };
    let many =
        insert_many([item("a", 1), item("b", 2), item("c", 3), weightless(), item("d", 4), item("e", 5)]);
    let compiled = many.compile(&MYSQL).unwrap();
    assert!(
        compiled.sql.ends_with(" VALUES (?, ?), (?, ?), (?, ?), (?, DEFAULT), (?, ?), (?, ?)"),
        "{}",
        compiled.sql
    );
    let binds = ["a", "1", "b", "2", "c", "3", "b", "d", "4", "e", "5"];
    assert_eq!(compiled.binds.len(), binds.len());
    for (bind, expected) in compiled.binds.iter().zip(binds) {
        assert!(format!("{bind:?}").contains(expected), "{bind:?} is not {expected}");
    }
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        create(connection).await;
        let done = execute(connection, &mixed_rows()).await.unwrap();
        assert_eq!((done.rows_affected, done.last_insert_id), (2, Some(1)));
        let items = all(connection, &Item::select().order_by(Item::id)).await.unwrap();
        assert_eq!((items[1].amount, items[1].note.as_deref()), (-1, Some("it's \\ new")));
        run(connection, "ALTER TABLE items MODIFY `na``me` VARCHAR(255) NOT NULL DEFAULT 'nobody'")
            .await
            .unwrap();
        execute(connection, &insert(NewItem::default())).await.unwrap();
        assert_eq!(all(connection, &select(count_all()).from(Item::entity())).await.unwrap(), [3]);
    });
}

fn mixed_rows() -> relata_core::statement::Insert {
    insert_many([item("a", 1), NewItem { name: Some("b".into()), ..NewItem::default() }])
}

#[test]
fn upserts() {
    let nothing = insert(item("a", 5)).on_conflict(Item::name).do_nothing();
    assert_eq!(
        sql(&nothing),
        "INSERT INTO `items` (`na``me`, `a:mount`) VALUES (?, ?) ON DUPLICATE KEY UPDATE \
            `na``me` = `items`.`na``me`"
    );
    let merge = || {
        insert(item("a", 5)).on_conflict(Item::name).do_update(|row| {
            row.take(Item::name).set(Item::amount, Item::amount + relata_core::expr::excluded(Item::amount))
        })
    };
    assert_eq!(
        sql(&merge()),
        "INSERT INTO `items` (`na``me`, `a:mount`) VALUES (?, ?) ON DUPLICATE KEY UPDATE \
         `na``me` = VALUES(`na``me`), `a:mount` = `items`.`a:mount` + VALUES(`a:mount`)"
    );
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        filled(connection).await;
        execute(connection, &nothing_insert()).await.unwrap();
        let amount = || select(Item::amount).filter(Item::name.eq("a"));
        assert_eq!(all(connection, &amount()).await.unwrap(), [1]);
        execute(connection, &merge()).await.unwrap();
        assert_eq!(all(connection, &amount()).await.unwrap(), [6]);
        // Only the unique key is forgiven.
        let bad = insert(item("z", 5000)).on_conflict(Item::name).do_nothing();
        assert!(execute(connection, &bad).await.unwrap_err().is_check_violation());
    });
}

fn nothing_insert() -> relata_core::statement::Insert {
    insert(item("a", 5)).on_conflict(Item::name).do_nothing()
}

#[test]
fn assignments_read_the_row_as_it_was() {
    let shift =
        update::<Item>().set(Item::amount, Item::amount + 1).set(Item::note, cast::<String, _>(Item::amount));
    assert_eq!(
        shift.compile(&MYSQL).unwrap().sql,
        "UPDATE `items` SET `note` = CAST(`items`.`a:mount` AS CHAR), `a:mount` = `items`.`a:mount` + ?"
    );
    let swap = || {
        update::<Item>()
            .set(Item::id, cast::<i64, _>(Item::amount).plus(100_i64))
            .set(Item::amount, cast::<i32, _>(Item::id).plus(100))
            .filter(Item::amount.eq(3))
    };
    let error = swap().compile(&MYSQL).unwrap_err().to_string();
    assert!(error.contains("the values of id, a:mount are taken from each other"), "{error}");
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        filled(connection).await;
        let shift = update::<Item>()
            .set(Item::amount, Item::amount + 1)
            .set(Item::note, cast::<String, _>(Item::amount));
        execute(connection, &shift).await.unwrap();
        let notes = select((Item::amount, Item::note)).order_by(Item::id);
        let notes = all(connection, &notes).await.unwrap();
        assert_eq!(notes, [(2, Some("1".into())), (3, Some("2".into())), (4, Some("3".into()))]);
        if connection.dialect().name() == "MariaDB" {
            execute(connection, &swap()).await.unwrap();
            let swapped = select((Item::id, Item::amount)).filter(Item::id.gt(3));
            assert_eq!(all(connection, &swapped).await.unwrap(), [(103, 102)]);
        }
    });
}

#[test]
fn returning() {
    let insertion = || insert(item("d", 4)).returning((Item::id, Item::name));
    assert_eq!(insertion().compile(&MYSQL).unwrap_err().feature(), Some(Feature::InsertReturning));
    assert_eq!(
        insertion().compile(&MARIADB).unwrap().sql,
        "INSERT INTO `items` (`na``me`, `a:mount`) VALUES (?, ?) RETURNING `id`, `na``me`"
    );
    let changing = update::<Item>().set(Item::amount, 1).returning(Item::id);
    assert_eq!(changing.compile(&MARIADB).unwrap_err().feature(), Some(Feature::UpdateReturning));
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        if !connection.dialect().supports(Feature::InsertReturning) {
            return;
        }
        filled(connection).await;
        let compiled = insertion();
        let compiled = compiled.compile(&MARIADB).unwrap();
        let mut sink = common::Collect::new(|row| Ok(format!("{:?}", row.cell(0)?)));
        let mut jobs = [relata_core::driver::Job::new(
            &compiled.sql,
            &compiled.binds,
            relata_core::driver::Mode::Cached,
        )
        .with_sink(&mut sink)];
        connection.run(&mut jobs).await.unwrap();
        assert_eq!(jobs[0].rows_affected, 1);
        assert_eq!(sink.rows, ["I64(4)"]);
        let gone = delete::<Item>().filter(Item::amount.gt(2)).returning(Item::name);
        assert_eq!(execute(connection, &gone).await.unwrap().rows_affected, 2);
        assert_eq!(all(connection, &select(count_all()).from(Item::entity())).await.unwrap(), [2]);
    });
}

#[test]
fn beginning() {
    let options = TransactionOptions::new().isolation(Isolation::Serializable).read_only();
    assert_eq!(
        MYSQL.begin(&options).unwrap(),
        ["SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "START TRANSACTION READ ONLY"]
    );
    assert_eq!(MARIADB.begin(&TransactionOptions::new()).unwrap(), ["START TRANSACTION"]);
}
