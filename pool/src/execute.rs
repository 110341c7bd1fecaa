//! Running statements for what they change.

use relata_core::{
    Result,
    ddl::Ddl,
    dialect::Feature,
    driver::{Job, Mode},
    render::Statement,
    statement::{Delete, Insert, RawStatement, Update},
};

use crate::{Executor, RowChange, fetch::run_change, insert::insert_rows};

/// Runs statements for what they change, on anything that is an [`Executor`].
///
/// ```ignore
/// let renamed = update::<User>().set(User::name, "x").filter(User::id.eq(7)).execute(&engine).await?;
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no statement that can be executed",
    note = "INSERT, UPDATE, DELETE, raw SQL and schema statements are; a SELECT is read with `.all(…)` and its kin"
)]
pub trait Execute: Sized + Send {
    /// Runs it, and says how many rows it changed, as the database counts them. Rows that it returns are not read.
    ///
    /// An INSERT of no rows does nothing.
    ///
    /// # Errors
    ///
    /// What the database says of the statement; [`Compile`](relata_core::ErrorClass::Compile) if it cannot express it; and
    /// the errors of getting a connection.
    fn execute(self, db: impl Executor) -> impl Future<Output = Result<u64>> + Send;
}

impl<R: Send + 'static> Execute for Insert<R> {
    async fn execute(self, db: impl Executor) -> Result<u64> {
        let mut db = db;
        let mut body = self.into_body();
        body.returning.clear();
        Ok(insert_rows(&mut db, body, None, Mode::Cached).await?.rows_affected)
    }
}

impl<R: Send + 'static> Execute for Update<R> {
    async fn execute(self, db: impl Executor) -> Result<u64> {
        let mut db = db;
        Ok(run_change(&self, self.table(), RowChange::Update, &mut db, None, Mode::Cached)
            .await?
            .rows_affected)
    }
}

impl<R: Send + 'static> Execute for Delete<R> {
    async fn execute(self, db: impl Executor) -> Result<u64> {
        let mut db = db;
        Ok(run_change(&self, self.table(), RowChange::Delete, &mut db, None, Mode::Cached)
            .await?
            .rows_affected)
    }
}

impl<R: Send + 'static> Execute for RawStatement<R> {
    async fn execute(self, db: impl Executor) -> Result<u64> {
        let mut db = db;
        let dialect = db.dialect().clone();
        let compiled = self.compile(&*dialect)?;
        // Without binds it may be one of those that cannot be prepared, or several.
        let mode = if compiled.binds.is_empty() { Mode::Text } else { Mode::Cached };
        let mut jobs = [Job::new(&compiled.sql, &compiled.binds, mode)];
        db.run(&mut jobs).await?;
        let [job] = jobs;
        Ok(job.rows_affected)
    }
}

impl Execute for Ddl {
    async fn execute(self, db: impl Executor) -> Result<u64> {
        vec![self].execute(db).await
    }
}

/// One after another; as a unit where the database can roll back schema statements.
impl Execute for Vec<Ddl> {
    async fn execute(self, db: impl Executor) -> Result<u64> {
        if self.is_empty() {
            return Ok(0);
        }
        let mut db = db;
        let dialect = db.dialect().clone();
        let compiled = self.iter().map(|ddl| ddl.compile(&*dialect)).collect::<Result<Vec<_>, _>>()?;
        let mut jobs: Vec<_> =
            compiled.iter().map(|ddl| Job::new(&ddl.sql, &ddl.binds, Mode::Text)).collect();
        if dialect.supports(Feature::TransactionalDdl) {
            db.run_atomic(&mut jobs).await?;
        } else {
            db.run(&mut jobs).await?;
        }
        Ok(jobs.iter().map(|job| job.rows_affected).sum())
    }
}
