//! Data directories with rows in them, made once for all tests of a build and copied for each.

use super::machine::{new_directory, program};
use super::mariadb::MariaDb;
use super::process::run;
use super::server::Place;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The password of the database's root, in every copy.
pub const PASSWORD: &str = "PasswordOfTheDatabaseRoot";

/// A row of `shop.secrets` (MyISAM) and of `shop.people` (InnoDB).
pub const SECRET: &str = "RowThatOnlyThisServerMayTell";

const ACCOUNTS: &str = "ALTER USER root@localhost IDENTIFIED BY 'PasswordOfTheDatabaseRoot';
    DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host != 'localhost');
    DROP DATABASE IF EXISTS test; FLUSH PRIVILEGES";

const ROWS: &str = "CREATE DATABASE shop; USE shop;
    CREATE TABLE secrets (id INT PRIMARY KEY, text VARCHAR(99)) ENGINE=MyISAM;
    CREATE TABLE people (id INT PRIMARY KEY, text VARCHAR(99)) ENGINE=InnoDB;
    INSERT INTO secrets VALUES (1, 'RowThatOnlyThisServerMayTell');
    INSERT INTO people VALUES (1, 'RowThatOnlyThisServerMayTell')";

/// Copies a data directory with the database `shop` to `data`.
pub fn copy(data: &Path) {
    copy_of("real", data);
}

/// Copies a data directory to `data` that has the accounts but no rows: somebody else's.
pub fn copy_without_rows(data: &Path) {
    copy_of("empty", data);
}

fn copy_of(name: &str, to: &Path) {
    run(Command::new(program("cp")).arg("-a").arg(templates().join(name)).arg(to)).succeeds();
}

/// The directory with the templates, of this very server program.
fn templates() -> PathBuf {
    let base = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let server = fs::metadata(program("mariadbd")).unwrap();
    let made = base.join(format!("guard-data-{}-{}", server.len(), server.mtime()));
    let lock = File::create(base.join("guard-data.lock")).unwrap();
    lock.lock().unwrap();
    if !made.exists() {
        let work = new_directory();
        make(&work);
        let partial = made.with_extension("partial");
        let _ = fs::remove_dir_all(&partial);
        fs::create_dir(&partial).unwrap();
        for name in ["real", "empty"] {
            run(Command::new(program("cp")).arg("-a").arg(work.join(name)).arg(&partial))
                .succeeds();
        }
        fs::rename(&partial, &made).unwrap();
        fs::remove_dir_all(work).unwrap();
    }
    made
}

fn make(work: &Path) {
    let (empty, real) = (work.join("empty"), work.join("real"));
    MariaDb::install(&empty);
    let place = Place::new(program("mariadbd"), empty.clone(), work.to_owned());
    let server = place.start();
    server.sql_as("root", "", ACCOUNTS).succeeds();
    server.assert_closed("in the template");
    server.stop().succeeds();
    run(Command::new(program("cp")).arg("-a").arg(&empty).arg(&real)).succeeds();
    let server = Place::new(program("mariadbd"), real, work.to_owned()).start();
    server.sql(ROWS);
    server.stop().succeeds();
}
