//! What is measured, and who does it.

use crate::data::{Comment, NewNote, Post, User};

pub type Failure = Box<dyn std::error::Error + Send + Sync>;
pub type Result<T> = std::result::Result<T, Failure>;

/// Something to do once.
#[derive(Debug, Clone)]
pub enum Task {
    /// The users with a key up to this, by key.
    Users(i64),
    /// The first hundred users, each with each post: 550 rows.
    Joined,
    /// Ten users with their posts with their comments, a statement a level.
    Graph,
    /// These rows, all or none.
    Insert(Vec<NewNote>),
    /// Another name for a user, in a transaction.
    Update(i64, String),
    /// One user.
    Lookup(i64),
    /// So many users, by eight tasks over a pool of four connections.
    Lookups(i64),
    /// All readings, one by one.
    Stream,
}

/// What came of it: equal on both sides, or the comparison is void.
#[derive(Debug, PartialEq)]
pub enum Answer {
    Users(Vec<User>),
    Joined(Vec<(User, Option<Post>)>),
    Graph(Vec<(User, Vec<(Post, Vec<Comment>)>)>),
    User(User),
    Count(u64),
}

/// Who does it: Relata, or a loop over the bare driver.
pub trait Side: Send {
    /// Does it.
    fn run(&mut self, task: Task) -> impl Future<Output = Result<Answer>> + Send;

    /// Makes the table of notes empty, by a statement that both sides use: what is left behind by one burdens the next.
    fn clear(&mut self, statement: &'static str) -> impl Future<Output = Result<()>> + Send;
}

/// Looks so many users up in eight tasks, and gives the length of their addresses.
pub async fn by_eight_tasks<L, U>(count: i64, look_up: L) -> Result<Answer>
where
    L: Fn(i64) -> U + Clone + Send + 'static,
    U: Future<Output = Result<User>> + Send,
{
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let look_up = look_up.clone();
            tokio::spawn(async move {
                let mut sum = 0;
                for id in (1..=count).filter(|id| id % 8 == task) {
                    sum += look_up(id).await?.email.len() as u64;
                }
                Result::Ok(sum)
            })
        })
        .collect();
    let mut sum = 0;
    for task in tasks {
        sum += task.await??;
    }
    Ok(Answer::Count(sum))
}

/// A side that is connected anew for each workload.
pub trait Connect: Side + Sized {
    /// Connects to a file or a server, and prepares what it will be asked to do.
    fn connect(to: &str) -> impl Future<Output = Result<Self>> + Send;
}
