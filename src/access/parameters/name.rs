//! The names of the parameters, as they are typed.

/// One of the parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    User,
    Group,
    Args,
    Env,
    Children,
    Script,
    Unit,
    Access,
    Jit,
    Libraries,
    Root,
    Namespaces,
}

/// Whether a parameter has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    Value,
    MaybeValue,
}

impl Name {
    /// All, in the order in which a rule shows them.
    pub const ALL: [Self; 12] = [
        Self::User,
        Self::Group,
        Self::Args,
        Self::Env,
        Self::Children,
        Self::Script,
        Self::Unit,
        Self::Access,
        Self::Jit,
        Self::Libraries,
        Self::Root,
        Self::Namespaces,
    ];

    /// The name without dashes.
    pub fn text(self) -> &'static str {
        self.looks().0
    }

    /// Whether it has a value.
    pub fn takes(self) -> Takes {
        self.looks().1
    }

    /// How it looks when it is used.
    pub fn example(self) -> &'static str {
        self.looks().2
    }

    /// The parameter of this name.
    pub fn of(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.text() == text)
    }

    /// The one that was perhaps meant by a word that is none.
    pub fn near(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let close = |name: &Self| {
            let name = name.text();
            let begins = text.len() > 1 && (name.starts_with(&text) || text.starts_with(name));
            begins || is_one_step(name.as_bytes(), text.as_bytes())
        };
        Self::ALL.into_iter().find(close)
    }

    fn looks(self) -> (&'static str, Takes, &'static str) {
        use Takes::{MaybeValue, Nothing, Value};
        match self {
            Self::User => ("user", Value, "--user=backup"),
            Self::Group => ("group", Value, "--group=mysql"),
            Self::Args => ("args", Value, "--args='--defaults-file=/etc/backup.cnf ...'"),
            Self::Env => ("env", Value, "--env=MYSQL_HOME,BACKUP_*"),
            Self::Children => ("children", Nothing, "--children"),
            Self::Script => ("script", Value, "--script=/usr/local/sbin/backup"),
            Self::Unit => ("unit", Value, "--unit=mariadb.service"),
            Self::Access => ("access", Value, "--access=read,write"),
            Self::Jit => ("jit", Nothing, "--jit"),
            Self::Libraries => ("libraries", MaybeValue, "--libraries=/usr/lib/mysql/plugin/x.so"),
            Self::Root => ("root", Value, "--root=/srv/chroot"),
            Self::Namespaces => ("namespaces", Value, "--namespaces=pid"),
        }
    }
}

/// Whether one letter more, less or other, or two neighbours exchanged, makes one of the other.
fn is_one_step(one: &[u8], two: &[u8]) -> bool {
    let (short, long) = if one.len() <= two.len() { (one, two) } else { (two, one) };
    let same = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let (short, long) = (&short[same..], &long[same..]);
    match long {
        [] => true,
        [_, rest @ ..] if rest == short => true,
        [a, b, rest @ ..] if short.len() == long.len() => {
            short[1..] == long[1..] || (short[..2] == [*b, *a] && short[2..] == *rest)
        }
        [_] => short.len() == 1,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        for (typed, meant) in [
            ("usr", Some(Name::User)),
            ("users", Some(Name::User)),
            ("User", Some(Name::User)),
            ("agrs", Some(Name::Args)),
            ("argument", None),
            ("namespace", Some(Name::Namespaces)),
            ("lib", Some(Name::Libraries)),
            ("exec", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(Name::near(typed), meant, "{typed}");
        }
    }
}
