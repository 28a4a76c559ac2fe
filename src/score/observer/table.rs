//! What an ensemble showed, kept small: for each run one byte a feature and bucket, of those that tell hypotheses apart.
//!
//! A file is gzip over a line of JSON and the bytes, so that a table travels with the program.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use crate::score::observer::differential::Hypothesis;
use crate::score::observer::reading::Reading;
use crate::score::observer::registry::Source;

/// The version of the form and of everything that is in it.
pub const VERSION: u32 = 2;
/// A table is no larger than this.
pub const MOST_BYTES: usize = 300_000;
/// The byte of what was not measured.
const ABSENT: u8 = 255;
/// The highest other byte.
const TOP: f64 = 250.0;
/// Where what was not measured lies beside what was, on the scale from 0 to 1.
const NOWHERE: f32 = -0.4;
/// A cell is kept if the means of two hypotheses lie so many of their standard errors apart in it: the difference of two
/// equal means is as large as that once in about 100,000, and there are thousands of cells.
const APART: f64 = 4.4;
/// No deviation is smaller than this part of a cell's scale.
pub const LEAST_SD: f64 = 0.012;

/// A hypothesis, as a table knows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Known {
    /// Its name.
    pub name: String,
    /// Digests of the readings of the two fixed seeds: what the world was when the table was made.
    pub digests: Vec<String>,
}

/// A feature in a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// The feature's place.
    pub source: u16,
    /// The bucket.
    pub bucket: u16,
    /// What byte 0 stands for, on the scale of [`Table::units`].
    pub low: f32,
    /// What a step of a byte is.
    pub step: f32,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Version of the form.
    pub v: u32,
    /// The scenario.
    pub scenario: String,
    /// The scenario's fingerprint.
    pub key: String,
    /// Hypotheses in the order of the scenario.
    pub hypotheses: Vec<Known>,
    /// Runs of each hypothesis.
    pub seeds: u32,
    /// Features.
    pub sources: Vec<Source>,
    /// The size of each that is neither small nor large.
    pub units: Vec<f32>,
    /// Cells, those that tell most first.
    pub cells: Vec<Cell>,
    /// Hypothesis and seed's place of each run.
    pub runs: Vec<(u8, u16)>,
    /// Bytes: all cells of the first run, then of the second, and so on.
    #[serde(skip)]
    pub levels: Vec<u8>,
}

/// Why a table cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// It is no gzip, or ends early.
    #[error("the observer's table cannot be unpacked: {0}")]
    Packed(#[from] std::io::Error),
    /// Its first line is not what it should be.
    #[error("the observer's table begins with what is no head of one: {0}")]
    Head(#[from] serde_json::Error),
    /// It does not fit together.
    #[error("the observer's table is damaged: {0}; build it anew: `scartissue observer build`")]
    Damaged(&'static str),
    /// Another version.
    #[error("the observer's table has version {0}, and this program reads {VERSION}: `scartissue observer build`")]
    Version(u32),
}

/// A run's reading, with what it was a run of.
pub struct Sample {
    /// The hypothesis' place.
    pub hypothesis: usize,
    /// The seed's place.
    pub seed: usize,
    /// What was seen.
    pub reading: Reading,
}

fn squeeze(value: f32, unit: f32) -> f64 {
    libm::asinh(f64::from(value) / f64::from(unit))
}

/// A byte on the scale from 0 to 1.
pub fn scaled(level: u8) -> f32 {
    if level == ABSENT { NOWHERE } else { f32::from(level) / TOP as f32 }
}

impl Table {
    /// Makes one of an ensemble, and drops what tells least until it is small enough.
    pub fn of(scenario: &str, key: &str, hypotheses: &[Hypothesis], samples: &[Sample]) -> Table {
        let mut sources: BTreeMap<&Source, usize> = BTreeMap::new();
        for sample in samples {
            for source in sample.reading.values.keys() {
                *sources.entry(source).or_default() += 1;
            }
        }
        // What is there in hardly any run is chance, unless one hypothesis has it often.
        let least = (samples.len() / (hypotheses.len().max(1) * 4)).max(2);
        let sources: Vec<&Source> = sources.into_iter().filter(|(_, n)| least <= *n).map(|(s, _)| s).collect();
        let needed = needed(samples.len(), hypotheses.len());
        let mut found: Vec<(f64, &Source, f32, Cell, Vec<u8>)> = Vec::new();
        for source in sources {
            // Of what is counted, what nobody wrote down is none.
            let absent = if counted(source) { 0.0 } else { f32::NAN };
            let of = |sample: &Sample| sample.reading.values.get(source).cloned();
            let columns: Vec<Option<Vec<f32>>> = samples.iter().map(of).collect();
            let buckets = columns.iter().flatten().map(Vec::len).max().unwrap_or(0);
            let unit = unit(columns.iter().flatten().flatten());
            for bucket in 0..buckets {
                let value = |column: &Option<Vec<f32>>| {
                    column.as_ref().and_then(|c| c.get(bucket)).copied().filter(|v| v.is_finite()).unwrap_or(absent)
                };
                let squeezed: Vec<f64> = columns.iter().map(|c| squeeze(value(c), unit)).collect();
                let measured = || squeezed.iter().copied().filter(|v| v.is_finite());
                let (low, high) = (measured().fold(f64::INFINITY, f64::min), measured().fold(-f64::INFINITY, f64::max));
                if !low.is_finite() {
                    continue;
                }
                let margin = ((high - low) * 0.1).max(1e-3);
                let (low, step) = (low - margin, (high - low + 2.0 * margin) / TOP);
                let cell = Cell { source: 0, bucket: bucket as u16, low: low as f32, step: step as f32 };
                let levels: Vec<u8> = squeezed.iter().map(|v| level(*v, &cell)).collect();
                let apart = apart(&levels, samples, hypotheses.len());
                if needed <= apart {
                    found.push((apart, source, unit, cell, levels));
                }
            }
        }
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| (a.1, a.3.bucket).cmp(&(b.1, b.3.bucket))));
        let mut most = found.len();
        loop {
            let table = Table::with(scenario, key, hypotheses, samples, &found[..most]);
            if most == 0 || table.encode().len() <= MOST_BYTES {
                return table;
            }
            most = most * 9 / 10;
        }
    }

    fn with(
        scenario: &str,
        key: &str,
        hypotheses: &[Hypothesis],
        samples: &[Sample],
        found: &[(f64, &Source, f32, Cell, Vec<u8>)],
    ) -> Table {
        let mut sources: Vec<Source> = Vec::new();
        let mut units = Vec::new();
        let mut places: BTreeMap<&Source, u16> = BTreeMap::new();
        let mut cells = Vec::new();
        for (_, source, unit, cell, _) in found {
            let place = *places.entry(source).or_insert_with(|| {
                sources.push((*source).clone());
                units.push(*unit);
                (sources.len() - 1) as u16
            });
            cells.push(Cell { source: place, ..*cell });
        }
        let digests = |h: usize| -> Vec<String> {
            let of = samples.iter().filter(|s| s.hypothesis == h && s.seed < FIXED);
            of.map(|s| s.reading.digest()).collect()
        };
        let known =
            |(h, hypothesis): (usize, &Hypothesis)| Known { name: hypothesis.name.clone(), digests: digests(h) };
        let seeds: BTreeSet<usize> = samples.iter().map(|s| s.seed).collect();
        let levels = (0..samples.len()).flat_map(|run| found.iter().map(move |(.., levels)| levels[run])).collect();
        Table {
            v: VERSION,
            scenario: scenario.to_string(),
            key: key.to_string(),
            hypotheses: hypotheses.iter().enumerate().map(known).collect(),
            seeds: seeds.len() as u32,
            sources,
            units,
            cells,
            runs: samples.iter().map(|s| (s.hypothesis as u8, s.seed as u16)).collect(),
            levels,
        }
    }

    /// How many standard deviations apart two hypotheses have to be in a cell, for it not to be chance.
    pub fn needed(&self) -> f64 {
        needed(self.runs.len(), self.hypotheses.len())
    }

    /// A reading as this table has it: one byte a cell.
    pub fn levels_of(&self, reading: &Reading) -> Vec<u8> {
        let of = |cell: &Cell| {
            let (Some(source), Some(unit)) =
                (self.sources.get(usize::from(cell.source)), self.units.get(usize::from(cell.source)))
            else {
                return ABSENT;
            };
            let absent = if counted(source) { 0.0 } else { f32::NAN };
            let values = reading.values.get(source);
            let value = values.and_then(|v| v.get(usize::from(cell.bucket))).copied().filter(|v| v.is_finite());
            level(squeeze(value.unwrap_or(absent), *unit), cell)
        };
        self.cells.iter().map(of).collect()
    }

    /// The bytes of a run.
    pub fn run(&self, run: usize) -> &[u8] {
        let width = self.cells.len();
        self.levels.get(run * width..(run + 1) * width).unwrap_or_default()
    }

    /// What a run showed in a cell, in the unit of its feature; none where it was not measured.
    pub fn value(&self, run: usize, cell: usize) -> Option<f64> {
        let (place, level) = (self.cells.get(cell)?, *self.run(run).get(cell)?);
        let unit = f64::from(*self.units.get(usize::from(place.source))?);
        let squeezed = f64::from(place.low) + f64::from(level) * f64::from(place.step);
        (level != ABSENT).then(|| libm::sinh(squeezed) * unit)
    }

    /// As a file.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = GzEncoder::new(Vec::new(), Compression::best());
        let head = serde_json::to_string(self).unwrap_or_default();
        // Column by column, in order of feature and time: neighbours are alike, and pack better.
        let width = self.cells.len();
        let columns = (0..width).flat_map(|cell| (0..self.runs.len()).map(move |run| (run, cell)));
        let turned: Vec<u8> =
            columns.map(|(run, cell)| self.levels.get(run * width + cell).copied().unwrap_or(ABSENT)).collect();
        let written = bytes.write_all(head.as_bytes()).and_then(|()| bytes.write_all(b"\n"));
        // Writing to memory does not fail.
        drop(written.and_then(|()| bytes.write_all(&turned)));
        bytes.finish().unwrap_or_default()
    }

    /// Reads a file.
    ///
    /// # Errors
    /// It is damaged or of another version.
    pub fn decode(bytes: &[u8]) -> Result<Table, TableError> {
        let mut text = Vec::new();
        // No table unpacks to more than this; a file that does is none.
        GzDecoder::new(bytes).take(64 * MOST_BYTES as u64).read_to_end(&mut text)?;
        let end = text.iter().position(|b| *b == b'\n').ok_or(TableError::Damaged("it has no end of its head"))?;
        #[derive(Deserialize)]
        struct Version {
            v: u32,
        }
        let version: Version = serde_json::from_slice(&text[..end])?;
        if version.v != VERSION {
            return Err(TableError::Version(version.v));
        }
        let mut table: Table = serde_json::from_slice(&text[..end])?;
        let (width, runs) = (table.cells.len(), table.runs.len());
        let turned = &text[end + 1..];
        if turned.len() != width * runs || table.units.len() != table.sources.len() {
            return Err(TableError::Damaged("it has another length than its head says"));
        }
        if table.cells.iter().any(|c| table.sources.len() <= usize::from(c.source))
            || table.runs.iter().any(|(h, _)| table.hypotheses.len() <= usize::from(*h))
        {
            return Err(TableError::Damaged("it names a feature or hypothesis that it does not have"));
        }
        table.levels = (0..runs).flat_map(|run| (0..width).map(move |cell| turned[cell * runs + run])).collect();
        Ok(table)
    }
}

/// Seeds whose readings are digested.
pub const FIXED: usize = 2;

/// Whether it is a number of things, which is zero where nobody wrote any down.
fn counted(source: &Source) -> bool {
    match source {
        Source::Log { .. } | Source::Change(_) | Source::Ticket(_) | Source::Fleet { .. } => true,
        Source::Rows(name) => name.starts_with("error:"),
        _ => false,
    }
}

fn level(squeezed: f64, cell: &Cell) -> u8 {
    if !squeezed.is_finite() {
        return ABSENT;
    }
    ((squeezed - f64::from(cell.low)) / f64::from(cell.step)).round().clamp(0.0, TOP) as u8
}

/// The median size of what is not zero.
fn unit<'a>(values: impl Iterator<Item = &'a f32>) -> f32 {
    let mut sizes: Vec<f32> = values.map(|v| v.abs()).filter(|v| v.is_finite() && 0.0 < *v).collect();
    sizes.sort_by(f32::total_cmp);
    sizes.get(sizes.len() / 2).copied().unwrap_or(1.0)
}

fn needed(runs: usize, hypotheses: usize) -> f64 {
    let each = runs as f64 / hypotheses.max(1) as f64;
    APART * libm::sqrt(2.0 / each.max(1.0))
}

/// How many standard deviations lie between the hypotheses that are furthest apart.
fn apart(levels: &[u8], samples: &[Sample], hypotheses: usize) -> f64 {
    let mut sums = vec![[0.0f64; 3]; hypotheses];
    for (level, sample) in levels.iter().zip(samples) {
        let v = f64::from(scaled(*level));
        let sum = &mut sums[sample.hypothesis];
        sum[0] += 1.0;
        sum[1] += v;
        sum[2] += v * v;
    }
    spread(&sums)
}

/// The same from counts, sums and sums of squares.
pub fn spread(sums: &[[f64; 3]]) -> f64 {
    let there: Vec<&[f64; 3]> = sums.iter().filter(|s| 0.0 < s[0]).collect();
    let mean = |s: &[f64; 3]| s[1] / s[0];
    let count: f64 = there.iter().map(|s| s[0]).sum();
    let within: f64 = there.iter().map(|s| (s[2] - s[1] * s[1] / s[0]).max(0.0)).sum();
    let sd = libm::sqrt(within / (count - there.len() as f64).max(1.0)).max(LEAST_SD);
    let (low, high) = there.iter().fold((f64::INFINITY, -f64::INFINITY), |(l, h), s| (l.min(mean(s)), h.max(mean(s))));
    if there.len() < 2 { 0.0 } else { (high - low) / sd }
}
