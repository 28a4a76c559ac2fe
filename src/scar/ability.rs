//! How able somebody is and how hard a variant: the Rasch model, followed online (Pelánek 2016).

/// The chance of success that a case is chosen for: neither too easy to teach nor too hard to bear (Klinkenberg 2011).
pub const WISHED: f64 = 0.75;

/// The chance that somebody of an ability meets a difficulty, both in logits.
pub fn chance(ability: f64, difficulty: f64) -> f64 {
    1.0 / (1.0 + libm::exp(difficulty - ability))
}

/// How far the `n`th answer moves an estimate.
fn step(n: u32) -> f64 {
    1.0 / (1.0 + 0.05 * f64::from(n))
}

/// Ability and difficulty after an answer, each with how many it had before.
pub fn after(ability: (f64, u32), difficulty: (f64, u32), came: bool) -> (f64, f64) {
    let error = f64::from(u8::from(came)) - chance(ability.0, difficulty.0);
    (ability.0 + step(ability.1) * error, difficulty.0 - step(difficulty.1) * error)
}

/// Where a difficulty of 1 to 5, as its author says, stands in logits before anybody answered.
pub fn said(difficulty: u8) -> f64 {
    (f64::from(difficulty.clamp(1, 5)) - 3.0) * 0.75
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_answers_move_the_ability_as_published() {
        let mut ability = 0.0;
        let rows = [(true, -0.5, 0.6225, 0.3775), (false, 0.8, 0.3959, 0.0005), (true, 0.3, 0.4257, 0.5226)];
        for (n, (came, difficulty, p, stated)) in rows.into_iter().enumerate() {
            assert!((chance(ability, difficulty) - p).abs() < 5e-5, "answer {n}: {}", chance(ability, difficulty));
            ability = after((ability, n as u32), (difficulty, n as u32), came).0;
            assert!((ability - stated).abs() < 5e-5, "after answer {n}: {ability}");
        }
    }
}
