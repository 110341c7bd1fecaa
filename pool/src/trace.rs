//! Watching statements: `tracing` and recorders. Next to nothing is done when nobody looks.

use std::{
    fmt::{self, Write as _},
    time::{Duration, Instant},
};

use relata_core::{
    Error, Result,
    dialect::Dialect,
    driver::{BoxFuture, Job},
    render::Bind,
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
        let parameters = shared.options.log_parameters.then(|| shortened(job.binds));
        // A macro, since the level of an event is a constant.
        macro_rules! event {
            ($level:ident, $words:literal) => {
                tracing::event!(
                    target: TARGET,
                    Level::$level,
                    message = $words,
                    db.system.name = self.database,
                    db.query.text = job.sql,
                    db.query.parameters = parameters.map(tracing::field::display),
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

/// The binds as a log shows them: of very many, the first.
fn shortened(binds: &[Bind<'_>]) -> String {
    const LIMIT: usize = 4096;
    let mut text = String::new();
    // It is over where there is no more room, before the rest is written.
    let whole = write!(Short { text: &mut text, left: LIMIT }, "{binds:?}");
    if whole.is_err() {
        text.push('…');
    }
    text
}

/// Takes so many bytes of text and no more.
struct Short<'t> {
    text: &'t mut String,
    left: usize,
}

impl fmt::Write for Short<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = text.floor_char_boundary(self.left.min(text.len()));
        self.text.push_str(&text[..end]);
        self.left -= end;
        if end < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use relata_core::value::Value;

    use super::*;

    #[test]
    fn very_many_binds_are_shortened() {
        let binds: Vec<Bind<'_>> = (0..100_000).map(|at| Bind::from(Value::I64(at))).collect();
        let text = shortened(&binds);
        assert!(
            text.starts_with("[I64(0), I64(1)") && text.ends_with('…') && text.len() < 5000,
            "{}",
            text.len()
        );
        assert_eq!(shortened(&binds[..1]), "[I64(0)]");
    }
}
