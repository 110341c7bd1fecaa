//! What the server answers to a job.

use relata_core::{
    Error, ErrorClass, Result,
    driver::{Flow, Job},
};

use super::{
    decode::{Cells, Column, PostgresRow},
    message::{self, Message, row_count},
    prepare::Plan,
    wire::Wire,
};

/// The answer to a job, message by message: its rows go to the sink.
pub(super) struct Answer {
    described: Option<Box<[Column]>>,
    affected: u64,
    /// The rows that are still to come are passed over.
    enough: bool,
    /// Whether the statement was prepared in the same message, and not only before.
    parsed: bool,
    refused: Option<Error>,
}

impl Answer {
    pub(super) fn new(job: &mut Job<'_>) -> Self {
        job.rows = 0;
        Answer { described: None, affected: 0, enough: job.sink.is_none(), parsed: false, refused: None }
    }

    /// Takes a message: whether the sink asks for a rest.
    #[inline]
    pub(super) fn hear(
        &mut self,
        message: &Message<'_>,
        job: &mut Job<'_>,
        plan: &Plan,
        cells: &mut Cells,
    ) -> Result<bool> {
        match message.tag {
            message::DATA_ROW if self.enough => {}
            message::DATA_ROW => {
                let Some(sink) = &mut job.sink else { return Ok(false) };
                job.rows += 1;
                let columns = match plan {
                    Plan::Prepared(prepared) => &prepared.columns,
                    _ => self.described.as_deref().unwrap_or_default(),
                };
                let mut row = PostgresRow::new(message.body, columns, cells).ok_or_else(malformed)?;
                let flow = sink.row(&mut row);
                if let Ok(Flow::Pause) = flow {
                    return Ok(true);
                }
                self.flow(flow);
            }
            message::ROW_DESCRIPTION => self.described = Column::all(message.body),
            // A transaction in which a statement has failed is not committed, and COMMIT is no error then (PostgreSQL manual, "COMMIT").
            message::COMMAND_COMPLETE if job.sql == "COMMIT" && message.body.starts_with(b"ROLLBACK") => {
                let why = "the server has rolled back the transaction instead: a statement in it had failed";
                return Err(Error::new(ErrorClass::Poisoned, why));
            }
            message::COMMAND_COMPLETE => {
                self.affected = row_count(message.body).saturating_add(self.affected)
            }
            message::PARSE_COMPLETE => self.parsed = true,
            message::ERROR => {
                // Before it is prepared it knows no values.
                let ran = self.parsed || matches!(plan, Plan::Prepared(_));
                return Err(message.error(Some(job.binds).filter(|binds| ran && !binds.is_empty())));
            }
            _ => {}
        }
        Ok(false)
    }

    /// What the sink wants next. If it wants no more, the server sends the rest all the same.
    fn flow(&mut self, flow: Result<Flow>) {
        match flow {
            Ok(flow) => self.enough = flow == Flow::Stop,
            Err(error) => (self.enough, self.refused) = (true, Some(error)),
        }
    }

    /// Notes the outcome.
    pub(super) fn end(self, job: &mut Job<'_>) -> Result<()> {
        job.rows_affected = self.affected;
        if let Some(error) = self.refused {
            return Err(error);
        }
        job.done = true;
        Ok(())
    }
}

/// Reads the answer to a job.
pub(super) async fn take(
    wire: &mut Wire,
    job: &mut Job<'_>,
    plan: &Plan,
    open: bool,
    cells: &mut Cells,
) -> Result<()> {
    let mut answer = Answer::new(job);
    loop {
        if !wire.has_message()? {
            wire.more().await?;
            continue;
        }
        let message = wire.take_message();
        if answer.hear(&message, job, plan, cells)?
            && let Some(sink) = &mut job.sink
        {
            answer.flow(sink.ready().await);
        }
        match message.tag {
            message::COMMAND_COMPLETE if open => break,
            message::READY_FOR_QUERY => break,
            message::COPY_IN => return Err(wire.refuse_copy()),
            _ => {}
        }
    }
    answer.end(job)
}

/// That a message is not as it has to be.
pub(super) fn malformed() -> Error {
    Error::new(ErrorClass::Disconnected, "the server sent what is no row")
}
