//! A page that is torn at rest: the server cannot read it, and after `--zero-torn` restores it from its own
//! doublewrite buffer.

use super::damage::stored;
use super::found::{PAYLOAD, SECTOR, stretches, verify};
use super::support::Instance;
use super::support::fixture::CATEGORY;
use super::support::machine::program;
use super::support::mariadb::MariaDb;
use super::support::process::{Running, run};
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const PAGE: usize = 16384;
const ROWS: usize = 20_000;

fn number(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()))
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(bytes[at..at + 8].try_into().unwrap())
}

/// A page of the table that the doublewrite buffer has a copy of which recovery uses: newer than the
/// last checkpoint.
fn restorable_page(data: &Path, table: &Path) -> Option<usize> {
    let log = fs::read(data.join("ib_logfile0")).unwrap();
    let checkpoint = long(&log, 0x1000).max(long(&log, 0x2000));
    let (system, table) = (fs::read(data.join("ibdata1")).unwrap(), fs::read(table).unwrap());
    let space = number(&table, 34);
    // Copies are the pages of the system tablespace that have another number than their place.
    let copies = system.chunks_exact(PAGE).enumerate().filter(|(at, page)| {
        let (named, lsn) = (number(page, 4), long(page, 16));
        number(page, 34) == space && named != *at as u64 && named > 3 && lsn > checkpoint
    });
    let newest = copies.max_by_key(|(_, page)| long(page, 16))?.1;
    let page = number(newest, 4) as usize;
    let same = table.get(page * PAGE..(page + 1) * PAGE)? == newest;
    same.then_some(page)
}

fn sysbench(files: &Path, verb: &str) -> Command {
    let mut command = Command::new(program("sysbench"));
    command
        .arg("oltp_update_index")
        .args(["--db-driver=mysql", "--mysql-user=root", "--mysql-db=sbtest", "--threads=2"])
        .args(["--tables=1", "--time=60"])
        .arg(format!("--table-size={ROWS}"))
        .arg(format!("--mysql-socket={}", files.join("s").display()))
        .arg(verb);
    command
}

/// Kills the server in the middle of its work until there is such a page.
fn crashed(data: &Path, files: &Path, table: &Path) -> usize {
    for _ in 0..10 {
        let server = MariaDb::start(data, files);
        server.sql(
            "SET GLOBAL innodb_max_dirty_pages_pct_lwm = 0.001; \
             SET GLOBAL innodb_max_dirty_pages_pct = 0.01",
        );
        let _load = Running::spawn(&mut sysbench(files, "run"));
        std::thread::sleep(Duration::from_millis(2500));
        drop(server);
        if let Some(page) = restorable_page(data, table) {
            return page;
        }
    }
    panic!("no crash left a page in the doublewrite buffer that recovery uses");
}

#[test]
fn a_torn_page_is_zeroed_and_the_server_restores_it_from_its_journal() {
    let instance = Instance::started();
    let (data, files) = (instance.work().join("mysql"), instance.work().join("run"));
    MariaDb::install(&data);
    let server = MariaDb::start(&data, &files);
    server.sql("CREATE DATABASE sbtest");
    run(&mut sysbench(&files, "prepare")).succeeds();
    server.shut_down();
    instance.encrypt(CATEGORY, &data);
    instance.allow(CATEGORY, &program("mariadbd"));
    instance.allow_this_test(CATEGORY);
    let table = data.join("sbtest/sbtest1.ibd");
    let page = crashed(&data, &files, &table);

    instance.stop();
    assert_eq!(stretches(&verify(&instance, &[])), []);
    let sector = ((page * PAGE) as u64).div_ceil(PAYLOAD) + 1;
    let path: PathBuf = stored(&instance, CATEGORY, &table);
    let disk = OpenOptions::new().write(true).open(&path).unwrap();
    disk.write_all_at(&[0xee; 1024], SECTOR + sector * SECTOR + 2048).unwrap();
    let before = fs::read(&path).unwrap();
    instance.start();
    let mut out = vec![0; PAGE];
    let error = File::open(&table).unwrap().read_exact_at(&mut out, (page * PAGE) as u64);
    assert_eq!(error.unwrap_err().raw_os_error(), Some(nix::libc::EIO));

    let text = table.to_str().unwrap();
    instance.run(["verify", text, "--repair", "--yes"]).exits(7).prints("--zero-torn");
    assert!(fs::read(&path).unwrap() == before, "changed without --zero-torn");
    instance.run(["verify", text, "--repair", "--zero-torn", "--yes"]).exits(0).prints("1 mended");
    let (after, at) = (fs::read(&path).unwrap(), (SECTOR + sector * SECTOR) as usize);
    assert!(after[..at] == before[..at] && after[at + 4096..] == before[at + 4096..]);

    let server = MariaDb::start(&data, &files);
    let log = server.log();
    assert!(log.contains("doublewrite"), "the page was not restored: {log}");
    let verdict = server.sql("CHECK TABLE sbtest.sbtest1 EXTENDED");
    assert_eq!(verdict.trim(), "sbtest.sbtest1\tcheck\tstatus\tOK");
    let rows = server.sql("SELECT COUNT(*), COUNT(DISTINCT id) FROM sbtest.sbtest1");
    assert_eq!(rows.trim(), format!("{ROWS}\t{ROWS}"));
    server.shut_down();
    assert_eq!(stretches(&verify(&instance, &[])), []);
}
