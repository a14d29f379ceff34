//! How many connections each user may hold, so that none can keep the others from starting a server.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Connections of one user, root's excepted.
const EACH: usize = 8;

/// The connections held, by user.
#[derive(Default)]
pub struct Turns(Mutex<HashMap<u32, usize>>);

/// One connection's turn; it ends when this is dropped.
pub struct Turn<'a> {
    turns: &'a Turns,
    uid: u32,
}

impl Turns {
    /// A turn for a user's connection; none while the user holds as many as one may.
    pub fn take(&self, uid: u32) -> Option<Turn<'_>> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(uid).or_default();
        if uid != 0 && *count >= EACH {
            return None;
        }
        *count += 1;
        Some(Turn { turns: self, uid })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut held = self.turns.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.uid) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.uid);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_who_holds_all_turns_of_theirs_takes_none_of_others() {
        let turns = Turns::default();
        let held: Vec<_> = (0..EACH).map(|_| turns.take(1000).unwrap()).collect();
        assert!(turns.take(1000).is_none());
        assert!(turns.take(1001).is_some() && turns.take(0).is_some());
        drop(held);
        assert!(turns.take(1000).is_some());
        assert!(turns.0.lock().unwrap().is_empty());
    }
}
