//! A table from 64-bit keys to places in a row of records, for keys that come and go by the million.
//!
//! It keeps half of each key's hash, not the key: the record has that. So an entry is eight bytes, a look-up touches one
//! stretch of memory and then the record, and an entry that is taken out leaves nothing behind.

use serde::{Deserialize, Serialize};

/// Spreads keys that are small numbers (2^64 over the golden ratio).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
/// The place of no entry.
const EMPTY: u32 = u32::MAX;

/// Open addressing with linear probing, at most five eighths full; places are below `u32::MAX`, each entered once.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct KeyTable {
    entries: Vec<Entry>,
    shift: u32,
    len: usize,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Entry {
    hash: u32,
    place: u32,
}

impl KeyTable {
    /// The place of a key, given the key of the record at a place.
    #[inline]
    pub fn get(&self, key: u64, key_at: impl Fn(u32) -> u64) -> Option<u32> {
        if self.entries.is_empty() {
            return None;
        }
        let (mask, hash) = (self.entries.len() - 1, hash_of(key));
        let mut index = self.home(hash);
        loop {
            let entry = self.entries[index & mask];
            if entry.place == EMPTY {
                return None;
            }
            if entry.hash == hash && key_at(entry.place) == key {
                return Some(entry.place);
            }
            index += 1;
        }
    }

    /// Enters a key that is not in the table.
    #[inline]
    pub fn insert(&mut self, key: u64, place: u32) {
        if self.entries.len() * 5 <= self.len * 8 {
            self.grow();
        }
        self.len += 1;
        self.put(Entry { hash: hash_of(key), place });
    }

    /// Takes out a key that is in the table, at a place.
    #[inline]
    pub fn remove(&mut self, key: u64, place: u32) {
        if self.entries.is_empty() {
            return;
        }
        let mask = self.entries.len() - 1;
        let mut hole = self.home(hash_of(key)) & mask;
        while self.entries[hole].place != place {
            if self.entries[hole].place == EMPTY {
                return;
            }
            hole = (hole + 1) & mask;
        }
        self.len -= 1;
        let mut next = (hole + 1) & mask;
        while self.entries[next].place != EMPTY {
            // An entry may move back into the hole if that is no further back than where it belongs.
            let from_home = next.wrapping_sub(self.home(self.entries[next].hash)) & mask;
            if next.wrapping_sub(hole) & mask <= from_home {
                self.entries[hole] = self.entries[next];
                hole = next;
            }
            next = (next + 1) & mask;
        }
        self.entries[hole].place = EMPTY;
    }

    /// How many keys there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All places, in no order that means anything.
    pub fn places(&self) -> impl Iterator<Item = u32> + '_ {
        self.entries.iter().map(|entry| entry.place).filter(|place| *place != EMPTY)
    }

    #[inline]
    fn home(&self, hash: u32) -> usize {
        (hash >> self.shift) as usize
    }

    #[inline]
    fn put(&mut self, entry: Entry) {
        let mask = self.entries.len() - 1;
        let mut index = self.home(entry.hash) & mask;
        while self.entries[index].place != EMPTY {
            index = (index + 1) & mask;
        }
        self.entries[index] = entry;
    }

    fn grow(&mut self) {
        let size = (self.entries.len() * 2).max(16);
        let old = std::mem::replace(&mut self.entries, vec![Entry { hash: 0, place: EMPTY }; size]);
        self.shift = 32_u32.saturating_sub(size.trailing_zeros());
        old.into_iter().filter(|entry| entry.place != EMPTY).for_each(|entry| self.put(entry));
    }
}

#[inline]
fn hash_of(key: u64) -> u32 {
    (key.wrapping_mul(SPREAD) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        /// Few keys, so that they collide, come again and leave holes.
        #[test]
        fn it_holds_what_a_map_holds(deeds in prop::collection::vec((0u64..40, any::<bool>()), 1..400)) {
            let (mut table, mut map, mut keys) = (KeyTable::default(), BTreeMap::new(), Vec::new());
            for (number, (key, enters)) in deeds.iter().enumerate() {
                // Small keys are spread; multiples of 2^58 share all but the top six bits of their hashes.
                let key = if key % 2 == 0 { *key } else { key << 58 };
                keys.push(key);
                if *enters && !map.contains_key(&key) {
                    table.insert(key, number as u32);
                    map.insert(key, number as u32);
                } else if let Some(place) = map.remove(&key) {
                    table.remove(key, place);
                }
                prop_assert_eq!(table.len(), map.len());
                for key in &keys {
                    prop_assert_eq!(table.get(*key, |place| keys[place as usize]), map.get(key).copied());
                }
            }
            prop_assert_eq!(table.places().count(), map.len());
        }
    }
}
