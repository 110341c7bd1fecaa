//! Each thing that goes wrong is an error of its own class, with the names that the server tells, and without a password or a
//! value of the user's.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{error::Error as _, sync::Arc, time::Duration};

use jiff::civil::Date;
use relata::{OpenDriver, dialect::Feature, prelude::*, sqlite::SqliteDriver, statement::sql_unchecked};
use relata_tests::{Database, Server, on_every_database};
use rust_decimal::Decimal;

/// In every statement here; in no error.
const SECRET: &str = "s3cret'); --";
const SECRET_PART: &str = "s3cret";

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "customers", check(name = "customers_age", "age > 0"))]
struct Customer {
    #[column(primary_key)]
    id: i64,
    #[column(unique, length = 60)]
    email: String,
    age: i32,
    #[column(length = 15)]
    nick: Option<String>,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "orders", unique(customer_id, number))]
struct Order {
    #[column(primary_key)]
    id: i64,
    #[column(references = Customer::id)]
    customer_id: i64,
    #[column(length = 40)]
    number: String,
    #[column(precision(6, 2))]
    total: Decimal,
}

async fn create(db: &Database) {
    Schema::new().with::<Customer>().with::<Order>().create(&**db).await.unwrap();
}

fn customer(email: &str) -> NewCustomer {
    NewCustomer { email: email.into(), age: 30, nick: Some(SECRET.into()) }
}

/// What everybody might print of an error holds no secret: neither a value nor a password.
#[track_caller]
fn harmless(error: &Error, db: &Database) {
    let mut all = format!(
        "{error}\n{error:?}\n{error:#?}\n{:?}\n{:?}\n{:?}",
        error.constraint(),
        error.table(),
        error.columns()
    );
    let mut source = error.source();
    while let Some(inner) = source {
        all.push_str(&format!("\n{inner}\n{inner:?}\n{inner:#?}"));
        source = inner.source();
    }
    assert!(!all.contains(SECRET_PART), "a value is in {all}");
    if let Some(password) = password(db) {
        assert!(!all.contains(&password), "the password is in {all}");
    }
}

/// The part of the password that is the same however it is encoded.
fn password(db: &Database) -> Option<String> {
    let (user, _) = db.url.rsplit_once('@')?;
    Some(user.rsplit_once("%2B")?.1.to_owned())
}

/// Checks the class, and that nothing secret is said.
#[track_caller]
fn class<T: std::fmt::Debug>(result: Result<T, Error>, db: &Database) -> ErrorClass {
    let error = result.unwrap_err();
    harmless(&error, db);
    assert!(!error.to_string().is_empty() && !error.to_string().contains('\n'), "{error}");
    error.class()
}

/// The URL with other options, user, host or port.
fn url(db: &Database, change: impl FnOnce(&mut Parts)) -> String {
    let (scheme, rest) = db.url.split_once("://").unwrap();
    let (user, rest) = rest.rsplit_once('@').unwrap();
    let (user, password) = user.split_once(':').unwrap();
    let (host, rest) = rest.split_once('/').unwrap();
    let (host, port) = host.rsplit_once(':').unwrap();
    let (database, options) = rest.split_once('?').unwrap();
    let mut parts = Parts {
        user: user.into(),
        password: password.into(),
        host: host.into(),
        port: port.into(),
        database: database.into(),
        options: options.into(),
    };
    change(&mut parts);
    let Parts { user, password, host, port, database, options } = parts;
    format!("{scheme}://{user}:{password}@{host}:{port}/{database}?{options}")
}

struct Parts {
    user: String,
    password: String,
    host: String,
    port: String,
    database: String,
    options: String,
}

/// Something that takes the database hours, and starts at once.
fn endless() -> Select<i64> {
    let numbers = |name: &'static str| {
        recursive(name, select(val(1_i64).label("n")), |numbers| {
            let n = numbers.columns();
            select(n.clone() + 1_i64).from(numbers).filter(n.lt(900))
        })
    };
    let (a, b, c, d) = (numbers("a"), numbers("b"), numbers("c"), numbers("d"));
    let total = a.columns() + b.columns() + c.columns() + d.columns();
    select(count(total)).from(&a).cross_join(&b).cross_join(&c).cross_join(&d)
}

on_every_database! {
    async fn unique(db: Database) {
        create(&db).await;
        let id = insert(customer(SECRET)).returning(Customer::id).one(&*db).await.unwrap();
        let error = insert(customer(SECRET)).execute(&*db).await.unwrap_err();
        harmless(&error, &db);
        assert!(error.is_unique_violation() && !error.is_retryable(), "{error:?}");
        // The name of the constraint, or its columns: what the database tells.
        assert!(error.constraint() == Some("customers_email_key") || error.columns() == ["email"], "{error:?}");
        assert!(error.table().is_none_or(|table| table == "customers"), "{error:?}");
        assert!(error.statement().is_some_and(|sql| sql.contains("INSERT INTO")), "{error:?}");
        assert!(error.code().is_some(), "{error:?}");
        let error = insert(customer("other").with_key(id)).execute(&*db).await.unwrap_err();
        harmless(&error, &db);
        assert!(error.is_unique_violation(), "{error:?}");
        insert(customer("other").with_key(id + 1)).execute(&*db).await.unwrap();
        let error = update::<Customer>().set(Customer::email, SECRET).execute(&*db).await.unwrap_err();
        harmless(&error, &db);
        assert!(error.is_unique_violation(), "{error:?}");
        // Of two columns; in a list of many rows; through a session.
        let order = |number: &str| NewOrder { customer_id: id.into(), number: number.into(), total: Decimal::ONE };
        let error = insert_many([order("1"), order(SECRET), order(SECRET)]).execute(&*db).await.unwrap_err();
        harmless(&error, &db);
        assert!(error.is_unique_violation(), "{error:?}");
        assert!(error.constraint() == Some("orders_customer_id_number_key") || error.columns() == ["customer_id", "number"], "{error:?}");
        let mut session = db.session();
        session.add(customer(SECRET));
        let error = session.flush().await.unwrap_err();
        harmless(&error, &db);
        assert!(error.is_unique_violation(), "{error:?}");
    }

    async fn foreign_key(db: Database) {
        create(&db).await;
        let order = |customer: i64| NewOrder { customer_id: customer.into(), number: SECRET.into(), total: Decimal::ONE };
        let error = insert(order(404)).execute(&*db).await.unwrap_err();
        harmless(&error, &db);
        assert!(error.is_foreign_key_violation(), "{error:?}");
        assert!(error.constraint().is_none_or(|name| name == "orders_customer_id_fkey"), "{error:?}");
        assert!(error.constraint().is_some() || db.server() == Server::Sqlite, "{error:?}");
        let id = insert(customer(SECRET)).returning(Customer::id).one(&*db).await.unwrap();
        insert(order(id)).execute(&*db).await.unwrap();
        let error = delete::<Customer>().filter(Customer::email.eq(SECRET)).execute(&*db).await.unwrap_err();
        harmless(&error, &db);
        assert!(error.is_foreign_key_violation(), "{error:?}");
        assert_eq!(class(Schema::new().with::<Customer>().drop(&*db).await, &db), ErrorClass::ForeignKey);
    }

    async fn not_null(db: Database) {
        create(&db).await;
        let error = sql("INSERT INTO customers (email, nick, age) VALUES (?, ?, ?)").bind(SECRET).bind(SECRET).bind(None::<i32>).execute(&*db).await.unwrap_err();
        harmless(&error, &db);
        assert!(error.is_not_null_violation(), "{error:?}");
        assert_eq!(error.columns(), ["age"], "{error:?}");
        let error = sql("INSERT INTO customers (nick) VALUES (?)").bind(SECRET).execute(&*db).await.unwrap_err();
        harmless(&error, &db);
        assert!(error.is_not_null_violation(), "{error:?}");
        insert(customer(SECRET)).execute(&*db).await.unwrap();
        let error = sql("UPDATE customers SET age = ? WHERE email = ?").bind(None::<i32>).bind(SECRET).execute(&*db).await.unwrap_err();
        harmless(&error, &db);
        assert!(error.is_not_null_violation(), "{error:?}");
    }

    async fn check(db: Database) {
        create(&db).await;
        let error = insert(NewCustomer { age: -1, ..customer(SECRET) }).execute(&*db).await.unwrap_err();
        harmless(&error, &db);
        assert!(error.is_check_violation(), "{error:?}");
        assert_eq!(error.constraint(), Some("customers_age"), "{error:?}");
        insert(customer(SECRET)).execute(&*db).await.unwrap();
        let error = update::<Customer>().set(Customer::age, 0).filter(Customer::email.eq(SECRET)).execute(&*db).await.unwrap_err();
        harmless(&error, &db);
        assert!(error.is_check_violation(), "{error:?}");
    }

    async fn statements_that_make_no_sense(db: Database) {
        assert_eq!(class(Customer::select().filter(Customer::email.eq(SECRET)).all(&*db).await, &db), ErrorClass::Statement);
        assert_eq!(class(insert(customer(SECRET)).execute(&*db).await, &db), ErrorClass::Statement);
        assert_eq!(class(update::<Customer>().set(Customer::email, SECRET).execute(&*db).await, &db), ErrorClass::Statement);
        create(&db).await;
        assert_eq!(class(Schema::new().with::<Customer>().create(&*db).await, &db), ErrorClass::Statement);
        for text in [
            "SELEKT * FROM customers WHERE email = ?",
            "SELECT FROM WHERE email = ?",
            "SELECT no_such_column FROM customers WHERE email = ?",
            "SELECT email FROM no_such_table WHERE email = ?",
            "SELECT no_such_function(email) FROM customers WHERE email = ?",
            "INSERT INTO customers (email) VALUES (?, 'x')",
        ] {
            assert_eq!(class(sql(text).bind(SECRET).execute(&*db).await, &db), ErrorClass::Statement, "{text}");
        }
        for text in ["", " ", ";", "-- nothing", "SELECT", "(", "'", "SELECT 1; SELECT; SELECT 2"] {
            let outcome = sql(text).execute(&*db).await;
            if let Err(error) = outcome {
                assert_eq!(error.class(), ErrorClass::Statement, "{text}: {error:?}");
            }
        }
        // None of them has left anything behind.
        assert_eq!(Customer::select().count(&*db).await.unwrap(), 0);
    }

    async fn values_that_do_not_fit(db: Database) {
        create(&db).await;
        let sqlite = db.server() == Server::Sqlite;
        let id = insert(customer("a")).returning(Customer::id).one(&*db).await.unwrap();
        // SQLite's types are for the reader; what is read as another type is refused then.
        let long = insert(NewCustomer { nick: Some(format!("{SECRET}{SECRET}")), ..customer("b") }).execute(&*db).await;
        if !sqlite {
            assert_eq!(class(long, &db), ErrorClass::Data);
        }
        let total = Decimal::from(1_000_000);
        let large = insert(NewOrder { customer_id: id.into(), number: SECRET.into(), total }).execute(&*db).await;
        if !sqlite {
            assert_eq!(class(large, &db), ErrorClass::Data);
        }
        match sql("UPDATE customers SET age = ? WHERE email <> ?").bind(3_000_000_000_i64).bind(SECRET).execute(&*db).await {
            Ok(_) => {
                let error = Customer::select().all(&*db).await.unwrap_err();
                harmless(&error, &db);
                assert_eq!(error.class(), ErrorClass::Decode, "{error:?}");
                assert!(error.to_string().contains("age") && error.to_string().contains("i32"), "{error}");
            }
            Err(error) => assert_eq!(error.class(), ErrorClass::Data, "{error:?}"),
        }
        delete::<Order>().execute(&*db).await.unwrap();
        delete::<Customer>().execute(&*db).await.unwrap();
        // Text that is no number, no day, no document.
        let text = || val(SECRET.to_owned());
        let day = select(cast::<Date, _>(text())).one(&*db).await;
        assert!(matches!(class(day, &db), ErrorClass::Data | ErrorClass::Decode));
        if let Err(error) = select(cast::<i64, _>(text())).one(&*db).await {
            harmless(&error, &db);
            assert!(matches!(error.class(), ErrorClass::Data | ErrorClass::Decode), "{error:?}");
        }
        if let Err(error) = sql("INSERT INTO customers (email, age) VALUES ('x', ?)").bind(SECRET).execute(&*db).await {
            harmless(&error, &db);
            assert!(matches!(error.class(), ErrorClass::Data | ErrorClass::Statement | ErrorClass::Check), "{error:?}");
        }
        let document = sql("SELECT ?").bind(SECRET).columns::<serde_json::Value>().one(&*db).await;
        assert!(matches!(class(document, &db), ErrorClass::Decode));
        let scalar = sql("SELECT ? UNION ALL SELECT ?").bind(SECRET).bind("x").columns::<i64>().all(&*db).await;
        assert_eq!(class(scalar, &db), ErrorClass::Decode);
        // More than one row where one is meant.
        delete::<Customer>().execute(&*db).await.unwrap();
        insert_many([customer(SECRET), customer("b")]).execute(&*db).await.unwrap();
        assert_eq!(class(Customer::select().filter(Customer::email.ne("")).one(&*db).await, &db), ErrorClass::TooManyRows);
        assert_eq!(class(Customer::select().filter(Customer::nick.eq(format!("{SECRET}?"))).one(&*db).await, &db), ErrorClass::NotFound);
    }

    /// What the server finds wrong only when it runs the statement can quote what was bound, whole or in part.
    async fn what_the_server_quotes(db: Database) {
        create(&db).await;
        let texts: &[&'static str] = match db.server() {
            Server::Sqlite => {
                sql("CREATE VIRTUAL TABLE notes USING fts5(body)").execute(&*db).await.unwrap();
                &[
                    "SELECT rowid FROM notes WHERE notes MATCH ?",
                    "SELECT json_extract('{}', ?)",
                    "INSERT INTO notes(notes) VALUES (?)",
                ]
            }
            Server::Postgres => &[
                "SELECT to_tsquery(?::text)::text",
                "SELECT ?::text::regclass::text",
                "SELECT nextval(?::text::regclass)",
                "SELECT set_config('time_zone', ?, false)",
                "SELECT set_config('search_path', '\"', false) || ?",
                "SELECT ?::text::xml::text || 'x'",
                "SELECT 'x' ~ ('(' || ?)",
                "SELECT to_date('1', ?)::text || to_timestamp(?, 'Q')::text",
            ],
            Server::MySql | Server::MariaDb => &[
                "SELECT EXTRACTVALUE('<a/>', ?)",
                "SELECT GET_LOCK(REPEAT(?, 30), 0)",
                "SET SESSION sql_mode = ?",
                "SET time_zone = ?",
                "SET character_set_results = ?",
                "SELECT JSON_EXTRACT('{}', ?)",
                "SELECT 'x' REGEXP CONCAT('(', ?)",
            ],
        };
        let mut refused = 0;
        // As one word, with signs that mean something there, and with quote marks.
        for text in texts {
            for value in [SECRET_PART, "s3cret:x", "s3cret s3cret", "S3CRET", "\"s3cret", "x'\"'s3cret' \"y\"", "public.s3cret"] {
                let mut statement = sql(text);
                for _ in text.matches('?') {
                    statement = statement.bind(value);
                }
                if let Err(error) = statement.columns::<String>().all(&*db).await {
                    harmless(&error, &db);
                    let shown = format!("{error:?}").to_lowercase();
                    assert!(!shown.contains(SECRET_PART), "{shown}");
                    refused += 1;
                }
            }
        }
        assert!(refused > texts.len(), "the server took {texts:?}");
        // A name that is wrong in the statement shows.
        let error = sql("SELECT nothing FROM customers WHERE email = ?").bind(SECRET).columns::<i64>().all(&*db).await.unwrap_err();
        assert!(error.to_string().contains("nothing"), "{error}");
        // So does what a trigger says, without what was bound.
        let trigger: &[&'static str] = match db.server() {
            Server::Sqlite => &["CREATE TRIGGER too_many BEFORE INSERT ON customers BEGIN SELECT RAISE(ABORT, 'table is full: come back later'); END"],
            Server::Postgres => &[
                "CREATE FUNCTION too_many() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'table is full: come back later, %', NEW.email; END $$",
                "CREATE TRIGGER too_many BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION too_many()",
            ],
            Server::MySql | Server::MariaDb => &[
                "CREATE TRIGGER too_many BEFORE INSERT ON customers FOR EACH ROW BEGIN \
                 DECLARE why TEXT DEFAULT CONCAT('table is full: come back later, ', NEW.email); \
                 SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = why; END",
            ],
        };
        for text in trigger {
            sql(text).execute(&*db).await.unwrap();
        }
        let error = insert(customer(SECRET)).execute(&*db).await.unwrap_err();
        harmless(&error, &db);
        assert!(error.to_string().contains("table is full: come back later"), "{error}");
    }

    async fn deadlock(db: Database) {
        if !db.dialect().supports(Feature::Locking) {
            return;
        }
        create(&db).await;
        insert_many([customer("a"), customer("b")]).execute(&*db).await.unwrap();
        let take = |email: &'static str| update::<Customer>().set(Customer::nick, SECRET).filter(Customer::email.eq(email));
        let (mut one, mut two) = (db.begin().await.unwrap(), db.begin().await.unwrap());
        take("a").execute(&mut one).await.unwrap();
        take("b").execute(&mut two).await.unwrap();
        let (first, second) = tokio::join!(take("b").execute(&mut one), async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let result = take("a").execute(&mut two).await;
            // The other one waits for what this one holds.
            two.rollback().await.unwrap();
            result
        });
        let error = match (first, second) {
            (Err(error), Ok(_)) | (Ok(_), Err(error)) => error,
            outcome => panic!("one of the two was to be chosen: {outcome:?}"),
        };
        harmless(&error, &db);
        assert_eq!(error.class(), ErrorClass::Deadlock, "{error:?}");
        assert!(error.is_retryable());
    }

    async fn lock_timeout(db: Database) {
        create(&db).await;
        insert(customer("a")).execute(&*db).await.unwrap();
        let mut holder = db.begin().await.unwrap();
        update::<Customer>().set(Customer::age, 40).execute(&mut holder).await.unwrap();
        let change = || update::<Customer>().set(Customer::nick, SECRET);
        let outcome = match db.server() {
            Server::Sqlite => {
                let impatient = Engine::connect(&format!("{}?busy_timeout=50ms", db.url)).await.unwrap();
                change().execute(&impatient).await
            }
            server => {
                let mut tx = db.begin().await.unwrap();
                let set = if server == Server::Postgres { "SET lock_timeout = '50ms'" } else { "SET innodb_lock_wait_timeout = 1" };
                sql(set).execute(&mut tx).await.unwrap();
                let outcome = change().execute(&mut tx).await;
                let reset = if server == Server::Postgres { "SET lock_timeout = 0" } else { "SET innodb_lock_wait_timeout = 50" };
                tx.rollback().await.unwrap();
                sql(reset).execute(&*db).await.unwrap();
                let mut tx = db.begin().await.unwrap();
                assert_eq!(class(Customer::select().no_wait().all(&mut tx).await, &db), ErrorClass::LockTimeout);
                outcome
            }
        };
        assert_eq!(class(outcome, &db), ErrorClass::LockTimeout);
        holder.commit().await.unwrap();
        assert_eq!(change().execute(&*db).await.unwrap(), 1);
    }

    /// Two transactions that each read what the other one writes cannot both have been first.
    async fn serialization(db: Database) {
        create(&db).await;
        insert_many([customer("a"), customer("b")]).execute(&*db).await.unwrap();
        let engine = match db.server() {
            Server::Sqlite => Engine::connect(&format!("{}?begin=deferred&busy_timeout=300ms", db.url)).await.unwrap(),
            _ => (*db).clone(),
        };
        let options = TransactionOptions::new().isolation(Isolation::Serializable);
        let work = async |email: &'static str, ready: &tokio::sync::Barrier| {
            let mut tx = engine.begin_with(options).await?;
            let rows = Customer::select().all(&mut tx).await?;
            ready.wait().await;
            update::<Customer>().set(Customer::age, rows.len() as i32).set(Customer::nick, SECRET).filter(Customer::email.eq(email)).execute(&mut tx).await?;
            tx.commit().await
        };
        let ready = tokio::sync::Barrier::new(2);
        let (one, two) = tokio::join!(work("a", &ready), work("b", &ready));
        let error = match (one, two) {
            (Err(error), _) | (_, Err(error)) => error,
            _ => panic!("both were committed"),
        };
        harmless(&error, &db);
        assert!(matches!(error.class(), ErrorClass::Serialization | ErrorClass::Deadlock), "{error:?}");
        assert!(error.is_retryable());
    }

    async fn statement_timeout(db: Database) {
        let separator = if db.url.contains('?') { '&' } else { '?' };
        let name = if db.server() == Server::Postgres { "&application_name=hasty" } else { "" };
        let url = format!("{}{separator}statement_timeout=150ms{name}", db.url.replace("pool_size=6", "pool_size=1"));
        let hasty = Engine::connect(&url).await.unwrap();
        let begun = std::time::Instant::now();
        assert_eq!(class(endless().filter(val(SECRET.to_owned()).ne("")).one(&hasty).await, &db), ErrorClass::Timeout);
        assert!(begun.elapsed() < Duration::from_secs(5));
        // The pool is as good as before.
        assert_eq!(select(val(1)).one(&hasty).await.unwrap(), 1);
        let mut tx = hasty.begin().await.unwrap();
        assert_eq!(class(endless().one(&mut tx).await, &db), ErrorClass::Timeout);
        drop(tx);
        assert_eq!(select(val(1)).one(&hasty).await.unwrap(), 1);
        hasty.close().await.unwrap();
        // Nor is the server left at work.
        let working = match db.server() {
            Server::Sqlite => return,
            Server::Postgres => "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'hasty' AND state = 'active'",
            Server::MariaDb | Server::MySql => {
                "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND command <> 'Sleep' AND id <> CONNECTION_ID()"
            }
        };
        let begun = std::time::Instant::now();
        while sql(working).columns::<i64>().one(&*db).await.unwrap() > 0 {
            assert!(begun.elapsed() < Duration::from_secs(10), "the statement goes on");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn the_server_goes(db: Database) {
        let (id, kill) = match db.server() {
            Server::Sqlite => return,
            Server::Postgres => ("SELECT pg_backend_pid()", "SELECT pg_terminate_backend({})"),
            _ => ("SELECT CAST(CONNECTION_ID() AS SIGNED)", "KILL {}"),
        };
        create(&db).await;
        let other = Engine::connect(&url(&db, |parts| parts.options = parts.options.replace("pool_size=6", "pool_size=1"))).await.unwrap();
        let end = async |number: i64| {
            sql_unchecked(kill.replace("{}", &number.to_string())).execute(&*db).await.unwrap();
            // It takes the server a moment.
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        let number = async |db: &mut Connection| sql(id).columns::<i64>().one(db).await.unwrap();

        // While it is idle, on a connection of one's own.
        let mut connection = other.connection().await.unwrap();
        end(number(&mut connection).await).await;
        assert_eq!(class(Customer::select().filter(Customer::email.eq(SECRET)).all(&mut connection).await, &db), ErrorClass::Disconnected);
        drop(connection);
        assert_eq!(Customer::select().count(&other).await.unwrap(), 0, "the pool has replaced it");

        // In a transaction, before a statement.
        let mut connection = other.connection().await.unwrap();
        let victim = number(&mut connection).await;
        let mut tx = connection.begin().await.unwrap();
        insert(customer("a")).execute(&mut tx).await.unwrap();
        end(victim).await;
        let error = insert(customer(SECRET)).execute(&mut tx).await.unwrap_err();
        harmless(&error, &db);
        assert!(error.is_disconnect() && !error.is_retryable(), "{error:?}");
        class(tx.commit().await, &db);
        drop(connection);
        assert_eq!(Customer::select().count(&other).await.unwrap(), 0);

        // Before COMMIT: nobody knows.
        let mut connection = other.connection().await.unwrap();
        let victim = number(&mut connection).await;
        let mut tx = connection.begin().await.unwrap();
        insert(customer("a")).execute(&mut tx).await.unwrap();
        end(victim).await;
        let error = tx.commit().await.unwrap_err();
        assert!(matches!(error.class(), ErrorClass::CommitUnknown | ErrorClass::Disconnected), "{error:?}");
        assert!(!error.is_retryable());
        drop(connection);

        // While a statement runs.
        let mut connection = other.connection().await.unwrap();
        let victim = number(&mut connection).await;
        let (outcome, ()) = tokio::join!(endless().one(&mut connection), async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            end(victim).await;
        });
        assert_eq!(class(outcome, &db), ErrorClass::Disconnected);
        drop(connection);

        // A connection that died in the pool is seen to be dead before it is used.
        let mut connection = other.connection().await.unwrap();
        let victim = number(&mut connection).await;
        drop(connection);
        end(victim).await;
        match Customer::select().count(&other).await {
            Ok(count) => assert_eq!(count, 0),
            // Where the driver cannot know without asking, the first to use it finds out.
            Err(error) => assert!(error.is_disconnect() && db.server() != Server::Postgres, "{error:?}"),
        }
        assert_eq!(Customer::select().count(&other).await.unwrap(), 0);
        other.close().await.unwrap();
    }

    async fn connecting(db: Database) {
        if db.server() == Server::Sqlite {
            let error = Engine::connect("sqlite:/no/such/folder/file.db").await.unwrap_err();
            assert_eq!(error.class(), ErrorClass::Connect, "{error:?}");
            let error = Engine::connect(&format!("{}?mode=ro&speling=1", db.url)).await.unwrap_err();
            assert_eq!(error.class(), ErrorClass::Configuration, "{error:?}");
            assert!(error.to_string().contains("\"speling\"") && error.to_string().contains("busy_timeout"), "{error}");
            let engine = Engine::connect(&format!("{}?statement_cache=18446744073709551615", db.url)).await.unwrap();
            assert_eq!(select(val(1)).one(&engine).await.unwrap(), 1);
            return;
        }
        let fails = async |url: String| {
            let error = Engine::connect(&url).await.map(|_| ()).unwrap_err();
            harmless(&error, &db);
            error
        };
        let error = fails(url(&db, |parts| parts.password = SECRET_PART.into())).await;
        assert_eq!(error.class(), ErrorClass::Authentication, "{error:?}");
        let error = fails(url(&db, |parts| parts.password.clear())).await;
        assert_eq!(error.class(), ErrorClass::Authentication, "{error:?}");
        let error = fails(url(&db, |parts| parts.user = "nobody_known".into())).await;
        assert_eq!(error.class(), ErrorClass::Authentication, "{error:?}");
        let error = fails(url(&db, |parts| parts.database = "no_such_database".into())).await;
        assert!(matches!(error.class(), ErrorClass::Connect | ErrorClass::Permission), "{error:?}");
        let error = fails(url(&db, |parts| parts.host = "no-such-host.invalid".into())).await;
        assert_eq!(error.class(), ErrorClass::Connect, "{error:?}");
        assert!(error.to_string().contains("no-such-host.invalid"), "{error}");

        // Nobody listens there; somebody does, but says nothing, or good-bye.
        let port = |listener: &tokio::net::TcpListener| listener.local_addr().unwrap().port().to_string();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let free = port(&listener);
        let silent = url(&db, |parts| {
            parts.port = free.clone();
            parts.options.push_str("&connect_timeout=200ms");
        });
        let error = fails(silent).await;
        assert_eq!(error.class(), ErrorClass::Connect, "{error:?}");
        let rude = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let rude_port = port(&rude);
        let hang_up = tokio::spawn(async move { while let Ok((stream, _)) = rude.accept().await { drop(stream) } });
        let error = fails(url(&db, |parts| parts.port = rude_port)).await;
        assert_eq!(error.class(), ErrorClass::Connect, "{error:?}");
        hang_up.abort();
        drop(listener);
        let error = fails(url(&db, |parts| parts.port = free.clone())).await;
        assert_eq!(error.class(), ErrorClass::Connect, "{error:?}");
        assert!(error.to_string().contains(&free), "the address is not in {error}");

        // A cache of any size takes no room ahead.
        let engine = Engine::connect(&url(&db, |parts| parts.options.push_str("&statement_cache=18446744073709551615"))).await.unwrap();
        assert_eq!(select(val(1)).one(&engine).await.unwrap(), 1);
        engine.close().await.unwrap();

        // The URL itself.
        let error = fails(url(&db, |parts| parts.options.push_str("&speling=s3cret"))).await;
        assert_eq!(error.class(), ErrorClass::Configuration, "{error:?}");
        assert!(error.to_string().contains("\"speling\"") && error.to_string().contains("connect_timeout"), "{error}");
        for (port, database) in [("12345/s3cret@h", "d"), ("1?s3cret=x@h", "d"), ("1", "s3cret@h/d")] {
            let error = fails(url(&db, |parts| (parts.port, parts.database) = (port.into(), database.into()))).await;
            assert_eq!(error.class(), ErrorClass::Configuration, "{error:?}");
        }
        let error = fails(db.url.replacen("://", ":", 1)).await;
        assert_eq!(error.class(), ErrorClass::Configuration, "{error:?}");
        let error = fails(url(&db, |parts| parts.port = "99999".into())).await;
        assert_eq!(error.class(), ErrorClass::Configuration, "{error:?}");
        let error = fails(url(&db, |parts| parts.options.push_str("&wait_timeout=soon"))).await;
        assert_eq!(error.class(), ErrorClass::Configuration, "{error:?}");
        let error = fails(db.url.replacen("://", "x://", 1)).await;
        assert_eq!(error.class(), ErrorClass::Configuration, "{error:?}");
        assert!(!format!("{:?}", *db).contains(&password(&db).unwrap()));
    }

    async fn certificates(db: Database) {
        let Ok(folder) = std::env::var("RELATA_TEST_TLS_DIR") else { return };
        let (mode, ca, full) = match db.server() {
            Server::Sqlite => return,
            Server::Postgres => ("sslmode", "sslrootcert", "verify-full"),
            _ => ("ssl-mode", "ssl-ca", "VERIFY_IDENTITY"),
        };
        let with = |authority: &str, host: Option<String>| {
            url(&db, |parts| {
                parts.options.push_str(&format!("&{mode}={full}&{ca}={folder}/{authority}.crt"));
                parts.host = host.unwrap_or(std::mem::take(&mut parts.host));
            })
        };
        let engine = Engine::connect(&with("ca", None)).await.unwrap();
        assert_eq!(select(val(1)).one(&engine).await.unwrap(), 1);
        let error = Engine::connect(&with("wrong-ca", None)).await.unwrap_err();
        harmless(&error, &db);
        assert_eq!(error.class(), ErrorClass::Tls, "{error:?}");
        if let Ok(other) = std::env::var("RELATA_TEST_OTHER_HOST") {
            let error = Engine::connect(&with("ca", Some(other))).await.unwrap_err();
            harmless(&error, &db);
            assert_eq!(error.class(), ErrorClass::Tls, "{error:?}");
        }
        let error = Engine::connect(&with("no-such-file", None)).await.unwrap_err();
        harmless(&error, &db);
        assert_eq!(error.class(), ErrorClass::Configuration, "{error:?}");
    }
}

/// The scheme of a plug-in, which is here the driver that there is under another name.
#[tokio::test]
async fn schemes_of_plug_ins() {
    let open: OpenDriver = |mut url| {
        url.scheme = "sqlite".into();
        Ok(Arc::new(SqliteDriver::from_url(url)?))
    };
    let unknown = Engine::connect("plug-in::memory:").await.unwrap_err();
    assert_eq!(unknown.class(), ErrorClass::Configuration, "{unknown}");
    Engine::register("Plug-In", open).unwrap();
    let db = Engine::connect("plug-in::memory:?pool_size=1").await.unwrap();
    assert_eq!(db.dialect().name(), "SQLite");
    assert_eq!(select(val(1)).one(&db).await.unwrap(), 1);
    let unknown = Engine::connect("plug-out::memory:").await.unwrap_err();
    assert!(unknown.to_string().contains("mariadb, plug-in;"), "{unknown}");
    for scheme in ["sqlite", "MySQL", "postgresql", "", "1st", "a b", "ü"] {
        let refused = Engine::register(scheme, open).unwrap_err();
        assert!(
            refused.class() == ErrorClass::Configuration && refused.to_string().contains(scheme),
            "{refused}"
        );
    }
}
