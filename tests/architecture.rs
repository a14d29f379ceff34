//! Holds the shape of the code, which in one crate the compiler does not: who may import whom, and
//! what may be named where. The layers are those of `docs/architecture.md`.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

/// Each module and what it may import, bottom layer first. `cli` may import all.
const LAYERS: [(&str, &[&str]); 14] = [
    ("sys", &[]),
    ("crypto", &["sys"]),
    ("format", &["crypto"]),
    ("storage", &["sys"]),
    ("keystore", &["crypto", "format", "storage", "sys"]),
    ("access", &["crypto", "format", "storage", "sys"]),
    ("volume", &["crypto", "format", "storage", "sys"]),
    ("secrets", &["crypto", "storage", "sys"]),
    ("migrate", &["volume", "keystore", "storage", "format", "crypto", "sys"]),
    ("fuse", &["volume", "access", "storage", "sys"]),
    (
        "service",
        &["sys", "crypto", "format", "storage", "keystore", "access", "volume", "migrate", "fuse"],
    ),
    ("guard", &["service", "storage", "sys"]),
    (
        "cli",
        &[
            "sys", "crypto", "format", "storage", "keystore", "access", "volume", "migrate",
            "fuse", "service", "guard", "secrets",
        ],
    ),
    ("fuzzing", &["crypto", "format", "keystore", "access", "secrets", "service"]),
];

/// Words of the language or a crate, and the only module that may use them.
const FENCED: [(&str, &str); 10] = [
    ("unsafe", "sys"),
    ("io_uring", "sys"),
    ("clap", "cli"),
    ("rustls", "secrets"),
    ("ssh_key", "format"),
    ("println!", "cli"),
    ("print!", "cli"),
    ("eprintln!", "cli"),
    ("eprint!", "cli"),
    ("dbg!", "nowhere"),
];

const LONGEST_FILE: usize = 500;

/// The source without comments and without what is inside string and character literals.
fn code_of(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let (mut code, mut at) = (String::new(), 0);
    while at < chars.len() {
        let end = skipped(&chars, at);
        if end > at {
            code.push(' ');
            at = end;
        } else {
            code.push(chars[at]);
            at += 1;
        }
    }
    code
}

/// Where the comment or literal that begins at `at` ends; `at` itself when none begins there.
fn skipped(chars: &[char], at: usize) -> usize {
    let next = chars.get(at + 1);
    match (chars[at], next) {
        ('/', Some('/')) => end_of(chars, at, "\n"),
        ('/', Some('*')) => end_of_block_comment(chars, at),
        ('r', Some('"' | '#')) if !is_in_word(chars, at) => end_of_raw_string(chars, at),
        ('"', _) => end_of_quoted(chars, at, '"'),
        ('\'', Some('\\')) => end_of_quoted(chars, at, '\''),
        ('\'', Some(_)) if chars.get(at + 2) == Some(&'\'') => at + 3,
        _ => at,
    }
}

fn is_in_word(chars: &[char], at: usize) -> bool {
    // `br"` is a raw string too; any other letter before makes it part of a name.
    at > 0 && is_word(chars[at - 1]) && chars[at - 1] != 'b'
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn end_of(chars: &[char], at: usize, mark: &str) -> usize {
    let mark: Vec<char> = mark.chars().collect();
    let found = chars[at..].windows(mark.len()).position(|window| window == mark);
    found.map_or(chars.len(), |offset| at + offset + mark.len())
}

fn end_of_block_comment(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at + 1 < chars.len() {
        match (chars[at], chars[at + 1]) {
            ('/', '*') => depth += 1,
            ('*', '/') if depth == 1 => return at + 2,
            ('*', '/') => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
    }
    chars.len()
}

fn end_of_raw_string(chars: &[char], at: usize) -> usize {
    let hashes = chars[at + 1..].iter().take_while(|&&letter| letter == '#').count();
    if chars.get(at + 1 + hashes) != Some(&'"') {
        return at;
    }
    end_of(chars, at + 2 + hashes, &format!("\"{}", "#".repeat(hashes)))
}

fn end_of_quoted(chars: &[char], at: usize, quote: char) -> usize {
    let mut inside = at + 1;
    while inside < chars.len() && chars[inside] != quote {
        inside += if chars[inside] == '\\' { 2 } else { 1 };
    }
    inside + 1
}

/// The top modules that `code` reaches from the root, given how deep its own module is.
fn imports(code: &str, depth: usize) -> Vec<String> {
    let tokens = tokens(code);
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        if at > 0 && tokens[at - 1] == "::" {
            continue;
        }
        let supers = tokens[at..].chunks(2).take_while(|pair| *pair == ["super", "::"]).count();
        let after = match tokens[at].as_str() {
            "crate" if tokens.get(at + 1).is_some_and(|token| token == "::") => at + 2,
            "super" if supers >= depth => at + 2 * supers,
            _ => continue,
        };
        found.extend(heads(&tokens[after.min(tokens.len())..]));
    }
    found
}

fn tokens(code: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut in_word = false;
    for letter in code.chars() {
        let joins = in_word && (is_word(letter) || letter == '!');
        let pairs = letter == ':' && tokens.last().is_some_and(|last| last == ":");
        match tokens.last_mut() {
            Some(last) if joins || pairs => last.push(letter),
            _ if !letter.is_whitespace() => tokens.push(letter.into()),
            _ => {}
        }
        in_word = is_word(letter);
    }
    tokens
}

/// The first name of a path, or of each path in a `{a::b, c}` group.
fn heads(tokens: &[String]) -> Vec<String> {
    if tokens.first().is_none_or(|token| token != "{") {
        return tokens.first().cloned().into_iter().collect();
    }
    let (mut depth, mut names) = (0, Vec::new());
    for pair in tokens.windows(2) {
        match pair[0].as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if depth == 1 && (pair[0] == "{" || pair[0] == ",") {
            names.push(pair[1].clone());
        }
    }
    names
}

/// What one file does that its place does not allow.
fn faults(path: &Path, source: &str) -> Vec<String> {
    let mut parts: Vec<String> =
        path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    let module = parts[0].as_str();
    let code = code_of(source);
    let mut faults = Vec::new();
    if let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == module) {
        for name in imports(&code, parts.len()) {
            let is_layer = LAYERS.iter().any(|(layer, _)| *layer == name);
            if is_layer && name != module && !allowed.contains(&name.as_str()) {
                faults.push(format!("{module} imports {name}"));
            }
        }
    }
    let tokens = tokens(&code);
    for (word, home) in FENCED {
        if module != home && tokens.iter().any(|token| token == word) {
            faults.push(format!("{word} outside {home}"));
        }
    }
    let lines = source.lines().count();
    if lines > LONGEST_FILE {
        faults.push(format!("{lines} lines"));
    }
    faults
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

#[test]
fn every_module_keeps_to_its_layer() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let sources = sources(&root);
    assert!(sources.len() > LAYERS.len(), "the sources were not found");
    let faults: Vec<String> = sources
        .iter()
        .flat_map(|path| {
            let relative = path.strip_prefix(&root).unwrap().to_owned();
            let found = faults(&relative, &fs::read_to_string(path).unwrap());
            found.into_iter().map(move |fault| format!("src/{}: {fault}", relative.display()))
        })
        .collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_module_of_the_library_has_a_layer() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let known = LAYERS.iter().any(|(layer, _)| *layer == name);
        assert!(known || !path.is_dir(), "src/{name} has no layer here");
    }
}

#[test]
fn what_breaks_the_layers_is_found() {
    for (path, source, fault) in [
        ("sys/mod.rs", "use crate::crypto::Key;", "sys imports crypto"),
        ("sys/mod.rs", "use super::volume;", "sys imports volume"),
        ("access/rule.rs", "use super::super::keystore::Key;", "access imports keystore"),
        ("access/rule.rs", "use crate::{sys::x, volume::{self, y}};", "access imports volume"),
        ("format/a.rs", "fn f() { crate::storage::open() }", "format imports storage"),
        ("volume/a/b.rs", "use super::super::super::{fuse};", "volume imports fuse"),
        ("crypto/mod.rs", "let x = unsafe { y };", "unsafe outside sys"),
        ("fuse/a.rs", "use io_uring::IoUring;", "io_uring outside sys"),
        ("service/a.rs", "println!(\"x\")", "println! outside cli"),
        ("main.rs", "use clap::Parser;", "clap outside cli"),
    ] {
        assert_eq!(faults(Path::new(path), source), [fault], "{source}");
    }
    let long = "\n".repeat(LONGEST_FILE + 1);
    assert_eq!(faults(Path::new("cli/long.rs"), &long), ["501 lines"]);
}

#[test]
fn what_keeps_to_the_layers_is_let_through() {
    for (path, source) in [
        ("access/rule.rs", "use crate::sys::x; use crate::access::fingerprint;"),
        ("access/rule.rs", "use super::{Error, volume};"),
        (
            "crypto/mod.rs",
            "// unsafe\n/* unsafe /* clap */ io_uring */ let x = \"unsafe \\\" clap\";",
        ),
        ("crypto/mod.rs", "let x = r#\"println!(\"\"#; let y = '\"'; fn f<'a>(x: &'a str) {}"),
        ("sys/mount.rs", "// SAFETY: fine\nunsafe { call() }"),
        ("cli/mod.rs", "println!(\"{}\", crate::service::x);"),
        ("crypto/mod.rs", "fn unsafe_looking_name() { clapped() }"),
    ] {
        assert_eq!(faults(Path::new(path), source), Vec::<String>::new(), "{source}");
    }
}
