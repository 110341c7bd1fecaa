//! Which server it is: MySQL or MariaDB, and which version.

/// MySQL or MariaDB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flavor {
    /// MySQL, and what calls itself so.
    Mysql,
    /// MariaDB.
    MariaDb,
}

/// A server: what it is, and its version.
///
/// ```
/// use relata_mysql::{Flavor, Server};
///
/// let server = Server::parse("10.11.6-MariaDB-0+deb12u1");
/// assert_eq!(server, Server { flavor: Flavor::MariaDb, version: (10, 11, 6) });
/// assert!(server.is_at_least(10, 6, 0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Server {
    /// MySQL or MariaDB.
    pub flavor: Flavor,
    /// Major, minor and patch version.
    pub version: (u16, u16, u16),
}

impl Server {
    /// The oldest MySQL that is supported, 8.4.0.
    pub const MYSQL: Server = Server { flavor: Flavor::Mysql, version: (8, 4, 0) };
    /// The oldest MariaDB that is supported, 10.11.0.
    pub const MARIADB: Server = Server { flavor: Flavor::MariaDb, version: (10, 11, 0) };

    /// Reads what `SELECT VERSION()` says. What cannot be read is taken for 0.
    pub fn parse(text: &str) -> Self {
        let flavor =
            if text.to_ascii_lowercase().contains("mariadb") { Flavor::MariaDb } else { Flavor::Mysql };
        // For the sake of old replicas MariaDB may put this before its version: 5.5.5-10.11.6-MariaDB.
        let numbers = match flavor {
            Flavor::MariaDb => text.strip_prefix("5.5.5-").unwrap_or(text),
            Flavor::Mysql => text,
        };
        let mut parts = numbers.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().unwrap_or(0));
        let mut next = || parts.next().unwrap_or(0);
        Server { flavor, version: (next(), next(), next()) }
    }

    /// Whether it is MariaDB.
    pub fn is_mariadb(&self) -> bool {
        self.flavor == Flavor::MariaDb
    }

    /// Whether its version is this one or a later one.
    pub fn is_at_least(&self, major: u16, minor: u16, patch: u16) -> bool {
        self.version >= (major, minor, patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (text, flavor, version) in [
            ("8.4.3", Flavor::Mysql, (8, 4, 3)),
            ("9.1.0-commercial", Flavor::Mysql, (9, 1, 0)),
            ("8.0.36-28", Flavor::Mysql, (8, 0, 36)),
            ("11.4.2-MariaDB-log", Flavor::MariaDb, (11, 4, 2)),
            ("5.5.5-10.6.1-MariaDB", Flavor::MariaDb, (10, 6, 1)),
            ("unknown", Flavor::Mysql, (0, 0, 0)),
        ] {
            assert_eq!(Server::parse(text), Server { flavor, version }, "{text}");
        }
    }
}
