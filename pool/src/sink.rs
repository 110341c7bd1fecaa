//! Where rows go.

use std::{
    any::Any,
    sync::{Arc, Mutex, PoisonError},
};

use relata_core::{
    Error, ErrorClass, Result,
    driver::{BoxFuture, Flow, Job, Row, Sink},
    projection::RowReader,
    statement::ReadRow,
};

/// Collects all rows.
pub(crate) struct Collect<R> {
    read: ReadRow<R>,
    rows: Vec<R>,
}

impl<R: Send + 'static> Collect<R> {
    pub(crate) fn new(read: ReadRow<R>) -> Box<Self> {
        Box::new(Collect { read, rows: Vec::new() })
    }

    /// The rows, from the sink that came back.
    pub(crate) fn into_rows(sink: Option<Box<dyn Sink>>) -> Result<Vec<R>> {
        Ok(back::<Self>(sink)?.rows)
    }
}

impl<R: Send + 'static> Sink for Collect<R> {
    fn row(&mut self, row: &dyn Row) -> Result<Flow> {
        self.rows.push((self.read)(&mut RowReader::new(row))?);
        Ok(Flow::Continue)
    }
}

/// Keeps the first row, and whether there are more.
pub(crate) struct First<R> {
    read: ReadRow<R>,
    pub(crate) row: Option<R>,
    pub(crate) more: bool,
    /// Whether to stop as soon as all is known. A statement that writes is read to its end.
    stop: bool,
}

impl<R: Send + 'static> First<R> {
    pub(crate) fn new(read: ReadRow<R>, stop: bool) -> Box<Self> {
        Box::new(First { read, row: None, more: false, stop })
    }

    pub(crate) fn back(sink: Option<Box<dyn Sink>>) -> Result<Box<Self>> {
        back(sink)
    }
}

impl<R: Send + 'static> Sink for First<R> {
    fn row(&mut self, row: &dyn Row) -> Result<Flow> {
        if self.row.is_none() {
            self.row = Some((self.read)(&mut RowReader::new(row))?);
            return Ok(Flow::Continue);
        }
        self.more = true;
        Ok(if self.stop { Flow::Stop } else { Flow::Continue })
    }
}

/// One sink for several jobs that travel together.
#[derive(Clone)]
pub(crate) struct Relay(Arc<Mutex<Option<Box<dyn Sink>>>>);

impl Relay {
    pub(crate) fn new(sink: Box<dyn Sink>) -> Self {
        Relay(Arc::new(Mutex::new(Some(sink))))
    }

    /// The sink behind it. All rows must have come.
    pub(crate) fn into_inner(self) -> Option<Box<dyn Sink>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Sink for Relay {
    fn row(&mut self, row: &dyn Row) -> Result<Flow> {
        let mut sink = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sink) = sink.as_mut() else { return Ok(Flow::Stop) };
        // These rows were just inserted, so the caller has room for them: there is no need to pause.
        Ok(match sink.row(row)? {
            Flow::Pause => Flow::Continue,
            flow => flow,
        })
    }
}

/// Counts the rows on their way to another sink.
pub(crate) struct Counted {
    sink: Box<dyn Sink>,
    rows: u64,
    stopped: bool,
}

impl Counted {
    pub(crate) fn new(sink: Box<dyn Sink>) -> Box<Self> {
        Box::new(Counted { sink, rows: 0, stopped: false })
    }

    /// How many rows there were; `None` if the sink did not want all.
    pub(crate) fn rows(&self) -> Option<u64> {
        (!self.stopped).then_some(self.rows)
    }

    /// The sink behind it.
    pub(crate) fn into_inner(self) -> Box<dyn Sink> {
        self.sink
    }

    /// Gives the job the sink behind its counter back, and says how many rows there were.
    pub(crate) fn take_off(job: &mut Job<'_>) -> u64 {
        let Some(sink) = job.sink.take() else { return 0 };
        if !(&*sink as &dyn Any).is::<Counted>() {
            job.sink = Some(sink);
            return 0;
        }
        match back::<Counted>(Some(sink)) {
            Ok(counted) => {
                job.sink = Some(counted.sink);
                counted.rows
            }
            Err(_) => 0,
        }
    }
}

impl Sink for Counted {
    fn row(&mut self, row: &dyn Row) -> Result<Flow> {
        self.rows += 1;
        let flow = self.sink.row(row)?;
        self.stopped |= flow == Flow::Stop;
        Ok(flow)
    }

    fn ready(&mut self) -> BoxFuture<'_, Result<Flow>> {
        self.sink.ready()
    }
}

/// The sink that a driver gave back, as what it was.
pub(crate) fn back<S: Sink>(sink: Option<Box<dyn Sink>>) -> Result<Box<S>> {
    let lost = || Error::new(ErrorClass::Other, "the driver did not give the sink of the rows back");
    let any: Box<dyn Any> = sink.ok_or_else(lost)?;
    any.downcast().map_err(|_| lost())
}
