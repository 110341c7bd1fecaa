//! What goes wrong, by class.

use std::{borrow::Cow, error::Error as StdError, fmt};

use crate::render::CompileError;

/// The result of everything that talks to a database.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What class of failure an [`Error`] is. `docs/src/errors` has a page for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorClass {
    /// A unique or primary key constraint was violated.
    Unique,
    /// A foreign key constraint was violated.
    ForeignKey,
    /// A NOT NULL constraint was violated.
    NotNull,
    /// A CHECK constraint was violated.
    Check,
    /// Another integrity constraint was violated.
    Constraint,
    /// The transaction could not be serialised with others; run it again.
    Serialization,
    /// The transaction was the victim of a deadlock; run it again.
    Deadlock,
    /// A lock was not granted in time.
    LockTimeout,
    /// A statement took longer than allowed.
    Timeout,
    /// The connection is gone.
    Disconnected,
    /// No connection could be made.
    Connect,
    /// The server refused the user or the password.
    Authentication,
    /// The TLS handshake failed: an unknown authority, a wrong host name, no TLS on the server.
    Tls,
    /// The pool had no connection to give in time.
    PoolTimeout,
    /// The pool is closed.
    PoolClosed,
    /// The statement could not be compiled for this database.
    Compile,
    /// The database did not understand the statement: a missing table or column, wrong syntax.
    Statement,
    /// A value does not fit the column or the database.
    Data,
    /// A value that was read does not fit the Rust type.
    Decode,
    /// A row was asked for and there is none.
    NotFound,
    /// One row was asked for and there are more.
    TooManyRows,
    /// A URL or an option makes no sense.
    Configuration,
    /// The user may not do this.
    Permission,
    /// The database is read-only.
    ReadOnly,
    /// The row changed or vanished since it was read.
    Stale,
    /// The answer to COMMIT was lost: it may have happened or not.
    CommitUnknown,
    /// A handle does not name an entity of this session.
    Handle,
    /// A session, connection or transaction was left in the middle of something and has to be rolled back.
    Poisoned,
    /// What was asked of the session makes no sense.
    Session,
    /// Anything else.
    Other,
}

/// What went wrong: its class, a message, and where known the statement, the constraint and the database's code.
///
/// Parameters are never part of it, nor are passwords.
///
/// ```
/// use relata_core::{Error, ErrorClass};
///
/// let error = Error::new(ErrorClass::Unique, "duplicate key").with_constraint("users_email_key");
/// assert!(error.is_unique_violation());
/// assert_eq!(error.constraint(), Some("users_email_key"));
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    class: ErrorClass,
    message: Cow<'static, str>,
    statement: Option<String>,
    database: Option<&'static str>,
    constraint: Option<String>,
    table: Option<String>,
    columns: Vec<String>,
    code: Option<String>,
    context: Vec<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of a class. For drivers and dialects.
    pub fn new(class: ErrorClass, message: impl Into<Cow<'static, str>>) -> Self {
        Error(Box::new(Inner {
            class,
            message: message.into(),
            statement: None,
            database: None,
            constraint: None,
            table: None,
            columns: Vec::new(),
            code: None,
            context: Vec::new(),
            source: None,
        }))
    }

    /// The same error with what caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The same error with the statement that failed; the first one given stays.
    #[must_use]
    pub fn with_statement(mut self, sql: &str) -> Self {
        self.0.statement.get_or_insert_with(|| sql.to_owned());
        self
    }

    /// The same error with the name of the database that said so, as its dialect has it; the first one given stays.
    #[must_use]
    pub fn with_database(mut self, name: &'static str) -> Self {
        self.0.database.get_or_insert(name);
        self
    }

    /// The same error with the constraint that was violated.
    #[must_use]
    pub fn with_constraint(mut self, name: impl Into<String>) -> Self {
        self.0.constraint = Some(name.into());
        self
    }

    /// The same error with the table it is about.
    #[must_use]
    pub fn with_table(mut self, name: impl Into<String>) -> Self {
        self.0.table = Some(name.into());
        self
    }

    /// The same error with the columns it is about.
    #[must_use]
    pub fn with_columns<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.0.columns = names.into_iter().map(Into::into).collect();
        self
    }

    /// The same error with the database's own code: the SQLSTATE, or a number.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.0.code = Some(code.into());
        self
    }

    /// The same error, saying in addition what was being done.
    #[must_use]
    pub fn context(mut self, what: impl Into<String>) -> Self {
        self.0.context.push(what.into());
        self
    }

    /// The same error in another class: a caller that knows better what it means.
    #[must_use]
    pub fn reclassified(mut self, class: ErrorClass) -> Self {
        self.0.class = class;
        self
    }

    /// The class of the failure.
    pub fn class(&self) -> ErrorClass {
        self.0.class
    }

    /// The SQL text that failed, without its parameters.
    pub fn statement(&self) -> Option<&str> {
        self.0.statement.as_deref()
    }

    /// Which database it is about, such as `PostgreSQL`: that of a statement that was run.
    pub fn database(&self) -> Option<&'static str> {
        self.0.database
    }

    /// The name of the violated constraint, where the server tells.
    pub fn constraint(&self) -> Option<&str> {
        self.0.constraint.as_deref()
    }

    /// The table it is about, where the server tells.
    pub fn table(&self) -> Option<&str> {
        self.0.table.as_deref()
    }

    /// The columns it is about, where the server tells.
    pub fn columns(&self) -> &[String] {
        &self.0.columns
    }

    /// The database's own code: PostgreSQL's SQLSTATE, the error number of MySQL and MariaDB (`1062`), SQLite's extended result code.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// Whether a unique or primary key constraint was violated.
    pub fn is_unique_violation(&self) -> bool {
        self.0.class == ErrorClass::Unique
    }

    /// Whether a foreign key constraint was violated.
    pub fn is_foreign_key_violation(&self) -> bool {
        self.0.class == ErrorClass::ForeignKey
    }

    /// Whether a NOT NULL constraint was violated.
    pub fn is_not_null_violation(&self) -> bool {
        self.0.class == ErrorClass::NotNull
    }

    /// Whether a CHECK constraint was violated.
    pub fn is_check_violation(&self) -> bool {
        self.0.class == ErrorClass::Check
    }

    /// Whether a row that was asked for does not exist.
    pub fn is_not_found(&self) -> bool {
        self.0.class == ErrorClass::NotFound
    }

    /// Whether the row changed or vanished since it was read.
    pub fn is_stale(&self) -> bool {
        self.0.class == ErrorClass::Stale
    }

    /// Whether the connection is lost.
    pub fn is_disconnect(&self) -> bool {
        self.0.class == ErrorClass::Disconnected
    }

    /// Whether the same transaction, run again from its start, may succeed: serialization failures and deadlocks.
    ///
    /// A lost connection is not among them, since nobody knows what had been done; nor is [`ErrorClass::CommitUnknown`].
    pub fn is_retryable(&self) -> bool {
        matches!(self.0.class, ErrorClass::Serialization | ErrorClass::Deadlock)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_to(&mut OneLine { out: f, broken: false })
    }
}

impl Error {
    fn write_to(&self, f: &mut impl fmt::Write) -> fmt::Result {
        for what in self.0.context.iter().rev() {
            write!(f, "{what}: ")?;
        }
        f.write_str(&self.0.message)?;
        let columns = self.0.columns.join(", ");
        let details = [
            ("constraint", self.0.constraint.as_deref()),
            ("table", self.0.table.as_deref()),
            (
                if self.0.columns.len() == 1 { "column" } else { "columns" },
                Some(&*columns).filter(|_| !self.0.columns.is_empty()),
            ),
            ("code", self.0.code.as_deref()),
            ("on", self.0.database),
        ];
        let mut open = " (";
        for (name, text) in details {
            if let Some(text) = text {
                write!(f, "{open}{name} {text}")?;
                open = ", ";
            }
        }
        if open == ", " {
            f.write_str(")")?;
        }
        if let Some(sql) = &self.0.statement {
            write!(f, " in: {}", Shortened(sql))?;
        }
        Ok(())
    }
}

/// Writes a space for a break between lines, and for the indentation behind it.
struct OneLine<'f, 'o> {
    out: &'f mut fmt::Formatter<'o>,
    broken: bool,
}

impl fmt::Write for OneLine<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if matches!(character, '\n' | '\r') {
                self.broken = true;
            } else if !self.broken {
                self.out.write_char(character)?;
            } else if !character.is_whitespace() {
                self.broken = false;
                self.out.write_char(' ')?;
                self.out.write_char(character)?;
            }
        }
        Ok(())
    }
}

/// Statements can be long.
struct Shortened<'a>(&'a str);

impl fmt::Display for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LIMIT: usize = 1000;
        match self.0.char_indices().nth(LIMIT) {
            Some((at, _)) => write!(f, "{}… ({} bytes in all)", &self.0[..at], self.0.len()),
            None => f.write_str(self.0),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.class)?;
        match &self.0.source {
            Some(source) => write!(f, " (caused by: {source})"),
            None => Ok(()),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| source.as_ref() as _)
    }
}

impl From<CompileError> for Error {
    fn from(error: CompileError) -> Self {
        Error::new(ErrorClass::Compile, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_prints_as_one_line() {
        let error = Error::new(ErrorClass::Statement, "no such\ntable")
            .with_table("a\r\nb")
            .with_statement("SELECT\n  1\n\n  FROM a\n");
        assert_eq!(error.to_string(), "no such table (table a b) in: SELECT 1 FROM a");
        assert_eq!(format!("{error:?}"), "Statement: no such table (table a b) in: SELECT 1 FROM a");
        assert_eq!(error.statement(), Some("SELECT\n  1\n\n  FROM a\n"));
    }
}
