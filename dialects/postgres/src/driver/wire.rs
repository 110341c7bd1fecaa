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

use super::message::{self, Message};

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
const LARGE: usize = 1 << 15;

const CLOSED: &str = "the connection to the server is closed";

/// Whether the server may wait for rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Copying {
    No,
    Sending,
    /// It was told that there are no more.
    GivenUp,
}

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
    /// Whether a transaction was open when it last said so.
    pub(super) in_transaction: bool,
    copy: Copying,
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
            in_transaction: false,
            copy: Copying::No,
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
        self.give_up_copy();
        frontend::sync(&mut self.output);
        self.owed += 1;
    }

    /// Queues a text by the simple protocol.
    pub(super) fn queue_query(&mut self, sql: &str) -> Result<()> {
        self.give_up_copy();
        self.queue(|out| frontend::query(sql, out).map_err(unsendable))?;
        self.owed += 1;
        Ok(())
    }

    /// Queues a COPY. The server will wait for rows, unless it finds something wrong with it.
    pub(super) fn queue_copy(&mut self, sql: &str) -> Result<()> {
        self.queue_query(sql)?;
        self.copy = Copying::Sending;
        Ok(())
    }

    /// Says that all rows are sent.
    pub(super) fn end_copy(&mut self) {
        self.copy = Copying::No;
        frontend::copy_done(&mut self.output);
    }

    /// Gives up a COPY whose rows are not all sent. A server that does not wait for them passes it over.
    fn give_up_copy(&mut self) {
        if self.copy == Copying::Sending {
            self.copy = Copying::GivenUp;
            // The text holds no zero.
            let _ = frontend::copy_fail("given up", &mut self.output);
        }
    }

    /// How many answers are still to come.
    pub(super) fn owed(&self) -> usize {
        self.owed
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
        poll_fn(|cx| self.poll_more(cx)).await
    }

    /// As [`more`](Wire::more).
    pub(super) fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let _ = self.poll_send(cx);
        self.poll_fill(cx)
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
            self.copy = Copying::No;
            self.in_transaction = self.input.get(begin + HEADER).is_some_and(|status| *status != b'I');
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
        self.give_up_copy();
        while self.owed > 0 {
            let (tag, failure) = match self.message().await {
                // Of what it ran with nobody knows any more.
                Ok(message) => {
                    (message.tag, (message.tag == message::ERROR).then(|| message.error(Some(&[]))))
                }
                Err(error) => {
                    // The server's reason comes before the system's.
                    let said = last.take().filter(|said| said.class() == ErrorClass::Disconnected);
                    return Err(said.unwrap_or(error));
                }
            };
            match tag {
                message::COPY_IN if self.copy != Copying::GivenUp => return Err(self.refuse_copy()),
                message::ERROR => *last = failure,
                message::COMMAND_COMPLETE => *last = None,
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
            let message = self.take_message();
            if message.tag == message::ERROR {
                self.last_words = Some(message.error(None).reclassified(ErrorClass::Disconnected));
            }
        }
    }

    /// Ends the connection over a COPY that waits for rows and was not queued as one. There are none to send; rather no connection
    /// than one that waits for ever.
    pub(super) fn refuse_copy(&mut self) -> Error {
        self.abandon();
        Error::new(
            ErrorClass::Statement,
            "COPY FROM STDIN waits for rows, and there are none: the connection is closed",
        )
    }

    /// Ends the connection without a word.
    fn abandon(&mut self) {
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
            return Poll::Ready(Err(self.lost(CLOSED)));
        }
        self.make_room();
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
        Poll::Ready(if read == 0 { Err(self.lost(CLOSED)) } else { Ok(()) })
    }

    /// Makes room for the rest of a message, or for many of them. It grows with what has come, not with what a message says of its
    /// length.
    fn make_room(&mut self) {
        // What is left is the beginning of a message, unless they come faster than they are looked at.
        if self.start > 0 {
            self.input.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let length = self.input.len();
        if self.end == length || (self.full && length < LARGE) {
            self.input.resize(2 * length, 0);
        }
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    /// A connection, and the server's end of it.
    fn connected(room: usize) -> (Wire, DuplexStream) {
        let (client, server) = duplex(room);
        (Wire::new(Box::new(client), &[]), server)
    }

    fn message_of(tag: u8, body: &[u8]) -> Vec<u8> {
        let length = i32::try_from(body.len() + 4).unwrap();
        [&[tag][..], &length.to_be_bytes(), body].concat()
    }

    const READY: &[u8] = b"Z\0\0\0\x05I";

    #[tokio::test]
    async fn messages_may_come_in_any_pieces() {
        let large = vec![7; 3 * LARGE];
        let said = [
            message_of(b'N', b"a notice\0"),
            message_of(b'D', b"one"),
            message_of(b'S', b"TimeZone\0UTC\0"),
            message_of(b'D', &large),
            message_of(b'D', b""),
            READY.to_vec(),
        ]
        .concat();
        for piece in [1, 3, 4, 5, 6, 4096, said.len()] {
            let (mut wire, mut server) = connected(piece);
            wire.queue_query("SELECT 1").unwrap();
            let said = said.clone();
            let serving = tokio::spawn(async move {
                let mut asked = [0; 14];
                server.read_exact(&mut asked).await.unwrap();
                assert_eq!(&asked, b"Q\0\0\0\x0dSELECT 1\0");
                server.write_all(&said).await.unwrap();
                server
            });
            for expected in [&b"one"[..], &large, b""] {
                let message = wire.message().await.unwrap();
                assert_eq!((message.tag, message.body), (b'D', expected), "{piece}");
            }
            assert_eq!(wire.message().await.unwrap().tag, message::READY_FOR_QUERY);
            wire.shrink();
            assert_eq!((wire.owed, wire.input.len()), (0, SMALL));
            drop(serving.await.unwrap());
        }
    }

    #[tokio::test]
    async fn what_was_read_beyond_the_login_is_not_lost() {
        let (client, _server) = duplex(64);
        let mut wire = Wire::new(Box::new(client), &message_of(b'D', b"early"));
        assert_eq!(wire.message().await.unwrap().body, b"early");
    }

    #[tokio::test]
    async fn what_is_no_message_ends_the_connection() {
        for garbage in [&b"D\0\0\0\x03"[..], b"D\xff\xff\xff\xff", b"HTTP/1.1 400 Bad Request"] {
            let (mut wire, mut server) = connected(64);
            server.write_all(garbage).await.unwrap();
            drop(server);
            let error = wire.message().await.err().unwrap();
            assert_eq!(error.class(), ErrorClass::Disconnected, "{error}");
            assert!(wire.is_closed());
        }
    }

    #[tokio::test]
    async fn the_last_words_are_told() {
        let (mut wire, mut server) = connected(256);
        assert!(!wire.is_closed());
        server.write_all(&message_of(b'E', b"SFATAL\0C57P01\0Mgoing\0\0")).await.unwrap();
        drop(server);
        assert!(wire.is_closed());
        let error = wire.message().await.err().unwrap();
        assert_eq!((error.class(), error.code()), (ErrorClass::Disconnected, Some("57P01")));
        // Once.
        let error = wire.message().await.err().unwrap();
        assert_eq!((error.class(), error.code()), (ErrorClass::Disconnected, None));
    }

    #[tokio::test]
    async fn a_server_may_want_its_answers_read_before_it_reads_on() {
        const MANY: usize = 500;
        let (mut wire, mut server) = connected(64);
        for _ in 0..MANY {
            wire.queue_query("SELECT 1").unwrap();
        }
        let serving = tokio::spawn(async move {
            for _ in 0..MANY {
                let mut asked = [0; 14];
                server.read_exact(&mut asked).await.unwrap();
                server.write_all(&[message_of(b'D', &[1; 100]), READY.to_vec()].concat()).await.unwrap();
            }
            server
        });
        wire.send().await.unwrap();
        wire.settle(&mut None).await.unwrap();
        assert_eq!(wire.owed, 0);
        drop(serving.await.unwrap());
    }
}
