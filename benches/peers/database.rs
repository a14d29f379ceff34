//! MariaDB under sysbench. Each side has a server with its data, which is filled once and runs while it is its turn.

use super::options::Options;
use super::sides::{OURS, PLAIN, SERVER, Side};
use super::support::machine::program;
use super::support::mariadb::{MariaDb, owned_by_mysql};
use super::support::process::run_within;
use super::{Ground, Sample, Work};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const TABLES: u64 = 4;
const ROWS: u64 = 250_000;
const LIMIT: Duration = Duration::from_secs(900);

/// Where each side's data are, once they are filled.
#[derive(Default)]
pub struct Database(BTreeMap<&'static str, PathBuf>);

impl Work for Database {
    fn name(&self) -> &'static str {
        "database"
    }

    fn suits(&self, side: &Side) -> bool {
        [PLAIN, OURS, "gocryptfs", "encfs", SERVER].contains(&side.name)
    }

    fn run(&mut self, side: &Side, ground: &Ground<'_>) -> Vec<Sample> {
        let mut measured = Vec::new();
        let mut take = |metric, unit, value| {
            measured.push(Sample { metric, unit, whose: side.name, value });
        };
        let is_new = !self.0.contains_key(side.name);
        let data = side.path.join("mysql");
        if is_new {
            MariaDb::install(&data);
            self.0.insert(side.name, data.clone());
        }
        let run = std::env::temp_dir().join(format!("ezncrypt-peers-{}", std::process::id()));
        let server = start(side, &data, &run);
        if is_new {
            server.sql("CREATE DATABASE sbtest");
            let before = Instant::now();
            let filled = sysbench(&server, "oltp_read_write", "prepare", ground.options).is_some();
            let rows = (TABLES * ROWS) as f64 / before.elapsed().as_secs_f64();
            take("load rows", "/s", filled.then_some(rows));
        }
        for (name, test) in [
            ("OLTP read-write", "oltp_read_write"),
            ("OLTP read-only", "oltp_read_only"),
            ("OLTP write-only", "oltp_write_only"),
        ] {
            let said = sysbench(&server, test, "run", ground.options);
            take(name, "TPS", said.as_deref().and_then(transactions));
        }
        server.shut_down();
        fs::remove_dir_all(run).unwrap();
        measured
    }
}

fn start(side: &Side, data: &Path, run: &Path) -> MariaDb {
    let mut command = MariaDb::command(&program("mariadbd"), data, run);
    // The last of an option counts.
    command.args(["--innodb-buffer-pool-size=128M", "--innodb-log-file-size=256M"]);
    command.arg("--innodb-flush-log-at-trx-commit=1");
    if side.name == SERVER {
        let keys = run.join("keys");
        fs::write(&keys, "1;000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n")
            .unwrap();
        owned_by_mysql(run);
        command.arg("--plugin-load-add=file_key_management");
        command.arg(format!("--file-key-management-filename={}", keys.display()));
        command.args(["--innodb-encrypt-tables=FORCE", "--innodb-encrypt-log=ON"]);
        command.args(["--innodb-encryption-threads=0", "--innodb-encrypt-temporary-tables=ON"]);
    }
    MariaDb::start_as(command, run)
}

fn sysbench(server: &MariaDb, test: &str, verb: &str, options: &Options) -> Option<String> {
    let mut command = Command::new(program("sysbench"));
    command.args(["--db-driver=mysql", "--mysql-user=root", "--threads=8", "--rand-type=uniform"]);
    command.arg(format!("--mysql-socket={}", server.socket().display()));
    command.arg(format!("--tables={TABLES}")).arg(format!("--table-size={ROWS}"));
    command.arg(format!("--time={}", 2 * options.seconds)).args([test, verb]);
    let done = run_within(&mut command, LIMIT);
    if done.code != Some(0) {
        eprintln!("{done}");
        return None;
    }
    Some(done.stdout)
}

/// Reads `    transactions:      12345  (617.02 per sec.)`.
fn transactions(said: &str) -> Option<f64> {
    let line = said.lines().find(|line| line.trim_start().starts_with("transactions:"))?;
    line.split_once('(')?.1.split(' ').next()?.parse().ok()
}
