//! Records that come and go, named by keys that are never mistaken for their successors'.

use serde::{Deserialize, Serialize};

/// Names one record for as long as it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// Place in the slab; unique among the living.
    pub slot: u32,
    generation: u32,
}

/// A store of records with reuse of places.
#[derive(Clone, Serialize, Deserialize)]
pub struct Slab<T> {
    records: Vec<(u32, Option<T>)>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Slab { records: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    /// Stores `record` and names it.
    #[inline]
    pub fn insert(&mut self, record: T) -> Key {
        match self.free.pop() {
            Some(slot) => {
                let (generation, place) = &mut self.records[slot as usize];
                *place = Some(record);
                Key { slot, generation: *generation }
            }
            None => {
                self.records.push((0, Some(record)));
                Key { slot: (self.records.len() - 1) as u32, generation: 0 }
            }
        }
    }

    /// The record, if it still lives.
    #[inline]
    pub fn get(&self, key: Key) -> Option<&T> {
        let (generation, record) = self.records.get(key.slot as usize)?;
        record.as_ref().filter(|_| *generation == key.generation)
    }

    /// The record, if it still lives.
    #[inline]
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let (generation, record) = self.records.get_mut(key.slot as usize)?;
        record.as_mut().filter(|_| *generation == key.generation)
    }

    /// Ends a record and returns it.
    #[inline]
    pub fn remove(&mut self, key: Key) -> Option<T> {
        let (generation, record) = self.records.get_mut(key.slot as usize)?;
        if *generation != key.generation {
            return None;
        }
        let ended = record.take()?;
        *generation = generation.wrapping_add(1);
        self.free.push(key.slot);
        Some(ended)
    }

    /// The key of whatever lives at `slot`.
    #[inline]
    pub fn key_at(&self, slot: u32) -> Option<Key> {
        let (generation, record) = self.records.get(slot as usize)?;
        record.as_ref().map(|_| Key { slot, generation: *generation })
    }

    /// The living, in order of their places.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        self.records.iter().enumerate().filter_map(|(slot, (generation, record))| {
            record.as_ref().map(|r| (Key { slot: slot as u32, generation: *generation }, r))
        })
    }

    /// All that live, in order of their places.
    #[inline]
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (Key, &mut T)> {
        self.records.iter_mut().enumerate().filter_map(|(slot, (generation, record))| {
            record.as_mut().map(|r| (Key { slot: slot as u32, generation: *generation }, r))
        })
    }

    /// How many live.
    #[inline]
    pub fn len(&self) -> usize {
        self.records.len() - self.free.len()
    }

    /// Whether none lives.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
