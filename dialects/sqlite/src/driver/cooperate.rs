//! How a statement that takes long makes room for other tasks, how it waits for a lock, and how it is stopped.
//!
//! Most statements take a few microseconds: giving the worker thread away for each would cost several times that. So a
//! statement starts where it is, and hands over the worker's other tasks (`block_in_place`) when it turns out to take long, when
//! it waits for a lock, or before it may wait for the disk. SQLite calls back in the first two cases. Where nothing is open yet, it does
//! not wait at all: it gives the lock up, and its future waits, so that others of the same task go on, one of which may have the lock.

use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokio::runtime::{Handle, RuntimeFlavor};

/// After how many steps of SQLite's machine it calls back: about a tenth of a millisecond.
const STEPS: i32 = 10_000;

/// How long a statement may keep its thread before it hands over the tasks. That takes about as long as [`HAND_OVER`], which is
/// little beside this.
const LONG: Duration = Duration::from_millis(1);

/// How long the hand-over waits, so that another thread surely takes the tasks.
const HAND_OVER: Duration = Duration::from_micros(50);

thread_local! {
    /// What the callbacks need to know of the statement that this thread runs.
    static RUNNING: RefCell<Running> = const {
        RefCell::new(Running { busy_timeout: Duration::ZERO, stop: None, end: None, on_worker: false, long: Long::No, waited: false, wait: Wait::Here })
    };
}

struct Running {
    busy_timeout: Duration,
    stop: Option<Arc<AtomicBool>>,
    /// When it is stopped at the latest.
    end: Option<Instant>,
    on_worker: bool,
    long: Long,
    /// Whether it has waited for a lock.
    waited: bool,
    wait: Wait,
}

/// How a statement waits for a lock.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// On its thread.
    Here,
    /// Whoever runs it waits, and runs it again.
    Outside,
}

/// Whether a statement takes long.
#[derive(Clone, Copy)]
enum Long {
    No,
    /// It may: it has taken many steps at this time.
    Since(Instant),
    /// It does, and the tasks are with another thread.
    HandedOver,
}

/// While this lives, the callbacks serve the statements of one call.
pub(super) struct Guard(());

/// Begins to run statements on this thread; they end early once `stop` is true.
pub(super) fn begin(busy_timeout: Duration, stop: Option<Arc<AtomicBool>>) -> Guard {
    let on_worker = stop.is_none() && on_worker();
    RUNNING.with_borrow_mut(|running| {
        let (long, wait) = (Long::No, Wait::Here);
        *running = Running { busy_timeout, stop, end: None, on_worker, long, waited: false, wait };
    });
    Guard(())
}

/// As [`begin`], for statements that nobody can stop but the clock.
pub(super) fn begin_until(busy_timeout: Duration, end: Option<Instant>) -> Guard {
    let guard = begin(busy_timeout, None);
    RUNNING.with_borrow_mut(|running| running.end = end);
    guard
}

impl Drop for Guard {
    fn drop(&mut self) {
        RUNNING.with_borrow_mut(|running| {
            (running.stop, running.end, running.on_worker) = (None, None, false);
        });
    }
}

/// Says how the next statement waits.
pub(super) fn wait(wait: Wait) {
    RUNNING.with_borrow_mut(|running| running.wait = wait);
}

/// Whether nobody waits for the statements any more.
pub(super) fn stopped() -> bool {
    RUNNING.with_borrow(Running::stopped)
}

/// Whether a statement of this call has waited for a lock.
pub(super) fn waited() -> bool {
    RUNNING.with_borrow(|running| running.waited)
}

impl Running {
    fn stopped(&self) -> bool {
        self.stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed))
            || self.end.is_some_and(|end| Instant::now() >= end)
    }

    /// Whether to hand over the tasks now, and how long to wait for somebody to take them.
    fn step(&mut self) -> Option<Duration> {
        match self.long {
            Long::No => {
                self.long = Long::Since(Instant::now());
                None
            }
            Long::Since(time) if time.elapsed() < LONG => None,
            Long::Since(_) => {
                self.long = Long::HandedOver;
                Some(HAND_OVER)
            }
            // Once the tasks are with another thread, this costs next to nothing.
            Long::HandedOver => Some(Duration::ZERO),
        }
    }
}

/// Lets SQLite call back when a statement takes long or finds a lock.
pub(super) fn install(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.progress_handler(STEPS, Some(progress))?;
    // A function pointer, which every supported version of rusqlite takes.
    connection.busy_handler(Some(busy as fn(i32) -> bool))
}

/// Runs what may wait for the disk or for time to pass.
pub(super) fn give_way<T>(work: impl FnOnce() -> T) -> T {
    if on_worker() { tokio::task::block_in_place(work) } else { work() }
}

/// Whether this thread serves the tasks of a multi-threaded runtime, and may leave them to another. Neither the thread that runs
/// `block_on` nor one that runs a `LocalSet` does.
fn on_worker() -> bool {
    tokio::runtime::worker_index().is_some()
        && Handle::try_current().is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread)
}

/// Called while a statement takes long; true stops it (SQLite, "Query progress callbacks").
fn progress() -> bool {
    let (stop, hand_over) = RUNNING.with_borrow_mut(|running| {
        let stop = running.stopped();
        let hand_over = (running.on_worker && !stop).then(|| running.step()).flatten();
        (stop, hand_over)
    });
    if let Some(wait) = hand_over {
        tokio::task::block_in_place(|| std::thread::sleep(wait));
    }
    stop
}

/// Called when a lock is held by another connection; false gives up (SQLite, "Register a callback to handle SQLITE_BUSY errors").
fn busy(count: i32) -> bool {
    let count = usize::try_from(count).unwrap_or_default();
    let (nap, on_worker) = RUNNING.with_borrow_mut(|running| {
        running.waited = true;
        let here = running.wait == Wait::Here && !running.stopped();
        let nap = here.then(|| nap(count, running.busy_timeout)).flatten();
        (nap, running.on_worker)
    });
    let Some(nap) = nap else { return false };
    if on_worker {
        tokio::task::block_in_place(|| std::thread::sleep(nap));
    } else {
        std::thread::sleep(nap);
    }
    true
}

/// How long to sleep before the next try, after so many, until the time is over: the steps of SQLite's own handler (sqlite3.c, `sqliteDefaultBusyCallback`).
pub(super) fn nap(count: usize, timeout: Duration) -> Option<Duration> {
    const STEPS: [u64; 12] = [1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100];
    const LAST: u64 = STEPS[STEPS.len() - 1];
    let step = STEPS.get(count).copied().unwrap_or(LAST);
    let beyond = count.saturating_sub(STEPS.len()) as u64 * LAST;
    let slept = Duration::from_millis(STEPS.iter().take(count).sum::<u64>() + beyond);
    let left = timeout.checked_sub(slept).filter(|left| !left.is_zero())?;
    Some(left.min(Duration::from_millis(step)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn naps_add_up_to_the_timeout() {
        for timeout in [0, 1, 3, 50, 777, 5000].map(Duration::from_millis) {
            let slept: Duration = (0..).map_while(|count| nap(count, timeout)).sum();
            assert_eq!(slept, timeout);
        }
    }
}
