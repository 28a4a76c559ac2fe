//! Sentences of a draft: what set in, what moved because of it, what did not, and what users lost. True links and the false
//! one have the same forms, and say nothing that only another world could tell.

use super::{Citation, Desk, Section, Sentence, chart};
use crate::scenario::file::CauseSpec;
use crate::score::check::first_onset;
use crate::score::runs::Ran;
use crate::sim::series::Series;

/// A line has moved that is so many times what it would have been, or one over that.
const MOVED: f64 = 1.25;
/// A line stood still that is within this factor of what it would have been, and of what it was.
const STOOD: f64 = 1.05;
const STILL: f64 = 1.1;
/// Effects are read off the time after the first onset, up to so many seconds.
const READ_S: f64 = 600.0;

/// A line that may have moved: its name, its chart, its unit, below what it is as good as nothing, and its values.
type Watched = (&'static str, &'static str, &'static str, f64, fn(&Series) -> Vec<Option<f64>>);

const WATCHED: [Watched; 7] = [
    ("unique requests", "Requests", " a second", 0.5, |s| counted(&s.intents_per_s)),
    ("requests with all their tries", "Requests", " a second", 0.5, |s| counted(&s.attempts_per_s)),
    ("the share of prompt tokens found in caches", "Cache hit ratio", " %", 1.0, |s| {
        s.hit_ratio.iter().map(|v| v.map(|v| v * 100.0)).collect()
    }),
    ("the prompt tokens computed for each request", "Prefill per request", "", 10.0, |s| {
        s.prefill_tokens_per_request.clone()
    }),
    ("the queue of each replica", "Queue", " requests", 1.0, |s| s.queue.clone()),
    ("the median time to the first token", "Time to first token", " s", 0.1, |s| s.ttft_p50_s.clone()),
    ("errors", "Errors", " a second", 0.2, |s| counted(&s.errors_per_s)),
];

fn counted(column: &[f64]) -> Vec<Option<f64>> {
    column.iter().copied().map(Some).collect()
}

fn number(value: f64) -> String {
    match value.abs() {
        v if v < 0.005 => "0".to_string(),
        v if v < 1.0 => format!("{value:.2}"),
        v if v < 10.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// A line that moved.
pub(super) struct Effect {
    /// The chart that shows it.
    pub(super) title: &'static str,
    /// Its place among those that are watched.
    watched: usize,
    /// As in "errors rise, from 0.0 to 3.2 a second".
    what: String,
    /// What made it, as a postmortem names it, and what that cites.
    source: (String, Option<Citation>),
    /// When it had moved, in seconds after the opening.
    at_s: f64,
}

/// A link from a source to what it did.
pub(super) fn made(effect: &Effect, source: &str, mut cites: Vec<Citation>) -> Sentence {
    cites.push(chart(effect.title));
    Sentence { section: Section::Effects, text: format!("What made {}: {source}.", effect.what), cites }
}

/// A link from a source to what users lost.
pub(super) fn part(source: &str, mut cites: Vec<Citation>) -> Sentence {
    cites.push(chart("Goodput"));
    Sentence { section: Section::Contributing, text: format!("Part of what users lost came of this: {source}."), cites }
}

impl Effect {
    /// The link as it was.
    pub(super) fn told(self) -> Sentence {
        made(&self, &self.source.0, self.source.1.iter().cloned().collect())
    }

    /// Whether the line is otherwise in a run than in another.
    pub(super) fn differs(&self, desk: &Desk<'_>, one: &Ran, other: &Ran) -> bool {
        let (span, (.., floor, column)) = (Span::of(desk), WATCHED[self.watched]);
        let read = |ran: &Ran| span.during(&ran.series, &column(&ran.series));
        matches!((read(one), read(other)), (Some(one), Some(other)) if !(1.0 / STOOD..=STOOD).contains(&ratio(one, other, floor)))
    }
}

/// The time over which effects are read, in seconds after the opening, and as words.
struct Span {
    from: f64,
    until: f64,
    minutes: String,
}

impl Span {
    fn of(desk: &Desk<'_>) -> Span {
        let from = first_onset(desk.file).as_secs_f64();
        let until = (from + READ_S).min(desk.file.length_s.as_secs_f64());
        Span { from, until, minutes: format!("{:.0} minutes", ((until - from) / 60.0).round().max(1.0)) }
    }

    fn before(&self, series: &Series, column: &[Option<f64>]) -> Option<f64> {
        mean(series, column, 0.0, self.from)
    }

    fn during(&self, series: &Series, column: &[Option<f64>]) -> Option<f64> {
        mean(series, column, self.from, self.until)
    }
}

fn mean(series: &Series, column: &[Option<f64>], from: f64, until: f64) -> Option<f64> {
    let inside = series.t_s.iter().zip(column).filter(|(t, _)| from < **t && **t <= until);
    let (sum, n) = inside.filter_map(|(_, v)| *v).fold((0.0, 0u32), |(sum, n), v| (sum + v, n + 1));
    (0 < n).then(|| sum / f64::from(n))
}

fn ratio(is: f64, would: f64, floor: f64) -> f64 {
    is.max(floor) / would.max(floor)
}

fn moved(is: f64, would: f64, floor: f64) -> bool {
    !(1.0 / MOVED..=MOVED).contains(&ratio(is, would, floor))
}

/// A cause as its change log has it, or as it set in.
pub(super) fn opening(desk: &Desk<'_>, cause: &CauseSpec) -> Sentence {
    let section = Section::Cause;
    if let Some((_, cited)) = desk.change(cause)
        && let Citation::Change(change) = &cited
    {
        let [id, time, service, title, ..] = &**change;
        let text = format!("At {time} {service} was changed, \"{title}\" ({id}). With that: {}.", cause.says);
        return Sentence { section, text, cites: vec![cited] };
    }
    let stood = cause.faults.iter().any(|f| f.at_s.is_none());
    let how = if stood { "This stood from before" } else { "It began with this, and with no change of ours" };
    Sentence { section, text: format!("{how}: {}.", cause.says), cites: vec![chart("Requests")] }
}

/// What moved because of what is told of, in the order in which it did, and what did not. A line is laid to the first of
/// them without which alone it would not have moved.
pub(super) fn effects(
    desk: &Desk<'_>,
    told: &[&CauseSpec],
    happened: &Ran,
    spared: &Ran,
    alone: &[impl AsRef<Ran>],
) -> (Vec<Effect>, Vec<Sentence>) {
    let span = Span::of(desk);
    let (mut found, mut stood) = (Vec::new(), Vec::new());
    for (watched, (name, title, unit, floor, column)) in WATCHED.into_iter().enumerate() {
        let read = |ran: &Ran| span.during(&ran.series, &column(&ran.series));
        let before = span.before(&happened.series, &column(&happened.series));
        let (Some(is), Some(would), Some(was)) = (read(happened), read(spared), before) else { continue };
        let within = |factor: f64, other: f64| (1.0 / factor..=factor).contains(&ratio(is, other, floor));
        if within(STOOD, would) && within(STILL, was) {
            let text =
                format!("What did not move with it: {name}, {}{unit} before and {} after.", number(was), number(is));
            stood.push(Sentence { section: Section::Effects, text, cites: vec![chart(title)] });
        }
        // What it was has to tell the same as what it would have been: the first is all that a draft can know.
        if !moved(is, would, floor) || !moved(is, was, floor) || (would < is) != (was < is) {
            continue;
        }
        let without = |place: usize| alone.get(place).and_then(|ran| read(ran.as_ref()));
        let by = (0..told.len()).find(|place| without(*place).is_some_and(|without| moved(is, without, floor)));
        let source = by.map_or(("all of this together".to_string(), None), |place| desk.source(told[place]));
        let (here, there) = (column(&happened.series), column(&spared.series));
        let differs =
            |(a, b): (&Option<f64>, &Option<f64>)| matches!((a, b), (Some(a), Some(b)) if moved(*a, *b, floor));
        let apart: Vec<bool> = here.iter().zip(&there).map(differs).collect();
        let first = apart.windows(3).position(|w| w.iter().all(|d| *d));
        let at_s = first.and_then(|i| happened.series.t_s.get(i)).copied().unwrap_or(span.until);
        let verb = if was < is { "rise" } else { "fall" };
        let what =
            format!("{name} {verb}, from {} to {}{unit} in the mean of {}", number(was), number(is), span.minutes);
        found.push(Effect { title, watched, what, source, at_s });
    }
    found.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
    (found, stood)
}

/// Where nothing is told of: what there was.
pub(super) fn lines(desk: &Desk<'_>, happened: &Ran) -> Vec<Sentence> {
    let span = Span::of(desk);
    let line = |(name, title, unit, floor, column): &Watched| {
        let column = column(&happened.series);
        let (was, is) = (span.before(&happened.series, &column)?, span.during(&happened.series, &column)?);
        let text = match moved(is, was, *floor) {
            false => format!("Unchanged: {name}, {}{unit} before and {} after.", number(was), number(is)),
            true => {
                format!("Over the same {} {name}: {}{unit} before and {} after.", span.minutes, number(was), number(is))
            }
        };
        Some(Sentence { section: Section::Effects, text, cites: vec![chart(title)] })
    };
    WATCHED.iter().filter_map(line).collect()
}

/// Who was told, and when.
pub(super) fn detection(desk: &Desk<'_>, happened: &Ran) -> Option<Sentence> {
    let open_at = desk.file.open_at();
    let paged_s = happened.paged?.since(open_at).as_secs_f64();
    let onset_s = first_onset(desk.file).as_secs_f64();
    let time = desk.calendar.date_time_before(open_at, -paged_s);
    let after = ((paged_s - onset_s) / 60.0).max(0.0);
    let text = match after {
        less if less < 1.0 => format!("Somebody was paged at {time}, within a minute: \"{}\".", desk.file.page),
        some => format!("Somebody was paged at {time}, {some:.0} minutes into it: \"{}\".", desk.file.page),
    };
    Some(Sentence { section: Section::Detection, text, cites: vec![chart("Goodput")] })
}

/// What users lost.
pub(super) fn loss(happened: &Ran) -> Sentence {
    let share = happened.lost_share() * 100.0;
    let text = match happened.lost() {
        few if few < 0.5 => "Users lost next to nothing of what they wanted.".to_string(),
        lost => format!("Users lost {lost:.0} user-minutes, {share:.1} % of what they wanted."),
    };
    Sentence { section: Section::Impact, text, cites: vec![chart("Goodput")] }
}
