//! Transactions and savepoints of a connection, which begin and end with the statements that follow.

use std::borrow::Cow;

use relata_core::{
    Error, ErrorClass, Result,
    dialect::Feature,
    driver::Job,
    transaction::{AfterError, TransactionOptions},
};

use super::{Link, poisoned, worse};

/// Transaction control that waits for the next statement.
#[derive(Debug)]
pub(super) enum Step {
    /// The texts that begin a transaction.
    Begin(String),
    /// `SAVEPOINT`, of the given depth.
    Savepoint(usize),
    /// `ROLLBACK TO SAVEPOINT`.
    RollbackTo(usize),
    /// `RELEASE SAVEPOINT`.
    Release(usize),
    /// `ROLLBACK`.
    Rollback,
}

impl Step {
    /// The SQL text, which the databases spell alike (SQL:2016 Foundation 17.5 to 17.8).
    fn text(&self) -> Cow<'_, str> {
        match self {
            Step::Begin(text) => Cow::Borrowed(text),
            Step::Savepoint(depth) => Cow::Owned(format!("SAVEPOINT relata_{depth}")),
            Step::RollbackTo(depth) => Cow::Owned(format!("ROLLBACK TO SAVEPOINT relata_{depth}")),
            Step::Release(depth) => Cow::Owned(format!("RELEASE SAVEPOINT relata_{depth}")),
            Step::Rollback => Cow::Borrowed("ROLLBACK"),
        }
    }
}

impl Link {
    /// Runs the jobs as a unit: in a transaction of their own that travels along, or, in the open one, in a savepoint that does.
    pub(crate) async fn run_atomic(&mut self, jobs: &mut [Job<'_>]) -> Result<()> {
        if jobs.len() <= 1 {
            return self.run(jobs).await;
        }
        if self.depth > 0 {
            return self.run_within(jobs).await;
        }
        self.ready().await?;
        // No depth: should this be dropped midway, nobody is there to roll it back.
        self.ahead.extend(self.dialect().begin(&TransactionOptions::new())?.into_iter().map(Step::Begin));
        self.commit_behind(jobs).await
    }

    async fn run_within(&mut self, jobs: &mut [Job<'_>]) -> Result<()> {
        if self.goes_on_after_errors() {
            let depth = self.begin(&TransactionOptions::new()).await?;
            return self.finish(depth, jobs).await;
        }
        let result = self.run(jobs).await;
        if result.is_err() {
            self.spoil();
        }
        result
    }

    /// Whether a failed statement leaves the others of its transaction, and only a savepoint makes a unit of several.
    pub(crate) fn goes_on_after_errors(&self) -> bool {
        self.dialect().after_error(ErrorClass::Unique) == AfterError::Open
    }

    /// A unit failed midway, in a transaction that does not go on after an error: nor does it where the server saw none.
    pub(crate) fn spoil(&mut self) {
        if self.open {
            self.health = worse(self.health, AfterError::Aborted);
        }
    }

    /// Opens a transaction, or a savepoint in the one that is open. Nothing is sent yet.
    pub(crate) async fn begin(&mut self, options: &TransactionOptions) -> Result<usize> {
        self.ready().await?;
        if self.depth == 0 {
            self.wrote = None;
            self.ahead.extend(self.dialect().begin(options)?.into_iter().map(Step::Begin));
        } else {
            self.ahead.push(Step::Savepoint(self.depth));
        }
        self.depth += 1;
        Ok(self.depth)
    }

    /// Ends the transaction or savepoint at a depth, after some last jobs. What cannot be ended so is rolled back.
    pub(crate) async fn finish(&mut self, depth: usize, jobs: &mut [Job<'_>]) -> Result<()> {
        if depth > self.depth {
            return Err(over());
        }
        if depth == 1 {
            return self.commit(jobs).await;
        }
        let ran = if jobs.is_empty() { Ok(()) } else { self.run(jobs).await };
        let ended = match ran {
            Ok(()) => self.release(depth).await,
            failed => failed,
        };
        if ended.is_err() {
            self.abandon(depth);
        }
        ended
    }

    /// Forgets the savepoint at a depth, and those in it: they belong to what is around them.
    pub(crate) async fn release(&mut self, depth: usize) -> Result<()> {
        if depth > self.depth {
            return Err(over());
        }
        self.ready().await?;
        // RELEASE fails only where the transaction is aborted already, so it can wait for the next statement.
        if !self.forget_begin(depth) {
            self.ahead.push(Step::Release(depth - 1));
        }
        self.depth = depth - 1;
        self.wrote = self.wrote.map(|at| at.min(self.depth));
        Ok(())
    }

    /// Sends the last jobs and COMMIT, behind whatever waits.
    async fn commit(&mut self, jobs: &mut [Job<'_>]) -> Result<()> {
        if let Err(error) = self.ready().await {
            // Best effort: if it cannot be cleaned now, it is when it comes back.
            let _ = self.undo(1).await;
            return Err(error);
        }
        if jobs.is_empty() && self.forget_begin(1) {
            self.depth = 0;
            return Ok(());
        }
        // COMMIT ends all savepoints.
        self.ahead.retain(|step| !matches!(step, Step::Release(_)));
        self.commit_behind(jobs).await
    }

    async fn commit_behind(&mut self, jobs: &mut [Job<'_>]) -> Result<()> {
        let pipelining = self.dialect().supports(Feature::Pipelining);
        // Then nobody hears of COMMIT. A driver that pipelines would have to ask the system, each time.
        let closed_before = !pipelining && self.is_dead();
        // What its sink refuses is not to be committed, and a driver may be ahead of the sinks.
        let alone = jobs.iter().any(|job| job.sink.is_some());
        let result = match alone {
            true => match self.trip_behind(jobs, &[]).await {
                Ok(()) => self.trip_behind(&mut [], &["COMMIT"]).await,
                refused => refused,
            },
            false => self.trip_behind(jobs, &["COMMIT"]).await,
        };
        let Err(error) = result else {
            self.ended();
            return Ok(());
        };
        // Whether COMMIT was on its way when the connection broke: with pipelining it always is.
        let sent = !closed_before && ((pipelining && !alone) || jobs.iter().all(|job| job.done));
        if self.dead && sent {
            return Err(Error::new(
                ErrorClass::CommitUnknown,
                "the answer to COMMIT was lost: the transaction may have been committed or not",
            )
            .with_source(error));
        }
        if !self.dead {
            // Some databases have ended the transaction by now, others have not.
            self.busy = true;
            let _ = self.clean().await;
        }
        Err(error)
    }

    /// Rolls back to the begin of the transaction or savepoint at a depth.
    pub(crate) async fn undo(&mut self, depth: usize) -> Result<()> {
        if depth > self.depth {
            return Ok(());
        }
        self.wrote = self.wrote.filter(|at| *at < depth);
        if self.forget_begin(depth) || self.dead {
            // The server has not heard of it, or has rolled it back when it lost us.
            self.depth = depth - 1;
            return Ok(());
        }
        if depth == 1 {
            return match self.clean().await {
                // Then the server rolls it back.
                Err(error) if error.is_disconnect() => {
                    self.depth = 0;
                    Ok(())
                }
                done => done,
            };
        }
        self.abandon(depth);
        self.ready().await?;
        let result = self.trip_behind(&mut [], &[]).await;
        if result.is_err() {
            self.health = worse(self.health, AfterError::Aborted);
        }
        result
    }

    /// Rolls back to the begin of the transaction or savepoint at a depth, ahead of the next statement.
    pub(crate) fn abandon(&mut self, depth: usize) {
        if depth > self.depth {
            return;
        }
        self.depth = depth - 1;
        self.wrote = self.wrote.filter(|at| *at < depth);
        if self.forget_begin(depth) || self.busy || self.dead || self.health == AfterError::Ended {
            // Nothing to do, or nothing that could be done ahead of a statement.
            return;
        }
        self.health = AfterError::Open;
        if depth == 1 {
            self.ahead.clear();
            self.ahead.push(Step::Rollback);
        } else {
            self.ahead.extend([Step::RollbackTo(depth - 1), Step::Release(depth - 1)]);
        }
    }

    /// Forgets the savepoints within a depth that were not sent yet, and what begins it, if that was not sent either: whether it
    /// was so.
    fn forget_begin(&mut self, depth: usize) -> bool {
        let within = |step: &mut Step| matches!(step, Step::Savepoint(at) if *at >= depth);
        while self.ahead.pop_if(within).is_some() {}
        let own = |step: &mut Step| match step {
            Step::Begin(_) => depth == 1,
            Step::Savepoint(at) => *at + 1 == depth,
            _ => false,
        };
        let mut forgotten = false;
        while self.ahead.pop_if(own).is_some() {
            forgotten = true;
        }
        forgotten
    }

    /// Runs what waits, then the jobs, then closing texts, in one trip.
    pub(super) async fn trip_behind(&mut self, jobs: &mut [Job<'_>], closing: &[&'static str]) -> Result<()> {
        let mut ahead = std::mem::take(&mut self.ahead);
        let texts: Vec<Cow<'_, str>> = ahead.iter().map(Step::text).collect();
        let (lead, own) = (texts.len(), jobs.len());
        let mut all = Vec::with_capacity(lead + own + closing.len());
        all.extend(texts.iter().map(|text| Job::text(text)));
        for job in jobs.iter_mut() {
            let mut again = Job::new(job.sql, job.binds, job.mode);
            again.sink = job.sink.as_deref_mut().map(|sink| sink as _);
            all.push(again);
        }
        all.extend(closing.iter().map(|text| Job::text(text)));
        let result = self.trip(&mut all, lead, closing.len()).await;
        let sent = all[..lead].iter().take_while(|job| job.done).count();
        let outcomes: Vec<_> = all[lead..lead + own]
            .iter()
            .map(|job| (job.rows, job.rows_affected, job.last_insert_id, job.done))
            .collect();
        drop(all);
        drop(texts);
        for (job, outcome) in jobs.iter_mut().zip(outcomes) {
            (job.rows, job.rows_affected, job.last_insert_id, job.done) = outcome;
        }
        self.ahead = ahead.split_off(sent);
        for step in &ahead {
            match step {
                Step::Begin(_) => self.open = true,
                Step::Rollback => self.open = false,
                Step::Savepoint(_) | Step::RollbackTo(_) | Step::Release(_) => {}
            }
        }
        result
    }
}

fn over() -> Error {
    poisoned("the transaction around this one is over")
}
