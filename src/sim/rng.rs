//! Randomness without sequence: every draw is named by (seed, entity, purpose, index), so that a new
//! consumer, a removed fault or another thread never shifts anybody else's numbers.

use rand::Rng;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

/// What a stream is for. The numbers are part of every run's identity: append, never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// When intents arrive.
    Arrival = 1,
    /// What an intent asks for.
    Content = 2,
    /// Who sends it.
    Account = 3,
    /// Think time between turns of a session.
    Think = 4,
    /// Jitter of a retry's delay.
    Backoff = 5,
    /// Service times of stations.
    Service = 6,
    /// Loss and delay on a link.
    Link = 7,
    /// Choice among equals in a balancer or router.
    Placement = 8,
    /// Noise of sensors and meters.
    Sensor = 9,
    /// What background life does: benign deploys, flaps, tickets.
    Background = 10,
    /// Modulation of a source's rate.
    Modulation = 11,
    /// Properties of an account.
    AccountTraits = 12,
    /// Start-up times.
    Startup = 13,
    /// A mechanism that fails with a probability.
    Fault = 14,
    /// What nobody could know beforehand, in the runs that an ideal observer learns from.
    Unknown = 15,
    /// Whether an advisor is right, and whether it changes its mind.
    Advice = 16,
}

/// A stream of random numbers that belongs to one entity and purpose.
#[derive(Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of `entity` for `purpose` at `index` under `seed`. Equal arguments give equal numbers on every platform.
    pub fn new(seed: u64, entity: u64, purpose: Purpose, index: u64) -> Self {
        let mut key = [0u8; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&entity.to_le_bytes());
        key[16..24].copy_from_slice(&(purpose as u64).to_le_bytes());
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(index);
        Stream(rng)
    }

    /// 64 uniform bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in [0, 1), with 53 bits.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in `0..n`; `n` of zero gives zero. (Widening multiply; the bias is below n / 2^64.)
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        ((self.bits() as u128 * n as u128) >> 64) as u64
    }

    /// True with probability `p`.
    #[inline]
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// Exponential with the given mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * libm::log(1.0 - self.unit())
    }

    /// Standard normal (Box-Muller, the cosine half).
    pub fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.unit()));
        radius * libm::cos(std::f64::consts::TAU * self.unit())
    }

    /// Log-normal with the given median and sigma of the logarithm.
    pub fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        median * libm::exp(sigma * self.normal())
    }
}

/// A well-mixed 64-bit hash of two numbers: identities and placement, not secrets. (The finaliser of SplitMix64, Steele et al. 2014.)
#[inline]
pub fn mix(a: u64, b: u64) -> u64 {
    let mut z = a.wrapping_add(b.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// One uniform in [0, 1) named by (seed, entity, purpose, index): for the many small draws of a run (service times,
/// jitter) where a stream of its own would cost more than what it decides. Three rounds of [`mix`], 53 bits.
#[inline]
pub fn draw(seed: u64, entity: u64, purpose: Purpose, index: u64) -> f64 {
    let hash = mix(mix(mix(seed, entity), purpose as u64), index);
    (hash >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}
