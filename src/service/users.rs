//! Names of users, out of `/etc/passwd`: a static binary has no other way.

/// The number of a user given by name or number.
pub fn number(user: &str) -> Option<u32> {
    user.parse().ok().or_else(|| number_in(&passwd(), user))
}

/// The name of a user.
pub fn name(number: u32) -> Option<String> {
    name_in(&passwd(), number)
}

fn passwd() -> String {
    let bytes = std::fs::read("/etc/passwd").unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn number_in(passwd: &str, name: &str) -> Option<u32> {
    entries(passwd).find_map(|(known, number)| (known == name).then_some(number))
}

/// The first name of a number; none that would not be read back as this one.
fn name_in(passwd: &str, number: u32) -> Option<String> {
    let name = entries(passwd).find_map(|(name, known)| (known == number).then_some(name))?;
    let usable = name.parse::<u32>().is_err() && number_in(passwd, name) == Some(number);
    usable.then(|| name.to_owned())
}

fn entries(passwd: &str) -> impl Iterator<Item = (&str, u32)> {
    passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        Some((name, fields.nth(1)?.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_found_both_ways() {
        let passwd =
            "root:x:0:0:root:/root:/bin/sh\n# x\nb:x:34:34::/:/bin/sh\nc:x:34:1::/:\n7:x:9:9:::\n";
        assert_eq!(number_in(passwd, "b"), Some(34));
        assert_eq!(number_in(passwd, "nobody"), None);
        assert_eq!(name_in(passwd, 34).as_deref(), Some("b"));
        assert_eq!(name_in(passwd, 9), None, "a name that reads as a number");
        assert_eq!(name_in(passwd, 1), None);
    }
}
