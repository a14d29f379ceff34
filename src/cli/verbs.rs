//! Verbs in any place: `ezncrypt --state-dir X @c P -e`, `ezncrypt --encrypt @c P` and
//! `ezncrypt encrypt @c P` are one command.
//!
//! The verb is found and put right after the program's name as the subcommand it names, and the verb
//! of a subcommand that has its own (`guard install`) right after that. What the
//! verbs are, and which options take a value, is read from the argument definitions.

use crate::service::protocol::{Failure, FailureKind};
use clap::{Arg, Command};
use std::ffi::{OsStr, OsString};

/// Puts the verb first. Without a verb the arguments stay as they are, for clap to complain about.
///
/// # Errors
/// [`FailureKind::Usage`] when two different verbs are given.
pub fn to_front(args: Vec<OsString>, definition: &Command) -> Result<Vec<OsString>, Failure> {
    let mut args = args.into_iter();
    let program: Vec<OsString> = args.next().into_iter().collect();
    let (mut verb, mut inner, mut rest, mut operands) = (None, None, Vec::new(), 0);
    while let Some(arg) = args.next() {
        if arg == "--" {
            rest.push(arg);
            break;
        }
        if let Some(found) = verb_of_flag(&arg, definition) {
            check_same(verb.replace(found), found)?;
        } else if arg.as_encoded_bytes().starts_with(b"-") {
            let value = if takes_value(&arg, definition) { args.next() } else { None };
            rest.push(arg);
            rest.extend(value);
        } else {
            operands += 1;
            let of_verb = verb.and_then(|verb| inner_verb(&arg, verb, definition));
            match subcommand(&arg, definition) {
                Some(found) if operands == 1 && verb.is_none() => verb = Some(found),
                _ if of_verb.is_some() && inner.is_none() => inner = of_verb,
                _ => rest.push(arg),
            }
        }
    }
    let verbs = [verb, inner].into_iter().flatten().map(OsString::from);
    Ok(program.into_iter().chain(verbs).chain(rest).chain(args).collect())
}

fn check_same(before: Option<&str>, now: &str) -> Result<(), Failure> {
    match before {
        Some(before) if before != now => {
            let message = format!("cannot do both '{before}' and '{now}' in one command");
            Err(Failure::new(FailureKind::Usage, message).hint("run one after the other"))
        }
        _ => Ok(()),
    }
}

fn verb_of_flag<'a>(arg: &OsStr, definition: &'a Command) -> Option<&'a str> {
    let flag = arg.to_str()?.strip_prefix('-')?;
    let names = |command: &Command| match flag.strip_prefix('-') {
        Some(long) => command.get_long_flag() == Some(long),
        None => command.get_short_flag().is_some_and(|short| flag.chars().eq([short])),
    };
    definition.get_subcommands().find(|command| names(command)).map(Command::get_name)
}

fn subcommand<'a>(arg: &OsStr, definition: &'a Command) -> Option<&'a str> {
    let is_help = arg == "help";
    let found = definition.get_subcommands().map(Command::get_name).find(|name| arg == *name);
    found.or(is_help.then_some("help"))
}

/// The verb of a subcommand that has verbs of its own.
fn inner_verb<'a>(arg: &OsStr, verb: &str, definition: &'a Command) -> Option<&'a str> {
    let verbs = definition.find_subcommand(verb)?.get_subcommands();
    verbs.map(Command::get_name).find(|name| arg == *name)
}

fn takes_value(arg: &OsStr, definition: &Command) -> bool {
    let Some(long) = arg.to_str().and_then(|arg| arg.strip_prefix("--")) else { return false };
    has_option_with_value(long, definition)
}

fn has_option_with_value(long: &str, definition: &Command) -> bool {
    let takes =
        |option: &Arg| option.get_long() == Some(long) && option.get_action().takes_values();
    definition.get_arguments().any(takes)
        || definition.get_subcommands().any(|inner| has_option_with_value(long, inner))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn fronted(line: &str) -> Result<String, Failure> {
        let args = line.split(' ').map(OsString::from).collect();
        let moved = to_front(args, &crate::cli::ezncrypt::args::Cli::command())?;
        Ok(moved.join(OsStr::new(" ")).into_string().unwrap())
    }

    #[test]
    fn a_verb_is_found_in_every_form_and_place() {
        for (line, meant) in [
            ("ezncrypt -e @c P", "ezncrypt encrypt @c P"),
            ("ezncrypt --encrypt @c P", "ezncrypt encrypt @c P"),
            ("ezncrypt encrypt @c P", "ezncrypt encrypt @c P"),
            ("ezncrypt @c P -e", "ezncrypt encrypt @c P"),
            ("ezncrypt @c -e P", "ezncrypt encrypt @c P"),
            ("ezncrypt --state-dir X -e @c P", "ezncrypt encrypt --state-dir X @c P"),
            ("ezncrypt --state-dir=X encrypt @c P", "ezncrypt encrypt --state-dir=X @c P"),
            ("ezncrypt --start --foreground", "ezncrypt start --foreground"),
            ("ezncrypt --foreground --start", "ezncrypt start --foreground"),
            ("ezncrypt --scrypt-log-n 14 --init", "ezncrypt init --scrypt-log-n 14"),
            ("ezncrypt help encrypt", "ezncrypt help encrypt"),
            ("ezncrypt help guard install", "ezncrypt help guard install"),
            ("ezncrypt guard install --name x P", "ezncrypt guard install --name x P"),
            ("ezncrypt --state-dir X guard show", "ezncrypt guard show --state-dir X"),
            ("ezncrypt guard --state-dir X show P", "ezncrypt guard show --state-dir X P"),
            ("ezncrypt --name x guard install P", "ezncrypt guard install --name x P"),
            ("ezncrypt --guard remove P", "ezncrypt guard remove P"),
            ("ezncrypt guard permit P --for 5m", "ezncrypt guard permit P --for 5m"),
            ("ezncrypt -e --encrypt P", "ezncrypt encrypt P"),
        ] {
            assert_eq!(fronted(line).unwrap(), meant, "{line}");
        }
    }

    #[test]
    fn values_and_operands_are_never_taken_for_verbs() {
        for (line, meant) in [
            ("ezncrypt --state-dir -e list", "ezncrypt list --state-dir -e"),
            ("ezncrypt --state-dir list -d P", "ezncrypt decrypt --state-dir list P"),
            ("ezncrypt -d list", "ezncrypt decrypt list"),
            ("ezncrypt -d -- -e", "ezncrypt decrypt -- -e"),
            ("ezncrypt P list", "ezncrypt P list"),
            ("ezncrypt guard remove install", "ezncrypt guard remove install"),
            ("ezncrypt guard install list", "ezncrypt guard install list"),
            ("ezncrypt guard install --name show P", "ezncrypt guard install --name show P"),
            ("ezncrypt --encrypt=x", "ezncrypt --encrypt=x"),
        ] {
            assert_eq!(fronted(line).unwrap(), meant, "{line}");
        }
    }

    #[test]
    fn two_different_verbs_are_refused() {
        for line in ["ezncrypt -e -d P", "ezncrypt encrypt P -d", "ezncrypt --list --status"] {
            assert_eq!(fronted(line).unwrap_err().kind, FailureKind::Usage, "{line}");
        }
    }
}
