//! What a client sends to MySQL or MariaDB: a proxy that reads along.

use std::{
    mem::take,
    sync::{Arc, Mutex, PoisonError},
};

use relata::prelude::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
};

use crate::Database;

/// An engine of one connection, and the commands that it sends: each is a round trip.
pub struct Wire {
    engine: Engine,
    seen: Arc<Mutex<Vec<String>>>,
}

impl std::ops::Deref for Wire {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.engine
    }
}

impl Wire {
    /// Another engine on the database of a test.
    pub async fn tap(db: &Database) -> Wire {
        let (before, rest) = db.url.split_once('@').expect("a user in the URL");
        let (server, rest) = rest.split_once('/').expect("a database in the URL");
        let (name, _) = rest.split_once('?').expect("options in the URL");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
        let own = listener.local_addr().expect("an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (list, server) = (seen.clone(), server.to_owned());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&server).await else { return };
                let _ = (client.set_nodelay(true), server.set_nodelay(true));
                let (from_client, mut to_client) = client.into_split();
                let (mut from_server, to_server) = server.into_split();
                tokio::spawn(read_along(from_client, to_server, list.clone()));
                tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
            }
        });
        let url = format!("{before}@{own}/{name}?pool_size=1&ssl-mode=DISABLED");
        let engine = Engine::connect(&url).await.expect("connect through the proxy");
        let wire = Wire { engine, seen };
        wire.sent();
        wire
    }

    /// What was sent since it was asked for the last time: the text of a query, `EXECUTE` for a prepared statement, `PREPARE`
    /// before it, or `PING`.
    pub fn sent(&self) -> Vec<String> {
        take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many round trips were made since it was asked for the last time, without those that prepare statements.
    pub fn trips(&self) -> usize {
        self.sent().iter().filter(|command| *command != "PREPARE").count()
    }
}

/// Hands on what a client sends, and notes its commands: packets with the number 0 (MySQL source documentation, "Command Phase").
async fn read_along(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, list: Arc<Mutex<Vec<String>>>) {
    loop {
        let mut header = [0; 4];
        if from.read_exact(&mut header).await.is_err() {
            return;
        }
        let [a, b, c, number] = header;
        let mut packet = vec![0; usize::from(a) | usize::from(b) << 8 | usize::from(c) << 16];
        if from.read_exact(&mut packet).await.is_err() {
            return;
        }
        if number == 0 {
            let command = match packet.split_first() {
                Some((3, text)) => Some(String::from_utf8_lossy(text).into_owned()),
                Some((14, _)) => Some("PING".to_owned()),
                Some((22, _)) => Some("PREPARE".to_owned()),
                Some((23, _)) => Some("EXECUTE".to_owned()),
                // There is no answer to COM_QUIT and COM_STMT_CLOSE.
                Some((1 | 25, _)) => None,
                other => Some(format!("{other:?}")),
            };
            list.lock().unwrap_or_else(PoisonError::into_inner).extend(command);
        }
        if to.write_all(&[&header[..], &packet].concat()).await.is_err() {
            return;
        }
    }
}
