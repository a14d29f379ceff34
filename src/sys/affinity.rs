//! On which processors threads run.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::sync::OnceLock;

/// Where this process ran before its first thread was bound.
static ANYWHERE: OnceLock<Option<CpuSet>> = OnceLock::new();

/// Binds the calling thread, and those that it starts, to one processor. Where this process may not run there, or the
/// number is beyond what the kernel is asked about (1023), it stays as it is.
pub fn bind(processor: u16) {
    ANYWHERE.get_or_init(|| sched_getaffinity(None).ok());
    if usize::from(processor) < CpuSet::MAX_CPU {
        let mut only = CpuSet::new();
        only.set(usize::from(processor));
        let _ = sched_setaffinity(None, &only);
    }
}

/// Lets the calling thread run where the process may: whoever started it may be bound.
pub fn release() {
    if let Some(Some(anywhere)) = ANYWHERE.get() {
        let _ = sched_setaffinity(None, anywhere);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn processors() -> u32 {
        sched_getaffinity(None).unwrap().count()
    }

    #[test]
    fn a_thread_of_a_bound_thread_can_be_released() {
        let before = processors();
        let bound = move || {
            bind(u16::MAX);
            assert_eq!(processors(), before);
            let own = sched_getaffinity(None).unwrap();
            let first = (0..CpuSet::MAX_CPU).find(|number| own.is_set(*number)).unwrap();
            bind(first as u16);
            let inner = || {
                let inherited = processors();
                release();
                (inherited, processors())
            };
            thread::spawn(inner).join().unwrap()
        };
        assert_eq!(thread::spawn(bound).join().unwrap(), (1, before));
        assert_eq!(processors(), before);
    }
}
