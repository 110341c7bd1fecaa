//! The engine: a dialect and a pool of connections.

use std::{
    fmt,
    pin::pin,
    slice,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use deadpool::managed::{Object, Pool, PoolConfig, PoolError, QueueMode, TimeoutType, Timeouts, WeakPool};
use futures_util::future::{Either, select};
use relata_core::{
    Error, ErrorClass, Result,
    dialect::{Dialect, Feature},
    driver::{BoxFuture, Driver, Job},
    render::Compiler,
    transaction::TransactionOptions,
};
use tokio::{runtime::Handle, time::timeout};

use crate::{
    Attempt, Connection, Executor, PoolOptions, Recorder, RetryOptions, Retrying, Transaction,
    lease::Lease,
    manager::{Manager, Shared},
    recorder::Recorders,
    shared_reads::{SharedReads, Way},
};

/// A database: its dialect and a pool of connections to it. Cloning it is cheap; all clones share the pool.
///
/// Statements run on `&engine`, each on whatever connection is free; what belongs together runs in a
/// [transaction](Engine::begin).
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    pool: Pool<Manager>,
    shared: Arc<Shared>,
    compiler: Arc<Compiler>,
    shared_reads: Option<SharedReads>,
}

/// How many connections a pool has, and what they do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// How many there may be.
    pub max_size: usize,
    /// How many there are.
    pub size: usize,
    /// How many of them are idle.
    pub idle: usize,
    /// How many of them are in use, or being cleaned after use.
    pub in_use: usize,
    /// How many tasks wait for one, or for one to be opened.
    pub waiting: usize,
}

impl Engine {
    /// Opens an engine on a driver. It connects once, to learn what server it is.
    ///
    /// # Errors
    ///
    /// Those of connecting: [`Connect`](ErrorClass::Connect), [`Authentication`](ErrorClass::Authentication),
    /// [`Tls`](ErrorClass::Tls); and [`Configuration`](ErrorClass::Configuration) outside of a tokio runtime, or if the options ask for what
    /// cannot be.
    pub async fn open(driver: Arc<dyn Driver>, options: PoolOptions) -> Result<Engine> {
        let runtime = Handle::try_current().map_err(|error| {
            Error::new(ErrorClass::Configuration, "an engine is opened inside of a tokio runtime")
                .with_source(error)
        })?;
        if let Some(limit) = options.read_connections
            && limit.get() > options.pool_size
        {
            return Err(Error::new(
                ErrorClass::Configuration,
                format!(
                    "read_connections is {limit}, but the pool has no more than {} connections: see pool_size",
                    options.pool_size
                ),
            ));
        }
        let mut config = PoolConfig::new(options.pool_size);
        // Last in, first out: what is not needed grows old at the bottom.
        config.queue_mode = QueueMode::Lifo;
        let shared = Arc::new(Shared::new(options, Recorders::default(), runtime));
        let manager = Manager { driver, shared: shared.clone() };
        let pool = Pool::builder(manager)
            .config(config)
            .runtime(deadpool::Runtime::Tokio1)
            .build()
            .map_err(|error| Error::new(ErrorClass::Configuration, error.to_string()))?;
        let lease = lease(&pool, &shared).await?;
        let compiler = lease.link()?.compiler().clone();
        drop(lease);
        let shared_reads = shared.options.read_connections.map(|limit| SharedReads::new(limit.get()));
        if shared_reads.is_some() && !compiler.dialect().supports(Feature::Pipelining) {
            return Err(Error::new(
                ErrorClass::Configuration,
                format!(
                    "read_connections is for databases that take a statement before the last is answered: {} does not",
                    compiler.dialect().name()
                ),
            ));
        }
        let limits = [shared.options.idle_timeout, shared.options.max_lifetime];
        if let Some(limit) = limits.into_iter().flatten().min() {
            shared.spawn(retire(pool.weak(), limit));
        }
        Ok(Engine { inner: Arc::new(Inner { pool, shared, compiler, shared_reads }) })
    }

    /// How the database spells SQL.
    pub fn dialect(&self) -> &Arc<dyn Dialect> {
        self.inner.compiler.dialect()
    }

    /// Takes a connection of one's own from the pool.
    ///
    /// # Errors
    ///
    /// [`PoolTimeout`](ErrorClass::PoolTimeout), [`PoolClosed`](ErrorClass::PoolClosed), and those of connecting.
    pub async fn connection(&self) -> Result<Connection> {
        Connection::new(self.lease().await?)
    }

    /// Begins a transaction on a connection of its own: `BEGIN`, which travels with its first statement.
    ///
    /// # Errors
    ///
    /// As [`connection`](Engine::connection).
    pub async fn begin(&self) -> Result<Transaction<'static>> {
        self.begin_with(TransactionOptions::new()).await
    }

    /// As [`begin`](Engine::begin), with an isolation level or read-only.
    ///
    /// # Errors
    ///
    /// As [`connection`](Engine::connection), and [`Compile`](ErrorClass::Compile) if the database has no such
    /// transactions.
    pub async fn begin_with(&self, options: TransactionOptions) -> Result<Transaction<'static>> {
        Transaction::begin_own(self.lease().await?, &options).await
    }

    /// Runs a unit of work in a transaction, and again if the database could not serialise it with others or chose it as
    /// the victim of a deadlock.
    ///
    /// It runs at the strictest isolation level that the database has; [`retry`](Engine::retry) sets that and how often.
    /// The closure gets the transaction as an owned handle; what it returns without an error is committed.
    ///
    /// ```ignore
    /// let id = engine.transaction(|mut tx| async move {
    ///     insert(new_user).returning(User::id).one(&mut tx).await
    /// }).await?;
    /// ```
    ///
    /// # Errors
    ///
    /// Those of the closure, of [`Transaction::commit`] and of [`connection`](Engine::connection).
    pub async fn transaction<T, F, U>(&self, unit: F) -> Result<T>
    where
        F: FnMut(Attempt) -> U + Send,
        U: Future<Output = Result<T>> + Send,
        T: Send,
    {
        self.retry(RetryOptions::new()).transaction(unit).await
    }

    /// Sets how a [unit of work](Retrying::transaction) is run again.
    pub fn retry(&self, options: RetryOptions) -> Retrying<'_> {
        Retrying::new(self, options)
    }

    /// Records the statements that run from now on, until the recorder is dropped.
    pub fn record(&self) -> Recorder {
        self.inner.shared.recorders.add()
    }

    /// How many connections there are, and what they do.
    pub fn status(&self) -> Status {
        let status = self.inner.pool.status();
        Status {
            max_size: status.max_size,
            size: status.size,
            idle: status.available,
            in_use: status.size - status.available,
            waiting: status.waiting,
        }
    }

    /// Closes the pool: nobody gets a connection any more; those in use may end their work, within the
    /// [close time-out](PoolOptions::close_timeout).
    ///
    /// # Errors
    ///
    /// [`PoolTimeout`](ErrorClass::PoolTimeout) if some are still in use then. They are closed when they are dropped.
    pub async fn close(&self) -> Result<()> {
        let Inner { pool, shared, .. } = &*self.inner;
        // The pool would drop the idle ones without a word; taken out by hand, each says good-bye.
        drop(pool.retain(|_, _| false));
        pool.close();
        let limit = shared.options.close_timeout;
        let empty = async {
            loop {
                let left = shared.left.notified();
                tokio::pin!(left);
                left.as_mut().enable();
                if pool.status().size == 0 && shared.leaving.load(Ordering::Acquire) == 0 {
                    return;
                }
                left.await;
            }
        };
        timeout(limit, empty).await.map_err(|_| {
            let in_use = pool.status().size;
            Error::new(
                ErrorClass::PoolTimeout,
                format!(
                    "the pool is closed, but after {limit:?} {in_use} of its connections are still in use"
                ),
            )
        })
    }

    async fn lease(&self) -> Result<Lease> {
        lease(&self.inner.pool, &self.inner.shared).await
    }

    /// Runs jobs on whatever connection is free.
    async fn run_jobs(&self, jobs: &mut [Job<'_>]) -> Result<()> {
        if let (Some(reads), [job]) = (&self.inner.shared_reads, &mut *jobs)
            && job.reads_alone()
        {
            // Boxed, since only some need the room.
            return Box::pin(self.read(reads, job)).await;
        }
        self.lease().await?.link_mut()?.run(jobs).await
    }

    /// Runs a read beside others, or over a connection of its own while there are few.
    async fn read(&self, reads: &SharedReads, job: &mut Job<'_>) -> Result<()> {
        match self.way(reads).await? {
            Way::Beside(line) => line.read(job).await,
            Way::Alone(mut lease) => lease.link_mut()?.run(slice::from_mut(job)).await,
        }
    }

    async fn way(&self, reads: &SharedReads) -> Result<Way> {
        let Inner { pool, shared, .. } = &*self.inner;
        loop {
            let mut opened = pin!(reads.opened());
            opened.as_mut().enable();
            if !pool.is_closed() {
                if let Some(line) = reads.join() {
                    return Ok(Way::Beside(line));
                }
                if let Some(lease) = lease_at_once(pool, shared).await? {
                    return reads.open(lease);
                }
                if let Some(line) = reads.squeeze_in() {
                    return Ok(Way::Beside(line));
                }
            }
            // Somebody else may have one to share before there is one for this.
            if let Either::Left((lease, _)) = select(pin!(lease(pool, shared)), opened).await {
                return reads.open(lease?);
            }
        }
    }
}

/// Without a timer, which would cost more than all the rest.
const AT_ONCE: Timeouts = Timeouts { wait: Some(Duration::ZERO), create: None, recycle: None };

/// Takes a connection from the pool.
async fn lease(pool: &Pool<Manager>, shared: &Shared) -> Result<Lease> {
    if let Some(lease) = lease_at_once(pool, shared).await? {
        return Ok(lease);
    }
    let timeouts = Timeouts { wait: Some(shared.options.wait_timeout), ..AT_ONCE };
    leased(pool, shared, pool.timeout_get(&timeouts).await)
}

/// The same, if there is one or there may be one more.
async fn lease_at_once(pool: &Pool<Manager>, shared: &Shared) -> Result<Option<Lease>> {
    match pool.timeout_get(&AT_ONCE).await {
        Err(PoolError::Timeout(TimeoutType::Wait)) => Ok(None),
        taken => leased(pool, shared, taken).map(Some),
    }
}

fn leased(
    pool: &Pool<Manager>,
    shared: &Shared,
    taken: Result<Object<Manager>, PoolError<Error>>,
) -> Result<Lease> {
    match taken {
        Ok(object) => Ok(Lease::new(object)),
        Err(PoolError::Backend(error)) => Err(error),
        Err(PoolError::Closed) => Err(Error::new(ErrorClass::PoolClosed, "the pool is closed")),
        Err(PoolError::Timeout(_)) => {
            let status = pool.status();
            Err(Error::new(
                ErrorClass::PoolTimeout,
                format!(
                    "no connection became free within {:?}: the pool has {}, of which {} are in use; make the pool larger, \
                     or keep connections and transactions for a shorter time",
                    shared.options.wait_timeout,
                    status.max_size,
                    status.size - status.available
                ),
            ))
        }
        Err(other) => Err(Error::new(ErrorClass::Other, other.to_string())),
    }
}

/// Closes idle connections that have been so for too long or are too old, until the pool is gone.
async fn retire(pool: WeakPool<Manager>, limit: Duration) {
    let period = (limit / 2).clamp(Duration::from_millis(10), Duration::from_secs(60));
    loop {
        tokio::time::sleep(period).await;
        match pool.upgrade() {
            Some(pool) if !pool.is_closed() => {
                let now = Instant::now();
                drop(pool.retain(|link, _| !link.is_worn_out(now)));
            }
            _ => return,
        }
    }
}

macro_rules! executor {
    ($($engine:ty),*) => {
        $(impl Executor for $engine {
            fn compiler(&self) -> &Arc<Compiler> {
                &self.inner.compiler
            }

            fn run<'a, 's: 'a>(&'a mut self, jobs: &'a mut [Job<'s>]) -> BoxFuture<'a, Result<()>> {
                Box::pin(self.run_jobs(jobs))
            }

            fn run_atomic<'a, 's: 'a>(&'a mut self, jobs: &'a mut [Job<'s>]) -> BoxFuture<'a, Result<()>> {
                Box::pin(async move { self.lease().await?.link_mut()?.run_atomic(jobs).await })
            }

            fn join<'a>(&'a mut self) -> BoxFuture<'a, Result<Transaction<'a>>> {
                Box::pin(async move {
                    let transaction: Transaction<'a> = self.begin().await?;
                    Ok(transaction)
                })
            }
        })*
    };
}

// By value, too: a stream that outlives this function owns a clone.
executor!(&Engine, Engine);

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("dialect", &self.dialect().name())
            .field("driver", &self.inner.pool.manager().driver)
            .field("pool", &self.status())
            .finish_non_exhaustive()
    }
}
