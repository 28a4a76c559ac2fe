//! The words of a host's kit: injects with their commands, freezes with what is true then, questions, the debrief's phases.

use crate::report::hostkit::{Freeze, Inject, Phase, Teller};
use crate::scenario::mechanisms::mechanism;
use crate::scenario::opened::Scenario;
use crate::score::whatif::unserved;
use crate::session::inject;
use crate::sim::rng::mix;
use crate::sim::series::Series;
use crate::sim::time::SimTime;
use crate::telemetry::colleagues::colleagues;

/// Usual is what was there over so many seconds after the opening.
const USUAL_S: f64 = 60.0;

/// Six, in the order in which they fit: pressure, a wrong lead, a gap, a second fault, a second page, somebody who is gone.
pub(super) fn injects(
    scenario: &Scenario,
    variant: &str,
    seed: u64,
    teller: &Teller,
    tempting: &[String],
    true_ones: &[String],
) -> Vec<Inject> {
    let open = |after_s: f64, what, why: String, commands: Vec<String>| {
        let at = teller.moment_at(after_s);
        Inject { after: teller.after(at), time: (teller.clock)(at), what, why, commands }
    };
    let people = colleagues();
    let someone = |n: u64| {
        let place = (mix(seed, n) % people.len().max(1) as u64) as usize;
        people.get(place).map_or("colleague".to_string(), |p| p.handle.clone())
    };
    let lead = tempting.first().and_then(|m| mechanism(m)).map_or("somebody changed something", |m| m.is);
    let fault = |candidates: &[(&str, &str)], minutes: u32| -> Vec<String> {
        let fits = |(mechanism, fault): &&(&str, &str)| {
            let is_new = !true_ones.iter().any(|m| m == mechanism);
            is_new && inject::inject(scenario, variant, 1, teller.paged_at, (mechanism, fault, None)).is_ok()
        };
        let found = candidates.iter().find(fits);
        found.map(|(mechanism, fault)| format!("host inject {mechanism} {fault} for {minutes}m")).into_iter().collect()
    };
    let gap = fault(
        &[
            ("telemetry.measurement", "ScrapesLost(job: Some(\"dcgm\"), share: 1)"),
            ("telemetry.measurement", "ScrapesLost(share: 0.7)"),
            ("telemetry.alert_rule", "ScrapesLost(share: 0.7)"),
        ],
        4,
    );
    let second = fault(
        &[
            ("api.auth_shard", "AuthShardDown(shard: 1)"),
            ("network.latency", "LinkLatency(hop: Edge, added_s: 0.4)"),
            ("network.loss", "LinkLoss(hop: Edge, loss: 0.03)"),
        ],
        5,
    );
    vec![
        open(
            180.0,
            "pressure",
            "Somebody above wants numbers. Does one of them answer, and does the rest go on working?".to_string(),
            vec!["host say cto \"I am about to be asked. Which customers are hurt, and when is it over?\"".to_string()],
        ),
        open(
            300.0,
            "a wrong lead",
            format!("A colleague is sure of what only seems to be it: {lead}. Who asks for a number?"),
            vec![format!(
                "host say {} \"I have seen exactly this before: {lead}. Why are we still looking?\"",
                someone(11)
            )],
        ),
        open(
            420.0,
            "a gap in what is measured",
            "Series end for some minutes. Is no data read as zero, or as health?".to_string(),
            gap,
        ),
        open(
            600.0,
            "a second page",
            "It has nothing to do with the first. Who takes it, and who goes on?".to_string(),
            vec!["host page \"Customer bridge is open, severity asked for; join or hand over\"".to_string()],
        ),
        open(
            780.0,
            "a second fault",
            "One cause is found, so there is one? It joins the causes of that session and its debrief.".to_string(),
            second,
        ),
        open(
            900.0,
            "somebody drops out",
            "The one who leads is gone. What was only in that head? Duties fall to whoever is there.".to_string(),
            vec!["host leave ana".to_string(), "host return ana".to_string()],
        ),
    ]
}

/// Two moments at which screens go blank, with what is true then.
pub(super) fn freezes(series: &Series, teller: &Teller) -> Vec<Freeze> {
    let at_s = |at: SimTime| at.as_secs_f64() - teller.open_at.as_secs_f64();
    let bucket = |s: f64| series.t_s.iter().position(|end| s <= *end).unwrap_or(series.t_s.len().saturating_sub(1));
    let mean = |values: &[f64], from_s: f64, to_s: f64| {
        let inside = series.t_s.iter().zip(values).filter(|(t, _)| from_s < **t && **t <= to_s).map(|(_, v)| *v);
        let (sum, n) = inside.fold((0.0, 0u32), |(sum, n), v| (sum + v, n + 1));
        if n == 0 { f64::NAN } else { sum / f64::from(n) }
    };
    let hurt = unserved(series);
    let freeze = |after_s: f64| {
        let at = teller.moment_at(after_s);
        let s = at_s(at);
        let now = |values: &[f64]| mean(values, s - USUAL_S, s);
        let usual = |values: &[f64]| mean(values, 0.0, USUAL_S);
        let against = |name: &str, values: &[f64]| {
            let ratio = now(values) / usual(values);
            let word = match ratio {
                r if !r.is_finite() => "cannot be told".to_string(),
                r if (0.85..1.18).contains(&r) => "as usual".to_string(),
                r => format!("{r:.1} times usual"),
            };
            format!("{name}: {word} ({:.1} /s)", now(values))
        };
        let hits = |place: usize| series.hit_ratio.get(place).copied().flatten();
        let hit = match (hits(bucket(USUAL_S)), hits(bucket(s))) {
            (Some(usual), Some(now)) => format!("hit ratio: {:.0} %, usually {:.0} %", now * 100.0, usual * 100.0),
            _ => "hit ratio: not measured".to_string(),
        };
        Freeze {
            after: teller.after(at),
            time: (teller.clock)(at),
            commands: vec![
                "host freeze \"Unique requests, not tries: more, fewer or as usual? What share of users is hurt? In five minutes, if nobody acts: better, worse, the same?\""
                    .to_string(),
                "host release".to_string(),
            ],
            truth: vec![
                against("unique requests", &series.intents_per_s),
                against("requests incl. retries", &series.attempts_per_s),
                hit,
                format!("not served in time: {:.0} % of what users wanted", hurt.get(bucket(s)).copied().unwrap_or(0.0) * 100.0),
                format!(
                    "five minutes later, if nobody acts: {:.0} %",
                    hurt.get(bucket(s + 300.0)).copied().unwrap_or(0.0) * 100.0
                ),
            ],
        }
    };
    vec![freeze(240.0), freeze(720.0)]
}

/// Questions to ask: the author's, what would have told look-alikes apart, the traps, and what serves always.
pub(super) fn questions(
    scenario: &Scenario,
    traps: &[String],
    true_ones: &[String],
    tempting: &[String],
) -> Vec<String> {
    let is = |m: &str| mechanism(m).map_or(m.to_string(), |m| m.is.to_string());
    let mut found = scenario.file.lesson.notes.clone();
    let was = true_ones.first().map_or("nothing being wrong".to_string(), |m| is(m));
    for other in tempting.iter().take(3) {
        found.push(format!(
            "What would you have seen if it had been \u{201c}{}\u{201d}, and not \u{201c}{was}\u{201d}? Which one look tells them apart?",
            is(other)
        ));
    }
    found.extend(traps.iter().map(|trap| format!("Was there a moment at which {trap}? What did it rest on?")));
    found.push("What did you know at the moment of your first commit, and what did you only think?".to_string());
    found.push("What did customers hear from you, and was it true when they heard it?".to_string());
    found.push("Which order would you give again, and what told you that it worked?".to_string());
    found
}

/// The debrief, in the four phases of medical simulation: reactions, description, analysis, summary.
pub(super) fn phases() -> Vec<Phase> {
    let own = |texts: &[&str]| texts.iter().map(|t| (*t).to_string()).collect();
    vec![
        Phase {
            name: "Reactions",
            minutes: 5,
            aim: "Let off steam, so that people can think.",
            prompts: own(&[
                "One word each: how was that? No explanations yet.",
                "Say it first: nobody here is examined, the simulator was.",
                "Everybody speaks once before anybody speaks twice.",
            ]),
        },
        Phase {
            name: "Description",
            minutes: 8,
            aim: "One story that everybody shares, and no reasons yet.",
            prompts: own(&[
                "Somebody who did not lead tells what happened, in two minutes.",
                "What did users go through, and from when on?",
                "Write down three moments on which it turned. Which do the others have?",
            ]),
        },
        Phase {
            name: "Analysis",
            minutes: 25,
            aim: "Why it made sense at the time, and what would have told.",
            prompts: own(&[
                "Plus and delta for each of the three moments: what to keep, what to change.",
                "Show the debrief (`scartissue debrief SESSION --html F`): the turning points, seen first, then f.",
                "Several teams: `scartissue gameday report A B C --html F`, and the questions on which they parted.",
                "One counterfactual, and one only. What would have had to be known for it?",
            ]),
        },
        Phase {
            name: "Summary",
            minutes: 7,
            aim: "What is taken home, said by those who take it.",
            prompts: own(&[
                "Each in one sentence: what I look at first next time. (`scartissue rule SESSION \"...\"` keeps it.)",
                "One thing that the room will change at work, with a name and a date.",
                "When do we do this again? (`scartissue drill` brings back what fades.)",
            ]),
        },
    ]
}

/// Commands that begin a team.
pub(super) fn start(code: &str) -> Vec<String> {
    vec![
        format!("scartissue play --code {code} --host"),
        format!(
            "scartissue play --code {code} --host --role ana=commander:overview --role ben=operator:serving,kv_cache --role cy=communicator:sdk,api --role dee=scribe:network,accelerator"
        ),
    ]
}
