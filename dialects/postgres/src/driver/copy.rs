//! COPY: many rows behind one statement, in the binary format ("COPY", Binary Format).

use std::pin::pin;

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::SinkExt;
use relata_core::{
    Error, ErrorClass, Result,
    render::{Bind, InputColumn},
};
use tokio_postgres::{Client, types::Type};

use super::{
    bind::bind_type,
    encode::{Why, encode_sized},
};
use crate::error::from_driver;

/// About how much is sent at once, in bytes.
const CHUNK: usize = 1 << 16;

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// Sends the rows that the binds hold, one column each, behind a COPY, and says how many there were.
pub(super) async fn copy(client: &Client, sql: &str, binds: &[Bind<'_>]) -> Result<u64> {
    let result = send(client, sql, binds).await;
    if result.is_err() {
        // A COPY that is given up ends with the next message. Until the server has heard of it, it keeps its locks.
        let _ = client.batch_execute("").await;
    }
    result
}

async fn send(client: &Client, sql: &str, binds: &[Bind<'_>]) -> Result<u64> {
    let columns = columns(binds)?;
    let rows = columns.first().map_or(0, |(column, _)| column.values().len());
    let mut cells: Vec<_> = columns.iter().map(|(column, ty)| (*column, column.values(), ty)).collect();
    let width = i16::try_from(columns.len()).map_err(|_| refused("there are too many columns".into()))?;
    let mut sink = pin!(client.copy_in::<_, Bytes>(sql).await.map_err(from_driver)?);
    let mut out = BytesMut::with_capacity(CHUNK * 2);
    out.put_slice(SIGNATURE);
    // No flags, and nothing more in the header.
    out.put_i64(0);
    for row in 0..rows {
        out.put_i16(width);
        for (column, values, ty) in &mut cells {
            // All columns are of the same rows.
            let Some(value) = values.next() else { return Err(refused("a row is not whole".into())) };
            encode_sized(value, ty, &mut out).map_err(|why| {
                refused(format!("the value of {} in row {row} {why}", column.name()).into())
            })?;
        }
        if out.len() >= CHUNK {
            sink.as_mut().feed(out.split().freeze()).await.map_err(from_driver)?;
            out.reserve(CHUNK * 2);
        }
    }
    out.put_i16(-1);
    sink.as_mut().feed(out.freeze()).await.map_err(from_driver)?;
    sink.as_mut().finish().await.map_err(from_driver)
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
