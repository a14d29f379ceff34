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
