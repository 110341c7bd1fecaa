//! Recording the statements that ran, for tests and for the curious.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// A statement that ran.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recorded {
    /// The SQL text, without parameters.
    pub sql: String,
    /// How many rows came back.
    pub rows: u64,
    /// How many rows it changed, as the database counts them.
    pub rows_affected: u64,
    /// How long its trip to the database took. Statements that travelled together have the same.
    pub duration: Duration,
    /// Whether it is `BEGIN`, `COMMIT`, `SAVEPOINT` or their kin, sent for a [`Transaction`](crate::Transaction).
    pub transaction_control: bool,
    /// Whether it failed.
    pub failed: bool,
}

/// Records the statements that an engine runs, from [`Engine::record`](crate::Engine::record) until it is dropped.
///
/// It sees the statements of every clone of the engine, so give each test an engine of its own.
///
/// ```ignore
/// let recorder = engine.record();
/// let users = User::select().with(User::posts).all(&engine).await?;
/// assert_eq!(recorder.count(), 2);
/// ```
pub struct Recorder {
    list: Arc<Mutex<Vec<Recorded>>>,
    active: Arc<AtomicUsize>,
}

impl Recorder {
    /// What was recorded so far, transaction control included.
    pub fn statements(&self) -> Vec<Recorded> {
        lock(&self.list).clone()
    }

    /// The SQL texts that were recorded so far, without transaction control.
    pub fn sql(&self) -> Vec<String> {
        let list = lock(&self.list);
        list.iter().filter(|ran| !ran.transaction_control).map(|ran| ran.sql.clone()).collect()
    }

    /// How many statements were recorded so far, without transaction control.
    pub fn count(&self) -> usize {
        lock(&self.list).iter().filter(|ran| !ran.transaction_control).count()
    }

    /// Takes what was recorded so far, transaction control included, and begins anew.
    pub fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut *lock(&self.list))
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.active.fetch_sub(1, Ordering::AcqRel);
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(lock(&self.list).iter().map(|ran| &ran.sql)).finish()
    }
}

/// The recorders of an engine.
#[derive(Default)]
pub(crate) struct Recorders {
    active: Arc<AtomicUsize>,
    list: RwLock<Vec<Weak<Mutex<Vec<Recorded>>>>>,
}

impl Recorders {
    /// Whether anybody records.
    pub(crate) fn active(&self) -> bool {
        self.active.load(Ordering::Acquire) > 0
    }

    pub(crate) fn add(&self) -> Recorder {
        let list = Arc::new(Mutex::new(Vec::new()));
        let mut all = self.list.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|other| other.strong_count() > 0);
        all.push(Arc::downgrade(&list));
        self.active.fetch_add(1, Ordering::AcqRel);
        Recorder { list, active: self.active.clone() }
    }

    pub(crate) fn record(&self, ran: &Recorded) {
        for list in self.list.read().unwrap_or_else(PoisonError::into_inner).iter() {
            if let Some(list) = list.upgrade() {
                lock(&list).push(ran.clone());
            }
        }
    }
}

// A panic elsewhere leaves the list as good as it was.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
