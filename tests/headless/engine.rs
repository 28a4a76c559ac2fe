//! The engine in closed form is the engine step by step.

use proptest::prelude::*;
use scartissue::sim::prompt::{Prompt, Segment};
use scartissue::sim::serving::engine::{Engine, EngineConfig, EngineCounts, ExternalTiers, Happening, Job};
use scartissue::sim::serving::hardware::preset;
use scartissue::sim::serving::step_time::Slowdown;
use scartissue::sim::time::{SimDuration, SimTime};

/// What is done to an engine from outside.
#[derive(Clone, Debug)]
enum Deed {
    Submit { family: u64, shared: u32, own: u32, output: u32, priority: u8 },
    Cancel(u32),
    Slow(f64),
}

/// A lower tier that has the first half of every other prompt.
struct HalfOfSome;

impl ExternalTiers for HalfOfSome {
    fn lookup(&mut self, prompt: &Prompt, have: u32) -> u32 {
        if prompt.segments()[0].key.is_multiple_of(2) { (prompt.tokens() / 2).max(have) } else { have }
    }
    fn store(&mut self, _: &Prompt, _: u32, _: u64) {}
}

/// Everything that an engine says, with the moment. Loads take 7 ms; every third fails.
fn history(
    stepwise: bool,
    blocks: u32,
    budget: u32,
    deeds: &[(u64, Deed)],
) -> (Vec<(SimTime, Happening)>, EngineCounts) {
    let mut engine = Engine::new(EngineConfig {
        cost: preset("llama-8b-bf16-h100-tp1").expect("it exists"),
        kv_blocks: blocks,
        block_tokens: 16,
        host_blocks: 64,
        max_num_seqs: 6,
        max_num_batched_tokens: budget,
        keep_aborted: true,
        fail_on_load_failure: false,
        stepwise,
    });
    let (mut said, mut loads, mut next_deed, mut now) = (Vec::new(), Vec::<(SimTime, u32)>::new(), 0, SimTime::ZERO);
    let mut at = SimTime::ZERO;
    let times: Vec<SimTime> = deeds
        .iter()
        .map(|(gap, _)| {
            at += SimDuration(*gap);
            at
        })
        .collect();
    let mut loaded = 0;
    for _ in 0..400_000 {
        let load = loads.iter().map(|(t, _)| *t).min();
        let due = [times.get(next_deed).copied(), load, engine.next_wake()].into_iter().flatten().min();
        let Some(due) = due else { break };
        now = now.max(due);
        if times.get(next_deed) == Some(&due) {
            match &deeds[next_deed].1 {
                Deed::Submit { family, shared, own, output, priority } => {
                    let own_key = 1_000_000 + next_deed as u64;
                    let prompt = Prompt::new([
                        Segment { key: *family, tokens: *shared },
                        Segment { key: own_key, tokens: *own },
                    ]);
                    let key = next_deed as u32;
                    let job = Job {
                        key,
                        prompt,
                        output_tokens: *output,
                        output_key: own_key + 1_000_000,
                        priority: *priority,
                    };
                    engine.submit(now, job);
                }
                Deed::Cancel(back) => engine.cancel(now, (next_deed as u32).saturating_sub(*back)),
                Deed::Slow(factor) => {
                    engine.set_slowdown(now, &Slowdown { compute: *factor, memory: *factor, ..Slowdown::default() });
                }
            }
            next_deed += 1;
        } else if load == Some(due) {
            let place = loads.iter().position(|(t, _)| *t == due).expect("the earliest");
            let (_, key) = loads.remove(place);
            loaded += 1;
            engine.loaded(now, key, loaded % 3 != 0);
        } else {
            let mut happenings = Vec::new();
            engine.wake(now, &mut HalfOfSome, &mut happenings);
            engine.check().expect("its books balance");
            for happening in happenings {
                if let Happening::NeedsLoad { key, .. } = happening {
                    loads.push((now + SimDuration::from_millis(7), key));
                }
                said.push((now, happening));
            }
        }
    }
    assert_eq!(engine.inside(), 0, "everything ends");
    (said, engine.counts_at(now))
}

/// The longest gap is told to the nanosecond of rounding, and busy time to the nanosecond a step.
fn without_rounding(said: Vec<(SimTime, Happening)>) -> Vec<(SimTime, Happening)> {
    let plain = |h| match h {
        Happening::Finished { key, output_tokens, .. } => {
            Happening::Finished { key, output_tokens, longest_gap: SimDuration::ZERO }
        }
        other => other,
    };
    said.into_iter().map(|(at, h)| (at, plain(h))).collect()
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        6 => (1u64..6, 16u32..600, 1u32..500, 1u32..80, 0u8..2)
            .prop_map(|(family, shared, own, output, priority)| Deed::Submit { family, shared, own, output, priority }),
        2 => (1u32..8).prop_map(Deed::Cancel),
        1 => (1.0f64..3.0).prop_map(Deed::Slow),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn closed_form_is_step_by_step(
        blocks in 80u32..400,
        budget in 64u32..1024,
        deeds in prop::collection::vec((0u64..60_000_000, deed()), 1..40),
    ) {
        let (mut stepped, mut steps) = history(true, blocks, budget, &deeds);
        let (mut jumped, mut jumps) = history(false, blocks, budget, &deeds);
        stepped = without_rounding(stepped);
        jumped = without_rounding(jumped);
        prop_assert_eq!(&stepped, &jumped);
        let busy = (steps.busy.0 as i128 - jumps.busy.0 as i128).unsigned_abs();
        prop_assert!(busy <= u128::from(steps.steps), "{busy} ns over {} steps", steps.steps);
        (steps.busy, jumps.busy) = (SimDuration::ZERO, SimDuration::ZERO);
        prop_assert_eq!(steps, jumps);
    }
}
