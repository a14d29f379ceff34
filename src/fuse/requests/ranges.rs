//! Requests about a range of a file: reserving and freeing room, finding data and holes.

use super::super::bridge::{About, Answer, Bridge};
use crate::volume::{Error, HandleId};
use rustix::io::Errno;

impl Bridge {
    /// `fallocate(2)` of a range, as offset and length.
    pub(super) fn reserve_range(
        &self,
        handle: HandleId,
        range: (u64, u64),
        mode: i32,
    ) -> Answer<()> {
        let (offset, length) = range;
        self.answer(About::Handle(handle), || {
            let file = self.checked(self.volume.file(handle))?.file;
            let keep = mode & libc::FALLOC_FL_KEEP_SIZE != 0;
            self.checked(match mode & !libc::FALLOC_FL_KEEP_SIZE {
                0 => file.reserve(offset, length, keep),
                libc::FALLOC_FL_PUNCH_HOLE => file.punch(offset, length),
                libc::FALLOC_FL_ZERO_RANGE => file.zero_range(offset, length, keep),
                _ => Err(Error::Unsupported),
            })
        })
    }

    /// `lseek(2)` to data or to a hole.
    pub(super) fn seek_range(&self, handle: HandleId, offset: i64, whence: i32) -> Answer<u64> {
        self.answer(About::Handle(handle), || {
            let file = self.checked(self.volume.file(handle))?.file;
            let offset = u64::try_from(offset).map_err(|_| Errno::NXIO)?;
            let found = match whence {
                libc::SEEK_DATA => file.seek_data(offset),
                libc::SEEK_HOLE => file.seek_hole(offset),
                _ => return Err(Errno::INVAL),
            };
            self.checked(found)?.ok_or(Errno::NXIO)
        })
    }
}
