//! A line to a server that breaks when a test wants it to.

use std::{
    io,
    net::SocketAddr,
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use relata::prelude::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
};

use crate::Database;

/// An engine whose line to the server can be broken.
pub struct Line {
    engine: Engine,
    breaks: Arc<AtomicBool>,
}

impl Deref for Line {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.engine
    }
}

impl Line {
    /// Another engine on the database of a test; `None` if there is no line to it, because it is a file.
    pub async fn lay(db: &Database) -> Option<Line> {
        let (before, rest) = db.url.split_once('@')?;
        let (server, name) = rest.split_once('/')?;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
        let own: SocketAddr = listener.local_addr().expect("an address");
        let breaks = Arc::new(AtomicBool::new(false));
        let (flag, server) = (breaks.clone(), server.to_owned());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&server).await else { return };
                let _ = (client.set_nodelay(true), server.set_nodelay(true));
                let (mut from_client, to_client) = client.into_split();
                let (from_server, mut to_server) = server.into_split();
                tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
                tokio::spawn(answers(from_server, to_client, flag.clone()));
            }
        });
        let engine = Engine::connect(&format!("{before}@{own}/{name}")).await.expect("connect by the line");
        Some(Line { engine, breaks })
    }

    /// The server hears one thing more, and its answer is lost with the line.
    pub fn lose_the_next_answer(&self) {
        self.breaks.store(true, Ordering::SeqCst);
    }
}

/// Hands on what a server says, until the line is to break.
async fn answers(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, breaks: Arc<AtomicBool>) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 || breaks.swap(false, Ordering::SeqCst) {
            return Ok(());
        }
        to.write_all(&buffer[..length]).await?;
    }
}
