#!/bin/bash
# An array of Slurm: each task plays its part of a study. `sbatch assets/studies/slurm.sh PLAN.ron DIR`; a task that was
# killed is submitted again as it was, and goes on where it stopped.
#SBATCH --array=0-7
#SBATCH --cpus-per-task=2
#SBATCH --mem=4G
#SBATCH --time=04:00:00
set -euo pipefail
plan="$1" out="$2"
scartissue study run "$plan" --out "$out" --shard "$((SLURM_ARRAY_TASK_ID + 1))/$SLURM_ARRAY_TASK_COUNT"
