//! The service is killed under load, again and again.

use super::stage::{Stage, times};
use super::support::disk::{Disk, EXT4, Kind, TMPFS, XFS};

/// Rounds between two looks at everything.
const LOOK: usize = 10;

fn killed_again_and_again(kind: Kind, short: usize) {
    let mut stage = Stage::on(Disk::new(kind));
    let rounds = times(short, 1000, "EZNCRYPT_KILLS");
    for round in 1..=rounds {
        let load = stage.load();
        stage.kill(load);
        let standing = stage.works.standing();
        stage.come_back(false, &standing, &standing);
        if round % LOOK == 0 || round == rounds {
            stage.assert_sound();
            stage.look(false, round);
        }
    }
}

#[test]
fn nothing_answered_is_lost_when_the_service_is_killed_on_ext4() {
    killed_again_and_again(EXT4, 17);
}

#[test]
fn nothing_answered_is_lost_when_the_service_is_killed_on_xfs() {
    killed_again_and_again(XFS, 17);
}

#[test]
fn nothing_answered_is_lost_when_the_service_is_killed_on_a_tmpfs() {
    killed_again_and_again(TMPFS, 16);
}
