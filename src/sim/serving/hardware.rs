//! Measured step times of named models on named machines.

use crate::sim::serving::step_time::StepCost;

/// A preset: fits to kernels in milliseconds, the share of links in them, and what a token of context costs more when a
/// step has a chunk as well.
struct Fit {
    name: &'static str,
    decode: [f64; 3],
    prefill: [f64; 3],
    link_base: f64,
    link_token: f64,
    mixed_context: f64,
}

/// Host time of a step beside its kernels, in milliseconds: the one constant with which two recorded vLLM 0.19 runs on
/// two cards are met (between 1.0 and 1.9 both are; `tests/headless/recorded_engines.rs`). The rows of H100, which had
/// no part in choosing it, are met with it too.
pub const HOST_MS: f64 = 1.2;

/// H100, H200, B200, A100: NVIDIA's aiconfigurator-core 0.12.0, which adds up measured kernels (vLLM 0.24; 0.14 for
/// A100), at 1 to 128 sequences, 128 to 8192 tokens of context, and chunks of 256 to 8192 tokens: mean errors of 1.3 to
/// 3.1 % for decode and 0.9 to 5.4 % for prefill (B200 decode: 8.2 %). fp8 is that of the weights; the cache is bf16.
/// Links: per token, two all-reduces a layer of 2 bytes times the hidden width, over 450 GB/s NVLink (300 on A100); per
/// step, what is left of the fit's constant beside reading the weights at 80 % of the memory's bandwidth, half of which
/// is launch latency of the collectives. The share of links is our estimate.
///
/// RTX 4090 and RTX PRO 6000: kernels measured inside vLLM 0.19 by LLMServingSim (casys-kaist, commit 5daddb2,
/// `profiler/perf`), where the batch holds 20,000 to 200,000 tokens: mean errors of 1.1 and 1.2 % for decode, 3.3 and
/// 3.4 % for steps of decoding and a chunk.
const FITS: &[Fit] = &[
    Fit {
        name: "llama-70b-bf16-h100-tp8",
        decode: [9.951, 0.02356, 1.368e-5],
        prefill: [7.44, 0.03777, 4.99e-7],
        link_base: 1.4,
        link_token: 0.0058,
        mixed_context: 0.0,
    },
    Fit {
        name: "llama-70b-bf16-h100-tp4",
        decode: [15.194, 0.03163, 2.688e-5],
        prefill: [9.83, 0.05825, 1.03e-6],
        link_base: 0.9,
        link_token: 0.0058,
        mixed_context: 0.0,
    },
    Fit {
        name: "llama-70b-fp8-h100-tp8",
        decode: [7.943, 0.03036, 1.381e-5],
        prefill: [7.83, 0.03284, 4.57e-7],
        link_base: 1.4,
        link_token: 0.0058,
        mixed_context: 0.0,
    },
    Fit {
        name: "llama-70b-fp8-h100-tp4",
        decode: [10.713, 0.03414, 2.686e-5],
        prefill: [7.51, 0.04747, 8.61e-7],
        link_base: 0.9,
        link_token: 0.0058,
        mixed_context: 0.0,
    },
    Fit {
        name: "llama-70b-fp8-h100-tp2",
        decode: [16.976, 0.03103, 5.267e-5],
        prefill: [7.04, 0.07386, 1.789e-6],
        link_base: 0.7,
        link_token: 0.0058,
        mixed_context: 0.0,
    },
    Fit {
        name: "llama-70b-bf16-h200-tp8",
        decode: [8.181, 0.02452, 9.88e-6],
        prefill: [6.03, 0.03691, 4.98e-7],
        link_base: 1.4,
        link_token: 0.0058,
        mixed_context: 0.0,
    },
    Fit {
        name: "llama-70b-bf16-b200-tp8",
        decode: [7.122, 0.01536, 7.33e-6],
        prefill: [6.92, 0.02097, 2.81e-7],
        link_base: 1.2,
        link_token: 0.0029,
        mixed_context: 0.0,
    },
    Fit {
        name: "llama-8b-bf16-h100-tp1",
        decode: [6.403, 0.01057, 4.219e-5],
        prefill: [4.09, 0.01827, 8.28e-7],
        link_base: 0.0,
        link_token: 0.0,
        mixed_context: 0.0,
    },
    Fit {
        name: "llama-8b-bf16-a100-tp1",
        decode: [11.558, 0.03091, 8.304e-5],
        prefill: [7.48, 0.05503, 2.96e-6],
        link_base: 0.0,
        link_token: 0.0,
        mixed_context: 0.0,
    },
    Fit {
        name: "llama-8b-bf16-rtx4090-tp1",
        decode: [17.468, 0.03718, 1.421e-4],
        prefill: [8.545, 0.08800, 5.467e-6],
        link_base: 0.0,
        link_token: 0.0,
        mixed_context: 1.477e-4,
    },
    Fit {
        name: "llama-8b-bf16-rtxpro6000-tp1",
        decode: [11.233, 0.02121, 9.000e-5],
        prefill: [7.202, 0.03521, 2.662e-6],
        link_base: 0.0,
        link_token: 0.0,
        mixed_context: 5.14e-5,
    },
];

/// The coefficients of a preset, if there is one of that name.
pub fn preset(name: &str) -> Option<StepCost> {
    let fit = FITS.iter().find(|f| f.name == name)?;
    let cost = StepCost::from_fit(fit.decode, fit.prefill, HOST_MS, fit.link_base, fit.link_token);
    Some(cost.with_mixed_context(fit.mixed_context))
}

/// The names of all presets.
pub fn preset_names() -> impl Iterator<Item = &'static str> {
    FITS.iter().map(|f| f.name)
}
