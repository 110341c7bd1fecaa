//! Rows on their way from the statement's thread to the task that reads them.
//!
//! They travel as cells in a few large buffers, which go back and forth, and are decoded where they are read: text that one thread
//! allocates and another frees costs more than to copy it.

use std::{mem, sync::Arc};

use relata_core::{
    Error, Result,
    driver::{Flow, Row, Sink},
    projection::no_such_cell,
    value::Cell,
};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// How many rows travel together: few at first, so that they come soon, and then more, as it takes time to wake the other end.
const FIRST_ROWS: usize = 64;
const MOST_ROWS: usize = 4096;

/// How many bytes of text and binary data travel together at most, about.
const BYTES: usize = 1 << 17;

/// Some rows.
#[derive(Default)]
struct Rows {
    width: usize,
    cells: Vec<Packed>,
    text: String,
    bytes: Vec<u8>,
    names: Arc<[String]>,
}

/// A cell; text and binary data as places in the buffers.
enum Packed {
    Null,
    Integer(i64),
    Real(f64),
    Text(usize, usize),
    Blob(usize, usize),
}

impl Rows {
    fn count(&self) -> usize {
        self.cells.len() / self.width.max(1)
    }

    fn clear(&mut self) {
        self.cells.clear();
        self.text.clear();
        self.bytes.clear();
    }

    fn push(&mut self, cell: Cell<'_>) {
        let packed = match cell {
            Cell::I64(number) => Packed::Integer(number),
            Cell::F64(number) => Packed::Real(number),
            Cell::Text(text) => {
                let start = self.text.len();
                self.text.push_str(text);
                Packed::Text(start, self.text.len())
            }
            Cell::Bytes(bytes) => {
                let start = self.bytes.len();
                self.bytes.extend_from_slice(bytes);
                Packed::Blob(start, self.bytes.len())
            }
            // SQLite has no other storage classes.
            _ => Packed::Null,
        };
        self.cells.push(packed);
    }
}

/// One of them, as it is lent to the sink.
struct PackedRow<'r> {
    rows: &'r Rows,
    cells: &'r [Packed],
}

impl Row for PackedRow<'_> {
    fn width(&self) -> usize {
        self.cells.len()
    }

    #[inline]
    fn cell(&self, index: usize) -> Result<Cell<'_>> {
        Ok(match self.cells.get(index).ok_or_else(|| no_such_cell(index, self.width()))? {
            Packed::Null => Cell::Null,
            Packed::Integer(number) => Cell::I64(*number),
            Packed::Real(number) => Cell::F64(*number),
            Packed::Text(start, end) => Cell::Text(&self.rows.text[*start..*end]),
            Packed::Blob(start, end) => Cell::Bytes(&self.rows.bytes[*start..*end]),
        })
    }

    fn name(&self, index: usize) -> &str {
        self.rows.names.get(index).map_or("", String::as_str)
    }
}

/// Both ends of the way of the rows of one statement. Of the buffers, one is filled, one read, and one waits.
pub(super) fn pack() -> (Packer, Unpacker) {
    let (full, filled) = channel(1);
    let (empty, emptied) = channel(2);
    (Packer { rows: Rows::default(), limit: FIRST_ROWS, full, emptied }, Unpacker { filled, empty })
}

/// The end on the statement's thread: a sink.
pub(super) struct Packer {
    rows: Rows,
    /// How many rows to wait for.
    limit: usize,
    full: Sender<Rows>,
    emptied: Receiver<Rows>,
}

impl Packer {
    /// Sends what has come, and takes another buffer. Waits until there is room.
    fn send(&mut self) -> Flow {
        self.limit = (self.limit * 2).min(MOST_ROWS);
        let mut rows = self.emptied.try_recv().unwrap_or_default();
        (rows.width, rows.names) = (self.rows.width, self.rows.names.clone());
        match self.full.blocking_send(mem::replace(&mut self.rows, rows)) {
            Ok(()) => Flow::Continue,
            // Nobody wants them any more.
            Err(_) => Flow::Stop,
        }
    }

    /// Sends the last rows.
    pub(super) fn finish(mut self) {
        if self.rows.count() > 0 {
            self.send();
        }
    }
}

impl Sink for Packer {
    fn row(&mut self, row: &mut dyn Row) -> Result<Flow> {
        if self.rows.width == 0 {
            self.rows.width = row.width();
            self.rows.names = (0..row.width()).map(|index| row.name(index).to_owned()).collect();
        }
        for index in 0..self.rows.width {
            self.rows.push(row.cell(index)?);
        }
        let Rows { text, bytes, .. } = &self.rows;
        let full = self.rows.count() >= self.limit || text.len() + bytes.len() >= BYTES;
        Ok(if full { self.send() } else { Flow::Continue })
    }
}

/// The end in the task.
pub(super) struct Unpacker {
    filled: Receiver<Rows>,
    empty: Sender<Rows>,
}

impl Unpacker {
    /// Gives the rows to a sink, until there are no more or it wants no more.
    pub(super) async fn feed(mut self, sink: &mut dyn Sink) -> Result<(), Error> {
        while let Some(mut rows) = self.filled.recv().await {
            for cells in rows.cells.chunks_exact(rows.width.max(1)) {
                let mut flow = sink.row(&mut PackedRow { rows: &rows, cells })?;
                if flow == Flow::Pause {
                    flow = sink.ready().await?;
                }
                if flow == Flow::Stop {
                    return Ok(());
                }
            }
            rows.clear();
            // If it is not taken, it is not needed.
            let _ = self.empty.try_send(rows);
        }
        Ok(())
    }
}
