//! tokio-postgres, on one thread of the runtime as it comes.

use std::{pin::pin, sync::Arc};

use futures_util::TryStreamExt;
use tokio_postgres::{
    Client, Config, NoTls, Row, Statement,
    binary_copy::BinaryCopyInWriter,
    types::{ToSql, Type},
};

use super::{Pool, graph, values};
use crate::{
    data::{Comment, NewNote, Post, User},
    task::{Answer, Connect, Result, Side, Task, by_eight_tasks},
};

pub struct Postgres {
    db: Prepared,
    pool: Arc<Pool<Prepared>>,
    /// The INSERT of the last number of rows.
    insert: Option<(usize, Statement)>,
}

/// A connection, with all it is asked to do.
struct Prepared {
    client: Client,
    users: Statement,
    joined: Statement,
    posts: Statement,
    comments: Statement,
    update: Statement,
    lookup: Statement,
    stream: Statement,
}

/// From how many rows on COPY is what a careful hand would write.
const COPY: usize = 10_000;

impl Prepared {
    async fn connect(config: &Config) -> Result<Self> {
        let (client, connection) = config.connect(NoTls).await?;
        tokio::spawn(connection);
        Ok(Prepared {
            users: client.prepare("SELECT id, email, name FROM users WHERE id <= $1 ORDER BY id").await?,
            joined: client
                .prepare(
                    "SELECT u.id, u.email, u.name, p.id, p.author_id, p.title FROM users u \
                     LEFT JOIN posts p ON p.author_id = u.id WHERE u.id <= $1 ORDER BY u.id, p.id",
                )
                .await?,
            posts: client
                .prepare("SELECT id, author_id, title FROM posts WHERE author_id = ANY($1) ORDER BY id")
                .await?,
            comments: client
                .prepare("SELECT id, post_id, text FROM comments WHERE post_id = ANY($1) ORDER BY id")
                .await?,
            update: client.prepare("UPDATE users SET name = $1 WHERE id = $2").await?,
            lookup: client.prepare("SELECT id, email, name FROM users WHERE id = $1").await?,
            stream: client.prepare("SELECT id, place, note FROM readings ORDER BY id").await?,
            client,
        })
    }

    async fn lookup(&self, id: i64) -> Result<User> {
        Ok(user(&self.client.query_one(&self.lookup, &[&id]).await?))
    }
}

fn user(row: &Row) -> User {
    User { id: row.get(0), email: row.get(1), name: row.get(2) }
}

impl Connect for Postgres {
    async fn connect(url: &str) -> Result<Self> {
        let config: Config = url.parse()?;
        let mut pool = Vec::new();
        for _ in 0..4 {
            pool.push(Prepared::connect(&config).await?);
        }
        Ok(Postgres { db: Prepared::connect(&config).await?, pool: Arc::new(Pool::new(pool)), insert: None })
    }
}

impl Postgres {
    async fn insert(&mut self, rows: &[NewNote]) -> Result<u64> {
        let client = &self.db.client;
        if rows.len() >= COPY {
            let sink = client.copy_in("COPY notes (title, text, stars) FROM STDIN BINARY").await?;
            let mut writer = pin!(BinaryCopyInWriter::new(sink, &[Type::TEXT, Type::TEXT, Type::INT4]));
            for row in rows {
                writer.as_mut().write(&[&row.title, &row.text, &row.stars]).await?;
            }
            return Ok(writer.finish().await?);
        }
        if self.insert.as_ref().is_none_or(|(count, _)| *count != rows.len()) {
            let mut at = 0;
            let values = values(rows.len(), || {
                at += 1;
                format!("${at}")
            });
            let sql = format!("INSERT INTO notes (title, text, stars) VALUES {values}");
            self.insert = Some((rows.len(), client.prepare(&sql).await?));
        }
        let Some((_, statement)) = &self.insert else { unreachable!("just made") };
        let mut binds: Vec<&(dyn ToSql + Sync)> = Vec::with_capacity(rows.len() * 3);
        for row in rows {
            binds.extend([&row.title as &(dyn ToSql + Sync), &row.text, &row.stars]);
        }
        Ok(client.execute(statement, &binds).await?)
    }
}

impl Side for Postgres {
    async fn run(&mut self, task: Task) -> Result<Answer> {
        let db = &mut self.db;
        Ok(match task {
            Task::Users(last) => {
                Answer::Users(db.client.query(&db.users, &[&last]).await?.iter().map(user).collect())
            }
            Task::Joined => {
                let rows = db.client.query(&db.joined, &[&100_i64]).await?;
                let row = |row: &Row| {
                    let post = row.get::<_, Option<i64>>(3);
                    (user(row), post.map(|id| Post { id, author_id: row.get(4), title: row.get(5) }))
                };
                Answer::Joined(rows.iter().map(row).collect())
            }
            Task::Graph => {
                let users: Vec<User> =
                    db.client.query(&db.users, &[&10_i64]).await?.iter().map(user).collect();
                let ids: Vec<i64> = users.iter().map(|user| user.id).collect();
                let posts = db.client.query(&db.posts, &[&ids]).await?;
                let posts: Vec<Post> = posts
                    .iter()
                    .map(|row| Post { id: row.get(0), author_id: row.get(1), title: row.get(2) })
                    .collect();
                let ids: Vec<i64> = posts.iter().map(|post| post.id).collect();
                let comments = db.client.query(&db.comments, &[&ids]).await?;
                let comments = comments
                    .iter()
                    .map(|row| Comment { id: row.get(0), post_id: row.get(1), text: row.get(2) })
                    .collect();
                Answer::Graph(graph(users, posts, comments))
            }
            Task::Insert(rows) => Answer::Count(self.insert(&rows).await?),
            Task::Update(id, name) => {
                let transaction = db.client.transaction().await?;
                let count = transaction.execute(&db.update, &[&name, &id]).await?;
                transaction.commit().await?;
                Answer::Count(count)
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
                let none: [&(dyn ToSql + Sync); 0] = [];
                let mut rows = pin!(db.client.query_raw(&db.stream, none).await?);
                let mut sum = 0;
                while let Some(row) = rows.try_next().await? {
                    let (id, place, note): (i64, String, String) = (row.get(0), row.get(1), row.get(2));
                    sum += (id as usize + place.len() + note.len()) as u64;
                }
                Answer::Count(sum)
            }
        })
    }

    async fn clear(&mut self, statement: &'static str) -> Result<()> {
        self.db.client.batch_execute(statement).await?;
        Ok(())
    }
}
