//! The power is cut under load, again and again.

use super::stage::{Stage, times};
use super::support::disk::{BTRFS, Disk, EXT4, EXT4_AT_ONCE, EXT4_SMALL, Kind, XFS};

fn cut_again_and_again(kind: Kind) {
    let mut stage = Stage::on(Disk::that_can_be_cut(kind));
    let rounds = times(3, 200, "EZNCRYPT_CUTS");
    for round in 1..=rounds {
        let load = stage.load();
        let before = stage.works.standing();
        stage.disk.snapshot();
        let after = stage.works.standing();
        stage.kill(load);
        stage.fall_back();
        stage.come_back(true, &before, &after);
        if round % 10 == 0 || round == rounds {
            stage.look(true, round);
        }
        let unrecovered = stage.unrecovered();
        assert!(unrecovered <= 1 + round / 50, "{unrecovered} of {round}");
    }
}

/// The tests above would not be passed by chance.
#[test]
fn a_disk_that_lost_what_it_had_told_to_be_durable_is_noticed_in_each_file_and_by_each_client() {
    let mut stage = Stage::on(Disk::that_can_be_cut(EXT4));
    for attempt in 0..3 {
        let load = stage.load();
        stage.disk.snapshot();
        // Among so many there are changes and then syncs; a client's next transaction may have been durable before.
        stage.works.wait_for(100, 2);
        let late = stage.works.standing_with_contents();
        stage.kill(load);
        stage.fall_back();
        let faults = stage.faults(true, &late, &late);
        let are_missed = |lost: &[&str]| {
            for lost in lost {
                let is_missed = faults.iter().any(|fault| fault.contains(lost));
                assert!(is_missed, "{lost} was not missed: {faults:#?}");
            }
        };
        are_missed(&["files/0", "files/1", "files/2", "the document"]);
        if stage.unrecovered() == attempt {
            return are_missed(&["client 0", "client 1"]);
        }
    }
    panic!("the database never recovered");
}

#[test]
fn nothing_synced_is_lost_in_a_power_cut_on_ext4() {
    cut_again_and_again(EXT4);
}

#[test]
fn nothing_synced_is_lost_in_a_power_cut_on_ext4_with_small_blocks() {
    cut_again_and_again(EXT4_SMALL);
}

#[test]
fn nothing_synced_is_lost_in_a_power_cut_on_ext4_that_allocates_at_once() {
    cut_again_and_again(EXT4_AT_ONCE);
}

#[test]
fn nothing_synced_is_lost_in_a_power_cut_on_xfs() {
    cut_again_and_again(XFS);
}

#[test]
fn nothing_synced_is_lost_in_a_power_cut_on_btrfs() {
    cut_again_and_again(BTRFS);
}
