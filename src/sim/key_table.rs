//! A table from 64-bit keys to places, for keys that come and go by the million: one look-up touches one stretch of
//! memory, and an entry that is taken out leaves nothing behind.

/// Spreads keys that are small numbers (2^64 over the golden ratio).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
/// The place of no entry.
const EMPTY: u32 = u32::MAX;

/// Open addressing with linear probing, at most five eighths full; places are below `u32::MAX`.
#[derive(Clone, Debug, Default)]
pub struct KeyTable {
    entries: Vec<(u64, u32)>,
    shift: u32,
    len: usize,
}

impl KeyTable {
    /// The place of a key.
    pub fn get(&self, key: u64) -> Option<u32> {
        if self.entries.is_empty() {
            return None;
        }
        let mask = self.entries.len() - 1;
        let mut index = self.home(key);
        loop {
            let (other, place) = self.entries[index & mask];
            if place == EMPTY {
                return None;
            }
            if other == key {
                return Some(place);
            }
            index += 1;
        }
    }

    /// Enters a key that is not in the table.
    pub fn insert(&mut self, key: u64, place: u32) {
        if self.entries.len() * 5 <= self.len * 8 {
            self.grow();
        }
        self.len += 1;
        self.put(key, place);
    }

    /// Takes a key out; nothing happens if it is not there.
    pub fn remove(&mut self, key: u64) {
        if self.entries.is_empty() {
            return;
        }
        let mask = self.entries.len() - 1;
        let mut hole = self.home(key) & mask;
        while self.entries[hole].0 != key || self.entries[hole].1 == EMPTY {
            if self.entries[hole].1 == EMPTY {
                return;
            }
            hole = (hole + 1) & mask;
        }
        self.len -= 1;
        let mut next = (hole + 1) & mask;
        while self.entries[next].1 != EMPTY {
            // An entry may move back into the hole if that is no further back than where it belongs.
            let from_home = next.wrapping_sub(self.home(self.entries[next].0)) & mask;
            if next.wrapping_sub(hole) & mask <= from_home {
                self.entries[hole] = self.entries[next];
                hole = next;
            }
            next = (next + 1) & mask;
        }
        self.entries[hole].1 = EMPTY;
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All places, in no order that means anything.
    pub fn places(&self) -> impl Iterator<Item = u32> + '_ {
        self.entries.iter().map(|(_, place)| *place).filter(|place| *place != EMPTY)
    }

    fn home(&self, key: u64) -> usize {
        (key.wrapping_mul(SPREAD) >> self.shift) as usize
    }

    fn put(&mut self, key: u64, place: u32) {
        let mask = self.entries.len() - 1;
        let mut index = self.home(key) & mask;
        while self.entries[index].1 != EMPTY {
            index = (index + 1) & mask;
        }
        self.entries[index] = (key, place);
    }

    fn grow(&mut self) {
        let size = (self.entries.len() * 2).max(16);
        let old = std::mem::replace(&mut self.entries, vec![(0, EMPTY); size]);
        self.shift = 64 - size.trailing_zeros();
        for (key, place) in old {
            if place != EMPTY {
                self.put(key, place);
            }
        }
    }
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
            let (mut table, mut map) = (KeyTable::default(), BTreeMap::new());
            for (number, (key, enters)) in deeds.iter().enumerate() {
                // Every fourth key differs from another only where homes are not told apart.
                let key = (key / 4).wrapping_mul(SPREAD.wrapping_mul(3)).wrapping_add(key % 4);
                if *enters && !map.contains_key(&key) {
                    table.insert(key, number as u32);
                    map.insert(key, number as u32);
                } else {
                    table.remove(key);
                    map.remove(&key);
                }
                prop_assert_eq!(table.len(), map.len());
                for (key, place) in &map {
                    prop_assert_eq!(table.get(*key), Some(*place));
                }
                prop_assert_eq!(table.get(key), map.get(&key).copied());
            }
            prop_assert_eq!(table.places().count(), map.len());
        }
    }
}
