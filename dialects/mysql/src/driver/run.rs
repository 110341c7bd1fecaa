//! Running a job: what is sent for it, and what is read.

use mysql_async::{
    Conn, Params, QueryResult, Value as Native,
    prelude::{Protocol, Queryable},
};
use relata_core::{
    Error, ErrorClass, Result,
    driver::{Flow, Job, Mode},
    render::Bind,
};

use super::{
    autocommit::{Autocommit, Lead, begins_with, is_plain},
    bind::to_native,
    row::{MysqlRow, Shape},
    statements::Statements,
};
use crate::error;

/// How a job ended that did not fail.
pub(super) enum Ended {
    Cleanly,
    /// The sink wants no more rows, and there are too many to read them all.
    WithRowsLeft,
    /// The connection is of no more use.
    InDoubt,
}

pub(super) struct Failure {
    pub(super) error: Error,
    pub(super) rows_left: bool,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure { error, rows_left: false }
    }
}

/// Sends texts with what is to go ahead of them and behind, as one.
pub(super) async fn run_with(
    conn: &mut Conn,
    autocommit: &mut Autocommit,
    lead: Lead,
    jobs: &mut [Job<'_>],
    next_is_plain: bool,
    trail: Option<&'static str>,
) -> Result<Ended, Failure> {
    let ahead = lead.texts();
    let texts: Vec<&str> = ahead.iter().copied().chain(jobs.iter().map(|job| job.sql)).chain(trail).collect();
    let mut answers = Vec::with_capacity(texts.len());
    let outcome = run_joined(conn, &texts, &mut answers).await;
    let Some(answers_to_jobs) = answers.get(ahead.len()..) else {
        // It is not known any more what the session is in.
        return outcome.and(Ok(Ended::InDoubt)).map_err(|failure| Failure { rows_left: true, ..failure });
    };
    autocommit.led(lead);
    for (at, job) in jobs.iter_mut().enumerate() {
        job.done = answers_to_jobs.get(at).is_some_and(|changed| {
            job.rows_affected = *changed;
            true
        });
    }
    for (at, job) in jobs.iter().enumerate() {
        let next_is_plain = jobs.get(at + 1).map_or(next_is_plain, |next| is_plain(Some(next)));
        autocommit.begins(job, next_is_plain);
        if !job.done {
            break;
        }
        autocommit.ended(job);
    }
    match trail {
        Some(text) if answers.len() == texts.len() => autocommit.trailed(text),
        // What was asked for is done, but it is not known what the session is in.
        Some(_) if answers_to_jobs.len() == jobs.len() => return Ok(Ended::InDoubt),
        _ => {}
    }
    outcome
}

/// Sends texts as one (MySQL 8.4 manual, C API 6.14, "Multiple Statement Execution Support"). The server stops at the first
/// that fails, and answers each by itself: with how many rows it changed.
async fn run_joined(conn: &mut Conn, texts: &[&str], answers: &mut Vec<u64>) -> Result<Ended, Failure> {
    let first = texts.first().copied().unwrap_or_default();
    let mut result = conn.query_iter(texts.join(";")).await.map_err(|e| error::running(e, first))?;
    for text in texts {
        // Before the next answer is read, which `next` does at the end of this one.
        let changed = counted(&result, text);
        while result.next().await.map_err(|e| error::running(e, text))?.is_some() {}
        answers.push(changed);
    }
    result.drop_result().await.map_err(|e| error::running(e, ""))?;
    Ok(Ended::Cleanly)
}

pub(super) async fn run_one(
    conn: &mut Conn,
    statements: &mut Statements,
    params: Result<Params>,
    job: &mut Job<'_>,
    to_drain: u64,
) -> Result<Ended, Failure> {
    let sql = job.sql;
    if job.mode == Mode::Text {
        let result = conn.query_iter(sql).await.map_err(|e| error::running(e, sql))?;
        return take_result(result, job, to_drain).await;
    }
    let params = params.map_err(|e| e.with_statement(sql))?;
    let kept = statements.get(sql, job.binds);
    let known = kept.is_some();
    if !known {
        check_colons(sql)?;
    }
    let statement = match kept {
        Some(statement) => statement,
        None => match conn.prep(sql).await {
            Ok(statement) => statement,
            // Some statements cannot be prepared, such as LOCK TABLES (MySQL 8.4 manual 15.5).
            Err(mysql_async::Error::Server(e)) if e.code == 1295 && job.binds.is_empty() => {
                let result = conn.query_iter(sql).await.map_err(|e| error::running(e, sql))?;
                return take_result(result, job, to_drain).await;
            }
            Err(e) => return Err(error::running(e, sql).into()),
        },
    };
    let close = if known {
        None
    } else if job.mode == Mode::Once {
        Some(statement.clone())
    } else {
        statements.keep(sql, job.binds, statement.clone())
    };
    let wanted = usize::from(statement.num_params());
    if wanted != job.binds.len() {
        // mysql_async would close the connection over it.
        if let Some(statement) = close {
            conn.close(statement).await.map_err(|e| error::running(e, sql))?;
        }
        let why = format!("the statement has {wanted} placeholders for {} binds", job.binds.len());
        return Err(Error::new(ErrorClass::Statement, why).with_statement(sql).into());
    }
    let outcome = match conn.exec_iter(statement, params).await {
        Ok(result) => take_result(result, job, to_drain).await,
        Err(e) => {
            if error::is_about_the_preparation(&e) {
                statements.forget(sql);
            }
            Err(error::running_with(e, sql, job.binds).into())
        }
    };
    let still_in_step = match &outcome {
        Ok(ended) => matches!(ended, Ended::Cleanly),
        Err(failure) => !failure.rows_left && !conn.is_disconnected(),
    };
    if let Some(statement) = close
        && still_in_step
    {
        // There is no answer to wait for.
        conn.close(statement).await.map_err(|e| error::running(e, sql))?;
    }
    outcome
}

/// The binds as mysql_async sends them.
///
/// A packet that is larger than the server allows makes it close the connection (MySQL 8.4 manual B.3.2.8). mysql_async
/// sends all in one up to 16 MB, and from there on a packet for each.
pub(super) fn params(binds: &[Bind<'_>], max_packet: usize) -> Result<Params> {
    const IN_ONE: usize = 1 << 24;
    // Next to a bind's bytes stand its type and length.
    const ASIDE: usize = 16;
    if binds.is_empty() {
        return Ok(Params::Empty);
    }
    let mut values = Vec::with_capacity(binds.len());
    let (mut total, mut largest) = (0, 0);
    for (at, bind) in binds.iter().enumerate() {
        let value = to_native(&bind.value()).map_err(|error| error.context(format!("bind {}", at + 1)))?;
        let size = if let Native::Bytes(bytes) = &value { bytes.len() } else { 0 } + ASIDE;
        total += size;
        largest = largest.max(size);
        values.push(value);
    }
    let size = if total < IN_ONE { total } else { largest };
    if size > max_packet {
        let why = format!(
            "binds of {size} bytes are more than the server's max_allowed_packet, {max_packet} bytes"
        );
        return Err(Error::new(ErrorClass::Data, why));
    }
    Ok(Params::Positional(values))
}

/// mysql_async reads `:name` as a parameter of that name, and would send another text than this one. It knows quotes, but
/// not everything that may stand before them.
fn check_colons(sql: &str) -> Result<(), Failure> {
    let bytes = sql.as_bytes();
    if !bytes.windows(2).any(|pair| pair[0] == b':' && (pair[1].is_ascii_lowercase() || pair[1] == b'_')) {
        return Ok(());
    }
    let mut quote = None;
    let mut before = b' ';
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match quote {
            Some(b'`') if byte == b'`' => quote = None,
            Some(b'`') => {}
            Some(_) if byte == b'\\' => at += 1,
            Some(mark) if byte == mark => quote = None,
            Some(_) => {}
            None if matches!(byte, b'\'' | b'"' | b'`') => {
                if matches!(before, b'-' | b'/') {
                    return Err(refused_colon(sql));
                }
                quote = Some(byte);
            }
            None if byte == b':'
                && bytes.get(at + 1).is_some_and(|next| next.is_ascii_lowercase() || *next == b'_') =>
            {
                return Err(refused_colon(sql));
            }
            // What is in a comment is not looked into here.
            None if byte == b'#' || matches!((before, byte), (b'-', b'-') | (b'/', b'*')) => {
                return Err(refused_colon(sql));
            }
            None => {}
        }
        before = byte;
        at += 1;
    }
    Ok(())
}

fn refused_colon(sql: &str) -> Failure {
    let why = "a colon before a name would be read as a parameter: bind values with `?`, and put a space behind an operator";
    Error::new(ErrorClass::Statement, why).with_statement(sql).into()
}

/// Reads an answer to its end: the rows of its first result go to the sink. Of those that it does not want, at most so many are
/// read.
async fn take_result<P: Protocol>(
    mut result: QueryResult<'_, 'static, P>,
    job: &mut Job<'_>,
    to_drain: u64,
) -> Result<Ended, Failure> {
    let (sql, binds) = (job.sql, job.binds);
    let fail = |e| Failure::from(error::running_with(e, sql, binds));
    let columns = result.columns().unwrap_or_default();
    if columns.is_empty() {
        // Now, since a further answer would bring its own.
        job.last_insert_id = result.last_insert_id();
        job.rows_affected = changed_by_rest(&mut result, sql).await.map_err(fail)?;
        job.done = true;
        return Ok(Ended::Cleanly);
    }
    let enough = push_rows(&mut result, job).await.map_err(fail)?;
    let drained = match &enough {
        Ok(false) => Some(0),
        _ => drain(&mut result, to_drain).await.map_err(fail)?,
    };
    let Some(drained) = drained else {
        return match enough {
            Err(error) => Err(Failure { error: error.with_statement(sql), rows_left: true }),
            Ok(_) => {
                job.done = true;
                Ok(Ended::WithRowsLeft)
            }
        };
    };
    // The rows of a RETURNING are those that were changed; MariaDB does not count them again behind them.
    let returned = if changes_rows(sql) { job.rows + drained } else { 0 };
    job.last_insert_id = result.last_insert_id();
    job.rows_affected = returned + changed_by_rest(&mut result, sql).await.map_err(fail)?;
    enough.map_err(|error| error.with_statement(sql))?;
    job.done = true;
    Ok(Ended::Cleanly)
}

/// Reads what is left of an answer, that of each statement of a text by itself: how many rows they changed.
async fn changed_by_rest<P: Protocol>(
    result: &mut QueryResult<'_, 'static, P>,
    sql: &str,
) -> mysql_async::Result<u64> {
    let mut changed = 0;
    while let Some(columns) = result.columns() {
        if columns.is_empty() {
            changed += counted(result, sql);
        }
        while result.next().await?.is_some() {}
    }
    // Where the next statement failed there are no columns: it is said now.
    result.next().await?;
    Ok(changed)
}

/// How many rows a statement changed. An UPDATE counts those that it matched, as other databases do, of which the server says how many
/// it changed (MySQL 8.4 manual, C API 5.4.37, `mysql_info`). Were it told to count them (CLIENT_FOUND_ROWS), an INSERT would count
/// those that were there and stay as they are.
fn counted<P: Protocol>(result: &QueryResult<'_, 'static, P>, sql: &str) -> u64 {
    let affected = result.affected_rows();
    let info = result.info();
    // In the language of the server, so that the statement has to tell, where it is alone.
    let updates = info.starts_with("Rows matched: ") || begins_with(sql, &["UPDATE"]);
    if info.is_empty() || info.starts_with("Records: ") || !updates {
        return affected;
    }
    let digits = info.split(|c: char| !c.is_ascii_digit()).find(|digits| !digits.is_empty());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(affected)
}

/// Whether a text that gives rows is an INSERT or its like.
fn changes_rows(sql: &str) -> bool {
    begins_with(sql, &["INSERT", "DELETE", "REPLACE"])
}

/// Gives the rows of a result to the sink, one by one, counting them. Whether it had enough of them, or what it could not
/// take.
async fn push_rows<P: Protocol>(
    result: &mut QueryResult<'_, 'static, P>,
    job: &mut Job<'_>,
) -> mysql_async::Result<Result<bool>> {
    let shapes = Shape::of(result.columns_ref());
    while let Some(mut row) = result.next().await? {
        job.rows += 1;
        let Some(sink) = &mut job.sink else { continue };
        let mut flow = sink.row(&mut MysqlRow { row: &mut row, shapes: &shapes });
        drop(row);
        if matches!(flow, Ok(Flow::Pause)) {
            flow = sink.ready().await;
        }
        match flow {
            Ok(Flow::Continue | Flow::Pause) => {}
            Ok(Flow::Stop) => return Ok(Ok(true)),
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Ok(false))
}

/// Reads rows that nobody wants, if there are not too many: how many there were.
async fn drain<P: Protocol>(
    result: &mut QueryResult<'_, 'static, P>,
    most: u64,
) -> mysql_async::Result<Option<u64>> {
    for count in 0..most {
        if result.next().await?.is_none() {
            return Ok(Some(count));
        }
    }
    Ok(None)
}
