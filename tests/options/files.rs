//! Option files, by `--print-defaults`.

use super::{REAL, run, support, words};
use ezncrypt::guard::command_line::Leading;
use ezncrypt::guard::option_file::{Homes, agrees, options};
use ezncrypt::guard::option_file_trust::TrustedFiles;
use ezncrypt::guard::server::Flavour;
use proptest::test_runner::{RngAlgorithm, TestRng};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// A directory that is root's alone, with files in it.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        support::machine::program("mariadbd");
        Self(tempfile::Builder::new().prefix("guard-options-").tempdir().unwrap())
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Fails unless we read what the server prints.
    #[track_caller]
    fn agree(&self, leading: &[OsString], variables: &[(&str, &Path)]) -> Vec<OsString> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(one, _)| *one == name);
            found.map(|(_, value)| value.as_os_str().to_owned())
        };
        let ours = Leading::of(leading, Flavour::MariaDb);
        assert_eq!(ours.words, leading.len());
        let homes = Homes::from_environment(variable);
        let ours = options(&ours, &REAL, &homes, &TrustedFiles::default());
        let rest = words("--port=1 --verbose");
        let asked = [leading, &words("--print-defaults"), &rest].concat();
        let printed = run(&asked, variables);
        let ours = ours.unwrap_or_else(|error| panic!("{error}, the server: {printed:?}"));
        let theirs = String::from_utf8_lossy(&printed.stdout).into_owned();
        assert!(
            agrees(&ours, &rest, &printed.stdout),
            "{leading:?} {ours:?}, the server: {theirs}"
        );
        ours
    }
}

fn option(name: &str, value: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(value);
    option
}

#[test]
fn files_are_read_in_the_real_servers_order() {
    let place = Place::new();
    let file = |name: &str| {
        let said = name.replace(['/', '.'], "_");
        place.put(
            name,
            format!(
                "[mysqld]\nsocket={said}\n[serverS]\nport={}\n[mariadbdT]\nport=7\n",
                name.len()
            ),
        )
    };
    let extra = option("--defaults-extra-file=", &file("extra.cnf"));
    let only = option("--defaults-file=", &file("only.cnf"));
    for name in ["m/my.cnf", "n/my.cnf", "h/.my.cnf", "h/my.cnf"] {
        file(name);
    }
    let at = |name: &str| place.0.path().join(name);
    let (m, n, h) = (at("m"), at("n"), at("h"));
    let (etc, empty, s, t) = (Path::new("/etc/"), Path::new(""), Path::new("S"), Path::new("T"));
    let suffix = OsString::from("--defaults-group-suffix=S");
    let no_suffix = OsString::from("--defaults-group-suffix=");
    let cases: [(_, Vec<(&str, &Path)>); 14] = [
        (vec![], vec![]),
        (vec![], vec![("HOME", &h)]),
        (vec![extra.clone()], vec![("HOME", &h), ("MYSQL_HOME", &m)]),
        (vec![extra.clone()], vec![("HOME", &h), ("MYSQL_HOME", &m), ("MARIADB_HOME", &n)]),
        (vec![], vec![("MYSQL_HOME", &m), ("MARIADB_HOME", empty)]),
        (vec![extra.clone()], vec![("MYSQL_HOME", etc), ("HOME", &h)]),
        (vec![extra.clone(), only.clone()], vec![("HOME", &h), ("MYSQL_HOME", &m)]),
        (vec![only.clone(), suffix.clone()], vec![("MYSQL_GROUP_SUFFIX", t)]),
        (vec![suffix, only.clone()], vec![("MARIADB_GROUP_SUFFIX", t)]),
        (vec![only.clone()], vec![("MARIADB_GROUP_SUFFIX", t), ("MYSQL_GROUP_SUFFIX", s)]),
        (vec![only.clone()], vec![("MARIADB_GROUP_SUFFIX", empty), ("MYSQL_GROUP_SUFFIX", s)]),
        (vec![only.clone()], vec![("MYSQL_GROUP_SUFFIX", s)]),
        (vec![only, no_suffix], vec![("MYSQL_GROUP_SUFFIX", s)]),
        (words("--no-defaults"), vec![("HOME", &h), ("MYSQL_HOME", &m)]),
    ];
    let mut seen = 0;
    for (leading, variables) in cases {
        seen += place.agree(&leading, &variables).len();
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn includes_are_read_as_the_real_server_reads_them() {
    let place = Place::new();
    let home = place.0.path().join("h");
    for name in [".cnf", ".z.cnf", "B.cnf", "a.cnf", "a.b.cnf", "c.CNF", "d.cnf.bak", "e"] {
        place.put(&format!("d/{name}"), format!("[mysqld]\nsocket={name}\n[x]\n"));
    }
    place.put("h/in-home.cnf", "[mysqld]\nsocket=home\n");
    let root = place.0.path().display();
    let one = place.put("one.cnf", "[server]\nport=1\n");
    let deep = place.0.path().join("deep.cnf");
    place.put("deep.cnf", format!("[mysqld]\nport=2\n!include {}\nport=3\n", deep.display()));
    let main = place.put("main.cnf", format!(
        "!include {one}\n[mysqld]\nport=4\n ! include \t {one} \t\n!include {root}/none\n!unknown {one}\n[x]\n!includedir {root}/d/ \n\
         !include ~/in-home.cnf\nport=5\n[MYSQLD ]\n!include {deep}\n!include\t{root}//./one.cnf\n!include {one} # x\nport=6\n!include",
        one = one.display(), deep = deep.display()
    ));
    let read = place.agree(&[option("--defaults-file=", &main)], &[("HOME", &home)]);
    assert_eq!(read.len(), 1 + 1 + 1 + 5 + 1 + 20 + 1 + 1, "{read:?}");
}

/// Lines of pieces that the reading looks at.
fn random_file(random: &mut impl FnMut(usize) -> usize) -> Vec<u8> {
    const LINES: [&[u8]; 10] = [
        b"[mysqld]",
        b"[client]",
        b" [Server\t] x",
        b"[mysqldS]",
        b"[ mysqld]",
        b"[mysqld,x]",
        b"# port=1",
        b"  ; x=y",
        b"",
        b"!unknown",
    ];
    const PIECES: [&[u8]; 24] = [
        b"=",
        b" = ",
        b"'",
        b"\"",
        b"#",
        b" # ",
        b"\\",
        b"\\s",
        b"\\n",
        b"\\\\",
        b"\\'",
        b"\\\"",
        b"\\q",
        b" ",
        b"\t",
        b"\x0b",
        b"\xa0",
        b"\r",
        b"x",
        b"y z",
        b"\xc3\xa9",
        b"\0",
        b"\x85",
        b";",
    ];
    let mut file = b"[mysqld]\n".to_vec();
    for _ in 0..random(30) {
        if random(4) == 0 {
            file.extend(LINES[random(LINES.len())]);
        } else {
            // A name that no option needs a value of.
            file.extend([b"".as_slice(), b" ", b"\t\xa0"][random(3)]);
            file.extend(b"zz");
            for _ in 0..random(12) {
                file.extend(PIECES[random(PIECES.len())]);
            }
        }
        if random(25) == 0 {
            file.extend(vec![b'x'; 4050 + random(60)]);
        }
        file.push(b'\n');
    }
    if random(2) == 0 {
        file.pop();
    }
    file
}

#[test]
fn generated_files_are_read_as_the_real_server_reads_them() {
    use proptest::prelude::Rng;
    let place = Place::new();
    let mut rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut random = |below: usize| usize::try_from(rng.next_u32()).unwrap() % below;
    let mut compared = 0;
    for at in 0..300 {
        let content = random_file(&mut random);
        let file = place.put(&format!("{at}.cnf"), &content);
        let leading = [option("--defaults-file=", &file), "--defaults-group-suffix=S".into()];
        let ours = Leading::of(&leading, Flavour::MariaDb);
        // What we refuse is no matter of agreement.
        if options(&ours, &REAL, &Homes::default(), &TrustedFiles::default()).is_ok() {
            compared += place.agree(&leading, &[]).len();
        }
    }
    assert!(compared > 1000, "{compared}");
}
