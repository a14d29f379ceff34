use super::*;
use crate::guard::command_line::tests::{server, words};
use crate::guard::server::Flavour;
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Default)]
struct Shelf(BTreeMap<PathBuf, Vec<u8>>);

impl Shelf {
    fn with(mut self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.0.insert(path.into(), content.as_ref().to_vec());
        self
    }
}

impl Files for Shelf {
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.0.get(path).cloned())
    }

    fn list(&self, directory: &Path) -> Result<Vec<PathBuf>, Error> {
        let found: Vec<_> =
            self.0.keys().rev().filter(|path| path.parent() == Some(directory)).cloned().collect();
        let missing = || Error::MissingDirectory { path: directory.to_owned() };
        if found.is_empty() { Err(missing()) } else { Ok(found) }
    }
}

fn read(line: &str, homes: &Homes, shelf: &Shelf) -> Result<Vec<String>, Error> {
    let leading = Leading::of(&words(line), Flavour::MariaDb);
    // Of whole names only, so that short ones here are no abbreviations.
    let options = options(&leading, &server(Flavour::MySql), homes, shelf)?;
    Ok(options.iter().map(|word| word.to_string_lossy().into_owned()).collect())
}

/// The options of one file.
fn of(content: impl AsRef<[u8]>) -> Result<Vec<String>, Error> {
    read("--defaults-file=/x", &Homes::default(), &Shelf::default().with("/x", content))
}

fn in_group(content: &str) -> Vec<String> {
    of(format!("[mysqld]\n{content}")).unwrap()
}

fn fault(content: &str) -> (usize, Fault) {
    match of(content) {
        Err(Error::Line { line, fault, .. }) => (line, fault),
        other => panic!("{content:?}: {other:?}"),
    }
}

#[test]
fn groups_are_read_in_any_case_and_others_passed_over() {
    let content = "\u{b} [MySQLd \t] junk\na\n[other]\nb\n=\n[ server]\nc\n[server]\nd\n[]\ne\n";
    assert_eq!(of(content).unwrap(), ["--a", "--d"]);
    assert_eq!(of("").unwrap(), [""; 0]);
}

#[test]
fn suffixed_groups_are_read_besides_the_others() {
    let shelf =
        Shelf::default().with("/x", "[mysqld]\na\n[mysqldS]\nb\n[ServerS]\nc\n[serverT]\nd\n");
    let homes = |suffix: &str| Homes { suffix: Some(suffix.into()), ..Homes::default() };
    let both = "--defaults-file=/x --defaults-group-suffix=S";
    assert_eq!(read(both, &Homes::default(), &shelf).unwrap(), ["--a", "--b", "--c"]);
    assert_eq!(read(both, &homes("T"), &shelf).unwrap(), ["--a", "--b", "--c"]);
    assert_eq!(read("--defaults-file=/x", &homes("T"), &shelf).unwrap(), ["--a", "--d"]);
    let none = "--defaults-file=/x --defaults-group-suffix=";
    assert_eq!(read(none, &homes("T"), &shelf).unwrap(), ["--a"]);
}

#[test]
fn mariadb_names_win_in_the_environment_even_when_empty() {
    let homes = Homes::from_environment(|name| match name {
        "MARIADB_GROUP_SUFFIX" => Some("".into()),
        "HOME" => None,
        name => Some(format!("/{name}").into()),
    });
    assert_eq!(homes.suffix, Some("".into()));
    assert_eq!((homes.home, homes.mariadb_home), (None, Some("/MARIADB_HOME".into())));
    let homes = Homes::from_environment(|name| (name == "MYSQL_GROUP_SUFFIX").then(|| "S".into()));
    assert_eq!(homes.suffix, Some("S".into()));
}

#[test]
fn comments_quotes_and_escapes_are_read_as_the_server_does() {
    for (line, word) in [
        ("a = \"x # y\" # z", "--a=x # y"),
        ("b='q'", "--b=q"),
        (r#"c=\s\n\t\r\b\\\q\"e\'"#, "--c= \n\t\r\u{8}\\\\q\"e'"),
        ("d=\"", "--d=\""),
        ("e=\"\"", "--e="),
        ("f=x#y", "--f=x"),
        ("g\\#h=1", "--g\\"),
        (r##"i="x\"#y""##, "--i=x\"#y"),
        ("j= \"a\" b\"", "--j=a\" b"),
        ("k='a\"", "--k='a\""),
        ("  l m = 1 2 \r", "--l m=1 2"),
        ("n=\\", "--n=\\"),
        ("p#q", "--p"),
        ("q='x # y", "--q='x # y"),
        (r"r=x\#y", r"--r=x\"),
        ("s='a' # 'b'", "--s=a"),
        ("t", "--t"),
        ("u=", "--u="),
        ("A_b-C=X=Y", "--A_b-C=X=Y"),
        ("--v", "----v"),
        ("w\0x=1", "--w"),
    ] {
        assert_eq!(in_group(&format!("{line}\n")), [word], "{line:?}");
    }
    assert_eq!(in_group("# a\n ; b\n\n\0c\nd"), ["--d"]);
    let space = of(b"[mysqld\xa0]\n\xa0a\xa0=\xa0b\xa0\n").unwrap();
    assert_eq!(space, ["--a=b"]);
}

#[test]
fn a_long_line_goes_on_as_another() {
    let line = format!("#{}A\n#{}B\n", "x".repeat(4092), "x".repeat(4093));
    assert_eq!(in_group(&line), ["--B"]);
}

#[test]
fn includes_are_read_where_they_stand_with_groups_of_their_own() {
    let shelf = Shelf::default()
        .with("/x", "!include /y.cnf\n[mysqld]\na\n! include \t /y.cnf \nb\n!include /none\n!foo\n!includedir /d/\n!include ~/z\nc\n")
        .with("/y.cnf", "[server]\ny\n[other]\n")
        .with("/h/z", "[mysqld]\nz\n")
        .with("/d/b.cnf", "[mysqld]\nd-b\n")
        .with("/d/B.cnf", "[mysqld]\nd-B\n")
        .with("/d/.cnf", "[mysqld]\nd-\n")
        .with("/d/a.CNF", "[mysqld]\nno\n")
        .with("/d/a.cnf.bak", "[mysqld]\nno\n");
    let homes = Homes { home: Some("/h".into()), ..Homes::default() };
    let expected = ["--y", "--a", "--y", "--b", "--d-", "--d-B", "--d-b", "--z", "--c"];
    assert_eq!(read("--defaults-file=/x", &homes, &shelf).unwrap(), expected);
}

#[test]
fn includes_end_at_ten_levels() {
    let shelf = Shelf::default().with("/x", "[mysqld]\na\n!include /x\nb\n");
    let read = read("--defaults-file=/x", &Homes::default(), &shelf).unwrap();
    assert_eq!(read, [["--a"; 11], ["--b"; 11]].concat());
}

#[test]
fn files_are_read_in_the_order_of_the_server() {
    let mut shelf = Shelf::default();
    for path in ["/etc/my.cnf", "/etc/mysql/my.cnf", "/m/my.cnf", "/n/my.cnf", "/e", "/h/.my.cnf"] {
        let name = path.replace(['/', '.'], "_");
        shelf = shelf.with(path, format!("[mysqld]\n{name}\n"));
    }
    let homes = |home: &str, mariadb: Option<&str>, mysql: Option<&str>| Homes {
        home: Some(home.into()),
        mariadb_home: mariadb.map(PathBuf::from),
        mysql_home: mysql.map(PathBuf::from),
        suffix: None,
    };
    let (etc, mysql, m, n, e, h) = (
        "--_etc_my_cnf",
        "--_etc_mysql_my_cnf",
        "--_m_my_cnf",
        "--_n_my_cnf",
        "--_e",
        "--_h__my_cnf",
    );
    let extra = "--defaults-extra-file=/e";
    for (line, homes, expected) in [
        (extra, homes("/h", Some("/m"), Some("/n")), &[etc, mysql, m, e, h][..]),
        ("", homes("/h/", None, Some("/n/")), &[etc, mysql, n, h]),
        ("", homes("", Some(""), Some("/n")), &[etc, mysql]),
        (extra, homes("/other", None, Some("//etc/.")), &[mysql, etc, e]),
        ("--no-defaults", homes("/h", Some("/m"), None), &[]),
        ("--defaults-file=/e --defaults-extra-file=/none", homes("/h", Some("/m"), None), &[e]),
    ] {
        assert_eq!(read(line, &homes, &shelf).unwrap(), expected, "{line} {homes:?}");
    }
}

#[test]
fn what_is_named_and_missing_or_not_plain_is_refused() {
    let shelf = Shelf::default().with("/x", "!include y\n").with("/y", "!includedir /none\n");
    let said = |line: &str, homes: &Homes| read(line, homes, &shelf).unwrap_err().to_string();
    let none = Homes::default();
    assert!(said("--defaults-file=/none", &none).starts_with("option file /none does not exist"));
    assert!(said("--defaults-extra-file=/none", &none).contains("/none does not exist"));
    assert!(said("--defaults-file=/y", &none).starts_with("directory /none is included"));
    for line in ["x", "", "/a/../x", "~/x", "/a/~/x", "/~root"] {
        let message = said(&format!("--defaults-file={line}"), &none);
        assert!(message.contains("is not named plainly"), "{line}: {message}");
    }
    assert!(said("--defaults-file=/x", &none).starts_with("option file y is not named plainly"));
    let relative = Homes { mysql_home: Some("mh".into()), ..Homes::default() };
    assert!(said("", &relative).starts_with("option file mh/my.cnf is not named plainly"));
}

#[test]
fn lines_that_nobody_means_are_refused_with_their_number() {
    assert_eq!(fault("\na\n"), (2, Fault::NoGroup));
    assert_eq!(fault("\u{feff}[mysqld]\na\n"), (1, Fault::NoGroup));
    assert_eq!(fault("[mysqld\n"), (1, Fault::OpenGroup));
    assert_eq!(fault("[mysqld]\n =5\n"), (2, Fault::NoName));
    assert_eq!(fault("[mysqld]\nsocket\nport=1\n"), (2, Fault::NoValue));
    for line in ["!include\n", "!include  \n", "!includedir \t\n", "!include /y"] {
        assert_eq!(fault(line), (1, Fault::NoPath), "{line:?}");
    }
}

#[test]
fn the_printed_list_must_agree_byte_for_byte() {
    let head = "/usr/sbin/mysqld would have been started with the following arguments:\n";
    let (options, rest) = (words("--a=1 --b"), words("-v x"));
    let agree = |printed: &str| agrees(&options, &rest, format!("{head}{printed}").as_bytes());
    assert!(agree("--a=1 --b -v x \n"));
    for printed in
        ["--a=1 --b -v x\n", "--a=1 --b -v \n", "--a=1 --b -v x \n\n", "", "--b --a=1 -v x \n"]
    {
        assert!(!agree(printed), "{printed:?}");
    }
    assert!(agrees(&[], &[], format!("{head}\n").as_bytes()));
    assert!(agrees(&["--a=\n".into()], &[], format!("{head}--a=\n \n").as_bytes()));
    assert!(!agrees(&[], &[], b"\n\n") && !agrees(&[], &[], b""));
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(
        content in "(\\[mysqld\\]\n)?([a-c=#;!'\"\\\\ \t\n\\[\\]\u{a0}\\PC]|!include |\n\\[mysqld\\]\n){0,60}",
        junk in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let _ = of(content.as_bytes());
        let _ = of([content.as_bytes(), &junk].concat());
        for word in of(content.as_bytes()).unwrap_or_default() {
            prop_assert!(word.starts_with("--") && word.len() > 2);
        }
    }
}
