//! A category as it is typed, `@mysql`. What a name may consist of is for the service to say.

/// What is wrong with a category as typed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// It does not begin with `@`.
    #[error("a category begins with @, as in @mysql")]
    NoAt,
    /// Nothing follows the `@`.
    #[error("a category has a name after the @, as in @mysql")]
    NoName,
}

/// The name without its `@`.
///
/// # Errors
/// [`Error`] when there is no `@` or no name.
pub fn parse(typed: &str) -> Result<String, Error> {
    match typed.strip_prefix('@') {
        None => Err(Error::NoAt),
        Some("") => Err(Error::NoName),
        Some(name) => Ok(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_at_sign_is_required_and_taken_off() {
        assert_eq!(parse("@mysql").as_deref(), Ok("mysql"));
        assert_eq!(parse("mysql"), Err(Error::NoAt));
        assert_eq!(parse("@"), Err(Error::NoName));
    }
}
