//! No URL makes it panic, and nothing that is printed tells the password.
#![no_main]

use libfuzzer_sys::fuzz_target;
use relata::{
    PoolOptions,
    mysql::MysqlDriver,
    postgres::PostgresDriver,
    sqlite::SqliteDriver,
    url::{DatabaseUrl, Secret},
};

fuzz_target!(|text: &str| {
    let Ok(url) = DatabaseUrl::parse(text) else { return };
    let mut other = url.clone();
    // That a password is empty may be told.
    if let Some(password) = other.password.as_mut().filter(|password| !password.reveal().is_empty()) {
        *password = Secret::new("another");
    }
    // A password may be one of the words that are printed anyway, so it is not looked for: with another, the same is printed.
    assert_eq!(printed(url), printed(other));
});

/// All that is printed of a URL on the way to a connection.
fn printed(mut url: DatabaseUrl) -> Vec<String> {
    let mut printed = vec![format!("{url:?}")];
    if let Err(error) = PoolOptions::take_from(&mut url) {
        printed.push(format!("{error:?}"));
        return printed;
    }
    printed.push(format!("{:?}", PostgresDriver::from_url(url.clone())));
    printed.push(format!("{:?}", MysqlDriver::from_url(url.clone())));
    // Only in memory: a path would make a file. Each such database has a number of its own.
    if url.path == ":memory:" {
        printed.push(format!("{:?}", SqliteDriver::from_url(url)).replace(|c: char| c.is_ascii_digit(), ""));
    }
    printed
}
