//! Measured step times of named models on named machines.

use crate::sim::serving::step_time::StepCost;

/// A preset: the fits in milliseconds, and what host and links take of them.
struct Fit {
    name: &'static str,
    decode: [f64; 3],
    prefill: [f64; 3],
    link_base: f64,
    link_token: f64,
}

/// Host time of a step, in milliseconds: the one constant with which two real vLLM runs are met (0.5 to 1.2 fit them).
pub const HOST_MS: f64 = 0.5;

/// Fits to NVIDIA's aiconfigurator-core 0.12.0 (vLLM 0.24 kernels; 0.14 for A100) over 714 points: mean errors of 1.5
/// to 3.1 % for decode and 0.9 to 5.4 % for prefill (B200 decode: 8.2 %). Links: per token, two all-reduces a layer of
/// 2 bytes times the hidden width, over 450 GB/s NVLink (300 on A100); per step, what is left of the fit's constant
/// beside reading the weights at 80 % of the memory's bandwidth, half of which is launch latency of the collectives.
const FITS: &[Fit] = &[
    Fit {
        name: "llama-70b-bf16-h100-tp8",
        decode: [9.951, 0.02356, 1.368e-5],
        prefill: [7.44, 0.03777, 4.99e-7],
        link_base: 1.4,
        link_token: 0.0058,
    },
    Fit {
        name: "llama-70b-bf16-h100-tp4",
        decode: [15.194, 0.03163, 2.688e-5],
        prefill: [9.83, 0.05825, 1.03e-6],
        link_base: 0.9,
        link_token: 0.0058,
    },
    Fit {
        name: "llama-70b-fp8-h100-tp8",
        decode: [7.943, 0.03036, 1.381e-5],
        prefill: [7.83, 0.03284, 4.57e-7],
        link_base: 1.4,
        link_token: 0.0058,
    },
    Fit {
        name: "llama-70b-bf16-h200-tp8",
        decode: [8.181, 0.02452, 9.88e-6],
        prefill: [6.03, 0.03691, 4.98e-7],
        link_base: 1.4,
        link_token: 0.0058,
    },
    Fit {
        name: "llama-70b-bf16-b200-tp8",
        decode: [7.122, 0.01536, 7.33e-6],
        prefill: [6.92, 0.02097, 2.81e-7],
        link_base: 1.2,
        link_token: 0.0029,
    },
    Fit {
        name: "llama-8b-bf16-h100-tp1",
        decode: [6.403, 0.01057, 4.219e-5],
        prefill: [4.09, 0.01827, 8.28e-7],
        link_base: 0.0,
        link_token: 0.0,
    },
    Fit {
        name: "llama-8b-bf16-a100-tp1",
        decode: [11.558, 0.03091, 8.304e-5],
        prefill: [7.48, 0.05503, 2.96e-6],
        link_base: 0.0,
        link_token: 0.0,
    },
];

/// The coefficients of a preset, if there is one of that name.
pub fn preset(name: &str) -> Option<StepCost> {
    let fit = FITS.iter().find(|f| f.name == name)?;
    Some(StepCost::from_fit(fit.decode, fit.prefill, HOST_MS, fit.link_base, fit.link_token))
}

/// The names of all presets.
pub fn preset_names() -> impl Iterator<Item = &'static str> {
    FITS.iter().map(|f| f.name)
}
