//! The bytes of a connection: moved by whoever waits for an answer.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_util::task::AtomicWaker;

/// What tokio-postgres gives besides the client: a future that moves the bytes.
pub(crate) type Mover = Pin<Box<dyn Future<Output = Result<(), tokio_postgres::Error>> + Send>>;

/// The socket of a connection.
///
/// It is not a task of its own: whoever runs a statement moves the bytes as well. That saves two switches between tasks per
/// round trip, and what is queued together goes out in one write. Nobody reads while nothing runs, so whether the server
/// has hung up is found by looking: [`Link::is_closed`].
///
pub(crate) struct Link {
    /// Behind a mutex, never a contended one, since [`Link::is_closed`] has only a shared reference.
    slot: Mutex<Slot>,
    bell: Arc<Bell>,
}

#[derive(Default)]
struct Slot {
    /// `None` once the connection has ended.
    mover: Option<Mover>,
    /// Why it ended.
    error: Option<tokio_postgres::Error>,
}

impl Link {
    pub(crate) fn new(mover: Mover) -> Self {
        Link { slot: Mutex::new(Slot { mover: Some(mover), error: None }), bell: Arc::default() }
    }

    /// Moves bytes until a future of the client's is ready.
    ///
    /// Dropped midway, it leaves the connection in the middle of the answer, to be read by the next call.
    pub(crate) async fn drive<F: Future>(&mut self, future: F) -> F::Output {
        let slot = self.slot.get_mut().unwrap_or_else(PoisonError::into_inner);
        let mut future = pin!(future);
        let bell = &self.bell;
        let waker = Waker::from(Arc::clone(bell));
        poll_fn(|outer| {
            bell.listener.register(outer.waker());
            let mut cx = Context::from_waker(&waker);
            for _ in 0..LOOKS {
                bell.hush();
                if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                    return Poll::Ready(output);
                }
                slot.move_bytes(&mut cx);
                if bell.listen() {
                    return Poll::Pending;
                }
            }
            bell.let_ring();
            outer.waker().wake_by_ref();
            Poll::Pending
        })
        .await
    }

    /// Moves bytes until the connection has ended; for when the client is gone.
    pub(crate) async fn finish(&mut self) {
        let slot = self.slot.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(mover) = &mut slot.mover {
            let _ = mover.await;
        }
        slot.mover = None;
    }

    /// Whether the connection has ended, as far as the system knows without asking the server.
    pub(crate) fn is_closed(&self) -> bool {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        slot.move_bytes(&mut Context::from_waker(Waker::noop()));
        slot.mover.is_none()
    }

    /// Why the connection ended, if it did and the system or the server said so. Given once.
    pub(crate) fn take_error(&mut self) -> Option<tokio_postgres::Error> {
        self.slot.get_mut().unwrap_or_else(PoisonError::into_inner).error.take()
    }
}

/// How often a poll looks at both the future and the mover before it goes back to the scheduler: twice for an answer that has
/// come, and more where several are on their way. Bounded, as what has used up its time slice rings until it is let go.
const LOOKS: usize = 4;

/// What the future and the mover of a link wake.
///
/// They mostly wake each other, in the very task that polls both. Told of that, the scheduler would queue the task again and
/// send another thread after it, at a higher price than the query's: so while the task is polled, it is only noted.
#[derive(Default)]
struct Bell {
    state: AtomicU8,
    listener: AtomicWaker,
}

/// It rings through to the listener.
const LOUD: u8 = 0;
/// The listener is at work and looks by itself whether it has rung.
const HUSHED: u8 = 1;
/// It has rung while it was hushed.
const RUNG: u8 = 2;

impl Bell {
    /// From now on it is only noted that it rings; what was noted is forgotten.
    fn hush(&self) {
        self.state.store(HUSHED, Ordering::SeqCst);
    }

    /// Lets it ring through again, unless it has rung since it was hushed.
    fn listen(&self) -> bool {
        self.state.compare_exchange(HUSHED, LOUD, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Lets it ring through again.
    fn let_ring(&self) {
        self.state.store(LOUD, Ordering::SeqCst);
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.compare_exchange(HUSHED, RUNG, Ordering::SeqCst, Ordering::SeqCst) == Err(LOUD) {
            self.listener.wake();
        }
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
        let slot = self.slot.get_mut().unwrap_or_else(PoisonError::into_inner);
        slot.move_bytes(&mut Context::from_waker(Waker::noop()));
    }
}
