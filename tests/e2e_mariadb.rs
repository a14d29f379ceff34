//! The main job: a MariaDB server on an encrypted data directory that only it can read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::machine::{program, user};
use support::mariadb::{self, MariaDb};
use support::process::{Outcome, run};
use support::{Instance, tree};

const CATEGORY: &str = "@mysql";
const MARKER: &str = "UniqueRowTextThatMustNotBeOnDisk";
const MAKE_TABLE: &str = "CREATE DATABASE shop; USE shop;
    CREATE TABLE people (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(200), KEY (name))
        ENGINE=InnoDB;
    CREATE TABLE notes (id INT PRIMARY KEY AUTO_INCREMENT, text TEXT) ENGINE=Aria;
    CREATE TABLE log (id INT, text VARCHAR(200)) ENGINE=MyISAM;";

/// A data directory with rows in it, the server shut down.
fn data_with_rows(instance: &Instance) -> PathBuf {
    let data = instance.work().join("mysql");
    MariaDb::install(&data);
    let server = MariaDb::start(&data, &instance.work().join("run"));
    server.sql(MAKE_TABLE);
    insert_rows(&server, 500);
    server.shut_down();
    assert!(holds_marker(&data), "the plain tables do not show their rows: a blind test");
    data
}

fn insert_rows(server: &MariaDb, count: u32) {
    server.sql(&format!(
        "USE shop;
         INSERT INTO people (name) SELECT CONCAT('{MARKER} ', seq) FROM seq_1_to_{count};
         INSERT INTO notes (text) SELECT CONCAT('{MARKER} ', seq) FROM seq_1_to_{count};
         INSERT INTO log SELECT seq, CONCAT('{MARKER} ', seq) FROM seq_1_to_{count};"
    ));
}

fn holds_marker(directory: &Path) -> bool {
    let mut grep = Command::new(program("grep"));
    let found = run(grep.args(["-r", "-a", "-F", "-l", "--", MARKER]).arg(directory));
    assert!(matches!(found.code, Some(0 | 1)), "{found}");
    found.code == Some(0)
}

#[track_caller]
fn assert_rows(server: &MariaDb, count: u32) {
    for (table, column) in [("people", "name"), ("notes", "text"), ("log", "text")] {
        let rows = server.sql(&format!(
            "SELECT COUNT(*), COUNT(DISTINCT {column}) FROM shop.{table}
             WHERE {column} LIKE '{MARKER}%'"
        ));
        assert!(rows.starts_with(&format!("{count}\t")), "{table}: {rows}");
    }
}

#[track_caller]
fn assert_tables_are_sound(server: &MariaDb) {
    for table in ["people", "notes", "log"] {
        let verdict = server.sql(&format!("CHECK TABLE shop.{table} EXTENDED"));
        assert_eq!(verdict.trim(), format!("shop.{table}\tcheck\tstatus\tOK"));
    }
}

/// Everything root and the server's own user would try first.
#[track_caller]
fn assert_others_are_denied(instance: &Instance, data: &Path) {
    let (uid, gid) = user("mysql");
    let through_mount = fs::canonicalize(data).unwrap().join("ibdata1");
    for file in [data.join("ibdata1"), through_mount] {
        for as_mysql in [false, true] {
            for mut command in reading_commands(&file, &instance.work().join("stolen")) {
                if as_mysql {
                    command.uid(uid).gid(gid);
                }
                run(&mut command).denied();
            }
        }
    }
}

fn reading_commands(file: &Path, copy: &Path) -> Vec<Command> {
    let path = file.to_str().unwrap();
    let python = format!("open({path:?}, 'rb').read(1)");
    let shell = format!("read -r line < '{path}'");
    let input = format!("if={path}");
    let copy = copy.to_str().unwrap();
    [
        ("cat", vec![path]),
        ("cp", vec![path, copy]),
        ("dd", vec![&input, "of=/dev/null", "count=1"]),
        ("sh", vec!["-c", &shell]),
        ("python3", vec!["-c", &python]),
    ]
    .into_iter()
    .map(|(name, args)| {
        let mut command = Command::new(program(name));
        command.args(args).current_dir("/");
        command
    })
    .collect()
}

/// A copy of the server's program is another program: it may not even touch the files.
#[track_caller]
fn assert_a_copy_of_the_server_is_denied(instance: &Instance, data: &Path) {
    let copy = instance.work().join("mariadbd");
    run(Command::new(program("cp")).arg(program("mariadbd")).arg(&copy)).succeeds();
    let before = tree::count_below(&instance.storage());
    let files = instance.work().join("run of the copy");
    let tried = run(&mut MariaDb::command(&copy, data, &files));
    let log = mariadb::log(&files);
    assert_ne!(tried.code, Some(0), "the copy ran: {tried}\n{log}");
    let denied = log.contains("Permission denied") || log.contains("system error number 13");
    assert!(denied, "the copy failed for another reason: {tried}\n{log}");
    assert_eq!(tree::count_below(&instance.storage()), before, "the copy made or removed files");
}

#[test]
fn only_the_server_reads_its_encrypted_data_and_decrypting_gives_it_back() {
    let instance = Instance::started();
    let (data, files) = (data_with_rows(&instance), instance.work().join("run"));
    let owner = fs::metadata(&data).unwrap();

    instance.encrypt(CATEGORY, &data);
    assert!(!holds_marker(&instance.storage()), "row text in storage right after encryption");
    instance.allow(CATEGORY, &program("mariadbd"));

    let server = MariaDb::start(&data, &files);
    assert_rows(&server, 500);
    insert_rows(&server, 300);
    server.sql("ALTER TABLE shop.people ADD COLUMN age INT NOT NULL DEFAULT 7, ALGORITHM=COPY");
    server.sql("ALTER TABLE shop.people ADD INDEX by_age (age), ALGORITHM=INPLACE");
    server.sql("ALTER TABLE shop.log ENGINE=InnoDB");
    server.sql("DELETE FROM shop.notes WHERE id > 700; OPTIMIZE TABLE shop.notes");
    server.sql(&format!(
        "USE shop; INSERT INTO notes (text) SELECT CONCAT('{MARKER} again ', seq)
         FROM seq_1_to_100"
    ));
    assert_tables_are_sound(&server);
    assert_rows(&server, 800);
    assert_others_are_denied(&instance, &data);
    assert!(!holds_marker(&instance.storage()), "row text in storage while the server runs");
    server.shut_down();
    assert_a_copy_of_the_server_is_denied(&instance, &data);

    let server = MariaDb::start(&data, &files);
    assert_rows(&server, 800);
    assert_tables_are_sound(&server);
    server.shut_down();
    assert!(!holds_marker(&instance.storage()), "row text in storage after a restart");

    instance.decrypt(&data);
    let plain = fs::symlink_metadata(&data).unwrap();
    assert!(plain.is_dir(), "the data directory is not a plain directory again");
    assert_eq!((plain.uid(), plain.gid(), plain.mode()), (owner.uid(), owner.gid(), owner.mode()));
    assert!(holds_marker(&data));
    instance.stop();
    let server = MariaDb::start(&data, &files);
    assert_rows(&server, 800);
    assert_tables_are_sound(&server);
    server.shut_down();
}

#[test]
fn a_server_killed_in_the_middle_recovers_on_the_encrypted_directory() {
    let instance = Instance::started();
    let (data, files) = (data_with_rows(&instance), instance.work().join("run"));
    instance.encrypt(CATEGORY, &data);
    instance.allow(CATEGORY, &program("mariadbd"));
    let server = MariaDb::start(&data, &files);
    server.sql(&format!(
        "USE shop; INSERT INTO people (name) SELECT CONCAT('{MARKER} late ', seq)
         FROM seq_1_to_1000; COMMIT;"
    ));
    drop(server);
    let server = MariaDb::start(&data, &files);
    let rows = server.sql(&format!("SELECT COUNT(*) FROM shop.people WHERE name LIKE '{MARKER}%'"));
    assert_eq!(rows.trim(), "1500");
    assert!(server.sql("CHECK TABLE shop.people EXTENDED").contains("OK"));
    server.shut_down();
}

#[test]
fn encrypting_under_a_running_server_is_refused_and_names_it() {
    let instance = Instance::started();
    let data = instance.work().join("mysql");
    MariaDb::install(&data);
    let server = MariaDb::start(&data, &instance.work().join("run"));
    server.sql(MAKE_TABLE);
    let before = fs::symlink_metadata(&data).unwrap();

    let refused: Outcome = instance.run(["-e", CATEGORY, data.to_str().unwrap()]).exits(5);
    refused.says("mariadbd").says(server.pid().to_string());

    let after = fs::symlink_metadata(&data).unwrap();
    assert!(after.is_dir());
    assert_eq!((before.ino(), before.mode()), (after.ino(), after.mode()));
    instance.assert_no_leftovers(&instance.work());
    assert!(!instance.storage().join("mysql").exists(), "a refused encryption left ciphertext");
    insert_rows(&server, 10);
    assert_rows(&server, 10);
    server.shut_down();
}

#[test]
fn without_a_service_the_path_cannot_be_read_even_by_the_server() {
    let instance = Instance::started();
    let data = data_with_rows(&instance);
    instance.encrypt(CATEGORY, &data);
    instance.allow(CATEGORY, &program("mariadbd"));
    instance.stop();
    assert!(fs::read(data.join("ibdata1")).is_err());
    let below = fs::symlink_metadata(instance.mount()).unwrap();
    assert_eq!(tree::names(&instance.mount()).len(), 0, "the mount point below is not empty");
    assert_eq!(below.permissions().mode() & 0o022, 0, "others may write below the mount");
    let files = instance.work().join("run without service");
    let tried = run(&mut MariaDb::command(&program("mariadbd"), &data, &files));
    assert_ne!(tried.code, Some(0), "a server ran without a service: {tried}");
    instance.start();
    let server = MariaDb::start(&data, &instance.work().join("run"));
    assert_rows(&server, 500);
    server.shut_down();
}

#[test]
fn root_cannot_add_a_rule_without_the_secret() {
    let instance = Instance::started();
    let data = instance.work().join("secret");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("file"), MARKER).unwrap();
    instance.encrypt(CATEGORY, &data);
    let wrong = instance.secret_file("wrong", "guess\n");
    let rule = format!("ALLOW {CATEGORY} * {}", program("cat").display());
    for (name, value) in [("EZNCRYPT_PASSPHRASE_FILE", &wrong), ("EZNCRYPT_SALT_FILE", &wrong)] {
        let mut adding = instance.command("ezncrypt-access-control", ["-a", &rule]);
        run(adding.env(name, value)).exits(3);
    }
    assert_eq!(instance.access(["-l", "--json"]).succeeds().json().as_array().unwrap().len(), 0);
    run(Command::new(program("cat")).arg(data.join("file"))).denied();
    instance.allow(CATEGORY, &program("cat"));
    let read = run(Command::new(program("cat")).arg(data.join("file"))).succeeds();
    assert_eq!(read.stdout, MARKER, "a new rule takes effect at once");
}
