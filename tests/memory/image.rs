//! A process's memory: what a core file of it would hold.

use nix::sys::ptrace::{self, Options};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

/// The memory of a process that goes on.
pub fn of_running(pid: u32) -> Vec<u8> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let memory = File::open(format!("/proc/{pid}/mem")).unwrap();
    let mut image = Vec::new();
    for line in
        maps.lines().filter(|line| !line.ends_with("[vvar]") && !line.contains("[vsyscall]"))
    {
        let range = line.split(' ').next().unwrap();
        let (start, end) = range.split_once('-').unwrap();
        let [start, end] = [start, end].map(|text| u64::from_str_radix(text, 16).unwrap());
        let mut at = start;
        let mut piece = vec![0; 1 << 20];
        while at < end {
            let length = (end - at).min(piece.len() as u64) as usize;
            // Reserved address space has no pages that could be read.
            match memory.read_at(&mut piece[..length], at) {
                Ok(read) if read > 0 => {
                    image.extend_from_slice(&piece[..read]);
                    at += read as u64;
                }
                _ => at += 4096,
            }
        }
        // Nothing is found across two mappings that are not beside each other.
        image.extend_from_slice(&[0xa5; 64]);
    }
    image
}

/// The memory of a process at the moment that it ends, after `go` has made it end.
pub fn at_exit(pid: u32, go: impl FnOnce()) -> Vec<u8> {
    let process = Pid::from_raw(pid.cast_signed());
    ptrace::seize(process, Options::PTRACE_O_TRACEEXIT).unwrap();
    go();
    let limit = Instant::now() + Duration::from_secs(60);
    loop {
        assert!(Instant::now() < limit, "process {pid} does not end");
        let flags = WaitPidFlag::WNOHANG | WaitPidFlag::__WALL;
        match waitpid(process, Some(flags)).unwrap() {
            WaitStatus::StillAlive => std::thread::sleep(Duration::from_millis(5)),
            WaitStatus::PtraceEvent(_, _, event)
                if event == ptrace::Event::PTRACE_EVENT_EXIT as i32 =>
            {
                let image = of_running(pid);
                ptrace::detach(process, None).unwrap();
                return image;
            }
            WaitStatus::PtraceEvent(..) => ptrace::cont(process, None).unwrap(),
            WaitStatus::Stopped(_, signal) => ptrace::cont(process, Some(signal)).unwrap(),
            other => panic!("process {pid}: {other:?}"),
        }
    }
}

/// Waits until a process has stopped itself.
pub fn until_stopped(pid: u32) {
    let limit = Instant::now() + Duration::from_secs(30);
    loop {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        if stat.rsplit(')').next().unwrap().trim_start().starts_with('T') {
            return;
        }
        assert!(Instant::now() < limit, "process {pid} does not stop");
        std::thread::sleep(Duration::from_millis(2));
    }
}
