//! How the pool makes, checks and ends its connections.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use deadpool::managed::{self, Metrics, RecycleResult};
use relata_core::{Error, ErrorClass, Result, driver::Driver};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::Notify,
    time::timeout,
};

use crate::{
    link::Link,
    options::{PoolOptions, PrePing},
    recorder::Recorders,
};

/// What the engine, its pool and its connections share.
pub(crate) struct Shared {
    pub(crate) options: PoolOptions,
    pub(crate) recorders: Recorders,
    /// Counts the times that a connection was lost: those that were opened before are checked before they are used again.
    pub(crate) generation: AtomicU64,
    /// The runtime in which the engine was opened.
    runtime: Handle,
    /// How many connections are saying good-bye.
    pub(crate) leaving: AtomicUsize,
    /// Told when a connection has left the pool.
    pub(crate) left: Notify,
}

impl Shared {
    pub(crate) fn new(options: PoolOptions, recorders: Recorders, runtime: Handle) -> Self {
        Shared {
            options,
            recorders,
            generation: AtomicU64::new(0),
            runtime,
            leaving: AtomicUsize::new(0),
            left: Notify::new(),
        }
    }

    /// Runs what nobody waits for. A runtime of a single thread goes on only while something is awaited in it, which may be never again:
    /// the present one is better then.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let single = self.runtime.runtime_flavor() == RuntimeFlavor::CurrentThread;
        let present = Handle::try_current().ok().filter(|_| single);
        present.as_ref().unwrap_or(&self.runtime).spawn(work);
    }

    /// Notes that a connection of a generation was lost: once for all that were opened in it, however many of them notice.
    pub(crate) fn lost(&self, generation: u64) {
        let next = generation + 1;
        let _ = self.generation.compare_exchange(generation, next, Ordering::AcqRel, Ordering::Relaxed);
    }
}

/// Opens connections for the pool.
pub(crate) struct Manager {
    pub(crate) driver: Arc<dyn Driver>,
    pub(crate) shared: Arc<Shared>,
}

impl managed::Manager for Manager {
    // Boxed: it is handed on several times on its way out of the pool and back.
    type Type = Box<Link>;
    type Error = Error;

    async fn create(&self) -> Result<Box<Link>> {
        // Taken before connecting: what is lost meanwhile makes this one be checked, too.
        let generation = self.shared.generation.load(Ordering::Acquire);
        let limit = self.shared.options.connect_timeout;
        match within(limit, self.driver.connect()).await {
            Ok(connection) => {
                let mut connection = connection?;
                connection.limit_time(self.shared.options.statement_timeout);
                Ok(Box::new(Link::new(connection, generation, self.shared.clone())))
            }
            Err(limit) => {
                Err(Error::new(ErrorClass::Connect, format!("the server did not let us in within {limit:?}")))
            }
        }
    }

    /// Called when a connection is about to be used again; an error makes the pool drop it and take another.
    async fn recycle(&self, link: &mut Box<Link>, _: &Metrics) -> RecycleResult<Error> {
        let now = Instant::now();
        if !link.is_clean() || link.is_worn_out(now) {
            return Err(managed::RecycleError::message("the connection is closed, too old or in doubt"));
        }
        let generation = self.shared.generation.load(Ordering::Acquire);
        let ping = link.generation != generation
            || match self.shared.options.pre_ping {
                PrePing::Always => true,
                PrePing::AfterIdle(time) => now.duration_since(link.idle_since) >= time,
                PrePing::Never => false,
            };
        if ping {
            link.ping().await?;
            link.generation = generation;
        }
        Ok(())
    }

    /// Called for each connection that leaves the pool.
    fn detach(&self, link: &mut Box<Link>) {
        link.close_in_background();
    }
}

/// What a future gives within a limit, if there is one; the limit, if it does not.
pub(crate) async fn within<T>(
    limit: Option<Duration>,
    future: impl Future<Output = T>,
) -> Result<T, Duration> {
    match limit {
        None => Ok(future.await),
        Some(limit) => timeout(limit, future).await.map_err(|_| limit),
    }
}

/// A number that nobody can foresee: for jitter, not for secrets.
pub(crate) fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish()
}

/// A part of a duration, by chance.
pub(crate) fn some_of(time: Duration) -> Duration {
    time.mul_f64((random() % 1000) as f64 / 1000.0)
}
