//! What is chosen to practise, over simulated years: the rules hold, nothing starves, and the forecast is believed only where
//! people forget.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use scartissue::scar::case::Offer;
use scartissue::scar::item::pair;
use scartissue::scar::memory::{DAY_S, Rating, days};
use scartissue::scar::occasion::Drill;
use scartissue::scar::rating::Grade;
use scartissue::scar::records::Row;
use scartissue::scar::select::{A_DAY, Choice, FOILS, Situation, Step, akin, choose, need, steps};
use scartissue::scar::standing::{Ledger, RETEST_FROM, Standing, standings};
use scartissue::scar::trial::{Trial, told, trial};

use crate::scars::graded;

const DAY: i64 = DAY_S as i64;

/// Cases with two or three traps and a foil each; some mechanisms are shared between cases.
fn offers() -> Vec<Offer> {
    let mut all = Vec::new();
    for case in 0..7u32 {
        let foil = format!("demand.kind{}", case % 4);
        let traps: Vec<String> = (0..2 + case % 2).map(|n| format!("layer{case}.break{n}")).collect();
        let mut offer = |mechanism: &str, twins: &[String], is_foil: bool| {
            let mut items: Vec<String> = twins.iter().map(|twin| pair(mechanism, twin)).collect();
            items.push(mechanism.to_string());
            all.push(Offer {
                scenario: format!("s{case}"),
                case: format!("INC-{}", 2000 + case),
                variant: mechanism.to_string(),
                foil: is_foil,
                mechanism: mechanism.to_string(),
                items,
                difficulty: 1 + (case % 5) as u8,
                minutes: 20,
                lots: 1,
            });
        };
        traps.iter().for_each(|trap| offer(trap, std::slice::from_ref(&foil), false));
        offer(&foil, &traps, true);
    }
    all
}

/// How somebody forgets: the chance that an item comes after so many days, from how firm it is, in days.
type Forgets = fn(days: f64, firm: f64) -> f64;

/// A law with another exponent and other steps than the forecast's.
fn by_power(days: f64, firm: f64) -> f64 {
    libm::pow(1.0 + days / firm, -0.4)
}

fn never(_: f64, _: f64) -> f64 {
    0.8
}

/// Somebody who practises, and what was chosen for them.
struct Person {
    rows: Vec<Row>,
    steps: Vec<Step>,
    ledger: Ledger,
    random: ChaCha8Rng,
    forgets: Forgets,
    firm: BTreeMap<String, (i64, f64)>,
}

impl Person {
    fn new(seed: u64, forgets: Forgets) -> Person {
        let random = ChaCha8Rng::seed_from_u64(seed);
        let (rows, steps, ledger) = (Vec::new(), Vec::new(), Ledger::default());
        Person { rows, steps, ledger, random, forgets, firm: BTreeMap::new() }
    }

    /// Plays an offer for an item: a row with the grades that the result has.
    fn play(&mut self, offer: &Offer, item: &str, now_s: i64, drill: Drill) {
        let known = self.firm.get(item).copied();
        let chance = known.map_or(0.5, |(last, firm)| (self.forgets)(days(last, now_s), firm));
        let came = self.random.random_bool(chance.clamp(0.0, 1.0));
        let firm = known.map_or(2.0, |(_, firm)| firm);
        let firm = if came { firm * 3.0 } else { (firm * 0.3).max(0.5) };
        self.firm.insert(item.to_string(), (now_s, firm));
        let rating = if came { Rating::Good } else { Rating::Again };
        let grade =
            |item: &str| Grade { item: item.to_string(), rating, target: true, with_ai: false, why: String::new() };
        let name = format!("run-{}", self.rows.len());
        let mut graded = graded(&name, now_s);
        graded.scenario = offer.scenario.clone();
        graded.variant = offer.variant.clone();
        graded.foil = offer.foil;
        graded.difficulty = offer.difficulty;
        graded.was = vec![offer.mechanism.clone()];
        graded.right = came;
        graded.percent = Some(if self.random.random_bool(0.5) { 85 } else { 60 });
        graded.drill = Some(drill);
        graded.grades = vec![grade(&offer.mechanism)];
        if item != offer.mechanism {
            graded.grades.push(grade(item));
        }
        graded.exercised = graded.grades.iter().map(|g| g.item.clone()).collect();
        let row = Row { name, stamp: String::new(), graded, rule: String::new() };
        self.ledger.add(&row);
        self.steps.extend(steps(std::slice::from_ref(&row)));
        self.rows.push(row);
    }
}

fn situation<'a>(
    offers: &'a [Offer],
    standings: &'a BTreeMap<String, Standing>,
    steps: &'a [Step],
    weights: &'a BTreeMap<String, f64>,
    now_s: i64,
    seed: u64,
) -> Situation<'a> {
    Situation { offers, standings, steps, now_s, weights, forecast_holds: true, more: false, seed }
}

/// Practises for so many days, on a day with such a chance, up to so often a day, and checks every choice.
fn practise(
    person: &mut Person,
    offers: &[Offer],
    from_day: i64,
    for_days: i64,
    chance: f64,
    a_day: u32,
) -> Vec<(i64, String)> {
    let weights = BTreeMap::from([("layer0.break0".to_string(), 3.0), ("layer1.break0".to_string(), 0.2)]);
    let (mut chosen, mut open) = (Vec::new(), None::<String>);
    for day in from_day..from_day + for_days {
        if !person.random.random_bool(chance) {
            continue;
        }
        for try_of_day in 0..a_day {
            let now_s = day * DAY + 32_400 + i64::from(try_of_day) * 5_400;
            let seed = person.random.random();
            let (standings, steps) = (person.ledger.items.clone(), person.steps.clone());
            let situation = situation(offers, &standings, &steps, &weights, now_s, seed);
            let pick = match choose(&situation) {
                Choice::Go(pick) => pick,
                Choice::Rest(from) => {
                    let today = steps.iter().filter(|s| s.at_s.div_euclid(DAY) == day).count();
                    assert_eq!((today, from), (A_DAY, (day + 1) * DAY), "rests before it is enough");
                    break;
                }
                Choice::Nothing => {
                    assert!(!offers.is_empty(), "there is something to offer");
                    break;
                }
            };
            let offer = &offers[pick.offer];
            assert!(offer.items.contains(&pick.item), "an item that the offer does not train");
            let meetings = |m: &str| steps.iter().filter(|s| s.mechanism == m).count();
            if let Some(last) = steps.last().filter(|s| s.mechanism == offer.mechanism) {
                assert_eq!(meetings(&last.mechanism), 1, "{} twice running", offer.mechanism);
            }
            if let Some(first) = open.as_deref().filter(|_| meetings(&offer.mechanism) == 0) {
                assert!(akin(offers, first, &offer.mechanism), "{} begins while {first} was met once", offer.mechanism);
            }
            match open.take() {
                Some(first) if !akin(offers, &first, &offer.mechanism) => open = Some(first),
                None if meetings(&offer.mechanism) == 0 => open = Some(offer.mechanism.clone()),
                _ => {}
            }
            for item in &offer.items {
                if let Some(last) = standings.get(item).and_then(Standing::last).filter(|r| !r.rating.passed()) {
                    assert!(RETEST_FROM <= days(last.at_s, now_s), "{item} comes back too soon");
                }
            }
            assert_eq!(pick.other && pick.due, pick.other, "something else is chosen only where something is due");
            let most = offers.iter().flat_map(|o| &o.items).map(|item| need(&situation, item)).fold(0.0, f64::max);
            if pick.other {
                assert!(need(&situation, &pick.item) < most, "what stands in for what is due is due most itself");
            }
            chosen.push((now_s, pick.item.clone()));
            let drill = Drill { item: pick.item.clone(), why: pick.why, due: pick.due, other: pick.other };
            let item = pick.item;
            person.play(offer, &item, now_s, drill);
        }
    }
    chosen
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn the_rules_hold_over_years_of_practice(seed: u64, chance in 0.15f64..1.0, a_day in 1u32..4) {
        let offers = offers();
        let mut person = Person::new(seed, by_power);
        practise(&mut person, &offers, 20_000, 500, chance, a_day);
        let steps = steps(&person.rows);
        let n = steps.len();
        prop_assert!(40 < n, "{n} runs in {:.0} days of practice", chance * 500.0);
        let foils = steps.iter().filter(|s| s.foil).count() as f64 / n as f64;
        let slack = 3.0 / n as f64;
        prop_assert!((FOILS.0 - slack..=FOILS.1 + slack).contains(&foils), "{foils:.3} foils of {n}");
        let slots: Vec<&Drill> = person.rows.iter().filter_map(|r| r.graded.drill.as_ref()).filter(|d| d.due).collect();
        let other = slots.iter().filter(|d| d.other).count() as f64 / slots.len().max(1) as f64;
        prop_assert!(slots.len() < 40 || (0.15..=0.27).contains(&other), "{other:.2} of {} due slots", slots.len());
    }

    #[test]
    fn nothing_starves_and_what_failed_comes_back_in_its_week(seed: u64) {
        let offers = offers();
        let mut person = Person::new(seed, by_power);
        practise(&mut person, &offers, 20_000, 600, 1.0, 2);
        let end = (20_000 + 600) * DAY;
        for mechanism in offers.iter().map(|o| o.mechanism.as_str()) {
            let met: Vec<i64> = steps(&person.rows).iter().filter(|s| s.mechanism == mechanism).map(|s| s.at_s).collect();
            prop_assert!(2 <= met.len(), "{mechanism} was met {} times in 600 days", met.len());
            let longest = met.windows(2).map(|w| days(w[0], w[1])).chain([days(met[met.len() - 1], end)]).fold(0.0, f64::max);
            prop_assert!(longest < 200.0, "{mechanism} was away for {longest:.0} days");
        }
        let (mut waits, mut late) = (0u32, 0u32);
        for standing in standings(&person.rows, end).values().filter(|s| s.item.contains('|')) {
            for two in standing.alone.windows(2).filter(|w| !w[0].rating.passed()) {
                waits += 1;
                late += u32::from(7.0 < days(two[0].at_s, two[1].at_s));
            }
        }
        prop_assert!(f64::from(late) <= 0.05 * f64::from(waits), "{late} of {waits} retests came after their week");
    }
}

/// A population whose items come back after any number of days up to a season: what was forecast, and what came.
fn population(forgets: Forgets) -> Trial {
    let offers = offers();
    let mut all = Vec::new();
    for seed in 0..6 {
        let mut person = Person::new(seed, forgets);
        let mut plan: Vec<(i64, &Offer)> = Vec::new();
        for offer in offers.iter().filter(|o| !o.foil) {
            let mut at = 20_000 * DAY;
            for _ in 0..9 {
                at += libm::exp(person.random.random_range(0.0..5.5)) as i64 * DAY;
                plan.push((at, offer));
            }
        }
        plan.sort_by_key(|(at, _)| *at);
        for (at, offer) in plan {
            let drill = Drill { item: offer.items[0].clone(), why: String::new(), due: true, other: false };
            person.play(offer, &offer.items[0], at, drill);
        }
        all.extend(told(&person.rows, &standings(&person.rows, i64::MAX)));
    }
    trial(&all)
}

#[test]
fn the_forecast_is_believed_of_people_who_forget() {
    let trial = population(by_power);
    assert!(200 < trial.n && trial.holds, "{trial:?}");
    assert!(trial.forecast < 0.97 * trial.constant, "{trial:?}");
    assert!(trial.says().is_some_and(|s| s.contains("is used")));
}

#[test]
fn the_forecast_is_demoted_of_people_who_do_not() {
    let trial = population(never);
    assert!(200 < trial.n && !trial.holds, "{trial:?}");
    assert!(trial.says().is_some_and(|s| s.contains("neither shown nor used")));
}
