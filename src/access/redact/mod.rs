//! Takes secrets out of arguments before a person or a log sees them.
//!
//! Pure. What is taken out is written `*`, so that a rule made of what was seen has a wildcard
//! there. Knows the spellings of options that hold secrets, not what any program does with them.

mod spelling;

use spelling::{is_secret_option, password_of, sets_password, short_password, value};
use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

/// Programs that start another one, whose name and arguments are among their own.
const STARTERS: &str = "chroot chrt doas env ionice nice nohup nsenter runuser setpriv setsid ssh \
    stdbuf strace su sudo systemd-run time timeout";

/// The arguments of a process, the program's name first, without the secrets in them.
pub fn redact(arguments: &[OsString]) -> Vec<OsString> {
    let Some((program, words)) = arguments.split_first() else { return Vec::new() };
    let mut reader = Reader::of(program);
    let hide = |word: &OsString| {
        let bytes = word.as_bytes();
        reader.secret(bytes).map_or_else(
            || word.clone(),
            |at| OsString::from_vec([&bytes[..at.start], b"*", &bytes[at.end..]].concat()),
        )
    };
    std::iter::once(program.clone()).chain(words.iter().map(hide)).collect()
}

/// Of each word behind the program's name, where a `*` stands that [`redact`] may have put there.
pub fn stars<'a>(
    program: &OsStr,
    words: &'a [OsString],
) -> impl Iterator<Item = Option<usize>> + 'a {
    let mut reader = Reader::of(program);
    words.iter().map(move |word| {
        let bytes = word.as_bytes();
        reader.secret(bytes).filter(|at| bytes[at.clone()] == *b"*").map(|at| at.start)
    })
}

/// Reads the words of a command line, one after the other.
struct Reader {
    /// As what they are read.
    kind: Kind,
    /// Whether the name of another program may come.
    starts: bool,
    next: Next,
}

/// How a program reads passwords.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Other,
    /// One that starts another.
    Starter,
    /// As the clients of MySQL do.
    Mysql,
    /// As those do, and behind the command that sets one.
    MysqlAdmin,
    Sshpass,
}

/// What the next word is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Any,
    /// A secret, if it is no option.
    Secret,
    /// A secret, whatever it looks like.
    SecretAnyhow,
    /// The value of an option.
    Value,
}

impl Kind {
    fn of(program: &[u8]) -> Self {
        let name = Path::new(OsStr::from_bytes(program)).file_name().unwrap_or_default();
        let name = name.as_bytes();
        let begins = |starts: &[&[u8]]| starts.iter().any(|start| name.starts_with(start));
        if begins(&[b"mysqladmin", b"mariadb-admin"]) {
            Self::MysqlAdmin
        } else if begins(&[b"mysql", b"maria", b"xtrabackup", b"innobackupex"]) {
            Self::Mysql
        } else if name == b"sshpass" {
            Self::Sshpass
        } else if STARTERS.split(' ').any(|starter| starter.as_bytes() == name) {
            Self::Starter
        } else {
            Self::Other
        }
    }

    fn is_mysql(self) -> bool {
        matches!(self, Self::Mysql | Self::MysqlAdmin)
    }
}

impl Reader {
    fn of(program: &OsStr) -> Self {
        let kind = Kind::of(program.as_bytes());
        let starts = matches!(kind, Kind::Starter | Kind::Sshpass);
        Self { kind, starts, next: Next::Any }
    }

    /// Where the secret is in the next word.
    fn secret(&mut self, word: &[u8]) -> Option<Range<usize>> {
        let is_option = word.starts_with(b"-");
        match std::mem::replace(&mut self.next, Next::Any) {
            Next::SecretAnyhow => return Some(0..word.len()),
            Next::Secret if !is_option => return Some(0..word.len()),
            Next::Value => return None,
            Next::Secret | Next::Any => {}
        }
        if self.kind == Kind::Sshpass && is_option {
            return self.sshpass_option(word);
        }
        if self.starts && !is_option {
            self.begin(word);
        }
        let mysql = self.kind.is_mysql();
        let waits = !mysql && !word.contains(&b'=') && is_secret_option(word, mysql);
        if waits || self.kind == Kind::MysqlAdmin && sets_password(word) {
            self.next = Next::Secret;
        }
        value(word, mysql)
            .or_else(|| if mysql { short_password(word) } else { None })
            .or_else(|| password_of(word))
    }

    /// What follows the options of a program that starts another: that one's name, maybe.
    fn begin(&mut self, word: &[u8]) {
        match Kind::of(word) {
            Kind::Other | Kind::Starter if self.kind == Kind::Sshpass => self.kind = Kind::Starter,
            Kind::Other | Kind::Starter => {}
            kind => self.kind = kind,
        }
    }

    /// Of `-p SECRET`, `-pSECRET`, `-vpSECRET`, and the options with another value.
    fn sshpass_option(&mut self, word: &[u8]) -> Option<Range<usize>> {
        let takes_value = |letter: &u8| b"dfpP".contains(letter);
        let at = word.iter().position(takes_value)?;
        let (is_secret, is_last) = (word[at] == b'p', at + 1 == word.len());
        if is_last {
            self.next = if is_secret { Next::SecretAnyhow } else { Next::Value };
        }
        (is_secret && !is_last).then_some(at + 1..word.len())
    }
}

#[cfg(test)]
mod tests;
