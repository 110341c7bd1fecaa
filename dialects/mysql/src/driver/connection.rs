//! One connection.

use std::sync::Arc;

use futures_util::{FutureExt, future::join};
use mysql_async::{Conn, Opts, consts::StatusFlags, prelude::Queryable};
use relata_core::{
    Error, ErrorClass, Result,
    dialect::Dialect,
    driver::{BoxFuture, Connection, Job},
};

use super::{
    autocommit::{Autocommit, Lead, Step, ends_unseen, is_plain},
    run::{Ended, Failure, params, run_one, run_with},
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
