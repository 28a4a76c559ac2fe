//! What may be said of rates, pairs and times: intervals and exact tests. Vectors of the tests are published ones.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};
use serde::Serialize;
use statrs::distribution::{Beta, ContinuousCDF, StudentsT};
use statrs::function::beta::beta_reg;
use statrs::function::factorial::ln_binomial;

use crate::score::rate::Rate;

/// The 97.5 % point of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;
/// The 80 % point of the normal distribution: studies are planned for that chance of seeing what is there.
const Z_POWER: f64 = 0.841_621_233_572_914_2;
/// Up to so many differences every assignment of signs is tried; beyond, so many are drawn.
const ALL_SIGNS: usize = 20;
/// Assignments of signs that are drawn.
const DRAWN_SIGNS: u32 = 100_000;

/// An interval of 95 %.
pub type Interval = (f64, f64);

/// The interval of Clopper and Pearson (1934): never too short.
pub fn clopper_pearson(rate: Rate) -> Interval {
    let (hits, of) = (f64::from(rate.hits), f64::from(rate.of));
    let quantile = |a: f64, b: f64, p: f64| Beta::new(a, b).map_or(0.0, |beta| beta.inverse_cdf(p));
    let low = if rate.hits == 0 { 0.0 } else { quantile(hits, of - hits + 1.0, 0.025) };
    let high = if rate.hits == rate.of { 1.0 } else { quantile(hits + 1.0, of - hits, 0.975) };
    (low, high)
}

/// Two participants on the same incidents: how often both, one and none were right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pairs {
    /// Both.
    pub both: u32,
    /// Only the first.
    pub first: u32,
    /// Only the second.
    pub second: u32,
    /// Neither.
    pub neither: u32,
}

impl Pairs {
    /// Counts.
    pub fn count(outcomes: impl IntoIterator<Item = (bool, bool)>) -> Pairs {
        outcomes.into_iter().fold(Pairs::default(), |mut pairs, outcome| {
            match outcome {
                (true, true) => pairs.both += 1,
                (true, false) => pairs.first += 1,
                (false, true) => pairs.second += 1,
                (false, false) => pairs.neither += 1,
            }
            pairs
        })
    }

    /// How many.
    pub fn of(self) -> u32 {
        self.both + self.first + self.second + self.neither
    }

    /// The rate of the first less that of the second.
    pub fn difference(self) -> f64 {
        if self.of() == 0 { 0.0 } else { (f64::from(self.first) - f64::from(self.second)) / f64::from(self.of()) }
    }

    /// McNemar's test, exact and two-sided (McNemar 1947): how easily so lopsided a split of the discordant pairs comes by
    /// chance.
    pub fn exact_p(self) -> f64 {
        (2.0 * self.tail()).min(1.0)
    }

    /// The same, with half the weight of what was seen.
    pub fn mid_p(self) -> f64 {
        let (n, k) = (self.first + self.second, self.first.min(self.second));
        (2.0 * self.tail() - half_to(n, k)).min(1.0)
    }

    fn tail(self) -> f64 {
        let (n, k) = (self.first + self.second, self.first.min(self.second));
        (0..=k).map(|i| half_to(n, i)).sum()
    }

    /// Newcombe's interval for the difference of paired rates (1998, method 10): Wilson's limits and the correlation of
    /// the pairs, corrected for continuity.
    pub fn interval(self) -> Interval {
        let n = f64::from(self.of());
        if n == 0.0 {
            return (-1.0, 1.0);
        }
        let [a, b, c, d] = [self.both, self.first, self.second, self.neither].map(f64::from);
        let rate = |hits: u32| Rate { hits, of: self.of() };
        let (one, two) = (rate(self.both + self.first), rate(self.both + self.second));
        let ((l1, u1), (l2, u2)) = (one.wilson(), two.wilson());
        let (p1, p2) = (one.value().unwrap_or(0.0), two.value().unwrap_or(0.0));
        let margins = (a + b) * (c + d) * (a + c) * (b + d);
        let product = a * d - b * c;
        let product = if 0.0 < product { (product - n / 2.0).max(0.0) } else { product };
        let phi = if margins == 0.0 { 0.0 } else { product / libm::sqrt(margins) };
        let side = |x: f64, y: f64| libm::sqrt((x * x - 2.0 * phi * x * y + y * y).max(0.0));
        let difference = p1 - p2;
        (difference - side(p1 - l1, u2 - p2), difference + side(u1 - p1, p2 - l2))
    }

    /// The chance that the second is better than the first, with half a pair more in each cell (Jeffreys).
    pub fn second_is_better(self) -> f64 {
        1.0 - beta_reg(f64::from(self.second) + 0.5, f64::from(self.first) + 0.5, 0.5)
    }
}

/// The chance of k heads in n throws.
fn half_to(n: u32, k: u32) -> f64 {
    libm::exp(ln_binomial(u64::from(n), u64::from(k)) - f64::from(n) * std::f64::consts::LN_2)
}

/// What is known of the mean of differences.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MeanDifference {
    /// How many.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// Student's interval of it.
    pub interval: Interval,
    /// How easily a mean so far from zero comes about by flipping signs; exact up to twenty differences, else drawn.
    pub p: f64,
}

/// The mean of paired differences. None where there are fewer than two.
pub fn mean_difference(differences: &[f64]) -> Option<MeanDifference> {
    let (mean, interval) = mean_interval(differences)?;
    Some(MeanDifference { n: differences.len(), mean, interval, p: sign_flips(differences) })
}

/// A mean and Student's 95 % interval of it; none of fewer than two values.
pub fn mean_interval(values: &[f64]) -> Option<(f64, Interval)> {
    let n = values.len();
    if n < 2 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / n as f64;
    let variance = values.iter().map(|d| (d - mean) * (d - mean)).sum::<f64>() / (n - 1) as f64;
    let student = StudentsT::new(0.0, 1.0, (n - 1) as f64).ok()?;
    let half = student.inverse_cdf(0.975) * libm::sqrt(variance / n as f64);
    Some((mean, (mean - half, mean + half)))
}

fn sign_flips(differences: &[f64]) -> f64 {
    let seen = differences.iter().sum::<f64>().abs() - 1e-9;
    let n = differences.len();
    if n <= ALL_SIGNS {
        let all = 1u32 << n;
        let sum = |signs: u32| -> f64 {
            differences.iter().enumerate().map(|(i, d)| if signs >> i & 1 == 1 { *d } else { -*d }).sum()
        };
        let far = (0..all).filter(|signs| seen <= sum(*signs).abs()).count();
        return far as f64 / f64::from(all);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(0x7369_676e);
    let mut far = 1_u32;
    for _ in 0..DRAWN_SIGNS {
        let sum: f64 = differences.iter().map(|d| if rng.next_u32() & 1 == 1 { *d } else { -*d }).sum();
        far += u32::from(seen <= sum.abs());
    }
    f64::from(far) / f64::from(DRAWN_SIGNS + 1)
}

/// Holm's step-down adjustment of several p (Holm 1979), in the order in which they were given: what is still below a level
/// then is so whichever of the questions have nothing in them.
pub fn holm(ps: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..ps.len()).collect();
    order.sort_by(|a, b| ps[*a].total_cmp(&ps[*b]).then(a.cmp(b)));
    let (mut adjusted, mut most) = (vec![1.0; ps.len()], 0.0_f64);
    for (place, which) in order.into_iter().enumerate() {
        most = most.max((ps[which] * (ps.len() - place) as f64).min(1.0));
        adjusted[which] = most;
    }
    adjusted
}

/// The standard error of a mean over clusters: runs that have a scenario in common are not independent (Miller 2024).
pub fn clustered_error(clusters: &[Vec<f64>]) -> f64 {
    let n: usize = clusters.iter().map(Vec::len).sum();
    if n == 0 {
        return f64::NAN;
    }
    let mean = clusters.iter().flatten().sum::<f64>() / n as f64;
    let square = |cluster: &Vec<f64>| {
        let sum: f64 = cluster.iter().map(|s| s - mean).sum();
        sum * sum
    };
    libm::sqrt(clusters.iter().map(square).sum::<f64>()) / n as f64
}

/// The ratio of paired times, second over first, as a geometric mean with Student's interval. None for fewer than two.
pub fn time_ratio(pairs: &[(f64, f64)]) -> Option<(f64, Interval)> {
    let logs: Vec<f64> = pairs.iter().map(|(a, b)| libm::log(b / a)).collect();
    let of = mean_difference(&logs)?;
    Some((libm::exp(of.mean), (libm::exp(of.interval.0), libm::exp(of.interval.1))))
}

/// The mean time up to a limit where some never came to their end (restricted mean by Kaplan and Meier). Each is a time and
/// whether it ended then.
pub fn restricted_mean(times: &[(f64, bool)], limit: f64) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
    let (mut still, mut at_risk, mut from, mut area) = (1.0, sorted.len() as f64, 0.0, 0.0);
    for (time, ended) in sorted {
        let time = time.min(limit);
        area += still * (time - from);
        from = time;
        if ended && time < limit {
            still *= 1.0 - 1.0 / at_risk;
        }
        at_risk -= 1.0;
    }
    area + still * (limit - from).max(0.0)
}

/// The chance that k tries in a row are all right, given how many of n were.
pub fn pass_k(n: u32, right: u32, k: u32) -> Option<f64> {
    (k <= n && 0 < k).then(|| {
        if right < k {
            return 0.0;
        }
        libm::exp(ln_binomial(u64::from(right), u64::from(k)) - ln_binomial(u64::from(n), u64::from(k)))
    })
}

/// The highest rate that is likely where nothing was seen in n tries.
pub fn none_seen(n: u32) -> f64 {
    1.0 - libm::pow(0.05, 1.0 / f64::from(n.max(1)))
}

/// Two rates of different incidents: their difference, Wald's interval, and the p of the pooled z test.
pub fn unpaired(first: Rate, second: Rate) -> (f64, Interval, f64) {
    let ([x, n], [y, m]) = ([first.hits, first.of].map(f64::from), [second.hits, second.of].map(f64::from));
    let (p, q) = (x / n, y / m);
    let error = libm::sqrt(p * (1.0 - p) / n + q * (1.0 - q) / m);
    let pooled = (x + y) / (n + m);
    let z = (p - q) / libm::sqrt(pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m));
    (p - q, (p - q - Z * error, p - q + Z * error), libm::erfc(z.abs() / std::f64::consts::SQRT_2))
}

/// Incidents needed to see a difference of paired rates with a chance of 80 % (Connor 1987), given the shares of pairs in
/// which only the one or only the other is right. None where there is no difference.
pub fn pairs_needed(first: f64, second: f64) -> Option<u32> {
    let (discordant, difference) = (first + second, (first - second).abs());
    if difference <= 0.0 {
        return None;
    }
    let spread = libm::sqrt((discordant - difference * difference).max(0.0));
    let root = Z * libm::sqrt(discordant) + Z_POWER * spread;
    Some(libm::ceil(root * root / (difference * difference)) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64, digits: i32) {
        let within = 0.5 * libm::pow(10.0, -f64::from(digits)) * 1.2;
        assert!((found - expected).abs() <= within, "{found} is not {expected}");
    }

    fn between(found: Interval, expected: Interval, digits: i32) {
        close(found.0, expected.0, digits);
        close(found.1, expected.1, digits);
    }

    fn rate(hits: u32, of: u32) -> Rate {
        Rate { hits, of }
    }

    fn pairs(both: u32, first: u32, second: u32, neither: u32) -> Pairs {
        Pairs { both, first, second, neither }
    }

    #[test]
    fn intervals_of_one_rate() {
        between(rate(7, 10).wilson(), (0.396_778, 0.892_209), 6);
        between(rate(23, 30).wilson(), (0.590_717, 0.882_076), 6);
        between(rate(0, 30).wilson(), (0.0, 0.113_513), 6);
        between(clopper_pearson(rate(7, 10)), (0.347_547, 0.933_260), 5);
        between(clopper_pearson(rate(23, 30)), (0.577_163, 0.900_662), 5);
        close(none_seen(30), 0.0950, 4);
    }

    #[test]
    fn pairs_of_rates() {
        let few = pairs(12, 3, 11, 4);
        close(few.exact_p(), 0.057_373, 6);
        close(few.mid_p(), 0.035_156, 6);
        close(few.second_is_better(), 0.985_691, 5);
        between(few.interval(), (-0.470_87, -0.023_08), 5);
        between(pairs(36, 12, 2, 0).interval(), (0.056_93, 0.340_43), 5);
        let many = pairs(101, 121, 59, 33);
        assert!((many.exact_p() / 4.434_45e-6 - 1.0).abs() < 1e-5, "{}", many.exact_p());
    }

    /// The published result of a randomised trial of colonoscopy with and without AI (226 of 795, 145 of 648).
    #[test]
    fn a_published_difference_of_two_groups() {
        let (difference, interval, p) = unpaired(rate(145, 648), rate(226, 795));
        close(difference, -0.0605, 4);
        between(interval, (-0.1054, -0.0156), 4);
        close(p, 0.008_89, 5);
    }

    #[test]
    fn paired_scores() {
        let of = mean_difference(&[12.0, -3.0, 8.0, 15.0, 4.0, -6.0, 9.0, 11.0, 2.0, 7.0]).expect("ten");
        close(of.mean, 5.9, 6);
        close(of.p, 30.0 / 1024.0, 6);
        between(of.interval, (1.1256, 10.6744), 4);
        assert!(mean_difference(&[1.0]).is_none());
    }

    /// As `p.adjust(method = "holm")` of R has it.
    #[test]
    fn several_questions_are_asked_of_one_pair() {
        for (found, expected) in holm(&[0.01, 0.04, 0.03, 0.005]).into_iter().zip([0.03, 0.06, 0.06, 0.02]) {
            close(found, expected, 12);
        }
        assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
        assert!(holm(&[]).is_empty());
    }

    #[test]
    fn many_signs_are_drawn_and_come_near_the_exact_ones() {
        let twenty: Vec<f64> = (0..20).map(|i| f64::from(i % 7) - 2.0).collect();
        let exact = sign_flips(&twenty);
        let more: Vec<f64> = twenty.iter().copied().chain([0.0]).collect();
        assert!((sign_flips(&more) - exact).abs() < 0.01, "{} and {exact}", sign_flips(&more));
    }

    #[test]
    fn clusters_times_and_repetitions() {
        let clusters = [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [1.0, 1.0, 1.0]];
        close(clustered_error(&clusters.map(|c| c.to_vec())), 0.173_85, 5);
        let a = [410.0, 620.0, 380.0, 900.0, 1500.0, 720.0, 510.0, 2400.0];
        let b = [300.0, 700.0, 250.0, 610.0, 1100.0, 650.0, 430.0, 1300.0];
        let (ratio, interval) = time_ratio(&a.into_iter().zip(b).collect::<Vec<_>>()).expect("eight");
        close(ratio, 0.7601, 4);
        between(interval, (0.6307, 0.9159), 4);
        let times = [(300.0, true), (480.0, true), (700.0, true), (900.0, false), (900.0, false)];
        close(restricted_mean(&times, 900.0), 656.0, 6);
        for (k, expected) in [(1, 0.75), (2, 0.535_714), (4, 0.214_286)] {
            close(pass_k(8, 6, k).expect("k of eight"), expected, 6);
        }
        assert_eq!((pass_k(8, 6, 9), pass_k(8, 0, 1)), (None, Some(0.0)));
    }

    #[test]
    fn how_many_are_needed() {
        assert_eq!(pairs_needed(0.3, 0.1), Some(77));
        assert_eq!(pairs_needed(0.2, 0.2), None);
    }

    /// Of many small studies of one and the same rate, intervals of 95 % hold it in about so many, and not in fewer than
    /// nine of ten.
    #[test]
    fn intervals_cover() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        for (truth, n) in [(0.3, 20), (0.7, 40), (0.5, 12)] {
            let mut held = 0;
            for _ in 0..2000 {
                let hits = (0..n).filter(|_| f64::from(rng.next_u32()) / 4_294_967_296.0 < truth).count() as u32;
                let (low, high) = rate(hits, n).wilson();
                held += u32::from(low <= truth && truth <= high);
            }
            assert!((0.92..0.985).contains(&(f64::from(held) / 2000.0)), "{truth} of {n}: {held} of 2000");
        }
    }
}
