//! A real cron. It reads the system's crontabs, so all tests share one, and other test programs wait.

use crate::support::account::Account;
use crate::support::machine::program;
use crate::support::process::{Running, run, until};
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

/// Longer than cron ever takes to begin a job that it knows of.
const MISSED: Duration = Duration::from_secs(65);

static SHARED: Mutex<Weak<Cron>> = Mutex::new(Weak::new());

/// A running cron; ended with its last user.
pub struct Cron {
    daemon: Mutex<Running>,
    _alone: File,
}

impl Cron {
    /// The cron of this test program.
    pub fn running() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap();
        if let Some(cron) = shared.upgrade() {
            return cron;
        }
        let alone = File::create(std::env::temp_dir().join("ezncrypt-cron.lock")).unwrap();
        alone.lock().unwrap();
        let mut command = Command::new(program("cron"));
        command.arg("-f").current_dir("/").env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        let daemon = Running::spawn(command.stdin(Stdio::null()));
        // Into another second than the one in which it reads the crontabs: see `install`.
        std::thread::sleep(Duration::from_millis(1100));
        let cron = Arc::new(Self { daemon: Mutex::new(daemon), _alone: alone });
        *shared = Arc::downgrade(&cron);
        cron
    }

    /// Runs each command line once, all in the same minute, with these lines before them in the
    /// crontab. Returns their exit codes and what they printed.
    #[track_caller]
    pub fn once(&self, account: &Account, before: &[&str], lines: &[String]) -> Vec<(i32, String)> {
        let directory = account.home.join("cron");
        fs::create_dir(&directory).unwrap();
        account.own(&directory);
        let place = |number: usize, what: &str| directory.join(format!("{number}.{what}"));
        let mut text = String::from("MAILTO=\"\"\n");
        before.iter().for_each(|line| text += &format!("{line}\n"));
        for (number, line) in lines.iter().enumerate() {
            let (printed, code, done) =
                (place(number, "out"), place(number, "code"), place(number, "done"));
            text += &format!(
                "* * * * * ( {line} ) > {} 2>&1; echo $? > {} && mv {1} {}\n",
                printed.display(),
                code.display(),
                done.display()
            );
        }
        let file = directory.join("crontab");
        fs::write(&file, text).unwrap();
        install(account, &file);
        let mut installed = Instant::now();
        let mut numbers = 0..lines.len();
        until("cron runs the jobs", Duration::from_secs(240), || {
            self.assert_runs();
            let begun = numbers.clone().any(|number| place(number, "out").exists());
            if !begun && installed.elapsed() > MISSED {
                install(account, &file);
                installed = Instant::now();
            }
            numbers.clone().all(|number| place(number, "done").exists())
        });
        run(Command::new(program("crontab")).args(["-u", &account.name, "-r"])).succeeds();
        numbers
            .by_ref()
            .map(|number| (number_in(&place(number, "done")), text_of(&place(number, "out"))))
            .collect()
    }

    /// Where the machine runs a cron of its own, ours ends and that one does the work.
    fn assert_runs(&self) {
        if let Some(ended) = self.daemon.lock().unwrap().ended() {
            ended.says("can't lock");
        }
    }
}

/// Debian's cron compares whole seconds: a crontab that is installed in the second in which it looks goes unnoticed
/// until something else changes (28 of 60 tries, installed right after its start).
fn install(account: &Account, file: &Path) {
    let mut install = Command::new(program("crontab"));
    run(install.args(["-u", &account.name]).arg(file)).succeeds();
}

fn number_in(file: &Path) -> i32 {
    text_of(file).trim().parse().unwrap()
}

fn text_of(file: &Path) -> String {
    String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned()
}
