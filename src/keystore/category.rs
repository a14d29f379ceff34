//! What a category may be called: it stands in rules, in paths and in lists, so it is kept to
//! characters that mean nothing to a shell or a filesystem.

/// Longest name, in bytes.
pub const MAX_LEN: usize = 64;

/// What is wrong with a name.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
pub enum Error {
    /// Nothing, or only the `@`.
    #[error("a category needs a name, as in @mysql")]
    Empty,
    /// Longer than [`MAX_LEN`].
    #[error("a category's name has at most {MAX_LEN} characters, not {0}")]
    TooLong(usize),
    /// Begins with a hyphen.
    #[error("a category's name cannot begin with '-'")]
    LeadingHyphen,
    /// Has a character other than ASCII letters, digits, `_` and `-`.
    #[error("a category's name has letters, digits, '_' and '-' only, not {0:?}")]
    Character(char),
}

/// Returns the name in `@name` or `name`, without the `@`.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn parse(text: &str) -> Result<&str, Error> {
    let name = text.strip_prefix('@').unwrap_or(text);
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() {
        Err(Error::Empty)
    } else if let Some(other) = name.chars().find(|c| !allowed(*c)) {
        Err(Error::Character(other))
    } else if name.starts_with('-') {
        Err(Error::LeadingHyphen)
    } else if name.len() > MAX_LEN {
        Err(Error::TooLong(name.len()))
    } else {
        Ok(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_with_and_without_the_at_sign() {
        let longest = "x".repeat(MAX_LEN);
        for name in ["mysql", "mysql-backup_2", "NDB", "7", "_", longest.as_str()] {
            assert_eq!(parse(name), Ok(name));
            assert_eq!(parse(&format!("@{name}")), Ok(name));
        }
    }

    #[test]
    fn what_is_wrong_with_a_name_is_named() {
        assert_eq!(parse("@"), Err(Error::Empty));
        assert_eq!(parse(""), Err(Error::Empty));
        assert_eq!(parse("-e"), Err(Error::LeadingHyphen));
        assert_eq!(parse(&"x".repeat(65)), Err(Error::TooLong(65)));
        for (text, found) in [
            ("@@a", '@'),
            ("..", '.'),
            ("a/b", '/'),
            ("a b", ' '),
            ("é", 'é'),
            ("a\u{1b}[", '\u{1b}'),
        ] {
            assert_eq!(parse(text), Err(Error::Character(found)));
        }
    }

    #[test]
    fn an_error_never_repeats_a_control_character() {
        assert!(!parse("a\u{1b}[31m").unwrap_err().to_string().contains('\u{1b}'));
    }
}
