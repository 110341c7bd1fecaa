//! Names and values that look like SQL never become SQL.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngSeed, TestRunner},
};
use relata::{
    ddl::{self, Ddl, Named},
    prelude::*,
    render::Statement,
};
use relata_tests::{Server, on_every_database};

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "🦀")]
struct Crab {
    #[column(primary_key)]
    id: i64,
    claws: i32,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "excluded")]
struct Excluded {
    #[column(primary_key, generated = false)]
    id: i64,
    n: i32,
}

#[derive(Enum, Debug, Clone, Copy, PartialEq)]
#[enumeration(native, name = "line")]
enum Stroke {
    Straight,
    Bent,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "drawings")]
struct Drawing {
    #[column(primary_key)]
    id: i64,
    line: Stroke,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(
    table = "sel\"ect `from` ab; DROP TABLE ключ --'?$1:x",
    unique(name = "uni\"que `key`; --", quote, tick),
    index(name = "in\"dex `key`; --", dot),
    check(name = "che\"ck `it`; --", "1 = 1"),
    has_many(lines: Line, key = owner)
)]
struct Hostile {
    #[column(primary_key, name = "select")]
    id: i64,
    #[column(name = "a\"b", length = 50)]
    quote: String,
    #[column(name = "a`b", length = 50)]
    tick: String,
    #[column(name = "a.b", length = 50)]
    dot: Option<String>,
    #[column(name = "ключ", unique, length = 50)]
    word: Option<String>,
    #[column(name = "with space", length = 50)]
    space: Option<String>,
    #[column(name = "x'; DROP TABLE y; --")]
    apostrophe: Option<String>,
    #[column(name = "?")]
    question: Option<i64>,
    #[column(name = "$1")]
    dollar: Option<i64>,
    #[column(name = ":name @x %s {}")]
    placeholder: Option<i64>,
    #[column(name = "back\\slash\\")]
    backslash: Option<i64>,
    #[column(name = "/* no comment")]
    comment: Option<i64>,
    #[column(name = "\"", default = 7)]
    mark: i64,
    #[column(name = "`", version)]
    back: i32,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "or.der", belongs_to(group: Hostile, key = owner))]
struct Line {
    #[column(primary_key, name = "group")]
    id: i64,
    #[column(name = "references", references = Hostile::id, on_delete = "cascade")]
    owner: i64,
    #[column(name = "table", index, length = 20)]
    table: String,
}

/// Names that only SQLite is patient enough for.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(
    table = "tttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt"
)]
struct Long {
    #[column(primary_key)]
    id: i64,
    #[column(
        name = "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
    )]
    value: i64,
}

/// As long as all take, so that the names made of them are longer.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "a_table_whose_name_is_nearly_as_long_as_a_name_can_be_at_most", unique(first, second))]
struct NearlyLong {
    #[column(primary_key)]
    id: i64,
    #[column(name = "a_column_whose_name_is_nearly_as_long_as_a_name_can_be_atmost", unique)]
    first: i64,
    #[column(name = "колонка_с_длинным_именем_тоже", index, references = NearlyLong::id)]
    second: Option<i64>,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "defaults")]
struct Defaults {
    #[column(primary_key)]
    id: i64,
    #[column(default = "it's")]
    apostrophe: String,
    #[column(default = "'; DROP TABLE defaults; --", length = 60)]
    statement: String,
    #[column(default = "back\\slash\\", length = 60)]
    backslash: String,
    #[column(default = "\\'")]
    both: String,
    #[column(default = "a\nb\tc\r\"d\" `e` ? ?? $1 :x %s %_!")]
    signs: String,
    #[column(default = "ключ 🦀")]
    letters: String,
    #[column(default = "", length = 5)]
    empty: String,
}

/// Two tables whose indexes have one name.
mod one_name {
    use relata::prelude::*;

    #[derive(Entity, Debug)]
    #[entity(table = "authors", unique_index(code, name = "by_code"))]
    pub(super) struct Author {
        #[column(primary_key)]
        id: i64,
        pub(super) code: i64,
    }

    #[derive(Entity, Debug)]
    #[entity(table = "books", unique_index(code, name = "by_code"))]
    pub(super) struct Book {
        #[column(primary_key)]
        id: i64,
        pub(super) code: i64,
    }
}

/// Names that are made of table and columns, and are the same.
mod made_alike {
    use relata::prelude::*;

    #[derive(Entity, Debug)]
    #[entity(table = "u_c", unique_index(d))]
    pub(super) struct Long {
        #[column(primary_key)]
        id: i64,
        d: i64,
        #[column(references = Long::id)]
        e: Option<i64>,
    }

    #[derive(Entity, Debug)]
    #[entity(table = "u", unique_index(c_d))]
    pub(super) struct Short {
        #[column(primary_key)]
        id: i64,
        c_d: i64,
        #[column(references = Long::id)]
        c_e: Option<i64>,
    }
}

/// One table in which the names of two indexes are the same.
#[derive(Entity, Debug)]
#[entity(table = "pairs", index(a, b), unique_index(a_b))]
struct Pair {
    #[column(primary_key)]
    id: i64,
    a: i64,
    b: i64,
    a_b: i64,
}

fn new(text: &str) -> NewHostile {
    let some = || Some(text.to_owned());
    NewHostile {
        quote: text.into(),
        tick: text.into(),
        dot: some(),
        word: some(),
        space: some(),
        apostrophe: some(),
        question: Some(1),
        dollar: Some(2),
        placeholder: Some(3),
        backslash: Some(4),
        comment: Some(5),
        mark: None,
    }
}

on_every_database! {
    async fn names(db: Database) {
        let schema = Schema::new().with::<Hostile>().with::<Line>();
        schema.create(&*db).await.unwrap();
        schema.create_if_not_exists(&*db).await.unwrap();
        let rows = insert_many([new("a"), new("b'\"`\\")]).returning(Hostile::entity()).all(&*db).await.unwrap();
        assert_eq!((rows[1].quote.as_str(), rows[1].question, rows[1].mark, rows[1].back), ("b'\"`\\", Some(1), 7, 1));
        let first = rows[0].id;
        let found = Hostile::select()
            .filter(Hostile::quote.eq(Hostile::tick).and(Hostile::dot.contains("'\"`\\")).and(Hostile::question.lt(Hostile::dollar)))
            .filter(Hostile::placeholder.plus(Hostile::backslash).plus(Hostile::comment).eq(12))
            .order_by(Hostile::apostrophe.desc().nulls_last()).order_by(Hostile::space);
        assert_eq!(found.all(&*db).await.unwrap(), rows[1..]);
        insert_many((0..3).map(|at| NewLine { owner: first.into(), table: format!("{at}") })).execute(&*db).await.unwrap();
        let joined = select((Hostile::word, count(Line::id).label("count\"`; --"))).join(Hostile::lines).group_by(Hostile::word).having(count_all().gt(1));
        assert_eq!(joined.all(&*db).await.unwrap(), [(Some("a".to_owned()), 3)]);
        let graph: Vec<(Hostile, Vec<Line>)> = Hostile::select().order_by(Hostile::id).with(Hostile::lines).all(&*db).await.unwrap();
        assert_eq!((graph[0].1.len(), graph[1].1.len()), (3, 0));
        let other = Hostile::alias("al\"i`as; --");
        let pairs = select((Hostile::id, other.column(Hostile::word))).join_on(&other, other.column(Hostile::id).gt(Hostile::id));
        assert_eq!(pairs.all(&*db).await.unwrap(), [(first, Some("b'\"`\\".to_owned()))]);
        // Upserts, updates, sessions, unions, subqueries, CTEs.
        insert(NewHostile { quote: "other".into(), ..new("a") }).on_conflict(Hostile::word).do_update(|row| row.take(Hostile::quote).set(Hostile::mark, Hostile::mark + 1)).execute(&*db).await.unwrap();
        let row = Hostile::find(&first).one(&*db).await.unwrap();
        assert_eq!((row.quote.as_str(), row.mark, row.back), ("other", 8, 2));
        let mut session = db.session();
        let handle = session.get::<Hostile>(first).await.unwrap().unwrap();
        session[handle].comment = None;
        session.commit().await.unwrap();
        let part = select((Hostile::quote, Hostile::question)).union(select((Hostile::tick, Hostile::comment))).order_by(Hostile::quote).subquery("sub\"`; --");
        let (quote, question) = part.columns();
        assert_eq!(select((quote, question)).from(&part).count(&*db).await.unwrap(), 4);
        let cte = select((Hostile::quote, Hostile::mark)).cte("c\"te`; --");
        let (quote, mark) = cte.columns();
        assert_eq!(select(mark).from(&cte).filter(quote.eq("other")).one(&*db).await.unwrap(), 8);
        // Violations name them as they are.
        let error = insert(NewHostile { quote: "unlike".into(), tick: "any".into(), ..new("a") }).execute(&*db).await.unwrap_err();
        assert!(error.is_unique_violation(), "{error:?}");
        assert!(error.columns().is_empty() || error.columns() == ["ключ"], "{error:?}");
        let error = insert(NewHostile { word: None, ..new("b'\"`\\") }).execute(&*db).await.unwrap_err();
        assert!(error.constraint().is_none_or(|name| name == "uni\"que `key`; --"), "{error:?}");
        assert_eq!(delete::<Hostile>().filter(Hostile::id.eq(first)).execute(&*db).await.unwrap(), 1);
        assert_eq!(Line::select().count(&*db).await.unwrap(), 0, "the foreign key cascades");
        schema.drop(&*db).await.unwrap();
        schema.drop_if_exists(&*db).await.unwrap();
    }

    /// A name that is too long works or is refused, and is never cut to that of something else.
    async fn long_names(db: Database) {
        match Schema::new().with::<Long>().create(&*db).await {
            Ok(()) => {
                insert(NewLong { value: 5 }).execute(&*db).await.unwrap();
                assert_eq!(select(Long::value).one(&*db).await.unwrap(), 5);
            }
            Err(error) => {
                assert_eq!(error.class(), ErrorClass::Compile, "{error:?}");
                assert!(error.to_string().contains("is longer than the 6"), "{error}");
                assert_eq!(Long::select().all(&*db).await.unwrap_err().class(), ErrorClass::Compile);
                assert_eq!(insert(NewLong { value: 5 }).execute(&*db).await.unwrap_err().class(), ErrorClass::Compile);
            }
        }
        let label = "l".repeat(200);
        let part = select(val(1).label(label.clone())).subquery(label);
        match select(part.columns()).from(&part).one(&*db).await {
            Ok(one) => assert_eq!(one, 1),
            Err(error) => assert_eq!(error.class(), ErrorClass::Compile, "{error:?}"),
        }
        // Names that are made of others are cut, each to one of its own.
        let schema = Schema::new().with::<NearlyLong>();
        schema.create(&*db).await.unwrap();
        schema.create_if_not_exists(&*db).await.unwrap();
        let error = insert_many([1, 1].map(|first| NewNearlyLong { first, second: None })).execute(&*db).await.unwrap_err();
        assert!(error.is_unique_violation(), "{error:?}");
        schema.drop(&*db).await.unwrap();
    }

    /// An index is never left out because another has its name.
    async fn names_that_meet(db: Database) {
        let of_schema = db.dialect().is_named_in_schema(Named::Index);
        let both = Schema::new().with::<one_name::Author>().with::<one_name::Book>();
        let made = Schema::new().with::<made_alike::Long>().with::<made_alike::Short>();
        for (schema, meet, words) in [
            (&both, of_schema, "the index by_code of table books has the name of the index of table authors"),
            (&made, true, "of table u has the name of the"),
            (&Schema::new().with::<Pair>(), true, "the index pairs_a_b_idx of table pairs has the name of the index of table pairs"),
        ] {
            for outcome in [schema.create(&*db).await, schema.create_if_not_exists(&*db).await] {
                let Err(error) = outcome else {
                    assert!(!meet);
                    continue;
                };
                assert!(meet && error.class() == ErrorClass::Compile, "{error:?}");
                assert!(error.to_string().contains(words), "{error}");
            }
        }
        both.drop_if_exists(&*db).await.unwrap();
        // One of another table that is there already.
        let (authors, books) = (Schema::new().with::<one_name::Author>(), Schema::new().with::<one_name::Book>());
        authors.create_if_not_exists(&*db).await.unwrap();
        authors.create_if_not_exists(&*db).await.unwrap();
        match books.create_if_not_exists(&*db).await {
            Ok(()) => {
                let double = [1, 1].map(|code| one_name::NewBook { code });
                assert!(insert_many(double).execute(&*db).await.unwrap_err().is_unique_violation());
            }
            Err(error) => {
                assert!(of_schema && error.class() == ErrorClass::Statement, "{error:?}");
                assert!(error.to_string().contains("by_code"), "{error}");
            }
        }
    }

    /// MySQL would make `?` of each, and of two tables one.
    async fn names_beyond_the_first_plane(db: Database) {
        let schema = Schema::new().with::<Crab>();
        let made = [schema.create(&*db).await, schema.create_if_not_exists(&*db).await];
        let selected = select(val(1).label("🦀")).one(&*db).await;
        if matches!(db.server(), Server::MariaDb | Server::MySql) {
            for error in made.into_iter().filter_map(Result::err).chain(selected.err()) {
                assert_eq!(error.class(), ErrorClass::Compile, "{error:?}");
                assert!(error.to_string().contains("has the character 🦀"), "{error}");
            }
            assert!(Crab::select().all(&*db).await.is_err());
            return;
        }
        made[0].as_ref().unwrap();
        assert_eq!(selected.unwrap(), 1);
        insert(NewCrab { claws: 2 }).execute(&*db).await.unwrap();
        assert_eq!(Crab::select().one(&*db).await.unwrap(), Crab { id: 1, claws: 2 });
    }

    /// PostgreSQL and SQLite call the row that could not be inserted so.
    async fn a_table_named_excluded(db: Database) {
        Schema::new().with::<Excluded>().create(&*db).await.unwrap();
        let upsert = |n| {
            let new = NewExcluded { id: 1, n };
            insert(new).on_conflict(Excluded::id).do_update(|row| row.set(Excluded::n, Excluded::n + excluded(Excluded::n)))
        };
        insert(NewExcluded { id: 1, n: 1 }).execute(&*db).await.unwrap();
        insert(NewExcluded { id: 1, n: 5 }).on_conflict(Excluded::id).do_nothing().execute(&*db).await.unwrap();
        let n = match upsert(20).execute(&*db).await {
            Ok(_) => 21,
            Err(error) => {
                assert!(matches!(db.server(), Server::Postgres | Server::Sqlite));
                assert_eq!(error.class(), ErrorClass::Compile, "{error:?}");
                1
            }
        };
        assert_eq!(select(Excluded::n).one(&*db).await.unwrap(), n);
    }

    /// PostgreSQL looks for names of types among its own first.
    async fn an_enum_named_like_a_type(db: Database) {
        let schema = Schema::new().with::<Drawing>();
        let outcomes = [schema.create(&*db).await, schema.drop_if_exists(&*db).await];
        for outcome in outcomes {
            match outcome {
                Ok(()) => assert_ne!(db.server(), Server::Postgres),
                Err(error) => {
                    assert_eq!(error.class(), ErrorClass::Compile, "{error:?}");
                    assert!(error.to_string().contains("a type line of its own"), "{error}");
                }
            }
        }
    }

    async fn names_by_chance(db: Database) {
        let mut runner = TestRunner::new(Config { rng_seed: RngSeed::Fixed(3), ..Config::default() });
        let names = proptest::string::string_regex("[ -~]{1,12}|[\"'`;\\\\?$:@-]{1,6}|.{1,20}").unwrap();
        for _ in 0..60 {
            let name = names.new_tree(&mut runner).unwrap().current();
            let part = select((val(1).label(name.clone()), val(2).label(format!("{name}2")))).subquery(format!("s{name}"));
            let (one, two) = part.columns();
            match select((two, one)).from(&part).one(&*db).await {
                Ok(row) => assert_eq!(row, (2, 1), "{name:?}"),
                // MySQL takes no name that ends with a space.
                Err(error) => assert!(matches!(error.class(), ErrorClass::Compile | ErrorClass::Statement), "{name:?}: {error:?}"),
            }
        }
        assert_eq!(select(val(1).label("")).one(&*db).await.unwrap_err().class(), ErrorClass::Compile);
        assert_eq!(select(val(1).label("a\0b")).one(&*db).await.unwrap_err().class(), ErrorClass::Compile);
    }

    /// Literals stand in schema statements only, and mean what they say.
    async fn defaults(db: Database) {
        let schema = Schema::new().with::<Defaults>();
        schema.create(&*db).await.unwrap();
        schema.create_if_not_exists(&*db).await.unwrap();
        let nothing = NewDefaults { apostrophe: None, statement: None, backslash: None, both: None, signs: None, letters: None, empty: None };
        let row = insert(nothing).returning(Defaults::entity()).one(&*db).await.unwrap();
        let expected = Defaults {
            id: row.id,
            apostrophe: "it's".into(),
            statement: "'; DROP TABLE defaults; --".into(),
            backslash: "back\\slash\\".into(),
            both: "\\'".into(),
            signs: "a\nb\tc\r\"d\" `e` ? ?? $1 :x %s %_!".into(),
            letters: "ключ 🦀".into(),
            empty: String::new(),
        };
        assert_eq!(row, expected);
    }

    /// No value is part of the text, whatever it looks like.
    async fn values(db: Database) {
        let hostile = "x'; DROP TABLE \"or.der\"; --";
        let mut texts = Vec::new();
        for value in ["plain", hostile] {
            let statement = Hostile::select()
                .filter(Hostile::quote.eq(value).or(Hostile::tick.like(value)).or(Hostile::dot.contains(value)))
                .filter(Hostile::word.in_list([value.to_owned()]).or(Hostile::space.between(value, value)))
                .filter(coalesce(Hostile::apostrophe, value).ne(case().when(Hostile::mark.gt(1), value).otherwise(value)))
                .order_by(nullif(Hostile::quote, value)).limit(3).offset(1);
            let compiled = statement.compile(&**db.dialect()).unwrap();
            assert!(!compiled.sql.contains(value), "{}", compiled.sql);
            texts.push(compiled.sql);
            let change = update::<Hostile>().set(Hostile::quote, value).set(Hostile::dot, value).filter(Hostile::tick.ne(value));
            assert!(!change.compile(&**db.dialect()).unwrap().sql.contains(value));
            let upsert = insert(new(value)).on_conflict(Hostile::word).do_update(|row| row.set(Hostile::quote, value));
            assert!(!upsert.compile(&**db.dialect()).unwrap().sql.contains(value));
        }
        assert_eq!(texts[0], texts[1]);
        // What the schema says twice is said once.
        let ddl = ddl::create_all(Schema::new().with::<Hostile>().with::<Line>().tables(), false, &**db.dialect()).unwrap();
        assert!(ddl.iter().all(|ddl| ddl.compile(&**db.dialect()).is_ok()));
        assert_eq!(ddl.iter().filter(|ddl| matches!(ddl, Ddl::CreateTable(_))).count(), 2);
    }
}
