//! The published vectors of the measures, to the digits in which they are stated, and the laws of Shapley's value.

use proptest::prelude::*;
use scartissue::score::bayes::{expected_information, posterior};
use scartissue::score::composite::{Gate, Parts, composite};
use scartissue::score::measures::*;
use scartissue::score::rate::Rate;
use scartissue::score::shapley::*;

/// Equal to so many decimals.
fn near(got: f64, expected: f64, decimals: i32) {
    let half = 0.5000001 * 10f64.powi(-decimals);
    assert!((got - expected).abs() <= half, "{got} is not {expected} to {decimals} decimals");
}

fn all_near(got: &[f64], expected: &[f64], decimals: i32) {
    assert_eq!(got.len(), expected.len());
    got.iter().zip(expected).for_each(|(g, e)| near(*g, *e, decimals));
}

#[test]
fn shapley_shares_the_harm_as_published() {
    // Subsets in order of their numbers: nobody, first, second, first and second, third, ...
    let two = Game::new(vec![0.0, 40.0, 0.0, 100.0]).expect("a game");
    all_near(&two.values(), &[70.0, 30.0], 9);
    all_near(&two.shares(), &[0.7, 0.3], 9);
    let dummy = Game::new(vec![0.0, 40.0, 0.0, 100.0, 0.0, 40.0, 0.0, 100.0]).expect("a game");
    all_near(&dummy.values(), &[70.0, 30.0, 0.0], 9);
    let over = Game::new(vec![0.0, 10.0, 10.0, 10.0]).expect("a game");
    all_near(&over.values(), &[5.0, 5.0], 9);
    let hurt = [false, true, true, true];
    let actual = actual_causes(&hurt);
    assert_eq!(actual, [3], "only without both are users spared");
    assert_eq!((responsibility(&actual, 0), responsibility(&actual, 1)), (0.5, 0.5));
    let but_for = |cause: usize| over.harm(3) - over.harm(3 & !(1 << cause));
    assert_eq!((but_for(0), but_for(1)), (0.0, 0.0));
    // C is bit 0, H bit 1, R bit 2.
    let three = Game::new(vec![0.0, 40.0, 0.0, 100.0, 5.0, 60.0, 15.0, 140.0]).expect("a game");
    all_near(&three.values(), &[80.8333, 38.3333, 20.8333], 4);
    all_near(&three.shares(), &[0.5774, 0.2738, 0.1488], 4);
}

#[test]
fn what_is_no_game_is_refused() {
    assert_eq!(Game::new(vec![0.0; 3]), Err(GameError::Size(3)));
    assert_eq!(Game::new(vec![0.0; 32]), Err(GameError::Size(32)));
    assert_eq!(Game::new(Vec::new()), Err(GameError::Size(0)));
    assert_eq!(Game::new(vec![0.0, f64::NAN]), Err(GameError::Value(1)));
    assert_eq!(Game::new(vec![7.0]).expect("no causes is a game").values(), Vec::<f64>::new());
}

#[test]
fn necessity_and_sufficiency_are_counted_with_their_intervals() {
    // Of 20 seeds all hurt with both; in 17 not without the first; in 9 with the first alone, and never with none.
    let by_seed = (0..20).map(|s| vec![false, s < 9, 17 <= s, true]).collect();
    let outcomes = Outcomes { by_seed };
    let (pn, ps) = (outcomes.necessity(0), outcomes.sufficiency(0));
    near(pn.value().expect("tried"), 0.85, 9);
    near(ps.value().expect("tried"), 0.45, 9);
    let ends = |rate: Rate| [rate.wilson().0, rate.wilson().1];
    all_near(&ends(pn), &[0.6396, 0.9476], 4);
    all_near(&ends(ps), &[0.2582, 0.6579], 4);
    assert_eq!(outcomes.both(0), Rate { hits: 9, of: 20 });
    for (hits, of, low, high) in [(7, 10, 0.396778, 0.892209), (23, 30, 0.590717, 0.882076), (0, 30, 0.0, 0.113513)] {
        all_near(&ends(Rate { hits, of }), &[low, high], 6);
    }
    assert_eq!((Rate::default().value(), Rate::default().wilson()), (None, (0.0, 1.0)));
}

#[test]
fn a_root_is_weightiest_and_necessary_and_a_claim_only_breaks_a_tie() {
    let always = Rate { hits: 20, of: 20 };
    let never = Rate { hits: 0, of: 20 };
    use TrueRole::*;
    let told = |shares: &[f64], pn: &[Rate], claims: &[bool]| roles(shares, pn, claims);
    assert_eq!(told(&[0.7, 0.3, 0.0], &[always; 3], &[false, true, true]), [Root, Contributing, Latent]);
    assert_eq!(told(&[0.5, 0.5], &[always; 2], &[false, true]), [Contributing, Root]);
    assert_eq!(told(&[0.5, 0.5], &[always; 2], &[false, false]), [Root, Root]);
    assert_eq!(told(&[0.5, 0.5], &[never; 2], &[true, true]), [Contributing, Contributing]);
    assert_eq!(told(&[1.0, 0.0], &[never, never], &[true, true]), [Contributing, Latent]);
}

#[test]
fn beliefs_are_scored_as_published() {
    let q = [0.7, 0.3, 0.0, 0.0];
    let soft = [0.75, 0.15, 0.05, 0.05];
    near(brier(&soft, &q), 0.03, 4);
    near(brier_skill(&soft, &q), 0.9091, 4);
    near(log_score(&soft, &q), 0.7705, 4);
    near(log_score(&q, &q), 0.6109, 4);
    let wrong = [0.05, 0.05, 0.05, 0.85];
    near(brier(&wrong, &q), 1.21, 4);
    near(brier_skill(&wrong, &q), -2.6667, 4);
    near(log_score(&wrong, &q), 2.9957, 4);
    let certain = [1.0, 0.0, 0.0, 0.0];
    near(brier(&certain, &q), 0.18, 4);
    near(brier_skill(&certain, &q), 0.4545, 4);
    near(brier_uniform(&q), 0.33, 4);
    // Whoever always says the same is as good as its base rate.
    for (base, expected, skill) in [(0.4, 1.2, -0.60), (0.5, 1.0, -0.333)] {
        let truth = |h: usize| (0..4).map(|i| f64::from(u8::from(i == h))).collect::<Vec<f64>>();
        let mean = base * brier(&certain, &truth(0)) + (1.0 - base) * brier(&certain, &truth(1));
        near(mean, expected, 4);
        near(1.0 - mean / brier_uniform(&truth(0)), skill, 3);
    }
}

#[test]
fn a_forecaster_is_split_as_murphy_has_it_and_calibration_alone_can_be_gamed() {
    let group = |stated, hits, of| Forecasts { stated, hits, of };
    let honest = murphy(&[group(0.9, 7, 10), group(0.6, 5, 10), group(0.2, 1, 10)]);
    near(honest.brier, 0.203333, 6);
    near(honest.reliability, 0.02, 6);
    near(honest.resolution, 0.062222, 6);
    near(honest.uncertainty, 0.245556, 6);
    near(honest.calibration_error, 0.1333, 4);
    near(honest.log_loss, 0.613286, 6);
    near(honest.reliability - honest.resolution + honest.uncertainty, honest.brier, 9);
    let constant = murphy(&[group(13.0 / 30.0, 13, 30)]);
    near(constant.calibration_error, 0.0, 9);
    near(constant.brier, 0.2456, 4);
    assert_eq!(murphy(&[]), Murphy::default());
}

#[test]
fn times_and_mitigation_are_scored_as_published() {
    for (took, expected) in [(240.0, 1.0), (900.0, 0.6880), (1800.0, 0.3440), (3600.0, 0.0), (9999.0, 0.0)] {
        near(time_score(took, 480.0, 3600.0), expected, 4);
    }
    assert_eq!(time_score(500.0, 480.0, 480.0), 0.0);
    near(mitigation(100.0, 55.0, 20.0).expect("something could be saved"), 0.5625, 4);
    assert_eq!(mitigation(100.0, 55.0, 100.0), None);
}

#[test]
fn an_observer_believes_as_published() {
    let prior = [0.10, 0.60, 0.30];
    let (high, drop, up) = ([0.9, 0.95, 0.6], [0.95, 0.05, 0.10], [0.05, 0.95, 0.10]);
    let first = posterior(&prior, &high);
    all_near(&first, &[0.1071, 0.6786, 0.2143], 4);
    let second = posterior(&first, &drop);
    all_near(&second, &[0.6477, 0.2159, 0.1364], 4);
    let third = posterior(&second, &up.map(|p| 1.0 - p));
    all_near(&third, &[0.8217, 0.0144, 0.1639], 4);
    near(evidence(second[0], first[0], 0), 0.5389, 4);
    near(evidence(third[0], first[0], 0), 0.7203, 4);
    near(evidence(third[0], first[0], 2), 0.6203, 4);
    for (panel, bits) in [(high, 0.1243), (drop, 0.2810), (up, 0.6268)] {
        near(expected_information(&prior, &panel), bits, 4);
    }
    assert_eq!(posterior(&prior, &[0.0; 3]), prior, "what cannot be seen teaches nothing");
}

fn full_run() -> Parts {
    Parts {
        causes: Some(cause_credit(0.7, 1.0)),
        lead_given_viewed: Some(0.6477),
        evidence: Some(evidence(0.647_727, 0.107_143, 0)),
        calibration: Some(calibration(0.0, 0.4545, 0.9091)),
        mitigation: Some(0.5625),
        time: Some((time_score(900.0, 480.0, 3600.0) + time_score(1800.0, 480.0, 3600.0)) / 2.0),
        cost: Some(0.8),
        communication: Some(0.75),
        awareness: Some(2.0 / 3.0),
        harm: Some(harm_of_actions(&[4.0, -9.0], 80.0)),
    }
}

#[test]
fn a_full_run_gets_63_96_points() {
    let score = composite(&full_run(), &[]);
    let points: Vec<f64> = score.parts.iter().filter_map(|p| p.points).collect();
    all_near(&points, &[24.706, 8.083, 5.682, 11.25, 5.160, 4.0, 3.75, 3.333], 3);
    near(score.lost, 2.0, 9);
    near(score.total.expect("everything is known"), 63.96, 2);
    assert_eq!(score.model, "st-1");
}

#[test]
fn a_nice_recovery_with_capacity_to_blame_gets_29_44_points() {
    let parts = Parts {
        causes: Some(0.0),
        lead_given_viewed: Some(0.1),
        evidence: Some(0.0),
        calibration: Some(0.0),
        mitigation: Some(0.75),
        time: Some(time_score(900.0, 480.0, 3600.0) / 2.0),
        cost: Some(0.2),
        communication: Some(1.0),
        awareness: Some(1.0),
        harm: Some(0.0),
    };
    near(composite(&parts, &[Gate::BlamedDecoy]).total.expect("everything is known"), 29.44, 2);
}

#[test]
fn gates_cap_a_lucky_guess_is_halved_and_what_is_not_known_is_not_guessed() {
    let high = Parts { causes: Some(1.0), mitigation: Some(1.0), ..full_run() };
    let total = |parts: &Parts, gates: &[Gate]| composite(parts, gates).total.expect("everything is known");
    assert!(70.0 < total(&high, &[]));
    assert_eq!(total(&high, &[Gate::BlamedDecoy]), 49.0);
    assert_eq!(total(&high, &[Gate::BlamedDecoy, Gate::Irreversible]), 39.0);
    assert_eq!(total(&high, &[Gate::Assisted]), total(&high, &[]));
    let lucky = Parts { lead_given_viewed: Some(0.4), ..high };
    near(total(&high, &[]) - total(&lucky, &[]), 15.0, 9);
    let blind = composite(&Parts { evidence: None, awareness: None, ..full_run() }, &[]);
    assert_eq!((blind.total, blind.out_of), (None, 80.0));
    near(blind.points, 63.964 - 8.083 - 3.333, 2);
}

/// Games of one to four causes with any harms.
fn games() -> impl Strategy<Value = Game> {
    (1usize..=4).prop_flat_map(|m| {
        prop::collection::vec(-1e3f64..1e4, 1 << m).prop_map(|harm| Game::new(harm).expect("a game"))
    })
}

proptest! {
    #[test]
    fn values_sum_to_what_there_is_to_share(game in games()) {
        let all = (1 << game.causes()) - 1;
        let sum: f64 = game.values().iter().sum();
        prop_assert!((sum - (game.harm(all) - game.harm(0))).abs() < 1e-6);
        let shares: f64 = game.shares().iter().sum();
        prop_assert!(shares == 0.0 || (shares - 1.0).abs() < 1e-9);
    }

    #[test]
    fn causes_that_do_the_same_weigh_the_same(game in games(), one in 0usize..4, other in 0usize..4) {
        let m = game.causes();
        let (one, other) = (one % m, other % m);
        // The same game with the two exchanged, and the mean of both: there they do the same.
        let swap = |s: usize| {
            let (a, b) = (s >> one & 1, s >> other & 1);
            (s & !(1 << one) & !(1 << other)) | b << one | a << other
        };
        let even: Vec<f64> = (0..1 << m).map(|s| (game.harm(s) + game.harm(swap(s))) / 2.0).collect();
        let values = Game::new(even).expect("a game").values();
        prop_assert!((values[one] - values[other]).abs() < 1e-6);
    }

    #[test]
    fn a_cause_that_changes_nothing_weighs_nothing(harm in prop::collection::vec(0.0f64..1e4, 8), place in 0usize..4) {
        // Eight harms of three causes, and a fourth put in at any place that none of them heeds.
        let without = |s: usize| (s & ((1 << place) - 1)) | (s >> (place + 1) << place);
        let game = Game::new((0..16).map(|s| harm[without(s)]).collect()).expect("a game");
        prop_assert!(game.values()[place].abs() < 1e-9);
        prop_assert_eq!(game.shares()[place], 0.0);
        let hurt: Vec<bool> = (0..16).map(|s| 5e3 < game.harm(s)).collect();
        prop_assert_eq!(responsibility(&actual_causes(&hurt), place), 0.0);
    }

    #[test]
    fn actual_causes_save_and_none_of_their_parts_does(hurt in prop::collection::vec(any::<bool>(), 16)) {
        for set in actual_causes(&hurt) {
            prop_assert!(!hurt[15 & !set]);
            let mut part = (set - 1) & set;
            while part != 0 {
                prop_assert!(hurt[15 & !part]);
                part = (part - 1) & set;
            }
        }
    }

    #[test]
    fn an_honest_forecast_is_never_beaten(truth in prop::collection::vec(0.0f64..1.0, 4), lie in prop::collection::vec(0.0f64..1.0, 4)) {
        let whole = |v: &[f64]| { let s: f64 = v.iter().sum::<f64>() + 1e-9; v.iter().map(|x| (x + 2.5e-10) / s).collect::<Vec<_>>() };
        let (q, a) = (whole(&truth), whole(&lie));
        prop_assert!(brier(&q, &q) <= brier(&a, &q));
        let score = composite(&Parts { calibration: Some(calibration(brier_skill(&a, &q), 0.0, 1.0)), ..full_run() }, &[]);
        prop_assert!((0.0..=100.0).contains(&score.points));
    }
}
