//! From the words behind PROCESS to [`Parameters`].

use super::name::{Name, Takes};
use super::{Accesses, Arguments, Parameters};
use crate::access::parse::normal_path;
use crate::access::parse_error::{Expected, ParseError};
use crate::access::part::Part;
use crate::access::words::{Unit, Word, is_dash};
use std::path::PathBuf;

/// What a systemd unit's name can end in.
const UNIT_TYPES: [&str; 11] = [
    "service",
    "socket",
    "device",
    "mount",
    "automount",
    "swap",
    "target",
    "path",
    "timer",
    "slice",
    "scope",
];

/// Reads the words behind PROCESS.
///
/// # Errors
/// [`ParseError`] at the parameter, or at the part of its value that is wrong.
pub(in crate::access) fn parse(
    words: impl Iterator<Item = Word>,
) -> Result<Parameters, ParseError> {
    let mut parameters = Parameters::default();
    let mut seen = Vec::new();
    let mut environment = None;
    for word in words {
        let (name, value) = named(&word)?;
        if seen.contains(&name) {
            return Err(word.unlike(Expected::OnlyOnce(name.text())));
        }
        seen.push(name);
        match value {
            Some(value) => set(&mut parameters, name, &value)?,
            None => switch(&mut parameters, name),
        }
        if name == Name::Env {
            environment = Some(word);
        }
    }
    match environment {
        Some(word) if !parameters.binds_start() => Err(word.unlike(Expected::BoundStart)),
        _ => Ok(parameters),
    }
}

/// The parameter that a word is, and its value.
fn named(word: &Word) -> Result<(Name, Option<Part<'_>>), ParseError> {
    let dash = |unit: &&Unit| matches!(unit, Unit::Plain(c) if is_dash(*c));
    let dashes = word.units.iter().take_while(dash).count();
    if dashes == 0 {
        return Err(word.unlike(Expected::End));
    }
    let equals = word.units.iter().position(|unit| *unit == Unit::Plain('='));
    let typed = &word.units[dashes..equals.unwrap_or(word.units.len()).max(dashes)];
    let typed = String::from_utf8_lossy(&crate::access::words::bytes(typed)).into_owned();
    let unknown = || {
        let meant = Name::near(&typed).map(Name::text);
        let part = Part::from(word, 0);
        let end = equals.unwrap_or(word.units.len());
        part.unlike_within(0..end, Expected::KnownParameter(meant))
    };
    let name = Name::of(&typed).filter(|_| dashes <= 2).ok_or_else(unknown)?;
    let value = equals.map(|at| Part::from(word, at + 1));
    match (name.takes(), &value) {
        (Takes::Nothing, Some(_)) => Err(word.unlike(Expected::NoValue(name.text()))),
        (Takes::Value, None) => Err(word.unlike(Expected::Value(name.example()))),
        // No arguments at all are a value too.
        (_, Some(value)) if value.units().is_empty() && name != Name::Args => {
            Err(word.unlike(Expected::Value(name.example())))
        }
        _ => Ok((name, value)),
    }
}

fn switch(parameters: &mut Parameters, name: Name) {
    match name {
        Name::Children => parameters.children = true,
        Name::Jit => parameters.jit = true,
        Name::Libraries => parameters.libraries = Some(Vec::new()),
        _ => {}
    }
}

fn set(parameters: &mut Parameters, name: Name, value: &Part<'_>) -> Result<(), ParseError> {
    match name {
        Name::User => parameters.users = list(value, account)?,
        Name::Group => parameters.groups = list(value, account)?,
        Name::Args => parameters.arguments = Some(Arguments::parse(value)?),
        Name::Env => parameters.environment = list(value, variable)?,
        Name::Script => parameters.script = Some(path(value)?),
        Name::Unit => parameters.unit = Some(unit(value)?),
        Name::Access => parameters.accesses = accesses(value)?,
        Name::Libraries => parameters.libraries = Some(list(value, path)?),
        Name::Root => parameters.root = Some(path(value)?),
        Name::Namespaces => {
            for namespace in list(value, one_of(&["pid", "user"], &Expected::Namespace))? {
                match namespace {
                    "pid" => parameters.pid_namespace = true,
                    _ => parameters.user_namespace = true,
                }
            }
        }
        Name::Children | Name::Jit => {}
    }
    Ok(())
}

/// The values between commas, each once.
fn list<T: PartialEq>(
    value: &Part<'_>,
    read: impl Fn(&Part<'_>) -> Result<T, ParseError>,
) -> Result<Vec<T>, ParseError> {
    let mut values = Vec::new();
    for item in value.items() {
        if item.units().is_empty() {
            return Err(item.unlike(Expected::Item));
        }
        let value = read(&item)?;
        if !values.contains(&value) {
            values.push(value);
        }
    }
    Ok(values)
}

fn account(item: &Part<'_>) -> Result<String, ParseError> {
    let usable = |name: &String| !name.contains([':', '/']) && !name.starts_with('-');
    item.text().filter(usable).ok_or_else(|| item.unlike(Expected::Account))
}

fn variable(item: &Part<'_>) -> Result<String, ParseError> {
    let usable = |name: &String| {
        let fixed = name.strip_suffix('*').unwrap_or(name);
        !fixed.is_empty() && fixed.chars().all(|c| c.is_ascii_graphic() && !"=*,".contains(c))
    };
    item.text().filter(usable).ok_or_else(|| item.unlike(Expected::Variable))
}

fn path(item: &Part<'_>) -> Result<PathBuf, ParseError> {
    normal_path(&item.bytes()).map_err(|expected| {
        item.unlike(if expected == Expected::Path { Expected::AbsolutePath } else { expected })
    })
}

fn unit(value: &Part<'_>) -> Result<String, ParseError> {
    let usable = |name: &String| {
        let sign = |c: char| c.is_ascii_alphanumeric() || r":-_.\@*?".contains(c);
        name.len() < 256 && !name.starts_with('.') && name.chars().all(sign)
    };
    let name = value.text().filter(usable).ok_or_else(|| value.unlike(Expected::Unit))?;
    let is_typed = name.rsplit_once('.').is_some_and(|(_, end)| UNIT_TYPES.contains(&end));
    Ok(if is_typed { name } else { name + ".service" })
}

fn accesses(value: &Part<'_>) -> Result<Accesses, ParseError> {
    let kinds = list(value, one_of(&["read", "write", "exec"], &Expected::AccessKind))?;
    let has = |kind| kinds.contains(&kind);
    Ok(Accesses { read: has("read"), write: has("write"), execute: has("exec") })
}

/// Reads one of some words.
fn one_of<'a>(
    words: &'a [&'static str],
    expected: &'a Expected,
) -> impl Fn(&Part<'_>) -> Result<&'static str, ParseError> + 'a {
    |item| {
        let known = words.iter().find(|word| item.bytes() == word.as_bytes());
        known.copied().ok_or_else(|| item.unlike(expected.clone()))
    }
}
