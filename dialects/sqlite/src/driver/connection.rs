//! A connection: in the task while nothing runs on a thread, with the thread otherwise.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use relata_core::{
    Error, ErrorClass, Result,
    dialect::Dialect,
    driver::{BoxFuture, Connection, Job, Mode},
    render::Bind,
};
use rusqlite::InterruptHandle;
use tokio::{runtime::Handle, task::JoinHandle};

use super::{
    Settings,
    cooperate::{self, Wait},
    execute::{self, Link},
    packed::{Packer, Unpacker, pack},
    thread,
};

/// A connection to a SQLite database.
pub(super) struct SqliteConnection {
    state: State,
    /// A call began and did not end: its future was dropped, or it panicked.
    in_doubt: bool,
    settings: Arc<Settings>,
    interrupt: Arc<InterruptHandle>,
    /// How long one call may take.
    limit: Option<Duration>,
}

enum State {
    Here(Link),
    /// A thread has it, and gives it back at its end.
    Away(JoinHandle<Outcome>),
    Gone,
}

/// What a thread gives back.
struct Outcome {
    link: Link,
    jobs: Vec<OwnedJob>,
    result: Result<()>,
}

/// A job that has left the task.
struct OwnedJob {
    sql: String,
    binds: Vec<Bind<'static>>,
    mode: Mode,
    rows: u64,
    rows_affected: u64,
    last_insert_id: Option<u64>,
    done: bool,
}

impl SqliteConnection {
    pub(super) fn new(link: Link, settings: Arc<Settings>) -> Self {
        let interrupt = Arc::new(link.connection.get_interrupt_handle());
        SqliteConnection { state: State::Here(link), in_doubt: false, settings, interrupt, limit: None }
    }

    fn run_here(&mut self, jobs: &mut [Job<'_>], wait: Wait) -> Result<()> {
        self.check()?;
        let State::Here(link) = &mut self.state else { return Err(gone()) };
        self.in_doubt = true;
        // A stream takes as long as its reader does. The others do not yield, so nobody else could end them.
        let streams = jobs.iter().any(|job| job.mode == Mode::Stream);
        let running = cooperate::begin_until(
            self.settings.options.busy_timeout,
            self.limit.filter(|_| !streams).and_then(|limit| Instant::now().checked_add(limit)),
        );
        let result = link.run(jobs, wait);
        drop(running);
        self.in_doubt = false;
        result
    }

    /// The place of the job that found a lock and can be run again.
    fn waiting(&self, jobs: &[Job<'_>], error: &Error) -> Option<usize> {
        let State::Here(link) = &self.state else { return None };
        let at = jobs.iter().position(|job| !job.done)?;
        (error.class() == ErrorClass::LockTimeout && link.can_wait_outside(&jobs[at])).then_some(at)
    }

    /// Runs what is left of the jobs until no lock stops them, or the time is over.
    async fn run_when_unlocked(&mut self, jobs: &mut [Job<'_>], error: Error) -> Result<()> {
        let end = self.limit.and_then(|limit| Instant::now().checked_add(limit));
        let mut error = error;
        let mut tries = 0;
        while let Some(at) = self.waiting(jobs, &error) {
            if Handle::try_current().is_err() {
                // Nobody could wake it.
                return self.run_here(&mut jobs[at..], Wait::Here);
            }
            let Some(nap) = cooperate::nap(tries, self.settings.options.busy_timeout) else { break };
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            // A little less, so that the error is this one, which leaves the connection as it is.
            let nap = left.map_or(nap, |left| left.saturating_sub(Duration::from_millis(1)).min(nap));
            if nap.is_zero() {
                return Err(execute::given_up(&error).with_statement(jobs[at].sql));
            }
            tokio::time::sleep(nap).await;
            tries += 1;
            match self.run_here(&mut jobs[at..], Wait::Outside) {
                Ok(()) => return Ok(()),
                Err(later) => error = later,
            }
        }
        Err(error)
    }

    async fn run_on_thread(&mut self, jobs: &mut [Job<'_>], runtime: Handle) -> Result<()> {
        self.check()?;
        let State::Here(mut link) = std::mem::replace(&mut self.state, State::Gone) else {
            return Err(gone());
        };
        let mut owned: Vec<OwnedJob> = jobs.iter().map(OwnedJob::of).collect();
        // The sinks stay in the task.
        let (packers, unpackers): (Vec<Option<Packer>>, Vec<Option<Unpacker>>) =
            jobs.iter().map(|job| job.sink.is_some().then(pack).unzip()).unzip();
        let stop = Arc::new(AtomicBool::new(false));
        let work = {
            let stop = stop.clone();
            let busy_timeout = self.settings.options.busy_timeout;
            move || {
                let _running = cooperate::begin(busy_timeout, Some(stop));
                let result = run_owned(&mut link, &mut owned, packers);
                Outcome { link, jobs: owned, result }
            }
        };
        self.in_doubt = true;
        let mut stopper = Stopper { stop, interrupt: self.interrupt.clone(), armed: true };
        self.state = State::Away(runtime.spawn_blocking(work));
        // Where a sink fails, the thread finds out when it has more rows: to interrupt it could end the transaction (SQLite,
        // "Interrupt a long-running query").
        let fed = feed(jobs, unpackers).await;
        let outcome = self.wait_for_thread().await;
        stopper.armed = false;
        let outcome = outcome?;
        for (job, owned) in jobs.iter_mut().zip(outcome.jobs) {
            owned.give_back(job);
        }
        self.state = State::Here(outcome.link);
        self.in_doubt = false;
        match fed {
            Ok(()) => outcome.result,
            Err((at, error)) => {
                jobs[at..].iter_mut().for_each(|job| job.done = false);
                Err(error.with_statement(jobs[at].sql))
            }
        }
    }

    /// Waits until the thread is done. Dropped midway, it can be called again.
    async fn wait_for_thread(&mut self) -> Result<Outcome> {
        let State::Away(thread) = &mut self.state else { return Err(gone()) };
        let outcome = thread.await;
        self.state = State::Gone;
        outcome.map_err(thread::lost)
    }

    fn check(&self) -> Result<()> {
        if self.in_doubt && !self.is_closed() {
            return Err(Error::new(
                ErrorClass::Poisoned,
                "the connection was left in the middle of a statement: reset it first",
            ));
        }
        Ok(())
    }

    /// The runtime on whose threads the jobs are to run, if on any.
    fn runtime(&self, jobs: &[Job<'_>]) -> Result<Option<Handle>> {
        // A reader who may pause cannot be waited for in the task: it may be the same task.
        if jobs.iter().any(|job| job.sink.as_ref().is_some_and(|sink| sink.pauses())) {
            return Handle::try_current().map(Some).map_err(|_| {
                Error::new(ErrorClass::Configuration, "reading a stream from SQLite needs a tokio runtime")
            });
        }
        Ok(thread::wanted(self.settings.options.blocking))
    }
}

impl Connection for SqliteConnection {
    fn dialect(&self) -> Arc<dyn Dialect> {
        self.settings.dialect.clone()
    }

    fn run<'a, 's: 'a>(&'a mut self, jobs: &'a mut [Job<'s>]) -> BoxFuture<'a, Result<()>> {
        // Two futures, so that the usual one is small.
        match self.runtime(jobs) {
            Ok(None) => Box::pin(async move {
                match self.run_here(jobs, Wait::Outside) {
                    Err(error) => Box::pin(self.run_when_unlocked(jobs, error)).await,
                    done => done,
                }
            }),
            Ok(Some(runtime)) => Box::pin(self.run_on_thread(jobs, runtime)),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }

    fn limit_time(&mut self, limit: Option<Duration>) {
        self.limit = limit;
    }

    fn ping(&mut self) -> BoxFuture<'_, Result<()>> {
        // There is no server that could be gone.
        let alive = if self.is_closed() { Err(gone()) } else { Ok(()) };
        Box::pin(std::future::ready(alive))
    }

    fn reset(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            if matches!(self.state, State::Away(_)) {
                // It was told to stop when the future was dropped.
                self.state = State::Here(self.wait_for_thread().await?.link);
            }
            let State::Here(link) = &mut self.state else { return Err(gone()) };
            let _running = cooperate::begin(self.settings.options.busy_timeout, None);
            link.reset()?;
            self.in_doubt = false;
            Ok(())
        })
    }

    fn is_closed(&self) -> bool {
        matches!(self.state, State::Gone)
    }

    fn in_transaction(&self) -> bool {
        matches!(&self.state, State::Here(link) if !link.connection.is_autocommit())
    }

    fn close(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let link = match std::mem::replace(&mut self.state, State::Gone) {
                State::Here(link) => link,
                State::Away(thread) => match thread.await {
                    Ok(outcome) => outcome.link,
                    Err(_) => return,
                },
                State::Gone => return,
            };
            // The last connection to a file writes its log back.
            match thread::wanted(self.settings.options.blocking) {
                // A runtime that shuts down drops the link instead.
                Some(runtime) => drop(runtime.spawn_blocking(move || drop(link)).await),
                None => cooperate::give_way(move || drop(link)),
            }
        })
    }
}

fn gone() -> Error {
    Error::new(ErrorClass::Disconnected, "the connection is closed")
}

/// Stops the thread when the future that waits for it is dropped.
struct Stopper {
    stop: Arc<AtomicBool>,
    interrupt: Arc<InterruptHandle>,
    armed: bool,
}

impl Stopper {
    /// The flag stops between rows and jobs and while waiting for a lock, the interrupt in the middle of a step.
    fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.interrupt.interrupt();
    }
}

impl Drop for Stopper {
    fn drop(&mut self) {
        if self.armed {
            self.stop();
        }
    }
}

/// Runs the jobs on the thread. The packers end with it, however it ends: the task waits for rows while one is left.
fn run_owned(link: &mut Link, owned: &mut [OwnedJob], packers: Vec<Option<Packer>>) -> Result<()> {
    for (job, mut packer) in owned.iter_mut().zip(packers) {
        let mut lent = Job::new(&job.sql, &job.binds, job.mode);
        if let Some(packer) = &mut packer {
            lent.sink = Some(packer);
        }
        let result = link.run(std::slice::from_mut(&mut lent), Wait::Here);
        let Job { rows, rows_affected, last_insert_id, done, .. } = lent;
        (job.rows, job.rows_affected, job.last_insert_id, job.done) =
            (rows, rows_affected, last_insert_id, done);
        if let Some(packer) = packer {
            packer.finish();
        }
        result?;
    }
    Ok(())
}

/// Gives the sinks the rows that come from the thread. Fails at the first that cannot take them: its place, and why.
async fn feed(jobs: &mut [Job<'_>], unpackers: Vec<Option<Unpacker>>) -> Result<(), (usize, Error)> {
    for (at, (job, unpacker)) in jobs.iter_mut().zip(unpackers).enumerate() {
        if let (Some(unpacker), Some(sink)) = (unpacker, &mut job.sink) {
            unpacker.feed(&mut **sink).await.map_err(|error| (at, error))?;
        }
    }
    Ok(())
}

impl OwnedJob {
    fn of(job: &Job<'_>) -> Self {
        OwnedJob {
            sql: job.sql.to_owned(),
            binds: job.binds.iter().map(|bind| bind.clone().into_owned()).collect(),
            mode: job.mode,
            rows: 0,
            rows_affected: 0,
            last_insert_id: None,
            done: false,
        }
    }

    fn give_back(self, job: &mut Job<'_>) {
        job.rows = self.rows;
        job.rows_affected = self.rows_affected;
        job.last_insert_id = self.last_insert_id;
        job.done = self.done;
    }
}
