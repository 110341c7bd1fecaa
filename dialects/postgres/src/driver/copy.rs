//! COPY: many rows behind one statement, in the binary format ("COPY", Binary Format).

use bytes::{BufMut, BytesMut};
use relata_core::{
    Error, ErrorClass, Result,
    driver::Job,
    render::{Bind, InputColumn},
};
use tokio_postgres::types::Type;

use super::{
    bind::bind_type,
    encode::{Why, encode_sized},
    message::{self, row_count},
    wire::Wire,
};

/// About how much is sent at once, in bytes.
const CHUNK: usize = 1 << 14;

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// Sends the rows that the binds hold, one column each, behind a COPY.
pub(super) async fn run_copy(wire: &mut Wire, job: &mut Job<'_>) -> Result<()> {
    let copied = copy(wire, job.sql, job.binds).await;
    job.rows_affected = copied.map_err(|error| error.with_statement(job.sql))?;
    job.done = true;
    Ok(())
}

async fn copy(wire: &mut Wire, sql: &str, binds: &[Bind<'_>]) -> Result<u64> {
    let columns = columns(binds)?;
    wire.queue_copy(sql)?;
    loop {
        let message = wire.message().await?;
        match message.tag {
            message::COPY_IN => break,
            message::ERROR => return Err(message.error(None)),
            message::READY_FOR_QUERY => return Err(refused("the statement takes no rows".into())),
            _ => {}
        }
    }
    if let Err(error) = send(wire, &columns).await {
        // Until the server has heard of it, it keeps its locks.
        wire.settle(&mut None).await?;
        return Err(error);
    }
    wire.end_copy();
    let mut count = 0;
    loop {
        let message = wire.message().await?;
        match message.tag {
            message::COMMAND_COMPLETE => count = row_count(message.body),
            message::ERROR => return Err(message.error(Some(binds))),
            message::READY_FOR_QUERY => return Ok(count),
            _ => {}
        }
    }
}

async fn send(wire: &mut Wire, columns: &[(&InputColumn<'_>, Type)]) -> Result<()> {
    let rows = columns.first().map_or(0, |(column, _)| column.values().len());
    let mut cells: Vec<_> = columns.iter().map(|(column, ty)| (*column, column.values(), ty)).collect();
    let width = i16::try_from(columns.len()).map_err(|_| refused("there are too many columns".into()))?;
    let mut next = 0;
    while next <= rows {
        wire.queue(|out| {
            write_data(out, |out| {
                let start = out.len();
                if next == 0 {
                    out.put_slice(SIGNATURE);
                    // No flags, and nothing more in the header.
                    out.put_i64(0);
                }
                while next < rows && out.len() - start < CHUNK {
                    out.put_i16(width);
                    for (column, values, ty) in &mut cells {
                        // All columns are of the same rows.
                        let Some(value) = values.next() else {
                            return Err(refused("a row is not whole".into()));
                        };
                        encode_sized(value, ty, out).map_err(|why| {
                            refused(format!("the value of {} in row {next} {why}", column.name()).into())
                        })?;
                    }
                    next += 1;
                }
                if next == rows {
                    next += 1;
                    out.put_i16(-1);
                }
                Ok(())
            })
        })?;
        wire.send().await?;
        if wire.has_message()? {
            // The server has found something wrong, and says it instead of waiting for the rest.
            break;
        }
    }
    Ok(())
}

/// Queues a CopyData (54.7).
fn write_data(out: &mut BytesMut, write: impl FnOnce(&mut BytesMut) -> Result<()>) -> Result<()> {
    out.put_u8(b'd');
    let start = out.len();
    out.put_i32(0);
    write(out)?;
    let length = i32::try_from(out.len() - start).map_err(|_| refused("a row is too long".into()))?;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

fn columns<'b>(binds: &'b [Bind<'_>]) -> Result<Vec<(&'b InputColumn<'b>, Type)>> {
    let columns = binds.iter().map(|bind| match bind {
        Bind::Column(column) => Some((column, bind_type(column.kind()))),
        Bind::Value(_) => None,
    });
    columns.collect::<Option<_>>().ok_or_else(|| refused("COPY takes columns".into()))
}

fn refused(why: Why) -> Error {
    Error::new(ErrorClass::Data, why)
}
