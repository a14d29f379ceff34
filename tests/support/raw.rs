//! The few things that safe Rust cannot do: mapping a file, and being a second process.
#![allow(unsafe_code)]

use super::process::ended_within;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};
use rustix::mm::{MapFlags, MsyncFlags, ProtFlags, mmap, msync, munmap};
use std::fs::File;
use std::time::Duration;

/// A mapping of the first bytes of a file; unmapped when dropped.
pub struct Mapping {
    at: *mut std::ffi::c_void,
    length: usize,
}

impl Mapping {
    /// Maps `length` bytes, shared with the file.
    pub fn shared(file: &File, length: usize) -> Self {
        Self::new(file, length, MapFlags::SHARED)
    }

    /// Maps `length` bytes; what is stored stays in this mapping.
    pub fn private(file: &File, length: usize) -> Self {
        Self::new(file, length, MapFlags::PRIVATE)
    }

    fn new(file: &File, length: usize, flags: MapFlags) -> Self {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a fresh mapping at an address the kernel chooses overlaps nothing.
        let at = unsafe { mmap(std::ptr::null_mut(), length, access, flags, file, 0) }.unwrap();
        Self { at, length }
    }

    /// Copies bytes out of the mapping.
    pub fn load(&self, offset: usize, length: usize) -> Vec<u8> {
        assert!(offset + length <= self.length);
        (offset..offset + length)
            // SAFETY: within the mapping (asserted); volatile, as others change the file.
            .map(|index| unsafe { self.at.cast::<u8>().add(index).read_volatile() })
            .collect()
    }

    /// Copies bytes into the mapping.
    pub fn store(&self, offset: usize, bytes: &[u8]) {
        assert!(offset + bytes.len() <= self.length);
        for (index, byte) in bytes.iter().enumerate() {
            // SAFETY: within the mapping (asserted), which is writable and is no Rust object.
            unsafe { self.at.cast::<u8>().add(offset + index).write_volatile(*byte) };
        }
    }

    /// Writes the first bytes to the beginning of a file, in one call.
    pub fn write_to(&self, file: &File, length: usize) {
        assert!(length <= self.length);
        // SAFETY: within the mapping (asserted), of which nobody stores meanwhile.
        let bytes = unsafe { std::slice::from_raw_parts(self.at.cast::<u8>(), length) };
        assert_eq!(rustix::io::pwrite(file, bytes, 0).unwrap(), length);
    }

    /// Writes the mapping's changes back to the file.
    pub fn sync(&self) {
        // SAFETY: exactly the range that was mapped.
        unsafe { msync(self.at, self.length, MsyncFlags::SYNC) }.unwrap();
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: exactly the range that was mapped; nothing refers to it any more.
        let _ = unsafe { munmap(self.at, self.length) };
    }
}

/// Runs `work` in a child process and returns what it returns, below 256.
///
/// `work` may make system calls and nothing else: no allocation, no lock, no panic.
pub fn in_child(work: impl FnOnce() -> u8) -> u8 {
    // SAFETY: the child, a copy of one thread, only makes system calls (the caller's duty) and exits.
    match unsafe { fork() }.unwrap() {
        ForkResult::Child => {
            let code = work();
            // SAFETY: ends the child without running anything of the parent's.
            unsafe { nix::libc::_exit(i32::from(code)) }
        }
        ForkResult::Parent { child } => {
            let pid = u32::try_from(child.as_raw()).unwrap();
            if !ended_within(pid, Duration::from_secs(30)) {
                let _ = nix::sys::signal::kill(child, nix::sys::signal::Signal::SIGKILL);
            }
            match waitpid(child, None).unwrap() {
                WaitStatus::Exited(_, code) => u8::try_from(code).unwrap(),
                other => panic!("the child process did not exit: {other:?}"),
            }
        }
    }
}
