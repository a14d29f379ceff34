use super::*;
use proptest::prelude::*;

const HELP: &[u8] =
    b"/usr/sbin/mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)
Copyright

Default options are read from the following files in the given order:
/etc/my.cnf /etc/mysql/my.cnf ~/.my.cnf 
The following groups are read: mysqld server mysqld-10.11
The following options may be given as the first argument:
--no-defaults           Don't read default options from any option file.

  -a, --ansi          Use ANSI SQL syntax
                      --not-an-option=name either
  -b, --basedir=name  Path
  -#, --debug[=name]  Built in DBUG debugger.
  -?, --help          Display this help and exit.
  --alter-algorithm[=name] 
  --skip-grant-tables Start without grant tables.
  --plugin_dir=name   Directory for plugins

Variables (--variable-name=value)
and boolean options {FALSE|TRUE}  Value (after reading options)
--------------------------------- -------------
alter-algorithm                   DEFAULT
basedir                           /usr/\xff
init-file                         (No default value)
plugin-dir                        /usr/lib/mysql/plugin/
skip-grant-tables                 TRUE
socket                            
a-name-that-is-longer-than-the-column value

To see what variables a running server is using, type
'SELECT * FROM INFORMATION_SCHEMA.GLOBAL_VARIABLES'.
";

fn server() -> Server {
    Server::from_help(HELP).unwrap()
}

#[test]
fn the_help_tells_who_the_server_is_and_what_it_reads() {
    let server = server();
    assert_eq!((server.flavour, server.version.as_str()), (Flavour::MariaDb, "10.11.19"));
    assert_eq!(server.files, ["/etc/my.cnf", "/etc/mysql/my.cnf", "~/.my.cnf"].map(PathBuf::from));
    assert_eq!(server.groups, ["mysqld", "server", "mysqld-10.11"]);
    assert_eq!(server.basedir.as_os_str().as_encoded_bytes(), b"/usr/\xff");
    assert_eq!(server.plugin_dir, PathBuf::from("/usr/lib/mysql/plugin/"));
}

#[test]
fn the_help_of_mysql_is_told_apart() {
    let help = String::from_utf8_lossy(HELP).replace(
        "10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)",
        "8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)",
    );
    let server = Server::from_help(help.as_bytes()).unwrap();
    assert_eq!((server.flavour, server.version.as_str()), (Flavour::MySql, "8.0.36"));
}

#[test]
fn options_have_their_arity_and_letters() {
    let server = server();
    let expected = [
        ("alter_algorithm", Arity::Optional),
        ("ansi", Arity::None),
        ("basedir", Arity::Required),
        ("debug", Arity::Optional),
        ("help", Arity::None),
        ("plugin_dir", Arity::Required),
        ("skip_grant_tables", Arity::None),
    ];
    assert_eq!(server.options, expected.map(|(name, arity)| (name.into(), arity)).into());
    let letters = [(b'#', "debug"), (b'?', "help"), (b'a', "ansi"), (b'b', "basedir")];
    assert_eq!(server.letters, letters.map(|(letter, name)| (letter, name.into())).into());
}

#[test]
fn values_are_bytes_none_or_empty() {
    let values = Effective::from_help(HELP).unwrap();
    assert_eq!(values.value("basedir").unwrap().as_encoded_bytes(), b"/usr/\xff");
    assert!(values.knows("init_file") && values.value("init_file").is_none());
    assert_eq!(values.value("socket").unwrap(), "");
    assert_eq!(values.value("a_name_that_is_longer_than_the_column").unwrap(), "value");
    assert!(values.is_on("skip_grant_tables") && !values.knows("to"));
}

fn forged(value: &str) -> Result<Effective, Error> {
    let help = String::from_utf8_lossy(HELP).replace("DEFAULT\n", &format!("{value}\n"));
    assert!(help.contains(value));
    Effective::from_help(help.as_bytes())
}

#[test]
fn a_value_with_line_breaks_forges_no_other_value() {
    let lie = "x\nskip-grant-tables                 FALSE";
    assert_eq!(forged(lie), Err(Error::TwoValues { name: "skip_grant_tables".into() }));
    for value in
        ["x\n", "x\n\n", "x\n y", "x\n\nTo see", "x\n\nTo see what\n\nbasedir  ", "x\na\tb"]
    {
        assert!(matches!(forged(value), Err(Error::Entry { .. })), "{value:?}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let without = |text: &str| {
        let help = String::from_utf8_lossy(HELP).replace(text, "gone");
        Server::from_help(help.as_bytes()).unwrap_err()
    };
    assert_eq!(without(" Ver "), Error::Version);
    assert_eq!(without("Default options"), Error::Files);
    assert_eq!(without("The following groups"), Error::Groups);
    assert_eq!(without("--------------------------------- -------------"), Error::Table);
    assert_eq!(without("\nplugin-dir "), Error::Value { name: "plugin_dir" });
}

#[test]
fn the_text_form_is_read_back() {
    let mut server = server();
    server.files.push(PathBuf::from("/etc/a b%\n.cnf"));
    assert_eq!(Server::from_text(&server.to_text()), Ok(server));
}

#[test]
fn damaged_text_is_refused_with_its_line() {
    let text = server().to_text();
    assert_eq!(Server::from_text("server 2\n"), Err(Error::Format));
    assert_eq!(Server::from_text(""), Err(Error::Format));
    assert_eq!(Server::from_text("server 1\npostgres 1\n"), Err(Error::Line { line: 2 }));
    let line = text.lines().position(|line| line.starts_with("= basedir")).unwrap() + 1;
    for damage in ["! basedir", "=basedir_", "= basedir %ZZ x"] {
        let damaged = text.replace("= basedir", damage);
        assert_eq!(Server::from_text(&damaged), Err(Error::Line { line }), "{damage}");
    }
    let missing = text.replace("basedir /usr", "file /usr");
    assert_eq!(Server::from_text(&missing), Err(Error::Value { name: "basedir" }));
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(
        start in 0..HELP.len(),
        end in 0..HELP.len(),
        junk in proptest::collection::vec(any::<u8>(), 0..40),
        text in "(server 1\n)?(mariadb 1\n)?(\\PC|[-=? %\n]|basedir |file ){0,40}",
    ) {
        let mut bytes = HELP[..start].to_vec();
        bytes.extend(junk);
        bytes.extend(&HELP[end..]);
        let _ = Server::from_help(&bytes);
        let _ = Effective::from_help(&bytes);
        let _ = Server::from_text(&text);
    }

    #[test]
    fn any_paths_survive_the_text_form(
        basedir in proptest::collection::vec(any::<u8>(), 0..20),
        names in proptest::collection::btree_map("[a-z_0-9.]{1,9}", 0..3_usize, 0..9),
    ) {
        use std::os::unix::ffi::OsStringExt;
        let mut server = server();
        server.basedir = OsString::from_vec(basedir).into();
        server.letters.clear();
        let arities = [Arity::None, Arity::Optional, Arity::Required];
        server.options = names.into_iter().map(|(name, at)| (name, arities[at])).collect();
        if let Some(name) = server.options.keys().next() {
            server.letters.insert(b'%', name.clone());
        }
        prop_assert_eq!(Server::from_text(&server.to_text()), Ok(server));
    }
}
