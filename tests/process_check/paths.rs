//! Ways around a path: other names, other categories, and changes without a rule.

use super::stage::{Root, SECRET, Stage, User, own, set_mode, steps, tells};
use super::support::machine::program;
use super::support::process::run;
use std::fs;
use std::path::{Path, PathBuf};

const NO_RULE: &[&str] = &["no rule", "other program"];

/// Two encrypted directories, of which the reader may use the first one, and the same in the clear.
struct Two {
    stage: Stage,
}

impl Two {
    fn new() -> Self {
        let stage = Stage::new();
        for name in ["clear/mine", "clear/theirs", "mine", "theirs"] {
            stage.open_directory(name);
            let below = stage.open_directory(&format!("{name}/below"));
            for file in [stage.at(&format!("{name}/file")), below.join("file")] {
                fs::write(&file, contents_of(&stage.at(name))).unwrap();
                set_mode(&file, 0o666);
            }
        }
        stage.instance.encrypt("@mine", &stage.at("mine"));
        stage.instance.encrypt("@theirs", &stage.at("theirs"));
        stage.rule(&format!("ALLOW @mine * {}", stage.reader().display()));
        Self { stage }
    }

    fn at(&self, clear: bool, name: &str) -> PathBuf {
        self.stage.at(if clear { "clear" } else { "." }).join(name)
    }
}

/// What is theirs is secret.
fn contents_of(directory: &Path) -> &'static str {
    if directory.ends_with("theirs") { SECRET } else { "mine" }
}

/// Neither moved, linked nor exchanged: the kernel's "Invalid cross-device link" is as good.
#[test]
fn nothing_is_moved_or_linked_from_one_category_to_another() {
    let two = Two::new();
    let tricks = [
        ["rename", "theirs/file", "mine/new"],
        ["rename", "mine/file", "theirs/new"],
        ["rename", "theirs/file", "mine/file"],
        ["rename", "theirs/below", "mine/new"],
        ["rename", "mine/below", "theirs/new"],
        ["link", "theirs/file", "mine/new"],
        ["link", "mine/file", "theirs/new"],
        ["exchange", "theirs/file", "mine/file"],
        ["exchange", "theirs/below", "mine/below"],
        ["exchange", "theirs/below", "mine/file"],
        ["rename", "theirs/file", "theirs/new"],
        ["exchange", "theirs/file", "theirs/below"],
        ["symlink", "theirs/file", "theirs/new"],
    ];
    for [step, from, to] in tricks {
        let attempt = |clear: bool| {
            let (from, to) = (two.at(clear, from), two.at(clear, to));
            run(&mut Root.starts(two.stage.reader(), [Path::new(step), &from, &to]))
        };
        attempt(true).succeeds();
        // Back, for what comes next.
        if step != "exchange" {
            two.restore();
        } else {
            attempt(true).succeeds();
        }
        let refused = attempt(false).exits(1);
        let refusals = ["Permission denied", "Invalid cross-device link"];
        assert!(refusals.iter().any(|text| refused.stderr.contains(text)), "{refused}");
    }
    let reads = |name: &str| {
        run(&mut Root.starts(two.stage.reader(), steps(&["read"], &two.at(false, name))))
    };
    for name in ["mine/file", "mine/below/file"] {
        assert_eq!(reads(name).succeeds().stdout, "mine");
    }
    reads("theirs/file").denied();
    two.stage.rule(&format!("ALLOW @theirs * {}", two.stage.reader().display()));
    for name in ["theirs/file", "theirs/below/file"] {
        assert_eq!(reads(name).succeeds().stdout, SECRET);
    }
}

impl Two {
    /// Makes the directories in the clear as they were.
    fn restore(&self) {
        let clear = self.stage.at("clear");
        fs::remove_dir_all(&clear).unwrap();
        for name in ["clear/mine", "clear/theirs"] {
            self.stage.open_directory(name);
            self.stage.open_directory(&format!("{name}/below"));
            for file in ["file", "below/file"] {
                let directory = self.stage.at(name);
                fs::write(directory.join(file), contents_of(&directory)).unwrap();
            }
        }
    }
}

/// A symlink and `..` say where to look; what is found there is judged.
#[test]
fn what_a_symlink_or_a_detour_leads_to_is_judged_by_its_own_category() {
    let two = Two::new();
    let (reader, stage) = (two.stage.reader(), &two.stage);
    let theirs = two.at(false, "theirs/file");
    let real = |name: &str| fs::canonicalize(two.at(false, name)).unwrap();
    let link = two.at(false, "mine/link");
    let directory_link = two.at(false, "mine/directory");
    for (to, at) in [(&theirs, &link), (&real("theirs"), &directory_link)] {
        run(&mut Root.starts(&reader, [Path::new("symlink"), to, at])).succeeds();
    }
    let outside = stage.home().join("link");
    std::os::unix::fs::symlink(&theirs, &outside).unwrap();
    // From inside their own category up and into the other one.
    let mine = real("mine");
    let up = mine.strip_prefix(stage.instance.mount()).unwrap().components().count();
    let detour = mine
        .join("../".repeat(up))
        .join(real("theirs/file").strip_prefix(stage.instance.mount()).unwrap());
    let tricks = [link, directory_link.join("file"), outside, detour.clone()];
    for user in User::BOTH {
        for path in &tricks {
            let before = stage.denials().len();
            let told = run(&mut user.starts(&reader, steps(&["read"], path)));
            stage.assert_told_nothing(&told, before, NO_RULE);
        }
    }
    stage.rule(&format!("ALLOW @theirs * {}", reader.display()));
    for path in &tricks {
        assert!(tells(&run(&mut Root.starts(&reader, steps(&["read"], path)))), "a blind test");
    }
}

/// One category, and a rule for one of its directories.
#[test]
fn a_change_of_names_is_judged_on_both_paths() {
    let stage = Stage::new();
    for name in ["mine", "theirs", "theirs/below"] {
        let directory = stage.open_directory(&format!("both/{name}"));
        fs::write(directory.join("file"), contents_of(&stage.at(name))).unwrap();
    }
    stage.instance.encrypt("@both", &stage.at("both"));
    let rule =
        format!("ALLOW @both {} {}", stage.at("both/mine").display(), stage.reader().display());
    stage.rule(&rule);
    let at = |name: &str| stage.at("both").join(name);
    let tricks = [
        ["rename", "theirs/file", "mine/new"],
        ["rename", "mine/file", "theirs/new"],
        ["rename", "theirs/below", "mine/new"],
        ["rename", "theirs", "mine/new"],
        ["link", "theirs/file", "mine/new"],
        ["link", "mine/file", "theirs/new"],
        ["exchange", "theirs/file", "mine/file"],
        ["exchange", "theirs", "mine"],
        ["symlink", "file", "theirs/new"],
    ];
    let attempt = |[step, from, to]: [&str; 3]| {
        let from = if step == "symlink" { from.into() } else { at(from) };
        run(&mut Root.starts(stage.reader(), [Path::new(step), &from, &at(to)]))
    };
    for trick in tricks {
        let before = stage.denials().len();
        stage.assert_told_nothing(&attempt(trick), before, NO_RULE);
    }
    for path in ["theirs/file", "mine/../theirs/file"] {
        let before = stage.denials().len();
        let told = run(&mut Root.starts(stage.reader(), steps(&["read"], &at(path))));
        stage.assert_told_nothing(&told, before, NO_RULE);
    }
    let mine = run(&mut Root.starts(stage.reader(), steps(&["read"], &at("mine/file"))));
    assert_eq!(mine.succeeds().stdout, "mine");
    // Each works where both paths are allowed.
    stage.rule(&format!("ALLOW @both * {}", stage.reader().display()));
    for trick in tricks {
        attempt(trick).succeeds();
        undo(&stage, trick);
    }
}

fn undo(stage: &Stage, [step, from, to]: [&str; 3]) {
    let at = |name: &str| stage.at("both").join(name);
    let words = match step {
        "rename" => vec![PathBuf::from("rename"), at(to), at(from)],
        "exchange" => vec![PathBuf::from("exchange"), at(to), at(from)],
        _ => vec![PathBuf::from("unlink"), at(to)],
    };
    run(&mut Root.starts(stage.reader(), words)).succeeds();
}

/// Two names of one file: which one is used is not told.
#[test]
fn a_file_with_a_second_name_is_not_reached_by_it() {
    let stage = Stage::new();
    for name in ["both/mine", "both/theirs"] {
        stage.open_directory(name);
    }
    fs::write(stage.at("both/theirs/file"), SECRET).unwrap();
    fs::hard_link(stage.at("both/theirs/file"), stage.at("both/mine/file")).unwrap();
    let encrypt = stage.instance.run(["-e", "@both", stage.at("both").to_str().unwrap()]);
    encrypt.succeeds();
    let mine = stage.at("both/mine");
    stage.rule(&format!("ALLOW @both {} {}", mine.display(), stage.reader().display()));
    for user in User::BOTH {
        let before = stage.denials().len();
        let told = run(&mut user.starts(stage.reader(), steps(&["read"], &mine.join("file"))));
        stage.assert_told_nothing(&told, before, NO_RULE);
    }
}

/// By a program without a rule; the modes let everybody do it.
#[test]
fn every_change_without_a_rule_is_denied() {
    let stage = Stage::new();
    let changes = [
        ("write", "file"),
        ("truncate", "file"),
        ("open-truncate", "file"),
        ("chmod", "file"),
        ("chown", "file"),
        ("touch", "file"),
        ("setxattr", "file"),
        ("create", "new"),
        ("mkdir", "new"),
        ("mkfifo", "new"),
        ("symlink", "new"),
        ("link", "new"),
        ("rename", "new"),
        ("exchange", "below"),
        ("rmdir", "below"),
        ("unlink", "file"),
    ];
    for user in User::BOTH {
        let (clear, sealed) = (format!("clear-{}", user.id()), format!("sealed-{}", user.id()));
        let fill = |name: &str, step: &str| {
            let _ = fs::remove_dir_all(stage.at(name));
            for path in [stage.open_directory(name), stage.open_directory(&format!("{name}/below"))]
            {
                own(&path, user);
            }
            let file = stage.at(name).join("file");
            fs::write(&file, format!("{step}{SECRET}")).unwrap();
            own(&file, user);
        };
        let attempt = |name: &str, (step, path): (&str, &str)| {
            let path = stage.at(name).join(path);
            let file = stage.at(name).join("file");
            let words = match step {
                "symlink" | "link" | "rename" | "exchange" => vec![Path::new(step), &file, &path],
                _ => vec![Path::new(step), &path],
            };
            run(&mut user.starts(stage.other(), words))
        };
        fill(&sealed, "");
        stage.instance.encrypt("@data", &stage.at(&sealed));
        for change in changes {
            fill(&clear, "");
            attempt(&clear, change).succeeds();
            for allowed_to_others in [false, true] {
                if allowed_to_others {
                    stage.allow("");
                }
                let before = stage.denials().len();
                stage.assert_told_nothing(&attempt(&sealed, change), before, NO_RULE);
                stage.without_rules();
            }
        }
        stage.allow("");
        let file = stage.at(&sealed).join("file");
        let told = run(&mut user.starts(stage.reader(), steps(&["read"], &file))).succeeds();
        assert_eq!(told.stdout, SECRET);
        let names = run(Root.starts(program("ls"), ["-A"]).arg(stage.at(&sealed))).succeeds();
        assert_eq!(names.stdout.split_whitespace().collect::<Vec<_>>(), ["below", "file"]);
    }
}
