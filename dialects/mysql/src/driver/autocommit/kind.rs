//! What a job does to a transaction, as far as its text says it.

use relata_core::driver::{Job, Mode};

use crate::dialect::BEGIN;

/// Whether a text may travel with others in one round trip: transaction control and the like, which gives no rows and has
/// no quotes or comments that could reach into the next.
pub(super) fn can_be_joined(job: &Job<'_>) -> bool {
    job.mode == Mode::Text
        && job.sink.is_none()
        && job.binds.is_empty()
        && job.sql.bytes().filter(|byte| *byte == b'`').count() % 2 == 0
        && job.sql.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" _,.()=`".contains(&byte))
}

/// What a job does to a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Begin,
    Savepoint,
    /// COMMIT or ROLLBACK.
    End,
    /// Reads or changes rows, and can neither begin nor end a transaction, nor set anything.
    Plain,
    /// Anything: DDL, SET, CALL, what was written by hand.
    Other,
}

impl Kind {
    pub(super) fn of(job: &Job<'_>) -> Kind {
        // Several statements can only be sent as text.
        let single = job.mode != Mode::Text || !job.sql.contains(';');
        if single && begins_with(job.sql, &["SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "WITH"]) {
            return Kind::Plain;
        }
        match job.sql {
            _ if job.mode != Mode::Text => Kind::Other,
            "COMMIT" | "ROLLBACK" => Kind::End,
            _ if !can_be_joined(job) => Kind::Other,
            // Also READ ONLY.
            sql if sql.starts_with(BEGIN) => Kind::Begin,
            sql if ["SAVEPOINT ", "RELEASE SAVEPOINT ", "ROLLBACK TO SAVEPOINT "]
                .iter()
                .any(|begin| sql.starts_with(begin)) =>
            {
                Kind::Savepoint
            }
            _ => Kind::Other,
        }
    }
}

/// Whether the first word of a statement is one of these.
pub(in crate::driver) fn begins_with(sql: &str, words: &[&str]) -> bool {
    let sql = behind_comments(sql);
    let first = sql.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    words.iter().any(|word| first.eq_ignore_ascii_case(word))
}

/// A statement from its first word on (MySQL 8.4 manual 11.7). What stands in `/*! … */` is run, so it is none of the comments.
fn behind_comments(mut sql: &str) -> &str {
    loop {
        sql = sql.trim_start_matches(|c: char| c == '(' || c.is_whitespace());
        let end = if sql.starts_with("/*") && !sql.starts_with("/*!") && !sql.starts_with("/*M!") {
            sql.find("*/").map(|at| at + 2)
        } else if sql.starts_with('#') || sql.starts_with("--") {
            sql.find('\n')
        } else {
            return sql;
        };
        sql = end.and_then(|end| sql.get(end..)).unwrap_or_default();
    }
}

/// Whether a job can end a transaction without a word of it in its text: a procedure, or a block of statements. Whoever writes DDL
/// or COMMIT by hand knows.
pub(in crate::driver) fn ends_unseen(job: &Job<'_>) -> bool {
    begins_with(job.sql, &["CALL", "EXECUTE", "BEGIN"])
}

/// Whether a job reads or changes rows, and no more.
pub(in crate::driver) fn is_plain(job: Option<&Job<'_>>) -> bool {
    job.is_some_and(|job| Kind::of(job) == Kind::Plain)
}

/// Whether a job is a SELECT, and no more. (One that begins with WITH and changes rows gives none.)
pub(super) fn reads(job: &Job<'_>) -> bool {
    Kind::of(job) == Kind::Plain && begins_with(job.sql, &["SELECT", "WITH"])
}

/// Whether a text may set autocommit. In a transaction that does nothing where it was 1, and commits where it was 0; where it
/// stays behind in the session, statements that come later are never committed.
pub(super) fn sets_autocommit(sql: &str) -> bool {
    (begins_with(sql, &["SET"]) || sql.contains(';')) && sql.to_ascii_lowercase().contains("autocommit")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn job(sql: &str) -> Job<'_> {
        let mode = if sql.contains('?') { Mode::Cached } else { Mode::Text };
        Job::new(sql, &[], mode)
    }

    #[test]
    fn what_a_text_is() {
        for (sql, kind) in [
            ("START TRANSACTION", Kind::Begin),
            ("START TRANSACTION READ ONLY", Kind::Begin),
            ("COMMIT", Kind::End),
            ("ROLLBACK", Kind::End),
            ("COMMIT AND CHAIN", Kind::Other),
            ("SAVEPOINT a", Kind::Savepoint),
            ("ROLLBACK TO SAVEPOINT a", Kind::Savepoint),
            ("RELEASE SAVEPOINT a", Kind::Savepoint),
            ("SAVEPOINT a; COMMIT", Kind::Other),
            ("SELECT ?", Kind::Plain),
            ("(select ? union select 2)", Kind::Plain),
            ("DELETE FROM t", Kind::Plain),
            ("SELECT 1; COMMIT", Kind::Other),
            ("SELECTED", Kind::Other),
            ("/* SELECT */ COMMIT", Kind::Other),
            ("/* COMMIT */ -- SET\n # CALL\n(SELECT 1)", Kind::Plain),
            ("/*! COMMIT */ SELECT 1", Kind::Other),
            ("/*M! COMMIT */ SELECT 1", Kind::Other),
            ("/* SELECT", Kind::Other),
            ("-- SELECT", Kind::Other),
            ("CREATE TABLE t (n INT)", Kind::Other),
            ("SET @a = ?", Kind::Other),
            ("CALL p(?)", Kind::Other),
            ("", Kind::Other),
        ] {
            assert_eq!(Kind::of(&job(sql)), kind, "{sql}");
        }
        assert_eq!(Kind::of(&Job::new("COMMIT", &[], Mode::Once)), Kind::Other);
    }

    #[test]
    fn who_may_end_a_transaction_unseen() {
        for sql in [
            "CALL p(?)",
            "/* from here */ call p()",
            "-- x\nEXECUTE IMMEDIATE 'COMMIT'",
            "BEGIN NOT ATOMIC COMMIT; END",
        ] {
            assert!(ends_unseen(&job(sql)), "{sql}");
        }
        for sql in ["COMMIT", "CREATE PROCEDURE p() BEGIN CALL q(); END", "SELECT 1; COMMIT", "# CALL p()"] {
            assert!(!ends_unseen(&job(sql)), "{sql}");
        }
    }
}
