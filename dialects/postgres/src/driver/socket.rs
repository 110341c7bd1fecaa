//! Reaching the server: TCP or a Unix socket.

#[cfg(unix)]
use std::path::PathBuf;
use std::{fmt, io, net::SocketAddr};

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
                    named("tcp_user_timeout", socket.set_tcp_user_timeout(Some(limit)))?;
                }
                if options.keepalives {
                    set_keepalives(&socket, options)?;
                }
                Ok(Box::new(stream))
            }
            #[cfg(unix)]
            Address::Unix(path) => Ok(Box::new(tokio::net::UnixStream::connect(path).await?)),
        }
    }
}

/// One after another, so that it is known which the system does not take.
fn set_keepalives(socket: &SockRef<'_>, options: &PostgresOptions) -> io::Result<()> {
    let keepalive = TcpKeepalive::new();
    let idle = keepalive.clone().with_time(options.keepalives_idle);
    named("keepalives_idle", socket.set_tcp_keepalive(&idle))?;
    // The others can set no more than that.
    #[cfg(not(any(target_os = "aix", target_os = "openbsd", target_os = "redox", target_os = "solaris")))]
    {
        if let Some(interval) = options.keepalives_interval {
            let interval = keepalive.clone().with_interval(interval);
            named("keepalives_interval", socket.set_tcp_keepalive(&interval))?;
        }
        if let Some(retries) = options.keepalives_retries {
            let retries = keepalive.with_retries(retries);
            named("keepalives_retries", socket.set_tcp_keepalive(&retries))?;
        }
    }
    Ok(())
}

/// What the system says of an option, with its name.
fn named(option: &'static str, set: io::Result<()>) -> io::Result<()> {
    set.map_err(|error| io::Error::new(error.kind(), Refused { option, error }))
}

/// An option that the system does not take.
#[derive(Debug)]
pub(crate) struct Refused {
    option: &'static str,
    error: io::Error,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the system does not take the option {}: {}", self.option, self.error)
    }
}

impl std::error::Error for Refused {}
