//! A trace as text: one line a span, indented under its parent, with a bar in time and the critical path marked.

use std::fmt::Write;

use crate::sim::time::{SimDuration, SimTime};
use crate::telemetry::spans::Span;

/// Narrower than this a waterfall has no room for its bars.
const NARROWEST: usize = 72;

/// Draws spans of one trace in `width` columns. Spans on the critical path, whose shortening would have shortened the
/// whole, have a `*` before them and a bar of `#`; those that failed end in `!`.
pub fn waterfall(spans: &[Span], width: usize) -> String {
    let Some(first) = spans.iter().map(|s| s.start).min() else { return "no spans\n".to_string() };
    let last = spans.iter().map(Span::end).max().unwrap_or(first);
    let width = width.max(NARROWEST);
    let label = (width * 2 / 5).min(48);
    let bar = width - label - 14;
    let tries = spans.iter().filter(|s| is_root(spans, s)).count();
    let failed = spans.iter().filter(|s| s.error).count();
    let mut critical = vec![false; spans.len()];
    mark(spans, None, last, &mut critical);
    let mut text = format!(
        "trace {}  {tries} {}, {} spans, {failed} failed, {}\n",
        spans[0].trace,
        if tries == 1 { "try" } else { "tries" },
        spans.len(),
        length(last.since(first)),
    );
    let scale = Scale { first, span: last.since(first).0.max(1), columns: bar };
    draw(spans, None, 0, &scale, label, &critical, &mut text);
    text
}

struct Scale {
    first: SimTime,
    span: u64,
    columns: usize,
}

impl Scale {
    fn column(&self, at: SimTime) -> usize {
        (u128::from(at.since(self.first).0) * self.columns as u128 / u128::from(self.span)) as usize
    }
}

fn is_root(spans: &[Span], span: &Span) -> bool {
    span.parent.as_ref().is_none_or(|parent| !spans.iter().any(|s| s.span == *parent))
}

/// The places of a span's parts, or of the roots, in order of time.
fn parts(spans: &[Span], of: Option<usize>) -> Vec<usize> {
    let belongs = |span: &Span| match of {
        Some(of) => span.parent.as_ref() == Some(&spans[of].span),
        None => is_root(spans, span),
    };
    let mut own: Vec<usize> = (0..spans.len()).filter(|n| belongs(&spans[*n])).collect();
    own.sort_by_key(|n| (spans[*n].start, std::cmp::Reverse(spans[*n].duration), *n));
    own
}

/// Walks back from `end`: the part that ended last before it is what was waited for. A part that outlives the whole (a
/// call that was given up and went on) counts as ending with it.
fn mark(spans: &[Span], of: Option<usize>, end: SimTime, critical: &mut [bool]) {
    let mut left = parts(spans, of);
    let mut until = end;
    let clipped = |n: usize| spans[n].end().min(end);
    loop {
        left.retain(|n| clipped(*n) <= until && spans[*n].start < until);
        let Some(place) = (0..left.len()).max_by_key(|place| (clipped(left[*place]), left[*place])) else { return };
        let n = left.swap_remove(place);
        critical[n] = true;
        mark(spans, Some(n), clipped(n), critical);
        until = spans[n].start;
    }
}

fn draw(
    spans: &[Span],
    of: Option<usize>,
    depth: usize,
    scale: &Scale,
    label: usize,
    critical: &[bool],
    text: &mut String,
) {
    for n in parts(spans, of) {
        let span = &spans[n];
        let status = span.attribute("http.response.status_code").map_or(String::new(), |s| format!(" {s}"));
        let mark = if critical[n] { '*' } else { ' ' };
        let name = format!("{mark} {:indent$}{} {}{status}", "", span.pod, span.name, indent = 2 * depth);
        let name: String = name.chars().take(label).collect();
        let (from, to) = (scale.column(span.start).min(scale.columns - 1), scale.column(span.end()));
        let columns = to.saturating_sub(from).max(1);
        let fill = if critical[n] { "#" } else { "-" };
        let bar = format!("{}{}", " ".repeat(from), fill.repeat(columns));
        let error = if span.error { " !" } else { "" };
        let row = format!("{name:label$} |{bar:bars$}| {:>8}{error}", length(span.duration), bars = scale.columns);
        let _ = writeln!(text, "{}", row.trim_end());
        draw(spans, Some(n), depth + 1, scale, label, critical, text);
    }
}

fn length(span: SimDuration) -> String {
    let ms = span.as_secs_f64() * 1e3;
    match ms {
        ms if ms < 10.0 => format!("{ms:.2} ms"),
        ms if ms < 1000.0 => format!("{ms:.0} ms"),
        ms => format!("{:.2} s", ms / 1e3),
    }
}
