//! Who may read or write which sectors now, while the file's size stays as it is.
//!
//! Readers of a sector go together, a writer goes alone, and whoever comes first goes first where two want the
//! same. Nobody waits for good, as long as whoever has a turn waits for no other, and not for the file's state.
//! Whatever changes the file otherwise has its whole state instead.

use std::ops::Range;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The sectors of one file that are in use or waited for.
#[derive(Default)]
pub(super) struct Turns {
    queue: Mutex<Queue>,
    ended: Condvar,
}

#[derive(Default)]
struct Queue {
    /// In the order in which they came.
    uses: Vec<Use>,
    next: u64,
    waiting: usize,
}

struct Use {
    number: u64,
    sectors: Range<u64>,
    alone: bool,
}

/// The right to read or write some sectors, until it is dropped.
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    number: u64,
}

impl Turns {
    /// Waits until nobody writes any of the sectors who came before.
    pub fn to_read(&self, sectors: Range<u64>) -> Turn<'_> {
        self.wait(sectors, false)
    }

    /// Waits until nobody reads or writes any of the sectors who came before.
    pub fn to_write(&self, sectors: Range<u64>) -> Turn<'_> {
        self.wait(sectors, true)
    }

    fn wait(&self, sectors: Range<u64>, alone: bool) -> Turn<'_> {
        let mut queue = self.lock();
        let number = queue.next;
        queue.next += 1;
        queue.uses.push(Use { number, sectors: sectors.clone(), alone });
        while queue.must_wait(number, &sectors, alone) {
            queue.waiting += 1;
            queue = self.ended.wait(queue).unwrap_or_else(PoisonError::into_inner);
            queue.waiting -= 1;
        }
        Turn { turns: self, number }
    }

    /// How many turns were ever asked for.
    #[cfg(test)]
    pub fn asked(&self) -> u64 {
        self.lock().next
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn must_wait(&self, number: u64, sectors: &Range<u64>, alone: bool) -> bool {
        let mut before = self.uses.iter().take_while(|other| other.number < number);
        before.any(|other| (alone || other.alone) && other.meets(sectors))
    }
}

impl Use {
    fn meets(&self, sectors: &Range<u64>) -> bool {
        self.sectors.start < sectors.end && sectors.start < self.sectors.end
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut queue = self.turns.lock();
        queue.uses.retain(|other| other.number != self.number);
        let is_waited_for = queue.waiting > 0;
        drop(queue);
        // Each call of this is one of the kernel, and mostly nobody waits.
        if is_waited_for {
            self.turns.ended.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    /// Takes a turn in a thread, and gives it back at once.
    fn comes<'a>(
        scope: &'a std::thread::Scope<'a, '_>,
        turns: &'a Turns,
        sectors: Range<u64>,
        alone: bool,
    ) -> Receiver<()> {
        let (tell, told) = channel();
        let before = turns.lock().next;
        scope.spawn(move || {
            drop(turns.wait(sectors, alone));
            tell.send(())
        });
        while turns.lock().next == before {
            std::thread::yield_now();
        }
        told
    }

    fn waits(told: &Receiver<()>) -> bool {
        told.recv_timeout(Duration::from_millis(50)).is_err()
    }

    #[test]
    fn who_meets_a_writer_waits_and_nobody_else() {
        let turns = Turns::default();
        std::thread::scope(|scope| {
            let writer = turns.to_write(10..20);
            for alone in [false, true] {
                for beside in [0..10, 20..30] {
                    comes(scope, &turns, beside, alone).recv().unwrap();
                }
            }
            let met: Vec<_> = [(0..11, false), (19..30, true), (12..13, false), (0..99, true)]
                .into_iter()
                .map(|(sectors, alone)| comes(scope, &turns, sectors, alone))
                .collect();
            assert!(met.iter().all(waits));
            drop(writer);
            for told in met {
                told.recv().unwrap();
            }
        });
        assert!(turns.lock().uses.is_empty());
    }

    #[test]
    fn readers_go_together_and_a_writer_among_them_has_its_turn() {
        let turns = Turns::default();
        std::thread::scope(|scope| {
            let reader = turns.to_read(0..5);
            comes(scope, &turns, 0..5, false).recv().unwrap();
            let writer = comes(scope, &turns, 4..5, true);
            let late = comes(scope, &turns, 4..9, false);
            assert!(waits(&writer) && waits(&late), "the late reader goes after the writer");
            comes(scope, &turns, 0..4, false).recv().unwrap();
            drop(reader);
            writer.recv().unwrap();
            late.recv().unwrap();
        });
    }

    #[test]
    fn no_two_are_in_a_sector_when_one_of_them_writes() {
        let turns = Turns::default();
        let sectors: Vec<_> = (0..8).map(|_| Mutex::new(0_u64)).collect();
        let shared: Vec<_> = (0..8).map(|_| AtomicU64::new(0)).collect();
        std::thread::scope(|scope| {
            for seed in 0..6 {
                let (turns, sectors, shared) = (&turns, &sectors, &shared);
                scope.spawn(move || {
                    for round in 0..2000 {
                        let start = (seed * 7 + round * 5) % 8;
                        let end = (start + 1 + (round * 3 + seed) % 4).min(8);
                        if round % 3 == 0 {
                            let _turn = turns.to_read(start..end);
                            let sector = &shared[start as usize];
                            let before = sector.load(Relaxed);
                            std::thread::yield_now();
                            assert_eq!(sector.load(Relaxed), before, "somebody writes");
                            continue;
                        }
                        let _turn = turns.to_write(start..end);
                        for number in start as usize..end as usize {
                            *sectors[number].try_lock().expect("somebody else is there") += 1;
                            shared[number].fetch_add(1, Relaxed);
                        }
                    }
                });
            }
        });
        assert!(sectors.iter().all(|sector| *sector.lock().unwrap() > 0));
    }
}
