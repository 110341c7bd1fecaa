//! What the derives say about what they do not accept, each mistake in its case of `ui/fail`.
//!
//! `TRYBUILD=overwrite cargo test -p relata-tests --test ui` writes the messages anew.

use std::process::Command;

/// The compiler that wrote the messages: half of the words are its own, and they change from version to version.
const COMPILER: &str = "rustc 1.95.";

#[test]
fn mistakes() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version =
        Command::new(rustc).arg("--version").output().expect("the compiler says its version").stdout;
    let version = String::from_utf8_lossy(&version);
    if !version.starts_with(COMPILER) {
        println!("skipped: the messages are those of {COMPILER}x, this is {version}");
        return;
    }
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui/fail/*.rs");
}
