//! Statements that differ in nothing but their values are written once, and no others are taken for them.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use relata::{
    dialect::Dialect,
    expr::{Construct, Expression, Node},
    mysql::{Mysql, Server},
    postgres::Postgres,
    prelude::*,
    render::{CacheKey, Compile, Compiler, Renderer, Statement},
    sqlite::Sqlite,
    value::{DecimalValue, Value},
};
use relata_tests::blog::*;
use rust_decimal::Decimal;

fn dialects() -> [Arc<dyn Dialect>; 4] {
    [
        Arc::new(Sqlite::new()),
        Arc::new(Postgres),
        Arc::new(Mysql::new(Server::MYSQL)),
        Arc::new(Mysql::new(Server::MARIADB)),
    ]
}

/// A number of so many digits.
fn decimal(digits: u32) -> Expression {
    Expression::Bind(Value::Decimal(DecimalValue::new(10_i128.pow(digits - 1), 0)))
}

type Statements = Vec<Box<dyn Statement>>;

/// Statements of which most differ from another one in one thing, be it a value.
fn alike() -> Statements {
    fn list<const N: usize>(statements: [Select<User>; N]) -> impl Iterator<Item = Box<dyn Statement>> {
        statements.into_iter().map(|statement| Box::new(statement) as Box<dyn Statement>)
    }
    let users = User::select;
    let (ann, bob) = (User::alias("ann"), User::alias("bob"));
    let conditions: Vec<Expr<bool>> = vec![
        User::id.eq(1),
        User::id.eq(i64::MAX),
        User::id.ne(1),
        User::id.lt(1),
        User::id.eq(User::id),
        (User::id + 1_i64).eq(2),
        (User::id + None::<i64>).is_null(),
        Expr::<Decimal>::new(decimal(1)).gt(Decimal::ONE),
        Expr::<Decimal>::new(decimal(38)).gt(Decimal::ONE),
        User::id.eq(coalesce(cast::<Option<i64>, _>(User::name), 3)),
        User::id.between(1, 2),
        not(User::id.between(1, 2)),
        User::id.eq(1).and(User::id.eq(2)),
        User::id.eq(1).or(User::id.eq(2)),
        User::id.eq(1).or(User::id.eq(2)).or(User::id.eq(3)),
        not(User::id.eq(1).or(User::id.eq(2))),
        User::id.in_list([1]),
        User::id.in_list([1, 2]),
        User::id.in_list([3, 4]),
        User::id.in_list(0..11),
        User::id.in_list(0..12),
        User::id.in_list(0..13),
        User::id.in_list(0..200),
        User::id.in_list(1..201),
        User::id.in_list(Vec::<i64>::new()),
        not(User::id.in_list([1, 2])),
        User::id.in_select(select(Post::author_id)),
        User::id.in_select(select(Post::author_id).limit(1)),
        User::id.in_select(select(Post::author_id).filter(Post::title.eq("a"))),
        exists(Post::select().filter(Post::author_id.eq(User::id))),
        not_exists(Post::select().filter(Post::author_id.eq(User::id))),
        exists(User::posts.correlated()),
        exists(User::posts.correlated().filter(Post::title.eq("a"))),
        exists(User::posts.correlated().filter(Post::title.eq("b"))),
        User::email.eq("a"),
        User::email.eq("a' OR 1 = 1 --"),
        User::email.like("a%"),
        User::email.like("b%"),
        User::email.ilike("a%"),
        not(User::email.like("a%")),
        User::email.starts_with("a!"),
        lower(User::email).eq("a"),
        upper(User::email).eq("a"),
        case().when(User::id.gt(1), true).otherwise(false),
        case().when(User::id.gt(1), true).when(User::id.gt(2), true).otherwise(false),
        User::name.is_null(),
        User::name.is_not_null(),
        User::name.is_distinct_from(Some("a".to_owned())),
        User::name.is_distinct_from(None::<String>),
        User::name.is_not_distinct_from(None::<String>),
    ];
    let mut all: Statements = Vec::new();
    for condition in &conditions {
        all.extend(list([users().filter(condition.clone())]));
        all.push(Box::new(update::<User>().set(User::name, "a").filter(condition.clone())));
        all.push(Box::new(delete::<User>().filter(condition.clone())));
    }
    all.extend(list([
        users(),
        users().distinct(),
        users().order_by(User::id),
        users().order_by(User::id.desc()),
        users().order_by(User::id.asc().nulls_first()),
        users().order_by(User::id.asc().nulls_last()),
        users().order_by(User::id).limit(1),
        users().order_by(User::id).limit(2),
        users().order_by(User::id).offset(2),
        users().order_by(User::id).limit(2).offset(2),
        users().for_update(),
        users().for_share(),
        users().skip_locked(),
        users().no_wait(),
        users().join(User::posts),
        users().left_join(User::posts),
        users().join(User::posts).join(Post::comments),
        users().join_on(Post::entity(), Post::reviewer_id.eq(User::id)),
        users().cross_join(Post::entity()),
        users().cross_join(ann.clone()),
        users().cross_join(bob.clone()),
        users().cross_join(Post::alias("ann")),
        users().cross_join(ann.clone()).filter(ann.column(User::id).eq(1)),
        users().cross_join(ann.clone()).filter(ann.column(User::name).eq("a")),
        users().cross_join(select(Post::id).subquery("few")),
        users().cross_join(select(Post::id).subquery("many")),
        users().cross_join(select(Post::author_id).subquery("many")),
        users().cross_join(select(Post::id).cte("few")),
        users().cross_join(select(Post::title).cte("few")),
    ]));
    macro_rules! selected {
        ($($item:expr),* $(,)?) => {$(
            all.push(Box::new(select($item).from(User::entity())));
        )*};
    }
    selected!(
        User::id,
        User::email,
        User::id.label("a"),
        User::id.label("b"),
        (User::id, User::id),
        val(1_i32),
        val(1_i64),
        val("1"),
        val(None::<i64>),
        val(None::<i32>),
        val(1.5),
        val(Decimal::new(15, 1)),
        val(Decimal::new(15, 20)),
        max(val(Decimal::new(1, 2))),
        (User::id + 1).negative(),
        val(0_i64) - User::id,
        count(User::id),
        count_distinct(User::id),
        count_where(User::id.gt(1)),
        count_where(User::id.lt(1)),
        count_all(),
        min(User::id),
        max(User::id),
        max(val("a")),
        sum(User::id),
        cast::<String, _>(User::id),
        cast::<f64, _>(User::id),
        cast::<f64, _>(val(2_i32)),
        cast::<f64, _>(val(2_i64)),
        now::<jiff::Timestamp>(),
        scalar(select(Post::title).limit(1)),
        scalar(select(Post::title).limit(2)),
        Expr::<i64>::custom(Word::<1>),
        Expr::<i64>::custom(Word::<2>),
        over(row_number(), window().order_by(User::id)),
        over(row_number(), window().order_by(User::email)),
    );
    for stars in [1, 2] {
        let times = User::id * stars;
        all.push(Box::new(select((times.clone(), count_all())).group_by(times.clone())));
        all.push(Box::new(select((times.clone(), count_all())).group_by(User::id * 2)));
        all.push(Box::new(
            select((User::id, count_all())).group_by(User::id).order_by((times.clone(), User::id * 2)),
        ));
        all.push(Box::new(select(times.clone()).distinct().order_by(User::id * 2)));
        all.push(Box::new(select(User::id).union(select(User::id + stars))));
    }
    all.push(Box::new(select((User::id, count_all())).group_by(User::id)));
    all.push(Box::new(select((User::id, count_all())).group_by(User::id).having(count_all().gt(1))));
    all.push(Box::new(update::<Post>().set(Post::title, "a")));
    all.push(Box::new(update::<Post>().set(Post::title, "a").set(Post::version, 2)));
    all.push(Box::new(update::<Post>().set(Post::title, lower(Post::title))));
    all.push(Box::new(update::<Post>().set(Post::title, "a").returning(Post::id)));
    all.push(Box::new(update::<Post>().set(Post::reviewer_id, 1)));
    all.push(Box::new(update::<Post>().set(Post::reviewer_id, None)));
    all.push(Box::new(delete::<Post>()));
    all.push(Box::new(delete::<Comment>()));
    all.push(Box::new(delete::<Comment>().returning(Comment::id)));
    all
}

/// A construct that says less of itself than tells how it is written: how often it was.
#[derive(Debug)]
struct Liar(AtomicU64);

impl Node for Liar {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        out.number(self.0.fetch_add(1, Ordering::Relaxed));
        Ok(())
    }

    fn for_each_child<'s>(&'s self, _: &mut dyn FnMut(&'s Expression)) {}

    fn cache_key<'s>(&'s self, _: &mut CacheKey<'s>) {}
}

impl Construct for Liar {
    fn same(&self, _: &dyn Construct) -> bool {
        false
    }
}

/// A construct that says all of itself, which is nothing.
#[derive(Debug)]
struct Word<const NUMBER: u64>;

impl<const NUMBER: u64> Node for Word<NUMBER> {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        out.number(NUMBER);
        Ok(())
    }

    fn for_each_child<'s>(&'s self, _: &mut dyn FnMut(&'s Expression)) {}

    fn cache_key<'s>(&'s self, _: &mut CacheKey<'s>) {}
}

impl<const NUMBER: u64> Construct for Word<NUMBER> {
    fn same(&self, _: &dyn Construct) -> bool {
        true
    }
}

/// What runs a statement takes the text of the one before, and a lie is found out where tests run.
#[tokio::test]
#[cfg_attr(debug_assertions, should_panic(expected = "two statements have one key"))]
async fn a_lie_is_found_out() {
    let db = Engine::connect("sqlite::memory:").await.unwrap();
    let statement = select(Expr::<i64>::custom(Liar(AtomicU64::new(7))));
    for _ in 0..2 {
        assert_eq!(statement.clone().one(&db).await.unwrap(), 7);
    }
}

#[test]
fn what_is_kept_is_what_would_be_written() {
    let statements = alike();
    for dialect in dialects() {
        let compiler = Compiler::new(dialect.clone());
        // The first time each of them is written, and then all are known, in whichever order they come.
        for statement in statements.iter().chain(&statements).chain(statements.iter().rev()) {
            assert_eq!(compiler.compile(&**statement), statement.compile(&*dialect), "{dialect:?}");
        }
    }
}
