//! Arbitrary statements never panic when they are compiled, alike ones have one text, and what compiles for SQLite its own parser
//! accepts.
#![no_main]

use arbitrary::{Arbitrary, Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use relata::{
    clause::{Direction, IntoSource, Join, JoinKind, Limit, Nulls, OrderItem, Source},
    ddl::create_all,
    entity::Entity,
    expr::{
        Aggregate, Between, Case, Cast, Connective, DistinctFrom, Exists, Expr, Expression, Frame, Function, In, InList, Infix, IsNull,
        Like, Logical, Negate, Not, Nullness, Operator, Operators, Scalar, WindowDefinition, nth_value, over, row_number,
    },
    projection::Item,
    render::{Compiler, Statement},
    sqlite::Sqlite,
    statement::{Core, Query, Select, SelectBody, SetOperation, SetOperator, delete, select, update},
    table::ColumnType,
    value::{Kind, Value},
};
use rusqlite::{Connection, functions::FunctionFlags};

#[derive(relata::Entity)]
#[entity(table = "users")]
struct User {
    #[column(primary_key)]
    id: i64,
    #[column(unique)]
    email: String,
    name: Option<String>,
}

#[derive(relata::Entity)]
#[entity(table = "po sts\"")]
struct Post {
    #[column(primary_key)]
    id: i64,
    #[column(references = User::id)]
    author_id: i64,
    title: String,
    score: Option<f64>,
}

thread_local!(static SQLITE: Connection = {
    let connection = Connection::open_in_memory().expect("SQLite in memory");
    // The driver brings it along.
    connection
        .create_scalar_function("UNICODE_LOWER", 1, FunctionFlags::SQLITE_UTF8, |context| context.get::<String>(0))
        .expect("a function");
    for ddl in create_all(&[User::TABLE, Post::TABLE], false, &Sqlite::default()).expect("names") {
        connection.execute_batch(&ddl.compile(&Sqlite::default()).expect("compiles").sql).expect("creates");
    }
    connection
});

thread_local!(static COMPILERS: Vec<Compiler> = relata_fuzz::dialects().into_iter().map(Compiler::new).collect());

fuzz_target!(|data: &[u8]| {
    let mut input = Unstructured::new(data);
    let Ok(statement) = statement(&mut input) else { return };
    COMPILERS.with(|compilers| {
        for compiler in compilers {
            let written = format!("{:?}", statement.compile(&**compiler.dialect()));
            // What is taken over from one that is alike is what would be written.
            for _ in 0..2 {
                assert_eq!(format!("{:?}", compiler.compile(&*statement)), written);
            }
        }
    });
    let sqlite = Sqlite::default();
    if let Ok(compiled) = statement.compile(&sqlite) {
        SQLITE.with(|connection| match connection.prepare(&compiled.sql) {
            Ok(prepared) => assert_eq!(prepared.parameter_count(), compiled.binds.len(), "{}", compiled.sql),
            // What is only too large is not wrong.
            Err(error) if ["too many", "too large", "maximum depth"].iter().any(|limit| error.to_string().contains(limit)) => {}
            Err(error) => panic!("{error}\n{}", compiled.sql),
        });
    }
});

fn statement(input: &mut Unstructured<'_>) -> Result<Box<dyn Statement>> {
    Ok(match input.int_in_range(0..=5)? {
        0 => {
            let filter = relata::expr::Expr::<bool>::new(expression(input, 3)?);
            Box::new(update::<User>().set(User::name, String::arbitrary(input)?).filter(filter))
        }
        1 => Box::new(delete::<Post>().filter(relata::expr::Expr::<bool>::new(expression(input, 3)?))),
        _ => Box::new(body(input, 3, true)?),
    })
}

fn body(input: &mut Unstructured<'_>, depth: u8, many_columns: bool) -> Result<SelectBody> {
    let core = if depth > 1 && many_columns && input.ratio(1, 5)? {
        let operator = *input.choose(&[
            SetOperator::Union,
            SetOperator::UnionAll,
            SetOperator::Intersect,
            SetOperator::Except,
            SetOperator::ExceptAll,
        ])?;
        let (left, right) = (body(input, depth - 1, false)?, body(input, depth - 1, false)?);
        Core::Set(Box::new(SetOperation { left, operator, right }))
    } else {
        Core::Query(query(input, depth, many_columns)?)
    };
    Ok(SelectBody {
        core,
        order_by: some(input, 2, |input| order_item(input, depth))?,
        limit: Limit { limit: Arbitrary::arbitrary(input)?, offset: Arbitrary::arbitrary(input)? },
        lock: None,
    })
}

fn query(input: &mut Unstructured<'_>, depth: u8, many_columns: bool) -> Result<Query> {
    let mut query = Query::default();
    query.distinct = Arbitrary::arbitrary(input)?;
    query.items.push(Item::new(expression(input, depth)?, Arbitrary::arbitrary(input)?));
    if many_columns {
        query.items.extend(some(input, 2, |input| {
            let mut item = Item::new(expression(input, depth)?, Arbitrary::arbitrary(input)?);
            item.label = Option::<String>::arbitrary(input)?.map(Into::into);
            Ok(item)
        })?);
    }
    if Arbitrary::arbitrary(input)? {
        query.from = Some(source(input, depth)?);
    }
    query.joins = some(input, 2, |input| {
        let kind = *input.choose(&[JoinKind::Inner, JoinKind::Left, JoinKind::Right, JoinKind::Full, JoinKind::Cross])?;
        let on = if kind == JoinKind::Cross { None } else { Some(expression(input, depth)?) };
        Ok(Join { kind, source: source(input, depth)?, on })
    })?;
    query.filter.extend(some(input, 2, |input| expression(input, depth))?);
    query.group_by = some(input, 2, |input| expression(input, depth))?;
    query.having.extend(some(input, 1, |input| expression(input, depth))?);
    Ok(query)
}

fn some<T>(
    input: &mut Unstructured<'_>,
    most: usize,
    mut one: impl FnMut(&mut Unstructured<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    (0..input.int_in_range(0..=most)?).map(|_| one(input)).collect()
}

fn source(input: &mut Unstructured<'_>, depth: u8) -> Result<Source> {
    Ok(match input.int_in_range(0..=4)? {
        0 => User::entity().into_source(),
        1 => Post::entity().into_source(),
        2 => User::alias("other").into_source(),
        3 if depth > 1 => {
            let body = body(input, depth - 1, true)?;
            Select::<i64>::from_parts(body, |row| row.read()).subquery("derived").into_source()
        }
        4 => select(User::id).cte("com mon").into_source(),
        _ => Post::entity().into_source(),
    })
}

fn order_item(input: &mut Unstructured<'_>, depth: u8) -> Result<OrderItem> {
    Ok(OrderItem {
        expression: expression(input, depth)?,
        direction: *input.choose(&[Direction::Ascending, Direction::Descending])?,
        nulls: *input.choose(&[None, Some(Nulls::First), Some(Nulls::Last)])?,
    })
}

fn value(input: &mut Unstructured<'_>) -> Result<Value> {
    Ok(match input.int_in_range(0..=4)? {
        0 => Value::Null(Kind::I64),
        1 => Value::I64(Arbitrary::arbitrary(input)?),
        2 => Value::Bool(Arbitrary::arbitrary(input)?),
        3 => Value::F64(Arbitrary::arbitrary(input)?),
        _ => Value::Text(Arbitrary::arbitrary(input)?),
    })
}

fn expression(input: &mut Unstructured<'_>, depth: u8) -> Result<Expression> {
    let leaf = depth == 0 || input.is_empty();
    let next = |input: &mut Unstructured<'_>| expression(input, depth - 1);
    Ok(match if leaf { input.int_in_range(0..=5)? } else { input.int_in_range(0..=22)? } {
        0 => User::id.asc().expression,
        1 => User::email.asc().expression,
        2 => Post::title.asc().expression,
        3 => Post::score.asc().expression,
        4 => User::alias("other").column(User::name).into_node(),
        5 | 6 => Expression::Bind(value(input)?),
        7 | 8 => {
            let operator = *input.choose(&[
                Operator::Eq,
                Operator::Ne,
                Operator::Lt,
                Operator::Ge,
                Operator::Add,
                Operator::Subtract,
                Operator::Multiply,
                Operator::Divide,
                Operator::DivideDecimal,
                Operator::DivideInteger,
                Operator::Modulo,
                Operator::Concat,
            ])?;
            Expression::Infix(Box::new(Infix { left: next(input)?, operator, right: next(input)? }))
        }
        9 => {
            let connective = *input.choose(&[Connective::And, Connective::Or])?;
            Expression::Logical(Logical { connective, operands: vec![next(input)?, next(input)?] })
        }
        10 => Expression::Not(Box::new(Not { operand: next(input)? })),
        11 => Expression::Negate(Box::new(Negate { operand: next(input)? })),
        12 => Expression::IsNull(Box::new(IsNull { operand: next(input)?, negated: Arbitrary::arbitrary(input)? })),
        13 => Expression::DistinctFrom(Box::new(DistinctFrom {
            left: next(input)?,
            right: next(input)?,
            negated: Arbitrary::arbitrary(input)?,
        })),
        14 => Expression::Between(Box::new(Between {
            operand: next(input)?,
            low: next(input)?,
            high: next(input)?,
            negated: Arbitrary::arbitrary(input)?,
        })),
        15 => Expression::Like(Box::new(Like {
            operand: next(input)?,
            pattern: next(input)?,
            ignore_case: Arbitrary::arbitrary(input)?,
            negated: Arbitrary::arbitrary(input)?,
        })),
        16 => {
            let list = if Arbitrary::arbitrary(input)? {
                InList::values(Vec::<i64>::arbitrary(input)?)
            } else {
                InList::Select(Box::new(body(input, depth - 1, false)?))
            };
            Expression::In(Box::new(In { operand: next(input)?, list, negated: Arbitrary::arbitrary(input)? }))
        }
        17 => Expression::Case(Box::new(Case {
            branches: vec![(next(input)?, next(input)?)],
            otherwise: if Arbitrary::arbitrary(input)? { Some(next(input)?) } else { None },
        })),
        // No decimals: their collation and functions are the driver's own.
        18 => {
            let kind = *input.choose(&[Kind::I64, Kind::Text, Kind::F64, Kind::Bool, Kind::Bytes, Kind::Timestamp])?;
            Expression::Cast(Box::new(Cast { operand: next(input)?, from: kind, ty: ColumnType::new(kind) }))
        }
        19 => Expression::Function(Box::new(Function {
            name: "COALESCE",
            arguments: vec![next(input)?, next(input)?],
            nullness: Nullness::AllArguments,
        })),
        20 => {
            let aggregate = Aggregate {
                name: input.choose(&["COUNT", "SUM", "MAX"])?,
                operand: Some(next(input)?),
                distinct: Arbitrary::arbitrary(input)?,
                filter: if Arbitrary::arbitrary(input)? { Some(next(input)?) } else { None },
                kind: Kind::I64,
            };
            Expression::Aggregate(Box::new(aggregate))
        }
        21 => {
            let definition = WindowDefinition {
                partition_by: some(input, 1, next)?,
                order_by: some(input, 1, |input| order_item(input, depth - 1))?,
                frame: match Arbitrary::arbitrary(input)? {
                    Some((first, last)) => Some(Frame { first, last }),
                    None => None,
                },
            };
            match Arbitrary::arbitrary(input)? {
                None => over(row_number(), definition).into_node(),
                Some(nth) => over(nth_value(Expr::<i64>::new(next(input)?), nth), definition).into_node(),
            }
        }
        _ => {
            let select = body(input, depth - 1, false)?;
            if Arbitrary::arbitrary(input)? {
                Expression::Exists(Box::new(Exists { select, negated: Arbitrary::arbitrary(input)? }))
            } else {
                Expression::Subquery(Box::new(Scalar { select }))
            }
        }
    })
}
