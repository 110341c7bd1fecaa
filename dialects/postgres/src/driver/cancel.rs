//! Asking the server to give up a statement (PostgreSQL manual, 53.2.8, "Canceling Requests in Progress").

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::CancelToken;

use super::{connect::Tls, socket::Address, wire::Stream};
use crate::PostgresOptions;

/// Asks, on a connection of its own, and waits until the server has passed it on.
///
/// That is when the server hangs up. tokio-postgres's own function does not wait for it, so that a request of its might
/// arrive late and hit a later statement.
pub(super) async fn cancel(
    token: &CancelToken,
    address: Address,
    options: &PostgresOptions,
    tls: &Tls,
) -> io::Result<()> {
    let stream = UntilHungUp(address.open(options).await?);
    tls.cancel(token, stream, &options.host).await
}

/// A stream that is shut down when the other side has hung up.
pub(super) struct UntilHungUp(Stream);

impl AsyncRead for UntilHungUp {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for UntilHungUp {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut space = [0; 64];
        loop {
            let mut buf = ReadBuf::new(&mut space);
            // A reset is a way to hang up as well.
            if ready!(Pin::new(&mut self.0).poll_read(cx, &mut buf)).is_err() || buf.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}
