//! One connection: running jobs.

use std::sync::Arc;

use futures_util::{FutureExt, future::join};
use mysql_async::{
    Conn, Opts, Params, QueryResult, Value as Native,
    consts::StatusFlags,
    prelude::{Protocol, Queryable},
};
use relata_core::{
    Error, ErrorClass, Result,
    dialect::Dialect,
    driver::{BoxFuture, Connection, Flow, Job, Mode},
    render::Bind,
};

use super::{
    autocommit::{Autocommit, Lead, Step, begins_with, ends_unseen, is_plain},
    bind::to_native,
    row::{MysqlRow, Shape},
    runtime::Runtime,
    statements::Statements,
};
use crate::{Mysql, error};

/// How many rows that nobody wants are read to keep a connection usable. With more of them to come, closing it and opening
/// another is cheaper, where [nothing else is lost with it](Autocommit::loses_only_rows).
const ROWS_TO_DRAIN: u64 = 1000;

/// What tells a server from others, as an SQL expression.
pub(super) const SERVER: &str = "CONCAT(@@hostname, ':', @@port, ' ', @@server_id)";

/// What a session is to the server.
#[derive(Debug, Clone, Default)]
pub(super) struct Identity {
    pub(super) server: String,
    /// Its number there.
    pub(super) session: u64,
}

/// A connection by mysql_async, without its pool. No `Debug`: the options hold the password as plain text.
pub(super) struct MysqlConnection {
    /// `None` once it is known to be of no use.
    conn: Option<Conn>,
    runtime: Runtime,
    dialect: Arc<Mysql>,
    /// The largest packet that the server takes, in bytes.
    max_packet: usize,
    statements: Statements,
    autocommit: Autocommit,
    /// How to reach the server once more, and what the session is there.
    opts: Opts,
    identity: Identity,
    /// Whether something is under way. Still set when nobody waits for it any more: then the future was dropped, and what the
    /// server will send next is unknown.
    busy: bool,
    /// Whether more is lost than rows when it is closed.
    kept: bool,
}

impl MysqlConnection {
    pub(super) fn new(
        conn: Conn,
        dialect: Arc<Mysql>,
        max_packet: usize,
        statement_cache: usize,
        identity: Identity,
    ) -> Self {
        let mut autocommit = Autocommit::new();
        autocommit.hear(status_of(&conn));
        MysqlConnection {
            opts: conn.opts().clone(),
            identity,
            conn: Some(conn),
            runtime: Runtime::present(),
            dialect,
            max_packet,
            statements: Statements::new(statement_cache),
            autocommit,
            busy: false,
            kept: false,
        }
    }

    /// The connection, if it is known what state it is in.
    fn usable(&mut self) -> Result<()> {
        if self.busy {
            self.discard();
        }
        match &self.conn {
            Some(conn) if !conn.is_disconnected() => Ok(()),
            _ => Err(closed()),
        }
    }

    /// Closes the connection without a word, and without reading what is still to come.
    fn discard(&mut self) {
        if let Some(mut conn) = self.conn.take() {
            // A connection of mysql_async that is dropped reads in a task of its own all that is left of a result, unless a
            // command was begun and not ended.
            let _ = conn.ping().now_or_never();
        }
    }

    async fn run_all(&mut self, jobs: &mut [Job<'_>]) -> Result<()> {
        let (max_packet, kept) = (self.max_packet, self.kept);
        let (mut at, mut ready) = (0, None);
        loop {
            let from = at;
            let (_, rest) = jobs.split_at_mut(at);
            let Some(sql) = rest.first().map(|job| job.sql) else { return Ok(()) };
            let Some(conn) = &mut self.conn else {
                return Err(closed().with_statement(sql));
            };
            let outcome = match self.autocommit.next(rest) {
                Step::Skip => {
                    self.autocommit.skipped();
                    rest.iter_mut().take(1).for_each(|job| job.done = true);
                    (at, ready) = (at + 1, None);
                    continue;
                }
                Step::Refuse => return Err(refused_autocommit(sql)),
                Step::Ask => {
                    ask(conn, &mut self.autocommit).await.map_err(|error| error.with_statement(sql).into())
                }
                Step::Send { lead, jobs, trail } => {
                    at += jobs;
                    let (now, later) = rest.split_at_mut(jobs);
                    match (now, lead, trail) {
                        ([job], Lead::Nothing, None) => {
                            let binds = ready.take().unwrap_or_else(|| params(job.binds, max_packet));
                            self.autocommit.begins(job, is_plain(later.first()));
                            let loses_only_rows = !kept && self.autocommit.loses_only_rows(job);
                            let to_drain = if loses_only_rows { ROWS_TO_DRAIN } else { u64::MAX };
                            let next = later.first().map(|job| job.binds);
                            // The server works meanwhile.
                            let make_next = async { next.map(|binds| params(binds, max_packet)) };
                            let running = run_one(conn, &mut self.statements, binds, job, to_drain);
                            let outcome;
                            (outcome, ready) = join(running, make_next).await;
                            if job.done {
                                self.autocommit.ended(job);
                            }
                            outcome
                        }
                        (texts, lead, trail) => {
                            if !texts.is_empty() {
                                ready = None;
                            }
                            let next_is_plain = is_plain(later.first());
                            run_with(conn, &mut self.autocommit, lead, texts, next_is_plain, trail).await
                        }
                    }
                }
            };
            let sent = jobs.get(from..at).unwrap_or_default();
            match outcome {
                Ok(ended) => {
                    let over = self.autocommit.hear(status_of(conn));
                    if !matches!(ended, Ended::Cleanly) {
                        self.discard();
                    }
                    if over && let Some(job) = sent.iter().find(|job| ends_unseen(job)) {
                        return Err(over_by(job.sql));
                    }
                }
                Err(Failure { error, rows_left }) => {
                    let failed = sent.iter().find(|job| !job.done);
                    let mut lost = rows_left || conn.is_disconnected();
                    if !lost && self.autocommit.failed(failed, error.class()) {
                        lost = ask(conn, &mut self.autocommit).await.is_err();
                        self.autocommit.hear(status_of(conn));
                    }
                    if lost {
                        self.discard();
                    }
                    return Err(error::name_key(error, self.dialect.server()));
                }
            }
        }
    }
}

/// What the server said with its last answer.
fn status_of(conn: &Conn) -> Option<StatusFlags> {
    conn.last_ok_packet().map(|ok| ok.status_flags())
}

/// Asks the server in what the session is.
async fn ask(conn: &mut Conn, autocommit: &mut Autocommit) -> Result<Ended> {
    conn.ping().await.map_err(|e| error::running(e, ""))?;
    // It would be asked for ever.
    status_of(conn).ok_or_else(closed)?;
    autocommit.asked();
    Ok(Ended::Cleanly)
}

fn closed() -> Error {
    Error::new(ErrorClass::Disconnected, "the connection is closed")
}

fn refused_autocommit(sql: &str) -> Error {
    let why =
        "autocommit cannot be set inside of a transaction: it would commit it, or never let another one be";
    Error::new(ErrorClass::Statement, why).with_statement(sql)
}

fn over_by(sql: &str) -> Error {
    let why = "the statement has ended the transaction that it ran in: what was done before was committed or rolled back by it";
    Error::new(ErrorClass::Poisoned, why).with_statement(sql)
}

/// How a job ended that did not fail.
enum Ended {
    Cleanly,
    /// The sink wants no more rows, and there are too many to read them all.
    WithRowsLeft,
    /// The connection is of no more use.
    InDoubt,
}

struct Failure {
    error: Error,
    rows_left: bool,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure { error, rows_left: false }
    }
}

/// Sends texts with what is to go ahead of them and behind, as one.
async fn run_with(
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

async fn run_one(
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
fn params(binds: &[Bind<'_>], max_packet: usize) -> Result<Params> {
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

/// Ends a session from another one (MySQL 8.4 manual 15.7.8.4, "KILL Statement"): whoever may log in may end what is their own.
/// Behind a balancer the other one may be on another server, where the number is somebody else's.
async fn kill(opts: &Opts, identity: &Identity) -> mysql_async::Result<()> {
    let mut conn = Conn::new(opts.clone()).await?;
    let server: Option<String> = conn.query_first(format!("SELECT {SERVER}")).await?;
    if server.as_ref() == Some(&identity.server) {
        conn.query_drop(format!("KILL {}", identity.session)).await?;
    }
    conn.disconnect().await
}

impl Connection for MysqlConnection {
    fn dialect(&self) -> Arc<dyn Dialect> {
        self.dialect.clone()
    }

    fn run<'a, 's: 'a>(&'a mut self, jobs: &'a mut [Job<'s>]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.usable()?;
            self.busy = true;
            let result = self.run_all(jobs).await;
            self.busy = false;
            result
        })
    }

    fn ping(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.usable()?;
            let Some(conn) = &mut self.conn else { return Err(closed()) };
            self.busy = true;
            let result = conn.ping().await.map_err(|e| error::running(e, ""));
            self.busy = false;
            result
        })
    }

    /// Rolls back what is open. A connection whose last call was not awaited to its end is closed instead: what the server
    /// still sends could be much, or never come. The server is told, as it would not notice before it sends.
    fn reset(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            if self.busy && self.conn.is_some() {
                // If it cannot be done, the statement ends by itself.
                let _ = kill(&self.opts, &self.identity).await;
            }
            self.usable()?;
            self.busy = true;
            let Some(conn) = &mut self.conn else { return Err(closed()) };
            let outcome = run_with(conn, &mut self.autocommit, Lead::Leave, &mut [], false, None).await;
            self.autocommit.hear(status_of(conn).filter(|_| outcome.is_ok()));
            self.busy = false;
            match outcome {
                Ok(Ended::Cleanly) => Ok(()),
                Ok(Ended::WithRowsLeft | Ended::InDoubt) => {
                    self.discard();
                    Err(closed())
                }
                Err(Failure { error, .. }) => {
                    self.discard();
                    Err(error)
                }
            }
        })
    }

    fn keep(&mut self, kept: bool) {
        self.kept = kept;
    }

    fn is_closed(&self) -> bool {
        self.conn.as_ref().is_none_or(Conn::is_disconnected) || self.runtime.has_ended()
    }

    fn in_transaction(&self) -> bool {
        self.autocommit.in_transaction()
    }

    fn close(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            if self.usable().is_ok()
                && let Some(conn) = self.conn.take()
            {
                // A server that does not hear it closes the connection all the same.
                let _ = conn.disconnect().await;
            }
        })
    }
}

impl Drop for MysqlConnection {
    fn drop(&mut self) {
        if self.busy {
            self.discard();
        }
    }
}
