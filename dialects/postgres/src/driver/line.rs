//! Reads of several tasks over one connection, side by side.
//!
//! Each statement is sent behind those that are not answered yet, and the answers come in the same order. One future moves the bytes
//! for all, and puts each answer into the inbox of who asked; whoever asked decodes it there. So nobody waits for somebody else who is
//! slow, or who is not polled, and one that is dropped leaves an answer that nobody takes.

use std::{
    collections::VecDeque,
    future::poll_fn,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use relata_core::{
    Error, ErrorClass, Result,
    driver::{BoxFuture, Job, SharedReader},
};

use super::{
    answer::Answer,
    cache::Cache,
    decode::Cells,
    message::{self, Message},
    prepare::{Plan, Preparation, is_outdated, plan, queue_preparation},
    run::queue,
    wire::Wire,
};

/// A connection, and what is prepared on it.
pub(super) struct Line {
    pub(super) wire: Wire,
    pub(super) cache: Cache,
}

/// A line, and who waits for an answer over it, while reads share it.
pub(super) struct SharedLine(Mutex<Shared>);

struct Shared {
    /// `None` once somebody has it alone again.
    line: Option<Line>,
    /// One for each answer that is still to come.
    inboxes: VecDeque<Arc<Mutex<Inbox>>>,
    /// Who moves the bytes, while he rests.
    mover: Option<Waker>,
    /// Whether nobody will ask any more.
    ended: bool,
}

/// What came of an answer and was not looked at yet.
#[derive(Default)]
struct Inbox {
    /// Whole messages, as they came.
    messages: Vec<u8>,
    /// How the answer ended.
    end: Option<Result<()>>,
    waker: Option<Waker>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SharedLine {
    pub(super) fn new(line: Line) -> Arc<Self> {
        // What was left behind is answered to nobody.
        let inboxes = (0..line.wire.owed()).map(|_| Arc::default()).collect();
        let shared = Shared { line: Some(line), inboxes, mover: None, ended: false };
        Arc::new(SharedLine(Mutex::new(shared)))
    }

    /// The line, for one alone.
    pub(super) fn take_back(&self) -> Option<Line> {
        lock(&self.0).line.take()
    }

    /// Asks the line something.
    pub(super) fn with<T>(&self, ask: impl FnOnce(&mut Line) -> T) -> Option<T> {
        lock(&self.0).line.as_mut().map(ask)
    }

    /// Moves the bytes for all who read, until nobody will any more.
    pub(super) async fn move_bytes(self: Arc<Self>) {
        let mut woken = Vec::new();
        poll_fn(|cx| {
            loop {
                // Let go of between two reads, since others want to ask.
                let moved = lock(&self.0).poll_move(cx, &mut woken);
                woken.drain(..).for_each(Waker::wake);
                match moved {
                    Poll::Ready(true) => {}
                    Poll::Ready(false) => return Poll::Ready(()),
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await;
    }
}

impl Shared {
    /// Brings what is here to the inboxes, then sends what was asked and reads on: whether there may be more. Those in `woken` are to
    /// hear of it.
    fn poll_move(&mut self, cx: &mut Context<'_>, woken: &mut Vec<Waker>) -> Poll<bool> {
        let Some(Line { wire, .. }) = self.line.as_mut().filter(|_| !self.ended) else {
            return Poll::Ready(false);
        };
        while let Some(inbox) = self.inboxes.front() {
            let end = match wire.has_message() {
                Ok(true) => {
                    let message = wire.take_message();
                    // Unless nobody waits for it.
                    if Arc::strong_count(inbox) > 1 {
                        let mut inbox = lock(inbox);
                        inbox.put(&message);
                        woken.extend(inbox.waker.take());
                    }
                    if message.tag != message::READY_FOR_QUERY {
                        continue;
                    }
                    Ok(())
                }
                Ok(false) => match wire.poll_more(cx) {
                    Poll::Ready(Ok(())) => return Poll::Ready(true),
                    Poll::Ready(Err(error)) => Err(error),
                    Poll::Pending => break,
                },
                Err(error) => Err(error),
            };
            let mut ended = lock(inbox);
            ended.end = Some(end);
            woken.extend(ended.waker.take());
            drop(ended);
            self.inboxes.pop_front();
        }
        wire.shrink();
        self.mover = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Inbox {
    fn put(&mut self, message: &Message<'_>) {
        self.messages.push(message.tag);
        self.messages.extend_from_slice(&message.body.len().to_ne_bytes());
        self.messages.extend_from_slice(message.body);
    }
}

/// The messages of an inbox.
fn messages(bytes: &[u8]) -> impl Iterator<Item = Message<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (tag, behind) = rest.split_first()?;
        let (length, behind) = behind.split_first_chunk()?;
        let (body, behind) = behind.split_at_checked(usize::from_ne_bytes(*length))?;
        rest = behind;
        Some(Message { tag: *tag, body })
    })
}

/// A [`SharedLine`] as those have it who read.
pub(super) struct Reader(pub(super) Arc<SharedLine>);

impl Reader {
    /// Queues what is answered once, and gives where the answer will be.
    fn ask<T>(&self, queue: impl FnOnce(&mut Line) -> Result<T>) -> Result<(T, Answers)> {
        let mut shared = lock(&self.0.0);
        let line = shared.line.as_mut();
        let line = line
            .ok_or_else(|| Error::new(ErrorClass::Disconnected, "the connection is not shared any more"))?;
        let queued = queue(line)?;
        let inbox = Arc::<Mutex<Inbox>>::default();
        shared.inboxes.push_back(Arc::clone(&inbox));
        let mover = shared.mover.take();
        drop(shared);
        mover.into_iter().for_each(Waker::wake);
        Ok((queued, Answers(inbox)))
    }

    async fn try_read(&self, job: &mut Job<'_>) -> Result<()> {
        let (asked, mut answers) = self.ask(|Line { wire, cache }| match plan(cache, job) {
            Plan::Missing => {
                let name = queue_preparation(wire, cache, job.sql, job.binds)?;
                wire.queue_sync();
                Ok(Asked::Preparation(Preparation::new(name)))
            }
            plan => queue(wire, job, &plan, false).map(|()| Asked::Rows(plan)),
        })?;
        let plan = match asked {
            Asked::Rows(plan) => plan,
            Asked::Preparation(mut preparation) => {
                answers.hear(|message| preparation.hear(message)).await?;
                let prepared = preparation.end()?;
                let plan = Plan::Prepared(Arc::clone(&prepared));
                ((), answers) = self.ask(|Line { wire, cache }| {
                    cache.put(job.sql, job.binds, prepared);
                    queue(wire, job, &plan, false)
                })?;
                plan
            }
        };
        let mut answer = Answer::new(job);
        let mut cells = Cells::new();
        // The sink of a job that reads alone never rests.
        answers.hear(|message| answer.hear(message, job, &plan, &mut cells).map(drop)).await?;
        answer.end(job)
    }
}

/// What was asked for.
enum Asked {
    Preparation(Preparation),
    Rows(Plan),
}

impl SharedReader for Reader {
    fn read<'a, 's: 'a>(&'a self, job: &'a mut Job<'s>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let mut read = self.try_read(job).await;
            if read.as_ref().is_err_and(is_outdated) && job.rows == 0 {
                let prepared = self.0.with(|line| {
                    line.cache.remove(job.sql, job.binds);
                    line.cache.is_on()
                });
                if prepared == Some(true) {
                    read = self.try_read(job).await;
                }
            }
            read.map_err(|error| error.with_statement(job.sql))
        })
    }
}

impl Drop for Reader {
    /// The mover ends.
    fn drop(&mut self) {
        let mut shared = lock(&self.0.0);
        shared.ended = true;
        let mover = shared.mover.take();
        drop(shared);
        mover.into_iter().for_each(Waker::wake);
    }
}

/// Where an answer comes.
struct Answers(Arc<Mutex<Inbox>>);

impl Answers {
    /// Hears the messages of the answer, up to the first failure.
    async fn hear(&mut self, mut hear: impl FnMut(&Message<'_>) -> Result<()>) -> Result<()> {
        let mut failure: Option<Error> = None;
        let end = poll_fn(|cx| {
            let mut inbox = lock(&self.0);
            let bytes = mem::take(&mut inbox.messages);
            let end = inbox.end.take();
            let before = match &end {
                None => inbox.waker.replace(cx.waker().clone()),
                Some(_) => None,
            };
            drop(inbox);
            drop(before);
            for message in messages(&bytes) {
                if failure.is_none() {
                    failure = hear(&message).err();
                }
            }
            end.map_or(Poll::Pending, Poll::Ready)
        })
        .await;
        // What the server says before it hangs up tells more.
        failure.map_or(end, Err)
    }
}
