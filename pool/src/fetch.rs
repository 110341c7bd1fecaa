//! Running statements for their rows.

use std::ops::ControlFlow;

use relata_core::{
    Error, ErrorClass, Result,
    driver::{Job, Mode, Sink},
    expr::{count_all, exists},
    render::Statement,
    schema::Table,
    statement::{Core, Delete, Insert, RawStatement, ReadRow, Select, Update, select},
};

use crate::{
    Executor, RowChange, RowStream,
    insert::insert_rows,
    sink::{Collect, Each, First},
};

/// What is known when a statement has run.
#[non_exhaustive]
pub struct Ran {
    /// How many rows it changed, as the database counts them.
    pub rows_affected: u64,
    /// The SQL text; of an INSERT that became several, the first.
    pub sql: String,
}

/// Runs statements for their rows, on anything that is an [`Executor`]: `&engine`, `&mut connection`, `&mut transaction`.
///
/// ```ignore
/// let posts: Vec<Post> = Post::select().filter(Post::title.contains("rust")).all(&engine).await?;
/// ```
///
/// Each method fails with what the database says of the statement, with
/// [`Compile`](ErrorClass::Compile) if the database cannot express it, with [`Decode`](ErrorClass::Decode) if a row does not
/// fit, and with the errors of getting a connection.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no statement with rows",
    note = "SELECT is, and INSERT, UPDATE and DELETE with `.returning(…)`"
)]
pub trait Fetch: Sized + Send {
    /// What a row becomes.
    type Row: Send + 'static;

    /// How a row becomes one.
    fn reader(&self) -> ReadRow<Self::Row>;

    /// Whether it only reads, so that it may be given up as soon as enough is known.
    fn reads_only(&self) -> bool {
        false
    }

    /// The same with no more than so many rows, where that can be said.
    #[must_use]
    fn at_most(self, rows: u64) -> Self {
        let _ = rows;
        self
    }

    /// Runs it with the rows into a sink. The other methods stand on this one.
    ///
    /// # Errors
    ///
    /// As said [above](Fetch), and whatever the sink says.
    fn run_into(
        self,
        db: &mut dyn Executor,
        sink: &mut dyn Sink,
        mode: Mode,
    ) -> impl Future<Output = Result<Ran>> + Send;

    /// All rows.
    ///
    /// # Errors
    ///
    /// As said [above](Fetch).
    fn all(self, db: impl Executor) -> impl Future<Output = Result<Vec<Self::Row>>> + Send {
        async move {
            let mut db = db;
            Ok(fetch_all(self, &mut db).await?.0)
        }
    }

    /// The one row.
    ///
    /// # Errors
    ///
    /// As said [above](Fetch); [`NotFound`](ErrorClass::NotFound) if there is none,
    /// [`TooManyRows`](ErrorClass::TooManyRows) if there are more.
    fn one(self, db: impl Executor) -> impl Future<Output = Result<Self::Row>> + Send {
        async move {
            let mut db = db;
            let (row, sql) = at_most_one(self, &mut db).await?;
            row.ok_or_else(|| no_row(&sql))
        }
    }

    /// The one row, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// As said [above](Fetch); [`TooManyRows`](ErrorClass::TooManyRows) if there are more.
    fn one_or_none(self, db: impl Executor) -> impl Future<Output = Result<Option<Self::Row>>> + Send {
        async move {
            let mut db = db;
            Ok(at_most_one(self, &mut db).await?.0)
        }
    }

    /// The first row, or `None` if there is none. A SELECT gets `LIMIT 1`.
    ///
    /// # Errors
    ///
    /// As said [above](Fetch).
    fn first(self, db: impl Executor) -> impl Future<Output = Result<Option<Self::Row>>> + Send {
        async move {
            let mut db = db;
            let mut sink = First::new(self.reader(), self.reads_only());
            self.at_most(1).run_into(&mut db, &mut sink, Mode::Cached).await?;
            Ok(sink.row)
        }
    }

    /// The rows one by one, as they come, with bounded memory.
    ///
    /// Nothing is sent before the first is asked for. A stream that is dropped before its end leaves the connection in
    /// doubt: the engine cleans it, a transaction has to be rolled back.
    fn stream<'a>(self, db: impl Executor + 'a) -> RowStream<'a, Self::Row>
    where
        Self: 'a,
    {
        RowStream::new(self, db)
    }

    /// Calls a function for each row, where the row is read, with bounded memory, until it breaks.
    ///
    /// The fastest way through many rows. The function should not take long: the connection waits for it, and so may other
    /// tasks of the thread. Where it breaks, the rows that are left are thrown away; a server may have sent them all the same.
    ///
    /// # Errors
    ///
    /// As said [above](Fetch), and those of the function.
    fn for_each(
        self,
        db: impl Executor,
        each: impl FnMut(Self::Row) -> Result<ControlFlow<()>> + Send,
    ) -> impl Future<Output = Result<()>> + Send {
        async move {
            let mut db = db;
            let mut sink = Each::new(self.reader(), each);
            self.run_into(&mut db, &mut sink, Mode::Stream).await?;
            sink.error.map_or(Ok(()), Err)
        }
    }
}

/// What is said where one row of a statement was asked for, and there is none.
pub fn no_row(sql: &str) -> Error {
    Error::new(ErrorClass::NotFound, "no row was found; `one_or_none` allows for that").with_statement(sql)
}

/// What is said where one row of a statement was asked for, and there are more.
pub fn too_many_rows(sql: &str) -> Error {
    let why = "more than one row was found; `first` takes the first, `all` takes all";
    Error::new(ErrorClass::TooManyRows, why).with_statement(sql)
}

/// All rows of a statement, with what is known of it then.
///
/// # Errors
///
/// As said of [`Fetch`].
pub async fn fetch_all<F: Fetch>(statement: F, db: &mut dyn Executor) -> Result<(Vec<F::Row>, Ran)> {
    let mut sink = Collect::new(statement.reader());
    let ran = statement.run_into(db, &mut sink, Mode::Cached).await?;
    Ok((sink.rows, ran))
}

async fn at_most_one<F: Fetch>(statement: F, db: &mut dyn Executor) -> Result<(Option<F::Row>, String)> {
    let mut first = First::new(statement.reader(), statement.reads_only());
    let ran = statement.run_into(db, &mut first, Mode::Cached).await?;
    if first.more {
        return Err(too_many_rows(&ran.sql));
    }
    Ok((first.row, ran.sql))
}

/// Runs a statement that changes rows of a table.
pub(crate) async fn run_change<S: Statement + Sync>(
    statement: &S,
    table: &'static Table,
    change: RowChange,
    db: &mut dyn Executor,
    sink: Option<&mut dyn Sink>,
    mode: Mode,
) -> Result<Ran> {
    let ran = run_statement(statement, db, sink, mode).await;
    // After an error, too: it may be about a row that came back.
    db.wrote(table, change);
    ran
}

/// Compiles a statement and runs it.
pub(crate) async fn run_statement<S: Statement + Sync>(
    statement: &S,
    db: &mut dyn Executor,
    sink: Option<&mut dyn Sink>,
    mode: Mode,
) -> Result<Ran> {
    let compiler = db.compiler().clone();
    let compiled = compiler.compile(statement)?;
    let mut job = Job::new(&compiled.sql, &compiled.binds, mode);
    job.sink = sink.map(|sink| sink as _);
    let mut jobs = [job];
    db.run(&mut jobs).await?;
    let [Job { rows_affected, .. }] = jobs;
    Ok(Ran { rows_affected, sql: compiled.sql })
}

impl<R: Send + 'static> Fetch for Select<R> {
    type Row = R;

    fn reader(&self) -> ReadRow<R> {
        Select::reader(self)
    }

    fn reads_only(&self) -> bool {
        true
    }

    fn at_most(self, rows: u64) -> Self {
        let limit = self.body().limit.at_most(rows);
        self.limit(limit)
    }

    async fn run_into(self, db: &mut dyn Executor, sink: &mut dyn Sink, mode: Mode) -> Result<Ran> {
        run_statement(&self, db, Some(sink), mode).await
    }
}

impl<R: Send + 'static> Fetch for Insert<R> {
    type Row = R;

    fn reader(&self) -> ReadRow<R> {
        Insert::reader(self)
    }

    async fn run_into(self, db: &mut dyn Executor, sink: &mut dyn Sink, mode: Mode) -> Result<Ran> {
        insert_rows(db, self.into_body(), Some(sink), mode).await
    }
}

impl<R: Send + 'static> Fetch for Update<R> {
    type Row = R;

    fn reader(&self) -> ReadRow<R> {
        Update::reader(self)
    }

    async fn run_into(self, db: &mut dyn Executor, sink: &mut dyn Sink, mode: Mode) -> Result<Ran> {
        run_change(&self, self.table(), RowChange::Update, db, Some(sink), mode).await
    }
}

impl<R: Send + 'static> Fetch for Delete<R> {
    type Row = R;

    fn reader(&self) -> ReadRow<R> {
        Delete::reader(self)
    }

    async fn run_into(self, db: &mut dyn Executor, sink: &mut dyn Sink, mode: Mode) -> Result<Ran> {
        run_change(&self, self.table(), RowChange::Delete, db, Some(sink), mode).await
    }
}

impl<R: Send + 'static> Fetch for RawStatement<R> {
    type Row = R;

    fn reader(&self) -> ReadRow<R> {
        RawStatement::reader(self)
    }

    async fn run_into(self, db: &mut dyn Executor, sink: &mut dyn Sink, mode: Mode) -> Result<Ran> {
        run_statement(&self, db, Some(sink), mode).await
    }
}

/// Asks about the rows of a SELECT without reading them.
pub trait FetchSelect: Sized + Send {
    /// How many rows it has: `SELECT COUNT(*) FROM (SELECT …)`.
    ///
    /// # Errors
    ///
    /// As [`Fetch`] says.
    fn count(self, db: impl Executor) -> impl Future<Output = Result<i64>> + Send;

    /// Whether it has any row: `SELECT EXISTS (SELECT …)`.
    ///
    /// # Errors
    ///
    /// As [`Fetch`] says.
    fn exists(self, db: impl Executor) -> impl Future<Output = Result<bool>> + Send;
}

impl<R: Send + 'static> FetchSelect for Select<R> {
    async fn count(self, db: impl Executor) -> Result<i64> {
        select(count_all()).from(inner(self).subquery("counted")).one(db).await
    }

    async fn exists(self, db: impl Executor) -> Result<bool> {
        select(exists(inner(self))).one(db).await
    }
}

/// The same rows as a subquery that is only asked about: in no order, unless that decides which rows there are, and without
/// locks, which such a subquery cannot take.
fn inner<R>(select: Select<R>) -> Select<R> {
    let read = select.reader();
    let mut body = select.into_body();
    body.lock = None;
    if body.limit.limit.is_none() && body.limit.offset.is_none() && matches!(body.core, Core::Query(_)) {
        body.order_by.clear();
    }
    Select::from_parts(body, read)
}
