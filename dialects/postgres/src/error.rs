//! Errors of the server, and of logging in, as Relata's classes.

use std::{borrow::Cow, io};

use relata_core::{
    Error, ErrorClass,
    driver::{Wording, mask},
    render::Bind,
};

use crate::{
    PostgresOptions,
    driver::{Refused, ServerError},
};

/// What went wrong while connecting.
pub(crate) fn from_connect(error: tokio_postgres::Error, options: &PostgresOptions) -> Error {
    let server = server(options);
    if let Some(db) = error.as_db_error() {
        let error = from_server(&ServerError::from(db), None);
        if matches!(error.class(), ErrorClass::Data | ErrorClass::Statement)
            && !error.code().is_some_and(|code| code.starts_with("0A"))
        {
            // Nothing else was asked of it. The values are those of the options, so that they may show.
            let why = format!("the server does not take an option: {}", db.message());
            return Error::new(ErrorClass::Configuration, why)
                .with_code(db.code().code())
                .context(format!("cannot connect to {server}"));
        }
        let class = match error.class() {
            // Starting up, shutting down, or out of room: nobody was connected yet.
            ErrorClass::Disconnected => ErrorClass::Connect,
            // PgBouncer answers so to a setting that it does not know.
            ErrorClass::Other => ErrorClass::Connect,
            class => class,
        };
        return error.reclassified(class).context(format!("cannot connect to {server}"));
    }
    let text = error.to_string();
    let Some(source) = error.into_source() else {
        return Error::new(ErrorClass::Connect, format!("cannot connect to {server}: {text}"));
    };
    #[cfg(feature = "tls")]
    if text.contains("TLS") {
        let remedy = crate::driver::tls_remedy(&*source, options);
        return Error::new(ErrorClass::Tls, format!("no TLS with {server}: {source}; {remedy}"));
    }
    let class = if text.contains("authentication") || source.to_string().contains("password") {
        ErrorClass::Authentication
    } else {
        ErrorClass::Connect
    };
    Error::new(class, format!("cannot connect to {server}: {source}"))
}

/// Why the server was not reached.
pub(crate) fn from_socket(error: &io::Error, options: &PostgresOptions) -> Error {
    let is_refused = error.get_ref().is_some_and(|inner| inner.is::<Refused>());
    let class = if is_refused { ErrorClass::Configuration } else { ErrorClass::Connect };
    Error::new(class, format!("cannot connect to {}: {error}", server(options)))
}

fn server(options: &PostgresOptions) -> String {
    if options.is_local() {
        format!("{}/.s.PGSQL.{}", options.host, options.port)
    } else {
        format!("{}:{}", options.host, options.port)
    }
}

/// What the server says, without the values that it mentions: never attached as the source, since DETAIL holds values of the row.
/// `binds` are those that the statement ran with, if it ran.
pub(crate) fn from_server(db: &ServerError<'_>, binds: Option<&[Bind<'_>]>) -> Error {
    let code = &*db.code;
    let class = match classify(code) {
        ErrorClass::ForeignKey if code == STILL_NEEDED && !is_referred_to(db) => ErrorClass::Statement,
        // Run again, the same transaction prepares it anew.
        _ if is_of_a_type(db) || db.message == PLAN_IS_OUTDATED => ErrorClass::Serialization,
        class => class,
    };
    let mut message = match (binds, class) {
        // What was stored is a value as well, also where nothing is bound.
        (None, ErrorClass::Data) => Cow::Owned(mask(&db.message, Wording::Unknown, &[])),
        (None, _) => Cow::Borrowed(&*db.message),
        // It is looked for in the message, and holds none.
        (Some(_), _) if is_of_a_type(db) => Cow::Borrowed(&*db.message),
        (Some(binds), _) => Cow::Owned(mask(&db.message, wording(code, class), binds)),
    };
    // A hint on a statement names columns and functions, or the cast that is missing.
    if class == ErrorClass::Statement
        && binds.is_none()
        && let Some(hint) = &db.hint
    {
        message = Cow::Owned(format!("{message}; {hint}"));
    }
    if code == "42501" && db.message.is_empty() {
        message = Cow::Borrowed("permission denied");
    }
    let mut error = Error::new(class, message.into_owned()).with_code(code);
    if let Some(constraint) = db.constraint.as_deref() {
        error = error.with_constraint(constraint);
    }
    if let Some(table) = db.table.as_deref() {
        error = error.with_table(table);
    }
    let columns = match (&db.column, &db.detail) {
        (Some(column), _) => vec![column.clone().into_owned()],
        (None, Some(detail)) if has_key(class, &db.message) => key_columns(detail, class),
        _ => Vec::new(),
    };
    if columns.is_empty() { error } else { error.with_columns(columns) }
}

/// Whether DETAIL begins with the columns of the table that the error names. When a row that others refer to is deleted, it
/// has those of the other table.
fn has_key(class: ErrorClass, message: &str) -> bool {
    match class {
        ErrorClass::Unique | ErrorClass::Constraint => true,
        ErrorClass::ForeignKey => !message.starts_with("update or delete"),
        _ => false,
    }
}

/// The columns in `Key (a, "b c")=(1, 2) already exists.`; of the values nothing. What is said of a foreign key has its names without
/// quote marks.
fn key_columns(detail: &str, class: ErrorClass) -> Vec<String> {
    let Some((list, _)) = detail.split_once('(').and_then(|(_, rest)| rest.split_once(")=(")) else {
        return Vec::new();
    };
    if class == ErrorClass::ForeignKey {
        return list.split(", ").map(str::to_owned).collect();
    }
    let (mut columns, mut column) = (Vec::new(), String::new());
    let (mut quoted, mut depth) = (false, 0_u32);
    let mut characters = list.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                column.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted && depth == 0 => {
                columns.push(std::mem::take(&mut column));
                if characters.peek() == Some(&' ') {
                    characters.next();
                }
            }
            _ => {
                if !quoted {
                    depth = match character {
                        '(' => depth + 1,
                        ')' => depth.saturating_sub(1),
                        _ => depth,
                    };
                }
                column.push(character);
            }
        }
    }
    columns.push(column);
    columns
}

/// P0 is what a function of PL/pgSQL says ("RAISE").
fn wording(code: &str, class: ErrorClass) -> Wording {
    if code.starts_with("P0") { Wording::Known } else { Wording::of(class) }
}

/// Something is dropped that other things need.
const STILL_NEEDED: &str = "2BP01";

/// Whether a foreign key is among them: `constraint posts_fkey on table posts depends on table users`. A server of another language is
/// not understood.
fn is_referred_to(db: &ServerError<'_>) -> bool {
    let detail = db.detail.as_deref().unwrap_or_default();
    detail.lines().any(|line| line.starts_with("constraint ") && line.contains(" depends on "))
}

/// Whether a type is gone that a prepared statement names.
fn is_of_a_type(db: &ServerError<'_>) -> bool {
    db.code == "XX000" && db.message.starts_with(TYPE_IS_GONE)
}

pub(crate) const TYPE_IS_GONE: &str = "cache lookup failed for type";

/// What a server in English says of a prepared statement whose columns have changed.
const PLAN_IS_OUTDATED: &str = "cached plan must not change result type";

/// The class of an SQLSTATE (PostgreSQL manual, Appendix A).
fn classify(code: &str) -> ErrorClass {
    match code {
        "23505" => ErrorClass::Unique,
        "23503" | STILL_NEEDED => ErrorClass::ForeignKey,
        "23502" => ErrorClass::NotNull,
        "23514" => ErrorClass::Check,
        "40001" => ErrorClass::Serialization,
        "40P01" => ErrorClass::Deadlock,
        "55P03" => ErrorClass::LockTimeout,
        "57014" | "25P04" => ErrorClass::Timeout,
        "57P01" | "57P02" | "57P03" | "57P04" | "57P05" | "25P03" => ErrorClass::Disconnected,
        "25006" => ErrorClass::ReadOnly,
        "25P02" => ErrorClass::Poisoned,
        // A number of binds that is not that of the placeholders.
        "08P01" => ErrorClass::Statement,
        "3D000" | "53300" => ErrorClass::Connect,
        "42501" => ErrorClass::Permission,
        _ => match code.get(..2) {
            Some("23" | "44") => ErrorClass::Constraint,
            Some("08") => ErrorClass::Disconnected,
            Some("28") => ErrorClass::Authentication,
            Some("22") => ErrorClass::Data,
            Some("0A" | "21" | "26" | "34" | "3F" | "42" | "54") => ErrorClass::Statement,
            _ => ErrorClass::Other,
        },
    }
}

#[cfg(test)]
mod tests {
    use relata_core::value::Value;

    use super::*;

    #[test]
    fn the_columns_of_a_key() {
        for (detail, columns) in [
            ("Key (email)=(ann@example.com) already exists.", vec!["email"]),
            ("Key (a, \"b, \"\"c\"\"\")=(1, )=() already exists.", vec!["a", "b, \"c\""]),
            ("Key (lower(email::text), x)=(a, 1) already exists.", vec!["lower(email::text)", "x"]),
            ("Schlüssel »(email)=(x)« existiert bereits.", vec!["email"]),
            ("Failing row contains (1, secret).", vec![]),
        ] {
            assert_eq!(key_columns(detail, ErrorClass::Unique), columns, "{detail}");
        }
        let detail = "Key (a, b\"c)=(1, 2) is not present in table \"t\".";
        assert_eq!(key_columns(detail, ErrorClass::ForeignKey), ["a", "b\"c"]);
    }

    #[test]
    fn values_do_not_show() {
        let shown = |code: &'static str, message: &'static str, binds: Option<&[Bind<'_>]>| {
            let db = ServerError { code: code.into(), message: message.into(), ..ServerError::default() };
            from_server(&db, binds).to_string()
        };
        let bound = [Bind::from(Value::Text("hunter2".into()))];
        let number = "invalid input syntax for type integer: \"hunter2\"";
        for binds in [None, Some(&bound[..])] {
            assert_eq!(
                shown("22P02", number, binds),
                "invalid input syntax for type integer: … (code 22P02)"
            );
        }
        let missing = "relation \"hunter2\" does not exist";
        assert_eq!(shown("42P01", missing, None), format!("{missing} (code 42P01)"));
        assert_eq!(shown("42P01", missing, Some(&bound)), "relation \"…\" does not exist (code 42P01)");
        assert_eq!(shown("P0001", "not for: x", Some(&bound)), "not for: x (code P0001)");
        assert_eq!(
            shown("XX000", "cache lookup failed for type 7", Some(&[Value::I32(7).into()])),
            "cache lookup failed for type 7 (code XX000)"
        );
    }
}
