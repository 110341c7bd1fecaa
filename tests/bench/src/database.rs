//! A database for the run, gone at its end.

use std::path::PathBuf;

use relata::{prelude::*, statement::sql_unchecked};

use crate::task::Result;

/// What to measure on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Server {
    Sqlite,
    Postgres,
    Mariadb,
    Mysql,
}

impl Server {
    pub fn name(self) -> &'static str {
        match self {
            Server::Sqlite => "SQLite",
            Server::Postgres => "PostgreSQL",
            Server::Mariadb => "MariaDB",
            Server::Mysql => "MySQL",
        }
    }

    /// The URL of the server, if there is one; SQLite needs none.
    pub fn url(self) -> Option<String> {
        match self {
            Server::Sqlite => Some(String::new()),
            Server::Postgres => std::env::var("RELATA_TEST_POSTGRES_URL").ok(),
            Server::Mariadb => std::env::var("RELATA_TEST_MARIADB_URL").ok(),
            Server::Mysql => std::env::var("RELATA_TEST_MYSQL_URL").ok(),
        }
    }

    /// What makes the table of notes empty, and leaves nothing behind that would burden the next insert.
    pub fn clearing(self) -> &'static str {
        match self {
            Server::Sqlite => "DELETE FROM notes",
            _ => "TRUNCATE TABLE notes",
        }
    }

    /// What counts the rows for the planner, where it matters.
    pub fn analyzing(self) -> Option<&'static str> {
        match self {
            Server::Sqlite => None,
            Server::Postgres => Some("ANALYZE"),
            Server::Mariadb | Server::Mysql => Some("ANALYZE TABLE users, posts, comments, readings"),
        }
    }
}

/// The options of the pool: a connection each for the eight tasks' four, and one that is held.
const POOL: &str = "pool_size=5";

/// SQLite: two files, so that no side's writing empties the cache of the other.
pub struct Files(PathBuf);

impl Files {
    pub fn create() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("relata-bench-{}", std::process::id()));
        std::fs::create_dir(&folder)?;
        Ok(Files(folder))
    }

    pub fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    pub fn url(&self, name: &str) -> String {
        format!("sqlite:{}?{POOL}", self.path(name))
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A schema of its own on PostgreSQL, a database of its own on the others.
pub struct Space {
    admin: Engine,
    drop: String,
    /// With the pool's options, for Relata.
    pub url: String,
    /// For the bare driver.
    pub raw: String,
}

impl Space {
    pub async fn create(server: Server, base: &str) -> Result<Self> {
        let name = format!("relata_bench_{}", std::process::id());
        let admin = Engine::connect(&format!("{base}?pool_size=1")).await?;
        let (create, drop, url, raw) = match server {
            Server::Postgres => (
                format!("CREATE SCHEMA {name}"),
                format!("DROP SCHEMA {name} CASCADE"),
                format!("{base}?search_path={name}&sslmode=disable&{POOL}"),
                format!("{base}?options=-csearch_path%3D{name}"),
            ),
            _ => {
                let (server, _) = base.rsplit_once('/').ok_or("no database in the URL")?;
                (
                    format!("CREATE DATABASE {name}"),
                    format!("DROP DATABASE {name}"),
                    // Without TLS and over TCP, on both sides.
                    format!("{server}/{name}?ssl-mode=disabled&{POOL}"),
                    format!("{server}/{name}?prefer_socket=false"),
                )
            }
        };
        sql_unchecked(create).execute(&admin).await?;
        Ok(Space { admin, drop, url, raw })
    }

    pub async fn remove(self) -> Result<()> {
        sql_unchecked(self.drop).execute(&self.admin).await?;
        Ok(())
    }
}
