//! Binary operators: between numbers, between series and a number, and between series that match.

use rustc_hash::FxHashMap;

use super::PromqlError;
use super::eval::{Evaluator, drop_name};
use super::row::{ABSENT, Grid, Key, Outcome, Row, RowLabels, is_present};
use super::tree::{Binary, BinaryOp, Grouping, Many, Matching};
use crate::metrics::labels::{Labels, NAME};

/// Rows of both sides that match each other.
#[derive(Default)]
struct Pairing {
    left: Vec<usize>,
    right: Vec<usize>,
}

impl<'s> Evaluator<'s> {
    pub(super) fn binary(&mut self, at: usize, binary: &Binary, grid: &Grid) -> Result<Outcome<'s>, PromqlError> {
        let op = binary.op;
        let left = self.outcome(&binary.left, grid)?;
        let right = self.outcome(&binary.right, grid)?;
        let rows = match (left, right) {
            (Outcome::Scalar(left), Outcome::Scalar(right)) => {
                let value = |(l, r): (&f64, &f64)| match op.compares() {
                    true => f64::from(u8::from(holds(op, *l, *r))),
                    false => computed(op, *l, *r),
                };
                return Ok(Outcome::Scalar(left.iter().zip(&right).map(value).collect()));
            }
            (Outcome::Vector(rows), Outcome::Scalar(numbers)) => {
                with_scalar(binary, rows, &numbers, |v, number| one(binary, v, number, v))
            }
            (Outcome::Scalar(numbers), Outcome::Vector(rows)) => {
                with_scalar(binary, rows, &numbers, |v, number| one(binary, number, v, v))
            }
            (Outcome::Vector(left), Outcome::Vector(right)) if op.is_set() => set(binary, left, right, grid),
            (Outcome::Vector(left), Outcome::Vector(right)) => self.matched(at, binary, &left, &right, grid)?,
        };
        self.settled(at, rows).map(Outcome::Vector)
    }

    fn matched(
        &mut self,
        at: usize,
        binary: &Binary,
        left: &[Row<'s>],
        right: &[Row<'s>],
        grid: &Grid,
    ) -> Result<Vec<Row<'s>>, PromqlError> {
        let matching = &binary.matching;
        let there = |rows: &[Row<'s>], place: usize| rows.iter().any(|row| is_present(row.cells[place]));
        let mut results = Vec::new();
        for pairing in pairings(left, right, &matching.on) {
            let (ones, side, others) = match matching.many {
                Many::Right => (pairing.left.iter().map(|n| &left[*n]).collect::<Vec<_>>(), "left", right),
                _ => (pairing.right.iter().map(|n| &right[*n]).collect(), "right", left),
            };
            // Nothing is wrong at a moment at which the other side has no series at all.
            if let Some([a, b]) = twice(&ones, grid, |place| there(others, place)) {
                let message = format!(
                    "several series on the {side} match alike, {} and {}: say by `on` or `ignoring` which labels to match on",
                    a.labels.to_labels(),
                    b.labels.to_labels()
                );
                return Err(self.mismatch(at, message));
            }
            let before = results.len();
            for l in pairing.left.iter().map(|n| &left[*n]) {
                for r in pairing.right.iter().map(|n| &right[*n]) {
                    self.look_at(grid.count)?;
                    let value = |(l, r): (&f64, &f64)| match is_present(*l) && is_present(*r) {
                        true => one(binary, *l, *r, *l),
                        false => ABSENT,
                    };
                    let cells = l.cells.iter().zip(&r.cells).map(value).collect();
                    results.push(Row { labels: result_labels(binary, &l.labels, &r.labels), cells });
                }
            }
            if matching.many == Many::Neither {
                let of_it: Vec<&Row<'s>> = results[before..].iter().collect();
                if let Some([a, b]) = twice(&of_it, grid, |_| true) {
                    let message = format!(
                        "several series on the left match one on the right, as {} and {}: allow it by `group_left`",
                        a.labels.to_labels(),
                        b.labels.to_labels()
                    );
                    return Err(self.mismatch(at, message));
                }
            }
        }
        Ok(results)
    }
}

/// Two rows that have a value at one moment, of those moments that count.
fn twice<'r, 's>(rows: &[&'r Row<'s>], grid: &Grid, counts: impl Fn(usize) -> bool) -> Option<[&'r Row<'s>; 2]> {
    if rows.len() < 2 {
        return None;
    }
    (0..grid.count).find_map(|place| {
        let mut present = rows.iter().filter(|row| is_present(row.cells[place]));
        Some([*present.next()?, *present.next()?]).filter(|_| counts(place))
    })
}

/// Rows that match, in the order of the left side, and of the right where the left has none.
fn pairings(left: &[Row<'_>], right: &[Row<'_>], on: &Grouping) -> Vec<Pairing> {
    let mut known: FxHashMap<Key<'_>, usize> = FxHashMap::default();
    let mut pairings: Vec<Pairing> = Vec::new();
    for (place, row, is_left) in (left.iter().enumerate().map(|(n, row)| (n, row, true)))
        .chain(right.iter().enumerate().map(|(n, row)| (n, row, false)))
    {
        let next = pairings.len();
        let pairing = *known.entry(row.labels.key(|label| on.counts(label))).or_insert(next);
        if pairing == next {
            pairings.push(Pairing::default());
        }
        let side = if is_left { &mut pairings[pairing].left } else { &mut pairings[pairing].right };
        side.push(place);
    }
    pairings
}

/// A value of two, `kept` being what a comparison keeps; nothing where it does not hold.
fn one(binary: &Binary, left: f64, right: f64, kept: f64) -> f64 {
    if !binary.op.compares() {
        return computed(binary.op, left, right);
    }
    match holds(binary.op, left, right) {
        held if binary.says => f64::from(u8::from(held)),
        true => kept,
        false => ABSENT,
    }
}

fn with_scalar<'s>(
    binary: &Binary,
    mut rows: Vec<Row<'s>>,
    numbers: &[f64],
    value: impl Fn(f64, f64) -> f64,
) -> Vec<Row<'s>> {
    for row in &mut rows {
        let present = row.cells.iter_mut().zip(numbers).filter(|(v, _)| is_present(**v));
        present.for_each(|(v, number)| *v = value(*v, *number));
        if binary.op.drops_name() || binary.says {
            drop_name(row);
        }
    }
    rows
}

/// `and`, `or`, `unless`: rows of one side by whether the other has any that match, at each moment.
fn set<'s>(binary: &Binary, left: Vec<Row<'s>>, right: Vec<Row<'s>>, grid: &Grid) -> Vec<Row<'s>> {
    let (mut keep_left, mut keep_right) = (vec![Vec::new(); left.len()], vec![Vec::new(); right.len()]);
    for pairing in pairings(&left, &right, &binary.matching.on) {
        let any = |rows: &[Row<'s>], of: &[usize]| -> Vec<bool> {
            (0..grid.count).map(|place| of.iter().any(|row| is_present(rows[*row].cells[place]))).collect()
        };
        match binary.op {
            BinaryOp::Or => {
                let absent: Vec<bool> = any(&left, &pairing.left).into_iter().map(|there| !there).collect();
                pairing.right.iter().for_each(|row| keep_right[*row].clone_from(&absent));
                pairing.left.iter().for_each(|row| keep_left[*row] = vec![true; grid.count]);
            }
            op => {
                let there = any(&right, &pairing.right).into_iter().map(|there| there == (op == BinaryOp::And));
                let kept: Vec<bool> = there.collect();
                pairing.left.iter().for_each(|row| keep_left[*row].clone_from(&kept));
            }
        }
    }
    let kept = |(mut row, keep): (Row<'s>, Vec<bool>)| {
        if keep.is_empty() {
            return None;
        }
        row.cells.iter_mut().zip(keep).filter(|(_, keep)| !keep).for_each(|(v, _)| *v = ABSENT);
        Some(row)
    };
    let left = left.into_iter().zip(keep_left).filter_map(kept);
    left.chain(right.into_iter().zip(keep_right).filter_map(kept)).collect()
}

/// The labels of what two matching rows give.
fn result_labels<'s>(binary: &Binary, left: &RowLabels<'s>, right: &RowLabels<'s>) -> RowLabels<'s> {
    let Matching { on, many, include } = &binary.matching;
    let (many_side, one_side) = if *many == Many::Right { (right, left) } else { (left, right) };
    let nameless = binary.op.drops_name() || binary.says;
    let plain = include.is_empty() && (*many != Many::Neither || *on == Grouping::Without(Vec::new()));
    if plain {
        return if nameless { many_side.clone().nameless() } else { many_side.clone() };
    }
    let kept = |label: &str| match on {
        _ if nameless && label == NAME => false,
        _ if *many != Many::Neither => true,
        Grouping::By(labels) => labels.iter().any(|l| l == label),
        Grouping::Without(labels) => !labels.iter().any(|l| l == label),
    };
    let mut labels = Labels::new(many_side.pairs().filter(|(label, _)| kept(label)));
    include.iter().for_each(|label| labels.set(label, one_side.get(label)));
    if binary.says {
        labels.set(NAME, "");
    }
    RowLabels::Own(labels)
}

fn computed(op: BinaryOp, l: f64, r: f64) -> f64 {
    match op {
        BinaryOp::Add => l + r,
        BinaryOp::Subtract => l - r,
        BinaryOp::Multiply => l * r,
        BinaryOp::Divide => l / r,
        BinaryOp::Modulo => libm::fmod(l, r),
        BinaryOp::Atan2 => libm::atan2(l, r),
        _ => libm::pow(l, r),
    }
}

fn holds(op: BinaryOp, l: f64, r: f64) -> bool {
    match op {
        BinaryOp::Equal => l == r,
        BinaryOp::NotEqual => l != r,
        BinaryOp::Less => l < r,
        BinaryOp::Greater => l > r,
        BinaryOp::LessOrEqual => l <= r,
        _ => l >= r,
    }
}
