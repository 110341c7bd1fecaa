//! Whether the runtime that a connection belongs to is still there.

use std::future::pending;

use tokio::task::AbortHandle;

/// The runtime in which a connection was made. A socket does nothing any more when that has ended, and does not look closed before.
#[derive(Debug)]
pub(super) struct Runtime {
    /// Of a task that ends with the runtime only.
    task: AbortHandle,
}

impl Runtime {
    /// The present one.
    pub(super) fn present() -> Self {
        Runtime { task: tokio::spawn(pending::<()>()).abort_handle() }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.task.is_finished()
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.task.abort();
    }
}
