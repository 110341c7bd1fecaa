//! rusqlite, called in the task: the fastest there is.

use std::sync::Arc;

use rusqlite::{Connection, Row, params};

use super::{Pool, graph};
use crate::{
    data::{Comment, Post, User},
    task::{Answer, Connect, Result, Side, Task, by_eight_tasks},
};

pub struct Sqlite {
    db: Connection,
    pool: Arc<Pool<Connection>>,
}

impl Connect for Sqlite {
    async fn connect(path: &str) -> Result<Self> {
        let open = || -> Result<Connection> {
            let db = Connection::open(path)?;
            db.execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON",
            )?;
            db.set_prepared_statement_cache_capacity(100);
            Ok(db)
        };
        let pool = (0..4).map(|_| open()).collect::<Result<_>>()?;
        Ok(Sqlite { db: open()?, pool: Arc::new(Pool::new(pool)) })
    }
}

impl Sqlite {
    fn do_it(&mut self, task: Task) -> Result<Answer> {
        let db = &self.db;
        Ok(match task {
            Task::Users(last) => Answer::Users(users(db, last)?),
            Task::Joined => {
                let mut statement = db.prepare_cached(
                    "SELECT u.id, u.email, u.name, p.id, p.author_id, p.title FROM users u \
                     LEFT JOIN posts p ON p.author_id = u.id WHERE u.id <= ? ORDER BY u.id, p.id",
                )?;
                let rows = statement.query_map([100], |row| {
                    let post = match row.get::<_, Option<i64>>(3)? {
                        Some(id) => Some(Post { id, author_id: row.get(4)?, title: row.get(5)? }),
                        None => None,
                    };
                    Ok((user(row)?, post))
                })?;
                Answer::Joined(rows.collect::<rusqlite::Result<_>>()?)
            }
            Task::Graph => {
                let users = users(db, 10)?;
                let ids: Vec<i64> = users.iter().map(|user| user.id).collect();
                let mut statement = db.prepare_cached(&format!(
                    "SELECT id, author_id, title FROM posts WHERE author_id IN ({}) ORDER BY id",
                    placeholders(ids.len())
                ))?;
                let posts = statement
                    .query_map(rusqlite::params_from_iter(&ids), |row| {
                        Ok(Post { id: row.get(0)?, author_id: row.get(1)?, title: row.get(2)? })
                    })?
                    .collect::<rusqlite::Result<Vec<Post>>>()?;
                let ids: Vec<i64> = posts.iter().map(|post| post.id).collect();
                let mut statement = db.prepare_cached(&format!(
                    "SELECT id, post_id, text FROM comments WHERE post_id IN ({}) ORDER BY id",
                    placeholders(ids.len())
                ))?;
                let comments = statement
                    .query_map(rusqlite::params_from_iter(&ids), |row| {
                        Ok(Comment { id: row.get(0)?, post_id: row.get(1)?, text: row.get(2)? })
                    })?
                    .collect::<rusqlite::Result<Vec<Comment>>>()?;
                Answer::Graph(graph(users, posts, comments))
            }
            Task::Insert(rows) => {
                let count = rows.len() as u64;
                let transaction = self.db.transaction()?;
                {
                    let mut statement = transaction
                        .prepare_cached("INSERT INTO notes (title, text, stars) VALUES (?, ?, ?)")?;
                    for row in &rows {
                        statement.execute(params![row.title, row.text, row.stars])?;
                    }
                }
                transaction.commit()?;
                Answer::Count(count)
            }
            Task::Update(id, name) => {
                // `Connection::transaction` would prepare BEGIN and COMMIT each time.
                db.prepare_cached("BEGIN")?.execute([])?;
                let count = db
                    .prepare_cached("UPDATE users SET name = ? WHERE id = ?")?
                    .execute(params![name, id])?;
                db.prepare_cached("COMMIT")?.execute([])?;
                Answer::Count(count as u64)
            }
            Task::Lookup(id) => Answer::User(lookup(db, id)?),
            Task::Lookups(_) => unreachable!("done by `run`"),
            Task::Stream => {
                let mut statement = db.prepare_cached("SELECT id, place, note FROM readings ORDER BY id")?;
                let mut rows = statement.query([])?;
                let mut sum = 0;
                while let Some(row) = rows.next()? {
                    let (id, place, note): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
                    sum += (id as usize + place.len() + note.len()) as u64;
                }
                Answer::Count(sum)
            }
        })
    }
}

fn placeholders(count: usize) -> String {
    vec!["?"; count].join(", ")
}

fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    Ok(User { id: row.get(0)?, email: row.get(1)?, name: row.get(2)? })
}

fn users(db: &Connection, last: i64) -> rusqlite::Result<Vec<User>> {
    db.prepare_cached("SELECT id, email, name FROM users WHERE id <= ? ORDER BY id")?
        .query_map([last], user)?
        .collect()
}

fn lookup(db: &Connection, id: i64) -> rusqlite::Result<User> {
    db.prepare_cached("SELECT id, email, name FROM users WHERE id = ?")?.query_row([id], user)
}

impl Side for Sqlite {
    async fn run(&mut self, task: Task) -> Result<Answer> {
        let Task::Lookups(count) = task else { return self.do_it(task) };
        let pool = self.pool.clone();
        let look_up = move |id| {
            let pool = pool.clone();
            async move { Ok(lookup(&*pool.take().await, id)?) }
        };
        by_eight_tasks(count, look_up).await
    }

    async fn clear(&mut self, statement: &'static str) -> Result<()> {
        self.db.execute(statement, [])?;
        Ok(())
    }
}
