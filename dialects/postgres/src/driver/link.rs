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
pub(crate) struct Link {
    /// Behind a mutex, never a contended one, since [`Link::is_closed`] has only a shared reference.
    slot: Mutex<Slot>,
    bells: Arc<Bells>,
    /// What the future and the mover are polled with.
    future: Waker,
    mover: Waker,
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
        let bells = Arc::<Bells>::default();
        // The first look is for nothing that has happened: it says what to wait for.
        bells.ring(MOVER);
        Link {
            slot: Mutex::new(Slot { mover: Some(mover), error: None }),
            future: Waker::from(Arc::new(Bell { bells: Arc::clone(&bells), of: FUTURE })),
            mover: Waker::from(Arc::new(Bell { bells: Arc::clone(&bells), of: MOVER })),
            bells,
        }
    }

    /// Moves bytes until a future of the client's is ready.
    ///
    /// Dropped midway, it leaves the connection in the middle of the answer, to be read by the next call.
    pub(crate) async fn drive<F: Future>(&mut self, future: F) -> F::Output {
        let slot = self.slot.get_mut().unwrap_or_else(PoisonError::into_inner);
        let mut future = pin!(future);
        let bells = &self.bells;
        bells.ring(FUTURE);
        poll_fn(|outer| {
            bells.listener.register(outer.waker());
            bells.hush();
            for _ in 0..LOOKS {
                if bells.has_rung(FUTURE)
                    && let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&self.future))
                {
                    return Poll::Ready(output);
                }
                if bells.has_rung(MOVER) {
                    slot.move_bytes(&mut Context::from_waker(&self.mover));
                }
                if bells.listen() {
                    return Poll::Pending;
                }
            }
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

    /// Whether the connection has ended, as far as the system knows without asking the server: then the bell has rung.
    pub(crate) fn is_closed(&self) -> bool {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        if self.bells.has_rung(MOVER) {
            slot.move_bytes(&mut Context::from_waker(&self.mover));
        }
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

/// What the future and the mover of a link wake, each its own.
///
/// They mostly wake each other, in the very task that polls both. Told of that, the scheduler would queue the task again and
/// send another thread after it, at a higher price than the query's: so while the task is polled, it is only noted which of
/// them is to be looked at.
#[derive(Default)]
struct Bells {
    /// Which have rung, and whether somebody listens.
    state: AtomicU8,
    listener: AtomicWaker,
}

/// The bell of the future has rung.
const FUTURE: u8 = 1;
/// The bell of the mover has rung.
const MOVER: u8 = 2;
/// The listener sleeps: it is to be woken.
const ASLEEP: u8 = 4;

impl Bells {
    fn ring(&self, bell: u8) {
        if self.state.fetch_or(bell, Ordering::SeqCst) & ASLEEP != 0 {
            self.listener.wake();
        }
    }

    /// From now on it is only noted that one rings.
    fn hush(&self) {
        self.state.fetch_and(!ASLEEP, Ordering::SeqCst);
    }

    /// Whether a bell has rung since this was asked last.
    fn has_rung(&self, bell: u8) -> bool {
        self.state.fetch_and(!bell, Ordering::SeqCst) & bell != 0
    }

    /// Lets them wake the listener again, unless one has rung already.
    fn listen(&self) -> bool {
        self.state.compare_exchange(0, ASLEEP, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }
}

/// One of them.
struct Bell {
    bells: Arc<Bells>,
    of: u8,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.bells.ring(self.of);
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
