//! No URL makes it panic, and none has its password printed.
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
    let Ok(mut url) = DatabaseUrl::parse(text) else { return };
    let password = url.password.as_ref().map(Secret::reveal).unwrap_or_default().to_owned();
    // A password that stands elsewhere in the URL as well says nothing.
    let telling = password.len() >= 6 && text.matches(&password).count() == 1;
    let check = |printed: String| assert!(!telling || !printed.contains(&password), "{printed}");
    check(format!("{url:?}"));
    if let Err(error) = PoolOptions::take_from(&mut url) {
        check(format!("{error:?}"));
        return;
    }
    for printed in [
        PostgresDriver::from_url(url.clone()).map(|driver| format!("{driver:?}")),
        MysqlDriver::from_url(url.clone()).map(|driver| format!("{driver:?}")),
    ] {
        check(printed.unwrap_or_else(|error| format!("{error:?}")));
    }
    // Only in memory: a path would make a file.
    if url.path == ":memory:" {
        check(SqliteDriver::from_url(url).map_or_else(|error| format!("{error:?}"), |driver| format!("{driver:?}")));
    }
});
