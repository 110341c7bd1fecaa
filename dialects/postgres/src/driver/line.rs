//! Reads of several tasks over one connection, side by side.
//!
//! Each statement is sent behind those that are not answered yet. The answers come in the same order, so there is a queue: who is
//! first in it moves the bytes and reads its own answer, and then wakes the next one, whose answer may be here already. There is no
//! task that does it for all. One that leaves early is noted in the queue, and its answer is passed over by whoever is next. One that
//! stays but is not polled would hold up all the others: one of them loses patience, and keeps its answer for it.

use std::{
    collections::{HashMap, VecDeque},
    future::{Future, poll_fn},
    mem,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
    time::Duration,
};

use relata_core::{
    Error, Result,
    driver::{BoxFuture, Job, SharedReader},
    render::Bind,
};
use tokio::time::sleep;

use super::{
    cache::{Cache, Prepared},
    decode::Cells,
    message::{self, Message},
    run::{Answer, Plan, Preparation, forget, is_outdated, plan, queue, queue_preparation},
    wire::Wire,
};

/// A connection, and who waits for an answer over it.
pub(super) struct Line {
    pub(super) wire: Wire,
    pub(super) cache: Cache,
    queue: VecDeque<Place>,
    /// The number of the first place in the queue.
    first: u64,
    /// Answers, or parts of them, that others have read, by the place.
    kept: HashMap<u64, Kept>,
}

/// Messages that are kept for somebody.
#[derive(Default)]
struct Kept {
    messages: Vec<(u8, Box<[u8]>)>,
    /// Whether the last one is among them.
    whole: bool,
}

/// How long somebody waits for those before him to read their answers, before he does it.
const PATIENCE: Duration = Duration::from_millis(20);

/// A place in the queue.
enum Place {
    /// Waits for its turn, or for bytes in it.
    Taken(Option<Waker>),
    /// Nobody waits for the answer any more.
    Left,
}

impl Line {
    /// Where a place is in the queue, unless its answer is over.
    fn index(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.first)?).ok().filter(|index| *index < self.queue.len())
    }

    /// Whether nobody who is still there is before a place.
    fn is_turn_of(&self, number: u64) -> bool {
        let before = self.index(number).unwrap_or(0);
        self.queue.iter().take(before).all(|place| matches!(place, Place::Left))
    }

    /// Notes who is to be woken, and gives who was before.
    fn wait(&mut self, number: u64, waker: &Waker) -> Option<Waker> {
        let index = self.index(number)?;
        match self.queue.get_mut(index) {
            Some(Place::Taken(Some(old))) if old.will_wake(waker) => None,
            Some(Place::Taken(old)) => old.replace(waker.clone()),
            _ => None,
        }
    }

    /// Who is to move the bytes, if he waits.
    fn take_reader(&mut self) -> Option<Waker> {
        let still_here = self.queue.iter_mut().find_map(|place| match place {
            Place::Taken(waker) => Some(waker),
            Place::Left => None,
        });
        still_here?.take()
    }

    /// Takes the message that is here: hears it, if it is for this place, and keeps it for another. Who is to be woken because his
    /// answer is whole.
    fn take_message(&mut self, number: u64, hear: &mut impl FnMut(&Message<'_>)) -> Option<Waker> {
        let message = self.wire.take_message();
        let last = message.tag == message::READY_FOR_QUERY;
        if self.first == number {
            hear(&message);
        } else if let Some(Place::Taken(_)) = self.queue.front() {
            let kept = self.kept.entry(self.first).or_default();
            kept.messages.push((message.tag, message.body.into()));
            kept.whole = last;
        }
        if !last {
            return None;
        }
        self.first += 1;
        match self.queue.pop_front() {
            Some(Place::Taken(waker)) => waker,
            _ => None,
        }
    }

    /// Whether the answer to a place is over.
    fn is_over(&self, number: u64) -> bool {
        number < self.first
    }
}

/// A [`Line`] as those have it who share it.
pub(super) struct SharedLine(Mutex<Line>);

impl SharedLine {
    pub(super) fn new(wire: Wire, cache: Cache) -> Self {
        let kept = HashMap::new();
        SharedLine(Mutex::new(Line { wire, cache, queue: VecDeque::new(), first: 0, kept }))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The line for one alone: whoever was in the queue has left it.
    pub(super) fn alone(&mut self) -> &mut Line {
        let line = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        line.first += line.queue.len() as u64;
        line.queue.clear();
        line.kept.clear();
        line
    }

    pub(super) fn into_inner(self) -> Line {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues what is answered once, and takes a place for the answer.
    fn enter<T>(&self, queue: impl FnOnce(&mut Line) -> Result<T>) -> Result<(Turn<'_>, T)> {
        let mut line = self.lock();
        if line.queue.is_empty() {
            let Line { wire, cache, queue, .. } = &mut *line;
            // What was left behind by the last who had the line alone.
            queue.extend((0..wire.owed()).map(|_| Place::Left));
            // While there are others, they may be about to use one of them.
            forget(wire, cache)?;
        }
        let queued = queue(&mut line)?;
        // Who reads sends as well, for all that came meanwhile.
        let reader = line.take_reader();
        let number = line.first + line.queue.len() as u64;
        line.queue.push_back(Place::Taken(None));
        drop(line);
        reader.into_iter().for_each(Waker::wake);
        Ok((Turn { line: self, number }, queued))
    }

    async fn prepare(&self, sql: &str, binds: &[Bind<'_>]) -> Result<Arc<Prepared>> {
        let (turn, name) = self.enter(|line| {
            let name = queue_preparation(&mut line.wire, &mut line.cache, sql, binds)?;
            line.wire.queue_sync();
            Ok(name)
        })?;
        let mut preparation = Preparation::new(name);
        turn.hear(|message| preparation.hear(message)).await?;
        let prepared = preparation.end()?;
        self.lock().cache.put(sql, binds, Arc::clone(&prepared));
        Ok(prepared)
    }

    async fn try_read(&self, job: &mut Job<'_>) -> Result<()> {
        let mut plan = plan(&mut self.lock().cache, job);
        if let Plan::Missing = plan {
            plan = Plan::Prepared(self.prepare(job.sql, job.binds).await?);
        }
        let (turn, ()) = self.enter(|line| queue(&mut line.wire, job, &plan, false))?;
        let mut answer = Answer::new(job);
        let mut cells = Cells::new();
        // It never rests.
        turn.hear(|message| answer.hear(message, job, &plan, &mut cells).map(drop)).await?;
        answer.end(job)
    }
}

impl SharedReader for SharedLine {
    fn read<'a, 's: 'a>(&'a self, job: &'a mut Job<'s>) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            // The second time, if it was prepared too long ago.
            for _ in 0..2 {
                match self.try_read(job).await {
                    Ok(()) => return Ok(true),
                    Err(error) if is_outdated(&error) => self.lock().cache.remove(job.sql, job.binds),
                    Err(error) => return Err(error.with_statement(job.sql)),
                }
            }
            Ok(false)
        })
    }
}

/// A place in the queue of a line, until it is left.
struct Turn<'l> {
    line: &'l SharedLine,
    number: u64,
}

impl Turn<'_> {
    /// Waits for its turn, and then hears the messages of its answer, up to the first failure.
    async fn hear(self, mut hear: impl FnMut(&Message<'_>) -> Result<()>) -> Result<()> {
        let mut failure: Option<Error> = None;
        let mut hear = |message: &Message<'_>| {
            if failure.is_none() {
                failure = hear(message).err();
            }
        };
        let mut patience = pin!(sleep(PATIENCE));
        let mut patient = true;
        let end = poll_fn(|cx| {
            loop {
                // Let go of each time that there is no more to read at once, since others want to queue theirs.
                let mut line = self.line.lock();
                if let Some(kept) = line.kept.remove(&self.number) {
                    kept.messages.iter().for_each(|(tag, body)| hear(&Message { tag: *tag, body }));
                    if kept.whole {
                        return Poll::Ready(Ok(()));
                    }
                }
                if !line.is_turn_of(self.number) && patient {
                    patient = patience.as_mut().poll(cx).is_pending();
                }
                if line.is_turn_of(self.number) || !patient {
                    while line.wire.has_message()? {
                        let whole = line.take_message(self.number, &mut hear);
                        if line.is_over(self.number) {
                            return Poll::Ready(Ok(()));
                        }
                        whole.into_iter().for_each(Waker::wake);
                    }
                    if let Poll::Ready(more) = line.wire.poll_more(cx) {
                        more?;
                        continue;
                    }
                }
                let before = line.wait(self.number, cx.waker());
                drop(line);
                drop(before);
                return Poll::Pending;
            }
        })
        .await;
        // What the server says before it hangs up tells more.
        failure.map_or(end, Err)
    }
}

impl Drop for Turn<'_> {
    /// Lets the next one go on. Its answer, if it is still to come, is passed over.
    fn drop(&mut self) {
        let mut line = self.line.lock();
        let index = line.index(self.number);
        let place = index.and_then(|index| line.queue.get_mut(index));
        let left = place.map(|place| mem::replace(place, Place::Left));
        let kept = line.kept.remove(&self.number);
        if line.queue.is_empty() {
            line.wire.shrink();
        }
        let reader = line.take_reader();
        drop(line);
        drop((left, kept));
        reader.into_iter().for_each(Waker::wake);
    }
}
