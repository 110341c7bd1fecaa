//! Streaming holds memory bounded. Alone in its process, whose memory it measures.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use relata_core::driver::{Job, Mode};
use support::{Db, Paused};

fn resident_kilobytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn a_slow_reader_needs_no_more_memory() {
    let Some(mut db) = Db::open("").await else { return };
    let rows = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&rows);
    let mut sink = Paused { rows: Arc::clone(&rows), every: 1000, limit: usize::MAX };
    // 500,000 rows of 200 bytes: 100 MB.
    let text = "SELECT n, repeat('x', 200) FROM generate_series(1, 500000) n";
    let before = resident_kilobytes();
    let mut jobs = [Job::new(text, &[], Mode::Stream).with_sink(&mut sink)];
    let watch = Arc::new(AtomicUsize::new(0));
    let peak = Arc::clone(&watch);
    let watching = tokio::spawn(async move {
        while seen.load(Ordering::Relaxed) < 500_000 {
            peak.fetch_max(resident_kilobytes(), Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    db.connection.run(&mut jobs).await.unwrap();
    watching.await.unwrap();
    assert_eq!((rows.load(Ordering::Relaxed), jobs[0].rows), (500_000, 500_000));
    let grown = watch.load(Ordering::Relaxed).saturating_sub(before);
    assert!(grown < 30_000, "grew by {grown} kB");
    db.close().await;
}
