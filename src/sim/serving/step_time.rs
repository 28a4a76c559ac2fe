//! How long a step of the engine takes: integer femtoseconds, with coefficients kept apart by resource.
//!
//! A step that carries `T` tokens in all, of which `B` are one token each of decoding sequences, over `K` tokens of
//! context, with prefill chunks of `n` new tokens after `P` old ones, takes
//!
//! ```text
//! host + link_base + link_token * T + max(weights + sequence * B, compute_base + token * T)
//!      + (context, and mixed_context if there is a chunk) * K + attention * sum n * (n / 2 + P)
//! ```
//!
//! With no chunk this is the affine `a + b * B + c * K` that decode steps are measured to follow; with one chunk alone
//! it is the `p0 + p1 * T + p2 * T * (T / 2 + P)` of prefill. Reading the weights and multiplying by them overlap, which
//! is why the larger of the two counts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sim::time::SimDuration;

/// Femtoseconds in a nanosecond.
pub const FS_PER_NS: u128 = 1_000_000;

/// Coefficients of one model on one kind of machine, in femtoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepCost {
    /// Host: scheduling, launching, sampling, per step.
    pub host: u64,
    /// Links between accelerators: per step.
    pub link_base: u64,
    /// Links: per token.
    pub link_token: u64,
    /// Memory: reading the weights, per step.
    pub weights: u64,
    /// Memory: reading the cache, per token of context.
    pub context: u64,
    /// Compute: per decoding sequence.
    pub sequence: u64,
    /// Compute: per step with a prefill chunk.
    pub compute_base: u64,
    /// Compute: per token.
    pub token: u64,
    /// Compute: per pair of tokens that attend to each other in a chunk.
    pub attention: u64,
    /// Memory: more per token of context in a step with a prefill chunk, whose kernels read the cache less well than
    /// those for decoding alone.
    #[serde(default)]
    pub mixed_context: u64,
}

/// What faults make of the coefficients: factors of at least 1, and a wait of the host in every step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slowdown {
    /// On compute.
    pub compute: f64,
    /// On memory.
    pub memory: f64,
    /// On links.
    pub link: f64,
    /// Added to each step.
    pub host_stall: SimDuration,
}

impl Default for Slowdown {
    fn default() -> Self {
        Slowdown { compute: 1.0, memory: 1.0, link: 1.0, host_stall: SimDuration::ZERO }
    }
}

/// What one step carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Sequences that decode one token each.
    pub decoding: u64,
    /// Tokens of context that they attend to.
    pub context: u64,
    /// Tokens of prefill chunks.
    pub prefill: u64,
    /// Sum over chunks of `n * (n / 2 + P)`, halves rounded down.
    pub pairs: u64,
    /// Host time that requests add by what they ask for, in femtoseconds.
    pub host: u64,
}

impl StepCost {
    /// From fits to measured kernels in milliseconds (decode `a + b B + c K`, prefill `p0 + p1 T + p2 T (T/2 + P)`), the
    /// parts of them that links take, and the host's time, which kernels do not contain and which comes on top.
    pub fn from_fit(decode: [f64; 3], prefill: [f64; 3], host: f64, link_base: f64, link_token: f64) -> Self {
        StepCost {
            host: femtoseconds(host),
            link_base: femtoseconds(link_base),
            link_token: femtoseconds(link_token),
            weights: femtoseconds(decode[0] - link_base),
            context: femtoseconds(decode[2]),
            sequence: femtoseconds(decode[1] - link_token),
            compute_base: femtoseconds(prefill[0] - link_base),
            token: femtoseconds(prefill[1] - link_token),
            attention: femtoseconds(prefill[2]),
            mixed_context: 0,
        }
    }

    /// With so many milliseconds more per token of context in a step with a chunk.
    pub fn with_mixed_context(self, ms: f64) -> Self {
        StepCost { mixed_context: femtoseconds(ms), ..self }
    }

    /// The coefficients under a slowdown.
    pub fn slowed(&self, slowdown: &Slowdown) -> StepCost {
        let times = |fs: u64, factor: f64| (fs as f64 * factor).round() as u64;
        StepCost {
            host: self.host + slowdown.host_stall.0 * FS_PER_NS as u64,
            link_base: times(self.link_base, slowdown.link),
            link_token: times(self.link_token, slowdown.link),
            weights: times(self.weights, slowdown.memory),
            context: times(self.context, slowdown.memory),
            sequence: times(self.sequence, slowdown.compute),
            compute_base: times(self.compute_base, slowdown.compute),
            token: times(self.token, slowdown.compute),
            attention: times(self.attention, slowdown.compute),
            mixed_context: times(self.mixed_context, slowdown.memory),
        }
    }

    /// One step, in femtoseconds; never zero.
    pub fn step(&self, load: Load) -> u128 {
        let wide = u128::from;
        let tokens = wide(load.decoding) + wide(load.prefill);
        let memory = wide(self.weights) + wide(self.sequence) * wide(load.decoding);
        let compute = if load.prefill == 0 { 0 } else { wide(self.compute_base) + wide(self.token) * tokens };
        let fixed = wide(self.host) + wide(load.host) + wide(self.link_base) + wide(self.link_token) * tokens;
        let context = wide(self.context) + if load.prefill == 0 { 0 } else { wide(self.mixed_context) };
        let attention = context * wide(load.context) + wide(self.attention) * wide(load.pairs);
        (fixed + memory.max(compute) + attention).max(1)
    }

    /// `steps` steps of decoding alone, in femtoseconds: context grows by one token per sequence and step.
    pub fn burst(&self, load: Load, steps: u64) -> u128 {
        let first = self.step(Load { prefill: 0, pairs: 0, ..load });
        let k = u128::from(steps);
        let growth = u128::from(self.context) * u128::from(load.decoding);
        k * first + growth * (k * k.saturating_sub(1) / 2)
    }

    /// What of so many steps compute and memory would each take by themselves, in femtoseconds. More than one step decodes
    /// alone.
    pub fn parts(&self, load: Load, steps: u64) -> (u128, u128) {
        let wide = u128::from;
        let k = wide(steps);
        let growth = wide(load.decoding) * (k * k.saturating_sub(1) / 2);
        let memory = k * wide(self.weights) + wide(self.context) * (k * wide(load.context) + growth);
        let compute = match load.prefill {
            0 => k * wide(self.sequence) * wide(load.decoding),
            prefill => {
                let tokens = wide(load.decoding) + wide(prefill);
                wide(self.compute_base) + wide(self.token) * tokens + wide(self.attention) * wide(load.pairs)
            }
        };
        (compute, memory)
    }

    /// The fewest steps of decoding alone that take at least `span` femtoseconds; at least 1.
    pub fn steps_to_cover(&self, load: Load, span: u128) -> u64 {
        let first = self.step(Load { prefill: 0, pairs: 0, ..load }) as f64;
        let growth = (u128::from(self.context) * u128::from(load.decoding)) as f64;
        let half = first - growth / 2.0;
        let guess = if growth == 0.0 {
            span as f64 / first
        } else {
            (libm::sqrt(half * half + 2.0 * growth * span as f64) - half) / growth
        };
        let mut steps = (guess as u64).max(1);
        while span <= self.burst(load, steps - 1) && 1 < steps {
            steps -= 1;
        }
        while self.burst(load, steps) < span {
            steps += 1;
        }
        steps
    }

    /// A prompt of so many tokens, computed alone and in one step.
    pub fn prefill_alone(&self, tokens: u32) -> SimDuration {
        let n = u64::from(tokens);
        let load = Load { prefill: n, pairs: n * n / 2, ..Load::default() };
        SimDuration((self.step(load) / FS_PER_NS) as u64)
    }
}

/// Milliseconds in femtoseconds; none for less than none.
fn femtoseconds(ms: f64) -> u64 {
    (ms.max(0.0) * 1e12).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cost() -> StepCost {
        StepCost::from_fit([9.951, 0.02356, 1.368e-5], [7.44, 0.03777, 4.99e-7], 0.5, 2.0, 0.0058)
    }

    #[test]
    fn decode_and_prefill_follow_the_fits_they_came_from() {
        let ms = |fs: u128| fs as f64 * 1e-12;
        let decode = Load { decoding: 64, context: 64 * 2000, ..Load::default() };
        assert!((ms(cost().step(decode)) - (0.5 + 9.951 + 0.02356 * 64.0 + 1.368e-5 * 128_000.0)).abs() < 1e-6);
        let chunk = Load { prefill: 4096, pairs: 4096 * (2048 + 1000), ..Load::default() };
        let fit = 0.5 + 7.44 + 0.03777 * 4096.0 + 4.99e-7 * 4096.0 * 3048.0;
        assert!((ms(cost().step(chunk)) - fit).abs() < 1e-6);
        let both = Load { decoding: 64, context: 128_000, ..chunk };
        let more = ms(cost().with_mixed_context(2e-5).step(both)) - ms(cost().step(both));
        assert!((more - 2e-5 * 128_000.0).abs() < 1e-6);
        assert_eq!(cost().with_mixed_context(2e-5).step(decode), cost().step(decode));
    }

    #[test]
    fn each_slowdown_moves_its_own_kind_of_step() {
        let decode = Load { decoding: 16, context: 16 * 1000, ..Load::default() };
        let chunk = Load { prefill: 8192, pairs: 8192 * 4096, ..Load::default() };
        let change = |slow: Slowdown, load: Load| cost().slowed(&slow).step(load) as f64 / cost().step(load) as f64;
        let hot = Slowdown { compute: 1.3, ..Slowdown::default() };
        assert!(1.25 < change(hot, chunk) && change(hot, decode) < 1.02);
        let worn = Slowdown { memory: 1.5, ..Slowdown::default() };
        assert!(change(worn, chunk) < 1.01 && 1.3 < change(worn, decode));
        let lanes = Slowdown { link: 4.0, ..Slowdown::default() };
        assert!(1.3 < change(lanes, chunk) && 1.5 < change(lanes, decode));
    }

    proptest! {
        #[test]
        fn a_burst_is_its_steps_one_by_one(decoding in 1u64..300, context in 0u64..2_000_000, steps in 1u64..400) {
            let load = Load { decoding, context, ..Load::default() };
            let one_by_one: u128 = (0..steps)
                .map(|i| cost().step(Load { context: context + i * decoding, ..load }))
                .sum();
            prop_assert_eq!(cost().burst(load, steps), one_by_one);
        }

        #[test]
        fn steps_to_cover_is_the_least_that_covers(decoding in 1u64..300, context in 0u64..2_000_000, span in 1u128..1u128 << 60) {
            let load = Load { decoding, context, ..Load::default() };
            let steps = cost().steps_to_cover(load, span);
            prop_assert!(span <= cost().burst(load, steps));
            prop_assert!(steps == 1 || cost().burst(load, steps - 1) < span);
        }
    }
}
