//! Where loads ask for rows. What is asked for at the same time travels together: a graph takes as many trips as it is deep,
//! however wide it is, where the database pipelines.

use std::{
    any::Any,
    fmt,
    future::poll_fn,
    mem,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
};

use relata_core::{
    Result,
    dialect::Dialect,
    driver::{BoxFuture, Job, Mode, Sink},
    render::Compiler,
    statement::SelectBody,
};
use relata_pool::Executor;

/// Runs the statements of a load.
///
/// The edges of an entity do not wait for each other: each asks for its rows and rests. When all rest, what they asked for is
/// sent in one go.
pub struct Loader {
    compiler: Arc<Compiler>,
    asked: Mutex<Vec<Asked>>,
    /// The SQL text of the first statement.
    first: Mutex<Option<String>>,
}

/// A statement, and what becomes of it.
enum Asked {
    /// It waits for the next trip.
    Question(Box<SelectBody>, Box<dyn OwnedSink>),
    /// The sink has its rows.
    Answer(Box<dyn OwnedSink>),
    /// Whoever asked has the sink again.
    Taken,
}

/// A sink that can be kept without its type, and be given back with it.
trait OwnedSink: Sink + Any {}

impl<S: Sink + Any> OwnedSink for S {}

impl Loader {
    pub(super) fn new(compiler: Arc<Compiler>) -> Self {
        Loader { compiler, asked: Mutex::new(Vec::new()), first: Mutex::new(None) }
    }

    /// The SQL text of the first statement, for errors.
    pub(super) fn into_first_text(self) -> String {
        self.first.into_inner().unwrap_or_else(PoisonError::into_inner).unwrap_or_default()
    }

    pub(super) fn dialect(&self) -> &dyn Dialect {
        &**self.compiler.dialect()
    }

    /// Runs a statement with the rows into a sink, with the next trip.
    pub(super) async fn read<S: Sink + Any>(&self, body: SelectBody, sink: S) -> S {
        let ticket = {
            let mut asked = self.asked();
            asked.push(Asked::Question(Box::new(body), Box::new(sink)));
            asked.len() - 1
        };
        poll_fn(|_| {
            let asked = &mut self.asked()[ticket];
            match mem::replace(asked, Asked::Taken) {
                Asked::Answer(sink) => match (sink as Box<dyn Any>).downcast::<S>() {
                    Ok(sink) => Poll::Ready(*sink),
                    Err(_) => unreachable!("a sink is given back to who gave it"),
                },
                other => {
                    *asked = other;
                    // `run` polls it when there are answers.
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Runs a load that asks here, trip by trip. The first failure is that of the load.
    pub(super) async fn run<T>(
        &self,
        load: impl Future<Output = Result<T>> + Send,
        db: &mut dyn Executor,
    ) -> Result<T> {
        let mut load = pin!(load);
        loop {
            let ended = poll_fn(|context| match load.as_mut().poll(context) {
                Poll::Ready(result) => Poll::Ready(Some(result)),
                Poll::Pending if self.has_questions() => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            });
            if let Some(result) = ended.await {
                return result;
            }
            let mut asked = mem::take(&mut *self.asked());
            self.answer(&mut asked, db).await?;
            *self.asked() = asked;
        }
    }

    /// One trip with all questions.
    async fn answer(&self, asked: &mut [Asked], db: &mut dyn Executor) -> Result<()> {
        let mut questions = Vec::with_capacity(asked.len());
        for asked in &mut *asked {
            if let Asked::Question(body, sink) = asked {
                questions.push((self.compiler.compile(&**body)?, sink));
            }
        }
        let mut jobs: Vec<Job<'_>> = Vec::with_capacity(questions.len());
        for (compiled, sink) in &mut questions {
            jobs.push(Job::new(&compiled.sql, &compiled.binds, Mode::Cached).with_sink(&mut ***sink));
        }
        db.run(&mut jobs).await?;
        drop(jobs);
        if let Some((compiled, _)) = questions.into_iter().next() {
            self.first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(compiled.sql);
        }
        for asked in asked {
            *asked = match mem::replace(asked, Asked::Taken) {
                Asked::Question(_, sink) => Asked::Answer(sink),
                other => other,
            };
        }
        Ok(())
    }

    fn has_questions(&self) -> bool {
        self.asked().iter().any(|asked| matches!(asked, Asked::Question(..)))
    }

    fn asked(&self) -> MutexGuard<'_, Vec<Asked>> {
        // One task at a time has the load.
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Loader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loader").field("dialect", &self.dialect().name()).finish_non_exhaustive()
    }
}

/// Loads side by side, so that what they ask for travels together. Gives what they gave, in the order of the loads.
///
/// # Errors
///
/// That of the first that fails.
pub async fn together<T>(loads: Vec<BoxFuture<'_, Result<T>>>) -> Result<Vec<T>> {
    let mut loads: Vec<(BoxFuture<'_, Result<T>>, Option<T>)> =
        loads.into_iter().map(|load| (load, None)).collect();
    poll_fn(|context| {
        let mut all = true;
        for (load, output) in loads.iter_mut().filter(|(_, output)| output.is_none()) {
            match load.as_mut().poll(context) {
                Poll::Ready(Ok(value)) => *output = Some(value),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => all = false,
            }
        }
        if all { Poll::Ready(Ok(())) } else { Poll::Pending }
    })
    .await?;
    Ok(loads.into_iter().filter_map(|(_, output)| output).collect())
}
