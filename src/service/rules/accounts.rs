//! Users and groups by name: in `/etc/passwd` and `/etc/group`, else as the system's name service
//! knows them, which a static program has to ask through `getent`.

use crate::service::protocol::{Failure, FailureKind};
use crate::sys::tool;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// How long the name service may take.
const LIMIT: Duration = Duration::from_secs(10);
const GETENT: [&str; 2] = ["/usr/bin/getent", "/bin/getent"];

/// Users or groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    /// Users.
    User,
    /// Groups.
    Group,
}

impl Database {
    fn file(self) -> &'static str {
        match self {
            Self::User => "/etc/passwd",
            Self::Group => "/etc/group",
        }
    }

    /// As `getent` calls it.
    fn name(self) -> &'static str {
        match self {
            Self::User => "passwd",
            Self::Group => "group",
        }
    }

    fn one(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
        }
    }
}

/// The ids of names; numbers are taken as they are. Each once.
///
/// # Errors
/// Usage, which names the first that there is none of.
pub fn ids(database: Database, names: &[String]) -> Result<Vec<u32>, Failure> {
    let mut ids = Vec::new();
    for name in names {
        let id = id(database, name)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

fn id(database: Database, name: &str) -> Result<u32, Failure> {
    let one = database.one();
    if name.bytes().all(|byte| byte.is_ascii_digit()) {
        // The last one means "none" to the kernel.
        let id = name.parse().ok().filter(|id| *id != u32::MAX);
        return id.ok_or_else(|| {
            Failure::new(FailureKind::Usage, format!("{name} is too large for the id of a {one}"))
        });
    }
    let file = fs::read(database.file()).unwrap_or_default();
    if let Some(id) = id_in(&file, Some(name)) {
        return Ok(id);
    }
    let asked = asked(database, name).map_err(|error| {
        let message = format!("cannot ask the name service for the {one} {name:?}: {error}");
        Failure::new(FailureKind::Failed, message).hint("give its number instead")
    })?;
    asked.ok_or_else(|| {
        Failure::new(FailureKind::Usage, format!("there is no {one} {name:?}"))
            .hint(format!("`getent {}` lists those there are", database.name()))
    })
}

fn asked(database: Database, name: &str) -> std::io::Result<Option<u32>> {
    let Some(getent) = GETENT.map(Path::new).into_iter().find(|path| path.exists()) else {
        return Ok(None);
    };
    let told = tool::ask(getent, &[database.name(), name], LIMIT)?;
    // 2: there is none of that name.
    if told.status.success() { Ok(id_in(&told.stdout, None)) } else { Ok(None) }
}

/// The third field of the line whose first is `name`; of the first line without one.
fn id_in(lines: &[u8], name: Option<&str>) -> Option<u32> {
    let lines = lines.split(|byte| *byte == b'\n');
    let fields = lines.map(|line| line.split(|byte| *byte == b':').collect::<Vec<_>>());
    let is_it = |fields: &Vec<&[u8]>| name.is_none_or(|name| fields[0] == name.as_bytes());
    let found = fields.into_iter().find(is_it)?;
    std::str::from_utf8(found.get(2)?).ok()?.parse().ok().filter(|id| *id != u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ids_of(database: Database, names: &[&str]) -> Result<Vec<u32>, String> {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        ids(database, &names).map_err(|failure| failure.message)
    }

    #[test]
    fn names_and_numbers_become_ids() {
        assert_eq!(ids_of(Database::User, &["root", "34", "0"]), Ok(vec![0, 34]));
        assert_eq!(ids_of(Database::Group, &["root"]), Ok(vec![0]));
        assert_eq!(ids_of(Database::User, &["7000000"]), Ok(vec![7_000_000]), "nobody need exist");
    }

    #[test]
    fn what_is_not_there_is_named() {
        let missing = ids_of(Database::User, &["root", "no-such-user-here"]).unwrap_err();
        assert_eq!(missing, "there is no user \"no-such-user-here\"");
        let missing = ids_of(Database::Group, &["no-such-group-here"]).unwrap_err();
        assert_eq!(missing, "there is no group \"no-such-group-here\"");
        for number in ["4294967295", "99999999999"] {
            assert!(ids_of(Database::User, &[number]).unwrap_err().contains("too large"));
        }
    }

    #[test]
    fn the_line_of_the_name_is_read_and_no_other() {
        let lines = b"# x\nroot:x:0:0::/root:/bin/sh\nroot2:x:7:7\nodd:x\nbad:x:-1:\n+::::\n";
        assert_eq!(id_in(lines, Some("root")), Some(0));
        assert_eq!(id_in(lines, Some("root2")), Some(7));
        for name in ["odd", "bad", "none", "x", "+"] {
            assert_eq!(id_in(lines, Some(name)), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_file_is_read_without_a_panic(lines: Vec<u8>, name in prop::option::of("[a-z:]{0,3}")) {
            let _ = id_in(&lines, name.as_deref());
        }
    }
}
