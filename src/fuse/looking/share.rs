//! Whose turn it is: who came first, but an ordinary user has no more than a share of the threads.

use super::desk::{ALL, THREADS};
use std::collections::{BTreeMap, VecDeque};

/// Looks at work at the same time for one user other than root.
pub(super) const SHARE: usize = THREADS / 4;
/// The same, with those that were answered late and have not come back: they hold threads too.
pub(super) const HANGING: usize = ALL / 4;

/// Requests of one user other than root that wait to be looked at. Each holds a thread where requests come through
/// rings, and there is an end of those.
pub(super) const CROWD: usize = 512;

/// Numbers the requests in the order in which they came.
pub(super) type Ticket = u64;

/// Who waits and who is looked at, by uid.
#[derive(Default)]
pub(super) struct Shares {
    of: BTreeMap<u32, Share>,
}

#[derive(Default)]
struct Share {
    waiting: VecDeque<Ticket>,
    at_work: usize,
    late: usize,
}

impl Shares {
    /// One more request waits, the latest of all.
    pub fn put(&mut self, uid: u32, ticket: Ticket) {
        self.of.entry(uid).or_default().waiting.push_back(ticket);
    }

    /// Whether so many requests of a user wait that no more are to.
    pub fn is_crowded(&self, uid: u32) -> bool {
        uid != 0 && self.of.get(&uid).is_some_and(|share| share.waiting.len() >= CROWD)
    }

    /// The request that is to be looked at next, of those whose user has not had its share.
    pub fn next(&self) -> Option<(Ticket, u32)> {
        let fronts = self.of.iter().filter(|(uid, share)| share.has_room(**uid));
        fronts.filter_map(|(uid, share)| Some((*share.waiting.front()?, *uid))).min()
    }

    /// Takes what is next to work.
    pub fn take(&mut self) -> Option<Ticket> {
        let (_, uid) = self.next()?;
        let share = self.of.get_mut(&uid)?;
        share.at_work += 1;
        share.waiting.pop_front()
    }

    /// The first request of a user was answered late before it was looked at.
    pub fn passed_over(&mut self, uid: u32) {
        self.change(uid, |share| {
            share.waiting.pop_front();
        });
    }

    /// A request was answered late while its look goes on.
    pub fn late(&mut self, uid: u32) {
        self.change(uid, |share| {
            share.at_work -= 1;
            share.late += 1;
        });
    }

    /// A look is over, whose request had been answered late or not.
    pub fn over(&mut self, uid: u32, late: bool) {
        self.change(uid, |share| {
            let count = if late { &mut share.late } else { &mut share.at_work };
            *count -= 1;
        });
    }

    fn change(&mut self, uid: u32, change: impl FnOnce(&mut Share)) {
        let Some(share) = self.of.get_mut(&uid) else { return };
        change(share);
        if share.waiting.is_empty() && share.at_work + share.late == 0 {
            self.of.remove(&uid);
        }
    }
}

impl Share {
    fn has_room(&self, uid: u32) -> bool {
        uid == 0 || (self.at_work < SHARE && self.at_work + self.late < HANGING)
    }
}
