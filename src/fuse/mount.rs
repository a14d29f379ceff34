//! Mounting, serving, unmounting. The mount is our own `mount(2)`: no helper program is run.

use super::bridge::{Bridge, Served};
use super::transport::{self, Serving, Transport};
use super::wire::MAX_TRANSFER;
use super::{Counters, Gate, crowd};
use crate::sys::{affinity, fuse_device};
use crate::volume::{Ino, Volume};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Requests of the largest size that the kernel reads ahead.
const REQUESTS_AHEAD: u32 = 4;

/// What is to be mounted.
pub struct Mount {
    /// The tree.
    pub volume: Arc<Volume>,
    /// Who may.
    pub gate: Arc<dyn Gate>,
    /// Where totals are kept.
    pub counters: Arc<Counters>,
    /// By which way requests are to go.
    pub transport: Transport,
}

/// A mount that is being served. Dropping it does not unmount.
pub struct Mounted {
    point: PathBuf,
    serving: Serving,
}

/// Whether the kernel offers FUSE here.
///
/// # Errors
/// Why `/dev/fuse` cannot be opened.
pub fn device_available() -> io::Result<()> {
    fuse_device::open().map(drop)
}

impl Mount {
    /// Mounts the tree on `point` and serves it from threads of its own. When this returns, requests
    /// are answered.
    ///
    /// # Errors
    /// The kernel's: no `/dev/fuse`, no right to mount, no such directory.
    pub fn serve(self, point: &Path) -> io::Result<Mounted> {
        let device = fuse_device::open()?;
        let data = format!(
            "fd={},rootmode=40755,user_id=0,group_id=0,default_permissions,allow_other",
            device.as_raw_fd()
        );
        let with_rings = transport::offers_rings(self.transport);
        let flags = MsFlags::MS_NODEV | MsFlags::MS_NOSUID;
        mount(Some("ezncrypt"), point, Some("fuse.ezncrypt"), flags, Some(data.as_str()))?;
        self.run(device, point, with_rings).inspect_err(|_| {
            let _ = umount2(point, MntFlags::MNT_DETACH);
        })
    }

    fn run(self, device: File, point: &Path, with_rings: bool) -> io::Result<Mounted> {
        let bridge = Bridge { volume: self.volume, gate: self.gate, counters: self.counters };
        let (volume, place) = (bridge.volume.clone(), point.to_owned());
        let known = volume.clone();
        let broken: transport::Broken = Arc::new(move |why| {
            volume.panicked(None, why);
            // Whoever waits is told that nobody serves the mount: better than waiting for good.
            let _ = umount2(&place, MntFlags::MNT_FORCE | MntFlags::UMOUNT_NOFOLLOW);
        });
        let served = Arc::new(Served::new(bridge));
        let serving = transport::serve(device, served, with_rings, broken)?;
        read_ahead(point);
        crowd::watch(known, serving.notifier.clone())?;
        Ok(Mounted { point: point.to_owned(), serving })
    }
}

/// Has the kernel read some requests ahead: it takes FUSE to be slow, and with one only, who reads as much at a time
/// probably waits for each. Where it cannot be told (in a container, say) files are served all the same. How many pages may wait
/// that were written through mappings stays as it is: only the service can write them, and it must not have to wait for
/// that itself.
fn read_ahead(point: &Path) {
    let Ok(mounted) = rustix::fs::stat(point) else { return };
    let (major, minor) = (rustix::fs::major(mounted.st_dev), rustix::fs::minor(mounted.st_dev));
    let setting = format!("/sys/class/bdi/{major}:{minor}/read_ahead_kb");
    let _ = std::fs::write(setting, ((REQUESTS_AHEAD * MAX_TRANSFER) >> 10).to_string());
}

impl Mounted {
    /// Unmounts; with `lazily` even while files are open, which then fail once the process ends.
    ///
    /// # Errors
    /// `EBUSY` while something below is in use.
    pub fn unmount(&self, lazily: bool) -> io::Result<()> {
        let flags = if lazily { MntFlags::MNT_DETACH } else { MntFlags::empty() };
        Ok(umount2(&self.point, flags | MntFlags::UMOUNT_NOFOLLOW)?)
    }

    /// Whether the mount is still served (it ends when somebody else unmounts it).
    pub fn is_served(&self) -> bool {
        self.serving.goes_on()
    }

    /// Makes the kernel forget a name.
    pub fn drop_name(&self, parent: Ino, name: &OsStr) {
        self.serving.notifier.forget_name(parent.0, name);
    }

    /// Makes the kernel ask for a node's attributes again.
    pub fn drop_attributes(&self, ino: Ino) {
        self.serving.notifier.forget_attributes(ino.0);
    }

    /// Makes the kernel ask for a file's contents again. That may wait for requests that are being answered,
    /// so it is done by a thread of its own.
    pub fn drop_contents(&self, ino: Ino) {
        let notifier = self.serving.notifier.clone();
        let forget = move || {
            affinity::release();
            notifier.forget_contents(ino.0);
        };
        // Without a thread the kernel goes on showing what it has.
        let _ = std::thread::Builder::new().name("forget".into()).spawn(forget);
    }

    /// Whether requests go through rings.
    pub fn has_rings(&self) -> bool {
        self.serving.has_rings()
    }
}
