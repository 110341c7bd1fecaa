//! What the server and mysql_async say, as errors with a class.
//!
//! Messages of the server can hold values (`Duplicate entry 'alice@example.com' for key …`). Where they do, the message is
//! our own, made of the names in theirs.

use mysql_async::{DriverError, IoError, ServerError};
use relata_core::{Error, ErrorClass};

/// What went wrong while connecting.
pub(crate) fn connecting(error: mysql_async::Error) -> Error {
    match error {
        mysql_async::Error::Server(server) => {
            let class = match class_of(server.code) {
                class @ (ErrorClass::Authentication | ErrorClass::Permission | ErrorClass::Connect) => class,
                _ => ErrorClass::Connect,
            };
            Error::new(class, format!("the server refused the connection: {}", server.message))
                .with_code(server.code.to_string())
        }
        mysql_async::Error::Driver(DriverError::NoClientSslFlagFromServer) => {
            Error::new(ErrorClass::Tls, "the server has no TLS; ssl-mode=PREFERRED would do without")
        }
        mysql_async::Error::Driver(
            error @ (DriverError::UnknownAuthPlugin { .. }
            | DriverError::MysqlOldPasswordDisabled
            | DriverError::CleartextPluginDisabled),
        ) => Error::new(ErrorClass::Authentication, format!("cannot log in: {error}")),
        mysql_async::Error::Io(error) if is_tls(&error) => {
            Error::new(ErrorClass::Tls, format!("the TLS handshake failed: {}", tls_text(&error)))
        }
        mysql_async::Error::Io(error) => {
            let message = format!("cannot reach the server: {}", io_text(&error));
            Error::new(ErrorClass::Connect, message).with_source(error)
        }
        error => Error::new(ErrorClass::Connect, format!("cannot connect: {error}")),
    }
}

/// What went wrong with a statement.
pub(crate) fn running(error: mysql_async::Error, sql: &str) -> Error {
    let error = match error {
        mysql_async::Error::Server(error) => of_server(&error),
        mysql_async::Error::Io(error) => {
            let message = format!("the connection is lost: {}", io_text(&error));
            Error::new(ErrorClass::Disconnected, message).with_source(error)
        }
        mysql_async::Error::Driver(error) => of_driver(error),
        error => Error::new(ErrorClass::Other, error.to_string()),
    };
    if sql.is_empty() { error } else { error.with_statement(sql) }
}

fn of_driver(error: DriverError) -> Error {
    let class = match &error {
        DriverError::ConnectionClosed
        | DriverError::PacketOutOfOrder
        | DriverError::UnexpectedPacket { .. } => ErrorClass::Disconnected,
        DriverError::PacketTooLarge => ErrorClass::Data,
        DriverError::StmtParamsMismatch { .. }
        | DriverError::StmtParamsNumberExceedsLimit { .. }
        | DriverError::MixedParams => ErrorClass::Statement,
        _ => ErrorClass::Other,
    };
    Error::new(class, format!("mysql_async: {error}"))
}

/// Whether the server does not know a prepared statement any more, or cannot use it: ER_UNKNOWN_STMT_HANDLER,
/// ER_NEED_REPREPARE.
pub(crate) fn is_about_the_preparation(error: &mysql_async::Error) -> bool {
    matches!(error, mysql_async::Error::Server(error) if matches!(error.code, 1243 | 1615))
}

/// The classes of error numbers (MySQL 8.4 Error Reference, "Server Error Message Reference"; MariaDB KB, "MariaDB Error
/// Codes").
const CLASSES: &[(ErrorClass, &[u16])] = &[
    // Duplicate entry, also while a table is altered.
    (ErrorClass::Unique, &[1022, 1062, 1169, 1586, 1859]),
    (ErrorClass::ForeignKey, &[1216, 1217, 1451, 1452, 1557, 1761, 1762, 3730]),
    (ErrorClass::NotNull, &[1048, 1121, 1364, 1566]),
    (ErrorClass::Check, &[3819, 4025]),
    // Record has changed since last read (MariaDB, `innodb_snapshot_isolation`).
    (ErrorClass::Serialization, &[1020]),
    (ErrorClass::Deadlock, &[1213, 1614]),
    (ErrorClass::LockTimeout, &[1205, 3572]),
    // Interrupted by a time limit or by KILL QUERY.
    (ErrorClass::Timeout, &[1317, 1907, 1969, 3024]),
    // The server hangs up: it shuts down, or the connection was killed or idle for too long.
    (
        ErrorClass::Disconnected,
        &[
            1053, 1077, 1078, 1079, 1152, 1154, 1155, 1156, 1157, 1158, 1159, 1160, 1161, 1184, 1927, 2006,
            2013, 3169, 4031,
        ],
    ),
    // Too many connections, no such database, the host is blocked.
    (ErrorClass::Connect, &[1040, 1049, 1129, 1130, 1203, 1226]),
    (ErrorClass::Authentication, &[1045, 1524, 1698, 1820, 1862, 3118, 3955, 4151]),
    (ErrorClass::Permission, &[1044, 1142, 1143, 1227, 1370, 1410, 1419]),
    (ErrorClass::ReadOnly, &[1290, 1792, 1836]),
    // Out of range, too long, too deep, of another type; a packet that is too large, division by zero.
    (
        ErrorClass::Data,
        &[
            1153, 1264, 1265, 1292, 1300, 1365, 1366, 1367, 1406, 1411, 1416, 1426, 1427, 1441, 1525, 1690,
            3140, 3141, 3142, 3143, 3144, 3156, 3157, 3903, 4078,
        ],
    ),
    // Unknown, ambiguous or taken names, syntax, types that do not go together, what the version cannot do.
    (
        ErrorClass::Statement,
        &[
            1005, 1007, 1008, 1046, 1050, 1051, 1052, 1054, 1055, 1056, 1057, 1058, 1059, 1060, 1061, 1063,
            1064, 1065, 1066, 1067, 1068, 1069, 1070, 1071, 1072, 1073, 1074, 1075, 1091, 1093, 1103, 1109,
            1110, 1111, 1118, 1136, 1140, 1146, 1149, 1166, 1170, 1193, 1210, 1215, 1221, 1222, 1235, 1241,
            1242, 1247, 1248, 1267, 1270, 1271, 1295, 1304, 1305, 1318, 1390, 1582, 1584, 1630, 1822, 1823,
            1824, 1825, 1826, 1827, 1828, 1829, 1830, 3065, 3780,
        ],
    ),
];

fn class_of(code: u16) -> ErrorClass {
    let known = CLASSES.iter().find(|(_, codes)| codes.contains(&code));
    known.map_or(ErrorClass::Other, |(class, _)| *class)
}

fn of_server(server: &ServerError) -> Error {
    let class = class_of(server.code);
    let message = &*server.message;
    let error = match class {
        ErrorClass::Unique => unique(message),
        ErrorClass::ForeignKey => foreign_key(message),
        ErrorClass::NotNull => {
            let error = Error::new(class, "a value is missing in a column that is not nullable");
            match quoted(message, '\'') {
                Some(column) => error.with_columns([column]),
                None => error,
            }
        }
        ErrorClass::Check => check(message),
        ErrorClass::Data => data(message),
        _ => Error::new(class, message.to_owned()),
    };
    error.with_code(server.code.to_string())
}

/// `Duplicate entry 'VALUE' for key 'users.email'`; MariaDB without the table. The value may hold anything.
fn unique(message: &str) -> Error {
    let error = Error::new(ErrorClass::Unique, "a row with the same unique values exists");
    let Some((_, key)) = message.rsplit_once("for key '") else { return error };
    let key = key.strip_suffix('\'').unwrap_or(key);
    match key.split_once('.') {
        Some((table, key)) => error.with_constraint(key).with_table(table),
        None => error.with_constraint(key),
    }
}

/// ``… a foreign key constraint fails (`db`.`posts`, CONSTRAINT `name` FOREIGN KEY (`author_id`) REFERENCES …``
fn foreign_key(message: &str) -> Error {
    let what = if message.contains("delete or update a parent") {
        "other rows refer to this one"
    } else {
        "the row that this one refers to does not exist"
    };
    let mut error = Error::new(ErrorClass::ForeignKey, what);
    let Some((_, detail)) = message.split_once('(') else { return error };
    let (table, rest) = match detail.split_once(", CONSTRAINT ") {
        Some((table, rest)) => (table, rest),
        None => (detail, ""),
    };
    if let Some(table) = backticked(table).pop() {
        error = error.with_table(table);
    }
    let Some((name, rest)) = rest.split_once(" FOREIGN KEY (") else { return error };
    if let Some(name) = backticked(name).pop() {
        error = error.with_constraint(name);
    }
    let Some((columns, _)) = rest.split_once(") REFERENCES ") else { return error };
    error.with_columns(backticked(columns))
}

/// `Check constraint 'name' is violated.`; MariaDB: ``CONSTRAINT `name` failed for `db`.`table` ``
fn check(message: &str) -> Error {
    let error = Error::new(ErrorClass::Check, "a value breaks a check of the table");
    if let Some(name) = quoted(message, '\'') {
        return error.with_constraint(name);
    }
    let mut names = backticked(message);
    let table = if names.len() >= 3 { names.pop() } else { None };
    let error = match names.into_iter().next() {
        Some(name) => error.with_constraint(name),
        None => error,
    };
    match table {
        Some(table) => error.with_table(table),
        None => error,
    }
}

/// `Incorrect integer value: 'VALUE' for column 'age' at row 1`, and others that hold no value.
fn data(message: &str) -> Error {
    let column = message.rsplit_once(" for column ").or_else(|| message.rsplit_once(" in column "));
    // MySQL: 'age'; MariaDB: `db`.`table`.`age`.
    let column = column.and_then(|(_, rest)| quoted(rest, '\'').or_else(|| backticked(rest).pop()));
    let what = match message.find([':', '\'', '"', '(']) {
        Some(at) => message[..at].trim_end(),
        None => message,
    };
    let what = what.trim_end_matches(" for column").trim_end_matches(" in column");
    let error = Error::new(ErrorClass::Data, format!("a value does not fit: {what}"));
    match column {
        Some(column) => error.with_columns([column]),
        None => error,
    }
}

/// What stands between the first two marks.
fn quoted(text: &str, mark: char) -> Option<String> {
    let (_, rest) = text.split_once(mark)?;
    rest.split_once(mark).map(|(name, _)| name.to_owned())
}

/// All names between backticks, with doubled ones as one.
fn backticked(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '`' {
            continue;
        }
        let mut name = String::new();
        while let Some(character) = characters.next() {
            if character != '`' {
                name.push(character);
            } else if characters.next_if_eq(&'`').is_some() {
                name.push('`');
            } else {
                break;
            }
        }
        names.push(name);
    }
    names
}

#[cfg(feature = "tls")]
fn is_tls(error: &IoError) -> bool {
    match error {
        IoError::Tls(_) => true,
        IoError::Io(error) => error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()),
    }
}

#[cfg(not(feature = "tls"))]
fn is_tls(_: &IoError) -> bool {
    false
}

fn io_text(error: &IoError) -> String {
    #[allow(unreachable_patterns)]
    match error {
        IoError::Io(error) => error.to_string(),
        other => other.to_string(),
    }
}

fn tls_text(error: &IoError) -> String {
    io_text(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(code: u16, message: &str) -> Error {
        of_server(&ServerError { code, message: message.into(), state: "HY000".into() })
    }

    #[test]
    fn a_unique_violation_names_the_key_and_not_the_value() {
        let error = server(1062, "Duplicate entry 'secret for key 'x'' for key 'users.users_email_key'");
        assert_eq!((error.constraint(), error.table()), (Some("users_email_key"), Some("users")));
        assert!(error.is_unique_violation() && !format!("{error:?}").contains("secret"));
        let error = server(1062, "Duplicate entry 'secret' for key 'users_email_key'");
        assert_eq!((error.constraint(), error.table()), (Some("users_email_key"), None));
    }

    #[test]
    fn a_foreign_key_violation_names_its_parts() {
        let error = server(
            1452,
            "Cannot add or update a child row: a foreign key constraint fails (`d`.`po``sts`, CONSTRAINT `fk` FOREIGN KEY (`a`, `b`) REFERENCES `users` (`id`, `x`) ON DELETE CASCADE)",
        );
        assert_eq!((error.constraint(), error.table()), (Some("fk"), Some("po`sts")));
        assert_eq!(error.columns(), ["a", "b"]);
    }

    #[test]
    fn other_violations() {
        assert_eq!(server(1048, "Column 'name' cannot be null").columns(), ["name"]);
        assert_eq!(server(1364, "Field 'name' doesn't have a default value").columns(), ["name"]);
        assert_eq!(server(3819, "Check constraint 'age_check' is violated.").constraint(), Some("age_check"));
        let error = server(4025, "CONSTRAINT `age_check` failed for `db`.`users`");
        assert_eq!((error.constraint(), error.table()), (Some("age_check"), Some("users")));
    }

    #[test]
    fn data_errors_hide_the_value() {
        for (message, column) in [
            ("Incorrect integer value: 'secret' for column 'age' at row 1", Some("age")),
            ("Incorrect integer value: 'secret' for column `d`.`t`.`age` at row 1", Some("age")),
            ("Truncated incorrect DOUBLE value: 'secret'", None),
            ("Data too long for column 'age' at row 1", Some("age")),
            ("BIGINT UNSIGNED value is out of range in '(secret - 1)'", None),
        ] {
            let error = server(1366, message);
            assert_eq!(error.columns().first().map(String::as_str), column);
            assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        }
    }
}
