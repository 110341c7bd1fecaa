//! Reaching the server: TCP or a Unix socket.

#[cfg(unix)]
use std::path::PathBuf;
use std::{io, net::SocketAddr};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};

use super::wire::Stream;
use crate::PostgresOptions;

/// Where the server is.
#[derive(Debug, Clone)]
pub(super) enum Address {
    Tcp(SocketAddr),
    #[cfg(unix)]
    Unix(PathBuf),
}

impl Address {
    /// All that the host has.
    pub(super) async fn all(options: &PostgresOptions) -> io::Result<Vec<Address>> {
        #[cfg(unix)]
        if options.is_local() {
            let path = format!("{}/.s.PGSQL.{}", options.host, options.port);
            return Ok(vec![Address::Unix(path.into())]);
        }
        Ok(lookup_host((&*options.host, options.port)).await?.map(Address::Tcp).collect())
    }

    /// Connects, within the time that the options give.
    pub(super) async fn open(self, options: &PostgresOptions) -> io::Result<Stream> {
        let opening = self.open_at_leisure(options);
        match options.connect_timeout {
            Some(limit) => {
                timeout(limit, opening).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            }
            None => opening.await,
        }
    }

    async fn open_at_leisure(self, options: &PostgresOptions) -> io::Result<Stream> {
        match self {
            Address::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                let socket = SockRef::from(&stream);
                #[cfg(target_os = "linux")]
                if let Some(limit) = options.tcp_user_timeout {
                    socket.set_tcp_user_timeout(Some(limit))?;
                }
                if options.keepalives {
                    socket.set_tcp_keepalive(&keepalive(options))?;
                }
                Ok(Box::new(stream))
            }
            #[cfg(unix)]
            Address::Unix(path) => Ok(Box::new(tokio::net::UnixStream::connect(path).await?)),
        }
    }
}

fn keepalive(options: &PostgresOptions) -> TcpKeepalive {
    let keepalive = TcpKeepalive::new().with_time(options.keepalives_idle);
    // The others can set no more than that.
    #[cfg(not(any(target_os = "aix", target_os = "openbsd", target_os = "redox", target_os = "solaris")))]
    let keepalive = {
        let mut keepalive = keepalive;
        if let Some(interval) = options.keepalives_interval {
            keepalive = keepalive.with_interval(interval);
        }
        if let Some(retries) = options.keepalives_retries {
            keepalive = keepalive.with_retries(retries);
        }
        keepalive
    };
    keepalive
}
