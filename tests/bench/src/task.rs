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

    /// Makes the table of notes empty.
    fn clear(&mut self) -> impl Future<Output = Result<()>> + Send;
}

/// A side that needs a database of its own for each workload.
pub trait Connect: Side + Sized {
    /// Connects to a file or a server, and prepares what it will be asked to do.
    fn connect(to: &str) -> impl Future<Output = Result<Self>> + Send;
}
