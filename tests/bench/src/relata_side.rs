//! Relata, through what its users write.

use std::ops::ControlFlow;

use relata::prelude::*;

use crate::{
    data::{Note, Post, Reading, User},
    task::{Answer, Connect, Result, Side, Task, by_eight_tasks},
};

/// Statements on the engine, with values for rows.
pub struct Plain {
    db: Engine,
    // Point lookups and updates are measured on one connection, as on the other side.
    connection: Connection,
}

impl Connect for Plain {
    async fn connect(url: &str) -> Result<Self> {
        let db = Engine::connect(url).await?;
        let connection = db.connection().await?;
        Ok(Plain { db, connection })
    }
}

impl Side for Plain {
    async fn run(&mut self, task: Task) -> Result<Answer> {
        let db = &mut self.connection;
        Ok(match task {
            Task::Users(last) => {
                Answer::Users(User::select().filter(User::id.le(last)).order_by(User::id).all(db).await?)
            }
            Task::Joined => Answer::Joined(
                select((User::entity(), Post::entity().optional()))
                    .left_join(User::posts)
                    .filter(User::id.le(100))
                    .order_by((User::id, Post::id))
                    .all(db)
                    .await?,
            ),
            Task::Graph => Answer::Graph(
                User::select()
                    .filter(User::id.le(10))
                    .order_by(User::id)
                    .with(User::posts.with(Post::comments))
                    .all(db)
                    .await?,
            ),
            Task::Insert(rows) => Answer::Count(insert_many(rows).execute(db).await?),
            Task::Update(id, name) => {
                let mut tx = db.begin().await?;
                let count =
                    update::<User>().set(User::name, name).filter(User::id.eq(id)).execute(&mut tx).await?;
                tx.commit().await?;
                Answer::Count(count)
            }
            Task::Lookup(id) => Answer::User(User::find(&id).one(db).await?),
            Task::Lookups(count) => {
                let db = self.db.clone();
                let look_up = move |id| {
                    let db = db.clone();
                    async move { Ok(User::find(&id).one(&db).await?) }
                };
                by_eight_tasks(count, look_up).await?
            }
            Task::Stream => {
                let mut sum = 0;
                Reading::select()
                    .order_by(Reading::id)
                    .for_each(db, |row| {
                        sum += (row.id as usize + row.place.len() + row.note.len()) as u64;
                        Ok(ControlFlow::Continue(()))
                    })
                    .await?;
                Answer::Count(sum)
            }
        })
    }

    async fn clear(&mut self, statement: &'static str) -> Result<()> {
        sql(statement).execute(&mut self.connection).await?;
        Ok(())
    }
}

/// The same in a transaction, for comparison with a session, which always has one.
pub struct InTransaction(pub Engine);

impl Side for InTransaction {
    async fn run(&mut self, task: Task) -> Result<Answer> {
        let mut tx = self.0.begin().await?;
        let answer = match task {
            Task::Users(last) => {
                let rows = User::select().filter(User::id.le(last)).order_by(User::id).all(&mut tx).await?;
                Answer::Count(rows.len() as u64)
            }
            Task::Insert(rows) => {
                Answer::Count(insert_many(rows).returning(Note::entity()).all(&mut tx).await?.len() as u64)
            }
            other => return Err(format!("not compared with a session: {other:?}").into()),
        };
        tx.commit().await?;
        Ok(answer)
    }

    async fn clear(&mut self, statement: &'static str) -> Result<()> {
        sql(statement).execute(&self.0).await?;
        Ok(())
    }
}

/// A session for each task.
pub struct InSession(pub Engine);

impl Side for InSession {
    async fn run(&mut self, task: Task) -> Result<Answer> {
        let mut session = self.0.session();
        let answer = match task {
            Task::Users(last) => {
                let users = session.all(User::select().filter(User::id.le(last)).order_by(User::id)).await?;
                Answer::Count(users.len() as u64)
            }
            Task::Insert(rows) => Answer::Count(session.add_all(rows).len() as u64),
            other => return Err(format!("not done in a session: {other:?}").into()),
        };
        session.commit().await?;
        Ok(answer)
    }

    async fn clear(&mut self, statement: &'static str) -> Result<()> {
        sql(statement).execute(&self.0).await?;
        Ok(())
    }
}
