//! Hops of limited capacity: requests on their way share the bytes of a path. Answers are small, and do not count.

use serde::{Deserialize, Serialize};

use crate::sim::link::SharedLink;
use crate::sim::prompt::Prompt;
use crate::sim::slab::Key;
use crate::sim::spec::fault::Hop;
use crate::sim::spec::stack::LinkSpec;
use crate::sim::time::SimDuration;
use crate::sim::world::{Event, World};

/// Bytes of a token of text in a request. [English averages four characters a token in the tokenizers of 100,000 words.]
const BYTES_PER_TOKEN: u64 = 4;
/// Bytes of a megapixel in a request: a JPEG of middling quality takes a third of a byte a pixel, base64 a third more.
const BYTES_PER_MEGAPIXEL: f64 = 450_000.0;
/// What stands for no limit, in bytes per second.
const NO_LIMIT: u64 = 1 << 50;

/// The paths of a hop, as far as bytes go.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Wires {
    paths: Vec<Wire>,
    /// In GB/s, each path; none: no limit.
    limit: Option<f64>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Wire {
    link: SharedLink,
    epoch: u32,
}

impl Wires {
    /// Idle paths.
    pub fn new(spec: &LinkSpec) -> Wires {
        let wire = || Wire { link: SharedLink::new(bytes_per_s(spec.gb_per_s), SimDuration::ZERO), epoch: 0 };
        Wires { paths: (0..spec.paths.max(1)).map(|_| wire()).collect(), limit: spec.gb_per_s }
    }
}

fn bytes_per_s(gb_per_s: Option<f64>) -> u64 {
    gb_per_s.map_or(NO_LIMIT, |gb| (gb * 1e9) as u64)
}

/// Bytes of a request.
pub(super) fn request_bytes(prompt: &Prompt, images: u32, megapixels: f64) -> u64 {
    let pictures = f64::from(images) * megapixels * BYTES_PER_MEGAPIXEL;
    u64::from(prompt.tokens()) * BYTES_PER_TOKEN + pictures as u64
}

impl World {
    /// A request begins to cross a hop. False if the hop has no limit: then its bytes take no time.
    pub(super) fn upload(&mut self, hop: Hop, key: Key, flow: u64, bytes: u64) -> bool {
        if self.network.wires[hop as usize].limit.is_none() {
            return false;
        }
        let ways = if hop == Hop::Edge { &self.network.edge } else { &self.network.serving };
        let path = ways.way_of(flow).unwrap_or(0);
        let begun = self.network.wires[hop as usize].paths[path].link.start(self.now, key.slot, bytes);
        debug_assert!(begun, "a slot is on the way once");
        self.arm_wire(hop, path);
        true
    }

    /// A request is given up before its last byte has left.
    pub(super) fn stop_upload(&mut self, hop: Hop, key: Key) {
        for path in 0..self.network.wires[hop as usize].paths.len() {
            if self.network.wires[hop as usize].paths[path].link.cancel(self.now, key.slot) {
                self.arm_wire(hop, path);
            }
        }
    }

    /// Changes what each path of a hop carries; returns what it was.
    pub(super) fn set_capacity(&mut self, hop: Hop, gb_per_s: Option<f64>) -> Option<f64> {
        let now = self.now;
        let wires = &mut self.network.wires[hop as usize];
        for wire in &mut wires.paths {
            wire.link.set_capacity(now, bytes_per_s(gb_per_s));
        }
        let before = std::mem::replace(&mut wires.limit, gb_per_s);
        for path in 0..self.network.wires[hop as usize].paths.len() {
            self.arm_wire(hop, path);
        }
        before
    }

    fn arm_wire(&mut self, hop: Hop, path: usize) {
        let wire = &mut self.network.wires[hop as usize].paths[path];
        wire.epoch += 1;
        let epoch = wire.epoch;
        if let Some(at) = wire.link.next_done() {
            self.schedule(at, Event::Wire(hop, path as u16, epoch));
        }
    }

    pub(super) fn on_wire(&mut self, hop: Hop, path: u16, epoch: u32) {
        let wire = &mut self.network.wires[hop as usize].paths[usize::from(path)];
        if wire.epoch != epoch {
            return;
        }
        let done = wire.link.advance(self.now);
        self.arm_wire(hop, usize::from(path));
        for slot in done {
            match hop {
                Hop::Edge => self.attempts.key_at(slot).into_iter().for_each(|key| self.on_uploaded(key)),
                Hop::Serving => self.calls.key_at(slot).into_iter().for_each(|key| self.on_call_uploaded(key)),
            }
        }
    }
}
