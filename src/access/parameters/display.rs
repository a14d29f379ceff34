//! Parameters as a rule shows them: in a fixed order, read back as the same.

use super::name::Name;
use super::{Accesses, Parameters};
use crate::access::rule::write_name;
use std::fmt;
use std::path::Path;

impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut gap = "";
        for name in Name::ALL.into_iter().filter(|name| self.has(*name)) {
            write!(f, "{gap}--{}", name.text())?;
            self.write_value(f, name)?;
            gap = " ";
        }
        Ok(())
    }
}

impl Parameters {
    fn has(&self, name: Name) -> bool {
        match name {
            Name::User => !self.users.is_empty(),
            Name::Group => !self.groups.is_empty(),
            Name::Args => self.arguments.is_some(),
            Name::Env => !self.environment.is_empty(),
            Name::Children => self.children,
            Name::Script => self.script.is_some(),
            Name::Unit => self.unit.is_some(),
            Name::Access => self.accesses != Accesses::default(),
            Name::Jit => self.jit,
            Name::Libraries => self.libraries.is_some(),
            Name::Root => self.root.is_some(),
            Name::Namespaces => self.pid_namespace || self.user_namespace,
        }
    }

    fn write_value(&self, f: &mut fmt::Formatter<'_>, name: Name) -> fmt::Result {
        match name {
            Name::User => write_list(f, &self.users),
            Name::Group => write_list(f, &self.groups),
            Name::Args => {
                self.arguments.as_ref().map_or(Ok(()), |arguments| write!(f, "='{arguments}'"))
            }
            Name::Env => write_list(f, &self.environment),
            Name::Script => write_list(f, self.script.as_slice()),
            Name::Unit => write_list(f, self.unit.as_slice()),
            Name::Access => write!(f, "={}", self.accesses),
            Name::Libraries => write_list(f, self.libraries.as_deref().unwrap_or_default()),
            Name::Root => write_list(f, self.root.as_slice()),
            Name::Namespaces => {
                let named = [(self.pid_namespace, "pid"), (self.user_namespace, "user")];
                let named = named.into_iter().filter_map(|(has, name)| has.then_some(name));
                write_list(f, &named.collect::<Vec<_>>())
            }
            Name::Children | Name::Jit => Ok(()),
        }
    }
}

impl fmt::Display for Accesses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [(self.read, "read"), (self.write, "write"), (self.execute, "exec")];
        let kinds = kinds.into_iter().filter_map(|(has, kind)| has.then_some(kind));
        f.write_str(&kinds.collect::<Vec<_>>().join(","))
    }
}

/// Writes `=` and values with commas between; nothing when there are none.
fn write_list(f: &mut fmt::Formatter<'_>, values: &[impl AsRef<Path>]) -> fmt::Result {
    let mut sign = "=";
    for value in values {
        f.write_str(sign)?;
        write_name(f, value.as_ref(), |c| c == ',')?;
        sign = ",";
    }
    Ok(())
}
