//! What telemetry showed of one world: every feature by bucket, counted from the page. Never the truth.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::metrics::promql::Query;
use crate::scenario::file::ScenarioFile;
use crate::scenario::lower::Setup;
use crate::score::observer::grid::{Grid, NARROW_S};
use crate::score::observer::registry::{ASKED, Source, Stat, form, line_form, questions};
use crate::score::observer::rows;
use crate::sim::spec::stack::Severity;
use crate::sim::time::{SimDuration, SimTime};
use crate::telemetry::watch::{Watch, WatchError, ms};

/// Panels are asked so often, and the mean of a bucket is kept.
const STEP_S: u32 = 60;
/// Ids in an ensemble need no salt.
const SALT: u64 = 0x0b5e;

/// Where nobody is paged, somebody is asked to have a look so long after the opening, in seconds.
pub const ASKED_AFTER_S: f64 = 420.0;
/// Who has not been paged by this share of an incident is not paged in it.
const LATEST_PAGE: f64 = 2.0 / 3.0;

/// What was seen of one world.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// Values by bucket; NaN where nothing was measured.
    pub values: BTreeMap<Source, Vec<f32>>,
    /// When somebody was paged first, in seconds after the opening; none where nobody was.
    pub paged_s: Option<f64>,
}

/// What control planes answered at a moment, in seconds after the opening.
type Answers = (f64, Vec<(&'static str, String)>);

impl Reading {
    /// Plays a world as far as is weighed, nobody touching it, and reads it.
    ///
    /// # Errors
    /// No world can be built.
    pub fn of(file: &Arc<ScenarioFile>, setup: &Setup, seed: u64) -> Result<Reading, WatchError> {
        Reading::paged(file, setup, seed, None)
    }

    /// The same, of a world in which somebody was paged at a moment that is known, in seconds after the opening.
    ///
    /// # Errors
    /// No world can be built.
    pub fn paged(
        file: &Arc<ScenarioFile>,
        setup: &Setup,
        seed: u64,
        paged_s: Option<f64>,
    ) -> Result<Reading, WatchError> {
        let mut watch = Watch::of(file, setup, seed, SALT)?;
        let grid = Grid::default();
        let open = watch.scene.open_at;
        let moment = |s: f64| open + SimDuration::from_secs_f64(s);
        let mut reading = Reading { paged_s, ..Reading::default() };
        let mut answers: Vec<Answers> = Vec::new();
        let pages = watch.alerts.rules().any(|rule| rule.severity == Severity::Page);
        let latest_s = if pages && paged_s.is_none() {
            file.length_s.as_secs_f64() * LATEST_PAGE
        } else {
            paged_s.unwrap_or(ASKED_AFTER_S)
        };
        let mut at_s = 0.0;
        while at_s < latest_s && reading.paged_s.is_none_or(|paged_s| at_s < paged_s) {
            at_s = (at_s + f64::from(NARROW_S)).min(latest_s);
            watch.advance_to(moment(at_s));
            answers.push(asked(&mut watch));
            let page = || watch.alerts.page().map(|alert| since(alert.fired, open));
            reading.paged_s = reading.paged_s.or_else(page);
        }
        let (page_s, horizon_s) = (reading.page_s(), file.length_s.as_secs_f64());
        for end in &grid.ends {
            let end_s = page_s + f64::from(*end);
            if at_s < end_s && end_s <= horizon_s {
                at_s = end_s;
                watch.advance_to(moment(end_s));
                answers.push(asked(&mut watch));
            }
        }
        for (bucket, end) in grid.ends.iter().enumerate() {
            let end_s = page_s + f64::from(*end);
            if end_s <= horizon_s {
                reading.moment(&watch, &grid, bucket, end_s);
                let then = answers.iter().rfind(|(at_s, _)| *at_s <= end_s);
                for (ask, text) in then.map_or(&[][..], |(_, answers)| answers) {
                    for line in text.lines().skip(1) {
                        let source = Source::Fleet { ask: (*ask).to_string(), form: line_form(ask, line) };
                        reading.add(source, &grid, bucket, 1.0);
                    }
                }
            }
        }
        watch.read_books();
        let page = PageAt { open, page_s, horizon_s };
        reading.panels(&watch, &grid, page);
        reading.lines(&watch, &grid, page);
        for (name, values) in rows::read(&watch, &grid, page) {
            reading.values.insert(Source::Rows(name), values);
        }
        Ok(reading)
    }

    /// What panels show, up to now, of a world that goes on, in which somebody was paged at a moment in seconds after the
    /// opening and which ends at another: no rows, lines or lists.
    pub fn of_panels(watch: &Watch, paged_s: f64, horizon_s: f64) -> Reading {
        let mut reading = Reading { paged_s: Some(paged_s), ..Reading::default() };
        let page = PageAt { open: watch.scene.open_at, page_s: paged_s, horizon_s };
        reading.panels(watch, &Grid::default(), page);
        reading
    }

    /// The moment from which buckets are counted, in seconds after the opening.
    pub fn page_s(&self) -> f64 {
        self.paged_s.unwrap_or(ASKED_AFTER_S)
    }

    fn put(&mut self, source: Source, grid: &Grid, bucket: usize, fill: f32, value: f32) {
        self.values.entry(source).or_insert_with(|| vec![fill; grid.len()])[bucket] = value;
    }

    fn add(&mut self, source: Source, grid: &Grid, bucket: usize, value: f32) {
        self.values.entry(source).or_insert_with(|| vec![0.0; grid.len()])[bucket] += value;
    }

    /// What lists told at a moment, in seconds after the opening.
    fn moment(&mut self, watch: &Watch, grid: &Grid, bucket: usize, at_s: f64) {
        let open = watch.scene.open_at;
        let at = open + SimDuration::from_secs_f64(at_s);
        for alert in watch.alerts.history() {
            if alert.fired <= at && alert.resolved.is_none_or(|over| at < over) {
                self.put(Source::Alert(alert.name.clone()), grid, bucket, f32::NAN, since(at, alert.fired) as f32);
            }
        }
        let recent: Vec<String> = (watch.changes.until(at_s))
            .filter(|change| at_s - 86_400.0 < change.at_s)
            .map(|change| form(&format!("{} {}", change.service, change.title)))
            .collect();
        recent.into_iter().for_each(|title| self.add(Source::Change(title), grid, bucket, 1.0));
        let tickets: Vec<String> =
            watch.tickets.until(at_s).iter().filter(|t| -7200.0 < t.at_s).map(|t| form(&t.title)).collect();
        tickets.into_iter().for_each(|title| self.add(Source::Ticket(title), grid, bucket, 1.0));
        if let Some(pain) = watch.pain_at(ms(at)) {
            self.put(Source::Pain, grid, bucket, f32::NAN, pain as f32);
        }
    }

    fn panels(&mut self, watch: &Watch, grid: &Grid, page: PageAt) {
        let page_ms = page.ms();
        let at = |s: i32| page_ms + i64::from(s) * 1000;
        let step = STEP_S as i32;
        // No earlier than the world, and no later than the incident.
        let first = at(grid.begin(0) + step).max(page_ms.rem_euclid(i64::from(STEP_S) * 1000));
        let last = at(grid.ends.last().copied().unwrap_or(step)).min(ms(watch.world.now()));
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
                    let s = (point.t_ms - page_ms) as f64 / 1000.0 - 1.0;
                    if let Some(bucket) = page.bucket_after(grid, s) {
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
    fn lines(&mut self, watch: &Watch, grid: &Grid, page: PageAt) {
        let mut forms: BTreeMap<(&str, &str, String), Vec<f32>> = BTreeMap::new();
        for line in watch.logs.lines() {
            let Some(bucket) = page.bucket(grid, line.at) else { continue };
            let seconds = grid.width(bucket) as f32;
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
            let Some(bucket) = page.bucket(grid, span.start) else { continue };
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
        hash.update(format!("{:?}", self.paged_s));
        for (source, values) in &self.values {
            hash.update(format!("{source:?}"));
            values.iter().for_each(|v| hash.update(format!(" {v:.4e}")));
        }
        hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Where the page stands in a world.
#[derive(Clone, Copy, Debug)]
pub struct PageAt {
    /// The opening.
    pub open: SimTime,
    /// Seconds from it to the page.
    pub page_s: f64,
    /// Seconds from it to the end of the incident.
    pub horizon_s: f64,
}

impl PageAt {
    /// The bucket of a moment; none outside of what is weighed, or where the incident ends before the bucket does.
    pub fn bucket(&self, grid: &Grid, at: SimTime) -> Option<usize> {
        self.bucket_after(grid, since(at, self.open) - self.page_s)
    }

    /// The same of a moment in seconds after the page.
    fn bucket_after(&self, grid: &Grid, at_s: f64) -> Option<usize> {
        grid.bucket(at_s).filter(|bucket| self.page_s + f64::from(grid.ends[*bucket]) <= self.horizon_s)
    }

    /// Milliseconds of the world.
    fn ms(&self) -> i64 {
        ms(self.open + SimDuration::from_secs_f64(self.page_s))
    }
}

/// What control planes say now.
fn asked(watch: &mut Watch) -> Answers {
    let at_s = watch.now_s();
    let answers = watch.with_fleet(|fleet| {
        let answer = |ask| Some((ask, fleet.answer(&crate::session::look::fleet::read(ask).ok()?).ok()?));
        ASKED.into_iter().filter_map(answer).collect()
    });
    (at_s, answers)
}

/// Seconds from one moment to another, negative if it is before.
fn since(at: SimTime, from: SimTime) -> f64 {
    at.as_secs_f64() - from.as_secs_f64()
}
