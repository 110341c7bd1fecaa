//! Logging in, which tokio-postgres does: on a stream that is lent to it.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::{
    CancelToken, Config, Error,
    tls::{ChannelBinding, TlsConnect, TlsStream},
};

use super::wire::{Stream, Wire};

/// How much is read at once during the login, in bytes.
const READ: usize = 1 << 12;

/// Logs in on a stream, encrypted if there is something to encrypt it with.
pub(super) async fn log_in<T>(config: &Config, stream: Stream, tls: T) -> Result<(Wire, CancelToken), Error>
where
    T: TlsConnect<Lent>,
{
    let lent = Lent::new(stream);
    let client = config.connect_raw(lent.clone(), tls).await?.0;
    Ok((lent.take_back(), client.cancel_token()))
}

/// A stream that is lent for the login.
///
/// It gives one byte at a time, so that the borrower takes none that comes after the login's last message.
#[derive(Clone)]
pub(super) struct Lent(Arc<Mutex<Held>>);

struct Held {
    /// Out while it is being encrypted.
    stream: Option<Stream>,
    /// What was read, from `start` on not taken yet.
    read: Vec<u8>,
    start: usize,
    binding: Option<ChannelBinding>,
}

impl Lent {
    fn new(stream: Stream) -> Self {
        Lent(Arc::new(Mutex::new(Held { stream: Some(stream), read: Vec::new(), start: 0, binding: None })))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_back(&self) -> Wire {
        let mut held = self.held();
        // It is there: who took it out and failed has failed the login.
        let stream = held.stream.take().unwrap_or_else(|| Box::new(tokio::io::empty()));
        Wire::new(stream, &held.read[held.start..])
    }

    /// The stream, to be encrypted and [put back](Lent::put_back). What the server said behind its consent to that was said by
    /// somebody else, and is refused.
    #[cfg(feature = "tls")]
    pub(super) fn take_out(&self) -> io::Result<Stream> {
        let mut held = self.held();
        if held.start < held.read.len() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "unencrypted data after the consent to TLS",
            ));
        }
        held.stream.take().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    #[cfg(feature = "tls")]
    pub(super) fn put_back(&self, stream: Stream, binding: ChannelBinding) {
        let mut held = self.held();
        held.stream = Some(stream);
        held.binding = Some(binding);
    }
}

impl AsyncRead for Lent {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let held = &mut *self.held();
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        if held.start == held.read.len() {
            let Some(stream) = &mut held.stream else { return Poll::Ready(Ok(())) };
            held.read.resize(READ, 0);
            let mut read = ReadBuf::new(&mut held.read);
            let result = Pin::new(stream).poll_read(cx, &mut read);
            let length = read.filled().len();
            held.read.truncate(length);
            held.start = 0;
            ready!(result)?;
        }
        if let Some(byte) = held.read.get(held.start) {
            buf.put_slice(&[*byte]);
            held.start += 1;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Lent {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.held().stream {
            Some(stream) => Pin::new(stream).poll_write(cx, buf),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.held().stream {
            Some(stream) => Pin::new(stream).poll_flush(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    /// The stream is only lent: it is not closed.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl TlsStream for Lent {
    fn channel_binding(&self) -> ChannelBinding {
        self.held().binding.take().unwrap_or_else(ChannelBinding::none)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn the_borrower_takes_no_more_than_it_asks_for() {
        let (client, mut server) = duplex(64);
        let mut lent = Lent::new(Box::new(client));
        server.write_all(b"loginZ\0\0\0\x05I").await.unwrap();
        let mut taken = [0; 5];
        assert_eq!(lent.read(&mut taken).await.unwrap(), 1);
        lent.read_exact(&mut taken[1..]).await.unwrap();
        assert_eq!(&taken, b"login");
        let mut wire = lent.take_back();
        assert_eq!(wire.message().await.unwrap().tag, b'Z');
    }

    #[cfg(feature = "tls")]
    #[tokio::test]
    async fn nothing_unencrypted_follows_the_consent_to_tls() {
        let (client, mut server) = duplex(64);
        let mut lent = Lent::new(Box::new(client));
        server.write_all(b"S and more").await.unwrap();
        assert_eq!(lent.read_u8().await.unwrap(), b'S');
        assert_eq!(lent.take_out().err().unwrap().kind(), io::ErrorKind::InvalidData);
    }
}
