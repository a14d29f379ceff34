//! What is done to a file.

use super::super::model_tests::Operation;
use crate::format::geometry::PAYLOAD;
use crate::storage::double::Random;

/// One step of a workload.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// A change of the contents, or none, which users ask for.
    Edit(Operation),
    /// `fsync`.
    Sync,
    /// The last handle is closed and another opened.
    Reopen,
    /// The category gets another key.
    NewEpoch,
    /// The header is brought under the new key.
    Rewrap,
    /// So many sectors are re-encrypted; what begins and ends that goes with it.
    Rekey(u64),
    /// When the file is under the new key, everything is synced and the old key destroyed.
    Retire,
}

const S: u64 = PAYLOAD;

fn write(offset: u64, length: u64, byte: u8) -> Step {
    Step::Edit(Operation::Write(offset, vec![byte; length as usize]))
}

/// Steps at and around the places where something changes, for workloads of so many. All of up to three are
/// tried; a file that is extended so far that it gets holes takes long to read, so that is left out of those of
/// three, which begin with holes.
pub(super) fn alphabet(length: usize) -> Vec<Step> {
    let far = if length < 3 { 300 } else { 9 };
    vec![
        write(0, 10, 1),
        write(60, 100, 2),
        write(S - 5, 10, 3),
        write(S, 2 * S, 4),
        write(3 * S + 7, S, 5),
        Step::Edit(Operation::SetSize(0)),
        Step::Edit(Operation::SetSize(60)),
        Step::Edit(Operation::SetSize(S)),
        Step::Edit(Operation::SetSize(2 * S + 9)),
        Step::Edit(Operation::SetSize(far * S + 1)),
        Step::Edit(Operation::Punch(S - 1, 2 * S)),
        Step::Edit(Operation::ZeroRange(S + 10, 3 * S, false)),
        Step::Edit(Operation::Reserve(S, 3 * S, false)),
        Step::Rekey(u64::MAX),
        Step::Sync,
        Step::Reopen,
    ]
}

/// What the file is before the first step, synced.
pub(super) fn beginnings() -> Vec<Vec<Step>> {
    let full = write(0, 3 * S + 100, 9);
    let holes = vec![full.clone(), Step::Edit(Operation::Punch(S, S))];
    vec![vec![], vec![write(0, 100, 8)], vec![full], holes]
}

/// Where something changes: sectors, pages and, seldom, since that takes long, the largest gap that is stored.
fn position(random: &mut Random) -> u64 {
    let boundary = match random.below(400) {
        0..260 => random.below(5) * S,
        260..350 => random.below(4) * 4096,
        350 => (255 + random.below(3)) * S,
        351 => 300 * S,
        _ => return random.below(20_000),
    };
    (boundary + random.below(5)).saturating_sub(2)
}

fn length(random: &mut Random) -> u64 {
    match random.below(400) {
        0 => 258 * S,
        1..240 => 1 + random.below(3 * S),
        240..320 => 1 + random.below(100),
        _ => (1 + random.below(3)) * S,
    }
}

fn edit(random: &mut Random) -> Operation {
    let (at, length, keep) = (position(random), length(random), random.below(2) == 1);
    match random.below(14) {
        0..6 => Operation::Write(at, vec![1 + random.below(255) as u8; length as usize]),
        6..9 => Operation::SetSize(if random.below(4) == 0 { 0 } else { at }),
        9 | 10 => Operation::Punch(at, length),
        11 => Operation::ZeroRange(at, length, keep),
        12 => Operation::Reserve(at, length.min(4 * S), keep),
        _ => Operation::Read(at, length as usize),
    }
}

/// Any step.
pub(super) fn any(random: &mut Random) -> Step {
    match random.below(20) {
        0..12 => Step::Edit(edit(random)),
        12 | 13 => Step::Sync,
        14 => Step::Reopen,
        15 => Step::NewEpoch,
        16 => Step::Rewrap,
        17 | 18 => Step::Rekey(1 + random.below(3)),
        _ => Step::Retire,
    }
}
