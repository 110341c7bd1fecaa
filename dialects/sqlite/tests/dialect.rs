//! How SQLite spells what the standard spells otherwise; each text is run as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails loudly, and so do its helpers

mod common;

use common::{fetch, memory, one, rows, spelled, texts};
use jiff::civil::{Date, DateTime};
use relata_core::{
    Result,
    ddl::{create_all, drop_all},
    dialect::{Dialect, Feature},
    driver::Connection,
    entity::{Entity, Input, Insertable},
    expr::{
        Column, Expr, Operators, abs, avg, cast, char_length, coalesce, count_all, max, now, over,
        row_number, sum, val, window,
    },
    projection::RowReader,
    render::Statement,
    schema::{
        Check, ColumnDef, ColumnType, DefaultValue, ForeignKey, Index, ReferentialAction, Table, Unique,
    },
    statement::{delete, insert, insert_many, select, update},
    transaction::{Isolation, TransactionOptions},
    types::{Mismatch, Type},
    value::{Cell, EnumType, Kind, Value},
};
use relata_sqlite::{BeginMode, Sqlite};
use rust_decimal::Decimal;
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq)]
struct Item {
    id: i64,
    name: String,
    price: Decimal,
    made: Option<DateTime>,
}

static KIND: Kind = Kind::Enum(&COLOUR);
static COLOUR: EnumType =
    EnumType { name: "colour", variants: &["red", "it's"], native: true, as_kind: &KIND };

static ITEMS: Table = Table::new(
    "Item",
    "items",
    &[
        ColumnDef::new("id", "id", ColumnType::new(Kind::I64), false).generated(),
        ColumnDef::new("name", "name", ColumnType::new(Kind::Text), false).length(40).keyed(),
        ColumnDef::new("price", "price", ColumnType::new(Kind::Decimal), false).precision(10, 2),
        ColumnDef::new("made", "made", ColumnType::new(Kind::Timestamp), true)
            .default_value(DefaultValue::Now),
    ],
    &[0],
)
.uniques(&[Unique { name: None, columns: &[1] }])
.indexes(&[Index { name: None, columns: &[2], unique: false }]);

#[allow(non_upper_case_globals)]
impl Item {
    const id: Column<Item, i64> = Column::new(0);
    const name: Column<Item, String> = Column::new(1);
    const price: Column<Item, Decimal> = Column::new(2);
    const made: Column<Item, Option<DateTime>> = Column::new(3);
}

impl Entity for Item {
    const TABLE: &'static Table = &ITEMS;
    type Key = i64;
    type New = NewItem;

    fn read(row: &mut RowReader<'_>) -> Result<Self> {
        Ok(Item { id: row.read()?, name: row.read()?, price: row.read()?, made: row.read()? })
    }

    fn key(&self) -> i64 {
        self.id
    }

    fn key_values(key: &i64) -> Vec<Value> {
        vec![key.to_value()]
    }

    fn value(&self, column: usize) -> Value {
        match column {
            0 => self.id.to_value(),
            1 => self.name.to_value(),
            2 => self.price.to_value(),
            _ => self.made.to_value(),
        }
    }

    fn assign(&mut self, column: usize, cell: Cell<'_>) -> Result<(), Mismatch> {
        match column {
            0 => self.id = Type::decode(cell)?,
            1 => self.name = Type::decode(cell)?,
            2 => self.price = Type::decode(cell)?,
            _ => self.made = Type::decode(cell)?,
        }
        Ok(())
    }
}

#[derive(Clone)]
struct NewItem {
    name: &'static str,
    price: &'static str,
}

impl Insertable for NewItem {
    type Entity = Item;

    fn into_inputs(self, row: &mut [Input]) {
        self.inputs(row);
    }

    fn inputs(&self, row: &mut [Input]) {
        row[1] = Input::Value(Value::Text(self.name.into()));
        row[2] = Input::Value(decimal(self.price).into_value());
    }
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// Three items, at 9.50, 10 and 100.25.
async fn items() -> Box<dyn Connection> {
    let mut connection = memory().await;
    create(&mut *connection, &[&ITEMS]).await;
    let new =
        [("pen", "9.50"), ("ink", "10"), ("desk", "100.25")].map(|(name, price)| NewItem { name, price });
    rows(&mut *connection, &insert_many(new), |_| Ok(())).await.unwrap();
    connection
}

async fn create(connection: &mut dyn Connection, tables: &[&'static Table]) {
    for ddl in create_all(tables, false, &Sqlite::new()).unwrap() {
        texts(connection, &[&spelled(&ddl)]).await.unwrap();
    }
}

#[tokio::test]
async fn create_and_drop() {
    static OWNERS: Table = Table::new(
        "Owner",
        "owners",
        &[
            ColumnDef::new("id", "id", ColumnType::new(Kind::Uuid), false),
            ColumnDef::new("item", "item_id", ColumnType::new(Kind::I64), true),
            ColumnDef::new("colour", "colour", ColumnType::new(KIND), false)
                .default_value(DefaultValue::Text("it's")),
            ColumnDef::new("day", "day", ColumnType::new(Kind::Date), false).default_value(DefaultValue::Now),
            ColumnDef::new("at", "at", ColumnType::new(Kind::Time), false).default_value(DefaultValue::Now),
            ColumnDef::new("active", "active", ColumnType::new(Kind::Bool), false)
                .default_value(DefaultValue::Bool(true)),
            ColumnDef::new("nul", "nul", ColumnType::new(Kind::Text), false)
                .default_value(DefaultValue::Text("a\0b'")),
        ],
        &[0],
    )
    .foreign_keys(&[ForeignKey {
        name: None,
        columns: &[1],
        table: || &ITEMS,
        references: &[0],
        on_delete: ReferentialAction::Cascade,
        on_update: ReferentialAction::NoAction,
    }])
    .checks(&[Check { name: Some("some"), condition: "active IN (0, 1)" }]);

    let dialect = Sqlite::new();
    let sql: Vec<String> =
        create_all(&[&OWNERS, &ITEMS], true, &dialect).unwrap().iter().map(spelled).collect();
    assert_eq!(
        sql,
        [
            "CREATE TABLE IF NOT EXISTS \"items\" (\"id\" INTEGER PRIMARY KEY, \"name\" VARCHAR(40) NOT NULL, \
             \"price\" DECIMAL_TEXT(10, 2) COLLATE decimal NOT NULL, \
             \"made\" TIMESTAMP_TEXT DEFAULT (STRFTIME('%Y-%m-%d %H:%M:%f000', 'now')), \
             CONSTRAINT \"items_name_key\" UNIQUE (\"name\"))",
            "CREATE INDEX IF NOT EXISTS \"items_price_idx\" ON \"items\" (\"price\"); \
             SELECT JSON_EXTRACT('{}', 'index ' || name || ' is one of table ' || tbl_name) FROM sqlite_schema \
             WHERE type = 'index' AND name = 'items_price_idx' COLLATE NOCASE AND tbl_name <> 'items' COLLATE NOCASE",
            "CREATE TABLE IF NOT EXISTS \"owners\" (\"id\" UUID_BLOB NOT NULL, \"item_id\" INTEGER, \
             \"colour\" TEXT NOT NULL DEFAULT 'it''s', \"day\" DATE_TEXT NOT NULL DEFAULT CURRENT_DATE, \
             \"at\" TIME_TEXT NOT NULL DEFAULT (STRFTIME('%H:%M:%f000', 'now')), \
             \"active\" BOOLEAN NOT NULL DEFAULT TRUE, \"nul\" TEXT NOT NULL DEFAULT (CAST(X'61006227' AS TEXT)), \
             PRIMARY KEY (\"id\"), \
             CONSTRAINT \"owners_item_id_fkey\" FOREIGN KEY (\"item_id\") REFERENCES \"items\" (\"id\") ON DELETE CASCADE, \
             CONSTRAINT \"some\" CHECK (active IN (0, 1)), \
             CONSTRAINT \"owners_colour_enum\" CHECK (\"colour\" IN ('red', 'it''s')))",
        ]
    );
    let mut connection = items().await;
    create(&mut *connection, &[&OWNERS]).await;
    let id = Uuid::from_bytes(*b"0123456789abcdef");
    common::execute(&mut *connection, "INSERT INTO owners (id, item_id) VALUES (?, 1)", &[id.to_value()])
        .await
        .unwrap();
    assert_eq!(one::<String>(&mut *connection, "SELECT colour FROM owners", &[]).await.unwrap(), "it's");
    assert_eq!(one::<String>(&mut *connection, "SELECT nul FROM owners", &[]).await.unwrap(), "a\0b'");
    one::<Date>(&mut *connection, "SELECT day FROM owners", &[]).await.unwrap();
    one::<jiff::civil::Time>(&mut *connection, "SELECT at FROM owners", &[]).await.unwrap();
    assert!(one::<bool>(&mut *connection, "SELECT active FROM owners", &[]).await.unwrap());
    assert_eq!(one::<Uuid>(&mut *connection, "SELECT id FROM owners", &[]).await.unwrap(), id);
    let error =
        common::execute(&mut *connection, "UPDATE owners SET colour = 'blue'", &[]).await.unwrap_err();
    assert_eq!(error.constraint(), Some("owners_colour_enum"));
    for ddl in drop_all(&[&OWNERS, &ITEMS], false, &dialect) {
        texts(&mut *connection, &[&spelled(&ddl)]).await.unwrap();
    }
}

#[test]
fn only_a_single_integer_key_is_generated() {
    static TEXT_KEY: Table = Table::new(
        "T",
        "t",
        &[ColumnDef::new("id", "id", ColumnType::new(Kind::Text), false).generated()],
        &[0],
    );
    static NO_KEY: Table =
        Table::new("T", "t", &[ColumnDef::new("n", "n", ColumnType::new(Kind::I64), false).generated()], &[]);
    for table in [&TEXT_KEY, &NO_KEY] {
        let ddl = create_all(&[table], false, &Sqlite::new()).unwrap();
        let error = ddl[0].compile(&Sqlite::new()).unwrap_err().to_string();
        assert!(
            error.starts_with("SQLite generates a value only for a primary key of one integer column"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn limit_and_offset() {
    let mut connection = items().await;
    let c = &mut *connection;
    let by_id = || select(Item::id).order_by(Item::id);
    for (statement, tail, ids) in [
        (by_id().limit(1), " LIMIT 1", vec![1]),
        (by_id().offset(1), " LIMIT -1 OFFSET 1", vec![2, 3]),
        (by_id().limit(1).offset(2), " LIMIT 1 OFFSET 2", vec![3]),
        (by_id().limit(u64::MAX), " LIMIT 9223372036854775807", vec![1, 2, 3]),
        (by_id().offset(u64::MAX), " LIMIT -1 OFFSET 9223372036854775807", vec![]),
    ] {
        let sql = spelled(&statement);
        assert!(sql.ends_with(tail), "{sql}");
        assert_eq!(fetch(c, statement).await.unwrap(), ids);
    }
}

#[tokio::test]
async fn set_operations_nest_without_parentheses() {
    let mut connection = items().await;
    let number = |n: i64| select(val(n));
    let nested = number(1).union_all(number(1)).except(number(2).union(number(3)));
    assert_eq!(
        spelled(&nested),
        "SELECT * FROM (SELECT ? UNION ALL SELECT ?) EXCEPT SELECT * FROM (SELECT ? UNION SELECT ?)"
    );
    assert_eq!(fetch(&mut *connection, nested).await.unwrap(), [1]);
    let limited = select(Item::id).order_by(Item::id.desc()).limit(1).union_all(number(7));
    assert_eq!(fetch(&mut *connection, limited).await.unwrap(), [3, 7]);
    let error = number(1).except_all(number(2)).compile(&Sqlite::new()).unwrap_err();
    assert_eq!(error.feature(), Some(Feature::IntersectExceptAll));
}

#[tokio::test]
async fn lists() {
    let mut connection = items().await;
    let c = &mut *connection;
    let short = select(Item::id).filter(Item::id.in_list([1_i64, 3]));
    assert!(spelled(&short).ends_with(" IN (?, ?)"));
    assert_eq!(fetch(c, short).await.unwrap(), [1, 3]);

    let long = || select(Item::id).filter(Item::id.in_list(2..40_000_i64)).order_by(Item::id);
    let text = " IN (SELECT value FROM JSON_EACH(?)) ORDER BY \"items\".\"id\"";
    assert!(spelled(&long()).ends_with(text), "one text for any length");
    assert_eq!(fetch(c, long()).await.unwrap(), [2, 3]);

    let names = ["pen", "'", "\"", "\\", "é🦀\n\u{1}"].map(str::to_owned);
    let others = (0..200).map(|n| n.to_string());
    let texts = select(Item::id)
        .filter(Item::name.not_in_list(names.clone().into_iter().chain(others)))
        .order_by(Item::id);
    assert_eq!(fetch(c, texts).await.unwrap(), [2, 3]);
    for name in names {
        // Each is found in the list that it is in.
        let list = (0..200).map(|n| n.to_string()).chain([name.clone()]);
        assert_eq!(fetch(c, select(val(name).in_list(list))).await.unwrap(), [true]);
    }
    // A text with a NUL would be cut off in JSON, so it is bound as it is.
    let nul = (0..200).map(|n| n.to_string()).chain(["a\0b".to_owned()]);
    let nul = select(val("a\0b".to_owned()).in_list(nul));
    assert!(spelled(&nul).ends_with("?, ?, ?)"));
    assert_eq!(fetch(c, nul).await.unwrap(), [true]);

    let ids: Vec<Uuid> = (0..200).map(Uuid::from_u128).collect();
    let uuids = select(val(ids[9]).in_list(ids.clone()));
    assert!(spelled(&uuids).ends_with(" IN (SELECT UNHEX(value) FROM JSON_EACH(?))"));
    assert_eq!(fetch(c, uuids).await.unwrap(), [true]);

    let moments = (0..200_u8).map(|n| Date::constant(2026, 1, 1 + (n % 20) as i8).at(1, 2, 3, 4_000));
    let found = select(val(Date::constant(2026, 1, 9).at(1, 2, 3, 4_000)).in_list(moments));
    assert_eq!(fetch(c, found).await.unwrap(), [true]);

    // NULL among the values: not known to be outside.
    let with_null: Vec<Option<i64>> = (10..200).map(Some).chain([None]).collect();
    let unknown = select(Item::id.not_in_list(with_null)).limit(1);
    assert_eq!(fetch(c, unknown).await.unwrap(), [None]);

    let floats = select(val(0.1_f64).in_list((0..10).map(|n| f64::from(n) / 10.0)));
    assert_eq!(fetch(c, floats).await.unwrap(), [true]);
    let error = select(val(0.1_f64).in_list((0..40_000).map(f64::from))).compile(&Sqlite::new()).unwrap_err();
    assert!(error.to_string().contains("ask in parts"), "{error}");
}

#[tokio::test]
async fn functions_and_operators() {
    let mut connection = items().await;
    let c = &mut *connection;
    assert_eq!(spelled(&select(char_length(Item::name))), "SELECT LENGTH(\"items\".\"name\") FROM \"items\"");
    assert_eq!(fetch(c, select(char_length(val("éa🦀".to_owned())))).await.unwrap(), [3]);
    // `||` binds tighter than `+` here.
    let sum: Expr<String> = Expr::new(val(1).plus(2).into_node());
    let text = select(sum.concat("x".to_owned()).concat("y".to_owned()));
    assert_eq!(spelled(&text), "SELECT (? + ?) || ? || ?");
    assert_eq!(fetch(c, text).await.unwrap(), ["3xy"]);
    assert_eq!(fetch(c, select(val(7_i64).divided_by(2_i64))).await.unwrap(), [Some(3)]);
    assert_eq!(fetch(c, select(val(-7_i64).modulo(2_i64))).await.unwrap(), [Some(-1)]);
    assert_eq!(fetch(c, select(val(7.0_f64).divided_by(2_i32))).await.unwrap(), [Some(3.5)]);
    assert_eq!(fetch(c, select(val(7_i64).divided_by(0_i64))).await.unwrap(), [None]);
    assert_eq!(fetch(c, select(val(None::<i64>).is_distinct_from(1_i64))).await.unwrap(), [true]);
    assert_eq!(fetch(c, select(val(None::<i64>).is_not_distinct_from(None::<i64>))).await.unwrap(), [true]);
    // LIKE tells upper from lower case, as on the other databases.
    let like =
        select((val("Ab".to_owned()).like("a%".to_owned()), val("Ab".to_owned()).ilike("a%".to_owned())));
    assert_eq!(fetch(c, like).await.unwrap(), [(false, true)]);
    let odd = select(val("50%_!".to_owned()).contains("%_!"));
    assert_eq!(fetch(c, odd).await.unwrap(), [true]);
}

#[tokio::test]
async fn the_present_equals_what_is_stored_for_it() {
    let mut connection = items().await;
    let c = &mut *connection;
    let made: DateTime = fetch(c, select(Item::made)).await.unwrap().remove(0).unwrap();
    let later: DateTime = fetch(c, select(now::<DateTime>())).await.unwrap().remove(0);
    assert!(made <= later);
    let in_order = select(count_all()).filter(Item::made.le(now::<DateTime>()));
    assert_eq!(fetch(c, in_order).await.unwrap(), [3]);
    let day: Vec<Option<Date>> = fetch(c, select(cast::<Date, _>(Item::made)).limit(1)).await.unwrap();
    assert_eq!(day, [Some(made.date())]);
}

#[tokio::test]
async fn decimals_compare_and_calculate_exactly() {
    let mut connection = items().await;
    let c = &mut *connection;
    // As text, "10" and "100.25" come before "9.50".
    assert_eq!(fetch(c, select(Item::id).order_by(Item::price.desc())).await.unwrap(), [3, 2, 1]);
    assert_eq!(fetch(c, select(Item::id).filter(Item::price.gt(decimal("9.6")))).await.unwrap(), [2, 3]);
    assert_eq!(fetch(c, select(Item::id).filter(Item::price.eq(decimal("10.000")))).await.unwrap(), [2]);
    assert_eq!(fetch(c, select(Item::id).filter(Item::price.gt(50))).await.unwrap(), [3]);
    assert_eq!(
        fetch(c, select(Item::id).filter(Item::price.in_list([decimal("9.5"), decimal("8")]))).await.unwrap(),
        [1]
    );
    let between = select(Item::id).filter(Item::price.between(decimal("9.51"), decimal("100.2")));
    assert_eq!(fetch(c, between).await.unwrap(), [2]);

    let total = select(sum(Item::price));
    assert_eq!(
        spelled(&total),
        "SELECT CAST(decimal_sum(\"items\".\"price\") AS TEXT) COLLATE decimal FROM \"items\""
    );
    assert_eq!(fetch(c, total).await.unwrap(), [Some(decimal("119.75"))]);
    assert_eq!(fetch(c, select(sum(Item::price)).filter(Item::id.gt(9))).await.unwrap(), [None]);
    assert_eq!(fetch(c, select(max(Item::price))).await.unwrap(), [Some(decimal("100.25"))]);
    assert_eq!(fetch(c, select(avg(Item::price)).filter(Item::id.lt(3))).await.unwrap(), [Some(9.75)]);
    let filtered = sum(Item::price).filter_where(Item::id.lt(3));
    assert_eq!(fetch(c, select(filtered)).await.unwrap(), [Some(decimal("19.50"))]);

    let calculated = select(Item::price.times(3).minus(decimal("0.01"))).order_by(Item::id);
    assert_eq!(fetch(c, calculated).await.unwrap(), ["28.49", "29.99", "300.74"].map(decimal));
    // What was calculated compares as a number, with decimals and with integers.
    assert_eq!(
        fetch(c, select(Item::id).filter((Item::price * 2).gt(decimal("19.5")))).await.unwrap(),
        [2, 3]
    );
    assert_eq!(fetch(c, select(Item::id).filter((Item::price * 2).le(20))).await.unwrap(), [1, 2]);
    assert_eq!(
        fetch(c, select(Item::id).filter(decimal_expr("9.6").lt(Item::id + 8))).await.unwrap(),
        [2, 3]
    );
    assert_eq!(fetch(c, select(Item::id).order_by((Item::price + 1).desc())).await.unwrap(), [3, 2, 1]);
    let negative = select(Item::id).order_by(Item::price.negative());
    assert_eq!(fetch(c, negative).await.unwrap(), [3, 2, 1]);
    assert_eq!(fetch(c, select(abs(val(decimal("-1.50"))))).await.unwrap(), [decimal("1.50")]);
    let or_else = select(Item::id).order_by(coalesce(Item::price, decimal("0")).desc());
    assert_eq!(fetch(c, or_else).await.unwrap(), [3, 2, 1]);
    assert_eq!(fetch(c, select(cast::<Decimal, _>(val(15_i64)).eq(decimal("15.0")))).await.unwrap(), [true]);

    // Also behind a subquery, which only knows that it is something.
    let totals = select((Item::id, sum(Item::price))).group_by(Item::id).subquery("totals");
    let (id, total) = totals.columns();
    let outer = select(id.clone())
        .from(&totals)
        .filter(total.clone().gt(decimal("9.6")))
        .order_by(total.clone().desc());
    assert_eq!(fetch(c, outer).await.unwrap(), [3, 2]);
    assert_eq!(fetch(c, select(id).from(&totals).filter(total.lt(50))).await.unwrap(), [1, 2]);

    let running = over(sum(Item::price), window().order_by(Item::id));
    assert_eq!(
        fetch(c, select(running)).await.unwrap(),
        ["9.50", "19.50", "119.75"].map(|text| Some(decimal(text)))
    );
    assert_eq!(
        fetch(c, select(over(row_number(), window().order_by(Item::price)))).await.unwrap(),
        [1, 2, 3]
    );

    let error = select(Item::price.divided_by(2)).compile(&Sqlite::new()).unwrap_err();
    assert!(
        error.to_string().starts_with("SQLite has neither division nor remainder of decimals"),
        "{error}"
    );
    let wide = val(decimal("79228162514264337593543950335")).times(decimal("79228162514264337593543950335"));
    let error = fetch(c, select(wide)).await.unwrap_err();
    assert_eq!(error.class(), relata_core::ErrorClass::Data, "{error}");
}

fn decimal_expr(text: &str) -> Expr<Decimal> {
    val(decimal(text))
}

#[tokio::test]
async fn writing() {
    let mut connection = items().await;
    let c = &mut *connection;
    let pen = || NewItem { name: "pen", price: "1" };
    let returning = insert(NewItem { name: "cup", price: "3.10" }).returning((Item::id, Item::price));
    let read = returning.reader();
    assert_eq!(rows(c, &returning, read).await.unwrap(), [(4, decimal("3.10"))]);
    let ignored = insert(pen()).on_conflict(Item::name).do_nothing().returning(Item::id);
    let read = ignored.reader();
    assert!(rows(c, &ignored, read).await.unwrap().is_empty());
    let upsert = insert(pen())
        .on_conflict(Item::name)
        .do_update(|row| row.set(Item::price, Item::price + 1))
        .returning(Item::price);
    let read = upsert.reader();
    assert_eq!(rows(c, &upsert, read).await.unwrap(), [decimal("10.50")]);
    let changed =
        update::<Item>().set(Item::name, "biro").filter(Item::name.eq("pen")).returning(Item::entity());
    let read = changed.reader();
    assert_eq!(rows(c, &changed, read).await.unwrap()[0].name, "biro");
    let deleted = delete::<Item>().filter(Item::id.gt(2)).returning(Item::id);
    let read = deleted.reader();
    assert_eq!(rows(c, &deleted, read).await.unwrap(), [3, 4]);
}

#[tokio::test]
async fn joins_of_every_kind() {
    let mut connection = items().await;
    let other = Item::alias("other");
    let next = |other: &relata_core::expr::Alias<Item>| Item::id.of(other).eq(Item::id + 1);
    let pairs = || (Item::id.optional(), Item::id.of(&other).optional());
    let right = select(pairs()).from(Item::entity()).right_join_on(&other, next(&other));
    assert_eq!(fetch(&mut *connection, right).await.unwrap().len(), 3);
    let full = select(pairs()).from(Item::entity()).full_join_on(&other, next(&other));
    assert_eq!(fetch(&mut *connection, full).await.unwrap().len(), 4);
}

#[tokio::test]
async fn nulls_first_and_last() {
    let mut connection = items().await;
    texts(&mut *connection, &["UPDATE items SET made = NULL WHERE id = 2"]).await.unwrap();
    for (order, ids) in
        [(Item::made.asc().nulls_last(), [1, 3, 2]), (Item::made.asc().nulls_first(), [2, 1, 3])]
    {
        let select = select(Item::id).order_by(order).order_by(Item::id);
        assert_eq!(fetch(&mut *connection, select).await.unwrap(), ids);
    }
}

#[test]
fn what_sqlite_lacks_is_refused() {
    let lock = Item::select().for_update().compile(&Sqlite::new()).unwrap_err();
    assert_eq!(lock.to_string(), "SQLite has no FOR UPDATE");
}

#[test]
fn transactions() {
    let begin = |dialect: Sqlite, options| dialect.begin(&options).unwrap();
    assert_eq!(begin(Sqlite::new(), TransactionOptions::new()), ["BEGIN IMMEDIATE"]);
    assert_eq!(
        begin(Sqlite::new().begin_mode(BeginMode::Deferred), TransactionOptions::new()),
        ["BEGIN DEFERRED"]
    );
    // Weaker levels are kept by the only one there is.
    let weak = TransactionOptions::new().isolation(Isolation::ReadCommitted);
    assert_eq!(begin(Sqlite::new(), weak), ["BEGIN IMMEDIATE"]);
    let reading = TransactionOptions::new().read_only();
    assert_eq!(begin(Sqlite::new(), reading), ["PRAGMA query_only = ON", "BEGIN DEFERRED"]);
}

#[tokio::test]
async fn odd_names_and_literals_stay_what_they_are() {
    let mut connection = memory().await;
    for name in ["select", "a\"b", "a`b", "a.b", "ключ", "x]y", "'", "--", &"n".repeat(200)] {
        let quoted = {
            let dialect = Sqlite::new();
            let mut out = relata_core::render::Renderer::new(&dialect);
            out.identifier(name).unwrap();
            out.finish().sql
        };
        texts(&mut *connection, &[&format!("CREATE TABLE {quoted} ({quoted} TEXT)")]).await.unwrap();
        let column = "SELECT name FROM pragma_table_info(?)";
        assert_eq!(one::<String>(&mut *connection, column, &[Value::Text(name.into())]).await.unwrap(), name);
    }
    for text in ["", "'", "''", "\\", "\\'", "a\0b", "\0", "'); DROP TABLE t; --", "🦀\n"] {
        let mut literal = String::new();
        Sqlite::new().write_literal(&mut literal, text);
        assert_eq!(one::<String>(&mut *connection, &format!("SELECT {literal}"), &[]).await.unwrap(), text);
    }
}

#[test]
fn batches_of_an_insert_stay_within_the_limit_of_binds() {
    let dialect = Sqlite::new();
    assert_eq!(dialect.insert_batch(3), 50);
    for columns in [0, 1, 700, 2000, 40_000] {
        let rows = dialect.insert_batch(columns);
        assert!(rows >= 1 && (rows == 1 || rows * columns <= dialect.max_binds()), "{columns}");
    }
}
