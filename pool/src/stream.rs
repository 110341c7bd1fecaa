//! Rows one by one, as they come.

use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use futures_core::Stream;
use relata_core::{
    Error, Result,
    driver::{BoxFuture, Flow, Mode, Row, Sink},
    projection::RowReader,
    statement::ReadRow,
};

use crate::{Executor, Fetch};

/// How many rows are decoded ahead of the reader: few, so that what is freed is soon used again.
const CHUNK: usize = 32;

/// The rows of a statement, as they come, with bounded memory: at most some dozens are decoded ahead.
///
/// ```ignore
/// let mut rows = Event::select().stream(&engine);
/// while let Some(event) = rows.next().await {
///     handle(event?);
/// }
/// ```
pub struct RowStream<'a, R> {
    /// Runs the statement; `None` when it has come to its end.
    statement: Option<BoxFuture<'a, Result<()>>>,
    /// How it came to its end, once all rows before that are taken.
    error: Option<Error>,
    /// Rows that the reader takes from.
    rows: VecDeque<R>,
    shared: Arc<Shared<R>>,
}

struct Shared<R> {
    chunk: Mutex<Chunk<R>>,
}

/// Rows between the sink and the reader.
struct Chunk<R> {
    rows: VecDeque<R>,
    /// Who waits for the chunk to be taken, if not in the statement's own future.
    driver: Option<Waker>,
}

impl<R> Chunk<R> {
    /// Who waits although there is room.
    fn idle_driver(&mut self) -> Option<Waker> {
        if self.rows.len() < CHUNK { self.driver.take() } else { None }
    }
}

impl<R> Shared<R> {
    // A panic elsewhere leaves the rows as good as they were.
    fn lock(&self) -> MutexGuard<'_, Chunk<R>> {
        self.chunk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a, R: Send + 'static> RowStream<'a, R> {
    pub(crate) fn new<F: Fetch<Row = R> + 'a>(statement: F, db: impl Executor + 'a) -> Self {
        let shared = Arc::new(Shared { chunk: Mutex::new(Chunk { rows: VecDeque::new(), driver: None }) });
        let mut sink = Feed { read: statement.reader(), shared: shared.clone() };
        let mut db = db;
        let statement = Box::pin(async move {
            statement.run_into(&mut db, &mut sink, Mode::Stream).await?;
            Ok(())
        });
        RowStream { statement: Some(statement), error: None, rows: VecDeque::new(), shared }
    }

    /// The next row; `None` when there are no more.
    ///
    /// # Errors
    ///
    /// As [`Fetch`] says. Nothing comes after an error.
    pub async fn next(&mut self) -> Option<Result<R>> {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<R>>> {
        if let Some(row) = self.rows.pop_front() {
            return Poll::Ready(Some(Ok(row)));
        }
        // What came meanwhile is taken before asking for more.
        if let Some(row) = self.take_chunk() {
            return Poll::Ready(Some(Ok(row)));
        }
        let Some(statement) = &mut self.statement else { return Poll::Ready(self.error.take().map(Err)) };
        if let Poll::Ready(result) = statement.as_mut().poll(context) {
            self.statement = None;
            self.error = result.err();
        }
        // A driver that waits in the statement's future has just looked by itself. To wake it would mean to wake this task.
        let waker = self.shared.lock().idle_driver();
        if let Some(waker) = waker {
            waker.wake();
        }
        match self.take_chunk() {
            Some(row) => Poll::Ready(Some(Ok(row))),
            None if self.statement.is_none() => Poll::Ready(self.error.take().map(Err)),
            None => Poll::Pending,
        }
    }

    /// Takes what has come; gives the first row of it.
    fn take_chunk(&mut self) -> Option<R> {
        std::mem::swap(&mut self.rows, &mut self.shared.lock().rows);
        self.rows.pop_front()
    }
}

impl<R: Send + 'static> Stream for RowStream<'_, R> {
    type Item = Result<R>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll(context)
    }
}

// Rows are moved, never pinned.
impl<R> Unpin for RowStream<'_, R> {}

impl<R> fmt::Debug for RowStream<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowStream").field("ended", &self.statement.is_none()).finish_non_exhaustive()
    }
}

/// Takes rows from the driver.
struct Feed<R> {
    read: ReadRow<R>,
    shared: Arc<Shared<R>>,
}

impl<R: Send + 'static> Sink for Feed<R> {
    fn row(&mut self, row: &mut dyn Row) -> Result<Flow> {
        let row = (self.read)(&mut RowReader::new(row))?;
        let mut chunk = self.shared.lock();
        chunk.rows.push_back(row);
        Ok(if chunk.rows.len() < CHUNK { Flow::Continue } else { Flow::Pause })
    }

    fn pauses(&self) -> bool {
        true
    }

    fn ready(&mut self) -> BoxFuture<'_, Result<Flow>> {
        Box::pin(poll_fn(|context| {
            let mut chunk = self.shared.lock();
            if chunk.rows.len() < CHUNK {
                chunk.driver = None;
                return Poll::Ready(Ok(Flow::Continue));
            }
            chunk.driver = Some(context.waker().clone());
            Poll::Pending
        }))
    }
}
