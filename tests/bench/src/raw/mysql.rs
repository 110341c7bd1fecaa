//! mysql_async, for MariaDB and MySQL.

use std::sync::Arc;

use futures_util::TryStreamExt;
use mysql_async::{Conn, Opts, Params, Statement, TxOpts, Value, prelude::Queryable};

use super::{Pool, graph, values};
use crate::{
    data::{Comment, NewNote, Post, User},
    task::{Answer, Connect, Result, Side, Task, by_eight_tasks},
};

pub struct Mysql {
    db: Prepared,
    pool: Arc<Pool<Prepared>>,
    /// The INSERT of the last number of rows.
    insert: Option<(usize, Statement)>,
}

/// A connection, with all it is asked to do.
struct Prepared {
    conn: Conn,
    users: Statement,
    joined: Statement,
    posts: Statement,
    comments: Statement,
    update: Statement,
    lookup: Statement,
    stream: Statement,
}

/// How many rows one INSERT has at most.
const ROWS: usize = 1000;

impl Prepared {
    async fn connect(opts: &Opts) -> Result<Self> {
        let mut conn = Conn::new(opts.clone()).await?;
        let list = |count| vec!["?"; count].join(", ");
        let posts =
            format!("SELECT id, author_id, title FROM posts WHERE author_id IN ({}) ORDER BY id", list(10));
        let comments =
            format!("SELECT id, post_id, text FROM comments WHERE post_id IN ({}) ORDER BY id", list(100));
        Ok(Prepared {
            users: conn.prep("SELECT id, email, name FROM users WHERE id <= ? ORDER BY id").await?,
            joined: conn
                .prep(
                    "SELECT u.id, u.email, u.name, p.id, p.author_id, p.title FROM users u \
                     LEFT JOIN posts p ON p.author_id = u.id WHERE u.id <= ? ORDER BY u.id, p.id",
                )
                .await?,
            posts: conn.prep(posts).await?,
            comments: conn.prep(comments).await?,
            update: conn.prep("UPDATE users SET name = ? WHERE id = ?").await?,
            lookup: conn.prep("SELECT id, email, name FROM users WHERE id = ?").await?,
            stream: conn.prep("SELECT id, place, note FROM readings ORDER BY id").await?,
            conn,
        })
    }

    async fn lookup(&mut self, id: i64) -> Result<User> {
        Ok(self.conn.exec_first(&self.lookup, (id,)).await?.map(user).ok_or("no such user")?)
    }
}

fn user((id, email, name): (i64, String, String)) -> User {
    User { id, email, name }
}

impl Connect for Mysql {
    async fn connect(url: &str) -> Result<Self> {
        let opts = Opts::from_url(&url.replacen("mariadb:", "mysql:", 1))?;
        let mut pool = Vec::new();
        for _ in 0..4 {
            pool.push(Prepared::connect(&opts).await?);
        }
        Ok(Mysql { db: Prepared::connect(&opts).await?, pool: Arc::new(Pool::new(pool)), insert: None })
    }
}

impl Mysql {
    async fn insert(&mut self, rows: Vec<NewNote>) -> Result<u64> {
        let count = rows.len();
        let size = count.min(ROWS);
        if !count.is_multiple_of(size) {
            return Err("the numbers of rows are whole batches".into());
        }
        if self.insert.as_ref().is_none_or(|(rows, _)| *rows != size) {
            let values = values(size, || "?".into());
            let sql = format!("INSERT INTO notes (title, text, stars) VALUES {values}");
            self.insert = Some((size, self.db.conn.prep(sql).await?));
        }
        let Some((_, statement)) = &self.insert else { unreachable!("just made") };
        let mut rows = rows.into_iter();
        let mut batch = || {
            let mut binds: Vec<Value> = Vec::with_capacity(size * 3);
            for row in rows.by_ref().take(size) {
                binds.extend([row.title.into(), row.text.into(), row.stars.into()]);
            }
            Params::Positional(binds)
        };
        if count == size {
            self.db.conn.exec_drop(statement, batch()).await?;
            return Ok(count as u64);
        }
        let mut tx = self.db.conn.start_transaction(TxOpts::default()).await?;
        for _ in 0..count / size {
            tx.exec_drop(statement, batch()).await?;
        }
        tx.commit().await?;
        Ok(count as u64)
    }
}

impl Side for Mysql {
    async fn run(&mut self, task: Task) -> Result<Answer> {
        let db = &mut self.db;
        Ok(match task {
            Task::Users(last) => Answer::Users(db.conn.exec_map(&db.users, (last,), user).await?),
            Task::Joined => {
                type Joined = (i64, String, String, Option<i64>, Option<i64>, Option<String>);
                let row = |(id, email, name, post, author, title): Joined| {
                    let post = match (post, author, title) {
                        (Some(id), Some(author_id), Some(title)) => Some(Post { id, author_id, title }),
                        _ => None,
                    };
                    (User { id, email, name }, post)
                };
                Answer::Joined(db.conn.exec_map(&db.joined, (100,), row).await?)
            }
            Task::Graph => {
                let users = db.conn.exec_map(&db.users, (10,), user).await?;
                let ids: Vec<Value> = users.iter().map(|user| user.id.into()).collect();
                let post = |(id, author_id, title)| Post { id, author_id, title };
                let posts: Vec<Post> = db.conn.exec_map(&db.posts, ids, post).await?;
                let ids: Vec<Value> = posts.iter().map(|post| post.id.into()).collect();
                let comment = |(id, post_id, text)| Comment { id, post_id, text };
                let comments = db.conn.exec_map(&db.comments, ids, comment).await?;
                Answer::Graph(graph(users, posts, comments))
            }
            Task::Insert(rows) => Answer::Count(self.insert(rows).await?),
            Task::Update(id, name) => {
                let mut tx = db.conn.start_transaction(TxOpts::default()).await?;
                tx.exec_drop(&db.update, (name, id)).await?;
                tx.commit().await?;
                Answer::Count(1)
            }
            Task::Lookup(id) => Answer::User(db.lookup(id).await?),
            Task::Lookups(count) => {
                let pool = self.pool.clone();
                let look_up = move |id| {
                    let pool = pool.clone();
                    async move { pool.take().await.lookup(id).await }
                };
                by_eight_tasks(count, look_up).await?
            }
            Task::Stream => {
                let mut rows = db.conn.exec_stream::<(i64, String, String), _, _>(&db.stream, ()).await?;
                let mut sum = 0;
                while let Some((id, place, note)) = rows.try_next().await? {
                    sum += (id as usize + place.len() + note.len()) as u64;
                }
                Answer::Count(sum)
            }
        })
    }

    async fn clear(&mut self, statement: &'static str) -> Result<()> {
        self.db.conn.query_drop(statement).await?;
        Ok(())
    }
}
