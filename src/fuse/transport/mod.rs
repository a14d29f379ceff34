//! How requests arrive and answers leave: through `/dev/fuse`, and through rings where the kernel has them.
//!
//! What is mounted is the same for both: a [`Handler`] is given each request with the means of answering it.

mod device;
mod notify;
mod reply;
mod rings;

pub use notify::Notifier;
pub use reply::{Reply, Request};
use rings::{Prepared, Rings};

use crate::sys::fuse_device;
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

/// Carries requests out.
pub trait Handler: Send + Sync {
    /// Carries one out and answers it, now or later, from any thread.
    fn handle(&self, request: Request<'_>);
}

/// By which way requests go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Through rings where the kernel offers them.
    Offered,
    /// Through the device.
    Device,
    /// Through rings, which the kernel is told to offer.
    Rings,
}

/// Called, with the reason, when requests are left that nobody will answer: to end the mount.
pub type Broken = Arc<dyn Fn(&str) + Send + Sync>;

/// Something mounted that is being served.
pub struct Serving {
    pub notifier: Notifier,
    rings: Option<Rings>,
    readers: Vec<JoinHandle<io::Result<()>>>,
}

impl Serving {
    /// Whether the mount still is.
    pub fn goes_on(&self) -> bool {
        self.readers.iter().any(|reader| !reader.is_finished())
    }

    /// Whether requests go through rings.
    pub fn has_rings(&self) -> bool {
        self.rings.as_ref().is_some_and(Rings::are_used)
    }
}

/// Whether rings are to be asked for; turned on where they shall be. To be called before mounting: what the kernel
/// offers is settled then.
pub fn offers_rings(transport: Transport) -> bool {
    match transport {
        Transport::Device => false,
        Transport::Offered => rings::are_on(),
        Transport::Rings => rings::turn_on().is_ok(),
    }
}

/// Serves the connection that `device` was mounted with, from threads of its own. When this returns, requests are
/// answered.
///
/// # Errors
/// The kernel's: a version of the protocol that is not spoken here, no threads. That there are no rings is none.
pub fn serve(
    device: File,
    handler: Arc<dyn Handler>,
    are_offered: bool,
    broken: Broken,
) -> io::Result<Serving> {
    let device = Arc::new(device);
    let prepare = || rings::prepare(&device, &handler, &broken).ok();
    let prepared = if are_offered { prepare() } else { None };
    let mut is_agreed = false;
    device::greet(&device, |offer| {
        is_agreed = prepared.is_some() && offer.has_rings();
        offer.accept(is_agreed)
    })?;
    let readers = start_readers(&device, &handler)?;
    let rings = prepared.filter(|_| is_agreed).map(Prepared::start);
    Ok(Serving { notifier: Notifier::new(device), rings, readers })
}

/// A thread for each of several descriptors.
fn start_readers(
    device: &Arc<File>,
    handler: &Arc<dyn Handler>,
) -> io::Result<Vec<JoinHandle<io::Result<()>>>> {
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    let mut threads = Vec::new();
    for number in 0..(2 * processors).max(4) {
        let device = match number {
            0 => device.clone(),
            _ => Arc::new(fuse_device::another(device)?),
        };
        let handler = handler.clone();
        let read = move || device::answer_all(&device, &*handler);
        threads.push(Builder::new().name(format!("mount-{number}")).spawn(read)?);
    }
    Ok(threads)
}
