//! From what was denied to the rule that would allow it, as narrow as what was seen.
//!
//! Pure: whoever asks knows the names of users, where locations begin, and by which name a program
//! was called. Nothing here is put in force; a person reads it first.

use super::decision::{Access, Reason};
use super::parameters::{Accesses, Parameters};
use super::pattern::PathPattern;
use super::redact;
use super::rule::{Effect, Rule, write_name};
use super::run::{Flaw, ScriptFlaw, Who};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fmt::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What mends a denial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// One more rule.
    Rule,
    /// A new fingerprint of this rule (from 0), where the file was changed by an upgrade.
    Renew(usize),
    /// Deleting this rule (from 0).
    Delete(usize),
    /// Nothing about the rules: the process itself must be another.
    Process,
}

/// Whether a unit is worth naming: the others are made anew for each login.
fn is_service(unit: &str) -> bool {
    unit.ends_with(".service") && !unit.starts_with("user@")
}

/// Whether a variable can make a program run other code or read other options. Nobody should paste a
/// rule that allows it: the run is denied until it is not set any more.
fn loads_code(name: &str) -> bool {
    let names = ["ENV", "PATH", "IFS", "PS4", "SHELLOPTS", "LOCPATH", "NLSPATH", "TZDIR"];
    let beginnings = [
        "LD_", "BASH", "PYTHON", "PERL", "RUBY", "NODE_", "MYSQL", "MARIADB", "LIBMYSQL", "GCONV",
        "GLIBC", "MALLOC_", "OPENSSL", "TERMINFO",
    ];
    names.contains(&name) || beginnings.iter().any(|beginning| name.starts_with(beginning))
}

/// What mends a denial for this reason.
pub fn remedy(reason: &Reason) -> Remedy {
    match reason {
        Reason::NoRule | Reason::WrongProgram | Reason::OtherAccess { .. } => Remedy::Rule,
        Reason::Replaced { rule } | Reason::Tainted { rule } => Remedy::Renew(*rule),
        Reason::DeniedByRule(rule) => Remedy::Delete(*rule),
        Reason::Run { rule, flaw } => remedy_of_run(*rule, flaw),
        Reason::Deleted { .. }
        | Reason::Unverifiable { .. }
        | Reason::ForeignNamespace
        | Reason::UnknownCaller
        | Reason::TooSlow => Remedy::Process,
    }
}

/// Of what a rule (from 0) finds fault with in a run.
fn remedy_of_run(rule: usize, flaw: &Flaw) -> Remedy {
    match flaw {
        Flaw::User(_)
        | Flaw::Group(_)
        | Flaw::Unit(_)
        | Flaw::Name(_)
        | Flaw::Arguments
        | Flaw::Variable(_)
        | Flaw::VariableValue(_) => Remedy::Rule,
        Flaw::ChangedLibrary(_) | Flaw::Script(ScriptFlaw::Tainted(_)) => Remedy::Renew(rule),
        _ => Remedy::Process,
    }
}

/// One request, as a rule would have to allow it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Observation {
    /// The category's name, without the `@`.
    pub category: String,
    /// The original path.
    pub path: PathBuf,
    /// What was to be done.
    pub uses: Uses,
    /// PROCESS, by the name that the program was called by.
    pub process: PathBuf,
    /// The arguments behind that name; none where a rule cannot bind them, since the program was
    /// called by a name that is not PROCESS's.
    pub arguments: Option<Vec<OsString>>,
    /// Name or number of the user, where the rule is to name one.
    pub user: Option<String>,
    /// The systemd unit.
    pub unit: Option<String>,
    /// Names of the variables that must be allowed where the arguments are bound.
    pub variables: Vec<String>,
}

/// What was to be done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Uses {
    /// Reading.
    pub read: bool,
    /// Writing, and changing the tree.
    pub write: bool,
    /// Executing.
    pub execute: bool,
}

impl Uses {
    /// The two together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            read: self.read || other.read,
            write: self.write || other.write,
            execute: self.execute || other.execute,
        }
    }

    fn within(self, allowed: Accesses) -> bool {
        (allowed.read || !self.read)
            && (allowed.write || !self.write)
            && (allowed.execute || !self.execute)
    }

    fn text(self) -> String {
        let named = [(self.read, "read"), (self.write, "write"), (self.execute, "exec")];
        let seen: Vec<_> =
            named.into_iter().filter_map(|(seen, name)| seen.then_some(name)).collect();
        seen.join(",")
    }
}

impl From<Access> for Uses {
    fn from(access: Access) -> Self {
        let (read, write) = match access {
            Access::Read => (true, false),
            Access::Write | Access::Create | Access::Change => (false, true),
            Access::ReadWrite => (true, true),
            Access::Execute => (false, false),
        };
        Self { read, write, execute: access == Access::Execute }
    }
}

impl Observation {
    /// What `who` was to do with `path`. The program is named `process`, when that is given: a
    /// path that leads to it, by the name that it was called by.
    pub fn new(
        who: &Who,
        process: Option<&Path>,
        user: Option<String>,
        (category, path, uses): (&str, &Path, Uses),
    ) -> Self {
        let process = process.unwrap_or(&who.exe);
        let name = |path: &OsStr| Path::new(path).file_name().map(OsStr::to_owned);
        let mut arguments = who.arguments.iter();
        let called = arguments.next().and_then(|called| name(called));
        let bound = called.is_some() && called == name(process.as_os_str());
        let arguments = bound.then(|| arguments.cloned().collect());
        Self {
            category: category.to_owned(),
            path: path.to_owned(),
            uses,
            process: process.to_owned(),
            arguments,
            user: Some(user.unwrap_or_else(|| who.user.to_string())),
            unit: who.unit.clone().filter(|unit| is_service(unit)),
            variables: who.variables.iter().filter(|name| !loads_code(name)).cloned().collect(),
        }
    }

    /// Whether this rule, in force, allows it, as far as its text tells. Of a rule with a parameter
    /// that an observation says nothing about it is not known, so it does not.
    pub fn is_allowed_by(&self, rule: &Rule) -> bool {
        let Parameters {
            users,
            groups,
            arguments,
            script,
            unit,
            accesses,
            libraries,
            root,
            environment,
            ..
        } = &rule.parameters;
        let allowed = |name: &String| {
            environment.iter().any(|known| match known.strip_suffix('*') {
                Some(beginning) => name.starts_with(beginning),
                None => name == known,
            })
        };
        let seen = self.arguments.as_deref();
        let behind = match script {
            None => seen,
            Some(script) => seen.and_then(|seen| {
                let at = seen.iter().take(2).position(|argument| Path::new(argument) == script)?;
                seen.get(at + 1..)
            }),
        };
        rule.effect == Effect::Allow
            && rule.covers(&self.category, &self.path)
            && rule.process == self.process
            && self.uses.within(*accesses)
            && (users.is_empty() || self.user.as_ref().is_some_and(|user| users.contains(user)))
            && script.as_ref().is_none_or(|_| behind.is_some())
            && arguments
                .as_ref()
                .is_none_or(|pattern| behind.is_some_and(|seen| pattern.matches(seen)))
            && (!rule.parameters.binds_start() || self.variables.iter().all(allowed))
            && unit.as_ref().is_none_or(|unit| Some(unit) == self.unit.as_ref())
            && (groups.is_empty() && libraries.is_none() && root.is_none())
    }
}

/// Where programs are that people call by name.
pub const SYSTEM: [&str; 6] =
    ["/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin", "/usr/local/sbin"];

/// A path that leads to `exe` and ends in the name that it was called by; none when the file itself
/// has that name, or nothing like that is found. Only the directory of `exe` and those of the system
/// are looked at, for the name is chosen by whoever started the program.
pub fn called_as(
    exe: &Path,
    called: Option<&OsString>,
    leads_to: &dyn Fn(&Path) -> Option<PathBuf>,
) -> Option<PathBuf> {
    let name = Path::new(called?).file_name().filter(|name| Some(*name) != exe.file_name())?;
    let beside = exe.with_file_name(name);
    let system = SYSTEM.iter().map(|directory| Path::new(directory).join(name));
    std::iter::once(beside).chain(system).find(|path| leads_to(path).as_deref() == Some(exe))
}

/// These requests, put together so that each is what one rule would allow. `top` tells where the
/// location begins that a path of a category is in; what is in none needs no rule. Arguments, users and units that differ make
/// separate rules; paths below one location, and kinds of use, go together.
pub fn merged(
    observations: &[Observation],
    top: &dyn Fn(&str, &Path) -> Option<PathBuf>,
) -> Vec<Observation> {
    let mut groups: BTreeMap<Observation, (BTreeSet<&Path>, Uses)> = BTreeMap::new();
    for seen in observations {
        let Some(location) = top(&seen.category, &seen.path) else { continue };
        let key = Observation { path: location, uses: Uses::default(), ..seen.clone() };
        let (paths, uses) = groups.entry(key).or_default();
        paths.insert(&seen.path);
        *uses = uses.and(seen.uses);
    }
    let merge = |(key, (paths, uses))| Some(Observation { path: common(&paths)?, uses, ..key });
    groups.into_iter().filter_map(merge).collect()
}

/// The text of the rule that allows exactly this; none where there can be no such rule.
pub fn text(seen: &Observation) -> Option<String> {
    let rule = Rule {
        effect: Effect::Allow,
        category: seen.category.clone(),
        path: PathPattern::exactly(&seen.path).ok()?,
        process: seen.process.clone(),
        parameters: Parameters::default(),
    };
    let mut text = rule.to_string();
    // Writing to a String cannot fail.
    if let Some(user) = &seen.user {
        let _ = write!(text, " --user={}", Word(user));
    }
    if let Some(arguments) = &seen.arguments {
        let _ = write!(text, " --args='{}'", pattern(&seen.process, arguments));
        if !seen.variables.is_empty() {
            let _ = write!(text, " --env={}", seen.variables.join(","));
        }
    }
    if let Some(unit) = &seen.unit {
        let _ = write!(text, " --unit={}", Word(unit));
    }
    let _ = write!(text, " --access={}", seen.uses.text());
    // In the spelling of rules; too long a one is none.
    text.parse::<Rule>().ok().map(|rule| rule.to_string())
}

/// The command line that would allow a denied request, where one can. `process` is what
/// [`called_as`] found.
pub fn mend(
    reason: &Reason,
    (who, process): (&Who, Option<&Path>),
    (category, path, access): (&str, &Path, Access),
) -> Option<String> {
    mend_for(reason, &Observation::new(who, process, None, (category, path, access.into())))
}

/// The same for what was observed.
pub fn mend_for(reason: &Reason, seen: &Observation) -> Option<String> {
    match remedy(reason) {
        Remedy::Rule => Some(format!("{COMMAND} -a {}", shell_quoted(&text(seen)?))),
        Remedy::Renew(rule) => Some(format!("{COMMAND} -u {}", rule + 1)),
        Remedy::Delete(rule) => Some(format!("{COMMAND} -d {}", rule + 1)),
        Remedy::Process => None,
    }
}

/// The command that changes rules.
pub const COMMAND: &str = "ezncrypt-access-control";

/// A word of a shell, in quotes where it needs them.
pub fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:@%+".contains(c);
    if text.chars().all(plain) && !text.is_empty() { text.to_owned() } else { shell_quoted(text) }
}

/// One word of a shell: in double quotes where nothing in it has a meaning there, else in single
/// ones.
pub fn shell_quoted(text: &str) -> String {
    if text.contains(['"', '\\', '$', '`', '!']) {
        format!("'{}'", text.replace('\'', r"'\''"))
    } else {
        format!("\"{text}\"")
    }
}

/// The deepest path that all paths are, or are below.
fn common(paths: &BTreeSet<&Path>) -> Option<PathBuf> {
    let mut paths = paths.iter();
    let first: &Path = paths.next()?;
    let above = paths.fold(first, |above, path| {
        above.ancestors().find(|above| path.starts_with(above)).unwrap_or(Path::new("/"))
    });
    Some(above.to_owned())
}

/// From how many bytes on a command line may have lost its end in a log.
const LONG: usize = 1024;

/// The pattern that these arguments match, and no others; but for what was taken out of them.
fn pattern(program: &Path, arguments: &[OsString]) -> String {
    let stars = redact::stars(program.as_os_str(), arguments);
    let mut words: Vec<_> =
        arguments.iter().zip(stars).map(|(argument, star)| exactly(argument, star)).collect();
    // Of a long command line the end was left out. Of a short one it is an argument.
    let length: usize = arguments.iter().map(|argument| argument.len() + 1).sum();
    if length > LONG && arguments.last().is_some_and(|last| last == "...") {
        words.pop();
        words.push("...".to_owned());
    }
    words.join(" ")
}

/// One word of a pattern. The byte at `star` stays a wildcard, and so do characters that a log could
/// not keep.
fn exactly(argument: &OsStr, star: Option<usize>) -> String {
    match argument.as_bytes() {
        b"" => return r#""""#.to_owned(),
        // As a word of its own it stands for any more.
        b"..." => return r"\.\.\.".to_owned(),
        _ => {}
    }
    let (mut word, mut at) = (String::new(), 0);
    for chunk in argument.as_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            if star == Some(at) || c == char::REPLACEMENT_CHARACTER {
                if !word.ends_with('*') || word.ends_with(r"\*") {
                    word.push('*');
                }
            } else {
                push_exactly(&mut word, c);
            }
            at += c.len_utf8();
        }
        for byte in chunk.invalid() {
            let _ = write!(word, "\\x{byte:02x}");
        }
        at += chunk.invalid().len();
    }
    word
}

fn push_exactly(word: &mut String, c: char) {
    if c.is_alphanumeric() || "-_./=:+@%".contains(c) {
        word.push(c);
    } else if c.is_control() || is_unseen(c) {
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            let _ = write!(word, "\\x{byte:02x}");
        }
    } else {
        word.push('\\');
        word.push(c);
    }
}

/// Whether a character has no width, or turns the text around.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

struct Word<'a>(&'a str);

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_name(f, Path::new(self.0), |c| c == ',')
    }
}

#[cfg(test)]
#[path = "suggest_tests.rs"]
mod tests;
