//! Values of a series, kept in blocks: whole numbers by their distance from the least, the rest as they are.

use serde::{Deserialize, Serialize};

/// Values in order, bit for bit as they were added.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Values {
    blocks: Vec<Block>,
    /// What does not fill a block yet.
    rest: Vec<f64>,
}

/// Values in a block. Counters of a service rarely grow by more than 16 bits over so many scrapes.
const BLOCK: usize = 64;
/// Beyond it not every whole number is a 64-bit float.
const WHOLE: f64 = 9_007_199_254_740_992.0;

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Block {
    Same(f64),
    Bytes(f64, #[serde(with = "whole")] Box<[u8; BLOCK]>),
    Words(f64, #[serde(with = "whole")] Box<[u16; BLOCK]>),
    Double(f64, #[serde(with = "whole")] Box<[u32; BLOCK]>),
    Raw(#[serde(with = "whole")] Box<[f64; BLOCK]>),
}

/// A block of values in a file: serde knows arrays up to 32.
mod whole {
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::{Serialize, Serializer};

    use super::BLOCK;

    pub(super) fn serialize<T: Serialize, S: Serializer>(values: &[T; BLOCK], s: S) -> Result<S::Ok, S::Error> {
        values.as_slice().serialize(s)
    }

    pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Box<[T; BLOCK]>, D::Error> {
        let values = Box::<[T]>::deserialize(d)?;
        values.try_into().map_err(|values: Box<[T]>| Error::invalid_length(values.len(), &"a block of 64 values"))
    }
}

impl Values {
    pub(super) fn push(&mut self, value: f64) {
        self.rest.push(value);
        if let Ok(full) = <&[f64; BLOCK]>::try_from(self.rest.as_slice()) {
            self.blocks.push(Block::of(full));
            self.rest.clear();
        }
    }

    pub(super) fn get(&self, place: usize) -> f64 {
        match self.blocks.get(place / BLOCK) {
            Some(block) => block.get(place % BLOCK),
            None => self.rest[place - self.blocks.len() * BLOCK],
        }
    }

    /// The values at places `from` to before `upto`, added to others.
    pub(super) fn read(&self, from: usize, upto: usize, into: &mut Vec<f64>) {
        let mut place = from;
        while place < upto {
            let number = place / BLOCK;
            let end = upto.min((number + 1) * BLOCK);
            match self.blocks.get(number) {
                Some(block) => block.read(place % BLOCK, end - number * BLOCK, into),
                None => {
                    let before = self.blocks.len() * BLOCK;
                    into.extend_from_slice(&self.rest[place - before..upto - before]);
                    return;
                }
            }
            place = end;
        }
    }

    /// Bytes that the values take.
    pub(super) fn bytes(&self) -> usize {
        let of_blocks: usize = self.blocks.iter().map(Block::bytes).sum();
        of_blocks + self.blocks.capacity() * size_of::<Block>() + self.rest.capacity() * size_of::<f64>()
    }
}

impl Block {
    fn of(values: &[f64; BLOCK]) -> Block {
        let first = values[0];
        if values.iter().all(|v| v.to_bits() == first.to_bits()) {
            return Block::Same(first);
        }
        let least = values.iter().copied().fold(first, f64::min);
        let most = values.iter().copied().fold(first, f64::max);
        let whole = |v: &f64| v.trunc() == *v && v.abs() < WHOLE && v.to_bits() != (-0.0f64).to_bits();
        let width = most - least;
        if !values.iter().all(whole) || f64::from(u32::MAX) < width {
            Block::Raw(Box::new(*values))
        } else if width <= f64::from(u8::MAX) {
            Block::Bytes(least, Box::new(values.map(|v| (v - least) as u8)))
        } else if width <= f64::from(u16::MAX) {
            Block::Words(least, Box::new(values.map(|v| (v - least) as u16)))
        } else {
            Block::Double(least, Box::new(values.map(|v| (v - least) as u32)))
        }
    }

    fn get(&self, place: usize) -> f64 {
        match self {
            Block::Same(value) => *value,
            Block::Bytes(least, above) => least + f64::from(above[place]),
            Block::Words(least, above) => least + f64::from(above[place]),
            Block::Double(least, above) => least + f64::from(above[place]),
            Block::Raw(values) => values[place],
        }
    }

    fn read(&self, from: usize, upto: usize, into: &mut Vec<f64>) {
        match self {
            Block::Same(value) => into.extend(std::iter::repeat_n(*value, upto - from)),
            Block::Bytes(least, above) => into.extend(above[from..upto].iter().map(|v| least + f64::from(*v))),
            Block::Words(least, above) => into.extend(above[from..upto].iter().map(|v| least + f64::from(*v))),
            Block::Double(least, above) => into.extend(above[from..upto].iter().map(|v| least + f64::from(*v))),
            Block::Raw(values) => into.extend_from_slice(&values[from..upto]),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Block::Same(_) => 0,
            Block::Bytes(..) => BLOCK,
            Block::Words(..) => 2 * BLOCK,
            Block::Double(..) => 4 * BLOCK,
            Block::Raw(_) => 8 * BLOCK,
        }
    }
}
