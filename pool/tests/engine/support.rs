//! A small driver on rusqlite that can be told to be slow, to fail and to lose its connection, and a mapped type.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use relata_core::{
    Error, ErrorClass, Result,
    dialect::{Dialect, Feature, Standard},
    driver::{BoxFuture, Connection, Driver, Flow, Job, Row},
    entity::{Entity, Input, Insertable},
    expr::Column,
    projection::RowReader,
    render::{Compile, CompileError, Renderer},
    schema::{ColumnDef, ColumnType, Table},
    statement::sql,
    transaction::{AfterError, Isolation, TransactionOptions},
    types::{Mismatch, Type},
    value::{Cell, Kind, Value},
};
use relata_pool::{Engine, Execute, PoolOptions};
use tokio::task::yield_now;

/// How the database behaves.
#[derive(Debug, Clone, Copy)]
pub struct Behaviour {
    /// INSERT … RETURNING.
    pub returning: bool,
    /// A failed statement aborts the transaction, as on PostgreSQL.
    pub aborts: bool,
    /// How many rows go in one INSERT.
    pub batch: usize,
}

impl Default for Behaviour {
    fn default() -> Self {
        Behaviour { returning: true, aborts: false, batch: 1000 }
    }
}

#[derive(Debug)]
pub struct TestDialect(pub Behaviour);

impl Dialect for TestDialect {
    fn name(&self) -> &'static str {
        "TestSQL"
    }
    fn supports(&self, feature: Feature) -> bool {
        match feature {
            Feature::InsertReturning => self.0.returning,
            Feature::ArrayBind | Feature::DefaultInValues | Feature::Locking | Feature::Pipelining => false,
            _ => true,
        }
    }
    fn render_type(&self, ty: &ColumnType, out: &mut Renderer<'_>) -> Compile {
        Standard.render_type(ty, out)
    }
    fn insert_batch(&self, _: usize) -> usize {
        self.0.batch
    }
    fn begin(&self, options: &TransactionOptions) -> Compile<Vec<String>> {
        match options.isolation {
            None | Some(Isolation::Serializable) => Ok(vec!["BEGIN IMMEDIATE".into()]),
            Some(other) => Err(CompileError::invalid(format!("no {}", other.as_sql()))),
        }
    }
    fn after_error(&self, class: ErrorClass) -> AfterError {
        match class {
            ErrorClass::Deadlock => AfterError::Ended,
            _ if self.0.aborts => AfterError::Aborted,
            _ => AfterError::Open,
        }
    }
    fn generated_key_step(&self) -> Option<&'static str> {
        Some("SELECT 1")
    }
}

/// What a job shall do instead of its work, by the beginning of its text.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// Fails with this class, without effect.
    Error(ErrorClass),
    /// The connection breaks before the statement has reached the server.
    LostBefore,
    /// The connection breaks before the answer has come.
    LostAfter,
    /// The connection is closed when the answer has come.
    ClosedAfter,
    /// Takes for ever.
    Hang,
}

/// What the test can see and set.
#[derive(Debug, Default)]
pub struct Server {
    pub faults: Mutex<Vec<(&'static str, usize, Fault)>>,
    pub opened: AtomicUsize,
    pub closed: AtomicUsize,
    pub pings: AtomicUsize,
    pub resets: AtomicUsize,
    pub down: AtomicBool,
    pub slow_connect: AtomicBool,
    pub log: Mutex<Vec<Vec<String>>>,
}

impl Server {
    /// The next `times` jobs whose text begins so have the fault.
    pub fn fault(&self, text: &'static str, times: usize, fault: Fault) {
        self.faults.lock().unwrap().push((text, times, fault));
    }
    fn take_fault(&self, sql: &str) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap();
        let found = faults.iter_mut().find(|(text, times, _)| *times > 0 && sql.starts_with(text))?;
        found.1 -= 1;
        Some(found.2)
    }
    /// The trips since the last call, each with the first two words of its texts.
    pub fn trips(&self) -> Vec<String> {
        let words = |sql: &String| sql.split(' ').take(2).collect::<Vec<_>>().join(" ");
        let log = std::mem::take(&mut *self.log.lock().unwrap());
        log.iter().map(|trip| trip.iter().map(words).collect::<Vec<_>>().join("; ")).collect()
    }
}

#[derive(Debug)]
pub struct TestDriver {
    pub path: PathBuf,
    pub behaviour: Behaviour,
    pub server: Arc<Server>,
}

impl Driver for TestDriver {
    fn connect(&self) -> BoxFuture<'_, Result<Box<dyn Connection>>> {
        Box::pin(async {
            yield_now().await;
            if self.server.slow_connect.load(SeqCst) {
                std::future::pending::<()>().await;
            }
            if self.server.down.load(SeqCst) {
                return Err(Error::new(ErrorClass::Connect, "refused"));
            }
            let lite = rusqlite::Connection::open(&self.path).unwrap();
            lite.busy_timeout(Duration::from_millis(2)).unwrap();
            lite.pragma_update(None, "synchronous", "OFF").unwrap();
            self.server.opened.fetch_add(1, SeqCst);
            Ok(Box::new(TestConnection {
                lite: Some(lite),
                dialect: Arc::new(TestDialect(self.behaviour)),
                server: self.server.clone(),
            }) as Box<dyn Connection>)
        })
    }
}

struct TestConnection {
    lite: Option<rusqlite::Connection>,
    dialect: Arc<dyn Dialect>,
    server: Arc<Server>,
}

impl Drop for TestConnection {
    fn drop(&mut self) {
        self.server.closed.fetch_add(1, SeqCst);
    }
}

fn classified(error: rusqlite::Error) -> Error {
    use rusqlite::ErrorCode;
    let class = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => ErrorClass::Serialization,
        Some(ErrorCode::ConstraintViolation) => ErrorClass::Unique,
        _ => ErrorClass::Statement,
    };
    Error::new(class, error.to_string())
}

fn bound(value: &Value) -> rusqlite::types::Value {
    use rusqlite::types::Value as V;
    match value {
        Value::Null(_) => V::Null,
        Value::Bool(b) => V::Integer((*b).into()),
        Value::I16(i) => V::Integer((*i).into()),
        Value::I32(i) => V::Integer((*i).into()),
        Value::I64(i) => V::Integer(*i),
        Value::F64(f) => V::Real(*f),
        Value::Text(t) => V::Text(t.clone()),
        Value::Bytes(b) => V::Blob(b.clone()),
        other => panic!("the test driver does not bind {other:?}"),
    }
}

impl TestConnection {
    async fn job(&mut self, job: &mut Job<'_>) -> Result<()> {
        let lost = || Error::new(ErrorClass::Disconnected, "connection lost");
        let fault = self.server.take_fault(job.sql);
        match fault {
            Some(Fault::Error(class)) => return Err(Error::new(class, "as the test wants")),
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::LostBefore) => self.lite = None,
            _ => {}
        }
        let Some(lite) = &mut self.lite else { return Err(lost()) };
        if job.mode == relata_core::driver::Mode::Text && job.sink.is_none() {
            lite.execute_batch(job.sql).map_err(classified)?;
            job.rows_affected = lite.changes();
        } else {
            // Rows are copied, so that nothing of rusqlite is held across an await.
            let mut rows: Vec<Vec<rusqlite::types::Value>> = Vec::new();
            let names: Vec<String>;
            {
                let mut statement = lite.prepare_cached(job.sql).map_err(classified)?;
                names = (0..statement.column_count())
                    .map(|at| statement.column_name(at).map(str::to_owned).map_err(classified))
                    .collect::<Result<_>>()?;
                let binds = rusqlite::params_from_iter(job.binds.iter().map(|value| bound(&value.value())));
                let mut found = statement.query(binds).map_err(classified)?;
                while let Some(row) = found.next().map_err(classified)? {
                    rows.push((0..names.len()).map(|at| row.get(at).unwrap()).collect());
                }
            }
            job.rows_affected = lite.changes();
            let last = lite.last_insert_rowid();
            job.last_insert_id = u64::try_from(last - job.rows_affected as i64 + 1).ok();
            if let Some(sink) = &mut job.sink {
                for row in rows {
                    job.rows += 1;
                    match sink.row(&mut CopiedRow { cells: row, names: &names })? {
                        Flow::Continue => {}
                        Flow::Stop => break,
                        Flow::Pause => {
                            yield_now().await;
                            if sink.ready().await? == Flow::Stop {
                                break;
                            }
                        }
                    }
                }
            }
        }
        match fault {
            Some(Fault::ClosedAfter) => self.lite = None,
            Some(Fault::LostAfter) => {
                self.lite = None;
                return Err(lost());
            }
            _ => {}
        }
        Ok(())
    }
}

struct CopiedRow<'r> {
    cells: Vec<rusqlite::types::Value>,
    names: &'r [String],
}

impl Row for CopiedRow<'_> {
    fn width(&self) -> usize {
        self.cells.len()
    }
    fn cell(&self, index: usize) -> Result<Cell<'_>> {
        use rusqlite::types::Value as V;
        Ok(match &self.cells[index] {
            V::Null => Cell::Null,
            V::Integer(i) => Cell::I64(*i),
            V::Real(f) => Cell::F64(*f),
            V::Text(t) => Cell::Text(t),
            V::Blob(b) => Cell::Bytes(b),
        })
    }
    fn name(&self, index: usize) -> &str {
        &self.names[index]
    }
}

impl Connection for TestConnection {
    fn dialect(&self) -> Arc<dyn Dialect> {
        self.dialect.clone()
    }
    fn run<'a, 's: 'a>(&'a mut self, jobs: &'a mut [Job<'s>]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async {
            self.server.log.lock().unwrap().push(jobs.iter().map(|job| job.sql.to_owned()).collect());
            for job in jobs {
                // A request could be dropped on its way there, and on its way back.
                yield_now().await;
                self.job(job).await?;
                yield_now().await;
                job.done = true;
            }
            Ok(())
        })
    }
    fn ping(&mut self) -> BoxFuture<'_, Result<()>> {
        self.server.pings.fetch_add(1, SeqCst);
        let alive = self.lite.is_some() && !self.server.down.load(SeqCst);
        Box::pin(async move {
            yield_now().await;
            if alive { Ok(()) } else { Err(Error::new(ErrorClass::Disconnected, "no answer")) }
        })
    }
    fn reset(&mut self) -> BoxFuture<'_, Result<()>> {
        self.server.resets.fetch_add(1, SeqCst);
        Box::pin(async {
            yield_now().await;
            let Some(lite) = &mut self.lite else { return Err(Error::new(ErrorClass::Disconnected, "lost")) };
            if !lite.is_autocommit() {
                lite.execute_batch("ROLLBACK").map_err(classified)?;
            }
            Ok(())
        })
    }
    fn is_closed(&self) -> bool {
        self.lite.is_none()
    }
    fn in_transaction(&self) -> bool {
        self.lite.as_ref().is_some_and(|lite| !lite.is_autocommit())
    }
    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            yield_now().await;
            drop(self);
        })
    }
}

/// A database of a test's own. It is deleted when this is dropped.
pub struct Database {
    pub engine: Engine,
    pub server: Arc<Server>,
    path: PathBuf,
}

impl Drop for Database {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", self.path.display()));
        }
    }
}

pub fn options() -> PoolOptions {
    PoolOptions::new().pool_size(2).wait_timeout(Duration::from_secs(5))
}

pub async fn database() -> Database {
    database_with(options(), Behaviour::default()).await
}

pub async fn database_with(options: PoolOptions, behaviour: Behaviour) -> Database {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, SeqCst);
    let path = std::env::temp_dir().join(format!("relata-pool-{}-{number}.db", std::process::id()));
    let server = Arc::new(Server::default());
    let driver = TestDriver { path: path.clone(), behaviour, server: server.clone() };
    let engine = Engine::open(Arc::new(driver), options).await.unwrap();
    sql("CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT NOT NULL UNIQUE, name TEXT)")
        .execute(&engine)
        .await
        .unwrap();
    server.trips();
    Database { engine, server, path }
}

#[derive(Debug, Clone, PartialEq)]
pub struct User {
    pub id: i64,
    pub email: String,
    pub name: Option<String>,
}

#[allow(non_upper_case_globals)]
impl User {
    pub const id: Column<User, i64> = Column::new(0);
    pub const email: Column<User, String> = Column::new(1);
    pub const name: Column<User, Option<String>> = Column::new(2);
}

#[derive(Debug, Clone)]
pub struct NewUser {
    pub email: String,
    pub name: Option<String>,
}

pub fn new(email: &str) -> NewUser {
    NewUser { email: email.into(), name: None }
}

static COLUMNS: [ColumnDef; 3] = [
    ColumnDef::new("id", "id", ColumnType::new(Kind::I64), false).generated(),
    ColumnDef::new("email", "email", ColumnType::new(Kind::Text), false),
    ColumnDef::new("name", "name", ColumnType::new(Kind::Text), true),
];
static USERS: Table = Table::new("User", "users", &COLUMNS, &[0]);

impl Entity for User {
    const TABLE: &'static Table = &USERS;
    type Key = i64;
    type New = NewUser;
    fn read(row: &mut RowReader<'_>) -> Result<Self> {
        Ok(User { id: row.read()?, email: row.read()?, name: row.read()? })
    }
    fn key(&self) -> i64 {
        self.id
    }
    fn key_values(key: &i64) -> Vec<Value> {
        vec![key.to_value()]
    }
    fn value(&self, column: usize) -> Value {
        match column {
            0 => self.id.to_value(),
            1 => self.email.to_value(),
            _ => self.name.to_value(),
        }
    }
    fn assign(&mut self, column: usize, cell: Cell<'_>) -> Result<(), Mismatch> {
        match column {
            0 => self.id = Type::decode(cell)?,
            1 => self.email = Type::decode(cell)?,
            _ => self.name = Type::decode(cell)?,
        }
        Ok(())
    }
}

impl Insertable for NewUser {
    type Entity = User;
    fn into_inputs(self, row: &mut [Input]) {
        self.inputs(row);
    }
    fn inputs(&self, row: &mut [Input]) {
        row[1] = Input::Value(self.email.to_value());
        row[2] = Input::Value(self.name.to_value());
    }
}

/// The e-mails in the table, read through another connection of the engine.
pub async fn emails(db: &Database) -> Vec<String> {
    use relata_core::statement::select;
    use relata_pool::Fetch;
    select(User::email).order_by(User::id).all(&db.engine).await.unwrap()
}

/// Waits until nothing is being cleaned any more.
pub async fn settled(db: &Database) {
    for _ in 0..1000 {
        if db.engine.status().in_use == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("connections are still in use: {:?}", db.engine.status());
}
