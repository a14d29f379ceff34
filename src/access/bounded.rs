//! A map that forgets its oldest entries, so that no caller can make it grow without end.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// At most `capacity` entries; the one put in first goes first.
pub(super) struct Bounded<K, V> {
    entries: HashMap<K, V>,
    order: VecDeque<K>,
    capacity: usize,
}

impl<K: Hash + Eq + Clone, V> Bounded<K, V> {
    pub fn new(capacity: usize) -> Self {
        Self { entries: HashMap::new(), order: VecDeque::new(), capacity }
    }

    pub fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key)
    }

    pub fn insert(&mut self, key: K, value: V) {
        if self.entries.insert(key.clone(), value).is_some() {
            return;
        }
        self.order.push_back(key);
        while self.order.len() > self.capacity {
            if let Some(oldest) = self.order.pop_front() {
                self.entries.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_entry_is_forgotten_and_one_put_in_again_counts_once() {
        let mut map = Bounded::new(2);
        map.insert(1, 'a');
        map.insert(1, 'b');
        map.insert(2, 'c');
        assert_eq!(map.get(&1), Some(&'b'));
        map.insert(3, 'd');
        assert_eq!(map.get(&1), None);
        assert_eq!((map.get(&2), map.get(&3)), (Some(&'c'), Some(&'d')));
        assert_eq!(map.entries.len(), 2);
    }
}
