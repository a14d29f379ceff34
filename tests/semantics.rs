//! Holds `docs/semantics.md` to the tests: each item of it is quoted, word for word, by the documentation of a test,
//! as a block quotation, and nothing is quoted that is not an item.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The items of a Markdown text, each as one line.
fn items(text: &str) -> BTreeSet<String> {
    let mut items: Vec<String> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if let Some(item) = line.strip_prefix("- ") {
            items.push(item.trim().to_owned());
            inside = true;
        } else if let Some(rest) = line.strip_prefix("  ").filter(|_| inside) {
            let item = items.last_mut().unwrap();
            item.push(' ');
            item.push_str(rest.trim());
        } else {
            inside = false;
        }
    }
    items.into_iter().collect()
}

/// What the documentation of tests quotes. Of anything but a test it is no quotation.
fn quotations(source: &str) -> BTreeSet<String> {
    let (mut found, mut pending) = (BTreeSet::new(), Vec::new());
    let mut open = false;
    for line in source.lines().map(str::trim) {
        if let Some(part) = line.strip_prefix("/// > ") {
            if !open {
                pending.push(String::new());
            }
            let quotation: &mut String = pending.last_mut().unwrap();
            if open {
                quotation.push(' ');
            }
            quotation.push_str(part.trim());
            open = true;
            continue;
        }
        open = false;
        if line == "#[test]" {
            found.extend(pending.drain(..));
        } else if !line.starts_with("///") && !line.starts_with("#[") {
            pending.clear();
        }
    }
    found
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn every_promise_is_quoted_by_a_test_and_every_quotation_is_a_promise() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let promised = items(&fs::read_to_string(root.join("docs/semantics.md")).unwrap());
    assert!(promised.len() > 20, "a blind test: {promised:?}");
    let files = ["src", "tests"].map(|directory| sources(&root.join(directory))).concat();
    let quoted: BTreeSet<String> =
        files.iter().flat_map(|file| quotations(&fs::read_to_string(file).unwrap())).collect();
    let unproved: Vec<_> = promised.difference(&quoted).collect();
    assert!(unproved.is_empty(), "promised and quoted by no test: {unproved:#?}");
    let stale: Vec<_> = quoted.difference(&promised).collect();
    assert!(stale.is_empty(), "quoted and promised nowhere: {stale:#?}");
}

#[test]
fn items_and_quotations_may_be_broken_into_lines() {
    let text = "Words.\n\n- One item\n  of two lines.\n- Another.\n\nWords\n  indented.\n";
    let expected = BTreeSet::from(["One item of two lines.", "Another."].map(str::to_owned));
    assert_eq!(items(text), expected);
    let source = "/// > One item\n/// > of two lines.\n///\n/// > Another.\n#[test]\nfn one() {}\n";
    assert_eq!(quotations(source), expected);
}

#[test]
fn what_no_test_says_is_no_quotation() {
    let helper = "/// > Quoted.\nfn helper() {}\n\n#[test]\nfn one() {}\n";
    assert!(quotations(helper).is_empty());
    assert_eq!(quotations("/// > Quoted.\n#[test]\nfn one() {}\n").len(), 1);
}
