//! Page-aligned, resident buffers, reused per thread.
//!
//! A write from an unaligned or absent buffer can fault half-way through a page and leave a torn
//! sector behind a `kill -9`; from an aligned, resident one it cannot.

use std::cell::RefCell;

const PAGE: usize = 4096;

/// Bytes that begin at a page boundary.
#[derive(Default)]
pub struct AlignedBuffer {
    bytes: Vec<u8>,
}

impl AlignedBuffer {
    /// The first `length` bytes, grown if need be; what they held before is not cleared.
    pub fn prepare(&mut self, length: usize) -> &mut [u8] {
        if self.bytes.len() < length + PAGE {
            self.bytes = vec![0; length + PAGE];
        }
        let start = self.bytes.as_ptr().align_offset(PAGE);
        &mut self.bytes[start..start + length]
    }
}

thread_local! {
    static FREE: RefCell<Vec<AlignedBuffer>> = const { RefCell::new(Vec::new()) };
}

/// Lends the thread's buffer of `length` bytes to `work`. Nested loans get buffers of their own.
pub fn with_buffer<T>(length: usize, work: impl FnOnce(&mut [u8]) -> T) -> T {
    let mut buffer = FREE.with_borrow_mut(Vec::pop).unwrap_or_default();
    let result = work(buffer.prepare(length));
    FREE.with_borrow_mut(|free| free.push(buffer));
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_page_aligned_also_when_nested() {
        with_buffer(5000, |outer| {
            assert_eq!((outer.as_ptr() as usize % PAGE, outer.len()), (0, 5000));
            outer.fill(1);
            with_buffer(9000, |inner| {
                assert_eq!((inner.as_ptr() as usize % PAGE, inner.len()), (0, 9000));
                inner.fill(2);
            });
            assert!(outer.iter().all(|byte| *byte == 1));
        });
    }
}
