//! Loops over the bare drivers, written with care: everything prepared once, nothing read twice.

pub mod mysql;
pub mod postgres;
pub mod sqlite;

use std::{
    collections::HashMap,
    ops::{Deref, DerefMut},
    sync::Mutex,
};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::data::{Comment, Post, User};

/// As many connections as it was made of, lent one by one.
pub struct Pool<C> {
    room: Semaphore,
    idle: Mutex<Vec<C>>,
}

impl<C> Pool<C> {
    pub fn new(connections: Vec<C>) -> Self {
        Pool { room: Semaphore::new(connections.len()), idle: Mutex::new(connections) }
    }

    /// Lends a connection until the guard is dropped.
    pub async fn take(&self) -> Lent<'_, C> {
        let room = self.room.acquire().await.expect("never closed");
        let connection = self.idle.lock().expect("no panic").pop();
        Lent { connection, pool: self, _room: room }
    }
}

/// A connection that goes back to its pool.
pub struct Lent<'p, C> {
    connection: Option<C>,
    pool: &'p Pool<C>,
    // Given back after the connection.
    _room: SemaphorePermit<'p>,
}

impl<C> Deref for Lent<'_, C> {
    type Target = C;

    fn deref(&self) -> &C {
        self.connection.as_ref().expect("one for each permit")
    }
}

impl<C> DerefMut for Lent<'_, C> {
    fn deref_mut(&mut self) -> &mut C {
        self.connection.as_mut().expect("one for each permit")
    }
}

impl<C> Drop for Lent<'_, C> {
    fn drop(&mut self) {
        self.pool.idle.lock().expect("no panic").extend(self.connection.take());
    }
}

/// Puts the levels together.
pub fn graph(
    users: Vec<User>,
    posts: Vec<Post>,
    comments: Vec<Comment>,
) -> Vec<(User, Vec<(Post, Vec<Comment>)>)> {
    let mut of_post: HashMap<i64, Vec<Comment>> = HashMap::with_capacity(posts.len());
    for comment in comments {
        of_post.entry(comment.post_id).or_default().push(comment);
    }
    let mut of_user: HashMap<i64, Vec<(Post, Vec<Comment>)>> = HashMap::with_capacity(users.len());
    for post in posts {
        let comments = of_post.remove(&post.id).unwrap_or_default();
        of_user.entry(post.author_id).or_default().push((post, comments));
    }
    users
        .into_iter()
        .map(|user| {
            let posts = of_user.remove(&user.id).unwrap_or_default();
            (user, posts)
        })
        .collect()
}

/// `(a, b, c), (a, b, c), …`, each from what gives the next placeholder.
pub fn values(rows: usize, mut placeholder: impl FnMut() -> String) -> String {
    let row = |_| format!("({}, {}, {})", placeholder(), placeholder(), placeholder());
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}
