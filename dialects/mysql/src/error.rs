//! What the server and mysql_async say, as errors with a class.
//!
//! Messages of the server can hold values (`Duplicate entry 'alice@example.com' for key …`). Where they are known to, the message is
//! our own, made of the names in theirs; else what may be a value is masked.

use std::io;

use mysql_async::{DriverError, IoError, ServerError};
use relata_core::{
    Error, ErrorClass,
    driver::{Wording, mask},
    render::Bind,
};

use crate::server::Server;

/// What went wrong while connecting.
pub(crate) fn connecting(error: mysql_async::Error) -> Error {
    match error {
        mysql_async::Error::Server(server) if option(&server).is_some() => {
            let option = option(&server).unwrap_or_default();
            let why = format!("the server does not take the option {option}: {}", server.message);
            Error::new(ErrorClass::Configuration, why).with_code(server.code.to_string())
        }
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
        // MySQL answers a user that it does not know with a plugin of its choice, so that nobody learns who is known.
        mysql_async::Error::Driver(DriverError::UnknownAuthPlugin { name }) => Error::new(
            ErrorClass::Authentication,
            format!(
                "cannot log in: the server probably does not know the user; else the user's authentication plugin is {name}, which this driver does not have"
            ),
        ),
        mysql_async::Error::Driver(
            error @ (DriverError::MysqlOldPasswordDisabled | DriverError::CleartextPluginDisabled),
        ) => Error::new(ErrorClass::Authentication, format!("cannot log in: {error}")),
        mysql_async::Error::Io(error) if is_tls(&error) => {
            Error::new(ErrorClass::Tls, format!("the TLS handshake failed: {}", io_text(&error)))
        }
        mysql_async::Error::Io(error) => lost(ErrorClass::Connect, "cannot reach the server", error),
        error => Error::new(ErrorClass::Connect, format!("cannot connect: {error}")),
    }
}

/// The option of ours that a session could not begin with.
fn option(server: &ServerError) -> Option<&'static str> {
    match server.code {
        // Wrong value for variable.
        1231 => ["sql_mode", "time_zone"].into_iter().find(|option| server.message.contains(option)),
        1298 => Some("time_zone"),
        // Unknown collation, and one of another character set.
        1253 | 1273 => Some("collation"),
        _ => None,
    }
}

/// What went wrong with a statement before it ran, or with one that has no binds.
pub(crate) fn running(error: mysql_async::Error, sql: &str) -> Error {
    running_with(error, sql, &[])
}

/// What went wrong with a statement while it ran with these binds. The server may quote them.
pub(crate) fn running_with(error: mysql_async::Error, sql: &str, binds: &[Bind<'_>]) -> Error {
    let error = match error {
        mysql_async::Error::Server(error) => of_server(&error, binds),
        mysql_async::Error::Io(error) => lost(ErrorClass::Disconnected, "the connection is lost", error),
        mysql_async::Error::Driver(error) => of_driver(error),
        error => Error::new(ErrorClass::Other, error.to_string()),
    };
    if sql.is_empty() { error } else { error.with_statement(sql) }
}

fn lost(class: ErrorClass, what: &str, error: IoError) -> Error {
    // rustls has much to say of a server that hangs up without a word.
    if matches!(&error, IoError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof) {
        return Error::new(class, format!("{what}: the server closed the connection"));
    }
    Error::new(class, format!("{what}: {}", io_text(&error)))
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
    // The server has said good-bye before it was asked anything, and that is read as the answer.
    let why = match &error {
        DriverError::PacketOutOfOrder => "the server has closed the connection while it was idle".to_owned(),
        error => format!("mysql_async: {error}"),
    };
    Error::new(class, why)
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
    (ErrorClass::ForeignKey, &[1216, 1217, 1451, 1452, 1557, 1701, 1761, 1762, 3730]),
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
    // Out of range, too long, too deep, of another type; a packet that is too large, division by zero; what is no regular expression, JSON or
    // geometry.
    (
        ErrorClass::Data,
        &[
            1139, 1153, 1264, 1265, 1292, 1300, 1365, 1366, 1367, 1406, 1411, 1416, 1426, 1427, 1441, 1525,
            1690, 3037, 3140, 3141, 3142, 3143, 3144, 3151, 3156, 3157, 3685, 3686, 3687, 3688, 3689, 3690,
            3691, 3692, 3693, 3694, 3695, 3696, 3697, 3698, 3699, 3903, 4035, 4036, 4037, 4038, 4039, 4040,
            4041, 4042, 4043, 4078,
        ],
    ),
    // Unknown, ambiguous or taken names, syntax, types that do not go together, what the version cannot do, what a setting cannot be.
    (
        ErrorClass::Statement,
        &[
            1005, 1007, 1008, 1046, 1050, 1051, 1052, 1054, 1055, 1056, 1057, 1058, 1059, 1060, 1061, 1063,
            1064, 1065, 1066, 1067, 1068, 1069, 1070, 1071, 1072, 1073, 1074, 1075, 1091, 1093, 1103, 1109,
            1110, 1111, 1115, 1118, 1136, 1140, 1146, 1149, 1166, 1170, 1191, 1193, 1210, 1215, 1221, 1222,
            1231, 1235, 1241, 1242, 1247, 1248, 1267, 1270, 1271, 1273, 1291, 1295, 1298, 1304, 1305, 1318,
            1390, 1582, 1584, 1630, 1822, 1823, 1824, 1825, 1826, 1827, 1828, 1829, 1830, 1901, 3065, 3780,
            3818, 3822,
        ],
    ),
];

fn class_of(code: u16) -> ErrorClass {
    let known = CLASSES.iter().find(|(_, codes)| codes.contains(&code));
    known.map_or(ErrorClass::Other, |(class, _)| *class)
}

/// SIGNAL, in a trigger or a procedure.
const SIGNALLED: u16 = 1644;

fn of_server(server: &ServerError, binds: &[Bind<'_>]) -> Error {
    let class = class_of(server.code);
    let message = &*server.message;
    let error = match class {
        ErrorClass::Unique => unique(message),
        ErrorClass::ForeignKey => foreign_key(server.code, message),
        ErrorClass::NotNull => not_null(message),
        ErrorClass::Check => check(message),
        ErrorClass::Data => data(server.code, message),
        _ if binds.is_empty() => Error::new(class, message.to_owned()),
        _ => {
            let wording = if server.code == SIGNALLED { Wording::Known } else { Wording::of(class) };
            Error::new(class, mask(message, wording, binds))
        }
    };
    error.with_code(server.code.to_string())
}

/// `Duplicate entry 'VALUE' for key 'users.email'`. The value may hold anything. What the key's name is, [`name_key`] knows.
fn unique(message: &str) -> Error {
    let error = Error::new(ErrorClass::Unique, "a row with the same unique values exists");
    let key = message.rsplit_once("for key '").and_then(|(_, key)| key.strip_suffix('\''));
    match key {
        Some(key) => error.with_constraint(key),
        None => error,
    }
}

/// The same error with the names that are in a key: MariaDB has its name there, MySQL the table's before it. Where one of these holds
/// a dot, nobody knows where it ends.
pub(crate) fn name_key(error: Error, server: Server) -> Error {
    if !error.is_unique_violation() || server.is_mariadb() {
        return error;
    }
    let Some(key) = error.constraint() else { return error };
    let mut parts = key.split('.');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(table), Some(key), None) => {
            let (table, key) = (table.to_owned(), key.to_owned());
            error.with_table(table).with_constraint(key)
        }
        (Some(_), None, _) => error,
        _ => {
            let nameless = unique("").with_code(error.code().unwrap_or_default());
            match error.statement() {
                Some(sql) => nameless.with_statement(sql),
                None => nameless,
            }
        }
    }
}

/// ``… a foreign key constraint fails (`db`.`posts`, CONSTRAINT `name` FOREIGN KEY (`author_id`) REFERENCES …``
fn foreign_key(code: u16, message: &str) -> Error {
    let what = match code {
        1217 | 1451 => "other rows refer to this one",
        1701 | 3730 => "another table refers to this one",
        1557 | 1761 | 1762 => "the rows that refer to this one would no longer be unique",
        _ => "the row that this one refers to does not exist",
    };
    let mut error = Error::new(ErrorClass::ForeignKey, what);
    let Some((_, detail)) = message.split_once('(') else { return error };
    let Some((table, rest)) = path(detail) else { return error };
    error = error.with_table(table);
    let Some((constraint, rest)) = rest.strip_prefix(", CONSTRAINT ").and_then(name) else { return error };
    error = error.with_constraint(constraint);
    let Some(mut rest) = rest.strip_prefix(" FOREIGN KEY (") else { return error };
    let mut columns = Vec::new();
    while let Some((column, behind)) = name(rest) {
        columns.push(column);
        match behind.strip_prefix(", ") {
            Some(behind) => rest = behind,
            None => break,
        }
    }
    error.with_columns(columns)
}

/// `Column 'name' cannot be null`, `Field 'name' doesn't have a default value`
fn not_null(message: &str) -> Error {
    let error = Error::new(ErrorClass::NotNull, "a value is missing in a column that is not nullable");
    let column = between(message, "Column '", "' cannot be null")
        .or_else(|| between(message, "Field '", "' doesn't have a default value"));
    match column {
        Some(column) => error.with_columns([column]),
        None => error,
    }
}

/// `Check constraint 'name' is violated.`; MariaDB: ``CONSTRAINT `name` failed for `db`.`table` ``
fn check(message: &str) -> Error {
    let error = Error::new(ErrorClass::Check, "a value breaks a check of the table");
    if let Some(name) = between(message, "Check constraint '", "' is violated.") {
        return error.with_constraint(name);
    }
    let names = || {
        let (constraint, rest) = name(message.strip_prefix("CONSTRAINT ")?)?;
        let (table, _) = path(rest.strip_prefix(" failed for ")?)?;
        Some((constraint, table))
    };
    match names() {
        Some((constraint, table)) => error.with_constraint(constraint).with_table(table),
        None => error,
    }
}

/// `Incorrect integer value: 'VALUE' for column 'age' at row 1`, and others that hold no value.
fn data(code: u16, message: &str) -> Error {
    let what = match message.find([':', '\'', '"', '(', '`']) {
        // What the expression's parser says.
        _ if code == 1139 => "it is no regular expression",
        Some(at) => message[..at].trim_end(),
        None => message,
    };
    let what = what.trim_end_matches(" for column").trim_end_matches(" in column");
    let error = Error::new(ErrorClass::Data, format!("a value does not fit: {what}"));
    match column(message) {
        Some(column) => error.with_columns([column]),
        None => error,
    }
}

/// The column before ` at row 1`, at the end: elsewhere, it could be within a value. MySQL: 'age'; MariaDB: `db`.`table`.`age`.
fn column(message: &str) -> Option<String> {
    let rest = message.trim_end_matches(|c: char| c.is_ascii_digit()).strip_suffix(" at row ")?;
    if let Some(rest) = rest.strip_suffix('\'') {
        return rest.rsplit_once(" column '").map(|(_, column)| column.to_owned());
    }
    let (_, names) = rest.rsplit_once(" column `")?;
    let (column, behind) = path(&rest[rest.len() - names.len() - 1..])?;
    behind.is_empty().then_some(column)
}

fn between<'m>(message: &'m str, before: &str, behind: &str) -> Option<&'m str> {
    message.strip_prefix(before)?.strip_suffix(behind)
}

/// The last of the names in ```db`.`table` ``, and what stands behind it.
fn path(text: &str) -> Option<(String, &str)> {
    let (mut last, mut rest) = name(text)?;
    while let Some(next) = rest.strip_prefix('.') {
        (last, rest) = name(next)?;
    }
    Some((last, rest))
}

/// The name between backticks that a text begins with, with doubled ones as one, and what stands behind it.
fn name(text: &str) -> Option<(String, &str)> {
    let mut rest = text.strip_prefix('`')?;
    let mut name = String::new();
    loop {
        let (part, behind) = rest.split_once('`')?;
        name.push_str(part);
        match behind.strip_prefix('`') {
            Some(more) => {
                name.push('`');
                rest = more;
            }
            None => return Some((name, behind)),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn server(code: u16, message: &str) -> Error {
        of_server(&ServerError { code, message: message.into(), state: "HY000".into() }, &[])
    }

    #[test]
    fn a_unique_violation_names_the_key_and_not_the_value() {
        let (mysql, mariadb) = (Server::MYSQL, Server::MARIADB);
        for (key, on, constraint, table) in [
            ("users.users_email_key", mysql, Some("users_email_key"), Some("users")),
            ("users.o'k", mysql, Some("o'k"), Some("users")),
            ("users_email_key", mariadb, Some("users_email_key"), None),
            ("u.name", mariadb, Some("u.name"), None),
            ("par.ent.u.name", mysql, None, None),
            ("par.ent.PRIMARY", mysql, None, None),
        ] {
            let message = format!("Duplicate entry 'secret for key 'x'' for key '{key}'");
            let error = name_key(server(1062, &message).with_statement("x"), on);
            assert_eq!((error.constraint(), error.table()), (constraint, table));
            assert_eq!((error.code(), error.statement()), (Some("1062"), Some("x")));
            assert!(error.is_unique_violation() && !format!("{error:?}").contains("secret"));
        }
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
        let error = server(4025, "CONSTRAINT `o'k` failed for `db`.`it's`");
        assert_eq!((error.constraint(), error.table()), (Some("o'k"), Some("it's")));
        let error = server(3819, "Check constraint 'che'ck' is violated.");
        assert_eq!(error.constraint(), Some("che'ck"));
        assert_eq!(server(1048, "Column 'it's' cannot be null").columns(), ["it's"]);
    }

    #[test]
    fn a_table_that_others_refer_to() {
        let error = server(
            3730,
            "Cannot drop table 'users' referenced by a foreign key constraint 'fk' on table 'posts'.",
        );
        assert!(error.is_foreign_key_violation());
        assert!(error.to_string().starts_with("another table refers to this one"), "{error}");
    }

    #[test]
    fn what_the_server_shuts_is_told_in_its_own_words() {
        let eof = || {
            io::Error::new(io::ErrorKind::UnexpectedEof, "peer closed connection: https://docs.rs/rustls/")
        };
        let error = running(mysql_async::Error::Io(IoError::Io(eof())), "");
        assert_eq!(
            format!("{error:?}"),
            "Disconnected: the connection is lost: the server closed the connection"
        );
        let error = connecting(mysql_async::Error::Io(IoError::Io(eof())));
        assert_eq!(
            format!("{error:?}"),
            "Connect: cannot reach the server: the server closed the connection"
        );
    }

    #[test]
    fn an_unknown_user_is_met_with_any_plugin() {
        let error = connecting(mysql_async::Error::Driver(DriverError::UnknownAuthPlugin {
            name: "sha256_password".into(),
        }));
        assert_eq!(error.class(), ErrorClass::Authentication);
        assert!(error.to_string().contains("probably does not know the user"), "{error}");
    }

    #[test]
    fn data_errors_hide_the_value() {
        for (message, column) in [
            ("Incorrect integer value: 'secret' for column 'age' at row 1", Some("age")),
            ("Incorrect integer value: 'secret' for column `d`.`t`.`age` at row 1", Some("age")),
            ("Truncated incorrect DOUBLE value: 'secret'", None),
            ("Data too long for column 'age' at row 1", Some("age")),
            ("Data too long for column 'it's' at row 1", Some("it's")),
            ("Truncated incorrect DOUBLE value: 'x for column 'secret' at row 1'", None),
            ("Truncated incorrect DOUBLE value: 'x for column 'secret'", None),
            ("BIGINT UNSIGNED value is out of range in '(secret - 1)'", None),
        ] {
            let error = server(1366, message);
            assert_eq!(error.columns().first().map(String::as_str), column);
            assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        }
    }
}
