//! The assistant beside whoever plays: it reads every board at once and says fluently what it makes of it, with panels that
//! anybody can open. On a stated share of seeds it is right; on the others it tells the best story that is not.
//!
//! From the author's file it has what is true, to be right or wrong on purpose, and no words. What it says is read off the
//! boards, in the same form for both, so that nothing in the telling gives away which it is. Its wrong stories are the
//! correlator's.

use crate::assistant::correlator::{findings, panels_of, told_of};
use crate::assistant::signs::{Sign, Signs};
use crate::scenario::file::{CauseSpec, Role};
use crate::scenario::mechanisms::{NO_FAULT, mechanism};
use crate::session::advice::{Advice, Asking, Citation, VERSION};
use crate::session::clock::Seat;
use crate::session::command::{Command, Look};
use crate::session::hints;
use crate::session::look::title;
use crate::session::store::{ApplyError, OpenSession};
use crate::session::{Refusal, Reply, Session};
use crate::sim::rng::{Purpose, Stream};
use crate::telemetry::panels::{BOARDS, Panel};

/// What the assistant is called in the log.
pub const NAME: &str = "advisor";
/// Seconds that its boards go back.
const WINDOW_S: u32 = 900;
/// A line that moved less than this stood still: a fifth.
const LEAST: f64 = 0.18;
/// Citations of a first piece of advice, and fresh ones each time it is pressed.
const FIRST: usize = 3;
const FRESH: usize = 2;

/// Somebody who can be asked for advice.
pub trait Advisor {
    /// What it says to what was asked. It may look around in the session, and changes nothing in it.
    ///
    /// # Errors
    /// It has nothing to say, and why.
    fn advise(&self, session: &mut Session, asking: Asking) -> Result<Advice, String>;
}

/// The advisor without a model behind it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scripted {
    /// The share of seeds on which it is right.
    pub right: f64,
    /// The share of seeds on which a pin that speaks against it makes it think again.
    pub moves: f64,
}

impl Default for Scripted {
    fn default() -> Self {
        Scripted { right: 0.6, moves: 0.5 }
    }
}

/// Takes a command, and has the scripted advisor answer where it asks for advice.
///
/// # Errors
/// As [`OpenSession::apply`].
pub fn apply(open: &mut OpenSession, seat: Seat, by: &str, command: &Command) -> Result<Reply, ApplyError> {
    apply_with(&Scripted::default(), open, seat, by, command)
}

/// The same with an advisor of one's own.
///
/// # Errors
/// As [`OpenSession::apply`].
pub fn apply_with(
    advisor: &dyn Advisor,
    open: &mut OpenSession,
    seat: Seat,
    by: &str,
    command: &Command,
) -> Result<Reply, ApplyError> {
    let mut reply = open.apply(seat, by, command)?;
    if let Command::Advise { asking } = command {
        let advice = advisor.advise(&mut open.session, *asking).map_err(Refusal)?;
        let said = open.apply(Seat::Assistant, NAME, &Command::Advice(advice))?;
        reply.notices.extend(said.notices);
        (reply.text, reply.data) = (said.text, said.data);
    }
    Ok(reply)
}

/// What an advisor draws from a seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lot {
    /// Whether it is right.
    pub right: bool,
    /// Whether it thinks again when a pin speaks against it.
    pub moves: bool,
    /// How sure it says it is, in per cent: it is no surer where it is right.
    pub percent: u8,
}

impl Scripted {
    /// What it draws from a seed.
    pub fn lot(&self, seed: u64) -> Lot {
        let mut stream = Stream::new(seed, 0, Purpose::Advice, 0);
        let (right, moves) = (stream.chance(self.right), stream.chance(self.moves));
        Lot { right, moves, percent: 78 + stream.below(13) as u8 }
    }
}

impl Advisor for Scripted {
    fn advise(&self, session: &mut Session, asking: Asking) -> Result<Advice, String> {
        let lot = self.lot(session.seal().seed);
        let scene = Scene::read(session)?;
        let given: Vec<(Asking, Advice)> =
            session.advising().given().iter().map(|g| (g.asking, g.advice.clone())).collect();
        let Some((_, last)) = given.last() else {
            let name = scene.claims(lot.right, &[]);
            return Ok(scene.advice(name, lot.percent, &[], FIRST));
        };
        let shown: Vec<&Citation> =
            given.iter().filter(|(_, a)| a.mechanism == last.mechanism).flat_map(|(_, a)| &a.citations).collect();
        Ok(match asking {
            Asking::Plain => scene.advice(&last.mechanism, last.percent, &[], FIRST),
            Asking::Sure => scene.advice(&last.mechanism, (last.percent + 3).min(97), &shown, FRESH),
            Asking::Against { .. } if lot.moves => {
                let left: Vec<&str> = given.iter().map(|(_, a)| a.mechanism.as_str()).collect();
                // It leaves what it said, for the truth if it was wrong, and for what fits next if it was right.
                let right = !scene.true_ones.iter().any(|t| left.contains(&t.as_str()));
                scene.advice(scene.claims(right, &left), lot.percent - 15, &[], FIRST)
            }
            Asking::Against { observation } => {
                let look = session.observations().get(observation as usize - 1).map(|o| title(&o.look));
                let mut same = scene.advice(&last.mechanism, last.percent, &shown, FRESH);
                let aside = format!("E{observation} ({}) fits in as well. ", look.unwrap_or_default());
                same.claim.insert_str(0, &aside);
                same
            }
        })
    }
}

/// What an advisor makes of a moment: every board as signs, and what may be told of them.
struct Scene {
    signs: Signs,
    told: String,
    scenario: String,
    variant: String,
    /// Mechanisms of the variant's causes as the author has them, the root first.
    true_ones: Vec<String>,
}

impl Scene {
    fn read(session: &mut Session) -> Result<Scene, String> {
        let mut signs = Signs::default();
        for (place, board) in (0..).zip(BOARDS) {
            let look = Look::Board { board: board.id.to_string(), window_s: WINDOW_S };
            signs.read(place, &session.peek(&look)?.data);
        }
        let alerts = session.peek(&Look::Alerts)?.text;
        let told = format!("{} {alerts}", session.view().page);
        let (scenario, variant) = (session.scenario(), session.seal().variant.clone());
        let file = &scenario.file;
        let spec = file.variants.iter().find(|v| v.name == variant);
        let is_in = |cause: &&CauseSpec| spec.is_some_and(|v| v.causes.contains(&cause.id));
        let mut causes: Vec<&CauseSpec> = file.causes.iter().filter(is_in).collect();
        causes.sort_by_key(|cause| cause.role != Role::Root);
        let mut true_ones: Vec<String> = causes.iter().map(|cause| cause.mechanism.clone()).collect();
        if true_ones.is_empty() {
            true_ones.push(NO_FAULT.to_string());
        }
        Ok(Scene { signs, told, scenario: scenario.name.clone(), variant, true_ones })
    }

    /// What it claims: the truth, or what fits best of what is not; but nothing that it `left`.
    fn claims(&self, right: bool, left: &[&str]) -> &str {
        if right && !left.contains(&self.true_ones[0].as_str()) {
            return &self.true_ones[0];
        }
        let is_true = |name: &str| self.true_ones.iter().any(|t| t == name);
        let free = |name: &&str| !is_true(name) && !left.contains(name);
        let found = findings(&self.signs, &self.told);
        let moved = |name: &&str| self.own(name).iter().map(|(_, sign)| sign.moved().abs()).fold(0.0, f64::max);
        // Where no story is left that is told at all, the one whose panels moved most is told.
        found.iter().map(|finding| finding.mechanism).find(free).unwrap_or_else(|| {
            told_of().filter(free).max_by(|a, b| moved(a).total_cmp(&moved(b))).unwrap_or("serving.capacity")
        })
    }

    /// Panels where a mechanism shows, with the line of each that moved most, those that moved before those that stood.
    fn own(&self, name: &str) -> Vec<(&'static Panel, &Sign)> {
        let is_true = self.true_ones.iter().any(|t| t == name);
        let of = is_true.then_some((self.scenario.as_str(), self.variant.as_str()));
        let usual = hints::shown_by(name, of).into_iter().map(|(_, panel)| panel.id);
        let mut ids: Vec<&str> = usual.chain(panels_of(name)).collect();
        let mut seen = Vec::new();
        ids.retain(|id| {
            !seen.contains(id) && {
                seen.push(*id);
                true
            }
        });
        let mut own: Vec<(&'static Panel, &Sign)> = ids.into_iter().filter_map(|id| self.line(id)).collect();
        own.sort_by_key(|(_, sign)| sign.moved().abs() <= LEAST);
        own
    }

    fn line(&self, panel: &str) -> Option<(&'static Panel, &Sign)> {
        let sign = self.signs.loudest(panel)?;
        let board = BOARDS.get(sign.observation as usize)?;
        Some((board.panels.iter().find(|p| p.id == panel)?, sign))
    }

    /// What users feel: the line of first tokens or of failures that moved more.
    fn symptom(&self) -> Option<(&'static Panel, &Sign)> {
        let both = ["ttft", "failures"].into_iter().filter_map(|panel| self.line(panel));
        both.max_by(|a, b| a.1.moved().total_cmp(&b.1.moved()))
    }

    /// What it can show for a mechanism, best first: where that shows, what users feel, and whatever else went along.
    fn evidence(&self, name: &str) -> Vec<(&'static Panel, &Sign)> {
        let own = self.own(name);
        let moved = own.iter().filter(|(_, sign)| LEAST < sign.moved().abs()).count();
        let mut all: Vec<_> = own.into_iter().take(moved.max(1)).collect();
        let symptom = self.symptom();
        all.extend(symptom);
        let goes = |sign: &Sign| symptom.map_or(0.5, |(_, s)| sign.with(s).abs()) * sign.moved().abs();
        let panels = BOARDS.iter().flat_map(|board| board.panels).filter_map(|panel| self.line(panel.id));
        let mut others: Vec<_> = panels.filter(|(_, sign)| LEAST < sign.moved().abs()).collect();
        others.sort_by(|a, b| goes(b.1).total_cmp(&goes(a.1)));
        all.extend(others);
        let mut seen: Vec<&str> = Vec::new();
        all.retain(|(panel, _)| {
            !seen.contains(&panel.title) && {
                seen.push(panel.title);
                true
            }
        });
        all
    }

    /// Advice for a mechanism with citations that were not shown before, where there are any left.
    fn advice(&self, name: &str, percent: u8, shown: &[&Citation], most: usize) -> Advice {
        let evidence = self.evidence(name);
        let fresh = |(panel, _): &&(&'static Panel, &Sign)| !shown.iter().any(|c| c.shows == panel.title);
        let mut cited: Vec<&(&'static Panel, &Sign)> = evidence.iter().filter(fresh).take(most).collect();
        if cited.is_empty() {
            cited = evidence.iter().take(1).collect();
        }
        let citations: Vec<Citation> = cited.iter().map(|(panel, sign)| citation(panel, sign)).collect();
        let is = mechanism(name).map_or(name, |m| m.is);
        let says: Vec<String> =
            cited.iter().map(|(panel, sign)| format!("{} {}", panel.title, went(panel, sign))).collect();
        let (question, board, panel) = hints::question(name);
        let claim = match says.split_first() {
            Some((first, rest)) if !rest.is_empty() => {
                format!("{first}; and with it {}. I read it as: {is}.", rest.join("; "))
            }
            Some((first, _)) => format!("{first}. I read it as: {is}."),
            None => format!("I read it as: {is}."),
        };
        let refute = format!("{question} If \"{panel}\" on `board {board}` does not say so, I am wrong.");
        Advice { v: VERSION, claim, mechanism: name.to_string(), percent, citations, refute }
    }
}

fn citation(panel: &Panel, sign: &Sign) -> Citation {
    let board = BOARDS.get(sign.observation as usize).map_or("", |board| board.id).to_string();
    let line = if sign.legend.is_empty() { String::new() } else { format!("{} ", sign.legend) };
    Citation {
        look: Look::Board { board, window_s: WINDOW_S },
        shows: panel.title.to_string(),
        says: format!("{line}{}", went(panel, sign)),
    }
}

/// How a line went, in words.
fn went(panel: &Panel, sign: &Sign) -> String {
    let (before, now) = (panel.unit.show(sign.before), panel.unit.show(sign.now));
    match sign.moved() {
        moved if moved.abs() <= LEAST => format!("stands at {now}"),
        moved => format!("{} from {before} to {now}", if 0.0 < moved { "rose" } else { "fell" }),
    }
}
