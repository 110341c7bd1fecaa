//! Rows that are read slowly: little memory, and no thread is held up but the statement's own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails loudly, and so do its helpers

mod common;

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Poll, Waker},
    time::Duration,
};

use common::{Folder, driver, execute, memory, one, texts};
use relata_core::{
    Error, ErrorClass, Result,
    driver::{BoxFuture, Connection, Driver, Flow, Job, Mode, Row, Sink},
    projection::RowReader,
};
use tokio::sync::mpsc;

const CHUNK: usize = 64;

/// Sends rows in chunks, and rests while nobody has taken the last one.
struct Chunks {
    open: Vec<i64>,
    sender: mpsc::Sender<Vec<i64>>,
    held: Arc<AtomicUsize>,
}

impl Sink for Chunks {
    fn row(&mut self, row: &mut dyn Row) -> Result<Flow> {
        self.open.push(RowReader::new(row).read()?);
        self.held.fetch_add(1, Ordering::Relaxed);
        Ok(if self.open.len() == CHUNK { Flow::Pause } else { Flow::Continue })
    }

    fn pauses(&self) -> bool {
        true
    }

    fn ready(&mut self) -> BoxFuture<'_, Result<Flow>> {
        Box::pin(async move {
            let chunk = std::mem::replace(&mut self.open, Vec::with_capacity(CHUNK));
            match self.sender.send(chunk).await {
                Ok(()) => Ok(Flow::Continue),
                Err(_) => Ok(Flow::Stop),
            }
        })
    }
}

/// The numbers from 1 to `count`, as slowly as the other end takes them.
async fn numbers(connection: &mut dyn Connection, count: i64, mut sink: Chunks) -> Result<()> {
    let sql = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) SELECT i FROM n"
    );
    let mut jobs = [Job::new(&sql, &[], Mode::Stream).with_sink(&mut sink)];
    connection.run(&mut jobs).await
}

fn chunks() -> (Chunks, mpsc::Receiver<Vec<i64>>, Arc<AtomicUsize>) {
    let (sender, receiver) = mpsc::channel(1);
    let held = Arc::new(AtomicUsize::new(0));
    (Chunks { open: Vec::new(), sender, held: held.clone() }, receiver, held)
}

async fn streams(url: &str) {
    const COUNT: i64 = 64 * 500;
    let mut connection = driver(url).unwrap().connect().await.unwrap();
    let (sink, mut receiver, held) = chunks();
    let read = async {
        let (mut sum, mut most) = (0, 0);
        while let Some(chunk) = receiver.recv().await {
            most = most.max(held.load(Ordering::Relaxed));
            held.fetch_sub(chunk.len(), Ordering::Relaxed);
            sum += chunk.iter().sum::<i64>();
        }
        (sum, most)
    };
    // Both ends in one task: neither may hold it up.
    let (outcome, (sum, most)) = tokio::join!(numbers(&mut *connection, COUNT, sink), read);
    outcome.unwrap();
    assert_eq!(sum, COUNT * (COUNT + 1) / 2);
    assert!(most <= 4 * CHUNK, "{most} rows were held");
    assert_eq!(one::<i64>(&mut *connection, "SELECT 1", &[]).await.unwrap(), 1);
}

#[tokio::test]
async fn on_a_current_thread_runtime() {
    for blocking in ["auto", "inline", "thread"] {
        streams(&format!("sqlite::memory:?blocking={blocking}")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_multi_threaded_runtime() {
    for blocking in ["auto", "inline", "thread"] {
        streams(&format!("sqlite::memory:?blocking={blocking}")).await;
    }
}

/// A reader that takes rows when the statement's own future is polled, and at no other time.
#[tokio::test]
async fn a_reader_that_is_woken_by_the_statement_alone() {
    struct Shelf {
        rows: Vec<i64>,
        driver: Option<Waker>,
    }
    struct Feed(Arc<Mutex<Shelf>>);
    impl Sink for Feed {
        fn row(&mut self, row: &mut dyn Row) -> Result<Flow> {
            let mut shelf = self.0.lock().unwrap();
            shelf.rows.push(RowReader::new(row).read()?);
            Ok(if shelf.rows.len() < CHUNK { Flow::Continue } else { Flow::Pause })
        }

        fn pauses(&self) -> bool {
            true
        }

        fn ready(&mut self) -> BoxFuture<'_, Result<Flow>> {
            Box::pin(std::future::poll_fn(|context| {
                let mut shelf = self.0.lock().unwrap();
                if shelf.rows.len() < CHUNK {
                    return Poll::Ready(Ok(Flow::Continue));
                }
                shelf.driver = Some(context.waker().clone());
                Poll::Pending
            }))
        }
    }
    const COUNT: i64 = 64 * 100 + 1;
    let mut connection = memory().await;
    let shelf = Arc::new(Mutex::new(Shelf { rows: Vec::new(), driver: None }));
    let sql = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {COUNT}) SELECT i FROM n"
    );
    let mut feed = Feed(shelf.clone());
    let mut jobs = [Job::new(&sql, &[], Mode::Stream).with_sink(&mut feed)];
    let mut run = connection.run(&mut jobs);
    let mut sum = 0;
    let reading = std::future::poll_fn(|context| {
        let flow = run.as_mut().poll(context);
        let mut shelf = shelf.lock().unwrap();
        sum += shelf.rows.drain(..).sum::<i64>();
        if let Some(driver) = shelf.driver.take() {
            driver.wake();
        }
        flow
    });
    tokio::time::timeout(Duration::from_secs(20), reading).await.expect("nobody woke the reader").unwrap();
    assert_eq!(sum, COUNT * (COUNT + 1) / 2);
}

#[tokio::test]
async fn a_reader_that_goes_away_ends_the_statement() {
    let mut connection = memory().await;
    let (sink, mut receiver, _) = chunks();
    let read = async {
        assert_eq!(receiver.recv().await.unwrap().len(), CHUNK);
        drop(receiver);
    };
    let (outcome, ()) = tokio::join!(numbers(&mut *connection, i64::MAX, sink), read);
    outcome.unwrap();
    assert_eq!(one::<i64>(&mut *connection, "SELECT 1", &[]).await.unwrap(), 1);
}

#[tokio::test]
async fn a_dropped_stream_whose_reader_stays() {
    let mut connection = memory().await;
    texts(&mut *connection, &["CREATE TABLE t (x)", "BEGIN IMMEDIATE", "INSERT INTO t VALUES (1)"])
        .await
        .unwrap();
    let (sink, mut receiver, _) = chunks();
    tokio::select! {
        _ = numbers(&mut *connection, i64::MAX, sink) => panic!("it has no end"),
        chunk = receiver.recv() => assert!(chunk.is_some()),
    }
    // The receiver is there, but takes nothing: the statement's thread would wait for it for ever.
    let error = one::<i64>(&mut *connection, "SELECT 1", &[]).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Poisoned);
    connection.reset().await.unwrap();
    assert_eq!(one::<i64>(&mut *connection, "SELECT COUNT(*) FROM t", &[]).await.unwrap(), 0);
    drop(receiver);
}

/// On a thread for the reader's sake, whatever the runtime.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_in_a_transaction_that_gets_no_lock() {
    let folder = Folder::new();
    let driver = folder.driver("busy_timeout=20ms");
    let mut holder = driver.connect().await.unwrap();
    let mut waiter = driver.connect().await.unwrap();
    texts(&mut *holder, &["BEGIN IMMEDIATE"]).await.unwrap();
    let (mut sink, receiver, _) = chunks();
    let mut jobs =
        [Job::text("BEGIN IMMEDIATE"), Job::new("SELECT 1", &[], Mode::Stream).with_sink(&mut sink)];
    let run = tokio::time::timeout(Duration::from_secs(10), waiter.run(&mut jobs));
    let error = run.await.expect("it hangs").unwrap_err();
    assert_eq!(error.class(), ErrorClass::LockTimeout, "{error}");
    assert!(!jobs[0].done && !jobs[1].done);
    drop(receiver);
    texts(&mut *holder, &["COMMIT"]).await.unwrap();
    texts(&mut *waiter, &["BEGIN IMMEDIATE", "COMMIT"]).await.unwrap();
}

#[tokio::test]
async fn a_sink_that_fails_ends_the_statement() {
    struct Fails(VecDeque<i64>, bool);
    impl Sink for Fails {
        fn row(&mut self, _: &mut dyn Row) -> Result<Flow> {
            self.0.push_back(1);
            if self.0.len() == 3 { Err(Error::new(ErrorClass::Decode, "three")) } else { Ok(Flow::Continue) }
        }

        fn pauses(&self) -> bool {
            self.1
        }
    }
    let mut connection = memory().await;
    for mode in [Mode::Cached, Mode::Stream] {
        let mut sink = Fails(VecDeque::new(), mode == Mode::Stream);
        let mut jobs = [Job::new("VALUES (1), (2), (3), (4)", &[], mode).with_sink(&mut sink)];
        let error = connection.run(&mut jobs).await.unwrap_err();
        assert_eq!(error.to_string(), "three in: VALUES (1), (2), (3), (4)");
        assert!(!jobs[0].done);
        assert_eq!(sink.0.len(), 3);
    }
    execute(&mut *connection, "CREATE TABLE t (x)", &[]).await.unwrap();
}
