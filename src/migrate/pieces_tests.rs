use super::*;
use crate::migrate::content::Form;
use crate::volume::Error;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// A file of data, a hole and data, and how large it is.
fn content() -> (File, Content, u64) {
    let file = tempfile::tempfile().unwrap();
    let size = 20 * CHUNK + 77;
    let data: Vec<u8> = (0..5 * CHUNK + 100).map(|at| (at % 251) as u8).collect();
    file.write_all_at(&data, 0).unwrap();
    file.write_all_at(&data[..90_000], size - 90_000).unwrap();
    let content = Content::open(file.try_clone().unwrap().into(), &Form::Plain).unwrap();
    (file, content, size)
}

#[test]
fn each_piece_is_used_once_and_in_order() {
    let (file, content, size) = content();
    for ahead in [false, true] {
        let (mut end, mut sum) = (0, 0);
        let whole = read_all(&content, size, ahead, &mut |at, bytes| {
            assert!(at >= end && bytes.len() as u64 <= CHUNK);
            let mut wanted = vec![0; bytes.len()];
            file.read_exact_at(&mut wanted, at).unwrap();
            assert!(wanted == bytes, "at {at}");
            end = at + bytes.len() as u64;
            sum += bytes.len() as u64;
            Ok(())
        });
        assert!(whole.unwrap());
        assert_eq!(end, size);
        assert!((5 * CHUNK..10 * CHUNK).contains(&sum), "the hole was read: {sum}");
    }
}

#[test]
fn a_file_that_became_shorter_and_a_failed_use_end_it() {
    let (file, content, size) = content();
    for ahead in [false, true] {
        let mut uses = 0;
        let failed = read_all(&content, size, ahead, &mut |_, _| {
            uses += 1;
            if uses == 2 { Err(Error::TooLarge) } else { Ok(()) }
        });
        assert!(matches!(failed, Err(Error::TooLarge)), "{failed:?}");
        assert_eq!(uses, 2);
    }
    file.set_len(3 * CHUNK + 5).unwrap();
    for ahead in [false, true] {
        let mut end = 0;
        let whole = read_all(&content, 5 * CHUNK, ahead, &mut |at, bytes| {
            end = at + bytes.len() as u64;
            Ok(())
        });
        // Where the filesystem tells that nothing follows, there is nothing to miss.
        assert!(!whole.unwrap() || end == 3 * CHUNK + 5);
        assert!(end <= 3 * CHUNK + 5);
    }
}
