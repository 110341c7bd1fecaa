//! Which server it is: MySQL or MariaDB, and which version.

/// MySQL or MariaDB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Product {
    /// MySQL, and what calls itself so.
    Mysql,
    /// MariaDB.
    MariaDb,
}

/// A server: what it is, and its version.
///
/// ```
/// use relata_mysql::{Product, Server};
///
/// let server = Server::parse("10.11.6-MariaDB-0+deb12u1");
/// assert_eq!(server, Server { product: Product::MariaDb, version: (10, 11, 6) });
/// assert!(server.is_at_least(10, 6, 0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Server {
    /// MySQL or MariaDB.
    pub product: Product,
    /// Major, minor and patch version.
    pub version: (u16, u16, u16),
}

impl Server {
    /// The oldest MySQL that is supported, 8.4.0.
    pub const MYSQL: Server = Server { product: Product::Mysql, version: (8, 4, 0) };
    /// The oldest MariaDB that is supported, 10.11.0.
    pub const MARIADB: Server = Server { product: Product::MariaDb, version: (10, 11, 0) };

    /// Reads what `SELECT VERSION()` says. What cannot be read is taken for 0.
    pub fn parse(text: &str) -> Self {
        let product =
            if text.to_ascii_lowercase().contains("mariadb") { Product::MariaDb } else { Product::Mysql };
        // For the sake of old replicas MariaDB may put this before its version: 5.5.5-10.11.6-MariaDB.
        let numbers = match product {
            Product::MariaDb => text.strip_prefix("5.5.5-").unwrap_or(text),
            Product::Mysql => text,
        };
        let mut parts = numbers.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().unwrap_or(0));
        let mut next = || parts.next().unwrap_or(0);
        Server { product, version: (next(), next(), next()) }
    }

    /// Whether it is MariaDB.
    pub fn is_mariadb(&self) -> bool {
        self.product == Product::MariaDb
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
        for (text, product, version) in [
            ("8.4.3", Product::Mysql, (8, 4, 3)),
            ("9.1.0-commercial", Product::Mysql, (9, 1, 0)),
            ("8.0.36-28", Product::Mysql, (8, 0, 36)),
            ("11.4.2-MariaDB-log", Product::MariaDb, (11, 4, 2)),
            ("5.5.5-10.6.1-MariaDB", Product::MariaDb, (10, 6, 1)),
            ("unknown", Product::Mysql, (0, 0, 0)),
        ] {
            assert_eq!(Server::parse(text), Server { product, version }, "{text}");
        }
    }
}
