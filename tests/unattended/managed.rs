//! The units under a real manager, with stand-ins for what they start.

use crate::support::process::{Outcome, Running, kill_all_naming, run, until};
use crate::units::packaging;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

struct Manager {
    directory: tempfile::TempDir,
    running: Running,
}

impl Manager {
    /// With ezncrypt's unit, whose start fails for want of a secret until there is a file `up`, and MariaDB's.
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let units = at("config/systemd/user");
        fs::create_dir_all(&units).unwrap();
        fs::create_dir(at("run")).unwrap();
        let serve = "test -e $1/up || exit 9; systemd-notify --ready; sleep 1000";
        for (name, script) in [("ezncrypt", serve), ("mariadb", "echo >> $1/starts; sleep 1000")] {
            fs::write(at(name), format!("{script}\n")).unwrap();
        }
        let start = |name: &str| {
            let place = directory.path().display();
            format!("ExecStart=/bin/sh {place}/{name} {place}\n")
        };
        // What is about starting; a user's manager can do little of the rest.
        let kept = ["[Unit]", "[Service]", "StartLimit", "Type", "Restart", "TimeoutStart"];
        let text = fs::read_to_string(packaging("systemd/ezncrypt.service")).unwrap();
        let lines = text.lines().filter(|line| kept.iter().any(|begin| line.starts_with(begin)));
        let mut unit = lines.collect::<Vec<_>>().join("\n");
        unit = unit.replace("RestartSec=5", "RestartSec=100ms");
        unit += &format!("\nNotifyAccess=all\n{}", start("ezncrypt"));
        fs::write(units.join("ezncrypt.service"), unit).unwrap();
        fs::write(units.join("mariadb.service"), format!("[Service]\n{}", start("mariadb")))
            .unwrap();
        for name in ["mariadb.service.d/ezncrypt.conf", "ezncrypt.service.d/mariadb.conf"] {
            fs::create_dir(units.join(name).parent().unwrap()).unwrap();
            fs::copy(packaging("systemd").join(name), units.join(name)).unwrap();
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/unattended/manager.sh");
        let mut command = Command::new("/usr/bin/unshare");
        command.args(["-m", "--propagation", "private", "/bin/sh", "-e"]).arg(script);
        let running = Running::spawn(command.arg(directory.path()).stdin(Stdio::null()));
        let mut manager = Self { directory, running };
        until("the manager runs", Duration::from_secs(60), || {
            let ended = manager.running.ended();
            assert!(ended.is_none(), "{}", ended.unwrap());
            manager.control(&["is-system-running"]).code == Some(0)
        });
        manager
    }

    fn control(&self, line: &[&str]) -> Outcome {
        let mut command = Command::new("/usr/bin/nsenter");
        command.arg("-t").arg(self.running.pid().to_string()).args(["-m", "systemctl", "--user"]);
        run(command.args(line).env("XDG_RUNTIME_DIR", self.directory.path().join("run")))
    }

    fn shows(&self, unit: &str, property: &str) -> String {
        let shown = self.control(&["show", "--value", "-p", property, unit]).succeeds();
        shown.stdout.trim().to_owned()
    }

    fn starts_of_mariadb(&self) -> usize {
        let starts = fs::read_to_string(self.directory.path().join("starts"));
        starts.unwrap_or_default().lines().count()
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        kill_all_naming(self.directory.path());
    }
}

#[test]
fn mariadb_comes_up_with_the_attempt_that_succeeds_and_is_restarted_with_ezncrypt() {
    let manager = Manager::new();
    manager.control(&["start", "--no-block", "mariadb"]).succeeds();
    // More often than the default limit and than any that was here: nothing gives up.
    until("it was tried again and again", Duration::from_secs(120), || {
        manager.shows("ezncrypt", "NRestarts").parse::<u32>().unwrap() > 12
    });
    assert_eq!(manager.starts_of_mariadb(), 0, "there is no data for it yet");
    fs::write(manager.directory.path().join("up"), "").unwrap();
    until("both run", Duration::from_secs(60), || {
        manager.shows("ezncrypt", "ActiveState") == "active" && manager.starts_of_mariadb() == 1
    });
    manager.control(&["kill", "-s", "KILL", "ezncrypt"]).succeeds();
    until("MariaDB was restarted too", Duration::from_secs(60), || {
        manager.starts_of_mariadb() == 2
    });
    assert_eq!(manager.shows("ezncrypt", "ActiveState"), "active");
}
