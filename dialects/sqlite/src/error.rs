//! What SQLite says, as an error of a class (SQLite, "Result and error codes").

use relata_core::{
    Error, ErrorClass,
    driver::{Wording, mask},
    render::Bind,
};
use rusqlite::ffi;

/// The error for what SQLite says. The statement is added by who ran it.
#[cold]
pub(crate) fn from_rusqlite(error: rusqlite::Error) -> Error {
    from_run(error, &[])
}

/// The error for what SQLite says of a statement that ran with these binds. It may quote them, so it is not the source.
#[cold]
pub(crate) fn from_run(error: rusqlite::Error, binds: &[Bind<'_>]) -> Error {
    let shown = |message: &str, class| match binds {
        [] => message.to_owned(),
        binds => mask(message, Wording::of(class), binds),
    };
    let (code, message) = match error {
        rusqlite::Error::SqliteFailure(failure, message) => {
            (failure.extended_code, message.unwrap_or_else(|| failure.to_string()))
        }
        rusqlite::Error::SqlInputError { error, msg, .. } => (error.extended_code, msg),
        rusqlite::Error::MultipleStatement => {
            return Error::new(
                ErrorClass::Statement,
                "the text holds more than one statement; only texts without binds and rows may",
            );
        }
        other => return Error::new(ErrorClass::Other, shown(&other.to_string(), ErrorClass::Other)),
    };
    let class = classify(code, &message);
    let remedy = remedy(code, class);
    let result = Error::new(class, format!("{}{remedy}", shown(&message, class))).with_code(code.to_string());
    match message.split_once(" constraint failed: ") {
        Some((what, names)) => name_constraint(result, what, names),
        None => result,
    }
}

fn classify(code: i32, message: &str) -> ErrorClass {
    match code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            return ErrorClass::Unique;
        }
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => return ErrorClass::ForeignKey,
        // RESTRICT is a trigger of SQLite's own.
        ffi::SQLITE_CONSTRAINT_TRIGGER if message.starts_with("FOREIGN KEY") => {
            return ErrorClass::ForeignKey;
        }
        ffi::SQLITE_CONSTRAINT_NOTNULL => return ErrorClass::NotNull,
        ffi::SQLITE_CONSTRAINT_CHECK => return ErrorClass::Check,
        ffi::SQLITE_CONSTRAINT_DATATYPE => return ErrorClass::Data,
        // What was read is no longer the newest: reading it again and then writing may go well.
        ffi::SQLITE_BUSY_SNAPSHOT => return ErrorClass::Serialization,
        _ => {}
    }
    // The low byte of an extended code is the primary code.
    match code & 0xff {
        ffi::SQLITE_CONSTRAINT => ErrorClass::Constraint,
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => ErrorClass::LockTimeout,
        ffi::SQLITE_INTERRUPT => ErrorClass::Timeout,
        ffi::SQLITE_READONLY => ErrorClass::ReadOnly,
        ffi::SQLITE_PERM | ffi::SQLITE_AUTH => ErrorClass::Permission,
        ffi::SQLITE_CANTOPEN | ffi::SQLITE_NOTADB => ErrorClass::Connect,
        ffi::SQLITE_TOOBIG | ffi::SQLITE_MISMATCH => ErrorClass::Data,
        // The same code stands for what the statement's text and what its values did wrong.
        ffi::SQLITE_ERROR
            if ["overflow", "malformed JSON", "not a decimal"].iter().any(|why| message.contains(why)) =>
        {
            ErrorClass::Data
        }
        ffi::SQLITE_ERROR | ffi::SQLITE_RANGE | ffi::SQLITE_SCHEMA => ErrorClass::Statement,
        _ => ErrorClass::Other,
    }
}

fn remedy(code: i32, class: ErrorClass) -> &'static str {
    match (code & 0xff, class) {
        (_, ErrorClass::LockTimeout) => {
            "; another connection held it for longer than busy_timeout: keep write transactions short"
        }
        (ffi::SQLITE_CANTOPEN, _) => "; the folder must be there, and the file unless mode=rwc makes it",
        (ffi::SQLITE_NOTADB, _) => "; the file was written by something else, or is encrypted",
        _ => "",
    }
}

/// Reads `users.email, users.name` and `index 'name'` out of the message: SQLite does not tell them otherwise. Where a name may hold
/// what stands between names, nobody knows where it ends, and the message alone has to tell.
fn name_constraint(error: Error, what: &str, names: &str) -> Error {
    if let Some(index) = names.strip_prefix("index '").and_then(|rest| rest.strip_suffix('\'')) {
        return error.with_constraint(index.replace("''", "'"));
    }
    if what == "CHECK" {
        // The text of the check, where it has no name.
        let is_name = names.chars().all(|c| c.is_alphanumeric() || c == '_');
        return if is_name { error.with_constraint(names) } else { error };
    }
    let mut table = None;
    let mut columns = Vec::new();
    for name in names.split(", ") {
        match name.split_once('.') {
            Some((of, column)) if !column.contains('.') && table.is_none_or(|table| table == of) => {
                table = Some(of);
                columns.push(column);
            }
            _ => return error,
        }
    }
    match table {
        Some(table) => error.with_table(table).with_columns(columns),
        None => error,
    }
}
