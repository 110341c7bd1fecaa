//! A database of its own for each test.

use std::{
    ops::Deref,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use relata::{prelude::*, statement::sql_unchecked};

/// Which database a test runs on. Tests do not ask for it, but for what the dialect supports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// SQLite, in a file.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// MariaDB.
    MariaDb,
    /// MySQL.
    MySql,
}

/// A database of its own: empty at first, gone at the end.
pub struct Database {
    engine: Engine,
    /// The URL by which more engines can be connected.
    pub url: String,
    server: Server,
}

impl Deref for Database {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.engine
    }
}

impl Database {
    /// Which database it is: only for what no dialect can tell, such as which client program speaks to it.
    pub fn server(&self) -> Server {
        self.server
    }
}

/// Runs a test with a database of its own.
pub async fn with_database<F, U>(server: Server, test: F)
where
    F: FnOnce(Database) -> U,
    U: Future<Output = ()>,
{
    let name = unique_name();
    match server {
        Server::Sqlite => {
            let file = File(std::env::temp_dir().join(format!("{name}.db")));
            let url = format!("sqlite:{}", file.0.display());
            let engine = Engine::connect(&url).await.expect("connect to SQLite");
            test(Database { engine, url, server }).await;
        }
        Server::Postgres => {
            let Some(base) = url_of("RELATA_TEST_POSTGRES_URL") else { return };
            let admin = Engine::connect(&format!("{base}?pool_size=1")).await.expect("connect to PostgreSQL");
            run(&admin, format!("CREATE SCHEMA \"{name}\"")).await;
            let url = format!("{base}?search_path={name}&pool_size=6");
            let engine = Engine::connect(&url).await.expect("connect to PostgreSQL");
            test(Database { engine, url, server }).await;
            run(&admin, format!("DROP SCHEMA \"{name}\" CASCADE")).await;
        }
        Server::MariaDb | Server::MySql => {
            let variable =
                if server == Server::MySql { "RELATA_TEST_MYSQL_URL" } else { "RELATA_TEST_MARIADB_URL" };
            let Some(base) = url_of(variable) else { return };
            let admin = Engine::connect(&format!("{base}?pool_size=1")).await.expect("connect to the server");
            run(&admin, format!("CREATE DATABASE `{name}`")).await;
            let (server_url, _) = base.rsplit_once('/').expect("a database in the URL");
            let url = format!("{server_url}/{name}?pool_size=6");
            let engine = Engine::connect(&url).await.expect("connect to the server");
            test(Database { engine, url, server }).await;
            run(&admin, format!("DROP DATABASE `{name}`")).await;
        }
    }
}

async fn run(admin: &Engine, sql: String) {
    sql_unchecked(sql).execute(admin).await.expect("prepare the database of a test");
}

fn url_of(variable: &str) -> Option<String> {
    match std::env::var(variable) {
        Ok(url) => Some(url),
        Err(_) if std::env::var("CI").is_ok_and(|ci| ci == "true") => panic!("{variable} is not set"),
        Err(_) => {
            println!("skipped: {variable} is not set; run the tests by ./tests/run");
            None
        }
    }
}

fn unique_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_micros());
    format!("relata_{}_{now}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The file of a SQLite database, with those that SQLite puts beside it.
struct File(PathBuf);

impl Drop for File {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let mut file = self.0.clone().into_os_string();
            file.push(suffix);
            let _ = std::fs::remove_file(file);
        }
    }
}
