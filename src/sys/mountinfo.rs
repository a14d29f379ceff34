//! `/proc/PID/mountinfo` (proc_pid_mountinfo(5)): paths as it writes them, and what is mounted where.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// Reads a path in which white space and `\\` stand as `\\` and three octal digits; none where that is
/// broken.
pub fn path(text: &[u8]) -> Option<PathBuf> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        if *first == b'\\' {
            let digits = std::str::from_utf8(after.get(..3)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 8).ok()?);
            rest = &after[3..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    Some(OsString::from_vec(bytes).into())
}

/// The devices, by major and minor number, of all FUSE filesystems that are mounted on the mount point which is nearest
/// above a path, whichever hides which. None where there are others: not every filesystem's files show its own
/// device. No filesystem is asked; `mountinfo` is what the file holds.
pub fn fuse_at(below: &Path, mountinfo: &[u8]) -> Vec<(u32, u32)> {
    let mounts = mountinfo.split(|byte| *byte == b'\n').filter_map(parse);
    let mounts: Vec<_> = mounts.filter(|(point, _)| below.starts_with(point)).collect();
    let length = |point: &Path| point.components().count();
    let nearest = mounts.iter().map(|(point, _)| length(point)).max();
    let nearest = mounts.iter().filter(|(point, _)| Some(length(point)) == nearest);
    nearest.map(|(_, device)| *device).collect::<Option<_>>().unwrap_or_default()
}

/// The mount point of a line, and the device when it is a FUSE filesystem's.
fn parse(line: &[u8]) -> Option<(PathBuf, Option<(u32, u32)>)> {
    let mut fields = line.split(|byte| *byte == b' ').skip(2);
    let (major, minor) = std::str::from_utf8(fields.next()?).ok()?.split_once(':')?;
    let device = (major.parse().ok()?, minor.parse().ok()?);
    let point = path(fields.nth(1)?)?;
    let kind = fields.skip_while(|field| *field != b"-").nth(1)?;
    Some((point, kind.starts_with(b"fuse").then_some(device)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mount_point_tells_the_devices() {
        let mountinfo = b"\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n\
30 22 0:24 / /srv/my\\040data rw,relatime shared:1 - fuse.ezncrypt ezncrypt rw\n\
31 30 0:25 / /srv/my\\040data rw - fuse ezncrypt rw\n\
32 22 0:26 / /srv/my rw - fuse ezncrypt rw\n\
33 32 0:27 / /srv/my rw - tmpfs tmpfs rw\n";
        for (below, devices) in
            [("/srv/my data/x", &[(0, 24), (0, 25)][..]), ("/srv/my/x", &[]), ("/srv/mine", &[])]
        {
            assert_eq!(fuse_at(Path::new(below), mountinfo), devices, "{below}");
        }
    }

    #[test]
    fn octal_digits_are_read_and_broken_ones_refused() {
        assert_eq!(path(b"/a\\040b\\134c"), Some("/a b\\c".into()));
        for broken in [&b"/a\\04"[..], b"/a\\999", b"/a\\400", b"\\"] {
            assert_eq!(path(broken), None);
        }
    }
}
