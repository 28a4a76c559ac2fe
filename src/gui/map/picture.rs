//! What the map is to show. A picture of what was seen is made without access to the truth; one of what was happening is
//! made for a debrief only.

use crate::sim::time::SimTime;
use crate::telemetry::journeys::{BEHIND, Journey, Place};
use crate::telemetry::spans::HEAD_SAMPLE;
use crate::telemetry::stack_map::{StackMap, State, short};

/// A request under way.
#[derive(Clone, Debug, PartialEq)]
pub struct Dot {
    /// Its trace.
    pub trace: String,
    /// Where.
    pub place: Place,
    /// Which share of that place is behind it.
    pub share: f32,
    /// Its lane, 0 to 1.
    pub lane: f32,
    /// A try after the first: drawn as a ring. Never where tries are not told apart.
    pub again: bool,
    /// It fails where it is.
    pub failed: bool,
}

/// A tank.
#[derive(Clone, Debug, PartialEq)]
pub struct Tank {
    /// As it is written.
    pub title: String,
    /// How full, 0 to 1; none: not measured.
    pub fill: Option<f64>,
    /// Of what; empty: this layer has no tank.
    pub fill_of: String,
    /// The share from which on it counts as too full; none: no share of it is too much by itself.
    pub limit: Option<f64>,
    /// Its outline.
    pub state: State,
    /// Requests in line.
    pub queue: f64,
    /// Numbers below, with whether they stand out.
    pub readings: Vec<(String, State)>,
}

/// Tries over wishes: what retries make of the load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loop {
    /// The share of requests that are tries after the first.
    pub share: f64,
    /// Requests for each unique one.
    pub times: f64,
}

/// The whole picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// A headline.
    pub title: String,
    /// A sentence below it.
    pub says: String,
    /// Lines at the right: scale and age.
    pub legend: [String; 2],
    /// Six tanks.
    pub tanks: Vec<Tank>,
    /// What flows from each to the next: requests per second and what is written; none: not measured.
    pub flows: Vec<Option<(f64, String)>>,
    /// The rate at which a ribbon has its usual width.
    pub reference_rate: f64,
    /// Requests under way.
    pub dots: Vec<Dot>,
    /// Retries, where they are told apart.
    pub retries: Option<Loop>,
    /// The share of prompt tokens that a cache had, where that is asked for.
    pub reuse: Option<f64>,
    /// Changes that were looked up, the latest first: a layer's place and a time of day.
    pub changes: Vec<(usize, String)>,
    /// Room is left for arcs that are not there, so that pictures with and without them have one camera.
    pub still: bool,
    /// What has to be done before anything measured is shown; none: it is shown.
    pub veil: Option<String>,
    /// Words on a tank that was lost, by place.
    pub notes: Vec<(usize, String)>,
}

/// What was seen at a moment: from scrapes and traces alone.
pub fn seen(stack: &StackMap, reference_rate: f64, journeys: &[Journey], now: SimTime, title: String) -> Picture {
    let played = SimTime(now.0.saturating_sub(BEHIND.0));
    let dots = journeys.iter().filter_map(|j| dot(j, played)).collect();
    let rate = |place: usize| stack.layers[place].rate;
    let flow = |place: usize, what: &str| {
        rate(place)
            .map(|r| (r, if what.is_empty() { format!("{}/s", short(r)) } else { format!("{}/s {what}", short(r)) }))
    };
    let worst = stack.layers.iter().filter(|l| l.state != State::Unknown).map(|l| l.state).max();
    let unknown: Vec<&str> = stack.layers.iter().filter(|l| l.state == State::Unknown).map(|l| l.title).collect();
    let says = match (worst, unknown.is_empty()) {
        (_, false) => format!("No data from {}: hatched, never painted healthy", unknown.join(", ")),
        (Some(State::Steady), _) => "Nothing asks for your eye".to_string(),
        (Some(_), _) => {
            let odd = stack.layers.iter().filter(|l| State::Steady < l.state).map(|l| l.title.to_lowercase());
            format!("Beyond their marks: {}", odd.collect::<Vec<_>>().join(", "))
        }
        (None, _) => "No data yet".to_string(),
    };
    Picture {
        title,
        says,
        legend: [
            format!(
                "1 dot = 1 traced request (1 in {HEAD_SAMPLE})  ·  ribbon width = requests/s  ·  fill = scarcest resource"
            ),
            format!("dots play {:.0} s behind the clock  ·  retries look like any request", BEHIND.as_secs_f64()),
        ],
        tanks: stack.layers.iter().map(tank).collect(),
        flows: vec![flow(0, ""), flow(1, ""), flow(3, ""), flow(4, "started"), flow(5, "look-ups")],
        reference_rate,
        dots,
        retries: None,
        reuse: None,
        changes: Vec::new(),
        still: false,
        veil: None,
        notes: Vec::new(),
    }
}

/// How the stack is built, before anything measured of it may be shown.
pub fn built(stack: &StackMap, title: String, says: &str, veil: &str) -> Picture {
    let bare = |layer: &crate::telemetry::stack_map::Layer| {
        let tank = tank(layer);
        let absent = tank.state == State::Absent;
        Tank {
            fill: None,
            queue: 0.0,
            state: if absent { State::Absent } else { State::Steady },
            readings: if absent { tank.readings } else { Vec::new() },
            ..tank
        }
    };
    Picture {
        title,
        says: says.to_string(),
        legend: [String::new(), "how the stack is built; nothing measured is shown yet".to_string()],
        tanks: stack.layers.iter().map(bare).collect(),
        flows: vec![None; stack.layers.len() - 1],
        reference_rate: 1.0,
        dots: Vec::new(),
        retries: None,
        reuse: None,
        changes: Vec::new(),
        still: false,
        veil: Some(veil.to_string()),
        notes: Vec::new(),
    }
}

/// The layer of a service, as its name says it; none: it is beside the stack.
pub fn layer_of(service: &str) -> Option<usize> {
    const NAMES: [(usize, &[&str]); 6] = [
        (5, &["kv-", "kv_", "cache"]),
        (0, &["-sdk", "sdk-", "client"]),
        (1, &["dns", "edge", "network", "lb-", "envoy", "ingress", "mesh"]),
        (4, &["gpu", "driver", "accelerator", "dcgm"]),
        (3, &["vllm", "serving", "router", "engine", "agents-", "chat-", "autoscaler"]),
        (2, &["gateway", "auth", "api"]),
    ];
    NAMES.iter().find(|(_, words)| words.iter().any(|w| service.contains(w))).map(|(place, _)| *place)
}

fn tank(layer: &crate::telemetry::stack_map::Layer) -> Tank {
    Tank {
        title: layer.title.to_string(),
        fill: layer.fill,
        fill_of: layer.fill_of.to_string(),
        limit: layer.limit,
        state: layer.state,
        queue: layer.queue.unwrap_or(0.0),
        readings: layer.readings.iter().map(|r| (r.text.clone(), r.state)).collect(),
    }
}

fn dot(journey: &Journey, now: SimTime) -> Option<Dot> {
    let (place, share) = journey.at(now)?;
    let last = journey.stages.last().is_some_and(|s| s.place == place);
    Some(Dot {
        trace: journey.trace.clone(),
        place,
        share,
        lane: journey.lane,
        again: false,
        failed: journey.failed && last && 0.8 < share,
    })
}

impl Picture {
    /// The picture in words: every mark that stands out is in it.
    pub fn text(&self) -> String {
        let mut text = format!("{}. {}.", self.title, self.says);
        if let Some(veil) = &self.veil {
            text.push_str(&format!(" {veil}."));
        }
        for tank in &self.tanks {
            let readings: Vec<&str> = tank.readings.iter().map(|(r, _)| r.as_str()).collect();
            let said = readings.join(", ");
            if self.veil.is_some() || tank.state == State::Absent {
                let says = if tank.state == State::Absent { said.as_str() } else { "not shown yet" };
                text.push_str(&format!("\n{}: {says}", tank.title));
                continue;
            }
            let fill = match (tank.fill, tank.fill_of.as_str()) {
                (_, "") => String::new(),
                (Some(fill), of) => format!(", {of} {:.0} %", fill * 100.0),
                (None, of) => format!(", {of} no data"),
            };
            text.push_str(&format!("\n{}: {}, {said}{fill}", tank.title, tank.state.word()));
        }
        if let Some(retries) = self.retries {
            text.push_str(&format!("\nRetries {:.0} %, x{:.2} amplification", retries.share * 100.0, retries.times));
        }
        if let Some(reuse) = self.reuse {
            text.push_str(&format!("\nPrefix reuse {:.0} % of prompt tokens", reuse * 100.0));
        }
        for (at, clock) in &self.changes {
            text.push_str(&format!("\n{}: changed at {clock}", self.tanks[*at].title));
        }
        self.notes.iter().for_each(|(at, note)| text.push_str(&format!("\n{}: {note}", self.tanks[*at].title)));
        text
    }
}
