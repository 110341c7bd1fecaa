//! Connection URLs: `scheme://user:password@host:port/database?option=value`, or `scheme:path?option=value`.

use std::{fmt, time::Duration};

use percent_encoding::percent_decode_str;

use crate::error::{Error, ErrorClass, Result};

/// A connection URL, taken apart. Its `Debug` hides the password and the values of options; its errors hide the
/// password, and show the value of an option that is refused.
///
/// A driver takes the options it knows, then calls [`finish`](DatabaseUrl::finish), which refuses what is left.
///
/// ```
/// use relata_core::url::DatabaseUrl;
///
/// let url = DatabaseUrl::parse("postgres://app:p%40ss@db.example.com:5433/shop?application_name=web")?;
/// assert_eq!((url.host.as_deref(), url.port), (Some("db.example.com"), Some(5433)));
/// assert_eq!(url.password.as_ref().map(|secret| secret.reveal()), Some("p@ss"));
/// assert!(!format!("{url:?}").contains("p@ss"));
/// # Ok::<(), relata_core::Error>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct DatabaseUrl {
    /// What stands before the first colon, in lower case.
    pub scheme: String,
    /// The user.
    pub user: Option<String>,
    /// The password.
    pub password: Option<Secret>,
    /// The host, without the brackets of an IPv6 address.
    pub host: Option<String>,
    /// The port.
    pub port: Option<u16>,
    /// What follows: the database, or a file. Without the slash that separates it from a host.
    pub path: String,
    options: Vec<(String, String)>,
    known: Vec<&'static str>,
    form: Form,
}

/// What stands behind the scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `//host/path`.
    Authority,
    /// `///path`.
    NoHost,
    /// `path`.
    Path,
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Behind a forgotten `//`, or a slash too many, the path holds the password.
        let path = if self.path.contains('@') { "***" } else { &self.path };
        let options: Vec<&str> = self.options.iter().map(|(name, _)| &**name).collect();
        f.debug_struct("DatabaseUrl")
            .field("scheme", &self.scheme)
            .field("user", &self.user)
            .field("password", &self.password)
            .field("host", &self.host)
            .field("port", &self.port)
            .field("path", &path)
            .field("options", &options)
            .finish()
    }
}

/// Text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text from being printed.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// The text.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

fn invalid(why: impl fmt::Display) -> Error {
    Error::new(ErrorClass::Configuration, format!("invalid connection URL: {why}"))
}

/// Whether a text can be the scheme of a URL: a letter, then letters, digits, `+`, `-`, `.` (RFC 3986, 3.1) and `_`.
pub fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_'))
}

fn stray_at() -> Error {
    invalid(
        "an `@` stands behind the host: a password is percent-encoded, with %2F for `/`, %3F for `?` and %40 for `@`",
    )
}

fn decode(text: &str, what: &str) -> Result<String> {
    let decoded =
        percent_decode_str(text).decode_utf8().map_err(|_| invalid(format!("{what} is not UTF-8")))?;
    if decoded.contains('\0') {
        return Err(invalid(format!("{what} holds a NUL")));
    }
    Ok(decoded.into_owned())
}

/// Reads a time as options write it: a number with its unit, `250ms`, `30s`, `5m` or `1h`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let unit = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..unit].parse().ok()?;
    match &text[unit..] {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        "h" => number.checked_mul(3600).map(Duration::from_secs),
        _ => None,
    }
}

impl DatabaseUrl {
    /// Takes a URL apart.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorClass::Configuration), saying what is wrong but not repeating the URL.
    pub fn parse(url: &str) -> Result<Self> {
        let (scheme, rest) = url
            .split_once(':')
            .ok_or_else(|| invalid("it has no scheme, such as `postgres:` or `sqlite:`"))?;
        if !is_scheme(scheme) {
            return Err(invalid("what stands before the first colon is no scheme"));
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        if query.contains('@') {
            return Err(stray_at());
        }
        let mut parsed = DatabaseUrl {
            scheme: scheme.to_ascii_lowercase(),
            user: None,
            password: None,
            host: None,
            port: None,
            path: String::new(),
            options: Vec::new(),
            known: Vec::new(),
            form: Form::Path,
        };
        match rest.strip_prefix("//") {
            None => parsed.path = decode(rest, "the path")?,
            Some(rest) => {
                let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                parsed.form = if authority.is_empty() { Form::NoHost } else { Form::Authority };
                // A slash or a question mark in a password ends the authority too early.
                if parsed.form == Form::Authority && path.contains('@') {
                    return Err(stray_at());
                }
                parsed.authority(authority)?;
                // With an empty authority, as in `sqlite:///file`, the slash belongs to the path.
                let path = if authority.is_empty() { path } else { path.strip_prefix('/').unwrap_or(path) };
                parsed.path = decode(path, "the path")?;
            }
        }
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) =
                pair.split_once('=').ok_or_else(|| invalid("an option has no value: write `name=value`"))?;
            let name = decode(name, "an option's name")?;
            if parsed.options.iter().any(|(known, _)| *known == name) {
                return Err(invalid(format!("option {name:?} is given twice")));
            }
            let value = decode(value, "an option's value")?;
            parsed.options.push((name, value));
        }
        Ok(parsed)
    }

    fn authority(&mut self, authority: &str) -> Result<()> {
        // The last @ ends the user's part: a password may hold others.
        let host = match authority.rsplit_once('@') {
            None => authority,
            Some((user, host)) => {
                let (user, password) = match user.split_once(':') {
                    Some((user, password)) => (user, Some(password)),
                    None => (user, None),
                };
                self.user = Some(decode(user, "the user")?).filter(|user| !user.is_empty());
                self.password = password.map(|p| decode(p, "the password").map(Secret)).transpose()?;
                host
            }
        };
        let (host, port) = match host.strip_prefix('[') {
            Some(rest) => {
                let (address, rest) =
                    rest.split_once(']').ok_or_else(|| invalid("a `[` in the host has no `]`"))?;
                match rest.strip_prefix(':') {
                    Some(port) => (address, Some(port)),
                    None if rest.is_empty() => (address, None),
                    None => return Err(invalid("a port begins with a colon")),
                }
            }
            None => match host.rsplit_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (host, None),
            },
        };
        self.host = Some(decode(host, "the host")?).filter(|host| !host.is_empty());
        self.port = match port {
            None | Some("") => None,
            Some(port) => Some(port.parse().map_err(|_| invalid("the port is no number from 0 to 65535"))?),
        };
        Ok(())
    }

    /// Refuses what is not the URL of a server: for drivers that need one.
    ///
    /// ```
    /// use relata_core::url::DatabaseUrl;
    ///
    /// assert!(DatabaseUrl::parse("postgres://app@localhost/shop")?.require_server().is_ok());
    /// assert!(DatabaseUrl::parse("postgres:app@localhost/shop")?.require_server().is_err());
    /// # Ok::<(), relata_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorClass::Configuration) if there is no `//` behind the scheme, or an `@` where no host is.
    pub fn require_server(&self) -> Result<()> {
        match self.form {
            Form::Path => Err(invalid(format!(
                "write `//` behind the scheme: {}://user:password@host/database",
                self.scheme
            ))),
            Form::NoHost if self.path.contains('@') => Err(stray_at()),
            _ => Ok(()),
        }
    }

    /// Takes an option as text.
    pub fn take(&mut self, name: &'static str) -> Option<String> {
        self.known.push(name);
        let at = self.options.iter().position(|(known, _)| known == name)?;
        Some(self.options.remove(at).1)
    }

    /// Takes an option and reads it; `expected` says in an error what it should have been.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorClass::Configuration) if `read` gives `None`.
    pub fn take_with<T>(
        &mut self,
        name: &'static str,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        match self.take(name) {
            None => Ok(None),
            Some(text) => read(&text)
                .map(Some)
                .ok_or_else(|| invalid(format!("option {name} is {text:?}, but should be {expected}"))),
        }
    }

    /// Takes an option that is `true` or `false`.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorClass::Configuration) if it is neither.
    pub fn take_bool(&mut self, name: &'static str) -> Result<Option<bool>> {
        self.take_with(name, "true or false", |text| text.parse().ok())
    }

    /// Takes an option that is a number.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorClass::Configuration) if it is none.
    pub fn take_number<N: std::str::FromStr>(&mut self, name: &'static str) -> Result<Option<N>> {
        self.take_with(name, "a number", |text| text.parse().ok())
    }

    /// Takes an option that is a time: a number with its unit, `250ms`, `30s`, `5m` or `1h`.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorClass::Configuration) if it is none.
    pub fn take_duration(&mut self, name: &'static str) -> Result<Option<Duration>> {
        self.take_with(name, "a time such as 250ms, 30s, 5m or 1h", parse_duration)
    }

    /// Ends the reading of options.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorClass::Configuration) if there is one that nobody took, listing those that are known.
    pub fn finish(mut self) -> Result<()> {
        let Some((name, _)) = self.options.first() else { return Ok(()) };
        self.known.sort_unstable();
        self.known.dedup();
        Err(invalid(format!("unknown option {name:?}; known are {}", self.known.join(", "))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        let url = DatabaseUrl::parse("MySQL://a%40b:x%3Ay@[::1]:3307/my%2Fdb?x=1&y=%26").unwrap();
        assert_eq!(url.scheme, "mysql");
        assert_eq!(url.user.as_deref(), Some("a@b"));
        assert_eq!(url.password.as_ref().map(Secret::reveal), Some("x:y"));
        assert_eq!((url.host.as_deref(), url.port), (Some("::1"), Some(3307)));
        assert_eq!(url.path, "my/db");
        for (text, path) in [
            ("sqlite::memory:", ":memory:"),
            ("sqlite:app.db", "app.db"),
            ("sqlite:///var/app.db?mode=ro", "/var/app.db"),
            ("postgres://host", ""),
            ("postgres:///db", "/db"),
        ] {
            assert_eq!(DatabaseUrl::parse(text).unwrap().path, path, "{text}");
        }
    }

    #[test]
    fn options_are_taken_or_refused() {
        let mut url = DatabaseUrl::parse("x:?size=5&wait=250ms&speling=1").unwrap();
        assert_eq!(url.take_number("size").unwrap(), Some(5));
        assert_eq!(url.take_duration("wait").unwrap(), Some(Duration::from_millis(250)));
        assert_eq!(url.take_bool("spelling").unwrap(), None);
        let error = url.finish().unwrap_err().to_string();
        assert!(error.contains("unknown option \"speling\"; known are size, spelling, wait"), "{error}");
    }

    #[test]
    fn a_bad_url_says_why_and_keeps_its_secret() {
        for bad in [
            "",
            "app.db",
            "://x",
            "x://h:port",
            "x://u:hunter2@h:99999/d",
            "x://u:hunter2%FF@h/d",
            "x://u:hunter2@[::1/d",
            "x://u:12345/hunter2@127.0.0.1/d",
            "x://u:1?hunter2=x@127.0.0.1/d",
            "x://u:1?pool_size=hunter2@127.0.0.1/d",
            "x://u:x@y/hunter2@127.0.0.1/d",
            "x://u:hunter2/x@127.0.0.1/d",
            "x:u:1?hunter2=x@127.0.0.1/d",
            "x:?a",
            "x:?a=1&a=2",
        ] {
            let error = format!("{:?}", DatabaseUrl::parse(bad).unwrap_err());
            assert!(error.contains("invalid connection URL") && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn the_url_of_a_server() {
        for bad in ["x:u:hunter2@h/d", "x:///u:hunter2@h/d", "x:/u:hunter2@h/d", "x:hunter2"] {
            let url = DatabaseUrl::parse(bad).unwrap();
            let error = format!("{:?}", url.require_server().unwrap_err());
            assert!(error.contains("invalid connection URL") && !error.contains("hunter2"), "{error}");
        }
        for good in ["x://u:p%40ss@h/d%40", "x://h", "x:///d"] {
            DatabaseUrl::parse(good).unwrap().require_server().unwrap();
        }
    }

    #[test]
    fn it_prints_no_secret() {
        for url in [
            "x://u:hunter2@h/d?password=hunter2",
            "x:u:hunter2@h/d",
            "x:///u:hunter2@h/d",
            "x://u:a@hunter2@h/d",
        ] {
            let printed = format!("{:?}", DatabaseUrl::parse(url).unwrap());
            assert!(!printed.contains("hunter2"), "{printed}");
        }
        let printed = format!("{:?}", DatabaseUrl::parse("x://u@h:1/d?size=5").unwrap());
        for part in ["\"u\"", "\"h\"", "Some(1)", "\"d\"", "\"size\""] {
            assert!(printed.contains(part), "{printed}");
        }
    }
}
