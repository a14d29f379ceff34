//! What is mounted where, as `/proc/self/mountinfo` tells it (proc_pid_mountinfo(5)).

use crate::sys::open_files::unescape;
use std::path::{Path, PathBuf};

/// One mount of this mount namespace.
struct Mount<'a> {
    /// `major:minor`.
    device: &'a [u8],
    /// The directory of that filesystem which is shown.
    root: PathBuf,
    /// Where it is shown.
    point: PathBuf,
}

fn parse(mountinfo: &[u8]) -> Vec<Mount<'_>> {
    let lines = mountinfo.split(|byte| *byte == b'\n');
    lines
        .filter_map(|line| {
            let mut fields = line.split(|byte| *byte == b' ').skip(2);
            let device = fields.next()?;
            let root = PathBuf::from(unescape(fields.next()?));
            let point = PathBuf::from(unescape(fields.next()?));
            Some(Mount { device, root, point })
        })
        .collect()
}

/// The mount points at `path` or below it, and those that show something at or below it elsewhere
/// (bind mounts of it).
pub(super) fn disturbing(path: &Path, mountinfo: &[u8]) -> Vec<PathBuf> {
    let mounts = parse(mountinfo);
    let length = |mount: &&Mount<'_>| mount.point.components().count();
    // The last of those mounted on one point is the one that is seen.
    let holder = mounts.iter().filter(|mount| path.starts_with(&mount.point)).max_by_key(length);
    let own = holder.and_then(|holder| {
        let inner = holder.root.join(path.strip_prefix(&holder.point).ok()?);
        Some((holder.device, inner))
    });
    let elsewhere = |mount: &Mount<'_>| {
        own.as_ref()
            .is_some_and(|(device, inner)| mount.device == *device && mount.root.starts_with(inner))
    };
    let found = mounts.iter().filter(|mount| mount.point.starts_with(path) || elsewhere(mount));
    found.map(|mount| mount.point.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTINFO: &[u8] = b"\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n\
30 22 0:24 / /srv/my\\040data/tmp rw - tmpfs tmpfs rw\n\
31 22 254:0 /srv/my\\040data/logs /mnt/logs rw - ext4 /dev/vda rw\n\
32 22 254:16 / /home rw - ext4 /dev/vdb rw\n\
33 22 254:16 /mfrank /mnt/mfrank rw - ext4 /dev/vdb rw\n";

    #[test]
    fn mount_points_below_and_bind_mounts_elsewhere_are_found() {
        let found = disturbing(Path::new("/srv/my data"), MOUNTINFO);
        assert_eq!(found, [Path::new("/srv/my data/tmp"), Path::new("/mnt/logs")]);
        let found = disturbing(Path::new("/home/mfrank"), MOUNTINFO);
        assert_eq!(found, [Path::new("/mnt/mfrank")]);
        assert_eq!(disturbing(Path::new("/home"), MOUNTINFO).len(), 2);
    }

    #[test]
    fn neighbours_and_the_mount_around_it_do_not_disturb() {
        for path in ["/srv/my", "/srv/other", "/home/other", "/home/mfrank2"] {
            assert_eq!(disturbing(Path::new(path), MOUNTINFO), Vec::<PathBuf>::new(), "{path}");
        }
    }
}
