//! W0: building and compiling a statement, without a database.

use std::{hint::black_box, sync::Arc, time::Instant};

use relata::{
    dialect::Dialect,
    prelude::*,
    render::{Compiler, Statement},
};
use serde::Serialize;

use crate::{
    data::{Post, User},
    measure::Plan,
    task::Result,
};

/// What one statement costs.
#[derive(Debug, Clone, Serialize)]
pub struct Compiling {
    pub db: String,
    pub what: &'static str,
    pub nanoseconds: f64,
    pub allocations: u64,
    pub bytes: u64,
}

/// Three tables' worth of a select: a join, conditions, an order and a limit.
fn medium(name: &str) -> impl Statement + use<> {
    select((User::id, User::email, Post::id, Post::title))
        .join(User::posts)
        .filter(User::id.ge(10).and(User::name.eq(name)))
        .filter(Post::title.starts_with("What").or(Post::id.in_list([1, 2, 3])))
        .order_by((User::name, Post::id.desc()))
        .limit(20)
}

fn small(id: i64) -> impl Statement + use<> {
    User::find(&id)
}

pub fn measure(db: &str, dialect: &Arc<dyn Dialect>, plan: Plan) -> Result<Vec<Compiling>> {
    let compiler = Compiler::new(dialect.clone());
    Ok(vec![
        one(db, "a medium select: build", plan, || {
            black_box(medium(black_box("User 7")));
            Ok(())
        })?,
        one(db, "a medium select: build, compile", plan, || {
            black_box(medium(black_box("User 7")).compile(&**dialect)?);
            Ok(())
        })?,
        one(db, "a medium select: build, compile again", plan, || {
            black_box(compiler.compile(&medium(black_box("User 7")))?);
            Ok(())
        })?,
        one(db, "a lookup by key: build, compile", plan, || {
            black_box(small(black_box(7)).compile(&**dialect)?);
            Ok(())
        })?,
        one(db, "a lookup by key: build, compile again", plan, || {
            black_box(compiler.compile(&small(black_box(7)))?);
            Ok(())
        })?,
    ])
}

fn one(db: &str, what: &'static str, plan: Plan, mut run: impl FnMut() -> Result<()>) -> Result<Compiling> {
    const RUNS: u32 = 2_000;
    run()?;
    let mut best = f64::MAX;
    // The shortest: nothing but what else the machine does makes it longer.
    for _ in 0..plan.rounds * 5 {
        let begin = Instant::now();
        for _ in 0..RUNS {
            run()?;
        }
        best = best.min(begin.elapsed().as_secs_f64() * 1e9 / f64::from(RUNS));
    }
    let mut result = Ok(());
    let counted = allocation_counter::measure(|| result = run());
    result?;
    Ok(Compiling {
        db: db.into(),
        what,
        nanoseconds: best,
        allocations: counted.count_total,
        bytes: counted.bytes_total,
    })
}
