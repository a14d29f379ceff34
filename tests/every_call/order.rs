//! What is on the disk when something is about to be removed, judged by the order of the calls alone, whatever
//! filesystem is below: of each file and directory what was changed has been synced.

use crate::bench::{Bench, Work, is_change};
use crate::support::strace::{CHANGES, Call, calls};
use std::collections::BTreeSet;

/// What was changed and not synced since.
#[derive(Default)]
struct Unsynced(BTreeSet<String>);

impl Unsynced {
    /// Notes what a call changed or synced.
    fn take(&mut self, call: &Call) {
        let paths = paths(&call.line);
        let Some(first) = paths.first() else { return };
        match &*call.name {
            "fsync" | "fdatasync" => {
                self.0.remove(first);
            }
            "syncfs" => self.0.clear(),
            // A name that comes back does no harm.
            "unlinkat" => self.0.retain(|path| path != first),
            "renameat2" => {
                let exchanged = call.line.contains("RENAME_EXCHANGE");
                let [from, to] = [first, &paths[1]];
                let moved = |path: &String| {
                    let there =
                        |from: &str, to: &str| Some(to.to_owned() + path.strip_prefix(from)?);
                    there(from, to).or_else(|| exchanged.then(|| there(to, from))?)
                };
                self.0 = self.0.iter().map(|path| moved(path).unwrap_or(path.clone())).collect();
                self.0.extend([parent(from), parent(to)]);
            }
            "mkdirat" | "symlinkat" | "openat2" | "linkat" => {
                let made = paths.last().unwrap();
                self.0.extend([made.clone(), parent(made)]);
            }
            _ => {
                self.0.insert(first.clone());
            }
        }
    }

    fn below(&self, part: &str) -> Vec<&String> {
        let above = part.rsplit_once('/').unwrap().0;
        let is_there = |path: &&String| path.contains(part) || path.ends_with(above);
        self.0.iter().filter(is_there).collect()
    }
}

fn parent(path: &str) -> String {
    path.rsplit_once('/').unwrap().0.to_owned()
}

/// The paths that a call is about: of a descriptor its own, of a name with a directory both together.
fn paths(line: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = line.split_once('(').unwrap().1;
    rest = rest.rsplit_once(") = ").map_or(rest, |(arguments, _)| arguments);
    let name = line.split('(').next().unwrap();
    let is_target = name == "symlinkat";
    let has_names = name.ends_with("at") || name.ends_with("at2");
    let mut is_first = true;
    for part in rest.split(", ") {
        // What follows is data.
        if !has_names && !found.is_empty() {
            break;
        }
        if let Some((_, path)) = part.split_once('<') {
            found.push(path.trim_end_matches('>').to_owned());
        } else if let Some(name) = part.strip_prefix('"').and_then(|part| part.strip_suffix('"')) {
            match found.last_mut() {
                Some(directory) if !name.starts_with('/') => *directory += &format!("/{name}"),
                Some(directory) => name.clone_into(directory),
                None if is_first && is_target => {}
                None => found.push(name.to_owned()),
            }
        }
        is_first = false;
    }
    found
}

/// The calls of the whole work that succeeded.
fn succeeded(work: Work) -> Vec<Call> {
    let bench = Bench::new(work);
    bench.put_back();
    let trace = format!("trace={CHANGES},openat2");
    // Long names, and no data.
    bench.traced(&["-y", "-s", "500", "-e", &trace]).succeeds();
    let all = calls(&bench.seen()).into_iter();
    let made = |call: &Call| call.name != "openat2" || call.line.contains("O_CREAT");
    let has_path = |call: &Call| call.line.contains("</");
    let done = |call: &Call| !call.line.contains(" = -1 ") && is_change(call);
    all.filter(|call| done(call) && made(call) && has_path(call)).collect()
}

/// What is wrong with the order of these calls.
fn faults(work: Work, calls: &[Call]) -> Vec<String> {
    let (mut unsynced, mut faults, mut moments) = (Unsynced::default(), Vec::new(), 0);
    let mut wrote = false;
    for call in calls {
        let at = |part: &str| paths(&call.line).last().is_some_and(|path| path.contains(part));
        let removes = call.name == "unlinkat" && !at("/probe-");
        let keystore = call.name == "renameat2" && call.line.contains("/state/keystore\"");
        let writes = call.name == "pwrite64" && at("/storage/files/");
        let wanted = match work {
            // Of the copy that goes.
            Work::Encrypt if removes && at("/.ezncrypt-") => unsynced.below("/"),
            Work::Decrypt if removes && at("/.staging/") => unsynced.below("/"),
            // A key is made before it is used, and goes after it is used no more.
            Work::Rotate | Work::RotateData if writes && !wrote => {
                unsynced.below("/state/keystore")
            }
            Work::Rotate | Work::RotateData if keystore && wrote => unsynced.below("/storage/"),
            _ => {
                unsynced.take(call);
                continue;
            }
        };
        wrote |= writes;
        moments += 1;
        // The log is no copy of anything; what was removed already is not missed.
        let is_copy = |path: &&&String| !path.contains("/state/log/");
        faults.extend(wanted.iter().filter(is_copy).map(|path| format!("{path}: {}", call.line)));
        unsynced.take(call);
    }
    let seen = calls.iter().map(|call| &*call.line).collect::<Vec<_>>().join("\n");
    assert!(moments > 1, "{work:?}: a blind test of\n{seen}");
    faults
}

#[test]
fn nothing_is_removed_before_what_takes_its_place_is_on_the_disk() {
    for work in [Work::Encrypt, Work::Decrypt, Work::Rotate, Work::RotateData] {
        let calls = succeeded(work);
        assert_eq!(faults(work, &calls), Vec::<String>::new(), "{work:?}");
        // The test sees syncs that are left out. Headers are synced one by one, and then all together.
        let left_out: &[&[&str]] = match work {
            Work::Encrypt | Work::Decrypt => &[&["fsync"], &["syncfs"]],
            Work::Rotate | Work::RotateData => &[&["fsync", "fdatasync", "syncfs"]],
        };
        for syncs in left_out {
            let is_kept = |call: &&Call| !syncs.contains(&&*call.name);
            let fewer: Vec<Call> = calls.iter().filter(is_kept).cloned().collect();
            assert!(!faults(work, &fewer).is_empty(), "{work:?} without {syncs:?}: a blind test");
        }
    }
}
