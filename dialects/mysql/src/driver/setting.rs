//! How a session is to be set up.

use relata_core::Result;

use super::{MysqlOptions, configuration};

/// What a variable of the session is to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Setting {
    /// What Relata finds right.
    #[default]
    Ours,
    /// What the server has.
    Server,
    Given(String),
}

impl Setting {
    /// `server`, or a value.
    pub(super) fn parse(text: &str) -> Self {
        match text {
            "server" => Setting::Server,
            given => Setting::Given(given.to_owned()),
        }
    }

    /// As SQL; `None` where nothing is to be set. It is between quote marks that nothing in it can end.
    fn to_sql(&self, option: &str, ours: &str) -> Result<Option<String>> {
        let may_be = |c: char| c.is_ascii_alphanumeric() || "_+-:/, ".contains(c);
        match self {
            Setting::Ours => Ok(Some(ours.to_owned())),
            Setting::Server => Ok(None),
            Setting::Given(given) if given.chars().all(may_be) => Ok(Some(format!("'{given}'"))),
            Setting::Given(given) => Err(configuration(format!("{option} cannot be {given:?}"))),
        }
    }
}

/// What a session begins with. The comments are read by the one server and not by the other (MySQL 8.4 manual 11.7; MariaDB KB,
/// "Comment Syntax").
///
/// - utf8mb4, and the collation that the tables have, so that text is compared alike everywhere.
/// - UTC, so that the present time and TIMESTAMP columns are.
/// - A strict mode: what does not fit is refused and not made to fit (MySQL 8.4 manual 7.1.11). MariaDB does not know that a
///   primary key determines the other columns, so there ONLY_FULL_GROUP_BY would refuse what the standard allows; which
///   columns may be selected from a group is checked when the statement is compiled.
///
/// Whatever the mode is to be, literals have to be read as they are written, with backslashes; a key of 0 is one, and not a request to
/// generate another; and on MariaDB the assignments of an UPDATE must not see each other, as in the standard (MariaDB KB, "SQL_MODE").
pub(super) fn begin_session(options: &MysqlOptions) -> Result<String> {
    const COLLATION: &str = "/*M! utf8mb4_nopad_bin*/ /*!80017 utf8mb4_0900_bin*/";
    const STRICT: &str = "CONCAT('STRICT_TRANS_TABLES,STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,\
        ERROR_FOR_DIVISION_BY_ZERO,NO_UNSIGNED_SUBTRACTION,NO_ENGINE_SUBSTITUTION' /*!80017 , ',ONLY_FULL_GROUP_BY'*/)";
    let mut sql = "SET NAMES utf8mb4".to_owned();
    if let Some(collation) = options.collation.to_sql("collation", COLLATION)? {
        sql += " COLLATE ";
        sql += &collation;
    }
    if let Some(zone) = options.time_zone.to_sql("time_zone", "'+00:00'")? {
        sql += ", time_zone = ";
        sql += &zone;
    }
    let mode = options.sql_mode.to_sql("sql_mode", STRICT)?;
    sql += ", autocommit = 1, sql_mode = CONCAT(REPLACE(UPPER(";
    sql += mode.as_deref().unwrap_or("@@sql_mode");
    sql += "), 'NO_BACKSLASH_ESCAPES', ''), ',NO_AUTO_VALUE_ON_ZERO' /*M! , ',SIMULTANEOUS_ASSIGNMENT'*/)";
    Ok(sql)
}
