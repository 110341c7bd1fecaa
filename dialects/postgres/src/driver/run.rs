//! Running jobs: what is prepared goes out together, in the order of the jobs.

use std::sync::Arc;

use postgres_protocol::message::frontend;
use relata_core::{
    Error, ErrorClass, Result,
    driver::{Job, Mode},
    render::Bind,
};
use tokio_postgres::types::Type;

use super::{
    answer::take,
    bind::{bind_oids, bind_type},
    cache::Cache,
    copy::run_copy,
    decode::Cells,
    encode::write_bind,
    prepare::{Plan, is_kept, is_outdated, plan, prepare, queue_preparation, take_preparation},
    wire::{Wire, unsendable},
};

/// Runs jobs one after another, in as few round trips as can be: one, where all of their statements are prepared, else two.
///
/// A job that changes the schema ends a part, since what follows may only be prepared when it is done. COPY goes alone: it is a
/// conversation of its own.
///
/// Several jobs are boxed: a future is as large as the largest that it may wait for, and a single one's is smaller.
pub(super) async fn run(wire: &mut Wire, cache: &mut Cache, jobs: &mut [Job<'_>]) -> Result<()> {
    wire.settle(&mut None).await?;
    forget(wire, cache)?;
    let mut rest = jobs;
    while !rest.is_empty() {
        let end = match rest.iter().position(|job| job.mode == Mode::Copy || changes_schema(job.sql)) {
            None => rest.len(),
            Some(at) if at > 0 && rest[at].mode == Mode::Copy => at,
            Some(at) => at + 1,
        };
        let (part, later) = rest.split_at_mut(end);
        match part {
            [job] if job.mode == Mode::Copy => run_copy(wire, job).await?,
            [job] => run_one(wire, cache, job).await?,
            part => Box::pin(run_part(wire, cache, part)).await?,
        }
        rest = later;
    }
    wire.shrink();
    Ok(())
}

/// Lets the server forget the statements that are not needed any more.
pub(super) fn forget(wire: &mut Wire, cache: &mut Cache) -> Result<()> {
    for name in cache.take_forgotten() {
        wire.queue(|out| frontend::close(b'S', &name, out).map_err(unsendable))?;
    }
    Ok(())
}

/// Whether a statement may change what later ones mean: all but those that are known not to.
fn changes_schema(sql: &str) -> bool {
    const HARMLESS: [&str; 15] = [
        "SELECT",
        "INSERT",
        "UPDATE",
        "DELETE",
        "WITH",
        "VALUES",
        "MERGE",
        "BEGIN",
        "START",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT",
        "RELEASE",
        "LOCK",
        "SHOW",
    ];
    let sql = sql.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
    let word = sql.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or("");
    !HARMLESS.iter().any(|harmless| harmless.eq_ignore_ascii_case(word))
}

/// Queues a job. With `open`, it stands or falls with what is queued next.
pub(super) fn queue(wire: &mut Wire, job: &Job<'_>, plan: &Plan, open: bool) -> Result<()> {
    if let (Plan::Text, false) = (plan, open) {
        return wire.queue_query(job.sql);
    }
    wire.queue(|out| {
        if let Plan::Prepared(prepared) = plan {
            let (wanted, given) = (prepared.parameters.len(), job.binds.len());
            if wanted != given {
                let why = format!("the statement has {wanted} placeholders for {given} binds");
                return Err(Error::new(ErrorClass::Statement, why));
            }
            write_bind(&prepared.name, job.binds, &prepared.parameters, out)?;
        } else {
            frontend::parse("", job.sql, bind_oids(job.binds), out).map_err(unsendable)?;
            if job.sink.is_some() {
                frontend::describe(b'S', "", out).map_err(unsendable)?;
            }
            let types: Vec<Type> = job.binds.iter().map(|bind| bind_type(bind.kind())).collect();
            write_bind("", job.binds, &types, out)?;
        }
        frontend::execute("", 0, out).map_err(unsendable)
    })?;
    if !open {
        wire.queue_sync();
    }
    Ok(())
}

/// Runs a job alone. A statement whose preparation the server has dropped or outdated is prepared once more.
async fn run_one(wire: &mut Wire, cache: &mut Cache, job: &mut Job<'_>) -> Result<()> {
    match try_one(wire, cache, job).await {
        Err(error) if is_outdated(&error) && job.rows == 0 && is_kept(job.mode) && cache.is_on() => {
            cache.remove(job.sql, job.binds);
            wire.settle(&mut None).await?;
            // In a transaction, which has failed now, this fails as well; the first error tells more.
            match prepare(wire, cache, job.sql, job.binds).await {
                Err(_) => Err(error),
                Ok(prepared) => {
                    cache.put(job.sql, job.binds, prepared);
                    try_one(wire, cache, job).await
                }
            }
        }
        result => result,
    }
}

async fn try_one(wire: &mut Wire, cache: &mut Cache, job: &mut Job<'_>) -> Result<()> {
    let sql = job.sql;
    let tried = async {
        let mut plan = plan(cache, job);
        if let Plan::Missing = plan {
            let prepared = prepare(wire, cache, job.sql, job.binds).await?;
            cache.put(sql, job.binds, Arc::clone(&prepared));
            plan = Plan::Prepared(prepared);
        }
        queue(wire, job, &plan, false)?;
        take(wire, job, &plan, false, &mut Cells::new()).await
    };
    tried.await.map_err(|error: Error| error.with_statement(sql))
}

/// Runs several jobs of which none but the last changes the schema.
async fn run_part(wire: &mut Wire, cache: &mut Cache, jobs: &mut [Job<'_>]) -> Result<()> {
    let mut plans: Vec<Plan> = jobs.iter().map(|job| plan(cache, job)).collect();
    let Some(first) = plans.iter().position(|plan| matches!(plan, Plan::Missing)) else {
        let ran = pipeline(wire, jobs, &plans).await;
        return repair(wire, cache, jobs, ran).await;
    };
    // What can go goes, with the preparations behind it: one trip, and each statement is prepared after those before it ran,
    // so that a transaction which a preparation fails is failed at the right place.
    let (sent, waiting) = jobs.split_at_mut(first);
    let missing = distinct(waiting, &plans[first..]);
    let queued = queue_all(wire, sent, &plans[..first], true);
    let mut names = Vec::new();
    if queued.is_ok() {
        for at in &missing {
            names.push(queue_preparation(wire, cache, waiting[*at].sql, waiting[*at].binds));
            // In any case: the server keeps its answer to an open job before it until there is one.
            wire.queue_sync();
        }
    }
    if let Err(failure) = take_all(wire, sent, &plans[..first], queued, true).await {
        repair(wire, cache, sent, Err(failure)).await?;
        for job in waiting {
            run_one(wire, cache, job).await?;
        }
        return Ok(());
    }
    for (place, name) in missing.into_iter().zip(names) {
        let prepared = match name {
            Ok(name) => take_preparation(wire, name).await,
            Err(error) => Err(error),
        };
        let (sql, binds) = (waiting[place].sql, waiting[place].binds);
        match prepared {
            Ok(prepared) => {
                for (job, plan) in waiting.iter().zip(&mut plans[first..]) {
                    if matches!(plan, Plan::Missing) && job.sql == sql && same_types(job.binds, binds) {
                        *plan = Plan::Prepared(Arc::clone(&prepared));
                    }
                }
                cache.put(sql, binds, prepared);
            }
            Err(error) => return one_by_one(wire, cache, waiting, place, error.with_statement(sql)).await,
        }
    }
    let ran = pipeline(wire, waiting, &plans[first..]).await;
    repair(wire, cache, waiting, ran).await
}

/// The places of the jobs to prepare, each statement once.
fn distinct(jobs: &[Job<'_>], plans: &[Plan]) -> Vec<usize> {
    let mut places: Vec<usize> = Vec::new();
    for (at, (job, plan)) in jobs.iter().zip(plans).enumerate() {
        let known = |place: &usize| jobs[*place].sql == job.sql && same_types(jobs[*place].binds, job.binds);
        if matches!(plan, Plan::Missing) && !places.iter().any(known) {
            places.push(at);
        }
    }
    places
}

fn same_types(a: &[Bind<'_>], b: &[Bind<'_>]) -> bool {
    bind_oids(a).eq(bind_oids(b))
}

/// Runs jobs one by one, after the statement of the one at `place` could not be prepared, or not be run as it was prepared.
async fn one_by_one(
    wire: &mut Wire,
    cache: &mut Cache,
    jobs: &mut [Job<'_>],
    place: usize,
    error: Error,
) -> Result<()> {
    wire.settle(&mut None).await?;
    for at in 0..jobs.len() {
        match run_one(wire, cache, &mut jobs[at]).await {
            // That failure has failed the transaction, and with it this job: nothing of it stays, and what the caller needs
            // to know is the statement that is wrong.
            Err(later) if at <= place && later.code() == Some(IN_FAILED_TRANSACTION) => {
                jobs[..place].iter_mut().for_each(|job| job.done = true);
                return Err(error);
            }
            result => result?,
        }
    }
    Ok(())
}

const IN_FAILED_TRANSACTION: &str = "25P02";

/// Where something failed, and why.
type Failure = (usize, Error);

/// Runs jobs whose statements are all prepared, in one trip.
async fn pipeline(wire: &mut Wire, jobs: &mut [Job<'_>], plans: &[Plan]) -> Result<(), Failure> {
    let queued = queue_all(wire, jobs, plans, false);
    take_all(wire, jobs, plans, queued, false).await
}

/// Runs again what failed because its preparation was outdated, if that changes nothing: all that was sent behind it reads.
async fn repair(
    wire: &mut Wire,
    cache: &mut Cache,
    jobs: &mut [Job<'_>],
    ran: Result<(), Failure>,
) -> Result<()> {
    let Err((at, error)) = ran else { return Ok(()) };
    if is_outdated(&error) && jobs[at].rows == 0 && is_kept(jobs[at].mode) && cache.is_on() {
        cache.remove(jobs[at].sql, jobs[at].binds);
        if jobs[at + 1..].iter().all(|job| job.sql.starts_with("SELECT")) {
            return one_by_one(wire, cache, &mut jobs[at..], 0, error).await;
        }
    }
    Err(error)
}

/// Queues jobs in order. One with a bind that cannot be written is not sent, and neither are those behind it: else a COMMIT
/// might be. With `more`, a preparation will be queued behind them.
fn queue_all(wire: &mut Wire, jobs: &[Job<'_>], plans: &[Plan], more: bool) -> Result<(), Failure> {
    for (at, (job, plan)) in jobs.iter().zip(plans).enumerate() {
        if let Err(error) = queue(wire, job, plan, is_open(jobs, plans, at, more)) {
            if at > 0 && is_open(jobs, plans, at - 1, more) {
                wire.queue_sync();
            }
            return Err((at, error.with_statement(job.sql)));
        }
    }
    Ok(())
}

/// Takes the answers to jobs that were queued, up to the first failure.
async fn take_all(
    wire: &mut Wire,
    jobs: &mut [Job<'_>],
    plans: &[Plan],
    queued: Result<(), Failure>,
    more: bool,
) -> Result<(), Failure> {
    let count = queued.as_ref().map_or_else(|(at, _)| *at, |()| jobs.len());
    let mut cells = Cells::new();
    for at in 0..count {
        let open = is_open(jobs, plans, at, more);
        let job = &mut jobs[at];
        let taken = take(wire, job, &plans[at], open, &mut cells).await;
        taken.map_err(|error| (at, error.with_statement(job.sql)))?;
    }
    queued
}

/// Whether the server need not say that it is ready before it goes on to the next: the job begins a transaction. If that fails,
/// the next is passed over.
fn is_open(jobs: &[Job<'_>], plans: &[Plan], at: usize, more: bool) -> bool {
    let is_begin = matches!(plans[at], Plan::Text) && jobs[at].sql.starts_with("BEGIN");
    let has_next = plans.get(at + 1).map_or(more, |next| !matches!(next, Plan::Text));
    is_begin && has_next && !jobs[at].sql.contains(';')
}
