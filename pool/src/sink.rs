//! Where rows go.

use std::{
    ops::ControlFlow,
    sync::{Mutex, PoisonError},
};

use relata_core::{
    Error, Result,
    driver::{BoxFuture, Flow, Row, Sink},
    projection::RowReader,
    statement::ReadRow,
};

/// Collects all rows.
pub(crate) struct Collect<R> {
    read: ReadRow<R>,
    pub(crate) rows: Vec<R>,
}

impl<R: Send> Collect<R> {
    pub(crate) fn new(read: ReadRow<R>) -> Self {
        Collect { read, rows: Vec::new() }
    }
}

impl<R: Send> Sink for Collect<R> {
    fn row(&mut self, row: &mut dyn Row) -> Result<Flow> {
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

impl<R: Send> First<R> {
    pub(crate) fn new(read: ReadRow<R>, stop: bool) -> Self {
        First { read, row: None, more: false, stop }
    }
}

impl<R: Send> Sink for First<R> {
    fn row(&mut self, row: &mut dyn Row) -> Result<Flow> {
        if self.row.is_none() {
            self.row = Some((self.read)(&mut RowReader::new(row))?);
            return Ok(Flow::Continue);
        }
        self.more = true;
        Ok(if self.stop { Flow::Stop } else { Flow::Continue })
    }
}

/// Gives each row to a function.
pub(crate) struct Each<R, F> {
    read: ReadRow<R>,
    each: F,
    /// What the function failed with. Nothing is wrong with the statement then.
    pub(crate) error: Option<Error>,
}

impl<R, F> Each<R, F> {
    pub(crate) fn new(read: ReadRow<R>, each: F) -> Self {
        Each { read, each, error: None }
    }
}

impl<R, F: FnMut(R) -> Result<ControlFlow<()>> + Send> Sink for Each<R, F> {
    fn row(&mut self, row: &mut dyn Row) -> Result<Flow> {
        Ok(match (self.each)((self.read)(&mut RowReader::new(row))?) {
            Ok(ControlFlow::Continue(())) => Flow::Continue,
            Ok(ControlFlow::Break(())) => Flow::Stop,
            Err(error) => {
                self.error = Some(error);
                Flow::Stop
            }
        })
    }
}

/// One sink for several jobs that travel together.
pub(crate) struct Relay<'m, 's>(&'m Mutex<&'s mut dyn Sink>);

impl<'m, 's> Relay<'m, 's> {
    pub(crate) fn new(sink: &'m Mutex<&'s mut dyn Sink>) -> Self {
        Relay(sink)
    }
}

impl Sink for Relay<'_, '_> {
    fn row(&mut self, row: &mut dyn Row) -> Result<Flow> {
        // These rows were just inserted, so the caller has room for them: there is no need to pause.
        Ok(match self.0.lock().unwrap_or_else(PoisonError::into_inner).row(row)? {
            Flow::Pause => Flow::Continue,
            flow => flow,
        })
    }
}

/// Counts the rows on their way to another sink.
pub(crate) struct Counted<'s> {
    sink: &'s mut dyn Sink,
    rows: u64,
    stopped: bool,
}

impl<'s> Counted<'s> {
    pub(crate) fn new(sink: &'s mut dyn Sink) -> Self {
        Counted { sink, rows: 0, stopped: false }
    }

    /// How many rows there were; `None` if the sink did not want all.
    pub(crate) fn rows(&self) -> Option<u64> {
        (!self.stopped).then_some(self.rows)
    }
}

impl Sink for Counted<'_> {
    fn row(&mut self, row: &mut dyn Row) -> Result<Flow> {
        self.rows += 1;
        let flow = self.sink.row(row)?;
        self.stopped |= flow == Flow::Stop;
        Ok(flow)
    }

    fn pauses(&self) -> bool {
        self.sink.pauses()
    }

    fn ready(&mut self) -> BoxFuture<'_, Result<Flow>> {
        self.sink.ready()
    }
}
