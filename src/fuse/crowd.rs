//! Having the kernel forget files before the service runs out of descriptors.
//!
//! The tree keeps a descriptor for each node that the kernel knows, and the kernel forgets one only when memory is
//! short. Linux 6.18 can be asked to (`FUSE_NOTIFY_PRUNE`); before that nothing can be done about it.

use super::transport::Notifier;
use crate::sys::affinity;
use crate::volume::Volume;
use nix::sys::resource::{Resource, getrlimit};
use rustix::io::Errno;
use std::io;
use std::sync::Arc;
use std::thread::{Builder, sleep};
use std::time::Duration;

/// How long the kernel has to tell what it forgot; doubled while it forgets nothing, up to the second one.
const PAUSES: [Duration; 2] = [Duration::from_millis(2), Duration::from_secs(1)];

/// Watches how many nodes the kernel knows, by a thread of its own, until the volume is closed. Half of the descriptors are
/// for nodes, the other half for the contents of those that are open.
///
/// # Errors
/// The kernel's: no thread to be had.
pub fn watch(volume: Arc<Volume>, notifier: Notifier) -> io::Result<()> {
    let (limit, _) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let most = usize::try_from(limit / 2).unwrap_or(usize::MAX);
    let watch = move || {
        affinity::release();
        let (mut pause, mut turn) = (PAUSES[0], 0);
        while let Some(idle) = volume.wait_for_crowd(most, turn) {
            let asked = notifier.prune(&idle);
            if let Err(Errno::INVAL | Errno::NODEV | Errno::NOTCONN | Errno::PERM) = asked {
                // This kernel cannot be asked, or the mount is over. Otherwise memory is short, say.
                return;
            }
            sleep(pause);
            let is_forgotten = idle.iter().any(|node| !volume.knows(*node));
            pause = if is_forgotten { PAUSES[0] } else { PAUSES[1].min(pause * 2) };
            turn += 1;
        }
    };
    Builder::new().name("crowd".into()).spawn(watch).map(drop)
}
