//! What the kernel is told without being asked.

use super::super::wire::abi::{
    NOTIFY_INVAL_ENTRY, NOTIFY_INVAL_INODE, NOTIFY_PRUNE, NotifyInvalEntry, NotifyInvalInode,
    NotifyPrune, OutHeader,
};
use super::reply::{try_write, write};
use crate::volume::Ino;
use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use zerocopy::IntoBytes;

/// Nodes that one notice names at most.
const PRUNED_AT_ONCE: usize = 512;

/// Tells the kernel to forget. What it does not know it need not forget, so no error is of interest.
#[derive(Clone)]
pub struct Notifier(Arc<File>);

impl Notifier {
    pub fn new(device: Arc<File>) -> Self {
        Self(device)
    }

    /// A name in a directory.
    pub fn forget_name(&self, parent: u64, name: &OsStr) {
        let Ok(name_len) = u32::try_from(name.len()) else { return };
        let notice = NotifyInvalEntry { parent, name_len, flags: 0 };
        self.tell(NOTIFY_INVAL_ENTRY, &[notice.as_bytes(), name.as_bytes(), &[0]]);
    }

    /// A node's attributes.
    pub fn forget_attributes(&self, node: u64) {
        let notice = NotifyInvalInode { node, offset: -1, length: 0 };
        self.tell(NOTIFY_INVAL_INODE, &[notice.as_bytes()]);
    }

    /// A file's contents and attributes; waits for requests about it that are being answered.
    pub fn forget_contents(&self, node: u64) {
        let notice = NotifyInvalInode { node, offset: 0, length: 0 };
        self.tell(NOTIFY_INVAL_INODE, &[notice.as_bytes()]);
    }

    /// These nodes altogether, where nobody uses them. May wait for nothing but the kernel's own locks.
    ///
    /// # Errors
    /// `EINVAL` before Linux 6.18, which cannot be asked for that; the kernel's.
    pub fn prune(&self, nodes: &[Ino]) -> rustix::io::Result<()> {
        for nodes in nodes.chunks(PRUNED_AT_ONCE) {
            let notice = NotifyPrune { count: nodes.len() as u32, ..NotifyPrune::default() };
            let numbers: Vec<u64> = nodes.iter().map(|node| node.0).collect();
            let parts = [notice.as_bytes(), numbers.as_bytes()];
            try_write(&self.0, &header(NOTIFY_PRUNE, &parts), &parts)?;
        }
        Ok(())
    }

    fn tell(&self, what: i32, parts: &[&[u8]]) {
        write(&self.0, &header(what, parts), parts);
    }
}

fn header(what: i32, parts: &[&[u8]]) -> OutHeader {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let len = (size_of::<OutHeader>() + length) as u32;
    OutHeader { len, error: what, unique: 0 }
}
