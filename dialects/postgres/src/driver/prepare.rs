//! Statements that the server keeps prepared: which are, and how they become so.

use std::sync::Arc;

use postgres_protocol::message::frontend;
use relata_core::{
    Error, Result,
    driver::{Job, Mode},
    render::Bind,
};
use tokio_postgres::types::Type;

use super::{
    answer::malformed,
    bind::bind_oids,
    cache::{Cache, Prepared},
    decode::Column,
    message::{self, Message, Parts},
    wire::{Wire, unsendable},
};
use crate::error::TYPE_IS_GONE;

/// How a job is sent.
pub(super) enum Plan {
    /// As text, by the simple protocol.
    Text,
    /// Prepared without a name, in the same message as its binds: where names are not wanted, and for once.
    Typed,
    /// Prepared by name.
    Prepared(Arc<Prepared>),
    /// To be prepared by name first.
    Missing,
}

pub(super) fn plan(cache: &mut Cache, job: &Job<'_>) -> Plan {
    match job.mode {
        Mode::Text if job.binds.is_empty() && job.sink.is_none() => Plan::Text,
        Mode::Text | Mode::Once => Plan::Typed,
        // It does not come here.
        Mode::Copy => Plan::Missing,
        Mode::Cached | Mode::Stream if !cache.is_on() => Plan::Typed,
        Mode::Cached | Mode::Stream => match cache.get(job.sql, job.binds) {
            Some(prepared) => Plan::Prepared(prepared),
            None => Plan::Missing,
        },
    }
}

pub(super) fn is_kept(mode: Mode) -> bool {
    matches!(mode, Mode::Cached | Mode::Stream)
}

/// Queues what prepares a statement: its name. A Sync is to follow.
pub(super) fn queue_preparation(
    wire: &mut Wire,
    cache: &mut Cache,
    sql: &str,
    binds: &[Bind<'_>],
) -> Result<String> {
    let name = cache.name();
    wire.queue(|out| {
        frontend::parse(&name, sql, bind_oids(binds), out).map_err(unsendable)?;
        frontend::describe(b'S', &name, out).map_err(unsendable)
    })?;
    Ok(name)
}

/// What the server says of a statement that it was to prepare, message by message.
pub(super) struct Preparation {
    name: String,
    parameters: Box<[Type]>,
    columns: Option<Box<[Column]>>,
}

impl Preparation {
    pub(super) fn new(name: String) -> Self {
        Preparation { name, parameters: Box::default(), columns: Some(Box::default()) }
    }

    pub(super) fn hear(&mut self, message: &Message<'_>) -> Result<()> {
        match message.tag {
            message::PARAMETER_DESCRIPTION => {
                let mut parts = Parts(message.body);
                parts.u16();
                let oids = std::iter::from_fn(|| parts.oid());
                self.parameters = oids.map(|oid| Type::from_oid(oid).unwrap_or(Type::UNKNOWN)).collect();
            }
            message::ROW_DESCRIPTION => self.columns = Column::all(message.body),
            message::ERROR => return Err(message.error(None)),
            _ => {}
        }
        Ok(())
    }

    pub(super) fn end(self) -> Result<Arc<Prepared>> {
        let Preparation { name, parameters, columns } = self;
        let columns = columns.ok_or_else(malformed)?;
        Ok(Arc::new(Prepared { name, parameters, columns }))
    }
}

/// Reads what the server says of a statement that it was to prepare.
pub(super) async fn take_preparation(wire: &mut Wire, name: String) -> Result<Arc<Prepared>> {
    let mut preparation = Preparation::new(name);
    loop {
        let message = wire.message().await?;
        preparation.hear(&message)?;
        if message.tag == message::READY_FOR_QUERY {
            return preparation.end();
        }
    }
}

/// Prepares a statement, without keeping it.
pub(super) async fn prepare(
    wire: &mut Wire,
    cache: &mut Cache,
    sql: &str,
    binds: &[Bind<'_>],
) -> Result<Arc<Prepared>> {
    let name = queue_preparation(wire, cache, sql, binds)?;
    wire.queue_sync();
    take_preparation(wire, name).await
}

/// A prepared statement whose columns have changed since ("cached plan must not change result type"), or that is not known
/// any more, after DISCARD or behind a pooler, or that names a type that was dropped and made anew, or whose binds have other types
/// than its columns by now. All are found before anything is done. What a function raises with one of these codes is taken for the same:
/// it is run once more, and has left nothing by then, as a statement that fails is undone.
pub(super) fn is_outdated(error: &Error) -> bool {
    match error.code() {
        Some("0A000" | "26000" | "42804" | "42883") => true,
        Some("XX000") => error.to_string().contains(TYPE_IS_GONE),
        _ => false,
    }
}
