//! Where work runs: in the task, or on a thread where it may block.

use relata_core::{Error, ErrorClass, Result};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::JoinError,
};

use crate::options::Blocking;

/// The runtime on whose threads a call is to run; `None` if it runs in the task.
///
/// A thread costs some 20 µs a call, several times what a short statement takes. On a multi-threaded runtime the task stays
/// where it is and [makes room](super::cooperate) when it has to; on a current-thread runtime nobody else could take over.
pub(super) fn wanted(blocking: Blocking) -> Option<Handle> {
    match blocking {
        Blocking::Inline => None,
        Blocking::Thread => Handle::try_current().ok(),
        Blocking::Auto => Handle::try_current()
            .ok()
            .filter(|handle| handle.runtime_flavor() == RuntimeFlavor::CurrentThread),
    }
}

/// Runs what may block on a thread of the runtime.
///
/// # Errors
///
/// If the runtime is shut down before it ran.
pub(super) async fn run<T: Send + 'static>(
    runtime: &Handle,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    runtime.spawn_blocking(work).await.map_err(lost)
}

/// What became of work that did not end: a panic goes on where it was awaited.
pub(super) fn lost(error: JoinError) -> Error {
    match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => Error::new(
            ErrorClass::Disconnected,
            "the runtime was shut down while the connection was on one of its threads",
        ),
    }
}
