//! A service and a database server at work, all of it on one disk.

use super::bank;
use super::load::{Load, Standing, Works};
use super::support::disk::{BTRFS, Disk};
use super::support::machine::{detach, program};
use super::support::mariadb::MariaDb;
use super::support::process::run;
use super::support::random::Random;
use super::support::{Instance, template};
use rustix::io::Errno;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime};

/// MariaDB's copy of the log of an interrupted DDL, made when it recovers and never synced (10.11.19, by strace).
const NEVER_SYNCED: &str = "/ddl_recovery-backup.log";

/// How InnoDB may write.
const FLUSH_METHODS: &[&str] = &["O_DIRECT", "O_DSYNC", "fsync"];

/// Everything, between two crashes. What comes first is dropped first.
pub struct Stage {
    server: Option<MariaDb>,
    instance: Instance,
    pub disk: Disk,
    pub works: Works,
    random: Random,
    /// After how many power cuts the database did not recover.
    unrecovered: usize,
}

impl Stage {
    /// Sets everything up and starts it.
    pub fn on(disk: Disk) -> Self {
        let seed = seed();
        eprintln!("{}: EZNCRYPT_CRASH_SEED={seed}", disk.name());
        fs::create_dir(disk.beside()).unwrap();
        let root = disk.top().join("root");
        fs::create_dir(&root).unwrap();
        let instance = Instance::initialised_in(root);
        instance.start();
        let files = instance.work().join("files");
        instance.allow("@mysql", &program("mariadbd"));
        fs::create_dir(&files).unwrap();
        instance.encrypt("@test", &files);
        instance.allow_this_test("@test");
        let works = Works::new(&files, instance.work().join("moved"));
        let random = Random(seed);
        let mut stage = Self { server: None, instance, disk, works, random, unrecovered: 0 };
        stage.make_database();
        stage
    }

    /// Where the database is: each in a place of its own.
    fn data(&self) -> PathBuf {
        self.instance.work().join(format!("mysql-{}", self.unrecovered))
    }

    /// Encrypts a new database, and starts a server on it.
    fn make_database(&mut self) {
        let data = self.data();
        template::copy_without_rows(&data);
        self.instance.encrypt("@mysql", &data);
        let started = self.start_server();
        bank::prepare(started.unwrap_or_else(|told| panic!("{told}")));
        self.works.begin_clients_anew();
    }

    /// Starts a server on the data, and has it recover; or tells how it ended.
    fn start_server(&mut self) -> Result<&MariaDb, String> {
        let (data, run) = (self.data(), self.disk.beside().join("run"));
        let mut command = MariaDb::command(&program("mariadbd"), &data, &run);
        let method = FLUSH_METHODS[self.random.below(FLUSH_METHODS.len() as u64) as usize];
        command.arg(format!("--innodb-flush-method={method}"));
        // Small, so that pages are written all the time.
        command.args(["--innodb-log-file-size=4M", "--innodb-buffer-pool-size=8M"]);
        // The template's accounts have passwords.
        command.arg("--skip-grant-tables");
        // What is told of a failure is about this start.
        let _ = fs::remove_file(run.join("log.err"));
        Ok(self.server.insert(MariaDb::try_start_as(command, &run)?))
    }

    /// Has everybody work until each has done something, and then for a while.
    pub fn load(&mut self) -> Load {
        let socket = self.server.as_ref().unwrap().socket();
        // On plain btrfs, too, MariaDB 10.11 sometimes does not recover when the power fails while tables are made.
        let makes_tables = self.disk.name() != BTRFS.name;
        let load = self.works.begin(&self.instance, &socket, makes_tables, &mut self.random);
        self.works.wait_for(1, 1);
        std::thread::sleep(Duration::from_millis(self.random.below(600)));
        load
    }

    /// The service dies, and with it all that needs it.
    #[track_caller]
    pub fn kill(&mut self, load: Load) {
        load.is_dying();
        self.instance.kill();
        load.end();
        self.server = None;
        self.assert_closed();
    }

    /// Nobody is served, and nobody reads plaintext.
    #[track_caller]
    fn assert_closed(&self) {
        for path in self.works.files() {
            let error = File::open(path).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(Errno::NOTCONN.raw_os_error()), "{error}");
            let stranger = run(Command::new(program("cat")).arg(path));
            assert_ne!(stranger.code, Some(0), "{stranger}");
            assert!(stranger.stdout.is_empty(), "{stranger}");
        }
        let new = self.instance.work().join("files/new");
        assert!(fs::write(&new, "plain").is_err(), "a write went somewhere");
    }

    /// Takes the power away: the disk holds what its snapshot kept.
    pub fn fall_back(&self) {
        detach(&self.instance.mount());
        self.disk.fall_back();
    }

    /// Starts all again and fails the test when anything is lost.
    #[track_caller]
    pub fn come_back(&mut self, of_power: bool, before: &Standing, after: &Standing) {
        let faults = self.faults(of_power, before, after);
        let log = self.server.as_ref().map(MariaDb::log).unwrap_or_default();
        assert!(faults.is_empty(), "{}: {faults:#?}\n{log}", self.disk.name());
    }

    /// Starts all again; tells what is lost of what was known `before` the crash, or was never asked for until
    /// `after` it.
    #[track_caller]
    pub fn faults(&mut self, of_power: bool, before: &Standing, after: &Standing) -> Vec<String> {
        self.instance.goes_on();
        self.instance.start();
        let harmless: &[&str] = match of_power {
            true => &["size", "end_missing", "header_copy", "end_inside", "unwritten"],
            false => &["size", "end_missing"],
        };
        let found = self.damage(of_power);
        let mut faults = but(&found, harmless);
        faults.extend(self.works.judge_files(of_power, before, after));
        self.instance.assert_no_leftovers(&self.instance.work());
        match self.start_server() {
            Ok(_) => {
                let server = self.server.as_ref().unwrap();
                faults.extend(self.works.judge_tables(server, before, after));
            }
            Err(told) => {
                let (name, found) = (self.disk.name(), but(&found, &[]));
                let is_damaged = faults.iter().any(|fault| fault.contains("/mysql-"));
                // Of these two everything is synced, their sizes too.
                let is_lost =
                    |row: &String| row.contains("/ibdata1") || row.contains("/ib_logfile0");
                let is_ours = is_damaged || found.iter().any(is_lost);
                assert!(of_power && !is_ours, "{name}: {faults:#?}\n{found:#?}\n{told}");
                eprintln!("{name}: the database did not recover: {found:#?}\n{told}");
                self.unrecovered += 1;
                self.make_database();
            }
        }
        faults
    }

    /// How often the database did not recover though each of its sectors verifies, and nothing was wrong with the ends of its
    /// log and system tablespace. `docs/testing.md` tells how often that is so on a plain disk.
    pub fn unrecovered(&self) -> usize {
        self.unrecovered
    }

    /// What `verify` finds, each with its kind; `of_power` leaves out files that are judged byte by byte, and
    /// one of which any page may be missing.
    fn damage(&self, of_power: bool) -> Vec<(String, String)> {
        let found = self.instance.run(["verify", "--json"]).json();
        let mut damage = Vec::new();
        for file in found["damaged"].as_array().unwrap() {
            let path = file["path"].as_str().unwrap();
            // Of a database that is given up a server may have left torn sectors, which none will mend.
            let is_given_up =
                (0..self.unrecovered).any(|number| path.contains(&format!("/mysql-{number}/")));
            let is_unsynced = path.contains("/work/files/") || path.ends_with(NEVER_SYNCED);
            if is_given_up || of_power && is_unsynced {
                continue;
            }
            for row in file["damage"].as_array().unwrap() {
                damage.push((row["kind"].as_str().unwrap().to_owned(), format!("{path}: {row}")));
            }
        }
        damage
    }

    /// Fails the test unless the audit log is whole, but for what crashes leave, and tells how much was done. A power
    /// cut may take lines that were not synced from the middle: pages of a file reach the disk in any order.
    #[track_caller]
    pub fn look(&self, of_power: bool, rounds: usize) {
        let told = self.instance.run(["audit", "--verify"]);
        let harmless = |line: &str| {
            let kinds = ["is not a line of this log", "are missing before it"];
            of_power && kinds.iter().any(|kind| line.contains(kind))
        };
        let alarms = told.stdout.lines().filter(|line| line.starts_with("ALARM"));
        let alarms: Vec<_> = alarms.filter(|line| !harmless(line)).collect();
        assert!(alarms.is_empty(), "{told}");
        assert!(told.code == Some(0) || of_power && told.code == Some(7), "{told}");
        let (name, what) = (self.disk.name(), if of_power { "power cuts" } else { "kills" });
        eprintln!("{name}: {rounds} {what}; {}", self.works.done());
    }

    /// Fails the test unless all is sound now that everything was opened. An append that was interrupted is told of
    /// until the file is written again: somebody could have cut it there.
    #[track_caller]
    pub fn assert_sound(&self) {
        let faults = but(&self.damage(false), &["end_missing"]);
        assert!(faults.is_empty(), "{}: {faults:#?}", self.disk.name());
    }
}

/// Damage of other kinds than these.
fn but(damage: &[(String, String)], harmless: &[&str]) -> Vec<String> {
    let harmful = damage.iter().filter(|(kind, _)| !harmless.contains(&kind.as_str()));
    harmful.map(|(_, told)| told.clone()).collect()
}

fn seed() -> u64 {
    let given = std::env::var("EZNCRYPT_CRASH_SEED").ok().map(|seed| seed.parse().unwrap());
    given.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        now.as_nanos() as u64 | 1
    })
}

/// How often: in the short form, in the long one, or as the environment says.
pub fn times(short: usize, long: usize, variable: &str) -> usize {
    let given = std::env::var(variable).ok().map(|times| times.parse().unwrap());
    given.unwrap_or(if std::env::var_os("EZNCRYPT_LONG").is_some() { long } else { short })
}
