//! A category's keys: what the file keys of its files are wrapped under.

use super::sector::Suite;
use super::{Error, Key, Result, random};
use std::collections::BTreeMap;

/// The random identity of a category. It never changes and stands in every file header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CategoryId(pub [u8; 16]);

/// The keys of one category by epoch; rotation adds an epoch, files name the one they use.
pub struct CategoryKeys {
    /// The category.
    pub id: CategoryId,
    /// The cipher that new files get.
    pub suite: Suite,
    current: u32,
    keys: BTreeMap<u32, Key>,
}

impl CategoryKeys {
    /// A new category: random identity, random key of epoch 1.
    ///
    /// # Errors
    /// [`Error::Random`] when the kernel gives no random bytes.
    pub fn generate(suite: Suite) -> Result<Self> {
        let id = CategoryId(random()?);
        Ok(Self { id, suite, current: 1, keys: BTreeMap::from([(1, Key::random()?)]) })
    }

    /// Puts a category together from stored parts.
    ///
    /// # Errors
    /// [`Error::UnknownEpoch`] when there is no key of the `current` epoch.
    pub fn from_parts(
        id: CategoryId,
        suite: Suite,
        current: u32,
        keys: BTreeMap<u32, Key>,
    ) -> Result<Self> {
        if !keys.contains_key(&current) {
            return Err(Error::UnknownEpoch(current));
        }
        Ok(Self { id, suite, current, keys })
    }

    /// These keys and those of `other`, the same category's; the higher current epoch stays current.
    ///
    /// # Errors
    /// [`Error::EpochDiffers`] when the two have different keys of one epoch.
    pub fn merged_with(&self, other: &Self) -> Result<Self> {
        let mut keys: BTreeMap<u32, Key> =
            self.epochs().map(|(epoch, key)| (epoch, key.duplicate())).collect();
        for (epoch, key) in other.epochs() {
            match keys.get(&epoch) {
                Some(ours) if !ours.same_as(key) => return Err(Error::EpochDiffers(epoch)),
                Some(_) => {}
                None => {
                    keys.insert(epoch, key.duplicate());
                }
            }
        }
        Self::from_parts(self.id, self.suite, self.current.max(other.current), keys)
    }

    /// These keys and a new random one, which becomes the current.
    ///
    /// # Errors
    /// [`Error::Random`] when the kernel gives no random bytes; [`Error::EpochsUsedUp`].
    pub fn with_new_epoch(&self) -> Result<Self> {
        let highest = self.keys.keys().next_back().copied().unwrap_or_default();
        let current = highest.checked_add(1).ok_or(Error::EpochsUsedUp)?;
        let mut keys = self.since(0);
        keys.insert(current, Key::random()?);
        Ok(Self { id: self.id, suite: self.suite, current, keys })
    }

    /// These keys without those of the epochs before `epoch`; the current one always stays.
    #[must_use]
    pub fn without_epochs_before(&self, epoch: u32) -> Self {
        let keys = self.since(epoch.min(self.current));
        Self { id: self.id, suite: self.suite, current: self.current, keys }
    }

    fn since(&self, epoch: u32) -> BTreeMap<u32, Key> {
        self.keys.range(epoch..).map(|(epoch, key)| (*epoch, key.duplicate())).collect()
    }

    /// The epoch that new headers are wrapped under.
    pub fn current_epoch(&self) -> u32 {
        self.current
    }

    /// The key of `epoch`.
    ///
    /// # Errors
    /// [`Error::UnknownEpoch`] when there is none.
    pub fn key(&self, epoch: u32) -> Result<&Key> {
        self.keys.get(&epoch).ok_or(Error::UnknownEpoch(epoch))
    }

    /// All epochs and their keys, oldest first.
    pub fn epochs(&self) -> impl Iterator<Item = (u32, &Key)> {
        self.keys.iter().map(|(epoch, key)| (*epoch, key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_epoch_has_a_new_key_and_old_ones_can_be_left_out() {
        let first = CategoryKeys::generate(Suite::Xaes256Gcm).unwrap();
        let second = first.with_new_epoch().unwrap();
        assert_eq!((second.id, second.current_epoch()), (first.id, 2));
        assert!(second.key(1).unwrap().same_as(first.key(1).unwrap()));
        assert!(!second.key(1).unwrap().same_as(second.key(2).unwrap()));
        let third = second.with_new_epoch().unwrap().without_epochs_before(2);
        assert_eq!(third.epochs().map(|(epoch, _)| epoch).collect::<Vec<_>>(), [2, 3]);
        let last = third.without_epochs_before(u32::MAX);
        assert_eq!(last.epochs().map(|(epoch, _)| epoch).collect::<Vec<_>>(), [3]);
        let key = Key::random().unwrap();
        let full = BTreeMap::from([(u32::MAX, key)]);
        let full = CategoryKeys::from_parts(first.id, first.suite, u32::MAX, full).unwrap();
        assert_eq!(full.with_new_epoch().err(), Some(Error::EpochsUsedUp));
    }
}
