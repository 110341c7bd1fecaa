//! Reads outside of transactions, side by side over a few connections.

use std::{
    slice,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use relata_core::{
    Error, Result,
    dialect::Dialect,
    driver::{Job, SharedReader},
};
use tokio::{
    sync::{Notify, futures::Notified},
    time::timeout,
};

use crate::{
    lease::Lease,
    link::{closed, late, told},
    manager::Shared,
    trace::Watch,
};

/// How long a connection is shared by whoever comes. Then it goes back to the pool, where others may wait for it, and which looks
/// after it.
const AT_MOST: Duration = Duration::from_secs(1);

/// The connections that reads share. Each is leased for as long as there are reads.
pub(crate) struct SharedReads {
    limit: usize,
    lines: Mutex<Vec<Weak<ReadLine>>>,
    /// Told when a connection is shared that was not before.
    opened: Notify,
}

impl SharedReads {
    /// Of no more than so many connections.
    pub(crate) fn new(limit: usize) -> Self {
        SharedReads { limit, lines: Mutex::default(), opened: Notify::new() }
    }

    /// The connection that the fewest share, if there are as many as there may be.
    pub(crate) fn join(&self) -> Option<Arc<ReadLine>> {
        self.least_used(self.limit)
    }

    /// The same, if there is any.
    pub(crate) fn squeeze_in(&self) -> Option<Arc<ReadLine>> {
        self.least_used(1)
    }

    fn least_used(&self, enough: usize) -> Option<Arc<ReadLine>> {
        let now = Instant::now();
        let mut least: Option<(usize, Arc<ReadLine>)> = None;
        let mut lines = self.lines();
        lines.retain(|line| {
            let Some(line) = line.upgrade().filter(|line| line.takes_more(now)) else { return false };
            let users = Arc::strong_count(&line);
            if least.as_ref().is_none_or(|(fewest, _)| users < *fewest) {
                least = Some((users, line));
            }
            true
        });
        least.filter(|_| lines.len() >= enough).map(|(_, line)| line)
    }

    /// Resolves when a connection is shared that was not when this was called.
    pub(crate) fn opened(&self) -> Notified<'_> {
        self.opened.notified()
    }

    /// Shares a connection, unless enough are shared by now.
    pub(crate) fn open(&self, mut lease: Lease) -> Result<Way> {
        if let Some(line) = self.join() {
            return Ok(Way::Beside(line));
        }
        let mut lines = self.lines();
        if lines.len() >= self.limit {
            return Ok(Way::Alone(lease));
        }
        let link = lease.link_mut()?;
        let Some((reader, mover)) = link.share() else { return Ok(Way::Alone(lease)) };
        let shared = link.shared().clone();
        shared.spawn(mover);
        let line = Arc::new(ReadLine {
            reader: Some(reader),
            dialect: link.dialect().clone(),
            shared,
            generation: link.generation,
            lease: Mutex::new(lease),
            opened: Instant::now(),
            disturbed: AtomicBool::new(false),
            lost: AtomicBool::new(false),
        });
        lines.push(Arc::downgrade(&line));
        drop(lines);
        self.opened.notify_waiters();
        Ok(Way::Beside(line))
    }

    fn lines(&self) -> MutexGuard<'_, Vec<Weak<ReadLine>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a read goes.
pub(crate) enum Way {
    /// Beside others.
    Beside(Arc<ReadLine>),
    /// Over a connection of its own.
    Alone(Lease),
}

/// A connection that reads share, until the last of them is over.
pub(crate) struct ReadLine {
    // `None` only while it is dropped.
    reader: Option<Arc<dyn SharedReader>>,
    dialect: Arc<dyn Dialect>,
    shared: Arc<Shared>,
    generation: u64,
    // Nobody asks for it meanwhile: what is in a mutex can be shared.
    lease: Mutex<Lease>,
    opened: Instant,
    /// A read was given up midway.
    disturbed: AtomicBool,
    /// The connection was lost.
    lost: AtomicBool,
}

impl ReadLine {
    fn takes_more(&self, now: Instant) -> bool {
        let sound = !self.disturbed.load(Ordering::Relaxed) && !self.lost.load(Ordering::Relaxed);
        sound && now.saturating_duration_since(self.opened) < AT_MOST
    }

    /// Runs a read beside the others.
    pub(crate) async fn read(&self, job: &mut Job<'_>) -> Result<()> {
        let Some(reader) = &self.reader else { return Err(closed()) };
        let mut watch = Watch::start(&self.shared, &*self.dialect, slice::from_ref(job));
        let mut midway = Midway { disturbed: &self.disturbed, over: false };
        let running = Watch::run(&watch, reader.read(job));
        let in_time = match self.shared.options.statement_timeout {
            None => Ok(running.await),
            Some(limit) => timeout(limit, running).await.map_err(|_| limit),
        };
        midway.over = in_time.is_ok();
        let result = in_time.unwrap_or_else(|limit| Err(late(limit)));
        let result = result.map_err(|error| told(error, &*self.dialect, slice::from_ref(job)));
        if let Some(watch) = &mut watch {
            watch.end(&self.shared, slice::from_ref(job), 0, 0, result.as_ref().err());
        }
        if result.as_ref().is_err_and(Error::is_disconnect) {
            self.lost.store(true, Ordering::Relaxed);
            self.shared.lost(self.generation);
        }
        result
    }
}

impl Drop for ReadLine {
    fn drop(&mut self) {
        // Before the connection is given back: it is nobody else's then.
        self.reader = None;
        let lease = self.lease.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Ok(link) = lease.link_mut() {
            link.end_share(*self.disturbed.get_mut(), *self.lost.get_mut());
        }
    }
}

/// Notes that a read was given up midway, if it was.
struct Midway<'l> {
    disturbed: &'l AtomicBool,
    over: bool,
}

impl Drop for Midway<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.disturbed.store(true, Ordering::Relaxed);
        }
    }
}
