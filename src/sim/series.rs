//! The true series of a run: what happened, bucket by bucket, counted in integers as it happens.
//!
//! This is truth, not telemetry: nothing inside the stack reads it.

use serde::{Deserialize, Serialize};

use crate::sim::ids::ReplicaId;
use crate::sim::time::{SimDuration, SimTime};

/// True values in buckets that end at [`Series::t_s`]; every column has the same length.
///
/// A bucket holds the moments from its start up to, not including, its end; the last one holds the horizon too, and is
/// shorter than the others where the horizon cuts it. `None` (`null` in JSON) means that nothing was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// End of the bucket, in seconds since the recording began: in a run, the opening.
    pub t_s: Vec<f64>,
    /// Intents begun per second.
    pub intents_per_s: Vec<f64>,
    /// Attempts sent per second, first tries included.
    pub attempts_per_s: Vec<f64>,
    /// Cached prompt tokens over prompt tokens of the attempts admitted, 0 to 1.
    pub hit_ratio: Vec<Option<f64>>,
    /// Prefill tokens computed, over attempts admitted.
    pub prefill_tokens_per_request: Vec<Option<f64>>,
    /// Median time to first token in seconds: from the moment the client sends the attempt to the moment it sees the
    /// first token, over the first tokens seen in the bucket. Attempts that never see one have none.
    pub ttft_p50_s: Vec<Option<f64>>,
    /// As [`Series::ttft_p50_s`], at the 99th percentile. Both are nearest rank: the smallest value that at least the
    /// stated share of the values does not exceed.
    pub ttft_p99_s: Vec<Option<f64>>,
    /// Requests waiting for admission per ready replica, over time.
    pub queue: Vec<Option<f64>>,
    /// Attempts that ended in an error per second.
    pub errors_per_s: Vec<f64>,
    /// Intents answered within their objective per second.
    pub goodput_per_s: Vec<f64>,
    /// Intents of weight zero per second that were not answered within their objective: nobody misses the answer.
    #[serde(default)]
    pub unmissed_per_s: Vec<f64>,
    /// Share of the ready replicas' time in which their accelerators ran a step, 0 to 1: duty cycle, not usefulness.
    pub gpu_busy: Vec<Option<f64>>,
    /// The part of the hit ratio served from the replica's own accelerator memory.
    pub hit_hbm: Vec<Option<f64>>,
    /// The part of the hit ratio served from host memory.
    pub hit_host: Vec<Option<f64>>,
    /// The part of the hit ratio served from the shared remote tier.
    pub hit_remote: Vec<Option<f64>>,
    /// Ready replicas, averaged over the bucket.
    pub ready_replicas: Vec<f64>,
}

/// What a replica adds to `queue` and `gpu_busy`, from one change of it to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaLoad {
    /// In service. A replica that is not counts neither its waiting requests nor its busy time.
    pub ready: bool,
    /// A step is running on its accelerators.
    pub busy: bool,
    /// Requests waiting for admission.
    pub waiting: u32,
}

/// Collects the true series while a world runs.
///
/// Moments should come in the order in which they happen; a load reported late counts from the latest one reported.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SeriesRecorder {
    bucket_ns: u64,
    buckets: Vec<Bucket>,
    current: usize,
    loads: Vec<ReplicaLoad>,
    total: Total,
    counted_to: SimTime,
}

/// Sums of one bucket; replica sums are in units times nanoseconds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Bucket {
    intents: u64,
    attempts: u64,
    admitted: u64,
    prompt_tokens: u64,
    hbm_tokens: u64,
    host_tokens: u64,
    remote_tokens: u64,
    prefill_tokens: u64,
    errors: u64,
    good: u64,
    unmissed: u64,
    ttft: Vec<SimDuration>,
    waiting_ns: u128,
    ready_ns: u128,
    busy_ns: u128,
}

/// Sums over the ready replicas at one moment.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Total {
    waiting: u64,
    ready: u64,
    busy: u64,
}

impl SeriesRecorder {
    /// A recorder with buckets of this length; one shorter than a millisecond is taken as a millisecond.
    pub fn new(bucket: SimDuration) -> Self {
        SeriesRecorder {
            bucket_ns: bucket.0.max(SimDuration::from_millis(1).0),
            buckets: vec![Bucket::default()],
            current: 0,
            loads: Vec::new(),
            total: Total::default(),
            counted_to: SimTime::ZERO,
        }
    }

    /// A user began to want something.
    pub fn intent(&mut self, at: SimTime) {
        self.bucket(at).intents += 1;
    }

    /// A client sent an attempt, the first of its intent or a later one.
    pub fn attempt(&mut self, at: SimTime) {
        self.bucket(at).attempts += 1;
    }

    /// A replica admitted an attempt; `hbm`, `host` and `remote` are the prompt tokens found cached, by source.
    /// An attempt that is preempted and admitted again is admitted once.
    pub fn admitted(&mut self, at: SimTime, prompt_tokens: u64, hbm: u64, host: u64, remote: u64) {
        let bucket = self.bucket(at);
        bucket.admitted += 1;
        bucket.prompt_tokens += prompt_tokens;
        bucket.hbm_tokens += hbm;
        bucket.host_tokens += host;
        bucket.remote_tokens += remote;
    }

    /// A step computed this many prefill tokens, recomputation after a preemption included.
    pub fn computed_prefill(&mut self, at: SimTime, tokens: u64) {
        self.bucket(at).prefill_tokens += tokens;
    }

    /// A client saw the first token of an attempt, `ttft` after it had sent that attempt.
    pub fn first_token(&mut self, at: SimTime, ttft: SimDuration) {
        self.bucket(at).ttft.push(ttft);
    }

    /// An attempt ended in an error, for whatever reason, as its client sees it.
    pub fn error(&mut self, at: SimTime) {
        self.bucket(at).errors += 1;
    }

    /// An intent was answered within its objective.
    pub fn good(&mut self, at: SimTime) {
        self.bucket(at).good += 1;
    }

    /// An intent of weight zero was not answered within its objective.
    pub fn unmissed(&mut self, at: SimTime) {
        self.bucket(at).unmissed += 1;
    }

    /// The load of a replica from `at` on, until the next report of the same replica.
    pub fn replica(&mut self, at: SimTime, id: ReplicaId, load: ReplicaLoad) {
        if id.index() >= self.loads.len() {
            self.loads.resize(id.index() + 1, ReplicaLoad::default());
        }
        let before = self.loads[id.index()];
        if before == load {
            return;
        }
        self.count_loads_to(at);
        self.loads[id.index()] = load;
        self.total.change(before, load);
    }

    /// Ends the record at `horizon`, which is no earlier than anything reported, and computes the series.
    pub fn finish(mut self, horizon: SimTime) -> Series {
        self.count_loads_to(horizon);
        let length = horizon.0.div_ceil(self.bucket_ns) as usize;
        self.close_at(horizon, length);
        let mut series = Series::default();
        let mut start = SimTime::ZERO;
        for bucket in self.buckets {
            let end = (start + SimDuration(self.bucket_ns)).min(horizon);
            series.push(end, end.since(start).as_secs_f64(), bucket);
            start = end;
        }
        series
    }

    fn bucket(&mut self, at: SimTime) -> &mut Bucket {
        let start = self.current as u64 * self.bucket_ns;
        if at.0.wrapping_sub(start) >= self.bucket_ns {
            self.current = (at.0 / self.bucket_ns) as usize;
            if self.current >= self.buckets.len() {
                self.buckets.resize_with(self.current + 1, Bucket::default);
            }
        }
        &mut self.buckets[self.current]
    }

    /// Adds the loads that have held since the last change, bucket by bucket.
    fn count_loads_to(&mut self, at: SimTime) {
        while self.counted_to < at {
            let (from, total) = (self.counted_to, self.total);
            let bucket_end = (from.0 / self.bucket_ns + 1).saturating_mul(self.bucket_ns);
            let to = SimTime(bucket_end.min(at.0));
            self.bucket(from).count_load(total, to.since(from));
            self.counted_to = to;
        }
    }

    /// Brings the buckets to `length`. What happened at the horizon itself belongs to the bucket that ends there.
    fn close_at(&mut self, horizon: SimTime, length: usize) {
        if length > 0 && length < self.buckets.len() && horizon.0.is_multiple_of(self.bucket_ns) {
            let at_horizon = std::mem::take(&mut self.buckets[length]);
            self.buckets[length - 1].add(at_horizon);
        }
        self.buckets.resize_with(length, Bucket::default);
    }
}

impl Bucket {
    fn count_load(&mut self, total: Total, span: SimDuration) {
        self.waiting_ns += u128::from(total.waiting) * u128::from(span.0);
        self.ready_ns += u128::from(total.ready) * u128::from(span.0);
        self.busy_ns += u128::from(total.busy) * u128::from(span.0);
    }

    fn add(&mut self, other: Bucket) {
        self.intents += other.intents;
        self.attempts += other.attempts;
        self.admitted += other.admitted;
        self.prompt_tokens += other.prompt_tokens;
        self.hbm_tokens += other.hbm_tokens;
        self.host_tokens += other.host_tokens;
        self.remote_tokens += other.remote_tokens;
        self.prefill_tokens += other.prefill_tokens;
        self.errors += other.errors;
        self.good += other.good;
        self.unmissed += other.unmissed;
        self.ttft.extend(other.ttft);
    }
}

impl Total {
    fn change(&mut self, before: ReplicaLoad, after: ReplicaLoad) {
        self.waiting = self.waiting - before.counted_waiting() + after.counted_waiting();
        self.ready = self.ready - u64::from(before.ready) + u64::from(after.ready);
        self.busy = self.busy - before.counted_busy() + after.counted_busy();
    }
}

impl ReplicaLoad {
    fn counted_waiting(self) -> u64 {
        if self.ready { u64::from(self.waiting) } else { 0 }
    }

    fn counted_busy(self) -> u64 {
        u64::from(self.ready && self.busy)
    }
}

impl Series {
    /// Intents per second of a bucket by whose end nobody is hurt: answered in time, or of no weight.
    pub fn painless_per_s(&self, bucket: usize) -> f64 {
        let of = |column: &[f64]| column.get(bucket).copied().unwrap_or(0.0);
        of(&self.goodput_per_s) + of(&self.unmissed_per_s)
    }

    fn push(&mut self, end: SimTime, seconds: f64, mut bucket: Bucket) {
        let rate = |count: u64| count as f64 / seconds;
        let of_prompt = |tokens: u64| ratio(tokens, bucket.prompt_tokens);
        let cached = bucket.hbm_tokens + bucket.host_tokens + bucket.remote_tokens;
        self.t_s.push(end.as_secs_f64());
        self.intents_per_s.push(rate(bucket.intents));
        self.attempts_per_s.push(rate(bucket.attempts));
        self.errors_per_s.push(rate(bucket.errors));
        self.goodput_per_s.push(rate(bucket.good));
        self.unmissed_per_s.push(rate(bucket.unmissed));
        self.hit_ratio.push(of_prompt(cached));
        self.hit_hbm.push(of_prompt(bucket.hbm_tokens));
        self.hit_host.push(of_prompt(bucket.host_tokens));
        self.hit_remote.push(of_prompt(bucket.remote_tokens));
        self.prefill_tokens_per_request.push(ratio(bucket.prefill_tokens, bucket.admitted));
        self.queue.push(ratio(bucket.waiting_ns, bucket.ready_ns));
        self.gpu_busy.push(ratio(bucket.busy_ns, bucket.ready_ns));
        self.ready_replicas.push(bucket.ready_ns as f64 / (seconds * 1e9));
        bucket.ttft.sort_unstable();
        self.ttft_p50_s.push(nearest_rank(&bucket.ttft, 50));
        self.ttft_p99_s.push(nearest_rank(&bucket.ttft, 99));
    }
}

fn ratio<N: Into<u128>>(part: N, whole: N) -> Option<f64> {
    let whole = whole.into();
    (whole > 0).then(|| part.into() as f64 / whole as f64)
}

/// The smallest of the sorted values that at least `percent` % of them do not exceed, in seconds.
fn nearest_rank(sorted: &[SimDuration], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).map(|value| value.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: SimDuration = SimDuration::from_secs(1);

    fn at(seconds: f64) -> SimTime {
        SimTime::from_secs_f64(seconds)
    }

    fn busy(waiting: u32) -> ReplicaLoad {
        ReplicaLoad { ready: true, busy: true, waiting }
    }

    #[test]
    fn a_moment_on_a_boundary_belongs_to_the_bucket_it_opens_and_the_horizon_to_the_last() {
        let mut recorder = SeriesRecorder::new(SECOND);
        for moment in [0.0, 0.999, 1.0, 2.0] {
            recorder.intent(at(moment));
        }
        let series = recorder.finish(at(2.0));
        assert_eq!(series.t_s, [1.0, 2.0]);
        assert_eq!(series.intents_per_s, [2.0, 2.0]);
    }

    #[test]
    fn a_horizon_inside_a_bucket_shortens_it_and_rates_are_per_second_of_what_is_left() {
        let mut recorder = SeriesRecorder::new(SimDuration::from_secs(10));
        recorder.attempt(at(11.0));
        recorder.attempt(at(12.0));
        let series = recorder.finish(at(14.0));
        assert_eq!(series.t_s, [10.0, 14.0]);
        assert_eq!(series.attempts_per_s, [0.0, 0.5]);
    }

    #[test]
    fn what_was_not_measured_is_none_and_what_was_counted_is_zero() {
        let series = SeriesRecorder::new(SECOND).finish(at(1.0));
        assert_eq!(series.errors_per_s, [0.0]);
        let measured = [&series.hit_ratio, &series.prefill_tokens_per_request, &series.ttft_p50_s, &series.ttft_p99_s];
        assert!(measured.iter().all(|column| **column == [None]));
        assert_eq!((&series.queue[0], &series.gpu_busy[0]), (&None, &None));
    }

    #[test]
    fn hits_are_over_prompt_tokens_and_prefill_is_over_admitted_attempts() {
        let mut recorder = SeriesRecorder::new(SECOND);
        recorder.admitted(at(0.1), 1000, 100, 200, 300);
        recorder.admitted(at(0.2), 3000, 0, 0, 1400);
        recorder.computed_prefill(at(0.3), 400);
        recorder.computed_prefill(at(0.4), 1600);
        let series = recorder.finish(at(1.0));
        assert_eq!(series.hit_ratio, [Some(0.5)]);
        assert_eq!(series.hit_remote, [Some(0.425)]);
        assert_eq!(series.prefill_tokens_per_request, [Some(1000.0)]);
    }

    #[test]
    fn percentiles_are_nearest_rank_of_the_bucket_in_any_order() {
        let mut recorder = SeriesRecorder::new(SECOND);
        for millis in (1..=200).rev() {
            recorder.first_token(at(0.5), SimDuration::from_millis(millis));
        }
        recorder.first_token(at(1.5), SimDuration::from_secs(7));
        let series = recorder.finish(at(2.0));
        assert_eq!(series.ttft_p50_s, [Some(0.100), Some(7.0)]);
        assert_eq!(series.ttft_p99_s, [Some(0.198), Some(7.0)]);
    }

    #[test]
    fn loads_are_weighted_by_time_across_buckets_over_ready_replicas_only() {
        let mut recorder = SeriesRecorder::new(SECOND);
        recorder.replica(at(0.0), ReplicaId(0), busy(4));
        recorder.replica(at(0.5), ReplicaId(1), ReplicaLoad { ready: true, busy: false, waiting: 0 });
        recorder.replica(at(1.5), ReplicaId(0), ReplicaLoad { ready: false, busy: true, waiting: 9 });
        let series = recorder.finish(at(3.0));
        assert_eq!(series.ready_replicas, [1.5, 1.5, 1.0]);
        assert_eq!(series.queue, [Some(4.0 / 1.5), Some(2.0 / 1.5), Some(0.0)]);
        assert_eq!(series.gpu_busy, [Some(1.0 / 1.5), Some(0.5 / 1.5), Some(0.0)]);
    }

    #[test]
    fn a_silent_stretch_keeps_the_last_load_and_every_column_has_the_same_length() {
        let mut recorder = SeriesRecorder::new(SECOND);
        recorder.replica(at(0.0), ReplicaId(3), busy(2));
        let series = recorder.finish(at(5.0));
        assert_eq!(series.queue, [Some(2.0); 5]);
        let json = serde_json::to_value(&series).expect("a series is plain numbers");
        let lengths: Vec<_> =
            json.as_object().expect("an object").values().map(|c| c.as_array().map_or(0, Vec::len)).collect();
        assert!(!lengths.is_empty() && lengths.iter().all(|length| *length == 5), "{lengths:?}");
    }

    #[test]
    fn no_horizon_gives_no_buckets() {
        assert_eq!(SeriesRecorder::new(SimDuration::ZERO).finish(SimTime::ZERO), Series::default());
    }
}
