//! What telemetry showed of one world: every feature by bucket. Never the truth.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::metrics::promql::Query;
use crate::scenario::file::ScenarioFile;
use crate::scenario::lower::Setup;
use crate::score::observer::grid::Grid;
use crate::score::observer::registry::{ASKED, Source, Stat, form, questions};
use crate::score::observer::rows;
use crate::sim::time::{SimDuration, SimTime};
use crate::telemetry::watch::{Watch, WatchError, ms};

/// Panels are asked so often, and the mean of a bucket is kept.
const STEP_S: u32 = 60;
/// Ids in an ensemble need no salt.
const SALT: u64 = 0x0b5e;

/// What was seen of one world.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// Values by bucket; NaN where nothing was measured.
    pub values: BTreeMap<Source, Vec<f32>>,
    /// When somebody was paged first, in seconds after the opening.
    pub paged_s: Option<f64>,
}

impl Reading {
    /// Plays a world as far as is weighed, nobody touching it, and reads it.
    ///
    /// # Errors
    /// No world can be built.
    pub fn of(file: &Arc<ScenarioFile>, setup: &Setup, seed: u64) -> Result<Reading, WatchError> {
        let mut watch = Watch::of(file, setup, seed, SALT)?;
        let grid = Grid::of(file.length_s.as_secs_f64() as u32);
        let open = watch.scene.open_at;
        let mut reading = Reading::default();
        for (bucket, end) in grid.ends.iter().enumerate() {
            watch.advance_to(open + SimDuration::from_secs(u64::from(*end)));
            reading.snapshot(&mut watch, &grid, bucket);
        }
        watch.read_books();
        reading.panels(&watch, &grid);
        reading.lines(&watch, &grid);
        for (name, values) in rows::read(&watch, &grid) {
            reading.values.insert(Source::Rows(name), values);
        }
        reading.paged_s = watch.alerts.page().map(|alert| since(alert.fired, open));
        Ok(reading)
    }

    fn put(&mut self, source: Source, grid: &Grid, bucket: usize, fill: f32, value: f32) {
        self.values.entry(source).or_insert_with(|| vec![fill; grid.len()])[bucket] = value;
    }

    fn add(&mut self, source: Source, grid: &Grid, bucket: usize, value: f32) {
        self.values.entry(source).or_insert_with(|| vec![0.0; grid.len()])[bucket] += value;
    }

    /// What only the present can tell, at the end of a bucket.
    fn snapshot(&mut self, watch: &mut Watch, grid: &Grid, bucket: usize) {
        let now = watch.world.now();
        let alerts: Vec<(String, f64)> =
            (watch.alerts.firing()).map(|alert| (alert.name.clone(), since(now, alert.fired))).collect();
        for (name, age) in alerts {
            self.put(Source::Alert(name), grid, bucket, f32::NAN, age as f32);
        }
        let now_s = watch.now_s();
        let recent: Vec<String> = (watch.changes.until(now_s))
            .filter(|change| now_s - 86_400.0 < change.at_s)
            .map(|change| form(&format!("{} {}", change.service, change.title)))
            .collect();
        recent.into_iter().for_each(|title| self.add(Source::Change(title), grid, bucket, 1.0));
        let tickets: Vec<String> =
            watch.tickets.until(now_s).iter().filter(|t| -7200.0 < t.at_s).map(|t| form(&t.title)).collect();
        tickets.into_iter().for_each(|title| self.add(Source::Ticket(title), grid, bucket, 1.0));
        let answers: Vec<(&str, String)> = watch.with_fleet(|fleet| {
            let answer = |ask| Some((ask, fleet.answer(&crate::session::look::fleet::read(ask).ok()?).ok()?));
            ASKED.into_iter().filter_map(answer).collect()
        });
        for (ask, text) in answers {
            for line in text.lines().skip(1) {
                self.add(Source::Fleet { ask: ask.to_string(), form: form(line) }, grid, bucket, 1.0);
            }
        }
        if let Some(pain) = watch.pain() {
            self.put(Source::Pain, grid, bucket, f32::NAN, pain as f32);
        }
    }

    fn panels(&mut self, watch: &Watch, grid: &Grid) {
        let open = watch.scene.open_at;
        let at = |s: u32| ms(open + SimDuration::from_secs(u64::from(s)));
        let (first, last) = (at(STEP_S), at(grid.ends.last().copied().unwrap_or(STEP_S)));
        for (board, panel, place, legend, expr) in questions() {
            let Ok(query) = Query::parse(expr) else { continue };
            let Ok(lines) = query.eval_range(watch.world.scraped(), first, last, i64::from(STEP_S) * 1000) else {
                continue;
            };
            let many = legend.contains('{');
            // By bucket: of each series its mean.
            let mut by_bucket: Vec<Vec<f64>> = vec![Vec::new(); grid.len()];
            for line in &lines {
                let mut sums = vec![(0.0, 0.0); grid.len()];
                for point in line.points.iter().filter(|p| p.value.is_finite()) {
                    // A moment on the edge tells of the bucket before it.
                    let s = (point.t_ms - ms(open)) as f64 / 1000.0 - 1.0;
                    if let Some(bucket) = grid.bucket(s) {
                        sums[bucket].0 += point.value;
                        sums[bucket].1 += 1.0;
                    }
                }
                for (bucket, (sum, count)) in sums.into_iter().enumerate() {
                    if 0.0 < count {
                        by_bucket[bucket].push(sum / count);
                    }
                }
            }
            let source =
                |stat| Source::Panel { board: board.to_string(), panel: panel.id.to_string(), query: place, stat };
            for (bucket, values) in by_bucket.iter().enumerate() {
                if values.is_empty() {
                    continue;
                }
                let mean = values.iter().sum::<f64>() / values.len() as f64;
                self.put(source(Stat::Mean), grid, bucket, f32::NAN, mean as f32);
                if many {
                    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
                    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    self.put(source(Stat::Low), grid, bucket, f32::NAN, low as f32);
                    self.put(source(Stat::High), grid, bucket, f32::NAN, high as f32);
                    self.put(source(Stat::Count), grid, bucket, 0.0, values.len() as f32);
                }
            }
        }
    }

    /// Log lines and spans.
    fn lines(&mut self, watch: &Watch, grid: &Grid) {
        let open = watch.scene.open_at;
        let mut forms: BTreeMap<(&str, &str, String), Vec<f32>> = BTreeMap::new();
        for line in watch.logs.lines() {
            let Some(bucket) = grid.bucket(since(line.at, open)) else { continue };
            let seconds = (grid.ends[bucket] - grid.begin(bucket)) as f32;
            for form in [String::new(), form(&line.body)] {
                let key = (line.service, line.level.as_str(), form);
                forms.entry(key).or_insert_with(|| vec![0.0; grid.len()])[bucket] += 1.0 / seconds;
            }
        }
        for ((service, level, form), values) in forms {
            let source = Source::Log { service: service.to_string(), level: level.to_string(), form };
            self.values.insert(source, values);
        }
        let mut spans: BTreeMap<(&str, &str), Vec<[f64; 3]>> = BTreeMap::new();
        for span in watch.spans.spans() {
            let Some(bucket) = grid.bucket(since(span.start, open)) else { continue };
            let sums = spans.entry((span.service, span.name.as_str())).or_insert_with(|| vec![[0.0; 3]; grid.len()]);
            sums[bucket][0] += 1.0;
            sums[bucket][1] += span.duration.as_secs_f64();
            sums[bucket][2] += f64::from(u8::from(span.error));
        }
        for ((service, name), buckets) in spans {
            for (stat, place) in [(Stat::Mean, 1), (Stat::High, 2)] {
                let mean = |b: &[f64; 3]| if b[0] <= 0.0 { f32::NAN } else { (b[place] / b[0]) as f32 };
                let source = Source::Span { service: service.to_string(), name: name.to_string(), stat };
                self.values.insert(source, buckets.iter().map(mean).collect());
            }
        }
    }

    /// A hash of everything in it, to five digits: equal ones are of the same world.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for (source, values) in &self.values {
            hash.update(format!("{source:?}"));
            values.iter().for_each(|v| hash.update(format!(" {v:.4e}")));
        }
        hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Seconds from one moment to another, negative if it is before.
fn since(at: SimTime, from: SimTime) -> f64 {
    at.as_secs_f64() - from.as_secs_f64()
}
