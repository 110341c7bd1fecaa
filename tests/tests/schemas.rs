//! Tables in a schema that is named, beside those of the connection's own.

use relata::{dialect::Feature, prelude::*};
use relata_tests::{Database, Server, on_every_database};

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "accounts")]
struct Account {
    #[column(primary_key)]
    id: i64,
    #[column(unique, length = 40)]
    name: String,
}

mod ledger {
    use relata::prelude::*;

    /// Its table has the name of another schema's.
    #[derive(Entity, Debug, Clone, PartialEq)]
    #[entity(table = "accounts", schema = "relata_ledger", has_many(entries: Entry))]
    pub(super) struct Account {
        #[column(primary_key)]
        pub(super) id: i64,
        #[column(unique, length = 40)]
        pub(super) name: String,
        #[column(index)]
        pub(super) total: i64,
    }

    #[derive(Entity, Debug, Clone, PartialEq)]
    #[entity(table = "entries", schema = "relata_ledger", belongs_to(account: Account))]
    pub(super) struct Entry {
        #[column(primary_key)]
        pub(super) id: i64,
        #[column(references = Account::id, on_delete = "cascade")]
        pub(super) account_id: i64,
        pub(super) amount: i64,
    }
}

fn schema() -> Schema {
    Schema::new().with::<ledger::Entry>().with::<ledger::Account>().with::<Account>()
}

/// Makes the schema, which has the same name in every run: no other has it as long as the connection lives.
async fn alone(db: &Database) -> Connection {
    let mut connection = db.connection().await.unwrap();
    let (lock, drop) = match db.server() {
        Server::Postgres => {
            ("SELECT 1 FROM pg_advisory_lock(7301)", "DROP SCHEMA IF EXISTS relata_ledger CASCADE")
        }
        _ => ("SELECT GET_LOCK('relata_ledger', 60)", "DROP SCHEMA IF EXISTS relata_ledger"),
    };
    assert_eq!(sql(lock).columns::<i64>().one(&mut connection).await.unwrap(), 1);
    sql(drop).execute(&mut connection).await.unwrap();
    sql("CREATE SCHEMA relata_ledger").execute(&mut connection).await.unwrap();
    connection
}

on_every_database! {
    async fn tables_of_one_name(db: Database) {
        if !db.dialect().supports(Feature::Schemas) {
            for error in [
                schema().create(&*db).await.unwrap_err(),
                ledger::Account::select().all(&*db).await.unwrap_err(),
                insert(ledger::NewAccount { name: "x".into(), total: 0 }).execute(&*db).await.unwrap_err(),
            ] {
                assert_eq!(error.class(), ErrorClass::Compile, "{error:?}");
                assert!(error.to_string().contains("has no schemas"), "{error}");
            }
            return;
        }
        let mut alone = alone(&db).await;
        schema().create(&*db).await.unwrap();
        schema().create_if_not_exists(&*db).await.unwrap();
        insert_many(["a", "b"].map(|name| NewAccount { name: name.into() })).execute(&*db).await.unwrap();
        let mut session = db.session();
        let kept = session.add(ledger::NewAccount { name: "b".into(), total: 7 });
        let gone = session.add(ledger::NewAccount { name: "c".into(), total: 8 });
        session.flush().await.unwrap();
        for (account, amount) in [(kept, 1), (kept, 2), (gone, 3)] {
            session.add(ledger::NewEntry { account_id: account.into(), amount });
        }
        session.commit().await.unwrap();
        // In one statement, one of the two takes another name.
        let booked = ledger::Account::alias("booked");
        let both = select((Account::name, booked.column(ledger::Account::total)))
            .join_on(&booked, booked.column(ledger::Account::name).eq(Account::name));
        assert_eq!(both.all(&*db).await.unwrap(), [("b".to_owned(), 7)]);
        let twice = select(Account::name).from(Account::entity()).join_on(ledger::Account::entity(), ledger::Account::name.eq(Account::name));
        let error = twice.all(&*db).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Compile, "{error:?}");
        assert!(error.to_string().contains("give one of them another name"), "{error}");
        // Also where nothing says which of them is read from first.
        let both = select((Account::name, ledger::Account::total)).join_on(ledger::Account::entity(), ledger::Account::name.eq(Account::name));
        let error = both.all(&*db).await.unwrap_err();
        assert!(error.to_string().contains("is read from twice: give one of them another name"), "{error}");
        let names = select(Account::name).union(select(ledger::Account::name)).order_by(Account::name);
        assert_eq!(names.all(&*db).await.unwrap(), ["a", "b", "c"]);
        let missing = select(Account::name).filter(not_exists(select(booked.column(ledger::Account::id)).filter(booked.column(ledger::Account::name).eq(Account::name))));
        assert_eq!(missing.all(&*db).await.unwrap(), ["a"]);
        let (account, entries) = ledger::Account::select().filter(ledger::Account::name.eq("b")).with(ledger::Account::entries).one(&*db).await.unwrap();
        assert_eq!((account.total, entries.iter().map(|entry| entry.amount).collect::<Vec<_>>()), (7, vec![1, 2]));
        let counted = select((ledger::Account::name, count(ledger::Entry::id)))
            .join(ledger::Account::entries).group_by(ledger::Account::name).order_by(ledger::Account::name);
        assert_eq!(counted.all(&*db).await.unwrap(), [("b".to_owned(), 2), ("c".to_owned(), 1)]);
        let error = insert(ledger::NewAccount { name: "b".into(), total: 0 }).execute(&*db).await.unwrap_err();
        assert!(error.is_unique_violation(), "{error:?}");
        session[kept].total = 70;
        session.delete(gone);
        session.commit().await.unwrap();
        update::<Account>().set(Account::name, "z").filter(Account::name.eq("b")).execute(&*db).await.unwrap();
        delete::<Account>().filter(Account::name.eq("a")).execute(&*db).await.unwrap();
        assert_eq!(select((ledger::Account::name, ledger::Account::total)).all(&*db).await.unwrap(), [("b".to_owned(), 70)]);
        assert_eq!(select(ledger::Entry::amount).order_by(ledger::Entry::amount).all(&*db).await.unwrap(), [1, 2], "it cascades");
        assert_eq!(select(Account::name).all(&*db).await.unwrap(), ["z"]);
        schema().drop(&*db).await.unwrap();
        schema().drop_if_exists(&*db).await.unwrap();
        sql("DROP SCHEMA relata_ledger").execute(&mut alone).await.unwrap();
    }
}
