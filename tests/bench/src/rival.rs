//! sqlx, as its documentation would have it, in Relata's place: what users would take instead.
//!
//! Not on SQLite, where its driver and rusqlite cannot be in one program.

use std::fmt::Write;

use futures_util::TryStreamExt;
use sqlx::{
    AssertSqlSafe, Connection as _, MySql, MySqlConnection, MySqlPool, PgConnection, PgPool, Postgres,
    QueryBuilder, Row, mysql::MySqlRow, postgres::PgRow,
};

use crate::{
    data::{Comment, NewNote, Post, User},
    raw::graph,
    task::{Answer, Connect, Result, Side, Task, by_eight_tasks},
};

/// How many rows one INSERT has at most.
const ROWS: usize = 1000;

/// From how many rows on sqlx's users would take COPY.
const COPY: usize = 10_000;

pub struct Sqlx<C, P> {
    conn: C,
    pool: P,
}

pub type SqlxPostgres = Sqlx<PgConnection, PgPool>;
pub type SqlxMysql = Sqlx<MySqlConnection, MySqlPool>;

/// What is the same but for the types. `$first` and `$second` spell the placeholders.
macro_rules! side {
    ($conn:ty, $pool:ty, $options:ty, $row:ty, $first:literal, $second:literal, $of_keys:ident, $insert:ident) => {
        impl Connect for Sqlx<$conn, $pool> {
            async fn connect(url: &str) -> Result<Self> {
                let pool = <$options>::new().max_connections(4).connect(url).await?;
                Ok(Sqlx { conn: <$conn as sqlx::Connection>::connect(url).await?, pool })
            }
        }

        impl Side for Sqlx<$conn, $pool> {
            async fn run(&mut self, task: Task) -> Result<Answer> {
                const USERS: &str =
                    concat!("SELECT id, email, name FROM users WHERE id <= ", $first, " ORDER BY id");
                const LOOKUP: &str = concat!("SELECT id, email, name FROM users WHERE id = ", $first);
                let user = |row: $row| User { id: row.get(0), email: row.get(1), name: row.get(2) };
                let conn = &mut self.conn;
                Ok(match task {
                    Task::Users(last) => {
                        Answer::Users(sqlx::query(USERS).bind(last).map(user).fetch_all(conn).await?)
                    }
                    Task::Joined => {
                        let rows = sqlx::query(concat!(
                            "SELECT u.id, u.email, u.name, p.id, p.author_id, p.title FROM users u ",
                            "LEFT JOIN posts p ON p.author_id = u.id WHERE u.id <= ",
                            $first,
                            " ORDER BY u.id, p.id"
                        ));
                        let row = |row: $row| {
                            let post = row.get::<Option<i64>, _>(3);
                            let post = post.map(|id| Post { id, author_id: row.get(4), title: row.get(5) });
                            (user(row), post)
                        };
                        Answer::Joined(rows.bind(100_i64).map(row).fetch_all(conn).await?)
                    }
                    Task::Graph => {
                        let users: Vec<User> =
                            sqlx::query(USERS).bind(10_i64).map(user).fetch_all(&mut *conn).await?;
                        let ids = users.iter().map(|user| user.id).collect();
                        let post =
                            |row: $row| Post { id: row.get(0), author_id: row.get(1), title: row.get(2) };
                        let posts = $of_keys!("SELECT id, author_id, title FROM posts WHERE author_id", ids);
                        let posts: Vec<Post> = posts.map(post).fetch_all(&mut *conn).await?;
                        let ids = posts.iter().map(|post| post.id).collect();
                        let comment =
                            |row: $row| Comment { id: row.get(0), post_id: row.get(1), text: row.get(2) };
                        let comments = $of_keys!("SELECT id, post_id, text FROM comments WHERE post_id", ids);
                        let comments: Vec<Comment> = comments.map(comment).fetch_all(conn).await?;
                        Answer::Graph(graph(users, posts, comments))
                    }
                    Task::Insert(rows) => Answer::Count($insert(conn, rows).await?),
                    Task::Update(id, name) => {
                        let mut tx = conn.begin().await?;
                        let update =
                            sqlx::query(concat!("UPDATE users SET name = ", $first, " WHERE id = ", $second));
                        update.bind(name).bind(id).execute(&mut *tx).await?;
                        tx.commit().await?;
                        Answer::Count(1)
                    }
                    Task::Lookup(id) => {
                        Answer::User(sqlx::query(LOOKUP).bind(id).map(user).fetch_one(conn).await?)
                    }
                    Task::Lookups(count) => {
                        let pool = self.pool.clone();
                        let look_up = move |id: i64| {
                            let pool = pool.clone();
                            async move { Ok(sqlx::query(LOOKUP).bind(id).map(user).fetch_one(&pool).await?) }
                        };
                        by_eight_tasks(count, look_up).await?
                    }
                    Task::Stream => {
                        let mut rows =
                            sqlx::query("SELECT id, place, note FROM readings ORDER BY id").fetch(conn);
                        let mut sum = 0;
                        while let Some(row) = rows.try_next().await? {
                            let (id, place, note): (i64, String, String) =
                                (row.get(0), row.get(1), row.get(2));
                            sum += (id as usize + place.len() + note.len()) as u64;
                        }
                        Answer::Count(sum)
                    }
                })
            }

            async fn clear(&mut self, statement: &'static str) -> Result<()> {
                sqlx::query(statement).execute(&mut self.conn).await?;
                Ok(())
            }
        }
    };
}

macro_rules! any_key {
    ($sql:literal, $ids:ident) => {{
        let ids: Vec<i64> = $ids;
        sqlx::query(concat!($sql, " = ANY($1) ORDER BY id")).bind(ids)
    }};
}

macro_rules! listed_keys {
    ($sql:literal, $ids:ident) => {{
        let ids: Vec<i64> = $ids;
        let places = vec!["?"; ids.len()].join(", ");
        let mut query = sqlx::query(AssertSqlSafe(format!("{} IN ({places}) ORDER BY id", $sql)));
        for id in ids {
            query = query.bind(id);
        }
        query
    }};
}

side!(PgConnection, PgPool, sqlx::postgres::PgPoolOptions, PgRow, "$1", "$2", any_key, insert_postgres);
side!(
    MySqlConnection,
    MySqlPool,
    sqlx::mysql::MySqlPoolOptions,
    MySqlRow,
    "?",
    "?",
    listed_keys,
    insert_mysql
);

/// One row by VALUES, more by UNNEST, many by COPY, which sqlx leaves to its user to write.
async fn insert_postgres(conn: &mut PgConnection, rows: Vec<NewNote>) -> Result<u64> {
    if rows.len() >= COPY {
        let mut copy = conn.copy_in_raw("COPY notes (title, text, stars) FROM STDIN").await?;
        let mut text = String::new();
        for row in rows {
            // None of the texts here has a character that would have to be escaped.
            writeln!(text, "{}\t{}\t{}", row.title, row.text, row.stars)?;
            if text.len() > 1 << 16 {
                copy.send(std::mem::take(&mut text).into_bytes()).await?;
            }
        }
        copy.send(text.into_bytes()).await?;
        return Ok(copy.finish().await?);
    }
    let query = match <[NewNote; 1]>::try_from(rows) {
        Ok([row]) => sqlx::query::<Postgres>("INSERT INTO notes (title, text, stars) VALUES ($1, $2, $3)")
            .bind(row.title)
            .bind(row.text)
            .bind(row.stars),
        Err(rows) => {
            let stars: Vec<i32> = rows.iter().map(|row| row.stars).collect();
            let (titles, texts): (Vec<String>, Vec<String>) =
                rows.into_iter().map(|row| (row.title, row.text)).unzip();
            let sql = "INSERT INTO notes (title, text, stars) SELECT * FROM UNNEST($1::text[], $2::text[], $3::int4[])";
            sqlx::query::<Postgres>(sql).bind(titles).bind(texts).bind(stars)
        }
    };
    Ok(query.execute(conn).await?.rows_affected())
}

async fn insert_mysql(conn: &mut MySqlConnection, rows: Vec<NewNote>) -> Result<u64> {
    let count = rows.len() as u64;
    let mut rows = rows.into_iter();
    let mut batch = || {
        let mut query = QueryBuilder::<MySql>::new("INSERT INTO notes (title, text, stars) ");
        query.push_values(rows.by_ref().take(ROWS), |mut places, row| {
            places.push_bind(row.title).push_bind(row.text).push_bind(row.stars);
        });
        query
    };
    if count <= ROWS as u64 {
        batch().build().execute(conn).await?;
        return Ok(count);
    }
    let mut tx = conn.begin().await?;
    for _ in 0..count.div_ceil(ROWS as u64) {
        batch().build().execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok(count)
}
