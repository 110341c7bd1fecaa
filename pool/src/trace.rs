//! Watching statements: `tracing` and recorders. Next to nothing is done when nobody looks.

use std::time::{Duration, Instant};

use relata_core::{
    Error, Result,
    dialect::Dialect,
    driver::{BoxFuture, Job},
};
use tracing::{Instrument, Level, Span, enabled};

use crate::{manager::Shared, recorder::Recorded};

/// The target of all spans and events.
pub(crate) const TARGET: &str = "relata";

/// Watches the jobs of one trip.
pub(crate) struct Watch {
    started: Instant,
    span: Span,
    database: &'static str,
}

impl Watch {
    /// Begins to watch, if anybody looks.
    pub(crate) fn start(shared: &Shared, dialect: &dyn Dialect, jobs: &[Job<'_>]) -> Option<Watch> {
        let slow = shared.options.slow_statement.is_some() && enabled!(target: TARGET, Level::WARN);
        let debug = enabled!(target: TARGET, Level::DEBUG);
        let record = shared.recorders.active();
        if !slow && !debug && !record {
            return None;
        }
        let database = dialect.name();
        let mut span = Span::none();
        if debug {
            span = tracing::debug_span!(target: TARGET, "statement", db.system.name = database, statements = jobs.len());
        }
        Some(Watch { started: Instant::now(), span, database })
    }

    /// Runs a trip inside of its span.
    pub(crate) async fn run(watch: &Option<Watch>, trip: BoxFuture<'_, Result<()>>) -> Result<()> {
        match watch {
            Some(watch) if !watch.span.is_none() => trip.instrument(watch.span.clone()).await,
            _ => trip.await,
        }
    }

    /// Tells what happened.
    pub(crate) fn end(
        &mut self,
        shared: &Shared,
        jobs: &[Job<'_>],
        lead: usize,
        trail: usize,
        error: Option<&Error>,
    ) {
        let duration = self.started.elapsed();
        let slow = shared.options.slow_statement.is_some_and(|limit| duration >= limit);
        let record = shared.recorders.active();
        let last_control = jobs.len() - trail;
        let mut failed = false;
        for (at, job) in jobs.iter().enumerate() {
            if failed {
                break;
            }
            failed = !job.done;
            let control = at < lead || at >= last_control;
            self.log(shared, job, duration, slow && !control, error.filter(|_| failed));
            if record {
                shared.recorders.record(&Recorded {
                    sql: job.sql.to_owned(),
                    rows: job.rows,
                    rows_affected: job.rows_affected,
                    duration,
                    transaction_control: control,
                    failed,
                });
            }
        }
    }

    fn log(&self, shared: &Shared, job: &Job<'_>, duration: Duration, slow: bool, error: Option<&Error>) {
        let _entered = self.span.enter();
        let parameters = if shared.options.log_parameters { Some(job.binds) } else { None };
        // A macro, since the level of an event is a constant.
        macro_rules! event {
            ($level:ident, $words:literal) => {
                tracing::event!(
                    target: TARGET,
                    Level::$level,
                    message = $words,
                    db.system.name = self.database,
                    db.query.text = job.sql,
                    db.query.parameters = parameters.map(tracing::field::debug),
                    db.response.returned_rows = job.rows,
                    rows_affected = job.rows_affected,
                    duration_us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX),
                    error = error.map(tracing::field::display)
                )
            };
        }
        if slow {
            event!(WARN, "slow statement");
        } else if error.is_some() {
            event!(DEBUG, "statement failed");
        } else {
            event!(DEBUG, "statement");
        }
    }
}
