use crate::machine::{SECRET, start, unattended, with_slot};
use crate::support::machine::program;
use crate::support::process::run;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub fn packaging(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(name)
}

/// The unit with a program that is there on every machine.
fn unit(directory: &Path) -> PathBuf {
    let text = fs::read_to_string(packaging("systemd/ezncrypt.service")).unwrap();
    let path = directory.join("ezncrypt.service");
    // Neither program nor manual is installed here.
    let text = text.replace("/usr/sbin/ezncrypt", "/bin/true");
    fs::write(&path, text.replace("Documentation=man:ezncrypt(1)\n", "")).unwrap();
    // What goes beside the units of others goes beside their stand-ins.
    fs::write(directory.join("mariadb.service"), "[Service]\nExecStart=/bin/true\n").unwrap();
    for name in ["mariadb.service.d/ezncrypt.conf", "ezncrypt.service.d/mariadb.conf"] {
        let to = directory.join(name);
        fs::create_dir(to.parent().unwrap()).unwrap();
        fs::copy(packaging("systemd").join(name), to).unwrap();
    }
    path
}

#[test]
fn the_unit_is_understood_and_as_closed_as_a_mount_for_everybody_allows() {
    let directory = tempfile::tempdir().unwrap();
    let unit = unit(directory.path());
    let verified =
        run(Command::new(program("systemd-analyze")).arg("verify").arg(&unit)).succeeds();
    assert_eq!(verified.stderr, "");
    let mariadb = unit.with_file_name("mariadb.service");
    let verified =
        run(Command::new(program("systemd-analyze")).arg("verify").arg(mariadb)).succeeds();
    assert_eq!(verified.stderr, "");
    let mut security = Command::new(program("systemd-analyze"));
    // What is left is what a mount namespace would give, CAP_SYS_ADMIN for the mount, and root.
    security.args(["security", "--offline=true", "--threshold=55"]).arg(&unit);
    run(&mut security).succeeds();
    let text = fs::read_to_string(packaging("systemd/ezncrypt.service")).unwrap();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let namespace = ["Protect", "Private", "ReadWritePaths", "ReadOnlyPaths", "Inaccessible"];
        assert!(!namespace.iter().any(|name| line.starts_with(name)), "{line} hides the mount");
    }
}

#[test]
fn the_unit_is_started_again_however_often_a_key_server_was_away() {
    let text = fs::read_to_string(packaging("systemd/ezncrypt.service")).unwrap();
    let (unit, service) = text.split_once("[Service]").unwrap();
    assert!(unit.lines().any(|line| line == "StartLimitIntervalSec=0"));
    assert!(service.lines().any(|line| line == "Restart=on-failure"));
    // What does pass, a secret that is not to be had, is started again.
    let never = service.lines().find_map(|line| line.strip_prefix("RestartPreventExitStatus="));
    assert_eq!(never.unwrap().split(' ').collect::<Vec<_>>(), ["2", "3", "4", "7"]);
}

#[test]
fn the_unit_s_capabilities_are_enough() {
    let text = fs::read_to_string(packaging("systemd/ezncrypt.service")).unwrap();
    let names = text.lines().filter_map(|line| line.strip_prefix("CapabilityBoundingSet="));
    let names: Vec<String> = names
        .flat_map(str::split_whitespace)
        .map(|name| format!("+{}", name.trim_start_matches("CAP_").to_lowercase()))
        .collect();
    let set = format!("-all,{}", names.join(","));
    let instance = with_slot(SECRET);
    let inner = unattended(&instance, &["start"]);
    let mut command = Command::new(program("setpriv"));
    command.args(["--no-new-privs", "--inh-caps=-all"]).arg(format!("--bounding-set={set}"));
    command.arg(inner.get_program()).args(inner.get_args()).current_dir("/");
    run(&mut command).succeeds();
    let file = instance.work().join("file");
    fs::write(&file, "plain").unwrap();
    std::os::unix::fs::chown(&file, Some(1234), Some(4321)).unwrap();
    instance.encrypt("@c", &file);
    run(Command::new("/bin/cat").arg(&file)).denied();
    instance.allow("@c", Path::new("/bin/cat"));
    run(Command::new("/bin/cat").arg(&file)).succeeds().prints("plain");
    instance.decrypt(&file);
}

#[test]
fn without_systemd_the_script_starts_stops_and_tells_as_lsb_says() {
    let instance = with_slot(SECRET);
    let defaults = instance.work().join("defaults");
    let inner = instance.command("ezncrypt", [""; 0]);
    let binary = inner.get_program().to_str().unwrap().to_owned();
    let state = instance.state();
    let text = format!("EZNCRYPT={binary}\nEZNCRYPT_STATE_DIR={}\n", state.display());
    fs::write(&defaults, text).unwrap();
    let script = |action: &str| {
        let mut command = Command::new("/usr/bin/setsid");
        command.arg("--wait").arg(packaging("sysv/ezncrypt")).arg(action).env_clear();
        run(command.env("EZNCRYPT_DEFAULTS", &defaults))
    };
    script("status").exits(3);
    script("stop").succeeds();
    script("start").succeeds();
    script("start").succeeds();
    script("status").succeeds();
    let pid = || fs::read_to_string(state.join("run/ezncrypt.pid")).unwrap();
    let before = pid();
    script("restart").succeeds();
    assert_ne!(pid(), before);
    script("stop").succeeds();
    script("status").exits(3);
    script("jump").exits(2).says("Usage");
    fs::remove_file(state.join("ezncrypt.toml")).unwrap();
    script("start").exits(6);
    start(&instance).exits(2);
    fs::write(&defaults, "EZNCRYPT=/nonexistent\n").unwrap();
    script("start").exits(5);
    script("stop").succeeds();
}
