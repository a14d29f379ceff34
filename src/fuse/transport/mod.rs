//! How requests arrive and answers leave: through `/dev/fuse`, and through rings where the kernel has them.
//!
//! What is mounted is the same for both: a [`Handler`] is given each request with the means of answering it.

mod device;
mod notify;
mod reply;
mod rings;

pub use notify::Notifier;
pub use reply::{Reply, Request};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transport {
    /// Through rings where the kernel offers them.
    #[default]
    Offered,
    /// Through the device.
    Device,
    /// Through rings, which the kernel is told to offer.
    Rings,
}

/// Something mounted that is being served.
pub struct Serving {
    pub notifier: Notifier,
    /// Requests go through rings.
    pub with_rings: bool,
    threads: Vec<JoinHandle<io::Result<()>>>,
}

impl Serving {
    /// Whether the mount still is.
    pub fn goes_on(&self) -> bool {
        self.threads.iter().any(|thread| !thread.is_finished())
    }
}

/// Serves the connection that `device` was mounted with, from threads of its own. When this returns, requests are
/// answered.
///
/// # Errors
/// The kernel's: a version of the protocol that is not spoken here, no threads. That there are no rings is none.
pub fn serve(device: File, handler: Arc<dyn Handler>, transport: Transport) -> io::Result<Serving> {
    let device = Arc::new(device);
    let with_rings = match transport {
        Transport::Device => false,
        Transport::Offered => rings::are_on(),
        Transport::Rings => rings::turn_on().is_ok(),
    } && rings::are_allowed();
    let mut agreed_on_rings = false;
    device::greet(&device, |offer| {
        agreed_on_rings = with_rings && offer.has_rings();
        offer.accept(agreed_on_rings)
    })?;
    let threads = start_readers(&device, &handler)?;
    if agreed_on_rings {
        rings::start(&device, &handler)?;
    }
    Ok(Serving { notifier: Notifier::new(device), with_rings: agreed_on_rings, threads })
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
