//! Who a thread is, as `/proc` tells it: for people and logs, never for a decision.

use super::explain::Who;
use super::redact::redact;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Longest command line that is read, in bytes.
const LONGEST: usize = 32 << 10;

impl Who {
    /// What can be told of a thread; nothing when it is gone.
    pub fn of(tid: u32) -> Option<Self> {
        of(tid)
    }
}

fn of(tid: u32) -> Option<Who> {
    let dir = PathBuf::from(format!("/proc/{tid}"));
    let status = fs::read_to_string(dir.join("status")).ok()?;
    let number = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u32>().ok()
    };
    let login = fs::read_to_string(dir.join("loginuid")).ok();
    let login = login.and_then(|text| text.trim().parse().ok()).filter(|&uid| uid != u32::MAX);
    let cgroup = fs::read_to_string(dir.join("cgroup")).unwrap_or_default();
    Some(Who {
        pid: number("Tgid:")?,
        tid,
        exe: without_mark(&fs::read_link(dir.join("exe")).ok()?),
        user: number("Uid:")?,
        group: number("Gid:")?,
        login_user: login,
        arguments: redact(&arguments(&dir.join("cmdline"))),
        unit: unit(&cgroup),
    })
}

fn without_mark(link: &Path) -> PathBuf {
    let bytes = link.as_os_str().as_bytes();
    OsStr::from_bytes(bytes.strip_suffix(b" (deleted)").unwrap_or(bytes)).into()
}

fn arguments(file: &Path) -> Vec<OsString> {
    let mut bytes = fs::read(file).unwrap_or_default();
    bytes.truncate(LONGEST);
    if bytes.last() == Some(&0) {
        bytes.pop();
    }
    if bytes.is_empty() {
        return Vec::new();
    }
    bytes.split(|&byte| byte == 0).map(|part| OsString::from_vec(part.to_vec())).collect()
}

/// The last service or scope of the cgroup path, below the system's slice.
fn unit(cgroup: &str) -> Option<String> {
    let path = cgroup.lines().find_map(|line| line.strip_prefix("0::"))?;
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    (parts.next() == Some("system.slice")).then_some(())?;
    parts.find(|part| part.ends_with(".service")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_told_with_its_arguments() {
        let mut child = std::process::Command::new("/bin/sleep").arg("60").spawn().unwrap();
        // Until the exec is done it is still this program, or has no arguments yet.
        let own = std::env::current_exe().unwrap();
        let who = loop {
            let who = of(child.id()).unwrap();
            if who.exe != own && !who.arguments.is_empty() {
                break who;
            }
        };
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(who.arguments, ["/bin/sleep", "60"]);
        assert_eq!((who.pid, who.tid), (child.id(), child.id()));
        assert_eq!(of(child.id()), None);
    }

    #[test]
    fn a_unit_is_a_service_of_the_system() {
        assert_eq!(unit("0::/system.slice/cron.service\n").as_deref(), Some("cron.service"));
        assert_eq!(
            unit("0::/system.slice/system-a.slice/a@1.service/x\n").as_deref(),
            Some("a@1.service")
        );
        for none in ["0::/\n", "0::/user.slice/user-0.slice/user@0.service/a.service\n", "x"] {
            assert_eq!(unit(none), None, "{none}");
        }
    }
}
