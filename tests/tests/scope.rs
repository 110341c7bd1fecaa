//! What is wrong with a statement is said when it is compiled, without a database, in words that tell the remedy.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use relata::{
    clause::{Join, JoinKind, Source},
    dialect::Standard,
    expr::{dense_rank, lag, rank},
    prelude::*,
    render::Statement,
    statement::Core,
};
use relata_tests::blog::*;

/// The words of the error.
#[track_caller]
fn refused(statement: impl Statement) -> String {
    match statement.compile(&Standard) {
        Ok(compiled) => panic!("it was compiled to {}", compiled.sql),
        Err(error) => error.to_string(),
    }
}

#[track_caller]
fn compiles(statement: impl Statement) -> String {
    statement.compile(&Standard).unwrap().sql
}

#[test]
fn a_column_of_a_table_that_is_not_read() {
    assert_eq!(
        refused(User::select().filter(Post::title.eq("x"))),
        "column posts.title is not in scope: the statement reads from users; join posts, or leave the column out"
    );
    let words = refused(select((User::email, Post::title)));
    assert!(
        words.starts_with("column posts.title is not in scope: the statement reads from users;"),
        "{words}"
    );
    let words = refused(User::select().join(User::posts).order_by(Comment::id));
    assert!(
        words.contains("column comments.id is not in scope: the statement reads from users, posts;"),
        "{words}"
    );
    let words = refused(update::<User>().set(User::name, "x").filter(Post::id.eq(1)));
    assert!(words.contains("column posts.id is not in scope: the statement reads from users"), "{words}");
    let words = refused(delete::<User>().filter(Post::id.eq(1)));
    assert!(words.contains("column posts.id is not in scope"), "{words}");
    let words = refused(insert(NewUser { email: String::new(), name: None }).returning(Post::id));
    assert!(words.contains("column posts.id is not in scope"), "{words}");
    // A subquery sees the tables around it, and not the other way round.
    compiles(User::select().filter(exists(Post::select().filter(Post::author_id.eq(User::id)))));
    let words = refused(User::select().filter(exists(Post::select())).filter(Post::id.eq(1)));
    assert!(words.contains("column posts.id is not in scope"), "{words}");
    // Joins see what stands before them.
    compiles(User::select().join(User::posts).join(Post::comments));
}

#[test]
fn an_alias_is_not_its_table() {
    let author = User::alias("author");
    compiles(select(User::email.of(&author)));
    let words = refused(select(User::email.of(&author)).filter(User::id.eq(1)));
    assert!(words.contains("users.id is not in scope"), "{words}");
    let words = refused(select(author.entity()).from(&author).filter(User::id.eq(1)));
    assert!(
        words.contains("users is read as author: take the column, or the relationship, `.of(…)` that alias"),
        "{words}"
    );
    let named_so = select(Post::id).subquery("users");
    let words = refused(select(named_so.columns()).from(named_so).filter(User::id.eq(1)));
    assert!(words.contains("users is the name of something else here"), "{words}");
    let words = refused(User::select().filter(User::id.of(&author).eq(1)));
    assert!(words.contains("column author.id is not in scope"), "{words}");
    let part = select((Post::author_id, count_all())).group_by(Post::author_id).subquery("part");
    let (id, _) = part.columns();
    let words = refused(User::select().filter(User::id.eq(id)));
    assert!(words.contains("column part.author_id is not in scope"), "{words}");
}

#[test]
fn a_table_that_is_read_twice() {
    let words = refused(User::select().join(User::posts).join(User::posts));
    assert_eq!(
        words,
        "posts is read from twice: give one of them another name, `let other = …::alias(\"other\")`"
    );
    let words = refused(User::select().cross_join(User::entity()));
    assert!(words.contains("users is joined to nothing"), "{words}");
    let words = refused(Post::select().join(Post::author).join(Post::reviewer));
    assert!(words.contains("users is read from twice"), "{words}");
    let part = select(User::id).cte("part");
    let words = refused(select(part.columns()).from(&part).join_on(&part, part.columns().gt(1)));
    assert_eq!(
        words,
        "part is read from twice: give one of them another name, `let other = ….alias(\"other\")`"
    );
    let other = part.alias("other");
    let sql =
        compiles(select(part.columns()).from(&part).join_on(&other, other.columns().gt(part.columns())));
    let read = r#"WITH "part" ("id") AS (SELECT "users"."id" FROM "users") SELECT "part"."id" FROM "part" JOIN "part" AS "other""#;
    assert_eq!(sql, format!(r#"{read} ON "other"."id" > "part"."id""#));
    compiles(Post::select().join(Post::author).join(Post::reviewer.to(&User::alias("reviewer"))));
}

#[test]
fn aggregates_stand_where_groups_are() {
    let words = refused(select(User::email).filter(count_all().gt(1)));
    assert!(words.contains("aggregate") && words.contains("having"), "{words}");
    let words = refused(select((User::email, count_all())));
    assert_eq!(
        words,
        "users.email is neither aggregated nor in GROUP BY, so it has no one value for a group: add `.group_by(…)` for it or its table's primary key"
    );
    let words = refused(select((User::email, count(Post::id))).join(User::posts).group_by(User::name));
    assert!(words.starts_with("users.email is neither aggregated nor in GROUP BY"), "{words}");
    let words = refused(select(count_all()).group_by(User::name).having(User::email.eq("x")));
    assert!(words.contains("users.email is neither"), "{words}");
    let words = refused(select(count_all()).group_by(User::name).order_by(User::email));
    assert!(words.contains("users.email is neither"), "{words}");
    let words = refused(update::<User>().set(User::email, "x").filter(count_all().gt(1)));
    assert!(words.contains("aggregate"), "{words}");
    // By the standard it would be an aggregate of the UPDATE.
    let newest = |of: Expr<Option<i64>>| {
        update::<User>().set(User::email, "x").filter(User::id.eq(scalar(select(of).from(Post::entity()))))
    };
    let words = refused(newest(max(User::id)));
    assert!(
        words.starts_with("MAX in a subquery aggregates only what the statement around it reads"),
        "{words}"
    );
    let of_user = || scalar(select(User::id).from(Comment::entity()).limit(1));
    let words = refused(newest(max(of_user())));
    assert!(words.starts_with("MAX in a subquery"), "{words}");
    compiles(newest(max(scalar(select(Comment::id).limit(1)))));
    compiles(newest(max(Post::id)));
    compiles(newest(max(Post::id + User::id)));
    let words = refused(select(User::email).filter(over(rank(), window().order_by(User::id)).eq(1)));
    assert!(words.contains("window"), "{words}");
    // By the primary key, all of its table is grouped.
    compiles(select((User::entity(), count(Post::id))).join(User::posts).group_by(User::id));
    compiles(select((upper(User::email), count_all())).group_by(upper(User::email)));
    compiles(select((User::name, over(count_all(), window()))));
    // An aggregate over a window is over the groups, and so is what it aggregates.
    let words = refused(select((User::name, over(sum(User::id), window()))).group_by(User::name));
    assert!(words.starts_with("users.id is neither aggregated nor in GROUP BY"), "{words}");
    let words = refused(select((count_all(), over(count(User::email), window()))));
    assert!(words.starts_with("users.email is neither"), "{words}");
    let largest = || over(max(User::id), window().partition_by(User::name));
    let words = refused(select((User::name, count_all())).group_by(User::name).order_by(largest()));
    assert!(words.starts_with("users.id is neither"), "{words}");
    let words =
        refused(select(count_all()).group_by(User::name).order_by(over(rank(), window().order_by(User::id))));
    assert!(words.starts_with("users.id is neither"), "{words}");
    compiles(select((User::name, over(count(User::name), window()))).group_by(User::name));
    compiles(
        select((User::name, over(sum(sum(User::id)), window().order_by(max(User::id))))).group_by(User::name),
    );
}

/// What a subquery names of a grouped statement has one value for each group, too.
#[test]
fn subqueries_of_groups() {
    let comment = || select(max(Comment::text)).filter(Comment::post_id.eq(Post::id));
    let by_author = || select((Post::author_id, count_all())).group_by(Post::author_id);
    let words = refused(select((Post::author_id, scalar(comment()))).group_by(Post::author_id));
    assert_eq!(
        words,
        "posts.id is neither aggregated nor in GROUP BY, so it has no one value for a group: add `.group_by(…)` for it or its table's primary key"
    );
    let same = || select(Comment::text).filter(Comment::post_id.eq(Post::id));
    let deep = select(User::id).filter(exists(same())).filter(User::id.eq(Post::author_id));
    for words in [
        refused(by_author().having(exists(same()))),
        refused(by_author().having(val("x".to_string()).in_select(same()))),
        refused(by_author().having(exists(deep))),
        refused(by_author().order_by(scalar(comment()))),
        refused(select((count_all(), scalar(comment()))).from(Post::entity())),
        refused(by_author().order_by(over(count_all(), window().order_by(scalar(comment()))))),
        // One that is grouped by is no other one.
        refused(select((scalar(comment()), exists(same()))).from(Post::entity()).group_by(scalar(comment()))),
    ] {
        assert!(words.starts_with("posts.id is neither aggregated nor in GROUP BY"), "{words}");
    }
    let post = Post::alias("post");
    let of_alias = select(count_all())
        .from(&post)
        .group_by(post.column(Post::author_id))
        .having(exists(select(Comment::id).filter(Comment::post_id.eq(post.column(Post::id)))));
    assert!(refused(of_alias).starts_with("post.id is neither aggregated nor in GROUP BY"));
    // What is grouped by, by itself or by its primary key; what is aggregated; and what the subquery itself reads.
    compiles(by_author().having(exists(select(User::email).filter(User::id.eq(Post::author_id)))));
    compiles(select((Post::title, scalar(comment()))).group_by(Post::id));
    compiles(
        select((post.column(Post::title), count_all()))
            .from(&post)
            .group_by(post.column(Post::id))
            .having(exists(select(Comment::id).filter(Comment::text.eq(post.column(Post::title))))),
    );
    compiles(select(max(scalar(comment()))).from(Post::entity()));
    compiles(
        select((scalar(comment()), count_all()))
            .from(Post::entity())
            .group_by(scalar(comment()))
            .order_by(scalar(comment())),
    );
    compiles(by_author().filter(exists(same())));
    // A column of the statement around it is the same for all of its rows.
    let groups = scalar(select(count_all()).filter(Comment::post_id.eq(Post::id)).having(Post::id.gt(1)));
    compiles(select((Post::title, groups)));
}

#[test]
fn the_optional_side_of_an_outer_join() {
    let words = refused(select((User::email, Post::title)).left_join(User::posts));
    assert_eq!(
        words,
        "posts.title is on the side of an outer join that may have no row: read it as an `Option`, with `.optional()` on the column or the entity"
    );
    let words = refused(select((User::entity(), Post::entity())).left_join(User::posts));
    assert!(words.contains("on the side of an outer join"), "{words}");
    let words = refused(select((User::email, Post::title)).from(User::entity()).right_join(User::posts));
    assert!(words.contains("users.email is on the side"), "{words}");
    let words =
        refused(select((User::email.optional(), Post::title)).from(User::entity()).full_join(User::posts));
    assert!(words.contains("posts.title is on the side"), "{words}");
    let words = refused(select((User::email, upper(Post::title))).left_join(User::posts));
    assert!(words.contains("on the side of an outer join"), "{words}");
    compiles(select((User::email, Post::title.optional(), Post::entity().optional())).left_join(User::posts));
    compiles(select((User::email, coalesce(Post::title, "none"))).left_join(User::posts));
    compiles(select((User::email, count(Post::id))).left_join(User::posts).group_by(User::email));
    compiles(select((User::email, Post::title.is_null())).left_join(User::posts));
}

#[test]
fn writes_that_make_no_sense() {
    assert_eq!(refused(update::<User>()), "nothing to set in users");
    let words = refused(update::<User>().set(Post::title, "x"));
    assert_eq!(words, "a column of posts is set in a row of users: only those of `User` can be");
    let words =
        refused(insert(NewUser { email: String::new(), name: None }).on_conflict(Post::id).do_nothing());
    assert_eq!(words, "the conflict target is of posts, the row of users: name what is unique of `User`");
    assert_eq!(refused(insert_many(std::iter::empty::<NewUser>())), "no rows to insert into users");
}

#[test]
fn unions_are_ordered_by_what_they_select() {
    let union = || select(User::email).union(select(Post::title));
    compiles(union().order_by(User::email));
    let words = refused(union().order_by(User::id));
    assert!(words.contains("a union is ordered by what its first query selects"), "{words}");
}

#[test]
fn rows_by_name() {
    #[derive(Row, Debug)]
    #[allow(dead_code)]
    struct Busy {
        email: String,
        posts: i64,
    }
    let counted =
        || select((User::email, count(Post::id).label("posts"))).join(User::posts).group_by(User::email);
    compiles(counted().rows::<Busy>());
    let words = refused(
        select((User::email, count(Post::id))).join(User::posts).group_by(User::email).rows::<Busy>(),
    );
    assert!(words.contains("no item is named posts, as a field is"), "{words}");
    let words = refused(
        select((User::name.label("email"), count(Post::id).label("posts")))
            .join(User::posts)
            .group_by(User::name)
            .rows::<Busy>(),
    );
    assert!(words.contains("field email cannot hold NULL"), "{words}");
    let three = || select((User::id, User::email, val(1_i64).label("posts")));
    compiles(three().rows::<Busy>());
    compiles(select((User::email, val(1_i64).label("posts"))).distinct().rows::<Busy>());
    let words = refused(three().distinct().rows::<Busy>());
    assert!(words.contains("DISTINCT compares all items, and some are read by no field"), "{words}");
}

#[test]
fn raw_text_and_its_arguments() {
    assert!(refused(sql("SELECT ?, ?").bind(1)).contains("more `?` than arguments"));
    assert!(refused(sql("SELECT ?").bind(1).bind(2)).contains("fewer `?` than arguments"));
    assert_eq!(compiles(sql("SELECT '??' , ?").bind(1)), "SELECT '?' , ?");
}

#[test]
fn names_that_no_database_has() {
    assert!(refused(select(val(1).label(""))).contains("identifier \"\" is empty"));
    assert!(refused(select(val(1).label("a\0"))).contains("holds a NUL"));
}

#[test]
fn a_join_names_what_stands_before_it() {
    let words = refused(User::select().join_on(Post::entity(), Comment::id.eq(1)).join(Post::comments));
    assert!(words.contains("column comments.id is not in scope"), "{words}");
    compiles(User::select().join(User::posts).join_on(Comment::entity(), Comment::post_id.eq(Post::id)));
    let beside = select(Post::id).filter(Post::author_id.eq(User::id)).subquery("beside");
    let id = beside.columns();
    let words = refused(User::select().join_on(beside, id.eq(1)));
    assert!(words.contains("column users.id is not in scope"), "{words}");
}

#[test]
fn a_join_without_a_condition_is_a_cross_join() {
    compiles(User::select().cross_join(Post::entity()));
    let mut body = User::select().into_body();
    if let Core::Query(query) = &mut body.core {
        query.joins.push(Join { kind: JoinKind::Inner, source: Source::Table(Post::TABLE), on: None });
    }
    assert!(refused(body).contains("posts is joined without a condition"));
}

#[test]
fn methods_on_what_they_do_not_belong_to() {
    let words = refused(select((sum(User::id) + 1).filter_where(User::name.is_null())).from(User::entity()));
    assert!(words.contains("`filter_where` belongs to an aggregate"), "{words}");
    let words = refused(select((raw::<i64>("length(?)") + 1).arg("x")));
    assert!(words.contains("`arg` belongs to raw SQL"), "{words}");
    let both = sum(User::id).filter_where(User::name.is_null()).filter_where(User::id.gt(3));
    assert!(
        compiles(select(both)).contains("FILTER (WHERE \"users\".\"name\" IS NULL AND \"users\".\"id\" > ")
    );
}

#[test]
fn columns_of_what_is_read_by_a_name() {
    let posts = || select((User::id, Post::id, Post::title)).join(User::posts);
    let (cte, part) = (posts().cte("written"), posts().subquery("written"));
    // Each is the one of its own table, whatever it is called.
    let both = "SELECT \"written\".\"id\", \"written\".\"id_2\" FROM ";
    assert!(compiles(select((cte.column(User::id), cte.column(Post::id))).from(&cte)).contains(both));
    assert!(compiles(select((part.column(User::id), part.column(Post::id))).from(&part)).contains(both));
    // Also through another one, and of an alias.
    let outer = select(cte.column(Post::id)).from(&cte).subquery("outer");
    assert!(compiles(select(outer.column(Post::id)).from(&outer)).starts_with("WITH "));
    let friend = User::alias("friend");
    let named = select((User::name, friend.column(User::name))).cross_join(&friend).cte("named");
    assert!(
        compiles(select(named.column(User::name)).from(&named)).contains("SELECT \"named\".\"name\" FROM")
    );

    // Inside of a recursive one, too.
    let mut inside = String::new();
    let begin = select((User::id, Post::id)).join(User::posts);
    recursive("walk", begin, |walk| {
        let more = select((walk.column(Post::id), walk.column(User::id))).from(walk);
        inside = more.compile(&Standard).map_or_else(|error| error.to_string(), |compiled| compiled.sql);
        more
    });
    assert!(inside.starts_with("SELECT \"walk\".\"id_2\", \"walk\".\"id\" FROM"), "{inside}");

    let told = "has no column, or several, that it reads as they are from";
    let count = select((User::id, count_all().label("email"))).group_by(User::id).cte("counted");
    let [one, other] = [User::alias("one"), User::alias("other")];
    let pairs =
        select((one.column(User::id), other.column(User::id))).from(&one).cross_join(&other).cte("pairs");
    for words in [
        refused(select(cte.column(Comment::id)).from(&cte)),
        refused(select(part.column(User::email)).from(&part)),
        refused(select(count.column(User::email)).from(&count)),
        refused(select(pairs.column(User::id)).from(&pairs)),
    ] {
        assert!(words.contains(told), "{words}");
    }
}

#[test]
fn what_a_subquery_hides() {
    let near = Post::alias("users");
    let inner = select(near.column(Post::id)).from(&near).filter(near.column(Post::author_id).eq(User::id));
    let words = refused(select(User::email).filter(exists(inner)));
    assert!(words.contains("users of the statement around this one is hidden"), "{words}");
    let near = Post::alias("near");
    let inner = select(near.column(Post::id)).from(&near).filter(near.column(Post::author_id).eq(User::id));
    compiles(select(User::email).filter(exists(inner)));
    // What is joined further right cannot be named yet, but hides what is around: SQLite takes the one for the other.
    let early = || User::select().join_on(Comment::entity(), Post::title.eq("x"));
    compiles(Post::select().filter(exists(early())));
    let words =
        refused(Post::select().filter(exists(early().join_on(Post::entity(), Post::author_id.eq(User::id)))));
    assert!(words.contains("posts of the statement around this one is hidden"), "{words}");
}

#[test]
fn window_functions_stand_over_windows() {
    let words = refused(select((User::email, row_number())));
    assert!(words.contains("says over which rows it is"), "{words}");
    for ordered in [rank(), dense_rank()] {
        let words = refused(select((User::email, over(ordered, window()))));
        assert!(words.contains("means nothing without an order"), "{words}");
    }
    let words = refused(select(over(lag(User::id), window().partition_by(User::name))));
    assert!(words.contains("means nothing without an order"), "{words}");
    let words = refused(select(over(rank() + 1, window().order_by(User::id))));
    assert!(words.contains("`over` takes a window function or an aggregate itself"), "{words}");
    let words = refused(select(over(over(row_number(), window()), window())));
    assert!(words.contains("`over` takes a window function or an aggregate itself"), "{words}");
    let words = refused(select(over(count_distinct(User::name), window())));
    assert!(words.contains("DISTINCT values cannot be over a window"), "{words}");
    compiles(select((User::email, over(row_number(), window()), over(sum(User::id), window()))));
    let sql = compiles(select(over(rank(), window().order_by(User::id)) + 1));
    assert_eq!(sql, r#"SELECT RANK() OVER (ORDER BY "users"."id") + ? FROM "users""#);
}

#[test]
fn what_a_written_row_gives_back_is_of_that_row() {
    let new = || insert(NewUser { email: String::new(), name: None });
    let aggregate = "an aggregate cannot be in RETURNING";
    for words in [
        refused(new().returning(count_all())),
        refused(update::<User>().set(User::name, "x").returning(max(User::id))),
        refused(delete::<User>().returning((User::id, sum(User::id)))),
    ] {
        assert!(words.contains(aggregate), "{words}");
    }
    let words = refused(delete::<User>().returning(over(row_number(), window())));
    assert!(words.contains("a window function cannot be in RETURNING"), "{words}");
    let upsert = new().on_conflict(User::email).do_update(|row| row.set(User::name, max(User::name)));
    let words = refused(upsert);
    assert!(words.contains("an aggregate cannot be in SET"), "{words}");
}

#[test]
fn the_row_that_could_not_be_inserted_is_named_by_what_it_sets() {
    let new = || insert(NewUser { email: String::new(), name: None });
    compiles(new().on_conflict(User::email).do_update(|row| row.take(User::name)));
    let nested = scalar(select(max(Post::title)).filter(Post::title.ne(excluded(User::email))));
    compiles(new().on_conflict(User::email).do_update(|row| row.set(User::name, nested)));
    let words = refused(User::select().filter(User::email.eq(excluded(User::email))));
    assert!(words.contains("only what an upsert sets can name email"), "{words}");
    let words = refused(new().returning(excluded(User::email)));
    assert!(words.contains("only what an upsert sets can name email"), "{words}");
    let other = new().on_conflict(User::email).do_update(|row| row.set(User::name, excluded(Post::title)));
    let words = refused(other);
    assert!(words.contains("is one of users, which title is no column of"), "{words}");
}

#[test]
fn a_cte_with_the_name_of_a_table() {
    let users = select((User::id, User::email)).filter(User::id.gt(3)).cte("Users");
    let (id, _) = users.columns();
    let words = refused(select(id).from(&users));
    assert!(words.contains("users is read as a table where a CTE has that name"), "{words}");
    let posts = select((User::id, User::email)).cte("posts");
    let (id, _) = posts.columns();
    let words = refused(select(id).from(&posts).filter(exists(Post::select())));
    assert!(words.contains("posts is read as a table where a CTE has that name"), "{words}");
}

#[test]
fn more_of_a_set_operation() {
    let both = || select((User::id, User::email)).union_all(select((Post::id, Post::title)));
    let words = refused(both().filter(User::id.gt(3)));
    assert!(words.contains(r#"`let rows = ….subquery("rows")`"#), "{words}");
    let inner = select((User::id, User::email)).subquery("inner");
    let words = refused(select(User::email).from(inner));
    assert!(words.contains("users is read inside of inner: take the column from inner"), "{words}");
    // Its order is kept.
    let sql = compiles(both().order_by(User::email.desc()).limit(3).distinct());
    assert!(sql.ends_with(r#"LIMIT 3) AS "rows" ORDER BY "rows"."email" DESC"#), "{sql}");
}

#[test]
fn as_many_columns_of_a_subquery_as_can_be_selected() {
    let id = || User::id;
    let wide = (
        id(),
        id(),
        id(),
        id(),
        id(),
        id(),
        id(),
        id(),
        id(),
        id(),
        id(),
        id(),
        id(),
        id(),
        id(),
        User::email,
    );
    let wide = select(wide).subquery("wide");
    let columns = wide.columns();
    let sql = compiles(select((columns.0, columns.15)).from(wide));
    assert!(sql.starts_with(r#"SELECT "wide"."id", "wide"."email" FROM (SELECT"#), "{sql}");
}

#[test]
fn patterns_that_end_in_the_escape() {
    let words = refused(User::select().filter(User::email.like("100!")));
    assert!(words.contains("write `!!`"), "{words}");
    assert!(refused(User::select().filter(not(User::email.ilike("!!!")))).contains("write `!!`"));
    compiles(User::select().filter(User::email.like("100!!").and(User::email.like("!%"))));
}
