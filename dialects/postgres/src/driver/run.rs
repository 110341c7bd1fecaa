//! Running jobs: what is prepared goes out together, in the order of the jobs.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
};

use futures_util::{
    StreamExt,
    future::{MaybeDone, join, join_all, maybe_done},
};
use relata_core::{
    Error, ErrorClass, Result,
    driver::{Flow, Job, Mode, Sink},
    render::Bind,
};
use tokio_postgres::{Client, RowStream, SimpleQueryMessage, error::SqlState, types::Type};

use super::{
    bind::bind_type,
    cache::{Cache, Prepared},
    copy::copy,
    decode::{Decoder, PostgresRow},
    encode::Parameter,
};
use crate::error::from_driver;

/// Runs jobs one after another, in as few round trips as can be: one, where all of their statements are prepared, else two.
///
/// A job that changes the schema ends a part, since what follows may only be prepared when it is done. COPY goes alone: it is a
/// conversation of its own.
///
/// Several jobs are boxed: a future is as large as the largest that it may wait for, and a single one's is smaller.
pub(crate) async fn run<'s>(client: &Client, cache: &mut Cache, jobs: &mut [Job<'s>]) -> Result<()> {
    let mut rest = jobs;
    while !rest.is_empty() {
        let end = match rest.iter().position(|job| job.mode == Mode::Copy || changes_schema(job.sql)) {
            None => rest.len(),
            Some(at) if at > 0 && rest[at].mode == Mode::Copy => at,
            Some(at) => at + 1,
        };
        let (part, later) = rest.split_at_mut(end);
        match part {
            [job] if job.mode == Mode::Copy => run_copy(client, cache, job).await?,
            [job] => run_one(client, cache, job).await?,
            part => Box::pin(run_part(client, cache, part)).await?,
        }
        rest = later;
    }
    Ok(())
}

async fn run_copy(client: &Client, cache: &Cache, job: &mut Job<'_>) -> Result<()> {
    if !cache.is_on() {
        let why = "COPY is prepared by name, and names are not wanted on this connection";
        return Err(Error::new(ErrorClass::Compile, why).with_statement(job.sql));
    }
    job.rows_affected =
        copy(client, job.sql, job.binds).await.map_err(|error| error.with_statement(job.sql))?;
    job.done = true;
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

/// How a job is sent.
#[derive(Clone)]
enum Plan {
    /// As text, by the simple protocol.
    Text,
    /// Prepared without a name, in the same message as its binds: where names are not wanted, and for once.
    Typed,
    /// Prepared by name.
    Prepared(Arc<Prepared>),
    /// To be prepared by name first.
    Missing,
}

fn plan(cache: &mut Cache, job: &Job<'_>) -> Plan {
    match job.mode {
        Mode::Text if job.binds.is_empty() && job.sink.is_none() => Plan::Text,
        // Where rows are wanted, it takes the two trips: while it reads a large result, tokio-postgres cannot ask for the
        // name of a type that it has not met before (an enum's), and would wait for ever.
        Mode::Text | Mode::Once if cache.is_on() && job.sink.is_some() => Plan::Missing,
        Mode::Text | Mode::Once => Plan::Typed,
        // It does not come here.
        Mode::Copy => Plan::Missing,
        Mode::Cached | Mode::Stream if !cache.is_on() => Plan::Typed,
        Mode::Cached | Mode::Stream => match cache.get(job.sql, job.binds) {
            Some(prepared) => Plan::Prepared(prepared),
            None => Plan::Missing,
        },
    }
}

fn is_kept(mode: Mode) -> bool {
    matches!(mode, Mode::Cached | Mode::Stream)
}

/// Prepares a statement, without keeping it.
async fn prepare(
    client: &Client,
    sql: &str,
    binds: &[Bind<'_>],
) -> Result<Arc<Prepared>, tokio_postgres::Error> {
    let types: Vec<Type> = binds.iter().map(|value| bind_type(value.kind())).collect();
    let statement = client.prepare_typed(sql, &types).await?;
    let decoders = Decoder::all(statement.columns());
    Ok(Arc::new(Prepared { statement, decoders }))
}

/// What comes of a statement that was sent.
enum Answer {
    /// It is done, and changed so many rows.
    Done(u64),
    /// Its rows, and how to read them if that is known.
    Rows(RowStream, Option<Arc<Prepared>>),
}

/// Sends a statement when first polled, and is ready when the server has taken it.
async fn send<'s>(
    client: &Client,
    sql: &'s str,
    binds: &'s [Bind<'s>],
    plan: Plan,
    rows: bool,
) -> Result<Answer, tokio_postgres::Error> {
    let values = binds.iter().enumerate().map(|(at, value)| Parameter::new(at, value));
    let typed = || values.clone().zip(binds.iter().map(|value| bind_type(value.kind())));
    Ok(match plan {
        Plan::Text => {
            let mut answers = pin!(client.simple_query_raw(sql).await?);
            let mut changed = 0;
            while let Some(answer) = answers.next().await {
                if let SimpleQueryMessage::CommandComplete(rows) = answer? {
                    changed += rows;
                }
            }
            Answer::Done(changed)
        }
        Plan::Typed if rows => Answer::Rows(client.query_typed_raw(sql, typed()).await?, None),
        Plan::Typed | Plan::Missing => {
            let binds: Vec<_> = typed().collect();
            let binds: Vec<_> = binds.iter().map(|(bind, ty)| (bind as _, ty.clone())).collect();
            Answer::Done(client.execute_typed(sql, &binds).await?)
        }
        Plan::Prepared(prepared) if rows => {
            let stream = client.query_raw(&prepared.statement, values).await?;
            Answer::Rows(stream, Some(prepared))
        }
        Plan::Prepared(prepared) => Answer::Done(client.execute_raw(&prepared.statement, values).await?),
    })
}

/// Gives the rows to the sink and marks the job done.
async fn take(job: &mut Job<'_>, answer: Answer) -> Result<()> {
    let sql = job.sql;
    let counted = match (answer, &mut job.sink) {
        (Answer::Done(count), _) => Ok((0, count)),
        (Answer::Rows(stream, prepared), Some(sink)) => {
            take_rows(stream, prepared.as_deref(), &mut **sink).await
        }
        (Answer::Rows(..), None) => Ok((0, 0)),
    };
    (job.rows, job.rows_affected) = counted.map_err(|error| error.with_statement(sql))?;
    job.done = true;
    Ok(())
}

/// Gives rows to a sink: how many came, and how many the statement changed.
async fn take_rows(
    stream: RowStream,
    prepared: Option<&Prepared>,
    sink: &mut dyn Sink,
) -> Result<(u64, u64)> {
    let mut stream = pin!(stream);
    let mut found = None;
    let mut rows = 0;
    while let Some(row) = stream.next().await {
        let row = row.map_err(from_driver)?;
        rows += 1;
        let decoders = match prepared {
            Some(prepared) => &prepared.decoders,
            None => found.get_or_insert_with(|| Decoder::all(row.columns())),
        };
        let flow = match sink.row(&mut PostgresRow { row: &row, decoders })? {
            Flow::Pause => sink.ready().await?,
            flow => flow,
        };
        if flow == Flow::Stop {
            // The server sends the rest all the same; whoever comes next should not have to read it.
            while let Some(row) = stream.next().await {
                row.map_err(from_driver)?;
            }
            break;
        }
    }
    Ok((rows, stream.rows_affected().unwrap_or(0)))
}

/// Runs a job alone. A statement whose preparation the server has dropped or outdated is prepared once more.
async fn run_one(client: &Client, cache: &mut Cache, job: &mut Job<'_>) -> Result<()> {
    match try_one(client, cache, job).await {
        Err(error) if is_outdated(&error) && is_kept(job.mode) && cache.is_on() => {
            cache.remove(job.sql, job.binds);
            // In a transaction, which has failed now, this fails as well; the first error tells more.
            match prepare(client, job.sql, job.binds).await {
                Err(_) => Err(error),
                Ok(prepared) => {
                    cache.put(job.sql, job.binds, prepared);
                    try_one(client, cache, job).await
                }
            }
        }
        result => result,
    }
}

/// A prepared statement whose columns have changed since ("cached plan must not change result type"), or that is not known
/// any more, after DISCARD or behind a pooler. Both are found before anything is done.
fn is_outdated(error: &Error) -> bool {
    matches!(error.code(), Some("0A000" | "26000"))
}

async fn try_one(client: &Client, cache: &mut Cache, job: &mut Job<'_>) -> Result<()> {
    let failed = |error| from_driver(error).with_statement(job.sql);
    let mut plan = plan(cache, job);
    if let Plan::Missing = plan {
        let prepared = prepare(client, job.sql, job.binds).await.map_err(failed)?;
        if is_kept(job.mode) {
            cache.put(job.sql, job.binds, Arc::clone(&prepared));
        }
        plan = Plan::Prepared(prepared);
    }
    let answer = send(client, job.sql, job.binds, plan, job.sink.is_some()).await.map_err(failed)?;
    take(job, answer).await
}

/// Runs several jobs of which none but the last changes the schema.
async fn run_part(client: &Client, cache: &mut Cache, jobs: &mut [Job<'_>]) -> Result<()> {
    let mut plans: Vec<Plan> = jobs.iter().map(|job| plan(cache, job)).collect();
    let Some(first) = plans.iter().position(|plan| matches!(plan, Plan::Missing)) else {
        return pipeline(client, cache, jobs, &plans).await;
    };
    // What can go goes, with the preparations behind it: one trip, and each statement is prepared after those before it ran,
    // so that a transaction which a preparation fails is failed at the right place.
    let (sent, waiting) = jobs.split_at_mut(first);
    let missing = distinct(waiting, &plans[first..]);
    let texts: Vec<_> = missing.iter().map(|at| (waiting[*at].sql, waiting[*at].binds)).collect();
    let running = Sent::new(client, sent, &plans[..first]);
    let preparing = join_all(texts.iter().map(|(sql, binds)| prepare(client, sql, binds)));
    let (ran, prepared) = join(take_all(running, sent), preparing).await;
    repair(client, cache, sent, ran).await?;
    for (place, result) in missing.iter().zip(prepared) {
        match result {
            Ok(prepared) => {
                let (sql, binds) = (waiting[*place].sql, waiting[*place].binds);
                for (job, plan) in waiting.iter().zip(&mut plans[first..]) {
                    if matches!(plan, Plan::Missing) && job.sql == sql && same_types(job.binds, binds) {
                        *plan = Plan::Prepared(Arc::clone(&prepared));
                        if is_kept(job.mode) {
                            cache.put(sql, binds, Arc::clone(&prepared));
                        }
                    }
                }
            }
            Err(error) => {
                let error = from_driver(error).with_statement(waiting[*place].sql);
                return one_by_one(client, cache, waiting, *place, error).await;
            }
        }
    }
    pipeline(client, cache, waiting, &plans[first..]).await
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
    super::bind::bind_oids(a).eq(super::bind::bind_oids(b))
}

/// Runs jobs one by one, after the statement of the one at `place` could not be prepared, or not be run as it was prepared.
async fn one_by_one(
    client: &Client,
    cache: &mut Cache,
    jobs: &mut [Job<'_>],
    place: usize,
    error: Error,
) -> Result<()> {
    for at in 0..jobs.len() {
        match run_one(client, cache, &mut jobs[at]).await {
            // That failure has failed the transaction, and with it this job: nothing of it stays, and what the caller needs
            // to know is the statement that is wrong.
            Err(later) if at <= place && later.code() == Some(SqlState::IN_FAILED_SQL_TRANSACTION.code()) => {
                jobs[..place].iter_mut().for_each(|job| job.done = true);
                return Err(error);
            }
            result => result?,
        }
    }
    Ok(())
}

/// Runs jobs whose statements are all prepared, in one trip.
async fn pipeline(client: &Client, cache: &mut Cache, jobs: &mut [Job<'_>], plans: &[Plan]) -> Result<()> {
    let ran = take_all(Sent::new(client, jobs, plans), jobs).await;
    repair(client, cache, jobs, ran).await
}

/// Runs again what failed because its preparation was outdated, if that changes nothing: all that was sent behind it reads.
async fn repair(
    client: &Client,
    cache: &mut Cache,
    jobs: &mut [Job<'_>],
    ran: Result<(), (usize, Error)>,
) -> Result<()> {
    let Err((at, error)) = ran else { return Ok(()) };
    if is_outdated(&error) && is_kept(jobs[at].mode) && cache.is_on() {
        cache.remove(jobs[at].sql, jobs[at].binds);
        if jobs[at + 1..].iter().all(|job| job.sql.starts_with("SELECT")) {
            return one_by_one(client, cache, &mut jobs[at..], 0, error).await;
        }
    }
    Err(error)
}

type Sending<'a> =
    MaybeDone<Pin<Box<dyn Future<Output = Result<Answer, tokio_postgres::Error>> + Send + 'a>>>;

/// Statements on their way.
struct Sent<'a>(Vec<Sending<'a>>);

impl<'a> Sent<'a> {
    fn new<'s: 'a>(client: &'a Client, jobs: &[Job<'s>], plans: &[Plan]) -> Self {
        let sending = jobs.iter().zip(plans).map(|(job, plan)| {
            let sending = send(client, job.sql, job.binds, plan.clone(), job.sink.is_some());
            maybe_done(Box::pin(sending) as Pin<Box<dyn Future<Output = _> + Send + 'a>>)
        });
        Sent(sending.collect())
    }

    /// Queues the statements in order. One with a bind that cannot be written is never sent, and then neither are those
    /// behind it: else a COMMIT might be.
    async fn queue(&mut self) {
        poll_fn(|cx| {
            for sending in &mut self.0 {
                let failed = Pin::new(&mut *sending).poll(cx).is_ready()
                    && Pin::new(sending).output_mut().is_some_and(|output| output.is_err());
                if failed {
                    break;
                }
            }
            Poll::Ready(())
        })
        .await;
    }
}

/// Sends statements and takes what comes of them, up to the first failure: its place, and why.
async fn take_all(mut sent: Sent<'_>, jobs: &mut [Job<'_>]) -> Result<(), (usize, Error)> {
    sent.queue().await;
    for (at, (job, mut sending)) in jobs.iter_mut().zip(sent.0).enumerate() {
        (&mut sending).await;
        let Some(answer) = Pin::new(&mut sending).take_output() else { continue };
        let answer = answer.map_err(|error| (at, from_driver(error).with_statement(job.sql)))?;
        take(job, answer).await.map_err(|error| (at, error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::changes_schema;

    #[test]
    fn what_may_change_the_schema() {
        for sql in
            ["SELECT 1", " (select 1) UNION (SELECT 2)", "with x AS (…) SELECT", "COMMIT", "insert into t"]
        {
            assert!(!changes_schema(sql), "{sql}");
        }
        for sql in [
            "CREATE TABLE t ()",
            "DROP TYPE mood",
            "DO 'BEGIN END'",
            "-- a comment",
            "",
            "SET search_path = x",
        ] {
            assert!(changes_schema(sql), "{sql}");
        }
    }
}
