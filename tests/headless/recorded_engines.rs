//! The engine and its step times against engines that others recorded: vLLM on two cards request by request, and the
//! published rows of H100 with the knee where the cache is full.

use std::io::Read;

use scartissue::sim::prompt::{Prompt, Segment};
use scartissue::sim::rng::mix;
use scartissue::sim::serving::engine::{Engine, EngineConfig, Happening, Job, NoTiers};
use scartissue::sim::serving::hardware::preset;
use scartissue::sim::time::{SimDuration, SimTime};

const BLOCK: u32 = 16;

fn config(hardware: &str, kv_blocks: u32, max_num_seqs: u32, max_num_batched_tokens: u32) -> EngineConfig {
    EngineConfig {
        cost: preset(hardware).expect("it is a preset"),
        kv_blocks,
        block_tokens: BLOCK,
        host_blocks: 0,
        max_num_seqs,
        max_num_batched_tokens,
        keep_aborted: true,
        fail_on_load_failure: false,
        stepwise: false,
    }
}

/// What was asked, when it was queued, and when its first and last tokens came.
#[derive(Clone)]
struct Served {
    prompt: Prompt,
    output_tokens: u32,
    queued: SimTime,
    first: SimTime,
    last: SimTime,
}

/// Seconds of every request: to the first token, per further token, and to the last.
struct Times {
    first: Vec<f64>,
    further: Vec<f64>,
    all: Vec<f64>,
}

impl Times {
    fn of(served: &[Served]) -> Times {
        let mut times = Times { first: Vec::new(), further: Vec::new(), all: Vec::new() };
        for s in served {
            times.first.push(s.first.since(s.queued).as_secs_f64());
            times.further.push(s.last.since(s.first).as_secs_f64() / f64::from(s.output_tokens - 1));
            times.all.push(s.last.since(s.queued).as_secs_f64());
        }
        [&mut times.first, &mut times.further, &mut times.all].into_iter().for_each(|t| t.sort_by(f64::total_cmp));
        times
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Of sorted values, between two of them if need be.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let place = q * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[place as usize], sorted[(place.ceil()) as usize]);
    below + (above - below) * place.fract()
}

/// Lets an engine serve; `next` is told of every answer with its moment, and says what is sent then.
fn serve(
    engine: &mut Engine,
    mut arrivals: Vec<(SimTime, Served)>,
    mut next: impl FnMut() -> Option<Served>,
) -> Vec<Served> {
    arrivals.reverse(); // popped from the end, those of one moment in the order they came in
    arrivals.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let mut served: Vec<Served> = Vec::new();
    let mut happenings = Vec::new();
    let submit = |engine: &mut Engine, served: &mut Vec<Served>, at: SimTime, what: Served| {
        let key = served.len() as u32;
        let (prompt, output_tokens) = (what.prompt.clone(), what.output_tokens);
        served.push(Served { queued: at, ..what });
        engine.submit(at, Job { key, prompt, output_tokens, output_key: mix(7, u64::from(key)), priority: 0 });
    };
    loop {
        let wake = engine.next_wake();
        if let Some((at, _)) = arrivals.last()
            && wake.is_none_or(|wake| *at <= wake)
        {
            let (at, what) = arrivals.pop().expect("there is one");
            submit(engine, &mut served, at, what);
            continue;
        }
        let Some(now) = wake else { break };
        engine.wake(now, &mut NoTiers, &mut happenings);
        for happening in happenings.drain(..) {
            match happening {
                Happening::FirstToken { key } => served[key as usize].first = now,
                Happening::Finished { key, .. } => {
                    served[key as usize].last = now;
                    if let Some(what) = next() {
                        arrivals.push((now, what));
                    }
                }
                _ => {}
            }
        }
    }
    engine.check().expect("its books balance");
    served
}

/// One of the two recorded runs; `column` is where its three times begin.
fn recorded(column: usize) -> Vec<Served> {
    let packed = include_bytes!("../data/llmservingsim/requests.csv.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).expect("it unpacks");
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let segment = |s: &str| {
            let (key, tokens) = s.split_once(':').expect("key:tokens");
            Segment { key: key.parse().expect("a key"), tokens: tokens.parse().expect("tokens") }
        };
        let time = |n: usize| SimTime::ZERO + SimDuration::from_secs_f64(fields[column + n].parse().expect("seconds"));
        Served {
            prompt: Prompt::new(fields[0].split(';').map(segment)),
            output_tokens: fields[1].parse().expect("tokens"),
            queued: time(0),
            first: time(1),
            last: time(2),
        }
    };
    text.lines().skip(1).map(row).collect()
}

/// vLLM 0.19.0 with Llama-3.1-8B and 300 ShareGPT requests, ten a second (LLMServingSim's recordings). The RTX 4090 has
/// 2,588 blocks and preempts; the RTX PRO 6000 never runs out of them (96 GB), and of seats (128) it does.
#[test]
fn two_recorded_vllm_runs_are_met_with_one_constant_of_host_time() {
    for (name, hardware, column, blocks, seats) in [
        ("RTX 4090", "llama-8b-bf16-rtx4090-tp1", 2, 2588, 256),
        ("RTX PRO 6000", "llama-8b-bf16-rtxpro6000-tp1", 5, 30_000, 128),
    ] {
        let recorded = recorded(column);
        assert_eq!(recorded.len(), 300);
        let mut engine = Engine::new(config(hardware, blocks, seats, 2048));
        let arrivals = recorded.iter().map(|s| (s.queued, s.clone())).collect();
        let simulated = serve(&mut engine, arrivals, || None);
        let counts = engine.counts_at(SimTime::NEVER);
        println!(
            "{name}: {} steps, {} preemptions, {} tokens hit",
            counts.steps, counts.preemptions, counts.hit_tokens
        );
        let (real, ours) = (Times::of(&recorded), Times::of(&simulated));
        let mut worst: f64 = 0.0;
        let mut within = |what: &str, real: f64, ours: f64, gate: f64| {
            let error = ours / real - 1.0;
            worst = worst.max(error.abs());
            println!("  {what:24} {:10.1} ms, recorded {:10.1} ms: {:+5.2} %", ours * 1e3, real * 1e3, error * 1e2);
            assert!(error.abs() <= gate, "{name}, {what}: {:+.2} %", error * 1e2);
        };
        within("first token, mean", mean(&real.first), mean(&ours.first), 0.10);
        for q in [0.5, 0.9, 0.99] {
            let what = format!("first token, p{:.0}", q * 100.0);
            within(&what, quantile(&real.first, q), quantile(&ours.first, q), 0.10);
        }
        within("per further token, mean", mean(&real.further), mean(&ours.further), 0.05);
        within("per further token, p99", quantile(&real.further, 0.99), quantile(&ours.further, 0.99), 0.05);
        within("end to end, mean", mean(&real.all), mean(&ours.all), 0.05);
        within("end to end, p99", quantile(&real.all, 0.99), quantile(&ours.all, 0.99), 0.05);
        println!("  worst {:.2} %", worst * 1e2);
    }
}

/// Blocks that an H100 has left for the cache of Llama-3.1-70B with weights in fp8 and the cache in bf16, by the sizes
/// that aiconfigurator's `h100_sxm.yaml` has: 80 GiB, of which vLLM takes 0.9; 3.5 GiB for activations and graphs; the
/// buffers of collectives. Linear layers take a byte a weight, the two embeddings two.
fn h100_blocks(ranks: u32) -> u32 {
    let linear = 80.0 * (8192.0 * (8192.0 + 2.0 * 1024.0) + 8192.0 * 8192.0 + 3.0 * 8192.0 * 28_672.0);
    let embeddings = 2.0 * 128_256.0 * 8192.0;
    let weights = (linear + 2.0 * embeddings) / f64::from(ranks);
    let collectives = if ranks == 2 { 358_612_992.0 } else { 411_041_792.0 };
    let left = 0.9 * 85_899_345_920.0 - weights - 3_758_096_384.0 - collectives;
    let token = 2.0 * 80.0 * 8.0 * 128.0 * 2.0 / f64::from(ranks);
    (left / token / f64::from(BLOCK)) as u32
}

/// The client of these rows (InferenceMAX's settings of October 2025): so many users who each send the next prompt when
/// the last is answered, ten prompts a user, lengths uniform between 0.8 of the nominal and the nominal, no two prompts
/// alike, as many seats as users, steps of 8,192 tokens. Means in milliseconds to the first token and per further token.
fn closed_loop(ranks: u32, blocks: u32, input: u32, output: u32, users: u32) -> (f64, f64) {
    let mut sent = 0u64;
    let mut prompt = || {
        let length = |salt: u64, most: u32| {
            let least = most / 10 * 8;
            least + (mix(salt, sent) % u64::from(most - least + 1)) as u32
        };
        let (tokens, output_tokens) = (length(1, input), length(2, output));
        sent += 1;
        let prompt = Prompt::new([Segment { key: mix(3, sent), tokens }]);
        let never = SimTime::ZERO;
        (sent <= u64::from(10 * users)).then_some(Served {
            prompt,
            output_tokens,
            queued: never,
            first: never,
            last: never,
        })
    };
    let mut engine = Engine::new(config(&format!("llama-70b-fp8-h100-tp{ranks}"), blocks, users, 8192));
    let first: Vec<_> = (0..users).filter_map(|_| prompt()).map(|what| (SimTime::ZERO, what)).collect();
    let times = Times::of(&serve(&mut engine, first, prompt));
    (mean(&times.first) * 1e3, mean(&times.further) * 1e3)
}

/// The rows: ranks, tokens of prompt and answer, users, milliseconds to the first token and per further token.
fn h100_rows() -> Vec<([u32; 4], [f64; 2])> {
    let row = |line: &str| {
        let fields: Vec<f64> = line.split(',').map(|f| f.parse().expect("a number")).collect();
        ([0, 1, 2, 3].map(|n| fields[n] as u32), [fields[4], fields[5]])
    };
    include_str!("../data/aiconfigurator/h100-llama-70b-fp8.csv").lines().skip(1).map(row).collect()
}

#[test]
fn the_published_rows_of_h100_are_met_with_the_knee_where_the_cache_is_full() {
    let mut errors = [Vec::new(), Vec::new()];
    for ([ranks, input, output, users], measured) in h100_rows() {
        let (first, further) = closed_loop(ranks, h100_blocks(ranks), input, output, users);
        let off = [first / measured[0] - 1.0, further / measured[1] - 1.0];
        println!(
            "TP{ranks} {input:5}/{output:<5} {users:3} users: first token {first:8.1} ms, measured {:8.1}: {:+6.1} %; further {further:6.2}, measured {:6.2}: {:+5.1} %",
            measured[0],
            off[0] * 1e2,
            measured[1],
            off[1] * 1e2
        );
        errors.iter_mut().zip(off).for_each(|(all, off)| all.push(off.abs()));
        if (ranks, input, output) == (2, 8192, 1024) {
            assert!(off[0].abs() < 0.15, "a row of the knee, {users} users: {:+.1} %", off[0] * 1e2);
        }
    }
    for (what, errors) in ["first token", "per further token"].iter().zip(&mut errors) {
        errors.sort_by(f64::total_cmp);
        let (median, worst) = (quantile(errors, 0.5), errors[errors.len() - 1]);
        println!("{what}: median {:.1} %, worst {:.1} % of {} rows", median * 1e2, worst * 1e2, errors.len());
        assert!(errors.len() == 45 && median <= 0.15 && worst <= 0.35, "{what}: {median} {worst}");
    }
    // The knee is the cache's: the same engine with blocks enough for all has none.
    let (roomy, _) = closed_loop(2, h100_blocks(8), 8192, 1024, 64);
    let (full, _) = closed_loop(2, h100_blocks(2), 8192, 1024, 64);
    println!("64 users on TP2: {full:.0} ms with {} blocks, {roomy:.0} ms with {}", h100_blocks(2), h100_blocks(8));
    assert!(10.0 * roomy < full);
}
