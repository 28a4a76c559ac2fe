//! Beliefs look by look: what is known of one world so far, what it makes of that, and what is worth looking at next.
//! Moments are in seconds after the page; negative: before it.
//!
//! A player that looks where most is to be learnt for its price needs no more than [`Mind::take`], [`Mind::beliefs`]
//! and [`Mind::best`].

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::score::bayes::entropy_bits;
use crate::score::observer::Observer;
use crate::score::observer::grid::NARROW_S;
use crate::score::observer::reading::Reading;
use crate::score::observer::registry::{Item, Source, Window};
use crate::score::observer::weigh::Scale;
use crate::session::prices::price;

/// Cells of a table, by their places.
pub type Cells = BTreeSet<usize>;

/// A piece of evidence with the cells that it shows.
#[derive(Clone, Debug)]
pub struct Piece {
    /// What it is.
    pub item: Item,
    /// Its cells.
    pub cells: Cells,
}

/// What a look promises.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Promise {
    /// What is looked at.
    pub item: Item,
    /// Bits that it can be expected to tell, given what is known.
    pub bits: f64,
    /// Its price in seconds.
    pub price_s: f64,
}

/// What an ideal observer knows of one world.
pub struct Mind<'a> {
    /// Whose mind it is.
    pub observer: &'a Observer,
    /// The world, one byte a cell; what has not been seen is not used.
    pub levels: Vec<u8>,
    /// What has been seen.
    pub seen: Cells,
    /// Beliefs that were asked for before, by the cells that they were given.
    known: RefCell<BTreeMap<Cells, Vec<f64>>>,
}

impl<'a> Mind<'a> {
    /// Nothing has been seen yet of this world.
    pub fn new(observer: &'a Observer, reading: &Reading) -> Mind<'a> {
        Mind { observer, levels: observer.table.levels_of(reading), seen: Cells::new(), known: RefCell::default() }
    }

    fn cells_of<'b>(
        &'b self,
        revealed: impl Fn(&Source) -> Option<f64> + 'b,
        to_s: f64,
    ) -> impl Iterator<Item = usize> + 'b {
        let table = &self.observer.table;
        let from: Vec<Option<f64>> = table.sources.iter().map(revealed).collect();
        table.cells.iter().enumerate().filter_map(move |(place, cell)| {
            let from_s = from[usize::from(cell.source)]?;
            self.observer.grid.is_within(usize::from(cell.bucket), from_s, to_s).then_some(place)
        })
    }

    /// What everybody has on the screen who is paged, beside the page, which is the same in all variants: the share of
    /// users in pain, as the indicator has it by then. Which alerts fire is a look.
    pub fn first_screen(&self) -> Cells {
        let minute = -f64::from(NARROW_S);
        self.cells_of(|source| matches!(source, Source::Pain).then_some(minute), 0.0).collect()
    }

    /// What a look reveals.
    pub fn revealed(&self, window: &Window<'_>) -> Cells {
        // Rows of a bucket end a little before it does.
        const SLACK_S: f64 = 5.0;
        let to_s = window.at_s.min(window.to_s.max(window.at_s - SLACK_S * 3.0).min(window.to_s + SLACK_S));
        self.cells_of(|source| source.revealed(window), to_s).collect()
    }

    /// Everything that there is to be seen from one moment to another, piece by piece.
    pub fn pieces(&self, from_s: f64, to_s: f64) -> Vec<Piece> {
        let table = &self.observer.table;
        let mut pieces: BTreeMap<String, Piece> = BTreeMap::new();
        for place in self.cells_of(|_| Some(from_s), to_s) {
            let item = table.sources[usize::from(table.cells[place].source)].item();
            let new = || Piece { item: item.clone(), cells: Cells::new() };
            pieces.entry(item.key.clone()).or_insert_with(new).cells.insert(place);
        }
        pieces.into_values().collect()
    }

    /// Takes in what was seen.
    pub fn take(&mut self, cells: impl IntoIterator<Item = usize>) {
        self.seen.extend(cells);
    }

    /// Beliefs over the hypotheses, given everything that was seen.
    pub fn beliefs(&self) -> Vec<f64> {
        self.given(&self.seen)
    }

    /// Beliefs given some cells alone.
    pub fn given(&self, cells: &Cells) -> Vec<f64> {
        if let Some(beliefs) = self.known.borrow().get(cells) {
            return beliefs.clone();
        }
        let scale = Scale::new(&self.observer.table, cells.iter().copied(), &self.observer.prior);
        let beliefs = scale.posterior(&self.levels);
        self.known.borrow_mut().insert(cells.clone(), beliefs.clone());
        beliefs
    }

    /// What is worth looking at over the last `window_s` seconds before a moment: most bits for a second first.
    pub fn best(&self, at_s: f64, window_s: f64) -> Vec<Promise> {
        let (table, prior) = (&self.observer.table, &self.observer.prior);
        let known = Scale::new(table, self.seen.iter().copied(), prior);
        let now = known.posterior(&self.levels);
        // A run of a hypothesis is as probable as the hypothesis is now.
        let mut counts = vec![0.0; now.len()];
        table.runs.iter().for_each(|(h, _)| counts[usize::from(*h)] += 1.0);
        let chances: Vec<f64> =
            table.runs.iter().map(|(h, _)| now[usize::from(*h)] / f64::max(counts[usize::from(*h)], 1.0)).collect();
        let entropy = entropy_bits(&now);
        let promise = |piece: Piece| {
            let cells = piece.cells.into_iter().filter(|c| !self.seen.contains(c));
            // What is known already goes in as the beliefs from before.
            let scale = Scale::new(table, cells, &now);
            let bits = (entropy - scale.left_unknown(&chances)).max(0.0);
            Promise { bits, price_s: price(&piece.item.look).as_secs_f64(), item: piece.item }
        };
        let mut all: Vec<Promise> = self.pieces(at_s - window_s, at_s).into_iter().map(promise).collect();
        let worth = |p: &Promise| p.bits / p.price_s.max(1.0);
        all.sort_by(|a, b| worth(b).total_cmp(&worth(a)).then_with(|| a.item.key.cmp(&b.item.key)));
        all
    }

    /// A smallest set of pieces, found greedily, after which the belief in a truth is at least `least`; none if not even
    /// all of them together do that. `already` is known besides.
    pub fn discriminating(&self, pieces: &[Piece], already: &Cells, truth: &[&str], least: f64) -> Option<Vec<Piece>> {
        const MOST: usize = 4;
        let belief = |cells: &Cells| self.observer.of_truth(&self.given(cells), truth);
        let (mut cells, mut chosen): (Cells, Vec<Piece>) = (already.clone(), Vec::new());
        if least <= belief(&cells) {
            return Some(chosen);
        }
        while chosen.len() < MOST {
            let tried = pieces.iter().filter(|p| !p.cells.is_subset(&cells)).map(|piece| {
                let together: Cells = cells.union(&piece.cells).copied().collect();
                (belief(&together), price(&piece.item.look), piece)
            });
            let (reached, _, best) = tried.max_by(|a, b| {
                a.0.min(least)
                    .total_cmp(&b.0.min(least))
                    .then(b.1.cmp(&a.1))
                    .then_with(|| b.2.item.key.cmp(&a.2.item.key))
            })?;
            cells.extend(&best.cells);
            chosen.push(best.clone());
            if least <= reached {
                return Some(chosen);
            }
        }
        None
    }
}
