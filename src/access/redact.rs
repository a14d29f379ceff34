//! Takes secrets out of arguments before a person or a log sees them.
//!
//! Pure. What is taken out is written `*`, so that a rule made of what was seen has a wildcard
//! there. Knows the spellings of options that hold secrets, not what any program does with them.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

/// What is in an option's name when its value is a secret.
const SECRET: [&str; 7] =
    ["passw", "passphrase", "secret", "token", "credential", "encrypt-key", "api-key"];
/// How the name of an option ends that says where a secret is, or whether there is one.
const NO_SECRET: [&str; 8] =
    ["file", "path", "dir", "command", "plugin", "policy", "expiration", "lifetime"];
/// Short options of the MySQL clients that take no value, behind which `p` may stand.
const FLAGS: &[u8] = b"ABCEHNXbfinqstv";

/// The arguments of a process, the program's name first, without the secrets in them.
pub fn redact(arguments: &[OsString]) -> Vec<OsString> {
    let mysql = arguments.first().is_some_and(|name| is_mysql(name));
    let mut value_is_secret = false;
    let hide = |(index, argument): (usize, &OsString)| {
        let bytes = argument.as_bytes();
        if index == 0 {
            return argument.clone();
        }
        let follows = value_is_secret && !bytes.starts_with(b"-");
        value_is_secret = !mysql && !bytes.contains(&b'=') && is_secret(bytes, mysql);
        if follows {
            return "*".into();
        }
        OsString::from_vec(hidden(bytes, mysql).into_owned())
    };
    arguments.iter().enumerate().map(hide).collect()
}

/// Where in an argument a `*` stands that [`redact`] may have put there, behind the argument
/// `before` it.
pub fn star(program: &OsStr, before: Option<&OsStr>, argument: &OsStr) -> Option<usize> {
    let (mysql, bytes) = (is_mysql(program), argument.as_bytes());
    let star = bytes.iter().position(|&byte| byte == b'*')?;
    let follows = !mysql
        && before.is_some_and(|before| {
            !before.as_bytes().contains(&b'=') && is_secret(before.as_bytes(), mysql)
        });
    let alone = bytes == b"*" && follows;
    let option = bytes.strip_suffix(b"=*").is_some_and(|option| is_secret(option, mysql));
    let short = mysql && bytes.ends_with(b"*") && short_password(bytes) == Some(bytes.len() - 1);
    let userinfo = password_of(bytes).is_some_and(|range| range == (star..star + 1));
    (alone || option || short || userinfo).then_some(star)
}

/// Whether a program reads passwords as the clients of MySQL do.
fn is_mysql(program: &OsStr) -> bool {
    let name = Path::new(program).file_name().unwrap_or_default().as_bytes();
    [&b"mysql"[..], b"maria"].iter().any(|start| name.starts_with(start))
}

fn hidden(argument: &[u8], mysql: bool) -> Cow<'_, [u8]> {
    let cut = |end: usize| Cow::Owned([&argument[..end], b"*"].concat());
    if let Some(equals) = argument.iter().position(|&byte| byte == b'=')
        && is_secret(&argument[..equals], mysql)
    {
        return cut(equals + 1);
    }
    if mysql && let Some(end) = short_password(argument) {
        return cut(end);
    }
    without_userinfo(argument)
}

/// Whether an option, without its value, is one whose value is a secret.
fn is_secret(option: &[u8], mysql: bool) -> bool {
    let Some(name) = option.strip_prefix(b"--") else { return false };
    let name = String::from_utf8_lossy(name).to_ascii_lowercase().replace('_', "-");
    // The MySQL clients take the beginning of an option's name for the whole.
    let plain = name.strip_prefix("loose-").unwrap_or(&name);
    let begun = mysql && plain.len() > 1 && "password".starts_with(plain);
    let told = SECRET.iter().any(|word| name.contains(word));
    begun || told && !NO_SECRET.iter().any(|end| name.ends_with(end))
}

/// Where the secret begins in `-pSECRET` and `-vpSECRET`.
fn short_password(argument: &[u8]) -> Option<usize> {
    let letters = argument.strip_prefix(b"-")?;
    let at = letters.iter().position(|letter| !FLAGS.contains(letter))?;
    (letters[at] == b'p' && at + 1 < letters.len()).then_some(at + 2)
}

/// `scheme://user:*@host` in place of one with a password.
fn without_userinfo(argument: &[u8]) -> Cow<'_, [u8]> {
    match password_of(argument) {
        Some(at) => [&argument[..at.start], b"*", &argument[at.end..]].concat().into(),
        None => argument.into(),
    }
}

/// Where the password stands in `scheme://user:password@host`.
fn password_of(argument: &[u8]) -> Option<Range<usize>> {
    let find = |from: usize, part: &[u8]| {
        argument[from..].windows(part.len()).position(|window| window == part).map(|at| from + at)
    };
    let start = find(0, b"://")? + 3;
    let end = find(start, b"/").unwrap_or(argument.len());
    let at = start + argument[start..end].iter().rposition(|&byte| byte == b'@')?;
    let colon = find(start, b":")?;
    (colon < at).then_some(colon + 1..at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn redacted(line: &str) -> String {
        let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        redact(&arguments).join(OsStr::new(" ")).into_string().unwrap()
    }

    #[test]
    fn secrets_are_taken_out_in_every_spelling() {
        for (line, shown) in [
            ("/bin/x --password=s a", "/bin/x --password=* a"),
            ("/bin/x --password s a", "/bin/x --password * a"),
            ("/bin/x --db-passwd=s", "/bin/x --db-passwd=*"),
            ("/bin/x --Client_Secret=s=t", "/bin/x --Client_Secret=*"),
            ("/bin/x mysql://u:s@h:3306/db", "/bin/x mysql://u:*@h:3306/db"),
            ("/usr/bin/mysqldump -uroot -ps db", "/usr/bin/mysqldump -uroot -p* db"),
            ("mariadb -vvps", "mariadb -vvp*"),
            ("mariadb --pass=s", "mariadb --pass=*"),
            ("mysql --loose-password=s", "mysql --loose-password=*"),
            ("mariadb-backup --encrypt-key=s", "mariadb-backup --encrypt-key=*"),
        ] {
            assert_eq!(redacted(line), shown, "{line}");
            assert_eq!(redacted(shown), shown, "{shown}");
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for line in [
            "/bin/x -ps --user=u --port=3",
            "/bin/x --password-file=/etc/secret --passphrase-file /f",
            "/bin/x http://host:80/a@b",
            "mysqldump --password db",
            "mysqldump -p db -hprod -P3306 --port=3 --defaults-file=/x",
            "mysql --p=3",
        ] {
            assert_eq!(redacted(line), line);
        }
    }

    #[test]
    fn what_was_taken_out_can_be_told_from_what_was_typed() {
        let star = |program: &str, before: &str, argument: &str| {
            super::star(OsStr::new(program), Some(OsStr::new(before)), OsStr::new(argument))
        };
        assert_eq!(star("/bin/x", "a", "--password=*"), Some(11));
        assert_eq!(star("mysql", "a", "-p*"), Some(2));
        assert_eq!(star("/bin/x", "--password", "*"), Some(0));
        assert_eq!(star("/bin/x", "a", "mysql://u:*@h"), Some(10));
        for typed in ["*", "-p*", "a*", "--where=a*", "--password=x", "*.sql", "a://b/*"] {
            assert_eq!(star("/bin/x", "a", typed), None, "{typed}");
        }
    }

    proptest! {
        #[test]
        fn twice_is_once(arguments: Vec<Vec<u8>>, mysql: bool) {
            let name = if mysql { "mysql" } else { "x" };
            let mut all = vec![OsString::from(name)];
            all.extend(arguments.into_iter().map(OsString::from_vec));
            let once = redact(&all);
            prop_assert_eq!(redact(&once), once);
        }
    }
}
