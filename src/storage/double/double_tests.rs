use super::*;
use rustix::io::Errno;
use std::collections::BTreeSet;

const SIZE: usize = PAGE as usize;

/// A page-aligned buffer of some pages, all bytes the same.
fn write(double: &Double, byte: u8, pages: usize, offset: u64) -> rustix::io::Result<usize> {
    crate::storage::with_buffer(pages * SIZE, |buffer| {
        buffer.fill(byte);
        double.pwrite(buffer, offset)
    })
}

/// The first byte of each page.
fn told(image: &Image) -> Vec<u8> {
    let byte = |page| {
        let mut byte = [0xee];
        image.read(&mut byte, page * PAGE);
        byte[0]
    };
    (0..image.size().div_ceil(PAGE)).map(byte).collect()
}

/// A file of two synced pages of ones.
fn ones() -> Double {
    let double = Double::holding(Image::default());
    write(&double, 1, 2, 0).unwrap();
    double.sync().unwrap();
    double
}

fn cuts(double: &Double) -> BTreeSet<Vec<u8>> {
    let epoch = double.epochs().pop().unwrap();
    let losses = epoch.lost_power(1000, &mut Random(1));
    losses.iter().filter(|loss| loss.torn.is_none()).map(|loss| told(&loss.image)).collect()
}

fn kills(double: &Double) -> Vec<Vec<u8>> {
    let epoch = double.epochs().pop().unwrap();
    (0..=epoch.changes()).map(|at| told(&epoch.killed(at).unwrap().image())).collect()
}

fn set<const N: usize>(states: [&[u8]; N]) -> BTreeSet<Vec<u8>> {
    states.iter().map(|state| state.to_vec()).collect()
}

#[test]
fn a_kill_leaves_what_was_written_so_far() {
    let double = ones();
    write(&double, 2, 3, 0).unwrap();
    assert_eq!(kills(&double), [vec![1, 1], vec![2, 1], vec![2, 2], vec![2, 2, 2]]);
}

#[test]
fn a_power_cut_leaves_any_of_the_pages_and_a_size_with_or_without_its_data() {
    let double = ones();
    write(&double, 2, 2, PAGE).unwrap();
    let without_size = [&[1u8, 1][..], &[1, 2]];
    let with_size = [&[1u8, 1, 0][..], &[1, 2, 0], &[1, 1, 2], &[1, 2, 2]];
    let expected: BTreeSet<_> = set(without_size).union(&set(with_size)).cloned().collect();
    assert_eq!(cuts(&double), expected);
    double.sync().unwrap();
    assert_eq!(cuts(&double), set([&[1, 2, 2]]));
}

#[test]
fn what_was_cut_off_never_comes_back_with_what_came_after() {
    let double = ones();
    double.truncate(PAGE).unwrap();
    write(&double, 2, 1, PAGE).unwrap();
    assert_eq!(cuts(&double), set([&[1, 1], &[1], &[1, 0], &[1, 2]]));
    let torn = |loss: &PowerLoss| loss.torn.is_some();
    let epoch = double.epochs().pop().unwrap();
    let losses = epoch.lost_power(1000, &mut Random(2));
    assert!(losses.iter().filter(|loss| torn(loss)).all(|loss| loss.torn == Some(1)));
    assert!(losses.iter().any(torn), "no page was torn");
}

#[test]
fn what_lies_behind_the_end_is_zeros_when_the_file_grows_again() {
    let double = ones();
    double.truncate(PAGE + 100).unwrap();
    double.truncate(2 * PAGE).unwrap();
    let (mut end, mut start) = ([9; 50], [9; 50]);
    double.pread(&mut end, PAGE + 100).unwrap();
    double.pread(&mut start, PAGE + 50).unwrap();
    assert_eq!((end, start), ([0; 50], [1; 50]));
}

#[test]
fn a_sync_that_fails_forgets_what_it_was_to_write_for_good() {
    for reverts in [false, true] {
        let double = ones();
        write(&double, 2, 1, 0).unwrap();
        double.set_loss(u64::MAX, reverts);
        double.arm(0, Fault::Once(Errno::IO));
        assert_eq!(double.sync(), Err(Errno::IO));
        double.forget();
        double.sync().unwrap();
        assert_eq!(cuts(&double), set([&[1, 1]]));
        let seen = if reverts { [1, 1] } else { [2, 1] };
        assert_eq!(told(&double.image()), seen);
    }
}

#[test]
fn faults_strike_when_they_should() {
    let double = ones();
    double.arm(1, Fault::Once(Errno::NOSPC));
    assert_eq!(write(&double, 2, 1, 0), Ok(SIZE));
    assert_eq!(write(&double, 3, 1, 0), Err(Errno::NOSPC));
    assert_eq!(write(&double, 4, 1, 0), Ok(SIZE));
    assert!(double.disarm());
    double.arm(0, Fault::From(Errno::IO));
    assert_eq!((write(&double, 5, 1, 0), double.sync()), (Err(Errno::IO), Err(Errno::IO)));
    double.arm(0, Fault::Short(5000));
    assert_eq!(write(&double, 6, 2, 0), Ok(5000));
    double.arm(0, Fault::Full(5));
    assert_eq!(write(&double, 7, 3, PAGE), Ok(2 * SIZE + 1024), "one page is there already");
    assert_eq!(write(&double, 7, 1, 9 * PAGE), Err(Errno::NOSPC));
    double.disarm();
    assert!(!double.disarm());
}

#[test]
fn a_write_from_an_unaligned_buffer_can_be_killed_inside_a_page() {
    let double = ones();
    crate::storage::with_buffer(SIZE + 1, |buffer| {
        buffer.fill(2);
        double.pwrite(&buffer[1..], 0).unwrap();
    });
    let killed = double.epochs().pop().unwrap().killed(1).unwrap().image();
    let (mut start, mut end) = ([0], [0]);
    killed.read(&mut start, 0);
    killed.read(&mut end, PAGE - 1);
    assert_eq!((start, end), ([2], [1]));
}

#[test]
fn a_nonce_that_comes_twice_is_seen_and_the_same_sector_twice_is_none() {
    let double = Double::holding(Image::default());
    write(&double, 3, 1, PAGE).unwrap();
    write(&double, 3, 1, PAGE).unwrap();
    assert!(!double.reused_nonce());
    crate::storage::with_buffer(SIZE, |buffer| {
        buffer.fill(3);
        buffer[4000] = 4;
        double.pwrite(buffer, 2 * PAGE).unwrap();
    });
    assert!(double.reused_nonce());
}
