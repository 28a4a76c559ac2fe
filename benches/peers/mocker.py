"""NVIDIA Dynamo's mocker on a Mooncake trace, once, as JSON; `run.py` calls it. Step times as in benches/serving/mod.rs."""

import json
import os
import resource
import sys
import time

os.environ.setdefault("DYN_LOG", "error")

import dynamo._core as core
import numpy as np

DECODE_MS, PREFILL_MS, PREFILL_TOKEN_MS, CONTEXT_TOKEN_MS = 2.0, 8.0, 0.03, 1.4e-5


def profile(path):
    """A table on which the mocker's linear interpolation gives our affine step times."""
    tokens = np.array([0.0, 8192.0, 1e6])
    active = np.array([0.0, 1e6, 1e7])
    context = np.array([0.0, 1e7])
    decode = np.repeat((DECODE_MS + CONTEXT_TOKEN_MS * active)[:, None], 2, axis=1)
    np.savez(
        path,
        prefill_isl=tokens,
        prefill_ttft_ms=PREFILL_MS + PREFILL_TOKEN_MS * tokens,
        decode_active_kv_tokens=active,
        decode_context_length=context,
        decode_itl=decode,
    )


def main(trace, router, table):
    profile(table)
    timing = {"type": "external", "provider": "dynamo_profile", "config": {"path": table}}
    engine = {
        "block_size": 512,
        "num_gpu_blocks": 6000,
        "max_num_batched_tokens": 8192,
        "max_num_seqs": 256,
        "timing_model": timing,
    }
    begun, cpu = time.perf_counter(), time.process_time()
    result = core.run_mocker_trace_replay(
        [trace],
        extra_engine_args={"engine": engine},
        num_workers=4,
        router_mode=router,
        trace_block_size=512,
        capture_planner_details=False,
    )
    report = {
        "wall_s": time.perf_counter() - begun,
        "cpu_s": time.process_time() - cpu,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "summary": {k: v for k, v in dict(result.summary).items() if isinstance(v, (int, float))},
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main(*sys.argv[1:])
