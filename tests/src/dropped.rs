//! Futures that are dropped midway, and what is left of them.

use std::{future::poll_fn, task::Poll, time::Duration};

use relata::Engine;

/// Polls a future so many times, and then drops it. What it gave, if it came to its end before.
pub async fn polled<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut left = times;
    poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// Waits until nothing of a pool is in use any more.
pub async fn at_rest(db: &Engine) {
    for _ in 0..500 {
        if db.status().in_use == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("a connection was leaked: {:?}", db.status());
}
