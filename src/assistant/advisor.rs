//! The assistant beside whoever plays: it reads every board at once and says fluently what it makes of it, with panels
//! that anybody can open. On a stated share of seeds it is right; on the others it tells the best story that is not.
//!
//! From the author's file it has what is true, to be right or wrong on purpose by a named draw of the seed, and no
//! words. What it says and cites is read off the boards, in the same form for both, so that nothing in the telling
//! gives away which it is. Its wrong stories are the correlator's.
//!
//! For a story that is not so it shows lines that go the way the story would have them, and never one that goes the
//! other way; for *nothing is wrong* what stands. Of those it cites what by the ideal observer's tables tells least
//! between the story and the truth (`score::observer::neutral`), read off the boards of its own session; where its best
//! story cannot be shown without giving itself away, it tells one of the next two. How it chooses is done for true
//! stories too, so that nothing in form or time differs. Tests `decoys` hold it to that with a reading of their own.
//! Where nearly everything that moved tells, there is nothing else to show, and the truth is given away.

use crate::assistant::correlator::{findings, panels_of, rises, told_of};
use crate::assistant::hand::{shown_by, tables};
use crate::assistant::signs::{Sign, Signs};
use crate::scenario::file::{CauseSpec, Role};
use crate::scenario::mechanisms::{NO_FAULT, mechanism};
use crate::score::bayes::logit;
use crate::score::observer::Observer;
use crate::score::observer::mind::Mind;
use crate::score::observer::neutral::Between;
use crate::score::observer::reading::Reading;
pub use crate::session::advice::Advisor;
use crate::session::advice::{Advice, Asking, Citation, VERSION};
use crate::session::clock::Seat;
use crate::session::command::{Command, Look};
use crate::session::facts::Reads;
use crate::session::hints;
use crate::session::look::title;
use crate::session::store::{ApplyError, OpenSession};
use crate::session::{Refusal, Reply, Session};
use crate::sim::rng::{Purpose, Stream};
use crate::sim::time::SimTime;
use crate::telemetry::panels::{BOARDS, Board, Panel, Unit};

/// What the assistant is called in the log.
pub const NAME: &str = "advisor";
/// Seconds that its boards go back.
const WINDOW_S: u32 = 900;
/// A line that moved less than this stood still: a fifth.
const LEAST: f64 = 0.18;
/// How the panel where a mechanism shows has to go for it: the start of the mechanism's id, the panel, the way. What is
/// not listed tells by its shape, and may go either way. Stories of the correlator have ways of their own.
const WAYS: &[(&str, &str, Way)] = &[
    // More people who want something do not try again.
    ("demand.growth", "client_retries", Way::Stands),
    ("demand.abuse", "client_connections", Way::Rises),
    ("demand", "own_hits", Way::Stands),
    ("sdk.prompt_prefix", "own_hits", Way::Falls),
    ("sdk", "client_retries", Way::Rises),
    ("network.certificate", "handshakes", Way::Rises),
    ("network", "hop_time", Way::Rises),
    ("api.gateway_memory", "gateway_memory", Way::Rises),
    ("api.cancellation", "client_resets", Way::Rises),
    ("api", "failures", Way::Rises),
    ("serving.capacity", "replicas", Way::Falls),
    ("serving.long_answers", "tpot", Way::Stands),
    ("serving", "waiting", Way::Rises),
    ("kv_cache", "external_hits", Way::Falls),
    ("telemetry", "ttft", Way::Stands),
    (NO_FAULT, "ttft", Way::Stands),
];
/// What it would do, by the start of a mechanism's id, the first that fits: a story that is not so comes with as plain a remedy
/// as one that is.
const REMEDIES: &[(&str, &str)] = &[
    ("demand.abuse", "Those who send it have to be kept out."),
    ("demand.synchronised", "Spread them, or take some of it elsewhere until it is over."),
    ("demand.mix", "Leave it: nobody needs anything from us."),
    ("demand", "There is not enough of us for what is wanted: add servers."),
    ("sdk", "The clients have to be reined in before anything else."),
    ("network.certificate", "Put a new certificate in."),
    ("network.pinning", "Connections have to be made anew."),
    ("network", "Take back what touched the network last, or go round it."),
    ("api.auth_shard", "The other half has to take over from that shard."),
    ("api.auth", "Spare the store until it is well."),
    ("api.rate_limit", "Raise the limit."),
    ("api.workers", "Gateways need room: more of them, or less let in."),
    ("api.gateway_memory", "Gateways need room: more of them, or less let in."),
    ("api", "Go back on what the gateways run."),
    ("serving.routing", "Set the router so that it spreads the load."),
    ("serving.fail_fast", "Take that replica out."),
    ("serving.long_prompts", "Keep the long ones apart from the others."),
    ("serving.long_answers", "Set the length of answers back."),
    ("serving.batching", "Set the batch back to what it was."),
    ("serving.rollout", "Stop the rollout."),
    ("serving.capacity", "There is too little room there: add servers."),
    ("serving", "Put sound replicas in their place."),
    ("accelerator.clock", "Give them their power back."),
    ("accelerator", "Take the machine out."),
    ("kv_cache.membership", "Put the members back that were there."),
    ("kv_cache.capacity", "Give the cache its room back."),
    ("kv_cache", "Bring the cache back before anything else."),
    ("control", "Take the loop out and set it by hand."),
    ("", "Leave everything as it is."),
];
/// What is shown where nothing is wrong, if it stands.
const CALM: [&str; 5] = ["ttft", "failures", "requests", "waiting", "replicas"];
/// What users feel.
const FELT: [&str; 2] = ["ttft", "failures"];
/// The best so many stories are tried.
const STORIES: usize = 3;
/// A story gives little away whose citations tell no more than this, in nats.
const LITTLE: f64 = 1.0;
/// A look speaks against a claim that takes a factor of three from its odds, in nats: M5's disconfirming look.
const DISCONFIRMS: f64 = 1.098_612_288_668_11;
/// Citations of a first piece of advice, and fresh ones each time it is pressed.
const FIRST: usize = 3;
const FRESH: usize = 2;

/// How a line goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Rises,
    Falls,
    Stands,
}

impl Way {
    fn of(sign: &Sign) -> Way {
        match sign.moved() {
            moved if moved.abs() <= LEAST => Way::Stands,
            moved if 0.0 < moved => Way::Rises,
            _ => Way::Falls,
        }
    }
}

/// Whether a line goes as a mechanism would have it; one that stands speaks against nothing that it does not have to show.
fn fits(name: &str, panel: &str, sign: &Sign) -> bool {
    let way = Way::of(sign);
    if let Some(rises) = rises(name, panel) {
        return way == if rises { Way::Rises } else { Way::Falls };
    }
    let known = WAYS.iter().find(|(start, of, _)| name.starts_with(start) && *of == panel);
    known.is_none_or(|(_, _, wanted)| way == *wanted)
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

/// Takes a command, and has whoever sits beside the session answer where it asks for advice: the scripted advisor, where
/// nobody else was named.
///
/// # Errors
/// As [`OpenSession::apply`], or there is no answer; asking again is not charged then.
pub fn apply(open: &mut OpenSession, seat: Seat, by: &str, command: &Command) -> Result<Reply, ApplyError> {
    let mut reply = open.apply(seat, by, command)?;
    if let Command::Advise { asking } = command {
        let mut advisor = open.advisor.take().unwrap_or_else(|| Box::new(Scripted::default()));
        let (answer, name) = (advisor.advise(&mut open.session, *asking), advisor.name());
        open.advisor = Some(advisor);
        let answer = answer.map_err(|why| Refusal(format!("the assistant has no answer: {why}")))?;
        if let Some(advice) = answer {
            let said = open.apply(Seat::Assistant, &name, &Command::Advice(advice))?;
            reply.notices.extend(said.notices);
            (reply.text, reply.data) = (said.text, said.data);
        }
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
    /// Which of its ways of telling it takes.
    pub voice: usize,
}

impl Scripted {
    /// What it draws from a seed.
    pub fn lot(&self, seed: u64) -> Lot {
        let mut stream = Stream::new(seed, 0, Purpose::Advice, 0);
        let (right, moves) = (stream.chance(self.right), stream.chance(self.moves));
        Lot { right, moves, percent: 78 + stream.below(13) as u8, voice: stream.below(64) as usize }
    }
}

impl Advisor for Scripted {
    fn advise(&mut self, session: &mut Session, asking: Asking) -> Result<Option<Advice>, String> {
        self.says(session, asking).map(Some)
    }

    fn name(&self) -> String {
        NAME.to_string()
    }
}

impl Scripted {
    /// What it says to what was asked.
    ///
    /// # Errors
    /// A board cannot be read.
    pub fn says(&self, session: &mut Session, asking: Asking) -> Result<Advice, String> {
        let lot = self.lot(session.seal().seed);
        let scene = Scene::read(session)?;
        let given: Vec<(Asking, Advice)> =
            session.advising().given().iter().map(|g| (g.asking, g.advice.clone())).collect();
        let voice = lot.voice + given.len();
        let Some((_, last)) = given.last() else {
            let name = scene.claims(lot.right, &[]);
            return Ok(scene.advice(name, &Telling { percent: lot.percent, voice, how: How::Asked }, &[], FIRST));
        };
        let shown: Vec<&Citation> =
            given.iter().filter(|(_, a)| a.mechanism == last.mechanism).flat_map(|(_, a)| &a.citations).collect();
        let pinned = |observation: u32| {
            let look = session.observations().get((observation as usize).saturating_sub(1)).map(|o| title(&o.look));
            format!("E{observation} ({})", look.unwrap_or_default())
        };
        Ok(match asking {
            Asking::Plain => {
                scene.advice(&last.mechanism, &Telling { percent: last.percent, voice, how: How::Asked }, &[], FIRST)
            }
            Asking::Sure => {
                // Where there is nothing fresh to show it is no surer than before, and says so.
                let how = if scene.has_more(&last.mechanism, &shown) { How::Pressed } else { How::Exhausted };
                let more = if matches!(how, How::Pressed) { 3 } else { 0 };
                let told = Telling { percent: (last.percent + more).min(97), voice, how };
                scene.advice(&last.mechanism, &told, &shown, FRESH)
            }
            Asking::Against { observation } if lot.moves && refutes(session, observation, &last.mechanism) => {
                let left: Vec<&str> = given.iter().map(|(_, a)| a.mechanism.as_str()).collect();
                // It leaves what it said, for the truth if it was wrong, and for what fits next if it was right.
                let right = !scene.true_ones.iter().any(|t| left.contains(&t.as_str()));
                let (pin, from) = (pinned(observation), last.mechanism.as_str());
                let told = Telling { percent: lot.percent - 15, voice, how: How::Turned { pin: &pin, from } };
                scene.advice(scene.claims(right, &left), &told, &[], FIRST)
            }
            Asking::Against { observation } => {
                let pin = pinned(observation);
                let told = Telling { percent: last.percent, voice, how: How::Unmoved { pin: &pin } };
                scene.advice(&last.mechanism, &told, &shown, FRESH)
            }
        })
    }
}

/// How something is told.
struct Telling<'a> {
    percent: u8,
    voice: usize,
    how: How<'a>,
}

/// On what occasion.
#[derive(Clone, Copy)]
enum How<'a> {
    /// Whoever plays wants advice.
    Asked,
    /// They ask whether it is sure.
    Pressed,
    /// They ask again, and everything was shown.
    Exhausted,
    /// A pin has made it think again.
    Turned { pin: &'a str, from: &'a str },
    /// A pin was held against it, and it stays.
    Unmoved { pin: &'a str },
}

/// What an advisor makes of a moment: every board as signs, and what may be told of them.
struct Scene {
    signs: Signs,
    told: String,
    scenario: String,
    variant: String,
    /// Mechanisms of the variant's causes as the author has them, the root first.
    true_ones: Vec<String>,
    /// What a story that is not so is shown by is chosen by these; none where nobody built tables.
    tables: Option<Tables>,
}

/// An ideal observer's tables, what panels show it of this world, and when it is, in seconds after the page.
struct Tables {
    observer: Observer,
    reading: Reading,
    at_s: f64,
}

impl Tables {
    fn read(session: &Session) -> Option<Tables> {
        let (scenario, watch) = (session.scenario(), session.watch());
        let observer = Observer::built_in(scenario).ok()?;
        let paged_s = SimTime(session.seal().paged_at_ns).as_secs_f64();
        let after_opening_s = paged_s - watch.scene.open_at.as_secs_f64();
        let reading = Reading::of_panels(watch, after_opening_s, scenario.file.length_s.as_secs_f64());
        Some(Tables { observer, reading, at_s: session.now().as_secs_f64() - paged_s })
    }
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
        let tables = Tables::read(session);
        Ok(Scene { signs, told, scenario: session.scenario().name.clone(), variant, true_ones, tables })
    }

    /// What it claims: the truth, or what fits best of what is not; but nothing that it `left`.
    fn claims(&self, right: bool, left: &[&str]) -> &str {
        // Looked for in both cases, so that how long it takes tells nothing.
        let untrue = self.untrue(left);
        if right && !left.contains(&self.true_ones[0].as_str()) { &self.true_ones[0] } else { untrue }
    }

    /// The best story that is not so; but a worse one where that alone can be shown without giving itself away.
    fn untrue(&self, left: &[&str]) -> &'static str {
        let free = |name: &&str| !self.is_true(name) && !left.contains(name);
        let found = findings(&self.signs, &self.told);
        let stories: Vec<&'static str> = found.iter().map(|finding| finding.mechanism).filter(free).collect();
        let keeps = |name: &&&str| {
            let evidence = self.evidence(name);
            let offered: Vec<&(&'static Panel, &Sign)> = evidence.iter().collect();
            self.tells_least(name, &offered, &[], FIRST).is_none_or(|(_, tells)| tells <= LITTLE)
        };
        let moved = |name: &&str| self.own(name).iter().map(|(_, sign)| sign.moved().abs()).fold(0.0, f64::max);
        stories.iter().take(STORIES).find(keeps).or(stories.first()).copied().unwrap_or_else(|| {
            // No story is left that is told at all: the one whose panels moved most.
            told_of().filter(free).max_by(|a, b| moved(a).total_cmp(&moved(b))).unwrap_or("serving.capacity")
        })
    }

    fn is_true(&self, name: &str) -> bool {
        self.true_ones.iter().any(|t| t == name)
    }

    /// Of what there is to show for a story, places of what tells least between it and the truth, beside what was shown, and by
    /// how many nats that tells.
    fn tells_least(
        &self,
        name: &str,
        offered: &[&(&'static Panel, &Sign)],
        shown: &[&Citation],
        most: usize,
    ) -> Option<(Vec<usize>, f64)> {
        let Tables { observer, reading, at_s } = self.tables.as_ref()?;
        let truth: Vec<&str> = self.true_ones.iter().map(String::as_str).collect();
        let between = Between { truth: &truth, claim: name, from_s: at_s - f64::from(WINDOW_S), to_s: *at_s };
        let offered: Vec<&Panel> = offered.iter().map(|(panel, _)| *panel).collect();
        let known = BOARDS.iter().flat_map(|board| board.panels).filter(|p| shown.iter().any(|c| c.shows == p.title));
        Some(between.least(&Mind::new(observer, reading), &offered, &known.collect::<Vec<_>>(), most))
    }

    /// Panels where a mechanism shows, with the line of each that moved most, those that moved before those that stood.
    fn own(&self, name: &str) -> Vec<(&'static Panel, &Sign)> {
        let of = self.is_true(name).then_some((self.scenario.as_str(), self.variant.as_str()));
        let usual = hints::shown_by(name, of).into_iter().map(|(_, panel)| panel.id);
        let mut ids: Vec<&str> = usual.chain(panels_of(name)).collect();
        let mut seen = Vec::new();
        ids.retain(|id| {
            !seen.contains(id) && {
                seen.push(*id);
                true
            }
        });
        // What goes the wrong way for a claim is not shown for it.
        let mut own: Vec<(&'static Panel, &Sign)> = ids.into_iter().filter_map(|id| self.line_for(name, id)).collect();
        own.sort_by_key(|(_, sign)| sign.moved().abs() <= LEAST);
        own
    }

    /// The line of a panel that moved farthest, of those that go as a mechanism would have them.
    fn line_for(&self, name: &str, panel: &str) -> Option<(&'static Panel, &Sign)> {
        let fitting = self.signs.of(panel).filter(|sign| fits(name, panel, sign));
        shown_on(panel, fitting.max_by(|a, b| a.moved().abs().total_cmp(&b.moved().abs()))?)
    }

    fn line(&self, panel: &str) -> Option<(&'static Panel, &Sign)> {
        shown_on(panel, self.signs.loudest(panel)?)
    }

    /// What users feel: the line of first tokens or of failures that moved more.
    fn symptom(&self) -> Option<(&'static Panel, &Sign)> {
        let both = FELT.into_iter().filter_map(|panel| self.line(panel));
        both.max_by(|a, b| a.1.moved().total_cmp(&b.1.moved()))
    }

    /// What it can show for a mechanism, best first: where that shows, what users feel, and whatever else went along.
    fn evidence(&self, name: &str) -> Vec<(&'static Panel, &Sign)> {
        let own = self.own(name);
        if name == NO_FAULT {
            // Nobody is worse off: what stands is shown.
            let calm = CALM.into_iter().filter_map(|panel| self.line(panel)).filter(|(_, s)| Way::of(s) == Way::Stands);
            let still = own.iter().copied().filter(|(_, sign)| Way::of(sign) == Way::Stands);
            let all: Vec<_> = still.chain(calm).collect();
            if !all.is_empty() {
                return once(all);
            }
        }
        let moved = own.iter().filter(|(_, sign)| LEAST < sign.moved().abs()).count();
        let mut all: Vec<_> = own.into_iter().take(moved.max(1)).collect();
        let symptom = self.symptom();
        all.extend(symptom.filter(|(panel, sign)| fits(name, panel.id, sign)));
        let goes = |sign: &Sign| symptom.map_or(0.5, |(_, s)| sign.with(s).abs()) * sign.moved().abs();
        // Of these too, nothing that speaks against what is claimed; and what fell with it is a sign of nothing.
        let rose = |panel: &Panel| {
            let signs = self.signs.of(panel.id).filter(|sign| LEAST < sign.moved() && fits(name, panel.id, sign));
            shown_on(panel.id, signs.max_by(|a, b| a.moved().total_cmp(&b.moved()))?)
        };
        let mut others: Vec<_> =
            BOARDS.iter().flat_map(|board| board.panels).filter_map(rose).filter(worth_a_word).collect();
        others.sort_by(|a, b| goes(b.1).total_cmp(&goes(a.1)));
        all.extend(others);
        if all.is_empty() {
            all.extend(symptom.or_else(|| BOARDS.iter().flat_map(|b| b.panels).find_map(|panel| self.line(panel.id))));
        }
        once(all)
    }

    /// Whether there is anything to show for a mechanism that was not shown.
    fn has_more(&self, name: &str, shown: &[&Citation]) -> bool {
        self.evidence(name).iter().any(|(panel, _)| !shown.iter().any(|c| c.shows == panel.title))
    }

    /// Advice for a mechanism with citations that were not shown before, where there are any left.
    fn advice(&self, name: &str, told: &Telling<'_>, shown: &[&Citation], most: usize) -> Advice {
        let evidence = self.evidence(name);
        let fresh = |(panel, _): &&(&'static Panel, &Sign)| !shown.iter().any(|c| c.shows == panel.title);
        let fresh: Vec<&(&'static Panel, &Sign)> = evidence.iter().filter(fresh).collect();
        // Chosen for both, so that how long it takes tells nothing.
        let chosen = self.tells_least(name, &fresh, shown, most);
        let mut cited: Vec<&(&'static Panel, &Sign)> = match chosen {
            Some((places, _)) if !self.is_true(name) => places.iter().map(|place| fresh[*place]).collect(),
            _ => fresh.into_iter().take(most).collect(),
        };
        if cited.is_empty() {
            cited = evidence.iter().take(1).collect();
        }
        let citations: Vec<Citation> = cited.iter().map(|(panel, sign)| citation(panel, sign)).collect();
        let claim = claim(name, &cited, told);
        let refute = refutation(name, &cited, shown);
        Advice { v: VERSION, claim, mechanism: name.to_string(), percent: told.percent, citations, refute }
    }
}

/// Whether an observation speaks against a claim: by the ideal observer's tables, if what it shows takes as much from the
/// claim as a disconfirming look does; where nobody built any, whoever linked it is believed. Tables do not know every
/// claim: one that they do not have is refuted by what speaks as much for any other.
fn refutes(session: &Session, observation: u32, claim: &str) -> bool {
    let Some((observer, reading)) = tables(session) else { return true };
    let mut mind = Mind::new(&observer, &reading);
    mind.take(mind.first_screen());
    let was = mind.beliefs();
    mind.take(shown_by(session, &mind, observation));
    let is = mind.beliefs();
    if observer.hypotheses.iter().any(|h| h.holds(claim)) {
        let lost = logit(observer.of_mechanism(&was, claim)) - logit(observer.of_mechanism(&is, claim));
        return DISCONFIRMS <= lost;
    }
    was.iter().zip(&is).any(|(was, is)| DISCONFIRMS <= logit(*is) - logit(*was))
}

/// How it begins, by the occasion; `{}` is what it shows.
const ASKED: [&str; 4] = [
    "I have read every board, and this is what moved: {}",
    "Look at it together: {}",
    "It is all there: {}",
    "Three lines tell it: {}",
];
const PRESSED: [&str; 4] = [
    "Yes. There is more that goes along with it: {}",
    "I am, and surer than before. See this too: {}",
    "Quite sure. Beside what I showed you, {}",
    "Yes; nothing that I have read since speaks otherwise, and this goes with it: {}",
];
/// Between what it shows.
const TOGETHER: [&str; 3] = [", and over the same minutes ", "; at the same time ", ", while "];
/// How it gets from there to a story; `{}` is the mechanism, as the list has it.
const STORIES_OF: [&str; 4] = [
    "That is one story, and a plain one: {}.",
    "I know of one thing that looks like this: {}.",
    "This is how it goes with one thing above all: {}.",
    "There is a name for it: {}.",
];

/// The story of what it cites, and what to do. Which words it takes follows from the seed, and from nothing else.
fn claim(name: &str, cited: &[&(&'static Panel, &Sign)], told: &Telling<'_>) -> String {
    let is = mechanism(name).map_or(name, |m| m.is);
    let one_of = |of: &[&'static str], by: usize| of[(told.voice / by) % of.len()];
    let says: Vec<String> =
        cited.iter().map(|(panel, sign)| format!("{} {}", in_a_sentence(panel.title), went(panel, sign))).collect();
    let shows = match says.as_slice() {
        [] => "there is little to see".to_string(),
        [all @ .., last] if !all.is_empty() => format!("{}{}{last}", all.join(", "), one_of(&TOGETHER, 4)),
        all => all.join(""),
    };
    let few = says.len() < 3;
    let begins = match told.how {
        How::Asked if few => ASKED[told.voice % (ASKED.len() - 1)].replace("{}", &shows),
        How::Asked => one_of(&ASKED, 1).replace("{}", &shows),
        How::Pressed => one_of(&PRESSED, 1).replace("{}", &shows),
        How::Exhausted => format!("I have nothing that you have not seen, and I stay with it: {shows}"),
        How::Turned { pin, from } => format!("{pin} does not go with {from}: I take that back. What is left: {shows}"),
        How::Unmoved { pin } => format!("{pin} fits in as well. And see this: {shows}"),
    };
    let remedy = REMEDIES.iter().find(|(start, _)| name.starts_with(start)).map_or("", |(_, remedy)| remedy);
    format!("{begins}. {} {remedy}", one_of(&STORIES_OF, 2).replace("{}", is))
}

/// A title as it stands within a sentence.
fn in_a_sentence(title: &str) -> String {
    let mut letters = title.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => first.to_lowercase().chain(letters).collect(),
        _ => title.to_string(),
    }
}

/// What would speak against a story: a panel that has to go a way for it, and that was not shown; else that its own panel
/// moved too late to be the cause.
fn refutation(name: &str, cited: &[&(&'static Panel, &Sign)], before: &[&Citation]) -> String {
    let is_shown = |id: &str, title: &str| {
        cited.iter().any(|(panel, _)| panel.id == id || panel.title == title) || before.iter().any(|c| c.shows == title)
    };
    let told = panels_of(name).filter_map(|panel| {
        let way = if rises(name, panel)? { Way::Rises } else { Way::Falls };
        Some((panel, way))
    });
    let known = WAYS.iter().filter(|(start, ..)| name.starts_with(start)).map(|(_, panel, way)| (*panel, *way));
    let placed = told.chain(known).find_map(|(id, way)| {
        let on = |board: &&'static Board| {
            board.panels.iter().find(|p| p.id == id && !is_shown(id, p.title)).map(|panel| (board.id, panel))
        };
        BOARDS.iter().find_map(|board| on(&board)).map(|found| (found, way))
    });
    if let Some(((board, panel), way)) = placed {
        let against = match way {
            Way::Rises => "did not rise as well",
            Way::Falls => "did not fall as well",
            Way::Stands => "moved as well",
        };
        return format!("I am wrong if \"{}\" on `board {board}` {against}.", panel.title);
    }
    let (question, board, panel) = hints::question(name);
    if let Some((shown, _)) = cited.first().filter(|_| is_shown("", panel)) {
        return format!("{question} I am wrong if users were hurt before \"{}\" moved.", shown.title);
    }
    format!("{question} I am wrong if \"{panel}\" on `board {board}` moved only after users were hurt, or not at all.")
}

/// Whether somebody who reads charts would speak of a line: not where next to nothing became next to nothing, and not where
/// something has only just been put up.
fn worth_a_word((panel, sign): &(&'static Panel, &Sign)) -> bool {
    let most = sign.before.abs().max(sign.now.abs());
    let is_much = match panel.unit {
        Unit::Share => 0.1 <= most,
        Unit::Percent | Unit::Count => 10.0 <= most,
        Unit::PerSecond => 0.5 <= most,
        _ => true,
    };
    // Errors come from nothing; what machines do does not.
    let is_new = sign.before.abs() < 0.05 * most
        && matches!(panel.unit, Unit::Percent | Unit::Watts | Unit::Share | Unit::Count);
    is_much && !is_new
}

/// A line with its panel on the board that showed it: a panel may stand on several, under other titles.
fn shown_on<'s>(panel: &str, sign: &'s Sign) -> Option<(&'static Panel, &'s Sign)> {
    let board = BOARDS.get(sign.observation as usize)?;
    Some((board.panels.iter().find(|p| p.id == panel)?, sign))
}

/// Each panel once, in order, and each line once where two boards have it.
fn once<'s>(all: Vec<(&'static Panel, &'s Sign)>) -> Vec<(&'static Panel, &'s Sign)> {
    let mut kept: Vec<(&'static Panel, &'s Sign)> = Vec::new();
    for (panel, sign) in all {
        let same = |(other, shown): &(&'static Panel, &Sign)| {
            let line = |sign: &Sign| (sign.legend.clone(), sign.before.to_bits(), sign.now.to_bits());
            other.title == panel.title || (line(shown) == line(sign) && sign.now != sign.before)
        };
        if !kept.iter().any(same) {
            kept.push((panel, sign));
        }
    }
    kept
}

fn citation(panel: &Panel, sign: &Sign) -> Citation {
    let board = BOARDS.get(sign.observation as usize).map_or("", |board| board.id).to_string();
    let line = if sign.legend.is_empty() { String::new() } else { format!("{} ", sign.legend) };
    Citation {
        look: Look::Board { board, window_s: WINDOW_S },
        shows: panel.title.to_string(),
        says: format!("{line}{}", went(panel, sign)),
        reads: Some(Reads { line: sign.legend.clone(), from: sign.before, to: sign.now }),
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
