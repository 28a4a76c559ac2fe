//! Belief and evidence: Bayes' rule over a closed list of hypotheses, and what a look can be expected to tell.

/// The logit of a probability, which is kept a millionth away from 0 and 1.
pub fn logit(p: f64) -> f64 {
    let p = p.clamp(1e-6, 1.0 - 1e-6);
    libm::log(p / (1.0 - p))
}

/// Beliefs after something was seen, from those before and the probability of seeing it under each hypothesis. The
/// beliefs before, where it could be seen under none.
pub fn posterior(prior: &[f64], likelihood: &[f64]) -> Vec<f64> {
    let joint: Vec<f64> = prior.iter().zip(likelihood).map(|(p, l)| p * l).collect();
    let sum: f64 = joint.iter().sum();
    if sum <= 0.0 {
        return prior.to_vec();
    }
    joint.iter().map(|j| j / sum).collect()
}

/// Entropy in bits.
pub fn entropy_bits(beliefs: &[f64]) -> f64 {
    beliefs.iter().filter(|p| 0.0 < **p).map(|p| -p * libm::log2(*p)).sum()
}

/// What a look with two answers can be expected to tell, in bits: the entropy before it, less the mean entropy after it.
/// `yes` is the probability of the one answer under each hypothesis.
pub fn expected_information(prior: &[f64], yes: &[f64]) -> f64 {
    let no: Vec<f64> = yes.iter().map(|p| 1.0 - p).collect();
    let after = |likelihood: &[f64]| {
        let chance: f64 = prior.iter().zip(likelihood).map(|(p, l)| p * l).sum();
        chance * entropy_bits(&posterior(prior, likelihood))
    };
    entropy_bits(prior) - after(yes) - after(&no)
}
