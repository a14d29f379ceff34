//! How secrets are spelled in one argument.

use std::ops::Range;

/// What is in the name of an option or a variable whose value is a secret.
const SECRET: [&str; 8] =
    ["passw", "pwd", "passphrase", "secret", "token", "credential", "encrypt-key", "api-key"];
/// How such a name ends that says where a secret is, or whether there is one.
const NO_SECRET: [&str; 8] =
    ["file", "path", "dir", "command", "plugin", "policy", "expiration", "lifetime"];
/// Variables that every shell has, about directories.
const DIRECTORIES: [&[u8]; 2] = [b"PWD", b"OLDPWD"];
/// Options whose value is `NAME=VALUE`.
const SETS_VARIABLE: [&[u8]; 2] = [b"--setenv=", b"--env="];
/// Short options of the MySQL clients that take no value, behind which `p` may stand.
const FLAGS: &[u8] = b"ABCEHNXbfinqstv";

/// Where the value stands in `--password=SECRET`, `MYSQL_PWD=SECRET` and `--setenv=MYSQL_PWD=SECRET`.
pub(super) fn value(word: &[u8], mysql: bool) -> Option<Range<usize>> {
    let start = SETS_VARIABLE.iter().find(|option| word.starts_with(option));
    let start = start.map_or(0, |option| option.len());
    let equals = start + word[start..].iter().position(|&byte| byte == b'=')?;
    let name = &word[start..equals];
    let is_secret = is_secret_variable(name) || start == 0 && is_secret_option(name, mysql);
    is_secret.then_some(equals + 1..word.len())
}

/// Whether an option, without its value, is one whose value is a secret.
pub(super) fn is_secret_option(option: &[u8], mysql: bool) -> bool {
    let Some(name) = option.strip_prefix(b"--") else { return false };
    let name = normal(name);
    // The MySQL clients take the beginning of an option's name for the whole.
    let plain = name.strip_prefix("loose-").unwrap_or(&name);
    mysql && plain.len() > 1 && "password".starts_with(plain) || is_secret(&name)
}

/// Whether this is the name of a variable that holds a secret.
fn is_secret_variable(name: &[u8]) -> bool {
    let is_name = name.iter().all(|&byte| byte == b'_' || byte.is_ascii_alphanumeric());
    is_name && !DIRECTORIES.contains(&name) && is_secret(&normal(name))
}

fn normal(name: &[u8]) -> String {
    String::from_utf8_lossy(name).to_ascii_lowercase().replace('_', "-")
}

fn is_secret(name: &str) -> bool {
    let told = SECRET.iter().any(|word| name.contains(word));
    told && !NO_SECRET.iter().any(|end| name.ends_with(end))
}

/// Whether a word is the command that sets a password; its beginning will do.
pub(super) fn sets_password(word: &[u8]) -> bool {
    let word = word.to_ascii_lowercase();
    let is_begun = |command: &[u8]| command.starts_with(&word);
    word.len() > 1 && (is_begun(b"password") || is_begun(b"old-password"))
}

/// Where the secret is in `-pSECRET` and `-vpSECRET`.
pub(super) fn short_password(argument: &[u8]) -> Option<Range<usize>> {
    let letters = argument.strip_prefix(b"-")?;
    let at = letters.iter().position(|letter| !FLAGS.contains(letter))?;
    (letters[at] == b'p' && at + 1 < letters.len()).then_some(at + 2..argument.len())
}

/// Where the password stands in `scheme://user:password@host`.
pub(super) fn password_of(argument: &[u8]) -> Option<Range<usize>> {
    let find = |from: usize, part: &[u8]| {
        argument[from..].windows(part.len()).position(|window| window == part).map(|at| from + at)
    };
    let start = find(0, b"://")? + 3;
    let end = find(start, b"/").unwrap_or(argument.len());
    let at = start + argument[start..end].iter().rposition(|&byte| byte == b'@')?;
    let colon = find(start, b":")?;
    (colon < at).then_some(colon + 1..at)
}
