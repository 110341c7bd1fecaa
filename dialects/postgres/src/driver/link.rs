//! The bytes of a connection: moved by whoever waits for an answer.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::{Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

/// What tokio-postgres gives besides the client: a future that moves the bytes.
pub(crate) type Mover = Pin<Box<dyn Future<Output = Result<(), tokio_postgres::Error>> + Send>>;

/// The socket of a connection.
///
/// It is not a task of its own: whoever runs a statement moves the bytes as well. That saves two switches between tasks per
/// round trip, and what is queued together goes out in one write. Nobody reads while nothing runs, so whether the server
/// has hung up is found by looking: [`Link::is_closed`].
///
/// A mutex, and never a contended one, since that look has only a shared reference.
pub(crate) struct Link(Mutex<Slot>);

#[derive(Default)]
struct Slot {
    /// `None` once the connection has ended.
    mover: Option<Mover>,
    /// Why it ended.
    error: Option<tokio_postgres::Error>,
}

impl Link {
    pub(crate) fn new(mover: Mover) -> Self {
        Link(Mutex::new(Slot { mover: Some(mover), error: None }))
    }

    /// Moves bytes until a future of the client's is ready.
    ///
    /// Dropped midway, it leaves the connection in the middle of the answer, to be read by the next call.
    pub(crate) async fn drive<F: Future>(&mut self, future: F) -> F::Output {
        let slot = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        let mut future = pin!(future);
        poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(output);
            }
            // Sends what the future has just queued, and reads what has come; the second look finds that without a detour
            // through the scheduler.
            slot.move_bytes(cx);
            future.as_mut().poll(cx)
        })
        .await
    }

    /// Moves bytes until the connection has ended; for when the client is gone.
    pub(crate) async fn finish(&mut self) {
        let slot = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(mover) = &mut slot.mover {
            let _ = mover.await;
        }
        slot.mover = None;
    }

    /// Whether the connection has ended, as far as the system knows without asking the server.
    pub(crate) fn is_closed(&self) -> bool {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slot.move_bytes(&mut Context::from_waker(Waker::noop()));
        slot.mover.is_none()
    }

    /// Why the connection ended, if it did and the system or the server said so. Given once.
    pub(crate) fn take_error(&mut self) -> Option<tokio_postgres::Error> {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).error.take()
    }
}

impl Slot {
    /// A mover that is done is dropped: the answers that its client still waits for then end with "connection closed".
    fn move_bytes(&mut self, cx: &mut Context<'_>) {
        if let Some(mover) = &mut self.mover
            && let Poll::Ready(end) = mover.as_mut().poll(cx)
        {
            self.mover = None;
            self.error = end.err();
        }
    }
}

impl Drop for Link {
    /// Says good-bye if that needs no waiting: the client was dropped before, so the mover sends it when it is looked at.
    fn drop(&mut self) {
        let slot = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        slot.move_bytes(&mut Context::from_waker(Waker::noop()));
    }
}
