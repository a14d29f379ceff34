//! A command line's words, as a shell would cut them: quotes and backslashes, and nothing else that
//! a shell does.

/// A quote that is not closed, or a backslash before nothing.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a quote is not closed, or a backslash stands before nothing")]
pub struct Error;

/// The words in `line`.
///
/// # Errors
/// [`Error`].
pub fn split(line: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let (mut words, mut word) = (Vec::new(), None::<Vec<u8>>);
    let mut bytes = line.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b' ' | b'\t' | b'\n' => words.extend(word.take()),
            b'\\' => word.get_or_insert_default().push(bytes.next().ok_or(Error)?),
            b'\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match bytes.next().ok_or(Error)? {
                        b'\'' => break,
                        byte => word.push(byte),
                    }
                }
            }
            b'"' => {
                let word = word.get_or_insert_default();
                loop {
                    match bytes.next().ok_or(Error)? {
                        b'"' => break,
                        b'\\' => match bytes.next().ok_or(Error)? {
                            byte @ (b'"' | b'\\' | b'$' | b'`') => word.push(byte),
                            byte => word.extend([b'\\', byte]),
                        },
                        byte => word.push(byte),
                    }
                }
            }
            byte => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::suggest::shell_quoted;
    use proptest::prelude::*;

    fn words(line: &str) -> Result<Vec<String>, Error> {
        let text = |word| String::from_utf8(word).unwrap();
        Ok(split(line.as_bytes())?.into_iter().map(text).collect())
    }

    #[test]
    fn words_are_cut_as_a_shell_cuts_them() {
        for (line, cut) in [
            ("", &[][..]),
            ("  a  b\n", &["a", "b"]),
            (r#"'a b' "c d" e\ f '' g'h'"i""#, &["a b", "c d", "e f", "", "ghi"]),
            (r#"'a\b' "a\b\"\\""#, &[r"a\b", r#"a\b"\"#]),
        ] {
            assert_eq!(words(line).unwrap(), cut, "{line}");
        }
        for line in ["'a", "\"a", "a\\"] {
            assert_eq!(words(line), Err(Error), "{line}");
        }
    }

    proptest! {
        #[test]
        fn what_was_quoted_for_a_shell_is_one_word(text in "[^\0]*") {
            prop_assert_eq!(words(&shell_quoted(&text)).unwrap(), [text]);
        }

        #[test]
        fn any_bytes_are_cut_or_refused(line: Vec<u8>) {
            let _ = split(&line);
        }
    }
}
