//! Whether `init_connect` is harmless: plain `SET` of session variables to literals.
//!
//! Strict rather than clever: what is not surely such a statement is not one.

use std::ffi::OsStr;

/// Whether every statement is `SET NAME=LITERAL[, ...]` or `SET NAMES WORD [COLLATE WORD]`.
pub(super) fn only_sets(sql: &OsStr) -> bool {
    let Some(sql) = sql.to_str() else { return false };
    sql.split(';').map(str::trim).all(|statement| statement.is_empty() || is_set(statement))
}

fn is_set(statement: &str) -> bool {
    let Some((verb, rest)) = statement.split_once(|c: char| c.is_ascii_whitespace()) else {
        return false;
    };
    verb.eq_ignore_ascii_case("set") && (is_names(rest) || rest.split(',').all(is_assignment))
}

fn is_names(text: &str) -> bool {
    let words: Vec<String> = text.split_ascii_whitespace().map(str::to_ascii_lowercase).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["names", set] => is_literal(set),
        ["names", set, "collate", collation] => is_literal(set) && is_literal(collation),
        _ => false,
    }
}

fn is_assignment(text: &str) -> bool {
    let Some((name, value)) = text.split_once('=') else { return false };
    let name = name.trim().trim_end_matches(':').trim_end().to_ascii_lowercase();
    let name = ["session ", "local ", "@@session.", "@@local.", "@@", "@"]
        .iter()
        .find_map(|scope| name.strip_prefix(scope))
        .unwrap_or(&name)
        .trim_start();
    // `SET PASSWORD = '...'` sets the password of whoever logs in.
    is_word(name) && name != "password" && is_literal(value.trim())
}

fn is_literal(text: &str) -> bool {
    let inside = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    if let Some(inside) = inside('\'').or_else(|| inside('"')) {
        return inside.chars().all(|c| (' '..='~').contains(&c) && !"'\"\\`".contains(c));
    }
    is_word(text.strip_prefix(['-', '+']).unwrap_or(text))
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_sets_are_told_from_everything_else() {
        let plain = [
            "",
            " ; ",
            "SET autocommit=0",
            "set names utf8mb4",
            "SET NAMES 'utf8' COLLATE utf8_bin;SET SESSION sql_mode = 'ANSI'",
            "SET @@a=-1, @b=ON",
            "SET a := 1",
        ];
        for sql in plain {
            assert!(only_sets(OsStr::new(sql)), "{sql}");
        }
        let other = [
            "SELECT 1",
            "SET a=(SELECT 1)",
            "SET PASSWORD='x'",
            "SET password = ''",
            "SET GLOBAL a=1",
            "SET @@global.a=1",
            "SET PERSIST a=1",
            "SET a=b()",
            "SET a=@@b",
            "SET a='x' + 'y'",
            "SET a=1 /*! */",
            "SET a=1; GRANT ALL ON *.* TO x",
            "SET ROLE x",
            "SET a='\\'",
            "SET STATEMENT a=1 FOR SELECT 1",
            "SET a=`b`",
            "SET",
            "SET NAMES",
            "SET PASSWORD FOR x='y'",
            "SET SESSION password='x'",
        ];
        for sql in other {
            assert!(!only_sets(OsStr::new(sql)), "{sql}");
        }
    }

    proptest! {
        #[test]
        fn parentheses_backslashes_and_comments_are_never_plain(
            before in "(SET a=)?[a-z =]{0,8}",
            mark in "[(\\\\`#]|/\\*|--[ ]",
            after in "[a-z)]{0,8}"
        ) {
            let sql = format!("{before}{mark}{after}");
            prop_assert!(!only_sets(OsStr::new(&sql)), "{}", sql);
        }
    }
}
