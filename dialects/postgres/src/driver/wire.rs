//! The bytes of a connection: whole messages in both directions.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};

use bytes::BytesMut;
use postgres_protocol::message::frontend;
use relata_core::{Error, ErrorClass, Result};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::message::{self, Message, ServerError};
use crate::error::from_server;

/// What carries the bytes: TCP, a Unix socket, either of them encrypted.
pub(super) type Stream = Box<dyn Transport>;

/// [`AsyncRead`] and [`AsyncWrite`] at once.
pub(super) trait Transport: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Transport for S {}

/// The length of a message's tag and length.
const HEADER: usize = 5;

/// How many bytes a connection reads at once, at first.
const SMALL: usize = 1 << 13;

/// The same where results are large.
const LARGE: usize = 1 << 16;

/// A connection after the login: messages to be sent, and those that came.
///
/// It is not a task of its own: whoever runs a statement moves the bytes. Everything that is under way is noted here and not in
/// a future, so that a future may be dropped at any await, and the next one goes on from there. Nobody reads while nothing runs,
/// so whether the server has hung up is found by looking: [`Wire::is_closed`].
pub(super) struct Wire {
    stream: Stream,
    /// Whole messages, of which so many bytes are sent.
    output: BytesMut,
    sent: usize,
    /// What came and was not looked at yet is from `start` to `end`.
    input: Vec<u8>,
    start: usize,
    end: usize,
    /// Whether the last read left no room.
    full: bool,
    /// How often the server will say that it is ready for another query, as an answer to what was queued.
    owed: usize,
    /// Whether the server may be waiting for rows of a COPY.
    copying: bool,
    /// Whether the connection has ended.
    ended: bool,
    /// What was said of its end, and is to be told.
    last_words: Option<Error>,
}

impl Wire {
    /// A connection whose login is over, with what was read beyond it.
    pub(super) fn new(stream: Stream, read: &[u8]) -> Self {
        let mut input = vec![0; SMALL.max(read.len())];
        input[..read.len()].copy_from_slice(read);
        Wire {
            stream,
            output: BytesMut::new(),
            sent: 0,
            input,
            start: 0,
            end: read.len(),
            full: false,
            owed: 0,
            copying: false,
            ended: false,
            last_words: None,
        }
    }

    /// Queues messages; none of them if one cannot be written. What is to be answered is followed by one of the functions below.
    pub(super) fn queue(&mut self, write: impl FnOnce(&mut BytesMut) -> Result<()>) -> Result<()> {
        let start = self.output.len();
        let written = write(&mut self.output);
        if written.is_err() {
            self.output.truncate(start);
        }
        written
    }

    /// Queues a Sync: the end of what stands or falls together.
    pub(super) fn queue_sync(&mut self) {
        frontend::sync(&mut self.output);
        self.owed += 1;
    }

    /// Queues a text by the simple protocol.
    pub(super) fn queue_query(&mut self, sql: &str) -> Result<()> {
        self.queue(|out| frontend::query(sql, out).map_err(unsendable))?;
        self.owed += 1;
        Ok(())
    }

    /// From now on the server waits for rows.
    pub(super) fn begin_copy(&mut self) {
        self.copying = true;
    }

    /// Says that all rows are sent.
    pub(super) fn end_copy(&mut self) {
        self.copying = false;
        frontend::copy_done(&mut self.output);
    }

    /// Gives the COPY up.
    pub(super) fn fail_copy(&mut self) {
        self.copying = false;
        // The text holds no zero.
        let _ = frontend::copy_fail("given up", &mut self.output);
    }

    /// Sends what is queued, whether or not there is an answer.
    pub(super) async fn send(&mut self) -> Result<()> {
        poll_fn(|cx| {
            while self.poll_send(cx).is_pending() {
                // The server may not read on before its answers are read.
                ready!(self.poll_fill(cx))?;
            }
            Poll::Ready(Ok(()))
        })
        .await
    }

    /// Waits for more bytes of the server's, sending what is queued.
    pub(super) async fn more(&mut self) -> Result<()> {
        poll_fn(|cx| {
            let _ = self.poll_send(cx);
            self.poll_fill(cx)
        })
        .await
    }

    /// Whether a message is here, whole. What the server says unasked is passed over.
    pub(super) fn has_message(&mut self) -> Result<bool> {
        loop {
            let Some((tag, length)) = self.header()? else { return Ok(false) };
            if self.end - self.start < length {
                return Ok(false);
            }
            match tag {
                message::NOTICE | message::NOTIFICATION | message::PARAMETER_STATUS => self.start += length,
                _ => return Ok(true),
            }
        }
    }

    /// Takes the message that is here.
    pub(super) fn take_message(&mut self) -> Message<'_> {
        let Ok(Some((tag, length))) = self.header() else { return Message { tag: 0, body: &[] } };
        let begin = self.start;
        self.start = self.end.min(begin + length);
        if tag == message::READY_FOR_QUERY {
            self.owed = self.owed.saturating_sub(1);
        }
        Message { tag, body: &self.input[begin + HEADER..self.start] }
    }

    /// The next message.
    pub(super) async fn message(&mut self) -> Result<Message<'_>> {
        while !self.has_message()? {
            self.more().await?;
        }
        Ok(self.take_message())
    }

    /// Reads and forgets what is still to come. `last` is why the last command failed, if it did; it is kept by the caller, who
    /// may drop this midway.
    pub(super) async fn settle(&mut self, last: &mut Option<Error>) -> Result<()> {
        if self.copying {
            self.fail_copy();
        }
        while self.owed > 0 {
            let (tag, failure) = match self.message().await {
                Ok(Message { tag: message::ERROR, body }) => {
                    (message::ERROR, Some(from_server(&ServerError::parse(body))))
                }
                Ok(message) => (message.tag, None),
                Err(error) => {
                    // The server's reason comes before the system's.
                    let said = last.take().filter(|said| said.class() == ErrorClass::Disconnected);
                    return Err(said.unwrap_or(error));
                }
            };
            match tag {
                message::ERROR => *last = failure,
                message::COMMAND_COMPLETE => *last = None,
                message::COPY_IN => self.fail_copy(),
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether the connection has ended, as far as the system knows without asking the server.
    pub(super) fn is_closed(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        // While answers are to come, they are left for the one who reads them.
        while !self.ended && self.owed == 0 {
            match self.poll_fill(&mut cx) {
                Poll::Pending => break,
                Poll::Ready(Err(error)) => {
                    self.last_words.get_or_insert(error);
                }
                Poll::Ready(Ok(())) => self.listen(),
            }
        }
        self.ended
    }

    /// Hears what the server says unasked: that it closes the connection, and why.
    fn listen(&mut self) {
        while let Ok(true) = self.has_message() {
            if let Message { tag: message::ERROR, body } = self.take_message() {
                let error = from_server(&ServerError::parse(body));
                self.last_words = Some(error.reclassified(ErrorClass::Disconnected));
            }
        }
    }

    /// Ends the connection without a word.
    pub(super) fn abandon(&mut self) {
        self.ended = true;
        self.owed = 0;
        self.output.clear();
        self.sent = 0;
    }

    /// Says good-bye, and closes.
    pub(super) async fn close(mut self) {
        frontend::terminate(&mut self.output);
        poll_fn(|cx| self.poll_send(cx)).await;
        // The other side hears the end in any case.
        let _ = poll_fn(|cx| Pin::new(&mut self.stream).poll_shutdown(cx)).await;
        self.abandon();
    }

    /// The tag and the whole length of the message at the start, once they are here.
    fn header(&mut self) -> Result<Option<(u8, usize)>> {
        let Some(([tag, length @ ..], _)) = self.input[self.start..self.end].split_first_chunk::<HEADER>()
        else {
            return Ok(None);
        };
        match usize::try_from(i32::from_be_bytes(*length)) {
            Ok(length) if length >= HEADER - 1 => Ok(Some((*tag, length + 1))),
            _ => Err(self.lost("the server sent what is no message")),
        }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.output.is_empty() {
            return Poll::Ready(());
        }
        let done = loop {
            let unsent = &self.output[self.sent..];
            if unsent.is_empty() {
                break ready!(Pin::new(&mut self.stream).poll_flush(cx));
            }
            match ready!(Pin::new(&mut self.stream).poll_write(cx, unsent)) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(sent) => self.sent += sent,
                Err(error) => break Err(error),
            }
        };
        if let Err(error) = done {
            // Before it hung up, the server may have said why: reading will tell.
            self.last_words.get_or_insert_with(|| broken(&error));
        }
        self.sent = 0;
        if self.output.capacity() > LARGE {
            self.output = BytesMut::new();
        } else {
            self.output.clear();
        }
        Poll::Ready(())
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if self.ended {
            return Poll::Ready(Err(self.lost("")));
        }
        self.make_room()?;
        let mut room = ReadBuf::new(&mut self.input[self.end..]);
        let read = match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut room)) {
            Ok(()) => room.filled().len(),
            Err(error) => {
                self.ended = true;
                return Poll::Ready(Err(self.last_words.take().unwrap_or_else(|| broken(&error))));
            }
        };
        self.full = room.remaining() == 0;
        self.end += read;
        Poll::Ready(if read == 0 { Err(self.lost("")) } else { Ok(()) })
    }

    /// Makes room for the rest of a message, or for many of them.
    fn make_room(&mut self) -> Result<()> {
        let whole = self.header()?.map_or(HEADER, |(_, length)| length);
        // What is left is the beginning of a message, unless they come faster than they are looked at.
        self.input.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        let length = self.input.len();
        let is_tight = self.end == length || (self.full && length < LARGE);
        if is_tight || whole > length {
            self.input.resize(whole.max(2 * length), 0);
        }
        Ok(())
    }

    /// Lets go of what a large message needed.
    pub(super) fn shrink(&mut self) {
        if self.start == self.end && self.input.len() > LARGE {
            (self.start, self.end) = (0, 0);
            self.input = vec![0; SMALL];
        }
    }

    /// Notes that the connection has ended, and says why.
    fn lost(&mut self, why: &'static str) -> Error {
        self.ended = true;
        let why = if why.is_empty() { "the connection to the server is closed" } else { why };
        self.last_words.take().unwrap_or_else(|| Error::new(ErrorClass::Disconnected, why))
    }
}

impl Drop for Wire {
    /// Says good-bye if that needs no waiting.
    fn drop(&mut self) {
        if !self.ended {
            frontend::terminate(&mut self.output);
            let _ = self.poll_send(&mut Context::from_waker(Waker::noop()));
        }
    }
}

fn broken(error: &io::Error) -> Error {
    Error::new(ErrorClass::Disconnected, format!("lost the connection to the server: {error}"))
}

/// Text that a message cannot hold: one with a NUL, or of more than 2 GB.
pub(super) fn unsendable(error: io::Error) -> Error {
    Error::new(ErrorClass::Statement, format!("the statement cannot be sent: {error}"))
}
